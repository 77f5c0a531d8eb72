"""A dataset answers through one interface, and says in words what is wrong with a query."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.dataset.interface import Boolean, Graph, QueryOptions, Solutions, formats_for, select
from peninsula.dataset.local import LocalDataset
from peninsula.diagnosis import explain
from peninsula.errors import (
    ParameterError,
    QueryFailed,
    QueryForbidden,
    QuerySyntaxError,
    UnknownGraph,
)
from peninsula.formats import GRAPH_FORMATS, SOLUTION_FORMATS, TABLE_FORMATS
from peninsula.namespaces import PREFIXES, expand
from peninsula.policy import Policy

from .conftest import ROOT

SCENE, ONTOLOGY = expand("graph:scene"), expand("graph:ontology")
SUMMITS = "SELECT ?s { ?s a pen:Summit }"
CLASSES = "SELECT ?s { ?s a owl:Class }"


def test_three_kinds_of_result(dataset: LocalDataset) -> None:
    solutions = dataset.evaluate("SELECT ?s ?day { ?s pen:from ?day } ORDER BY ?day")
    assert isinstance(solutions, Solutions)
    assert solutions.variables == ("s", "day")
    assert [str(row[0]) for row in solutions] == [
        f"<{expand('event:hanoi')}>",
        f"<{expand('event:vladivostok')}>",
    ]
    boolean = dataset.evaluate("ASK { event:hanoi a pen:Summit }")
    assert isinstance(boolean, Boolean)
    assert boolean.value is True
    graph = dataset.evaluate("DESCRIBE event:hanoi")
    assert isinstance(graph, Graph)
    assert formats_for(graph) == GRAPH_FORMATS
    assert formats_for(boolean) == SOLUTION_FORMATS
    assert formats_for(solutions) == TABLE_FORMATS
    assert {triple.subject.value for triple in graph} == {expand("event:hanoi")}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("query", "default", "named", "expected"),
    [
        (SUMMITS, (), (), 2),  # the union of all graphs
        (SUMMITS, (SCENE,), (), 2),
        (SUMMITS, (ONTOLOGY,), (), 0),
        (SUMMITS, (), (SCENE,), 0),  # only named graphs: the default graph is empty
        ("SELECT ?s { GRAPH ?g { ?s a pen:Summit } }", (), (), 2),
        ("SELECT ?s { GRAPH ?g { ?s a pen:Summit } }", (), (ONTOLOGY,), 0),
        ("SELECT ?s { GRAPH ?g { ?s a pen:Summit } }", (SCENE,), (), 0),
        (f"SELECT ?s FROM <{SCENE}> {{ ?s a pen:Summit }}", (), (), 2),
        (f"SELECT ?s FROM <{ONTOLOGY}> {{ ?s a pen:Summit }}", (), (), 0),
        (f"SELECT ?s FROM NAMED <{SCENE}> {{ ?s a pen:Summit }}", (), (), 0),
        # The protocol's graphs take the place of those that the query names.
        (f"SELECT ?s FROM <{ONTOLOGY}> {{ ?s a pen:Summit }}", (SCENE,), (), 2),
    ],
)
def test_a_query_sees_the_graphs_it_asks_for(
    dataset: LocalDataset,
    query: str,
    default: tuple[str, ...],
    named: tuple[str, ...],
    expected: int,
) -> None:
    result = dataset.evaluate(query, QueryOptions(default_graphs=default, named_graphs=named))
    assert isinstance(result, Solutions)
    assert len(list(result)) == expected


def test_an_own_default_graph_is_empty() -> None:
    store = ox.Store()
    store.add(
        ox.Quad(ox.NamedNode("a:a"), ox.NamedNode("a:b"), ox.NamedNode("a:c"), ox.NamedNode("a:g"))
    )
    query = "SELECT * { ?s ?p ?o }"
    assert len(list(select(LocalDataset(store, Policy()), query))) == 1
    assert not list(select(LocalDataset(store, Policy(), is_union=False), query))


def test_substitutions_bind_terms(dataset: LocalDataset) -> None:
    query = "SELECT ?s ?state { ?s pen:participant ?state }"
    russia = {"state": ox.NamedNode(expand("state:russia"))}
    assert len(list(select(dataset, query, russia))) == 1
    with pytest.raises(ParameterError, match=r"does not select \?other") as caught:
        select(dataset, query, {"other": ox.Literal("x")})
    assert caught.value.parameter == "other"


@pytest.mark.parametrize(
    ("query", "line", "column", "words"),
    [
        ("SELECT * WHERE { ?s ?p }", 1, 25, "not SPARQL here"),
        ("SELECT *\nWHERE {\n  ?s foo:bar 1 }", 3, 6, "the prefix “foo:” is not declared"),
        ("PREFIX foo: <http://a/> SELECT * { ?s foo:x bar:x }", 1, 45, "“bar:”"),
        ('SELECT * { ?s ?p "한국" . FILTR(?o) }', 1, 25, "“FILTR” is no word .* FILTER"),
        ("SELECT * {\n  ?s ?p 'x }", 2, 9, "string is not closed"),
        ("SELECT * {\n  ?s ?p ?o\n", 1, 10, "“{” is never closed"),
        ("SELECT * { ?s ?p ?o }}", 1, 22, "“}” closes nothing"),
        ("SELECT * { FILTER(?o }", 1, 22, "“}” does not close “\\(”"),
        ("SELECT (1 AS ?x) ?y { ?z ?y ?x } GROUP BY ?z", 1, None, "neither in GROUP BY"),
        ("SELECT ?a (1 AS ?a) {}", 1, None, "names a variable twice"),
        ("SELECT * { <a> ?p ?o }", 1, 12, "IRI <a> is not absolute"),
        ("", 1, 1, "not SPARQL here"),
    ],
)
def test_a_syntax_error_has_a_place_and_words(
    dataset: LocalDataset, query: str, line: int, column: int | None, words: str
) -> None:
    with pytest.raises(QuerySyntaxError, match=words) as caught:
        dataset.evaluate(query)
    assert caught.value.line == line
    assert column is None or caught.value.column == column
    assert caught.value.excerpt.splitlines()[1].strip() == "^"


@pytest.mark.parametrize("path", sorted((ROOT / "queries").glob("*.rq")), ids=lambda p: p.stem)
def test_no_word_of_a_real_query_is_unknown(path: Path) -> None:
    query = path.read_text(encoding="utf-8") + " }"
    error = explain(query, "error at 1:1: expected X", PREFIXES)
    assert "closes nothing" in error.message  # and nothing before it was found


def test_the_policy_stands_before_every_evaluation(dataset: LocalDataset) -> None:
    with pytest.raises(QueryForbidden):
        dataset.evaluate("SELECT * { SERVICE <http://127.0.0.1/> {} }")


def test_what_the_engine_gives_up_on_is_told(dataset: LocalDataset) -> None:
    with pytest.raises(QueryFailed):
        dataset.evaluate("SELECT * {}", QueryOptions(prefixes={"not a prefix": "x"}))


def test_graphs_and_their_statements(dataset: LocalDataset) -> None:
    sizes = dataset.graphs()
    assert list(sizes) == sorted(sizes)
    assert sizes[SCENE] == len(list(dataset.statements(SCENE))) > 20
    assert sum(sizes.values()) == len(list(dataset.statements()))
    with pytest.raises(UnknownGraph, match="no named graph"):
        dataset.statements("http://example.org/")
