"""What does a SPARQL Update request add to a store and remove from it?

The engine updates a store without telling what changed. So a request is taken apart into its
operations, and the engine reads and evaluates the pieces of each: data and templates become
quads on an empty store, a WHERE becomes a SELECT on the real one. What is left to do here is to
put solutions into templates, and to count: first deletes, then inserts, as SPARQL 1.1 Update
says. Unlike the engine's own ``update``, a prologue may also stand after a “;”.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NoReturn

import pyoxigraph as ox

from peninsula.dataset.delta import (
    AnyGraph,
    Delta,
    GraphName,
    Term,
    apply,
    as_stored,
    keep_to,
    net_delta,
)
from peninsula.diagnosis import explain
from peninsula.errors import (
    PeninsulaError,
    ProtocolError,
    QueryError,
    QueryFailed,
    QueryForbidden,
)
from peninsula.policy import Token, tokenize

#: What LOAD calls with an absolute IRI.
Load = Callable[[str], Iterable[ox.Quad | ox.Triple]]

#: The values of a SELECT's variables, in their order; None is unbound.
_Solution = tuple[Term | None, ...]

_DEFAULT: Final = ox.DefaultGraph()
#: IRIs that no request can know, so that none of its own is taken for a variable of ours.
_SECRET: Final = f"urn:x-peninsula:{uuid.uuid4().hex}"
_MARK: Final = f"{_SECRET}:variable:"
#: Fails once the whole text is parsed and before anything else is evaluated.
_STOP: Final = f"DROP GRAPH <{_SECRET}> ;\n"
_LARGE: Final = 10_000
_PROLOGUE: Final = {"PREFIX": 3, "BASE": 2, "VERSION": 2}
#: Depth is the policy's business, which has seen the text before.
_ANY_DEPTH: Final = 1 << 30


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
    operations = _read(text, _Scope(base, prefixes))
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


def load_targets(text: str, *, base: str | None, prefixes: Mapping[str, str]) -> tuple[str, ...]:
    """Return the IRIs that the LOADs of an update request name, absolute, each once."""
    targets = {
        operation.scope.resolve(_skip_silent(operation.tokens, 1)[0].text).value: None
        for operation in _read(text, _Scope(base, prefixes))
        if operation.tokens[0].upper == "LOAD"
    }
    return tuple(targets)


# Reading.


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


@dataclass(frozen=True)
class _Scope:
    """What prefixed names and relative IRIs mean in an operation."""

    base: str | None
    prefixes: Mapping[str, str]

    def run(self, text: str) -> ox.Store:
        """Return an empty store after the update ``text``."""
        store = ox.Store()
        store.update(text, base_iri=self.base, prefixes=dict(self.prefixes))
        return store

    def resolve(self, iri: str) -> ox.NamedNode:
        """Return the IRI that ``iri``, as it stands in the text, means."""
        return next(
            graph
            for graph in self.run(f"CREATE GRAPH {iri}").named_graphs()
            if isinstance(graph, ox.NamedNode)
        )

    def after(self, prologue: str, tokens: Sequence[Token]) -> _Scope:
        """Return the scope after a ``prologue`` that the engine has found in order."""
        names = dict.fromkeys(
            name.text for word, name in pairwise(tokens) if word.upper == "PREFIX"
        )
        base, prefixes = self.base, dict(self.prefixes)
        has_base = any(token.upper == "BASE" for token in tokens)
        # The engine resolves: the object of each triple is what a name stands for.
        objects = [*names, *(["<>"] if has_base else [])]
        rows = " . ".join(f"<urn:x:{place}> <urn:x> {name}" for place, name in enumerate(objects))
        store = self.run(f"{prologue}\nINSERT DATA {{ {rows} }}")
        meant = {int(quad.subject.value[6:]): quad.object.value for quad in store}
        if has_base:
            base = meant.pop(len(names))
        prefixes.update((name[:-1], meant[place]) for place, name in enumerate(names))
        return _Scope(base, prefixes)


@dataclass(frozen=True)
class _Operation:
    """One operation of a request: its tokens, without prologue and “;”, never none."""

    text: str
    tokens: list[Token]
    scope: _Scope

    def is_data(self, verb: str) -> bool:
        """Return whether this is INSERT DATA or DELETE DATA."""
        tokens = self.tokens
        return len(tokens) > 1 and tokens[0].upper == verb and tokens[1].upper == "DATA"

    def slice(self, begin: int, end: int) -> str:
        """Return the text from token ``begin`` to before token ``end``, comments included."""
        if begin >= end:
            return ""
        return self.text[self.tokens[begin].position : self.tokens[end - 1].end]

    def find(self, word: str, begin: int = 0) -> int | None:
        """Return the place of the first ``word`` outside of all brackets."""
        for place in range(begin, len(self.tokens)):
            token = self.tokens[place]
            if token.upper == word and token.frame.parent is None:
                return place
        return None

    def block(self, begin: int) -> tuple[int, int]:
        """Return the places of the brace at ``begin`` and behind the one that closes it."""
        for place in range(begin + 1, len(self.tokens)):
            if self.tokens[place].frame.parent is None and self.tokens[place].text == "}":
                return begin, place + 1
        return begin, len(self.tokens)


def _read(text: str, scope: _Scope) -> list[_Operation]:
    """Return the operations of ``text``; raises QuerySyntaxError where it is not in order."""
    operations: list[_Operation] = []
    #: Where the operations begin that share a prologue, in ``text`` and in ``operations``.
    begin, first = 0, 0
    for tokens in _pieces(text):
        size = _prologue_size(tokens)
        if size:
            _check(text[begin : tokens[0].position], text, begin, operations[first:], scope)
            begin = tokens[size - 1].end
            prologue = text[tokens[0].position : begin]
            try:
                scope = scope.after(prologue, tokens[:size])
            except SyntaxError as error:
                _complain(text, error, scope, tokens[0].position)
            first = len(operations)
        if len(tokens) > size and tokens[size].upper != ";":
            is_closed = tokens[-1].upper == ";" and tokens[-1].frame.parent is None
            operations.append(_Operation(text, tokens[size : len(tokens) - is_closed], scope))
    _check(text[begin:], text, begin, operations[first:], scope)
    return operations


def _pieces(text: str) -> Iterator[list[Token]]:
    """Yield the tokens up to each “;” outside of all brackets, and what comes after the last."""
    tokens: list[Token] = []
    for token in tokenize(text, _ANY_DEPTH, skips_data=True):
        tokens.append(token)
        if token.text == ";" and token.kind == "sign" and token.frame.parent is None:
            yield tokens
            tokens = []
    if tokens:
        yield tokens


def _prologue_size(tokens: Sequence[Token]) -> int:
    place = 0
    while place < len(tokens) and tokens[place].upper in _PROLOGUE:
        place += _PROLOGUE[tokens[place].upper]
    return min(place, len(tokens))


def _check(
    part: str, text: str, begin: int, operations: Sequence[_Operation], scope: _Scope
) -> None:
    """Raise QuerySyntaxError where ``part``, which begins at ``begin``, cannot be read."""
    if not part.strip():
        return
    # Megabytes of data are read once, when they are evaluated.
    if len(part) > _LARGE and len(operations) == 1 and _is_closed_data(operations[0]):
        return
    try:
        scope.run(_STOP + part)
    except SyntaxError as error:
        _complain(text, error, scope, begin, lines_before=1)
    except RuntimeError as error:
        if _SECRET not in str(error):
            raise


def _is_closed_data(operation: _Operation) -> bool:
    return operation.is_data("INSERT") and operation.tokens[-1].text == "}"


def _complain(
    text: str, error: SyntaxError, scope: _Scope, start: int, lines_before: int = 0
) -> NoReturn:
    raise explain(
        text, str(error), scope.prefixes, is_update=True, start=start, lines_before=lines_before
    ) from None


def _refuse_dataset(operations: Iterable[_Operation]) -> None:
    for operation in operations:
        for word in ("WITH", "USING"):
            if operation.find(word) is not None:
                raise ProtocolError(
                    f"The update says {word}, and the request has using-graph-uri or "
                    "using-named-graph-uri.",
                    "Name the dataset in one place only.",
                )


# Evaluating. Each of these returns a delta and leaves the store as it is.


def _evaluate(
    operation: _Operation, store: ox.Store, dataset: _Dataset, load: Load | None
) -> Delta:
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
        _complain(operation.text, error, operation.scope, operation.tokens[0].position)
    except (OSError, RuntimeError, ValueError) as error:
        raise QueryFailed(f"{verb} could not be evaluated: {error}") from error


def _data(operation: _Operation, dataset: _Dataset) -> set[ox.Quad]:
    """Return the quads of INSERT DATA or DELETE DATA."""
    # Of the same length, so that places in the text stay what they are.
    quads = operation.scope.run("INSERT" + operation.slice(0, len(operation.tokens))[6:])
    return _in_graph(quads, dataset.unnamed)


def _in_graph(quads: Iterable[ox.Quad], unnamed: AnyGraph) -> set[ox.Quad]:
    """Return ``quads``, those of the default graph in the graph ``unnamed``."""
    if isinstance(unnamed, ox.DefaultGraph):
        return set(quads)
    return {
        ox.Quad(quad.subject, quad.predicate, quad.object, unnamed)
        if isinstance(quad.graph_name, ox.DefaultGraph)
        else quad
        for quad in quads
    }


def _modify(operation: _Operation, store: ox.Store, dataset: _Dataset) -> Delta:
    """DELETE and INSERT with a WHERE, and DELETE WHERE."""
    tokens = operation.tokens
    scope = operation.scope
    with_graph = scope.resolve(tokens[1].text) if tokens[0].upper == "WITH" else None
    where = operation.find("WHERE")
    assert where is not None
    templates: dict[str, _Template] = {}
    for verb in ("DELETE", "INSERT"):
        place = operation.find(verb)
        if place is not None and place < where:
            # The pattern of DELETE WHERE is its template as well.
            begin, end = operation.block(place + 1 + (place + 1 == where))
            templates[verb] = _Template(operation, begin, end, with_graph or dataset.unnamed)
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
    operation: _Operation,
    where: int,
    store: ox.Store,
    dataset: _Dataset,
    with_graph: ox.NamedNode | None,
    variables: Sequence[str],
    needs_each: bool,
) -> Iterator[_Solution]:
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


def _using(operation: _Operation, where: int) -> str:
    """Return the USING clauses as a query's FROM."""
    clauses = []
    place = operation.find("USING")
    while place is not None and place < where:
        following = operation.find("USING", place + 1)
        end = where if following is None or following > where else following
        clauses.append(f"FROM {operation.slice(place + 1, end)}\n")
        place = following
    return "".join(clauses)


