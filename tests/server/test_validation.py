"""pySHACL judges graphs in memory; a report says what is wrong, where, and what mends it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyoxigraph as ox
import pytest
from rdflib import Graph, URIRef
from rdflib import Literal as RdfLiteral

from peninsula.errors import InvalidShapes, InvalidSource
from peninsula.knowledge import Knowledge
from peninsula.loading import Loaded, judge
from peninsula.namespaces import PREFIXES, expand
from peninsula.shacl.rendering import RENDERINGS
from peninsula.shacl.report import ValidationReport, path_text
from peninsula.shacl.shapes import read_shapes
from peninsula.shacl.validation import judge as judge_graph
from peninsula.shacl.validation import to_graph
from peninsula.shacl.view import DataGraph
from peninsula.submission import validate_files

HEAD = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
BAD = """event:bad a pen:Summit ; rdfs:label "Bad summit"@en ;
    pen:from "2019-02-30"^^xsd:date , "2018-01-01"^^xsd:date ; pen:until "2017-01-01"^^xsd:date ."""


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Report no progress."""


def read(turtle: str) -> DataGraph:
    return to_graph(ox.parse((HEAD + turtle).encode(), format=ox.RdfFormat.TURTLE))


@pytest.fixture(scope="session")
def shapes(knowledge: Knowledge, loaded: Loaded) -> DataGraph:
    return read_shapes(knowledge.shapes, loaded.ontology)


@pytest.fixture(scope="session")
def report(shapes: DataGraph) -> ValidationReport:
    return judge_graph(read(BAD), shapes)


def test_the_scene_conforms(knowledge: Knowledge, loaded: Loaded) -> None:
    report = judge(knowledge, loaded)
    assert report.conforms
    assert report.summary == "Conforms: 0 violations, 0 warnings."


def test_every_result_has_place_rule_and_remedy(report: ValidationReport) -> None:
    assert not report.conforms
    assert report.summary == "Does not conform: 3 violations, 1 warning."
    found = {(r.constraint_component, r.path, r.value): r for r in report.results}
    assert set(found) == {
        ("DatatypeConstraintComponent", "pen:from", '"2019-02-30"^^<' + expand("xsd:date") + ">"),
        ("MaxCountConstraintComponent", "pen:from", ""),
        ("SPARQLConstraintComponent", "", '"2017-01-01"^^<' + expand("xsd:date") + ">"),
        ("MinCountConstraintComponent", "pen:takesPlaceAt", ""),
    }
    first = report.results[0]
    assert (first.focus_node, first.label) == ("event:bad", "Bad summit")
    assert first.source_shape.startswith("pensh:SummitShape")
    assert [r.severity for r in report.results] == ["Violation"] * 3 + ["Warning"]
    assert "Give it a pen:takesPlaceAt." in report.results[3].message


def test_an_ill_typed_literal_is_reported_and_not_repaired() -> None:
    graph = read('event:x pen:from "2019-2-3"^^xsd:date , "01"^^xsd:integer .')
    assert sorted(str(o) for o in graph.objects()) == ["01", "2019-2-3"]
    assert all(isinstance(o, RdfLiteral) and o.datatype for o in graph.objects())


def test_a_warning_alone_conforms(shapes: DataGraph) -> None:
    report = judge_graph(read('event:x a pen:Summit ; pen:from "2019-02-03"^^xsd:date .'), shapes)
    assert report.conforms
    assert report.warnings == 1


def test_only_the_given_focus_nodes_are_judged(shapes: DataGraph) -> None:
    data = read(BAD + " event:other a pen:Summit .")
    only = [URIRef(expand("event:other"))]
    assert {r.focus_node for r in judge_graph(data, shapes, only).results} == {"event:other"}
    assert judge_graph(data, shapes, []).results == ()


def test_text_reads_like_a_good_compiler(report: ValidationReport) -> None:
    text = RENDERINGS["text"](report)
    assert "Violation: event:bad “Bad summit”\n  A summit has one first day." in text
    assert "rule pensh:SummitShape-from (MaxCountConstraintComponent)" in text
    assert text.endswith("Does not conform: 3 violations, 1 warning.\n")


