"""The record and the links are whole, and say what the fact base says, no more and no less.

The first part always runs and looks at the shipped Turtle alone. The second compares it, in
both directions and field by field, with the fact base beside the repository, and is skipped
where that is absent.
"""

from __future__ import annotations

import calendar
import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.namespaces import shorten
from peninsula.turtle import format_turtle

REPOSITORY = Path(__file__).resolve().parents[2]
RECORD = REPOSITORY / "data" / "record"
LINKS = REPOSITORY / "data" / "links"
FACTS = REPOSITORY.parent / "shared" / "facts"

FILES = [*sorted(RECORD.glob("*.ttl")), *sorted(LINKS.glob("*.ttl"))]
NAMES = {
    "agreements", "exemptions", "groups", "incidents", "initiatives", "measures", "meetings",
    "offices", "organizations", "participations", "persons", "places", "resolutions",
    "sponsorships", "states", "tenures", "votes", "geonames", "provenance", "wikidata",
}  # fmt: skip
RELATIONS = ("skos:exactMatch", "skos:closeMatch", "skos:broadMatch")
PERMANENT = {f"state:{s}" for s in ["china", "france", "russia", "united-kingdom", "united-states"]}

Properties = dict[str, set[str]]


def _term(term: object) -> str:
    """Write a term the way the tests compare it: curie, ``text@en`` or plain text."""
    if isinstance(term, ox.NamedNode):
        return shorten(term.value)
    assert isinstance(term, ox.Literal)
    return f"{term.value}@{term.language}" if term.language else term.value


def _read(files: list[Path]) -> dict[str, Properties]:
    nodes: dict[str, Properties] = defaultdict(lambda: defaultdict(set))
    for file in files:
        for quad in ox.parse(file.read_bytes(), format=ox.RdfFormat.TURTLE):
            nodes[_term(quad.subject)][shorten(quad.predicate.value)].add(_term(quad.object))
    return dict(nodes)


@pytest.fixture(scope="module")
def record() -> dict[str, Properties]:
    return _read([file for file in FILES if file.parent == RECORD])


@pytest.fixture(scope="module")
def links() -> dict[str, Properties]:
    return _read([file for file in FILES if file.parent == LINKS])


def of_class(nodes: dict[str, Properties], *names: str) -> dict[str, Properties]:
    return {s: p for s, p in nodes.items() if p["rdf:type"] & {f"pen:{n}" for n in names}}


# ---------------------------------------------------------------- the shipped Turtle alone


def test_every_file_is_there() -> None:
    assert {file.stem for file in FILES} == NAMES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_file_is_formatted_and_says_what_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert format_turtle(text) == text, "run `peninsula format`"
    assert text.startswith("# ")
    assert f"graph:{file.parent.name}" in text.split("\n\n")[0]


def test_nothing_is_described_in_two_files() -> None:
    described = Counter(s for file in FILES if file.parent == RECORD for s in _read([file]))
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


# ---------------------------------------------------------------- against the fact base

needs_facts = pytest.mark.skipif(
    not FACTS.is_dir(), reason="the fact base is not beside the repository"
)
LEVELS = {"yes": "verified", "partly": "partly-verified", "memory-only": "memory-only"}
KEYS: dict[str, Callable[[dict[str, str]], str]] = {
    "states": lambda r: r["iso3"],
    "terms": lambda r: f"{r['person_id']}|{r['office_id']}|{r['start']}",
    "unsc-resolutions": lambda r: r["number"],
    "resolution-votes": lambda r: f"{r['resolution']}/{r['state_iso3']}",
}
DRAFTS = {"S/2022/431": "s-2022-431", "S/2024/255": "s-2024-255"}
#: What the sources do support where a date of the fact base is not confirmed.
REDUCED = {
    ("terms", "mikhail-kasyanov|prime-minister-of-russia|2000-05-07"): "2000-05/2004-02-24",
    ("terms", "igor-ivanov|foreign-minister-of-russia|1998-09-11"): "1998-09-11/2004",
    ("terms", "kim-il-sung|supreme-leader-of-north-korea|1948-09-09"): "1948/1994-07-08",
    ("terms", "kim-jong-un|supreme-commander-of-the-kpa|2011-12-30"): "2011-12/",
    ("terms", "ri-yong-ho|foreign-minister-of-north-korea|2016-05-16"): "2016-05/2020-01",
    ("summits", "russia-rok-seoul-2001"): "2001-02",
    ("initiatives", "pyongyang-joint-declaration"): "2018-09/",
    ("initiatives", "comprehensive-military-agreement"): "2018-09/",
}


