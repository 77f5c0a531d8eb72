"""What may be fetched from the network for a client, and from where?

RDF documents, from exactly the hosts that the operator lists, by the rules of
:mod:`peninsula.federation.addresses`. A host that is listed as an address, or as localhost, may
be inside of a network: nobody else can point it elsewhere.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from peninsula import __version__
from peninsula.errors import QueryForbidden, UpstreamFailed
from peninsula.federation.addresses import Resolve, is_literal
from peninsula.federation.exchange import Demand, Reply, exchange
from peninsula.federation.wire import IsGone, Patience
from peninsula.formats import GRAPH_FORMATS, RDF_EXTENSIONS, Format, find_media_type

_ACCEPT: Final = ", ".join(
    f"{format.media_type};q={1 - place / 10:.1f}" for place, format in enumerate(GRAPH_FORMATS)
)
_REMEDY: Final = "Whoever runs the server can list the host, or the address itself: --allow-load."


@dataclass(frozen=True)
class Fetched:
    """A document that was fetched: where it came from in the end, and its format."""

    address: str
    format: Format


def fetch(
    iri: str,
    hosts: Collection[str],
    target: Path,
    *,
    max_bytes: int,
    seconds: float,
    is_gone: IsGone | None = None,
    resolve: Resolve = socket.getaddrinfo,
) -> Fetched:
    """Write the RDF document at ``iri`` to ``target``.

    ``hosts`` are names or addresses, with a port where it is not the scheme's own. Raises
    QueryForbidden where the policy does not allow it, UpstreamFailed where it cannot be had,
    ClientGone once ``is_gone``.
    """
    found: list[Format] = []

    def judge(reply: Reply) -> None:
        found.append(_find_format(reply.address, reply.headers.get("Content-Type", "")))

    demand = Demand(
        iri,
        hosts,
        {"Accept": _ACCEPT, "User-Agent": f"peninsula/{__version__}"},
        trusts=lambda host: host == "localhost" or is_literal(host),
    )
    try:
        with target.open("wb") as output:
            reply = exchange(
                demand,
                output,
                Patience(seconds, is_gone),
                max_bytes=max_bytes,
                resolve=resolve,
                judge=judge,
            )
    except QueryForbidden as error:
        raise QueryForbidden(error.message, error.remedy or _REMEDY) from error
    if reply.status != http.HTTPStatus.OK:
        raise UpstreamFailed(f"<{reply.address}> answers {reply.status} {reply.reason}.")
    return Fetched(reply.address, found[0])


def _find_format(address: str, content_type: str) -> Format:
    media_type = content_type.partition(";")[0].strip().lower()
    if found := find_media_type(media_type, GRAPH_FORMATS):
        return found
    if found := RDF_EXTENSIONS.get(Path(urlsplit(address).path).suffix.lower()):
        return found
    raise UpstreamFailed(f"<{address}> is no RDF: its type is “{media_type or 'not told'}”.")
