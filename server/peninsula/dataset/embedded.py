"""How does a store on this machine answer and change?

An :class:`EmbeddedDatabase` brings the parts together: generations on disk, a pool of readers,
the line of changes before the one writer, and where the dataset fits, a process that holds it
in memory and forks the readers. A :class:`View` is one generation, seen by one asker.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final, cast

import pyoxigraph as ox

from peninsula.dataset import sandbox
from peninsula.dataset.changes import Changes
from peninsula.dataset.channel import ChannelClosed
from peninsula.dataset.generations import Generation, Generations
from peninsula.dataset.interface import (
    PLAIN,
    Asker,
    Graph,
    Outcome,
    QueryOptions,
    Result,
    put_in,
)
from peninsula.dataset.judges import Judges
from peninsula.dataset.pooled import ChunkFile, PooledBoolean, PooledGraph, PooledSolutions
from peninsula.dataset.reader import out_of_time
from peninsula.dataset.readers import Limits, ReaderPool
from peninsula.dataset.running import Running, Source
from peninsula.dataset.workers import Nursery
from peninsula.errors import PeninsulaError, StoreReadOnly, UnknownGraph
from peninsula.formats import NQUADS, Format
from peninsula.policy import Policy, QueryFacts, UpdateFacts

#: Bytes that a statement takes in memory, strings and indexes included; measured.
BYTES_A_TRIPLE: Final = 450
#: A change up to this size is applied in memory before it is acknowledged (quads).
_APPLIED_AT_ONCE: Final = 20_000
#: Seconds after which it is seen anew whether a generation is in use.
_PRUNED_AGAIN: Final = 1.0
#: Seconds that writing out a graph, or everything, may take.
_LONGEST_DUMP: Final = 3600.0
_TICK: Final = 0.1
#: Queries up to this length are remembered with what the policy found.
_REMEMBERED: Final = 16_384

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How an embedded database works. Times in seconds, memory in bytes."""

    is_union: bool = True
    memory: str = "auto"
    memory_budget: int = 0
    keep: int = 10
    #: Generations younger than so many days are kept beyond that.
    keep_days: int = 0
    keeps_history: bool = False
    is_read_only: bool = False
    update_timeout: float = 60.0
    writer_memory: int = 0
    #: What judges changes in the writer's process, as ``module:function``; none where empty.
    gate: str = ""
    #: The same for what is only tried.
    trials: str = ""
    #: What that function is given.
    gate_argument: str = ""
    limits: Limits = field(default_factory=Limits)