def first_day(text: str) -> str:
    return text + "0000-01-01"[len(text) :]


def last_day(text: str) -> str:
    match len(text):
        case 4:
            return f"{text}-12-31"
        case 7:
            return f"{text}-{calendar.monthrange(int(text[:4]), int(text[5:]))[1]:02d}"
    return text


def rows(table: str) -> list[dict[str, str]]:
    with (FACTS / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def unconfirmed() -> dict[tuple[str, str], set[str]]:
    fields: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table in ("unverified-fields", "unverified-fields-people-places"):
        for row in rows(table):
            key = row["file"].removesuffix(".csv"), row["row_key"]
            fields[key] |= set(row["field"].split(";"))
    return fields


def slug(label: str) -> str:
    ascii_ = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_).strip("-")


def state_iris(record: dict[str, Properties]) -> dict[str, str]:
    return {min(p["pen:iso3166Alpha3"]): s for s, p in of_class(record, "State").items()}


def entry(table: str, row: dict[str, str], states: dict[str, str]) -> str:
    match table:
        case "states":
            return "state:ussr" if row["iso3"] == "SUN" else f"state:{slug(row['label_en'])}"
        case "places" | "organizations" | "exemptions":
            return f"{table.removesuffix('s')}:{row['id']}"
        case "leaders":
            return f"person:{row['id']}"
        case "offices":
            return f"office:{row['id']}"
        case "terms":
            return f"tenure:{row['person_id']}-{row['office_id']}-{row['start']}"
        case "summits" | "tests-and-incidents":
            return f"event:{row['id']}"
        case "unsc-resolutions":
            return f"resolution:{row['number']}"
        case "resolution-votes":
            text = DRAFTS.get(row["resolution"], row["resolution"])
            return f"vote:{text}-{states[row['state_iso3']].removeprefix('state:')}"
        case _:
            if row["id"] == "hanoi-summit":
                return "event:us-dprk-hanoi-2019"
            return f"{'agreement' if row['kind'] == 'agreement' else 'initiative'}:{row['id']}"


TABLES = [
    "states", "places", "leaders", "offices", "terms", "organizations", "summits",
    "tests-and-incidents", "unsc-resolutions", "resolution-votes", "exemptions", "initiatives",
]  # fmt: skip


def every_row(
    record: dict[str, Properties], *tables: str
) -> Iterator[tuple[str, str, dict[str, str], Properties, set[str]]]:
    """Yield table, IRI, row, properties and unconfirmed fields of every row."""
    missing, states = unconfirmed(), state_iris(record)
    for table in tables or TABLES:
        for row in rows(table):
            iri = entry(table, row, states)
            assert iri in record, f"{iri} is missing"
            key = KEYS.get(table, lambda r: r["id"])(row)
            yield table, iri, row, record[iri], missing.get((table, key), set())


def addresses(cell: str) -> set[str]:
    """Return the addresses in a source cell that can be followed as they stand."""
    found = set()
    for part in cell.split(" | "):
        if part.startswith("note:"):
            continue
        for match in re.finditer(r"https?://\S+", part):
            address = match[0]
            while address.endswith(")") and address.count("(") < address.count(")"):
                address = address[:-1]
            rest = part[match.start() + len(address) :].strip()
            if not rest or rest[0] in "(+)":
                found.add(address)
        for match in re.finditer(r"github:([\w.-]+/[\w.-]+)([:/@])([^\s)]+)", part):
            repository, mark, rest = match.groups()
            if mark == "@":
                commit, _, path = rest.partition(":")
            else:
                path, _, commit = rest.partition("@")
            found.add(f"https://github.com/{repository}/blob/{commit or 'HEAD'}/{path}")
    return found


