"""Do data frames, and readers of CSV on the Web, take what the server sends of the shipped graph?"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from csvw import CSVW

from peninsula.tabulation.declarations import read_tables
from tests.server.processes import Server, lay_store, serving

DAY: Final = dt.date(2017, 12, 22)
PARQUET: Final = "application/vnd.apache.parquet"
STREAM: Final = "application/vnd.apache.arrow.stream"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server with the shipped graph."""
    folder = tmp_path_factory.mktemp("shipped")
    store = lay_store(folder / "store")
    command = [sys.executable, "-m", "peninsula", "serve", "--store", str(store)]
    with serving(command, folder) as server:
        yield server


def fetch(server: Server, path: str, **headers: str) -> tuple[bytes, Any]:
    address = f"{server.address.rstrip('/')}{path}"
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read(), response.headers


def status_of(server: Server, path: str, **headers: str) -> int:
    try:
        fetch(server, path, **headers)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


# Answers to queries.


def test_the_answer_to_a_question_is_the_same_in_every_frame(shipped: Server) -> None:
    path = "/queries/votes-by-state.{}?state=state:russia"
    table = pq.read_table(io.BytesIO(fetch(shipped, path.format("parquet"))[0]))
    stream, headers = fetch(shipped, path.format("arrows"))
    assert headers["Content-Type"] == STREAM
    assert pa.ipc.open_stream(stream).read_all().to_pylist() == table.to_pylist()
    arrow = fetch(shipped, path.format("arrow"))[0]
    assert pl.read_ipc(io.BytesIO(arrow)).to_dicts() == table.to_pylist()
    assert pd.read_feather(io.BytesIO(arrow)).shape == (table.num_rows, table.num_columns)
    assert table.schema.field("day").type == pa.date32()
    assert table.schema.field("isAdopted").type == pa.bool_()
    # What CSV says as text.
    frame = pd.read_csv(io.BytesIO(fetch(shipped, path.format("csv"))[0]))
    assert list(frame.columns) == table.schema.names
    assert list(frame["day"]) == [str(day) for day in table["day"].to_pylist()]
    assert list(frame["resolution"]) == table["resolution"].to_pylist()


