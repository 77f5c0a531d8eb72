"""Which tests do the W3C's SPARQL suites hold, and what does each of them need?

The suites (https://github.com/w3c/rdf-tests, its folder ``sparql``) are not part of this
repository; they are looked for beside it, in ``shared/w3c/rdf-tests``. Where they are absent,
the lists here are empty and the tests are skipped.

A test is known by the IRI that its manifest gives it, and shown by its manifest's folder and the
last part of that IRI: ``sparql10/basic/base-prefix-1``.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urljoin

import pyoxigraph as ox
import pytest
from _pytest.mark.structures import ParameterSet

SUITES: Final = Path(__file__).parents[3] / "shared/w3c/rdf-tests/sparql"
BASE: Final = "https://w3c.github.io/rdf-tests/sparql/"
"""The files live under this IRI; relative IRIs resolve against it."""

ENGINE_FAILURES: Final = Path(__file__).with_name("engine-failures.csv")

MF: Final = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
QT: Final = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
UT: Final = "http://www.w3.org/2009/sparql/tests/test-update#"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"

OUT_OF_SCOPE: Final[Mapping[str, str]] = {
    "sparql11/entailment": "the server has no entailment regimes: inference is done before serving",
    "sparql11/http-rdf-update": "deprecated for sparql11/graph-store-protocol, which runs: only "
    "prose, with bodies that are not Turtle and answers that contradict the requests",
    "sparql11/service": "these run in test_service.py, where there are endpoints",
    "sparql11/syntax-fed": "these run in test_service.py: services that are not allowed are refused",
}
"""Folders of manifests whose tests are skipped, with the reason."""

NOT_RUN: Final[Mapping[str, str]] = {
    "http://www.w3.org/2001/sw/DataAccess/tests/data-r2/optional-filter/manifest"
    "#dawg-optional-filter-005-simplified": "the reading that SPARQL 1.1 gave up; "
    "its manifest does not list it, and the test of the other reading runs",
}
"""Single tests that are skipped, with the reason."""

RDF_FORMATS: Final[Mapping[str, ox.RdfFormat]] = {
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".trig": ox.RdfFormat.TRIG,
    ".ttl": ox.RdfFormat.TURTLE,
}

Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


@dataclass(frozen=True)
class DatasetFiles:
    """Files by the graph they go into: those of the default graph, (graph IRI, file) of others."""

    default: tuple[Path, ...] = ()
    named: tuple[tuple[str, Path], ...] = ()


@dataclass(frozen=True)
class W3cTest:
    """One entry of a manifest.

    Args:
        iri: its name in the manifest.
        kind: the local name of its class, ``QueryEvaluationTest`` for one.
        folder: its manifest's folder under ``SUITES``, ``sparql10/basic`` for one.
        text: the query or update, where it has one.
        base: the IRI that relative IRIs of the text resolve against.
        before: what the dataset holds when the request comes.
        after: what it shall hold then (updates).
        result: the file of the expected answer (queries).
        lax: whether duplicates of a solution may be fewer than in the expected answer.
    """

    iri: str
    kind: str
    folder: str
    text: str = ""
    base: str = ""
    before: DatasetFiles = field(default_factory=DatasetFiles)
    after: DatasetFiles = field(default_factory=DatasetFiles)
    result: Path | None = None
    lax: bool = False

    @property
    def id(self) -> str:
        return f"{self.folder}/{re.split('[#/]', self.iri)[-1]}"


class Manifests:
    """All manifests, as one graph to walk in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = ox.Store()
        for path in sorted(folder.rglob("manifest*.ttl")):
            self._store.load(path=str(path), format=ox.RdfFormat.TURTLE, base_iri=iri_of(path))

    def values(self, node: Term | None, name: ox.NamedNode) -> list[Term]:
        if not isinstance(node, ox.NamedNode | ox.BlankNode):
            return []
        return [quad.object for quad in self._store.quads_for_pattern(node, name, None)]

    def value(self, node: Term | None, name: ox.NamedNode) -> Term | None:
        return next(iter(self.values(node, name)), None)

    def text(self, node: Term | None, name: ox.NamedNode) -> str | None:
        """The IRI or lexical form of a value."""
        found = self.value(node, name)
        return found.value if isinstance(found, ox.NamedNode | ox.Literal) else None

    def items(self, node: Term | None) -> Iterator[Term]:
        """The members of a list."""
        while (first := self.value(node, named(RDF, "first"))) is not None:
            yield first
            node = self.value(node, named(RDF, "rest"))

    def tests(self) -> Iterator[tuple[ox.NamedNode, str, str]]:
        """(test, local name of its class, folder of its manifest), in the manifests' order."""
        for path in sorted(self._folder.rglob("manifest*.ttl")):
            folder = path.parent.relative_to(self._folder).as_posix()
            for quad in ox.parse(path=path, format=ox.RdfFormat.TURTLE, base_iri=iri_of(path)):
                kind = quad.object.value if isinstance(quad.object, ox.NamedNode) else ""
                if quad.predicate.value == RDF + "type" and re.search(r"Test(11)?$", kind):
                    assert isinstance(quad.subject, ox.NamedNode)
                    yield quad.subject, re.split("[#/]", kind)[-1], folder


