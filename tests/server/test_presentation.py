"""The view of an answer follows wish, comment, author and shape, in that order; only what fits is
offered."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pyoxigraph as ox
import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.depiction.charts import Chart
from peninsula.depiction.matrix import Pivot
from peninsula.drawing.maps import Map
from peninsula.drawing.matrix import Matrix
from peninsula.drawing.network import Network
from peninsula.drawing.timeline import Timeline
from peninsula.errors import NotAcceptable
from peninsula.formats import GEOJSON, GRAPHML
from peninsula.policy import Policy
from peninsula.presentation import (
    VIEWS,
    Presentation,
    export,
    present,
    read_default_view,
    read_view,
)


def query_of(names: str, *lines: str) -> str:
    values = " ".join(f"({line})" for line in lines)
    return f"SELECT {names} {{ VALUES ({names}) {{ {values} }} }}"


def shown(
    dataset: LocalDataset, query: str, *, wished: str = "", chosen: str = "", limit: int = 500
) -> Presentation:
    result = dataset.evaluate(query)
    return present(
        result, dataset, query=query, wished=wished, chosen=chosen, limit=limit, link=lambda i: i
    )


DAYS = [f'"20{n}-01-01"^^xsd:date' for n in (10, 11, 12, 13)]
POINTS = ['"POINT(127 37)"^^geo:wktLiteral', '"POINT(128 38)"^^geo:wktLiteral']
DATED = query_of("?event ?day", *(f"event:e{n} {day}" for n, day in enumerate(DAYS)))
TIED = query_of("?personA ?personB ?meetings", "person:a person:b 3", "person:b person:c 1")
COUNTED = query_of("?kind ?count", "claim-kind:a 3", "claim-kind:b 5", "claim-kind:c 1")
PLACED = query_of("?event ?at", *(f"event:e{n} {point}" for n, point in enumerate(POINTS)))
CROSSED = query_of(
    "?kind ?modality ?claims", "claim-kind:a modality:a 1", "claim-kind:a modality:b 2",
    "claim-kind:b modality:a 3",
)  # fmt: skip
STANCES = query_of(
    "?holder ?topic ?stance", "state:a topic:a stance:supports", "state:a topic:b stance:opposes",
    "state:b topic:a stance:opposes", "state:b topic:a stance:supports",
)  # fmt: skip
COURSE = query_of("?day ?count", *(f"{day} {n}" for n, day in enumerate(DAYS)))
YEARS = query_of("?year ?votes", "2010 1", "2011 5", "2012 2")
NUMBERS = query_of("?tensions ?claims", "1 5", "2 4", "3 3")
WORDS = query_of("?claim ?paraphrase", 'claim:a "so"', 'claim:b "or so"')


@pytest.mark.parametrize(
    ("query", "view", "offered"),
    [
        ("SELECT (7 AS ?n) {}", "value", {"table", "value"}),
        (DATED, "timeline", {"table", "timeline"}),
        (TIED, "network", {"table", "network", "bar"}),
        (COUNTED, "bar", {"table", "bar"}),
        (PLACED, "map", {"table", "map"}),
        (query_of("?name ?lat ?lon", '"a" 37.0 127.0', '"b" 38.0 127.5'), "map", {"table", "map"}),
        (CROSSED, "matrix", {"table", "matrix"}),
        (STANCES, "matrix", {"table", "matrix", "network"}),
        (COURSE, "line", {"table", "line", "bar"}),
        (YEARS, "line", {"table", "line", "bar"}),
        (NUMBERS, "scatter", {"table", "scatter"}),
        (WORDS, "table", {"table"}),
        ("SELECT ?s { VALUES ?s { } }", "table", {"table"}),
        # One date for all is no course of time.
        (query_of("?state ?day", f"state:a {DAYS[0]}", f"state:b {DAYS[0]}"), "table",
         {"table", "timeline"}),
        # Things of two kinds make a network where nothing else is said of them.
        (query_of("?office ?person", "office:a person:a", "office:b person:b"), "network",
         {"table", "network"}),
        ("CONSTRUCT { ?s a ?c } WHERE { ?s a ?c } LIMIT 5", "table", {"table", "turtle"}),
        ("ASK {}", "value", {"value"}),
    ],
)  # fmt: skip
def test_the_shape_of_an_answer_chooses_the_view(
    dataset: LocalDataset, query: str, view: str, offered: set[str]
) -> None:
    presentation = shown(dataset, query)
    assert presentation.view == view
    assert offered <= set(presentation.views)
    assert list(presentation.views) == [name for name in VIEWS if name in presentation.views]
    for name in presentation.views:
        other = shown(dataset, query, wished=name)
        assert (other.view, other.refused) == (name, "")


def test_a_wish_goes_before_the_comment_before_the_author(dataset: LocalDataset) -> None:
    commented = f"#defaultView:BarChart\n{CROSSED}"
    assert shown(dataset, CROSSED, chosen="table").view == "table"
    assert shown(dataset, f"#defaultView:Table\n{CROSSED}", chosen="matrix").view == "table"
    assert shown(dataset, commented, wished="matrix").view == "matrix"


def test_a_view_that_does_not_fit_is_told(dataset: LocalDataset) -> None:
    wished = shown(dataset, WORDS, wished="map")
    assert (wished.view, wished.refused) == ("table", "map")
    commented = shown(dataset, f"#defaultView:Timeline\n{WORDS}")
    assert (commented.view, commented.refused) == ("table", "timeline")
    unknown = shown(dataset, DATED, wished="hologram<b>")
    assert (unknown.view, unknown.refused) == ("timeline", "hologram<b>")
    assert shown(dataset, DATED).refused == ""


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("Table", "table"), ("BarChart", "bar"), ("LineChart", "line"), ("ScatterChart", "scatter"),
        ("Timeline", "timeline"), ("Map", "map"), ("Graph", "network"), ("Dimensions", "matrix"),
        ("AreaChart", "line"), ("matrix", "matrix"), ("bar chart", "bar"), ("network", "network"),
        ("", ""), ("ImageGridOfSorts", ""),
    ],
)  # fmt: skip
def test_views_go_by_the_names_that_wikidata_has(name: str, view: str) -> None:
    assert read_view(name) == view


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ("#defaultView:Timeline\nSELECT * {}", "timeline"),
        ("SELECT * {\n  # defaultView: Map\n}", "map"),
        ('#defaultView:Graph{"hide":"?x"}\nSELECT * {}', "network"),
        ("SELECT * { ?s ?p '#defaultView:Map' }", ""),
        ("#defaultView:\nSELECT * {}", ""),
    ],
)
def test_a_comment_in_the_query_names_the_view(query: str, view: str) -> None:
    assert read_default_view(query) == view


def test_a_cut_answer_knows_it(dataset: LocalDataset) -> None:
    assert shown(dataset, DATED, limit=2).table.is_cut
    assert not shown(dataset, DATED, limit=4).table.is_cut


def test_a_timeline_has_each_thing_once(dataset: LocalDataset) -> None:
    lines = [
        f"position:a {DAYS[0]} UNDEF stance:supports claim:a",
        f"position:a {DAYS[0]} UNDEF stance:supports claim:b",
        f"position:b {DAYS[1]} {DAYS[2]} stance:opposes claim:c",
    ]
    presentation = shown(dataset, query_of("?position ?from ?until ?stance ?claim", *lines))
    assert isinstance(presentation.drawn, Timeline)
    entries = [mark.entry for mark in presentation.drawn.marks]
    assert [(e.path.rpartition("/")[2], e.kind, e.end is None) for e in entries] == [
        ("a", "stance-supports", True),
        ("b", "stance-opposes", False),
    ]
    assert entries[0].tip.endswith("(+1)")
    assert [slug for slug, _ in presentation.stances] == ["supports", "opposes"]
    assert ("when", ("from", "until")) in [(p.role, p.columns) for p in presentation.parts]


def test_a_map_counts_what_is_at_a_place(dataset: LocalDataset) -> None:
    lines = [f"event:e1 {POINTS[0]}", f"event:e2 {POINTS[0]}", "event:e3 UNDEF"]
    presentation = shown(dataset, query_of("?event ?at", *lines))
    assert isinstance(presentation.drawn, Map)
    ((spot,),) = (mark.spots for mark in presentation.drawn.marks)
    assert (spot.latitude, spot.longitude) == (37.0, 127.0)
    assert presentation.left_out == 1


def test_places_are_looked_up() -> None:
    turtle = """
    @prefix geo: <http://www.opengis.net/ont/geosparql#> .
    <https://w3id.org/peninsula/id/place/a> geo:hasGeometry [
      geo:asWKT "POINT(127 37)"^^geo:wktLiteral ] .
    """
    store = ox.Store()
    store.load(turtle.encode(), ox.RdfFormat.TURTLE)
    dataset = LocalDataset(store, Policy())
    for place, views in (("place:a", ("table", "map")), ("place:b", ("table",))):
        presentation = shown(dataset, query_of("?place", place, "place:c"))
        assert presentation.views == views
        assert presentation.left_out == (1 if "map" in views else 0)


def test_a_network_adds_up_its_ties(dataset: LocalDataset) -> None:
    lines = [
        "state:a state:b",
        "state:a state:b",
        "state:b state:c",
        "state:c state:c",
        "state:d UNDEF",
    ]
    presentation = shown(dataset, query_of("?holder ?other", *lines))
    assert isinstance(presentation.drawn, Network)
    assert {(e.edge.source, e.edge.target): e.edge.weight for e in presentation.drawn.edges} == {
        ("state:a", "state:b"): 2.0,
        ("state:b", "state:c"): 1.0,
    }


def test_a_matrix_of_numbers_has_a_cell_for_each_pair(dataset: LocalDataset) -> None:
    presentation = shown(dataset, CROSSED)
    pivot = presentation.drawn
    assert isinstance(pivot, Pivot)
    assert [[cell and cell.text for cell in line[2]] for line in pivot.lines] == [
        ["1", "2"],
        ["3", None],
    ]
    assert pivot.lines[1][2][0].shade == 5  # type: ignore[union-attr]
    assert pivot.lines[1][2][0].path == "#row-3"  # type: ignore[union-attr]


def test_a_part_of_a_whole_is_shown_as_both(dataset: LocalDataset) -> None:
    lines = ["state:a state:b 10 5", "state:a state:c 4 4", "state:b state:c 3 0"]
    query = query_of("?stateA ?stateB ?ballots ?alike", *lines)
    pivot = shown(dataset, query, wished="matrix").drawn
    assert isinstance(pivot, Pivot)
    assert [cell and cell.text for cell in pivot.lines[0][2]] == ["5/10", "4/4"]
    assert [cell and cell.shade for cell in pivot.lines[1][2]] == [None, 0]


def test_a_matrix_of_stances_shows_both_sides(dataset: LocalDataset) -> None:
    matrix = shown(dataset, STANCES).drawn
    assert isinstance(matrix, Matrix)
    cells = {
        (line.row.key[-2], place.column.key[-2]): place.cell.marks
        for line in matrix.lines
        for place in line.places
        if place.cell
    }
    assert cells["b", "a"] == (("supports", 1), ("opposes", 1))
    assert ("b", "b") not in cells


def test_bars_are_cut_aloud(dataset: LocalDataset) -> None:
    query = query_of("?kind ?count", *(f'"k{n}" {n}' for n in range(70)))
    presentation = shown(dataset, query)
    assert presentation.view == "bar"
    assert (presentation.drawn_count, presentation.count) == (60, 70)
    assert isinstance(presentation.drawn, Chart)
    assert len(presentation.drawn.points) == 60


def test_a_chart_sorts_its_names_into_series(dataset: LocalDataset) -> None:
    lines = ['"a" "yes" 1', '"a" "no" 2', '"b" "yes" 3']
    chart = shown(dataset, query_of("?state ?vote ?count", *lines), wished="bar").drawn
    assert isinstance(chart, Chart)
    assert chart.series == ("yes", "no")
    assert chart.bars
    assert [len(bar.segments) for bar in chart.bars.bars] == [2, 1]
    assert [bar.total for bar in chart.bars.bars] == ["3", "3"]


def test_only_links_of_the_web_are_links(dataset: LocalDataset) -> None:
    query = query_of("?personA ?personB", "<javascript:alert(1)> person:b", "person:b person:c")
    network = shown(dataset, query).drawn
    assert isinstance(network, Network)
    paths = {placed.node.path for placed in network.nodes}
    assert not any(path.startswith("javascript") for path in paths)


# Exports.


def test_graphml_can_be_read(dataset: LocalDataset) -> None:
    written = export(dataset.evaluate(TIED), dataset, GRAPHML)
    space = "{http://graphml.graphdrawing.org/xmlns}"
    root = ET.fromstring(written)
    assert len(root.findall(f".//{space}node")) == 3
    assert len(root.findall(f".//{space}edge")) == 2


def test_geojson_can_be_read(dataset: LocalDataset) -> None:
    written = json.loads(export(dataset.evaluate(PLACED), dataset, GEOJSON))
    assert written["type"] == "FeatureCollection"
    first = written["features"][0]
    assert first["geometry"] == {"type": "Point", "coordinates": [127.0, 37.0]}
    assert first["properties"]["eventLabel"] == "event:e0"


@pytest.mark.parametrize(
    ("query", "words"), [(WORDS, "no two columns of things"), ("ASK {}", "no two columns")]
)
def test_what_is_no_network_is_told(dataset: LocalDataset, query: str, words: str) -> None:
    with pytest.raises(NotAcceptable, match=words):
        export(dataset.evaluate(query), dataset, GRAPHML)
    with pytest.raises(NotAcceptable, match="no points or places"):
        export(dataset.evaluate(query), dataset, GEOJSON)
