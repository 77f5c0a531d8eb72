"""In which forms can a validation report be written?

For a person (text, HTML), for an editor or a code host (text with ``file:line:``, SARIF 2.1.0), for
a program (JSON, CSV), and as the graph that SHACL defines, in any RDF format.
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import quote

import pyoxigraph as ox
from rdflib import Graph

from peninsula import __version__
from peninsula.formats import (
    CSV,
    HTML,
    JSONLD,
    NTRIPLES,
    PLAIN_JSON,
    RDFXML,
    TURTLE,
    Format,
)
from peninsula.namespaces import BASE, PREFIXES
from peninsula.serialization import write_csv, write_to_bytes
from peninsula.shacl.report import ValidationReport, ValidationResult

TEXT: Final = Format("text", "text/plain", "txt", "Text")
SARIF: Final = Format("sarif", "application/sarif+json", "sarif", "SARIF")
#: In order of preference; N-Triples comes after text, as both answer to text/plain.
REPORT_FORMATS: Final = (PLAIN_JSON, TEXT, TURTLE, JSONLD, NTRIPLES, RDFXML, CSV, SARIF, HTML)

#: Columns of the table, by the names of JSON.
_COLUMNS: Final = (
    "severity", "focus_node", "label", "path", "value", "message", "source_shape",
    "constraint_component", "shape_label", "file", "line",
)  # fmt: skip
_LEVELS: Final = {"Violation": "error", "Warning": "warning", "Info": "note"}
_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def to_text(report: ValidationReport) -> str:
    """Return the report for a terminal: a block a result, most severe first."""
    blocks = [_block(result) for result in report.results]
    lines = [*blocks, *filter(None, [report.coverage, changes(report)]), report.summary]
    return "\n".join(lines) + "\n"


def place_of(result: ValidationResult) -> str:
    """Return ``file:line:`` as editors understand it, as far as it is known."""
    if result.file:
        return f"{result.file}:{result.line}:" if result.line else f"{result.file}:"
    return f"line {result.line}:" if result.line else ""


def changes(report: ValidationReport) -> str:
    """Return what a change does to the violations of before it, in a line, if anything."""
    told = []
    if report.cured:
        told.append(f"{report.cured} that were there before are mended")
    if report.debt:
        told.append(f"{report.debt} that were there before stay")
    return f"Of the violations, {' and '.join(told)}." if told else ""


def _block(result: ValidationResult) -> str:
    heading = f"{result.severity}: {result.focus_node}"
    if result.label:
        heading += f" “{result.label}”"
    lines = [f"{place_of(result)} {heading}".lstrip(), f"  {_one_line(result.message)}"]
    lines.append(f"  {' · '.join(f'{name} {text}' for name, text in details(result))}")
    for mend in result.mends:
        lines.append(f"  mend: {mend.title}")
        lines += [f"    {line}" for line in (mend.update or mend.patch).splitlines()]
    return "\n".join([*lines, ""])


def details(result: ValidationResult) -> list[tuple[str, str]]:
    """Return path, value and rule, by these names, as far as there is something to say."""
    shape = f" “{result.shape_label}”" if result.shape_label else ""
    pairs = (
        ("path", result.path),
        ("value", result.value if result.value != result.focus_node else ""),
        ("rule", f"{result.source_shape}{shape} ({result.constraint_component})"),
    )
    return [(name, text) for name, text in pairs if text]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def to_json(report: ValidationReport) -> str:
    """Return the report as a JSON document."""
    document = report.to_json(with_graph=False)
    for result in document["results"]:
        result.pop("node")
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def to_csv(report: ValidationReport) -> str:
    """Return the report as a table, a row a result."""
    rows: list[list[object]] = [[*_COLUMNS, "mend"]]
    for result in report.results:
        mends = "; ".join(mend.title for mend in result.mends)
        rows.append([*(getattr(result, name) or "" for name in _COLUMNS), mends])
    return write_csv(rows)


def to_sarif(report: ValidationReport) -> str:
    """Return the report as SARIF: a rule a shape, a location where file and line are known."""
    rules: dict[str, dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    for result in report.results:
        if result.source_shape not in rules:
            numbers[result.source_shape] = len(rules)
            rules[result.source_shape] = _rule(result)
    run = {
        "tool": {
            "driver": {
                "name": "peninsula",
                "semanticVersion": __version__,
                "informationUri": BASE,
                "rules": list(rules.values()),
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [_sarif_result(r, numbers[r.source_shape]) for r in report.results],
        "properties": {
            "conforms": report.conforms,
            "focusNodes": report.focus_nodes,
            "unmatchedShapes": report.unmatched,
        },
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _rule(result: ValidationResult) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": result.source_shape,
        "shortDescription": {"text": result.shape_label or result.source_shape},
        "fullDescription": {"text": result.message},
        "defaultConfiguration": {"level": _LEVELS.get(result.severity, "note")},
    }
    if result.shape_term.startswith("<http"):
        rule["helpUri"] = quote(result.shape_term[1:-1], safe="/:#?&=%@!$'()*+,;~[]")
    return rule


def _sarif_result(result: ValidationResult, number: int) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [{"name": result.label or result.focus_node,
                              "fullyQualifiedName": result.focus_term, "kind": "resource"}],
    }  # fmt: skip
    if result.file:
        where: dict[str, Any] = {"artifactLocation": {"uri": quote(result.file)}}
        if result.line:
            where["region"] = {"startLine": result.line}
        location["physicalLocation"] = where
    about = f"{result.focus_node} “{result.label}”" if result.label else result.focus_node
    return {
        "ruleId": result.source_shape,
        "ruleIndex": number,
        "level": _LEVELS.get(result.severity, "note"),
        "message": {"text": f"{about}: {result.message}"},
        "locations": [location],
        "properties": {
            "path": result.path_term,
            "value": result.value_term,
            "constraintComponent": result.constraint_component,
            "mends": [mend.title for mend in result.mends],
        },
    }


def to_html(report: ValidationReport) -> str:
    """Return the report as a page that needs nothing else."""
    verdict = "" if report.conforms else " class=bad"
    remarks = "".join(
        f"<p>{escape(line)}</p>\n" for line in (report.coverage, changes(report)) if line
    )
    items = "".join(map(_item, report.results))
    unmatched = ""
    if report.unmatched:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in report.unmatched)
        unmatched = (
            f"<details><summary>Shapes that matched nothing</summary><p>{names}</p></details>\n"
        )
    return (
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
        f"<title>{escape(report.summary)}</title>\n"
        f"<style>{_STYLE}</style>\n<h1{verdict}>{escape(report.summary)}</h1>\n{remarks}"
        f"<ol>\n{items}</ol>\n{unmatched}</html>\n"
    )


_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.3rem;color:#1b5e20}h1.bad{color:#9b2226}li{margin:0 0 1.2rem}"
    "li p{margin:.1rem 0}.rule{color:#55616e;font-size:.9rem}pre{overflow:auto;background:#f2efe7}"
)


def _item(result: ValidationResult) -> str:
    place = place_of(result)
    where = f" <code>{escape(place.rstrip(':'))}</code>" if place else ""
    label = f" “{escape(result.label)}”" if result.label else ""
    told = " · ".join(f"{name} <code>{escape(text)}</code>" for name, text in details(result))
    mends = "".join(
        f"<details><summary>{escape(mend.title)}</summary><pre>"
        f"{escape(mend.update or mend.patch)}</pre></details>"
        for mend in result.mends
    )
    return (
        f"<li><p><b>{escape(result.severity)}</b> <code>{escape(result.focus_node)}</code>{label}"
        f"{where}</p><p>{escape(result.message)}</p><p class=rule>{told}</p>{mends}</li>\n"
    )


def to_turtle(report: ValidationReport) -> str:
    """Return the report in the terms of SHACL, a result in one piece."""
    graph = Graph(bind_namespaces="none")
    graph += report.graph
    for prefix, iri in PREFIXES.items():
        graph.bind(prefix, iri, override=True, replace=True)
    return graph.serialize(format="turtle")


def _in_rdf(format: Format) -> Callable[[ValidationReport], str]:
    def write(report: ValidationReport) -> str:
        quads = ox.parse(report.ntriples, format=ox.RdfFormat.N_TRIPLES)
        ordered = sorted(quads, key=lambda quad: (str(quad.subject), str(quad.predicate)))
        return write_to_bytes(ordered, format).decode()

    return write


#: Short name of a format -> what writes a report in it.
RENDERINGS: Final[Mapping[str, Callable[[ValidationReport], str]]] = {
    "text": to_text,
    "json": to_json,
    "csv": to_csv,
    "sarif": to_sarif,
    "html": to_html,
    "turtle": to_turtle,
    **{format.name: _in_rdf(format) for format in (NTRIPLES, JSONLD, RDFXML)},
}
