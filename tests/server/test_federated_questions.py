"""A question that asks a service of others: how it is read, checked, and shown when that fails."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.app import create_app
from peninsula.checking import check
from peninsula.config import Config
from peninsula.dataset.interface import PLAIN, QueryOptions, Result
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.errors import UpstreamBusy, UpstreamFailed
from peninsula.federation.services import WIKIDATA
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.library import Library, QueryTemplate, describe, read_library, without_services
from peninsula.loading import load
from peninsula.namespaces import expand
from peninsula.policy import Policy
from peninsula.suggestions import suggest
from peninsula.views.site import EXTENSION
from tests.federation.services import StoreGateway

from .conftest import BROWSER, SCENE

GRAPH = "https://w3id.org/peninsula/graph/wikidata"
QUESTION = """\
#+ summary: When was each state that met admitted?
#+ description: One row is a state, its meeting, and what a service says of it.
#+ tags: [summits, wikidata]
#+ services: [wikidata]
#+ parameters:
#+   state:
#+     type: iri
#+     description: A state
#+     example: "state:russia"
PREFIX pen: <https://w3id.org/peninsula/ns#>
PREFIX wdt: <http://www.wikidata.org/prop/direct/>

SELECT DISTINCT ?state ?summit ?admitted WHERE {
  ?summit a pen:Summit ; pen:participant ?state .
  SERVICE <peninsula:wikidata> { ?state wdt:P571 ?admitted . }
} ORDER BY ?state ?summit
"""
#: What the service would say, were there one; and what the snapshot says.
NOW, THEN = "1945-10-24", "1991-12-26"
ADMITTED = ox.NamedNode(expand("state:russia")), ox.NamedNode(expand("wdt:P571"))
#: Makes a site whose snapshot is of a day, or which has none, and what stands for the service.
Make = Callable[..., tuple[FlaskClient, StoreGateway]]
PAGE = "/queries/admissions"


class Fed(LocalDataset):
    """A dataset that answers SERVICE from a graph that is empty."""

    asked: list[str]

    def evaluate(self, query: str, options: QueryOptions = PLAIN) -> Result:
        if "SERVICE" in query:
            self.asked.append(query)
            query = query.replace("SERVICE <peninsula:wikidata>", "GRAPH <http://service.example/>")
        return super().evaluate(query, options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = shutil.copytree(SCENE, tmp_path / "knowledge")
    (folder / "queries" / "admissions.rq").write_text(QUESTION, encoding="utf-8")
    return folder


@pytest.fixture
def library(folder: Path) -> Library:
    return read_library(folder / "queries")


@pytest.fixture
def question(library: Library) -> QueryTemplate:
    return library.find("admissions")


@pytest.fixture
def knowledge(folder: Path) -> Knowledge:
    return find_knowledge(folder)


@pytest.fixture
def store(knowledge: Knowledge) -> ox.Store:
    loaded = load(knowledge)
    store = ox.Store()
    store.extend([*loaded.stated, *loaded.computed])
    return store


@pytest.fixture
def make(knowledge: Knowledge, store: ox.Store) -> Make:
    def make(day: str | None = "2026-11-01") -> tuple[FlaskClient, StoreGateway]:
        if day is not None:
            graph = ox.NamedNode(GRAPH)
            issued = ox.NamedNode(expand("dcterms:issued"))
            store.add(ox.Quad(*ADMITTED, ox.Literal(THEN), graph))
            store.add(ox.Quad(graph, issued, ox.Literal(day), graph))
        app = create_app(Config(), LocalDatabase(LocalDataset(store, Policy())), knowledge)
        elsewhere = ox.Store()
        elsewhere.add(ox.Quad(*ADMITTED, ox.Literal(NOW)))
        gateway = StoreGateway({WIKIDATA.address: elsewhere})
        site = app.extensions[EXTENSION]
        federation = replace(site.federation, gateway=gateway)
        app.extensions[EXTENSION] = replace(site, federation=federation)
        return app.test_client(), gateway

    return make


# What is asked of whom.


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("SELECT * { ?a ?b ?c }", "SELECT * { ?a ?b ?c }"),
        ("SELECT * { ?a ?b ?c . SERVICE <peninsula:x> { ?c ?d ?e } }", "SELECT * { ?a ?b ?c .  }"),
        ("SELECT * { OPTIONAL { SERVICE SILENT ?s { { ?a ?b '}' } } } }", "SELECT * { OPTIONAL {  } }"),
        ("SELECT * { SERVICE <a:b> { SERVICE <a:c> { } } ?a ?b ?c }", "SELECT * {  ?a ?b ?c }"),
        ("SELECT * { # SERVICE <a:b> {}\n ?service ?b 'SERVICE' }", "SELECT * { # SERVICE <a:b> {}\n ?service ?b 'SERVICE' }"),
    ],
)  # fmt: skip
def test_what_services_are_asked_can_be_taken_away(query: str, rest: str) -> None:
    assert without_services(query) == rest


def test_a_question_knows_its_services_and_its_snapshots(question: QueryTemplate) -> None:
    assert question.services == ("wikidata",)
    assert "SERVICE" not in question.own_part
    later = question.from_snapshots()
    assert "SERVICE <peninsula:wikidata-snapshot> {" in later.query
    assert (later.slug, later.parameters) == (question.slug, question.parameters)


def test_a_fault_inside_of_a_service_pattern_is_found(folder: Path) -> None:
    path = folder / "queries" / "admissions.rq"
    path.write_text(QUESTION.replace("wdt:P571 ?adm", "wdx:P571 ?adm"), encoding="utf-8")
    with pytest.raises(Exception, match=r"admissions\.rq:15: .*the prefix “wdx:”"):
        read_library(folder / "queries")


def test_choices_are_found_without_the_service(question: QueryTemplate, store: ox.Store) -> None:
    dataset = Fed(store, Policy())
    dataset.asked = []
    choices = suggest(question, dataset, "en")
    assert "state:russia" in [value for value, _ in choices["state"]]
    assert dataset.asked == []


def test_the_description_names_the_services(library: Library) -> None:
    says = ox.NamedNode(expand("spex:federatesWith"))
    select = ox.NamedNode(expand("sh:select"))

    def described(addresses: dict[str, str] | None) -> tuple[set[str], str]:
        triples = list(describe(library, "http://e.org/sparql", addresses))
        [query] = [
            t.object.value
            for t in triples
            if t.predicate == select
            and isinstance(t.object, ox.Literal)
            and "P571" in str(t.object)
        ]
        found = {t.object for t in triples if t.predicate == says}
        return {term.value for term in found if isinstance(term, ox.NamedNode)}, query

    # As SIB's collection wants it: what SERVICE names is what the example says it federates with.
    for addresses, name in (
        (None, "peninsula:wikidata"),
        ({"wikidata": "http://w/s"}, "http://w/s"),
    ):
        found, query = described(addresses)
        assert found == {name}
        assert f"SERVICE <{name}> {{" in query


def test_checking_asks_no_service_and_says_so(folder: Path) -> None:
    def findings(**more: Any) -> list[str]:
        return [str(f) for f in check(find_knowledge(folder), lambda *_: None, **more)]

    missing, note = findings()
    assert "admissions.rq: there is no expected answer" in missing
    assert re.match(r"note: question: .*: 1 question asks a service \(wikidata\), which was", note)
    expected = folder / "tests/queries/expected/admissions.csv"
    expected.write_bytes(b"state,summit,admitted\r\n")
    assert findings() == [note]

    def federate(dataset: LocalDataset) -> Fed:
        fed = Fed(dataset._store, Policy())
        fed.asked = []
        return fed

    # The graph of the service is empty here; so is the answer.
    assert findings(federate=federate) == []
    expected.write_bytes(b"state,summit,admitted\r\nx,y,z\r\n")
    [difference] = findings(federate=federate)
    assert "1 row is missing" in difference


# The page.


def test_a_page_asks_the_service_and_offers_the_snapshot(make: Make) -> None:
    client, _ = make()
    response = client.get(f"{PAGE}?state=state:russia", headers=BROWSER)
    page = response.text
    assert NOW in page
    assert THEN not in page
    assert "This question asks Wikidata, a service of others" in page
    assert "Snapshot of 2026-11-01" in page
    assert re.search(r"Wikidata: 1 request, \d+ ms", page)
    assert 'href="/queries/admissions?state=state%3Arussia&amp;services=snapshot"' in page
    # What a service says may be another thing a moment later.
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers


def test_a_page_of_the_snapshot_stays_with_it(make: Make) -> None:
    client, _ = make()
    response = client.get(f"{PAGE}?state=state:russia&services=snapshot", headers=BROWSER)
    page = response.text
    assert THEN in page
    assert NOW not in page
    assert "from the snapshot that is kept here" in page
    assert '<input type="hidden" name="services" value="snapshot">' in page
    assert "SERVICE &lt;peninsula:wikidata-snapshot&gt;" in re.sub("</?span[^>]*>", "", page)
    assert "/queries/admissions?state=state%3Arussia&amp;services=snapshot&amp;format=csv" in page
    assert "admissions.csv?state=state:russia&amp;services=snapshot&amp;generation=" in page
    # It is part of a generation, and the same as long as that is.
    assert response.headers["ETag"]
    data = client.get(f"{PAGE}.csv?state=state:russia&services=snapshot")
    assert THEN in data.text
    assert data.headers["ETag"]


def test_a_name_in_place_of_a_thing_keeps_the_snapshot(make: Make) -> None:
    client, _ = make()
    response = client.get(f"{PAGE}?state=Russia&services=snapshot", headers=BROWSER)
    assert response.status_code == 303
    assert response.headers["Location"] == f"{PAGE}?state=state%3Arussia&services=snapshot"


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (UpstreamFailed("The service wikidata sends no results.", "Ask later."), 502, "sends no results"),
        (UpstreamBusy("Wikidata is busy.", retry_after=7), 503, "Wikidata is busy."),
    ],
)  # fmt: skip
def test_a_service_that_fails_leaves_the_page_and_offers_the_snapshot(
    make: Make, failure: Exception, status: int, words: str
) -> None:
    client, gateway = make()
    gateway.failure = failure
    response = client.get(f"{PAGE}?state=state:russia", headers=BROWSER)
    assert response.status_code == status
    page = response.text
    assert words in page
    assert "Ask the snapshot of 2026-11-01 instead" in page
    assert "Ask again" in page
    assert '<option value="state:russia" selected>Russia</option>' in page, "the form is as it was"
    assert response.headers["Cache-Control"] == "no-store"
    if isinstance(failure, UpstreamBusy):
        assert response.headers["Retry-After"] == "7"
    assert client.get(f"{PAGE}.csv?state=state:russia").status_code == status
    assert THEN in client.get(f"{PAGE}?state=state:russia&services=snapshot", headers=BROWSER).text


def test_the_editor_offers_the_snapshot_and_says_where_a_service_is_not_allowed(make: Make) -> None:
    client, gateway = make()
    gateway.failure = UpstreamFailed("It is down.")
    query = "SELECT * {\n  SERVICE <peninsula:wikidata> { ?state wdt:P571 ?admitted } }"
    asked = {"query": query}
    page = client.get("/sparql", query_string=asked, headers=BROWSER)
    assert page.status_code == 502
    assert "Ask again" in page.text
    assert "Ask the snapshot of 2026-11-01 instead" in page.text
    asked["services"] = "snapshot"
    page = client.get("/sparql", query_string=asked, headers=BROWSER)
    assert THEN in page.text
    assert "what is kept of them answers" in page.text
    assert "Ask the services themselves" in page.text
    asked = {"query": query.replace("peninsula:wikidata", "https://elsewhere.example/")}
    page = client.get("/sparql", query_string=asked, headers=BROWSER)
    assert page.status_code == 403
    assert 'data-line="2" data-column="3"' in page.text
    problem = client.get("/sparql", query_string=asked).json
    assert problem
    assert (problem["line"], problem["column"]) == (2, 3)


def test_a_snapshot_is_offered_however_its_service_is_named(make: Make) -> None:
    client, gateway = make()
    query = "PREFIX s: <peninsula:> SELECT * { SERVICE s:wikidata { ?state wdt:P571 ?day } }"
    gateway.failure = UpstreamFailed("It is down.")
    page = client.get("/sparql", query_string={"query": query}, headers=BROWSER)
    assert page.status_code == 502
    assert "Ask the snapshot of 2026-11-01 instead" in page.text


def test_without_a_snapshot_none_is_offered(make: Make) -> None:
    client, gateway = make(None)
    assert "Snapshot" not in client.get(PAGE, headers=BROWSER).text
    gateway.failure = UpstreamFailed("It is down.")
    page = client.get(PAGE, headers=BROWSER).text
    assert "Ask again" in page
    assert "snapshot" not in page
    for path, headers in ((PAGE, BROWSER), (f"{PAGE}.csv", None)):
        response = client.get(f"{path}?services=snapshot", headers=headers)
        assert response.status_code == 404
        assert "There is no snapshot of “wikidata” here" in response.text


def test_a_wish_that_cannot_be_met_is_told(make: Make) -> None:
    client, _ = make()
    assert client.get(f"{PAGE}?services=both").status_code == 400
    assert client.get(f"{PAGE}?services=both", headers=BROWSER).status_code == 400
    # Whoever always wants snapshots may say so of questions that ask nobody.
    assert client.get("/queries/summits?services=snapshot").status_code == 200


def test_a_snapshot_stands_in_where_that_is_wanted(make: Make) -> None:
    client, gateway = make()
    address = f"{PAGE}.csv?state=state:russia&services=fallback"
    assert NOW in client.get(address).text
    gateway.failure = UpstreamFailed("It is down.")
    response = client.get(address)
    assert THEN in response.text
    assert "ETag" not in response.headers


def test_the_library_marks_what_asks_a_service(make: Make) -> None:
    client, _ = make()
    assert client.get("/queries", headers=BROWSER).text.count("asks Wikidata") == 1
    listed = {entry["slug"]: entry["services"] for entry in client.get("/queries").json}  # type: ignore[union-attr]
    assert listed == {"admissions": ["wikidata"], "summits": [], "summits-of": []}


def test_the_examples_name_the_service_as_everybody_does(make: Make) -> None:
    client, _ = make()
    turtle = client.get("/queries.ttl").text
    assert "spex:federatesWith <https://query.wikidata.org/sparql>" in turtle
    assert "SERVICE <https://query.wikidata.org/sparql> {" in turtle
    assert "peninsula:wikidata" not in turtle


def test_the_editor_is_told_what_service_can_ask(make: Make) -> None:
    client, _ = make()
    told = client.get("/sparql/terms").json
    assert told is not None
    assert {"name": "wikidata", "address": "https://query.wikidata.org/sparql"} in told["services"]
    assert {"name": "wikidata-snapshot", "address": "2026-11-01"} in told["services"]
