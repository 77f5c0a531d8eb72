"""The past over HTTP: which states there were, and what each of them changed."""

from __future__ import annotations

import re
from urllib.parse import quote

import pyoxigraph as ox
import pytest

from peninsula.dataset import delta as deltas
from peninsula.dataset.generations import format_instant

from .conftest import BROWSER, Served, serving_app
from .test_views import Outline


@pytest.fixture(scope="module")
def past(site: Served) -> Served:
    """Return the site with generations 2 and 3."""
    site.update("INSERT DATA { <x:a> <x:p> 1, 2 GRAPH <x:g> { <x:a> <x:p> 1 } }")
    site.update("DELETE DATA { <x:a> <x:p> 2 }")
    return site


def test_the_newest_comes_first(past: Served) -> None:
    listed = past.client.get("/history").json
    assert listed
    assert [one["number"] for one in listed] == [3, 2, 1]
    newest = listed[0]
    assert newest == past.client.get("/history/3").json
    assert newest["url"] == "http://localhost/history/3"
    assert newest["patch"] == "http://localhost/history/3.rdfp"
    assert newest["published"] == format_instant(past.database.find(3).published)
    assert newest["agents"] == ["a-writeer"]
    assert (newest["added"], newest["removed"], newest["triples"]) == (0, 1, 2)
    assert newest["graphs"] == {"x:g": 1}
    assert newest["summary"] == "update"


def test_what_each_changed_can_be_had(past: Served) -> None:
    store = ox.Store()
    for number in (2, 3):
        response = past.client.get(f"/history/{number}.rdfp")
        assert response.mimetype == "application/rdf-patch"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert f"H id <https://w3id.org/peninsula/history/{number}> .".encode() in response.data
        deltas.apply(store, deltas.read_patch(response.data).net())
        assert set(store) == set(past.database.generations.open(number))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/history/99", "unknown-generation"),
        ("/history/99.rdfp", "unknown-generation"),
        ("/history/0", "unknown-generation"),
        ("/history/x", ""),
    ],
)
def test_what_never_was_is_told(past: Served, path: str, kind: str) -> None:
    response = past.client.get(path)
    assert response.status_code == 404
    assert response.json
    assert kind in response.json["type"]


def test_the_page_is_well_formed_and_its_links_lead_somewhere(past: Served) -> None:
    page = past.client.get("/history", headers=BROWSER)
    assert page.mimetype == "text/html"
    outline = Outline()
    outline.feed(page.text)
    assert not outline.open
    hrefs = [a.get("href") or "" for tag, a in outline.seen if tag == "a"]
    assert any(href.endswith("/history/2.rdfp") for href in hrefs)
    for href in hrefs:
        if href.startswith("/"):
            found = past.client.get(href, headers=BROWSER, follow_redirects=True)
            assert found.status_code == 200, href


def test_a_timemap_lists_the_states_of_an_address(past: Served) -> None:
    original = "http://localhost/sparql?query=ASK+%7B%7D&generation=2"
    response = past.client.get(f"/timemap?url={quote(original, safe='')}")
    assert response.mimetype == "application/link-format"
    lines = response.text.strip().split(",\n")
    assert lines[0] == '<http://localhost/sparql?query=ASK+%7B%7D>; rel="original timegate"'
    assert 'rel="self"' in lines[1]
    assert len(lines) == 5
    for number, line in enumerate(lines[2:], start=1):
        address = re.match(r"<([^>]+)>", line)
        assert address
        assert f"generation={number}" in address[1]
        assert past.client.get(address[1]).headers["Peninsula-Generation"] == str(number)


@pytest.mark.parametrize("url", ["", "http://example.org/", "/sparql", "http://[", "nonsense"])
def test_an_address_of_others_has_no_timemap_here(past: Served, url: str) -> None:
    response = past.client.get(f"/timemap?url={quote(url, safe='')}")
    assert response.status_code == 400
    assert response.json
    assert response.json["type"].endswith("parameter-error")


def test_the_history_graph_tells_it_as_well(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving_app(tmp_path_factory.mktemp("kept"), history_graph="always") as served:
        served.update("INSERT DATA { <x:a> <x:p> 1 }")
        query = "SELECT ?who ?what { GRAPH graph:history { ?c prov:wasAssociatedWith/rdfs:label ?who ; rdfs:label ?what } }"
        answer = served.client.get("/sparql", query_string={"query": query, "format": "csv"})
        assert answer.data == b'who,what\r\na-writeer,"update: 1 added, 0 removed"\r\n'
        name = "https://w3id.org/peninsula/graph/history"
        refused = served.update(f"INSERT DATA {{ GRAPH <{name}> {{ <x:a> <x:p> 1 }} }}")
        assert refused.status_code == 403
        served.update("CLEAR ALL")
        assert len(served.database.current.graphs) == 1, "the trail of who did what stays"
        assert served.database.current.graphs[name] > 10
