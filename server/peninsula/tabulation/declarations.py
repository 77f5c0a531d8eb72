"""Which tidy tables are there, and what does each of their columns hold?

Each table is declared by two files in ``declared/``: ``claims.toml`` says what is in it,
``claims.rq`` how it is read from the graph, one solution a row, one variable a column. A column
of things becomes three in the files: ``holder`` with the prefixed name (``state:russia``),
``holder_iri`` with the whole IRI, and ``holder_label`` with the name in a language.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from peninsula.errors import UnknownTable
from peninsula.namespaces import PREFIXES

_FOLDER: Final = Path(__file__).parent / "declared"
#: Kinds of columns, with the datatype that CSVW has for them; of a thing, that of its name.
DATATYPES: Final = {
    "thing": "string", "things": "string", "text": "string", "date": "date",
    "integer": "integer", "number": "double", "boolean": "boolean", "iri": "anyURI",
    "iris": "anyURI",
}  # fmt: skip
_LISTS: Final = frozenset({"things", "iris"})
_PREFIX: Final = re.compile(r"(?<![\w?<])([a-z][a-z-]*):[\w-]")


@dataclass(frozen=True)
class Field:
    """A column as the files have it."""

    name: str
    datatype: str
    description: str
    is_list: bool = False
    is_required: bool = False

    @property
    def is_address(self) -> bool:
        """Return whether it is the IRI of what the column before it names."""
        return self.name.endswith("_iri")

    @property
    def title(self) -> str:
        """Return the name in words."""
        return self.name.replace("_iri", " IRI").replace("_", " ")


@dataclass(frozen=True)
class Column:
    """A column as it is declared: one variable of the query."""

    name: str
    kind: str
    description: str
    is_required: bool = False
    #: The table whose rows the things in it are.
    refers: str = ""
    has_label: bool = True

    @property
    def is_list(self) -> bool:
        return self.kind in _LISTS

    @property
    def is_thing(self) -> bool:
        return self.kind in {"thing", "things"}

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return the one column that this becomes in the files, or three."""
        main = Field(
            self.name, DATATYPES[self.kind], self.description, self.is_list, self.is_required
        )
        if not self.is_thing:
            return (main,)
        text = self.description
        iri = Field(
            f"{self.name}_iri", "anyURI", f"{text}: the IRI", self.is_list, self.is_required
        )
        label = Field(f"{self.name}_label", "string", f"{text}: the name", self.is_list)
        return (main, iri, label) if self.has_label else (main, iri)


@dataclass(frozen=True)
class Table:
    """A tidy table: what it is called, what is in it, and the query that reads it."""

    name: str
    title: str
    description: str
    #: The column that names the thing each row is about.
    key: str
    columns: tuple[Column, ...]
    #: In SPARQL, with its prefixes.
    query: str

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return the columns as the files have them."""
        return tuple(field for column in self.columns for field in column.fields)


@cache
def read_tables() -> Mapping[str, Table]:
    """Return every table by its name, in the order in which they are listed."""
    read = [(tomllib.loads(path.read_text("utf-8")), path) for path in _FOLDER.glob("*.toml")]
    read.sort(key=lambda pair: pair[0]["place"])
    return {path.stem: _make(path, declared) for declared, path in read}


def _make(path: Path, declared: Mapping[str, Any]) -> Table:
    return Table(
        path.stem,
        declared["title"],
        declared["description"],
        declared["key"],
        tuple(
            Column(
                column["name"],
                column["kind"],
                column["description"],
                column.get("required", False),
                column.get("refers", ""),
                column.get("label", True),
            )
            for column in declared["columns"]
        ),
        _add_prefixes(path.with_suffix(".rq").read_text("utf-8")),
    )


def _add_prefixes(query: str) -> str:
    used = dict.fromkeys(_list_prefixes(query))
    lines = [f"PREFIX {prefix}: <{PREFIXES[prefix]}>\n" for prefix in used]
    return f"{''.join(sorted(lines))}\n{query}"


def _list_prefixes(query: str) -> Iterator[str]:
    for match in _PREFIX.finditer(query):
        if match[1] in PREFIXES:
            yield match[1]


def find_table(name: str) -> Table:
    """Return the table of that name; raises UnknownTable, with names that are near."""
    tables = read_tables()
    if name in tables:
        return tables[name]
    near = difflib.get_close_matches(name.lower(), tables, n=3, cutoff=0.5)
    raise UnknownTable(
        f"There is no table “{name}”.",
        f"Perhaps: {', '.join(near)}." if near else f"There are: {', '.join(tables)}.",
    )
