"""Which rows does a sheet of an Excel workbook have?

The library ``openpyxl`` reads it, row by row, as values: days as days by either of Excel's two
calendars, and of a formula what it was when the workbook was saved. A workbook is an archive of
XML, which may be made to do harm: how much it unpacks to is limited, and what defines entities is
refused (by ``defusedxml``, which the library then uses).
"""

from __future__ import annotations

import re
import struct
import warnings
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, Final, Self, cast

import defusedxml.ElementTree
import openpyxl
from defusedxml.common import DefusedXmlException
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from peninsula.errors import InvalidTable, display_path
from peninsula.importing.dialects import Dialect
from peninsula.importing.report import Place, Problems
from peninsula.importing.rows import LONGEST_CELL, BadCell, Cell, SourceRow, TableFile, Tick

#: Rows and columns that are read. Excel has no more rows.
MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 1_000
_LARGEST_SHEET: Final = 512 << 20
#: Of what is held in memory: the texts of all cells; formats and the like.
_LARGEST_TEXTS: Final = 128 << 20
_LARGEST_PART: Final = 16 << 20
_MOST_PARTS: Final = 10_000
#: Cells without a value that are told one by one.
_MOST_UNSAVED: Final = 1_000

_SHEET_PART: Final = re.compile(r"xl/(?:work|chart|dialog)sheets/", re.IGNORECASE)
_TEXTS_PART: Final = re.compile(r"xl/sharedStrings\.xml", re.IGNORECASE)
#: Parts that nobody looks into: pictures and the like.
_PASSED_OVER: Final = re.compile(
    r"xl/(?:media|embeddings|drawings|charts|externalLinks)/", re.IGNORECASE
)
_CELL: Final = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

#: Whatever is wrong with an archive, its XML, or what the XML says.
_BROKEN: Final = (
    ArithmeticError, AttributeError, EOFError, ET.ParseError, InvalidFileException, KeyError,
    IndexError, NotImplementedError, OSError, RuntimeError, struct.error, TypeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def is_workbook(path: Path, head: bytes) -> bool:
    """Return whether a file is an Excel workbook; raises InvalidTable for another archive."""
    if head != b"PK\x03\x04":
        return False
    shown = display_path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind = archive.open("mimetype").read(100) if "mimetype" in names else b""
    except _BROKEN as error:
        raise InvalidTable(f"{shown}: the workbook is damaged ({error}).", _AGAIN) from None
    if b"opendocument.spreadsheet" in kind:
        raise InvalidTable(
            f"{shown}: this is an OpenDocument spreadsheet.", "Save it as .xlsx or as CSV."
        )
    if "xl/workbook.bin" in names:
        raise InvalidTable(f"{shown}: this is a binary workbook (.xlsb).", "Save it as .xlsx.")
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise InvalidTable(
            f"{shown}: this is an archive, and no workbook.", "Unpack it, and give the table."
        )
    return True


_AGAIN: Final = "Open it in Excel or LibreOffice, save it again as .xlsx, and give that file."


@dataclass(frozen=True)
class _Sheet:
    title: str
    is_visible: bool
    #: Where in the archive it is.
    part: str


class Workbook:
    """An Excel workbook, of which one sheet after another is read."""

    def __init__(self, path: Path, sheets: Sequence[_Sheet]) -> None:
        self.path = path
        self._sheets = sheets

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the workbook in a file; raises InvalidTable where it is none, or too large."""
        _check_sizes(path)
        try:
            # The library leaves a file open that it cannot read.
            with path.open("rb") as file:
                sheets = [
                    _Sheet(
                        str(sheet.title),
                        sheet.sheet_state == "visible",
                        str(getattr(sheet, "_worksheet_path", "")),
                    )
                    for sheet in _load(file).worksheets
                ]
        except _BROKEN as error:
            raise InvalidTable(
                f"{display_path(path)}: the workbook cannot be read ({_explain(error)}).", _AGAIN
            ) from None
        return cls(path, sheets)

    @property
    def titles(self) -> list[str]:
        """Return what its visible sheets are called."""
        return [sheet.title for sheet in self._sheets if sheet.is_visible]

    def table(self, name: str, dialect: Dialect) -> SheetFile:
        """Return the table on a sheet, the only one where none is named; raises InvalidTable."""
        titles = self.titles
        shown = display_path(self.path)
        there = f"It has {', '.join(f'“{title}”' for title in titles[:20])}."
        if not name and len(titles) != 1:
            raise InvalidTable(
                f"{shown}: the workbook has {len(titles)} sheets, and none is named.",
                f"Say which by --sheet. {there}",
            )
        for sheet in self._sheets:
            if sheet.title == (name or titles[0]):
                return SheetFile(self.path, dialect, sheet)
        raise InvalidTable(f"{shown}: there is no sheet “{name}”.", there)


def _check_sizes(path: Path) -> None:
    """Raise InvalidTable where a workbook unpacks to more than is read.

    The sizes are those that it tells: what is more than told is not unpacked.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    for part in parts:
        is_sheet = bool(_SHEET_PART.match(part.filename))
        most = _LARGEST_SHEET if is_sheet else _LARGEST_PART
        if _TEXTS_PART.fullmatch(part.filename):
            most = _LARGEST_TEXTS
        if part.file_size > most and not _PASSED_OVER.match(part.filename):
            raise InvalidTable(
                f"{display_path(path)}: {part.filename} unpacks to {part.file_size >> 20:,} MiB, "
                f"and {most >> 20} MiB are read.",
                "Save the table as CSV, and give that file.",
            )
    if len(parts) > _MOST_PARTS:
        raise InvalidTable(f"{display_path(path)}: the workbook has {len(parts):,} parts.", _AGAIN)


def _load(file: IO[bytes]) -> Any:
    with warnings.catch_warnings():
        # It warns of what it leaves out: colours, checks of what may be typed in, and the like.
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)


