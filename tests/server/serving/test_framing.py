"""Where a request ends, which are unsound, and how large they may be."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from peninsula.config import Config
from peninsula.errors import Unauthorized

from .instances import MIB, Running, problem, receive, run


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://example.org/a?b=c", "/a"),
        ("http://example.org", "/"),
        ("//a//b", "/a//b"),
        ("/%ED%95%9C", "/\xed\x95\x9c"),
        ("*", "*"),
    ],
)
def test_targets_of_every_form_have_a_path(running: Running, target: str, path: str) -> None:
    answer = running.send(
        f"OPTIONS {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
    )
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["path"] == path


def test_a_chunked_body_arrives_as_one(running: Running) -> None:
    _, body = running.ask("POST", "/a", body=iter([b"abc", b"defg"]), encode_chunked=True,
                          headers={"Transfer-Encoding": "chunked"})  # fmt: skip
    assert json.loads(body)["length"] == 7
    assert json.loads(body)["declared"] == "7"


def test_a_client_that_asks_first_is_told_to_continue(running: Running) -> None:
    with running.connect() as client:
        client.sendall(
            b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        received = client.recv(1000)
        while not received.endswith(b"}"):  # the body may come apart from the header
            received += client.recv(1000)
        assert b'"length": 3' in received


@pytest.mark.parametrize("fields", ["", "Content-Length: 0\r\n"])
def test_a_client_that_asks_first_without_a_body_is_answered(running: Running, fields: str) -> None:
    answer = running.send(
        f"GET /a HTTP/1.1\r\nHost: h\r\n{fields}Expect: 100-continue\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_requests_sent_at_once_are_answered_in_order(running: Running) -> None:
    requests = [f"GET /{n} HTTP/1.1\r\nHost: h\r\n\r\n" for n in range(5)]
    last = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = running.send("".join([*requests, last]).encode())
    positions = [answer.index(f'"path": "/{n}"'.encode()) for n in [*range(5), "last"]]
    assert positions == sorted(positions)


GET = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nabcde",
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.2\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 3000,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 9000,
        b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /x HTTP/1.1\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /x HTTP/3.0\r\nHost: a\r\n\r\n",
        b"GET /x\r\nHost: a\r\n\r\n",
        b"GET /x HTTP/1.1\nHost: a\n\nX\r\n\r\n",
        b"GET  /x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"get /x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)  # fmt: skip
def test_unsound_framing_is_refused_and_nothing_after_it_is_read(
    running: Running, request_: bytes
) -> None:
    running.application.asked.clear()
    answer = running.send(request_)
    assert problem(answer)["status"] in {400, 501}
    assert answer.count(b"Content-Type: ") == 1
    assert running.application.asked == []


def test_an_underscored_field_is_not_the_one_with_a_hyphen(running: Running) -> None:
    answer = running.send(
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent_Length: 5\r\nConnection: close\r\n\r\n"
    )
    assert b'"length": 0' in answer


@pytest.mark.parametrize(("path", "size"), [("/small", 1001), ("/", 100_001)])
@pytest.mark.parametrize("way", ["length", "chunked", "expect"])
def test_a_body_over_the_limit_is_refused_before_it_is_read(
    running: Running, path: str, size: int, way: str
) -> None:
    field = {
        "length": f"Content-Length: {size}",
        "chunked": "Transfer-Encoding: chunked",
        "expect": f"Content-Length: {size}\r\nExpect: 100-continue",
    }[way]
    with running.connect() as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n".encode())
        if way == "chunked":
            client.sendall(f"{size:x}\r\n".encode() + b"x" * size)
        content = problem(receive(client))
    assert content["status"] == 413
    assert content["type"].endswith("/problem/request-too-large")
    assert f"{size - 1:,} bytes" in content["detail"]


@pytest.mark.parametrize(("path", "size"), [("/small", 1000), ("/", 100_000)])
def test_a_body_at_the_limit_is_taken(running: Running, path: str, size: int) -> None:
    for chunked in (False, True):
        body: Any = iter([b"x" * size]) if chunked else b"x" * size
        response, answer = running.ask("POST", path, body=body, encode_chunked=chunked,
            headers={"Transfer-Encoding": "chunked"} if chunked else {})  # fmt: skip
        assert response.status == 200
        assert json.loads(answer)["length"] == size


def test_a_header_over_the_limit_is_refused(running: Running) -> None:
    answer = running.send(b"GET /?" + b"x" * (MIB + 10) + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert problem(answer)["status"] == 431
    response, _ = running.ask("GET", "/?" + "x" * (MIB - 1000))
    assert response.status == 200


def test_a_body_may_be_refused_before_it_is_read() -> None:
    def limit(_method: str, _path: str, authorization: str | None) -> int:
        if authorization is None:
            raise Unauthorized("This needs a token.")
        return 100

    with run(Config(port=0, readers=1, queue=1), body_limit=limit) as running:
        with socket.create_connection(running.server.getsockname()) as connection:
            connection.sendall(
                b"PUT /store HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc"
            )
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b'www-authenticate: bearer realm="peninsula"' in answer.lower()


def test_an_address_that_is_not_encoded_is_told_how(running: Running) -> None:
    answer = problem(running.send("GET /search?q=Путин HTTP/1.1\r\nHost: x\r\n\r\n".encode()))
    assert answer["status"] == 400
    assert "Percent-encode" in answer["remedy"]
