"""A report in every form says the same, and travels between processes unchanged."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pyoxigraph as ox
import pytest
from rdflib import Graph, URIRef

from peninsula.namespaces import PREFIXES, expand
from peninsula.shacl.model import read_model
from peninsula.shacl.rendering import RENDERINGS, REPORT_FORMATS
from peninsula.shacl.report import Mend, ValidationReport, ValidationResult
from peninsula.shacl.validation import to_graph
from peninsula.submission import judge_delta, split

HEAD = f"PREFIX sh: <{PREFIXES['sh']}> PREFIX ex: <http://example.org/> PREFIX rdfs: <{PREFIXES['rdfs']}>\n"
SHAPES = (
    HEAD
    + """
ex:S a sh:NodeShape ; sh:targetClass ex:C ;
  sh:property ex:S-p , [ sh:path [ sh:inversePath ex:q ] ; sh:nodeKind sh:IRI ; sh:severity sh:Warning ] .
ex:S-p sh:path ex:p ; sh:minCount 1 ; sh:name "the p"@en ; sh:message "Give it a <p>."@en .
ex:Nothing a sh:NodeShape ; sh:targetClass ex:D .
"""
)
DATA = HEAD + 'ex:x a ex:C ; rdfs:label "X & Co"@en . [] ex:q ex:x . ex:y a ex:C ; ex:p 1 .'


def parse(text: str) -> list[ox.Quad]:
    return list(ox.parse(text.encode(), format=ox.RdfFormat.TURTLE))


@pytest.fixture(scope="module")
def report() -> ValidationReport:
    store = ox.Store()
    store.extend(parse(DATA))
    found = judge_delta(store, read_model(to_graph(parse(SHAPES))), None)
    mend = Mend("Add a p", "INSERT DATA { <x:a> <x:b> 1 }", "A <x:a> <x:b> 1 .")
    return replace(
        found.map(lambda r: replace(r, file="a b.ttl", line=7, mends=(mend,))), seconds=0.25
    )


def test_it_says_how_much_was_looked_at(report: ValidationReport) -> None:
    assert report.targets == {"http://example.org/Nothing": 0, "http://example.org/S": 2}
    assert report.unmatched == ["http://example.org/Nothing"]
    assert report.judged == 1
    assert report.coverage == "2 focus nodes of 1 shape in 0.25 s; 1 others matched nothing."


def test_a_shape_without_a_name_is_called_after_its_owner(report: ValidationReport) -> None:
    violation, warning = report.results
    assert violation.shape_label == "the p"
    assert warning.source_shape == "http://example.org/S/^http://example.org/q"
    assert warning.path_term == "^<http://example.org/q>"


def test_data_that_no_shape_is_about_are_told_so() -> None:
    store = ox.Store()
    found = judge_delta(store, read_model(to_graph(parse(SHAPES))), None)
    assert found.conforms
    assert "Vacuous: none of 2 shapes" in RENDERINGS["text"](found)


def test_it_travels_as_plain_values(report: ValidationReport) -> None:
    told = json.loads(json.dumps(report.to_json()))
    again = ValidationReport.from_json({**told, "unknown": 1})
    assert again.results == report.results
    assert again.to_json() == report.to_json()
    assert len(again.graph) == len(report.graph)
    assert ValidationReport.from_json({}).conforms


def test_text_begins_each_result_with_its_place(report: ValidationReport) -> None:
    text = RENDERINGS["text"](report)
    assert text.startswith(
        "a b.ttl:7: Violation: http://example.org/x “X & Co”\n  Give it a <p>.\n"
    )
    assert "  mend: Add a p\n    INSERT DATA" in text
    assert text.endswith("\nDoes not conform: 1 violation, 1 warning.\n")


def test_json_and_csv_say_the_same(report: ValidationReport) -> None:
    document = json.loads(RENDERINGS["json"](report))
    rows = list(csv.DictReader(io.StringIO(RENDERINGS["csv"](report))))
    assert [r["focus_node"] for r in document["results"]] == [r["focus_node"] for r in rows]
    assert document["results"][0]["mends"][0]["update"].startswith("INSERT")
    assert (rows[0]["file"], rows[0]["line"], rows[0]["mend"]) == ("a b.ttl", "7", "Add a p")


def test_sarif_has_a_rule_a_shape_and_a_location_a_result(report: ValidationReport) -> None:
    log = json.loads(RENDERINGS["sarif"](report))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [r.source_shape for r in report.results]
    first, second = run["results"]
    assert (first["level"], second["level"]) == ("error", "warning")
    assert rules[first["ruleIndex"]]["id"] == first["ruleId"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.ttl"}, "region": {"startLine": 7},
    }  # fmt: skip


def test_html_escapes_what_it_shows(report: ValidationReport) -> None:
    page = RENDERINGS["html"](report)
    assert "Give it a &lt;p&gt;." in page
    assert "X &amp; Co" in page


@pytest.mark.parametrize("name", ["turtle", "ntriples", "jsonld", "rdfxml"])
def test_the_graph_of_shacl_is_written_in_every_format(report: ValidationReport, name: str) -> None:
    format = next(f for f in REPORT_FORMATS if f.name == name)
    assert isinstance(format.engine, ox.RdfFormat)
    quads = list(ox.parse(RENDERINGS[name](report).encode(), format=format.engine))
    assert len(quads) == len(report.graph)
    assert sum(q.predicate.value == expand("sh:result") for q in quads) == 2


def test_every_format_on_offer_can_be_written(report: ValidationReport) -> None:
    assert {format.name for format in REPORT_FORMATS} == set(RENDERINGS)
    assert all(write(report) for write in RENDERINGS.values())


def conforms(graph: Graph) -> list[str]:
    return [str(o) for o in graph.objects(None, URIRef(expand("sh:conforms")))]


def test_a_part_of_a_report_is_a_report(report: ValidationReport) -> None:
    part = report.only(r for r in report.results if r.severity == "Warning")
    assert part.conforms
    assert conforms(part.graph) == ["true"]
    assert conforms(report.graph) == ["false"]
    assert len(list(part.graph.objects(None, URIRef(expand("sh:result"))))) == 1
    assert len(part.graph) < len(report.graph)


@pytest.mark.parametrize("before", ["", None])
def test_findings_become_results(report: ValidationReport, before: str | None) -> None:
    kept, findings = split(parse(f"<{expand('pen:Summit')}> a <x:C> . <x:a> <x:b> 1 ."))
    assert len(kept) == 1
    whole = (report if before is None else ValidationReport((), before)).including(findings)
    assert not whole.conforms
    assert conforms(whole.graph) == ["false"]
    nodes = [str(o) for o in whole.graph.objects(None, URIRef(expand("sh:focusNode")))]
    assert nodes.count(expand("pen:Summit")) == 1
    assert isinstance(whole.results[-1], ValidationResult)
