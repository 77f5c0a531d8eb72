"""How was a text of the Security Council voted, who led the voters, and what does it order?"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset
from peninsula.namespaces import shorten
from peninsula.profiles.briefs import (
    ClaimBrief,
    Mark,
    PositionBrief,
    Provenance,
    concerning,
    describe_claims,
    describe_mark,
    describe_position,
    describe_provenance,
    mark_of,
)
from peninsula.profiles.statements import Statements, gather
from peninsula.tables import Cell
from peninsula.terms import slug_of

#: Kinds of offices whose holders lead a state, the highest first.
_LEADING: Final = ("paramount", "head-of-state", "head-of-government")
_CHOICES: Final = ("for", "against", "abstain", "absent")
#: Kinds of texts for which a stance on sanctions matters.
_ON_SANCTIONS: Final = frozenset({"sanctions", "panel-renewal"})
#: Texts that are listed as a series.
MOST_TEXTS: Final = 300
MOST_MEASURES: Final = 200
_KINDS: Final = " ".join(f"office-kind:{kind}" for kind in _LEADING)
#: The offices at the head of states, with their holders on the day.
_LED: Final = (
    f"VALUES ?kind {{ {_KINDS} }} $this pen:adoptionDate|pen:votedOn ?day ."
    " ?office pen:officeKind ?kind ."
    " ?tenure pen:isTenureIn ?office ; pen:from ?from . OPTIONAL { ?tenure pen:until ?until }"
    " FILTER(?from <= ?day && COALESCE(?day <= ?until, true))"
)
_MEASURES: Final = (
    f"{{ SELECT ?measure WHERE {{ ?measure pen:isImposedBy $this }} LIMIT {MOST_MEASURES} }}"
)
#: The text, its measures and its exemptions.
_ABOUT: Final = (
    "{ { VALUES ?about { $this } } UNION { ?about pen:isImposedBy|pen:isGrantedBy $this } }"
)
_TEXTS: Final = "VALUES ?class { pen:Resolution pen:DraftResolution } ?thing a ?class"
_PATTERNS: Final = (
    f"VALUES ?thing {{ $this }} {_TEXTS}",
    f"{{ SELECT ?thing WHERE {{ {_TEXTS} }} LIMIT {MOST_TEXTS} }}",
    "$this pen:resolutionKind|pen:isTriggeredBy|pen:hasVerification ?thing",
    "?thing pen:isVoteOn|pen:isVetoOf|pen:isSponsorshipOf $this",
    "?vote pen:isVoteOn $this ; pen:hasChoice|pen:hasVerification ?thing",
    "?vote pen:isVoteOn $this ; pen:isCastBy ?thing . ?thing pen:isPermanentMember true",
    f"{_LED} BIND(?tenure AS ?thing)",
    f"{_LED} BIND(?office AS ?thing)",
    f"{_MEASURES} BIND(?measure AS ?thing)",
    f"{_MEASURES} ?measure pen:measureKind ?thing",
    "?thing pen:isGrantedBy $this",
    f"{_MEASURES} ?thing pen:isExemptionFrom ?measure",
    f"{_ABOUT} ?thing pen:onObject ?about ; a pen:PolicyPosition",
    (
        "$this pen:resolutionKind ?kind"
        " VALUES ?kind { resolution-kind:sanctions resolution-kind:panel-renewal }"
        " ?topic skos:broader* topic:sanctions ."
        " ?thing pen:hasTopic ?topic ; a pen:PolicyPosition ; pen:hasHolder ?holder ."
        " ?holder a pen:State"
    ),
    *concerning(f"{_ABOUT} ?claim pen:isAbout ?about ; a pen:Claim"),
)


@dataclass(frozen=True)
class Leader:
    """Somebody at the head of a state on the day of the vote."""

    person: Cell
    #: Offices held that day, each with the tenure, the highest first.
    offices: tuple[tuple[Cell, Cell], ...]
    rank: int


@dataclass(frozen=True)
class Ballot:
    """The vote of one state."""

    state: Cell
    vote: Cell
    choice: str
    is_permanent: bool
    is_veto: bool
    leaders: tuple[Leader, ...]
    provenance: Provenance


@dataclass(frozen=True)
class Choice:
    """All who voted alike."""

    mark: Mark
    ballots: tuple[Ballot, ...]


@dataclass(frozen=True)
class Exemption:
    """What is left outside a measure."""

    exemption: Cell
    description: Cell | None
    measures: tuple[Cell, ...]
    granted_by: tuple[Cell, ...]
    gainers: tuple[Cell, ...]
    gainers_in_words: Cell | None
    concerns: tuple[Cell, ...]
    paragraph: str
    provenance: Provenance
    #: Whether this text grants it; else another text does, from a measure of this one.
    is_own: bool


@dataclass(frozen=True)
class Measure:
    """What a text orders, calls for or recommends."""

    measure: Cell
    description: Cell | None
    kind: Mark | None
    directed_at: tuple[Cell, ...]
    exemptions: tuple[Cell, ...]
    provenance: Provenance


@dataclass(frozen=True)
class Cause:
    """A happening that brought a text about."""

    event: Cell
    day: str
    days_before: int | None


@dataclass(frozen=True)
class Text:
    """A text in the series."""

    cell: Cell
    symbol: str
    day: str
    is_draft: bool
    is_here: bool


@dataclass(frozen=True)
class Sponsor:
    """Who put a text forward."""

    actor: Cell
    role: Cell
    sponsorship: Cell


@dataclass(frozen=True)
class Stance:
    """What a state is said to think of sanctions, and whether on the day of the vote."""

    state: Cell
    position: PositionBrief
    is_held_that_day: bool


@dataclass(frozen=True)
class ResolutionProfile:
    """Everything that the page of a resolution, or of a draft, says."""

    name: str
    symbol: str
    number: int | None
    day: str
    is_draft: bool
    kind: Mark | None
    is_under_chapter_vii: bool | None
    trigger: Cell | None
    description: Cell | None
    remarks: tuple[Cell, ...]
    votes_for: int | None
    votes_against: int | None
    votes_abstaining: int | None
    choices: tuple[Choice, ...]
    #: States whose leaders are recorded and that had no seat, or whose vote is not recorded.
    others: tuple[tuple[Cell, tuple[Leader, ...]], ...]
    vetoes: tuple[tuple[Cell, tuple[Cell, ...]], ...]
    sponsors: tuple[Sponsor, ...]
    measures: tuple[Measure, ...]
    exemptions: tuple[Exemption, ...]
    causes: tuple[Cause, ...]
    positions: tuple[PositionBrief, ...]
    claims: tuple[ClaimBrief, ...]
    stances: tuple[Stance, ...]
    series: tuple[Text, ...]
    before: Text | None
    after: Text | None
    provenance: Provenance

    @property
    def is_unanimous(self) -> bool:
        return bool(self.votes_for) and self.votes_against == 0 and self.votes_abstaining == 0

    @property
    def recorded_votes(self) -> int:
        return sum(len(choice.ballots) for choice in self.choices)

    @property
    def has_derived_votes(self) -> bool:
        return any(b.provenance.is_inferred for choice in self.choices for b in choice.ballots)

    @property
    def own_exemptions(self) -> tuple[Exemption, ...]:
        return tuple(e for e in self.exemptions if e.is_own)

    @property
    def other_exemptions(self) -> tuple[Exemption, ...]:
        return tuple(e for e in self.exemptions if not e.is_own)


def read_resolution(dataset: Dataset, iri: ox.NamedNode, language: str) -> ResolutionProfile | None:
    """Return the profile of a resolution or draft, None where ``iri`` is none."""
    said = gather(dataset, iri, _PATTERNS, language)
    text = iri.value
    if not said.is_a(text, "pen:Resolution", "pen:DraftResolution"):
        return None
    day = said.string(text, "pen:adoptionDate", "pen:votedOn")
    kind = describe_mark(said, text, "pen:resolutionKind")
    leaders = _leaders(said)
    vetoers = {
        state
        for veto in said.where("pen:isVetoOf", text)
        for state in said.things(veto, "pen:isConductedBy")
    }
    choices = _choices(said, text, leaders, vetoers)
    voters = {ballot.state.iri for choice in choices for ballot in choice.ballots}
    measures = said.where("pen:isImposedBy", text)[:MOST_MEASURES]
    about = {text, *measures, *(e for e in said.values if said.is_a(e, "pen:Exemption"))}
    positions = [t for t in said.values if said.is_a(t, "pen:PolicyPosition")]
    on_text = [t for t in positions if about & set(said.things(t, "pen:onObject"))]
    series = _series(said, text)
    dated = [entry for entry in series if entry.day]
    here = next((n for n, entry in enumerate(dated) if entry.is_here), None)
    return ResolutionProfile(
        name=shorten(text),
        symbol=said.string(text, "pen:symbol"),
        number=said.number(text, "pen:resolutionNumber"),
        day=day,
        is_draft=said.is_a(text, "pen:DraftResolution"),
        kind=kind,
        is_under_chapter_vii=said.truth(text, "pen:isUnderChapterVii"),
        trigger=said.text(text, "pen:triggerDescription"),
        description=said.text(text, "dcterms:description"),
        remarks=tuple(said.texts(text, "skos:scopeNote")),
        votes_for=said.number(text, "pen:votesFor"),
        votes_against=said.number(text, "pen:votesAgainst"),
        votes_abstaining=said.number(text, "pen:votesAbstaining"),
        choices=choices,
        others=tuple(
            (said.cell(state), held)
            for state, held in sorted(leaders.items(), key=lambda item: said.label(item[0]))
            if state not in voters
        ),
        vetoes=tuple(
            (said.cell(veto), said.cells(veto, "pen:isConductedBy"))
            for veto in said.where("pen:isVetoOf", text)
        ),
        sponsors=tuple(
            Sponsor(actor, said.cell(said.thing(node, "pen:hasSponsorRole")), said.cell(node))
            for node in said.where("pen:isSponsorshipOf", text)
            for actor in said.cells(node, "pen:hasSponsor")
        ),
        measures=tuple(_measure(said, measure) for measure in measures),
        exemptions=_exemptions(said, text),
        causes=tuple(_cause(said, event, day) for event in said.things(text, "pen:isTriggeredBy")),
        positions=tuple(describe_position(said, position) for position in sorted(on_text)),
        claims=describe_claims(said, (t for t in said.values if said.is_a(t, "pen:Claim"))),
        stances=_stances(said, {*voters, *leaders}, positions, day)
        if kind and kind.slug in _ON_SANCTIONS
        else (),
        series=series,
        before=dated[here - 1] if here else None,
        after=dated[here + 1] if here is not None and here + 1 < len(dated) else None,
        provenance=describe_provenance(said, text),
    )


def _leaders(said: Statements) -> dict[str, tuple[Leader, ...]]:
    """Return who was at the head of which state, the highest office first."""
    held: dict[str, dict[str, list[tuple[int, str, str]]]] = {}
    for tenure in (t for t in said.values if said.thing(t, "pen:isTenureIn")):
        for office in said.things(tenure, "pen:isTenureIn"):
            kind = slug_of(said.thing(office, "pen:officeKind"))
            for state in said.things(office, "pen:isOfficeOf"):
                for person in said.things(tenure, "pen:isTenureOf"):
                    posts = held.setdefault(state, {}).setdefault(person, [])
                    posts.append((_LEADING.index(kind), office, tenure))
    return {
        state: tuple(
            sorted(
                (
                    Leader(
                        said.cell(person),
                        tuple((said.cell(office), said.cell(t)) for _, office, t in sorted(posts)),
                        min(rank for rank, _, _ in posts),
                    )
                    for person, posts in people.items()
                ),
                key=lambda leader: (leader.rank, -len(leader.offices), leader.person.text),
            )
        )
        for state, people in held.items()
    }


def _choices(
    said: Statements, text: str, leaders: dict[str, tuple[Leader, ...]], vetoers: set[str]
) -> tuple[Choice, ...]:
    groups: dict[str, list[Ballot]] = {}
    for vote in said.where("pen:isVoteOn", text):
        choice = said.thing(vote, "pen:hasChoice")
        for state in said.things(vote, "pen:isCastBy"):
            groups.setdefault(choice, []).append(
                Ballot(
                    state=said.cell(state),
                    vote=said.cell(vote),
                    choice=slug_of(choice),
                    is_permanent=said.truth(state, "pen:isPermanentMember") is True,
                    is_veto=state in vetoers and slug_of(choice) == "against",
                    leaders=leaders.get(state, ()),
                    provenance=describe_provenance(said, vote),
                )
            )

    def order(choice: str) -> tuple[int, str]:
        slug = slug_of(choice)
        return (_CHOICES.index(slug) if slug in _CHOICES else len(_CHOICES), slug)

    return tuple(
        Choice(
            mark_of(said, choice) if choice else Mark(Cell("")),
            tuple(
                sorted(groups[choice], key=lambda b: (not b.is_permanent, b.state.text.casefold()))
            ),
        )
        for choice in sorted(groups, key=order)
    )


def _measure(said: Statements, measure: str) -> Measure:
    return Measure(
        measure=said.cell(measure),
        description=said.text(measure, "dcterms:description"),
        kind=describe_mark(said, measure, "pen:measureKind"),
        directed_at=said.cells(measure, "pen:isDirectedAt"),
        exemptions=tuple(said.cell(e) for e in said.where("pen:isExemptionFrom", measure)),
        provenance=describe_provenance(said, measure),
    )


def _exemptions(said: Statements, text: str) -> tuple[Exemption, ...]:
    found = [
        Exemption(
            exemption=said.cell(node),
            description=said.text(node, "dcterms:description"),
            measures=said.cells(node, "pen:isExemptionFrom"),
            granted_by=said.cells(node, "pen:isGrantedBy"),
            gainers=said.cells(node, "pen:benefits"),
            gainers_in_words=said.text(node, "pen:beneficiaryDescription"),
            concerns=said.cells(node, "pen:concerns"),
            paragraph=said.string(node, "pen:paragraphNumber"),
            provenance=describe_provenance(said, node),
            is_own=text in said.things(node, "pen:isGrantedBy"),
        )
        for node in said.values
        if said.is_a(node, "pen:Exemption")
    ]
    return tuple(sorted(found, key=lambda e: e.exemption.text.casefold()))


def _cause(said: Statements, event: str, day: str) -> Cause:
    began = said.string(event, "pen:from")
    days = None
    with contextlib.suppress(ValueError):
        days = (date.fromisoformat(day) - date.fromisoformat(began)).days
    return Cause(said.cell(event), began, days)


def _stances(
    said: Statements, states: set[str], positions: list[str], day: str
) -> tuple[Stance, ...]:
    """Return the positions on sanctions of ``states``, those held on ``day`` first."""
    found = [
        Stance(said.cell(state), describe_position(said, position), _covers(said, position, day))
        for position in positions
        for state in said.things(position, "pen:hasHolder")
        if state in states and said.is_a(position, "pen:PolicyPosition")
    ]
    # Positions on the text itself are here, too, where their topic says so.
    return tuple(
        sorted(found, key=lambda s: (not s.is_held_that_day, s.state.text, s.position.position.iri))
    )


def _covers(said: Statements, position: str, day: str) -> bool:
    """Return whether a position was held on a day; dates in this form sort as text."""
    first, last = said.string(position, "pen:from"), said.string(position, "pen:until")
    return bool(day) and (first or "0") <= day <= (last or "9999")


def _series(said: Statements, here: str) -> tuple[Text, ...]:
    texts = [
        Text(
            said.cell(thing),
            said.string(thing, "pen:symbol"),
            said.string(thing, "pen:adoptionDate", "pen:votedOn"),
            said.is_a(thing, "pen:DraftResolution"),
            thing == here,
        )
        for thing in said.values
        if said.is_a(thing, "pen:Resolution", "pen:DraftResolution")
    ]
    return tuple(sorted(texts, key=lambda t: (t.day or _year(t.symbol), t.symbol)))


def _year(symbol: str) -> str:
    """Return the year in the symbol of a text whose day is not recorded."""
    year = symbol.rpartition("(")[2].rstrip(")")
    return year if len(year) == len("2017") and year.isdigit() else "9999"
