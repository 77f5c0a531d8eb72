"""The project's own data and shapes: the screened report is pySHACL's, and comes fast."""

from __future__ import annotations

import time
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.knowledge import Knowledge, parse_turtle
from peninsula.shacl.model import read_model
from peninsula.shacl.validation import to_graph, validate_quads
from peninsula.shacl.view import DataGraph
from tests.shacl.reports import contents, judged_whole

ROOT = Path(__file__).resolve().parents[2]
#: Shapes that pySHACL may have to look at node by node; each reason is one a query gives.
UNSCREENED = {"VotedTextShape", "ResolutionShape"}


@pytest.fixture(scope="module")
def stated() -> list[ox.Quad]:
    return [
        quad for graph, path in Knowledge(ROOT).sourced_files for quad in parse_turtle(path, graph)
    ]


@pytest.fixture(scope="module")
def shapes() -> DataGraph:
    return to_graph(quad for path in Knowledge(ROOT).shapes for quad in parse_turtle(path))


def test_own_data_are_judged_as_the_whole(stated: list[ox.Quad], shapes: DataGraph) -> None:
    model = read_model(shapes)
    begun = time.process_time()
    validation = validate_quads(stated, model)
    took = time.process_time() - begun
    expected = judged_whole(to_graph(stated), shapes)
    assert not isinstance(expected, str)
    assert contents(validation.report) == contents(expected)
    # Two seconds is the aim; a loaded machine has more.
    assert took < 10
    # Most of what is judged was found by the screen, not left over by it.
    assert validation.judged < 500


def test_nearly_every_own_shape_is_screened(stated: list[ox.Quad], shapes: DataGraph) -> None:
    coverage = validate_quads(stated, read_model(shapes)).screening.coverage
    assert {str(node).split("#")[-1] for node in coverage} <= UNSCREENED, coverage
