"""What does the answer of a service say, once nothing in it can do harm any more?

Two halves. :func:`rewrite` runs in a process of its own (:mod:`peninsula.federation.quarantine`):
it parses what came, whatever it claims to be, and writes it anew in one form. :func:`read_rows`
and :func:`read_triples` take in only that form. Blank nodes get IRIs, because one that is sent
back to the service, or on to another, would mean anything.
"""

from __future__ import annotations

import errno
import itertools
import mmap
import os
import resource
import secrets
from collections.abc import Iterator
from typing import IO, Final, cast

import pyoxigraph as ox

from peninsula.dataset.channel import Channel, Message
from peninsula.namespaces import BASE
from peninsula.payloads import find_depth, find_in_xml

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Row = tuple[Term | None, ...]

#: IRIs in place of blank nodes (RDF 1.1, section 3.5).
GENID: Final = f"{BASE}.well-known/genid/"
#: Deepest nesting of brackets or elements; triple terms inside of each other need three a level.
MAX_DEPTH: Final = 64
#: Cells of a table for each row that is allowed: wide ones have fewer rows.
_WIDTH: Final = 8
_MOST_VARIABLES: Final = 500
_BATCH: Final = 4096
#: So much of the end of an answer is looked at for why it is none.
_TAIL: Final = 4096
#: What Blazegraph, which is behind Wikidata's service, writes into an answer that it gives up on.
TIMEOUT_MARK: Final = b"TimeoutException"

TOO_MUCH_MEMORY: Final = "sends what needs more memory to read than there is for it"

_R = ox.QueryResultsFormat
_F = ox.RdfFormat
#: Media types of solutions, and of triples, by what they are called below.
SOLUTIONS: Final = {
    "application/sparql-results+json": "JSON",
    "application/json": "JSON",
    "application/sparql-results+xml": "XML",
    "application/xml": "XML",
    "text/xml": "XML",
    "text/tab-separated-values": "TSV",
}
GRAPHS: Final = {
    "application/n-triples": "N-Triples",
    "text/turtle": "Turtle",
    "application/x-turtle": "Turtle",
    "application/rdf+xml": "RDF/XML",
}
MEDIA_TYPES: Final = {"solutions": SOLUTIONS, "graph": GRAPHS}
ACCEPT: Final = {
    "solutions": "application/sparql-results+json, application/sparql-results+xml;q=0.8, "
    "text/tab-separated-values;q=0.5",
    "graph": "application/n-triples, text/turtle;q=0.8, application/rdf+xml;q=0.5",
}
_RESULTS: Final = {"JSON": _R.JSON, "XML": _R.XML, "TSV": _R.TSV}
_TRIPLES: Final = {"N-Triples": _F.N_TRIPLES, "Turtle": _F.TURTLE, "RDF/XML": _F.RDF_XML}
#: Whose brackets are counted.
_BRACKETS: Final = {
    "JSON": _F.JSON_LD, "XML": _F.RDF_XML, "RDF/XML": _F.RDF_XML, "TSV": _F.TURTLE,
    "N-Triples": _F.TURTLE, "Turtle": _F.TURTLE,
}  # fmt: skip


class InvalidAnswer(Exception):
    """What a service sent is not what was asked for; says why, as a clause after its name."""


class GaveUp(InvalidAnswer):
    """The service itself says that the query took too long there."""


def find_format(kind: str, content_type: str) -> str:
    """Return the format that a Content-Type promises; raises InvalidAnswer."""
    media_type = content_type.partition(";")[0].strip().lower()
    if format := MEDIA_TYPES[kind].get(media_type):
        return format
    wanted = "results of SPARQL" if kind == "solutions" else "triples"
    if not media_type:
        raise InvalidAnswer(f"does not tell the media type of what it sends instead of {wanted}")
    shown = "".join(char for char in media_type if char.isprintable())[:80]
    raise InvalidAnswer(f"sends “{shown}” instead of {wanted}")


# In a process of its own.


def rewrite(content: bytes | mmap.mmap, target: IO[bytes], kind: str, format: str) -> None:
    """Write an answer anew: solutions as JSON, triples as N-Triples; raises InvalidAnswer."""
    try:
        _refuse_hostile(content, format)
        if kind == "solutions":
            _rewrite_solutions(content, target, format)
        else:
            _rewrite_triples(content, target, format)
    except (SyntaxError, ValueError, InvalidAnswer) as error:
        if TIMEOUT_MARK in content[-_TAIL:]:
            raise GaveUp("gave up in the midst of its answer, because it took too long") from None
        if isinstance(error, InvalidAnswer):
            raise
        reason = " ".join(str(getattr(error, "msg", error)).split())[:300].rstrip(".")
        raise InvalidAnswer(f"sends {format} that cannot be read: {reason}") from None


