"""``/validate`` judges what is sent, says where it is wrong, and stores nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from peninsula import tokens
from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.generations import Generations
from peninsula.examples import EXAMPLES
from peninsula.knowledge import Knowledge
from peninsula.loading import open_database, prepare
from peninsula.namespaces import PREFIXES, expand
from peninsula.views import validate
from tests.server.conftest import BROWSER, Client
from tests.server.test_views import Outline

HEAD = "".join(f"PREFIX {name}: <{PREFIXES[name]}>\n" for name in ("pen", "event", "place", "xsd"))
GOOD = 'event:new a pen:Summit ; pen:from "2020-01-01"^^xsd:date ; pen:takesPlaceAt place:hanoi .'
BAD = """event:bad a pen:Summit ;
    pen:from "2019-02-30"^^xsd:date ;
    pen:takesPlaceAt place:hanoi .
"""
EVENT_SHAPES = (
    "PREFIX sh: <http://www.w3.org/ns/shacl#> PREFIX ex: <http://example.org/> "
    "ex:S a sh:NodeShape ; sh:targetClass ex:C ; sh:property [ sh:path ex:p ; sh:minCount 1 ] ."
)
DATA = b"<http://example.org/x> a <http://example.org/C> ."
FIRST = len(HEAD.splitlines()) + 1


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge
) -> Iterator[tuple[FlaskClient, Generations]]:
    folder = tmp_path_factory.mktemp("site")
    config = Config(store=folder, memory="never", readers=2, max_update_bytes=100_000)
    generations = Generations(folder)
    with generations.locked():
        prepare(generations, knowledge)
        database = open_database(config, generations, knowledge)
        try:
            app = create_app(config, database, knowledge)
            if "validate" not in app.blueprints:
                app.register_blueprint(validate.blueprint)
            app.test_client_class = Client
            yield app.test_client(), generations
        finally:
            database.close()


@pytest.fixture
def client(served: tuple[FlaskClient, Generations]) -> FlaskClient:
    return served[0]


def post(
    client: FlaskClient, body: str | bytes, media_type: str = "text/turtle", **query: str
) -> Any:
    response = client.post("/validate", data=body, content_type=media_type, query_string=query)
    assert response.status_code == 200, response.text
    return response.get_json()


def upload(client: FlaskClient, **parts: Any) -> TestResponse:
    return client.post("/validate", data=parts, content_type="multipart/form-data")


def test_what_conforms_is_told_so_and_not_stored(
    client: FlaskClient, served: tuple[FlaskClient, Generations]
) -> None:
    before = served[1].current()
    report = post(client, HEAD + GOOD)
    assert report["conforms"] is True
    assert report["results"] == []
    assert served[1].current() == before


def test_every_problem_has_its_line(client: FlaskClient) -> None:
    report = post(client, HEAD + BAD)
    assert report["conforms"] is False
    (result,) = report["results"]
    assert result["line"] == FIRST + 1
    assert result["focus_term"] == f"<{expand('event:bad')}>"
    assert result["value_term"] == f'"2019-02-30"^^<{expand("xsd:date")}>'
    assert "Give it one pen:from" in result["message"]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/n-triples",
        "application/trig",
        "application/ld+json",
        "application/rdf+xml",
        "application/n-quads",
    ],
)
def test_every_rdf_format_is_taken(client: FlaskClient, media_type: str) -> None:
    engine = ox.RdfFormat.from_media_type(media_type)
    assert engine
    triples = ox.parse((HEAD + BAD).encode(), format=ox.RdfFormat.TURTLE)
    body = ox.serialize(
        [ox.Triple(q.subject, q.predicate, q.object) for q in triples], format=engine
    )
    assert body
    report = post(client, body, media_type)
    assert [r["path"] for r in report["results"]] == ["pen:from"]
    assert report["results"][0]["line"] >= 1


def test_alone_means_without_what_the_graph_knows(client: FlaskClient) -> None:
    report = post(client, HEAD + GOOD, mode="alone")
    assert [r["constraint_component"] for r in report["results"]] == ["ClassConstraintComponent"]


def test_a_change_of_something_known_is_judged(client: FlaskClient) -> None:
    body = HEAD + 'event:hanoi pen:from "2019-02-26"^^xsd:date .'
    (result,) = post(client, body, graph=expand("graph:scene"))["results"]
    assert (result["label"], result["line"]) == ("Hanoi summit", FIRST)


def test_an_update_is_judged_as_if_executed(client: FlaskClient) -> None:
    text = (
        "DELETE WHERE {\n GRAPH ?g { event:hanoi pen:from ?day }\n} ;\n"
        "INSERT DATA {\n GRAPH graph:scene { event:two a pen:Summit }\n}"
    )
    results = post(client, text, "application/sparql-update")["results"]
    violations = {r["focus_node"]: r for r in results if r["severity"] == "Violation"}
    assert set(violations) == {"event:hanoi", "event:two"}
    assert violations["event:two"]["line"] == 5


def test_a_blank_node_is_found_in_the_text(client: FlaskClient) -> None:
    body = HEAD + "event:a a pen:Event .\n[] a pen:Summit ;\n pen:takesPlaceAt place:hanoi ."
    (result,) = post(client, body)["results"]
    assert result["line"] == FIRST + 1


def test_files_are_told_by_name(client: FlaskClient) -> None:
    response = upload(
        client,
        data=[(io.BytesIO((HEAD + GOOD).encode()), "good.ttl"),
              (io.BytesIO((HEAD + BAD).encode()), "bad.ttl")],
    )  # fmt: skip
    assert [(r["file"], r["line"]) for r in response.get_json()["results"]] == [
        ("bad.ttl", FIRST + 1)
    ]


def test_a_form_without_javascript_shows_a_page(client: FlaskClient) -> None:
    fields = {"data": HEAD + BAD, "format": "turtle", "mode": "graph", "graph": ""}
    # As browsers send it, with a file input in which nothing was chosen.
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    response = client.post(
        "/validate",
        data=f'{parts}--x\r\nContent-Disposition: form-data; name="data"; filename=""\r\n'
        "Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
        headers=BROWSER,
    )
    assert response.status_code == 200
    assert "It does not conform" in response.text
    assert "1 violation" in response.text
    assert f'<a class="place" href="#line-1-{FIRST + 1}"' in response.text
    assert "event:bad a pen:Summit" in response.text
    encoded = client.post("/validate", data=fields, headers=BROWSER)
    assert "1 violation" in encoded.text


def test_the_report_comes_in_many_forms(client: FlaskClient) -> None:
    def answer(accept: str) -> TestResponse:
        return client.post(
            "/validate", data=HEAD + BAD, content_type="text/turtle", headers={"Accept": accept}
        )

    assert "line 6: Violation: event:bad" in answer("text/plain").text
    assert next(csv.DictReader(io.StringIO(answer("text/csv").text)))["focus_node"] == "event:bad"
    sarif = json.loads(answer("application/sarif+json").text)
    assert sarif["runs"][0]["results"][0]["level"] == "error"
    for media_type in (
        "text/turtle",
        "application/n-triples",
        "application/ld+json",
        "application/rdf+xml",
    ):
        response = answer(media_type)
        format = ox.RdfFormat.from_media_type(media_type)
        assert response.content_type.startswith(media_type)
        predicates = [q.predicate.value for q in ox.parse(response.data, format=format)]
        assert predicates.count(expand("sh:focusNode")) == 1
    assert answer("image/png").status_code == 406


def test_shapes_of_a_user_judge_the_data_alone(client: FlaskClient) -> None:
    response = upload(
        client,
        data=(io.BytesIO(DATA), "data.nt.ttl"),
        shapes=(io.BytesIO(EVENT_SHAPES.encode()), "shapes.ttl"),
    )
    report = response.get_json()
    assert [r["constraint_component"] for r in report["results"]] == ["MinCountConstraintComponent"]
    assert report["results"][0]["line"] == 1


@pytest.mark.parametrize(
    ("shapes", "status", "words"),
    [
        ("sh:select 'SELECT $this { $this ?p ?o }'", 403, "sh:select"),
        ("sh:sparql [ sh:ask 'ASK {}' ]", 403, "no queries"),
        ("sh:target [ a sh:SPARQLTarget ]", 403, "sh:SPARQLTarget"),
        ("sh:js [ sh:jsFunctionName 'f' ]", 403, "sh:js"),
        ("sh:property [ sh:minCount 1 ]", 400, "cannot be used"),
    ],
)
def test_shapes_that_may_not_be_used_are_refused(
    client: FlaskClient, shapes: str, status: int, words: str
) -> None:
    text = f"PREFIX sh: <{PREFIXES['sh']}> <x:S> a sh:NodeShape ; sh:targetNode <x:x> ; {shapes} ."
    response = upload(
        client, data=(io.BytesIO(DATA), "d.ttl"), shapes=(io.BytesIO(text.encode()), "s.ttl")
    )
    assert response.status_code == status, response.text
    assert words in response.text


def test_a_submission_does_not_change_what_it_is_judged_by(client: FlaskClient) -> None:
    body = HEAD + (
        "pen:Summit <http://www.w3.org/2000/01/rdf-schema#subClassOf> pen:Place .\n"
        "<https://w3id.org/peninsula/shapes#SummitShape> <http://www.w3.org/ns/shacl#deactivated> true .\n"
    ) + BAD  # fmt: skip
    report = post(client, body)
    assert [(r["focus_node"], r["line"]) for r in report["results"]] == [
        ("event:bad", FIRST + 3), ("pen:Summit", FIRST), ("pensh:SummitShape", FIRST + 1),
    ]  # fmt: skip
    quads = f"<x:s> <x:p> <x:o> <{expand('graph:ontology')}> ."
    (result,) = post(client, quads, "application/n-quads")["results"]
    assert "belongs to the ontology" in result["message"]


@pytest.mark.parametrize(
    ("body", "media_type", "query", "status", "words"),
    [
        ("", "text/turtle", {}, 400, "body is empty"),
        ("# nothing\n", "text/turtle", {}, 400, "no statement"),
        ("<x:a> <x:b>\n  <x:c .", "text/turtle", {}, 400, '"line":2'),
        ("{", "application/ld+json", {}, 400, "Upload cannot be read"),
        ("<x:a> <x:b> 1 .", "application/pdf", {}, 415, "multipart/form-data"),
        ("<x:a> <x:b> 1 .", None, {}, 400, "no Content-Type"),
        ("<x:a> <x:b> 1 .", "text/turtle; charset=latin1", {}, 415, "latin1"),
        ("<x:a> <x:b> 1 .", "text/turtle", {"mode": "both"}, 400, "mode"),
        ("<x:a> <x:b> 1 .", "text/turtle", {"graph": "nowhere"}, 400, "absolute IRI"),
        ("<x:a> <x:b> 1 .", "text/turtle", {"graph": expand("graph:ontology")}, 403, "ontology"),
        ("<x:a> <x:b> 1 .", "text/turtle", {"format": "docx"}, 406, "docx"),
        ("<x:a> <x:b> 1 .", "text/turtle", {"timeout": "soon"}, 400, "seconds"),
        ("x" * 200_000, "text/turtle", {}, 413, "larger than"),
        ("<!DOCTYPE x><rdf/>", "application/rdf+xml", {}, 400, "DOCTYPE"),
        ("INSERT DATA {", "application/sparql-update", {}, 400, "yntax"),
        ("LOAD <http://localhost/>", "application/sparql-update", {}, 403, "LOAD"),
        ("CLEAR ALL", "application/sparql-update", {"mode": "alone"}, 400, "executed"),
        ("data=&update=", "application/x-www-form-urlencoded", {}, 400, "nothing to validate"),
        ("data=x&format=docx", "application/x-www-form-urlencoded", {}, 400, "docx"),
    ],
)
def test_bad_input_is_told_what_is_wrong(
    client: FlaskClient,
    body: str,
    media_type: str | None,
    query: dict[str, str],
    status: int,
    words: str,
) -> None:
    response = client.post("/validate", data=body, content_type=media_type, query_string=query)
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    assert words in response.text


def test_get_says_how(client: FlaskClient) -> None:
    page = client.get("/validate", headers=BROWSER)
    assert 'enctype="multipart/form-data"' in page.text
    described = client.get("/validate", headers={"Accept": "application/json"}).get_json()
    assert "text/turtle" in described["accepts"]
    assert described["answers"]["sarif"] == "application/sarif+json"


def test_a_label_is_text_and_not_markup(client: FlaskClient) -> None:
    body = HEAD + 'event:x a pen:Summit ; <http://www.w3.org/2000/01/rdf-schema#label> "<script>" .'
    page = client.post("/validate", data=body, content_type="text/turtle", headers=BROWSER)
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text


# The page.


def send_form(client: FlaskClient, *parts: tuple[str, str] | tuple[str, str, str]) -> TestResponse:
    """Send a form as browsers do: pairs of name and value, or of name, text and a file's name."""
    body = "".join(
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"'
        + "".join(f'; filename="{filename}"\r\nContent-Type: ' for filename in more)
        + ("application/octet-stream" if more else "")
        + f"\r\n\r\n{value}\r\n"
        for name, value, *more in parts
    )
    return client.post(
        "/validate",
        data=f"{body}--xyz--\r\n".encode(),
        content_type="multipart/form-data; boundary=xyz",
        headers=BROWSER,
    )


