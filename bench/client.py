"""How is a server asked, so that what is measured is the server?

A keep-alive HTTP/1.1 client on a raw socket, the same for every server: one ``sendall`` a
request, one large buffer for the answer, chunk heads stepped over, nothing decoded. It counts
bytes and line ends as they pass and keeps a body only where asked to.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

HOST = "127.0.0.1"
_BUFFER = 1 << 18


class TooSlow(Exception):
    """No byte came for as long as the client waits."""


class Refused(Exception):
    """The server answered with something else than success."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: seconds until its first and last body byte, its size, the body if kept."""

    status: int
    headers: Mapping[str, str]
    first: float
    total: float
    size: int
    lines: int
    body: bytes


class Client:
    """One connection, opened at the first request and again where the server closed it."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self._port = port
        self._timeout = timeout
        self._socket: socket.socket | None = None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def query(self, path: str, query: str, accept: str, *, keep: bool = False) -> Answer:
        """Ask by GET, as most clients do; raises TooSlow, Refused, OSError."""
        target = f"{path}?{urlencode({'query': query})}"
        return self.request("GET", target, {"Accept": accept}, keep=keep)

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Path | None = None,
        *,
        keep: bool = False,
    ) -> Answer:
        """Send one request, a body from bytes or streamed from a file; read the whole answer."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            length = body.stat().st_size if isinstance(body, Path) else len(body)
            lines.append(f"Content-Length: {length}")
        message = "\r\n".join([*lines, "", ""]).encode()
        if isinstance(body, bytes):
            message += body
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()  # it was closed meanwhile, or told that it was idle for too long
        reused = self._socket is not None
        try:
            answer = self._exchange(message, body if isinstance(body, Path) else None, keep)
        except (ConnectionError, EOFError):
            self.close()
            if not reused:  # a server may close an idle connection: once more on a new one
                raise
            answer = self._exchange(message, body if isinstance(body, Path) else None, keep)
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        if not 200 <= answer.status < 300:
            shown = answer.body[:300].decode(errors="replace")
            raise Refused(f"{method} {target[:60]} answered {answer.status}: {shown}")
        return answer

    def _exchange(self, message: bytes, file: Path | None, keep: bool) -> Answer:
        try:
            if self._socket is None:
                self._socket = socket.create_connection((HOST, self._port), self._timeout)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            began = time.perf_counter()
            self._socket.sendall(message)
            if file is not None:
                with file.open("rb") as stream:
                    self._socket.sendfile(stream)
            return self._read(began, keep)
        except TimeoutError:
            self.close()
            raise TooSlow(f"no byte for {self._timeout:g} s") from None

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(_BUFFER)
        if not data:
            raise EOFError("the connection ended inside an answer")
        return data

    def _read(self, began: float, keep: bool) -> Answer:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        status_line, *fields = data[:end].decode("latin-1").split("\r\n")
        status = int(status_line.split(" ", 2)[1])
        headers = {}
        for field in fields:
            name, _, value = field.partition(":")
            headers[name.strip().lower()] = value.strip()
        rest = data[end + 4 :]
        if headers.get("transfer-encoding", "").lower() == "chunked":
            pieces = self._chunks(rest)
        elif "content-length" in headers:
            pieces = self._counted(rest, int(headers["content-length"]))
        elif status in {204, 304}:
            pieces = iter(())
        else:
            pieces = self._until_closed(rest)
        keep = keep or not 200 <= status < 300
        first, size, lines = 0.0, 0, 0
        kept = []
        for piece in pieces:
            if not size:
                first = time.perf_counter() - began
            size += len(piece)
            lines += piece.count(b"\n")
            if keep:
                kept.append(piece)
        total = time.perf_counter() - began
        return Answer(status, headers, first or total, total, size, lines, b"".join(kept))

    def _counted(self, data: bytes, length: int) -> Iterator[bytes]:
        while True:
            if data:
                length -= len(data)
                yield data
            if length <= 0:
                return
            data = self._receive()

    def _until_closed(self, data: bytes) -> Iterator[bytes]:
        try:
            while True:
                if data:
                    yield data
                data = self._receive()
        except EOFError:
            self.close()

    def _chunks(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while True:
            while (end := data.find(b"\r\n", at)) < 0:
                data, at = data[at:] + self._receive(), 0
            left = int(data[at:end].partition(b";")[0], 16)
            at = end + 2
            last = left == 0
            while left > 0:
                if at == len(data):
                    data, at = self._receive(), 0
                piece = data[at : at + left]
                left -= len(piece)
                at += len(piece)
                yield piece
            while len(data) - at < 2:  # the line end after a chunk
                data, at = data[at:] + self._receive(), 0
            at += 2
            if last:  # nobody here sends trailers
                return
