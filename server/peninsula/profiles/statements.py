"""What does the graph say of the few things that a profile is about?

A profile needs a thing, its parts and its neighbours. They are fetched together, by the patterns
that lead to them, and then read property by property.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select, select_about
from peninsula.labels import find_labels, name_of, rank_language
from peninsula.namespaces import BASE, expand
from peninsula.tables import Cell, make_cell
from peninsula.terms import iri_of

#: A profile is about a few things. Should there be more, the rest is left out.
MOST_THINGS: Final = 5000
_THINGS: Final = "SELECT DISTINCT ?thing WHERE {{ {patterns} FILTER(isIRI(?thing)) }} LIMIT {limit}"
# Two queries, because the engine would join every statement there is with the things found.
_STATEMENTS: Final = """
SELECT DISTINCT ?thing ?property ?value WHERE {{
  VALUES ?thing {{ {things} }}
  ?thing ?property ?value
  FILTER(?property NOT IN (skos:exactMatch, skos:closeMatch, prov:qualifiedAttribution))
}}
"""
_TRUE: Final = frozenset({"true", "1"})


@dataclass(frozen=True)
class Statements:
    """The statements about some things, and the labels of all that they name."""

    values: Mapping[str, Mapping[str, tuple[Term, ...]]]
    labels: dict[str, str]
    language: str = "en"

    def __contains__(self, thing: str) -> bool:
        return thing in self.values

    def all(self, thing: str, *names: str) -> Iterator[Term]:
        """Yield the values of the properties ``names``, such as ``pen:level``."""
        properties = self.values.get(thing, {})
        for name in names:
            yield from properties.get(expand(name), ())

    def things(self, thing: str, *names: str) -> list[str]:
        """Return the IRIs among the values, in the order of their labels."""
        found = {v.value for v in self.all(thing, *names) if isinstance(v, ox.NamedNode)}
        return sorted(found, key=lambda iri: (self.label(iri).casefold(), iri))

    def thing(self, thing: str, *names: str) -> str:
        """Return the first IRI among the values, or an empty string."""
        return next(iter(self.things(thing, *names)), "")

    def texts(self, thing: str, *names: str) -> list[Cell]:
        """Return the literals among the values, those in the reader's language first."""
        found = {v for v in self.all(thing, *names) if isinstance(v, ox.Literal)}
        ranked = sorted(found, key=lambda v: (rank_language(v, self.language), v.value))
        return [make_cell(v, self.labels) for v in ranked]

    def text(self, thing: str, *names: str) -> Cell | None:
        """Return the best literal among the values for the reader, if there is one."""
        return next(iter(self.texts(thing, *names)), None)

    def string(self, thing: str, *names: str) -> str:
        """Return the text of the best literal, or an empty string."""
        found = self.text(thing, *names)
        return found.text if found else ""

    def number(self, thing: str, *names: str) -> int | None:
        """Return the value as a whole number, None where there is none."""
        try:
            return int(self.string(thing, *names))
        except ValueError:
            return None

    def truth(self, thing: str, *names: str) -> bool | None:
        """Return the value as a truth value, None where nothing is said."""
        found = self.string(thing, *names)
        return found in _TRUE if found else None

    def is_a(self, thing: str, *classes: str) -> bool:
        """Return whether the thing is said to be of one of ``classes``."""
        wanted = {expand(name) for name in classes}
        return any(getattr(v, "value", "") in wanted for v in self.all(thing, "rdf:type"))

    def where(self, name: str, value: str) -> list[str]:
        """Return the things of which the property has the IRI ``value``."""
        wanted = ox.NamedNode(value)
        property = expand(name)
        return sorted(t for t, said in self.values.items() if wanted in said.get(property, ()))

    def label(self, iri: str) -> str:
        """Return what a thing is called, or its prefixed name."""
        return name_of(iri, self.labels)

    def cell(self, iri: str) -> Cell:
        """Return the cell in which a thing is shown; empty for an empty IRI."""
        return Cell(self.label(iri), iri) if iri else Cell("")

    def cells(self, thing: str, *names: str) -> tuple[Cell, ...]:
        """Return the IRIs among the values as cells."""
        return tuple(self.cell(iri) for iri in self.things(thing, *names))


def gather(
    dataset: Dataset, this: ox.NamedNode, patterns: Sequence[str], language: str
) -> Statements:
    """Return what the graph says of everything that one of ``patterns`` binds to ``?thing``.

    ``$this`` in a pattern is the thing that the profile is about.
    """
    union = " UNION ".join(f"{{ {pattern} }}" for pattern in patterns).replace("$this", str(this))
    query = _THINGS.format(patterns=union, limit=MOST_THINGS)
    things = [iri_of(row[0]) for row in select(dataset, query)]
    values: dict[str, dict[str, dict[Term, None]]] = {}
    named: dict[ox.NamedNode, None] = {}
    for thing, property, value in select_about(dataset, _STATEMENTS, things):
        if not isinstance(thing, ox.NamedNode) or not isinstance(property, ox.NamedNode):
            continue
        if value is None:
            continue
        values.setdefault(thing.value, {}).setdefault(property.value, {})[value] = None
        for term in (thing, value):
            if isinstance(term, ox.NamedNode) and term.value.startswith(BASE):
                named[term] = None
    labels = find_labels(dataset, named, language)
    kept = {
        thing: {property: tuple(terms) for property, terms in said.items()}
        for thing, said in values.items()
    }
    return Statements(kept, labels, language)
