"""Timelines: where the marks stand, and what the page and its data say."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.app import create_app
from peninsula.chronicle import KINDS, Choice, read_choices, read_chronicle, write_query
from peninsula.config import Config
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.drawing.lettering import cut, measure
from peninsula.drawing.timeline import TRACK, Entry, Timeline, draw_timeline
from peninsula.namespaces import expand
from peninsula.policy import Policy
from peninsula.views.timeline import find_beginning

from .chronicle_scene import make_scene
from .conftest import BROWSER

# The drawing.


def _day(text: str) -> date:
    return date.fromisoformat(text)


def test_a_time_stands_where_its_share_of_the_whole_is() -> None:
    entry = Entry("x", _day("2001-01-01"), _day("2001-12-31"), when="2001")
    drawn = draw_timeline([entry], width=800, first=_day("2000-01-01"), last=_day("2003-12-31"))
    (mark,) = drawn.marks
    assert mark.x == pytest.approx(800 * 366 / 1461, abs=0.1)
    assert mark.width == pytest.approx(800 * 365 / 1461, abs=0.2)
    assert not mark.is_point


def test_a_day_is_a_point_and_a_long_time_a_bar() -> None:
    drawn = draw_timeline(
        [
            Entry("day", _day("2010-05-05"), _day("2010-05-05")),
            Entry("decade", _day("2001-01-01"), _day("2010-12-31")),
        ]
    )
    assert {mark.entry.label: mark.is_point for mark in drawn.marks} == {
        "day": True,
        "decade": False,
    }


def test_what_goes_on_has_an_arrow_and_what_is_not_known_a_tail() -> None:
    goes_on = Entry("a", _day("2010-01-01"), None, when="2010/..")
    unknown_end = Entry("b", _day("2010-01-01"), None, when="2010/")
    unknown_start = Entry("c", None, _day("2010-01-01"), when="/2010-01-01")
    marks = {
        mark.entry.label: mark
        for mark in draw_timeline(
            [goes_on, unknown_end, unknown_start], first=_day("2000-01-01"), last=_day("2019-12-31")
        ).marks
    }
    assert "L" in marks["a"].outline and marks["a"].x + marks["a"].width == pytest.approx(1100)
    assert marks["b"].is_point and "h24" in marks["b"].tail
    assert marks["c"].is_point and "h-24" in marks["c"].tail


def test_an_end_beyond_the_window_is_cut_without_an_arrow() -> None:
    entry = Entry("x", _day("1950-01-01"), _day("2050-01-01"))
    drawn = draw_timeline([entry], first=_day("2000-01-01"), last=_day("2009-12-31"))
    assert "L" not in drawn.marks[0].outline
    assert (drawn.marks[0].x, drawn.marks[0].width) == (0, 1100)


def test_what_has_no_date_or_another_time_is_told_apart() -> None:
    entries = [
        Entry("undated", None, None),
        Entry("before", _day("1990-01-01"), _day("1990-01-01")),
        Entry("in", _day("2005-01-01"), _day("2005-01-01")),
    ]
    drawn = draw_timeline(entries, first=_day("2000-01-01"), last=_day("2009-12-31"))
    assert [entry.label for entry in drawn.undated] == ["undated"]
    assert [entry.label for entry in drawn.outside] == ["before"]
    assert [mark.entry.label for mark in drawn.marks] == ["in"]


def test_nothing_to_draw_is_no_error() -> None:
    assert draw_timeline([]).lanes == ()
    assert draw_timeline([Entry("x", None, None)]).undated


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("1990-01-01", "2021-12-31", ["1990", "1992", "1994"]),
        ("2017-01-01", "2017-12-31", ["2017", "2017-02", "2017-03"]),
        ("1900-01-01", "2025-12-31", ["1900", "1910", "1920"]),
    ],
)
def test_ticks_fit_the_time_shown(first: str, last: str, labels: list[str]) -> None:
    drawn = draw_timeline([], first=_day(first), last=_day(last))
    found = [tick for tick in drawn.ticks if tick.label]
    assert [tick.label for tick in found][:3] == labels
    places = [tick.x for tick in found]
    assert all(b - a >= 50 for a, b in pairwise(places))


_DAYS = st.dates(_day("1990-01-01"), _day("2025-12-31"))
_ENTRIES = st.lists(
    st.builds(
        lambda start, days, label, row: Entry(label, start, start + timedelta(days=days), row),
        _DAYS, st.integers(0, 3000), st.text("abc 한Ж", max_size=40), st.sampled_from("xyz"),
    ),
    max_size=60,
)  # fmt: skip


def _overlaps(drawn: Timeline) -> list[tuple[str, str]]:
    found = []
    for lane in drawn.lanes:
        tracks: dict[float, list[tuple[float, float, str]]] = {}
        for mark in lane.marks:
            left = mark.x - TRACK / 2 if mark.is_point else mark.x
            right = mark.x + TRACK / 2 if mark.is_point else mark.x + mark.width
            if mark.text and mark.is_before:
                left = min(left, mark.text_x - measure(mark.text))
                assert left >= -2
            elif mark.text and not mark.is_inside:
                right = max(right, mark.text_x + measure(mark.text))
            tracks.setdefault(mark.y, []).append((left, right, mark.entry.label))
            assert lane.y <= mark.y and mark.y + TRACK <= lane.y + lane.height
        for marks in tracks.values():
            marks.sort()
            found += [(a[2], b[2]) for a, b in pairwise(marks) if b[0] < a[1] - 2]
    return found


@settings(deadline=None, max_examples=60)
@given(_ENTRIES)
def test_nothing_covers_anything_else(entries: list[Entry]) -> None:
    drawn = draw_timeline(entries)
    assert len(drawn.marks) + len(drawn.undated) + len(drawn.outside) == len(entries)
    assert _overlaps(drawn) == []


def test_a_label_without_room_after_its_mark_stands_before_it() -> None:
    last = Entry("Yeongbyeon talks that nobody expected", _day("2024-12-01"), _day("2024-12-05"))
    drawn = draw_timeline([Entry("First", _day("1990-01-01"), _day("1990-01-02")), last])
    first, late = drawn.marks
    assert (first.is_before, late.is_before) == (False, True)
    assert late.text == last.label
    assert late.text_x < late.x


def test_a_brief_text_is_written_and_the_label_read_out() -> None:
    day = _day("2017-12-22")
    (mark,) = draw_timeline([Entry("Resolution 2397", day, day, brief="2397")]).marks
    assert mark.text == "2397"
    assert mark.name.startswith("Resolution 2397")


@pytest.mark.parametrize(
    ("labels", "beginning"),
    [
        ([f"UN Security Council resolution {n}" for n in (825, 1718, 1874, 2397)],
         "UN Security Council resolution "),
        (["UN Security Council resolution 825"] * 2, ""),
        (["Kim–Xi meeting", "Kim–Xi meeting in Dalian", "Kim–Putin", "Kim–Trump"], ""),
        (["The talks"] * 5, ""),
        ([], ""),
    ],
)  # fmt: skip
def test_the_words_that_all_begin_with_are_left_out(labels: list[str], beginning: str) -> None:
    assert find_beginning(labels) == beginning


def test_a_text_is_cut_to_its_room() -> None:
    assert cut("Panmunjom", 500) == "Panmunjom"
    text = cut("Inter-Korean summit of September 2018", 100)
    assert text.endswith("…") and measure(text) <= 100
    assert cut("x" * 10, 1) == ""


# What is read.


@pytest.fixture(scope="module")
def scene() -> LocalDataset:
    return make_scene()


def _read(scene: LocalDataset, **values: object) -> dict[str, str]:
    choice = Choice(**{"kinds": tuple(KINDS), **values})  # type: ignore[arg-type]
    return {item.label: item.kind for item in read_chronicle(scene, choice, "en").items}


def test_everything_has_its_kind(scene: LocalDataset) -> None:
    found = _read(scene)
    assert found["Vladivostok summit"] == "summit"
    assert found["Nuclear test"] == "test"
    assert found["Kim visit to Moscow"] == "planned"
    assert found["Resolution 2397"] == "resolution"
    assert found["supports: Resolution 2397"] == "position"
    assert len(found) == 11 - 1  # both presidencies have the same label


def test_who_leads_a_state_is_told_from_other_offices(scene: LocalDataset) -> None:
    items = read_chronicle(scene, Choice(("leader", "official")), "en").items
    assert [(item.kind, item.detail and item.detail.label) for item in items] == [
        ("official", "Prime Minister of Russia"),
        ("leader", "President of Russia"),
        ("leader", "President of Russia"),
    ]


def test_an_actor_has_what_they_and_theirs_did(scene: LocalDataset) -> None:
    russia = _read(scene, actor=expand("state:russia"))
    assert {"Vladivostok summit", "Treaty", "Railway", "Resolution 2397", "Vladimir Putin"} <= set(
        russia
    )
    assert "Nuclear test" not in russia
    kim = _read(scene, actor=expand("person:kim"))
    assert set(kim) == {"Vladivostok summit"}


def test_a_topic_has_its_positions_and_what_claims_on_it_are_about(scene: LocalDataset) -> None:
    assert set(_read(scene, topic=expand("topic:sanctions"))) == {
        "Resolution 2397", "supports: Resolution 2397",
    }  # fmt: skip


def test_a_time_leaves_out_what_lies_elsewhere_but_not_what_has_no_date(
    scene: LocalDataset,
) -> None:
    found = _read(scene, first=_day("2019-01-01"), last=_day("2019-12-31"))
    assert set(found) == {"Vladivostok summit", "Vladimir Putin", "Treaty", "Railway"}


def test_the_query_shown_finds_the_same_things(scene: LocalDataset) -> None:
    choice = Choice(("summit", "test"), expand("state:north-korea"), first=_day("2017-01-01"))
    solutions = scene.evaluate(write_query(choice))
    index = solutions.variables.index("item")  # type: ignore[union-attr]
    shown = {str(row[index]) for row in solutions}  # type: ignore[union-attr]
    items = read_chronicle(scene, choice, "en").items
    assert shown == {f"<{item.iri}>" for item in items} and len(items) == 2


def test_choices_are_actors_by_kind_and_the_tree_of_topics(scene: LocalDataset) -> None:
    choices = read_choices(scene, "en", expand("place:accra"))
    assert [name.label for name in choices.actors["state"]] == ["North Korea", "Russia"]
    assert [name.label for name in choices.actors["person"]] == ["Kim Jong-un", "Vladimir Putin"]
    assert [name.label for name in choices.actors["other"]] == ["Accra"]
    assert [(topic.label, topic.depth) for topic in choices.topics] == [
        ("Sanctions", 0), ("UN sanctions", 1),
    ]  # fmt: skip


# The page.


@pytest.fixture(scope="module")
def client(scene: LocalDataset) -> FlaskClient:
    return create_app(Config(), LocalDatabase(scene), None).test_client()


def _page(client: FlaskClient, address: str, status: int = 200) -> str:
    response = client.get(address, headers=BROWSER)
    assert response.status_code == status, response.text[:400]
    return response.text


def test_the_page_draws_and_lists_what_happened(client: FlaskClient) -> None:
    text = _page(client, "/timeline")
    assert 'aria-label="Vladivostok summit, 2019-04-25"' in text
    assert text.count('href="/id/event/vladivostok-2019"') == 2  # drawing and list
    assert 'class="mark never"' in text and ">cancelled</span>" in text
    # Two presidencies without a gap are one bar, of which the list has both.
    assert 'aria-label="Vladimir Putin, 2012-05-07 – …"' in text
    assert "/id/tenure/putin-1" in text and "/id/tenure/putin-2" in text
    assert "2010-03?" in text and 'class="mark clash uncertain"' in text
    assert "1 without a date, at the end" in text


def test_a_hostile_label_stays_text(client: FlaskClient) -> None:
    text = _page(client, "/timeline")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_labels_are_in_the_language_of_the_reader(client: FlaskClient) -> None:
    assert "Владивостокский саммит" in _page(client, "/timeline?lang=ru")


def test_kinds_are_chosen_and_counted(client: FlaskClient) -> None:
    text = _page(client, "/timeline?kind=test")
    assert "Nuclear test" in text and "Vladivostok summit" not in text
    assert re.search(r'value="summit">.*Summits <small>2</small>', text)
    assert re.search(r'value="test" checked', text)


def test_lanes_can_be_states(client: FlaskClient) -> None:
    text = _page(client, "/timeline?lanes=actor")
    assert '<g role="group" aria-label="North Korea">' in text
    assert '<g role="group" aria-label="No state named">' in text


def test_the_time_can_be_moved_without_scripts(client: FlaskClient) -> None:
    text = _page(client, "/timeline?from=2016&until=2019&kind=summit")
    later = next(m for m in re.findall(r'data-zoom="later" href="([^"]+)"', text))
    query = parse_qs(urlsplit(later.replace("&amp;", "&")).query)
    assert query["kind"] == ["summit"]
    assert query["from"][0] > "2016" and query["until"][0] > "2019"


def test_the_data_of_the_page(client: FlaskClient) -> None:
    found = client.get("/timeline?format=json&kind=summit&kind=agreement").json
    assert found is not None and found["isCut"] is False
    summit = next(item for item in found["items"] if item["label"] == "Vladivostok summit")
    assert summit["from"] == summit["until"] == "2019-04-25" and summit["class"] == "summit"
    assert {actor["label"] for actor in summit["actors"]} == {
        "Kim Jong-un", "North Korea", "Russia", "Vladimir Putin",
    }  # fmt: skip
    assert "SELECT" in found["query"]
    response = client.get("/timeline?kind=agreement", headers={"Accept": "text/csv"})
    assert response.content_type == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(response.text))
    # It is from before the usual time, and nobody knows whether it has ended.
    assert (row["label"], row["until"], row["edtf"]) == ("Treaty", "", "2000-02-09/")


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ("kind=nonsense", "nonsense"),
        ("from=soon", "soon"),
        ("until=2017-02-30", "2017-02-30"),
        ("from=2018&until=2017", "before it begins"),
        ("lanes=colour", "colour"),
        ("actor=Russia", "Russia"),
    ],
)
def test_wrong_parameters_are_refused(client: FlaskClient, parameters: str, word: str) -> None:
    assert word in _page(client, f"/timeline?{parameters}", 400)


def test_an_unknown_actor_is_not_found_and_near_ones_are_offered(client: FlaskClient) -> None:
    text = _page(client, "/timeline?actor=state:rusia", 404)
    assert "state:rusia" in text and "state:russia" in text


def test_an_empty_store_has_a_page() -> None:
    app = create_app(Config(), LocalDatabase(LocalDataset(ox.Store(), Policy())), None)
    client = app.test_client()
    assert "Nothing in the graph fits this" in _page(client, "/timeline")
    assert "No place with a point fits this" in _page(client, "/map")
