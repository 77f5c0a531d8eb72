"""The profiles of claims, passages, tensions, positions, resolutions and events, on a small scene."""

from __future__ import annotations

import re
from typing import Final

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.namespaces import PREFIXES, expand
from peninsula.policy import Policy
from peninsula.profiles.briefs import Time
from peninsula.profiles.claim import ClaimProfile, read_claim
from peninsula.profiles.event import EventProfile, read_event
from peninsula.profiles.passage import PassageProfile, read_passage
from peninsula.profiles.position import PositionProfile, read_position
from peninsula.profiles.resolution import ResolutionProfile, read_resolution
from peninsula.profiles.tension import TensionProfile, read_tension

from .conftest import BROWSER

#: Three claims of one text that pull against each other, a text with votes, and a parade.
SCENE: Final = """
claim:a a pen:Claim ; pen:paraphrase "Russia is trusted."@en , "러시아는 신뢰받는다."@ko ;
  pen:hasKind claim-kind:evaluation ; pen:hasModality modality:denied ; pen:hasStance stance:supports ;
  pen:hasHolder state:korea ; pen:hasSubject state:korea ; pen:action "trust"@en ;
  pen:hasObject state:russia ; pen:isAbout state:korea , state:russia , event:parade ;
  pen:inferredEdtf "2021" ; pen:from "2021-01-01"^^xsd:date ; pen:until "2021-12-31"^^xsd:date ;
  pen:heldEdtf "/2021" ; pen:heldUntil "2021-12-31"^^xsd:date ;
  pen:isStatedIn document:text ; pen:hasPassage passage:a ; pen:footnoteNumber 3 ;
  pen:citesPart document:chapter ; pen:hasConditional conditional:a ; pen:ambiguity "Whose?"@en ;
  pen:hasPrimaryTopic topic:trust ; pen:hasTopic topic:trust , topic:rank ;
  pen:hasAttribution attribution:a2 , attribution:a1 .
attribution:a1 pen:level 1 ; pen:isAttributedTo document:text .
attribution:a2 pen:level 2 ; pen:isAttributedTo state:korea ; pen:citesPart document:chapter ;
  pen:attributionBasis attribution-basis:explicit .
attribution-basis:explicit skos:definition "the text names whose view it is"@en .
document:text rdfs:label "The text"@en ; pen:characterCount 1000 ; pen:inferredEdtf "2021" .
document:chapter rdfs:label "Chapter 17"@en ; pen:pageStart 376 ; pen:pageEnd 413 .
conditional:a pen:hasAntecedent situation:if ; pen:hasConsequent situation:then ; pen:isContraryToFact true .
passage:a a pen:Passage ; oa:hasSource document:text ; oa:hasSelector selector:a ; pen:paragraph 2 ;
  pen:sentence 1 ; pen:section "south" .
selector:a oa:start 500 ; oa:end 560 .
claim:b a pen:Claim ; pen:paraphrase "Russia is weak."@en ; pen:hasStance stance:opposes ;
  pen:isStatedIn document:text ; pen:hasPassage passage:b ; pen:isAbout resolution:1 .
passage:b a pen:Passage ; oa:hasSource document:text ; oa:hasSelector selector:b ; pen:paragraph 2 ;
  pen:sentence 1 .
selector:b oa:start 550 ; oa:end 600 .
claim:c a pen:Claim ; pen:paraphrase "Russia is of use."@en ; pen:isStatedIn document:text ;
  pen:hasPassage passage:c .
passage:c a pen:Passage ; oa:hasSource document:text ; oa:hasSelector selector:c ; pen:paragraph 1 ;
  pen:sentence 4 .
selector:c oa:start 100 ; oa:end 140 .
claim:d a pen:Claim ; pen:paraphrase "Russia lacks means."@en ; pen:isStatedIn document:text ;
  pen:hasPassage passage:d .
passage:d a pen:Passage ; oa:hasSource document:text ; oa:hasSelector selector:d ; pen:paragraph 2 ;
  pen:sentence 2 .
selector:d oa:start 610 ; oa:end 700 .
claim:e a pen:Claim ; pen:paraphrase "Russia has means."@en ; pen:inTensionWith claim:d .
tension:influence a pen:Tension ; rdfs:label "Influence"@en ; pen:tensionKind tension-kind:different-aspects ;
  skos:note "Times differ, too."@en ; pen:hasTensionMember claim:a , claim:b , claim:c , claim:d .
claim:a pen:inTensionWith claim:b , claim:c , claim:d . claim:c pen:inTensionWith claim:b , claim:d .
claim:a pen:contradicts claim:b .
state:russia rdfs:label "Russia"@en , "Россия"@ru ; pen:isPermanentMember true ; a pen:State .
state:korea rdfs:label "Korea"@en ; a pen:State .

position:old a pen:PolicyPosition ; pen:hasHolder state:russia ; pen:hasStance stance:opposes ;
  pen:onObject resolution:1 ; pen:hasTopic topic:sanctions ; pen:until "2016-12-31"^^xsd:date .
position:new a pen:PolicyPosition ; pen:hasHolder state:russia ; pen:hasStance stance:supports ;
  pen:onObject resolution:1 ; pen:hasTopic topic:sanctions ; pen:succeeds position:old , position:older ;
  pen:evidencedBy claim:b ; pen:from "2017-01-01"^^xsd:date ; pen:until "2017-12-31"^^xsd:date ;
  pen:restsOnReading reading:x .
position:older a pen:PolicyPosition ; pen:hasHolder state:russia ; pen:hasStance stance:ambivalent ;
  pen:hasTopic topic:trust ; pen:until "2016-12-31"^^xsd:date .
position:korean a pen:PolicyPosition ; pen:hasHolder state:korea ; pen:hasTopic topic:sanctions .
reading:x pen:readsClaim claim:c ; dcterms:description "Use is support."@en .

resolution:1 a pen:Resolution ; rdfs:label "Resolution 1"@en ; pen:symbol "S/RES/1 (2017)" ;
  pen:adoptionDate "2017-12-22"^^xsd:date ; pen:resolutionKind resolution-kind:sanctions ;
  pen:votesFor 2 ; pen:votesAgainst 0 ; pen:votesAbstaining 0 ; pen:isTriggeredBy event:launch .
resolution:2 a pen:DraftResolution ; rdfs:label "Draft 2"@en ; pen:symbol "S/2022/2" ;
  pen:votedOn "2022-05-26"^^xsd:date ; pen:votesFor 1 ; pen:votesAgainst 1 .
event:veto a pen:Event , pen:Veto ; pen:isVetoOf resolution:2 ; pen:isConductedBy state:russia .
event:launch a pen:Event ; rdfs:label "Launch"@en ; pen:from "2017-11-29"^^xsd:date .
vote:r a pen:Vote ; pen:isVoteOn resolution:1 ; pen:isCastBy state:russia ; pen:hasChoice vote-choice:for ;
  pen:hasVerification verification:derived ; dcterms:source <https://www.example.org/votes/1> .
vote:k a pen:Vote ; pen:isVoteOn resolution:1 ; pen:isCastBy state:korea ; pen:hasChoice vote-choice:for .
vote:r2 a pen:Vote ; pen:isVoteOn resolution:2 ; pen:isCastBy state:russia ; pen:hasChoice vote-choice:against .
vote:k2 a pen:Vote ; pen:isVoteOn resolution:2 ; pen:isCastBy state:korea ; pen:hasChoice vote-choice:for .
office:president pen:isOfficeOf state:russia ; pen:officeKind office-kind:head-of-state .
office:premier pen:isOfficeOf state:russia ; pen:officeKind office-kind:head-of-government .
office:north pen:isOfficeOf state:north ; pen:officeKind office-kind:paramount .
tenure:putin pen:isTenureIn office:president ; pen:isTenureOf person:putin ; pen:from "2012-05-07"^^xsd:date .
tenure:medvedev pen:isTenureIn office:premier ; pen:isTenureOf person:medvedev ;
  pen:from "2012-05-08"^^xsd:date ; pen:until "2020-01-16"^^xsd:date .
tenure:kim pen:isTenureIn office:north ; pen:isTenureOf person:kim ; pen:from "2011-12-17"^^xsd:date .
measure:coal a pen:Measure ; pen:isImposedBy resolution:1 ; dcterms:description "no coal"@en ;
  pen:measureKind measure-kind:export-ban ; pen:isDirectedAt state:north .
exemption:port a pen:Exemption ; rdfs:label "the port"@en ; pen:isExemptionFrom measure:coal ;
  pen:isGrantedBy resolution:1 ; pen:benefits state:russia ; pen:hasVerification verification:derived .
exemption:later a pen:Exemption ; rdfs:label "later"@en ; pen:isExemptionFrom measure:coal ;
  pen:isGrantedBy resolution:2 .

claim:hostile a pen:Claim ; pen:paraphrase "<script>alert(1)</script>"@en ; pen:action "<b>do</b>"@en ;
  pen:isStatedIn document:text ; pen:hasHolder state:hostile ; pen:ambiguity "\u202e<img src=x onerror=alert(1)>"@ar .
state:hostile rdfs:label '"><svg onload=alert(1)>'@en .
resolution:hostile a pen:Resolution ; rdfs:label "</title><script>alert(1)</script>"@en ;
  pen:adoptionDate "2010-01-01"^^xsd:date ; pen:votesFor 1 ; pen:symbol "<script>x</script>" .
vote:hostile a pen:Vote ; pen:isVoteOn resolution:hostile ; pen:isCastBy state:hostile ;
  pen:hasChoice <javascript:alert(1)> ; dcterms:source <javascript:alert(1)> .

event:parade a pen:Event ; rdfs:label "Parade"@en ; pen:edtf "2015-05-09" ; pen:from "2015-05-09"^^xsd:date ;
  pen:until "2015-05-09"^^xsd:date ; pen:takesPlaceAt place:moscow .
participation:p a pen:Participation ; pen:inEvent event:parade ; pen:hasParticipant person:putin ;
  pen:hasAttendance attendance:attended ; pen:represents state:russia ; pen:hasRole participation-role:host .
participation:k a pen:Participation ; pen:inEvent event:parade ; pen:hasParticipant person:kim ;
  pen:hasAttendance attendance:absent ; prov:wasDerivedFrom claim:c .
planned-event:visit a pen:PossibleEvent ; rdfs:label "Visit"@en ; pen:hasOccasion event:parade ;
  pen:hasStatus event-status:cancelled .
"""


