"""How is what is said of the same thing brought together, where there is more than memory takes?

Statements come in the order of the store. They are spread over parts by the thing they are about,
so that a part has all about its things and fits into memory. Few stay there; many are written to a
file, part after part, and only where in it a part begins and ends is kept. Several processes may
spread what they read, each into a file of its own.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from zlib import crc32

#: One statement about a thing: its IRI, what kind of statement it is, a number, a text, a language.
#: A plain tuple: there are millions of them.
Record: TypeAlias = tuple[str, int, int, str, str]

#: Parts; of ten million statements one has some 150,000.
PARTS: Final = 64
#: Statements that are kept in memory before they are written.
_RUN: Final = 200_000


class Extent(NamedTuple):
    """Where statements of a part are: a file, the first byte, and how many."""

    path: str
    start: int
    length: int


def spread(records: Iterable[Record], path: Path) -> list[list[Extent]]:
    """Write ``records`` to the file ``path``; return where each part is."""
    extents: list[list[Extent]] = [[] for _ in range(PARTS)]
    source = iter(records)
    with path.open("wb") as file:
        while run := list(islice(source, _RUN)):
            for number, part in enumerate(_part(run)):
                if part:
                    start = file.tell()
                    marshal.dump(part, file)
                    extents[number].append(Extent(str(path), start, file.tell() - start))
    return extents


def read_part(extents: Iterable[Extent]) -> Iterator[list[Record]]:
    """Yield the statements that are there."""
    for path, start, length in extents:
        with Path(path).open("rb") as file:
            file.seek(start)
            part: list[Record] = marshal.loads(file.read(length))  # noqa: S302, of spread()
            yield part


def bring_together(records: Iterable[Record], path: Path) -> Iterator[list[list[Record]]]:
    """Yield parts of ``records``; the file ``path`` is made where they are many."""
    source = iter(records)
    run = list(islice(source, _RUN))
    if len(run) < _RUN:
        yield [run]
        return

    def every() -> Iterator[Record]:
        yield from run
        run.clear()
        yield from source

    for extents in spread(every(), path):
        yield list(read_part(extents))


def _part(records: Iterable[Record]) -> list[list[Record]]:
    parts: list[list[Record]] = [[] for _ in range(PARTS)]
    for record in records:
        parts[crc32(record[0].encode()) % PARTS].append(record)
    return parts
