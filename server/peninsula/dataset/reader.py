"""What does a reader process do with what it is asked?

It holds one published generation and answers one request after another: a query, a dump of a
graph, the parsing of an upload or of a query. The answer goes, in the engine's own serialisation,
into the pipe that came with the request; beside it go a message with what kind of answer it is,
and at the end one that says it is whole. Whatever goes wrong here ends this process at worst.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.dataset import delta as deltas
from peninsula.dataset.channel import Channel, ChannelClosed, Message
from peninsula.dataset.interface import Boolean, QueryOptions, Result, Solutions, Term, kind_of
from peninsula.dataset.local import LocalStatements, evaluate, graph_name, parse_query
from peninsula.errors import (
    InvalidUpload,
    PeninsulaError,
    QueryFailed,
    QueryOutOfMemory,
    QueryTimeout,
    StoreFull,
    parser_reason,
    to_message,
)
from peninsula.formats import GRAPH_FORMATS, TABLE_FORMATS, find

#: So many statements of an upload are parsed between two looks at their number.
_READ_AHEAD: Final = 4096
#: So many rows of a difference are written at once.
_ROWS: Final = 256


def serve_reader(channel: Channel, store: ox.Store) -> None:
    """Answer what comes over ``channel`` from ``store`` until the other end hangs up."""
    work: dict[str, Callable[[Channel, ox.Store, Message, int], Message]] = {
        "query": _query,
        "check": _check,
        "dump": _dump,
        "parse": _parse,
        "diff": _diff,
    }
    while True:
        try:
            message, descriptors = channel.receive()
        except ChannelClosed:
            return
        if message["do"] == "apply":
            # Nobody waits for an answer: a failure ends this process, and another is forked.
            patch = deltas.read_patch(Path(message["path"]).read_bytes())
            deltas.apply(store, patch.net())
            continue
        output = descriptors[0] if descriptors else os.open(os.devnull, os.O_WRONLY)
        try:
            answer = work[message["do"]](channel, store, message, output)
        except BrokenPipeError:
            answer = {"left": True}
        except PeninsulaError as error:
            answer = {"error": to_message(error)}
        except MemoryError:
            answer = {"error": to_message(out_of_memory())}
        except ChannelClosed:
            return
        except OSError as error:
            answer = {"error": to_message(_explain(error))}
        os.close(output)
        try:
            channel.send(answer)
        except ChannelClosed:
            return


def out_of_memory() -> QueryOutOfMemory:
    """Return the error of a request that needed more memory than one may."""
    return QueryOutOfMemory(
        "The query needs more memory than the server gives one query.",
        "Add LIMIT, or filter before sorting and grouping.",
    )


def out_of_time(message: str) -> QueryTimeout:
    """Return the error of what took longer than it may, as ``message`` says."""
    return QueryTimeout(message, "Ask for less, or raise query-timeout on a server of your own.")


def _explain(error: OSError) -> PeninsulaError:
    if error.errno == errno.ENOSPC:
        return StoreFull("The disk of the server is full; nothing was changed.")
    return QueryFailed(f"The query could not be finished: {error}")


#: What is said when an answer is in its pipe.
_WHOLE: Final = {"whole": True}


class _Output:
    """What the engine writes: into the pipe, unless it ends with its first piece.

    That is then part of the message that tells of the answer, so that whoever asked is woken
    once and not three times.
    """

    def __init__(self, channel: Channel, head: Message, descriptor: int) -> None:
        self._channel = channel
        self._head = head
        self._descriptor = descriptor
        self._first = b""
        self._is_small = True

    def write(self, data: bytes, /) -> int:
        if self._is_small and not self._first:
            self._first = bytes(data)
            return len(data)
        if self._is_small:
            self._is_small = False
            self._channel.send(self._head)
            self._pass_on(self._first)
        self._pass_on(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: the end is told by :meth:`finish`."""

    def finish(self) -> Message:
        """Return the last message: with the answer, where it is small."""
        return {**self._head, "body": self._first.decode(), **_WHOLE} if self._is_small else _WHOLE

    def _pass_on(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _query(channel: Channel, store: ox.Store, message: Message, output: int) -> Message:
    options = QueryOptions(
        default_graphs=message["default_graphs"],
        named_graphs=message["named_graphs"],
        substitutions={name: read_term(text) for name, text in message["substitutions"].items()},
        base=message["base"],
        prefixes=message["prefixes"],
    )
    result = evaluate(store, message["query"], options, is_union=message["is_union"])
    kind, head = _describe(result)
    offered = GRAPH_FORMATS if kind == "graph" else TABLE_FORMATS
    if name := message["formats"].get(kind):
        format = find(name, offered)
        assert format, name
        small = _Output(channel, head, output)
        result.write(format, small)
        return small.finish()
    channel.send(head)
    wish = channel.receive()[0]
    name = wish.get("format")
    if name is None:  # the kind was all that was wanted
        return _WHOLE
    format = find(name, offered)
    assert format, name
    format = format.noted(wish.get("notes", {}))
    with os.fdopen(output, "wb", buffering=0, closefd=False) as file:
        result.write(format, file)
    return _WHOLE


def _check(_channel: Channel, _store: ox.Store, message: Message, _output: int) -> Message:
    """Parse a query: a parser that crashes is to crash here, too."""
    return {"kind": parse_query(message["query"], base=message["base"]), "body": "", **_WHOLE}


def _describe(result: Result) -> tuple[str, Message]:
    kind = kind_of(result)
    head: Message = {"kind": kind}
    if isinstance(result, Solutions):
        head["variables"] = result.variables
    elif isinstance(result, Boolean):
        head["value"] = result.value
    return kind, head


def _dump(channel: Channel, store: ox.Store, message: Message, output: int) -> Message:
    """Write a named graph, the default graph, or everything."""
    format = find(message["format"], GRAPH_FORMATS)
    assert format
    graph = graph_name(message["graph"]) if not message["is_everything"] else None
    channel.send({"kind": "graph"})
    with os.fdopen(output, "wb", buffering=0, closefd=False) as file:
        LocalStatements(store, graph, names_graph=message["names_graph"]).write(format, file)
    return _WHOLE


def _diff(channel: Channel, store: ox.Store, message: Message, output: int) -> Message:
    """Write what leads from another generation, whose folder is ``before``, to this one.

    As the rows of an RDF Patch, as they are found: nothing of it is held in memory.
    """
    before = ox.Store.read_only(message["before"])
    channel.send({"kind": "graph"})
    with os.fdopen(output, "wb", buffering=1 << 16, closefd=False) as sink:
        for letter, own, other in ((b"D ", before, store), (b"A ", store, before)):
            rows = (quad for quad in own if quad not in other)
            while batch := list(itertools.islice(rows, _ROWS)):
                text = ox.serialize(batch, format=ox.RdfFormat.N_QUADS) or b""
                sink.write(letter + text[:-1].replace(b"\n", b"\n" + letter) + b"\n")
    return _WHOLE


def _parse(channel: Channel, _store: ox.Store, message: Message, output: int) -> Message:
    """Write the statements of a file as N-Quads, with fresh blank nodes."""
    format = find(message["format"], GRAPH_FORMATS)
    assert format
    assert isinstance(format.engine, ox.RdfFormat)
    channel.send({"kind": "graph"})
    count = 0
    has_graphs = False
    with (
        Path(message["path"]).open("rb") as file,
        os.fdopen(output, "wb", buffering=1 << 20, closefd=False) as sink,
    ):
        quads = ox.parse(
            file,
            format=format.engine,
            base_iri=message["base"],
            rename_blank_nodes=True,
        )
        try:
            while batch := list(itertools.islice(quads, _READ_AHEAD)):
                count += len(batch)
                has_graphs = has_graphs or any(
                    not isinstance(quad.graph_name, ox.DefaultGraph) for quad in batch
                )
                ox.serialize(batch, sink, ox.RdfFormat.N_QUADS)
        except SyntaxError as error:
            line, column = error.lineno or 0, error.offset or 0
            where = f"Line {line}, column {column}: " if line else ""
            raise InvalidUpload(
                f"{where}{parser_reason(error)}.",
                f"Mend the {format.title} there.",
                line=line,
                column=column,
            ) from None
        except ValueError as error:
            raise InvalidUpload(f"The {format.title} cannot be read: {error}.") from None
    channel.send({"count": count, "has_graphs": has_graphs})
    return _WHOLE


def read_term(text: str) -> Term:
    """Return the term that ``text`` is in N-Triples."""
    line = f"<x:s> <x:p> {text} ."
    quad = next(iter(ox.parse(line, format=ox.RdfFormat.N_TRIPLES)))
    term: Term = quad.object
    return term
