"""Changes are made one after another, published together, and none harms another."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest

from peninsula.dataset import changes as module
from peninsula.dataset import delta as deltas
from peninsula.dataset.changes import Changes
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Outcome
from peninsula.errors import (
    Overloaded,
    PeninsulaError,
    PreconditionFailed,
    QueryCancelled,
    QuerySyntaxError,
    QueryTimeout,
    StoreReadOnly,
)

from .conftest import COUNTED, ask, fill, is_dead, running, update, wait_until

#: Takes minutes where the numbers are.
LONG = "INSERT { ?a <x:q> ?f } WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
COUNT = "SELECT ?s { ?s <x:new> ?o }"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedDatabase]:
    # However slow this machine is: what waits is gathered.
    monkeypatch.setattr(module, "_GATHERING", 10.0)
    with running(fill(tmp_path / "store", COUNTED), update_timeout=20.0) as database:
        yield database


class Held:
    """Holds the line of changes, so that what comes meanwhile waits together."""

    def __init__(self, database: EmbeddedDatabase) -> None:
        self._database = database
        self._go_on = threading.Event()
        self._is_held = threading.Event()
        self._threads = ThreadPoolExecutor(32)

    def __enter__(self) -> Self:
        def hold() -> None:
            self._is_held.set()
            assert self._go_on.wait(20)

        # The precondition of a dry run is called in its turn, and holds up those behind it.
        self._holder = self._threads.submit(self._dry_run, hold)
        assert self._is_held.wait(10)
        return self

    def _dry_run(self, hold: Any) -> None:
        target = self._database.generations.folder / "dry-run.rdfp"
        update(self._database, "CLEAR ALL", dry_run=str(target), precondition=hold)

    def send(self, text: str, **more: Any) -> Any:
        """Send an update that waits; return its future."""
        changes = self._database.changes
        assert changes
        before = changes.waiting
        future = self._threads.submit(update, self._database, text, **more)
        wait_until(lambda: changes.waiting > before)
        return future

    def __exit__(self, *_: object) -> None:
        self._go_on.set()
        self._holder.result(20)
        self._threads.shutdown()


def subjects(database: EmbeddedDatabase) -> set[str]:
    return {str(row[0]) for row in ask(database.view(), COUNT)}


def test_a_change_answers_queries_when_it_is_acknowledged(database: EmbeddedDatabase) -> None:
    before = database.current.number
    for number in range(5):
        outcome = update(database, f"INSERT DATA {{ <x:{number}> <x:new> 1 }}")
        assert outcome == Outcome(before + number + 1, 1, 0)
        assert len(subjects(database)) == number + 1
        assert database.current.number == outcome.generation
        # And it is on disk.
        assert len(database.generations.open(outcome.generation)) == 401 + number


def test_a_change_that_changes_nothing_makes_no_generation(database: EmbeddedDatabase) -> None:
    before = database.current
    outcome = update(database, "INSERT DATA { <x:s1> <x:p> 1 } ; DELETE DATA { <x:a> <x:b> 1 }")
    assert outcome.is_empty
    assert outcome.generation == before.number
    assert database.current == before


def test_changes_that_wait_are_published_together(database: EmbeddedDatabase) -> None:
    before = database.current.number
    with Held(database) as held:
        futures = [held.send(f"INSERT DATA {{ <x:{n}> <x:new> {n} }}") for n in range(10)]
    outcomes = [future.result(10) for future in futures]
    assert {outcome.generation for outcome in outcomes} == {before + 1}
    assert [outcome.added for outcome in outcomes] == [1] * 10
    assert database.current.added == 10
    assert len(subjects(database)) == 10
    patch = deltas.read_patch(database.generations.patch(before + 1).read_bytes())
    assert len(patch.net().added) == 10


def test_of_those_that_wait_each_sees_those_before_it(database: EmbeddedDatabase) -> None:
    with Held(database) as held:
        futures = [
            held.send("INSERT DATA { <x:a> <x:new> 0 }"),
            held.send("DELETE { ?s <x:new> 0 } INSERT { ?s <x:new> 1 } WHERE { ?s <x:new> 0 }"),
            held.send("DELETE WHERE { ?s <x:new> 1 }"),
            held.send("INSERT DATA { <x:b> <x:new> 2 }"),
        ]
    assert [(f.result(10).added, f.result(10).removed) for f in futures] == [
        (1, 0), (1, 1), (0, 1), (1, 0),
    ]  # fmt: skip
    assert subjects(database) == {"<x:b>"}
    assert (database.current.added, database.current.removed) == (1, 0), "the net change"


def test_one_that_fails_does_not_harm_the_others(database: EmbeddedDatabase) -> None:
    with Held(database) as held:
        before = held.send("INSERT DATA { <x:before> <x:new> 1 }")
        failing = held.send("INSERT DATA { <x:half> <x:new> 1 } ; INSERT DATA { nonsense }")
        after = held.send("INSERT DATA { <x:after> <x:new> 1 }")
    assert before.result(10).generation == after.result(10).generation
    with pytest.raises(QuerySyntaxError):
        failing.result(10)
    assert subjects(database) == {"<x:before>", "<x:after>"}


def test_a_dry_run_tells_and_changes_nothing(database: EmbeddedDatabase, tmp_path: Path) -> None:
    before = database.current
    outcome = update(database, "DELETE WHERE { ?s <x:p> 7 }", dry_run=str(tmp_path / "patch"))
    assert (outcome.generation, outcome.added, outcome.removed) == (0, 0, 1)
    patch = deltas.read_patch((tmp_path / "patch").read_bytes()).net()
    assert patch.removed == {COUNTED[7]}
    assert database.current == before
    assert update(database, "DELETE WHERE { ?s <x:p> 7 }").removed == 1


def test_a_precondition_is_judged_by_what_is_published_when_its_turn_comes(
    database: EmbeddedDatabase,
) -> None:
    number = database.current.number

    def check() -> None:
        if database.current.number != number:
            raise PreconditionFailed("It is another one by now.")

    assert update(database, "INSERT DATA { <x:a> <x:new> 1 }", precondition=check).added == 1
    with Held(database) as held:
        number = database.current.number
        others = held.send("INSERT DATA { <x:b> <x:new> 1 }")
        late = held.send("INSERT DATA { <x:c> <x:new> 1 }", precondition=check)
    assert others.result(10).added == 1
    with pytest.raises(PreconditionFailed) as caught:
        late.result(10)
    assert caught.value.status == 412
    assert subjects(database) == {"<x:a>", "<x:b>"}


def test_a_change_over_its_time_is_refused_and_those_before_it_are_made_again(
    database: EmbeddedDatabase,
) -> None:
    changes = database.changes
    assert changes
    pid, restarts = changes.pid, changes.restarts
    with Held(database) as held:
        before = held.send("INSERT DATA { <x:before> <x:new> 1 }")
        endless = held.send(LONG, timeout=0.5)
        after = held.send("INSERT DATA { <x:after> <x:new> 1 }")
    with pytest.raises(QueryTimeout, match=r"longer than 0\.5 s; nothing was changed"):
        endless.result(20)
    assert before.result(20).added == after.result(20).added == 1
    assert subjects(database) == {"<x:before>", "<x:after>"}
    assert is_dead(pid)
    assert changes.pid != pid
    assert changes.restarts == restarts + 1
    assert len(database.generations.open(database.current.number)) == 402


def test_a_writer_that_is_killed_costs_one_change(database: EmbeddedDatabase) -> None:
    changes = database.changes
    assert changes
    with Held(database) as held:
        before = held.send("INSERT DATA { <x:before> <x:new> 1 }")
        endless = held.send(LONG)
        after = held.send("INSERT DATA { <x:after> <x:new> 1 }")
        threading.Thread(target=_kill_when_busy, args=(changes,)).start()
    with pytest.raises(QueryCancelled, match="nothing was changed"):
        endless.result(20)
    assert before.result(20).added == after.result(20).added == 1
    assert subjects(database) == {"<x:before>", "<x:after>"}


def _kill_when_busy(changes: Changes) -> None:
    """Kill the writer when the second of three changes is being made."""
    wait_until(lambda: changes.waiting == 1)
    pid = changes.pid
    begun = _seconds_of(pid)
    wait_until(lambda: _seconds_of(pid) > begun + 0.1)
    os.kill(pid, signal.SIGKILL)


def _seconds_of(pid: int) -> float:
    """Return the seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_writer_that_died_while_idle_is_replaced(database: EmbeddedDatabase) -> None:
    changes = database.changes
    assert changes
    wait_until(lambda: changes.pid)
    update(database, "INSERT DATA { <x:a> <x:new> 1 }")
    os.kill(changes.pid, signal.SIGKILL)
    wait_until(lambda: is_dead(changes.pid))
    # Whoever comes first may be told; nobody waits in vain, and nothing is half done.
    try:
        update(database, "INSERT DATA { <x:b> <x:new> 1 }")
    except QueryCancelled:
        assert subjects(database) == {"<x:a>"}
    assert update(database, "INSERT DATA { <x:c> <x:new> 1 }").added == 1
    assert "<x:c>" in subjects(database)