@pytest.fixture(scope="module")
def scene() -> LocalDataset:
    prefixes = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    store = ox.Store()
    graph = ox.NamedNode(expand("graph:scene"))
    for quad in ox.parse((prefixes + SCENE).encode(), ox.RdfFormat.TURTLE):
        store.add(ox.Quad(quad.subject, quad.predicate, quad.object, graph))
    return LocalDataset(store, Policy())


def node(name: str) -> ox.NamedNode:
    return ox.NamedNode(expand(name))


def the_claim(scene: LocalDataset, name: str = "claim:a", language: str = "en") -> ClaimProfile:
    profile = read_claim(scene, node(name), language)
    assert profile is not None
    return profile


def the_text(scene: LocalDataset, name: str) -> ResolutionProfile:
    profile = read_resolution(scene, node(name), "en")
    assert profile is not None
    return profile


def the_event(scene: LocalDataset, name: str) -> EventProfile:
    profile = read_event(scene, node(name), "en")
    assert profile is not None
    return profile


# Claims.


def test_the_chain_of_reporting_runs_from_the_text_to_the_holder(scene: LocalDataset) -> None:
    outer, inner = the_claim(scene).chain
    assert [cell.text for cell in outer.speakers] == ["The text"]
    assert [cell.text for cell in inner.speakers] == ["Korea"]
    assert inner.basis is not None
    assert inner.basis.definition == "the text names whose view it is"
    assert [(part.text, pages) for part, pages in inner.parts] == [("Chapter 17", "376–413")]


