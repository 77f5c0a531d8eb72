"""Does the work for a page stay within bounds, whatever the store holds?

What is asked of the engine ends at its limits of time and memory. This is about what this process
does with the answer: each case took minutes or gigabytes once, or would without its bound.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula import revisions
from peninsula.agreement import find_disputes
from peninsula.completion import Context as Place
from peninsula.completion import list_classes, list_properties, suggest_terms
from peninsula.coverage import measure_coverage
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Asker, select
from peninsula.dataset.local import LocalDataset
from peninsula.dataset.patches import Row
from peninsula.errors import QueryOutOfMemory
from peninsula.labels import LONGEST_LABEL, find_labels
from peninsula.namespaces import expand
from peninsula.policy import Policy
from peninsula.profiles.tension import MOST_MEMBERS, read_tension
from peninsula.searching.entries import read_hierarchy
from peninsula.stances import Position
from peninsula.tables import LONGEST_TEXT, make_cell
from peninsula.topics import Topics
from peninsula.views import history

from .conftest import BROWSER, Served, ask


def node(name: str) -> ox.NamedNode:
    return ox.NamedNode(expand(name))


_Said = tuple[ox.NamedNode, str, ox.NamedNode | ox.Literal]


def serve(*statements: _Said) -> LocalDataset:
    store = ox.Store()
    graph = ox.NamedNode("x:g")
    store.extend(ox.Quad(s, node(p), o, graph) for s, p, o in statements)
    return LocalDataset(store, Policy())


# Topics.


def test_topics_of_many_ways_are_unfolded_once() -> None:
    """Sixty layers, each topic below both of the layer above: there are 2^60 ways down."""
    broader: dict[str, frozenset[str]] = {"0a": frozenset(), "0b": frozenset()}
    for layer in range(1, 60):
        for side in "ab":
            broader[f"{layer}{side}"] = frozenset([f"{layer - 1}a", f"{layer - 1}b"])
    topics = Topics(broader)
    shown = list(topics.unfold(broader, str))
    assert {topic for topic, _ in shown} == set(broader)
    assert len(shown) <= 2 + 4 * 59
    assert max(depth for _, depth in shown) == 59


def test_a_chain_of_topics_is_no_recursion() -> None:
    chain = {f"{i:05}": frozenset([f"{i - 1:05}"] if i else []) for i in range(2000)}
    topics = Topics(chain)
    assert [depth for _, depth in topics.unfold(chain, str)] == list(range(2000))
    assert len(topics.above("01999")) <= 60
    assert "01998" in topics.above("01999")


def test_topics_in_a_ring() -> None:
    ring = {f"{i}": frozenset([f"{(i + 1) % 300}", f"{i}"]) for i in range(300)}
    shown = list(Topics(ring).unfold(ring, str))
    assert {topic for topic, _ in shown} == set(ring)
    assert len(shown) <= 3 * len(ring)


# Positions and claims.


def test_thousands_of_stances_on_one_thing_are_compared_in_part() -> None:
    stances = [expand("stance:supports"), expand("stance:opposes")]
    positions = [
        Position(f"x:{i}", "x:a", stances[i % 2], "x:o", claims=(f"x:c{i}",)) for i in range(4000)
    ]
    tensions = {f"x:c{i}": {f"x:c{j}": True for j in range(200)} for i in range(200)}
    found = find_disputes(positions, tensions)
    assert {d.reason for d in found} == {"object", "contradiction"}
    assert len(found) < 2000


def test_a_tension_of_thousands_of_claims() -> None:
    tension = node("tension:t")
    statements = [(tension, "rdf:type", node("pen:Tension"))]
    for i in range(3000):
        claim = node(f"claim:c{i:04}")
        statements += [
            (tension, "pen:hasTensionMember", claim),
            (claim, "rdf:type", node("pen:Claim")),
            (claim, "pen:inTensionWith", node(f"claim:c{(i + 1) % 3000:04}")),
        ]
    profile = read_tension(serve(*statements), tension, "en")
    assert profile
    assert profile.size == MOST_MEMBERS
    assert profile.is_cut


# Texts.


def test_long_texts_are_cut_on_pages() -> None:
    thing = node("state:s")
    text = ox.Literal("м" * 1_000_000, language="ru")
    dataset = serve((thing, "rdfs:label", text), (thing, "dcterms:description", text))
    label = find_labels(dataset, [thing], "ru")[thing.value]
    assert len(label) == LONGEST_LABEL
    assert label.endswith("м…")
    assert len(make_cell(text, {}).text) == LONGEST_TEXT
    found = suggest_terms(dataset, Place("value", "?s", "dcterms:description"))
    assert found == []


def test_labels_of_other_datatypes_and_of_the_greatest_length_stay() -> None:
    number, exact = node("state:n"), node("state:e")
    dataset = serve(
        (number, "rdfs:label", ox.Literal(5)), (exact, "rdfs:label", ox.Literal("x" * 500))
    )
    assert find_labels(dataset, [number, exact]) == {number.value: "5", exact.value: "x" * 500}


def test_a_page_does_not_take_in_more_than_it_can_hold(engine: EmbeddedDatabase) -> None:
    view = engine.view(Asker())
    query = "SELECT ?o ?p { ?s ?p ?o } ORDER BY ?s"
    assert len(ask(view, query)) == 400
    solutions = select(view, query)
    solutions.most_bytes = 9000
    with pytest.raises(QueryOutOfMemory):
        list(solutions)
    whole = select(view, query)
    whole.most_bytes = None
    assert len(list(whole)) == 400


# Names, classes, years.


def test_classes_in_a_ring_are_not_multiplied() -> None:
    classes = [ox.NamedNode(f"x:{i}") for i in range(5000)]
    ring = zip(classes, [*classes[1:], classes[0]], strict=True)
    above = read_hierarchy(serve(*((one, "rdfs:subClassOf", other) for one, other in ring)))
    assert len(above) == 5000
    assert sum(map(len, above.values())) <= 5000 * 101


def test_the_editor_is_told_of_the_most_used() -> None:
    statements = [(node(f"state:s{i}"), "rdf:type", ox.NamedNode(f"x:c{i}")) for i in range(4000)]
    statements += [(node("state:s0"), "rdf:type", ox.NamedNode("x:c3999"))]
    classes = list_classes(serve(*statements))
    assert classes[0].iri == "x:c3999"
    assert len(classes) < 2000
    assert list_properties(serve(*statements))


def test_years_that_nobody_means_are_left_out() -> None:
    statements: list[_Said] = []
    for i, year in enumerate(("0001", "2017", "9999")):
        day = ox.Literal(f"{year}-01-01", datatype=node("xsd:date"))
        event = node(f"event:e{i}")
        statements += [(event, "rdf:type", node("pen:Event")), (event, "pen:from", day)]
    assert measure_coverage(serve(*statements), "en").span == (2017, 2017)


# What changed.


def _rows(count: int, size: int) -> Iterator[Row]:
    for i in range(count):
        yield Row(True, f'<x:s{i}> <x:p> "{"x" * size}" .\n'.encode())


def test_of_a_change_as_much_is_read_as_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "MOST_ROW_BYTES", 10_000)
    seen = revisions.describe(_rows(100, 1000), serve())
    assert seen.is_cut
    assert 0 < seen.added < 11
    assert not revisions.describe(_rows(5, 1000), serve()).is_cut


def test_few_changes_are_compared_at_the_same_time(
    site: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PATIENCE", 0.01)
    with history._turn(), history._turn():
        busy = site.client.get("/history/diff?from=1&to=1", headers=BROWSER)
        assert busy.status_code == 503
        assert busy.headers["Retry-After"]
        assert "at the same time" in busy.get_data(as_text=True)
    assert site.client.get("/history/diff?from=1&to=1", headers=BROWSER).status_code == 200


def test_headers_of_any_length_are_not_remembered(client: FlaskClient) -> None:
    front = client.application.wsgi_app
    before = len(front._given)  # type: ignore[attr-defined]
    for i in range(3):
        client.get("/queries", headers={**BROWSER, "Cookie": f"a={i}" + "x" * 20_000})
        client.get("/queries", headers={"Accept": f"text/html;x={i}" + "x" * 20_000})
    assert len(front._given) == before  # type: ignore[attr-defined]
