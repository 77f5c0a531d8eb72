"""A generation that is kept no longer comes back from the patches, and stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.cli import main
from peninsula.dataset.bulk import load_files
from peninsula.dataset.generations import format_instant
from peninsula.dataset.rebuilding import rebuild
from peninsula.errors import OperatorError

from .conftest import fill, running, update, wait_until

STEPS = [
    "INSERT DATA { <x:a> <x:p> 1 GRAPH <x:g> { <x:a> <x:p> 1, 2 } }",
    "DELETE DATA { GRAPH <x:g> { <x:a> <x:p> 2 } }",
    "DROP GRAPH <x:g>",
    "INSERT DATA { GRAPH <x:h> { <x:b> <x:q> [] } }",
    "CREATE GRAPH <x:empty>",
    "DELETE WHERE { <x:a> ?p ?o }",
]


def states(folder: Path) -> dict[int, tuple[set[ox.Quad], set[object], object]]:
    generations = fill(folder)
    with running(generations, keep=50) as database:
        for step in STEPS:
            update(database, step)
    return {
        one.number: (
            set(generations.open(one.number)),
            set(generations.open(one.number).named_graphs()),
            one,
        )
        for one in generations.all()
    }


@pytest.mark.parametrize("pinned", [1, 7])
def test_every_state_comes_back_as_it_was(tmp_path: Path, pinned: int) -> None:
    generations = fill(tmp_path)
    before = states(tmp_path)
    assert sorted(before) == [1, 2, 3, 4, 5, 6, 7]
    # From one that is older, by patches; from one that is younger, by undoing them.
    generations.pin(pinned)
    with generations.locked():
        generations.prune(1)
    for number in sorted(set(before) - {1, 7}):
        found = rebuild(generations, number)
        quads, graphs, was = before[number]
        store = generations.open(number)
        assert set(store) == quads
        assert set(store.named_graphs()) == graphs
        assert (found.published, found.agents, found.added, found.removed, found.graphs) == (
            was.published, was.agents, was.added, was.removed, was.graphs,  # type: ignore[attr-defined]
        )  # fmt: skip
        assert generations.is_pinned(number)
    with generations.locked():
        generations.recover()
        assert not generations.prune(1, frozenset({1}))
    assert [one.number for one in generations.all()] == sorted(
        {1, *before} if pinned == 1 else set(before) - {1}
    )


def test_what_was_loaded_in_bulk_stands_in_the_way(tmp_path: Path) -> None:
    generations = fill(tmp_path)
    source = tmp_path / "more.nt"
    source.write_text('<x:a> <x:p> "1" .')
    with generations.locked():
        load_files(generations, [source], lambda *_: None)
        load_files(generations, [source], lambda *_: None)
        generations.prune(1)
    with pytest.raises(OperatorError, match="a load in bulk"):
        rebuild(generations, 2)
    for number, words in ((3, "is kept"), (9, "was no generation"), (0, "was no generation")):
        with pytest.raises(OperatorError, match=words):
            rebuild(generations, number)
    assert [path.name for path in (tmp_path / "generations").iterdir() if path.name[0] == "."] == []


def test_what_was_cited_within_so_many_days_stays(tmp_path: Path) -> None:
    generations = fill(tmp_path)
    with running(generations, keep=50) as database:
        for step in STEPS:
            update(database, step)
    now = datetime.now(UTC)
    # 7 is of today, 6 of ten days ago, 5 of twenty …
    for age, number in enumerate(range(7, 0, -1)):
        path = generations.about(number)
        told = json.loads(path.read_text())
        told["published"] = format_instant(now - timedelta(days=10 * age))
        path.write_text(json.dumps(told))
    with generations.locked():
        # Twenty-five days ago 4 was the published one: it had come five days before.
        assert generations.prune(1, days=25) == [1, 2, 3]
        assert generations.prune(1, days=5) == [4, 5]
        assert generations.prune(1) == [6]


def test_the_command_line_brings_one_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    generations = fill(tmp_path)
    with running(generations, keep=2) as database:
        for step in STEPS[:3]:
            update(database, step)
        wait_until(lambda: [one.number for one in database.all()] == [3, 4])
        # A server holds the store meanwhile.
        monkeypatch.chdir(tmp_path)
        assert main(["history", "rebuild", "2", "--store", str(tmp_path)]) == 0
        assert "Generation 2 is kept again, with 3 triples." in capsys.readouterr().out
        found = database.view(generation=database.find(2))
        assert len(list(found.statements())) == 3
        update(database, STEPS[3])
        wait_until(lambda: [one.number for one in database.all()] == [2, 4, 5])
    assert main(["history", "rebuild", "2", "--store", str(tmp_path)]) == 2
    assert "is kept" in capsys.readouterr().err
