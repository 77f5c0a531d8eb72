"""What a connection is granted, over real sockets: times, slow clients, those that leave."""

from __future__ import annotations

import contextlib
import http.client
import json
import resource
import time

import pytest

from peninsula.config import Config

from .instances import MIB, Running, problem, receive, run


def test_an_ordinary_request_is_answered_and_the_connection_stays(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    with contextlib.closing(connection):
        for path in ("/a", "/stream?3", "/b"):
            connection.request("GET", path)
            held = connection.sock
            response = connection.getresponse()
            assert response.status == 200
            assert response.read()
            assert connection.sock is held, "the connection was closed"
    assert response.headers["Server"] == "peninsula"


@pytest.mark.parametrize("path", ["/a", "/stream?3"])
def test_head_has_the_header_of_get_and_no_body(running: Running, path: str) -> None:
    wanted, _ = running.ask("GET", path)
    with running.connect() as client:
        for _ in range(2):  # the second shows that nothing was left over
            client.sendall(f"HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            answer = client.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert body == b""
            for name in ("Content-Type", "Transfer-Encoding"):
                if value := wanted.headers[name]:
                    assert f"{name}: {value}".encode() in head


def test_the_query_method_passes(running: Running) -> None:
    _, body = running.ask("QUERY", "/q", body=b"ASK {}")
    assert json.loads(body)["method"] == "QUERY"
    assert json.loads(body)["length"] == 6


def test_a_failure_tells_nothing_of_the_inside(running: Running) -> None:
    response, body = running.ask("GET", "/fail")
    assert response.status == 500
    assert json.loads(body)["title"] == "Internal error"
    assert b"secret" not in body


def test_what_breaks_off_is_broken_for_the_client(running: Running) -> None:
    with pytest.raises(http.client.IncompleteRead):
        running.ask("GET", "/break")
    assert not running.send(b"GET /break HTTP/1.1\r\nHost: h\r\n\r\n").endswith(b"0\r\n\r\n")


def test_a_client_that_sends_on_still_reads_the_refusal(running: Running) -> None:
    with running.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n")
        for _ in range(100):
            client.sendall(b"x" * 100_000)
            time.sleep(0.002)
        assert problem(receive(client))["status"] == 413


SLOW = {
    "header": b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ",
    "body": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n",
    "chunks": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
}
SHORT = {"header_timeout": 1.0, "body_timeout": 1.0}


@pytest.mark.parametrize("dribbles", [True, False])
@pytest.mark.parametrize("part", SLOW)
def test_a_request_that_does_not_arrive_is_refused(part: str, dribbles: bool) -> None:
    with run(times=SHORT) as running, running.connect() as client:
        began = time.monotonic()
        client.sendall(SLOW[part])
        client.settimeout(0.1)
        answer = b""
        while not answer and time.monotonic() - began < 10:
            if dribbles:
                client.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                answer = client.recv(65536)
        client.settimeout(20)  # the end may come a moment after the answer
        answer += receive(client)
        assert 0.9 < time.monotonic() - began < 4
        content = problem(answer)
        assert content["status"] == 408
        assert content["type"].endswith("/problem/request-timeout")
        assert running.application.asked == []


def test_hundreds_that_dribble_hold_up_nobody() -> None:
    config = Config(port=0, threads=1, queue=1, readers=1)
    with run(config, times=SHORT) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(200)]
        slow = list(SLOW.values())
        for number, client in enumerate(clients):
            client.sendall(slow[number % 3])
        for _ in range(4):
            began = time.monotonic()
            response, _ = running.ask("GET", "/ordinary")
            assert response.status == 200
            assert time.monotonic() - began < 3
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(b"x")
            time.sleep(0.3)
        for client in clients:
            assert b" 408 " in receive(client)
        assert running.application.asked == ["GET /ordinary"] * 4


def test_blank_lines_do_not_keep_a_connection() -> None:
    with run(times=SHORT) as running, running.connect() as client:
        began = time.monotonic()
        client.settimeout(0.2)
        while time.monotonic() - began < 10:
            try:
                client.sendall(b"\r\n\r\n")
                if client.recv(10) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - began < 5


def test_a_connection_on_which_nothing_is_asked_is_closed() -> None:
    with run(times={"idle_timeout": 1.0}) as running, running.connect() as client:
        began = time.monotonic()
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert receive(client).startswith(b"HTTP/1.1 200")
        assert 0.9 < time.monotonic() - began < 4


def test_a_long_request_is_not_taken_for_an_idle_connection() -> None:
    # What the rest of the header may take is ten times what it takes.
    times = {"idle_timeout": 1.0, "header_timeout": 1.0, "stall_timeout": 1.0}
    with run(times=times) as running, running.connect() as client:
        # A second request is half sent meanwhile: its time begins when it can be read.
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\n")
        time.sleep(2.5)
        running.application.released.set()
        time.sleep(0.1)
        client.sendall(b"Host: h\r\nConnection: close\r\n\r\n")
        answer = receive(client)
        assert b"waited" in answer
        assert b'"path": "/next"' in answer


def test_the_application_learns_that_its_client_left() -> None:
    with run() as running:
        with running.connect() as client:
            client.sendall(b"GET /heed HTTP/1.1\r\nHost: h\r\n\r\n")
            assert running.application.begun.wait(5)
        began = time.monotonic()
        assert running.application.left.wait(5)
        assert time.monotonic() - began < 3


def test_a_stream_ends_when_its_client_leaves() -> None:
    with run() as running:
        with running.connect() as client:
            client.sendall(b"GET /stream?10000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            client.recv(1000)
        assert running.application.left.wait(5)


def test_a_client_that_takes_nothing_is_dropped() -> None:
    with run(times={"stall_timeout": 1.0}) as running, running.connect() as client:
        client.sendall(b"GET /stream?10000000 HTTP/1.1\r\nHost: h\r\n\r\n")
        assert running.application.left.wait(10)
        assert running.application.sent < 64 * MIB
        assert not receive(client).endswith(b"\r\n0\r\n\r\n")


def test_a_client_that_reads_slowly_is_served_whole_in_little_memory() -> None:
    size = 200 * MIB
    with run(times={"stall_timeout": 1.0}) as running, running.connect() as client:
        client.sendall(
            f"GET /stream?{size // 1024} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
        )
        client.recv(1)
        time.sleep(0.5)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        received, next_pause, buffer = 1, 20 * MIB, bytearray(MIB)
        while count := client.recv_into(buffer):
            received += count
            if received > next_pause and next_pause < 60 * MIB:
                next_pause += 10 * MIB
                time.sleep(0.4)
        assert received > size
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown * 1024 < 20 * MIB
