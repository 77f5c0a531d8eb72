"""What do the patches on disk say, without one of them being read into memory as statements?

A patch of ours has a row a line, and a statement is always written the same way. So the change
from one generation to a later one can be put together from the patches between them as text:
what one adds and a later one removes is no change. Rows of the server's own record of who
changed what are told apart: they are part of every change, and news in none.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final, NamedTuple

import pyoxigraph as ox

from peninsula.namespaces import BASE, expand

#: How rows of the record of who changed what end.
_OWN: Final = f" <{expand('graph:history')}> .\n".encode()
_HEADER: Final = re.compile(rb"H[ \t]+([A-Za-z][\w-]*)[ \t]+(.+?)[ \t]*\.\s*")
#: The agent that brings the shipped knowledge in.
SHIPPED: Final = "peninsula"
#: Headers that are read; a patch that creates more graphs is told of in part.
_MOST_HEADERS: Final = 1000
_LONGEST_LINE: Final = 1 << 20
#: An update is not longer than that by itself; a literal of an upload may be.
_LONGEST_ROW: Final = 64 << 20


@dataclass(frozen=True)
class Head:
    """What a patch says of itself before its first row."""

    number: int
    #: The number of the generation before it; 0 for none.
    before: int = 0
    published: datetime | None = None
    agents: tuple[str, ...] = ()
    summary: str = ""
    created: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    #: Whether any row follows.
    has_rows: bool = False

    @property
    def is_whole(self) -> bool:
        """Return whether the patch tells everything that changed.

        A load in bulk leaves one without rows; so does a start with knowledge that says the same.
        """
        return self.has_rows or bool(self.created or self.dropped) or self.agents == (SHIPPED,)


class Row(NamedTuple):
    """A statement added or removed, as a line of N-Quads."""

    is_added: bool
    text: bytes

    @property
    def is_own(self) -> bool:
        """Return whether it belongs to the server's record of who changed what."""
        return self.text.endswith(_OWN)


def read_head(path: Path, number: int) -> Head:
    """Return what the patch of generation ``number`` says of itself; raises FileNotFoundError."""
    values: dict[str, list[str]] = {}
    has_rows = False
    with path.open("rb") as file:
        for _ in range(_MOST_HEADERS):
            line = file.readline(_LONGEST_LINE)
            if match := _HEADER.fullmatch(line):
                values.setdefault(match[1].decode(), []).append(_read_value(match[2]))
            elif not line or line[:2] in {b"A ", b"D ", b"TC"}:
                has_rows = line[:2] in {b"A ", b"D "}
                break
    first = {name: found[0] for name, found in values.items()}
    before = first.get("prev", "").removeprefix(f"{BASE}history/")
    try:
        published = datetime.fromisoformat(first.get("published", ""))
    except ValueError:
        published = None
    return Head(
        number,
        int(before) if before.isdecimal() else 0,
        published,
        tuple(filter(None, first.get("agents", "").split(", "))),
        first.get("summary", ""),
        tuple(values.get("graph-created", ())),
        tuple(values.get("graph-dropped", ())),
        has_rows,
    )


def _read_value(text: bytes) -> str:
    try:
        line = b"<x:s> <x:p> " + text + b" ."
        for quad in ox.parse(line, format=ox.RdfFormat.N_QUADS, rename_blank_nodes=False):
            term = quad.object
            return term.value if isinstance(term, ox.NamedNode | ox.Literal) else str(term)
    except SyntaxError:
        pass
    return text.decode("utf-8", "replace")


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a patch in their order."""
    with path.open("rb") as file:
        yield from rows_of(_lines(file))


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of ``file``; one that no memory should be wasted on, without its end."""
    while line := file.readline(_LONGEST_ROW):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_ROW)


def rows_of(lines: Iterable[bytes]) -> Iterator[Row]:
    """Yield the rows among the lines of a patch."""
    for line in lines:
        if line[:2] in {b"A ", b"D "}:
            yield Row(line[:1] == b"A", line[2:])


def compose(patches: Iterable[Iterable[Row]]) -> Iterator[Row]:
    """Yield what ``patches``, one after another, change together."""
    net: dict[bytes, bool] = {}
    for rows in patches:
        for row in rows:
            if net.get(row.text) is (not row.is_added):
                del net[row.text]
            else:
                net[row.text] = row.is_added
    for text, is_added in net.items():
        yield Row(is_added, text)


def invert(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield what undoes ``rows``."""
    for row in rows:
        yield Row(not row.is_added, row.text)


def write_rows(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield a patch with ``rows``, in pieces."""
    yield b"TX .\n"
    piece: list[bytes] = []
    for row in rows:
        piece.append((b"A " if row.is_added else b"D ") + row.text)
        if len(piece) == 1000:
            yield b"".join(piece)
            piece.clear()
    yield b"".join([*piece, b"TC .\n"])


def total_size(paths: Sequence[Path]) -> int | None:
    """Return the bytes of all ``paths``; None where one is not there."""
    try:
        return sum(path.stat().st_size for path in paths)
    except FileNotFoundError:
        return None


def count_mentions(path: Path, iri: str, most: int = 1000) -> int:
    """Return how many rows of a patch name ``iri``, up to ``most``.

    The record of who changed what does not count.
    """
    wanted = f"<{iri}>".encode()
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return 0
        with content:
            count, position = 0, content.find(wanted)
            while position >= 0 and count < most:
                start = content.rfind(b"\n", 0, position) + 1
                end = content.find(b"\n", position) + 1 or len(content)
                line = content[start:end]
                count += sum(not row.is_own for row in rows_of([line]))
                position = content.find(wanted, end)
            return count
