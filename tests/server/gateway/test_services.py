"""Which services there are, what is told of them, and where their answers are parsed."""

from __future__ import annotations

import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    PeninsulaError,
    ServiceForbidden,
)
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import WIKIDATA, Service, Services
from peninsula.metrics import Metrics
from tests.wikidata import servers
from tests.wikidata.servers import Proxy

from .asking import ALL, NAMES, failure, wait_until

# Which services there are.


def test_services_are_found_by_address_and_by_name() -> None:
    services = Services()
    assert list(services) == [WIKIDATA]
    assert services.find("https://query.wikidata.org/sparql") is WIKIDATA
    assert services.find("peninsula:wikidata") is WIKIDATA
    for iri in (
        "https://query.wikidata.org/sparql/",
        "https://query.wikidata.org/sparql?x",
        "https://query.wikidata.org/sparql#x",
        "http://query.wikidata.org/sparql",
        "https://query.wikidata.org:443/sparql",
        "https://QUERY.wikidata.org/sparql",
        "https://query.wikidata.org.evil.example/sparql",
        "https://query.wikidata.org@evil.example/sparql",
        "https://query.wikidata.org/%73parql",
        "peninsula:Wikidata",
        "peninsula:",
        "PENINSULA:wikidata",
        "",
        "x" * 100_000,
    ):
        with pytest.raises(ServiceForbidden) as raised:
            services.find(iri)
        assert raised.value.status == 403
        assert "<peninsula:wikidata>" in raised.value.remedy
        assert len(str(raised.value)) < 1000


def test_an_operator_is_told_how_to_allow_one() -> None:
    with pytest.raises(ServiceForbidden, match="--services NAME=IRI"):
        Services().find("http://example.org/sparql")
    with pytest.raises(ServiceForbidden, match="switched services off"):
        Services(()).find("peninsula:wikidata")
    inside = Services([Service("own", "http://10.0.0.1/secret", is_trusted=True)])
    with pytest.raises(ServiceForbidden) as raised:
        inside.find("http://10.0.0.1/secrets")
    assert "10.0.0.1/secret>" not in str(raised.value), "where it is, is for the operator"


# What is told of it.


def test_its_numbers(service: Service, nursery: Nursery, proxy: Proxy) -> None:
    metrics = Metrics("1")
    gateway = Gateway(nursery=nursery, observe=metrics.count_service)
    gateway.select(service, NAMES)
    gateway.select(service, NAMES)
    proxy.script(servers.BAD_JSON)
    failure(gateway, service)
    text = metrics.exposition().decode()
    for outcome in ("ok", "cached", "failed"):
        line = f'peninsula_service_requests_total{{outcome="{outcome}",service="test"}} 1.0'
        assert line in text, outcome
    assert 'peninsula_service_seconds_count{service="test"} 2.0' in text
    received = re.search(r'service_received_bytes_total\{service="test"\} (\S+)', text)
    assert received and float(received[1]) == proxy.sent
    assert "127.0.0.1" not in text
    with pytest.raises(ValueError, match="nonsense"):
        metrics.count_service("test", "nonsense")


def test_its_log(
    gateway: Gateway, service: Service, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "peninsula.federation.courier")
    proxy.script(servers.Status(503), None, servers.Redirect("http://10.0.0.1/secret"))
    gateway.select(service, NAMES)
    failure(gateway, service)
    good, bad = (record.__dict__["fields"] for record in caplog.records)
    assert (good["service"], good["outcome"], good["tries"]) == ("test", "ok", 2)
    assert (
        good["received"] > 0 and good["sent"] > 0 and re.fullmatch(r"[0-9a-f]{12}", good["query"])
    )
    # The operator is told where it led, whoever asked is not.
    assert "http://10.0.0.1/secret" in bad["detail"] and bad["outcome"] == "failed"


# Where answers are parsed.


def test_a_gateway_by_itself_starts_what_it_needs_once(service: Service) -> None:
    gateway = Gateway()
    before = set(threading.enumerate())

    def started() -> set[threading.Thread]:
        return set(threading.enumerate()) - before

    try:
        # Threads come and go: what was started lives on.
        for number in range(3):
            with ThreadPoolExecutor(1) as pool:
                query = f"{NAMES} LIMIT {number}"
                assert len(pool.submit(gateway.select, service, query).result().rows) == min(
                    number, 2
                )
        # Those of the proxy end when their connections do, a moment later.
        wait_until(lambda: len(started()) == 1)
        assert not any("process_request" in thread.name for thread in started())
    finally:
        gateway.close()
    with pytest.raises(PeninsulaError, match="closed"):
        gateway.select(service, ALL)
