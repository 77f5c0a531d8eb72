"""Things are found by their names, in whatever language, spelt in whatever way."""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.dataset.local import LocalDataset
from peninsula.namespaces import PREFIXES, expand
from peninsula.policy import Policy
from peninsula.search import CandidateIndex, Index, Indexes, Wish, read_names
from peninsula.spelling import fold, mark_spans

from .conftest import BROWSER

PEOPLE = """
person:moon a pen:Person ; rdfs:label "Moon Jae-in"@en , "문재인"@ko , "Мун Чжэ Ин"@ru .
person:jose a pen:Person ; rdfs:label "José Ñandú"@en .
event:moon-visit a pen:Visit ; rdfs:label "Visit of Moon to Moscow"@en , "문재인 방문"@ko .
state:russia a pen:State ; rdfs:label "Russia"@en , "Россия"@ru .
place:russian-far-east a pen:Place ; rdfs:label "Russian Far East"@en .
organization:railways a pen:Organization ; rdfs:label "Railways of Russia"@en .
topic:russia a skos:Concept ; skos:prefLabel "Russia"@en .
vote:x-russia a pen:Vote ; rdfs:label "Russia"@en .
claim:c001 a pen:Claim ; rdfs:label "claim c001"@en ; pen:paraphrase "Moscow plans a pipeline."@en .
pen:Visit a owl:Class ; rdfs:label "visit"@en , "방문"@ko ; rdfs:subClassOf pen:Event .
pen:Event a owl:Class ; rdfs:label "event"@en .
pen:Person a owl:Class ; rdfs:label "person"@en .
person:markup a pen:Person ; rdfs:label "<img src=x> .* (a|b) \\\\ 100%"@en .
"""


def dataset_of(turtle: str, graph: str = "graph:scene") -> LocalDataset:
    head = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    store = ox.Store()
    store.load((head + turtle).encode(), ox.RdfFormat.TURTLE, to_graph=ox.NamedNode(expand(graph)))
    return LocalDataset(store, Policy())


@pytest.fixture(scope="module")
def people() -> LocalDataset:
    return dataset_of(PEOPLE)


@pytest.fixture(params=["table", "candidates"])
def index(request: pytest.FixtureRequest, people: LocalDataset) -> Index:
    """Return either kind of index: what both find must be the same."""
    return read_names(people) if request.param == "table" else CandidateIndex(people)


def names(index: Index, text: str, **wish: object) -> list[str]:
    return [hit.name for hit in index.find(Wish(text, **wish)).hits]  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["moon jae-in", "MOON JAE", "문재인", "Мун Чжэ", "Jae"])
def test_a_name_is_found_in_any_language_and_case(index: Index, text: str) -> None:
    assert names(index, text)[0] == "person:moon"


def test_the_best_names_come_first(index: Index) -> None:
    found = names(index, "russia")
    assert found == [
        "state:russia",
        "topic:russia",
        "organization:railways",
        "place:russian-far-east",
        "vote:x-russia",
    ]


def test_accents_do_not_matter(people: LocalDataset) -> None:
    index = read_names(people)
    assert names(index, "jose nandu") == ["person:jose"]
    assert names(index, "JOSÉ") == ["person:jose"]


def test_a_claim_is_found_by_its_words(index: Index) -> None:
    found = index.find(Wish("pipeline"))
    assert [hit.name for hit in found.hits] == ["claim:c001"]
    assert found.hits[0].text == "Moscow plans a pipeline."
    assert [piece.text for piece in found.hits[0].label if piece.is_marked] == ["pipeline"]


def test_words_stand_in_any_order(index: Index) -> None:
    assert names(index, "moscow visit") == ["event:moon-visit"]


def test_a_prefixed_name_is_found_first(index: Index) -> None:
    assert names(index, "topic:russia")[0] == "topic:russia"
    assert names(index, expand("topic:russia"))[0] == "topic:russia"


def test_a_kind_and_a_class_narrow_what_is_named_by_its_iri(index: Index) -> None:
    assert names(index, "topic:russia", kinds=("topic",)) == ["topic:russia"]
    assert "topic:russia" not in names(index, "topic:russia", kinds=("state",))
    assert names(index, "event:moon-visit", class_iri=expand("pen:Event")) == ["event:moon-visit"]
    assert names(index, "event:moon-visit", class_iri=expand("pen:State")) == []


def test_a_kind_and_a_class_narrow(index: Index) -> None:
    assert names(index, "moon", kinds=("event",)) == ["event:moon-visit"]
    assert names(index, "moon", kinds=("event", "person")) == ["person:moon", "event:moon-visit"]
    # A subclass counts, too.
    assert names(index, "moon", class_iri=expand("pen:Event")) == ["event:moon-visit"]
    assert names(index, "moon", class_iri=expand("pen:State")) == []


def test_what_is_found_is_called_in_the_reader_s_language(index: Index) -> None:
    hit = index.find(Wish("moscow visit", language="ko")).hits[0]
    assert hit.text == "문재인 방문"
    assert hit.class_label == "방문"
    # The name that matched stands beside it.
    assert "".join(piece.text for piece in hit.snippet) == "Visit of Moon to Moscow"
    assert {piece.text for piece in hit.snippet if piece.is_marked} == {"Visit", "Moscow"}


def test_classes_are_counted(people: LocalDataset) -> None:
    found = read_names(people).find(Wish("moon"))
    assert {(facet.label, facet.count) for facet in found.facets} == {("person", 1), ("visit", 1)}


