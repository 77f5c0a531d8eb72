"""How much room does a text take in a drawing?

The server has no fonts to measure with: an estimate by letter, rather too wide than too narrow.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

#: Size of the letters of drawings, in pixels.
SIZE: Final = 13.0
#: As large as bold letters of that size are wide.
BOLD: Final = 13.8


def measure(text: str, size: float = SIZE) -> float:
    """Return about how many pixels wide ``text`` is."""
    return size * _count(text)


def cut(text: str, room: float, size: float = SIZE) -> str:
    """Return as much of ``text`` as ``room`` pixels hold."""
    if measure(text, size) <= room:
        return text
    left = room / size - _width("…")
    kept = 0
    for letter in text:
        left -= _width(letter)
        if left < 0:
            break
        kept += 1
    return f"{text[:kept].rstrip(' ,;:-–(')}…" if kept else ""


@lru_cache(1 << 13)
def _count(text: str) -> float:
    return sum(map(_width, text))


@lru_cache(1 << 12)
def _width(letter: str) -> float:
    """Return the width of a letter, as a share of its size."""
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    # Cyrillic letters are wider than Latin ones.
    if "\u0400" <= letter <= "\u052f":
        return 0.66 if letter.isupper() else 0.56
    return 0.62 if letter.isupper() else 0.5
