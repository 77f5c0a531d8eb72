"""What the gateway asks of a service of others, and what it takes in."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from datetime import UTC, datetime

import pyoxigraph as ox
import pytest

from peninsula import __version__
from peninsula.errors import (
    UpstreamBusy,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.gateway import Gateway
from peninsula.federation.results import GENID, TIMEOUT_MARK
from peninsula.federation.services import Service
from tests.wikidata import servers
from tests.wikidata.servers import JSON, NTRIPLES, TURTLE, XML, Body, Proxy

from .asking import ALL, NAMES, TSV, Log, failure, results

# What is asked, and what comes back.


def test_rows_keep_their_types(gateway: Gateway, service: Service) -> None:
    table = gateway.select(
        service,
        "PREFIX x: <http://example.org/> SELECT * { x:a x:born ?born ; x:count ?count "
        "OPTIONAL { x:a x:none ?none } }",
    )
    date, integer = (
        ox.NamedNode(f"http://www.w3.org/2001/XMLSchema#{name}") for name in ("date", "integer")
    )
    assert dict(zip(table.variables, table.rows[0], strict=True)) == {
        "born": ox.Literal("1984-01-08", datatype=date),
        "count": ox.Literal("1", datatype=integer),
        "none": None,
    }
    assert (datetime.now(UTC) - table.retrieved).total_seconds() < 60
    assert not table.is_stale


def test_it_is_asked_by_post_and_told_who_asks(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    query = "SELECT ('김 & <>+%' AS ?a) {}"
    assert gateway.select(service, query).rows == [(ox.Literal("김 & <>+%"),)]
    (seen,) = proxy.seen
    assert (seen.method, seen.query) == ("POST", query)
    assert seen.headers["accept"].startswith("application/sparql-results+json, ")
    assert seen.headers["accept-encoding"] == "gzip"
    assert re.fullmatch(
        rf"peninsula/{re.escape(__version__)} \(me@example\.org\) Python/3\.\d+\.\d+",
        seen.headers["user-agent"],
    )
    assert not {"cookie", "authorization", "referer"} & set(seen.headers)


def test_triples(gateway: Gateway, service: Service, proxy: Proxy) -> None:
    query = "CONSTRUCT { ?s <x:p> ?o } { ?s <http://example.org/count> ?o }"
    (triple,) = gateway.construct(service, query)
    assert (triple.subject, triple.object) == (ox.NamedNode("http://example.org/a"), ox.Literal(1))
    assert proxy.seen[0].headers["accept"].startswith("application/n-triples, ")


@pytest.mark.parametrize(
    "body",
    [
        Body(results('{"a":{"type":"literal","value":"x","xml:lang":"en"}}', "{}")),
        Body(
            results('{"a":{"type":"literal","value":"x","xml:lang":"en"}}', "{}"),
            "application/json; charset=utf-8",
        ),
        Body(b'?a\n"x"@en\n\n', TSV),
        Body(
            b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- by hand -->'
            b'<sparql xmlns="http://www.w3.org/2005/sparql-results#"><head><variable name="a"/></head>'
            b'<results><result><binding name="a"><literal xml:lang="en">x</literal></binding></result>'
            b"<result></result></results></sparql>",
            XML,
        ),
    ],
    ids=["json", "plain json", "tsv", "xml"],
)
def test_rows_in_every_format(gateway: Gateway, service: Service, proxy: Proxy, body: Body) -> None:
    proxy.script(body)
    table = gateway.select(service, ALL)
    assert (table.variables, table.rows) == (("a",), [(ox.Literal("x", language="en"),), (None,)])


@pytest.mark.parametrize(
    "body",
    [
        Body(b"<x:s> <x:p> <x:o> .\n", NTRIPLES),
        Body(b"PREFIX x: <x:> x:s x:p x:o .", TURTLE),
        Body(
            b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="x:">'
            b'<r:Description r:about="x:s"><x:p r:resource="x:o"/></r:Description></r:RDF>',
            "application/rdf+xml",
        ),
    ],
    ids=["ntriples", "turtle", "rdfxml"],
)
def test_triples_in_every_format(
    gateway: Gateway, service: Service, proxy: Proxy, body: Body
) -> None:
    proxy.script(body)
    triple = ox.Triple(*(ox.NamedNode(f"x:{name}") for name in "spo"))
    assert gateway.construct(service, "DESCRIBE <x:s>") == [triple]


def test_blank_nodes_become_iris_of_their_answer(gateway: Gateway, service: Service) -> None:
    query = "PREFIX x: <http://example.org/> SELECT * { x:a x:knows ?b . ?c x:name 'Nobody' }"
    one = gateway.select(service, query)
    (row,) = one.rows
    assert row[0] == row[1]
    assert isinstance(row[0], ox.NamedNode)
    assert re.fullmatch(rf"{re.escape(GENID)}[0-9a-f]{{16}}-0", row[0].value)
    assert gateway.select(service, query) == one, "the same answer, from the cache"
    other = gateway.select(replace(service, cache=0), query)
    assert other.rows[0][0] not in {None, row[0]}, "another answer, and no node of the first"
    triples = gateway.construct(service, "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }")
    assert not any(
        isinstance(term, ox.BlankNode)
        for triple in triples
        for term in (triple.subject, triple.object)
    )


def test_what_is_compressed_is_unpacked(gateway: Gateway, service: Service, proxy: Proxy) -> None:
    body = results('{"a":{"type":"uri","value":"x:y"}}')
    half = len(body) // 2
    members = gzip.compress(body[:half]) + gzip.compress(body[half:])
    for packed, name in ((gzip.compress(body), "gzip"), (members, "x-gzip"), (body, "identity")):
        proxy.script(Body(packed, headers={"Content-Encoding": name}))
        assert gateway.select(service, f"{ALL} # {name}").rows == [(ox.NamedNode("x:y"),)]
    proxy.script(Body(gzip.compress(body)[:-9], headers={"Content-Encoding": "gzip"}), None)
    gateway.select(service, f"{ALL} # broken off, and asked again")
    assert len(proxy.seen) == 5


# What goes wrong.


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (servers.MediaType("text/html"), "sends “text/html” instead of results of SPARQL"),
        (servers.MediaType(None), "does not tell the media type"),
        (servers.MediaType(XML), "says that it sends XML, and it is none"),
        (Body(b"<!doctype html>"), "says that it sends JSON, and it is none, but XML or HTML"),
        (servers.MediaType("text/csv"), "sends “text/csv” instead"),
        (servers.BAD_JSON, "sends JSON that cannot be read: .*end of file"),
        (servers.WRONG_JSON, "'boolean' or a 'results' key"),
        (servers.BAD_XML, "sends XML that cannot be read"),
        (servers.DOCTYPE, "a DOCTYPE is not allowed"),
        (servers.BINARY, "sends JSON, and it is none"),
        (Body(b'{"head":{},"boolean":true}'), "sends a truth value instead of rows"),
        (Body(b""), "sends JSON, and it is none"),
        (Body(results('{"b":{"type":"uri","value":"x:y"}}')), "cannot be read"),
        (Body(results('{"a":{"type":"uri","value":"no iri"}}')), "cannot be read: Invalid uri"),
        (Body(results() + b"{}"), "cannot be read"),
        (
            servers.Status(400, body=b"Malformed\x00\nquery"),
            "answers 400 Bad Request: Malformed query",
        ),
        (servers.Status(403), "answers 403 Forbidden: not now. Perhaps it has banned"),
        (
            servers.Status(404, body=b"<p>", media_type="text/html"),
            "answers 404 Not Found. Whoever",
        ),
        (servers.Status(204), "answers 204"),
        (servers.Status(301), "has no Location"),
    ],
)
def test_what_is_no_answer_is_told(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log, fault: servers.Fault, words: str
) -> None:
    proxy.script(fault)
    error = failure(gateway, service)
    assert re.search(words, str(error)), str(error)
    assert error.status == 502
    assert len(proxy.seen) == 1, "nothing that another try would mend"
    assert log.outcomes == ["failed"]
    # It is not remembered.
    assert gateway.select(service, ALL).rows


def test_an_answer_in_which_the_service_gives_up_took_too_long(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    trace = b"\njava.util.concurrent.TimeoutException\n\tat com.bigdata"
    assert TIMEOUT_MARK in trace
    for fault in (
        Body(results('{"a":{"type":"uri","value":"x:y"}}')[:-3] + trace),
        servers.Status(500, body=trace),
    ):
        proxy.script(fault)
        error = failure(gateway, service)
        assert isinstance(error, UpstreamTimeout) and error.status == 504


def test_more_rows_than_are_taken(gateway: Gateway, service: Service, proxy: Proxy) -> None:
    narrow = replace(service, max_rows=3)
    cell = '{"a":{"type":"uri","value":"x:y"}}'
    proxy.script(Body(results(*[cell] * 3)), Body(results(*[cell] * 4)))
    assert len(gateway.select(narrow, "SELECT 1").rows) == 3
    assert "more than 3 rows" in failure(gateway, narrow, "SELECT 2").message
    wide = ",".join(f'"v{number}"' for number in range(24))
    proxy.script(Body(results("{}", "{}", variables=wide)))
    assert "more than 1 rows of 24 variables" in failure(gateway, narrow, "SELECT 3").message
    with pytest.raises(UpstreamFailed, match="more than 3 triples"):
        gateway.construct(narrow, "CONSTRUCT WHERE { ?s ?p ?o }")


@pytest.mark.parametrize(
    "fault",
    [
        servers.Status(502),
        servers.Status(503),
        servers.Status(504),
        servers.HangUp(),
        servers.HangUp(is_reset=True),
        servers.Cut(),
        servers.Cut(after=0, is_chunked=True),
        servers.Cut(after=40, is_chunked=True),
        servers.Cut(after=40, is_reset=True),
        servers.TooMany(0),
        servers.TooMany(0, status=503),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again_a_few_times(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log, fault: servers.Fault
) -> None:
    proxy.script(fault)
    assert gateway.select(service, ALL).rows
    assert len(proxy.seen) == 2
    assert log.outcomes == ["ok"]
    proxy.always = fault
    error = failure(gateway, service, f"{ALL} LIMIT 1")
    assert isinstance(error, UpstreamUnreachable | UpstreamBusy)
    assert len(proxy.seen) == 2 + 4


def test_nobody_listens(gateway: Gateway, log: Log) -> None:
    service = Service("test", f"http://127.0.0.1:{servers.free_port()}/", is_trusted=True)
    error = failure(gateway, service)
    assert isinstance(error, UpstreamUnreachable)
    assert "Connection refused" in error.message
    assert log.outcomes == ["unreachable"]


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_repeats_the_request(
    gateway: Gateway, service: Service, proxy: Proxy, status: int
) -> None:
    # A query changes nothing, so that repeating it is right, and GET would lose it.
    proxy.script(servers.Redirect(f"{service.address}?moved#there", status))
    assert len(gateway.select(service, NAMES).rows) == 2
    first, second = proxy.seen
    assert (second.method, second.query) == ("POST", first.query)
    assert second.path == f"{first.path}?moved"


def test_see_other_is_where_the_answer_is(gateway: Gateway, service: Service, proxy: Proxy) -> None:
    proxy.script(servers.Redirect("elsewhere?query=SELECT", 303), Body(results(), JSON))
    assert gateway.select(service, NAMES).rows == []
    second = proxy.seen[1]
    assert (second.method, second.body, second.path) == ("GET", b"", "/elsewhere?query=SELECT")
    assert "content-type" not in second.headers


def test_redirects_have_an_end(gateway: Gateway, service: Service, proxy: Proxy) -> None:
    proxy.always = servers.Redirect(service.address)
    assert "without end" in failure(gateway, service).message
    assert len(proxy.seen) == 6


def test_it_may_lead_to_a_host_that_the_operator_names(
    gateway: Gateway, service: Service, proxy: Proxy, engine: servers.Service
) -> None:
    proxy.always = servers.Redirect(engine.address, 307)
    failure(gateway, service)
    allowed = replace(service, hosts=(engine.host,))
    assert len(gateway.select(allowed, NAMES).rows) == 2
