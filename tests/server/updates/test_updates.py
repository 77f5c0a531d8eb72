"""A SPARQL Update gives the dataset that the engine's own update gives, and an exact delta."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peninsula.errors import (
    ProtocolError,
    QueryError,
    QueryForbidden,
    QuerySyntaxError,
)

from .exactness import check_exact, check_same, content, copy_of, store_of, update

XSD: Final = "http://www.w3.org/2001/XMLSchema#"
G = ox.NamedNode("a:g")


# Random datasets and requests.

iris = st.sampled_from(["<a:1>", "<a:2>", "<a:3>"])
predicates = st.sampled_from(["<a:p>", "<a:q>"])
literals = st.sampled_from(["'x'", "1", "01", "1.50", "'x'@EN", f"'01'^^<{XSD}byte>", "true"])
graph_names = st.sampled_from(["<a:g>", "<a:h>", "<a:k>"])
#: In the text “#” becomes the number of the operation: labels are not shared between them.
blanks = st.sampled_from(["_:x#", "_:y#"])
variables = st.sampled_from(["?s", "?p", "?o", "$s", "?g"])

rows = st.builds(
    lambda *parts: " ".join(parts),
    st.one_of(iris, st.sampled_from(["_:b1", "_:b2"])),
    predicates,
    st.one_of(iris, st.sampled_from(["_:b1", "_:b2", '"x"', f'"1"^^<{XSD}integer>'])),
    st.one_of(st.just(""), graph_names),
)


def with_empty(rows: list[str], graphs: list[str]) -> ox.Store:
    store = store_of(*rows)
    for graph in graphs:
        store.add_graph(ox.NamedNode(graph[1:-1]))
    return store


stores = st.builds(with_empty, st.lists(rows, max_size=10), st.lists(graph_names, max_size=2))


def triples(subject: Any, predicate: Any, object: Any) -> st.SearchStrategy[str]:
    return st.builds("{} {} {}".format, subject, predicate, object)


def quads(triple: st.SearchStrategy[str], graph: Any, least: int = 0) -> st.SearchStrategy[str]:
    part = st.one_of(triple, st.builds("GRAPH {} {{ {} }}".format, graph, triple))
    return st.lists(part, min_size=least, max_size=3).map(" . ".join).map(_undot)


def _undot(text: str) -> str:
    return text.replace("} .", "}").replace(". GRAPH", "GRAPH")


ground_quads = quads(triples(iris, predicates, st.one_of(iris, literals)), graph_names)
data_quads = quads(
    triples(
        st.one_of(iris, blanks),
        predicates,
        st.one_of(iris, literals, blanks, st.just("<<( <a:1> <a:p> 01 )>>")),
    ),
    graph_names,
)
delete_template = quads(
    triples(
        st.one_of(iris, variables),
        st.one_of(predicates, variables),
        st.one_of(iris, literals, variables, st.just("<<( ?s <a:p> ?o )>>")),
    ),
    st.one_of(graph_names, st.just("?g")),
)
insert_template = quads(
    triples(
        st.one_of(iris, variables, blanks, st.just("[]")),
        st.one_of(predicates, variables),
        st.one_of(
            iris, literals, variables, blanks,
            st.sampled_from(["(1 ?o)", "[ <a:p> ?o ]", "<<( ?s ?p <<( ?s ?p ?o )>> )>>", "?o {| ?p ?s |}", "?o ~ ?s"]),
        ),
    ),
    st.one_of(graph_names, st.just("?g")),
)  # fmt: skip
patterns = st.lists(
    st.sampled_from(
        [
            "?s ?p ?o .",
            "?s <a:p> ?o .",
            "GRAPH ?g { ?s ?p ?o }",
            "GRAPH <a:g> { ?s ?p ?o }",
            "OPTIONAL { GRAPH ?g { ?s <a:q> ?o } }",
            "{ ?s <a:p> ?o } UNION { GRAPH ?g { ?o <a:q> ?s } }",
            "VALUES (?s ?o) { (<a:1> 01) (UNDEF 'x') (<a:2> UNDEF) }",
            "BIND(<a:k> AS ?g)",
            f"BIND(STRDT('007', <{XSD}integer>) AS ?n)",
            "FILTER(isIRI(?s))",
            "FILTER NOT EXISTS { ?s <a:q> ?z }",
            "{ SELECT ?s (COUNT(*) AS ?o) { ?s ?p ?z } GROUP BY ?s }",
            "?s <a:p>/<a:q>? ?o .",
            "_:w ?p ?o .",
        ]
    ),
    max_size=2,
    unique=True,
).map(" ".join)
quad_patterns = quads(
    triples(st.one_of(iris, variables), st.one_of(predicates, variables), st.one_of(iris, literals, variables)),
    st.one_of(graph_names, st.just("?g")),
)  # fmt: skip
usings = st.lists(st.builds("USING {}{} ".format, st.sampled_from(["", "NAMED "]), graph_names), max_size=2)  # fmt: skip
modifies = st.builds(
    lambda with_graph, delete, insert, using, where: (
        f"{with_graph}{delete}{insert or ('' if delete else 'INSERT {} ')}{using}WHERE {{ {where} }}"
    ),
    st.one_of(st.just(""), st.builds("WITH {} ".format, graph_names)),
    st.one_of(st.just(""), st.builds("DELETE {{ {} }} ".format, delete_template)),
    st.one_of(st.just(""), st.builds("INSERT {{ {} }} ".format, insert_template)),
    usings.map("".join),
    patterns,
)
silents = st.sampled_from(["", "SILENT "])
targets = st.one_of(
    graph_names.map("GRAPH {}".format), st.sampled_from(["DEFAULT", "NAMED", "ALL"])
)
ends = st.one_of(st.just("DEFAULT"), graph_names, graph_names.map("GRAPH {}".format))
operations = st.one_of(
    st.builds("INSERT DATA {{ {} }}".format, data_quads),
    st.builds("DELETE DATA {{ {} }}".format, ground_quads),
    st.builds("DELETE WHERE {{ {} }}".format, quad_patterns),
    modifies,
    modifies,
    st.builds("{} {}{}".format, st.sampled_from(["CLEAR", "DROP"]), silents, targets),
    st.builds("CREATE {}GRAPH {}".format, silents, graph_names),
    st.builds("{} {}{} TO {}".format, st.sampled_from(["COPY", "MOVE", "ADD"]), silents, ends, ends),
)  # fmt: skip
requests = st.lists(operations, min_size=1, max_size=4).map(
    lambda parts: " ;\n".join(part.replace("#", str(n)) for n, part in enumerate(parts))
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(stores, requests)
def test_a_request_does_what_the_engine_does(before: ox.Store, text: str) -> None:
    check_same(before, text)


named_rows = st.builds(
    lambda *parts: " ".join(parts), iris, predicates, st.one_of(iris, st.just('"x"')), graph_names
)
named_stores = st.lists(named_rows, max_size=10).map(lambda rows: store_of(*rows))
#: Without WITH and USING, which would overrule what the test gives.
plain_modifies = st.builds(
    "{}INSERT {{ {} }} WHERE {{ {} }}".format,
    st.one_of(st.just(""), st.builds("DELETE {{ {} }} ".format, delete_template)),
    insert_template,
    patterns,
).map(lambda text: text.replace("#", "0"))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(named_stores, plain_modifies)
def test_a_where_over_the_union_sees_all_graphs(before: ox.Store, text: str) -> None:
    every = "USING <a:g> USING <a:h> USING <a:k> USING NAMED <a:g> USING NAMED <a:h> USING NAMED <a:k> WHERE"
    check_same(before, text, engine_text=text.replace("WHERE", every), is_union=True)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    stores,
    plain_modifies,
    st.lists(st.sampled_from(["a:g", "a:h"]), unique=True),
    st.lists(st.sampled_from(["a:g", "a:k"]), unique=True),
)
def test_the_dataset_of_the_request_is_that_of_using(
    before: ox.Store, text: str, default: list[str], named: list[str]
) -> None:
    using = "".join(f"USING <{g}> " for g in default) + "".join(
        f"USING NAMED <{g}> " for g in named
    )
    engine_text = text.replace("WHERE", f"{using}WHERE")
    check_same(
        before,
        text,
        engine_text=engine_text,
        using_graphs=default,
        using_named_graphs=named,
    )


START: Final = (
    "<a:s> <a:p> _:b",
    "_:b <a:p> <<( <a:s> <a:p> _:b )>>",
    '<a:s> <a:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> <a:g>',
    "<a:s> <a:q> <a:s> <a:g>",
    "<a:s> <a:q> <a:o> <a:h>",
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but a comment",
        "PREFIX a: <http://a/>",
        "INSERT DATA {} ;",
        "INSERT DATA { <a:s> <a:p> 1 , 01 , '01'^^<http://www.w3.org/2001/XMLSchema#integer> }",
        'PREFIX : <a:> BASE <http://a/b/> INSERT DATA { :s <c> <#d>, \'} ;\', """x"}\n""", \'it\\\'s\' # }\n }',
        "INSERT DATA { <a:s> <a:p> [ <a:q> (1 [] ) ] . GRAPH <a:n> { <a:s> <a:p> 1 {| <a:q> 2 |} } }",
        "INSERT DATA { <<<a:s> <a:p> 1 ~ <a:r>>> <a:q> <<( <a:s> <a:p> <<( <a:s> <a:p> 01 )>> )>> }",
        "INSERT DATA { <a:\\u0041> <a:p> 'x\\u0022\\u007D' }",
        "INSERT DATA { <a:x'> <a:p> <a:#')> } ; DELETE DATA { <a:x'> <a:p> <a:#')> }",
        "PREFIX a: <a:> INSERT DATA { a:it\\'s a:p a:a\\#b\\( . a:s a:p ''' ''}' ''' }",
        "INSERT { GRAPH <a:n> {} } WHERE {}",
        "INSERT { <a:x> <a:y> _:b } WHERE { ?s ?p ?o }",
        "INSERT { <a:x> <a:y> <a:z> } WHERE { ?s <a:none> ?o }",
        "INSERT { <a:x> <a:y> [] } WHERE {}",
        "DELETE { ?s ?p ?o } INSERT { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "DELETE { ?s ?p ?o } INSERT { ?o ?p ?s } WHERE { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }",
        "INSERT { 1 ?p 2 . ?o ?p 3 . ?s ?o 4 . ?s ?p ?none . GRAPH ?none { ?s ?p 5 } GRAPH ?o { ?s ?p 6 } } WHERE { ?s ?p ?o }",
        "INSERT { ?s ?p <<( ?o ?p ?s )>> . ?s ?p <<( ?none ?p ?s )>> } WHERE { GRAPH <a:g> { ?s ?p ?o } }",
        "INSERT { GRAPH ?b { <a:s> ?p ?b } } WHERE { ?s ?p ?o BIND(BNODE() AS ?b) }",
        "INSERT { <a:s> <a:p> ?a } WHERE { FILTER(1<2) BIND(1 AS ?a) FILTER(?a<2) }",
        "INSERT { $s$p$o } WHERE { ?s?p$o }",
        "INSERT { ?s <a:p> ?안녕 , ?é } WHERE { ?s <a:q> ?안녕 . BIND(?s AS ?é) }",
        "with<a:g>delete{?s?p?o}insert{?s?p?s}using<a:h>where{?s?p?o}",
        "DELETE WHERE { ?s ?p _:b }",
        "DELETE WHERE { GRAPH ?g { ?s ?p ?o } } ; CREATE GRAPH <a:n> ; DROP GRAPH <a:g>",
        "DROP ALL ; INSERT DATA { <a:s> <a:p> 1 } ; MOVE DEFAULT TO <a:z>",
        "CREATE GRAPH <a:g>",
        "INSERT DATA { <a:s> <a:p> 9 } ; DROP GRAPH <a:none>",
        "COPY <a:none> TO <a:g>",
        "MOVE <a:none> TO <a:g>",
        "MOVE SILENT <a:none> TO <a:g>",
        "ADD SILENT DEFAULT TO GRAPH <a:g> ; COPY <a:g> TO <a:g>",
    ],
)
def test_a_certain_request_does_what_the_engine_does(text: str) -> None:
    check_same(store_of(*START), text)


