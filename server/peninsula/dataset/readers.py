"""Which reader answers which query, for how long, and what ends it?

Readers are processes that answer one query at a time. As many work at full priority as there
are cores; others wait in a bounded queue, in turn by client, so that nobody's many queries keep
another's one waiting. A query that takes long while others wait gives its place up and goes on
at idle priority: a query of death costs the rest of the world a tenth of a second, not its time
limit. A keeper thread ends what is over its limits: time (while the server waits for the client
the clock stands still), memory of one and of all.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from peninsula.dataset import sandbox
from peninsula.dataset.channel import ChannelClosed
from peninsula.dataset.interface import Asker
from peninsula.dataset.reader import out_of_memory, out_of_time
from peninsula.dataset.running import GONE_TICK, Reader, Running, Source
from peninsula.dataset.workers import Nursery, Outdated
from peninsula.errors import (
    ClientGone,
    Overloaded,
    PeninsulaError,
    QueryCancelled,
    QueryFailed,
)
from peninsula.fairness import Line, share

#: After so many seconds a query gives its place up to one that waits.
_PATIENCE: Final = 0.1
#: Queries at idle priority, per place.
SLOW_PER_PLACE: Final = 12
_TICK: Final = 0.05
#: After so many changes a reader is forked anew, so that what they leave behind does not gather.
_MOST_FOLLOWED: Final = 200
#: How often a reader is forked where the processes that it comes from are killed meanwhile.
_BIRTHS: Final = 3
#: Seconds without a byte taken, or of work, after which a query may be ended for those that wait.
_GRACE: Final = 1.0

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Waiter:
    client: str
    granted: threading.Event = field(default_factory=threading.Event)
    is_granted: bool = False


def most_at_once(places: int) -> int:
    """Return how many queries are evaluated at the same time at most, slow ones included."""
    return places * (1 + SLOW_PER_PLACE)


@dataclass(frozen=True)
class Limits:
    """What readers may use. Times in seconds, memory in bytes."""

    places: int = 2
    queue: int = 64
    timeout: float = 30.0
    memory: int = 1 << 30
    all_memory: int = 4 << 30


class ReaderPool:
    """Every reader of a server."""

    def __init__(self, limits: Limits, on_lost: Callable[[Source], Source]) -> None:
        """``on_lost`` is told that no process can be had of a source; it returns another."""
        self.limits = limits
        self._on_lost = on_lost
        self.source: Source | None = None
        self.killed: dict[str, int] = {}
        self.is_confined = False
        self._lock = threading.Lock()
        self._idle: list[Reader] = []
        #: For how many queries a reader of each generation is being sought.
        self._claimed: Counter[int] = Counter()
        #: How readers get from one generation to the next: from, to, and the patch between.
        self._ways: deque[tuple[Source, Source, str]] = deque(maxlen=_MOST_FOLLOWED)
        self._active = 0
        self._slow = 0
        self._running: dict[int, Running] = {}
        self._last_id = 0
        self._waiting = Line()
        self._is_stopped = threading.Event()
        self._something_runs = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    # What the rest of the server does with it.

    def run(
        self,
        message: Mapping[str, Any],
        *,
        source: Source | None = None,
        asker: Asker | None = None,
        text: str = "",
        longest: float | None = None,
    ) -> Running:
        """Give ``message`` to a reader, and return once it knows the kind of the answer.

        It may take the seconds that ``asker`` says, and ``longest`` at most; default: the limit of
        queries.
        Raises what the reader says, QueryTimeout and its kind, Overloaded where too many wait,
        ClientGone.
        """
        asker = asker or Asker()
        longest = longest or self.limits.timeout
        limit = min(asker.timeout or longest, longest)
        running = Running(self.release, asker, text, limit)
        source = source or self.source
        assert source
        with self._claiming(source.generation):
            self._take_place(asker.client, limit, asker.is_gone)
            running.started = time.monotonic()
            try:
                running.reader = self._take_reader(source)
            except BaseException:
                with self._lock:
                    self._active -= 1
                    self._grant()
                raise
            with self._lock:
                self._last_id += 1
                running.id = self._last_id
                self._running[running.id] = running
        self._something_runs.set()
        try:
            running.begin(message, asker.is_gone)
        except BaseException:
            running.close()
            raise
        return running

    @contextlib.contextmanager
    def _claiming(self, generation: int) -> Iterator[None]:
        """Keep a generation from being removed while somebody waits for a reader of it."""
        with self._lock:
            self._claimed[generation] += 1
        try:
            yield
        finally:
            with self._lock:
                self._claimed[generation] -= 1

    def turn_to(self, source: Source, patch: str | None = None) -> None:
        """Answer from another generation from now on.

        ``patch`` is the file with what leads to it from the one before, where readers that have
        that in memory may follow.
        """
        with self._lock:
            if patch and self.source:
                self._ways.append((self.source, source, patch))
            else:
                self._ways.clear()
            self.source = source
            left = [reader for reader in self._idle if not self._follow(reader)]
            self._idle = [reader for reader in self._idle if reader not in left]
        for reader in left:
            reader.end()
        self._something_runs.set()

    def _follow(self, reader: Reader) -> bool:
        """Lead an idle reader to the present generation; return whether it is there."""
        try:
            for before, after, patch in self._ways:
                if reader.source is before and reader.followed < _MOST_FOLLOWED:
                    reader.channel.send({"do": "apply", "path": patch})
                    reader.source = after
                    reader.followed += 1
        except ChannelClosed:
            return False
        return self._is_useful(reader)

    def running(self) -> list[Running]:
        """Return what is under way, oldest first."""
        with self._lock:
            return [running for running in self._running.values() if running.reader]

    def cancel(self, id: int) -> bool:
        """End a query; returns whether there was one of that number."""
        with self._lock:
            running = self._running.get(id)
        if running is None:
            return False
        running.kill(QueryCancelled("An administrator ended the query."))
        return True

    def states(self) -> dict[str, int]:
        """Return how many readers are busy, slow, idle, and how many queries wait."""
        with self._lock:
            waiting = len(self._waiting)
            return {
                "active": self._active, "slow": self._slow,
                "idle": len(self._idle), "waiting": waiting,
            }  # fmt: skip

    def generations_in_use(self) -> frozenset[int]:
        """Return the generations that some reader has open, or somebody waits for."""
        with self._lock:
            self._claimed = +self._claimed
            busy = [r.reader for r in self._running.values() if r.reader]
            opened = [reader.source.generation for reader in (*busy, *self._idle)]
            return frozenset([*opened, *self._claimed])

    def uses(self, nursery: Nursery) -> bool:
        """Return whether a query is under way in a process that ``nursery`` forked."""
        with self._lock:
            busy = [running.reader for running in self._running.values() if running.reader]
        return any(reader.source.nursery is nursery for reader in busy)

    def pids(self) -> list[int]:
        """Return the process numbers of all readers."""
        with self._lock:
            busy = [
                r.reader.pid for r in self._running.values() if r.reader and not r.reader.is_ended
            ]
            return [*busy, *(reader.pid for reader in self._idle)]

    def close(self) -> None:
        """End every reader."""
        self._is_stopped.set()
        self._something_runs.set()
        self._keeper.join(2)
        for running in self.running():
            running.kill(QueryCancelled("The server stops."))
        with self._lock:
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.end()

    # Places: how many work at the same time, and who is next.

    def _take_place(self, client: str, timeout: float, is_gone: Callable[[], bool] | None) -> None:
        with self._lock:
            if self._active < self.limits.places and not self._waiting:
                self._active += 1
                return
            if len(self._waiting) >= self.limits.queue:
                raise Overloaded(
                    f"{self.limits.queue} queries are waiting already.",
                    "Ask again in a moment.",
                )
            # Of many clients, none takes the queue for itself.
            most = share(self.limits.queue)
            if self._waiting.count(client) >= most:
                raise Overloaded(
                    f"{most} queries of this client are waiting already.",
                    "Ask again in a moment, or fewer at a time.",
                )
            waiter = _Waiter(client)
            self._waiting.append(waiter)
            self._grant()
        self._something_runs.set()
        until = time.monotonic() + timeout
        while not waiter.granted.wait(min(GONE_TICK, max(0.0, until - time.monotonic()))):
            is_late = time.monotonic() >= until
            if is_late or (is_gone and is_gone()):
                with self._lock:
                    if waiter.is_granted:
                        break
                    self._waiting.remove(waiter)
                if is_late:
                    raise Overloaded(
                        f"No reader was free for {timeout:g} s.", "Ask again in a moment."
                    )
                raise ClientGone

    def _grant(self) -> None:
        """Give free places to who waits, client by client; under the lock."""
        while self._waiting and self._active < self.limits.places:
            waiter: _Waiter = self._waiting.popleft()
            self._active += 1
            waiter.is_granted = True
            waiter.granted.set()

    def release(self, running: Running, *, is_healthy: bool) -> None:
        """Take back the reader of ``running`` and its place."""
        reader = running.reader
        assert reader
        with self._lock:
            self._running.pop(running.id, None)
            if reader.is_slow:
                self._slow -= 1
            else:
                self._active -= 1
            is_kept = is_healthy and not reader.is_slow and self._follow(reader)
            is_kept = is_kept and len(self._idle) <= 2 * self.limits.places
            if is_kept:
                self._idle.append(reader)
            self._grant()
        if not is_kept:
            if not is_healthy:
                reason = running.outcome
                self.killed[reason] = self.killed.get(reason, 0) + 1
            reader.end()
            self._something_runs.set()

    # Readers: where they come from and how they end.

    def _is_useful(self, reader: Reader) -> bool:
        return reader.source is self.source and not self._is_stopped.is_set()

    def _take_reader(self, source: Source) -> Reader:
        while (reader := self._take_idle(source)) is not None:
            # An idle reader says nothing; where there is something to hear, it has died.
            if not reader.channel.wait(0):
                return reader
            reader.end()
        for _ in range(_BIRTHS):
            try:
                return self._fork(source)
            except Outdated:
                assert source.on_disk
                source = source.on_disk
            except ChannelClosed:
                source = self._on_lost(source)
        raise QueryFailed("The server could not start a reader.", "Ask again.")

    def _take_idle(self, source: Source) -> Reader | None:
        with self._lock:
            # The last to come back has the most of what is asked for at hand.
            for place in reversed(range(len(self._idle))):
                if self._idle[place].source is source:
                    return self._idle.pop(place)
        return None

    def _fork(self, source: Source) -> Reader:
        channel, pid = source.nursery.fork(
            "reader",
            path=source.path,
            generation=source.generation,
            memory=self.limits.memory,
            claims_pages=source.claims_pages,
        )
        try:
            hello, _ = channel.receive(30)
        except (ChannelClosed, TimeoutError):
            channel.close()
            source.nursery.end(pid)
            raise ChannelClosed("the reader did not start") from None
        self.is_confined = hello["is_confined"]
        return Reader(source, channel, pid, hello["resident"], hello["is_confined"])

    # The keeper: looks after everything that runs.

    def _keep(self) -> None:
        while not self._is_stopped.is_set():
            self._something_runs.wait()
            # Before looking: what begins while it looks wakes it again.
            self._something_runs.clear()
            try:
                is_busy = self._look_after()
            except Exception:  # noqa: BLE001, without the keeper no limit would be kept
                _log.exception("the keeper of the readers failed and goes on")
                is_busy = True
            if is_busy:
                self._something_runs.set()
            self._is_stopped.wait(_TICK)

    def _look_after(self) -> bool:
        running = self.running()
        for query in running:
            if query.seconds() > query.timeout:
                query.kill(out_of_time(f"It took longer than {query.timeout:g} s."))
        self._make_room(running)
        self._limit_memory(running)
        is_lacking = self._fork_ahead()
        return bool(running) or bool(self._waiting) or is_lacking

    def _make_room(self, running: list[Running]) -> None:
        """Let queries that take long give their place up where others wait."""
        demoted = []
        with self._lock:
            if not self._waiting:
                return
            most = SLOW_PER_PLACE * self.limits.places
            for query in running:
                reader = query.reader
                if reader is None or reader.is_slow or query.id not in self._running:
                    continue
                # The more of a client's queries wait, the shorter it may keep a place.
                crowd = self._waiting.count(query.client) / self.limits.places
                patience = _PATIENCE / max(1.0, crowd)
                if self._slow < most and query.seconds() + query.seconds_away() > patience:
                    reader.is_slow = True
                    self._slow += 1
                    self._active -= 1
                    demoted.append(reader)
            self._grant()
            is_full = self._slow >= most and bool(self._waiting)
        for reader in demoted:
            if not reader.is_ended:
                _make_idle(reader.pid)
        if is_full:
            self._shed(running)

    def _shed(self, running: list[Running]) -> None:
        """End what keeps others from being answered.

        First whom nobody reads, then the oldest; of the client first that has most. No more than
        there are places for: what was ended a moment ago takes time to die, and were it not waited
        for, all of a crowd would be ended, and in the end whoever came beside it.
        """
        most = self.limits.places - sum(q.verdict is not None for q in running)
        running = [q for q in running if q.verdict is None]
        crowd = Counter(q.client for q in running)
        unread = [q for q in running if q.seconds_away() > _GRACE]
        slow = [q for q in running if q.reader and q.reader.is_slow and q.seconds() > _GRACE]
        victims = sorted(unread, key=lambda q: (-crowd[q.client], -q.seconds_away())) or sorted(
            slow, key=lambda q: (-crowd[q.client], -q.seconds())
        )
        for victim in victims[: max(0, most)]:
            victim.kill(
                QueryCancelled(
                    "The server has too many long queries at once, and ended the longest.",
                    "Ask again later, or ask for less.",
                )
            )

    def _limit_memory(self, running: list[Running]) -> None:
        """End the largest query where all together take more than there is room for."""
        used = []
        for query in running:
            reader = query.reader
            if reader and not reader.is_ended:
                grown = sandbox.memory_of(reader.pid).resident - reader.resident
                used.append((grown, query))
        if sum(grown for grown, _ in used) > self.limits.all_memory:
            largest = max(used, key=lambda pair: pair[0])[1]
            largest.kill(out_of_memory())

    def _fork_ahead(self) -> bool:
        """Have a reader ready before it is asked for; return whether another one is to follow."""
        with self._lock:
            source = self.source
            ready = sum(reader.source is source for reader in self._idle)
            lacking = self.limits.places - self._active - ready
        if source is None or lacking <= 0 or self._is_stopped.is_set():
            return False
        try:
            reader = self._fork(source)
        except Outdated:
            return True
        except (ChannelClosed, PeninsulaError):
            _log.warning("no reader could be started", exc_info=True)
            with contextlib.suppress(PeninsulaError):
                self._on_lost(source)
            return True
        with self._lock:
            is_useful = self._is_useful(reader)
            if is_useful:
                self._idle.append(reader)
        if not is_useful:
            reader.end()
        return lacking > 1 or not is_useful


def _make_idle(pid: int) -> None:
    """Let a process compute only when nobody else wants to."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
