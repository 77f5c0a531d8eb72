"""The server itself, over real sockets: times, sizes, framing, slow clients and its end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from peninsula.config import Config
from peninsula.dataset.readers import most_at_once
from peninsula.errors import CannotListen, Unauthorized
from peninsula.federation.gateway import MOST_AT_ONCE
from peninsula.federation.services import DEFAULTS
from peninsula.serving import Server, address_of, bind, count_threads

Environ = dict[str, Any]
MIB = 2**20


class Application:
    """A small application: what it was asked, and a way to hold it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()
        self.begun = threading.Event()
        self.left = threading.Event()
        self.sent = 0

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        path = environ["PATH_INFO"]
        self.asked.append(f"{environ['REQUEST_METHOD']} {path}")
        match path:
            case "/wait":
                self.begun.set()
                self.released.wait(20)
                answer = b"waited"
            case "/heed":
                self.begun.set()
                while not environ["waitress.client_disconnected"]():
                    time.sleep(0.02)
                self.left.set()
                answer = b""
            case "/stream":
                start_response("200 OK", [("Content-Type", "text/plain")])
                return self.stream(int(environ["QUERY_STRING"]))
            case "/break":
                start_response("200 OK", [("Content-Type", "text/plain")])
                return self.break_off()
            case "/fail":
                raise RuntimeError("an inner secret")
            case _:
                body = environ["wsgi.input"].read()
                answer = json.dumps(
                    {
                        "method": environ["REQUEST_METHOD"],
                        "path": path,
                        "length": len(body),
                        "declared": environ.get("CONTENT_LENGTH"),
                        "scheme": environ["wsgi.url_scheme"],
                        "host": environ.get("HTTP_HOST"),
                    }
                ).encode()
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))]
        )
        return [answer]

    def stream(self, count: int) -> Iterator[bytes]:
        try:
            for _ in range(count):
                yield b"x" * 1023 + b"\n"
                self.sent += 1024
        finally:
            self.left.set()

    def break_off(self) -> Iterator[bytes]:
        yield b"some"
        raise RuntimeError("broken off")


class Running:
    """A server in a thread, and ways to talk to it."""

    def __init__(self, config: Config, *, grace: float = 5.0, **more: Any) -> None:
        self.application = Application()
        self.listener = bind(config)
        self.port: int = self.listener.getsockname()[1]
        self.server = Server(self.application, self.listener, config, grace=grace, **more)
        self.thread = threading.Thread(target=self.server.run)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, data: bytes) -> bytes:
        """Return all that the server answers to ``data`` until it closes."""
        with self.connect() as client:
            client.sendall(data)
            return receive(client)

    def ask(self, method: str, path: str, **more: Any) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, **more)
            response = connection.getresponse()
            return response, response.read()


