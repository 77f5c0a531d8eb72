"""What does the graph hold, at a glance?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import expand, shorten
from peninsula.terms import value_of

#: Classes of the machinery that holds the others together; shown after them.
SUPPORTING: Final = frozenset(
    expand(f"pen:{name}")
    for name in (
        "Attribution", "Conditional", "IdentityLink", "Participation", "Passage", "Reading",
        "Situation", "Sponsorship",
    )
)  # fmt: skip
_COUNTS: Final = """
SELECT ?class (COUNT(DISTINCT ?thing) AS ?count) WHERE {
  ?thing a ?class .
  FILTER(STRSTARTS(STR(?class), STR(pen:)))
} GROUP BY ?class
"""
_PARENTS: Final = """
SELECT DISTINCT ?class ?parent ?definition WHERE {
  ?class a owl:Class .
  FILTER(STRSTARTS(STR(?class), STR(pen:)))
  OPTIONAL {
    GRAPH graph:ontology { ?class rdfs:subClassOf ?parent }
    FILTER(STRSTARTS(STR(?parent), STR(pen:)))
  }
  OPTIONAL { ?class skos:definition ?definition FILTER(LANG(?definition) = "en") }
}
"""


@dataclass
class ClassCount:
    """A class, how many things belong to it, and its subclasses that have any."""

    iri: str
    label: str
    count: int
    definition: str = ""
    parts: list[ClassCount] = field(default_factory=list)

    @property
    def is_supporting(self) -> bool:
        return self.iri in SUPPORTING

    @property
    def name(self) -> str:
        return shorten(self.iri)


def count_classes(dataset: Dataset, language: str) -> list[ClassCount]:
    """Return the top classes with what they hold, the largest first."""
    counts: dict[str, int] = {}
    for iri, number in select(dataset, _COUNTS):
        if isinstance(iri, ox.NamedNode) and isinstance(number, ox.Literal):
            counts[iri.value] = int(number.value)
    labels = find_labels(dataset, [ox.NamedNode(iri) for iri in counts], language)
    classes = {iri: ClassCount(iri, name_of(iri, labels), n) for iri, n in counts.items()}
    below = set()
    for iri, parent, definition in select(dataset, _PARENTS):
        child = classes.get(value_of(iri))
        if child is None:
            continue
        child.definition = value_of(definition)
        if (above := classes.get(value_of(parent))) and child not in above.parts:
            above.parts.append(child)
            below.add(child.iri)
    for entry in classes.values():
        entry.parts.sort(key=lambda c: -c.count)
    return sorted((c for c in classes.values() if c.iri not in below), key=lambda c: -c.count)
