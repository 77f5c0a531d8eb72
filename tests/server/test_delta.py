"""A delta is net, exact and reversible, and RDF Patch keeps it to the letter."""

from __future__ import annotations

import io
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peninsula.dataset.delta import (
    Delta,
    apply,
    as_stored,
    diff,
    keep_to,
    net_delta,
    read_patch,
    write_patch,
)
from peninsula.errors import InvalidUpload, QueryForbidden

XSD = "http://www.w3.org/2001/XMLSchema#"
S, P, OBJECT = ox.NamedNode("a:s"), ox.NamedNode("a:p"), ox.NamedNode("a:o")
GRAPHS: list[ox.NamedNode | ox.BlankNode] = [
    ox.NamedNode("a:g"),
    ox.NamedNode("a:h"),
    ox.BlankNode("g"),
]
B = ox.BlankNode("b")
INTEGER = ox.NamedNode(f"{XSD}integer")

graphs = st.sampled_from([ox.DefaultGraph(), *GRAPHS])
nodes = st.sampled_from([S, OBJECT, B, ox.BlankNode("f00")])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
objects = st.one_of(
    nodes,
    texts.map(ox.Literal),
    st.builds(lambda text: ox.Literal(text, language="ko"), texts),
    st.sampled_from(["1", "01", "x"]).map(lambda text: ox.Literal(text, datatype=INTEGER)),
    st.builds(lambda s, o: ox.Triple(s, P, o), nodes, nodes),
)
quads = st.builds(ox.Quad, nodes, st.just(P), objects, graphs)
contents = st.tuples(st.lists(quads, max_size=6), st.lists(st.sampled_from(GRAPHS), max_size=2))


def store_of(content: Any = ((), ())) -> ox.Store:
    store = ox.Store()
    store.extend(content[0])
    for graph in content[1]:
        store.add_graph(graph)
    return store


def content_of(store: ox.Store) -> tuple[frozenset[ox.Quad], frozenset[Any]]:
    return frozenset(store), frozenset(store.named_graphs())


def written(delta: Delta, headers: dict[str, str] | None = None) -> bytes:
    sink = io.BytesIO()
    write_patch(delta, sink, headers or {})
    return sink.getvalue()


relaxed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@relaxed
@given(contents, contents)
def test_a_difference_leads_there_and_back(first: Any, second: Any) -> None:
    before, after = store_of(first), store_of(second)
    delta = diff(before, after)
    assert not delta.added & set(before)
    assert delta.removed <= set(before)
    store = store_of(first)
    apply(store, delta)
    assert content_of(store) == content_of(after)
    apply(store, delta)
    assert content_of(store) == content_of(after)
    apply(store, delta.inverse())
    assert content_of(store) == content_of(before)


@relaxed
@given(contents, contents, contents)
def test_two_in_a_row_are_one(first: Any, second: Any, third: Any) -> None:
    a, b, c = (store_of(content) for content in (first, second, third))
    one, two = diff(a, b), diff(b, c)
    kept = Delta(set(one.added), set(one.removed), set(one.created), set(one.dropped))
    assert one.then(two) == diff(a, c)
    assert one == kept
    assert one.then(one.inverse()).is_empty
    assert Delta().then(one) == one


@relaxed
@given(contents, contents)
def test_a_patch_gives_the_delta_back(first: Any, second: Any) -> None:
    before, after = store_of(first), store_of(second)
    delta = diff(before, after)
    patch = read_patch(written(delta, {"id": "<urn:x:1>", "summary": '"a . \\"b\\""'}))
    assert patch.delta(before) == delta
    assert str(patch.header("summary")) == '"a . \\"b\\""'
    assert patch.header("id") == ox.NamedNode("urn:x:1")
    assert patch.header("none") is None
    # Without a store, only graphs that come to be with statements are not told.
    net = patch.net()
    assert (net.added, net.removed, net.dropped) == (delta.added, delta.removed, delta.dropped)
    apply(before, net)
    assert content_of(before) == content_of(after)


@relaxed
@given(contents, st.lists(quads, max_size=4), st.lists(quads, max_size=4))
def test_a_net_delta_is_that_of_removing_and_then_adding(
    content: Any, remove: list[ox.Quad], add: list[ox.Quad]
) -> None:
    before, after = store_of(content), store_of(content)
    for quad in remove:
        after.remove(quad)
    after.extend(add)
    delta = net_delta(before, remove=as_stored(remove), add=as_stored(add))
    assert delta == diff(before, after)


@given(st.lists(quads, max_size=6))
def test_quads_as_stored_are_those_of_a_store(items: list[ox.Quad]) -> None:
    assert set(as_stored(items)) == set(store_of((items, ())))
    assert len(as_stored(items)) == len(items)


def test_a_dropped_graph_stays_where_something_is_added() -> None:
    old, new = ox.Quad(S, P, OBJECT, GRAPHS[0]), ox.Quad(S, P, B, GRAPHS[0])
    store = store_of(([old], [GRAPHS[1]]))
    delta = net_delta(store, remove=[old], add=[new], drop=[*GRAPHS])
    assert delta == Delta({new}, {old}, set(), {GRAPHS[1]})


def test_the_graphs_of_a_delta_are_those_it_touches() -> None:
    delta = Delta(
        {ox.Quad(S, P, OBJECT)}, {ox.Quad(S, P, OBJECT, GRAPHS[0])}, {GRAPHS[1]}, {GRAPHS[2]}
    )
    assert delta.graphs() == {ox.DefaultGraph(), *GRAPHS}
    keep_to(Delta({ox.Quad(S, P, OBJECT, GRAPHS[0])}), "a:g")
    with pytest.raises(QueryForbidden, match="the default graph"):
        keep_to(delta, "a:g")