def named(namespace: str, name: str) -> ox.NamedNode:
    return ox.NamedNode(namespace + name)


def iri_of(path: Path) -> str:
    return BASE + path.relative_to(SUITES).as_posix()


def path_of(iri: str) -> Path:
    assert iri.startswith(BASE), f"{iri} is not one of the suites' files"
    return SUITES / iri.removeprefix(BASE)


@functools.cache
def manifests() -> Manifests:
    return Manifests(SUITES)


@functools.cache
def all_tests() -> tuple[W3cTest, ...]:
    return tuple(read(*entry) for entry in manifests().tests()) if SUITES.is_dir() else ()


def read(node: ox.NamedNode, kind: str, folder: str) -> W3cTest:
    """What the manifest says of a test."""
    graph = manifests()
    action = graph.value(node, named(MF, "action"))
    result = graph.value(node, named(MF, "result"))
    if "Protocol" in kind or kind == "ServiceDescriptionTest":
        return W3cTest(node.value, kind, folder, before=files(node, UT))
    vocabulary = UT if kind == "UpdateEvaluationTest" else QT
    request = (
        action.value
        if isinstance(action, ox.NamedNode)
        else graph.text(action, named(QT, "query")) or graph.text(action, named(UT, "request"))
    )
    assert request, f"{node} has no query"
    # With newline="" the ends of lines stay as the suite has them.
    with path_of(request).open(encoding="utf-8", newline="") as file:
        text = file.read()
    before = files(action, vocabulary)
    if kind == "QueryEvaluationTest":
        before = DatasetFiles(before.default, (*before.named, *from_clauses(text, request)))
    return W3cTest(
        node.value,
        kind,
        folder,
        text=text,
        base=request,
        before=before,
        after=files(result, UT),
        result=path_of(result.value) if isinstance(result, ox.NamedNode) else None,
        lax=graph.value(node, named(MF, "resultCardinality")) is not None,
    )


def files(node: Term | None, vocabulary: str) -> DatasetFiles:
    """The dataset that ``data`` and ``graphData`` of a node name, in either vocabulary.

    A named graph is called by its label where it has one, else by the IRI of its file.
    """
    graph = manifests()
    default = [
        iri for term in graph.values(node, named(vocabulary, "data")) if (iri := iri_in(term))
    ]
    others = []
    for data in graph.values(node, named(vocabulary, "graphData")):
        file = iri_in(data) or graph.text(data, named(vocabulary, "graph"))
        assert file
        others.append((graph.text(data, named(RDFS, "label")) or file, path_of(file)))
    return DatasetFiles(tuple(path_of(iri) for iri in sorted(default)), tuple(sorted(others)))


def iri_in(term: Term) -> str | None:
    return term.value if isinstance(term, ox.NamedNode) else None


def from_clauses(text: str, base: str) -> Iterator[tuple[str, Path]]:
    """The suites' files that a query names with FROM or FROM NAMED.

    They are loaded as named graphs under their IRIs: the query's own dataset is made of those.
    """
    for name in dict.fromkeys(re.findall(r"(?i)\bFROM\s+(?:NAMED\s+)?<([^<>]*)>", text)):
        iri = urljoin(base, name)
        if iri.startswith(BASE) and path_of(iri).is_file():
            yield iri, path_of(iri)


@functools.cache
def engine_failures() -> Mapping[str, str]:
    """The reason for each test, by its IRI, that the engine fails in ``oxigraph serve`` too."""
    with ENGINE_FAILURES.open(encoding="utf-8", newline="") as file:
        return {row["test"]: row["reason"] for row in csv.DictReader(file)}


def cases(*kinds: str) -> list[ParameterSet]:
    """The tests of these kinds as parameters for pytest, skipped or expected to fail by name."""
    found = [as_parameter(test) for test in all_tests() if test.kind in kinds]
    absent = pytest.mark.skip(reason="the W3C's suites are not here")
    return found or [pytest.param(None, marks=absent, id="absent")]


def as_parameter(test: W3cTest) -> ParameterSet:
    marks = []
    if reason := OUT_OF_SCOPE.get(test.folder) or NOT_RUN.get(test.iri):
        marks.append(pytest.mark.skip(reason=reason))
    elif reason := engine_failures().get(test.iri):
        marks.append(pytest.mark.xfail(reason=reason, strict=True))
    return pytest.param(test, marks=marks, id=test.id)
