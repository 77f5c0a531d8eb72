"""Queries run within their limits of time and memory."""

from __future__ import annotations

import threading
import time

import pytest

from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Asker
from peninsula.dataset.readers import Limits
from peninsula.errors import (
    QueryOutOfMemory,
    QueryTimeout,
)
from peninsula.formats import CSV
from tests.server.conftest import DEATH, ask, running, wait_until

from .asking import ALL, HUNGRY, PAIRS, ROWS, Start, occupy, release


def test_a_query_over_its_time_is_ended(engine: EmbeddedDatabase) -> None:
    began = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"longer than 0\.3 s"):
        engine.view(Asker(timeout=0.3)).evaluate(DEATH)
    assert 0.25 < time.monotonic() - began < 5
    assert not engine.readers.running()
    assert len(ask(engine.view(), ALL)) == 400


def test_the_keeper_does_not_sleep_through_the_beginning_of_a_query(
    engine: EmbeddedDatabase, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    """A query that begins just when the keeper has found nothing to do has a time limit as well."""
    pool = engine.readers
    look = pool._look_after
    has_begun = threading.Event()

    def look_and_let_begin() -> bool:
        is_busy = look()
        if not is_busy and not has_begun.is_set():
            has_begun.set()
            wait_until(pool.running)
        return is_busy

    monkeypatch.setattr(pool, "_look_after", look_and_let_begin)
    pool._something_runs.set()
    assert has_begun.wait(5)
    with pytest.raises(QueryTimeout):
        start(engine, DEATH, Asker(timeout=0.3)).result(5)


def test_a_stream_over_its_time_is_broken_off(engine: EmbeddedDatabase) -> None:
    chunks = engine.view(Asker(timeout=0.3)).evaluate(ROWS).chunks(CSV)
    assert next(chunks).startswith(b"a,b,c,")
    with pytest.raises(QueryTimeout):
        for _ in chunks:
            pass


def test_the_server_s_limit_holds_whatever_is_asked_for(numbers: Generations) -> None:
    limits = Limits(places=1, timeout=0.2)
    with (
        running(numbers, is_read_only=True, limits=limits) as database,
        pytest.raises(QueryTimeout, match=r"0\.2 s"),
    ):
        database.view(Asker(timeout=1000)).evaluate(DEATH)


def test_time_spent_waiting_for_the_client_is_not_counted(engine: EmbeddedDatabase) -> None:
    chunks = engine.view(Asker(timeout=2)).evaluate(PAIRS).chunks(CSV)
    body = next(chunks)
    time.sleep(2.2)
    assert (body + b"".join(chunks)).count(b"\r\n") == 160_001


def test_work_on_what_the_client_has_nothing_of_is_counted(engine: EmbeddedDatabase) -> None:
    def work() -> None:
        until = time.thread_time() + 0.6
        while time.thread_time() < until:
            pass

    begun = threading.Event()
    asker = Asker(timeout=0.5, has_begun=begun.is_set)
    chunks = engine.view(asker).evaluate(ROWS).chunks(CSV)
    next(chunks)
    work()
    with pytest.raises(QueryTimeout):
        for _ in chunks:
            pass
    begun.set()
    chunks = engine.view(Asker(timeout=2, has_begun=begun.is_set)).evaluate(PAIRS).chunks(CSV)
    body = next(chunks)
    for _ in range(4):
        work()
    assert (body + b"".join(chunks)).count(b"\r\n") == 160_001


def test_a_query_over_its_memory_is_ended(numbers: Generations) -> None:
    limits = Limits(places=2, memory=100_000_000)
    with running(numbers, is_read_only=True, limits=limits) as database:
        with pytest.raises(QueryOutOfMemory, match=r"more memory.*Add LIMIT"):
            database.view().evaluate(HUNGRY)
        assert len(ask(database.view(), ALL)) == 400
        assert database.readers.killed == {"query-out-of-memory": 1}


def test_all_together_have_a_limit_and_the_largest_goes(numbers: Generations, start: Start) -> None:
    limits = Limits(places=2, memory=0, all_memory=100_000_000)
    with running(numbers, is_read_only=True, limits=limits) as database:
        small = occupy(database, start)
        with pytest.raises(QueryOutOfMemory):
            start(database, HUNGRY).result(30)
        assert not small.done()
        release(database, small)
