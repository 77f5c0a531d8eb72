"""How alike are a text and a name, word by word?

Words are set beside each other: spelt alike, transliterated otherwise, declined, mistyped, or
shortened to an initial. What the text says and the name does not lowers the likeness, and so does
what only the name says. Short words are syllables of names: one other letter there is another
person, so that such a likeness is never sure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from peninsula.reconciliation.dates import Span, find_dates
from peninsula.reconciliation.transliteration import is_same_surname, romanize, script_of, sketch
from peninsula.spelling import distance, fold, split_words

#: States as headlines and tables write them; each line is one, the first word stands for it.
_STATES: Final = (
    ("usa", "us", "u s", "u s a", "united states", "united states of america", "america", "сша",
     "соединенные штаты", "соединенные штаты америки", "미국", "미합중국", "american",
     "соединенных штатов", "соединенных штатов америки"),
    ("dprk", "north korea", "d p r k", "n korea", "democratic people s republic of korea", "кндр",
     "северная корея", "корейская народно демократическая республика", "북한", "조선",
     "조선민주주의인민공화국", "north korean", "северной кореи"),
    ("rok", "south korea", "r o k", "s korea", "republic of korea", "korea republic of",
     "южная корея", "республика корея", "대한민국", "한국", "남한", "south korean",
     "южной кореи", "республики корея"),
    ("russia", "russian federation", "россия", "российская федерация", "рф", "러시아",
     "러시아 연방", "russian", "россии", "российской федерации"),
    ("china", "prc", "people s republic of china", "китай", "кнр",
     "китайская народная республика", "중국", "중화인민공화국", "chinese", "китая"),
    ("japan", "япония", "일본", "japanese", "японии"),
    ("uk", "u k", "united kingdom", "great britain", "britain", "великобритания", "영국",
     "united kingdom of great britain and northern ireland", "british"),
    ("ussr", "soviet union", "ссср", "советский союз", "소련",
     "union of soviet socialist republics", "soviet"),
    ("un", "united nations", "u n", "united nations organization", "оон",
     "организация объединенных наций", "유엔", "국제연합"),
)  # fmt: skip
#: What tables shorten.
_SHORTENED: Final = {
    "pres": "president", "sec": "secretary", "gen": "general", "amb": "ambassador",
    "pm": "prime minister", "fm": "foreign minister", "res": "resolution",
}  # fmt: skip
#: Words that a person may be given before or after a name, whatever office is known of them.
TITLES: Final = frozenset(
    fold(
        "president chairman marshal general secretary minister premier ambassador comrade leader "
        "senator adviser advisor envoy sir madam президент председатель маршал генерал секретарь "
        "министр премьер посол товарищ лидер глава господин госпожа генсек 대통령 위원장 주석 총리 "
        "장관 총서기 원수 수상 외무상 대사 특사"
    ).split()
)
#: Words that join others.
_JOINING: Final = frozenset(
    fold(
        "of the a an in at on and for to with by from de la al s и в во на с со о об по при к "
        "의 및 와 과 에서 의 between mr mrs ms dr г-н former ex бывший экс 전 씨"
    ).split()
)
#: Words that many names have.
_COMMON: Final = frozenset(
    fold(
        "summit meeting talks visit conference forum round session resolution draft security "
        "council un republic people s ministry president minister саммит встреча встречи "
        "переговоры визит форум резолюция совет совета безопасности оон 회담 정상회담 방문 결의 "
        "안보리 유엔"
    ).split()
)
#: What one source calls so, another calls otherwise.
_SAME: Final = {
    fold(word): number
    for number, words in enumerate(
        ("summit meeting talks", "саммит встреча переговоры", "정상회담 회담 회동")
    )
    for word in words.split()
}
#: Given names and what people are called by them.
_CALLED: Final = {
    word: number
    for number, words in enumerate(
        (
            "michael mike mick", "joseph joe", "william bill", "anthony antony tony",
            "stephen steven steve", "donald don", "james jim", "robert bob", "richard dick",
            "condoleezza condi", "mikhail misha", "dmitry dima", "alexander alex sasha",
            "thomas tom", "daniel dan", "christopher chris", "edward ed", "samuel sam",
            "nicholas nick", "andrew andy", "gregory greg", "kenneth ken", "ronald ron",
        )
    )
    for word in words.split()
}  # fmt: skip
#: Russian endings, the longest first.
_ENDINGS: Final = tuple(
    sorted(
        fold(
            "а у ом ым е ой ою ей ею и ы ого ему ому его их ых ими ыми ая яя ую юю ий ый ое ее ие "
            "ые ия ию ией ии я ю ем ям ями ях ам ами ах ов ев ь ью"
        ).split(),
        key=len,
        reverse=True,
    )
)
#: Of adjectives that places give: сингапурский саммит.
_ADJECTIVE: Final = re.compile(
    rf"(\w{{4,}})ск(?:{'|'.join(fold('ий ая ое ого ому ом ой ую им их ие ими').split())})"
)
_SHORT: Final = frozenset(("а", "у", "ом", "ем", "е", "ым"))
#: Hangul comes from ``fold`` letter by letter; a syllable has three of them.
_HANGUL: Final = re.compile(r"[\u1100-\u11ff]+")
_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]+")
_PATRONYMIC: Final = re.compile(r"\w{3,}(?:ович|евич|ич|овна|евна|ична|ovich|evich|ovna|evna)")
_VOWELS: Final = str.maketrans({"ы": "и", "э": "е"})
#: Characters of a text that are compared.
_COMPARED: Final = 200
_MOST_WORDS: Final = 24


@dataclass(frozen=True)
class Words:
    """A text, made ready to be compared."""

    words: tuple[str, ...]
    script: str
    #: The dates in it, which are no words.
    dates: tuple[tuple[Span, ...], ...] = ()

    @property
    def whole(self) -> str:
        return "".join(self.words)

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if word.isdigit())


@dataclass(frozen=True)
class Likeness:
    """How alike a text and a name are."""

    #: From 0 to 1.
    similarity: float = 0.0
    #: Which part of the text the name accounts for, and which part of the name the text does.
    covered: float = 0.0
    complete: float = 0.0
    #: Whether no word of either is only nearly the other's.
    is_sure: bool = False
    #: Which part of the text what is known of the thing, besides its name, accounts for.
    explained: float = 0.0


_script: Final = lru_cache(1 << 14)(script_of)


def read_words(text: str, *, keeps_dates: bool = False) -> Words:
    """Return the words of ``text``, states by one name each; dates apart, or as words."""
    # What is remembered is short, whatever somebody sends.
    return _read_words(text[:_COMPARED], keeps_dates)


@lru_cache(1 << 14)
def _read_words(text: str, keeps_dates: bool) -> Words:
    dated = find_dates(text) if not keeps_dates else None
    rest = dated.rest if dated else text
    return Words(
        tuple(_write_out(_name_states(fold(rest)).split())[:_MOST_WORDS]),
        script_of(text),
        dated.dates if dated else (),
    )


def _write_out(words: Iterable[str]) -> list[str]:
    return [whole for word in words for whole in _SHORTENED.get(word, word).split()]


def other_spellings(text: str) -> list[str]:
    """Return ``text`` with a state in it called otherwise, a few of the ways there are."""
    folded = fold(text)
    found = []
    for names, pattern in zip(_STATES, _STATE_PATTERNS, strict=True):
        if pattern.search(folded):
            found += [pattern.sub(f" {fold(name)} ", folded).strip() for name in names[:5]]
    return [one for one in dict.fromkeys(found) if one != folded][:8]


def compare(text: Words, name: Words, context: frozenset[str] = frozenset()) -> Likeness:
    """Return how alike ``text`` and ``name`` are.

    ``context`` are words of what belongs to the thing: offices of a person, the place of a meeting.
    The text may hold them beside the name.
    """
    if not text.words or not name.words:
        return Likeness()
    if text.words == name.words:
        return Likeness(1, 1, 1, is_sure=True)
    if text.script != name.script and {text.script, name.script} <= {
        "latin", "hangul", "cyrillic",
    }:  # fmt: skip
        return _compare_scripts(text, name, context)
    aligned = _align(text.words, name.words, context)
    if aligned.similarity < 0.97 and sorted(text.numbers) == sorted(name.numbers):
        aligned = max(aligned, _compare_whole(text.whole, name.whole, text.words, name.words),
                      key=lambda one: (one.similarity, one.is_sure))  # fmt: skip
    return aligned


def comparable(text: Words, names: Iterable[str]) -> list[str]:
    """Return those of ``names`` that are in the script of ``text``, all of them where none is."""
    texts = list(dict.fromkeys(names))
    return [one for one in texts if _script(one[:_COMPARED]) == text.script] or texts


def word_set(texts: Iterable[str]) -> frozenset[str]:
    """Return the words of several texts that say something."""
    return frozenset(
        word
        for text in texts
        for word in read_words(text, keeps_dates=True).words
        if word not in _JOINING
    )


def weighty(words: Sequence[str]) -> list[str]:
    """Return the words by which a name is looked up, the most telling first."""
    kept = [word for word in dict.fromkeys(words) if word not in _JOINING and len(word) > 1]
    return sorted(kept, key=lambda word: (word in _COMMON, -len(word)))


def stem(word: str) -> str:
    """Return a Russian word without its ending, any other as it is."""
    if _CYRILLIC.fullmatch(word) and len(word) >= 5:
        if adjective := _ADJECTIVE.fullmatch(word):
            word = adjective[1]
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 4:
                return word[: -len(ending)]
    return word


def _name_states(folded: str) -> str:
    for names, pattern in zip(_STATES, _STATE_PATTERNS, strict=True):
        folded = pattern.sub(names[0], folded)
    return folded


_STATE_PATTERNS: Final = tuple(
    re.compile(
        r"(?<!\S)(?:"
        + "|".join(re.escape(fold(name)) for name in sorted(names, key=len, reverse=True))
        + r")(?!\S)"
    )
    for names in _STATES
)


@lru_cache(1 << 15)
def _weight(word: str) -> float:
    length = len(word) / 3 * 2 if _HANGUL.fullmatch(word) else len(word)
    weight = min(max(length, 2.0), 7.0) if len(word) > 1 else 1.0
    if word in _JOINING:
        return weight * 0.1
    return weight * 0.5 if word in _COMMON else weight


def _align(
    text: Sequence[str], name: Sequence[str], context: frozenset[str], factor: float = 1.0
) -> Likeness:
    """Set each word of the text beside the word of the name that it is most like."""
    pairs = sorted(
        (
            (*likeness, i, j)
            for i, word in enumerate(text)
            for j, other in enumerate(name)
            if (likeness := _compare_words(word, other))[0] > 0
        ),
        key=lambda pair: (-pair[0], not pair[1], abs(pair[2] - pair[3])),
    )
    of_text: dict[int, tuple[float, bool]] = {}
    of_name: dict[int, float] = {}
    for similarity, is_sure, i, j in pairs:
        if i not in of_text and j not in of_name:
            of_text[i], of_name[j] = (similarity, is_sure), similarity
    if not of_text:
        return Likeness()
    weight = counted = explained = 0.0
    is_sure = True
    is_wrong_number = False
    for i, word in enumerate(text):
        its = _weight(word)
        if i in of_text:
            weight += its
            counted += its * of_text[i][0]
            is_sure &= of_text[i][1] or word in _JOINING
        elif word in context or stem(word) in context:
            explained += its
        else:
            is_second = len(text) > 2 and (
                (len(word) == 1 and word.isalpha()) or _PATRONYMIC.fullmatch(word) is not None
            )
            weight += min(its, 1.0) if is_second else its
            # A middle initial, a patronymic, or a word that joins.
            is_sure &= word in _JOINING or is_second
            is_wrong_number |= word.isdigit()
    whole = sum(map(_weight, name))
    covered = counted / weight if weight else 0.0
    complete = sum(_weight(name[j]) * value for j, value in of_name.items()) / whole
    # What the name says besides does more harm than the rest of a long description.
    similarity = covered**0.55 * complete**0.45 * factor
    if is_wrong_number or any(
        word.isdigit() and j not in of_name and len(word) > 1 and any(w.isdigit() for w in text)
        for j, word in enumerate(name)
    ):
        # Another number is another resolution, another round.
        similarity, is_sure = similarity * 0.4, False
    share = explained / (explained + weight) if explained else 0.0
    return Likeness(similarity * (1 - 0.08 * share), covered, complete, is_sure, share)


@lru_cache(1 << 15)
def _compare_words(one: str, other: str) -> tuple[float, bool]:  # noqa: C901, PLR0911
    """Return how alike two words are, and whether that is sure."""
    if one == other:
        return 1.0, True
    if one.isdigit() or other.isdigit():
        return 0.0, False
    shorter, longer = sorted((one, other), key=len)
    if one in _SAME and _SAME[one] == _SAME.get(other):
        return 0.85, True
    if one in _CALLED and _CALLED[one] == _CALLED.get(other):
        return 0.9, True
    if len(shorter) == 1:
        is_initial = longer.startswith(shorter) and not _HANGUL.fullmatch(shorter)
        return (0.75, True) if is_initial else (0.0, False)
    if one.isascii() and other.isascii():
        return _compare_latin(one, other)
    if _CYRILLIC.fullmatch(one) and _CYRILLIC.fullmatch(other):
        if one.translate(_VOWELS) == other.translate(_VOWELS):
            return 0.97, True
        if stem(one) == stem(other) or stem(one) == other or one == stem(other):
            return 0.96, True
        if len(shorter) >= 2 and longer[len(shorter) :] in _SHORT and longer.startswith(shorter):
            # A syllable of a Korean name, declined.
            return 0.94, True
        return _compare_mistyped(one, other, 5)
    if _HANGUL.fullmatch(one) and _HANGUL.fullmatch(other):
        if len(shorter) >= 6 and longer.startswith(shorter) and len(longer) - len(shorter) <= 5:
            # A particle, or a title.
            return 0.9, len(longer) - len(shorter) <= 3
        return _compare_mistyped(one, other, 12, least=6)
    return 0.0, False


def _compare_latin(one: str, other: str) -> tuple[float, bool]:
    a, b = sketch(one), sketch(other)
    if a == b or is_same_surname(one, other):
        return 0.96, True
    if len(one) > 2 and len(other) > 2 and a.replace("u", "o") == b.replace("u", "o"):
        return 0.93, True
    if len(one) >= 4 and len(other) >= 4 and {one, other} & {f"{one}s", f"{other}s"}:
        return 0.95, True
    return _compare_mistyped(one, other, 5)


def _compare_mistyped(
    one: str, other: str, sure_from: int, *, least: int = 4
) -> tuple[float, bool]:
    length = min(len(one), len(other))
    if length < least:
        return 0.0, False
    most = 1 if length < 8 else 2
    apart = distance(one, other, most)
    if apart > most:
        return 0.0, False
    similarity = 1 - apart / max(len(one), len(other))
    is_sure = length >= sure_from and one[0] == other[0]
    # Of a short word little is left to be sure of.
    return (max(similarity, 0.0) if is_sure else similarity * 0.8), is_sure


def _compare_whole(text: str, name: str, words: Sequence[str], others: Sequence[str]) -> Likeness:
    """Compare without spaces: names are parted and joined in many ways."""
    shared = len(words) / max(len(others), 1)
    if text == name:
        return Likeness(0.99, 1, 1, is_sure=True)
    if text.isascii() and name.isascii() and text.isalpha() and name.isalpha():
        a, b = sketch("".join(words)), sketch("".join(others))
        if a == b and len(a) >= 4:
            return Likeness(0.95, 1, 1, is_sure=True)
    if _HANGUL.match(text) and _HANGUL.match(name):
        return _compare_syllables(text, name)
    length = max(len(text), len(name))
    most = max(1, length // 6)
    if length < 4 or not 0.4 <= shared <= 2.5:
        return Likeness()
    apart = distance(text, name, most)
    if apart > most:
        return Likeness()
    # Which word is wrong is not known: this is a hint and never sure.
    similarity = (1 - apart / length) * 0.9
    return Likeness(similarity, similarity, similarity)


def _compare_syllables(text: str, name: str) -> Likeness:
    """Compare Korean by its pairs of letters: words are joined and ordered freely."""
    ours, theirs = _pairs(text), _pairs(name)
    if not ours or not theirs:
        return Likeness()
    common = len(ours & theirs)
    covered, complete = common / len(ours), common / len(theirs)
    similarity = (covered * complete) ** 0.5
    is_sure = similarity >= 0.85 and min(len(text), len(name)) >= 15
    return Likeness(similarity * 0.97, covered, complete, is_sure)


def _pairs(text: str) -> set[str]:
    return {text[i : i + 3] for i in range(len(text) - 2)}


def _compare_scripts(text: Words, name: Words, context: frozenset[str]) -> Likeness:
    """Compare a text with a name in another script, by what both look like in Latin letters."""
    ours, theirs = _in_latin(text.words), _in_latin(name.words)
    if not ours or not theirs:
        return Likeness()
    best = _align(ours, theirs, frozenset(_in_latin(tuple(context))), 0.93)
    a, b = sketch("".join(ours)), sketch("".join(theirs))
    if a == b and len(a) >= 4:
        best = max(best, Likeness(0.92, 1, 1, is_sure=True), key=lambda one: one.similarity)
    elif "hangul" in {text.script, name.script}:
        # Hangul has no spaces between the syllables of a name.
        most = 1 if len(a) >= 7 else 0
        if most and distance(a, b, most) <= most:
            best = max(best, Likeness(0.8, 0.85, 0.85), key=lambda one: one.similarity)
    return best


@lru_cache(1 << 14)
def _in_latin(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(split_words(romanize(" ".join(words)))) if words else ()
