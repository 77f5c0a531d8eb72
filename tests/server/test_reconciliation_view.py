"""The service over HTTP: who may ask it, in which form it answers, and its page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from peninsula.knowledge import Knowledge
from peninsula.search import CandidateIndex
from peninsula.views import site as views

from .conftest import BROWSER, Served, serving_app

BATCH = {"queries": json.dumps({"q0": {"query": "Russia"}})}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge) -> Iterator[Served]:
    """Return an application that wants a token for reading, and is read by one other site."""
    folder = tmp_path_factory.mktemp("guarded")
    with serving_app(
        folder, knowledge, read_token=True, cors=("https://refine.example",)
    ) as served:
        yield served


def test_the_same_address_is_a_page_for_people_and_a_manifest_for_programs(
    client: FlaskClient,
) -> None:
    assert client.get("/reconcile").json["versions"] == ["0.1", "0.2"]  # type: ignore[index]
    assert client.get("/reconcile", headers={"Accept": "application/json"}).is_json
    page = client.get("/reconcile", headers=BROWSER)
    assert page.content_type.startswith("text/html")
    assert "http://localhost/reconcile" in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    # A browser that tries a query by hand is shown the answer.
    answer = client.get("/reconcile", headers=BROWSER, query_string=BATCH)
    assert answer.is_json
    assert answer.json["q0"]["result"][0]["id"] == "state:russia"  # type: ignore[index]


def test_an_answer_can_be_kept(client: FlaskClient) -> None:
    first = client.post("/reconcile", data=BATCH)
    assert first.status_code == 200
    again = client.post("/reconcile", data=BATCH)
    assert again.data == first.data
    other = client.post("/reconcile", data={"queries": '{"q0": {"query": "Japan"}}'})
    assert other.data != first.data
    assert other.headers["ETag"] != first.headers["ETag"]
    pinned = client.post("/reconcile?generation=999999", data=BATCH)
    assert pinned.status_code == 404


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/reconcile", BATCH),
        ("/reconcile", {"names": "Russia", "format": "json"}),
        ("/reconcile/suggest/entity", {"prefix": "Russ"}),
    ],
)
def test_what_is_found_while_an_index_is_made_is_not_kept(
    client: FlaskClient, path: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    query = {**query, "timeout": "29"}
    with monkeypatch.context() as patched:
        patched.setattr(
            "peninsula.views.reconcile.open_index", lambda: CandidateIndex(views.dataset())
        )
        first = client.get(path, query_string=query)
    assert first.headers["Cache-Control"] == "no-store"
    assert "ETag" not in first.headers
    assert "ETag" in client.get(path, query_string=query).headers


def test_names_on_the_page(client: FlaskClient) -> None:
    names = {"names": "Russia\r\n\r\n Rusia \n<b>x</b>", "type": "pen:State"}
    page = client.get("/reconcile", headers=BROWSER, query_string=names)
    assert page.status_code == 200
    assert "<b>x</b>" not in page.text and "&lt;b&gt;x&lt;/b&gt;" in page.text
    assert 'href="/id/state/russia' in page.text
    table = client.get("/reconcile", query_string={**names, "format": "csv"})
    assert table.content_type.startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert rows[0]["asked"] == "Russia" and rows[0]["match"] == "true"
    assert rows[0]["id"] == "state:russia"
    assert rows[0]["iri"].endswith("/id/state/russia")
    assert "name 100" in rows[0]["why"]
    assert rows[-1]["asked"] == "<b>x</b>" and rows[-1]["match"] != "true"
    told = client.get("/reconcile", query_string={**names, "format": "json"}).json
    assert told is not None and list(told) == ["q0", "q1", "q2"]


def test_a_card_may_be_framed_and_nothing_else(client: FlaskClient) -> None:
    for _ in range(2):  # the second comes from the cache
        card = client.get("/reconcile/preview?id=state:russia", headers=BROWSER)
        assert card.status_code == 200
        policies = card.headers.getlist("Content-Security-Policy")
        assert len(policies) == 1 and "frame-ancestors *" in policies[0]
        assert "script-src" not in policies[0]
    assert "<script" not in card.text
    lost = client.get("/reconcile/preview?id=state:nowhere", headers=BROWSER)
    assert "frame-ancestors 'none'" in lost.headers["Content-Security-Policy"]


def test_features_lead_to_what_they_mean(client: FlaskClient) -> None:
    manifest = client.get("/reconcile").json
    assert manifest is not None
    address = manifest["feature_view"]["url"].replace("{{id}}", "name")
    assert client.get(address).location == "/reconcile#feature-name"
    other = client.get("/reconcile/features/%5Epen:isTenureOf%2Fpen:isTenureIn")
    assert other.location == "/reconcile#feature-property"
    page = client.get("/reconcile", headers=BROWSER).text
    for id in ("name", "alias", "context", "date", "identifier", "type", "kind", "property"):
        assert f'id="feature-{id}"' in page


def test_a_token_is_needed_as_for_every_reading(guarded: Served) -> None:
    bearer = guarded.bearing("read")
    # How to authenticate is told to everybody, and nothing of the graph.
    manifest = guarded.client.get("/reconcile").json
    assert manifest is not None
    assert manifest["authentication"]["name"] == "Authorization"
    assert manifest["defaultTypes"] == []
    full = guarded.client.get("/reconcile", headers=bearer).json
    assert full is not None and full["defaultTypes"]
    for path in (
        "/reconcile?queries=%7B%7D", "/reconcile?query=x", "/reconcile?names=x",
        "/reconcile?extend=%7B%22ids%22%3A%5B%5D%2C%22properties%22%3A%5B%5D%7D",
        "/reconcile/suggest/entity?prefix=x", "/reconcile/suggest/type?prefix=x",
        "/reconcile/suggest/property?prefix=x", "/reconcile/flyout/entity?id=state:russia",
        "/reconcile/preview?id=state:russia", "/reconcile/properties?type=pen:State",
        "/reconcile/view?id=state:russia",
    ):  # fmt: skip
        refused = guarded.client.get(path)
        assert refused.status_code == 401, path
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert guarded.client.get(path, headers=bearer).status_code in {200, 303}, path
    assert guarded.client.get("/reconcile", headers=BROWSER).status_code == 401
    assert guarded.client.post("/reconcile", data=BATCH).status_code == 401
    wrong = {"Authorization": "Bearer nothing"}
    assert guarded.client.get("/reconcile", headers=wrong).status_code == 401


def test_jsonp_opens_no_door_that_cors_keeps_shut(guarded: Served) -> None:
    bearer = guarded.bearing("read")
    refused = guarded.client.get("/reconcile?callback=f", headers=bearer)
    assert refused.status_code == 403
    assert refused.content_type == "application/problem+json"
    allowed = guarded.client.get(
        "/reconcile", headers={**bearer, "Origin": "https://refine.example"}
    )
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://refine.example"
    other = guarded.client.get("/reconcile", headers={**bearer, "Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_an_empty_store_has_a_service_all_the_same(tmp_path: Path) -> None:
    with serving_app(tmp_path) as served:
        client = served.client
        assert client.get("/reconcile").json["defaultTypes"] == []  # type: ignore[index]
        assert client.get("/reconcile?names=x", headers=BROWSER).status_code == 200
        assert client.post("/reconcile", data=BATCH).json == {"q0": {"result": []}}
        assert client.get("/reconcile/suggest/entity?prefix=x").json == {"result": []}
        assert client.get("/reconcile/suggest/type?prefix=x").json == {"result": []}
        assert client.get("/reconcile/properties?type=").json == {"type": "", "properties": []}
        assert client.get("/reconcile/preview?id=person:x").status_code == 404
        # A graph of others, without a class of ours: its own classes are the types.
        served.update(
            "PREFIX ex: <http://example.org/> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
            'INSERT DATA { ex:ann a ex:Cook ; rdfs:label "Ann Lee" ; ex:born "1984" . }'
        )
        manifest = client.get("/reconcile").json
        assert manifest is not None
        assert manifest["defaultTypes"] == [
            {"id": "http://example.org/Cook", "name": "http://example.org/Cook"}
        ]
        found = client.post("/reconcile", data={"queries": json.dumps({
            "q": {"query": "Lee, Ann", "type": "http://example.org/Cook",
                  "properties": [{"pid": "http://example.org/born", "v": 1984}]}})}).json  # fmt: skip
        assert found is not None
        assert found["q"]["result"][0]["id"] == "http://example.org/ann"
        assert found["q"]["result"][0]["match"]
        view = manifest["view"]["url"].replace("{{id}}", "http%3A%2F%2Fexample.org%2Fann")
        assert client.get(view).location == "http://example.org/ann"
