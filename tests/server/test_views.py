"""Every address answers in every format it offers, and every error has one shape."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.app import PROBLEM, create_app
from peninsula.config import Config
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.formats import GRAPH_FORMATS, SOLUTION_FORMATS, Format
from peninsula.front import HEADERS
from peninsula.knowledge import Knowledge
from peninsula.namespaces import BASE, expand

from .conftest import BROWSER

SELECT = "SELECT ?s { ?s a pen:Summit } ORDER BY ?s"
CONSTRUCT = "CONSTRUCT { ?s a pen:Summit } WHERE { ?s a pen:Summit }"


def ask(query: str, **more: str) -> str:
    return "/sparql?" + urlencode({"query": query, **more})


def triples(body: bytes, format: Format) -> set[ox.Triple]:
    assert isinstance(format.engine, ox.RdfFormat)
    return {quad.triple for quad in ox.parse(body, format=format.engine)}


# /sparql


@pytest.mark.parametrize("format", SOLUTION_FORMATS, ids=lambda f: f.name)
def test_solutions_in_every_format(client: FlaskClient, format: Format) -> None:
    by_header = client.get(ask(SELECT), headers={"Accept": format.media_type})
    by_name = client.get(ask(SELECT, format=format.name))
    assert by_header.status_code == by_name.status_code == 200
    assert by_header.content_type == by_name.content_type == format.content_type
    assert by_header.data == by_name.data
    assert b"event/vladivostok" in by_header.data


@pytest.mark.parametrize("format", GRAPH_FORMATS, ids=lambda f: f.name)
def test_triples_in_every_format(client: FlaskClient, format: Format) -> None:
    response = client.get(ask(CONSTRUCT), headers={"Accept": format.media_type})
    assert response.content_type == format.content_type
    assert len(triples(response.data, format)) == 2


def test_the_three_ways_to_ask_give_the_same_answer(client: FlaskClient) -> None:
    got = client.get(ask(SELECT)).json
    form = client.post("/sparql", data={"query": SELECT}).json
    direct = client.post("/sparql", data=SELECT, content_type="application/sparql-query").json
    assert got == form == direct
    assert len(got["results"]["bindings"]) == 2  # type: ignore[index]


def test_the_protocol_names_the_dataset(client: FlaskClient) -> None:
    graph = expand("graph:ontology")
    assert client.get(ask("ASK { ?s a pen:Summit }", **{"default-graph-uri": graph})).json == {
        "head": {},
        "boolean": False,
    }


def test_small_answers_have_a_length_and_large_ones_stream(client: FlaskClient) -> None:
    assert "Content-Length" in client.get(ask(SELECT)).headers
    many = "SELECT * { " + " ".join(f"?s{i} ?p{i} ?o{i} ." for i in range(2)) + " } LIMIT 3000"
    response = client.get(ask(many, format="csv"))
    assert "Content-Length" not in response.headers
    assert response.data.count(b"\r\n") == 3001


def test_head_has_no_body(client: FlaskClient) -> None:
    response = client.head(ask(SELECT))
    assert response.status_code == 200
    assert not response.data


def test_without_a_query_the_service_describes_itself(client: FlaskClient) -> None:
    response = client.get("/sparql")
    assert response.content_type == "text/turtle; charset=utf-8"
    about = triples(response.data, GRAPH_FORMATS[0])
    predicates = {triple.predicate.value for triple in about}
    assert expand("sd:endpoint") in predicates
    named = [t.object.value for t in about if t.predicate.value == expand("sd:name")]  # type: ignore[union-attr]
    assert expand("graph:scene") in named
    features = {t.object.value for t in about if t.predicate.value == expand("sd:feature")}  # type: ignore[union-attr]
    names = ("sd:UnionDefaultGraph", "sd:EmptyGraphs", "sd:BasicFederatedQuery")
    assert features == {expand(name) for name in names}
    endpoints = {t.object.value for t in about if t.predicate.value == expand("sd:endpoint")}  # type: ignore[union-attr]
    assert endpoints == {"http://localhost/sparql", "http://localhost/update"}


def test_a_browser_gets_an_editor_and_a_table(client: FlaskClient) -> None:
    assert b"<textarea" in client.get("/sparql", headers=BROWSER).data
    page = client.get(ask(SELECT), headers=BROWSER)
    assert page.content_type == "text/html; charset=utf-8"
    assert b'<a href="/id/event/vladivostok"' in page.data
    assert b"Vladivostok summit" in page.data


def test_a_browser_gets_the_editor_back_with_the_error(client: FlaskClient) -> None:
    page = client.get(ask("SELECT * { ?s foo:bar ?o }"), headers=BROWSER)
    assert page.status_code == 400
    assert "Line 1, column 15: the prefix “foo:” is not declared." in page.text
    assert "SELECT * { ?s foo:bar ?o }</textarea>" in page.text


# Errors


ERRORS: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("GET", ask("SELECT * {"), {}, 400, "query-syntax-error"),
    ("GET", ask("SELECT * { SERVICE <http://a/> {} }"), {}, 403, "service-forbidden"),
    ("GET", ask("SELECT * " + "{" * 99 + "}" * 99), {}, 400, "query-too-complex"),
    ("GET", ask("CLEAR ALL"), {}, 400, "protocol-error"),
    ("GET", "/sparql?query=", {}, 400, "protocol-error"),
    ("GET", ask(SELECT), {"headers": {"Accept": "image/png"}}, 406, "not-acceptable"),
    ("GET", ask(SELECT, format="docx"), {}, 406, "not-acceptable"),
    (
        "POST",
        "/sparql",
        {"data": SELECT, "content_type": "text/plain"},
        415,
        "unsupported-media-type",
    ),
    (
        "POST",
        "/sparql",
        {"data": "x" * 2_000_000, "content_type": "application/sparql-query"},
        413,
        "request-too-large",
    ),
    ("PUT", "/sparql", {}, 405, ""),
    ("POST", "/update", {}, 401, "unauthorized"),
    ("PUT", "/store?default", {}, 401, "unauthorized"),
    ("DELETE", "/store?default", {}, 401, "unauthorized"),
    ("GET", "/update", {}, 401, "unauthorized"),
    ("GET", "/admin/queries", {}, 401, "unauthorized"),
    ("GET", "/store?graph=nonsense", {}, 400, "protocol-error"),
    ("GET", "/store?graph=http://example.org/none", {}, 404, "unknown-graph"),
    ("GET", "/store?default&graph=http://example.org/g", {}, 400, "protocol-error"),
    ("GET", "/history/7", {}, 404, "unknown-generation"),
    ("GET", "/history/1.rdfp", {}, 404, "not-found"),
    ("GET", "/timemap?url=http://example.org/", {}, 400, "parameter-error"),
    ("GET", ask(SELECT, generation="7"), {}, 404, "unknown-generation"),
    ("GET", ask(SELECT, generation="x"), {}, 400, "protocol-error"),
    ("GET", "/queries?generation=7", {}, 404, "unknown-generation"),
    ("GET", ask(SELECT, timeout="soon"), {}, 400, "protocol-error"),
    ("GET", ask(SELECT), {"headers": {"Accept-Datetime": "yesterday"}}, 400, "protocol-error"),
    ("GET", "/queries/nothing-here", {}, 404, "unknown-question"),
    ("GET", "/queries/summits-of", {}, 400, "parameter-error"),
    ("GET", "/queries/summits-of?state=x", {}, 400, "unknown-name"),
    ("GET", "/queries/summits-of?state=state:a&after=x", {}, 400, "parameter-error"),
    ("GET", "/queries/summits-of?state=state:russia&state=state:x", {}, 400, "parameter-error"),
    ("GET", "/queries/summits.docx", {}, 404, "not-found"),
    ("GET", "/id/state/nowhere", {}, 404, "unknown-resource"),
    ("GET", "/id/nothing/x", {}, 404, "not-found"),
    ("GET", "/id/state/russia.docx", {}, 404, "unknown-resource"),
    ("GET", "/ns.docx", {}, 404, "not-found"),
    ("GET", "/nowhere", {}, 404, ""),
    ("GET", "/static/../app.py", {}, 404, ""),
]


@pytest.mark.parametrize(("method", "path", "request_", "status", "kind"), ERRORS)
def test_every_error_has_one_shape(
    client: FlaskClient, method: str, path: str, request_: dict[str, Any], status: int, kind: str
) -> None:
    response = client.open(path, method=method, **request_)
    assert response.status_code == status
    assert response.content_type == PROBLEM
    problem = json.loads(response.data)
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["type"] == (f"{BASE}problem/{kind}" if kind else "about:blank")


def test_the_type_of_a_problem_explains_it(client: FlaskClient) -> None:
    kind = client.get("/queries/nothing-here").json["type"]  # type: ignore[index]
    page = client.get(kind.removeprefix(BASE.rstrip("/")))
    assert page.status_code == 200
    assert "no question of this name" in page.text
    assert client.get("/problem/nonsense").status_code == 404


@pytest.mark.parametrize("path", ["/nowhere", "/queries/nothing-here", "/id/state/nowhere"])
def test_a_browser_gets_errors_as_pages(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers=BROWSER)
    assert response.status_code == 404
    assert response.content_type == "text/html; charset=utf-8"


def test_a_syntax_error_has_line_and_column(client: FlaskClient) -> None:
    problem = client.get(ask("SELECT *\nWHERE { ?s ?p 'x }")).json
    assert problem is not None
    assert (problem["line"], problem["column"]) == (2, 15)
    assert problem["remedy"] == "Add the closing quote."


def test_an_unforeseen_error_tells_nothing_of_the_inside(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("peninsula.dataset.local.LocalDataset.evaluate", fail)
    with client.get(ask(SELECT + " # not in the cache")) as response:
        assert response.status_code == 500
        assert b"secret" not in response.data
    assert "secret" in caplog.text


# Headers


@pytest.mark.parametrize(
    "path", ["/", "/sparql", ask(SELECT), "/queries", "/health", "/nowhere", "/static/site.css"]
)
def test_every_response_has_the_headers(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    for name, value in HEADERS.items():
        assert response.headers.getlist(name) == [value]
    assert {"Accept", "Accept-Language"} <= set(response.vary)
    assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
    response.close()


@pytest.mark.parametrize("path", ["/sparql", "/update", "/store", "/queries/summits", "/history"])
def test_a_preflight_is_answered(client: FlaskClient, path: str) -> None:
    response = client.options(path, headers={"Origin": "https://example.org"})
    assert response.status_code == 200
    assert {"PUT", "QUERY", "DELETE"} <= set(
        response.headers["Access-Control-Allow-Methods"].split(", ")
    )
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (("*",), "https://a.example", "*"),
        (("*",), None, "*"),
        (("https://a.example",), "https://a.example", "https://a.example"),
        (("https://a.example", "https://b.example"), "https://b.example", "https://b.example"),
        (("https://a.example",), "https://evil.example", None),
        (("https://a.example",), None, None),
        ((), "https://a.example", None),
    ],
)
def test_pages_of_other_origins_read_answers_where_they_may(
    dataset: LocalDataset,
    knowledge: Knowledge,
    origins: tuple[str, ...],
    origin: str | None,
    allowed: str | None,
) -> None:
    app = create_app(Config(cors=origins), LocalDatabase(dataset), knowledge)
    headers = {"Origin": origin} if origin else {}
    # The second time it comes from the cache; an error is for other pages to read as well.
    for path, status in ((ask(SELECT), 200), (ask(SELECT), 200), ("/nowhere", 404)):
        response = app.test_client().get(path, headers=headers)
        assert response.status_code == status
        assert response.headers.get("Access-Control-Allow-Origin") == allowed
        exposed = response.headers.get("Access-Control-Expose-Headers", "")
        assert ("Peninsula-Generation" in exposed) is (allowed is not None)
        assert ("Origin" in response.vary) is ("*" not in origins)


# Pages


class Outline(HTMLParser):
    """Which tags a page opens, and which it leaves open."""

    VOID = frozenset(("meta", "link", "img", "input", "br"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


PAGES = [
    "/", "/sparql", ask(SELECT), ask(CONSTRUCT), ask("ASK {}"), "/queries", "/queries?tag=states", "/ns.html",
    "/queries/summits-of", "/queries/summits-of?state=state:united-states", "/queries/summits",
    "/id/state/united-states.html", "/id/event/hanoi.html", "/graph/scene.html", "/nowhere", ask("SELECT <"),
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_and_fetches_nothing_from_elsewhere(
    client: FlaskClient, path: str
) -> None:
    response = client.get(path, headers=BROWSER)
    assert response.content_type == "text/html; charset=utf-8"
    outline = Outline()
    outline.feed(response.text)
    assert not outline.open
    assert "<b>States</b> & Co" not in response.text, "a label is not markup"
    for tag, attributes in outline.seen:
        assert not {name for name in attributes if name.startswith("on") or name == "style"}
        if tag in {"script", "img", "link"}:
            assert (attributes.get("src") or attributes.get("href") or "").startswith("/")
        if tag == "script":
            assert attributes.get("src")
    assert [tag for tag, _ in outline.seen].count("h1") == 1
    labelled = {attributes.get("for") for tag, attributes in outline.seen if tag == "label"}
    for tag, attributes in outline.seen:
        if tag in {"input", "select", "textarea"} and attributes.get("type") != "hidden":
            assert "aria-label" in attributes or attributes["id"] in labelled


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(client: FlaskClient, path: str) -> None:
    outline = Outline()
    outline.feed(client.get(path, headers=BROWSER).text)
    for tag, attributes in outline.seen:
        href = attributes.get("href") or ""
        # A choice of language leads back, to an error as well.
        if tag == "a" and href.startswith("/") and not href.startswith("/language?"):
            with client.get(href, headers=BROWSER, follow_redirects=True) as response:
                assert response.status_code == 200, f"{path} links to {href}"


def test_the_front_page_counts_what_there_is(client: FlaskClient) -> None:
    text = client.get("/", headers=BROWSER).text
    assert "<span>event</span> <b>2</b>" in text
    assert "summit 2" in text
    assert "Small scene" in client.get("/about", headers=BROWSER).text


def test_labels_follow_the_language(client: FlaskClient) -> None:
    assert "하노이 회담" in client.get("/id/event/hanoi.html?lang=ko").text
    korean = {"Accept-Language": "ko, en;q=0.5"}
    assert "<h1>북한</h1>" in client.get("/id/state/north-korea.html", headers=korean).text


# /queries


def test_the_list_of_questions(client: FlaskClient) -> None:
    questions = client.get("/queries").json
    assert questions is not None
    assert [question["slug"] for question in questions] == ["summits", "summits-of"]
    assert questions[1]["parameters"][0]["required"] is True
    assert client.get("/queries?tag=states").json == [questions[1]]
    assert client.get("/queries/").status_code in {200, 308}


@pytest.mark.parametrize("format", SOLUTION_FORMATS, ids=lambda f: f.name)
def test_a_question_answers_in_every_format(client: FlaskClient, format: Format) -> None:
    by_ending = client.get(f"/queries/summits-of.{format.name}?state=state:russia")
    by_name = client.get(f"/queries/summits-of?state=id/state/russia&format={format.name}")
    assert by_ending.content_type == by_name.content_type == format.content_type
    assert by_ending.data == by_name.data
    assert b"vladivostok" in by_ending.data


def test_a_visitor_sees_an_example_first(client: FlaskClient) -> None:
    text = client.get("/queries/summits-of", headers=BROWSER).text
    assert "This is an example" in text
    assert '<option value="state:russia" selected>Russia</option>' in text
    chosen = client.get("/queries/summits-of?state=state:north-korea", headers=BROWSER).text
    assert "This is an example" not in chosen
    assert '<option value="state:north-korea" selected>North Korea</option>' in chosen


def test_a_question_can_be_had_as_a_file(client: FlaskClient) -> None:
    assert client.get("/queries/summits.rq").text.startswith("#+ summary: Which summits")


# /id, /ns


@pytest.mark.parametrize(
    ("path", "accept", "location"),
    [
        ("/id/event/hanoi", "text/turtle", "/id/event/hanoi.ttl"),
        ("/id/event/hanoi", "*/*", "/id/event/hanoi.ttl"),
        ("/id/event/hanoi", BROWSER["Accept"], "/id/event/hanoi.html"),
        ("/id/event/hanoi", "application/ld+json", "/id/event/hanoi.jsonld"),
        ("/ns", "application/rdf+xml", "/ns.rdf"),
        ("/ns", BROWSER["Accept"], "/ns.html"),
        ("/graph/scene", BROWSER["Accept"], "/graph/scene.html"),
    ],
)
def test_a_name_leads_to_a_document(
    client: FlaskClient, path: str, accept: str, location: str
) -> None:
    response = client.get(path, headers={"Accept": accept})
    assert (response.status_code, response.location) == (303, location)


@pytest.mark.parametrize("format", GRAPH_FORMATS[:4], ids=lambda f: f.name)
def test_a_document_says_what_is_known(client: FlaskClient, format: Format) -> None:
    response = client.get(f"/id/event/hanoi.{format.extension}")
    assert response.content_type == format.content_type
    subjects = {triple.subject for triple in triples(response.data, format)}
    assert subjects == {ox.NamedNode(expand("event:hanoi"))}


def test_a_page_says_what_points_to_a_thing(client: FlaskClient) -> None:
    text = client.get("/id/state/russia.html").text
    assert "What points here" in text
    assert "Vladivostok summit" in text


def test_the_ontology_can_be_had(client: FlaskClient) -> None:
    assert expand("pen:Summit").encode() in client.get("/ns.nt").data
    assert 'id="Summit"' in client.get("/ns.html").text


# Operations


def test_health_and_readiness(client: FlaskClient) -> None:
    assert client.get("/health").json["status"] == "ok"  # type: ignore[index]
    ready = client.get("/ready").json
    assert ready is not None
    assert ready["status"] == "ready"
    assert ready["triples"] > 50


@pytest.mark.parametrize("path", ["/void", "/.well-known/void"])
def test_void_counts_the_dataset(client: FlaskClient, path: str) -> None:
    about = triples(client.get(path).data, GRAPH_FORMATS[0])
    whole = ox.NamedNode(f"{BASE}void")
    values = {t.predicate.value: t.object for t in about if t.subject == whole}
    assert values[expand("void:triples")] == ox.Literal(client.get("/ready").json["triples"])  # type: ignore[index]
    titles = {t.object for t in about if t.predicate.value == expand("dcterms:title")}
    assert ox.Literal("Small scene", language="en") in titles


def test_openapi_describes_every_question(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None
    assert {"/sparql", "/queries/summits", "/queries/summits-of"} <= set(document["paths"])
    parameters = document["paths"]["/queries/summits-of"]["get"]["parameters"]
    assert parameters[0]["required"] is True
