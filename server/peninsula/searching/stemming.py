"""What of a word stays the same whatever its case, its number or the particle after it?

Russian and English words are cut by the Snowball stemmers of tantivy. Korean words lose what is
put after a noun: particles (조사), the copula, and the counter after a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from peninsula.searching.romanization import has_hangul


def _analyzer(language: str) -> TextAnalyzer:
    # A limit above every word: what is longer than 40 bytes is not thrown away.
    return TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.stemmer(language)).build()


_RUSSIAN: Final = _analyzer("russian")
_ENGLISH: Final = _analyzer("english")

_NOUN_ENDINGS: Final = """
은 는 이 가 을 를 의 에 도 만 과 와 로 께 랑 나 야 들 에서 에게 한테 으로 부터 까지 보다 처럼 마다
조차 마저 밖에 에는 에도 와의 과의 로의 이나 이란 라는 이며 이고 이다 들은 들이 들을 들의 께서 로서
로써 에서의 에서는 에서도 으로의 으로서 으로써 이라는 이라고 에게서 에게는 까지의 까지는 부터의
로부터 으로부터 에대한 에대해 들에게 들에서
"""
#: What stands after a noun, the longest first.
_PARTICLES: Final = tuple(sorted(_NOUN_ENDINGS.split(), key=len, reverse=True))
#: Syllables that are left at least: 소치의 loses its particle, 합의 is a word.
_LEAST: Final = 2
_SHORTEST_STEM: Final = 3
_SHORT_I: Final = ("ии", "ои", "еи", "ыи")
_CASES: Final = (("а", "у", "е", "ы"), ("ом", "ем", "ой", "ов", "ам", "ах"))
#: Denuclearisation is denuclearization.
_BRITISH: Final = re.compile(r"is(?=e$|ed$|es$|ing$|ation$|ations$)")
_SHORTEST_BRITISH: Final = 7
#: Times that a stem is cut again: Лаврова, Лавров, Лавр.
_MOST_CUTS: Final = 4

_SMALL_WORDS: Final = """
a an and are as at be by dr for from has have in into is it its mr mrs ms of on or that the their
this to was were which will with а без был была были в во для до же за и из или их к ко на не о об
от по под при с со то у что это как 및 또는 그리고 대한 위한 관한 등
"""
_STOPPED: Final = frozenset(_SMALL_WORDS.split())


def is_stopped(word: str) -> bool:
    """Return whether ``word`` says nothing of what is looked for: the, of, в, 및."""
    return word in _STOPPED


def stems(word: str) -> frozenset[str]:
    """Return what other forms of ``word``, folded and composed, may have in common with it."""
    if has_hangul(word):
        return frozenset(_korean(word))
    if word.isascii():
        if not word.isalpha():
            return frozenset((word,))
        british = _BRITISH.sub("iz", word) if len(word) > _SHORTEST_BRITISH else word
        return frozenset(_ENGLISH.analyze(british) or (word,))
    if "а" <= word[0] <= "я":
        if len(word) in {3, 4} and word.endswith(_CASES[len(word) - 3]):
            # Of a name of two letters: Ким Чен Ына, Ыном.
            return frozenset((_cut(word), word[:2]))
        return frozenset((_cut(word),))
    return frozenset((word,))


def _cut(word: str) -> str:
    """Return the Russian stem; what is cut of one form alone is cut of every form then."""
    for _ in range(_MOST_CUTS):
        # Names are compared without the breve of й, which the endings are known by.
        spelt = f"{word[:-1]}й" if word.endswith(_SHORT_I) else word
        shorter = (_RUSSIAN.analyze(spelt) or [word])[0]
        if shorter in {word, spelt} or len(shorter) < _SHORTEST_STEM:
            break
        word = shorter
    return word


def _korean(word: str) -> Iterator[str]:
    yield word
    if word[0].isdecimal():
        yield word[: len(word) - len(word.lstrip("0123456789"))]  # 2397호, 2014년
    if (shorter := without_particle(word)) != word:
        yield shorter


def without_particle(word: str) -> str:
    """Return a Korean word without what stands after the noun."""
    if not word.endswith(_PARTICLES):
        return word
    for particle in _PARTICLES:
        if len(word) - len(particle) >= _LEAST and word.endswith(particle):
            return word[: -len(particle)]
    return word
