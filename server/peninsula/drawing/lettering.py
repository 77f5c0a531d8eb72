"""How much room does a text take in a drawing?

The server has no fonts to measure with: an estimate by letter, rather too wide than too narrow.
"""

from __future__ import annotations

import unicodedata
from typing import Final

#: Size of the letters of drawings, in pixels.
SIZE: Final = 13.0


def measure(text: str, size: float = SIZE) -> float:
    """Return about how many pixels wide ``text`` is."""
    return size * sum(
        1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.62 if letter.isupper() else 0.5
        for letter in text
    )


def cut(text: str, room: float, size: float = SIZE) -> str:
    """Return as much of ``text`` as ``room`` pixels hold."""
    if measure(text, size) <= room:
        return text
    kept = text[:400]
    while kept and measure(f"{kept}…", size) > room:
        kept = kept[:-1]
    return f"{kept.rstrip(' ,;:-–(')}…" if kept else ""
