"""Which of these things may be called like that?

Names are compared without case, punctuation and underscores. Names whose numbers differ are the
names of different things, however alike: resolutions 2375 and 2397, the summits of two years.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.shacl.view import Term

#: Similar names that are returned, and how similar they are.
MOST: Final = 3
_LIKENESS: Final = 0.84
#: How similar names are that differ by one slip, and how long they must be to be taken for that.
_SLIP: Final = 0.95
_SHORT: Final = 4
#: Names that differ more in length, as a part of the one sought, are not compared.
_LENGTH: Final = 0.4
#: What is compared of a long name.
_COMPARED: Final = 300
#: What our local names are made of, besides numbers.
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz-"
_NUMBERS: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Named:
    """A thing, and its names as ``to_key`` makes them."""

    thing: Term
    keys: tuple[str, ...]


def rank(things: Iterable[Named], text: str) -> list[Term]:
    """Return the few things whose name is ``text`` or much like it, the likest first."""
    key = to_key(text)
    if not key:
        return []
    matcher = difflib.SequenceMatcher(b=key, autojunk=False)
    scored: list[tuple[float, str, Term]] = []
    for named in things:
        best = max((_likeness(matcher, key, other) for other in named.keys), default=0.0)
        if best:
            scored.append((-best, str(named.thing), named.thing))
    return [thing for _, _, thing in sorted(scored, key=lambda row: row[:2])[:MOST]]


def is_like(one: str, other: str) -> bool:
    """Return whether two names are the same or much alike."""
    key = to_key(other)
    return _likeness(difflib.SequenceMatcher(b=key, autojunk=False), key, to_key(one)) > 0


def _likeness(matcher: difflib.SequenceMatcher[str], key: str, other: str) -> float:
    """Return 1 for the same name, less for one much alike, else 0."""
    if key == other:
        return 1.0
    if not other or abs(len(key) - len(other)) > _LENGTH * len(key):
        return 0.0
    if sorted(_NUMBERS.findall(key)) != sorted(_NUMBERS.findall(other)):
        return 0.0
    if len(key) >= _SHORT and _is_slip(key, other):
        return _SLIP
    matcher.set_seq1(other)
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio)
    if any(bound() < _LIKENESS for bound in bounds):
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= _LIKENESS else 0.0


def _is_slip(one: str, other: str) -> bool:
    """Return whether one letter is left out, put in, or another, or two have changed places."""
    if len(one) < len(other):
        one, other = other, one
    start = 0
    while start < len(other) and one[start] == other[start]:
        start += 1
    rest, its = one[start:], other[start:]
    if len(one) > len(other):
        return rest[1:] == its
    return rest[1:] == its[1:] or (rest[:2] == its[1::-1] and rest[2:] == its[2:])


def slips(name: str) -> Iterator[str]:
    """Yield what ``name`` may be with one slip in it, numbers left alone."""
    for i in range(len(name) + 1):
        head, tail = name[:i], name[i:]
        if tail and not tail[0].isdecimal():
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in _LETTERS)
            if len(tail) > 1 and not tail[1].isdecimal():
                yield head + tail[1] + tail[0] + tail[2:]
        yield from (head + letter + tail for letter in _LETTERS)


def spellings(text: str) -> Iterator[str]:
    """Yield ``text`` in the cases in which names are written."""
    plain = " ".join(text.split())
    yield from (text, plain, " ".join(word[:1].upper() + word[1:] for word in plain.split()))
    yield from (plain.title(), plain[:1].upper() + plain[1:], plain.lower(), plain.upper())


def to_key(name: str) -> str:
    """Return a name without what people do not tell names apart by."""
    text = unicodedata.normalize("NFKC", name[:_COMPARED]).casefold()
    return " ".join(re.findall(r"[^\W_]+", text))


def local_name(iri: str) -> str:
    """Return what an IRI ends with, after its last slash, hash or colon."""
    return re.split(r"[/#:]", iri.rstrip("/#"))[-1]


def name_in(term: Term) -> str:
    """Return what a term is called by itself: its text, or its local name."""
    return local_name(term.value) if isinstance(term, ox.NamedNode) else term.value
