"""Tidy tables: what is declared is what is read, and every file says the same."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest

from peninsula.dataset.interface import Solutions
from peninsula.dataset.local import LocalDataset
from peninsula.errors import UnknownTable
from peninsula.formats import ARROW, ARROW_STREAM, CSV, NDJSON, PARQUET, PLAIN_JSON
from peninsula.namespaces import PREFIXES
from peninsula.policy import Policy
from peninsula.tabulation.csvw import SEPARATOR, describe_table, describe_tables
from peninsula.tabulation.declarations import DATATYPES, Table, find_table, read_tables
from peninsula.tabulation.rows import read_rows
from peninsula.tabulation.writing import TABLE_FILES, write_table

HEAD: Final = "".join(f"@prefix {prefix}: <{iri}> .\n" for prefix, iri in PREFIXES.items())
SCENE: Final = (
    HEAD
    + """
claim:c1 a pen:Claim, pen:Evaluation ; rdfs:label "claim c1"@en ;
    pen:paraphrase "Seoul is said to trust, or not | to trust, Moscow."@en ;
    pen:hasKind claim-kind:evaluation ; pen:hasModality modality:denied ; pen:hasStance stance:opposes ;
    pen:hasHolder state:b, state:a ; pen:hasTopic topic:trust ; pen:isAbout state:a ;
    pen:from "2014-01-01"^^xsd:date ; pen:until "2014-12-31"^^xsd:date ; pen:edtf "2014"^^edtf:EDTF ;
    pen:hasPassage passage:c1 ; pen:isStatedIn document:d .
passage:c1 pen:section "intro" ; pen:paragraph 2 ; pen:sentence 1 .
claim:c2 a pen:Claim ; pen:paraphrase "Nothing more."@en, "아무것도."@ko ; pen:inferredEdtf "2015~"^^edtf:EDTF ;
    pen:from "soon"^^xsd:date ; pen:hasKind claim-kind:event, claim-kind:evaluation .
