"""How do tests get a second SPARQL server that is real, and one that fails as they say?

:func:`serving` runs ``oxigraph serve`` as a process of its own, loaded with Turtle;
``SERVICE_FILE`` is what all tests take for Wikidata. :class:`Proxy` stands in front of a server,
passes on what it is asked, and where its script says so answers with a :class:`Fault` instead. It
records every request with the bytes that it came and went in.

    with serving(SERVICE_FILE) as service, Proxy(service.address) as proxy:
        proxy.script(TooMany(retry_after=1), None, Cut(after=100))
        …                                            # ask proxy.address
        assert [seen.status for seen in proxy.seen] == [429, 200, 200]

A test may change what the service holds by :meth:`Service.update` and :meth:`Service.replace`.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

#: What the tests take for Wikidata, in its RDF shape.
SERVICE_FILE: Final = Path(__file__).with_name("service.ttl")
#: Seconds that a test waits for what should happen at once; only a failure waits so long.
PATIENCE: Final = 20.0

JSON: Final = "application/sparql-results+json"
XML: Final = "application/sparql-results+xml"
NTRIPLES: Final = "application/n-triples"
TURTLE: Final = "text/turtle"
QUERY: Final = "application/sparql-query"
UPDATE: Final = "application/sparql-update"

_HOST: Final = "127.0.0.1"
#: How often another port is tried, should somebody else have taken the free one meanwhile.
_TRIES: Final = 5


# The server.


def free_port() -> int:
    """Return a port of the loopback address at which nobody listens just now."""
    with socket.socket() as taken:
        taken.bind((_HOST, 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass
class Service:
    """``oxigraph serve``, as a process of its own."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        return f"{_HOST}:{self.port}"

    @property
    def address(self) -> str:
        """Return where it answers SPARQL queries."""
        return f"http://{self.host}/query"

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Send one request and return the body of the answer, which must be a success."""
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            answer = response.read()
            assert 200 <= response.status < 300, f"{response.status} {answer[:1000]!r}"
            return answer

    def select(self, query: str) -> list[dict[str, Any]]:
        """Return the bindings of a SELECT query, as they stand in JSON."""
        headers = {"Content-Type": QUERY, "Accept": JSON}
        answer = json.loads(self.request("POST", "/query", query.encode(), headers))
        found: list[dict[str, Any]] = answer["results"]["bindings"]
        return found

    def update(self, text: str) -> None:
        """Change what the service holds."""
        self.request("POST", "/update", text.encode(), {"Content-Type": UPDATE})

    def load(self, turtle: bytes | Path) -> None:
        """Add the triples of Turtle to the default graph, where Wikidata has all of its own."""
        body = turtle.read_bytes() if isinstance(turtle, Path) else turtle
        self.request("POST", "/store?default", body, {"Content-Type": TURTLE})

    def replace(self, turtle: bytes | Path) -> None:
        """Let the service hold nothing but these triples."""
        body = turtle.read_bytes() if isinstance(turtle, Path) else turtle
        self.request("PUT", "/store?default", body, {"Content-Type": TURTLE})


def _program() -> str:
    beside = Path(sys.executable).with_name("oxigraph")
    program = str(beside) if beside.exists() else shutil.which("oxigraph")
    assert program, "oxigraph serve is missing: install the extra “test”"
    return program


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Return whether the process answers at the port; False as soon as it has ended."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None:
        try:
            with socket.create_connection((_HOST, port), timeout=1):
                return True
        except OSError:
            assert time.monotonic() < until, "oxigraph serve does not listen"
            time.sleep(0.01)
    return False


@contextlib.contextmanager
def serving(*files: Path) -> Iterator[Service]:
    """Run ``oxigraph serve`` in memory on a free port, with Turtle files loaded, until the end."""
    for _ in range(_TRIES):
        port = free_port()
        process = subprocess.Popen(
            [_program(), "serve", "--bind", f"{_HOST}:{port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            if _listens(port, process):
                service = Service(port, process)
                for file in files:
                    service.load(file)
                yield service
                return
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
    raise AssertionError("oxigraph serve found no port")


# What goes wrong.


class Fault:
    """What a request is answered with instead of the answer."""

    def play(self, answering: Answering) -> None:
        """Answer the request."""
        raise NotImplementedError


@dataclass(frozen=True)
class Status(Fault):
    """An error, such as 503; ``headers`` and ``body`` as given."""

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"not now\n"
    media_type: str = "text/plain"

    def play(self, answering: Answering) -> None:
        headers = {"Content-Type": self.media_type, **self.headers}
        answering.send(self.status, headers, self.body)


@dataclass(frozen=True)
class TooMany(Fault):
    """429 with Retry-After in seconds (or none), or as a date that many seconds ahead."""

    retry_after: float | None = 1
    is_date: bool = False
    status: int = 429

    def play(self, answering: Answering) -> None:
        headers = {"Content-Type": "text/plain"}
        if self.retry_after is not None:
            moment = datetime.now(UTC) + timedelta(seconds=self.retry_after)
            headers["Retry-After"] = (
                format_datetime(moment, usegmt=True) if self.is_date else f"{self.retry_after:g}"
            )
        answering.send(self.status, headers, b"Too many requests\n")


@dataclass(frozen=True)
class Slow(Fault):
    """The true answer, dribbled: so many bytes, a pause, and so on.

    ``before`` seconds pass before the first byte.
    """

    pause: float = 0.05
    bytes_at_once: int = 1
    before: float = 0.0

    def play(self, answering: Answering) -> None:
        answer = answering.ask()
        answering.wait(self.before)
        answering.begin(answer.status, answer.headers, len(answer.body))
        for start in range(0, len(answer.body), self.bytes_at_once):
            answering.write(answer.body[start : start + self.bytes_at_once])
            answering.wait(self.pause)


@dataclass(frozen=True)
class Cut(Fault):
    """The true answer, and after so many bytes of its body the connection breaks off.

    ``after`` below zero counts from the end. ``is_reset`` ends it by RST instead of FIN;
    ``is_chunked`` does without a Content-Length.
    """

    after: int = -1
    is_reset: bool = False
    is_chunked: bool = False

    def play(self, answering: Answering) -> None:
        answer = answering.ask()
        kept = answer.body[: self.after]
        assert len(kept) < len(answer.body), "nothing is left to cut off"
        if self.is_chunked:
            answering.begin(answer.status, answer.headers, None)
            answering.write_chunk(kept)
        else:
            answering.begin(answer.status, answer.headers, len(answer.body))
            answering.write(kept)
        answering.hang_up(is_reset=self.is_reset)


@dataclass(frozen=True)
class Redirect(Fault):
    """A redirect to an address."""

    to: str
    status: int = 302

    def play(self, answering: Answering) -> None:
        answering.send(self.status, {"Location": self.to}, b"")


@dataclass(frozen=True)
class MediaType(Fault):
    """The true answer under another media type; None: under none."""

    media_type: str | None = "text/html"

    def play(self, answering: Answering) -> None:
        answer = answering.ask()
        headers = {name: v for name, v in answer.headers.items() if name != "content-type"}
        if self.media_type is not None:
            headers["Content-Type"] = self.media_type
        answering.send(answer.status, headers, answer.body)


@dataclass(frozen=True)
class Body(Fault):
    """A body of the test's own; ``JUNK`` and its kin below are such."""

    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, answering: Answering) -> None:
        answering.send(200, {"Content-Type": self.media_type, **self.headers}, self.body)


