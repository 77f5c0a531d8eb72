"""The record and the links are whole: the shipped Turtle alone."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from peninsula.turtle import format_turtle

from .shipped import (
    FILES,
    NAMES,
    PERMANENT,
    RECORD,
    RELATIONS,
    Properties,
    first_day,
    last_day,
    of_class,
    read,
)


def test_every_file_is_there() -> None:
    assert {file.stem for file in FILES} == NAMES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_file_is_formatted_and_says_what_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert format_turtle(text) == text, "run `peninsula format`"
    assert text.startswith("# ")
    assert f"graph:{file.parent.name}" in text.split("\n\n")[0]


def test_nothing_is_described_in_two_files() -> None:
    described = Counter(s for file in FILES if file.parent == RECORD for s in read([file]))
    assert [s for s, n in described.items() if n > 1] == []


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["State"], 72), (["Place"], 67), (["Person"], 58), (["Office"], 23), (["Tenure"], 79),
        (["Organization"], 31), (["Summit"], 18), (["Visit"], 9), (["TalksRound"], 10),
        (["ForumSession"], 7), (["Ceremony"], 3), (["NuclearTest"], 6), (["Veto"], 2),
        (["Resolution"], 31), (["DraftResolution"], 2), (["Vote"], 210), (["Exemption"], 15),
        (["Agreement"], 14),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)  # fmt: skip
def test_counts(record: dict[str, Properties], names: list[str], count: int) -> None:
    assert len(of_class(record, *names)) == count


def test_everything_named_has_one_english_label(record: dict[str, Properties]) -> None:
    for subject, properties in record.items():
        tags = Counter(label.rpartition("@")[2] for label in properties["rdfs:label"])
        assert tags["en"] == 1, subject
        assert set(tags) <= {"en", "ko", "ru"} and max(tags.values()) == 1, subject


def test_every_entry_names_a_source_and_a_level(record: dict[str, Properties]) -> None:
    for subject, properties in record.items():
        if subject.startswith("geometry:"):
            continue
        assert properties["dcterms:source"] | properties["pen:citation"], subject
        assert len(properties["pen:hasVerification"]) == 1, subject
        assert len(properties["pen:verificationNote"]) <= 1, subject
        if not properties["dcterms:source"] and not subject.startswith("state:"):
            assert properties["pen:hasIncompleteSource"] == {"true"}, subject
        for source in properties["dcterms:source"]:
            assert re.fullmatch(r"https?://[^/\s<>\"]+(/\S*)?", source), source


def test_references_lead_somewhere(record: dict[str, Properties]) -> None:
    elsewhere = {"measure:un-sanctions", "organization:united-nations"}
    things = re.compile(
        r"(state|group|organization|person|office|place|geometry|event|resolution|agreement"
        r"|measure|exemption|initiative):"
    )
    for subject, properties in record.items():
        for predicate, values in properties.items():
            for value in values:
                if predicate != "dcterms:source" and things.match(value) and "@" not in value:
                    assert value in record or value in elsewhere, (subject, predicate, value)


def test_a_vote_set_is_the_whole_council(record: dict[str, Properties]) -> None:
    sets: dict[str, Counter[str]] = defaultdict(Counter)
    members: dict[str, set[str]] = defaultdict(set)
    for vote in of_class(record, "Vote").values():
        (text,), (state,), (choice,) = (
            vote["pen:isVoteOn"], vote["pen:isCastBy"], vote["pen:hasChoice"],
        )  # fmt: skip
        sets[text][choice.removeprefix("vote-choice:")] += 1
        members[text].add(state)
    assert len(sets) == 14
    for text, choices in sets.items():
        assert len(members[text]) == 15 and members[text] >= PERMANENT, text
        totals = {"votesFor": "for", "votesAgainst": "against", "votesAbstaining": "abstain"}
        for total, choice in totals.items():
            assert record[text][f"pen:{total}"] == {str(choices[choice])}, (text, total)


def test_votes_read_directly_are_verified_and_the_others_derived(
    record: dict[str, Properties],
) -> None:
    direct = {f"resolution:{r}" for r in ("2371", "2375", "s-2022-431", "s-2024-255")}
    for subject, vote in of_class(record, "Vote").items():
        level = "verified" if vote["pen:isVoteOn"] <= direct else "derived"
        assert vote["pen:hasVerification"] == {f"verification:{level}"}, subject


def test_a_veto_is_the_vote_of_a_permanent_member(record: dict[str, Properties]) -> None:
    for subject, veto in of_class(record, "Veto").items():
        (draft,) = veto["pen:isVetoOf"]
        against = {
            s
            for v in of_class(record, "Vote").values()
            if v["pen:isVoteOn"] == {draft} and v["pen:hasChoice"] == {"vote-choice:against"}
            for s in v["pen:isCastBy"]
        }
        assert veto["pen:isConductedBy"] == against <= PERMANENT, subject
        assert veto["pen:from"] == record[draft]["pen:votedOn"], subject


def test_dates_and_their_edtf_agree(record: dict[str, Properties]) -> None:
    for subject, properties in record.items():
        if not properties["pen:edtf"]:
            assert not properties["pen:from"] and not properties["pen:until"], subject
            continue
        (expression,) = properties["pen:edtf"]
        start, slash, end = expression.partition("/")
        end = end if slash else start
        assert properties["pen:from"] == ({first_day(start)} if start else set()), subject
        assert properties["pen:until"] == (set() if end in ("", "..") else {last_day(end)}), subject


def test_terms_in_an_office_follow_each_other(record: dict[str, Properties]) -> None:
    """Where both ends are exact, no two persons hold an office on more than one shared day."""
    by_office: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for subject, tenure in of_class(record, "Tenure").items():
        for expression in tenure["pen:edtf"]:
            if re.fullmatch(r"\d{4}-\d\d-\d\d/(\d{4}-\d\d-\d\d|\.\.)", expression):
                (office,) = tenure["pen:isTenureIn"]
                by_office[office].append((*expression.split("/"), subject))
    assert sum(map(len, by_office.values())) > 60
    for terms in by_office.values():
        terms.sort()
        for (_, end, one), (start, _, other) in pairwise(terms):
            assert end != ".." and end <= start, (one, other)


def test_a_point_is_longitude_first_and_belongs_to_one_place(record: dict[str, Properties]) -> None:
    used = Counter(g for p in record.values() for g in p["geo:hasGeometry"])
    points = {s: p for s, p in record.items() if "sf:Point" in p["rdf:type"]}
    assert set(used) == set(points) and set(used.values()) == {1}
    for subject, point in points.items():
        (text,) = point["geo:asWKT"]
        match = re.fullmatch(r"POINT\((-?\d+\.\d+) (-?\d+\.\d+)\)", text)
        assert match and abs(float(match[1])) <= 180 and abs(float(match[2])) <= 90, subject
    assert points["geometry:pyongyang"]["geo:asWKT"] == {"POINT(125.7543 39.0339)"}


def test_measures_and_exemptions_are_tied_to_their_resolution(
    record: dict[str, Properties],
) -> None:
    for subject, measure in of_class(record, "Measure").items():
        (resolution,) = measure["pen:isImposedBy"]
        assert subject.startswith(f"measure:{resolution.removeprefix('resolution:')}-")
        assert len(measure["pen:measureKind"]) == 1, subject
        sanctions = record[resolution]["pen:resolutionKind"] == {"resolution-kind:sanctions"}
        call = measure["pen:measureKind"] <= {"measure-kind:demand", "measure-kind:recommendation"}
        whole = {"measure:un-sanctions"} if sanctions and not call else set()
        assert measure["dcterms:isPartOf"] == whole, subject
    for subject, exemption in of_class(record, "Exemption").items():
        assert exemption["pen:isExemptionFrom"] and exemption["pen:isGrantedBy"], subject
        assert ("initiative:khasan-rajin" in exemption["pen:concerns"]) == ("rajin" in subject)


def test_who_came_and_who_did_not(record: dict[str, Properties]) -> None:
    parts = of_class(record, "Participation")
    absent = {s for s, p in parts.items() if p["pen:hasAttendance"] == {"attendance:absent"}}
    assert absent == {"participation:victory-day-moscow-2015-kim-jong-un"}
    represented = {
        s for s, p in parts.items() if p["pen:hasRole"] == {"participation-role:representative"}
    }
    assert represented == {
        f"participation:{event}-kim-yong-nam"
        for event in ("winter-olympics-sochi-2014", "victory-day-moscow-2015")
    }
    for event in of_class(record, "Summit"):
        assert sum(p["pen:inEvent"] == {event} for p in parts.values()) >= 2, event
    for subject, part in parts.items():
        if part["pen:hasParticipant"] and min(part["pen:hasParticipant"]).startswith("person:"):
            assert len(part["pen:represents"]) == 1, subject


def test_links_are_one_to_one_and_stated_twice(
    record: dict[str, Properties], links: dict[str, Properties]
) -> None:
    matches = [
        (entity, relation, item)
        for entity, properties in links.items()
        for relation in RELATIONS
        for item in properties[relation]
    ]
    identities = of_class(links, "IdentityLink")
    assert len(matches) == len(identities) > 230
    assert {entity for entity, _, _ in matches} <= set(record)
    assert len({item for _, _, item in matches}) == len(matches)
    for subject, link in identities.items():
        (entity,), (item,) = link["pen:linksEntity"], link["pen:linksTo"]
        (relation,) = link["pen:linksBy"]
        assert (entity, relation, item) in matches, subject
        name = "link:" + entity.replace(":", "-")
        if item.startswith("wd:"):
            assert subject == name and re.fullmatch(r"wd:Q[1-9]\d*", item), subject
        else:
            (identifier,) = record[entity]["pen:geonamesId"]
            assert subject == f"{name}-geonames"
            assert item == f"https://sws.geonames.org/{identifier}/", subject
        assert link["pen:confirmedOn"] and link["pen:confirmedBy"], subject
        assert link["dcterms:source"] | link["pen:citation"], subject
        assert link["prov:hadPrimarySource"] == link["dcterms:source"], subject
        assert link["prov:wasAttributedTo"] == {"agent:editors"}, subject
        (occasion,) = link["prov:wasGeneratedBy"]
        assert links[occasion]["prov:wasAssociatedWith"] == {"agent:editors"}, subject
        assert link["pen:confirmedOn"] == {occasion.removeprefix("confirmation:")}, subject
        assert link["pen:hasVerification"] == {"verification:verified"}, subject


def test_every_place_with_an_identifier_of_geonames_is_linked_by_it(
    record: dict[str, Properties], links: dict[str, Properties]
) -> None:
    places = {s for s, p in record.items() if p["pen:geonamesId"]}
    linked = {
        min(link["pen:linksEntity"])
        for link in of_class(links, "IdentityLink").values()
        if min(link["pen:linksTo"]).startswith("https://sws.geonames.org/")
    }
    assert places == linked and len(places) == 58
