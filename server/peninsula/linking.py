"""What does a curator do with links to Wikidata: pull, check, suggest, accept?

Each works on the published generation of a store, which a server may hold meanwhile; only to put
a snapshot into a store that no server holds is a change of it.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import pyoxigraph as ox

from peninsula.config import Config
from peninsula.console import Console
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Dataset, Outcome
from peninsula.dataset.local import LocalDataset
from peninsula.errors import (
    InvalidSource,
    OperatorError,
    StoreInUse,
    UpstreamFailed,
    display_path,
    place,
)
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from peninsula.knowledge import Knowledge, find_knowledge, parse_turtle
from peninsula.loading import open_database, open_local, prepare
from peninsula.namespaces import BASE, expand, shorten
from peninsula.turtle import format_turtle
from peninsula.wikidata import assembling, checking, suggesting
from peninsula.wikidata.journal import open_journal, write_whole
from peninsula.wikidata.pulling import Pull, Puller
from peninsula.wikidata.slice import FILE, SNAPSHOT, Slice, read_slice
from peninsula.wikidata.snapshot import Snapshot, read_file
from peninsula.wikidata.terms import is_item, order_of, qid_of
from peninsula.wikidata.things import (
    EXACT,
    RELATIONS,
    Link,
    Thing,
    find_unlinked,
    read_links,
    read_snapshot_triples,
    read_things,
)

#: Where the journal of a pull stands in the folder of a store.
JOURNAL: Final = "pull"
#: Requests of a pull at the same time; Wikidata asks for one after another.
_AT_ONCE: Final = 1
#: Seconds within which a running server must take the snapshot.
_PATIENCE: Final = 600.0
_TOKEN: Final = "PENINSULA_TOKEN"  # noqa: S105, the variable that holds it
_GENID: Final = f"{BASE}.well-known/genid/"


@dataclass(frozen=True)
class Destination:
    """Where a snapshot is to go: into a file, the store, a running server, or several of them."""

    output: Path | None = None
    into_store: bool = False
    server: str = ""

    def __bool__(self) -> bool:
        return bool(self.output or self.into_store or self.server)


@dataclass(frozen=True)
class Pulled:
    """What a pull brought, and where it went."""

    pull: Pull
    triples: int
    is_resumed: bool
    outcome: Outcome | None = None
    #: Where it went besides.
    places: list[str] = field(default_factory=list)


def slice_of(knowledge: Knowledge, path: Path | None = None) -> Slice:
    """Return the slice that a file describes; default: the one of the knowledge."""
    return read_slice(path or knowledge.root / FILE)


# Pulling.


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
    if destination.server:
        _read_server(destination.server)  # before anything is fetched
    knowledge = find_knowledge(config.knowledge)
    slice = slice_of(knowledge, slice_file)
    asked = _service(config, service)
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
            except UpstreamFailed as error:
                error.remedy = (
                    f"{error.remedy} What was fetched is kept: the same command goes on with it."
                ).strip()
                raise
            triples = assembling.assemble(found, asked.address, datetime.now(UTC))
            pulled = _deliver(config, knowledge, console, triples, destination)
            opened.discard()
    return replace(pulled, pull=found, is_resumed=opened.is_resumed)


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


def _service(config: Config, name: str) -> Service:
    """Return the service, to be asked without cache and one request at a time."""
    service = config.allowed_services().find(name if ":" in name else f"peninsula:{name}")
    return replace(service, cache=0, stale=0, max_requests=_AT_ONCE)


def _deliver(
    config: Config,
    knowledge: Knowledge,
    console: Console,
    triples: Sequence[ox.Triple],
    destination: Destination,
) -> Pulled:
    outcome = None
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
    return Pulled(
        Pull(datetime.now(UTC)), len(triples), is_resumed=False, outcome=outcome, places=places
    )


def _store(config: Config, knowledge: Knowledge, console: Console, path: Path) -> Outcome:
    """Replace the graph in a store that no server holds, as one change, through the gate."""
    generations = Generations(config.store)
    shipped = None if config.empty else knowledge
    try:
        with generations.locked():
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
    except StoreInUse as error:
        raise StoreInUse(
            error.message,
            "Stop that server first, or let it take the snapshot: --server http://localhost:7878 "
            f"with a token in {_TOKEN}.",
        ) from None


def _read_server(address: str) -> tuple[str, str, str]:
    """Return scheme, host and path of a server of ours; raises OperatorError."""
    parts = urlsplit(address)
    try:
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
        _ = parts.port
    except ValueError:
        is_right = False
    if not is_right:
        raise OperatorError(f"“{address}” is no address of a server.", "Write http://HOST:PORT/.")
    if not os.environ.get(_TOKEN):
        raise OperatorError(
            "There is no token to write to the server with.",
            f"Make one with “peninsula token add NAME --role write” and put it into {_TOKEN}.",
        )
    return parts.scheme, parts.netloc, parts.path.rstrip("/")


def _send(address: str, triples: Sequence[ox.Triple]) -> str:
    """PUT the snapshot to a running server; return where it went."""
    scheme, host, path = _read_server(address)
    body = "".join(f"{triple} .\n" for triple in triples).encode()
    connect = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = connect(host, timeout=_PATIENCE)
    headers = {
        "Authorization": f"Bearer {os.environ[_TOKEN]}",
        "Content-Type": "application/n-triples",
        "Accept": "application/problem+json",
    }
    try:
        with contextlib.closing(connection):
            where = f"{path}/store?graph={quote(SNAPSHOT, safe='')}"
            connection.request("PUT", where, body, headers)
            response = connection.getresponse()
            answer = response.read(65_536).decode("utf-8", "replace")
            generation = response.headers.get("Peninsula-Generation", "?")
    except (OSError, http.client.HTTPException) as error:
        raise OperatorError(f"{address}: the server cannot be reached ({error}).") from None
    if response.status not in {200, 201, 204}:
        raise OperatorError(f"{address}: the server answers {response.status}: {answer[:1000]}")
    return f"{address}, generation {generation}"


# Checking.


def check(
    config: Config,
    *,
    snapshot_file: Path | None = None,
    before_file: Path | None = None,
    slice_file: Path | None = None,
) -> checking.Report:
    """Hold the snapshot against what we say of the linked things."""
    knowledge = find_knowledge(config.knowledge)
    slice = slice_of(knowledge, slice_file)
    with Console() as console:
        dataset = open_local(config, knowledge, console, may_violate=True)
        console("Comparing", 0, 0)
        snapshot = _snapshot(dataset, snapshot_file)
        links = read_links(dataset)
        things = read_things(dataset, [link.thing for link in links])
        before = read_file(before_file) if before_file else None
        return checking.check(links, things, snapshot, slice, datetime.now(UTC), before)


def _snapshot(dataset: Dataset, path: Path | None) -> Snapshot:
    """Return the snapshot of a file, or the one in the store; raises OperatorError."""
    if path:
        return read_file(path)
    snapshot = Snapshot(read_snapshot_triples(dataset))
    if not len(snapshot):
        raise OperatorError(
            "The store holds no snapshot of Wikidata.",
            "Pull one with “peninsula link pull --into-store”, or name a file with --snapshot.",
        )
    return snapshot


# Suggesting.


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
            snapshot = _snapshot(dataset, snapshot_file)
            matches = suggesting.match_names(ours, suggesting.names_in(snapshot))
            source = f"from the snapshot of {snapshot.retrieved or 'an unknown day'}"
        else:
            asked = _service(config, service)
            with contextlib.closing(Gateway(contact=config.contact)) as gateway:
                matches = _ask_names(gateway, asked, ours, slice, console)
                snapshot = _ask_items(
                    gateway, asked, {i for items in matches.values() for i in items}, slice, console
                )
            source = f"from {asked.address}"
        found = suggesting.suggest(ours, matches, snapshot, slice, linked)
    return found, len(ours), f"{source}, {datetime.now(UTC).date()}"


def _find_wanted(dataset: Dataset, classes: Sequence[str], things: Sequence[str]) -> list[str]:
    if things:
        return sorted({expand(name) if not name.startswith("http") else name for name in things})
    names = classes or suggesting.CLASSES
    found = {thing for name in names for thing in find_unlinked(dataset, expand(name))}
    return sorted(thing for thing in found if thing.startswith(f"{BASE}id/"))


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


# Accepting.

_HEAD: Final = """\
# Links that {by} found to hold among the candidates of a program.
# Named graph: graph:links. Licence: CC BY 4.0.

