"""Files of a curator are judged beside the graph, in place, or alone, with lines."""

from __future__ import annotations

import json
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.cli import main
from peninsula.errors import InvalidShapes
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.namespaces import PREFIXES, expand
from peninsula.shacl.report import ValidationReport
from peninsula.submission import find_queries, split_file, validate_files

HEAD = "".join(f"PREFIX {name}: <{PREFIXES[name]}>\n" for name in ("pen", "event", "place", "xsd"))
FIRST = len(HEAD.splitlines()) + 1
GOOD = 'event:new a pen:Summit ; pen:from "2020-01-01"^^xsd:date ; pen:takesPlaceAt place:hanoi .'
SHAPES = f"""PREFIX sh: <{PREFIXES["sh"]}>
<http://example.org/S> a sh:NodeShape ; sh:targetClass {"<" + expand("pen:Summit") + ">"} ;
  sh:property [ sh:path <http://example.org/p> ; sh:minCount 1 ] ."""


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Report no progress."""


def write(path: Path, text: str) -> Path:
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def places(report: ValidationReport) -> list[tuple[str, str, int]]:
    return [(r.focus_node, Path(r.file).name, r.line) for r in report.results]


def test_each_file_is_named_with_its_line(knowledge: Knowledge, tmp_path: Path) -> None:
    files = [
        write(tmp_path / "good.ttl", GOOD),
        write(tmp_path / "bad.ttl", "\nevent:bad a pen:Summit ;\n  pen:takesPlaceAt place:hanoi ."),
    ]
    report = validate_files(knowledge, files, quiet)
    assert places(report) == [("event:bad", "bad.ttl", FIRST + 1)]
    assert report.focus_nodes == 2
    assert report.seconds is not None


def test_only_what_the_file_can_affect_is_judged(copy: Path, tmp_path: Path) -> None:
    scene = copy / "data" / "scene" / "summits.ttl"
    # A violation of before, in another place.
    text = scene.read_text(encoding="utf-8").replace(
        'pen:from "2019-04-25"', 'pen:form "2019-04-25"'
    )
    scene.write_text(text, encoding="utf-8")
    report = validate_files(find_knowledge(copy), [write(tmp_path / "new.ttl", GOOD)], quiet)
    assert report.conforms
    assert report.targets == {"pensh:SummitShape": 1}


def test_a_file_of_the_knowledge_is_judged_where_it_stands(copy: Path) -> None:
    scene = copy / "data" / "scene" / "summits.ttl"
    text = scene.read_text(encoding="utf-8")
    scene.write_text(
        text.replace("place:hanoi\n    a pen:Place ;", "place:hanoi\n    a pen:Town ;"), "utf-8"
    )
    report = validate_files(find_knowledge(copy), [scene], quiet)
    line = next(n for n, t in enumerate(text.splitlines(), 1) if "takesPlaceAt place:hanoi" in t)
    assert places(report) == [("event:hanoi", "summits.ttl", line)]


def test_what_a_changed_shape_finds_elsewhere_is_told_with_its_place(copy: Path) -> None:
    shapes = copy / "ontology" / "shapes" / "events.shapes.ttl"
    text = shapes.read_text(encoding="utf-8").replace("sh:maxCount 1 ;", "sh:minLength 11 ;")
    shapes.write_text(text, encoding="utf-8")
    report = validate_files(find_knowledge(copy), [shapes], quiet)
    assert {name for _, name, _ in places(report)} == {"summits.ttl"}
    assert all(line for _, _, line in places(report))
    assert report.violations == 2


def test_shapes_of_a_file_take_the_place_of_ours(knowledge: Knowledge, tmp_path: Path) -> None:
    shapes = tmp_path / "own.ttl"
    shapes.write_text(SHAPES, encoding="utf-8")
    file = write(tmp_path / "new.ttl", "event:new a pen:Summit .")
    report = validate_files(knowledge, [file], quiet, shapes=shapes, alone=True)
    assert [(r.path, r.constraint_component) for r in report.results] == [
        ("http://example.org/p", "MinCountConstraintComponent")
    ]
    shapes.write_text(SHAPES.replace("minCount", "minCout"), encoding="utf-8")
    with pytest.raises(InvalidShapes, match=r"own\.ttl:3: sh:minCout is no term"):
        validate_files(knowledge, [file], quiet, shapes=shapes)


def test_a_submission_leaves_the_ontology_as_it_is(knowledge: Knowledge, tmp_path: Path) -> None:
    file = write(tmp_path / "new.ttl", f"pen:Summit a pen:Place .\n{GOOD}")
    report = validate_files(knowledge, [file], quiet)
    assert places(report) == [("pen:Summit", "new.ttl", FIRST)]
    assert "belongs to the ontology" in report.results[0].message
    assert not report.conforms
    into = validate_files(
        knowledge, [write(file, GOOD)], quiet, graph="https://w3id.org/peninsula/graph/ontology"
    )
    assert len(into.results) == 3


def test_many_such_statements_are_told_in_few_words(tmp_path: Path) -> None:
    whole = tmp_path / "whole.nq"
    lines = [f'<{expand("pen:x")}{n}> <x:p> "1" .\n' for n in range(500)]
    kept = ['<x:s> <x:p> "<https://w3id.org/peninsula/ns#x" .\n',
            f"<x:s> <x:p> <{expand('graph:ontology')}> .\n"]  # fmt: skip
    lines += kept
    lines.append(f"<x:s> <x:p> <x:o> <{expand('graph:ontology')}> .\n")
    whole.write_text("".join(lines), encoding="utf-8")
    count, findings = split_file(whole, tmp_path / "kept.nq")
    # An object that names the graph looks like its name at the end of a line.
    assert count == 2
    assert (tmp_path / "kept.nq").read_text(encoding="utf-8") == "".join(kept)
    assert len(findings) == 100
    assert "There are 501 such statements." in findings[0].message


@pytest.mark.parametrize(
    ("turtle", "found"),
    [
        ("<x:s> sh:sparql [ sh:select '' ]", {"sh:sparql", "sh:select"}),
        ("<x:s> a sh:SPARQLTarget", {"sh:SPARQLTarget"}),
        ("<x:s> a <x:C> . <x:C> <x:sub> sh:ConstraintComponent", {"sh:ConstraintComponent"}),
        ("<x:s> sh:pattern 'sh:select' ; sh:path <x:select>", set()),
    ],
)
def test_queries_in_shapes_are_found(turtle: str, found: set[str]) -> None:
    quads = ox.parse(
        f"PREFIX sh: <{PREFIXES['sh']}> {turtle} .".encode(), format=ox.RdfFormat.TURTLE
    )
    assert set(find_queries(quads)) == found


# On the command line.


@pytest.mark.parametrize(
    "format", ["text", "json", "csv", "sarif", "html", "turtle", "ntriples", "jsonld", "rdfxml"]
)
def test_the_command_writes_every_format(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    file = write(tmp_path / "new.ttl", "event:new a pen:Summit .")
    code = main(["validate", str(file), "--knowledge", str(copy), "--format", format])
    out, err = capsys.readouterr()
    assert code == 1
    assert "A summit has one first day" in out
    assert "Validating" in err
    if format in {"json", "sarif"}:
        assert json.loads(out)


def test_the_command_tells_an_editor_where_to_jump(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "new.ttl", "event:new a pen:Summit .")
    assert main(["validate", "new.ttl", "--knowledge", str(copy)]) == 1
    assert capsys.readouterr().out.startswith(f"new.ttl:{FIRST}: Violation: event:new\n")
    assert main(["validate", "new.ttl", "--knowledge", str(copy), "--graph", "no where"]) == 2
    assert main(["validate", "new.ttl", "--knowledge", str(copy), "--shapes", "no.ttl"]) == 2


def test_a_mend_that_works_is_told(knowledge: Knowledge, tmp_path: Path) -> None:
    text = 'event:new a pen:Summit ; pen:from "2020-1-1"^^xsd:date ; pen:takesPlaceAt place:hanoi .'
    report = validate_files(knowledge, [write(tmp_path / "new.ttl", text)], quiet)
    (result,) = report.results
    assert any('"2020-01-01"' in mend.update for mend in result.mends)
