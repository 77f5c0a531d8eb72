"""The parts of reconciliation by themselves: dates, spellings, likeness, scores, what is asked."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.dataset.interface import PLAIN, QueryOptions
from peninsula.dataset.local import LocalDataset
from peninsula.errors import ParameterError, QueryTimeout
from peninsula.namespaces import expand
from peninsula.reconciliation.dates import Span, agreement, find_dates, read_edtf, read_value
from peninsula.reconciliation.entities import Entity, Name, read_entities
from peninsula.reconciliation.extension import extend, write_literal
from peninsula.reconciliation.identifiers import read_identifiers
from peninsula.reconciliation.matching import Deadline, Matcher
from peninsula.reconciliation.names import Likeness, compare, read_words, stem
from peninsula.reconciliation.preview import read_card, write_flyout
from peninsula.reconciliation.properties import WAYS, read_property
from peninsula.reconciliation.requests import read_batch, read_extension, read_single
from peninsula.reconciliation.schema import Schema, Schemas
from peninsula.reconciliation.scoring import Candidate, decide, make_asked, score
from peninsula.reconciliation.suggesting import suggest_entities
from peninsula.reconciliation.transliteration import romanize, script_of, sketch
from peninsula.search import Index, read_names
from peninsula.spelling import distance

from .test_search import dataset_of

MODULE = "peninsula.reconciliation.entities"

SCENE = """
pen:Person a owl:Class ; rdfs:label "person"@en , "인물"@ko ; rdfs:subClassOf pen:Actor .
pen:Actor a owl:Class ; rdfs:label "actor"@en .
pen:State a owl:Class ; rdfs:label "state"@en ; rdfs:subClassOf pen:Actor ; skos:closeMatch wd:Q7275 .
pen:Summit a owl:Class ; rdfs:label "summit"@en ; rdfs:subClassOf pen:Event .
pen:Event a owl:Class ; rdfs:label "event"@en .
pen:isCitizenOf a owl:ObjectProperty ; rdfs:label "is citizen of"@en .
pen:birthDate a owl:DatatypeProperty ; rdfs:label "date of birth"@en .
person:han a pen:Person ; rdfs:label "Han Duck-soo"@en , "한덕수"@ko ; pen:isCitizenOf state:rok ;
  pen:birthDate "1949-06-18"^^xsd:date ; skos:exactMatch wd:Q1 .
person:hostile a pen:Person ; rdfs:label "<script>alert(1)</script> & \\"x\\""@en ;
  dcterms:description "<img src=x onerror=alert(1)>"@en .
