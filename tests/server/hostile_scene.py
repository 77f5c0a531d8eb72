"""What would somebody store who means harm, or has no idea?

``hostile(size)`` gives things of every kind that pages speak of, with texts that would like to
run, dates and numbers out of any calendar, links of other schemes, and rings wherever there can
be one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyoxigraph as ox

from peninsula.namespaces import expand

#: What would like to run, to break out, or to confuse.
TEXTS: Final = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]><!--",
    "{{ 7 * 7 }} %s %(x)s {0}",
    "\u202egnp.exe\u202c\u2066\u0007\ufffe",
    'a,b;"c"\r\nline\ttab',
    "L" * 20_000,
    "",
    " ",
    "０１２٣",
)
DATES: Final = (
    "9999-12-31", "-5000-01-01", "0001-01-01", "0000-00-00", "99999-01-01", "2017-02-30", "x",
    "1" * 5000,
)  # fmt: skip
NUMBERS: Final = ("-1", "1e400", "9" * 400, "9" * 5000, "x", "1.5")
POINTS: Final = (
    "POINT(999 999)", "POINT(1e400 2)", "POINT(... 3)", "POINT(-.-. 1)", "POINT(nan nan)",
    "POLYGON((1 2))", f"POINT({'9' * 400} 1)", "POINT(127.1 37.5)",
)  # fmt: skip
LINKS: Final = (
    "javascript:alert(1)", "data:text/html,%3Cscript%3Ealert(1)", "x:'onclick='alert(1)",
)  # fmt: skip
STANCES: Final = ("supports", "opposes", "ambivalent", "conditional", "nowhere")
CLASSES: Final = {
    "state": "State", "person": "Person", "position": "PolicyPosition", "claim": "Claim",
    "tension": "Tension", "event": "Summit", "place": "Place", "resolution": "Resolution",
    "vote": "Vote", "tenure": "Tenure", "agreement": "Agreement",
}  # fmt: skip
KINDS: Final = (
    *CLASSES, "topic", "passage", "attribution", "measure", "participation", "document",
    "selector", "geometry", "office", "reading",
)  # fmt: skip
#: Of which kind, by which property, to what: a kind is the thing of the same number, “+kind” that
#: of the next (the last leads to the first), a name is itself, “!” one of the links.
_RELATIONS: Final = """
topic skos:broader +topic topic
topic skos:inScheme vocabulary:topics
position pen:hasHolder state state:h0
position pen:hasStance !
position pen:onObject state:h1 !
position pen:hasTopic topic topic:h0
position pen:hasModality !
position pen:evidencedBy claim +claim
position pen:succeeds +position position
position pen:restsOnReading reading
reading pen:readsClaim claim
claim pen:hasHolder state
claim pen:hasObject state +state
claim pen:hasKind claim-kind:position
claim pen:hasTopic topic
claim pen:isAbout event resolution
claim pen:inTensionWith +claim claim
claim pen:contradicts +claim
claim pen:isStatedIn document:h0
claim pen:hasPassage passage
claim pen:hasAttribution attribution
attribution pen:isAttributedTo state
passage oa:hasSource document:h0
passage oa:hasSelector selector
tension:h0 pen:hasTensionMember claim
event pen:takesPlaceAt place
place geo:hasGeometry geometry
place pen:isLocatedIn +place place
participation pen:inEvent event:h0
participation pen:hasParticipant person
participation pen:represents state
participation pen:hasAttendance attendance:attended
vote pen:isVoteOn resolution:h0
vote pen:isCastBy state
vote pen:hasChoice vote-choice:for !
measure pen:isImposedBy resolution:h0
tenure pen:isTenureOf person
tenure pen:isTenureIn office
office pen:isOfficeOf state
office pen:officeKind office-kind:paramount
pen rdfs:subClassOf +pen
pen rdf:type owl:Class
"""
_NUMBERED: Final = {
    "claim": ("pen:footnoteNumber",), "attribution": ("pen:level",),
    "passage": ("pen:paragraph", "pen:sentence"), "selector": ("oa:start", "oa:end"),
    "document": ("pen:characterCount",),
}  # fmt: skip
_GRAPH: Final = ox.NamedNode("x:hostile")


def hostile(size: int) -> Iterator[ox.Quad]:
    """Yield the statements about ``size`` things of each kind."""
    for i in range(size):
        for subject, property, value in (*_relations(i, size), *_values(i)):
            yield ox.Quad(subject, _node(property), value, _GRAPH)


_Said = tuple[ox.NamedNode, str, ox.NamedNode | ox.Literal]


def _relations(i: int, size: int) -> Iterator[_Said]:
    for line in _RELATIONS.strip().splitlines():
        kind, property, *objects = line.split()
        for name in objects:
            target = ox.NamedNode(LINKS[i % 3]) if name == "!" else _named(name, i, size)
            yield _named(kind, i, size), property, target
    for kind in ("position", "claim"):
        yield _named(kind, i, size), "pen:hasStance", _node(f"stance:{STANCES[i % len(STANCES)]}")


def _values(i: int) -> Iterator[_Said]:
    text = ox.Literal(TEXTS[i % len(TEXTS)], language="en" if i < len(TEXTS) else "ko")
    for kind in KINDS:
        thing = _node(f"{kind}:h{i}")
        for property in (
            "rdfs:label", "dcterms:description", "skos:note", "skos:altLabel", "pen:edtf",
            "pen:paraphrase" if kind == "claim" else "skos:prefLabel", "pen:placeDescription",
            "dcterms:source", "pen:level",
        ):  # fmt: skip
            yield thing, property, text
        for property in ("rdfs:seeAlso", "dcterms:source", "pen:hasVerification"):
            for link in LINKS:
                yield thing, property, ox.NamedNode(link)
        for j, property in enumerate(("pen:from", "pen:until", "pen:adoptionDate")):
            yield thing, property, _typed(DATES, i + j, "xsd:date")
        for j, property in enumerate(_NUMBERED.get(kind, ())):
            yield thing, property, _typed(NUMBERS, i + j, "xsd:integer")
        if kind in CLASSES:
            yield thing, "rdf:type", _node(f"pen:{CLASSES[kind]}")
            yield thing, "rdf:type", ox.NamedNode(LINKS[0])
    yield _node(f"geometry:h{i}"), "geo:asWKT", _typed(POINTS, i, "geo:wktLiteral")
    yield _node(f"pen:h{i}"), "rdfs:label", text


def _typed(texts: tuple[str, ...], i: int, datatype: str) -> ox.Literal:
    return ox.Literal(texts[i % len(texts)], datatype=_node(datatype))


def _named(name: str, i: int, size: int) -> ox.NamedNode:
    if ":" in name:
        return _node(name)
    number = (i + 1) % size if name.startswith("+") else i
    return _node(f"{name.removeprefix('+')}:h{number}")


def _node(name: str) -> ox.NamedNode:
    return ox.NamedNode(expand(name))
