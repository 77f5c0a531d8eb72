"""How does the knowledge become a store, and when is it built anew?

A store is a folder of generations: ``generations/000001`` is an Oxigraph database that nobody
writes to once it is published, ``000001.json`` beside it says what it was built from, and
``CURRENT`` holds the number of the published one. A generation is built in a temporary folder
and published by renaming, so that a crash at any instant leaves the last whole one. A start
finds out by fingerprint whether the published generation is that of the knowledge as it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.config import Config
from peninsula.dataset.embedded import EmbeddedDataset
from peninsula.errors import InvalidShapes, OperatorError, StoreUnavailable, place
from peninsula.inference import materialise
from peninsula.knowledge import (
    INFERRED,
    ONTOLOGY,
    QUESTIONS,
    Knowledge,
    parse_turtle,
)
from peninsula.library import describe, read_library
from peninsula.policy import Policy
from peninsula.shacl.report import ValidationReport
from peninsula.shacl.shapes import read_shapes
from peninsula.shacl.validation import to_graph, validate

#: Told what is being done, how far it is, and how far it has to go (0: not known).
Progress = Callable[[str, int, int], None]

_MEMORY_LIMIT: Final = 1_000_000  # triples
_KEPT: Final = 2  # generations: the published one, and the one before for who still reads it


@dataclass(frozen=True)
class Loaded:
    """The knowledge, parsed: the statements as they were written, and what was computed."""

    stated: list[ox.Quad]
    computed: list[ox.Quad]

    @property
    def ontology(self) -> list[ox.Quad]:
        return [quad for quad in self.stated if _graph_name(quad) == ONTOLOGY]


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """Report no progress."""


def load(knowledge: Knowledge, progress: Progress = _quiet) -> Loaded:
    """Return everything that goes into a store, from the files of ``knowledge``."""
    files = knowledge.sourced_files
    stated: list[ox.Quad] = []
    for done, (graph, path) in enumerate(files):
        progress("Reading", done, len(files))
        stated.extend(parse_turtle(path, graph))
    progress("Reading", len(files), len(files))
    progress("Inferring", 0, 0)
    triples = [ox.Triple(quad.subject, quad.predicate, quad.object) for quad in stated]
    computed = list(_in_graph(materialise(triples), INFERRED))
    progress("Reading the questions", 0, 0)
    computed += _in_graph(describe(read_library(knowledge.queries)), QUESTIONS)
    return Loaded(stated, computed)


def judge(knowledge: Knowledge, loaded: Loaded, progress: Progress = _quiet) -> ValidationReport:
    """Return what the shapes find wrong with the statements as they were written."""
    progress("Validating", 0, 0)
    shapes = read_shapes(knowledge.shapes, loaded.ontology)
    if not len(shapes):
        raise InvalidShapes(
            f"There are no shapes in {place(knowledge.root)}/ontology/shapes.",
            "Add a *.ttl file with shapes.",
        )
    return validate(to_graph(loaded.stated), shapes)


def open_store(
    folder: Path, knowledge: Knowledge, progress: Progress = _quiet, *, may_violate: bool = False
) -> ox.Store:
    """Return the store of ``knowledge`` in ``folder``, built first where it is not there yet.

    Raises InvalidSource and its kind, and OperatorError where the data break a shape.
    """
    fingerprint = knowledge.fingerprint()
    if published := _published(folder, fingerprint):
        return _open(published)
    with _locked(folder):
        # Another process may have built it while this one waited for the lock.
        published = _published(folder, fingerprint)
        if not published:
            loaded = load(knowledge, progress)
            report = judge(knowledge, loaded, progress)
            if not report.conforms and not may_violate:
                _refuse(report)
            progress("Writing the store", 0, 0)
            published = _build(folder, fingerprint, [*loaded.stated, *loaded.computed], report)
    return _open(published)


def open_dataset(
    config: Config, knowledge: Knowledge, progress: Progress = _quiet, *, may_violate: bool = False
) -> EmbeddedDataset:
    """Return the dataset of ``knowledge``, as ``config`` wants it served."""
    store = open_store(config.store, knowledge, progress, may_violate=may_violate)
    if config.memory == "always" or (config.memory == "auto" and len(store) <= _MEMORY_LIMIT):
        on_disk, store = store, ox.Store()
        store.bulk_extend(on_disk)
    policy = Policy(config.max_query_bytes, config.max_depth, config.max_joins, config.max_links)
    return EmbeddedDataset(store, policy, is_union=config.default_graph == "union")


def _refuse(report: ValidationReport) -> None:
    first = report.results[0]
    raise OperatorError(
        f"The knowledge breaks its shapes ({report.violations} violations); the first: "
        f"{first.focus_node}: {first.message}",
        "See all with “peninsula check”, or start with --allow-violations.",
    )


def _published(folder: Path, fingerprint: str) -> Path | None:
    """Return the published generation, if it was built from knowledge of that fingerprint."""
    try:
        number = (folder / "CURRENT").read_text(encoding="utf-8").strip()
        generation = folder / "generations" / number
        about = json.loads(generation.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_whole = about.get("fingerprint") == fingerprint and generation.is_dir()
    return generation if is_whole else None


def _build(
    folder: Path, fingerprint: str, quads: Iterable[ox.Quad], report: ValidationReport
) -> Path:
    generations = folder / "generations"
    with _writing(folder):
        generations.mkdir(parents=True, exist_ok=True)
        for left in generations.glob("building*"):  # by a process that died: we hold the lock
            shutil.rmtree(left)
        building = generations / "building"
        store = ox.Store(str(building))
        store.bulk_extend(quads)
        store.optimize()
        store.flush()
        triples = len(store)
        del store
        numbers = [int(path.name) for path in generations.iterdir() if path.name.isdigit()]
        generation = generations / f"{max(numbers, default=0) + 1:06}"
        about = {
            "fingerprint": fingerprint,
            "triples": triples,
            "violations": report.violations,
            "warnings": report.warnings,
        }
        _write(generation.with_suffix(".json"), json.dumps(about, indent=2) + "\n")
        building.rename(generation)
        _sync(generations)
        _write(folder / "CURRENT", f"{generation.name}\n")
        for number in sorted(numbers)[: -(_KEPT - 1)]:
            shutil.rmtree(generations / f"{number:06}")
            (generations / f"{number:06}.json").unlink(missing_ok=True)
    return generation


def _open(generation: Path) -> ox.Store:
    with _writing(generation):
        return ox.Store.read_only(str(generation))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the store's lock; a second process waits here until the first has built."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise StoreUnavailable(
            f"The store {place(folder)} cannot be used: {reason}.",
            "Give --store a folder that you may write to.",
        ) from error


def _write(path: Path, text: str) -> None:
    """Write a small file so that after a crash it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _in_graph(triples: Iterable[ox.Triple], graph: str) -> Iterator[ox.Quad]:
    name = ox.NamedNode(graph)
    return (ox.Quad(t.subject, t.predicate, t.object, name) for t in triples)


def _graph_name(quad: ox.Quad) -> str:
    return quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
