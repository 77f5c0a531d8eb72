"""Networks of a small world: three states, two persons, meetings, votes, positions, claims.

The world is written so that each rule of reading shows: somebody who stayed away, two delegates of
one state, an abstention, a stance on a topic below another, a counterfactual position, a claim
whose object is not that of the stance.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.interface import select
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.discourse import Tie
from peninsula.errors import ParameterError, UnknownResource
from peninsula.namespaces import PREFIXES
from peninsula.network_settings import read_settings
from peninsula.policy import Policy
from peninsula.ties import TieNetwork, look_of, make_network, write_query
from peninsula.topics import list_topics

from .conftest import BROWSER
from .test_network_drawing import read_graphml

HOSTILE = "<script>alert(1)</script>"
WORLD = """
state:a a pen:State ; rdfs:label "Aland"@en, "가국"@ko ; pen:isPermanentMember true .
state:b a pen:State ; rdfs:label "Bland"@en ; pen:isPermanentMember true .
state:c a pen:State ; rdfs:label "Cland <script>alert(1)</script>"@en .
person:x a pen:Person ; rdfs:label "X"@en . person:y a pen:Person ; rdfs:label "Y"@en .
person:z a pen:Person ; rdfs:label "Z"@en .

event:summit a pen:Summit, pen:Meeting, pen:Event ; rdfs:label "The summit"@en ;
  pen:from "2018-04-27"^^xsd:date ; pen:until "2018-04-27"^^xsd:date .
event:talks a pen:TalksRound, pen:Meeting, pen:Event ; rdfs:label "The talks"@en ;
  pen:from "2005-09-13"^^xsd:date ; pen:until "2005-09-19"^^xsd:date .
event:games a pen:Ceremony, pen:Event ; rdfs:label "The games"@en ;
  pen:from "2018-02-09"^^xsd:date ; pen:until "2018-02-25"^^xsd:date .
participation:1 pen:inEvent event:summit ; pen:hasParticipant person:x ; pen:represents state:a ;
  pen:hasAttendance attendance:attended .
participation:2 pen:inEvent event:summit ; pen:hasParticipant person:y ; pen:represents state:b ;
  pen:hasAttendance attendance:attended .
participation:3 pen:inEvent event:summit ; pen:hasParticipant person:z ; pen:represents state:b ;
  pen:hasAttendance attendance:attended .
participation:4 pen:inEvent event:talks ; pen:hasParticipant state:a ; pen:hasAttendance attendance:attended .
participation:5 pen:inEvent event:talks ; pen:hasParticipant state:b ; pen:hasAttendance attendance:attended .
participation:6 pen:inEvent event:games ; pen:hasParticipant person:x ; pen:represents state:a ;
  pen:hasAttendance attendance:attended .
participation:7 pen:inEvent event:games ; pen:hasParticipant person:y ; pen:represents state:b ;
  pen:hasAttendance attendance:absent .
participation:8 pen:inEvent event:games ; pen:hasParticipant person:z ; pen:represents state:b ;
  pen:hasAttendance attendance:attended .

resolution:1 rdfs:label "Resolution 1"@en ; pen:adoptionDate "2016-03-02"^^xsd:date .
resolution:2 rdfs:label "Draft 2"@en ; pen:votedOn "2022-05-26"^^xsd:date .
vote:1a pen:isCastBy state:a ; pen:isVoteOn resolution:1 ; pen:hasChoice vote-choice:for .
vote:1b pen:isCastBy state:b ; pen:isVoteOn resolution:1 ; pen:hasChoice vote-choice:for .
vote:1c pen:isCastBy state:c ; pen:isVoteOn resolution:1 ; pen:hasChoice vote-choice:abstain .
vote:2a pen:isCastBy state:a ; pen:isVoteOn resolution:2 ; pen:hasChoice vote-choice:against .
vote:2b pen:isCastBy state:b ; pen:isVoteOn resolution:2 ; pen:hasChoice vote-choice:for .
vote-choice:for skos:prefLabel "for"@en . vote-choice:abstain skos:prefLabel "abstained"@en .
vote-choice:against skos:prefLabel "against"@en .