@dataclass(frozen=True)
class Endless(Fault):
    """A body that goes on until the client leaves or ``most_bytes`` are sent, and then breaks off.

    Of solutions in JSON that are well-formed as far as they go, unless ``piece`` says otherwise.
    """

    most_bytes: int = 1 << 40
    media_type: str = JSON
    begin: bytes = b'{"head":{"vars":["s"]},"results":{"bindings":['
    piece: bytes = b'{"s":{"type":"literal","value":"' + b"x" * 65_536 + b'"}},'

    def play(self, answering: Answering) -> None:
        answering.begin(200, {"Content-Type": self.media_type}, None)
        answering.write_chunk(self.begin)
        sent = 0
        while sent < self.most_bytes and not answering.is_closing:
            answering.write_chunk(self.piece)
            sent += len(self.piece)
        answering.hang_up()


@dataclass(frozen=True)
class Bomb(Fault):
    """A small body under Content-Encoding: gzip that is so many bytes when decompressed."""

    bytes_inside: int = 1 << 28
    media_type: str = JSON

    def play(self, answering: Answering) -> None:
        piece = b'{"head":{"vars":["s"]},"results":{"bindings":['
        packed = gzip.compress(piece + b" " * self.bytes_inside, compresslevel=1)
        headers = {"Content-Type": self.media_type, "Content-Encoding": "gzip"}
        answering.send(200, headers, packed)


@dataclass(frozen=True)
class Nothing(Fault):
    """No answer at all: the connection stays open and silent until the client leaves."""

    def play(self, answering: Answering) -> None:
        answering.wait_until_left()
        answering.hang_up()


@dataclass(frozen=True)
class HangUp(Fault):
    """The connection ends without a byte of an answer."""

    is_reset: bool = False

    def play(self, answering: Answering) -> None:
        answering.hang_up(is_reset=self.is_reset)


