"""How does an answer become bytes?

By the engine's own serialisers, which write to a file object as they evaluate; nothing is
built by hand, and nothing large is built whole: a reader process writes into a pipe.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final, Protocol, cast

import pyoxigraph as ox

from peninsula.errors import QueryOutOfMemory
from peninsula.formats import Format
from peninsula.namespaces import PREFIXES

#: Up to so many triples are looked through for the prefixes they use.
_TRIPLES_SEEN: Final = 5000
#: Characters of CSV that are passed on together.
_PIECE: Final = 1 << 16
#: An answer that becomes columns is first written out as rows: their types follow from all of
#: them. So much of it stays in memory, and so much may be on disk.
_SPOOLED: Final = 8 << 20
_MOST_SPOOLED: Final = 1 << 30
#: Formats whose documents read better with prefixes.
PREFIXED: Final = (ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG, ox.RdfFormat.RDF_XML)

Statement = ox.Triple | ox.Quad
Statements = Iterable[ox.Triple] | Iterable[ox.Quad]


class Sink(Protocol):
    """Where bytes are written to: a file or a pipe."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


class _XmlSink:
    """Puts U+FFFD in the place of characters that no XML document may hold.

    RDF allows them in a literal; the engine would write them as they are, and no parser take it.
    """

    _UNWRITABLE: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
    _INSTEAD: Final = "\ufffd".encode()

    def __init__(self, output: Sink) -> None:
        self._output = output
        self._rest = b""

    def write(self, data: bytes, /) -> int:
        text = self._rest + data
        # A character may come in two pieces.
        kept = 2 if text.endswith(b"\xef\xbf") else 1 if text.endswith(b"\xef") else 0
        self._rest = text[len(text) - kept :]
        self._output.write(self._UNWRITABLE.sub(self._INSTEAD, text[: len(text) - kept]))
        return len(data)

    def flush(self) -> None:
        self._output.flush()


def write_solutions(
    solutions: ox.QuerySolutions | ox.QueryBoolean, format: Format, output: Sink
) -> None:
    """Write the solutions of a query, or its truth value."""
    if format.is_binary:
        _write_columns(solutions, format, output)
        return
    assert isinstance(format.engine, ox.QueryResultsFormat)
    if format.engine == ox.QueryResultsFormat.XML:
        output = _XmlSink(output)
    solutions.serialize(cast(IO[bytes], output), format=format.engine)


class _Limited:
    """A file that takes so much and no more."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = most

    def write(self, data: bytes, /) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise QueryOutOfMemory(
                f"The answer is larger than {_MOST_SPOOLED >> 20} MiB, too large for columns: "
                "their types are found by looking through all of it.",
                "Ask for CSV or TSV, which stream, or for less.",
            )
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _write_columns(
    solutions: ox.QuerySolutions | ox.QueryBoolean, format: Format, output: Sink
) -> None:
    # The library takes a while to load, and most processes never write columns.
    from peninsula import columnar  # noqa: PLC0415

    with tempfile.SpooledTemporaryFile(_SPOOLED) as spool:
        file = cast(IO[bytes], spool)
        rows = cast(IO[bytes], _Limited(file, _MOST_SPOOLED))
        solutions.serialize(rows, format=ox.QueryResultsFormat.TSV)
        file.seek(0)
        columnar.write_solutions(file, format, output)


def write_statements(statements: Statements, format: Format, output: Sink) -> None:
    """Write triples, or quads where the format has room for their graph."""
    assert isinstance(format.engine, ox.RdfFormat)
    if format.engine == ox.RdfFormat.RDF_XML:
        output = _XmlSink(output)
    file = cast(IO[bytes], output)
    if format.engine not in PREFIXED:
        if isinstance(statements, ox.QueryTriples):
            statements.serialize(file, format=format.engine)
        else:
            ox.serialize(statements, file, format.engine)
        return
    rest: Iterator[Any] = iter(statements)
    head = list(itertools.islice(rest, _TRIPLES_SEEN))
    prefixes = used_prefixes(head) if len(head) < _TRIPLES_SEEN else PREFIXES
    ox.serialize(itertools.chain(head, rest), file, format.engine, prefixes=prefixes)


def write_to_bytes(statements: Statements, format: Format) -> bytes:
    """Return a few statements of our own in ``format``."""
    output = io.BytesIO()
    write_statements(statements, format, output)
    return output.getvalue()


def write_csv(rows: Iterable[Iterable[object]]) -> str:
    """Return rows of our own, the headings first, as CSV."""
    return "".join(write_csv_in_pieces(rows))


def write_csv_in_pieces(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield them as they come, many lines at once."""
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    for row in rows:
        writer.writerow([str(v).lower() if isinstance(v, bool) else v for v in row])
        if output.tell() > _PIECE:
            yield output.getvalue()
            output.seek(0)
            output.truncate()
    yield output.getvalue()


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
