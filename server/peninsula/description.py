"""What does this endpoint offer, and what does the dataset hold now?

The service description (https://www.w3.org/TR/sparql11-service-description/) and the VoID
description (https://www.w3.org/TR/void/), made from the dataset as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyoxigraph as ox

from peninsula.config import Config
from peninsula.dataset.interface import Dataset, Term, select
from peninsula.dumps import announce, list_dumps
from peninsula.formats import CSV, GRAPH_FORMATS, JSONLD, PARQUET, SOLUTION_FORMATS, Format
from peninsula.knowledge import CATALOG, QUESTIONS
from peninsula.namespaces import BASE, PREFIXES, expand
from peninsula.tabulation.declarations import read_tables
from peninsula.terms import integer_of, iri_of

_COUNTS: Final = """
SELECT (COUNT(*) AS ?triples) (COUNT(DISTINCT ?s) AS ?subjects)
       (COUNT(DISTINCT ?p) AS ?properties) (COUNT(DISTINCT ?o) AS ?objects)
WHERE { ?s ?p ?o }
"""
#: Classes and properties that are told of, and properties of classes.
_MOST: Final = 5000
_MOST_PAIRS: Final = 20_000
_CLASSES: Final = f"""
SELECT ?class (COUNT(DISTINCT ?s) AS ?entities) WHERE {{ ?s a ?class FILTER(isIRI(?class)) }}
GROUP BY ?class ORDER BY ?class LIMIT {_MOST}
"""
_PROPERTIES: Final = f"""
SELECT ?property (COUNT(*) AS ?triples) WHERE {{ ?s ?property ?o }}
GROUP BY ?property ORDER BY ?property LIMIT {_MOST}
"""
#: Which properties the things of a class have: what an editor needs to complete a query.
_CLASS_PROPERTIES: Final = f"""
SELECT ?class ?property (COUNT(*) AS ?triples) WHERE {{
  ?s a ?class . FILTER(isIRI(?class))
  ?s ?property ?o
}} GROUP BY ?class ?property ORDER BY ?class ?property LIMIT {_MOST_PAIRS}
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


def describe_service(dataset: Dataset, site: str, config: Config) -> list[ox.Triple]:
    """Return the description of the SPARQL services of the server at the address ``site``."""
    d = _Description()
    query, update = d.blank(), d.blank()
    whole, default = d.blank(), d.blank()
    for service, name, language in (
        (query, "sparql", "sd:SPARQL11Query"),
        (update, "update", "sd:SPARQL11Update"),
    ):
        d.add_type(service, "sd:Service")
        d.add(service, "sd:endpoint", ox.NamedNode(f"{site}{name}"))
        d.add(service, "sd:supportedLanguage", ox.NamedNode(expand(language)))
        d.add(service, "sd:feature", ox.NamedNode(expand("sd:EmptyGraphs")))
        if dataset.is_union:
            d.add(service, "sd:feature", ox.NamedNode(expand("sd:UnionDefaultGraph")))
        d.add(
            service,
            "sd:defaultEntailmentRegime",
            ox.NamedNode("http://www.w3.org/ns/entailment/Simple"),
        )
        d.add(service, "sd:defaultDataset", whole)
    # Where editors find examples, and the parameters of every address.
    d.add(query, "rdfs:seeAlso", ox.NamedNode(f"{site}queries.ttl"))
    d.add(query, "rdfs:seeAlso", ox.NamedNode(f"{site}openapi.json"))
    for format in (*SOLUTION_FORMATS, *GRAPH_FORMATS):
        if format.engine:
            d.add(query, "sd:resultFormat", _format_iri(format))
    if config.allow_load:
        for format in GRAPH_FORMATS:
            if format.engine:
                d.add(update, "sd:inputFormat", _format_iri(format))
    seen = (
        "the union of all named graphs and the default graph"
        if dataset.is_union
        else "the default graph alone"
    )
    services = _describe_services(d, query, config)
    d.add(query, "rdfs:comment", ox.Literal(
        f"A query that names no dataset sees {seen}. SERVICE may name {services}. Of SPARQL 1.2, "
        "the engine has triple terms, reifiers and annotations, VERSION, base directions and their "
        f"functions, and LATERAL besides. A query may take {config.query_timeout:g} s; timeout= "
        "lowers that. generation= asks a past state.",
        language="en",
    ))  # fmt: skip
    loads = ", ".join(config.allow_load) or "nowhere"
    d.add(update, "rdfs:comment", ox.Literal(
        f"An update needs a token. WHERE without USING or WITH sees {seen}. LOAD is allowed from: "
        f"{loads}. With dry-run=true the change is told and not made. "
        f"The Graph Store HTTP Protocol is spoken at {site}store.",
        language="en",
    ))  # fmt: skip
    d.add_type(whole, "sd:Dataset")
    d.add(whole, "sd:defaultGraph", default)
    d.add_type(default, "sd:Graph")
    named_size = sum(dataset.graphs().values()) if dataset.is_union else 0
    d.add(default, "void:triples", dataset.default_size() + named_size)
    for name, size in dataset.graphs().items():
        if name.startswith("_:"):
            continue  # a blank node names nothing outside
        named, graph = d.blank(), d.blank()
        d.add(whole, "sd:namedGraph", named)
        d.add_type(named, "sd:NamedGraph")
        d.add(named, "sd:name", ox.NamedNode(name))
        d.add(named, "sd:graph", graph)
        d.add_type(graph, "sd:Graph")
        d.add(graph, "void:triples", size)
    return d.triples


