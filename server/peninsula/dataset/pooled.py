"""How is what a reader sends read: as bytes of a format, or as solutions and triples?

The results of :mod:`peninsula.dataset.interface`, each over a query under way. They end it when
they are closed, or when nobody holds them any more.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Final, cast

import pyoxigraph as ox

from peninsula.dataset.interface import Boolean, Graph, Row, Solutions
from peninsula.dataset.running import Running
from peninsula.errors import QueryOutOfMemory
from peninsula.formats import CSV, JSON, NTRIPLES, TSV, Format

#: What stands once for each solution. In CSV a line break may also be inside of a literal, and in
#: JSON the last solution has none, so that the number of rows is a measure, not an account.
_SEPARATORS: Final = {"json": b'},{"', "xml": b"<result>", "csv": b"\r\n", "tsv": b"\n"}


class _Pooled:
    """What the results of readers have in common."""

    def __init__(self, running: Running, *, has_format: bool) -> None:
        self.running = running
        self._has_format = has_format

    def chunks(self, format: Format) -> Iterator[bytes]:
        # A generator, so that this result lives as long as somebody reads its chunks.
        if not self._has_format:
            self._has_format = True
            self.running.send({"format": format.name, "notes": dict(format.notes)})
        separator = _SEPARATORS.get(format.name, b"\n")
        for chunk in self.running.chunks():
            if not format.is_binary:
                self.running.rows += chunk.count(separator)
            yield chunk
        if format in {CSV, TSV}:
            self.running.rows -= 1  # the header
        elif format is JSON:
            self.running.rows += 1  # separators stand between

    def close(self) -> None:
        self.running.close()

    def __del__(self) -> None:
        self.running.close()


class PooledSolutions(_Pooled, Solutions):
    """The solutions of a query, from a reader process."""

    def __init__(self, running: Running, *, has_format: bool) -> None:
        super().__init__(running, has_format=has_format)
        self.variables = tuple(running.head["variables"])

    def __iter__(self) -> Iterator[Row]:
        file = ChunkFile(self.chunks(JSON), self.most_bytes)
        solutions: ox.QuerySolutions | None = None
        try:
            solutions = cast(
                ox.QuerySolutions,
                ox.parse_query_results(cast(IO[bytes], file), format=ox.QueryResultsFormat.JSON),
            )
            for solution in solutions:
                yield tuple(solution)
        except SyntaxError:
            if not file.is_over:
                raise
            raise QueryOutOfMemory(
                "There is more text here than the server makes a page of: over "
                f"{(self.most_bytes or 0) >> 20} MB.",
                "Ask for less, or for the data themselves by SPARQL.",
            ) from None
        finally:
            # An error holds this frame for a while, and the engine's parser must end in its thread.
            del solutions
            file.close()


class PooledBoolean(_Pooled, Boolean):
    """The truth value of a query, from a reader process."""

    def __init__(self, running: Running, *, has_format: bool) -> None:
        super().__init__(running, has_format=has_format)
        self.value = running.head["value"]


class PooledGraph(_Pooled, Graph):
    """The triples of a query or of a graph, from a reader process."""

    def __iter__(self) -> Iterator[ox.Triple]:
        file = ChunkFile(self.chunks(NTRIPLES))
        try:
            for quad in ox.parse(cast(IO[bytes], file), format=ox.RdfFormat.N_TRIPLES):
                yield quad.triple
        finally:
            file.close()


class ChunkFile(io.RawIOBase):
    """The chunks of an answer as a file, for the parsers of the engine.

    After ``most`` bytes it ends, in the midst of whatever it is: ``is_over`` says so.
    """

    def __init__(self, chunks: Iterator[bytes], most: int | None = None) -> None:
        super().__init__()
        self.is_over = False
        self._left = most
        self._chunks = chunks
        self._chunk = b""
        self._position = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._position >= len(self._chunk):
            self._chunk, self._position = self._take(), 0
        end = len(self._chunk) if size < 0 else self._position + size
        part = self._chunk[self._position : end]
        self._position += len(part)
        return part

    def _take(self) -> bytes:
        if self.is_over:
            return b""
        chunk = next(self._chunks, b"")
        if self._left is not None:
            self._left -= len(chunk)
            self.is_over = self._left < 0
        return b"" if self.is_over else chunk

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close:
            close()
        super().close()
