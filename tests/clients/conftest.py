"""Which server do the clients of others meet? One with its usual settings and a small graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.crash.instance import Instance

SCENE: Final = Path(__file__).resolve().parents[1] / "fixtures" / "knowledge"
PEOPLE: Final = """\
@prefix : <http://example.org/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:ann foaf:name "Ann" ; :age 41 ; foaf:knows :bo , [ foaf:name "nobody, \\"quoted\\"\\nnext line" ] .
:bo foaf:name "보"@ko , "Бо"@ru ; :born "1984-02-29"^^xsd:date .
"""


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Return a server with the small scene, and people in a graph of their own."""
    options = ("--no-empty", "--knowledge", str(SCENE))
    with Instance(tmp_path_factory.mktemp("clients"), *options) as running:
        put = running.send("PUT", "http://example.org/people", PEOPLE, "text/turtle")
        assert put.status == 201, put
        yield running


@pytest.fixture
def graph(request: pytest.FixtureRequest, server: Instance) -> Iterator[str]:
    """Return the name of a graph that is the test's own, and gone afterwards."""
    name = f"http://example.org/graphs/{abs(hash(request.node.nodeid))}"
    yield name
    server.update(f"DROP SILENT GRAPH <{name}>")
