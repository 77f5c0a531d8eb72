"""How is a tidy table laid out in the types of Arrow?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from peninsula import columnar
from peninsula.formats import Format
from peninsula.tabulation.declarations import Field, Table

_BATCH: Final = 5000
_TYPES: Final = {
    "string": pa.string(), "anyURI": pa.string(), "date": pa.date32(), "integer": pa.int64(),
    "double": pa.float64(), "boolean": pa.bool_(),
}  # fmt: skip


def make_schema(table: Table, notes: Mapping[str, str]) -> Any:
    """Return the schema of ``table``: the same whatever is in the graph."""
    fields = [_make_field(field, is_key=field.name == table.key) for field in table.fields]
    return pa.schema(fields, metadata=dict(notes))


def _make_field(field: Field, *, is_key: bool) -> Any:
    type = _TYPES[field.datatype]
    return pa.field(
        field.name,
        pa.list_(type) if field.is_list else type,
        # What the shapes require may be lacking where another graph is served.
        nullable=not is_key,
        metadata={"dcterms:description": field.description},
    )


def encode_table(table: Table, rows: Iterable[tuple[Any, ...]], format: Format) -> Iterator[bytes]:
    """Yield ``table`` with ``rows`` in a columnar format; its notes become metadata."""
    notes = {"dcterms:title": table.title, "dcterms:description": table.description}
    schema = make_schema(table, notes | dict(format.notes))

    def batches() -> Iterator[Any]:
        rest = iter(rows)
        while batch := list(itertools.islice(rest, _BATCH)):
            columns = zip(*batch, strict=True)
            arrays = [
                pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return columnar.encode(batches(), schema, format)
