"""Answers are written by the engine, stream, and lose nothing on the way."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pyoxigraph as ox
import pytest

from peninsula.formats import (
    CSV,
    GRAPH_FORMATS,
    JSON,
    NTRIPLES,
    RDFXML,
    SOLUTION_FORMATS,
    TRIG,
    TURTLE,
    XML,
    Format,
)
from peninsula.namespaces import expand
from peninsula.serialization import (
    used_prefixes,
    write_solutions,
    write_statements,
    write_to_bytes,
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


def test_a_large_answer_is_written_piece_by_piece() -> None:
    """Nothing is built whole: what is written first is there long before the last is evaluated."""
    sizes = []

    class Pieces(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: bytes, /) -> int:  # type: ignore[override]
            sizes.append(len(data))
            return len(data)

    many = "SELECT * { VALUES ?x { " + "1 " * 3000 + "} VALUES ?y { " + "2 " * 100 + "} }"
    write_solutions(solutions(many), CSV, Pieces())
    assert sum(sizes) == len("x,y\r\n") + 300_000 * len("1,2\r\n")
    assert max(sizes) <= 64 * 1024


def test_whoever_closes_the_pipe_ends_the_evaluation() -> None:
    written = 0

    class Narrow(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: bytes, /) -> int:  # type: ignore[override]
            nonlocal written
            written += len(data)
            if written > 100_000:
                raise BrokenPipeError
            return len(data)

    many = "SELECT * { VALUES ?x { " + "1 " * 3000 + "} VALUES ?y { " + "2 " * 1000 + "} }"
    with pytest.raises(BrokenPipeError):
        write_solutions(solutions(many), CSV, Narrow())
    assert written < 200_000


def test_a_few_statements_of_our_own_become_bytes() -> None:
    assert write_to_bytes([], NTRIPLES) == b""
    parsed = ox.parse(write_to_bytes(TRIPLES, NTRIPLES), format=ox.RdfFormat.N_TRIPLES)
    assert {quad.triple for quad in parsed} == set(TRIPLES)


def test_xml_holds_no_character_that_xml_forbids() -> None:
    text = "a\u0007\ufffe\u0000\n<b>한"
    triple = ox.Triple(ox.NamedNode("x:a"), ox.NamedNode("http://x/b"), ox.Literal(text))
    output = io.BytesIO()
    store = ox.Store()
    store.add(ox.Quad(*triple))
    found = store.query("SELECT ?o { ?s ?p ?o }")
    assert isinstance(found, ox.QuerySolutions)
    write_solutions(found, XML, output)
    for document in (write_to_bytes([triple], RDFXML), output.getvalue()):
        read = "".join(ET.XML(document).itertext())
        assert "".join(read.split()) == "a\ufffd\ufffd\ufffd<b>한"
