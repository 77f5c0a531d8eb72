"""How well does a name fit what is looked for, and why?

Every word that is looked for must be like some word of the name. Then the more of the name is
said, the better it fits: “Putin” says half of “Vladimir Putin”, and a twelfth of a claim. Names are
compared as a whole, too, without their spaces: 문재인 대통령 is 문재인대통령, “Kim Jong-un” 김정은.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from peninsula.searching.romanization import compose, is_all_hangul
from peninsula.searching.stemming import without_particle
from peninsula.searching.words import (
    HOWS,
    LONGEST_SHORT,
    LONGEST_WORD,
    SHORTEST_OPEN,
    SHORTEST_PART,
    STRICT,
    Likeness,
    Token,
    Word,
    close_word,
    compare,
    initials_of,
    make_whole,
    make_word,
    read_words,
    tokenize,
)

#: Characters of a text that is looked for, and words of it.
LONGEST_TEXT: Final = 200
MOST_WORDS: Final = 24
#: Letters of a name that is compared as a whole.
LONGEST_WHOLE: Final = 40
#: What part of what is looked for a name must at least be like, where nothing is like all of it.
LEAST_PART: Final = 0.5
#: How much shorter or longer a name may be in another script.
_MOST_SHORTER: Final = 0.4
_MOST_LONGER: Final = 2.5
#: The same in the same script, where systems of writing it differ.
_MOST_BY: Final = 4
#: What a word like “of” counts beside others.
_LITTLE: Final = 0.15

_FULL: Final = 0.52
_COVERED: Final = 0.32
_BEGUN: Final = 0.11
_IN_ORDER: Final = 0.05
#: What initials are worth, written as such and not, and how many letters may be the first of more.
_SHOUTED: Final = 0.9
_SHORT: Final = 0.6
_SHORTEST_BEGUN: Final = 4
#: What a name is worth whose words are spread over several names of a thing.
_SPREAD: Final = 0.4
_COMPOUND: Final = re.compile(r"[^\W_]+(?:[-‐‑'’·][^\W_]+)+")
_HYPHEN: Final = re.compile(r"\w[-‐‑'’·]\w")
_RANK: Final = {how: rank for rank, how in enumerate(HOWS)}


class Span(NamedTuple):
    """A part of a text."""

    start: int
    end: int


class Part(NamedTuple):
    """Words of a name that are one: its first and last, and what they make."""

    word: Word
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Known:
    """A name as it is compared."""

    tokens: tuple[Token, ...]
    #: Each word, and what is written with hyphens as one.
    parts: tuple[Part, ...]
    #: Its words with spaces between.
    phrase: str
    #: Its words without.
    joined: str
    text: str

    @property
    def initials(self) -> frozenset[str]:
        """Return what it is in short."""
        return _shorten(self.text)

    @property
    def whole(self) -> Word | None:
        """Return all of it as one word; None where it is too long for a name."""
        return _whole(self.joined)


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is looked for."""

    words: tuple[Word, ...]
    whole: Word | None
    phrase: str
    #: The initials that it may be, and whether it is written as such.
    short: str = ""
    is_shouted: bool = False

    @property
    def weights(self) -> tuple[float, ...]:
        """Return how much each word counts."""
        return tuple(_weight(word) for word in self.words)

    @property
    def is_begun_short(self) -> bool:
        """Return whether it may be the beginning of some initials: UNSCR of UNSCR 2397."""
        return self.is_shouted and len(self.short) >= _SHORTEST_BEGUN

    @property
    def required(self) -> tuple[Word, ...]:
        """Return the words that a name must have something like: all, where none says much."""
        telling = tuple(word for word in self.words if not word.is_stopped)
        return telling or self.words


class Fit(NamedTuple):
    """How well a name fits, 1 being the same name, and by what."""

    score: float
    how: str
    #: Whether every word is strictly like one of the name.
    is_strict: bool = False

    @property
    def is_whole(self) -> bool:
        """Return whether it is the same name."""
        return self.score >= 1


@lru_cache(1 << 13)
def read_name(text: str) -> Known:
    """Return a name as it is compared."""
    tokens = tokenize(text)
    parts = [Part(token[0], i, i) for i, token in enumerate(tokens)]
    if _HYPHEN.search(text):
        for match in _COMPOUND.finditer(text):
            start, end = match.span()
            inside = [i for i, t in enumerate(tokens) if start <= t.start < end]
            if len(inside) > 1:
                joined = "".join(tokens[i].word.text for i in inside)[:LONGEST_WORD]
                parts.append(Part(make_word(joined), inside[0], inside[-1]))
    words = [token[0].text for token in tokens]
    return Known(tuple(tokens), tuple(parts), " ".join(words), "".join(words), text)


