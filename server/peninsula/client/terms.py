"""Which Python value is a term of RDF, so that nothing of it is lost?

Numbers, days, moments and truth values become Python's own where these hold them exactly.
Texts stay texts: an :class:`IRI` is a ``str`` that knows it is one, a :class:`Text` one that knows
its language, a :class:`Literal` one that knows its datatype.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Self

from peninsula.client.problems import UnexpectedAnswer
from peninsula.namespaces import PREFIXES, expand, shorten

_XSD: Final = PREFIXES["xsd"]
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,4000}")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_DOUBLE: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-2][0-9]:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_INTEGERS: Final = frozenset(
    _XSD + name
    for name in (
        "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
        "nonPositiveInteger", "negativeInteger", "unsignedInt", "unsignedLong", "unsignedShort",
        "unsignedByte",
    )
)  # fmt: skip
_SPECIAL: Final = {"INF": math.inf, "+INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NOT_IN_IRI: Final = re.compile(r"[\x00-\x20<>\"{}|^`\\]")


class IRI(str):
    """The name of a thing; ``short`` is it with a prefix, such as ``state:russia``."""

    __slots__ = ()

    @property
    def short(self) -> str:
        return shorten(str(self))


class BlankNode(str):
    """A node without a name; its label means something in one answer only."""

    __slots__ = ()


class Text(str):  # noqa: SLOT000, a text of any length has none
    """A text in a language."""

    language: str

    def __new__(cls, text: str, language: str) -> Self:
        made = super().__new__(cls, text)
        made.language = language
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Text, (str(self), self.language)


class Literal(str):  # noqa: SLOT000, as above
    """A literal that Python has no exact value for: its text, and the IRI of its datatype."""

    datatype: IRI

    def __new__(cls, text: str, datatype: str) -> Self:
        made = super().__new__(cls, text)
        made.datatype = IRI(datatype)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Literal, (str(self), str(self.datatype))


#: What a cell of an answer holds; None where a variable is not bound.
Value = IRI | BlankNode | Text | Literal | str | bool | int | float | Decimal | date | datetime


def iri(name: str) -> IRI:
    """Return the IRI meant by a full IRI, or by a prefixed name such as ``state:russia``.

    Raises ValueError where it is neither.
    """
    text = name.strip().removeprefix("<").removesuffix(">")
    prefix, colon, local = text.partition(":")
    if colon and prefix in PREFIXES and not local.startswith("//"):
        text = expand(text)
    elif not colon:
        raise ValueError(f"“{name}” is no IRI; write one in full, or with a prefix of ours")
    if _NOT_IN_IRI.search(text):
        raise ValueError(f"“{name}” is no IRI")
    return IRI(text)


def read_term(term: Mapping[str, Any]) -> Value:
    """Return the value of a term in SPARQL JSON; raises UnexpectedAnswer."""
    try:
        kind, text = term["type"], term["value"]
    except (KeyError, TypeError):
        raise UnexpectedAnswer(f"The answer holds a term that is none: {term!r:.100}") from None
    match kind:
        case "uri":
            return IRI(text)
        case "bnode":
            return BlankNode(text)
        case "literal" | "typed-literal":
            if language := term.get("xml:lang"):
                return Text(text, language)
            return read_literal(text, term.get("datatype", ""))
        case "triple":
            # Triple terms are shown; whoever works with them asks for a graph.
            parts = (text.get(p, {}) for p in ("subject", "predicate", "object"))
            return Literal(" ".join(write_term(read_term(p)) for p in parts), "urn:triple")
    raise UnexpectedAnswer(f"The answer holds a term of an unknown kind: {kind!r:.100}")


def read_literal(text: str, datatype: str) -> Value:
    """Return the value of a literal without a language."""
    if not datatype or datatype == f"{_XSD}string":
        return text
    found = _read(text, datatype)
    return Literal(text, datatype) if found is None else found


def _read(text: str, datatype: str) -> Value | None:  # noqa: PLR0911, one a case
    """Return Python's value where it is exact."""
    if datatype in _INTEGERS:
        return int(text) if _INTEGER.fullmatch(text) else None
    match datatype.removeprefix(_XSD):
        case "boolean":
            return {"true": True, "1": True, "false": False, "0": False}.get(text)
        case "decimal":
            return Decimal(text) if _DECIMAL.fullmatch(text) else None
        case "double" | "float":
            return float(text) if _DOUBLE.fullmatch(text) else _SPECIAL.get(text)
        case "date" if _DAY.fullmatch(text):
            return _or_none(date.fromisoformat, text)
        case "dateTime" if _MOMENT.fullmatch(text):
            return _or_none(datetime.fromisoformat, text)
    return None


def _or_none(read: Callable[[str], date], text: str) -> date | None:
    try:
        return read(text)
    except ValueError:
        return None


def write_term(value: object) -> str:  # noqa: C901, PLR0911, one a case
    """Return a value as a term in SPARQL; raises TypeError where it has none."""
    match value:
        case IRI():
            return f"<{iri(value)}>"
        case Text():
            return f"{_quote(value)}@{value.language}"
        case Literal():
            return f"{_quote(value)}^^<{iri(value.datatype)}>"
        case BlankNode():
            raise TypeError("a blank node of an answer cannot be asked about")
        case str():
            return _quote(value)
        case bool():
            return _typed(str(value).lower(), "boolean")
        case int():
            return _typed(str(value), "integer")
        case Decimal():
            return _typed(format(value, "f"), "decimal")
        case float():
            special = {math.inf: "INF", -math.inf: "-INF"}
            text = "NaN" if math.isnan(value) else special.get(value, repr(value))
            return _typed(text, "double")
        case datetime():
            return _typed(value.isoformat(), "dateTime")
        case date():
            return _typed(value.isoformat(), "date")
    raise TypeError(f"{type(value).__name__} is no value of RDF")


def _typed(text: str, name: str) -> str:
    return f'"{text}"^^<{_XSD}{name}>'


def _quote(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(c, c) for c in text) + '"'