def on_page(client: FlaskClient, text: str, status: int = 200, **fields: str) -> str:
    """Send the form of the page; no file was chosen."""
    data = {"page": "1", "name": "", "format": "auto", "mode": "graph", "graph": "", **fields}
    response = send_form(client, *data.items(), ("data", text), ("data", "", ""))
    assert response.status_code == status, response.text
    outline = Outline()
    outline.feed(response.text)
    assert not outline.open
    return response.text


def typed_in(page: str) -> str:
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found
    return unescape(found[1])


def mends_in(page: str) -> dict[str, str]:
    """Return what the button of each mend sends, by its title."""
    found = re.findall(r'name="mend" value="([^"]*)">([^<]*)<', page)
    return {unescape(title): unescape(value) for value, title in found}


def test_the_page_groups_by_node_and_marks_lines(client: FlaskClient) -> None:
    page = on_page(client, HEAD + BAD + 'event:worse a pen:Summit ; pen:from "soon" .')
    headings = [unescape(h) for h in re.findall(r"<h3>([^<]+) <small", page)]
    assert headings == ["event:bad", "event:worse"]
    assert (
        f'<li id="line-1-{FIRST + 1}" value="{FIRST + 1}" class="marked marked-violation"' in page
    )
    numbers = re.findall(r'<li id="result-(\d+)"', page)
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
    for number in numbers:
        assert f'href="#result-{number}"' in page, "from the line back to the result"
    assert "the value is of another datatype" in page or "is missing" in page


