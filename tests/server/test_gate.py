"""The gate lets in what breaks nothing, whatever way it comes, and says what is wrong with the rest."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from peninsula import operating
from peninsula.cli import main
from peninsula.config import Config
from peninsula.dataset import delta as deltas
from peninsula.dataset.delta import Delta
from peninsula.dataset.generations import Generations
from peninsula.errors import ShapesViolated
from peninsula.gate import ShapesGate
from peninsula.knowledge import Knowledge
from peninsula.loading import Loaded, prepare
from peninsula.namespaces import expand

from .conftest import SCENE
from .processes import Server, serving

NOTES = ox.NamedNode(expand("graph:notes"))
WHOLE = """
    event:seoul a pen:Summit ; rdfs:label "Seoul summit"@en ;
        pen:from "2000-06-13"^^xsd:date ; pen:takesPlaceAt place:hanoi .
"""
NO_DATE = 'event:seoul a pen:Summit ; rdfs:label "Seoul summit"@en ; pen:takesPlaceAt place:hanoi .'
NO_PLACE = 'event:seoul a pen:Summit ; pen:from "2000-06-13"^^xsd:date .'
PREFIXES = "\n".join(
    f"PREFIX {name}: <{expand(name + ':')}>" for name in ("event", "place", "pen", "rdfs", "xsd")
)


@pytest.fixture(scope="module")
def made(knowledge: Knowledge) -> ShapesGate:
    return ShapesGate.of(knowledge)


@pytest.fixture(params=["what is affected", "the whole"])
def gate(
    made: ShapesGate, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> ShapesGate:
    """Return a gate that judges by what a change affects, or by the whole as a large one."""
    if request.param == "the whole":
        monkeypatch.setattr("peninsula.gate._LARGE", -1)
        monkeypatch.setattr("peninsula.gate._LARGE_PART", 1_000_000)
    return made


@pytest.fixture
def store(loaded: Loaded) -> ox.Store:
    store = ox.Store()
    store.extend([*loaded.stated, *loaded.computed])
    return store


def quads(text: str) -> set[ox.Quad]:
    scratch = ox.Store()
    scratch.update(f"{PREFIXES} INSERT DATA {{ GRAPH <{NOTES.value}> {{ {text} }} }}")
    return set(scratch)


def judged(gate: ShapesGate, store: ox.Store, delta: Delta, *, is_trial: bool = False) -> Any:
    before = set(store)
    deltas.apply(store, delta)
    after = set(store)
    verdict = gate.judge(delta, store, is_trial=is_trial, asks_questions=is_trial)
    assert set(store) == after, "the gate left something changed"
    deltas.apply(store, delta.inverse())
    assert set(store) == before
    return verdict


def test_what_keeps_the_shapes_passes_in_silence(gate: ShapesGate, store: ox.Store) -> None:
    verdict = judged(gate, store, Delta(added=quads(WHOLE)))
    assert verdict.refusal is None
    assert verdict.remarks == {}


def test_a_violation_is_refused_with_a_report(gate: ShapesGate, store: ox.Store) -> None:
    verdict = judged(gate, store, Delta(added=quads(NO_DATE)))
    assert isinstance(verdict.refusal, ShapesViolated)
    assert verdict.refusal.status == 422
    (result,) = verdict.refusal.report["results"]
    assert (result["focus_node"], result["path"]) == ("event:seoul", "pen:from")
    assert result["constraint_component"] == "MinCountConstraintComponent"
    assert "one first day" in verdict.refusal.message


def test_a_warning_passes_and_is_told(gate: ShapesGate, store: ox.Store) -> None:
    verdict = judged(gate, store, Delta(added=quads(NO_PLACE)))
    assert verdict.refusal is None
    (result,) = verdict.remarks["validation"]["results"]
    assert result["severity"] == "Warning"


def test_what_is_removed_is_judged_too(gate: ShapesGate, store: ox.Store) -> None:
    place = ox.NamedNode(expand("event:hanoi"))
    days = set(store.quads_for_pattern(place, ox.NamedNode(expand("pen:from")), None, None))
    assert days
    verdict = judged(gate, store, Delta(removed=days))
    assert verdict.refusal is not None
    # Nobody is a place any more: the summits point at something that is none.
    kind = ox.NamedNode(expand("rdf:type"))
    types = set(store.quads_for_pattern(None, kind, ox.NamedNode(expand("pen:Place")), None))
    verdict = judged(gate, store, Delta(removed=types))
    assert verdict.refusal is None
    assert {r["focus_node"] for r in verdict.remarks["validation"]["results"]} == {
        "event:hanoi", "event:vladivostok",
    }  # fmt: skip


def test_debt_of_before_does_not_block(gate: ShapesGate, store: ox.Store) -> None:
    store.extend(quads(NO_DATE))
    more = quads("event:seoul pen:takesPlaceAt place:vladivostok .")
    assert judged(gate, store, Delta(added=more)).refusal is None
    told = judged(gate, store, Delta(added=more), is_trial=True).remarks["validation"]
    assert (told["conforms"], told["debt"]) == (True, 1)
    worse = quads(
        'event:seoul pen:until "1999-01-01"^^xsd:date ; pen:from "2000-06-13"^^xsd:date .'
    )
    assert judged(gate, store, Delta(added=worse)).refusal is not None
    mended = quads('event:seoul pen:from "2000-06-13"^^xsd:date .')
    verdict = judged(gate, store, Delta(added=mended), is_trial=True)
    assert verdict.remarks["validation"]["cured"] == 1


def test_a_trial_tells_which_answers_would_change(gate: ShapesGate, store: ox.Store) -> None:
    told = judged(gate, store, Delta(added=quads(WHOLE)), is_trial=True).remarks["validation"]
    assert told["questions"] == ["summits"]
    assert told["questions_asked"] == 2
    assert told["conforms"]


def test_values_that_cannot_be_compared_are_a_result(gate: ShapesGate, store: ox.Store) -> None:
    odd = quads(WHOLE.replace("2000-06-13", "2000-6-13"))
    verdict = judged(gate, store, Delta(added=odd))
    assert isinstance(verdict.refusal, ShapesViolated)
    (result,) = verdict.refusal.report["results"]
    assert result["constraint_component"] == "DatatypeConstraintComponent"
    assert result["mends"], "a day that is misspelt can be mended"


@dataclass
class Site:
    """A server with the small scene, and a token to change it."""

    server: Server
    token: str
    folder: Path

    def send(
        self, method: str, path: str, body: bytes, content_type: str, accept: str = "*/*"
    ) -> tuple[int, bytes]:
        request = urllib.request.Request(
            self.server.address + path,
            body,
            {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": content_type,
                "Accept": accept,
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def update(self, text: str, parameters: str = "") -> tuple[int, Any]:
        status, body = self.send(
            "POST", f"update{parameters}", text.encode(), "application/sparql-update"
        )
        return status, json.loads(body)

    def summits(self) -> int:
        query = "SELECT%20*%20%7B%3Fs%20a%20pen%3ASummit%7D"
        return self.server.get(f"sparql?format=csv&query={query}").count(b"\r\n") - 1


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("gate")
    token = operating.add_token(Config(store=folder / ".peninsula"), "curator", "write")
    command = [sys.executable, "-m", "peninsula", "serve", "--knowledge", str(SCENE)]
    with serving(command, folder) as server:
        yield Site(server, token, folder)


def test_every_way_to_write_passes_the_gate(site: Site) -> None:
    turtle = f"{PREFIXES}\n{NO_DATE}".encode()
    patch = "".join(f"A {quad} .\n" for quad in quads(NO_DATE)).encode()
    for method, path, body, kind in (
        ("POST", "update", f"INSERT DATA {{ GRAPH graph:notes {{ {NO_DATE} }} }}".encode(),
         "application/sparql-update"),
        ("PUT", f"store?graph={NOTES.value}", turtle, "text/turtle"),
        ("POST", f"store?graph={NOTES.value}", turtle, "text/turtle"),
        ("POST", "store?default", turtle, "text/turtle"),
        ("PATCH", f"store?graph={NOTES.value}", b"TX .\n" + patch + b"TC .\n",
         "application/rdf-patch"),
        ("DELETE", f"store?graph={expand('graph:scene')}", b"", "text/turtle"),
    ):  # fmt: skip
        status, answer = site.send(method, path, body, kind)
        if method == "DELETE":
            # Without the scene nothing is left that a shape is about.
            assert status == 204
            continue
        assert status == 422, (method, path, answer)
        problem = json.loads(answer)
        assert problem["type"].endswith("problem/shapes-violated")
        assert problem["report"]["results"][0]["focus_node"] == "event:seoul"
        assert site.summits() == 2
    text = (SCENE / "data/scene/summits.ttl").read_bytes()
    assert site.send("PUT", f"store?graph={expand('graph:scene')}", text, "text/turtle")[0] == 201
    assert site.summits() == 2


def test_two_changes_that_are_whole_alone_make_no_broken_one(site: Site) -> None:
    insert = "INSERT DATA {{ GRAPH graph:notes {{ event:race a pen:Summit ; pen:from {} }} }}"
    days = [f'"2001-01-0{day}"^^xsd:date' for day in range(1, 7)]
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda day: site.update(insert.format(day))[0], days))
    # A summit has one first day: one of them enters.
    assert sorted(statuses) == [200, 422, 422, 422, 422, 422]
    assert site.update("DELETE WHERE { GRAPH graph:notes { event:race ?p ?o } }")[0] == 200


def test_a_dry_run_tells_the_verdict_and_changes_nothing(site: Site) -> None:
    status, told = site.update(
        f"INSERT DATA {{ GRAPH graph:notes {{ {NO_DATE} }} }}", "?dry-run&format=json"
    )
    assert status == 200
    assert told["validation"]["conforms"] is False
    assert "A <" in told["patch"]
    insert = f"INSERT DATA {{ GRAPH graph:notes {{ {WHOLE} }} }}"
    _, told = site.update(insert, "?dry-run&format=json")
    assert told["validation"]["questions"] == ["summits"]
    assert site.summits() == 2


def test_validating_holds_up_no_change(site: Site) -> None:
    status, body = site.send(
        "POST", "validate", f"{PREFIXES}\n{NO_DATE}".encode(), "text/turtle", "application/json"
    )
    assert status == 200
    assert json.loads(body)["conforms"] is False
    assert site.summits() == 2


def test_a_load_keeps_the_shapes_unless_told_not_to(
    tmp_path: Path, knowledge: Knowledge, capsys: pytest.CaptureFixture[str]
) -> None:
    store, file = tmp_path / "store", tmp_path / "bad.ttl"
    generations = Generations(store)
    with generations.locked():
        prepare(generations, knowledge)
    file.write_text(f"{PREFIXES}\n{NO_DATE}", encoding="utf-8")
    options = [str(file), "--store", str(store), "--knowledge", str(SCENE), "--graph", NOTES.value]
    assert main(["load", *options]) == 1
    output = capsys.readouterr()
    assert "event:seoul" in output.out
    assert "nothing was loaded" in output.err
    current = generations.current()
    assert current
    assert current.number == 1
    assert main(["load", "--no-validate", *options]) == 0
    current = generations.current()
    assert current
    assert current.summary.endswith("not validated")
