"""How is one request made of another server, wherever it leads, and its answer taken in?

Every address on the way is judged anew: the first, and each that a redirect names. One limit of
time holds for all of it, one of bytes for what is sent as for what it becomes when decompressed.
No proxy is taken from the environment, no cookie is kept, and a connection serves one request.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import IO, Final
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

from peninsula.errors import (
    ClientGone,
    PeninsulaError,
    QueryForbidden,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.addresses import (
    PORTS,
    HostUnknown,
    Resolve,
    check_address,
    resolve_host,
)
from peninsula.federation.wire import OutOfTime, Patience, TooMuch, Wire

#: Redirects that repeat the request as it was, and the one that leads to its answer instead. A
#: query changes nothing, so that repeating it after 301 and 302 is right, and GET would lose it.
_REPEATED: Final = frozenset({301, 302, 307, 308})
_SEE_OTHER: Final = 303
_MOST_REDIRECTS: Final = 5
_CHUNK: Final = 64 * 1024
#: Status line and header, of all the header fields together.
_MOST_HEADER: Final = 128 * 1024
#: So much of an error is kept to be told.
_EXCERPT: Final = 2048
_EXCERPT_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Demand:
    """What is asked of another server."""

    address: str
    #: Names or addresses, with a port where it is not the scheme's own, that may be connected to.
    hosts: Collection[str]
    headers: Mapping[str, str]
    #: Sent by POST; None: GET.
    body: bytes | None = None
    #: Whether a host may be inside of a network.
    trusts: Callable[[str], bool] = lambda _host: False
    #: What messages call it; where empty, its address.
    name: str = ""


@dataclass
class Reply:
    """What another server answered, but for the body of a success, which is in a file."""

    address: str
    status: int
    reason: str
    headers: Message
    #: Whether its body says where it ends.
    is_delimited: bool
    #: The beginning of the body of an error.
    excerpt: bytes = b""


@dataclass
class Traffic:
    """How much went over the wire, whatever came of it."""

    sent: int = 0
    received: int = 0
    addresses: list[str] = field(default_factory=list)


def exchange(
    demand: Demand,
    output: IO[bytes],
    patience: Patience,
    *,
    max_bytes: int,
    resolve: Resolve = socket.getaddrinfo,
    judge: Callable[[Reply], None] | None = None,
    traffic: Traffic | None = None,
) -> Reply:
    """Make a request and write the body of its answer, decompressed, to ``output``.

    Raises QueryForbidden where the policy does not allow it, or where it leads; UpstreamFailed
    and its kind where there is no whole answer; ClientGone. Any status that is no redirect is
    returned. ``judge`` sees a success before its body is taken in, and may refuse it by raising.
    """
    traffic = traffic or Traffic()
    address, body = demand.address, demand.body
    for _ in range(_MOST_REDIRECTS + 1):
        subject = demand.name or f"<{address}>"
        traffic.addresses.append(address)
        too_much = (
            f"{subject} {'sends more' if demand.name else 'is longer'} than {max_bytes} bytes."
        )
        with _explaining(subject, too_much):
            parts = check_address(address, demand.hosts)
            with _connected(demand, parts, patience, resolve, traffic) as (connection, wire):
                response = _ask(connection, wire, parts, demand, body)
                if response.status in {*_REPEATED, _SEE_OTHER}:
                    further = _follow(response, address, subject)
                    if response.status == _SEE_OTHER:
                        body = None
                    address = further
                    continue
                # With chunks of a sensible size, no answer takes twice as much.
                wire.budget = 2 * max_bytes + _CHUNK
                reply = Reply(
                    address,
                    response.status,
                    response.reason,
                    response.headers,
                    is_delimited=response.length is not None or bool(response.chunked),
                )
                if response.status == http.HTTPStatus.OK:
                    if judge:
                        judge(reply)
                    _save(response, output, max_bytes, subject)
                else:
                    wire.patience = patience.shorten(_EXCERPT_SECONDS)
                    reply.excerpt = _read_excerpt(response)
                return reply
    subject = demand.name or f"<{demand.address}>"
    raise UpstreamFailed(f"{subject} leads from one address to the next without end.")


@contextlib.contextmanager
def _explaining(subject: str, too_much: str) -> Iterator[None]:
    """Say of what goes wrong where it did."""
    try:
        yield
    except (ClientGone, PeninsulaError):
        raise
    except OutOfTime:
        raise UpstreamTimeout(f"{subject} took too long.") from None
    except HostUnknown as error:
        raise UpstreamUnreachable(
            f"{subject} cannot be reached: its host is not known ({error})."
        ) from error
    except TooMuch:
        raise UpstreamFailed(too_much) from None
    except ssl.SSLCertVerificationError as error:
        raise UpstreamFailed(
            f"{subject} is not trusted: its certificate does not hold ({error.verify_message})."
        ) from error
    except (EOFError, http.client.IncompleteRead, http.client.RemoteDisconnected) as error:
        raise UpstreamUnreachable(f"{subject} broke off in the midst of its answer.") from error
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise UpstreamUnreachable(f"{subject} cannot be reached: {reason}.") from error
    except (http.client.HTTPException, ValueError, zlib.error) as error:
        reason = _clean(str(error)) or type(error).__name__
        raise UpstreamFailed(f"{subject} cannot be fetched: {reason}.") from error


@contextlib.contextmanager
def _connected(
    demand: Demand, parts: SplitResult, patience: Patience, resolve: Resolve, traffic: Traffic
) -> Iterator[tuple[http.client.HTTPConnection, Wire]]:
    endpoints = patience.call(
        lambda: resolve_host(parts, is_trusted=demand.trusts(parts.hostname or ""), resolve=resolve)
    )
    wire = Wire.open(parts, endpoints, patience)
    port = parts.port or PORTS[parts.scheme]
    connection = http.client.HTTPConnection(parts.hostname or "", port)
    # It would look up the host again, and connect to what nobody has looked at.
    connection.auto_open = 0
    # The Host field leaves out the port that is the usual one of the scheme.
    connection.default_port = PORTS[parts.scheme]
    connection.sock = wire
    try:
        yield connection, wire
    finally:
        traffic.sent += wire.sent
        traffic.received += wire.received
        connection.close()
        wire.hang_up()


def _ask(
    connection: http.client.HTTPConnection,
    wire: Wire,
    parts: SplitResult,
    demand: Demand,
    body: bytes | None,
) -> http.client.HTTPResponse:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Connection": "close", "Accept-Encoding": "gzip", **demand.headers}
    if body is None:
        headers.pop("Content-Type", None)
    wire.budget = _MOST_HEADER
    connection.request("GET" if body is None else "POST", path, body, headers)
    return connection.getresponse()


def _follow(response: http.client.HTTPResponse, address: str, subject: str) -> str:
    """Return where a redirect leads; no address is too strange to be judged like the first."""
    location = response.headers.get("Location")
    if not location:
        raise UpstreamFailed(f"{subject} leads nowhere: it has no Location.")
    further = urldefrag(urljoin(address, location)).url
    if urlsplit(address).scheme == "https" and urlsplit(further).scheme != "https":
        raise QueryForbidden(f"<{address}> leads from https to <{_clean(further)}>.")
    return further


def _save(
    response: http.client.HTTPResponse, output: IO[bytes], max_bytes: int, subject: str
) -> None:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise UpstreamFailed(f"{subject} sends what is compressed as “{_clean(encoding)}”.")
    unpack = _Gunzip(max_bytes) if "gzip" in encoding else None
    size = 0
    while chunk := response.read1(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise TooMuch
        for piece in unpack.feed(chunk) if unpack else (chunk,):
            output.write(piece)
    if response.length or (unpack and not unpack.is_whole):
        raise EOFError  # read1 does not complain


class _Gunzip:
    """Decompresses gzip, of one member or several, up to a number of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._inflater = zlib.decompressobj(31)
        #: Whether what came so far can be all.
        self.is_whole = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what more data becomes, in pieces of bounded size."""
        while data:
            if self.is_whole:
                self._inflater = zlib.decompressobj(31)
            piece = self._inflater.decompress(data, _CHUNK)
            self._left -= len(piece)
            if self._left < 0:
                raise TooMuch
            yield piece
            self.is_whole = self._inflater.eof
            data = self._inflater.unused_data if self.is_whole else self._inflater.unconsumed_tail


def _read_excerpt(response: http.client.HTTPResponse) -> bytes:
    """Return the beginning of the body of an error; it may break off."""
    excerpt = io.BytesIO()
    with contextlib.suppress(OSError, http.client.HTTPException, TooMuch, OutOfTime):
        while excerpt.tell() < _EXCERPT and (chunk := response.read1(_EXCERPT)):
            excerpt.write(chunk)
    return excerpt.getvalue()


def _clean(text: str) -> str:
    """Return text of others as it may stand in a message."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if len(shown) <= 200 else f"{shown[:200]}…"