class _Template:
    """The template of a DELETE or INSERT, read by the engine: quads with marks for variables."""

    def __init__(self, operation: _Operation, begin: int, end: int, unnamed: AnyGraph) -> None:
        names = dict.fromkeys(
            token.text[1:] for token in operation.tokens[begin:end] if token.kind == "variable"
        )
        self.variables: tuple[str, ...] = tuple(names)
        marks = " ".join(f"<{_MARK}{place}>" for place in range(len(names)))
        values = f"VALUES ({' '.join(f'?{n}' for n in names)}) {{ ({marks}) }}" if names else ""
        block = operation.slice(begin, end)
        store = operation.scope.run(f"INSERT {block}\nWHERE {{ {values} }}")
        self._quads = _in_graph(store, unnamed)
        #: Blank nodes are new ones in each solution.
        self._blanks = tuple({blank for quad in self._quads for blank in _blanks(quad)})
        self.is_fresh = bool(self._blanks)

    def fill(self, names: Sequence[str]) -> Callable[[_Solution, set[ox.Quad]], None]:
        """Return what puts the quads of a solution, the values of ``names``, into a set."""
        #: Where each term stands: the solution, new blank nodes, constants, triple terms.
        slots: dict[Term | AnyGraph, int] = {
            ox.NamedNode(f"{_MARK}{place}"): names.index(name)
            for place, name in enumerate(self.variables)
        }
        width = max(len(names), 1)  # SELECT has one variable at least
        slots.update((blank, width + place) for place, blank in enumerate(self._blanks))
        fixed = {quad for quad in self._quads if not any(term in slots for term in _terms(quad))}
        open_quads = self._quads - fixed
        count, width = len(self._blanks), width + len(self._blanks)
        parts = dict.fromkeys(part for quad in open_quads for part in quad if part not in slots)
        made = [part for part in parts if _is_open(part, slots)]
        constants = [part for part in parts if part not in made]
        makers = [_maker(part, slots) for part in made]
        slots.update((part, width + place) for place, part in enumerate([*constants, *made]))
        plans = [tuple(slots[part] for part in quad) for quad in open_quads]
        blank_node, quad_of = ox.BlankNode, ox.Quad

        def put(solution: _Solution, sink: set[ox.Quad]) -> None:
            sink.update(fixed)
            if not plans:
                return
            terms: tuple[Any, ...] = (
                *solution,
                *[blank_node() for _ in range(count)],
                *constants,
            )
            if makers:
                terms = (*terms, *[make(terms) for make in makers])
            for subject_at, predicate_at, object_at, graph_at in plans:
                subject, predicate = terms[subject_at], terms[predicate_at]
                object, graph = terms[object_at], terms[graph_at]
                # What is unbound, or is none of RDF's quads, is passed over.
                if (
                    isinstance(subject, _NODES)
                    and isinstance(predicate, ox.NamedNode)
                    and object is not None
                    and isinstance(graph, _GRAPHS)
                ):
                    sink.add(quad_of(subject, predicate, object, graph))

        return put


