"""Do changes through the server give what the same changes give on a plain store?"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pyoxigraph as ox
from hypothesis import given
from hypothesis import strategies as st

from tests.crash.instance import Answer, Instance
from tests.crash.oracle import Replay, graph_name

from .conftest import KEPT, examples
from .data import Said, copy, nameless, names_of, parse, says, store_says
from .steps import Refused, Step, beginnings, steps


class Pair:
    """A server and a plain store that is to say the same."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.plain = ox.Store()
        cleared = instance.update("DROP ALL")
        assert cleared.is_done, cleared
        self.generation = json.loads(cleared.body)["generation"]
        #: What the generations of this pair said when they were published.
        self.states: dict[int, Said] = {}

    def dump(self, generation: int | None = None) -> tuple[Said, list[ox.Quad]]:
        """Return what the server holds, and that with the store's own blank nodes."""
        quads = parse("\n".join(self.instance.dump(generation)), renames=False)
        return says(quads, self.describe(generation)["graphs"]), quads

    def describe(self, generation: int | None = None) -> dict[str, Any]:
        """Return how the server describes a generation."""
        number = self.generation if generation is None else generation
        described: dict[str, Any] = json.loads(
            self.instance.request("GET", f"/history/{number}").body
        )
        return described

    def send(self, step: Step, *, is_dry_run: bool = False) -> Answer:
        """Ask the server for a change."""
        mark = "&" if "?" in step.path else "?"
        path = f"{step.path}{mark}dry-run=true" if is_dry_run else step.path
        headers = {"Content-Type": step.media_type} if step.media_type else {}
        body = step.body.encode() if step.media_type else None
        return self.instance.request(step.method, path, body, headers)

    def take(self, step: Step) -> None:
        """Make a change on both sides, and compare what it did and what they say then."""
        before, wanted = set(self.plain), copy(self.plain)
        refusal = ""
        try:
            step.make(wanted)
        except Refused as error:
            refusal = str(error)
        answer = self.send(step)
        if refusal:
            assert 400 <= answer.status < 500, f"{step}: {answer}, but the engine: {refusal}"
            self._check_unchanged()
            return
        assert answer.is_done, f"{step}: {answer}"
        generation = int(answer.headers["peninsula-generation"])
        is_same = set(wanted) == before and set(wanted.named_graphs()) == set(
            self.plain.named_graphs()
        )
        # What changes nothing makes no generation.
        assert generation == self.generation + (not is_same), step
        if answer.status == 200:
            told = json.loads(answer.body)
            assert told["added"] == len(set(wanted) - before), step
            assert told["removed"] == len(before - set(wanted)), step
            names, names_before = names_of(wanted), names_of(self.plain)
            assert nameless(told["created"]) == nameless(names - names_before), step
            assert nameless(told["dropped"]) == nameless(names_before - names), step
        self.plain, self.generation = wanted, generation
        said, _ = self.dump()
        assert said == store_says(self.plain), step
        self.states[generation] = said
        described = self.describe()
        assert described["triples"] == len(self.plain)
        for name in self.plain.named_graphs():
            if isinstance(name, ox.BlankNode):
                continue
            count = sum(1 for _ in self.plain.quads_for_pattern(None, None, None, name))
            assert described["graphs"][name.value] == count

    def try_out(self, step: Step) -> None:
        """Ask what a change would do: as the plain store does, and nothing is changed."""
        wanted = copy(self.plain)
        try:
            step.make(wanted)
        except Refused:
            wanted = copy(self.plain)
            assert 400 <= self.send(step, is_dry_run=True).status < 500
            self._check_unchanged()
            return
        answer = self.send(step, is_dry_run=True)
        assert answer.status == 200, f"{step}: {answer}"
        assert answer.headers["content-type"].startswith("application/rdf-patch")
        tried = Replay(self.instance.store)
        _, quads = self.dump()
        tried.store.extend(quads)
        for name in self.describe()["graphs"]:
            tried.store.add_graph(graph_name(name))
        tried.apply(answer.body.decode())
        assert store_says(tried.store) == store_says(wanted), step
        self._check_unchanged()

    def _check_unchanged(self) -> None:
        assert self.instance.ready()["generation"] == self.generation
        assert self.dump()[0] == store_says(self.plain)

    def check_past(self) -> None:
        """Check that the kept generations of this pair say what they said."""
        for number in sorted(self.states)[-KEPT:][:3]:
            assert self.dump(number)[0] == self.states[number], f"generation {number}"

    def check_replay(self) -> None:
        """Check that all patches since the first make what is there, blank nodes included."""
        replay = Replay(self.instance.store)
        replay.follow(self.generation, 1)
        quads, counts = replay.states[self.generation]
        assert quads == self.instance.dump()
        assert counts == self.describe()["graphs"]


sequences = st.lists(st.tuples(steps, st.integers(0, 4)), min_size=1, max_size=6)


@examples(14)
@given(beginnings(), sequences)
def test_changes_give_what_a_plain_store_gives(
    instance: Instance, beginning: Step, sequence: list[tuple[Step, int]]
) -> None:
    pair = Pair(instance)
    pair.take(beginning)
    for step, chance in sequence:
        if chance == 0:
            pair.try_out(step)
        pair.take(step)
    pair.check_past()


@examples(2, part=50)
@given(beginnings(), st.lists(steps, min_size=4, max_size=8), st.booleans())
def test_a_restart_changes_nothing(
    instance: Instance, beginning: Step, sequence: list[Step], is_killed: bool
) -> None:
    pair = Pair(instance)
    pair.take(beginning)
    for step in sequence[:-1]:
        pair.take(step)
    if is_killed:
        instance.kill()
    else:
        assert instance.stop() == 0
    instance.start()
    assert pair.dump()[0] == store_says(pair.plain)
    pair.check_past()
    pair.take(sequence[-1])
    pair.check_replay()


def test_all_patches_from_the_first_make_the_dataset(instance: Instance) -> None:
    pair = Pair(instance)
    rows = " ".join(f"_:b{n} <urn:p> _:b{n + 1} ." for n in range(5))
    for text in (f"INSERT DATA {{ {rows} }}", "DELETE WHERE { ?s <urn:p> ?o . ?o <urn:p> ?x }",
                 "CREATE GRAPH <urn:g1>", "COPY DEFAULT TO <urn:g2>", "DROP GRAPH <urn:g1>"):  # fmt: skip
        answer = instance.update(text)
        assert answer.is_done, answer
        pair.generation = json.loads(answer.body)["generation"]
    pair.check_replay()


def test_names_of_graphs_come_back_as_they_were_sent(instance: Instance) -> None:
    pair = Pair(instance)
    names = ["http://example.org/한국?a=b&c=d#e", "urn:x:%20%41", "http://example.org/a//b/../c"]
    for name in names:
        path = f"/store?graph={quote(name, safe='')}"
        put = instance.request(
            "PUT", path, b"<urn:a> <urn:p> <urn:b> .", {"Content-Type": "text/turtle"}
        )
        assert put.status == 201, put
        pair.generation = int(put.headers["peninsula-generation"])
        got = instance.request("GET", path, headers={"Accept": "application/n-triples"})
        assert got.body == b"<urn:a> <urn:p> <urn:b> .\n", got
    assert set(pair.describe()["graphs"]) == set(names)
