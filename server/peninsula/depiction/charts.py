"""Which numbers of an answer are compared: what of it is drawn as bars, lines or points?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from peninsula.columns import EVIDENCE, Column, read_number
from peninsula.dataset.interface import Row
from peninsula.depiction.answer import Answer, Depiction
from peninsula.drawing.charts import BarChart, Point, draw_bars, format_number

#: What a reader can still take in.
_MOST_BARS: Final = 60
_MOST_SERIES: Final = 6


@dataclass(frozen=True)
class Chart:
    """Numbers for a chart; ``bars`` is drawn for readers without scripts."""

    kind: str
    x: str
    y: str
    points: tuple[Point, ...]
    series: tuple[str, ...] = ()
    bars: BarChart | None = None

    @property
    def data(self) -> dict[str, Any]:
        """Return the numbers for the script that draws them."""
        return {
            "kind": self.kind,
            "x": self.x,
            "y": self.y,
            "series": list(self.series),
            "points": [asdict(point) for point in self.points],
        }


def depict_bars(answer: Answer) -> Depiction | None:
    """Return bars where names have a number each."""
    size = next((c for c in answer.columns if c.is_size and c.varies), None) or next(
        (c for c in answer.columns if c.is_size), None
    )
    names = [
        c for c in answer.columns
        if (c.is_category or c.kind in {"date", "edtf"} or c.is_year) and c.varies
        and c.kind != "truth" and c.sort not in EVIDENCE
    ]  # fmt: skip
    if size is None or not names:
        return None
    name, series = names[0], None
    if not _is_key(answer.rows, [name]):
        series = next(
            (c for c in names[1:] if c.count <= _MOST_SERIES and _is_key(answer.rows, [name, c])),
            None,
        )
        if series is None:
            return None
    points = _read_points(answer, name, size, series)
    kept = list(dict.fromkeys(point.x for point in points))
    shown = set(kept[:_MOST_BARS])
    points = [point for point in points if point.x in shown]
    if not points:
        return None

    def draw() -> Chart:
        bars = draw_bars(points)
        x, y = answer.heading(name), answer.heading(size)
        return Chart("bar", x, y, tuple(points), bars.series, bars)

    parts = [answer.part("name", name), answer.part("length", size)]
    if series:
        parts.append(answer.part("colour", series))
    counts = (_MOST_BARS, len(kept)) if len(kept) > _MOST_BARS else (0, 0)
    left_out = sum(
        read_number(row[size.index]) is None or row[name.index] is None for row in answer.rows
    )
    return Depiction(draw, tuple(parts), left_out, *counts)


def _is_key(rows: Sequence[Row], columns: Sequence[Column]) -> bool:
    """Whether no two rows have the same in all of ``columns``."""
    keys = [tuple(row[column.index] for column in columns) for row in rows]
    return len(set(keys)) == len(keys)


def _read_points(
    answer: Answer, x: Column, y: Column, series: Column | None, label: Column | None = None
) -> list[Point]:
    points = []
    for row in answer.rows:
        number = read_number(row[y.index])
        name = answer.name(row, x)
        if number is None or not name:
            continue
        group = answer.name(row, series) if series else ""
        said = answer.name(row, label) if label else ""
        who = ", ".join(part for part in (said or name, group) if part)
        tip = f"{who}: {answer.heading(y)} {format_number(number)}"
        if said:
            tip += f", {answer.heading(x)} {name}"
        points.append(Point(name, number, group, said, answer.path(row, label or x), tip))
    return points


def depict_line(answer: Answer) -> Depiction | None:
    """Return lines where days or years have a number each, and nothing else tells rows apart."""
    x = next((c for c in answer.columns if (c.kind == "date" or c.is_year) and c.varies), None)
    y = next((c for c in answer.columns if c.is_size), None)
    if x is None or y is None:
        return None
    series = None
    if not _is_key(answer.rows, [x]):
        series = next(
            (
                c for c in answer.columns
                if c.is_category and 1 < c.count <= _MOST_SERIES and _is_key(answer.rows, [x, c])
            ),
            None,
        )  # fmt: skip
        if series is None:
            return None
    others = [c for c in answer.columns if c.varies and c not in (x, y, series)]
    if any(column.kind in {"thing", "date"} for column in others):
        return None  # the numbers are of those things, and no course of one number
    points = sorted(
        _read_points(answer, x, y, series),
        key=lambda p: (p.series, float(p.x) if x.is_year else 0.0, p.x),
    )
    if len(points) < 2:
        return None
    kind = "line" if x.is_year else "line-date"
    names = tuple(dict.fromkeys(point.series for point in points)) if series else ()
    chart = Chart(kind, answer.heading(x), answer.heading(y), tuple(points), names)
    parts = [answer.part("across", x), answer.part("up", y)]
    if series:
        parts.append(answer.part("colour", series))
    return Depiction(lambda: chart, tuple(parts), len(answer.rows) - len(points))


def depict_scatter(answer: Answer) -> Depiction | None:
    """Return points where rows have two numbers each."""
    sizes = [column for column in answer.columns if column.is_size and column.varies]
    categories = [column for column in answer.columns if column.is_category and column.varies]
    if len(sizes) < 2 or len(categories) > 2:
        return None
    x, y = sizes[:2]
    label = next((c for c in answer.columns if c.is_category and c.varies), None)
    series = next(
        (c for c in answer.columns if c.is_category and c is not label
         and 1 < c.count <= _MOST_SERIES), None
    )  # fmt: skip
    points = _read_points(answer, x, y, series, label)
    if len(points) < 2:
        return None
    names = tuple(dict.fromkeys(point.series for point in points)) if series else ()
    chart = Chart("scatter", answer.heading(x), answer.heading(y), tuple(points), names)
    parts = [answer.part("across", x), answer.part("up", y)]
    if label:
        parts.append(answer.part("name", label))
    if series:
        parts.append(answer.part("colour", series))
    return Depiction(lambda: chart, tuple(parts), len(answer.rows) - len(points))
