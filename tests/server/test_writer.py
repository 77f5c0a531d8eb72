"""A change becomes an exact delta, is judged, and is kept, told of or undone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from peninsula.dataset import delta as deltas
from peninsula.dataset.delta import Delta
from peninsula.dataset.writer import HISTORY, OpenGate, Verdict, Writer
from peninsula.errors import (
    PeninsulaError,
    QueryForbidden,
    QuerySyntaxError,
    UnknownGraph,
)
from peninsula.namespaces import BASE, expand

from .conftest import fill

A, P = ox.NamedNode("x:a"), ox.NamedNode("x:p")


def quad(value: int, graph: str | None = None) -> ox.Quad:
    name = ox.NamedNode(graph) if graph else ox.DefaultGraph()
    return ox.Quad(A, P, ox.Literal(value), name)


FIRST = [quad(1), quad(2), quad(1, "x:g"), quad(1, "x:h")]


class Desk:
    """A writer, with what is sent to it in short."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.folder = folder
        self.generations = fill(folder / "store", FIRST)
        self.writer = Writer(self.generations.folder, **{"keeps_history": False, **more})

    def update(self, text: str, **more: Any) -> Mapping[str, Any]:
        return self.writer.change({
            "kind": "update", "text": text, "base": None, "prefixes": None, "is_union": False,
            "using_graphs": [], "using_named_graphs": [], "allows_load": False, "loads": {},
            "load_errors": {}, "only_graph": None, "agent": "me", "summary": "update", **more,
        })  # fmt: skip

    def put(self, quads: list[ox.Quad], graph: str | None = None, **more: Any) -> Mapping[str, Any]:
        path = self.folder / "in.nq"
        ox.serialize(quads, str(path), ox.RdfFormat.N_QUADS)
        return self.writer.change({
            "kind": "put", "path": str(path), "graph": graph, "replaces": True,
            "is_everything": False, "agent": "me", "summary": "put", **more,
        })  # fmt: skip

    def drop(self, graph: str | None = None, *, is_everything: bool = False) -> Mapping[str, Any]:
        return self.writer.change({
            "kind": "drop", "graph": graph, "is_everything": is_everything,
            "agent": "me", "summary": "drop",
        })  # fmt: skip

    def patch(self, text: str, only_graph: str | None = None) -> Mapping[str, Any]:
        path = self.folder / "in.rdfp"
        path.write_text(text, encoding="utf-8")
        return self.writer.change({
            "kind": "patch", "path": str(path), "graph": only_graph, "only_graph": only_graph,
            "agent": "me", "summary": "patch",
        })  # fmt: skip

    def published(self) -> set[ox.Quad]:
        current = self.generations.current()
        assert current
        return set(self.generations.open(current.number))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def counts(answer: Mapping[str, Any]) -> tuple[int, int, list[str], list[str]]:
    return answer["added"], answer["removed"], sorted(answer["created"]), sorted(answer["dropped"])


def test_nothing_is_published_before_it_is_asked_for(desk: Desk) -> None:
    assert counts(desk.update("INSERT DATA { <x:a> <x:p> 3 }")) == (1, 0, [], [])
    assert desk.published() == set(FIRST)
    answer = desk.writer.publish()
    assert answer["generation"] == 3
    assert desk.published() == {*FIRST, quad(3)}
    assert desk.writer.publish()["generation"] == 3, "nothing waits: nothing is made"
    about = desk.generations.find(3)
    assert (about.added, about.removed, about.agents) == (1, 0, ("me",))
    assert about.graphs == {"x:g": 1, "x:h": 1}
    assert about.default == 3


def test_several_are_published_as_their_net_change(desk: Desk) -> None:
    desk.update("INSERT DATA { <x:a> <x:p> 3, 4 }", agent="one", summary="first")
    desk.update("DELETE DATA { <x:a> <x:p> 3, 1 }", agent="two", summary="second")
    desk.update("INSERT DATA { <x:a> <x:p> 1 }", agent="one", summary="first")
    desk.writer.publish()
    about = desk.generations.find(3)
    assert (about.added, about.removed) == (1, 0)
    assert about.agents == ("one", "two")
    assert about.summary == "first; second"
    patch = deltas.read_patch(desk.generations.patch(3).read_bytes())
    assert patch.net().added == {quad(4)}
    assert patch.net().removed == set()
    text = desk.generations.patch(3).read_text(encoding="utf-8")
    assert f"H id <{BASE}history/3> ." in text
    assert f"H prev <{BASE}history/2> ." in text
    assert 'H agents "one, two" .' in text


