"""How far is a query that a reader works on, and how does it end?

Its answer comes through a pipe, what is told of it through the reader's channel. Meanwhile the
client may go, the keeper may kill the reader, and the reader may die of the query; whoever reads
the answer is told which of them it was. The clock stands still while the client takes nothing,
but not while the server works on what the client has seen nothing of.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from peninsula.dataset.channel import Channel, ChannelClosed, Message
from peninsula.dataset.interface import Asker
from peninsula.dataset.reader import out_of_memory
from peninsula.dataset.workers import Nursery, kill
from peninsula.errors import (
    ClientGone,
    PeninsulaError,
    QueryCancelled,
    QueryCrashed,
    from_message,
)

#: Seconds between two looks whether a client is still there.
GONE_TICK: Final = 0.25
_PIPE: Final = 1 << 20
_CHUNK: Final = 1 << 18
#: Seconds in which a reader should notice that its answer is not wanted any more.
_LEAVING: Final = 0.02
_F_SETPIPE_SZ: Final = 1031  # fcntl.F_SETPIPE_SZ, which only Linux has


@dataclass(frozen=True)
class Source:
    """Where readers of one generation come from."""

    generation: int
    nursery: Nursery
    #: The database to open; None where the nursery holds the generation in memory.
    path: str | None
    #: Whether there is room for every reader to have a copy of the memory.
    claims_pages: bool = False
    #: Where readers of this generation come from once the memory holds the next one.
    on_disk: Source | None = None

    @property
    def is_in_memory(self) -> bool:
        return self.path is None


@dataclass(eq=False)
class Reader:
    """A reader process."""

    source: Source
    channel: Channel
    pid: int
    resident: int
    is_confined: bool
    is_slow: bool = False
    #: How many changes it has followed since it was forked.
    followed: int = 0
    is_ended: bool = False
    _ending: threading.Lock = field(default_factory=threading.Lock)

    def end(self) -> int:
        """End the process, once; return the signal that it died of, 0 where it is not known."""
        with self._ending:
            if self.is_ended:
                return 0
            self.is_ended = True
        self.channel.close()
        died_of, _ = self.source.nursery.end(self.pid)
        return died_of


class Release(Protocol):
    """Takes back the reader of what is over, to be used again where it is healthy."""

    def __call__(self, running: Running, *, is_healthy: bool) -> None: ...


class Running:
    """A query, dump or parsing under way."""

    def __init__(
        self,
        release: Release,
        asker: Asker,
        text: str,
        timeout: float,
    ) -> None:
        """``release`` is called once, when it is over, and takes the reader back.

        Until ``asker.has_begun`` says that the client has something of the answer, what is made of
        it here counts as if the reader worked.
        """
        self._release = release
        self.client = asker.client
        self.text = text
        self.timeout = timeout
        self.id = 0
        self.started = time.monotonic()
        self.reader: Reader | None = None
        self.head: Message = {}
        self.tail: Message = {}
        self.bytes = 0
        #: Solutions or triples, as far as they can be told from the bytes.
        self.rows = 0
        self._pipe = -1
        #: The whole answer, where it came with the head.
        self._body: bytes | None = None
        #: Why the reader was killed, where it was.
        self.verdict: PeninsulaError | None = None
        self.outcome = ""
        self._away = 0.0
        self._away_since: float | None = None
        self._is_gone: Callable[[], bool] | None = None
        self._hang_up = asker.hang_up
        self._has_begun = asker.has_begun
        self._worked = 0.0
        self._awaits_format = False
        self._closing = threading.Lock()
        self._is_closed = False
        self._is_dead = False
        self._ended = 0.0

    def seconds(self) -> float:
        """Return the seconds it has taken, without those spent waiting for the client."""
        now = self._ended or time.monotonic()
        since = self._away_since
        away = self._away + (now - since if since is not None else 0.0)
        return now - self.started - away + self._worked

    @property
    def is_over(self) -> bool:
        """Return whether it takes no more time."""
        return self._is_closed

    def seconds_away(self) -> float:
        """Return for how many seconds the client has taken nothing."""
        since = self._away_since
        return 0.0 if since is None else time.monotonic() - since

    def kill(self, verdict: PeninsulaError) -> None:
        """End it; whoever reads its answer is told ``verdict``."""
        with self._closing:
            if self._is_closed or self._is_dead or self.reader is None:
                return
            self.verdict = self.verdict or verdict
            kill(self.reader.pid)
            # Who waits for a client that takes nothing cannot see that the reader is dead.
            if self._away_since is not None and self._hang_up:
                self._hang_up()

    def begin(self, message: Mapping[str, Any], is_gone: Callable[[], bool] | None) -> None:
        """Send the request, and wait until the reader knows what kind of answer it is."""
        assert self.reader
        read, write = os.pipe()
        self._pipe = read
        self._is_gone = is_gone
        try:
            with contextlib.suppress(OSError):
                fcntl.fcntl(write, _F_SETPIPE_SZ, _PIPE)
            self.reader.channel.send(message, [write])
        except ChannelClosed:
            self._fail()
        finally:
            os.close(write)
        self.head = self._message()
        if "error" in self.head:
            self.tail = self.head
            error = from_message(self.head["error"])
            self.outcome = error.slug()
            self.close(is_healthy=True)
            raise error
        if "body" in self.head:
            self._body = self.head.pop("body").encode()
            self.outcome = "ok"
            self.close(is_healthy=True)
            return
        self._awaits_format = "formats" in message and not (message["formats"] or {}).get(
            self.head["kind"]
        )

    def send(self, message: Mapping[str, Any]) -> None:
        """Tell the reader in which format the answer is wanted."""
        assert self.reader
        self._awaits_format = False
        try:
            self.reader.channel.send(message)
        except ChannelClosed:
            self._fail()

    def chunks(self) -> Iterator[bytes]:
        """Yield the answer; raises where it cannot be finished. Ends the query when closed."""
        if self._body is not None:
            self.bytes = len(self._body)
            yield self._body
            return
        try:
            while chunk := self._read():
                self.bytes += len(chunk)
                self._away_since = time.monotonic()
                at_work, thread = time.thread_time(), threading.get_ident()
                yield chunk
                if self._has_begun and not self._has_begun() and thread == threading.get_ident():
                    self._worked += time.thread_time() - at_work
                self._away += time.monotonic() - self._away_since
                self._away_since = None
            self.tail = self._message()
            if "count" in self.tail:
                self.head |= self.tail
                self.tail = self._message()
            if "error" in self.tail:
                error = from_message(self.tail["error"])
                self.outcome = error.slug()
                self.close(is_healthy=True)
                raise error
            self.outcome = "ok"
            self.close(is_healthy=True)
        finally:
            self._away_since = None
            self.close()

    def close(self, *, is_healthy: bool = False) -> None:
        """Give the reader back, or end it where it is still busy."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            self._ended = time.monotonic()
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        is_healthy = is_healthy or (not self.outcome and self._leave())
        self.outcome = self.outcome or (self.verdict.slug() if self.verdict else "left")
        self._release(self, is_healthy=is_healthy and self.verdict is None)

    def _leave(self) -> bool:
        """Tell the reader that nobody wants the rest; return whether it is free at once."""
        if self.reader is None or not self.head:
            return False
        channel = self.reader.channel
        try:
            if self._awaits_format:
                channel.send({"format": None})
            while channel.wait(_LEAVING):
                message, _ = channel.receive()
                if not message.keys().isdisjoint({"whole", "left", "error"}):
                    return True
        except ChannelClosed:
            pass
        return False

    def _read(self) -> bytes:
        self._wait(self._pipe)
        return os.read(self._pipe, _CHUNK)

    def _message(self) -> Message:
        assert self.reader
        try:
            self._wait(self.reader.channel.fileno())
            return self.reader.channel.receive()[0]
        except ChannelClosed:
            self._fail()
            raise AssertionError from None

    def _wait(self, descriptor: int) -> None:
        """Wait until there is something to read; look meanwhile whether the client is there."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while not poll.poll(GONE_TICK * 1000):
            if self._is_gone and self._is_gone():
                self.outcome = "disconnected"
                self.close()
                raise ClientGone

    def _fail(self) -> None:
        """The reader is dead: find out why, and raise."""
        assert self.reader
        with self._closing:
            # From now on nobody else touches the process, or its number.
            self._is_dead = True
        died_of = self.reader.end()
        error = self.verdict or _explain_death(died_of)
        self.outcome = error.slug()
        self.close()
        raise error


def _explain_death(died_of: int) -> PeninsulaError:
    # Rust aborts where memory cannot be had; a stack that overflows is a segmentation fault.
    if died_of == signal.SIGABRT:
        return out_of_memory()
    if died_of == signal.SIGKILL:
        return QueryCancelled("The system ended the query, perhaps for want of memory.")
    name = signal.Signals(died_of).name if died_of else "no signal"
    return QueryCrashed(
        f"The query ended the process that evaluated it ({name}); nothing else was disturbed.",
        "Make it smaller or flatter.",
    )
