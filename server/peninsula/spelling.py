"""How are names compared: which are alike, and where in one is what is sought?

Case, accents and punctuation do not count, in whatever language a name is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import filterfalse
from typing import Final

#: Characters of a name that are looked at.
LONGEST_NAME: Final = 600
_SEPARATORS: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Piece:
    """A part of a name; marked where it is what was looked for."""

    text: str
    is_marked: bool = False


def fold(text: str) -> str:
    """Return ``text`` as names are compared: without case, accents and punctuation."""
    return " ".join(_SEPARATORS.sub(" ", _spell(text)).split())


def _spell(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filterfalse(unicodedata.combining, decomposed))


def split_words(text: str) -> list[str]:
    """Return the words of ``text`` in lower case, with their accents: as SPARQL compares them."""
    lowered = unicodedata.normalize("NFC", text).lower()
    return _SEPARATORS.sub(" ", lowered).split() or [lowered.strip()]


def mark_spans(
    text: str, spans: Iterable[tuple[int, int]], *, most: int = LONGEST_NAME
) -> tuple[Piece, ...]:
    """Return ``text`` with the parts between these places marked; cut to ``most`` characters."""
    is_marked = [False] * len(text)
    for start, end in spans:
        is_marked[start:end] = [True] * (min(end, len(text)) - start)
    return _cut(text, is_marked, most)


def _cut(text: str, is_marked: list[bool], most: int) -> tuple[Piece, ...]:
    first = is_marked.index(True) if True in is_marked else 0
    start = 0 if len(text) <= most or first < most * 2 // 3 else first - most // 3
    end = min(len(text), start + most)
    pieces: list[Piece] = [Piece("… ")] if start else []
    at = start
    while at < end:
        until = at
        while until < end and is_marked[until] == is_marked[at]:
            until += 1
        pieces.append(Piece(text[at:until], is_marked[at]))
        at = until
    return (*pieces, Piece(" …")) if end < len(text) else tuple(pieces)


def grams_of(text: str) -> set[str]:
    """Return every three characters in a row; the whole of a shorter text."""
    return {text[i : i + 3] for i in range(len(text) - 2)} or ({text} if text else set())


def distance(first: str, second: str, most: int) -> int:
    """Return how many letters are to be put in, left out, changed or exchanged with the next.

    That is ``most`` + 1 where they are more than ``most``.
    """
    if abs(len(first) - len(second)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first):
        earlier, before = before, row
        row = [i + 1]
        for j, b in enumerate(second):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (a != b))
            if i and j and a == second[j - 1] and first[i - 1] == b:
                cost = min(cost, earlier[j - 1] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
