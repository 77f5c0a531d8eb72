"""Rows 3, 4, 5 and 12: bodies that crash, crawl, expand, never end, or want something fetched."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from .hosts import Host
from .target import (
    FORM,
    QUERY,
    SCENE,
    UPDATE,
    Target,
    find_status,
    receive,
    wait_until,
)

JSON_LD, RDF_XML, TURTLE, TRIG = (
    "application/ld+json",
    "application/rdf+xml",
    "text/turtle",
    "application/trig",
)
N_TRIPLES: Final = "application/n-triples"
RDF: Final = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">'
    '<rdf:Description rdf:about="http://e/s"><e:p>{}</e:p></rdf:Description></rdf:RDF>'
)
#: 520 bytes of which the engine would make 30 MB.
LAUGHS: Final = (
    "<!DOCTYPE rdf:RDF ["
    '<!ENTITY l0 "hahahahaha">'
    + "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 7))
    + "]>"
    + RDF.format("&l6;&l6;&l6;")
)
EXTERNAL: Final = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + RDF.format("&x;")


def nest(n: int, open: str, middle: str, close: str) -> str:
    return open * n + middle + close * n


def xml(n: int) -> str:
    return RDF.format(nest(n, "<rdf:Description><e:p>", "x", "</e:p></rdf:Description>"))


#: Format and body, as deep as they are told.
DEEP: dict[str, tuple[str, Callable[[int], str]]] = {
    "JSON-LD": (JSON_LD, lambda n: nest(n, '{"http://e/p":', '"x"', "}")),
    "JSON-LD in lists": (JSON_LD, lambda n: nest(n, '{"http://e/p":[', "1", "]}")),
    "JSON-LD contexts": (
        JSON_LD, lambda n: '{"@context":' + nest(n, '{"a":{"@id":"x:a","@context":', "{}", "}}") + "}"
    ),
    "RDF/XML": (RDF_XML, xml),
    "Turtle lists": (TURTLE, lambda n: f"<x:s> <x:p> {nest(n, '(', '', ')')} ."),
    "Turtle nodes": (TURTLE, lambda n: f"<x:s> <x:p> {nest(n, '[ <x:p> ', '1', ']')} ."),
    "triple terms": (TURTLE, lambda n: f"<x:s> <x:p> {nest(n, '<<( <x:s> <x:p> ', '1', ' )>>')} ."),
    "reified": (TURTLE, lambda n: nest(n, "<< ", "<x:s> <x:p> 1", " >> <x:p> 1 ")[:-8] + " ."),
    "annotations": (TURTLE, lambda n: f"<x:s> <x:p> 1 {nest(n, '{| <x:p> 1 ', '', '|}')} ."),
    "N-Triples": (N_TRIPLES, lambda n: f"<x:s> <x:p> {nest(n, '<<( <x:s> <x:p> ', '<x:o>', ' )>>')} ."),
    "TriG": (TRIG, lambda n: f"<x:g> {{ <x:s> <x:p> {nest(n, '(', '', ')')} }}"),
}  # fmt: skip


@pytest.mark.parametrize("depth", [4000, 50_000])
def test_deeply_nested_uploads_are_refused(target: Target, depth: int) -> None:
    with target.undisturbed():
        for name, (media_type, body) in DEEP.items():
            reply = target.upload(body(depth).encode(), media_type)
            assert (reply.status, reply.kind) == (400, "refused-payload"), f"{name}: {reply}"
            assert "nested deeper" in reply.problem["detail"]
            assert reply.seconds < 2


@pytest.mark.parametrize("depth", [60, 199, 499])
def test_uploads_nested_less_are_answered_in_time(target: Target, depth: int) -> None:
    with target.undisturbed():
        for name, (media_type, body) in DEEP.items():
            path = "/store?graph=x:deep&dry-run=true"
            headers = {"Content-Type": media_type}
            reply = target.request("PUT", path, body(depth).encode(), headers, role="write")
            assert reply.status == 200 or reply.kind in {
                "refused-payload", "invalid-upload", "protocol-error", "query-timeout"
            }, f"{name}: {reply}"  # fmt: skip
            assert reply.seconds < 4


@pytest.mark.parametrize("document", [LAUGHS, EXTERNAL], ids=["laughs", "external"])
@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"],
)
def test_a_doctype_is_refused_in_every_encoding(
    target: Target, document: str, encoding: str
) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' + document
    for text in (document, document.replace("DOCTYPE", "doctype"), declared):
        reply = target.upload(text.encode(encoding), RDF_XML)
        assert reply.status == 400, str(reply)
        assert reply.kind in {"refused-payload", "invalid-upload"}
        assert reply.seconds < 2
        assert "root:" not in reply.text and "hahahahahahaha" not in reply.text


def test_a_doctype_is_refused_wherever_it_stands(target: Target) -> None:
    doctype = LAUGHS[: LAUGHS.index("]>") + 2]
    with target.undisturbed():
        for body in (
            " " * 3_000_000 + LAUGHS,
            RDF.format(doctype + "&l6;"),
            "<?xml version='1.0'?><!-- <!-- -->" + LAUGHS,
            RDF.format("x") + doctype,
        ):
            reply = target.upload(body.encode(), RDF_XML)
            assert (reply.status, reply.kind) == (400, "refused-payload"), str(reply)
    # Compressed, or as a part of a form: the same.
    assert target.upload(gzip.compress(LAUGHS.encode()), RDF_XML, encoding="gzip").status == 400
    part = f'--b\r\nContent-Disposition: form-data; name="f"; filename="x.rdf"\r\nContent-Type: {RDF_XML}\r\n\r\n'
    form = (part + LAUGHS + "\r\n--b--\r\n").encode()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = target.request("POST", "/store?graph=x:g", form, headers, role="write")
    assert (reply.status, reply.kind) == (400, "refused-payload"), str(reply)


def test_no_context_is_fetched(target: Target, canary: Host) -> None:
    address = f"{canary.address}/context"
    contexts = [
        f'"{address}"',
        f'["{address}"]',
        f'[{{"a": "x:a"}}, "{address}"]',
        f'{{"@import": "{address}"}}',
        f'{{"a": {{"@id": "x:a", "@context": "{address}"}}}}',
        '"file:///etc/passwd"',
    ]
    bodies = [f'{{"@context": {context}, "a": "b"}}' for context in contexts]
    bodies.append(bodies[0].replace("@context", "\\u0040context"))
    with target.undisturbed():
        for body in bodies:
            reply = target.upload(body.encode(), JSON_LD)
            assert reply.status in {400, 403}, f"{body}: {reply}"
            assert reply.problem["detail"]
    assert not canary.visits


# Size and time.


def bomb(megabytes: int, begin: bytes = b"") -> bytes:
    """Return gzip of so many megabytes of space, a thousandth of it long."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(begin)
    for _ in range(megabytes):
        packed += packer.compress(b" " * 2**20)
    return packed + packer.flush()


