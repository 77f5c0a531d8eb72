"""An index on disk: made beside the server, of what has changed or anew, whole or not."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generations
from peninsula.namespaces import expand
from peninsula.search import (
    EarlierIndex,
    Found,
    Indexes,
    NameIndex,
    Wish,
    read_names,
)
from peninsula.searching import building
from peninsula.searching.entries import (
    gather,
    plan,
    read,
    read_entries,
)
from peninsula.searching.folders import ABOUT
from peninsula.searching.fulltext import FulltextIndex
from peninsula.searching.shelf import Shelf
from peninsula.searching.touching import Bounds
from tests.server.conftest import fill, running, update, wait_until
from tests.server.test_search import dataset_of

_SUMMITS = "".join(
    f"INSERT DATA {{ GRAPH <x:g> {{ <{expand(f'event:s{i}')}> a pen:Summit ; "
    f'rdfs:label "Summit {i} in Moscow"@en }} }} ;\n'
    for i in range(40)
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    """Return a database with names of forty summits in its second generation."""
    generations = fill(tmp_path_factory.mktemp("named"))
    with running(generations, is_union=True, keep=20) as database:
        update(
            database,
            _SUMMITS + f'INSERT DATA {{ <{expand("person:p")}> rdfs:label "Ivan Petrov" }}',
        )
        yield database


@pytest.fixture
def shelf(store: EmbeddedDatabase) -> Iterator[Shelf]:
    shutil.rmtree(store.generations.names(1).parent, ignore_errors=True)
    shelf = Shelf(store.generations, is_union=True)
    yield shelf
    shelf.close()


def make_index(
    generations: Generations, number: int, target: Path, base: Path | None = None
) -> dict[str, Any]:
    """Make an index as a server does, in a process of its own; return its account."""
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "peninsula.searching.building"]
    more = ["--base", str(base)] if base else []
    done = subprocess.run(
        [*command, str(generations.folder), str(number), str(target), *more],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if done.returncode == building.UNFIT:
        return {}
    assert not done.returncode, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def found_by(indexes: Indexes, store: EmbeddedDatabase, text: str) -> Found:
    return indexes.open(store.view(), store.current.number).find(Wish(text), limit=100)


def test_an_index_is_made_beside_and_answers_meanwhile(
    store: EmbeddedDatabase, shelf: Shelf
) -> None:
    indexes = Indexes(shelf, most_names=3)
    number = store.current.number
    found = found_by(indexes, store, "moscow summit")
    assert found.provisional == "unindexed"
    assert found.total == 40
    wait_until(lambda: shelf.account(number), 60)
    found = found_by(indexes, store, "moscow sumit")
    assert found.provisional == ""
    assert found.total == 40
    assert isinstance(indexes.open(store.view(), number), NameIndex)
    # Another server opens what is there.
    other = Shelf(store.generations, is_union=True)
    assert other.open(number) is not None
    assert not other.is_being_made(number)
    # Of another default graph it is not the index.
    assert Shelf(store.generations, is_union=False).open(number) is None


def tell(about: dict[str, Any] | None) -> tuple[int, int]:
    assert about is not None
    return about["from"], about["touched"]


@pytest.fixture
def nothing_is_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every change to a process of its own."""
    monkeypatch.setattr("peninsula.searching.shelf.FEW", Bounds(0, 0))


