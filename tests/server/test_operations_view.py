"""How the server is, in words and numbers, and how an operator acts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from peninsula import __version__
from peninsula.logs import hash_query

from .conftest import DEATH, Served, serving_app, wait_until

NUMBERS = " ".join(f"<x:s{n}> <x:p> {n} ." for n in range(400))


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a site with the numbers, for queries of death."""
    with serving_app(
        tmp_path_factory.mktemp("busy"), default_graph="own", query_timeout=10.0
    ) as served:
        served.update(f"INSERT DATA {{ {NUMBERS} }}")
        yield served


class Asked(threading.Thread):
    """A query of death, asked in a thread of its own."""

    def __init__(self, served: Served, **more: str) -> None:
        super().__init__()
        self._served = served
        self._path = "/sparql?" + urlencode({"query": DEATH, **more})
        self.response: TestResponse | None = None
        count = self._count()
        self.start()
        wait_until(lambda: self._count() > count)

    def _count(self) -> int:
        # Others may ask, too: whoever reads the names for search.
        return [query.text for query in self._served.database.readers.running()].count(DEATH)

    def run(self) -> None:
        self.response = self._served.client.get(self._path)

    def end(self) -> TestResponse:
        self.join(10)
        assert self.response is not None
        return self.response


def samples(served: Served) -> dict[tuple[str, str], float]:
    """Return what /metrics tells, by name and the values of the labels."""
    text = served.client.get("/metrics").text
    return {
        (sample.name, ",".join(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_health_and_readiness(busy: Served) -> None:
    assert busy.client.get("/health").json == {"status": "ok", "version": __version__}
    ready = busy.client.get("/ready").json
    assert ready
    assert ready.pop("confined") in {True, False}
    assert ready == {
        "status": "ready", "generation": 2, "triples": 400, "graphs": 0,
        "serving": "disk", "writable": True,
    }  # fmt: skip


def test_it_is_ready_while_queries_of_death_run(busy: Served) -> None:
    deaths = [Asked(busy) for _ in range(2)]
    assert busy.client.get("/ready").status_code == 200
    for query in busy.database.readers.running():
        busy.database.readers.cancel(query.id)
    for death in deaths:
        assert death.end().status_code == 503


def test_the_numbers_follow_what_happens(busy: Served) -> None:
    before = samples(busy)
    busy.client.get(
        "/sparql?" + urlencode({"query": "SELECT ?s { ?s ?p 1 } # metrics", "format": "csv"})
    )
    busy.client.get(
        "/sparql?" + urlencode({"query": "SELECT ?s { ?s ?p 1 } # metrics", "format": "csv"})
    )
    busy.client.get("/sparql?query=nonsense")
    busy.client.get("/sparql?" + urlencode({"query": DEATH, "timeout": "0.2"}))
    busy.update("INSERT DATA { <x:m> <x:m> 1 }")
    busy.update("INSERT DATA { <x:m> <x:m> 1 }")
    busy.update("CLEAR ALL", **{"dry-run": "true"})
    busy.update("nonsense")
    after = samples(busy)

    def grown(name: str, labels: str = "") -> float:
        return after[name, labels] - before.get((name, labels), 0)

    for outcome in ("ok", "cached", "syntax", "timeout"):
        assert grown("peninsula_queries_total", outcome) == 1, outcome
    for outcome in ("ok", "unchanged", "dry-run", "syntax"):
        assert grown("peninsula_updates_total", outcome) == 1, outcome
    assert grown("peninsula_rows_total") == 1
    assert grown("peninsula_cache_hits_total") == 1
    assert grown("peninsula_generation") == grown("peninsula_store_triples") == 1
    assert after["peninsula_readers_killed_total", "query-timeout"] >= 1
    assert after["peninsula_store_bytes", ""] > 10_000
    assert after["peninsula_in_memory", ""] == 0
    assert after["peninsula_memory_bytes", "writer"] > 1e6
    assert after["peninsula_readers", "waiting"] == after["peninsula_changes_waiting", ""] == 0
    assert grown("peninsula_requests_total", "GET,/sparql,2xx") == 2
    assert grown("peninsula_requests_total", "GET,/sparql,4xx") == 1
    assert grown("peninsula_requests_total", "GET,/sparql,5xx") == 1


def test_an_admin_sees_and_ends_what_runs(busy: Served) -> None:

    def list_queries() -> Any:
        return busy.client.get("/admin/queries", headers=busy.bearing("admin")).json

    # After a change there may still be who reads the names for search.
    wait_until(lambda: list_queries() == [])
    death = Asked(busy)
    listed = list_queries()
    assert listed
    (query,) = [each for each in listed if each["query"] == DEATH]
    assert query["hash"] == hash_query(DEATH)
    assert query["client"] == "127.0.0.1"
    assert query["generation"] == busy.database.current.number
    assert 0 <= query["seconds"] < query["timeout"] == 10
    path = f"/admin/queries/{query['id']}"
    assert busy.client.delete(path, headers=busy.bearing("admin")).status_code == 204
    ended = death.end()
    assert ended.status_code == 503
    assert ended.json
    assert ended.json["type"].endswith("query-cancelled")
    assert busy.client.delete(path, headers=busy.bearing("admin")).status_code == 404


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("read", 403), ("write", 403)])
def test_others_do_not(busy: Served, role: str | None, status: int) -> None:
    headers = busy.bearing(role) if role else {}
    for method, path in (("GET", "/admin/queries"), ("DELETE", "/admin/queries/1")):
        response = busy.client.open(path, method=method, headers=headers)
        assert response.status_code == status
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_query_over_its_time_is_a_clear_answer(busy: Served) -> None:
    response = busy.client.get("/sparql?" + urlencode({"query": DEATH, "timeout": "0.2"}))
    assert response.status_code == 504
    assert response.json
    assert response.json["type"].endswith("query-timeout")
    assert "0.2 s" in response.json["detail"]


def test_what_is_here_is_described(busy: Served) -> None:
    void = busy.client.get("/.well-known/void", headers={"Accept": "application/n-triples"}).text
    assert "http://rdfs.org/ns/void#triples" in void
    paths = busy.client.get("/openapi.json").json
    assert paths
    assert "/sparql" in paths["paths"]
