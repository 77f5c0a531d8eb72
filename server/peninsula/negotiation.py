"""Which of the formats on offer does the client want?

Pure: an Accept header and a list of formats in, one format out (RFC 9110, section 12.5.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from peninsula.errors import NotAcceptable
from peninsula.formats import Format, find

_EXACT: Final = 3
_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_RANGE: Final = re.compile(rf"\s*(\*/\*|{_NAME}/(?:\*|{_NAME}))\s*((?:;[^,]*)?)\s*\Z")
_QUALITY: Final = re.compile(
    r";\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|\Z)", re.IGNORECASE
)


@dataclass(frozen=True)
class MediaRange:
    """One element of an Accept header."""

    type: str
    quality: float

    def specificity(self, media_type: str) -> int:
        """Return how closely this range means ``media_type``: 3 exactly, 1 by ``*/*``, 0 not."""
        if self.type == media_type:
            return _EXACT
        if self.type.endswith("/*") and media_type.startswith(self.type[:-1]):
            return 2
        return 1 if self.type == "*/*" else 0


def parse_accept(header: str | None) -> list[MediaRange]:
    """Return the media ranges of an Accept header; what is malformed is left out."""
    ranges = []
    for part in (header or "").split(","):
        if match := _RANGE.match(part):
            quality = _QUALITY.search(match[2])
            ranges.append(MediaRange(match[1].lower(), float(quality[1]) if quality else 1.0))
    return ranges


def choose(accept: str | None, offered: Sequence[Format], *, name: str | None = None) -> Format:
    """Return the format of ``offered`` that fits ``accept`` best, or the one called ``name``.

    The highest quality wins; then what is named most closely; then the order of ``offered``.
    """
    if name:
        if found := find(name, offered):
            return found
        raise NotAcceptable(
            f"There is no format “{name}” for this answer.", f"On offer: {_list(offered)}."
        )
    ranges = parse_accept(accept)
    if not ranges:
        return offered[0]
    ranked = [(*_rank(ranges, format), -place) for place, format in enumerate(offered)]
    quality, _, place = max(ranked)
    if quality == 0:
        raise NotAcceptable(
            f"This answer cannot be written as “{accept}”.",
            f"On offer: {', '.join(f.media_type for f in offered)}; "
            f"or add ?format= with one of {_list(offered)}.",
        )
    return offered[-place]


def _rank(ranges: list[MediaRange], format: Format) -> tuple[float, int]:
    """Return quality and specificity of the range that speaks most closely of ``format``.

    Its other media types count only where one is named in full: ``text/*`` does not ask for
    XML because some say text/xml.
    """
    ranks = [_rank_media_type(ranges, media_type) for media_type in format.media_types]
    return max([ranks[0], *(rank for rank in ranks[1:] if rank[1] == _EXACT)])


def _rank_media_type(ranges: list[MediaRange], media_type: str) -> tuple[float, int]:
    specificity, quality = max((r.specificity(media_type), r.quality) for r in ranges)
    return (quality, specificity) if specificity else (0.0, 0)


def _list(offered: Sequence[Format]) -> str:
    return ", ".join(f.name for f in offered)