@needs_facts
def test_every_row_has_its_entry_and_every_entry_its_row(record: dict[str, Properties]) -> None:
    seen = {iri for _, iri, _, _, _ in every_row(record)}
    made = {  # entries that come from a row of another table, or from the rules of the README
        s for s, p in record.items()
        if p["rdf:type"] & {f"pen:{c}" for c in (
            "Participation", "Sponsorship", "Measure", "Group", "StateGroup", "DraftResolution")}
        or s.startswith("geometry:")
    }  # fmt: skip
    voters = {r["state_iso3"] for r in rows("resolution-votes")}
    others = voters - {r["iso3"] for r in rows("states")}
    made |= {state_iris(record)[iso] for iso in others}
    assert len(others) == 18
    assert set(record) - seen - made == set()


@needs_facts
def test_levels_and_sources(record: dict[str, Properties]) -> None:
    for table, iri, row, entry_, missing in every_row(record):
        if table != "resolution-votes":
            assert entry_["pen:hasVerification"] == {f"verification:{LEVELS[row['verified']]}"}, iri
        expected = addresses(row["source"])
        if iri == "event:us-dprk-hanoi-2019":
            assert expected <= entry_["dcterms:source"]
        else:
            assert entry_["dcterms:source"] == expected, iri
        without_address = r"(stored-file|github-index):\S+(?! prints)(\s|$)"
        if "source" in missing or re.search(without_address, row["source"]):
            assert entry_["pen:hasIncompleteSource"] == {"true"}, iri
        notes = " ".join(entry_["pen:verificationNote"])
        if missing - {"source"}:
            assert notes, iri
        if {f for f in missing if not f.startswith("label") and f != "source"}:
            assert "Left out" in notes, iri
        if {f for f in missing if f.startswith("label") and row[f]}:
            assert "not confirmed by a source" in notes, iri


@needs_facts
def test_incomplete_sources_are_marked_only_where_something_is_missing(
    record: dict[str, Properties],
) -> None:
    for _, iri, row, entry_, missing in every_row(record):
        if iri == "event:us-dprk-hanoi-2019":
            continue
        marked = entry_["pen:hasIncompleteSource"] == {"true"}
        assert marked == bool(entry_["pen:citation"] or "source" in missing), iri
        for citation in entry_["pen:citation"]:
            assert citation in row["source"], iri


@needs_facts
def test_labels(record: dict[str, Properties]) -> None:
    for table, iri, row, entry_, _ in every_row(record):
        if "label_en" not in row:
            continue
        labels = {f"{row['label_en']}@en"}
        labels |= {f"{row[f'label_{t}']}@{t}" for t in ("ko", "ru") if row.get(f"label_{t}")}
        if table == "initiatives" and iri == "event:us-dprk-hanoi-2019":
            assert entry_["skos:altLabel"] == labels
        else:
            assert entry_["rdfs:label"] == labels, iri


