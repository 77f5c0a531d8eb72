"""How do many clients work at once, so that what goes wrong for one of them fails the test?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from .instance import PATIENCE


class Crowd:
    """Threads that work until they are told that it is over; what one of them raises, counts."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    @property
    def is_over(self) -> Callable[[], bool]:
        return self._over.is_set

    def start(self, work: Callable[[], None]) -> None:
        """Start a thread that does ``work``."""

        def attempt() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001, raised in ``end``
                self._failures.append(error)

        thread = threading.Thread(target=attempt)
        thread.start()
        self._threads.append(thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.end()
        else:
            self.tell()

    def tell(self) -> None:
        """Tell them that it is over, without waiting for them."""
        self._over.set()

    def end(self) -> None:
        """Wait for all of them; raise what the first of them raised."""
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a client still waits for an answer"
        if self._failures:
            raise self._failures[0]
