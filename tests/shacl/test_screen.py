"""Random shapes over random data: screened is what pySHACL says, and every bound is sound."""

from __future__ import annotations

import os

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from pyshacl.graph_abstraction import DataGraph as JudgedGraph
from pyshacl.pytypes import SHACLExecutor
from rdflib import Graph
from rdflib.term import Node

from peninsula.errors import InvalidShapes
from peninsula.shacl.bounds import FALSE, no
from peninsula.shacl.model import read_model
from peninsula.shacl.screen import Screen, _Compiler
from peninsula.shacl.validation import validate, validate_quads, validate_store
from peninsula.shacl.view import DataGraph, Statements, from_rdflib, graph_of
from peninsula.turtle import to_rdflib
from tests.shacl.generation import data_graphs, graph, shapes_graphs
from tests.shacl.reports import INCOMPARABLE, contents, judged_whole

Triples = list[tuple[Node, Node, Node]]

#: Set PENINSULA_SHACL_CASES to look longer; a failing case says how to see it again.
CASES = int(os.environ.get("PENINSULA_SHACL_CASES", "100"))
bounded = settings(
    max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
pytestmark = pytest.mark.filterwarnings("ignore")


def quads_of(triples: Triples) -> list[ox.Quad]:
    """Return the triples, spread over three graphs, some of them in two."""
    names = [ox.DefaultGraph(), ox.NamedNode("urn:g1"), ox.NamedNode("urn:g2")]
    return [
        ox.Quad(from_rdflib(s), from_rdflib(p), from_rdflib(o), name)
        for number, (s, p, o) in enumerate(triples)
        for name in {names[number % 3], names[number % 2]}
    ]


def store_of(triples: Triples) -> ox.Store:
    store = ox.Store()
    store.extend(quads_of(triples))
    return store


def assert_same(
    found: Graph | None, expected: Graph | str | None, shapes: Graph, *, messages: bool = True
) -> None:
    if expected == INCOMPARABLE:
        # pySHACL breaks off; we go on, and report what cannot be compared.
        return
    assert not isinstance(expected, str)
    told = shapes.serialize(format="longturtle")
    assert contents(found, messages=messages) == contents(expected, messages=messages), told


@bounded
@given(data_graphs(), shapes_graphs())
def test_a_screened_graph_is_judged_as_the_whole(triples: Triples, shapes: DataGraph) -> None:
    expected = judged_whole(graph(triples), graph(list(shapes)))
    assert_same(validate(graph(triples), shapes), expected, shapes)


@bounded
@given(data_graphs(), shapes_graphs())
def test_a_screened_store_is_judged_as_the_whole(triples: Triples, shapes: DataGraph) -> None:
    store = store_of(triples)
    expected = judged_whole(graph_of(Statements(store)), graph(list(shapes)))
    found: Graph | None = None
    try:
        found = validate_store(store, read_model(shapes), threads=2).report
    except InvalidShapes:
        assert expected in (None, INCOMPARABLE)
    assert_same(found, expected, shapes)


@bounded
@given(data_graphs(), shapes_graphs())
def test_statements_are_judged_as_they_are_written(triples: Triples, shapes: DataGraph) -> None:
    expected = judged_whole(graph(triples), graph(list(shapes)))
    found: Graph | None = None
    try:
        found = validate_quads(quads_of(triples), read_model(shapes)).report
    except InvalidShapes:
        assert expected in (None, INCOMPARABLE)
    # Messages write literals with the prefixes of their graph; the engine's has none.
    assert_same(found, expected, shapes, messages=False)


@bounded
@given(data_graphs(), shapes_graphs())
def test_what_is_sure_of_a_node_is_so(triples: Triples, shapes: DataGraph) -> None:
    """For every shape, nested ones too, and every node of the data."""
    try:
        model = read_model(shapes)
    except InvalidShapes:
        return
    screen = Screen(model, store_of(triples))
    data = graph_of(screen.statements)
    nodes = {node for s, _, o in data for node in (s, o)}
    for shape in model.judge.shapes:
        compiler = _Compiler(model, screen.classes)
        bounds = compiler.shape(model[shape.node], "?this")
        if compiler.may_fail:
            continue
        holds, fails = (where(screen, condition) for condition in bounds)
        for node in nodes:
            conforms = conforms_to(shape, data, node)
            told = f"{shape!r} {node!r}\n{shapes.serialize(format='longturtle')}"
            assert conforms is True or node not in holds, f"{told}\n{bounds.holds}"
            assert conforms is not True or node not in fails, f"{told}\n{bounds.fails}"


def where(screen: Screen, condition: str) -> set[Node]:
    """Return the nodes of the data of which a condition is true."""
    anything = "{ ?this ?p ?o } UNION { ?s ?p ?this }"
    if condition == FALSE:
        return set()
    return {to_rdflib(term) for term in screen._ask(anything, no(condition))}


def conforms_to(shape: object, data: Graph, node: Node) -> bool | None:
    try:
        conforms, _ = shape.validate(  # type: ignore[attr-defined]
            SHACLExecutor(), JudgedGraph.from_rdflib(data), focus=[node]
        )
    except Exception:  # noqa: BLE001 - pySHACL's way to say that it cannot tell
        return None
    return bool(conforms)
