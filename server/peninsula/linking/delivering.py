"""Where does a snapshot go: into a file, a store, a running server?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pyoxigraph as ox

from peninsula.client.problems import PeninsulaClientError
from peninsula.client.transport import Transport
from peninsula.config import Config
from peninsula.console import Console
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Outcome
from peninsula.errors import OperatorError, display_path
from peninsula.knowledge import Knowledge
from peninsula.loading import open_database, prepare
from peninsula.wikidata import assembling
from peninsula.wikidata.slice import SNAPSHOT

#: Seconds within which a running server must take the snapshot.
_PATIENCE: Final = 600.0
_TOKEN: Final = "PENINSULA_TOKEN"  # noqa: S105, the variable that holds it
#: What to do where a server holds the store.
_IN_USE: Final = (
    "Stop that server first, or let it take the snapshot: --server http://localhost:7878 "
    f"with a token in {_TOKEN}."
)


@dataclass(frozen=True)
class Destination:
    """Where a snapshot is to go: into a file, the store, a running server, or several of them."""

    output: Path | None = None
    into_store: bool = False
    server: str = ""

    def __bool__(self) -> bool:
        return bool(self.output or self.into_store or self.server)


def deliver(
    config: Config,
    knowledge: Knowledge,
    console: Console,
    triples: Sequence[ox.Triple],
    destination: Destination,
) -> list[str]:
    """Bring the snapshot to where it is wanted; return where it went."""
    places = []
    if destination.output:
        console("Writing the snapshot", 0, 0)
        assembling.write(destination.output, triples)
        places.append(display_path(destination.output))
    if destination.into_store or destination.server:
        with tempfile.TemporaryDirectory(prefix="peninsula-") as folder:
            path = Path(folder) / "snapshot.nq"
            assembling.write(path, triples)
            if destination.into_store:
                outcome = _store(config, knowledge, console, path)
                places.append(f"{display_path(config.store)}, generation {outcome.generation}")
            if destination.server:
                console("Sending the snapshot", 0, 0)
                places.append(_send(destination.server, triples))
    return places


def _store(config: Config, knowledge: Knowledge, console: Console, path: Path) -> Outcome:
    """Replace the graph in a store that no server holds, as one change, through the gate."""
    generations = Generations(config.store)
    shipped = None if config.empty else knowledge
    with generations.locked(_IN_USE):
        prepare(generations, shipped, console, may_violate=True)
        console("Writing the store", 0, 0)
        database = open_database(replace(config, memory="never"), generations, shipped)
        try:
            outcome = database.change(
                {
                    "kind": "put",
                    "path": str(path),
                    "graph": SNAPSHOT,
                    "only_graph": SNAPSHOT,
                    "replaces": True,
                    "is_everything": False,
                    "agent": "operator",
                    "summary": "link pull: PUT graph:wikidata",
                }
            )
        finally:
            database.close()
        generations.prune(config.keep, days=config.keep_days)
        return outcome


def find_server(address: str) -> Transport:
    """Return the way to a server of ours, with the token for it; raises OperatorError."""
    parts = urlsplit(address)
    try:
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
        _ = parts.port
    except ValueError:
        is_right = False
    if not is_right:
        raise OperatorError(f"“{address}” is no address of a server.", "Write http://HOST:PORT/.")
    token = os.environ.get(_TOKEN)
    if not token:
        raise OperatorError(
            "There is no token to write to the server with.",
            f"Make one with “peninsula token add NAME --role write” and put it into {_TOKEN}.",
        )
    path = parts.path.rstrip("/") + "/"
    return Transport(f"{parts.scheme}://{parts.netloc}{path}", token, _PATIENCE)


def _send(address: str, triples: Sequence[ox.Triple]) -> str:
    """PUT the snapshot to a running server; return where it went."""
    body = "".join(f"{triple} .\n" for triple in triples).encode()
    headers = {"Content-Type": "application/n-triples", "Accept": "application/problem+json"}
    try:
        response = find_server(address).send(
            "PUT", "store", parameters={"graph": SNAPSHOT}, body=body, headers=headers
        )
    except PeninsulaClientError as error:
        raise OperatorError(f"{address}: {error}") from None
    return f"{address}, generation {response.generation or '?'}"
