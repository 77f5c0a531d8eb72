"""What can be asked of a dataset, whatever engine holds it?

Plain values go in (strings, terms), one of three results comes out. A result belongs to the
thread that asked for it and is read once: either by iterating or by :meth:`write`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import pyoxigraph as ox

from peninsula.formats import GRAPH_FORMATS, HTML, SOLUTION_FORMATS, Format
from peninsula.serialization import Sink

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
#: One solution: a term for each variable, None where it is not bound.
Row = tuple[Term | None, ...]


class Solutions(ABC):
    """The answer of a SELECT query."""

    variables: tuple[str, ...]

    @abstractmethod
    def __iter__(self) -> Iterator[Row]: ...

    @abstractmethod
    def write(self, format: Format, output: Sink) -> None: ...


class Boolean(ABC):
    """The answer of an ASK query."""

    value: bool

    @abstractmethod
    def write(self, format: Format, output: Sink) -> None: ...


class Graph(ABC):
    """The answer of a CONSTRUCT or DESCRIBE query."""

    @abstractmethod
    def __iter__(self) -> Iterator[ox.Triple]: ...

    @abstractmethod
    def write(self, format: Format, output: Sink) -> None: ...


Result = Solutions | Boolean | Graph


class Dataset(Protocol):
    """Named graphs that can be queried."""

    #: Whether a query that names no graph sees the union of the named graphs.
    is_union: bool

    def evaluate(
        self,
        query: str,
        *,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        substitutions: Mapping[str, Term] | None = None,
        base: str | None = None,
        prefixes: Mapping[str, str] | None = None,
    ) -> Result:
        """Return the answer to ``query``.

        ``default_graphs`` and ``named_graphs``, where either is given, take the place of the
        dataset that the query names. ``substitutions`` binds variables to terms.
        """
        ...

    def graphs(self) -> Mapping[str, int]:
        """Return the named graphs and how many triples each holds."""
        ...

    def statements(self, graph: str | None = None) -> Iterator[ox.Quad]:
        """Return every quad, or those of one named graph."""
        ...


def formats_for(result: Result, *, html: bool = False) -> tuple[Format, ...]:
    """Return the formats in which ``result`` can be written, in order of preference."""
    formats = GRAPH_FORMATS if isinstance(result, Graph) else SOLUTION_FORMATS
    return (*formats, HTML) if html else formats


def select(
    dataset: Dataset, query: str, substitutions: Mapping[str, Term] | None = None
) -> Solutions:
    """Return the solutions of a SELECT query of our own."""
    result = dataset.evaluate(query, substitutions=substitutions)
    assert isinstance(result, Solutions), "not a SELECT query"
    return result


def construct(dataset: Dataset, query: str) -> Graph:
    """Return the triples of a CONSTRUCT or DESCRIBE query of our own."""
    result = dataset.evaluate(query)
    assert isinstance(result, Graph), "not a CONSTRUCT or DESCRIBE query"
    return result
