"""Do the questions that ask Wikidata have one answer, whoever is asked?

The same small Wikidata is asked as a graph beside ours (:class:`OracleDataset`), as a service of
its own process behind a real server of ours, and as the snapshot that was pulled from it. The
service stands behind a proxy, which counts what it is asked and lets it fail.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import pytest

from peninsula import tokens
from peninsula.checking import compare_tables
from peninsula.dataset.interface import Solutions
from peninsula.dataset.local import LocalDataset
from peninsula.formats import CSV
from peninsula.library import Library
from tests.server.processes import Server, lay_store
from tests.server.processes import serving as serving_ours
from tests.wikidata.make_service import Entity, read
from tests.wikidata.servers import SERVICE_FILE, Proxy, Status, TooMany, serving

from .test_queries import EXPECTED, readable_questions

FEDERATED = [question.slug for question in readable_questions() if question.services]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(scope="module")
def wikidata() -> Iterator[Proxy]:
    with serving(SERVICE_FILE) as service, Proxy(service.address) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def folder(wikidata: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with settings: which store, and that Wikidata is the proxy."""
    folder = tmp_path_factory.mktemp("federated")
    settings = f"""
        store = "store"
        [services.wikidata]
        address = "{wikidata.address}"
        trusted = true
        cache = 0
    """
    (folder / "peninsula.toml").write_text(settings, encoding="utf-8")
    lay_store(folder / "store")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving_ours([sys.executable, "-m", "peninsula", "serve"], folder) as server:
        yield server


@pytest.fixture(scope="module")
def with_snapshot(server: Server, folder: Path) -> Server:
    """Return the server after a snapshot was pulled into its store."""
    command = [sys.executable, "-m", "peninsula", "link", "pull", "--server", server.address]
    token = {"PENINSULA_TOKEN": tokens.add(folder / "store", "tester", "write")}
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env={**os.environ, **token},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return server


@pytest.fixture(autouse=True)
def _nothing_wrong(wikidata: Proxy) -> None:
    wikidata.clear()


def get(server: Server, slug: str, values: dict[str, str], **more: str) -> str:
    return server.get(f"queries/{slug}.csv?{urlencode({**values, **more})}").decode()


def answer(slug: str, library: Library, dataset: LocalDataset, values: dict[str, str]) -> str:
    """Return what the answer must be."""
    output = io.BytesIO()
    library.find(slug).ask(dataset, values).write(CSV, output)
    return output.getvalue().decode()


def test_there_are_ten_of_them() -> None:
    assert len(FEDERATED) >= 10


@pytest.mark.parametrize("slug", FEDERATED)
def test_the_service_gives_the_expected_answer(
    slug: str, server: Server, library: Library, wikidata: Proxy
) -> None:
    expected = (EXPECTED / f"{slug}.csv").read_text(encoding="utf-8")
    values = library.find(slug).examples
    assert compare_tables(expected, get(server, slug, values)) == []
    assert wikidata.seen, "the service was not asked"
    # The answer is about a few things, and so is what is asked.
    assert len(wikidata.seen) <= 3
    assert all("VALUES" in query for query in wikidata.queries)


@pytest.mark.parametrize("slug", FEDERATED)
def test_the_service_gives_every_row_where_a_parameter_is_left_open(
    slug: str, server: Server, library: Library, dataset: LocalDataset
) -> None:
    question = library.find(slug)
    values = {p.name: p.example for p in question.parameters if p.is_required}
    differences = compare_tables(answer(slug, library, dataset, values), get(server, slug, values))
    assert differences == []


@pytest.mark.parametrize("slug", FEDERATED)
def test_the_snapshot_gives_the_expected_answer(
    slug: str, with_snapshot: Server, library: Library, wikidata: Proxy
) -> None:
    expected = (EXPECTED / f"{slug}.csv").read_text(encoding="utf-8")
    wikidata.clear()
    values = library.find(slug).examples
    assert compare_tables(expected, get(with_snapshot, slug, values, services="snapshot")) == []
    assert wikidata.seen == [], "the service was asked"