def test_a_prologue_may_stand_after_a_semicolon() -> None:
    """The standard has it so; the engine's own update refuses it."""
    store = ox.Store()
    update(
        store,
        "PREFIX : <a:> INSERT DATA { :s :p 1 } ;\n"
        "BASE <http://b/c> PREFIX : <d#> PREFIX x: <e> INSERT DATA { :s :p x: } ; INSERT DATA { <> :p 2 }",
    )
    assert (
        content(store)[0]
        == content(
            store_of(
                f'<a:s> <a:p> "1"^^<{XSD}integer>',
                "<http://b/d#s> <http://b/d#p> <http://b/e>",
                f'<http://b/c> <http://b/d#p> "2"^^<{XSD}integer>',
            )
        )[0]
    )


def test_given_prefixes_and_base_hold_until_the_text_says_otherwise() -> None:
    store = ox.Store()
    options = {"base": "http://a/", "prefixes": {"x": "http://x/", "": "http://e/"}}
    update(
        store, "INSERT DATA { <s> x:p :o } ; PREFIX x: <y#> INSERT DATA { <s> x:p :o }", **options
    )
    assert {quad.predicate.value for quad in store} == {"http://x/p", "http://a/y#p"}
    assert {quad.subject.value for quad in store} == {"http://a/s"}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("INSERT DATA {\n <a:s> <a:p> 1 .\n <a:s> <a:p> ?x }", 3, 18, "no variables"),
        ("CLEAR ALL ;\nPREFIX a: <a:>\nINSERT DATA { a:s b:p 1 }", 3, 19, "“b:”"),
        ("CLEAR ALL ;\n\nCLEAR ALL ;\n  PREFIX a: <a:> INSERT { a:s a:p / } WHERE {}", 4, 35, "“/”"),
        ("CLEAR ALL ;\nPREFIX a <a:>\nCLEAR ALL", 2, 8, "SPARQL"),
        ("PREFIX", 1, 7, "SPARQL"),
        ("INSRT DATA {}", 1, 1, "Did you mean INSERT?"),
        ("INSERT DATA { <a:s> <a:p> 1", 1, 13, "never closed"),
        ("DELETE WHERE { ?s ?p [] }", 1, 26, "no blank nodes"),
        ("CLEAR ALL CLEAR ALL", 1, 15, "SPARQL"),
        ("PREFIX a: <a:> ; CLEAR ALL", 1, 22, "CREATE"),
        ("INSERT DATA { <s> <a:p> 1 }", 1, 15, "not absolute"),
    ],
)  # fmt: skip
def test_a_syntax_error_has_its_place_and_nothing_changes(
    text: str, line: int, column: int, words: str
) -> None:
    store = store_of(*START)
    with pytest.raises(QuerySyntaxError, match=words) as caught:
        update(store, text)
    assert caught.value.line == line
    assert abs(caught.value.column - column) <= 1
    assert content(store) == content(store_of(*START))


