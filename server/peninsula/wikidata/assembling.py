"""How does what was pulled become one snapshot, and a file of it?

The snapshot is one named graph: Wikidata's own triples in Wikidata's own shape, and a description
of itself (DCAT, PROV). Written from the same state of the service it is the same byte by byte,
except for the times of retrieval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula import __version__
from peninsula.errors import OperatorError, display_path
from peninsula.files import write_whole
from peninsula.formats import RDF_EXTENSIONS
from peninsula.namespaces import expand
from peninsula.wikidata import terms as wikidata
from peninsula.wikidata.pulling import Pull
from peninsula.wikidata.slice import SNAPSHOT
from peninsula.wikidata.snapshot import LACKS
from peninsula.wikidata.terms import VERSION

LICENCE: Final = "https://creativecommons.org/publicdomain/zero/1.0/"
PUBLISHER: Final = "https://www.wikidata.org/"
PULL: Final = f"{SNAPSHOT}#pull"
PROGRAM: Final = f"{SNAPSHOT}#program"

_TITLES: Final = {
    "en": "Snapshot of Wikidata",
    "ko": "위키데이터 스냅샷",
    "ru": "Снимок Викиданных",
}
_DESCRIPTION: Final = (
    "What Wikidata says of the items that our things are linked with, as of the time of retrieval: "
    "in the terms of Wikidata, by whoever edits it, and not checked by us."
)


def assemble(pull: Pull, service: str, ended: datetime) -> list[ox.Triple]:
    """Return the triples of the snapshot, sorted."""
    return sorted(pull.triples | set(_describe(pull, service, ended)), key=str)


def _describe(pull: Pull, service: str, ended: datetime) -> Iterator[ox.Triple]:
    """Yield what the snapshot says of itself."""
    graph, activity, program = (ox.NamedNode(iri) for iri in (SNAPSHOT, PULL, PROGRAM))
    publisher, asked = ox.NamedNode(PUBLISHER), ox.NamedNode(service)

    def say(subject: ox.NamedNode, predicate: str, value: ox.NamedNode | ox.Literal) -> ox.Triple:
        return ox.Triple(subject, ox.NamedNode(expand(predicate)), value)

    for kind in ("dcat:Dataset", "prov:Entity"):
        yield say(graph, "rdf:type", ox.NamedNode(expand(kind)))
    for language, title in _TITLES.items():
        yield say(graph, "dcterms:title", ox.Literal(title, language=language))
    yield say(graph, "dcterms:description", ox.Literal(_DESCRIPTION, language="en"))
    yield say(graph, "dcterms:license", ox.NamedNode(LICENCE))
    yield say(graph, "dcterms:publisher", publisher)
    yield say(graph, "dcterms:source", asked)
    yield say(graph, "dcterms:issued", _literal(ended.date().isoformat(), "xsd:date"))
    yield say(graph, "prov:generatedAtTime", _instant(ended))
    yield say(graph, "prov:wasGeneratedBy", activity)
    yield say(graph, "void:entities", _literal(str(len(pull.items)), "xsd:integer"))
    yield say(ox.NamedNode(expand("graph:catalog")), "dcat:dataset", graph)
    for item in pull.missing:
        yield ox.Triple(graph, ox.NamedNode(LACKS), ox.NamedNode(item))
    for triple in pull.triples:
        subject, predicate, value = triple
        if predicate.value != VERSION or not isinstance(subject, ox.NamedNode):
            continue
        # It stands in an address: from what the service says, only a number.
        if isinstance(value, ox.Literal) and value.value.isdecimal():
            qid = wikidata.qid_of(subject.value)
            revision = f"{PUBLISHER}wiki/Special:EntityData/{qid}.ttl?revision={value.value}"
            yield say(graph, "prov:wasDerivedFrom", ox.NamedNode(revision))
    yield say(activity, "rdf:type", ox.NamedNode(expand("prov:Activity")))
    yield say(activity, "prov:startedAtTime", _instant(pull.begun))
    yield say(activity, "prov:endedAtTime", _instant(ended))
    yield say(activity, "prov:used", asked)
    yield say(activity, "prov:wasAssociatedWith", program)
    yield say(program, "rdf:type", ox.NamedNode(expand("prov:SoftwareAgent")))
    yield say(program, "foaf:name", ox.Literal(f"peninsula {__version__}"))
    yield say(asked, "rdf:type", ox.NamedNode(expand("dcat:DataService")))
    yield say(asked, "dcat:endpointURL", asked)
    yield say(publisher, "rdf:type", ox.NamedNode(expand("foaf:Agent")))
    yield say(publisher, "foaf:name", ox.Literal("Wikidata"))


def _instant(moment: datetime) -> ox.Literal:
    text = moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    return _literal(text, "xsd:dateTime")


def _literal(text: str, datatype: str) -> ox.Literal:
    return ox.Literal(text, datatype=ox.NamedNode(expand(datatype)))


def format_of(path: Path) -> ox.RdfFormat:
    """Return the format that the ending of a file says; raises OperatorError."""
    format = RDF_EXTENSIONS.get(path.suffix.lower())
    if format is None or not isinstance(format.engine, ox.RdfFormat):
        endings = ", ".join(RDF_EXTENSIONS)
        raise OperatorError(
            f"{display_path(path)}: “{path.suffix}” is the ending of no RDF format.",
            f"Known are {endings}.",
        )
    return format.engine


def write(path: Path, triples: Sequence[ox.Triple]) -> None:
    """Write the snapshot in the format of the file's ending, whole or not at all."""
    engine = format_of(path)
    graph = ox.NamedNode(SNAPSHOT) if engine.supports_datasets else ox.DefaultGraph()
    quads = (ox.Quad(t.subject, t.predicate, t.object, graph) for t in triples)
    content = ox.serialize(quads, format=engine, prefixes=_prefixes(engine))
    assert content is not None
    write_whole(path, [content])


def _prefixes(format: ox.RdfFormat) -> dict[str, str] | None:
    if format in {ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG}:
        ours = ("graph", "pen", "dcat", "dcterms", "foaf", "prov", "void", "xsd")
        return {**wikidata.PREFIXES, **{name: expand(f"{name}:") for name in ours}}
    return None
