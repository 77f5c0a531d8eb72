"""How does a profile say in one line what a claim, a position, a time or a source is?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

import pyoxigraph as ox

from peninsula.edtf import read_ends
from peninsula.profiles.statements import Statements
from peninsula.tables import Cell
from peninsula.terms import slug_of

#: How much of an address is shown.
_LONGEST_ADDRESS: Final = 70
#: Claims that a profile lists; it says where there are more.
MOST_CLAIMS: Final = 150


@dataclass(frozen=True)
class Mark:
    """A concept of a vocabulary that something is marked with, and what it means."""

    cell: Cell
    definition: str = ""
    remark: str = ""

    @property
    def slug(self) -> str:
        return slug_of(self.cell.iri)


@dataclass(frozen=True)
class Time:
    """A time as the source gives it, and the days it stands for."""

    edtf: str
    first_day: str = ""
    last_day: str = ""
    is_inferred: bool = False

    @property
    def start(self) -> str:
        """Return what stands before the slash of an interval, or the whole."""
        return self._ends[0]

    @property
    def end(self) -> str:
        """Return what stands after the slash."""
        return self._ends[1]

    @property
    def is_interval(self) -> bool:
        start, end = self._ends
        return "/" in self.edtf and start != end

    @property
    def _ends(self) -> tuple[str, str]:
        return read_ends(self.edtf)

    @property
    def goes_on(self) -> bool:
        """Return whether it is said to have no end; else a missing end is not known."""
        return self.edtf.endswith("/..")

    @property
    def is_one_day(self) -> bool:
        return bool(self.first_day) and self.first_day == self.last_day


@dataclass(frozen=True)
class Source:
    """Where something was read."""

    address: str
    text: str


@dataclass(frozen=True)
class Provenance:
    """How well something is known, and from where."""

    verification: Mark | None
    notes: tuple[Cell, ...]
    sources: tuple[Source, ...]
    citations: tuple[str, ...]
    is_incomplete: bool

    def __bool__(self) -> bool:
        return bool(self.verification or self.notes or self.sources or self.citations)

    @property
    def is_inferred(self) -> bool:
        """Return whether it follows from other facts and was not read directly."""
        return self.verification is not None and self.verification.slug == "derived"


@dataclass(frozen=True)
class ClaimBrief:
    """A claim in a list: what it says, who holds it, on whose word."""

    claim: Cell
    kind: Mark | None
    modality: Mark | None
    stance: Mark | None
    holders: tuple[Cell, ...]
    #: Who passes it on, from the outside.
    chain: tuple[Cell, ...]
    time: Time | None
    held: Time | None
    #: Paragraph and sentence, “9.4”.
    place: str

    @property
    def number(self) -> str:
        return slug_of(self.claim.iri)

    @property
    def reporters(self) -> tuple[Cell, ...]:
        """Return who stands between the document and the holder."""
        return tuple(cell for cell in self.chain[1:] if cell not in self.holders)

    @property
    def order(self) -> tuple[list[int], str]:
        """Return what sorts claims as they stand in the text."""
        numbers = [part for part in self.place.split(".") if part]
        # What is no number, or an endless one, stands first.
        return ([int(n) if n.isdecimal() and len(n) < 10 else 0 for n in numbers], self.claim.iri)


@dataclass(frozen=True)
class PositionBrief:
    """A position in a list."""

    position: Cell
    holders: tuple[Cell, ...]
    stance: Mark | None
    objects: tuple[Cell, ...]
    topics: tuple[Cell, ...]
    description: Cell | None
    time: Time | None
    evidence: int


def concerning(claims: str) -> list[str]:
    """Return the patterns that lead to what a brief says of ``?claim``, bound by ``claims``."""
    chosen = (
        f"{{ SELECT DISTINCT ?claim WHERE {{ {claims} }} ORDER BY ?claim LIMIT {MOST_CLAIMS + 1} }}"
    )
    return [
        f"{chosen} BIND(?claim AS ?thing)",
        f"{chosen} ?claim pen:hasAttribution|pen:hasPassage ?thing",
    ]


def describe_claims(said: Statements, claims: Iterable[str]) -> tuple[ClaimBrief, ...]:
    """Return claims in the order of the text."""
    return tuple(sorted((describe_claim(said, iri) for iri in claims), key=lambda c: c.order))


def describe_claim(said: Statements, claim: str) -> ClaimBrief:
    """Return what a list says of a claim."""
    passage = said.thing(claim, "pen:hasPassage")
    place = (said.string(passage, "pen:paragraph"), said.string(passage, "pen:sentence"))
    return ClaimBrief(
        claim=said.cell(claim),
        kind=describe_mark(said, claim, "pen:hasKind"),
        modality=describe_mark(said, claim, "pen:hasModality"),
        stance=describe_mark(said, claim, "pen:hasStance"),
        holders=said.cells(claim, "pen:hasHolder"),
        chain=tuple(cell for level in _levels(said, claim) for cell in level),
        time=describe_time(said, claim),
        held=describe_held(said, claim),
        place=".".join(part for part in place if part.isdigit()),
    )


def _levels(said: Statements, claim: str) -> list[tuple[Cell, ...]]:
    steps = said.things(claim, "pen:hasAttribution")
    steps.sort(key=lambda step: (said.number(step, "pen:level") or 0, step))
    return [said.cells(step, "pen:isAttributedTo") for step in steps]


def describe_position(said: Statements, position: str) -> PositionBrief:
    """Return what a list says of a position."""
    return PositionBrief(
        position=said.cell(position),
        holders=said.cells(position, "pen:hasHolder"),
        stance=describe_mark(said, position, "pen:hasStance"),
        objects=said.cells(position, "pen:onObject"),
        topics=said.cells(position, "pen:hasTopic"),
        description=said.text(position, "dcterms:description"),
        time=describe_time(said, position),
        evidence=len(said.things(position, "pen:evidencedBy")),
    )


def describe_mark(said: Statements, thing: str, property: str) -> Mark | None:
    """Return the concept that ``property`` marks a thing with."""
    concept = said.thing(thing, property)
    return mark_of(said, concept) if concept else None


def mark_of(said: Statements, concept: str) -> Mark:
    """Return a concept with what it means, as far as that was gathered."""
    return Mark(
        said.cell(concept),
        said.string(concept, "skos:definition"),
        said.string(concept, "skos:scopeNote"),
    )


def describe_time(said: Statements, thing: str) -> Time | None:
    """Return the time that a thing is about or took place at."""
    stated, inferred = said.string(thing, "pen:edtf"), said.string(thing, "pen:inferredEdtf")
    first, last = said.string(thing, "pen:from"), said.string(thing, "pen:until")
    if not (stated or inferred or first or last):
        return None
    days = f"{first}/{last}" if first != last else first
    return Time(stated or inferred or days, first, last, is_inferred=bool(inferred and not stated))


def describe_held(said: Statements, claim: str) -> Time | None:
    """Return when the holder of a claim held the view."""
    edtf = said.string(claim, "pen:heldEdtf")
    first, last = said.string(claim, "pen:heldFrom"), said.string(claim, "pen:heldUntil")
    return Time(edtf or f"{first}/{last}", first, last) if edtf or first or last else None


def describe_provenance(said: Statements, thing: str) -> Provenance:
    """Return how well the facts of a thing are known."""
    addresses = sorted(
        v.value for v in said.all(thing, "dcterms:source") if isinstance(v, ox.NamedNode)
    )
    return Provenance(
        verification=describe_mark(said, thing, "pen:hasVerification"),
        notes=tuple(said.texts(thing, "pen:verificationNote", "skos:editorialNote")),
        sources=tuple(Source(address, _shorten(address)) for address in addresses),
        citations=tuple(cell.text for cell in said.texts(thing, "pen:citation")),
        is_incomplete=said.truth(thing, "pen:hasIncompleteSource") is True,
    )


def _shorten(address: str) -> str:
    """Return an address as it is read: without scheme, decoded, and not too long."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address[:_LONGEST_ADDRESS]
    text = parts.netloc.removeprefix("www.") + unquote(parts.path).rstrip("/")
    return text if len(text) <= _LONGEST_ADDRESS else f"{text[: _LONGEST_ADDRESS - 1]}…"
