"""Who stands in front of a server, records what it is asked, and lets it go wrong?"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from .engine import HOST, PATIENCE
from .faults import Fault, Reply


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


class _Left(Exception):
    """The client has gone, or the proxy closes."""


#: Header fields that are between two neighbours only, and those that the proxy says itself.
_HOP_BY_HOP: Final = {
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade", "content-length", "host", "date", "server",
}  # fmt: skip


class _Answering:
    """What a fault answers one request with."""

    def __init__(self, handler: _Handler, proxy: Proxy, seen: Seen) -> None:
        self._handler = handler
        self._proxy = proxy
        self._seen = seen
        #: Bytes of the body that are to come; None where that is not known.
        self._left: int | None = None

    @property
    def is_closing(self) -> bool:
        return self._proxy.is_closing

    def ask(self) -> Reply:
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
        self._left = length
        self._end_if_whole()
        handler.end_headers()

    def write(self, data: bytes) -> None:
        if self.is_closing:
            raise _Left
        if self._left is not None:
            self._left -= len(data)
            self._end_if_whole()
        self._handler.wfile.write(data)

    def _end_if_whole(self) -> None:
        # Before the last byte goes: whoever has it may ask again, or look at what was counted.
        if self._left == 0:
            self._proxy.end(self._seen)

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
    """What a handler writes to its client, counted for the request that it answers."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.seen: Seen | None = None
        self.closed = False

    def write(self, data: bytes) -> int:
        # Counted before: whoever has received it may look at once.
        self._count(len(data))
        try:
            self._connection.sendall(data)
        except OSError:
            self._count(-len(data))
            raise
        return len(data)

    def _count(self, size: int) -> None:
        if self.seen is not None:
            self.seen.sent += size

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
        self.writer.seen = seen
        try:
            self.server.proxy.answer(self, seen)
        finally:
            self.writer.seen = None
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
        super().__init__((HOST, 0), _Handler)

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
        self._under_way: list[Seen] = []
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
        return f"{HOST}:{self.port}"

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
            self._under_way.append(seen)
            self.most_at_once = max(self.most_at_once, len(self._under_way))
        answering = _Answering(handler, self, seen)
        try:
            if seen.fault:
                seen.fault.play(answering)
            else:
                answering.wait(self.latency)
                reply = self.pass_on(seen)
                answering.send(reply.status, reply.headers, reply.body)
        finally:
            self.end(seen)

    def end(self, seen: Seen) -> None:
        """Let a request be under way no longer."""
        with self._lock:
            self._under_way = [each for each in self._under_way if each is not seen]

    def pass_on(self, seen: Seen) -> Reply:
        """Ask the server behind, and return its answer whole."""
        headers = {name: v for name, v in seen.headers.items() if name not in _HOP_BY_HOP}
        connection = http.client.HTTPConnection(*self._target, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(seen.method, seen.path, seen.body or None, headers)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            kept = {name: v for name, v in received.items() if name not in _HOP_BY_HOP}
            return Reply(response.status, kept, response.read())

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
