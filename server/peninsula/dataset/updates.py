"""What does a SPARQL Update request add to a store and remove from it?

The engine updates a store without telling what changed. So a request is taken apart into its
operations, and the engine reads and evaluates the pieces of each: data and templates become
quads on an empty store, a WHERE becomes a SELECT on the real one. What is left to do here is to
put solutions into templates, and to count: first deletes, then inserts, as SPARQL 1.1 Update
says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.delta import (
    AnyGraph,
    Delta,
    GraphName,
    apply,
    as_stored,
    keep_to,
    net_delta,
)
from peninsula.dataset.operations import Operation, Scope, complain, read_operations, skip_silent
from peninsula.dataset.templates import Solution, Template, in_graph
from peninsula.errors import (
    PeninsulaError,
    ProtocolError,
    QueryError,
    QueryFailed,
    QueryForbidden,
)

#: What LOAD calls with an absolute IRI.
Load = Callable[[str], Iterable[ox.Quad | ox.Triple]]

_DEFAULT: Final = ox.DefaultGraph()


@dataclass(frozen=True)
class _Dataset:
    """What a WHERE sees, and what the default graph is."""

    is_union: bool
    default: tuple[ox.NamedNode, ...]
    named: tuple[ox.NamedNode, ...]
    #: The graph that is meant where none is named.
    unnamed: AnyGraph

    @property
    def is_named(self) -> bool:
        return bool(self.default or self.named)


def apply_update(  # noqa: PLR0913, what the protocol and the server's settings say
    store: ox.Store,
    text: str,
    *,
    base: str | None,
    prefixes: Mapping[str, str],
    is_union: bool = False,
    using_graphs: Sequence[str] = (),
    using_named_graphs: Sequence[str] = (),
    load: Load | None = None,
    only_graph: str | None = None,
) -> Delta:
    """Make a SPARQL 1.1 Update request's change to ``store`` and return it: all or nothing.

    A WHERE that names no dataset sees ``using_graphs`` and ``using_named_graphs`` where given,
    else with ``is_union`` all graphs as one, else the store as it is. With ``only_graph``, what
    is said of the default graph is meant of that graph, and no other may change.

    ``load`` returns the statements of a document; their blank nodes are renamed here. Without
    it, LOAD is refused, and LOAD SILENT does nothing.

    Raises QuerySyntaxError with the place in ``text``; ProtocolError where a WITH or USING
    meets ``using_graphs``; QueryForbidden; QueryError where a graph is missing or is there
    already; QueryFailed, and what ``load`` raises. The policy must have seen ``text`` before:
    SERVICE in it would be evaluated.
    """
    dataset = _Dataset(
        is_union,
        tuple(ox.NamedNode(graph) for graph in using_graphs),
        tuple(ox.NamedNode(graph) for graph in using_named_graphs),
        ox.NamedNode(only_graph) if only_graph else _DEFAULT,
    )
    operations = read_operations(text, Scope(base, prefixes))
    if dataset.is_named:
        _refuse_dataset(operations)
    total = Delta()
    current = Delta()
    try:
        for operation in operations:
            current = _evaluate(operation, store, dataset, load)
            apply(store, current)
            total = current if total.is_empty else total
            if total is not current:
                total.absorb(current)
            current = Delta()
        if only_graph:
            keep_to(total, only_graph)
    except BaseException:
        apply(store, current.inverse())
        apply(store, total.inverse())
        raise
    return total


def _refuse_dataset(operations: Iterable[Operation]) -> None:
    for operation in operations:
        for word in ("WITH", "USING"):
            if operation.find(word) is not None:
                raise ProtocolError(
                    f"The update says {word}, and the request has using-graph-uri or "
                    "using-named-graph-uri.",
                    "Name the dataset in one place only.",
                )


# Evaluating. Each of these returns a delta and leaves the store as it is.


def _evaluate(operation: Operation, store: ox.Store, dataset: _Dataset, load: Load | None) -> Delta:
    verb = operation.tokens[0].upper
    try:
        if operation.is_data(verb):
            quads = _data(operation, dataset)
            is_insert = verb == "INSERT"
            return net_delta(
                store, add=quads if is_insert else (), remove=() if is_insert else quads
            )
        if verb in {"INSERT", "DELETE", "WITH"}:
            return _modify(operation, store, dataset)
        if verb == "LOAD":
            return _load(operation, store, dataset, load)
        work = {"CREATE": _create, "CLEAR": _clear, "DROP": _clear}.get(verb, _transfer)
        return work(operation, store, dataset)
    except SyntaxError as error:
        complain(operation.text, error, operation.scope, operation.tokens[0].position)
    except (OSError, RuntimeError, ValueError) as error:
        raise QueryFailed(f"{verb} could not be evaluated: {error}") from error


def _data(operation: Operation, dataset: _Dataset) -> set[ox.Quad]:
    """Return the quads of INSERT DATA or DELETE DATA."""
    # Of the same length, so that places in the text stay what they are.
    quads = operation.scope.run("INSERT" + operation.slice(0, len(operation.tokens))[6:])
    return in_graph(quads, dataset.unnamed)


def _modify(operation: Operation, store: ox.Store, dataset: _Dataset) -> Delta:
    """DELETE and INSERT with a WHERE, and DELETE WHERE."""
    tokens = operation.tokens
    scope = operation.scope
    with_graph = scope.resolve(tokens[1].text) if tokens[0].upper == "WITH" else None
    where = operation.find("WHERE")
    assert where is not None
    templates: dict[str, Template] = {}
    for verb in ("DELETE", "INSERT"):
        place = operation.find(verb)
        if place is not None and place < where:
            # The pattern of DELETE WHERE is its template as well.
            begin, end = operation.block(place + 1 + (place + 1 == where))
            templates[verb] = Template(operation, begin, end, with_graph or dataset.unnamed)
    variables = list(dict.fromkeys(name for t in templates.values() for name in t.variables))
    needs_each = any(template.is_fresh for template in templates.values())
    solutions = _solve(operation, where, store, dataset, with_graph, variables, needs_each)
    sinks: dict[str, set[ox.Quad]] = {verb: set() for verb in templates}
    fills = [(template.fill(variables), sinks[verb]) for verb, template in templates.items()]
    for solution in solutions:
        for fill, sink in fills:
            fill(solution, sink)
    add, remove = sinks.get("INSERT", set()), sinks.get("DELETE", set())
    return net_delta(store, remove=set(as_stored(remove)), add=set(as_stored(add)))


def _solve(
    operation: Operation,
    where: int,
    store: ox.Store,
    dataset: _Dataset,
    with_graph: ox.NamedNode | None,
    variables: Sequence[str],
    needs_each: bool,
) -> Iterator[Solution]:
    """Yield the values of ``variables`` in each solution of the WHERE."""
    using = _using(operation, where)
    default: Sequence[AnyGraph] | None = None
    named: Sequence[GraphName] | None = None
    if using:
        pass
    elif with_graph:
        default = [with_graph]
    elif dataset.is_named:
        default, named = dataset.default, dataset.named
    elif not isinstance(dataset.unnamed, ox.DefaultGraph):
        default = [dataset.unnamed]
    is_named = bool(using) or default is not None
    if variables:
        head = f"SELECT {' '.join(f'?{name}' for name in variables)}"
    elif needs_each:
        head = "SELECT ?peninsula_none"
    else:
        head = "ASK"
    pattern = operation.slice(where, len(operation.tokens))
    result = store.query(
        f"{head}\n{using}{pattern}",
        base_iri=operation.scope.base,
        prefixes=dict(operation.scope.prefixes),
        use_default_graph_as_union=dataset.is_union and not is_named,
        default_graph=None if default is None else list(default),
        named_graphs=None if named is None else list(named),
    )
    if isinstance(result, ox.QuerySolutions):
        for solution in result:
            yield tuple(solution)
    elif result:
        yield ()


def _using(operation: Operation, where: int) -> str:
    """Return the USING clauses as a query's FROM."""
    clauses = []
    place = operation.find("USING")
    while place is not None and place < where:
        following = operation.find("USING", place + 1)
        end = where if following is None or following > where else following
        clauses.append(f"FROM {operation.slice(place + 1, end)}\n")
        place = following
    return "".join(clauses)


