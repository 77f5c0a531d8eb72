"""In which view does an answer show best, and which others fit it, too?

What decides is the first of: what the reader asks for, the comment ``#defaultView:Timeline`` in
the query (as Wikidata's query service has it), what the question's author chose, the shape of the
answer. Only views that fit are offered, and a view that was wished for and does not fit is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import pyoxigraph as ox

from peninsula.columns import find_period, find_place, find_tie, is_concept, read_columns
from peninsula.dataset.interface import Boolean, Dataset, Graph, Result, Row
from peninsula.depiction.answer import Answer, Depiction, Part
from peninsula.depiction.charts import depict_bars, depict_line, depict_scatter
from peninsula.depiction.maps import depict_map, locate
from peninsula.depiction.matrix import depict_matrix, find_dimensions
from peninsula.depiction.network import depict_network, read_ties
from peninsula.depiction.timeline import depict_timeline
from peninsula.drawing.network import to_graphml
from peninsula.errors import NotAcceptable
from peninsula.formats import GRAPHML, TURTLE, Format
from peninsula.labels import find_labels
from peninsula.serialization import write_to_bytes
from peninsula.tables import Rows, Table, read_rows, tabulate

#: Every view, in the order of the tabs.
VIEWS: Final = (
    "table", "turtle", "value", "bar", "line", "scatter", "timeline", "map", "network", "matrix",
)  # fmt: skip
#: Names by which people know them, in small letters: Wikidata's, and plain ones.
_NAMES: Final = {
    **{view: view for view in VIEWS},
    "chart": "bar", "barchart": "bar", "bubblechart": "bar", "treemap": "bar", "histogram": "bar",
    "linechart": "line", "areachart": "line", "scatterchart": "scatter", "scatterplot": "scatter",
    "graph": "network", "tree": "network", "dimensions": "matrix", "pivot": "matrix",
    "number": "value", "imagegrid": "table", "rdf": "turtle",
}  # fmt: skip
_DEFAULT_VIEW: Final = re.compile(r"^\s*#\s*defaultView\s*:\s*([A-Za-z]+)", re.MULTILINE)
#: So many names with two numbers each read better as bars than as points.
_FEW: Final = 12
_DRAWERS: Final[dict[str, Callable[[Answer], Depiction | None]]] = {
    "bar": depict_bars,
    "line": depict_line,
    "scatter": depict_scatter,
    "timeline": depict_timeline,
    "map": depict_map,
    "network": depict_network,
    "matrix": depict_matrix,
}


@dataclass(frozen=True)
class Presentation:
    """An answer, ready for a page."""

    #: solutions, boolean or graph.
    kind: str
    table: Table
    #: The views that fit, in the order of the tabs; the one that is shown is one of them.
    views: tuple[str, ...]
    view: str
    #: The view that was wished for, where it does not fit.
    refused: str = ""
    #: A timeline, map, network, matrix or chart, as its template takes it.
    drawn: object = None
    parts: tuple[Part, ...] = ()
    #: Rows that have nothing to be drawn.
    left_out: int = 0
    #: How many of how many bars, nodes or lines are drawn, where that is not all.
    drawn_count: int = 0
    count: int = 0
    #: The stances that are drawn: slug and label.
    stances: tuple[tuple[str, str], ...] = ()
    #: The triples of a graph, to be read.
    turtle: str = ""
    #: Formats for what the answer is shaped like: graphml, geojson.
    exports: tuple[str, ...] = ()


def read_view(name: str) -> str:
    """Return the view that goes by ``name``, nothing where there is none."""
    return _NAMES.get(name.strip().lower().replace(" ", "").replace("-", ""), "")


def read_default_view(query: str) -> str:
    """Return the view that a comment ``#defaultView:…`` in ``query`` names; nothing without one."""
    match = _DEFAULT_VIEW.search(query)
    return read_view(match[1]) if match else ""


def present(
    result: Result,
    dataset: Dataset,
    *,
    query: str = "",
    wished: str = "",
    chosen: str = "",
    limit: int | None = None,
    language: str = "en",
    link: Callable[[str], str] = lambda iri: iri,
) -> Presentation:
    """Return ``result`` in the view that fits best.

    ``wished`` is what the reader asks for, ``chosen`` what the author of a question did; ``link``
    says where a thing is shown. At most ``limit`` rows are read.
    """
    rows = read_rows(result, limit)
    view = read_view(wished)
    if isinstance(result, Boolean):
        table = tabulate(rows, dataset, language, {})
        return Presentation(
            "boolean", table, ("value",), "value", _refuse(view, wished, ("value",))
        )
    labels = find_labels(dataset, (term for row in rows.rows for term in row), language)
    table = tabulate(rows, dataset, language, labels)
    answer = make_answer(rows, labels, dataset, language, link)
    is_graph = isinstance(result, Graph)
    drawn = dict(_fit(answer, is_graph=is_graph))
    views = tuple(
        name
        for name in VIEWS
        if name in drawn
        or name == "table"
        or (name == "turtle" and is_graph)
        or (name == "value" and _is_value(table))
    )
    author = read_default_view(query) or read_view(chosen)
    by_shape = "table" if is_graph else choose_by_shape(answer, views)
    shown = next((name for name in (view, author, by_shape) if name in views), "table")
    depiction = drawn.get(shown)
    presentation = Presentation(
        "graph" if is_graph else "solutions",
        table,
        views,
        shown,
        _refuse(view, wished, views) or ("" if view else _refuse(author, author, views)),
        turtle=_write_turtle(rows) if is_graph and shown == "turtle" else "",
        exports=tuple(_list_exports(views)),
    )
    if depiction is None:
        return presentation
    return replace(
        presentation,
        drawn=depiction.draw(),
        parts=depiction.parts,
        left_out=depiction.left_out,
        drawn_count=depiction.drawn_count,
        count=depiction.count,
        stances=depiction.stances,
    )


