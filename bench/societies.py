"""What data are shapes judged on?

People, organisations, events, places and documents that refer to one another, with labels in
three languages, dates, identifiers and a small tree of classes. ``SHAPES`` says what they are to be
like. All conform, or every hundredth breaks one rule, each kind of mistake in turn; a mistake
makes one result, or two where a rule refers to another.

The same numbers give the same file on every machine: chance is ``random.Random(seed).random()``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.generator import COUNTRIES, THINGS, VOCABULARY

SHAPES = Path(__file__).with_name("societies.shapes.ttl")

#: Five people, one organisation, three events and one document make a block.
BLOCK = 10
#: As measured; says how many blocks make so many triples.
TRIPLES_PER_BLOCK = 80
#: A thing in so many is a violator, where there are any.
RARITY = 100

Chance = Callable[[], float]

_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"
_SUBCLASS = "<http://www.w3.org/2000/01/rdf-schema#subClassOf>"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_SYLLABLES = [onset + vowel for onset in "bdghjklmnprstvz" for vowel in "aeiou"]
_KINDS = {"Ministry": "state", "Party": "party", "Company": "business"}
_EVENTS = ("Summit", "Test", "Statement")
#: Kind of thing -> how many ways there are for it to be wrong.
_MISTAKES = {"person": 5, "organisation": 3, "event": 4, "document": 4}


def write(path: Path, things: int, *, violators: bool, seed: int = 42) -> int:
    """Write about ``things`` things to ``path`` as N-Triples; return how many triples it holds."""
    blocks = max(things // BLOCK, 10)
    triples = 0
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        for lines in _Society(blocks, random.Random(seed).random, violators=violators).lines():
            file.write(" .\n".join(lines) + " .\n")
            triples += len(lines)
    return triples


def things_of(triples: int) -> int:
    """Return how many things make about so many triples."""
    return triples * BLOCK // TRIPLES_PER_BLOCK


def newcomer(name: str, number: int, *, is_wrong: bool) -> str:
    """Return a person who is no thing of ``write``, as an update; wrong ones lack a nationality."""
    person, v = f"<{THINGS}newcomer/{name}>", VOCABULARY
    country = "" if is_wrong else f"<{v}nationality> <{THINGS}country/KR> ; "
    return (
        f'INSERT DATA {{ {person} a <{v}Person> ; {_LABEL} "newcomer {name}"@en ; {country}'
        f'<{v}identifier> "P{number}" ; <{v}born> "1970-01-01"^^<{_XSD}date> ; '
        f"<{v}member> <{THINGS}organisation/{number % 10 + 1}> }}"
    )


def meeting(name: str, number: int, *, is_wrong: bool) -> str:
    """Return an event, as an update; a wrong one ends before it begins."""
    event, v = f"<{THINGS}meeting/{name}>", VOCABULARY
    end = "2018-06-11" if is_wrong else "2018-06-12"
    return (
        f'INSERT DATA {{ {event} a <{v}Summit> ; {_LABEL} "meeting {name}"@en ; '
        f'<{v}identifier> "E{number}" ; <{v}start> "2018-06-12"^^<{_XSD}date> ; '
        f'<{v}end> "{end}"^^<{_XSD}date> ; <{v}place> <{THINGS}place/{number % 10 + 1}> ; '
        f"<{v}participant> <{THINGS}person/{number % 50 + 1}> , "
        f"<{THINGS}organisation/{number % 10 + 1}> }}"
    )


class _Society:
    def __init__(self, blocks: int, chance: Chance, *, violators: bool) -> None:
        self._blocks = blocks
        self._chance = chance
        self._violators = violators
        self._places = blocks // 10 + 10
        self._met = 0
        self._mistakes = dict.fromkeys(_MISTAKES, 0)

    def lines(self) -> Iterator[list[str]]:
        """Yield triples, some things at a time."""
        yield [
            *(f"<{VOCABULARY}{kind}> {_SUBCLASS} <{VOCABULARY}Organisation>" for kind in _KINDS),
            *(f"<{VOCABULARY}{kind}> {_SUBCLASS} <{VOCABULARY}Event>" for kind in _EVENTS),
        ]
        for code in COUNTRIES:
            it = f"<{THINGS}country/{code}>"
            yield [_is(it, "Country"), self._label(it, "en"), _has(it, "code", f'"{code}"')]
        for number in range(1, self._places + 1):
            yield self._place(f"<{THINGS}place/{number}>")
        for block in range(self._blocks):
            lines = []
            for number in range(block * 5 + 1, block * 5 + 6):
                lines += self._person(number, self._mistake("person"))
            lines += self._organisation(block + 1, self._mistake("organisation"))
            for number in range(block * 3 + 1, block * 3 + 4):
                lines += self._event(number, self._mistake("event"))
            lines += self._document(block + 1, self._mistake("document"))
            yield lines

    def _mistake(self, kind: str) -> int:
        """Return which mistake the next thing has; 0: none."""
        self._met += 1
        # A step of 101 goes through all places of a block.
        if not self._violators or self._met % (RARITY + 1):
            return 0
        self._mistakes[kind] += 1
        return self._mistakes[kind] % _MISTAKES[kind] + 1

    def _any(self, kind: str, number: int) -> str:
        return f"<{THINGS}{kind}/{1 + int(self._chance() * number)}>"

    def _country(self) -> str:
        return f"<{THINGS}country/{COUNTRIES[int(self._chance() * len(COUNTRIES))]}>"

    def _date(self, first: int, years: int) -> str:
        chance = self._chance
        year = first + int(chance() * years)
        return f"{year}-{1 + int(chance() * 12):02}-{1 + int(chance() * 28):02}"

    def _label(self, it: str, language: str) -> str:
        chance = self._chance
        words = (_SYLLABLES[int(chance() * 75)] + _SYLLABLES[int(chance() * 75)] for _ in range(2))
        return f'{it} {_LABEL} "{" ".join(words)}"@{language}'

    def _place(self, it: str) -> list[str]:
        chance = self._chance
        return [
            _is(it, "Place"),
            self._label(it, "en"),
            _has(it, "latitude", f'"{chance() * 160 - 80:.4f}"^^<{_XSD}decimal>'),
            _has(it, "longitude", f'"{chance() * 340 - 170:.4f}"^^<{_XSD}decimal>'),
            _has(it, "country", self._country()),
        ]

    def _person(self, number: int, mistake: int) -> list[str]:
        it, chance = f"<{THINGS}person/{number}>", self._chance
        lines = [
            _is(it, "Person"),
            self._label(it, "fr" if mistake == 1 else "en"),
            self._label(it, "ko"),
            _has(it, "identifier", f'"{"p" if mistake == 2 else "P"}{number}"'),
            _has(it, "born", _typed(self._date(1900, 55))),
            _has(it, "member", self._any("organisation", self._blocks)),
        ]
        if mistake != 3:
            lines.append(_has(it, "nationality", self._country()))
        if mistake == 4:
            lines.append(_has(it, "born", _typed("1899-12-31")))
        if mistake == 5:
            lines.append(_has(it, "died", _typed("1899-12-31")))
        elif chance() < 0.2:
            lines.append(_has(it, "died", _typed(self._date(1960, 60))))
        return lines

    def _organisation(self, number: int, mistake: int) -> list[str]:
        it = f"<{THINGS}organisation/{number}>"
        kind = list(_KINDS)[number % 3]
        home = f"//bench.example/organisation/{number}"
        return [
            _is(it, kind),
            self._label(it, "en"),
            _has(it, "kind", f'"{"club" if mistake == 1 else _KINDS[kind]}"'),
            *([] if mistake == 2 else [_has(it, "founded", _typed(self._date(1850, 49)))]),
            _has(it, "country", self._country()),
            _has(it, "homepage", f"<{'http' if mistake == 3 else 'https'}:{home}>"),
        ]

    def _event(self, number: int, mistake: int) -> list[str]:
        it, chance = f"<{THINGS}event/{number}>", self._chance
        start = self._date(1990, 20)
        people = {self._any("person", self._blocks * 5) for _ in range(1 + int(chance() * 3))}
        lines = [
            _is(it, _EVENTS[number % 3]),
            self._label(it, "en"),
            self._label(it, "ru"),
            _has(it, "identifier", f'"E{number}"'),
            _has(it, "start", _typed(start)),
            _has(it, "end", _typed("1989-12-31" if mistake == 1 else start)),
            *(_has(it, "participant", person) for person in sorted(people)),
        ]
        if mistake != 2:
            lines.append(_has(it, "place", self._any("place", self._places)))
        group = _has(it, "participant", self._any("organisation", self._blocks))
        if mistake == 3:  # too few
            return [*(line for line in lines if "participant" not in line), group]
        if mistake == 4:  # of the wrong kind
            lines.append(_has(it, "participant", self._any("place", self._places)))
        return [*lines, group]

    def _document(self, number: int, mistake: int) -> list[str]:
        it = f"<{THINGS}document/{number}>"
        author = "organisation" if mistake == 1 else "person"
        pages = "decimal" if mistake == 3 else "integer"
        return [
            _is(it, "Document"),
            self._label(it, "en"),
            _has(it, "identifier", f'"D{number}"'),
            _has(it, "author", self._any(author, self._blocks)),
            _has(it, "about", self._any("event", self._blocks * 3)),
            _has(it, "issued", _typed("1950-01-01" if mistake == 2 else self._date(2010, 10))),
            _has(it, "pages", f'"{0 if mistake == 3 else number % 900 + 1}"^^<{_XSD}{pages}>'),
            _has(it, "rating", f'"{number % 5 + 0.5}"^^<{_XSD}decimal>'),
            *([_has(it, "shelf", '"12"')] if mistake == 4 else []),
        ]


def _is(it: str, kind: str) -> str:
    return f"{it} {_TYPE} <{VOCABULARY}{kind}>"


def _has(it: str, name: str, value: str) -> str:
    return f"{it} <{VOCABULARY}{name}> {value}"


def _typed(date: str) -> str:
    return f'"{date}"^^<{_XSD}date>'