def test_json_csv_and_turtle_say_the_same(report: ValidationReport) -> None:
    document = json.loads(RENDERINGS["json"](report))
    rows = list(csv.DictReader(io.StringIO(RENDERINGS["csv"](report))))
    assert document["conforms"] is False
    assert [r["focus_node"] for r in document["results"]] == [r["focus_node"] for r in rows]
    turtle = Graph().parse(data=RENDERINGS["turtle"](report), format="turtle")
    results = list(turtle.objects(None, URIRef(expand("sh:result"))))
    assert len(results) == len(rows) == 4


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pen:from", "pen:from"),
        ("[ sh:inversePath pen:from ]", "^pen:from"),
        ("( pen:from [ sh:inversePath pen:until ] )", "pen:from/^pen:until"),
        ("[ sh:alternativePath ( pen:from pen:until ) ]", "(pen:from|pen:until)"),
        ("[ sh:zeroOrMorePath pen:from ]", "pen:from*"),
        ("[ sh:oneOrMorePath [ sh:zeroOrOnePath pen:from ] ]", "pen:from?+"),
    ],
)
def test_paths_read_as_in_sparql(path: str, expected: str) -> None:
    graph = read(f"pensh:X sh:path {path} .")
    assert (
        path_text(graph, graph.value(URIRef(expand("pensh:X")), URIRef(expand("sh:path"))))
        == expected
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sh:minCount", "sh:minCout", r"shapes\.ttl:\d+: sh:minCout is no term .*sh:minCount"),
        ("sh:Warning", "sh:Warnin", r"sh:Warnin is no term of SHACL.*sh:Warning"),
        ("sh:path pen:from", "sh:path pen:form", r":\d+: pen:form is not declared.*pen:from"),
        ("targetClass pen:Summit", "targetClass pen:Sumit", r"pen:Sumit is not declared.*pen:Summit"),
        ("    pensh:SummitShape-from ,", "    pensh:SummitShape-frm ,", "described in no shapes file"),
        ("        pensh:SummitShape-from ,", "        pensh:SummitShape-frm ,", "described in no shapes"),
        ("FILTER(?value < ?from)", "FILTR(?value < ?from)", r":\d+: a SPARQL constraint cannot be read"),
        ("sh:minCount 1 ;", "sh:minCount 1 . ;", r"shapes\.ttl:\d+: "),
    ],
)  # fmt: skip
def test_a_shape_with_a_typo_is_told(
    copy: Path, loaded: Loaded, old: str, new: str, words: str
) -> None:
    path = copy / "ontology" / "shapes" / "events.shapes.ttl"
    text = path.read_text(encoding="utf-8")
    if old not in text:
        pytest.skip("another layout")
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises((InvalidShapes, InvalidSource), match=words):
        read_shapes([path], loaded.ontology)


def test_a_shape_that_pyshacl_cannot_use_is_told() -> None:
    shapes = read(
        "pensh:X a sh:NodeShape ; sh:targetClass pen:Summit ; sh:property pensh:Y . pensh:Y sh:minCount 1 ."
    )
    with pytest.raises(InvalidShapes, match="A shape cannot be used"):
        judge_graph(read("event:x a pen:Summit ."), shapes)


def test_files_are_judged_as_if_added(knowledge: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "new.ttl"
    # The place is known to the graph, not to the file.
    summit = (
        'event:new a pen:Summit ; pen:from "2020-01-01"^^xsd:date ; pen:takesPlaceAt place:hanoi .'
    )
    path.write_text(HEAD + summit, encoding="utf-8")
    assert not validate_files(knowledge, [path], quiet).results
    alone = validate_files(knowledge, [path], quiet, alone=True)
    assert [r.constraint_component for r in alone.results] == ["ClassConstraintComponent"]


def test_a_file_that_makes_something_known_wrong_is_told(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    path = tmp_path / "new.ttl"
    path.write_text(HEAD + 'event:hanoi pen:from "2019-02-26"^^xsd:date .', encoding="utf-8")
    report = validate_files(knowledge, [path], quiet)
    assert [r.constraint_component for r in report.results] == ["MaxCountConstraintComponent"]


def test_a_blank_node_is_judged(knowledge: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "new.ttl"
    path.write_text(HEAD + "[] a pen:Summit .", encoding="utf-8")
    assert not validate_files(knowledge, [path], quiet).conforms


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("new.docx", "", "ending of no RDF format"),
        ("missing.ttl", None, "no such file"),
        ("bad.ttl", "<a> <b> .", r"bad\.ttl:1: "),
        ("bad.jsonld", "{", r"bad\.jsonld"),
        ("bad.rdf", "<rdf", r"bad\.rdf"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    knowledge: Knowledge, tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InvalidSource, match=words):
        validate_files(knowledge, [tmp_path / name], quiet)