def test_a_claim_says_what_it_says_and_what_else_it_names(scene: LocalDataset) -> None:
    profile = the_claim(scene)
    assert profile.is_denied
    assert profile.action is not None
    assert profile.action.text == "trust"
    assert [c.text for c in profile.subjects + profile.objects] == ["Korea", "Russia"]
    assert [c.text for c in profile.others] == ["Parade"]
    assert profile.primary_topic.iri == expand("topic:trust")
    assert [c.iri for c in profile.topics] == [expand("topic:rank")]


def test_the_times_of_a_claim_are_kept_apart(scene: LocalDataset) -> None:
    profile = the_claim(scene)
    assert profile.time == Time("2021", "2021-01-01", "2021-12-31", is_inferred=True)
    assert profile.held == Time("/2021", "", "2021-12-31")
    assert profile.written is not None
    assert profile.written.edtf == "2021"


def test_a_claim_faces_those_it_is_in_tension_with(scene: LocalDataset) -> None:
    [tension] = the_claim(scene, "claim:b").tensions
    assert [other.number for other in tension.others] == ["c", "a"]
    assert [ally.number for ally in tension.allies] == ["d"]
    assert tension.contradicted == {expand("claim:a")}


def test_a_pair_that_no_tension_explains_is_shown_as_well(scene: LocalDataset) -> None:
    explained, loose = the_claim(scene, "claim:d").tensions
    assert explained.tension.text == "Influence"
    assert loose.tension.iri == ""
    assert [c.number for c in loose.others] == ["e"]