def test_a_mend_alters_the_text_and_judges_it_again(client: FlaskClient) -> None:
    text = HEAD + "# mine\n" + BAD.replace('"2019-02-30"^^xsd:date', '"2019-02-28"')
    page = on_page(client, text, graph="graph:more")
    value = mends_in(page)['Write "2019-02-28"^^xsd:date instead of "2019-02-28".']
    after = on_page(client, text, graph="graph:more", mend=value)
    assert typed_in(after) == text.replace('"2019-02-28"', '"2019-02-28"^^xsd:date')
    assert "The text was altered" in after
    assert "It conforms" in after
    # Twice, it fits no longer; and the text is not lost.
    again = on_page(client, typed_in(after), 400, graph="graph:more", mend=value)
    assert "no longer holds what this mend would alter" in again
    assert typed_in(again) == typed_in(after)


@pytest.mark.parametrize("name", ["x.jsonld", "x.rdf", "x.nt", "x.trig", "x.nq"])
def test_a_mend_is_made_in_every_format(client: FlaskClient, name: str) -> None:
    format = ox.RdfFormat.from_extension(name[2:])
    assert format
    text = HEAD + BAD.replace('"2019-02-30"^^xsd:date', '"2019-02-28"')
    quads = list(ox.parse(text, format=ox.RdfFormat.TURTLE))
    graph = ox.NamedNode(expand("graph:more"))
    body = ox.serialize(
        [ox.Quad(q.subject, q.predicate, q.object, graph) for q in quads]
        if name in {"x.trig", "x.nq"}
        else [q.triple for q in quads],
        format=format,
    )
    assert body
    page = on_page(client, body.decode(), name=name)
    value = mends_in(page)['Write "2019-02-28"^^xsd:date instead of "2019-02-28".']
    after = on_page(client, typed_in(page), name=name, mend=value)
    assert "It conforms" in after
    mended = list(ox.parse(typed_in(after), format=format))
    assert len(mended) == len(quads)
    assert ox.Literal("2019-02-28", datatype=ox.NamedNode(expand("xsd:date"))) in [
        quad.object for quad in mended
    ]


