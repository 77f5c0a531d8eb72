"""What services may answer, and what of it is refused."""

from __future__ import annotations

import gzip
import json
import re
import time
from dataclasses import replace
from typing import Final

import pyoxigraph as ox
import pytest

from peninsula.dataset.workers import Nursery
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from tests.threats.hosts import (
    EMPTY,
    HEAD,
    JSON,
    XML,
    Behaviour,
    Host,
    pour,
    response,
)

from .asking import QUERY, failure


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (pour(b"x" * 4096), "cannot be fetched|sends more"),
        (pour(b"a: b\r\n", b"HTTP/1.1 200 OK\r\n"), "cannot be fetched: got more than|sends more"),
        (pour(b"x" * 4096, b"HTTP/1.1 200 OK\r\nX: "), "cannot be fetched: got more than|sends more"),
        (pour(b"HTTP/1.1 100 Continue\r\n\r\n"), "sends more"),
        (pour(b" " * 65_536, HEAD + b"\r\n"), "sends more than 1048576 bytes"),
        (pour(b"1000\r\n" + b" " * 4096 + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
         "sends more than 1048576 bytes"),
        # Chunks of one byte each in much wrapping, and a line between chunks that never ends.
        (pour(b"1;" + b"x" * 4096 + b"\r\n \r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
         "sends more"),
        (pour(b"0" * 4096, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
         "cannot be fetched|sends more|broke off"),
        (pour(b"x: y\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
         "cannot be fetched|sends more|broke off"),
    ],
    ids=["no header", "fields", "field", "continue", "body", "chunks", "extensions", "size", "trailer"],
)  # fmt: skip
def test_what_never_ends_is_broken_off(
    gateway: Gateway, service: Service, host: Host, behave: Behaviour,
    words: str,
) -> None:  # fmt: skip
    host.behave = behave
    began = time.monotonic()
    error = failure(gateway, service)
    assert time.monotonic() - began < 10
    assert re.search(words, error.message), error.message


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00" * 100,
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n" + EMPTY,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        response(Content_Length=len(EMPTY) + 10),
        response(Content_Length=len(EMPTY) - 3),
        response(Content_Length=-1) + b"x",
        response(Content_Length="many") + b"x",
        response(Content_Length=0),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n" + EMPTY,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{",
        response(Content_Encoding="br"),
        response(Content_Encoding="gzip, gzip"),
        response(Content_Encoding="gzip"),
        response(gzip.compress(EMPTY, mtime=0)[:-4], Content_Encoding="gzip"),
        response(gzip.compress(EMPTY, mtime=0) + b"more", Content_Encoding="gzip"),
        response(b"\x1f\x8b", Content_Encoding="gzip"),
        response(EMPTY.replace(b"vars", b"v\x00rs")),
        response(b"\xef\xbb\xbf\xef\xbb\xbf" + EMPTY),
        response(EMPTY.decode().encode("utf-16")),
        response(EMPTY, "text/html"),
        response(EMPTY, "multipart/form-data; boundary=x"),
        response(EMPTY, "application/sparql-results+json2"),
        response(EMPTY, ""),
        response(EMPTY, XML),
        response(EMPTY, "text/tab-separated-values"),
        response(b"?a\n<x:y", "text/tab-separated-values"),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\n\r\n?a\n<x:y>\n",
        response(status="206 Partial Content"),
        response(status="200 OK", Content_Type="text/html\r\nContent-Type: " + JSON),
    ],
)
def test_what_is_no_answer_is_none(
    gateway: Gateway, service: Service, host: Host, answer: bytes
) -> None:
    host.answer = answer
    began = time.monotonic()
    error = failure(gateway, service)
    assert time.monotonic() - began < 5
    assert error.status == 502
    host.answer = response()
    assert gateway.select(service, QUERY).rows == [], "and it goes on"


def xml(inside: str, declaration: str = '<?xml version="1.0"?>') -> bytes:
    return (
        f'{declaration}<sparql xmlns="http://www.w3.org/2005/sparql-results#">'
        f'<head><variable name="a"/></head><results><result><binding name="a">{inside}'
        "</binding></result></results></sparql>"
    ).encode()