def _fields(  # noqa: C901 (a table, one case for each file)
    table: str, row: dict[str, str], states: dict[str, str]
) -> dict[str, tuple[str, set[str]]]:
    """Return, for each field of a row, the property and the values that it becomes."""
    one = lambda value: {value} if value else set()  # noqa: E731
    match table:
        case "states":
            return {
                "official_name_en": ("pen:officialName", {f"{row['official_name_en']}@en"}),
                "capital_id": ("pen:hasCapital", {f"place:{row['capital_id']}"}),
                "un_member_since": ("pen:unMemberSince", {row["un_member_since"]}),
                "iso3": ("pen:iso3166Alpha3", {row["iso3"]}),
                "iso2": ("pen:iso3166Alpha2", {row["iso2"]}),
                "un_m49": ("pen:unM49", {row["un_m49"]}),
                "p5": ("pen:isPermanentMember", one("true" if row["p5"] == "yes" else "")),
                "start": ("pen:from", one(row["start"])),
                "end": ("pen:until", one(row["end"])),
            }
        case "places":
            located = {states[iso] for iso in row["state_iso3"].split(";")}
            return {
                "state_iso3": ("pen:isLocatedIn", located),
                "lat": ("geo:hasGeometry", {f"geometry:{row['id']}"}),
                "geonames_id": ("pen:geonamesId", one(row["geonames_id"])),
            }
        case "leaders":
            return {
                "family_name": ("pen:familyName", one(row["family_name"])),
                "given_name": ("pen:givenName", one(row["given_name"])),
                "birth": ("pen:birthDate", one(row["birth"])),
                "death": ("pen:deathDate", one(row["death"])),
                "citizenship_iso3": ("pen:isCitizenOf", {states[row["citizenship_iso3"]]}),
            }
        case "offices":
            return {
                "state_iso3": ("pen:isOfficeOf", {states[row["state_iso3"]]}),
                "kind": ("pen:officeKind", {f"office-kind:{row['kind']}"}),
            }
        case "terms":
            return {
                "person_id": ("pen:isTenureOf", {f"person:{row['person_id']}"}),
                "office_id": ("pen:isTenureIn", {f"office:{row['office_id']}"}),
                "start": ("pen:from", one(row["start"])),
                "end": ("pen:until", one(row["end"])),
            }
        case "organizations":
            return {"kind": ("dcterms:description", {f"{row['kind']}@en"})}
        case "summits":
            return {
                "start": ("pen:from", {row["start"]}),
                "end": ("pen:until", {row["end"]}),
                "place_id": ("pen:takesPlaceAt", {f"place:{row['place_id']}"}),
                "outcome": ("pen:outcome", one(row["outcome"] and f"{row['outcome']}@en")),
            }
        case "tests-and-incidents":
            return {
                "date": ("pen:edtf", {row["date"]}),
                "place": ("pen:placeDescription", {f"{row['place']}@en"}),
            }
        case "unsc-resolutions":
            seven = {"yes": "true", "no": "false"}[row["chapter_vii"]]
            return {
                "number": ("pen:resolutionNumber", {row["number"]}),
                "un_symbol": ("pen:symbol", {row["un_symbol"]}),
                "adopted": ("pen:adoptionDate", {row["adopted"]}),
                "votes_for": ("pen:votesFor", {row["votes_for"]}),
                "votes_against": ("pen:votesAgainst", {row["votes_against"]}),
                "votes_abstain": ("pen:votesAbstaining", {row["votes_abstain"]}),
                "chapter_vii": ("pen:isUnderChapterVii", {seven}),
                "type": ("pen:resolutionKind", {f"resolution-kind:{row['type']}"}),
                "trigger": ("pen:triggerDescription", {f"{row['trigger']}@en"}),
            }
        case "resolution-votes":
            text = DRAFTS.get(row["resolution"], row["resolution"])
            return {
                "resolution": ("pen:isVoteOn", {f"resolution:{text}"}),
                "state_iso3": ("pen:isCastBy", {states[row["state_iso3"]]}),
                "vote": ("pen:hasChoice", {f"vote-choice:{row['vote']}"}),
            }
        case "exemptions":
            by = f"resolution:{row['resolution']}" if row["resolution"] else ""
            return {
                "resolution": ("pen:isGrantedBy", {by or "organization:committee-1718"}),
                "paragraph": ("pen:paragraphNumber", one(row["paragraph"])),
                "description": ("dcterms:description", {f"{row['description']}@en"}),
            }
        case _:
            return {
                "description": ("dcterms:description", {f"{row['description']}@en"}),
                "start": ("pen:from", one(row["start"] and first_day(row["start"]))),
                "end": ("pen:until", one(row["end"] and last_day(row["end"]))),
            }


