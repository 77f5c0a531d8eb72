"""How would this value be written, were it to have that datatype or that language?

People write dates, numbers and truth values in many ways; a datatype knows one. What is read here
is a way of writing, never a guess at a fact: no day is made up for a month, and where an order of
day and month is open, both are offered. Numbers in other scripts count as numbers.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.namespaces import PREFIXES, expand

XSD: Final = PREFIXES["xsd"]
#: Datatypes of dates.
TIMES: Final = frozenset(XSD + name for name in ("date", "dateTime", "gYear", "gYearMonth"))
EDTF: Final = expand("edtf:EDTF")
LANG_STRING: Final = expand("rdf:langString")

_INTEGERS: Final = frozenset(
    XSD + name
    for name in (
        "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
        "nonPositiveInteger", "negativeInteger", "unsignedInt", "unsignedLong", "unsignedShort",
        "unsignedByte",
    )
)  # fmt: skip
_DECIMALS: Final = frozenset(XSD + name for name in ("decimal", "double", "float"))
_TRUTH: Final = {
    "true": "true", "t": "true", "yes": "true", "y": "true", "1": "true",
    "false": "false", "f": "false", "no": "false", "n": "false", "0": "false",
}  # fmt: skip

_ENGLISH: Final = (
    "january february march april may june july august september october november december"
)
_RUSSIAN: Final = (
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
)
_MONTHS: Final = {
    name: number
    for names in (_ENGLISH, " ".join(month[:3] for month in _ENGLISH.split()), *_RUSSIAN)
    for number, name in enumerate(names.split(), start=1)
} | {"sept": 9}

_TIME: Final = (
    r"(?:[T\s]\s*(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?)?"
)
_FORMS: Final = tuple(
    re.compile(form + r"\.?", re.IGNORECASE)
    for form in (
        rf"(?P<y>\d{{4}})(?P<sep>[-/.–])(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}}){_TIME}",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
        rf"(?P<a>\d{{1,2}})(?P<sep>[-/.])(?P<b>\d{{1,2}})(?P=sep)(?P<y>\d{{4}}){_TIME}",
        r"(?P<word>[^\W\d_]+)\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})",
        r"(?P<d>\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<word>[^\W\d_]+)\.?,?\s+(?P<y>\d{4})(?:\s*(?:г|года))?",
        r"(?P<y>\d{4})\s*년\s*(?P<m>\d{1,2})\s*월\s*(?P<d>\d{1,2})\s*일",
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})",
        r"(?P<m>\d{1,2})[/.](?P<y>\d{4})",
        r"(?P<word>[^\W\d_]+)\.?,?\s+(?P<y>\d{4})(?:\s*(?:г|года))?",
        r"(?P<y>\d{4})\s*년\s*(?P<m>\d{1,2})\s*월",
        r"(?P<y>\d{4})\s*(?:년|г|года)?",
    )
)
_INTERVAL: Final = re.compile(r"\s+[-–—]\s+|\s*[–—/]\s*|(?<=^\d{4})-(?=\d{4}$)|\s+to\s+|\s*~\s*")
#: Longer texts are no date or number, whatever they hold.
_LONGEST: Final = 60
#: A script shows by the beginning of a text.
_LETTERS: Final = 1000


def respell(value: ox.Literal, datatype: str) -> Iterator[ox.Literal]:
    """Yield ``value`` as literals of ``datatype``, the likeliest first; none where it has none.

    For rdf:langString use ``in_language``.
    """
    for text in _spellings(value, datatype):
        literal = ox.Literal(text, datatype=ox.NamedNode(datatype))
        if literal != value:
            yield literal


def in_language(value: ox.Literal, wanted: Iterable[str]) -> Iterator[ox.Literal]:
    """Yield ``value`` with a language tag among ``wanted`` that its tag or its script allows."""
    tags = list(wanted)
    for tag in _languages(value, tags):
        literal = ox.Literal(value.value, language=tag)
        if literal != value:
            yield literal


def is_in_script_of(text: str, language: str) -> bool:
    """Return whether ``text`` can be in ``language`` by the letters that it is written in."""
    scripts = _scripts(text)
    return not scripts or _SCRIPTS.get(language.partition("-")[0], "LATIN") in scripts


def edtf_bounds(text: str) -> tuple[str | None, str | None] | None:
    """Return the first and the last day of an EDTF expression; None for an open or unknown end.

    None for what is no such expression: years, months, days, and intervals of them.
    """
    plain = re.sub("[?~%]", "", text)
    first, mark, last = plain.partition("/")
    starts, ends = _days(first), _days(last if mark else first)
    if starts is None or ends is None:
        return None
    return starts[0], ends[1]


def _days(text: str) -> tuple[str | None, str | None] | None:
    if text in {"", ".."}:
        return None, None
    match = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text)
    if not match:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        first = dt.date(year or 0, month or 1, day or 1)
        if day:
            return text, text
        after = dt.date(first.year + (month in {None, 12}), (month or 12) % 12 + 1, 1)
    except ValueError:
        return None
    return first.isoformat(), (after - dt.timedelta(days=1)).isoformat()


@dataclass(frozen=True, slots=True)
class _Moment:
    """A time as precisely as it was written."""

    year: int
    month: int | None = None
    day: int | None = None
    time: str = ""

    def to(self, precision: int) -> str | None:
        """Return the first ``precision`` of year, month and day; None where fewer are known."""
        parts = [f"{self.year:04}", *(f"{n:02}" for n in (self.month, self.day) if n is not None)]
        return "-".join(parts[:precision]) if len(parts) >= precision else None

    @property
    def known(self) -> int:
        return 1 + (self.month is not None) + (self.day is not None)


def _spellings(value: ox.Literal, datatype: str) -> Iterator[str]:
    if datatype == XSD + "string":
        yield value.value
    elif datatype == XSD + "anyURI":
        text = value.value.strip()
        yield f"https://{text}" if text.startswith("www.") else text
    elif len(value.value) <= _LONGEST:
        text = " ".join(unicodedata.normalize("NFKC", value.value).split())
        yield from _short_spellings(text, value.datatype.value, datatype)


def _short_spellings(text: str, own: str, datatype: str) -> Iterator[str]:
    if datatype == XSD + "boolean":
        if (truth := _TRUTH.get(text.casefold())) is not None:
            yield truth
    elif datatype in _INTEGERS | _DECIMALS:
        yield from _numbers(text, own, datatype)
    elif datatype in _PRECISIONS:
        for moment in _moments(text):
            if spelt := moment.to(_PRECISIONS[datatype]):
                # A day becomes a moment as XPath casts it.
                at = f"T{moment.time or '00:00:00'}" if datatype.endswith("dateTime") else ""
                yield spelt + at
    elif datatype == EDTF:
        yield from _edtf(text)


_PRECISIONS: Final = {XSD + "dateTime": 3, XSD + "date": 3, XSD + "gYearMonth": 2, XSD + "gYear": 1}


def _edtf(text: str) -> Iterator[str]:
    if edtf_bounds(text.replace(" ", "")):
        yield text.replace(" ", "")
        return
    for moment in _moments(text):
        if spelt := moment.to(moment.known):
            yield spelt
    parts = _INTERVAL.split(text)
    if len(parts) == 2:
        ends = [next(_moments(part), None) for part in parts]
        if ends[0] and ends[1] and (ends[0].year, ends[0].month or 0) <= (
            ends[1].year, ends[1].month or 12
        ):  # fmt: skip
            yield "/".join(end.to(end.known) or "" for end in ends if end)


def _moments(text: str) -> Iterator[_Moment]:
    """Yield what ``text`` may mean as a time: one, or two where day and month may be swapped."""
    for form in _FORMS:
        match = form.fullmatch(text)
        if match:
            found = list(dict.fromkeys(_readings(match.groupdict())))
            if found:
                yield from found
                return


def _readings(parts: dict[str, str | None]) -> Iterator[_Moment]:
    year = int(parts["y"] or 0)
    time = _time(parts.get("time"), parts.get("zone"))
    orders: list[tuple[int | None, str | None]]
    if word := parts.get("word"):
        month = _MONTHS.get(word.casefold())
        orders = [(month, parts.get("d"))] if month else []
    elif parts.get("a"):
        orders = [(int(parts["b"] or 0), parts["a"])]
        if parts["sep"] != ".":
            orders.append((int(parts["a"] or 0), parts["b"]))
    else:
        orders = [(int(number) if (number := parts.get("m")) else None, parts.get("d"))]
    for month, day in orders:
        try:
            dt.date(year, 1 if month is None else month, int(day or 1))
        except ValueError:
            continue
        yield _Moment(year, month, int(day) if day else None, time)


def _time(text: str | None, zone: str | None) -> str:
    if not text:
        return ""
    hours, *rest = text.split(":")
    whole = ":".join([f"{int(hours):02}", *rest, *(["00"] if len(rest) == 1 else [])])
    mark = {None: "", "UTC": "Z"}.get(zone, zone)
    return whole + (f"{mark[:3]}:{mark[3:]}" if mark and len(mark) == 5 else mark or "")


def _numbers(text: str, own: str, datatype: str) -> Iterator[str]:
    plain = re.sub(r"(?<=\d)[\s_'’](?=\d{3}(?!\d))", "", text).replace("−", "-")
    found: list[str] = []
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", plain):
        found.append(plain.replace(",", ""))
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+", plain) and own not in _DECIMALS:
        found.append(plain.replace(".", ""))
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+,\d+", plain):
        found.append(plain.replace(".", "").replace(",", "."))
    if re.fullmatch(r"[+-]?\d+,\d+", plain):
        found.append(plain.replace(",", "."))
    if re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", plain):
        found.append(plain)
    for number in dict.fromkeys(found):
        if datatype in _INTEGERS:
            if match := re.fullmatch(r"([+-]?\d+)(?:\.0*)?", number):
                yield match[1]
        elif datatype != XSD + "decimal" or "e" not in number.casefold():
            yield number


#: The script of a language, by a word that the names of its letters begin with.
_SCRIPTS: Final = {
    "ko": "HANGUL", "ru": "CYRILLIC", "uk": "CYRILLIC", "bg": "CYRILLIC", "be": "CYRILLIC",
    "zh": "CJK", "ja": "CJK", "el": "GREEK", "ar": "ARABIC", "fa": "ARABIC", "he": "HEBREW",
}  # fmt: skip
#: Tags that are none, as people write them.
_TAGS: Final = {
    "eng": "en", "english": "en", "kor": "ko", "kr": "ko", "korean": "ko", "rus": "ru",
    "russian": "ru", "su": "ru", "uk": "en", "us": "en", "gb": "en",
}  # fmt: skip


def _languages(value: ox.Literal, wanted: list[str]) -> Iterator[str]:
    if value.language:
        tag = value.language
        meant = _TAGS.get(tag, tag.replace("_", "-").split("-")[0])
        if meant in wanted and is_in_script_of(value.value, meant):
            yield meant
    scripts = _scripts(value.value)
    for tag in wanted if scripts else ():
        if is_in_script_of(value.value, tag):
            yield tag


def _scripts(text: str) -> set[str]:
    letters = {letter for letter in text[:_LETTERS] if letter.isalpha()}
    names = {unicodedata.name(letter, "").partition(" ")[0] for letter in letters}
    if "HANGUL" in names:
        return {"HANGUL"}
    if names & {"HIRAGANA", "KATAKANA"}:
        return {"CJK"}
    return names


def accepted_writings(text: str, patterns: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield ``text`` in other common ways of writing that all ``patterns`` accept.

    White space, case, the scheme of an address, an item of Wikidata as its page or its number.
    Patterns are regular expressions with flags; the engine, which takes time in proportion to the
    text, looks for them.
    """
    patterns = list(patterns)
    if not patterns or len(text) > _LETTERS:
        return
    for other in dict.fromkeys(_writings(text)):
        if other != text and all(_matches(other, *pattern) for pattern in patterns):
            yield other


def _writings(text: str) -> Iterator[str]:
    plain = " ".join(text.split())
    yield from (plain, plain.replace(" ", ""), plain.upper(), plain.lower(), plain.rstrip(".,;"))
    yield from (plain.replace("_", "-"), plain.replace(" ", "-"), plain.replace(" ", "_"))
    if item := _ITEM.search(plain):
        number = item[1].upper()
        yield from (number, f"{PREFIXES['wd']}{number}")
    if "://" in plain:
        _, _, rest = plain.partition("://")
        for scheme in ("https", "http"):
            yield from (f"{scheme}://{end}" for end in (rest, rest.rstrip("/"), f"{rest}/"))
        yield plain.rstrip("/").rpartition("/")[2]
    else:
        yield from (f"https://{plain}", f"http://{plain}")


_ITEM: Final = re.compile(r"(?:^|[/:#])([QqPp][1-9]\d*)(?:[?#].*)?$")


def _matches(text: str, pattern: str, flags: str) -> bool:
    words = (ox.Literal(word) for word in (text, pattern, flags))
    return bool(ox.Store().query(f"ASK {{ FILTER(REGEX({', '.join(map(str, words))})) }}"))
