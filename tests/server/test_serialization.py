"""Answers are written by the engine, stream, and lose nothing on the way."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator

import pyoxigraph as ox
import pytest

from peninsula.formats import (
    CSV,
    GRAPH_FORMATS,
    JSON,
    SOLUTION_FORMATS,
    TRIG,
    TURTLE,
    XML,
    Format,
)
from peninsula.namespaces import expand
from peninsula.serialization import (
    CHUNK,
    Output,
    stream,
    used_prefixes,
    write_solutions,
    write_statements,
)

QUERY = """SELECT ("한국"@ko AS ?a) ("2019-02-27"^^xsd:date AS ?b) (<http://a/b> AS ?c) ?d
           (<<( <http://a/> <http://b/> 1 )>> AS ?e) {}"""
TRIPLES = [
    ox.Triple(
        ox.NamedNode(expand("state:russia")),
        ox.NamedNode(expand("rdfs:label")),
        ox.Literal("Россия", language="ru"),
    ),
    ox.Triple(
        ox.NamedNode("http://example.org/x"),
        ox.NamedNode(expand("pen:from")),
        ox.Literal("2019-02-27", datatype=ox.NamedNode(expand("xsd:date"))),
    ),
]


def solutions(query: str) -> ox.QuerySolutions:
    result = ox.Store().query(query, prefixes={"xsd": expand("xsd:")})
    assert isinstance(result, ox.QuerySolutions)
    return result


@pytest.mark.parametrize("format", [JSON, XML])
def test_language_datatype_and_unbound_survive(format: Format) -> None:
    output = io.BytesIO()
    write_solutions(solutions(QUERY), format, output)
    parsed = ox.parse_query_results(output.getvalue(), format.engine)  # type: ignore[arg-type]
    assert isinstance(parsed, ox.QuerySolutions)
    row = next(parsed)
    assert row["a"] == ox.Literal("한국", language="ko")
    assert row["b"] == TRIPLES[1].object
    assert row["c"] == ox.NamedNode("http://a/b")
    assert row["d"] is None


@pytest.mark.parametrize("format", SOLUTION_FORMATS, ids=lambda f: f.name)
def test_a_truth_value_is_written_in_every_format(format: Format) -> None:
    output = io.BytesIO()
    write_solutions(ox.Store().query("ASK {}"), format, output)  # type: ignore[arg-type]
    assert b"true" in output.getvalue()


@pytest.mark.parametrize("format", GRAPH_FORMATS, ids=lambda f: f.name)
def test_triples_survive_every_format(format: Format) -> None:
    output = io.BytesIO()
    write_statements(TRIPLES, format, output)
    assert isinstance(format.engine, ox.RdfFormat)
    parsed = {quad.triple for quad in ox.parse(output.getvalue(), format=format.engine)}
    assert parsed == set(TRIPLES)


def test_only_the_prefixes_in_use_are_declared() -> None:
    assert list(used_prefixes(TRIPLES)) == ["pen", "state", "rdf", "rdfs", "xsd"]
    output = io.BytesIO()
    write_statements(TRIPLES, TURTLE, output)
    assert b"state:russia rdfs:label" in output.getvalue()
    assert b"claim:" not in output.getvalue()


def test_quads_keep_their_graph() -> None:
    quad = ox.Quad(
        TRIPLES[0].subject,
        TRIPLES[0].predicate,
        TRIPLES[0].object,
        ox.NamedNode(expand("graph:record")),
    )
    output = io.BytesIO()
    write_statements([quad], TRIG, output)
    assert list(ox.parse(output.getvalue(), format=ox.RdfFormat.TRIG)) == [quad]


def test_a_small_answer_comes_whole() -> None:
    def produce(output: Output) -> None:
        output.format = CSV
        write_solutions(solutions("SELECT ?x { VALUES ?x { 1 2 } }"), CSV, output)

    assert stream(produce) == (CSV, b"x\r\n1\r\n2\r\n")


def test_an_empty_answer_is_no_error() -> None:
    assert stream(lambda _output: None) == (None, b"")


def test_an_error_before_the_first_byte_is_raised() -> None:
    def produce(_output: Output) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        stream(produce)


def test_a_large_answer_streams_in_order_and_complete() -> None:
    lines = [f"{number}\n".encode() * 100 for number in range(5000)]

    def produce(output: Output) -> None:
        for line in lines:
            output.write(line)

    _, body = stream(produce)
    assert isinstance(body, Iterator)
    assert b"".join(body) == b"".join(lines)


def test_a_late_error_breaks_the_stream_off() -> None:
    def produce(output: Output) -> None:
        for _ in range(3):
            output.write(b"x" * CHUNK)
        raise ValueError("late")

    _, body = stream(produce)
    assert isinstance(body, Iterator)
    with pytest.raises(ValueError, match="late"):
        b"".join(body)


def test_the_writer_waits_for_the_reader_and_ends_when_it_leaves() -> None:
    written = 0
    has_ended = threading.Event()

    def produce(output: Output) -> None:
        nonlocal written
        try:
            while True:
                written += output.write(b"x" * CHUNK)
        finally:
            has_ended.set()

    _, body = stream(produce)
    assert isinstance(body, Iterator)
    next(body)
    time.sleep(0.3)
    before = written
    time.sleep(0.3)
    assert written == before <= 20 * CHUNK  # memory stays flat
    body.close()  # type: ignore[attr-defined]
    assert has_ended.wait(2)