@needs_facts
@pytest.mark.parametrize("table", TABLES)
def test_confirmed_fields_are_stated_and_unconfirmed_ones_are_not(
    record: dict[str, Properties], table: str
) -> None:
    states = state_iris(record)
    checked = 0
    for _, iri, row, entry_, missing in every_row(record, table):
        key = KEYS.get(table, lambda r: r["id"])(row)
        left_out = missing | ({"trigger"} if row["verified"] == "memory-only" else set())
        for field, (property_, values) in _fields(table, row, states).items():
            checked += 1
            if field in left_out:
                if (table, key) in REDUCED:
                    assert entry_["pen:edtf"] == {REDUCED[table, key]}, iri
                    assert not (entry_[property_] & values) or field == "end", (iri, field)
                else:
                    assert not entry_[property_], (iri, field)
            elif iri == "event:us-dprk-hanoi-2019":
                assert values <= entry_[property_], (iri, field)
            else:
                assert entry_[property_] == values, (iri, field)
    assert checked


@needs_facts
def test_points_of_places(record: dict[str, Properties]) -> None:
    for _, iri, row, entry_, missing in every_row(record, "places"):
        if missing & {"lat", "lon"}:
            assert not entry_["geo:hasGeometry"], iri
        else:
            point = record[f"geometry:{row['id']}"]["geo:asWKT"]
            assert point == {f"POINT({row['lon']} {row['lat']})"}, iri


@needs_facts
def test_kinds(record: dict[str, Properties]) -> None:
    kinds = {
        "summit": {"Summit"}, "visit": {"Visit"}, "talks-round": {"TalksRound"},
        "forum": {"ForumSession"}, "ceremony": {"Ceremony"}, "nuclear-test": {"NuclearTest"},
        "missile-launch": {"MissileLaunch"}, "space-launch": {"SpaceLaunch"}, "veto": {"Veto"},
        "military": {"Clash"}, "diplomatic": {"DiplomaticStep", "Statement"},
        "economic": {"EconomicStep"},
    }  # fmt: skip
    for _, iri, row, entry_, _ in every_row(record, "summits", "tests-and-incidents"):
        assert entry_["rdf:type"] <= {f"pen:{k}" for k in kinds[row["kind"]]}, iri
    classes = {"agreement": "Agreement", "talks": "TalksFormat"}
    for _, iri, row, entry_, _ in every_row(record, "initiatives"):
        if iri != "event:us-dprk-hanoi-2019":
            kind = classes.get(row["kind"], row["kind"].title())
            assert entry_["rdf:type"] == {f"pen:{kind}"}, iri


@needs_facts
def test_open_and_unknown_ends(record: dict[str, Properties]) -> None:
    for _, iri, row, entry_, missing in every_row(record, "terms"):
        for expression in entry_["pen:edtf"]:
            if "end" in missing and not row["end"]:
                assert expression.endswith("/"), iri
            elif not row["end"] and "start" not in missing:
                assert expression.endswith("/.."), iri


@needs_facts
def test_participants_both_ways(record: dict[str, Properties]) -> None:
    states = state_iris(record)
    expected = {("event:victory-day-moscow-2015", "person:kim-jong-un")}
    for _, iri, row, _, _ in every_row(record, "summits"):
        for name in row["participants"].split(";"):
            expected.add((iri, states.get(name, f"person:{name}")))
    parts = of_class(record, "Participation")
    assert {(*p["pen:inEvent"], *p["pen:hasParticipant"]) for p in parts.values()} == expected
    citizens = {f"person:{r['id']}": states[r["citizenship_iso3"]] for r in rows("leaders")}
    for iri, part in parts.items():
        (actor,) = part["pen:hasParticipant"]
        if actor in citizens:
            assert part["pen:represents"] == {citizens[actor]}, iri
        else:
            assert part["pen:hasRole"] == {"participation-role:party"}, iri


