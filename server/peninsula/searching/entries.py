"""What is everything called, of what class is it, and how much is said of it?

Read from a dataset in one go, in parts by several processes, or for some things only. A thing of
ours that is the same as an item of Wikidata goes by the item's names, too, where the snapshot of
Wikidata is there.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select, select_about
from peninsula.namespaces import BASE, EXTERNAL, expand
from peninsula.searching.spreading import Record, bring_together
from peninsula.spelling import LONGEST_NAME
from peninsula.terms import iri_of

#: Where names are, in the order in which they make a label: as in ``labels``.
NAMING: Final = {
    expand(name): rank
    for name, rank in {
        "pen:paraphrase": 1, "skos:prefLabel": 2, "rdfs:label": 2, "dcterms:title": 3,
        "skos:altLabel": 4, "foaf:name": 4,
    }.items()
}  # fmt: skip
#: The rank of names that an item of Wikidata has.
BORROWED: Final = 6
SNAPSHOT: Final = expand("graph:wikidata")
ITEM: Final = EXTERNAL["wd"]
TYPE: Final = expand("rdf:type")
SAME: Final = expand("skos:exactMatch")

#: Items that lend their names are not things beside ours.
_LENDING: Final = f"""?thing skos:exactMatch ?item
  FILTER(isIRI(?item) && STRSTARTS(STR(?item), "{ITEM}") && STRSTARTS(STR(?thing), "{BASE}"))
"""
_LENT: Final = "{{ ?item rdfs:label ?text }} UNION {{ ?item skos:altLabel ?text }}"
#: One property at a time: a union of all of them takes the engine twice the time. What is very long
#: is cut before it goes from one process to another.
_NAMES: Final = f"""
SELECT ?thing ?name WHERE {{{{
  {{values}} ?thing <{{property}}> ?text
  BIND(COALESCE(SUBSTR(?text, 1, {LONGEST_NAME}), ?text) AS ?name)
}}}}
"""
#: The same where no other process is asked: filters and functions take as long as the rest.
_VALUES_HERE: Final = """
SELECT ?thing ?value WHERE {{ ?thing <{property}> ?value }} OFFSET {offset} LIMIT {limit}
"""
_BORROWED_NAMES: Final = f"""
SELECT ?thing ?name WHERE {{{{
  {{values}} {_LENDING}
  {{{{ {_LENT} }}}} UNION {{{{ GRAPH graph:wikidata {{{{ {_LENT} }}}} }}}}
  FILTER(isLiteral(?text))
  BIND(COALESCE(SUBSTR(?text, 1, {LONGEST_NAME}), ?text) AS ?name)
}}}}
"""
_CLASSES: Final = """
SELECT ?thing ?class WHERE {{
  {values} ?thing a ?class FILTER(isIRI(?thing) && isIRI(?class))
}}
"""
_MENTIONS: Final = f"""
SELECT ?thing (COUNT(*) AS ?count) WHERE {{{{
  {{values}} ?subject ?property ?thing FILTER(isIRI(?thing) && ?property != <{TYPE}>)
}}}} GROUP BY ?thing
"""
_MENTIONS_HERE: Final = """
SELECT ?thing (COUNT(*) AS ?count) WHERE {{ ?subject <{property}> ?thing FILTER(isIRI(?thing)) }}
GROUP BY ?thing
"""
_PROPERTIES: Final = "SELECT ?property (COUNT(*) AS ?count) { ?s ?property ?o } GROUP BY ?property"
#: What the snapshot names besides, such as parties, is none of ours either.
_LENDERS: Final = f"""
SELECT ?item WHERE {{
  {{ {_LENDING} }} UNION {{ GRAPH graph:wikidata {{ ?item rdfs:label ?text }} }} }}
"""
_SOME_LENDERS: Final = f"""
SELECT ?item WHERE {{{{ VALUES ?item {{{{ {{things}} }}}}
  {{{{ {_LENDING} }}}} UNION {{{{ GRAPH graph:wikidata {{{{ ?item rdfs:label ?text }}}} }}}} }}}}