def test_an_update_is_known_and_mended_by_one_more_step(client: FlaskClient) -> None:
    text = 'INSERT DATA { GRAPH graph:more { event:x a pen:Summit ; pen:from "2019-02-28" } }'
    page = on_page(client, text, graph="graph:more", mode="alone")
    assert "The update would be executed" in page
    value = mends_in(page)['Write "2019-02-28"^^xsd:date instead of "2019-02-28".']
    assert "DELETE DATA" in value
    after = on_page(client, text, mend=value)
    assert typed_in(after).startswith(text + " ;\nDELETE DATA")
    assert "It conforms" in after


def test_a_syntax_error_is_marked_at_its_place(client: FlaskClient) -> None:
    text = HEAD + "event:a a pen:Summit ;\n  pen:from 2019-01-01 ."
    page = on_page(client, text, 400)
    assert f'href="#line-1-{FIRST + 1}"' in page
    assert re.search(rf'id="line-1-{FIRST + 1}"[^>]*marked-violation.*<mark>', page)
    assert typed_in(page) == text
    update = on_page(client, "INSERT DATA {\n event:a a pen:Summit", 400)
    assert 'data-column="13"' in update
    missing = on_page(client, GOOD, 400)
    assert "has not been declared" in missing
    assert 'name="declare"' in missing
    declared = on_page(client, GOOD, declare="1")
    assert "It conforms" in declared
    assert typed_in(declared).startswith("PREFIX event: <")
    for body, words in (("", "nothing to validate"), ("# only this", "no statement")):
        assert words in on_page(client, body, 400)


