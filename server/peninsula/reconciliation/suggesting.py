"""Which things, types and properties could somebody mean who has typed so much?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from peninsula.dataset.interface import Dataset
from peninsula.namespaces import BASE, PREFIXES
from peninsula.reconciliation.entities import Entity, read_entities, read_linked
from peninsula.reconciliation.identifiers import find_identified, read_identifiers
from peninsula.reconciliation.schema import Item, Schema
from peninsula.search import LONGEST_TEXT, Index, Wish

SUGGESTIONS: Final = 10
MOST_SUGGESTIONS: Final = 100
#: Things below the first that can be turned to.
MOST_SKIPPED: Final = 10_000
#: Hits that are looked through for things, because terms and items of others are among them.
_LOOKED_AT: Final = 60
_WD: Final = PREFIXES["wd"]
_NO_THINGS: Final = (
    PREFIXES["pen"], PREFIXES["pensh"], PREFIXES["ontology"], PREFIXES["graph"],
    PREFIXES["vocabulary"], f"{BASE}data/",
)  # fmt: skip


@dataclass(frozen=True)
class Suggested:
    """A thing that is offered."""

    id: str
    name: str
    description: str
    types: tuple[Item, ...]


def suggest_entities(
    dataset: Dataset, index: Index, schema: Schema, prefix: str, *,
    types: Sequence[str] = (), skip: int = 0, limit: int = SUGGESTIONS,
) -> list[Suggested]:  # fmt: skip
    """Return the things whose name or id begins with ``prefix``, or is nearly so."""
    text = prefix.strip()[:LONGEST_TEXT]
    if not text:
        return []
    found = dict.fromkeys(_identified(dataset, text, is_typed=bool(types)))
    for class_ in types or ("",):
        wish = Wish(text, class_iri=class_, language=schema.language)
        hits = index.find(wish, limit=skip + limit + _LOOKED_AT).hits
        found.update(dict.fromkeys(hit.iri for hit in hits))
    if not found:
        found.update(dict.fromkeys(hit.iri for hit in index.near(text, language=schema.language)))
    kept = [iri for iri in _follow(dataset, found) if not iri.startswith(_NO_THINGS)]
    entities = read_entities(dataset, kept[: skip + limit + _LOOKED_AT])
    fitting = [
        entities[iri]
        for iri in kept
        if iri in entities
        and (not types or any(schema.is_a(entities[iri].classes, one) for one in types))
    ]
    return [tell(entity, schema) for entity in fitting[skip : skip + limit]]


def tell(entity: Entity, schema: Schema) -> Suggested:
    """Return a thing as it is offered."""
    types = tuple(schema.specific(entity.classes))
    kind = types[0].name if types else ""
    language = schema.language
    return Suggested(
        entity.id, entity.label(language), entity.description(kind, language), types[:3]
    )


def _identified(dataset: Dataset, text: str, *, is_typed: bool) -> list[str]:
    identifiers = read_identifiers(text, is_typed=is_typed)
    found = list(identifiers.iris)
    if identifiers.items:
        linked = read_linked(dataset, identifiers.items)
        found += sorted(iri for iris in linked.values() for iri in iris)
    if identifiers.literals:
        things = find_identified(dataset, identifiers.literals)
        found += sorted(iri for iris in things.values() for iri in iris)
    return found


def _follow(dataset: Dataset, found: dict[str, None]) -> list[str]:
    """Return the things with the linked one in the place of an item of Wikidata."""
    items = [iri for iri in found if iri.startswith(_WD)]
    linked = read_linked(dataset, items) if items else {}
    followed = (
        thing
        for iri in found
        for thing in (sorted(linked.get(iri, ())) if iri.startswith(_WD) else (iri,))
    )
    return list(dict.fromkeys(followed))
