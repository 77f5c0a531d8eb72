"""The gateway to services of others: what it asks, what it takes in, how it waits and remembers.

Over real processes: ``oxigraph serve``, and in front of it a proxy that fails as a test says.
"""

from __future__ import annotations

import gzip
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pyoxigraph as ox
import pytest

from peninsula import __version__
from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    ClientGone,
    Overloaded,
    PeninsulaError,
    ServiceForbidden,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.answers import Answer, Answers
from peninsula.federation.gateway import Gateway
from peninsula.federation.results import GENID, TIMEOUT_MARK
from peninsula.federation.room import Room
from peninsula.federation.services import WIKIDATA, Service, Services
from peninsula.federation.wire import Patience
from peninsula.metrics import SERVICE_OUTCOMES, Metrics
from tests.wikidata import servers
from tests.wikidata.servers import JSON, NTRIPLES, TURTLE, XML, Body, Proxy

TSV: Final = "text/tab-separated-values"
DATA: Final = b"""
PREFIX x: <http://example.org/> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
x:a x:name "Kim"@en, "\xea\xb9\x80"@ko ; x:born "1984-01-08"^^xsd:date ; x:count 1 ; x:knows _:b .
_:b x:name "Nobody" .
"""
NAMES: Final = "PREFIX x: <http://example.org/> SELECT ?name { x:a x:name ?name } ORDER BY ?name"
ALL: Final = "SELECT * { ?s ?p ?o }"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Service]:
    path = tmp_path_factory.mktemp("service") / "data.ttl"
    path.write_bytes(DATA)
    with servers.serving(path) as running:
        yield running


@pytest.fixture
def proxy(engine: servers.Service) -> Iterator[Proxy]:
    with Proxy(engine.address) as standing:
        yield standing


@pytest.fixture
def service(proxy: Proxy) -> Service:
    return Service("test", proxy.address, is_trusted=True, timeout=20.0)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    started = Nursery.start()
    yield started
    started.close()


