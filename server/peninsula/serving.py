"""How does the application meet the network?

Waitress, a production WSGI server in pure Python: one thread moves the bytes of all connections,
a few others run the application, each request once it has arrived whole. What is added here:
addresses take turns and have a share of the connections each, and stopping lets running requests
finish. The socket is bound here first, so that a port in use is one readable line before anything
else happens. What a connection is granted is in ``connections``, what a request may be in
``framing``, whose turn it is in ``queueing``.
"""

from __future__ import annotations

import contextlib
import errno
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
from waitress.server import TcpWSGIServer

from peninsula.config import Config
from peninsula.connections import Channel
from peninsula.dataset.readers import most_at_once
from peninsula.errors import (
    CannotListen,
)
from peninsula.fairness import tell_client
from peninsula.federation.gateway import MOST_AT_ONCE
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
CONNECTIONS: Final = 2000
#: So many of them one client may hold, so that others can come in.
CONNECTIONS_OF_ONE: Final = 1500

#: What a connection too many is told.
_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
# What waits to be sent, at most, for each connection; the application waits meanwhile.
_OUTPUT_BYTES: Final = 512 * 1024
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
        #: How many connections each client has.
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
        return self.held[tell_client(address[0])] >= CONNECTIONS_OF_ONE

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
        """Go on where it was broken off, with one connection of each client after another."""
        found.sort(key=lambda event: (event[0] <= self._last_moved, event[0]))
        by_client: dict[str, list[tuple[int, int]]] = {}
        for event in found:
            if channel := self._map.get(event[0]):
                by_client.setdefault(channel.network, []).append(event)
        for turn in zip_longest(*by_client.values()):
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
