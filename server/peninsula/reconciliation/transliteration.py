"""How does a name of one script look in another, and which spellings of it are one?

Hangul and Cyrillic become Latin letters by rule. What people write of the same name differs all the
same: Roh and No, Jong-un and Chŏng-ŭn, Sergei and Sergey. :func:`sketch` keeps of a word in Latin
letters only what such spellings share; words of one sketch may be one name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from peninsula.searching.romanization import INITIALS, VOWELS

#: What a syllable ends with, by itself: enough to be compared by a sketch.
_FINALS: Final = (
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p",
    "t", "t", "ng", "t", "t", "k", "t", "p", "t",
)  # fmt: skip
_FIRST, _LAST = 0xAC00, 0xD7A3

_CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z",
    "и": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip

#: Surnames that are spelt without any likeness.
_SURNAMES: Final = {
    spelling: spellings[0]
    for spellings in (
        ("li", "lee", "yi", "ri", "rhee", "ree", "i"),
        ("pak", "park", "bak", "bark"),
        ("no", "roh", "noh", "ro", "rho"),
        ("che", "choi", "choe", "tsoi", "tsoy", "choy"),
        ("chon", "chung", "jeong", "jung", "chong", "cheong"),
        ("im", "lim", "rim", "yim"),
        ("u", "woo", "wu"),
        ("yun", "yoon", "youn"),
        ("mun", "moon"),
        ("gim", "kim", "ghim"),
        ("an", "ahn"),
        ("o", "oh"),
        ("kang", "gang", "khan"),
        ("ban", "pan"),
    )
    for spelling in spellings
}
#: What is left out or made one, in this order.
_ALIKE: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"shch|sch", "s"), (r"zh|dzh", "z"), (r"kh", "k"), (r"ts|tz|cz", "c"), (r"ch|tch|jj", "c"),
        (r"sh", "s"), (r"ph", "f"), (r"ck|q|x", "k"), (r"j", "c"), (r"g", "k"), (r"d", "t"),
        (r"b", "p"), (r"w(?=[aeiouy])", ""), (r"yeo", "yo"),
        (r"(?<=[^gq])ui", "i"), (r"eo|au", "o"), (r"eu|oo|ou", "u"),
        (r"ee|ie|ei|ey|iy|ij|yi|ii|yy|y(?=[^aou]|$)", "i"), (r"ae|ai|ay", "e"), (r"oe|oi|oy", "e"),
        (r"(?<=[aeiou])h(?=[^aeiou]|$)", ""), (r"[yi](?=[aou])", "i"), (r"r", "l"),
        (r"(.)\1+", r"\1"),
    )
)  # fmt: skip


def script_of(text: str) -> str:
    """Return the script that most letters of ``text`` are of: latin, hangul, cyrillic or other."""
    counts = {"latin": 0, "hangul": 0, "cyrillic": 0, "other": 0}
    for character in text:
        if not character.isalpha():
            continue
        code = ord(character)
        if code < 0x250 or 0x1E00 <= code < 0x1F00:
            counts["latin"] += 1
        elif _FIRST <= code <= _LAST or 0x1100 <= code < 0x1200 or 0x3130 <= code < 0x3190:
            # A syllable says as much as two letters or three.
            counts["hangul"] += 2
        elif 0x400 <= code < 0x530:
            counts["cyrillic"] += 1
        else:
            counts["other"] += 1
    best = max(counts, key=lambda script: counts[script])
    return best if counts[best] else "other"


def romanize(text: str) -> str:
    """Return ``text`` with its Hangul and Cyrillic in Latin letters, in lower case."""
    parts = []
    for character in unicodedata.normalize("NFC", text).lower():
        code = ord(character)
        if _FIRST <= code <= _LAST:
            number = code - _FIRST
            parts.append(INITIALS[number // 588])
            parts.append(VOWELS[number % 588 // 28])
            parts.append(_FINALS[number % 28])
        else:
            parts.append(_CYRILLIC.get(character, character))
    return "".join(parts)


def is_same_surname(one: str, other: str) -> bool:
    """Return whether two words are spellings of one surname."""
    return one in _SURNAMES and _SURNAMES[one] == _SURNAMES.get(other)


def spellings_of(word: str) -> tuple[str, ...]:
    """Return other ways to write a surname, where there are such."""
    first = _SURNAMES.get(word)
    return tuple(other for other, to in _SURNAMES.items() if first and to == first != other)


@lru_cache(1 << 15)
def sketch(word: str) -> str:
    """Return what spellings of a word in Latin letters share."""
    if not word.isascii() or not word.isalpha():
        return word
    for pattern, to in _ALIKE:
        word = pattern.sub(to, word)
    return word
