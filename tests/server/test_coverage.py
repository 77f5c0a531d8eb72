"""How far the data reach: counted, by class and by year."""

from __future__ import annotations

import pyoxigraph as ox
from flask.testing import FlaskClient

from peninsula.coverage import Coverage, measure_coverage
from peninsula.dataset.local import LocalDataset
from peninsula.policy import Policy

from .conftest import BROWSER

DATA = """
PREFIX pen: <https://w3id.org/peninsula/ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
PREFIX verification: <https://w3id.org/peninsula/verification/>
<x:g> {
  <x:a> a pen:Event ; pen:from "2018-06-12"^^xsd:date ; pen:hasVerification verification:verified ;
        rdfs:label "one"@en , "하나"@ko .
  <x:b> a pen:Event ; pen:from "2018-09-19"^^xsd:date ; rdfs:label "two"@en .
  <x:c> a pen:Event ; pen:hasVerification verification:partly-verified .
  <x:p> a pen:Person ; rdfs:label "somebody"@en .
  <x:l> pen:linksEntity <x:p> ; pen:linksTo <http://www.wikidata.org/entity/Q1> .
  <x:m> pen:linksEntity <x:a> ; pen:linksTo <https://sws.geonames.org/1/> .
}
"""


def measure(data: str) -> Coverage:
    store = ox.Store()
    store.load(data, format=ox.RdfFormat.TRIG)
    return measure_coverage(LocalDataset(store, Policy()), "en")


def test_things_are_counted_by_verification_name_and_link() -> None:
    person, event = measure(DATA).reaches
    assert (person.name, person.count, person.linked) == ("pen:Person", 1, 1)
    assert (event.name, event.count, event.linked) == ("pen:Event", 3, 0)
    assert {k.rpartition("/")[2]: n for k, n in event.verification.items()} == {
        "verified": 1, "partly-verified": 1, "": 1,
    }  # fmt: skip
    assert dict(event.named) == {"en": 2, "ko": 1}


def test_the_firmest_verification_comes_first() -> None:
    names = [iri.rpartition("/")[2] for iri in measure(DATA).verifications]
    assert names == ["verified", "partly-verified"]


def test_what_has_a_day_is_counted_by_year() -> None:
    coverage = measure(DATA)
    (events,) = coverage.years
    assert dict(events.counts) == {2018: 2}
    assert coverage.span == (2018, 2018)


def test_nothing_reaches_nowhere() -> None:
    coverage = measure("")
    assert coverage.reaches == [] and coverage.years == [] and coverage.span == (0, 0)


def test_the_page_tells_sources_and_reach(client: FlaskClient) -> None:
    page = client.get("/about", headers=BROWSER).get_data(as_text=True)
    assert "by/4.0" in page
