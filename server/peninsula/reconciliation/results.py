"""How are candidates, suggestions and proposals written, for programs and for a table?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from peninsula.reconciliation.schema import Item, Schema
from peninsula.reconciliation.scoring import Candidate, Feature
from peninsula.reconciliation.suggesting import Suggested

#: Columns of the table that a person downloads.
COLUMNS: Final = (
    "asked", "place", "match", "id", "name", "score", "type", "description", "why", "iri",
)  # fmt: skip


def write_results(found: Mapping[str, Sequence[Candidate]], schema: Schema) -> dict[str, Any]:
    """Return the answer to a batch."""
    return {key: write_result(candidates, schema) for key, candidates in found.items()}


def write_result(candidates: Sequence[Candidate], schema: Schema) -> dict[str, Any]:
    """Return the answer to one query."""
    return {"result": [_write_candidate(candidate, schema) for candidate in candidates]}


def _write_candidate(candidate: Candidate, schema: Schema) -> dict[str, Any]:
    entity, language = candidate.entity, schema.language
    types = schema.specific(entity.classes)
    told = {
        "id": entity.id,
        "name": entity.label(language),
        "description": entity.description(types[0].name if types else "", language),
        "type": [{"id": item.id, "name": item.name} for item in types],
        "score": candidate.score,
        "features": [{"id": one.id, "value": one.value} for one in candidate.features],
        "match": candidate.is_match,
    }
    return {key: value for key, value in told.items() if key != "description" or value}


def write_entities(found: Iterable[Suggested]) -> dict[str, Any]:
    """Return suggested things."""
    return {
        "result": [
            {
                "id": one.id,
                "name": one.name,
                **({"description": one.description} if one.description else {}),
                "notable": [{"id": item.id, "name": item.name} for item in one.types],
            }
            for one in found
        ]
    }


def write_types(items: Iterable[Item]) -> dict[str, Any]:
    """Return suggested types with what is right above each."""
    return {
        "result": [
            {
                **_write_item(item),
                **({"broader": list(map(_write_item, item.broader))} if item.broader else {}),
            }
            for item in items
        ]
    }


def write_properties(items: Iterable[Item]) -> dict[str, Any]:
    """Return suggested properties."""
    return {"result": list(map(_write_item, items))}


def write_proposals(items: Iterable[Item], type_id: str, limit: int | None) -> dict[str, Any]:
    """Return the properties that are proposed for a type."""
    told: dict[str, Any] = {"type": type_id, "properties": list(map(_write_item, items))}
    return told if limit is None else {**told, "limit": limit}


def _write_item(item: Item) -> dict[str, str]:
    told = {"id": item.id, "name": item.name}
    return {**told, "description": item.description} if item.description else told


def write_rows(
    asked: Mapping[str, str], found: Mapping[str, Sequence[Candidate]], schema: Schema
) -> Iterator[tuple[object, ...]]:
    """Yield a line for each candidate, and one for each name that has none."""
    yield COLUMNS
    for key, text in asked.items():
        for place, candidate in enumerate(found[key], 1):
            entity = candidate.entity
            types = schema.specific(entity.classes)
            kind = types[0].name if types else ""
            yield (
                text, place, candidate.is_match, entity.id, entity.label(schema.language),
                candidate.score, types[0].id if types else "",
                entity.description(kind, schema.language), explain(candidate.features),
                entity.iri,
            )  # fmt: skip
        if not found[key]:
            yield (text, "", "", "", "", "", "", "", "", "")


def explain(features: Iterable[Feature]) -> str:
    """Return the features in one line."""
    return "; ".join(
        f"{one.id} {str(one.value).lower() if isinstance(one.value, bool) else f'{one.value:g}'}"
        for one in features
    )
