"""With the snapshot in the store our pages and questions say what they said, and a little more."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.app import create_app
from peninsula.config import Config
from peninsula.coverage import measure_coverage
from peninsula.dataset.interface import Graph, Solutions
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.gate import UNJUDGED
from peninsula.knowledge import find_knowledge
from peninsula.library import Library, read_library
from peninsula.loading import Loaded, load
from peninsula.overview import count_classes
from peninsula.policy import Policy
from peninsula.wikidata.assembling import assemble
from peninsula.wikidata.excerpt import describe_snapshot, read_excerpt
from peninsula.wikidata.slice import SNAPSHOT
from peninsula.wikidata.things import read_links, read_snapshot_triples, read_things

from .links import NOW, ROOT, Pulling, our_slice, wd
from .servers import Proxy, Service

BROWSER = {"Accept": "text/html"}
#: The first asks what graphs there are; the other gives the label of what it shows, which is that
#: of the item as soon as it is known.
MORE = {"graph-contents", "state-profile"}


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(find_knowledge())


@pytest.fixture(scope="module")
def library() -> Library:
    return read_library(ROOT / "queries")


@pytest.fixture(scope="module")
def without(loaded: Loaded) -> LocalDataset:
    store = ox.Store()
    store.extend([*loaded.stated, *loaded.computed])
    return LocalDataset(store, Policy())


@pytest.fixture(scope="module")
def beside(
    loaded: Loaded, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> LocalDataset:
    """Return our graph with the snapshot in it."""
    with Proxy(service.address) as proxy:
        pull = Pulling(proxy, tmp_path_factory.mktemp("journal"), our_slice()).pull()
    store = ox.Store()
    store.extend([*loaded.stated, *loaded.computed])
    graph = ox.NamedNode(SNAPSHOT)
    triples = assemble(pull, "https://example.org/sparql", NOW)
    store.extend(ox.Quad(t.subject, t.predicate, t.object, graph) for t in triples)
    return LocalDataset(store, Policy())


@pytest.fixture(scope="module")
def client(beside: LocalDataset) -> FlaskClient:
    app = create_app(Config(), LocalDatabase(beside), find_knowledge())
    return app.test_client()


def test_every_question_has_the_same_answer(
    without: LocalDataset, beside: LocalDataset, library: Library
) -> None:
    asked = 0
    for slug, template in library.templates.items():
        if slug in MORE or "SERVICE" in (ROOT / "queries" / f"{slug}.rq").read_text():
            continue
        answers = []
        for dataset in (without, beside):
            result = template.ask(dataset, template.examples)
            answers.append(
                sorted(map(str, result)) if isinstance(result, Solutions | Graph) else result
            )
        assert answers[0] == answers[1], slug
        asked += 1
    assert asked > 30


def test_what_is_counted_of_ours_is_the_same(without: LocalDataset, beside: LocalDataset) -> None:
    assert measure_coverage(beside, "en") == measure_coverage(without, "en")
    assert count_classes(beside, "en") == count_classes(without, "en")
    assert read_links(beside) == read_links(without)
    things = [link.thing for link in read_links(without)]
    assert read_things(beside, things) == read_things(without, things)


def test_it_is_not_judged_and_describes_itself(beside: LocalDataset, without: LocalDataset) -> None:
    assert ox.NamedNode(SNAPSHOT) in UNJUDGED
    (source,) = describe_snapshot(beside)
    assert source.title == "Snapshot of Wikidata" and source.issued == "2026-11-28"
    assert source.licence == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert describe_snapshot(without) == []
    assert len(list(read_snapshot_triples(beside))) == beside.graphs()[SNAPSHOT]
    assert list(read_snapshot_triples(without)) == []


def test_a_search_finds_no_item(client: FlaskClient) -> None:
    for text in ("human", "Supreme Leader", "Владимир"):
        page = client.get("/search", query_string={"q": text, "format": "json"})
        assert page.status_code == 200
        assert "www.wikidata.org" not in page.get_data(as_text=True), text


def test_a_page_tells_what_wikidata_says_and_as_of_when(client: FlaskClient) -> None:
    page = client.get("/id/person/vladimir-putin", headers=BROWSER, follow_redirects=True)
    text = page.get_data(as_text=True)
    part = text.partition('id="wikidata"')[2].partition("</section>")[0]
    assert "Retrieved on 2026-11-28" in part and "Revision 20" in part
    assert "United Russia" in part and "1952-10-07" in part
    assert "https://ru.wikipedia.org/" in part and 'lang="ru"' in part
    # What is ours, too, leads to ours.
    assert 'href="/id/office/president-of-russia"' in part
    korean = client.get("/id/person/vladimir-putin?lang=ko", headers=BROWSER, follow_redirects=True)
    assert "블라디미르 푸틴 (Q7747)" in korean.get_data(as_text=True)


def test_a_merged_item_is_told_and_a_deleted_one_has_no_part(client: FlaskClient) -> None:
    dalian = client.get("/id/place/dalian", headers=BROWSER, follow_redirects=True)
    assert "merged into this one" in dalian.get_data(as_text=True)
    ulan_ude = client.get("/id/place/ulan-ude", headers=BROWSER, follow_redirects=True)
    assert ulan_ude.status_code == 200 and 'id="wikidata"' not in ulan_ude.get_data(as_text=True)


def test_how_close_a_match_is_stands_beside_it(client: FlaskClient) -> None:
    page = client.get("/id/place/panmunjom", headers=BROWSER, follow_redirects=True)
    assert "nearly the same" in page.get_data(as_text=True)


def test_the_sources_know_it(client: FlaskClient) -> None:
    text = client.get("/about", headers=BROWSER).get_data(as_text=True)
    assert "Snapshot of Wikidata" in text and "CC0 1.0" in text


@pytest.mark.parametrize("path", ["/", "/positions", "/timeline", "/map", "/network", "/queries"])
def test_other_pages_are_there(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers=BROWSER)
    assert page.status_code == 200
    assert "www.wikidata.org/entity/Q5" not in page.get_data(as_text=True)


def test_an_excerpt_of_what_is_not_there_is_none(
    beside: LocalDataset, without: LocalDataset
) -> None:
    assert read_excerpt(beside, wd(1), "en") is None
    assert read_excerpt(beside, "https://example.org/Q1", "en") is None
    assert read_excerpt(without, wd(7747), "en") is None


def test_hostile_names_are_text(tmp_path: Path) -> None:
    store = ox.Store()
    graph = f"GRAPH <{SNAPSHOT}>"
    hostile = '<script>alert(1)</script>" onclick="x'
    item = f"<{wd(7747)}>"
    quoted = str(ox.Literal(hostile, language="en"))
    store.update(
        f"INSERT DATA {{ {graph} {{ {item} <http://www.w3.org/2000/01/rdf-schema#label> {quoted} ; "
        f"<http://schema.org/description> {quoted} ; <http://schema.org/version> {quoted} . "
        f"<https://en.wikipedia.org/wiki/x> <http://schema.org/about> {item} ; "
        f"<http://schema.org/isPartOf> <https://en.wikipedia.org/> ; <http://schema.org/name> {quoted} "
        "} <https://w3id.org/peninsula/id/person/p> a <https://w3id.org/peninsula/ns#Person> ; "
        f"<http://www.w3.org/2004/02/skos/core#exactMatch> {item} }}"
    )
    app = create_app(
        Config(store=tmp_path), LocalDatabase(LocalDataset(store, Policy())), find_knowledge()
    )
    page = app.test_client().get("/id/person/p", headers=BROWSER, follow_redirects=True)
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and 'id="wikidata"' in text
    assert "<script>alert" not in text and 'oldid="' not in text and "Revision &lt;" not in text
