"""What of an answer is drawn as a chart, timeline, map, network or matrix, and by which columns?

Each ``depict_…`` returns what it can draw of the rows, with the columns that play a part and how
much is left out, or None where the answer has no such shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import pyoxigraph as ox

from peninsula.columns import (
    EVIDENCE,
    Column,
    Period,
    depends,
    find_period,
    find_place,
    find_tie,
    find_when,
    is_concept,
    read_day,
    read_number,
    read_point,
)
from peninsula.dataset.interface import Dataset, Row, Term, select
from peninsula.drawing.charts import BarChart, Point, draw_bars, format_number
from peninsula.drawing.maps import Map, Spot, draw_map
from peninsula.drawing.matrix import Column as MatrixColumn
from peninsula.drawing.matrix import Matrix, MatrixCell, draw_matrix
from peninsula.drawing.matrix import Row as MatrixRow
from peninsula.drawing.network import Edge, Network, Node, draw_network
from peninsula.drawing.timeline import Entry, Timeline, draw_timeline
from peninsula.labels import name_of
from peninsula.namespaces import shorten
from peninsula.tables import name_column
from peninsula.terms import STANCES, stance_of

#: What a reader can still take in.
_MOST_BARS: Final = 60
_MOST_SERIES: Final = 6
_MOST_NODES: Final = 120
_MOST_LINES: Final = 80
_MOST_COLUMNS: Final = 24
_TIMELINE_WIDTH: Final = 1230
_MOST_LANES: Final = 14
_NAMED: Final = 5  # things named in a tip
_SHADES: Final = 5
_COORDINATES: Final = """
SELECT ?place ?point WHERE {{
  VALUES ?place {{ {places} }}
  ?place geo:hasGeometry/geo:asWKT ?point
}}
"""
#: Pairs of names of which the first acts on the second.
_DIRECTED: Final = frozenset(
    {"subject", "source", "cause", "antecedent", "parent", "earlier", "broader"}
)
#: Words in the name of a column that says how things are tied.
_RELATIONS: Final = frozenset({"action", "relation", "kind", "topic", "object", "predicate"})


@dataclass(frozen=True)
class Part:
    """What some columns are drawn as: a key that the template has words for."""

    role: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class PivotCell:
    """A number of a matrix, how dark its cell is, and where it leads."""

    text: str
    shade: int
    path: str
    tip: str


@dataclass(frozen=True)
class Pivot:
    """A matrix of numbers: lines and columns have a name and a path."""

    columns: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str, tuple[PivotCell | None, ...]], ...]


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


@dataclass(frozen=True)
class Ties:
    """A network as values, to be drawn or exported."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    is_directed: bool


Drawn = Timeline | Map | Network | Matrix | Pivot | Chart


