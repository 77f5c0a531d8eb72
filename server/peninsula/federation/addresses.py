"""Which addresses may be connected to on behalf of a client, and how is that one reached?

http(s) only, and exactly the hosts that an operator lists. Every address that a host resolves
to must be public, unless the host is trusted; the ones that were looked at are the ones that are
connected to, so that a name cannot lead elsewhere a moment later. Rules after those of RDF4J's
federation.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from peninsula.errors import QueryForbidden

#: What finds the addresses of a host: ``socket.getaddrinfo``, or what a test puts in its place.
Resolve = Callable[..., list[Any]]
#: One address of a host: the family of its socket, and what is connected to.
Endpoint = tuple[socket.AddressFamily, Any]

PORTS: Final = {"http": 80, "https": 443}
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: What Python's tables, at least older ones, take for public.
_NOT_PUBLIC: Final[tuple[_Network, ...]] = (
    ipaddress.ip_network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    ipaddress.ip_network("2001::/23"),  # Teredo and other protocols (RFC 2928)
    ipaddress.ip_network("3fff::/20"),  # documentation (RFC 9637)
    ipaddress.ip_network("5f00::/16"),  # segments of routes (RFC 9602)
    ipaddress.ip_network("fec0::/10"),  # sites (RFC 3879)
    ipaddress.ip_network("64:ff9b:1::/48"),  # translation inside of a network (RFC 8215)
)
#: IPv4 addresses as an IPv6 network reaches them (RFC 6052).
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SPACE: Final = re.compile(r"[\x00-\x20\x7f\\]")
#: What a resolver takes for a number: such a host is an IPv4 address, in whatever spelling.
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?", re.IGNORECASE)


class HostUnknown(Exception):
    """A host has no address, or none that can be found now; says why."""


def parse_address(iri: str) -> SplitResult:
    """Return the parts of an address of the web, without user-info; raises QueryForbidden."""
    if _SPACE.search(iri):
        raise QueryForbidden(f"<{_show(iri)}> is no address: it has a space or a backslash.")
    try:
        parts = urlsplit(iri)
        port = parts.port
    except ValueError as error:
        raise QueryForbidden(f"<{_show(iri)}> is no address: {error}.") from None
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise QueryForbidden(f"<{_show(iri)}> is not fetched: only http and https addresses are.")
    if parts.username is not None or parts.password is not None:
        # Not shown: it may carry a password.
        raise QueryForbidden("An address that carries a user name is not fetched.")
    if not _is_host(parts.hostname):
        raise QueryForbidden(f"<{_show(iri)}> is not fetched: its host is not spelled as one.")
    return parts


def check_address(iri: str, hosts: Collection[str]) -> SplitResult:
    """Return the parts of an address on one of ``hosts``; raises QueryForbidden.

    ``hosts`` are names or addresses, with a port where it is not the scheme's own.
    """
    parts = parse_address(iri)
    if name_of(parts) not in {item.lower() for item in hosts}:
        raise QueryForbidden(
            f"<{_show(iri)}> is not fetched: its host is not on the server's list."
        )
    return parts


def name_of(parts: SplitResult) -> str:
    """Return host and port as they stand on a list: without the port where it is the usual one."""
    assert parts.hostname
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    own = PORTS.get(parts.scheme)
    return host.lower() if parts.port in {None, own} else f"{host.lower()}:{parts.port}"


def _is_host(host: str) -> bool:
    """Return whether a host is an address as it is usually written, or a name that is none."""
    if ":" in host:
        try:
            return "%" not in host and bool(ipaddress.IPv6Address(host))
        except ValueError:
            return False
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return is_literal(host)
    return len(host) <= 253 and bool(_HOST.fullmatch(host))


def is_literal(host: str) -> bool:
    """Return whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet."""
    ip = _unwrap(address)
    return (
        ip.is_global
        and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
        and not any(ip in network for network in _NOT_PUBLIC if network.version == ip.version)
    )


def is_inside(address: str) -> bool:
    """Return whether an IP address may be that of a trusted host inside of a network.

    Nothing that is said to be trusted is link-local, where clouds tell their secrets, or
    multicast, or no address at all.
    """
    ip = _unwrap(address)
    return ip.is_loopback or not (
        ip.is_link_local or ip.is_multicast or ip.is_reserved or ip.is_unspecified
    )


def _unwrap(address: str) -> _Address:
    """Return an IP address, or the IPv4 address that an IPv6 address stands for."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or ip


def resolve_host(
    parts: SplitResult, *, is_trusted: bool, resolve: Resolve = socket.getaddrinfo
) -> list[Endpoint]:
    """Return where the host of an address is, once all of it is looked at.

    Raises QueryForbidden where any of its addresses is not to be connected to, HostUnknown where
    it has none.
    """
    port = parts.port or PORTS[parts.scheme]
    try:
        found = resolve(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(getattr(error, "strerror", None) or str(error)) from None
    endpoints = [(entry[0], entry[4]) for entry in found]
    if not endpoints:
        raise HostUnknown("it has no address")
    is_allowed = is_inside if is_trusted else is_public
    if not all(is_allowed(str(address[0])) for _, address in endpoints):
        raise QueryForbidden(
            f"<{_show(parts.geturl())}> is not fetched: {parts.hostname} is inside of a network.",
        )
    return endpoints


def _show(iri: str) -> str:
    """Return an IRI as it may stand in a message."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in iri)
    return shown if len(shown) <= 300 else f"{shown[:300]}…"