def test_a_service_that_is_down_leaves_a_page_that_offers_the_snapshot(
    with_snapshot: Server, wikidata: Proxy
) -> None:
    values = {"meeting": "event:dprk-russia-vostochny-2023"}
    wikidata.always = Status(503)
    request = urllib.request.Request(
        f"{with_snapshot.address}queries/ages-at-summits?{urlencode(values)}",
        headers={"Accept": BROWSER},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=90)
    assert 502 <= caught.value.code <= 504
    page = caught.value.read().decode()
    assert re.search(r"Ask the snapshot of \d{4}-\d\d-\d\d instead", page)
    assert "70" in get(with_snapshot, "ages-at-summits", values, services="snapshot")


def test_a_service_that_is_busy_for_a_moment_is_waited_for(server: Server, wikidata: Proxy) -> None:
    wikidata.script(TooMany(retry_after=1))
    values = {"meeting": "event:us-dprk-singapore-2018"}
    rows = list(csv.DictReader(io.StringIO(get(server, "ages-at-summits", values))))
    assert {row["age"] for row in rows} == {"71", "34"}
    assert wikidata.statuses[:2] == [429, 200]


def test_a_query_written_by_hand_is_answered_too(server: Server) -> None:
    query = """SELECT ?person ?born WHERE {
      ?person a pen:Person ; skos:exactMatch ?item .
      SERVICE <peninsula:wikidata> { ?item wdt:P569 ?born }
    }"""
    rows = list(csv.DictReader(io.StringIO(server.csv(query))))
    # Of one, two dates are best; of none that is linked, none is known.
    assert len(rows) == len({row["person"] for row in rows}) + 1 > 50


def test_the_examples_run_on_their_own_endpoint(server: Server) -> None:
    examples = json.loads(server.get("queries.json"))
    asking = [entry["slug"] for entry in examples if entry["services"]]
    assert sorted(asking) == sorted(FEDERATED)


# What the oracle says, worked out another way.


@pytest.fixture(scope="module")
def items() -> dict[str, Entity]:
    entities, _ = read()
    return {entity.id: entity for entity in entities}


def best(entity: Entity, property: str) -> list[str]:
    """Return the values of the best rank."""
    kept = [s for s in entity.statements if s.property == property and s.rank != "R-"]
    preferred = [s.value for s in kept if s.rank == "R+"]
    return preferred or [s.value for s in kept]


def test_ages_are_those_that_one_counts(
    library: Library, dataset: LocalDataset, items: dict[str, Entity]
) -> None:
    linked = dataset.evaluate("SELECT ?thing ?item { ?thing skos:exactMatch ?item }")
    assert isinstance(linked, Solutions)
    item_of = {t.value: i.value.rpartition("/")[2] for t, i in linked}  # type: ignore[union-attr]
    text = answer("ages-at-summits", library, dataset, {})
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) > 50
    for row in rows:
        born = {value[1:11] for value in best(items[item_of[row["person"]]], "P569")}
        assert row["born"] in born
        day, birthday = date.fromisoformat(row["day"]), date.fromisoformat(row["born"])
        years = day.year - birthday.year
        if (day.month, day.day) < (birthday.month, birthday.day):
            years -= 1
        assert int(row["age"]) == years


def test_capitals_are_those_of_the_best_rank(
    library: Library, dataset: LocalDataset, items: dict[str, Entity]
) -> None:
    found = dataset.evaluate("SELECT ?state ?item { ?state a pen:State ; skos:exactMatch ?item }")
    assert isinstance(found, Solutions)
    wanted = {
        (state.value, capital)  # type: ignore[union-attr]
        for state, item in found
        for capital in best(items[item.value.rpartition("/")[2]], "P36")  # type: ignore[union-attr]
    }
    voted = dataset.evaluate(library.find("capitals-of-voters").query)
    assert isinstance(voted, Solutions)
    at = [voted.variables.index(name) for name in ("state", "capital")]
    pairs = {(row[at[0]].value, row[at[1]].value.rpartition("/")[2]) for row in voted}  # type: ignore[union-attr]
    assert pairs < wanted
    voters = {state for state, _ in pairs}
    assert pairs == {pair for pair in wanted if pair[0] in voters}
