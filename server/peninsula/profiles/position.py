"""Who holds which attitude on what, since when, on what evidence, and after which other?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset
from peninsula.namespaces import shorten
from peninsula.profiles.briefs import (
    ClaimBrief,
    Mark,
    PositionBrief,
    concerning,
    describe_claims,
    describe_mark,
    describe_position,
)
from peninsula.profiles.statements import Statements, gather
from peninsula.tables import Cell

#: Positions of others that are listed; the page says where there are more.
MOST: Final = 60
#: Positions of one succession.
_MOST_STAGES: Final = 100


def _others(pattern: str) -> str:
    chosen = f"SELECT DISTINCT ?thing WHERE {{ {pattern} FILTER(?thing != $this) }}"
    return f"{{ {chosen} ORDER BY ?thing LIMIT {MOST + 1} }}"


_PATTERNS: Final = (
    "VALUES ?thing { $this } ?thing a pen:PolicyPosition",
    "$this pen:hasStance|pen:restsOnReading ?thing",
    "$this (pen:succeeds|^pen:succeeds)+ ?thing",
    _others("$this pen:onObject ?object . ?thing a pen:PolicyPosition ; pen:onObject ?object"),
    _others("$this pen:hasTopic ?topic . ?thing a pen:PolicyPosition ; pen:hasTopic ?topic"),
    (
        "$this pen:hasHolder ?holder ; pen:onObject ?object ."
        " ?thing pen:isVoteOn ?object ; pen:isCastBy ?holder"
    ),
    *concerning(
        "{ $this pen:evidencedBy ?claim } UNION { $this pen:restsOnReading/pen:readsClaim ?claim }"
    ),
)


@dataclass(frozen=True)
class Reading:
    """An editor's understanding of claims."""

    reading: Cell
    description: Cell | None
    claims: tuple[Cell, ...]


@dataclass(frozen=True)
class PositionProfile:
    """Everything that the page of a position says."""

    name: str
    brief: PositionBrief
    stance: Mark | None
    modalities: tuple[Cell, ...]
    toward: tuple[Cell, ...]
    claims: tuple[ClaimBrief, ...]
    readings: tuple[Reading, ...]
    #: The positions of the same holder on the same thing, stage by stage, the first ones first.
    succession: tuple[tuple[PositionBrief, ...], ...]
    #: What is held on the same things; then, on the same topics.
    same_object: tuple[PositionBrief, ...]
    same_topic: tuple[PositionBrief, ...]
    is_cut: bool
    #: How the holder voted, where it is on a resolution: the vote, the text, the choice.
    votes: tuple[tuple[Cell, Cell, Mark | None], ...]

    @property
    def holder_name(self) -> str:
        """Return the name by which addresses call the (first) holder."""
        return next((shorten(cell.iri) for cell in self.brief.holders), "")

    @property
    def topic_name(self) -> str:
        """Return the name by which addresses call the (first) topic."""
        return next((shorten(cell.iri) for cell in self.brief.topics), "")


def read_position(dataset: Dataset, iri: ox.NamedNode, language: str) -> PositionProfile | None:
    """Return the profile of a position, None where ``iri`` is none."""
    said = gather(dataset, iri, _PATTERNS, language)
    position = iri.value
    if not said.is_a(position, "pen:PolicyPosition"):
        return None
    readings = said.things(position, "pen:restsOnReading")
    evidence = {
        *said.things(position, "pen:evidencedBy"),
        *(claim for reading in readings for claim in said.things(reading, "pen:readsClaim")),
    }
    stages = _succession(said, position)
    others_known = [
        thing
        for thing in said.values
        if thing != position
        and not any(thing in stage for stage in stages)
        and said.is_a(thing, "pen:PolicyPosition")
    ]
    objects = set(said.things(position, "pen:onObject"))
    on_object = [t for t in others_known if objects & set(said.things(t, "pen:onObject"))]
    on_topic = [t for t in others_known if t not in on_object]
    return PositionProfile(
        name=shorten(position),
        brief=describe_position(said, position),
        stance=describe_mark(said, position, "pen:hasStance"),
        modalities=said.cells(position, "pen:hasModality"),
        toward=said.cells(position, "pen:isToward"),
        claims=describe_claims(said, evidence & said.values.keys()),
        readings=tuple(
            Reading(
                said.cell(reading),
                said.text(reading, "dcterms:description"),
                said.cells(reading, "pen:readsClaim"),
            )
            for reading in readings
        ),
        succession=tuple(
            tuple(describe_position(said, thing) for thing in stage) for stage in stages
        )
        if len(stages) > 1
        else (),
        same_object=_listed(said, on_object),
        same_topic=_listed(said, on_topic),
        is_cut=max(len(on_object), len(on_topic)) > MOST,
        votes=tuple(
            (
                said.cell(vote),
                said.cell(said.thing(vote, "pen:isVoteOn")),
                describe_mark(said, vote, "pen:hasChoice"),
            )
            for vote in said.values
            if said.is_a(vote, "pen:Vote")
        ),
    )


def _listed(said: Statements, positions: list[str]) -> tuple[PositionBrief, ...]:
    briefs = (describe_position(said, position) for position in positions)
    ordered = sorted(briefs, key=lambda p: ([h.text.casefold() for h in p.holders], p.position.iri))
    return tuple(ordered[:MOST])


def _succession(said: Statements, position: str) -> list[list[str]]:
    """Return the positions that took each other's place, in stages, the first ones first.

    Two may be held at once and be succeeded by one.
    """
    found: set[str] = set()
    ahead = [position]
    while ahead and len(found) < _MOST_STAGES:
        current = ahead.pop()
        if current not in found and current in said:
            found.add(current)
            ahead.extend(said.things(current, "pen:succeeds"))
            ahead.extend(said.where("pen:succeeds", current))
    stages: list[list[str]] = []
    while found:
        # Who succeeds nobody that is left; all at once, should they succeed each other in a ring.
        first = {t for t in found if not found & set(said.things(t, "pen:succeeds"))} or found
        stages.append(sorted(first, key=lambda t: (said.string(t, "pen:from"), t)))
        found = found - first
    return stages
