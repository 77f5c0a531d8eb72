"""Which claims rest on a stretch of text, and on what stands around it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.namespaces import shorten
from peninsula.profiles.briefs import ClaimBrief, concerning, describe_claims
from peninsula.profiles.placement import Placement, offsets, read_placement
from peninsula.profiles.statements import Statements, gather
from peninsula.tables import Cell

_PARAGRAPH: Final = (
    "$this oa:hasSource ?document ; pen:paragraph ?paragraph ."
    " ?passage oa:hasSource ?document ; pen:paragraph ?paragraph"
)
_PATTERNS: Final = (
    "VALUES ?thing { $this } ?thing a pen:Passage",
    "$this oa:hasSelector|oa:hasSource ?thing",
    f"{_PARAGRAPH} ; oa:hasSelector ?thing",
    *concerning(f"{_PARAGRAPH} . ?claim pen:hasPassage ?passage"),
)
_NEIGHBOUR: Final = """
SELECT ?other WHERE {{
  {passage} oa:hasSource ?document ; pen:paragraph ?paragraph ; pen:sentence ?sentence .
  ?other oa:hasSource ?document ; pen:paragraph ?otherParagraph ; pen:sentence ?otherSentence .
  FILTER(?otherParagraph {than} ?paragraph
    || ?otherParagraph = ?paragraph && ?otherSentence {than} ?sentence
    || ?otherParagraph = ?paragraph && ?otherSentence = ?sentence
       && STR(?other) {than} STR({passage}))
}}
ORDER BY {order}(?otherParagraph) {order}(?otherSentence) {order}(STR(?other)) LIMIT 1
"""


@dataclass(frozen=True)
class PassageProfile:
    """Everything that the page of a passage says."""

    name: str
    place: Placement
    #: Claims that rest on it, those on a stretch that overlaps it, and the others of its sentence.
    claims: tuple[ClaimBrief, ...]
    overlapping: tuple[ClaimBrief, ...]
    beside: tuple[ClaimBrief, ...]
    before: Cell
    after: Cell


def read_passage(dataset: Dataset, iri: ox.NamedNode, language: str) -> PassageProfile | None:
    """Return the profile of a passage, None where ``iri`` is none."""
    before = _neighbour(dataset, iri, "<", "DESC")
    after = _neighbour(dataset, iri, ">", "ASC")
    neighbours = " ".join(str(node) for node in (before, after) if node)
    patterns = [*_PATTERNS, f"VALUES ?thing {{ {neighbours} }}"]
    said = gather(dataset, iri, patterns, language)
    passage = iri.value
    if not said.is_a(passage, "pen:Passage"):
        return None
    groups: dict[str, list[str]] = {"resting": [], "overlapping": [], "beside": []}
    for claim in said.values:
        if said.is_a(claim, "pen:Claim") and (how := _relation(said, claim, passage)):
            groups[how].append(claim)
    return PassageProfile(
        name=shorten(passage),
        place=read_placement(dataset, said, passage, said.thing(passage, "oa:hasSource")),
        claims=describe_claims(said, groups["resting"]),
        overlapping=describe_claims(said, groups["overlapping"]),
        beside=describe_claims(said, groups["beside"]),
        before=said.cell(before.value if before else ""),
        after=said.cell(after.value if after else ""),
    )


def _relation(said: Statements, claim: str, passage: str) -> str:
    """Return how a claim has to do with ``passage``; an empty string where it has nothing."""
    stretches = said.things(claim, "pen:hasPassage")
    if passage in stretches:
        return "resting"
    start, end = offsets(said, passage)
    for stretch in stretches:
        first, last = offsets(said, stretch)
        if None not in (start, end, first, last) and first < end and start < last:  # type: ignore[operator]
            return "overlapping"
    sentence = said.number(passage, "pen:sentence")
    is_beside = any(said.number(stretch, "pen:sentence") == sentence for stretch in stretches)
    return "beside" if is_beside else ""


def _neighbour(
    dataset: Dataset, passage: ox.NamedNode, than: str, order: str
) -> ox.NamedNode | None:
    query = _NEIGHBOUR.format(passage=passage, than=than, order=order)
    found = next((row[0] for row in select(dataset, query)), None)
    return found if isinstance(found, ox.NamedNode) else None