@pytest.mark.parametrize(
    ("path", "media_type", "begin"),
    [
        ("/sparql", QUERY, b"ASK {}"),
        ("/sparql", FORM, b"query=ASK+{}"),
        ("/update", UPDATE, b"INSERT DATA { <x:s> <x:p> 1 }"),
        ("/update", FORM, b"update=CLEAR+ALL"),
        ("/store?graph=x:g", TURTLE, b"<x:s> <x:p> 1 ."),
    ],
)
def test_a_bomb_of_gzip_is_refused(
    target: Target, path: str, media_type: str, begin: bytes
) -> None:
    plain = bomb(100, begin)
    assert len(plain) < 200_000
    with target.undisturbed():
        for body, encoding in ((plain, "gzip"), (plain * 8, "x-gzip")):
            headers = {"Content-Type": media_type, "Content-Encoding": encoding}
            reply = target.request("POST", path, body, headers, role="write")
            assert (reply.status, reply.kind) == (413, "request-too-large"), str(reply)
            assert reply.seconds < 2
        for encoding in ("gzip, gzip", "deflate", "br", "compress"):
            headers = {"Content-Type": media_type, "Content-Encoding": encoding}
            reply = target.request("POST", path, plain, headers, role="write")
            assert reply.status == 415, f"{encoding}: {reply}"
        headers["Content-Encoding"] = "gzip"
        for broken in (plain[:1000], b"no gzip", b"", plain[:-4] + b"oops"):
            reply = target.request("POST", path, broken, headers, role="write")
            assert reply.status in {400, 413}, str(reply)


def test_what_is_too_large_is_refused_before_it_is_sent(target: Target) -> None:
    for path, size in (("/sparql", 10**7), ("/update", 10**7), ("/store", 10**9)):
        with target.connect() as client:
            client.sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n"
                f"Content-Type: {QUERY}\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            answer = receive(client)
        assert find_status(answer) == 413, answer[:300]
        assert b"application/problem+json" in answer


def test_a_chunked_body_that_never_ends_is_cut_off(target: Target) -> None:
    def endless() -> Iterator[bytes]:
        return itertools.repeat(b"x" * 65_536)

    def attack(path: str) -> bytes:
        with target.connect() as client:
            client.sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                f"Content-Type: {QUERY}\r\nAuthorization: Bearer {target.tokens['write']}\r\n\r\n".encode()
            )
            with contextlib.suppress(ConnectionError):
                for piece in endless():
                    client.sendall(b"10000\r\n" + piece + b"\r\n")
            return receive(client)

    told = target.log().count("status=413")
    paths = ("/sparql", "/update", "/store?graph=x:g")
    began = time.monotonic()
    with target.undisturbed(), ThreadPoolExecutor(3) as crowd:
        answers = list(crowd.map(attack, paths))
    assert time.monotonic() - began < 8
    for answer in answers:
        # Who goes on sending may be reset before the answer is read.
        assert find_status(answer) in {413, 0}, answer[:300]
    # The line is written after the answer, which a client that was reset has not seen.
    wait_until(lambda: target.log().count("status=413") >= told + 3, 10)
    assert target.log().count("status=413") == told + 3


