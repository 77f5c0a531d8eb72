"""Does the knowledge keep its own rules?

Four checks, each with one line a finding: the ontology is consistent and keeps the rules of
good form, the data conform to the shapes, every question gives its expected answer in both
directions (a wrong row and a missing row are findings), and the derived positions are what the
claims give.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset
from peninsula.dataset.local import LocalDataset
from peninsula.errors import InvalidQuestion, PeninsulaError, display_path
from peninsula.formats import CSV
from peninsula.hygiene import load_rules, run_rules
from peninsula.inference import inconsistencies
from peninsula.knowledge import Knowledge
from peninsula.library import QueryTemplate, question_files, read_question
from peninsula.loading import Loaded, Progress, judge, load
from peninsula.namespaces import shorten
from peninsula.policy import Policy
from peninsula.positions import derive_file

#: The file that “peninsula derive” writes, below the root of the knowledge.
POSITIONS: Final = Path("data/positions/positions.ttl")


#: What a severity of SHACL is called here; sh:Info is a note.
_SEVERITIES: Final = {"Violation": "error", "Warning": "warning"}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    check: str
    severity: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.check}: {self.place}: {self.message}"


def check(
    knowledge: Knowledge,
    progress: Progress,
    *,
    federate: Callable[[Dataset], Dataset] | None = None,
) -> Iterator[Finding]:
    """Yield what is wrong with ``knowledge``; raises InvalidSource where a file is unreadable.

    ``federate`` makes of a dataset one that asks services; without it none is asked.
    """
    loaded = load(knowledge, progress)
    store = ox.Store()
    store.bulk_extend([*loaded.stated, *loaded.computed])
    progress("Checking the ontology", 0, 0)
    yield from _check_consistency(loaded)
    for found in run_rules(store, load_rules(knowledge.hygiene)):
        yield Finding(f"hygiene {found.rule}", found.severity, shorten(found.term), found.message)
    yield from _check_positions(knowledge)
    yield from _check_shapes(knowledge, loaded, progress)
    dataset: Dataset = LocalDataset(store, Policy())
    if federate:
        dataset = federate(dataset)
    yield from check_questions(knowledge, dataset, progress, asks_services=federate is not None)


def _check_consistency(loaded: Loaded) -> Iterator[Finding]:
    triples = (ox.Triple(q.subject, q.predicate, q.object) for q in loaded.stated)
    for found in inconsistencies(triples):
        yield Finding("consistency", "error", shorten(found.term), found.message)


def _check_positions(knowledge: Knowledge) -> Iterator[Finding]:
    path = knowledge.root / POSITIONS
    if path.exists() and path.read_text(encoding="utf-8") != derive_file(knowledge.root):
        message = "it is not what the claims give; run “peninsula derive”."
        yield Finding("positions", "error", display_path(path), message)


def _check_shapes(knowledge: Knowledge, loaded: Loaded, progress: Progress) -> Iterator[Finding]:
    for result in judge(knowledge, loaded, progress).results:
        severity = _SEVERITIES.get(result.severity, "note")
        yield Finding(f"shape {result.source_shape}", severity, result.focus_node, result.message)


def check_questions(
    knowledge: Knowledge, dataset: Dataset, progress: Progress, *, asks_services: bool = False
) -> Iterator[Finding]:
    """Yield the questions whose answer is not the expected one.

    Of questions that ask a service of others only the form is checked, unless ``dataset``
    ``asks_services``.
    """
    paths = question_files(knowledge.queries)
    unasked: list[QueryTemplate] = []
    for done, path in enumerate(paths):
        progress("Asking the questions", done, len(paths))
        try:
            template = read_question(path)
        except InvalidQuestion as error:
            yield Finding("question", "error", display_path(path), str(error))
            continue
        expected = knowledge.expected / f"{template.slug}.csv"
        if not knowledge.expected.is_dir():
            continue
        if template.services and not asks_services:
            unasked.append(template)
            if not expected.is_file():
                yield Finding(
                    "question", "error", display_path(path), "there is no expected answer."
                )
            continue
        yield from _compare(template, expected, dataset)
    if unasked:
        yield _tell_unasked(unasked, knowledge)
    for expected in sorted(knowledge.expected.glob("*.csv")):
        if not (knowledge.queries / f"{expected.stem}.rq").exists():
            place = display_path(expected)
            yield Finding("question", "error", place, "there is no such question; remove the file.")


def _tell_unasked(unasked: list[QueryTemplate], knowledge: Knowledge) -> Finding:
    services = ", ".join(sorted({name for template in unasked for name in template.services}))
    count = len(unasked)
    message = (
        f"{count} question{'' if count == 1 else 's'} ask{'s' if count == 1 else ''} a service "
        f"({services}), which was not asked; only the form was checked. The expected answers are "
        "those of a service for tests: give its address with --service NAME=ADDRESS."
    )
    return Finding("question", "note", display_path(knowledge.queries), message)


def _compare(template: QueryTemplate, expected: Path, dataset: Dataset) -> Iterator[Finding]:
    remedy = (
        "If the new answer is right: peninsula query "
        f"{template.slug} --examples --format csv > {display_path(expected)}"
    )
    try:
        answer = answer_as_csv(template, dataset)
    except PeninsulaError as error:
        yield Finding("question", "error", display_path(template.path), str(error))
        return
    if not expected.is_file():
        message = f"there is no expected answer. {remedy}"
        yield Finding("question", "error", display_path(template.path), message)
        return
    for difference in compare_tables(expected.read_text(encoding="utf-8"), answer):
        message = f"{difference}. {remedy}"
        yield Finding("question", "error", display_path(expected), message)


def answer_as_csv(template: QueryTemplate, dataset: Dataset) -> str:
    """Return the answer to a question with its example parameters."""
    output = io.BytesIO()
    template.ask(dataset, template.examples).write(CSV, output)
    return output.getvalue().decode()


def compare_tables(expected: str, answer: str) -> list[str]:
    """Return how two CSV tables differ; the order of rows does not matter."""
    wanted, found = (list(csv.reader(io.StringIO(text))) for text in (expected, answer))
    if wanted[:1] != found[:1]:
        return [f"the columns are {_show(found[:1])}, expected {_show(wanted[:1])}"]
    missing = Counter(map(tuple, wanted[1:])) - Counter(map(tuple, found[1:]))
    surplus = Counter(map(tuple, found[1:])) - Counter(map(tuple, wanted[1:]))
    differences = []
    for rows, what in ((missing, "missing"), (surplus, "not expected")):
        if rows:
            count = sum(rows.values())
            noun = "1 row is" if count == 1 else f"{count} rows are"
            differences.append(f"{noun} {what}, e.g. {_show([list(min(rows))])}")
    return differences


def _show(rows: list[list[str]]) -> str:
    text = ", ".join(shorten(cell) for row in rows for cell in row)
    return text if len(text) < 160 else f"{text[:157]}…"
