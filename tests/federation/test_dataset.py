"""What is asked of services, and what is refused, told and limited."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pyoxigraph as ox
import pytest

from peninsula.dataset.interface import Dataset, QueryOptions, Solutions
from peninsula.errors import (
    ClientGone,
    NoSnapshot,
    ParameterError,
    PeninsulaError,
    QueryForbidden,
    QuerySyntaxError,
    QueryTimeout,
    QueryTooComplex,
    ServiceForbidden,
    UpstreamFailed,
    UpstreamUnreachable,
)
from peninsula.federation.asking import Patience
from peninsula.federation.clauses import asks_service, write_as_graphs
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.gateway import Table
from peninsula.federation.local_services import Block
from peninsula.policy import Policy

from .services import ONE, PREFIXES, TWO, Scene

OWN = ":a a :Rare . :b a :Rare . :c a :Common . :d a :Common ."
REMOTE = " ".join(f":{name} :name '{name}' ; :size {ord(name)} ." for name in "abcdefgh")


@pytest.fixture
def scene() -> Scene:
    return Scene(OWN, REMOTE)


def ask(scene: Scene, group: str, tail: str = "", **more: Any) -> list[tuple[str | None, ...]]:
    return scene.select(f"{PREFIXES}SELECT * WHERE {{ {group} }}{tail}", **more)


def names(*letters: str) -> list[tuple[str, str]]:
    return [(f'"{letter}"', f"<urn:x:{letter}>") for letter in letters]


# What is asked.


def test_only_what_fits_is_fetched(scene: Scene) -> None:
    found = ask(scene, f"?x a :Rare . SERVICE <{ONE}> {{ ?x :name ?n }}")
    assert found == names("a", "b")
    (query,) = scene.gateway.queries
    assert "VALUES (?x) { (<urn:x:a>) (<urn:x:b>) }\n ?x :name ?n" in query
    (call,) = scene.calls
    assert (call.service, call.requests, call.sent, call.rows) == (ONE, 1, 2, 2)
    assert call.bytes > 0
    assert str(call).startswith(f'"{ONE}";requests=1;sent=2;rows=2;bytes=')


def test_a_service_goes_by_its_name_too(scene: Scene) -> None:
    assert ask(scene, "?x a :Rare . SERVICE <peninsula:one> { ?x :name ?n }") == names("a", "b")
    short = "PREFIX s: <http://one.example/> PREFIX : <urn:x:> SELECT * { ?x a :Rare . service s:sparql { ?x :name ?n } }"
    assert scene.select(short) == names("a", "b")


def test_bindings_are_sent_in_batches(scene: Scene) -> None:
    scene = Scene(OWN, REMOTE, batch=3)
    ask(scene, f"?x a ?class . SERVICE <{ONE}> {{ ?x :name ?n }}")
    assert sorted(query.count("(<urn:x:") for query in scene.gateway.queries) == [1, 3]
    assert scene.calls[0].requests == 2


def test_long_bindings_make_small_batches() -> None:
    texts = " ".join(f":s :p '{letter * 30_000}' ." for letter in "abcd")
    scene = Scene(texts, texts)
    assert len(ask(scene, f":s :p ?x . SERVICE <{ONE}> {{ ?y :p ?x }}")) == 4
    assert len(scene.gateway.asked) == 2


def test_where_nothing_can_fit_nobody_is_asked(scene: Scene) -> None:
    assert ask(scene, f"?x a :Absent . SERVICE <{ONE}> {{ ?x :name ?n }}") == []
    assert not scene.gateway.asked


def test_where_nothing_restricts_it_all_is_fetched_up_to_a_limit(scene: Scene) -> None:
    assert len(ask(scene, f"SERVICE <{ONE}> {{ ?x :name ?n }}")) == 8
    scene.federation = replace(scene.federation, most_rows=5)
    with pytest.raises(QueryTooComplex, match="more than 5 rows"):
        ask(scene, f"SERVICE <{ONE}> {{ ?x :name ?n }}")
    assert scene.gateway.queries[-1].endswith("LIMIT 6\n")


def test_where_too_much_would_be_sent_a_small_whole_is_fetched() -> None:
    scene = Scene(OWN, REMOTE, batch=1, max_requests_per_query=2)
    assert len(ask(scene, f"?x a ?class . SERVICE <{ONE}> {{ ?x :name ?n }}")) == 4
    assert "VALUES" not in scene.gateway.queries[0]
    scene.federation = replace(scene.federation, most_rows=5)
    with pytest.raises(QueryTooComplex, match="more than 2 solutions") as caught:
        ask(
            scene,
            f"?x a ?class . SERVICE <{ONE}> {{ ?x :name ?n }} SERVICE <{ONE}> {{ ?x :size ?s }}",
        )
    assert "Restrict" in caught.value.remedy


def test_no_more_bytes_come_in_than_are_allowed(scene: Scene) -> None:
    scene.federation = replace(scene.federation, most_bytes=50)
    with pytest.raises(QueryTooComplex):
        ask(scene, f"SERVICE <{ONE}> {{ ?x :name ?n }}")


def test_more_rows_than_the_policy_lets_a_query_be_long() -> None:
    scene = Scene("", "".join(f":s{i} :p '{'x' * 300}{i}' ." for i in range(1500)), most_rows=2000)
    assert len(ask(scene, f"SERVICE <{ONE}> {{ ?x :p ?n }}")) == 1500
    assert Policy().max_query_bytes < 1500 * 300


def test_blank_nodes_are_not_sent() -> None:
    scene = Scene(":a :p [] . :b :p :c .", ":c :q 1 . :d :q 2 .")
    assert len(ask(scene, f"?x :p ?y SERVICE <{ONE}> {{ ?y :q ?z }}")) == 1
    assert "VALUES (?y) { (<urn:x:c>) }" in scene.gateway.queries[0]
    scene = Scene(":a :p [] .", ":c :q 1 . :d :q 2 .")
    assert ask(scene, f"?x :p ?y SERVICE <{ONE}> {{ ?y :q ?z }}") == []
    assert not scene.gateway.asked


OPTIONAL = f"?x a :Rare . SERVICE <{ONE}> {{ OPTIONAL {{ ?x :name ?n }} }}"


def test_an_optional_that_begins_a_clause_is_restricted_once_something_is_in_it(
    scene: Scene,
) -> None:
    assert ask(scene, OPTIONAL) == names("a", "b")
    trial, query = scene.gateway.queries
    assert trial.endswith("SELECT (1 AS ?peninsula_one) WHERE { ?x :name ?n }\nLIMIT 1\n")
    assert "VALUES (?x) { (<urn:x:a>) (<urn:x:b>) }\n" in query
    assert (scene.calls[0].requests, scene.calls[0].rows) == (2, 2)


def test_an_optional_with_nothing_in_it_binds_nothing(scene: Scene) -> None:
    assert ask(scene, OPTIONAL.replace(":name", ":absent")) == [
        (None, "<urn:x:a>"), (None, "<urn:x:b>"),
    ]  # fmt: skip
    assert "OPTIONAL { ?x :absent ?n }" in scene.gateway.queries[1]


def test_where_a_snapshot_may_stand_in_it_is_not_tried(scene: Scene) -> None:
    assert ask(scene, OPTIONAL, mode="fallback") == names("a", "b")
    assert len(scene.gateway.queries) == 1


def test_a_trial_that_fails_is_told_of_the_clause(scene: Scene) -> None:
    scene.gateway.failure = UpstreamUnreachable("it is down")
    assert len(ask(scene, OPTIONAL.replace("SERVICE", "SERVICE SILENT"))) == 2
    with pytest.raises(UpstreamFailed, match="it is down"):
        ask(scene, OPTIONAL)


def test_given_values_restrict_it(scene: Scene) -> None:
    query = f"{PREFIXES}SELECT ?x ?n {{ ?x a ?class . SERVICE <{ONE}> {{ ?x :name ?n }} }}"
    found = scene.select(query, substitutions={"x": ox.NamedNode("urn:x:c")})
    assert found == [("<urn:x:c>", '"c"')]
    assert "VALUES (?x) { (<urn:x:c>) }" in scene.gateway.queries[0]


def test_a_part_with_a_limit_is_asked_once() -> None:
    scene = Scene(
        "".join(f":s{i} :p {i} ." for i in range(50)), "".join(f":s{i} :q {i} ." for i in range(50))
    )
    found = ask(scene, f"{{ SELECT ?x {{ ?x :p ?i }} LIMIT 7 }} SERVICE <{ONE}> {{ ?x :q ?y }}")
    assert len(found) == 7
    assert scene.calls[0].sent == 7


def test_what_is_random_is_asked_once() -> None:
    scene = Scene(
        "".join(f":s{i} :p {i} ." for i in range(40)), "".join(f":s{i} :q {i} ." for i in range(40))
    )
    group = f"{{ SELECT ?x {{ ?x :p ?i FILTER(RAND() < 0.5) }} }} SERVICE <{ONE}> {{ ?x :q ?y }}"
    for _ in range(5):
        scene.calls.clear()
        assert len(ask(scene, group)) == scene.calls[0].sent


def test_the_requests_are_made_at_the_same_time_as_far_as_allowed() -> None:
    scene = Scene(OWN, REMOTE, batch=1, max_requests=4)
    barrier = threading.Barrier(4, timeout=10)
    scene.gateway.before = barrier.wait  # type: ignore[assignment]
    assert len(ask(scene, f"?x a ?class . SERVICE <{ONE}> {{ ?x :name ?n }}")) == 4


def test_other_forms_of_query(scene: Scene) -> None:
    where = f"?x a :Rare . SERVICE <{ONE}> {{ ?x :name ?n }}"
    dataset = scene.dataset()
    asked: Any = dataset.evaluate(f"{PREFIXES}ASK {{ {where} FILTER(?n = 'b') }}")
    assert asked.value is True
    made: Any = dataset.evaluate(f"{PREFIXES}CONSTRUCT {{ ?x :called ?n }} WHERE {{ {where} }}")
    assert {str(triple.object) for triple in made} == {'"a"', '"b"'}
    told: Any = dataset.evaluate(f"{PREFIXES}DESCRIBE ?x WHERE {{ {where} }}")
    assert {triple.object.value for triple in told} == {"urn:x:Rare"}


def test_the_graphs_of_the_query_are_no_concern_of_the_service() -> None:
    scene = Scene(":g { :a :p 1 } :h { :b :p 1 }", REMOTE)
    group = f"?x :p 1 . SERVICE <{ONE}> {{ ?x :name ?n }}"
    assert ask(scene, group, default_graphs=["urn:x:g"]) == names("a")
    found = scene.select(f"{PREFIXES}SELECT * FROM :h {{ {group} }}")
    assert found == names("b")


def test_graphs_of_a_variable_restrict_it() -> None:
    scene = Scene(":a { :x :p 1 } :b { :x :p 2 } :z { :x :p 3 }", REMOTE)
    found = ask(scene, f"GRAPH ?g {{ ?x :p ?p . SERVICE <{ONE}> {{ ?g :name ?n }} }}")
    assert len(found) == 2
    assert (
        "(<urn:x:a>) (<urn:x:b>) (<urn:x:z>)" in scene.gateway.queries[0]
        or scene.calls[0].sent == 3
    )


def test_a_query_that_asks_nobody_goes_straight_on(scene: Scene) -> None:
    class Inner:
        is_union, generation = True, 7

        def evaluate(self, query: str, _options: QueryOptions) -> str:
            return query

    inner: Any = Inner()
    dataset: Any = FederatedDataset(inner, scene.federation)
    for query in (
        "SELECT * { ?s ?p 'SERVICE' } # SERVICE",
        "SELECT * { <x:service> ?service service:p }",
    ):
        assert dataset.evaluate(query) == query
        assert not asks_service(query)
    assert dataset.generation == 7


# Who is asked.


@pytest.mark.parametrize(
    "call",
    [
        "SERVICE <http://evil.example/>", "SERVICE SILENT <http://evil.example/>",
        f"SERVICE <{ONE}/>", f"SERVICE <{ONE}?x>", f"SERVICE <{ONE}#x>", "SERVICE <HTTP://one.example/sparql>",
        "SERVICE <http://user@one.example/sparql>", "SERVICE <http://one.example.evil/sparql>",
        "SERVICE <peninsula:three>", "SERVICE <peninsula:>", "SERVICE <file:///etc/passwd>",
    ],
)  # fmt: skip
def test_who_is_not_allowed_is_not_asked(scene: Scene, call: str) -> None:
    with pytest.raises(ServiceForbidden, match=r"line 2, column 18"):
        ask(scene, f"{call} {{ ?x :name ?n }}")
    with pytest.raises(ServiceForbidden):
        scene.dataset().parse_query(f"ASK {{ {call} {{ ?x <x:p> ?n }} }}")
    assert not scene.gateway.asked


def test_which_service_must_stand_in_the_query(scene: Scene) -> None:
    with pytest.raises(ServiceForbidden, match="must stand in the query"):
        ask(scene, f"VALUES ?s {{ <{ONE}> }} SERVICE ?s {{ ?x :name ?n }}")


def test_all_that_is_forbidden_is_found_before_anybody_is_asked(scene: Scene) -> None:
    with pytest.raises(ServiceForbidden):
        ask(scene, f"SERVICE <{ONE}> {{ ?x :name ?n }} SERVICE <x:y> {{ ?x :name ?n }}")
    assert not scene.gateway.asked


def test_what_stands_in_a_clause_for_wikidata_is_passed_on(scene: Scene) -> None:
    query = (
        f"PREFIX wikibase: <http://wikiba.se/ontology#> PREFIX bd: <http://www.bigdata.com/rdf#>\n{PREFIXES}"
        f"SELECT ?x ?xLabel {{ ?x a :Rare . SERVICE <{ONE}> {{ ?x :name ?n . SERVICE wikibase:label "
        "{ bd:serviceParam wikibase:language 'en' } } }"
    )
    with pytest.raises((OSError, RuntimeError)):  # a store knows no such service
        scene.select(query)
    (text,) = scene.gateway.queries
    assert "SELECT ?x ?xLabel WHERE" in text
    assert "SERVICE wikibase:label" in text
    assert "PREFIX wikibase: <http://wikiba.se/ontology#>" in text


@pytest.mark.parametrize("name", ["<http://evil.example/>", "?s", "<peninsula:two>"])
def test_no_other_service_is_asked_through_a_service(scene: Scene, name: str) -> None:
    with pytest.raises(ServiceForbidden, match="inside of another"):
        ask(
            scene, f"SERVICE <{ONE}> {{ ?x :name ?n OPTIONAL {{ SERVICE {name} {{ ?x :p ?y }} }} }}"
        )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { S\\u0045RVICE <%s> { ?s ?p ?o } }",
        "SELECT * { SERVICE <%s> { ?s ?p ?o } ?a ?b 'x\\u0027 . SERVICE <x:y> { ?s ?p ?o } # ' \n }",
    ],
)
def test_nothing_is_hidden_by_escapes(scene: Scene, query: str) -> None:
    with pytest.raises((QueryForbidden, QuerySyntaxError)):
        scene.select(query % ONE)
    assert not scene.gateway.asked


def test_a_fault_is_told_at_its_place_before_anybody_is_asked(scene: Scene) -> None:
    query = f"SELECT * {{\n  SERVICE SILENT <{ONE}> {{ ?x ?y }}\n}}"
    with pytest.raises(QuerySyntaxError) as caught:
        scene.select(query)
    with pytest.raises(QuerySyntaxError) as expected:
        scene.inner.evaluate(query.replace("SERVICE SILENT", "GRAPH"))
    assert caught.value.line == expected.value.line
    assert len(write_as_graphs(query)) == len(query)
    assert not scene.gateway.asked


def test_limits_hold_for_what_stands_in_a_clause(scene: Scene) -> None:
    with pytest.raises(QueryTooComplex):
        ask(scene, f"SERVICE <{ONE}> {{ {'{' * 70}{'}' * 70} }}")


def test_nothing_is_asked_inside_of_lateral(scene: Scene) -> None:
    with pytest.raises(QueryForbidden, match="LATERAL"):
        ask(scene, f"?x a :Rare LATERAL {{ SERVICE <{ONE}> {{ ?x :name ?n }} }}")


# Where it fails.


def test_a_failure_is_told(scene: Scene) -> None:
    scene.gateway.failure = UpstreamUnreachable("it is down")
    with pytest.raises(UpstreamFailed, match="it is down"):
        ask(scene, f"?x a :Rare . SERVICE <{ONE}> {{ ?x :name ?n }}")


def test_a_silent_failure_is_one_empty_solution(scene: Scene) -> None:
    scene.gateway.failure = UpstreamUnreachable("it is down")
    found = ask(scene, f"?x a :Rare . SERVICE SILENT <{ONE}> {{ ?x :name ?n }}")
    assert found == [(None, "<urn:x:a>"), (None, "<urn:x:b>")]
    assert scene.calls[0].remark == "silent upstream-unreachable"
    assert scene.select(f"SELECT * {{ SERVICE SILENT <{ONE}> {{ ?x <urn:x:name> ?n }} }}") == [
        (None, None)
    ]


def test_of_several_requests_one_that_fails_is_enough() -> None:
    scene = Scene(OWN, REMOTE, batch=1)
    count = iter(range(100))

    def fail_later() -> None:
        if next(count) == 2:
            raise UpstreamUnreachable("it is down")

    scene.gateway.before = fail_later
    found = ask(scene, f"?x a ?class . SERVICE SILENT <{ONE}> {{ ?x :name ?n }}")
    assert len(found) == 4
    assert {row[1] for row in found} == {None}


def test_what_is_ours_is_no_failure_of_the_service(scene: Scene) -> None:
    scene.federation = replace(scene.federation, most_rows=3)
    with pytest.raises(QueryTooComplex):
        ask(scene, f"SERVICE SILENT <{ONE}> {{ ?x :name ?n }}")


def test_the_time_is_for_all_of_it(scene: Scene) -> None:
    granted: list[float] = []

    def narrow(left: float) -> Dataset:
        granted.append(left)
        return scene.inner

    scene.gateway.before = lambda: time.sleep(0.06)
    patience = Patience(0.05, narrow=narrow)
    with pytest.raises(QueryTimeout, match="services included"):
        scene.dataset(patience=patience).evaluate(
            f"SELECT * {{ SERVICE SILENT <{ONE}> {{ ?x <urn:x:name> ?n }} }}"
        )
    assert granted
    assert all(left <= 0.05 for left in granted)


def test_whoever_leaves_ends_it() -> None:
    scene = Scene(OWN, REMOTE, batch=1, max_requests=1)
    patience = Patience(is_gone=lambda: bool(scene.gateway.asked))
    query = f"{PREFIXES}SELECT * {{ ?x a ?c SERVICE <{ONE}> {{ ?x :name ?n }} SERVICE <{TWO}> {{ ?x :name ?n }} }}"
    with pytest.raises(ClientGone):
        scene.dataset(patience=patience).evaluate(query)
    assert {name for name, _ in scene.gateway.asked} == {"one"}


# Snapshots.

SNAPSHOT = "<https://w3id.org/peninsula/graph/one>"
KEPT = f"{OWN} {SNAPSHOT} {{ :a :name 'kept a' . :b :name 'kept b' . :z :name 'kept z' }}"


def test_a_snapshot_is_a_graph_here() -> None:
    scene = Scene(KEPT, REMOTE)
    found = ask(scene, "?x a :Rare . SERVICE <peninsula:one-snapshot> { ?x :name ?n }")
    assert [row[0] for row in found] == ['"kept a"', '"kept b"']
    assert not scene.gateway.asked
    assert scene.calls[0].remark == "graph"


@pytest.mark.parametrize("dataset", ["", "FROM :g"])
def test_a_snapshot_has_the_prefixes_of_its_service(dataset: str) -> None:
    kept = "<https://w3id.org/peninsula/graph/wikidata>"
    scene = Scene(
        f":a a :Rare . :g {{ :a a :Rare }} {kept} {{ :a <http://schema.org/about> :b . "
        ":a <https://schema.org/about> :c }"
    )
    query = (
        f"{PREFIXES}SELECT ?y {dataset} {{ ?x a :Rare . "
        "SERVICE <peninsula:wikidata-snapshot> { ?x schema:about ?y } }"
    )
    assert scene.select(query) == [("<urn:x:b>",)]
    # What the query declares, it means.
    declared = f"PREFIX schema: <https://schema.org/>\n{query}"
    assert scene.select(declared) == [("<urn:x:c>",)]


def test_a_snapshot_stands_for_the_service_where_that_is_wanted() -> None:
    scene = Scene(KEPT, REMOTE)
    group = f"?x a :Rare . SERVICE <{ONE}> {{ ?x :name ?n }}"
    assert len(ask(scene, group, mode="snapshot")) == 2
    assert not scene.gateway.asked
    assert ask(scene, group, mode="fallback") == names("a", "b")
    scene.gateway.failure = UpstreamUnreachable("it is down")
    scene.calls.clear()
    assert ask(scene, group, mode="fallback")[0][0] == '"kept a"'
    assert scene.calls[0].remark == "fallback"
    with pytest.raises(UpstreamFailed):
        ask(scene, group)


def test_a_snapshot_is_no_concern_of_the_graphs_that_a_query_names() -> None:
    scene = Scene(f":g {{ :a :p 1 }} {KEPT}", REMOTE)
    group = "?x :p 1 . SERVICE <peninsula:one-snapshot> { ?x :name ?n }"
    found = scene.select(f"{PREFIXES}SELECT * FROM :g {{ {group} }}")
    assert found == [('"kept a"', "<urn:x:a>")]
    assert scene.calls[0].remark == "snapshot"
    assert ask(scene, group, default_graphs=["urn:x:g"]) == found


def test_a_snapshot_has_no_graphs_of_its_own() -> None:
    scene = Scene(KEPT, REMOTE)
    assert ask(scene, "SERVICE <peninsula:one-snapshot> { GRAPH ?g { ?x :name ?n } }") == []


def test_blank_nodes_of_a_snapshot_are_the_same_ones_everywhere() -> None:
    scene = Scene(f"{SNAPSHOT} {{ :a :p [ :q 1 ] }} :g {{ :x :y 1 }}", REMOTE)
    query = f"{PREFIXES}SELECT * FROM :g FROM NAMED {SNAPSHOT} {{ GRAPH {SNAPSHOT} {{ ?b :q ?n }} SERVICE <peninsula:one-snapshot> {{ ?a :p ?b }} }}"
    (row,) = scene.select(query)
    assert str(row[1]).startswith("_:")


def test_a_missing_snapshot_is_told(scene: Scene) -> None:
    for group, mode in (
        ("SERVICE <peninsula:one-snapshot> { ?x :name ?n }", "live"),
        ("SERVICE SILENT <peninsula:one-snapshot> { ?x :name ?n }", "live"),
        (f"SERVICE <{ONE}> {{ ?x :name ?n }}", "snapshot"),
    ):
        with pytest.raises(NoSnapshot) as caught:
            ask(scene, group, mode=mode)
        assert "link pull" in caught.value.remedy


def test_a_snapshot_knows_no_services() -> None:
    scene = Scene(KEPT, REMOTE)
    group = "SERVICE <peninsula:one-snapshot> { ?x :name ?n SERVICE <http://wikiba.se/ontology#label> { } }"
    with pytest.raises(ServiceForbidden, match="not known to the snapshot"):
        ask(scene, group)


# Parts of this server.


class Echo:
    """A local service that says what it was asked."""

    name = "echo"

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def answer(self, block: Block) -> Table:
        self.blocks.append(block)
        if any(str(pattern.object) == '"fail"' for pattern in block.patterns):
            raise ParameterError("That makes no sense.", parameter="echo")
        rows: list[tuple[Any, ...]] = [
            (*row, ox.Literal(number)) for number, row in enumerate(block.bindings.rows)
        ]
        return Table((*block.bindings.variables, "n"), rows)


def test_a_part_of_this_server_answers_from_patterns_and_bindings() -> None:
    echo = Echo()
    scene = Scene(OWN, local=echo)
    group = "?x a :Rare . SERVICE <peninsula:echo> { ?x :says 'a\\'b'@EN , 2.5 ; a [ :of -1 ] ; :n ?n . }"
    assert len(ask(scene, group)) == 2
    (block,) = echo.blocks
    assert [tuple(map(str, pattern)) for pattern in block.patterns] == [
        ("?x", "<urn:x:says>", '"a\'b"@en'),
        ("?x", "<urn:x:says>", '"2.5"^^<http://www.w3.org/2001/XMLSchema#decimal>'),
        ("?x", "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>", "_:made1"),
        ("_:made1", "<urn:x:of>", '"-1"^^<http://www.w3.org/2001/XMLSchema#integer>'),
        ("?x", "<urn:x:n>", "?n"),
    ]
    assert block.variables == ("x", "n")
    assert block.bindings.variables == ("x",)
    assert len(block.bindings.rows) == 2
    assert block.wanted == {"x", "n"}
    assert isinstance(block.dataset.evaluate("SELECT * { ?s ?p ?o }"), Solutions)
    ask(scene, "SERVICE <peninsula:echo> { ?x :n ?n }")
    assert echo.blocks[1].bindings == Table((), [()])


@pytest.mark.parametrize(
    "pattern",
    ["?x :p/:q ?n", "?x ^:p ?n", "?x :p (1 2)", "?x :p ?n FILTER(?n > 1)", "OPTIONAL { ?x :p ?n }", "?x :p << :a :b :c >>"],
)  # fmt: skip
def test_a_part_of_this_server_takes_plain_triples_alone(pattern: str) -> None:
    scene = Scene(OWN, local=Echo())
    with pytest.raises(QuerySyntaxError, match="triple patterns and nothing else"):
        ask(scene, f"SERVICE <peninsula:echo> {{ {pattern} }}")


def test_what_a_part_of_this_server_refuses_is_told_even_silently() -> None:
    scene = Scene(OWN, local=Echo())
    with pytest.raises(PeninsulaError, match="makes no sense"):
        ask(scene, "SERVICE SILENT <peninsula:echo> { ?x :p 'fail' }")
