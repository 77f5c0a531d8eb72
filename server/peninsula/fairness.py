"""Whose turn is it, where many clients wait for few places?

Clients take turns: round robin (fair queueing: J. Nagle, RFC 970), and some places are left to
those who do not wait yet.
"""

from __future__ import annotations

import ipaddress
import math
from collections import Counter, deque
from functools import lru_cache
from typing import Any, Final

#: Bits of an address of IPv6 that tell networks apart; in each, a machine takes what it likes.
_NETWORK_BITS: Final = 64
#: Characters of an address, with a zone behind it; what is longer is none.
_LONGEST: Final = 80


def tell_client(address: str) -> str:
    """Return which client is at ``address``: the network of it in IPv6 (RFC 4291, 2.5.4).

    A port, which some proxies add, does not count. What is no address is returned as it is, up to
    a length.
    """
    return _find_network(address[:_LONGEST])


@lru_cache(maxsize=4096)
def _find_network(address: str) -> str:
    host = address
    if address.startswith("["):
        host = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        host = address.partition(":")[0]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _NETWORK_BITS), strict=False))


def share(places: int) -> int:
    """Return how many of so many places one client may hold: three quarters of them."""
    return max(1, places * 3 // 4)


class Line:
    """Tasks in the order in which they are taken up: one of each client, then the next of each.

    A task has the ``client`` that it is for as an attribute. Whoever uses it from several threads
    locks around every use.
    """

    def __init__(self) -> None:
        # The client whose turn is next comes first.
        self._lines: dict[str, deque[Any]] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def count(self, client: str) -> int:
        """Return how many tasks of ``client`` there are."""
        return len(self._lines.get(client, ()))

    def append(self, task: Any) -> None:
        """Put ``task`` behind the others of its client."""
        self._lines.setdefault(task.client, deque()).append(task)
        self._length += 1

    def remove(self, task: Any) -> None:
        """Forget ``task``, which has not been taken up; raises ValueError without it."""
        line = self._lines.get(task.client, deque())
        line.remove(task)
        if not line:
            del self._lines[task.client]
        self._length -= 1

    @property
    def first(self) -> Any:
        """Return the task that is taken up next, None where none may be."""
        client = self._next()
        return None if client is None else self._lines[client][0]

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
        return task

    def _next(self) -> str | None:
        return next(iter(self._lines), None)


class FairQueue(Line):
    """A line in which nobody is served who holds ``most_of_one`` of what was taken up already.

    It is true while a task may be taken up. What is done is given back.
    """

    def __init__(self, most_of_one: float = math.inf) -> None:
        super().__init__()
        self.most_of_one = most_of_one
        self._held: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return self._next() is not None

    def popleft(self) -> Any:
        """Take the first task of the client whose turn it is; raises IndexError without one."""
        task = super().popleft()
        self._held[task.client] += 1
        return task

    def give_back(self, client: str) -> None:
        """Count a task of ``client`` as done."""
        self._held[client] -= 1
        if self._held[client] <= 0:
            del self._held[client]

    def _next(self) -> str | None:
        # At most threads / most_of_one clients hold as many as they may, so that this is short.
        return next((name for name in self._lines if self._held[name] < self.most_of_one), None)
