"""Do positions go together: those of one actor with each other, those of several side by side?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, pairwise, product
from typing import Final, Literal

from peninsula.namespaces import expand
from peninsula.stances import Cell, Position

#: Disputes that are told of one reason, about; pairs of positions that are compared for one.
MOST_DISPUTES: Final = 500
_MOST_PAIRS: Final = 300


# One actor.


@dataclass(frozen=True)
class Dispute:
    """Two positions of one actor that do not go together, and why.

    ``reason`` is “object”: different stances on the same object at the same time;
    “contradiction” or “tension”: of a claim behind the one with a claim behind the other, the
    latter only where both may have been held at the same time.
    """

    reason: Literal["object", "contradiction", "tension"]
    one: Position
    other: Position
    claims: tuple[str, str] = ("", "")


def find_disputes(
    positions: Iterable[Position], tensions: Mapping[str, Mapping[str, bool]]
) -> list[Dispute]:
    """Return what is at odds among ``positions``, the gravest reason first.

    Positions of different actors are never at odds: to differ is no contradiction. Of a great
    many positions on one object, or behind one claim, the earliest pairs are looked at.
    """
    found: list[Dispute] = []
    by_object: dict[tuple[str, str], list[Position]] = defaultdict(list)
    by_claim: dict[tuple[str, str], list[Position]] = defaultdict(list)
    for p in positions:
        if p.object:
            by_object[p.actor, p.object].append(p)
        for claim in p.claims:
            by_claim[p.actor, claim].append(p)
    for group in by_object.values():
        found += [
            Dispute("object", one, other)
            for one, other in islice(combinations(group, 2), _MOST_PAIRS)
            if one.stance != other.stance and one.overlaps(other)
        ]
        if len(found) > MOST_DISPUTES:
            break
    found += islice(_find_clashes(by_claim, tensions), MOST_DISPUTES)
    order = ("object", "contradiction", "tension")
    return sorted(found, key=lambda d: (order.index(d.reason), d.one.order, d.other.order))


def _find_clashes(
    by_claim: Mapping[tuple[str, str], list[Position]],
    tensions: Mapping[str, Mapping[str, bool]],
) -> Iterator[Dispute]:
    """Yield the disputes of claims that are in tension, by actor and claim."""
    for (actor, claim), holders in by_claim.items():
        for other_claim, contradicts in tensions.get(claim, {}).items():
            if claim < other_claim and (others := by_claim.get((actor, other_claim))):
                pair = _first_pair(holders, others, contradicts=contradicts)
                if pair:
                    yield Dispute(*pair, (claim, other_claim))


def _first_pair(
    ones: Iterable[Position], others: Iterable[Position], *, contradicts: bool
) -> tuple[Literal["contradiction", "tension"], Position, Position] | None:
    """Return the positions that two claims set against each other.

    A tension between what was held at different times is a course of things, not a dispute.
    """
    for one, other in islice(product(ones, others), _MOST_PAIRS):
        if contradicts:
            return "contradiction", one, other
        if one.overlaps(other):
            return "tension", one, other
    return None


# Several actors.


@dataclass(frozen=True)
class Shared:
    """An object on which several actors have positions, with those."""

    object: str
    positions: tuple[Position, ...]
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """One topic: the cells of the actors in their order, and how they compare.

    ``verdict`` is “same”, “opposite”, “partly” (they share a stance and differ in another),
    “differ”, “one” (only one has evidence) or “none”.
    """

    topic: str
    cells: tuple[Cell, ...]
    verdict: str
    shared: tuple[Shared, ...] = ()


def compare(cells: Mapping[tuple[str, str], Cell], actors: Sequence[str], topic: str) -> Comparison:
    """Return how ``actors`` stand to each other within ``topic``."""
    row = tuple(cells.get((actor, topic), Cell()) for actor in actors)
    by_object: dict[str, list[Position]] = defaultdict(list)
    for cell in row:
        for p in cell.held:
            if p.object:
                by_object[p.object].append(p)
    shared = tuple(
        Shared(thing, tuple(positions), judge(_stances_of(positions)))
        for thing, positions in sorted(by_object.items())
        if len({p.actor for p in positions}) > 1
    )
    return Comparison(topic, row, judge([cell.stances for cell in row]), shared)


def judge(stances: Iterable[Collection[str]]) -> str:
    """Return how sets of stances, one for each actor, compare."""
    known = [frozenset(one) for one in stances if one]
    if len(known) < 2:
        return "one" if known else "none"
    if all(one == two for one, two in pairwise(known)):
        return "same"
    pairs = list(combinations(known, 2))
    if any(one & two for one, two in pairs):
        return "partly"
    sides = {expand("stance:supports"), expand("stance:opposes")}
    if any(sides <= one | two for one, two in pairs):
        return "opposite"
    return "differ"


def _stances_of(positions: Iterable[Position]) -> list[frozenset[str]]:
    by_actor: dict[str, set[str]] = defaultdict(set)
    for p in positions:
        by_actor[p.actor].add(p.stance)
    return [frozenset(stances) for stances in by_actor.values()]