@pytest.mark.parametrize(
    ("graph", "more", "expected", "left"),
    [
        (None, {}, (1, 1, [], []), {quad(2), quad(9), quad(1, "x:g"), quad(1, "x:h")}),
        ("x:g", {}, (2, 1, [], []), {*FIRST[:2], quad(2, "x:g"), quad(9, "x:g"), quad(1, "x:h")}),
        ("x:new", {}, (2, 0, ["x:new"], []), {*FIRST, quad(2, "x:new"), quad(9, "x:new")}),
        (None, {"replaces": False}, (1, 0, [], []), {*FIRST, quad(9)}),
        ("x:g", {"replaces": False}, (2, 0, [], []), {*FIRST, quad(2, "x:g"), quad(9, "x:g")}),
        (
            None,
            {"is_everything": True},
            (1, 3, [], ["x:g", "x:h"]),
            {quad(2), quad(9)},
        ),
    ],
)
def test_a_graph_is_put(
    desk: Desk,
    graph: str | None,
    more: dict[str, Any],
    expected: tuple[int, int, list[str], list[str]],
    left: set[ox.Quad],
) -> None:
    assert counts(desk.put([quad(2), quad(9)], graph, **more)) == expected
    desk.writer.publish()
    assert desk.published() == left


def test_an_empty_graph_that_is_put_is_there(desk: Desk) -> None:
    answer = desk.put([], "x:empty")
    assert (counts(answer), answer["existed"]) == ((0, 0, ["x:empty"], []), False)
    answer = desk.put([], "x:g")
    assert (counts(answer), answer["existed"]) == ((0, 1, [], []), True)
    desk.writer.publish()
    assert desk.generations.find(3).graphs == {"x:empty": 0, "x:g": 0, "x:h": 1}


def test_graphs_are_dropped(desk: Desk) -> None:
    assert counts(desk.drop("x:g")) == (0, 1, [], ["x:g"])
    with pytest.raises(UnknownGraph):
        desk.drop("x:g")
    assert counts(desk.drop(None)) == (0, 2, [], [])
    assert counts(desk.drop(is_everything=True)) == (0, 1, [], ["x:h"])
    desk.writer.publish()
    assert desk.published() == set()
    assert desk.generations.find(3).graphs == {}


def test_a_patch_is_applied_as_far_as_it_changes_anything(desk: Desk) -> None:
    answer = desk.patch('TX .\nA <x:a> <x:p> "x" <x:g> .\nD <x:a> <x:p> "none" .\nTC .\n')
    assert counts(answer) == (1, 0, [], [])
    with pytest.raises(QueryForbidden, match="was sent to <x:g>"):
        desk.patch("A <x:a> <x:p> <x:o> <x:h> .\n", only_graph="x:g")
    assert counts(desk.patch("A <x:a> <x:p> <x:o> <x:g> .\n", only_graph="x:g"))[0] == 1
    desk.writer.publish()
    assert len(desk.published()) == 6


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("INSERT DATA { <x:a> <x:p> 7 } ; nonsense", QuerySyntaxError),
        ("INSERT DATA { <x:a> <x:p> 7 } ; LOAD <http://example.org/>", QueryForbidden),
        ("DELETE DATA { <x:a> <x:p> 1 } ; CREATE GRAPH <x:g>", PeninsulaError),
        ("CLEAR DEFAULT ; DROP GRAPH <x:none>", PeninsulaError),
    ],
)
def test_what_fails_at_its_end_leaves_nothing(
    desk: Desk, text: str, kind: type[PeninsulaError]
) -> None:
    with pytest.raises(kind):
        desk.update(text)
    assert set(desk.writer._store) == set(FIRST)
    assert desk.writer.publish() == {"generation": 2}


def test_a_dry_run_is_told_and_undone(desk: Desk, tmp_path: Path) -> None:
    target = tmp_path / "told.rdfp"
    answer = desk.update(
        "CLEAR DEFAULT ; CREATE GRAPH <x:new> ; DROP GRAPH <x:g> ; INSERT DATA { <x:a> <x:p> 5 }",
        dry_run=str(target),
    )
    assert counts(answer) == (1, 3, ["x:new"], ["x:g"])
    told = deltas.read_patch(target.read_bytes()).net()
    assert told == Delta({quad(5)}, {quad(1), quad(2), quad(1, "x:g")}, told.created, told.dropped)
    assert set(desk.writer._store) == set(FIRST)
    assert set(map(str, desk.writer._store.named_graphs())) == {"<x:g>", "<x:h>"}
    assert desk.writer.publish() == {"generation": 2}


