"""May this change enter the graph?

The shapes of the shipped knowledge say so. Only what a change may affect is judged, in the state
after it and, where that breaks a shape, in the state before it too: a change may not add a
violation; those that were there already do not block. Warnings and notes pass and are told.
Runs in the writer's process, between the delta and its publication.
"""

from __future__ import annotations

import io
import os
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import pyoxigraph as ox

from peninsula.dataset import delta as deltas
from peninsula.dataset.delta import Delta
from peninsula.dataset.local import LocalDataset
from peninsula.dataset.writer import HISTORY, Gate, OpenGate, Verdict
from peninsula.errors import InvalidShapes, ShapesViolated
from peninsula.formats import CSV
from peninsula.knowledge import COMPUTED, ONTOLOGY, Knowledge, parse_turtle
from peninsula.library import Library, read_library
from peninsula.policy import Policy
from peninsula.shacl.affected import Affected, affected
from peninsula.shacl.candidates import Result
from peninsula.shacl.mends import find_mends, read_results
from peninsula.shacl.model import Shapes, read_model
from peninsula.shacl.report import (
    Mend,
    ValidationReport,
    ValidationResult,
    read_report,
)
from peninsula.shacl.shapes import read_shapes
from peninsula.shacl.validation import Validation, tolerant, validate_store
from peninsula.shacl.view import Statements, graph_of
from peninsula.submission import judge_delta
from peninsula.wikidata.slice import SNAPSHOT

#: Graphs that are not judged: they follow from others, are the server's own, or say in the words of
#: others what others say.
UNJUDGED: Final = frozenset(ox.NamedNode(name) for name in (*COMPUTED, HISTORY, SNAPSHOT))

#: A change of so many statements, and of this part of the state, is judged by the whole state: each
#: of its things would be looked at alone, and the engine looks at all of them together sooner.
_LARGE: Final = 8000
_LARGE_PART: Final = 10
#: Statements that are copied into memory, where they are asked several times as fast as on disk.
_MOST_COPIED: Final = 4_000_000
_MOST_THREADS: Final = 4

#: For the answers before a trial, and as many again for those after it.
_SECONDS_OF_QUESTIONS: Final = 5.0
#: Seconds in which mends are looked for.
_MENDING: Final = 2.0

GraphName = ox.NamedNode | ox.BlankNode | ox.DefaultGraph


def open_gate(root: str) -> Gate:
    """Return the gate of the knowledge in the folder ``root``; empty: one without shapes."""
    if not root:
        return ForeignGate()
    return ShapesGate.of(Knowledge(Path(root)))


def read_own_shapes(knowledge: Knowledge) -> Shapes:
    """Return the shapes of ``knowledge``; raises InvalidShapes."""
    declared = (
        quad
        for graph, path in knowledge.sourced_files
        if graph == ONTOLOGY
        for quad in parse_turtle(path, graph)
    )
    return read_model(read_shapes(knowledge.shapes, declared))


def judged_graphs(store: ox.Store) -> list[GraphName]:
    """Return the graphs of ``store`` whose statements the shapes are about."""
    named = [name for name in store.named_graphs() if name not in UNJUDGED]
    return [ox.DefaultGraph(), *named]