def receive(client: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def problem(answer: bytes) -> dict[str, Any]:
    """Return the problem document of a raw response, and check that it is one."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head
    assert b"Connection: close" in head
    content: dict[str, Any] = json.loads(body)
    assert head.startswith(f"HTTP/1.{head[7:8].decode()} {content['status']} ".encode())
    assert {"type", "title", "status", "detail"} <= set(content)
    return content


@contextlib.contextmanager
def run(
    config: Config | None = None, times: dict[str, float] | None = None, **more: Any
) -> Iterator[Running]:
    running = Running(config or Config(port=0, threads=4, queue=4, readers=1), **more)
    for name, seconds in (times or {}).items():
        setattr(running.server, name, seconds)
    running.thread.start()
    try:
        yield running
    finally:
        running.application.released.set()
        running.server.stop()
        running.thread.join(15)
        assert not running.thread.is_alive()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    config = Config(port=0, threads=4, queue=4, readers=1, max_upload_bytes=100_000)

    def limit(_method: str, path: str, _authorization: str | None) -> int:
        return 1000 if path == "/small" else 100_000

    with run(config, body_limit=limit) as server:
        yield server


# What HTTP asks for.


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


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://example.org/a?b=c", "/a"),
        ("http://example.org", "/"),
        ("//a//b", "/a//b"),
        ("/%ED%95%9C", "/\xed\x95\x9c"),
        ("*", "*"),
    ],
)
def test_targets_of_every_form_have_a_path(running: Running, target: str, path: str) -> None:
    answer = running.send(
        f"OPTIONS {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
    )
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["path"] == path


def test_a_chunked_body_arrives_as_one(running: Running) -> None:
    _, body = running.ask("POST", "/a", body=iter([b"abc", b"defg"]), encode_chunked=True,
                          headers={"Transfer-Encoding": "chunked"})  # fmt: skip
    assert json.loads(body)["length"] == 7
    assert json.loads(body)["declared"] == "7"


def test_a_client_that_asks_first_is_told_to_continue(running: Running) -> None:
    with running.connect() as client:
        client.sendall(
            b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        received = client.recv(1000)
        while not received.endswith(b"}"):  # the body may come apart from the header
            received += client.recv(1000)
        assert b'"length": 3' in received


@pytest.mark.parametrize("fields", ["", "Content-Length: 0\r\n"])
def test_a_client_that_asks_first_without_a_body_is_answered(running: Running, fields: str) -> None:
    answer = running.send(
        f"GET /a HTTP/1.1\r\nHost: h\r\n{fields}Expect: 100-continue\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_requests_sent_at_once_are_answered_in_order(running: Running) -> None:
    requests = [f"GET /{n} HTTP/1.1\r\nHost: h\r\n\r\n" for n in range(5)]
    last = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = running.send("".join([*requests, last]).encode())
    positions = [answer.index(f'"path": "/{n}"'.encode()) for n in [*range(5), "last"]]
    assert positions == sorted(positions)


GET = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.2\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 3000,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 9000,
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /x HTTP/1.1\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /x HTTP/3.0\r\nHost: a\r\n\r\n",
        b"GET /x\r\nHost: a\r\n\r\n",
        b"GET /x HTTP/1.1\nHost: a\n\nX\r\n\r\n",
        b"GET  /x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"get /x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)  # fmt: skip
def test_unsound_framing_is_refused_and_nothing_after_it_is_read(
    running: Running, request_: bytes
) -> None:
    running.application.asked.clear()
    answer = running.send(request_)
    assert problem(answer)["status"] in {400, 501}
    assert answer.count(b"Content-Type: ") == 1
    assert running.application.asked == []


def test_an_underscored_field_is_not_the_one_with_a_hyphen(running: Running) -> None:
    answer = running.send(
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent_Length: 5\r\nConnection: close\r\n\r\n"
    )
    assert b'"length": 0' in answer


def test_a_failure_tells_nothing_of_the_inside(running: Running) -> None:
    response, body = running.ask("GET", "/fail")
    assert response.status == 500
    assert json.loads(body)["title"] == "Internal error"
    assert b"secret" not in body


def test_what_breaks_off_is_broken_for_the_client(running: Running) -> None:
    with pytest.raises(http.client.IncompleteRead):
        running.ask("GET", "/break")
    assert not running.send(b"GET /break HTTP/1.1\r\nHost: h\r\n\r\n").endswith(b"0\r\n\r\n")


# Sizes.


@pytest.mark.parametrize(("path", "size"), [("/small", 1001), ("/", 100_001)])
@pytest.mark.parametrize("way", ["length", "chunked", "expect"])
def test_a_body_over_the_limit_is_refused_before_it_is_read(
    running: Running, path: str, size: int, way: str
) -> None:
    field = {
        "length": f"Content-Length: {size}",
        "chunked": "Transfer-Encoding: chunked",
        "expect": f"Content-Length: {size}\r\nExpect: 100-continue",
    }[way]
    with running.connect() as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n".encode())
        if way == "chunked":
            client.sendall(f"{size:x}\r\n".encode() + b"x" * size)
        content = problem(receive(client))
    assert content["status"] == 413
    assert content["type"].endswith("/problem/request-too-large")
    assert f"{size - 1:,} bytes" in content["detail"]


@pytest.mark.parametrize(("path", "size"), [("/small", 1000), ("/", 100_000)])
def test_a_body_at_the_limit_is_taken(running: Running, path: str, size: int) -> None:
    for chunked in (False, True):
        body: Any = iter([b"x" * size]) if chunked else b"x" * size
        response, answer = running.ask("POST", path, body=body, encode_chunked=chunked,
            headers={"Transfer-Encoding": "chunked"} if chunked else {})  # fmt: skip
        assert response.status == 200
        assert json.loads(answer)["length"] == size


def test_a_client_that_sends_on_still_reads_the_refusal(running: Running) -> None:
    with running.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n")
        for _ in range(100):
            client.sendall(b"x" * 100_000)
            time.sleep(0.002)
        assert problem(receive(client))["status"] == 413


def test_a_header_over_the_limit_is_refused(running: Running) -> None:
    answer = running.send(b"GET /?" + b"x" * (MIB + 10) + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert problem(answer)["status"] == 431
    response, _ = running.ask("GET", "/?" + "x" * (MIB - 1000))
    assert response.status == 200


# Times.

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
    times = {"idle_timeout": 0.5, "header_timeout": 0.5, "stall_timeout": 0.5}
    with run(times=times) as running, running.connect() as client:
        # A second request is half sent meanwhile: its time begins when it can be read.
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\n")
        time.sleep(2)
        running.application.released.set()
        time.sleep(0.1)
        client.sendall(b"Host: h\r\nConnection: close\r\n\r\n")
        answer = receive(client)
        assert b"waited" in answer
        assert b'"path": "/next"' in answer


# Clients that leave, or read slowly.


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
        assert running.application.left.wait(2)


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


# The end.

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
    server = Path(__file__).resolve().parents[2] / "server"
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


# The address, and the threads.


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


def test_a_body_may_be_refused_before_it_is_read() -> None:
    def limit(_method: str, _path: str, authorization: str | None) -> int:
        if authorization is None:
            raise Unauthorized("This needs a token.")
        return 100

    with run(Config(port=0, readers=1, queue=1), body_limit=limit) as running:
        with socket.create_connection(running.server.getsockname()) as connection:
            connection.sendall(
                b"PUT /store HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc"
            )
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b'www-authenticate: bearer realm="peninsula"' in answer.lower()


def test_only_a_trusted_proxy_is_believed() -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "kg.example"}
    for trusted, scheme in (("127.0.0.1", "https"), ("192.0.2.1", "http"), ("", "http")):
        with run(Config(port=0, readers=1, queue=1, trusted_proxy=trusted)) as running:
            _, body = running.ask("GET", "/", headers=headers)
            told = json.loads(body)
            assert told["scheme"] == scheme
            assert (told["host"] == "kg.example") == (scheme == "https")


def test_an_address_that_is_not_encoded_is_told_how(running: Running) -> None:
    answer = problem(running.send("GET /search?q=Путин HTTP/1.1\r\nHost: x\r\n\r\n".encode()))
    assert answer["status"] == 400
    assert "Percent-encode" in answer["remedy"]
