"""A drawing of a network shows every node and tie once, and GraphML says the same."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.drawing.network import (
    Edge,
    Network,
    Node,
    arrange,
    draw_network,
    shorten_label,
    to_graphml,
)
from peninsula.namespaces import expand

NS = {"g": "http://graphml.graphdrawing.org/xmlns"}
NODES = [Node(f"state:{name}", name.title(), kind="state") for name in "abcdefg"]
EDGES = [
    Edge("state:a", "state:d", 9),
    Edge("state:d", "state:f", 7),
    Edge("state:b", "state:c", 8),
    Edge("state:c", "state:a", 1),
    Edge("state:b", "state:e", -2, "conflict"),
]

ids = st.sampled_from("abcdefghijkl")
graphs = st.tuples(
    st.lists(ids, unique=True),
    st.lists(st.tuples(ids, ids, st.floats(-9, 9)), max_size=30),
)


def place(drawn: Network) -> dict[str, tuple[float, float]]:
    return {placed.node.id: (placed.x, placed.y) for placed in drawn.nodes}


def test_strongly_tied_nodes_are_neighbours() -> None:
    order = arrange([node.id for node in NODES], EDGES)
    pairs = [set(pair) for pair in pairwise(order)]
    for tie in EDGES[:3]:
        assert {tie.source, tie.target} in pairs
    assert order[-1] == "state:g"  # it has no ties


def test_the_same_network_looks_the_same() -> None:
    assert draw_network(NODES, EDGES) == draw_network(NODES, EDGES)


def test_every_label_has_a_line_of_its_own_inside_the_drawing() -> None:
    nodes = [Node(f"n{i}", f"A person with a longer name {i}") for i in range(31)]
    drawn = draw_network(nodes, [Edge("n1", "n2"), Edge("n5", "n30", 3)])
    for anchor in ("start", "end"):
        side = sorted(placed.y for placed in drawn.nodes if placed.anchor == anchor)
        assert min(b - a for a, b in pairwise(side)) >= 24
    for placed in drawn.nodes:
        width = 7.4 * len(placed.short)
        end = placed.label_x + (width if placed.anchor == "start" else -width)
        assert 0 < placed.x < drawn.width
        assert 0 < placed.y < drawn.height
        assert 0 <= end <= drawn.width


def test_the_stronger_the_wider_and_weights_below_zero_count_by_size() -> None:
    widths = {
        (line.edge.source, line.edge.target): line.width
        for line in draw_network(NODES, EDGES).edges
    }
    assert (
        widths["state:a", "state:d"] > widths["state:d", "state:f"] > widths["state:b", "state:e"]
    )
    assert widths["state:b", "state:e"] > widths["state:c", "state:a"]


def test_two_ties_of_one_pair_are_apart_whichever_way_they_are_named() -> None:
    drawn = draw_network(
        NODES,
        [Edge("state:a", "state:b"), Edge("state:b", "state:a", 2), Edge("state:a", "state:b", 3)],
    )
    middles = []
    for line in drawn.edges:
        control = re.search(r"Q(\S+) (\S+) ", line.d)
        assert control
        middles.append((float(control[1]), float(control[2])))
    assert sorted(line.bend for line in drawn.edges) == [-1, 0, 1]
    assert min(math.dist(a, b) for a in middles for b in middles if a != b) > 10
    assert len(set(middles)) == 3


def test_what_leads_nowhere_is_left_out() -> None:
    drawn = draw_network(
        [Node("a", "first"), Node("a", "second"), Node("b", "")],
        [Edge("a", "a"), Edge("a", "missing"), Edge("b", "a", 0)],
    )
    assert [placed.node.label for placed in drawn.nodes] == ["first", ""]
    assert [(line.edge.source, line.edge.target) for line in drawn.edges] == [("b", "a")]
    assert draw_network([], []).nodes == ()


def test_a_long_label_is_cut() -> None:
    assert shorten_label("short") == "short"
    assert len(shorten_label("word " * 100)) <= 34
    assert shorten_label("word " * 100).endswith("…")


@given(graphs)
def test_any_network_is_drawn_whole(graph: tuple[list[str], list[tuple[str, str, float]]]) -> None:
    nodes = [Node(id, id) for id in graph[0]]
    edges = [Edge(*tie) for tie in graph[1]]
    drawn = draw_network(nodes, edges)
    assert sorted(place(drawn)) == sorted(graph[0])
    assert len(set(place(drawn).values())) == len(graph[0])
    kept = [e for e in edges if {e.source, e.target} <= set(graph[0]) and e.source != e.target]
    assert len(drawn.edges) == len(kept)
    assert all(math.isfinite(line.width) and "nan" not in line.d for line in drawn.edges)


# GraphML


def read_graphml(data: bytes) -> tuple[ET.Element, dict[str, dict[str, str]], list[dict[str, str]]]:
    """Return the graph, data of nodes by id, and edges with their data, checked by the structure."""
    root = ET.fromstring(data)
    assert root.tag == "{http://graphml.graphdrawing.org/xmlns}graphml"
    keys = {key.get("id"): key for key in root.findall("g:key", NS)}
    # key*, then graph: the order of the schema.
    assert [child.tag.split("}")[1] for child in root] == ["key"] * len(keys) + ["graph"]
    for key in keys.values():
        assert key.get("for") in {"node", "edge"}
        assert key.get("attr.type") in {"string", "double"}
        assert key.get("attr.name")
    graph = root.find("g:graph", NS)
    assert graph is not None
    assert graph.get("edgedefault") in {"directed", "undirected"}

    def values(element: ET.Element, part: str) -> dict[str, str]:
        found = {}
        for entry in element.findall("g:data", NS):
            key = keys[entry.get("key")]
            assert key.get("for") == part
            if key.get("attr.type") == "double":
                float(entry.text or "")
            found[str(key.get("attr.name"))] = entry.text or ""
        return found

    nodes = {}
    for node in graph.findall("g:node", NS):
        id = node.get("id") or ""
        assert re.fullmatch(r"[\w:.-]+", id), "an id is an NMTOKEN"
        assert id not in nodes
        nodes[id] = values(node, "node")
    edges = []
    for edge in graph.findall("g:edge", NS):
        ends = {"source": edge.get("source") or "", "target": edge.get("target") or ""}
        assert set(ends.values()) <= set(nodes)
        edges.append({**ends, **values(edge, "edge")})
    serials = [edge.get("id") for edge in graph.findall("g:edge", NS)]
    assert len(set(serials)) == len(serials)
    return graph, nodes, edges


def test_graphml_says_what_the_network_holds() -> None:
    nodes = [
        Node("state:russia", "Russia & “co”", kind="state", weight=3),
        Node("https://example.org/a?b#c", "<b>bold</b>"),
        Node("no such:prefix", "Пхеньян 평양"),
    ]
    edges = [Edge("state:russia", "https://example.org/a?b#c", 0.25, "conflict", "a \x00 tie")]
    graph, found, ties = read_graphml(to_graphml(nodes, edges))
    assert graph.get("edgedefault") == "undirected"
    assert found["state:russia"] == {
        "label": "Russia & “co”", "kind": "state", "weight": "3", "iri": expand("state:russia"),
    }  # fmt: skip
    assert found["n1"]["iri"] == "https://example.org/a?b#c"
    assert found["n1"]["label"] == "<b>bold</b>"
    assert "iri" not in found["n2"]
    assert ties == [
        {"source": "state:russia", "target": "n1", "label": "a � tie", "kind": "conflict", "weight": "0.25"}
    ]  # fmt: skip


def test_graphml_can_be_directed_and_empty() -> None:
    graph, nodes, edges = read_graphml(to_graphml([], [], directed=True))
    assert graph.get("edgedefault") == "directed"
    assert (nodes, edges) == ({}, [])


@given(st.lists(st.text(max_size=6), max_size=8), st.text(max_size=9))
def test_any_name_can_be_written(names: list[str], label: str) -> None:
    nodes = [Node(name, label) for name in names]
    edges = [Edge(a, b) for a, b in pairwise(names)]
    _, found, ties = read_graphml(to_graphml(nodes, edges))
    assert len(found) == len(set(names))
    assert len(ties) == len(edges)


@pytest.mark.parametrize("taken", ["n1", "n1_"])
def test_a_made_up_id_takes_nobody_elses(taken: str) -> None:
    _, found, _ = read_graphml(to_graphml([Node(taken, "a"), Node("with space", "b")], []))
    assert {values["label"] for values in found.values()} == {"a", "b"}
