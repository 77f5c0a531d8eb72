"""The page of a thing says what is known of it, on whose word, and what points at it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.interface import Dataset
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.edtf import write_edtf
from peninsula.knowledge import Knowledge
from peninsula.labels import find_labels
from peninsula.namespaces import BASE, PREFIXES, expand
from peninsula.policy import Policy
from peninsula.resources import About, describe_resource, read_pointing, read_section
from peninsula.section_specs import find_spec
from peninsula.sections import write_query

from .conftest import BROWSER, Served, ask

RECORD = """
person:putin a pen:Person ; rdfs:label "Putin"@en , "푸틴"@ko , "Путин"@ru ;
  pen:isCitizenOf state:russia ; dcterms:source <https://example.org/bio> ;
  pen:hasVerification verification:verified ; pen:verificationNote "Checked twice."@en ;
  skos:exactMatch wd:Q7747 .
state:russia a pen:State ; rdfs:label "Russia"@en ; pen:hasCapital place:moscow .
place:moscow a pen:Place ; rdfs:label "Moscow"@en ; geo:hasGeometry geometry:moscow .
geometry:moscow geo:asWKT "POINT(37.6 55.7)"^^geo:wktLiteral .
office:president a pen:Office ; rdfs:label "President"@en ; pen:isOfficeOf state:russia .
tenure:t1 a pen:Tenure ; rdfs:label "Putin, President, 2000-2008"@en ; pen:isTenureOf person:putin ;
  pen:isTenureIn office:president ; pen:from "2000-05-07"^^xsd:date ; pen:until "2008-05-07"^^xsd:date ;
  pen:edtf "2000-05-07/2008-05-07"^^edtf:EDTF ; dcterms:source <https://example.org/holders> .
tenure:t2 a pen:Tenure ; rdfs:label "Putin, President, 2012-"@en ; pen:isTenureOf person:putin ;
  pen:isTenureIn office:president ; pen:from "2012-05-07"^^xsd:date .
link:putin a pen:IdentityLink ; rdfs:label "Putin, Q7747"@en ; pen:linksEntity person:putin ;
  pen:linksTo wd:Q7747 ; pen:confirmedBy "the editors" ; pen:confirmedOn "2026-01-01"^^xsd:date .
event:games a pen:Ceremony ; rdfs:label "Games"@en ; pen:from "2014-02-07"^^xsd:date ;
  pen:takesPlaceAt place:moscow .
participation:p1 a pen:Participation ; rdfs:label "Putin at the Games"@en ; pen:inEvent event:games ;
  pen:hasParticipant person:putin ; pen:hasAttendance attendance:attended .
initiative:games a pen:Policy ; rdfs:label "Opening up"@en ; dcterms:description "A plan."@en .
verification:verified a skos:Concept ; skos:prefLabel "verified"@en .
attendance:attended a skos:Concept ; skos:prefLabel "attended"@en .
stance:supports a skos:Concept ; skos:prefLabel "supports"@en .
stance:opposes a skos:Concept ; skos:prefLabel "opposes"@en .
pen:Person a owl:Class ; rdfs:label "person"@en ; rdfs:subClassOf pen:Actor .
pen:isTenureOf a owl:ObjectProperty ; rdfs:label "is tenure of"@en .
graph:record rdfs:label "The record"@en .
"""
COMMENTARY = """
person:putin skos:note "third term"@en ; prov:wasDerivedFrom claim:c000 .
claim:c000 a pen:Claim ; rdfs:label "claim c000"@en ; pen:paraphrase "Putin came."@en ;
  pen:isAbout person:putin ; pen:hasStance stance:supports ; pen:hasHolder person:putin .
position:p a pen:PolicyPosition ; rdfs:label "Putin: supports"@en ; pen:hasHolder person:putin ;
  pen:hasStance stance:supports ; pen:evidencedBy claim:c000 .
""" + "".join(
    f'claim:c{i:03} a pen:Claim ; pen:paraphrase "Claim number {i}."@en ; pen:isAbout person:putin ;'
    f" pen:hasStance stance:opposes .\n"
    for i in range(1, 61)
)
INFERRED = "person:putin a pen:Actor .\n"
#: Somebody's own class, and what may be hostile in a label.
OWN = """
notion:own a <https://example.org/Ship> ; rdfs:label "<script>alert(1)</script>"@en ;
  <https://example.org/built> "javascript:alert(1)" ; rdfs:seeAlso <javascript:alert(1)> ;
  skos:note "\u202egnirts a"@ar ; <https://example.org/part> [ rdfs:label "a nameless part"@en ] .
