"""Does data/commentary say what the inventory of the source document says, and no more?

The inventory is not part of the repository. Tests that compare with it are skipped where it is
absent; all others run on the shipped Turtle alone.
"""

from __future__ import annotations

import calendar
import csv
import hashlib
import re
from collections import defaultdict
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import pyoxigraph as ox
import pytest

from peninsula.namespaces import PREFIXES, expand, shorten
from peninsula.turtle import format_turtle

REPOSITORY: Final = Path(__file__).parents[2]
FOLDER: Final = REPOSITORY / "data" / "commentary"
FILES: Final = sorted(FOLDER.glob("*.ttl"))
SEED: Final = REPOSITORY.parent / "shared" / "seed"
SOURCE: Final = SEED / "000_cb7b0adc5988dec9.txt"
CLAIM_IDS: Final = [f"c{number:03}" for number in range(1, 210)]
TEXT_SUFFIXES: Final = {
    ".cfg", ".css", ".csv", ".html", ".ini", ".js", ".json", ".jsonld", ".md", ".mjs", ".nq", ".nt",
    ".py", ".rdf", ".rq", ".sh", ".svg", ".toml", ".trig", ".ts", ".tsv", ".ttl", ".txt",
    ".yaml", ".yml",
}  # fmt: skip
KIND_OF_CLASS: Final = {
    "pen:EventReport": "event",
    "pen:NonEventReport": "non-event",
    "pen:PositionClaim": "position",
    "pen:Evaluation": "evaluation",
    "pen:Expectation": "expectation",
    "pen:CausalClaim": "causal",
    "pen:RelationClaim": "relation",
    "pen:ProposalClaim": "proposal",
    "pen:BackgroundClaim": "background",
}
#: Which classes an entity of the inventory may have, by its kind there.
CLASSES_OF_KIND: Final = {
    "state-group": {"pen:StateGroup"},
    "organization": {"pen:Organization"},
    "person": {"pen:HypotheticalActor"},
    "group": {"pen:Group", "pen:HypotheticalActor"},
    "government": {"pen:Government"},
    "region": {"pen:Region"},
    "event": {
        "pen:Development",
        "pen:Meeting",
        "pen:War",
        "pen:DiplomaticStep",
        "pen:PlannedEvent",
    },
    "planned-event": {"pen:PlannedEvent"},
    "hypothetical-event": {"pen:HypotheticalEvent"},
    "initiative": {"pen:Policy", "pen:Proposal"},
    "project": {"pen:Project"},
    "talks-format": {"pen:TalksFormat"},
    "measure": {"pen:Measure"},
    "concept": {"pen:Notion"},
    "document": {"pen:Document"},
    "document-part": {"pen:DocumentPart"},
    "relation": {"pen:Relation"},
}
PART_OF_NOTE: Final = {
    "1": "document:book-chapter-15",
    "2": "document:book-conclusion",
    "3": "document:book-chapter-17",
}
needs_seed = pytest.mark.skipif(
    not SEED.is_dir(), reason="the inventory (../shared/seed) is absent"
)


def _short(term: object) -> str:
    return (
        shorten(term.value) if isinstance(term, ox.NamedNode) else str(getattr(term, "value", term))
    )


@cache
def graph() -> dict[str, dict[str, set[str]]]:
    """Return subject → predicate → objects, IRIs as prefixed names, literals as their text."""
    things: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in FILES:
        for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
            things[_short(quad.subject)][_short(quad.predicate)].add(_short(quad.object))
    return {thing: dict(properties) for thing, properties in things.items()}


def values(thing: str, name: str) -> set[str]:
    return graph().get(thing, {}).get(name, set())


def value(thing: str, name: str) -> str:
    found = values(thing, name)
    assert len(found) <= 1, f"{thing} has more than one {name}: {sorted(found)}"
    return next(iter(found), "")


def instances(*classes: str) -> set[str]:
    return {
        thing
        for thing, properties in graph().items()
        if properties.get("rdf:type", set()) & set(classes)
    }


def path(start: str, *names: str) -> str:
    for name in names:
        start = value(start, name)
    return start