def _describe_services(d: _Description, query: ox.BlankNode, config: Config) -> str:
    """Say whether queries may ask services of others; return which, in words."""
    names = ", ".join(service.iri for service in config.allowed_services())
    if names:
        d.add(query, "sd:feature", ox.NamedNode(expand("sd:BasicFederatedQuery")))
    return names or "nobody"


def _format_iri(format: Format) -> ox.NamedNode:
    """Return the name that the W3C gives a format (https://www.w3.org/ns/formats/)."""
    assert format.engine
    if format is JSONLD:  # the engine's own is another one
        return ox.NamedNode("http://www.w3.org/ns/formats/JSON-LD")
    return ox.NamedNode(format.engine.iri)


def describe_dataset(dataset: Dataset, endpoint: str) -> list[ox.Triple]:
    """Return the VoID description, with the catalogue of sources."""
    d = _Description()
    whole = ox.NamedNode(f"{BASE}void")
    d.add_type(whole, "void:Dataset")
    d.add(whole, "dcterms:title", ox.Literal("Peninsula", language="en"))
    d.add(whole, "void:sparqlEndpoint", ox.NamedNode(endpoint))
    examples = ox.NamedNode(f"{endpoint.removesuffix('sparql')}queries.ttl")
    d.add(whole, "rdfs:seeAlso", examples)
    if QUESTIONS in dataset.graphs():
        d.add(ox.NamedNode(QUESTIONS), "void:dataDump", examples)
    d.add(whole, "void:uriSpace", ox.Literal(BASE))
    d.add(whole, "void:exampleResource", ox.NamedNode(expand("state:russia")))
    triples, subjects, properties, objects = _counts(dataset)
    d.add(whole, "void:triples", triples)
    d.add(whole, "void:distinctSubjects", subjects)
    d.add(whole, "void:properties", properties)
    d.add(whole, "void:distinctObjects", objects)
    classes = _pairs(dataset, _CLASSES)
    d.add(whole, "void:classes", len(classes))
    parts: dict[str, ox.BlankNode] = {}
    for iri, count in classes:
        part = parts[iri] = d.blank()
        d.add(whole, "void:classPartition", part)
        d.add(part, "void:class", ox.NamedNode(iri))
        d.add(part, "void:entities", count)
    for class_, property, uses in select(dataset, _CLASS_PROPERTIES):
        whose = parts.get(class_.value) if isinstance(class_, ox.NamedNode) else None
        if whose is not None and isinstance(property, ox.NamedNode):
            within = d.blank()
            d.add(whose, "void:propertyPartition", within)
            d.add(within, "void:property", property)
            d.add(within, "void:triples", integer_of(uses))
    predicates = _pairs(dataset, _PROPERTIES)
    for iri, count in predicates:
        part = d.blank()
        d.add(whole, "void:propertyPartition", part)
        d.add(part, "void:property", ox.NamedNode(iri))
        d.add(part, "void:triples", count)
    for namespace in _vocabularies(iri for iri, _ in (*classes, *predicates)):
        d.add(whole, "void:vocabulary", ox.NamedNode(namespace))
    for name, size in dataset.graphs().items():
        if name.startswith("_:"):
            continue
        graph = ox.NamedNode(name)
        d.add(whole, "void:subset", graph)
        d.add_type(graph, "void:Dataset")
        d.add(graph, "void:triples", size)
    d.triples += _announce_files(dataset, whole, endpoint.removesuffix("sparql"))
    if CATALOG in dataset.graphs():
        d.triples += [
            ox.Triple(q.subject, q.predicate, q.object) for q in dataset.statements(CATALOG)
        ]
    return d.triples