state:a a pen:State, pen:Actor ; rdfs:label "A|a"@en, "가"@ko ; pen:unMemberSince "1945-10-24"^^xsd:date .
state:b a pen:State, pen:Actor ; rdfs:label "B"@en .
person:nameless a pen:Person, pen:Actor .
claim-kind:evaluation a skos:Concept ; skos:inScheme vocabulary:claim-kinds ; skos:prefLabel "evaluation"@en .
place:here a pen:Place ; rdfs:label "Here"@en ; geo:hasGeometry geometry:here .
geometry:here geo:asWKT "POINT(131.9 43.1)"^^geo:wktLiteral .
place:nowhere a pen:Place ; rdfs:label "Nowhere"@en .
"""
)


@pytest.fixture(scope="module")
def scene() -> LocalDataset:
    store = ox.Store()
    graph = ox.NamedNode(PREFIXES["graph"] + "record")
    store.bulk_load(SCENE.encode(), format=ox.RdfFormat.TURTLE, to_graph=graph)
    return LocalDataset(store, Policy())


def records(dataset: LocalDataset, name: str, language: str = "en") -> list[dict[str, Any]]:
    table = find_table(name)
    names = [field.name for field in table.fields]
    return [dict(zip(names, row, strict=True)) for row in read_rows(dataset, table, language)]


# What is declared.


@pytest.mark.parametrize("table", read_tables().values(), ids=lambda t: t.name)
def test_a_declaration_fits_its_query(table: Table) -> None:
    result = LocalDataset(ox.Store(), Policy()).evaluate(table.query)
    assert isinstance(result, Solutions)
    assert result.variables == tuple(column.name for column in table.columns)
    assert list(result) == []
    assert table.key == table.columns[0].name
    assert table.columns[0].is_required
    names = [field.name for field in table.fields]
    assert len(set(names)) == len(names)
    for column in table.columns:
        assert column.kind in DATATYPES
        assert column.description
        assert not column.refers or (column.refers in read_tables() and column.kind == "thing")
    assert f"ORDER BY ?{table.key}\n" in table.query


def test_a_query_brings_its_prefixes() -> None:
    query = find_table("places").query
    assert "PREFIX geo: <http://www.opengis.net/ont/geosparql#>" in query
    assert isinstance(ox.Store().query(query), ox.QuerySolutions)  # which knows none itself


def test_an_unknown_table_has_near_names() -> None:
    with pytest.raises(UnknownTable, match="Perhaps: votes") as caught:
        find_table("vote")
    assert caught.value.status == 404
    with pytest.raises(UnknownTable, match="There are: claims"):
        find_table("../../etc/passwd")


# What is read.


def test_a_thing_is_one_row_with_names_iris_and_labels(scene: LocalDataset) -> None:
    first, second = records(scene, "claims")
    assert first["claim"] == "claim:c1"
    assert first["claim_iri"] == "https://w3id.org/peninsula/id/claim/c1"
    assert "claim_label" not in first  # the paraphrase is its name
    assert first["holders"] == ("state:a", "state:b")
    assert first["holders_label"] == ("A|a", "B")
    assert first["kind_label"] == "evaluation"
    assert first["modality_label"] is None  # nothing is called anything that it is not
    assert first["subjects"] == ()
    assert (first["from"], first["until"]) == (dt.date(2014, 1, 1), dt.date(2014, 12, 31))
    assert (first["edtf"], first["is_date_inferred"]) == ("2014", False)
    assert (first["section"], first["paragraph"]) == ("intro", 2)
    # What breaks a shape: two kinds are one row, and what is no date is none.
    assert second["kind"] in {"claim-kind:event", "claim-kind:evaluation"}
    assert (second["from"], second["edtf"], second["is_date_inferred"]) == (None, "2015~", True)


def test_names_are_in_the_language_that_is_asked_for(scene: LocalDataset) -> None:
    by_name = {row["actor"]: row for row in records(scene, "actors", "ko")}
    assert by_name["state:a"]["actor_label"] == "가"
    assert by_name["state:b"]["actor_label"] == "B"
    assert by_name["person:nameless"]["actor_label"] is None
    assert by_name["state:a"]["class"] in {"pen:State", "pen:Actor"}


def test_places_have_coordinates_where_they_are_known(scene: LocalDataset) -> None:
    here, nowhere = records(scene, "places")
    assert (here["longitude"], here["latitude"]) == (131.9, 43.1)
    assert (nowhere["longitude"], nowhere["latitude"]) == (None, None)


def test_a_limit_is_kept(scene: LocalDataset) -> None:
    assert len(list(read_rows(scene, find_table("actors"), limit=2))) == 2


# What is written.


def written(dataset: LocalDataset, name: str, format: Any) -> bytes:
    table = find_table(name)
    return b"".join(write_table(table, read_rows(dataset, table), format))


def read_columns(data: bytes, format: Any) -> Any:
    if format == PARQUET:
        return pq.read_table(io.BytesIO(data))
    reader = pa.ipc.open_file if format == ARROW else pa.ipc.open_stream
    return reader(io.BytesIO(data)).read_all()


@pytest.mark.parametrize("name", ["claims", "actors", "places", "votes"])
def test_every_file_says_the_same(scene: LocalDataset, name: str) -> None:
    expected = [
        {key: list(v) if isinstance(v, tuple) else v for key, v in row.items()}
        for row in records(scene, name)
    ]
    for format in (PARQUET, ARROW, ARROW_STREAM):
        assert read_columns(written(scene, name, format), format).to_pylist() == expected
    plain = json.loads(json.dumps(expected, default=str))
    assert json.loads(written(scene, name, PLAIN_JSON)) == plain
    lines = written(scene, name, NDJSON).decode().splitlines()
    assert [json.loads(line) for line in lines] == plain
    found = list(csv.DictReader(io.StringIO(written(scene, name, CSV).decode(), newline="")))
    assert [list(row) for row in found] == [list(row) for row in plain]
    for row, wanted in zip(found, plain, strict=True):
        for key, value in wanted.items():
            assert row[key] == write_cell(value), key


def write_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return SEPARATOR.join((item or "").replace(SEPARATOR, "¦") for item in value)
    return str(value)


def test_an_empty_table_keeps_its_columns(scene: LocalDataset) -> None:
    table = find_table("votes")
    names = [field.name for field in table.fields]
    assert written(scene, "votes", CSV).decode() == ",".join(names) + "\r\n"
    assert json.loads(written(scene, "votes", PLAIN_JSON)) == []
    assert written(scene, "votes", NDJSON) == b""
    for format in (PARQUET, ARROW, ARROW_STREAM):
        found = read_columns(written(scene, "votes", format), format)
        assert found.schema.names == names
        assert found.schema.field("voted_on").type == pa.date32()
        assert found.schema.field("sources").type == pa.list_(pa.string())


def test_columns_describe_themselves(scene: LocalDataset) -> None:
    noted = PARQUET.noted({"peninsula:generation": "7"})
    schema = read_columns(written(scene, "claims", noted), PARQUET).schema
    assert schema.metadata[b"dcterms:title"] == b"Claims"
    assert schema.metadata[b"peninsula:generation"] == b"7"
    assert schema.field("modality").metadata[b"dcterms:description"].startswith(b"how it is put")


def test_all_formats_are_known() -> None:
    assert {f.name for f in TABLE_FILES} == {"csv", "parquet", "arrow", "arrows", "json", "ndjson"}


# What is told to programs.


def test_metadata_of_one_table() -> None:
    table = find_table("votes")
    address = "http://localhost/tables/votes.csv"
    told = describe_table(table, address, {"dcterms:license": "https://example.org/l"})
    assert told["url"] == address
    assert told["dc:license"] == {"@id": "https://example.org/l"}
    columns = {column["name"]: column for column in told["tableSchema"]["columns"]}
    assert [*columns] == [field.name for field in table.fields]
    assert columns["voted_on"]["datatype"] == "date"
    assert columns["sources"]["separator"] == "|"
    assert columns["state"]["required"] is True
    assert told["tableSchema"]["primaryKey"] == "vote"
    assert "foreignKeys" not in told["tableSchema"]  # they need the other tables beside them


def test_metadata_of_all_tables_say_what_refers_to_what() -> None:
    told = describe_tables(lambda name: f"{name}.csv", {})
    tables = {table["url"]: table for table in told["tables"]}
    assert [*tables] == [f"{name}.csv" for name in read_tables()]
    keys = tables["votes.csv"]["tableSchema"]["foreignKeys"]
    assert {
        "columnReference": "resolution",
        "reference": {"resource": "resolutions.csv", "columnReference": "resolution"},
    } in keys
    for table in tables.values():
        for key in table["tableSchema"].get("foreignKeys", ()):
            target = tables[key["reference"]["resource"]]
            assert target["tableSchema"]["primaryKey"] == key["reference"]["columnReference"]
