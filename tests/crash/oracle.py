"""What must be stored, given what was acknowledged, and is the history of it whole?

Each writer owns its quads and graphs, so that what it must find again follows from its own
changes alone: the state after the last acknowledged one or, where the answer to one more never
came, the state after that; never anything between. Quads are lines of N-Quads.
"""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from .instance import NTRIPLES, PATCH, Answer, Instance, lines

SHARED: Final = "urn:shared"
#: Statuses by which the server may decline a change while something dies below it.
CLEAR_REFUSALS: Final = frozenset({500, 503, 504, 507})
Quads = frozenset[str]


@dataclass(frozen=True)
class State:
    """The quads and the named graphs of one writer."""

    quads: Quads = frozenset()
    graphs: Quads = frozenset()

    def of(self, graph: str | None) -> Quads:
        """Return the quads in a graph, or in the default graph."""
        end = f"<{graph}> ." if graph else '" .'
        return frozenset(quad for quad in self.quads if quad.endswith(end))

    def then(self, *, remove: Quads = frozenset(), add: Quads = frozenset()) -> State:
        """Return the state after a change of quads; graphs come to be with their first."""
        new = {graph for quad in add if (graph := _graph_of(quad)) and graph != SHARED}
        return State((self.quads - remove) | add, self.graphs | new)

    def without(self, graph: str) -> State:
        """Return the state without a graph."""
        return State(self.quads - self.of(graph), self.graphs - {graph})


def _graph_of(quad: str) -> str | None:
    last = quad.removesuffix(" .").rpartition(" ")[2]
    return last[1:-1] if last.startswith("<") else None


def row(subject: str, number: int, value: str, graph: str | None = None) -> str:
    """Return a quad with a string for its object."""
    end = f" <{graph}> ." if graph else " ."
    return f'<{subject}> <urn:p:{number}> "{value}"{end}'