def make_answer(
    rows: Rows,
    labels: dict[str, str],
    dataset: Dataset,
    language: str = "en",
    link: Callable[[str], str] = lambda iri: iri,
) -> Answer:
    """Return rows with what their columns are."""
    columns = read_columns(rows.variables, rows.rows)
    return Answer(columns, rows.rows, labels, link, dataset, language)


def _refuse(view: str, wished: str, views: tuple[str, ...]) -> str:
    """Return the name of a view that was wished for and cannot be had."""
    return wished[:40] if wished and view not in views else ""


def _fit(answer: Answer, *, is_graph: bool) -> Iterator[tuple[str, Depiction]]:
    """Yield what can be drawn of the answer, by view."""
    if not answer.rows:
        return
    for view, draw in _DRAWERS.items():
        if is_graph and view != "network":
            continue
        if depiction := draw(answer):
            yield view, depiction


def _is_value(table: Table) -> bool:
    return len(table.columns) == 1 and len(table.rows) == 1 and not table.is_cut


def choose_by_shape(answer: Answer, views: tuple[str, ...]) -> str:
    """Return the view that fits the shape of solutions best."""
    order = ("value", *_rank_by_shape(answer), "table")
    return next(view for view in order if view in views)


def _rank_by_shape(answer: Answer) -> Iterator[str]:
    """Yield the views for which the shape speaks, the clearest first."""
    columns = [column for column in answer.columns if column.kind and column.varies]
    things = [column for column in columns if column.kind == "thing"]
    sizes = [column for column in columns if column.is_size]
    names = [column for column in columns if column.is_category]
    count = len(answer.rows)
    place = find_place(answer.columns)
    has_points = isinstance(place, tuple) or (place is not None and place.kind == "point")
    if has_points or (things and all(column.sort == "place" for column in things)):
        yield "map"
    if {column.kind for column in columns} <= {"date", "number"} and count > 2:
        yield "line"
    tie = find_tie(answer.columns, answer.rows)
    is_pair = tie is not None and len(things) == 2 and len(names) <= 3
    if is_pair and tie and tie.is_named and sizes:
        yield "network"
    if _is_dated(answer):
        yield "timeline"
    if is_pair and tie:
        is_vocabulary = is_concept(tie.source.sort) or is_concept(tie.target.sort)
        if tie.is_named or not (sizes and is_vocabulary):
            yield "network"
    if find_dimensions(answer):
        yield "matrix"
    if len(sizes) == 2 and len(names) <= 1 and (count > _FEW or not names):
        yield "scatter"
    if len(names) == 1 and sizes and count > 1:
        yield "bar"


def _is_dated(answer: Answer) -> bool:
    """Whether most rows have a date, and not all of them the same."""
    period = find_period(answer.columns, answer.rows)
    if period is None or not period.start.varies or len(answer.rows) < 3:
        return False
    return 2 * max(period.start.filled, period.end.filled if period.end else 0) >= len(answer.rows)


def _write_turtle(rows: Rows) -> str:
    triples = [
        ox.Triple(*row)  # type: ignore[arg-type]
        for row in rows.rows
    ]
    return write_to_bytes(triples, TURTLE).decode()


def _list_exports(views: tuple[str, ...]) -> Iterator[str]:
    if "network" in views:
        yield "graphml"
    if "map" in views:
        yield "geojson"


# Exports.

#: A network or a map of more rows is asked for as CSV.
_MOST_ROWS: Final = 50_000


def export(result: Result, dataset: Dataset, format: Format, language: str = "en") -> bytes:
    """Return the whole of ``result`` as GraphML or GeoJSON; raises NotAcceptable."""
    rows = Rows((), [])
    if not isinstance(result, Boolean):
        rows = read_rows(result, _MOST_ROWS)
    if rows.is_cut:
        raise NotAcceptable(
            f"The answer has more than {_MOST_ROWS:,} rows, too many for {format.title}.",
            "Add a LIMIT to the query, or take it as csv.",
        )
    labels = find_labels(dataset, (term for row in rows.rows for term in row), language)
    answer = make_answer(rows, labels, dataset, language)
    written = export_graphml(answer) if format is GRAPHML else export_geojson(answer)
    if written is None:
        wanted = "two columns of things" if format is GRAPHML else "points or places"
        raise NotAcceptable(
            f"The answer cannot be written as {format.title}: it has no {wanted}.",
            "Try csv or json.",
        )
    return written


def export_graphml(answer: Answer) -> bytes | None:
    """Return the answer as GraphML, None where it is no network."""
    found = read_ties(answer)
    if found is None:
        return None
    ties, _ = found
    return to_graphml(ties.nodes, ties.edges, directed=ties.is_directed)


def export_geojson(answer: Answer) -> bytes | None:
    """Return the rows that have a place as GeoJSON (RFC 7946), None where none has."""
    where = find_place(answer.columns)
    if where is None:
        return None
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [at[1], at[0]]},
            "properties": _list_properties(answer, row),
        }
        for row in answer.rows
        if (at := locate(answer, row, where))
    ]
    if not features:
        return None
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, indent=1).encode()


def _list_properties(answer: Answer, row: Row) -> dict[str, str]:
    """Return what a row says besides its point, things with their labels."""
    properties = {}
    for column in answer.columns:
        term = row[column.index]
        if term is None or column.kind == "point":
            continue
        properties[column.name] = str(term) if isinstance(term, ox.Triple) else term.value
        if isinstance(term, ox.NamedNode):
            properties[f"{column.name}Label"] = answer.name(row, column)
    return properties
