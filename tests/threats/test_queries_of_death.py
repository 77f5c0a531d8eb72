"""Rows 1, 2, 9, 10, 10b and 11: queries that crash, crawl, grow, or are not listened to."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from peninsula.errors import QueryTooComplex
from peninsula.policy import Policy
from tests.server.test_policy import BOMBS, UPDATE_BOMBS

from .target import ATTACKER, OTHERS, QUERY, Reply, Target, wait_until

CROSS = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l"
DEATH = f"SELECT (COUNT(*) AS ?n) {{ {CROSS} . ?m ?o ?p . ?q ?r ?s }}"
#: An answer of 84 million rows.
FLOOD = f"SELECT * {{ {CROSS} }}"
JSON = "application/sparql-results+json"


def limit_of(bomb: Callable[[int], str], check: Callable[[str], object]) -> int:
    """Return how much of ``bomb`` the policy lets pass at most."""
    low, high = 1, 6000
    while low < high:
        middle = (low + high + 1) // 2
        try:
            check(bomb(middle))
            low = middle
        except QueryTooComplex:
            high = middle - 1
    return low


#: As threats.md has them, word for word: what ended a process by SIGSEGV, or took seconds.
MEASURED = {
    "500 nested subselects": BOMBS["subselects"](500),
    "500 nested function calls": BOMBS["functions"](500),
    "500 nested EXISTS": BOMBS["exists"](500),
    "2,200 nested groups": BOMBS["groups"](2200),
    "4,650 parentheses": BOMBS["parentheses"](4650),
    "5,000 joined patterns": BOMBS["patterns"](5000),
    "20,000 UNION": BOMBS["unions"](20_000),
    "20,000 OPTIONAL": BOMBS["optionals"](9000),
    "50,000 ||": BOMBS["ors"](32_000),
    "50,000 +": BOMBS["sums"](50_000),
    "50,000 path steps": BOMBS["a path"](35_000),
    "2,000 nested OPTIONAL": BOMBS["nested optionals"](2000),
    "500 nested lists": BOMBS["nested lists"](500),
}


@pytest.mark.parametrize("name", MEASURED)
def test_what_crashed_the_engine_is_refused_by_a_named_limit(target: Target, name: str) -> None:
    reply = target.query(MEASURED[name])
    assert (reply.status, reply.kind) == (400, "query-too-complex"), str(reply)
    assert reply.problem["limit"] in {"max_depth", "max_joins", "max_links"}
    assert reply.seconds < 2


def test_no_query_is_longer_than_the_limit(target: Target) -> None:
    reply = target.query("SELECT * { ?s ?p '" + "x" * 300_000 + "' }")
    assert (reply.status, reply.problem["limit"]) == (400, "max_query_bytes")
    assert target.query("SELECT * { ?s ?p '" + "x" * 800_000 + "' }").status == 413


def test_queries_at_their_limits_disturb_nobody(target: Target) -> None:
    policy = Policy()

    def attack(bomb: Callable[[int], str]) -> tuple[Reply, Reply]:
        most = limit_of(bomb, policy.check)
        return target.query(bomb(most), parameters={"timeout": "1"}), target.query(bomb(most + 1))

    with target.undisturbed(), ThreadPoolExecutor(4) as crowd:
        replies = list(crowd.map(attack, BOMBS.values()))
    for name, (at, above) in zip(BOMBS, replies, strict=True):
        assert above.kind == "query-too-complex", name
        # Answered, or ended in time. None ends its process.
        assert at.status == 200 or at.kind == "query-timeout", f"{name}: {at}"
    assert sum(at.status == 200 for at, _ in replies) > len(replies) / 2


def test_updates_at_their_limits_disturb_nobody(target: Target) -> None:
    policy = Policy()

    def attack(bomb: Callable[[int], str]) -> tuple[Reply, Reply]:
        most = limit_of(bomb, policy.check_update)
        path = "/update?dry-run=true&timeout=1"
        headers = {"Content-Type": "application/sparql-update"}
        at = target.request("POST", path, bomb(most).encode(), headers, role="write")
        return at, target.update(bomb(most + 1))

    # A WHERE is planned as that of a query, so that a part of those suffices.
    others = [name for name in UPDATE_BOMBS if not name.endswith("in WHERE")]
    names = [*others, *[name for name in UPDATE_BOMBS if name.endswith("in WHERE")][::3]]
    with target.undisturbed(), ThreadPoolExecutor(4) as crowd:
        replies = list(crowd.map(attack, [UPDATE_BOMBS[name] for name in names]))
    for name, (at, above) in zip(names, replies, strict=True):
        assert above.kind == "query-too-complex", name
        assert at.status == 200 or at.kind == "query-timeout", f"{name}: {at}"
    assert sum(at.status == 200 for at, _ in replies) > len(replies) / 2


def die(target: Target) -> Reply:
    return target.query(DEATH, parameters={"timeout": "2"})


@pytest.mark.parametrize(
    ("count", "asker"),
    [(10, ATTACKER), (10, OTHERS), (60, OTHERS), (150, OTHERS)],
)
def test_queries_of_death_at_once_disturb_nobody(target: Target, count: int, asker: str) -> None:
    with target.undisturbed(source=asker), target.under(lambda: die(target), count) as got:
        pass
    assert len(got) == count
    replies = [reply for reply in got if isinstance(reply, Reply)]
    assert len(replies) == count, got
    kinds = Counter((reply.status, reply.kind) for reply in replies)
    assert kinds.keys() <= {
        (504, "query-timeout"),
        (503, "query-cancelled"),
        (503, "overloaded"),
    }, kinds
    assert kinds[504, "query-timeout"] >= min(count, 10)
    for reply in replies:
        assert reply.status != 503 or reply.kind != "overloaded" or reply.headers["retry-after"]


def test_the_engine_says_that_it_is_ready_in_the_midst_of_an_attack(target: Target) -> None:
    with target.undisturbed(), target.under(lambda: die(target), 40):
        time.sleep(0.5)
        for path in ("/ready", "/health", "/metrics", "/", "/history"):
            reply = target.request("GET", path, source=OTHERS)
            assert reply.status == 200 and reply.seconds < 2, f"{path}: {reply}"


GROWING = {
    "ORDER BY": f"SELECT * {{ {CROSS} }} ORDER BY ?a ?l",
    "GROUP_CONCAT": f"SELECT (GROUP_CONCAT(STR(?a)) AS ?x) {{ {CROSS} }}",
    "CONCAT": "SELECT (STRLEN(?x40) AS ?n) { BIND('0123456789' AS ?x0) "
    + " ".join(f"BIND(CONCAT(?x{i}, ?x{i}) AS ?x{i + 1})" for i in range(40))
    + " }",
    "REPLACE": "SELECT (STRLEN(?x40) AS ?n) { BIND('0123456789' AS ?x0) "
    + " ".join(f"BIND(REPLACE(?x{i}, '^(.*)$', '$1$1') AS ?x{i + 1})" for i in range(40))
    + " }",
}


@pytest.mark.alone
def test_queries_that_grow_end_at_the_memory_limit(target: Target) -> None:
    with target.undisturbed(), ThreadPoolExecutor(2) as crowd:
        replies = list(crowd.map(target.query, GROWING.values()))
    kinds = {name: reply.kind for name, reply in zip(GROWING, replies, strict=True)}
    for name in ("ORDER BY", "CONCAT", "REPLACE"):
        assert kinds[name] == "query-out-of-memory", kinds
    # On a slow machine, time may be over before the memory is.
    assert set(kinds.values()) <= {"query-out-of-memory", "query-timeout"}, kinds
    assert all(reply.status in {504, 507} for reply in replies)


@pytest.mark.alone
@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "(a|aa)+$", "(.*)*b", "((((a{99}){99}){99}){99}){99}"]
)
def test_regular_expressions_are_evaluated_in_linear_time(target: Target, pattern: str) -> None:
    text = "a" * 34 + "!"
    reply = target.query(f"SELECT (REGEX('{text}', '{pattern}') AS ?x) {{}}")
    assert reply.status == 200 and reply.seconds < 1, str(reply)


def leave(target: Target, text: str, *, reading: int = 0) -> None:
    """Ask, read some bytes of the answer, and be gone."""
    with target.connect() as client:
        client.sendall(
            f"GET /sparql?query={quote(text)} HTTP/1.1\r\nHost: x\r\nAccept: {JSON}\r\n\r\n".encode()
        )
        wait_until(target.running, 5)
        while reading > 0:
            piece = client.recv(min(reading, 65_536))
            assert piece, "the answer is over already"
            reading -= len(piece)


@pytest.mark.alone
@pytest.mark.parametrize(("text", "reading"), [(DEATH, 0), (FLOOD, 1_000_000)])
def test_a_client_that_leaves_frees_its_reader_within_a_second(
    target: Target, text: str, reading: int
) -> None:
    def is_free() -> bool:
        readers = target.request("GET", "/metrics").text
        states = [f'peninsula_readers{{state="{state}"}} 0.0' for state in ("active", "slow")]
        return not target.running() and all(state in readers for state in states)

    # Nor is anybody at work whom no test sent: who reads names for search.
    wait_until(is_free, 10)
    leave(target, text, reading=reading)
    assert wait_until(is_free, 1) < 1


def test_clients_that_leave_in_numbers_leave_nothing_behind(target: Target) -> None:
    def reset() -> None:
        with target.connect() as client:
            client.sendall(f"GET /sparql?query={quote(DEATH)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(0.3)
            # A reset in the place of an orderly end.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with target.undisturbed():
        with target.under(reset, 30):
            pass
        wait_until(lambda: not target.running(), 2)


def test_clients_that_read_a_byte_a_second_keep_nobody_waiting(target: Target) -> None:
    with contextlib.ExitStack() as stack, target.undisturbed():
        clients = [stack.enter_context(target.connect()) for _ in range(120)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(f"GET /sparql?query={quote(FLOOD)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for _ in range(3):
            for client in clients:
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    client.recv(1)
            time.sleep(1)
        assert target.running()
    wait_until(lambda: not target.running(), 2)


#: Each ends after many bytes were sent: the query, its time limit, the outcome in the log.
BROKEN = {
    "time": (f"SELECT * {{ {CROSS} . ?m ?o ?p }}", "1", "timeout"),
    "memory": (
        f"SELECT DISTINCT {' '.join(f'(STRUUID() AS ?x{n})' for n in range(8))} {{ {CROSS} }}",
        "3",
        "memory",
    ),
}


@pytest.mark.alone
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("name", BROKEN)
def test_an_error_in_the_midst_of_an_answer_breaks_it_off(
    target: Target, name: str, encoding: str
) -> None:
    text, timeout, outcome = BROKEN[name]
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=20)
    headers = {"Accept": JSON, "Content-Type": QUERY, "Accept-Encoding": encoding}
    told = target.log().count(f"outcome={outcome}")
    with contextlib.closing(connection), target.undisturbed():
        connection.request("POST", f"/sparql?timeout={timeout}", text, headers)
        response = connection.getresponse()
        assert response.status == 200
        assert response.read(1000)
        with pytest.raises(http.client.IncompleteRead):
            response.read()
    wait_until(lambda: target.log().count(f"outcome={outcome}") > told, 10)


def test_an_administrator_sees_and_ends_a_query(target: Target) -> None:
    with target.under(lambda: target.query(DEATH), 1) as got:
        # Others may ask, too: whoever reads names for search.
        wait_until(lambda: [query for query in target.running() if query["query"] == DEATH], 2)
        (running,) = [query for query in target.running() if query["query"] == DEATH]
        assert running["client"] == ATTACKER
        reply = target.request("DELETE", f"/admin/queries/{running['id']}", role="admin")
        assert reply.status == 204
    (ended,) = got
    assert isinstance(ended, Reply)
    assert (ended.status, ended.kind) == (503, "query-cancelled")


def test_values_that_overflow_are_unbound_and_harm_nobody(target: Target) -> None:
    xsd = "http://www.w3.org/2001/XMLSchema#"
    expressions = [
        "SUBSTR('abc', 9223372036854775807, 9223372036854775807)",
        f"YEAR('99999999999999999999-01-01T00:00:00Z'^^<{xsd}dateTime>)",
        f"'9999-01-01T00:00:00Z'^^<{xsd}dateTime> + 'P999999999999Y'^^<{xsd}duration>",
        "-9223372036854775808 / -1",
        "ABS(-9223372036854775808)",
        "9223372036854775807 * 9223372036854775807",
        f"'1e999999999'^^<{xsd}double> * 0",
        f"'{'9' * 100_000}'^^<{xsd}integer> + 1",
    ]
    for expression in expressions:
        reply = target.query(f"SELECT (({expression}) AS ?x) {{}}")
        assert reply.status == 200, f"{expression[:80]}: {reply}"
        assert len(json.loads(reply.body)["results"]["bindings"]) == 1
