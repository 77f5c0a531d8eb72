"""As which files are tidy tables to be had, and what does a cell look like in each?

A list is a list in Arrow, Parquet and JSON; in CSV its values stand in one cell with ``|``
between, as the metadata says, and a ``|`` in a value has become ``¦``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Final

from peninsula.formats import (
    ARROW,
    ARROW_STREAM,
    CSV,
    NDJSON,
    PARQUET,
    PLAIN_JSON,
    Format,
)
from peninsula.tabulation.csvw import SEPARATOR
from peninsula.tabulation.declarations import Table
from peninsula.tabulation.rows import Value

#: In order of preference.
TABLE_FILES: Final = (CSV, PARQUET, ARROW, ARROW_STREAM, PLAIN_JSON, NDJSON)
_PIECE: Final = 1 << 16


def write_table(table: Table, rows: Iterable[tuple[Value, ...]], format: Format) -> Iterator[bytes]:
    """Yield ``table`` with ``rows`` in one of TABLE_FILES, as the rows come."""
    if format.is_binary:
        return _write_columns(table, rows, format)
    text = {"csv": _write_csv, "json": _write_json, "ndjson": _write_lines}[format.name]
    return _join(text(table, rows))


def _join(pieces: Iterator[str]) -> Iterator[bytes]:
    """Yield many small pieces together."""
    waiting = io.StringIO()
    for piece in pieces:
        waiting.write(piece)
        if waiting.tell() > _PIECE:
            yield waiting.getvalue().encode()
            waiting = io.StringIO()
    yield waiting.getvalue().encode()


def _write_csv(table: Table, rows: Iterable[tuple[Value, ...]]) -> Iterator[str]:
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow([field.name for field in table.fields])
    for row in rows:
        writer.writerow(map(_write_cell, row))
        if line.tell() > _PIECE:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


def _write_cell(value: Value) -> object:
    if isinstance(value, tuple):
        return SEPARATOR.join((item or "").replace(SEPARATOR, "¦") for item in value)
    return str(value).lower() if isinstance(value, bool) else value


def _write_json(table: Table, rows: Iterable[tuple[Value, ...]]) -> Iterator[str]:
    before = "[\n"
    for line in _write_objects(table, rows):
        yield before + line
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _write_lines(table: Table, rows: Iterable[tuple[Value, ...]]) -> Iterator[str]:
    for line in _write_objects(table, rows):
        yield f"{line}\n"


def _write_objects(table: Table, rows: Iterable[tuple[Value, ...]]) -> Iterator[str]:
    names = [field.name for field in table.fields]
    for row in rows:
        yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=str)


def _write_columns(
    table: Table, rows: Iterable[tuple[Value, ...]], format: Format
) -> Iterator[bytes]:
    # The library takes a while to load, and not every server writes columns.
    from peninsula.tabulation import arrow  # noqa: PLC0415

    return arrow.encode_table(table, rows, format)
