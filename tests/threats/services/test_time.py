"""How long services may keep the gateway, and what is left behind."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    ClientGone,
    UpstreamBusy,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.gateway import Gateway
from peninsula.federation.results import InvalidAnswer, rewrite
from peninsula.federation.services import Service
from tests.threats.hosts import (
    EMPTY,
    HEAD,
    Behaviour,
    Host,
    drip,
    hang_up,
    pour,
    redirect,
    response,
    stall,
)
from tests.threats.target import wait_until

from .asking import QUERY, failure

dribble = drip(b" ", HEAD + b"Content-Length: 100000\r\n\r\n")
dribble_header = drip(b"x", b"HTTP/1.1 200 OK\r\nX-Slow: ")
dribble_error = drip(
    b"x", b"HTTP/1.1 400 Bad\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\n"
)


@pytest.mark.alone
@pytest.mark.parametrize("behave", [dribble, dribble_header, stall])
def test_slowness_has_an_end(
    gateway: Gateway, service: Service, host: Host, behave: Behaviour
) -> None:
    host.behave = behave
    began = time.monotonic()
    assert isinstance(failure(gateway, service, timeout=0.5), UpstreamTimeout)
    assert time.monotonic() - began < 2
    began = time.monotonic()
    with pytest.raises(ClientGone):
        gateway.select(service, QUERY, is_gone=lambda: time.monotonic() - began > 0.3)
    assert time.monotonic() - began < 2


def test_an_error_that_dribbles_is_told_soon(
    gateway: Gateway, service: Service, host: Host
) -> None:
    host.behave = dribble_error
    began = time.monotonic()
    assert "answers 400 Bad: xxx" in failure(gateway, service).message
    assert time.monotonic() - began < 5


def test_a_reset_is_a_broken_connection(gateway: Gateway, service: Service, host: Host) -> None:
    def reset(client: socket.socket) -> None:
        client.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    host.behave = reset
    assert isinstance(failure(gateway, service), UpstreamUnreachable)
    assert len(host.visits) == 4, "tried a few times, and no more"


def test_a_storm_of_429_costs_the_service_nothing(
    nursery: Nursery, service: Service, host: Host
) -> None:
    """Many ask, and the service wants to be left alone: it is, by all of them."""
    host.answer = response(b"", status="429 Too Many Requests", Retry_After=60)
    gateway = Gateway(nursery=nursery, most_at_once=64)

    def ask(number: int) -> BaseException | None:
        try:
            gateway.select(service, f"{QUERY} LIMIT {number}")
        except UpstreamBusy as error:
            return error
        return None

    with ThreadPoolExecutor(40) as pool:
        errors = list(pool.map(ask, range(200)))
    assert all(isinstance(error, UpstreamBusy) and error.retry_after > 50 for error in errors)
    assert len(host.visits) <= service.max_requests
    assert gateway.calls == 0


def count_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_behind(gateway: Gateway, service: Service, host: Host) -> None:
    """Open files, processes and threads are those of before, whatever went wrong."""
    gateway.select(service, QUERY)
    before = count_files(), threading.active_count()
    for behave in (dribble, stall, pour(b" " * 65_536, HEAD + b"\r\n"), hang_up):
        host.behave = behave
        for _ in range(3):
            failure(gateway, service, timeout=0.2)
    host.behave = None
    for answer in (response(b"{}"), response(EMPTY, "text/html"), redirect("file:///"), b""):
        host.answer = answer
        failure(gateway, service)
    wait_until(lambda: (count_files(), threading.active_count()) <= before, 10)


def test_a_parser_by_itself_refuses_what_it_was_not_promised() -> None:
    for kind, format, content in (
        ("solutions", "JSON", b""),
        ("solutions", "XML", b"{}"),
        ("solutions", "TSV", b"a\n1\n"),
        ("graph", "Turtle", b"<x:s> <x:p> <relative> ."),
        ("graph", "RDF/XML", b"<!DOCTYPE x><x/>"),
        ("graph", "N-Triples", b"<x:s> <x:p> "),
    ):
        with Path(os.devnull).open("wb") as nowhere, pytest.raises(InvalidAnswer):
            rewrite(content, nowhere, kind, format)
