"""The W3C's tests of the SPARQL 1.1 Protocol, as far as they concern queries.

They are not part of the repository, and are skipped where they are absent. Those of updates
wait for an address that takes updates.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from rdflib import RDF, Graph, Namespace, URIRef
from rdflib.term import Node
from werkzeug.test import TestResponse

from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.local import LocalDataset
from peninsula.formats import GRAPH_FORMATS, SOLUTION_FORMATS, find
from peninsula.knowledge import Knowledge
from peninsula.policy import Policy

from .conftest import ROOT

FOLDER: Final = ROOT.parent / "shared/w3c/rdf-tests/sparql/sparql11/protocol"
DATA: Final = "http://kasei.us/2009/09/sparql/data"
MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
HT = Namespace("http://www.w3.org/2011/http#")
CNT = Namespace("http://www.w3.org/2011/content#")
STATUS: Final = "http://www.w3.org/2011/http-statusCodes#StatusCode"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the W3C's tests are not here")


def read_manifest() -> Graph:
    return Graph().parse(FOLDER / "manifest.ttl", format="turtle") if FOLDER.is_dir() else Graph()


MANIFEST: Final = read_manifest()
TESTS: Final = sorted(str(test) for test in MANIFEST.subjects(RDF.type, MF.ProtocolTest))


@pytest.fixture(scope="module")
def w3c_client(knowledge: Knowledge) -> FlaskClient:
    store = ox.Store()
    for name in ("data1", "data2", "data3"):
        path = FOLDER / f"{name}.nt"
        graph = ox.NamedNode(f"{DATA}/{name}.rdf")
        store.load(path=str(path), format=ox.RdfFormat.N_TRIPLES, to_graph=graph)
    return create_app(Config(), LocalDataset(store, Policy()), knowledge).test_client()


def value(node: Node | None, name: URIRef) -> str | None:
    found = MANIFEST.value(node, name)
    return None if found is None else str(found)


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.split("#")[1])
def test_w3c(w3c_client: FlaskClient, test: str) -> None:
    connection = MANIFEST.value(URIRef(test), MF.action)
    requests = list(MANIFEST.items(MANIFEST.value(connection, HT.requests)))  # type: ignore[arg-type]
    assert requests
    if test.split("#")[1].startswith("update_"):
        pytest.skip("there is no address for updates yet")
    for request in requests:
        headers = {
            str(value(header, HT.fieldName)).lower(): str(value(header, HT.fieldValue))
            for header in MANIFEST.items(MANIFEST.value(request, HT.headers) or RDF.nil)
        }
        body = MANIFEST.value(request, HT.body)
        encoding = value(body, CNT.characterEncoding) or "UTF-8"
        content = (value(body, CNT.chars) or "").encode(encoding)
        parts = urlsplit(str(value(request, HT.absolutePath)))
        response = w3c_client.open(
            f"/sparql?{parts.query}" if parts.query else "/sparql",
            method=str(value(request, HT.methodName)),
            headers=headers,
            data=content,
        )
        check(MANIFEST.value(request, HT.resp), response)


def check(expected: Node | None, response: TestResponse) -> None:
    codes = {
        str(code).removeprefix(STATUS) for code in MANIFEST.objects(expected, MF.expectedStatus)
    }
    status = str(response.status_code)
    assert {status, f"{status[0]}xx"} & codes
    media_type = response.mimetype or ""
    match value(expected, MF.expectedFormat):
        case "boolean" | "tabular":
            assert find(media_type, SOLUTION_FORMATS)
        case "RDF":
            assert find(media_type, GRAPH_FORMATS)
    if (answer := value(expected, MF.expectedBoolean)) is not None:
        assert response.json
        assert str(response.json["boolean"]).lower() == answer