def test_a_file_is_shown_as_text_and_several_are_not(client: FlaskClient) -> None:
    def send(*files: tuple[str, str]) -> str:
        fields = (("page", "1"), ("format", "auto"), ("graph", "graph:more"))
        response = send_form(
            client, *fields, ("data", ""), *(("data", text, name) for name, text in files)
        )
        assert response.status_code == 200, response.text
        return response.text

    one = send(("mine.ttl", HEAD + BAD))
    assert typed_in(one) == HEAD + BAD
    assert '<input type="hidden" name="name" value="mine.ttl">' in one
    both = send(("mine.ttl", HEAD + BAD), ("good.nt", ""), ("good.ttl", HEAD + GOOD))
    assert typed_in(both) == ""
    assert "mine.ttl, line" in both
    assert 'name="mend"' not in both
    unnamed = send(("no-ending", HEAD + BAD))
    assert typed_in(unnamed) == HEAD + BAD
    update = send(("change.ru", "INSERT DATA { GRAPH graph:more { event:x a pen:Summit } }"))
    assert "The update would be executed" in update


def test_graphs_of_ones_own_go_before_the_one_in_the_form(client: FlaskClient) -> None:
    quads = f"{HEAD}GRAPH <{expand('graph:own')}> {{ event:x a pen:Summit }}"
    page = on_page(client, quads, graph="graph:more")
    assert f"new graph <code>{expand('graph:own')}</code>" in " ".join(page.split())
    assert "/store&#39;" in page or "/store'" in page
    named = on_page(client, HEAD + GOOD, graph="graph:more")
    assert f"?graph={expand('graph:more')}".replace(":", "%3A", 1) in named


