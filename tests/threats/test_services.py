"""The SERVICE policy: where the gateway to services of others goes, and what they may do to it.

Servers listen on this machine. What a name resolves to is said by a resolver that the gateway is
given; nothing else of it is another than in a server.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import pytest

from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    ClientGone,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.addresses import is_inside, is_public
from peninsula.federation.gateway import Gateway
from peninsula.federation.results import InvalidAnswer, rewrite
from peninsula.federation.services import Service

from .hosts import (
    EMPTY,
    HEAD,
    JSON,
    XML,
    Behaviour,
    Host,
    drip,
    hang_up,
    pour,
    redirect,
    response,
    stall,
)
from .target import wait_until

QUERY: Final = "SELECT * { ?s ?p ?o }"
CERTIFICATE: Final = Path(__file__).with_name("service.pem")
PUBLIC: Final = "93.184.215.14"


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    started = Nursery.start()
    yield started
    started.close()


@pytest.fixture
def gateway(nursery: Nursery) -> Gateway:
    return Gateway(nursery=nursery, backoff=0.01)


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as standing:
        yield standing


@pytest.fixture
def service(host: Host) -> Service:
    return Service(
        "test", host.address, is_trusted=True, timeout=20.0, cache=0.0, max_bytes=1 << 20
    )


def failure(gateway: Gateway, service: Service, **more: Any) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as raised:
        gateway.select(service, QUERY, **more)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 1000
    return raised.value


class Names:
    """Resolves names as the test says, and remembers which."""

    def __init__(self, *answers: list[str], ports: dict[int, int] | None = None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        #: The port that is listened at in place of the usual one.
        self.ports = ports or {}

    def __call__(self, host: str, port: int, **_more: Any) -> list[Any]:
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        port = self.ports.get(port, port)
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in found
        ]


# Where it goes.

INSIDE: Final = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "0.0.0.0", "0.1.2.3",
    "::", "::1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254",
    "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_not_followed(nursery: Nursery, address: str) -> None:
    assert not is_public(address)
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        names = Names(found)
        gateway = Gateway(nursery=nursery, resolve=names)
        service = Service("test", "https://query.example.org/sparql", timeout=5.0)
        began = time.monotonic()
        error = failure(gateway, service)
        assert time.monotonic() - began < 1, "nothing was connected to"
        assert "asks nobody" in error.message
        assert address not in str(error), "where it leads is for the log"
        assert names.asked == ["query.example.org"]


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True), ("::1", True), ("10.1.2.3", True), ("fd00::1", True),
        ("100.64.0.1", True), ("::ffff:192.168.0.1", True),
        # Where clouds keep their secrets, and what is no address of one host.
        ("169.254.169.254", False), ("fe80::1", False), ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False), ("0.0.0.0", False), ("::", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::ffff:0.0.0.0", False),
    ],
)  # fmt: skip
def test_trust_does_not_reach_everywhere(nursery: Nursery, address: str, *, expected: bool) -> None:
    assert is_inside(address) is expected
    if not expected:
        gateway = Gateway(nursery=nursery, resolve=Names([address]))
        service = Service("test", "http://query.example.org/", is_trusted=True, timeout=5.0)
        assert "asks nobody" in failure(gateway, service).message


def test_the_address_that_was_looked_at_is_the_one_that_is_asked(
    nursery: Nursery, host: Host
) -> None:
    # A second look at the name would find another place.
    names = Names(["127.0.0.1"], ["169.254.169.254"], ports={80: host.port})
    gateway = Gateway(nursery=nursery, resolve=names)
    service = Service("test", "http://query.example.org/sparql", is_trusted=True, timeout=5.0)
    assert gateway.select(service, QUERY).rows == []
    assert names.asked == ["query.example.org"]
    (visit,) = host.visits
    assert b"\r\nHost: query.example.org\r\n" in visit
    # And where it turns bad between the first address and the one it redirects to:
    host.answer = redirect("http://query.example.org/further")
    names = Names(["127.0.0.1"], ["169.254.169.254"], ports={80: host.port})
    gateway = Gateway(nursery=nursery, resolve=names)
    assert "asks nobody" in failure(gateway, service).message
    assert len(host.visits) == 2 and names.asked == ["query.example.org"] * 2


def test_a_second_address_is_tried_where_the_first_takes_no_connection(
    nursery: Nursery, host: Host
) -> None:
    # At 127.0.0.9, nobody listens at this port.
    names = Names(["127.0.0.9", "127.0.0.1"], ports={80: host.port})
    gateway = Gateway(nursery=nursery, resolve=names)
    service = Service("test", "http://query.example.org/", is_trusted=True, timeout=5.0)
    assert gateway.select(service, QUERY).rows == []


@pytest.mark.parametrize(
    "answer", [[], OSError("no such name"), UnicodeError("label too long")], ids=str
)
def test_a_name_that_is_none(nursery: Nursery, answer: Any) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    gateway = Gateway(nursery=nursery, resolve=resolve, backoff=0.01)
    error = failure(gateway, Service("test", "https://query.example.org/", timeout=5.0))
    assert "query.example.org" not in str(error)


def test_a_resolver_that_hangs_takes_no_more_than_the_time(nursery: Nursery) -> None:
    release = threading.Event()

    def resolve(*_: Any, **__: Any) -> list[Any]:
        release.wait(30)
        return []

    gateway = Gateway(nursery=nursery, resolve=resolve)
    service = Service("test", "https://query.example.org/", timeout=0.3)
    began = time.monotonic()
    assert isinstance(failure(gateway, service), UpstreamTimeout)
    assert time.monotonic() - began < 2
    release.set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:{canary}/",
        "http://localhost:{canary}/",
        "http://[::1]:{canary}/",
        "http://[::ffff:127.0.0.1]:{canary}/",
        "http://0.0.0.0:{canary}/",
        "http://2130706433:{canary}/",
        "http://0x7f000001:{canary}/",
        "http://0x7f.1:{canary}/",
        "http://0177.0.0.1:{canary}/",
        "http://127.1:{canary}/",
        "http://127.0.0.1.:{canary}/",
        "//127.0.0.1:{canary}/",
        "http://127.0.0.1:{host}@127.0.0.1:{canary}/",
        "http://me:secret@127.0.0.1:{host}/",
        "http://@127.0.0.1:{host}/",
        "http://127.0.0.1:{host}.evil.example/",
        "http://127.0.0.1:{canary}\\@127.0.0.1:{host}/",
        "http://127.0.0.1:{canary}#@127.0.0.1:{host}/",
        "http://127.0.0.1:{canary}?@127.0.0.1:{host}/",
        "http://127.0.0.1:{host}\t.evil.example/",
        "http://127.0.0.1 :{host}/",
        "http://[fe80::1%25eth0]:{host}/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://[127.0.0.1:{host}/",
        "http://１２７.0.0.1:{canary}/",
        "http://127。0。0。1:{canary}/",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "ftp://127.0.0.1:{host}/",
        "gopher://127.0.0.1:{host}/_GET",
        "data:application/sparql-results+json,{{}}",
        "javascript:alert(1)",
        "https:///sparql",
    ],
)
def test_no_redirect_leads_anywhere_else(
    gateway: Gateway, service: Service, host: Host, canary: Host, to: str, status: int
) -> None:
    location = to.format(canary=canary.port, host=host.port)
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    host.answer = head.encode()
    error = failure(gateway, service)
    assert type(error) is UpstreamFailed
    assert str(canary.port) not in str(error) and "secret" not in str(error)
    assert len(host.visits) == 1
    assert not canary.visits


def test_trust_is_in_one_service(nursery: Nursery, host: Host, canary: Host) -> None:
    """A service of the public leads to no host inside, even one that its operator names for it."""
    inside = f"127.0.0.1:{canary.port}"
    host.answer = redirect(f"http://{inside}/admin?delete=all", 307)
    public = Service("test", "http://query.example.org/", timeout=5.0, hosts=(inside,))
    names = {"query.example.org": ("8.8.8.8", 80)}
    looked_at: list[str] = []

    def resolve(name: str, port: int, **_more: Any) -> list[Any]:
        looked_at.append(name)
        address, port = names.get(name, (name, port))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    gateway = Gateway(nursery=nursery, resolve=resolve)
    # Without a network, the public address is not there; the way inside is judged all the same.
    for address in (public.address, f"http://{inside}/"):
        failure(gateway, replace(public, address=address), timeout=1)
    assert looked_at == ["query.example.org", "127.0.0.1"]
    # Nor does a trusted one lead to a host that is not named for it, trusted or not.
    failure(gateway, Service("test", host.address, is_trusted=True, timeout=5.0))
    assert len(host.visits) == 1
    assert not canary.visits


def test_no_proxy_is_taken_from_the_environment(
    nursery: Nursery, host: Host, canary: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, canary.address)
    service = Service("test", host.address, is_trusted=True, timeout=5.0)
    assert Gateway(nursery=nursery).select(service, QUERY).rows == []
    assert host.visits and not canary.visits


# Encryption.


@pytest.fixture
def secured() -> Iterator[Host]:
    """Return a web server with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with Host(context=context) as standing:
        yield standing


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the certificate of the tests be one that is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


