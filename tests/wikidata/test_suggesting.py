"""Candidates are explained, ranked by what agrees, and none of them enters by itself."""

from __future__ import annotations

import pyoxigraph as ox

from peninsula.turtle import format_turtle
from peninsula.wikidata.suggesting import (
    Candidate,
    match_names,
    name_query,
    names_in,
    names_to_ask,
    suggest,
    write_review,
)
from peninsula.wikidata.things import Tenure, Thing

from .links import PEN, our_slice, read, wd

PERSON, OFFICE, STATE = (f"{PEN}id/{n}" for n in ("person/lee", "office/envoy", "state/korea"))
LEE = Thing(
    PERSON,
    (("en", "Lee Min"), ("ko", "이민"), ("ru", "Ли Мин")),
    frozenset({f"{PEN}ns#Person"}),
    {"pen:birthDate": ("1960-05-04",), "pen:isCitizenOf": (STATE,)},
    None,
    (Tenure("t", OFFICE, "2017"),),
)
ITEMS = {OFFICE: wd(30), STATE: wd(40)}
SNAPSHOT = """
wd:Q1 rdfs:label "Lee Min"@en , "이민"@ko ; skos:altLabel "Ли Мин"@ru ; wdt:P31 wd:Q5 ;
  schema:description "diplomat"@en ; wdt:P569 "1960-05-04T00:00:00Z"^^xsd:dateTime ;
  wdt:P27 wd:Q40 ; p:P39 s:a . s:a ps:P39 wd:Q30 ; wikibase:rank wikibase:NormalRank .
wd:Q2 rdfs:label "Lee Min"@en ; wdt:P31 wd:Q5 ; wdt:P569 "1990-01-01T00:00:00Z"^^xsd:dateTime .
wd:Q3 rdfs:label "Lee Min"@en ; wdt:P31 wd:Q43229 .
wd:Q4 rdfs:label "Min Lee"@en ; wdt:P31 wd:Q5 .
wd:Q5 rdfs:label "human"@en . wd:Q30 rdfs:label "envoy"@en . wd:Q40 rdfs:label "Korea"@en .
wd:Q43229 rdfs:label "organization"@en .
"""


def candidates(text: str = SNAPSHOT, items: dict[str, str] | None = None) -> list[Candidate]:
    snapshot = read(text)
    matches = match_names([LEE], names_in(snapshot))
    return suggest([LEE], matches, snapshot, our_slice(), ITEMS if items is None else items)


def test_the_right_one_is_first_and_says_why() -> None:
    found = candidates()
    assert found[0].item == wd(1) and found[0].grade == "strong" and found[0].score == 100
    told = " | ".join(str(reason) for reason in found[0].reasons)
    for words in (
        "+30 label “Lee Min” in en", "+15 label “이민” in ko", "+15 alias “Ли Мин” in ru",
        "+15 is a human", "+30 born on 1960-05-04", "+10 citizen of Korea",
        "+20 held the office “envoy”", "-10 Q2 bears the same name",
    ):  # fmt: skip
        assert words in told, told


def test_a_namesake_of_another_age_or_class_is_not_told() -> None:
    # Thirty for the name and fifteen for the class do not make up for another birthday.
    assert [candidate.item for candidate in candidates()] == [wd(1)]


def test_an_item_that_is_taken_is_no_candidate() -> None:
    taken = {**ITEMS, f"{PEN}id/person/other": wd(1)}
    assert wd(1) not in {candidate.item for candidate in candidates(items=taken)}


def test_scores_have_bounds() -> None:
    for candidate in candidates():
        assert 0 <= candidate.score <= 100
        assert candidate.to_json()["reasons"]


def test_names_are_asked_for_in_the_languages_of_the_slice() -> None:
    names = names_to_ask([LEE], ("en", "ko", "mul"))
    assert names == [("en", "Lee Min"), ("ko", "이민"), ("mul", "Lee Min")]
    query = name_query([("en", 'A "quoted" \\ name\n')])
    assert '"A \\"quoted\\" \\\\ name\\n"@en' in query
    ox.Store().query(query)


def test_the_review_is_turtle_that_is_no_link() -> None:
    text = format_turtle(write_review(candidates(), "from a test"))
    assert text.startswith("# Candidates for links with Wikidata, to be reviewed")
    quads = list(ox.parse(text, format=ox.RdfFormat.TURTLE))
    predicates = {quad.predicate.value.rpartition("#")[2] for quad in quads}
    assert {"suggestsEntity", "suggestsItem", "score", "reason", "isAccepted"} <= predicates
    assert not {"linksEntity", "linksTo", "exactMatch"} & predicates


def test_a_hostile_name_cannot_leave_its_literal() -> None:
    hostile = Thing(PERSON, (("en", '" ; pen:isAccepted true ; rdfs:comment "'),), LEE.classes)
    snapshot = read(
        'wd:Q1 rdfs:label "\\" ; pen:isAccepted true ; rdfs:comment \\""@en ; wdt:P31 wd:Q5 .'
    )
    matches = match_names([hostile], names_in(snapshot))
    found = suggest([hostile], matches, snapshot, our_slice(), {})
    text = write_review(found, "from a test")
    accepted = [
        quad.object
        for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)
        if quad.predicate.value.endswith("isAccepted")
    ]
    assert [term.value for term in accepted if isinstance(term, ox.Literal)] == ["false"]