def test_a_publication_that_fails_changes_nothing(database: EmbeddedDatabase) -> None:
    patches = database.generations.folder / "patches"
    before = database.current
    patches.rename(patches.with_name("elsewhere"))
    patches.write_text("in the way")
    with pytest.raises(PeninsulaError, match=r"could not be made|cannot be used"):
        update(database, "INSERT DATA { <x:a> <x:new> 1 }")
    assert database.current == before
    assert subjects(database) == set()
    patches.unlink()
    patches.with_name("elsewhere").rename(patches)
    assert update(database, "INSERT DATA { <x:b> <x:new> 1 }").generation == before.number + 1
    assert subjects(database) == {"<x:b>"}


def test_a_full_line_refuses(database: EmbeddedDatabase) -> None:
    assert database.changes
    database.changes._queue.maxsize = 2
    with Held(database) as held:
        first, second = (held.send(f"INSERT DATA {{ <x:{n}> <x:new> 1 }}") for n in range(2))
        with pytest.raises(Overloaded, match="2 changes are waiting already") as caught:
            update(database, "INSERT DATA { <x:c> <x:new> 1 }")
    assert "Retry-After" in caught.value.headers()
    assert first.result(10).added == second.result(10).added == 1


def test_closing_finishes_what_runs_and_refuses_what_waits(database: EmbeddedDatabase) -> None:
    with Held(database) as held, ThreadPoolExecutor() as threads:
        waiting = held.send("INSERT DATA { <x:a> <x:new> 1 }")
        closing = threads.submit(database.close)
        assert database.changes
        wait_until(lambda: database.changes and database.changes._is_stopped)
        held._go_on.set()
        closing.result(20)
    # It was gathered with what ran, or refused: never half of either.
    number = database.current.number
    try:
        assert waiting.result(5).generation == number
    except Overloaded:
        assert number == 2
    began = time.monotonic()
    with pytest.raises(Overloaded, match="The server stops"):
        update(database, "INSERT DATA { <x:b> <x:new> 1 }")
    assert time.monotonic() - began < 5
    assert [g.number for g in database.generations.all()][-1] == number


def test_a_store_that_cannot_be_written_takes_no_changes(tmp_path: Path) -> None:
    with running(fill(tmp_path), is_read_only=True) as database:
        with pytest.raises(StoreReadOnly) as caught:
            update(database, "CLEAR ALL")
        assert caught.value.status == 403
        assert ask(database.view(), COUNT) == []
