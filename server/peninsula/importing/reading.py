"""Which rows does a file of comma-separated values have, and where does each begin?

A file is read line by line, with limits on its lines and cells, in the encoding that its mapping
announces. What is wrong with its form is told with the row, and reading goes on where it can.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peninsula.errors import InvalidTable, display_path
from peninsula.importing.report import Place, Problem, Problems

#: Bytes of one line, and characters of one cell.
LONGEST_LINE: Final = 4 << 20
LONGEST_CELL: Final = 1 << 20
#: Problems of form after which the rest of the file is not worth reading.
_MOST_FORM_PROBLEMS: Final = 100
_HEAD: Final = 8192
_SIGNATURES: Final = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
#: Encodings whose line breaks are not those of ASCII.
_UNFIT: Final = ("utf-16", "utf16", "utf-32", "utf32", "utf-7", "utf7", "ucs-2", "ucs2")

#: Told how many bytes are read.
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Dialect:
    """How a file writes its table."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    is_quote_doubled: bool = True
    has_header: bool = True
    skipped_rows: int = 0
    skipped_columns: int = 0
    comment: str | None = None
    skips_blank_rows: bool = True
    skips_initial_space: bool = False
    trims: str = "true"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a file: its number and first line there, and its cells."""

    number: int
    line: int
    cells: Sequence[str]


def check_encoding(name: str) -> str:
    """Return how Python calls an encoding; raises ValueError where it is none for a table."""
    if name.lower().replace("_", "-").startswith(_UNFIT):
        raise ValueError(f"“{name}” is not read; save the file as UTF-8")
    try:
        info = codecs.lookup(name)
        is_text = "a".encode(info.name) == b"a"
    except (LookupError, UnicodeError, ValueError, TypeError):
        is_text = False
    if not is_text or info.name in {"idna", "punycode", "unicode_escape", "raw_unicode_escape"}:
        raise ValueError(f"“{name}” is no encoding of texts that is known here")
    return "utf-8-sig" if info.name == "utf-8" else info.name


class TableFile:
    """A file with a table, read as often as is needed."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self.path = path
        self.name = path.name
        self.dialect = dialect
        self.size = _check(path)

    def digest(self) -> str:
        """Return its SHA-256."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def rows(self, problems: Problems, tick: Tick = lambda _: None) -> Iterator[SourceRow]:
        """Yield its rows, the head among them; what has no form is told and passed over."""
        dialect = self.dialect
        limit = csv.field_size_limit(LONGEST_CELL)
        lines = _Lines(self, tick)
        try:
            reader = csv.reader(
                lines,
                delimiter=dialect.delimiter,
                quotechar=dialect.quote,
                quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
                doublequote=dialect.is_quote_doubled,
                escapechar=None if dialect.is_quote_doubled or not dialect.quote else "\\",
                skipinitialspace=dialect.skips_initial_space,
                strict=True,
            )
            yield from self._read(reader, lines, problems)
        finally:
            csv.field_size_limit(limit)
            lines.close()

    def _read(
        self, reader: Iterator[list[str]], lines: _Lines, problems: Problems
    ) -> Iterator[SourceRow]:
        number = bad = 0
        skipped, comment = self.dialect.skipped_columns, self.dialect.comment
        while True:
            begin = lines.number + 1
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problems.add(self._complain(number, begin, _explain(str(error), self.dialect)))
                bad += 1
                if bad >= _MOST_FORM_PROBLEMS or lines.is_over:
                    return
                continue
            except _Unreadable as error:
                problems.add(self._complain(number, lines.number, str(error)))
                bad += 1
                if error.is_fatal or bad >= _MOST_FORM_PROBLEMS:
                    return
                continue
            if number <= self.dialect.skipped_rows:
                continue
            if comment and cells and cells[0].startswith(comment):
                continue
            if not any(cells) and self.dialect.skips_blank_rows:
                continue
            yield SourceRow(number, begin, cells[skipped:])

    def _complain(self, row: int, line: int, message: str) -> Problem:
        return Problem(Place(self.name, row, line=line), message)


def _check(path: Path) -> int:
    """Return the size of a file that may hold a table; raises InvalidTable where it cannot."""
    shown = display_path(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        size = path.stat().st_size
    except OSError as error:
        raise InvalidTable(
            f"{shown}: it cannot be read ({error.strerror}).", "Mend the path."
        ) from None
    if not head.strip():
        raise InvalidTable(f"{shown}: it is empty.", "Give a table with a head and rows.")
    for signature, what in _SIGNATURES.items():
        if head.startswith(signature):
            raise InvalidTable(
                f"{shown}: this is no CSV, but {what}.",
                "Save the table as “CSV UTF-8”, and give that file.",
            )
    if b"\0" in head:
        raise InvalidTable(
            f"{shown}: this is no text.", "Save the table as “CSV UTF-8”, and give that file."
        )
    return size


class _Unreadable(Exception):
    """A line cannot be read."""

    def __init__(self, message: str, *, is_fatal: bool = False) -> None:
        super().__init__(message)
        self.is_fatal = is_fatal


class _Lines:
    """The lines of a file as text, none of them endless."""

    def __init__(self, table: TableFile, tick: Tick) -> None:
        self._file = table.path.open("rb")
        self._encoding = check_encoding(table.dialect.encoding)
        self._said = table.dialect.encoding
        self._tick = tick
        self._read = 0
        self.number = 0
        self.is_over = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE + 1)
        if not line:
            self.is_over = True
            raise StopIteration
        self.number += 1
        self._read += len(line)
        if self.number % 1000 == 0:
            self._tick(self._read)
        if len(line) > LONGEST_LINE:
            raise _Unreadable(
                f"the line is longer than {LONGEST_LINE >> 20} MiB; this is no table, or its "
                "lines end in another way than in line breaks",
                is_fatal=True,
            )
        encoding = self._encoding
        if encoding == "utf-8-sig" and self.number > 1:
            encoding = "utf-8"
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            raise _Unreadable(self._explain(error)) from None
        if "\0" in text:
            raise _Unreadable("it holds a zero byte; this is no text", is_fatal=True)
        return text

    def _explain(self, error: UnicodeDecodeError) -> str:
        byte = error.object[error.start]
        guess = (
            "; a file from a Korean or Russian Windows is often cp949 or windows-1251: say so by "
            "“encoding” in the mapping’s dialect"
            if self._encoding.startswith("utf-8")
            else ""
        )
        return f"byte {byte:#04x} at place {error.start + 1} of the line is not {self._said}{guess}"

    def close(self) -> None:
        self._file.close()


def _explain(reason: str, dialect: Dialect) -> str:
    """Return in words what the parser of the standard library has to say."""
    if "field larger" in reason:
        return f"a cell is longer than {LONGEST_CELL >> 20} MiB; is a quote not closed?"
    if "unexpected end" in reason:
        return f"a quote ({dialect.quote}) is opened here and not closed before the end of the file"
    if "expected after" in reason:
        return (
            f"after a closing quote ({dialect.quote}) something else follows than a delimiter; "
            "write a quote inside of quotes twice"
        )
    if "new-line character" in reason:
        return "a line break stands where none may; save the file with those of UNIX or Windows"
    return f"the row cannot be read ({reason})"
