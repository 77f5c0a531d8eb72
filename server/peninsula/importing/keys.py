"""Does each key of a table stand in one row, and is it there wherever a table refers to it?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from peninsula.importing.cells import Value, show_cell
from peninsula.importing.head import Head, read_head
from peninsula.importing.mapping import Table
from peninsula.importing.report import Problem, Problems, show_value
from peninsula.importing.rows import SourceRow, TableFile

#: Keys for which near ones are looked for: each costs a look at all of them.
_LOOKS: Final = 50


class Keys:
    """The keys of the rows that were read, each of which is there once."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._seen: dict[tuple[object, ...], int] = {}

    def find_fault(self, row: SourceRow, cells: Mapping[str, tuple[Value, ...]]) -> str:
        """Return what is wrong with the key of a further row; empty: nothing."""
        if not self._columns:
            return ""
        key = tuple(tuple(v.text for v in cells.get(name, ())) for name in self._columns)
        first = self._seen.setdefault(key, row.number)
        if first == row.number:
            return ""
        shown = ", ".join(show_value("; ".join(part)) for part in key)
        return f"the key {shown} stands in row {first}, too"


def check_foreign_keys(tables: Iterable[tuple[Table, TableFile]], problems: Problems) -> None:
    """Tell of the values that refer to another table of the import, and are not in it."""
    by_url = {table.url: (table, file) for table, file in tables}
    for table, file in by_url.values():
        for key in table.foreign_keys:
            target = by_url[key.table]
            known = {value for _, _, value in _read(*target, key.referenced)}
            firsts = sorted({value[0] for value in known})
            looks = 0
            for head, row, value in _read(table, file, key.columns):
                if value in known or not any(value):
                    continue
                looks += 1
                near = difflib.get_close_matches(value[0], firsts, n=2) if looks <= _LOOKS else []
                position = head.positions.get(key.columns[0], 0)
                place = file.place(row.number, head.title(position), row.line, position)
                message = f"{', '.join(map(show_value, value))} is not in {target[1].name}"
                problems.add(Problem(place, message, near=tuple(near)))


def _read(
    table: Table, file: TableFile, columns: Iterable[str]
) -> Iterator[tuple[Head, SourceRow, tuple[str, ...]]]:
    """Yield the rows that have their form, and the texts of some of their cells."""
    rows = file.rows(Problems())
    head = read_head(table, file, rows, Problems())
    if head is None:
        return
    positions = [head.positions.get(name) for name in columns]
    for row in rows:
        if len(row.cells) == len(head.columns):
            texts = tuple(show_cell(row.cells[p - 1]).strip() if p else "" for p in positions)
            yield head, row, texts
