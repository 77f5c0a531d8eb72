"""What ``peninsula.client`` gets from a running server is what the server has, types and all."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyoxigraph as ox
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.client import (
    IRI,
    BlankNode,
    Client,
    Literal,
    NotAllowed,
    NotFound,
    PeninsulaClientError,
    QueryProblem,
    Refused,
    ServerBusy,
    Text,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
    iri,
)
from peninsula.client.answers import Answer, Provenance, read_solutions
from peninsula.client.terms import Value, read_term, write_term
from peninsula.namespaces import expand
from tests.crash.instance import Instance

EX: Final = "http://example.org/"
PEOPLE: Final = f"{EX}people"
XSD: Final = expand("xsd:")


@pytest.fixture(scope="module")
def client(server: Instance) -> Client:
    return Client(server.address)


@pytest.fixture(scope="module")
def writer(server: Instance) -> Client:
    return Client(server.address, token=server.token)


# Importing it.


def test_importing_the_client_loads_nothing_of_the_server() -> None:
    code = (
        "import sys; import peninsula.client; heavy = {'flask', 'pyshacl', 'rdflib', 'pyoxigraph', "
        "'pandas', 'polars', 'numpy', 'pyarrow', 'rich', 'yaml', 'csvw', 'jinja2', 'waitress'}; "
        "ours = [m for m in sys.modules if m.startswith('peninsula.') and "
        "not m.startswith('peninsula.client') and m != 'peninsula.namespaces']; "
        "print(sorted(heavy & set(sys.modules)), ours)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] []\n"


# Tables.

TYPED: Final = """SELECT ?iri ?text ?tagged ?whole ?exact ?real ?is ?day ?moment ?year ?none WHERE {
  VALUES (?iri ?text ?tagged ?whole ?exact ?real ?is ?day ?moment ?year) {
    (<http://example.org/a> "plain" "보"@ko 7 1.50 2.5e0 true "2019-02-27"^^xsd:date
     "2019-02-27T10:00:00Z"^^xsd:dateTime "2019"^^xsd:gYear)
    (<http://example.org/b> "x" "Бо"@ru 8 -0.25 3e0 false "2019-02-28"^^xsd:date
     "2019-02-28T10:00:00Z"^^xsd:dateTime "2020"^^xsd:gYear)
  } } ORDER BY ?whole"""


def test_pandas_columns_have_the_types_of_their_values(client: Client) -> None:
    frame = client.query(TYPED, frame="pandas")
    assert list(frame.columns) == TYPED.split(" WHERE", maxsplit=1)[0].replace("?", "").split()[1:]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "iri": "object", "text": "object", "tagged": "object", "whole": "Int64",
        "exact": "object", "real": "float64", "is": "boolean", "day": "object",
        "moment": "datetime64[us, UTC]", "year": "object", "none": "object",
    }  # fmt: skip
    first = frame.iloc[0]
    assert (first["iri"], type(first["iri"])) == (f"{EX}a", IRI)
    assert (first["tagged"], first["tagged"].language) == ("보", "ko")
    assert first["exact"] == Decimal("1.5") and isinstance(first["exact"], Decimal)
    assert first["day"] == date(2019, 2, 27) and type(first["day"]) is date
    assert first["moment"] == pd.Timestamp("2019-02-27T10:00:00Z")
    assert (first["year"], first["year"].datatype) == ("2019", f"{XSD}gYear")
    assert frame["whole"].sum() == 15
    assert frame["none"].isna().all()


def test_polars_columns_have_the_types_of_their_values(client: Client) -> None:
    frame = client.query(TYPED, frame="polars")
    assert dict(frame.schema) == {
        "iri": pl.String, "text": pl.String, "tagged": pl.String, "tagged_language": pl.String,
        "whole": pl.Int64, "exact": pl.Decimal(38, 2), "real": pl.Float64, "is": pl.Boolean,
        "day": pl.Date, "moment": pl.Datetime("us", "UTC"), "year": pl.String,
        "year_datatype": pl.String, "none": pl.String,
    }  # fmt: skip
    assert frame["tagged_language"].to_list() == ["ko", "ru"]
    assert frame["day"].to_list() == [date(2019, 2, 27), date(2019, 2, 28)]
    assert frame["year_datatype"].unique().to_list() == [f"{XSD}gYear"]


def test_a_frame_tells_where_it_comes_from(client: Client, server: Instance) -> None:
    frame = client.query("summits-of", state="state:russia", after=date(2019, 1, 1), frame="pandas")
    told = frame.attrs
    assert told["question"] == "summits-of"
    assert told["parameters"] == {"state": "state:russia", "after": "2019-01-01"}
    assert told["query"].lstrip("#+ \n")
    assert told["generation"] > 0
    assert told["endpoint"] == f"{server.address}sparql"
    assert datetime.fromisoformat(told["retrieved"]).tzinfo is not None
    assert f"generation {told['generation']}" in told["citation"]
    # The address that is cited gives the same again.
    again = pd.read_csv(told["address"].replace("/queries/summits-of", "/queries/summits-of.csv"))
    assert len(again) == len(frame) > 0
    assert list(again["stateLabel"]) == list(map(str, frame["stateLabel"]))


def test_a_client_of_a_past_generation_sees_it(
    client: Client, writer: Client, server: Instance, graph: str
) -> None:
    before = client.select("SELECT * { ?s ?p ?o } LIMIT 1").provenance.generation
    made = writer.update(f"INSERT DATA {{ GRAPH <{graph}> {{ <{EX}x> <{EX}y> 1 }} }}")
    assert made.generation > before and (made.added, made.removed) == (1, 0)
    question = f"ASK {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}"
    assert client.ask(question)
    assert not Client(server.address, generation=before).ask(question)


def test_parameters_stand_where_the_query_names_them(client: Client) -> None:
    query = (
        f"SELECT ?who ?s WHERE {{ GRAPH <{PEOPLE}> {{ ?who ?p $name }} "
        "BIND('$name' AS ?s) } # $name"
    )
    answer = client.select(query, name=Text("보", "ko"))
    assert list(answer) == [(f"{EX}bo", "$name")]
    assert client.ask(f"ASK {{ GRAPH <{PEOPLE}> {{ $who ?p $age }} }}", who=IRI(f"{EX}ann"), age=41)
    hostile = 'x" } DROP ALL #'
    assert not client.ask("ASK { ?s ?p $text }", text=hostile)
    with pytest.raises(ValueError, match=r"the query has no \$nobody"):
        client.ask("ASK {}", nobody=1)
    with pytest.raises(TypeError, match="blank node"):
        client.ask("ASK { $x ?p ?o }", x=BlankNode("b0"))


# Graphs, things, names.


def test_graphs_come_as_triples(client: Client) -> None:
    query = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{PEOPLE}> {{ ?s ?p ?o }} }}"
    triples = client.construct(query)
    assert len(triples) == 8
    assert all(isinstance(triple, ox.Triple) for triple in triples)
    graph = client.construct(query, graph="rdflib")
    born = graph.value(rdflib.URIRef(f"{EX}bo"), rdflib.URIRef(f"{EX}born"))
    assert born.toPython() == date(1984, 2, 29)
    with pytest.raises(PeninsulaClientError):
        client.construct("SELECT * { ?s ?p ?o } LIMIT 1")


def test_a_thing_is_described(client: Client) -> None:
    summit = client.entity("event:hanoi")
    assert str(summit) == "Hanoi summit (event:hanoi)"
    assert summit.labels == {"en": "Hanoi summit", "ko": "하노이 회담"}
    assert expand("pen:Summit") in summit.types
    assert summit.values("pen:from") == [date(2019, 2, 27)]
    assert {str(v) for v in summit.values(expand("pen:participant"))} == {
        expand("state:north-korea"), expand("state:united-states"),
    }  # fmt: skip
    place = next(fact for fact in summit if fact.property == expand("pen:takesPlaceAt"))
    assert (place.value_label, place.graph, place.is_inferred) == (
        "Hanoi",
        expand("graph:scene"),
        False,
    )
    assert (IRI(expand("event:hanoi")), IRI(expand("pen:participant"))) in client.entity(
        "state:north-korea"
    ).pointing
    with pytest.raises(NotFound, match=r"event:hanio.*Near: event:hanoi"):
        client.entity("event:hanio")
    with pytest.raises(ValueError, match="is no IRI"):
        client.entity("hanoi")


def test_things_are_found_by_name(client: Client) -> None:
    hit = client.search("하노이 회담")[0]
    assert (hit.iri, hit.name) == (expand("event:hanoi"), "event:hanoi")
    assert [h.name for h in client.search("russia", kind="state")] == ["state:russia"]
    assert "summits" in client.questions()


# Validation and changes.

BROKEN: Final = f"<{EX}talks> a <{expand('pen:Summit')}> ."


def test_data_are_validated(client: Client) -> None:
    report = client.validate(BROKEN)
    assert not report
    assert [r.message for r in report.violations] == [
        "A summit has one first day. Give it one pen:from, an xsd:date."
    ]
    assert report.violations[0].focus_node == f"{EX}talks"
    assert "Violation" in str(report)
    day = f'<{EX}talks> a <{expand("pen:Summit")}> ; <{expand("pen:from")}> "2020-01-01"^^<{XSD}date> .'
    assert client.validate(day).conforms
    with pytest.raises(QueryProblem, match="400"):
        client.validate("no turtle")


def test_a_change_needs_a_token_and_keeps_the_shapes(
    client: Client, writer: Client, graph: str
) -> None:
    update = f"INSERT DATA {{ GRAPH <{graph}> {{ {BROKEN} }} }}"
    with pytest.raises(NotAllowed, match="401 Token needed") as raised:
        client.update(update)
    assert raised.value.status == 401
    with pytest.raises(Refused, match="A summit has one first day") as refused:
        writer.update(update)
    assert refused.value.report["results"]
    tried = writer.update(
        f"INSERT DATA {{ GRAPH <{graph}> {{ <{EX}a> <{EX}b> $n }} }}", dry_run=True, n=3
    )
    assert (tried.generation, tried.added) == (0, 1)
    assert not client.ask(f"ASK {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")


# What goes wrong.


def test_mistakes_are_told_in_one_message(client: Client, server: Instance) -> None:
    with pytest.raises(QueryProblem, match="400 Syntax error") as raised:
        client.query("SELECT ?s {\n ?s ?p }")
    assert raised.value.line == 2
    with pytest.raises(NotFound, match="There is no question “nothing”"):
        client.query("nothing")
    with pytest.raises(UnexpectedAnswer, match="use ask"):
        client.query("ASK {}")
    with pytest.raises(UnexpectedAnswer, match="boolean"):
        client.ask("SELECT * {} ")
    with pytest.raises(NotFound, match="404"):
        Client(server.address, generation=99_999).ask("ASK {}")
    with pytest.raises(Unreachable, match=r"Nobody answers at http://127\.0\.0\.1:1"):
        Client("http://127.0.0.1:1").ask("ASK {}")
    for address in ("localhost:7878", "ftp://x/", "http://user:secret@x/", "file:///etc/passwd"):
        with pytest.raises(ValueError, match="address"):
            Client(address)
    with pytest.raises(ValueError, match="frame is one of pandas and polars"):
        client.query("SELECT * {}", frame="excel")


class _Handler(BaseHTTPRequestHandler):
    """Answers with what the server was told to, one after another, and remembers the requests."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append(dict(self.headers))
        status, headers, body = server.answers.pop(0)
        if status == 0:
            threading.Event().wait(2)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def answering(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[Any]:
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    server.answers, server.seen = list(answers), []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


YES: Final = (
    200,
    {"Content-Type": "application/sparql-results+json"},
    b'{"head": {}, "boolean": true}',
)


def test_a_server_without_room_is_asked_again_when_it_says() -> None:
    busy = (503, {"Retry-After": "0"}, b"")
    with answering(busy, (429, {"Retry-After": "0"}, b""), YES) as fake:
        assert Client(f"http://127.0.0.1:{fake.server_port}").ask("ASK {}")
        assert len(fake.seen) == 3
    with answering(busy, busy) as fake, pytest.raises(ServerBusy):
        Client(f"http://127.0.0.1:{fake.server_port}", retries=1).ask("ASK {}")


def test_a_token_is_not_sent_on_to_where_a_server_redirects() -> None:
    with answering(YES) as other:
        there = {"Location": f"http://127.0.0.1:{other.server_port}/elsewhere"}
        with answering((302, there, b"")) as fake:
            assert Client(f"http://127.0.0.1:{fake.server_port}", token="secret").ask("ASK {}")
            assert fake.seen[0]["Authorization"] == "Bearer secret"
        assert "Authorization" not in other.seen[0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html>"), UnexpectedAnswer),
        ((200, {}, b'{"boolean": '), UnexpectedAnswer),
        ((200, {}, b"[" * 100_000), UnexpectedAnswer),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), Unreachable),
        ((200, {}, b" " * 2_000), UnexpectedAnswer),
        ((500, {"Content-Type": "text/html"}, b"<h1>oh</h1>"), PeninsulaClientError),
        ((504, {"Content-Type": "application/problem+json"}, b'{"title": "late", "detail": "x"}'), TimedOut),
        ((0, {}, b""), TimedOut),
    ],
)  # fmt: skip
def test_whatever_a_server_answers_is_one_kind_of_error(
    answer: tuple[int, dict[str, str], bytes], kind: type[Exception]
) -> None:
    with answering(answer) as fake:
        # Only for the one that says nothing is waited in vain.
        timeout = 30 if answer[0] else 0.5
        client = Client(f"http://127.0.0.1:{fake.server_port}", timeout=timeout, most_bytes=1_000)
        with pytest.raises(kind):
            client.ask("ASK {}")


