"""Queries run beside each other, within their limits, and one that dies harms no other."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from peninsula.dataset import readers as module
from peninsula.dataset.channel import Channel
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Asker, Boolean, Graph, QueryOptions, Solutions
from peninsula.dataset.pooled import PooledSolutions
from peninsula.dataset.readers import Limits
from peninsula.dataset.workers import Nursery, kill
from peninsula.errors import (
    ClientGone,
    Overloaded,
    ParameterError,
    PeninsulaError,
    QueryCancelled,
    QueryCrashed,
    QueryFailed,
    QueryForbidden,
    QueryOutOfMemory,
    QuerySyntaxError,
    QueryTimeout,
    UnknownGraph,
)
from peninsula.formats import CSV, GRAPH_FORMATS, JSON, NTRIPLES, SOLUTION_FORMATS, TSV, Format

from .conftest import COUNTED, DEATH, ask, fill, is_dead, running, update, wait_until

ALL = "SELECT ?o { ?s ?p ?o }"
#: 160,000 rows: more than a pipe holds.
PAIRS = "SELECT ?a ?b { ?s ?p ?a . ?t ?q ?b }"
#: More rows than anybody reads.
ROWS = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
#: Takes more memory with every row.
HUNGRY = "SELECT (COUNT(DISTINCT *) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
Start = Callable[..., Future[bytes]]


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Generations:
    return fill(tmp_path_factory.mktemp("numbers"), COUNTED)


@pytest.fixture
def narrow(numbers: Generations, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedDatabase]:
    """Return a database with one place and a queue of four, where no query gives its place up."""
    monkeypatch.setattr(module, "SLOW_PER_PLACE", 0)
    with running(
        numbers, is_read_only=True, limits=Limits(places=1, queue=4, timeout=15)
    ) as database:
        yield database


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what asks a query in a thread of its own, as CSV."""
    with ThreadPoolExecutor(32) as threads:

        def begin(
            database: EmbeddedDatabase, query: str, asker: Asker | None = None
        ) -> Future[bytes]:
            def answer() -> bytes:
                return b"".join(database.view(asker).evaluate(query).chunks(CSV))

            return threads.submit(answer)

        yield begin


def occupy(database: EmbeddedDatabase, start: Start, asker: Asker | None = None) -> Future[bytes]:
    """Let a query of death run."""
    count = len(database.readers.running())
    death = start(database, DEATH, asker)
    wait_until(lambda: len(database.readers.running()) > count)
    return death


def release(database: EmbeddedDatabase, *deaths: Future[bytes]) -> None:
    """End everything that runs, which are ``deaths``."""
    for query in database.readers.running():
        database.readers.cancel(query.id)
    for death in deaths:
        with pytest.raises(QueryCancelled):
            death.result(10)
    wait_until(lambda: not database.readers.running())


def waiting(database: EmbeddedDatabase) -> int:
    return database.readers.states()["waiting"]


# Answers


def test_three_kinds_of_answer(engine: EmbeddedDatabase) -> None:
    view = engine.view()
    solutions = view.evaluate("SELECT ?s ?o { ?s ?p ?o } ORDER BY ?o LIMIT 2")
    assert isinstance(solutions, Solutions)
    assert solutions.variables == ("s", "o")
    assert [[str(term) for term in row] for row in solutions] == [
        ["<x:s0>", '"0"^^<http://www.w3.org/2001/XMLSchema#integer>'],
        ["<x:s1>", '"1"^^<http://www.w3.org/2001/XMLSchema#integer>'],
    ]
    boolean = view.evaluate("ASK { <x:s0> ?p 0 }")
    assert isinstance(boolean, Boolean)
    assert boolean.value is True
    graph = view.evaluate("CONSTRUCT { ?s <x:q> ?o } WHERE { ?s ?p ?o }")
    assert isinstance(graph, Graph)
    assert len(list(graph)) == 400


@pytest.mark.parametrize("format", SOLUTION_FORMATS, ids=lambda f: f.name)
def test_an_answer_is_the_same_whether_its_format_is_known_before_or_not(
    engine: EmbeddedDatabase, format: Format
) -> None:
    formats = {"solutions": format, "boolean": format, "graph": None}
    for query in ("SELECT ?o { ?s ?p ?o } ORDER BY ?o", "ASK {}"):
        before = engine.view().evaluate(query, QueryOptions(formats=formats))
        after = engine.view().evaluate(query)
        assert b"".join(before.chunks(format)) == b"".join(after.chunks(format)) != b""


@pytest.mark.parametrize("format", GRAPH_FORMATS, ids=lambda f: f.name)
def test_a_dump_is_written_in_every_format(engine: EmbeddedDatabase, format: Format) -> None:
    body = b"".join(engine.view().dump(None, format).chunks(format))
    assert body.count(b"x:s") >= 400


def test_a_large_answer_streams_in_order_and_complete(engine: EmbeddedDatabase) -> None:
    result = engine.view().evaluate(PAIRS)
    assert isinstance(result, PooledSolutions)
    chunks = list(result.chunks(CSV))
    assert len(chunks) > 3
    lines = b"".join(chunks).split(b"\r\n")
    assert lines[0] == b"a,b"
    assert {*lines[1:-1]} == {f"{a},{b}".encode() for a in range(400) for b in range(400)}
    assert result.running.outcome == "ok"
    assert result.running.bytes == sum(map(len, chunks))


