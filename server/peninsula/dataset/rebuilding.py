"""How does a generation that is kept no longer come back, for somebody who cited it?

Every generation is removed in the end, but the change that made it stays. So from the nearest
generation that is kept, the patches between lead to the one that is wanted: forwards from an older
one, or undone from a younger one. A load in bulk has no such patch, and nothing behind it comes
back. What is built is pinned at once: somebody wants it.
"""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.dataset import delta as deltas
from peninsula.dataset.generations import Generation, Generations, copy_database, sync_database
from peninsula.dataset.patches import read_head, read_rows
from peninsula.errors import OperatorError

#: The start throws away what has a name that begins so.
_BUILDING: Final = ".rebuilding"


def rebuild(generations: Generations, number: int) -> Generation:
    """Bring a generation back, pinned; raises OperatorError where its patches do not reach it.

    May be done while a server holds the store: what is published stays as it is.
    """
    kept = [generation.number for generation in generations.all()]
    if number in kept:
        raise OperatorError(f"Generation {number} is kept.", "There is nothing to rebuild.")
    if not kept or not 0 < number < kept[-1]:
        raise OperatorError(
            f"There was no generation {number}.", "“peninsula history list” lists what there is."
        )
    start = next(_reachable(generations, number, kept), None)
    if start is None:
        raise OperatorError(
            f"Generation {number} cannot be rebuilt: between it and every generation that is kept "
            "stands a load in bulk, of which no patch tells.",
            "Restore a backup of that time into a store of its own.",
        )
    building = generations.path(number).with_name(f"{_BUILDING}-{number}")
    if building.exists():
        shutil.rmtree(building)
    try:
        copy_database(generations.path(start), building)
        graphs, default = _change(generations, building, start, number)
        sync_database(building)
        head = read_head(generations.patch(number), number)
        found = generations.find(start)
        if head.published is None:
            raise OperatorError(f"The patch of generation {number} has no date.", "Mend it.")
        added = sum(row.is_added for row in read_rows(generations.patch(number)) if not row.is_own)
        removed = sum(
            not row.is_added for row in read_rows(generations.patch(number)) if not row.is_own
        )
        generation = Generation(
            number=number,
            published=head.published,
            graphs=graphs,
            default=default,
            summary=head.summary,
            agents=head.agents,
            added=added,
            removed=removed,
            # Whatever knowledge it held, this one is only compared with what comes later.
            knowledge=found.knowledge,
            violations=found.violations,
            warnings=found.warnings,
        )
        generations.put_back(building, generation)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return generation


def _reachable(generations: Generations, number: int, kept: list[int]) -> Iterator[int]:
    """Yield the kept generations from which patches lead to ``number``, the nearest first."""
    for start in sorted(kept, key=lambda other: abs(other - number)):
        between = range(min(start, number) + 1, max(start, number) + 1)
        try:
            if all(read_head(generations.patch(n), n).is_whole for n in between):
                yield start
        except FileNotFoundError:
            continue


def _change(
    generations: Generations, building: Path, start: int, number: int
) -> tuple[dict[str, int], int]:
    """Make the database ``building``, which is as ``start``, what ``number`` was; count it."""
    store = ox.Store(str(building))
    if start < number:
        for n in range(start + 1, number + 1):
            deltas.apply(store, deltas.read_patch(generations.patch(n).read_bytes()).net())
    else:
        for n in range(start, number, -1):
            delta = deltas.read_patch(generations.patch(n).read_bytes()).net().inverse()
            deltas.apply(store, delta)
            # A graph that came with its first statements has no header of its own.
            for graph in delta.graphs() - delta.created:
                if not isinstance(graph, ox.DefaultGraph) and not any(
                    store.quads_for_pattern(None, None, None, graph)
                ):
                    store.remove_graph(graph)
    graphs = {
        graph.value if isinstance(graph, ox.NamedNode) else str(graph): sum(
            1 for _ in store.quads_for_pattern(None, None, None, graph)
        )
        for graph in store.named_graphs()
    }
    default = sum(1 for _ in store.quads_for_pattern(None, None, None, ox.DefaultGraph()))
    store.flush()
    del store
    gc.collect()
    return dict(sorted(graphs.items())), default