@dataclass(frozen=True)
class Call(Fault):
    """The true answer, and ``act`` is called before it is asked for (``after``: once it is sent).

    For what must happen in the middle of something: a change of the service, a signal.
    """

    act: Callable[[], None]
    after: bool = False

    def play(self, answering: Answering) -> None:
        if not self.after:
            self.act()
        answer = answering.ask()
        answering.send(answer.status, answer.headers, answer.body)
        if self.after:
            self.act()


#: What a broken service sends.
BAD_JSON: Final = Body(b'{"head":{"vars":["s"]},"results":{"bindings":[{"s":')
WRONG_JSON: Final = Body(b'{"error": "no results here"}')
BAD_XML: Final = Body(
    b'<?xml version="1.0"?><sparql xmlns="http://www.w3.org/2005/sparql-results#"><head>', XML
)
DOCTYPE: Final = Body(
    b'<?xml version="1.0"?><!DOCTYPE sparql [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<sparql xmlns="http://www.w3.org/2005/sparql-results#"><head><variable name="s"/></head>'
    b'<results><result><binding name="s"><literal>&b;</literal></binding></result></results></sparql>',
    XML,
)
BAD_NTRIPLES: Final = Body(b"<x:s> <x:p> \n<x:o .\n", NTRIPLES)
HTML_PAGE: Final = Body(b"<!doctype html><title>Maintenance</title>", "text/html; charset=utf-8")
BINARY: Final = Body(bytes(range(256)) * 16, JSON)


# The proxy.


