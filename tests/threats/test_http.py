"""Rows 12 and 13, and what is older than SPARQL: framing, headers, paths, repeated parameters."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest

from .target import FORM, QUERY, TURTLE, UPDATE, Target, find_status

CRLF = "\r\nSet-Cookie: stolen=1\r\n\r\n<script>alert(1)</script>"
#: What an attacker would like to find in an answer.
SECRETS = ("root:", "[project]", "import annotations", "pen_", "sha256")


def request(*lines: str, body: str = "") -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


SMUGGLED = "POST /update HTTP/1.1\r\nHost: x\r\n"
SMUGGLING = {
    "both lengths": ("Content-Length: 6", "Transfer-Encoding: chunked"),
    "both lengths, the other way": ("Transfer-Encoding: chunked", "Content-Length: 6"),
    "two lengths": ("Content-Length: 6", "Content-Length: 60"),
    "the same length twice": ("Content-Length: 6", "Content-Length: 6"),
    "a list of lengths": ("Content-Length: 6, 6",),
    "a signed length": ("Content-Length: +6",),
    "a negative length": ("Content-Length: -6",),
    "a hexadecimal length": ("Content-Length: 0x6",),
    "an underlined length": ("Content-Length: 1_0",),
    "an enormous length": ("Content-Length: " + "9" * 5000,),
    "a length in other digits": ("Content-Length: ٦",),
    "an unknown coding": ("Transfer-Encoding: xchunked",),
    "a coding of codings": ("Transfer-Encoding: gzip, chunked",),
    "chunked, not at the end": ("Transfer-Encoding: chunked, identity",),
    "two codings": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "a tab before chunked": ("Transfer-Encoding:\x0bchunked",),
    "space before the colon": ("Transfer-Encoding : chunked",),
    "a folded field": ("Transfer-Encoding:", " chunked"),
    "an underlined name": ("Transfer_Encoding: chunked", "Content-Length: 60"),
    "no name": (": chunked",),
    "a bare line feed": ("X: y\nTransfer-Encoding: chunked",),
    "a bare return": ("X: y\rTransfer-Encoding: chunked",),
    "a zero byte": ("X: y\0Transfer-Encoding: chunked",),
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_no_request_is_smuggled(target: Target, name: str) -> None:
    """A second request in what one reader takes for a body must not be answered as another's."""
    inner = (
        f"{SMUGGLED}Authorization: Bearer {target.tokens['write']}\r\nContent-Type: {UPDATE}\r\n"
    )
    update = "INSERT DATA { <x:smuggled> <x:p> 1 }"
    inner += f"Content-Length: {len(update)}\r\n\r\n{update}"
    head = ("POST /sparql HTTP/1.1", "Host: x", f"Content-Type: {QUERY}", *SMUGGLING[name])
    with target.undisturbed():
        answer = target.send(request(*head, body="0\r\n\r\n" + inner))
    statuses = [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]
    assert statuses, answer
    assert 400 <= statuses[0] < 502, answer[:300]
    if len(statuses) > 1:  # read as what it says it is, and nothing else
        assert name == "an underlined name", answer
    assert b"Peninsula-Generation: 2" not in answer


CHUNKS = [
    "5\r\nASK {}\r\n0\r\n\r\n",
    "-6\r\nASK {}\r\n0\r\n\r\n",
    "+6\r\nASK {}\r\n0\r\n\r\n",
    "0x6\r\nASK {}\r\n0\r\n\r\n",
    "6\nASK {}\n0\n\n",
    "6 \r\nASK {}0\r\n\r\n",
    "FFFFFFFFFFFFFFFFFF\r\nASK {}",
    "6;" + "x" * 100_000,
    "\r\n\r\n",
    "G\r\n",
]


def test_chunks_that_are_none_are_refused(target: Target) -> None:
    head = (
        "POST /sparql HTTP/1.1",
        "Host: x",
        f"Content-Type: {QUERY}",
        "Transfer-Encoding: chunked",
    )
    with target.undisturbed(), ThreadPoolExecutor(len(CHUNKS)) as crowd:
        answers = list(crowd.map(target.send, (request(*head, body=body) for body in CHUNKS)))
    for body, answer in zip(CHUNKS, answers, strict=True):
        # Of some, the end might still be to come.
        assert find_status(answer) in {400, 408, 413}, f"{body[:30]!r}: {answer[:300]!r}"
        assert len(re.findall(rb"HTTP/1\.[01] ", answer)) == 1


