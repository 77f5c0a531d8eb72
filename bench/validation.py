"""How fast does validation say yes or no, of a whole graph and of one change?

``whole`` compares the validators on the data of ``societies``, each with its data in memory, in
turn; ``gate`` writes to stores of growing size, past the gate by itself and over HTTP. Each is a
process of its own. What is too slow, or takes most of the memory, is said to, and not asked about
larger data.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import societies
from bench.client import HOST, Refused
from bench.findings import Finding, Report, median, milliseconds, percentile
from bench.servers import Peninsula
from bench.validators import VALIDATORS, Contender, Late

#: Scale of the benchmark -> focus nodes of ``whole``, and triples of ``gate``.
NODES = {"real": 5_000, "1": 50_000, "10": 200_000}
TRIPLES = {"real": 10_000, "1": 1_000_000, "10": 10_000_000}

_OURS = "ours"
_TARGETS = {"pyshacl": "to pyshacl", "rudof": "to rudof"}
#: A first run that took so many seconds counts, and is the only one.
_SLOW = 10.0
_LOADING = 600.0
_LATE = "validators that were too slow"
_JUDGING = "gate, median s of judging"

_MANIFEST = """
PREFIX dcat: <http://www.w3.org/ns/dcat#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX graph: <https://w3id.org/peninsula/graph/>
PREFIX void: <http://rdfs.org/ns/void#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
graph:catalog a dcat:Catalog ; dcterms:title "catalogue"@en ;
    dcterms:license <https://creativecommons.org/publicdomain/zero/1.0/> ;
    dcterms:publisher <http://bench.example/> ; dcterms:issued "2026-11-25"^^xsd:date .
graph:ontology a dcat:Dataset ; dcterms:title "classes"@en ;
    dcterms:license <https://creativecommons.org/publicdomain/zero/1.0/> ;
    dcterms:publisher <http://bench.example/> ; dcterms:issued "2026-11-25"^^xsd:date ;
    void:dataDump <https://w3id.org/peninsula/ontology> .