@pytest.mark.parametrize("format", [CSV, TSV, JSON], ids=lambda f: f.name)
def test_rows_are_counted(engine: EmbeddedDatabase, format: Format) -> None:
    result = engine.view().evaluate(ALL)
    assert isinstance(result, PooledSolutions)
    for _ in result.chunks(format):
        pass
    assert result.running.rows == 400


def test_an_empty_answer_is_no_error(engine: EmbeddedDatabase) -> None:
    assert ask(engine.view(), "SELECT * { ?s <x:nothing> ?o }") == []
    chunks = engine.view().evaluate("CONSTRUCT WHERE { ?s <x:nothing> ?o }").chunks(NTRIPLES)
    assert b"".join(chunks) == b""


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        ("SELECT * {", QuerySyntaxError, "never closed"),
        ("SELECT * { ?s foo:x ?o }", QuerySyntaxError, "prefix “foo:”"),
        ("SELECT * { SERVICE <http://127.0.0.1/> {} }", QueryForbidden, "SERVICE"),
    ],
)
def test_an_error_before_the_first_byte_is_raised_and_costs_no_reader(
    engine: EmbeddedDatabase, query: str, kind: type[PeninsulaError], words: str
) -> None:
    ask(engine.view(), "SELECT * {}")
    killed = dict(engine.readers.killed)
    with pytest.raises(kind, match=words):
        engine.view().evaluate(query)
    assert engine.readers.killed == killed
    assert not engine.readers.running()


def test_values_are_bound_as_terms(engine: EmbeddedDatabase) -> None:
    rows = engine.view().evaluate(
        "SELECT ?s ?o { ?s ?p ?o }", QueryOptions(substitutions={"o": COUNTED[7].object})
    )
    assert isinstance(rows, Solutions)
    assert [row[0] for row in rows] == [COUNTED[7].subject]
    with pytest.raises(ParameterError, match=r"does not select \?x"):
        engine.view().evaluate(ALL, QueryOptions(substitutions={"x": COUNTED[7].object}))


def test_a_graph_that_is_not_there_is_told(engine: EmbeddedDatabase) -> None:
    with pytest.raises(UnknownGraph, match="There is none"):
        engine.view().dump("x:nowhere", NTRIPLES)


def test_readers_are_used_again(engine: EmbeddedDatabase) -> None:
    ask(engine.view(), ALL)
    wait_until(lambda: engine.readers.states()["idle"] >= 2)
    before = set(engine.readers.pids())
    for _ in range(20):
        ask(engine.view(), ALL)
    assert set(engine.readers.pids()) == before


# Whoever leaves


def test_what_is_not_read_to_its_end_gives_its_reader_back(engine: EmbeddedDatabase) -> None:
    wait_until(lambda: engine.readers.states()["idle"] >= 2)
    before = set(engine.readers.pids())
    chunks = engine.view().evaluate(PAIRS).chunks(CSV)
    assert next(chunks)
    assert len(engine.readers.running()) == 1
    chunks.close()  # type: ignore[attr-defined]
    assert not engine.readers.running()
    assert set(engine.readers.pids()) == before, "the pipe was closed: the reader is free"


def test_what_is_let_go_ends(engine: EmbeddedDatabase) -> None:
    result = engine.view().evaluate(ROWS)
    assert len(engine.readers.running()) == 1
    del result
    gc.collect()
    wait_until(lambda: not engine.readers.running())


def test_a_writer_waits_for_its_reader_and_memory_stays_flat(engine: EmbeddedDatabase) -> None:
    result = engine.view().evaluate(ROWS)
    assert isinstance(result, PooledSolutions)
    chunks = result.chunks(CSV)
    next(chunks)
    time.sleep(0.3)
    assert result.running.bytes <= 1 << 18, "nothing is read ahead"
    assert result.running.seconds_away() > 0.2
    chunks.close()  # type: ignore[attr-defined]
    assert not engine.readers.running()


def test_a_client_that_is_gone_ends_its_query(engine: EmbeddedDatabase) -> None:
    killed = engine.readers.killed.get("disconnected", 0)
    began = time.monotonic()
    with pytest.raises(ClientGone):
        engine.view(Asker(is_gone=lambda: True)).evaluate(DEATH)
    assert time.monotonic() - began < 3
    assert not engine.readers.running()
    assert engine.readers.killed["disconnected"] == killed + 1


# Limits


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


def test_all_together_have_a_limit_and_the_largest_goes(numbers: Generations, start: Start) -> None:
    limits = Limits(places=2, memory=0, all_memory=100_000_000)
    with running(numbers, is_read_only=True, limits=limits) as database:
        small = occupy(database, start)
        with pytest.raises(QueryOutOfMemory):
            start(database, HUNGRY).result(30)
        assert not small.done()
        release(database, small)


# Places and the queue


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


# Ends


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
