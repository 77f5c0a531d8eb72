"""A small scene of positions, for the tests of what shows them.

Russia backs a resolution of 2017, unwillingly at the same time, and opposes sanctions from 2021:
a change of stance. China supports the resolution and opposes the sanctions at an unknown time
before 2021. A person of Russia deplores a state of affairs. Nobody has a view on talks but Russia.
"""

from __future__ import annotations

import pyoxigraph as ox

from peninsula.dataset.local import LocalDataset
from peninsula.namespaces import PREFIXES
from peninsula.policy import Policy

_TOPICS = """
topic:sanctions skos:inScheme vocabulary:topics ; skos:topConceptOf vocabulary:topics ; skos:prefLabel "Sanctions"@en , "제재"@ko .
topic:un-sanctions skos:inScheme vocabulary:topics ; skos:broader topic:sanctions ; skos:prefLabel "UN sanctions"@en .
topic:sanctions-on-russia skos:inScheme vocabulary:topics ; skos:broader topic:sanctions ; skos:prefLabel "Sanctions on Russia"@en .
topic:diplomacy skos:inScheme vocabulary:topics ; skos:topConceptOf vocabulary:topics ; skos:prefLabel "Diplomacy"@en .
topic:multilateral-talks skos:inScheme vocabulary:topics ; skos:broader topic:diplomacy ; skos:prefLabel "Multilateral talks"@en .
topic:six-party-talks skos:inScheme vocabulary:topics ; skos:broader topic:multilateral-talks ; skos:prefLabel "Six-Party Talks"@en .
"""
_THINGS = """
state:russia a pen:State , pen:Actor ; rdfs:label "Russia"@en , "Россия"@ru .
state:china a pen:State ; rdfs:label "China"@en .
state:japan a pen:State ; rdfs:label "Japan"@en .
person:putin a pen:Person ; rdfs:label "Putin"@en ; pen:isCitizenOf state:russia .
group:observers a pen:Group ; rdfs:label "<b>Observers</b> & others"@en ; pen:isGroupWithin state:russia .
resolution:2397 rdfs:label "Resolution 2397"@en .
measure:un-sanctions rdfs:label "UN sanctions on North Korea"@en .
initiative:six-party-talks rdfs:label "Six-Party Talks"@en .
stance:supports skos:prefLabel "supports"@en , "поддержка"@ru .
stance:opposes skos:prefLabel "opposes"@en .
stance:ambivalent skos:prefLabel "ambivalent"@en .
stance:conditional skos:prefLabel "conditional"@en .
stance:indifferent skos:prefLabel "indifferent"@en .
modality:asserted skos:prefLabel "asserted"@en .
modality:expected skos:prefLabel "expected"@en .
"""
_POSITIONS = """
position:russia-supports-2397 a pen:PolicyPosition ; rdfs:label "Russia: supports"@en ; pen:hasHolder state:russia ;
    pen:hasStance stance:supports ; pen:onObject resolution:2397 ; pen:hasTopic topic:un-sanctions ;
    pen:hasModality modality:asserted ; pen:evidencedBy claim:c1 ;
    pen:from "2017-01-01"^^xsd:date ; pen:until "2017-12-31"^^xsd:date ; pen:inferredEdtf "2017-01-01/2017-12-31"^^edtf:EDTF .
position:russia-ambivalent-2397 a pen:PolicyPosition ; pen:hasHolder state:russia ;
    pen:hasStance stance:ambivalent ; pen:onObject resolution:2397 ; pen:hasTopic topic:un-sanctions ;
    pen:hasModality modality:asserted ; pen:evidencedBy claim:c2 ; pen:restsOnReading reading:r2 ;
    pen:from "2017-06-01"^^xsd:date ; pen:until "2017-12-31"^^xsd:date ; pen:edtf "2017-06/2017-12"^^edtf:EDTF .
position:russia-opposes-sanctions a pen:PolicyPosition ; pen:hasHolder state:russia ;
    pen:hasStance stance:opposes ; pen:onObject measure:un-sanctions ; pen:hasTopic topic:un-sanctions , topic:six-party-talks ;
    pen:hasModality modality:expected ; pen:evidencedBy claim:c3 , claim:c4 ; pen:isToward state:china ;
    pen:succeeds position:russia-supports-2397 ;
    pen:from "2021-01-01"^^xsd:date ; pen:inferredEdtf "2021-01-01/.."^^edtf:EDTF .
position:china-supports-2397 a pen:PolicyPosition ; pen:hasHolder state:china ;
    pen:hasStance stance:supports ; pen:onObject resolution:2397 ; pen:hasTopic topic:un-sanctions ;
    pen:hasModality modality:asserted ; pen:evidencedBy claim:c5 ;
    pen:from "2017-12-22"^^xsd:date ; pen:until "2017-12-22"^^xsd:date ; pen:edtf "2017-12-22"^^edtf:EDTF .
position:china-opposes-sanctions a pen:PolicyPosition ; pen:hasHolder state:china ;
    pen:hasStance stance:opposes ; pen:onObject measure:un-sanctions ; pen:hasTopic topic:un-sanctions ;
    pen:hasModality modality:asserted ; pen:evidencedBy claim:c6 ;
    pen:until "2021-12-31"^^xsd:date ; pen:inferredEdtf "/2021-12-31"^^edtf:EDTF .
position:putin-opposes a pen:PolicyPosition ; pen:hasHolder person:putin ;
    pen:hasStance stance:opposes ; pen:hasTopic topic:sanctions-on-russia ;
    pen:hasModality modality:asserted ; pen:evidencedBy claim:c7 .
position:observers-supports a pen:PolicyPosition ; pen:hasHolder group:observers ;
    pen:hasStance stance:supports ; pen:onObject initiative:six-party-talks ; pen:hasTopic topic:six-party-talks ;
    pen:hasModality modality:asserted ; pen:evidencedBy claim:c8 ;
    pen:from "2019-01-01"^^xsd:date ; pen:until "2019-12-31"^^xsd:date ; pen:inferredEdtf "2019"^^edtf:EDTF .
"""
_CLAIMS = """
claim:c1 pen:paraphrase "Russia backed the resolution."@en ; pen:inventoryId "c1" ; pen:hasVoice voice:book ;
    pen:hasHolder state:russia ; pen:hasPassage passage:p1 ; pen:inferredEdtf "2017"^^edtf:EDTF ;
    pen:hasAttribution attribution:c1-1 , attribution:c1-2 , attribution:c1-3 ; pen:inTensionWith claim:c2 , claim:c3 .
attribution:c1-1 pen:level 1 ; pen:isAttributedTo document:commentary ; pen:attributionBasis attribution-basis:own-text .
attribution:c1-2 pen:level 2 ; pen:isAttributedTo document:book ; pen:attributionBasis attribution-basis:rests-on-note .
attribution:c1-3 pen:level 3 ; pen:isAttributedTo state:russia ; pen:attributionBasis attribution-basis:explicit .
document:commentary rdfs:label "The commentary"@en .
document:book rdfs:label "The book"@en .
attribution-basis:rests-on-note skos:prefLabel "rests on a note"@en .
passage:p1 pen:section "north-korea" ; pen:paragraph 4 ; pen:sentence 3 .
claim:c2 pen:paraphrase "Russia backed it with reluctance."@en ; pen:inventoryId "c2" ; pen:hasHolder state:russia .
claim:c3 pen:paraphrase "Russia will back no more sanctions."@en ; pen:inventoryId "c3" ; pen:hasHolder state:russia .
claim:c4 pen:paraphrase "Nor if China does."@en ; pen:inventoryId "c4" .
claim:c5 pen:paraphrase "China voted for it."@en ; pen:inventoryId "c5" .
claim:c6 pen:paraphrase "China is against more."@en ; pen:inventoryId "c6" .
claim:c7 pen:paraphrase "<script>alert(1)</script> is no way to treat a state."@en ; pen:inventoryId "c7" .
claim:c8 pen:paraphrase "The talks should go on."@en ; pen:inventoryId "c8" .
tension:t a pen:Tension ; rdfs:label "Backing and reluctance"@en ; pen:hasTensionMember claim:c1 , claim:c2 ;
    pen:tensionKind tension-kind:different-aspects .
tension-kind:different-aspects skos:prefLabel "different aspects"@en .
reading:r2 a pen:Reading ; rdfs:label "Reluctance"@en ; dcterms:description "Reluctance shows a mixed attitude."@en ; pen:readsClaim claim:c2 .
"""


def make_scene(more: str = "") -> LocalDataset:
    """Return the scene as a dataset, with ``more`` statements in Turtle."""
    prologue = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    store = ox.Store()
    store.load(
        (prologue + _TOPICS + _THINGS + _POSITIONS + _CLAIMS + more).encode(),
        format=ox.RdfFormat.TURTLE,
        to_graph=ox.NamedNode("https://w3id.org/peninsula/graph/scene"),
    )
    return LocalDataset(store, Policy())