def test_what_conforms_says_what_was_checked(client: FlaskClient) -> None:
    page = on_page(client, HEAD + GOOD)
    assert "Nothing is wrong with it" in page
    assert re.search(r"\d+ checks? by \d+ rules", page)
    assert "pensh:" in page
    vacuous = on_page(client, "<x:a> <x:b> 1 .")
    assert "no rule is about any of it" in vacuous


def test_questions_that_would_be_answered_otherwise_are_told(client: FlaskClient) -> None:
    text = (
        "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n" + HEAD
        + 'event:new2 a pen:Summit ; rdfs:label "New"@en ; pen:from "2021-01-01"^^xsd:date ;\n'
        "  pen:takesPlaceAt place:hanoi ."
    )  # fmt: skip
    page = " ".join(on_page(client, text, graph="graph:more", questions="1").split())
    assert re.search(r"\d+ of \d+ questions of the library would be answered otherwise", page)
    assert 'href="/queries/' in page
    assert '<span class="came">+ 4 statements</span>' in page
    nothing = on_page(client, "<x:a> <x:b> 1 .", questions="1")
    assert "None of" in nothing


def test_a_report_is_taken_away_as_a_file(client: FlaskClient) -> None:
    for name, ending in (
        ("turtle", "ttl"),
        ("json", "json"),
        ("csv", "csv"),
        ("sarif", "sarif"),
        ("text", "txt"),
    ):
        response = client.post(
            f"/validate?format={name}&download",
            data={"page": "1", "format": "auto", "data": HEAD + BAD},
            headers=BROWSER,
        )
        assert response.status_code == 200
        assert f"report.{ending}" in response.headers["Content-Disposition"]


def test_examples_are_loaded_by_their_address(client: FlaskClient) -> None:
    page = client.get("/validate?example=slips", headers=BROWSER).text
    assert typed_in(page) == EXAMPLES["slips"]
    assert client.get("/validate?example=x", headers=BROWSER).status_code == 400
    assert list(ox.parse(EXAMPLES["right"], format=ox.RdfFormat.TURTLE))


def test_what_hides_in_a_text_stays_a_text(client: FlaskClient) -> None:
    hostile = '"</textarea></code><script>alert(1)</script>"'
    text = f"{HEAD}event:x a pen:Summit ; pen:from {hostile} ; pen:takesPlaceAt <javascript:alert(1)> ."
    page = on_page(client, text, name='"><script>alert(2)</script>.ttl')
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page
    assert typed_in(page) == text
    broken = on_page(client, f"{hostile} <script>alert(3)</script>", 400)
    assert "<script>alert" not in broken


def test_a_trial_after_a_change_is_judged_with_it(
    client: FlaskClient, served: tuple[FlaskClient, Generations]
) -> None:
    token = tokens.add(served[1].folder, "a-writer", "write")
    for number in range(3):
        # A violation leaves rdflib's graphs behind, which hold the database.
        assert post(client, HEAD + BAD)["conforms"] is False
        changed = client.post(
            "/update",
            data=f"INSERT DATA {{ GRAPH graph:more {{ place:p{number} a pen:Place }} }}",
            content_type="application/sparql-update",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert changed.status_code == 200
        body = f"event:y a pen:Event ; pen:takesPlaceAt place:p{number} ."
        assert "pen:takesPlaceAt" not in [r["path"] for r in post(client, HEAD + body)["results"]]
