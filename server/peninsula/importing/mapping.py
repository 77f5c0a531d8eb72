"""What does a mapping say about a table: its columns, their values, and the statements they make?

Plain values; :mod:`peninsula.importing.metadata` reads them. The library ``csvw`` knows the
datatypes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import csvw

from peninsula.importing.dialects import Dialect
from peninsula.importing.templates import Template
from peninsula.namespaces import BASE, expand

EDTF: Final = expand("edtf:EDTF")
#: Parts of a value that templates may ask for, by what the column holds.
_PARTS: Final = {
    "resolved": ("iri", "slug", "label", "label.en", "label.ko", "label.ru"),
    "dated": ("from", "until", "slug"),
    "plain": ("slug",),
}
#: Variables of templates that no column has.
ROW_VARIABLES: Final = ("_row", "_sourceRow")
COLUMN_VARIABLES: Final = ("_name", "_column", "_sourceColumn")


@dataclass(frozen=True)
class Resolve:
    """Among which things a cell names one, and by which properties besides their names."""

    class_iri: str = ""
    scheme: str = ""
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of the file, or a virtual one, and what statements it makes."""

    name: str
    titles: tuple[str, ...]
    number: int
    described: csvw.Column
    is_virtual: bool = False
    is_suppressed: bool = False
    is_required: bool = False
    #: Values of a cell are parted by it.
    separator: str | None = None
    datatype: str = ""
    language: str = ""
    predicate: Template | None = None
    about: Template | None = None
    value: Template | None = None
    text: Template | None = None
    wanted: Resolve | None = None
    #: Makes statements only where these columns have a value.
    when: tuple[str, ...] = ()
    #: Makes its statements once for each value of this column.
    each: str = ""

    @property
    def shown(self) -> str:
        """Return what the file calls it; of a virtual one without a name, its property."""
        if self.titles:
            return self.titles[0]
        if self.name.startswith("_") and self.predicate:
            return self.predicate.source
        return self.name

    @property
    def is_dated(self) -> bool:
        return self.datatype in {EDTF, expand("xsd:date")}

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts of its value that a template may ask for."""
        if self.wanted:
            return _PARTS["resolved"]
        return _PARTS["dated" if self.is_dated else "plain"]


@dataclass(frozen=True)
class ForeignKey:
    """Columns whose values must be those of columns of another table."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of the mapping."""

    url: str
    dialect: Dialect
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    existing: str = "refuse"
    is_suppressed: bool = False

    def find(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def real(self) -> list[Column]:
        return [column for column in self.columns if not column.is_virtual]


@dataclass(frozen=True)
class TableMapping:
    """A mapping that was read."""

    path: Path
    sha256: str
    tables: tuple[Table, ...]
    graph: str = ""
    base: str = BASE
