"""Mappings and tables of the tests, and the statements that they are to make."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from peninsula.importing.mapping import TableMapping
from peninsula.importing.metadata import CONTEXT, read_mapping
from peninsula.namespaces import PREFIXES

Generate = Callable[..., tuple[set[str], list[str]]]
HEAD: Final = "".join(f"@prefix {prefix}: <{iri}> .\n" for prefix, iri in PREFIXES.items())
STATE: Final = {"class": "pen:State"}


def column(name: str, **more: Any) -> dict[str, Any]:
    """Return a column; ``_x`` stands for ``import:x``."""
    named = {f"import:{key[1:]}" if key.startswith("_") else key: v for key, v in more.items()}
    return {"name": name, "titles": name, **named}


def virtual(property: str, **more: Any) -> dict[str, Any]:
    described = {"virtual": True, "propertyUrl": property, **column("", **more)}
    del described["name"], described["titles"]
    return described


def mapping_of(
    *columns: dict[str, Any], about: str | None = "event:{id}", **more: Any
) -> dict[str, Any]:
    """Return a mapping of one table; ``schema`` and ``dialect`` add to it."""
    schema = {"columns": list(columns), **more.pop("schema", {})}
    if about:
        schema["aboutUrl"] = about
    named = {f"import:{key[1:]}" if key.startswith("_") else key: v for key, v in more.items()}
    return {"@context": CONTEXT, "url": "table.csv", "tableSchema": schema, **named}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(tmp_path: Path, mapping: dict[str, Any] | str) -> TableMapping:
    text = mapping if isinstance(mapping, str) else json.dumps(mapping, ensure_ascii=False)
    return read_mapping(write(tmp_path / "mapping.json", text))


def turtle(text: str) -> set[str]:
    """Return the statements of Turtle with our prefixes."""
    return {str(q.triple) for q in ox.parse(HEAD + text, format=ox.RdfFormat.TURTLE)}


def fine(result: tuple[set[str], list[str]]) -> set[str]:
    assert result[1] == []
    return result[0]


#: An ordinary table.
PLAIN: Final = (
    column("id", required=True, suppressOutput=True),
    column("name", titles="Name", propertyUrl="rdfs:label"),
    column("day", propertyUrl="pen:day", datatype="date"),
)
