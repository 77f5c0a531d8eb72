"""How is a SPARQL service of others asked, so that it can do this server no harm, nor be done any?

The one place from which this server talks to services.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlencode

import pyoxigraph as ox

from peninsula import __version__
from peninsula.errors import UpstreamFailed
from peninsula.federation.addresses import PORTS, Resolve, check_address, resolve_host
from peninsula.federation.services import Service

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
#: Tells whether whoever asked has left.
IsGone = Callable[[], bool]

_RESULTS: Final = "application/sparql-results+json"
_TRIPLES: Final = "application/n-triples"


@dataclass(frozen=True)
class Table:
    """The answer of a SELECT query: a term for each variable of a row, None where it is unbound."""

    variables: tuple[str, ...]
    rows: list[tuple[Term | None, ...]]


class Gateway:
    """The way to the services of others; may be used from any thread."""

    def __init__(self, *, contact: str = "", resolve: Resolve = socket.getaddrinfo) -> None:
        self._contact = contact or "https://w3id.org/peninsula/"
        self._resolve = resolve

    def select(
        self,
        service: Service,
        query: str,
        *,
        timeout: float | None = None,
        is_gone: IsGone | None = None,
    ) -> Table:
        """Return the answer of ``service`` to a SELECT query; raises UpstreamFailed."""
        body = self._post(service, query, _RESULTS, timeout, is_gone)
        try:
            found = ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
        except (SyntaxError, ValueError) as error:
            raise UpstreamFailed(f"The service {service.name} sends no results: {error}.") from None
        solutions = cast(ox.QuerySolutions, found)
        variables = tuple(variable.value for variable in solutions.variables)
        return Table(variables, [tuple(solution) for solution in solutions])

    def construct(
        self,
        service: Service,
        query: str,
        *,
        timeout: float | None = None,
        is_gone: IsGone | None = None,
    ) -> list[ox.Triple]:
        """Return the answer of ``service`` to a CONSTRUCT query; raises UpstreamFailed."""
        body = self._post(service, query, _TRIPLES, timeout, is_gone)
        try:
            return [quad.triple for quad in ox.parse(body, format=ox.RdfFormat.N_TRIPLES)]
        except (SyntaxError, ValueError) as error:
            raise UpstreamFailed(f"The service {service.name} sends no RDF: {error}.") from None

    def _post(
        self, service: Service, query: str, accept: str, timeout: float | None, _gone: IsGone | None
    ) -> bytes:
        limit = min(timeout or service.timeout, service.timeout)
        until = time.monotonic() + limit
        parts = check_address(service.address, service.allowed_hosts)
        endpoints = resolve_host(parts, is_trusted=service.is_trusted, resolve=self._resolve)
        assert parts.hostname
        port = parts.port or PORTS[parts.scheme]
        connection = http.client.HTTPConnection(parts.hostname, port)
        connection.auto_open = 0
        headers: Mapping[str, str] = {
            "Accept": accept,
            "User-Agent": f"peninsula/{__version__} ({self._contact})",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        with contextlib.closing(connection):
            try:
                family, address = endpoints[0]
                raw = socket.socket(family, socket.SOCK_STREAM)
                raw.settimeout(until - time.monotonic())
                connection.sock = raw
                raw.connect(address)
                if parts.scheme == "https":
                    context = ssl.create_default_context()
                    connection.sock = context.wrap_socket(raw, server_hostname=parts.hostname)
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", path, urlencode({"query": query}), dict(headers))
                response = connection.getresponse()
                if response.status != http.HTTPStatus.OK:
                    raise UpstreamFailed(
                        f"The service {service.name} answers {response.status} {response.reason}."
                    )
                return response.read(service.max_bytes)
            except (OSError, http.client.HTTPException) as error:
                raise UpstreamFailed(
                    f"The service {service.name} cannot be asked: {error}."
                ) from error
