"""Does the server speak the SPARQL 1.1 Protocol as the W3C's protocol tests do?"""

from __future__ import annotations

from typing import Final

import pytest

from .exchanges import Exchange, read_exchanges
from .manifests import W3cTest, cases
from .results import GRAPH_TYPES, SOLUTION_TYPES, read_answer
from .target import Target

FORMATS: Final = {
    "boolean": frozenset(SOLUTION_TYPES.values()),
    "tabular": frozenset(SOLUTION_TYPES.values()),
    "RDF": frozenset({*GRAPH_TYPES, "application/n-quads", "application/trig"}),
}
OTHER_REFUSALS: Final = frozenset({401, 403, 404, 408, 429})
"""Statuses in which the request was refused, but not for what is wrong with it."""


@pytest.mark.parametrize("test", cases("ProtocolTest"))
def test_protocol_requests_get_the_expected_responses(target: Target, test: W3cTest) -> None:
    target.hold(test.before)
    for exchange in read_exchanges(test):
        path = target.update_path if is_update(test, exchange) else target.query_path
        _, question, parameters = exchange.target.partition("?")
        address = path + question + parameters
        response = target.request(exchange.method, address, exchange.headers, exchange.body)
        assert response.status in exchange.statuses - OTHER_REFUSALS, response
        if exchange.expected_format:
            assert response.media_type in FORMATS[exchange.expected_format], response
        if exchange.expected_boolean is not None:
            answer = read_answer(response.body, response.media_type)
            assert answer is exchange.expected_boolean, response


def is_update(test: W3cTest, exchange: Exchange) -> bool:
    """Whether a request is for the address of updates.

    The manifest sends all to one address. Its requests say what they are by their media type or
    parameter, or, where just that is wrong with them, in the name of the test.
    """
    media_type = exchange.headers.get("content-type", "").partition(";")[0]
    if media_type in {"application/sparql-query", "application/sparql-update"}:
        return media_type.endswith("update")
    return "update" in test.id
