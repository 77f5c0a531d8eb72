"""How do bytes go to another server and come back, within a time and a number of them?

A :class:`Patience` says until when, and whether anybody still waits for it. A :class:`Wire` is
one connection that heeds it with every byte, in the handshake as in the body: a server that
dribbles cannot make more of it. Sockets are connected to addresses that were looked at before,
and to nothing else.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any, Final, Self
from urllib.parse import SplitResult

from peninsula.errors import ClientGone
from peninsula.federation.addresses import Endpoint

#: Tells whether whoever asked has left.
IsGone = Callable[[], bool]

#: Seconds between two looks whether anybody is still there.
_TICK: Final = 0.25
#: Seconds that one address of several has to take the connection.
_CONNECT_SECONDS: Final = 10.0


class OutOfTime(Exception):
    """The time is over."""


class TooMuch(Exception):
    """More bytes came than are taken."""


class Patience:
    """Until when something is waited for, and by whom."""

    def __init__(self, seconds: float, is_gone: IsGone | None = None) -> None:
        self.seconds = seconds
        self.until = time.monotonic() + seconds
        self.is_gone = is_gone

    @property
    def left(self) -> float:
        """Return the seconds that are left; below zero once they are over."""
        return self.until - time.monotonic()

    def shorten(self, seconds: float) -> Patience:
        """Return one that lasts so many seconds, and no longer than this one."""
        return Patience(min(seconds, self.left), self.is_gone)

    def check(self) -> None:
        """Raise OutOfTime or ClientGone."""
        if self.is_gone and self.is_gone():
            raise ClientGone
        if self.left <= 0:
            raise OutOfTime

    def wait(self, wait_for: Callable[[float], object]) -> None:
        """Call ``wait_for`` with some seconds until what it returns is true.

        Raises OutOfTime or ClientGone.
        """
        self.check()
        while not wait_for(max(0.0, min(_TICK, self.left))):
            self.check()

    def await_change(self, changed: threading.Condition, most: float = _TICK) -> None:
        """Wait until somebody says that something ``changed``, or for a moment of ``most`` seconds.

        Whoever waits holds the lock of it. Raises OutOfTime or ClientGone.
        """
        changed.wait(max(0.0, min(_TICK, most, self.left)))
        self.check()

    def sleep(self, seconds: float) -> None:
        """Let time pass; raises OutOfTime at once where there is not so much of it."""
        if seconds >= self.left:
            raise OutOfTime
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            time.sleep(min(_TICK, rest))
            self.check()

    def call(self, function: Callable[[], Any]) -> Any:
        """Return what a function does that cannot be stopped; raises OutOfTime, ClientGone.

        It is called in a thread of its own, and left alone with it where it takes too long.
        """
        results: list[Any] = []
        errors: list[BaseException] = []
        is_over = threading.Event()

        def run() -> None:
            try:
                results.append(function())
            except BaseException as error:  # noqa: BLE001, raised where it is waited for
                errors.append(error)
            is_over.set()

        threading.Thread(target=run, name="lookup", daemon=True).start()
        self.wait(is_over.wait)
        if errors:
            # Else the error and its traceback would hold each other.
            raise errors.pop()
        return results[0]


class Wire:
    """A connection to another server; http.client takes it for a socket."""

    def __init__(self, connection: socket.socket, patience: Patience) -> None:
        self._socket = connection
        self.patience = patience
        #: Bytes that may still come.
        self.budget = 0
        self.sent = 0
        self.received = 0

    @classmethod
    def open(
        cls,
        parts: SplitResult,
        endpoints: Sequence[Endpoint],
        patience: Patience,
        context: ssl.SSLContext | None = None,
    ) -> Self:
        """Connect to the first of ``endpoints`` that takes it; raises OSError, and what waits.

        With https, the certificate must be that of the host in the address.
        """
        raw = _connect(endpoints, patience)
        wire = cls(raw, patience)
        if parts.scheme == "https":
            try:
                wire._encrypt(parts.hostname or "", context or ssl.create_default_context())
            except BaseException:
                wire.hang_up()
                raise
        return wire

    def _encrypt(self, host: str, context: ssl.SSLContext) -> None:
        # An end that is not announced may be somebody's between the servers.
        secured = context.wrap_socket(
            self._socket,
            server_hostname=host,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        )
        self._socket = secured
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)
            else:
                return

    def sendall(self, data: bytes) -> None:
        """Send all of ``data``."""
        view = memoryview(data)
        while view:
            try:
                count = self._socket.send(view)
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)
            else:
                self.sent += count
                view = view[count:]
        self.patience.check()

    def makefile(self, _mode: str = "rb") -> IO[bytes]:
        """Return what comes, as a file."""
        return io.BufferedReader(_Incoming(self))

    def receive(self, buffer: memoryview) -> int:
        """Put what comes into ``buffer`` and return how much; raises TooMuch, and what waits."""
        self.patience.check()
        # One byte more than there is room for tells whether there is too much.
        size = min(len(buffer), max(self.budget, 0) + 1)
        while True:
            try:
                count = self._socket.recv_into(buffer[:size])
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)
            else:
                self.received += count
                self.budget -= count
                if self.budget < 0:
                    raise TooMuch
                return count

    def close(self) -> None:
        """Do nothing: http.client lets go of a connection before its answer is read."""

    def hang_up(self) -> None:
        """End the connection, without a word more."""
        self._socket.close()

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._socket, event)
        self.patience.wait(lambda seconds: poll.poll(seconds * 1000))


class _Incoming(io.RawIOBase):
    """What comes over a wire."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        return self._wire.receive(memoryview(buffer).cast("B"))


def _connect(endpoints: Sequence[Endpoint], patience: Patience) -> socket.socket:
    failure: OSError | None = None
    for place, (family, address) in enumerate(endpoints):
        is_last = place == len(endpoints) - 1
        seconds = patience.left if is_last else min(_CONNECT_SECONDS, patience.left / 2)
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            _reach(connection, address, seconds, patience)
        except OSError as error:
            connection.close()
            if isinstance(error, ClientGone):
                raise
            failure = error
        except OutOfTime:
            connection.close()
            raise
        else:
            return connection
    raise failure or OSError("it has no address")


def _reach(connection: socket.socket, address: Any, seconds: float, patience: Patience) -> None:
    until = time.monotonic() + seconds
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(BlockingIOError):
        connection.connect(address)
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    patience.wait(lambda tick: poll.poll(tick * 1000) or time.monotonic() >= until)
    if time.monotonic() >= until and not poll.poll(0):
        raise TimeoutError("it takes no connection")
    if number := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(number, os.strerror(number))
