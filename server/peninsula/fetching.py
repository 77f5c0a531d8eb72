"""What may be fetched from the network for a client, and from where?

http(s) only, from exactly the hosts that the operator lists. Every address that a host resolves
to must be public, unless the operator listed an address itself; the one that was looked at is
the one that is connected to. Every redirect is judged anew, and none leads from https to http.
Size and time are limited. Rules after those of RDF4J's federation.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from peninsula import __version__
from peninsula.errors import QueryForbidden, UpstreamFailed
from peninsula.formats import GRAPH_FORMATS, RDF_EXTENSIONS, Format, find_media_type

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 5
_CHUNK: Final = 64 * 1024
#: RFC 9637; older Pythons do not know it.
_DOCUMENTATION: Final = ipaddress.IPv6Network("3fff::/20")
_ACCEPT: Final = ", ".join(
    f"{format.media_type};q={1 - place / 10:.1f}" for place, format in enumerate(GRAPH_FORMATS)
)


@dataclass(frozen=True)
class Fetched:
    """A document that was fetched: where it came from in the end, and its format."""

    address: str
    format: Format


def fetch(
    iri: str, hosts: Collection[str], target: Path, *, max_bytes: int, seconds: float
) -> Fetched:
    """Write the RDF document at ``iri`` to ``target``.

    ``hosts`` are names or addresses, with a port where it is not the scheme's own. Raises
    QueryForbidden where the policy does not allow it, UpstreamFailed where it cannot be had.
    """
    until = time.monotonic() + seconds
    address = iri
    for _ in range(_MOST_REDIRECTS + 1):
        parts = check_address(address, hosts)
        try:
            connection = _connect(parts, until)
        except OSError as error:
            raise UpstreamFailed(f"<{address}> cannot be reached: {error}.") from error
        with contextlib.closing(connection), _explaining(address, connection, until):
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = {"Accept": _ACCEPT, "User-Agent": f"peninsula/{__version__}"}
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            if response.status in _REDIRECTS:
                location = response.headers.get("Location")
                if not location:
                    raise UpstreamFailed(f"<{address}> leads nowhere: it has no Location.")
                further = urljoin(address, location)
                if parts.scheme == "https" and urlsplit(further).scheme != "https":
                    raise QueryForbidden(f"<{iri}> leads from https to <{further}>.")
                address = further
                continue
            if response.status != http.HTTPStatus.OK:
                raise UpstreamFailed(f"<{address}> answers {response.status} {response.reason}.")
            format = _find_format(address, response.headers.get("Content-Type", ""))
            _save(response, target, max_bytes, until, address)
            return Fetched(address, format)
    raise UpstreamFailed(f"<{iri}> leads from one address to the next without end.")


@contextlib.contextmanager
def _explaining(
    address: str, connection: http.client.HTTPConnection, until: float
) -> Iterator[None]:
    """Say of what goes wrong where it did; hang up when the time is over, however much comes."""
    assert connection.sock
    # A time limit of the socket's is one for each of its pieces.
    timer = threading.Timer(until - time.monotonic(), _shut_down, [connection.sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() >= until:
            raise UpstreamFailed(f"<{address}> took too long.") from error
        raise UpstreamFailed(f"<{address}> cannot be fetched: {error}.") from error
    finally:
        timer.cancel()


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed meanwhile
        connection.shutdown(socket.SHUT_RDWR)


def check_address(iri: str, hosts: Collection[str]) -> SplitResult:
    """Return the parts of an address that may be fetched; raises QueryForbidden."""
    try:
        parts = urlsplit(iri)
        port = parts.port
    except ValueError as error:
        raise QueryForbidden(f"<{iri}> is no address: {error}.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise QueryForbidden(f"<{iri}> is not fetched: only http and https addresses are.")
    if parts.username is not None or parts.password is not None:
        raise QueryForbidden(f"<{iri}> is not fetched: it carries a user name.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if _name(host, port, parts.scheme) not in {item.lower() for item in hosts}:
        raise QueryForbidden(
            f"<{iri}> is not fetched: its host is not on the server's list.",
            "Whoever runs the server can add it: --allow-load.",
        )
    return parts


def _name(host: str, port: int | None, scheme: str) -> str:
    own = {"http": 80, "https": 443}[scheme]
    return host.lower() if port in {None, own} else f"{host.lower()}:{port}"


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _DOCUMENTATION:
            return False
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    # Shared address space (RFC 6598) is neither private nor global to Python.
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _connect(parts: SplitResult, until: float) -> http.client.HTTPConnection:
    assert parts.hostname
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    left = until - time.monotonic()
    if left <= 0:
        raise UpstreamFailed(f"<{parts.geturl()}> took too long.")
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UpstreamFailed(f"The host {parts.hostname} is not known: {error}.") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not _is_trusted(parts.hostname) and not all(map(is_public, addresses)):
        raise QueryForbidden(
            f"<{parts.geturl()}> is not fetched: {parts.hostname} is inside of a network.",
            "Whoever runs the server can list the address itself.",
        )
    raw = socket.create_connection((addresses[0], port), timeout=left)
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=left)
    if parts.scheme == "https":
        raw = ssl.create_default_context().wrap_socket(raw, server_hostname=parts.hostname)
    connection.sock = raw
    return connection


def _is_trusted(host: str) -> bool:
    """Whether whoever listed ``host`` meant an address and no name that others may point at it."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _find_format(address: str, content_type: str) -> Format:
    media_type = content_type.partition(";")[0].strip().lower()
    if found := find_media_type(media_type, GRAPH_FORMATS):
        return found
    if found := RDF_EXTENSIONS.get(Path(urlsplit(address).path).suffix.lower()):
        return found
    raise UpstreamFailed(f"<{address}> is no RDF: its type is “{media_type or 'not told'}”.")


def _save(
    response: http.client.HTTPResponse, target: Path, max_bytes: int, until: float, address: str
) -> None:
    size = 0
    with target.open("wb") as file:
        while chunk := response.read1(_CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise UpstreamFailed(f"<{address}> is longer than {max_bytes} bytes.")
            file.write(chunk)
    if time.monotonic() >= until:
        raise UpstreamFailed(f"<{address}> took too long.")
    if response.length:  # read1 does not complain
        raise UpstreamFailed(f"<{address}> broke off, {response.length} bytes before its end.")
