"""What does a SPARQL-based constraint surely find, and what does it read?

rdflib evaluates these queries for pySHACL, with $this bound beforehand. Here rdflib's algebra of a
query is turned into a condition on $this: nested EXISTS, one a triple pattern, the variables of
BIND written out where they are used. Filters keep their meaning only as far as the two engines
agree (``bounds``); OPTIONAL, UNION and (NOT) EXISTS are known. What is not (aggregates,
sub-selects, GRAPH, functions of other libraries) raises ``NotCompiled``, and pySHACL looks at
every node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from rdflib import Literal, URIRef
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.paths import Path as RdflibPath
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import Variable

from peninsula.shacl import bounds as b
from peninsula.shacl.bounds import FALSE, TRUE, UNKNOWN, XSD, Bounds
from peninsula.shacl.model import (
    HERE,
    Alternative,
    Path,
    Predicate,
    Repeat,
    SparqlConstraint,
    back,
    then,
)
from peninsula.shacl.view import prepare


class NotCompiled(Exception):
    """Why a query has no sound translation."""


@dataclass(frozen=True)
class _Value:
    """An expression for a term, exact where ``guard`` is true.

    ``kind`` is what is known of it: str for simple literals, int, or term.
    """

    text: str
    guard: str = TRUE
    kind: str = "term"
    #: When its characters are printable ASCII; None: never surely.
    ascii: str | None = None


#: A variable that has no value in this solution.
_UNBOUND: Final = _Value("?unbound")
_Env = Mapping[str, _Value]
_Rest = Callable[[_Env], str]


def conforms(
    constraint: SparqlConstraint, this: str, value: str, note: Callable[[str], object]
) -> Bounds:
    """Return when the query of ``constraint`` surely finds nothing wrong, or surely something.

    ``this`` and ``value`` are variables or terms of SPARQL. What weakens the condition is told to
    ``note``. Raises NotCompiled.
    """
    algebra = _algebra(constraint)
    env = {name: _constant(node) for name, node in constraint.bindings.items()}
    if constraint.is_this_bound:
        env["this"] = _Value(this)
    elif not constraint.is_for_each_value:
        raise NotCompiled("the query does not mention $this")
    if constraint.is_value_bound:
        env["value"] = _Value(value)
    compiler = _Compiler(frozenset(env), note)
    surely = compiler.pattern(algebra.p, env, lambda _: TRUE, may=False)
    maybe = compiler.pattern(algebra.p, env, lambda _: TRUE, may=True)
    if constraint.is_ask:
        # pySHACL does not bind a value that is false to Python: "", 0, false.
        truthy = b.either([f"!isLiteral({value})", b.sure(
            f'(STR({value}) != "" && DATATYPE({value}) IN (<{XSD}string>, <{b.RDF}langString>))'
        )])  # fmt: skip
        return Bounds(b.every([truthy, surely]), b.every([truthy, b.no(maybe)]))
    if constraint.is_for_each_value:
        return Bounds(FALSE if constraint.is_value_bound else b.no(maybe), FALSE)
    is_told = {"this", "value", "path"} & {str(v) for v in algebra.PV}
    return Bounds(b.no(maybe), surely if is_told else FALSE)


def _algebra(constraint: SparqlConstraint) -> Any:
    try:
        algebra = prepare(constraint.text).algebra
    except Exception as error:
        # rdflib's parser raises its own kinds; pySHACL will, too.
        raise NotCompiled("rdflib cannot read the query") from error
    expected = "AskQuery" if constraint.is_ask else "SelectQuery"
    if algebra.name != expected or algebra.datasetClause:
        raise NotCompiled("the query is of another form")
    return algebra


def _constant(node: Any) -> _Value:
    text = b.constant(node)
    if text is None:
        raise NotCompiled(f"the engine rewrites {node!r}")
    if isinstance(node, Literal):
        if node.language is None and node.datatype in (None, URIRef(XSD + "string")):
            ascii = TRUE if str(node).isascii() and str(node).isprintable() else None
            return _Value(text, kind="str", ascii=ascii)
        if node.datatype == URIRef(XSD + "integer"):
            return _Value(text, kind="int")
    return _Value(text)


class _Compiler:
    """Turns patterns into conditions; ``initial`` variables are bound before evaluation.

    With ``may``, a condition is true wherever rdflib may find a solution; else only where it
    surely does.
    """

    def __init__(self, initial: frozenset[str], note: Callable[[str], object]) -> None:
        self._initial = initial
        self._note = note
        self._steps = 0

    # Patterns: whether there is a solution that meets the rest.

    def pattern(  # noqa: PLR0911 - one return an operator
        self, part: Any, env: _Env, rest: _Rest, *, may: bool
    ) -> str:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise NotCompiled("the query is too large")
        match part.name:
            case "Project" | "Distinct" | "Reduced" | "OrderBy":
                return self.pattern(part.p, env, rest, may=may)
            case "BGP":
                return self._triples(list(part.triples), env, rest)
            case "Join":
                return self.pattern(
                    part.p1, env, lambda e: self.pattern(part.p2, e, rest, may=may), may=may
                )
            case "Union":
                return b.either([
                    self.pattern(part.p1, env, rest, may=may),
                    self.pattern(part.p2, env, rest, may=may),
                ])  # fmt: skip
            case "Filter":
                if not part.no_isolated_scope:
                    self._check_visible(part.expr, part, env)
                return self.pattern(
                    part.p,
                    env,
                    lambda e: b.every([self.truth(part.expr, e, may=may), rest(e)]),
                    may=may,
                )
            case "Extend":
                self._check_visible(part.expr, part, env)
                return self.pattern(part.p, env, lambda e: rest(self._extend(part, e)), may=may)
            case "LeftJoin":
                return self._optional(part, env, rest, may=may)
        raise NotCompiled(f"{part.name} is not translated")

    def _extend(self, part: Any, env: _Env) -> _Env:
        name = str(part.var)
        if name in env:
            raise NotCompiled(f"?{name} is bound twice")
        return {**env, name: self.value(part.expr, env)}

    def _optional(self, part: Any, env: _Env, rest: _Rest, *, may: bool) -> str:
        def after(known: _Env) -> str:
            inner = _variables(part.p2) | _variables(part.expr)
            # rdflib looks a second time, with the variables of the first part alone.
            seen = part.p1._vars  # noqa: SLF001
            if seen is not None and any(v in known for v in inner - set(map(str, seen))):
                raise NotCompiled("OPTIONAL with a variable from outside its group")
            new = [v for v in inner if v not in known]
            without = {**known, **dict.fromkeys(new, _UNBOUND)}
            found = self.pattern(
                part.p2,
                known,
                lambda e: b.every([self.truth(part.expr, e, may=may), rest(e)]),
                may=may,
            )
            other = self.pattern(
                part.p2, known, lambda e: self.truth(part.expr, e, may=not may), may=not may
            )
            return b.either([found, b.every([b.no(other), rest(without)])])

        return self.pattern(part.p1, env, after, may=may)

    def _check_visible(self, expression: Any, part: Any, env: _Env) -> None:
        """Raise NotCompiled where rdflib would not see a variable that SPARQL's rules show."""
        seen = set(map(str, part._vars or ())) | self._initial  # noqa: SLF001
        if hidden := {v for v in _variables(expression) if v in env} - seen:
            raise NotCompiled(f"?{min(hidden)} comes from outside its group")

    def _triples(self, triples: list[Any], env: _Env, rest: _Rest) -> str:
        if not triples:
            return rest(env)
        known = {name for name, value in env.items() if value is not _UNBOUND}

        def cost(triple: Any) -> int:
            unknown = sum(bool(_name(x)) and _name(x) not in known for x in triple)
            return unknown * 2 + isinstance(triple[1], RdflibPath)

        # The pattern with the fewest unknowns first.
        first = min(triples, key=cost)
        others = [triple for triple in triples if triple is not first]
        return self._triple(first, env, lambda e: self._triples(others, e, rest))

    def _triple(self, triple: Any, env: _Env, rest: _Rest) -> str:
        s, p, o = triple
        start, end = self._end(s, env), self._end(o, env)
        if isinstance(p, Variable) or (start is None and end is None):
            return self._unknown_ends(triple, env, rest)
        path = to_path(p)
        if start is None:
            path, o, start, end = back(path), s, end, start
        assert start is not None
        if end is not None:
            return b.every([b.leads(path, start, end), rest(env)])
        name = _name(o)
        return b.some(path, start, lambda node: rest({**env, name: _Value(node)}))

    def _unknown_ends(self, triple: Any, env: _Env, rest: _Rest) -> str:
        names: dict[str, _Value] = {}
        parts = []
        for node in triple:
            if isinstance(node, RdflibPath):
                raise NotCompiled("a path between unknown ends")
            known = self._end(node, env)
            if known is None:
                known = names.setdefault(_name(node), _Value(b.fresh())).text
            parts.append(known)
        return b.exists(" ".join(parts), rest({**env, **names}))

    def _end(self, node: Any, env: _Env) -> str | None:
        """Return the end of a triple as SPARQL; None where it is a variable still unknown."""
        if not _name(node):
            return _constant(node).text
        value = env.get(_name(node))
        if value is None:
            return None
        if value.guard != TRUE or value is _UNBOUND or value.kind != "term":
            raise NotCompiled(f"?{node} joins what was computed")
        return value.text

    # Truth values

    def truth(self, expression: Any, env: _Env, *, may: bool) -> str:
        """Return where an expression is true, or with ``may`` where it is not surely false."""
        match getattr(expression, "name", ""):
            case "ConditionalAndExpression":
                return b.every(self.truth(e, env, may=may) for e in _operands(expression))
            case "ConditionalOrExpression":
                return b.either(self.truth(e, env, may=may) for e in _operands(expression))
            case "UnaryNot":
                return b.no(self.truth(expression.expr, env, may=not may))
            case "Builtin_EXISTS":
                return self.pattern(expression.graph, env, lambda _: TRUE, may=may)
            case "Builtin_NOTEXISTS":
                return b.no(self.pattern(expression.graph, env, lambda _: TRUE, may=not may))
        bounds = self._test(expression, env)
        if bounds == UNKNOWN:
            self._note(f"{getattr(expression, 'name', 'an expression')} is not compared")
        return b.no(bounds.fails) if may else bounds.holds

    # One branch and one return a function.
    def _test(self, expression: Any, env: _Env) -> Bounds:  # noqa: C901, PLR0911, PLR0912
        if isinstance(expression, Literal):
            if expression.datatype == URIRef(XSD + "boolean"):
                return b.ALWAYS if expression.value else b.NEVER
            return UNKNOWN
        if not isinstance(expression, CompValue):
            return UNKNOWN
        match expression.name.removeprefix("Builtin_"):
            case "TrueFilter":
                return b.ALWAYS
            case "BOUND":
                value = env.get(str(expression.arg), _UNBOUND)
                if value is _UNBOUND:
                    return b.NEVER
                return b.ALWAYS if value.kind == "term" and value.guard == TRUE else UNKNOWN
            case "RelationalExpression":
                return self._relation(expression, env)
            case "isIRI" | "isURI" | "isBLANK" | "isLITERAL" as name:
                value = self.value(expression.arg, env)
                return b.within(value.guard, f"{_TESTS[name]}({value.text})")
            case "sameTerm":
                one, other = self.value(expression.arg1, env), self.value(expression.arg2, env)
                if {one.kind, other.kind} != {"term"}:
                    return UNKNOWN
                guard = b.every([one.guard, other.guard])
                return b.within(guard, f"sameTerm({one.text}, {other.text})")
            case "REGEX":
                return self._regex(expression, env)
            case "CONTAINS" | "STRSTARTS" | "STRENDS" as name:
                one, other = self.value(expression.arg1, env), self.value(expression.arg2, env)
                if (one.kind, other.kind) != ("str", "str"):
                    return UNKNOWN
                guard = b.every([one.guard, other.guard])
                return b.within(guard, f"{name}({one.text}, {other.text})")
        return UNKNOWN

    def _regex(self, expression: Any, env: _Env) -> Bounds:
        text = self.value(expression.text, env)
        pattern, flags = expression.pattern, expression.flags
        if text.kind != "str" or not isinstance(pattern, Literal):
            return UNKNOWN
        if flags is not None and not (isinstance(flags, Literal) and set(str(flags)) <= {"i"}):
            return UNKNOWN
        found = b.matches(text.text, str(pattern), str(flags or ""))
        guard = b.sure(text.guard)
        return Bounds(b.every([guard, found.holds]), b.every([guard, found.fails]))

    def _relation(self, expression: Any, env: _Env) -> Bounds:
        operator = expression.op
        one = self.value(expression.expr, env)
        if operator in {"IN", "NOT IN"}:
            members = expression.other if isinstance(expression.other, list) else [expression.other]
            if not all(isinstance(member, URIRef) for member in members) or one.kind != "term":
                return UNKNOWN
            names = ", ".join(_constant(member).text for member in members)
            return b.within(one.guard, f"({one.text} {operator} ({names}))")
        other = self.value(expression.other, env)
        guards = b.sure(b.every([one.guard, other.guard]))
        if one.kind == other.kind and one.kind in {"str", "int"}:
            return b.within(guards, f"({one.text} {operator} {other.text})")
        if operator in {"=", "!="}:
            found = _equal(one.text, other.text)
            found = found.negated if operator == "!=" else found
        else:
            found = b.compares(one.text, operator, other.text)
        return Bounds(b.every([guards, found.holds]), b.every([guards, found.fails]))

    # Values

    def value(self, expression: Any, env: _Env) -> _Value:  # noqa: PLR0911 - one a function
        if isinstance(expression, Variable):
            return env.get(str(expression), _UNBOUND)
        if not isinstance(expression, CompValue):
            return _constant(expression)
        match expression.name:
            case "Builtin_STR":
                return self._string(self.value(expression.arg, env))
            case "Builtin_LANG":
                value = self.value(expression.arg, env)
                text = f"LANG({value.text})"
                # The engine writes all tags in small letters; rdflib as they are.
                return _Value(text, b.every([value.guard, f"isLiteral({value.text})"]), "str")
            case "Builtin_REPLACE":
                return self._replace(expression, env)
            case "Builtin_COALESCE":
                return self._coalesce([self.value(e, env) for e in expression.arg])
            case "Builtin_CONCAT":
                values = [self.value(e, env) for e in expression.arg]
                if any(value.kind != "str" for value in values):
                    return _unknown()
                text = f"CONCAT({', '.join(value.text for value in values)})"
                return _Value(text, b.every(value.guard for value in values), "str")
            case "AdditiveExpression" | "MultiplicativeExpression":
                return self._arithmetic(expression, env)
        return _unknown()

    def _string(self, value: _Value) -> _Value:
        if value.kind == "str" or value is _UNBOUND:
            return value
        text = f"STR({value.text})"
        return _Value(
            text, b.every([value.guard, f"!isBlank({value.text})"]), "str", b.is_ascii(text)
        )

    def _replace(self, expression: Any, env: _Env) -> _Value:
        text = self.value(expression.arg, env)
        pattern, by = expression.pattern, expression.replacement
        is_known = (
            text.kind == "str"
            and text.ascii is not None
            and isinstance(pattern, Literal)
            and isinstance(by, Literal)
            and not expression.flags
            and b.portability(str(pattern)) != "none"
            and _is_plain_replacement(str(by), str(pattern))
        )
        if not is_known:
            return _unknown()
        assert text.ascii is not None
        call = f"REPLACE({text.text}, {b.quoted(str(pattern))}, {b.quoted(str(by))})"
        return _Value(call, b.every([text.guard, text.ascii]), "str", TRUE)

    def _coalesce(self, values: list[_Value]) -> _Value:
        values = [value for value in values if value is not _UNBOUND]
        # Where its guard holds, the first has a value.
        return values[0] if values else _unknown()

    def _arithmetic(self, expression: Any, env: _Env) -> _Value:
        if set(expression.op) - {"+", "-"}:
            return _unknown()
        values = [self.value(e, env) for e in [expression.expr, *expression.other]]
        guards, text = [], ""
        for value, operator in zip(values, ["", *expression.op], strict=True):
            if value.kind not in {"int", "term"}:
                return _unknown()
            guards.append(value.guard)
            if value.kind == "term":
                guards.append(
                    f"(DATATYPE({value.text}) = <{XSD}integer> && {value.text} < 1000000000"
                    f" && {value.text} > -1000000000)"
                )
            text = f"{text} {operator} {value.text}" if text else value.text
        return _Value(f"({text})", b.every(guards), "int")


