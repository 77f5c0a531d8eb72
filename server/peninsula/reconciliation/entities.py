"""What is known of many things at once that might be the ones meant?

Names, classes, dates, links and what belongs to each: a few queries for all of them together. What
the snapshot of Wikidata calls a linked thing is a name of it, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Row, select, select_about
from peninsula.edtf import write_edtf
from peninsula.labels import LANGUAGES, cut, rank_language
from peninsula.namespaces import BASE, expand, shorten
from peninsula.reconciliation.dates import Span, read_edtf
from peninsula.terms import iri_of, value_of

#: Names of one thing that are compared; Wikidata has hundreds of some.
MOST_NAMES: Final = 120
#: Words of what belongs to a thing that are looked at.
_MOST_CONTEXT: Final = 200
_LONGEST_DESCRIPTION: Final = 160
_LANGUAGES: Final = (*LANGUAGES, "mul", "")

#: Names by property; the second are aliases.
_LABELS: Final = frozenset(
    expand(name) for name in ("rdfs:label", "skos:prefLabel", "dcterms:title", "pen:paraphrase")
)
_ALIASES: Final = frozenset(
    expand(name)
    for name in (
        "skos:altLabel", "foaf:name", "pen:officialName", "pen:symbol", "pen:iso3166Alpha3",
        "pen:iso3166Alpha2",
    )
)  # fmt: skip
#: When a thing was, by what says it exactly.
_DATES: Final = tuple(
    expand(name)
    for name in (
        "pen:edtf", "pen:inferredEdtf", "pen:adoptionDate", "pen:votedOn", "pen:from", "pen:until",
        "pen:birthDate", "pen:deathDate", "pen:heldFrom", "pen:heldUntil",
    )
)  # fmt: skip
_DESCRIPTIONS: Final = tuple(
    expand(name) for name in ("dcterms:description", "pen:outcome", "skos:definition")
)
_PARAPHRASE: Final = expand("pen:paraphrase")
_TYPE, _EXACT = expand("rdf:type"), expand("skos:exactMatch")
_FROM, _UNTIL = expand("pen:from"), expand("pen:until")
_BIRTH, _DEATH = expand("pen:birthDate"), expand("pen:deathDate")
#: Of a life.
ENDS: Final = (_BIRTH, _DEATH)
_READ: Final = tuple(sorted({*_LABELS, *_ALIASES, *_DATES, *_DESCRIPTIONS, _TYPE, _EXACT}))
_FACTS: Final = """{thing} {property} ?text
  BIND(IF(isLiteral(?text) && STRLEN(STR(?text)) > 600, SUBSTR(?text, 1, 600), ?text) AS ?value)"""
_SAID: Final = (
    expand("rdfs:label"), expand("skos:altLabel"), "http://schema.org/description",
)  # fmt: skip
#: What the snapshot says of the item that is exactly the thing.
_SNAPSHOT: Final = """{thing} skos:exactMatch ?item . ?item {property} ?value
  FILTER(LANG(?value) IN ("en", "ko", "ru", "mul"))"""
#: Things read about by one query, and rows that it may have: more is of a thing with very much.
_AT_ONCE: Final = 400
_MOST_ROWS: Final = 20_000
#: What belongs to a thing, the most telling first.
_CONTEXT: Final = """
SELECT DISTINCT ?thing ?other ?rank ?name WHERE {{
  VALUES ?thing {{ {things} }}
  {{ ?tenure pen:isTenureOf ?thing ; pen:isTenureIn ?other BIND(1 AS ?rank) }}
  UNION {{ ?thing pen:takesPlaceAt|pen:isOfficeOf|pen:isOrganOf|pen:isLocatedIn|pen:isCitizenOf|
           pen:isGovernmentOf|pen:isSessionOf|pen:isImposedBy|pen:hasHolder ?other
           BIND(2 AS ?rank) }}
  UNION {{ ?participation pen:inEvent ?thing ; pen:hasParticipant|pen:represents ?other
           BIND(3 AS ?rank) }}
  UNION {{ ?tenure pen:isTenureOf ?thing ; pen:isTenureIn/pen:isOfficeOf ?other BIND(4 AS ?rank) }}
  ?other rdfs:label ?name FILTER(isLiteral(?name))
}} LIMIT 20000
"""
_LINKED: Final = """
SELECT DISTINCT ?item ?thing WHERE {{
  VALUES ?item {{ {things} }}
  {{ ?thing skos:exactMatch ?item }} UNION {{ ?item owl:sameAs ?new . ?thing skos:exactMatch ?new }}
  FILTER(isIRI(?thing))
}}
"""
_NAMED: Final = """
SELECT DISTINCT ?thing ?property ?name WHERE {{
  VALUES ?thing {{ {things} }} ?thing ?property ?name
  FILTER(?property IN (rdfs:label, skos:prefLabel, skos:altLabel, dcterms:title, pen:officialName,
                       pen:symbol, pen:iso3166Alpha3, pen:iso3166Alpha2) && isLiteral(?name))
}}
"""


@dataclass(frozen=True)
class Name:
    """One name of a thing."""

    text: str
    language: str = ""
    is_alias: bool = False
    #: The lower, the more it is the label: a claim is called by its paraphrase.
    rank: int = 1


@dataclass
class Entity:
    """A thing, and what is known of it."""

    iri: str
    names: list[Name] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)
    #: When it was, by property, as the graph says it.
    dates: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    links: set[str] = field(default_factory=set)
    #: Names of what belongs to it, by that: the rank, and the names by language.
    related: dict[str, tuple[int, list[Name]]] = field(default_factory=dict)
    descriptions: list[tuple[int, ox.Literal]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return shorten(self.iri)

    @property
    def spans(self) -> list[Span]:
        """Return when it was; of a person, the days of birth and death."""
        stated = [read_edtf(text) for iri in _DATES[:4] for text in self.dates.get(iri, ())]
        ends = [span for iri in ENDS for span in self.spans_of(iri)]
        found = [span for span in (*stated, *ends) if span]
        if not found:
            firsts, lasts = (self.spans_of(iri) for iri in (_FROM, _UNTIL))
            for first in firsts:
                last = max((span.last for span in lasts), default=first.last)
                found.append(Span(first.first, max(first.last, last)))
        return found

    def spans_of(self, property: str) -> list[Span]:
        """Return the times that one property says."""
        return [span for text in self.dates.get(property, ()) if (span := read_edtf(text))]

    @property
    def context(self) -> list[str]:
        """Return the names of what belongs to it."""
        ranked = sorted(self.related.values(), key=lambda one: one[0])
        return [name.text for _, names in ranked for name in names][:_MOST_CONTEXT]

    def label(self, language: str) -> str:
        """Return what it is called in a language, or in another, or how it is written."""
        labels = [name for name in self.names if not name.is_alias] or self.names
        return _choose(labels, language) or self.id

    def when(self) -> str:
        """Return when it was, as people read it."""
        for iri in _DATES[:4]:
            if found := self.dates.get(iri):
                return write_edtf(min(found))
        birth, death = self.dates.get(_BIRTH), self.dates.get(_DEATH)
        if birth or death:
            years = [min(one)[:4] if one else "" for one in (birth, death)]
            return f"{years[0]}–{years[1]}"
        first, last = self.dates.get(_FROM), self.dates.get(_UNTIL)
        if first:
            return write_edtf(f"{min(first)}/{max(last)}" if last else min(first))
        return ""

    def where(self, language: str, most: int = 2) -> list[str]:
        """Return a few names of what belongs to it, those of one rank."""
        ranked = sorted(self.related.items(), key=lambda one: (one[1][0], one[0]))
        best = ranked[0][1][0] if ranked else 0
        return [
            _choose(names, language) for _, (rank, names) in ranked if rank == best and best < 3
        ][:most]

    def description(self, kind: str, language: str) -> str:
        """Return a line that tells it from its namesakes; ``kind`` is its class in words."""
        parts = [kind, self.when(), "; ".join(self.where(language))]
        text = min(
            self.descriptions,
            key=lambda one: (rank_language(one[1], language), one[0], one[1].value),
            default=None,
        )
        told = " · ".join(part for part in parts if part)
        if text is not None:
            told = f"{told}: {text[1].value}" if told else text[1].value
        return cut(told, _LONGEST_DESCRIPTION)


def read_entities(
    dataset: Dataset, iris: Iterable[str], *, with_context: bool = True
) -> dict[str, Entity]:
    """Return what is known of the things that the graph has a word about."""
    wanted = set(iris)
    found: dict[str, Entity] = {}
    for thing, property, value in _read(dataset, _FACTS, _READ, wanted):
        if not isinstance(thing, ox.NamedNode):
            continue
        entity = found.setdefault(thing.value, Entity(thing.value))
        _add(entity, iri_of(property), value)
    _add_snapshot(dataset, found)
    if with_context:
        _add_context(dataset, found)
    for entity in found.values():
        entity.names = list(dict.fromkeys(entity.names))
    return found


def read_linked(dataset: Dataset, items: Iterable[str]) -> dict[str, set[str]]:
    """Return the things of ours that are exactly some item of others, by that item.

    What was another item once, and is this one now, counts.
    """
    found: dict[str, set[str]] = {}
    for item, thing in select_about(dataset, _LINKED, items):
        found.setdefault(iri_of(item), set()).add(iri_of(thing))
    return found


def read_names(dataset: Dataset, iris: Iterable[str]) -> dict[str, list[Name]]:
    """Return the names of things, in every language."""
    found: dict[str, list[Name]] = {}
    for thing, property, name in select_about(dataset, _NAMED, iris):
        if isinstance(name, ox.Literal):
            found.setdefault(iri_of(thing), []).append(_name(iri_of(property), name))
    return found


def label_of(names: Mapping[str, list[Name]], iri: str, language: str) -> str:
    """Return what a thing is called in a language, or how it is written."""
    return _choose(names.get(iri, []), language) or shorten(iri)


def is_ours(iri: str) -> bool:
    """Return whether an IRI names a thing or a concept of the graph, and no term or document."""
    path = iri.removeprefix(BASE)
    return path != iri and "/" in path and not path.startswith(("ns#", "graph/", "data/"))


def _read(
    dataset: Dataset, pattern: str, properties: Sequence[str], things: Iterable[str]
) -> Iterator[Row]:
    """Yield thing, property and value by a pattern; of a thing with very many values, some."""
    wanted = sorted(set(things))
    batches = [wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)]
    named = ", ".join(str(ox.NamedNode(property)) for property in properties)
    written = pattern.format(thing="?thing", property="?property")
    while batches:
        batch = batches.pop()
        values = " ".join(str(ox.NamedNode(iri)) for iri in batch)
        rows = list(
            select(
                dataset,
                f"SELECT DISTINCT ?thing ?property ?value WHERE {{ VALUES ?thing {{ {values} }} "
                f"{written} FILTER(?property IN ({named})) }} LIMIT {_MOST_ROWS}",
            )
        )
        if len(rows) < _MOST_ROWS:
            yield from rows
        elif len(batch) > 1:
            batches += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
        else:
            yield from _read_some(dataset, pattern, properties, batch[0])


def _read_some(
    dataset: Dataset, pattern: str, properties: Sequence[str], thing: str
) -> Iterator[Row]:
    """Yield a few values of each property of one thing."""
    parts = []
    for iri in properties:
        one, property = str(ox.NamedNode(thing)), str(ox.NamedNode(iri))
        parts.append(
            f"{{ SELECT ({one} AS ?thing) ({property} AS ?property) ?value WHERE {{ "
            f"{pattern.format(thing=one, property=property)} }} LIMIT {MOST_NAMES} }}"
        )
    query = f"SELECT ?thing ?property ?value WHERE {{ {' UNION '.join(parts)} }}"
    yield from select(dataset, query)


def _add_snapshot(dataset: Dataset, found: Mapping[str, Entity]) -> None:
    linked = [iri for iri, entity in found.items() if entity.links]
    for thing, property, value in _read(dataset, _SNAPSHOT, _SAID, linked):
        if isinstance(value, ox.Literal):
            entity = found[iri_of(thing)]
            if iri_of(property).endswith("description"):
                entity.descriptions.append((9, value))
            elif len(entity.names) < MOST_NAMES:
                entity.names.append(Name(value.value, value.language or "", is_alias=True))


def _add_context(dataset: Dataset, found: Mapping[str, Entity]) -> None:
    for thing, other, rank, name in select_about(dataset, _CONTEXT, found):
        if isinstance(name, ox.Literal) and (name.language or "") in _LANGUAGES:
            related = found[iri_of(thing)].related
            order = int(value_of(rank))
            known = related.setdefault(iri_of(other), (order, []))
            if order < known[0]:
                known = related[iri_of(other)] = (order, known[1])
            entry = Name(name.value, name.language or "")
            if entry not in known[1]:
                known[1].append(entry)


def _add(entity: Entity, property: str, value: object) -> None:
    if property == _TYPE:
        entity.classes.add(iri_of(value))
    elif property == _EXACT:
        entity.links.add(iri_of(value))
    elif not isinstance(value, ox.Literal):
        return
    elif property in _LABELS or property in _ALIASES:
        # However many others there are, the labels are among them.
        if len(entity.names) < MOST_NAMES * (2 if property in _LABELS else 1):
            entity.names.append(_name(property, value))
    elif property in _DATES:
        entity.dates[property].append(value.value)
    else:
        entity.descriptions.append((_DESCRIPTIONS.index(property), value))


def _name(property: str, value: ox.Literal) -> Name:
    is_alias = property in _ALIASES
    rank = 2 if is_alias else 0 if property == _PARAPHRASE else 1
    return Name(value.value, value.language or "", is_alias, rank)


def _choose(names: Iterable[Name], language: str) -> str:
    order = (language, "en", *_LANGUAGES)
    best = min(
        names,
        key=lambda name: (
            order.index(name.language) if name.language in order else len(order),
            name.rank, len(name.text), name.text,
        ),
        default=None,
    )  # fmt: skip
    return best.text if best else ""
