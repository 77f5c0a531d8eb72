"""How does the knowledge become a generation of a store, and when is that done anew?

A start finds out by fingerprint whether the published generation holds the knowledge as it is.
Where it does not, what the knowledge has gained and lost since it was last taken in becomes a
change like any other, so that what others have written to the store meanwhile stays.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import pyoxigraph as ox

from peninsula.config import Config
from peninsula.dataset import delta as deltas
from peninsula.dataset.delta import Delta
from peninsula.dataset.embedded import EmbeddedDatabase, Options
from peninsula.dataset.generations import Generation, Generations, sync_database, using
from peninsula.dataset.local import LocalDataset
from peninsula.dataset.patches import SHIPPED
from peninsula.dataset.readers import Limits
from peninsula.dataset.sandbox import physical_memory
from peninsula.dataset.writer import count_after, write_patch_file
from peninsula.errors import (
    InvalidShapes,
    OperatorError,
    StoreInUse,
    place,
)
from peninsula.files import sync
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
from peninsula.shacl.validation import judge_quads

#: Told what is being done, how far it is, and how far it has to go (0: not known).
Progress = Callable[[str, int, int], None]

#: What judges changes in the writer's process, which is not to know of shapes before it needs to.
GATE: Final = "peninsula.gate:open_gate"


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
    # The literals as they were written: a store would give some back in another form.
    return judge_quads(loaded.stated, shapes)


def prepare(
    generations: Generations,
    knowledge: Knowledge | None,
    progress: Progress = _quiet,
    *,
    may_violate: bool = False,
) -> Generation:
    """Return the published generation, made first where there is none or the knowledge changed.

    Only under the lock. ``knowledge`` None asks for a store without the shipped graph. Raises
    InvalidSource and its kind, and OperatorError where the data break a shape.
    """
    generations.recover()
    current = generations.current()
    fingerprint = knowledge.fingerprint() if knowledge else ""
    if knowledge and (current is None or current.knowledge != fingerprint):
        loaded = load(knowledge, progress)
        report = judge(knowledge, loaded, progress)
        if not report.conforms and not may_violate:
            _refuse(report)
        progress("Writing the store", 0, 0)
        return _take_in(generations, fingerprint, loaded, report)
    if current is None:
        return _begin_empty(generations)
    return current


def open_local(
    config: Config, knowledge: Knowledge, progress: Progress = _quiet, *, may_violate: bool = False
) -> LocalDataset:
    """Return the published generation, to be read in this process.

    A store that a server holds is read as it is.
    """
    generations = Generations(config.store)
    current = generations.current()
    if current is None or current.knowledge != knowledge.fingerprint():
        try:
            with generations.locked():
                current = prepare(generations, knowledge, progress, may_violate=may_violate)
        except StoreInUse:
            if current is None:
                raise
    return LocalDataset(
        generations.open(current.number),
        make_policy(config),
        is_union=config.default_graph == "union",
    )


def open_database(
    config: Config, generations: Generations, knowledge: Knowledge | None = None
) -> EmbeddedDatabase:
    """Return the prepared store as a server serves it; changes keep the shapes of ``knowledge``."""
    root = str(knowledge.root) if knowledge else ""
    options = replace(
        _options(config, generations),
        gate=GATE if knowledge else "",
        trials=GATE,
        gate_argument=root,
    )
    return EmbeddedDatabase(generations, make_policy(config), options)


def make_policy(config: Config) -> Policy:
    """Return what a query may be and contain."""
    return Policy(
        max_query_bytes=config.max_query_bytes,
        max_update_bytes=config.max_update_bytes,
        max_depth=config.max_depth,
        max_joins=config.max_joins,
        max_links=config.max_links,
    )


def _options(config: Config, generations: Generations) -> Options:
    places = config.readers or count_cores()
    memory = physical_memory()
    keeps_history = config.history_graph == "always" or (
        config.history_graph == "auto" and not config.empty
    )
    return Options(
        is_union=config.default_graph == "union",
        memory=config.memory,
        memory_budget=config.memory_budget,
        keep=config.keep,
        keep_days=config.keep_days,
        keeps_history=keeps_history,
        is_read_only=not generations.is_writable(),
        update_timeout=config.update_timeout,
        writer_memory=memory // 2,
        limits=Limits(
            places=places,
            queue=config.queue,
            timeout=config.query_timeout,
            memory=config.reader_memory or min(2 << 30, memory // (4 * places)),
            all_memory=memory // 3,
        ),
    )


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _take_in(
    generations: Generations, fingerprint: str, loaded: Loaded, report: ValidationReport
) -> Generation:
    """Publish a generation in which the shipped knowledge is as it is now."""
    before = generations.current()
    statements = _as_stored(loaded)
    building = generations.building()
    generations.checkout(building, before.number if before else None)
    with using(generations.folder):
        store = ox.Store(str(building))
        if before is None:
            store.bulk_extend(statements)
            store.optimize()
            delta = Delta(added=statements, removed=set(), created=set(), dropped=set())
        else:
            delta = _difference(store, statements, _read_base(generations, before.knowledge))
            deltas.apply(store, delta)
        store.flush()
        del store
        sync_database(building)
    counts = count_after(before, delta) if before else _count(statements)
    generation = Generation(
        number=generations.next_number(),
        published=generations.next_instant(),
        graphs=counts[0],
        default=counts[1],
        summary="the shipped graph" if before is None else "the shipped graph, as changed",
        agents=(SHIPPED,),
        added=len(delta.added),
        removed=len(delta.removed),
        knowledge=fingerprint,
        violations=report.violations,
        warnings=report.warnings,
    )
    _write_base(generations, fingerprint, statements)
    with using(generations.folder):
        write_patch_file(generations, generation, delta, before.number if before else 0)
    generations.publish(building, generation)
    return generation


def _as_stored(loaded: Loaded) -> set[ox.Quad]:
    """Return every statement as a store gives it back, blank nodes named by what is said of them.

    So that the next load of the same knowledge gives the same statements.
    """
    dataset = ox.Dataset([*loaded.stated, *loaded.computed])
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return set(deltas.as_stored(dataset))


def _begin_empty(generations: Generations) -> Generation:
    building = generations.building()
    with using(generations.folder):
        store = ox.Store(str(building))
        store.flush()
        del store
        sync_database(building)
    generation = Generation(
        number=generations.next_number(),
        published=generations.next_instant(),
        summary="an empty store",
        agents=(SHIPPED,),
    )
    with using(generations.folder):
        write_patch_file(generations, generation, Delta(), 0)
    generations.publish(building, generation)
    return generation


def _difference(store: ox.Store, now: set[ox.Quad], base: set[ox.Quad]) -> Delta:
    """Return what the knowledge has gained and lost, as far as ``store`` does not know it."""
    created = {q.graph_name for q in now if isinstance(q.graph_name, ox.NamedNode)}
    return Delta(
        added={quad for quad in now - base if quad not in store},
        removed={quad for quad in base - now if quad in store},
        created={graph for graph in created if not store.contains_named_graph(graph)},
        dropped=set(),
    )


def _read_base(generations: Generations, knowledge: str) -> set[ox.Quad]:
    path = generations.base(knowledge)
    if not knowledge or not path.is_file():
        return set()
    return set(ox.parse(path=str(path), format=ox.RdfFormat.N_QUADS))


def _write_base(generations: Generations, knowledge: str, statements: Iterable[ox.Quad]) -> None:
    path = generations.base(knowledge)
    with using(generations.folder):
        ox.serialize(statements, str(path), ox.RdfFormat.N_QUADS)
        sync(path)
        sync(path.parent)


def _count(statements: Iterable[ox.Quad]) -> tuple[dict[str, int], int]:
    counts = Counter(map(_graph_name, statements))
    default = counts.pop("", 0)
    return dict(sorted(counts.items())), default


def _refuse(report: ValidationReport) -> None:
    first = report.results[0]
    raise OperatorError(
        f"The knowledge breaks its shapes ({report.violations} violations); the first: "
        f"{first.focus_node}: {first.message}",
        "See all with “peninsula check”, or start with --allow-violations.",
    )


def _in_graph(triples: Iterable[ox.Triple], graph: str) -> Iterator[ox.Quad]:
    name = ox.NamedNode(graph)
    return (ox.Quad(t.subject, t.predicate, t.object, name) for t in triples)


def _graph_name(quad: ox.Quad) -> str:
    return quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