_MOST_STEPS: Final = 400
_TESTS: Final = {
    "isIRI": "isIRI", "isURI": "isIRI", "isBLANK": "isBlank", "isLITERAL": "isLiteral",
}  # fmt: skip


def _unknown() -> _Value:
    return replace(_UNBOUND, text="?unknown", guard=FALSE)


def _equal(one: str, other: str) -> Bounds:
    """Bounds of ``=``, within one datatype or between terms that are no literals."""
    names = b.within(f"!isLiteral({one}) && !isLiteral({other})", f"sameTerm({one}, {other})")
    values = b.compares(one, "=", other)
    return Bounds(b.either([names.holds, values.holds]), b.either([names.fails, values.fails]))


def _is_plain_replacement(by: str, pattern: str) -> bool:
    """Whether Python and the engine read a replacement alike: digits after ``$1`` would not do."""
    rest, place = by, 0
    groups = pattern.count("(")
    while (place := rest.find("$", place)) >= 0:
        number = rest[place + 1 : place + 2]
        following = rest[place + 2 : place + 3]
        if not number.isdigit() or not 0 < int(number) <= groups:
            return False
        if following.isalnum() or following == "_":
            return False
        place += 2
    return "\\" not in by and by.isascii() and by.isprintable()


def _operands(expression: Any) -> list[Any]:
    return [expression.expr, *expression.other]


