"""Does the server speak the Graph Store HTTP Protocol as the W3C's graph store tests do?"""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest

from .exchanges import read_exchanges
from .manifests import DatasetFiles, W3cTest, cases
from .results import GRAPH_TYPES, canonical
from .target import Response, Target

GRAPH_STORE = "/gsp"
"""What the manifest calls the address of the graph store."""


@pytest.mark.parametrize("test", cases("GraphStoreProtocolTest"))
def test_graph_store_requests_get_the_expected_responses(target: Target, test: W3cTest) -> None:
    target.hold(DatasetFiles())
    variables: dict[str, str] = {}
    for exchange in read_exchanges(test):
        address = fill_in(exchange.target, variables).replace(GRAPH_STORE, target.store_path, 1)
        body = exchange.body and fill_in(exchange.text, variables).encode(exchange.encoding)
        response = target.request(exchange.method, address, exchange.headers, body)
        assert response.status in exchange.statuses, response
        if expected_type := exchange.expected_headers.get("content-type"):
            check_content_type(response, expected_type)
        if exchange.method == "HEAD":
            assert not response.body
        if exchange.expected_text is not None:
            expected = fill_in(exchange.expected_text, variables).encode()
            assert canonical(parse(response.body)) == canonical(parse(expected)), response
        if exchange.location:
            assert response.headers.get("location"), response.headers
            variables[exchange.location] = response.headers["location"]


def fill_in(text: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        text = text.replace(name, value)
    return text


def check_content_type(response: Response, expected: str) -> None:
    """The media type is the expected one; a charset may be left out but not be another."""
    actual = response.headers.get("content-type", "")
    assert response.media_type == expected.partition(";")[0], actual
    charset = re.search(r'charset="?([^";\s]+)', actual)
    assert charset is None or charset[1].lower() == "utf-8", actual


def parse(content: bytes) -> list[ox.Quad]:
    return list(ox.parse(content, format=GRAPH_TYPES["text/turtle"]))
