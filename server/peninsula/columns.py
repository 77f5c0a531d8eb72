"""What does each column of an answer hold, and which part can it play in a drawing?

Types come from the terms, parts from the names, as people who write SPARQL give them: ``?from``
and ``?until``, ``?personA`` and ``?personB``, ``?thing`` and ``?thingLabel``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Row, Term
from peninsula.namespaces import CONCEPT_SCHEMES, expand, shorten
from peninsula.terms import read_day as day_meant

_EDTF: Final = expand("edtf:")
_WKT: Final = expand("geo:wktLiteral")
_NUMBERS: Final = frozenset(
    f"xsd:{name}"
    for name in (
        "integer", "decimal", "double", "float", "int", "long", "short", "byte", "unsignedInt",
        "nonNegativeInteger", "positiveInteger", "unsignedLong",
    )
)  # fmt: skip
_DATES: Final = frozenset({"xsd:date", "xsd:dateTime", "xsd:gYear", "xsd:gYearMonth"})
_KINDS: Final = {
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(_DATES, "date"),
    "xsd:boolean": "truth",
}
_POINT: Final = re.compile(
    r"\s*(?:<[^>]*>\s*)?POINT\s*(?:Z\s*)?\(\s*([-+.\deE]+)\s+([-+.\deE]+)[^)]*\)\s*", re.IGNORECASE
)
_DAY: Final = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?", re.ASCII)
#: Words of a name that say which end of a time a date is.
_STARTS: Final = frozenset(
    {"from", "start", "starts", "begin", "begins", "since", "first", "earliest", "opened", "born"}
)
_ENDS: Final = frozenset({"until", "end", "ends", "to", "last", "latest", "till", "closed", "died"})
#: A number of this name names or orders something; it is nothing to be drawn as a size.
_NAMING: Final = frozenset(
    {"id", "number", "no", "code", "paragraph", "sentence", "section", "page", "rank", "line"}
)
_YEARS: Final = frozenset({"year", "month", "decade"})
_LATITUDES: Final = frozenset({"lat", "latitude"})
_LONGITUDES: Final = frozenset({"lon", "long", "lng", "longitude"})
#: Pairs of names for the two ends of a tie.
_ENDS_OF_TIES: Final = (
    ("subject", "object"), ("source", "target"), ("cause", "effect"), ("antecedent", "consequent"),
    ("supporter", "opponent"), ("group", "member"), ("parent", "child"), ("earlier", "later"),
    ("holder", "other"), ("claim", "other"), ("actor", "other"), ("person", "other"),
    ("state", "other"), ("party", "other"), ("tension", "claim"), ("actor", "relation"),
    ("a", "b"),
)  # fmt: skip
#: What tells a claim from another is its words; drawings rather name what it is about.
EVIDENCE: Final = frozenset({"claim", "passage", "attribution", "reading", "vote", "participation"})


@dataclass(frozen=True)
class Column:
    """A column: what it is called, what it holds, and how much of it."""

    name: str
    index: int
    #: thing, date, edtf, number, truth, point, text, or nothing where no row has a value.
    kind: str
    #: What things these are where all are the same: person, place, stance …
    sort: str
    #: How many different values there are, and how many rows have one.
    count: int
    filled: int
    #: The column that holds the labels of this one.
    label: int | None = None

    @property
    def words(self) -> list[str]:
        """Return the words of the name in small letters, without “Label”."""
        name = self.name.removesuffix("Label") or self.name
        return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)]

    @property
    def is_size(self) -> bool:
        """Whether this is a number that something can be as large as."""
        return self.kind == "number" and not set(self.words) & (
            _NAMING | _YEARS | _LATITUDES | _LONGITUDES
        )

    @property
    def is_year(self) -> bool:
        return self.kind == "number" and bool(set(self.words) & _YEARS)

    @property
    def is_category(self) -> bool:
        """Whether the values sort the rows: things, words, numbers that name something."""
        return self.kind in {"thing", "text", "truth"} or (
            self.kind == "number" and not self.is_size
        )

    @property
    def is_stance(self) -> bool:
        return self.sort == "stance" or "stance" in self.words

    @property
    def varies(self) -> bool:
        return self.count > 1


@dataclass(frozen=True)
class Period:
    """The columns that say when; ``end`` is None where one column has the day."""

    start: Column
    end: Column | None


@dataclass(frozen=True)
class Tie:
    """The columns whose things are tied to each other."""

    source: Column
    target: Column
    #: Whether the names say so; otherwise any two columns of things will do.
    is_named: bool


def read_columns(variables: Sequence[str], rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns of an answer, without those that hold the labels of others."""
    found = [_read_column(name, index, rows) for index, name in enumerate(variables)]
    things = {column.name: column for column in found if column.kind == "thing"}
    labels = {
        name: column.index
        for column in found
        for name in (_labelled(column.name),)
        if name in things and column.kind in {"text", ""}
    }
    return tuple(
        Column(c.name, c.index, c.kind, c.sort, c.count, c.filled, labels.get(c.name))
        for c in found
        if c.index not in labels.values()
    )