"""
_BORROWERS: Final = """
SELECT ?thing WHERE {{ VALUES ?item {{ {things} }} ?thing skos:exactMatch ?item }}
"""
_SUPERCLASSES: Final = """
SELECT ?class ?super WHERE {
  ?class rdfs:subClassOf ?super FILTER(isIRI(?class) && isIRI(?super) && ?class != ?super)
} LIMIT 20000
"""
#: Classes above one that are looked at.
_MOST_ABOVE: Final = 100
#: Names of one thing that are kept, its labels before others: nobody is called more.
MOST_TITLES: Final = 200
#: Things asked about at once.
_BATCH: Final = 400
#: Names that are read at a time, and times that those of a property are read: what was read before
#: is passed over each time.
_READ: Final = 200_000
_MOST_TIMES: Final = 8
#: Properties of which mentions are counted one after another.
_MOST_PROPERTIES: Final = 300

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_CLASS, _NAME, _COUNT, _LENDER = range(4)


class Title(NamedTuple):
    """One name of a thing."""

    #: By what property it has it: the least makes the best label.
    rank: int
    text: str
    tag: str


class Reading(NamedTuple):
    """A part of what is read of a dataset: its solutions, and what they are."""

    query: str
    kind: int
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """What an index holds of a thing."""

    iri: str
    titles: tuple[Title, ...]
    classes: tuple[str, ...] = ()
    #: How much is said of it, from 0 to 1.
    renown: float = 0.0

    def to_text(self) -> str:
        """Return it as a line of JSON, without its IRI."""
        return _encode([self.titles, self.classes, self.renown])

    @classmethod
    def from_text(cls, iri: str, text: str) -> Entry:
        """Return the entry of ``iri`` that ``to_text`` wrote."""
        titles, classes, renown = json.loads(text)
        return cls(iri, tuple(Title(*title) for title in titles), tuple(classes), renown)


def read_entries(dataset: Dataset) -> Iterator[Entry]:
    """Yield everything in ``dataset`` that has a name."""
    records = chain.from_iterable(read(dataset, reading) for reading in _readings(("",)))
    with tempfile.TemporaryDirectory(prefix="peninsula-names-") as folder:
        for part in bring_together(records, Path(folder) / "records"):
            yield from gather(part)


def read_entries_about(dataset: Dataset, things: Iterable[str]) -> Iterator[Entry]:
    """Yield those of ``things`` that have a name."""
    wanted = set(things)
    items = {iri for iri in wanted if iri.startswith(ITEM)}
    lenders = {iri_of(row[0]) for row in select_about(dataset, _SOME_LENDERS, items)}
    readings = _readings(_batches(wanted - lenders))
    yield from gather([list(read(dataset, reading)) for reading in readings])


def plan(dataset: Dataset) -> Iterator[Reading]:
    """Yield what is to be read of ``dataset``, in whatever order, where it is in this process."""
    counts: dict[str, int] = {}
    for term, number in select(dataset, _PROPERTIES):
        if isinstance(number, ox.Literal):
            counts[iri_of(term)] = int(number.value)
    for property, rank in [*NAMING.items(), (TYPE, 0)]:
        count = counts.pop(property, 0)
        limit = max(_READ, -(-count // _MOST_TIMES))
        for offset in range(0, count, limit):
            query = _VALUES_HERE.format(property=property, offset=offset, limit=limit)
            yield Reading(query, _CLASS if property == TYPE else _NAME, rank)
    if len(counts) > _MOST_PROPERTIES:
        yield Reading(_MENTIONS.format(values=""), _COUNT)
    else:
        # A name mentions nothing, and names are most of what there is.
        for other in counts:
            yield Reading(_MENTIONS_HERE.format(property=other), _COUNT)
    yield Reading(_BORROWED_NAMES.format(values=""), _NAME, BORROWED)
    yield Reading(_LENDERS, _LENDER)


def _readings(batches: Iterable[str]) -> Iterator[Reading]:
    """Yield what is to be read of a dataset that another process may hold.

    ``batches`` are patterns that bind ``?thing`` to some things.
    """
    for values in batches:
        for property, rank in NAMING.items():
            yield Reading(_NAMES.format(values=values, property=property), _NAME, rank)
        yield Reading(_BORROWED_NAMES.format(values=values), _NAME, BORROWED)
        yield Reading(_CLASSES.format(values=values), _CLASS)
        yield Reading(_MENTIONS.format(values=values), _COUNT)
        if not values:
            yield Reading(_LENDERS, _LENDER)


def read(dataset: Dataset, reading: Reading) -> Iterator[Record]:
    """Yield what is read."""
    query, kind, rank = reading
    wanted = ox.NamedNode if kind == _CLASS else ox.Literal
    for thing, *told in select(dataset, query):
        value = told[0] if told else None
        if not isinstance(thing, ox.NamedNode) or (told and not isinstance(value, wanted)):
            continue
        if isinstance(value, ox.NamedNode):
            yield thing.value, kind, rank, value.value, ""
        elif not isinstance(value, ox.Literal):
            yield thing.value, kind, rank, "", ""
        elif kind == _COUNT:
            yield thing.value, kind, int(value.value), "", ""
        else:
            yield thing.value, kind, rank, value.value[:LONGEST_NAME], value.language or ""


def find_borrowers(dataset: Dataset, items: Iterable[str]) -> set[str]:
    """Return the things that are the same as one of ``items``."""
    return {iri_of(row[0]) for row in select_about(dataset, _BORROWERS, items)} - {""}


def read_hierarchy(dataset: Dataset) -> dict[str, list[str]]:
    """Return the classes above each class, as many of them as a sensible hierarchy has."""
    supers: dict[str, set[str]] = {}
    for class_, super_ in select(dataset, _SUPERCLASSES):
        supers.setdefault(iri_of(class_), set()).add(iri_of(super_))
    return {class_: sorted(_closure(class_, supers)) for class_ in sorted(supers)}


def _closure(class_: str, supers: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [class_]
    while waiting and len(found) < _MOST_ABOVE:
        new = supers.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(sorted(new))
    return found - {class_}


def count_names(dataset: Dataset, most: int) -> int:
    """Return how many names there are, and no more than ``most``."""
    pattern = " UNION ".join(f"{{ ?thing <{iri}> ?text }}" for iri in NAMING)
    query = f"SELECT (COUNT(*) AS ?count) {{ SELECT ?thing {{ {pattern} }} LIMIT {most} }}"
    count = next(iter(select(dataset, query)))[0]
    return int(count.value) if isinstance(count, ox.Literal) else 0


def _batches(things: set[str]) -> Iterator[str]:
    """Yield patterns that bind ``?thing`` to some of ``things``."""
    wanted = sorted(things)
    for start in range(0, len(wanted), _BATCH):
        batch = " ".join(str(ox.NamedNode(iri)) for iri in wanted[start : start + _BATCH])
        yield f"VALUES ?thing {{ {batch} }}"


class _About:
    """What has been read about a thing."""

    __slots__ = ("classes", "count", "is_lender", "titles")

    def __init__(self) -> None:
        self.titles: list[Title] = []
        self.classes: list[str] = []
        self.count = 0
        self.is_lender = False


def gather(part: Iterable[Iterable[Record]]) -> Iterator[Entry]:
    """Yield the things that ``part`` tells all about, as far as they have a name."""
    found: defaultdict[str, _About] = defaultdict(_About)
    for records in part:
        for iri, kind, number, text, tag in records:
            about = found[iri]
            if kind == _NAME:
                about.titles.append(Title(number, text, tag))
            elif kind == _CLASS:
                about.classes.append(text)
            elif kind == _COUNT:
                about.count += number
            else:
                about.is_lender = True
    for iri, about in found.items():
        if about.titles and not about.is_lender:
            titles = _without_doubles(sorted(about.titles))
            classes = tuple(sorted(set(about.classes)))
            yield Entry(iri, titles, classes, renown_of(about.count))


def _without_doubles(titles: Iterable[Title]) -> tuple[Title, ...]:
    """Return ``titles`` without those that say what a better one says already."""
    kept: dict[Title, None] = {}
    said: set[tuple[str, str]] = set()
    for title in titles:
        _, text, tag = title
        if title.rank < BORROWED or (text, tag) not in said:
            kept[title] = None
        said.add((text, tag))
        if len(kept) == MOST_TITLES:
            break
    return tuple(kept)


def renown_of(count: int) -> float:
    """Return how well known something is that ``count`` statements mention, from 0 to 1."""
    return round(min(1.0, math.log2(1 + count) / 12), 3)
