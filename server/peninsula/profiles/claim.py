"""What does a claim say, on whose word, where, of when, and against what?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.namespaces import shorten
from peninsula.profiles.briefs import (
    MOST_CLAIMS,
    ClaimBrief,
    Mark,
    PositionBrief,
    Time,
    concerning,
    describe_claim,
    describe_claims,
    describe_held,
    describe_mark,
    describe_position,
    describe_time,
)
from peninsula.profiles.placement import Placement, read_placement
from peninsula.profiles.statements import Statements, gather
from peninsula.profiles.tension import TensionBrief, describe_tension
from peninsula.tables import Cell
from peninsula.terms import slug_of

_MOST_TENSIONS: Final = 50
_PATTERNS: Final = (
    "VALUES ?thing { $this } ?thing a pen:Claim",
    "$this pen:hasAttribution|pen:hasPassage|pen:isStatedIn|pen:hasConditional ?thing",
    "$this pen:hasPassage/oa:hasSelector|pen:citesPart ?thing",
    "$this pen:hasKind|pen:hasModality|pen:hasStance|pen:hasStrength|pen:hasVoice ?thing",
    "$this pen:hasAttribution ?step . ?step pen:attributionBasis|pen:citesPart ?thing",
    "?thing pen:evidencedBy|pen:readsClaim|pen:hasTensionMember|prov:wasDerivedFrom $this",
    "?tension pen:hasTensionMember $this ; pen:tensionKind ?thing",
)
_NEIGHBOUR: Final = """
SELECT ?claim WHERE {{
  {{ SELECT (MIN(?p) AS ?paragraph) (MIN(?s) AS ?sentence) WHERE {{
    {claim} pen:hasPassage ?own . ?own pen:paragraph ?p ; pen:sentence ?s
  }} }}
  {claim} pen:isStatedIn ?document .
  ?claim pen:isStatedIn ?document ; pen:hasPassage ?passage .
  ?passage pen:paragraph ?otherParagraph ; pen:sentence ?otherSentence .
  FILTER(?otherParagraph {than} ?paragraph
    || ?otherParagraph = ?paragraph && ?otherSentence {than} ?sentence
    || ?otherParagraph = ?paragraph && ?otherSentence = ?sentence
       && STR(?claim) {than} STR({claim}))
}}
ORDER BY {order}(?otherParagraph) {order}(?otherSentence) {order}(STR(?claim)) LIMIT 1
"""


@dataclass(frozen=True)
class Level:
    """One step of the chain of reporting."""

    number: int
    speakers: tuple[Cell, ...]
    basis: Mark | None
    parts: tuple[tuple[Cell, str], ...]


@dataclass(frozen=True)
class Condition:
    """What is supposed, and what is said to follow."""

    conditional: Cell
    is_contrary: bool | None
    antecedents: tuple[Cell, ...]
    consequents: tuple[Cell, ...]
    note: Cell | None


@dataclass(frozen=True)
class ClaimProfile:
    """Everything that the page of a claim says."""

    name: str
    number: str
    brief: ClaimBrief
    marks: tuple[tuple[str, Mark], ...]
    chain: tuple[Level, ...]
    subjects: tuple[Cell, ...]
    action: Cell | None
    objects: tuple[Cell, ...]
    targets: tuple[Cell, ...]
    #: What it names besides.
    others: tuple[Cell, ...]
    place: Placement
    footnote: int | None
    parts: tuple[tuple[Cell, str], ...]
    time: Time | None
    time_note: Cell | None
    horizon: str
    held: Time | None
    written: Time | None
    conditions: tuple[Condition, ...]
    ambiguities: tuple[Cell, ...]
    primary_topic: Cell
    topics: tuple[Cell, ...]
    positions: tuple[PositionBrief, ...]
    readings: tuple[Cell, ...]
    events: tuple[Cell, ...]
    #: What was recorded because of it.
    derived: tuple[Cell, ...]
    tensions: tuple[TensionBrief, ...]
    before: ClaimBrief | None
    after: ClaimBrief | None

    @property
    def opposed(self) -> int:
        """Return with how many claims it is in tension."""
        return len({other.claim.iri for tension in self.tensions for other in tension.others})

    @property
    def is_denied(self) -> bool:
        return self.brief.modality is not None and self.brief.modality.slug == "denied"


def read_claim(dataset: Dataset, iri: ox.NamedNode, language: str) -> ClaimProfile | None:
    """Return the profile of a claim, None where ``iri`` is none."""
    before = _neighbour(dataset, iri, "<", "DESC")
    after = _neighbour(dataset, iri, ">", "ASC")
    neighbours = " ".join(str(node) for node in (before, after) if node)
    claims = concerning(
        "{ ?tension pen:hasTensionMember $this , ?claim }"
        " UNION { $this pen:inTensionWith|^pen:inTensionWith ?claim }"
        f" UNION {{ VALUES ?claim {{ {neighbours} }} }}"
    )
    said = gather(dataset, iri, [*_PATTERNS, *claims], language)
    claim = iri.value
    if not said.is_a(claim, "pen:Claim"):
        return None
    roles = {p: said.cells(claim, p) for p in ("pen:hasSubject", "pen:hasObject", "pen:hasTarget")}
    primary = said.thing(claim, "pen:hasPrimaryTopic")
    named = {cell for cells in roles.values() for cell in cells}
    document = said.thing(claim, "pen:isStatedIn")
    positions = said.where("pen:evidencedBy", claim)
    readings = said.where("pen:readsClaim", claim)
    derived = set(said.where("prov:wasDerivedFrom", claim)) - {*positions, *readings}
    return ClaimProfile(
        name=shorten(claim),
        number=slug_of(claim),
        brief=describe_claim(said, claim),
        marks=_marks(said, claim),
        chain=_chain(said, claim),
        subjects=roles["pen:hasSubject"],
        action=said.text(claim, "pen:action"),
        objects=roles["pen:hasObject"],
        targets=roles["pen:hasTarget"],
        others=tuple(c for c in said.cells(claim, "pen:isAbout") if c not in named),
        place=read_placement(dataset, said, said.thing(claim, "pen:hasPassage"), document),
        footnote=said.number(claim, "pen:footnoteNumber"),
        parts=_parts(said, claim),
        time=describe_time(said, claim),
        time_note=said.text(claim, "pen:timeNote"),
        horizon=said.string(claim, "pen:horizon"),
        held=describe_held(said, claim),
        written=describe_time(said, document),
        conditions=tuple(
            Condition(
                said.cell(node),
                said.truth(node, "pen:isContraryToFact"),
                said.cells(node, "pen:hasAntecedent"),
                said.cells(node, "pen:hasConsequent"),
                said.text(node, "skos:editorialNote"),
            )
            for node in said.things(claim, "pen:hasConditional")
        ),
        ambiguities=tuple(said.texts(claim, "pen:ambiguity")),
        primary_topic=said.cell(primary),
        topics=tuple(c for c in said.cells(claim, "pen:hasTopic") if c.iri != primary),
        positions=tuple(describe_position(said, node) for node in positions),
        readings=tuple(said.cell(node) for node in readings),
        events=said.cells(claim, "pen:reportsEvent"),
        derived=tuple(sorted((said.cell(node) for node in derived), key=lambda c: c.text)),
        tensions=_tensions(said, claim),
        before=describe_claim(said, before.value) if before else None,
        after=describe_claim(said, after.value) if after else None,
    )


def _neighbour(dataset: Dataset, claim: ox.NamedNode, than: str, order: str) -> ox.NamedNode | None:
    query = _NEIGHBOUR.format(claim=claim, than=than, order=order)
    found = next((row[0] for row in select(dataset, query)), None)
    return found if isinstance(found, ox.NamedNode) else None


def _marks(said: Statements, claim: str) -> tuple[tuple[str, Mark], ...]:
    properties = {
        "kind": "pen:hasKind",
        "modality": "pen:hasModality",
        "stance": "pen:hasStance",
        "strength": "pen:hasStrength",
        "voice": "pen:hasVoice",
    }
    marks = ((word, describe_mark(said, claim, p)) for word, p in properties.items())
    return tuple((word, mark) for word, mark in marks if mark)


def _chain(said: Statements, claim: str) -> tuple[Level, ...]:
    levels = [
        Level(
            said.number(step, "pen:level") or 0,
            said.cells(step, "pen:isAttributedTo"),
            describe_mark(said, step, "pen:attributionBasis"),
            _parts(said, step),
        )
        for step in said.things(claim, "pen:hasAttribution")
    ]
    return tuple(sorted(levels, key=lambda level: (level.number, [c.text for c in level.speakers])))


def _parts(said: Statements, thing: str) -> tuple[tuple[Cell, str], ...]:
    """Return the parts of a document that are cited, with their pages."""
    return tuple(
        (
            said.cell(part),
            _pages(said.number(part, "pen:pageStart"), said.number(part, "pen:pageEnd")),
        )
        for part in said.things(thing, "pen:citesPart")
    )


def _pages(first: int | None, last: int | None) -> str:
    if first is None:
        return ""
    return f"{first}–{last}" if last is not None else f"{first}–"


def _tensions(said: Statements, claim: str) -> tuple[TensionBrief, ...]:
    """Return the tensions of a claim, and last of all the pairs that no tension explains."""
    nodes = said.where("pen:hasTensionMember", claim)[:_MOST_TENSIONS]
    tensions = [describe_tension(said, node, claim) for node in nodes]
    explained = {member.claim.iri for tension in tensions for member in tension.others}
    paired = {*said.things(claim, "pen:inTensionWith"), *said.where("pen:inTensionWith", claim)}
    loose = sorted(paired - explained)[:MOST_CLAIMS]
    if loose:
        others = describe_claims(said, loose)
        tensions.append(TensionBrief(Cell(""), None, None, (), others, (), frozenset()))
    return tuple(tensions)
