"""What is everything called, of what class is it, and how much is said of it?

Read from a dataset in one go, or for some things only. A thing of ours that is the same as an item
of Wikidata goes by the item's names, too, where the snapshot of Wikidata is there. What is read is
put in order on disk where it is much, so that a million names take no more memory than some.
"""

from __future__ import annotations

import heapq
import json
import marshal
import math
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Final, NamedTuple, TypeAlias

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Row, select, select_about
from peninsula.namespaces import BASE, EXTERNAL, expand
from peninsula.spelling import LONGEST_NAME

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
#: One property at a time, and without filters: a union of all of them takes the engine twice the
#: time.
_NAMES: Final = f"""
SELECT ?thing ?name WHERE {{{{
  {{values}} ?thing <{{property}}> ?text
  BIND(COALESCE(SUBSTR(?text, 1, {LONGEST_NAME}), ?text) AS ?name)
}}}}
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
#: Records that are put in order in memory.
_RUN: Final = 200_000
_PIECE: Final = 2000
#: Things asked about at once.
_BATCH: Final = 400

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_CLASS, _NAME, _COUNT = range(3)


#: One statement about a thing: its IRI, what kind of statement it is, a number, a text, a language.
#: In order, all of a thing follow one another. A plain tuple: there are millions of them.
Record: TypeAlias = tuple[str, int, int, str, str]


class Title(NamedTuple):
    """One name of a thing."""

    #: By what property it has it: the least makes the best label.
    rank: int
    text: str
    tag: str


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
    """Yield everything in ``dataset`` that has a name, in the order of the IRIs."""
    lenders = {_iri(row[0]) for row in select(dataset, _LENDERS)}
    with tempfile.TemporaryDirectory(prefix="peninsula-names-") as folder:
        records = (r for r in _read_records(dataset) if r[0] not in lenders)
        yield from _gather(_in_order(records, Path(folder)))


def read_entries_about(dataset: Dataset, things: Iterable[str]) -> Iterator[Entry]:
    """Yield those of ``things`` that have a name."""
    wanted = set(things)
    items = {iri for iri in wanted if iri.startswith(ITEM)}
    lenders = {_iri(row[0]) for row in select_about(dataset, _SOME_LENDERS, items)}
    yield from _gather(iter(sorted(_read_records(dataset, wanted - lenders))))


def find_borrowers(dataset: Dataset, items: Iterable[str]) -> set[str]:
    """Return the things that are the same as one of ``items``."""
    return {_iri(row[0]) for row in select_about(dataset, _BORROWERS, items)} - {""}


def read_hierarchy(dataset: Dataset) -> dict[str, list[str]]:
    """Return the classes above each class, as many of them as a sensible hierarchy has."""
    supers: dict[str, set[str]] = {}
    for class_, super_ in select(dataset, _SUPERCLASSES):
        supers.setdefault(_iri(class_), set()).add(_iri(super_))
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


def _read_records(dataset: Dataset, things: set[str] | None = None) -> Iterator[Record]:
    yield from _read_titles(dataset, things)

    def ask(query: str) -> Iterator[Row]:
        for values in _batches(things):
            yield from select(dataset, query.format(values=values))

    for thing, class_ in ask(_CLASSES):
        yield _iri(thing), _CLASS, 0, _iri(class_), ""
    for thing, count in ask(_MENTIONS):
        if isinstance(count, ox.Literal) and thing is not None:
            yield _iri(thing), _COUNT, int(count.value), "", ""


def _read_titles(dataset: Dataset, things: set[str] | None) -> Iterator[Record]:
    for property, rank in [*NAMING.items(), ("", BORROWED)]:
        query = _NAMES if property else _BORROWED_NAMES
        for values in _batches(things):
            for thing, name in select(dataset, query.format(values=values, property=property)):
                if isinstance(name, ox.Literal):
                    text, tag = name.value[:LONGEST_NAME], name.language or ""
                    yield _iri(thing), _NAME, rank, text, tag


def _batches(things: set[str] | None) -> Iterator[str]:
    """Yield the patterns that bind ``?thing`` to some of ``things``, of all there are none."""
    if things is None:
        yield ""
        return
    wanted = sorted(things)
    for start in range(0, len(wanted), _BATCH):
        batch = " ".join(str(ox.NamedNode(iri)) for iri in wanted[start : start + _BATCH])
        yield f"VALUES ?thing {{ {batch} }}"


def _in_order(records: Iterable[Record], folder: Path) -> Iterator[Record]:
    """Yield ``records`` in order; what is too much for memory is put in order on disk."""
    source = iter(records)
    files: list[Path] = []
    while run := sorted(islice(source, _RUN)):
        if not files and len(run) < _RUN:
            yield from run
            return
        path = folder / str(len(files))
        with path.open("wb") as output:
            for start in range(0, len(run), _PIECE):
                marshal.dump(run[start : start + _PIECE], output)
        files.append(path)
    del run
    opened = [path.open("rb") for path in files]
    try:
        yield from heapq.merge(*map(_read_run, opened))
    finally:
        for file in opened:
            file.close()


def _read_run(file: IO[bytes]) -> Iterator[Record]:
    while True:
        try:
            piece: list[Record] = marshal.load(file)  # noqa: S302, this process wrote it just now
        except EOFError:
            return
        yield from piece


def _gather(records: Iterator[Record]) -> Iterator[Entry]:
    for iri, about in groupby(records, key=itemgetter(0)):
        if not iri:
            continue
        titles: dict[Title, None] = {}
        classes: dict[str, None] = {}
        count = 0
        for _, kind, number, text, tag in about:
            if kind == _NAME:
                if len(titles) < MOST_TITLES:
                    titles[Title(number, text, tag)] = None
            elif kind == _CLASS:
                classes[text] = None
            else:
                count = number
        if titles:
            yield Entry(iri, _without_doubles(titles), tuple(classes), renown_of(count))


def _without_doubles(titles: Iterable[Title]) -> tuple[Title, ...]:
    """Return ``titles`` without those that say what a better one says already."""
    said: set[tuple[str, str]] = set()
    kept = []
    for title in titles:
        if title.rank < BORROWED or (title.text, title.tag) not in said:
            kept.append(title)
        said.add((title.text, title.tag))
    return tuple(kept)


def renown_of(count: int) -> float:
    """Return how well known something is that ``count`` statements mention, from 0 to 1."""
    return round(min(1.0, math.log2(1 + count) / 12), 3)


def _iri(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode) else ""