def https(nursery: Nursery, port: int) -> tuple[Gateway, Service]:
    names = Names(["127.0.0.1"], ports={443: port, 80: port})
    service = Service("test", "https://query.example.org/sparql", is_trusted=True, timeout=5.0)
    return Gateway(nursery=nursery, resolve=names, backoff=0.01), service


@pytest.mark.usefixtures("believed")
def test_https_is_spoken_with_the_host_of_the_address(nursery: Nursery, secured: Host) -> None:
    gateway, service = https(nursery, secured.port)
    assert gateway.select(service, QUERY).rows == []
    assert b"\r\nHost: query.example.org\r\n" in secured.visits[0]
    # Its certificate is that of another host.
    other = replace(service, address="https://other.example.org/sparql")
    assert "certificate does not hold" in failure(gateway, other).message
    assert len(secured.visits) == 1, "nothing was asked of whoever that is"


def test_a_certificate_that_nobody_vouches_for(nursery: Nursery, secured: Host) -> None:
    gateway, service = https(nursery, secured.port)
    assert "certificate does not hold" in failure(gateway, service).message
    assert not secured.visits


@pytest.mark.usefixtures("believed")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_way_leads_from_https_to_http(nursery: Nursery, secured: Host, status: int) -> None:
    secured.answer = redirect("http://query.example.org/sparql", status)
    gateway, service = https(nursery, secured.port)
    assert "asks nobody" in failure(gateway, service).message
    assert len(secured.visits) == 1


