"""What can go wrong with an answer of a server: late, cut off, too long, of another kind, none?"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final, Protocol

from .engine import JSON, NTRIPLES, XML


@dataclass(frozen=True)
class Reply:
    """An answer of the server behind, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Answering(Protocol):
    """How a fault answers one request; every method raises where the client has gone."""

    @property
    def is_closing(self) -> bool: ...

    def ask(self) -> Reply: ...

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None: ...

    def begin(self, status: int, headers: Mapping[str, str], length: int | None) -> None: ...

    def write(self, data: bytes) -> None: ...

    def write_chunk(self, data: bytes) -> None: ...

    def wait(self, seconds: float) -> None: ...

    def wait_until_left(self) -> None: ...

    def hang_up(self, *, is_reset: bool = False) -> None: ...


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
