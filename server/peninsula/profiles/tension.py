"""Which claims do not sit well together, and why?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset
from peninsula.namespaces import shorten
from peninsula.profiles.briefs import (
    ClaimBrief,
    Mark,
    concerning,
    describe_claims,
    describe_mark,
)
from peninsula.profiles.statements import Statements, gather
from peninsula.tables import Cell

#: Claims of one tension that are compared with each other.
MOST_MEMBERS: Final = 60
_PATTERNS: Final = (
    "VALUES ?thing { $this } ?thing a pen:Tension",
    "$this pen:tensionKind ?thing",
    *concerning("$this pen:hasTensionMember ?claim"),
)


@dataclass(frozen=True)
class TensionBrief:
    """A tension as one of its claims sees it."""

    tension: Cell
    kind: Mark | None
    description: Cell | None
    notes: tuple[Cell, ...]
    #: The claims on other sides.
    others: tuple[ClaimBrief, ...]
    #: The claims on the same side.
    allies: tuple[ClaimBrief, ...]
    #: Those that cannot hold together with it.
    contradicted: frozenset[str]


@dataclass(frozen=True)
class TensionProfile:
    """Everything that the page of a tension says."""

    name: str
    kind: Mark | None
    description: Cell | None
    notes: tuple[Cell, ...]
    remarks: tuple[Cell, ...]
    #: Claims of one side do not pull against one another.
    sides: tuple[tuple[ClaimBrief, ...], ...]
    contradictions: tuple[tuple[Cell, Cell], ...]
    is_cut: bool = False

    @property
    def size(self) -> int:
        return sum(map(len, self.sides))


def read_tension(dataset: Dataset, iri: ox.NamedNode, language: str) -> TensionProfile | None:
    """Return the profile of a tension, None where ``iri`` is none."""
    said = gather(dataset, iri, _PATTERNS, language)
    tension = iri.value
    if not said.is_a(tension, "pen:Tension"):
        return None
    every = said.things(tension, "pen:hasTensionMember")
    members = every[:MOST_MEMBERS]
    sides = [describe_claims(said, side) for side in split(said, members)]
    pairs = {
        (min(one, other), max(one, other))
        for one in members
        for other in _contradicted(said, one) & set(members)
    }
    return TensionProfile(
        name=shorten(tension),
        kind=describe_mark(said, tension, "pen:tensionKind"),
        description=said.text(tension, "dcterms:description"),
        notes=tuple(said.texts(tension, "skos:note")),
        remarks=tuple(said.texts(tension, "skos:editorialNote")),
        sides=tuple(sorted(sides, key=lambda side: side[0].order)),
        is_cut=len(every) > MOST_MEMBERS,
        contradictions=tuple((said.cell(one), said.cell(other)) for one, other in sorted(pairs)),
    )


def describe_tension(said: Statements, tension: str, claim: str) -> TensionBrief:
    """Return a tension as ``claim`` sees it."""
    members = set(said.things(tension, "pen:hasTensionMember")[:MOST_MEMBERS]) - {claim}
    opposed = _opposed(said, claim, members)
    # Where the pairs are not told apart, every other member is shown opposite.
    others = opposed or members
    return TensionBrief(
        tension=said.cell(tension),
        kind=describe_mark(said, tension, "pen:tensionKind"),
        description=said.text(tension, "dcterms:description"),
        notes=tuple(said.texts(tension, "skos:note")),
        others=describe_claims(said, others),
        allies=describe_claims(said, members - others),
        contradicted=frozenset(_contradicted(said, claim)),
    )


def split(said: Statements, members: Iterable[str]) -> list[list[str]]:
    """Return the sides of a tension.

    Claims on different sides are linked with each other. So two that are not linked are on one
    side, and whatever is on a side with the same claim is on one side, too.
    """
    rest = sorted(members)
    sides: list[list[str]] = []
    everybody = set(rest)
    while rest:
        side, reached = [], [rest[0]]
        while reached:
            claim = reached.pop()
            if claim not in rest:
                continue
            rest.remove(claim)
            side.append(claim)
            reached.extend(everybody - _opposed(said, claim, everybody) - {claim})
        sides.append(sorted(side))
    # Where no pair is told apart, each claim stands for itself.
    return sides if len(sides) > 1 else [[claim] for side in sides for claim in side]


def _opposed(said: Statements, claim: str, members: set[str]) -> set[str]:
    """Return those of ``members`` with which ``claim`` is in tension, whichever way it is said."""
    told = set(said.things(claim, "pen:inTensionWith", "pen:contradicts"))
    told.update(
        m for m in members if claim in said.things(m, "pen:inTensionWith", "pen:contradicts")
    )
    return told & members


def _contradicted(said: Statements, claim: str) -> set[str]:
    return {*said.things(claim, "pen:contradicts"), *said.where("pen:contradicts", claim)}