"""


def accept(config: Config, files: Sequence[Path], by: str) -> tuple[str, int, int]:
    """Return the links of reviewed candidates as Turtle, their number, and that of the others.

    Raises InvalidSource where a file holds something else, or a link that cannot be.
    """
    knowledge = find_knowledge(config.knowledge)
    with Console() as console:
        dataset = open_local(config, knowledge, console, may_violate=True)
        known = read_links(dataset)
    accepted, others = [], 0
    for path in files:
        for candidate in _read_review(path):
            if candidate.is_accepted:
                accepted.append((path, candidate))
            else:
                others += 1
    _refuse_twice(accepted, known)
    if not accepted:
        return "", 0, others
    now = datetime.now(UTC).replace(microsecond=0)
    text = _HEAD.format(by=" ".join(by.split())) + _write_links(
        [candidate for _, candidate in accepted], by, now, dataset
    )
    return format_turtle(text), len(accepted), others


@dataclass(frozen=True)
class _Reviewed:
    iri: str
    thing: str
    item: str
    relation: str
    is_accepted: bool
    reasons: tuple[str, ...]


def _read_review(path: Path) -> Iterator[_Reviewed]:
    store = ox.Store()
    store.extend(parse_turtle(path))
    kind = ox.NamedNode(expand("pen:LinkCandidate"))
    nodes = sorted(
        (q.subject for q in store.quads_for_pattern(None, ox.NamedNode(expand("rdf:type")), kind)),
        key=str,
    )
    for node in nodes:
        values = {
            name: sorted(
                getattr(q.object, "value", str(q.object))
                for q in store.quads_for_pattern(node, ox.NamedNode(expand(f"pen:{name}")), None)
            )
            for name in ("suggestsEntity", "suggestsItem", "linksBy", "isAccepted", "reason")
        }
        iri = getattr(node, "value", str(node))
        one = {name: found[0] if len(found) == 1 else "" for name, found in values.items()}
        wrong = [name for name in ("suggestsEntity", "suggestsItem", "linksBy") if not one[name]]
        if wrong:
            raise InvalidSource(
                f"{place(path)}: {shorten(iri)} needs exactly one pen:{wrong[0]}.", "Mend it there."
            )
        if not is_item(one["suggestsItem"]) or one["linksBy"] not in RELATIONS:
            raise InvalidSource(
                f"{place(path)}: {shorten(iri)} links to no item of Wikidata, or by no relation "
                "that says sameness.",
                "Write wd:Q… and skos:exactMatch, skos:closeMatch or skos:broadMatch.",
            )
        yield _Reviewed(
            iri,
            one["suggestsEntity"],
            one["suggestsItem"],
            one["linksBy"],
            one["isAccepted"] in {"true", "1"},
            tuple(values["reason"]),
        )


def _refuse_twice(accepted: Sequence[tuple[Path, _Reviewed]], known: Sequence[Link]) -> None:
    """Refuse a second exact link of a thing or an item; raises InvalidSource."""
    things: dict[str, str] = {}
    items: dict[str, str] = {}
    for link in known:
        if link.is_exact:
            told = f"{shorten(link.thing)} is {qid_of(link.item)} already"
            things[link.thing] = items[link.item] = told
    for path, candidate in accepted:
        if candidate.relation != EXACT:
            continue
        if clash := things.get(candidate.thing) or items.get(candidate.item):
            raise InvalidSource(
                f"{place(path)}: {shorten(candidate.iri)} cannot be a link: {clash}.",
                "Accept one of them only.",
            )
        told = f"{shorten(candidate.thing)} is accepted as {qid_of(candidate.item)}"
        things[candidate.thing] = items[candidate.item] = told


def _write_links(
    accepted: Sequence[_Reviewed], by: str, now: datetime, dataset: LocalDataset
) -> str:
    things = read_things(dataset, [candidate.thing for candidate in accepted])
    agent = "agent:" + (re.sub(r"[^a-z0-9]+", "-", by.lower()).strip("-") or "reviewer")
    occasion = f"confirmation:{now.strftime('%Y-%m-%dt%H%M%Sz')}"
    kinds = sorted({shorten(c.thing).partition(":")[0] for c in accepted})
    names = ("agent", "confirmation", "dcterms", "foaf", "link", "pen", "prov", "rdfs", "skos",
             "verification", "wd", "xsd", *kinds)  # fmt: skip
    lines = [f"PREFIX {name}: <{expand(f'{name}:')}>\n" for name in sorted(set(names))]
    who = ox.Literal(by, language="en")
    lines.append(f"\n{agent} a foaf:Agent ; rdfs:label {who} .\n")
    label = ox.Literal(f"Candidates reviewed by {by} on {now.date()}", language="en")
    lines.append(
        f"{occasion} a pen:Confirmation ; rdfs:label {label} ; prov:wasAssociatedWith {agent} .\n"
    )
    for candidate in sorted(accepted, key=lambda c: c.thing):
        thing, qid = shorten(candidate.thing), qid_of(candidate.item)
        slug = thing.replace(":", "-")
        relation = shorten(candidate.relation)
        name = slug if candidate.relation == EXACT else f"{slug}-{qid.lower()}"
        title = ox.Literal(f"{things[candidate.thing].label}, Wikidata item {qid}", language="en")
        page = f"<https://www.wikidata.org/wiki/{qid}>"
        how = ox.Literal(f"{by}: candidate of a program, reviewed")
        note = ox.Literal("; ".join(candidate.reasons), language="en")
        moment = now.isoformat().replace("+00:00", "Z")
        lines.append(f"""
link:{name} a pen:IdentityLink ; rdfs:label {title} ; dcterms:source {page} ;
  prov:hadPrimarySource {page} ; prov:wasAttributedTo {agent} ; prov:wasGeneratedBy {occasion} ;
  prov:generatedAtTime "{moment}"^^xsd:dateTime ; skos:editorialNote {note} ;
  pen:confirmedBy {how} ; pen:confirmedOn "{now.date()}"^^xsd:date ;
  pen:hasVerification verification:verified ; pen:linksBy {relation} ;
  pen:linksEntity {thing} ; pen:linksTo wd:{qid} .
{thing} {relation} wd:{qid} .
""")
    return "".join(lines)


def write_text(path: Path | None, text: str) -> None:
    """Write a text to a file, whole or not at all, or to the standard output."""
    if path:
        write_whole(path, text.encode())
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
