"""Fixtures of the shape tests: the shapes, the ontology around them, and a judge.

Use ``judge(data, shape)`` to validate a small graph against one shape; the whole data are
validated once, in ``test_data_conforms.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import pyshacl
import pytest
from rdflib import Graph, URIRef
from rdflib.term import Node

from peninsula.namespaces import expand

from .judging import ROOT, SHAPES, Result, closure, read, results


@pytest.fixture(scope="session")
def shapes_graph() -> Graph:
    paths = sorted(SHAPES.glob("*.shapes.ttl"))
    assert paths, f"no shapes in {SHAPES}"
    return read(*paths)


@pytest.fixture(scope="session")
def ontology_graph() -> Graph:
    paths = sorted(
        [*(ROOT / "ontology").glob("*.ttl"), *(ROOT / "ontology" / "vocabularies").glob("*.ttl")]
    )
    assert paths, "no ontology"
    return read(*paths)


@pytest.fixture(scope="session")
def background(ontology_graph: Graph) -> list[tuple[Node, Node, Node]]:
    """What an example needs of the ontology: the hierarchy of classes, the members of schemes."""
    wanted = (URIRef(expand("rdfs:subClassOf")), URIRef(expand("skos:inScheme")))
    return [
        triple
        for predicate in wanted
        for triple in ontology_graph.triples((None, predicate, None))
        if isinstance(triple[2], URIRef)
    ]


@pytest.fixture(scope="session")
def judge(
    shapes_graph: Graph, background: list[tuple[Node, Node, Node]]
) -> Callable[[Graph, str], list[Result]]:
    """Validate a graph against one shape, such as ``ClaimShape``; return the results, sorted."""
    parts: dict[str, Graph] = {}

    def run(data: Graph, shape: str) -> list[Result]:
        if shape not in parts:
            parts[shape] = closure(shapes_graph, URIRef(expand(f"pensh:{shape}")))
            assert len(parts[shape]), f"there is no pensh:{shape}"
        for triple in background:
            data.add(triple)
        _, report, _ = pyshacl.validate(data, shacl_graph=parts[shape], inplace=True)
        assert isinstance(report, Graph), report
        return sorted(results(report))

    return run