@dataclass
class Client:
    """A writer: what it knows to be stored, and the next things it does."""

    name: str
    instance: Instance
    random: random.Random
    state: State = State()
    #: What is stored as well where the change under way was made; None while none is.
    pending: State | None = None
    changes: int = 0
    acknowledged: int = 0
    refused: list[str] = field(default_factory=list)

    def change(self) -> Answer:
        """Make a random change; raises OSError or HTTPException where its answer is cut off."""
        self.changes += 1
        choice: Callable[[], tuple[State, Callable[[], Answer]]] = self.random.choice(
            [self._insert, self._insert, self._modify, self._operations,
             self._put, self._post, self._delete, self._patch, self._move]
        )  # fmt: skip
        after, send = choice()
        self.pending = after
        answer = send()
        if answer.is_done:
            self.state = after
            self.acknowledged += 1
        self.pending = None
        return answer

    def run(self, is_over: Callable[[], bool], *, may_refuse: bool = False) -> None:
        """Make changes until ``is_over`` or the server is gone; check what was acknowledged."""
        try:
            while not is_over():
                answer = self.change()
                if not answer.is_done:
                    # Of a group that is killed, one process may outlive another by a moment.
                    assert may_refuse or is_over(), answer
                    assert answer.status in CLEAR_REFUSALS, answer
                    self.refused.append(answer.problem["detail"])
                if not may_refuse and not is_over() and self.random.random() < 0.2:
                    self.read()
        except (OSError, http.client.HTTPException):
            if not is_over():
                raise

    def read(self) -> None:
        """Check that what was acknowledged is what is answered, and nothing else."""
        found = self.instance.rows(
            "SELECT ?s ?p ?o ?g { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } "
            f'FILTER(STRSTARTS(STR(?s), "urn:{self.name}:")) }}'
        )
        quads = [
            f'<{r["s"]}> <{r["p"]}> "{r["o"]}"' + (f" <{r['g']}> ." if "g" in r else " .")
            for r in found
        ]
        assert len(quads) == len(set(quads)), "a quad was answered twice"
        assert frozenset(quads) == self.state.quads

    def settle(self, stored: Iterable[str], graphs: Iterable[str]) -> None:
        """Check what a restart has brought back, and go on from there."""
        found = State(
            frozenset(quad for quad in stored if quad.startswith(f"<urn:{self.name}:")),
            frozenset(name for name in graphs if name.startswith(f"urn:{self.name}:")),
        )
        if found not in (self.state, self.pending):
            lost, extra = self.state.quads - found.quads, found.quads - self.state.quads
            raise AssertionError(
                f"{self.name} after {self.acknowledged} acknowledged changes: lost {sorted(lost)}, "
                f"besides {sorted(extra)}, graphs {found.graphs} for {self.state.graphs}; "
                f"under way was {self.pending}"
            )
        self.state, self.pending = found, None

    # The changes.

    @property
    def _subject(self) -> str:
        return f"urn:{self.name}:{self.changes}"

    def _graph(self) -> str:
        return f"urn:{self.name}:g{self.random.randrange(4)}"

    def _rows(self, count: int, graph: str | None = None) -> Quads:
        return frozenset(row(self._subject, n, f"{self.changes}", graph) for n in range(count))

    def _insert(self) -> tuple[State, Callable[[], Answer]]:
        graph = self._graph()
        places = (None, graph, SHARED)
        add = frozenset[str]().union(*(self._rows(3, place) for place in places))
        body = " ".join(
            f"GRAPH <{place}> {{ {_triples(self._rows(3))} }}" if place else _triples(self._rows(3))
            for place in places
        )
        return self.state.then(add=add), self._update(f"INSERT DATA {{ {body} }}")

    def _modify(self) -> tuple[State, Callable[[], Answer]]:
        """Move what is in the default graph to another."""
        graph = self._graph()
        gone = self.state.of(None)
        add = frozenset(f"{quad[:-2]} <{graph}> ." for quad in gone)
        text = (
            f"DELETE {{ ?s ?p ?o }} INSERT {{ GRAPH <{graph}> {{ ?s ?p ?o }} }} WHERE {{ ?s ?p ?o "
            f'FILTER(STRSTARTS(STR(?s), "urn:{self.name}:")) }}'
        )
        return self.state.then(remove=gone, add=add), self._update(text)

    def _operations(self) -> tuple[State, Callable[[], Answer]]:
        """Several operations in one request, each of which sees those before it."""
        made, dropped = self._graph(), self._graph()
        state = self.state.without(dropped)
        old = state.of(SHARED)
        state = state.then(remove=old)
        state = state.then(add=self._rows(4))
        state = state.then(add=self._rows(4, made))
        text = (
            f"DROP SILENT GRAPH <{dropped}> ; "
            f"DELETE {{ GRAPH <{SHARED}> {{ ?s ?p ?o }} }} WHERE {{ GRAPH <{SHARED}> {{ ?s ?p ?o "
            f'FILTER(STRSTARTS(STR(?s), "urn:{self.name}:")) }} }} ; '
            f"INSERT DATA {{ {_triples(self._rows(4))} }} ; "
            f"CREATE SILENT GRAPH <{made}> ; "
            f"INSERT {{ GRAPH <{made}> {{ ?s ?p ?o }} }} "
            f"WHERE {{ BIND(<{self._subject}> AS ?s) ?s ?p ?o }}"
        )
        return state, self._update(text)

    def _put(self) -> tuple[State, Callable[[], Answer]]:
        graph = self._graph()
        state = self.state.without(graph).then(add=self._rows(5, graph))
        return state, self._send("PUT", graph, lines(sorted(self._rows(5))), NTRIPLES)

    def _post(self) -> tuple[State, Callable[[], Answer]]:
        graph = self._graph()
        state = self.state.then(add=self._rows(5, graph))
        return state, self._send("POST", graph, lines(sorted(self._rows(5))), NTRIPLES)

    def _delete(self) -> tuple[State, Callable[[], Answer]]:
        if not self.state.graphs:
            return self._put()
        graph = self.random.choice(sorted(self.state.graphs))
        return self.state.without(graph), self._send("DELETE", graph, None, "")

    def _patch(self) -> tuple[State, Callable[[], Answer]]:
        quads = sorted(self.state.quads)
        gone = frozenset(self.random.sample(quads, min(6, len(quads))))
        graph = self._graph()
        add = self._rows(2) | self._rows(2, graph)
        rows = ["TX .", *(f"D {q}" for q in gone), *(f"A {q}" for q in add), "TC ."]
        return self.state.then(remove=gone, add=add), self._send("PATCH", None, lines(rows), PATCH)

    def _move(self) -> tuple[State, Callable[[], Answer]]:
        if len(self.state.graphs) < 2:
            return self._insert()
        source, target = self.random.sample(sorted(self.state.graphs), 2)
        moved = frozenset(
            quad.replace(f"<{source}> .", f"<{target}> .") for quad in self.state.of(source)
        )
        before = self.state.without(source).without(target)
        after = State(before.quads | moved, before.graphs | ({target} if moved else frozenset()))
        if not moved:  # whether MOVE of an empty graph makes one is the engine's to say
            return self._insert()
        return after, self._update(f"MOVE GRAPH <{source}> TO GRAPH <{target}>")

    def _update(self, text: str) -> Callable[[], Answer]:
        return lambda: self.instance.update(text)

    def _send(
        self, method: str, graph: str | None, body: str | None, media_type: str
    ) -> Callable[[], Answer]:
        return lambda: self.instance.send(method, graph, body, media_type)


