"""What is this thing called, in the reader's language?

Labels come from the dataset itself. Where there is none in the wished language the English
one serves, then any, then the prefixed name: nothing is ever without a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select_about
from peninsula.namespaces import expand, shorten

LANGUAGES: Final = ("en", "ko", "ru")
#: Terms of others that pages show often; the dataset has no labels for them.
_COMMON: Final = {
    expand(name): label
    for name, label in {
        "rdf:type": "is a",
        "rdfs:isDefinedBy": "defined in",
        "rdfs:label": "label",
        "rdfs:subClassOf": "is a kind of",
        "rdfs:seeAlso": "see also",
        "dcat:dataset": "has the data set",
        "dcterms:creator": "by",
        "dcterms:description": "description",
        "dcterms:isPartOf": "part of",
        "dcterms:isReplacedBy": "replaced by",
        "dcterms:issued": "published on",
        "dcterms:license": "licence",
        "dcterms:publisher": "publisher",
        "dcterms:replaces": "replaces",
        "dcterms:source": "source",
        "dcterms:title": "title",
        "geo:asWKT": "coordinates",
        "geo:hasGeometry": "geometry",
        "oa:end": "end (offset)",
        "oa:hasSelector": "position",
        "oa:hasSource": "text",
        "oa:start": "start (offset)",
        "prov:wasDerivedFrom": "derived from",
        "skos:broader": "broader",
        "skos:definition": "definition",
        "skos:editorialNote": "editor’s note",
        "skos:exactMatch": "same as",
        "skos:example": "example",
        "skos:inScheme": "in the vocabulary",
        "skos:note": "note",
        "skos:scopeNote": "remark",
        "skos:topConceptOf": "top concept of",
        "void:dataDump": "files",
        "dcat:Dataset": "data set",
        "foaf:Agent": "agent",
        "oa:TextPositionSelector": "position in a text",
        "owl:AnnotationProperty": "property of terms",
        "owl:Class": "class",
        "owl:DatatypeProperty": "property with values",
        "owl:ObjectProperty": "property between things",
        "owl:Ontology": "ontology",
        "sf:Point": "point",
        "sh:SPARQLExecutable": "question",
        "skos:Concept": "concept",
        "skos:ConceptScheme": "vocabulary",
    }.items()
}
#: Properties that name a thing, the best first; those of one number are as good as each other.
_NAMING: Final = {
    expand(name): rank
    for name, rank in {
        "pen:paraphrase": 1,
        "skos:prefLabel": 2,
        "rdfs:label": 2,
        "dcterms:title": 3,
    }.items()
}
# A filter, and no table of properties to join: the engine would walk over every label there is.
_QUERY: Final = """
SELECT ?thing ?property ?label WHERE {{
  VALUES ?thing {{ {things} }}
  ?thing ?property ?label
  FILTER(?property IN (pen:paraphrase, skos:prefLabel, rdfs:label, dcterms:title))
}}
"""


def find_labels(
    dataset: Dataset, terms: Iterable[Term | None], language: str = "en"
) -> dict[str, str]:
    """Return the label of each IRI among ``terms`` that has one."""
    things = {term.value for term in terms if isinstance(term, ox.NamedNode)}
    best: dict[str, tuple[int, int, str]] = {}
    for thing, property, label in select_about(dataset, _QUERY, things):
        if isinstance(thing, ox.NamedNode) and isinstance(label, ox.Literal):
            naming = _NAMING[property.value] if isinstance(property, ox.NamedNode) else 0
            offer = (rank_language(label, language), naming, label.value)
            best[thing.value] = min(best.get(thing.value, offer), offer)
    return {thing: label for thing, (_, _, label) in best.items()}


def name_of(iri: str, labels: dict[str, str]) -> str:
    """Return the label of ``iri``, or its prefixed name."""
    return labels.get(iri) or _COMMON.get(iri) or shorten(iri)


def rank_language(text: ox.Literal, language: str) -> int:
    """Return how well ``text`` fits a reader of ``language``; the least number fits best."""
    order = (language, "en", *LANGUAGES)
    return order.index(text.language) if text.language in order else len(order)
