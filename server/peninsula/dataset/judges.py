"""How is something judged that is not to be stored?

In a process like the writer, with a working database of its own that nobody publishes: whatever
is sent to be validated holds up no change, and can be ended. It is started when it is first
needed, and follows the published generation.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from peninsula.dataset.channel import Channel, ChannelClosed
from peninsula.dataset.interface import Asker
from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    ClientGone,
    Overloaded,
    PeninsulaError,
    QueryCrashed,
    QueryTimeout,
    from_message,
)

#: Trials that wait at most.
_QUEUE: Final = 16
#: Seconds in which the process must be ready.
_STARTING: Final = 120.0
_TICK: Final = 0.25


class Judges:
    """The process that judges trials, one at a time."""

    def __init__(
        self,
        nursery: Nursery,
        options: Mapping[str, Any],
        generation: Callable[[], int],
        timeout: float,
    ) -> None:
        """``options`` are those of a writer; ``generation`` tells the published one."""
        self._nursery = nursery
        self._options = options
        self._generation = generation
        self._timeout = timeout
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(_QUEUE)
        self._channel: Channel | None = None
        self.pid = 0

    def judge(self, message: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
        """Return the report about what ``message`` describes.

        Raises what the judging raises, Overloaded, QueryTimeout, QueryCrashed, ClientGone.
        """
        if not self._waiting.acquire(blocking=False):
            raise Overloaded("Too much waits to be validated.", "Send it again in a moment.")
        try:
            until = time.monotonic() + min(asker.timeout or self._timeout, self._timeout)
            while not self._lock.acquire(timeout=_TICK):
                if asker.is_gone and asker.is_gone():
                    raise ClientGone
                if time.monotonic() > until:
                    raise Overloaded("Others are being validated.", "Send it again in a moment.")
            try:
                return self._ask(message, until, asker)
            finally:
                self._lock.release()
        finally:
            self._waiting.release()

    def _ask(self, message: Mapping[str, Any], until: float, asker: Asker) -> dict[str, Any]:
        channel = self._open()
        try:
            channel.send({**message, "do": "judge", "generation": self._generation()})
            while not channel.wait(_TICK):
                if asker.is_gone and asker.is_gone():
                    self.close()
                    raise ClientGone
                if time.monotonic() > until:
                    self.close()
                    raise QueryTimeout(
                        "The validation took too long.", "Send less at once, or in parts."
                    )
            answer, _ = channel.receive()
        except ChannelClosed:
            self.close()
            raise QueryCrashed(
                "What was sent ended the process that validates it; nothing was changed."
            ) from None
        if "is_over" in answer:
            self.close()
        if "error" in answer:
            raise from_message(answer["error"])
        report: dict[str, Any] = answer["report"]
        return report

    def _open(self) -> Channel:
        if self._channel is None:
            channel, self.pid = self._nursery.fork("writer", **self._options)
            self._channel = channel
            try:
                hello, _ = channel.receive(_STARTING)
            except (ChannelClosed, TimeoutError):
                hello = {}
            if "ready" not in hello:
                self.close()
                if "error" in hello:
                    raise from_message(hello["error"])
                raise PeninsulaError("The process that validates could not be started.")
        return self._channel

    def close(self) -> None:
        """End the process; the next trial starts another."""
        if self._channel:
            self._channel.close()
            self._channel = None
        if self.pid:
            self._nursery.end(self.pid)
            self.pid = 0
