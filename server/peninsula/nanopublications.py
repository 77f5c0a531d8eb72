"""How is a claim, or a policy position, published by itself, as a nanopublication?

Four named graphs (http://www.nanopub.org/nschema#): the head; the assertion, which says that
somebody claims or holds something, and never that it is so; the provenance, by which passage
and through whose report it has come; and who published it when. All four are named for the
thing and the generation: the same name has the same content, always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.generations import make_instant
from peninsula.dataset.interface import Dataset, select, select_about
from peninsula.formats import Format
from peninsula.knowledge import INFERRED
from peninsula.namespaces import BASE, PREFIXES, expand
from peninsula.serialization import PREFIXED, used_prefixes
from peninsula.terms import iri_of

#: Kinds of things that are published so, the first to be looked for first.
KINDS: Final = ("claim", "position")
_NP: Final = "http://www.nanopub.org/nschema#"
_NPX: Final = "http://purl.org/nanopub/x/"
_CLASSES: Final = {"claim": expand("pen:Claim"), "position": expand("pen:PolicyPosition")}
#: What is stated of a thing, of the levels of its report, and of its passage; nothing inferred.
#: Each by itself: of a union, the engine would work out every branch for everything.
_PATHS: Final = {
    "thing": "BIND(?thing AS ?s)",
    "level": "?thing pen:hasAttribution ?s .",
    "passage": "?thing pen:hasPassage ?s .",
    "selector": "?thing pen:hasPassage/oa:hasSelector ?s .",
}
_STATED: Final = f"""
SELECT ?thing ?s ?p ?o WHERE {{{{
  VALUES ?thing {{{{ {{things}} }}}}
  {{path}}
  ?s ?p ?o
  FILTER NOT EXISTS {{{{ GRAPH <{INFERRED}> {{{{ ?s ?p ?o }}}} }}}}
}}}}
"""
_THINGS: Final = """
SELECT DISTINCT ?thing WHERE {{ ?thing a <{0}> FILTER(STRSTARTS(STR(?thing), "{1}")) }}
ORDER BY ?thing
"""
_PUBLISHER: Final = """
SELECT ?name WHERE { graph:catalog dcterms:publisher/foaf:name ?name } ORDER BY ?name LIMIT 1
"""
#: Properties of a thing that say where it comes from.
_ORIGINS: Final = frozenset(
    expand(name)
    for name in (
        "pen:hasPassage", "pen:isStatedIn", "pen:evidencedBy", "pen:restsOnReading",
        "prov:wasDerivedFrom",
    )
)  # fmt: skip
#: Properties of a level of its report that belong to the chain, and not to who says it.
_CHAIN: Final = frozenset(expand(name) for name in ("pen:isReportedWithin", "pen:citesPart"))
_SPEAKER: Final = expand("pen:isAttributedTo")


#: Things whose nanopublications are made at once.
_BATCH: Final = 400


@dataclass(frozen=True)
class Publication:
    """What all nanopublications of one state of the graph have in common."""

    generation: int
    #: When that state was published.
    issued: datetime
    licence: str
    #: Who publishes; nothing where the catalogue does not say.
    publisher: str


#: What the graph says of a thing: its own triples, those of its levels, of its passage.
_Stated = Mapping[str, Sequence[ox.Triple]]


def read_publisher(dataset: Dataset) -> str:
    """Return who publishes the graph, as its catalogue says."""
    for (name,) in select(dataset, _PUBLISHER):
        if isinstance(name, ox.Literal):
            return name.value
    return ""


def name_nanopublication(thing: str, generation: int) -> str:
    """Return the IRI of the nanopublication of a thing, as one state of the graph has it."""
    return f"{BASE}nanopub/{generation}/{thing.removeprefix(f'{BASE}id/')}"


def list_things(dataset: Dataset) -> Iterator[str]:
    """Yield everything that has a nanopublication."""
    for kind in KINDS:
        query = _THINGS.format(_CLASSES[kind], PREFIXES[kind])
        yield from [iri_of(thing) for (thing,) in select(dataset, query)]


def read_nanopublications(
    dataset: Dataset, things: Iterable[str], publication: Publication
) -> Iterator[tuple[str, list[ox.Quad]]]:
    """Yield each thing with the quads of its nanopublication; nothing for what is not known."""
    order = sorted(set(things))
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        found = _read_stated(dataset, batch)
        for iri in batch:
            if iri in found and _is_of_its_kind(iri, found[iri]):
                yield iri, list(_write(iri, found[iri], publication))


def _read_stated(dataset: Dataset, things: Sequence[str]) -> Mapping[str, _Stated]:
    found: dict[str, dict[str, list[ox.Triple]]] = {}
    for part, path in _PATHS.items():
        for thing, s, p, o in select_about(dataset, _STATED, things, path=path):
            if (
                isinstance(s, ox.NamedNode | ox.BlankNode)
                and isinstance(p, ox.NamedNode)
                and o is not None
            ):
                stated = found.setdefault(iri_of(thing), {part: [] for part in _PATHS})
                stated[part].append(ox.Triple(s, p, o))
    return found


def _is_of_its_kind(iri: str, stated: _Stated) -> bool:
    types = {iri_of(t.object) for t in stated["thing"] if t.predicate.value == expand("rdf:type")}
    return any(iri.startswith(PREFIXES[kind]) and _CLASSES[kind] in types for kind in KINDS)


def _write(iri: str, stated: _Stated, publication: Publication) -> Iterator[ox.Quad]:
    """Yield the four graphs of one nanopublication."""
    name = name_nanopublication(iri, publication.generation)
    this, assertion = ox.NamedNode(name), ox.NamedNode(f"{name}#assertion")
    provenance, info = ox.NamedNode(f"{name}#provenance"), ox.NamedNode(f"{name}#pubinfo")
    contributors = ox.NamedNode(f"{name}#contributors")
    graphs = {
        ox.NamedNode(f"{name}#Head"): [
            ox.Triple(this, _name("rdf:type"), ox.NamedNode(f"{_NP}Nanopublication")),
            ox.Triple(this, ox.NamedNode(f"{_NP}hasAssertion"), assertion),
            ox.Triple(this, ox.NamedNode(f"{_NP}hasProvenance"), provenance),
            ox.Triple(this, ox.NamedNode(f"{_NP}hasPublicationInfo"), info),
        ],
        assertion: [
            *(t for t in stated["thing"] if t.predicate.value not in _ORIGINS),
            *(t for t in stated["level"] if t.predicate.value not in _CHAIN),
        ],
        provenance: [
            *_trace(assertion, stated),
            # Where nobody reports it, whoever publishes has put it together.
            *(
                [ox.Triple(assertion, _name("prov:wasAttributedTo"), contributors)]
                if publication.publisher and not stated["level"]
                else []
            ),
            ox.Triple(assertion, _name("dcterms:subject"), ox.NamedNode(iri)),
        ],
        info: list(_tell(iri, this, contributors, publication)),
    }
    for graph, triples in graphs.items():
        for triple in sorted(set(triples), key=str):
            yield ox.Quad(
                _skolemize(triple.subject, name), triple.predicate,
                _skolemize(triple.object, name), graph,
            )  # fmt: skip


def _name(text: str) -> ox.NamedNode:
    return ox.NamedNode(expand(text))


def _trace(assertion: ox.NamedNode, stated: _Stated) -> Iterator[ox.Triple]:
    """Yield by what passages, and through whose report, an assertion has come."""
    for triple in stated["thing"]:
        if triple.predicate.value in _ORIGINS:
            yield triple
            yield ox.Triple(assertion, _name("prov:wasDerivedFrom"), triple.object)
    for triple in stated["level"]:
        yield ox.Triple(assertion, _name("prov:qualifiedAttribution"), triple.subject)
        if triple.predicate.value in _CHAIN:
            yield triple
        elif triple.predicate.value == _SPEAKER:
            yield ox.Triple(assertion, _name("prov:wasAttributedTo"), triple.object)
    yield from stated["passage"]
    yield from stated["selector"]


def _tell(
    iri: str, this: ox.NamedNode, contributors: ox.NamedNode, publication: Publication
) -> Iterator[ox.Triple]:
    """Yield who published it, when, and under which licence."""
    class_ = next(_CLASSES[kind] for kind in KINDS if iri.startswith(PREFIXES[kind]))
    yield ox.Triple(this, _name("dcterms:created"), make_instant(publication.issued))
    yield ox.Triple(this, _name("dcterms:subject"), ox.NamedNode(iri))
    yield ox.Triple(this, _name("schema:version"), ox.Literal(str(publication.generation)))
    yield ox.Triple(this, ox.NamedNode(f"{_NPX}hasNanopubType"), ox.NamedNode(class_))
    if publication.licence:
        yield ox.Triple(this, _name("dcterms:license"), ox.NamedNode(publication.licence))
    if publication.publisher:
        yield ox.Triple(this, _name("dcterms:creator"), contributors)
        yield ox.Triple(contributors, _name("rdf:type"), _name("prov:Agent"))
        yield ox.Triple(contributors, _name("foaf:name"), ox.Literal(publication.publisher))


def _skolemize(term: Any, name: str) -> Any:
    """Return a name for a blank node: several nanopublications may come in one file."""
    return ox.NamedNode(f"{name}#_{term.value}") if isinstance(term, ox.BlankNode) else term


def serialize(quads: list[ox.Quad], format: Format, name: str = "") -> bytes:
    """Return nanopublications in a format of datasets; ``name`` is that of the only one."""
    assert isinstance(format.engine, ox.RdfFormat)
    prefixes: Mapping[str, str] | None = None
    if format.engine in PREFIXED:
        prefixes = {**used_prefixes(quads), "np": _NP, "npx": _NPX}
        if name:
            prefixes |= {"this": name, "sub": f"{name}#"}
    return ox.serialize(quads, format=format.engine, prefixes=dict(prefixes or {})) or b""
