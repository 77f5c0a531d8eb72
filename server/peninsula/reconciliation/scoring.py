"""How well does a thing fit a query, and is it surely the one meant?

Everything that speaks for or against is a feature of its own, so that a client can weigh them
otherwise. The score is made of them and of nothing else; more agreement in one never lowers it.

A match is said only where one candidate is clearly the best: its name fits word by word, nothing
contradicts it, and the next is well behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from peninsula.namespaces import BASE, CONCEPT_SCHEMES
from peninsula.reconciliation.dates import Span, agreement
from peninsula.reconciliation.entities import ENDS, Entity
from peninsula.reconciliation.names import (
    TITLES,
    Likeness,
    Words,
    comparable,
    compare,
    read_words,
    word_set,
)
from peninsula.searching.kinds import SAID, TECHNICAL, kind_of

#: Weight of a property beside the name, which has 1.
_OF_PROPERTY: Final = 0.4
#: A property of which nothing is known speaks neither for nor against.
_UNKNOWN: Final = 0.5
#: Score from which a candidate may be a match, and how far the next must be behind.
MATCH_FROM: Final = 80.0
MATCH_AHEAD: Final = 5.0
#: From here on a value agrees, and up to here it contradicts.
_AGREES, _CONTRADICTS = 0.85, 0.3
#: Part of the name that must be there, with so many dates and properties that agree: a surname
#: alone names many.
_WHOLE_WITH: Final = (0.8, 0.5, 0.35)
#: What candidates of another type keep of their score where types only should fit.
_OTHER_TYPE: Final = 0.7

_PERSON: Final = f"{BASE}id/person/"
#: What a table hardly names, besides what is said, held or thought.
_SELDOM: Final = SAID | {"planned-event", "actor", "document"}
_CONCEPTS: Final = frozenset(CONCEPT_SCHEMES.values())


@dataclass(frozen=True)
class Asked:
    """What a query asks, made ready to be compared."""

    text: str = ""
    words: Words = field(default_factory=lambda: Words((), "other"))
    #: The same with the dates as words: “2087” may be a resolution.
    with_dates: Words = field(default_factory=lambda: Words((), "other"))
    types: tuple[str, ...] = ()
    strictness: str = "any"

    @property
    def dates(self) -> tuple[tuple[Span, ...], ...]:
        return self.words.dates


@dataclass(frozen=True)
class Feature:
    """Something that speaks for or against a candidate: 0 to 100, or whether it is so."""

    id: str
    value: float | bool


@dataclass(frozen=True)
class Candidate:
    """A thing that may be the one meant."""

    entity: Entity
    score: float
    features: tuple[Feature, ...]
    #: Whether nothing about it is doubtful, were it the only one.
    is_sure: bool = False
    is_match: bool = False
    #: The name that fits best.
    name: str = ""


def make_asked(text: str, types: tuple[str, ...] = (), strictness: str = "any") -> Asked:
    """Return what a query asks, made ready to be compared."""
    words = read_words(text)
    return Asked(text, words, read_words(text, keeps_dates=True), types, strictness)


def score(
    asked: Asked,
    entity: Entity,
    *,
    is_identifier: bool = False,
    fits_type: bool = True,
    values: Mapping[str, float | None] | None = None,
) -> Candidate:
    """Return a thing with its score; ``values`` is how well each property agrees, None unknown."""
    features: list[Feature] = []
    is_sure = True
    name, part = "", 0.0
    is_contradicted = False
    agreeing = sum(value is not None and value >= _AGREES for value in (values or {}).values())
    if asked.text:
        best = _best_name(asked, entity, agreeing)
        name, part, is_sure = best.name, best.part, best.is_sure
        features += best.features
        is_contradicted = best.is_contradicted
        if is_identifier:
            features.append(Feature("identifier", value=True))
            part, is_sure, is_contradicted = 1.0, True, False
    of_properties = list((values or {}).items())
    known = [value for _, value in of_properties if value is not None]
    if of_properties:
        if asked.text:
            total = part + sum(
                _OF_PROPERTY * (_UNKNOWN if value is None else value) for _, value in of_properties
            )
            part = total / (1 + _OF_PROPERTY * len(of_properties))
        else:
            part = sum(known) / len(of_properties)
            is_sure = len(known) == len(of_properties) and min(known, default=0.0) >= _AGREES
        is_contradicted |= any(value <= _CONTRADICTS for value in known)
        features += [
            Feature(id, _percent(value)) for id, value in of_properties if value is not None
        ]
    if asked.types:
        features.append(Feature("type", value=fits_type))
        if not fits_type:
            part *= _OTHER_TYPE
            is_sure = False
    elif not is_identifier and (usual := how_usual(entity.iri)) < 1:
        features.append(Feature("kind", _percent(usual)))
        part *= usual
    return Candidate(
        entity, _percent(part), tuple(features), is_sure and not is_contradicted, name=name
    )


def glance(asked: Asked, name: str) -> float:
    """Return how well a name fits, before anything else is known of what has it."""
    likeness, date = _compare(asked, name, frozenset(), ())
    return _with_date(likeness.similarity, date)


def decide(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, best first, with the one that is a match marked as such."""
    ordered = sorted(
        candidates, key=lambda one: (-one.score, not one.is_sure, len(one.entity.id), one.entity.id)
    )
    if not ordered:
        return []
    first = ordered[0]
    ahead = first.score - ordered[1].score if len(ordered) > 1 else 100.0
    if first.is_sure and first.score >= MATCH_FROM and ahead >= MATCH_AHEAD:
        matched = Candidate(
            first.entity, first.score, first.features, first.is_sure, True, first.name
        )
        return [matched, *ordered[1:]]
    return ordered


