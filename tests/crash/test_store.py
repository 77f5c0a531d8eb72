"""What does a server make of a store that is full, read-only, damaged, in use or in the future?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import pytest

from peninsula.dataset import generations as generations_module
from peninsula.dataset.generations import Generation, Generations

from .disks import fill, make_read_only, small_disk
from .instance import NTRIPLES, Answer, Instance, NotStarted, lines, run
from .oracle import Replay, check_history

OPTIONS: Final = ("--default-graph", "own", "--keep", "4")


def insert(instance: Instance, number: int) -> Answer:
    """Insert the quad of that number."""
    return instance.update(f'INSERT DATA {{ <urn:s> <urn:p> "{number}" }}')


def expected(*numbers: int) -> frozenset[str]:
    """Return the quads of those numbers."""
    return frozenset(f'<urn:s> <urn:p> "{number}" .' for number in numbers)


# A disk that is full.


def test_a_full_disk_refuses_changes_clearly_and_takes_them_again_later(tmp_path: Path) -> None:
    big = lines([f"<urn:{n}> <urn:p> <urn:o:{n}> ." for n in range(20_000)])
    with small_disk(tmp_path / "disk", 32) as disk:
        instance = Instance(tmp_path / "own", *OPTIONS, store=disk / "store")
        with instance:
            numbers = [1]
            assert insert(instance, 1).is_done
            # It is full at the body, at what was read of it, and at the engine's own files.
            for number, spare in enumerate((0, 4096, 1_000_000, 2_000_000), start=2):
                filler = fill(disk, spare=spare)
                changes: list[Callable[[], Answer]] = [
                    lambda: instance.send("POST", "urn:big", big, NTRIPLES),
                    lambda: instance.update(f"INSERT DATA {{ GRAPH <urn:big> {{ {big} }} }}"),
                ]
                for change in changes:
                    answer = change()
                    assert answer.status == 507, answer
                    assert answer.problem["title"] == "Disk full"
                    assert "nothing was changed" in answer.problem["detail"]
                    assert instance.dump() == expected(*numbers)
                small = insert(instance, -number)
                if small.is_done:  # what was spared was enough
                    numbers.append(-number)
                assert small.status in {200, 507}, small
                filler.unlink()
                assert insert(instance, number).is_done
                numbers.append(number)
                assert instance.dump() == expected(*numbers)
            answer = instance.send("POST", "urn:big", big, NTRIPLES)
            assert answer.is_done, answer
            stored = instance.dump()
            assert len(stored) == len(numbers) + 20_000
            instance.kill()
            instance.start()
            assert instance.dump() == stored
            check_history(instance, Replay(instance.store), 4, 0)


def test_a_server_that_starts_on_a_full_disk_says_so_or_serves(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        instance = Instance(tmp_path / "own", *OPTIONS, store=disk / "store")
        instance.start()
        assert insert(instance, 1).is_done
        instance.kill()
        filler = fill(disk)
        try:
            instance.start()
        except NotStarted as error:
            code, log = error.code, error.log
        else:
            code, log = 0, instance.log()
            assert instance.dump() == expected(1)
        assert code == 0 or (code == 2 and "No space left" in log and "Make room" in log)
        assert "Traceback" not in log
        instance.kill()
        filler.unlink()
        with instance:
            assert instance.dump() == expected(1)
            assert insert(instance, 2).is_done


# A folder that cannot be written to.


def test_a_read_only_store_is_served_and_takes_no_changes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        instance = Instance(tmp_path / "own", *OPTIONS, store=disk / "store")
        with instance:
            assert insert(instance, 1).is_done
            assert insert(instance, 2).is_done
        make_read_only(disk)
        with instance:
            assert instance.ready()["writable"] is False
            assert instance.dump() == expected(1, 2)
            assert instance.dump(2) == expected(1)
            assert instance.rows("SELECT ?o { ?s ?p ?o } ORDER BY ?o") == [{"o": "1"}, {"o": "2"}]
            changes: list[Callable[[], Answer]] = [
                lambda: insert(instance, 3),
                lambda: instance.send("PUT", "urn:g", "", NTRIPLES),
                lambda: instance.send("DELETE", "urn:g", None, ""),
                lambda: instance.update("INSERT DATA { <urn:a> <urn:b> 1 }", "?dry-run=true"),
            ]
            for change in changes:
                answer = change()
                assert answer.status == 403, answer
                assert answer.problem["title"] == "Read-only store"
            assert instance.dump() == expected(1, 2)


# A store that another server has.


def test_a_second_server_on_a_store_is_one_readable_line(tmp_path: Path) -> None:
    with Instance(tmp_path, *OPTIONS) as instance:
        assert insert(instance, 1).is_done
        assert instance.process
        for arguments in (("serve", "--empty", "--port", "0"), ("load", "x.nt")):
            (tmp_path / "x.nt").write_text("<urn:a> <urn:b> <urn:c> .\n", encoding="ascii")
            second = run(*arguments, "--store", str(instance.store), folder=tmp_path)
            assert second.returncode == 2, second
            assert len(second.stderr.splitlines()) == 1, second.stderr
            assert f"in use by process {instance.process.pid}" in second.stderr
            assert second.stdout == ""
        assert insert(instance, 2).is_done
        assert instance.dump() == expected(1, 2)


# Damage and leftovers.


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """Return a server that has stopped, with the quads 1 to 3 in generation 4; to be copied."""
    instance = Instance(tmp_path_factory.mktemp("filled"), *OPTIONS)
    with instance:
        for number in (1, 2, 3):
            assert insert(instance, number).is_done
        assert instance.stop() == 0
    assert (instance.store / "CURRENT").read_bytes() == b"000004\n"
    return instance


@pytest.fixture
def stopped(filled: Instance, tmp_path: Path) -> Instance:
    """Return a server that has stopped, whose store a test may damage."""
    store = shutil.copytree(filled.store, tmp_path / "store")
    return Instance(tmp_path, *OPTIONS, store=store, token=filled.token)


@pytest.mark.parametrize(
    "content", [b"", b"0000", b"garbage\n", b"000099\n", b"\xff\xfe\0", b"-1\n", None]
)
def test_a_damaged_current_leads_to_the_newest_whole_generation(
    stopped: Instance, content: bytes | None
) -> None:
    current = stopped.store / "CURRENT"
    current.unlink() if content is None else current.write_bytes(content)
    generations = Generations(stopped.store)
    found = generations.current()
    assert found and found.number == 4
    assert generations.recover() == []
    assert current.read_bytes() == b"000004\n"


def test_a_server_on_a_damaged_current_serves_and_goes_on(stopped: Instance) -> None:
    (stopped.store / "CURRENT").write_bytes(b"0000")
    with stopped:
        assert stopped.dump() == expected(1, 2, 3)
        assert insert(stopped, 4).is_done
        assert (stopped.store / "CURRENT").read_bytes() == b"000005\n"
        check_history(stopped, Replay(stopped.store), 4, 4)


def test_what_was_not_published_is_thrown_away_at_the_start(stopped: Instance) -> None:
    store = stopped.store
    generations, patches = store / "generations", store / "patches"
    # The state after a crash just before CURRENT named the next generation.
    shutil.copytree(generations / "000004", generations / "000005")
    (generations / "000005.json").write_text(
        (generations / "000004.json").read_text().replace('"number": 4', '"number": 5')
    )
    (patches / "000005.rdfp").write_text('TX .\nA <urn:s> <urn:p> "5" .\nTC .\n')
    # And earlier ones: a checkpoint half made, a description half written, uploads.
    shutil.copytree(generations / "000004", generations / "building")
    (generations / ".000006.json.new").write_text("{")
    shutil.copytree(generations / "000004", generations / "000007")
    (store / ".CURRENT.new").write_text("0000")
    (store / "spool" / "work-upload").write_text("half")
    (store / "writer" / "000099.sst").write_text("no table")
    with stopped:
        assert stopped.dump() == expected(1, 2, 3)
        assert sorted(path.name for path in generations.iterdir()) == [
            name for number in range(1, 5) for name in (f"00000{number}", f"00000{number}.json")
        ]
        assert not (patches / "000005.rdfp").exists()
        assert list((store / "spool").iterdir()) == []
        assert insert(stopped, 6).is_done
        assert stopped.dump() == expected(1, 2, 3, 6)
        check_history(stopped, Replay(store), 4, 4)
    assert not (store / ".CURRENT.new").exists()


def test_a_half_removed_generation_is_no_longer_told(stopped: Instance) -> None:
    (stopped.store / "generations" / "000002.json").unlink()
    with stopped:
        assert [generation["number"] for generation in stopped.history()] == [1, 3, 4]
        answer = stopped.request("GET", "/store?generation=2", headers={"Accept": NTRIPLES})
        assert answer.status == 404, answer
        assert "Kept are 1, 3, 4" in json.dumps(answer.problem)
        assert not (stopped.store / "generations" / "000002").exists()


# The clock.


def test_a_store_from_the_future_is_followed_by_later_times(stopped: Instance) -> None:
    about = stopped.store / "generations" / "000004.json"
    future = datetime.now(UTC) + timedelta(days=400)
    description = json.loads(about.read_text(encoding="utf-8"))
    description["published"] = future.isoformat(timespec="milliseconds")
    about.write_text(json.dumps(description), encoding="utf-8")
    with stopped:
        for number in (5, 6, 7):
            assert insert(stopped, number).is_done
        history = stopped.history()
        times = [datetime.fromisoformat(generation["published"]) for generation in history]
        assert times == sorted(set(times))
        assert times[-1] > future
        assert times[-1] - future < timedelta(seconds=1)
        # A moment that has not come yet is answered by the state it will find.
        answer = stopped.request(
            "GET",
            "/store?default",
            headers={
                "Accept": NTRIPLES,
                "Accept-Datetime": (future - timedelta(days=1)).strftime(
                    "%a, %d %b %Y %H:%M:%S GMT"
                ),
            },
        )
        assert answer.status == 200, answer
        assert answer.headers["peninsula-generation"] == str(
            max(
                (g["number"] for g, t in zip(history, times, strict=True)
                 if t <= future - timedelta(days=1)),
                default=history[0]["number"],
            )
        )  # fmt: skip


class _Clock(datetime):
    """A clock that tests set."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return cls.moment.astimezone(tz)


def test_the_time_of_publication_grows_whatever_the_clock_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations_module, "datetime", _Clock)
    generations = Generations(tmp_path / "store")
    generations.recover()
    start = _Clock.moment
    jumps = [0, 10, -3600, -86_400, 0.0004, 0.0006, 5, -1e-6, 1e-6, 365 * 86_400, -400 * 86_400]
    times = []
    for number, jump in enumerate(jumps, start=1):
        monkeypatch.setattr(_Clock, "moment", _Clock.moment + timedelta(seconds=jump))
        instant = generations.next_instant()
        assert instant.microsecond % 1000 == 0, "what is written has milliseconds"
        building = generations.building()
        store = ox.Store(str(building))
        store.flush()
        del store
        generations.publish(building, Generation(number, instant))
        times.append(instant)
    assert times == sorted(set(times))
    assert [generation.published for generation in generations.all()] == times
    assert times[1] == start + timedelta(seconds=10)
    # Where the clock is ahead of all before, it is what counts.
    monkeypatch.setattr(_Clock, "moment", times[-1] + timedelta(days=1))
    assert generations.next_instant() == times[-1] + timedelta(days=1)
    for at, generation in zip(times, generations.all(), strict=True):
        assert generations.at(at) == generation
