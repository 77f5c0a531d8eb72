"""A store has whole states only, in their order, and the past of it can be told."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peninsula.dataset import generations as module
from peninsula.dataset.delta import Delta
from peninsula.dataset.generations import (
    Generation,
    Generations,
    copy_database,
    format_instant,
    make_instant,
    sync_database,
)
from peninsula.dataset.writer import write_patch_file
from peninsula.errors import OperatorError, StoreInUse, StoreUnavailable, UnknownGeneration

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def quad(number: int) -> ox.Quad:
    return ox.Quad(ox.NamedNode("x:s"), ox.NamedNode("x:p"), ox.Literal(number))


def publish(generations: Generations, *, at: datetime | None = None) -> Generation:
    """Publish a generation that holds one statement more than the one before."""
    before = generations.current()
    building = generations.building()
    generations.checkout(building, before.number if before else None)
    number = generations.next_number()
    store = ox.Store(str(building))
    store.add(quad(number))
    store.flush()
    del store
    sync_database(building)
    generation = Generation(
        number, at or generations.next_instant(), default=number, summary=f"the {number}th"
    )
    delta = Delta(added={quad(number)}, removed=set(), created=set(), dropped=set())
    write_patch_file(generations, generation, delta, before.number if before else 0)
    generations.publish(building, generation)
    return generation


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    found = Generations(tmp_path / "store")
    with found.locked():
        found.recover()
    return found


def publish_three(generations: Generations) -> Generations:
    for hour in range(3):
        publish(generations, at=NOON + timedelta(hours=hour))
    return generations


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generations = Generations(tmp_path_factory.mktemp("three") / "store")
    with generations.locked():
        generations.recover()
    return publish_three(generations).folder


@pytest.fixture
def three(original: Path, tmp_path: Path) -> Generations:
    """Return a store of three generations of one, two and three statements."""
    return Generations(shutil.copytree(original, tmp_path / "store"))


# What there is


def test_an_empty_folder_has_no_state(tmp_path: Path) -> None:
    for generations in (Generations(tmp_path), Generations(tmp_path / "not there")):
        assert generations.current() is None
        assert generations.all() == []
        assert generations.at(NOON) is None
        assert generations.next_number() == 1
        with pytest.raises(UnknownGeneration, match=r"no generation 1 here\. None is kept"):
            generations.find(1)


def test_states_are_told_in_their_order(three: Generations) -> None:
    assert [g.number for g in three.all()] == [1, 2, 3]
    assert three.current() == three.find(3) == three.all()[-1]
    assert [len(three.open(number)) for number in (1, 2, 3)] == [1, 2, 3]
    assert three.find(2).triples == 2
    assert three.next_number() == 4
    with pytest.raises(UnknownGeneration, match="Kept are 1, 2, 3"):
        three.find(4)


@pytest.mark.parametrize(
    ("minutes", "number"), [(-600, 1), (0, 1), (59, 1), (60, 2), (119, 2), (120, 3), (6000, 3)]
)
def test_a_moment_has_the_state_that_was_published_by_then(
    three: Generations, minutes: int, number: int
) -> None:
    found = three.at(NOON + timedelta(minutes=minutes))
    assert found
    assert found.number == number


def test_the_clock_may_go_back_and_the_states_do_not(
    generations: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        hour_now = 12

        @classmethod
        def now(cls, _tz: object = None) -> datetime:  # type: ignore[override]
            return NOON.replace(hour=cls.hour_now)

    monkeypatch.setattr(module, "datetime", Clock)
    first = publish(generations)
    Clock.hour_now = 9
    second = publish(generations)
    third = publish(generations)
    assert first.published == NOON
    assert first.published < second.published < third.published < NOON + timedelta(seconds=1)
    found = generations.at(second.published)
    assert found
    assert found.number == 2


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    st.builds(
        Generation,
        st.integers(1, 10**9),
        st.datetimes(timezones=st.just(UTC)).map(
            lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
        ),
        graphs=st.dictionaries(names, st.integers(0, 10**12)),
        default=st.integers(0, 10**12),
        summary=names,
        agents=st.lists(names).map(tuple),
        added=st.integers(0),
        removed=st.integers(0),
        knowledge=names,
        is_bulk=st.booleans(),
    )
)
def test_a_description_is_read_as_it_was_written(generation: Generation) -> None:
    text = json.dumps(generation.to_json(), ensure_ascii=False)
    assert Generation.from_json(json.loads(text)) == generation
    assert json.loads(text)["triples"] == generation.default + sum(generation.graphs.values())


def test_a_description_of_a_later_version_is_read(three: Generations) -> None:
    values = json.loads(three.about(3).read_text())
    three.about(3).write_text(json.dumps({**values, "mood": "good"}))
    assert three.find(3).number == 3


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"number": 3}', '{"published": 3}', "nonsense"])
def test_a_damaged_description_is_one_readable_line(three: Generations, text: str) -> None:
    three.about(3).write_text(text)
    with pytest.raises(StoreUnavailable, match=r"000003\.json: .*Restore the store from a backup"):
        three.current()


def test_an_instant_is_written_in_utc_to_the_millisecond() -> None:
    assert format_instant(NOON + timedelta(microseconds=1500)) == "2026-11-25T12:00:00.001Z"
    seoul = datetime.fromisoformat("2026-11-25T21:00:00+09:00")
    assert format_instant(seoul) == "2026-11-25T12:00:00.000Z"


@given(milliseconds=st.integers(0, 100_000))
@example(milliseconds=0)
@example(milliseconds=120)
@example(milliseconds=10_000)
def test_an_instant_is_stated_as_a_store_gives_it_back(milliseconds: int) -> None:
    instant = make_instant(NOON + timedelta(milliseconds=milliseconds))
    stated = ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), instant)
    store = ox.Store()
    store.add(stated)
    assert list(store) == [stated]
    assert datetime.fromisoformat(instant.value) == NOON + timedelta(milliseconds=milliseconds)


# Recovery


def test_what_was_not_published_is_thrown_away(three: Generations) -> None:
    # Killed between the two renames: the generation is there, CURRENT does not know it.
    publish(three)
    (three.folder / "CURRENT").write_text("000003\n")
    (three.folder / "generations" / "building").mkdir()
    (three.folder / "generations" / "000009").mkdir()  # without a description
    (three.folder / "generations" / ".000004.json.new").write_text("{")
    (three.folder / "patches" / "nonsense").write_text("")
    (three.folder / "spool" / "half an upload").write_text("")
    (three.folder / "writer").mkdir()
    assert [g.number for g in three.all()] == [1, 2, 3]
    gone = three.recover()
    assert {"000004", "000004.json", "000004.rdfp", "000009", "building", "nonsense"} <= set(gone)
    found = sorted(p.name for p in (three.folder / "generations").iterdir())
    assert found == sorted(
        [*(f"00000{n}" for n in (1, 2, 3)), *(f"00000{n}.json" for n in (1, 2, 3))]
    )
    assert sorted(p.name for p in (three.folder / "patches").iterdir()) == [
        "000001.rdfp", "000002.rdfp", "000003.rdfp",
    ]  # fmt: skip
    assert not list((three.folder / "spool").iterdir())
    assert not three.writer.exists()
    assert three.recover() == []
    assert publish(three).number == 4


@pytest.mark.parametrize("content", ["", "000009\n", "-1\n", "../..\n", "nonsense", "\xff"])
def test_a_damaged_current_is_mended_by_the_newest_whole_one(
    three: Generations, content: str
) -> None:
    (three.folder / "CURRENT").write_text(content, encoding="utf-8")
    current = three.current()
    assert current
    assert current.number == 3
    three.recover()
    assert (three.folder / "CURRENT").read_text() == "000003\n"


# The lock


def test_only_one_process_holds_a_store(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "store")
    program = (
        "import sys; from pathlib import Path; from peninsula.dataset.generations import Generations\n"
        "with Generations(Path(sys.argv[1])).locked():\n    print('held', flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(generations.folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    with pytest.raises(StoreInUse, match=rf"in use by process {process.pid}\. .*--store"):
        generations.locked().__enter__()
    # One that is just dying is waited for.
    entered = threading.Event()

    def enter() -> None:
        with generations.locked():
            entered.set()

    thread = threading.Thread(target=enter)
    thread.start()
    assert not entered.wait(0.05)
    process.kill()
    process.communicate(timeout=10)
    assert entered.wait(10)
    thread.join()
    with generations.locked():
        pass


def test_a_folder_that_cannot_be_used_is_one_readable_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    generations = Generations(tmp_path / "file")
    with pytest.raises(StoreUnavailable, match=r"cannot be used: Not a directory.*--store"):
        generations.current()
    with pytest.raises(StoreUnavailable, match=r"cannot be used: File exists.*--store"):
        generations.locked().__enter__()
    assert not generations.is_writable()
    assert Generations(tmp_path / "new").is_writable()


# Keeping and removing


def test_old_generations_go_and_their_patches_stay(three: Generations) -> None:
    assert three.prune(2) == [1]
    assert three.prune(2) == []
    assert [g.number for g in three.all()] == [2, 3]
    assert not three.path(1).exists()
    assert three.patch(1).read_bytes().startswith(b"H ")
    assert three.prune(0) == [2], "the published one always stays"
    assert len(three.open(3)) == 3


def test_a_pinned_generation_and_one_in_use_stay(three: Generations) -> None:
    three.pin(1)
    assert three.is_pinned(1)
    assert not three.is_pinned(2)
    assert three.prune(1, in_use=frozenset({2})) == []
    assert three.prune(1) == [2]
    three.pin(1, is_pinned=False)
    assert three.prune(1) == [1]
    with pytest.raises(UnknownGeneration):
        three.pin(1)


def test_an_open_generation_can_be_read_after_it_was_removed(three: Generations) -> None:
    store = three.open(1)
    three.prune(1)
    assert [*store] == [quad(1)]


def test_a_generation_costs_only_what_is_new(generations: Generations) -> None:
    publish_three(generations)
    assert [p for p in generations.path(1).glob("*.sst") if p.stat().st_nlink > 1]
    files = [p.stat() for p in generations.folder.rglob("*") if p.is_file()]
    once = {status.st_ino: status.st_blocks * 512 for status in files}
    assert generations.size_on_disk() == sum(once.values())
    assert generations.size_on_disk() < sum(status.st_blocks * 512 for status in files)


def test_a_copy_can_be_written_to_without_harm(three: Generations, tmp_path: Path) -> None:
    copy_database(three.path(3), tmp_path / "copy")
    store = ox.Store(str(tmp_path / "copy"))
    store.clear()
    store.flush()
    store.optimize()
    del store
    assert len(three.open(3)) == 3


# Backup and restore


def test_a_backup_is_a_store_of_one_generation(three: Generations, tmp_path: Path) -> None:
    assert three.backup(tmp_path / "copy").number == 3
    copy = Generations(tmp_path / "copy")
    assert copy.current() == three.current()
    assert [*copy.open(3)] == [*three.open(3)]
    assert copy.patch(3).read_bytes() == three.patch(3).read_bytes()
    assert three.backup(tmp_path / "old", 1).number == 1
    assert len(Generations(tmp_path / "old").open(1)) == 1
    with copy.locked():
        assert copy.recover() == []
        assert publish(copy).number == 4


def test_a_backup_can_be_made_while_the_store_is_held(three: Generations, tmp_path: Path) -> None:
    with three.locked():
        three.backup(tmp_path / "copy")
    (tmp_path / "not empty").mkdir()
    (tmp_path / "not empty" / "file").write_text("")
    with pytest.raises(OperatorError, match="is not empty"):
        three.backup(tmp_path / "not empty")
    with pytest.raises(StoreUnavailable, match="nothing in the store"):
        Generations(tmp_path / "none").backup(tmp_path / "other")


def no_patch(_generation: Generation, _before: int) -> None:
    """Write none."""


def test_a_restored_generation_is_the_next_one(three: Generations, tmp_path: Path) -> None:
    three.backup(tmp_path / "copy", 1)
    with three.locked():
        restored = three.restore(tmp_path / "copy", no_patch)
    assert (restored.number, restored.triples) == (4, 1)
    assert restored.published > three.find(3).published
    assert [*three.open(4)] == [quad(1)]
    assert [g.number for g in three.all()] == [1, 2, 3, 4]
    assert "restored from generation 1" in restored.summary


def test_a_restore_into_an_empty_folder_begins_a_store(three: Generations, tmp_path: Path) -> None:
    three.backup(tmp_path / "copy")
    other = Generations(tmp_path / "other")
    with other.locked():
        assert other.restore(tmp_path / "copy", no_patch).number == 1
    assert len(other.open(1)) == 3
    with pytest.raises(OperatorError, match="is no backup"):
        other.restore(tmp_path / "nowhere", no_patch)


@pytest.mark.parametrize("step", ["copy_database", "sync_database", "_write_whole"])
def test_a_restore_that_fails_leaves_the_store_as_it_was(
    three: Generations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    three.backup(tmp_path / "copy", 1)
    whole = getattr(module, step)
    calls = 0

    def fail(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        # CURRENT is written anew before anything else happens: that may work.
        if step == "_write_whole" and calls == 1:
            return whole(*arguments)
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch, three.locked():
        patch.setattr(module, step, fail)
        with pytest.raises(StoreUnavailable, match=r"No space left on device\. Make room"):
            three.restore(tmp_path / "copy", no_patch)
    current = three.current()
    assert current
    assert current == dataclasses.replace(three.find(3))
    three.recover()
    assert [g.number for g in three.all()] == [1, 2, 3]
