"""How much time is left to all the queries of one request together?

A page or a table asks many questions, each of which has its limit; over data that somebody made for
that, they would take as long one after another as all of their limits together. What counts is
the time that queries take, not that for which the client makes them wait.
"""

from __future__ import annotations

import threading
from typing import Protocol


class Timed(Protocol):
    """What takes time."""

    @property
    def is_over(self) -> bool:
        """Return whether it takes no more."""
        ...

    def seconds(self) -> float:
        """Return how much it has taken so far."""
        ...


class Budget:
    """The seconds that the queries of a request may take together."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._spent = 0.0
        self._running: list[Timed] = []
        self._lock = threading.Lock()

    def left(self) -> float:
        """Return the seconds that are left, 0 for none."""
        with self._lock:
            under_way = []
            for query in self._running:
                if query.is_over:
                    self._spent += query.seconds()
                else:
                    under_way.append(query)
            self._running = under_way
            return max(0.0, self.seconds - self._spent - sum(q.seconds() for q in under_way))

    def charge(self, query: Timed) -> None:
        """Count what a query takes."""
        with self._lock:
            self._running.append(query)
