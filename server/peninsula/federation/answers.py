"""Which answers of services are there already, or on their way to somebody else?

An answer is kept for the time that its service allows, in the form that was made of it, packed,
up to a number of bytes in all. Whoever wants what another is asking for already waits for that.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from peninsula.federation.wire import IsGone

#: The address of a service, what kind of answer is wanted, and the query.
Key = tuple[str, str, str]

#: What an entry costs besides its bytes.
_OVERHEAD: Final = 512
#: No answer takes more than this part of the cache, so that one cannot drive out all others.
_LARGEST_PART: Final = 4


@dataclass(frozen=True)
class Answer:
    """What a service answered, once, in the form of :mod:`peninsula.federation.results`."""

    packed: bytes
    #: What tells its blank nodes from those of other answers.
    token: str
    retrieved: datetime
    received: float  # monotonic
    #: How many bytes came, as sent.
    size: int = 0

    #: Bytes of ``content``.
    length: int = 0

    @property
    def content(self) -> bytes:
        return zlib.decompress(self.packed)

    @property
    def age(self) -> float:
        """Return its age in seconds."""
        return time.monotonic() - self.received


class Answers:
    """The answers that are kept; may be used from any thread."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, Answer] = OrderedDict()

    def find(self, key: Key) -> Answer | None:
        """Return the answer that is kept under ``key``, however old it is."""
        with self._lock:
            answer = self._entries.get(key)
            if answer is not None:
                self._entries.move_to_end(key)
            return answer

    def keep(self, key: Key, answer: Answer) -> None:
        """Keep an answer, in place of what was used the longest time ago."""
        size = self._size(key, answer)
        with self._lock:
            self._drop(key)
            if size > self.max_bytes // _LARGEST_PART:
                return
            self._entries[key] = answer
            self.bytes += size
            while self.bytes > self.max_bytes:
                self._drop(next(iter(self._entries)))

    def drop(self, key: Key) -> None:
        """Forget what is too old to be used."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        answer = self._entries.pop(key, None)
        if answer is not None:
            self.bytes -= self._size(key, answer)

    @staticmethod
    def _size(key: Key, answer: Answer) -> int:
        # A character takes up to four bytes.
        return len(answer.packed) + 4 * sum(map(len, key)) + _OVERHEAD


@dataclass(eq=False)
class Errand:
    """A request that is under way, for whoever wants its answer."""

    #: Of each who waits for it; None: of somebody who stays.
    listeners: list[IsGone | None] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None
    error: BaseException | None = None

    def is_gone(self) -> bool:
        """Return whether nobody waits for it any more."""
        return all(is_gone is not None and is_gone() for is_gone in tuple(self.listeners))


class Errands:
    """The requests that are under way; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Key, Errand] = {}

    def join(self, key: Key, is_gone: IsGone | None) -> tuple[Errand, bool]:
        """Return the errand for ``key``, and whether it is the caller's to run."""
        with self._lock:
            errand = self._under_way.get(key)
            is_new = errand is None
            if errand is None:
                errand = self._under_way[key] = Errand()
            errand.listeners.append(is_gone)
            return errand, is_new

    def leave(self, errand: Errand, is_gone: IsGone | None) -> None:
        """Wait for an errand no more."""
        with self._lock:
            errand.listeners.remove(is_gone)

    def finish(
        self, key: Key, errand: Errand, answer: Answer | None, error: BaseException | None
    ) -> None:
        """Tell whoever waits how an errand ended."""
        with self._lock:
            del self._under_way[key]
        errand.answer, errand.error = answer, error
        errand.is_over.set()