@dataclass
class Seen:
    """One request as the proxy saw it; the names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float  # monotonic
    #: What it was answered with; None: with the answer of the server behind.
    fault: Fault | None = None
    status: int = 0
    #: Bytes of the request, and of the response as far as it went, with their headers.
    received: int = 0
    sent: int = 0
    #: When the response was over (monotonic); 0 while it is not.
    until: float = 0.0

    @property
    def query(self) -> str:
        """Return the SPARQL that was asked, however it was sent."""
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.method == "POST" and media_type == "application/x-www-form-urlencoded":
            return parse_qs(self.body.decode()).get("query", [""])[0]
        if self.method == "POST" and self.body:
            return self.body.decode()
        return parse_qs(urlsplit(self.path).query).get("query", [""])[0]


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Left(Exception):
    """The client has gone, or the proxy closes."""


#: Header fields that are between two neighbours only, and those that the proxy says itself.
_HOP_BY_HOP: Final = {
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade", "content-length", "host", "date", "server",
}  # fmt: skip


class Answering:
    """How a fault answers one request; every method raises where the client has gone."""

    def __init__(self, handler: _Handler, proxy: Proxy, seen: Seen) -> None:
        self._handler = handler
        self._proxy = proxy
        self._seen = seen
        self._is_chunked = False

    @property
    def is_closing(self) -> bool:
        return self._proxy.is_closing

    def ask(self) -> _Reply:
        """Return what the server behind answers to the request."""
        return self._proxy.pass_on(self._seen)

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.begin(status, headers, len(body))
        self.write(body)

    def begin(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """Send status and headers; a body without a length is sent in chunks."""
        handler = self._handler
        self._seen.status = status
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if length is None:
            handler.send_header("Transfer-Encoding", "chunked")
        else:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()

    def write(self, data: bytes) -> None:
        if self.is_closing:
            raise _Left
        self._handler.wfile.write(data)

    def write_chunk(self, data: bytes) -> None:
        if data:
            self.write(b"%x\r\n%b\r\n" % (len(data), data))

    def wait(self, seconds: float) -> None:
        """Wait, unless the proxy closes meanwhile."""
        if self._proxy.wait(seconds):
            raise _Left

    def wait_until_left(self) -> None:
        """Return when the client has closed the connection."""
        self._handler.rfile.read(1)

    def hang_up(self, *, is_reset: bool = False) -> None:
        """End the connection as it is."""
        connection = self._handler.connection
        if is_reset:
            # SO_LINGER with no time: close() sends RST.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(connection.detach())
        self._handler.close_connection = True


class _CountingWriter:
    """What a handler writes to its client, counted."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.count = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self._connection.sendall(data)
        self.count += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "FaultProxy"
    server: _Server
    raw_requestline: bytes

    def setup(self) -> None:
        super().setup()
        self.writer = _CountingWriter(self.connection)
        self.wfile = self.writer  # type: ignore[assignment] # counts, and nothing else
        self.server.proxy.enter(self.connection)

    def finish(self) -> None:
        self.server.proxy.leave(self.connection)
        super().finish()

    def handle(self) -> None:
        # Whoever leaves in the middle is what such a proxy is for.
        with contextlib.suppress(_Left, OSError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._read_body(headers)
        seen = Seen(self.command, self.path, headers, body, time.monotonic())
        seen.received = len(self.raw_requestline) + len(bytes(self.headers)) + len(body)
        sent_before = self.writer.count
        try:
            self.server.proxy.answer(self, seen)
        finally:
            seen.sent = self.writer.count - sent_before
            seen.until = time.monotonic()

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length", "0")))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815, of http.server


class _Server(ThreadingHTTPServer):
    # Threads are joined when it closes: none outlives its test.
    daemon_threads = False
    block_on_close = True
    allow_reuse_address = True

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__((_HOST, 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """Keep what went wrong in the proxy itself, so that closing it raises."""
        self.proxy.errors.append(sys.exception() or RuntimeError("no error"))


class Proxy:
    """Stands in front of a server; what is asked of it is recorded, and may go wrong.

    ``script`` says what the next requests get, one after another, None being the true answer;
    ``always`` what all get thereafter; ``rule`` decides by the request and its number (from 0),
    where no script is left. ``latency`` seconds pass before every true answer, as on the way to
    a server far away.
    """

    def __init__(self, target: str, *, path: str = "", latency: float = 0.0) -> None:
        split = urlsplit(target)
        assert split.hostname and split.port, target
        self._target = (split.hostname, split.port)
        self._path = path or split.path
        self.latency = latency
        self.seen: list[Seen] = []
        self.errors: list[BaseException] = []
        self.always: Fault | None = None
        self.rule: Callable[[Seen, int], Fault | None] | None = None
        self._script: deque[Fault | None] = deque()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        #: Requests under way now, and the most that there were at once.
        self._under_way = 0
        self.most_at_once = 0
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def host(self) -> str:
        return f"{_HOST}:{self.port}"

    @property
    def address(self) -> str:
        """Return where it is asked, with the path of what stands behind it."""
        return f"http://{self.host}{self._path}"

    @property
    def is_closing(self) -> bool:
        return self._closing.is_set()

    def script(self, *faults: Fault | None) -> None:
        """Let the next requests be answered so, None with the true answer."""
        with self._lock:
            self._script.extend(faults)

    def clear(self) -> None:
        """Forget what was seen, and let nothing go wrong any more."""
        with self._lock:
            self.seen = []
            self._script.clear()
            self.always = self.rule = None
            self.most_at_once = 0

    # What was seen.

    @property
    def statuses(self) -> list[int]:
        return [seen.status for seen in self.seen]

    @property
    def queries(self) -> list[str]:
        return [seen.query for seen in self.seen]

    @property
    def sent(self) -> int:
        """Return the bytes of all responses, with their headers."""
        return sum(seen.sent for seen in self.seen)

    @property
    def received(self) -> int:
        """Return the bytes of all requests, with their headers."""
        return sum(seen.received for seen in self.seen)

    # What the handlers call, each in a thread of its own.

    def enter(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def leave(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def wait(self, seconds: float) -> bool:
        """Wait; return whether the proxy closes."""
        return self._closing.wait(seconds) if seconds else self.is_closing

    def answer(self, handler: _Handler, seen: Seen) -> None:
        with self._lock:
            number = len(self.seen)
            self.seen.append(seen)
            if self._script:
                seen.fault = self._script.popleft()
            elif self.rule:
                seen.fault = self.rule(seen, number)
            else:
                seen.fault = self.always
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        answering = Answering(handler, self, seen)
        try:
            if seen.fault:
                seen.fault.play(answering)
            else:
                answering.wait(self.latency)
                reply = self.pass_on(seen)
                answering.send(reply.status, reply.headers, reply.body)
        finally:
            with self._lock:
                self._under_way -= 1

    def pass_on(self, seen: Seen) -> _Reply:
        """Ask the server behind, and return its answer whole."""
        headers = {name: v for name, v in seen.headers.items() if name not in _HOP_BY_HOP}
        connection = http.client.HTTPConnection(*self._target, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(seen.method, seen.path, seen.body or None, headers)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            kept = {name: v for name, v in received.items() if name not in _HOP_BY_HOP}
            return _Reply(response.status, kept, response.read())

    def close(self) -> None:
        """End it: no thread and no socket of it is left. Raises what failed in it itself."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._server.shutdown()
        self._thread.join(PATIENCE)
        with self._lock:
            open_ones = list(self._connections)
        for connection in open_ones:
            # Wakes the thread that reads from it or writes to it.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        if self.errors:
            raise self.errors[0]


@contextlib.contextmanager
def proxying(
    *files: Path, latency: float = 0.0, script: Sequence[Fault | None] = ()
) -> Iterator[tuple[Service, Proxy]]:
    """Run ``oxigraph serve`` with a proxy in front of it."""
    with serving(*files) as service, Proxy(service.address, latency=latency) as proxy:
        proxy.script(*script)
        yield service, proxy
