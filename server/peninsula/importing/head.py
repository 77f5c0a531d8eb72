"""Which column of the mapping stands where in a file?"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from peninsula.importing.cells import show_cell
from peninsula.importing.mapping import Column, Table
from peninsula.importing.report import Problem, Problems
from peninsula.importing.rows import SourceRow, TableFile


@dataclass(frozen=True)
class Head:
    """The columns of a table as they stand in its file."""

    #: What the file calls them.
    titles: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Return by the names of columns where they stand, counted from 1."""
        return {column.name: place for place, column in enumerate(self.columns, start=1)}

    def title(self, position: int) -> str:
        """Return what the file calls the column at a place in it, counted from 1."""
        return self.titles[position - 1] if 0 < position <= len(self.titles) else ""


def read_head(
    table: Table, file: TableFile, rows: Iterator[SourceRow], problems: Problems
) -> Head | None:
    """Return the head of a table, from its rows where the file has one.

    None where the table cannot be read, which is told.
    """
    real = table.real
    if not table.dialect.has_header:
        return Head(tuple(column.shown for column in real), tuple(real))
    row = next(rows, None)
    if row is None:
        if not problems:
            problems.add(Problem(file.place(), "there is no head"))
        return None
    titles = tuple(show_cell(cell).strip().removeprefix("\ufeff") for cell in row.cells)
    before = problems.count
    found: list[Column] = []
    for position, title in enumerate(titles, start=1):
        column = next((c for c in real if title in {c.name, *c.titles}), None)
        place = file.place(row.number, title or f"{position}", row.line, position)
        if column is None and not title:
            problems.add(Problem(place, "the column has no name in the head"))
        elif column is None:
            free = {t for c in real for t in (c.titles or (c.name,))} - set(titles)
            near = tuple(difflib.get_close_matches(title, sorted(free), n=2))
            message = (
                "the mapping knows no such column; a column that is not to be imported has "
                "“suppressOutput”"
            )
            problems.add(Problem(place, message, near=near))
        elif column in found:
            problems.add(Problem(place, f"the column {column.shown} is there twice"))
        else:
            found.append(column)
    for column in _find_needed(table, [c for c in real if c not in found]):
        near = tuple(difflib.get_close_matches(column.shown, titles, n=2))
        message = f"the column {column.shown} is missing{_explain(titles)}"
        problems.add(Problem(file.place(row.number, line=row.line), message, near=near))
    return None if problems.count > before else Head(titles, tuple(found))


def _find_needed(table: Table, absent: Sequence[Column]) -> Iterator[Column]:
    """Yield the absent columns without which the table cannot be read."""
    needed = {
        variable.partition(".")[0]
        for column in table.columns
        if column.about
        for variable in column.about.variables
    }
    needed.update(table.primary_key)
    for key in table.foreign_keys:
        needed.update(key.columns)
    for column in absent:
        if column.is_required or column.name in needed:
            yield column


def _explain(titles: Sequence[str]) -> str:
    """Return, where the head is one cell, by what it seems to be parted."""
    title = titles[0] if len(titles) == 1 else ""
    for delimiter, name in ((";", ";"), ("\t", "a tab"), (",", ","), ("|", "|")):
        if delimiter in title:
            written = delimiter.replace("\t", "\\t")
            return (
                f"; the cells seem to be parted by {name}: let the mapping say so, "
                f"“dialect”: {{“delimiter”: “{written}”}}"
            )
    return ""