@dataclass(frozen=True)
class Depiction:
    """Something that can be drawn, by which columns, and how many rows have nothing to be drawn."""

    draw: Callable[[], Drawn]
    parts: tuple[Part, ...]
    left_out: int = 0
    #: How many of how many bars, nodes or lines are drawn, where that is not all.
    drawn_count: int = 0
    count: int = 0
    #: The stances whose marks or colours are used: slug and label.
    stances: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """Rows with their columns, and how their terms are called and linked."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    labels: Mapping[str, str]
    link: Callable[[str], str]
    dataset: Dataset
    language: str = "en"
    coordinates: dict[str, tuple[float, float]] = field(default_factory=dict)

    def name(self, row: Row, column: Column) -> str:
        """Return what stands in a column, in words."""
        term = row[column.index]
        if isinstance(term, ox.NamedNode):
            return self._name_thing(term, row, column)
        if term is None:
            return ""
        return term.value if isinstance(term, ox.Literal | ox.BlankNode) else str(term)

    def _name_thing(self, term: ox.NamedNode, row: Row, column: Column) -> str:
        if term.value in self.labels:
            return self.labels[term.value]
        given = row[column.label] if column.label is not None else None
        return given.value if isinstance(given, ox.Literal) else name_of(term.value, {})

    def path(self, row: Row, column: Column) -> str:
        """Return where a thing is shown; nothing where it is no thing."""
        term = row[column.index]
        is_link = isinstance(term, ox.NamedNode) and term.value.startswith(("http://", "https://"))
        return self.link(term.value) if is_link and isinstance(term, ox.NamedNode) else ""

    def heading(self, column: Column) -> str:
        return name_column(column.name, tuple(c.name for c in self.columns))

    def part(self, role: str, *columns: Column | None) -> Part:
        return Part(role, tuple(self.heading(column) for column in columns if column))

    def describe(self, row: Row, without: Iterable[Column]) -> str:
        """Return what else a row says, for a tip."""
        left = {column.index for column in without}
        said = [
            f"{self.heading(column)}: {name}"
            for column in self.columns
            if column.index not in left and column.varies and (name := self.name(row, column))
        ]
        return "; ".join(_shorten(text) for text in said[:4])


def _shorten(text: str, most: int = 110) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _stance_of(answer: Answer, row: Row, column: Column | None) -> str:
    """Return the slug of the stance in a column; nothing where there is none that is known."""
    if column is None:
        return ""
    term = row[column.index]
    if isinstance(term, ox.NamedNode):
        slug = stance_of(term.value)
    else:
        slug = answer.name(row, column).strip().lower().replace(" ", "-")
    return slug if slug in STANCES else ""


def _find_stance(answer: Answer) -> Column | None:
    return next(
        (
            column
            for column in answer.columns
            if column.is_stance and any(_stance_of(answer, row, column) for row in answer.rows)
        ),
        None,
    )


def _list_stances(answer: Answer, column: Column | None) -> tuple[tuple[str, str], ...]:
    """Return the stances in a column, in their order, each with its name."""
    if column is None:
        return ()
    names = {_stance_of(answer, row, column): answer.name(row, column) for row in answer.rows}
    return tuple((slug, names[slug]) for slug in STANCES if slug in names)


# Timeline.


def depict_timeline(answer: Answer) -> Depiction | None:
    """Return a timeline where the answer has dates."""
    period = find_period(answer.columns, answer.rows)
    if period is None:
        return None
    dates = [period.start, *([period.end] if period.end else [])]
    label = _find_subject(answer, dates)
    if label is None:
        return None
    if not any(row[column.index] is not None for row in answer.rows for column in dates):
        return None
    stance = _find_stance(answer)
    lane = _find_lane(answer, label, dates, stance)
    parts = [
        answer.part("when", *dates) if period.end else answer.part("day", period.start),
        answer.part("name", label),
    ]
    if lane:
        parts.append(answer.part("row", lane))
    if stance:
        parts.append(answer.part("mark", stance))
    return Depiction(
        lambda: draw_timeline(
            _make_entries(answer, period, label, lane, stance), width=_TIMELINE_WIDTH
        ),
        tuple(parts),
        stances=_list_stances(answer, stance),
    )


def _make_entries(
    answer: Answer, period: Period, label: Column, lane: Column | None, stance: Column | None
) -> list[Entry]:
    """Return the entries, each once: rows that differ in other columns only are one."""
    dates = [period.start, *([period.end] if period.end else [])]
    when = find_when(answer.columns)
    entries: dict[tuple[object, ...], tuple[Entry, int]] = {}
    for row in answer.rows:
        start = read_day(row[period.start.index])
        last = row[(period.end or period.start).index]
        end = read_day(last, is_end=True)
        row_label = answer.name(row, lane) if lane else ""
        key = (row[label.index], start, end, row_label)
        if key in entries:
            entry, more = entries[key]
            entries[key] = (entry, more + 1)
            continue
        name = answer.name(row, label) or answer.heading(label)
        given = answer.name(row, when) if when else ""
        moment = given or _write_period(start, end, has_end=period.end is not None)
        slug = _stance_of(answer, row, stance)
        sort = label.sort if label.sort not in EVIDENCE else ""
        rest = answer.describe(row, [label, *dates, *([when] if when else [])])
        tip = " · ".join(part for part in (name, moment, rest) if part)
        entries[key] = (
            Entry(
                name, start, end, row_label, answer.path(row, label), tip,
                f"stance-{slug}" if slug else sort, moment,
            ),
            0,
        )  # fmt: skip
    return [_tell_more(entry, more) for entry, more in entries.values()]


def _tell_more(entry: Entry, more: int) -> Entry:
    if not more:
        return entry
    tip = f"{entry.tip} (+{more})"
    return Entry(
        entry.label, entry.start, entry.end, entry.row, entry.path, tip, entry.kind, entry.when
    )


def _write_period(start: object, end: object, *, has_end: bool) -> str:
    if not has_end or start == end:
        return str(start or end or "")
    return f"{start or '…'} – {end or '…'}"


def _find_subject(answer: Answer, dates: Sequence[Column]) -> Column | None:
    """Return the column that names what happened then: that on whose values the dates depend."""
    things = [c for c in answer.columns if c.kind == "thing" and not c.is_stance]
    varying = [column for column in things if column.varies]
    fitting = [column for column in varying if depends(answer.rows, column, *dates)]
    plain = [column for column in fitting if column.sort not in EVIDENCE]
    for candidates in (plain, fitting, varying, things):
        if candidates:
            return max(candidates, key=lambda c: (c.count, -c.index))
    texts = [c for c in answer.columns if c.kind == "text"]
    return max(texts, key=lambda c: (c.count, -c.index), default=None)


def _find_lane(
    answer: Answer, label: Column, dates: Sequence[Column], stance: Column | None
) -> Column | None:
    """Return the column by whose values the entries stand in rows."""
    candidates = [
        column
        for column in answer.columns
        if column.is_category
        and column.kind != "number"
        and column is not label
        and column is not stance
        and column.sort not in EVIDENCE
        and 1 < column.count <= _MOST_LANES
        and column.filled == len(answer.rows)
        and 2 * column.count <= label.count + 1
        and (depends(answer.rows, label, column) or depends(answer.rows, column, *dates))
    ]
    return min(candidates, key=lambda c: (c.kind != "thing", c.index), default=None)


# Map.


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
    if main:
        names = list(dict.fromkeys(answer.name(r, main) for r in rows if r[main.index] is not None))
        shown = "; ".join(_shorten(text, 70) for text in names[:_NAMED])
        said = f"{shown} (+{len(names) - _NAMED})" if len(names) > _NAMED else shown
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


# Network.


def read_ties(answer: Answer) -> tuple[Ties, tuple[Part, ...]] | None:
    """Return the network that the answer is, whole."""
    tie = find_tie(answer.columns, answer.rows)
    if tie is None:
        return None
    ends = (tie.source, tie.target)
    weight = next((c for c in answer.columns if c.is_size), None)
    stance = _find_stance(answer)
    stance = None if stance in ends else stance
    words = _find_relation(answer, [*ends, *([stance] if stance else [])]) or stance
    nodes: dict[str, Node] = {}
    gathered: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in answer.rows:
        drawn = [node for column in ends if (node := _draw_node(answer, row, column))]
        for node in drawn:
            nodes.setdefault(node.id, node)
        if len(drawn) == len(ends) and drawn[0].id != drawn[1].id:
            gathered[drawn[0].id, drawn[1].id, _stance_of(answer, row, stance)].append(row)
    edges = []
    for (source, target, slug), rows in gathered.items():
        size = _add(rows, weight)
        said = _say_tie(answer, rows, words)
        if weight:
            said = f"{said}; " * bool(said) + f"{answer.heading(weight)}: {format_number(size)}"
        names = f"{nodes[source].label} – {nodes[target].label}"
        label = f"{names}: {said}" if said else names
        edges.append(Edge(source, target, size, f"stance-{slug}" if slug else "", label))
    if not edges:
        return None
    parts = [answer.part("ties", *ends)]
    if weight:
        parts.append(answer.part("width", weight))
    if words:
        parts.append(answer.part("tip", words))
    is_directed = tie.source.name in _DIRECTED or tie.target.name in _DIRECTED
    return Ties(tuple(nodes.values()), tuple(edges), is_directed), tuple(parts)


def _add(rows: Sequence[Row], size: Column | None) -> float:
    """Return the sum of a column; without one, the number of rows."""
    if size is None:
        return float(len(rows))
    return sum(read_number(row[size.index]) or 0.0 for row in rows)


def _find_relation(answer: Answer, without: Sequence[Column]) -> Column | None:
    """Return the column that says how things are tied."""
    return next(
        (
            column
            for column in answer.columns
            if column not in without
            and column.is_category
            and column.varies
            and column.kind != "number"
            and column.sort not in EVIDENCE
            and set(column.words) & _RELATIONS
        ),
        None,
    )


def _draw_node(answer: Answer, row: Row, column: Column) -> Node | None:
    term = row[column.index]
    if not isinstance(term, ox.NamedNode):
        return None
    name = shorten(term.value)
    sort = name.partition(":")[0] if ":" in name else ""
    kind = "concept" if is_concept(sort) or sort == "notion" else sort
    return Node(name, answer.name(row, column), answer.path(row, column), kind)


def _say_tie(answer: Answer, rows: Sequence[Row], relation: Column | None) -> str:
    if relation is None:
        return ""
    names = dict.fromkeys(name for row in rows if (name := answer.name(row, relation)))
    return ", ".join([_shorten(name, 60) for name in names][:_NAMED])


def depict_network(answer: Answer) -> Depiction | None:
    """Return a network where two columns hold things that are tied."""
    found = read_ties(answer)
    if found is None:
        return None
    ties, parts = found
    degrees: dict[str, float] = defaultdict(float)
    for edge in ties.edges:
        degrees[edge.source] += abs(edge.weight)
        degrees[edge.target] += abs(edge.weight)
    order = sorted(ties.nodes, key=lambda node: -degrees[node.id])
    kept = {node.id for node in order[:_MOST_NODES]}
    nodes = [
        Node(node.id, node.label, node.path, node.kind, max(degrees[node.id], 1.0))
        for node in ties.nodes
        if node.id in kept
    ]
    edges = [edge for edge in ties.edges if edge.source in kept and edge.target in kept]
    count = len(ties.nodes)
    is_cut = count > len(nodes)
    return Depiction(
        lambda: draw_network(nodes, edges),
        parts,
        0,
        len(nodes) if is_cut else 0,
        count if is_cut else 0,
    )


# Matrix.


def find_dimensions(answer: Answer) -> tuple[Column, Column] | None:
    """Return the two columns whose values are the lines and columns of a matrix."""
    stance = _find_stance(answer)
    dimensions = [
        c for c in answer.columns
        if c.is_category and c.kind != "truth" and c.varies and c is not stance
        and c.sort not in EVIDENCE and not set(c.words) & {"first", "last"}
    ]  # fmt: skip
    sizes = [c for c in answer.columns if c.is_size]
    if len(dimensions) != 2 or not (sizes or stance):
        return None
    down, across = dimensions
    if depends(answer.rows, down, across) and depends(answer.rows, across, down):
        return None  # either says the other: there is nothing to cross
    if across.count > _MOST_COLUMNS >= down.count:
        down, across = across, down
    return down, across


def depict_matrix(answer: Answer) -> Depiction | None:
    """Return a matrix where two columns have a number, or a stance, for each other."""
    dimensions = find_dimensions(answer)
    if dimensions is None or dimensions[1].count > _MOST_COLUMNS:
        return None
    down, across = dimensions
    stance = _find_stance(answer)
    size = next((c for c in answer.columns if c.is_size), None)
    cells: dict[tuple[Term, Term], list[int]] = defaultdict(list)
    firsts: tuple[dict[Term, int], dict[Term, int]] = ({}, {})
    for number, row in enumerate(answer.rows):
        one, other = row[down.index], row[across.index]
        if one is None or other is None:
            continue
        firsts[0].setdefault(one, number)
        firsts[1].setdefault(other, number)
        cells[one, other].append(number)
    lines = list(firsts[0].items())
    shown = lines[:_MOST_LINES]
    parts = [answer.part("lines", down), answer.part("columns", across)]
    heads = (shown, list(firsts[1].items()))
    sizes = _find_share(answer) or ([size] if size else [])

    def draw() -> Matrix | Pivot:
        if stance:
            return _draw_stances(answer, (down, across), heads, cells, (stance, size))
        return _draw_pivot(answer, (down, across), heads, cells, sizes)

    if stance:
        parts.append(answer.part("mark", stance))
    if size:
        parts.append(answer.part("number", *([size] if stance else sizes)))
    left_out = len(answer.rows) - sum(len(numbers) for numbers in cells.values())
    is_cut = len(lines) > len(shown)
    counts = (len(shown), len(lines)) if is_cut else (0, 0)
    return Depiction(draw, tuple(parts), left_out, *counts, stances=_list_stances(answer, stance))


def _find_share(answer: Answer) -> list[Column] | None:
    """Return the columns of a part and of the whole, where one never is more than the other."""
    sizes = [column for column in answer.columns if column.is_size]
    if len(sizes) != 2:
        return None
    pairs = [[read_number(row[column.index]) for column in sizes] for row in answer.rows]
    if any(number is None or number < 0 for pair in pairs for number in pair):
        return None
    whole = [max(pair) for pair in pairs]  # type: ignore[type-var]
    for part, other in ((0, 1), (1, 0)):
        if all(pair[other] == most for pair, most in zip(pairs, whole, strict=True)):
            return [sizes[part], sizes[other]]
    return None


_Heads = list[tuple[Term, int]]


def _draw_stances(
    answer: Answer,
    dimensions: tuple[Column, Column],
    heads: tuple[_Heads, _Heads],
    cells: Mapping[tuple[Term, Term], list[int]],
    parts: tuple[Column, Column | None],
) -> Matrix:
    stance, size = parts
    names: dict[str, str] = {}
    filled: dict[tuple[str, str], MatrixCell] = {}
    for (one, other), numbers in cells.items():
        marks: dict[str, int] = defaultdict(int)
        for number in numbers:
            row = answer.rows[number]
            slug = _stance_of(answer, row, stance)
            if slug:
                count = read_number(row[size.index]) if size else 1
                marks[slug] += int(count or 0)
                names.setdefault(slug, answer.name(row, stance))
        if marks:
            ordered = sorted(marks.items(), key=lambda item: STANCES.index(item[0]))
            filled[str(one), str(other)] = MatrixCell(tuple(ordered), f"#row-{numbers[0] + 1}")
    rows = [MatrixRow(str(term), *_head(answer, n, dimensions[0])) for term, n in heads[0]]
    columns = [MatrixColumn(str(term), *_head(answer, n, dimensions[1])) for term, n in heads[1]]
    return draw_matrix(rows, columns, filled, stances=names)


def _head(answer: Answer, number: int, column: Column) -> tuple[str, str]:
    row = answer.rows[number]
    return answer.name(row, column), answer.path(row, column)


def _draw_pivot(
    answer: Answer,
    dimensions: tuple[Column, Column],
    heads: tuple[_Heads, _Heads],
    cells: Mapping[tuple[Term, Term], list[int]],
    sizes: Sequence[Column],
) -> Pivot:
    sums = {}
    for key, numbers in cells.items():
        rows = [answer.rows[number] for number in numbers]
        sums[key] = [_add(rows, size) for size in sizes] or [_add(rows, None)]
    most = max((values[0] for values in sums.values()), default=0.0)

    def cell(one: Term, other: Term) -> PivotCell | None:
        if (one, other) not in sums:
            return None
        number, *wholes = sums[one, other]
        whole = wholes[0] if wholes else most
        shade = max(1, round(number / whole * _SHADES)) if whole > 0 and number > 0 else 0
        first = cells[one, other][0]
        row = answer.rows[first]
        names = ", ".join(answer.name(row, column) for column in dimensions)
        text = "/".join(format_number(value) for value in (number, *wholes))
        rest = answer.describe(row, [*dimensions, *sizes])
        said = f"{' / '.join(answer.heading(size) for size in sizes)} {text}".strip()
        tip = f"{names}: {said}" + (f"; {rest}" if rest else "")
        return PivotCell(text, min(shade, _SHADES), f"#row-{first + 1}", tip)

    return Pivot(
        tuple(_head(answer, n, dimensions[1]) for _, n in heads[1]),
        tuple(
            (*_head(answer, n, dimensions[0]), tuple(cell(one, other) for other, _ in heads[1]))
            for one, n in heads[0]
        ),
    )


# Charts.


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