def test_a_file_says_where_it_comes_from(shipped: Server) -> None:
    query = urlencode({"query": "SELECT ?x { VALUES ?x { 1 } }"})
    data, headers = fetch(shipped, f"/sparql?{query}", Accept=PARQUET)
    assert headers["Content-Type"] == PARQUET
    notes = {k.decode(): v.decode() for k, v in pq.read_schema(io.BytesIO(data)).metadata.items()}
    assert notes["peninsula:query"] == "SELECT ?x { VALUES ?x { 1 } }"
    assert notes["peninsula:generation"] == headers["Peninsula-Generation"]
    assert notes["dcterms:license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert notes["dcterms:source"].startswith(shipped.address)
    assert dt.datetime.fromisoformat(notes["dcterms:issued"]).tzinfo is not None
    # The time is that of the state, so that the same question has the same answer.
    assert fetch(shipped, f"/sparql?{query}", Accept=PARQUET)[0] == data


def test_what_has_no_columns_is_not_acceptable(shipped: Server) -> None:
    for query in ("ASK {}", "CONSTRUCT WHERE { ?s ?p ?o }"):
        address = f"/sparql?{urlencode({'query': query})}"
        assert status_of(shipped, address, Accept=PARQUET) == 406
        assert status_of(shipped, f"{address}&format=arrow") == 406
    assert status_of(shipped, "/queries/votes-by-state.xlsx?state=state:russia") == 404


# Tidy tables.


@pytest.mark.parametrize("name", read_tables())
def test_a_table_is_the_same_in_every_frame(shipped: Server, name: str) -> None:
    table = pq.read_table(io.BytesIO(fetch(shipped, f"/tables/{name}.parquet")[0]))
    assert table.num_rows > 20
    arrow = pl.read_ipc(io.BytesIO(fetch(shipped, f"/tables/{name}.arrow")[0]))
    assert arrow.to_dicts() == table.to_pylist()
    assert json.loads(fetch(shipped, f"/tables/{name}.json")[0]) == json.loads(
        json.dumps(table.to_pylist(), default=str)
    )
    lines = fetch(shipped, f"/tables/{name}.ndjson")[0].decode().splitlines()
    assert len(lines) == table.num_rows
    key = read_tables()[name].key
    assert len(set(table[key].to_pylist())) == table.num_rows


def test_known_rows(shipped: Server) -> None:
    votes = pd.read_parquet(io.BytesIO(fetch(shipped, "/tables/votes.parquet")[0]))
    adopted = votes[(votes.resolution == "resolution:2397") & (votes.state == "state:russia")]
    assert list(adopted.voted_on) == [DAY]
    assert list(adopted.choice_label) == ["in favour"]
    tally = pl.read_parquet(io.BytesIO(fetch(shipped, "/tables/resolutions.parquet")[0]))
    counted = votes[votes.choice == "vote-choice:for"].groupby("resolution").size()
    told = {row["resolution"]: row["votes_for"] for row in tally.to_dicts()}
    assert counted["resolution:2397"] == told["resolution:2397"] == 15


def test_names_in_another_language(shipped: Server) -> None:
    data = fetch(shipped, "/tables/actors.json?lang=ko")[0]
    names = {row["actor"]: row["actor_label"] for row in json.loads(data)}
    assert names["state:russia"] == "러시아"
    # A file is the same for everybody: the browser's wish does not count.
    plain = fetch(shipped, "/tables/actors.json", **{"Accept-Language": "ko"})[0]
    assert b'"Russia"' in plain


def validate(address: str) -> CSVW:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        read = CSVW(address, validate=True)
        assert read.is_valid, [str(warning.message) for warning in read.warnings]
    return read


def test_csv_on_the_web_finds_all_tables_valid(shipped: Server) -> None:
    read = validate(f"{shipped.address}tables/csvw.json")
    assert len(read.tables) == len(read_tables())
    assert sum(len(table.tableSchema.foreignKeys) for table in read.tables) > 15


def test_csv_on_the_web_finds_the_description_of_a_table(shipped: Server) -> None:
    _, headers = fetch(shipped, "/tables/votes.csv")
    assert 'rel="describedby"; type="application/csvm+json"' in headers["Link"]
    read = validate(f"{shipped.address}tables/votes.csv")
    first = next(iter(read.tables[0].iterdicts()))
    assert isinstance(first["voted_on"], dt.date)
    assert isinstance(first["sources"], list)
    # And the same for a state of the past.
    number = headers["Peninsula-Generation"]
    _, headers = fetch(shipped, f"/tables/votes.csv?generation={number}&lang=ru")
    assert f"votes.csv-metadata.json?lang=ru&generation={number}>" in headers["Link"]
    metadata = json.loads(
        fetch(shipped, f"/tables/votes.csv-metadata.json?lang=ru&generation={number}")[0]
    )
    assert metadata["url"].endswith(f"/tables/votes.csv?lang=ru&generation={number}")


def test_bad_input_to_tables(shipped: Server) -> None:
    for path, status, part in (
        ("/tables/vote", 404, "votes"),
        ("/tables/votes.xlsx", 404, "parquet"),
        ("/tables/votes?format=xlsx", 406, "parquet"),
        ("/tables/votes.csv?lang=xx", 400, "ko"),
        ("/tables/votes.csv?generation=999", 404, ""),
        ("/dumps/recrd.nq", 404, "record.nq"),
        ("/nanopub/c999.trig", 404, "claim"),
        ("/nanopub/c029.xyz", 404, "trig"),
        ("/nanopub/%3Cscript%3E", 404, ""),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            fetch(shipped, path)
        body = caught.value.read().decode()
        assert (caught.value.code, part in body) == (status, True), (path, body)


# Dumps and nanopublications.


def test_a_dump_is_what_the_graph_holds(shipped: Server) -> None:
    dumps = {dump["name"]: dump for dump in json.loads(fetch(shipped, "/dumps")[0])}
    data, headers = fetch(shipped, "/dumps/peninsula.nq.gz")
    assert headers["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in headers
    quads = list(ox.parse(gzip.decompress(data), format=ox.RdfFormat.N_QUADS))
    assert len(quads) == dumps["peninsula"]["triples"]
    for name in ("record", "positions"):
        graph = {quad for quad in quads if str(quad.graph_name) == f"<{dumps[name]['graph']}>"}
        assert len(graph) == dumps[name]["triples"]
        trig = fetch(shipped, f"/dumps/{name}.trig")[0]
        assert {q.graph_name for q in ox.parse(trig, format=ox.RdfFormat.TRIG)} == {
            ox.NamedNode(dumps[name]["graph"])
        }
        turtle = fetch(shipped, f"/dumps/{name}.ttl")[0]
        assert sum(1 for _ in ox.parse(turtle, format=ox.RdfFormat.TURTLE)) == len(graph)
    tag = headers["ETag"]
    assert status_of(shipped, "/dumps/peninsula.nq.gz", **{"If-None-Match": tag}) == 304


def test_what_is_announced_can_be_fetched(shipped: Server) -> None:
    void = fetch(shipped, "/.well-known/void", Accept="text/turtle")[0]
    store = ox.Store()
    store.bulk_load(void, format=ox.RdfFormat.TURTLE)
    found = store.query(
        "PREFIX dcat: <http://www.w3.org/ns/dcat#> "
        "SELECT DISTINCT ?file ?type { ?x dcat:distribution ?d . ?d dcat:downloadURL ?file ; "
        "dcat:mediaType ?type FILTER NOT EXISTS { ?d dcat:compressFormat ?zip } } ORDER BY ?file"
    )
    announced = {row["file"].value: row["type"].value for row in found}  # type: ignore[union-attr]
    assert f"{shipped.address}dumps/record.ttl" in announced
    assert f"{shipped.address}tables/votes.parquet" in announced
    for address, media_type in announced.items():
        if "/dumps/" not in address:
            _, headers = fetch(shipped, f"/{address.removeprefix(shipped.address)}")
            assert media_type.endswith("/" + headers["Content-Type"].split(";")[0])


def test_every_claim_and_position_is_a_nanopublication(shipped: Server) -> None:
    data = gzip.decompress(fetch(shipped, "/dumps/nanopublications.trig.gz")[0])
    store = ox.Store()
    store.bulk_load(data, format=ox.RdfFormat.TRIG)
    query = (
        "PREFIX np: <http://www.nanopub.org/nschema#> SELECT ?np { GRAPH ?head { ?np a "
        "np:Nanopublication ; np:hasAssertion ?a ; np:hasProvenance ?p ; np:hasPublicationInfo ?i } "
        "FILTER EXISTS { GRAPH ?a { ?s ?x ?o } } FILTER EXISTS { GRAPH ?p { ?a ?y ?z } } "
        "FILTER EXISTS { GRAPH ?i { ?np ?v ?w } } }"
    )
    names = {row["np"].value for row in store.query(query)}  # type: ignore[union-attr]
    assert len(list(store.named_graphs())) == 4 * len(names)
    tables = {
        name: pq.read_table(io.BytesIO(fetch(shipped, f"/tables/{name}.parquet")[0]))
        for name in ("claims", "positions")
    }
    assert len(names) == sum(table.num_rows for table in tables.values())
    # A name leads to the document of its state; so does the thing, where that is wanted.
    name = next(name for name in sorted(names) if name.endswith("/c029"))
    path = name.removeprefix("https://w3id.org/peninsula")
    one = fetch(shipped, path)[0]
    assert one == fetch(shipped, "/id/claim/c029?format=nanopub")[0]
    assert set(ox.parse(one, format=ox.RdfFormat.TRIG)) <= set(store)


# Parts of files, as readers of Parquet take them.


def test_polars_reads_from_the_address_itself(shipped: Server) -> None:
    site = shipped.address
    claims = pl.scan_parquet(f"{site}tables/claims.parquet").select("claim", "topics").collect()
    assert claims.schema == {"claim": pl.String, "topics": pl.List(pl.String)}
    votes = pl.read_parquet(f"{site}queries/votes-by-state.parquet?state=state:russia")
    assert votes.schema["day"] == pl.Date
    assert pd.read_parquet(f"{site}tables/claims.parquet").shape[0] == claims.height


def test_parts_of_a_file(shipped: Server) -> None:
    path = "/tables/votes.parquet"
    whole, headers = fetch(shipped, path)
    assert headers["Accept-Ranges"] == "bytes"
    for asked, part in (
        ("bytes=0-3", whole[:4]),
        ("bytes=-8", whole[-8:]),
        (f"bytes={len(whole) - 4}-", whole[-4:]),
    ):
        data, headers = fetch(shipped, path, Range=asked)
        assert data == part
        assert headers["Content-Range"].endswith(f"/{len(whole)}")
    assert status_of(shipped, path, Range="bytes=99999999-") == 416
    # A part of another state's file is nothing to put beside the one that is there.
    assert fetch(shipped, path, Range="bytes=0-3", **{"If-Range": '"other"'})[0] == whole
    assert fetch(shipped, path)[0] == whole


@pytest.mark.parametrize("name", ["positions.nq", "positions.trig.gz"])
def test_a_dump_broken_off_is_resumed(shipped: Server, tmp_path: Path, name: str) -> None:
    whole, headers = fetch(shipped, f"/dumps/{name}")
    assert headers["Content-Length"] == str(len(whole))
    assert "Content-Encoding" not in headers
    tag = headers["ETag"]
    request = urllib.request.Request(f"{shipped.address}dumps/{name}", method="HEAD")
    with urllib.request.urlopen(request) as reply:
        assert (reply.headers["Content-Length"], reply.headers["ETag"]) == (str(len(whole)), tag)
    part, headers = fetch(shipped, f"/dumps/{name}", Range="bytes=100-", **{"If-Range": tag})
    assert part == whole[100:]
    assert headers["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    # Of a file that was made anew, or is of another state, no part fits.
    other = fetch(shipped, f"/dumps/{name}", Range="bytes=100-", **{"If-Range": '"other"'})[0]
    assert other == whole
    assert status_of(shipped, f"/dumps/{name}", **{"If-None-Match": tag}) == 304
    if program := shutil.which("curl"):
        half = tmp_path / name
        half.write_bytes(whole[:1000])
        command = [program, "-sSfC", "-", "-o", str(half), f"{shipped.address}dumps/{name}"]
        subprocess.run(command, check=True, timeout=60)
        assert half.read_bytes() == whole
