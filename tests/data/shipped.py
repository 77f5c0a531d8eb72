"""What do the files of the record and of the links say, node by node?"""

from __future__ import annotations

import calendar
from collections import defaultdict
from pathlib import Path

import pyoxigraph as ox

from peninsula.namespaces import shorten

REPOSITORY = Path(__file__).resolve().parents[2]
RECORD = REPOSITORY / "data" / "record"
LINKS = REPOSITORY / "data" / "links"
FACTS = REPOSITORY.parent / "shared" / "facts"

FILES = [*sorted(RECORD.glob("*.ttl")), *sorted(LINKS.glob("*.ttl"))]
NAMES = {
    "agreements", "exemptions", "groups", "incidents", "initiatives", "measures", "meetings",
    "offices", "organizations", "participations", "persons", "places", "resolutions",
    "sponsorships", "states", "tenures", "votes", "geonames", "provenance", "wikidata",
}  # fmt: skip
RELATIONS = ("skos:exactMatch", "skos:closeMatch", "skos:broadMatch")
PERMANENT = {f"state:{s}" for s in ["china", "france", "russia", "united-kingdom", "united-states"]}

Properties = dict[str, set[str]]


def write_term(term: object) -> str:
    """Write a term the way the tests compare it: curie, ``text@en`` or plain text."""
    if isinstance(term, ox.NamedNode):
        return shorten(term.value)
    assert isinstance(term, ox.Literal)
    return f"{term.value}@{term.language}" if term.language else term.value


def read(files: list[Path]) -> dict[str, Properties]:
    nodes: dict[str, Properties] = defaultdict(lambda: defaultdict(set))
    for file in files:
        for quad in ox.parse(file.read_bytes(), format=ox.RdfFormat.TURTLE):
            nodes[write_term(quad.subject)][shorten(quad.predicate.value)].add(
                write_term(quad.object)
            )
    return dict(nodes)


def of_class(nodes: dict[str, Properties], *names: str) -> dict[str, Properties]:
    return {s: p for s, p in nodes.items() if p["rdf:type"] & {f"pen:{n}" for n in names}}


def first_day(text: str) -> str:
    return text + "0000-01-01"[len(text) :]


def last_day(text: str) -> str:
    match len(text):
        case 4:
            return f"{text}-12-31"
        case 7:
            return f"{text}-{calendar.monthrange(int(text[:4]), int(text[5:]))[1]:02d}"
    return text