def test_neighbours_follow_the_text(scene: LocalDataset) -> None:
    before, after = the_claim(scene).before, the_claim(scene).after
    assert before is not None
    assert after is not None
    assert (before.number, after.number) == ("c", "b")
    assert the_claim(scene, "claim:c").before is None
    assert the_claim(scene, "claim:d").after is None


def test_a_condition_says_whether_it_is_contrary_to_fact(scene: LocalDataset) -> None:
    [condition] = the_claim(scene).conditions
    assert condition.is_contrary is True
    assert [c.iri for c in condition.antecedents] == [expand("situation:if")]


def test_labels_are_in_the_language_of_the_reader(scene: LocalDataset) -> None:
    assert the_claim(scene, language="ko").brief.claim.text == "러시아는 신뢰받는다."
    assert [c.text for c in the_claim(scene, language="ru").objects] == ["Россия"]


def test_what_is_no_claim_has_no_profile(scene: LocalDataset) -> None:
    for read in (
        read_claim, read_passage, read_tension, read_position, read_resolution, read_event,
    ):  # fmt: skip
        assert read(scene, node("state:russia"), "en") is None
        assert read(scene, node("claim:nothing"), "en") is None


# Passages.


def test_a_passage_tells_apart_what_rests_on_it_overlaps_it_and_stands_beside(
    scene: LocalDataset,
) -> None:
    profile = read_passage(scene, node("passage:a"), "en")
    assert isinstance(profile, PassageProfile)
    assert [c.number for c in profile.claims] == ["a"]
    assert [c.number for c in profile.overlapping] == ["b"]
    assert profile.beside == ()
    assert (profile.before.iri, profile.after.iri) == (expand("passage:c"), expand("passage:b"))


def test_the_outline_has_the_paragraphs_and_the_sentences_of_this_one(scene: LocalDataset) -> None:
    outline = the_claim(scene).place.outline
    assert outline is not None
    assert [(b.span.number, b.span.count, b.is_here) for b in outline.paragraphs] == [
        (1, 1, False),
        (2, 3, True),
    ]
    assert [(b.span.number, b.is_here) for b in outline.sentences] == [(1, True), (2, False)]
    # 500 of 1000 characters stand before it.
    assert outline.marks[0].x == outline.width / 2


# Tensions.


def test_the_sides_of_a_tension_are_found(scene: LocalDataset) -> None:
    profile = read_tension(scene, node("tension:influence"), "en")
    assert isinstance(profile, TensionProfile)
    assert [[c.number for c in side] for side in profile.sides] == [["c"], ["a"], ["b", "d"]]
    assert [note.text for note in profile.notes] == ["Times differ, too."]
    [(one, other)] = profile.contradictions
    assert {one.iri, other.iri} == {expand("claim:a"), expand("claim:b")}