def test_a_mistake_in_megabytes_has_its_place() -> None:
    rows = "<http://example.org/s> <http://example.org/p> 'value' .\n"
    text = (
        "INSERT DATA {\n" + rows * 20_000 + "<http://example.org/s> oops .\n" + rows * 20_000 + "}"
    )
    with pytest.raises(QuerySyntaxError) as caught:
        update(ox.Store(), text)
    assert caught.value.line == 20_002


def test_blank_nodes_shared_by_data_blocks_are_refused() -> None:
    with pytest.raises(QuerySyntaxError, match="_:x"):
        update(ox.Store(), "INSERT DATA { _:x <a:p> 1 } ; INSERT DATA { _:x <a:p> 2 }")


def test_what_fails_late_undoes_what_went_before() -> None:
    store = store_of(*START)
    before = copy_of(store)
    with pytest.raises(QueryError, match=r"There is no graph <a:none>"):
        update(
            store,
            "INSERT DATA { GRAPH <a:n> { <a:s> <a:p> _:x } } ; DROP GRAPH <a:g> ; CREATE GRAPH <a:m> ;"
            "DELETE WHERE { ?s ?p ?o } ; INSERT DATA { <a:s> <a:p> 7 } ; CLEAR GRAPH <a:none>",
        )
    assert content(store) == content(before)


