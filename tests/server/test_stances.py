"""Who holds what, when; the rows of a page are those of the query that it shows."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyoxigraph as ox
import pytest

from peninsula.agreement import compare, find_disputes, judge
from peninsula.course import (
    Gap,
    count_beyond,
    count_by_year,
    find_changes,
    find_span,
    find_turns,
    insert_gaps,
)
from peninsula.dataset.local import LocalDataset
from peninsula.namespaces import expand, shorten
from peninsula.policy import Policy
from peninsula.selections import Selection, Window, write_matrix_query, write_positions_query
from peninsula.stances import (
    Cell,
    Position,
    Survey,
    choose_positions,
    make_cells,
    order_actors,
    read_survey,
)
from peninsula.topics import Topics

from .conftest import ask
from .stance_scene import make_scene

RUSSIA, CHINA, PUTIN = expand("state:russia"), expand("state:china"), expand("person:putin")
OBSERVERS = expand("group:observers")
SANCTIONS, UN = expand("topic:sanctions"), expand("topic:un-sanctions")
DAY = Window(date(2017, 12, 22), date(2017, 12, 22))


@pytest.fixture(scope="module")
def scene() -> LocalDataset:
    return make_scene()


@pytest.fixture(scope="module")
def survey(scene: LocalDataset) -> Survey:
    return read_survey(scene, "en")


def slugs(positions: Any) -> list[str]:
    return [shorten(p.iri).removeprefix("position:") for p in positions]


def test_positions_are_read_whole_and_in_order_of_time(survey: Survey) -> None:
    assert slugs(survey.positions) == [
        "china-opposes-sanctions",
        "putin-opposes",
        "russia-supports-2397",
        "russia-ambivalent-2397",
        "china-supports-2397",
        "observers-supports",
        "russia-opposes-sanctions",
    ]
    last = survey.positions[-1]
    assert (last.start, last.end, last.edtf, last.is_inferred) == (
        date(2021, 1, 1), None, "2021-01-01/..", True,
    )  # fmt: skip
    assert slugs([survey.by_iri[iri] for iri in last.succeeds]) == ["russia-supports-2397"]
    assert last.claims == (expand("claim:c3"), expand("claim:c4"))
    assert survey.name(RUSSIA) == "Russia"
    assert not survey.positions[3].is_inferred


def test_labels_are_in_the_readers_language_else_in_english(scene: LocalDataset) -> None:
    survey = read_survey(scene, "ru")
    assert survey.name(RUSSIA) == "Россия"
    assert survey.name(CHINA) == "China"
    assert survey.stance_names()["supports"] == "поддержка"


def test_an_earlier_position_is_known_though_it_was_not_asked_for(scene: LocalDataset) -> None:
    survey = read_survey(scene, "en", topic=expand("topic:six-party-talks"))
    assert slugs(survey.positions) == ["observers-supports", "russia-opposes-sanctions"]
    changes = find_changes(survey, survey.positions)
    assert [(c.before.slug, c.after.slug, c.is_same_object) for c in changes] == [
        ("supports", "opposes", False)
    ]


def test_only_the_actors_asked_for_are_read(scene: LocalDataset) -> None:
    survey = read_survey(scene, "en", actors=[CHINA, PUTIN])
    assert {p.actor for p in survey.positions} == {CHINA, PUTIN}
    # The others can still be chosen.
    assert set(survey.actors) == {RUSSIA, CHINA, PUTIN, OBSERVERS}


def test_a_position_counts_in_every_topic_above_its_own_once(survey: Survey) -> None:
    cells = make_cells(survey, Selection(), survey.topics.broader)
    assert slugs(cells[RUSSIA, expand("topic:diplomacy")].held) == ["russia-opposes-sanctions"]
    assert slugs(cells[RUSSIA, SANCTIONS].held) == slugs(cells[RUSSIA, UN].held)
    assert (CHINA, expand("topic:diplomacy")) not in cells
    assert cells[RUSSIA, SANCTIONS].count() == (("supports", 1), ("ambivalent", 1), ("opposes", 1))
    assert cells[PUTIN, SANCTIONS].count(aimed=False) == (("opposes", 1),)
    assert cells[PUTIN, SANCTIONS].count(aimed=True) == ()


@pytest.mark.parametrize(
    ("start", "end", "answer"),
    [
        ("2017-12-22", "2017-12-22", "yes"),
        ("2017-12-22", None, "yes"),
        ("2017-12-23", None, "no"),
        ("2010-01-01", "2017-12-21", "no"),
        (None, "2017-12-22", "yes"),
        (None, "2017-12-23", "perhaps"),
        (None, "2017-12-21", "no"),
        (None, None, "perhaps"),
    ],
)
def test_time_has_three_answers(start: str | None, end: str | None, answer: str) -> None:
    days = [date.fromisoformat(day) if day else None for day in (start, end)]
    assert Position("p", "a", "s", start=days[0], end=days[1]).held(DAY) == answer


def test_a_day_sorts_the_positions_of_a_cell(survey: Survey) -> None:
    cell = choose_positions(survey, Selection((CHINA,), SANCTIONS, window=DAY))
    assert (slugs(cell.held), slugs(cell.undecided), slugs(cell.elsewhere)) == (
        ["china-supports-2397"], ["china-opposes-sanctions"], [],
    )  # fmt: skip
    cell = choose_positions(survey, Selection((CHINA,), SANCTIONS, window=DAY, takes_unknown=True))
    assert slugs(cell.held) == ["china-opposes-sanctions", "china-supports-2397"]
    cell = choose_positions(survey, Selection((RUSSIA,), window=DAY))
    assert slugs(cell.elsewhere) == ["russia-opposes-sanctions"]


SELECTIONS = [
    Selection(),
    Selection(stances=(expand("stance:supports"), expand("stance:ambivalent"))),
    Selection(modalities=(expand("modality:expected"),)),
    Selection(modalities=(expand("modality:expected"), expand("modality:asserted"))),
    Selection(kinds=("state",)),
    Selection(kinds=("person", "group")),
    Selection(kinds=("other",)),
    Selection(is_aimed=True),
    Selection(window=DAY),
    Selection(window=DAY, takes_unknown=True),
    Selection(window=Window(date(2018, 1, 1), date.max)),
    Selection(window=Window(date.min, date(2018, 1, 1)), is_aimed=True),
    Selection(actors=(CHINA, PUTIN)),
    Selection(topic=SANCTIONS),
    Selection(actors=(RUSSIA,), topic=expand("topic:diplomacy")),
]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_the_query_of_a_matrix_gives_its_rows(
    scene: LocalDataset, survey: Survey, selection: Selection
) -> None:
    topics = sorted(survey.topics.broader)
    if selection.topic:
        selection = Selection(selection.actors)
    cells = make_cells(survey, selection, topics)
    expected = {
        (actor, topic, stance, sum(p.stance == stance for p in cell.held),
         sum(p.stance == stance and bool(p.object) for p in cell.held))
        for (actor, topic), cell in cells.items() for stance in cell.stances
    }  # fmt: skip
    rows = ask(scene, write_matrix_query(selection, topics))
    found = {
        (r[0].value, r[2].value, r[4].value, int(r[5].value), int(r[6].value))  # type: ignore[union-attr]
        for r in rows
    }
    assert found == expected
    assert len(rows) == len(expected)
    assert expected or selection.kinds == ("other",)


@pytest.mark.parametrize("selection", SELECTIONS)
def test_the_query_of_a_list_gives_its_rows(
    scene: LocalDataset, survey: Survey, selection: Selection
) -> None:
    held = choose_positions(survey, selection).held
    expected = {
        (p.iri, claim, " ".join(p.succeeds), frozenset(p.topics))
        for p in held
        for claim in p.claims
    }
    rows = ask(scene, write_positions_query(selection))
    found = {
        (r[0].value, r[9].value, r[8].value, frozenset(r[7].value.split()))  # type: ignore[union-attr]
        for r in rows
    }
    assert found == expected
    assert len(rows) == len(expected)


def test_different_stances_on_one_object_at_one_time_are_a_dispute(survey: Survey) -> None:
    disputes = find_disputes(survey.positions, survey.tensions)
    assert [(d.reason, *slugs([d.one, d.other])) for d in disputes] == [
        ("object", "russia-supports-2397", "russia-ambivalent-2397"),
        # c1 is in tension with c3, too, but that is of another time: a course, no dispute.
        ("tension", "russia-supports-2397", "russia-ambivalent-2397"),
    ]
    assert disputes[1].claims == (expand("claim:c1"), expand("claim:c2"))


def test_actors_who_differ_are_no_dispute() -> None:
    one = Position("p", "a", "s1", "thing", claims=("c",))
    other = Position("q", "b", "s2", "thing", claims=("d",))
    assert find_disputes([one, other], {"c": {"d": True}, "d": {"c": True}}) == []


def test_a_contradiction_counts_whatever_the_times_and_within_one_position() -> None:
    one = Position("p", "a", "s", "x", claims=("c",), end=date(2000, 1, 1))
    other = Position("q", "a", "s", "y", claims=("d",), start=date(2020, 1, 1))
    tensions = {"c": {"d": True}, "d": {"c": True}}
    assert [d.reason for d in find_disputes([one, other], tensions)] == ["contradiction"]
    both = Position("p", "a", "s", claims=("c", "d"))
    assert [(d.one, d.other) for d in find_disputes([both], {"c": {"d": False}})] == [(both, both)]


def test_what_lies_between_positions_is_said_to_be_without_evidence(survey: Survey) -> None:
    russian = [p for p in survey.positions if p.actor == RUSSIA]
    items = insert_gaps(russian)
    assert [item if isinstance(item, Gap) else item.slug for item in items] == [
        Gap(None, date(2016, 12, 31)),
        "supports",
        "ambivalent",
        Gap(date(2018, 1, 1), date(2020, 12, 31)),
        "opposes",
    ]
    # An unknown beginning leaves nothing to say of the time before.
    chinese = insert_gaps([p for p in survey.positions if p.actor == CHINA])
    assert [item.slug for item in chinese if isinstance(item, Position)] == ["opposes", "supports"]
    assert chinese[-1] == Gap(date(2022, 1, 1), None)
    assert len(chinese) == 3
    assert insert_gaps([Position("p", "a", "s")]) == [Position("p", "a", "s")]


def test_rows_stand_by_kind_or_by_state(survey: Survey) -> None:
    by_kind = order_actors(survey, survey.actors)
    assert by_kind == [(RUSSIA, "state"), (CHINA, "state"), (OBSERVERS, "group"), (PUTIN, "person")]
    by_state = order_actors(survey, survey.actors, by_state=True)
    assert by_state == [(RUSSIA, RUSSIA), (OBSERVERS, RUSSIA), (PUTIN, RUSSIA), (CHINA, CHINA)]
    by_name = order_actors(survey, survey.actors, by_name=True)
    assert [iri for iri, _ in by_name] == [CHINA, RUSSIA, OBSERVERS, PUTIN]


def test_topics_unfold_in_place(survey: Survey) -> None:
    folded = list(survey.topics.unfold((), survey.name))
    assert folded == [(expand("topic:diplomacy"), 0), (SANCTIONS, 0)]
    opened = [expand("topic:diplomacy"), expand("topic:multilateral-talks")]
    assert [(shorten(t), d) for t, d in survey.topics.unfold(opened, survey.name)] == [
        ("topic:diplomacy", 0),
        ("topic:multilateral-talks", 1),
        ("topic:six-party-talks", 2),
        ("topic:sanctions", 0),
    ]
    assert survey.topics.path(expand("topic:six-party-talks")) == (
        expand("topic:diplomacy"),
        expand("topic:multilateral-talks"),
    )


def test_topics_in_a_ring_do_no_harm() -> None:
    ring = Topics({"a": frozenset("b"), "b": frozenset("a"), "c": frozenset("c")})
    assert ring.tops == ("a", "b", "c")
    assert ring.above("a") == ring.below("b") == {"a", "b"}
    assert ring.path("a") == ("b",)
    assert ("a", 0) in list(ring.unfold("abc", str))


def test_days_on_which_something_changes(survey: Survey) -> None:
    assert find_turns(p for p in survey.positions if p.actor == RUSSIA) == [
        date(2017, 1, 1), date(2017, 6, 1), date(2018, 1, 1), date(2021, 1, 1),
    ]  # fmt: skip
    span = find_span(survey.positions)
    assert span == Window(date(2017, 1, 1), date(2021, 12, 31))
    assert dict(count_by_year(survey.positions, span)) == {
        2017: 3, 2018: 0, 2019: 1, 2020: 0, 2021: 2,
    }  # fmt: skip
    assert find_span([]) is None


def test_a_forecast_does_not_stretch_the_time_shown() -> None:
    days, end = (date(2017, 1, 1), date(2021, 1, 1)), date(2036, 12, 31)
    short = Position("p", "a", "s", start=days[0], end=date(2019, 12, 31))
    far = Position("q", "a", "s", start=days[1], end=end)
    open_ = Position("r", "a", "s", start=days[0])
    span = find_span([short, far, open_])
    assert span == Window(*days)
    assert count_beyond([short, far, open_], span) == 2
    # With nothing else to go by, an end is the end.
    assert find_span([Position("t", "a", "s", end=end)]) == Window(end, end)


@pytest.mark.parametrize(
    ("stances", "verdict"),
    [
        ([{"supports"}, {"supports"}], "same"),
        ([{"supports"}, {"opposes"}], "opposite"),
        ([{"supports", "opposes"}, {"opposes"}], "partly"),
        ([{"supports"}, {"ambivalent"}], "differ"),
        ([{"supports"}, set()], "one"),
        ([set(), set()], "none"),
        ([{"supports"}, {"supports"}, set()], "same"),
        ([{"supports"}, {"supports"}, {"opposes"}], "partly"),
    ],
)
def test_how_stances_compare(stances: list[set[str]], verdict: str) -> None:
    assert judge([{expand(f"stance:{s}") for s in one} for one in stances]) == verdict


def test_actors_are_compared_on_the_objects_that_they_share(survey: Survey) -> None:
    cells = make_cells(survey, Selection(), [SANCTIONS])
    found = compare(cells, [RUSSIA, CHINA], SANCTIONS)
    assert found.verdict == "partly"
    assert [(shorten(s.object), s.verdict) for s in found.shared] == [
        ("measure:un-sanctions", "same"),
        ("resolution:2397", "partly"),
    ]
    assert compare(cells, [RUSSIA, expand("state:japan")], SANCTIONS).verdict == "one"
    assert compare(cells, [PUTIN], "topic").cells == (Cell(),)


def test_what_is_odd_in_the_data_is_left_out_or_kept_plainly() -> None:
    scene = make_scene(
        "position:odd a pen:PolicyPosition ; pen:hasHolder state:japan ;"
        ' pen:hasStance <https://example.org/stance"> .'.replace('"', "")
        + " position:none a pen:PolicyPosition ; pen:hasStance stance:supports ."
        ' position:odd pen:from "last spring" ; pen:hasTopic <https://example.org/topic> .'
    )
    survey = read_survey(scene, "en")
    odd = survey.by_iri[expand("position:odd")]
    assert (odd.slug, odd.start, odd.claims) == ("other", None, ())
    assert expand("position:none") not in survey.by_iri
    assert "https://example.org/topic" in survey.topics.tops
    assert survey.stance_names()["other"] == "https://example.org/stance"


def test_an_empty_dataset_has_no_positions() -> None:
    dataset = LocalDataset(ox.Store(), Policy())
    survey = read_survey(dataset, "en")
    assert survey.positions == ()
    assert list(survey.topics.unfold((), survey.name)) == []
