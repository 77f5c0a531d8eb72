"""What a service is asked for, and what is put in the place of its clause."""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.dataset.interface import Term
from peninsula.federation.names import Naming
from peninsula.federation.parsing import read_query
from peninsula.federation.planning import Context, Fetch, Freeze, Plan
from peninsula.federation.questions import make_question
from peninsula.federation.writing import Parts, Unwritable, compose, write_table, write_term

S = "SERVICE <x:s> { ?x :q ?y }"


def plan(text: str) -> Fetch | Freeze | None:
    return Plan(read_query(text)).next()


def context_of(group: str, tail: str = "") -> tuple[tuple[str, ...], str] | None:
    """Return the variables that are sent, and the text of the context's group."""
    step = plan(f"SELECT * WHERE {{ {group} }}{tail}")
    assert isinstance(step, Fetch)
    if step.context is None:
        return None
    text = compose(step.context.parts)[0]
    return step.context.variables, " ".join(text.partition("WHERE")[2].split())


@pytest.mark.parametrize(
    ("group", "variables", "text"),
    [
        (f"?x :p ?z . {S}", "x", "{ ?x :p ?z . }"),
        (f"{S} ?x :p ?z", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?y . {S}", "x y", "{ ?x :p ?y . }"),
        (f"?z :p ?w . {S}", "", ""),
        # What has nothing to do with the clause would be a factor of its own.
        (f"?z :p ?w . ?a :p ?x . {S}", "x", "{ ?z :p ?w . ?a :p ?x . }"),
        (f"?z :p ?w FILTER(?z > 1) ?a :p ?x {S}", "x", "{ ?a :p ?x . }"),
        (f"?z :p ?w OPTIONAL {{ ?w :p ?x }} ?x :r 1 {S}", "x", "{ ?z :p ?w . OPTIONAL { ?w :p ?x } ?x :r 1 . }"),
        # FILTER: where all of its variables are certain.
        (f"?x :p ?z FILTER(?z > 1) {S}", "x", "{ ?x :p ?z . FILTER(?z > 1) }"),
        (f"?x :p ?z FILTER(?y > 1) {S}", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?z FILTER EXISTS {{ ?z :p 1 }} {S}", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?z FILTER(RAND() > 0.5) {S}", "x", "{ ?x :p ?z . }"),
        # OPTIONAL and BIND: where they and all before them stand before it.
        (f"?x :p ?z OPTIONAL {{ ?z :r ?y }} {S}", "x y", "{ ?x :p ?z . OPTIONAL { ?z :r ?y } }"),
        (f"?x :p ?z {S} OPTIONAL {{ ?z :r ?y }}", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?z BIND(STR(?z) AS ?y) {S}", "x y", "{ ?x :p ?z . BIND(STR(?z) AS ?y) }"),
        (f"?x :p ?z {S} BIND(1 AS ?w)", "x", "{ ?x :p ?z . }"),
        (f"{{ SERVICE <x:t> {{ ?v :r ?w }} }} ?x :p ?z OPTIONAL {{ ?z :r ?y }} {S}", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?z BIND(RAND() AS ?y) {S}", "x", "{ ?x :p ?z . }"),
        # MINUS: never.
        (f"?x :p ?z MINUS {{ ?x :r 1 }} {S}", "x", "{ ?x :p ?z . }"),
        (f"MINUS {{ ?x :r 1 }} {S}", "", ""),
        # What is joined, wherever it stands.
        (f"VALUES ?x {{ 1 2 }} {S}", "x", "{ VALUES ?x { 1 2 } }"),
        (f"{S} {{ ?x :p 1 }} UNION {{ ?y :p 1 }}", "x y", "{ { ?x :p 1 } UNION { ?y :p 1 } }"),
        (f"{S} GRAPH ?g {{ ?x :p 1 }}", "x", "{ GRAPH ?g { ?x :p 1 } }"),
        (f"{S} {{ SELECT ?x {{ ?x :p ?y }} }}", "x", "{ { SELECT ?x { ?x :p ?y } } }"),
        # Groups around it.
        (f"?x :p ?z {{ {S} }}", "x", "{ ?x :p ?z . { } }"),
        (f"?x :p ?z {{ ?y :r 1 . {S} }}", "x y", "{ ?x :p ?z . { ?y :r 1 . } }"),
        (f"?x :p ?z {{ {S} }} UNION {{ ?a ?b ?c }}", "x", "{ ?x :p ?z . }"),
        (f"{{ {{ {S} }} }} ?x :p ?z", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?z GRAPH <x:g> {{ ?y :r 1 . {S} }}", "x y", "{ ?x :p ?z . GRAPH <x:g> { ?y :r 1 . } }"),
        (f"?x :p ?z GRAPH ?y {{ {S} }}", "x y", "{ ?x :p ?z . GRAPH ?y { } }"),
        # OPTIONAL around it: what stands before it, and nothing farther out.
        (f"?x :p ?z OPTIONAL {{ {S} }}", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?z OPTIONAL {{ ?y :r 1 . {S} }}", "x y", "{ ?x :p ?z . { ?y :r 1 . } }"),
        (f"OPTIONAL {{ {S} }} ?x :p ?z", "", ""),
        (f"?x :p ?z OPTIONAL {{ {S} }} FILTER(?z > 1)", "x", "{ ?x :p ?z . FILTER(?z > 1) }"),
        (f"?x :p ?z FILTER(?y > 1) OPTIONAL {{ ?y :r 1 {S} }}", "x y", "{ ?x :p ?z . { ?y :r 1 . } }"),
        (f"?x :p ?z OPTIONAL {{ ?z :r 1 OPTIONAL {{ {S} }} }}", "", ""),
        (f"?x :p ?z OPTIONAL {{ ?y :r 1 OPTIONAL {{ {S} }} }}", "y", "{ ?y :r 1 . }"),
        (f"?x :p ?z OPTIONAL {{ {{ {S} }} }}", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?z MINUS {{ {S} }}", "x", "{ ?x :p ?z . }"),
        (f"?x :p ?z FILTER NOT EXISTS {{ {S} }}", "x", "{ ?x :p ?z . }"),
        (f"FILTER EXISTS {{ {S} }} ?x :p ?z", "x", "{ ?x :p ?z . }"),
        (f"FILTER EXISTS {{ ?x :r ?w OPTIONAL {{ ?w :r ?y }} {S} }} ?z :p ?z", "x", "{ { ?x :r ?w . } }"),
        (f"?x :p ?z BIND(EXISTS {{ {S} }} AS ?b)", "", ""),
        (f"?x :p ?z {{ SELECT ?x {{ {S} }} }}", "", ""),
        (f"?x :p ?z {{ SELECT ?x {{ ?y :r 1 . {S} }} }}", "y", "{ ?y :r 1 . }"),
        (f"{{ SELECT ?x {{ {S} }} VALUES ?x {{ 1 }} }}", "x", "{ VALUES ?x { 1 } }"),
        (f"{{ SELECT (COUNT(*) AS ?n) {{ {S} }} VALUES ?x {{ 1 }} }}", "", ""),
        # What the clause does not bind for certain is sent where its own group does so before it.
        ("?x :p ?z SERVICE <x:s> { OPTIONAL { ?x :q ?y } }", "x", "{ ?x :p ?z . }"),
        ("SERVICE <x:s> { OPTIONAL { ?x :q ?y } } ?x :p ?z", "", ""),
        ("?x :p ?z SERVICE <x:s> { ?y :q ?w FILTER(?x = ?w) }", "", ""),
    ],
)  # fmt: skip
def test_what_restricts_a_clause(group: str, variables: str, text: str) -> None:
    found = context_of(group)
    assert found is None if not variables else found is not None
    if found:
        assert " ".join(found[0]) == variables
        assert found[1].replace("{ } ", "").replace(" { }", "") == text.replace(" { }", "")


def test_the_values_at_the_end_restrict_it() -> None:
    assert context_of(S, " VALUES ?x { 1 2 }") == (("x",), "{ VALUES ?x { 1 2 } }")


def test_a_given_value_restricts_it() -> None:
    query = read_query(f"SELECT ?x ?y {{ ?x :p ?z {S} }}")
    step = Plan(query, {"y": ox.Literal("a"), "z": ox.Literal("b")}).next()
    assert isinstance(step, Fetch)
    assert isinstance(step.context, Context)
    assert step.context.variables == ("x", "y")
    assert 'VALUES ?y { "a" }' in compose(step.context.parts)[0]


def test_what_changes_is_asked_once_and_then_known() -> None:
    text = f"SELECT * {{ {{ SELECT ?x {{ ?x :p ?z }} LIMIT 2 }} OPTIONAL {{ ?x :r ?w }} {S} }}"
    planned = Plan(read_query(text))
    step = planned.next()
    assert isinstance(step, Freeze)
    assert step.variables == ("x",)
    assert "SELECT ?x\n\nWHERE { { SELECT ?x { ?x :p ?z } LIMIT 2 } }" in compose(step.parts)[0]
    planned.replace_by_table(step.element, ("x",), [(ox.NamedNode("x:a"),)])
    step = planned.next()
    assert isinstance(step, Fetch)
    assert step.context
    skeleton, rows = compose(step.context.parts)
    assert "LIMIT" not in skeleton
    assert [text for _, text in rows] == ["(<x:a>)"]
    assert "OPTIONAL" in skeleton


def test_what_changes_in_each_graph_is_left_out() -> None:
    group = f"GRAPH ?g {{ {{ SELECT ?x {{ ?x :p ?z }} LIMIT 2 }} {S} }} ?y :r 1"
    assert context_of(group) == (("y",), "{ { } ?y :r 1 . }") or context_of(group) == (
        ("y",),
        "{ ?y :r 1 . }",
    )


def test_the_clause_that_is_restricted_comes_first_and_restricts_the_others() -> None:
    text = (
        "SELECT * { SERVICE <x:a> { ?y :q ?z } SERVICE <x:b> { ?x :q ?y } ?x :p 1 "
        "SERVICE <x:c> { ?v :q ?w } }"
    )
    planned = Plan(read_query(text))
    asked = []
    while isinstance(step := planned.next(), Fetch):
        assert step.place.element.name
        asked.append((step.place.element.name.text, step.context and step.context.variables))
        names = sorted(step.place.pattern.visible())
        planned.replace_by_table(step.place.element, names, [(ox.Literal(1), ox.Literal(2))])
    assert asked == [("<x:b>", ("x",)), ("<x:a>", ("y",)), ("<x:c>", None)]
    skeleton, rows = compose(planned.write())
    assert "SERVICE" not in skeleton
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("pattern", "names", "expected"),
    [
        ("?x :q ?y", "x", "VALUES (?x) { (1) }\n?x :q ?y"),
        ("?x :q ?y OPTIONAL { ?y :q ?z }", "x", "VALUES (?x) { (1) }\n?x :q ?y OPTIONAL { ?y :q ?z }"),
        ("OPTIONAL { ?x :q ?y }", "x", "VALUES (?x) { (1) }\n{ SELECT ?x ?y WHERE {\nOPTIONAL { ?x :q ?y }\n} }"),
        ("?y :q 1 OPTIONAL { ?x :q ?y }", "x", "VALUES (?x) { (1) }\n{ SELECT ?x ?y WHERE {\n?y :q 1 OPTIONAL { ?x :q ?y }\n} }"),
        ("{ ?x :q 1 } UNION { ?x :q ?y }", "x", "VALUES (?x) { (1) }\n{ ?x :q 1 } UNION { ?x :q ?y }"),
        ("?z :q 1 OPTIONAL { ?z :q 2 } MINUS { ?z :q 3 } BIND(2 AS ?v) ?x :q ?y OPTIONAL { ?x :q 4 }", "x",
         "VALUES (?x) { (1) }\n?z :q 1 OPTIONAL { ?z :q 2 } MINUS { ?z :q 3 } BIND(2 AS ?v) ?x :q ?y OPTIONAL { ?x :q 4 }"),
        ("BIND(?x AS ?v) ?x :q ?y", "x",
         "VALUES (?x) { (1) }\n{ SELECT ?v ?x ?y WHERE {\nBIND(?x AS ?v) ?x :q ?y\n} }"),
        ("SELECT ?x { ?x :q ?y }", "x", "SELECT ?x {\nVALUES (?x) { (1) }\n ?x :q ?y }"),
        ("SELECT ?x { ?x :q ?y } ORDER BY ?y", "x",
         "SELECT ?x {\nVALUES (?x) { (1) }\n ?x :q ?y } ORDER BY ?y"),
        ("SELECT ?x { ?x :q ?y } LIMIT 2", "x", "VALUES (?x) { (1) }\n{SELECT ?x { ?x :q ?y } LIMIT 2\n}"),
        ("SELECT ?x (COUNT(*) AS ?n) { ?x :q ?y } GROUP BY ?x HAVING (COUNT(*) > 1)", "x",
         "SELECT ?x (COUNT(*) AS ?n) {\nVALUES (?x) { (1) }\n ?x :q ?y } GROUP BY ?x HAVING (COUNT(*) > 1)"),
        ("SELECT (?z AS ?x) { ?z :q ?y }", "x", "VALUES (?x) { (1) }\n{SELECT (?z AS ?x) { ?z :q ?y }\n}"),
        ("SELECT (SAMPLE(?z) AS ?x) { ?z :q ?y } GROUP BY ?y", "x",
         "VALUES (?x) { (1) }\n{SELECT (SAMPLE(?z) AS ?x) { ?z :q ?y } GROUP BY ?y\n}"),
        ("?x :q ?y # }", "x", "VALUES (?x) { (1) }\n?x :q ?y # }"),
    ],
)  # fmt: skip
def test_where_bindings_stand(pattern: str, names: str, expected: str) -> None:
    query = read_query(f"SELECT * {{ SERVICE <x:s> {{{pattern}\n}} }}")
    question = make_question(query, query.services[0], Naming(query, {}))
    text = question.write(10, names.split(), [[ox.Literal(1)]])
    text = text.replace('"1"^^<http://www.w3.org/2001/XMLSchema#integer>', "1")
    assert text.partition("WHERE {\n")[2] == f"{expected}\n}}\nLIMIT 10\n"


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ("SELECT * { ?x :p 1 SERVICE <x:s> { ?x :q ?y . ?y :r ?z } }", "?x ?y ?z"),
        ("SELECT ?z { ?x :p 1 SERVICE <x:s> { ?x :q ?y . ?y :r ?z } }", "?x ?z"),
        ("SELECT DISTINCT ?z { ?x :p 1 SERVICE <x:s> { ?x :q ?y . ?y :r ?z } }", "DISTINCT ?x ?z"),
        ("SELECT DISTINCT ?z { ?x :p 1 SERVICE <x:s> { ?x :q ?z } } LIMIT 3", "DISTINCT ?x ?z"),
        ("SELECT DISTINCT ?n { { SELECT (COUNT(*) AS ?n) { SERVICE <x:s> { ?x :q ?z } } } }", "(1 AS ?peninsula_one)"),
        ("SELECT DISTINCT ?x { { SELECT ?x { SERVICE <x:s> { ?x :q ?z } } LIMIT 2 } }", "?x"),
        ("SELECT ?x { ?x :p 1 MINUS { SERVICE <x:s> { ?x :q ?y } } }", "DISTINCT ?x"),
        ("SELECT * { ?x :p 1 FILTER EXISTS { SERVICE <x:s> { ?x :q ?y } } }", "DISTINCT ?x"),
        ("ASK { SERVICE <x:s> { ?x :q ?y } }", "DISTINCT (1 AS ?peninsula_one)"),
        ("SELECT (COUNT(*) AS ?n) { SERVICE <x:s> { ?x :q ?y } }", "(1 AS ?peninsula_one)"),
        ("SELECT DISTINCT ?x (RAND() AS ?r) { SERVICE <x:s> { ?x :q ?y } }", "?x"),
        ("SELECT ?x ?xLabel ?yAltLabel ?zLabel { SERVICE <x:s> { ?x :q ?y SERVICE wikibase:label { } } }", "?x ?xLabel ?yAltLabel"),
        ("SELECT ?x ?xLabel { SERVICE <x:s> { ?x :q ?y } }", "?x"),
        ("SELECT ?y { ?x :p 1 { SELECT * { SERVICE <x:s> { ?x :q ?y . ?y :r ?z } } } }", "?x ?y ?z"),
    ],
)  # fmt: skip
def test_only_what_is_needed_is_selected(query: str, selected: str) -> None:
    parsed = read_query(query)
    question = make_question(parsed, parsed.services[0], Naming(parsed, {}))
    assert question.write(9).partition("SELECT ")[2].partition(" WHERE")[0] == selected


def test_a_question_declares_the_prefixes_it_uses() -> None:
    query = read_query(
        "BASE <http://b/c/> PREFIX a: <http://a/> PREFIX r: <rel#> PREFIX unused: <http://u/>\n"
        "SELECT * { SERVICE <s> { ?x a:p r:q , k:l ; <rel> _:b , 'a:b'@en . } }"
    )
    naming = Naming(query, {"k": "http://k/"})
    text = make_question(query, query.services[0], naming).write(9)
    assert re.findall(r"(?m)^(?:PREFIX|BASE).*", text) == [
        "BASE <http://b/c/>", "PREFIX a: <http://a/>", "PREFIX k: <http://k/>",
        "PREFIX r: <http://b/c/rel#>",
    ]  # fmt: skip
    assert naming.read(query.services[0].element) == "http://b/c/s"


@pytest.mark.parametrize(
    ("name", "iri"),
    [
        ("<http://x/\\u0061>", "http://x/a"), ("a:b\\-c", "http://a/b-c"), (":d", "http://d/d"),
        ("?v", None), ("<rel>", "http://base/rel"),
    ],
)  # fmt: skip
def test_the_name_of_a_service(name: str, iri: str | None) -> None:
    query = read_query(f"PREFIX : <http://d/> SELECT * {{ SERVICE {name} {{ }} }}")
    element = query.services[0].element
    assert Naming(query, {"a": "http://a/"}, "http://base/x").read(element) == iri


# Terms and tables.


def solutions_of(parts: Parts) -> list[tuple[str | None, ...]]:
    skeleton, rows = compose(["SELECT * { ", *parts, " }"])
    position, text = rows[0] if rows else (0, "")
    found = ox.Store().query(skeleton[:position] + text + skeleton[position:])
    assert isinstance(found, ox.QuerySolutions)
    return [tuple(None if term is None else str(term) for term in row) for row in found]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', "\\", "\\u0041", '"""', "} SERVICE <http://evil/> {", "\n", "\0", "\\\\"]
)
iris = st.text("abc/?:;é한@&=+$,!'()*~-_.", max_size=10).map("urn:x:{}".format)
literals = st.one_of(
    texts.map(ox.Literal),
    texts.map(lambda text: ox.Literal(text, language="ko-kr")),
    st.builds(lambda text, iri: ox.Literal(text, datatype=ox.NamedNode(iri)), texts, iris),
)
terms = st.one_of(
    iris.map(ox.NamedNode),
    literals,
    st.builds(
        lambda text, literal: ox.Triple(ox.NamedNode(text), ox.NamedNode("urn:p"), literal),
        iris,
        literals,
    ),
)


@given(st.lists(st.tuples(terms | st.none(), terms), max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_table_has_exactly_its_rows(rows: list[tuple[ox.NamedNode | None, ox.NamedNode]]) -> None:
    found = solutions_of(write_table(("a", "b"), rows))
    expected = [tuple(None if t is None else str(t) for t in row) for row in rows]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_blank_nodes_stay_the_same_ones() -> None:
    one, two, name = ox.BlankNode("one"), ox.BlankNode("two"), ox.NamedNode("x:n")
    rows: list[tuple[Term | None, ...]] = [(one, name), (two, one), (None, None), (name, one)]
    found = solutions_of(write_table(("label0", "z"), rows))
    assert sorted(found, key=str) == sorted(
        [("_:one", "<x:n>"), ("_:two", "_:one"), (None, None), ("<x:n>", "_:one")], key=str
    )


def test_a_table_without_variables_counts() -> None:
    assert len(solutions_of(write_table((), [(), (), ()]))) == 3
    assert solutions_of(write_table((), [])) == []
    assert solutions_of(write_table(("a",), [])) == []


@pytest.mark.parametrize("value", ["x:a> } #", "x:a b", "x:\n", "x:\\", 'x:"', ""])
def test_no_iri_ends_early(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Node:
        """What the engine itself would not make."""

        def __init__(self) -> None:
            self.value = value

    monkeypatch.setattr(ox, "NamedNode", Node)
    with pytest.raises(Unwritable):
        write_term(Node())  # type: ignore[arg-type]


def test_a_blank_node_in_a_triple_cannot_be_written() -> None:
    triple = ox.Triple(ox.BlankNode("a"), ox.NamedNode("x:p"), ox.Literal(1))
    with pytest.raises(Unwritable):
        write_table(("a",), [(triple,)])
