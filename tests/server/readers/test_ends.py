"""A reader that dies, or is ended, harms no other."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from peninsula.dataset import readers as module
from peninsula.dataset.channel import Channel
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Asker
from peninsula.dataset.workers import Nursery, kill
from peninsula.errors import (
    PeninsulaError,
    QueryCancelled,
    QueryCrashed,
    QueryFailed,
    QueryOutOfMemory,
)
from peninsula.formats import CSV
from tests.server.conftest import COUNTED, DEATH, ask, fill, is_dead, running, update, wait_until

from .asking import ALL, PAIRS, Start, occupy, release


def test_a_query_can_be_cancelled(engine: EmbeddedDatabase, start: Start) -> None:
    death = occupy(engine, start, Asker("somebody"))
    (query,) = engine.readers.running()
    assert (query.client, query.text) == ("somebody", DEATH)
    assert engine.readers.cancel(query.id) is True
    with pytest.raises(QueryCancelled, match="administrator"):
        death.result(5)
    assert engine.readers.cancel(query.id) is False
    assert engine.readers.cancel(10**9) is False


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (signal.SIGSEGV, QueryCrashed),
        (signal.SIGABRT, QueryOutOfMemory),
        (signal.SIGKILL, QueryCancelled),
    ],
)
def test_a_reader_that_dies_costs_one_query(
    engine: EmbeddedDatabase, start: Start, number: signal.Signals, kind: type[PeninsulaError]
) -> None:
    death, other = occupy(engine, start), occupy(engine, start)
    victim = engine.readers.running()[0].reader
    assert victim
    os.kill(victim.pid, number)
    with pytest.raises(kind):
        death.result(5)
    assert not Path(f"/proc/{victim.pid}").exists(), "nothing is left of it"
    assert not other.done()
    assert len(ask(engine.view(), ALL)) == 400
    release(engine, other)


def test_a_reader_that_dies_in_the_middle_breaks_the_stream_off(engine: EmbeddedDatabase) -> None:
    chunks = engine.view().evaluate(PAIRS).chunks(CSV)
    next(chunks)
    reader = engine.readers.running()[0].reader
    assert reader
    os.kill(reader.pid, signal.SIGSEGV)
    with pytest.raises(QueryCrashed):
        b"".join(chunks)
    assert not engine.readers.running()


def test_an_idle_reader_that_died_is_not_asked(engine: EmbeddedDatabase) -> None:
    ask(engine.view(), ALL)
    wait_until(lambda: engine.readers.states()["idle"] >= 2)
    pids = engine.readers.pids()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # one too many has ended meanwhile
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(map(is_dead, pids)))
    for _ in range(4):
        assert len(ask(engine.view(), ALL)) == 400


def test_readers_of_an_old_generation_end_when_nobody_needs_them(tmp_path: Path) -> None:
    with running(fill(tmp_path, COUNTED)) as database:
        wait_until(lambda: database.readers.states()["idle"] >= 2)
        old = set(database.readers.pids())
        before = database.current
        chunks = database.view().evaluate(PAIRS).chunks(CSV)
        body = next(chunks)
        update(database, "DELETE WHERE { ?s ?p ?o }")
        assert ask(database.view(), ALL) == []
        assert len(ask(database.view(generation=before), ALL)) == 400
        wait_until(lambda: len(old & set(database.readers.pids())) == 1)
        assert before.number in database.readers.generations_in_use()
        # Who began before the change sees what there was, to the end.
        assert (body + b"".join(chunks)).count(b"\r\n") == 160_001
        wait_until(lambda: not old & set(database.readers.pids()))
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in old))
        assert database.readers.generations_in_use() <= {database.current.number}


def test_a_pool_that_is_closed_ends_what_runs(numbers: Generations, start: Start) -> None:
    with running(numbers, is_read_only=True) as database:
        death = occupy(database, start)
        pids = database.readers.pids()
    with pytest.raises(QueryCancelled, match="stops"):
        death.result(5)
    wait_until(lambda: all(map(is_dead, pids)))


def test_a_reader_cannot_reach_the_network(engine: EmbeddedDatabase) -> None:
    ask(engine.view(), ALL)
    if not engine.readers.is_confined:
        pytest.skip("this system confines no process")
    pid = engine.readers.pids()[0]
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    assert "Seccomp:\t2" in status
    # What the policy would refuse, sent behind its back.
    service = "SELECT * { SERVICE <http://127.0.0.1:8099/> { ?s ?p ?o } }"
    message = {
        "do": "query", "query": service, "is_union": False, "default_graphs": [],
        "named_graphs": [], "substitutions": {}, "base": None, "prefixes": None,
        "formats": {"solutions": "csv"},
    }  # fmt: skip
    with pytest.raises(QueryFailed, match="not permitted"):
        b"".join(engine.readers.run(message).chunks())


@pytest.mark.parametrize("deaths", [2, 3])
def test_a_reader_that_dies_at_its_birth_is_forked_again(
    numbers: Generations, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    with running(numbers, is_read_only=True, memory="never") as database:
        fork = Nursery.fork
        here = threading.get_ident()
        born: list[int] = []

        def bear(nursery: Nursery, kind: str, **options: Any) -> tuple[Channel, int]:
            channel, pid = fork(nursery, kind, **options)
            if threading.get_ident() != here:  # one that is to be ready before it is asked for
                return channel, pid
            born.append(pid)
            if len(born) <= deaths:
                channel.close()
                kill(pid)
                # What is heard of one that is dead.
                channel, end = Channel.pair()
                end.close()
            return channel, pid

        monkeypatch.setattr(Nursery, "fork", bear)
        # None that was forked ahead is taken.
        monkeypatch.setattr(module.ReaderPool, "_take_idle", lambda *_: None)
        if deaths < 3:
            assert len(ask(database.view(), ALL)) == 400
        else:
            with pytest.raises(QueryFailed, match="could not start a reader"):
                ask(database.view(), ALL)
        assert len(born) == 3
        monkeypatch.undo()
        assert len(ask(database.view(), ALL)) == 400
        wait_until(lambda: all(is_dead(pid) for pid in born[:deaths]))