def read_keys(text: str) -> tuple[list[Word], Word | None]:
    """Return the words of a name and all of it as one, without where they stand."""
    if _HYPHEN.search(text):
        name = read_name(text)
        return [part[0] for part in name.parts], name.whole
    words = read_words(text)
    if len(words) == 1 and len(words[0].text) <= LONGEST_WHOLE:
        return words, make_whole(words[0].text, words[0])
    return words, _whole("".join([word.text for word in words]))


def read_phrase(text: str) -> Phrase:
    """Return what is looked for, as it is compared; of a long text, its beginning."""
    tokens = tokenize(text[:LONGEST_TEXT])[:MOST_WORDS]
    words = tuple(
        # A letter or two begin too many words; the last one is perhaps still being typed.
        close_word(token.word)
        if len(token.word.text) < SHORTEST_OPEN and i and not _is_initial(text, token)
        else token.word
        for i, token in enumerate(reversed(tokens))
    )[::-1]
    joined = "".join(word.text for word in words)
    written = "".join(text[token.start : token.end] for token in tokens)
    is_shouted = written.isupper()
    is_short = 1 < len(joined) <= LONGEST_SHORT and not any(word.is_hangul for word in words)
    if not is_shouted:
        # Two letters, or two words, are a name rather than initials.
        is_short = is_short and len(joined) > len(words) == 1 and len(joined) > SHORTEST_PART - 1
    short = joined if is_short and not joined.isdecimal() else ""
    phrase = " ".join(word.text for word in words)
    return Phrase(words, _whole(joined), phrase, short, is_shouted)


def _is_initial(text: str, token: Token) -> bool:
    """Return whether it is the V of V. Putin."""
    return token.end - token.start == 1 and text[token.start].isupper()


_shorten = lru_cache(1 << 13)(initials_of)


def _whole(joined: str) -> Word | None:
    if not 0 < len(joined) <= LONGEST_WHOLE:
        return None
    return make_whole(joined)


def _weight(word: Word) -> float:
    length = float(len(word.latin) or len(word.text))
    return length * _LITTLE if word.is_stopped else length


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
    found = [_best(word, name.parts, is_loose=is_loose) for word in phrase.words]
    required = set(phrase.required)
    weights = phrase.weights
    alike = said = 0.0
    worst = "exact"
    for word, weight, (likeness, _) in zip(phrase.words, weights, found, strict=True):
        if likeness is None:
            if word in required and not is_partial:
                return None
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
    of_name = [_LITTLE if token.word.is_stopped else 1.0 for token in name.tokens]
    cover = sum(of_name[i] * degree for i, degree in covered.items()) / sum(of_name)
    places = [part.first for _, part in found if part]
    is_in_order = all(b - a == 1 for a, b in pairwise(places))
    score = (alike / whole) * (
        _FULL
        + _COVERED * min(cover, 1.0)
        + (_BEGUN if 0 in covered else 0)
        + (_IN_ORDER if is_in_order else 0)
    )
    is_all = all(
        likeness or word not in required
        for word, (likeness, _) in zip(phrase.words, found, strict=True)
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
    required = set(phrase.required)
    for word, weight in zip(phrase.words, phrase.weights, strict=True):
        likeness, _ = _best(word, parts, is_loose=is_loose)
        if likeness is not None:
            alike += weight * likeness.degree
            worst = max(worst, likeness.how, key=_RANK.__getitem__)
        elif word in required:
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


def split_compound(word: Word, knows: Callable[[str], bool]) -> list[Word] | None:
    """Return the words that a Korean compound is written together of; None where it is none.

    ``knows`` says whether a text, folded, is a word of some name. 푸틴대통령의 is 푸틴, 대통령.
    """
    composed = compose(word.text)
    if not 4 <= len(composed) <= _LONGEST_COMPOUND or not is_all_hangul(composed):
        return None
    for text in dict.fromkeys((composed, without_particle(composed))):
        if found := _split(text, knows):
            return found
    return None


#: Syllables of a compound that is taken apart: each more costs as many looks into the vocabulary.
_LONGEST_COMPOUND: Final = 20


def _split(composed: str, knows: Callable[[str], bool]) -> list[Word] | None:
    """Return the fewest words of two syllables and more that ``composed`` is made of."""
    best: list[list[Word] | None] = [[]] + [None] * len(composed)
    for end in range(2, len(composed) + 1):
        for start in range(end - 1):
            before = best[start]
            if before is None or (start == 0 and end == len(composed)):
                continue
            fewest = best[end]
            if fewest is not None and len(fewest) <= len(before) + 1:
                continue
            part = tokenize(composed[start:end])[0].word
            if knows(part.text):
                best[end] = [*before, part]
    found = best[-1]
    return found if found and len(found) > 1 else None
