"""How does the application meet the network?

Waitress, a production WSGI server in pure Python: one thread moves the bytes of all connections,
a few others run the application, each request once it has arrived whole. What is added here:
every request has a time within which it must arrive, and every response one within which the
client must take some of it; bodies and their framing are checked more strictly; and stopping
lets running requests finish. The socket is bound here first, so that a port in use is one
readable line before anything else happens.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import json
import logging
import math
import os
import resource
import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import zip_longest
from types import FrameType
from typing import Any, Final

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest, Error, InternalServerError, RequestEntityTooLarge

from peninsula.config import Config
from peninsula.dataset.readers import most_at_once
from peninsula.errors import (
    CannotListen,
    PeninsulaError,
    RequestHeaderTooLarge,
    RequestTimeout,
    RequestTooLarge,
)
from peninsula.federation.gateway import MOST_AT_ONCE
from peninsula.logs import log_request
from peninsula.namespaces import BASE
from peninsula.queueing import FairDispatcher

#: Method, path and Authorization of a request -> the most bytes that its body may have, as sent.
#: It may refuse the request, before any of its body is read, by raising a PeninsulaError.
BodyLimit = Callable[[str, str, str | None], int]

#: Seconds in which the header of a request must have arrived.
HEADER_TIMEOUT: Final = 20.0
#: Seconds after which a connection on which nothing is asked is closed.
IDLE_TIMEOUT: Final = 60.0
#: Seconds after which a client that takes nothing of its response is dropped.
STALL_TIMEOUT: Final = 60.0
#: Seconds that running requests have to finish when the server stops.
GRACE: Final = 10.0
#: Seconds for which what a refused client still sends is read and thrown away.
LINGER: Final = 2.0
CONNECTIONS: Final = 2000
#: So many of them one address may hold, so that others can come in.
CONNECTIONS_OF_ONE: Final = 1500

#: What a connection too many is told.
_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
# What waits to be sent, at most, for each connection; the application waits meanwhile.
_OUTPUT_BYTES: Final = 512 * 1024
_LONGEST_CHUNK_LINE: Final = 1024
_LONGEST_TRAILER: Final = 16 * 1024
_TICK: Final = 0.5
#: Seconds after which the network is looked at anew, so that nobody waits behind the bytes of
#: thousands: what waits longer still comes next.
_SLICE: Final = 0.05
_REASONS = {
    errno.EADDRINUSE: "the port is in use",
    errno.EACCES: "this port needs the rights of an administrator",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}
_log = logging.getLogger(__name__)


def bind(config: Config) -> socket.socket:
    """Return a socket that holds the configured address; raises CannotListen."""
    try:
        family, *_, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # From now on a browser waits for the first start to be over; nobody takes the port.
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise CannotListen(
            f"Cannot listen on {config.host}:{config.port}: {reason}.",
            "Choose another with --port (0 takes a free one), or stop what is using it.",
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the address to open in a browser."""
    host, port = listener.getsockname()[:2]
    if host in {"127.0.0.1", "0.0.0.0", "::", "::1"}:  # noqa: S104
        host = "localhost"
    elif ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}/"


