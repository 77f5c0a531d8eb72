"""Questions are found by words and tags, names are read for what they name, forms say what fits."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.errors import UnknownName
from peninsula.library import Library, Parameter, QueryTemplate, read_library
from peninsula.policy import Policy
from peninsula.questions import (
    GROUPS,
    find_questions,
    find_related,
    group_of,
    make_fields,
    resolve_values,
)

ROOT = Path(__file__).resolve().parents[2]


def template(slug: str, *tags: str, parameters: tuple[Parameter, ...] = ()) -> QueryTemplate:
    return QueryTemplate(
        slug, f"{slug.capitalize()}?", f"About {slug}.", tags, parameters, "table",
        "SELECT * {}", Path(f"{slug}.rq"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> Library:
    return read_library(ROOT / "queries")


@pytest.mark.parametrize(
    ("text", "tags", "slug"),
    [
        ("Biden", [], "expectations-for-biden-administration"),
        ("biden URGED", [], "expectations-for-biden-administration"),
        ("vetoed", [], "vetoes"),
        ("visits", [], "visits-that-did-not-happen"),
        ("", ["vetoes"], "vetoes"),
        ("", ["expectations", "us-policy"], "expectations-for-biden-administration"),
        ("number of the paragraph", [], "claim-passage"),
    ],
)
def test_a_question_is_found(shipped: Library, text: str, tags: list[str], slug: str) -> None:
    found = find_questions(shipped, text, tags)
    assert slug in {question.slug for group in found.groups for question in group.questions}
    assert 0 < found.count < len(shipped.templates)
    assert sum(len(group.questions) for group in found.groups) == found.count


@pytest.mark.parametrize(
    ("text", "tags"), [("xyzzy", []), ("", ["no-such-tag"]), ("Biden", ["vetoes"])]
)
def test_what_is_not_there_is_not_found(shipped: Library, text: str, tags: list[str]) -> None:
    found = find_questions(shipped, text, tags)
    assert (found.count, found.groups, found.tags) == (0, (), {})


def test_every_shipped_question_has_a_group(shipped: Library) -> None:
    found = find_questions(shipped)
    assert found.count == len(shipped.templates)
    assert [group.key for group in found.groups] == list(GROUPS)
    assert max(len(group.questions) for group in found.groups) < 40


def test_the_first_tag_says_most() -> None:
    assert group_of(template("a", "votes", "positions")) == "council"
    assert group_of(template("b", "document", "positions")) == "positions"
    assert group_of(template("c", "weather")) == "other"


def test_tags_are_counted_among_what_is_found(shipped: Library) -> None:
    found = find_questions(shipped, tags=["vetoes"])
    assert found.tags["vetoes"] == found.count
    assert list(found.tags.values()) == sorted(found.tags.values(), reverse=True)


def test_rare_tags_make_the_nearest_questions() -> None:
    own = template("own", "votes", "vetoes")
    near, far = template("near", "vetoes"), template("far", "votes")
    others = [template(f"x{n}", "votes") for n in range(9)]
    strange = template("strange", "weather")
    library = Library({t.slug: t for t in (own, near, far, *others, strange)})
    related = find_related(library, own)
    assert related[0] is near
    assert own not in related
    assert strange not in related
    assert len(related) == 6


def test_near_names_of_questions(shipped: Library) -> None:
    assert shipped.near("vote-by-state")[0] == "votes-by-state"
    assert "vetoes" in shipped.near("vetos")
    assert shipped.near("zzz") == []


STATE = Parameter("state", "iri", "A state", "state:russia", is_required=True)
DAY = Parameter("day", "date", "A day", "2017-12-22")
NAMED = """
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix id: <https://w3id.org/peninsula/id/> .
<https://w3id.org/peninsula/id/state/russia> rdfs:label "Russia"@en , "Россия"@ru .
<https://w3id.org/peninsula/id/state/georgia> rdfs:label "Georgia"@en .
<https://w3id.org/peninsula/id/place/georgia> rdfs:label "Georgia"@en .
"""


@pytest.fixture
def named() -> LocalDataset:
    store = ox.Store()
    store.load(NAMED.encode(), ox.RdfFormat.TURTLE)
    return LocalDataset(
        store,
        Policy(),
    )


@pytest.mark.parametrize(
    ("text", "choices", "value"),
    [
        ("state:russia", [], "state:russia"),
        ("https://w3id.org/peninsula/id/state/russia", [], "https://w3id.org/peninsula/id/state/russia"),
        ("Russia", [("state:russia", "Russia")], "state:russia"),
        ("  russia ", [("state:russia", "Russia")], "state:russia"),
        ("Россия", [("state:russia", "Russia")], "state:russia"),
        ("Russia", [], "state:russia"),
        # Two things are called so, one of them has an answer.
        ("Georgia", [("state:georgia", "Georgia")], "state:georgia"),
    ],
)  # fmt: skip
def test_a_name_is_read_for_what_it_names(
    named: LocalDataset, text: str, choices: list[tuple[str, str]], value: str
) -> None:
    question = template("q", "votes", parameters=(STATE, DAY))
    values = resolve_values(question, {"state": text, "day": "x"}, named, {"state": choices})
    assert values == {"state": value, "day": "x"}


@pytest.mark.parametrize(
    ("text", "words", "choices"),
    [
        ("Georgia", "Several things", [("place:georgia", "Georgia"), ("state:georgia", "Georgia")]),
        ("Rusia", "Nothing is called", [("state:russia", "Russia")]),
        ("rus", "Nothing is called", [("state:russia", "Russia")]),
        ("Atlantis", "Nothing is called", []),
        ('"} #', "Nothing is called", []),
    ],
)
def test_a_name_that_does_not_do_is_told(
    named: LocalDataset, text: str, words: str, choices: list[tuple[str, str]]
) -> None:
    question = template("q", "votes", parameters=(STATE,))
    offered = {"state": [("state:russia", "Russia"), ("state:china", "China")]}
    with pytest.raises(UnknownName, match=words) as caught:
        resolve_values(question, {"state": text}, named, offered)
    assert caught.value.parameter == "state"
    assert list(caught.value.choices) == choices
    assert caught.value.details()["choices"] == dict(choices)


def test_a_form_offers_a_list_or_suggestions() -> None:
    question = template("q", "votes", parameters=(STATE, DAY))
    few = {"state": [("state:russia", "Russia"), ("state:china", "China")]}
    state, day = make_fields(question, {"state": "state:russia"}, few, {"state:russia": "Russia"})
    assert (state.value, state.label, len(state.options)) == ("state:russia", "Russia", 2)
    assert (day.value, day.options, day.kinds) == ("", (), "")
    many = {"state": [(f"person:p{n}", f"P {n}") for n in range(61)]}
    (state, _) = make_fields(question, {}, many, {})
    assert state.options == ()
    assert state.kinds == "person,state"


def test_an_error_stands_at_its_field() -> None:
    question = template("q", "votes", parameters=(STATE, DAY))
    error = UnknownName("Nope.", "Mend it.", parameter="state", choices=[("state:x", "X")])
    choices = {"state": [("state:russia", "Russia")]}
    state, day = make_fields(question, {"state": "Nope"}, choices, {}, error)
    assert (state.error, state.nearby, state.options) == ("Nope. Mend it.", (("state:x", "X"),), ())
    assert day.error == ""


def test_a_field_shows_a_label_that_means_one_thing() -> None:
    question = template("q", "votes", parameters=(STATE,))
    choices = [
        ("state:russia", "Russia"),
        ("state:georgia", "Georgia"),
        ("place:georgia", "Georgia"),
    ]
    labels = {"state:russia": "Russia", "state:georgia": "Georgia", "state:x": "X"}
    for value, text in (
        ("state:russia", "Russia"),
        ("state:georgia", "state:georgia"),
        ("state:x", "state:x"),
        ("state:unlabelled", "state:unlabelled"),
    ):
        (field,) = make_fields(question, {"state": value}, {"state": choices}, labels)
        assert (field.value, field.text) == (value, text)
