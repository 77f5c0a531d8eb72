"""Dumps: what there is, under which names, and what is told of them."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.dumps import (
    COMPRESSIONS,
    NANOPUBLICATIONS,
    WHOLE,
    announce,
    find_file,
    list_dumps,
    list_files,
)
from peninsula.errors import UnknownDump
from peninsula.formats import NQUADS, TRIG, TURTLE
from peninsula.namespaces import expand
from peninsula.policy import Policy


@pytest.fixture
def dataset() -> LocalDataset:
    store = ox.Store()
    names = ("graph:record", "graph:peninsula", "state:russia")
    for name in (*map(expand, names), "http://example.org/g", expand("graph:") + "a/b"):
        store.add(
            ox.Quad(ox.NamedNode("x:s"), ox.NamedNode("x:p"), ox.Literal(name), ox.NamedNode(name))
        )
    return LocalDataset(store, Policy())


def test_everything_our_graphs_and_nanopublications_are_listed(dataset: LocalDataset) -> None:
    dumps = list_dumps(dataset)
    # Of two of one name, everything has it; others' graphs are to be had at /store.
    assert [dump.name for dump in dumps] == [WHOLE, "record", NANOPUBLICATIONS]
    assert [dump.triples for dump in dumps] == [5, 1, None]


def test_names_of_files(dataset: LocalDataset) -> None:
    dumps = list_dumps(dataset)
    file = find_file("record.nq.gz", dumps)
    assert (file.dump.graph, file.format, file.compression) == (
        expand("graph:record"),
        NQUADS,
        "gz",
    )
    assert (file.media_type, file.content_type) == ("application/gzip", "application/gzip")
    assert find_file("record.ttl", dumps).content_type == "text/turtle; charset=utf-8"
    assert find_file("peninsula.trig.zst", dumps).media_type == "application/zstd"
    for dump in dumps:
        for known in list_files(dump):
            assert find_file(known.name, dumps) == known


@pytest.mark.parametrize(
    "name", ["recrd.nq", "record", "record.xyz", "nanopublications.ttl", "../x.nq", ""]
)
def test_an_unknown_file(dataset: LocalDataset, name: str) -> None:
    with pytest.raises(UnknownDump) as caught:
        find_file(name, list_dumps(dataset))
    assert caught.value.status == 404
    assert caught.value.remedy


@pytest.mark.parametrize(("format", "keeps"), [(NQUADS, True), (TRIG, True), (TURTLE, False)])
def test_a_source_keeps_the_name_of_its_graph(
    dataset: LocalDataset, format: object, keeps: bool
) -> None:
    graph = expand("graph:record")
    for named in (True, False):
        found = dataset.dump(graph, format, names_graph=named)  # type: ignore[arg-type]
        data = b"".join(found.chunks(format))  # type: ignore[arg-type]
        [quad] = ox.parse(data, format=format.engine)  # type: ignore[attr-defined]
        wanted = ox.NamedNode(graph) if keeps and named else ox.DefaultGraph()
        assert quad.graph_name == wanted


def test_what_void_and_dcat_say(dataset: LocalDataset) -> None:
    site, licence = "http://localhost/", "https://example.org/l"
    store = ox.Store()
    store.extend(
        ox.Quad(t.subject, t.predicate, t.object)
        for t in announce(list_dumps(dataset), expand("graph:all"), site, licence)
    )
    rows = store.query(
        "PREFIX dcat: <http://www.w3.org/ns/dcat#> PREFIX void: <http://rdfs.org/ns/void#> "
        "PREFIX dcterms: <http://purl.org/dc/terms/> "
        "SELECT ?about ?file ?type ?zip WHERE { ?about dcat:distribution ?d . ?d a dcat:Distribution ; "
        "dcat:downloadURL ?file ; dcat:mediaType ?type ; dcterms:license ?licence "
        "OPTIONAL { ?d dcat:compressFormat ?zip } FILTER EXISTS { ?about void:dataDump ?file } }"
    )
    found = {row["file"].value: row for row in rows}  # type: ignore[union-attr]
    row = found["http://localhost/dumps/peninsula.nq.gz"]
    assert row["about"].value == expand("graph:all")
    assert row["type"].value.endswith("/application/n-quads")
    assert row["zip"].value.endswith("/application/gzip")
    assert found["http://localhost/dumps/record.ttl"]["zip"] is None
    assert "gz" in COMPRESSIONS
