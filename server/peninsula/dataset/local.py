"""How does an Oxigraph store in this process answer?

The policy is applied here, so that no caller can forget it; so is the rule that a query
which names no dataset sees the union of the named graphs. Evaluation in this process has no
time limit: it is for the command line, for our own questions, and for the worker processes
that stand behind :mod:`peninsula.dataset.embedded`.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Final, cast

import pyoxigraph as ox

from peninsula.dataset.generations import Generation
from peninsula.dataset.interface import (
    PLAIN,
    Answer,
    Asker,
    Boolean,
    Dataset,
    Graph,
    Outcome,
    QueryOptions,
    Result,
    Row,
    Solutions,
    kind_of,
    put_in,
)
from peninsula.diagnosis import explain
from peninsula.errors import (
    ParameterError,
    QueryFailed,
    StoreReadOnly,
    UnknownGeneration,
    UnknownGraph,
)
from peninsula.formats import Format
from peninsula.namespaces import PREFIXES
from peninsula.policy import Policy, QueryFacts, UpdateFacts
from peninsula.serialization import (
    PREFIXED,
    Sink,
    used_prefixes,
    write_solutions,
    write_statements,
)

#: Statements looked through for the prefixes that a dump uses.
_SEEN: Final = 5000
_NO_VARIABLE: Final = re.compile(r"does not contains? variable \?(\w+)")


class _Local(Answer):
    """A result of a store in this process: written natively, in one piece."""

    def chunks(self, format: Format) -> Iterator[bytes]:
        output = io.BytesIO()
        self.write(format, output)
        yield output.getvalue()


class LocalSolutions(_Local, Solutions):
    """The solutions of a query, from a store in this process."""

    def __init__(self, solutions: ox.QuerySolutions) -> None:
        self._solutions = solutions
        self.variables = tuple(variable.value for variable in solutions.variables)

    def __iter__(self) -> Iterator[Row]:
        with _Failures():
            for solution in self._solutions:
                yield tuple(solution)

    def write(self, format: Format, output: Sink) -> None:
        with _Failures():
            write_solutions(self._solutions, format, output)


class LocalBoolean(_Local, Boolean):
    """The truth value of a query, from a store in this process."""

    def __init__(self, boolean: ox.QueryBoolean) -> None:
        self._boolean = boolean
        self.value = bool(boolean)

    def write(self, format: Format, output: Sink) -> None:
        write_solutions(self._boolean, format, output)


class LocalGraph(_Local, Graph):
    """The triples of a query, from a store in this process."""

    def __init__(self, triples: ox.QueryTriples) -> None:
        self._triples = triples

    def __iter__(self) -> Iterator[ox.Triple]:
        with _Failures():
            yield from self._triples

    def write(self, format: Format, output: Sink) -> None:
        with _Failures():
            write_statements(self._triples, format, output)


class LocalStatements(_Local, Graph):
    """The statements of a graph, or of a whole store, in this process."""

    def __init__(
        self,
        store: ox.Store,
        graph: ox.NamedNode | ox.BlankNode | ox.DefaultGraph | None,
        *,
        names_graph: bool = False,
    ) -> None:
        self._store = store
        self._graph = graph
        self._names_graph = names_graph

    def __iter__(self) -> Iterator[ox.Triple]:
        for quad in self._store.quads_for_pattern(None, None, None, self._graph):
            yield ox.Triple(quad.subject, quad.predicate, quad.object)

    def write(self, format: Format, output: Sink) -> None:
        assert isinstance(format.engine, ox.RdfFormat)
        prefixes = None
        if format.engine in PREFIXED:
            quads = self._store.quads_for_pattern(None, None, None, self._graph)
            head = list(itertools.islice(quads, _SEEN))
            prefixes = used_prefixes(head) if len(head) < _SEEN else PREFIXES
        file = cast(IO[bytes], output)
        if self._graph is None and not format.engine.supports_datasets:
            # A format without graphs holds the union of them.
            ox.serialize(self, file, format.engine, prefixes=prefixes)
        elif self._names_graph and format.engine.supports_datasets:
            quads = self._store.quads_for_pattern(None, None, None, self._graph)
            ox.serialize(quads, file, format.engine, prefixes=prefixes)
        else:
            self._store.dump(file, format.engine, from_graph=self._graph, prefixes=prefixes)


def graph_name(text: str | None) -> ox.NamedNode | ox.BlankNode | ox.DefaultGraph:
    """Return the name of a graph: an IRI, ``_:b``, None for the default graph."""
    if text is None:
        return ox.DefaultGraph()
    return ox.BlankNode(text[2:]) if text.startswith("_:") else ox.NamedNode(text)


class LocalDataset:
    """A dataset held by an Oxigraph store in this process."""

    generation = 0

    def __init__(self, store: ox.Store, policy: Policy, *, is_union: bool = True) -> None:
        self._store = store
        self._policy = policy
        self.is_union = is_union

    def evaluate(self, query: str, options: QueryOptions = PLAIN) -> Result:
        facts = self._policy.check(query)
        return evaluate(
            self._store,
            put_in(query, options.inlined),
            options,
            # With the union switched on, the engine would overlook FROM in the query.
            is_union=self.is_union and not facts.names_dataset,
        )

    def parse_query(self, query: str, *, base: str | None = None) -> str:
        self._policy.check(query)
        return parse_query(query, base=base)

    def graphs(self) -> Mapping[str, int]:
        return self._graphs

    def statements(self, graph: str | None = None) -> Iterator[ox.Quad]:
        if graph is None:
            return iter(self._store)
        if graph not in self._graphs:
            raise UnknownGraph(
                f"There is no named graph <{graph}>.",
                f"There are: {', '.join(f'<{name}>' for name in self._graphs)}.",
            )
        return self._store.quads_for_pattern(None, None, None, ox.NamedNode(graph))

    def default_size(self) -> int:
        return sum(1 for _ in self._store.quads_for_pattern(None, None, None, ox.DefaultGraph()))

    def dump(
        self,
        graph: str | None,
        format: Format,  # noqa: ARG002, it is asked for when the answer is read
        *,
        is_everything: bool = False,
        names_graph: bool = False,
    ) -> Graph:
        if is_everything:
            return LocalStatements(self._store, None)
        if graph is not None:
            self.statements(graph)
        return LocalStatements(self._store, graph_name(graph), names_graph=names_graph)

    @cached_property
    def _graphs(self) -> dict[str, int]:
        # The store is never written to while it is open here, so counting once is enough.
        counts = {
            graph.value: sum(1 for _ in self._store.quads_for_pattern(None, None, None, graph))
            for graph in self._store.named_graphs()
            if isinstance(graph, ox.NamedNode)
        }
        return dict(sorted(counts.items()))


def evaluate(
    store: ox.Store, query: str, options: QueryOptions = PLAIN, *, is_union: bool = False
) -> Result:
    """Return the answer of ``store`` to a query that the policy let pass.

    Raises QuerySyntaxError, ParameterError for a variable that is not selected, QueryFailed.
    """
    default, named = options.default_graphs, options.named_graphs
    is_named = bool(default or named)
    known = dict(PREFIXES if options.prefixes is None else options.prefixes)
    try:
        result = store.query(
            query,
            base_iri=options.base,
            prefixes=known,
            use_default_graph_as_union=is_union and not is_named,
            default_graph=[ox.NamedNode(g) for g in default] if is_named else None,
            named_graphs=[ox.NamedNode(g) for g in named] if is_named else None,
            substitutions={ox.Variable(n): t for n, t in options.substitutions.items()},
        )
    except SyntaxError as error:
        raise explain(query, str(error), known) from None
    except RuntimeError as error:
        if match := _NO_VARIABLE.search(str(error)):
            raise ParameterError(
                f"The query does not select ?{match[1]}.",
                "Only a variable that SELECT names can be given a value.",
                parameter=match[1],
            ) from None
        raise QueryFailed(f"The query could not be evaluated: {error}") from error
    except (OSError, ValueError) as error:
        raise QueryFailed(f"The query could not be evaluated: {error}") from error
    return _wrap(result)


def parse_query(query: str, *, base: str | None = None) -> str:
    """Return the kind of answer that a query will have; raises as :func:`evaluate` does.

    The engine parses nothing without evaluating it, so it is asked of an empty store.
    """
    return kind_of(evaluate(ox.Store(), query, QueryOptions(base=base)))


def _wrap(result: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples) -> Result:
    if isinstance(result, ox.QuerySolutions):
        return LocalSolutions(result)
    if isinstance(result, ox.QueryBoolean):
        return LocalBoolean(result)
    return LocalGraph(result)


class _Failures:
    """Turns what the engine raises while it evaluates into our own errors."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError | RuntimeError) and not isinstance(error, BrokenPipeError):
            raise QueryFailed(f"The query could not be finished: {error}") from error


