"""Which marks stand in which cell of a matrix, and how large is each?

Rows stand in bands, one for each group, in the order in which they come. A cell that nobody
filled is a gap: nothing is known there, and the drawing says so. The area of a mark grows with
its count, so that the weight of a row is seen before a number is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Final

#: Side of the smallest and of the largest mark, in pixels.
_SMALLEST: Final = 11.0
_LARGEST: Final = 19.0


@dataclass(frozen=True)
class Row:
    """One thing whose cells stand side by side."""

    key: str
    label: str
    path: str = ""
    #: What the rows of one band share, in words.
    group: str = ""
    #: A value by which a form knows the row, where rows can be chosen.
    value: str = ""


@dataclass(frozen=True)
class Column:
    """One thing whose cells stand below each other; ``depth`` is its place in a hierarchy."""

    key: str
    label: str
    path: str = ""
    depth: int = 0
    #: Leads to the matrix with what is narrower shown, or hidden; empty where there is nothing.
    fold: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class MatrixCell:
    """What is known of a row and a column: stances, by their slugs, with their counts."""

    marks: tuple[tuple[str, int], ...] = ()
    path: str = ""
    tip: str = ""
    is_contested: bool = False
    #: Stances that are less firmly tied to the column; drawn within a dashed frame.
    loose: tuple[tuple[str, int], ...] = ()
    #: How many there are that the chosen time leaves out, or cannot decide on.
    elsewhere: int = 0
    undecided: int = 0
    #: Why it is contested: a key that the template knows, and what it is about.
    reasons: tuple[tuple[str, str], ...] = ()

    @property
    def total(self) -> int:
        return sum(count for _, count in (*self.marks, *self.loose))

    @property
    def sums(self) -> tuple[tuple[str, int], ...]:
        """Return the stances with their counts, firmly tied or not."""
        counts: dict[str, int] = {}
        for stance, count in (*self.marks, *self.loose):
            counts[stance] = counts.get(stance, 0) + count
        return tuple(counts.items())


@dataclass(frozen=True)
class Glyph:
    """A mark, drawn: its shape is that of the stance."""

    stance: str
    count: int
    size: float
    is_loose: bool


@dataclass(frozen=True)
class Place:
    """A cell at its place; ``cell`` is None where nothing is known."""

    column: Column
    cell: MatrixCell | None
    glyphs: tuple[Glyph, ...] = ()


@dataclass(frozen=True)
class Line:
    """A row with its cells."""

    row: Row
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Band:
    """Rows of one group."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Matrix:
    """A matrix, drawn."""

    columns: tuple[Column, ...]
    bands: tuple[Band, ...]
    #: The name of each stance, by its slug.
    stances: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for band in self.bands for line in band.lines)

    @property
    def is_empty(self) -> bool:
        return not (self.columns and self.bands)


def draw_matrix(
    rows: Iterable[Row],
    columns: Sequence[Column],
    cells: Mapping[tuple[str, str], MatrixCell],
    *,
    stances: Mapping[str, str] | None = None,
) -> Matrix:
    """Return the matrix of ``cells``, which are known by the keys of their row and column.

    ``stances`` names the stances in the reader's language; without it they go by their slugs.
    """
    counts = [n for cell in cells.values() for _, n in (*cell.marks, *cell.loose)]
    most = max(counts, default=1)
    bands: dict[str, list[Line]] = {}
    for row in rows:
        places = tuple(_place(column, cells.get((row.key, column.key)), most) for column in columns)
        bands.setdefault(row.group, []).append(Line(row, places))
    return Matrix(
        tuple(columns),
        tuple(Band(label, tuple(lines)) for label, lines in bands.items()),
        dict(stances or {}),
    )


def _place(column: Column, cell: MatrixCell | None, most: int) -> Place:
    if cell is None:
        return Place(column, None)
    glyphs = [
        Glyph(stance, count, _size(count, most), is_loose)
        for marks, is_loose in ((cell.marks, False), (cell.loose, True))
        for stance, count in marks
        if count
    ]
    return Place(column, cell, tuple(glyphs))


def _size(count: int, most: int) -> float:
    """Return the side of a mark whose area grows with ``count``."""
    share = sqrt(max(count - 1, 0) / max(most - 1, 1))
    return round(_SMALLEST + (_LARGEST - _SMALLEST) * share, 1)