def test_a_change_and_its_opposite_are_no_change() -> None:
    store = store_of(*START)
    text = "INSERT DATA { GRAPH <a:n> { <a:s> <a:p> 1 } } ; DROP GRAPH <a:n> ; DELETE WHERE { GRAPH <a:h> { ?s ?p ?o } } ; INSERT DATA { GRAPH <a:h> { <a:s> <a:q> <a:o> } }"
    assert update(store, text).is_empty
    assert content(store) == content(store_of(*START))


@pytest.mark.parametrize(
    "clause", ["WITH <a:g> DELETE {} WHERE {}", "DELETE {} USING <a:g> WHERE {}"]
)
@pytest.mark.parametrize("option", ["using_graphs", "using_named_graphs"])
def test_a_dataset_named_twice_is_refused(clause: str, option: str) -> None:
    store = store_of(*START)
    with pytest.raises(ProtocolError, match="using-graph-uri") as caught:
        update(store, f"DELETE WHERE {{ ?s ?p ?o }} ; {clause}", **{option: ["a:g"]})
    assert caught.value.status == 400
    assert content(store) == content(store_of(*START))


# Keeping to one graph.


def test_what_names_no_graph_is_meant_of_the_one_graph() -> None:
    store = store_of(*START)
    delta = update(
        store,
        "INSERT DATA { <a:s> <a:p> 2 } ; DELETE { ?s <a:q> ?o } INSERT { ?s <a:r> ?o } WHERE { ?s <a:q> ?o } ;"
        "DELETE DATA { <a:s> <a:p> 1 }",
        only_graph="a:g",
    )
    assert delta.graphs() == {G}
    assert {str(quad.triple) for quad in store.quads_for_pattern(None, None, None, G)} == {
        f'<a:s> <a:p> "2"^^<{XSD}integer>',
        "<a:s> <a:r> <a:s>",
    }


