"""A query of SPARQL looks for things by their names."""

from __future__ import annotations

import pytest

from peninsula.dataset.interface import select
from peninsula.dataset.local import LocalDataset
from peninsula.errors import NotIndexed, ParameterError, QueryError
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway
from peninsula.federation.local_services import LocalServices
from peninsula.federation.services import Services
from peninsula.namespaces import expand
from peninsula.search import (
    CandidateIndex,
    Indexes,
    Wish,
    read_names,
)
from peninsula.search_service import MOST_TEXTS, SearchService
from tests.server.test_search import dataset_of

_SCENE = """
person:putin a pen:Person ; rdfs:label "Vladimir Putin"@en , "Владимир Путин"@ru , "블라디미르 푸틴"@ko .
person:moon a pen:Person ; rdfs:label "Moon Jae-in"@en , "문재인"@ko .
event:visit a pen:Visit ; rdfs:label "Putin visits Seoul"@en ; pen:of person:putin .
pen:Visit rdfs:subClassOf pen:Event .
"""


@pytest.fixture(scope="module")
def searchable() -> FederatedDataset:
    services = Services(())
    local = LocalServices([SearchService(Indexes())])
    federation = Federation(services, Gateway(), local)
    return FederatedDataset(dataset_of(_SCENE), federation)


def rows(dataset: FederatedDataset, query: str) -> list[tuple[str, ...]]:
    solutions = select(dataset, query)
    return [tuple(term.value if term else "" for term in row) for row in solutions]  # type: ignore[union-attr]


def test_a_query_finds_things_by_name(searchable: FederatedDataset) -> None:
    query = """SELECT ?thing ?name ?match ?score { SERVICE <peninsula:search> {
      ?thing search:text "Путина" ; search:class pen:Person ; search:name ?name ; search:match ?match ;
             search:score ?score ; search:limit 5 } }"""
    [(thing, name, match, score)] = rows(searchable, query)
    assert (thing, name, match) == (expand("person:putin"), "Владимир Путин", "form")
    assert 0.5 < float(score) < 1


def test_what_is_found_is_joined(searchable: FederatedDataset) -> None:
    query = """SELECT ?event { SERVICE <peninsula:search> { ?who search:text "Putin" } ?event pen:of ?who }"""
    assert rows(searchable, query) == [(expand("event:visit"),)]
    query = """SELECT ?thing { SERVICE <peninsula:search> { ?thing search:text "Putin" ; search:kind "event" } }"""
    assert rows(searchable, query) == [(expand("event:visit"),)]
    query = """SELECT ?thing { SERVICE <peninsula:search> { ?thing search:text "putin" ; search:language "ru" } }"""
    assert rows(searchable, query) == [(expand("person:putin"),)]
    query = """ASK { SERVICE <peninsula:search> { person:moon search:text "Mun Jae-in" } }"""
    assert searchable.evaluate(query).value is True  # type: ignore[union-attr]


def test_texts_come_from_the_rest_of_the_query(searchable: FederatedDataset) -> None:
    query = """SELECT ?text ?who { VALUES ?text { "Pution" "문재인은" "nobody" <x:y> }
      SERVICE <peninsula:search> { ?who search:text ?text ; search:class pen:Person } } ORDER BY ?text"""
    assert rows(searchable, query) == [
        ("Pution", expand("person:putin")),
        ("문재인은", expand("person:moon")),
    ]


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ('?t search:txt "a"', "search:txt cannot stand"),
        ("?t search:score ?s", "no search:text"),
        ('?t search:text "a" , "b"', "search:text 2 times"),
        ('?t search:text "a" . ?u search:text "b"', "several things"),
        ("?t search:text ?unbound", "Nothing binds ?unbound"),
        ("?t search:text <x:y>", "takes a text"),
        ('?t search:text ""', "is empty"),
        (f'?t search:text "{"a" * 201}"', "201 characters"),
        ('?t search:text "a" ; search:score 1', "takes a variable"),
        ('?t search:text "a" ; search:class "Person"', "takes the IRI"),
        ('?t search:text "a" ; search:limit 0', "a number from 1 to"),
        ('?t search:text "a" ; search:limit 99999', "a number from 1 to"),
        ('?t search:text "a" ; search:language <x:ru>', "takes a text"),
        ('?t search:text "a" ; rdfs:label ?l', "rdfs:label cannot stand"),
        ('?t ?p "a"', "?p cannot stand"),
    ],
)
def test_wrong_use_is_explained(searchable: FederatedDataset, clause: str, said: str) -> None:
    with pytest.raises((ParameterError, QueryError)) as caught:
        rows(searchable, f"SELECT * {{ SERVICE <peninsula:search> {{ {clause} }} }}")
    assert said in str(caught.value)
    assert caught.value.remedy


def test_texts_are_bounded(searchable: FederatedDataset) -> None:
    values = " ".join(f'"{i}x"' for i in range(MOST_TEXTS + 1))
    query = f"SELECT * {{ VALUES ?x {{ {values} }} SERVICE <peninsula:search> {{ ?t search:text ?x }} }}"
    with pytest.raises(ParameterError, match="no more than"):
        rows(searchable, query)


def test_wrong_use_is_no_silent_failure(searchable: FederatedDataset) -> None:
    with pytest.raises(ParameterError, match="Nothing binds"):
        rows(searchable, "SELECT * { SERVICE SILENT <peninsula:search> { ?t search:text ?u } }")


def test_a_query_does_not_ask_an_index_that_is_not_there(dataset: LocalDataset) -> None:
    local = LocalServices([SearchService(Indexes(most_names=1))])
    asked = FederatedDataset(dataset, Federation(Services(()), Gateway(), local))
    with pytest.raises(NotIndexed) as caught:
        rows(asked, 'SELECT * { SERVICE <peninsula:search> { ?t search:text "Hanoi" } }')
    assert caught.value.headers() == {"Retry-After": "10"}


def test_the_query_of_a_page_finds_what_the_page_shows(searchable: FederatedDataset) -> None:
    wish = Wish('Pu"tin\\', ("event", "person"), expand("pen:Person"))
    found = read_names(searchable).find(wish)
    assert [row[0] for row in rows(searchable, wish.sparql)] == [hit.iri for hit in found.hits]


def test_candidates_of_sparql_are_ranked_alike() -> None:
    dataset = dataset_of(_SCENE)
    index = CandidateIndex(dataset)
    found = index.find(Wish("putin"))
    assert [hit.name for hit in found.hits] == ["person:putin", "event:visit"]
    assert found.provisional == "unindexed"
    assert index.find(Wish("?!")).total == 0