def _load(operation: Operation, store: ox.Store, dataset: _Dataset, load: Load | None) -> Delta:
    rest = skip_silent(operation.tokens, 1)
    is_silent = operation.tokens[1].upper == "SILENT"
    iri = operation.scope.resolve(rest[0].text).value
    into = operation.scope.resolve(rest[-1].text) if len(rest) > 1 else None
    try:
        if load is None:
            raise QueryForbidden(
                f"LOAD <{iri}> is not allowed here.", "Send the statements themselves."
            )
        quads = as_stored(_renamed(load(iri), into))
    except (PeninsulaError, OSError, SyntaxError, ValueError) as error:
        if is_silent:
            return Delta()
        if isinstance(error, PeninsulaError):
            raise
        raise QueryError(f"<{iri}> could not be loaded: {error}") from error
    return net_delta(store, add=in_graph(quads, into or dataset.unnamed))


def _renamed(
    statements: Iterable[ox.Quad | ox.Triple], into: ox.NamedNode | None
) -> Iterator[ox.Quad]:
    """Yield a document's statements as quads with blank nodes of their own."""
    blanks: dict[ox.BlankNode, ox.BlankNode] = {}

    def rename(term: Any) -> Any:
        if isinstance(term, ox.BlankNode):
            if term not in blanks:
                blanks[term] = ox.BlankNode()
            return blanks[term]
        if isinstance(term, ox.Triple):
            return ox.Triple(rename(term.subject), term.predicate, rename(term.object))
        return term

    for statement in statements:
        graph: AnyGraph = _DEFAULT
        if isinstance(statement, ox.Quad):
            graph = statement.graph_name
            if into and not isinstance(graph, ox.DefaultGraph):
                raise QueryError(
                    f"LOAD INTO GRAPH {into} takes triples; the document names {graph}.",
                    "Load it without INTO GRAPH.",
                )
            if isinstance(graph, ox.BlankNode):
                graph = rename(graph)
        yield ox.Quad(
            rename(statement.subject), statement.predicate, rename(statement.object), graph
        )


