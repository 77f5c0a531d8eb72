"""Which focus nodes may violate their shape?

A shape becomes one condition in SPARQL, asked of all of its focus nodes at once. The condition is
true only where the node surely conforms (``bounds``): what remains are the suspects, a superset of
the violators, and pySHACL looks at them alone. What has no sound translation leaves all focus
nodes of the shape as suspects; ``Screening.coverage`` says which, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final

import pyoxigraph as ox
from rdflib import RDF, RDFS, BNode, Literal, URIRef
from rdflib.term import Node

from peninsula.shacl import bounds as b
from peninsula.shacl import queries
from peninsula.shacl.bounds import ALWAYS, FALSE, NEVER, TRUE, UNKNOWN, Bounds
from peninsula.shacl.model import HERE, SH, Path, Predicate, Shape, Shapes
from peninsula.shacl.view import GraphName, Statements, Term, from_rdflib

SUBCLASS: Final = ox.NamedNode(str(RDFS.subClassOf))
TYPE: Final = ox.NamedNode(str(RDF.type))

#: Counts are screened by as many EXISTS; above this, a node with as many values is a suspect.
_MOST_VALUES: Final = 4
#: Longer conditions, and deeper ones, are not asked: the engine would take long to plan them.
_LONGEST: Final = 100_000
_DEEPEST: Final = 60
#: Focus nodes named in one query.
_BATCH: Final = 500

_KINDS: Final = {
    "IRI": "isIRI({v})",
    "BlankNode": "isBlank({v})",
    "Literal": "isLiteral({v})",
    "BlankNodeOrIRI": "(isBlank({v}) || isIRI({v}))",
    "BlankNodeOrLiteral": "(isBlank({v}) || isLiteral({v}))",
    "IRIOrLiteral": "(isIRI({v}) || isLiteral({v}))",
}
_READ_WITH_OTHERS: Final = frozenset({
    "qualifiedMinCount", "qualifiedMaxCount", "qualifiedValueShapesDisjoint",
    "ignoredProperties", "flags", "sparql",
})  # fmt: skip
_ORDER: Final = {
    "minExclusive": ">", "minInclusive": ">=", "maxExclusive": "<", "maxInclusive": "<=",
    "lessThan": "<", "lessThanOrEquals": "<=",
}  # fmt: skip


@dataclass(frozen=True)
class Screening:
    """The suspects by shape, and what was not screened."""

    suspects: Mapping[Node, frozenset[Term]]
    #: Shape -> why all of its focus nodes, or more than need be, are suspects.
    coverage: Mapping[Node, tuple[str, ...]]


class Classes:
    """The classes below a class, as the data have them; read once each."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._below: dict[Term, frozenset[Term]] = {}

    def below(self, top: Term) -> frozenset[Term]:
        """Return ``top`` and the classes below it."""
        if top not in self._below:
            found: set[Term] = set()
            waiting: list[Term] = [top]
            while waiting:
                term = waiting.pop()
                if term not in found:
                    found.add(term)
                    waiting.extend(self._statements.subjects(SUBCLASS, term))
            self._below[top] = frozenset(found)
        return self._below[top]


