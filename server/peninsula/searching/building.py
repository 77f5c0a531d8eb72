"""How is the index of a generation made, beside everything else?

In a process of its own, started as ``python -m peninsula.searching.building FOLDER TARGET …``: it
opens the generation, reads what has a name, and leaves the index in the folder ``TARGET``. The keys
of names are worked out by several processes. Where there is an index of an earlier generation and
the changes since are few, its files, which are never changed, are linked, and only what the changes
touch is written anew.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import json
import marshal
import multiprocessing
import os
import re
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from multiprocessing.pool import ApplyResult, Pool
from pathlib import Path
from typing import Any, Final

from peninsula.dataset import sandbox
from peninsula.dataset.generations import Generations, format_instant, sync
from peninsula.dataset.interface import Dataset
from peninsula.dataset.local import LocalDataset
from peninsula.dataset.patches import read_head, read_rows
from peninsula.policy import Policy
from peninsula.searching.entries import (
    ITEM,
    NAMING,
    SAME,
    TYPE,
    Entry,
    Title,
    find_borrowers,
    read_entries,
    read_entries_about,
    read_hierarchy,
)
from peninsula.searching.fulltext import FORMAT, Writer, make_document

#: What says that an index is whole, and of what; written last.
ABOUT: Final = "about.json"
#: Things that changes may touch; with more, all is made anew.
MOST_TOUCHED: Final = 20_000
#: Rows of patches that are looked through for them.
_MOST_ROWS: Final = 2_000_000
#: Things whose keys one process works out at a time, and how many such lots are under way.
_LOT: Final = 500
_LOTS_A_WORKER: Final = 3
_MOST_WORKERS: Final = 4
#: Bytes that this process may take beyond what it begins with, files looked into included.
_MEMORY: Final = 6 << 30
_NICE: Final = 10
#: Seconds that one lot may take: a process that works them out may have been killed.
_LONGEST_LOT: Final = 300.0
#: The exit code where an index cannot be made from an earlier one.
UNFIT: Final = 3

_ROW: Final = re.compile(rb"<([^>]*)> <([^>]*)> (?:<([^>]*)>)?")


def build(generations: Generations, number: int, target: Path, *, is_union: bool) -> dict[str, Any]:
    """Make the index of generation ``number`` in the folder ``target``; return its account."""
    began = time.monotonic()
    about = generations.find(number)
    with _workers() as pool:
        dataset = LocalDataset(generations.open(number), Policy(), is_union=is_union)
        above = read_hierarchy(dataset)
        writer = Writer(target, above)
        count = 0
        for document in _documents(pool, read_entries(dataset), above):
            writer.add(document)
            count += 1
        writer.finish()
    return _finish(target, about.number, format_instant(about.published), above, is_union, {
        "things": count, "from": 0, "touched": count, "seconds": round(time.monotonic() - began, 2),
    })  # fmt: skip


def build_on(
    generations: Generations, number: int, target: Path, base: Path, *, is_union: bool
) -> dict[str, Any] | None:
    """Make the index of generation ``number`` from that of an earlier one in the folder ``base``.

    Returns None where the changes since are too many, or not told by the patches between.
    """
    began = time.monotonic()
    before = json.loads((base / ABOUT).read_text(encoding="utf-8"))
    about = generations.find(number)
    dataset = LocalDataset(generations.open(number), Policy(), is_union=is_union)
    touched = find_touched(generations, int(before["generation"]), number, dataset)
    if touched is None:
        return None
    above = read_hierarchy(dataset)
    if above != before["above"]:
        # Which class of a thing says most hangs on the hierarchy.
        return None
    _link(base, target)
    writer = Writer(target, above)
    entries = list(read_entries_about(dataset, touched))
    for iri in touched:
        writer.remove(iri)
    for entry in entries:
        writer.add(make_document(entry, above))
    index = writer.finish()
    return _finish(target, number, format_instant(about.published), above, is_union, {
        "things": len(index), "from": before["generation"], "touched": len(touched),
        "seconds": round(time.monotonic() - began, 2),
    })  # fmt: skip


def find_touched(
    generations: Generations, before: int, after: int, dataset: Dataset
) -> set[str] | None:
    """Return the things of which an index may hold something else after the changes between.

    None where they are too many, or where not every change is told.
    """
    things: set[str] = set()
    items: set[str] = set()
    left = _MOST_ROWS
    for number in range(before + 1, after + 1):
        path = generations.patch(number)
        try:
            if not read_head(path, number).is_whole:
                return None
            rows = read_rows(path)
            for row in rows:
                left -= 1
                _note(row.text, things, items)
                if len(things) + len(items) > MOST_TOUCHED or left < 0:
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
    if property in NAMING or property == TYPE:
        # An item that something of ours is the same as lends it its names.
        (items if subject.startswith(ITEM) else things).add(subject)
    if property == SAME:
        things.add(subject)
        if object_.startswith(ITEM):
            items.add(object_)
    if object_ and property != TYPE:
        # It is mentioned more, or less, often.
        things.add(object_)


@contextlib.contextmanager
def _workers() -> Iterator[Pool | None]:
    """Start the processes that work out keys, where there are processors for them."""
    count = min(_MOST_WORKERS, (os.cpu_count() or 1))
    if count < 2:
        yield None
        return
    pool = multiprocessing.get_context("fork").Pool(count, _begin_work)
    try:
        yield pool
    finally:
        pool.terminate()


def _begin_work() -> None:
    sandbox.become("pen-names-keys")
    # There are no cycles here, and much that lives.
    gc.disable()


def _make_lot(lot: bytes, above: dict[str, list[str]]) -> list[str]:
    return [
        make_document(Entry(iri, tuple(map(Title._make, titles)), classes, renown), above)
        for iri, titles, classes, renown in marshal.loads(lot)  # noqa: S302, of the process above
    ]


def _documents(
    pool: Pool | None, entries: Iterator[Entry], above: dict[str, list[str]]
) -> Iterator[str]:
    if pool is None:
        for entry in entries:
            yield make_document(entry, above)
        return
    waiting: deque[ApplyResult[list[str]]] = deque()
    for lot in _lots(entries):
        waiting.append(pool.apply_async(_make_lot, (lot, above)))
        if len(waiting) > _LOTS_A_WORKER * _MOST_WORKERS:
            yield from waiting.popleft().get(_LONGEST_LOT)
    while waiting:
        yield from waiting.popleft().get(_LONGEST_LOT)


def _lots(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield entries as other processes take them: to pickle each would take as long as its keys."""
    source = iter(entries)
    while lot := list(islice(source, _LOT)):
        yield marshal.dumps(
            [(e.iri, [tuple(title) for title in e.titles], e.classes, e.renown) for e in lot]
        )