"""
_CLASSES = """
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX v: <http://bench.example/vocabulary/>
v:Ministry a owl:Class ; rdfs:subClassOf v:Organisation .
v:Party a owl:Class ; rdfs:subClassOf v:Organisation .
v:Company a owl:Class ; rdfs:subClassOf v:Organisation .
v:Summit a owl:Class ; rdfs:subClassOf v:Event .
v:Test a owl:Class ; rdfs:subClassOf v:Event .
v:Statement a owl:Class ; rdfs:subClassOf v:Event .
"""


@dataclass(slots=True)
class Setting:
    """One size of the data, and how it is measured."""

    scale: str
    folder: Path
    rounds: int
    #: Seconds after which a validator is too slow.
    patience: float
    memory: str
    report: Report
    say: Callable[[str], None]


def whole(setting: Setting) -> None:
    """Validate a whole graph that conforms, and one in which every hundredth thing is wrong."""
    for violators in (False, True):
        data = setting.folder / "societies.nt"
        triples = societies.write(data, NODES[setting.scale], violators=violators)
        kind = "1 % violators" if violators else "conforming"
        title = f"{NODES[setting.scale] // 1000}k nodes, {kind}"
        setting.say(f"[bold]{title}[/]: {triples:,} triples")
        _Contest(setting, title, data).run(is_conforming=not violators)
        data.unlink()


class _Contest:
    """The validators on one file."""

    def __init__(self, setting: Setting, title: str, data: Path) -> None:
        self._setting = setting
        self._title = title
        self._data = data
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._last: dict[str, dict[str, Any]] = {}
        self._loading: dict[str, float] = {}
        self._late: dict[str, str] = setting.report.raw.setdefault(_LATE, {})

    def run(self, *, is_conforming: bool) -> None:
        """Measure, and report."""
        contenders: dict[str, Contender] = {}
        with ExitStack() as stack:
            for name in VALIDATORS:
                if name in self._late:
                    continue
                contender = Contender(name, self._data, societies.SHAPES)
                stack.callback(contender.end)
                try:  # one after another, so that they do not slow each other down
                    self._loading[name] = contender.read(_LOADING)["seconds"]
                except Late as late:
                    self._late[name] = f"{late} loading {self._title}"
                    contender.end()
                else:
                    contenders[name] = contender
            for number in range(self._setting.rounds + 1):
                self._round(number, contenders)
        self._report(is_conforming=is_conforming)

    def _round(self, number: int, contenders: dict[str, Contender]) -> None:
        names = list(contenders)
        at = number % max(len(names), 1)
        for name in names[at:] + names[:at]:
            try:
                answer = contenders[name].ask("validate", self._setting.patience)
            except Late as late:
                self._late[name] = f"{late} on {self._title}"
                contenders.pop(name).end()
                continue
            self._last[name] = answer
            if number or answer["seconds"] > _SLOW:
                self._seconds[name].append(answer["seconds"])
            if answer["seconds"] > _SLOW:
                contenders.pop(name).end()
            self._setting.say(f"{name}: {answer['seconds']:.3f} s")

    def _report(self, *, is_conforming: bool) -> None:
        if not self._seconds[_OURS]:
            self._setting.report.warnings.append(f"{self._title}: {self._late.get(_OURS, '')}")
            return
        report, title, seconds = self._setting.report, self._title, self._seconds
        report.raw[f"{title}, validation, s"] = dict(seconds)
        report.raw[f"{title}, loading, s"] = self._loading
        report.raw[f"{title}, last answers"] = self._last
        self._compare(is_conforming=is_conforming)
        for name in VALIDATORS:
            if name == _OURS:
                continue
            if name not in seconds:
                why = self._late.get(name, "")
                figures = (milliseconds(seconds[_OURS]) + " ms", f"{name} not measured")
                report.add(Finding(title, "whole graph", *figures, note=why))
                continue
            ours, theirs = median(seconds[_OURS]), median(seconds[name])
            # As its target puts it: how often we fit into pySHACL's time, or what part of rudof's.
            figure = ours / theirs if name == "rudof" else theirs / ours
            target = _TARGETS.get(name) if is_conforming or name == "rudof" else None
            report.add(
                Finding(
                    title,
                    f"whole graph, {'time' if name == 'rudof' else 'speed'} beside {name}",
                    f"{ours * 1000:,.0f} ms, {self._last[_OURS]['peak']:,.0f} MB",
                    f"{theirs * 1000:,.0f} ms, {self._last[name]['peak']:,.0f} MB",
                    figure,
                    f"{figure:,.2f} ×",
                    target,
                    f"with loading {ours + self._loading[_OURS]:.1f} s, "
                    f"theirs {theirs + self._loading[name]:.1f} s; peak memory is of the process",
                )
            )

    def _compare(self, *, is_conforming: bool) -> None:
        """Warn where the validators do not find the same."""
        ours = self._last[_OURS]["results"]
        if is_conforming is bool(ours):
            self._setting.report.warnings.append(f"{self._title}: ours finds {ours or 'nothing'}")
        for name, answer in self._last.items():
            theirs = answer["results"]
            if different := {
                component: (ours.get(component, 0), theirs.get(component, 0))
                for component in sorted(ours.keys() | theirs.keys())
                if ours.get(component) != theirs.get(component)
            }:
                shown = ", ".join(f"{c} {a:,} and {b:,}" for c, (a, b) in different.items())
                self._setting.report.warnings.append(
                    f"{self._title}: ours and {name} differ in results: {shown}"
                )


# -- the gate ---------------------------------------------------------------------------------

_CHANGES: tuple[tuple[str, Callable[..., str], bool], ...] = (
    ("person", societies.newcomer, False),
    ("event", societies.meeting, False),
    ("wrong person", societies.newcomer, True),
    ("wrong event", societies.meeting, True),
)


def gate(setting: Setting) -> None:
    """Insert one thing at a time, right and wrong, past the writer's gate and over HTTP."""
    triples = TRIPLES[setting.scale]
    title = f"{triples // 1000:,}k triples"
    knowledge, data = setting.folder / "knowledge", setting.folder / "societies.nt"
    store = setting.folder / "gate" / "store"
    _write_knowledge(knowledge)
    written = societies.write(data, societies.things_of(triples), violators=False)
    setting.say(f"[bold]{title}[/]: {written:,} triples")
    _peninsula("export", "--store", store, "--knowledge", knowledge)
    _peninsula("load", data, "--store", store, "--knowledge", knowledge, "--no-validate")
    data.unlink()
    _past_the_gate(setting, title, store, knowledge)
    _over_http(setting, title, store, knowledge)