# Positions.


def test_a_position_has_evidence_a_line_and_neighbours(scene: LocalDataset) -> None:
    profile = read_position(scene, node("position:new"), "en")
    assert isinstance(profile, PositionProfile)
    assert [c.number for c in profile.claims] == ["c", "b"]
    assert [reading.reading.iri for reading in profile.readings] == [expand("reading:x")]
    assert [[p.position.iri for p in stage] for stage in profile.succession] == [
        [expand("position:old"), expand("position:older")],
        [expand("position:new")],
    ]
    assert [p.position.iri for p in profile.same_topic] == [expand("position:korean")]
    [(_, text, choice)] = profile.votes
    assert text.text == "Resolution 1"
    assert choice is not None
    assert choice.slug == "for"
    assert (profile.holder_name, profile.topic_name) == ("state:russia", "topic:sanctions")


# Resolutions.


def test_the_roll_call_names_who_led_the_voters(scene: LocalDataset) -> None:
    profile = the_text(scene, "resolution:1")
    [choice] = profile.choices
    assert [(b.state.text, b.is_permanent) for b in choice.ballots] == [
        ("Russia", True),
        ("Korea", False),
    ]
    leaders = choice.ballots[0].leaders
    assert [leader.person.iri for leader in leaders] == [
        expand("person:putin"),
        expand("person:medvedev"),
    ]
    assert choice.ballots[1].leaders == ()
    assert [state.iri for state, _ in profile.others] == [expand("state:north")]
    assert profile.is_unanimous
    assert profile.has_derived_votes


def test_leaders_are_those_of_the_day(scene: LocalDataset) -> None:
    against = next(c for c in the_text(scene, "resolution:2").choices if c.mark.slug == "against")
    [ballot] = against.ballots
    assert ballot.is_veto
    assert [leader.person.iri for leader in ballot.leaders] == [expand("person:putin")]


def test_a_draft_tells_who_vetoed_it(scene: LocalDataset) -> None:
    profile = the_text(scene, "resolution:2")
    assert profile.is_draft
    [(veto, states)] = profile.vetoes
    assert veto.iri == expand("event:veto")
    assert [state.text for state in states] == ["Russia"]
    assert profile.before is not None
    assert profile.before.symbol == "S/RES/1 (2017)"
    assert profile.after is None


def test_measures_exemptions_and_causes(scene: LocalDataset) -> None:
    profile = the_text(scene, "resolution:1")
    [measure] = profile.measures
    assert [e.text for e in measure.exemptions] == ["later", "the port"]
    [own] = profile.own_exemptions
    assert [gainer.text for gainer in own.gainers] == ["Russia"]
    assert own.provenance.is_inferred
    assert [e.exemption.text for e in profile.other_exemptions] == ["later"]
    [cause] = profile.causes
    assert cause.days_before == 23


def test_stances_on_the_text_and_on_sanctions_that_day(scene: LocalDataset) -> None:
    profile = the_text(scene, "resolution:1")
    assert {p.position.iri for p in profile.positions} == {
        expand("position:old"),
        expand("position:new"),
    }
    assert [c.number for c in profile.claims] == ["b"]
    held = {s.position.position.iri: s.is_held_that_day for s in profile.stances}
    assert held == {
        expand("position:new"): True,
        expand("position:korean"): True,
        expand("position:old"): False,
    }


def test_sources_are_shown_without_scheme(scene: LocalDataset) -> None:
    ballot = the_text(scene, "resolution:1").choices[0].ballots[0]
    [source] = ballot.provenance.sources
    assert source.text == "example.org/votes/1"
    assert source.address == "https://www.example.org/votes/1"


# Events.


