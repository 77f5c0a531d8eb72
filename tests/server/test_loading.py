"""A store is built once, opened at once, built anew after a change, and never half there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula import loading
from peninsula.config import Config
from peninsula.errors import InvalidShapes, InvalidSource, OperatorError, StoreUnavailable
from peninsula.knowledge import INFERRED, QUESTIONS, Knowledge, find_knowledge
from peninsula.loading import Loaded, judge, load, open_dataset, open_store
from peninsula.namespaces import expand


@pytest.fixture
def stages() -> list[str]:
    return []


@pytest.fixture
def progress(stages: list[str]) -> loading.Progress:
    def note(stage: str, _done: int, _total: int) -> None:
        if stage not in stages:
            stages.append(stage)

    return note


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


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
    tmp_path: Path, knowledge: Knowledge, stages: list[str], progress: loading.Progress
) -> None:
    size = len(open_store(tmp_path / "store", knowledge, progress))
    assert stages == [
        "Reading",
        "Inferring",
        "Reading the questions",
        "Validating",
        "Writing the store",
    ]
    stages.clear()
    assert len(open_store(tmp_path / "store", knowledge, progress)) == size
    assert not stages


def test_a_changed_file_is_taken_up_and_old_generations_go(copy: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    sizes = []
    for number in range(4):
        append(copy / "data/scene/summits.ttl", f'\nplace:p{number} rdfs:label "P{number}"@en .\n')
        sizes.append(len(open_store(store, find_knowledge(copy))))
    assert sizes == sorted(set(sizes))
    assert (store / "CURRENT").read_text() == "000004\n"
    kept = sorted(path.name for path in (store / "generations").iterdir())
    assert kept == ["000003", "000003.json", "000004", "000004.json"]


def test_one_who_reads_the_old_generation_goes_on(copy: Path, tmp_path: Path) -> None:
    old = open_store(tmp_path / "store", find_knowledge(copy))
    size = len(old)
    append(copy / "data/scene/summits.ttl", '\nplace:new rdfs:label "New"@en .\n')
    assert len(open_store(tmp_path / "store", find_knowledge(copy))) > size
    assert len(old) == len(list(old)) == size


def test_data_that_break_a_shape_are_not_served_unless_asked(copy: Path, tmp_path: Path) -> None:
    append(copy / "data/scene/summits.ttl", "\nevent:bad a pen:Summit .\n")
    with pytest.raises(OperatorError, match=r"1 violations.*event:bad.*peninsula check"):
        open_store(tmp_path / "store", find_knowledge(copy))
    assert not (tmp_path / "store" / "CURRENT").exists()
    assert open_store(tmp_path / "store", find_knowledge(copy), may_violate=True)


class CrashError(BaseException):
    """The process ends here."""


def _crash(*_arguments: object) -> None:
    raise CrashError


#: The steps of publishing a generation, each of which may be the last one.
STEPS = [(loading, "_sync"), (loading, "_write"), (Path, "rename"), (Path, "replace")]


@pytest.mark.parametrize(("owner", "step"), STEPS)
def test_a_crash_leaves_the_last_whole_generation(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, step: str
) -> None:
    store = tmp_path / "store"
    before = find_knowledge(copy)
    fingerprint = before.fingerprint()
    size = len(open_store(store, before))
    append(copy / "data/scene/summits.ttl", '\nplace:new rdfs:label "New"@en .\n')
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, _crash)
        with pytest.raises(CrashError):
            open_store(store, find_knowledge(copy))
    current = store / "generations" / (store / "CURRENT").read_text().strip()
    assert json.loads(current.with_suffix(".json").read_text())["fingerprint"] == fingerprint
    assert len(ox.Store.read_only(str(current))) == size
    # The next start clears up and builds.
    assert len(open_store(store, find_knowledge(copy))) > size
    assert not list((store / "generations").glob("building*"))


@pytest.mark.parametrize("content", ["", "000009\n", "../..\n", "nonsense"])
def test_a_damaged_current_leads_to_a_new_build(
    tmp_path: Path, knowledge: Knowledge, content: str
) -> None:
    open_store(tmp_path / "store", knowledge)
    (tmp_path / "store" / "CURRENT").write_text(content)
    assert len(open_store(tmp_path / "store", knowledge))


def test_a_folder_that_cannot_be_written_is_one_readable_line(
    tmp_path: Path, knowledge: Knowledge
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"file.*cannot be used.*--store"):
        open_store(tmp_path / "file", knowledge)


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
        open_store(folder, knowledge)


def test_a_published_store_opens_where_nothing_can_be_written(
    tmp_path: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(tmp_path / "store", knowledge)
    monkeypatch.setattr(loading, "_locked", _crash)
    assert len(open_store(tmp_path / "store", knowledge))


def test_shapes_are_needed(copy: Path) -> None:
    shutil.rmtree(copy / "ontology" / "shapes")
    knowledge = find_knowledge(copy)
    with pytest.raises(InvalidShapes, match="no shapes"):
        judge(knowledge, load(knowledge))


def test_a_broken_source_stops_the_load_with_its_place(copy: Path, tmp_path: Path) -> None:
    append(copy / "data/scene/summits.ttl", "\nevent:x a ; .\n")
    with pytest.raises(InvalidSource, match=r"summits\.ttl:\d+: "):
        open_store(tmp_path / "store", find_knowledge(copy))


@pytest.mark.parametrize(
    ("memory", "is_in_memory"), [("auto", True), ("always", True), ("never", False)]
)
def test_a_small_graph_is_held_in_memory_unless_told_not_to(
    tmp_path: Path, knowledge: Knowledge, memory: str, *, is_in_memory: bool
) -> None:
    config = Config(store=tmp_path / "store", memory=memory)
    dataset = open_dataset(config, knowledge)
    shutil.rmtree(tmp_path / "store")
    assert len(list(dataset.statements())) == sum(dataset.graphs().values()) > 50
    # What is in memory can be written to; a generation on disk never.
    with (
        contextlib.nullcontext()
        if is_in_memory
        else pytest.raises(RuntimeError, match="read-write")
    ):
        dataset._store.add_graph(ox.NamedNode("a:b"))