def test_bodies_that_come_slowly_time_out(target: Target) -> None:
    """A hundred at once: of each, a byte every now and then."""
    head = (
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
        "Authorization: Bearer {}\r\n{}\r\n\r\nA"
    )
    framings = ("Content-Length: 1000", "Transfer-Encoding: chunked")
    paths = ("/sparql", "/update", "/store?graph=x:g", "/queries/summits")
    answers: list[bytes] = []
    with contextlib.ExitStack() as stack, target.undisturbed():
        clients: list[socket.socket] = []
        for path, framing, _ in itertools.product(paths, framings, range(13)):
            client = stack.enter_context(target.connect())
            client.sendall(head.format(path, target.tokens["write"], framing).encode()[:-1])
            clients.append(client)
        began = time.monotonic()
        while time.monotonic() - began < 2.6:
            for client in clients:
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"1")
            time.sleep(0.5)
        answers = [receive(client) for client in clients]
        assert time.monotonic() - began < 10
    statuses = {find_status(answer) for answer in answers}
    # What is no chunk is refused at once.
    assert statuses <= {408, 400, 404, 405} and 408 in statuses, statuses


@pytest.mark.alone
def test_an_upload_is_parsed_in_a_process_that_may_die(target: Target) -> None:
    """A literal of megabytes, a million statements, a line without end: answered or refused."""
    with target.undisturbed(changes=True):
        for body, media_type in (
            (b"<x:s> <x:p> '" + b"a" * 7_000_000 + b"' .", TURTLE),
            (b"@prefix a: <x:a> .\n" * 100_000, TURTLE),
            (b"<x:s> <x:p> " + b",".join(b"%d" % n for n in range(100_000)) + b" .", TURTLE),
            (b"<" + b"x" * 7_000_000, TURTLE),
            (b"[" * 190 + b"]" * 190, JSON_LD),
            (
                b'{"@context":{"@base":"http://e/"},"@graph":[' + b"{}," * 200_000 + b"{}]}",
                JSON_LD,
            ),
        ):
            reply = target.upload(body, media_type)
            assert reply.status < 500 or reply.kind in {"query-timeout", "query-out-of-memory"}
    target.request("DELETE", "/store?graph=x:uploaded", role="write")


def test_a_hostile_patch_harms_nobody(target: Target) -> None:
    patches = {
        "deep": "A <x:s> <x:p> " + nest(20_000, "<<( <x:s> <x:p> ", "1", " )>>") + " .",
        "no patch": "DROP ALL",
        "unclosed": 'TX .\nA <x:s> <x:p> "' + "a" * 1_000_000,
        "prefixes": "PA a <x:a> .\n" * 200_000,
        "relative": "TX .\nA <../../etc/passwd> <x:p> 1 .\nTC .",
        "binary": "\0" * 100_000,
        "half": "TX .\nA <x:s> <x:p> <x:o> .\nA <x:s> <x:p>",
        "given up": "TX .\nA <x:s> <x:p> <x:o> .\nTA .",
    }
    headers = {"Content-Type": "application/rdf-patch"}
    with target.undisturbed():
        for name, body in patches.items():
            reply = target.request("PATCH", "/store", body.encode(), headers, role="write")
            assert reply.status < 600, f"{name}: {reply}"
            if name not in {"given up", "prefixes"}:
                assert 400 <= reply.status < 500 or reply.kind == "query-crashed", (
                    f"{name}: {reply}"
                )


def test_nothing_is_left_of_refused_uploads(target: Target) -> None:
    target.upload(LAUGHS.encode(), RDF_XML)
    target.upload(bomb(20), TURTLE, encoding="gzip")
    assert target.request("PUT", "/store?graph=x:g", b"<", {"Content-Type": TURTLE}).status == 401

    def is_tidy() -> bool:
        return not [p for p in target.stored() if "upload-" in p.name or "work-" in p.name]

    wait_until(is_tidy, 5)  # an answer may be there before the file is gone


# On the command line.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("laughs.rdf", LAUGHS),
        ("external.rdf", EXTERNAL),
        ("deep.jsonld", DEEP["JSON-LD"][1](4000)),
        ("deep.rdf", xml(50_000)),
        ("deep.ttl", DEEP["Turtle lists"][1](50_000)),
        ("context.jsonld", '{"@context": "http://127.0.0.1:9/", "a": 1}'),
    ],
)
def test_a_hostile_file_cannot_be_validated(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "peninsula", "validate", name, "--knowledge", str(SCENE)],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 2, done
    assert name in done.stderr and "Traceback" not in done.stderr, done.stderr
