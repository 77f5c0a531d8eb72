"""Where do Wikidata and we disagree about linked things?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from peninsula.config import Config
from peninsula.console import Console
from peninsula.dataset.interface import Dataset
from peninsula.errors import OperatorError
from peninsula.knowledge import find_knowledge
from peninsula.linking.asking import slice_of
from peninsula.loading import open_local
from peninsula.wikidata import checking
from peninsula.wikidata.snapshot import Snapshot, read_file
from peninsula.wikidata.things import read_links, read_snapshot_triples, read_things


def check(
    config: Config,
    *,
    snapshot_file: Path | None = None,
    before_file: Path | None = None,
    slice_file: Path | None = None,
) -> checking.Report:
    """Hold the snapshot against what we say of the linked things."""
    knowledge = find_knowledge(config.knowledge)
    slice = slice_of(knowledge, slice_file)
    with Console() as console:
        dataset = open_local(config, knowledge, console, may_violate=True)
        console("Comparing", 0, 0)
        snapshot = snapshot_of(dataset, snapshot_file)
        links = read_links(dataset)
        things = read_things(dataset, [link.thing for link in links])
        before = read_file(before_file) if before_file else None
        return checking.check(links, things, snapshot, slice, datetime.now(UTC), before)


def snapshot_of(dataset: Dataset, path: Path | None) -> Snapshot:
    """Return the snapshot of a file, or the one in the store; raises OperatorError."""
    if path:
        return read_file(path)
    snapshot = Snapshot(read_snapshot_triples(dataset))
    if not len(snapshot):
        raise OperatorError(
            "The store holds no snapshot of Wikidata.",
            "Pull one with “peninsula link pull --into-store”, or name a file with --snapshot.",
        )
    return snapshot
