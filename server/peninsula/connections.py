"""What happens on one connection, and how long may each part of it take?

A request has a time within which it must arrive, a response one within which the client must take
some of it, and a connection on which nothing is asked is closed.
"""

from __future__ import annotations

import json
import logging
import math
import socket
import time
from collections import Counter
from typing import Any, Final, Protocol

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error, InternalServerError, RequestEntityTooLarge

from peninsula.config import Config
from peninsula.errors import RequestHeaderTooLarge, RequestTimeout, RequestTooLarge
from peninsula.fairness import tell_client
from peninsula.framing import Parser, Problem
from peninsula.logs import log_request
from peninsula.namespaces import BASE

#: Seconds for which what a refused client still sends is read and thrown away.
LINGER: Final = 2.0

_log = logging.getLogger(__name__)


class Host(Protocol):
    """What a connection asks of its server; times are in seconds."""

    config: Config
    #: How many connections each address has.
    held: Counter[str]
    stall_timeout: float
    body_timeout: float

    @property
    def is_stopping(self) -> bool:
        """Return whether the server is about to end."""

    @property
    def patience(self) -> float:
        """Return for how long a connection may stay on which nothing is asked."""

    @property
    def header_patience(self) -> float:
        """Return within what a header must have arrived."""

    def look_now(self) -> None:
        """Look at the times of all connections before anything else."""

    def add_task(self, task: Any) -> None:
        """Have a request answered."""


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
        environment["peninsula.has_begun"] = lambda: bool(self.wrote_header)
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
        self.server.held[self.network] += 1
        self._is_counted = True

    def del_channel(self, map: Any = None) -> None:
        """Forget the connection."""
        super().del_channel(map)
        if self._is_counted:
            self._is_counted = False
            server: Host = self.server
            held = server.held
            held[self.network] -= 1
            if not held[self.network]:
                del held[self.network]

    @property
    def host(self) -> str:
        """Return the address at the other end."""
        return str(self.addr[0]) if isinstance(self.addr, tuple) else ""

    @property
    def network(self) -> str:
        """Return which client is at the other end, be it a proxy."""
        return tell_client(self.host)

    @property
    def client(self) -> str:
        """Return which client the first request is for, as a trusted proxy tells it."""
        requests = self.requests
        if self.host == self.server.config.trusted_proxy and requests:
            told: str = requests[0].headers.get("X_FORWARDED_FOR", "")
            return tell_client(told.rpartition(",")[2].strip() or self.host)
        return self.network

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
        server: Host = self.server
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
        server: Host = self.server
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
        server: Host = self.server
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