def test_a_request_line_that_is_none_is_refused(target: Target) -> None:
    lines = [
        "", "GET", "GET / HTTP/9.9", "GET  / HTTP/1.1", "GET / HTTP/1.1 x", "\x16\x03\x01\x02\x00",
        "GET " + "/" * 2_000_000 + " HTTP/1.1", "GET http://[::1 HTTP/1.1", "PRI * HTTP/2.0",
        "get / HTTP/1.1", "CONNECT 127.0.0.1:22 HTTP/1.1", "TRACE / HTTP/1.1", "X" * 9000 + " / HTTP/1.1",
    ]  # fmt: skip
    with target.undisturbed():
        for line in lines:
            answer = target.send(request(line, "Host: x", "Connection: close"))
            status = find_status(answer)
            # A client of the version 0.9 gets no status.
            assert 400 <= status < 600 or (status == 0 and not answer) or line == "GET", (
                f"{line[:50]!r}: {answer[:200]!r}"
            )
            assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "field",
    [
        "X: " + "y" * 2_000_000,
        "Accept: " + ",".join(f"text/x{n};q=0.{n % 10}" for n in range(50_000)),
        "Accept-Language: " + "en," * 100_000,
        "Accept-Encoding: " + "gzip;q=0.1," * 50_000,
        "If-None-Match: " + '"x",' * 100_000,
        "Authorization: Bearer " + "x" * 900_000,
        "Cookie: " + "a=b;" * 100_000,
        "\r\n".join(f"X-{n}: y" for n in range(50_000)),
        "Content-Type: multipart/form-data; " + ";" * 500_000,
        "Accept-Datetime: " + "Thu, " * 100_000,
        "Range: bytes=" + ",".join(f"{n}-" for n in range(100_000)),
    ],
    ids=lambda field: field[:20],
)
def test_huge_headers_are_answered_or_refused_in_a_moment(target: Target, field: str) -> None:
    with target.undisturbed():
        answer = target.send(
            request("GET /history HTTP/1.1", "Host: x", "Connection: close", field)
        )
    assert find_status(answer) in {200, 304, 400, 401, 404, 406, 431}, answer[:300]