@dataclass
class Screen:
    """Screens the focus nodes of ``shapes`` in ``store``: all of its graphs, or ``graphs``."""

    shapes: Shapes
    store: ox.Store
    graphs: Collection[GraphName] | None = None
    #: Queries at the same time; the engine lets go of Python's lock meanwhile.
    threads: int = 1
    _compiled: dict[Node, tuple[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        self.statements = Statements(self.store, self.graphs)
        self.classes = Classes(self.statements)

    def all(self) -> Screening:
        """Return the suspects among all focus nodes."""
        suspects: dict[Node, set[Term]] = {}
        tasks = [task for shape in self.shapes.targeted for task in self._tasks(shape)]
        if self.threads > 1:
            with ThreadPoolExecutor(self.threads) as pool:
                found = list(pool.map(lambda task: set(task[1]()), tasks))
        else:
            found = [set(ask()) for _, ask in tasks]
        for (node, _), terms in zip(tasks, found, strict=True):
            if terms:
                suspects.setdefault(node, set()).update(terms)
        return Screening({n: frozenset(t) for n, t in suspects.items()}, self._coverage())

    def some(self, focus: Mapping[Node, Collection[Term]]) -> Screening:
        """Return the suspects among these focus nodes of these shapes."""
        suspects = {
            node: found
            for node, terms in focus.items()
            if terms and (found := frozenset(self._among(self.shapes[node], terms)))
        }
        return Screening(suspects, self._coverage())

    def condition(self, shape: Shape) -> str:
        """Return when ?this surely conforms to ``shape``, as a condition of SPARQL."""
        return b.every(self._compile(shape)[0])

    def _coverage(self) -> dict[Node, tuple[str, ...]]:
        return {node: reasons for node, (_, reasons) in self._compiled.items() if reasons}

    def _compile(self, shape: Shape) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return conditions, all of which must hold, and what weakens them."""
        if shape.node not in self._compiled:
            compiler = _Compiler(self.shapes, self.classes)
            parts = tuple(bounds.holds for bounds in compiler.parts(shape, "?this"))
            if compiler.may_fail or FALSE in parts:
                parts = (FALSE,)
            elif sum(map(len, parts)) > _LONGEST or max(map(_depth, parts), default=0) > _DEEPEST:
                compiler.reasons[f"{_name(shape)}: its condition is too large"] = None
                parts = (FALSE,)
            self._compiled[shape.node] = parts, tuple(compiler.reasons)
        return self._compiled[shape.node]

    def _tasks(self, shape: Shape) -> Iterator[tuple[Node, Callable[[], Iterable[Term]]]]:
        """Yield questions for suspects, which do not depend on one another."""
        if self.condition(shape) == TRUE:
            return
        parts = self._compile(shape)[0]
        shares = [b.every(parts[start :: self.threads]) for start in range(self.threads)]
        for where in self._targets(shape):
            for share in shares:
                if share != TRUE:
                    yield shape.node, partial(self._ask, where, share)
        named = [term for node in shape.targets.nodes if (term := _term(node)) is not None]
        named += self._in_unnamed_classes(shape)
        if named:
            yield shape.node, partial(self._among, shape, named)

    def _targets(self, shape: Shape) -> Iterator[str]:
        """Yield patterns that bind ?this to focus nodes, those of sh:targetNode aside."""
        names = [
            f"?this <{TYPE.value}> {term} ."
            for term in sorted(self.target_classes(shape), key=str)
            if isinstance(term, ox.NamedNode)
        ]
        rest = iter(names)
        while part := list(islice(rest, _UNIONS)):
            yield part[0] if len(part) == 1 else " UNION ".join(f"{{ {name} }}" for name in part)
        seen = ""
        for node in shape.targets.subjects_of:
            if isinstance(node, URIRef):
                yield f"?this <{node}> {b.fresh()} .{seen}"
                # What was asked about already need not be again.
                seen += f" FILTER NOT EXISTS {{ ?this <{node}> {b.fresh()} }}"
        for node in shape.targets.objects_of:
            if isinstance(node, URIRef):
                yield f"{b.fresh()} <{node}> ?this ."

    def target_classes(self, shape: Shape) -> frozenset[Term]:
        """Return the classes whose instances are focus nodes of ``shape``."""
        tops = (term for node in shape.targets.classes if (term := _term(node)) is not None)
        return frozenset().union(*(self.classes.below(top) for top in tops))

    def _in_unnamed_classes(self, shape: Shape) -> Iterator[Term]:
        for term in self.target_classes(shape):
            if not isinstance(term, ox.NamedNode):
                yield from self.statements.subjects(TYPE, term)

    def _among(self, shape: Shape, terms: Iterable[Term]) -> Iterator[Term]:
        """Yield the suspects among ``terms``; blank nodes cannot be named in a query."""
        conforms = self.condition(shape)
        if conforms == TRUE:
            return
        named = []
        for term in dict.fromkeys(terms):
            if conforms == FALSE or isinstance(term, ox.BlankNode) or not b.is_kept(term):
                yield term
            else:
                named.append(str(term))
        rest = iter(named)
        while batch := list(islice(rest, _BATCH)):
            yield from self._ask(f"VALUES ?this {{ {' '.join(batch)} }}", conforms)

    def _ask(self, where: str, conforms: str) -> Iterator[Term]:
        text = f"SELECT DISTINCT ?this WHERE {{ {where} FILTER({b.no(conforms)}) }}"
        if self.graphs is None:
            found: Any = self.store.query(text, use_default_graph_as_union=True)
        else:
            found = self.store.query(text, default_graph=list(self.graphs))
        return (solution[0] for solution in found)


#: Classes in one query.
_UNIONS: Final = 50


class _Compiler:
    """Turns shapes into bounds; ``reasons`` gathers what could not be."""

    def __init__(self, shapes: Shapes, classes: Classes) -> None:
        self.reasons: dict[str, None] = {}
        #: pySHACL may raise an error, whatever else is so: no node is cleared.
        self.may_fail = False
        #: How many constraints were seen that may raise an error about a value.
        self._fragile = 0
        self._shapes = shapes
        self._classes = classes

    def node(self, node: Node, x: str) -> Bounds:
        """Bounds of whether ``x`` conforms to the shape named ``node``."""
        shape = self._shapes.by_node.get(node)
        if shape is None:
            self.may_fail = True
            return self._unknown(node, "there is no such shape")
        return self.shape(shape, x)

    def shape(self, shape: Shape, x: str) -> Bounds:
        """Bounds of whether ``x`` conforms to ``shape``."""
        return b.conjunction(self.parts(shape, x))

    def parts(self, shape: Shape, x: str) -> list[Bounds]:
        """Bounds whose conjunction says whether ``x`` conforms to ``shape``."""
        if shape.deactivated:
            return []
        is_recursive = shape.node in self._shapes.recursive
        if problem := shape.problem or ("it refers to itself" if is_recursive else ""):
            self.may_fail = True
            return [self._unknown(shape, problem)]
        values = _Values(shape.path or HERE, x)
        of_each: list[Callable[[str], Bounds]] = []
        of_all: list[Bounds] = []
        for name in sorted(shape.parameters):
            for nodes in self._groups(shape, name):
                if test := self._each(shape, name, nodes, x):
                    of_each.append(test)
                elif (bounds := self._all(shape, name, nodes, values)) is not None:
                    of_all.append(bounds)
        for constraint in shape.sparql:
            if constraint.is_for_each_value:
                of_each.append(partial(self._query, shape, constraint, x))
            else:
                of_all.append(self._query(shape, constraint, x, x))

        if values.path == HERE:
            return [*of_all, *(test(x) for test in of_each)]
        return [*of_all, values.all(of_each)]

    def _unknown(self, shape: Shape | Node, reason: str) -> Bounds:
        self.reasons[f"{_name(shape)}: {reason}"] = None
        return UNKNOWN

    def _groups(self, shape: Shape, name: str) -> Iterator[tuple[Node, ...]]:
        """Yield what a parameter asks for, once for each constraint that it makes."""
        if name in shape.lists:
            yield from shape.lists[name]
        else:
            for node in shape.parameters[name]:
                yield (node,)

    # Constraints on each value node

    # One branch and one return a component.
    def _each(  # noqa: C901, PLR0911, PLR0912
        self, shape: Shape, name: str, nodes: tuple[Node, ...], x: str
    ) -> Callable[[str], Bounds] | None:
        """Return the bounds of a constraint as a function of the value node; None: of another."""
        first = nodes[0] if nodes else None
        match name:
            case "class":
                return lambda v: self._class(shape, first, v)
            case "datatype" if isinstance(first, URIRef):
                return lambda v: b.has_datatype(v, str(first))
            case "nodeKind":
                kind = _KINDS.get(str(first).removeprefix(SH))
                return lambda v: b.exactly(kind.format(v=v)) if kind else NEVER
            case "minLength" | "maxLength":
                return lambda v: _length(name, _number(first), v)
            case "pattern":
                flags = str(next(iter(shape.parameters["flags"]), "")).lower()
                if len(shape.parameters["flags"]) > 1 or b.portability(str(first), flags) == "none":
                    return lambda _: self._unknown(shape, "the engines read sh:pattern differently")
                return lambda v: b.matches(f"STR({v})", str(first), flags)
            case "languageIn":
                return lambda v: self._language(shape, nodes, v)
            case "in":
                return lambda v: _member(nodes, v)
            case "minExclusive" | "minInclusive" | "maxExclusive" | "maxInclusive":
                limit = b.limit(first)
                if limit is None or not isinstance(first, Literal):
                    return lambda _: self._unknown(
                        shape, f"the limit of sh:{name} is stored otherwise"
                    )
                kind = str(first.datatype or b.XSD + "string")
                return lambda v: b.compares(v, _ORDER[name], limit, kind)
            case "lessThan" | "lessThanOrEquals" if isinstance(first, URIRef):
                return lambda v: self._before(Predicate(str(first)), _ORDER[name], x, v)
            case "disjoint" if isinstance(first, URIRef):
                return lambda v: _disjoint(Predicate(str(first)), x, v)
            case "uniqueLang":
                values = _Values(shape.path or HERE, x)
                is_on = isinstance(first, Literal) and first.value
                return lambda v: _unique(values, v) if is_on else ALWAYS
            case "maxCount":
                most = _number(first)
                values = _Values(shape.path or HERE, x)
                return lambda v: _at_most(values, most, v)
            case "closed":
                return lambda v: self._closed(shape, first, v)
            case "property" | "node":
                return lambda v: self.node(nodes[0], v)
            case "not":
                return lambda v: self._choice(shape, nodes, v, lambda found: found[0].negated)
            case "and":
                return lambda v: b.conjunction(self.node(n, v) for n in nodes)
            case "or":
                return lambda v: self._choice(shape, nodes, v, b.disjunction)
            case "xone":
                return lambda v: self._choice(shape, nodes, v, _exactly_one)
        return None

    def _choice(
        self,
        shape: Shape,
        nodes: Iterable[Node],
        v: str,
        combine: Callable[[list[Bounds]], Bounds],
    ) -> Bounds:
        """Bounds of a combination that may hold although one of its shapes does not."""
        before = self._fragile
        bounds = combine([self.node(node, v) for node in nodes])
        if self._fragile > before:
            return self._unknown(shape, "a comparison in a choice, which may be an error")
        return bounds

    def _before(self, other: Predicate, operator: str, x: str, v: str) -> Bounds:
        # pySHACL raises an error for a blank node, even where there is nothing to compare with.
        self._fragile += 1

        def wrong(w: str) -> str:
            return b.no(b.compares(v, operator, w).holds)

        def surely_wrong(w: str) -> str:
            return b.compares(v, operator, w).fails

        is_before = b.no(b.some(other, x, wrong))
        return Bounds(b.every([f"!isBlank({v})", is_before]), b.some(other, x, surely_wrong))

    def _class(self, shape: Shape, node: Node | None, v: str) -> Bounds:
        top = _term(node)
        if not isinstance(top, ox.NamedNode):
            return self._unknown(shape, "sh:class names no class")
        below = self._classes.below(top)
        names = sorted(term.value for term in below if isinstance(term, ox.NamedNode))
        found = b.in_classes(v, names)
        # A type without a name cannot be asked for.
        return Bounds(found, b.no(found) if len(names) == len(below) else FALSE)

    def _language(self, shape: Shape, nodes: tuple[Node, ...], v: str) -> Bounds:
        if not all(isinstance(node, Literal) and isinstance(node.value, str) for node in nodes):
            return self._unknown(shape, "sh:languageIn lists something else than tags")
        tag = f"LCASE(LANG({v}))"
        tags = sorted({str(node).lower() for node in nodes})
        known = f'{tag} != ""'
        if "*" in tags:
            return b.exactly(b.sure(known))
        names = ", ".join(map(b.quoted, tags))
        test = f'({known} && ({tag} IN ({names}) || STRBEFORE({tag}, "-") IN ({names})))'
        return b.exactly(b.sure(test))

    def _closed(self, shape: Shape, closed: Node | None, v: str) -> Bounds:
        if not isinstance(closed, Literal) or not closed.value:
            return ALWAYS
        known = {p for listed in shape.lists.get("ignoredProperties", ()) for p in listed}
        for node in shape.parameters.get("property", ()):
            property = self._shapes.by_node.get(node)
            if property is None:
                return self._unknown(shape, "a property shape is missing")
            if isinstance(property.path, Predicate):
                known.add(URIRef(property.path.iri))
        names = ", ".join(sorted(f"<{p}>" for p in known if isinstance(p, URIRef)))
        predicate, value = b.fresh(), b.fresh()
        allowed = f"{predicate} NOT IN ({names})" if names else TRUE
        resource = f"!({predicate} = <{RDF.type}> && {value} = <{RDFS.Resource}>)"
        return b.exactly(b.exists(f"{v} {predicate} {value}", b.every([allowed, resource]))).negated

    def _query(self, shape: Shape, constraint: Any, x: str, v: str) -> Bounds:
        try:
            return queries.conforms(
                constraint, x, v, lambda reason: self._unknown(constraint.node, reason)
            )
        except queries.NotCompiled as error:
            return self._unknown(shape, f"{_name(constraint.node)}: {error}")

    # Constraints on all value nodes together

    def _all(  # noqa: PLR0911 - one return a component
        self, shape: Shape, name: str, nodes: tuple[Node, ...], values: _Values
    ) -> Bounds | None:
        first = nodes[0] if nodes else None
        match name:
            case "minCount":
                least = _number(first)
                return values.at_least(least, lambda _: ALWAYS)
            case "hasValue":
                term = b.constant(first)
                if term is None:
                    return self._unknown(shape, "the value of sh:hasValue is stored otherwise")
                return b.exactly(values.has(term))
            case "equals" if isinstance(first, URIRef):
                return _equal(values, Predicate(str(first)))
            case "qualifiedValueShape":
                return self._qualified(shape, nodes[0], values)
            case "datatype" | "lessThan" | "lessThanOrEquals" | "disjoint" | "equals":
                return self._unknown(shape, f"sh:{name} has a value that is no IRI")
            case _ if name in _READ_WITH_OTHERS:
                return None
        return self._unknown(shape, f"sh:{name} is not known")

    def _qualified(self, shape: Shape, node: Node, values: _Values) -> Bounds:
        is_disjoint = any(
            isinstance(flag, Literal) and flag.value is True
            for flag in shape.parameters["qualifiedValueShapesDisjoint"]
        )
        siblings = self._shapes.siblings(shape, node) if is_disjoint else ()

        def counts(v: str) -> Bounds:
            return self._choice(
                shape,
                [node, *siblings],
                v,
                lambda found: b.conjunction([found[0], *(s.negated for s in found[1:])]),
            )

        least = (_number(limit) for limit in shape.parameters.get("qualifiedMinCount", ()))
        most = (_number(limit) for limit in shape.parameters.get("qualifiedMaxCount", ()))
        return b.conjunction([
            *(values.at_least(number, counts) for number in least),
            *(values.at_least(number + 1, counts).negated for number in most),
        ])  # fmt: skip


def _number(node: Node | None) -> int:
    """Return the number that pySHACL found to be one."""
    assert isinstance(node, Literal)
    return int(node.value)


@dataclass(frozen=True)
class _Values:
    """The value nodes of a focus node ``x``."""

    path: Path
    x: str

    def some(self, condition: Callable[[str], str]) -> str:
        return b.some(self.path, self.x, condition)

    def all(self, tests: list[Callable[[str], Bounds]]) -> Bounds:
        """Bounds of whether each value passes all tests."""

        def wrong(v: str) -> str:
            return b.either(b.no(test(v).holds) for test in tests)

        def surely_wrong(v: str) -> str:
            return b.either(test(v).fails for test in tests)

        return Bounds(b.no(self.some(wrong)), self.some(surely_wrong))

    def has(self, term: str) -> str:
        return (
            f"sameTerm({self.x}, {term})" if self.path == HERE else b.leads(self.path, self.x, term)
        )

    def at_least(self, number: int, meets: Callable[[str], Bounds]) -> Bounds:
        """Bounds of whether ``number`` different values meet a condition."""
        if number <= 0:
            return ALWAYS
        if number > _MOST_VALUES:
            # No more than that is counted: with fewer, there are surely not enough.
            return Bounds(FALSE, self.at_least(_MOST_VALUES, meets).fails)

        def counted(known: tuple[str, ...], of: Callable[[Bounds], str], is_sure: bool) -> str:
            def condition(v: str) -> str:
                bounds = [b.differ(v, other) for other in known]
                apart = [d.holds if is_sure else b.no(d.fails) for d in bounds]
                more = (*known, v)
                rest = TRUE if len(more) == number else counted(more, of, is_sure)
                return b.every([*apart, of(meets(v)), rest])

            return self.some(condition)

        return Bounds(
            counted((), lambda bounds: bounds.holds, is_sure=True),
            b.no(counted((), lambda bounds: b.no(bounds.fails), is_sure=False)),
        )


def _at_most(values: _Values, most: int, v: str) -> Bounds:
    """Bounds of whether there are not ``most`` values beside ``v``: it is one of them."""

    def others(v2: str) -> Bounds:
        return b.differ(v2, v)

    return values.at_least(most, others).negated


def _length(name: str, limit: int, v: str) -> Bounds:
    if name == "minLength" and limit == 0:
        return ALWAYS
    operator = ">=" if name == "minLength" else "<="
    return b.exactly(b.sure(f"STRLEN(STR({v})) {operator} {limit}"))


def _member(nodes: tuple[Node, ...], v: str) -> Bounds:
    """Bounds of sh:in, which compares terms, not values."""
    names = [str(_term(n)) for n in nodes if isinstance(n, URIRef) and _term(n) is not None]
    tests = [f"({v} IN ({', '.join(names)}))"] if names else []
    literals = [node for node in nodes if isinstance(node, Literal)]
    # What the engine stores otherwise is never found as it is written.
    tests += [f"sameTerm({v}, {text})" for n in literals if (text := b.constant(n)) is not None]
    found = b.either(tests)
    is_exact = not any(isinstance(node, BNode) for node in nodes)
    return Bounds(found, b.no(found) if is_exact else b.every([b.no(found), f"(!isBlank({v}))"]))


def _disjoint(other: Predicate, x: str, v: str) -> Bounds:
    both = b.leads(other, x, v)
    # A literal that rdflib writes anew may be one with another.
    return Bounds(b.every([b.no(both), b.no(b.is_rewritten(v))]), both)


def _equal(values: _Values, other: Predicate) -> Bounds:
    missing = values.some(lambda v: b.no(b.leads(other, values.x, v)))
    surplus = b.some(other, values.x, lambda w: b.no(values.has(w)))
    wrong = b.either([missing, surplus])
    odd = values.some(b.is_rewritten)
    return Bounds(b.no(wrong), b.every([wrong, b.no(odd)]))


def _unique(values: _Values, v: str) -> Bounds:
    tag = f"LCASE(LANG({v}))"

    def same(w: str) -> str:
        return b.sure(f"(LCASE(LANG({w})) = {tag} && !sameTerm({v}, {w}))")

    twice = b.every([b.sure(f'{tag} != ""'), values.some(same)])
    return b.exactly(twice).negated


def _exactly_one(bounds: list[Bounds]) -> Bounds:
    surely = _sum(bound.holds for bound in bounds)
    not_ = _sum(bound.fails for bound in bounds)
    return Bounds(
        f"({surely} = 1 && {not_} = {len(bounds) - 1})",
        f"({surely} > 1 || {not_} = {len(bounds)})",
    )


def _sum(conditions: Iterable[str]) -> str:
    return f"({' + '.join(f'IF({c}, 1, 0)' for c in conditions)})"


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character in "({":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")}":
            depth -= 1
    return deepest


def _term(node: object) -> Term | None:
    try:
        return from_rdflib(node)
    except ValueError:
        return None


def _name(shape: Shape | Node) -> str:
    node = shape.node if isinstance(shape, Shape) else shape
    return str(node.n3())
