"""Maps: the projection against that of the outlines, spots and names, the page and its data."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from flask.testing import FlaskClient

from peninsula.app import create_app
from peninsula.assets import FOLDER, read_assets
from peninsula.config import Config
from peninsula.dataset.local import LocalDatabase
from peninsula.drawing.lettering import measure
from peninsula.drawing.maps import VIEWS, MapMark, Spot, draw_map

from .chronicle_scene import make_scene
from .conftest import BROWSER

SEOUL = Spot("Seoul", 37.566, 126.978, weight=3)
PYONGYANG = Spot("Pyongyang", 39.034, 125.754, weight=9)
MOSCOW = Spot("Moscow", 55.752, 37.616)
NEW_YORK = Spot("New York", 40.75, -73.98)


@pytest.mark.parametrize("name", VIEWS)
def test_points_stand_where_the_outlines_have_them(name: str) -> None:
    """The file of the outlines has a few points as d3-geo projected them."""
    view = VIEWS[name]
    svg = (FOLDER / read_assets().names[f"outlines-{name}.svg"]).read_text()
    assert f'viewBox="0 0 {view.width} {view.height}"' in svg
    match = re.search(r'data-checks="([^"]+)"', svg)
    assert match
    checks = json.loads(match[1])
    assert len(checks) >= 6
    for longitude, latitude, x, y in checks:
        assert view.project(latitude, longitude) == pytest.approx((x, y), abs=0.01)
    # Land and borders are there, and are no rectangle over the whole view.
    for part in ("land", "borders"):
        path = re.search(rf'id="{part}"[^>]* d="([^"]+)"', svg)
        assert path and path[1].count("M") > 2


def test_the_closest_view_that_shows_everything_is_chosen() -> None:
    assert draw_map([SEOUL, PYONGYANG]).view.name == "peninsula"
    assert draw_map([SEOUL, Spot("Beijing", 39.9, 116.4)]).view.name == "region"
    assert draw_map([SEOUL, NEW_YORK]).view.name == "world"
    assert draw_map([]).view.name == "world"


def test_what_lies_outside_is_told() -> None:
    drawn = draw_map([SEOUL, MOSCOW], "peninsula")
    assert [spot.label for spot in drawn.outside] == ["Moscow"]
    assert [mark.name for mark in drawn.marks] == ["Seoul"]


def test_places_too_close_to_tell_apart_are_one_spot_that_leads_closer() -> None:
    world = draw_map([SEOUL, PYONGYANG, MOSCOW], "world", closer="/map?view=region")
    assert [mark.name for mark in world.marks] == ["Pyongyang, Seoul", "Moscow"]
    assert world.marks[0].path == "/map?view=region" and world.marks[0].text == "Pyongyang +1"
    assert world.marks[0].number == "12"
    closer = draw_map([SEOUL, PYONGYANG], "peninsula")
    assert len(closer.marks) == 2


def _box(mark: MapMark) -> tuple[float, float, float, float]:
    left = mark.text_x - measure(mark.text) * {"start": 0, "middle": 0.5, "end": 1}[mark.anchor]
    return left, mark.text_y - 10, left + measure(mark.text), mark.text_y + 3


def test_names_cover_neither_each_other_nor_circles() -> None:
    spots = [
        Spot(f"Place {i}", 34 + i % 7 * 1.1, 125 + i * 0.31 % 5, weight=1 + i % 4)
        for i in range(60)
    ]
    drawn = draw_map(spots, "peninsula")
    named = [mark for mark in drawn.marks if mark.text]
    assert len(named) > 5
    boxes = [_box(mark) for mark in named]
    circles = [
        (m.x - m.radius, m.y - m.radius, m.x + m.radius, m.y + m.radius) for m in drawn.marks
    ]
    for i, one in enumerate(boxes):
        for other in [*boxes[i + 1 :], *circles]:
            apart = (
                one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            )
            assert apart, (one, other)
        assert one[0] >= 0 and one[2] <= drawn.width


# The page.


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(Config(), LocalDatabase(make_scene()), None).test_client()


def _page(client: FlaskClient, address: str, status: int = 200) -> str:
    response = client.get(address, headers=BROWSER)
    assert response.status_code == status, response.text[:400]
    return response.text


def test_a_place_on_the_map_leads_to_its_events(client: FlaskClient) -> None:
    text = _page(client, "/map")
    assert re.search(r'<a class="spot *" href="#place-vladivostok" aria-label="Vladivostok"', text)
    section = text.split('id="place-vladivostok"')[1].split("</section>")[0]
    assert "Vladivostok summit" in section and "&lt;script&gt;" in section and "Russia" in section
    assert "<script>alert" not in text


def test_places_without_a_point_are_listed(client: FlaskClient) -> None:
    text = _page(client, "/map").split('id="unplaced"')[1]
    assert "Panmunjom" in text and "Punggye-ri" in text and "Nuclear test" in text


def test_places_without_events_come_on_demand(client: FlaskClient) -> None:
    assert "Accra" not in _page(client, "/map?view=world")
    assert "Accra" in _page(client, "/map?view=world&others=1")


def test_kinds_actors_and_times_narrow_it(client: FlaskClient) -> None:
    text = _page(client, "/map?kind=summit&actor=person:kim&from=2019")
    assert "Vladivostok summit" in text
    assert "Panmunjom" not in text and "Nuclear test" not in text
    assert "/id/planned-event/kim-moscow" in _page(client, "/map?kind=planned")


def test_the_data_as_geojson(client: FlaskClient) -> None:
    response = client.get("/map?format=geojson")
    assert response.content_type == "application/geo+json"
    found = json.loads(response.text)
    assert found["type"] == "FeatureCollection"
    features = {feature["properties"]["label"]: feature for feature in found["features"]}
    assert features["Vladivostok"]["geometry"] == {"type": "Point", "coordinates": [131.91, 43.13]}
    assert features["Panmunjom"]["geometry"] is None
    assert features["Punggye-ri"]["properties"]["events"][0]["label"] == "Nuclear test"


def test_the_data_as_csv_and_json(client: FlaskClient) -> None:
    rows = list(csv.DictReader(io.StringIO(client.get("/map?format=csv").text)))
    summit = next(row for row in rows if row["label"] == "Vladivostok summit")
    assert (summit["latitude"], summit["longitude"], summit["areas"]) == (
        "43.13",
        "131.91",
        "Russia",
    )
    test = next(row for row in rows if row["label"] == "Nuclear test")
    assert (test["latitude"], test["placeDescription"]) == ("", "Punggye-ri")
    found = client.get("/map", headers={"Accept": "application/json"}).json
    assert (
        found is not None and len(found["items"]) == len(rows) and "takesPlaceAt" in found["query"]
    )


@pytest.mark.parametrize("parameters", ["view=mars", "kind=leader", "from=x"])
def test_wrong_parameters_are_refused(client: FlaskClient, parameters: str) -> None:
    assert parameters.split("=")[1] in _page(client, f"/map?{parameters}", 400)
