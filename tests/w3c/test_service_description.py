"""Does the server describe itself as SPARQL 1.1 Service Description says?

The W3C's manifest only names its three tests; what each of them means is written out here, from
https://www.w3.org/TR/sparql11-service-description/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyoxigraph as ox
import pytest

from .manifests import RDF, SUITES, W3cTest, cases
from .results import GRAPH_TYPES, XSD
from .target import Target

SD: Final = "http://www.w3.org/ns/sparql-service-description#"
VOID: Final = "http://rdfs.org/ns/void#"
TYPE: Final = ox.NamedNode(RDF + "type")

ANYTHING, IRI, COUNT = "anything", "an IRI", "an integer"
PROPERTIES: Final[Mapping[str, tuple[str, str]]] = {
    "endpoint": ("Service", IRI),
    "feature": ("Service", IRI),
    "defaultEntailmentRegime": ("Service", IRI),
    "entailmentRegime": ("NamedGraph", IRI),
    "defaultSupportedEntailmentProfile": ("Service", IRI),
    "supportedEntailmentProfile": ("NamedGraph", IRI),
    "extensionFunction": ("Service", IRI),
    "extensionAggregate": ("Service", IRI),
    "languageExtension": ("Service", IRI),
    "supportedLanguage": ("Service", IRI),
    "propertyFeature": ("Service", IRI),
    "inputFormat": ("Service", IRI),
    "resultFormat": ("Service", IRI),
    "defaultDataset": ("Service", "Dataset"),
    "availableGraphs": ("Service", "GraphCollection"),
    "defaultGraph": ("Dataset", "Graph"),
    "namedGraph": ("GraphCollection", "NamedGraph"),
    "name": ("NamedGraph", IRI),
    "graph": ("NamedGraph", "Graph"),
}
"""The properties of the vocabulary: (class of the subject, class or kind of the object)."""

SUPERCLASSES: Final[Mapping[str, frozenset[str]]] = {
    "Dataset": frozenset({"Dataset", "GraphCollection"}),
}
LANGUAGES: Final = frozenset({"SPARQL10Query", "SPARQL11Query", "SPARQL11Update"})
FEATURES: Final = frozenset(
    {
        "DereferencesURIs",
        "UnionDefaultGraph",
        "RequiresDataset",
        "EmptyGraphs",
        "BasicFederatedQuery",
    }
)
FORMATS: Final = "http://www.w3.org/ns/formats/"


@pytest.fixture(params=GRAPH_TYPES)
def media_type(request: pytest.FixtureRequest) -> str:
    if not SUITES.is_dir():
        pytest.skip("the W3C's suites are not here")
    return str(request.param)


def description(target: Target, media_type: str) -> list[ox.Quad]:
    """The service description, asked for without a query."""
    response = target.request("GET", target.query_path, {"Accept": media_type})
    assert (response.status, response.media_type) == (200, media_type), response
    address = target.address + target.query_path
    return list(ox.parse(response.body, format=GRAPH_TYPES[media_type], base_iri=address))


def objects(graph: list[ox.Quad], name: str) -> list[ox.Quad]:
    return [quad for quad in graph if quad.predicate.value == SD + name]


def classes(graph: list[ox.Quad], node: object) -> set[str]:
    """The vocabulary's classes that a node is said to have, and those above them."""
    found = [
        quad.object.value.removeprefix(SD)
        for quad in graph
        if quad.subject == node and quad.predicate == TYPE and isinstance(quad.object, ox.NamedNode)
    ]
    return {above for name in found for above in SUPERCLASSES.get(name, {name})}


@pytest.mark.parametrize("test", cases("ServiceDescriptionTest"))
def test_service_description_holds(target: Target, test: W3cTest, media_type: str) -> None:
    graph = description(target, media_type)
    match test.iri.rpartition("#")[2]:
        case "returns-rdf":
            assert graph
        case "has-endpoint-triple":
            address = ox.NamedNode(target.address + target.query_path)
            endpoints = [quad.object for quad in objects(graph, "endpoint")]
            assert address in endpoints, endpoints
        case "conforms-to-schema":
            check_schema(graph)
        case unknown:
            pytest.fail(f"a test that this module does not know: {unknown}")


def check_schema(graph: list[ox.Quad]) -> None:
    """Every statement in the vocabulary uses it as it is defined; one service takes queries."""
    services = {quad.subject for quad in objects(graph, "endpoint")}
    languages = objects(graph, "supportedLanguage")
    queried = [q.subject for q in languages if q.object == ox.NamedNode(SD + "SPARQL11Query")]
    assert len(queried) == 1 and queried[0] in services
    for quad in graph:
        if not quad.predicate.value.startswith(SD):
            continue
        name = quad.predicate.value.removeprefix(SD)
        assert name in PROPERTIES, f"no property of the vocabulary: {quad}"
        domain, range_ = PROPERTIES[name]
        assert domain in classes(graph, quad.subject), f"not about a sd:{domain}: {quad}"
        if range_ == IRI:
            assert isinstance(quad.object, ox.NamedNode), quad
            check_term(name, quad.object.value)
        else:
            assert range_ in classes(graph, quad.object), f"not a sd:{range_}: {quad}"
    for quad in graph:
        if quad.predicate.value == VOID + "triples":
            assert isinstance(quad.object, ox.Literal)
            assert quad.object.datatype.value == XSD + "integer"


def check_term(name: str, iri: str) -> None:
    """Languages, features and formats in the W3C's namespaces are ones that it has."""
    if name == "supportedLanguage" and iri.startswith(SD):
        assert iri.removeprefix(SD) in LANGUAGES, iri
    if name == "feature" and iri.startswith(SD):
        assert iri.removeprefix(SD) in FEATURES, iri
    if name in {"resultFormat", "inputFormat"} and "w3.org" in iri:
        assert iri.startswith(FORMATS), iri
