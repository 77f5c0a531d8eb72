"""Documentation of the ontology: what each word means, and how it is used."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.dataset.local import LocalDataset
from peninsula.documentation import Branch, Described, Documentation, document_terms
from peninsula.knowledge import ONTOLOGY, find_knowledge, parse_turtle
from peninsula.library import Library
from peninsula.loading import Loaded
from peninsula.policy import Policy
from peninsula.rules import read_rules

from .conftest import BROWSER, ROOT


@pytest.fixture(scope="module")
def words(loaded: Loaded) -> LocalDataset:
    """Return the shipped ontology beside the things of the small scene."""
    graph = ox.NamedNode(ONTOLOGY)
    source = next(s for s in find_knowledge(ROOT).sources if s.graph == ONTOLOGY)
    store = ox.Store()
    store.extend(q for q in loaded.stated if q.graph_name != graph)
    for path in source.files:
        store.extend(ox.Quad(q.subject, q.predicate, q.object, graph) for q in parse_turtle(path))
    return LocalDataset(store, Policy())


@pytest.fixture(scope="module")
def about(words: LocalDataset, library: Library) -> Documentation:
    return document_terms(words, "en", library, find_knowledge(ROOT).shapes)


def find(about: Documentation, name: str) -> Described:
    terms = [t for m in about.modules for t in (*m.classes, *m.properties) if t.name == name]
    assert len(terms) == 1, f"{name} is described {len(terms)} times"
    return terms[0]


def test_every_term_of_the_ontology_is_described_once(
    about: Documentation, words: LocalDataset
) -> None:
    declared = {
        quad.subject.value
        for quad in words.statements(ONTOLOGY)
        if isinstance(quad.subject, ox.NamedNode) and quad.predicate.value.endswith("#isDefinedBy")
    }
    described = [t.iri for m in about.modules for t in (*m.classes, *m.properties)]
    assert declared
    assert sorted(described) == sorted(declared)
    assert about.term_count == len(declared)


def test_a_class_tells_its_place_its_use_and_its_rules(about: Documentation) -> None:
    summit = find(about, "pen:Summit")
    assert summit.is_class and summit.anchor == "Summit"
    assert "pen:Meeting" in {name.name for name in summit.above}
    assert summit.count == 2 and len(summit.samples) == 2
    assert summit.definition
    meeting = find(about, "pen:Meeting")
    assert "pen:Summit" in {name.name for name in meeting.below}


def test_a_property_tells_between_what_it_stands(about: Documentation) -> None:
    property = find(about, "pen:takesPlaceAt")
    assert not property.is_class
    assert "pen:Event" in {name.name for name in property.domain}
    assert property.count > 0
    event = find(about, "pen:Event")
    assert "pen:takesPlaceAt" in {name.name for name in event.properties}


def test_the_tree_holds_every_class_below_its_parents(about: Documentation) -> None:
    def walk(branch: Branch) -> list[str]:
        return [branch.term.name, *(n for below in branch.branches for n in walk(below))]

    names = {name for branch in about.tree for name in walk(branch)}
    assert names == {t.name for m in about.modules for t in m.classes}


def test_labels_are_in_the_language_asked_for(
    words: LocalDataset, library: Library, about: Documentation
) -> None:
    korean = find(document_terms(words, "ko", library, []), "pen:Summit")
    english = find(about, "pen:Summit")
    assert (("ko", korean.label)) in english.others
    assert (("en", english.label)) in korean.others


def test_a_vocabulary_keeps_its_hierarchy(about: Documentation) -> None:
    topics = next(v for v in about.vocabularies if v.iri.endswith("/topics"))
    below = [c for top in topics.top for c in top.narrower]
    assert below
    assert topics.count >= len(topics.top) + len(below)


def test_rules_are_told_with_their_severity(tmp_path: Path) -> None:
    path = tmp_path / "shapes.ttl"
    path.write_text(
        """
        PREFIX sh: <http://www.w3.org/ns/shacl#>
        PREFIX pen: <https://w3id.org/peninsula/ns#>
        <x:S> a sh:NodeShape ; sh:targetClass pen:Summit ; sh:message "A summit is whole."@en ;
            sh:property <x:P> ; sh:sparql <x:Q> .
        <x:P> sh:path pen:from ; sh:severity sh:Warning ; sh:message "It has a day."@en .
        <x:Q> sh:message "The day {?value} is past."@en .
        """,
        encoding="utf-8",
    )
    rules = read_rules((path,))["https://w3id.org/peninsula/ns#Summit"]
    assert [(r.text, r.severity, r.path) for r in rules] == [
        ("A summit is whole.", "Violation", ""),
        ("It has a day.", "Warning", "pen:from"),
        ("The day (value) is past.", "Violation", ""),
    ]


def test_without_an_ontology_there_is_nothing_to_describe(library: Library) -> None:
    empty = LocalDataset(ox.Store(), Policy())
    assert document_terms(empty, "en", library, []) == Documentation()


def test_the_page_has_an_anchor_for_every_term(
    client: FlaskClient, dataset: LocalDataset, library: Library
) -> None:
    page = client.get("/ns.html", headers=BROWSER).get_data(as_text=True)
    # No file of the scene claims them as its own: they stand together at the end.
    (module,) = document_terms(dataset, "en", library, []).modules
    assert module.classes and module.properties
    for term in (*module.classes, *module.properties):
        assert f'id="{term.anchor}"' in page