def _is_blank(node: Any) -> bool:
    return type(node).__name__ == "BNode"


def _variables(part: Any) -> set[str]:
    """Return the names of all variables in a part of the algebra, those of EXISTS included."""
    return {str(node) for node in _walk(part) if isinstance(node, Variable)}


def _walk(part: Any) -> Iterator[Any]:
    yield part
    if isinstance(part, CompValue):
        for key in part:
            if key != "_vars":
                # rdflib keeps the algebra of EXISTS as an attribute beside the parse tree.
                yield from _walk(getattr(part, key))
    elif isinstance(part, list | tuple | set | frozenset):
        for item in part:
            yield from _walk(item)
    elif isinstance(part, RdflibPath):
        yield part


def to_path(predicate: Any) -> Path:
    """Return a predicate or path of rdflib as ours; raises NotCompiled for negated ones."""
    match predicate:
        case URIRef():
            return Predicate(str(predicate))
        case InvPath():
            return back(to_path(predicate.arg))
        case SequencePath():
            return then(*(to_path(arg) for arg in predicate.args))
        case AlternativePath():
            return Alternative(tuple(to_path(arg) for arg in predicate.args))
        case MulPath():
            return Repeat(to_path(predicate.path), 0 if predicate.zero else 1, many=predicate.more)
    raise NotCompiled("a path that is not translated")


