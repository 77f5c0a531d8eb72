"""Graphs over HTTP: read, put, added to, removed and patched, each alone or all together."""

from __future__ import annotations

import gzip
from typing import Any

import pyoxigraph as ox
import pytest
from werkzeug.test import TestResponse

from peninsula.dataset import delta as deltas
from peninsula.formats import DATASET_FORMATS, GRAPH_FORMATS, Format

from .conftest import BROWSER, Served

TURTLE = "text/turtle"
TRIPLES = "<x:s> <x:p> 1, 'ü'@ko .\n"


def send(
    site: Served,
    method: str,
    path: str,
    body: str | bytes = "",
    content_type: str = TURTLE,
    **headers: str,
) -> TestResponse:
    """Send a request as one who may write."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.client.open(
        path, method=method, data=body, content_type=content_type,
        headers={**site.bearing(), **given},
    )  # fmt: skip


def triples(site: Served, path: str) -> set[ox.Triple]:
    response = site.client.get(path, headers={"Accept": "application/n-triples"})
    assert response.status_code == 200, response.text
    return {q.triple for q in ox.parse(response.data, format=ox.RdfFormat.N_TRIPLES)}


def problem(response: TestResponse) -> str:
    assert response.mimetype == "application/problem+json"
    assert response.json
    assert response.json["status"] == response.status_code
    return str(response.json["type"].rpartition("/")[2])


@pytest.mark.parametrize("path", ["/store?graph=x:life", "/store/life", "/store?default"])
def test_the_life_of_a_graph(site: Served, path: str) -> None:
    is_named = "default" not in path
    if is_named:
        assert site.client.get(path).status_code == 404
        assert site.client.head(path).status_code == 404
        assert problem(send(site, "DELETE", path)) == "unknown-graph"
    put = send(site, "PUT", path, TRIPLES)
    assert (put.status_code, put.data) == (201 if is_named else 204, b"")
    assert put.headers["Peninsula-Generation"] == str(site.database.current.number)
    assert len(triples(site, path)) == 2
    assert site.client.head(path).status_code == 200
    assert send(site, "PUT", path, "<x:s> <x:p> 2 .").status_code == 204
    assert len(triples(site, path)) == 1
    assert send(site, "POST", path, "<x:s> <x:p> 2, 3 .").status_code == 204
    assert len(triples(site, path)) == 2
    assert send(site, "DELETE", path).status_code in {200, 204}
    if is_named:
        assert site.client.get(path).status_code == 404
    else:
        assert triples(site, path) == set()


def test_a_direct_address_names_a_graph(site: Served) -> None:
    path = "/store/named/%ED%95%9C%EA%B5%AD"
    name = f"http://localhost{path}"
    send(site, "PUT", path, "<> <x:p> 1 .")
    (triple,) = triples(site, path)
    assert triple.subject == ox.NamedNode(name), "relative to the graph itself"
    assert triples(site, f"/store?graph={name.replace('%', '%25')}") == {triple}


def test_triples_for_no_graph_make_a_new_one(site: Served) -> None:
    first = send(site, "POST", "/store", TRIPLES)
    second = send(site, "POST", "/store", TRIPLES)
    assert first.status_code == second.status_code == 201
    places = [response.headers["Location"] for response in (first, second)]
    assert len({*places}) == 2
    for place in places:
        assert place.startswith("http://localhost/store/")
        assert len(triples(site, place)) == 2


@pytest.mark.parametrize("format", GRAPH_FORMATS, ids=lambda f: f.name)
def test_a_graph_comes_and_goes_in_every_format(site: Served, format: Format) -> None:
    assert isinstance(format.engine, ox.RdfFormat)
    wanted = {
        ox.Triple(ox.NamedNode("x:s"), ox.NamedNode("http://x/p"), ox.Literal(n)) for n in range(9)
    }
    body = ox.serialize(wanted, format=format.engine)
    assert body
    path = f"/store?graph=x:{format.name}"
    assert send(site, "PUT", path, body, format.media_type).status_code == 201
    for response in (
        site.client.get(path, headers={"Accept": format.media_type}),
        site.client.get(f"{path}&format={format.name}"),
    ):
        assert response.content_type == format.content_type
        found = {quad.triple for quad in ox.parse(response.data, format=format.engine)}
        assert found == wanted


@pytest.mark.parametrize("format", DATASET_FORMATS, ids=lambda f: f.name)
def test_the_whole_comes_and_goes_with_its_graphs(site: Served, format: Format) -> None:
    assert isinstance(format.engine, ox.RdfFormat)
    quads = {
        ox.Quad(ox.NamedNode("x:s"), ox.NamedNode("x:p"), ox.Literal(1), graph)
        for graph in (ox.DefaultGraph(), ox.NamedNode("x:one"), ox.NamedNode("x:two"))
    }
    body = ox.serialize(quads, format=format.engine)
    assert body
    assert send(site, "PUT", "/store", body, format.media_type).status_code == 204
    response = site.client.get("/store", headers={"Accept": format.media_type})
    assert response.content_type == format.content_type
    assert {*ox.parse(response.data, format=format.engine)} == quads
    assert site.database.current.graphs == {"x:one": 1, "x:two": 1}
    assert (
        send(site, "POST", "/store", "<x:three> { <x:s> <x:p> 1 }", "application/trig").status_code
        == 204
    )
    assert site.database.current.triples == 4
    assert send(site, "DELETE", "/store").status_code in {200, 204}
    assert site.database.current.triples == 0


def test_a_graph_may_be_empty(site: Served) -> None:
    assert send(site, "PUT", "/store?graph=x:empty", "").status_code == 201
    assert site.database.current.graphs["x:empty"] == 0
    assert triples(site, "/store?graph=x:empty") == set()
    assert site.client.head("/store?graph=x:empty").status_code == 200


def test_blank_nodes_of_two_bodies_stay_apart(site: Served) -> None:
    path = "/store?graph=x:blank"
    for _ in range(2):
        send(site, "POST", path, "_:b <x:p> 1 .")
    assert len(triples(site, path)) == 2


def test_a_body_may_come_packed_and_in_parts(site: Served) -> None:
    path = "/store?graph=x:packed"
    response = send(site, "PUT", path, gzip.compress(TRIPLES.encode()), Content_Encoding="gzip")
    assert response.status_code == 201
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.ttl"\r\n'
        b"Content-Type: text/turtle\r\n\r\n<x:a> <x:p> 1 .\r\n"
        b'--x\r\nContent-Disposition: form-data; name="b"; filename="b.nt"\r\n'
        b"Content-Type: application/n-triples\r\n\r\n<x:b> <x:p> <x:c> .\r\n--x--\r\n"
    )
    response = send(site, "POST", path, parts, "multipart/form-data; boundary=x")
    assert response.status_code == 204, response.text
    assert {str(t.subject) for t in triples(site, path)} == {"<x:s>", "<x:a>", "<x:b>"}


# PATCH


def test_a_graph_is_patched(site: Served) -> None:
    path = "/store?graph=x:patched"
    send(site, "PUT", path, "<x:a> <x:p> <x:one> .")
    patch = "TX .\nA <x:a> <x:p> <x:two> <x:patched> .\nD <x:a> <x:p> <x:one> <x:patched> .\nTC .\n"
    response = send(site, "PATCH", path, patch, "application/rdf-patch")
    assert response.status_code == 204, response.text
    assert [str(t.object) for t in triples(site, path)] == ["<x:two>"]
    text = "DELETE { GRAPH <x:patched> { ?s ?p ?o } } INSERT { GRAPH <x:patched> { ?s ?p 3 } } WHERE { GRAPH <x:patched> { ?s ?p ?o } }"
    response = send(site, "PATCH", path, text, "application/sparql-update")
    assert response.status_code == 204, response.text
    assert len(triples(site, path)) == 1
    for kind, body in (
        ("application/rdf-patch", "A <x:a> <x:p> <x:o> <x:other> .\n"),
        ("application/sparql-update", "INSERT DATA { GRAPH <x:other> { <x:a> <x:p> 1 } }"),
    ):
        assert problem(send(site, "PATCH", path, body, kind)) == "query-forbidden"
    assert "x:other" not in site.database.current.graphs


def test_what_it_takes_is_told(site: Served) -> None:
    response = site.client.get("/store?default")
    assert "application/rdf-patch" in response.headers["Accept-Patch"]
    assert "text/turtle" in response.headers["Accept-Post"]
    options = site.client.options("/store")
    assert {"GET", "PUT", "PATCH"} <= {*options.headers["Allow"].split(", ")}


# Preconditions


def test_a_graph_that_changed_meanwhile_is_not_overwritten(site: Served) -> None:
    path = "/store?graph=x:raced"
    assert send(site, "PUT", path, TRIPLES, If_None_Match="*").status_code == 201
    assert problem(send(site, "PUT", path, TRIPLES, If_None_Match="*")) == "precondition-failed"
    tag = site.client.get(path).headers["ETag"]
    assert not tag.startswith("W/")
    assert send(site, "PUT", path, "<x:s> <x:p> 1 .", If_Match=tag).status_code == 204
    late = send(site, "PUT", path, "<x:s> <x:p> 2 .", If_Match=tag)
    assert (late.status_code, problem(late)) == (412, "precondition-failed")
    assert send(site, "DELETE", path, If_Match=tag).status_code == 412
    assert len(triples(site, path)) == 1
    new = site.client.get(path).headers["ETag"]
    assert send(site, "DELETE", path, If_Match=new).status_code in {200, 204}
    assert send(site, "PUT", path, TRIPLES, If_Match="*").status_code == 412, "there is none"


# Dry runs


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_a_dry_run_changes_nothing(site: Served, method: str) -> None:
    send(site, "PUT", "/store?graph=x:dry", TRIPLES)
    before = site.database.current
    is_patch = method == "PATCH"
    body = "A <x:s> <x:p> <x:new> <x:dry> .\n" if is_patch else "<x:s> <x:p> <x:new> ."
    kind = "application/rdf-patch" if is_patch else TURTLE
    response = send(site, method, "/store?graph=x:dry&dry-run=true", body, kind)
    assert response.status_code == 200
    assert response.mimetype == "application/rdf-patch"
    patch = deltas.read_patch(response.data).net()
    expected = {"PUT": (1, 2), "POST": (1, 0), "DELETE": (0, 2), "PATCH": (1, 0)}[method]
    assert (len(patch.added), len(patch.removed)) == expected
    told = send(site, method, "/store?graph=x:dry&dry-run=true&format=json", body, kind)
    assert told.json
    assert (told.json["added"], told.json["removed"]) == expected
    assert deltas.read_patch(told.json["patch"].encode()).net() == patch
    assert site.database.current == before


# What cannot be done

Wrong = tuple[str, str, str | bytes, str, dict[str, str], int, str]
WRONG: list[Wrong] = [
    ("PUT", "/store?graph=x:no", "<x:s> <x:p> .", TURTLE, {}, 400, "invalid-upload"),
    ("PUT", "/store?graph=x:no", "{", "application/ld+json", {}, 400, "invalid-upload"),
    ("PUT", "/store?graph=x:no", TRIPLES, "application/pdf", {}, 415, "unsupported-media-type"),
    ("PUT", "/store?graph=x:no", TRIPLES, "text/turtle; charset=latin-1", {}, 415, "unsupported-media-type"),
    ("PUT", "/store?graph=x:no", TRIPLES, "", {}, 400, "protocol-error"),
    ("PUT", "/store?graph=no iri", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store?graph=relative", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store?graph=", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store?graph=x:a&graph=x:b", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store?graph=x:a&default", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store/direct?graph=x:a", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store?graph=x:no", "<x:g> { <x:s> <x:p> 1 }", "application/trig", {}, 400, "protocol-error"),
    ("PUT", "/store?graph=x:no", gzip.compress(b"x", mtime=0)[:9], TURTLE, {"Content_Encoding": "gzip"}, 400, "protocol-error"),
    ("PUT", "/store?graph=x:no", TRIPLES, TURTLE, {"Content_Encoding": "rot13"}, 415, "unsupported-encoding"),
    ("PUT", "/store?graph=x:no&generation=1", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store?graph=x:no&format=json", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store?graph=x:no&dry-run=1", TRIPLES, TURTLE, {}, 400, "protocol-error"),
    ("PUT", "/store?graph=x:no", b"<!DOCTYPE x [<!ENTITY a 'b'>]><rdf/>", "application/rdf+xml", {}, 400, "refused-payload"),
    ("PUT", "/store?graph=x:no", b"[" * 5000, "application/ld+json", {}, 400, "refused-payload"),
    ("PATCH", "/store?graph=x:no", "nonsense", "application/rdf-patch", {}, 400, ""),
    ("PATCH", "/store?graph=x:no", "nonsense", "application/sparql-update", {}, 400, "query-syntax-error"),
    ("PATCH", "/store?graph=x:no", TRIPLES, TURTLE, {}, 415, "unsupported-media-type"),
    ("POST", "/store", b"--x", "multipart/form-data", {}, 400, ""),
    ("QUERY", "/store?default", "", TURTLE, {}, 405, "method-not-allowed"),
    ("DELETE", "/store?graph=x:none", "", TURTLE, {}, 404, "unknown-graph"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "kind", "headers", "status", "slug"), WRONG)
def test_what_cannot_be_done_is_told_and_nothing_is_changed(
    site: Served,
    method: str,
    path: str,
    body: str | bytes,
    kind: str,
    headers: dict[str, Any],
    status: int,
    slug: str,
) -> None:
    before = site.database.current
    response = send(site, method, path, body, kind, **headers)
    assert response.status_code == status, response.text
    assert slug in problem(response)
    assert site.database.current == before
    assert not list(site.database.generations.spool.glob("*")), "nothing is left lying about"


def test_a_bad_body_is_told_with_its_place(site: Served) -> None:
    response = send(site, "PUT", "/store?graph=x:no", "<x:s> <x:p> 1 .\n<x:s> nonsense .")
    assert response.json
    assert (response.json["line"], response.json["column"]) == (2, 7)
    page = send(site, "PUT", "/store?graph=x:no", "nonsense", **BROWSER)
    assert (page.status_code, page.mimetype) == (400, "text/html")


def test_an_unacceptable_format_is_told(site: Served) -> None:
    for path, headers in (
        ("/store?default", {"Accept": "image/png"}),
        ("/store?default&format=docx", {}),
        ("/store", {"Accept": "text/turtle"}),
    ):
        response = site.client.get(path, headers=headers)
        assert response.status_code == 406
        assert problem(response) == "not-acceptable"