def _refuse_hostile(content: bytes | mmap.mmap, format: str) -> None:
    start = content[:256].lstrip()
    if format == "JSON" and not start.startswith(b"{"):
        looks = ", but XML or HTML" if start.startswith(b"<") else ""
        raise InvalidAnswer(f"says that it sends JSON, and it is none{looks}")
    found = None
    if format in {"XML", "RDF/XML"}:
        if not start.removeprefix(b"\xef\xbb\xbf").startswith(b"<"):
            raise InvalidAnswer("says that it sends XML, and it is none")
        found = find_in_xml(content)
    found = found or find_depth(content, _BRACKETS[format], MAX_DEPTH)
    if found:
        raise InvalidAnswer(f"sends {format} that is refused: {found.reason}")


def _rewrite_solutions(content: bytes | mmap.mmap, target: IO[bytes], format: str) -> None:
    found = ox.parse_query_results(content[:], format=_RESULTS[format])
    if not isinstance(found, ox.QuerySolutions):
        raise InvalidAnswer("sends a truth value instead of rows")
    if len(found.variables) > _MOST_VARIABLES:
        # Every row costs something for each of them, bound or not.
        raise InvalidAnswer(f"sends rows of more than {_MOST_VARIABLES} variables")
    found.serialize(target, _R.JSON)


def _rewrite_triples(content: bytes | mmap.mmap, target: IO[bytes], format: str) -> None:
    quads = ox.parse(content[:], format=_TRIPLES[format], rename_blank_nodes=True)
    while batch := list(itertools.islice(quads, _BATCH)):
        ox.serialize([quad.triple for quad in batch], target, _F.N_TRIPLES)


def serve_results(channel: Channel, most_bytes: int) -> None:
    """Rewrite the one answer that comes over ``channel`` as an open file, into another."""
    message, (source, target) = channel.receive()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    reply: Message = {}
    try:
        size = os.fstat(source).st_size
        content = mmap.mmap(source, 0, access=mmap.ACCESS_READ) if size else b""
        with os.fdopen(target, "wb", buffering=1 << 16) as output:
            rewrite(content, output, message["kind"], message["format"])
    except InvalidAnswer as error:
        reply = {"invalid": str(error), "gave_up": isinstance(error, GaveUp)}
    except MemoryError:
        reply = {"invalid": TOO_MUCH_MEMORY}
    except OSError as error:
        is_memory = error.errno == errno.ENOMEM
        reason = f"sends what cannot be written out ({error.strerror})"
        reply = {"invalid": TOO_MUCH_MEMORY if is_memory else reason}
    channel.send(reply)


# In the process that asked.


class Skolem:
    """Gives the blank nodes of one answer IRIs that no other answer has."""

    def __init__(self, token: str) -> None:
        self._prefix = f"{GENID}{token}-"
        self._names: dict[str, ox.NamedNode] = {}

    @staticmethod
    def make_token() -> str:
        """Return what tells one answer from all others."""
        return secrets.token_hex(8)

    def name(self, term: Term) -> Term:
        """Return a term without blank nodes."""
        if isinstance(term, ox.BlankNode):
            known = self._names.get(term.value)
            if known is None:
                known = ox.NamedNode(f"{self._prefix}{len(self._names)}")
                self._names[term.value] = known
            return known
        if isinstance(term, ox.Triple):
            subject = cast(ox.NamedNode, self.name(term.subject))
            return ox.Triple(subject, term.predicate, self.name(term.object))
        return term


def read_rows(content: bytes, token: str, max_rows: int) -> tuple[tuple[str, ...], list[Row]]:
    """Return the variables and rows that :func:`rewrite` wrote; raises InvalidAnswer."""
    solutions = cast(ox.QuerySolutions, ox.parse_query_results(content, format=_R.JSON))
    variables = tuple(variable.value for variable in solutions.variables)
    skolem = Skolem(token)
    named = (ox.NamedNode, ox.Literal)
    most = max(1, min(max_rows, max_rows * _WIDTH // max(1, len(variables))))
    rows = [
        tuple(
            term if term is None or isinstance(term, named) else skolem.name(term)
            for term in solution
        )
        for solution in itertools.islice(solutions, most + 1)
    ]
    # It must not outlive this call in the traceback of an error: no other thread may let it go.
    del solutions
    if len(rows) > most:
        raise InvalidAnswer(f"sends more than {most} rows of {len(variables)} variables")
    return variables, rows


def read_triples(content: bytes, token: str, max_rows: int) -> list[ox.Triple]:
    """Return the triples that :func:`rewrite` wrote; raises InvalidAnswer."""
    skolem = Skolem(token)
    triples: list[ox.Triple] = []
    quads: Iterator[ox.Quad] = ox.parse(content, format=_F.N_TRIPLES)
    for quad in quads:
        if len(triples) == max_rows:
            raise InvalidAnswer(f"sends more than {max_rows} triples")
        triples.append(cast(ox.Triple, skolem.name(quad.triple)))
    return triples
