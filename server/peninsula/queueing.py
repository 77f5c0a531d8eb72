"""Which of the requests that have arrived is answered next?

Waitress answers them in the order in which they came, so that whoever sends a thousand at once
makes everybody else wait for a thousand answers, and whoever takes answers slowly can hold all
its threads. Here, clients take turns by their address, and some threads are left to the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from waitress.task import ThreadedTaskDispatcher

from peninsula.fairness import FairQueue, share


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
        self.queue = FairQueue(share(threads))
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
