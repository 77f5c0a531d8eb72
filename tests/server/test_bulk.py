"""A big load becomes one generation, or nothing."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.dataset import bulk
from peninsula.dataset.bulk import load_files
from peninsula.dataset.generations import Generation, Generations
from peninsula.errors import InvalidSource, StoreUnavailable
from peninsula.formats import GRAPH_FORMATS, Format

from .conftest import COUNTED, ask, fill, running, update

Stage = tuple[str, int, int]
LINES = "".join(f"<x:s{n}> <x:p> {n}, 'ü{n}'@ko .\n" for n in range(50))


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return fill(tmp_path / "store")


def load(
    generations: Generations,
    *files: Path,
    graph: str | None = None,
    stages: list[Stage] | None = None,
) -> Generation:
    def note(*stage: object) -> None:
        if stages is not None:
            stages.append(stage)  # type: ignore[arg-type]

    with generations.locked():
        return load_files(generations, files, note, graph=graph)


def contents(generations: Generations) -> set[ox.Quad]:
    current = generations.current()
    assert current
    return set(generations.open(current.number))


def write(path: Path, text: str | bytes) -> Path:
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("format", GRAPH_FORMATS, ids=lambda f: f.name)
def test_a_file_is_loaded_in_every_format(
    generations: Generations, tmp_path: Path, format: Format, *, is_packed: bool
) -> None:
    assert isinstance(format.engine, ox.RdfFormat)
    body = ox.serialize(COUNTED, format=format.engine)
    path = write(tmp_path / f"data.{format.extension}{'.gz' if is_packed else ''}", body)  # type: ignore[arg-type]
    generation = load(generations, path)
    assert contents(generations) == set(COUNTED)
    assert (generation.number, generation.default, generation.added) == (2, 400, 400)
    assert generation.is_bulk
    assert generation.summary == f"load of {path.name}"


def test_triples_go_where_they_are_told_and_quads_keep_their_graphs(
    generations: Generations, tmp_path: Path
) -> None:
    triples = write(tmp_path / "triples.ttl", LINES)
    quads = write(tmp_path / "quads.nq", '<x:a> <x:p> "1" <x:g> .\n<x:a> <x:p> "2" .\n')
    empty = write(tmp_path / "empty.trig", "<x:none> {}")
    generation = load(generations, triples, quads, empty, graph="x:t")
    assert {k: v for k, v in generation.graphs.items() if v} == {"x:g": 1, "x:t": 100}
    assert (generation.default, generation.added, generation.triples) == (1, 102, 102)
    found = {str(quad.graph_name) for quad in contents(generations)}
    assert found == {"<x:t>", "<x:g>", "DEFAULT"}


def test_what_was_there_stays_and_is_not_counted_twice(
    generations: Generations, tmp_path: Path
) -> None:
    path = write(tmp_path / "data.ttl", LINES)
    assert load(generations, path).added == 100
    assert load(generations, path).added == 0
    more = write(tmp_path / "more.nt", '<x:s0> <x:p> "new" .\n')
    again = load(generations, path, more)
    assert (again.number, again.added, again.triples) == (4, 1, 101)
    assert len(generations.open(2)) == 100


def test_relative_iris_are_those_of_the_file(generations: Generations, tmp_path: Path) -> None:
    path = write(tmp_path / "data.ttl", "<#me> <x:p> 1 .")
    load(generations, path)
    (quad,) = contents(generations)
    assert quad.subject == ox.NamedNode(f"{path.as_uri()}#me")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.nt", "<x:a> <x:b> <x:c> .\n<x:a> <x:b> .\n", r"bad\.nt:2: column \d+: "),
        ("bad.ttl", LINES + "<x:a> <x:b> ; .\n", r"bad\.ttl:51: "),
        ("bad.nq.gz", '<x:a> <x:b> "c" <x:g> .\nnonsense\n', r"bad\.nq\.gz:2: "),
        ("bad.jsonld", "{", r"bad\.jsonld.*Mend the JSON-LD there; nothing was loaded"),
        ("bad.rdf", "<rdf>", r"bad\.rdf"),
        ("bad.docx", "", "“.docx” is the ending of no RDF format.*also with .gz"),
        ("bad", "", "“” is the ending of no RDF format"),
    ],
)
@pytest.mark.parametrize("comes_first", [False, True])
def test_a_bad_file_is_told_and_the_store_is_as_it_was(
    generations: Generations,
    tmp_path: Path,
    name: str,
    content: str,
    words: str,
    *,
    comes_first: bool,
) -> None:
    good = write(tmp_path / "good.ttl", LINES)
    bad = write(tmp_path / name, content)
    before = generations.current()
    with pytest.raises(InvalidSource, match=words):
        load(generations, *((bad, good) if comes_first else (good, bad)))
    assert generations.current() == before
    assert contents(generations) == set()
    assert sorted(p.name for p in (generations.folder / "generations").iterdir()) == [
        "000001", "000001.json",
    ]  # fmt: skip
    assert load(generations, good).number == 2


@pytest.mark.parametrize("damage", ["truncated", "no gzip"])
def test_a_damaged_archive_is_told(generations: Generations, tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "data.nt.gz", "<x:a> <x:b> <x:c> .\n" * 5000)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"plain text")
    with pytest.raises(InvalidSource, match=r"data\.nt\.gz: it cannot be read"):
        load(generations, path)
    assert contents(generations) == set()


def test_a_missing_file_is_told_before_anything_happens(
    generations: Generations, tmp_path: Path
) -> None:
    stages: list[Stage] = []
    with pytest.raises(InvalidSource, match=r"none\.nt: there is no such file"):
        load(generations, write(tmp_path / "a.nt", ""), tmp_path / "none.nt", stages=stages)
    assert stages == []


def test_progress_is_told_as_far_as_the_file_is_read(
    generations: Generations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_TICK", 0.005)
    path = write(tmp_path / "big.nt", "".join(f'<x:{n}> <x:p> "{n}" .\n' for n in range(100_000)))
    stages: list[Stage] = []
    load(generations, path, stages=stages)
    size = path.stat().st_size
    told = [done for stage, done, whole in stages if stage == "Loading big.nt" and whole == size]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, size)
    assert [stage for stage, _, _ in stages][-2:] == ["Counting", "Publishing"]
    if os.path.exists("/proc/self/fdinfo"):  # noqa: PTH110
        assert len({*told}) > 2


def test_a_crash_leaves_nothing_behind(
    generations: Generations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "data.ttl", LINES)
    for step in ("_count", "sync_database", "write_patch_file"):
        with monkeypatch.context() as patch:
            patch.setattr(bulk, step, _crash)
            with pytest.raises(KeyboardInterrupt):
                load(generations, path)
        with generations.locked():
            generations.recover()
        assert [g.number for g in generations.all()] == [1]
        assert contents(generations) == set()
    assert load(generations, path).number == 2


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_full_disk_is_one_readable_line(
    generations: Generations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(bulk, "sync_database", fail)
    with pytest.raises(StoreUnavailable, match="No space left"):
        load(generations, write(tmp_path / "data.ttl", LINES))
    assert [g.number for g in generations.all()] == [1]


def test_a_server_goes_on_from_a_bulk_load(generations: Generations, tmp_path: Path) -> None:
    load(generations, write(tmp_path / "data.ttl", LINES), graph="x:g")
    with running(generations, memory="always") as database:
        assert update(database, "DELETE WHERE { GRAPH <x:g> { ?s ?p 7 } }").removed == 1
        assert database.current.graphs == {"x:g": 99}
        assert len(ask(database.view(), "SELECT * { GRAPH ?g { ?s ?p ?o } }")) == 99
