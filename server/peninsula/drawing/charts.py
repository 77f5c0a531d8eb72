"""How long is each bar of a chart, and where do its name and its ticks stand?

Bars lie on their side, so that names can be read. In a browser the same numbers are drawn by a
library (``server/web/src/shared/chart.ts``), lines and points only there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from peninsula.drawing.lettering import cut, measure

_LINE: Final = 26.0
_BAR: Final = 18.0
_AXIS: Final = 24.0
_GAP: Final = 8.0
_LEAST_GUTTER: Final = 40.0
_MOST_GUTTER: Final = 290.0
_ROOM_FOR_NUMBER: Final = 56.0
_TICKS: Final = 5
_SERIES: Final = 6


@dataclass(frozen=True)
class Point:
    """One number of a chart: ``x`` is a name, a date in ISO form, or a number."""

    x: str
    y: float
    series: str = ""
    label: str = ""
    path: str = ""
    tip: str = ""


@dataclass(frozen=True)
class Segment:
    """A part of a bar, of one series."""

    point: Point
    x: float
    width: float
    series: int


@dataclass(frozen=True)
class Bar:
    """A name with its number."""

    name: str
    short: str
    path: str
    y: float
    height: float
    segments: tuple[Segment, ...]
    total: str
    total_x: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def tip(self) -> str:
        return "; ".join(segment.point.tip for segment in self.segments)


@dataclass(frozen=True)
class BarTick:
    """A line through the bars, and its number."""

    x: float
    text: str


@dataclass(frozen=True)
class BarChart:
    """Bars, drawn."""

    width: float
    height: float
    gutter: float
    zero: float
    bars: tuple[Bar, ...]
    ticks: tuple[BarTick, ...]
    series: tuple[str, ...]


def draw_bars(points: Iterable[Point], *, width: float = 900) -> BarChart:
    """Return the bars of ``points``, one for each name, in the order in which the names come."""
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(point.x, []).append(point)
    series = list(dict.fromkeys(p.series for group in groups.values() for p in group))
    widest = max((measure(name) for name in groups), default=0.0)
    gutter = min(max(widest + _GAP, _LEAST_GUTTER), _MOST_GUTTER)
    highest = max((sum(max(p.y, 0) for p in group) for group in groups.values()), default=0.0)
    lowest = min((sum(min(p.y, 0) for p in group) for group in groups.values()), default=0.0)
    step = choose_step(highest - lowest)
    top = math.ceil(highest / step) * step if highest > 0 else 0.0
    bottom = math.floor(lowest / step) * step if lowest < 0 else 0.0
    room = max(width - gutter - _ROOM_FOR_NUMBER, 100.0)
    scale = room / ((top - bottom) or 1.0)
    zero = gutter - bottom * scale
    bars = []
    for place, (name, group) in enumerate(groups.items()):
        bars.append(_draw(name, group, series, place * _LINE + (_LINE - _BAR) / 2, zero, scale))
    count = round((top - bottom) / step)
    ticks = tuple(
        BarTick(round(gutter + i * step * scale, 1), format_number(bottom + i * step))
        for i in range(count + 1)
    )
    return BarChart(
        width, len(bars) * _LINE + _AXIS, round(gutter, 1), round(zero, 1), tuple(bars), ticks,
        tuple(series) if len(series) > 1 or series != [""] else (),
    )  # fmt: skip


def _draw(
    name: str, group: list[Point], series: list[str], y: float, zero: float, scale: float
) -> Bar:
    segments = []
    right = left = zero
    for point in group:
        width = abs(point.y) * scale
        if point.y < 0:
            left -= width
        x = left if point.y < 0 else right
        if point.y >= 0:
            right += width
        number = series.index(point.series) % _SERIES + 1
        segments.append(Segment(point, round(x, 1), round(width, 1), number))
    total = format_number(sum(point.y for point in group))
    first = group[0]
    return Bar(
        name,
        cut(name, _MOST_GUTTER - _GAP),
        first.path,
        y,
        _BAR,
        tuple(segments),
        total,
        round(right + 6, 1),
    )


def choose_step(extent: float) -> float:
    """Return the distance of ticks over ``extent``: 1, 2 or 5 of a power of ten."""
    if extent <= 0 or not math.isfinite(extent):
        return 1.0
    rough = extent / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1, 2, 5) if m * power >= rough), 10 * power)
    # Small counts have no ticks between whole numbers.
    return max(step, 1.0) if extent >= _TICKS / 2 else step


def format_number(number: float) -> str:
    """Return ``number`` with thousands apart, without a fraction where it has none."""
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:,.4g}"