class Log:
    """What a gateway counts."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def __call__(self, service: str, outcome: str, *, seconds: float, received: int) -> None:
        assert seconds >= 0 and received >= 0
        assert outcome in SERVICE_OUTCOMES
        self.entries.append((service, outcome))

    @property
    def outcomes(self) -> list[str]:
        return [outcome for _, outcome in self.entries]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def gateway(nursery: Nursery, log: Log) -> Gateway:
    return Gateway(contact="me@example.org", nursery=nursery, observe=log, backoff=0.01)


def failure(gateway: Gateway, service: Service, query: str = ALL, **more: Any) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as raised:
        gateway.select(service, query, **more)
    assert "“test”" in raised.value.message
    assert "\n" not in str(raised.value)
    assert service.address not in str(raised.value)
    return raised.value


def results(*rows: str, variables: str = '"a"') -> bytes:
    return (
        f'{{"head":{{"vars":[{variables}]}},"results":{{"bindings":[{",".join(rows)}]}}}}'.encode()
    )


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


# Time.


@pytest.mark.parametrize(
    "fault",
    [servers.Slow(), servers.Slow(before=30.0), servers.Nothing()],
    ids=["dribbles", "late", "silent"],
)
def test_the_time_is_one_for_the_whole_exchange(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log, fault: servers.Fault
) -> None:
    proxy.script(fault)
    began = time.monotonic()
    error = failure(gateway, service, timeout=0.4)
    assert 0.3 < time.monotonic() - began < 5
    assert isinstance(error, UpstreamTimeout) and error.status == 504
    assert log.outcomes == ["timeout"]


def test_the_service_has_a_limit_of_its_own(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.script(servers.Nothing())
    began = time.monotonic()
    failure(gateway, replace(service, timeout=0.3), timeout=30)
    assert time.monotonic() - began < 3


def test_a_client_that_leaves_breaks_it_off(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    proxy.script(servers.Nothing())
    left = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(gateway.select, service, ALL, is_gone=left.is_set)
        wait_until(lambda: proxy.seen)
        left.set()
        with pytest.raises(ClientGone):
            call.result(10)
    wait_until(lambda: proxy.seen[0].until)
    assert log.outcomes == ["gone"]
    assert gateway.calls == 0


@pytest.mark.parametrize("is_date", [False, True])
def test_it_waits_as_long_as_it_is_told(
    gateway: Gateway, service: Service, proxy: Proxy, *, is_date: bool
) -> None:
    # A date has whole seconds.
    proxy.script(servers.TooMany(2, is_date=is_date))
    assert gateway.select(service, ALL).rows
    first, second = proxy.seen
    assert (0.9 if is_date else 1.95) < second.at - first.at < 4


def test_a_service_that_had_enough_is_left_alone_by_all(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    proxy.script(servers.TooMany(300))
    error = failure(gateway, service)
    assert isinstance(error, UpstreamBusy) and error.status == 503
    assert error.headers() == {"Retry-After": "300"}
    began = time.monotonic()
    for number in range(5):
        assert isinstance(failure(gateway, service, f"{ALL} LIMIT {number}"), UpstreamBusy)
    assert time.monotonic() - began < 5
    assert len(proxy.seen) == 1
    assert set(log.outcomes) == {"busy"}
    assert 290 < gateway.pauses()["test"] <= 300


def test_429_without_a_time_is_heeded_longer_each_time(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.always = servers.TooMany(None)
    error = failure(gateway, replace(service, timeout=4.0))
    assert isinstance(error, UpstreamBusy) and error.retry_after == 4
    first, second = proxy.seen
    assert 1.95 < second.at - first.at < 3.9


def test_no_service_is_left_alone_for_years(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.script(servers.Status(429, {"Retry-After": "999999999"}))
    failure(gateway, service)
    assert 3590 < gateway.pauses()["test"] <= 3600


@pytest.mark.parametrize(
    "value", ["soon", "-1", "1e9", "1" * 5000, "Wed, 99 Nov 2026 00:00:00 GMT"]
)
def test_a_retry_after_that_says_nothing(
    gateway: Gateway, service: Service, proxy: Proxy, value: str
) -> None:
    proxy.script(servers.Status(503, {"Retry-After": value}))
    assert gateway.select(service, ALL).rows, "tried again like any 503"


def test_few_ask_at_a_time(gateway: Gateway, service: Service, proxy: Proxy) -> None:
    proxy.latency = 0.1
    queries = [f"{ALL} LIMIT {number}" for number in range(9)]
    with ThreadPoolExecutor(9) as pool:
        tables = list(pool.map(lambda query: gateway.select(service, query), queries))
    assert [len(table.rows) for table in tables] == [min(number, 6) for number in range(9)]
    assert proxy.most_at_once == 3 == service.max_requests - 1, "one is left to other clients"


def test_who_finds_no_turn_is_told_to_come_again(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.always = servers.Nothing()
    only = replace(service, max_requests=1)
    left = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(gateway.select, only, ALL, is_gone=left.is_set)
        wait_until(lambda: proxy.seen)
        error = failure(gateway, only, "ASK {}", timeout=0.3)
        assert isinstance(error, UpstreamBusy) and "too many at once" in error.message
        left.set()
        with pytest.raises(ClientGone):
            call.result(10)


def test_no_more_calls_than_there_are_threads_for(
    nursery: Nursery, service: Service, proxy: Proxy
) -> None:
    gateway = Gateway(nursery=nursery, most_at_once=2)
    proxy.always = servers.Nothing()
    left = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(gateway.select, service, f"{ALL} LIMIT {number}", is_gone=left.is_set)
            for number in range(2)
        ]
        wait_until(lambda: gateway.calls == 2)
        began = time.monotonic()
        with pytest.raises(Overloaded, match="2 queries that ask services"):
            gateway.select(service, ALL)
        assert time.monotonic() - began < 5
        left.set()
        for call in calls:
            with pytest.raises(ClientGone):
                call.result(10)


# What is known already.


def test_an_answer_is_used_again(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    one = gateway.select(service, NAMES)
    assert gateway.select(service, NAMES) == one
    assert len(proxy.seen) == 1
    # Whoever changes what it was given changes nothing for others.
    one.rows.clear()
    assert len(gateway.select(service, NAMES).rows) == 2
    gateway.select(service, NAMES + " LIMIT 1")
    gateway.select(replace(service, address=f"{service.address}?a=b"), NAMES)
    gateway.select(replace(service, cache=0), NAMES)
    gateway.select(replace(service, cache=1e-9), NAMES)
    assert len(proxy.seen) == 5
    assert log.outcomes == ["ok", "cached", "cached", "ok", "ok", "ok", "ok"]


def test_a_pause_does_not_hide_what_is_known(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    known = gateway.select(service, NAMES)
    proxy.script(servers.TooMany(300))
    failure(gateway, service)
    assert gateway.select(service, NAMES) == known


def test_an_old_answer_only_where_the_operator_says_so(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    short = replace(service, cache=1e-9)
    kept = replace(short, stale=3600.0)
    known = gateway.select(kept, NAMES)
    proxy.always = servers.Status(503)
    stale = gateway.select(kept, NAMES)
    assert stale.is_stale
    assert (stale.rows, stale.retrieved) == (known.rows, known.retrieved)
    assert log.outcomes == ["ok", "unreachable", "stale"]
    proxy.always = servers.BAD_JSON
    failure(gateway, kept, NAMES)
    proxy.always = servers.Status(503)
    failure(gateway, short, NAMES)
    failure(gateway, kept, NAMES)  # what is too old was dropped


def test_who_asks_the_same_at_the_same_time_shares_one_request(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    proxy.latency = 0.3
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(gateway.select, service, NAMES) for _ in range(8)]
        tables = [call.result() for call in calls]
    assert len(proxy.seen) == 1
    assert all(table == tables[0] for table in tables)
    assert log.outcomes.count("ok") == 1
    assert set(log.outcomes) <= {"ok", "shared", "cached"}


class Withheld(servers.Fault):
    """A broken answer that comes once the test says so."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def play(self, answering: servers.Answering) -> None:
        wait_until(self.release.is_set)
        servers.BAD_JSON.play(answering)


