"""The socket, the threads, and the end of a server."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from peninsula.config import Config
from peninsula.dataset.readers import most_at_once
from peninsula.errors import CannotListen
from peninsula.federation.gateway import MOST_AT_ONCE
from peninsula.federation.services import DEFAULTS
from peninsula.serving import address_of, bind, count_threads

from .instances import receive, run

PROGRAM = """
import sys, threading, time
sys.path.insert(0, sys.argv[1])
from peninsula.config import Config
from peninsula.serving import bind, serve

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        print("begun", flush=True)
        time.sleep(float(environ["QUERY_STRING"]))
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]

config = Config(port=0, readers=1, queue=1)
with bind(config) as listener:
    print(listener.getsockname()[1], flush=True)
    serve(application, listener, config, grace=float(sys.argv[2]),
          on_stop=lambda: print("stopping", flush=True))
print("returned", flush=True)
"""


@contextlib.contextmanager
def process(grace: float) -> Iterator[tuple[subprocess.Popen[str], int]]:
    server = Path(__file__).resolve().parents[3] / "server"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(server), str(grace)],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield child, int(read_line(child))
        finally:
            child.kill()


def read_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout
    return child.stdout.readline().strip()


def get(port: int, path: str, fields: str = "") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n".encode())
        return receive(client)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_request_finish(number: signal.Signals) -> None:
    with process(grace=10) as (child, port):
        idle = socket.create_connection(("127.0.0.1", port), timeout=20)
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(get(port, "/slow?1.5")))
        asking.start()
        assert read_line(child) == "begun"
        child.send_signal(number)
        assert read_line(child) == "stopping"
        with pytest.raises(OSError):  # noqa: PT011
            get(port, "/")
        with idle:
            assert idle.recv(1) == b""
        asking.join(10)
        assert answers[0].endswith(b"\r\n\r\ndone")
        assert b"Connection: close" in answers[0]
        assert read_line(child) == "returned"
        assert child.wait(10) == 0


def test_with_nothing_running_the_end_comes_at_once() -> None:
    with process(grace=10) as (child, port):
        assert get(port, "/", "Connection: close\r\n")
        began = time.monotonic()
        child.terminate()
        assert child.wait(10) == 0
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(("grace", "signals", "longest"), [(1, 1, 5), (60, 2, 5)])
def test_what_does_not_finish_is_cut_off(grace: float, signals: int, longest: float) -> None:
    with process(grace=grace) as (child, port):
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(get(port, "/slow?30")))
        asking.start()
        assert read_line(child) == "begun"
        began = time.monotonic()
        child.terminate()
        assert read_line(child) == "stopping"
        if signals == 2:
            child.send_signal(signal.SIGINT)
        assert read_line(child) == "returned"
        assert child.wait(10) == 0
        assert time.monotonic() - began < longest
        asking.join(10)
        assert answers == [b""]


def test_a_port_in_use_is_one_readable_line() -> None:
    with bind(Config(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"{port}: the port is in use"):
            bind(Config(port=port))


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_ipv6_address_is_written_as_in_a_link() -> None:
    try:
        listener = bind(Config(host="::1", port=0))
    except CannotListen:
        pytest.skip("no IPv6 here")
    with listener:
        assert address_of(listener) == f"http://localhost:{listener.getsockname()[1]}/"


def test_waiting_queries_leave_threads_for_the_rest() -> None:
    alone = Config(threads=8, queue=64, readers=2, services=())
    assert count_threads(alone) == 8 + 64 + most_at_once(2)
    cores = os.cpu_count() or 1
    assert count_threads(Config(threads=1, queue=0, services=())) == 1 + most_at_once(cores)
    assert count_threads(replace(alone, services=DEFAULTS)) == count_threads(alone) + MOST_AT_ONCE


def test_a_network_of_addresses_is_one_client() -> None:
    config = Config(port=0, threads=8, queue=4, readers=1, services=(), trusted_proxy="127.0.0.1")
    with run(config) as running, contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(running.connect()) for _ in range(count_threads(config))]
        for i, client in enumerate(waiting):
            head = f"GET /wait HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 2001:db8::{i + 1:x}\r\n\r\n"
            client.sendall(head.encode())
        assert running.application.begun.wait(20)
        # As many as there are threads, and some are left to another network all the same.
        response, _ = running.ask("GET", "/", headers={"X-Forwarded-For": "2001:db8:0:1::1"})
        assert response.status == 200
        assert select.select(waiting, [], [], 0)[0] == [], "all of them still wait"


def test_only_a_trusted_proxy_is_believed() -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "kg.example"}
    for trusted, scheme in (("127.0.0.1", "https"), ("192.0.2.1", "http"), ("", "http")):
        with run(Config(port=0, readers=1, queue=1, trusted_proxy=trusted)) as running:
            _, body = running.ask("GET", "/", headers=headers)
            told = json.loads(body)
            assert told["scheme"] == scheme
            assert (told["host"] == "kg.example") == (scheme == "https")
