"""What can be said for sure about a value, in SPARQL that the engine and pySHACL agree on?

Every condition here is a pair of expressions without errors: ``holds`` is true only where pySHACL
finds the condition met, ``fails`` only where it finds it not met. Where the two engines could
differ (regular expressions, comparisons across types, dates that Python has not), neither is
true, and the node goes to pySHACL. https://www.w3.org/TR/shacl/ and rdflib 7.6 decide what is so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple

import pyoxigraph as ox
from rdflib import Literal

from peninsula.dataset.delta import as_stored
from peninsula.namespaces import PREFIXES
from peninsula.shacl.model import (
    Alternative,
    Inverse,
    Path,
    Predicate,
    Repeat,
    Sequence,
    to_sparql,
)
from peninsula.shacl.view import REWRITTEN, from_rdflib

XSD: Final = PREFIXES["xsd"]
RDF: Final = PREFIXES["rdf"]
TRUE: Final = "true"
FALSE: Final = "false"

_names = count()


class Bounds(NamedTuple):
    """When a condition surely holds, and when it surely does not."""

    holds: str
    fails: str

    @property
    def negated(self) -> Bounds:
        return Bounds(self.fails, self.holds)


UNKNOWN: Final = Bounds(FALSE, FALSE)
ALWAYS: Final = Bounds(TRUE, FALSE)
NEVER: Final = Bounds(FALSE, TRUE)


def fresh() -> str:
    """Return a variable that occurs nowhere else."""
    return f"?v{next(_names)}"


def either(expressions: Iterable[str]) -> str:
    """Return whether any of ``expressions`` is true."""
    parts = [e for e in dict.fromkeys(expressions) if e != FALSE]
    if TRUE in parts:
        return TRUE
    return f"({' || '.join(parts)})" if len(parts) > 1 else parts[0] if parts else FALSE


def every(expressions: Iterable[str]) -> str:
    """Return whether all of ``expressions`` are true."""
    parts = [e for e in dict.fromkeys(expressions) if e != TRUE]
    if FALSE in parts:
        return FALSE
    return f"({' && '.join(parts)})" if len(parts) > 1 else parts[0] if parts else TRUE


def no(expression: str) -> str:
    """Return whether ``expression`` is false."""
    return {TRUE: FALSE, FALSE: TRUE}.get(expression) or f"(!({expression}))"


def conjunction(bounds: Iterable[Bounds]) -> Bounds:
    """Return the bounds of all of ``bounds`` together."""
    bounds = list(bounds)
    return Bounds(every(b.holds for b in bounds), either(b.fails for b in bounds))


def disjunction(bounds: Iterable[Bounds]) -> Bounds:
    """Return the bounds of any of ``bounds``."""
    return conjunction(b.negated for b in bounds).negated


def exactly(expression: str) -> Bounds:
    """Return the bounds of what both engines evaluate alike, without error."""
    return Bounds(expression, no(expression))


def sure(expression: str) -> str:
    """Return ``expression``, with false for an error."""
    return expression if expression in (TRUE, FALSE) else f"COALESCE({expression}, false)"


def within(guard: str, expression: str) -> Bounds:
    """Return the bounds of what both engines evaluate alike where ``guard`` is true."""
    return Bounds(
        sure(every([guard, expression])),
        sure(every([guard, no(expression)])),
    )


# Paths


def some(path: Path, start: str, condition: Callable[[str], str]) -> str:
    """Return whether a node that ``path`` leads to from ``start`` meets ``condition``.

    A sequence is one EXISTS in another: as a join, the engine would hash each side anew for
    every node. The start of a path of no length need not stand in the data.
    """
    match path:
        case Sequence(()):
            return condition(start)
        case Sequence((first, *rest)):
            return some(first, start, lambda node: some(Sequence(tuple(rest)), node, condition))
        case Repeat(inner, 0, many):
            more: Path = Repeat(inner, 1, many=True) if many else inner
            return either([condition(start), some(more, start, condition)])
        case Repeat(inner, _, False):
            return some(inner, start, condition)
        case Alternative(branches) if not all(
            isinstance(branch, Predicate | Inverse) for branch in branches
        ):
            return either(some(branch, start, condition) for branch in branches)
    node = fresh()
    found = exists(f"{start} {to_sparql(path)} {node}", condition(node))
    return either([condition(start), found]) if _may_stay(path) else found


def _may_stay(path: Path) -> bool:
    """Return whether a path leads to where it begins, whatever the data."""
    match path:
        case Sequence(steps):
            return all(map(_may_stay, steps))
        case Alternative(branches):
            return any(map(_may_stay, branches))
        case Repeat(inner, least, _):
            return not least or _may_stay(inner)
    return False


def leads(path: Path, start: str, end: str) -> str:
    """Return whether ``path`` leads from ``start`` to the known ``end``."""
    match path:
        case Sequence((*before, Predicate() | Inverse() as last)):
            return some(Sequence(tuple(before)), start, lambda node: leads(last, node, end))
        case Predicate() | Inverse():
            return exists(f"{start} {to_sparql(path)} {end}", TRUE)
    return some(path, start, lambda node: f"sameTerm({node}, {end})")


def exists(pattern: str, condition: str = TRUE) -> str:
    """Return whether ``pattern`` has a solution that meets ``condition``."""
    if condition == FALSE:
        return FALSE
    filter = "" if condition == TRUE else f" FILTER({condition})"
    return f"EXISTS {{ {pattern}{filter} }}"


# Terms


def constant(node: object) -> str | None:
    """Return an rdflib term as SPARQL; None for blank nodes and for what the engine rewrites."""
    try:
        term = from_rdflib(node)
    except ValueError:
        return None
    if isinstance(term, ox.BlankNode) or not is_kept(term):
        return None
    return str(term)


def limit(node: object) -> str | None:
    """Return the limit of an ordering as SPARQL: as `constant`, or a decimal of the same value.

    The engine writes `-90.0` as `-90`, which is another term but not another number, and an
    order asks for nothing but the number.
    """
    kept = constant(node)
    if kept is not None or not isinstance(node, Literal) or str(node.datatype) != XSD + "decimal":
        return kept
    stored = as_stored([ox.Quad(_S, _S, from_rdflib(node))])[0].object
    is_equal = isinstance(stored, ox.Literal) and (
        Literal(stored.value, datatype=node.datatype).value == node.value
    )
    return str(stored) if is_equal else None


def is_kept(term: ox.NamedNode | ox.BlankNode | ox.Literal) -> bool:
    """Return whether ``term`` is the same term after it was stored, and in rdflib."""
    if not isinstance(term, ox.Literal):
        return True
    if term.language is not None or term.datatype.value == XSD + "string":
        return True
    if term.datatype in REWRITTEN:
        return False
    return bool(as_stored([ox.Quad(_S, _S, term)])[0].object == term)


_S: Final = ox.NamedNode("urn:x")


def differ(one: str, other: str) -> Bounds:
    """Bounds of whether two terms are different values to rdflib."""
    same = f"sameTerm({one}, {other})"
    return Bounds(every([no(same), no(is_rewritten(one))]), same)


def is_rewritten(term: str) -> str:
    """Return whether a term may be another to rdflib."""
    return f"COALESCE(DATATYPE({term}) IN ({_REWRITTEN}), false)"


_REWRITTEN: Final = ", ".join(sorted(map(str, REWRITTEN)))


def in_classes(node: str, classes: Iterable[str]) -> str:
    """Return whether ``node`` has one of the ``classes`` as a type."""
    names = [f"<{name}>" for name in classes]
    if len(names) == 1:
        return exists(f"{node} <{RDF}type> {names[0]}")
    kind = fresh()
    return exists(f"{node} <{RDF}type> {kind}", f"{kind} IN ({', '.join(names)})")


# Datatypes

#: Those whose lexical forms rdflib checks, and that are stored as written or by another name:
#: nothing is sure about them.
_CHECKED: Final = frozenset({
    "HTML", "XMLLiteral", "base64Binary", "byte", "dayTimeDuration", "duration", "hexBinary",
    "int", "long", "negativeInteger", "nonNegativeInteger", "nonPositiveInteger",
    "positiveInteger", "short", "unsignedByte", "unsignedInt", "unsignedLong", "unsignedShort",
    "yearMonthDuration",
})  # fmt: skip
_TIME: Final = (
    r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-][01][0-9]:[0-5][0-9])?"
)


def _is_date(value: str) -> str:
    # Python's dates begin with the year 1; rdflib drops a time zone.
    return f"(STRLEN(STR({value})) = 10 && YEAR({value}) >= 1)"


def _is_date_time(value: str) -> str:
    pattern = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME}$"
    return f'(YEAR({value}) >= 1 && REGEX(STR({value}), "{pattern}"))'


def has_datatype(value: str, datatype: str) -> Bounds:
    """Bounds of sh:datatype."""
    if datatype == PREFIXES["rdfs"] + "Literal":
        return exactly(f"isLiteral({value})")
    if datatype == PREFIXES["rdfs"] + "Datatype":
        return UNKNOWN
    if datatype == RDF + "langString":
        return exactly(sure(f'LANG({value}) != ""'))
    matches = f"DATATYPE({value}) = <{datatype}>"
    name = datatype.removeprefix(XSD) if datatype.startswith(XSD) else datatype.removeprefix(RDF)
    well_formed = {
        "integer": f"isNumeric({value})",
        "decimal": f"isNumeric({value})",
        "double": f"isNumeric({value})",
        "float": f"isNumeric({value})",
        "boolean": f"(sameTerm({value}, true) || sameTerm({value}, false))",
        "date": _is_date(value),
        "dateTime": _is_date_time(value),
        "time": f'REGEX(STR({value}), "^{_TIME}$")',
    }.get(name, FALSE if name in _CHECKED else TRUE)
    return Bounds(sure(every([matches, well_formed])), no(sure(matches)))


def compares(one: str, operator: str, other: str, datatype: str | None = None) -> Bounds:
    """Bounds of ``one operator other``, where the operator is one of < <= > >= = !=.

    Sure is a comparison within one datatype, and a strict one between numbers of two: a decimal
    is rounded before it is compared with a double. ``datatype`` is that of ``other``, if known.
    """
    comparison = f"({one} {operator} {other})"
    kinds = [kind for kind in _COMPARED if datatype is None or kind == datatype]
    guards = []
    for kind in kinds:
        guard = [f"DATATYPE({term}) = <{kind}>" for term in (one, other)]
        if kind in _EXACT:
            guard += [f"isNumeric({term})" for term in (one, other)]
        elif kind == XSD + "date":
            guard += [_is_date(term) for term in (one, other)]
        elif kind == XSD + "dateTime":
            guard.append(f'((TZ({one}) = "") = (TZ({other}) = ""))')
            guard += [_is_date_time(term) for term in (one, other)]
        guards.append(sure(every(guard)))
    bounds = within(either(guards), comparison)
    if operator not in _STRICT or not (datatype is None or datatype in _NUMERIC):
        return bounds
    same = f"DATATYPE({one}) = DATATYPE({other})"
    strict = f"({one} {_STRICT[operator]} {other})"
    numbers = f"(isNumeric({one}) && isNumeric({other}) && IF({same}, {comparison}, {strict}))"
    return Bounds(either([sure(numbers), bounds.holds]), bounds.fails)


_STRICT: Final = {"<": "<", "<=": "<", ">": ">", ">=": ">"}
_EXACT: Final = (XSD + "integer", XSD + "decimal")
_NUMERIC: Final = (*_EXACT, XSD + "double", XSD + "float")
_COMPARED: Final = (*_EXACT, XSD + "string", XSD + "date", XSD + "dateTime")


# Strings

#: Printable ASCII: here, all classes of characters mean the same to both engines.
_ASCII: Final = '"^[ -~]*$"'
_NO_CONTROLS: Final = r'"^[^\\p{Cc}\\p{Zl}\\p{Zp}]*$"'


def is_ascii(text: str) -> str:
    """Return whether ``text`` is printable ASCII."""
    return f"REGEX({text}, {_ASCII})"


_ESCAPE: Final = re.compile(r"\\[.*+?()\[\]{}|^$\\/\-#%&'\"!,:;=@ tnrdwsDWSb_~`]")
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{[0-9]{1,3}(?:,(?:[0-9]{1,3})?)?\})\??")
_SHORTHAND: Final = re.compile(r"\\[wdsbWDS]")
_PLAIN: Final = re.compile(r"[^\\.*+?()\[\]{}|^$]")
_MEMBER: Final = re.compile(r"\\[.*+?()\[\]{}|^$\\/\-tnrdwsDWS]|[^\\\[\]]")


@lru_cache(maxsize=1024)
def portability(pattern: str, flags: str = "") -> str:
    """Return ``all`` or ``ascii``: for which strings both engines match alike; or ``none``.

    Known are literal characters, classes, groups, alternatives, anchors and quantifiers; anything
    else, or what Python refuses, is left to pySHACL.
    """
    needs_ascii = "i" in flags or bool(_SHORTHAND.search(pattern))
    place, may_repeat = 0, False
    while place < len(pattern):
        rest = pattern[place:]
        if may_repeat and (match := _QUANTIFIER.match(rest)):
            # A second quantifier would be possessive to Python.
            place, may_repeat = place + match.end(), False
            continue
        if rest[0] == "[":
            end = _class_end(pattern, place)
            if end < 0:
                return "none"
            place, may_repeat = end, True
        elif match := _ESCAPE.match(rest):
            place, may_repeat = place + 2, rest[1] != "b"
        elif rest.startswith("(?:"):
            place, may_repeat = place + 3, False
        elif rest[0] in "^$|" or (rest[0] == "(" and not rest.startswith("(?")):
            place, may_repeat = place + 1, False
        elif rest[0] in ")." or _PLAIN.match(rest):
            place, may_repeat = place + 1, True
        else:
            return "none"
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return "none"
    return "ascii" if needs_ascii else "all"


def _class_end(pattern: str, start: int) -> int:
    """Return where the class that begins at ``start`` ends; -1 where it is not a plain one."""
    place = start + 1
    if pattern[place : place + 1] == "^":
        place += 1
    first = place
    while place < len(pattern) and pattern[place] != "]":
        match = _MEMBER.match(pattern, place)
        # “--”, “&&” and “~~” are operators to the engine.
        if match is None or pattern[place : place + 2] in {"--", "&&", "~~"}:
            return -1
        place = match.end()
    return place + 1 if first < place < len(pattern) else -1


def matches(text: str, pattern: str, flags: str) -> Bounds:
    """Bounds of whether ``text``, a string expression, matches as Python's ``re.search`` finds."""
    flags = "".join(flag for flag in "im" if flag in flags)
    kind = portability(pattern, flags)
    if kind == "none":
        return UNKNOWN
    test = f"REGEX({text}, {quoted(pattern)}{f', {quoted(flags)}' if flags else ''})"
    if kind == "ascii":
        return within(is_ascii(text), test)
    # To Python, “$” matches before a last line break, too: it finds more, never less.
    return Bounds(sure(test), sure(f"(REGEX({text}, {_NO_CONTROLS}) && !{test})"))


def quoted(text: str) -> str:
    """Return ``text`` as a string in SPARQL."""
    return str(ox.Literal(text))