def test_who_shares_a_request_shares_its_failure(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    withheld = Withheld()
    proxy.script(withheld)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(gateway.select, service, NAMES) for _ in range(4)]
        wait_until(lambda: gateway.calls == 4 and proxy.seen)
        withheld.release.set()
        errors = [call.exception(10) for call in calls]
    assert all("cannot be read" in str(error) for error in errors), errors
    assert len({id(error) for error in errors}) == 4, "each has its own traceback"
    assert len(proxy.seen) == 1
    assert len(gateway.select(service, NAMES).rows) == 2


def test_whoever_runs_the_errand_may_leave_the_others_are_answered(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    release = threading.Event()
    proxy.script(servers.Call(lambda: wait_until(release.is_set)))
    left = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        leader = pool.submit(gateway.select, service, NAMES, is_gone=left.is_set)
        wait_until(lambda: proxy.seen)
        follower = pool.submit(gateway.select, service, NAMES, is_gone=lambda: False)
        wait_until(lambda: gateway.calls == 2)
        left.set()
        release.set()
        assert len(follower.result(10).rows) == 2
        leader.exception(10)
    assert len(proxy.seen) == 1


def test_a_hasty_one_does_not_fail_who_has_time(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.script(servers.Nothing(), None)
    with ThreadPoolExecutor(2) as pool:
        hasty = pool.submit(gateway.select, service, NAMES, timeout=0.5)
        wait_until(lambda: proxy.seen)
        patient = pool.submit(gateway.select, service, NAMES)
        assert isinstance(hasty.exception(5), UpstreamTimeout)
        assert len(patient.result(10).rows) == 2


def test_the_cache_has_a_size() -> None:
    def answer(size: int) -> Answer:
        return Answer(b"x" * size, "token", datetime.now(UTC), time.monotonic())

    answers = Answers(100_000)
    for number in range(50):
        answers.keep(("a", "solutions", str(number)), answer(5_000))
        assert answers.bytes <= 100_000
    assert answers.find(("a", "solutions", "0")) is None
    assert answers.find(("a", "solutions", "49"))
    before = answers.bytes
    answers.keep(("a", "solutions", "large"), answer(50_000))
    assert answers.find(("a", "solutions", "large")) is None, "no answer drives out all others"
    assert answers.bytes == before
    answers.keep(("a", "solutions", "49"), answer(10))
    answers.drop(("a", "solutions", "49"))
    answers.keep(("a", "solutions", "q" * 30_000), answer(10))  # long queries count, too
    assert answers.find(("a", "solutions", "q" * 30_000)) is None


def test_no_cache_at_all(nursery: Nursery, service: Service, proxy: Proxy) -> None:
    gateway = Gateway(nursery=nursery, cache_bytes=0)
    assert gateway.select(service, NAMES) == gateway.select(service, NAMES)
    assert len(proxy.seen) == 2
    assert gateway.kept_bytes == 0


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


# What is told of it.


def test_its_numbers(service: Service, nursery: Nursery, proxy: Proxy) -> None:
    metrics = Metrics("1")
    gateway = Gateway(nursery=nursery, observe=metrics.count_service)
    gateway.select(service, NAMES)
    gateway.select(service, NAMES)
    proxy.script(servers.BAD_JSON)
    failure(gateway, service)
    text = metrics.exposition().decode()
    for outcome in ("ok", "cached", "failed"):
        line = f'peninsula_service_requests_total{{outcome="{outcome}",service="test"}} 1.0'
        assert line in text, outcome
    assert 'peninsula_service_seconds_count{service="test"} 2.0' in text
    received = re.search(r'service_received_bytes_total\{service="test"\} (\S+)', text)
    assert received and float(received[1]) == proxy.sent
    assert "127.0.0.1" not in text
    with pytest.raises(ValueError, match="nonsense"):
        metrics.count_service("test", "nonsense")


def test_its_log(
    gateway: Gateway, service: Service, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "peninsula.federation.courier")
    proxy.script(servers.Status(503), None, servers.Redirect("http://10.0.0.1/secret"))
    gateway.select(service, NAMES)
    failure(gateway, service)
    good, bad = (record.__dict__["fields"] for record in caplog.records)
    assert (good["service"], good["outcome"], good["tries"]) == ("test", "ok", 2)
    assert (
        good["received"] > 0 and good["sent"] > 0 and re.fullmatch(r"[0-9a-f]{12}", good["query"])
    )
    # The operator is told where it led, whoever asked is not.
    assert "http://10.0.0.1/secret" in bad["detail"] and bad["outcome"] == "failed"


# Memory.


def test_what_is_taken_in_takes_room_until_it_is_given_back(
    gateway: Gateway, service: Service
) -> None:
    room = Room(100_000)
    with room.part() as part:
        gateway.select(service, NAMES, part=part)
        one = part.used
        assert 0 < one == room.used < 100_000
        gateway.select(service, NAMES, part=part)
        assert part.used == 2 * one, "known or not, it is there twice"
    assert (part.used, room.used) == (0, 0)


def test_who_has_nothing_waits_for_room_and_who_has_some_does_not(
    gateway: Gateway, service: Service
) -> None:
    room = Room(10)
    with room.part() as mine:
        # More than there is, where nobody else has any.
        gateway.select(service, NAMES, part=mine)
        with room.part() as other:
            began = time.monotonic()
            with pytest.raises(Overloaded, match="all the room"):
                gateway.select(service, NAMES, part=other, timeout=0.3)
            assert 0.2 < time.monotonic() - began < 5
            with pytest.raises(ClientGone):
                gateway.select(service, NAMES, part=other, is_gone=lambda: True)
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(gateway.select, service, NAMES, part=other)
                mine.give_back()
                assert len(waiting.result(5).rows) == 2
            assert other.used > 0
    assert room.used == 0
    small = Room(10)
    with small.part("a") as one, small.part("b") as two:
        one.take(4, Patience(1))
        two.take(4, Patience(1))
        began = time.monotonic()
        with pytest.raises(Overloaded):
            one.take(4, Patience(20))
        assert time.monotonic() - began < 5, "each would wait for the other"


# Which services there are.


def test_services_are_found_by_address_and_by_name() -> None:
    services = Services()
    assert list(services) == [WIKIDATA]
    assert services.find("https://query.wikidata.org/sparql") is WIKIDATA
    assert services.find("peninsula:wikidata") is WIKIDATA
    for iri in (
        "https://query.wikidata.org/sparql/",
        "https://query.wikidata.org/sparql?x",
        "https://query.wikidata.org/sparql#x",
        "http://query.wikidata.org/sparql",
        "https://query.wikidata.org:443/sparql",
        "https://QUERY.wikidata.org/sparql",
        "https://query.wikidata.org.evil.example/sparql",
        "https://query.wikidata.org@evil.example/sparql",
        "https://query.wikidata.org/%73parql",
        "peninsula:Wikidata",
        "peninsula:",
        "PENINSULA:wikidata",
        "",
        "x" * 100_000,
    ):
        with pytest.raises(ServiceForbidden) as raised:
            services.find(iri)
        assert raised.value.status == 403
        assert "<peninsula:wikidata>" in raised.value.remedy
        assert len(str(raised.value)) < 1000


def test_an_operator_is_told_how_to_allow_one() -> None:
    with pytest.raises(ServiceForbidden, match="--services NAME=IRI"):
        Services().find("http://example.org/sparql")
    with pytest.raises(ServiceForbidden, match="switched services off"):
        Services(()).find("peninsula:wikidata")
    inside = Services([Service("own", "http://10.0.0.1/secret", is_trusted=True)])
    with pytest.raises(ServiceForbidden) as raised:
        inside.find("http://10.0.0.1/secrets")
    assert "10.0.0.1/secret>" not in str(raised.value), "where it is, is for the operator"


# Where answers are parsed.


def test_a_gateway_by_itself_starts_what_it_needs_once(service: Service) -> None:
    gateway = Gateway()
    before = set(threading.enumerate())

    def started() -> set[threading.Thread]:
        return set(threading.enumerate()) - before

    try:
        # Threads come and go: what was started lives on.
        for number in range(3):
            with ThreadPoolExecutor(1) as pool:
                query = f"{NAMES} LIMIT {number}"
                assert len(pool.submit(gateway.select, service, query).result().rows) == min(
                    number, 2
                )
        # Those of the proxy end when their connections do, a moment later.
        wait_until(lambda: len(started()) == 1)
        assert not any("process_request" in thread.name for thread in started())
    finally:
        gateway.close()
    with pytest.raises(PeninsulaError, match="closed"):
        gateway.select(service, ALL)


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait for what should be so at once; fail after seconds."""
    until = time.monotonic() + servers.PATIENCE
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.005)
