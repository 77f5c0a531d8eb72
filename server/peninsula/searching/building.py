"""How is the index of a generation made, beside everything else?

In a process of its own, started as ``python -m peninsula.searching.building FOLDER TARGET …``: it
opens the generation, reads what has a name, and leaves the index in the folder ``TARGET``. Several
processes read, each some names of all things; then each works out the keys of some things. Where
there is an index of an earlier generation and the changes since are few, only what they touch is
written anew. What has few names is indexed by whoever asks.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Final, ParamSpec, Self, TypeVar

from peninsula.dataset import sandbox
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Dataset
from peninsula.dataset.local import LocalDataset
from peninsula.policy import Policy
from peninsula.searching.entries import (
    Reading,
    gather,
    plan,
    read,
    read_entries,
    read_hierarchy,
)
from peninsula.searching.folders import finish
from peninsula.searching.fulltext import Writer, make_document
from peninsula.searching.spreading import PARTS, Extent, read_part, spread
from peninsula.searching.touching import MANY, build_on

#: Processes that read and work out keys, and tasks of each that are under way.
_MOST_WORKERS: Final = 4
_TASKS_A_WORKER: Final = 2
#: The folder of what has been read, in that of the index; it is gone when the index is whole.
_READ: Final = "read"
#: Bytes that this process may take beyond what it begins with, files looked into included.
_MEMORY: Final = 6 << 30
_NICE: Final = 10
#: The exit code where an index cannot be made from an earlier one.
UNFIT: Final = 3

P = ParamSpec("P")
Result = TypeVar("Result")


def build(generations: Generations, number: int, target: Path, *, is_union: bool) -> dict[str, Any]:
    """Make the index of generation ``number`` in the folder ``target``; return its account."""
    began = time.monotonic()
    about = generations.find(number)
    folder = target / _READ
    folder.mkdir()
    with _Work(generations.folder, number, is_union=is_union) as work:
        dataset = _open(generations.folder, number, is_union)
        above = read_hierarchy(dataset)
        parts: list[list[Extent]] = [[] for _ in range(PARTS)]
        readings = [(reading, folder / str(i)) for i, reading in enumerate(plan(dataset))]
        for extents in work.each(_read, readings):
            for part, found in zip(parts, extents, strict=True):
                part.extend(found)
        writer = Writer(target, above)
        count = 0
        for documents in work.each(_make_documents, [(part, above) for part in parts]):
            for document in documents:
                writer.add(document)
            count += len(documents)
        writer.finish()
    shutil.rmtree(folder)
    account = {
        "things": count, "from": 0, "touched": count, "seconds": round(time.monotonic() - began, 2),
        # Beside other work, this says more than how long it took.
        "processor": round(sum(os.times()[:4]), 2),
    }  # fmt: skip
    return finish(target, about, above, account, is_union=is_union)


def build_here(generations: Generations, dataset: Dataset, target: Path, *, is_union: bool) -> None:
    """Make the same of a ``dataset`` with few names, in this process."""
    began = time.monotonic()
    target.mkdir()
    above = read_hierarchy(dataset)
    writer = Writer(target, above, is_small=True)
    count = 0
    for entry in read_entries(dataset):
        writer.add(make_document(entry, above))
        count += 1
    writer.finish()
    account = {
        "things": count, "from": 0, "touched": count, "seconds": round(time.monotonic() - began, 2),
    }  # fmt: skip
    finish(target, generations.find(dataset.generation), above, account, is_union=is_union)


def _open(store: Path, number: int, is_union: bool) -> LocalDataset:
    return LocalDataset(Generations(store).open(number), Policy(), is_union=is_union)


#: The generation that this process reads, where it is one of those that work.
_opened: list[LocalDataset] = []


def _begin_work(parent: int, store: Path, number: int, is_union: bool) -> None:
    sandbox.become("pen-names-keys")
    if os.getppid() != parent:
        # It was killed before this process could ask to be ended with it.
        os._exit(0)
    # Whoever started it has to be able to end it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # There are no cycles here, and much that lives.
    gc.disable()
    _opened[:] = [_open(store, number, is_union)]


def _read(reading: Reading, path: Path) -> list[list[Extent]]:
    """Leave what is read in the file ``path``; return where in it what is."""
    return spread(read(_opened[0], reading), path)


def _make_documents(part: list[Extent], above: dict[str, list[str]]) -> list[str]:
    return [make_document(entry, above) for entry in gather(read_part(part))]


class _Work:
    """Processes that read and work out keys; where there is one processor, this one."""

    def __init__(self, store: Path, number: int, *, is_union: bool) -> None:
        self._count = min(_MOST_WORKERS, _processors())
        self._executor: ProcessPoolExecutor | None = None
        if self._count < 2:
            _opened[:] = [_open(store, number, is_union)]
            return
        self._executor = ProcessPoolExecutor(
            self._count,
            multiprocessing.get_context("fork"),
            _begin_work,
            (os.getpid(), store, number, is_union),
        )
        # They are started before this process opens the store, and has threads.
        self._executor.submit(int).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def each(
        self, function: Callable[P, Result], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[Result]:
        """Yield what ``function`` makes of each of ``tasks``, a few of which are under way."""
        if self._executor is None:
            for task in tasks:
                yield function(*task)  # type: ignore[call-arg]
            return
        waiting: deque[Future[Result]] = deque()
        for task in tasks:
            waiting.append(self._executor.submit(function, *task))  # type: ignore[call-arg]
            if len(waiting) > _TASKS_A_WORKER * self._count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
        try:
            about = build(generations, options.number, options.target, is_union=is_union)
        except BrokenProcessPool:
            sys.stderr.write("a process that reads names was killed; perhaps memory was short\n")
            return 1
    else:
        dataset = _open(options.store, options.number, is_union)
        folders = (options.base, options.target)
        on = build_on(generations, options.number, dataset, folders, MANY, is_union=is_union)
        if on is None:
            # Another process makes it anew: this one has threads, and cannot be forked any more.
            return UNFIT
        about = on
    sys.stdout.write(json.dumps({k: v for k, v in about.items() if k != "above"}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