class ShapesGate:
    """Lets pass what breaks no shape that was whole before."""

    def __init__(self, shapes: Shapes, library: Library) -> None:
        self._shapes = shapes
        self._library = library

    @classmethod
    def of(cls, knowledge: Knowledge) -> Self:
        """Return the gate of ``knowledge``."""
        return cls(read_own_shapes(knowledge), read_library(knowledge.queries))

    def judge(
        self, delta: Delta, store: ox.Store, *, is_trial: bool, asks_questions: bool
    ) -> Verdict:
        """Judge ``delta``, which ``store`` already holds."""
        began = time.monotonic()
        is_large = _is_large(delta, store)
        if is_large:
            store = _copy(store)
        graphs = judged_graphs(store)
        found = (
            Affected(everything=True)
            if is_large
            else affected(self._shapes, delta, store, graphs=graphs)
        )
        after = self._validate(store, graphs, found)
        before = _NOTHING
        answers = self._answers(store) if asks_questions else {}
        questions: dict[str, Any] = {}
        # What was odd before anywhere in the state is no news.
        if after.violations or is_trial or (is_large and after.results):
            deltas.apply(store, delta.inverse())
            try:
                before = self._validate(store, graphs, found)
                if asks_questions:
                    questions = _compare_answers(self._answers(store), answers)
            finally:
                deltas.apply(store, delta)
        report = after.only(_difference(after.results, before.results))
        if not report.conforms:
            report = self._with_mends(report, delta, store, graphs)
        report = replace(
            report,
            targets={str(node): len(terms) for node, terms in found.pairs.items()},
            judged=sum(map(len, found.pairs.values())),
            seconds=round(time.monotonic() - began, 3),
            cured=len(_difference(before.results, after.results)),
            debt=after.violations - report.violations,
        )
        told = {**report.to_json(), **questions}
        if report.conforms:
            is_silent = not report.results and not is_trial
            return Verdict(remarks={} if is_silent else {"validation": told})
        return Verdict(_refusal(report, told), {"validation": told})

    def judge_whole(
        self, before: ox.Store | None, after: ox.Store, *, tells_news: bool = False
    ) -> Verdict:
        """Judge a state against the one before it, each in whole.

        With ``tells_news``, warnings that were there before are not told again.
        """
        everything = Affected(everything=True)
        now = self._validate(after, judged_graphs(after), everything)
        then = _NOTHING
        if before is not None and (now.violations or (tells_news and now.results)):
            then = self._validate(before, judged_graphs(before), everything)
        report = now.only(_difference(now.results, then.results))
        told = report.to_json()
        return Verdict(None if report.conforms else _refusal(report, told), {"validation": told})

    def judge_alone(self, message: Mapping[str, Any], store: ox.Store) -> Mapping[str, Any]:
        """Judge the statements of a file beside the ontology alone."""
        shapes = self._shapes
        if message.get("shapes"):
            shapes = read_foreign_shapes(Path(message["shapes"]))
        alone = ox.Store()
        if not message.get("shapes"):
            alone.extend(store.quads_for_pattern(None, None, None, ox.NamedNode(ONTOLOGY)))
        return _judge_file(alone, shapes, message)

    def _with_mends(
        self, report: ValidationReport, delta: Delta, store: ox.Store, graphs: list[GraphName]
    ) -> ValidationReport:
        """Return the report with changes that are proved to mend what it tells."""
        wanted = {_key(result) for result in report.results}
        results = [
            result
            for result in read_results(report.graph, self._shapes)
            if _key_of_mend(result) in wanted
        ]
        found = {
            _key_of_mend(result): tuple(Mend(mend.title, mend.update, mend.patch) for mend in mends)
            for result, mends in find_mends(
                store, self._shapes, delta, results, graphs=graphs, limit_seconds=_MENDING
            ).items()
        }
        mended = tuple(
            replace(result, mends=found.get(_key(result), ())) for result in report.results
        )
        return replace(report, results=mended)

    def _validate(
        self, store: ox.Store, graphs: Collection[GraphName], found: Affected
    ) -> ValidationReport:
        focus = None
        if not found.everything:
            focus = found.targets(self._shapes, Statements(store, graphs))
            if not focus:
                return _NOTHING
        # The whole is asked in large questions, during which the engine lets other threads run.
        threads = min(os.cpu_count() or 1, _MOST_THREADS) if focus is None else 1
        found_wrong = validate_store(
            store, self._shapes, graphs=graphs, focus=focus, threads=threads
        )
        return _read(store, graphs, found_wrong)

    def _answers(self, store: ox.Store) -> dict[str, Counter[bytes]]:
        """Return the answers to the questions of the library, as far as the time allows."""
        until = time.monotonic() + _SECONDS_OF_QUESTIONS
        dataset = LocalDataset(store, Policy())
        answers = {}
        for slug, template in self._library.templates.items():
            if time.monotonic() > until:
                break
            if template.services:
                # The writer asks nobody outside.
                continue
            output = io.BytesIO()
            template.ask(dataset, template.examples).write(CSV, output)
            answers[slug] = Counter(output.getvalue().splitlines())
        return answers


