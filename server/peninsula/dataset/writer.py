"""What does the writer process do with a change?

It holds the working database. Every change becomes an exact net delta that is applied here,
judged by the gate, and kept or undone; publication makes what was kept the next generation: a
checkpoint of the working database, the change as RDF Patch, and a description, in this order,
before CURRENT names it. It trusts nobody's text: when a change ends this process, the server
starts another one from the published generation and repeats the changes that wait.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import pyoxigraph as ox

from peninsula.dataset import delta as deltas
from peninsula.dataset.channel import Channel, ChannelClosed, Message
from peninsula.dataset.delta import Delta, GraphName
from peninsula.dataset.generations import (
    Generation,
    Generations,
    format_instant,
    make_instant,
)
from peninsula.dataset.local import graph_name
from peninsula.dataset.updates import apply_update
from peninsula.errors import (
    PeninsulaError,
    QueryFailed,
    QueryForbidden,
    StoreFull,
    UnknownGraph,
    from_message,
    to_message,
)
from peninsula.files import sync
from peninsula.namespaces import BASE, PREFIXES, expand

HISTORY: Final = expand("graph:history")
Graph = ox.NamedNode | ox.BlankNode | ox.DefaultGraph
Quads = Iterable[ox.Quad]


@dataclass(frozen=True)
class Verdict:
    """What a gate says of a change: why it may not enter, if so, and what to tell anyway."""

    refusal: PeninsulaError | None = None
    #: Plain values for the answer: warnings, a report.
    remarks: Mapping[str, Any] = field(default_factory=dict)


class Gate(Protocol):
    """Stands between a delta and its publication; runs in the writer's process."""

    def judge(
        self, delta: Delta, store: ox.Store, *, is_trial: bool, asks_questions: bool
    ) -> Verdict:
        """Judge a change that ``store`` already holds; it is undone where it may not enter.

        ``is_trial``: nothing will be published, so that all that the change alters is to be told;
        with ``asks_questions``, which answers of the library it would alter, too.
        """
        ...

    def judge_alone(self, message: Message, store: ox.Store) -> Mapping[str, Any]:
        """Judge the statements of a file by themselves; ``store`` is as it is published."""
        ...


class OpenGate:
    """Lets every change pass."""

    def judge(
        self,
        delta: Delta,  # noqa: ARG002
        store: ox.Store,  # noqa: ARG002
        *,
        is_trial: bool,  # noqa: ARG002
        asks_questions: bool,  # noqa: ARG002
    ) -> Verdict:
        """Return nothing to tell."""
        return Verdict()

    def judge_alone(self, message: Message, store: ox.Store) -> Mapping[str, Any]:  # noqa: ARG002
        """Refuse: there are no shapes to judge by."""
        raise QueryFailed("This server has no shapes.", "Send shapes with the data.")


def open_gate(options: Message) -> Gate:
    """Return the gate that ``options`` name, as ``module:function`` and its argument.

    Named and not imported, because a gate knows of shapes, and this module does not.
    """
    if not options.get("gate"):
        return OpenGate()
    module, _, function = options["gate"].partition(":")
    gate: Gate = getattr(importlib.import_module(module), function)(options["gate_argument"])
    return gate


@dataclass(frozen=True)
class _Kept:
    """A change that is applied and waits for publication."""

    delta: Delta
    agent: str
    summary: str
    #: Files that it was made of: SHA-256 and name.
    used: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Told:
    """What a patch says of itself: what it does, and of which files it was made."""

    summary: str = ""
    used: tuple[tuple[str, str], ...] = ()


#: Files that a patch may name, and characters of what it says.
_MOST_USED: Final = 20
_LONGEST_TOLD: Final = 300
_USED: Final = re.compile(r"([0-9a-f]{64}) (\S.{0,200})")


def _read_told(patch: deltas.Patch) -> _Told:
    values = [(name, term.value) for name, term in patch.headers if isinstance(term, ox.Literal)]
    found = (_USED.fullmatch(value) for name, value in values if name == "used")
    summary = next((value for name, value in values if name == "summary"), "")
    return _Told(summary[:_LONGEST_TOLD], tuple((m[1], m[2]) for m in found if m)[:_MOST_USED])


