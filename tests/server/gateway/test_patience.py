"""How long the gateway waits: for an answer, for its turn, for a service that had enough."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    ClientGone,
    Overloaded,
    UpstreamBusy,
    UpstreamTimeout,
)
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from tests.wikidata import servers
from tests.wikidata.servers import Proxy

from .asking import ALL, Log, failure, wait_until


@pytest.mark.parametrize(
    "fault",
    [servers.Slow(), servers.Slow(before=30.0), servers.Nothing()],
    ids=["dribbles", "late", "silent"],
)
def test_the_time_is_one_for_the_whole_exchange(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log, fault: servers.Fault
) -> None:
    proxy.script(fault)
    began = time.monotonic()
    error = failure(gateway, service, timeout=0.4)
    assert 0.3 < time.monotonic() - began < 5
    assert isinstance(error, UpstreamTimeout) and error.status == 504
    assert log.outcomes == ["timeout"]


def test_the_service_has_a_limit_of_its_own(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.script(servers.Nothing())
    began = time.monotonic()
    failure(gateway, replace(service, timeout=0.3), timeout=30)
    assert time.monotonic() - began < 3


def test_a_client_that_leaves_breaks_it_off(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    proxy.script(servers.Nothing())
    left = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(gateway.select, service, ALL, is_gone=left.is_set)
        wait_until(lambda: proxy.seen)
        left.set()
        with pytest.raises(ClientGone):
            call.result(10)
    wait_until(lambda: proxy.seen[0].until)
    assert log.outcomes == ["gone"]
    assert gateway.calls == 0


@pytest.mark.parametrize("is_date", [False, True])
def test_it_waits_as_long_as_it_is_told(
    gateway: Gateway, service: Service, proxy: Proxy, *, is_date: bool
) -> None:
    # A date has whole seconds.
    proxy.script(servers.TooMany(2, is_date=is_date))
    assert gateway.select(service, ALL).rows
    first, second = proxy.seen
    assert (0.9 if is_date else 1.95) < second.at - first.at < 4


def test_a_service_that_had_enough_is_left_alone_by_all(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    proxy.script(servers.TooMany(300))
    error = failure(gateway, service)
    assert isinstance(error, UpstreamBusy) and error.status == 503
    assert error.headers() == {"Retry-After": "300"}
    began = time.monotonic()
    for number in range(5):
        assert isinstance(failure(gateway, service, f"{ALL} LIMIT {number}"), UpstreamBusy)
    assert time.monotonic() - began < 5
    assert len(proxy.seen) == 1
    assert set(log.outcomes) == {"busy"}
    assert 290 < gateway.pauses()["test"] <= 300


def test_429_without_a_time_is_heeded_longer_each_time(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.always = servers.TooMany(None)
    error = failure(gateway, replace(service, timeout=4.0))
    assert isinstance(error, UpstreamBusy) and error.retry_after == 4
    first, second = proxy.seen
    assert 1.95 < second.at - first.at < 3.9


def test_no_service_is_left_alone_for_years(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.script(servers.Status(429, {"Retry-After": "999999999"}))
    failure(gateway, service)
    assert 3590 < gateway.pauses()["test"] <= 3600


@pytest.mark.parametrize(
    "value", ["soon", "-1", "1e9", "1" * 5000, "Wed, 99 Nov 2026 00:00:00 GMT"]
)
def test_a_retry_after_that_says_nothing(
    gateway: Gateway, service: Service, proxy: Proxy, value: str
) -> None:
    proxy.script(servers.Status(503, {"Retry-After": value}))
    assert gateway.select(service, ALL).rows, "tried again like any 503"


def test_few_ask_at_a_time(gateway: Gateway, service: Service, proxy: Proxy) -> None:
    proxy.latency = 0.1
    queries = [f"{ALL} LIMIT {number}" for number in range(9)]
    with ThreadPoolExecutor(9) as pool:
        tables = list(pool.map(lambda query: gateway.select(service, query), queries))
    assert [len(table.rows) for table in tables] == [min(number, 6) for number in range(9)]
    assert proxy.most_at_once == 3 == service.max_requests - 1, "one is left to other clients"


def test_who_finds_no_turn_is_told_to_come_again(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.always = servers.Nothing()
    only = replace(service, max_requests=1)
    left = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(gateway.select, only, ALL, is_gone=left.is_set)
        wait_until(lambda: proxy.seen)
        error = failure(gateway, only, "ASK {}", timeout=0.3)
        assert isinstance(error, UpstreamBusy) and "too many at once" in error.message
        left.set()
        with pytest.raises(ClientGone):
            call.result(10)


def test_no_more_calls_than_there_are_threads_for(
    nursery: Nursery, service: Service, proxy: Proxy
) -> None:
    gateway = Gateway(nursery=nursery, most_at_once=2)
    proxy.always = servers.Nothing()
    left = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(gateway.select, service, f"{ALL} LIMIT {number}", is_gone=left.is_set)
            for number in range(2)
        ]
        wait_until(lambda: gateway.calls == 2)
        began = time.monotonic()
        with pytest.raises(Overloaded, match="2 queries that ask services"):
            gateway.select(service, ALL)
        assert time.monotonic() - began < 5
        left.set()
        for call in calls:
            with pytest.raises(ClientGone):
                call.result(10)
