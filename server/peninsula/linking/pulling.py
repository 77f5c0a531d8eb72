"""How is the slice about all linked items pulled, and brought to where it is wanted?"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from peninsula.config import Config
from peninsula.console import Console
from peninsula.errors import OperatorError, UpstreamFailed
from peninsula.federation.gateway import Gateway
from peninsula.knowledge import find_knowledge
from peninsula.linking.asking import Gatewayed, service_of, slice_of
from peninsula.linking.delivering import Destination, deliver, find_server
from peninsula.loading import open_local
from peninsula.wikidata import assembling
from peninsula.wikidata.journal import open_journal
from peninsula.wikidata.pulling import Pull, Puller
from peninsula.wikidata.terms import order_of
from peninsula.wikidata.things import read_links

#: Where the journal of a pull stands in the folder of a store.
JOURNAL: Final = "pull"
_KEPT: Final = "What was fetched is kept: the same command goes on with it."


@dataclass(frozen=True)
class Pulled:
    """What a pull brought, and where it went."""

    pull: Pull
    triples: int
    is_resumed: bool
    #: Where it went.
    places: list[str]


def pull(
    config: Config,
    destination: Destination,
    *,
    service: str = "wikidata",
    slice_file: Path | None = None,
    journal: Path | None = None,
    is_fresh: bool = False,
    patience: float = 900.0,
) -> Pulled:
    """Pull the slice about all linked items, and bring the snapshot to where it is wanted.

    Raises UpstreamFailed where the service does not give it; what was fetched is kept then, and
    the same command goes on with it.
    """
    if not destination:
        raise OperatorError(
            "Nothing says where the snapshot is to go.", "Give --output, --into-store or --server."
        )
    # Before anything is fetched.
    if destination.output:
        assembling.format_of(destination.output)
    if destination.server:
        find_server(destination.server)
    knowledge = find_knowledge(config.knowledge)
    slice = slice_of(knowledge, slice_file)
    asked = service_of(config, service)
    with Console() as console:
        dataset = open_local(config, knowledge, console, may_violate=True)
        items = sorted({link.item for link in read_links(dataset)}, key=order_of)
        del dataset
        plan = {"service": asked.address, "slice": slice.digest(), "items": items}
        folder = journal or config.store / JOURNAL
        now = datetime.now(UTC)
        with (
            open_journal(folder, plan, now, is_fresh=is_fresh) as opened,
            contextlib.closing(Gateway(contact=config.contact)) as gateway,
        ):
            if opened.is_resumed:
                begun = opened.begun.astimezone().strftime("%Y-%m-%d %H:%M")
                console.say(f"Going on with what was begun on {begun}.")
            asks = Gatewayed(gateway)
            puller = Puller(asks, asked, slice, opened, console, patience=patience)
            try:
                found = puller.pull(items)
                triples = assembling.assemble(found, asked.address, datetime.now(UTC))
                places = deliver(config, knowledge, console, triples, destination)
            except UpstreamFailed as error:
                if not opened.is_empty:
                    error.remedy = f"{error.remedy} {_KEPT}".strip()
                raise
            except KeyboardInterrupt:
                if not opened.is_empty:
                    console.say(f"Interrupted. {_KEPT}")
                raise
            opened.discard()
    return Pulled(found, len(triples), opened.is_resumed, places)
