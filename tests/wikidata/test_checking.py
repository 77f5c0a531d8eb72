"""A planted disagreement of each kind is found, and what agrees is passed over in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from peninsula.errors import InvalidSetting
from peninsula.wikidata.checking import ERROR, NOTE, WARNING, Finding, Report, check
from peninsula.wikidata.fitting import agrees, distance, may_agree
from peninsula.wikidata.slice import read_slice
from peninsula.wikidata.snapshot import Moment, Snapshot
from peninsula.wikidata.things import EXACT, RELATIONS, Link, Tenure, Thing

from .links import NOW, PEN, our_slice, read, wd

PERSON, STATE, OFFICE, PLACE = (
    f"{PEN}id/{name}" for name in ("person/kim", "state/korea", "office/minister", "place/seoul")
)
THINGS = {
    PERSON: Thing(
        PERSON,
        (("en", "Kim Min"), ("ko", "김민")),
        frozenset({f"{PEN}ns#Person"}),
        {"pen:birthDate": ("1950-08-26",), "pen:isCitizenOf": (STATE,)},
        None,
        (Tenure(f"{PEN}id/tenure/t", OFFICE, "2001-03-26", "2003-02-27"),),
    ),
    STATE: Thing(STATE, (("en", "Korea"),), frozenset({f"{PEN}ns#State"}), {"pen:hasCapital": (PLACE,)}),
    OFFICE: Thing(OFFICE, (("en", "minister"),), frozenset({f"{PEN}ns#Office"})),
    PLACE: Thing(
        PLACE, (("en", "Seoul"),), frozenset({f"{PEN}ns#Place"}), {"pen:geonamesId": ("1835848",)},
        (37.566, 126.978),
    ),
}  # fmt: skip
LINKS = [
    Link(PERSON, wd(1)), Link(STATE, wd(2)), Link(OFFICE, wd(3)), Link(PLACE, wd(4)),
]  # fmt: skip
#: What Wikidata says where both agree.
AGREED = """
graph:wikidata prov:generatedAtTime "2026-11-01T00:00:00Z"^^xsd:dateTime .
wd:Q1 schema:version 1 ; rdfs:label "Kim Min"@en , "김민"@ko ; wdt:P31 wd:Q5 ; wdt:P27 wd:Q2 ;
  wdt:P569 "1950-08-26T00:00:00Z"^^xsd:dateTime ; p:P39 s:one .
s:one ps:P39 wd:Q3 ; wikibase:rank wikibase:NormalRank ; a wikibase:BestRank ;
  pq:P580 "2001-03-26T00:00:00Z"^^xsd:dateTime ; pq:P582 "2003-02-27T00:00:00Z"^^xsd:dateTime .
wd:Q2 schema:version 1 ; rdfs:label "Korea"@en ; wdt:P31 wd:Q3624078 ; wdt:P36 wd:Q4 .
wd:Q3 schema:version 1 ; rdfs:label "minister"@en ; wdt:P31 wd:Q4164871 .
wd:Q4 schema:version 1 ; rdfs:label "Seoul"@en ; wdt:P31 wd:Q515 ; wdt:P1566 "1835848" ;
  wdt:P625 "Point(126.99 37.55)"^^geo:wktLiteral .