# What it reads


@dataclass(frozen=True, slots=True)
class Pattern:
    """A triple pattern, and how its ends are reached from $this (None: not by a known way)."""

    path: Path
    from_start: Path | None
    from_end: Path | None


def patterns(constraint: SparqlConstraint, value_path: Path | None) -> Iterable[Pattern] | None:
    """Return the triple patterns of a query; None where anything may be read.

    ``value_path`` leads from the focus node to $value; None where it is not bound.
    """
    try:
        algebra = _algebra(constraint)
        ways: dict[str, Path] = {}
        if constraint.is_this_bound:
            ways["this"] = HERE
        if constraint.is_value_bound and value_path is not None:
            ways["value"] = value_path
        return list(_patterns(algebra.p, ways, set(constraint.bindings)))
    except NotCompiled:
        return None


def _patterns(part: Any, ways: dict[str, Path], fixed: set[str]) -> Iterator[Pattern]:
    required: list[Any] = []
    nested: list[Any] = []
    _collect(part, required, nested)
    ways = _reach(required, dict(ways), fixed)
    for s, p, o in required:
        yield Pattern(to_path(p), ways.get(_name(s)), ways.get(_name(o)))
    for inner in nested:
        yield from _patterns(inner, ways, fixed)


def _collect(part: Any, required: list[Any], nested: list[Any]) -> None:
    """Sort what a group needs from what stands in OPTIONAL, UNION and EXISTS."""
    match part.name:
        case "Project" | "Distinct" | "Reduced" | "OrderBy":
            _collect(part.p, required, nested)
        case "BGP":
            for triple in part.triples:
                if isinstance(triple[1], Variable):
                    raise NotCompiled("a variable predicate")
                required.append(triple)
        case "Join":
            _collect(part.p1, required, nested)
            _collect(part.p2, required, nested)
        case "Union":
            nested += [part.p1, part.p2]
        case "Filter" | "Extend":
            _collect(part.p, required, nested)
            nested += _graphs(part.expr)
        case "LeftJoin":
            _collect(part.p1, required, nested)
            nested += [part.p2, *_graphs(part.expr)]
        case _:
            raise NotCompiled(f"{part.name} is not followed")


def _graphs(expression: Any) -> list[Any]:
    """Return the patterns of the outermost EXISTS in an expression."""
    if isinstance(expression, CompValue):
        if expression.name in {"Builtin_EXISTS", "Builtin_NOTEXISTS"}:
            return [expression.graph]
        return [graph for key in expression if key != "_vars" for graph in _graphs(expression[key])]
    if isinstance(expression, list | tuple):
        return [graph for item in expression for graph in _graphs(item)]
    return []


def _reach(triples: list[Any], ways: dict[str, Path], fixed: set[str]) -> dict[str, Path]:
    """Add the ways to the variables of ``triples`` that are joined to a known one."""
    changed = True
    while changed:
        changed = False
        for s, p, o in triples:
            one, other = _name(s), _name(o)
            for known, new, path in ((one, other, to_path(p)), (other, one, back(to_path(p)))):
                if known in ways and new and new not in ways and new not in fixed:
                    ways[new] = then(ways[known], path)
                    changed = True
    return ways


def _name(node: Any) -> str:
    if isinstance(node, Variable):
        return str(node)
    return f"blank_{node}" if _is_blank(node) else ""
