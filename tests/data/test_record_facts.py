"""The record and the links say what the fact base says, no more and no less.

They are compared in both directions and field by field; where the fact base is not beside the
repository, these tests skip.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

from .shipped import FACTS, Properties, first_day, last_day, of_class

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