def serve(
    application: Callable[..., Any],
    listener: socket.socket,
    config: Config,
    *,
    on_start: Callable[[], None] | None = None,
    on_stop: Callable[[], None] | None = None,
    body_limit: BodyLimit | None = None,
    grace: float = GRACE,
) -> None:
    """Answer requests until SIGTERM or SIGINT, then let the running ones finish, and return.

    ``on_start`` is called once, when a signal would be heeded. ``on_stop`` is called once, when
    the first signal has come: nothing new is accepted from then
    on. After ``grace`` seconds, or at a second signal, what still runs is cut off: its client's
    connection is closed, which ``environ["waitress.client_disconnected"]()`` tells the
    application. Threads that do not heed it are left behind; the caller ends the processes that
    they wait for. To be called in the main thread.
    """
    server = Server(application, listener, config, body_limit=body_limit, grace=grace)
    with _signals(server.stop):
        if on_start is not None:
            on_start()
        server.run(on_stop)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    def handle(number: int, _frame: FrameType | None) -> None:
        _log.info("stopping: %s", signal.Signals(number).name)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Problem(Error):  # type: ignore[misc]
    """A request that is refused before the application sees it."""

    def __init__(self, error: PeninsulaError) -> None:
        super().__init__(error.message)
        self.code = error.status
        self.reason = error.title
        self.error = error


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request as it arrives, with the framing judged as RFC 9112 asks for."""

    adj: Any
    empty: bool
    command = ""
    path = ""
    body_limit = 0

    def received(self, data: bytes) -> int:
        """Take bytes and return how many of them belong to this request."""
        consumed: int = super().received(data)
        if self.empty:
            # Blank lines before a request are no request: its time runs on.
            self.empty = self.completed = self.headers_finished = False
            self.header_plus = b""
        receiver = self.body_rcv
        if isinstance(receiver, ChunkedReceiver) and (
            len(receiver.control_line) > _LONGEST_CHUNK_LINE
            or len(receiver.trailer) > _LONGEST_TRAILER
        ):
            self.refuse(BadRequest("A line between the chunks of the body is too long."))
        elif self.chunked and len(receiver) > self.body_limit:
            self.refuse(RequestEntityTooLarge(""))
        if self.completed:
            # Nobody is to go on sending what is refused or here already.
            self.expect_continue = False
        return consumed

    def refuse(self, error: Error) -> None:
        """Answer ``error`` instead of what was asked."""
        self.error = error
        self.completed = True

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the fields; raises ParsingError where they are unsound."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # thousands of digits, brackets that do not match
            raise ParsingError("A number or an address in the header is invalid") from error
        _, _, fields = header_plus.partition(b"\r\n")
        if b"\r\n " in fields or b"\r\n\t" in fields:
            raise ParsingError("A header field is folded over several lines")
        self._check_framing([line.split(b":", 1)[0].lower() for line in fields.split(b"\r\n")])
        if not self.path:  # GET http://host HTTP/1.1
            self.path = "/"
        if self.body_rcv is None:
            return
        try:
            self.body_limit = self.adj.body_limit(
                self.command, self.path, self.headers.get("AUTHORIZATION")
            )
        except PeninsulaError as error:
            self.refuse(Problem(error))
            return
        # Chunks of a sensible size take less than as much again for saying where they end.
        most = 2 * self.body_limit + 4096 if self.chunked else self.body_limit
        self.adj = copy.copy(self.adj)
        self.adj.max_request_body_size = most + 1  # Waitress refuses what reaches it

    def _check_framing(self, names: list[bytes]) -> None:
        """Raise ParsingError where two readers could differ about where the body ends."""
        if self.version not in {"1.0", "1.1"}:
            raise ParsingError("The version of HTTP is neither 1.0 nor 1.1")
        if names.count(b"host") != 1 and (self.version == "1.1" or b"host" in names):
            raise ParsingError("There must be one Host field")
        if b"transfer-encoding" in names:
            if self.version != "1.1":
                raise ParsingError("Transfer-Encoding is not of HTTP/1.0")
            if b"content-length" in names:
                raise ParsingError("Transfer-Encoding and Content-Length exclude each other")
            if names.count(b"transfer-encoding") > 1:
                raise ParsingError("There is more than one Transfer-Encoding")
        if names.count(b"content-length") > 1:
            raise ParsingError("There is more than one Content-Length")


class _Refusal(ErrorTask):  # type: ignore[misc]
    """The response to a request that the application never saw, or that it failed on."""

    def execute(self) -> None:
        request = self.request
        problem = self._describe(request.error)
        body = json.dumps(problem, ensure_ascii=False, indent=1).encode() + b"\n"
        status: int = problem["status"]
        self.status = f"{status} {problem['title']}"
        self.response_headers += [
            ("Content-Type", "application/problem+json"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        if isinstance(request.error, Problem):
            self.response_headers += request.error.error.headers().items()
        if "*" in self.channel.server.config.cors:
            self.response_headers.append(("Access-Control-Allow-Origin", "*"))
        self.set_close_on_finish()
        self.content_length = len(body)
        if request.command == "HEAD":
            body = b""
        self.write(body)
        log_request(
            request.command or "-",
            request.path or "-",
            status,
            time.time() - self.start_time,
            bytes=len(body),
            outcome="refused" if status < 500 else "failed",
            detail=problem["detail"],
        )

    def _describe(self, error: Error) -> dict[str, Any]:
        if isinstance(error, RequestEntityTooLarge):
            error = Problem(
                RequestTooLarge(
                    f"The body of the request is longer than {self.request.body_limit:,} bytes.",
                    "Send less at a time, or raise the limit (see the settings of the server).",
                )
            )
        elif error.code == RequestHeaderTooLarge.status:
            limit = self.request.adj.max_request_header_size
            error = Problem(
                RequestHeaderTooLarge(
                    f"Request line and header are longer than {limit:,} bytes.",
                    "Send a long query in the body of a POST.",
                )
            )
        if isinstance(error, Problem):
            kind = f"{BASE}problem/{error.error.slug()}"
            more = error.error.details()
        else:
            kind, more = "about:blank", {}
        if error.body == "Bad URI":
            more = {"remedy": "Percent-encode what is no ASCII: q=%D0%9F and not q=П."}
        title = "Internal error" if isinstance(error, InternalServerError) else error.reason
        return {"type": kind, "title": title, "status": error.code, "detail": error.body, **more}


class _Response(WSGITask):  # type: ignore[misc]
    """The response of the application."""

    _keeps_open = False

    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        environment["peninsula.hang_up"] = self._hang_up
        return environment

    def _hang_up(self) -> None:
        # Before the first byte it is not the client that takes nothing: a page or a file is being
        # put together, and whoever does so sees the end, and says why.
        if self.wrote_header:
            self.channel.hang_up()

    def build_response_header(self) -> bytes:
        if self.channel.server.is_stopping:
            self.set_close_on_finish()
        # A chunked body says where it ends, so that the connection may stay; Waitress closes it.
        self._keeps_open = (
            self.version == "1.1"
            and self.request.headers.get("CONNECTION", "").lower() != "close"
            and not self.close_on_finish
        )
        header: bytes = super().build_response_header()
        self._keeps_open = False
        return header

    def set_close_on_finish(self) -> None:
        if not self._keeps_open:
            super().set_close_on_finish()

    def write(self, data: bytes) -> None:
        # A response to HEAD has the header of the one to GET, and no byte of a body.
        super().write(b"" if self.request.command == "HEAD" else data)

    def finish(self) -> None:
        if not self.wrote_header:
            self.write(b"")
        if self.request.command != "HEAD":
            super().finish()


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection, with its times."""

    parser_class = Parser
    task_class = _Response
    error_task_class = _Refusal
    close_when_flushed: bool
    request: Parser | None

    def __init__(self, *arguments: Any, **more: Any) -> None:
        now = time.monotonic()
        self._arriving_since = now  # the request that is under way: its header, then its body
        self._is_body = False
        self._idle_since = now
        self._moved_since = now  # when the client last took bytes
        self._last_activity = 0.0
        self._lingers_until = math.inf  # set once all is said
        self._is_refused = False
        self._is_unwanted = False
        self._is_counted = False
        super().__init__(*arguments, **more)
        self.server.held[self.host] += 1
        self._is_counted = True

    def del_channel(self, map: Any = None) -> None:
        """Forget the connection."""
        super().del_channel(map)
        if self._is_counted:
            self._is_counted = False
            held: Counter[str] = self.server.held
            held[self.host] -= 1
            if not held[self.host]:
                del held[self.host]

    @property
    def host(self) -> str:
        """Return the address at the other end."""
        return str(self.addr[0]) if isinstance(self.addr, tuple) else ""

    @property
    def client(self) -> str:
        """Return whom the first request is for: its address, as a trusted proxy tells it."""
        host = self.host
        requests = self.requests
        if host == self.server.config.trusted_proxy and requests:
            told: str = requests[0].headers.get("X_FORWARDED_FOR", "")
            return told.rpartition(",")[2].strip() or host
        return host

    @property
    def _is_lingering(self) -> bool:
        return self._lingers_until < math.inf

    def received(self, data: bytes) -> bool:
        """Take bytes from the network: of one request, or of several."""
        if self._is_lingering:
            return False
        before = self.request
        is_new: bool = super().received(data)
        request = self.request
        now = time.monotonic()
        if request is None:
            self._idle_since = now
        elif request is not before:
            self._arriving_since = now
            self._is_body = request.headers_finished
        elif request.headers_finished and not self._is_body:
            self._arriving_since = now
            self._is_body = True
        return is_new

    def service(self) -> None:
        """Answer the first request; in a thread of the application."""
        # Of a refused request there may be more on its way.
        self._is_refused = self.requests[0].error is not None
        super().service()

    def hang_up(self) -> None:
        """Close the connection soon, whatever waits to be sent; to be called in any thread."""
        self._is_unwanted = True
        server: Server = self.server
        server.look_now()

    def writable(self) -> bool:
        return not self._is_lingering and bool(super().writable())

    def readable(self) -> bool:
        return self._is_lingering or bool(super().readable())

    def handle_write(self) -> None:
        if not (self._is_refused and self.close_when_flushed):
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif not self.total_outbufs_len:
            # Closing now would send a reset, and the client would lose the answer with it.
            self.close_when_flushed = False
            self._lingers_until = time.monotonic() + LINGER
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.handle_close()

    def enforce_times(self, now: float) -> None:
        """Refuse or close what has taken too long; in the thread of the network."""
        server: Server = self.server
        if self._is_unwanted:
            self.handle_close()
            return
        if self._is_lingering:
            if now >= self._lingers_until:
                self.handle_close()
            return
        if self.last_activity != self._last_activity or not self.total_outbufs_len:
            self._last_activity, self._moved_since = self.last_activity, now
        if now - self._moved_since >= server.stall_timeout:
            _log.info("a client took nothing for %g s: dropped", server.stall_timeout)
            self.handle_close()
        elif self.requests:
            # While a request is answered, what comes after it is not read.
            self._arriving_since = self._idle_since = now
        elif self.total_outbufs_len:
            self._idle_since = now
        elif self.request is not None:
            self._enforce_arrival(self.request, now)
        elif now - self._idle_since >= server.patience:
            self.handle_close()

    def _enforce_arrival(self, request: Parser, now: float) -> None:
        server: Server = self.server
        what, budget = (
            ("body", server.body_timeout) if self._is_body else ("header", server.header_patience)
        )
        if now - self._arriving_since < budget:
            return
        if not self._is_body and not request.header_plus.strip():
            self.handle_close()
            return
        if not self._is_body:
            HTTPRequestParser.parse_header(request, b"GET / HTTP/1.0\r\n")
        request.refuse(
            Problem(
                RequestTimeout(
                    f"The {what} of the request did not arrive whole within {budget:g} s.",
                    "Send it faster, or in smaller parts.",
                )
            )
        )
        with self.requests_lock:
            self.request = None
            self.requests.append(request)
            server.add_task(self)


