"""What is fetched for a client comes from a listed host, from a public address, and has an end."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from peninsula import fetching
from peninsula.errors import QueryForbidden, UpstreamFailed
from peninsula.federation.addresses import check_address, is_public
from peninsula.fetching import fetch
from peninsula.formats import JSONLD, NTRIPLES, TURTLE

#: What a server answers, by the beginning of the path: status, body, type.
ANSWERS: Final = {
    "turtle": (200, b"<x:s> <x:p> 1 .", "text/turtle; charset=utf-8"),
    "plain.nt": (200, b"<x:s> <x:p> <x:o> .", "application/octet-stream"),
    "untyped.jsonld": (200, b"{}", ""),
    "html": (200, b"<p>", "text/html"),
    "missing": (404, b"", "text/plain"),
    "large": (200, b"#" * 10_000, "text/turtle"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Accept"]))
        kind, _, rest = self.path.removeprefix("/").partition("?")[0].partition("/")
        leads = {
            "to": f"/{rest}", "away": f"http://{rest}", "loop": "/loop", "file": "file:///etc/passwd",
        }  # fmt: skip
        if kind in leads:
            self._send(302, b"", "", leads[kind])
        elif kind == "slow":
            self._trickle()
        elif kind == "nonsense":
            self.wfile.write(b"nonsense\r\n\r\n")
        else:
            self._send(*ANSWERS[kind])

    def _trickle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/turtle")
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b"# \n")
                time.sleep(0.05)
        except OSError:
            pass  # the client has hung up

    def _send(self, status: int, body: bytes, kind: str, location: str = "") -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return host and port of a server on this machine."""
    Handler.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "fetched"


def get(server: str, path: str, target: Path, **more: Any) -> fetching.Fetched:
    limits = {"max_bytes": 5000, "seconds": 10.0, **more}
    return fetch(f"http://{server}/{path}", [server], target, **limits)


def test_a_document_is_fetched_as_rdf(server: str, target: Path) -> None:
    found = get(server, "turtle?a=b", target)
    assert (found.address, found.format) == (f"http://{server}/turtle?a=b", TURTLE)
    assert target.read_bytes() == b"<x:s> <x:p> 1 ."
    path, accept = Handler.asked[-1]
    assert path == "/turtle?a=b"
    assert accept.startswith("text/turtle;q=1.0, ")


@pytest.mark.parametrize(("path", "format"), [("plain.nt", NTRIPLES), ("untyped.jsonld", JSONLD)])
def test_a_name_says_what_the_type_does_not(
    server: str, target: Path, path: str, format: object
) -> None:
    assert get(server, path, target).format is format


def test_it_is_followed_to_where_it_moved(server: str, target: Path) -> None:
    found = get(server, "to/to/turtle", target)
    assert found.address == f"http://{server}/turtle"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("html", "is no RDF: its type is “text/html”"),
        ("missing", "answers 404"),
        ("loop", "without end"),
        ("large", "longer than 5000 bytes"),
        ("nonsense", "cannot be fetched"),
    ],
)
def test_what_cannot_be_had_is_told(server: str, target: Path, path: str, words: str) -> None:
    with pytest.raises(UpstreamFailed, match=words):
        get(server, path, target)


def test_it_has_an_end_in_time(server: str, target: Path) -> None:
    began = time.monotonic()
    with pytest.raises(UpstreamFailed, match=r"took too long"):
        get(server, "slow", target, seconds=0.3)
    assert time.monotonic() - began < 3
    with pytest.raises(UpstreamFailed, match="took too long"):
        get(server, "turtle", target, seconds=0)


@pytest.mark.parametrize("path", ["away/example.org/", "away/127.0.0.1:9/", "file"])
def test_no_redirect_leads_where_nothing_may_be_fetched_from(
    server: str, target: Path, path: str
) -> None:
    with pytest.raises(QueryForbidden):
        get(server, path, target)
    assert not target.read_bytes()


def test_nobody_who_is_not_there_is_waited_for(target: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UpstreamFailed):
            fetch(f"http://{host}/", [host], target, max_bytes=10, seconds=5)


@pytest.mark.parametrize(
    ("iri", "hosts"),
    [
        ("http://example.org/", []),
        ("http://example.org/", ["example.com"]),
        ("http://example.org/", ["ample.org", "example.org.evil.example", "example"]),
        ("http://example.org.evil.example/", ["example.org"]),
        ("http://sub.example.org/", ["example.org"]),
        ("http://example.org:8080/", ["example.org"]),
        ("http://example.org/", ["example.org:8080"]),
        ("http://me@example.org/", ["example.org"]),
        ("http://example.org@evil.example/", ["example.org"]),
        ("http://:secret@example.org/", ["example.org"]),
        ("file:///etc/passwd", ["example.org", ""]),
        ("file://example.org/etc/passwd", ["example.org"]),
        ("ftp://example.org/", ["example.org"]),
        ("http:///path", ["example.org", ""]),
        ("http://[::1", ["[::1]"]),
        ("http://example.org:port/", ["example.org"]),
        ("urn:x:y", ["example.org"]),
    ],
)
def test_only_listed_hosts_are_asked(iri: str, hosts: list[str]) -> None:
    with pytest.raises(QueryForbidden):
        check_address(iri, hosts)


@pytest.mark.parametrize(
    ("iri", "hosts"),
    [
        ("http://example.org/", ["example.org"]),
        ("https://EXAMPLE.org:443/", ["Example.ORG"]),
        ("http://example.org:80/a", ["example.org"]),
        ("http://example.org:8080/", ["example.org:8080"]),
        ("http://[::1]:8080/", ["[::1]:8080"]),
    ],
)
def test_a_host_is_found_however_it_is_written(iri: str, hosts: list[str]) -> None:
    assert check_address(iri, hosts).hostname


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, *, expected: bool) -> None:
    assert is_public(address) is expected


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::1"], ["::ffff:169.254.169.254"]]
)
def test_a_listed_name_that_leads_inside_is_refused(target: Path, found: list[str]) -> None:
    def resolve(_host: str, port: int, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    with pytest.raises(QueryForbidden, match="inside of a network"):
        fetch(
            "http://example.org/", ["example.org"], target,
            max_bytes=10, seconds=1, resolve=resolve,
        )  # fmt: skip
    assert not target.read_bytes()