@pytest.mark.parametrize(
    "text",
    [
        "INSERT DATA { <a:s> <a:p> 2 . GRAPH <a:h> { <a:s> <a:p> 2 } }",
        "DELETE WHERE { GRAPH ?g { ?s ?p ?o } }",
        "CREATE GRAPH <a:n>",
        "DROP ALL",
        "WITH <a:h> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "MOVE DEFAULT TO <a:n>",
    ],
)
def test_what_changes_another_graph_is_refused(text: str) -> None:
    store = store_of(*START)
    with pytest.raises(QueryForbidden, match="was sent to <a:g>"):
        update(store, f"INSERT DATA {{ <a:s> <a:p> 3 }} ; {text}", only_graph="a:g")
    assert content(store) == content(store_of(*START))


# LOAD.


def documents(iri: str) -> Iterator[ox.Quad]:
    if iri == "http://a/doc":
        text = "<a:s> <a:p> _:b . _:b <a:p> 01 ."
        yield from ox.parse(text, format=ox.RdfFormat.TURTLE, rename_blank_nodes=False)
    elif iri == "http://a/quads":
        yield from ox.parse("<a:s> <a:p> <a:o> <a:g> .", format=ox.RdfFormat.N_QUADS)
    else:
        yield ox.Quad(ox.NamedNode("a:s"), ox.NamedNode("a:p"), ox.NamedNode("a:o"))
        raise OSError(f"nothing at {iri}")


def test_load_adds_a_document_with_blank_nodes_of_its_own() -> None:
    store = store_of(*START)
    before = copy_of(store)
    text = "BASE <http://a/> LOAD <doc> ; LOAD <doc> INTO GRAPH <a:n> ; LOAD SILENT <quads>"
    delta = update(store, text, load=documents)
    check_exact(before, store, delta)
    assert delta.created == {ox.NamedNode("a:n")}
    assert len(delta.added) == 5
    assert ox.BlankNode("b") not in {quad.subject for quad in delta.added}
    assert {quad.object.value for quad in delta.added if isinstance(quad.object, ox.Literal)} == {
        "1"
    }


def test_load_that_fails_changes_nothing_and_silent_says_nothing() -> None:
    store = store_of(*START)
    with pytest.raises(QueryError, match="nothing at http://a/none"):
        update(store, "INSERT DATA { <a:x> <a:y> 1 } ; LOAD <http://a/none>", load=documents)
    with pytest.raises(QueryError, match="takes triples"):
        update(store, "LOAD <http://a/quads> INTO GRAPH <a:n>", load=documents)
    assert update(store, "LOAD SILENT <http://a/none>", load=documents).is_empty
    assert content(store) == content(store_of(*START))


def test_load_is_refused_where_there_is_nothing_to_load_with() -> None:
    store = ox.Store()
    with pytest.raises(QueryForbidden, match="LOAD <http://a/doc> is not allowed"):
        update(store, "INSERT DATA { <a:x> <a:y> 1 } ; LOAD <http://a/doc>")
    assert update(store, "LOAD SILENT <http://a/doc>").is_empty
    assert not store


# Speed; generous, because other things run on the machine that tests.


def test_megabytes_of_data_take_seconds() -> None:
    rows = "".join(
        f"<http://example.org/thing/{n}> <http://example.org/p> 'it is {{number}} {n}' , {n} .\n"
        for n in range(50_000)
    )
    store = ox.Store()
    begin = time.perf_counter()
    delta = update(store, f"INSERT DATA {{ GRAPH <a:g> {{\n{rows} }} }}")
    assert time.perf_counter() - begin < 10
    assert len(delta.added) == 100_000
    begin = time.perf_counter()
    delta = update(store, "DELETE { GRAPH ?g { ?s ?p ?o } } INSERT { GRAPH ?g { ?o0 ?p ?s } } WHERE { GRAPH ?g { ?s ?p ?o } BIND(IRI(CONCAT('a:', STR(?s))) AS ?o0) }")  # fmt: skip
    assert time.perf_counter() - begin < 15
    assert (len(delta.removed), len(delta.added)) == (100_000, 50_000)
