"""How does an Oxigraph store in this process answer?

The policy is applied here, so that no caller can forget it; so is the rule that a query
which names no dataset sees the union of the named graphs. Evaluation in this process has no
time limit: the worker processes of a later version stand behind the same interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Boolean, Graph, Result, Row, Solutions, Term
from peninsula.diagnosis import explain
from peninsula.errors import ParameterError, QueryFailed, UnknownGraph
from peninsula.formats import Format
from peninsula.namespaces import PREFIXES
from peninsula.policy import Policy
from peninsula.serialization import Sink, write_solutions, write_statements

_NO_VARIABLE: Final = re.compile(r"does not contains? variable \?(\w+)")


class EmbeddedSolutions(Solutions):
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


class EmbeddedBoolean(Boolean):
    """The truth value of a query, from a store in this process."""

    def __init__(self, boolean: ox.QueryBoolean) -> None:
        self._boolean = boolean
        self.value = bool(boolean)

    def write(self, format: Format, output: Sink) -> None:
        write_solutions(self._boolean, format, output)


class EmbeddedGraph(Graph):
    """The triples of a query, from a store in this process."""

    def __init__(self, triples: ox.QueryTriples) -> None:
        self._triples = triples

    def __iter__(self) -> Iterator[ox.Triple]:
        with _Failures():
            yield from self._triples

    def write(self, format: Format, output: Sink) -> None:
        with _Failures():
            write_statements(self._triples, format, output)


class EmbeddedDataset:
    """A dataset held by an Oxigraph store in this process."""

    def __init__(self, store: ox.Store, policy: Policy, *, is_union: bool = True) -> None:
        self._store = store
        self._policy = policy
        self.is_union = is_union

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
        facts = self._policy.check(query)
        is_named = bool(default_graphs or named_graphs)
        known = dict(PREFIXES if prefixes is None else prefixes)
        try:
            result = self._store.query(
                query,
                base_iri=base,
                prefixes=known,
                # With the union switched on, the engine would overlook FROM in the query.
                use_default_graph_as_union=(
                    self.is_union and not is_named and not facts.names_dataset
                ),
                default_graph=[ox.NamedNode(g) for g in default_graphs] if is_named else None,
                named_graphs=[ox.NamedNode(g) for g in named_graphs] if is_named else None,
                substitutions={ox.Variable(n): t for n, t in (substitutions or {}).items()},
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

    @cached_property
    def _graphs(self) -> dict[str, int]:
        # The store is never written to while it is open here, so counting once is enough.
        counts = {
            graph.value: sum(1 for _ in self._store.quads_for_pattern(None, None, None, graph))
            for graph in self._store.named_graphs()
            if isinstance(graph, ox.NamedNode)
        }
        return dict(sorted(counts.items()))


def _wrap(result: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples) -> Result:
    if isinstance(result, ox.QuerySolutions):
        return EmbeddedSolutions(result)
    if isinstance(result, ox.QueryBoolean):
        return EmbeddedBoolean(result)
    return EmbeddedGraph(result)


class _Failures:
    """Turns what the engine raises while it evaluates into our own errors."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError | RuntimeError) and not isinstance(error, BrokenPipeError):
            raise QueryFailed(f"The query could not be finished: {error}") from error
