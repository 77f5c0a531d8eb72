"""Does the ontology follow its style guide, and would a lapse be noticed?

An example for each constraint stands in ``tests/shapes/<Shape>/`` and is judged there; here the
style shapes meet the ontology itself.
"""

from __future__ import annotations

import pyoxigraph as ox
import pyshacl
import pytest
import rdflib
from rdflib import Graph, URIRef
from rdflib.query import ResultRow

from peninsula.namespaces import expand, shorten

from .conftest import ROOT, read

rdflib.NORMALIZE_LITERALS = False
SHAPES = ROOT / "ontology" / "shapes" / "ontology.shapes.ttl"


def to_graph(quads: list[ox.Quad]) -> Graph:
    graph = Graph(bind_namespaces="none")
    text = ox.serialize((quad.triple for quad in quads), format=ox.RdfFormat.N_TRIPLES)
    return graph.parse(data=text, format="nt")


def validate(graph: Graph) -> list[tuple[str, str, str]]:
    """Return (focus node, source shape, message) of every result."""
    shapes = to_graph(read(SHAPES, "shapes"))
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes)
    assert isinstance(report, Graph), report
    found = report.query(
        """SELECT ?focus ?shape ?message WHERE {
          ?r sh:focusNode ?focus ; sh:sourceShape ?shape ; sh:resultMessage ?message
        }""",
        initNs={"sh": "http://www.w3.org/ns/shacl#"},
    )
    rows = [tuple(row) for row in found if isinstance(row, ResultRow)]
    return sorted((shorten(str(f)), shorten(str(s)), str(message)) for f, s, message in rows)


@pytest.fixture(scope="module")
def ontology_graph(ontology_quads: list[ox.Quad]) -> Graph:
    return to_graph(ontology_quads)


def test_ontology_follows_its_style(ontology_graph: Graph) -> None:
    assert validate(ontology_graph) == []


@pytest.mark.parametrize(
    ("term", "property_", "shape"),
    [
        ("pen:Summit", "rdfs:label", "pensh:TermShape-labelKorean"),
        ("pen:hasParticipant", "skos:definition", "pensh:TermShape-definition"),
        ("pen:Claim", "skos:example", "pensh:TermShape-example"),
        ("pen:symbol", "rdfs:isDefinedBy", "pensh:DefinedTermShape"),
        ("ontology:events", "dcterms:license", "pensh:ModuleShape-license"),
        ("stance:supports", "skos:prefLabel", "pensh:ConceptStyleShape-labelRussian"),
        ("topic:deterrence", "skos:broader", "pensh:ConceptStyleShape-place"),
        ("vocabulary:topics", "skos:hasTopConcept", "pensh:SchemeStyleShape-topConcept"),
    ],
)
def test_a_lapse_is_noticed(ontology_graph: Graph, term: str, property_: str, shape: str) -> None:
    focus, predicate = URIRef(expand(term)), URIRef(expand(property_))
    removed = list(ontology_graph.triples((focus, predicate, None)))
    assert removed, f"{term} has no {property_} to remove"
    part = Graph(bind_namespaces="none")
    for triple in ontology_graph.triples((focus, None, None)):
        if triple not in removed:
            part.add(triple)
    # The class of the focus node reaches the shape; everything else about it is in the part.
    assert shape in {source for node, source, _ in validate(part) if node == term}
