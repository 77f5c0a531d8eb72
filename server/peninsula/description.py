"""What does this endpoint offer, and what does the dataset hold now?

The service description (https://www.w3.org/TR/sparql11-service-description/) and the VoID
description (https://www.w3.org/TR/void/), made from the dataset as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select
from peninsula.formats import GRAPH_FORMATS, SOLUTION_FORMATS
from peninsula.knowledge import CATALOG
from peninsula.namespaces import BASE, PREFIXES, expand

_COUNTS: Final = """
SELECT (COUNT(*) AS ?triples) (COUNT(DISTINCT ?s) AS ?subjects)
       (COUNT(DISTINCT ?p) AS ?properties) (COUNT(DISTINCT ?o) AS ?objects)
WHERE { ?s ?p ?o }
"""
_CLASSES: Final = """
SELECT ?class (COUNT(DISTINCT ?s) AS ?entities) WHERE { ?s a ?class FILTER(isIRI(?class)) }
GROUP BY ?class ORDER BY ?class
"""
_PROPERTIES: Final = """
SELECT ?property (COUNT(*) AS ?triples) WHERE { ?s ?property ?o }
GROUP BY ?property ORDER BY ?property
"""
_INTEGER: Final = ox.NamedNode(expand("xsd:integer"))


class _Description:
    """Gathers triples; blank nodes are numbered, so that the same dataset reads the same."""

    def __init__(self) -> None:
        self.triples: list[ox.Triple] = []
        self._blanks = 0

    def blank(self) -> ox.BlankNode:
        self._blanks += 1
        return ox.BlankNode(f"d{self._blanks}")

    def add(self, subject: ox.NamedNode | ox.BlankNode, name: str, *objects: Term | int) -> None:
        for given in objects:
            self.triples.append(ox.Triple(subject, ox.NamedNode(expand(name)), _term(given)))

    def add_type(self, subject: ox.NamedNode | ox.BlankNode, *names: str) -> None:
        for name in names:
            self.add(subject, "rdf:type", ox.NamedNode(expand(name)))


def describe_service(dataset: Dataset, endpoint: str) -> list[ox.Triple]:
    """Return the description of the SPARQL service at the address ``endpoint``."""
    d = _Description()
    service, whole, default = d.blank(), d.blank(), d.blank()
    d.add_type(service, "sd:Service")
    d.add(service, "sd:endpoint", ox.NamedNode(endpoint))
    d.add(service, "sd:supportedLanguage", ox.NamedNode(expand("sd:SPARQL11Query")))
    d.add(service, "rdfs:comment", ox.Literal(
        "SERVICE and updates are refused; a query that names no dataset sees "
        + ("the union of all named graphs." if dataset.is_union else "an empty default graph."),
        language="en",
    ))  # fmt: skip
    if dataset.is_union:
        d.add(service, "sd:feature", ox.NamedNode(expand("sd:UnionDefaultGraph")))
    for format in (*SOLUTION_FORMATS, *GRAPH_FORMATS):
        if format.engine:
            d.add(service, "sd:resultFormat", ox.NamedNode(format.engine.iri))
    d.add(service, "sd:defaultDataset", whole)
    d.add_type(whole, "sd:Dataset")
    d.add(whole, "sd:defaultGraph", default)
    d.add_type(default, "sd:Graph")
    d.add(default, "void:triples", _counts(dataset)[0] if dataset.is_union else 0)
    for name, size in dataset.graphs().items():
        named, graph = d.blank(), d.blank()
        d.add(whole, "sd:namedGraph", named)
        d.add_type(named, "sd:NamedGraph")
        d.add(named, "sd:name", ox.NamedNode(name))
        d.add(named, "sd:graph", graph)
        d.add_type(graph, "sd:Graph")
        d.add(graph, "void:triples", size)
    return d.triples


def describe_dataset(dataset: Dataset, endpoint: str) -> list[ox.Triple]:
    """Return the VoID description, with the catalogue of sources."""
    d = _Description()
    whole = ox.NamedNode(f"{BASE}void")
    d.add_type(whole, "void:Dataset")
    d.add(whole, "dcterms:title", ox.Literal("Peninsula", language="en"))
    d.add(whole, "void:sparqlEndpoint", ox.NamedNode(endpoint))
    d.add(whole, "void:uriSpace", ox.Literal(BASE))
    d.add(whole, "void:exampleResource", ox.NamedNode(expand("state:russia")))
    triples, subjects, properties, objects = _counts(dataset)
    d.add(whole, "void:triples", triples)
    d.add(whole, "void:distinctSubjects", subjects)
    d.add(whole, "void:properties", properties)
    d.add(whole, "void:distinctObjects", objects)
    classes = _pairs(dataset, _CLASSES)
    d.add(whole, "void:classes", len(classes))
    for iri, count in classes:
        part = d.blank()
        d.add(whole, "void:classPartition", part)
        d.add(part, "void:class", ox.NamedNode(iri))
        d.add(part, "void:entities", count)
    predicates = _pairs(dataset, _PROPERTIES)
    for iri, count in predicates:
        part = d.blank()
        d.add(whole, "void:propertyPartition", part)
        d.add(part, "void:property", ox.NamedNode(iri))
        d.add(part, "void:triples", count)
    for namespace in _vocabularies(iri for iri, _ in (*classes, *predicates)):
        d.add(whole, "void:vocabulary", ox.NamedNode(namespace))
    for name, size in dataset.graphs().items():
        graph = ox.NamedNode(name)
        d.add(whole, "void:subset", graph)
        d.add_type(graph, "void:Dataset")
        d.add(graph, "void:triples", size)
    if CATALOG in dataset.graphs():
        d.triples += [
            ox.Triple(q.subject, q.predicate, q.object) for q in dataset.statements(CATALOG)
        ]
    return d.triples


def _term(given: Term | int) -> Term:
    return ox.Literal(str(given), datatype=_INTEGER) if isinstance(given, int) else given


def _vocabularies(iris: Iterator[str]) -> list[str]:
    namespaces = set(PREFIXES.values())
    return sorted({iri[: max(iri.rfind("/"), iri.rfind("#")) + 1] for iri in iris} & namespaces)


def _counts(dataset: Dataset) -> list[int]:
    row = next(iter(select(dataset, _COUNTS)))
    return [_number(term) for term in row]


def _pairs(dataset: Dataset, query: str) -> list[tuple[str, int]]:
    return [
        (iri.value, _number(count))
        for iri, count in select(dataset, query)
        if isinstance(iri, ox.NamedNode)
    ]


def _number(term: Term | None) -> int:
    return int(term.value) if isinstance(term, ox.Literal) else 0