class Writer:
    """The working database and what waits in it."""

    def __init__(
        self,
        folder: Path,
        *,
        keeps_history: bool,
        gate: Gate | None = None,
        working: Path | None = None,
    ) -> None:
        """``working`` is the folder of the working database; default: the writer's own."""
        self._generations = Generations(folder)
        self._keeps_history = keeps_history
        self._gate = gate or OpenGate()
        self._current = self._generations.current()
        number = self._current.number if self._current else None
        working = working or self._generations.writer
        self._generations.checkout(working, number)
        self._store = ox.Store(str(working))
        self._kept: list[_Kept] = []
        self._told = _Told()

    @property
    def generation(self) -> int:
        """Return the number of the generation that the working database began with."""
        return self._current.number if self._current else 0

    def change(self, message: Message) -> Message:
        """Apply a change and return what it did; nothing is published yet."""
        work: dict[str, Callable[[Message], Delta]] = {
            "update": self._update,
            "put": self._put,
            "drop": self._drop,
            "patch": self._patch,
        }
        name = message.get("graph")
        graph = graph_name(name)
        existed = name is None or self._store.contains_named_graph(graph)
        is_trial = bool(message.get("dry_run"))
        self._told = _Told()
        delta = work[message["kind"]](message)
        told = self._told
        try:
            delta = self._spare_history(delta)
            verdict = self._gate.judge(
                delta,
                self._store,
                is_trial=is_trial,
                asks_questions=bool(message.get("asks_questions")),
            )
            if verdict.refusal and not is_trial:
                raise verdict.refusal
        except BaseException:
            deltas.apply(self._store, delta.inverse())
            raise
        answer: Message = {
            "added": len(delta.added),
            "removed": len(delta.removed),
            "created": [_text(graph) for graph in delta.created],
            "dropped": [_text(graph) for graph in delta.dropped],
            "remarks": dict(verdict.remarks),
            "existed": existed,
        }
        if target := message.get("dry_run"):
            deltas.apply(self._store, delta.inverse())
            with Path(target).open("wb") as file:
                deltas.write_patch(delta, file, {})
        elif not delta.is_empty:
            summary = ": ".join(filter(None, (message["summary"], told.summary)))
            self._kept.append(_Kept(delta, message["agent"], summary, told.used))
        return answer

    def judge(self, message: Message) -> Message:
        """Return what the gate says of a change, or of a file by itself; nothing stays."""
        if message["mode"] == "alone":
            return {"report": dict(self._gate.judge_alone(message, self._store))}
        with tempfile.NamedTemporaryFile(dir=self._generations.spool) as patch:
            answer = self.change({**message, "dry_run": patch.name})
        report = answer["remarks"].get("validation", {})
        names = ("added", "removed", "created", "dropped")
        return {"report": report and {**report, "delta": {name: answer[name] for name in names}}}

    def publish(self) -> Message:
        """Make what waits the next generation; returns its number, on disk for good."""
        if not self._kept:
            return {"generation": self._current.number if self._current else 0}
        generations = self._generations
        number, instant = generations.next_number(), generations.next_instant()
        stated = _together([kept.delta for kept in self._kept])
        whole = stated
        if self._keeps_history:
            history = self._record(number, make_instant(instant))
            deltas.apply(self._store, history)
            whole = stated.then(history)
        before = self._current
        graphs, default = count_after(before, whole)
        generation = Generation(
            number=number,
            published=instant,
            graphs=graphs,
            default=default,
            summary="; ".join(dict.fromkeys(kept.summary for kept in self._kept))[:1000],
            agents=tuple(dict.fromkeys(kept.agent for kept in self._kept)),
            added=len(stated.added),
            removed=len(stated.removed),
            knowledge=before.knowledge if before else "",
            violations=before.violations if before else 0,
            warnings=before.warnings if before else 0,
        )
        building = generations.building()
        # Both wait for the disk most of the time, and the engine lets other threads run.
        with ThreadPoolExecutor(1) as other:
            checkpoint = other.submit(self._store.backup, str(building))
            write_patch_file(generations, generation, whole, before.number if before else 0)
            checkpoint.result()
        generations.publish(building, generation)
        self._current = generation
        self._kept.clear()
        size = len(whole.added) + len(whole.removed)
        return {"generation": number, "size": size}

    # The kinds of change.

    def _update(self, message: Message) -> Delta:
        loads = {iri: Path(path) for iri, path in message["loads"].items()}

        def load(iri: str) -> Iterator[ox.Quad]:
            if iri in loads:
                return _read(loads[iri])
            if iri in message["load_errors"]:
                raise from_message(message["load_errors"][iri])
            raise QueryForbidden(f"LOAD <{iri}> was not foreseen.", "Write its IRI in full.")

        return apply_update(
            self._store,
            message["text"],
            base=message["base"],
            prefixes=PREFIXES if message["prefixes"] is None else message["prefixes"],
            is_union=message["is_union"],
            using_graphs=message["using_graphs"],
            using_named_graphs=message["using_named_graphs"],
            load=load,
            only_graph=message["only_graph"],
        )

    def _put(self, message: Message) -> Delta:
        """Put the statements of a file into a graph, or with their own graphs into the whole."""
        quads = deltas.as_stored(_read(Path(message["path"])))
        store = self._store
        if message["is_everything"]:
            add = set(quads)
            graphs = {q.graph_name for q in add}
            replaced, gone = set(store), set(store.named_graphs())
        else:
            graph = graph_name(message["graph"])
            add = {ox.Quad(q.subject, q.predicate, q.object, graph) for q in quads}
            graphs = {graph}
            replaced, gone = set(store.quads_for_pattern(None, None, None, graph)), set()
        remove = set()
        drop: set[GraphName] = set()
        if message["replaces"]:
            remove = {q for q in replaced if not self._is_history(q.graph_name)}
            drop = {name for name in gone - graphs if not self._is_history(name)}
        delta = deltas.net_delta(store, remove=remove, add=add, drop=drop)
        for name in graphs:
            # A graph that is put exists from then on, be it empty.
            if not isinstance(name, ox.DefaultGraph) and not store.contains_named_graph(name):
                delta.created.add(name)
        deltas.apply(store, delta)
        return delta

    def _is_history(self, graph: Any) -> bool:
        return self._keeps_history and graph == ox.NamedNode(HISTORY)

    def _drop(self, message: Message) -> Delta:
        """Remove a graph that must be there, or everything; the default graph is emptied."""
        store = self._store
        if message["is_everything"]:
            remove = {quad for quad in store if not self._is_history(quad.graph_name)}
            drop = {name for name in store.named_graphs() if not self._is_history(name)}
        else:
            graph = graph_name(message["graph"])
            drop = set()
            if not isinstance(graph, ox.DefaultGraph):
                if not store.contains_named_graph(graph):
                    raise UnknownGraph(f"There is no graph {graph}.")
                drop = {graph}
            remove = set(store.quads_for_pattern(None, None, None, graph))
        delta = deltas.net_delta(store, remove=remove, drop=drop)
        deltas.apply(store, delta)
        return delta

    def _patch(self, message: Message) -> Delta:
        patch = deltas.read_patch(Path(message["path"]).read_bytes())
        self._told = _read_told(patch)
        delta = patch.delta(self._store)
        if message["only_graph"] is not None:
            deltas.keep_to(delta, message["only_graph"])
        deltas.apply(self._store, delta)
        return delta

    def _spare_history(self, delta: Delta) -> Delta:
        """Return ``delta`` without the end of the history graph, which DROP ALL brings.

        Raises QueryForbidden where it writes to that graph in any other way.
        """
        if not any(map(self._is_history, delta.graphs())):
            return delta
        history = ox.NamedNode(HISTORY)
        removed = {quad for quad in delta.removed if quad.graph_name == history}
        is_over = not any(self._store.quads_for_pattern(None, None, None, history))
        if not is_over or any(quad.graph_name == history for quad in delta.added):
            raise QueryForbidden(
                f"<{HISTORY}> is written by the server alone.", "Leave that graph out."
            )
        part = Delta(removed=removed, dropped=delta.dropped & {history})
        deltas.apply(self._store, part.inverse())
        return Delta(delta.added, delta.removed - removed, delta.created, delta.dropped - {history})

    def _record(self, number: int, when: ox.Literal) -> Delta:
        """Return who changed what, in the terms of PROV, for the history graph."""
        graph = ox.NamedNode(HISTORY)
        this = ox.NamedNode(f"{BASE}history/{number}")
        quads = set()

        def say(subject: ox.NamedNode, name: str, value: ox.NamedNode | ox.Literal) -> None:
            quads.add(ox.Quad(subject, ox.NamedNode(expand(name)), value, graph))

        say(this, "rdf:type", ox.NamedNode(expand("prov:Entity")))
        say(this, "rdfs:label", ox.Literal(f"generation {number}", language="en"))
        say(this, "prov:generatedAtTime", when)
        if self._current:
            before = ox.NamedNode(f"{BASE}history/{self._current.number}")
            say(this, "prov:wasRevisionOf", before)
        for place, kept in enumerate(self._kept, start=1):
            activity = ox.NamedNode(f"{this.value}#change-{place}")
            agent = ox.NamedNode(f"{BASE}history/agent/{kept.agent}")
            say(this, "prov:wasGeneratedBy", activity)
            say(activity, "rdf:type", ox.NamedNode(expand("prov:Activity")))
            counts = f"{len(kept.delta.added)} added, {len(kept.delta.removed)} removed"
            say(activity, "rdfs:label", ox.Literal(f"{kept.summary}: {counts}", language="en"))
            say(activity, "prov:endedAtTime", when)
            say(activity, "prov:wasAssociatedWith", agent)
            say(agent, "rdf:type", ox.NamedNode(expand("prov:Agent")))
            say(agent, "rdfs:label", ox.Literal(kept.agent))
            for digest, name in kept.used:
                file = ox.NamedNode(f"{BASE}history/file/{digest}")
                say(activity, "prov:used", file)
                say(file, "rdf:type", ox.NamedNode(expand("prov:Entity")))
                say(file, "rdfs:label", ox.Literal(name))
                say(file, "pen:sha256", ox.Literal(digest))
        is_new = not self._store.contains_named_graph(graph)
        return Delta(
            added={quad for quad in quads if quad not in self._store},
            removed=set(),
            created={graph} if is_new else set(),
            dropped=set(),
        )


