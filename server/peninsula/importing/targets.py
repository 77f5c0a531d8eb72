"""Where does what a table says go: into a store of this machine, or to a server?

Both answer queries, judge a change and make it. A store is held for as long as an import into it
takes; one that is only tried is judged on a copy, also while a server runs.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import pyoxigraph as ox

from peninsula.client import IRI, BlankNode, Client, Literal, Refused, Text
from peninsula.client.answers import Answer
from peninsula.client.terms import Value, write_term
from peninsula.config import Config
from peninsula.dataset.generations import Generation, Generations
from peninsula.dataset.interface import Dataset, Solutions
from peninsula.dataset.local import LocalDataset
from peninsula.dataset.writer import Writer
from peninsula.errors import ShapesViolated, display_path
from peninsula.gate import ShapesGate, open_gate
from peninsula.knowledge import find_knowledge
from peninsula.loading import Progress, make_policy, open_local, prepare

#: Statements of a change that is tried in memory alone.
_LARGE: Final = 20_000
_AGENT: Final = re.compile(r"[^A-Za-z0-9._-]+")
#: What to do where a server holds the store.
_IN_USE: Final = (
    "Import into that server: --server http://localhost:7878, with a token in "
    "PENINSULA_TOKEN; or only see what it would do: --dry-run."
)


@dataclass(frozen=True)
class Outcome:
    """What became of a change: the generation, or the report for which it was refused."""

    generation: int = 0
    added: int = 0
    removed: int = 0
    is_refused: bool = False
    #: Results of the shapes, as plain values.
    results: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Change:
    """What an import adds to a graph and removes from it."""

    graph: str
    #: N-Quads, none of which the graph has, and how many there are.
    additions: Path
    added: int
    removals: frozenset[ox.Triple]
    #: All of it as an RDF Patch, which is written when it is asked for.
    write_patch: Callable[[], Path]

    @property
    def size(self) -> int:
        return self.added + len(self.removals)


class Target(Protocol):
    """What an import asks and changes."""

    name: str

    def ask(self, query: str) -> Iterable[tuple[object, ...]]:
        """Return the solutions of a SELECT query."""
        ...

    def change(self, change: Change, *, is_trial: bool) -> Outcome:
        """Make a change, or only judge it."""
        ...


# A store of this machine.


class StoreTarget:
    """A store in a folder."""

    def __init__(
        self, config: Config, generations: Generations, dataset: Dataset, root: str
    ) -> None:
        self.name = display_path(generations.folder)
        self._config = config
        self._generations = generations
        self._dataset = dataset
        self._root = root

    def ask(self, query: str) -> Iterable[tuple[object, ...]]:
        """Return the solutions of a SELECT query."""
        result = self._dataset.evaluate(query)
        assert isinstance(result, Solutions)
        # It goes through all of them here: there is no page to be protected.
        result.most_bytes = None
        return result

    def change(self, change: Change, *, is_trial: bool) -> Outcome:
        """Make the change, or judge it on a copy."""
        spool = None
        if not is_trial:
            # On the same disk, so that nothing need be copied.
            spool = self._generations.spool
            spool.mkdir(parents=True, exist_ok=True)
        elif change.size > _LARGE and (outcome := self._try_large(change)) is not None:
            return outcome
        # The engine may write a last line of its log while its folder is being removed.
        with tempfile.TemporaryDirectory(
            prefix="import-", dir=spool, ignore_cleanup_errors=True
        ) as folder:
            return self._apply(change, Path(folder), is_trial=is_trial)

    def _try_large(self, change: Change) -> Outcome | None:
        """Judge a change in memory, which need not be written for it; None: there are no shapes."""
        gate = open_gate(self._root)
        if not isinstance(gate, ShapesGate):
            return None
        current = self._generations.current()
        # In memory its many queries are answered several times as fast.
        before, state = ox.Store(), ox.Store()
        if current:
            before.bulk_extend(self._generations.open(current.number))
            state.bulk_extend(before)
        graph = ox.NamedNode(change.graph)
        for triple in change.removals:
            state.remove(ox.Quad(triple.subject, triple.predicate, triple.object, graph))
        state.bulk_load(path=str(change.additions), format=ox.RdfFormat.N_QUADS)
        verdict = gate.judge_whole(before, state, tells_news=True)
        results = verdict.remarks["validation"]["results"]
        is_refused = verdict.refusal is not None
        return Outcome(0, change.added, len(change.removals), is_refused, list(results))

    def _apply(self, change: Change, folder: Path, *, is_trial: bool) -> Outcome:
        keeps_history = self._config.history_graph == "always" or (
            self._config.history_graph == "auto" and bool(self._root)
        )
        gate = open_gate(self._root)
        writer = Writer(
            self._generations.folder,
            keeps_history=keeps_history,
            gate=gate,
            working=folder / "working",
        )
        message: dict[str, Any] = {
            "kind": "patch", "path": str(change.write_patch()), "graph": change.graph,
            "only_graph": change.graph, "agent": find_agent(), "summary": "import",
        }  # fmt: skip
        if is_trial:
            message["dry_run"] = str(folder / "trial.rdfp")
        try:
            answer = writer.change(message)
            report = answer["remarks"].get("validation", {})
            generation = 0 if is_trial else writer.publish()["generation"]
        except ShapesViolated as error:
            return Outcome(is_refused=True, results=list(error.report.get("results", ())))
        if not is_trial:
            self._generations.prune(self._config.keep, days=self._config.keep_days)
        return Outcome(
            generation,
            answer["added"],
            answer["removed"],
            bool(report) and not report["conforms"],
            list(report.get("results", ())),
        )


@contextlib.contextmanager
def open_store(config: Config, progress: Progress, *, is_trial: bool) -> Iterator[StoreTarget]:
    """Open the store of the settings; held for this process alone, unless it is only tried."""
    generations = Generations(config.store)
    current = generations.current()
    if current and not current.knowledge:
        # Somebody's own store, which has no shapes.
        with _hold(generations, is_held=not is_trial):
            current = generations.current() or current
            yield StoreTarget(config, generations, _view(config, generations, current), "")
        return
    knowledge = find_knowledge(config.knowledge)
    if is_trial:
        dataset: Dataset = open_local(config, knowledge, progress, may_violate=True)
        yield StoreTarget(config, generations, dataset, str(knowledge.root))
        return
    with _hold(generations, is_held=True):
        current = prepare(generations, knowledge, progress)
        dataset = _view(config, generations, current)
        yield StoreTarget(config, generations, dataset, str(knowledge.root))


def _hold(generations: Generations, *, is_held: bool) -> AbstractContextManager[None]:
    return generations.locked(_IN_USE) if is_held else contextlib.nullcontext()


def _view(config: Config, generations: Generations, current: Generation) -> Dataset:
    return LocalDataset(
        generations.open(current.number),
        make_policy(config),
        is_union=config.default_graph == "union",
    )


def find_agent() -> str:
    """Return by which name the history knows who imports here."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid()) if hasattr(os, "getuid") else "curator"
    return _AGENT.sub("-", name)[:60].strip("-") or "curator"


