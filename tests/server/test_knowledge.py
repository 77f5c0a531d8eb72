"""The knowledge is found, its sources are read, and every mistake has a place."""

from __future__ import annotations

from pathlib import Path

import pytest

from peninsula.errors import InvalidSource, OperatorError
from peninsula.knowledge import CATALOG, ONTOLOGY, Knowledge, find_knowledge, parse_turtle
from peninsula.namespaces import expand

from .conftest import ROOT


def test_the_repository_is_found_first() -> None:
    assert find_knowledge().root == ROOT


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"manifest\.ttl is missing"):
        find_knowledge(tmp_path)


def test_sources_have_graph_title_and_files(knowledge: Knowledge) -> None:
    by_graph = {source.graph: source for source in knowledge.sources}
    assert set(by_graph) == {CATALOG, ONTOLOGY, expand("graph:scene")}
    scene = by_graph[expand("graph:scene")]
    assert scene.title == "Small scene"
    assert [path.name for path in scene.files] == ["summits.ttl"]
    assert by_graph[CATALOG].files == (knowledge.manifest,)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("data/scene/>", "data/nowhere/>", r"manifest\.ttl: .*graph/scene.* no \*\.ttl file"),
        ("dcterms:license", "dcterms:rights", r"has no dcterms:license"),
        ("graph:catalog", "graph:other", "graph:catalog is missing"),
        ("void:dataDump <", "void:dataDump ", r"manifest\.ttl:\d+: "),
    ],
)
def test_a_broken_manifest_is_told(copy: Path, old: str, new: str, words: str) -> None:
    manifest = copy / "data" / "manifest.ttl"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidSource, match=words):
        _ = find_knowledge(copy).sources


def test_malformed_turtle_is_told_with_line_and_remedy(copy: Path) -> None:
    path = copy / "data" / "scene" / "summits.ttl"
    path.write_text(path.read_text(encoding="utf-8") + "\nevent:x foo:y 1 .\n", encoding="utf-8")
    line = len(path.read_text(encoding="utf-8").splitlines())
    with pytest.raises(InvalidSource, match=rf"summits\.ttl:{line}: .*foo:.*Mend"):
        list(parse_turtle(path))


@pytest.mark.parametrize(
    "changed", ["data/scene/summits.ttl", "queries/summits.rq", "ontology/shapes/events.shapes.ttl"]
)
def test_the_fingerprint_changes_with_every_file(copy: Path, changed: str) -> None:
    before = find_knowledge(copy).fingerprint()
    assert find_knowledge(copy).fingerprint() == before
    with (copy / changed).open("a", encoding="utf-8") as file:
        file.write("# a remark\n")
    assert find_knowledge(copy).fingerprint() != before