"""


def make_store() -> ox.Store:
    head = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    store = ox.Store()
    for graph, turtle in {
        "graph:record": RECORD, "graph:commentary": COMMENTARY, "graph:inferred": INFERRED,
        "graph:own": OWN,
    }.items():  # fmt: skip
        name = ox.NamedNode(expand(graph))
        store.load((head + turtle).encode(), ox.RdfFormat.TURTLE, to_graph=name)
    return store


@pytest.fixture(scope="module")
def small() -> LocalDataset:
    return LocalDataset(make_store(), Policy())


@pytest.fixture(scope="module")
def pages(small: LocalDataset, knowledge: Knowledge) -> FlaskClient:
    return create_app(Config(), LocalDatabase(small), knowledge).test_client()


def describe(dataset: Dataset, name: str, language: str = "en") -> About:
    about = describe_resource(dataset, ox.NamedNode(expand(name)), language)
    assert about is not None
    return about


def test_names_classes_and_summary(small: LocalDataset) -> None:
    about = describe(small, "person:putin")
    assert about.label == "Putin"
    assert [(name.text, name.language) for name in about.other_labels] == [
        ("푸틴", "ko"), ("Путин", "ru"),
    ]  # fmt: skip
    assert [cell.text for cell in about.classes] == ["person"]
    assert describe(small, "person:putin", "ko").label == "푸틴"
    plan = describe(small, "initiative:games")
    assert plan.summary is not None
    assert plan.summary.text == "A plan."


def test_every_fact_says_where_it_is_from(small: LocalDataset) -> None:
    about = describe(small, "person:putin")
    facts = {fact.property.iri: fact.values[0] for group in about.groups for fact in group.facts}
    citizen = facts[expand("pen:isCitizenOf")].provenance
    assert [graph.text for graph in citizen.graphs] == ["The record"]
    assert [source.iri for source in citizen.sources] == ["https://example.org/bio"]
    assert [level.text for level in citizen.verifications] == ["verified"]
    assert [note.text for note in citizen.notes] == ["Checked twice."]
    assert not citizen.derived
    # What the commentary says has the commentary's sources, and no others.
    note = facts[expand("skos:note")].provenance
    assert [cell.text for cell in note.derived] == ["Putin came."]
    assert not note.sources


def test_what_is_inferred_is_told_apart(small: LocalDataset) -> None:
    groups = {group.key: group for group in describe(small, "person:putin").groups}
    values = groups["inferred"].facts[0].values
    assert [value.cell.iri for value in values] == [expand("pen:Actor")]
    assert values[0].provenance.is_inferred
    stated = [fact for fact in groups["facts"].facts if fact.property.iri == expand("rdf:type")]
    assert [value.cell.iri for value in stated[0].values] == [expand("pen:Person")]


def test_sections_follow_from_what_points_here(small: LocalDataset) -> None:
    sections = {s.key: s for s in describe(small, "person:putin").sections}
    assert set(sections) == {"tenures", "positions", "events", "claims-about", "claims-held"}
    tenures = sections["tenures"]
    assert [row.time.text for row in tenures.rows] == ["2000-05-07 – 2008-05-07", "2012-05-07 – …"]
    assert tenures.rows[0].values["office"][0].text == "President"
    assert [s.iri for s in tenures.rows[0].provenance.sources] == ["https://example.org/holders"]
    assert sections["events"].rows[0].time.text.startswith("2014-02-07")
    assert sections["events"].rows[0].values["place"][0].text == "Moscow"
    assert sections["claims-about"].count == 61
    assert len(sections["claims-about"].rows) < 61
    assert sections["claims-held"].count == 1


def test_places_are_found(small: LocalDataset) -> None:
    for name in ("place:moscow", "state:russia", "event:games"):
        spots = describe(small, name).places
        assert [(spot.place.text, spot.latitude, spot.longitude) for spot in spots] == [
            ("Moscow", 55.7, 37.6)
        ]


def test_an_identity_says_who_confirmed_it(small: LocalDataset) -> None:
    (identity,) = describe(small, "person:putin").identities
    assert identity.target.iri == expand("wd:Q7747")
    assert (identity.confirmed_by, identity.confirmed_on) == ("the editors", "2026-01-01")


def test_what_points_here_is_counted(small: LocalDataset) -> None:
    pointing = {p.name: p for p in describe(small, "person:putin").pointing}
    assert pointing["pen:isAbout"].count == 61
    assert pointing["pen:isAbout"].section == "claims-about"
    # Claims and a position are told in two sections, so neither has all of them.
    assert pointing["pen:hasHolder"].count == 2
    assert pointing["pen:hasHolder"].section == ""


def test_a_section_is_paged_and_narrowed(small: LocalDataset) -> None:
    putin, spec = ox.NamedNode(expand("person:putin")), find_spec("claims-about")
    assert spec is not None
    first = read_section(small, putin, spec, 1, {}, "en")
    second = read_section(small, putin, spec, 2, {}, "en")
    assert (first.pages, first.count) == (2, 61)
    assert first.section is not None
    assert second.section is not None
    seen = [row.thing.iri for part in (first, second) for row in part.section.rows]  # type: ignore[union-attr]
    assert len(seen) == len(set(seen)) == 61
    narrowed = read_section(small, putin, spec, 1, {"stance": expand("stance:supports")}, "en")
    assert narrowed.count == 1
    assert narrowed.section is not None
    assert [row.thing.text for row in narrowed.section.rows] == ["Putin came."]
    assert first.choices is not None
    assert first.choices["stance"] == [
        ("stance:opposes", "opposes", 60),
        ("stance:supports", "supports", 1),
    ]


def test_the_query_of_a_section_finds_its_rows(small: LocalDataset) -> None:
    putin, spec = ox.NamedNode(expand("person:putin")), find_spec("tenures")
    assert spec is not None
    rows = ask(small, write_query(putin, spec, {}))
    assert {str(row[0]) for row in rows} == {f"<{expand('tenure:t1')}>", f"<{expand('tenure:t2')}>"}


def test_one_property_is_paged(small: LocalDataset) -> None:
    putin, about = (ox.NamedNode(expand(name)) for name in ("person:putin", "pen:isAbout"))
    pages = [read_pointing(small, putin, about, number, "en") for number in (1, 2, 3)]
    found = [thing.iri for page in pages if page.pointing for thing in page.pointing.things]
    assert len(found) == len(set(found)) == 61
    assert pages[0].pages == 2


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2014", "2014"), ("2014/2015", "2014 – 2015"), ("2014/..", "2014 – …"),
        ("../2014", "… – 2014"), ("/2014", "… – 2014"), ("2014~", "2014~"),
        ("2014-01-01/2015-12-31", "2014 – 2015"), ("2014-01-01/2014-12-31", "2014"),
        ("/2014-12-31", "… – 2014"), ("2014-01-01/2014-06-30", "2014-01-01 – 2014-06-30"),
        ("2014-06-30/2014-06-30", "2014-06-30"),
    ],
)  # fmt: skip
def test_intervals_are_written_to_be_read(text: str, read: str) -> None:
    assert write_edtf(text) == read


def test_nothing_is_known_of_a_stranger(small: LocalDataset) -> None:
    assert describe_resource(small, ox.NamedNode(expand("person:nobody")), "en") is None


def test_the_default_graph_is_told_of(knowledge: Knowledge) -> None:
    store = ox.Store()
    node, label = ox.NamedNode(expand("notion:loose")), ox.NamedNode(expand("rdfs:label"))
    store.add(ox.Quad(node, label, ox.Literal("Loose"), ox.DefaultGraph()))
    dataset = LocalDataset(store, Policy(), is_union=False)
    about = describe_resource(dataset, node, "en")
    assert about is not None
    assert about.label == "Loose"
    client = create_app(Config(), LocalDatabase(dataset), knowledge).test_client()
    assert "the default graph" in client.get("/id/notion/loose.html").text


# The page itself.


def test_the_page_has_facts_sections_and_pointers(pages: FlaskClient) -> None:
    text = pages.get("/id/person/putin.html").text
    for part in (
        "<h1>Putin</h1>", 'lang="ko">푸틴', "Offices held", 'id="claims-about"', "All 61, page by page",
        "https://example.org/bio", "Checked twice.", "Confirmed on 2026-01-01", "What points here",
        "section=claims-about", 'class="drawing timeline"',
    ):  # fmt: skip
        assert part in text, part


def test_a_section_alone_can_be_narrowed_and_paged(pages: FlaskClient) -> None:
    text = pages.get("/id/person/putin.html?section=claims-about&page=2").text
    assert "Page 2 of 2" in text
    assert 'name="stance"' in text
    text = pages.get("/id/person/putin.html?section=claims-about&stance=stance:supports").text
    assert "Putin came." in text
    assert "Claim number 1." not in text
    assert "Page 2 of 2" in pages.get("/id/person/putin.html?property=pen:isAbout&page=2").text


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("section=nothing", "section"), ("section=votes&page=0", "page"),
        ("section=votes&page=x", "page"), ("property=no+name", "property"),
        ("section=claims-about&stance=no+name", "stance"),
    ],
)  # fmt: skip
def test_bad_parameters_are_explained(pages: FlaskClient, query: str, parameter: str) -> None:
    response = pages.get(f"/id/person/putin.html?{query}")
    assert response.status_code == 400
    problem: Any = response.json
    assert problem["parameter"] == parameter


def test_hostile_values_are_text(pages: FlaskClient) -> None:
    text = pages.get("/id/notion/own.html", headers=BROWSER).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert 'href="javascript:' not in text
    assert "a nameless part" in text
    assert "https://example.org/Ship" in text


@pytest.mark.parametrize("name", ["person/putin", "graph/record"])
def test_statements_can_be_had_as_csv(pages: FlaskClient, name: str) -> None:
    path = f"/id/{name}" if name.startswith("person") else f"/{name}"
    assert pages.get(path, headers={"Accept": "text/csv"}).location == f"{path}.csv"
    rows = list(csv.DictReader(io.StringIO(pages.get(f"{path}.csv").text)))
    assert {
        "subject": f"{BASE}id/person/putin", "property": expand("rdfs:label"), "value": "푸틴",
        "datatype": "", "language": "ko", "graph": expand("graph:record"),
    } in rows  # fmt: skip
    if name.startswith("person"):
        assert any(row["value"] == f"{BASE}id/person/putin" for row in rows)
        assert any(row["graph"] == expand("graph:inferred") for row in rows)


def test_links_stay_in_a_past_generation(pages: FlaskClient) -> None:
    text = pages.get("/id/person/putin.html?generation=1").text
    assert 'href="/id/person/putin.csv?generation=1"' in text
    assert 'href="/id/state/russia?generation=1"' in text


def test_an_unknown_thing_has_near_matches(pages: FlaskClient) -> None:
    problem: Any = pages.get("/id/person/putinn").json
    assert problem["status"] == 404
    assert problem["suggestions"][0] == {
        "iri": expand("person:putin"), "label": "Putin", "class": "person",
        "path": "/id/person/putin",
    }  # fmt: skip
    response = pages.get("/id/person/putinn.html", headers=BROWSER)
    assert response.status_code == 404
    assert '<a href="/id/person/putin">Putin</a>' in response.text


def test_an_unknown_kind_has_near_matches(pages: FlaskClient) -> None:
    problem: Any = pages.get("/id/persons/putin").json
    assert problem["status"] == 404
    assert "person" in problem["remedy"]


def test_an_empty_store_has_pages_that_say_so(knowledge: Knowledge) -> None:
    empty = create_app(
        Config(), LocalDatabase(LocalDataset(ox.Store(), Policy())), knowledge
    ).test_client()
    response = empty.get("/id/state/russia", headers=BROWSER)
    assert response.status_code == 404
    assert "What to do" in response.text
    assert empty.get("/search?q=russia", headers=BROWSER).status_code == 200


def test_what_was_removed_is_known_to_an_earlier_generation(site: Served) -> None:
    here = "<https://w3id.org/peninsula/id/notion/gone> rdfs:label 'Gone'@en"
    added = site.update(f"INSERT DATA {{ {here} }}")
    assert added.status_code < 300, added.text
    number = int(added.headers["Peninsula-Generation"])
    assert site.client.get("/id/notion/gone").status_code == 303
    assert site.update(f"DELETE DATA {{ {here} }}").status_code < 300
    response = site.client.get("/id/notion/gone")
    problem: Any = response.json
    assert (problem["status"], problem["earlier"]) == (404, number)
    page = site.client.get("/id/notion/gone", headers=BROWSER).text
    assert f"generation={number}" in page
    earlier = site.client.get(f"/id/notion/gone.html?generation={number}", headers=BROWSER)
    assert "Gone" in earlier.text


@pytest.mark.parametrize(("language", "word"), [("en", "is a"), ("ko", "종류"), ("ru", "вид")])
def test_terms_of_others_have_names_in_every_language(
    small: LocalDataset, language: str, word: str
) -> None:
    type_ = ox.NamedNode(expand("rdf:type"))
    assert find_labels(small, [type_], language)[type_.value] == word
