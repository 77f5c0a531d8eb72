"""The library and its questions over HTTP: pages that stay usable, data in every format."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.errors import QueryTimeout
from peninsula.formats import GRAPH_FORMATS, Format
from peninsula.openapi import list_operations
from peninsula.policy import Policy

from .conftest import BROWSER

PAGE = "/queries/summits-of"


# The library.


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("", ["summits", "summits-of"]),
        ("?tag=states", ["summits-of"]),
        ("?tag=states&tag=summits", ["summits-of"]),
        ("?q=take+part", ["summits-of"]),
        ("?q=SUMMIT", ["summits", "summits-of"]),
        ("?q=summit&tag=states", ["summits-of"]),
        ("?q=nothing-of-the-sort", []),
    ],
)
def test_the_library_is_searched(client: FlaskClient, query: str, slugs: list[str]) -> None:
    assert [entry["slug"] for entry in client.get(f"/queries{query}").json] == slugs  # type: ignore[union-attr]
    page = client.get(f"/queries{query}", headers=BROWSER).text
    for slug in ("summits", "summits-of"):
        assert (f'href="/queries/{slug}"' in page) is (slug in slugs)


def test_a_search_is_shown_as_text(client: FlaskClient) -> None:
    page = client.get('/queries?q="><script>&tag=<b>', headers=BROWSER).text
    assert "<script>&" not in page
    assert "&lt;b&gt;" in page
    assert "No question fits" in page


@pytest.mark.parametrize("format", GRAPH_FORMATS, ids=lambda f: f.name)
def test_the_library_is_rdf_too(client: FlaskClient, format: Format) -> None:
    by_ending = client.get(f"/queries.{format.extension}")
    by_header = client.get("/queries", headers={"Accept": format.media_type})
    assert by_ending.content_type == by_header.content_type == format.content_type
    assert by_ending.data == by_header.data
    assert isinstance(format.engine, ox.RdfFormat)
    quads = ox.parse(by_ending.data, format=format.engine)
    targets = {q.object.value for q in quads if q.predicate.value == "https://schema.org/target"}
    assert targets == {"http://localhost/sparql"}


def test_the_library_by_its_other_names(client: FlaskClient) -> None:
    assert client.get("/queries.json").json == client.get("/queries").json
    assert client.get("/queries.html").content_type.startswith("text/html")
    assert client.get("/queries.docx").status_code == 404
    led = client.get("/.well-known/sparql-examples")
    assert (led.status_code, led.headers["Location"]) == (303, "/queries.ttl")


@pytest.mark.parametrize("path", ["/sparql?format=turtle", "/.well-known/void"])
def test_the_descriptions_lead_to_the_examples(client: FlaskClient, path: str) -> None:
    assert (
        "<http://localhost/queries.ttl>" in client.get(path, headers={"Accept": "text/turtle"}).text
    )


# A question.


def test_a_page_has_all_that_asks_it_elsewhere(client: FlaskClient) -> None:
    page = client.get(f"{PAGE}?state=state:russia", headers=BROWSER).text
    assert "VALUES" in page
    assert "http://localhost/queries/summits-of.csv?state=state:russia&amp;generation=" in page
    assert "pd.read_csv(" in page
    assert "read.csv(" in page
    assert "curl -o summits-of.csv" in page
    assert 'href="/queries/summits"' in page, "related"


def test_the_code_names_an_address_that_answers(client: FlaskClient) -> None:
    page = client.get(f"{PAGE}?state=state:russia", headers=BROWSER).text
    begin = page.index("http://localhost/queries/summits-of.csv")
    address = page[begin : page.index("&#34;", begin)].replace("&amp;", "&")
    parts = urlsplit(address)
    assert set(parse_qs(parts.query)) == {"state", "generation"}
    # The database of these tests keeps no past; without the number the address is the same.
    answer = client.get(f"{parts.path}?state=state:russia")
    assert "vladivostok" in answer.text


@pytest.mark.parametrize("given", ["Russia", "russia", "러시아"])
def test_a_name_leads_to_the_address_of_what_it_names(client: FlaskClient, given: str) -> None:
    response = client.get(PAGE, query_string={"state": given, "view": "table"}, headers=BROWSER)
    assert response.status_code == 303
    assert response.headers["Location"] == "/queries/summits-of?state=state%3Arussia&view=table"
    data = client.get(f"{PAGE}.csv", query_string={"state": given})
    assert data.text == client.get(f"{PAGE}.csv?state=state:russia").text


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("state=Atlantis", 400, "Nothing is called “Atlantis”."),
        ("after=2019-01-01", 400, "needs the parameter “state”"),
        ("state=state:russia&after=soon", 400, "“soon” is no date"),
        ("state=state:russia&state=state:x", 400, "is given 2 times"),
        ("state=state:russia&colour=red", 400, "has no parameter “colour”"),
    ],
)
def test_a_wrong_parameter_leaves_a_page_that_can_be_used(
    client: FlaskClient, query: str, status: int, words: str
) -> None:
    response = client.get(f"{PAGE}?{query}", headers=BROWSER)
    assert response.status_code == status
    assert words in response.text
    assert '<form class="filters parameters"' in response.text
    assert "Which summits did a state take part in?" in response.text
    assert response.headers["Cache-Control"] == "no-store"
    problem = client.get(f"{PAGE}?{query}")
    assert problem.status_code == status
    assert problem.content_type == "application/problem+json"


def test_an_error_is_beside_its_field(client: FlaskClient) -> None:
    page = client.get(f"{PAGE}?state=Rusia", headers=BROWSER).text
    assert 'aria-describedby="e-state" aria-invalid="true"' in page
    assert '<a href="/queries/summits-of?state=state%3Arussia">Russia</a>' in page


@pytest.mark.parametrize("slug", ["summit-of", "nope<b>", "x" * 500])
def test_an_unknown_question_is_a_page_with_near_ones(client: FlaskClient, slug: str) -> None:
    response = client.get(f"/queries/{slug}", headers=BROWSER)
    assert response.status_code == 404
    assert "Unknown question" in response.text
    assert "<b>”" not in response.text
    assert ('href="/queries/summits-of"' in response.text) is (slug == "summit-of")
    assert client.get(f"/queries/{slug}").json["status"] == 404  # type: ignore[index]


def test_a_question_that_takes_too_long_leaves_its_form(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise QueryTimeout("The query took longer than 1 s.", "Ask for less.")

    monkeypatch.setattr(LocalDataset, "evaluate", give_up)
    response = client.get(f"{PAGE}?state=state:north-korea&timeout=1", headers=BROWSER)
    assert response.status_code == 504
    assert "The query took longer than 1 s." in response.text
    assert '<form class="filters parameters"' in response.text


def test_a_view_is_kept_in_the_address(client: FlaskClient) -> None:
    page = client.get(f"{PAGE}?state=state:north-korea", headers=BROWSER).text
    assert "?state=state%3Anorth-korea&amp;view=timeline" in page
    timeline = client.get(f"{PAGE}?state=state:north-korea&view=timeline", headers=BROWSER).text
    assert 'class="drawing timeline"' in timeline
    assert '<input type="hidden" name="view" value="timeline">' in timeline
    assert "The 2 rows as a table" in timeline
    other = client.get(f"{PAGE}?state=state:north-korea&view=map", headers=BROWSER).text
    assert "has not the shape for the view “map”" in other


def test_a_network_can_be_taken_away(client: FlaskClient) -> None:
    response = client.get(f"{PAGE}.graphml?state=state:north-korea")
    assert response.status_code == 406, "one state has no ties by summits alone"
    assert client.get("/queries/summits.geojson").status_code == 406


def test_a_store_without_questions_says_so() -> None:
    app = create_app(Config(), LocalDatabase(LocalDataset(ox.Store(), Policy())), None)
    page = app.test_client().get("/queries", headers=BROWSER)
    assert page.status_code == 200
    assert "This server has no questions" in page.text
    assert app.test_client().get("/openapi", headers=BROWSER).status_code == 200


# For programs.


def test_the_page_for_programs_has_every_operation(client: FlaskClient) -> None:
    page = client.get("/openapi", headers=BROWSER).text
    document = client.get("/openapi.json").json
    assert document is not None
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page
    assert json.loads(client.get("/openapi").text) == document


def test_every_example_of_the_page_answers(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None
    tried = 0
    for operations in list_operations(document).values():
        for operation in operations:
            # The small scene has no claim.
            if operation.example and operation.path not in {
                "/store", "/history", "/nanopub/{kind}/{slug}",
            }:  # fmt: skip
                response = client.get(operation.example, follow_redirects=True)
                assert response.status_code == 200, operation.example
                tried += 1
    assert tried >= 6


def test_the_document_names_each_operation_once(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None
    ids = [told["operationId"] for path in document["paths"].values() for told in path.values()]
    assert len(ids) == len(set(ids))
    for path, methods in document["paths"].items():
        for told in methods.values():
            in_path = {p["name"] for p in told.get("parameters", ()) if p["in"] == "path"}
            assert all(f"{{{name}}}" in path for name in in_path)
            assert told["responses"]["200"]["content"]
