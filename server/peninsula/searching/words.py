"""How alike are two words, in whatever script and form they stand?

Strictly alike is what means the same word: in another form, in the letters of another script, as
far as it is typed, or as a part of a Korean compound. Loosely alike is what may be meant: misspelt,
heard in Korean, or a part of a longer word. An index and a comparison of one by one find the same,
because both go by the keys of a :class:`Word`.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from peninsula.searching.romanization import (
    compose,
    has_hangul,
    romanize,
    simplify,
    sound,
    spell_surname,
)
from peninsula.searching.stemming import is_stopped, stems
from peninsula.spelling import distance, fold

#: Letters of a word that count.
LONGEST_WORD: Final = 64
#: Letters from which one, and two, of them may be wrong.
ONE_TYPO: Final = 4
TWO_TYPOS: Final = 8
#: Consonants that a sound has at least; with fewer it is too many words'.
_LEAST_SOUNDS: Final = 3
#: Letters of a word that may be the beginning of another though more words follow.
SHORTEST_OPEN: Final = 3
#: Letters by which so many words begin that an index has to know which things have one.
LONGEST_HEAD: Final = 2
#: Letters of a word that is alike by chance.
_SYLLABLE: Final = 2
#: Letters of a part of a word at least.
SHORTEST_PART: Final = 3

#: What was alike, from the best to the worst.
HOWS: Final = (
    "exact", "form", "spelling", "beginning", "compound", "initials", "sound", "typo", "part",
)  # fmt: skip
STRICT: Final = frozenset(HOWS[:6])

#: Syllables of a part of a Korean compound.
SHORTEST_COMPOUNDED: Final = 2
#: The letters that a syllable of Hangul begins with, once it is taken apart.
_BEGINNING: Final = re.compile("[\u1100-\u1112]")

#: Letters and words of a name that is shortened to initials; letters of what comes of it.
_LONGEST_SHORTENED: Final = 90
_MOST_SHORTENED: Final = 9
_SHORTEST_SHORT: Final = 2
LONGEST_SHORT: Final = 12
_LONGEST_WHOLE_IN_SHORT: Final = 5
_DIGIT: Final = re.compile(r"\d")
_NONE: Final[frozenset[str]] = frozenset()
#: Letters and digits, and what stands over them; the s of Putin’s is none of the name.
_TOKEN: Final = re.compile(r"(?!(?<=['’])[sS]\b)(?:[^\W_]|[\u0300-\u036f])+")


# Told apart by what they are, not by what they hold: they are looked up often. Never changed, but
# not frozen, because hundreds of thousands are made for an index.
@dataclass(slots=True, eq=False)
class Word:
    """A word, and the keys by which others are like it."""

    #: Folded, with Hangul taken apart into letters.
    text: str
    #: In Latin letters.
    roman: str
    #: The same, what systems differ in written alike.
    latin: str
    #: What it has in common with its other forms.
    stems: frozenset[str]
    #: All of these: two words are strictly alike that have one in common, or that begin so.
    keys: frozenset[str]
    #: The consonants of a whole name; only what is Hangul and what is not are compared so.
    sounds: frozenset[str]
    is_hangul: bool
    is_stopped: bool
    #: What is left of a Korean word from its second syllable on, from its third, …
    endings: tuple[str, ...] = ()
    #: How its keys begin, by one letter and by two.
    heads: frozenset[str] = _NONE
    #: Whether it is looked for as it is, and not as the beginning of another.
    is_closed: bool = False

    @property
    def is_compounded(self) -> bool:
        """Return whether it is long enough to be meant as a part of a Korean compound."""
        return (
            self.is_hangul
            and not self.is_closed
            and len(_BEGINNING.findall(self.text)) >= SHORTEST_COMPOUNDED
        )

    @property
    def is_part(self) -> bool:
        """Return whether it may be meant as a part of a longer word: a number never is."""
        return len(self.text) >= SHORTEST_PART and not self.text.isdecimal()

    @property
    def typos(self) -> int:
        """Return how many letters may be wrong: of a number, none."""
        if _DIGIT.search(self.text):
            return 0
        length = len(self.latin)
        return 2 if length >= TWO_TYPOS else 1 if length >= ONE_TYPO else 0


class Token(NamedTuple):
    """A word where it stands in a text."""

    word: Word
    start: int
    end: int


class Likeness(NamedTuple):
    """How alike a word is to one that is looked for: 1 is the same."""

    degree: float
    how: str


@lru_cache(1 << 16)
def make_word(folded: str) -> Word:
    """Return the word that is written ``folded``."""
    composed = compose(folded)
    roman = romanize(composed)
    latin = simplify(roman)
    found = stems(composed)
    is_hangul = has_hangul(composed)
    if is_hangul:
        found = frozenset([folded if stem == composed else fold(stem) for stem in found])
    keys = frozenset((folded, latin, *found))
    endings: tuple[str, ...] = ()
    if is_hangul:
        starts = [match.start() for match in _BEGINNING.finditer(folded)]
        endings = tuple(folded[start:] for start in starts[1 : 1 - SHORTEST_COMPOUNDED])
    heads = frozenset([key[:length] for key in keys for length in range(1, LONGEST_HEAD + 1)])
    return Word(
        folded, roman, latin, found, keys, _NONE, is_hangul, is_stopped(composed), endings, heads
    )


@lru_cache(1 << 10)
def close_word(word: Word) -> Word:
    """Return a word that has been typed whole, because others follow."""
    return dataclasses.replace(word, is_closed=True)


@lru_cache(1 << 12)
def make_whole(folded: str, word: Word | None = None) -> Word:
    """Return a name that is written ``folded``, without spaces, as one word.

    ``word`` is the only one of the name, where it has but one.
    """
    composed = compose(folded)
    roman = word.roman if word else romanize(composed)
    latin = word.latin if word else simplify(roman)
    is_hangul = has_hangul(composed)
    sounds = {sound(roman)}
    if is_hangul and (surnamed := spell_surname(composed)):
        sounds.add(sound(surnamed))
    heard = frozenset([s for s in sounds if len(s) >= _LEAST_SOUNDS])
    # Only itself is its stem: it has no forms.
    itself = frozenset((folded,))
    keys = itself | {latin}
    return Word(folded, roman, latin, itself, keys, heard, is_hangul, is_stopped=False)


@lru_cache(1 << 16)
def _read_word(written: str) -> Word | None:
    folded = fold(written).replace(" ", "")[:LONGEST_WORD]
    return make_word(folded) if folded else None


def initials_of(text: str) -> frozenset[str]:
    """Return what a name is in short: UNSC, with and without what is said in brackets or little.

    Words that are short for something themselves, and numbers, stand whole: Совет Безопасности ООН
    is СБООН, and resolution 2397 of it 2397 at the end.
    """
    if len(text) > _LONGEST_SHORTENED or has_hangul(text):
        return _NONE
    found = set()
    for part in (text, text.partition("(")[0]) if "(" in text else (text,):
        written = _TOKEN.findall(part)
        if not 1 < len(written) <= _MOST_SHORTENED:
            continue
        words = [(word, text) for text in written if (word := _read_word(text))]
        found.add("".join([_initial(word, text) for word, text in words]))
        if any(word.is_stopped for word, _ in words):
            found.add(
                "".join([_initial(word, text) for word, text in words if not word.is_stopped])
            )
    return frozenset([short for short in found if _SHORTEST_SHORT <= len(short) <= LONGEST_SHORT])


def _initial(word: Word, written: str) -> str:
    is_short = written.isupper() and len(written) <= _LONGEST_WHOLE_IN_SHORT
    return word.text if is_short or written.isdecimal() else word.text[:1]


def tokenize(text: str) -> list[Token]:
    """Return the words of ``text`` and where they stand."""
    return [
        Token(word, match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if (word := _read_word(match[0]))
    ]


def read_words(text: str) -> list[Word]:
    """Return the words of ``text``."""
    return [word for found in _TOKEN.findall(text) if (word := _read_word(found))]


@lru_cache(1 << 15)
def compare(wished: Word, word: Word, *, is_loose: bool) -> Likeness | None:
    """Return how alike ``word`` is to ``wished``; None where it is not."""
    if wished.text == word.text:
        return Likeness(1.0, "exact")
    likeness = _compare_strictly(wished, word)
    if likeness is None and is_loose:
        likeness = _compare_loosely(wished, word)
    return likeness


def _compare_strictly(wished: Word, word: Word) -> Likeness | None:
    if not wished.stems.isdisjoint(word.stems):
        return Likeness(0.95, "form")
    if wished.latin == word.latin or not wished.keys.isdisjoint(word.keys):
        # A syllable is soon like another one: Юн is no ООН.
        is_told = len(wished.latin) > _SYLLABLE or wished.roman == word.roman
        return Likeness(0.9 if is_told else 0.6, "spelling")
    return None if wished.is_closed else _compare_beginning(wished, word)


def _compare_beginning(wished: Word, word: Word) -> Likeness | None:
    if word.text.startswith(wished.text):
        return Likeness(0.6 + 0.35 * len(wished.text) / len(word.text), "beginning")
    if any(key.startswith((wished.text, wished.latin)) for key in word.keys):
        part = min(1.0, len(wished.latin) / (len(word.latin) or 1))
        return Likeness(0.55 + 0.3 * part, "beginning")
    if wished.is_compounded and wished.text in word.text:
        return Likeness(0.5 + 0.3 * len(wished.text) / len(word.text), "compound")
    return None


def _compare_loosely(wished: Word, word: Word) -> Likeness | None:
    if wished.is_hangul != word.is_hangul and (same := wished.sounds & word.sounds):
        return Likeness(0.6 if len(max(same, key=len)) <= _LEAST_SOUNDS else 0.7, "sound")
    if most := wished.typos:
        letters, length = set(wished.latin), len(wished.latin)
        # Each letter that is nowhere in a word is wrong at least once.
        near = [
            key
            for key in word.keys
            if -most <= len(key) - length <= most and len(letters.difference(key)) <= most
        ]
        wrong = min([distance(wished.latin, key, most) for key in near], default=most + 1)
        if wrong <= most:
            return Likeness(0.9 * (1 - wrong / len(wished.latin)), "typo")
    if wished.is_part and wished.text in word.text:
        return Likeness(0.35 + 0.3 * len(wished.text) / len(word.text), "part")
    return None
