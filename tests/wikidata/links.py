"""How do tests pull, in this process or in one of its own, from a service of theirs?"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.local import LocalDataset
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service as Allowed
from peninsula.linking.asking import Gatewayed
from peninsula.policy import Policy
from peninsula.wikidata.assembling import assemble
from peninsula.wikidata.journal import Journal, open_journal
from peninsula.wikidata.pulling import Pull, Puller
from peninsula.wikidata.slice import FILE, Slice, read_slice
from peninsula.wikidata.snapshot import Snapshot
from peninsula.wikidata.terms import ITEM
from peninsula.wikidata.things import Link, Thing, read_links, read_things

from .servers import Proxy

ROOT: Final = Path(__file__).resolve().parents[2]
NOW: Final = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
PEN: Final = "https://w3id.org/peninsula/"
#: Times of retrieval: all that may differ between two pulls of the same state.
_TIMES: Final = re.compile(
    r"\"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?\"(?=\^\^<http://www.w3.org/2001/XMLSchema#date)"
)
_OWN: Final = re.compile(r"<https://w3id\.org/peninsula/graph/wikidata[^>]*> <[^>]*(Time|issued)>")


def wd(number: int | str) -> str:
    return f"{ITEM}Q{number}"


@cache
def our_slice() -> Slice:
    return read_slice(ROOT / FILE)


@cache
def ours() -> LocalDataset:
    """Return what our files state, in one dataset; only for reading."""
    store = ox.Store()
    for path in sorted((ROOT / "data").rglob("*.ttl")):
        graph = ox.NamedNode(f"{PEN}graph/{path.parent.name}")
        store.load(path=str(path), format=ox.RdfFormat.TURTLE, to_graph=graph)
    return LocalDataset(store, Policy())


@cache
def our_links() -> list[Link]:
    return read_links(ours())


@cache
def our_things() -> Mapping[str, Thing]:
    return read_things(ours(), [link.thing for link in our_links()])


def linked_items() -> list[str]:
    return sorted({link.item for link in our_links()})


def allow(proxy: Proxy, **more: Any) -> Allowed:
    """Return the service as an operator allows it, without a cache."""
    return Allowed("wikidata", proxy.address, is_trusted=True, cache=0, **more)


@contextlib.contextmanager
def journal(folder: Path, **plan: Any) -> Iterator[Journal]:
    with open_journal(folder, plan, NOW) as opened:
        yield opened


@dataclass
class Pulling:
    """Pulls through a proxy, in this process, and waits for nothing."""

    proxy: Proxy
    folder: Path
    slice: Slice
    patience: float = 60.0
    waited: float = 0.0

    def pull(self, items: Sequence[str] | None = None, **service: Any) -> Pull:
        def sleep(seconds: float) -> None:
            self.waited += seconds

        gateway = Gateway(contact="tests@example.org", backoff=0.01)
        with contextlib.closing(gateway), journal(self.folder) as opened:
            puller = Puller(
                Gatewayed(gateway),
                allow(self.proxy, **service),
                self.slice,
                opened,
                lambda *_: None,
                patience=self.patience,
                sleep=sleep,
            )
            return puller.pull(linked_items() if items is None else items)


def snapshot_bytes(pull: Pull) -> bytes:
    """Return a snapshot as it would be written, as of one and the same time."""
    pull.begun = NOW
    return "".join(f"{t} .\n" for t in assemble(pull, "https://example.org/sparql", NOW)).encode()


def without_times(path: Path) -> str:
    """Return a snapshot's file without the times of its retrieval, which is all that may differ."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(_TIMES.sub('""', line) if _OWN.match(line) else line for line in lines)


def read(turtle: str) -> Snapshot:
    """Return a snapshot that a test wrote, with the prefixes of Wikidata."""
    prefixes = {
        "wd": ITEM, "wdt": "http://www.wikidata.org/prop/direct/",
        "p": "http://www.wikidata.org/prop/", "ps": "http://www.wikidata.org/prop/statement/",
        "psv": "http://www.wikidata.org/prop/statement/value/",
        "pq": "http://www.wikidata.org/prop/qualifier/",
        "pqv": "http://www.wikidata.org/prop/qualifier/value/",
        "s": f"{ITEM}statement/", "v": "http://www.wikidata.org/value/",
        "wikibase": "http://wikiba.se/ontology#", "schema": "http://schema.org/",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "skos": "http://www.w3.org/2004/02/skos/core#", "owl": "http://www.w3.org/2002/07/owl#",
        "xsd": "http://www.w3.org/2001/XMLSchema#", "geo": "http://www.opengis.net/ont/geosparql#",
        "prov": "http://www.w3.org/ns/prov#", "pen": f"{PEN}ns#", "graph": f"{PEN}graph/",
    }  # fmt: skip
    prologue = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in prefixes.items())
    return Snapshot(q.triple for q in ox.parse(prologue + turtle, format=ox.RdfFormat.TURTLE))


# The command, as a process.


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Command:
    """Runs ``peninsula link`` on a store, with one service allowed."""

    def __init__(self, store: Path, proxy: Proxy | None = None) -> None:
        self.store = store
        self.options = ["--store", str(store)]
        self.asking = []
        if proxy:
            self.asking = [
                "--services", f"wikidata={proxy.address}", "--trusted-services", proxy.host,
                "--contact", "tests@example.org",
            ]  # fmt: skip

    def start(self, step: str, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        asking = self.asking if step in {"pull", "suggest"} else []
        inherited = {n: v for n, v in os.environ.items() if not n.startswith("PENINSULA_")}
        return subprocess.Popen(
            [sys.executable, "-m", "peninsula", "link", step, *self.options, *asking, *arguments],
            cwd=self.store.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**inherited, "COLUMNS": "300", **environ},
            start_new_session=True,
        )

    def run(self, step: str, *arguments: str, **environ: str) -> Done:
        with self.start(step, *arguments, **environ) as process:
            out, err = process.communicate(timeout=120)
        return Done(process.returncode, out, err)
