"""Do the questions on the record say what the tables say from which the record was made?

Every answer is computed a second time, in plain Python, from the tables of facts and the
inventory of the document. They stand beside the repository and are not part of it; without them
these tests are skipped.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from peninsula.dataset.interface import QueryOptions, Result
from peninsula.dataset.local import LocalDataset
from peninsula.formats import CSV
from peninsula.library import Library
from peninsula.namespaces import PREFIXES

SHARED = Path(__file__).parents[3] / "shared"
FACTS, INVENTORY = SHARED / "facts", SHARED / "seed"
MERGES = Path(__file__).parents[2] / "data" / "commentary" / "merges.csv"

pytestmark = pytest.mark.skipif(
    not (FACTS / "unsc-resolutions.csv").is_file(),
    reason="the tables of facts are not beside the repository",
)

Row = dict[str, str]
Ask = Callable[..., list[Row]]

#: Dates of the tables that are marked as unverified, at the precision that is confirmed.
CONFIRMED_TERMS = {
    ("mikhail-kasyanov", "2000-05-07"): ("2000-05-01", "2004-02-24"),
    ("igor-ivanov", "1998-09-11"): ("1998-09-11", "2004-12-31"),
    ("kim-il-sung", "1948-09-09"): ("1948-01-01", "1994-07-08"),
    ("kim-jong-un", "2011-12-30"): ("2011-12-01", ""),
    ("ri-yong-ho", "2016-05-16"): ("2016-05-01", "2020-01-31"),
}
MEETING_OF_FEBRUARY_2001 = "russia-rok-seoul-2001"
DAYS = [
    "1995-03-01",
    "2003-01-10",
    "2008-05-07",
    "2012-05-07",
    "2017-04-01",
    "2017-12-22",
    "2021-01-20",
]


def table(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def facts(name: str) -> list[Row]:
    return table(FACTS / f"{name}.csv")


def parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def local(value: str) -> str:
    """Return the slug of an IRI of ours, or the identifier of a Wikidata item."""
    return value.rsplit("/", 1)[-1].rsplit("#", 1)[-1] if value.startswith("http") else value


def read_answer(result: Result) -> list[Row]:
    """Return the rows of an answer, with IRIs cut to their slugs."""
    output = io.BytesIO()
    result.write(CSV, output)
    rows = csv.DictReader(io.StringIO(output.getvalue().decode(), newline=""))
    return [{key: local(value) for key, value in row.items()} for row in rows]


def ballot(name: str) -> str:
    """Return the slug of a resolution (2397) or of a draft (S/2024/255)."""
    return name.lower().replace("/", "-")


@pytest.fixture(scope="module")
def ask(library: Library, dataset: LocalDataset) -> Ask:
    """Ask a question with parameters."""

    def run(slug: str, **values: str) -> list[Row]:
        return read_answer(library.find(slug).ask(dataset, values))

    return run


@pytest.fixture(scope="module")
def states(dataset: LocalDataset) -> dict[str, str]:
    """Return the slug of each state by its ISO 3166 code."""
    query = "SELECT ?code ?state { ?state pen:iso3166Alpha3 ?code }"
    rows = read_answer(dataset.evaluate(query, QueryOptions(prefixes=PREFIXES)))
    return {row["code"]: row["state"] for row in rows}


@pytest.fixture(scope="module")
def votes(states: dict[str, str]) -> dict[tuple[str, str], str]:
    return {
        (ballot(row["resolution"]), states[row["state_iso3"]]): row["vote"]
        for row in facts("resolution-votes")
    }


@pytest.fixture(scope="module")
def terms() -> list[tuple[str, str, str, str]]:
    """Return person, office, first day and last day of every term; no last day if none is known."""
    found = []
    for row in facts("terms"):
        start, end = CONFIRMED_TERMS.get(
            (row["person_id"], row["start"]), (row["start"], row["end"])
        )
        found.append((row["person_id"], row["office_id"], start, end))
    return found


@pytest.fixture(scope="module")
def meetings() -> list[Row]:
    rows = facts("summits")
    for row in rows:
        if row["id"] == MEETING_OF_FEBRUARY_2001:
            row["start"], row["end"] = "2001-02-01", "2001-02-28"
    return rows


@pytest.fixture(scope="module")
def unverified() -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in ("unverified-fields", "unverified-fields-people-places"):
        for row in facts(name):
            found[row["file"].removesuffix(".csv"), row["row_key"]] |= set(parts(row["field"]))
    return found


def is_on(day: str, start: str, end: str) -> bool:
    return start <= day and (not end or day <= end)


def test_totals_and_days_of_resolutions(
    ask: Ask, unverified: dict[tuple[str, str], set[str]]
) -> None:
    fields = {
        "adopted": "adopted", "votes_for": "votesFor", "votes_against": "votesAgainst",
        "votes_abstain": "votesAbstaining",
    }  # fmt: skip
    answer = {row["resolution"]: row for row in ask("resolutions")}
    rows = facts("unsc-resolutions")
    assert set(answer) == {row["number"] for row in rows}
    for row in rows:
        left_out = unverified["unsc-resolutions", row["number"]]
        for field, column in fields.items():
            wanted = "" if field in left_out else row[field]
            assert answer[row["number"]][column] == wanted, (row["number"], field)


def test_every_roll_call(ask: Ask, votes: dict[tuple[str, str], str]) -> None:
    for resolution in {resolution for resolution, _ in votes}:
        answer = ask("resolution-votes", resolution=f"resolution:{resolution}")
        wanted = {state: vote for (on, state), vote in votes.items() if on == resolution}
        assert {row["state"]: row["choice"] for row in answer} == wanted
        assert len(answer) == 15


def test_every_state_and_how_it_voted(ask: Ask, votes: dict[tuple[str, str], str]) -> None:
    for state in {state for _, state in votes}:
        answer = ask("votes-by-state", state=f"state:{state}")
        wanted = {on: vote for (on, voter), vote in votes.items() if voter == state}
        assert {row["resolution"]: row["choice"] for row in answer} == wanted
        assert len(answer) == len(wanted)


def test_votes_that_were_not_unanimous(
    ask: Ask, votes: dict[tuple[str, str], str], unverified: dict[tuple[str, str], set[str]]
) -> None:
    wanted = Counter((on, state, vote) for (on, state), vote in votes.items() if vote != "for")
    recorded = {on for on, _ in votes}
    for row in facts("unsc-resolutions"):
        known = "votes_for" not in unverified["unsc-resolutions", row["number"]]
        if (
            known
            and row["number"] not in recorded
            and (row["votes_against"], row["votes_abstain"]) != ("0", "0")
        ):
            wanted[row["number"], "", ""] += 1
    answer = ask("non-unanimous-votes")
    assert Counter((r["resolution"], r["state"], r["choice"]) for r in answer) == wanted


def test_agreement_of_the_permanent_members(ask: Ask, votes: dict[tuple[str, str], str]) -> None:
    permanent = ["china", "france", "russia", "united-kingdom", "united-states"]
    ballots = {on for on, _ in votes}
    wanted = {}
    for a, b in itertools.combinations(permanent, 2):
        both = [on for on in ballots if (on, a) in votes and (on, b) in votes]
        wanted[a, b] = (len(both), sum(votes[on, a] == votes[on, b] for on in both))
    answer = {
        (row["stateA"], row["stateB"]): (int(row["ballots"]), int(row["alike"]))
        for row in ask("voting-agreement")
    }
    assert answer == wanted


def test_days_from_test_to_resolution(ask: Ask) -> None:
    days = {row["id"]: row["date"] for row in facts("tests-and-incidents")}
    adopted = {row["number"]: row["adopted"] for row in facts("unsc-resolutions")}
    answered = [row for row in ask("tests-and-responses") if row["resolution"]]
    assert len(answered) == 14
    for row in answered:
        passed = date.fromisoformat(adopted[row["resolution"]]) - date.fromisoformat(
            days[row["event"]]
        )
        assert int(row["daysBetween"]) == passed.days >= 0, row["event"]
    tests = {
        row["id"]
        for row in facts("tests-and-incidents")
        if row["kind"].endswith(("-test", "-launch"))
    }
    assert tests <= {row["event"] for row in ask("tests-and-responses")}


@pytest.mark.parametrize("day", DAYS)
def test_office_holders_on_a_day(
    day: str, ask: Ask, terms: list[tuple[str, str, str, str]]
) -> None:
    answer = Counter(
        (row["person"], row["office"]) for row in ask("office-holders-on-day", day=day)
    )
    assert answer == Counter(
        (person, office) for person, office, *term in terms if is_on(day, *term)
    )


@pytest.mark.parametrize(
    "person", ["vladimir-putin", "kim-jong-un", "kim-jong-il", "stephen-biegun"]
)
def test_offices_of_a_person_day_by_day(
    person: str, ask: Ask, terms: list[tuple[str, str, str, str]]
) -> None:
    """On every day on which something changes, and on the days before and after it."""
    own = [term for term in terms if term[0] == person]
    changes = {date.fromisoformat(day) for term in own for day in term[2:] if day}
    for day in sorted({change + timedelta(step) for change in changes for step in (-1, 0, 1)}):
        answer = ask("offices-on-day", person=f"person:{person}", day=day.isoformat())
        wanted = Counter(office for _, office, *term in own if is_on(day.isoformat(), *term))
        assert Counter(row["office"] for row in answer) == wanted, day


def test_gaps_between_holders(ask: Ask, terms: list[tuple[str, str, str, str]]) -> None:
    wanted = set()
    for person, office, _, end in terms:
        if not end:
            continue
        last = date.fromisoformat(end)
        others = [term for term in terms if term[1] == office]
        if any(is_on((last + timedelta(1)).isoformat(), *term[2:]) for term in others):
            continue
        later = min((term for term in others if term[2] > end), key=lambda t: t[2], default=None)
        if later:
            days = (date.fromisoformat(later[2]) - last).days - 1
            wanted.add((office, person, later[0], str(days)))
    answer = ask("office-gaps")
    assert {(r["office"], r["before"], r["after"], r["days"]) for r in answer} == wanted
    assert len(answer) == len(wanted)


def test_leaders_when_each_resolution_was_adopted(
    ask: Ask,
    states: dict[str, str],
    terms: list[tuple[str, str, str, str]],
    unverified: dict[tuple[str, str], set[str]],
) -> None:
    top = {"head-of-state", "head-of-government", "paramount"}
    offices = {
        row["id"]: states[row["state_iso3"]]
        for row in facts("offices")
        if row["kind"] in top and "kind" not in unverified["offices", row["id"]]
    }
    for row in facts("unsc-resolutions"):
        if "adopted" in unverified["unsc-resolutions", row["number"]]:
            continue
        answer = ask("leaders-when-adopted", resolution=f"resolution:{row['number']}")
        wanted = Counter(
            (offices[office], person, office)
            for person, office, *term in terms
            if office in offices and is_on(row["adopted"], *term)
        )
        found = Counter((r["state"], r["leader"], r["office"]) for r in answer)
        assert found == wanted, row["number"]


def test_meetings_by_pair_of_leaders(ask: Ask, meetings: list[Row]) -> None:
    wanted: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in meetings:
        if row["kind"] in ("summit", "visit"):
            for pair in itertools.combinations(sorted(parts(row["participants"])), 2):
                wanted[pair[0], pair[1]].append(row["start"])
    answer = {
        (row["personA"], row["personB"]): (int(row["meetings"]), row["first"], row["last"])
        for row in ask("meetings-by-pair")
    }
    assert answer == {pair: (len(days), min(days), max(days)) for pair, days in wanted.items()}


def test_rounds_of_the_six_party_talks(
    ask: Ask, meetings: list[Row], unverified: dict[tuple[str, str], set[str]]
) -> None:
    wanted = [
        (row["id"], row["start"], row["end"], str(len(parts(row["participants"]))),
         "" if "outcome" in unverified["summits", row["id"]] else row["outcome"])
        for row in meetings
        if row["kind"] == "talks-round"
    ]  # fmt: skip
    columns = ("round", "from", "until", "delegations", "outcome")
    answer = [tuple(row[column] for column in columns) for row in ask("six-party-rounds")]
    assert answer == wanted


def test_events_of_each_year(ask: Ask, meetings: list[Row]) -> None:
    dated = {row["id"]: (row["start"], row["end"]) for row in meetings}
    dated |= {row["id"]: (row["date"], row["date"]) for row in facts("tests-and-incidents")}
    for year in map(str, range(1990, 2026)):
        answer = ask("events-between-dates", start=f"{year}-01-01", end=f"{year}-12-31")
        found = {row["event"] for row in answer}
        wanted = {name for name, (start, end) in dated.items() if start[:4] <= year <= end[:4]}
        assert wanted <= found, year
        assert not (found & set(dated)) - wanted, year


def test_parties_of_agreements(ask: Ask, states: dict[str, str]) -> None:
    agreements = [row for row in facts("initiatives") if row["kind"] == "agreement"]
    for code in ("PRK", "KOR", "USA", "RUS", "CHN", "JPN"):
        answer = ask("agreements-of", party=f"state:{states[code]}")
        wanted = Counter(
            (row["id"], states[other])
            for row in agreements
            if code in parts(row["proposer"])
            for other in parts(row["proposer"])
            if other != code
        )
        assert Counter((row["agreement"], row["other"]) for row in answer) == wanted, code


def test_states_that_gain_by_exemptions(ask: Ask, states: dict[str, str]) -> None:
    wanted = {
        (row["id"], states[part])
        for row in facts("exemptions")
        for part in parts(row["beneficiary"])
        if part in states
    }
    answer = ask("exemptions-and-gainers")
    assert {
        (r["exemption"], r["gainer"]) for r in answer if r["gainer"] in states.values()
    } == wanted
    assert {row["exemption"] for row in answer} == {row["id"] for row in facts("exemptions")}


def test_every_wikidata_item(
    ask: Ask, states: dict[str, str], unverified: dict[tuple[str, str], set[str]]
) -> None:
    wanted = set()
    for name in (
        "states",
        "leaders",
        "offices",
        "organizations",
        "places",
        "summits",
        "initiatives",
    ):
        for row in facts(name):
            key = row["iso3"] if name == "states" else row["id"]
            if row["wikidata_qid"] and "wikidata_qid" not in unverified[name, key]:
                wanted.add((states.get(key, key), row["wikidata_qid"]))
    answer = {(row["entity"], row["item"]) for row in ask("wikidata-links")}
    assert answer == wanted
    assert len(wanted) > 170


def test_claims_about_every_thing_of_the_record(ask: Ask) -> None:
    claims = table(INVENTORY / "claims.csv")
    merged = [row for row in table(MERGES) if row["decision"] == "merged"]
    mentions = Counter(entity for row in claims for entity in set(parts(row["entities"])))
    answer = {
        (row["inventoryId"], row["thing"], int(row["claims"])) for row in ask("merged-entities")
    }
    wanted = {
        (row["inventory_id"], local(row["iri"]).rpartition(":")[2], mentions[row["inventory_id"]])
        for row in merged
    }
    assert answer == wanted


def test_verification_of_each_class(ask: Ask) -> None:
    levels = {"yes": "verified", "partly": "partly-verified", "memory-only": "memory-only"}
    found = {
        (row["class"], row["verification"]): int(row["things"])
        for row in ask("verification-summary")
    }
    classes = {
        "unsc-resolutions": "Resolution", "leaders": "Person", "offices": "Office",
        "terms": "Tenure", "places": "Place", "exemptions": "Exemption",
    }  # fmt: skip
    for name, kind in classes.items():
        wanted = Counter(levels[row["verified"]] for row in facts(name))
        assert {level: n for (k, level), n in found.items() if k == kind} == wanted, name
