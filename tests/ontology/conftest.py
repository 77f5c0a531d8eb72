"""Fixtures of the ontology tests: what ships, as files, as triples and as a store."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyoxigraph as ox
import pytest

from peninsula import inference
from peninsula.namespaces import PREFIXES

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = Path(__file__).resolve().parent


def graph(name: str) -> ox.NamedNode:
    return ox.NamedNode(PREFIXES["graph"] + name)


def read(path: Path, name: str) -> list[ox.Quad]:
    """Return the quads of a Turtle or TriG file; Turtle goes into the graph ``name``."""
    is_trig = path.suffix == ".trig"
    quads = ox.parse(
        path=str(path),
        format=ox.RdfFormat.TRIG if is_trig else ox.RdfFormat.TURTLE,
        rename_blank_nodes=True,
    )
    return [q if is_trig else ox.Quad(q.subject, q.predicate, q.object, graph(name)) for q in quads]


def expected(path: Path) -> list[str]:
    """Return the terms that the first line of a bad example, ``#+ expect: a, b``, names."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("#+ expect: "), f"{path} does not begin with '#+ expect: '"
    return sorted(first.removeprefix("#+ expect: ").split(", "))


@pytest.fixture(scope="session")
def ontology_quads() -> list[ox.Quad]:
    """Modules, excerpts of external vocabularies, and concept schemes."""
    folder = ROOT / "ontology"
    paths = [
        path
        for part in ("", "imports", "vocabularies")
        for path in sorted((folder / part).glob("*.ttl"))
    ]
    assert len(paths) > 30, "the ontology is missing"
    return [quad for path in paths for quad in read(path, "ontology")]


@pytest.fixture(scope="session")
def knowledge_quads(ontology_quads: list[ox.Quad]) -> list[ox.Quad]:
    """Everything that ships: the ontology and the data, each source in its graph."""
    data = [
        quad
        for path in sorted((ROOT / "data").glob("*/*.ttl"))
        for quad in read(path, path.parent.name)
    ]
    assert len(data) > 10_000, "the data are missing"
    return [*ontology_quads, *data]


@pytest.fixture(scope="session")
def closure(knowledge_quads: list[ox.Quad]) -> inference.Closure:
    return inference.close(quad.triple for quad in knowledge_quads)


@pytest.fixture(scope="session")
def knowledge(knowledge_quads: list[ox.Quad], closure: inference.Closure) -> ox.Store:
    """Everything that ships and what follows from it, as the server holds it."""
    store = ox.Store()
    store.bulk_extend(knowledge_quads)
    store.bulk_extend(
        ox.Quad(t.subject, t.predicate, t.object, graph("inferred"))
        for t in inference.materialise(closure)
    )
    return store
