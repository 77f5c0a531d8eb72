"""Which of the requests that have arrived is answered next?

Waitress answers them in the order in which they came, so that whoever sends a thousand at once
makes everybody else wait for a thousand answers, and whoever takes answers slowly can hold all
its threads. Here, clients take turns: round robin by address (fair queueing: J. Nagle, RFC 970),
and some threads are left to the others.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from waitress.task import ThreadedTaskDispatcher


class FairQueue:
    """Tasks in the order in which they are taken up: one of each client, then the next of each.

    It stands in for the deque of a ``ThreadedTaskDispatcher``, which locks around every use. A
    task has the ``client`` that it is for as an attribute. It is true while a task may be taken
    up: one whose client holds fewer than ``most_of_one`` already.
    """

    def __init__(self, most_of_one: float = math.inf) -> None:
        self.most_of_one = most_of_one
        # The client whose turn is next comes first.
        self._lines: dict[str, deque[Any]] = {}
        self._held: Counter[str] = Counter()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __bool__(self) -> bool:
        return self._next() is not None

    def append(self, task: Any) -> None:
        """Put ``task`` behind the others of its client."""
        self._lines.setdefault(task.client, deque()).append(task)
        self._length += 1

    def popleft(self) -> Any:
        """Take the first task of the client whose turn it is; raises IndexError without one."""
        client = self._next()
        if client is None:
            raise IndexError("no task may be taken up")
        line = self._lines.pop(client)
        task = line.popleft()
        if line:
            self._lines[client] = line
        self._length -= 1
        self._held[client] += 1
        return task

    def give_back(self, client: str) -> None:
        """Count a task of ``client`` as done."""
        self._held[client] -= 1
        if self._held[client] <= 0:
            del self._held[client]

    def _next(self) -> str | None:
        # At most threads / most_of_one clients hold as many as they may, so that this is short.
        return next((name for name in self._lines if self._held[name] < self.most_of_one), None)


class _Task:
    """A task that is counted for its client until it is done."""

    def __init__(self, task: Any, on_done: Callable[[str], None]) -> None:
        self.client: str = task.client
        self._task = task
        self._on_done = on_done

    def service(self) -> None:
        try:
            self._task.service()
        finally:
            self._on_done(self.client)

    def cancel(self) -> None:
        self._task.cancel()


class FairDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """``threads`` threads of Waitress that take up tasks in turns of their clients.

    One client holds at most three quarters of them.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.queue = FairQueue(max(1, threads * 3 // 4))
        self.set_thread_count(threads)

    def add_task(self, task: Any) -> None:
        """Have ``task`` taken up when it is its client's turn."""
        super().add_task(_Task(task, self._give_back))

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Wait for the threads, and tell what was not taken up that it will not be."""
        with self.lock:
            self.queue.most_of_one = math.inf
        done: bool = super().shutdown(cancel_pending, timeout)
        return done

    def _give_back(self, client: str) -> None:
        # Called in a thread that looks for its next task thereafter: nobody is to be woken.
        with self.lock:
            self.queue.give_back(client)