@needs_facts
def test_sponsors_and_parties_both_ways(record: dict[str, Properties]) -> None:
    states, expected = state_iris(record), set()
    for _, iri, row, entry_, _ in every_row(record, "initiatives"):
        actors = [states[iso.strip()] for iso in row["proposer"].split(";")]
        if row["kind"] in ("agreement", "talks"):
            if iri != "event:us-dprk-hanoi-2019":
                assert entry_["pen:hasParty"] == set(actors), iri
            continue
        role = "proposer" if len(actors) == 1 else "co-proposer"
        role = {"project": "partner", "forum": "organizer"}.get(row["kind"], role)
        expected |= {(iri, actor, f"sponsorship-role:{role}") for actor in actors}
    assert expected == {
        (*p["pen:isSponsorshipOf"], *p["pen:hasSponsor"], *p["pen:hasSponsorRole"])
        for p in of_class(record, "Sponsorship").values()
    }


@needs_facts
def test_measures_both_ways(record: dict[str, Properties]) -> None:
    stated: dict[str, set[str]] = defaultdict(set)
    for measure in of_class(record, "Measure").values():
        stated[min(measure["pen:isImposedBy"])] |= measure["dcterms:description"]
    for _, iri, row, entry_, missing in every_row(record, "unsc-resolutions"):
        parts = {f"{part.strip()}@en" for part in row["main_measures"].split(";")}
        expected = set() if "main_measures" in missing else parts
        assert stated[iri] | entry_["skos:scopeNote"] == expected, iri
        assert not stated[iri] & entry_["skos:scopeNote"], iri


@needs_facts
def test_beneficiaries(record: dict[str, Properties]) -> None:
    states = state_iris(record)
    for _, iri, row, entry_, _ in every_row(record, "exemptions"):
        if re.fullmatch(r"[A-Z]{3}(; [A-Z]{3})*", row["beneficiary"]):
            assert entry_["pen:benefits"] == {states[x] for x in row["beneficiary"].split("; ")}
        (text,) = entry_["pen:beneficiaryDescription"]
        for word in re.findall(r"\b(?:[a-z]{4,}|1718)\b", row["beneficiary"]):
            assert word in text, iri


@needs_facts
def test_drafts_have_the_date_of_their_veto(record: dict[str, Properties]) -> None:
    vetoes = {r["id"]: r for r in rows("tests-and-incidents") if r["kind"] == "veto"}
    for year, symbol in (("2022", "S/2022/431"), ("2024", "S/2024/255")):
        draft = record[f"resolution:{DRAFTS[symbol]}"]
        assert draft["pen:symbol"] == {symbol}
        assert draft["pen:votedOn"] == {vetoes[f"unsc-veto-{year}"]["date"]}


@needs_facts
def test_triggers_are_dated_before_the_resolution(record: dict[str, Properties]) -> None:
    linked = 0
    for _, iri, _, entry_, _ in every_row(record, "unsc-resolutions"):
        for event in entry_["pen:isTriggeredBy"]:
            linked += 1
            assert min(record[event]["pen:from"]) <= min(entry_["pen:adoptionDate"]), iri
    assert linked == 14


@needs_facts
def test_links_are_complete(record: dict[str, Properties], links: dict[str, Properties]) -> None:
    expected = {
        iri: {f"wd:{row['wikidata_qid']}"}
        for _, iri, row, _, missing in every_row(record)
        if row.get("wikidata_qid") and "wikidata_qid" not in missing
    }
    stated = {
        s: items
        for s, p in links.items()
        if (items := {item for item in p["skos:exactMatch"] if item.startswith("wd:")})
    }
    assert stated == expected
    sources = {iri: addresses(row["source"]) for _, iri, row, _, _ in every_row(record)}
    for subject, link in of_class(links, "IdentityLink").items():
        assert link["dcterms:source"] <= sources[min(link["pen:linksEntity"])], subject