def how_usual(iri: str) -> float:
    """Return how likely a table names such a thing where it asks for no type: 1 is likely."""
    if not iri.startswith(BASE):
        return 0.9
    kind = kind_of(iri)
    if kind in TECHNICAL:
        return 0.7
    return 0.88 if kind in _SELDOM or kind in _CONCEPTS else 1.0


@dataclass(frozen=True)
class _Best:
    name: str
    part: float
    is_sure: bool
    is_contradicted: bool
    features: list[Feature]


def _best_name(asked: Asked, entity: Entity, agreeing: int) -> _Best:
    context = word_set(entity.context)
    spans = entity.spans
    is_person = entity.iri.startswith(_PERSON)
    if is_person:
        context |= TITLES
    # The years of an office, say, are neither for nor against a person.
    may_be_of_office = is_person and bool(asked.dates) and _is_within_life(asked, entity)
    best_label, best_alias = Likeness(), Likeness()
    best: tuple[float, bool, str, Likeness, float | None] | None = None
    kept = set(comparable(asked.words, (name.text for name in entity.names)))
    for name in entity.names:
        if name.text not in kept:
            continue
        likeness, date = _compare(asked, name.text, context, spans)
        if may_be_of_office and date is not None and date < _AGREES:
            date = None
        part = _with_date(likeness.similarity * (0.99 if name.is_alias else 1), date)
        if best is None or (part, likeness.is_sure) > best[:2]:
            best = (part, likeness.is_sure, name.text, likeness, date)
        if name.is_alias:
            best_alias = max(best_alias, likeness, key=lambda one: one.similarity)
        else:
            best_label = max(best_label, likeness, key=lambda one: one.similarity)
    if best is None:
        return _Best("", 0.0, False, False, [])
    part, is_sure, text, likeness, date = best
    told = {
        "alias": best_alias.similarity or None, "context": likeness.explained or None, "date": date
    }  # fmt: skip
    features = [Feature("name", _percent(best_label.similarity))]
    features += [Feature(id, _percent(one)) for id, one in told.items() if one is not None]
    agreeing += date is not None and date >= _AGREES
    least = _WHOLE_WITH[min(agreeing, len(_WHOLE_WITH) - 1)]
    is_whole = likeness.complete >= least and likeness.covered >= 0.85
    return _Best(
        text, part, is_sure and is_whole, date is not None and date <= _CONTRADICTS, features
    )


def _is_within_life(asked: Asked, entity: Entity) -> bool:
    """Return whether each date in the text is one at which a person was alive, as far as known."""
    born, died = (min((span.first for span in entity.spans_of(end)), default=None) for end in ENDS)
    return all(
        any(
            (born is None or span.first > born) and (died is None or span.first <= died)
            for span in spans
        )
        for spans in asked.dates
    )


def _compare(
    asked: Asked, name: str, context: frozenset[str], spans: Sequence[Span]
) -> tuple[Likeness, float | None]:
    """Compare with one name; the second is how well the dates agree, None where none is wished."""
    whole = read_words(name, keeps_dates=True)
    plain = compare(asked.with_dates, whole, context)
    if not asked.dates:
        # That the name has a date and the text none says little against it.
        without = read_words(name)
        if without.dates and without.words:
            other = compare(asked.words, without, context)
            other = Likeness(
                other.similarity * 0.96, other.covered, other.complete * 0.96,
                other.is_sure, other.explained,
            )  # fmt: skip
            plain = max(plain, other, key=lambda one: one.similarity)
        return plain, None
    if plain.similarity > 0.98:
        return plain, None
    without = read_words(name)
    known = [span for dates in without.dates for span in dates] or list(spans)
    if not asked.words.words or not without.words:
        return plain, None
    likeness = compare(asked.words, without, context)
    if not known:
        weaker = Likeness(
            likeness.similarity * 0.9, likeness.covered, likeness.complete, False,
            likeness.explained,
        )  # fmt: skip
        return max(plain, weaker, key=lambda one: one.similarity), None
    # A name may hold one date of several: those of the thing itself count, too.
    known += [span for span in spans if span not in known]
    date = min(agreement(spans_, known) for spans_ in asked.dates)
    if without.dates and date >= _AGREES:
        # The name says which one it is: a text that says another is about another.
        said = [span for dates in without.dates for span in dates]
        date = min(date, *(agreement(spans_, said) for spans_ in asked.dates))
    return likeness, date


def _with_date(similarity: float, date: float | None) -> float:
    if date is None:
        return similarity
    if date <= _CONTRADICTS:
        return similarity * 0.5
    return similarity + (1 - similarity) * 0.5 * date


def _percent(part: float) -> float:
    return round(100 * min(max(part, 0.0), 1.0), 1)