def _triples(rows: Iterable[str]) -> str:
    return " ".join(sorted(rows))


def graph_name(text: str) -> ox.NamedNode | ox.BlankNode:
    """Return the graph that ``<iri>``, ``iri`` or ``_:b`` names."""
    if text.startswith("_:"):
        return ox.BlankNode(text[2:])
    return ox.NamedNode(text.strip("<>"))


class Ring:
    """Six quads that one change after another moves on together; whoever reads sees all six."""

    SIZE: Final = 6
    _READ: Final = (
        "SELECT (COUNT(*) AS ?n) (COUNT(DISTINCT ?g) AS ?graphs) (MIN(?v) AS ?least) "
        "(MAX(?v) AS ?most) { GRAPH ?g { ?s <urn:ring:turn> ?v } }"
    )

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.turn = 0
        self.is_moving = False
        self.answers = 0
        #: The turns that were answered as those of generations.
        self.seen: dict[int, int] = {}

    def begin(self) -> None:
        """Put the quads where they start."""
        rows = " ".join(f"<urn:ring:{n}> <urn:ring:turn> 0 ." for n in range(self.SIZE))
        answer = self.instance.update(f"INSERT DATA {{ GRAPH <urn:ring:g0> {{ {rows} }} }}")
        assert answer.is_done, answer

    def run(self, is_over: Callable[[], bool], *, may_refuse: bool = False) -> None:
        """Move the quads on until ``is_over``."""
        try:
            while not is_over():
                following = self.turn + 1
                self.is_moving = True
                answer = self.instance.update(
                    "DELETE { GRAPH ?g { ?s <urn:ring:turn> ?v } } INSERT { GRAPH "
                    f"<urn:ring:g{following % 3}> {{ ?s <urn:ring:turn> {following} }} }} "
                    "WHERE { GRAPH ?g { ?s <urn:ring:turn> ?v } }"
                )
                if answer.is_done:
                    self.turn = following
                else:
                    assert may_refuse or is_over(), answer
                    assert answer.status in CLEAR_REFUSALS, answer
                self.is_moving = False
        except (OSError, http.client.HTTPException):
            if not is_over():
                raise

    def watch(self, is_over: Callable[[], bool], *, may_refuse: bool = False) -> None:
        """Look at the quads until ``is_over``: all at one turn, none older than acknowledged."""
        last, asked = 0, 0
        try:
            while not is_over():
                least = max(last, self.turn)
                asked += 1
                # Another text each time, so that it is evaluated.
                answer = self.instance.query(f"{self._READ} # {asked}", "text/csv")
                if answer.status != 200:
                    assert may_refuse or is_over(), answer
                    assert answer.status in CLEAR_REFUSALS and answer.problem, answer
                    continue
                last = self._judge(answer.body.decode().splitlines()[1], least)
                generation = int(answer.headers["peninsula-generation"])
                assert self.seen.setdefault(generation, last) == last, (
                    f"generation {generation} had turn {self.seen[generation]}, and now {last}"
                )
                self.answers += 1
                time.sleep(0.005)  # leave the writers some of the machine
        except (OSError, http.client.HTTPException):
            if not is_over() and not may_refuse:
                raise

    def settle(self) -> None:
        """Check what a restart has brought back, and go on from there."""
        found = self._judge(
            self.instance.query(self._READ, "text/csv").body.decode().splitlines()[1], self.turn
        )
        assert found <= self.turn + self.is_moving
        self.turn, self.is_moving = found, False

    def check(self, turns: Mapping[int, int]) -> None:
        """Check that what was answered as a generation's is what its patches made."""
        for generation, turn in self.seen.items():
            assert turns.get(generation) == turn, f"generation {generation}"
        self.seen.clear()

    def _judge(self, answer: str, least: int) -> int:
        count, graphs, first, last = map(int, answer.split(","))
        assert (count, graphs) == (self.SIZE, 1), f"half a change was answered: {answer}"
        assert first == last >= least, f"an older state was answered than {least}: {answer}"
        return first