def _link(base: Path, target: Path) -> None:
    """Take over the files of an index: they are replaced, never changed."""
    for path in base.iterdir():
        if path.name == ABOUT or path.name.endswith(".lock"):
            continue
        try:
            os.link(path, target / path.name)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                raise
            shutil.copyfile(path, target / path.name)


def _finish(
    target: Path,
    number: int,
    published: str,
    above: dict[str, list[str]],
    is_union: bool,
    account: dict[str, Any],
) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in target.iterdir())
    about = {
        "format": FORMAT, "generation": number, "published": published, "is_union": is_union,
        **account, "bytes": size, "above": above,
    }  # fmt: skip
    path = target / ABOUT
    with path.open("w", encoding="utf-8") as file:
        json.dump(about, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    sync(target)
    return about


def main() -> int:
    """Make one index, as the arguments say; what it came to is printed as JSON."""
    parser = argparse.ArgumentParser(prog="peninsula.searching.building")
    parser.add_argument("store", type=Path)
    parser.add_argument("number", type=int)
    parser.add_argument("target", type=Path)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--own", action="store_true", help="the default graph is not the union")
    options = parser.parse_args()
    sandbox.become("pen-names")
    sandbox.refuse_sockets()
    sandbox.limit_memory(_MEMORY)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    gc.freeze()
    generations = Generations(options.store)
    options.target.mkdir()
    is_union = not options.own
    if options.base is None:
        about = build(generations, options.number, options.target, is_union=is_union)
    else:
        on = build_on(generations, options.number, options.target, options.base, is_union=is_union)
        if on is None:
            # Another process makes it anew: this one has threads, and cannot be forked any more.
            return UNFIT
        about = on
    sys.stdout.write(json.dumps({k: v for k, v in about.items() if k != "above"}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