def test_participants_are_grouped_by_attendance(scene: LocalDataset) -> None:
    profile = the_event(scene, "event:parade")
    attended, absent = profile.attendances
    assert [p.actor.iri for p in attended.participants] == [expand("person:putin")]
    assert [office.iri for office, _ in attended.participants[0].offices] == [
        expand("office:president")
    ]
    assert [p.actor.iri for p in absent.participants] == [expand("person:kim")]
    assert [c.text for c in absent.participants[0].claims] == ["c"]
    assert profile.has_absences
    assert [plan.text for plan in profile.plans] == ["Visit"]
    assert {c.number for c in profile.claims} == {"a", "c"}


def test_what_was_planned_is_no_event(scene: LocalDataset) -> None:
    profile = the_event(scene, "planned-event:visit")
    assert profile.is_possible
    assert profile.status is not None
    assert profile.status.slug == "cancelled"
    assert [o.text for o in profile.occasions] == ["Parade"]


def test_texts_that_answer_an_event(scene: LocalDataset) -> None:
    [answer] = the_event(scene, "event:launch").answered_by
    assert answer.cell.text == "Resolution 1"
    assert answer.time is not None
    assert answer.time.edtf == "2017-12-22"


@pytest.mark.parametrize(
    ("edtf", "start", "end", "goes_on"),
    [
        ("2021", "2021", "", False),
        ("2014/2015", "2014", "2015", False),
        ("/2021", "", "2021", False),
        ("../2021", "", "2021", False),
        ("2021/..", "2021", "", True),
        ("2018-08-23/", "2018-08-23", "", False),
        ("2014-01-01/2015-12-31", "2014", "2015", False),
        ("/2021-12-31", "", "2021", False),
        ("2014-01-01/2015-11-30", "2014-01-01", "2015-11-30", False),
    ],
)
def test_an_interval_is_taken_apart(edtf: str, start: str, end: str, goes_on: bool) -> None:
    time = Time(edtf)
    assert (time.start, time.end, time.goes_on) == (start, end, goes_on)


def test_a_whole_year_is_no_interval() -> None:
    assert not Time("2017-01-01/2017-12-31").is_interval
    assert Time("2017-01-01/2017-12-31").start == "2017"


# The pages.


@pytest.fixture(scope="module")
def pages(scene: LocalDataset) -> FlaskClient:
    return create_app(Config(), LocalDatabase(scene), None).test_client()


@pytest.mark.parametrize("language", ["en", "ko", "ru"])
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("id/claim/a", 'class="chain"'),
        ("id/passage/a", 'class="outline"'),
        ("id/tension/influence", 'class="sides sides-3"'),
        ("id/position/new", 'class="chain succession"'),
        ("id/resolution/1", 'class="bench"'),
        ("id/resolution/2", 'class="failed"'),
        ("id/event/parade", 'class="attendance-absent"'),
        ("id/planned-event/visit", 'class="warning"'),
        ("id/claim/hostile", 'class="sentence"'),
        ("id/resolution/hostile", 'class="bench"'),
    ],
)
def test_a_kind_has_a_page_of_its_own(
    pages: FlaskClient, path: str, shown: str, language: str
) -> None:
    response = pages.get(f"/{path}.html?lang={language}", headers=BROWSER)
    assert response.status_code == 200
    assert shown in response.text
    ids = re.findall(r'\sid="([^"]+)"', response.text)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", ["id/claim/hostile", "id/resolution/hostile"])
def test_hostile_labels_stay_text(pages: FlaskClient, path: str) -> None:
    text = pages.get(f"/{path}.html", headers=BROWSER).text
    assert "<script>alert" not in text
    assert "<script>x" not in text
    assert "<img src=x" not in text
    assert "<svg onload" not in text
    assert 'href="javascript:' not in text


def test_what_is_not_what_its_address_says_has_the_plain_page() -> None:
    store = ox.Store()
    store.add(ox.Quad(node("claim:odd"), node("rdfs:label"), ox.Literal("Odd"), node("graph:x")))
    client = create_app(Config(), LocalDatabase(LocalDataset(store, Policy())), None).test_client()
    response = client.get("/id/claim/odd.html", headers=BROWSER)
    assert response.status_code == 200
    assert "Odd" in response.text
    assert 'class="chain"' not in response.text
