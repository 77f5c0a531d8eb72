"""What does a validation report say, to a person and to a program?

A report is read from the graph that pySHACL writes. Every result says which node is wrong, by
which path and value, which rule it breaks and what would mend it (the shape's own message).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Final

from rdflib import RDF, Graph, Namespace, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.term import Node

from peninsula.namespaces import PREFIXES, shorten

SH: Final = Namespace(PREFIXES["sh"])
_LABELS: Final = (
    URIRef(PREFIXES["rdfs"] + "label"),
    URIRef(PREFIXES["skos"] + "prefLabel"),
    URIRef(PREFIXES["dcterms"] + "title"),
)
_SEVERITIES: Final = ("Violation", "Warning", "Info")
#: How a step of a path is written in SPARQL.
_MARKS: Final = {"zeroOrMorePath": "*", "oneOrMorePath": "+", "zeroOrOnePath": "?"}


@dataclass(frozen=True)
class ValidationResult:
    """One thing that a shape found wrong."""

    severity: str
    focus_node: str
    label: str
    path: str
    value: str
    message: str
    source_shape: str
    constraint_component: str

    @property
    def sort_key(self) -> tuple[object, ...]:
        is_known = self.severity in _SEVERITIES
        rank = _SEVERITIES.index(self.severity) if is_known else len(_SEVERITIES)
        return (rank, self.focus_node, self.path, self.source_shape, self.value, self.message)


@dataclass(frozen=True)
class ValidationReport:
    """Everything the shapes found wrong; a warning does not keep data from conforming."""

    results: tuple[ValidationResult, ...]
    graph: Graph

    @property
    def conforms(self) -> bool:
        return not self.violations

    @property
    def violations(self) -> int:
        return self._count("Violation")

    @property
    def warnings(self) -> int:
        return len(self.results) - self.violations

    def _count(self, severity: str) -> int:
        return sum(result.severity == severity for result in self.results)

    @property
    def summary(self) -> str:
        """Return one line: ``Does not conform: 2 violations, 1 warning.``"""
        verdict = "Conforms" if self.conforms else "Does not conform"
        counts = [_plural(self.violations, "violation"), _plural(self.warnings, "warning")]
        return f"{verdict}: {', '.join(counts)}."


def read_report(graph: Graph, data: Graph) -> ValidationReport:
    """Return the report in ``graph``; labels of focus nodes are looked up in ``data``."""
    nodes = [node for report in graph.subjects(RDF.type, SH.ValidationReport)
             for node in graph.objects(report, SH.result)]  # fmt: skip
    results = (_read_result(graph, node, data) for node in nodes)
    return ValidationReport(tuple(sorted(results, key=lambda r: r.sort_key)), graph)


def _read_result(graph: Graph, node: Node, data: Graph) -> ValidationResult:
    focus = graph.value(node, SH.focusNode)
    messages = sorted(graph.objects(node, SH.resultMessage), key=_english_first)
    return ValidationResult(
        severity=_local(graph.value(node, SH.resultSeverity)),
        focus_node=_name(focus),
        label=_label(data, focus),
        path=path_text(graph, graph.value(node, SH.resultPath)),
        value=_name(graph.value(node, SH.value)),
        message=str(messages[0]) if messages else "",
        source_shape=_name(graph.value(node, SH.sourceShape)),
        constraint_component=_local(graph.value(node, SH.sourceConstraintComponent)),
    )


def path_text(graph: Graph, path: Node | None) -> str:
    """Return a SHACL path in the syntax of SPARQL."""
    if path is None:
        return ""
    if isinstance(path, URIRef):
        return _name(path)
    if (inverse := graph.value(path, SH.inversePath)) is not None:
        return f"^{path_text(graph, inverse)}"
    if (alternatives := graph.value(path, SH.alternativePath)) is not None:
        steps = [path_text(graph, step) for step in graph.items(alternatives)]
        return f"({'|'.join(steps)})"
    for name, mark in _MARKS.items():
        if (inner := graph.value(path, SH[name])) is not None:
            return f"{path_text(graph, inner)}{mark}"
    return "/".join(path_text(graph, step) for step in graph.items(path))


def to_text(report: ValidationReport) -> str:
    """Return the report for a terminal: a block a result, most severe first."""
    blocks = [_block(result) for result in report.results]
    return "\n".join([*blocks, report.summary]) + "\n"


def _block(result: ValidationResult) -> str:
    heading = f"{result.severity}: {result.focus_node}"
    if result.label:
        heading += f" “{result.label}”"
    lines = [heading, f"  {result.message}"]
    where = [
        f"{name} {text}"
        for name, text in (
            ("path", result.path),
            ("value", result.value if result.value != result.focus_node else ""),
            ("rule", f"{result.source_shape} ({result.constraint_component})"),
        )
        if text
    ]
    return "\n".join([*lines, f"  {' · '.join(where)}", ""])


def to_json(report: ValidationReport) -> str:
    """Return the report as a JSON document."""
    document = {
        "conforms": report.conforms,
        "violations": report.violations,
        "warnings": report.warnings,
        "results": [asdict(result) for result in report.results],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def to_csv(report: ValidationReport) -> str:
    """Return the report as a table, a row a result."""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow([field.name for field in fields(ValidationResult)])
    writer.writerows(asdict(result).values() for result in report.results)
    return output.getvalue()


def to_turtle(report: ValidationReport) -> str:
    """Return the report in the terms of SHACL."""
    for prefix, iri in PREFIXES.items():
        report.graph.bind(prefix, iri, override=True, replace=True)
    return report.graph.serialize(format="turtle")


RENDERINGS: Final = {"text": to_text, "turtle": to_turtle, "json": to_json, "csv": to_csv}


def _name(term: Node | None) -> str:
    if term is None:
        return ""
    return shorten(str(term)) if isinstance(term, URIRef) else str(term.n3())


def _local(term: Node | None) -> str:
    return str(term or "").removeprefix(PREFIXES["sh"])


def _label(data: Graph, node: Node | None) -> str:
    labels: Iterable[Node] = [o for p in _LABELS for o in data.objects(node, p)]
    return str(next(iter(sorted(labels, key=_english_first)), ""))


def _english_first(term: Node) -> tuple[bool, str]:
    return (not (isinstance(term, RdfLiteral) and term.language == "en"), str(term))


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