wd:Q5 rdfs:label "human"@en .
"""


def examine(
    text: str = AGREED, links: list[Link] | None = None, before: Snapshot | None = None
) -> Report:
    return check(LINKS if links is None else links, THINGS, read(text), our_slice(), NOW, before)


def test_what_agrees_is_passed_over() -> None:
    report = examine()
    assert report.findings == [] and (report.links, report.compared) == (4, 4)


PLANTED = {
    "another class": ("wdt:P31 wd:Q5 ;", "wdt:P31 wd:Q43229 ;", ERROR, "class", "Person"),
    "a state that is a human": ("wd:Q3624078", "wd:Q5", ERROR, "class", "human"),
    "another name": ('"김민"@ko', '"이민"@ko', WARNING, "label", "“ko”"),
    "another birthday": ('"1950-08-26T', '"1950-08-27T', WARNING, "birth", "date of birth"),
    "another beginning": ('"2001-03-26T', '"2001-03-29T', WARNING, "tenure", "beginning"),
    "another end": ('"2003-02-27T', '"2003-03-01T', WARNING, "tenure", "end"),
    "an end on the day after": ('"2003-02-27T', '"2003-02-28T', NOTE, "tenure", "end"),
    "another office": ("ps:P39 wd:Q3", "ps:P39 wd:Q9", NOTE, "tenure", "does not say"),
    "a place some way off": ("126.99 37.55", "127.3 37.55", WARNING, "coordinates", "km apart"),
    "a place far away": ("126.99 37.55", "26.99 37.55", ERROR, "coordinates", "km apart"),
    "another capital": ("wdt:P36 wd:Q4", "wdt:P36 wd:Q9", WARNING, "capital", "capital"),
    "another citizenship": ("wdt:P27 wd:Q2", "wdt:P27 wd:Q9", WARNING, "citizenship", "country"),
    "another identifier": ('"1835848"', '"1"', WARNING, "identifier", "GeoNames"),
    "an item of no class": ("wdt:P31 wd:Q515 ;", "", NOTE, "class", "does not say"),
    "an old snapshot": ('"2026-11-01T', '"2025-11-01T', WARNING, "age", "days old"),
    "no day of retrieval": ("prov:generatedAtTime", "prov:x", WARNING, "age", "when"),
    "a merged item": (
        "wd:Q4 schema:version", "wd:Q4 owl:sameAs wd:Q44 . wd:Q44 schema:version", ERROR,
        "redirected", "merged into Q44",
    ),
    "a deleted item": (
        'wd:Q3 schema:version 1 ; rdfs:label "minister"@en ; wdt:P31 wd:Q4164871 .',
        "graph:wikidata pen:lacksItem wd:Q3 .", ERROR, "deleted", "not there any more",
    ),
    "an item that was not pulled": (
        'wd:Q3 schema:version 1 ; rdfs:label "minister"@en ; wdt:P31 wd:Q4164871 .', "",
        WARNING, "not-pulled", "not in the snapshot",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_disagreement_is_found(name: str) -> None:
    old, new, severity, kind, words = PLANTED[name]
    assert old in AGREED
    found = examine(AGREED.replace(old, new, 1)).findings
    matching = [f for f in found if (f.severity, f.kind) == (severity, kind)]
    assert [f for f in matching if words in f.message], found


def only(findings: object) -> Finding:
    assert isinstance(findings, list)
    (finding,) = findings
    assert isinstance(finding, Finding)
    return finding


def test_two_things_of_one_item_are_told() -> None:
    merged = AGREED.replace("wd:Q3 schema", "wd:Q3 owl:sameAs wd:Q1 . wd:Q33 schema")
    kinds = {(f.severity, f.kind) for f in examine(merged).findings}
    assert (ERROR, "twice") in kinds and (ERROR, "redirected") in kinds


def test_what_is_only_near_may_differ() -> None:
    links = [*LINKS[:3], Link(PLACE, wd(4), RELATIONS[1])]
    finding = only(examine(AGREED.replace('"1835848"', '"1"'), links).findings)
    assert finding.severity == NOTE


def test_a_less_precise_time_agrees() -> None:
    text = AGREED.replace(
        'wdt:P569 "1950-08-26T00:00:00Z"^^xsd:dateTime ;',
        "p:P569 s:birth .\n"
        's:birth ps:P569 "1950-01-01T00:00:00Z"^^xsd:dateTime ; psv:P569 v:year ; '
        "a wikibase:BestRank ; wikibase:rank wikibase:NormalRank .\n"
        'v:year wikibase:timeValue "1950-01-01T00:00:00Z"^^xsd:dateTime ; wikibase:timePrecision 9 .\n'
        "wd:Q1 ",
    )
    assert examine(text).findings == []
    other = text.replace("1950-01-01", "1951-01-01")
    assert only(examine(other).findings).kind == "birth"


def test_an_alias_is_a_name_and_case_does_not_count() -> None:
    text = AGREED.replace('"Kim Min"@en', '"Min Kim"@en')
    assert only(examine(text).findings).kind == "label"
    assert examine(text + 'wd:Q1 skos:altLabel "KIM-MIN"@en .').findings == []
    assert examine(text + 'wd:Q1 skos:altLabel "Kim Min"@mul .').findings == []


def test_a_deprecated_statement_is_not_held_against_us() -> None:
    wrong = (
        "wd:Q1 p:P39 s:two . s:two ps:P39 wd:Q3 ; wikibase:rank wikibase:DeprecatedRank ; "
        'pq:P580 "1990-01-01T00:00:00Z"^^xsd:dateTime ; '
        'pq:P582 "1995-01-01T00:00:00Z"^^xsd:dateTime .'
    )
    assert examine(AGREED + wrong).findings == []
    told = examine(AGREED + wrong.replace("Deprecated", "Normal")).findings
    assert only(told).kind == "tenure" and only(told).severity == NOTE


def test_what_changed_since_is_told() -> None:
    before = read(AGREED)
    text = AGREED.replace(
        'schema:version 1 ; rdfs:label "Seoul"', 'schema:version 2 ; rdfs:label "Seoul"'
    )
    after = text.replace('"1835848"', '"1835848" , "7"')
    finding = only(examine(after, before=before).findings)
    assert (finding.kind, finding.theirs) == ("changed", "1835848 → 1835848 | 7")
    assert examine(before=before).findings == []


def test_the_report_is_plain_values() -> None:
    told = examine(AGREED.replace("wd:Q3624078", "wd:Q5")).to_json()
    assert told["counts"] == {"error": 1, "warning": 0, "note": 0}
    (finding,) = told["findings"]
    assert (finding["thing"], finding["item"]) == ("state:korea", "wd:Q2")


# What comparisons rest on.


@pytest.mark.parametrize(
    ("ours", "theirs", "precision", "answer"),
    [
        ("1950-08-26", "1950-08-26T00:00:00Z", 11, True),
        ("1950-08-26", "1950-08-01T00:00:00Z", 10, True),
        ("1950-08-26", "1950-01-01T00:00:00Z", 9, True),
        ("1950", "1950-08-26T00:00:00Z", 11, True),
        ("1950-08-26", "1950-09-01T00:00:00Z", 10, False),
        ("", "1950-09-01T00:00:00Z", 10, False),
        ("1950", "nonsense", 11, False),
    ],
)
def test_times_agree_as_far_as_they_go(
    ours: str, theirs: str, precision: int, answer: bool
) -> None:
    assert agrees(ours, Moment(theirs, precision)) is answer


def test_what_is_uncertain_is_not_compared() -> None:
    assert may_agree("1950~", Moment("1960-01-01T00:00:00Z"))
    assert may_agree("1950", Moment("1900-01-01T00:00:00Z", 7))


def test_distances() -> None:
    moscow, seoul = (55.7522, 37.6155), (37.566, 126.9784)
    assert distance(moscow, moscow) == 0
    assert 6590 < distance(moscow, seoul) < 6640
    assert 20_000 < distance((0, 0), (0, 180)) < 20_040


def test_redirects_in_a_circle_end() -> None:
    snapshot = read("wd:Q1 owl:sameAs wd:Q2 . wd:Q2 owl:sameAs wd:Q1 .")
    assert snapshot.resolve(wd(1)) in {wd(1), wd(2)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("batch = 0", "from 1 to 500"),
        ("batch = true", "from 1 to 500"),
        ("sizes = 1", "no setting “sizes”"),
        ("languages = 'en'", "a list of language codes"),
        ("max-age = 5", "a number of days"),
        ("[properties]\nX1 = 'x'", "“X1” is no property"),
        ("[properties]\nP1 = 1", "in words"),
        ("[times]\nitems = []", "no “items”"),
        ("[classes.\"pen:Person\"]\nany = ['human']", "no item, such as Q5"),
        ("[classes.\"nobody:Person\"]\nany = ['Q5']", "no prefixed name"),
        ('[classes."pen:Person"]\nsome = []', "only any and never"),
        ("= =", "not TOML"),
    ],
)
def test_a_slice_that_is_wrong_is_told_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "slice.toml"
    path.write_text(text)
    with pytest.raises(InvalidSetting) as raised:
        read_slice(path)
    assert words in str(raised.value) and "slice.toml" in str(raised.value)


def test_how_long_and_how_far_do_not_change_what_is_asked() -> None:
    slice = our_slice()
    assert replace(slice, max_age_days=1, max_distance=1).digest() == slice.digest()
    assert replace(slice, batch=7).digest() != slice.digest()
    assert replace(slice, languages=("en",)).digest() != slice.digest()
    assert timedelta(days=slice.max_age_days) > timedelta(days=30) and RELATIONS[0] == EXACT
