"""Is the test service's data in Wikidata's shape, and what ``items.qs`` says?"""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from tests.wikidata.make_service import PREFIXES, SERVICE, make

_PROLOGUE = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())


@pytest.fixture(scope="module")
def service() -> ox.Store:
    store = ox.Store()
    store.load(path=str(SERVICE), format=ox.RdfFormat.TURTLE)
    return store


def rows(store: ox.Store, query: str) -> list[tuple[str, ...]]:
    answer = store.query(_PROLOGUE + query)
    assert isinstance(answer, ox.QuerySolutions)
    return sorted(tuple(getattr(term, "value", str(term)) for term in row) for row in answer)


def test_file_is_what_the_items_give() -> None:
    assert SERVICE.read_bytes() == make(), "run: python -m tests.wikidata.make_service"


def test_simple_claims_are_those_of_the_best_rank(service: ox.Store) -> None:
    simple = "SELECT ?item ?p ?value { ?p wikibase:directClaim ?wdt . ?item ?wdt ?value }"
    best = """SELECT DISTINCT ?item ?p ?value {
      ?p wikibase:claim ?claim ; wikibase:statementProperty ?ps .
      ?item ?claim ?statement . ?statement a wikibase:BestRank ; ?ps ?value .
      FILTER(!STRSTARTS(STR(?value), STR(genid:))) }"""
    assert rows(service, simple) == rows(service, best)
    assert len(rows(service, best)) > 800


def test_deprecated_statements_are_never_of_the_best_rank(service: ox.Store) -> None:
    ranks = "SELECT ?s { ?s wikibase:rank wikibase:DeprecatedRank }"
    best = "SELECT ?s { ?s a wikibase:BestRank ; wikibase:rank wikibase:DeprecatedRank }"
    assert len(rows(service, ranks)) == 3
    assert rows(service, best) == []


def test_every_value_node_says_what_its_literal_says(service: ox.Store) -> None:
    query = """SELECT ?literal ?full {
      VALUES (?simple ?value) { (ps:P569 psv:P569) (ps:P570 psv:P570) (pq:P580 pqv:P580) (pq:P582 pqv:P582) }
      ?s ?simple ?literal ; ?value ?node . ?node wikibase:timeValue ?full FILTER(?literal != ?full) }"""
    assert rows(service, query) == []
    precisions = rows(service, "SELECT DISTINCT ?n { ?v wikibase:timePrecision ?n }")
    assert precisions == [("11",), ("9",)]


def test_no_value_and_unknown_value_are_told_apart(service: ox.Store) -> None:
    assert rows(
        service, "SELECT ?item { ?item a wdno:P102 FILTER(STRSTARTS(STR(?item), STR(wd:Q))) }"
    )
    assert rows(service, "SELECT ?end { ?s pq:P582 ?end FILTER(isIRI(?end)) }")
    assert rows(service, "SELECT ?s { ?s ?p ?o FILTER(isBlank(?s) || isBlank(?o)) }") == []


def test_every_item_that_something_points_to_has_a_label(service: ox.Store) -> None:
    query = """SELECT DISTINCT ?item { ?s ?p ?item FILTER(STRSTARTS(STR(?item), CONCAT(STR(wd:), "Q")))
      FILTER NOT EXISTS { ?item rdfs:label ?label } }"""
    unlabelled = {iri.rpartition("/")[2] for (iri,) in rows(service, query)}
    assert unlabelled == {"Q2", "Q1985727"}, "only the globe and the calendar"