class Replay:
    """The dataset as its patches make it, one after another from the first."""

    def __init__(self, store: Path) -> None:
        self.folder = store / "patches"
        self.store = ox.Store()
        self.number = 0
        #: What the last generations hold: quads, and how many each named graph has.
        self.states: dict[int, tuple[Quads, dict[str, int]]] = {}
        #: The turn of the ring in each generation, see :class:`Ring`.
        self.turns: dict[int, int] = {}
        self._turn = -1

    def follow(self, number: int, kept: int) -> None:
        """Apply the patches up to generation ``number``; remember the last ``kept`` states."""
        while self.number < number:
            self.number += 1
            self.apply((self.folder / f"{self.number:06}.rdfp").read_text(encoding="utf-8"))
            self.turns[self.number] = self._turn
            if self.number > number - kept:
                self._remember()
        self.states = {n: state for n, state in self.states.items() if n > number - kept}

    def apply(self, patch: str) -> None:
        """Make the change that an RDF Patch tells, which must be net and exact.

        Of a graph that it drops, it tells every quad as well.
        """
        dropped: list[ox.NamedNode | ox.BlankNode] = []
        for line in patch.splitlines():
            letter, _, rest = line.partition(" ")
            if letter == "H":
                name, _, term = rest.removesuffix(" .").partition(" ")
                if name == "graph-created":
                    self.store.add_graph(graph_name(term))
                elif name == "graph-dropped":
                    dropped.append(graph_name(term))
            elif letter in {"A", "D"}:
                (quad,) = ox.parse(rest, format=ox.RdfFormat.N_QUADS, rename_blank_nodes=False)
                assert (quad in self.store) == (letter == "D"), line
                if letter == "A" and quad.predicate.value == "urn:ring:turn":
                    self._turn = int(quad.object.value)
                (self.store.add if letter == "A" else self.store.remove)(quad)
            else:
                assert line in {"TX .", "TC ."}, line
        for graph in dropped:
            assert not any(self.store.quads_for_pattern(None, None, None, graph)), graph
            self.store.remove_graph(graph)

    def _remember(self) -> None:
        data = ox.serialize(self.store, format=ox.RdfFormat.N_QUADS) or b""
        counts = {
            str(graph).strip("<>"): sum(
                1 for _ in self.store.quads_for_pattern(None, None, None, graph)
            )
            for graph in self.store.named_graphs()
        }
        self.states[self.number] = frozenset(data.decode().splitlines()), counts


def check_history(instance: Instance, replay: Replay, kept: int, last: int) -> int:
    """Check every kept generation against its patches; return the number of the current one.

    ``last`` is the current generation of the check before: numbers never go back.
    """
    history = instance.history()
    numbers = [generation["number"] for generation in history]
    current = int(numbers[-1])
    assert current == instance.ready()["generation"] >= last
    assert numbers == sorted(set(numbers))
    # There may be more: pruning goes on behind, and spares what a reader has open.
    assert numbers[-kept:] == list(range(max(1, current - kept + 1), current + 1))
    times = [datetime.fromisoformat(generation["published"]) for generation in history]
    assert times == sorted(set(times)), "a generation was published before an older one"
    replay.follow(current, kept)
    for generation in history[-kept:]:
        number = generation["number"]
        quads, counts = replay.states[number]
        assert instance.dump(number) == quads, f"generation {number} is not what its patches make"
        assert generation["graphs"] == counts, f"generation {number}"
        assert generation["triples"] == len(quads)
    return current