class EmbeddedDatabase:
    """A store on this machine: its current state, its kept ones, and the way to change it."""

    def __init__(self, generations: Generations, policy: Policy, options: Options) -> None:
        current = generations.current()
        assert current, "publish a first generation before opening"
        self.generations = generations
        self.options = options
        self.policy = policy
        self.is_union = options.is_union
        self._current = current
        self._shares_second = False
        self._check = functools.lru_cache(4096)(policy.check)
        self._nursery = Nursery.start([generations.lock] if generations.lock is not None else [])
        self._template: Nursery | None = None
        self._template_generation = 0
        self._turning = threading.Lock()
        self._is_behind = threading.Event()
        self._is_closed = False
        self._loading_generation = 0
        self.readers = ReaderPool(options.limits, self._on_lost)
        self.readers.turn_to(self._disk_source(current.number))
        self._pruning = threading.Lock()
        self._prunes_again = False
        #: Is told the number of a generation once it is the published one.
        self.on_publish: Callable[[int], None] = lambda _number: None
        #: Called before the processes end: whoever asks by himself stops here.
        self.on_close: Callable[[], None] = lambda: None
        writing = {
            "store": str(generations.folder),
            "keeps_history": options.keeps_history,
            "memory": options.writer_memory,
            "gate": options.gate,
            "gate_argument": options.gate_argument,
        }
        self.changes = (
            None
            if options.is_read_only
            else Changes(
                generations, self._nursery, self._on_publish, options=writing, queue_length=256
            )
        )
        self._judges = (
            None
            if options.is_read_only
            else Judges(
                self._nursery,
                {**writing, "gate": options.trials, "working": str(generations.judge)},
                lambda: self._current.number,
                options.update_timeout,
            )
        )
        self._loader = threading.Thread(target=self._keep_in_memory, name="loader", daemon=True)
        self._loader.start()
        if options.memory != "never":
            self._is_behind.set()

    # States.

    @property
    def current(self) -> Generation:
        """Return the published generation."""
        return self._current

    def find(self, number: int) -> Generation:
        """Return a generation that is kept; raises UnknownGeneration."""
        return self._current if number == self._current.number else self.generations.find(number)

    def all(self) -> list[Generation]:
        """Return the generations that are kept, oldest first."""
        return self.generations.all()

    def view(self, asker: Asker | None = None, generation: Generation | None = None) -> View:
        """Return the current state, or another one, as ``asker`` sees it."""
        return View(self, generation or self._current, asker or Asker())

    @property
    def shares_second(self) -> bool:
        """Return whether the generation before was published in the same second.

        Then a date of HTTP does not tell the two apart.
        """
        return self._shares_second

    @property
    def is_in_memory(self) -> bool:
        """Return whether queries on the current state are answered from memory."""
        source = self.readers.source
        return bool(source and source.is_in_memory)

    def check(self, query: str, *, allows_service: bool = False) -> QueryFacts:
        """Return what the policy says of ``query``; raises QueryForbidden and its kind."""
        check = self._check if len(query) < _REMEMBERED else self.policy.check
        return check(query, allows_service=allows_service) if allows_service else check(query)

    def check_update(self, update: str) -> UpdateFacts:
        """Return what the policy says of ``update``; raises QueryForbidden and its kind."""
        return self.policy.check_update(update)

    # Changes.

    def change(
        self,
        message: Mapping[str, Any],
        *,
        timeout: float | None = None,
        precondition: Callable[[], None] | None = None,
    ) -> Outcome:
        """Make a change; it is on disk, and answers queries, when this returns."""
        changes = self.require_changes()
        limit = self.options.update_timeout
        return changes.submit(
            {"is_union": self.is_union, **message},
            timeout=min(timeout or limit, limit),
            precondition=precondition,
        )

    def judge(self, message: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
        """Return the report about a change that is not to be made, or about data by themselves.

        ``message`` is a change as :meth:`change` takes it, with ``mode`` “graph”; or with
        ``mode`` “alone”, a ``path`` of N-Quads and of Turtle with ``shapes``, or None. Raises
        StoreReadOnly where there is no room for a working database, and what judging raises.
        """
        if self._judges is None:
            raise StoreReadOnly("This server cannot validate: its store cannot be written to.")
        return self._judges.judge({"is_union": self.is_union, **message}, asker)

    def require_changes(self) -> Changes:
        """Return the line of changes; raises StoreReadOnly where there is none."""
        if self.changes is None:
            raise StoreReadOnly(
                "This server takes no changes: its store cannot be written to.",
                "Ask whoever runs it.",
            )
        return self.changes

    def parse(
        self, path: Path, format: Format, base: str, target: Path, asker: Asker
    ) -> tuple[int, bool]:
        """Write the statements of an upload as N-Quads to ``target``, in a process of its own.

        Returns their number, and whether any is in a named graph. Raises InvalidUpload,
        QueryTimeout and its kind.
        """
        running = self.readers.run(
            {"do": "parse", "path": str(path), "format": format.name, "base": base},
            source=self._disk_source(self._current.number),
            asker=asker,
            text=f"parsing {format.title}",
            longest=self.options.update_timeout,
        )
        with target.open("wb") as file:
            for chunk in running.chunks():
                file.write(chunk)
        return running.head["count"], running.head["has_graphs"]

    def difference(self, before: int, after: int, asker: Asker) -> Iterator[bytes]:
        """Yield what leads from one kept generation to another, as the rows of an RDF Patch.

        Worked out in a process of its own, in no order; closing the iterator ends it. Raises
        UnknownGeneration, QueryTimeout and its kind.
        """
        for number in (before, after):
            self.find(number)
        running = self.readers.run(
            {"do": "diff", "before": str(self.generations.path(before))},
            source=self._disk_source(after),
            asker=asker,
            text=f"difference of generations {before} and {after}",
        )
        return PooledGraph(running, has_format=True).chunks(NQUADS)

    def _on_publish(self, number: int, size: int) -> None:
        generation = self.generations.find(number)
        with self._turning:
            source, patch = None, None
            if (
                self._template
                and size <= _APPLIED_AT_ONCE
                and self._template_generation == number - 1
            ):
                source = self._advance(self._template, number)
                patch = str(self.generations.patch(number))
            if source is None:
                source = self._disk_source(number)
                self._is_behind.set()
            before, self._current = self._current, generation
            self._shares_second = int(before.published.timestamp()) == int(
                generation.published.timestamp()
            )
            self.readers.turn_to(source, patch if source.is_in_memory else None)
        self.on_publish(number)
        threading.Thread(target=self._prune, name="pruning", daemon=True).start()

    def _prune(self) -> None:
        if not self._pruning.acquire(blocking=False):
            self._prunes_again = True
            return
        try:
            # One that is asked just now goes when it is asked no more.
            while not self._is_closed:
                self._prunes_again = False
                in_use = self.readers.generations_in_use() | {self._loading_generation}
                self.generations.prune(self.options.keep, in_use, days=self.options.keep_days)
                kept = [one.number for one in self.generations.all()][: -max(self.options.keep, 1)]
                if in_use.isdisjoint(kept) and not self._prunes_again:
                    return
                time.sleep(_PRUNED_AGAIN)
        except PeninsulaError as error:
            _log.warning("old generations could not be removed: %s", error)
        finally:
            self._pruning.release()

    # Memory.

    def _disk_source(self, number: int) -> Source:
        return Source(number, self._nursery, str(self.generations.path(number)))

    def _memory_source(self, number: int, template: Nursery) -> Source:
        copies = self.options.limits.places + 1
        needed = self._current.triples * BYTES_A_TRIPLE * copies
        return Source(
            number,
            template,
            None,
            claims_pages=needed <= self._room,
            on_disk=self._disk_source(number),
        )

    @property
    def _room(self) -> int:
        """Return the bytes that the dataset and its copies may take."""
        return self.options.memory_budget or sandbox.physical_memory() * 6 // 10

    def _advance(self, template: Nursery, number: int) -> Source | None:
        """Apply the patch of generation ``number`` in memory; None where that failed."""
        try:
            answer = self._apply(template, number)
        except ChannelClosed:
            answer = {"error": "the process is gone"}
        if "error" in answer:
            _log.warning("generation %d is served from disk: %s", number, answer["error"])
            self._drop_template()
            return None
        self._template_generation = number
        return self._memory_source(number, template)

    def _apply(self, template: Nursery, number: int) -> dict[str, Any]:
        path = str(self.generations.patch(number))
        return template.ask(do="apply", path=path, generation=number)

    def _on_lost(self, source: Source) -> Source:
        """Return where readers come from when the process behind ``source`` is gone."""
        if not source.is_in_memory:
            self.generations.find(source.generation)  # perhaps it has been removed
            return source
        with self._turning:
            if self._template is source.nursery:
                _log.warning("the process with the dataset in memory is gone: serving from disk")
                self._drop_template()
                self.readers.turn_to(self._disk_source(self._current.number))
                self._is_behind.set()
        return self._disk_source(source.generation)

    def _drop_template(self) -> None:
        """Let the process with the dataset in memory go, once its readers have finished."""
        if self._template:
            template, self._template = self._template, None
            threading.Thread(
                target=self._end_template, args=(template,), name="ending", daemon=True
            ).start()

    def _end_template(self, template: Nursery) -> None:
        # Readers end with the process that forked them.
        until = time.monotonic() + 2 * self.options.limits.timeout
        while self.readers.uses(template) and time.monotonic() < until and not self._is_closed:
            time.sleep(_TICK)
        template.close()
        self._nursery.end(template.pid)

    def _keep_in_memory(self) -> None:
        """Bring memory up to the published generation whenever it is behind."""
        while True:
            self._is_behind.wait()
            if self._is_closed:
                return
            self._is_behind.clear()
            try:
                self._catch_up()
            except (PeninsulaError, ChannelClosed) as error:
                if not self._is_closed:
                    _log.warning("the dataset is served from disk: %s", error)

    @property
    def fits_memory(self) -> bool:
        """Return whether the published generation is to be held in memory."""
        if self.options.memory == "always":
            return True
        # The last readers before a change and the first after it do not share all of it.
        needed = self._current.triples * BYTES_A_TRIPLE * 2
        return self.options.memory == "auto" and needed <= self._room

    def _catch_up(self) -> None:
        if not self.fits_memory:
            with self._turning:
                if self._template:
                    self.readers.turn_to(self._disk_source(self._current.number))
                    self._drop_template()
            return
        template, number = self._template, self._template_generation
        if template is None:
            about = self._current
            template, number = self._nursery.fork_template(), about.number
            began = time.monotonic()
            resident = self._load(template, about)
            _log.info(
                "generation %d is in memory after %.1f s: %.0f MB",
                number, time.monotonic() - began, resident / 1e6,
            )  # fmt: skip
        while not self._is_closed:
            with self._turning:
                if number == self._current.number:
                    self._template, self._template_generation = template, number
                    self.readers.turn_to(self._memory_source(number, template))
                    return
            number += 1
            answer = self._apply(template, number)
            if "error" in answer:
                with self._turning:
                    self._template = template
                    self._drop_template()
                raise PeninsulaError(str(answer["error"]))
        # The server stopped meanwhile; the processes end with the first one.
        template.close()

    def _load(self, template: Nursery, about: Generation) -> int:
        """Let ``template`` take a generation into memory; return the bytes it then takes."""
        self._loading_generation = about.number
        try:
            answer = template.ask(
                do="load",
                generation=about.number,
                path=str(self.generations.path(about.number)),
                graphs=list(about.graphs),
                triples=about.triples,
            )
        except ChannelClosed:
            answer = {"error": "the process that loads it is gone"}
        finally:
            self._loading_generation = 0
        if "error" in answer:
            template.close()
            self._nursery.end(template.pid)
            raise PeninsulaError(str(answer["error"]))
        return int(answer["resident"])

    # Operation.

    @property
    def nursery(self) -> Nursery:
        """Return what forks processes, for whoever has something else to be done in one."""
        return self._nursery

    def processes(self) -> dict[str, list[int]]:
        """Return the numbers of the worker processes by what they do."""
        return {
            "zygote": [self._nursery.pid],
            "template": [self._template.pid] if self._template else [],
            "writer": [self.changes.pid] if self.changes and self.changes.pid else [],
            "judge": [self._judges.pid] if self._judges and self._judges.pid else [],
            "reader": self.readers.pids(),
        }

    def memory(self) -> dict[str, int]:
        """Return the bytes of memory of the worker processes by what they do.

        What several share, each has its part of.
        """
        return {
            name: sum(map(sandbox.share_of_memory, pids)) for name, pids in self.processes().items()
        }

    def close(self) -> None:
        """Finish the change under way, end every process."""
        if self._is_closed:
            return
        self._is_closed = True
        self._is_behind.set()
        self.on_close()
        if self.changes:
            self.changes.close()
        if self._judges:
            self._judges.close()
        self.readers.close()
        if self._template:
            self._template.close()
        # The processes end with the first of them.
        self._nursery.close()


class View:
    """One generation of an embedded database, as one asker sees it."""

    def __init__(self, database: EmbeddedDatabase, about: Generation, asker: Asker) -> None:
        self._database = database
        self.about = about
        self._asker = asker
        self.is_union = database.is_union
        self.generation = about.number

    def evaluate(self, query: str, options: QueryOptions = PLAIN) -> Result:
        facts = self._database.check(query)
        # What is binary does not come with the head, and is told what to note about itself.
        wanted = {kind: f for kind, f in options.formats.items() if f and not f.is_binary}
        names = {kind: f.name for kind, f in wanted.items()}
        running = self._run(
            {
                "do": "query",
                "query": put_in(query, options.inlined),
                "is_union": self.is_union and not facts.names_dataset,
                "default_graphs": list(options.default_graphs),
                "named_graphs": list(options.named_graphs),
                "substitutions": {n: str(term) for n, term in options.substitutions.items()},
                "base": options.base,
                "prefixes": None if options.prefixes is None else dict(options.prefixes),
                "formats": names,
            },
            query,
        )
        kind = running.head["kind"]
        has_format = kind in names
        if kind == "solutions":
            return PooledSolutions(running, has_format=has_format)
        if kind == "boolean":
            return PooledBoolean(running, has_format=has_format)
        return PooledGraph(running, has_format=has_format)

    def parse_query(self, query: str, *, base: str | None = None) -> str:
        self._database.check(query)
        running = self._run({"do": "check", "query": query, "base": base}, query)
        running.close()
        return str(running.head["kind"])

    def graphs(self) -> Mapping[str, int]:
        return self.about.graphs

    def default_size(self) -> int:
        return self.about.default

    def statements(self, graph: str | None = None) -> Iterator[ox.Quad]:
        result = self.dump(graph, NQUADS, is_everything=graph is None)
        file = cast(IO[bytes], ChunkFile(result.chunks(NQUADS)))
        return iter(ox.parse(file, format=ox.RdfFormat.N_QUADS))

    def dump(
        self,
        graph: str | None,
        format: Format,
        *,
        is_everything: bool = False,
        names_graph: bool = False,
    ) -> Graph:
        if graph is not None and graph not in self.about.graphs:
            names = ", ".join(f"<{name}>" for name in [*self.about.graphs][:20])
            raise UnknownGraph(
                f"There is no named graph <{graph}>.",
                f"There are: {names}." if names else "There is none.",
            )
        message = {
            "do": "dump", "graph": graph, "format": format.name, "is_everything": is_everything,
            "names_graph": names_graph,
        }  # fmt: skip
        # Its cost is known: it goes once through what is there.
        running = self._run(message, f"dump of {graph or 'everything'}", _LONGEST_DUMP)
        return PooledGraph(running, has_format=True)

    def _run(self, message: Mapping[str, Any], text: str, longest: float | None = None) -> Running:
        database = self._database
        source = database.readers.source
        if source is None or source.generation != self.generation:
            source = Source(
                self.generation,
                database._nursery,  # noqa: SLF001, a view is part of its database
                str(database.generations.path(self.generation)),
            )
        asker = self._asker
        budget = asker.budget
        if budget is not None:
            left = round(budget.left(), 1)
            if left <= 0:
                raise out_of_time(f"Its queries took longer than {budget.seconds:g} s together.")
            asker = replace(asker, timeout=min(asker.timeout or left, left))
        running = database.readers.run(
            message,
            source=source,
            asker=asker,
            text=text,
            longest=longest,
        )
        if budget is not None:
            budget.charge(running)
        return running
