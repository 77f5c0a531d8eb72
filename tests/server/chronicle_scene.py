"""A small scene of events, for the tests of what shows them along time and on a map.

Kim meets Putin at Vladivostok; a test of 2017 has no place but in words; a visit was cancelled; a
label holds markup. One agreement has no known end, one initiative no date at all.
"""

from __future__ import annotations

import pyoxigraph as ox

from peninsula.dataset.local import LocalDataset
from peninsula.namespaces import PREFIXES
from peninsula.policy import Policy

HOSTILE = '<script>alert("x")</script> & מסמך'
_RECORD = """
state:russia a pen:State ; rdfs:label "Russia"@en , "Россия"@ru .
state:north-korea a pen:State ; rdfs:label "North Korea"@en , "북한"@ko .
person:putin a pen:Person ; rdfs:label "Vladimir Putin"@en ; pen:isCitizenOf state:russia .
person:kim a pen:Person ; rdfs:label "Kim Jong-un"@en ; pen:isCitizenOf state:north-korea .
place:vladivostok a pen:Place ; rdfs:label "Vladivostok"@en ; pen:isLocatedIn state:russia ;
    geo:hasGeometry geometry:vladivostok .
geometry:vladivostok geo:asWKT "POINT(131.91 43.13)"^^geo:wktLiteral .
place:accra a pen:Place ; rdfs:label "Accra"@en ; geo:hasGeometry geometry:accra .
geometry:accra geo:asWKT "POINT(-0.1969 5.5560)"^^geo:wktLiteral .
place:panmunjom a pen:Place ; rdfs:label "Panmunjom"@en .
event:vladivostok-2019 a pen:Summit ; rdfs:label "Vladivostok summit"@en , "Владивостокский саммит"@ru ;
    pen:from "2019-04-25"^^xsd:date ; pen:until "2019-04-25"^^xsd:date ;
    pen:temporalExpression "2019-04-25"^^edtf:EDTF ; pen:takesPlaceAt place:vladivostok .
participation:putin pen:inEvent event:vladivostok-2019 ; pen:hasParticipant person:putin ; pen:represents state:russia .
participation:kim pen:inEvent event:vladivostok-2019 ; pen:hasParticipant person:kim ; pen:represents state:north-korea .
event:panmunjom-2018 a pen:Summit ; rdfs:label "Panmunjom summit"@en ;
    pen:from "2018-04-27"^^xsd:date ; pen:until "2018-04-27"^^xsd:date ; pen:takesPlaceAt place:panmunjom .
event:test-2017 a pen:NuclearTest ; rdfs:label "Nuclear test"@en ; pen:isConductedBy state:north-korea ;
    pen:from "2017-09-03"^^xsd:date ; pen:until "2017-09-03"^^xsd:date ; pen:placeDescription "Punggye-ri" .
event:hostile a pen:Clash ; rdfs:label HOSTILE ;
    pen:from "2010-03-01"^^xsd:date ; pen:until "2010-03-31"^^xsd:date ; pen:temporalExpression "2010-03?"^^edtf:EDTF ;
    pen:takesPlaceAt place:vladivostok .
planned-event:kim-moscow a pen:PlannedEvent ; rdfs:label "Kim visit to Moscow"@en ;
    pen:from "2015-01-01"^^xsd:date ; pen:until "2015-12-31"^^xsd:date ; pen:temporalExpression "2015"^^edtf:EDTF ;
    pen:hasStatus event-status:cancelled .
event-status:cancelled skos:prefLabel "cancelled"@en .
office:president a pen:Office ; rdfs:label "President of Russia"@en ; pen:isOfficeOf state:russia ;
    pen:officeKind office-kind:head-of-state .
office:premier a pen:Office ; rdfs:label "Prime Minister of Russia"@en ; pen:isOfficeOf state:russia ;
    pen:officeKind office-kind:head-of-government .
tenure:putin-1 a pen:Tenure ; pen:isTenureOf person:putin ; pen:isTenureIn office:president ;
    pen:from "2012-05-07"^^xsd:date ; pen:until "2018-05-07"^^xsd:date ; pen:temporalExpression "2012-05-07/2018-05-07"^^edtf:EDTF .
tenure:putin-2 a pen:Tenure ; pen:isTenureOf person:putin ; pen:isTenureIn office:president ;
    pen:from "2018-05-07"^^xsd:date ; pen:temporalExpression "2018-05-07/.."^^edtf:EDTF .
tenure:premier a pen:Tenure ; pen:isTenureOf person:putin ; pen:isTenureIn office:premier ;
    pen:from "2008-05-08"^^xsd:date ; pen:until "2012-05-07"^^xsd:date ; pen:temporalExpression "2008-05-08/2012-05-07"^^edtf:EDTF .
agreement:treaty a pen:Agreement ; rdfs:label "Treaty"@en ; pen:hasParty state:russia , state:north-korea ;
    pen:from "2000-02-09"^^xsd:date ; pen:temporalExpression "2000-02-09/"^^edtf:EDTF .
initiative:railway a pen:Project ; rdfs:label "Railway"@en .
sponsorship:railway pen:isSponsorshipOf initiative:railway ; pen:hasSponsor state:russia .
resolution:2397 a pen:Resolution ; rdfs:label "Resolution 2397"@en ; pen:adoptionDate "2017-12-22"^^xsd:date .
vote:2397-russia pen:isVoteOn resolution:2397 ; pen:isCastBy state:russia .
topic:sanctions skos:inScheme vocabulary:topics ; skos:prefLabel "Sanctions"@en .
topic:un-sanctions skos:inScheme vocabulary:topics ; skos:broader topic:sanctions ; skos:prefLabel "UN sanctions"@en .
claim:c1 pen:isAbout resolution:2397 ; pen:hasTopic topic:un-sanctions .
position:p1 a pen:PolicyPosition ; rdfs:label "Russia: supports – Resolution 2397"@en ; pen:hasHolder state:russia ;
    pen:hasStance stance:supports ; pen:onObject resolution:2397 ; pen:hasTopic topic:un-sanctions ;
    pen:from "2017-01-01"^^xsd:date ; pen:until "2017-12-31"^^xsd:date .
stance:supports skos:prefLabel "supports"@en .
pen:Summit rdfs:label "summit"@en . pen:NuclearTest rdfs:label "nuclear test"@en . pen:Clash rdfs:label "clash"@en .
"""
_INFERRED = """
event:vladivostok-2019 a pen:Event , pen:Meeting . event:panmunjom-2018 a pen:Event , pen:Meeting .
event:test-2017 a pen:Event , pen:Test . event:hostile a pen:Event .
planned-event:kim-moscow a pen:PossibleEvent . initiative:railway a pen:Initiative .
"""


def make_scene() -> LocalDataset:
    """Return the scene: what is stated and what follows stand in graphs of their own."""
    store = ox.Store()
    prologue = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    record = _RECORD.replace("HOSTILE", f"{ox.Literal(HOSTILE, language='en')}")
    for graph, text in (("record", record), ("inferred", _INFERRED)):
        name = ox.NamedNode(f"{PREFIXES['graph']}{graph}")
        store.load((prologue + text).encode(), format=ox.RdfFormat.TURTLE, to_graph=name)
    return LocalDataset(store, Policy())
