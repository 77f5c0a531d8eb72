"""What is offered at a place of a query comes from the graph, and fits there."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from peninsula.completion import (
    Context,
    Suggestion,
    compose,
    describe_terms,
    find_by_prefix,
    list_classes,
    list_properties,
    suggest_terms,
    write_name,
)
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Asker
from peninsula.dataset.local import LocalDataset
from peninsula.errors import QueryForbidden, QuerySyntaxError, QueryTimeout
from peninsula.namespaces import PREFIXES, expand

from .conftest import DEATH, Served, ask


def names(found: list[Suggestion]) -> list[str]:
    return [term.name for term in found]


def test_classes_have_label_definition_and_count(dataset: LocalDataset) -> None:
    found = {term.name: term for term in list_classes(dataset)}
    summit = found["pen:Summit"]
    assert (summit.label, summit.definition, summit.count) == ("summit", "meeting of leaders", 2)
    assert found["pen:State"].count == 3


def test_what_is_declared_and_not_used_is_listed_last(dataset: LocalDataset) -> None:
    found = list_properties(dataset)
    counts = [term.count for term in found]
    assert counts == sorted(counts, reverse=True)
    assert {"pen:from", "pen:participant", "rdf:type"} <= set(names(found))


def test_properties_are_those_that_the_subject_has(dataset: LocalDataset) -> None:
    of_summits = suggest_terms(dataset, Context("property", "?x", pattern="?x a pen:Summit ."))
    of_states = suggest_terms(dataset, Context("property", "?x", pattern="?x a pen:State ."))
    assert {"pen:participant", "pen:from", "pen:takesPlaceAt"} <= set(names(of_summits))
    assert "pen:participant" not in names(of_states)
    assert "rdfs:label" in names(of_states)


def test_properties_against_their_direction(dataset: LocalDataset) -> None:
    context = Context("property", "?x", pattern="?x a pen:State .", is_inverse=True)
    found = names(suggest_terms(dataset, context))
    assert found[0] == "pen:participant"
    assert not {"pen:from", "pen:takesPlaceAt", "rdfs:label"} & set(found)


def test_properties_at_the_end_of_a_path(dataset: LocalDataset) -> None:
    context = Context("property", "?x", "pen:takesPlaceAt", "?x a pen:Summit .")
    assert set(names(suggest_terms(dataset, context))) == {"rdf:type", "rdfs:label"}


def test_classes_are_those_that_the_pattern_leaves(dataset: LocalDataset) -> None:
    context = Context("class", "?x", pattern="?summit pen:participant ?x .")
    assert names(suggest_terms(dataset, context)) == ["pen:State"]


def test_values_are_those_that_stand_there_the_most_frequent_first(dataset: LocalDataset) -> None:
    found = suggest_terms(dataset, Context("value", "?x", "pen:participant"), "ko")
    assert [(term.name, term.count) for term in found] == [
        ("state:north-korea", 2), ("state:russia", 1), ("state:united-states", 1),
    ]  # fmt: skip
    assert (found[1].label, found[1].kind) == ("러시아", "state")


def test_literals_are_written_as_in_a_query(dataset: LocalDataset) -> None:
    days = suggest_terms(dataset, Context("value", "event:hanoi", "pen:from"))
    assert names(days) == ['"2019-02-27"^^xsd:date']
    labels = suggest_terms(dataset, Context("value", "event:hanoi", "rdfs:label"))
    assert set(names(labels)) == {'"Hanoi summit"@en', '"하노이 회담"@ko'}


def test_declarations_of_the_query_hold(dataset: LocalDataset) -> None:
    prologue = f"PREFIX my: <{PREFIXES['pen']}>"
    context = Context("property", "?x", pattern="?x a my:Summit .", prologue=prologue)
    assert "pen:participant" in names(suggest_terms(dataset, context))


def test_a_pattern_that_is_no_sparql_yet_is_told(dataset: LocalDataset) -> None:
    with pytest.raises(QuerySyntaxError):
        suggest_terms(dataset, Context("property", "?x", pattern="?x a pen:Summit ; ; ("))
    with pytest.raises(QueryForbidden):
        suggest_terms(
            dataset, Context("property", "?x", pattern="SERVICE <http://a/> { ?x ?y ?z }")
        )


def test_the_rest_of_the_query_is_looked_at_in_part() -> None:
    assert "LIMIT 3000 }" in compose(Context("property", "?x", pattern="?x ?y ?z ."))
    # A thing needs no pattern to be found.
    assert "SELECT DISTINCT" not in compose(Context("property", "state:russia", pattern="?a ?b ?c"))


def test_things_are_found_by_prefix_and_by_label(dataset: LocalDataset) -> None:
    assert names(find_by_prefix(dataset, "state", "")) == [
        "state:north-korea", "state:russia", "state:united-states",
    ]  # fmt: skip
    assert names(find_by_prefix(dataset, "state", "RUS")) == ["state:russia"]
    assert names(find_by_prefix(dataset, "state", "러시")) == ["state:russia"]
    assert names(find_by_prefix(dataset, "state", 'a" . } #')) == []
    assert find_by_prefix(dataset, "nothing", "") == []


def test_names_are_explained_and_unknown_ones_left_out(dataset: LocalDataset) -> None:
    iris = [expand(name) for name in ("pen:Summit", "state:russia", "state:rusia")]
    summit, russia = sorted(describe_terms(dataset, iris), key=lambda term: term.name)
    assert summit.definition == "meeting of leaders"
    assert (russia.label, russia.kind) == ("Russia", "state")


@pytest.mark.parametrize(
    ("iri", "name"),
    [
        (expand("state:north-korea"), "state:north-korea"),
        ("http://example.org/x", "<http://example.org/x>"),
        (f"{PREFIXES['state']}a.b!", f"<{PREFIXES['state']}a.b!>"),
        (PREFIXES["state"], f"<{PREFIXES['state']}>"),
    ],
)
def test_a_name_is_written_so_that_it_can_be_read_again(iri: str, name: str) -> None:
    assert write_name(iri) == name


# The addresses


def test_terms_are_told_once_a_generation(client: FlaskClient) -> None:
    response = client.get("/sparql/terms")
    assert response.headers["ETag"]
    told = response.json
    assert told is not None
    assert told["prefixes"]["pen"] == PREFIXES["pen"]
    assert "pen:Summit" in [term["name"] for term in told["classes"]]
    again = client.get("/sparql/terms", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_a_name_is_told_with_where_it_is_shown(client: FlaskClient) -> None:
    told = client.get("/sparql/terms?name=state:russia&name=state:rusia").json
    assert told == {
        "terms": [
            {
                "iri": expand("state:russia"), "name": "state:russia", "label": "Russia",
                "kind": "state", "path": "/id/state/russia",
            }
        ]
    }  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "/sparql/terms?name=not an iri",
        "/sparql/terms?" + "&".join(["name=state:russia"] * 51),
        "/sparql/complete",
        "/sparql/complete?position=everywhere",
    ],
)
def test_wrong_parameters_are_told(client: FlaskClient, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["type"].endswith("/parameter-error")


def test_completion_is_no_error_where_the_pattern_is_no_sparql(client: FlaskClient) -> None:
    parameters = {"position": "property", "subject": "?x", "pattern": "?x a ( ."}
    response = client.get("/sparql/complete", query_string=parameters)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json is not None
    assert response.json["terms"] == []
    assert response.json["problem"]


def check(client: FlaskClient, query: str) -> list[dict[str, object]]:
    response = client.post("/sparql/check", data=query, content_type="application/sparql-query")
    assert response.status_code == 200
    assert response.json is not None
    problems: list[dict[str, object]] = response.json["problems"]
    return problems


@pytest.mark.parametrize(
    ("query", "kind", "line", "column"),
    [
        ("SELECT * {\n  ?s foo:bar ?o\n}", "query-syntax-error", 2, 6),
        ("SELECT * {\n ?s ?p\n}", "query-syntax-error", 3, 2),
        ("SELECT * {\n SERVICE <http://a/> {} }", "service-forbidden", 2, 2),
        ("SELECT * " + "{" * 99 + "}" * 99, "query-too-complex", 1, 74),
        ("SELECT * FROM <file:///etc/passwd> {}", "query-forbidden", 0, 0),
        ("CLEAR ALL", "protocol-error", 0, 0),
    ],
)
def test_a_check_tells_what_is_wrong_and_where(
    client: FlaskClient, query: str, kind: str, line: int, column: int
) -> None:
    (problem,) = check(client, query)
    assert (problem["kind"], problem["line"], problem["column"]) == (kind, line, column)
    assert not str(problem["message"]).startswith("Line")


def test_a_check_does_not_evaluate(engine: EmbeddedDatabase) -> None:
    state = engine.view()
    with pytest.raises(QueryTimeout):
        ask(engine.view(Asker(timeout=0.2)), DEATH)
    assert state.parse_query(DEATH) == "solutions"
    assert state.parse_query("ASK { ?s ?p ?o }") == "boolean"
    assert state.parse_query("DESCRIBE <x:s1>") == "graph"
    with pytest.raises(QuerySyntaxError) as caught:
        state.parse_query("SELECT * {\n ?s ?p }")
    assert caught.value.line == 2
    with pytest.raises(QueryForbidden):
        state.parse_query("SELECT * { SERVICE <http://a/> {} }")
    # Readers that checked answer as before.
    assert engine.readers.states()["active"] == 0


def test_a_check_is_made_by_a_reader(site: Served) -> None:
    assert check(site.client, DEATH) == []
    (problem,) = check(site.client, "SELECT * { ?s }")
    assert problem["line"] == 1
