"""How is a Russian or Korean name written in Latin letters, and which spellings mean the same?

Hangul is written as it is spoken, after the Revised Romanization (국어의 로마자 표기법, 2000);
what is put in between two nouns (신문로 Sinmunno, 학여울 Hangnyeoul) is not told from the letters.
Cyrillic is written letter by letter. Whoever reads Latin letters has met a name in one of many
systems (BGN/PCGN, ISO 9, scientific, German, McCune and Reischauer, Kontsevich, newspapers), so
:func:`simplify` writes what they differ in alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import Final

_FIRST_SYLLABLE: Final = ord("가")

#: What a syllable begins with, and what sounds in it, in the order of Unicode; ㅇ is silent.
INITIALS: Final = (
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p",
    "h",
)  # fmt: skip
VOWELS: Final = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we",
    "wi", "yu", "eu", "ui", "i",
)  # fmt: skip
#: What a syllable ends with: as it is spoken at the end of a word, and what it leaves there and
#: hands on where the next one begins with a vowel.
_FINALS: Final[tuple[tuple[str, str, str], ...]] = (
    ("", "", ""), ("k", "", "g"), ("k", "", "kk"), ("k", "k", "s"), ("n", "", "n"),
    ("n", "n", "j"), ("n", "", "n"), ("t", "", "d"), ("l", "", "r"), ("k", "l", "g"),
    ("m", "l", "m"), ("l", "l", "b"), ("l", "l", "s"), ("l", "l", "t"), ("p", "l", "p"),
    ("l", "", "r"), ("m", "", "m"), ("p", "", "b"), ("p", "p", "s"), ("t", "", "s"),
    ("t", "", "ss"), ("ng", "ng", ""), ("t", "", "j"), ("t", "", "ch"), ("k", "", "k"),
    ("t", "", "t"), ("p", "", "p"), ("", "", ""),
)  # fmt: skip
#: Finals that hold ㅎ: ㄶ, ㅀ, ㅎ. It goes over to what follows: 좋고 joko.
_ASPIRATES: Final = {6: "n", 15: "l", 27: ""}
_ASPIRATED: Final = {"g": "k", "d": "t", "j": "ch", "b": "p"}
#: The end of one syllable and the beginning of the next, as they sound together.
_TOGETHER: Final = {
    ("k", "n"): "ngn", ("k", "m"): "ngm", ("k", "r"): "ngn", ("t", "n"): "nn", ("t", "m"): "nm",
    ("t", "r"): "nn", ("p", "n"): "mn", ("p", "m"): "mm", ("p", "r"): "mn", ("n", "r"): "ll",
    ("m", "r"): "mn", ("ng", "r"): "ngn", ("l", "n"): "ll", ("l", "r"): "ll",
    ("k", "h"): "k", ("t", "h"): "t", ("p", "h"): "p",
}  # fmt: skip
_D: Final = 7
_T: Final = 25
_H: Final = 18
_SILENT: Final = 11
_I: Final = 20

#: Surnames that are hardly ever written as they sound.
_SURNAMES: Final = {
    "이": "ri", "박": "park", "노": "ro", "임": "rim", "유": "ryu", "나": "ra", "양": "ryang",
    "여": "ryeo", "우": "woo", "오": "oh", "최": "choi", "조": "cho", "정": "chung",
}  # fmt: skip
#: Syllables of a Korean's name: surname and given name.
_NAME_LENGTHS: Final = range(2, 5)

_CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "",
    "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "і": "i", "є": "ye", "ґ": "g",
}  # fmt: skip
_LETTERS: Final = str.maketrans(_CYRILLIC)

#: What systems differ in, the longest first; the sound that they mean.
_SAME: Final = (
    ("shch", "s"), ("schtsch", "s"), ("tsch", "c"), ("chzh", "c"), ("dzh", "c"), ("tch", "c"),
    ("sch", "s"), ("sh", "s"), ("zh", "z"), ("ch", "c"), ("kh", "h"), ("ts", "c"), ("tz", "c"),
    ("ck", "k"), ("ph", "f"), ("th", "t"), ("gh", "g"), ("qu", "kv"), ("x", "ks"),
    ("yeo", "o"), ("iy", "i"), ("ij", "i"), ("yi", "i"), ("ii", "i"), ("ay", "ai"),
    ("ya", "a"), ("ia", "a"), ("yu", "u"), ("iu", "u"), ("ye", "e"), ("ie", "e"),
    ("yo", "o"), ("io", "o"), ("eo", "o"), ("eu", "u"), ("ae", "e"), ("oo", "u"), ("ee", "i"),
    ("w", "v"), ("q", "k"), ("y", "i"),
)  # fmt: skip
_SAME_AS: Final = dict(_SAME)


def _any_of(spellings: Iterable[str]) -> re.Pattern[str]:
    """Return what finds them; those of one beginning stand together, so that it looks seldom."""
    rests: dict[str, list[str]] = {}
    for spelling in spellings:
        rests.setdefault(spelling[0], []).append(spelling[1:])
    return re.compile("|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in rests.items()))


_SPELLINGS: Final = _any_of(_SAME_AS)
_DOUBLED: Final = re.compile(r"(.)\1+")

#: Sounds that one of the three scripts cannot tell from one another, as they are spelt; vowels are
#: left out.
_SPELT: Final = {
    **dict.fromkeys(("b", "p", "f", "v", "pp"), "p"), **dict.fromkeys(("d", "t", "tt"), "t"),
    **dict.fromkeys(("g", "k", "q", "gg"), "k"), **dict.fromkeys(("l", "r"), "r"),
    **dict.fromkeys(("c", "z", "j", "chzh", "tch", "dzh", "zh", "ch", "ts", "tz"), "c"),
    **dict.fromkeys(("s", "sh", "sch", "shch"), "s"), "m": "m", "n": "n", "ng": "n", "x": "ks",
    "kh": "h", "h": "h", **{digit: digit for digit in "0123456789"},
}  # fmt: skip
_SOUND: Final = re.compile(
    "[abefgijlmopqruvwxy0-9]|s(?:hch|ch|h)?|ch(?:zh)?|c|t(?:ch|s|z)?|dzh|d|zh?|ng?"
    "|kh(?=[aeiouyw])|k|h(?=[aeiouyw])"
)
#: What each of these sounds like; vowels are silent.
_HEARD: Final = {**dict.fromkeys("abcdefghijklmnopqrstuvwxyz0123456789", ""), **_SPELT}
_HANGUL: Final = re.compile("[가-힣]")
#: Syllables, and the letters that they are taken apart into.
_KOREAN: Final = re.compile("[가-힣\u1100-\u11ff]")
_RUSSIAN: Final = re.compile("[\u0400-\u04ff]")
_ALL_HANGUL: Final = re.compile("[가-힣]+")


def has_hangul(text: str) -> bool:
    """Return whether there is a whole syllable of Hangul in ``text``."""
    return not text.isascii() and _HANGUL.search(text) is not None


def is_all_hangul(text: str) -> bool:
    """Return whether ``text`` is syllables of Hangul and nothing else."""
    return _ALL_HANGUL.fullmatch(text) is not None


def script_of(text: str) -> str:
    """Return which of the three scripts ``text`` is in: “hangul”, “cyrillic”, else “latin”."""
    if text.isascii():
        return "latin"
    if _KOREAN.search(text):
        return "hangul"
    return "cyrillic" if _RUSSIAN.search(text) else "latin"


def romanize(text: str) -> str:
    """Return ``text``, in lower case and composed, in Latin letters; others stay as they are."""
    if text.isascii():
        return text
    if has_hangul(text):
        text = _ALL_HANGUL.sub(lambda match: _romanize_hangul(match[0]), text)
    return text.translate(_LETTERS)


def _romanize_hangul(text: str) -> str:
    """Return syllables in a row as they sound one after another."""
    initial, _, _ = _take_apart(text[0])
    between = [_between(text[i : i + 2]) for i in range(len(text))]
    return INITIALS[initial] + "".join(between)


@lru_cache(1 << 16)
def _between(pair: str) -> str:
    """Return what sounds from the vowel of a syllable to that of the next one, if there is one."""
    _, vowel, final = _take_apart(pair[0])
    following = _take_apart(pair[1]) if len(pair) == 2 else None
    ending, beginning = _meet(final, following)
    if beginning is None:
        beginning = INITIALS[following[0]] if following else ""
    return VOWELS[vowel] + ending + beginning


def _take_apart(character: str) -> tuple[int, int, int]:
    number = ord(character) - _FIRST_SYLLABLE
    return number // 588, number % 588 // 28, number % 28


def _meet(final: int, following: tuple[int, int, int] | None) -> tuple[str, str | None]:
    """Return how a syllable ends, and how the next begins where that is not as usual."""
    spoken, left, handed_on = _FINALS[final]
    if following is None or not final:
        return spoken, None
    initial, vowel, _ = following
    if initial != _SILENT:
        return _collide(final, initial)
    if final in {_D, _T} and vowel == _I:  # 해돋이 haedoji, 같이 gachi
        return "", "j" if final == _D else "ch"
    return left, handed_on


def _collide(final: int, initial: int) -> tuple[str, str | None]:
    """Return the same where the next syllable begins with a consonant."""
    spoken = _FINALS[final][0]
    begins = INITIALS[initial]
    if final in _ASPIRATES and begins in _ASPIRATED:
        return _ASPIRATES[final], _ASPIRATED[begins]
    if final == _D and initial == _H:
        return "", "t"
    if initial == _H and spoken in {"k", "t", "p"}:
        # Inside of nouns ㅎ is written: 묵호 Mukho.
        return spoken, "h"
    together = _TOGETHER.get((spoken, begins))
    return (together, "") if together is not None else (spoken, None)


def spell_surname(word: str) -> str | None:
    """Return a Korean's name as newspapers spell it, where its surname is one of those."""
    if len(word) in _NAME_LENGTHS and word[0] in _SURNAMES and is_all_hangul(word):
        return _SURNAMES[word[0]] + _romanize_hangul(word[1:])
    return None


def simplify(latin: str) -> str:
    """Return Latin letters with what the systems of romanization differ in written alike."""
    same = _SPELLINGS.sub(lambda match: _SAME_AS[match[0]], latin)
    return _DOUBLED.sub(_once, same)


def _once(match: re.Match[str]) -> str:
    # A double letter is a matter of spelling, a longer row is none of a name.
    return match[1] if len(match[0]) == 2 else match[0]


def sound(latin: str) -> str:
    """Return the consonants of a word in Latin letters, as far as every script tells them apart.

    Only what is Hangul on one side may be compared so: 푸틴 and 부딘 are far apart to a Russian.
    """
    heard = map(_HEARD.__getitem__, _SOUND.findall(latin))
    # Written twice, it is spoken once.
    return "".join([each for each, _ in groupby(heard)])


def compose(text: str) -> str:
    """Return ``text`` with its syllables of Hangul whole."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
