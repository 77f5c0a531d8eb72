"""Where in a document does a passage stand?

Two strips: the whole document, paragraph by paragraph, and below it the paragraph of the
passage, sentence by sentence. Lengths are proportional to the characters, as far as passages
tell where a paragraph begins and ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 960.0
_HEIGHT: Final = 30.0
_GAP: Final = 34.0
_LEAST: Final = 3.0


@dataclass(frozen=True)
class Span:
    """A paragraph or a sentence: its number, and the characters that its passages cover."""

    number: int
    start: int
    end: int
    #: Passages in it, and the IRI of the first.
    count: int = 0
    iri: str = ""


@dataclass(frozen=True)
class Block:
    """A span as it is drawn."""

    span: Span
    x: float
    y: float
    width: float
    height: float
    is_here: bool

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class Outline:
    """The drawing."""

    width: float
    height: float
    paragraphs: tuple[Block, ...]
    sentences: tuple[Block, ...]
    #: The passage in the upper and in the lower strip.
    marks: tuple[Block, ...]
    #: Lines from the paragraph above to the strip below: x above, x below.
    rays: tuple[tuple[float, float], ...]
    top: float
    bottom: float


def draw_outline(
    paragraphs: Sequence[Span],
    sentences: Sequence[Span],
    passage: Span,
    *,
    paragraph: int,
    sentence: int,
    length: int = 0,
) -> Outline:
    """Return where ``passage`` stands in a document of ``length`` characters.

    ``sentences`` are those of its paragraph.
    """
    length = max([length, passage.end, *(span.end for span in paragraphs)])
    upper = _strip(paragraphs, 0, length, paragraph, 0.0)
    marks = [_block(passage, 0, length, 0.0, is_here=True)]
    home = next((block for block in upper if block.is_here), None)
    if home is None or not sentences:
        return Outline(WIDTH, _HEIGHT, upper, (), tuple(marks), (), _HEIGHT, _HEIGHT)
    first = min(home.span.start, *(span.start for span in sentences), passage.start)
    last = max(home.span.end, *(span.end for span in sentences), passage.end)
    y = _HEIGHT + _GAP
    lower = _strip(sentences, first, last, sentence, y)
    marks.append(_block(passage, first, last, y, is_here=True))
    rays = ((home.x, 0.0), (home.x + home.width, WIDTH))
    return Outline(WIDTH, y + _HEIGHT, upper, lower, tuple(marks), rays, _HEIGHT, y)


def _strip(spans: Sequence[Span], first: int, last: int, here: int, y: float) -> tuple[Block, ...]:
    ordered = sorted(spans, key=lambda span: (span.start, span.number))
    return tuple(_block(span, first, last, y, is_here=span.number == here) for span in ordered)


def _block(span: Span, first: int, last: int, y: float, *, is_here: bool) -> Block:
    scale = WIDTH / max(1, last - first)
    width = max(_LEAST, (span.end - span.start) * scale)
    x = min(max(0.0, (span.start - first) * scale), WIDTH - width)
    return Block(span, round(x, 1), y, round(width, 1), _HEIGHT, is_here)
