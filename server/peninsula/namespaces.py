"""Which prefixes and IRIs does Peninsula use?

One table serves the formatter, the query editor, the serialisers and the tests,
so that a name is spelt the same everywhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

BASE: Final = "https://w3id.org/peninsula/"

#: Kinds of things under ``id/``: each is a prefix of its own, ``state:russia``.
THING_KINDS: Final = (
    "state", "group", "government", "organization", "person", "actor", "office", "tenure",
    "place", "geometry", "event", "planned-event", "hypothetical-event", "participation",
    "resolution", "agreement", "vote", "measure", "exemption", "initiative", "sponsorship",
    "document", "passage", "selector", "claim", "attribution", "conditional", "situation",
    "tension", "position", "reading", "notion", "relation", "link", "confirmation", "agent",
)  # fmt: skip

#: Vocabularies of concepts: scheme name (file and scheme IRI) to prefix of its concepts.
CONCEPT_SCHEMES: Final[dict[str, str]] = {
    "topics": "topic",
    "stances": "stance",
    "modalities": "modality",
    "claim-kinds": "claim-kind",
    "event-statuses": "event-status",
    "participation-roles": "participation-role",
    "attendances": "attendance",
    "vote-choices": "vote-choice",
    "measure-kinds": "measure-kind",
    "resolution-kinds": "resolution-kind",
    "office-kinds": "office-kind",
    "organization-kinds": "organization-kind",
    "sponsorship-roles": "sponsorship-role",
    "voices": "voice",
    "attribution-bases": "attribution-basis",
    "strengths": "strength",
    "tension-kinds": "tension-kind",
    "verifications": "verification",
}

#: Vocabularies of others that our terms reuse or are aligned to.
EXTERNAL: Final[dict[str, str]] = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "sh": "http://www.w3.org/ns/shacl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "oa": "http://www.w3.org/ns/oa#",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "sf": "http://www.opengis.net/ont/sf#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "void": "http://rdfs.org/ns/void#",
    "cito": "http://purl.org/spar/cito/",
    "fabio": "http://purl.org/spar/fabio/",
    "bibo": "http://purl.org/ontology/bibo/",
    "schema": "https://schema.org/",
    "org": "http://www.w3.org/ns/org#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "edtf": "http://id.loc.gov/datatypes/edtf/",
    "wd": "http://www.wikidata.org/entity/",
    "wds": "http://www.wikidata.org/entity/statement/",
    "wdv": "http://www.wikidata.org/value/",
    "wdref": "http://www.wikidata.org/reference/",
    "wdt": "http://www.wikidata.org/prop/direct/",
    "wdtn": "http://www.wikidata.org/prop/direct-normalized/",
    "wdno": "http://www.wikidata.org/prop/novalue/",
    "p": "http://www.wikidata.org/prop/",
    "ps": "http://www.wikidata.org/prop/statement/",
    "psv": "http://www.wikidata.org/prop/statement/value/",
    "psn": "http://www.wikidata.org/prop/statement/value-normalized/",
    "pq": "http://www.wikidata.org/prop/qualifier/",
    "pqv": "http://www.wikidata.org/prop/qualifier/value/",
    "pqn": "http://www.wikidata.org/prop/qualifier/value-normalized/",
    "pr": "http://www.wikidata.org/prop/reference/",
    "prv": "http://www.wikidata.org/prop/reference/value/",
    "prn": "http://www.wikidata.org/prop/reference/value-normalized/",
    "wikibase": "http://wikiba.se/ontology#",
    "bd": "http://www.bigdata.com/rdf#",
    "hint": "http://www.bigdata.com/queryHints#",
    "gas": "http://www.bigdata.com/rdf/gas#",
    "mwapi": "https://www.mediawiki.org/ontology#API/",
    "vann": "http://purl.org/vocab/vann/",
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "time": "http://www.w3.org/2006/time#",
    "spex": "https://purl.expasy.org/sparql-examples/ontology#",
}

#: Every prefix, in the order in which documents list them.
PREFIXES: Final[dict[str, str]] = {
    "pen": f"{BASE}ns#",
    "pensh": f"{BASE}shapes#",
    "ontology": f"{BASE}ontology/",
    "vocabulary": f"{BASE}vocabulary/",
    "graph": f"{BASE}graph/",
    "search": f"{BASE}search#",
    **{kind: f"{BASE}id/{kind}/" for kind in THING_KINDS},
    **{prefix: f"{BASE}{prefix}/" for prefix in CONCEPT_SCHEMES.values()},
    **EXTERNAL,
}


def expand(name: str) -> str:
    """Return the IRI of a prefixed name such as ``pen:Claim``.

    Raises KeyError where the prefix is not in :data:`PREFIXES`.
    """
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local


@lru_cache(1 << 14)
def shorten(iri: str) -> str:
    """Return the prefixed name of an IRI, or the IRI itself where no prefix fits.

    The longest namespace wins; a local part with ``/``, ``#`` or ``?`` stays an IRI.
    """
    best = max(
        (item for item in PREFIXES.items() if iri.startswith(item[1])),
        key=lambda item: len(item[1]),
        default=None,
    )
    if best is None:
        return iri
    local = iri[len(best[1]) :]
    return iri if not local or set(local) & set("/#?") else f"{best[0]}:{local}"
