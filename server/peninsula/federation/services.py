"""Which SPARQL services of others may this server ask, and within which bounds?

An operator names them in the settings; nothing else is ever asked. A service is found by its
exact address, or by its name as ``<peninsula:NAME>``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from peninsula.errors import QueryForbidden, ServiceForbidden
from peninsula.federation.addresses import (
    is_inside,
    is_literal,
    is_public,
    name_of,
    parse_address,
)

#: An IRI that begins like this names a service, or a part of this server that acts as one.
SCHEME: Final = "peninsula:"

_NAME: Final = re.compile(r"(?=.{1,40}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
#: Names of parts of this server; so is every name of a snapshot.
_OWN: Final = frozenset({"search"})
#: An IRI in ASCII, without a fragment: no server is told that.
_IRI: Final = re.compile(r"[^\x00-\x20\x7f-\U0010ffff<>\"{}|\\^`#]+")


@dataclass(frozen=True)
class Service:
    """A SPARQL service of others. Times in seconds, sizes in bytes."""

    name: str
    address: str
    #: Whether it may be inside of a network: on this machine, or at a private address.
    is_trusted: bool = False
    #: Longest time that one request may take, waiting for its turn and trying again included.
    timeout: float = 60.0
    #: Longest answer, as sent and when decompressed.
    max_bytes: int = 16 * 2**20
    #: Most rows, or triples, of an answer.
    max_rows: int = 200_000
    #: For how long an answer is used again; 0: never.
    cache: float = 600.0
    #: For how much longer where the service does not answer; 0: never.
    stale: float = 0.0
    #: Most bindings that are sent along with one request.
    batch: int = 100
    #: Most requests at the same time, of which one client makes three quarters at most.
    max_requests: int = 4
    #: Most requests that one query may cause.
    max_requests_per_query: int = 200
    #: Hosts, besides its own, to which it may redirect.
    hosts: tuple[str, ...] = ()

    @property
    def prefixes(self) -> Mapping[str, str]:
        """Return what prefixes mean to it that mean something else here."""
        return prefixes_of(self.name)

    @property
    def iri(self) -> str:
        """Return the IRI that names it, whatever its address."""
        return f"{SCHEME}{self.name}"

    @property
    def host(self) -> str:
        """Return its host as it stands on a list: with the port where it is not the usual one."""
        return name_of(parse_address(self.address))

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Return the hosts that may be connected to on its behalf."""
        return frozenset({self.host, *self.hosts})


#: By the name of a service; what stands in a query for Wikidata elsewhere, stands in it here.
_PREFIXES: Final = {"wikidata": {"schema": "http://schema.org/"}}


def prefixes_of(name: str) -> Mapping[str, str]:
    """Return what prefixes mean to the service of a name that mean something else here."""
    return _PREFIXES.get(name, {})


#: The one that is asked where an operator says nothing.
WIKIDATA: Final = Service("wikidata", "https://query.wikidata.org/sparql")
DEFAULTS: Final = (WIKIDATA,)


def find_fault(services: Sequence[Service]) -> str:
    """Return what is wrong with what an operator says of services; empty: nothing."""
    for service in services:
        if fault := _find_fault_of(service):
            return f"{_shorten(service.name)}: {fault}"
    for what in ("name", "address"):
        values = [getattr(service, what) for service in services]
        if twice := next((value for value in values if values.count(value) > 1), ""):
            return f"two services have the {what} “{twice}”"
    return ""


def _find_fault_of(service: Service) -> str:
    if not _NAME.fullmatch(service.name):
        return "a name is made of lower-case letters, digits and hyphens, 40 of them at most"
    if service.name in _OWN or service.name.endswith("-snapshot"):
        return f"<{service.iri}> is a part of this server"
    if not service.address:
        return "its address is not told"
    return _find_fault_of_address(service.address, is_trusted=service.is_trusted)


def _find_fault_of_address(address: str, *, is_trusted: bool) -> str:
    try:
        host = parse_address(address).hostname or ""
    except QueryForbidden as error:
        return error.message.rstrip(".")
    if not _IRI.fullmatch(address):
        return "its address has a fragment, or characters that no IRI has"
    if is_literal(host) and not is_inside(host):
        return f"nobody can be asked at {host}"
    is_public_host = is_public(host) if is_literal(host) else host != "localhost"
    if not (is_trusted or is_public_host):
        return (
            f"{host} is inside of a network: say that it is trusted "
            f"(--trusted-services {urlsplit(address).netloc}), or do not ask it"
        )
    return ""


class Services:
    """The services that an operator allows."""

    def __init__(self, services: Iterable[Service] = DEFAULTS) -> None:
        self._by_name = {service.name: service for service in services}
        self._by_address = {service.address: service for service in self._by_name.values()}

    def __iter__(self) -> Iterator[Service]:
        return iter(self._by_name.values())

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def find(self, iri: str) -> Service:
        """Return the service at ``iri``, or of that name; raises ServiceForbidden."""
        service = self._by_address.get(iri)
        if service is None and iri.startswith(SCHEME):
            service = self._by_name.get(iri.removeprefix(SCHEME))
        if service is None:
            raise ServiceForbidden(
                f"The service <{_shorten(iri)}> is not one that this server asks.",
                self._remedy(iri),
            )
        return service

    def _remedy(self, iri: str) -> str:
        """Say what would be answered; no address, which may be one inside of a network."""
        if not self:
            return "Whoever runs the server has switched services off; --services names them."
        known = [service.iri for service in self]
        near = difflib.get_close_matches(iri[:200], known, n=1)
        if near:
            return f"Did you mean <{near[0]}>?"
        names = ", ".join(f"<{name}>" for name in known)
        return f"It asks {names}; whoever runs it can allow others with --services NAME=IRI."


def _shorten(iri: str) -> str:
    return iri if len(iri) <= 200 else f"{iri[:200]}…"