person:linked a pen:Person ; rdfs:label "Ivan Petrov"@en ; skos:exactMatch wd:Q2 .
state:rok a pen:State ; rdfs:label "South Korea"@en .
event:one a pen:Summit ; rdfs:label "Summit in Rome, 3 May 2001"@en ; pen:edtf "2001-05-03"^^edtf:EDTF .
event:two a pen:Summit ; rdfs:label "Summit in Rome, 9 May 2002"@en ; pen:edtf "2002-05-09"^^edtf:EDTF .
wd:Q2 rdfs:label "Iwan Petrow"@en ; skos:altLabel "Great Reformer"@en .
wd:Q9 owl:sameAs wd:Q2 .
"""


@pytest.fixture(scope="module")
def scene() -> LocalDataset:
    return dataset_of(SCENE)


@pytest.fixture(scope="module")
def schema(scene: LocalDataset) -> Schema:
    return Schema(scene, "en")


@pytest.fixture(scope="module")
def index(scene: LocalDataset) -> Index:
    return read_names(scene)


def ask(scene: LocalDataset, index: Index, schema: Schema, **query: Any) -> list[Candidate]:
    batch = read_batch(json.dumps({"q": query}))
    return Matcher(scene, index, schema, Deadline(30)).match(batch)["q"]


def span(first: str, last: str = "") -> Span:
    return Span(date.fromisoformat(first), date.fromisoformat(last or first))


# Dates.


@pytest.mark.parametrize(
    ("text", "rest", "spans"),
    [
        ("Hanoi summit 2019", "Hanoi summit", [span("2019-01-01", "2019-12-31")]),
        ("Summit, 27 April 2018", "Summit", [span("2018-04-27")]),
        ("April 27th, 2018 summit", "summit", [span("2018-04-27")]),
        ("summit (Apr 2018)", "summit", [span("2018-04-01", "2018-04-30")]),
        ("2018년 4월 27일 남북정상회담", "남북정상회담", [span("2018-04-27")]),
        ("2018년 4월 남북정상회담", "남북정상회담", [span("2018-04-01", "2018-04-30")]),
        ("2018년 회담", "회담", [span("2018-01-01", "2018-12-31")]),
        ("Саммит 27 апреля 2018 года", "Саммит", [span("2018-04-27")]),
        ("Встреча, май 2018 г.", "Встреча", [span("2018-05-01", "2018-05-31")]),
        ("саммит 27.04.2018", "саммит", [span("2018-04-27")]),
        ("summit 2018-04-27", "summit", [span("2018-04-27")]),
        ("UNSCR 1718", "UNSCR 1718", []),
        ("a summit", "a summit", []),
        ("30 February 2018", "30", [span("2018-02-01", "2018-02-28")]),
        ("12018", "12018", []),
    ],
)
def test_dates_in_texts(text: str, rest: str, spans: list[Span]) -> None:
    found = find_dates(text)
    assert found.rest == rest
    assert [one for dates in found.dates for one in dates] == spans


def test_a_date_that_can_be_read_in_two_ways() -> None:
    found = find_dates("met on 4/5/2018")
    assert set(found.dates[0]) == {span("2018-05-04"), span("2018-04-05")}
    assert find_dates("met on 4/27/2018").dates == ((span("2018-04-27"),),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018", span("2018-01-01", "2018-12-31")),
        ("2018-04", span("2018-04-01", "2018-04-30")),
        ("2018-04-27", span("2018-04-27")),
        ("2018-04-27T10:00:00Z", span("2018-04-27")),
        ("2018-06-21/2018-06-24", span("2018-06-21", "2018-06-24")),
        ("2021/..", Span(date(2021, 1, 1), date.max)),
        ("201X", span("2010-01-01", "2019-12-31")),
        ("2018-XX-XX", span("2018-01-01", "2018-12-31")),
        ("2018~", span("2018-01-01", "2018-12-31")),
        ("2017-2022", span("2017-01-01", "2022-12-31")),
        ("2018-13", None),
        ("soon", None),
        ("2018/2017", None),
    ],
)
def test_edtf(text: str, expected: Span | None) -> None:
    assert read_edtf(text) == expected


def test_dates_agree_as_exactly_as_they_are_known() -> None:
    year, month, day = (
        span("2018-01-01", "2018-12-31"),
        span("2018-04-01", "2018-04-30"),
        span("2018-04-27"),
    )
    assert agreement([year], [day]) == agreement([day], [year]) == agreement([month], [day]) == 1
    assert agreement([span("2018-04-28")], [day]) == 0.8
    assert agreement([span("2018-05-03")], [day]) == 0
    # The last day of a month is near the next month, and yet in another.
    assert agreement([span("2018-05-01", "2018-05-31")], [span("2018-04-30")]) == 0
    assert read_value(1984) == read_value("1984") == read_value(1984.0)
    assert read_value(value=True) == ()
    assert read_value("in the spring") == ()


# Spellings.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sergei", "Sergey"), ("Dmitri", "Dmitry"), ("jong", "chong"), ("un", "eun"),
        ("geun", "kun"), ("mun", "moon"), ("hyeon", "hyun"), ("hee", "hui"), ("myeong", "myung"),
    ],
)  # fmt: skip
def test_spellings_of_one_word(one: str, other: str) -> None:
    likeness = compare(read_words(one), read_words(other))
    assert likeness.similarity > 0.9
    assert likeness.is_sure


@pytest.mark.parametrize(
    ("one", "other"),
    [("Kim Jong-nam", "Kim Yong-nam"), ("Kim Jong-un", "Kim Jong-il"), ("김정은", "김정일"),
     ("Lee Jae-yong", "Lee Jae-myung"), ("Sergei Ivanov", "Sergei Lavrov"), ("John Kerr", "John Kirk"),
     ("resolution 1718", "resolution 1719"), ("Ким Чен Ын", "Ким Чен Ир")],
)  # fmt: skip
def test_names_of_two(one: str, other: str) -> None:
    assert not compare(read_words(one), read_words(other)).is_sure


def test_scripts() -> None:
    assert romanize("문재인") == "munjaein"
    assert romanize("Путин") == "putin"
    assert script_of("김정은 2018") == "hangul"
    assert script_of("2018") == "other"
    assert sketch("eun") == sketch("un")
    assert compare(read_words("Путин"), read_words("Putin")).similarity > 0.85
    assert compare(read_words("블라디미르"), read_words("Vladimir")).similarity < 0.95
    assert stem("путина") == stem("путину") == "путин"


def test_states_go_by_many_names() -> None:
    for one, other in (("DPRK", "North Korea"), ("КНДР", "Северная Корея"), ("북한", "North Korea"),
                       ("U.S.", "United States"), ("S. Korea", "대한민국")):  # fmt: skip
        assert compare(read_words(one), read_words(other)).similarity == 1


WORDS = st.text(st.sampled_from("abcdeghijklmnopu кимчен김정은0189-.,()"), max_size=40)


@given(WORDS, WORDS)
@settings(max_examples=300, deadline=None)
def test_likeness_is_a_share_and_that_of_a_name_with_itself_is_whole(one: str, other: str) -> None:
    a, b = read_words(one, keeps_dates=True), read_words(other, keeps_dates=True)
    likeness = compare(a, b)
    assert 0 <= likeness.similarity <= 1
    if a.words:
        assert compare(a, a).similarity == pytest.approx(1)
    else:
        assert likeness == Likeness()


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_distance_is_symmetric_and_bounded(one: str, other: str) -> None:
    assert distance(one, other, 3) == distance(other, one, 3) <= 4
    assert (distance(one, other, 3) == 0) == (one == other)


# Identifiers and properties.


@pytest.mark.parametrize(
    ("text", "iris", "items", "literals"),
    [
        ("person:han", [expand("person:han")], [], ["person:han"]),
        (expand("person:han"), [expand("person:han")], [], None),
        ("https://any.example/id/person/han?x", [None, expand("person:han")], [], None),
        ("id/person/han", [expand("person:han")], [], None),
        ("Q42", [], [expand("wd:Q42")], []),
        ("q42", [], [expand("wd:Q42")], []),
        ("https://www.wikidata.org/wiki/Q42", [], [expand("wd:Q42")], []),
        ("S/RES/2397 (2017)", [], [], ["2397"]),
        ("UNSCR 2397", [], [], ["2397"]),
        ("резолюция № 2397", [], [], ["2397"]),
        ("결의 제2397호", [], [], ["2397"]),
        ("S/2024/255", [], [], ["S/2024/255"]),
        ("KOR", [], [], ["KOR"]),
        ("2397", [], [], []),
        ("Kim", [], [], []),
        ("resolutions 2371 and resolution 2375", [], [], []),
    ],
)
def test_identifiers(
    text: str, iris: list[str | None], items: list[str], literals: list[str] | None
) -> None:
    found = read_identifiers(text)
    assert [iri for iri in iris if iri] == [
        iri for iri in found.iris if iri.startswith(expand("pen:")[:24])
    ]
    assert list(found.items) == items
    if literals is not None:
        assert [literal.value for literal in found.literals] == literals


def test_properties_and_paths() -> None:
    assert read_property("pen:birthDate").id == "pen:birthDate"
    assert read_property(expand("pen:birthDate")).id == "pen:birthDate"
    way = read_property("^pen:isTenureOf/pen:isTenureIn@ko")
    assert way.id == "^pen:isTenureOf/pen:isTenureIn@ko"
    assert way.language == "ko"
    assert way.path == f"^<{expand('pen:isTenureOf')}>/<{expand('pen:isTenureIn')}>"
    assert read_property("<http://x.example/p>/rdfs:label").path.startswith("<http://x.example/p>/")
    for one in WAYS:
        assert read_property(one.id).id == one.id
        assert all(one.labels)


# What is asked.


def test_a_query_is_read_with_all_its_fields() -> None:
    told = {
        "query": " Kim ", "type": [{"id": "pen:Person"}, "pen:State"], "type_strict": "all", "limit": 7.0,
        "properties": [{"pid": "a:b", "v": ["x", 1, 1.5, True, {"id": "y", "name": "Y"}, ""]}],
    }  # fmt: skip
    query = read_batch(json.dumps({"q": told}))["q"]
    assert query.text == "Kim"
    assert query.types == ("pen:Person", "pen:State")
    assert query.strictness == "all"
    assert query.limit == 7
    assert [type(v).__name__ for v in query.conditions[0].values] == [
        "str", "int", "float", "bool", "Reference",
    ]  # fmt: skip
    assert read_single("Kim").text == read_single('{"query": "Kim"}').text == "Kim"
    wanted = read_extension(
        '{"ids": ["a", "a"], "properties": [{"id": "p", "settings": {"limit": "5"}}]}'
    )
    assert wanted.ids == ("a",)
    assert wanted.properties[0].number("limit") == 5


def test_brackets_within_texts_are_no_nesting() -> None:
    assert read_batch(json.dumps({"q": {"query": "[{" * 200 + '\\"['}}))["q"].text.startswith("[{")


# Candidates.


def test_a_name_and_its_linked_names(scene: LocalDataset, index: Index, schema: Schema) -> None:
    found = ask(scene, index, schema, query="Han Duck Soo")
    assert (found[0].entity.id, found[0].is_match) == ("person:han", True)
    # What Wikidata calls the item that is linked.
    found = ask(scene, index, schema, query="Great Reformer")
    assert (found[0].entity.id, found[0].is_match) == ("person:linked", True)
    assert {feature.id for feature in found[0].features} >= {"name", "alias"}
    # An item that was merged into another.
    assert ask(scene, index, schema, query="Q9")[0].entity.id == "person:linked"
    # Items and terms are no candidates themselves.
    for text in ("Iwan Petrow", "person", "date of birth"):
        assert all(
            not one.entity.id.startswith(("wd:", "pen:"))
            for one in ask(scene, index, schema, query=text)
        )


def test_dates_decide_and_contradict(scene: LocalDataset, index: Index, schema: Schema) -> None:
    both = ask(scene, index, schema, query="Summit in Rome")
    assert len(both) == 2 and not any(one.is_match for one in both)
    second = ask(scene, index, schema, query="Summit in Rome 2002")
    assert (second[0].entity.id, second[0].is_match) == ("event:two", True)
    assert not any(one.is_match for one in ask(scene, index, schema, query="Summit in Rome 1999"))


def test_properties_add_and_contradict(scene: LocalDataset, index: Index, schema: Schema) -> None:
    def han(value: Any) -> Candidate:
        given = [{"pid": "pen:isCitizenOf", "v": value}]
        return ask(scene, index, schema, query="Han Duck-soo", properties=given)[0]

    for right in ("South Korea", "state:rok", {"id": "state:rok"}, "ROK", ["Mars", "South Korea"]):
        assert han(right).score == 100
        assert han(right).is_match
    for wrong in ("Mars", {"id": "state:mars"}, 5):
        assert han(wrong).score < 75
        assert not han(wrong).is_match
    # Nothing is known of a birth: neither for nor against.
    unknown = ask(
        scene,
        index,
        schema,
        query="Ivan Petrov",
        properties=[{"pid": "pen:birthDate", "v": "1900"}],
    )
    assert 80 < unknown[0].score < 100


def test_types_by_alignment_and_strictness(
    scene: LocalDataset, index: Index, schema: Schema
) -> None:
    assert ask(scene, index, schema, query="South Korea", type="Q7275")[0].is_match
    assert ask(scene, index, schema, query="South Korea", type="pen:Person") == []
    should = ask(scene, index, schema, query="South Korea", type="pen:Person", type_strict="should")
    assert should[0].entity.id == "state:rok" and not should[0].is_match
    assert ask(
        scene,
        index,
        schema,
        query="Han Duck-soo",
        type=["pen:Person", "pen:Actor"],
        type_strict="all",
    )
    with pytest.raises(ParameterError, match="no type"):
        ask(scene, index, schema, query="x", type="pen:Nothing")


def test_a_deadline_ends_a_batch(scene: LocalDataset, index: Index, schema: Schema) -> None:
    with pytest.raises(QueryTimeout):
        Matcher(scene, index, schema, Deadline(0)).match(read_batch('{"q": {"query": "Han"}}'))


VALUES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.one_of(st.none(), st.floats(0, 1)), max_size=3
)


@given(VALUES, st.sampled_from(["a", "b", "c"]), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None)
def test_more_agreement_never_lowers_a_score(
    values: dict[str, float | None], key: str, one: float, other: float
) -> None:
    entity = Entity(expand("person:x"), [Name("Kim Jong-un", "en")])
    asked = make_asked("Kim Jong-un")
    low, high = sorted((one, other))
    worse = score(asked, entity, values={**values, key: low})
    better = score(asked, entity, values={**values, key: high})
    assert 0 <= worse.score <= better.score <= 100
    assert not (worse.is_sure and not better.is_sure)


def test_only_a_clear_best_is_a_match() -> None:
    def candidate(name: str, points: float, *, is_sure: bool = True) -> Candidate:
        return Candidate(Entity(expand(f"person:{name}")), points, (), is_sure)

    def matched(*candidates: Candidate) -> list[str]:
        return [one.entity.id for one in decide(candidates) if one.is_match]

    assert matched(candidate("a", 95)) == ["person:a"]
    assert matched(candidate("b", 80), candidate("a", 95)) == ["person:a"]
    assert matched(candidate("a", 95), candidate("b", 93)) == []
    assert matched(candidate("a", 95, is_sure=False)) == []
    assert matched(candidate("a", 79)) == []
    assert decide([]) == []


# What is told of a thing.


@pytest.mark.parametrize(
    ("literal", "cell"),
    [
        (ox.Literal(15), {"int": 15}),
        (ox.Literal("1.5", datatype=ox.NamedNode(expand("xsd:decimal"))), {"float": 1.5}),
        (ox.Literal("INF", datatype=ox.NamedNode(expand("xsd:double"))), {"str": "INF"}),
        (ox.Literal("2018-04-27", datatype=ox.NamedNode(expand("xsd:date"))), {"date": "2018-04-27T00:00:00Z"}),
        (ox.Literal("2018-04-27T10:00:00.5Z", datatype=ox.NamedNode(expand("xsd:dateTime"))),
         {"date": "2018-04-27T10:00:00.5Z"}),
        (ox.Literal("2018", datatype=ox.NamedNode(expand("xsd:gYear"))), {"str": "2018"}),
        (ox.Literal("2018/..", datatype=ox.NamedNode(expand("edtf:EDTF"))), {"str": "2018/.."}),
        (ox.Literal(value=True), {"str": "true"}),
        (ox.Literal("문재인", language="ko"), {"str": "문재인"}),
        (ox.Literal("9" * 40, datatype=ox.NamedNode(expand("xsd:integer"))), {"float": 1e40}),
    ],
)  # fmt: skip
def test_literals_as_cells(literal: ox.Literal, cell: dict[str, Any]) -> None:
    assert write_literal(literal) == cell


def test_markup_in_names_is_text(scene: LocalDataset, index: Index, schema: Schema) -> None:
    html = write_flyout(scene, schema, expand("person:hostile"))
    assert html is not None
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html
    assert write_flyout(scene, schema, expand("person:nobody")) is None
    card = read_card(scene, schema, expand("person:hostile"))
    assert card is not None and card.name.startswith("<script>")
    assert read_card(scene, schema, expand("person:nobody")) is None
    assert suggest_entities(scene, index, schema, "<script>")[0].id == "person:hostile"


def test_an_extension_asks_once_for_a_property(scene: LocalDataset, schema: Schema) -> None:
    asked = []
    evaluate = scene.evaluate

    class Counting(LocalDataset):
        def __init__(self) -> None: ...

        def evaluate(self, query: str, options: QueryOptions = PLAIN) -> Any:
            asked.append(query)
            return evaluate(query, options)

    ids = [f"person:p{i}" for i in range(300)]
    wish = read_extension(
        json.dumps({"ids": [*ids, "person:han"], "properties": [{"id": "pen:isCitizenOf"}]})
    )
    told = extend(Counting(), schema, wish)
    assert told["rows"]["person:han"]["pen:isCitizenOf"] == [
        {"id": "state:rok", "name": "South Korea"}
    ]
    assert len(told["rows"]) == 301
    assert len(asked) == 3


def test_many_things_are_read_by_few_queries(scene: LocalDataset) -> None:
    iris = [expand(f"person:p{i}") for i in range(50)]
    assert read_entities(scene, [*iris, expand("person:han")]).keys() == {expand("person:han")}
    entity = read_entities(scene, [expand("person:han")])[expand("person:han")]
    assert entity.label("ko") == "한덕수"
    assert entity.when() == "1949–"
    assert entity.description("person", "en").startswith("person · 1949– · South Korea")


def test_the_schema_of_a_state_is_made_once(scene: LocalDataset) -> None:
    schemas = Schemas()
    assert schemas.open(scene, 1, "en") is schemas.open(scene, 1, "en")
    assert schemas.open(scene, 1, "ko") is not schemas.open(scene, 1, "en")
    korean = schemas.open(scene, 1, "ko")
    assert korean.find_types("인물")[0].id == "pen:Person"


def test_of_a_thing_with_very_many_names_some_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    names = " , ".join(f'"Name {i}"@en' for i in range(300))
    dataset = dataset_of(
        f"person:many a pen:Person ; rdfs:label 'Many'@en ; skos:altLabel {names} ."
        " person:other a pen:Person ; rdfs:label 'Other'@en ; pen:birthDate '1949-06-18'^^xsd:date ."
    )
    monkeypatch.setattr(f"{MODULE}._MOST_ROWS", 50)
    found = read_entities(dataset, map(expand, ("person:many", "person:other")))
    many, other = found[expand("person:many")], found[expand("person:other")]
    assert many.label("en") == "Many"
    assert 50 < len(many.names) < 300
    assert many.classes == other.classes == {expand("pen:Person")}
    assert (other.label("en"), other.when()) == ("Other", "1949–")


@pytest.mark.parametrize(
    ("text", "is_match"),
    [
        ("Sec. Han Duck-soo", True), ("Gen. Han Duck-soo", True), ("한덕수 총리", True),
        ("PM Han", False), ("Han Duck-soo (2022–2025)", True), ("Han Duck-soo 1949", True),
        ("Han Duck-soo 1931", False), ("Sailor Han Duck-soo", False),
    ],
)  # fmt: skip
def test_titles_and_years_of_office_do_not_speak_against_a_person(
    scene: LocalDataset, text: str, *, is_match: bool
) -> None:
    entity = read_entities(scene, [expand("person:han")])[expand("person:han")]
    [candidate] = decide([score(make_asked(text, (expand("pen:Person"),)), entity)])
    assert candidate.is_match == is_match


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Michael Pompeo", "Mike Pompeo"), ("Japanese PM", "Prime Minister of Japan"),
        ("президент РФ", "Президент России"), ("Сингапурский саммит", "Саммит в Сингапуре"),
        ("ханойский саммит", "саммит в Ханое"),
    ],
)  # fmt: skip
def test_what_is_shortened_or_inflected_is_alike(text: str, name: str) -> None:
    likeness = compare(read_words(text), read_words(name))
    assert likeness.similarity > 0.85
    assert likeness.is_sure