def _announce_files(dataset: Dataset, whole: ox.NamedNode, site: str) -> Iterator[ox.Triple]:
    """Yield what VoID and DCAT say of dumps and tables."""
    query = f"SELECT ?licence {{ <{CATALOG}> dcterms:license ?licence }} LIMIT 1"
    licence = next((iri_of(found) for (found,) in select(dataset, query)), "")
    yield from announce(list_dumps(dataset), whole.value, site, licence)
    yield from _announce_tables(whole, site, licence)


def _announce_tables(whole: ox.NamedNode, site: str, licence: str) -> Iterator[ox.Triple]:
    """Yield what DCAT says of the tidy tables: each is the dataset in another shape."""
    types = "https://www.iana.org/assignments/media-types/"
    for table in read_tables().values():
        for format in (CSV, PARQUET):
            address = f"{site}tables/{table.name}.{format.extension}"
            distribution = ox.NamedNode(f"{address}#distribution")
            told: dict[str, ox.NamedNode | ox.Literal] = {
                "rdf:type": ox.NamedNode(expand("dcat:Distribution")),
                "dcterms:title": ox.Literal(table.title, language="en"),
                "dcterms:description": ox.Literal(table.description, language="en"),
                "dcat:downloadURL": ox.NamedNode(address),
                "dcat:mediaType": ox.NamedNode(types + format.media_type),
            }
            if format is CSV:
                described = ox.NamedNode(f"{address}-metadata.json")
                told["dcterms:conformsTo"] = ox.NamedNode("http://www.w3.org/TR/tabular-metadata/")
                told["rdfs:seeAlso"] = described
            if licence:
                told["dcterms:license"] = ox.NamedNode(licence)
            yield ox.Triple(whole, ox.NamedNode(expand("dcat:distribution")), distribution)
            for name, value in told.items():
                yield ox.Triple(distribution, ox.NamedNode(expand(name)), value)


def _term(given: Term | int) -> Term:
    return ox.Literal(str(given), datatype=_INTEGER) if isinstance(given, int) else given


def _vocabularies(iris: Iterator[str]) -> list[str]:
    namespaces = set(PREFIXES.values())
    return sorted({iri[: max(iri.rfind("/"), iri.rfind("#")) + 1] for iri in iris} & namespaces)


def _counts(dataset: Dataset) -> list[int]:
    row = next(iter(select(dataset, _COUNTS)))
    return [integer_of(term) for term in row]


def _pairs(dataset: Dataset, query: str) -> list[tuple[str, int]]:
    return [
        (iri.value, integer_of(count))
        for iri, count in select(dataset, query)
        if isinstance(iri, ox.NamedNode)
    ]
