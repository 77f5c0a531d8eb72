"""How do servers of the tests' own answer whoever is led to them, and what were they asked?"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Final, Self

JSON: Final = "application/sparql-results+json"
XML: Final = "application/sparql-results+xml"
EMPTY: Final = b'{"head":{"vars":[]},"results":{"bindings":[]}}'
#: The beginning of a response that has no length.
HEAD: Final = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\n".encode()
#: What is done with a connection once its request is there.
Behaviour = Callable[[socket.socket], None]


def response(
    body: bytes = EMPTY, media_type: str = JSON, status: str = "200 OK", **headers: object
) -> bytes:
    fields = {"Content_Type": media_type, "Content_Length": len(body), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


def redirect(to: str, status: int = 302) -> bytes:
    return response(b"", status=f"{status} Elsewhere", Location=to)


NOT_FOUND: Final = response(b"", "text/plain", "404 Not Found")


class Host:
    """A web server that answers what a test says, and remembers what it was asked."""

    def __init__(self, answer: bytes = response(), context: ssl.SSLContext | None = None) -> None:
        self._usual = self.answer = answer
        #: What it does instead.
        self.behave: Behaviour | None = None
        #: The requests, as far as they have come.
        self.visits: list[bytearray] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Be as at the beginning."""
        self.visits.clear()
        self.answer = self._usual
        self.behave = None

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._meet, args=(client,), daemon=True).start()

    def _meet(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.settimeout(5)
            if self._context is None:
                self._serve(client)
            else:
                with self._context.wrap_socket(client, server_side=True) as secured:
                    self._serve(secured)

    def _serve(self, client: socket.socket) -> None:
        visit = bytearray()
        self.visits.append(visit)
        _read_request(client, visit)
        if self.behave:
            self.behave(client)
        else:
            client.sendall(self.answer)


def _read_request(client: socket.socket, request: bytearray) -> None:
    """Read a request, whole: whoever hangs up before would reset the connection."""
    length = -1
    while length < 0 or len(request) < length:
        piece = client.recv(65_536)
        if not piece:
            return
        request += piece
        head, end, _ = request.partition(b"\r\n\r\n")
        if end:
            found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
            length = len(head) + 4 + (int(found[1]) if found else 0)


# What a server may do with a connection.


def stall(client: socket.socket) -> None:
    """Say nothing until the other end hangs up."""
    while client.recv(65_536):
        pass


def hang_up(_client: socket.socket) -> None:
    """Say nothing at all."""


def pour(piece: bytes, head: bytes = b"") -> Behaviour:
    """Return what says the same for ever."""

    def behave(client: socket.socket) -> None:
        client.sendall(head)
        while True:
            client.sendall(piece)

    return behave


def drip(drop: bytes, head: bytes, pause: float = 0.02) -> Behaviour:
    """Return what says the same for ever, slowly."""

    def behave(client: socket.socket) -> None:
        client.sendall(head)
        while not select.select([client], [], [], pause)[0]:
            client.sendall(drop)

    return behave


@contextlib.contextmanager
def behaving(host: Host, behave: Behaviour) -> Iterator[None]:
    host.behave = behave
    try:
        yield
    finally:
        host.behave = None
