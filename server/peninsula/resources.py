"""What does the graph know of one thing?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Row, Term, select
from peninsula.labels import LANGUAGES, find_labels, name_of
from peninsula.namespaces import expand, shorten
from peninsula.tables import Cell, make_cell

_OUTGOING: Final = """
SELECT DISTINCT ?property ?value WHERE {{
  GRAPH ?graph {{ {iri} ?property ?object }} FILTER(?graph != graph:inferred)
  OPTIONAL {{ ?object foaf:name|rdfs:label ?name FILTER(isBlank(?object)) }}
  BIND(COALESCE(?name, ?object) AS ?value)
}}
"""
_INCOMING: Final = """
SELECT DISTINCT ?property ?thing WHERE {{
  GRAPH ?graph {{ ?thing ?property {iri} }} FILTER(?graph != graph:inferred)
}} LIMIT {limit}
"""
_DUMP: Final = "SELECT ?graph WHERE {{ ?graph void:dataDump {iri} }}"
_TERMS: Final = """
SELECT DISTINCT ?term ?kind ?definition WHERE {
  VALUES ?kind { owl:Class owl:ObjectProperty owl:DatatypeProperty owl:AnnotationProperty }
  GRAPH graph:ontology { ?term a ?kind }
  FILTER(STRSTARTS(STR(?term), STR(pen:)))
  OPTIONAL { ?term skos:definition ?definition FILTER(LANG(?definition) = "en") }
}
"""
_LABELS: Final = tuple(
    expand(name) for name in ("rdfs:label", "skos:prefLabel", "skos:altLabel", "dcterms:title")
)
#: What a page says first, in this order.
_FIRST: Final = tuple(
    expand(name)
    for name in (
        "rdf:type", "skos:definition", "dcterms:description", "pen:paraphrase", "pen:hasHolder",
        "pen:edtf", "pen:inferredEdtf", "pen:from", "pen:until",
    )
)  # fmt: skip
#: What a page says last: where it is from.
_LAST: Final = tuple(
    expand(name)
    for name in ("pen:hasVerification", "pen:verificationNote", "dcterms:source", "pen:inventoryId")
)
_INCOMING_LIMIT: Final = 1000


@dataclass(frozen=True)
class Fact:
    """A property with its values."""

    property: Cell
    values: list[Cell]


@dataclass(frozen=True)
class About:
    """Everything the graph says of one thing, and what points to it."""

    iri: str
    label: str
    other_labels: list[Cell]
    facts: list[Fact]
    incoming: list[Fact]

    @property
    def name(self) -> str:
        return shorten(self.iri)


def describe_resource(dataset: Dataset, iri: ox.NamedNode, language: str) -> About | None:
    """Return what the graph knows of ``iri``, or None where it knows nothing."""
    outgoing = list(select(dataset, _OUTGOING.format(iri=iri)))
    incoming = list(select(dataset, _INCOMING.format(iri=iri, limit=_INCOMING_LIMIT)))
    if not outgoing and not incoming and iri.value not in dataset.graphs():
        return None
    terms: list[Term | None] = [iri, *(term for row in (*outgoing, *incoming) for term in row)]
    labels = find_labels(dataset, terms, language)
    label = name_of(iri.value, labels)
    names = [row for row in outgoing if _value(row[0]) in _LABELS]
    facts = [row for row in outgoing if _value(row[0]) not in _LABELS]
    return About(
        iri.value,
        label,
        sorted(
            {cell for _, v in names if (cell := make_cell(v, labels)).text != label},
            key=lambda cell: (_language_rank(cell), cell.text),
        ),
        _group(facts, labels),
        _group(incoming, labels),
    )


def find_dumped_graph(dataset: Dataset, iri: ox.NamedNode) -> str | None:
    """Return the named graph whose files the catalogue places at ``iri``."""
    rows = select(dataset, _DUMP.format(iri=iri))
    return next((row[0].value for row in rows if isinstance(row[0], ox.NamedNode)), None)


def list_terms(dataset: Dataset, language: str) -> dict[str, list[tuple[Cell, str]]]:
    """Return classes and properties by kind, each with its definition."""
    rows = list(select(dataset, _TERMS))
    labels = find_labels(dataset, (row[0] for row in rows), language)
    kinds: dict[str, list[tuple[Cell, str]]] = {}
    for term, kind, definition in rows:
        entry = (make_cell(term, labels), _value(definition))
        kinds.setdefault(shorten(_value(kind)), []).append(entry)
    return {kind: sorted(terms, key=lambda t: t[0].iri) for kind, terms in sorted(kinds.items())}


def _group(rows: Iterable[Row], labels: dict[str, str]) -> list[Fact]:
    """Return the values of ``rows`` by property, in the order in which a page says them."""
    values: dict[str, list[Cell]] = {}
    for property, value in rows:
        values.setdefault(_value(property), []).append(make_cell(value, labels))
    facts = [
        Fact(Cell(name_of(iri, labels), iri), sorted(cells, key=lambda c: c.text.casefold()))
        for iri, cells in values.items()
    ]
    return sorted(facts, key=lambda fact: (_rank(fact.property.iri), fact.property.text))


def _rank(iri: str) -> int:
    if iri in _FIRST:
        return _FIRST.index(iri)
    return len(_FIRST) + 1 + _LAST.index(iri) if iri in _LAST else len(_FIRST)


def _language_rank(cell: Cell) -> int:
    return LANGUAGES.index(cell.language) if cell.language in LANGUAGES else len(LANGUAGES)


def _value(term: Term | None) -> str:
    return term.value if isinstance(term, ox.NamedNode | ox.Literal) else ""
