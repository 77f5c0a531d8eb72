"""What tests of the gateway ask, what they note of it, and how they look at its failures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from peninsula.errors import UpstreamFailed
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from peninsula.metrics import SERVICE_OUTCOMES
from tests.wikidata import servers

TSV: Final = "text/tab-separated-values"
DATA: Final = b"""
PREFIX x: <http://example.org/> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
x:a x:name "Kim"@en, "\xea\xb9\x80"@ko ; x:born "1984-01-08"^^xsd:date ; x:count 1 ; x:knows _:b .
_:b x:name "Nobody" .
"""
NAMES: Final = "PREFIX x: <http://example.org/> SELECT ?name { x:a x:name ?name } ORDER BY ?name"
ALL: Final = "SELECT * { ?s ?p ?o }"


class Log:
    """What a gateway counts."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def __call__(self, service: str, outcome: str, *, seconds: float, received: int) -> None:
        assert seconds >= 0 and received >= 0
        assert outcome in SERVICE_OUTCOMES
        self.entries.append((service, outcome))

    @property
    def outcomes(self) -> list[str]:
        return [outcome for _, outcome in self.entries]


def failure(gateway: Gateway, service: Service, query: str = ALL, **more: Any) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as raised:
        gateway.select(service, query, **more)
    assert "“test”" in raised.value.message
    assert "\n" not in str(raised.value)
    assert service.address not in str(raised.value)
    return raised.value


def results(*rows: str, variables: str = '"a"') -> bytes:
    return (
        f'{{"head":{{"vars":[{variables}]}},"results":{{"bindings":[{",".join(rows)}]}}}}'.encode()
    )


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait for what should be so at once; fail after seconds."""
    until = time.monotonic() + servers.PATIENCE
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.005)
