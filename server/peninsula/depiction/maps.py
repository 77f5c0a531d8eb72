"""Which rows of an answer are where: what of it is drawn on a map?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import pyoxigraph as ox

from peninsula.columns import Column, find_place, read_number, read_point
from peninsula.dataset.interface import Row, select
from peninsula.depiction.answer import NAMED, Answer, Depiction, shorten_text
from peninsula.drawing.charts import format_number
from peninsula.drawing.maps import Map, Spot, draw_map

_COORDINATES: Final = """
SELECT ?place ?point WHERE {{
  VALUES ?place {{ {places} }}
  ?place geo:hasGeometry/geo:asWKT ?point
}}
"""


def depict_map(answer: Answer) -> Depiction | None:
    """Return a map where the answer has points, or places that have one in the dataset."""
    where = find_place(answer.columns)
    if where is None:
        return None
    positions = [locate(answer, row, where) for row in answer.rows]
    if not any(positions):
        return None
    used = list(where) if isinstance(where, tuple) else [where]
    place = next((c for c in answer.columns if c.sort == "place"), None)
    before = [c for c in answer.columns if c.kind == "thing" and c.index < used[0].index]
    label = place or (before[-1] if before else None)
    label = label or next((c for c in answer.columns if c.kind in {"thing", "text"}), None)
    size = next((c for c in answer.columns if c.is_size and c not in used), None)

    def draw() -> Map:
        groups: dict[tuple[float, float], list[Row]] = defaultdict(list)
        for row, position in zip(answer.rows, positions, strict=True):
            if position:
                groups[position].append(row)
        return draw_map(
            [_draw_spot(answer, at, rows, label, size, used) for at, rows in groups.items()]
        )

    parts = [answer.part("place", *used)]
    if label and label not in used:
        parts.append(answer.part("name", label))
    if size:
        parts.append(answer.part("size", size))
    left_out = sum(position is None for position in positions)
    return Depiction(draw, tuple(parts), left_out)


def _draw_spot(
    answer: Answer,
    at: tuple[float, float],
    rows: Sequence[Row],
    label: Column | None,
    size: Column | None,
    used: Sequence[Column],
) -> Spot:
    row = rows[0]
    name = (answer.name(row, label) if label else "") or f"{at[0]:g}, {at[1]:g}"
    others = [
        c for c in answer.columns
        if c.kind == "thing" and c is not label and c not in used and c.varies
    ]  # fmt: skip
    main = max(others, key=lambda c: (c.count, -c.index), default=None)
    said = ""
    weight = 1.0
    if others and len(rows) == 1:
        # One row is said whole: “China; abstention”.
        said = "; ".join(filter(None, (answer.name(row, column) for column in others)))
    elif main:
        names = list(dict.fromkeys(answer.name(r, main) for r in rows if r[main.index] is not None))
        shown = "; ".join(shorten_text(text, 70) for text in names[:NAMED])
        said = f"{shown} (+{len(names) - NAMED})" if len(names) > NAMED else shown
        weight = float(len(names) or 1)
    elif len(rows) == 1:
        said = answer.describe(row, [c for c in (label, *used) if c])
    if size:
        numbers = [read_number(r[size.index]) or 0.0 for r in rows]
        weight = max(sum(numbers), 0.0)
        said = f"{answer.heading(size)}: {format_number(weight)}" + (f"; {said}" if said else "")
    path = answer.path(row, label) if label else ""
    return Spot(name, *at, path, f"{name}: {said}" if said else name, weight, "place")


def locate(
    answer: Answer, row: Row, where: Column | tuple[Column, Column]
) -> tuple[float, float] | None:
    """Return latitude and longitude of a row."""
    if isinstance(where, tuple):
        latitude, longitude = (read_number(row[column.index]) for column in where)
        if latitude is None or longitude is None:
            return None
        is_on_earth = abs(latitude) <= 90 and abs(longitude) <= 180
        return (latitude, longitude) if is_on_earth else None
    if where.kind == "point":
        return read_point(row[where.index])
    if not answer.coordinates:
        _look_up_coordinates(answer, where)
    term = row[where.index]
    return answer.coordinates.get(term.value) if isinstance(term, ox.NamedNode) else None


def _look_up_coordinates(answer: Answer, where: Column) -> None:
    places = sorted({str(row[where.index]) for row in answer.rows if row[where.index] is not None})
    rows = select(answer.dataset, _COORDINATES.format(places=" ".join(places)))
    for place, point in rows:
        if isinstance(place, ox.NamedNode) and (at := read_point(point)):
            answer.coordinates[place.value] = at