def _write_knowledge(folder: Path) -> None:
    for name, text in {
        "data/manifest.ttl": _MANIFEST,
        "ontology/classes.ttl": _CLASSES,
        "ontology/shapes/societies.shapes.ttl": societies.SHAPES.read_text(encoding="utf-8"),
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "queries").mkdir(exist_ok=True)


def _peninsula(*arguments: object) -> None:
    subprocess.run(
        [sys.executable, "-m", "peninsula", *map(str, arguments)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _past_the_gate(setting: Setting, title: str, store: Path, knowledge: Path) -> None:
    setting.say(f"{title}: past the gate")
    judging: dict[str, list[float]] = defaultdict(list)
    steps: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with ExitStack() as stack:
        writer = Contender("gate", store, knowledge)
        stack.callback(writer.end)
        writer.read(_LOADING)
        for number in range(-2, 5 * setting.rounds):
            for name, make, is_wrong in _CHANGES:
                text = make(_slug("gate", name, number), number % 900 + 1, is_wrong=is_wrong)
                answer = writer.ask(text, setting.patience)
                if bool(answer["results"]) is not is_wrong:
                    setting.report.warnings.append(f"{title}: {name}: {answer['results']} results")
                if number >= 0:
                    judging[name].append(answer["judge"])
                    steps[name].append(answer)
    raw = setting.report.raw
    raw[f"{title}, gate"] = steps
    medians = raw.setdefault(_JUDGING, {})
    medians[title] = {name: median(seconds) for name, seconds in judging.items()}
    first = next(iter(medians))
    for name, seconds in judging.items():
        late = percentile(seconds, 0.95) * 1000
        change, publish = (median([s[k] for s in steps[name]]) for k in ("change", "publish"))
        setting.report.add(
            Finding(
                title,
                f"gate, one {name} (p95)",
                _spread(seconds),
                "",
                late,
                f"{late:.1f} ms",
                "gate",
                f"whole change {change * 1000:.1f} ms, its publication {publish * 1000:.1f} ms; "
                f"peak memory {steps[name][-1]['peak']:,.0f} MB",
            )
        )
        if title != first:
            growth = medians[title][name] / medians[first][name]
            setting.report.add(
                Finding(
                    title,
                    f"gate, one {name}, beside {first} (median)",
                    milliseconds(seconds) + " ms",
                    f"{medians[first][name] * 1000:.2f} ms",
                    growth,
                    f"{growth:.2f} ×",
                    "gate, flat",
                )
            )


class _Gated(Peninsula):
    """Ours with shapes; ``data`` is the folder of the knowledge."""

    def command(self) -> list[str]:
        command = [*self._program, "serve", "--knowledge", str(self.data), "--host", HOST]
        command += ["--port", str(self.port), "--store", str(self.store), "--memory", self.memory]
        return [*command, "--default-graph", "own", "--history-graph", "never"]


def _over_http(setting: Setting, title: str, store: Path, knowledge: Path) -> None:
    setting.say(f"{title}: over HTTP")
    server = _Gated(store.parent, knowledge, memory=setting.memory)
    seconds: dict[str, list[float]] = defaultdict(list)
    try:
        server.start()
        server.authorize()
        for number in range(-2, 5 * setting.rounds):
            for name, make, is_wrong in _CHANGES:
                text = make(_slug("http", name, number), number % 900 + 1, is_wrong=is_wrong)
                began, refused = time.perf_counter(), False
                try:
                    server.update(text)
                except Refused as refusal:
                    refused = " answered 422" in str(refusal)
                if refused is not is_wrong:
                    setting.report.warnings.append(f"{title}: {name} over HTTP was misjudged")
                if number >= 0:
                    seconds[name].append(time.perf_counter() - began)
    finally:
        server.stop()
    setting.report.raw[f"{title}, gate over HTTP, s"] = seconds
    for name, times in seconds.items():
        said = "refused" if name.startswith("wrong") else "acknowledged"
        setting.report.add(Finding(title, f"one {name} {said} over HTTP", _spread(times), ""))


def _slug(way: str, name: str, number: int) -> str:
    return f"{way}-{name.replace(' ', '-')}-{number + 2}"


def _spread(seconds: Sequence[float]) -> str:
    return f"{milliseconds(seconds)} ms, p95 {percentile(seconds, 0.95) * 1000:.1f}"