# The gate


class Judge(OpenGate):
    """Refuses what says 13, and remarks on the rest."""

    def judge(
        self,
        delta: Delta,
        store: ox.Store,
        *,
        is_trial: bool,
        asks_questions: bool,
    ) -> Verdict:
        assert all(quad in store for quad in delta.added), "the store already holds the change"
        assert not is_trial
        assert not asks_questions
        if quad(13) in delta.added:
            return Verdict(QueryForbidden("13 brings bad luck."))
        return Verdict(remarks={"warnings": len(delta.added)})


def test_the_gate_refuses_and_remarks(tmp_path: Path) -> None:
    desk = Desk(tmp_path, gate=Judge())
    assert desk.update("INSERT DATA { <x:a> <x:p> 12 }")["remarks"] == {"warnings": 1}
    with pytest.raises(QueryForbidden, match="bad luck"):
        desk.update("DELETE DATA { <x:a> <x:p> 1 } ; INSERT DATA { <x:a> <x:p> 13 }")
    with pytest.raises(QueryForbidden):
        desk.put([quad(13)])
    desk.writer.publish()
    assert desk.published() == {*FIRST, quad(12)}


# The history graph


@pytest.fixture
def recording(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path, keeps_history=True)
    desk.update("INSERT DATA { <x:a> <x:p> 3 }", agent="anna")
    desk.writer.publish()
    return desk


def history(desk: Desk) -> set[ox.Quad]:
    return {q for q in desk.published() if q.graph_name == ox.NamedNode(HISTORY)}


def test_who_changed_what_is_told_in_prov(recording: Desk) -> None:
    assert recording.published() - history(recording) == {*FIRST, quad(3)}
    store = ox.Store()
    store.extend(history(recording))
    rows = store.query(
        "PREFIX prov: <http://www.w3.org/ns/prov#> SELECT * { GRAPH ?g { ?generation"
        " prov:wasRevisionOf ?before ; prov:generatedAtTime ?when ; prov:wasGeneratedBy ?change ."
        " ?change prov:wasAssociatedWith/<http://www.w3.org/2000/01/rdf-schema#label> ?who ;"
        "  <http://www.w3.org/2000/01/rdf-schema#label> ?what } }"
    )
    assert isinstance(rows, ox.QuerySolutions)
    (row,) = rows
    assert row["generation"].value == f"{BASE}history/3"
    assert row["before"].value == f"{BASE}history/2"
    assert row["who"].value == "anna"
    assert row["what"].value == "update: 1 added, 0 removed"
    assert row["when"].datatype == ox.NamedNode(expand("xsd:dateTime"))
    about = recording.generations.find(3)
    assert about.added == 1, "what was asked for; the record is not counted"
    assert about.triples == len(recording.published())


def test_nobody_else_writes_the_history(recording: Desk) -> None:
    before = history(recording)
    for text in (
        f"INSERT DATA {{ GRAPH <{HISTORY}> {{ <x:a> <x:p> 1 }} }}",
        f"DELETE WHERE {{ GRAPH <{HISTORY}> {{ ?s a ?o }} }}",
        f"COPY <x:g> TO <{HISTORY}>",
    ):
        with pytest.raises(QueryForbidden, match="written by the server alone"):
            recording.update(text)
    with pytest.raises(QueryForbidden):
        recording.put([quad(1)], HISTORY)
    recording.update("INSERT DATA { <x:a> <x:p> 4 }")
    recording.writer.publish()
    assert before < history(recording)


@pytest.mark.parametrize("how", ["DROP ALL", "CLEAR ALL", "drop", "put"])
def test_it_stays_when_everything_else_goes(recording: Desk, how: str) -> None:
    before = history(recording)
    if how == "drop":
        recording.drop(is_everything=True)
    elif how == "put":
        recording.put([quad(8, "x:z")], is_everything=True)
    else:
        recording.update(how)
    recording.writer.publish()
    assert before < history(recording)
    assert recording.published() - history(recording) == (
        {quad(8, "x:z")} if how == "put" else set()
    )