# A server.


class ServerTarget:
    """A server that runs, asked as any client asks it."""

    def __init__(self, client: Client) -> None:
        self.name = client.address
        self._client = client

    def ask(self, query: str) -> Iterable[tuple[object, ...]]:
        """Return the solutions of a SELECT query."""
        answer: Answer = self._client.select(query)
        return (tuple(map(_as_term, row)) for row in answer)

    def change(self, change: Change, *, is_trial: bool) -> Outcome:
        """Send the change; the server's own gate judges it."""
        content = change.write_patch().read_bytes()
        try:
            made = self._client.patch(change.graph, content, dry_run=is_trial)
        except Refused as refusal:
            return Outcome(is_refused=True, results=list(refusal.report.get("results", ())))
        report = made.source.get("validation") or {}
        return Outcome(
            made.generation,
            made.added,
            made.removed,
            bool(report) and not report.get("conforms", True),
            list(report.get("results", ())),
        )


def _as_term(value: Value | None) -> object:  # noqa: PLR0911, one a case
    """Return the term of the engine that a value of the client is."""
    match value:
        case None:
            return None
        case IRI():
            return ox.NamedNode(str(value))
        case BlankNode():
            return ox.BlankNode(str(value))
        case Text():
            return ox.Literal(str(value), language=value.language)
        case Literal():
            return ox.Literal(str(value), datatype=ox.NamedNode(str(value.datatype)))
        case str():
            return ox.Literal(value)
    quad = next(
        iter(ox.parse(f"<urn:x> <urn:x> {write_term(value)} .", format=ox.RdfFormat.N_TRIPLES))
    )
    return quad.object
