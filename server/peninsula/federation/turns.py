"""Whose turn is it at a service, and until when is it left alone by all?

A service is asked by a few at a time; the others wait, client by client, and some turns are left
to clients that do not wait yet. A service that says that it has enough (429, or 503 with
Retry-After) is asked nothing until the time that it names is over, whoever wants to.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from peninsula.errors import UpstreamBusy
from peninsula.fairness import FairQueue, share
from peninsula.federation.wire import OutOfTime, Patience

#: Longest time that a service is left alone without being asked whether it still wants to be.
_LONGEST_PAUSE: Final = 3600.0


@dataclass(eq=False)
class _Ticket:
    client: str


class Turns:
    """Those who want something of one service; may be used from any thread."""

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self._free = most
        self._line = FairQueue(share(most))
        self._until = 0.0
        self._changed = threading.Condition()

    @property
    def pause_left(self) -> float:
        """Return the seconds for which the service is to be left alone; 0: it may be asked."""
        return max(0.0, self._until - time.monotonic())

    def pause(self, seconds: float) -> None:
        """Leave the service alone for so many seconds from now, if not for longer already."""
        with self._changed:
            until = time.monotonic() + min(seconds, _LONGEST_PAUSE)
            self._until = max(self._until, until)
            self._changed.notify_all()

    @contextlib.contextmanager
    def take(self, patience: Patience, client: str = "") -> Iterator[None]:
        """Have a turn; raises UpstreamBusy where none comes in time, ClientGone."""
        ticket = _Ticket(client)
        with self._changed:
            self._line.append(ticket)
            try:
                self._wait(ticket, patience)
            except BaseException:
                self._line.remove(ticket)
                raise
            finally:
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._line.give_back(client)
                self._changed.notify_all()

    def _wait(self, ticket: _Ticket, patience: Patience) -> None:
        """Return once it is the turn of ``ticket``, which is taken then."""
        while True:
            rest = self.pause_left
            if rest >= patience.left:
                raise self.make_busy(rest)
            if not rest and self._free and self._line.first is ticket:
                self._line.popleft()
                self._free -= 1
                return
            try:
                patience.await_change(self._changed, rest or math.inf)
            except OutOfTime:
                raise UpstreamBusy(
                    f"The service “{self.name}” is asked by too many at once.",
                    "Ask again in a moment.",
                ) from None

    def make_busy(self, seconds: float) -> UpstreamBusy:
        """Return the error that says for how long the service is left alone."""
        whole = math.ceil(seconds)
        return UpstreamBusy(
            f"The service “{self.name}” wants to be left alone for {whole} s.",
            "Ask again then.",
            retry_after=whole,
        )
