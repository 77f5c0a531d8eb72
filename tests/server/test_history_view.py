"""The past over HTTP: which states there were, and what each of them changed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from peninsula.dataset import delta as deltas
from peninsula.dataset.generations import format_instant
from peninsula.dataset.interface import Asker
from peninsula.dataset.patches import read_head, rows_of
from peninsula.knowledge import Knowledge
from peninsula.namespaces import expand

from .conftest import BROWSER, Served, serving_app, wait_until
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
    assert {"/history/2", "/history/diff?from=2&to=3", "/?generation=2"} <= set(hrefs)
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


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge) -> Iterator[Served]:
    """Return an application that serves the small scene and keeps two generations."""
    with serving_app(tmp_path_factory.mktemp("scene"), knowledge, keep=2) as served:
        insert = "INSERT DATA {{ GRAPH graph:more {{ event:hanoi skos:note {} }} }}"
        served.update(insert.format('"first"@en, "<b>second</b>"'))
        served.update(
            'DELETE DATA { GRAPH graph:more { event:hanoi skos:note "first"@en } } ; '
            'INSERT DATA { GRAPH graph:more { event:hanoi skos:note "third"@ko } }'
        )
        served.update('INSERT DATA { GRAPH graph:more { place:hanoi skos:note "a city" } }')
        wait_until(lambda: [one.number for one in served.database.all()] == [3, 4])
        yield served


def page(served: Served, path: str, status: int = 200) -> str:
    response = served.client.get(path, headers=BROWSER)
    assert response.status_code == status, response.text
    outline = Outline()
    outline.feed(response.text)
    assert not outline.open
    return response.text


def test_the_list_tells_of_what_is_kept_no_longer(scene: Served) -> None:
    text = page(scene, "/history")
    assert [int(n) for n in re.findall(r'<a href="/history/(\d+)">\1<', text)] == [4, 3, 2, 1]
    assert text.count("no longer kept") == 2
    assert "a-writeer" in text
    assert [one["number"] for one in scene.client.get("/history").json or []] == [4, 3]
    # Older pages begin after the last one shown.
    assert re.findall(r'<a href="/history/(\d+)">\1<', page(scene, "/history?before=3")) == [
        "2",
        "1",
    ]
    assert "There is none before that" in page(scene, "/history?before=1")


def test_changes_that_name_a_thing_are_found(scene: Served) -> None:
    text = page(scene, "/history?thing=event:hanoi")
    assert re.findall(r'<a href="/history/(\d+)\?thing=event%3Ahanoi">', text) == ["3", "2", "1"]
    assert "No change that was looked through names it" in page(scene, "/history?thing=state:x")
    assert "is no name for the parameter" in page(scene, "/history?thing=a+b", 400)
    one = page(scene, "/history/4?thing=event:hanoi")
    assert "Nothing of it differs" in one
    assert "a city" not in one


def test_what_a_generation_changed_is_told_by_thing(scene: Served) -> None:
    text = page(scene, "/history/3")
    assert "Hanoi summit" in text
    assert "1 statement added" in text
    assert "1 statement removed" in text
    assert re.search(r"<del>.*first", text)
    assert re.search(r'<ins>.*lang="ko">third', text)
    assert "besides" in text, "the server's own record is counted apart"
    assert "/pin" in text
    assert "&lt;b&gt;second&lt;/b&gt;" in page(scene, "/history/2")
    assert "peninsula history rebuild 2" in page(scene, "/history/2")
    assert scene.client.get("/history/2").status_code == 404
    assert scene.client.get("/history/3?format=patch").mimetype == "application/rdf-patch"
    assert "has been no generation 5 yet" in page(scene, "/history/5", 404)


def test_two_generations_are_compared_by_their_patches(scene: Served) -> None:
    # Neither 1 nor 2 is kept, but what changed since is on record.
    found = scene.client.get("/history/diff?from=1&to=4").json
    assert found
    assert (found["added"], found["removed"], found["complete"]) == (3, 0, True)
    assert {(s["is_added"], s["object"]) for s in found["statements"]} == {
        (True, '"<b>second</b>"'), (True, '"third"@ko'), (True, '"a city"'),
    }  # fmt: skip
    back = scene.client.get("/history/diff?from=4&to=2").json
    assert back
    assert {(s["is_added"], s["object"]) for s in back["statements"]} == {
        (True, '"first"@en'), (False, '"third"@ko'), (False, '"a city"'),
    }  # fmt: skip
    sent = scene.client.get("/history/diff.rdfp?from=1&to=4")
    assert len(deltas.read_patch(sent.data).net().added) == 3
    assert "third" in page(scene, "/history/diff?from=2&to=4")
    assert "It is the same generation" in page(scene, "/history/diff?from=4&to=4")
    only = scene.client.get("/history/diff?from=1&to=4&thing=place:hanoi").json
    assert only
    assert [s["object"] for s in only["statements"]] == ['"a city"']
    for query, status in (("from=0", 400), ("from=x", 400), ("to=9", 404), ("page=-1", 400)):
        assert scene.client.get(f"/history/diff?{query}").status_code == status


def test_a_load_in_bulk_is_compared_by_what_is_kept(past: Served) -> None:
    rows = b"".join(past.database.difference(1, 3, Asker()))
    assert {(row.is_added, row.text) for row in rows_of(rows.splitlines(keepends=True))} == {
        (True, f'<x:a> <x:p> "1"^^<{expand("xsd:integer")}> .\n'.encode()),
        (True, f'<x:a> <x:p> "1"^^<{expand("xsd:integer")}> <x:g> .\n'.encode()),
    }
    back = b"".join(past.database.difference(3, 2, Asker()))
    assert [row.is_added for row in rows_of(back.splitlines(keepends=True))] == [True]


def test_one_is_led_to_a_page_as_of_then(scene: Served) -> None:
    def lead(**parameters: str) -> TestResponse:
        return scene.client.get("/history/at", query_string=parameters)

    published = scene.database.find(3).published
    assert lead(when="3", page="/positions").location == "/positions?generation=3"
    assert lead(when=format_instant(published)).location == "/?generation=3"
    assert lead(when="2999-01-01").location == "/?generation=4"
    # Also where that state is kept no longer: the page says so then.
    before = read_head(scene.database.generations.patch(2), 2).published
    assert before
    assert lead(when=format_instant(before)).location == "/?generation=2"
    assert lead(when="4", page="//example.org").location == "/?generation=4"
    assert lead(when="1999-12-31").status_code == 404
    for wrong in ("", "soon", "2026-13-01"):
        assert lead(when=wrong).status_code == 400


def test_an_address_of_what_is_kept_no_longer_says_what_to_do(scene: Served) -> None:
    text = page(scene, "/id/event/hanoi?generation=2", 404)
    assert "Generation 2 is kept no longer" in text
    assert 'href="/id/event/hanoi?generation=3"' in text
    assert "2 statements differ, of which 2 name this thing" in text
    assert "peninsula history rebuild 2" in text
    other = page(scene, "/id/place/hanoi?generation=2&x=1", 404)
    assert "2 statements differ, and none of them names this thing" in other
    assert 'href="/id/place/hanoi?generation=3&amp;x=1"' in other or "x=1" in other
    # For a program it is the problem that it always was.
    problem = scene.client.get("/sparql?query=ASK{}&generation=2")
    assert problem.status_code == 404
    assert problem.json
    assert problem.json["type"].endswith("unknown-generation")
    # What never was is no state of before.
    assert "is kept no longer" not in page(scene, "/?generation=77", 404)


def test_whoever_may_write_keeps_what_they_cite(scene: Served) -> None:
    def pin(method: str, role: str = "", number: int = 3) -> TestResponse:
        headers = scene.bearing(role) if role else {}
        return scene.client.open(f"/history/{number}/pin", method=method, headers=headers)

    assert pin("GET").json == {"number": 3, "pinned": False}
    assert pin("PUT").status_code == 401
    assert pin("PUT", "read").status_code == 403
    assert pin("PUT", "write", 2).status_code == 404, "what is gone cannot be kept"
    assert pin("PUT", "write").json == {"number": 3, "pinned": True}
    assert "kept for good" in page(scene, "/history")
    assert "It is kept for good" in page(scene, "/history/3")
    scene.update('INSERT DATA { GRAPH graph:more { place:hanoi skos:note "x" } }')
    scene.update('INSERT DATA { GRAPH graph:more { place:hanoi skos:note "y" } }')

    def is_alone() -> bool:
        numbers = [one.number for one in scene.database.all()]
        if numbers == [3, numbers[-1] - 1, numbers[-1]]:
            return True
        # One that somebody asked just when it was to go, goes with a later change.
        time.sleep(0.5)
        scene.update(f'INSERT DATA {{ GRAPH graph:more {{ place:hanoi skos:note "{numbers}" }} }}')
        return False

    wait_until(is_alone, 30)
    assert "third" in page(scene, "/id/event/hanoi.html?generation=3")
    assert pin("DELETE", "write").status_code == 403, "others may cite it"
    assert pin("DELETE", "admin").json == {"number": 3, "pinned": False}


def test_an_empty_store_and_one_in_memory_have_a_history(
    client: FlaskClient, tmp_path: Path
) -> None:
    text = client.get("/history", headers=BROWSER).text
    assert "Generations" in text
    assert client.get("/history/1", headers=BROWSER).status_code == 200
    assert client.get("/history/diff", headers=BROWSER).status_code == 200
    assert client.put("/history/1/pin").status_code == 404
    with serving_app(tmp_path) as served:
        assert "an empty store" in page(served, "/history")
        assert "Nothing of it differs" in page(served, "/history/1")
