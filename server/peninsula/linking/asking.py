"""How is a service asked for items, and which slice of them?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.config import Config
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from peninsula.knowledge import Knowledge
from peninsula.namespaces import BASE
from peninsula.wikidata.slice import FILE, Slice, read_slice

#: Requests at the same time; Wikidata asks for one after another.
_AT_ONCE: Final = 1
_GENID: Final = f"{BASE}.well-known/genid/"


def slice_of(knowledge: Knowledge, path: Path | None = None) -> Slice:
    """Return the slice that a file describes; default: the one of the knowledge."""
    return read_slice(path or knowledge.root / FILE)


def service_of(config: Config, name: str) -> Service:
    """Return the service, to be asked without cache and one request at a time."""
    service = config.allowed_services().find(name if ":" in name else f"peninsula:{name}")
    return replace(service, cache=0, stale=0, max_requests=_AT_ONCE)


@dataclass(frozen=True)
class Gatewayed:
    """Asks through the gateway, nothing from its cache; unknown values come back as blank nodes."""

    gateway: Gateway

    def construct(
        self, service: Service, query: str, *, timeout: float | None = None
    ) -> list[ox.Triple]:
        """Return the answer to a CONSTRUCT query."""
        found = self.gateway.construct(service, query, timeout=timeout)
        return [_blank(triple) for triple in found]


def _blank(triple: ox.Triple) -> ox.Triple:
    """Return a triple whose unknown value is a blank node again: its name is another each time."""
    value = triple.object
    if isinstance(value, ox.NamedNode) and value.value.startswith(_GENID):
        return ox.Triple(triple.subject, triple.predicate, ox.BlankNode())
    return triple
