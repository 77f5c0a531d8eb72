"""How far do the data reach, how well are they verified, and where are they weak?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import expand, shorten
from peninsula.terms import integer_of, value_of

#: The classes whose things a reader counts, in the order of the page.
_CLASSES: Final = (
    "pen:State", "pen:Person", "pen:Organization", "pen:Group", "pen:Office", "pen:Tenure",
    "pen:Place", "pen:Event", "pen:PossibleEvent", "pen:Resolution", "pen:Vote", "pen:Agreement",
    "pen:Initiative", "pen:Measure", "pen:Exemption", "pen:Claim", "pen:PolicyPosition",
)  # fmt: skip
_VERIFICATION: Final = """
SELECT ?class ?verification (COUNT(DISTINCT ?thing) AS ?things) WHERE {{
  VALUES ?class {{ {classes} }}
  ?thing a ?class
  OPTIONAL {{ ?thing pen:hasVerification ?verification }}
}} GROUP BY ?class ?verification
"""
_NAMES: Final = """
SELECT ?class ?language (COUNT(DISTINCT ?thing) AS ?things) WHERE {{
  VALUES ?class {{ {classes} }}
  ?thing a ?class ; rdfs:label ?label
  BIND(LANG(?label) AS ?language)
}} GROUP BY ?class ?language
"""
_LINKS: Final = """
SELECT ?class (COUNT(DISTINCT ?thing) AS ?things) WHERE {{
  VALUES ?class {{ {classes} }}
  ?thing a ?class .
  ?link pen:linksEntity ?thing ; pen:linksTo ?item
  FILTER(STRSTARTS(STR(?item), STR(wd:)))
}} GROUP BY ?class
"""
_YEARS: Final = """
SELECT ?class ?year (COUNT(DISTINCT ?thing) AS ?things) WHERE {
  VALUES (?class ?property) {
    (pen:Event pen:from) (pen:Resolution pen:adoptionDate) (pen:Claim pen:from)
    (pen:PolicyPosition pen:from)
  }
  ?thing a ?class ; ?property ?day
  BIND(YEAR(?day) AS ?year)
  # A page has room for so many years; a slip of the pen must not make it endless.
  FILTER(?year >= 1800 && ?year < 2200)
} GROUP BY ?class ?year
"""


@dataclass(frozen=True)
class Reach:
    """What is known of the things of a class: how many are verified, named, linked."""

    iri: str
    label: str
    count: int
    #: Things by the IRI of their verification; "" for those that need none.
    verification: Mapping[str, int]
    #: Things that have a label, by language tag.
    named: Mapping[str, int]
    #: Things linked with Wikidata.
    linked: int

    @property
    def name(self) -> str:
        return shorten(self.iri)


@dataclass(frozen=True)
class Years:
    """How many things of a class fall into each year."""

    iri: str
    label: str
    counts: Mapping[int, int]

    @property
    def most(self) -> int:
        return max(self.counts.values(), default=0)


@dataclass(frozen=True)
class Coverage:
    """How far the data reach."""

    reaches: list[Reach]
    years: list[Years]
    #: The verifications that occur, with their labels, the firmest first.
    verifications: Mapping[str, str]

    @property
    def span(self) -> tuple[int, int]:
        """Return the first and the last year in which anything is."""
        years = [year for entry in self.years for year in entry.counts]
        return (min(years), max(years)) if years else (0, 0)


def measure_coverage(dataset: Dataset, language: str) -> Coverage:
    """Return how far the dataset reaches; without anything in it, empty lists."""
    classes = " ".join(_CLASSES)
    verified: dict[str, dict[str, int]] = defaultdict(dict)
    for class_, verification, things in select(dataset, _VERIFICATION.format(classes=classes)):
        verified[value_of(class_)][value_of(verification)] = integer_of(things)
    named: dict[str, dict[str, int]] = defaultdict(dict)
    for class_, tag, things in select(dataset, _NAMES.format(classes=classes)):
        named[value_of(class_)][value_of(tag)] = integer_of(things)
    linked = {
        value_of(class_): integer_of(things)
        for class_, things in select(dataset, _LINKS.format(classes=classes))
    }
    years: dict[str, dict[int, int]] = defaultdict(dict)
    for class_, year, things in select(dataset, _YEARS):
        if year is not None:
            years[value_of(class_)][integer_of(year)] = integer_of(things)
    wanted = {*verified, *years, *(v for counts in verified.values() for v in counts if v)}
    labels = find_labels(dataset, [ox.NamedNode(iri) for iri in wanted], language)
    order = [iri for name in _CLASSES if (iri := expand(name)) in verified]
    kinds = sorted({v for counts in verified.values() for v in counts if v}, key=_firmness)
    return Coverage(
        [
            Reach(
                iri,
                name_of(iri, labels),
                sum(verified[iri].values()),
                verified[iri],
                named[iri],
                linked.get(iri, 0),
            )
            for iri in order
        ],
        [
            Years(iri, name_of(iri, labels), dict(sorted(years[iri].items())))
            for name in _CLASSES
            if (iri := expand(name)) in years
        ],
        {iri: name_of(iri, labels) for iri in kinds},
    )


def _firmness(iri: str) -> tuple[int, str]:
    order = ("verified", "partly-verified", "derived", "memory-only")
    name = iri.rpartition("/")[2]
    return (order.index(name) if name in order else len(order), name)