def test_a_patch_is_written_one_row_a_line() -> None:
    removed, added = ox.Quad(S, P, ox.Literal("a\nb")), ox.Quad(B, P, OBJECT, GRAPHS[0])
    delta = Delta({added}, {removed}, {GRAPHS[0], GRAPHS[1]}, {ox.NamedNode("a:z")})
    assert written(delta, {"id": "<urn:x:1>"}).decode() == (
        "H id <urn:x:1> .\n"
        "H graph-created <a:h> .\n"
        "H graph-dropped <a:z> .\n"
        "TX .\n"
        'D <a:s> <a:p> "a\\nb" .\n'
        "A _:b <a:p> <a:o> <a:g> .\n"
        "TC .\n"
    )
    assert written(Delta()) == b"TX .\nTC .\n"


def test_a_patch_of_another_is_taken_in_its_order() -> None:
    data = (
        b'H id <uuid:1234> .\r\nH prev "none" .\nTX .\n# a remark\nPA "rdf" <http://r/> .\n'
        b"PD ex .\nPA ex: <http://x/> .\n\n"
        b"A <a:s> <a:p> <a:o> .\nD <a:s> <a:p> <a:o> .\n"
        b"D <a:s> <a:p> 'x' .\n".replace(b"'x'", b'"x"')
        + b'  A <a:s>  <a:p> "x"\t.\nD <a:s> <a:p> "01"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
        b'A <_:b12> <a:p> "<_:no>" <a:g> . # it is\nTC .\nTX .\nA <a:s> <a:p> "y" .\nTC'
    )
    one = ox.Quad(S, P, ox.Literal("1", datatype=INTEGER))
    blank = ox.Quad(ox.BlankNode("b12"), P, ox.Literal("<_:no>"), GRAPHS[0])
    delta = read_patch(data).delta(store_of(([one], [])))
    added = {blank, ox.Quad(S, P, ox.Literal("x")), ox.Quad(S, P, ox.Literal("y"))}
    assert delta == Delta(added, {one}, {GRAPHS[0]}, set())


def test_a_patch_that_drops_a_graph_drops_what_is_in_it() -> None:
    inside, new = ox.Quad(S, P, OBJECT, GRAPHS[0]), ox.Quad(S, P, B, GRAPHS[0])
    store = store_of(([inside], []))
    data = b"H graph-dropped <a:g> .\nH graph-dropped <a:none> .\nH graph-created <a:h> .\nTX .\n"
    assert read_patch(data + b"TC .\n").delta(store) == Delta(
        set(), {inside}, {GRAPHS[1]}, {GRAPHS[0]}
    )
    patch = read_patch(data + b"A _:x <a:p> <a:o> <a:g> .\nTC .\n".replace(b"<a:o>", b"_:b"))
    assert patch.delta(store).dropped == set()
    assert new not in patch.delta(store).removed


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"TX .\nTA .\n", 2, "TA"),
        (b"TX .\nA <a:s> <a:p> <a:o> .\nTA .\n", 3, "TA"),
        (b"TX .\nX <a:s> <a:p> <a:o> .\n", 2, "no row of an RDF Patch"),
        (b"TX .\n\nA <a:s> <a:p> <a:o> .\nA <a:s> <a:p> .\n", 4, "cannot be read"),
        (b"A <a:s> <a:p> <a:o> <a:g> <a:x> .\n", 1, "cannot be read"),
        (b"# one\nA <a:s> <a:p> <a:o>\nA <a:s> <a:p> <a:x> .\n", 2, "cannot be read"),
        (b"A <a:s> <a:p> <a:o> . A <a:s> <a:p> <a:o> .\n", 1, "cannot be read"),
        (b"A <a:s> <a:p> <a:o> . <a:s> <a:p> <a:o> .\n", 1, "cannot be read"),
        (b"TX .\nA ex:s <a:p> <a:o> .\n", 2, "cannot be read"),
        (b"A <s> <a:p> <a:o> .\n", 1, "cannot be read"),
        (b'A <a:s> <a:p> "\xff" .\n', 1, "cannot be read"),
        (b"TX .\nH id no term .\n", 2, "no term"),
        (b"TX .\nPA x <no> more .\n", 2, "no row"),
        (b"\x00\x01", 1, "no row"),
        (b"AA <a:s> <a:p> <a:o> .\n", 1, "no row"),
    ],
)
def test_a_bad_line_is_named(data: bytes, line: int, words: str) -> None:
    with pytest.raises(InvalidUpload, match=words) as caught:
        read_patch(data)
    assert caught.value.line == line
    assert caught.value.status == 400


@given(st.binary(max_size=60))
def test_reading_a_patch_fails_in_one_way_only(data: bytes) -> None:
    try:
        patch = read_patch(b"A <a:s> <a:p> <a:o> .\n" + data)
    except InvalidUpload:
        return
    assert len(patch.quads) == len(patch.letters) >= 1


def test_a_large_patch_is_read_as_it_was_written() -> None:
    count = 200_000
    rows = {ox.Quad(ox.NamedNode(f"http://e/{n}"), P, ox.Literal(f"value {n}"), GRAPHS[0]) for n in range(count)}  # fmt: skip
    data = written(Delta(rows, set(), {GRAPHS[0]}))
    patch = read_patch(data)
    delta = patch.delta(ox.Store())
    assert delta.added == rows