class LocalDatabase:
    """A dataset in this process as a database with one state, which cannot be changed."""

    shares_second = False

    def __init__(self, dataset: LocalDataset, policy: Policy | None = None) -> None:
        self._dataset = dataset
        self._policy = policy or Policy()
        self.is_union = dataset.is_union
        self.current = Generation(
            1, datetime.now(UTC), graphs=dataset.graphs(), default=dataset.default_size()
        )

    def find(self, number: int) -> Generation:
        """Return the one state there is; raises UnknownGeneration for every other number."""
        if number != self.current.number:
            raise UnknownGeneration(f"There is no generation {number} here.", "Kept is 1.")
        return self.current

    def all(self) -> list[Generation]:
        """Return the one state there is."""
        return [self.current]

    def view(self, asker: Asker | None = None, generation: Generation | None = None) -> Dataset:  # noqa: ARG002
        """Return the dataset."""
        return self._dataset

    def check(self, query: str, *, allows_service: bool = False) -> QueryFacts:
        """Return what the policy says of ``query``."""
        return self._policy.check(query, allows_service=allows_service)

    def check_update(self, update: str) -> UpdateFacts:
        """Return what the policy says of ``update``."""
        return self._policy.check_update(update)

    def change(self, message: Mapping[str, Any], **_more: Any) -> Outcome:
        """Refuse: there is no writer."""
        raise StoreReadOnly(f"A dataset in memory takes no {message['kind']}.", "Use a store.")

    def judge(self, message: Mapping[str, Any], asker: Asker) -> dict[str, Any]:  # noqa: ARG002
        """Refuse: there is no process to judge in."""
        raise StoreReadOnly("A dataset in memory validates nothing.", "Use a store.")

    def parse(
        self,
        path: Path,  # noqa: ARG002
        format: Format,  # noqa: ARG002
        base: str,  # noqa: ARG002
        target: Path,  # noqa: ARG002
        asker: Asker,  # noqa: ARG002
    ) -> tuple[int, bool]:
        """Refuse: there is no process to parse in."""
        raise StoreReadOnly("A dataset in memory takes no uploads.", "Use a store.")