@pytest.mark.parametrize("text", ["img src", "(a|b)", "100%", "\\"])
def test_signs_of_patterns_are_plain_text(index: Index, text: str) -> None:
    # A single letter begins many words, in every script.
    found = names(index, text)
    assert found[:1] in ([], ["person:markup"])
    assert text == "(a|b)" or len(found) < 2


def test_pages_follow_one_another(people: LocalDataset) -> None:
    index = read_names(people)
    whole = index.find(Wish("russia"), limit=10)
    parts = [index.find(Wish("russia"), offset=i, limit=1) for i in range(6)]
    assert [hit for part in parts for hit in part.hits] == list(whole.hits)
    assert {part.total for part in parts} == {5}


def test_what_is_spelt_nearly_so_is_offered(people: LocalDataset) -> None:
    index = read_names(people)
    assert [hit.name for hit in index.near("rusia", ("state",))] == ["state:russia"]
    assert [hit.name for hit in index.near("moon jae inn", ("person",))] == ["person:moon"]
    assert index.near("zzzz", ("state",)) == []


def test_a_table_is_made_once_for_a_generation(people: LocalDataset) -> None:
    indexes = Indexes()
    first = indexes.open(people, 1)
    assert indexes.open(people, 1) is first
    assert indexes.open(people, 2) is not first


def test_too_many_names_are_left_to_sparql(people: LocalDataset) -> None:
    index = Indexes(most_names=3).open(people, 1)
    assert isinstance(index, CandidateIndex)
    assert names(index, "moon")[0] == "person:moon"


def test_a_text_is_folded() -> None:
    assert fold("  Jae-in “MOON” ") == "jae in moon"
    assert fold("Éé_ß") == "ee ss"
    assert fold(".*") == ""


def test_a_long_text_is_cut_around_what_was_looked_for() -> None:
    text = "a " * 200 + "needle" + " b" * 200
    pieces = mark_spans(text, [(400, 406)], most=60)
    assert [piece.text for piece in pieces if piece.is_marked] == ["needle"]
    assert pieces[0].text == "… "
    assert pieces[-1].text == " …"
    assert len("".join(piece.text for piece in pieces)) < 70


# The page.


def test_suggestions_are_told_as_json(client: FlaskClient) -> None:
    told = client.get("/search?q=russ&format=json").json
    assert told is not None
    assert told["query"] == "russ"
    assert told["total"] == 1
    assert 0.7 < told["results"][0].pop("score") < 0.9
    assert told["results"][0] == {
        "iri": expand("state:russia"),
        "name": "state:russia",
        "label": "Russia",
        "class": "state",
        "path": "/id/state/russia",
        "snippet": "",
        "match": "beginning",
        "matched": {"text": "Russia", "language": "en"},
        "marked": [["Russ", True], ["ia", False]],
    }
    assert told["complete"] is True
    assert told["provisional"] == ""


def test_paths_stay_in_a_past_generation(client: FlaskClient) -> None:
    told = client.get("/search?q=russia&format=json&generation=1").json
    assert told is not None
    assert told["results"][0]["path"] == "/id/state/russia?generation=1"


def test_a_page_shows_what_is_found(client: FlaskClient) -> None:
    text = client.get("/search?q=hanoi", headers=BROWSER).text
    assert "<mark>Hanoi</mark> summit" in text
    assert 'href="/id/event/hanoi"' in text
    assert "하노이 회담" in text


def test_a_label_is_no_markup(client: FlaskClient) -> None:
    text = client.get("/search?q=united", headers=BROWSER).text
    assert "<b>States" not in text
    assert "&lt;b&gt;States" in text


def test_nothing_found_says_what_is_near(client: FlaskClient) -> None:
    # What systems of romanization differ in is another spelling; the second is a slip.
    text = client.get("/search?q=vladivostock", headers=BROWSER).text
    assert "in another spelling" in text
    text = client.get("/search?q=vladivostko", headers=BROWSER).text
    assert "just so; this is what comes near" in text
    assert "Did you mean:" in text
    assert "<bdi>Vladivostok</bdi>" in text
    assert "Vladivostok summit" in re.sub("</?mark>", "", text)


def test_no_text_says_how_to_search(client: FlaskClient) -> None:
    response = client.get("/search", headers=BROWSER)
    assert response.status_code == 200
    assert "case, accents and hyphens do not matter" in response.text


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        (f"q={'a' * 201}", "q"),
        ("q=a&kind=unicorn", "kind"),
        ("q=a&class=not+an+iri", "class"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=1000000", "limit"),
        ("q=a&page=two", "page"),
    ],
)
def test_bad_input_is_explained(client: FlaskClient, query: str, parameter: str) -> None:
    response = client.get(f"/search?{query}")
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["parameter"] == parameter


def test_the_answer_can_be_had_as_csv(client: FlaskClient) -> None:
    lines = client.get("/search?q=russia&format=csv").text.splitlines()
    assert lines[0] == "iri,name,label,class,other_names,score,match"
    assert lines[1].startswith(expand("state:russia"))


def test_the_name_that_has_what_was_typed_is_told() -> None:
    names = '"Vladimir Putin"@en , "Владимир Путин"@ru'
    index = read_names(
        dataset_of(f'person:putin a pen:Person ; rdfs:label {names} ; skos:altLabel "푸틴"@ko .')
    )
    [hit] = index.find(Wish("Путин", language="ru")).hits
    assert (hit.match, hit.snippet) == ("exact", ())
    [hit] = index.find(Wish("Путин", language="en")).hits
    assert "".join(piece.text for piece in hit.snippet) == "Владимир Путин"