@pytest.mark.usefixtures("nothing_is_few")
def test_a_small_change_rewrites_what_it_touches(store: EmbeddedDatabase, shelf: Shelf) -> None:
    indexes = Indexes(shelf, most_names=3)
    before = store.current.number
    wait_until(
        lambda: not found_by(indexes, store, "moscow").provisional and shelf.account(before), 150
    )
    thing, gone, person = expand("event:new"), expand("event:s7"), expand("person:p")
    update(
        store, f'INSERT DATA {{ GRAPH <x:g> {{ <{thing}> rdfs:label "Саммит в Хельсинки"@ru }} }}'
    )
    update(store, f"DELETE WHERE {{ GRAPH <x:g> {{ <{gone}> ?p ?o }} }}")
    update(
        store, f'INSERT DATA {{ <{thing}> <x:with> <{person}> . <{person}> skos:altLabel "Vanya" }}'
    )
    after = store.current.number
    indexes.follow(after)
    found = found_by(indexes, store, "хельсинки")
    assert found.provisional == "earlier"
    assert isinstance(indexes.open(store.view(), after), EarlierIndex)
    wait_until(
        lambda: not found_by(indexes, store, "moscow").provisional and shelf.account(after), 150
    )
    assert tell(shelf.account(after)) == (before, 3)
    assert [hit.iri for hit in found_by(indexes, store, "хельсинки").hits] == [thing]
    assert [hit.iri for hit in found_by(indexes, store, "vanya").hits] == [person]
    assert found_by(indexes, store, "moscow").total == 39
    # It is the index that would have been made anew.
    fresh = read_names(store.view())
    index = indexes.open(store.view(), after)
    for text in ("moscow", "хельсинки", "summit 7", "Ivan", "sumit 12", "vany"):
        assert index.find(Wish(text), limit=100) == fresh.find(Wish(text), limit=100)
    # The one of the generation before is as it was.
    past = indexes.open(store.view(generation=store.find(before)), before)
    assert past.find(Wish("хельсинки")).total == 0
    assert past.find(Wish("moscow")).total == 40


def test_few_names_are_indexed_at_once_and_kept(store: EmbeddedDatabase, shelf: Shelf) -> None:
    number = store.current.number
    assert found_by(Indexes(shelf), store, "moscow").provisional == ""
    # No other process had to be waited for, and a restart finds it.
    assert tell(shelf.account(number))[0] == 0
    assert Shelf(store.generations, is_union=True).open(number) is not None
    # A change is taken over at once, whoever asks first.
    update(store, f'INSERT DATA {{ <{expand("event:late")}> rdfs:label "Встреча в Осло"@ru }}')
    found = found_by(Indexes(shelf), store, "осло")
    assert (found.total, found.provisional) == (1, "")
    assert tell(shelf.account(store.current.number)) == (number, 1)
    assert not list(shelf.folder.glob(".building-*"))


def test_the_published_state_is_indexed_before_somebody_asks(store: EmbeddedDatabase) -> None:
    number = store.current.number
    shutil.rmtree(store.generations.names(1).parent, ignore_errors=True)
    with contextlib.closing(
        Shelf(
            store.generations,
            is_union=True,
            view=lambda number: store.view(generation=store.find(number)),
        )
    ) as shelf:
        shelf.follow(number)
        wait_until(lambda: shelf.account(number), 60)
    # Where there are many names, it waits until somebody does.
    shutil.rmtree(store.generations.names(1).parent, ignore_errors=True)
    with contextlib.closing(
        Shelf(store.generations, is_union=True, view=lambda _: store.view(), most_names=3)
    ) as shelf:
        shelf.follow(number)
        wait_until(lambda: shelf._followed is None, 60)
        assert not shelf.is_being_made(number)


