"""Does every request that people write with curl do what they expect?"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from tests.crash.instance import Instance

CURL: Final = shutil.which("curl")
PEOPLE: Final = "http://example.org/people"
QUERY: Final = (
    "PREFIX foaf: <http://xmlns.com/foaf/0.1/> SELECT ?name "
    f"FROM <{PEOPLE}> {{ ?who foaf:name ?name FILTER(isIRI(?who)) }} ORDER BY ?name"
)
FOUND: Final = ["name", "Ann", "Бо", "보"]

pytestmark = pytest.mark.skipif(CURL is None, reason="there is no curl here")


def curl(*arguments: str, folder: Path | None = None) -> str:
    """Return what curl writes; fails where it fails, or where the status is 400 or above."""
    done = subprocess.run(
        [str(CURL), "--silent", "--show-error", "--fail-with-body", "--max-time", "30", *arguments],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr.decode()}{done.stdout.decode()}"
    return done.stdout.decode()


def bearer(server: Instance) -> tuple[str, str]:
    return "-H", f"Authorization: Bearer {server.token}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("-G", "--data-urlencode", f"query={QUERY}"),
        ("--data-urlencode", f"query={QUERY}"),
        ("--data-binary", QUERY, "-H", "Content-Type: application/sparql-query"),
        ("-X", "QUERY", "--data-binary", QUERY, "-H", "Content-Type: application/sparql-query"),
        ("--compressed", "-G", "--data-urlencode", f"query={QUERY}"),
        ("-H", "Expect: 100-continue", "--data-urlencode", f"query={QUERY}"),
        ("-H", "Transfer-Encoding: chunked", "--data-binary", QUERY,
         "-H", "Content-Type: application/sparql-query"),
        ("--http1.0", "-G", "--data-urlencode", f"query={QUERY}"),
        ("-d", "format=csv", "--data-urlencode", f"query={QUERY}", "-H", "Accept: */*"),
    ],
    ids=["get", "form", "direct", "query", "compressed", "expect", "chunked", "http-1.0", "format"],
)  # fmt: skip
def test_curl_asks_in_every_way(server: Instance, arguments: tuple[str, ...]) -> None:
    accept = () if "Accept: */*" in arguments else ("-H", "Accept: text/csv")
    answer = curl(*arguments, *accept, f"{server.address}sparql")
    assert answer.splitlines() == FOUND


def test_curl_reads_a_query_from_a_file(server: Instance, tmp_path: Path) -> None:
    (tmp_path / "names.rq").write_text(QUERY + "\n# 보\n", encoding="utf-8")
    for arguments in (
        ("--data-urlencode", "query@names.rq"),
        ("--data-binary", "@names.rq", "-H", "Content-Type: application/sparql-query"),
        ("-G", "--data-urlencode", "query@names.rq"),
    ):
        answer = curl(
            *arguments, "-H", "Accept: text/csv", f"{server.address}sparql", folder=tmp_path
        )
        assert answer.splitlines() == FOUND


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
def test_curl_gets_what_it_accepts(server: Instance, encoding: str, tmp_path: Path) -> None:
    # A long answer, so that packing it is worth while.
    rows = " ".join(f"<urn:{n}>" for n in range(2000))
    query = f"SELECT ?x {{ VALUES ?x {{ {rows} }} }}"
    head = tmp_path / "head"
    curl("-D", str(head), "-H", f"Accept-Encoding: {encoding}", "-H", "Accept: text/csv",
         "--data-urlencode", f"query={query}", "-o", str(tmp_path / "body"),
         f"{server.address}sparql")  # fmt: skip
    sent = head.read_text().lower()
    assert ("content-encoding: " + encoding in sent) == (encoding != "identity")
    size = (tmp_path / "body").stat().st_size
    assert (size < 10_000) == (encoding != "identity")


def test_curl_asks_for_the_head_only(server: Instance) -> None:
    address = f"{server.address}sparql?query={quote(QUERY)}"
    head = curl("--head", "-H", "Accept: text/csv", address)
    assert head.startswith("HTTP/1.1 200")
    assert "Content-Type: text/csv" in head
    assert "Peninsula-Generation: " in head
    for path in ("store?default", f"store?graph={quote(PEOPLE)}", "ready", "queries/summits.csv"):
        assert curl("--head", f"{server.address}{path}").startswith("HTTP/1.1 200")


def test_curl_asks_again_only_for_what_is_new(server: Instance, tmp_path: Path) -> None:
    address = f"{server.address}sparql?query={quote(QUERY)}"
    tag = str(tmp_path / "etag")
    code = ("-w", "%{http_code}", "-o", str(tmp_path / "body"))
    assert curl("--etag-save", tag, *code, address) == "200"
    assert curl("--etag-compare", tag, *code, address) == "304"


def test_curl_gets_an_answer_of_the_library(server: Instance) -> None:
    answer = curl(f"{server.address}queries/summits-of.csv?state=state:russia")
    assert answer.splitlines()[0] == "state,stateLabel,summit,day,after"
    assert len(answer.splitlines()) > 1
    answers = json.loads(curl(f"{server.address}queries/summits.json"))
    assert answers["head"]["vars"] == ["summit", "day"]


@pytest.mark.parametrize(
    "form",
    [
        ("--data-urlencode", "update={}"),
        ("--data-binary", "{}", "-H", "Content-Type: application/sparql-update"),
    ],
    ids=["form", "direct"],
)
def test_curl_updates_with_a_token(server: Instance, graph: str, form: tuple[str, ...]) -> None:
    text = f'INSERT DATA {{ GRAPH <{graph}> {{ <urn:a> <urn:p> "a+b %25 & 보" }} }}'
    arguments = [part.format(text) if part.endswith("{}") else part for part in form]
    told = json.loads(curl(*bearer(server), *arguments, f"{server.address}update"))
    assert told["added"] == 1
    answer = curl("-H", "Accept: application/n-triples", f"{server.address}store?graph={graph}")
    assert answer == '<urn:a> <urn:p> "a+b %25 & 보" .\n'


def test_curl_tries_an_update_out(server: Instance, graph: str) -> None:
    text = f"INSERT DATA {{ GRAPH <{graph}> {{ <urn:a> <urn:p> 1 }} }}"
    patch = curl(
        *bearer(server), "--data-urlencode", f"update={text}", f"{server.address}update?dry-run"
    )
    assert f'A <urn:a> <urn:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> <{graph}> .' in (
        patch.splitlines()
    )
    assert graph not in server.history()[-1]["graphs"]


def test_curl_uploads_downloads_and_deletes_a_graph(
    server: Instance, graph: str, tmp_path: Path
) -> None:
    store = f"{server.address}store?graph={quote(graph, safe='')}"
    (tmp_path / "people.ttl").write_text("<urn:a> <urn:p> <urn:b> , 1 .\n", encoding="utf-8")
    turtle = ("-H", "Content-Type: text/turtle")
    status = ("-w", "%{http_code}")
    put = ("-T", "people.ttl", *turtle, *bearer(server), *status, store)
    assert curl(*put, folder=tmp_path) == "201"
    # It is there as it is said to be; and once more, nothing is new.
    assert curl(*put, folder=tmp_path) == "204"
    got = curl("-H", "Accept: application/n-triples", store)
    assert sorted(got.splitlines()) == [
        '<urn:a> <urn:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .',
        "<urn:a> <urn:p> <urn:b> .",
    ]
    more = ("--data-binary", "<urn:c> <urn:p> 2 .", *turtle, *bearer(server), *status, store)
    assert curl(*more) == "204"
    packed = subprocess.run(
        ["gzip", "-k", "people.ttl"], cwd=tmp_path, check=False, capture_output=True
    )
    if packed.returncode == 0:
        gzip = ("-T", "people.ttl.gz", "-H", "Content-Encoding: gzip", *turtle)
        assert curl(*gzip, *bearer(server), *status, store, folder=tmp_path) == "204"
        assert len(curl("-H", "Accept: application/n-triples", store).splitlines()) == 2
    form = ("-F", "file=@people.ttl;type=text/turtle", *bearer(server), *status, store)
    assert curl(*form, folder=tmp_path) == "204"
    assert curl("-X", "DELETE", *bearer(server), *status, store) == "204"
    assert curl("-o", str(tmp_path / "none"), *status, "--no-fail-with-body", store) == "404"


def test_curl_uploads_a_graph_at_its_own_address(server: Instance, tmp_path: Path) -> None:
    address = f"{server.address}store/of/its/own"
    (tmp_path / "x.nt").write_text("<urn:a> <urn:p> <urn:b> .\n", encoding="utf-8")
    curl("-T", "x.nt", "-H", "Content-Type: application/n-triples", *bearer(server), address,
         folder=tmp_path)  # fmt: skip
    assert curl("-H", "Accept: application/n-triples", address) == "<urn:a> <urn:p> <urn:b> .\n"
    assert address in server.history()[-1]["graphs"]
    curl("-X", "DELETE", *bearer(server), address)


@pytest.mark.parametrize(
    ("arguments", "path", "status"),
    [
        (("--data-urlencode", "update=DROP ALL"), "update", 401),
        (("-X", "DELETE"), "store", 401),
        (("-T", "x.nt", "-H", "Content-Type: application/n-triples"), "store?default", 401),
        (("-H", "Authorization: Bearer pen_wrong", "--data-urlencode", "update=DROP ALL"),
         "update", 401),
        (("-G", "--data-urlencode", "query=SELECT"), "sparql", 400),
    ],
)  # fmt: skip
def test_curl_is_told_what_is_wrong(
    server: Instance, tmp_path: Path, arguments: tuple[str, ...], path: str, status: int
) -> None:
    (tmp_path / "x.nt").write_text("<urn:a> <urn:p> <urn:b> .\n", encoding="utf-8")
    answer = curl(*arguments, "--no-fail-with-body", "-w", "\n%{http_code} %{content_type}",
                  f"{server.address}{path}", folder=tmp_path)  # fmt: skip
    body, _, last = answer.rpartition("\n")
    assert last == f"{status} application/problem+json"
    assert json.loads(body)["status"] == status