def _create(operation: Operation, store: ox.Store, _dataset: _Dataset) -> Delta:
    graph = operation.scope.resolve(operation.tokens[-1].text)
    if not store.contains_named_graph(graph):
        return Delta(created={graph})
    if operation.tokens[1].upper == "SILENT":
        return Delta()
    raise QueryError(f"There is a graph {graph} already.", "CREATE SILENT passes over that.")


def _clear(operation: Operation, store: ox.Store, dataset: _Dataset) -> Delta:
    """CLEAR and DROP."""
    tokens = operation.tokens
    verb, target = tokens[0].upper, tokens[-1].upper
    graphs: list[AnyGraph] = []
    if target in {"DEFAULT", "ALL"}:
        graphs.append(dataset.unnamed)
    if target in {"NAMED", "ALL"}:
        graphs += store.named_graphs()
    if target not in {"DEFAULT", "NAMED", "ALL"}:
        graph = operation.scope.resolve(tokens[-1].text)
        if store.contains_named_graph(graph):
            graphs.append(graph)
        elif tokens[1].upper != "SILENT":
            raise _missing(verb, graph)
    removed = {quad for graph in graphs for quad in _quads(store, graph)}
    named = {graph for graph in graphs if not isinstance(graph, ox.DefaultGraph)}
    dropped = {graph for graph in named if store.contains_named_graph(graph)}
    return Delta(removed=removed, dropped=dropped if verb == "DROP" else set())


def _transfer(operation: Operation, store: ox.Store, dataset: _Dataset) -> Delta:
    """COPY, MOVE and ADD."""
    tokens = operation.tokens
    verb = tokens[0].upper
    is_silent = tokens[1].upper == "SILENT"
    to = operation.find("TO")
    assert to is not None
    source, target = (
        dataset.unnamed if token.upper == "DEFAULT" else operation.scope.resolve(token.text)
        for token in (tokens[to - 1], tokens[-1])
    )
    if source == target:
        return Delta()
    is_missing = not isinstance(source, ox.DefaultGraph) and not store.contains_named_graph(source)
    # As with the engine, COPY and ADD take a missing graph for an empty one.
    if verb == "MOVE" and is_missing and not is_silent:
        raise _missing(verb, source)
    add = [
        ox.Quad(quad.subject, quad.predicate, quad.object, target) for quad in _quads(store, source)
    ]
    if verb == "ADD":
        return net_delta(store, add=add)
    emptied = [target] if verb == "COPY" else [target, source]
    remove = {quad for graph in emptied for quad in _quads(store, graph)}
    drop = [graph for graph in emptied if not isinstance(graph, ox.DefaultGraph)]
    return net_delta(store, remove=remove, add=add, drop=drop)


def _quads(store: ox.Store, graph: AnyGraph) -> Iterator[ox.Quad]:
    return iter(store.quads_for_pattern(None, None, None, graph))


def _missing(verb: str, graph: AnyGraph) -> QueryError:
    return QueryError(f"There is no graph {graph}.", f"{verb} SILENT passes over that.")
