"""``peninsula link`` as processes: killed at any point, into a file, a store and a running server."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.dataset.generations import Generations
from tests.crash.instance import Instance
from tests.server.processes import lay_store

from . import servers
from .links import PEN, Command, our_slice, wd, without_times
from .servers import SERVICE_FILE, Proxy, Seen, Service, serving

SNAPSHOT = f"{PEN}graph/wikidata"
#: Small batches: more points at which to be interrupted.
BATCH = 12


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that holds the shipped graph; copied, not written to."""
    return lay_store(tmp_path_factory.mktemp("prepared") / "store")


@pytest.fixture
def store(prepared: Path, tmp_path: Path) -> Path:
    return shutil.copytree(prepared, tmp_path / "store")


@pytest.fixture
def slice_file(tmp_path: Path) -> Path:
    path = tmp_path / "slice.toml"
    shipped = (Path(__file__).parents[2] / "data" / "links" / "slice.toml").read_text()
    path.write_text(shipped.replace("batch = 40", f"batch = {BATCH}"))
    return path


def interrupt(command: Command, proxy: Proxy, at: int, how: int, *arguments: str) -> None:
    """Start a pull and send it a signal once it has sent ``at`` requests; wait for its end."""
    reached, is_sent = threading.Event(), threading.Event()
    proxy.clear()

    def wait() -> None:
        is_sent.wait(60)

    def rule(_: Seen, number: int) -> servers.Fault | None:
        if number >= at:
            reached.set()
        # However slow this process is, that one is not to come to its end before.
        return servers.Call(wait) if number >= at + 8 else None

    proxy.rule = rule
    with command.start("pull", *arguments) as process:
        try:
            assert reached.wait(60) or process.poll() is not None
            if process.poll() is None:
                # Somewhere in the middle of asking, reading or writing.
                time.sleep(random.random() / 20)
                os.killpg(process.pid, how)
        finally:
            is_sent.set()
            process.communicate(timeout=60)


