"""How does a file write its table: in which encoding, with which delimiter and quotes?"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

#: Encodings of which a file says by its first bytes that it is in them; the longest first.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT: Final = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7"}
#: Encodings of which others than ASCII letters make a line break.
_WIDE: Final = ("utf-16", "utf-32")
#: Encodings that are tried on a file that is not in the one announced, and what they are to show:
#: Hangul; Cyrillic words, not in the middle of Latin ones, in small letters but for the first, or
#: in capitals; Latin letters with accents, beside others.
_GUESSES: Final = (
    ("cp949", re.compile("[\uac00-\ud7a3]")),
    ("windows-1251", re.compile("(?<![A-Za-zА-яЁё])(?:[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+)(?![A-Za-zА-яЁё])")),
    ("windows-1252", re.compile("(?<=[A-Za-z])[À-ÖØ-öø-ÿ]+|[À-ÖØ-öø-ÿ]+(?=[A-Za-z])")),
)
#: Which part of the letters that are not ASCII must be as expected.
_LIKELY: Final = 0.7


@dataclass(frozen=True)
class Dialect:
    """How a file writes its table."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    is_quote_doubled: bool = True
    has_header: bool = True
    skipped_rows: int = 0
    skipped_columns: int = 0
    comment: str | None = None
    skips_blank_rows: bool = True
    skips_initial_space: bool = False
    trims: str = "true"


def check_encoding(name: str) -> str:
    """Return how Python calls an encoding; raises ValueError where it is none for a table."""
    try:
        found = codecs.lookup(name).name
        is_text = "a".encode(found).endswith((b"a", b"a\0", b"a\0\0\0"))
    except (LookupError, UnicodeError, ValueError, TypeError):
        is_text = False
    if not is_text or found in _NO_TEXT:
        raise ValueError(f"“{name}” is no encoding of texts that is known here")
    return found


def is_wide(encoding: str) -> bool:
    """Return whether a character of ASCII takes more than one byte, as Python calls encodings."""
    return encoding.startswith(_WIDE)


def find_mark(head: bytes) -> str:
    """Return the encoding that the first bytes of a file announce; empty for none."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), "")


def guess_wide(head: bytes) -> str:
    """Return in which encoding without a mark a text may be that has zero bytes; empty for none."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > len(head) // 8 and even * 8 < odd:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) // 8 and odd * 8 < even else ""


def guess_encoding(sample: bytes) -> str:
    """Return in which encoding a line may be that is not UTF-8; empty where none is likely."""
    best, most = "", _LIKELY
    for name, expected in _GUESSES:
        text = sample.decode(name, "replace")
        foreign = sum(not c.isascii() and c.isalpha() for c in text)
        share = sum(map(len, expected.findall(text))) / foreign if foreign else 0
        if share > most:
            best, most = name, share
    return best