@pytest.mark.parametrize("times", [1, 3])
def test_what_fails_is_tried_again_and_told(
    store: EmbeddedDatabase,
    shelf: Shelf,
    times: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("peninsula.searching.shelf._AGAIN", (0.01, 0.01, 0.01))
    number = store.current.number
    run = shelf._run
    left = [(-signal.SIGKILL, "", ""), (1, "", "Traceback\nMemoryError: too much\n"), (0, "", "")]

    def fail(number: int, path: Path, base: int | None) -> tuple[int, str, str]:
        return left.pop(0) if len(left) > 3 - times else run(number, path, base)

    monkeypatch.setattr(shelf, "_run", fail)
    with caplog.at_level("WARNING", "peninsula.searching.shelf"):
        shelf.want(number)
        wait_until(lambda: shelf.account(number) or len(caplog.records) == 3, 60)
    assert "(attempt 1): its process was ended by SIGKILL" in caplog.text
    if times == 3:
        assert "exit code 1: Traceback | MemoryError: too much" in caplog.text
        # Nothing was left there to be put in place.
        assert "(attempt 3)" in caplog.text
    else:
        assert shelf.account(number)
    assert not list(shelf.folder.glob(".building-*"))


def test_what_nobody_foresaw_does_not_end_the_making(
    store: EmbeddedDatabase, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise KeyError("nobody thought of it")

    def ask_again() -> object:
        shelf.want(number)
        return shelf.account(number)

    monkeypatch.setattr("peninsula.searching.shelf._AGAIN", (0.01, 0.01, 0.01))
    shelf._view = fail
    number = store.current.number
    shelf.follow(number)
    wait_until(lambda: shelf._followed is None, 60)
    with monkeypatch.context() as patched:
        patched.setattr(shelf, "_make", fail)
        shelf.want(number)
        wait_until(lambda: shelf._failed.get(number, (0, 0))[0] == 3, 60)
    wait_until(ask_again, 60)


def test_a_process_that_ends_lets_go_of_those_it_started(
    store: EmbeddedDatabase, tmp_path: Path
) -> None:
    # They used to wait for one another: a few times in a hundred, where several began at once.
    command = [sys.executable, "-m", "peninsula.searching.building", str(store.generations.folder)]
    number = str(store.current.number)
    processes = [
        subprocess.Popen([*command, number, str(tmp_path / str(i))], stdout=subprocess.PIPE)
        for i in range(6)
    ]
    for process in processes:
        told, _ = process.communicate(timeout=120)
        assert json.loads(told)["things"]


def test_names_that_an_item_lends_are_touched_with_it(tmp_path: Path) -> None:
    person, item = expand("person:p"), expand("wd:Q7")
    with running(fill(tmp_path), is_union=True) as database:
        update(
            database, f'INSERT DATA {{ <{person}> rdfs:label "Ivan" ; skos:exactMatch <{item}> }}'
        )
        one = database.current.number
        update(
            database,
            f'INSERT DATA {{ GRAPH graph:wikidata {{ <{item}> skos:altLabel "Иоанн Грозный"@ru }} }}',
        )
        two = database.current.number
        generations = database.generations
        make_index(generations, one, tmp_path / "one")
        assert make_index(generations, two, tmp_path / "two", tmp_path / "one")["from"] == one
        shelf = Shelf(generations, is_union=True)
        shutil.copytree(tmp_path / "two", generations.names(two))
        index = shelf.open(two)
        assert index is not None
        [hit] = NameIndex(index).find(Wish("ioann groznyi")).hits
        assert (hit.iri, hit.matched.text) == (person, "Иоанн Грозный")
        # The item itself is no thing beside ours.
        assert index.find_entry(item) is None


def test_who_has_no_name_mentions_things_too(tmp_path: Path) -> None:
    person, other = expand("person:p"), expand("person:q")
    with running(fill(tmp_path), is_union=True) as database:
        update(database, f'INSERT DATA {{ <{person}> rdfs:label "Ivan" }}')
        one = database.current.number
        update(
            database,
            f"INSERT DATA {{ [] a <x:c> ; <x:p> <{person}> . <x:s> <x:of> <<( <{other}> <x:p> 1 )>> }}",
        )
        two = database.current.number
        make_index(database.generations, one, tmp_path / "one")
        about = make_index(database.generations, two, tmp_path / "two", tmp_path / "one")
        assert tell(about) == (one, 1)
        made = FulltextIndex.open(tmp_path / "two", {}).find_entry(person)
        assert made == next(iter(read_entries(database.view())))


def test_what_changes_too_much_is_made_anew(store: EmbeddedDatabase, tmp_path: Path) -> None:
    before = store.current.number
    make_index(store.generations, before, tmp_path / "one")
    update(store, "INSERT DATA { pen:Summit rdfs:subClassOf pen:Event }")
    after = store.current.number
    # Which class says most hangs on the hierarchy.
    assert make_index(store.generations, after, tmp_path / "two", tmp_path / "one") == {}
    # A shelf has it made anew then.
    shelf = Shelf(store.generations, is_union=True)
    shutil.copytree(tmp_path / "one", make_room(shelf.path(before)))
    shelf.want(after)
    wait_until(lambda: shelf.account(after), 60)
    assert tell(shelf.account(after))[0] == 0
    shelf.close()


def test_on_an_index_that_is_damaged_none_is_built(store: EmbeddedDatabase, shelf: Shelf) -> None:
    before = store.current.number
    make_index(store.generations, before, shelf.path(before))
    for path in shelf.path(before).glob("*.term"):
        path.write_bytes(path.read_bytes()[:10])
    update(store, f'INSERT DATA {{ <{expand("event:bergen")}> rdfs:label "Talks in Bergen" }}')
    after = store.current.number
    shelf.want(after)
    wait_until(lambda: shelf.account(after), 60)
    assert tell(shelf.account(after))[0] == 0


def make_room(folder: Path) -> Path:
    folder.parent.mkdir(exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


@pytest.mark.parametrize("damage", ["killed", "half", "no account", "other state", "cut"])
def test_what_is_half_made_is_never_opened(
    store: EmbeddedDatabase, shelf: Shelf, damage: str
) -> None:
    number = store.current.number
    place = shelf.path(number)
    place.parent.mkdir(exist_ok=True)
    if damage == "killed":
        left = place.parent / f".building-{number}"
        command = [sys.executable, "-m", "peninsula.searching.building"]
        process = subprocess.Popen(
            [*command, str(store.generations.folder), str(number), str(left)]
        )
        wait_until(left.exists, 60)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    else:
        make_index(store.generations, number, place)
        about = place / ABOUT
        if damage == "half":
            place.rename(place.parent / f".building-{number}")
        elif damage == "no account":
            about.unlink()
        elif damage == "other state":
            told = json.loads(about.read_text())
            about.write_text(json.dumps({**told, "published": "2020-01-01T00:00:00.000Z"}))
        else:
            for path in place.glob("*.store"):
                path.write_bytes(path.read_bytes()[:10])
    again = Shelf(store.generations, is_union=True)
    assert again.open(number) is None
    assert not list(place.parent.glob(".building-*"))
    again.want(number)
    wait_until(lambda: again.account(number), 60)
    index = again.open(number)
    assert index is not None
    assert NameIndex(index).find(Wish("moscow")).total >= 39
    again.close()


def test_an_index_goes_with_its_generation(tmp_path: Path) -> None:
    generations = fill(tmp_path)
    with running(generations, is_union=True, keep=2) as database:
        update(database, _SUMMITS)
        number = database.current.number
        make_index(generations, number, generations.names(number))
        for i in range(3):
            update(database, f"INSERT DATA {{ <x:{i}> <x:p> <x:o> }}")
        wait_until(lambda: not generations.path(number).exists())
        wait_until(lambda: not generations.names(number).exists())


def test_much_is_brought_together_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    turtle = "".join(
        f'event:e{i} a pen:Summit ; rdfs:label "Summit {i}"@en ; skos:altLabel "Other {i}" .\n'
        for i in range(500)
    )
    dataset = dataset_of(turtle)
    whole = {entry.iri: entry for entry in read_entries(dataset)}
    monkeypatch.setattr("peninsula.searching.spreading._RUN", 64)
    assert {entry.iri: entry for entry in read_entries(dataset)} == whole
    assert len(whole) == 500
    # What a server reads by several processes, in parts, is the same.
    monkeypatch.setattr("peninsula.searching.entries._READ", 90)
    readings = list(plan(dataset))
    assert len(readings) > 12
    parts = [[record for reading in readings for record in read(dataset, reading)]]
    assert {entry.iri: entry for entry in gather(parts)} == whole
