"""The parts of a query: where they stand, and which variables they bind."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given, settings

from peninsula.federation.parsing import Unreadable, read_query
from peninsula.federation.structure import certain, find_nested, visible
from tests.federation.chance import Maker, makers
from tests.federation.services import PREFIXES, read


def parts(group: str) -> list[tuple[str, str, str, str]]:
    """Return kind, text, visible and certain variables of what stands in a group."""
    query = read_query(f"SELECT * WHERE {{ {group} }}")
    assert query.select.group
    return [
        (
            element.kind,
            query.text[element.start : element.end],
            " ".join(sorted(visible(element))),
            " ".join(sorted(certain(element))),
        )
        for element in query.select.group.elements
    ]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("?s :p ?o .", [("triples", "?s :p ?o", "o s", "o s")]),
        (
            "?s :p ?o . FILTER(?o < 1 && ?s > 2) ?s :q ?x",
            [
                ("triples", "?s :p ?o", "o s", "o s"),
                ("filter", "FILTER(?o < 1 && ?s > 2)", "", ""),
                ("triples", "?s :q ?x", "s x", "s x"),
            ],
        ),
        ("?s a [ :p ?o ; :q (1 ?x) ]", [("triples", "?s a [ :p ?o ; :q (1 ?x) ]", "o s x", "o s x")]),
        ("?s (:p|^:q)*/!(:r) ?o", [("triples", "?s (:p|^:q)*/!(:r) ?o", "o s", "o s")]),
        ("?s :p ?o {| :q ?x |} .", [("triples", "?s :p ?o {| :q ?x |}", "o s x", "o s x")]),
        ("<< ?s :p ?o ~ ?r >> :q ?x", [("triples", "<< ?s :p ?o ~ ?r >> :q ?x", "o r s x", "o r s x")]),
        ("?s :p '}' . # }\n ?s :q \"{\"", [("triples", "?s :p '}' . # }\n ?s :q \"{\"", "s", "s")]),
        ("OPTIONAL { ?s :p ?o } .", [("optional", "OPTIONAL { ?s :p ?o }", "o s", "")]),
        ("MINUS { ?s :p ?o }", [("minus", "MINUS { ?s :p ?o }", "", "")]),
        ("GRAPH ?g { ?s :p ?o }", [("graph", "GRAPH ?g { ?s :p ?o }", "g o s", "g o s")]),
        ("GRAPH :g { OPTIONAL { ?s :p ?o } }", [("graph", "GRAPH :g { OPTIONAL { ?s :p ?o } }", "o s", "")]),
        ("service <x:y>{ ?s :p ?o }", [("service", "service <x:y>{ ?s :p ?o }", "o s", "o s")]),
        ("SERVICE SILENT :s { ?s :p ?o }", [("service", "SERVICE SILENT :s { ?s :p ?o }", "o s", "")]),
        ("SERVICE ?x { ?s :p ?o }", [("service", "SERVICE ?x { ?s :p ?o }", "o s x", "o s x")]),
        ("BIND(IF(?a < 1, 2, 3) AS ?b)", [("bind", "BIND(IF(?a < 1, 2, 3) AS ?b)", "b", "")]),
        ("VALUES ?x { 1 UNDEF }", [("values", "VALUES ?x { 1 UNDEF }", "x", "")]),
        (
            "VALUES (?x ?y ?z) { ('a'@en UNDEF -1) (\"1\"^^:t <x:y> <<( :a :b :c )>>) }",
            [
                (
                    "values",
                    "VALUES (?x ?y ?z) { ('a'@en UNDEF -1) (\"1\"^^:t <x:y> <<( :a :b :c )>>) }",
                    "x y z",
                    "x z",
                )
            ],
        ),
        ("VALUES () { () }", [("values", "VALUES () { () }", "", "")]),
        (
            "{ ?s :p ?o } UNION { ?s :q ?x } UNION { ?s :r ?o }",
            [("union", "{ ?s :p ?o } UNION { ?s :q ?x } UNION { ?s :r ?o }", "o s x", "s")],
        ),
        ("{ ?s :p ?o }", [("group", "{ ?s :p ?o }", "o s", "o s")]),
        (
            "{ SELECT ?s (?o AS ?x) WHERE { ?s :p ?o } }",
            [("group", "{ SELECT ?s (?o AS ?x) WHERE { ?s :p ?o } }", "s x", "s")],
        ),
        (
            "{ SELECT * { ?s :p ?o OPTIONAL { ?o :p ?x } } VALUES ?z { 1 } }",
            [("group", "{ SELECT * { ?s :p ?o OPTIONAL { ?o :p ?x } } VALUES ?z { 1 } }", "o s x z", "o s z")],
        ),
        ("FILTER NOT EXISTS { ?s :p ?o } ?a :p ?b", [("filter", "FILTER NOT EXISTS { ?s :p ?o }", "", ""), ("triples", "?a :p ?b", "a b", "a b")]),
        ("FILTER REGEX(?a, '{') ?a :p ?b", [("filter", "FILTER REGEX(?a, '{')", "", ""), ("triples", "?a :p ?b", "a b", "a b")]),
        ("FILTER :f(?a) ?a :p ?b", [("filter", "FILTER :f(?a)", "", ""), ("triples", "?a :p ?b", "a b", "a b")]),
    ],
)  # fmt: skip
def test_parts_of_a_group(group: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert parts(group) == expected


def test_a_query_with_all_there_is_around_its_group() -> None:
    query = read_query(
        "BASE <http://b/> PREFIX : <x> # SELECT {\nPREFIX a: <http://a/>\n"
        "SELECT DISTINCT ?s (COUNT(?o) AS ?n) FROM <http://g/> FROM NAMED a:g\n"
        "WHERE { ?s :p ?o } GROUP BY ?s HAVING(EXISTS { SERVICE a:s { ?o :p 1 } }) LIMIT 3 VALUES ?s { :x }"
    )
    assert (query.form, query.prefixes, query.base) == (
        "SELECT", {"": "<x>", "a": "<http://a/>"}, "<http://b/>",
    )  # fmt: skip
    assert query.dataset == "FROM <http://g/> FROM NAMED a:g\n"
    assert query.text[query.body :].startswith("SELECT DISTINCT")
    select = query.select
    assert (select.projection, select.is_distinct, select.is_aggregated, select.is_cut) == (
        {"s": True, "n": False}, True, True, True,
    )  # fmt: skip
    assert select.values
    assert select.values.own == {"s"}
    (place,) = query.services
    assert place.way[-1].is_exists


@pytest.mark.parametrize(
    ("text", "projection"),
    [
        ("ASK { ?s :p ?o }", {}),
        ("ASK FROM <x:g> { ?s :p ?o }", {}),
        ("CONSTRUCT { ?s :p [] } WHERE { ?s :p ?o }", {}),
        ("CONSTRUCT WHERE { ?s :p ?o }", {}),
        ("DESCRIBE ?s WHERE { ?s :p ?o }", {}),
        ("DESCRIBE * { ?s :p ?o }", None),
        ("SELECT * { ?s :p ?o }", None),
        ("SELECT REDUCED ?s { ?s :p ?o }", {"s": True}),
    ],
)
def test_every_form_has_its_group(text: str, projection: dict[str, bool] | None) -> None:
    query = read_query(text)
    assert query.select.group
    assert query.select.group.visible() == {"s", "o"}
    assert query.select.projection == projection


def test_describe_may_have_no_group() -> None:
    query = read_query("DESCRIBE <x:a> FROM <x:g>")
    assert query.select.group is None
    assert query.dataset == "FROM <x:g>"
    assert not query.services


def test_services_are_found_wherever_they_stand() -> None:
    places = [
        "SERVICE <x:1> { ?a :p ?b }", "{ { SERVICE <x:2> {} } }", "OPTIONAL { SERVICE <x:3> {} }",
        "{} UNION { SERVICE <x:4> {} }", "GRAPH ?g { SERVICE <x:5> {} }", "MINUS { SERVICE <x:6> {} }",
        "FILTER EXISTS { SERVICE <x:7> {} }", "FILTER(1 = 2 || NOT EXISTS { SERVICE <x:8> {} })",
        "BIND(EXISTS { SERVICE <x:9> {} } AS ?x)", "{ SELECT * { SERVICE <x:10> {} } }",
        "{ SELECT (EXISTS { SERVICE <x:11> {} } AS ?z) {} ORDER BY EXISTS { SERVICE <x:12> {} } }",
        "LATERAL { SERVICE <x:13> {} }",
        "SERVICE <x:14> { SERVICE <x:nested> { FILTER EXISTS { SERVICE <x:deeper> {} } } }",
        "?x <SERVICE> 'SERVICE' . # SERVICE",
    ]  # fmt: skip
    query = read_query(f"SELECT ?service {{ {' '.join(places)}\n}}")
    found = [place.element.name.text for place in query.services if place.element.name]
    assert found == [f"<x:{number}>" for number in range(1, 15)]
    nested = [e.name.text for e in find_nested(query.services[-1].pattern) if e.name]
    assert nested == ["<x:nested>", "<x:deeper>"]


@pytest.mark.parametrize(
    "text",
    [
        "", "INSERT DATA {}", "SELECT * { ?s :p ?o", "SELECT * }", "SELECT * { ( } )", "SELECT * { OPTIONAL ?x }",
        "SELECT * { GRAPH { } }", "SELECT * { BIND ?x }", "SELECT * { VALUES ?x }", "SELECT * { FILTER ?x }",
        "SELECT * { SERVICE SILENT { } }", "SELECT (1) { }", "SELECT * { { SELECT * } }",
        "SELECT * { FILTER(1 = { }) }",
    ],
)  # fmt: skip
def test_what_is_no_query_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read_query(text)


@given(makers)
@settings(max_examples=150, deadline=None)
def test_visible_and_certain_are_what_the_engine_says(maker: Maker) -> None:
    text = f"{PREFIXES}SELECT * WHERE {{ {maker.pattern(2)} }}"
    try:
        solutions = read(maker.data()).query(text)
    except SyntaxError:
        return  # BIND or a subselect names what is bound already
    assert isinstance(solutions, ox.QuerySolutions)
    select = read_query(text).select
    assert {variable.value for variable in solutions.variables} == select.visible()
    sure = select.certain()
    for solution in solutions:
        assert all(solution[name] is not None for name in sure)
