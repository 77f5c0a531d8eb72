"""Does the rig itself do what its tests rely on?"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from . import servers
from .servers import JSON, QUERY, Proxy, Service, serving

COUNT = "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    path = tmp_path_factory.mktemp("small") / "small.ttl"
    path.write_text('<x:a> <x:p> "one", "two" . <x:b> <x:p> "three" .\n')
    with serving(path) as service:
        yield service


@pytest.fixture
def between(small: Service) -> Iterator[Proxy]:
    with Proxy(small.address) as proxy:
        yield proxy


@contextlib.contextmanager
def asking(
    proxy: Proxy, query: str = COUNT, timeout: float = 10
) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)
    with contextlib.closing(connection):
        headers = {"Content-Type": QUERY, "Accept": JSON}
        connection.request("POST", "/query", query.encode(), headers)
        yield connection.getresponse()


def ask(proxy: Proxy, query: str = COUNT, timeout: float = 10) -> tuple[int, Message, bytes]:
    with asking(proxy, query, timeout) as response:
        return response.status, response.headers, response.read()


def test_the_service_answers_and_can_be_changed(small: Service) -> None:
    assert small.select(COUNT)[0]["n"]["value"] == "3"
    small.update('INSERT DATA { <x:c> <x:p> "four" }')
    assert small.select(COUNT)[0]["n"]["value"] == "4"
    small.replace(b'<x:a> <x:p> "one", "two", "three" .')
    assert small.select(COUNT)[0]["n"]["value"] == "3"


def test_it_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "a.ttl"
    path.write_text("<x:a> <x:b> <x:c> .")
    with serving(path) as service:
        port, process = service.port, service.process
    assert process.poll() is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_what_is_asked_is_passed_on_and_counted(between: Proxy) -> None:
    with asking(between) as response:
        body = response.read()
        assert response.status == 200 and response.headers["Content-Type"] == JSON
    assert json.loads(body)["results"]["bindings"][0]["n"]["value"] == "3"
    form = urlencode({"query": COUNT})
    connection = http.client.HTTPConnection("127.0.0.1", between.port, timeout=10)
    connection.request("GET", f"/query?{form}", headers={"Accept": JSON})
    connection.getresponse().read()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": JSON}
    connection.request("POST", "/query", form, headers)  # the same connection again
    connection.getresponse().read()
    connection.close()
    assert between.queries == [COUNT] * 3
    assert between.statuses == [200] * 3
    assert all(seen.sent > len(body) and seen.received > len(COUNT) for seen in between.seen)
    assert between.sent == sum(seen.sent for seen in between.seen)
    assert between.most_at_once == 1


def test_a_script_is_played_in_order_then_all_is_well(between: Proxy) -> None:
    between.script(servers.TooMany(3), servers.TooMany(60, is_date=True), None, servers.Status(503))
    replies = [ask(between) for _ in range(5)]
    assert [status for status, _, _ in replies] == [429, 429, 200, 503, 200]
    assert replies[0][1]["Retry-After"] == "3"
    ahead = parsedate_to_datetime(replies[1][1]["Retry-After"]).timestamp() - time.time()
    assert 50 < ahead < 61


def test_a_rule_decides_where_no_script_is_left(between: Proxy) -> None:
    between.rule = lambda seen, _: servers.Status(500) if "ASK" in seen.query else None
    assert ask(between, "ASK {}")[0] == 500
    assert ask(between)[0] == 200
    between.clear()
    assert ask(between, "ASK {}")[0] == 200


@pytest.mark.parametrize(
    "fault", [servers.Cut(10), servers.Cut(-1), servers.Cut(5, is_chunked=True)]
)
def test_a_cut_answer_is_seen_as_cut(between: Proxy, fault: servers.Cut) -> None:
    between.script(fault)
    with pytest.raises(http.client.IncompleteRead), asking(between) as response:
        response.read()


def test_a_reset_is_one(between: Proxy) -> None:
    between.script(servers.HangUp(is_reset=True))
    with pytest.raises(ConnectionResetError):
        ask(between)
    between.script(servers.HangUp())
    with pytest.raises(http.client.RemoteDisconnected):
        ask(between)


def test_what_is_slow_arrives_whole(between: Proxy) -> None:
    between.script(servers.Slow(pause=0.001, bytes_at_once=4))
    with asking(between) as response:
        assert json.loads(response.read())["results"]["bindings"][0]["n"]["value"] == "3"


def test_lies_and_junk(between: Proxy) -> None:
    between.script(
        servers.MediaType("text/html"), servers.MediaType(None), servers.DOCTYPE, servers.BAD_JSON,
        servers.Redirect("http://127.0.0.1:1/"), servers.Bomb(1 << 20),
    )  # fmt: skip
    with asking(between) as response:
        assert response.headers["Content-Type"] == "text/html"
    with asking(between) as response:
        assert "Content-Type" not in response.headers
    with asking(between) as response:
        assert b"<!DOCTYPE" in response.read()
    with asking(between) as response, pytest.raises(json.JSONDecodeError):
        json.loads(response.read())
    with asking(between) as response:
        assert (response.status, response.headers["Location"]) == (302, "http://127.0.0.1:1/")
    with asking(between) as response:
        assert len(gzip.decompress(response.read())) > 1 << 20


def test_what_is_endless_ends_when_the_client_leaves_or_the_proxy_closes(small: Service) -> None:
    before = set(threading.enumerate())
    with Proxy(small.address) as proxy:
        proxy.script(servers.Endless(), servers.Nothing(), servers.Nothing(), servers.Slow(30))
        with asking(proxy) as response:
            assert len(response.read(3_000_000)) == 3_000_000
        with pytest.raises(TimeoutError):
            ask(proxy, timeout=0.2)
        waiting = [
            socket.create_connection(("127.0.0.1", proxy.port), timeout=10) for _ in range(2)
        ]
        for client in waiting:
            client.sendall(b"POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        began = time.monotonic()
    assert time.monotonic() - began < 5
    for client in waiting:
        client.close()
    assert set(threading.enumerate()) <= before


def test_something_may_happen_in_the_middle(between: Proxy) -> None:
    happened: list[str] = []
    between.script(servers.Call(lambda: happened.append("x")))
    assert ask(between)[0] == 200
    assert happened == ["x"]
