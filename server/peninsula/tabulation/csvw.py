"""How are the tidy tables described to programs, in the vocabulary of CSV on the Web?

https://www.w3.org/TR/tabular-metadata/. A table by itself has its columns and its key; what its
cells refer to in other tables stands in the description of all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from peninsula.tabulation.declarations import Field, Table, read_tables

#: Of several values in a cell of CSV.
SEPARATOR: Final = "|"
_CONTEXT: Final = ["http://www.w3.org/ns/csvw", {"@language": "en"}]


def describe_table(table: Table, address: str, provenance: Mapping[str, str]) -> dict[str, Any]:
    """Return the description of one table, whose CSV is at ``address``."""
    return {"@context": _CONTEXT, **_describe(table, address), **_tell(provenance)}


def describe_tables(
    address_of: Callable[[str], str], provenance: Mapping[str, str]
) -> dict[str, Any]:
    """Return the description of all tables, and of how they refer to each other.

    ``address_of`` tells where the CSV of the table of a name is.
    """
    tables = []
    for name, table in read_tables().items():
        described = _describe(table, address_of(name))
        foreign = _list_foreign_keys(table, address_of)
        if foreign:
            described["tableSchema"]["foreignKeys"] = foreign
        tables.append(described)
    return {
        "@context": _CONTEXT,
        "dc:title": "Peninsula: tidy tables",
        **_tell(provenance),
        "tables": tables,
    }


def _describe(table: Table, address: str) -> dict[str, Any]:
    return {
        "url": address,
        "dc:title": table.title,
        "dc:description": table.description,
        "tableSchema": {
            "columns": [_describe_field(field) for field in table.fields],
            "primaryKey": table.key,
            "aboutUrl": f"{{+{table.key}_iri}}",
        },
    }


def _describe_field(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": field.name,
        "titles": field.name,
        "dc:title": field.title,
        "dc:description": field.description,
        "datatype": field.datatype,
    }
    if field.is_required:
        described["required"] = True
    if field.is_list:
        described["separator"] = SEPARATOR
    return described


def _list_foreign_keys(table: Table, address_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return the references that no row lacks: a strict validator takes no others for keys."""
    tables = read_tables()
    return [
        {
            "columnReference": column.name,
            "reference": {
                "resource": address_of(column.refers),
                "columnReference": tables[column.refers].key,
            },
        }
        for column in table.columns
        if column.refers and column.is_required
    ]


def _tell(provenance: Mapping[str, str]) -> dict[str, Any]:
    """Return what the metadata say of where the tables come from."""
    terms = {"dcterms:source": "dc:source", "dcterms:issued": "dc:issued"}
    told: dict[str, Any] = {terms[k]: v for k, v in provenance.items() if k in terms}
    if licence := provenance.get("dcterms:license"):
        told["dc:license"] = {"@id": licence}
    if number := provenance.get("peninsula:generation"):
        told["dc:hasVersion"] = number
    return told
