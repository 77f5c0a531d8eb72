"""A server, a service and what is between them, all of them real: what comes back over HTTP."""

from __future__ import annotations

import http.client
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.server.processes import Server
from tests.server.processes import serving as serving_ours
from tests.w3c.target import add_token
from tests.wikidata.servers import Cut, Nothing, Proxy, Slow, Status, TooMany, serving

JSON = "application/sparql-results+json"
HTML = "text/html"
OWN = "".join(f"<x:thing{i}> <x:same> <x:item{i}> . " for i in range(120))
OWN += "<x:rare> <x:same> <x:item7> ; a <x:Rare> . "
OWN += '<x:moon> a <x:Person> ; <http://www.w3.org/2000/01/rdf-schema#label> "Moon Jae-in"@en . '
REMOTE = "".join(f'<x:item{i}> <x:name> "name {i}" ; <x:size> {i} . ' for i in range(3000))
SELECTIVE = "SELECT ?name { ?x a <x:Rare> ; <x:same> ?item . SERVICE <peninsula:other> { ?item <x:name> ?name } }"


@dataclass
class Setting:
    """Peninsula, and the proxy before the service that it asks."""

    server: Server
    proxy: Proxy
    folder: Path
    token: str = ""

    def get(
        self, query: str, accept: str = JSON, *, tag: str = "", **more: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask a query; return status, headers and body. ``tag`` is of an answer that is known."""
        host = self.server.address.split("/")[2]
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            address = f"/sparql?{urlencode({'query': query, **more})}"
            headers = {"Accept": accept, **({"If-None-Match": tag} if tag else {})}
            connection.request("GET", address, headers=headers)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, headers, response.read()
        finally:
            connection.close()

    def update(self, update: str) -> None:
        """Make a change."""
        connection = http.client.HTTPConnection(self.server.address.split("/")[2], timeout=30)
        headers = {
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/sparql-update",
        }  # fmt: skip
        connection.request("POST", "/update", update.encode(), headers)
        assert connection.getresponse().status in {200, 204}
        connection.close()

    def rows(self, query: str, **more: str) -> list[dict[str, str]]:
        """Return the rows of an answer, which must be one."""
        status, _, body = self.get(query, **more)
        assert status == 200, body
        found: list[dict[str, Any]] = json.loads(body)["results"]["bindings"]
        return [{name: term["value"] for name, term in row.items()} for row in found]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("federation")
    with serving() as service, Proxy(service.address) as proxy:
        service.load(REMOTE.encode())
        (folder / "peninsula.toml").write_text(
            f'store = "store"\nquery-timeout = "3s"\ndefault-graph = "own"\n'
            f'[services.other]\naddress = "{proxy.address}"\ntrusted = true\ncache = 0\n'
            f'[services.kept]\naddress = "{proxy.address}/kept"\ntrusted = true\n'
        )
        token = add_token(folder / "store")
        command = [sys.executable, "-m", "peninsula", "serve", "--empty"]
        with serving_ours(command, folder) as server:
            found = Setting(server, proxy, folder, token)
            snapshot = "<https://w3id.org/peninsula/graph/other>"
            kept = snapshot.replace("other", "kept")
            found.update(
                f'INSERT DATA {{ {OWN} GRAPH {snapshot} {{ <x:item7> <x:name> "kept" }} '
                f'GRAPH {kept} {{ <x:item7> <x:name> "kept, too" }} }}'
            )
            yield found


@pytest.fixture(autouse=True)
def _clear(setting: Setting) -> None:
    setting.proxy.clear()


def test_one_small_request_brings_what_is_needed(setting: Setting) -> None:
    status, headers, body = setting.get(SELECTIVE)
    assert status == 200
    assert [row["name"]["value"] for row in json.loads(body)["results"]["bindings"]] == ["name 7"]
    (query,) = setting.proxy.queries
    assert "VALUES (?item) { (<x:item7>) }" in query
    assert setting.proxy.received < 1000
    told = headers["peninsula-federation"]
    assert told.startswith('"peninsula:other";requests=1;sent=1;rows=1;bytes=')
    # What a service says is another answer tomorrow.
    assert headers["cache-control"] == "no-store"
    assert "etag" not in headers
    assert setting.rows(SELECTIVE.replace("peninsula:other", setting.proxy.address)) == [
        {"name": "name 7"}
    ]


def test_many_bindings_go_in_batches(setting: Setting) -> None:
    query = SELECTIVE.replace("?x a <x:Rare> ; <x:same> ?item", "?x <x:same> ?item")
    assert len(setting.rows(query)) == 121
    # Item 7 is named twice, and sent once.
    assert sorted(query.count("(<x:item") for query in setting.proxy.queries) == [20, 100]


def test_a_page_says_what_was_asked(setting: Setting) -> None:
    status, _, body = setting.get(SELECTIVE, HTML)
    page = body.decode()
    assert status == 200
    assert "name 7" in page
    assert "1 service was asked" in page
    assert "<code>peninsula:other</code>" in page


def test_a_failure_of_the_service_is_told_with_its_status(setting: Setting) -> None:
    setting.proxy.always = Status(500)
    status, headers, body = setting.get(SELECTIVE)
    assert status == 502
    assert headers["content-type"].startswith("application/problem+json")
    assert "500" in json.loads(body)["detail"]
    status, _, body = setting.get(SELECTIVE, HTML)
    assert status == 502
    assert b"<textarea" in body  # with the query, to be mended
    assert b"Another server failed" in body


def test_one_that_is_too_busy_says_for_how_long(setting: Setting) -> None:
    setting.proxy.always = TooMany(30)
    status, headers, _ = setting.get(SELECTIVE)
    assert status == 503
    assert 0 < int(headers["retry-after"]) <= 31
    # It is left alone until then.
    setting.proxy.clear()
    assert setting.get(SELECTIVE)[0] == 503
    assert not setting.proxy.queries


@pytest.fixture
def patient(tmp_path_factory: pytest.TempPathFactory, setting: Setting) -> Iterator[Setting]:
    """A server of its own, which has heard nothing bad of the service yet."""
    folder = tmp_path_factory.mktemp("patient")
    (folder / "peninsula.toml").write_text((setting.folder / "peninsula.toml").read_text())
    command = [sys.executable, "-m", "peninsula", "serve", "--empty"]
    with serving_ours(command, folder) as server:
        yield Setting(server, setting.proxy, folder)


@pytest.mark.parametrize("fault", [Status(404), Cut(20)], ids=["404", "cut"])
def test_silence_is_kept_where_it_is_asked_for(patient: Setting, fault: Any) -> None:
    patient.proxy.always = fault
    query = "SELECT * { BIND(1 AS ?x) SERVICE SILENT <peninsula:other> { ?item <x:name> ?name } }"
    assert patient.rows(query) == [{"x": "1"}]
    status, _, _ = patient.get(query.replace("SILENT ", ""))
    assert status == 502


@pytest.mark.parametrize("fault", [Nothing(), Slow(pause=0.5)], ids=["nothing", "slow"])
def test_the_time_limit_holds_whatever_the_service_does(patient: Setting, fault: Any) -> None:
    patient.proxy.always = fault
    query = "SELECT * { SERVICE SILENT <peninsula:other> { ?item <x:size> 5 } }"
    began = time.monotonic()
    status, _, _ = patient.get(query, timeout="1")
    assert status == 504
    assert time.monotonic() - began < 5
    patient.proxy.clear()
    assert len(patient.rows(query)) == 1


def test_a_client_that_leaves_lets_go_of_the_service(patient: Setting) -> None:
    patient.proxy.always = Nothing()
    connection = http.client.HTTPConnection(patient.server.address.split("/")[2], timeout=10)
    connection.request("GET", f"/sparql?{urlencode({'query': SELECTIVE.replace('?x a', '?y a')})}")
    connection.close()
    until = time.monotonic() + 10
    while "peninsula_service_calls 0" not in _metrics(patient) and time.monotonic() < until:
        time.sleep(0.05)
    assert "peninsula_service_calls 0" in _metrics(patient)


def _metrics(setting: Setting) -> str:
    connection = http.client.HTTPConnection(setting.server.address.split("/")[2], timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def _read_metric(setting: Setting, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", _metrics(setting), re.MULTILINE)
    assert found
    return float(found[1])


def test_a_snapshot_stands_in(patient: Setting, setting: Setting) -> None:
    query = SELECTIVE.replace("peninsula:other", "peninsula:other-snapshot")
    assert setting.rows(query) == [{"name": "kept"}]
    assert setting.rows(SELECTIVE, services="snapshot") == [{"name": "kept"}]
    assert not setting.proxy.queries
    assert setting.get(SELECTIVE, services="both")[0] == 400
    status, _, body = patient.get(SELECTIVE, services="snapshot")
    assert status == 404
    assert b"link pull" in body


def test_it_falls_back_to_the_snapshot_where_that_is_wanted(setting: Setting) -> None:
    setting.proxy.always = Status(404)
    query = SELECTIVE.replace("peninsula:other", "peninsula:kept")
    assert setting.get(query)[0] == 502
    status, headers, body = setting.get(query, services="fallback")
    assert (status, json.loads(body)["results"]["bindings"][0]["name"]["value"]) == (
        200,
        "kept, too",
    )
    assert 'remark="fallback"' in headers["peninsula-federation"]


@pytest.mark.parametrize(
    ("query", "services", "before", "after"),
    [
        (SELECTIVE.replace("other", "kept-snapshot"), "live", ["kept, too"], ["kept, too", "new"]),
        (SELECTIVE.replace("other", "kept"), "snapshot", ["kept, too"], ["kept, too", "new"]),
        ("SELECT ?name { SERVICE <peninsula:search> { ?x search:text 'Moon' ; search:name ?name } }",
         "live", ["Moon Jae-in"], ["Moon Chung-in", "Moon Jae-in"]),
    ],
    ids=["snapshot", "by snapshot", "search"],
)  # fmt: skip
def test_what_is_ours_alone_is_the_same_until_a_change(
    setting: Setting, query: str, services: str, before: list[str], after: list[str]
) -> None:
    def names(body: bytes) -> list[str]:
        return sorted(row["name"]["value"] for row in json.loads(body)["results"]["bindings"])

    status, headers, body = setting.get(query, services=services)
    assert (status, names(body)) == (200, before)
    assert "peninsula-federation" in headers
    misses = _read_metric(setting, "peninsula_cache_misses_total")
    status, known, body = setting.get(query, services=services)
    assert (status, names(body), known["etag"]) == (200, before, headers["etag"])
    assert _read_metric(setting, "peninsula_cache_misses_total") == misses, "it was known"
    assert setting.get(query, services=services, tag=headers["etag"])[0] == 304
    change = (
        "{ GRAPH <https://w3id.org/peninsula/graph/kept> { <x:item7> <x:name> 'new' } "
        "<x:moon2> a <x:Person> ; <http://www.w3.org/2000/01/rdf-schema#label> 'Moon Chung-in' }"
    )
    setting.update(f"INSERT DATA {change}")
    status, headers, body = setting.get(query, services=services, tag=headers["etag"])
    assert (status, names(body)) == (200, after)
    setting.update(f"DELETE DATA {change}")


@pytest.mark.parametrize(
    "beside", ["SERVICE <peninsula:other> { ?item <x:size> ?size }", "BIND(RAND() AS ?size)"]
)
def test_beside_what_changes_nothing_is_the_same(setting: Setting, beside: str) -> None:
    query = SELECTIVE.replace("other", "other-snapshot")
    for text, services in ((f"{query[:-1]} {beside} }}", "live"), (SELECTIVE, "fallback")):
        _, headers, _ = setting.get(text, services=services)
        assert headers["cache-control"] == "no-store"
        assert "etag" not in headers


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/", "http://evil.example/sparql", "http://other/sparql"]
)
def test_others_are_not_asked(setting: Setting, address: str) -> None:
    for silent in ("", "SILENT "):
        status, _, body = setting.get(f"ASK {{ SERVICE {silent}<{address}> {{ ?s ?p ?o }} }}")
        assert status == 403
        problem = json.loads(body)
        assert problem["type"].endswith("service-forbidden")
        assert "--services" in problem["remedy"]


def test_an_update_asks_nobody(setting: Setting) -> None:
    token = setting.token
    connection = http.client.HTTPConnection(setting.server.address.split("/")[2], timeout=10)
    update = f"INSERT {{ <x:a> <x:b> ?n }} WHERE {{ SERVICE <{setting.proxy.address}> {{ ?s <x:name> ?n }} }}"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sparql-update"}
    connection.request("POST", "/update", update, headers)
    response = connection.getresponse()
    assert response.status == 403
    assert b"ask there first" in response.read()
    connection.close()
    assert not setting.proxy.queries