def test_killed_at_random_points_it_loses_and_doubles_nothing(
    proxy: Proxy, store: Path, slice_file: Path, tmp_path: Path
) -> None:
    whole, pieced = tmp_path / "whole.nq", tmp_path / "pieced.nq"
    command = Command(store, proxy)
    sliced = ("--slice", str(slice_file))
    done = command.run("pull", *sliced, "--output", str(whole))
    assert done.code == 0, done.err
    needed = len(proxy.seen)
    assert needed > 60
    arguments = (*sliced, "--output", str(pieced), "--journal", str(tmp_path / "journal"))
    asked, interruptions = 0, 0
    for how in (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        interrupt(command, proxy, random.randint(1, 25), how, *arguments)
        asked += len(proxy.seen)
        interruptions += 1
        if not pieced.exists():
            journal = list((tmp_path / "journal").glob("*.nt"))
            # What is there is whole: every line of it is a triple.
            for path in journal:
                assert all(ox.parse(path.read_bytes(), format=ox.RdfFormat.N_TRIPLES))
    proxy.clear()
    done = command.run("pull", *arguments)
    assert done.code == 0, done.err
    asked += len(proxy.seen)
    assert without_times(pieced) == without_times(whole)
    # No more is asked again than the batch that was under way: eight requests at most.
    assert needed <= asked <= needed + 9 * interruptions
    assert not list((tmp_path / "journal").glob("*.nt"))
    assert not list(tmp_path.glob("*.part"))


def test_a_failure_is_one_line_and_the_next_pull_goes_on(
    proxy: Proxy, store: Path, tmp_path: Path
) -> None:
    command = Command(store, proxy)
    target = tmp_path / "snapshot.ttl"
    proxy.rule = lambda _, number: servers.TooMany(600) if number >= 14 else None
    done = command.run("pull", "--output", str(target), "--patience", "0")
    assert done.code == 2 and not target.exists()
    (line,) = [line for line in done.err.splitlines() if line.startswith("peninsula:")]
    assert "What was fetched is kept" in line and "Traceback" not in done.err
    proxy.clear()
    done = command.run("pull", "--output", str(target))
    assert done.code == 0 and "Going on with what was begun" in done.err
    assert "Q74881 was merged into Q9000000200" in done.out
    assert "Q6816 is not there" in done.out
    assert len(list(ox.parse(path=str(target), format=ox.RdfFormat.TURTLE))) > 5000


@pytest.mark.parametrize("answered", [0, 14])
def test_whoever_interrupts_it_is_told_what_is_kept(
    proxy: Proxy, store: Path, tmp_path: Path, answered: int
) -> None:
    proxy.rule = lambda _, number: servers.Nothing() if number >= answered else None
    with Command(store, proxy).start("pull", "--output", str(tmp_path / "a.nq")) as process:
        until = time.monotonic() + 60
        while len(proxy.seen) <= answered and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, wrong = process.communicate(timeout=60)
    assert process.returncode == 130
    assert ("Interrupted. What was fetched is kept" in wrong) == (answered > 0)
    assert "Traceback" not in wrong


def test_two_pulls_do_not_share_a_journal(proxy: Proxy, store: Path, tmp_path: Path) -> None:
    command = Command(store, proxy)
    proxy.always = servers.Nothing()
    with command.start("pull", "--output", str(tmp_path / "a.nq")) as first:
        try:
            until = time.monotonic() + 60
            while not proxy.seen:
                assert time.monotonic() < until
                time.sleep(0.01)
            second = command.run("pull", "--output", str(tmp_path / "b.nq"))
            assert second.code == 2 and "another process is pulling there" in second.err
        finally:
            os.killpg(first.pid, signal.SIGKILL)
            first.communicate(timeout=60)


def test_other_links_or_another_slice_begin_anew(
    proxy: Proxy, store: Path, slice_file: Path, tmp_path: Path
) -> None:
    command = Command(store, proxy)
    interrupt(command, proxy, 15, signal.SIGKILL, "--output", str(tmp_path / "a.nq"))
    proxy.clear()
    done = command.run("pull", "--output", str(tmp_path / "a.nq"), "--slice", str(slice_file))
    assert done.code == 0 and "Going on" not in done.err


def graph(store: Path) -> set[ox.Triple]:
    generations = Generations(store)
    current = generations.current()
    assert current
    opened = generations.open(current.number)
    return {q.triple for q in opened.quads_for_pattern(None, None, None, ox.NamedNode(SNAPSHOT))}


@pytest.fixture
def own_service() -> Iterator[Service]:
    with serving(SERVICE_FILE) as running:
        yield running


def test_into_a_store_it_is_one_change_that_replaces_the_graph(
    own_service: Service, store: Path
) -> None:
    with Proxy(own_service.address) as proxy:
        command = Command(store, proxy)
        before = Generations(store).current()
        assert before and SNAPSHOT not in before.graphs
        done = command.run("pull", "--into-store")
        assert done.code == 0, done.err
        first = Generations(store).current()
        assert first and first.number == before.number + 1
        assert first.graphs[SNAPSHOT] > 5000 and first.summary == "link pull: PUT graph:wikidata"
        # Everything else is as it was, the history apart.
        rest = {
            name: n
            for name, n in first.graphs.items()
            if not name.endswith(("wikidata", "history"))
        }
        assert rest == {name: before.graphs[name] for name in rest}
        own_service.update(
            f"DELETE WHERE {{ <{wd(7747)}> <http://www.w3.org/2000/01/rdf-schema#label> ?l }} ; "
            f'INSERT DATA {{ <{wd(7747)}> <http://www.w3.org/2000/01/rdf-schema#label> "Another"@en }}'
        )
        assert command.run("pull", "--into-store").code == 0
    second = Generations(store).current()
    assert second and second.number == first.number + 1
    labels = [
        t.object.value
        for t in graph(store)
        if t.subject == ox.NamedNode(wd(7747)) and str(t.predicate).endswith("label>")
        and isinstance(t.object, ox.Literal)
    ]  # fmt: skip
    assert labels == ["Another"]


def test_a_running_server_takes_it_by_its_token(proxy: Proxy, store: Path, tmp_path: Path) -> None:
    command = Command(store, proxy)
    with Instance(tmp_path / "server") as server:
        arguments = ("pull", "--server", server.address)
        refused = command.run(*arguments)
        assert refused.code == 2 and "token" in refused.err and proxy.seen == []
        wrong = command.run(*arguments, PENINSULA_TOKEN="pen_wrong")
        assert wrong.code == 2 and "401" in wrong.err and "{" not in wrong.err
        done = command.run(*arguments, PENINSULA_TOKEN=server.token)
        assert done.code == 0, done.err
        answer = server.request(
            "GET", f"/store?graph={SNAPSHOT}", headers={"Accept": "application/n-triples"}
        )
        assert answer.status == 200 and answer.body.count(b"\n") > 5000


def test_a_store_that_a_server_holds_is_not_written_to(proxy: Proxy, tmp_path: Path) -> None:
    with Instance(tmp_path / "server") as server:
        done = Command(server.store, proxy).run("pull", "--into-store")
        assert done.code == 2 and "--server" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pull"], "where the snapshot is to go"),
        (["pull", "--output", "snapshot.txt"], "the ending of no RDF format"),
        (["pull", "--output", "a.nq", "--service", "nobody"], "<peninsula:wikidata>"),
        (["pull", "--server", "ftp://x/"], "no address of a server"),
        (["pull", "--output", "a.nq", "--slice", "missing.toml"], "missing.toml"),
        (["check"], "holds no snapshot"),
        (["check", "--snapshot", "missing.nq"], "missing.nq"),
        (["suggest", "--class", "Person"], "no prefixed name"),
        (["suggest", "--class", "pen:Nobody"], "has no class “pen:Nobody”"),
        (["suggest", "--class", f"{PEN}ns#Person", "--offline"], "holds no snapshot"),
        (["suggest", "--thing", "person:nobody"], "has no thing “person:nobody”"),
        (["accept", "missing.ttl", "--by", "me"], "missing.ttl"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_readable_line(
    proxy: Proxy, store: Path, arguments: list[str], words: str
) -> None:
    done = Command(store, proxy).run(*arguments)
    assert done.code == 2 and words in done.err and "Traceback" not in done.err
    assert proxy.seen == []


# Check, suggest, accept.


@pytest.mark.parametrize(
    "entity", ["<http://example.org/x>", '"Lee Do-hoon"', f"<{PEN}id/person/x,y>", "wd:Q5"]
)
def test_a_candidate_for_what_is_no_thing_of_ours_is_refused(
    proxy: Proxy, store: Path, tmp_path: Path, entity: str
) -> None:
    review = tmp_path / "review.ttl"
    review.write_text(
        f"PREFIX pen: <{PEN}ns#> PREFIX wd: <http://www.wikidata.org/entity/>\n"
        f"<{PEN}id/link/c> a pen:LinkCandidate ; pen:suggestsEntity {entity} ;\n"
        "  pen:suggestsItem wd:Q5 ; pen:isAccepted true ;\n"
        "  pen:linksBy <http://www.w3.org/2004/02/skos/core#exactMatch> .\n"
    )
    done = Command(store, proxy).run("accept", str(review), "--by", "me")
    assert (done.code, done.out) == (2, "")
    assert "review.ttl: link:c suggests" in done.err and "Traceback" not in done.err


def test_check_tells_the_planted_disagreements(proxy: Proxy, store: Path, tmp_path: Path) -> None:
    command = Command(store, proxy)
    target = str(tmp_path / "snapshot.nq")
    assert command.run("pull", "--output", target).code == 0
    done = command.run("check", "--snapshot", target, "--format", "json")
    assert done.code == 1, "a deleted and a merged item are errors"
    report = json.loads(done.out)
    found = {(f["severity"], f["kind"], f["thing"]) for f in report["findings"]}
    assert {
        ("error", "deleted", "place:ulan-ude"),
        ("error", "redirected", "place:dalian"),
        ("warning", "coordinates", "place:kaesong"),
        ("warning", "membership", "state:russia"),
        ("warning", "tenure", "person:mikhail-fradkov"),
        ("note", "tenure", "person:moon-jae-in"),
    } <= found
    assert report["counts"]["error"] == 2
    # A year, a date of another rank, and a day beside a year are no disagreements.
    assert not [f for f in report["findings"] if f["kind"] == "birth" and f["severity"] != "note"]
    rows = list(
        csv.DictReader(
            io.StringIO(command.run("check", "--snapshot", target, "--format", "csv").out)
        )
    )
    assert len(rows) == len(report["findings"]) and rows[0]["severity"] == "error"
    table = command.run("check", "--snapshot", target)
    assert (
        "111 km apart" in table.out and "2 errors" in table.out and "notes shows them" in table.out
    )


def test_candidates_are_reviewed_before_they_are_links(
    proxy: Proxy, store: Path, tmp_path: Path
) -> None:
    command = Command(store, proxy)
    review = tmp_path / "review.ttl"
    done = command.run(
        "suggest", "--class", "pen:Organization", "--output", str(review), "--format", "json"
    )
    assert done.code == 0, done.err
    found = {(c["thing"], c["item"]): c for c in json.loads(done.out)}
    united = found["organization:united-nations", "Q1065"]
    assert any("label “United Nations” in en" in r["text"] for r in united["reasons"])
    assert united["score"] == sum(r["points"] for r in united["reasons"])
    text = review.read_text()
    assert "a pen:LinkCandidate" in text and "pen:isAccepted false" in text
    # Nothing is accepted by itself.
    nothing = command.run("accept", str(review), "--by", "Jane Doe")
    assert nothing.code == 1 and nothing.out == "" and "0 links made" in nothing.err
    name = "link:candidate-organization-united-nations-q1065"
    block = text[text.index(name) :].partition("\n.\n")[0]
    review.write_text(text.replace(block, block.replace("isAccepted false", "isAccepted true")))
    links = tmp_path / "links.ttl"
    done = command.run("accept", str(review), "--by", "Jane Doe", "--output", str(links))
    assert done.code == 0 and "1 link made" in done.err
    made = links.read_text()
    for words in (
        "link:organization-united-nations", "prov:wasAttributedTo agent:jane-doe",
        "prov:generatedAtTime", "pen:linksBy skos:exactMatch", "skos:exactMatch wd:Q1065",
    ):  # fmt: skip
        assert words in made
    judged = [
        subprocess.run(
            [sys.executable, "-m", "peninsula", "validate", str(path), "--graph", "graph:links"],
            capture_output=True, text=True, check=False,
        )
        for path in (links, review)
    ]  # fmt: skip
    assert judged[0].returncode == 0, judged[0].stdout
    assert judged[1].returncode == 1 and "A candidate is no link" in judged[1].stdout


def test_the_slice_that_ships_can_be_read() -> None:
    assert our_slice().batch == 40 and "P39" in our_slice().statements