LAUGHS: Final = (
    '<?xml version="1.0"?><!DOCTYPE sparql [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (xml("<literal>&a11;</literal>", LAUGHS), XML),
        (xml("<literal>&a11;</literal>", LAUGHS.replace("DOCTYPE", "doctype")), XML),
        (xml("<literal>&x;</literal>", '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), XML),
        (b"\xef\xbb\xbf" + xml("<literal>&a11;</literal>", LAUGHS), XML),
        (xml("<literal>&a11;</literal>", LAUGHS).decode().encode("utf-16"), XML),
        (xml("<literal>x</literal>", '<?xml version="1.0" encoding="UTF-7"?>'), XML),
        (xml("<triple>" * 100_000), XML),
        (b'{"head":' + b"[" * 100_000, JSON),
        (b'{"head":{"vars":["a"]},"x":' + b'{"a":' * 100_000, JSON),
        (b'{"head":{"vars":["a"]},"results":{"bindings":['
         + b'{"a":{"type":"triple","value":{"subject":' * 20_000, JSON),
        (b"?a\n" + b"<<( <x:s> <x:p> " * 20_000, "text/tab-separated-values"),
    ],
    ids=["laughs", "in small letters", "file", "mark", "utf-16", "utf-7", "xml deep", "json deep",
         "json elsewhere", "json triples", "tsv triples"],
)  # fmt: skip
def test_what_would_cost_its_reader_dearly_is_refused(
    gateway: Gateway, service: Service, host: Host, body: bytes, media_type: str
) -> None:
    large = replace(service, max_bytes=16 << 20)
    host.answer = response(body, media_type)
    began = time.monotonic()
    error = failure(gateway, large)
    assert time.monotonic() - began < 5
    assert "ended the process" not in error.message, "found before a parser saw it"
    assert "root:" not in str(error)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_goes_off_nowhere(
    gateway: Gateway, service: Service, host: Host, layers: int
) -> None:
    body = gzip.compress(b" " * (256 << 20), 1)
    for _ in range(layers - 1):
        body = gzip.compress(body)
    host.answer = response(body, Content_Encoding="gzip")
    began = time.monotonic()
    assert "sends more than" in failure(gateway, service).message or layers > 1
    assert time.monotonic() - began < 5


def test_what_kills_its_reader_kills_nobody_else(
    nursery: Nursery, service: Service, host: Host
) -> None:
    """Memory: rows of many variables, of which the text is small."""

    def rows(variables: int, count: int) -> bytes:
        names = ",".join(f'"v{number}"' for number in range(variables)).encode()
        return b'{"head":{"vars":[%b]},"results":{"bindings":[%b{}]}}' % (names, b"{}," * count)

    wide = replace(service, max_bytes=4 << 20)
    gateway = Gateway(nursery=nursery)
    began = time.monotonic()
    host.answer = response(rows(20_000, 200_000))
    assert "rows of more than 500 variables" in failure(gateway, wide).message
    # What is not found before is found when there is too much of it.
    host.answer = response(rows(500, 200_000))
    assert "rows of 500 variables" in failure(gateway, wide).message
    small = Gateway()
    small._quarantine._memory = 1 << 20
    host.answer = response(
        b'{"head":{"vars":["a"]},"results":{"bindings":[{"a":{"type":"literal","value":"'
        + b"x" * (3 << 20)
        + b'"}}]}}'
    )
    assert len(gateway.select(wide, QUERY).rows) == 1
    assert "needs more memory" in failure(small, wide).message
    small.close()
    assert time.monotonic() - began < 30
    host.answer = response()
    assert gateway.select(service, QUERY).rows == []
    assert gateway.calls == 0


def test_terms_are_what_they_seem(gateway: Gateway, service: Service, host: Host) -> None:
    """Nothing that a term could break out of: it is written into other queries."""
    hostile = [
        {"type": "uri", "value": "http://example.org/> } ; DROP ALL #"},
        {"type": "uri", "value": "http://example.org/\u0000"},
        {"type": "uri", "value": "relative"},
        {"type": "literal", "value": "x", "xml:lang": "en } SERVICE <http://evil.example/> {"},
        {"type": "literal", "value": "x", "datatype": "http://a> } #"},
        {"type": "bnode", "value": "b } #"},
        {"type": "triple", "value": "x"},
        {"type": "nonsense", "value": "x"},
    ]
    for cell in hostile:
        body = {"head": {"vars": ["a"]}, "results": {"bindings": [{"a": cell}]}}
        host.answer = response(json.dumps(body).encode())
        assert "cannot be read" in failure(gateway, service).message, cell
    for name in ("a } #", "", "a b", "?a"):
        body = {"head": {"vars": [name]}, "results": {"bindings": []}}
        host.answer = response(json.dumps(body).encode())
        assert "cannot be read" in failure(gateway, service).message, name
    text = '"\\ \n\r\t\u0000\u202e\'\'\'""" } SERVICE'
    body = {
        "head": {"vars": ["a"]},
        "results": {"bindings": [{"a": {"type": "literal", "value": text}}]},
    }
    host.answer = response(json.dumps(body).encode())
    ((term,),) = gateway.select(service, QUERY).rows
    assert term == ox.Literal(text)
    found = ox.Store().query(f"SELECT ?a {{ VALUES ?a {{ {term} }} }}")
    assert isinstance(found, ox.QuerySolutions)
    assert [row["a"] for row in found] == [term], "written into a query, it is still the same"
    del found  # no other thread may let it go


def test_no_answer_is_believed_to_be_ours(gateway: Gateway, service: Service, host: Host) -> None:
    """A blank node of theirs is no IRI of ours, and two answers share none."""
    body = b'{"head":{"vars":["a"]},"results":{"bindings":[{"a":{"type":"bnode","value":"b0"}}]}}'
    host.answer = response(body)
    first = gateway.select(service, QUERY).rows[0][0]
    second = gateway.select(service, QUERY).rows[0][0]
    assert isinstance(first, ox.NamedNode) and first != second
