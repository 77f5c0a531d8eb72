"""Which rows does a file have that holds a table, and where does each begin?"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from peninsula.importing.dialects import Dialect
from peninsula.importing.report import Place, Problem, Problems

#: Characters of one cell.
LONGEST_CELL: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell of which its file itself says that it holds no value."""

    message: str


#: What is in a cell: a text, or a value that a spreadsheet keeps as such.
Cell = str | bool | int | float | date | datetime | time | timedelta | BadCell
#: Told how much is read, in the unit of the file's size.
Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a file: its number and first line there, and its cells."""

    number: int
    line: int
    cells: Sequence[Cell]


class TableFile(ABC):
    """A file with a table, read as often as is needed."""

    #: Of a workbook, the sheet that the table is on.
    sheet = ""

    def __init__(self, path: Path, dialect: Dialect, size: int) -> None:
        self.path = path
        self.name = path.name
        self.dialect = dialect
        #: How much there is to be read.
        self.size = size

    def digest(self) -> str:
        """Return its SHA-256."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def place(self, row: int = 0, column: str = "", line: int = 0, position: int = 0) -> Place:
        """Return a place in it."""
        return Place(self.name, row, column, line, position, self.sheet)

    def complain(self, row: int, message: str, line: int = 0, position: int = 0) -> Problem:
        """Return what is wrong with its form."""
        return Problem(self.place(row, line=line, position=position), message)

    @abstractmethod
    def rows(self, problems: Problems, tick: Tick = lambda _: None) -> Iterator[SourceRow]:
        """Yield its rows, the head among them; what has no form is told and passed over."""