topic:sanctions skos:inScheme vocabulary:topics ; skos:topConceptOf vocabulary:topics ; skos:prefLabel "Sanctions"@en .
topic:relief skos:inScheme vocabulary:topics ; skos:broader topic:sanctions ; skos:prefLabel "Relief"@en .
topic:un skos:inScheme vocabulary:topics ; skos:broader topic:sanctions ; skos:prefLabel "UN sanctions"@en .
topic:talks skos:inScheme vocabulary:topics ; skos:topConceptOf vocabulary:topics ; skos:prefLabel "Talks"@en .
notion:plan rdfs:label "The plan"@en .
stance:supports skos:prefLabel "supports"@en . stance:opposes skos:prefLabel "opposes"@en .

position:a1 a pen:PolicyPosition ; rdfs:label "A for relief"@en ; pen:hasHolder state:a ; pen:hasStance stance:supports ;
  pen:hasTopic topic:relief ; pen:onObject notion:plan ; pen:hasModality modality:asserted ;
  pen:from "2017-01-01"^^xsd:date ; pen:until "2017-12-31"^^xsd:date ; pen:evidencedBy claim:1 .
position:a2 a pen:PolicyPosition ; rdfs:label "A for relief later"@en ; pen:hasHolder state:a ; pen:hasStance stance:supports ;
  pen:hasTopic topic:relief ; pen:onObject notion:plan ; pen:hasModality modality:asserted ;
  pen:from "2019-01-01"^^xsd:date ; pen:until "2019-12-31"^^xsd:date ; pen:evidencedBy claim:2 .
position:b1 a pen:PolicyPosition ; rdfs:label "B for relief"@en ; pen:hasHolder state:b ; pen:hasStance stance:supports ;
  pen:hasTopic topic:relief, topic:talks ; pen:onObject notion:plan ; pen:hasModality modality:asserted ;
  pen:until "2018-12-31"^^xsd:date .
position:b2 a pen:PolicyPosition ; rdfs:label "B against UN sanctions"@en ; pen:hasHolder state:b ; pen:hasStance stance:opposes ;
  pen:hasTopic topic:un ; pen:hasModality modality:asserted .
position:c1 a pen:PolicyPosition ; rdfs:label "C against relief"@en ; pen:hasHolder state:c ; pen:hasStance stance:opposes ;
  pen:hasTopic topic:relief ; pen:onObject notion:plan ; pen:hasModality modality:asserted ;
  pen:from "2017-06-01"^^xsd:date ; pen:until "2018-06-01"^^xsd:date .
position:c2 a pen:PolicyPosition ; rdfs:label "C half for talks"@en ; pen:hasHolder state:c ; pen:hasStance stance:conditional ;
  pen:hasTopic topic:talks ; pen:onObject notion:plan ; pen:hasModality modality:asserted .
position:a3 a pen:PolicyPosition ; rdfs:label "A would be for talks"@en ; pen:hasHolder state:a ; pen:hasStance stance:supports ;
  pen:hasTopic topic:talks ; pen:onObject notion:plan ; pen:hasModality modality:counterfactual .

claim:1 a pen:Claim ; pen:paraphrase "A wants relief."@en ; pen:hasHolder state:a ; pen:hasStance stance:supports ;
  pen:hasTopic topic:relief ; pen:hasObject notion:plan ; pen:hasKind claim-kind:position ; pen:hasModality modality:asserted ;
  pen:from "2010-01-01"^^xsd:date ; pen:until "2010-12-31"^^xsd:date ;
  pen:heldFrom "2017-01-01"^^xsd:date ; pen:heldUntil "2017-12-31"^^xsd:date ; pen:isStatedIn document:d1 .
claim:2 a pen:Claim ; pen:paraphrase "A wants relief again."@en ; pen:hasHolder state:a ; pen:hasStance stance:supports ;
  pen:hasTopic topic:relief ; pen:hasObject notion:plan ; pen:hasKind claim-kind:position ; pen:hasModality modality:asserted ;
  pen:from "2010-01-01"^^xsd:date ; pen:until "2010-12-31"^^xsd:date ; pen:isStatedIn document:d1, document:d2 .
claim:3 a pen:Claim ; pen:paraphrase "B deplores what befell the plan."@en ; pen:hasHolder state:b ; pen:hasStance stance:opposes ;
  pen:hasTopic topic:relief ; pen:hasObject notion:plan ; pen:hasKind claim-kind:event ; pen:hasModality modality:asserted ;
  pen:isStatedIn document:d1 .