@pytest.mark.parametrize(
    "host", ['"><script>', "a b", "x/../y", "x@y", "a\tb", "é", "x" * 70_000, "", "evil#"]
)
def test_a_hostile_host_reaches_no_header_and_no_page(target: Target, host: str) -> None:
    for path in (
        "/",
        "/sparql",
        "/history",
        "/store?default",
        "/openapi.json",
        "/void",
        "/id/state/russia",
    ):
        answer = target.send(request(f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close"))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert find_status(answer) < 500, answer[:300]
        assert b"<script>" not in head
        if b"text/html" in head:
            assert b'"><script>' not in body


def test_nothing_asked_for_reaches_a_header(target: Target) -> None:
    values = [CRLF, "\n" + CRLF, "\u560d\u560a", "x\0y", "é한", '"', "x;y=z", "\u2028"]
    with target.undisturbed():
        for value in values:
            for path in (
                f"/sparql?{urlencode({'query': 'ASK {}', 'format': value})}",
                f"/sparql?{urlencode({'query': value})}",
                f"/sparql?{urlencode({'query': 'ASK {}', 'default-graph-uri': 'x:' + value})}",
                f"/sparql?{urlencode({'query': 'ASK {}', 'generation': value})}",
                f"/sparql?{urlencode({'query': 'ASK {}', 'timeout': value})}",
                f"/store?{urlencode({'graph': 'x:' + value})}",
                f"/store/{quote(value)}",
                f"/id/state/{quote(value)}",
                f"/id/state/russia?{urlencode({'x': value, value: 'y'})}",
                f"/queries/{quote(value)}",
                f"/queries/summits-of?{urlencode({'state': value})}",
                f"/queries/summits?{urlencode({'lang': value})}",
                f"/problem/{quote(value)}",
                f"/timemap?{urlencode({'url': target.address + '/' + value})}",
                f"/history/{quote(value)}",
                f"/ns?{urlencode({'format': value})}",
            ):
                for accept in ("text/html", "application/json"):
                    reply = target.request("GET", path, headers={"Accept": accept})
                    assert reply.status < 500, f"{path}: {reply}"
                    assert "set-cookie" not in reply.headers, path
                    assert "stolen" not in " ".join(
                        v
                        for k, v in reply.headers.items()
                        if k not in {"location", "link", "content-location"}
                    )
                    if "text/html" in reply.headers.get("content-type", ""):
                        assert "<script>alert" not in reply.text, path


def test_graph_names_and_language_tags_are_data(target: Target) -> None:
    """Whatever a graph is called: it is stored under that name, or refused as no IRI."""
    names = [
        "x:\r\nSet-Cookie: a=b", "x:a b", "x:<script>", 'x:"', "x:\u2028", "x:../../../etc/passwd",
        "file:///etc/passwd", "http://x/%0d%0aSet-Cookie:%20a=b", "x:" + "a" * 100_000, "x:é한\U0001f600",
        "../CURRENT", "", "x:%00", "javascript:alert(1)", "x:{}", "x:\\", "_:b",
    ]  # fmt: skip
    with target.undisturbed(changes=True):
        before = {path for path in target.stored() if "generations" not in path.parts}
        for name in names:
            headers = {"Content-Type": TURTLE}
            path = f"/store?{urlencode({'graph': name})}"
            reply = target.request("PUT", path, b"<x:s> <x:p> 'x'@en-x-y .", headers, role="write")
            assert reply.status in {201, 400, 414, 431}, f"{name[:50]!r}: {reply}"
            assert "set-cookie" not in reply.headers
            if reply.status == 201:
                read = target.request("GET", path, headers={"Accept": "application/n-triples"})
                assert read.text == '<x:s> <x:p> "x"@en-x-y .\n', str(read)
                assert target.request("DELETE", path, role="write").status == 204
        after = {path for path in target.stored() if "generations" not in path.parts}
    new = {path.name for path in after - before}
    assert all(re.fullmatch(r"\d+\.rdfp|[\w.-]+", name) and "passwd" not in name for name in new), (
        new
    )
    for tag in ("en\r\nX: y", "en'><script>", "e" * 100_000, "--", "1"):
        reply = target.query(f"SELECT ('x'@{tag} AS ?x) {{}}")
        assert reply.status in {200, 400}, f"{tag[:50]!r}: {reply}"
        assert b"<script>" not in reply.body or reply.headers["content-type"] != "text/html"


TRAVERSALS = [
    "../" * depth + name
    for depth, name in itertools.product(
        (1, 3, 9), ("etc/passwd", "pyproject.toml", "CURRENT", "tokens.json")
    )
]


@pytest.mark.parametrize(
    "base",
    ["/static/", "/history/", "/store/", "/id/state/", "/queries/", "/graph/", "/data/", "/"],
)
def test_no_path_leads_out(target: Target, base: str) -> None:
    spelt = [
        f(path)
        for path in TRAVERSALS
        for f in (
            str,
            lambda p: p.replace("../", "..%2f"),
            lambda p: p.replace(".", "%2e"),
            lambda p: p.replace("../", "%252e%252e%252f"),
            lambda p: p.replace("/", "\\"),
            lambda p: p.replace("../", "....//"),
            lambda p: p.replace("../", "%c0%ae%c0%ae/"),
            lambda p: p + "%00.rdfp",
            lambda p: "/" + p.lstrip("./"),
        )
    ]  # fmt: skip
    for path in spelt:
        answer = target.send(
            request(f"GET {base}{path} HTTP/1.1", "Host: x", "Accept: */*", "Connection: close")
        )
        assert find_status(answer) in {400, 404, 308}, f"{base}{path}: {answer[:300]!r}"
        assert not any(secret.encode() in answer for secret in SECRETS), path


def test_generations_are_numbers(target: Target) -> None:
    names = [
        "0",
        "-1",
        "01",
        "1.5",
        "1e0",
        "99999999999",
        "9" * 4000,
        "../1",
        "1/../../tokens",
        "٣",
        "%31%2f..",
        "writer",
        " 1",
    ]
    for name in names:
        for path in (
            f"/history/{quote(name)}",
            f"/history/{quote(name)}.rdfp",
            f"/sparql?query=ASK%7B%7D&generation={quote(name)}",
        ):
            reply = target.request("GET", path)
            assert reply.status in {200, 400, 404}, f"{path[:80]}: {reply}"
            if reply.status == 200:  # with zeros before it, or in the digits of another script
                assert int(name) >= 1, path


def test_parameters_may_not_be_given_twice(target: Target) -> None:
    ask, other = ("query", "ASK {}"), ("query", "SELECT * {}")
    with target.undisturbed():
        for pairs in ([ask, other], [ask, ask],
                      [ask, ("timeout", "1"), ("timeout", "2")], [ask, ("generation", "1"), ("generation", "1")],
                      [ask, ("update", "CLEAR ALL")]):  # fmt: skip
            body = urlencode(pairs).encode()
            assert target.request("GET", f"/sparql?{body.decode()}").status == 400, pairs
            assert target.request("POST", "/sparql", body, {"Content-Type": FORM}).status == 400
            split = f"/sparql?{urlencode(pairs[1:])}"
            reply = target.request(
                "POST", split, urlencode(pairs[:1]).encode(), {"Content-Type": FORM}
            )
            if pairs[1][0] in {"query", "update"}:
                assert reply.status == 400, pairs
        for path in ("/store?default&default", "/store?graph=x:a&graph=x:b", "/store?graph=x:a&default",
                     "/store?default=x&graph=x:a"):  # fmt: skip
            headers = {"Content-Type": TURTLE}
            for method, role in (("GET", ""), ("PUT", "write"), ("DELETE", "write")):
                reply = target.request(method, path, b"<x:s> <x:p> 1 .", headers, role=role)
                assert reply.status == 400, f"{method} {path}: {reply}"
        update = urlencode([("update", "CLEAR ALL"), ("update", "DROP ALL")]).encode()
        assert (
            target.request("POST", "/update", update, {"Content-Type": FORM}, role="write").status
            == 400
        )


def test_a_hundred_thousand_parameters_are_read_in_a_moment(target: Target) -> None:
    for body in (
        b"&".join(b"x%d=y" % n for n in range(80_000)),
        b"&" * 700_000,
        b"default-graph-uri=x:a&" * 30_000,
    ):
        reply = target.request(
            "POST", "/sparql", body + b"&query=ASK+%7B%7D", {"Content-Type": FORM}
        )
        assert reply.status in {200, 400, 413}, str(reply)
        assert reply.seconds < 2


def test_invented_methods_and_paths_leave_no_trace_in_metrics(target: Target) -> None:
    for n in range(50):
        target.request(f"METHOD{n}", f"/path/{n}")
        target.request("GET", f"/id/state/none-{n}")
    found = target.request("GET", "/metrics").text
    assert "METHOD" not in found and "/path/" not in found and "none-" not in found


def test_no_line_is_forged_in_the_log(target: Target) -> None:
    target.request("GET", "/x%0atime=2026-01-01T00:00:00Z%20level=error%20event=forged")
    target.request("GET", "/x%0d%0a%1b%5b2Jforged", headers={"User-Agent": "forged"})
    target.query("SELECT * { # \ntime=forged")
    lines = target.log().splitlines()
    assert not [
        line for line in lines if line.startswith(("time=2026-01-01", "time=forged", "forged"))
    ]
    assert "\x1b" not in target.log()


def test_a_question_takes_values_and_no_sparql(target: Target) -> None:
    """Values of the library's questions: an IRI and a date, whatever they hold."""
    hostile = [
        "<x:a> } INSERT DATA { <x:s> <x:p> 1 } #", "x:a> } SERVICE <http://127.0.0.1:9/> { ?s ?p ?o", "?state",
        "state:russia . ?a ?b ?c", "' OR 1=1 --", "\\u003E", "<file:///etc/passwd>", "x:" + "a" * 200_000,
        "_:b", "<<( <x:s> <x:p> 1 )>>", "state:russia\n#",
    ]  # fmt: skip
    with target.undisturbed():
        for value in hostile:
            for name in ("state", "after"):
                values = {"state": "state:russia", name: value}
                reply = target.request("GET", f"/queries/summits-of.json?{urlencode(values)}")
                assert reply.status in {200, 400, 431}, f"{value[:80]}: {reply}"
                if reply.status == 200:
                    assert json.loads(reply.body)["results"]["bindings"] == []


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process hold some thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("the system allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.alone
@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nX", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_one_address_does_not_take_every_connection(target: Target, sent: bytes) -> None:
    """More connections than the server has, on which nothing, half a header, or a request comes."""
    refused = 0
    with contextlib.ExitStack() as stack, target.undisturbed():
        clients = [stack.enter_context(target.connect()) for _ in range(2300)]
        for client in clients:
            with contextlib.suppress(ConnectionError):
                client.sendall(sent)
        time.sleep(1)
        for client in clients:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                refused += client.recv(100).startswith(b"HTTP/1.1 503 ")
    assert refused or sent.endswith(b"x\r\n\r\n")
