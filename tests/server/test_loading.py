"""A store is built once, opened at once, follows the knowledge, and is never half there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from peninsula import loading
from peninsula.config import Config
from peninsula.dataset import delta as deltas
from peninsula.dataset.generations import Generation, Generations
from peninsula.errors import (
    InvalidShapes,
    InvalidSource,
    OperatorError,
    StoreInUse,
    StoreUnavailable,
)
from peninsula.knowledge import INFERRED, QUESTIONS, Knowledge, find_knowledge
from peninsula.loading import Loaded, judge, load, make_policy, open_database, open_local, prepare
from peninsula.namespaces import expand

from .conftest import ask, update, wait_until


@pytest.fixture
def stages() -> list[str]:
    return []


@pytest.fixture
def progress(stages: list[str]) -> loading.Progress:
    def note(stage: str, _done: int, _total: int) -> None:
        if stage not in stages:
            stages.append(stage)

    return note


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations(tmp_path / "store")


def start(generations: Generations, knowledge: Knowledge | None, **more: Any) -> Generation:
    with generations.locked():
        return prepare(generations, knowledge, **more)


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def name(copy: Path, slug: str, label: str) -> None:
    """Give the scene one place more."""
    append(copy / "data/scene/summits.ttl", f'\nplace:{slug} rdfs:label "{label}"@en .\n')


def labels(generations: Generations) -> set[str]:
    """Return the labels in the published generation."""
    current = generations.current()
    assert current
    label = ox.NamedNode(expand("rdfs:label"))
    found = generations.open(current.number).quads_for_pattern(None, label, None, None)
    return {quad.object.value for quad in found if isinstance(quad.object, ox.Literal)}


def test_everything_is_in_its_graph(loaded: Loaded) -> None:
    graphs = {quad.graph_name.value for quad in [*loaded.stated, *loaded.computed]}  # type: ignore[union-attr]
    names = ("catalog", "inferred", "ontology", "questions", "scene")
    assert graphs == {expand(f"graph:{name}") for name in names}


def test_what_follows_is_inferred(loaded: Loaded) -> None:
    event = ox.Triple(
        ox.NamedNode(expand("event:hanoi")),
        ox.NamedNode(expand("rdf:type")),
        ox.NamedNode(expand("pen:Event")),
    )
    inferred = {q.triple for q in loaded.computed if q.graph_name == ox.NamedNode(INFERRED)}
    assert event in inferred
    assert not inferred & {quad.triple for quad in loaded.stated}


def test_the_questions_are_described(loaded: Loaded) -> None:
    described = [q for q in loaded.computed if q.graph_name == ox.NamedNode(QUESTIONS)]
    selects = [q for q in described if q.predicate.value == expand("sh:select")]
    assert len(selects) == 2


def test_the_second_start_opens_at_once(
    generations: Generations, knowledge: Knowledge, stages: list[str], progress: loading.Progress
) -> None:
    first = start(generations, knowledge, progress=progress)
    assert stages == [
        "Reading",
        "Inferring",
        "Reading the questions",
        "Validating",
        "Writing the store",
    ]
    assert first.triples == len(generations.open(1)) > 50
    assert first.graphs == dict(
        open_local(Config(store=generations.folder), knowledge, progress).graphs()
    )
    stages.clear()
    assert start(generations, knowledge, progress=progress) == first
    assert not stages


def test_a_changed_file_is_taken_up_and_old_generations_go(
    copy: Path, generations: Generations
) -> None:
    sizes = []
    for number in range(4):
        name(copy, f"p{number}", f"P{number}")
        sizes.append(start(generations, find_knowledge(copy)).triples)
        generations.prune(2)
    assert sizes == sorted(set(sizes))
    assert (generations.folder / "CURRENT").read_text() == "000004\n"
    kept = sorted(path.name for path in (generations.folder / "generations").iterdir())
    assert kept == ["000003", "000003.json", "000004", "000004.json"]
    # The statements of the knowledge are kept as long as a generation needs them to be compared.
    assert len(list((generations.folder / "knowledge").iterdir())) == 2


def test_one_who_reads_the_old_generation_goes_on(copy: Path, generations: Generations) -> None:
    config = Config(store=generations.folder)
    old = open_local(config, find_knowledge(copy))
    size = len(list(old.statements()))
    name(copy, "new", "New")
    assert len(list(open_local(config, find_knowledge(copy)).statements())) > size
    assert len(list(old.statements())) == sum(old.graphs().values()) == size


# What users wrote and what the knowledge says


def test_what_users_wrote_stays_when_the_knowledge_changes(
    copy: Path, generations: Generations
) -> None:
    config = Config(store=generations.folder, memory="never")
    name(copy, "pyongyang", "Pyongyang")
    scene = expand("graph:scene")
    with generations.locked():
        prepare(generations, find_knowledge(copy))
        database = open_database(config, generations)
        update(
            database,
            f"INSERT DATA {{ <x:mine> rdfs:label 'theirs' GRAPH <x:notes> {{ <x:n> rdfs:label 'a note' }} "
            f"GRAPH <{scene}> {{ <x:added> rdfs:label 'added to the scene' }} }} ;"
            f"DELETE DATA {{ GRAPH <{scene}> {{ place:hanoi rdfs:label 'Hanoi'@en }} }}",
        )
        database.close()
    before = generations.current()
    assert before
    # The knowledge loses one label and gains another.
    path = copy / "data/scene/summits.ttl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"Pyongyang"@en', '"P’yŏngyang"@en'), encoding="utf-8")
    after = start(generations, find_knowledge(copy))
    found = labels(generations)
    assert {"theirs", "a note", "added to the scene", "P’yŏngyang"} <= found
    assert "Pyongyang" not in found
    assert "Hanoi" not in found, "what a user deleted comes back only when the knowledge adds it"
    assert (after.number, after.summary) == (before.number + 1, "the shipped graph, as changed")
    assert after.triples == len(generations.open(after.number))
    assert after.graphs["x:notes"] == after.default == 1
    patch = deltas.read_patch(generations.patch(after.number).read_bytes()).net()
    removed = {str(q.object) for q in patch.removed if q.graph_name == ox.NamedNode(scene)}
    assert removed == {'"Pyongyang"@en'}
    assert (after.added, after.removed) == (len(patch.added), len(patch.removed))


def test_a_store_begun_empty_takes_the_knowledge_beside_what_is_there(
    generations: Generations, knowledge: Knowledge
) -> None:
    first = start(generations, None)
    assert (first.number, first.triples, first.knowledge) == (1, 0, "")
    assert start(generations, None) == first
    second = start(generations, knowledge)
    assert second.triples > 50
    # And one with the knowledge is served as it is where none is asked for.
    assert start(generations, None) == second


def test_without_the_statements_that_were_taken_in_nothing_is_removed(
    copy: Path, generations: Generations
) -> None:
    name(copy, "new", "New")
    start(generations, find_knowledge(copy))
    shutil.rmtree(generations.folder / "knowledge")
    path = copy / "data/scene/summits.ttl"
    path.write_text(path.read_text(encoding="utf-8").replace('"New"@en', '"Newer"@en'))
    after = start(generations, find_knowledge(copy))
    assert {"New", "Newer"} <= labels(generations)
    assert after.triples == len(generations.open(after.number))


# A store that another process holds


def test_a_store_that_a_server_holds_is_read_as_it_is(copy: Path, generations: Generations) -> None:
    config = Config(store=generations.folder)
    with generations.locked(), pytest.raises(StoreInUse, match=r"in use by process \d+"):
        open_local(config, find_knowledge(copy))  # there is nothing to read yet
    first = start(generations, find_knowledge(copy))
    name(copy, "new", "New")
    with generations.locked():
        dataset = open_local(config, find_knowledge(copy))
    assert sum(dataset.graphs().values()) == first.triples
    assert generations.current() == first


# What stops a start


def test_data_that_break_a_shape_are_not_served_unless_asked(
    copy: Path, generations: Generations
) -> None:
    append(copy / "data/scene/summits.ttl", "\nevent:bad a pen:Summit .\n")
    with pytest.raises(OperatorError, match=r"1 violations.*event:bad.*peninsula check"):
        start(generations, find_knowledge(copy))
    assert not (generations.folder / "CURRENT").exists()
    assert start(generations, find_knowledge(copy), may_violate=True).violations == 1


def test_shapes_are_needed(copy: Path) -> None:
    shutil.rmtree(copy / "ontology" / "shapes")
    knowledge = find_knowledge(copy)
    with pytest.raises(InvalidShapes, match="no shapes"):
        judge(knowledge, load(knowledge))


def test_a_broken_source_stops_the_load_with_its_place(
    copy: Path, generations: Generations
) -> None:
    append(copy / "data/scene/summits.ttl", "\nevent:x a ; .\n")
    with pytest.raises(InvalidSource, match=r"summits\.ttl:\d+: "):
        start(generations, find_knowledge(copy))


# Crashes


class CrashError(BaseException):
    """The process ends here."""


class _Countdown:
    """Ends the process, as it were, before the n-th of the calls that change what is on disk."""

    CALLS = ((os, "fsync"), (os, "link"), (shutil, "copyfile"), (Path, "rename"), (Path, "replace"))

    def __init__(self, patch: pytest.MonkeyPatch, left: int) -> None:
        self.left = left
        for owner, step in self.CALLS:
            patch.setattr(owner, step, self._wrap(getattr(owner, step)))

    def _wrap(self, call: Any) -> Any:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise CrashError
            return call(*arguments, **named)

        return counted


def test_a_crash_at_any_step_leaves_the_last_whole_generation(
    copy: Path, generations: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = find_knowledge(copy)
    loaded = load(before)
    report = judge(before, loaded)
    first = start(generations, before)
    name(copy, "new", "New")
    after = find_knowledge(copy)
    grown = load(after)
    monkeypatch.setattr(loading, "load", lambda *_: grown)
    monkeypatch.setattr(loading, "judge", lambda *_: report)
    was_seen_published = False
    for steps in range(200):
        with monkeypatch.context() as patch:
            _Countdown(patch, steps)
            try:
                start(generations, after)
                break
            except CrashError:
                pass
        current = generations.current()
        assert current
        assert len(generations.open(current.number)) == current.triples
        if current.number == 1:
            assert current == first
            assert not was_seen_published, "what was published stays"
        else:
            was_seen_published = True
            assert current.triples == first.triples + 1
    assert steps > 10, "the steps were not counted"
    # The next start clears up and builds.
    assert start(generations, after).triples == first.triples + 1
    assert not list((generations.folder / "generations").glob("building*"))
    assert not list(generations.folder.rglob(".*"))


def test_a_crash_in_the_first_start_leaves_a_store_that_can_be_begun(
    generations: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    for steps in range(50):
        with monkeypatch.context() as patch:
            _Countdown(patch, steps)
            try:
                start(generations, None)
                break
            except CrashError:
                current = generations.current()
                assert current is None or current.triples == len(generations.open(current.number))
    assert steps > 3
    assert start(generations, None).number == 1


@pytest.mark.parametrize("content", ["", "000009\n", "../..\n", "nonsense"])
def test_a_damaged_current_leads_to_the_newest_whole_generation(
    generations: Generations,
    knowledge: Knowledge,
    content: str,
    stages: list[str],
    progress: loading.Progress,
) -> None:
    first = start(generations, knowledge)
    (generations.folder / "CURRENT").write_text(content)
    assert start(generations, knowledge, progress=progress) == first
    assert not stages
    assert (generations.folder / "CURRENT").read_text() == "000001\n"


def test_a_store_without_any_whole_generation_is_built_anew(
    generations: Generations, knowledge: Knowledge
) -> None:
    start(generations, knowledge)
    shutil.rmtree(generations.path(1))
    assert start(generations, knowledge).triples > 50
    assert (generations.folder / "CURRENT").read_text() == "000001\n"


# Folders


def test_a_folder_that_cannot_be_written_is_one_readable_line(
    tmp_path: Path, knowledge: Knowledge
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"file.*cannot be used.*--store"):
        open_local(Config(store=tmp_path / "file"), knowledge)


@pytest.fixture
def not_root() -> Iterator[None]:
    """Be nobody for a while where the tests run as root, to whom nothing is read-only."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("not_root")
