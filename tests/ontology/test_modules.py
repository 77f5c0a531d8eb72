"""Do the files of the ontology fit together, each doing one thing?"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.namespaces import BASE, CONCEPT_SCHEMES, PREFIXES, expand, shorten
from peninsula.turtle import format_turtle

from .conftest import ROOT

FOLDER = ROOT / "ontology"
MODULES = sorted(FOLDER.glob("*.ttl"))
IMPORTS = sorted((FOLDER / "imports").glob("*.ttl"))
VOCABULARIES = sorted((FOLDER / "vocabularies").glob("*.ttl"))
SEED = ROOT.parent / "shared" / "seed"
ENTRY = f"{BASE}ontology"
DECLARATIONS = {
    expand(f"owl:{kind}")
    for kind in ("Class", "ObjectProperty", "DatatypeProperty", "AnnotationProperty")
}
PARENTS_ONLY = {
    "security", "diplomacy", "multilateral-talks", "korean-question", "bilateral-relations",
    "international-standing", "national-policies",
}  # fmt: skip


@cache
def triples(path: Path) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE)]


def values(path: Path, subject: str, predicate: str) -> list[str]:
    """Return what a file says of a subject, as text."""
    s, p = ox.NamedNode(subject), ox.NamedNode(expand(predicate))
    return sorted(
        str(getattr(t.object, "value", t.object))
        for t in triples(path)
        if t.subject == s and t.predicate == p
    )


def module_iri(path: Path) -> str:
    return ENTRY if path.stem == "peninsula" else f"{ENTRY}/{path.stem}"


def declared(path: Path) -> set[str]:
    """Return the terms of ours that a file declares."""
    return {
        t.subject.value
        for t in triples(path)
        if t.predicate.value == expand("rdf:type")
        and isinstance(t.object, ox.NamedNode)
        and t.object.value in DECLARATIONS
        and isinstance(t.subject, ox.NamedNode)
        and t.subject.value.startswith(PREFIXES["pen"])
    }


def used(path: Path) -> set[str]:
    """Return the terms of ours in the axioms of a file; notes and mappings need no import."""
    return {
        term.value
        for t in triples(path)
        if not t.predicate.value.startswith(PREFIXES["skos"])
        for term in t
        if isinstance(term, ox.NamedNode) and term.value.startswith(PREFIXES["pen"])
    }


def imported(path: Path) -> set[Path]:
    """Return the modules that a module imports, directly or through others."""
    by_iri = {module_iri(module): module for module in MODULES}
    found: set[Path] = set()
    queue = [path]
    while queue:
        module = queue.pop()
        for iri in values(module, module_iri(module), "owl:imports"):
            if iri in by_iri and by_iri[iri] not in found:
                found.add(by_iri[iri])
                queue.append(by_iri[iri])
    return found


def name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def test_there_are_files() -> None:
    assert len(MODULES) >= 11
    assert len(IMPORTS) >= 1
    assert len(VOCABULARIES) == len(CONCEPT_SCHEMES)


@pytest.mark.parametrize("path", [*MODULES, *IMPORTS, *VOCABULARIES], ids=name)
def test_file_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_turtle(text) == text


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_has_the_iri_of_its_file_and_a_header(path: Path) -> None:
    ontologies = [
        t.subject
        for t in triples(path)
        if t.predicate.value == expand("rdf:type")
        and str(t.object) == f"<{expand('owl:Ontology')}>"
    ]
    assert [str(o) for o in ontologies] == [f"<{module_iri(path)}>"]
    (version,) = values(path, module_iri(path), "owl:versionInfo")
    assert values(path, module_iri(path), "owl:versionIRI") == [f"{module_iri(path)}/{version}"]
    assert values(path, module_iri(path), "dcterms:license") == [
        "https://creativecommons.org/licenses/by/4.0/"
    ]
    assert len(values(path, module_iri(path), "rdfs:label")) == 3


def test_modules_and_vocabularies_have_one_version() -> None:
    modules = {v for path in MODULES for v in values(path, module_iri(path), "owl:versionInfo")}
    schemes = {
        v
        for path in VOCABULARIES
        for v in values(path, PREFIXES["vocabulary"] + path.stem, "owl:versionInfo")
    }
    assert modules == schemes
    assert len(modules) == 1


def test_entry_imports_every_module() -> None:
    entry = FOLDER / "peninsula.ttl"
    others = {module_iri(path) for path in MODULES if path != entry}
    assert others <= set(values(entry, ENTRY, "owl:imports"))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_does_not_import_itself(path: Path) -> None:
    assert path not in imported(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_of_a_module_exist(path: Path) -> None:
    known = {module_iri(module) for module in MODULES}
    own = [
        iri
        for iri in values(path, module_iri(path), "owl:imports")
        if iri.startswith(f"{ENTRY}/") and "/imports/" not in iri
    ]
    assert [iri for iri in own if iri not in known] == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_declares_the_terms_it_defines_and_no_others(path: Path) -> None:
    for term in sorted(declared(path)):
        assert values(path, term, "rdfs:isDefinedBy") == [module_iri(path)], shorten(term)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_imports_the_modules_whose_terms_its_axioms_use(path: Path) -> None:
    owner = {term: module for module in MODULES for term in declared(module)}
    missing = {
        shorten(term): name(owner[term])
        for term in used(path)
        if owner.get(term, path) not in {path, *imported(path)}
    }
    assert missing == {}


@pytest.mark.parametrize("path", VOCABULARIES, ids=name)
def test_vocabulary_holds_one_scheme_and_its_concepts(path: Path) -> None:
    scheme, namespace = PREFIXES["vocabulary"] + path.stem, PREFIXES[CONCEPT_SCHEMES[path.stem]]
    subjects = {t.subject.value for t in triples(path) if isinstance(t.subject, ox.NamedNode)}
    concepts = subjects - {scheme}
    assert scheme in subjects
    assert len(concepts) >= 3
    assert all(concept.startswith(namespace) for concept in concepts)
    assert all(values(path, concept, "skos:inScheme") == [scheme] for concept in concepts)
    assert values(path, scheme, "vann:preferredNamespaceUri") == [namespace]
    assert values(path, scheme, "vann:preferredNamespacePrefix") == [CONCEPT_SCHEMES[path.stem]]


def test_concepts_are_as_many_as_agreed() -> None:
    counts = {
        path.stem: sum(t.predicate.value == expand("skos:inScheme") for t in triples(path))
        for path in VOCABULARIES
    }
    assert counts == {
        "topics": 59, "stances": 6, "modalities": 6, "claim-kinds": 9, "event-statuses": 8,
        "participation-roles": 5, "attendances": 3, "vote-choices": 3, "measure-kinds": 25,
        "resolution-kinds": 4, "office-kinds": 5, "organization-kinds": 14, "sponsorship-roles": 4,
        "voices": 4, "attribution-bases": 4, "strengths": 4, "tension-kinds": 4, "verifications": 4,
    }  # fmt: skip


def test_topics_keep_the_hierarchy_of_the_inventory() -> None:
    if not SEED.is_dir():
        pytest.skip("the inventory of the source document is not beside the repository")
    path, namespace = FOLDER / "vocabularies" / "topics.ttl", PREFIXES["topic"]
    with (SEED / "topics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 59
    for row in rows:
        topic = namespace + row["id"]
        assert values(path, topic, "skos:broader") == (
            [namespace + row["broader"]] if row["broader"] else []
        ), row["id"]
        assert row["label_en"] in values(path, topic, "skos:prefLabel")
        assert any("no claim" in note for note in values(path, topic, "skos:scopeNote")) == (
            row["id"] in PARENTS_ONLY
        ), row["id"]


@pytest.mark.parametrize(
    ("column", "scheme"),
    [
        ("voice", "voices"),
        ("kind", "claim-kinds"),
        ("stance", "stances"),
        ("modality", "modalities"),
        ("topic", "topics"),
    ],
)
def test_vocabulary_covers_the_codes_of_the_inventory(column: str, scheme: str) -> None:
    if not SEED.is_dir():
        pytest.skip("the inventory of the source document is not beside the repository")
    with (SEED / "claims.csv").open(encoding="utf-8", newline="") as file:
        codes = {code for row in csv.DictReader(file) for code in row[column].split(";")}
    path = FOLDER / "vocabularies" / f"{scheme}.ttl"
    notations = {
        t.object.value
        for t in triples(path)
        if t.predicate.value == expand("skos:notation") and isinstance(t.object, ox.Literal)
    }
    assert codes - notations == set()
