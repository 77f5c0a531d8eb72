"""Many who ask take turns for few places."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from peninsula.dataset import readers as module
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Asker
from peninsula.dataset.pooled import PooledSolutions
from peninsula.dataset.readers import Limits
from peninsula.errors import (
    ClientGone,
    Overloaded,
    PeninsulaError,
    QueryCancelled,
)
from peninsula.formats import CSV
from tests.server.conftest import ask, running, wait_until

from .asking import ALL, Start, occupy, release, waiting


def test_a_full_queue_refuses_with_a_moment_to_come_again(
    narrow: EmbeddedDatabase, start: Start
) -> None:
    death = occupy(narrow, start)
    others = [start(narrow, ALL, Asker(client)) for client in "abcd"]
    wait_until(lambda: waiting(narrow) == 4)
    with pytest.raises(Overloaded, match="4 queries are waiting already") as caught:
        narrow.view(Asker("e")).evaluate(ALL)
    assert caught.value.status == 503
    assert int(caught.value.headers()["Retry-After"]) > 0
    release(narrow, death)
    assert [other.result(10).count(b"\r\n") for other in others] == [401] * 4
    assert waiting(narrow) == 0


def test_no_client_takes_the_whole_queue(narrow: EmbeddedDatabase, start: Start) -> None:
    death = occupy(narrow, start)
    crowd = [start(narrow, ALL, Asker("crowd")) for _ in range(3)]
    wait_until(lambda: waiting(narrow) == 3)
    with pytest.raises(Overloaded, match="3 queries of this client"):
        narrow.view(Asker("crowd")).evaluate(ALL)
    other = start(narrow, ALL, Asker("other"))
    wait_until(lambda: waiting(narrow) == 4)
    release(narrow, death)
    assert all(query.result(10) for query in (*crowd, other))


def test_clients_take_turns(narrow: EmbeddedDatabase, start: Start) -> None:
    order: dict[int, str] = {}

    def answer(client: str) -> None:
        result = narrow.view(Asker(client)).evaluate(ALL)
        assert isinstance(result, PooledSolutions)
        order[result.running.id] = client
        b"".join(result.chunks(CSV))

    death = occupy(narrow, start)
    with ThreadPoolExecutor() as threads:
        futures = []
        for place, client in enumerate(["many", "many", "many", "one"], start=1):
            futures.append(threads.submit(answer, client))
            wait_until(lambda place=place: waiting(narrow) == place)  # type: ignore[misc]
        release_in_thread = threads.submit(narrow.readers.cancel, narrow.readers.running()[0].id)
        for future in futures:
            future.result(10)
        assert release_in_thread.result(10)
    with pytest.raises(QueryCancelled):
        death.result(10)
    assert [order[number] for number in sorted(order)] == ["many", "one", "many", "many"]


def test_waiting_has_an_end(narrow: EmbeddedDatabase, start: Start) -> None:
    death = occupy(narrow, start)
    with pytest.raises(Overloaded, match=r"No reader was free for 0\.2 s"):
        narrow.view(Asker(timeout=0.2)).evaluate(ALL)
    assert waiting(narrow) == 0
    release(narrow, death)


def test_a_client_that_leaves_the_queue_is_not_waited_for(
    narrow: EmbeddedDatabase, start: Start
) -> None:
    death = occupy(narrow, start)
    is_gone = threading.Event()
    leaving = start(narrow, ALL, Asker(is_gone=is_gone.is_set))
    wait_until(lambda: waiting(narrow) == 1)
    is_gone.set()
    with pytest.raises(ClientGone):
        leaving.result(5)
    assert waiting(narrow) == 0
    release(narrow, death)
    assert len(ask(narrow.view(), ALL)) == 400


def test_queries_of_death_give_their_places_up_to_others(
    engine: EmbeddedDatabase, start: Start
) -> None:
    deaths = [occupy(engine, start) for _ in range(2)]
    began = time.monotonic()
    assert len(ask(engine.view(Asker("another")), ALL)) == 400
    assert time.monotonic() - began < 5
    assert engine.readers.states()["slow"] >= 1
    slow = [q.reader for q in engine.readers.running() if q.reader and q.reader.is_slow]
    assert slow
    # Another was let in first, and only then are they held back.
    wait_until(lambda: {os.sched_getscheduler(reader.pid) for reader in slow} == {os.SCHED_IDLE}, 5)
    assert not any(death.done() for death in deaths), "they go on"
    release(engine, *deaths)
    states = engine.readers.states()
    assert states["slow"] == states["active"] == 0


def test_where_slow_ones_fill_all_room_the_oldest_goes(
    numbers: Generations, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLOW_PER_PLACE", 1)
    monkeypatch.setattr(module, "_GRACE", 0.2)
    with running(numbers, is_read_only=True, limits=Limits(places=1, timeout=15)) as database:
        oldest = occupy(database, start, Asker("crowd"))
        youngest = occupy(database, start, Asker("crowd"))
        time.sleep(0.3)
        assert not oldest.done(), "there is room for it as long as nobody waits"
        began = time.monotonic()
        assert len(ask(database.view(Asker("another")), ALL)) == 400
        assert time.monotonic() - began < 5
        with pytest.raises(QueryCancelled, match="too many long queries"):
            oldest.result(5)
        assert not youngest.done()
        release(database, youngest)


@dataclass
class Dying:
    """A slow query whose process takes its time to die, as they do on a busy machine."""

    client: str
    age: float
    verdict: PeninsulaError | None = None
    reader: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(is_slow=True))

    def seconds(self) -> float:
        return self.age

    def seconds_away(self) -> float:
        return 0.0

    def kill(self, verdict: PeninsulaError) -> None:
        self.verdict = verdict


def test_what_is_ended_to_make_room_is_waited_for(engine: EmbeddedDatabase) -> None:
    places = engine.readers.limits.places
    crowd = [Dying("crowd", 1.5 + number / 100) for number in range(24)]
    alone = Dying("alone", 9.0)
    running: list[Any] = [*crowd, alone]
    for ended in range(places, len(crowd) + 1, places):
        for _ in range(100):
            engine.readers._shed(running)
        dying = [query for query in running if query.verdict is not None]
        assert dying == crowd[len(crowd) - ended :][:places], "the oldest of those that have most"
        running = [query for query in running if query.verdict is None]
    assert running == [alone]
