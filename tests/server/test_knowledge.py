"""The knowledge is found, its sources are read, and every mistake has a place."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.errors import InvalidSource, OperatorError
from peninsula.knowledge import (
    CATALOG,
    ONTOLOGY,
    Knowledge,
    find_knowledge,
    parse_rdf,
    parse_turtle,
)
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


XML = """<?xml version="1.0"?>{doctype}
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="http://example.org/x"><rdf:value>{text}</rdf:value></rdf:Description>
</rdf:RDF>"""


def test_an_xml_file_with_a_doctype_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.rdf"
    doctype = '<!DOCTYPE rdf:RDF [<!ENTITY a "ha"> <!ENTITY b "&a;&a;&a;">]>'
    path.write_text(XML.format(doctype=doctype, text="&b;"), encoding="utf-8")
    with pytest.raises(InvalidSource, match=r"bomb\.rdf: a DOCTYPE is not allowed"):
        list(parse_rdf(path, ox.RdfFormat.RDF_XML))
    path.write_text(XML.format(doctype="", text="ha"), encoding="utf-8")
    assert len(list(parse_rdf(path, ox.RdfFormat.RDF_XML))) == 1


@pytest.mark.parametrize(
    ("depth", "text", "is_good"),
    [(10, "1", True), (4000, "1", False), (10, '"' + "[" * 4000 + '\\""', True)],
    ids=["shallow", "deep", "brackets in a string"],
)
def test_deeply_nested_json_is_refused(
    tmp_path: Path, depth: int, text: str, is_good: bool
) -> None:
    path = tmp_path / "deep.jsonld"
    nested = '{"http://example.org/p": ' * depth + text + "}" * depth
    path.write_text(nested, encoding="utf-8")
    if is_good:
        assert len(list(parse_rdf(path, ox.RdfFormat.JSON_LD))) == depth
    else:
        with pytest.raises(InvalidSource, match=r"deep\.jsonld: it is nested deeper than 200"):
            list(parse_rdf(path, ox.RdfFormat.JSON_LD))
