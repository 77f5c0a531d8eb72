"""A generation that is kept no longer comes back from the patches, and stays."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.dataset.bulk import load_files
from peninsula.dataset.rebuilding import rebuild
from peninsula.errors import OperatorError

from .conftest import fill, running, update

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
