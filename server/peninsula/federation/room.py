"""How much of what services said may be in this process at the same time?

Answers are parsed elsewhere, but joined here: a table of a megabyte takes several as terms. So
all queries share a number of bytes. One that has nothing yet waits for its part, one that has
something already is refused more than there is: so none waits for what another waiting one has.
Of several queries of one client, all together take three quarters at most.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

from peninsula.errors import Overloaded
from peninsula.fairness import share
from peninsula.federation.wire import OutOfTime, Patience

#: Bytes for all queries together.
MOST_BYTES: Final = 256 * 2**20


class Room:
    """The bytes that queries share; may be used from any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.used = 0
        self._by_client: Counter[str] = Counter()
        self._freed = threading.Condition()

    @contextlib.contextmanager
    def part(self, client: str = "") -> Iterator[Part]:
        """Give what one query takes, all of which is given back at the end."""
        part = Part(self, client)
        try:
            yield part
        finally:
            part.give_back()

    def take(self, part: Part, count: int, patience: Patience) -> None:
        """Let ``part`` have more bytes; raises Overloaded where there are none in time."""
        with self._freed:
            while not self._fits(part, count):
                if part.used:
                    raise _make_overloaded()
                try:
                    patience.await_change(self._freed)
                except OutOfTime:
                    raise _make_overloaded() from None
            self.used += count
            self._by_client[part.client] += count
            part.used += count

    def _fits(self, part: Part, count: int) -> bool:
        """Return whether there is room; what is larger than all there is fits where it is alone."""
        mine = self._by_client[part.client]
        return (self.used == part.used or self.used + count <= self.most_bytes) and (
            mine == part.used or mine + count <= share(self.most_bytes)
        )

    def free(self, part: Part) -> None:
        """Take back all that ``part`` has."""
        with self._freed:
            self.used -= part.used
            self._by_client[part.client] -= part.used
            if not self._by_client[part.client]:
                del self._by_client[part.client]
            part.used = 0
            self._freed.notify_all()


class Part:
    """What one query has of a room."""

    def __init__(self, room: Room, client: str = "") -> None:
        self._room = room
        self.client = client
        self.used = 0

    def take(self, count: int, patience: Patience) -> None:
        """Have more bytes; raises Overloaded, ClientGone."""
        self._room.take(self, count, patience)

    def give_back(self) -> None:
        """Have nothing any more."""
        self._room.free(self)


def _make_overloaded() -> Overloaded:
    return Overloaded(
        "What services answered to others takes all the room there is for it.",
        "Ask again in a moment.",
    )
