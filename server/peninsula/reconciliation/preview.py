"""What does a small card say of a thing, a type or a property, where somebody rests on its name?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset
from peninsula.labels import rank_tag
from peninsula.namespaces import PREFIXES
from peninsula.reconciliation.entities import Entity, Name, read_entities
from peninsula.reconciliation.extension import extend
from peninsula.reconciliation.requests import Extension, Wanted
from peninsula.reconciliation.schema import Item, Schema
from peninsula.reconciliation.suggesting import tell

#: Of the frame that clients show a card in.
WIDTH: Final = 430
HEIGHT: Final = 300
_FACTS: Final = 4
_VALUES: Final = 3
_NAMES: Final = 5
#: What a card tells anyway, or what nobody looks for on one.
_LEFT_OUT: Final = frozenset(
    ("pen:edtf", "pen:inferredEdtf", "pen:from", "pen:until", "pen:givenName", "pen:familyName",
     "pen:horizon", "pen:triggerDescription", "pen:isSingleHolder", "pen:placeDescription")
)  # fmt: skip


@dataclass(frozen=True)
class Card:
    """What is shown of a thing."""

    iri: str
    id: str
    name: str
    kind: str
    when: str
    description: str
    names: tuple[Name, ...]
    facts: tuple[tuple[str, tuple[str, ...]], ...]


def read_card(dataset: Dataset, schema: Schema, iri: str) -> Card | None:
    """Return the card of a thing, None where the graph knows of none."""
    entity = read_entities(dataset, [ox.NamedNode(iri).value]).get(iri)
    if entity is None or not (entity.names or entity.classes):
        return None
    types = schema.specific(entity.classes)
    name = entity.label(schema.language)
    return Card(
        iri,
        entity.id,
        name,
        types[0].name if types else "",
        entity.when(),
        _summary(entity, schema),
        _other_names(entity, name),
        _facts(dataset, schema, entity, types),
    )


def write_flyout(dataset: Dataset, schema: Schema, iri: str) -> str | None:
    """Return a few lines of HTML about a thing, None where the graph knows of none."""
    entity = read_entities(dataset, [iri]).get(iri)
    if entity is None or not (entity.names or entity.classes):
        return None
    told = tell(entity, schema)
    others = ", ".join(name.text for name in _other_names(entity, told.name)[:3])
    return _lines(told.name, told.description, others, told.id)


def write_item_flyout(item: Item) -> str:
    """Return a few lines of HTML about a type or a property."""
    broader = ", ".join(one.name for one in item.broader)
    return _lines(item.name, item.description, f"→ {broader}" if broader else "", item.id)


def _lines(name: str, *lines: str) -> str:
    # Pages of others put this in as it is: nothing but text may be in it.
    rest = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    return f"<p><b>{escape(name)}</b></p>{rest}"


def _summary(entity: Entity, schema: Schema) -> str:
    where = "; ".join(entity.where(schema.language, 3))
    return where or entity.description("", schema.language).partition(": ")[2]


def _other_names(entity: Entity, name: str) -> tuple[Name, ...]:
    others = sorted(
        (one for one in entity.names if one.text != name),
        key=lambda one: (one.is_alias, rank_tag(one.language), one.text),
    )
    # What a snapshot calls it, too, is told once.
    different: dict[str, Name] = {}
    for one in others:
        different.setdefault(one.text, one)
    return tuple(different.values())[:_NAMES]


def _facts(
    dataset: Dataset, schema: Schema, entity: Entity, types: list[Item]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not types:
        return ()
    ours = PREFIXES["pen"]
    proposed = [
        item
        for item in schema.propose(dataset, types[0].iri)
        if item.id not in _LEFT_OUT and (not item.iri or item.iri.startswith(ours))
    ][:12]
    wanted = tuple(Wanted(item.id, {"limit": _VALUES + 1}) for item in proposed)
    told: Mapping[str, Any] = extend(dataset, schema, Extension((entity.id,), wanted))
    facts = []
    for column in told["meta"]:
        cells = told["rows"][entity.id][column["id"]]
        texts = [_text(cell) for cell in cells]
        if texts:
            more = ("…",) if len(texts) > _VALUES else ()
            facts.append((column["name"], (*texts[:_VALUES], *more)))
    return tuple(facts[:_FACTS])


def _text(cell: Mapping[str, Any]) -> str:
    value = str(next(iter(cell[key] for key in ("name", "date", "str", "int", "float")
                          if key in cell)))  # fmt: skip
    return value.removesuffix("T00:00:00Z") if "date" in cell else value[:160]
