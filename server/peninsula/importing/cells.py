"""Which values does the text of a cell stand for?

The datatypes of CSVW read it (by the library ``csvw``), or it names one of our things. A value has
a canonical text, as it stands in a literal, and parts that templates may ask for.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from peninsula.importing.mapping import EDTF, Column
from peninsula.importing.report import show_value
from peninsula.importing.resolving import Names, NameUnknown
from peninsula.importing.rows import BadCell, Cell
from peninsula.importing.templates import make_slug
from peninsula.namespaces import shorten
from peninsula.terms import read_day, slug_of

#: Different texts of a column that are remembered.
_REMEMBERED: Final = 50_000
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_DATE: Final = r"\d{4}(?:-\d\d(?:-\d\d)?)?"
_EDTF: Final = re.compile(rf"{_DATE}(?:/(?:\.\.|{_DATE})?)?|(?:\.\.)?/{_DATE}", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)
_ZONE: Final = re.compile(r"(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_MOMENTS: Final = frozenset({"datetime", "dateTime", "dateTimeStamp"})
_DATES: Final = _MOMENTS | {"date"}
#: What a wrong value is not, for people.
_CALLED: Final = {
    "date": "day", "datetime": "moment", "dateTime": "moment", "dateTimeStamp": "moment",
    "integer": "whole number", "int": "whole number", "decimal": "number", "double": "number",
    "float": "number", "number": "number", "boolean": "yes or no", "anyURI": "address",
    "gYear": "year", "duration": "duration", "time": "time of day",
}  # fmt: skip


class CellError(Exception):
    """The text of a cell is no value of its column."""

    def __init__(self, message: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.near = near


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a cell: its canonical text, and the thing that it names, if any."""

    text: str
    iri: str = ""


Values = tuple[Value, ...]
#: A value that a spreadsheet keeps as such.
Kept = bool | int | float | dt.date | dt.datetime | dt.time | dt.timedelta


class CellReader:
    """Reads the cells of one column."""

    def __init__(self, column: Column, names: Names) -> None:
        self.column = column
        self._names = names
        described = column.described
        self._null = frozenset(described.null)
        self._default = described.default
        self._datatype = described.datatype
        self._base = self._datatype.base if self._datatype else "string"
        self._convert = self._choose()
        self._known: dict[str, Values | CellError] = {}

    def read(self, cell: Cell) -> Values:
        """Return the values of a cell, none where it is empty; raises CellError."""
        if isinstance(cell, BadCell):
            raise CellError(cell.message)
        text = cell if isinstance(cell, str) else self._write(cell)
        known = self._known.get(text)
        if known is None:
            try:
                known = self._read(text)
            except CellError as error:
                known = error
            if len(self._known) < _REMEMBERED:
                self._known[text] = known
        if isinstance(known, CellError):
            raise known
        return known

    def part(self, value: Value, part: str) -> str | None:
        """Return a part of a value, such as its label; None where it has none."""
        if part == "iri":
            return value.iri
        if part.startswith("label") and self.column.wanted:
            return self._names.label(
                self.column.wanted, value.iri, part.removeprefix("label").removeprefix(".")
            )
        if part in {"from", "until"}:
            return _end_of(value.text, is_end=part == "until")
        slug = value.text if value.iri else make_slug(value.text)
        if not slug:
            raise CellError(
                f"no slug can be made of {show_value(value.text)}; add a column with one, in Latin "
                "letters, and use it in the template"
            )
        return slug

    def _read(self, text: str) -> Values:
        if control := _CONTROL.search(text):
            raise CellError(f"it holds a character that no text has (U+{ord(control[0]):04X})")
        text = text or self._default
        if self.column.is_required and text in self._null:
            raise CellError("a value is required, and the cell is empty")
        if self.column.separator is None:
            return () if text in self._null else (self._convert(text),)
        if not text or text in self._null:
            return ()
        parts = [part.strip() for part in text.split(self.column.separator)]
        values = (self._convert(part) for part in parts if part not in self._null)
        return tuple(dict.fromkeys(values))

    def _write(self, value: Kept) -> str:
        """Return a value of a spreadsheet as the text that the column would have it."""
        fitting = _fit(self._base, value) if self._datatype and not self.column.wanted else None
        if fitting is None or self.column.separator:
            return show_cell(value)
        try:
            return str(self._datatype.formatted(fitting))
        except (ValueError, TypeError, ArithmeticError, AttributeError):
            return show_cell(value)

    def _choose(self) -> Callable[[str], Value]:
        if self.column.wanted:
            return self._resolve
        if self.column.datatype == EDTF:
            return _read_edtf
        return self._parse

    def _resolve(self, text: str) -> Value:
        assert self.column.wanted
        try:
            iri = self._names.find(self.column.wanted, text)
        except NameUnknown as error:
            raise CellError(f"{show_value(text)} {error}", error.near) from None
        return Value(slug_of(iri), iri)

    def _parse(self, text: str) -> Value:
        if self._datatype is None or self._base == "string":
            if text.startswith("="):
                raise CellError(
                    f"{show_value(text)} is a formula of a spreadsheet, not its value; paste the "
                    "values, and save again"
                )
            if self._datatype is None:
                return Value(text)
        try:
            with warnings.catch_warnings():
                # Of a value that is odd the library warns; here it is wrong.
                warnings.simplefilter("error")
                self._check_form(text)
                return Value(_canonical(self._base, self._datatype.read(text), text))
        except (ValueError, TypeError, OverflowError, ArithmeticError, Warning) as error:
            raise CellError(self._complain(text, error)) from None

    def _check_form(self, text: str) -> None:
        """Raise where the library would take a value that the recommendation does not."""
        if self._base in _DATES:
            pattern = self._datatype.derived_description.get("regex")
            is_form = pattern is None or any(
                pattern.fullmatch(form) for form in (text, _ZONE.sub("", text))
            )
        else:
            is_plain = _is_integer(self._datatype) and not self._datatype.format
            is_form = not is_plain or bool(_INTEGER.fullmatch(text))
        if not is_form:
            raise ValueError

    def _complain(self, text: str, error: Exception) -> str:
        called = _CALLED.get(self._base, shorten(self.column.datatype))
        reason = str(error)
        if reason.startswith("value must"):
            return f"{show_value(text)} is not allowed: it {reason.removeprefix('value ')}"
        format = self._datatype.format
        if self._base == "date" and not format:
            format = "yyyy-MM-dd"
        if self._base == "boolean":
            allowed = " nor ".join(str(format or "true|false").split("|"))
            return f"{show_value(text)} is neither {allowed}"
        if self._base == "string":
            return f"{show_value(text)} has not the form {format}"
        shape = f", written as {format}" if isinstance(format, str) else ""
        return f"{show_value(text)} is no {called}{shape}"


