"""What happened, or was to happen: when, where, who came, who stayed away, and who says so?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset
from peninsula.namespaces import shorten
from peninsula.profiles.briefs import (
    MOST_CLAIMS,
    ClaimBrief,
    Mark,
    Provenance,
    Time,
    concerning,
    describe_claims,
    describe_mark,
    describe_provenance,
    describe_time,
)
from peninsula.profiles.statements import Statements, gather
from peninsula.tables import Cell
from peninsula.terms import slug_of

#: The order in which the groups of participants stand.
_ATTENDANCES: Final = ("attended", "absent", "planned")
#: Meetings of a series that are listed.
MOST: Final = 100
_PATTERNS: Final = (
    "VALUES ?thing { $this } VALUES ?class { pen:Event pen:PossibleEvent } ?thing a ?class",
    "$this pen:hasStatus|pen:hasVerification ?thing",
    "?thing pen:inEvent $this",
    "?part pen:inEvent $this . ?part pen:hasAttendance|pen:hasVerification ?thing",
    # Who held which office on the first day.
    (
        "$this pen:from ?day . ?part pen:inEvent $this ; pen:hasParticipant ?who ."
        " ?thing pen:isTenureOf ?who ; pen:from ?from . OPTIONAL { ?thing pen:until ?until }"
        " FILTER(?from <= ?day && COALESCE(?day <= ?until, true))"
    ),
    (
        "{ SELECT ?thing WHERE { $this pen:isSessionOf ?series . ?thing pen:isSessionOf ?series }"
        f" LIMIT {MOST * 10} }}"
    ),
    "?thing pen:hasOccasion|pen:isTriggeredBy|pen:isAdoptedAt $this",
    "$this pen:isVetoOf|pen:hasOccasion ?thing",
    "?thing pen:onObject $this . ?thing a pen:PolicyPosition",
    *concerning(
        "{ ?claim pen:isAbout|pen:reportsEvent $this }"
        " UNION { ?part pen:inEvent $this ; prov:wasDerivedFrom ?claim . ?claim a pen:Claim }"
        " UNION { $this prov:wasDerivedFrom ?claim . ?claim a pen:Claim }"
    ),
)


@dataclass(frozen=True)
class Participant:
    """The part of one actor in an event."""

    participation: Cell
    actor: Cell
    role: Cell
    represents: tuple[Cell, ...]
    #: Offices held that day, each with the tenure.
    offices: tuple[tuple[Cell, str], ...]
    claims: tuple[Cell, ...]
    provenance: Provenance


@dataclass(frozen=True)
class Attendance:
    """Those who attended, were absent or were to come."""

    mark: Mark
    participants: tuple[Participant, ...]


@dataclass(frozen=True)
class Related:
    """Another thing, and when."""

    cell: Cell
    time: Time | None
    is_here: bool = False


@dataclass(frozen=True)
class EventProfile:
    """Everything that the page of an event says."""

    name: str
    is_possible: bool
    status: Mark | None
    time: Time | None
    places: tuple[Cell, ...]
    place_words: tuple[Cell, ...]
    outcome: Cell | None
    description: Cell | None
    conducted_by: tuple[Cell, ...]
    series: tuple[Cell, ...]
    sessions: tuple[Related, ...]
    attendances: tuple[Attendance, ...]
    #: What was planned or imagined on the occasion, and the occasion of what was planned.
    plans: tuple[Cell, ...]
    occasions: tuple[Cell, ...]
    #: Texts that it brought about, or that were adopted at it, or vetoed.
    answered_by: tuple[Related, ...]
    adopted: tuple[Related, ...]
    vetoed: tuple[Cell, ...]
    claims: tuple[ClaimBrief, ...]
    positions: tuple[Cell, ...]
    is_cut: bool
    provenance: Provenance

    @property
    def has_absences(self) -> bool:
        return any(group.mark.slug == "absent" for group in self.attendances)


def read_event(dataset: Dataset, iri: ox.NamedNode, language: str) -> EventProfile | None:
    """Return the profile of an event, held or possible; None where ``iri`` is none."""
    said = gather(dataset, iri, _PATTERNS, language)
    event = iri.value
    if not said.is_a(event, "pen:Event", "pen:PossibleEvent"):
        return None
    claims = [thing for thing in said.values if said.is_a(thing, "pen:Claim")]
    sessions = {
        t for s in said.things(event, "pen:isSessionOf") for t in said.where("pen:isSessionOf", s)
    }
    return EventProfile(
        name=shorten(event),
        is_possible=said.is_a(event, "pen:PossibleEvent"),
        status=describe_mark(said, event, "pen:hasStatus"),
        time=describe_time(said, event),
        places=said.cells(event, "pen:takesPlaceAt"),
        place_words=tuple(said.texts(event, "pen:placeDescription")),
        outcome=said.text(event, "pen:outcome"),
        description=said.text(event, "dcterms:description"),
        conducted_by=said.cells(event, "pen:isConductedBy"),
        series=said.cells(event, "pen:isSessionOf"),
        sessions=_in_time(said, sessions, event)[:MOST] if len(sessions) > 1 else (),
        attendances=_attendances(said, event),
        plans=tuple(said.cell(thing) for thing in said.where("pen:hasOccasion", event)),
        occasions=said.cells(event, "pen:hasOccasion"),
        answered_by=_in_time(said, said.where("pen:isTriggeredBy", event), event),
        adopted=_in_time(said, said.where("pen:isAdoptedAt", event), event),
        vetoed=said.cells(event, "pen:isVetoOf"),
        claims=describe_claims(said, claims)[:MOST_CLAIMS],
        positions=tuple(said.cell(thing) for thing in said.where("pen:onObject", event)),
        is_cut=len(claims) > MOST_CLAIMS,
        provenance=describe_provenance(said, event),
    )


def _attendances(said: Statements, event: str) -> tuple[Attendance, ...]:
    groups: dict[str, list[Participant]] = {}
    marks: dict[str, Mark] = {}
    for part in said.where("pen:inEvent", event):
        mark = describe_mark(said, part, "pen:hasAttendance") or Mark(Cell(""))
        marks[mark.slug] = mark
        for actor in said.things(part, "pen:hasParticipant"):
            groups.setdefault(mark.slug, []).append(_participant(said, part, actor))
    known = [slug for slug in _ATTENDANCES if slug in groups]
    order = [*known, *sorted(groups.keys() - set(known))]
    return tuple(
        Attendance(marks[slug], tuple(sorted(groups[slug], key=_by_state))) for slug in order
    )


def _by_state(participant: Participant) -> tuple[list[str], str]:
    return ([cell.text for cell in participant.represents], participant.actor.text)


def _participant(said: Statements, part: str, actor: str) -> Participant:
    tenures = said.where("pen:isTenureOf", actor)
    offices = (
        (said.cell(office), tenure)
        for tenure in tenures
        for office in said.things(tenure, "pen:isTenureIn")
    )
    claims = [c for c in said.things(part, "prov:wasDerivedFrom") if said.is_a(c, "pen:Claim")]
    return Participant(
        participation=said.cell(part),
        actor=said.cell(actor),
        role=said.cell(said.thing(part, "pen:hasRole")),
        represents=said.cells(part, "pen:represents"),
        offices=tuple(sorted(offices, key=lambda office: office[0].text)),
        claims=tuple(Cell(slug_of(claim), claim) for claim in claims),
        provenance=describe_provenance(said, part),
    )


def _in_time(said: Statements, things: Iterable[str], here: str) -> tuple[Related, ...]:
    def day(thing: str) -> tuple[str, str]:
        return (said.string(thing, "pen:from", "pen:adoptionDate", "pen:votedOn"), thing)

    return tuple(
        Related(said.cell(thing), _when(said, thing), is_here=thing == here)
        for thing in sorted(things, key=day)
    )


def _when(said: Statements, thing: str) -> Time | None:
    day = said.string(thing, "pen:adoptionDate", "pen:votedOn")
    return Time(day, day, day) if day else describe_time(said, thing)
