"""Random shapes over random data: what is screened is what pySHACL says, and every bound is sound."""

from __future__ import annotations

import os
import warnings

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from pyshacl.graph_abstraction import DataGraph as JudgedGraph
from pyshacl.pytypes import SHACLExecutor
from rdflib import Graph
from rdflib.term import Node

from peninsula.errors import InvalidShapes
from peninsula.shacl.bounds import FALSE, no
from peninsula.shacl.model import Shapes, read_model
from peninsula.shacl.screen import Screen, _Compiler
from peninsula.shacl.validation import validate, validate_store
from peninsula.shacl.view import DataGraph, Statements, from_rdflib, graph_of
from peninsula.turtle import to_rdflib
from tests.shacl.generation import data_graphs, graph, shapes_graphs
from tests.shacl.reports import contents, judged_whole

#: Set PENINSULA_SHACL_CASES to look longer; a failing case says how to see it again.
CASES = int(os.environ.get("PENINSULA_SHACL_CASES", "150"))
bounded = settings(
    max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
pytestmark = pytest.mark.filterwarnings("ignore")


def store_of(triples: list[tuple[Node, Node, Node]]) -> ox.Store:
    """Return a store with the triples, spread over three graphs, some of them in two."""
    store = ox.Store()
    names = [ox.DefaultGraph(), ox.NamedNode("urn:g1"), ox.NamedNode("urn:g2")]
    for number, (s, p, o) in enumerate(triples):
        for name in {names[number % 3], names[number % 2]}:
            store.add(ox.Quad(from_rdflib(s), from_rdflib(p), from_rdflib(o), name))
    return store


@bounded
@given(data_graphs(), shapes_graphs())
def test_a_screened_graph_is_judged_as_the_whole(triples: list[tuple[Node, Node, Node]], shapes: DataGraph) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = contents(judged_whole(graph(triples), graph(list(shapes))))
        told = shapes.serialize(format="longturtle")
        assert contents(validate(graph(triples), shapes)) == expected, told


@bounded
@given(data_graphs(), shapes_graphs())
def test_a_screened_store_is_judged_as_the_whole(triples: list[tuple[Node, Node, Node]], shapes: DataGraph) -> None:
    store = store_of(triples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = contents(judged_whole(graph_of(Statements(store)), graph(list(shapes))))
        found: Graph | None = None
        try:
            found = validate_store(store, read_model(shapes)).report
        except InvalidShapes:
            assert expected is None
    assert contents(found) == expected, shapes.serialize(format="longturtle")


@bounded
@given(data_graphs(), shapes_graphs())
def test_what_is_sure_of_a_node_is_so(triples: list[tuple[Node, Node, Node]], shapes: DataGraph) -> None:
    """For every shape, nested ones too, and every node of the data."""
    store = store_of(triples)
    try:
        model = read_model(shapes)
    except InvalidShapes:
        return
    screen = Screen(model, store)
    data = graph_of(screen.statements)
    nodes = {node for s, _, o in data for node in (s, o)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for shape in model.judge.shapes:
            compiler = _Compiler(model, screen.classes)
            bounds = compiler.shape(model[shape.node], "?this")
            if compiler.may_fail:
                continue
            holds, fails = (
                {to_rdflib(t) for t in (FALSE != b and _where(screen, b)) or ()} for b in bounds
            )
            for node in nodes:
                conforms = _conforms(model, shape, data, node)
                told = shapes.serialize(format="turtle")
                assert not (node in holds and conforms is not True), (shape, node, bounds.holds, told)
                assert not (node in fails and conforms is True), (shape, node, bounds.fails, told)


def _where(screen: Screen, condition: str) -> list[ox.Term]:  # type: ignore[name-defined]
    anything = "{ ?this ?p ?o } UNION { ?s ?p ?this }"
    return list(screen._ask(anything, no(condition)))


def _conforms(model: Shapes, shape: object, data: Graph, node: Node) -> bool | None:
    try:
        conforms, _ = shape.validate(  # type: ignore[attr-defined]
            SHACLExecutor(), JudgedGraph.from_rdflib(data), focus=[node]
        )
    except Exception as error:  # noqa: BLE001 - pySHACL's way to say that it cannot tell
        if os.environ.get("DBG"):
            import traceback; traceback.print_exc()
        return None
    return bool(conforms)
