"""Do the Python clients that people use find a SPARQL 1.1 endpoint as any other?"""

from __future__ import annotations

import io
import warnings
from typing import Any, Final
from urllib.parse import urlencode

import pandas as pd  # type: ignore[import-untyped]
import pytest
from rdflib import RDF, Graph, Literal, URIRef
from rdflib.namespace import FOAF
from rdflib.plugins.stores.sparqlstore import SPARQLStore, SPARQLUpdateStore

from tests.crash.instance import Instance

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import SPARQLWrapper

EX: Final = "http://example.org/"
PEOPLE: Final = f"{EX}people"
NAMES: Final = (
    "PREFIX foaf: <http://xmlns.com/foaf/0.1/> SELECT ?who ?name "
    f"FROM <{PEOPLE}> {{ ?who foaf:name ?name FILTER(isIRI(?who)) }} ORDER BY ?name"
)
FOUND: Final = ["Ann", "Бо", "보"]


# SPARQLWrapper


def wrap(server: Instance, path: str, *, has_token: bool = False) -> Any:
    """Return a SPARQLWrapper for an address of the server."""
    client = SPARQLWrapper.SPARQLWrapper(f"{server.address}{path}")
    client.setTimeout(20)
    if has_token:
        client.addCustomHttpHeader("Authorization", f"Bearer {server.token}")
    return client


@pytest.mark.parametrize("method", [SPARQLWrapper.GET, SPARQLWrapper.POST])
@pytest.mark.parametrize("way", [SPARQLWrapper.URLENCODED, SPARQLWrapper.POSTDIRECTLY])
def test_sparqlwrapper_selects_in_every_way(server: Instance, method: str, way: str) -> None:
    client = wrap(server, "sparql")
    client.setMethod(method)
    client.setRequestMethod(way)
    client.setQuery(NAMES)
    client.setReturnFormat(SPARQLWrapper.JSON)
    rows = client.queryAndConvert()["results"]["bindings"]
    assert [row["name"]["value"] for row in rows] == FOUND
    assert rows[2]["name"]["xml:lang"] == "ko"


@pytest.mark.parametrize("format", [SPARQLWrapper.XML, SPARQLWrapper.CSV, SPARQLWrapper.TSV])
def test_sparqlwrapper_gets_what_it_asks_for(server: Instance, format: str) -> None:
    client = wrap(server, "sparql")
    client.setQuery(NAMES)
    client.setReturnFormat(format)
    answer = client.queryAndConvert()
    if format == SPARQLWrapper.XML:
        texts = [node.firstChild.data for node in answer.getElementsByTagName("literal")]
        assert texts == FOUND
    else:
        assert [name for name in FOUND if name in answer.decode()] == FOUND


def test_sparqlwrapper_asks(server: Instance) -> None:
    client = wrap(server, "sparql")
    client.setQuery(f'ASK {{ <{EX}ann> ?p "Ann" }}')
    client.setReturnFormat(SPARQLWrapper.JSON)
    assert client.queryAndConvert()["boolean"] is True


@pytest.mark.parametrize(
    "format", [SPARQLWrapper.TURTLE, SPARQLWrapper.RDFXML, SPARQLWrapper.JSONLD, SPARQLWrapper.N3]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sparqlwrapper_constructs_graphs(server: Instance, format: str) -> None:
    client = wrap(server, "sparql")
    client.setQuery(f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{PEOPLE}> {{ ?s ?p ?o }} }}")
    client.setReturnFormat(format)
    answer = client.query().convert()
    if isinstance(answer, bytes):
        answer = Graph().parse(answer, format="turtle")
    assert len(answer) == 8
    assert (URIRef(f"{EX}bo"), FOAF.name, Literal("보", lang="ko")) in answer


@pytest.mark.parametrize("way", [SPARQLWrapper.URLENCODED, SPARQLWrapper.POSTDIRECTLY])
def test_sparqlwrapper_updates_with_a_token(server: Instance, graph: str, way: str) -> None:
    text = f'INSERT DATA {{ GRAPH <{graph}> {{ <{EX}x> <{EX}says> "a&b=c+d %25 보" }} }}'
    client = wrap(server, "update", has_token=True)
    client.setMethod(SPARQLWrapper.POST)
    client.setRequestMethod(way)
    client.setQuery(text)
    assert client.query().response.status == 200
    reader = wrap(server, "sparql")
    reader.setQuery(f"SELECT ?o {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")
    reader.setReturnFormat(SPARQLWrapper.JSON)
    (row,) = reader.queryAndConvert()["results"]["bindings"]
    assert row["o"]["value"] == "a&b=c+d %25 보"


def test_sparqlwrapper_is_told_what_is_wrong(server: Instance) -> None:
    client = wrap(server, "sparql")
    client.setQuery("SELECT ?s { ?s ?p }")
    client.setReturnFormat(SPARQLWrapper.JSON)
    with pytest.raises(SPARQLWrapper.SPARQLExceptions.QueryBadFormed, match="Syntax error"):
        client.query()
    update = wrap(server, "update")
    update.setMethod(SPARQLWrapper.POST)
    update.setQuery("DROP ALL")
    with pytest.raises(SPARQLWrapper.SPARQLExceptions.Unauthorized):
        update.query()


