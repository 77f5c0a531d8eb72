"""Queries run beside each other, are answered whole, and end with whoever asked."""

from __future__ import annotations

import gc
import time

import pytest

from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Asker, Boolean, Graph, QueryOptions, Solutions
from peninsula.dataset.pooled import PooledSolutions
from peninsula.errors import (
    ClientGone,
    ParameterError,
    PeninsulaError,
    QueryForbidden,
    QuerySyntaxError,
    UnknownGraph,
)
from peninsula.formats import CSV, GRAPH_FORMATS, JSON, NTRIPLES, SOLUTION_FORMATS, TSV, Format
from tests.server.conftest import COUNTED, DEATH, ask, wait_until

from .asking import ALL, PAIRS, ROWS


def test_three_kinds_of_answer(engine: EmbeddedDatabase) -> None:
    view = engine.view()
    solutions = view.evaluate("SELECT ?s ?o { ?s ?p ?o } ORDER BY ?o LIMIT 2")
    assert isinstance(solutions, Solutions)
    assert solutions.variables == ("s", "o")
    assert [[str(term) for term in row] for row in solutions] == [
        ["<x:s0>", '"0"^^<http://www.w3.org/2001/XMLSchema#integer>'],
        ["<x:s1>", '"1"^^<http://www.w3.org/2001/XMLSchema#integer>'],
    ]
    boolean = view.evaluate("ASK { <x:s0> ?p 0 }")
    assert isinstance(boolean, Boolean)
    assert boolean.value is True
    graph = view.evaluate("CONSTRUCT { ?s <x:q> ?o } WHERE { ?s ?p ?o }")
    assert isinstance(graph, Graph)
    assert len(list(graph)) == 400


@pytest.mark.parametrize("format", SOLUTION_FORMATS, ids=lambda f: f.name)
def test_an_answer_is_the_same_whether_its_format_is_known_before_or_not(
    engine: EmbeddedDatabase, format: Format
) -> None:
    formats = {"solutions": format, "boolean": format, "graph": None}
    for query in ("SELECT ?o { ?s ?p ?o } ORDER BY ?o", "ASK {}"):
        before = engine.view().evaluate(query, QueryOptions(formats=formats))
        after = engine.view().evaluate(query)
        assert b"".join(before.chunks(format)) == b"".join(after.chunks(format)) != b""


@pytest.mark.parametrize("format", GRAPH_FORMATS, ids=lambda f: f.name)
def test_a_dump_is_written_in_every_format(engine: EmbeddedDatabase, format: Format) -> None:
    body = b"".join(engine.view().dump(None, format).chunks(format))
    assert body.count(b"x:s") >= 400


def test_a_large_answer_streams_in_order_and_complete(engine: EmbeddedDatabase) -> None:
    result = engine.view().evaluate(PAIRS)
    assert isinstance(result, PooledSolutions)
    chunks = list(result.chunks(CSV))
    assert len(chunks) > 3
    lines = b"".join(chunks).split(b"\r\n")
    assert lines[0] == b"a,b"
    assert {*lines[1:-1]} == {f"{a},{b}".encode() for a in range(400) for b in range(400)}
    assert result.running.outcome == "ok"
    assert result.running.bytes == sum(map(len, chunks))


@pytest.mark.parametrize("format", [CSV, TSV, JSON], ids=lambda f: f.name)
def test_rows_are_counted(engine: EmbeddedDatabase, format: Format) -> None:
    result = engine.view().evaluate(ALL)
    assert isinstance(result, PooledSolutions)
    for _ in result.chunks(format):
        pass
    assert result.running.rows == 400


def test_an_empty_answer_is_no_error(engine: EmbeddedDatabase) -> None:
    assert ask(engine.view(), "SELECT * { ?s <x:nothing> ?o }") == []
    chunks = engine.view().evaluate("CONSTRUCT WHERE { ?s <x:nothing> ?o }").chunks(NTRIPLES)
    assert b"".join(chunks) == b""


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        ("SELECT * {", QuerySyntaxError, "never closed"),
        ("SELECT * { ?s foo:x ?o }", QuerySyntaxError, "prefix “foo:”"),
        ("SELECT * { SERVICE <http://127.0.0.1/> {} }", QueryForbidden, "SERVICE"),
    ],
)
def test_an_error_before_the_first_byte_is_raised_and_costs_no_reader(
    engine: EmbeddedDatabase, query: str, kind: type[PeninsulaError], words: str
) -> None:
    ask(engine.view(), "SELECT * {}")
    killed = dict(engine.readers.killed)
    with pytest.raises(kind, match=words):
        engine.view().evaluate(query)
    assert engine.readers.killed == killed
    assert not engine.readers.running()


def test_values_are_bound_as_terms(engine: EmbeddedDatabase) -> None:
    rows = engine.view().evaluate(
        "SELECT ?s ?o { ?s ?p ?o }", QueryOptions(substitutions={"o": COUNTED[7].object})
    )
    assert isinstance(rows, Solutions)
    assert [row[0] for row in rows] == [COUNTED[7].subject]
    with pytest.raises(ParameterError, match=r"does not select \?x"):
        engine.view().evaluate(ALL, QueryOptions(substitutions={"x": COUNTED[7].object}))


def test_a_graph_that_is_not_there_is_told(engine: EmbeddedDatabase) -> None:
    with pytest.raises(UnknownGraph, match="There is none"):
        engine.view().dump("x:nowhere", NTRIPLES)


def test_readers_are_used_again(engine: EmbeddedDatabase) -> None:
    ask(engine.view(), ALL)
    wait_until(lambda: engine.readers.states()["idle"] >= 2)
    before = set(engine.readers.pids())
    for _ in range(20):
        ask(engine.view(), ALL)
    assert set(engine.readers.pids()) == before


def test_what_is_not_read_to_its_end_gives_its_reader_back(engine: EmbeddedDatabase) -> None:
    wait_until(lambda: engine.readers.states()["idle"] >= 2)
    before = set(engine.readers.pids())
    chunks = engine.view().evaluate(PAIRS).chunks(CSV)
    assert next(chunks)
    assert len(engine.readers.running()) == 1
    chunks.close()  # type: ignore[attr-defined]
    assert not engine.readers.running()
    assert set(engine.readers.pids()) == before, "the pipe was closed: the reader is free"


def test_what_is_let_go_ends(engine: EmbeddedDatabase) -> None:
    result = engine.view().evaluate(ROWS)
    assert len(engine.readers.running()) == 1
    del result
    gc.collect()
    wait_until(lambda: not engine.readers.running())


def test_a_writer_waits_for_its_reader_and_memory_stays_flat(engine: EmbeddedDatabase) -> None:
    result = engine.view().evaluate(ROWS)
    assert isinstance(result, PooledSolutions)
    chunks = result.chunks(CSV)
    next(chunks)
    time.sleep(0.3)
    assert result.running.bytes <= 1 << 18, "nothing is read ahead"
    assert result.running.seconds_away() > 0.2
    chunks.close()  # type: ignore[attr-defined]
    assert not engine.readers.running()


def test_a_client_that_is_gone_ends_its_query(engine: EmbeddedDatabase) -> None:
    killed = engine.readers.killed.get("disconnected", 0)
    began = time.monotonic()
    with pytest.raises(ClientGone):
        engine.view(Asker(is_gone=lambda: True)).evaluate(DEATH)
    assert time.monotonic() - began < 3
    assert not engine.readers.running()
    assert engine.readers.killed["disconnected"] == killed + 1
