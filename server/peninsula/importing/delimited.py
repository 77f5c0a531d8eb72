"""Which rows does a file of comma-separated values have, and where does each begin?

A file is read line by line, with limits on its lines and cells, in the encoding that its first
bytes, its mapping or the curator announces. What is wrong with its form is told with the row, and
reading goes on where it can.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from peninsula.errors import InvalidTable, display_path
from peninsula.importing.dialects import (
    Dialect,
    check_encoding,
    find_mark,
    guess_encoding,
    guess_wide,
    is_wide,
)
from peninsula.importing.report import Problems
from peninsula.importing.rows import LONGEST_CELL, SourceRow, TableFile, Tick

#: Bytes of one line.
LONGEST_LINE: Final = 4 << 20
#: Problems of form after which the rest of the file is not worth reading.
_MOST_FORM_PROBLEMS: Final = 100
_HEAD: Final = 8192
#: Bytes after a line that is not in its encoding, by which another is guessed.
_SAMPLE: Final = 64 << 10
_SIGNATURES: Final = {b"%PDF": "a PDF", b"\x1f\x8b": "compressed", b"PK\x03\x04": "an archive"}


class DelimitedFile(TableFile):
    """A file of comma-separated values."""

    def __init__(self, path: Path, dialect: Dialect, encoding: str = "") -> None:
        """``encoding`` is what the curator says, against the mapping."""
        head, size = _read_head(path)
        super().__init__(path, dialect, size)
        self.said = find_mark(head) or encoding or dialect.encoding
        self.encoding = check_encoding(self.said)
        _check(path, head, self.encoding)

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
                problems.add(self.complain(number, _explain(str(error), self.dialect), begin))
                bad += 1
                if bad >= _MOST_FORM_PROBLEMS or lines.is_over:
                    return
                continue
            except _Unreadable as error:
                problems.add(self.complain(number, str(error), lines.number))
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


def _read_head(path: Path) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD), path.stat().st_size
    except OSError as error:
        raise InvalidTable(
            f"{display_path(path)}: it cannot be read ({error.strerror}).", "Mend the path."
        ) from None


def _check(path: Path, head: bytes, encoding: str) -> None:
    """Raise InvalidTable where a file holds no table."""
    shown = display_path(path)
    if not head.strip():
        raise InvalidTable(f"{shown}: it is empty.", "Give a table with a head and rows.")
    for signature, what in _SIGNATURES.items():
        if head.startswith(signature):
            raise InvalidTable(
                f"{shown}: this is no CSV, but {what}.",
                "Save the table as “CSV UTF-8” or as .xlsx, and give that file.",
            )
    if b"\0" in head and not is_wide(encoding):
        guess = guess_wide(head)
        raise InvalidTable(
            f"{shown}: this is no {encoding}, but probably {guess}."
            if guess
            else f"{shown}: this is no text.",
            f"Say so: --encoding {guess}, or “encoding” in the mapping’s dialect."
            if guess
            else "Save the table as “CSV UTF-8”, and give that file.",
        )


class _Unreadable(Exception):
    """A line cannot be read."""

    def __init__(self, message: str, *, is_fatal: bool = False) -> None:
        super().__init__(message)
        self.is_fatal = is_fatal


class _Lines:
    """The lines of a file as text, none of them endless."""

    def __init__(self, table: DelimitedFile, tick: Tick) -> None:
        self._file = table.path.open("rb")
        self._encoding = "utf-8" if table.encoding == "utf-8-sig" else table.encoding
        self._said = table.said
        # Where a line break is more than a byte, lines are known once they are text.
        self._text: IO[str] | None = None
        if is_wide(self._encoding):
            self._text = io.TextIOWrapper(self._file, self._encoding, newline="")
        self._tick = tick
        self._read = 0
        self.number = 0
        self.is_over = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = self._read_wide() if self._text else self._read_line()
        if not text:
            self.is_over = True
            raise StopIteration
        if self.number == 1:
            text = text.removeprefix("\ufeff")
        if "\0" in text:
            raise _Unreadable("it holds a zero byte; this is no text", is_fatal=True)
        return text

    def _read_line(self) -> str:
        line = self._file.readline(LONGEST_LINE + 1)
        self._count(len(line), is_line=bool(line))
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise _Unreadable(self._explain(error)) from None

    def _read_wide(self) -> str:
        assert self._text
        try:
            line = self._text.readline(LONGEST_LINE + 1)
        except UnicodeDecodeError as error:
            self.number += 1
            message = f"from here on the file is not {self._said} ({error.reason})"
            raise _Unreadable(message, is_fatal=True) from None
        self._count(len(line), is_line=bool(line))
        return line

    def _count(self, size: int, *, is_line: bool) -> None:
        self.number += is_line
        self._read += size
        if self.number % 1000 == 0:
            self._tick(self._read)
        if size > LONGEST_LINE:
            raise _Unreadable(
                f"the line is longer than {LONGEST_LINE >> 20} MiB; this is no table, or its "
                "lines end in another way than in line breaks",
                is_fatal=True,
            )

    def _explain(self, error: UnicodeDecodeError) -> str:
        byte = error.object[error.start]
        there = self._file.tell()
        guess = guess_encoding(error.object + self._file.read(_SAMPLE))
        self._file.seek(there)
        remedy = (
            f"; this is probably {guess}: say so by --encoding {guess}, or by “encoding” in the "
            "mapping’s dialect"
            if guess and guess != self._said
            else "; say by --encoding in which encoding it is, or save it as UTF-8"
        )
        return (
            f"byte {byte:#04x} at place {error.start + 1} of the line is not {self._said}{remedy}"
        )

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
