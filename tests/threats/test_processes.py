"""Rows 10 and 15: updates that never end, and processes that are killed in the midst of things."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from .target import Reply, Target, descendants, is_alive, kill, wait_until
from .test_queries_of_death import CROSS, DEATH, FLOOD

#: A billion quads.
ENDLESS = f"INSERT {{ GRAPH <x:endless> {{ ?a ?b ?l }} }} WHERE {{ {CROSS} . ?m ?o ?p }}"


def count_of(target: Target, graph: str) -> int:
    reply = target.query(f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")
    return int(json.loads(reply.body)["results"]["bindings"][0]["n"]["value"])


@pytest.mark.parametrize(
    "text",
    [
        ENDLESS,
        f"DELETE {{ ?a ?b ?c }} WHERE {{ {CROSS} . ?m ?o ?p FILTER(?a = ?p && ?b = ?l && ?c = ?s) }}",
        f"INSERT {{ GRAPH ?x {{ ?a ?b ?l }} }} WHERE {{ {CROSS} BIND(UUID() AS ?x) }}",
        "INSERT { <x:s> <x:p> ?x40 } WHERE { BIND('0123456789' AS ?x0) "
        + " ".join(f"BIND(CONCAT(?x{i}, ?x{i}) AS ?x{i + 1})" for i in range(40))
        + " }",
    ],
    ids=["endless", "deleting", "graphs", "growing"],
)
def test_an_update_that_never_ends_is_ended_and_who_waits_is_served(
    target: Target, text: str
) -> None:
    """Others write meanwhile: each is acknowledged, and what they wrote is there."""
    replies: list[Reply] = []

    def write(number: int) -> None:
        replies.append(
            target.update(f"INSERT DATA {{ GRAPH <x:beside> {{ <x:s> <x:p> {number} }} }}")
        )

    writers = [threading.Thread(target=write, args=[number]) for number in range(5)]
    with target.undisturbed(changes=True), target.under(lambda: target.update(text), 1) as got:
        time.sleep(0.2)
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    (ended,) = got
    assert isinstance(ended, Reply)
    assert ended.status in {500, 504}, str(ended)
    assert ended.kind in {"query-timeout", "query-crashed", "query-out-of-memory"}
    assert "nothing was changed" in ended.problem["detail"] or ended.status == 507, str(ended)
    assert Counter(reply.status for reply in replies) == {200: 5}, replies
    assert max(reply.seconds for reply in replies) < 10
    assert count_of(target, "x:beside") == 5
    assert count_of(target, "x:endless") == 0
    assert target.update("DROP GRAPH <x:beside>").status == 200


@pytest.mark.parametrize("name", ["pen-writer", "pen-template", "pen-reader", "pen-zygote"])
def test_a_process_that_is_killed_is_replaced(target: Target, name: str) -> None:
    """SIGKILL while queries and updates are under way."""
    # The writer is there again when it is needed.
    assert target.update("INSERT DATA { GRAPH <x:killed> { <x:s> <x:p> 0 } }").status == 200
    wait_until(lambda: target.processes(name), 5)
    stop = threading.Event()
    acknowledged: list[int] = []
    refused: list[str] = []

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            reply = target.update(f"INSERT DATA {{ GRAPH <x:killed> {{ <x:s> <x:p> {number} }} }}")
            if reply.status == 200:
                acknowledged.append(number)
            else:
                assert reply.status >= 500
                refused.append(reply.problem["detail"])

    # Readers end with the process that forked them.
    lost = 0 if name == "pen-writer" else 1
    with (
        target.undisturbed(changes=True, lost=lost),
        target.under(write, 1) as wrote,
        target.under(lambda: target.query(DEATH), 1) as asked,
    ):
        try:
            time.sleep(0.3)
            wait_until(lambda: acknowledged, 10)
            # What is just being forked is still called like the process that forks it.
            found = target.processes(name)
            below = {pid for parent in found for pid in descendants(parent)}
            killed = [pid for pid in found if pid not in below]
            for pid in killed:
                kill(pid)
            time.sleep(0.7)
        finally:
            stop.set()
    assert wrote == [None], wrote
    (asked_reply,) = asked
    assert isinstance(asked_reply, Reply) and asked_reply.status >= 500
    assert asked_reply.problem["detail"]
    assert acknowledged, refused
    assert count_of(target, "x:killed") >= len(acknowledged)
    present = target.query("SELECT ?n { GRAPH <x:killed> { ?s ?p ?n } }").text
    assert all(f'"{number}"' in present for number in acknowledged)
    # What was refused may only be there where the answer did not say that nothing was changed.
    assert count_of(target, "x:killed") <= 1 + len(acknowledged) + len(refused)
    wait_until(
        lambda: not any(is_alive(pid) and pid in target.processes(name) for pid in killed), 10
    )
    wait_until(lambda: target.processes(name), 10)
    wait_until(lambda: '"serving":"memory"' in target.request("GET", "/ready").text, 10)
    assert target.update("DROP GRAPH <x:killed>").status == 200


def test_readers_killed_in_numbers_break_off_their_own_answers_only(target: Target) -> None:
    def flood() -> str:
        try:
            return str(target.query(FLOOD, parameters={"timeout": "2"}).status)
        except Exception as error:  # noqa: BLE001, the kind is what is looked at
            return type(error).__name__

    with target.undisturbed(lost=1), target.under(flood, 4) as got:
        wait_until(lambda: len(target.running()) == 4, 3)
        time.sleep(0.5)
        for pid in target.processes("pen-reader"):
            if cpu_seconds(pid) > 0.1:
                kill(pid)
    assert set(got) <= {"IncompleteRead", "503", "504"}, got


def cpu_seconds(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_files(pid: int) -> list[str]:
    """Return what a process has open; of one that ends meanwhile, or of a file, no longer."""
    found = []
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(str(link.readlink()))
    return found


def test_readers_open_published_generations_only(open_target: Target) -> None:
    """On disk: no reader has a file of the writer's working database open."""
    store = open_target.folder / "store"
    with open_target.undisturbed(changes=True):
        assert open_target.update("INSERT DATA { <x:s> <x:p> 1 }").status == 200
        with open_target.under(lambda: open_target.query(DEATH), 2):
            time.sleep(0.3)
            opened = [
                path for pid in open_target.processes("pen-reader") for path in open_files(pid)
            ]
    inside = [path for path in opened if path.startswith(str(store))]
    assert inside
    assert not [path for path in inside if path.startswith(str(store / "writer"))]
    assert open_target.update("DELETE DATA { <x:s> <x:p> 1 }").status == 200
