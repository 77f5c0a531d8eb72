"""What is exchanged with others, tables, dumps, names, nanopublications, under attack.

Two servers of their own: ``crowded`` holds a thing with very many names, a claim with very many
topics and passages, and rings of reports; ``closed`` gives nothing away without a token.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import pytest

from peninsula.namespaces import PREFIXES

from .target import TURTLE, Reply, Target, find_status, started

_NAMES: Final = 60_000
_PASSAGES, _TOPICS = 400, 4000
_PREFIXES: Final = (
    "pen", "rdfs", "skos", "xsd", "state", "claim", "attribution", "topic", "passage",
)  # fmt: skip
#: Seconds for an answer of work whose queries may take two, on a machine with other things to do.
_LONGEST: Final = 15.0
_MOST_BYTES: Final = 700 << 20


def _write() -> Iterator[str]:
    for prefix in _PREFIXES:
        yield f"@prefix {prefix}: <{PREFIXES[prefix]}> ."
    yield "state:many a pen:State ."
    for i in range(_NAMES):
        yield f'state:many skos:altLabel "Namen {i} Kimov"@en .'
    long = "<script>alert(1)</script> wording " * 30_000
    yield f'state:long a pen:State ; rdfs:label "{long}"@en ; skos:altLabel "{"a" * 1_000_000}"@ko .'
    yield "claim:crowd a pen:Claim ."
    for i in range(_TOPICS):
        yield f"claim:crowd pen:hasTopic topic:crowd-{i}-{'x' * 200} ."
    for i in range(_PASSAGES):
        yield f"claim:crowd pen:hasPassage passage:crowd{i} . passage:crowd{i} pen:sentence {i} ."
    for i in range(50):
        yield (
            f"claim:ring{i} a pen:Claim ; pen:hasAttribution attribution:ring{i} ;"
            f' pen:paraphrase "=cmd|\' /C calc\'!A{i}"@en ; pen:from "99999999-01-01"^^xsd:date .'
            f" attribution:ring{i} pen:isReportedWithin attribution:ring{(i + 1) % 50} ;"
            f" pen:isAttributedTo <javascript:alert(1)> ; pen:level {'9' * 5000} ."
        )
    yield f"state:numbers <x:whole> {'9' * 10_000} ; <x:broken> 1.{'3' * 10_000}, 0.{'0' * 36}1 ;"
    yield ' <x:any> _:b, "NaN"^^xsd:double, "1e400"^^xsd:double, "x"@en, <javascript:x> ;'
    yield ' <x:day> "99999999-01-01"^^xsd:date, "2017-01-01"^^xsd:date .'


def _faults(server: Target) -> list[str]:
    """Return the lines of the log that tell of what nobody foresaw."""
    return [line for line in server.log().splitlines() if "traceback" in line.lower()]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("exchange")
    with started(folder, "--query-timeout", "2s", "--max-upload-bytes", "64MiB") as server:
        reply = server.upload("\n".join(_write()).encode(), TURTLE)
        assert reply.status == 201, str(reply)
        yield server
        assert not _faults(server)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with started(tmp_path_factory.mktemp("closed"), "--read-token") as server:
        yield server


def _json(value: object) -> str:
    return quote(json.dumps(value))


def _asked(query: str, format: str) -> str:
    return f"/sparql?{urlencode({'query': query, 'format': format})}"


#: Each address that exchanges something, with something that it knows.
ADDRESSES: Final = (
    "/search?q=kim", "/search?q=kim&format=json", "/search?q=kim&format=csv",
    "/tables", "/tables?format=json", "/tables/csvw.json", "/tables/claims", "/tables/claims.csv",
    "/tables/claims.parquet", "/tables/claims.arrow", "/tables/claims.arrows",
    "/tables/claims.ndjson", "/tables/claims.csv-metadata.json",
    "/dumps", "/dumps?format=json", "/dumps/peninsula.nq", "/dumps/peninsula.trig.gz",
    "/dumps/nothing.nq", "/dumps/nanopublications.trig",
    "/nanopub/claim/c1", "/nanopub/nothing.trig",
    f"/reconcile?queries={_json({'q': {'query': 'Kim'}})}", "/reconcile?query=Kim",
    f"/reconcile?extend={_json({'ids': ['state:many'], 'properties': [{'id': 'rdfs:label'}]})}",
    "/reconcile?names=Kim", "/reconcile?names=Kim&format=csv", "/reconcile/suggest/entity?prefix=K",
    "/reconcile/suggest/type?prefix=S", "/reconcile/suggest/property?prefix=f",
    "/reconcile/flyout/entity?id=state:russia", "/reconcile/flyout/type?id=pen:State",
    "/reconcile/preview?id=state:russia", "/reconcile/view?id=state:russia",
    "/reconcile/properties?type=pen:State",
    _asked("SELECT * { ?s a pen:Summit }", "parquet"), _asked("SELECT * { ?s a pen:Summit }", "arrow"),
    _asked('SELECT * { SERVICE <peninsula:search> { ?t search:text "Kim" } }', "json"),
    _asked("SELECT * { SERVICE <peninsula:wikidata-snapshot> { ?s ?p ?o } }", "json"),
    _asked("SELECT * { ?s a pen:Summit }", "json") + "&services=snapshot",
)  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_without_a_token_nothing_is_told(closed: Target, path: str, accept: str) -> None:
    for method in ("GET", "HEAD"):
        reply = closed.request(method, path, headers={"Accept": accept})
        assert reply.status == 401, f"{method} {path}: {reply}"
        assert "www-authenticate" in reply.headers
    assert closed.request("GET", path, headers={"Accept": accept}, role="read").status != 401


def test_the_manifest_tells_how_to_get_in_and_no_more(closed: Target) -> None:
    reply = closed.request("GET", "/reconcile")
    assert reply.status == 200
    assert json.loads(reply.body)["defaultTypes"] == []
    assert closed.request("GET", "/reconcile", headers={"Accept": "text/html"}).status == 401


# What somebody asks.


@pytest.mark.parametrize(
    "asked",
    [
        {"queries": '{"\\udfff": {"query": "x"}}'}, {"queries": '{"q": {"query": "\\ud800"}}'},
        {"queries": '{"q": {"query": "x", "type": "\\ud800"}}'},
        {"extend": '{"ids": ["\\ud800"], "properties": [{"id": "rdfs:label"}]}'},
        {"extend": '{"ids": ["state:many"], "properties": [{"id": "\\ud800"}]}'},
    ],
)  # fmt: skip
def test_half_a_character_is_told(crowded: Target, asked: dict[str, str]) -> None:
    for reply in (
        crowded.request("GET", f"/reconcile?{urlencode(asked)}"),
        crowded.request(
            "POST", "/reconcile", urlencode(asked).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        ),
    ):  # fmt: skip
        assert reply.status == 400, str(reply)
        assert "half of a character" in reply.problem["detail"]
        assert reply.seconds < 2
    batch = _json({"\U0001f600": {"query": "x"}})
    whole = crowded.request("GET", f"/reconcile?queries={batch}")
    assert whole.status == 200, str(whole)


@pytest.mark.parametrize(
    "name", ["claim/c%00", "c%00.trig", "claim/%0Ac", "claim/%3E%20%7D", "%1F"]
)
def test_a_name_that_can_be_none(crowded: Target, name: str) -> None:
    reply = crowded.request("GET", f"/nanopub/{name}")
    assert reply.status == 404, str(reply)
    assert reply.problem["detail"]


def test_a_nanopublication_of_a_state_leads_to_its_own_name(crowded: Target) -> None:
    reply = crowded.request("GET", "/nanopub/1/a%3Fb%23c")
    assert reply.status == 303
    assert reply.headers["location"] == "/nanopub/a%3Fb%23c?generation=1"
    answer = crowded.send(
        b"GET /nanopub/1/a%0d%0aSet-Cookie:%20x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert find_status(answer) in {303, 404}
    assert b"\nset-cookie" not in answer.lower()


@pytest.mark.parametrize("path", ["/tables/claims.parquet", "/tables/attributions.csv"])
@pytest.mark.parametrize(
    "wish",
    ["bytes=0-" + "9" * 400, "bytes=" + ",".join(f"{i}-{i + 9}" for i in range(2000)), "bytes=-0",
     "bytes=0-,0-,0-,0-", "bytes=9999999999-", "bytes=٣-٤", "bytes=5-1", "lines=1-2", "bytes=--1"],
)  # fmt: skip
def test_odd_ranges(closed: Target, path: str, wish: str) -> None:
    whole = closed.request("GET", path, role="read")
    assert whole.status == 200
    reply = closed.request(
        "GET", path, headers={"Range": wish.encode().decode("latin-1")}, role="read"
    )
    assert reply.status in {200, 206, 416, 431}, str(reply)
    # Nobody is sent more than there is.
    assert len(reply.body) <= max(len(whole.body), 1000)
    assert reply.seconds < 2


# What somebody stored.


def _check(server: Target, reply: Reply) -> None:
    assert reply.status in {200, 504, 507}, str(reply)
    if reply.status != 200:
        assert reply.problem["detail"]
    assert reply.seconds < _LONGEST, str(reply)
    memory = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
    peak = re.search(r"VmHWM:\s+(\d+) kB", memory)
    assert peak
    assert int(peak[1]) << 10 < _MOST_BYTES


@pytest.mark.parametrize(
    "path",
    [
        *(f"/search?q={text}&format={format}" for text in ("kimov", "namen+1", "wording", "zzxxqq")
          for format in ("json", "html", "csv")),
        f"/reconcile?queries={_json({'q': {'query': 'Namen 1 Kimov'}})}", "/reconcile?names=Namen+7",
        "/reconcile/suggest/entity?prefix=Namen", "/reconcile/preview?id=state:many",
        "/reconcile/flyout/entity?id=claim:crowd", "/reconcile/properties?type=pen:Claim",
        "/dumps/nanopublications.trig", "/nanopub/claim/crowd.jsonld", "/nanopub/claim/ring1",
        "/tables/attributions.csv", "/tables/attributions.parquet", "/tables/actors.arrow",
    ],
)  # fmt: skip
def test_crowds_are_bounded(crowded: Target, path: str) -> None:
    reply = crowded.request("GET", path)
    _check(crowded, reply)
    is_page = "html" in reply.headers["content-type"]
    assert not (is_page and b"<script>alert" in reply.body)


def test_very_many_names_cost_a_search_nothing(crowded: Target) -> None:
    began = time.monotonic()
    while json.loads(crowded.request("GET", f"/search?q=kimov&format=json&x={began}").body)[
        "provisional"
    ]:
        assert time.monotonic() - began < 120
        time.sleep(0.5)
    for text in ("kimov", "namen kimov", "namen 59999 kimov", "namin kimow"):
        reply = crowded.request("GET", f"/search?q={quote(text)}&format=json")
        assert reply.seconds < 2, str(reply)
        assert [hit["name"] for hit in json.loads(reply.body)["results"]] == ["state:many"]


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "ndjson"])
def test_a_table_that_takes_too_long_says_so(crowded: Target, ending: str) -> None:
    """While it is put together, nobody takes what its query gives; its client still waits."""
    _check(crowded, crowded.request("GET", f"/tables/claims.{ending}"))


@pytest.mark.parametrize("format", ["parquet", "arrow", "arrows"])
@pytest.mark.parametrize("name", ["x:whole", "x:broken", "x:any", "x:day"])
def test_odd_literals_in_columns(crowded: Target, name: str, format: str) -> None:
    reply = crowded.request("GET", _asked(f"SELECT * {{ ?s <{name}> ?v }}", format))
    assert reply.status == 200, str(reply)


@pytest.mark.alone
def test_fifty_who_take_nothing(crowded: Target) -> None:
    """Whoever asks for much and does not take it keeps nobody else waiting."""
    paths = ("/dumps/peninsula.nq", "/dumps/nanopublications.trig", "/tables/attributions.ndjson",
             "/dumps/peninsula.trig.gz", "/reconcile?names=Namen", "/search?q=namen")  # fmt: skip
    clients: list[socket.socket] = []
    with crowded.undisturbed():
        for i in range(50):
            client = crowded.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            path = paths[i % len(paths)]
            path += f"{'&' if '?' in path else '?'}x={i}"
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            clients.append(client)
        time.sleep(5)
        for client in clients:
            client.close()
