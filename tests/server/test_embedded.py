"""A store answers and changes alike from memory and from disk, and whatever dies meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from peninsula.dataset import embedded as module
from peninsula.dataset import readers
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Asker
from peninsula.errors import InvalidUpload, QueryTimeout, UnknownGeneration
from peninsula.formats import CSV, JSONLD, NQUADS, NTRIPLES, RDFXML, TRIG, TURTLE, Format

from .conftest import COUNTED, ask, fill, is_dead, running, update, wait_until

COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
STEPS = [
    "INSERT DATA { <x:a> <x:b> 'ü', '한국'@ko, 1.50, 01 GRAPH <x:g> { <x:a> <x:b> <x:c> } }",
    "INSERT DATA { _:b <x:b> _:c . GRAPH <x:h> { _:b <x:in> 2 } }",
    "DELETE { ?s <x:p> ?o } INSERT { GRAPH <x:moved> { ?s <x:p> ?o } } WHERE { ?s <x:p> ?o FILTER(?o < 9) }",
    "CREATE GRAPH <x:empty> ; COPY <x:g> TO <x:copy> ; DROP GRAPH <x:h>",
    "CLEAR DEFAULT",
]
QUERIES = [
    COUNT,
    "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g ORDER BY ?g",
    "SELECT ?o { <x:a> <x:b> ?o } ORDER BY STR(?o)",
    "ASK { GRAPH <x:empty> {} }",
    "CONSTRUCT { ?s <x:c> ?o } WHERE { GRAPH <x:moved> { ?s ?p ?o } FILTER(?o < 2) }",
]


@pytest.fixture(scope="module", params=["never", "always"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedDatabase]:
    """Return a database that has made STEPS, from disk and from memory."""
    folder = tmp_path_factory.mktemp(request.param)
    with running(fill(folder, COUNTED), memory=request.param) as database:
        wait_until(lambda: database.is_in_memory is (request.param == "always"))
        for step in STEPS:
            update(database, step)
            # A small change is in memory before it is acknowledged.
            assert database.is_in_memory is (request.param == "always")
        yield database


def answers(database: EmbeddedDatabase, number: int | None = None) -> list[bytes]:
    view = database.view(generation=None if number is None else database.find(number))
    results = (view.evaluate(query) for query in QUERIES)
    return [
        b"".join(r.chunks(NTRIPLES if query.startswith("CONSTRUCT") else CSV))
        for query, r in zip(QUERIES, results, strict=True)
    ]


def plain() -> Iterator[ox.Store]:
    """Yield what an Oxigraph store holds before and after each of STEPS."""
    store = ox.Store()
    store.extend(COUNTED)
    yield store
    for step in STEPS:
        store.update(step)
        yield store


def _serialize(result: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples) -> bytes:
    body = (
        result.serialize(format=ox.RdfFormat.N_TRIPLES)
        if isinstance(result, ox.QueryTriples)
        else result.serialize(format=ox.QueryResultsFormat.CSV)
    )
    assert body is not None
    return body


def test_memory_and_disk_answer_like_a_plain_store_in_every_state(
    database: EmbeddedDatabase,
) -> None:
    for number, store in enumerate(plain(), start=2):
        plain_answers = [_serialize(store.query(query)) for query in QUERIES]
        assert [sorted(a.splitlines()) for a in answers(database, number)] == [
            sorted(e.splitlines()) for e in plain_answers
        ]
        about = database.find(number)
        names = {None, *about.graphs}
        assert about.triples == len(store)
        assert about.default == len([*store.quads_for_pattern(None, None, None, ox.DefaultGraph())])
        assert {f"<{name}>" for name in names if name} == set(map(str, store.named_graphs()))


def test_views_tell_the_state_they_are_of(database: EmbeddedDatabase) -> None:
    assert database.current.number == 7
    assert database.view().generation == 7
    assert dict(database.view().graphs()) == database.current.graphs
    assert database.view().default_size() == 0
    assert [g.number for g in database.all()] == [1, 2, 3, 4, 5, 6, 7]
    assert database.view(generation=database.find(1)).graphs() == {}
    with pytest.raises(UnknownGeneration):
        database.find(99)


def test_all_statements_can_be_had(database: EmbeddedDatabase) -> None:
    everything = {*database.view().statements()}
    assert len(everything) == database.current.triples
    moved = {*database.view().statements("x:moved")}
    assert {quad.object.value for quad in moved} == {str(n) for n in range(9)}  # type: ignore[union-attr]


@pytest.mark.parametrize("format", [NQUADS, TRIG, JSONLD], ids=lambda f: f.name)
def test_everything_is_dumped_with_its_graphs(database: EmbeddedDatabase, format: Format) -> None:
    view = database.view()
    body = b"".join(view.dump(None, format, is_everything=True).chunks(format))
    assert isinstance(format.engine, ox.RdfFormat)
    assert {*ox.parse(body, format=format.engine)} == {*view.statements()}


@pytest.mark.parametrize("format", [NTRIPLES, TURTLE, RDFXML], ids=lambda f: f.name)
def test_one_graph_is_dumped(database: EmbeddedDatabase, format: Format) -> None:
    body = b"".join(database.view().dump("x:moved", format).chunks(format))
    assert isinstance(format.engine, ox.RdfFormat)
    assert len([*ox.parse(body, format=format.engine)]) == 9


def test_processes_and_their_memory_are_told(database: EmbeddedDatabase) -> None:
    answers(database)
    found = database.processes()
    assert len(found["zygote"]) == len(found["writer"]) == 1
    assert bool(found["template"]) is database.is_in_memory
    assert found["reader"]
    for pid in [pid for pids in found.values() for pid in pids]:
        # A reader that nobody needs may end as soon as it is told of.
        with contextlib.suppress(OSError):
            assert Path(f"/proc/{pid}/comm").read_text().startswith("pen-")
    used = database.memory()
    assert used["zygote"] > 1e6
    assert used["writer"] > 1e6
    assert (used["template"] > 1e6) is database.is_in_memory


def test_a_big_change_is_answered_from_disk_until_memory_has_it(tmp_path: Path) -> None:
    with running(fill(tmp_path, COUNTED), memory="always") as database:
        wait_until(lambda: database.is_in_memory)
        template = database.processes()["template"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_APPLIED_AT_ONCE", 100)
            update(database, "DELETE WHERE { ?s ?p ?o }")
        assert ask(database.view(), "SELECT * { ?s ?p ?o }") == []
        update(database, "INSERT DATA { <x:a> <x:b> 1 }")
        assert len(ask(database.view(), "SELECT * { ?s ?p ?o }")) == 1
        wait_until(lambda: database.is_in_memory)
        assert len(ask(database.view(), "SELECT * { ?s ?p ?o }")) == 1
        assert database.processes()["template"] == template, "it was brought up, not loaded anew"


def test_readers_go_on_when_memory_is_taken_away(tmp_path: Path) -> None:
    with running(fill(tmp_path, COUNTED), memory="always") as database:
        wait_until(lambda: database.is_in_memory)
        (template,) = database.processes()["template"]
        below = [
            int(pid)
            for path in Path(f"/proc/{template}/task").glob("*/children")
            for pid in path.read_text().split()
        ]
        os.kill(template, signal.SIGKILL)
        # Its readers end with it: one that is just dying could be asked still.
        wait_until(lambda: all(map(is_dead, [template, *below])))
        assert ask(database.view(), COUNT)[0][0] == ox.Literal(400)
        update(database, "INSERT DATA { <x:a> <x:b> 1 }")
        assert ask(database.view(), COUNT)[0][0] == ox.Literal(401)
        wait_until(lambda: database.is_in_memory)
        assert database.processes()["template"] != [template]
        assert ask(database.view(), COUNT)[0][0] == ox.Literal(401)


def test_readers_of_memory_follow_small_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_MOST_FOLLOWED", 5)
    with running(fill(tmp_path, COUNTED), memory="always") as database:
        wait_until(lambda: database.is_in_memory)
        wait_until(lambda: database.readers.states()["idle"] >= 2)
        first = set(database.readers.pids())
        for number in range(12):
            # One that is busy meanwhile follows when it is done.
            chunks = database.view().evaluate("SELECT * { ?a ?b ?c . ?d ?e ?f }").chunks(CSV)
            body = next(chunks)
            update(
                database,
                f"INSERT DATA {{ <x:new> <x:q> {number} }} ; DELETE DATA {{ <x:s{number}> <x:p> {number} }}",
            )
            assert ask(database.view(), COUNT)[0][0] == ox.Literal(400)
            assert len(ask(database.view(), "SELECT * { <x:new> <x:q> ?o }")) == number + 1
            body += b"".join(chunks)
            assert body.count(b"\r\n") == 160_001
            assert (b"x:new" in body) is (number > 0), "whoever began before sees what there was"
            if number < 3:
                assert first & set(database.readers.pids()), "they were not forked anew"
        wait_until(lambda: not first & set(database.readers.pids()))


def test_old_generations_go_but_for_those_in_use(tmp_path: Path) -> None:
    with running(fill(tmp_path, COUNTED), keep=2) as database:
        old = database.current
        rows = "SELECT * { ?a ?b ?c . ?d ?e ?f }"
        chunks = database.view().evaluate(rows).chunks(CSV)
        body = next(chunks)
        for number in range(4):
            update(database, f"INSERT DATA {{ <x:{number}> <x:q> 1 }}")
        wait_until(lambda: [g.number for g in database.all()] == [old.number, 5, 6])
        assert (body + b"".join(chunks)).count(b"\r\n") == 160_001
        update(database, "INSERT DATA { <x:last> <x:q> 1 }")
        wait_until(lambda: [g.number for g in database.all()] == [6, 7])
        with pytest.raises(UnknownGeneration, match="Kept are 6, 7"):
            database.find(old.number)


def test_a_generation_that_goes_before_its_reader_is_there_is_no_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(fill(tmp_path, COUNTED), keep=2) as database:
        view = database.view(generation=database.current)
        for number in range(4):
            update(database, f"INSERT DATA {{ <x:{number}> <x:q> 1 }}")
        wait_until(lambda: [g.number for g in database.all()] == [5, 6])
        with pytest.raises(UnknownGeneration, match="Kept are 5, 6"):
            ask(view, "SELECT ?o { ?s ?p ?o }")
    # Of those that were forked in vain, too.
    assert "Traceback" not in capfd.readouterr().err


# Uploads


@pytest.fixture
def parse(database: EmbeddedDatabase, tmp_path: Path) -> Any:
    def parse_text(text: str, format: Format, **more: Any) -> tuple[int, bool, list[ox.Quad]]:
        source, target = tmp_path / "source", tmp_path / "target.nq"
        source.write_text(text, encoding="utf-8")
        count, has_graphs = database.parse(source, format, "http://base/", target, Asker(**more))
        quads = ox.parse(path=str(target), format=ox.RdfFormat.N_QUADS)
        return count, has_graphs, list(quads)

    return parse_text


def test_an_upload_becomes_statements(parse: Any) -> None:
    count, has_graphs, quads = parse("<a> <p> <b>, 'x'@ko .", TURTLE)
    assert (count, has_graphs) == (2, False)
    assert {quad.subject for quad in quads} == {ox.NamedNode("http://base/a")}
    count, has_graphs, quads = parse("<x:g> { <x:a> <x:p> 1 } <x:b> <x:p> 2 .", TRIG)
    assert (count, has_graphs) == (2, True)
    assert parse("", NQUADS) == (0, False, [])


def test_blank_nodes_of_two_uploads_are_never_the_same(parse: Any) -> None:
    _, _, one = parse("_:b <x:p> 1 .", TURTLE)
    _, _, other = parse("_:b <x:p> 1 .", TURTLE)
    assert one[0].subject != other[0].subject


@pytest.mark.parametrize(
    ("text", "format", "words"),
    [
        ("<x:a> <x:p> <x:b> .\n<x:a> nonsense .", TURTLE, "Line 2, column 7: "),
        ("<x:a> <x:p> .", NTRIPLES, "Line 1, column 1"),
        ("<rdf>", RDFXML, "Mend the RDF/XML"),
        ("{", JSONLD, "Mend the JSON-LD"),
        ("<x:a> <x:p> 'a", TURTLE, "Line 1"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    parse: Any, text: str, format: Format, words: str
) -> None:
    with pytest.raises(InvalidUpload, match=words) as caught:
        parse(text, format)
    assert caught.value.status == 400


def test_parsing_has_a_time_limit(parse: Any) -> None:
    text = "".join(f"<x:s{n}> <x:p> {n} .\n" for n in range(300_000))
    with pytest.raises(QueryTimeout):
        parse(text, TURTLE, timeout=0.05)