# rdflib


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
@pytest.mark.parametrize("format", ["xml", "json", "csv", "tsv"])
def test_sparqlstore_queries(server: Instance, method: str, format: str) -> None:
    store = SPARQLStore(f"{server.address}sparql", method=method, returnFormat=format)
    rows: list[Any] = list(Graph(store).query(NAMES))
    # CSV has no languages and no types.
    assert [str(row[1]) for row in rows] == FOUND
    if format != "csv":
        assert rows[2][1] == Literal("보", lang="ko")


def test_sparqlstore_is_a_graph(server: Instance) -> None:
    graph = Graph(SPARQLStore(f"{server.address}sparql"), identifier=URIRef(PEOPLE))
    ann = URIRef(f"{EX}ann")
    assert graph.value(ann, URIRef(f"{EX}age")) == Literal(41)
    assert (ann, FOAF.name, Literal("Ann")) in graph
    assert (ann, FOAF.name, Literal("Bo")) not in graph
    assert set(graph.objects(URIRef(f"{EX}bo"), FOAF.name)) == {
        Literal("보", lang="ko"),
        Literal("Бо", lang="ru"),
    }
    assert len(graph) == 8
    assert bool(graph.query(f"ASK {{ <{EX}ann> <{EX}age> 41 }}").askAnswer)


def test_sparqlstore_lists_the_named_graphs(server: Instance) -> None:
    contexts = SPARQLStore(f"{server.address}sparql").contexts()
    assert URIRef(PEOPLE) in set(contexts)


@pytest.mark.parametrize("autocommit", [True, False])
def test_sparqlupdatestore_adds_and_removes(server: Instance, graph: str, autocommit: bool) -> None:
    store = SPARQLUpdateStore(
        f"{server.address}sparql",
        f"{server.address}update",
        autocommit=autocommit,
        headers={"Authorization": f"Bearer {server.token}"},
    )
    held = Graph(store, identifier=URIRef(graph))
    thing = URIRef(f"{EX}thing")
    texts = ["plain", 'quote " and \\ and \n line', "보", "a # b ; c . } {", "100%25"]
    for text in texts:
        held.add((thing, FOAF.name, Literal(text)))
    held.add((thing, RDF.type, FOAF.Person))
    store.commit()
    assert {str(name) for name in held.objects(thing, FOAF.name)} == set(texts)
    held.remove((thing, FOAF.name, Literal(texts[1])))
    store.commit()
    assert len(held) == len(texts)
    held.update("DELETE { ?s ?p ?o } WHERE { ?s ?p ?o FILTER(STRLEN(STR(?o)) < 7) }")
    store.commit()
    assert {str(name) for name in held.objects(thing, FOAF.name)} == {texts[3]}
    held.remove((None, None, None))
    store.commit()
    assert len(held) == 0


def test_sparqlupdatestore_without_a_token_changes_nothing(server: Instance, graph: str) -> None:
    store = SPARQLUpdateStore(f"{server.address}sparql", f"{server.address}update")
    held = Graph(store, identifier=URIRef(graph))
    with pytest.raises(Exception, match="401"):
        held.add((URIRef(f"{EX}thing"), RDF.type, FOAF.Person))
    assert len(Graph(SPARQLStore(f"{server.address}sparql"), identifier=URIRef(graph))) == 0


# pandas


def test_pandas_reads_csv_of_a_query(server: Instance) -> None:
    query = f"SELECT ?who ?p ?value FROM <{PEOPLE}> {{ ?who ?p ?value }}"
    address = f"{server.address}sparql?{urlencode({'query': query, 'format': 'csv'})}"
    frame = pd.read_csv(address)
    assert list(frame.columns) == ["who", "p", "value"]
    assert len(frame) == 8
    assert set(frame.query("p.str.endswith('name')")["value"]) == {
        *FOUND,
        'nobody, "quoted"\nnext line',
    }


def test_pandas_reads_csv_of_a_question(server: Instance) -> None:
    frame = pd.read_csv(f"{server.address}queries/summits.csv", parse_dates=["day"])
    assert list(frame.columns) == ["summit", "day"]
    assert len(frame) == 2
    assert frame["day"].is_monotonic_increasing
    of = pd.read_csv(
        f"{server.address}queries/summits-of.csv?{urlencode({'state': 'state:russia', 'after': '2019-01-01'})}"
    )
    assert set(of["stateLabel"]) == {"Russia"}


def test_pandas_reads_json_and_compressed_csv(server: Instance) -> None:
    query = f"SELECT ?name FROM <{PEOPLE}> {{ ?who <{FOAF.name}> ?name }}"
    address = f"{server.address}sparql?{urlencode({'query': query})}"
    frame = pd.read_csv(address, storage_options={"Accept": "text/csv", "Accept-Encoding": "gzip"})
    assert len(frame) == 4
    bindings = pd.read_json(f"{address}&format=json")["results"]["bindings"]
    assert len(pd.json_normalize(bindings)["name.value"]) == 4


def test_pandas_writes_what_it_has_read(server: Instance, graph: str) -> None:
    frame = pd.DataFrame({"id": range(3), "name": ["Ann", "보", 'x "y"']})
    triples = "".join(
        f"<{EX}row/{row.id}> <{FOAF.name}> {Literal(row.name).n3()} .\n"
        for row in frame.itertuples(index=False)
    )
    answer = server.send("PUT", graph, triples, "text/turtle")
    assert answer.status == 201
    query = f"SELECT ?name {{ GRAPH <{graph}> {{ ?s ?p ?name }} }} ORDER BY ?s"
    body = server.query(query, "text/csv").body
    pd.testing.assert_series_equal(pd.read_csv(io.BytesIO(body))["name"], frame["name"])
