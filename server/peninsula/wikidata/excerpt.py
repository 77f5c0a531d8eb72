"""What does the snapshot say of a thing, in a few lines, for the thing's page?

As of which revision and day, too: it is Wikidata's word, not ours. Nothing is asked of the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select, select_about
from peninsula.knowledge import Source
from peninsula.labels import cut
from peninsula.namespaces import BASE, shorten
from peninsula.terms import value_of
from peninsula.wikidata.slice import SNAPSHOT
from peninsula.wikidata.snapshot import Snapshot, Statement
from peninsula.wikidata.terms import STATEMENT, UNKNOWN, VALUE, is_item, qid_of

#: What is told, in this order: properties by their P. Those with a time are told with it.
_TOLD: Final = (
    "P31", "P39", "P102", "P569", "P570", "P19", "P36", "P35", "P6", "P1308", "P17", "P1001",
    "P571", "P576",
)  # fmt: skip
#: Values of one property that are told, and of which the latest come first.
_MOST: Final = 6
_LATEST_FIRST: Final = frozenset({"P39", "P35", "P6", "P1308", "P102", "P36"})

_ITEM: Final = """
SELECT ?subject ?property ?value WHERE {{ GRAPH graph:wikidata {{
  {{ {item} ?property ?value BIND({item} AS ?subject) }}
  UNION {{ {item} ?claim ?subject . ?subject ?property ?value
    FILTER(STRSTARTS(STR(?subject), "{statement}")) }}
  UNION {{ {item} ?claim ?statement . ?statement ?points ?subject . ?subject ?property ?value
    FILTER(STRSTARTS(STR(?statement), "{statement}") && STRSTARTS(STR(?subject), "{time}")) }}
  UNION {{ ?subject <http://schema.org/about> {item} ; ?property ?value }}
  UNION {{ graph:wikidata ?property ?value BIND(graph:wikidata AS ?subject)
    FILTER(?property IN (prov:generatedAtTime, dcterms:source)) }}
}} }} LIMIT 5000
"""
_NAMES: Final = """
SELECT ?thing ?property ?value WHERE {{ GRAPH graph:wikidata {{
  VALUES ?thing {{ {things} }}
  ?thing ?property ?value FILTER(?property = rdfs:label)
}} }}
"""
_OURS: Final = """
SELECT ?thing ?ours WHERE {{
  VALUES ?thing {{ {things} }}
  ?ours skos:exactMatch ?thing
}}
"""

_DESCRIPTION: Final = """
SELECT ?property ?value WHERE { GRAPH graph:wikidata { graph:wikidata ?property ?value
  FILTER(?property IN (dcterms:title, dcterms:description, dcterms:license, dcterms:issued)) } }
ORDER BY ?property ?value LIMIT 40
"""


@dataclass(frozen=True)
class Value:
    """One value: in words, where it leads (ours before Wikidata's), and from and until when."""

    text: str
    iri: str = ""
    start: str = ""
    end: str = ""
    #: Whether there is a value, and nobody knows which.
    is_unknown: bool = False


@dataclass(frozen=True)
class Told:
    """What is told by one property; ``more`` values are left out."""

    property: str
    values: tuple[Value, ...]
    more: int = 0


@dataclass(frozen=True)
class Article:
    """An article of a Wikipedia."""

    address: str
    title: str
    language: str


@dataclass(frozen=True)
class Excerpt:
    """What the snapshot says of a thing."""

    item: str
    label: str
    description: str
    description_language: str
    facts: tuple[Told, ...]
    articles: tuple[Article, ...]
    #: The day of retrieval; empty where the snapshot does not say it.
    retrieved: str
    revision: str
    #: Whether the item of the link was merged into this one.
    is_merged: bool = False

    @property
    def name(self) -> str:
        return qid_of(self.item)

    @property
    def revision_address(self) -> str:
        """Return where that very revision can be read."""
        if not self.revision.isdecimal():
            return ""
        return f"https://www.wikidata.org/w/index.php?title={self.name}&oldid={self.revision}"


def read_excerpt(dataset: Dataset, item: str, language: str) -> Excerpt | None:
    """Return what the snapshot in the dataset says of an item; None where it says nothing."""
    if not is_item(item) or SNAPSHOT not in dataset.graphs():
        return None
    snapshot = _read(dataset, item)
    target = snapshot.redirect(item)
    is_merged = is_item(target)
    if is_merged:
        item = target
        snapshot = _read(dataset, item)
    if not snapshot.is_known(item):
        return None
    found = {name: _choose(snapshot, item, name) for name in _TOLD}
    items = {
        term.value
        for values in found.values()
        for term, _ in values
        if isinstance(term, ox.NamedNode) and is_item(term.value)
    }
    names = Snapshot(_triples(select_about(dataset, _NAMES, items)))
    ours = {
        value_of(thing): value_of(own)
        for thing, own in select_about(dataset, _OURS, items)
        if value_of(own).startswith(BASE)
    }
    descriptions = snapshot.descriptions(item)
    order = (language, "en", *descriptions)
    tag = next((tag for tag in order if tag in descriptions), "")
    return Excerpt(
        item=item,
        label=snapshot.label(item, language),
        description=cut(descriptions.get(tag, "")),
        description_language=tag,
        facts=tuple(
            _tell(name, values, names, ours, language) for name, values in found.items() if values
        ),
        articles=_list_articles(snapshot, item, language),
        retrieved=snapshot.retrieved.date().isoformat() if snapshot.retrieved else "",
        revision=snapshot.revision(item),
        is_merged=is_merged,
    )


def _read(dataset: Dataset, item: str) -> Snapshot:
    query = _ITEM.format(item=ox.NamedNode(item), statement=STATEMENT, time=VALUE)
    return Snapshot(_triples(select(dataset, query)))


def _triples(rows: Iterable[Sequence[Term | None]]) -> list[ox.Triple]:
    return [
        ox.Triple(subject, property, value)
        for subject, property, value in rows
        if isinstance(subject, ox.NamedNode)
        and isinstance(property, ox.NamedNode)
        and value is not None
    ]


def _choose(
    snapshot: Snapshot, item: str, property: str
) -> list[tuple[Term | None, Statement | None]]:
    """Return the values of a property, with their statements where these are known."""
    statements = [s for s in snapshot.statements(item, property) if not s.is_deprecated]
    # Positions, heads of state and the like are many in the course of time; a birth is one.
    if property not in _LATEST_FIRST:
        statements = [s for s in statements if s.is_best]
    else:
        statements.sort(key=lambda s: _start(s) or "0", reverse=True)
    if statements:
        return [(s.value, s) for s in statements]
    return [(value, None) for value in snapshot.values(item, property)]


def _start(statement: Statement) -> str:
    moment = statement.moments.get("P580")
    return moment.edtf if moment else ""


def _tell(
    property: str,
    values: Sequence[tuple[Term | None, Statement | None]],
    names: Snapshot,
    ours: Mapping[str, str],
    language: str,
) -> Told:
    told = []
    for term, statement in values[:_MOST]:
        start = _start(statement) if statement else ""
        end = statement.moments.get("P582") if statement else None
        until = end.edtf if end else ""
        if isinstance(term, ox.NamedNode) and is_item(term.value):
            text = cut(names.label(term.value, language))
            told.append(Value(text, ours.get(term.value, term.value), start, until))
        elif isinstance(term, ox.NamedNode) and term.value.startswith(UNKNOWN):
            told.append(Value("", is_unknown=True))
        elif isinstance(term, ox.Literal):
            moment = statement.moment if statement else None
            text = moment.edtf if moment else _day(term)
            told.append(Value(cut(text), "", start, until))
    return Told(property, tuple(dict.fromkeys(told)), max(0, len(values) - _MOST))


def _day(literal: ox.Literal) -> str:
    """Return a literal in words; of a time the day."""
    is_time = literal.datatype.value.endswith("#dateTime")
    return literal.value.partition("T")[0] if is_time else literal.value


def _list_articles(snapshot: Snapshot, item: str, language: str) -> tuple[Article, ...]:
    found = [
        Article(address, cut(title), site.removeprefix("https://").partition(".")[0])
        for site, (address, title) in snapshot.articles(item).items()
        if address.startswith("https://")
    ]
    return tuple(sorted(found, key=lambda a: (a.language != language, a.language)))


def describe_snapshot(dataset: Dataset) -> list[Source]:
    """Return the snapshot as a source, as it describes itself; none where there is none."""
    if SNAPSHOT not in dataset.graphs():
        return []
    told: dict[str, list[str]] = {}
    for property, value in select(dataset, _DESCRIPTION):
        # Of titles in several languages, the English one.
        if not isinstance(value, ox.Literal) or value.language in {None, "en"}:
            told.setdefault(shorten(value_of(property)), []).append(value_of(value))
    texts = {name: values[0] for name, values in told.items()}
    return [
        Source(
            SNAPSHOT,
            texts.get("dcterms:title", shorten(SNAPSHOT)),
            texts.get("dcterms:description", ""),
            texts.get("dcterms:license", ""),
            texts.get("dcterms:issued", ""),
        )
    ]
