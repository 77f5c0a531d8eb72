"""Which sections may the page of a thing have, in which order, and what does a row of each say?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Rows of a section in the midst of others, where nothing else is said.
_IN_SHORT: Final = 12


@dataclass(frozen=True)
class Column:
    """What a row says: the values of a property of its node, or of what that leads to."""

    #: A key for the heading; the page has the words.
    key: str
    property: str
    #: Leads from the node to what has the property: ``pen:inEvent``.
    via: str = ""


@dataclass(frozen=True)
class Spec:
    """A kind of section."""

    key: str
    #: Points from the node of a row to the thing.
    property: str
    columns: tuple[Column, ...]
    #: The class that a node must have, where others are pointed from by the same property.
    only: str = ""
    #: Leads from the node to what has the time of the row.
    timed_by: str = ""
    #: How many rows are shown in the midst of others.
    short: int = _IN_SHORT
    #: The column whose values make the rows of a timeline.
    lanes: str = ""
    #: The column by which the rows are put into groups.
    groups: str = ""
    #: Leads from the node to what a row is about: the claim of an attribution.
    about: str = ""


#: What a row says of a claim.
CLAIM: Final = (
    Column("kind", "pen:hasKind"),
    Column("holder", "pen:hasHolder"),
    Column("stance", "pen:hasStance"),
    Column("topic", "pen:hasPrimaryTopic"),
)
_POSITION: Final = (
    Column("stance", "pen:hasStance"),
    Column("object", "pen:onObject"),
    Column("toward", "pen:isToward"),
    Column("topic", "pen:hasTopic"),
    Column("evidence", "pen:evidencedBy"),
)
_HELD: Final = (Column("holder", "pen:hasHolder"), *_POSITION)
_KIND_OF: Final = (Column("class", "rdf:type"),)

#: In the order in which a page has them.
SPECS: Final = (
    Spec(
        "attendance",
        "pen:inEvent",
        (
            Column("participant", "pen:hasParticipant"),
            Column("attendance", "pen:hasAttendance"),
            Column("role", "pen:hasRole"),
            Column("represents", "pen:represents"),
            Column("evidence", "prov:wasDerivedFrom"),
            Column("note", "skos:note"),
        ),
        short=60,
        groups="attendance",
    ),
    Spec(
        "planned",
        "pen:hasOccasion",
        (
            Column("thing", ""),
            Column("status", "pen:hasStatus"),
            Column("evidence", "prov:wasDerivedFrom"),
        ),
    ),
    Spec(
        "tenures",
        "pen:isTenureOf",
        (Column("office", "pen:isTenureIn"), Column("state", "pen:isOfficeOf", "pen:isTenureIn")),
        short=40,
        lanes="office",
    ),
    Spec(
        "holders",
        "pen:isTenureIn",
        (Column("person", "pen:isTenureOf"), Column("state", "pen:isCitizenOf", "pen:isTenureOf")),
        short=40,
        lanes="person",
    ),
    Spec(
        "roll",
        "pen:isVoteOn",
        (Column("state", "pen:isCastBy"), Column("choice", "pen:hasChoice")),
        short=60,
    ),
    Spec(
        "measures",
        "pen:isImposedBy",
        (
            Column("thing", ""),
            Column("kind", "pen:measureKind"),
            Column("against", "pen:isDirectedAt"),
            Column("description", "dcterms:description"),
        ),
        short=40,
    ),
    Spec(
        "exemptions",
        "pen:isGrantedBy",
        (
            Column("thing", ""),
            Column("from-measure", "pen:isExemptionFrom"),
            Column("benefits", "pen:benefits"),
            Column("description", "dcterms:description"),
        ),
        short=40,
    ),
    Spec(
        "exempted",
        "pen:isExemptionFrom",
        (
            Column("thing", ""),
            Column("benefits", "pen:benefits"),
            Column("granted-by", "pen:isGrantedBy"),
        ),
    ),
    Spec(
        "positions", "pen:hasHolder", _POSITION, only="pen:PolicyPosition", short=60, lanes="topic"
    ),
    Spec(
        "positions-on-topic",
        "pen:hasTopic",
        _HELD,
        only="pen:PolicyPosition",
        short=30,
        lanes="holder",
    ),
    Spec(
        "positions-on", "pen:onObject", _HELD, only="pen:PolicyPosition", short=30, lanes="holder"
    ),
    Spec("positions-toward", "pen:isToward", _HELD, only="pen:PolicyPosition", lanes="holder"),
    Spec("positions-evidenced", "pen:evidencedBy", _HELD, only="pen:PolicyPosition"),
    Spec("positions-of-stance", "pen:hasStance", _HELD, only="pen:PolicyPosition"),
    Spec(
        "events",
        "pen:hasParticipant",
        (
            Column("event", "pen:inEvent"),
            Column("attendance", "pen:hasAttendance"),
            Column("role", "pen:hasRole"),
            Column("represents", "pen:represents"),
            Column("place", "pen:takesPlaceAt", "pen:inEvent"),
            Column("evidence", "prov:wasDerivedFrom"),
        ),
        timed_by="pen:inEvent",
        short=30,
    ),
    Spec(
        "represented",
        "pen:represents",
        (
            Column("event", "pen:inEvent"),
            Column("participant", "pen:hasParticipant"),
            Column("attendance", "pen:hasAttendance"),
            Column("role", "pen:hasRole"),
        ),
        timed_by="pen:inEvent",
    ),
    Spec(
        "votes",
        "pen:isCastBy",
        (Column("resolution", "pen:isVoteOn"), Column("choice", "pen:hasChoice")),
        timed_by="pen:isVoteOn",
        short=20,
    ),
    Spec("claims-about", "pen:isAbout", CLAIM, only="pen:Claim"),
    Spec("claims-held", "pen:hasHolder", CLAIM, only="pen:Claim"),
    Spec(
        "claims-told",
        "pen:isAttributedTo",
        (
            Column("level", "pen:level"),
            Column("basis", "pen:attributionBasis"),
            Column("holder", "pen:hasHolder", "^pen:hasAttribution"),
            Column("stance", "pen:hasStance", "^pen:hasAttribution"),
        ),
        about="^pen:hasAttribution",
        short=6,
    ),
    Spec("claims-topic", "pen:hasTopic", CLAIM, only="pen:Claim"),
    Spec("claims-stated", "pen:isStatedIn", CLAIM),
    Spec("claims-reporting", "pen:reportsEvent", CLAIM),
    Spec(
        "agreements", "pen:hasParty", (Column("thing", ""), Column("adopted-at", "pen:isAdoptedAt"))
    ),
    Spec("adopted", "pen:isAdoptedAt", (Column("thing", ""), Column("party", "pen:hasParty"))),
    Spec(
        "against",
        "pen:isDirectedAt",
        (
            Column("thing", ""),
            Column("kind", "pen:measureKind"),
            Column("imposed-by", "pen:isImposedBy"),
        ),
    ),
    Spec(
        "benefits",
        "pen:benefits",
        (
            Column("thing", ""),
            Column("from-measure", "pen:isExemptionFrom"),
            Column("granted-by", "pen:isGrantedBy"),
        ),
    ),
    Spec("triggered", "pen:isTriggeredBy", (Column("thing", ""), *_KIND_OF)),
    Spec("conducted", "pen:isConductedBy", (Column("thing", ""), *_KIND_OF)),
    Spec(
        "sponsored",
        "pen:hasSponsor",
        (Column("initiative", "pen:isSponsorshipOf"), Column("role", "pen:hasSponsorRole")),
    ),
    Spec(
        "sponsors",
        "pen:isSponsorshipOf",
        (Column("sponsor", "pen:hasSponsor"), Column("role", "pen:hasSponsorRole")),
    ),
    Spec(
        "sessions",
        "pen:isSessionOf",
        (Column("thing", ""), *_KIND_OF, Column("place", "pen:takesPlaceAt")),
        short=30,
    ),
    Spec("here", "pen:takesPlaceAt", (Column("thing", ""), *_KIND_OF), short=30),
    Spec(
        "people",
        "pen:isCitizenOf",
        (Column("thing", ""), Column("office", "pen:isTenureIn", "^pen:isTenureOf")),
        short=20,
    ),
    Spec(
        "offices",
        "pen:isOfficeOf",
        (Column("thing", ""), Column("kind", "pen:officeKind")),
        short=20,
    ),
    Spec("organs", "pen:isOrganOf", (Column("thing", ""), Column("kind", "pen:organizationKind"))),
    Spec("groups", "pen:isGroupWithin", (Column("thing", ""), Column("note", "skos:note"))),
    Spec("relations", "pen:relates", (Column("thing", ""), Column("related", "pen:relates"))),
    Spec("places", "pen:isLocatedIn", (Column("thing", ""), *_KIND_OF)),
    Spec(
        "narrower",
        "skos:broader",
        (Column("thing", ""), Column("definition", "skos:definition")),
        short=30,
    ),
    Spec("parts", "dcterms:isPartOf", (Column("thing", ""), *_KIND_OF)),
)
_BY_KEY: Final = {spec.key: spec for spec in SPECS}
#: Sections of claims and positions can be narrowed by these.
NARROWED_BY: Final = {
    "stance": "pen:hasStance", "holder": "pen:hasHolder", "topic": "pen:hasTopic",
    "kind": "pen:hasKind",
}  # fmt: skip


def find_spec(key: str) -> Spec | None:
    """Return the kind of section that goes by ``key``."""
    return _BY_KEY.get(key)