def test_a_read_only_folder(knowledge: Knowledge) -> None:
    folder = Path(os.sep, "nobody-may-write-here")
    with pytest.raises(StoreUnavailable, match=r"cannot be used: .*(denied|Read-only).*--store"):
        open_local(Config(store=folder), knowledge)


def test_a_published_store_opens_where_nothing_can_be_written(
    generations: Generations, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(generations, knowledge)
    with monkeypatch.context() as patch:
        _Countdown(patch, 0)
        dataset = open_local(Config(store=generations.folder), knowledge)
        assert ask(dataset, "SELECT ?s { ?s a pen:Summit }")


# Settings


@pytest.mark.parametrize(
    ("settings", "is_in_memory"),
    [
        ({"memory": "auto"}, True),
        ({"memory": "always", "memory_budget": 1}, True),
        ({"memory": "auto", "memory_budget": 1}, False),
        ({"memory": "never"}, False),
    ],
)
def test_a_small_graph_is_held_in_memory_unless_told_not_to(
    generations: Generations, knowledge: Knowledge, settings: dict[str, Any], *, is_in_memory: bool
) -> None:
    start(generations, knowledge)
    database = open_database(Config(store=generations.folder, **settings), generations)
    try:
        if is_in_memory:
            wait_until(lambda: database.is_in_memory)
        assert database.fits_memory is is_in_memory
        assert len(ask(database.view(), "SELECT ?s { ?s a pen:Summit }")) == 2
        assert database.is_in_memory is is_in_memory
    finally:
        database.close()


@pytest.mark.parametrize(
    ("settings", "keeps_history"),
    [
        ({}, True),
        ({"empty": True}, False),
        ({"empty": True, "history_graph": "always"}, True),
        ({"history_graph": "never"}, False),
    ],
)
def test_the_history_graph_is_kept_beside_the_shipped_graph(
    generations: Generations, settings: dict[str, Any], *, keeps_history: bool
) -> None:
    assert loading._options(Config(**settings), generations).keeps_history is keeps_history


def test_the_settings_reach_readers_and_policy(generations: Generations) -> None:
    config = Config(
        readers=3, queue=5, query_timeout=7.0, reader_memory=99, keep=4, update_timeout=8.0,
        default_graph="own", max_depth=11,
    )  # fmt: skip
    options = loading._options(config, generations)
    limits = options.limits
    assert (limits.places, limits.queue, limits.timeout, limits.memory) == (3, 5, 7.0, 99)
    assert (options.keep, options.update_timeout, options.is_union) == (4, 8.0, False)
    assert make_policy(config) == make_policy(Config(max_depth=11))
    assert make_policy(config) != make_policy(Config())
