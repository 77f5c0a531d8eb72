"""Is what is inferred true, new, useful, and made of the very terms that went in?"""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from peninsula import inference
from peninsula.namespaces import PREFIXES

PROLOGUE = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())


def parse(turtle: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(PROLOGUE + turtle, format=ox.RdfFormat.TURTLE)]


def inferred(turtle: str) -> set[ox.Triple]:
    return set(inference.materialise(parse(turtle)))


@pytest.mark.parametrize(
    ("given", "follows"),
    [
        pytest.param(
            """pen:Summit rdfs:subClassOf pen:Meeting . pen:Meeting rdfs:subClassOf pen:Event .
               event:a a pen:Summit .""",
            "event:a a pen:Meeting , pen:Event . pen:Summit rdfs:subClassOf pen:Event .",
            id="subclass",
        ),
        pytest.param(
            """pen:contradicts rdfs:subPropertyOf pen:inTensionWith .
               pen:inTensionWith a owl:SymmetricProperty .
               claim:c001 pen:contradicts claim:c002 .""",
            "claim:c001 pen:inTensionWith claim:c002 . claim:c002 pen:inTensionWith claim:c001 .",
            id="symmetric superproperty",
        ),
        pytest.param(
            """pen:hasParticipant rdfs:domain pen:Participation ; rdfs:range pen:Actor .
               participation:p pen:hasParticipant state:russia .""",
            "participation:p a pen:Participation . state:russia a pen:Actor .",
            id="domain and range",
        ),
        pytest.param(
            """pen:PositionClaim owl:equivalentClass [ a owl:Class ; owl:intersectionOf (
                 pen:Claim
                 [ a owl:Restriction ; owl:onProperty pen:hasKind ;
                   owl:hasValue claim-kind:position ] ) ] .
               claim:c001 a pen:Claim ; pen:hasKind claim-kind:position .
               claim:c002 a pen:PositionClaim . claim:c003 a pen:Claim .""",
            """claim:c001 a pen:PositionClaim .
               claim:c002 a pen:Claim ; pen:hasKind claim-kind:position .""",
            id="class defined by a value",
        ),
        pytest.param(
            """pen:hasPart owl:inverseOf pen:isPartOf . pen:hasPart a owl:TransitiveProperty .
               document:a pen:hasPart document:b . document:b pen:hasPart document:c .""",
            """document:a pen:hasPart document:c . document:b pen:isPartOf document:a .
               document:c pen:isPartOf document:a , document:b .""",
            id="inverse and transitive",
        ),
    ],
)
def test_consequence_is_inferred(given: str, follows: str) -> None:
    assert set(parse(follows)) <= inferred(given)


def test_value_of_defined_class_is_inferred_for_its_members_only() -> None:
    given = "pen:Summit rdfs:subClassOf pen:Event . event:a a pen:Summit . event:b a pen:Visit ."
    assert inferred(given) == set(parse("event:a a pen:Event ."))


def test_literals_come_back_as_they_went_in() -> None:
    values = [
        '"하노이"@ko',
        '"Hanoi"@en-GB',
        '"Hanoi"',
        '"01"^^xsd:integer',
        '"1.50"^^xsd:decimal',
        '"2017-07"^^edtf:EDTF',
        '"2017-02-30"^^xsd:date',
        '"POINT(105.85 21.03)"^^geo:wktLiteral',
        '"line\\nbreak \\"quoted\\" \\\\ back"',
        "true",
    ]
    given = (
        "pen:edtf rdfs:subPropertyOf pen:temporalExpression . event:a pen:edtf "
        + " , ".join(values)
        + " ."
    )
    assert inferred(given) == set(
        parse("event:a pen:temporalExpression " + " , ".join(values) + " .")
    )


def test_terms_that_look_like_our_codes_are_kept_apart() -> None:
    values = '"urn:x-peninsula:0" , <urn:x-peninsula:0> , <urn:x-peninsula:1> , "x"@en'
    given = f"pen:edtf rdfs:subPropertyOf pen:note . event:a pen:edtf {values} ."
    assert inferred(given) == set(parse(f"event:a pen:note {values} ."))


def test_blank_nodes_are_reasoned_with_and_not_stored() -> None:
    given = """pen:Solo rdfs:subClassOf [ a owl:Restriction ;
                 owl:onProperty pen:hasStatus ; owl:hasValue event-status:possible ] .
               event:a a pen:Solo . [] a pen:Solo ."""
    assert inferred(given) == set(parse("event:a pen:hasStatus event-status:possible ."))


def test_nothing_asserted_is_inferred_again() -> None:
    given = parse("pen:Summit rdfs:subClassOf pen:Event . event:a a pen:Summit , pen:Event .")
    assert inference.materialise(given) == []
    assert not inference.close(given).inferred & set(given)


def test_materialising_twice_adds_nothing() -> None:
    given = parse(
        """pen:contradicts a owl:SymmetricProperty ; rdfs:subPropertyOf pen:inTensionWith .
           pen:inTensionWith a owl:SymmetricProperty . event:a a pen:Summit .
           pen:Summit rdfs:subClassOf pen:Meeting . pen:Meeting rdfs:subClassOf pen:Event .
           claim:c001 pen:contradicts claim:c002 ."""
    )
    assert inference.materialise([*given, *inference.materialise(given)]) == []


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("event:a a pen:Summit .", id="everything is a thing"),
        pytest.param(
            "pen:Summit a owl:Class . pen:hasHost a owl:ObjectProperty .", id="declarations"
        ),
        pytest.param(
            "prov:Person rdfs:subClassOf prov:Agent . prov:Agent rdfs:subClassOf prov:Thing .",
            id="classes of others",
        ),
        pytest.param(
            "pen:Event owl:disjointWith pen:PossibleEvent .", id="mirror image of an axiom"
        ),
        pytest.param(
            'pen:edtf rdfs:range xsd:string . event:a pen:edtf "2017" .', id="datatype of a literal"
        ),
        pytest.param(
            "[] a owl:AllDisjointClasses ; owl:members ( pen:Event pen:Place ) .", id="lists"
        ),
    ],
)
def test_idle_consequence_is_left_out(given: str) -> None:
    assert inference.materialise(parse(given)) == []


def test_quoted_triple_is_refused() -> None:
    inner = ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.NamedNode("urn:o"))
    with pytest.raises(TypeError, match="quoted triple"):
        inference.close([ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), inner)])


def test_consistent_graph_has_no_inconsistency() -> None:
    given = """pen:Event owl:disjointWith pen:PossibleEvent . event:a a pen:Event .
               planned-event:b a pen:PossibleEvent .
               pen:hasCapital a owl:FunctionalProperty , owl:ObjectProperty .
               state:russia pen:hasCapital place:moscow ."""
    assert inference.inconsistencies(parse(given)) == []