_NODES: Final = (ox.NamedNode, ox.BlankNode)
_GRAPHS: Final = (ox.NamedNode, ox.BlankNode, ox.DefaultGraph)


def _is_open(term: Term | AnyGraph, slots: Mapping[Term | AnyGraph, int]) -> bool:
    return isinstance(term, ox.Triple) and any(part in slots for part in _terms(term))


def _maker(
    term: Term, slots: Mapping[Term | AnyGraph, int]
) -> Callable[[tuple[Any, ...]], Term | None]:
    """Return what makes ``term`` from the terms of a solution; None where it would be none."""
    if not isinstance(term, ox.Triple):
        place = slots.get(term)
        return (lambda _: term) if place is None else (lambda terms: terms[place])
    makers = [_maker(part, slots) for part in term]

    def make(terms: tuple[Any, ...]) -> Term | None:
        subject: Any
        subject, predicate, object = (part(terms) for part in makers)
        is_subject = isinstance(subject, _NODES)
        if is_subject and isinstance(predicate, ox.NamedNode) and object is not None:
            return ox.Triple(subject, predicate, object)
        return None

    return make


def _terms(item: ox.Quad | ox.Triple) -> Iterator[Term | AnyGraph]:
    """Yield the terms of a quad or triple, those inside of triple terms among them."""
    for term in item:
        if isinstance(term, ox.Triple):
            yield from _terms(term)
        else:
            yield term


def _blanks(item: ox.Quad | ox.Triple) -> Iterator[ox.BlankNode]:
    return (term for term in _terms(item) if isinstance(term, ox.BlankNode))


def _load(operation: _Operation, store: ox.Store, dataset: _Dataset, load: Load | None) -> Delta:
    rest = _skip_silent(operation.tokens, 1)
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
    return net_delta(store, add=_in_graph(quads, into or dataset.unnamed))


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


def _create(operation: _Operation, store: ox.Store, _dataset: _Dataset) -> Delta:
    graph = operation.scope.resolve(operation.tokens[-1].text)
    if not store.contains_named_graph(graph):
        return Delta(created={graph})
    if operation.tokens[1].upper == "SILENT":
        return Delta()
    raise QueryError(f"There is a graph {graph} already.", "CREATE SILENT passes over that.")


def _clear(operation: _Operation, store: ox.Store, dataset: _Dataset) -> Delta:
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


def _transfer(operation: _Operation, store: ox.Store, dataset: _Dataset) -> Delta:
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


def _skip_silent(tokens: Sequence[Token], place: int) -> Sequence[Token]:
    return tokens[place + (tokens[place].upper == "SILENT") :]