@cache
def rows(name: str) -> dict[str, dict[str, str]]:
    with (SEED / name).open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@cache
def entity_of_id() -> dict[str, str]:
    """Return inventory id → prefixed name, for entities (not claims)."""
    found: dict[str, str] = {}
    for thing in graph():
        for identifier in values(thing, "pen:inventoryId"):
            if not thing.startswith("claim:"):
                assert identifier not in found, (
                    f"{identifier} names {found[identifier]} and {thing}"
                )
                found[identifier] = thing
    return found


@cache
def merges() -> dict[str, dict[str, str]]:
    with (FOLDER / "merges.csv").open(encoding="utf-8", newline="") as file:
        return {row["inventory_id"]: row for row in csv.DictReader(file)}


def entities(cell: str) -> set[str]:
    return {entity_of_id()[identifier] for identifier in cell.split(";") if identifier}


def first_and_last_day(start: str, end: str) -> tuple[str, str]:
    last = end
    if end and len(end) < len("2021-01-01"):
        year, month = (int(part) for part in (*end.split("-"), "12")[:2])
        last = f"{year}-{month:02}-{calendar.monthrange(year, month)[1]}"
    return f"{start}-01-01"[:10] if start else "", last


def edtf_interval(start: str, end: str) -> str:
    if not start and not end:
        return ""
    # EDTF: nothing before the slash is an unknown beginning, two dots after it an open end.
    return start if start == end else f"{start}/{end or '..'}"


def holders_of(row: dict[str, str]) -> set[str]:
    found = set()
    for holder in row["attributed_to"].split(";"):
        if holder == "unspecified":
            found.add(f"actor:unspecified-{row['id']}")
        elif holder != "none":
            found.add(entity_of_id()[holder])
    return found


# --- on the shipped Turtle alone -----------------------------------------------------------------