def write_patch_file(
    generations: Generations, generation: Generation, delta: Delta, before: int
) -> None:
    """Write the change that makes ``generation``; after this it survives the loss of power."""
    path = generations.patch(generation.number)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        deltas.write_patch(delta, file, patch_headers(generation, before))
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)


def patch_headers(generation: Generation, before: int) -> dict[str, str]:
    """Return the headers of the patch that leads to ``generation``."""
    return {
        "id": f"<{BASE}history/{generation.number}>",
        **({"prev": f"<{BASE}history/{before}>"} if before else {}),
        "published": str(ox.Literal(format_instant(generation.published))),
        "agents": str(ox.Literal(", ".join(generation.agents))),
        "summary": str(ox.Literal(generation.summary)),
    }


def serve_writer(channel: Channel, options: Message, *, is_confined: bool) -> None:
    """Do what comes over ``channel`` until the other end hangs up."""
    try:
        gate = open_gate(options)
        writer: Writer | None = _open(options, gate)
    except (PeninsulaError, OSError) as error:
        with contextlib.suppress(ChannelClosed):
            channel.send({"error": to_message(_explain(error))})
        return
    channel.send({"ready": True, "is_confined": is_confined})
    while True:
        try:
            message, _ = channel.receive()
            try:
                if message["do"] == "judge" and (
                    writer is None or message["generation"] != writer.generation
                ):
                    # The database is locked for as long as anything holds it: rdflib's graphs
                    # hold themselves, and it.
                    writer = None
                    gc.collect()
                    writer = _open(options, gate)
                assert writer
                if message["do"] == "judge":
                    answer = writer.judge(message)
                elif message["do"] == "publish":
                    answer = writer.publish()
                else:
                    answer = writer.change(message)
            except (PeninsulaError, OSError, MemoryError, RuntimeError) as error:
                explained = _explain(error)
                answer = {"error": to_message(explained)}
                # What was half done must not be seen again, and an engine that could not write
                # once will not try again: the next writer starts clean.
                if (
                    message["do"] == "publish"
                    or isinstance(explained, StoreFull)
                    or not isinstance(error, PeninsulaError)
                ):
                    channel.send({**answer, "is_over": True})
                    return
                # It knows from where it was raised, and so holds the writer.
                del explained
            channel.send(answer)
        except ChannelClosed:
            return


