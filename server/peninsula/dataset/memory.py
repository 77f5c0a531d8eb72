"""How does a generation come into memory, and what makes reading it there fast?

Two things that were measured. Statements taken in by subject lie beside those that a query reads
with them: most heavy queries take two thirds of the time that they take on the order of the disk
store, which is that of hashes. And a forked process that reads writes, too: the engine counts
references in the very pages that it shares with its parent, so that each is copied when first
touched. Copied beforehand, in huge pages, they cost a query nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.dataset import sandbox

_LINES: Final = 50_000
_PIECE: Final = 32 << 20
_HUGE: Final = 2 << 20
_MADV_COLLAPSE: Final = 25  # Linux 6.1


class LoadFailed(Exception):
    """The generation could not be read from disk, or not whole."""


def load_generation(path: Path, graphs: Iterable[str], triples: int) -> ox.Store:
    """Return the database at ``path`` as a store in memory, taken in by subject.

    ``graphs`` are the names of all named graphs, ``triples`` is the number of statements. The
    database is opened in a process of its own, so that this one stays without threads. Raises
    LoadFailed.
    """
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.close(read)
            sandbox.become("pen-sorter")
            _write_sorted(path, write)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    store = ox.Store()
    try:
        with os.fdopen(read, "rb", buffering=1 << 20) as file:
            store.bulk_extend(ox.parse(file, format=ox.RdfFormat.N_QUADS))
    except (OSError, SyntaxError) as error:
        raise LoadFailed(str(error)) from error
    finally:
        _, status = os.waitpid(pid, 0)
    if status:
        raise LoadFailed(f"the process that reads the disk ended with {status}")
    for name in graphs:
        is_blank = name.startswith("_:")
        store.add_graph(ox.BlankNode(name[2:]) if is_blank else ox.NamedNode(name))
    if len(store) != triples:
        raise LoadFailed(f"{len(store)} statements came of {triples}")
    return store


def _write_sorted(path: Path, descriptor: int) -> None:
    dump = ox.Store.read_only(str(path)).dump(format=ox.RdfFormat.N_QUADS)
    assert dump is not None
    lines = dump.splitlines(keepends=True)
    del dump
    lines.sort()
    with os.fdopen(descriptor, "wb") as file:
        for start in range(0, len(lines), _LINES):
            file.write(b"".join(lines[start : start + _LINES]))


def claim_pages(is_wanted: Callable[[], bool]) -> None:
    """Give this process copies of its own of the memory that it shares, in huge pages.

    Stops early where ``is_wanted`` says that there is other work. Without a kernel that can do
    it, nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for start, end in _large_regions():
        first = -(-start // _HUGE) * _HUGE
        for piece in range(first, end - _HUGE + 1, _PIECE):
            size = min(_PIECE, (end - piece) // _HUGE * _HUGE)
            if is_wanted():
                return
            # A region with holes is refused, and tried no further.
            libc.madvise(piece, size, _MADV_COLLAPSE)


def _large_regions() -> list[tuple[int, int]]:
    """Return where the anonymous memory of this process lies."""
    regions = []
    with contextlib.suppress(OSError, ValueError):
        for line in (
            Path("/proc/self/maps").read_text(encoding="ascii", errors="replace").splitlines()
        ):
            fields = line.split(maxsplit=5)
            is_heap = len(fields) < 6 or fields[5].strip() == "[heap]"
            if fields[1].startswith("rw") and is_heap:
                start, end = (int(part, 16) for part in fields[0].split("-"))
                if end - start >= _HUGE:
                    regions.append((start, end))
    return regions
