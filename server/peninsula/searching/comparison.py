"""How well does a name fit what is looked for, and why?

Every word that is looked for must be like some word of the name. Then the more of the name is
said, the better it fits: “Putin” says half of “Vladimir Putin”, and a twelfth of a claim. Names are
compared as a whole, too, without their spaces: 문재인 대통령 is 문재인대통령, “Kim Jong-un” 김정은.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, NamedTuple

from peninsula.searching.phrases import LITTLE, Known, Part, Phrase
from peninsula.searching.romanization import compose
from peninsula.searching.words import (
    HOWS,
    SHORTEST_PART,
    STRICT,
    Likeness,
    Word,
    compare,
    tokenize,
)

#: What part of what is looked for a name must at least be like, where nothing is like all of it.
LEAST_PART: Final = 0.5
#: How much shorter or longer a name may be in another script.
_MOST_SHORTER: Final = 0.4
_MOST_LONGER: Final = 2.5
#: The same in the same script, where systems of writing it differ.
_MOST_BY: Final = 4

_FULL: Final = 0.52
_COVERED: Final = 0.32
_BEGUN: Final = 0.11
_IN_ORDER: Final = 0.05
#: What initials are worth, written as such and not.
_SHOUTED: Final = 0.9
_SHORT: Final = 0.6
#: What a name is worth whose words are spread over several names of a thing.
_SPREAD: Final = 0.4
_RANK: Final = {how: rank for rank, how in enumerate(HOWS)}


class Span(NamedTuple):
    """A part of a text."""

    start: int
    end: int


class Fit(NamedTuple):
    """How well a name fits, 1 being the same name, and by what."""

    score: float
    how: str
    #: Whether every word is strictly like one of the name.
    is_strict: bool = False


def fit(phrase: Phrase, name: Known, *, is_loose: bool, is_partial: bool = False) -> Fit | None:
    """Return how well ``name`` fits ``phrase``; None where it does not.

    ``is_loose`` lets words be loosely alike, ``is_partial`` lets some be missing.
    """
    if phrase.phrase == name.phrase:
        return Fit(1.0, "exact", is_strict=True)
    return max(
        filter(
            None,
            (
                _fit_words(phrase, name, is_loose=is_loose, is_partial=is_partial),
                _fit_whole(phrase, name, is_loose=is_loose),
                _fit_initials(phrase, name),
            ),
        ),
        default=None,
    )


def _fit_words(phrase: Phrase, name: Known, *, is_loose: bool, is_partial: bool) -> Fit | None:
    found: list[tuple[Likeness | None, Part | None]] = []
    weights = phrase.weights
    alike = said = 0.0
    worst = "exact"
    is_all = True
    for word, weight, is_needed in zip(phrase.words, weights, phrase.needs, strict=True):
        likeness, part = _best(word, name.parts, is_loose=is_loose)
        found.append((likeness, part))
        if likeness is None:
            if is_needed:
                if not is_partial:
                    return None
                is_all = False
        else:
            alike += weight * likeness.degree
            said += weight
            worst = max(worst, likeness.how, key=_RANK.__getitem__)
    whole = sum(weights)
    if not said or said < whole * LEAST_PART:
        return None
    covered: dict[int, float] = {}
    for likeness, part in found:
        if likeness and part:
            for i in range(part.first, part.last + 1):
                covered[i] = max(covered.get(i, 0), likeness.degree)
    of_name = [LITTLE if token.word.is_stopped else 1.0 for token in name.tokens]
    cover = sum(of_name[i] * degree for i, degree in covered.items()) / sum(of_name)
    places = [part.first for _, part in found if part]
    is_in_order = all(b - a == 1 for a, b in pairwise(places))
    score = (alike / whole) * (
        _FULL
        + _COVERED * min(cover, 1.0)
        + (_BEGUN if 0 in covered else 0)
        + (_IN_ORDER if is_in_order else 0)
    )
    return Fit(score, worst, is_strict=is_all and worst in STRICT)


def _best(
    word: Word, parts: Iterable[Part], *, is_loose: bool
) -> tuple[Likeness | None, Part | None]:
    best: tuple[Likeness | None, Part | None] = (None, None)
    for part in parts:
        likeness = compare(word, part.word, is_loose=is_loose)
        if likeness and (best[0] is None or likeness.degree > best[0].degree):
            best = (likeness, part)
            if likeness.degree >= 1:
                break
    return best


def _fit_whole(phrase: Phrase, name: Known, *, is_loose: bool) -> Fit | None:
    """Return how well a name fits without regard to where its words end."""
    wished = phrase.whole
    if wished is None or len(wished.latin) < SHORTEST_PART:
        return None
    if wished.text == name.joined:
        return Fit(0.98, "exact", is_strict=True)
    is_about_as_long = _MOST_SHORTER <= len(name.joined) / len(wished.text) <= _MOST_LONGER
    if wished.text[0].isascii() == name.joined[:1].isascii():
        is_about_as_long = abs(len(name.joined) - len(wished.text)) <= _MOST_BY
    whole = name.whole if is_about_as_long else None
    if whole is None:
        return None
    if wished.latin == whole.latin:
        return Fit(0.93, "spelling", is_strict=True)
    likeness = compare(wished, whole, is_loose=True) if is_loose else None
    if likeness is None or likeness.how in {"part", "compound"}:
        return None
    return Fit(0.95 * likeness.degree, likeness.how, is_strict=likeness.how in STRICT)


def _fit_initials(phrase: Phrase, name: Known) -> Fit | None:
    """Return how well a name fits that is looked for in short."""
    short = phrase.short
    if not short or not name.initials:
        return None
    if short in name.initials:
        return Fit(_SHOUTED if phrase.is_shouted else _SHORT, "initials", is_strict=True)
    if phrase.is_begun_short and any(known.startswith(short) for known in name.initials):
        return Fit(_SHORT, "initials", is_strict=True)
    return None


def fit_spread(phrase: Phrase, names: Iterable[Known], *, is_loose: bool) -> Fit | None:
    """Return how well the names of one thing fit together, each word in some of them."""
    parts = [part for name in names for part in name.parts]
    alike = 0.0
    worst = "exact"
    for word, weight, is_needed in zip(phrase.words, phrase.weights, phrase.needs, strict=True):
        likeness, _ = _best(word, parts, is_loose=is_loose)
        if likeness is not None:
            alike += weight * likeness.degree
            worst = max(worst, likeness.how, key=_RANK.__getitem__)
        elif is_needed:
            return None
    return Fit(_SPREAD * alike / sum(phrase.weights), worst, is_strict=worst in STRICT)


def find_spans(phrase: Phrase, name: Known, text: str) -> list[Span]:
    """Return the parts of ``text``, which is called ``name``, that are like what is looked for."""
    spans: list[Span] = []
    for word in phrase.words:
        likeness, part = _best(word, name.parts, is_loose=True)
        if likeness is None or part is None:
            continue
        start, end = name.tokens[part.first].start, name.tokens[part.last].end
        if likeness.how in {"beginning", "compound", "part"} and word.text in part.word.text:
            spans.append(_narrow(text, start, end, word.text, part.word.text))
        else:
            spans.append(Span(start, end))
    if not spans and (whole := _fit_whole(phrase, name, is_loose=True)) and whole.score:
        spans = [Span(0, len(text))]
    return spans


def _narrow(text: str, start: int, end: int, wished: str, word: str) -> Span:
    """Return which characters of a word make up ``wished``."""
    before = word.find(wished)
    after = before + len(wished)
    at = 0
    first, last = start, end
    for i in range(start, end):
        length = sum(len(token.word.text) for token in tokenize(text[i]))
        if at <= before < at + length:
            first = i
        at += length
        if at >= after:
            last = i + 1
            break
    return Span(first, last)


def correct(phrase: Phrase, name: Known, text: str) -> str:
    """Return what is looked for with misspelt words as they stand in a name; “” where none is."""
    words: list[str] = []
    is_corrected = False
    for word in phrase.words:
        likeness, part = _best(word, name.parts, is_loose=True)
        if likeness and part and likeness.how in {"typo", "sound"}:
            words.append(text[name.tokens[part.first].start : name.tokens[part.last].end])
            is_corrected = True
        else:
            words.append(compose(word.text))
    if is_corrected:
        return " ".join(words)
    whole = _fit_whole(phrase, name, is_loose=True)
    return text if whole and whole.how in {"typo", "sound"} else ""