def test_folder_has_turtle() -> None:
    assert len(FILES) >= 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_is_formatted(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert format_turtle(text) == text
    assert text.startswith("# ")


def test_there_are_209_claims() -> None:
    assert instances("pen:Claim") == {f"claim:{claim}" for claim in CLAIM_IDS}


@pytest.mark.parametrize("claim", CLAIM_IDS)
def test_claim_is_complete(claim: str) -> None:
    thing = f"claim:{claim}"
    kinds = {KIND_OF_CLASS[name] for name in values(thing, "rdf:type") - {"pen:Claim"}}
    assert {f"claim-kind:{kind}" for kind in kinds} == {value(thing, "pen:hasKind")}
    assert value(thing, "pen:inventoryId") == claim
    assert value(thing, "pen:isStatedIn") == "document:commentary"
    for name in ("hasVoice", "hasStance", "hasModality", "paraphrase", "action", "hasPrimaryTopic"):
        assert value(thing, f"pen:{name}"), name
    assert value(thing, "pen:hasPrimaryTopic") in values(thing, "pen:hasTopic")
    assert values(thing, "pen:hasSubject")
    participants = {
        x for name in ("Subject", "Object", "Target") for x in values(thing, f"pen:has{name}")
    }
    assert participants <= values(thing, "pen:isAbout")
    assert not (values(thing, "pen:edtf") and values(thing, "pen:inferredEdtf"))


@pytest.mark.parametrize("claim", CLAIM_IDS)
def test_passage_lies_within_the_document(claim: str) -> None:
    passage = value(f"claim:{claim}", "pen:hasPassage")
    assert passage == f"passage:{claim}"
    assert value(passage, "oa:hasSource") == "document:commentary"
    start = int(path(passage, "oa:hasSelector", "oa:start"))
    end = int(path(passage, "oa:hasSelector", "oa:end"))
    assert 0 <= start < end <= int(value("document:commentary", "pen:characterCount"))


@pytest.mark.parametrize("claim", CLAIM_IDS)
def test_attribution_is_a_chain_from_the_commentary(claim: str) -> None:
    thing = f"claim:{claim}"
    attributions = values(thing, "pen:hasAttribution")
    levels = defaultdict(set)
    for attribution in attributions:
        levels[int(value(attribution, "pen:level"))].add(attribution)
        assert value(attribution, "pen:isAttributedTo")
    assert set(levels) == set(range(1, len(levels) + 1))
    assert {
        (value(a, "pen:isAttributedTo"), value(a, "pen:attributionBasis")) for a in levels[1]
    } == {("document:commentary", "attribution-basis:own-text")}
    for level, members in levels.items():
        assert len(members) == 1 or level == len(levels), "only the innermost level has several"
        for member in members:
            outer = values(member, "pen:isReportedWithin")
            assert outer == levels.get(level - 1, set())
    holders = values(thing, "pen:hasHolder")
    innermost = {value(a, "pen:isAttributedTo") for a in levels[len(levels)]}
    assert innermost == holders or not holders
    if value(thing, "pen:hasVoice") == "voice:book":
        (second,) = levels[2]
        assert value(second, "pen:isAttributedTo") == "document:sovremennaia-koreia"
        assert values(second, "pen:citesPart") == values(thing, "pen:citesPart")


def test_three_levels_where_the_book_says_what_seoul_thinks() -> None:
    chain = {
        (value(a, "pen:level"), value(a, "pen:isAttributedTo"), value(a, "pen:citesPart"))
        for a in values("claim:c147", "pen:hasAttribution")
    }
    assert chain == {
        ("1", "document:commentary", ""),
        ("2", "document:sovremennaia-koreia", "document:book-chapter-17"),
        ("3", "state:south-korea", ""),
    }


def test_a_hidden_holder_belongs_to_one_claim() -> None:
    claims_of = defaultdict(set)
    for claim in CLAIM_IDS:
        for holder in values(f"claim:{claim}", "pen:hasHolder"):
            claims_of[holder].add(claim)
    for agent in instances("pen:UnspecifiedAgent"):
        assert claims_of[agent] == {agent.removeprefix("actor:unspecified-")}


@pytest.mark.parametrize("claim", CLAIM_IDS)
def test_view_of_a_holder_has_a_time(claim: str) -> None:
    thing = f"claim:{claim}"
    held = value(thing, "pen:heldEdtf")
    assert bool(held) == bool(values(thing, "pen:hasHolder"))
    if held:
        start, _, end = held.partition("/")
        days = first_and_last_day(start, "" if end == ".." else end or start)
        assert (value(thing, "pen:heldFrom"), value(thing, "pen:heldUntil")) == days


def test_dates_are_in_order() -> None:
    for thing in graph():
        for first, last in (("pen:from", "pen:until"), ("pen:heldFrom", "pen:heldUntil")):
            if values(thing, first) and values(thing, last):
                assert date.fromisoformat(value(thing, first)) <= date.fromisoformat(
                    value(thing, last)
                ), thing


def test_expectations_have_strength_and_horizon() -> None:
    for claim in instances("pen:Expectation"):
        assert value(claim, "pen:hasStrength"), claim
        assert value(claim, "pen:horizon"), claim
    with_strength = {thing for thing in graph() if values(thing, "pen:hasStrength")}
    assert with_strength == instances("pen:Expectation")


def test_no_planned_or_hypothetical_event_is_an_event() -> None:
    possible = instances("pen:PlannedEvent", "pen:HypotheticalEvent")
    assert len(possible) == 14
    for event in possible:
        assert len(values(event, "rdf:type")) == 1
        assert value(event, "pen:hasStatus").startswith("event-status:")
        assert values(event, "prov:wasDerivedFrom"), event
        assert event.split(":")[0] in {"planned-event", "hypothetical-event"}
    for claim in CLAIM_IDS:
        assert not values(f"claim:{claim}", "pen:reportsEvent") & possible
    assert value("planned-event:kim-russia-visit", "pen:hasStatus") == "event-status:cancelled"


def test_only_event_reports_report_events() -> None:
    reporting = {thing for thing in graph() if values(thing, "pen:reportsEvent")}
    assert reporting
    assert reporting <= instances("pen:EventReport")


def test_absences_are_participations_in_real_events() -> None:
    absences = {
        thing
        for thing in instances("pen:Participation")
        if value(thing, "pen:hasAttendance") == "attendance:absent"
    }
    assert {
        (value(a, "pen:hasParticipant"), value(a, "pen:inEvent"), value(a, "prov:wasDerivedFrom"))
        for a in absences
    } == {
        ("person:park-geun-hye", "event:winter-olympics-sochi-2014", "claim:c134"),
        ("person:park-geun-hye", "event:victory-day-moscow-2015", "claim:c136"),
    }


def test_conditions_are_not_asserted() -> None:
    used = {c for claim in CLAIM_IDS for c in values(f"claim:{claim}", "pen:hasConditional")}
    assert used == instances("pen:Conditional")
    possible = instances("pen:Situation", "pen:PlannedEvent", "pen:HypotheticalEvent")
    mentioned = set()
    for conditional in used:
        assert value(conditional, "pen:isContraryToFact") in {"true", "false"}
        for name in ("pen:hasAntecedent", "pen:hasConsequent"):
            assert values(conditional, name), (conditional, name)
            assert values(conditional, name) <= possible
            mentioned |= values(conditional, name)
    assert instances("pen:Situation") <= mentioned
    for claim in ("c185", "c186", "c187"):
        assert path(f"claim:{claim}", "pen:hasConditional", "pen:isContraryToFact") == "true"


def test_claims_in_tension_are_members_of_one_tension() -> None:
    tensions = [values(tension, "pen:hasTensionMember") for tension in instances("pen:Tension")]
    pairs = {(claim, other) for claim in graph() for other in values(claim, "pen:inTensionWith")}
    assert len(tensions) == 15
    for claim, other in pairs:
        assert claim < other, "the lower number comes first"
        assert any({claim, other} <= members for members in tensions), (claim, other)
    assert {claim for pair in pairs for claim in pair} == set().union(*tensions)


def test_contradictions_share_a_holder_and_a_time() -> None:
    pairs = {(claim, other) for claim in graph() for other in values(claim, "pen:contradicts")}
    assert pairs == {("claim:c149", "claim:c165")}
    for claim, other in pairs:
        assert other in values(claim, "pen:inTensionWith")
        for name in ("pen:hasHolder", "pen:from", "pen:until"):
            assert values(claim, name) == values(other, name)


def test_readings_are_complete() -> None:
    for reading in instances("pen:Reading"):
        for name in (
            "readsClaim",
            "hasHolder",
            "onObject",
            "hasStance",
            "hasTopic",
            "from",
            "until",
        ):
            assert value(reading, f"pen:{name}"), (reading, name)
        assert value(reading, "dcterms:description")
    card = {
        value(r, "pen:readsClaim"): value(r, "pen:hasStance")
        for r in instances("pen:Reading")
        if value(r, "pen:onObject") == "notion:russian-card"
    }
    assert card["claim:c029"] == card["claim:c066"] == "stance:supports"
    assert card["claim:c054"] == "stance:opposes"


def test_every_entity_is_merged_or_described_here() -> None:
    assert set(merges()) == set(entity_of_id())
    for identifier, row in merges().items():
        thing = entity_of_id()[identifier]
        assert row["iri"] == thing
        assert row["reason"]
        if row["decision"] == "merged":
            assert row["record_file"] and row["record_row"], identifier
            assert not values(thing, "rdf:type") and not values(thing, "rdfs:label"), identifier
        else:
            assert row["decision"] == "own"
            assert value(thing, "rdf:type"), identifier
            assert values(thing, "rdfs:label"), identifier


def test_one_label_a_language() -> None:
    languages = defaultdict(list)
    for file in FILES:
        for quad in ox.parse(path=str(file), format=ox.RdfFormat.TURTLE):
            if quad.predicate.value == expand("rdfs:label"):
                languages[quad.subject.value].append(quad.object.language)
    for thing, used in languages.items():
        assert len(used) == len(set(used)) and "en" in used, thing


def test_only_prefixes_of_the_project() -> None:
    bases = tuple(PREFIXES.values())
    for file in FILES:
        for quad in ox.parse(path=str(file), format=ox.RdfFormat.TURTLE):
            for term in (quad.subject, quad.predicate, quad.object):
                assert isinstance(term, ox.Literal) or term.value.startswith(bases), term


# --- against the inventory ----------------------------------------------------------------------


@needs_seed
def test_same_claims_and_entities_as_the_inventory() -> None:
    assert set(rows("claims.csv")) == set(CLAIM_IDS)
    assert set(rows("entities.csv")) == set(entity_of_id())


@needs_seed
@pytest.mark.parametrize("claim", CLAIM_IDS)
def test_claim_equals_its_row(claim: str) -> None:
    row = rows("claims.csv")[claim]
    thing = f"claim:{claim}"
    topics = row["topic"].split(";")
    assert value(thing, "pen:hasVoice") == f"voice:{row['voice']}"
    assert value(thing, "pen:hasKind") == f"claim-kind:{row['kind']}"
    assert value(thing, "pen:hasModality") == f"modality:{row['modality']}"
    stance = "not-expressed" if row["stance"] == "n/a" else row["stance"]
    assert value(thing, "pen:hasStance") == f"stance:{stance}"
    assert value(thing, "pen:hasPrimaryTopic") == f"topic:{topics[0]}"
    assert values(thing, "pen:hasTopic") == {f"topic:{topic}" for topic in topics}
    assert value(thing, "pen:action") == row["action"]
    assert value(thing, "pen:paraphrase") == row["paraphrase"]
    assert value(thing, "pen:timeNote") == row["time_note"]
    for column, name in (
        ("subject", "pen:hasSubject"),
        ("object", "pen:hasObject"),
        ("target", "pen:hasTarget"),
        ("entities", "pen:isAbout"),
    ):
        assert values(thing, name) == entities(row[column]), column
    assert values(thing, "pen:hasHolder") == holders_of(row)
    assert value(thing, "pen:footnoteNumber") == row["footnote"]
    assert value(thing, "pen:citesPart") == PART_OF_NOTE.get(row["footnote"], "")


@needs_seed
@pytest.mark.parametrize("claim", CLAIM_IDS)
def test_times_equal_those_of_the_row(claim: str) -> None:
    row = rows("claims.csv")[claim]
    thing = f"claim:{claim}"
    start, end = row["time_start"], row["time_end"]
    assert (value(thing, "pen:from"), value(thing, "pen:until")) == first_and_last_day(start, end)
    assert value(thing, "pen:edtf") + value(thing, "pen:inferredEdtf") == edtf_interval(start, end)
    unstated = (
        "undated",
        "inferred",
        "time of writing",
        "interim",
        "context",
        "contrary to fact",
        "goal",
    )
    if (
        any(word in row["time_note"] for word in unstated)
        and row["time_note"] != "sides not named; the two Koreas by context"
    ):
        assert not values(thing, "pen:edtf")
    if not row["time_note"]:
        assert not values(thing, "pen:inferredEdtf")


@needs_seed
@pytest.mark.parametrize("claim", CLAIM_IDS)
def test_passage_equals_that_of_the_row(claim: str) -> None:
    row = rows("claims.csv")[claim]
    passage = f"passage:{claim}"
    assert path(passage, "oa:hasSelector", "oa:start") == row["start"]
    assert path(passage, "oa:hasSelector", "oa:end") == row["end"]
    for name in ("section", "paragraph", "sentence"):
        assert value(passage, f"pen:{name}") == row[name]
    assert int(row["end"]) <= len(SOURCE.read_text(encoding="utf-8"))


@needs_seed
@pytest.mark.parametrize("claim", CLAIM_IDS)
def test_chain_is_as_deep_as_the_row_says(claim: str) -> None:
    row = rows("claims.csv")[claim]
    depth = 1 + (row["voice"] == "book")
    holders = holders_of(row)
    if row["voice"] == "russian-side" and not holders & {
        "group:russian-observers",
        "person:vladimir-putin",
    }:
        depth += 1
    depth += bool(holders - {"document:commentary"})
    levels = {int(value(a, "pen:level")) for a in values(f"claim:{claim}", "pen:hasAttribution")}
    assert max(levels) == depth
    bases = {
        value(a, "pen:attributionBasis") for a in values(f"claim:{claim}", "pen:hasAttribution")
    }
    rests_on_note = (
        row["voice"] == "book" and row["paragraph"] != "1" and claim not in {"c100", "c101"}
    )
    assert ("attribution-basis:rests-on-note" in bases) == rests_on_note


@needs_seed
def test_entities_equal_their_rows() -> None:
    for identifier, row in rows("entities.csv").items():
        thing = entity_of_id()[identifier]
        assert value(thing, "skos:note") == row["note"], identifier
        names = values(thing, "rdfs:label") | values(thing, "skos:altLabel")
        if merges()[identifier]["decision"] == "own":
            assert row["label_en"] in names, identifier
            assert value(thing, "rdf:type") in CLASSES_OF_KIND[row["kind"]], identifier
        else:
            assert names <= {row["label_en"]}, identifier
        mentions = [c for c in CLAIM_IDS if thing in values(f"claim:{c}", "pen:isAbout")]
        assert (len(mentions), mentions[0]) == (int(row["mentions"]), row["first_claim"]), (
            identifier
        )


@needs_seed
def test_ambiguous_sentences_are_marked() -> None:
    readme = (SEED / "README.md").read_text(encoding="utf-8")
    remarks = readme.split("Wording and dating")[1].split("Tensions between claims")[0]
    sentences = set()
    for heading in re.findall(r"^- \*\*(.+?)\*\*", remarks, re.MULTILINE):
        sentences |= set(re.findall(r"\d+\.\d+", heading)) or {"14.1"}
    marked = {
        f"{row['paragraph']}.{row['sentence']}"
        for claim, row in rows("claims.csv").items()
        if value(f"claim:{claim}", "pen:ambiguity")
    }
    assert marked == sentences


@needs_seed
def test_tensions_cover_every_claim_the_inventory_lists() -> None:
    readme = (SEED / "README.md").read_text(encoding="utf-8")
    section = readme.split("Tensions between claims")[1].split("## Advice")[0]
    listed = [
        set(re.findall(r"c\d{3}", item))
        for item in re.split(r"^- \*\*", section, flags=re.MULTILINE)[1:]
    ]
    members = [
        {claim.removeprefix("claim:") for claim in values(tension, "pen:hasTensionMember")}
        for tension in instances("pen:Tension")
        if not value(tension, "skos:editorialNote")  # one of our own, and says so
    ]
    assert sorted(map(sorted, listed)) == sorted(map(sorted, members))


@needs_seed
def test_document_is_the_one_of_the_inventory() -> None:
    content = SOURCE.read_bytes()
    assert value("document:commentary", "pen:sha256") == hashlib.sha256(content).hexdigest()
    assert value("document:commentary", "pen:characterCount") == str(len(content.decode()))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _runs(words: list[str], length: int) -> set[str]:
    return {" ".join(words[k : k + length]) for k in range(len(words) - length + 1)}


@needs_seed
def test_no_file_quotes_the_source() -> None:
    """No twelve words in a row of the body text stand in any text file of the repository."""
    length = 12
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    body = [line for line in lines if len(line) > 200]  # titles, headings and notes are shorter
    assert len(body) == 12
    quoted = set().union(*(_runs(_words(paragraph), length) for paragraph in body))
    offenders = []
    for file in REPOSITORY.rglob("*"):
        relative = file.relative_to(REPOSITORY)
        if file.suffix not in TEXT_SUFFIXES or not file.is_file():
            continue
        if any(
            part.startswith(".") or part in {"node_modules", "__pycache__", "build"}
            for part in relative.parts
        ):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file.suffix in {".ttl", ".trig"}:
            text = re.sub(r"^PREFIX .*$", "", text, flags=re.MULTILINE)
        offenders += [f"{relative}: {run}" for run in _runs(_words(text), length) & quoted]
    assert not offenders