@pytest.mark.usefixtures("believed")
def test_an_end_that_tls_does_not_announce_is_none(nursery: Nursery, secured: Host) -> None:
    """Somebody between the servers can cut a connection: what has no length must end well."""

    def cut(client: socket.socket) -> None:
        client.sendall(HEAD + b"\r\n" + EMPTY)
        client.shutdown(socket.SHUT_RDWR)

    secured.behave = cut
    gateway, service = https(nursery, secured.port)
    assert isinstance(failure(gateway, service), UpstreamUnreachable)


def test_a_handshake_that_hangs_has_an_end(nursery: Nursery) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway, service = https(nursery, silent.getsockname()[1])
        began = time.monotonic()
        assert isinstance(failure(gateway, service, timeout=0.4), UpstreamTimeout)
        assert time.monotonic() - began < 2


# What comes back.


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


# Time, and others.


dribble = drip(b" ", HEAD + b"Content-Length: 100000\r\n\r\n")
dribble_header = drip(b"x", b"HTTP/1.1 200 OK\r\nX-Slow: ")
dribble_error = drip(
    b"x", b"HTTP/1.1 400 Bad\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\n"
)


@pytest.mark.parametrize("behave", [dribble, dribble_header, stall])
def test_slowness_has_an_end(
    gateway: Gateway, service: Service, host: Host, behave: Behaviour
) -> None:
    host.behave = behave
    began = time.monotonic()
    assert isinstance(failure(gateway, service, timeout=0.5), UpstreamTimeout)
    assert time.monotonic() - began < 2
    began = time.monotonic()
    with pytest.raises(ClientGone):
        gateway.select(service, QUERY, is_gone=lambda: time.monotonic() - began > 0.3)
    assert time.monotonic() - began < 2


def test_an_error_that_dribbles_is_told_soon(
    gateway: Gateway, service: Service, host: Host
) -> None:
    host.behave = dribble_error
    began = time.monotonic()
    assert "answers 400 Bad: xxx" in failure(gateway, service).message
    assert time.monotonic() - began < 5


def test_a_reset_is_a_broken_connection(gateway: Gateway, service: Service, host: Host) -> None:
    def reset(client: socket.socket) -> None:
        client.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    host.behave = reset
    assert isinstance(failure(gateway, service), UpstreamUnreachable)
    assert len(host.visits) == 4, "tried a few times, and no more"


def test_a_storm_of_429_costs_the_service_nothing(
    nursery: Nursery, service: Service, host: Host
) -> None:
    """Many ask, and the service wants to be left alone: it is, by all of them."""
    host.answer = response(b"", status="429 Too Many Requests", Retry_After=60)
    gateway = Gateway(nursery=nursery, most_at_once=64)

    def ask(number: int) -> BaseException | None:
        try:
            gateway.select(service, f"{QUERY} LIMIT {number}")
        except UpstreamBusy as error:
            return error
        return None

    with ThreadPoolExecutor(40) as pool:
        errors = list(pool.map(ask, range(200)))
    assert all(isinstance(error, UpstreamBusy) and error.retry_after > 50 for error in errors)
    assert len(host.visits) <= service.max_requests
    assert gateway.calls == 0


def count_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_behind(gateway: Gateway, service: Service, host: Host) -> None:
    """Open files, processes and threads are those of before, whatever went wrong."""
    gateway.select(service, QUERY)
    before = count_files(), threading.active_count()
    for behave in (dribble, stall, pour(b" " * 65_536, HEAD + b"\r\n"), hang_up):
        host.behave = behave
        for _ in range(3):
            failure(gateway, service, timeout=0.2)
    host.behave = None
    for answer in (response(b"{}"), response(EMPTY, "text/html"), redirect("file:///"), b""):
        host.answer = answer
        failure(gateway, service)
    wait_until(lambda: (count_files(), threading.active_count()) <= before, 10)


def test_a_parser_by_itself_refuses_what_it_was_not_promised() -> None:
    for kind, format, content in (
        ("solutions", "JSON", b""),
        ("solutions", "XML", b"{}"),
        ("solutions", "TSV", b"a\n1\n"),
        ("graph", "Turtle", b"<x:s> <x:p> <relative> ."),
        ("graph", "RDF/XML", b"<!DOCTYPE x><x/>"),
        ("graph", "N-Triples", b"<x:s> <x:p> "),
    ):
        with Path(os.devnull).open("wb") as nowhere, pytest.raises(InvalidAnswer):
            rewrite(content, nowhere, kind, format)
