"""Where the gateway to services of others goes: to what is public, to whom the operator names."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from typing import Any, Final

import pytest

from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    UpstreamFailed,
    UpstreamTimeout,
)
from peninsula.federation.addresses import is_inside, is_public
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from tests.threats.hosts import (
    Host,
    redirect,
)

from .asking import PUBLIC, QUERY, Names, failure

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


@pytest.mark.alone
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
