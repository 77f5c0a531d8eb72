"""What would the query service of Wikidata answer from, if it knew only ``items.qs``?

Writes ``service.ttl`` in the shape that the query service has: the RDF of Wikibase
(https://www.mediawiki.org/wiki/Wikibase/Indexing/RDF_Dump_Format) as its loader munges it. So
items have no ``rdf:type`` and no ``schema:name``, their version and counts stand at the item
itself, unknown values are skolem IRIs, and the simple claims (``wdt:``) are of the best rank.

Run it after a change of ``items.qs``: ``python -m tests.wikidata.make_service``.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pyoxigraph as ox

HERE: Final = Path(__file__).parent
ITEMS: Final = HERE / "items.qs"
SERVICE: Final = HERE / "service.ttl"

_WIKIDATA: Final = "http://www.wikidata.org/"
PREFIXES: Final = {
    "wd": f"{_WIKIDATA}entity/",
    "wds": f"{_WIKIDATA}entity/statement/",
    "wdref": f"{_WIKIDATA}reference/",
    "wdv": f"{_WIKIDATA}value/",
    "wdt": f"{_WIKIDATA}prop/direct/",
    "wdtn": f"{_WIKIDATA}prop/direct-normalized/",
    "p": f"{_WIKIDATA}prop/",
    "ps": f"{_WIKIDATA}prop/statement/",
    "psv": f"{_WIKIDATA}prop/statement/value/",
    "psn": f"{_WIKIDATA}prop/statement/value-normalized/",
    "pq": f"{_WIKIDATA}prop/qualifier/",
    "pqv": f"{_WIKIDATA}prop/qualifier/value/",
    "pr": f"{_WIKIDATA}prop/reference/",
    "prv": f"{_WIKIDATA}prop/reference/value/",
    "wdno": f"{_WIKIDATA}prop/novalue/",
    "genid": f"{_WIKIDATA}.well-known/genid/",
    "wikibase": "http://wikiba.se/ontology#",
    "schema": "http://schema.org/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_RANKS: Final = {"R+": "PreferredRank", "": "NormalRank", "R-": "DeprecatedRank"}
#: What properties of these types link to beside their own value (see “normalized values”).
_GEONAMES: Final = "https://sws.geonames.org/"
_EPOCH: Final = datetime(2026, 10, 1, tzinfo=UTC)
_GREGORIAN: Final = "Q1985727"
_EARTH: Final = "Q2"


def node(name: str) -> ox.NamedNode:
    """Return the node of a prefixed name."""
    prefix, _, local = name.partition(":")
    return ox.NamedNode(PREFIXES[prefix] + local)


def literal(value: object, datatype: str) -> ox.Literal:
    return ox.Literal(str(value), datatype=node(datatype))


def digest(*parts: str) -> str:
    """Return a hash as value and reference nodes have it in their names."""
    return hashlib.sha1(" ".join(parts).encode(), usedforsecurity=False).hexdigest()


@dataclass
class Statement:
    """A claim about an item, with its rank and qualifiers."""

    property: str
    value: str
    rank: str = ""
    qualifiers: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Entity:
    """An item or a property, as its page shows it."""

    id: str
    terms: list[tuple[str, str, str]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    articles: list[tuple[str, str]] = field(default_factory=list)
    datatype: str = ""


def read(path: Path = ITEMS) -> tuple[list[Entity], list[tuple[str, str]]]:
    """Return the entities in a file of QuickStatements, and which item redirects to which."""
    entities: dict[str, Entity] = {}
    redirects: list[tuple[str, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        first, second, value, *rest = line.split("\t")
        if first == "MERGE":
            redirects.append((second, value))
            continue
        entity = entities.setdefault(first, Entity(first))
        if second == "TYPE":
            entity.datatype = value
        elif second[0] == "S":
            entity.articles.append((second[1:].removesuffix("wiki"), value[1:-1]))
        elif second[0] in "LAD":
            entity.terms.append((second[0], second[1:], value[1:-1]))
        else:
            rank = rest.pop(0) if len(rest) % 2 else ""
            pairs = list(zip(rest[::2], rest[1::2], strict=True))
            entity.statements.append(Statement(second, value, rank, pairs))
    return list(entities.values()), redirects


def write_triples(
    entities: Iterable[Entity], redirects: Iterable[tuple[str, str]]
) -> Iterator[ox.Triple]:
    """Yield the graph of the query service; what several items share comes once."""
    seen: set[str] = set()
    entities = list(entities)
    types = {entity.id: entity.datatype for entity in entities if entity.datatype}
    for entity in entities:
        for triple in _write_entity(entity, types):
            # A value node belongs to every statement that has its value.
            key = str(triple)
            if key not in seen:
                seen.add(key)
                yield triple
    for old, new in redirects:
        yield ox.Triple(node(f"wd:{old}"), node("owl:sameAs"), node(f"wd:{new}"))


def _write_entity(entity: Entity, types: dict[str, str]) -> Iterator[ox.Triple]:
    own = node(f"wd:{entity.id}")
    kinds = {"L": "rdfs:label", "A": "skos:altLabel", "D": "schema:description"}
    for kind, language, text in entity.terms:
        yield ox.Triple(own, node(kinds[kind]), ox.Literal(text, language=language))
    if entity.datatype:
        yield from _write_property(entity, own)
        return
    number = int(digest(entity.id)[:7], 16)
    modified = _EPOCH + timedelta(seconds=number % 4_000_000)
    identifiers = sum(types[s.property] == "ExternalId" for s in entity.statements)
    for name, value in (
        ("schema:version", literal(2_000_000_000 + number, "xsd:integer")),
        ("schema:dateModified", literal(modified.strftime("%Y-%m-%dT%H:%M:%SZ"), "xsd:dateTime")),
        ("wikibase:statements", literal(len(entity.statements), "xsd:integer")),
        ("wikibase:sitelinks", literal(len(entity.articles), "xsd:integer")),
        ("wikibase:identifiers", literal(identifiers, "xsd:integer")),
    ):
        yield ox.Triple(own, node(name), value)
    yield from _write_statements(entity, own, types)
    for language, title in entity.articles:
        yield from _write_article(own, language, title)


def _write_statements(
    entity: Entity, own: ox.NamedNode, types: dict[str, str]
) -> Iterator[ox.Triple]:
    ranks: dict[str, set[str]] = defaultdict(set)
    for statement in entity.statements:
        ranks[statement.property].add(statement.rank)
    for statement in entity.statements:
        p = statement.property
        rank = statement.rank
        is_best = rank != "R-" and (rank == "R+" or "R+" not in ranks[p])
        # Two statements of an item differ in something; whatever else changes, a name stays.
        said = f"{own.value} {p} {statement.value} {rank} {statement.qualifiers}"
        name = uuid.uuid5(uuid.NAMESPACE_URL, said)
        at = node(f"wds:{entity.id}-{str(name).upper()}")
        yield ox.Triple(own, node(f"p:{p}"), at)
        yield ox.Triple(at, node("wikibase:rank"), node(f"wikibase:{_RANKS[rank]}"))
        if is_best:
            yield ox.Triple(at, node("rdf:type"), node("wikibase:BestRank"))
        yield from _write_value(at, p, statement.value, types, "ps", "psv", str(name))
        if is_best:
            yield from _write_value(own, p, statement.value, types, "wdt", "", str(name))
        for q, value in statement.qualifiers:
            yield from _write_value(at, q, value, types, "pq", "pqv", f"{name} {q}")
        if types[p] == "Time":
            yield from _write_reference(at, entity.id)


def _write_value(
    subject: ox.NamedNode,
    p: str,
    value: str,
    types: dict[str, str],
    simple: str,
    full: str,
    place: str,
) -> Iterator[ox.Triple]:
    """Yield a value as it stands at a statement (or an item), simple and, where it is, in full."""
    if value == "novalue":
        yield ox.Triple(subject, node("rdf:type"), node(f"wdno:{p}"))
        return
    if value == "somevalue":
        # Blank nodes in the dump; the service gives them names (“skolemization”).
        yield ox.Triple(subject, node(f"{simple}:{p}"), node(f"genid:{digest(place, p)}"))
        return
    kind = types[p]
    if kind == "WikibaseItem":
        yield ox.Triple(subject, node(f"{simple}:{p}"), node(f"wd:{value}"))
    elif kind == "CommonsMedia":
        file = f"http://commons.wikimedia.org/wiki/Special:FilePath/{quote(value[1:-1])}"
        yield ox.Triple(subject, node(f"{simple}:{p}"), ox.NamedNode(file))
    elif kind == "ExternalId":
        yield ox.Triple(subject, node(f"{simple}:{p}"), ox.Literal(value[1:-1]))
        normal = ox.NamedNode(f"{_GEONAMES}{value[1:-1]}/")
        prefix = "wdtn" if simple == "wdt" else "psn"
        yield ox.Triple(subject, node(f"{prefix}:{p}"), normal)
    else:
        yield from _write_node(subject, p, value, kind, simple, full)


def _write_node(
    subject: ox.NamedNode, p: str, value: str, kind: str, simple: str, full: str
) -> Iterator[ox.Triple]:
    """Yield a time or a point: a literal, and a value node with what the literal cannot say."""
    at = node(f"wdv:{digest(kind, value)}")
    parts: dict[str, ox.Literal | ox.NamedNode]
    if kind == "Time":
        text, _, precision = value.partition("/")
        # What the precision leaves open is the first in RDF: the year 1963 is 1963-01-01.
        first = literal(text.removeprefix("+").replace("-00", "-01"), "xsd:dateTime")
        parts = {
            "timeValue": first,
            "timePrecision": literal(precision, "xsd:integer"),
            "timeTimezone": literal(0, "xsd:integer"),
            "timeCalendarModel": node(f"wd:{_GREGORIAN}"),
        }
    else:
        latitude, longitude = value[1:].split("/")
        first = literal(f"Point({longitude} {latitude})", "geo:wktLiteral")
        parts = {
            "geoLatitude": literal(latitude, "xsd:double"),
            "geoLongitude": literal(longitude, "xsd:double"),
            "geoPrecision": literal("0.0001", "xsd:double"),
            "geoGlobe": node(f"wd:{_EARTH}"),
        }
    yield ox.Triple(subject, node(f"{simple}:{p}"), first)
    if full:
        yield ox.Triple(subject, node(f"{full}:{p}"), at)
        for name, part in parts.items():
            yield ox.Triple(at, node(f"wikibase:{name}"), part)


def _write_reference(at: ox.NamedNode, item: str) -> Iterator[ox.Triple]:
    address = f"https://example.org/biography/{item}"
    reference = node(f"wdref:{digest(address)}")
    yield ox.Triple(at, node("prov:wasDerivedFrom"), reference)
    yield ox.Triple(reference, node("pr:P854"), ox.NamedNode(address))


def _write_article(own: ox.NamedNode, language: str, title: str) -> Iterator[ox.Triple]:
    site = f"https://{language}.wikipedia.org/"
    article = ox.NamedNode(f"{site}wiki/{quote(title.replace(' ', '_'), safe='/:,()')}")
    yield ox.Triple(article, node("rdf:type"), node("schema:Article"))
    yield ox.Triple(article, node("schema:about"), own)
    yield ox.Triple(article, node("schema:inLanguage"), ox.Literal(language))
    yield ox.Triple(article, node("schema:isPartOf"), ox.NamedNode(site))
    yield ox.Triple(article, node("schema:name"), ox.Literal(title, language=language))
    yield ox.Triple(ox.NamedNode(site), node("wikibase:wikiGroup"), ox.Literal("wikipedia"))


def _write_property(entity: Entity, own: ox.NamedNode) -> Iterator[ox.Triple]:
    yield ox.Triple(own, node("rdf:type"), node("wikibase:Property"))
    yield ox.Triple(own, node("wikibase:propertyType"), node(f"wikibase:{entity.datatype}"))
    names = {
        "directClaim": "wdt",
        "claim": "p",
        "statementProperty": "ps",
        "statementValue": "psv",
        "qualifier": "pq",
        "qualifierValue": "pqv",
        "reference": "pr",
        "referenceValue": "prv",
        "novalue": "wdno",
    }
    if entity.datatype == "ExternalId":
        names["directClaimNormalized"] = "wdtn"
    for name, prefix in names.items():
        yield ox.Triple(own, node(f"wikibase:{name}"), node(f"{prefix}:{entity.id}"))


def make() -> bytes:
    """Return ``service.ttl``."""
    about: dict[str, list[ox.Triple]] = defaultdict(list)
    for triple in write_triples(*read()):
        about[str(triple.subject)].append(triple)
    triples = [triple for own in about.values() for triple in own]
    written = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=PREFIXES)
    text = (written or b"").decode()
    # The serialiser declares the prefixes in no fixed order.
    body = [line for line in text.splitlines() if not line.startswith("@prefix")]
    head = [
        "# A test fixture in the shape of Wikidata's query service, not knowledge: see README.md.",
        "# Written by make_service.py from items.qs; change that file, not this one.",
        "",
        *(f"@prefix {prefix}: <{iri}> ." for prefix, iri in PREFIXES.items()),
        "",
    ]
    return "\n".join([*head, *body, ""]).encode()


if __name__ == "__main__":
    SERVICE.write_bytes(make())
