"""Whom the gateway believes to be a service that is asked by HTTPS."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from tests.threats.hosts import (
    EMPTY,
    HEAD,
    Host,
    redirect,
)

from .asking import QUERY, Names, failure

CERTIFICATE: Final = Path(__file__).with_name("service.pem")


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


@pytest.mark.alone
def test_a_handshake_that_hangs_has_an_end(nursery: Nursery) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway, service = https(nursery, silent.getsockname()[1])
        began = time.monotonic()
        assert isinstance(failure(gateway, service, timeout=0.4), UpstreamTimeout)
        assert time.monotonic() - began < 2