claim:4 a pen:Claim ; pen:paraphrase "C is named."@en ; pen:hasHolder state:c ; pen:hasStance stance:not-expressed ;
  pen:hasTopic topic:relief ; pen:hasKind claim-kind:event ; pen:hasModality modality:asserted ; pen:isStatedIn document:d1 .
"""


@pytest.fixture(scope="module")
def world() -> LocalDataset:
    head = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    store = ox.Store()
    graph = ox.NamedNode(f"{PREFIXES['graph']}record")
    for quad in ox.parse(head + WORLD, format=ox.RdfFormat.TURTLE):
        store.add(ox.Quad(quad.subject, quad.predicate, quad.object, graph))
    return LocalDataset(store, Policy())


@pytest.fixture(scope="module")
def visitor(world: LocalDataset) -> FlaskClient:
    return create_app(Config(), LocalDatabase(world), None).test_client()


def make(world: LocalDataset, of: str, **values: str) -> TieNetwork:
    return make_network(world, read_settings({"of": of, **values}), "en")


def weigh(network: TieNetwork) -> dict[str, float]:
    """Return the ties, each as “a b rule”, without the kinds of things."""
    return {
        f"{tie.source.split(':')[1]} {tie.target.split(':')[1]} {rule}": tie.weight
        for rule, tie in network.ties
    }


# Meetings.


def test_persons_are_tied_by_what_both_attended(world: LocalDataset) -> None:
    assert weigh(make(world, "meetings")) == {"x y ignore": 1, "x z ignore": 1, "y z ignore": 1}
    # Y was expected at the games and stayed away.
    assert weigh(make(world, "meetings", meetings="events")) == {
        "x y ignore": 1, "x z ignore": 2, "y z ignore": 1,
    }  # fmt: skip


def test_states_are_tied_by_who_came_for_them(world: LocalDataset) -> None:
    # B had two delegates at the summit, and counts once; at the talks the states are recorded.
    assert weigh(make(world, "meetings", actors="states")) == {"a b ignore": 1}
    assert weigh(make(world, "meetings", actors="states", meetings="all")) == {"a b ignore": 2}
    assert weigh(make(world, "meetings", actors="states", meetings="events")) == {"a b ignore": 3}
    jaccard = make(world, "meetings", actors="states", meetings="events", normalization="jaccard")
    assert weigh(jaccard) == {"a b ignore": 1}


def test_meetings_have_a_time(world: LocalDataset) -> None:
    time = {"from": "2018-03-01", "until": "2018"}
    network = make(world, "meetings", actors="states", meetings="events", **time)
    assert weigh(network) == {"a b ignore": 1}
    assert network.left_out["window"] == 4


# Votes.


def test_states_are_tied_by_their_votes(world: LocalDataset) -> None:
    assert weigh(make(world, "votes", least="1", rule="both")) == {
        "a b congruence": 1, "a b conflict": 1, "a c conflict": 1, "b c conflict": 1,
    }  # fmt: skip
    assert weigh(make(world, "votes", least="1", rule="both", abstention="between")) == {
        "a b congruence": 1, "a b conflict": 1, "a c congruence": 0.5, "a c conflict": 0.5,
        "b c congruence": 0.5, "b c conflict": 0.5,
    }  # fmt: skip
    assert weigh(make(world, "votes", least="2", normalization="common")) == {"a b congruence": 0.5}
    assert weigh(make(world, "votes", least="1", who="permanent")) == {"a b congruence": 1}


# Stances.


def test_actors_agree_and_conflict(world: LocalDataset) -> None:
    assert weigh(make(world, "stances")) == {
        "a b congruence": 1, "a c conflict": 1, "b c conflict": 1,
    }  # fmt: skip
    twice = make(world, "stances", duplicates="include", rule="subtract")
    assert weigh(twice) == {"a b subtract": 2, "a c subtract": -2, "b c subtract": -1}
    assert make(world, "stances").left_out == {"conditional": 1, "window": 0, "duplicates": 1}


def test_only_what_is_aimed_at_something_counts_unless_wished(world: LocalDataset) -> None:
    network = make(world, "stances", aimed="no", fold="yes")
    # B is against UN sanctions, without an object, which is within sanctions: so is C.
    assert weigh(network) == {
        "a b congruence": 1, "a b conflict": 1, "a c conflict": 1,
        "b c congruence": 1, "b c conflict": 1,
    }  # fmt: skip


def test_topics_fold(world: LocalDataset) -> None:
    def concepts(**values: str) -> set[str]:
        return {
            m.label
            for m in make(world, "stances", mode="affiliation", aimed="no", **values).columns
        }

    assert concepts() == {"Relief", "UN sanctions", "Talks"}
    assert concepts(topic="topic:sanctions") == {"Relief", "UN sanctions"}
    assert concepts(fold="yes") == {"Sanctions", "Talks"}
    assert concepts(fold="yes", topic="topic:sanctions") == {"Sanctions"}
    assert concepts(concept="object") == {"The plan"}
    assert concepts(concept="object", topic="https://w3id.org/peninsula/topic/talks") == {
        "The plan"
    }


def test_other_stances_count_as_wished(world: LocalDataset) -> None:
    def talks(**values: str) -> dict[str, float]:
        return weigh(make(world, "stances", topic="topic:talks", **values))

    assert talks() == {}
    assert talks(conditional="supports") == {"b c congruence": 1}
    assert talks(conditional="opposes") == {"b c conflict": 1}
    assert talks(conditional="between") == {"b c congruence": 0.5, "b c conflict": 0.5}
    assert talks(counterfactual="yes") == {"a b congruence": 1}


def test_a_time_takes_what_may_hold_in_it(world: LocalDataset) -> None:
    assert weigh(make(world, "stances", **{"from": "2018-02-01", "until": "2018-03-01"})) == {
        "b c conflict": 1
    }
    # B's view has no known beginning.
    assert weigh(make(world, "stances", until="2017-02-01")) == {"a b congruence": 1}


def test_claims_have_their_own_times_objects_and_documents(world: LocalDataset) -> None:
    assert weigh(make(world, "stances", evidence="claims", aimed="no")) == {"a b conflict": 1}
    assert make(world, "stances", evidence="claims", aimed="no").left_out["not-expressed"] == 1
    # B only deplores what befell the plan: that is no stance on the plan.
    assert weigh(make(world, "stances", evidence="claims", concept="object")) == {}
    held = make(world, "stances", evidence="claims", duplicates="include", until="2012")
    assert [(s.source[-1], str(s.start)) for s in held.statements] == [("2", "2010-01-01")]
    by_document = make(world, "stances", evidence="claims", duplicates="document")
    assert len([s for s in by_document.statements if s.actor.endswith("/a")]) == 2


def test_concepts_are_tied_by_actors(world: LocalDataset) -> None:
    network = make(world, "stances", mode="concepts", aimed="no")
    # B is for relief and talks, and against UN sanctions.
    assert weigh(network) == {
        "relief talks congruence": 1, "relief un conflict": 1, "talks un conflict": 1,
    }  # fmt: skip
    assert {member.kind for member in network.nodes} == {"concept"}


def test_affiliation_ties_actors_to_concepts(world: LocalDataset) -> None:
    network = make(world, "stances", mode="affiliation", concept="object", conditional="supports")
    assert weigh(network) == {"a plan combine": 1, "b plan combine": 1, "c plan combine": 5}
    assert [look_of(rule, tie) for rule, tie in network.ties] == ["mixed", "supports", "supports"]
    assert {m.id for m in network.columns} == {"concept.notion:plan"}
    assert network.density == 1
    counted = make(world, "stances", mode="affiliation", rule="ignore", duplicates="include")
    assert weigh(counted)["a relief ignore"] == 2


def test_how_a_tie_looks() -> None:
    assert look_of("subtract", Tie("a", "b", -1, 1)) == "conflict"
    assert look_of("combine", Tie("a", "b", 4, 1)) == "opposes"
    assert look_of("combine", Tie("a", "b", 2, 1)) == "between"
    assert look_of("ignore", Tie("a", "b", 2, 1)) == ""


def test_a_tie_is_taken_apart(world: LocalDataset) -> None:
    network = make(world, "stances", duplicates="include")
    (common,) = network.common(network.find("state:a"), network.find("state:c"))
    assert common.concept.endswith("topic/relief")
    assert [s.source[-2:] for s in common.first] == ["a1", "a2"]
    assert [s.stance for s in common.second] == ["opposes"]
    two_mode = make(world, "stances", mode="affiliation")
    found = two_mode.common(two_mode.find("state:b"), two_mode.find("concept.topic:talks"))
    assert [s.source[-2:] for s in found[0].first] == ["b1"]


def test_the_weight_of_a_tie_is_what_it_is_taken_apart_into(world: LocalDataset) -> None:
    network = make(world, "stances", duplicates="include", aimed="no", fold="yes", rule="ignore")
    members = {member.id: member for member in network.nodes}
    for _, tie in network.ties:
        common = network.common(members[tie.source], members[tie.target])
        assert tie.weight == sum(len(c.first) * len(c.second) for c in common)
        assert tie.common == len(common)


def test_only_the_busiest_are_kept(world: LocalDataset) -> None:
    settings = read_settings({"of": "stances", "duplicates": "include"})
    network = make_network(world, settings, "en", most_nodes=2)
    assert network.is_cut
    assert [member.id for member in network.nodes] == ["state:a", "state:b"]


def test_labels_are_in_the_language_of_the_reader(world: LocalDataset) -> None:
    network = make_network(world, read_settings({"of": "votes"}), "ko")
    assert "가국" in {member.label for member in network.nodes}


def test_topics_stand_below_their_broader_ones(world: LocalDataset) -> None:
    assert [(t.name, t.depth) for t in list_topics(world, "en")] == [
        ("topic:sanctions", 0), ("topic:relief", 1), ("topic:un", 1), ("topic:talks", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "parameter"),
    [
        ({"of": "friendships"}, "of"),
        ({"of": "votes", "rule": "combine"}, "rule"),
        ({"of": "stances", "normalization": "softly"}, "normalization"),
        ({"of": "stances", "conditional": "perhaps"}, "conditional"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2018", "until": "2017"}, "until"),
        ({"least": "0"}, "least"),
        ({"least": "many"}, "least"),
        ({"of": "stances", "topic": "no such thing"}, "topic"),
    ],
)
def test_a_wrong_parameter_is_named(values: dict[str, str], parameter: str) -> None:
    with pytest.raises(ParameterError) as caught:
        read_settings(values)
    assert caught.value.parameter == parameter


def test_a_rule_of_the_other_kind_of_network_falls_back() -> None:
    settings = read_settings({"of": "stances", "mode": "affiliation", "rule": "congruence"})
    assert settings.rule == "combine"
    assert read_settings({"of": "stances", "rule": "combine"}).rule == "both"


def test_every_query_can_be_asked(world: LocalDataset) -> None:
    for values in (
        {"of": "meetings", "actors": "states", "meetings": "all"},
        {"of": "votes", "who": "permanent"},
        *(
            {"of": "stances", "evidence": evidence, "concept": concept, "fold": fold, "topic": topic,
             "aimed": aimed}
            for evidence in ("positions", "claims")
            for concept in ("topic", "object")
            for fold in ("yes", "no")
            for topic in ("", "topic:sanctions")
            for aimed in ("yes", "no")
        ),
    ):  # fmt: skip
        query = write_query(read_settings(values))
        assert list(select(world, query)), values


def test_a_node_that_is_not_there_is_refused_with_near_ones(world: LocalDataset) -> None:
    with pytest.raises(UnknownResource, match="Near: state:a"):
        make(world, "votes").find("state:aa")


# The page and the files.


@pytest.mark.parametrize("of", ["meetings", "votes", "stances"])
@pytest.mark.parametrize("more", ["", "&mode=affiliation&rule=ignore", "&isolates=yes&least=9"])
def test_every_network_has_a_page(visitor: FlaskClient, of: str, more: str) -> None:
    page = visitor.get(
        f"/network?of={of}{more if of == 'stances' or 'least' in more else ''}", headers=BROWSER
    )
    assert page.status_code == 200
    assert "<svg" in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert HOSTILE not in page.text


def test_the_page_shows_ties_and_what_makes_them(visitor: FlaskClient) -> None:
    page = visitor.get("/network?of=stances&a=state:a&b=state:b", headers=BROWSER).text
    assert "What ties Aland and Bland" in page
    assert "A for relief" in page
    assert "/id/position/b1" in page
    assert "1 repetition" in page
    votes = visitor.get("/network?of=votes&least=1&a=state:a&b=state:b", headers=BROWSER).text
    assert "Draft 2" in votes
    assert "against" in votes
    meetings = visitor.get("/network?a=person:x&b=person:y", headers=BROWSER).text
    assert "The summit" in meetings
    assert "2018-04-27" in meetings


def test_links_keep_the_settings(visitor: FlaskClient) -> None:
    page = visitor.get("/network?of=stances&topic=topic:sanctions&aimed=no", headers=BROWSER).text
    assert "/network.csv?of=stances&amp;topic=topic%3Asanctions&amp;aimed=no" in page
    assert "of=stances&amp;topic=topic%3Asanctions&amp;aimed=no&amp;a=state%3Aa" in page
    assert "/sparql?query=" in page


def test_a_file_of_ties(visitor: FlaskClient) -> None:
    answer = visitor.get("/network.csv?of=stances&rule=subtract")
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(r["source"], r["target"], r["rule"], r["weight"], r["common"]) for r in rows] == [
        ("state:a", "state:b", "subtract", "1", "1"),
        ("state:a", "state:c", "subtract", "-1", "1"),
        ("state:b", "state:c", "subtract", "-1", "1"),
    ]
    assert rows[0]["source_label"] == "Aland"


def test_the_same_as_json_and_by_negotiation(visitor: FlaskClient) -> None:
    found: Any = visitor.get("/network?of=stances", headers={"Accept": "application/json"}).json
    assert {tie["rule"] for tie in found["ties"]} == {"congruence", "conflict"}
    assert found["settings"]["duplicates"] == "range"
    assert found["leftOut"]["conditional"] == 1
    assert "PolicyPosition" in found["query"]
    assert found == json.loads(visitor.get("/network.json?of=stances").text)


def test_matrices(visitor: FlaskClient) -> None:
    rows = list(csv.reader(io.StringIO(visitor.get("/network.matrix.csv?of=stances").text)))
    assert rows[0][:4] == ["rule", "node", "Aland", "Bland"]
    assert [row[0] for row in rows[1:]] == ["congruence"] * 3 + ["conflict"] * 3
    assert rows[1][2:] == ["0", "1", "0"]
    found: Any = visitor.get("/network.matrix.json?of=stances&rule=subtract").json
    matrix = found["matrices"]["subtract"]
    assert matrix == [[0, 1, -1], [1, 0, -1], [-1, -1, 0]]
    two: Any = visitor.get("/network.matrix.json?of=stances&mode=affiliation&rule=subtract").json
    assert [c["label"] for c in two["columns"]] == ["Relief", "Talks"]
    assert two["matrices"]["subtract"] == [[1, 0], [1, 1], [-1, 0]]


def test_graphml(visitor: FlaskClient) -> None:
    answer = visitor.get("/network.graphml?of=stances")
    assert answer.content_type == "application/graphml+xml"
    _, nodes, ties = read_graphml(answer.data)
    assert nodes["state:a"]["iri"] == "https://w3id.org/peninsula/id/state/a"
    assert {(t["source"], t["target"], t["kind"]) for t in ties} == {
        ("state:a", "state:b", "congruence"),
        ("state:a", "state:c", "conflict"),
        ("state:b", "state:c", "conflict"),
    }
    _, nodes, _ = read_graphml(visitor.get("/network.graphml?of=stances&mode=affiliation").data)
    assert nodes["concept.topic:relief"]["iri"] == "https://w3id.org/peninsula/topic/relief"


@pytest.mark.parametrize(
    ("address", "status", "text"),
    [
        ("/network?of=love", 400, "cannot be “love”"),
        ("/network?of=stances&topic=topic:relieff-un", 404, "topic:un"),
        ("/network?of=stances&a=state:aa&b=state:b", 404, "state:a"),
        ("/network.docx", 404, "graphml"),
        ("/network?format=docx", 406, "graphml"),
    ],
)
def test_bad_addresses_say_what_is_wrong(
    visitor: FlaskClient, address: str, status: int, text: str
) -> None:
    page = visitor.get(address, headers=BROWSER)
    assert page.status_code == status
    assert text in page.text


def test_an_empty_store_says_so() -> None:
    nothing = LocalDataset(ox.Store(), Policy())
    visitor = create_app(Config(), LocalDatabase(nothing), None).test_client()
    for of in ("meetings", "votes", "stances"):
        page = visitor.get(f"/network?of={of}", headers=BROWSER)
        assert page.status_code == 200
        assert "The graph says nothing that would make such a network." in page.text
    assert visitor.get("/network.graphml").status_code == 200
