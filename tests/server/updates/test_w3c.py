"""The W3C's tests of updates, where they are, give exact deltas, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import pytest
from rdflib import RDF, Graph, Namespace, URIRef

from peninsula.dataset.operations import Scope, read_operations
from peninsula.errors import (
    QuerySyntaxError,
)
from tests.server.conftest import ROOT

from .exactness import canonical, check_same

W3C: Final = ROOT.parent / "shared/w3c/rdf-tests/sparql/sparql11"


MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
UT = Namespace("http://www.w3.org/2009/sparql/tests/test-update#")
LABEL: Final = URIRef("http://www.w3.org/2000/01/rdf-schema#label")


def manifests() -> Iterator[Graph]:
    for path in sorted(W3C.glob("*/manifest.ttl")):
        yield Graph().parse(path, format="turtle", publicID=path.as_uri())


def cases(*kinds: URIRef) -> list[Any]:
    return [
        pytest.param(
            graph, URIRef(test), id="/".join(test.rsplit("/", 2)[1:]).replace("manifest#", "")
        )
        for graph in manifests()
        for kind in kinds
        for test in sorted(map(str, graph.subjects(RDF.type, kind)))
    ]


EVALUATIONS: Final = cases(MF.UpdateEvaluationTest, UT.UpdateEvaluationTest)
SYNTAX: Final = cases(MF.PositiveUpdateSyntaxTest11, MF.NegativeUpdateSyntaxTest11)
needs_w3c = pytest.mark.skipif(not W3C.is_dir(), reason="the W3C's tests are not here")


def path_of(node: Any) -> Path:
    return Path(str(node).removeprefix("file://"))


def read_store(graph: Graph, node: Any) -> ox.Store:
    store = ox.Store()
    parts: list[tuple[Any, Any]] = [(file, None) for file in graph.objects(node, UT.data)]
    parts += (
        (graph.value(named, UT.graph), graph.value(named, LABEL))
        for named in graph.objects(node, UT.graphData)
    )
    for file, name in parts:
        target = ox.DefaultGraph() if name is None else ox.NamedNode(str(name))
        store.add_graph(target)
        store.load(path=str(path_of(file)), base_iri=str(file), to_graph=target)
    return store


def test_the_w3c_tests_are_found() -> None:
    if not W3C.is_dir():
        pytest.skip("the W3C's tests are not here")
    assert len(EVALUATIONS) > 90
    assert len(SYNTAX) > 50


@needs_w3c
@pytest.mark.parametrize(("graph", "test"), EVALUATIONS)
def test_w3c_update(graph: Graph, test: Any) -> None:
    action, result = graph.value(test, MF.action), graph.value(test, MF.result)
    request = graph.value(action, UT.request)
    text = path_of(request).read_text(encoding="utf-8")
    before = read_store(graph, action)
    ours = check_same(before, text, base=str(request))
    expected = read_store(graph, result)
    # Whether an empty graph is kept is left to the implementation.
    assert canonical(ours)[0] == canonical(expected)[0]


@needs_w3c
@pytest.mark.parametrize(("graph", "test"), SYNTAX)
def test_w3c_update_syntax(graph: Graph, test: Any) -> None:
    request = graph.value(test, MF.action)
    text = path_of(request).read_text(encoding="utf-8")
    scope = Scope(str(request), {})
    if (test, RDF.type, MF.PositiveUpdateSyntaxTest11) in graph:
        read_operations(text, scope)
    else:
        with pytest.raises(QuerySyntaxError):
            read_operations(text, scope)
