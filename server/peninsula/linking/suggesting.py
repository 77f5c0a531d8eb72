"""Which items could things without a link be, and how is that found?"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph as ox

from peninsula.config import Config
from peninsula.console import Console
from peninsula.dataset.interface import Dataset, select
from peninsula.errors import OperatorError
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from peninsula.knowledge import find_knowledge
from peninsula.linking.asking import Gatewayed, service_of, slice_of
from peninsula.linking.checking import snapshot_of
from peninsula.loading import open_local
from peninsula.namespaces import BASE, expand
from peninsula.terms import read_iri
from peninsula.wikidata import suggesting
from peninsula.wikidata.journal import open_journal
from peninsula.wikidata.pulling import Puller
from peninsula.wikidata.slice import Slice
from peninsula.wikidata.snapshot import Snapshot
from peninsula.wikidata.things import Thing, find_unlinked, read_links, read_things


def suggest(
    config: Config,
    *,
    classes: Sequence[str] = (),
    things: Sequence[str] = (),
    service: str = "wikidata",
    is_offline: bool = False,
    snapshot_file: Path | None = None,
    slice_file: Path | None = None,
) -> tuple[list[suggesting.Candidate], int, str]:
    """Return candidates for things without a link, how many were looked at, and where."""
    knowledge = find_knowledge(config.knowledge)
    slice = slice_of(knowledge, slice_file)
    with Console() as console:
        dataset = open_local(config, knowledge, console, may_violate=True)
        wanted = _find_wanted(dataset, classes, things)
        ours = list(read_things(dataset, wanted).values())
        linked = {link.thing: link.item for link in read_links(dataset) if link.is_exact}
        if is_offline or snapshot_file:
            snapshot = snapshot_of(dataset, snapshot_file)
            matches = suggesting.match_names(ours, suggesting.names_in(snapshot))
            day = snapshot.retrieved.strftime("%Y-%m-%d") if snapshot.retrieved else "unknown day"
            source = f"from the snapshot of {day}"
        else:
            asked = service_of(config, service)
            with contextlib.closing(Gateway(contact=config.contact)) as gateway:
                matches = _ask_names(gateway, asked, ours, slice, console)
                snapshot = _ask_items(
                    gateway, asked, {i for items in matches.values() for i in items}, slice, console
                )
            source = f"from {asked.address}, {datetime.now(UTC).date()}"
        found = suggesting.suggest(ours, matches, snapshot, slice, linked)
    return found, len(ours), source


def _find_wanted(dataset: Dataset, classes: Sequence[str], things: Sequence[str]) -> list[str]:
    if things:
        return sorted(_read_known(dataset, name, "thing") for name in things)
    chosen = [_read_known(dataset, name, "class") for name in classes]
    chosen = chosen or [expand(name) for name in suggesting.CLASSES]
    found = {thing for class_ in chosen for thing in find_unlinked(dataset, class_)}
    return sorted(thing for thing in found if thing.startswith(f"{BASE}id/"))


def _read_known(dataset: Dataset, name: str, what: str) -> str:
    """Return the IRI of a thing or a class that the graph knows; raises OperatorError."""
    try:
        iri = read_iri(name)
    except ValueError as error:
        raise OperatorError(
            f"“{name}” is no prefixed name of a {what} ({error}).", "Write pen:Person, person:…."
        ) from None
    if not list(select(dataset, f"SELECT ?class WHERE {{ {iri} a ?class }} LIMIT 1")):
        remedy = "Names of things are as in their addresses: person:lee-do-hoon, without /id/."
        raise OperatorError(
            f"The graph has no {what} “{name}”.",
            remedy if what == "thing" else f"Such as {', '.join(suggesting.CLASSES[:4])}.",
        )
    return iri.value


def _ask_names(
    gateway: Gateway,
    service: Service,
    ours: Sequence[Thing],
    slice: Slice,
    console: Console,
) -> dict[str, set[str]]:
    """Ask the service which items bear one of the names of ours."""
    names = suggesting.names_to_ask(ours, slice.languages)
    named: set[tuple[str, str]] = set()
    size = suggesting.NAMES_AT_ONCE
    for start in range(0, len(names), size):
        console("Looking for names", start, len(names))
        table = gateway.select(service, suggesting.name_query(names[start : start + size]))
        for row in table.rows:
            item, name = row
            if isinstance(item, ox.NamedNode) and isinstance(name, ox.Literal):
                named.add((item.value, name.value))
    return suggesting.match_names(ours, named)


def _ask_items(
    gateway: Gateway, service: Service, items: set[str], slice: Slice, console: Console
) -> Snapshot:
    """Ask the service what it says of candidates, as of linked items."""
    with tempfile.TemporaryDirectory(prefix="peninsula-") as folder:
        plan = {"items": sorted(items)}
        with open_journal(Path(folder), plan, datetime.now(UTC)) as journal:
            # An article is no reason.
            asked = replace(slice, sites=())
            puller = Puller(Gatewayed(gateway), service, asked, journal, console)
            return Snapshot(puller.pull(items).triples)