class Server(TcpWSGIServer):  # type: ignore[misc]
    """The listening socket and the loop that serves all connections.

    ``run`` returns once ``stop`` was called, from whichever thread or from a signal's handler,
    and all is done; a second ``stop`` ends it at once. The times are attributes, in seconds.
    """

    channel_class = Channel
    header_timeout = HEADER_TIMEOUT
    idle_timeout = IDLE_TIMEOUT
    stall_timeout = STALL_TIMEOUT
    _has_accepted = False

    def __init__(
        self,
        application: Callable[..., Any],
        listener: socket.socket,
        config: Config,
        *,
        body_limit: BodyLimit | None = None,
        grace: float = GRACE,
    ) -> None:
        self.config = config
        self.body_timeout = config.upload_timeout
        self._grace = grace
        self._stops = 0
        # That a request waits for a thread is no news; a queue that grows shows in answer times.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        adj = Adjustments(
            threads=count_threads(config),
            ident="peninsula",
            connection_limit=CONNECTIONS,
            backlog=1024,
            recv_bytes=64 * 1024,
            max_request_body_size=config.max_upload_bytes + 1,
            # A URL carries the query of a GET, in which a byte may take three.
            max_request_header_size=4 * config.max_query_bytes,
            outbuf_high_watermark=_OUTPUT_BYTES,
            outbuf_overflow=8 * _OUTPUT_BYTES,  # memory suffices for what is let wait
            # Reads on while a request is answered, and so learns that its client has left.
            channel_request_lookahead=1,
            log_socket_errors=False,
            **_proxy_settings(config),
        )
        adj.body_limit = body_limit or (lambda *_request: config.max_upload_bytes)
        _allow_files(CONNECTIONS + 512)
        #: How many connections each address has.
        self.held: Counter[str] = Counter()
        super().__init__(
            application,
            map={},
            _sock=listener,
            adj=adj,
            dispatcher=FairDispatcher(adj.threads),
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )
        # By the wall clock, which may be set back; ``run`` keeps times by another.
        self.next_channel_cleanup = math.inf

    @property
    def is_stopping(self) -> bool:
        """Return whether the server is about to end."""
        return self._stops > 0

    @property
    def patience(self) -> float:
        """Return for how many seconds a connection may stay on which nothing is asked."""
        if self.is_stopping:
            return 0.0
        return min(1.0, self.idle_timeout) if self.in_connection_overflow else self.idle_timeout

    @property
    def header_patience(self) -> float:
        """Return the seconds in which a header must have arrived."""
        return min(1.0, self.header_timeout) if self.in_connection_overflow else self.header_timeout

    def handle_accept(self) -> None:
        """Take the connections that wait: whoever is behind a thousand of them waits for all."""
        until = time.monotonic() + _SLICE
        while time.monotonic() < until:
            self._has_accepted = False
            super().handle_accept()
            if not self._has_accepted:
                return

    def accept(self) -> tuple[socket.socket, Any] | None:
        """Take the next connection, unless its address has more than its share."""
        found: tuple[socket.socket, Any] | None = super().accept()
        self._has_accepted = found is not None
        if found is None or not self._has_its_share(found[1]):
            return found
        refused = found[0]
        with contextlib.suppress(OSError):
            refused.setblocking(False)
            refused.send(_TOO_MANY)
        refused.close()
        return None

    def _has_its_share(self, address: Any) -> bool:
        if not isinstance(address, tuple) or address[0] == self.config.trusted_proxy:
            return False
        return self.held[address[0]] >= CONNECTIONS_OF_ONE

    def stop(self) -> None:
        """Accept nothing more and end when what runs is done; called twice: end at once."""
        self._stops += 1
        with contextlib.suppress(OSError):  # ended already
            self.pull_trigger()

    def look_now(self) -> None:
        """Look at the times of all connections before anything else; for other threads."""
        self._next_look = 0.0
        with contextlib.suppress(OSError):  # ended already
            self.pull_trigger()

    def run(self, on_stop: Callable[[], None] | None = None) -> None:
        """Serve until stopped."""
        try:
            while not self.is_stopping:
                self._turn()
            wasyncore.dispatcher.close(self)
            if on_stop is not None:
                on_stop()
            deadline = time.monotonic() + self._grace
            while self.active_channels and self._stops == 1 and time.monotonic() < deadline:
                self._turn()
        finally:
            self._end()

    def _turn(self) -> None:
        """Move bytes until something happens or half a second is over, and look at the times."""
        self._move_bytes()
        now = time.monotonic()
        if now >= self._next_look or self.is_stopping:
            self._next_look = now + _TICK
            for channel in list(self.active_channels.values()):
                channel.enforce_times(now)

    _next_look = 0.0
    _last_moved = -1

    def _move_bytes(self) -> None:
        poll = select.poll()
        for number, each in list(self._map.items()):
            flags = select.POLLIN | select.POLLPRI if each.readable() else 0
            if each.writable() and not each.accepting:
                flags |= select.POLLOUT
            if flags:
                poll.register(number, flags)
        found = poll.poll(_TICK * 1000)
        channels = []
        for number, flags in found:
            each = self._map.get(number)
            if isinstance(each, Channel):
                channels.append((number, flags))
            elif each:
                wasyncore.readwrite(each, flags)
        until = time.monotonic() + _SLICE
        for number, flags in self._in_turns(channels):
            if each := self._map.get(number):
                wasyncore.readwrite(each, flags)
                self._last_moved = number
            if time.monotonic() >= until:
                return

    def _in_turns(self, found: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Go on where it was broken off, with one connection of each address after another."""
        found.sort(key=lambda event: (event[0] <= self._last_moved, event[0]))
        by_host: dict[str, list[tuple[int, int]]] = {}
        for event in found:
            if channel := self._map.get(event[0]):
                by_host.setdefault(channel.host, []).append(event)
        for turn in zip_longest(*by_host.values()):
            yield from filter(None, turn)

    def _end(self) -> None:
        running = len(self.active_channels)
        if running:
            _log.warning("%d connections cut off", running)
        for channel in list(self.active_channels.values()):
            channel.handle_close()
        # Threads that wait for work end at once; one that still runs is not waited for.
        dispatcher = self.task_dispatcher
        logging.getLogger("waitress").disabled = True
        try:
            dispatcher.shutdown(timeout=1 if running else 5)
        finally:
            logging.getLogger("waitress").disabled = False
        wasyncore.dispatcher.close(self)
        self.trigger.close()


def count_threads(config: Config) -> int:
    """Return how many requests are answered at the same time.

    A query holds its thread while it runs or waits, so that there is one for each of those, and
    ``config.threads`` more for what needs no reader: pages, health, metrics, refusals. So does one
    that waits for a service of others.
    """
    places = config.readers or os.cpu_count() or 1
    waiting = MOST_AT_ONCE if config.services else 0
    return config.threads + most_at_once(places) + config.queue + waiting


def _proxy_settings(config: Config) -> dict[str, Any]:
    if not config.trusted_proxy:
        return {"clear_untrusted_proxy_headers": True}
    return {
        "trusted_proxy": config.trusted_proxy,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"},
        "clear_untrusted_proxy_headers": True,
    }


def _allow_files(count: int) -> None:
    """Raise the soft limit of open files, as far as this process may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
