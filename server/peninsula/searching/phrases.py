"""How is a name read, and what is looked for, so that they can be compared?

By its words, and as a whole without their spaces; what is looked for may be initials, too, or have
Korean words written together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from peninsula.searching.romanization import compose, is_all_hangul
from peninsula.searching.stemming import without_particle
from peninsula.searching.words import (
    LONGEST_SHORT,
    LONGEST_WORD,
    SHORTEST_OPEN,
    SHORTEST_PART,
    Token,
    Word,
    close_word,
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
#: What a word like “of” counts beside others.
LITTLE: Final = 0.15
#: Letters of initials that may be the first of more.
_SHORTEST_BEGUN: Final = 4
_COMPOUND: Final = re.compile(r"[^\W_]+(?:[-‐‑'’·][^\W_]+)+")
_HYPHEN: Final = re.compile(r"\w[-‐‑'’·]\w")
#: Syllables of a compound that is taken apart: each more costs as many looks into the vocabulary.
_LONGEST_COMPOUND: Final = 20


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


@dataclass(frozen=True)
class Phrase:
    """What is looked for."""

    words: tuple[Word, ...]
    whole: Word | None
    phrase: str
    #: The initials that it may be, and whether it is written as such.
    short: str = ""
    is_shouted: bool = False

    # What follows is asked for every name that is compared.

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """Return how much each word counts."""
        return tuple(_weight(word) for word in self.words)

    @property
    def is_begun_short(self) -> bool:
        """Return whether it may be the beginning of some initials: UNSCR of UNSCR 2397."""
        return self.is_shouted and len(self.short) >= _SHORTEST_BEGUN

    @cached_property
    def needs(self) -> tuple[bool, ...]:
        """Return for each word whether a name must have something like it.

        All of them, where none says much.
        """
        telling = tuple(not word.is_stopped for word in self.words)
        return telling if any(telling) else (True,) * len(telling)

    @property
    def required(self) -> tuple[Word, ...]:
        """Return the words that a name must have something like."""
        return tuple(
            word for word, is_needed in zip(self.words, self.needs, strict=True) if is_needed
        )


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
    return length * LITTLE if word.is_stopped else length


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
