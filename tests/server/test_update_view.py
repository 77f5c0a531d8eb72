"""Updates over HTTP: who may, what they change, and what is told of it."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from peninsula.dataset import delta as deltas

from .conftest import BROWSER, Served, serving_app

SPARQL_UPDATE = "application/sparql-update"


def ask(served: Served, query: str) -> list[dict[str, str]]:
    """Return the solutions of a query, as texts."""
    answer = served.client.get("/sparql?" + urlencode({"query": query})).json
    assert answer
    rows = answer["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in rows]


def values(served: Served, subject: str) -> list[str]:
    return sorted(row["o"] for row in ask(served, f"SELECT ?o {{ <{subject}> ?p ?o }}"))


def problem(response: TestResponse) -> str:
    assert response.mimetype == "application/problem+json"
    assert response.json
    assert response.json["status"] == response.status_code
    return str(response.json["type"].rpartition("/")[2])


def test_an_update_is_made_and_told(site: Served) -> None:
    before = site.database.current.number
    response = site.update("INSERT DATA { <x:told> <x:p> 1, 2 GRAPH <x:new> { <x:a> <x:p> 1 } }")
    assert response.status_code == 200
    assert response.json == {
        "generation": before + 1, "added": 3, "removed": 0, "created": ["x:new"], "dropped": [],
    }  # fmt: skip
    assert response.headers["Peninsula-Generation"] == str(before + 1)
    assert values(site, "x:told") == ["1", "2"]
    again = site.update("INSERT DATA { <x:told> <x:p> 1 }")
    assert again.json
    assert (again.json["generation"], again.json["added"]) == (before + 1, 0)


def test_a_form_is_taken_as_well(site: Served) -> None:
    text = "INSERT DATA { <x:form> <x:p> 'ü&+%' }"
    response = site.client.post("/update", data={"update": text}, headers=site.bearing())
    assert response.status_code == 200
    assert values(site, "x:form") == ["ü&+%"]


def test_an_update_may_come_packed(site: Served) -> None:
    response = site.client.post(
        "/update",
        data=gzip.compress(b"INSERT DATA { <x:packed> <x:p> 1 }"),
        content_type=SPARQL_UPDATE,
        headers={**site.bearing(), "Content-Encoding": "gzip"},
    )
    assert response.status_code == 200
    assert values(site, "x:packed") == ["1"]


def test_the_protocol_names_the_dataset_of_where(site: Served) -> None:
    site.update("INSERT DATA { GRAPH <x:u1> { <x:u> <x:p> 1 } GRAPH <x:u2> { <x:u> <x:p> 2 } }")
    text = "INSERT { <x:from> <x:p> ?o } WHERE { <x:u> <x:p> ?o }"
    assert site.update(text).json["added"] == 0  # type: ignore[index]
    assert site.update(text, **{"using-graph-uri": "x:u1"}).json["added"] == 1  # type: ignore[index]
    named = "INSERT { <x:from> <x:q> ?g } WHERE { GRAPH ?g { <x:u> <x:p> ?o } }"
    assert site.update(named, **{"using-named-graph-uri": "x:u2"}).json["added"] == 1  # type: ignore[index]
    assert values(site, "x:from") == ["1", "x:u2"]
    both = "INSERT { <x:no> <x:p> ?o } USING <x:u2> WHERE { <x:u> <x:p> ?o }"
    assert problem(site.update(both, **{"using-graph-uri": "x:u1"})) == "protocol-error"


# Who may


@pytest.mark.parametrize(
    ("header", "status", "challenge"),
    [
        (None, 401, 'Bearer realm="peninsula"'),
        ("Bearer pen_wrong", 401, 'Bearer realm="peninsula", error="invalid_token"'),
        ("Basic bWU6c2VjcmV0", 401, 'Bearer realm="peninsula"'),
        ("Bearer", 400, None),
        ("Bearer a b", 400, None),
        (
            "read",
            403,
            'Bearer realm="peninsula", error="insufficient_scope", scope="write"',
        ),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/update"), ("PUT", "/store?default"), ("POST", "/store"), ("DELETE", "/store"),
     ("PATCH", "/store?default")],
)  # fmt: skip
def test_whoever_may_not_is_told_how_to(
    site: Served, method: str, path: str, header: str | None, status: int, challenge: str | None
) -> None:
    before = site.database.current
    given = site.bearing("read")["Authorization"] if header == "read" else header
    response = site.client.open(
        path,
        method=method,
        data="CLEAR ALL",
        content_type=SPARQL_UPDATE,
        headers={"Authorization": given} if given else {},
    )
    assert response.status_code == status
    assert problem(response) in {"unauthorized", "forbidden", "protocol-error"}
    assert response.headers.get("WWW-Authenticate") == challenge
    assert site.database.current == before


def test_an_admin_may_write(site: Served) -> None:
    response = site.client.post(
        "/update", data="INSERT DATA { <x:admin> <x:p> 1 }", content_type=SPARQL_UPDATE,
        headers=site.bearing("admin"),
    )  # fmt: skip
    assert response.status_code == 200
    assert site.database.current.agents == ("a-adminer",)


# What cannot be done


@pytest.mark.parametrize(
    ("text", "parameters", "status", "kind"),
    [
        ("INSERT DATA {", {}, 400, "query-syntax-error"),
        ("INSERT DATA { <x:half> <x:p> 1 } ; nonsense", {}, 400, "query-syntax-error"),
        ("SELECT * {}", {}, 400, "protocol-error"),
        ("", {}, 400, "protocol-error"),
        ("CLEAR ALL", {"generation": "1"}, 400, "protocol-error"),
        ("CLEAR ALL", {"format": "json"}, 400, "protocol-error"),
        ("CLEAR ALL", {"dry-run": "maybe"}, 400, "protocol-error"),
        ("CLEAR ALL", {"dry-run": "true", "format": "docx"}, 406, "not-acceptable"),
        ("CLEAR ALL", {"query": "ASK {}"}, 400, "protocol-error"),
        ("CLEAR ALL", {"default-graph-uri": "x:g"}, 400, "protocol-error"),
        ("CLEAR ALL", {"using-graph-uri": "no iri"}, 400, "protocol-error"),
        ("CLEAR ALL", {"timeout": "-1"}, 400, "protocol-error"),
        ("DROP GRAPH <x:none>", {}, 400, ""),
        ("LOAD <http://127.0.0.1/>", {}, 403, "query-forbidden"),
        ("LOAD <file:///etc/passwd>", {}, 403, "query-forbidden"),
        ("INSERT { ?s ?p ?o } WHERE { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }", {}, 403, "query-forbidden"),
        ("INSERT DATA { " + "<x:a> <x:b> " + "[ <x:b> " * 99 + "1" + "]" * 99 + "}", {}, 400, "query-too-complex"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_and_nothing_is_changed(
    site: Served, text: str, parameters: dict[str, str], status: int, kind: str
) -> None:
    before = site.database.current
    response = site.update(text, **parameters)
    assert response.status_code == status, response.text
    assert kind in problem(response)
    assert site.database.current == before
    assert values(site, "x:half") == []


def test_a_syntax_error_has_its_place(site: Served) -> None:
    response = site.update("INSERT DATA {\n <x:a> <x:p> }")
    assert response.json
    assert response.json["line"] == 2
    page = site.client.post(
        "/update",
        data="nonsense",
        content_type=SPARQL_UPDATE,
        headers={**site.bearing(), **BROWSER},
    )
    assert (page.status_code, page.mimetype) == (400, "text/html")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "QUERY"])
def test_only_post_makes_an_update(site: Served, method: str) -> None:
    response = site.client.open("/update?update=CLEAR+ALL", method=method, headers=site.bearing())
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert problem(response) == "method-not-allowed"


def test_a_body_of_another_kind_is_refused(site: Served) -> None:
    for content_type, status in (
        ("text/plain", 415),
        ("application/sparql-query", 415),
        ("application/sparql-update; charset=latin-1", 415),
    ):
        response = site.client.post(
            "/update", data="CLEAR ALL", content_type=content_type, headers=site.bearing()
        )
        assert response.status_code == status
    latin = site.client.post(
        "/update", data=b"INSERT DATA { <x:a> <x:p> '\xff' }", content_type=SPARQL_UPDATE,
        headers=site.bearing(),
    )  # fmt: skip
    assert problem(latin) == "protocol-error"


# Dry runs


def test_a_dry_run_tells_the_change_as_a_patch(site: Served) -> None:
    site.update("INSERT DATA { <x:dry> <x:p> 1 }")
    before = site.database.current
    text = "DELETE { ?s ?p 1 } INSERT { ?s ?p 2 GRAPH <x:dg> { ?s ?p 3 } } WHERE { ?s ?p 1 FILTER(?s = <x:dry>) }"
    response = site.update(text, **{"dry-run": "true"})
    assert response.status_code == 200
    assert response.mimetype == "application/rdf-patch"
    assert (response.headers["Peninsula-Added"], response.headers["Peninsula-Removed"]) == (
        "2",
        "1",
    )
    patch = deltas.read_patch(response.data).net()
    assert {q.object.value for q in patch.added} == {"2", "3"}  # type: ignore[union-attr]
    assert {str(q.graph_name) for q in patch.added} == {"DEFAULT", "<x:dg>"}
    assert site.database.current == before
    assert "Peninsula-Generation" not in response.headers
    assert not list(site.database.generations.spool.iterdir()), "nothing is left lying about"


def test_a_dry_run_tells_the_change_as_json(site: Served) -> None:
    response = site.update("INSERT DATA { <x:json> <x:p> 1 }", **{"dry-run": "", "format": "json"})
    told = response.json
    assert told
    assert told.pop("patch").splitlines() == [
        "TX .", 'A <x:json> <x:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .', "TC .",
    ]  # fmt: skip
    assert told == {
        "generation": None, "added": 1, "removed": 0, "created": [], "dropped": [],
    }  # fmt: skip
    by_header = site.client.post(
        "/update?dry-run=true", data="INSERT DATA { <x:json> <x:p> 1 }", content_type=SPARQL_UPDATE,
        headers={**site.bearing(), "Accept": "application/json"},
    )  # fmt: skip
    assert by_header.mimetype == "application/json"
    assert values(site, "x:json") == []


# Preconditions


def test_an_update_of_another_state_is_refused(site: Served) -> None:
    tag = site.client.get("/store?default").headers["ETag"]

    def change(text: str, **headers: str) -> int:
        return site.client.post(
            "/update", data=text, content_type=SPARQL_UPDATE, headers={**site.bearing(), **headers}
        ).status_code

    assert change("INSERT DATA { <x:match> <x:p> 1 }", **{"If-Match": tag}) == 200
    assert change("INSERT DATA { <x:match> <x:p> 2 }", **{"If-Match": tag}) == 412
    assert change("INSERT DATA { <x:match> <x:p> 3 }", **{"If-Match": "*"}) == 200
    assert values(site, "x:match") == ["1", "3"]


# LOAD


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of another server, with a file of two triples."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "data.ttl").write_text("<x:loaded> <x:p> 1 . <#here> <x:p> 2 .")
    (folder / "bad.ttl").write_text("nonsense")
    (folder / "page.html").write_text("<p>")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def loading(tmp_path_factory: pytest.TempPathFactory, elsewhere: str) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("loading")
    host = elsewhere.removeprefix("http://")
    with serving_app(folder, default_graph="own", allow_load=(host,)) as served:
        yield served


def test_load_takes_what_the_operator_allows(loading: Served, elsewhere: str) -> None:
    response = loading.update(f"LOAD <{elsewhere}/data.ttl> INTO GRAPH <x:into>")
    assert response.status_code == 200, response.text
    assert response.json
    assert response.json["added"] == 2
    rows = ask(loading, "SELECT ?s { GRAPH <x:into> { ?s ?p ?o } } ORDER BY ?s")
    assert [row["s"] for row in rows] == [f"{elsewhere}/data.ttl#here", "x:loaded"]


@pytest.mark.parametrize(
    ("address", "status", "kind"),
    [
        ("{elsewhere}/none.ttl", 502, "upstream-failed"),
        ("{elsewhere}/page.html", 502, "upstream-failed"),
        ("{elsewhere}/bad.ttl", 400, "invalid-upload"),
        ("http://example.org/data.ttl", 403, "query-forbidden"),
        ("http://localhost:1/data.ttl", 403, "query-forbidden"),
        ("file:///etc/passwd", 403, "query-forbidden"),
    ],
)
def test_what_cannot_be_loaded_is_told_unless_that_is_not_wanted(
    loading: Served, elsewhere: str, address: str, status: int, kind: str
) -> None:
    before = loading.database.current
    iri = address.format(elsewhere=elsewhere)
    response = loading.update(f"INSERT DATA {{ <x:half> <x:p> 1 }} ; LOAD <{iri}>")
    assert (response.status_code, problem(response)) == (status, kind), response.text
    assert loading.database.current == before
    silent = loading.update(f"LOAD SILENT <{iri}>")
    assert silent.status_code == 200, silent.text
    assert loading.database.current == before