def _labelled(name: str) -> str:
    """Return the name of the column whose label this one holds: ``state`` for ``stateLabel``."""
    return name.removesuffix("Label") if name.endswith("Label") else ""


def _read_column(name: str, index: int, rows: Sequence[Row]) -> Column:
    terms = [term for row in rows if (term := row[index]) is not None]
    kinds = {kind_of_term(term) for term in terms}
    # Dates with years, or numbers with words: what is said of all of them.
    kind = kinds.pop() if len(kinds) == 1 else "text" if kinds else ""
    sorts = {sort_of(term) for term in terms} if kind == "thing" else set()
    return Column(
        name, index, kind, sorts.pop() if len(sorts) == 1 else "", len(set(terms)), len(terms)
    )


def kind_of_term(term: Term) -> str:
    """Return what a term is: thing, date, edtf, number, truth, point or text."""
    if isinstance(term, ox.NamedNode):
        return "thing"
    if not isinstance(term, ox.Literal):
        return "text"
    datatype = term.datatype.value
    if datatype == _WKT:
        return "point" if read_point(term) else "text"
    if datatype.startswith(_EDTF):
        return "edtf"
    return _KINDS.get(shorten(datatype), "text")


def sort_of(term: Term) -> str:
    """Return the prefix of an IRI of ours, which says what kind of thing it names."""
    if not isinstance(term, ox.NamedNode):
        return ""
    name = shorten(term.value)
    return name.partition(":")[0] if name != term.value else ""


def is_concept(sort: str) -> bool:
    """Whether things of this sort are concepts of a vocabulary."""
    return sort in CONCEPT_SCHEMES.values()


def read_point(term: Term | None) -> tuple[float, float] | None:
    """Return latitude and longitude of a point in WKT."""
    match = _POINT.fullmatch(term.value) if isinstance(term, ox.Literal) else None
    if match is None:
        return None
    try:
        longitude, latitude = float(match[1]), float(match[2])
    except ValueError:
        return None
    is_on_earth = abs(latitude) <= 90 and abs(longitude) <= 180
    return (latitude, longitude) if is_on_earth else None


def read_number(term: Term | None) -> float | None:
    """Return the number that a literal is; None where it is none, or infinite."""
    if not isinstance(term, ox.Literal) or kind_of_term(term) != "number":
        return None
    try:
        number = float(term.value)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None


def read_day(term: Term | None, *, is_end: bool = False) -> date | None:
    """Return the day of a date; of a month or year the first, or the last where it is an end."""
    match = _DAY.match(term.value) if isinstance(term, ox.Literal) else None
    try:
        return day_meant(match[0], is_end=is_end) if match else None
    except ValueError:
        return None


# Which parts there are.


