"""What can be asked of a dataset, and what can be changed, whatever engine holds it?

Plain values go in (strings, terms), one of three results comes out. A :class:`Database` has
states, one after another; a :class:`Dataset` is one of them, seen by one asker. A result is
read once: by iterating, by :meth:`write` or by :meth:`chunks`; closing it, or letting it go,
ends the evaluation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import pyoxigraph as ox

from peninsula.dataset.budgets import Budget
from peninsula.dataset.generations import Generation
from peninsula.formats import GRAPH_FORMATS, HTML, SOLUTION_FORMATS, TABLE_FORMATS, Format
from peninsula.policy import QueryFacts, UpdateFacts
from peninsula.serialization import Sink

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
#: One solution: a term for each variable, None where it is not bound.
Row = tuple[Term | None, ...]
#: Positions in a query, from left to right, and what is put in there.
Inlined = Sequence[tuple[int, str]]
#: Things asked about at once: enough for a page, few enough for the limit on a query's length.
_BATCH: Final = 400


class Answer(ABC):
    """What every result can do."""

    @abstractmethod
    def chunks(self, format: Format) -> Iterator[bytes]:
        """Yield the answer in ``format`` as it is evaluated."""

    def write(self, format: Format, output: Sink) -> None:
        """Write the answer in ``format``."""
        for chunk in self.chunks(format):
            output.write(chunk)

    def close(self) -> None:  # noqa: B027, not every engine has something to end
        """End the evaluation."""


#: Bytes of an answer that this process takes in to make a page of; whoever only passes an answer
#: on sets no limit.
MOST_BYTES: Final = 64 << 20


class Solutions(Answer):
    """The answer of a SELECT query."""

    variables: tuple[str, ...]
    #: Iterating over more bytes than this raises QueryOutOfMemory; None: no limit.
    most_bytes: int | None = MOST_BYTES

    @abstractmethod
    def __iter__(self) -> Iterator[Row]: ...


class Boolean(Answer):
    """The answer of an ASK query."""

    value: bool


class Graph(Answer):
    """The answer of a CONSTRUCT or DESCRIBE query, or the statements of a graph."""

    @abstractmethod
    def __iter__(self) -> Iterator[ox.Triple]: ...


Result = Solutions | Boolean | Graph


@dataclass(frozen=True, kw_only=True)
class QueryOptions:
    """What is to be known of a query besides its text."""

    #: Where either is given, they take the place of the dataset that the query names.
    default_graphs: Sequence[str] = ()
    named_graphs: Sequence[str] = ()
    #: Terms that variables are bound to.
    substitutions: Mapping[str, Term] = field(default_factory=dict)
    base: str | None = None
    #: Those that need not be declared; None: the project's.
    prefixes: Mapping[str, str] | None = None
    #: Which format will be asked for, should the answer be ``solutions``, ``boolean`` or
    #: ``graph``; with it the answer begins sooner.
    formats: Mapping[str, Format | None] = field(default_factory=dict)
    #: Rows of VALUES that this server has written itself: they are put into the query once the
    #: policy has judged it, and may be longer than it lets a query be.
    inlined: Inlined = ()


#: Those of a query that is taken as it stands.
PLAIN: Final = QueryOptions()


@dataclass(frozen=True)
class Outcome:
    """What a change did: the generation that holds it (0 for a dry run), and how much."""

    generation: int
    added: int
    removed: int
    created: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    #: What the gate had to say: warnings, a report.
    remarks: Mapping[str, Any] = field(default_factory=dict)
    #: Whether the graph that was asked for was there before.
    existed: bool = True

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.created or self.dropped)


@dataclass(frozen=True)
class Asker:
    """Who asks: in whose turn, until when, and whether anybody still listens."""

    client: str = ""
    timeout: float | None = None  # seconds; the server's own limit where it is lower
    is_gone: Callable[[], bool] | None = None
    #: Ends the connection of a client that does not take what it asked for.
    hang_up: Callable[[], None] | None = None
    #: Tells whether the client has something of the answer already.
    has_begun: Callable[[], bool] | None = None
    #: What all queries together may take.
    budget: Budget | None = None


class Dataset(Protocol):
    """Named graphs that can be queried, in one state."""

    #: Whether a query that names no graph sees the union of the named graphs.
    is_union: bool
    #: The number of the state; 0 where the engine counts none.
    generation: int

    def evaluate(self, query: str, options: QueryOptions = PLAIN) -> Result:
        """Return the answer to ``query``."""
        ...

    def parse_query(self, query: str, *, base: str | None = None) -> str:
        """Return the kind of answer that ``query`` will have, without looking into the data.

        That is ``solutions``, ``boolean`` or ``graph``. Raises what :meth:`evaluate` raises
        where the policy or the parser refuse it.
        """
        ...

    def graphs(self) -> Mapping[str, int]:
        """Return the named graphs and how many triples each holds."""
        ...

    def default_size(self) -> int:
        """Return how many triples the default graph holds, without the named graphs."""
        ...

    def statements(self, graph: str | None = None) -> Iterator[ox.Quad]:
        """Return every quad, or those of one named graph; raises UnknownGraph."""
        ...

    def dump(
        self,
        graph: str | None,
        format: Format,
        *,
        is_everything: bool = False,
        names_graph: bool = False,
    ) -> Graph:
        """Return a named graph, the default graph (None) or everything, to be written.

        ``names_graph`` says whether a named graph keeps its name, in a format that has room for it.
        """
        ...


class Database(Protocol):
    """A dataset with its past, and the way to change it."""

    is_union: bool

    @property
    def current(self) -> Generation:
        """Return the published state."""
        ...

    @property
    def shares_second(self) -> bool:
        """Return whether the state before was published in the same second."""
        ...

    def find(self, number: int) -> Generation:
        """Return a state that is kept; raises UnknownGeneration."""
        ...

    def all(self) -> list[Generation]:
        """Return the states that are kept, oldest first."""
        ...

    def view(self, asker: Asker | None = None, generation: Generation | None = None) -> Dataset:
        """Return the published state, or another one, as ``asker`` sees it."""
        ...

    def check(self, query: str, *, allows_service: bool = False) -> QueryFacts:
        """Return what the policy says of a query; raises QueryForbidden and its kind.

        A query with SERVICE is let pass with ``allows_service`` alone; to evaluate it takes
        :mod:`peninsula.federation.dataset`.
        """
        ...

    def check_update(self, update: str) -> UpdateFacts:
        """Return what the policy says of an update; raises QueryForbidden and its kind."""
        ...

    def change(
        self,
        message: Mapping[str, Any],
        *,
        timeout: float | None = None,
        precondition: Callable[[], None] | None = None,
    ) -> Outcome:
        """Make a change, and return when it is on disk and answers queries.

        ``precondition`` is called when its turn has come, and refuses it by raising. Raises
        StoreReadOnly, Overloaded, and what the change itself is refused for.
        """
        ...

    def judge(self, message: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
        """Return the validation report about what is not to be stored, as plain values."""
        ...

    def parse(
        self, path: Path, format: Format, base: str, target: Path, asker: Asker
    ) -> tuple[int, bool]:
        """Write the statements of an upload as N-Quads to ``target``, outside of this process.

        Returns their number, and whether any is in a named graph. Raises InvalidUpload.
        """
        ...


def put_in(query: str, inlined: Inlined) -> str:
    """Return ``query`` with what belongs into it."""
    parts = []
    at = 0
    for position, text in inlined:
        parts += [query[at:position], text]
        at = position
    return "".join([*parts, query[at:]]) if parts else query


def kind_of(result: Result) -> str:
    """Return ``solutions``, ``boolean`` or ``graph``."""
    if isinstance(result, Solutions):
        return "solutions"
    return "boolean" if isinstance(result, Boolean) else "graph"


def formats_for(result: Result, *, html: bool = False) -> tuple[Format, ...]:
    """Return the formats in which ``result`` can be written, in order of preference."""
    formats: tuple[Format, ...] = SOLUTION_FORMATS
    if isinstance(result, Graph):
        formats = GRAPH_FORMATS
    elif isinstance(result, Solutions):
        formats = TABLE_FORMATS
    return (*formats, HTML) if html else formats


def select(
    dataset: Dataset, query: str, substitutions: Mapping[str, Term] | None = None
) -> Solutions:
    """Return the solutions of a SELECT query of our own."""
    result = dataset.evaluate(query, QueryOptions(substitutions=substitutions or {}))
    assert isinstance(result, Solutions), "not a SELECT query"
    return result


def select_about(
    dataset: Dataset, query: str, things: Iterable[str], **values: object
) -> Iterator[Row]:
    """Yield the solutions of a query of our own about many things, asked about in batches.

    Their IRIs stand in it where it says ``{things}``, and ``values`` where it says their names.
    """
    wanted = sorted(set(things))
    for start in range(0, len(wanted), _BATCH):
        batch = " ".join(str(ox.NamedNode(iri)) for iri in wanted[start : start + _BATCH])
        yield from select(dataset, query.format(things=batch, **values))


def construct(dataset: Dataset, query: str) -> Graph:
    """Return the triples of a CONSTRUCT or DESCRIBE query of our own."""
    result = dataset.evaluate(query)
    assert isinstance(result, Graph), "not a CONSTRUCT or DESCRIBE query"
    return result