# Values.


def _texts(most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=most)


_ENDS: Final = timedelta(minutes=14 * 60)
values: Final = st.one_of(
    st.from_regex(r"http://example\.org/[a-z0-9é/-]{0,20}(#[a-z]{0,5})?", fullmatch=True).map(IRI),
    _texts(20),
    st.builds(Text, _texts(20), st.sampled_from(["en", "ko", "zh-Hant"])),
    st.builds(Literal, _texts(10), st.just(f"{EX}type")),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.timedeltas(-_ENDS, _ENDS).map(lambda d: timezone(timedelta(minutes=d // timedelta(minutes=1))))),
)  # fmt: skip


def as_json(value: Value) -> dict[str, str]:
    """Return a value as SPARQL JSON, by way of the engine's parser."""
    text = f"<urn:x> <urn:x> {write_term(value)} .".encode()
    term = next(iter(ox.parse(text, format=ox.RdfFormat.N_TRIPLES))).object
    if isinstance(term, ox.NamedNode):
        return {"type": "uri", "value": term.value}
    assert isinstance(term, ox.Literal)
    more = {"xml:lang": term.language} if term.language else {"datatype": term.datatype.value}
    return {"type": "literal", "value": term.value, **more}


def same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    more = ("language", "datatype")
    return one == other and all(getattr(one, m, None) == getattr(other, m, None) for m in more)


@given(values)
def test_a_value_comes_through_as_it_is(value: Value) -> None:
    read = read_term(as_json(value))
    expected = str(value).lower() if isinstance(value, Text) else value
    if isinstance(value, Text):
        # Language tags have no case.
        assert isinstance(read, Text) and str(read) == str(value)
        assert read.language.lower() == value.language.lower()
    else:
        assert same(read, expected), (read, value)
        assert type(read) is type(value)


def answer_of(column: list[Value | None]) -> Answer:
    bindings = [{} if v is None else {"x": as_json(v)} for v in column]
    document = json.loads(json.dumps({"head": {"vars": ["x"]}, "results": {"bindings": bindings}}))
    variables, rows = read_solutions(document)
    return Answer(variables, tuple(rows), Provenance("", "", datetime.now(UTC)))


columns: Final = st.one_of(
    st.lists(st.none() | values, max_size=6),
    *(st.lists(st.none() | part, max_size=6) for part in (
        st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(), st.dates(), st.datetimes(),
        st.datetimes(timezones=st.just(UTC)), st.decimals(allow_nan=False, allow_infinity=False, places=3),
    )),
)  # fmt: skip


def from_pandas(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") else value


@settings(max_examples=150, deadline=None)
@given(columns)
def test_a_frame_of_pandas_holds_the_same_values(column: list[Value | None]) -> None:
    answer = answer_of(column)
    frame = answer.frame("pandas")
    assert len(frame) == len(column)
    found = [from_pandas(value) for value in frame["x"]]
    for one, other in zip(answer.column("x"), found, strict=True):
        assert same(one, other), (one, other)


@settings(max_examples=150, deadline=None)
@given(columns)
def test_a_frame_of_polars_holds_the_same_values(column: list[Value | None]) -> None:
    answer = answer_of(column)
    frame = answer.frame("polars")
    kinds = {type(v) for v in answer.column("x") if v is not None}
    for one, other in zip(answer.column("x"), frame["x"].to_list(), strict=True):
        if frame.schema["x"] == pl.String and one is not None and not isinstance(one, str):
            assert isinstance(other, str)  # kinds that polars cannot hold together stay texts
            assert len(kinds) > 1 or isinstance(one, int | Decimal | datetime)
        else:
            assert same(str(one) if isinstance(one, str) else one, other), (one, other)


def test_names_are_written_in_full() -> None:
    assert (
        iri("state:russia") == expand("state:russia")
        and iri("state:russia").short == "state:russia"
    )
    for wrong in ("russia", "http://x/a b", "http://x/<b>"):
        with pytest.raises(ValueError, match="is no IRI"):
            iri(wrong)


def test_another_endpoint_is_asked_as_well(server: Instance) -> None:
    other = Client(endpoint=f"{server.address}sparql", frame="polars")
    assert other.query(f"SELECT * FROM <{PEOPLE}> {{ ?s ?p ?o }}").height == 8
    assert other.entity(f"{EX}ann").values(f"{EX}age") == [41]