def _explain(error: BaseException) -> str:
    # The library tells of its own failure, and why it failed stands below that.
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    if isinstance(error, DefusedXmlException):
        return "its XML defines entities"
    text = " ".join(str(error).split())[:200]
    return text or type(error).__name__


class SheetFile(TableFile):
    """The table on a sheet of a workbook."""

    def __init__(self, path: Path, dialect: Dialect, sheet: _Sheet) -> None:
        with zipfile.ZipFile(path) as archive:
            try:
                size = archive.getinfo(sheet.part).file_size
            except KeyError:
                size = 0
        super().__init__(path, dialect, size)
        self.sheet = sheet.title
        self._part = sheet.part

    def place(self, row: int = 0, column: str = "", line: int = 0, position: int = 0) -> Place:
        """Return a place, with the letter of its column."""
        letter = get_column_letter(position + self.dialect.skipped_columns) if position else ""
        return Place(self.name, row, column, line, position, self.sheet, letter)

    def rows(self, problems: Problems, tick: Tick = lambda _: None) -> Iterator[SourceRow]:
        """Yield its rows; the cells of each are as many as the head has, or more."""
        with self.path.open("rb") as file:
            try:
                unsaved = self._find_unsaved()
                book = _load(file)
            except _BROKEN as error:
                problems.add(self.complain(0, f"the sheet cannot be read ({_explain(error)})"))
                return
            yield from self._read(book[self.sheet], unsaved, problems, tick)

    def _read(
        self, sheet: Any, unsaved: frozenset[tuple[int, int]], problems: Problems, tick: Tick
    ) -> Iterator[SourceRow]:
        # What the file says of its own size is not to be believed.
        sheet.reset_dimensions()
        found = sheet.iter_rows()
        number = width = 0
        while True:
            number += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    cells = next(found, None)
            except _BROKEN as error:
                message = f"from here on the sheet cannot be read ({_explain(error)})"
                problems.add(self.complain(number, message))
                return
            if cells is None:
                return
            if number > MOST_ROWS:
                problems.add(self.complain(number, f"no more than {MOST_ROWS:,} rows are read"))
                return
            if number % 1000 == 0:
                # How far into the file it is cannot be told; most rows are of one length.
                tick(min(self.size, number * 500))
            if number <= self.dialect.skipped_rows:
                continue
            if len(cells) > MOST_COLUMNS and cells[-1].value is not None:
                far = f"{get_column_letter(len(cells))}{number}"
                message = f"cell {far} is far away: no more than {MOST_COLUMNS:,} columns are read"
                problems.add(self.complain(number, message))
                continue
            row = self._take(number, cells, unsaved)
            if row is None:
                continue
            width = width or len(row)
            yield SourceRow(number, number, row + [""] * (width - len(row)))

    def _take(
        self,
        number: int,
        cells: Sequence[Any],
        unsaved: frozenset[tuple[int, int]],
    ) -> list[Cell] | None:
        """Return the values of a row, without empty ones at its end; None for one without any."""
        row: list[Cell] = []
        last = 0
        skipped = self.dialect.skipped_columns
        for place, cell in enumerate(cells[skipped:MOST_COLUMNS], start=1):
            value = cell.value
            if value is None:
                is_unsaved = bool(unsaved) and (number, place + skipped) in unsaved
                row.append(_UNSAVED if is_unsaved else "")
                last = place if is_unsaved else last
                continue
            last = place
            if cell.data_type == "e":
                row.append(BadCell(f"the spreadsheet has an error here ({str(value)[:20]})"))
            elif isinstance(value, str) and len(value) > LONGEST_CELL:
                row.append(BadCell(f"the cell is longer than {LONGEST_CELL >> 20} MiB"))
            else:
                row.append(_as_cell(value))
        if not last and self.dialect.skips_blank_rows:
            return None
        comment, first = self.dialect.comment, row[0] if row else ""
        if comment and isinstance(first, str) and first.startswith(comment):
            return None
        return row[:last]

    def _find_unsaved(self) -> frozenset[tuple[int, int]]:
        """Return the row and column of formulas whose value was not saved with them."""
        found: set[tuple[int, int]] = set()
        with zipfile.ZipFile(self.path) as archive:
            with archive.open(self._part) as part:
                if not _has_formulas(part):
                    return frozenset()
            with archive.open(self._part) as part:
                for _, element in defusedxml.ElementTree.iterparse(part):
                    if element.tag == f"{_MAIN}row":
                        element.clear()
                    elif (
                        element.tag == f"{_MAIN}c"
                        and _is_unsaved(element)
                        and (match := _CELL.fullmatch(element.get("r", "")))
                        and len(found) < _MOST_UNSAVED
                    ):
                        found.add((int(match[2]), _column(match[1])))
        return frozenset(found)


_UNSAVED: Final = BadCell(
    "the formula was saved without its value; open the workbook in Excel or LibreOffice, and save "
    "it again"
)


def _is_unsaved(cell: ET.Element) -> bool:
    """Return whether a cell has a formula and no value; that of a text may be empty."""
    value = cell.find(f"{_MAIN}v")
    has_value = value is not None and (value.text or cell.get("t") == "str")
    return cell.find(f"{_MAIN}f") is not None and not has_value


def _has_formulas(part: IO[bytes]) -> bool:
    rest = b""
    while piece := part.read(1 << 20):
        if b"<f>" in rest + piece or b"<f " in rest + piece or b":f" in rest + piece:
            return True
        rest = piece[-3:]
    return False


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _as_cell(value: object) -> Cell:
    if isinstance(value, str | bool | int | float | date | datetime | time | timedelta):
        return cast("Cell", value)
    return str(value)
