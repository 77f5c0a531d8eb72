"""Would these statements still conform, were they added to the graph?

Nothing is stored. The statements are put beside those that are there, and what they can affect is
judged by the shapes. A file that belongs to the knowledge is judged where it stands, with all
the others. Whatever is submitted does not change what it is judged by: statements about terms of
the ontology, or in its graph, are told and left out.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.delta import Delta, as_stored
from peninsula.errors import InvalidSource, display_path, place
from peninsula.formats import RDF_EXTENSIONS
from peninsula.knowledge import ONTOLOGY, Knowledge, parse_rdf, parse_turtle
from peninsula.loading import Progress
from peninsula.namespaces import PREFIXES, shorten
from peninsula.shacl.affected import TargetFinder, affected
from peninsula.shacl.locating import Text, locate
from peninsula.shacl.mends import find_mends, read_results
from peninsula.shacl.model import Shapes, read_model
from peninsula.shacl.report import (
    Mend,
    ValidationReport,
    ValidationResult,
    count_targets,
    read_report,
    shape_name,
)
from peninsula.shacl.shapes import read_shapes
from peninsula.shacl.validation import tolerant, validate_store
from peninsula.shacl.view import GraphName, Statements, graph_of

#: What begins so is declared in the ontology, or is one of its shapes.
PROTECTED: Final = (PREFIXES["pen"], PREFIXES["pensh"])
#: Findings of that kind that are told one by one.
_MOST_FINDINGS: Final = 100
_RULE: Final = f"{PREFIXES['pensh']}Submission"
_SH: Final = PREFIXES["sh"]
#: What makes a shape run a query or a script.
_QUERIES: Final = frozenset(
    f"{_SH}{name}"
    for name in (
        "sparql", "select", "ask", "construct", "update", "validator", "nodeValidator",
        "propertyValidator", "js", "jsLibrary", "jsLibraryURL", "jsFunctionName",
        "SPARQLConstraint", "SPARQLTarget", "SPARQLTargetType", "SPARQLAskValidator",
        "SPARQLSelectValidator", "SPARQLConstructExecutable", "SPARQLRule", "SPARQLFunction",
        "ConstraintComponent", "JSConstraint", "JSTarget", "JSTargetType", "JSRule", "JSFunction",
        "JSValidator", "JSLibrary",
    )
)  # fmt: skip


def validate_files(
    knowledge: Knowledge,
    files: Sequence[Path],
    progress: Progress,
    *,
    alone: bool = False,
    shapes: Path | None = None,
    graph: str | None = None,
) -> ValidationReport:
    """Return what the shapes find wrong with ``files`` beside the shipped graph.

    With ``alone``, beside the ontology only: then what the files point to must be in them.
    ``shapes`` is a Turtle file to judge by instead of the project's own, ``graph`` the named graph
    that the statements would go to. Raises InvalidSource, InvalidShapes.
    """
    began = time.perf_counter()
    progress("Reading", 0, 0)
    read = _read(knowledge, files, graph, alone=alone)
    ontology = [quad for quad in read.stated if quad.graph_name == _ONTOLOGY]
    model = read_model(read_shapes([shapes] if shapes else knowledge.shapes, ontology))
    progress("Validating", 0, 0)
    store = ox.Store()
    store.bulk_extend([*read.stated, *read.submitted])
    delta = None if read.is_in_place else Delta(added=set(as_stored(read.submitted)))
    report = judge_delta(store, model, delta)
    if not report.conforms:
        progress("Looking for mends", 0, 0)
        report = with_mends(report, store, model, delta or Delta())
    report = report.including(read.findings)
    progress("Locating", 0, 0)
    report = locate(report, [read_text(path) for path in files])
    if read.is_in_place:
        report = _in_place(knowledge, files, report)
    return replace(report, seconds=round(time.perf_counter() - began, 3))


def _in_place(
    knowledge: Knowledge, files: Sequence[Path], report: ValidationReport
) -> ValidationReport:
    """Return what is about ``files``, and the violations in other files of the knowledge."""
    report = report.only(r for r in report.results if r.file or r.severity == "Violation")
    if all(result.file for result in report.results):
        return report
    given = {path.resolve() for path in files}
    others = [path for _, path in knowledge.sourced_files if path.resolve() not in given]
    return locate(report, [read_text(path) for path in others])


_ONTOLOGY: Final = ox.NamedNode(ONTOLOGY)


@dataclass
class _Read:
    """What is there, what is to come, and what of it is refused."""

    stated: list[ox.Quad] = field(default_factory=list)
    submitted: list[ox.Quad] = field(default_factory=list)
    findings: list[ValidationResult] = field(default_factory=list)
    #: Whether any file is one of the knowledge's own.
    is_in_place: bool = False


def _read(knowledge: Knowledge, files: Sequence[Path], graph: str | None, *, alone: bool) -> _Read:
    read = _Read()
    sourced = {
        path.resolve(): name
        for name, path in knowledge.sourced_files
        if name == ONTOLOGY or not alone
    }
    own = {*sourced, *(path.resolve() for path in knowledge.shapes)}
    for path in files:
        if path.resolve() in own:
            read.is_in_place = True
            continue
        quads = read_file(path, graph)
        kept, findings = split(quads)
        read.submitted += kept
        read.findings += findings
    for path, name in sourced.items():
        read.stated.extend(parse_turtle(path, name))
    return read


def judge_delta(
    store: ox.Store,
    shapes: Shapes,
    delta: Delta | None,
    *,
    graphs: Collection[GraphName] | None = None,
) -> ValidationReport:
    """Return what ``shapes`` find wrong where ``delta``, which ``store`` holds, may alter it.

    ``delta`` None: anywhere. ``graphs`` are those that are judged; None: all. Raises InvalidShapes.
    """
    statements = Statements(store, graphs)
    found = affected(shapes, delta, store, graphs=graphs) if delta is not None else None
    if found is None or found.everything:
        finder = TargetFinder(statements)
        targets = {shape.node: frozenset(finder.all(shape)) for shape in shapes.targeted}
        validation = validate_store(store, shapes, graphs=graphs)
    else:
        targets = found.targets(shapes, statements)
        validation = validate_store(store, shapes, graphs=graphs, focus=targets)
    known = shapes.judge.graph
    return read_report(
        tolerant(validation.report),
        graph_of(statements),
        known,
        targets=count_targets([shape.node for shape in shapes.targeted], targets, known),
        judged=validation.judged,
    )


def with_mends(
    report: ValidationReport,
    store: ox.Store,
    shapes: Shapes,
    delta: Delta,
    *,
    graphs: Collection[GraphName] | None = None,
    limit_seconds: float = 1.0,
) -> ValidationReport:
    """Return ``report`` with the mends that were proved to work within the time.

    ``store`` holds ``delta``; it is changed and changed back meanwhile.
    """
    found = find_mends(
        store,
        shapes,
        delta,
        read_results(report.graph, shapes),
        graphs=graphs,
        limit_seconds=limit_seconds,
    )
    by_result = {
        (str(r.focus), shape_name(r.shape, shapes.judge.graph), r.component, _text(r.value)): mends
        for r, mends in found.items()
    }

    def attach(result: ValidationResult) -> ValidationResult:
        key = (
            result.focus_term,
            result.source_shape,
            result.constraint_component,
            result.value_term,
        )
        mends = tuple(Mend(m.title, m.update, m.patch) for m in by_result.get(key, ()))
        return replace(result, mends=mends) if mends else result

    return report.map(attach)


def _text(term: object) -> str:
    return "" if term is None else str(term)


def read_file(path: Path, graph: str | None = None) -> list[ox.Quad]:
    """Return the statements of a file in any RDF format, known by its ending."""
    format = RDF_EXTENSIONS.get(path.suffix.lower())
    if format is None or not isinstance(format.engine, ox.RdfFormat):
        raise InvalidSource(
            f"{place(path)}: “{path.suffix}” is the ending of no RDF format.",
            f"Known are {', '.join(RDF_EXTENSIONS)}.",
        )
    if not path.is_file():
        raise InvalidSource(f"{place(path)}: there is no such file.", "Mend the path.")
    return list(parse_rdf(path, format.engine, graph))


def read_text(path: Path) -> Text:
    """Return a file as a text to find lines in."""
    format = RDF_EXTENSIONS[path.suffix.lower()]
    content = path.read_bytes().decode("utf-8", "replace")
    return Text(display_path(path), content, format.name)


# What a submission may not change.


def is_protected(quad: ox.Quad) -> bool:
    """Return whether a statement would change what everything is judged by."""
    if quad.graph_name == _ONTOLOGY:
        return True
    return isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(PROTECTED)


def split(quads: Iterable[ox.Quad]) -> tuple[list[ox.Quad], list[ValidationResult]]:
    """Return the statements that may be judged, and a finding for each that may not."""
    kept: list[ox.Quad] = []
    refused: list[ox.Quad] = []
    for quad in quads:
        (refused if is_protected(quad) else kept).append(quad)
    return kept, _findings(refused[:_MOST_FINDINGS], len(refused))


def split_file(path: Path, target: Path) -> tuple[int, list[ValidationResult]]:
    """Copy the statements that may be judged from ``path`` to ``target``, both N-Quads.

    Returns how many there are, and a finding for each of the others. ``path`` is as the engine
    writes it: a statement a line.
    """
    begins = tuple(f"<{iri}".encode() for iri in PROTECTED)
    end = f" <{ONTOLOGY}> .".encode()
    kept, count = 0, 0
    refused: list[ox.Quad] = []
    with path.open("rb") as source, target.open("wb") as sink:
        for line in source:
            if line.startswith(begins) or line.rstrip().endswith(end):
                # What stands at the end may be the object.
                quad = next(iter(ox.parse(line, format=ox.RdfFormat.N_QUADS)))
                if is_protected(quad):
                    count += 1
                    if len(refused) < _MOST_FINDINGS:
                        refused.append(quad)
                    continue
            kept += 1
            sink.write(line)
    return kept, _findings(refused, count)


def _findings(quads: Iterable[ox.Quad], count: int) -> list[ValidationResult]:
    more = f" There are {count} such statements." if count > _MOST_FINDINGS else ""
    return [_finding(quad, more) for quad in quads]


def _finding(quad: ox.Quad, more: str) -> ValidationResult:
    subject, value = str(quad.subject), str(quad.object)
    name = shorten(subject[1:-1]) if subject.startswith("<") else subject
    return ValidationResult(
        severity="Violation",
        focus_node=name,
        label="",
        path=shorten(quad.predicate.value),
        value=shorten(value[1:-1]) if value.startswith("<") else value,
        message=(
            f"{name} belongs to the ontology, by which data are judged: what is submitted does "
            "not change it. Leave this statement out, and propose it as a change of ontology/."
            f"{more}"
        ),
        source_shape=shorten(_RULE),
        constraint_component="pensh:FixedOntologyConstraintComponent",
        shape_label="a submission leaves ontology and shapes as they are",
        focus_term=subject,
        path_term=str(quad.predicate),
        value_term=value,
        shape_term=f"<{_RULE}>",
    )


# Shapes of others.


def find_queries(quads: Iterable[ox.Quad]) -> Iterator[str]:
    """Yield the terms by which shapes would run queries or scripts."""
    for quad in quads:
        for term in (quad.predicate, quad.object):
            if isinstance(term, ox.NamedNode) and term.value in _QUERIES:
                yield shorten(term.value)