def find_period(columns: Iterable[Column], rows: Sequence[Row]) -> Period | None:
    """Return the columns that say when: a beginning with its end, or a day."""
    dates = [column for column in columns if column.kind == "date"]
    if not dates:
        return None

    def rank(column: Column) -> tuple[int, int]:
        words = column.words
        # “from” says more than “start”, which often is a parameter; “?laterFrom” less than both.
        order = 0 if words == ["from"] else 1 if len(words) == 1 and words[0] in _STARTS else 3
        if len(words) > 1 and set(words) & _STARTS:
            order = 2
        if set(words) & _ENDS:
            order = 4
        return (order, column.index)

    # What a question was asked with is the same in each row; its answer is drawn.
    start = min([column for column in dates if column.varies] or dates, key=rank)
    stem = _stem(start)
    ends = [c for c in dates if c is not start and set(c.words) & _ENDS and _stem(c) == stem]
    # Of several the one that follows: “?start ?end ?from ?until” are two periods.
    end = min(ends, key=lambda c: (c.index < start.index, c.index), default=None)
    if end is None and len(dates) == 2 and not set(start.words) & _ENDS:
        # ?endOfTerm and ?startOfNext: what lies between them.
        other = next(c for c in dates if c is not start)
        if (
            set(other.words) & _ENDS
            and set(start.words) & _STARTS
            and _is_before(other, start, rows)
        ):
            return Period(other, start)
    return Period(start, end)


def _stem(column: Column) -> list[str]:
    return [word for word in column.words if word not in _STARTS | _ENDS]


def _is_before(one: Column, other: Column, rows: Sequence[Row]) -> bool:
    pairs = [(read_day(row[one.index]), read_day(row[other.index])) for row in rows]
    return all(a <= b for a, b in pairs if a and b)


def find_when(columns: Iterable[Column]) -> Column | None:
    """Return the column that has the time as its source gives it."""
    return next((column for column in columns if column.kind == "edtf"), None)


def find_place(columns: Sequence[Column]) -> Column | tuple[Column, Column] | None:
    """Return the column of points, those of latitude and longitude, or that of places."""
    point = next((column for column in columns if column.kind == "point"), None)
    if point:
        return point
    numbers = [column for column in columns if column.kind == "number"]
    latitude = next((c for c in numbers if set(c.words) & _LATITUDES), None)
    longitude = next((c for c in numbers if set(c.words) & _LONGITUDES), None)
    if latitude and longitude:
        return latitude, longitude
    return next((column for column in columns if column.sort == "place"), None)


def find_tie(columns: Sequence[Column], rows: Sequence[Row]) -> Tie | None:
    """Return the columns whose things are tied: by their names, else the first two of things."""
    things = {column.name: column for column in columns if column.kind == "thing"}
    for first, second in _ENDS_OF_TIES:
        if first in things and second in things:
            return Tie(things[first], things[second], is_named=True)
    for name, column in things.items():
        other = things.get(f"{name[:-1]}B") if name.endswith("A") else None
        if other:
            return Tie(column, other, is_named=True)
    for name, column in things.items():
        if name in {"broader", "other", "successor", "replacedBy"}:
            child = next((c for c in things.values() if c.name != name), None)
            if child:
                return Tie(child, column, is_named=True)
    varying = [c for c in things.values() if c.varies and c.sort not in EVIDENCE]
    if len(varying) < 2:
        return None
    source, target = varying[:2]
    if is_concept(source.sort) and is_concept(target.sort):
        return None  # a table of concepts: nobody is tied to anybody
    return Tie(source, target, is_named=_share_things(source, target, rows))


def _share_things(one: Column, other: Column, rows: Sequence[Row]) -> bool:
    """Whether what stands in one column stands in the other, too: states with states."""
    if not one.sort or one.sort != other.sort or is_concept(one.sort):
        return False
    first = {row[one.index] for row in rows} - {None}
    second = {row[other.index] for row in rows} - {None}
    return bool(first & second)


def depends(rows: Sequence[Row], on: Column, *columns: Column) -> bool:
    """Whether the values of ``columns`` are the same wherever ``on`` has the same one."""
    seen: dict[Term, tuple[Term | None, ...]] = {}
    for row in rows:
        key = row[on.index]
        if key is None:
            continue
        values = tuple(row[column.index] for column in columns)
        if seen.setdefault(key, values) != values:
            return False
    return True
