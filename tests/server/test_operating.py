"""A store is held, told of and served, or one line says why not."""

from __future__ import annotations

import io
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula import operating
from peninsula.config import Config
from peninsula.dataset import delta as deltas
from peninsula.dataset.generations import Generations
from peninsula.errors import OperatorError, StoreInUse, StoreUnavailable, UnknownGeneration
from peninsula.knowledge import Knowledge
from peninsula.loading import open_database

from .conftest import COUNTED, fill, update, wait_until


@pytest.fixture
def config(tmp_path: Path) -> Config:
    fill(tmp_path / "store", COUNTED)
    return Config(store=tmp_path / "store", empty=True, default_graph="own")


def test_a_store_is_held_with_what_is_to_be_in_it(tmp_path: Path, knowledge: Knowledge) -> None:
    generations = Generations(tmp_path / "store")
    with operating._held(Config(store=generations.folder), knowledge, may_violate=False):
        current = generations.current()
        assert current
        assert current.triples > 50
        with pytest.raises(StoreInUse):
            generations.locked().__enter__()
    with operating._held(Config(store=generations.folder), None, may_violate=False):
        assert generations.current() == current


def test_a_read_only_store_is_served_as_it_is(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generations, "is_writable", lambda _: False)
    generations = Generations(config.store)
    # Others may read it, too: nobody writes.
    with (
        operating._held(Config(store=generations.folder), None, may_violate=False),
        operating._held(Config(store=generations.folder), None, may_violate=False),
    ):
        database = open_database(config, generations)
        try:
            assert database.changes is None
            assert "served read-only, from disk" in operating._tell(database)
            assert len(list(database.view().statements())) == 400
        finally:
            database.close()


def test_an_empty_folder_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generations, "is_writable", lambda _: False)
    with pytest.raises(StoreUnavailable, match="is empty and cannot be written to"):
        operating._held(Config(store=tmp_path), None, may_violate=False).__enter__()


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        ("never", "served from disk; 3 readers, which "),
        ("always", "served from disk, then from memory (about 0 MB); 3 readers, which "),
    ],
)
def test_how_it_is_served_is_one_line(config: Config, memory: str, words: str) -> None:
    chosen = Config(store=config.store, empty=True, memory=memory, readers=3, reader_memory=2**28)
    database = open_database(chosen, Generations(config.store))
    try:
        line = operating._tell(database)
        assert line.startswith(f"Generation 2, 400 triples, {words}")
        assert line.endswith("256 MiB each.")
        assert not database.readers.running()
    finally:
        database.close()


def test_the_change_that_made_a_generation_is_shown(config: Config) -> None:
    generations = Generations(config.store)
    with generations.locked():
        database = open_database(config, generations)
        update(database, "DELETE WHERE { <x:s1> ?p ?o }")
        database.close()
    output = io.BytesIO()
    operating.show_patch(config, 3, output)
    assert deltas.read_patch(output.getvalue()).net().removed == {COUNTED[1]}
    with pytest.raises(OperatorError, match=r"no patch of generation 9.*history list"):
        operating.show_patch(config, 9, output)


def test_the_way_from_one_generation_to_another_is_exact(config: Config) -> None:
    generations = Generations(config.store)
    with generations.locked():
        database = open_database(config, generations)
        update(database, "DELETE WHERE { <x:s1> ?p ?o } ; CREATE GRAPH <x:g>")
        update(database, "INSERT DATA { _:b <x:p> 1 } ; INSERT DATA { <x:s1> <x:p> 1 }")
        database.close()
    for before, after in ((2, 4), (4, 2), (2, 3), (1, 4), (3, 3)):
        output = io.BytesIO()
        delta = operating.show_difference(config, before, after, output)
        store = ox.Store()
        store.extend(generations.open(before))
        for graph in generations.open(before).named_graphs():
            store.add_graph(graph)
        deltas.apply(store, deltas.read_patch(output.getvalue()).net())
        assert set(store) == set(generations.open(after))
        assert [*store.named_graphs()] == [*generations.open(after).named_graphs()]
        assert delta.is_empty is (before == after)
    with pytest.raises(UnknownGeneration):
        operating.show_difference(config, 1, 9, io.BytesIO())


def test_a_running_server_is_backed_up(config: Config, tmp_path: Path) -> None:
    generations = Generations(config.store)
    with generations.locked():
        database = open_database(config, generations)
        try:
            update(database, "DELETE WHERE { <x:s1> ?p ?o }")
            assert operating.backup(config, tmp_path / "copy", None).number == 3
            update(database, "DELETE WHERE { <x:s2> ?p ?o }")
            operating.pin(config, 2, is_pinned=True)
            assert [(g.number, p) for g, p in operating.list_generations(config)] == [
                (1, False), (2, True), (3, False), (4, False),
            ]  # fmt: skip
        finally:
            database.close()
    copy = Config(store=tmp_path / "copy", empty=True, default_graph="own")
    with Generations(copy.store).locked():
        served = open_database(copy, Generations(copy.store))
        try:
            assert len(list(served.view().statements())) == 399
            assert update(served, "CLEAR ALL").generation == 4
        finally:
            served.close()
    assert operating.restore(config, copy.store).number == 5
    wait_until(lambda: len(generations.open(5)) == 0)


def test_tokens_are_those_of_the_store(config: Config) -> None:
    text = operating.add_token(config, "me", "admin")
    assert text.startswith("pen_")
    assert [(entry.name, entry.role) for entry in operating.list_tokens(config)] == [
        ("me", "admin")
    ]
    operating.revoke_token(config, "me")
    assert operating.list_tokens(config) == []
