"""Is what ships free of contradictions, by OWL 2 RL always and by OWL 2 DL where Java is present?

``inconsistent/<rule>.ttl`` contradicts itself in the way of one rule, and its first line names
the things concerned.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import time
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula import inference
from peninsula.namespaces import PREFIXES, expand, shorten
from peninsula.turtle import format_turtle

from .conftest import HERE, expected, read

BAD = sorted((HERE / "inconsistent").iterdir())
SPEC = importlib.util.find_spec("owlready2")
HERMIT = Path(SPEC.origin).parent / "hermit" if SPEC and SPEC.origin else None
JAVA = shutil.which("java")
CLASH = """
PREFIX pen: <https://w3id.org/peninsula/ns#>
PREFIX event: <https://w3id.org/peninsula/id/event/>
event:clash a pen:Summit , pen:PlannedEvent .
"""
EMPTY_CLASS = """
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX pen: <https://w3id.org/peninsula/ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
pen:PlannedSummit a owl:Class ; rdfs:subClassOf pen:Summit , pen:PlannedEvent .
"""


def parse(text: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]


# --- OWL 2 RL ---------------------------------------------------------------------------


def test_what_ships_is_consistent(closure: inference.Closure) -> None:
    assert [f"{found.rule}: {found.message}" for found in inference.inconsistencies(closure)] == []


def test_what_ships_is_closed_in_seconds(knowledge_quads: list[ox.Quad]) -> None:
    start = time.monotonic()
    inference.inconsistencies(quad.triple for quad in knowledge_quads)
    assert time.monotonic() - start < 30


def test_every_rule_has_an_inconsistent_example() -> None:
    assert [path.stem for path in BAD] == sorted(inference.CONTRADICTIONS)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_rule_catches_its_inconsistent_example(path: Path) -> None:
    found = inference.inconsistencies(quad.triple for quad in read(path, "ontology"))
    assert sorted({f.term for f in found if f.rule == path.stem}) == expected(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_inconsistent_example_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_turtle(text) == text


def test_a_summit_that_is_also_planned_is_caught(ontology_quads: list[ox.Quad]) -> None:
    found = inference.inconsistencies([*(quad.triple for quad in ontology_quads), *parse(CLASH)])
    assert {(f.rule, f.term) for f in found} <= {
        ("cax-adc", "event:clash"),
        ("cax-dw", "event:clash"),
    }
    assert found


# --- OWL 2 DL ---------------------------------------------------------------------------


def test_every_property_and_class_in_use_is_declared(knowledge_quads: list[ox.Quad]) -> None:
    """OWL 2 DL asks for it: an undeclared property is neither of objects nor of data."""
    builtin = tuple(PREFIXES[prefix] for prefix in ("rdf", "rdfs", "owl", "xsd"))
    kind, classes, properties = expand("rdf:type"), set(), set()
    declarations: dict[str, set[str]] = {}
    for quad in knowledge_quads:
        properties.add(quad.predicate.value)
        if quad.predicate.value == kind and isinstance(quad.object, ox.NamedNode):
            classes.add(quad.object.value)
            if isinstance(quad.subject, ox.NamedNode):
                declarations.setdefault(shorten(quad.object.value), set()).add(quad.subject.value)
    declared = set.union(
        *(
            declarations[f"owl:{p}"]
            for p in ("ObjectProperty", "DatatypeProperty", "AnnotationProperty")
        )
    )
    assert sorted(p for p in properties - declared if not p.startswith(builtin)) == []
    assert sorted(c for c in classes - declarations["owl:Class"] if not c.startswith(builtin)) == []


def test_no_term_is_of_two_kinds(knowledge_quads: list[ox.Quad]) -> None:
    """OWL 2 DL forbids a property of objects and of data; also in the excerpts of others."""
    kinds: dict[str, set[str]] = {}
    for quad in knowledge_quads:
        if (
            quad.predicate.value == expand("rdf:type")
            and isinstance(quad.object, ox.NamedNode)
            and isinstance(quad.subject, ox.NamedNode)
        ):
            kinds.setdefault(shorten(quad.object.value), set()).add(quad.subject.value)
    names = [
        "owl:Class",
        "owl:ObjectProperty",
        "owl:DatatypeProperty",
        "owl:AnnotationProperty",
        "rdfs:Datatype",
    ]
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            assert kinds.get(one, set()) & kinds.get(other, set()) == set(), (one, other)


def hermit(triples: list[ox.Triple], folder: Path, option: str) -> str:
    """Return what HermiT prints about a graph; its imports are in it, so none is fetched."""
    if JAVA is None:
        pytest.skip("there is no java on PATH, which HermiT needs")
    if HERMIT is None or not (HERMIT / "HermiT.jar").exists():
        pytest.skip("owlready2, which brings HermiT, is not installed")
    headers = {expand(f"owl:{name}") for name in ("imports", "versionIRI", "versionInfo")}
    path = folder / "merged.nt"
    kept = (triple for triple in triples if triple.predicate.value not in headers)
    ox.serialize(kept, str(path), format=ox.RdfFormat.N_TRIPLES)
    classpath = f"{HERMIT}:{HERMIT / 'HermiT.jar'}"
    command = [
        JAVA,
        "-Xmx2000M",
        "-cp",
        classpath,
        "org.semanticweb.HermiT.cli.CommandLine",
        option,
        "--ignoreUnsupportedDatatypes",
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout + done.stderr


def test_hermit_finds_what_ships_consistent(knowledge_quads: list[ox.Quad], tmp_path: Path) -> None:
    output = hermit([quad.triple for quad in knowledge_quads], tmp_path, "--consistency")
    assert "is satisfiable" in output, output


def test_hermit_finds_a_clash_that_was_added(
    knowledge_quads: list[ox.Quad], tmp_path: Path
) -> None:
    output = hermit(
        [*(quad.triple for quad in knowledge_quads), *parse(CLASH)], tmp_path, "--consistency"
    )
    assert "Inconsistent ontology" in output, output


def test_hermit_finds_no_class_that_must_be_empty(
    ontology_quads: list[ox.Quad], tmp_path: Path
) -> None:
    output = hermit([quad.triple for quad in ontology_quads], tmp_path, "--unsatisfiable")
    assert "owl:Nothing" in output, output
    assert PREFIXES["pen"] not in output, output


def test_hermit_finds_an_empty_class_that_was_added(
    ontology_quads: list[ox.Quad], tmp_path: Path
) -> None:
    output = hermit(
        [*(quad.triple for quad in ontology_quads), *parse(EMPTY_CLASS)],
        tmp_path,
        "--unsatisfiable",
    )
    assert "PlannedSummit" in output, output