def _is_large(delta: Delta, store: ox.Store) -> bool:
    """Return whether a change, which ``store`` holds, is judged sooner by the whole state."""
    size = len(delta.added) + len(delta.removed)
    return size > _LARGE and size * _LARGE_PART > len(store) and len(store) <= _MOST_COPIED


def _copy(store: ox.Store) -> ox.Store:
    """Return the state in memory."""
    copy = ox.Store()
    copy.bulk_extend(store)
    for name in store.named_graphs():
        copy.add_graph(name)
    return copy


class ForeignGate(OpenGate):
    """Lets every change pass, and judges data by shapes that come with them."""

    def judge_alone(self, message: Mapping[str, Any], store: ox.Store) -> Mapping[str, Any]:  # noqa: ARG002
        """Judge the statements of a file by the shapes that were sent with it."""
        if not message.get("shapes"):
            raise InvalidShapes("This server has no shapes.", "Send shapes with the data.")
        return _judge_file(ox.Store(), read_foreign_shapes(Path(message["shapes"])), message)


def _judge_file(store: ox.Store, shapes: Shapes, message: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the statements of a file beside what is in ``store``."""
    began = time.monotonic()
    with Path(message["path"]).open("rb") as file:
        quads = set(deltas.as_stored(ox.parse(file, format=ox.RdfFormat.N_QUADS)))
    store.bulk_extend(quads)
    report = judge_delta(store, shapes, Delta(added=quads))
    return replace(report, seconds=round(time.monotonic() - began, 3)).to_json()


def _compare_answers(
    before: Mapping[str, Counter[bytes]], after: Mapping[str, Counter[bytes]]
) -> dict[str, Any]:
    known = before.keys() & after.keys()
    return {
        "questions": sorted(slug for slug in known if before[slug] != after[slug]),
        "questions_asked": len(known),
    }


def read_foreign_shapes(path: Path) -> Shapes:
    """Return the shapes in a Turtle file of a user; raises InvalidShapes."""
    from peninsula.shacl.validation import to_graph  # noqa: PLC0415

    try:
        quads = list(ox.parse(path=str(path), format=ox.RdfFormat.TURTLE))
    except SyntaxError as error:
        raise InvalidShapes(f"The shapes cannot be read: {error}.") from None
    return read_model(to_graph(quads))


_NOTHING: Final = ValidationReport((), "")


def _read(
    store: ox.Store, graphs: Collection[GraphName] | None, validation: Validation
) -> ValidationReport:
    return read_report(tolerant(validation.report), graph_of(Statements(store, graphs)))


def _key(result: ValidationResult) -> tuple[str, ...]:
    return result.focus_term, result.shape_term, result.constraint_component, result.value_term


def _key_of_mend(result: Result) -> tuple[str, ...]:
    shape, value = result.shape.n3(), "" if result.value is None else str(result.value)
    return str(result.focus), shape, result.component, value


def _difference(
    results: Iterable[ValidationResult], others: Iterable[ValidationResult]
) -> list[ValidationResult]:
    """Return the results that are not among ``others``, as often as they are more."""
    rest = Counter(result.sort_key for result in others)
    added = []
    for result in results:
        if rest[result.sort_key] > 0:
            rest[result.sort_key] -= 1
        else:
            added.append(result)
    return added


def _refusal(report: ValidationReport, told: Mapping[str, Any]) -> ShapesViolated:
    first = next(result for result in report.results if result.severity == "Violation")
    more = f" and {report.violations - 1} more" if report.violations > 1 else ""
    return ShapesViolated(
        f"{first.focus_node}: {first.message}{more}.".replace("..", "."),
        "The report says what is wrong, where, and what would mend it. Nothing was changed.",
        report=told,
    )
