"""What does a change of the graph change in an index, and how is it taken over?

The patches between two generations tell which things are named, classed or mentioned differently.
The files of the earlier index, which are never changed, are linked, and only those things are
written anew.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Dataset
from peninsula.dataset.patches import read_head, read_rows
from peninsula.searching.entries import (
    ITEM,
    NAMING,
    SAME,
    TYPE,
    find_borrowers,
    read_entries_about,
    read_hierarchy,
)
from peninsula.searching.folders import finish, link, read_account
from peninsula.searching.fulltext import Writer, make_document


class Bounds(NamedTuple):
    """What changes may come to for an index to be made from an earlier one."""

    things: int
    #: Rows of patches that are looked through.
    rows: int


#: For a process of its own; with more, all is made anew.
MANY: Final = Bounds(20_000, 2_000_000)
#: For a thread of the server.
FEW: Final = Bounds(400, 10_000)

#: Subject, property and object of a row; neither a blank node nor a triple is a thing with a name.
_ROW: Final = re.compile(rb"(?:<([^<>]*)>|_:\S+) <([^>]*)> (?:<([^<>]*)>)?")


def build_on(
    generations: Generations,
    number: int,
    dataset: Dataset,
    folders: tuple[Path, Path],
    bounds: Bounds,
    *,
    is_union: bool,
) -> dict[str, Any] | None:
    """Make the index of generation ``number``, which is ``dataset``, from an earlier one.

    ``folders`` are that of the earlier one and the new one.

    Returns None where the changes since are too many, or not told by the patches between.
    """
    began = time.monotonic()
    base, target = folders
    before = read_account(base)
    generation = generations.find(number)
    touched = find_touched(generations, int(before["generation"]), number, dataset, bounds)
    if touched is None:
        return None
    above = read_hierarchy(dataset)
    if above != before["above"]:
        # Which class of a thing says most hangs on the hierarchy.
        return None
    target.mkdir(exist_ok=True)
    link(base, target)
    writer = Writer(target, above, is_small=True)
    entries = list(read_entries_about(dataset, touched))
    for iri in touched:
        writer.remove(iri)
    for entry in entries:
        writer.add(make_document(entry, above))
    index = writer.finish()
    account = {
        "things": len(index), "from": before["generation"], "touched": len(touched),
        "seconds": round(time.monotonic() - began, 2),
    }  # fmt: skip
    return finish(target, generation, above, account, is_union=is_union)


def find_touched(
    generations: Generations, before: int, after: int, dataset: Dataset, bounds: Bounds
) -> set[str] | None:
    """Return the things of which an index may hold something else after the changes between.

    None where they are too many, or where not every change is told.
    """
    things: set[str] = set()
    items: set[str] = set()
    left = bounds.rows
    for number in range(before + 1, after + 1):
        path = generations.patch(number)
        try:
            if not read_head(path, number).is_whole:
                return None
            rows = read_rows(path)
            for row in rows:
                left -= 1
                _note(row.text, things, items)
                if len(things) + len(items) > bounds.things or left < 0:
                    return None
        except FileNotFoundError:
            return None
    return things | find_borrowers(dataset, items) | items


def _note(row: bytes, things: set[str], items: set[str]) -> None:
    """Note what a row of a patch changes in the index."""
    match = _ROW.match(row)
    if match is None:
        return
    subject, property, object_ = (group.decode() if group else "" for group in match.groups())
    if subject and (property in NAMING or property == TYPE):
        # An item that something of ours is the same as lends it its names.
        (items if subject.startswith(ITEM) else things).add(subject)
    if subject and property == SAME:
        things.add(subject)
        if object_.startswith(ITEM):
            items.add(object_)
    if object_ and property != TYPE:
        # It is mentioned more, or less, often.
        things.add(object_)
