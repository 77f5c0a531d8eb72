"""How does an answer become bytes?

By the engine's own serialisers, which write to a file object as they evaluate; nothing is
built by hand and nothing is built whole. :func:`stream` turns that writing into chunks: a
thread evaluates and writes, the request's thread reads, and a bounded queue between them
keeps memory flat. When the reader leaves, the next write fails and ends the evaluation.
"""

from __future__ import annotations

import itertools
import queue
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Final, Protocol, cast

import pyoxigraph as ox

from peninsula.formats import Format
from peninsula.namespaces import PREFIXES

CHUNK: Final = 64 * 1024
_CHUNKS_WAITING: Final = 16
#: Up to so many triples are looked through for the prefixes they use.
_TRIPLES_SEEN: Final = 5000
#: Formats whose documents read better with prefixes.
_PREFIXED: Final = (ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG, ox.RdfFormat.RDF_XML)

Statement = ox.Triple | ox.Quad
Statements = Iterable[ox.Triple] | Iterable[ox.Quad]


class Sink(Protocol):
    """Where bytes are written to: a file, a pipe, an :class:`Output`."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


def write_solutions(
    solutions: ox.QuerySolutions | ox.QueryBoolean, format: Format, output: Sink
) -> None:
    """Write the solutions of a query, or its truth value."""
    assert isinstance(format.engine, ox.QueryResultsFormat)
    solutions.serialize(cast(IO[bytes], output), format=format.engine)


def write_statements(statements: Statements, format: Format, output: Sink) -> None:
    """Write triples, or quads where the format has room for their graph."""
    assert isinstance(format.engine, ox.RdfFormat)
    file = cast(IO[bytes], output)
    if format.engine not in _PREFIXED:
        if isinstance(statements, ox.QueryTriples):
            statements.serialize(file, format=format.engine)
        else:
            ox.serialize(statements, file, format.engine)
        return
    rest: Iterator[Any] = iter(statements)
    head = list(itertools.islice(rest, _TRIPLES_SEEN))
    prefixes = used_prefixes(head) if len(head) < _TRIPLES_SEEN else PREFIXES
    ox.serialize(itertools.chain(head, rest), file, format.engine, prefixes=prefixes)


def used_prefixes(statements: Statements) -> dict[str, str]:
    """Return the prefixes that shorten an IRI of ``statements``, in the table's order."""
    namespaces = {iri: prefix for prefix, iri in PREFIXES.items()}
    used = set()
    for statement in statements:
        for iri in _iris(statement):
            cut = max(iri.rfind("/"), iri.rfind("#")) + 1
            if iri[:cut] in namespaces:
                used.add(namespaces[iri[:cut]])
    return {prefix: iri for prefix, iri in PREFIXES.items() if prefix in used}


def _iris(statement: Statement) -> Iterator[str]:
    for term in statement:
        if isinstance(term, ox.NamedNode):
            yield term.value
        elif isinstance(term, ox.Literal):
            yield term.datatype.value


class Output:
    """The writing end: gathers what the engine writes into chunks for the reader."""

    def __init__(self) -> None:
        self.format: Format | None = None
        #: Whether the first chunk is all there is.
        self.is_whole = False
        self._waiting = bytearray()
        self._has_begun = False
        self._chunks: queue.Queue[bytes | Exception | None] = queue.Queue(_CHUNKS_WAITING)
        self._reader_left = threading.Event()

    def write(self, data: bytes, /) -> int:
        """Take what the engine writes."""
        # A second write before the first chunk has left shows that the answer is not small:
        # from then on the reader need not wait for it to be whole.
        is_second = not self._has_begun and bool(self._waiting)
        self._waiting += data
        if is_second or len(self._waiting) >= CHUNK:
            self._has_begun = True
            self._pass_on(bytes(self._waiting))
            self._waiting.clear()
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is small waits to be whole."""

    def finish(self, error: Exception | None = None) -> None:
        """Tell the reader that nothing more comes, or what went wrong."""
        try:
            if self._waiting and error is None:
                self.is_whole = not self._has_begun
                self._pass_on(bytes(self._waiting))
            self._pass_on(error)
        except BrokenPipeError:
            pass

    def abandon(self) -> None:
        """The reader leaves: the next write fails."""
        self._reader_left.set()

    def read_chunk(self) -> bytes | None:
        """Return the next chunk, or None at the end; raises what the writing raised."""
        chunk = self._chunks.get()
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def _pass_on(self, chunk: bytes | Exception | None) -> None:
        while True:
            if self._reader_left.is_set():
                raise BrokenPipeError("the reader left")
            try:
                return self._chunks.put(chunk, timeout=0.2)
            except queue.Full:
                continue


def stream(produce: Callable[[Output], None]) -> tuple[Format | None, bytes | Iterator[bytes]]:
    """Run ``produce`` in a thread of its own; return the format it set and what it writes.

    A small answer comes whole. An error before the first byte is raised here, so that a real
    status can be sent. A later one breaks the iteration off, so that the reader notices.
    """
    output = Output()

    def run() -> None:
        try:
            produce(output)
        except BrokenPipeError:
            output.finish()
        except Exception as error:  # noqa: BLE001, raised again in the reader's thread
            _let_go(error)
            output.finish(error)
        else:
            output.finish()

    threading.Thread(target=run, name="evaluation", daemon=True).start()
    first = output.read_chunk()
    if first is None or output.is_whole:
        return output.format, first or b""
    return output.format, _read(output, first)


def _let_go(error: BaseException | None) -> None:
    """Free what the frames of ``error`` hold: a result must die in the thread that made it."""
    while error:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _read(output: Output, first: bytes) -> Iterator[bytes]:
    chunk: bytes | None = first
    try:
        while chunk is not None:
            yield chunk
            chunk = output.read_chunk()
    finally:
        output.abandon()