def _open(options: Message, gate: Gate) -> Writer:
    return Writer(
        Path(options["store"]),
        keeps_history=options["keeps_history"],
        gate=gate,
        working=Path(options["working"]) if options.get("working") else None,
    )


def _explain(error: BaseException) -> PeninsulaError:
    if isinstance(error, PeninsulaError) and "No space left" not in str(error):
        return error
    if getattr(error, "errno", 0) in {errno.ENOSPC, errno.EDQUOT} or "No space left" in str(error):
        return StoreFull(
            "The disk of the server is full; nothing was changed.", "Tell whoever runs it."
        )
    if isinstance(error, MemoryError):
        return QueryFailed(
            "The change needs more memory than the server gives one.", "Send it in parts."
        )
    return QueryFailed(f"The change could not be made: {error}")


def _read(path: Path) -> Iterator[ox.Quad]:
    with path.open("rb") as file:
        yield from ox.parse(file, format=ox.RdfFormat.N_QUADS)


def _together(parts: list[Delta]) -> Delta:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.then(part)
    return whole


def count_after(before: Generation | None, delta: Delta) -> tuple[dict[str, int], int]:
    """Return how many triples each named graph, and the default graph, hold after ``delta``."""
    graphs = dict(before.graphs) if before else {}
    default = before.default if before else 0
    for name in delta.created | delta.dropped:
        graphs.setdefault(_text(name) or "", 0)
    change: Counter[str | None] = Counter()
    for quad in delta.added:
        change[_text(quad.graph_name)] += 1
    for quad in delta.removed:
        change[_text(quad.graph_name)] -= 1
    default += change.pop(None, 0)
    for graph, count in change.items():
        graphs[graph or ""] = graphs.get(graph or "", 0) + count
    for name in delta.dropped:
        graphs.pop(_text(name) or "", None)
    return dict(sorted(graphs.items())), default


def _text(graph: Any) -> str | None:
    """Return the name of a graph as messages and descriptions carry it."""
    if isinstance(graph, ox.DefaultGraph):
        return None
    return f"_:{graph.value}" if isinstance(graph, ox.BlankNode) else str(graph.value)