def show_cell(value: Cell) -> str:  # noqa: PLR0911, one a case
    """Return a value of a spreadsheet as a text: days as 2018-04-27, numbers of 15 digits."""
    match value:
        case BadCell():
            return ""
        case bool():
            return str(value).lower()
        case float():
            return format(value, ".15g")
        case dt.datetime():
            is_day = value.time() == dt.time()
            return value.date().isoformat() if is_day else value.isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return f"PT{format(value.total_seconds(), '.15g')}S"
    return str(value)


def _fit(base: str, value: Kept) -> object | None:
    """Return a value of a spreadsheet as one of a datatype; None where it is of another sort."""
    if isinstance(value, bool):
        return value if base == "boolean" else None
    if isinstance(value, dt.datetime):
        is_day = value.time() == dt.time()
        return value if base in _MOMENTS or (base == "date" and is_day) else None
    if isinstance(value, dt.date):
        return value if base == "date" else None
    if isinstance(value, float) and base in {"decimal", "number"}:
        return Decimal(show_cell(value))
    is_number = isinstance(value, int | float) and base in {"decimal", "number", "double", "float"}
    return value if is_number else None


def _is_integer(datatype: Any) -> bool:
    return hasattr(datatype.basetype, "range")


def _canonical(base: str, value: Any, text: str) -> str:  # noqa: PLR0911, one a case
    """Return a value as it stands in a literal."""
    if isinstance(value, bool):
        return str(value).lower()
    if base == "date" and isinstance(value, dt.datetime):
        return value.date().isoformat() + _zone(value)
    if base in _DATES and isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat() + _zone(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        special = {"inf": "INF", "-inf": "-INF", "nan": "NaN"}
        return special.get(str(value), repr(value))
    return value if isinstance(value, str) else text.strip()


def _zone(moment: dt.datetime) -> str:
    if moment.tzinfo is None:
        return ""
    offset = moment.isoformat()[-6:]
    return "Z" if offset == "+00:00" else offset


def _read_edtf(text: str) -> Value:
    text = text.strip()
    if not _EDTF.fullmatch(text):
        raise CellError(
            f"{show_value(text)} is no date of EDTF, such as 2018, 2018-04, 2018-04-27, "
            "2018-04-27/2018-04-28 or 2021/.."
        )
    try:
        days = [read_day(part) for part in read_interval(text) if part]
    except ValueError as error:
        raise CellError(f"{show_value(text)} is no date of EDTF: {error}") from None
    if days != sorted(days):
        raise CellError(f"{show_value(text)} ends before it begins")
    return Value(text)


def read_interval(text: str) -> tuple[str, str]:
    """Return both ends of a time; a date alone is both. Empty where one is open or unknown."""
    start, slash, end = text.partition("/")
    start, end = start.removeprefix(".."), end.removesuffix("..")
    return (start, end) if slash else (start, start)


def _end_of(text: str, *, is_end: bool) -> str | None:
    """Return the first or the last day of a time; None where it is open there."""
    text = _ZONE.sub("", text)
    part = read_interval(text)[is_end]
    return read_day(part, is_end=is_end).isoformat() if part else None
