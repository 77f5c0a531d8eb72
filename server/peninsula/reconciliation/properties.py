"""Which property is meant, be it one of the graph or a way of several steps through it?

A property is called by its prefixed name, ``pen:birthDate``. A way is written as SPARQL writes a
path without repetitions: ``^pen:isTenureOf/pen:isTenureIn`` leads from a person through tenures to
offices. An ending says which language a text should have: ``rdfs:label@ko``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.errors import ParameterError
from peninsula.namespaces import expand, shorten
from peninsula.terms import read_iri

MOST_STEPS: Final = 5
_LONGEST: Final = 500
_STEP: Final = re.compile(r"(\^?)(<[^<>\s]+>|[A-Za-z][\w-]*:[\w.~%-]+)")
_LANGUAGE: Final = re.compile(r"@([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)\Z")


@dataclass(frozen=True)
class Step:
    """One property of a way, gone along or against its direction."""

    iri: str
    is_inverse: bool = False

    def __str__(self) -> str:
        name = shorten(self.iri)
        return f"{'^' if self.is_inverse else ''}{name if name != self.iri else f'<{name}>'}"


@dataclass(frozen=True)
class Property:
    """What leads from a thing to its values."""

    steps: tuple[Step, ...]
    language: str = ""

    @property
    def id(self) -> str:
        """Return how it is called, always in the same way."""
        if len(self.steps) == 1 and not self.steps[0].is_inverse and not self.language:
            return shorten(self.steps[0].iri)
        return "/".join(map(str, self.steps)) + (f"@{self.language}" if self.language else "")

    @property
    def path(self) -> str:
        """Return it as SPARQL writes it."""
        return "/".join(
            f"{'^' if step.is_inverse else ''}{ox.NamedNode(step.iri)}" for step in self.steps
        )

    @property
    def iris(self) -> tuple[str, ...]:
        return tuple(step.iri for step in self.steps)


@dataclass(frozen=True)
class Way:
    """A way that is worth offering: from which class, and what it is called in three languages."""

    id: str
    class_iri: str
    labels: tuple[str, str, str]


#: What a table of leaders, meetings and votes most often has columns of.
WAYS: Final = tuple(
    Way(id, expand(class_), labels)
    for class_, id, labels in (
        ("pen:Person", "^pen:isTenureOf/pen:isTenureIn",
         ("office held", "맡았던 직위", "занимаемая должность")),
        ("pen:Person", "^pen:isTenureOf/pen:isTenureIn/pen:isOfficeOf",
         ("state whose office was held", "직위가 속한 국가", "государство должности")),
        ("pen:Person", "^pen:isTenureOf/pen:from",
         ("took office on", "취임일", "вступление в должность")),
        ("pen:Person", "^pen:isTenureOf/pen:until",
         ("left office on", "퇴임일", "уход с должности")),
        ("pen:Actor", "^pen:hasParticipant/pen:inEvent",
         ("took part in", "참가한 사건", "участие в событии")),
        ("pen:Actor", "^pen:hasHolder", ("position held", "보유 입장", "позиция")),
        ("pen:State", "^pen:isCitizenOf", ("citizen", "국민", "гражданин")),
        ("pen:State", "^pen:isOfficeOf", ("office", "직위", "должность")),
        ("pen:State", "^pen:isCastBy/pen:isVoteOn", ("voted on", "표결한 결의", "голосование по")),
        ("pen:State", "^pen:represents/pen:inEvent",
         ("represented at", "대표가 참가한 사건", "представлено на")),
        ("pen:Office", "^pen:isTenureIn/pen:isTenureOf",
         ("holder of the office", "재임자", "занимавший должность")),
        ("pen:Event", "^pen:inEvent/pen:hasParticipant", ("participant", "참가자", "участник")),
        ("pen:Event", "^pen:inEvent/pen:represents",
         ("state represented", "대표된 국가", "представленное государство")),
        ("pen:Event", "pen:takesPlaceAt/pen:isLocatedIn",
         ("state of the place", "장소의 국가", "государство места")),
        ("pen:Event", "pen:takesPlaceAt/geo:hasGeometry/geo:asWKT",
         ("coordinates of the place", "장소의 좌표", "координаты места")),
        ("pen:Place", "geo:hasGeometry/geo:asWKT", ("coordinates", "좌표", "координаты")),
        ("pen:Place", "^pen:hasCapital",
         ("capital of", "수도로 둔 국가", "столица государства")),
        ("pen:Place", "^pen:takesPlaceAt",
         ("what took place there", "열린 사건", "события на месте")),
        ("pen:Instrument", "^pen:isImposedBy",
         ("measure imposed", "부과한 조치", "введённая мера")),
        ("pen:Instrument", "^pen:isVoteOn/pen:isCastBy",
         ("state that voted", "표결한 국가", "голосовавшее государство")),
        ("pen:Instrument", "pen:isTriggeredBy/pen:from",
         ("date of the occasion", "계기가 된 날", "дата повода")),
    )
)  # fmt: skip
#: Names in one language, for everything.
LABEL: Final = expand("rdfs:label")


def read_property(text: str, parameter: str = "queries") -> Property:
    """Return the property that ``text`` means; raises ParameterError where it can be none."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        raise _wrong(text, parameter, "it is empty or too long")
    language = ""
    rest = text
    if not text.endswith(">") and (match := _LANGUAGE.search(text)):
        language, rest = match[1].lower(), text[: match.start()]
    try:
        if re.match(r"https?://", rest):
            # A full IRI has slashes of its own.
            steps = [Step(read_iri(rest).value)]
        else:
            steps = list(_read_steps(rest))
    except ValueError as error:
        raise _wrong(text, parameter, str(error)) from None
    if len(steps) > MOST_STEPS:
        raise _wrong(text, parameter, f"it has more than {MOST_STEPS} steps")
    return Property(tuple(steps), language)


def _read_steps(text: str) -> Iterator[Step]:
    position = 0
    while True:
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"it cannot be read from “{text[position:][:40]}” on")
        yield Step(read_iri(match[2]).value, bool(match[1]))
        position = match.end()
        if position == len(text):
            return
        if text[position] != "/":
            raise ValueError(f"there is “{text[position]}” in it")
        position += 1


def _wrong(text: str, parameter: str, why: str) -> ParameterError:
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    return ParameterError(
        f"“{shown}” is no property: {why}.",
        "Write it as pen:birthDate, as a path ^pen:isTenureOf/pen:isTenureIn, or with a language: "
        "rdfs:label@ko.",
        parameter=parameter,
    )
