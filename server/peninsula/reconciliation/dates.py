"""Which dates stand in a text, in three languages and in EDTF, and do two dates agree?

A date is a span of days, as exact as it was written: ``2018`` is a year, ``April 2018`` a month.
Two agree if one may lie within the other; that says more the more exact both are.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

_MONTHS: Final = (
    ("january", "jan", "январ", "янв"), ("february", "feb", "феврал", "фев"),
    ("march", "mar", "март", "мар"), ("april", "apr", "апрел", "апр"), ("may", "май", "мая", "мае"),
    ("june", "jun", "июн"), ("july", "jul", "июл"), ("august", "aug", "август", "авг"),
    ("september", "sept", "sep", "сентябр", "сен"), ("october", "oct", "октябр", "окт"),
    ("november", "nov", "ноябр", "ноя"), ("december", "dec", "декабр", "дек"),
)  # fmt: skip
_NAMES: Final = "|".join(
    sorted((name for names in _MONTHS for name in names), key=len, reverse=True)
)
#: Endings of the Russian months, and of shortened ones a dot.
_MONTH: Final = rf"(?P<month>{_NAMES})(?:[ьяюе]|ем|а|у|ом)?\.?"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_AFTER: Final = r"(?:\s*(?:года|году|год|г\.?|년))?"
_EDGE, _END = r"(?<![\w])", r"(?!\w)"
_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # 2018-04-27, 2018.4.27, 2018/04/27
        rf"{_EDGE}{_YEAR}[-./](?P<number>\d\d?)[-./](?P<day>\d\d?){_END}",
        # 2018년 4월 27일, 2018년 4월
        rf"{_EDGE}{_YEAR}\s*년\s*(?P<number>\d\d?)\s*월(?:\s*(?P<day>\d\d?)\s*일)?",
        # 27.04.2018, 4/27/2018
        rf"{_EDGE}(?P<one>\d\d?)[./-](?P<two>\d\d?)[./-]{_YEAR}{_AFTER}{_END}",
        # 27 April 2018, 27 апреля 2018 года
        rf"{_EDGE}(?P<day>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH},?\s*{_YEAR}{_AFTER}{_END}",
        # April 27, 2018
        rf"{_EDGE}{_MONTH}\s+(?P<day>\d\d?)(?:st|nd|rd|th)?,?\s+{_YEAR}{_END}",
        # April 2018, в апреле 2018 года
        rf"{_EDGE}{_MONTH},?\s+(?:of\s+)?{_YEAR}{_AFTER}{_END}",
        # 2018 April, 2018-04
        rf"{_EDGE}{_YEAR}\s+{_MONTH}{_END}",
        rf"{_EDGE}{_YEAR}-(?P<number>\d\d){_END}",
        # 2018, 2018년, 2018 года
        rf"{_EDGE}{_YEAR}(?:\s*(?:года|году|год|г\.?|년))?{_END}",
    )
)
_EDTF: Final = re.compile(r"(-?\d{4}|\d{3}X|\d\dXX)(?:-(\d\d|XX)(?:-(\d\d|XX))?)?[~?%]?")
_PERIOD: Final = re.compile(r"((?:19|20)\d\d)\s*(?:[-–—/]|to|until|по|부터)\s*((?:19|20)\d\d)")
#: Days of what is known to the day, or is a meeting of a few days.
_EXACT: Final = 7


@dataclass(frozen=True, order=True)
class Span:
    """A time from one day to another, both in it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Dated:
    """A text without the dates in it, and what each of those may mean."""

    rest: str
    #: The dates in their order; of one that can be read in two ways, both.
    dates: tuple[tuple[Span, ...], ...] = ()


def find_dates(text: str) -> Dated:
    """Return the dates in ``text``, and what is left of it.

    What follows “resolution” is a number, and no year.
    """
    if not any(character.isdigit() for character in text):
        return Dated(text)
    dates: list[tuple[int, tuple[Span, ...]]] = []

    def take(match: re.Match[str]) -> str:
        spans = _read(match.groupdict())
        if not spans:
            return match[0]
        dates.append((match.start(), spans))
        return " " * len(match[0])

    rest = text
    for pattern in _PATTERNS:
        rest = pattern.sub(take, rest)
    found = tuple(spans for _, spans in sorted(dates, key=lambda pair: pair[0]))
    return Dated(" ".join(rest.split()).strip(" ,;()[]"), found)


def read_edtf(text: str) -> Span | None:
    """Return the time that a date, an interval or a year in EDTF is; None where it is none."""
    text = text.strip()
    if (match := _PERIOD.fullmatch(text)) and match[1] <= match[2]:
        return Span(date(int(match[1]), 1, 1), date(int(match[2]), 12, 31))
    start, slash, end = text.partition("/")
    if slash:
        first = _read_one(start) if start not in {"", ".."} else Span(date.min, date.min)
        last = _read_one(end) if end not in {"", ".."} else Span(date.max, date.max)
        if first is None or last is None or first.first > last.last:
            return None
        return Span(first.first, last.last)
    return _read_one(text[:10] if re.match(r"\d{4}-\d\d-\d\dT", text) else text)


def read_value(value: object) -> tuple[Span, ...]:
    """Return the times that a value of somebody's table may mean."""
    if isinstance(value, bool):
        return ()
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if span := read_edtf(text):
        return (span,)
    found = find_dates(text)
    return found.dates[0] if len(found.dates) == 1 and not found.rest else ()


def agreement(wished: Iterable[Span], known: Iterable[Span]) -> float:
    """Return how well dates agree: 1 within, less beside by a few days, 0 apart."""
    spans = list(known)
    best = 0.0
    for wish in wished:
        for span in spans:
            if wish.first <= span.last and span.first <= wish.last:
                return 1.0
            apart = min(abs((span.first - wish.last).days), abs((wish.first - span.last).days))
            # A day's difference is one of time zones, or of when a news came.
            if apart <= 2 and wish.days <= _EXACT and span.days <= _EXACT:
                best = max(best, 0.8)
    return best


def _read(parts: dict[str, str | None]) -> tuple[Span, ...]:
    year = int(parts["year"] or 0)
    if parts.get("one") and parts.get("two"):
        one, two = int(parts["one"] or 0), int(parts["two"] or 0)
        found = (_make(year, two, one), _make(year, one, two))
        return tuple(dict.fromkeys(span for span in found if span))
    month = _month(parts.get("month")) or int(parts.get("number") or 0)
    span = _make(year, month, int(parts.get("day") or 0))
    return (span,) if span else ()


def _month(name: str | None) -> int:
    if not name:
        return 0
    return next(i + 1 for i, names in enumerate(_MONTHS) if name.lower() in names)


def _make(year: int, month: int, day: int) -> Span | None:
    try:
        if day:
            return Span(date(year, month, day), date(year, month, day))
        if month:
            last = calendar.monthrange(year, month)[1]
            return Span(date(year, month, 1), date(year, month, last))
        return Span(date(year, 1, 1), date(year, 12, 31))
    except ValueError:
        return None


def _read_one(text: str) -> Span | None:
    match = _EDTF.fullmatch(text.strip())
    if match is None or match[1].startswith("-"):
        return None
    year, month, day = match.groups()
    if "X" in year:
        try:
            return Span(
                date(int(year.replace("X", "0")), 1, 1), date(int(year.replace("X", "9")), 12, 31)
            )
        except ValueError:
            return None
    number = int(month) if month and month != "XX" else 0
    try:
        return _make(int(year), number, int(day) if number and day and day != "XX" else 0)
    except ValueError:
        return None
