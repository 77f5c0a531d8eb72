"""Who may have services asked at the same time, so that no client keeps the others from it?

Whoever waits for a service holds a thread of the server, and there are so many for that. A client
may hold three times as many as are left to all others (dynamic thresholds: A. K. Choudhury and
E. L. Hahne, 1998): alone three quarters of them, one of two three sevenths, and so on; something
is left to whoever comes next.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from peninsula.errors import Overloaded

#: What a client may hold for each one that is left.
_SHARE: Final = 3


@dataclass(eq=False)
class Caller:
    """A query, or a command, that has services asked: one thread, with however many requests."""

    #: For whom; clients share what there is.
    client: str = ""
    #: Requests under way.
    calls: int = 0


class Callers:
    """Those who have services asked; may be used from any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        #: Requests under way, of all callers.
        self.calls = 0
        #: Callers with requests under way, by client.
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def calling(self, caller: Caller) -> Iterator[None]:
        """Let ``caller`` make a request; raises Overloaded where it, or its client, may not."""
        with self._lock:
            if not caller.calls:
                self._admit(caller.client)
            caller.calls += 1
            self.calls += 1
        try:
            yield
        finally:
            with self._lock:
                self.calls -= 1
                caller.calls -= 1
                if not caller.calls:
                    self._held[caller.client] -= 1
                    if not self._held[caller.client]:
                        del self._held[caller.client]

    def _admit(self, client: str) -> None:
        left = self._most - self._held.total()
        if left <= 0:
            raise Overloaded(
                f"{self._most} queries that ask services of others are under way.",
                "Ask again in a moment.",
            )
        held = self._held[client]
        if held >= _SHARE * left:
            raise Overloaded(
                f"{held} queries of this client that ask services of others are under way; "
                f"what is left, {left}, is for others.",
                "Ask again in a moment, or fewer at a time.",
            )
        self._held[client] += 1
