"""Who answers a SERVICE clause: a service of others, what is kept of one, or this server?

Everything else is refused, also where the clause says SILENT: that a service may not be asked is
no failure of it, and whoever wrote the query is to know.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from peninsula.errors import NoSnapshot, QueryForbidden, ServiceForbidden
from peninsula.federation.clauses import asks_service
from peninsula.federation.local_services import LocalService, LocalServices
from peninsula.federation.names import Naming
from peninsula.federation.parsing import Unreadable, read_query
from peninsula.federation.services import SCHEME, Service, Services, prefixes_of
from peninsula.federation.structure import Place, Query, find_nested
from peninsula.namespaces import BASE

_SNAPSHOT: Final = "-snapshot"
#: What may stand as a service inside of a clause: functions of Wikidata's own, and no addresses.
_EXTENSIONS: Final = (
    "http://wikiba.se/ontology#",
    "http://www.bigdata.com/rdf#",
    "http://www.bigdata.com/rdf/gas#",
)


@dataclass(frozen=True)
class Snapshot:
    """What is kept of a service."""

    #: That of the service.
    name: str

    @property
    def graph(self) -> str:
        """Return the graph that holds it."""
        return f"{BASE}graph/{self.name}"

    @property
    def prefixes(self) -> Mapping[str, str]:
        """Return what prefixes mean to the service that mean something else here."""
        return prefixes_of(self.name)


Target = Service | Snapshot | LocalService


def asks_others(
    query: str, local: LocalServices, *, mode: str = "live", base: str | None = None
) -> bool:
    """Return whether the answer to a query may change though the dataset does not.

    What parts of this server and snapshots say is of one state, like everything else in it.
    """
    if not asks_service(query):
        return False
    try:
        return not all(_is_own(iri, local, mode) for iri in _read_named(query, base))
    except (Unreadable, QueryForbidden):
        return True


def find_services(query: str, services: Services, *, base: str | None = None) -> list[Service]:
    """Return the services of others that a query asks; none of one that is not understood."""
    found = []
    with contextlib.suppress(Unreadable, QueryForbidden):
        for iri in dict.fromkeys(_read_named(query, base)):
            with contextlib.suppress(ServiceForbidden):
                found.append(services.find(iri))
    return found


def _read_named(query: str, base: str | None) -> list[str]:
    """Return what the SERVICE clauses of a query name; of a variable nothing."""
    parsed = read_query(query)
    naming = Naming(parsed, base=base)
    return [naming.read(place.element) or "" for place in parsed.services]


def _is_own(iri: str, local: LocalServices, mode: str) -> bool:
    name = iri.removeprefix(SCHEME) if iri.startswith(SCHEME) else ""
    is_here = bool(name) and (local.find(name) is not None or name.endswith(_SNAPSHOT))
    return is_here or mode == "snapshot"


@dataclass(frozen=True)
class Targets:
    """Whom the clauses of a query may name."""

    services: Services
    local: LocalServices
    #: Returns the named graphs, of which some are snapshots.
    graphs: Callable[[], Mapping[str, int]]
    #: Who answers for a service: live, snapshot or fallback.
    mode: str = "live"

    def find(self, query: Query, naming: Naming, place: Place) -> Target:
        """Return who is to be asked for a clause; raises ServiceForbidden, NoSnapshot."""
        try:
            return self._find(naming, place)
        except (QueryForbidden, NoSnapshot) as error:
            position = place.element.start
            line = query.text.count("\n", 0, position) + 1
            column = position - query.text.rfind("\n", 0, position)
            error.message = f"{error.message.rstrip('.')} (line {line}, column {column})."
            error.line, error.column = line, column
            raise

    def find_fallback(self, place: Place, target: Target) -> Snapshot | None:
        """Return what stands in for a service that does not answer."""
        if self.mode != "fallback" or not isinstance(target, Service):
            return None
        try:
            return self._find_snapshot(target.name, place)
        except (NoSnapshot, ServiceForbidden):
            return None

    def _find(self, naming: Naming, place: Place) -> Target:
        if any(step.element and step.element.kind == "lateral" for step in place.way):
            raise QueryForbidden("SERVICE is not allowed inside of LATERAL.", "Join them.")
        iri = naming.read(place.element)
        if iri is None:
            raise ServiceForbidden(
                f"SERVICE {place.element.name.text if place.element.name else ''} is not allowed: "
                "which service is asked must stand in the query, not in data.",
                "Write its address, or <peninsula:NAME>.",
            )
        if iri.startswith(SCHEME):
            name = iri.removeprefix(SCHEME)
            if local := self.local.find(name):
                return local
            if name.endswith(_SNAPSHOT):
                return self._find_snapshot(name.removesuffix(_SNAPSHOT), place)
        if iri.startswith(_EXTENSIONS):
            raise ServiceForbidden(
                f"SERVICE {place.element.name.text if place.element.name else ''} is a function of "
                "Wikidata's query service, and none of this server.",
                "Put it into the braces of the SERVICE clause that asks Wikidata.",
            )
        service = self.services.find(iri)
        if self.mode == "snapshot":
            return self._find_snapshot(service.name, place)
        for nested in find_nested(place.pattern):
            self._check_nested(naming.read(nested))
        return service

    def _find_snapshot(self, name: str, place: Place) -> Snapshot:
        snapshot = Snapshot(name)
        if snapshot.graph not in self.graphs():
            raise NoSnapshot(
                f"There is no snapshot of “{name[:100]}” here.",
                "“peninsula link pull” takes one of Wikidata.",
            )
        if nested := find_nested(place.pattern):
            text = nested[0].name.text if nested[0].name else ""
            raise ServiceForbidden(
                f"SERVICE {text} is not known to the snapshot of {name}.",
                "For labels, use rdfs:label and LANG.",
            )
        return snapshot

    def _check_nested(self, iri: str | None) -> None:
        """Raise ServiceForbidden for a SERVICE clause in another that is not for its service."""
        if iri is not None and iri.startswith(_EXTENSIONS):
            return
        try:
            if iri is None or iri.startswith(SCHEME):
                raise ServiceForbidden("")
            self.services.find(iri)
        except ServiceForbidden:
            raise ServiceForbidden(
                f"SERVICE {f'<{iri[:200]}>' if iri else '?…'} is not allowed inside of another "
                "SERVICE clause.",
                "Put the two beside each other.",
            ) from None
