"""What does the death of one process cost, while the server lives on?

One query, or one change that is clearly refused; and within two seconds all is as before.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from .crowd import Crowd
from .instance import PATIENCE, Answer, Instance
from .oracle import Client, Replay, Ring, check_history

KEPT: Final = 4
#: Seconds within which an ordinary query is answered, whatever has just died.
PROMPT: Final = 2.0
SIZE: Final = 400
#: Some tenths of a second of work.
HEAVY: Final = "SELECT (COUNT(*) AS ?n) { ?a <urn:p> ?x . ?b <urn:p> ?y FILTER(?x != ?y) }"


_numbers: Final = itertools.count()


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Return a server whose store is not to be trusted to hold anything in particular."""
    folder = tmp_path_factory.mktemp("processes")
    options = ("--default-graph", "own", "--keep", str(KEPT), "--memory", "always")
    with Instance(folder, *options) as running:
        rows = " ".join(f"<urn:s{n}> <urn:p> {n} ." for n in range(SIZE))
        assert running.update(f"INSERT DATA {{ {rows} }}").is_done
        running.await_serving("memory")
        yield running


def kill_one(instance: Instance, name: str) -> bool:
    """Kill a process of that name, if there is one."""
    found = instance.find(name)
    if not found:
        return False
    try:
        os.kill(random.choice(found), signal.SIGKILL)
    except ProcessLookupError:  # it ended by itself just now
        return False
    return True


def find_template(instance: Instance) -> int:
    """Return the process that holds the dataset in memory, as soon as there is exactly one."""
    until = time.monotonic() + PATIENCE
    # Between two there may be none or both.
    while len(found := instance.find("template")) != 1:
        assert time.monotonic() < until, found
    return found[0]


def check_prompt(instance: Instance) -> None:
    """Check that an ordinary query is answered soon, if need be when it is asked again."""
    began = time.monotonic()
    # Another text each time, so that it is evaluated: the cache would hide who has died.
    query = f"ASK {{ <urn:s1> <urn:p> 1 }} # {next(_numbers)}"
    while (answer := instance.query(query)).status == 503:
        assert answer.problem
        assert time.monotonic() - began < PROMPT, answer
    assert answer.status == 200, answer
    assert json.loads(answer.body)["boolean"] is True
    assert time.monotonic() - began < PROMPT


@pytest.mark.alone
def test_the_kill_of_a_reader_costs_one_query(instance: Instance) -> None:
    failed: list[Answer | None] = []
    right = []
    numbers = itertools.count()

    def ask() -> None:
        try:
            # Each has a text of its own: what is known already needs no reader.
            answer = instance.query(f"{HEAVY} # {next(numbers)}")
        except (OSError, http.client.HTTPException):
            failed.append(None)  # broken off, which its client notices
            return
        if answer.status == 200:
            (row,) = json.loads(answer.body)["results"]["bindings"]
            assert row["n"]["value"] == str(SIZE * (SIZE - 1))
            right.append(answer)
        else:
            assert answer.status == 503, answer
            assert "ended the query" in answer.problem["detail"]
            failed.append(answer)

    def go_on() -> None:
        while not crowd.is_over():
            ask()

    kills = 0
    with Crowd() as crowd:
        for _ in range(3):
            crowd.start(go_on)
        for _ in range(12):
            time.sleep(0.1)
            kills += kill_one(instance, "reader")
            check_prompt(instance)
    assert kills
    assert right
    assert len(failed) <= kills
    check_prompt(instance)


@pytest.mark.alone
def test_the_kill_of_the_writer_loses_no_acknowledged_change(
    instance: Instance,
) -> None:
    replay = Replay(instance.store)
    ring = Ring(instance)
    ring.begin()
    clients = [Client(f"k{n}", instance, random.Random(n)) for n in range(3)]
    kills = 0
    with Crowd() as crowd:
        for client in clients:
            crowd.start(lambda client=client: client.run(crowd.is_over, may_refuse=True))  # type: ignore[misc]
        crowd.start(lambda: ring.run(crowd.is_over, may_refuse=True))
        crowd.start(lambda: ring.watch(crowd.is_over))  # reading is not disturbed
        for _ in range(10):
            time.sleep(random.uniform(0.1, 0.3))
            kills += kill_one(instance, "writer")
    assert kills
    assert sum(client.acknowledged for client in clients)
    for client in clients:
        assert all("nothing was changed" in detail for detail in client.refused), client.refused
        client.settle(instance.dump(), instance.history()[-1]["graphs"])
    ring.settle()
    began = time.monotonic()
    after = [instance.update("INSERT DATA { <urn:after> <urn:p> 1 }")]
    if not after[0].is_done:  # the last kill may have cost nothing yet: it costs this one
        assert "nothing was changed" in after[0].problem["detail"]
        after.append(instance.update("INSERT DATA { <urn:after> <urn:p> 1 }"))
    assert after[-1].is_done, after
    assert time.monotonic() - began < PROMPT
    check_history(instance, replay, KEPT, 0)
    ring.check(replay.turns)


@pytest.mark.alone
def test_the_kill_of_the_template_is_made_up_for(instance: Instance) -> None:
    instance.await_serving("memory")
    ring = Ring(instance)
    assert instance.update("DROP SILENT GRAPH <urn:ring:g1> ; DROP SILENT GRAPH <urn:ring:g2> ; "
                           "DROP SILENT GRAPH <urn:ring:g0>").is_done  # fmt: skip
    ring.begin()
    with Crowd() as crowd:
        crowd.start(lambda: ring.run(crowd.is_over))
        crowd.start(lambda: ring.watch(crowd.is_over, may_refuse=True))
        for _ in range(3):
            instance.await_serving("memory")
            template = find_template(instance)
            with contextlib.suppress(ProcessLookupError):
                os.kill(template, signal.SIGKILL)
            check_prompt(instance)
    instance.await_serving("memory")
    assert instance.find("template") != [template]
    ring.settle()
    replay = Replay(instance.store)
    check_history(instance, replay, KEPT, 0)
    ring.check(replay.turns)


@pytest.mark.alone
def test_the_kill_of_the_template_is_made_up_for_without_any_change(instance: Instance) -> None:
    instance.await_serving("memory")
    template = find_template(instance)
    os.kill(template, signal.SIGKILL)
    for pid in instance.find("reader"):  # they end with it, perhaps just now
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    check_prompt(instance)
    until = time.monotonic() + PATIENCE
    while instance.find("template") in ([], [template]) or instance.ready()["serving"] == "disk":
        assert time.monotonic() < until, "the dataset did not come back into memory"
        time.sleep(0.02)
    check_prompt(instance)


@pytest.mark.alone
def test_the_kill_of_the_web_process_alone_ends_the_others(tmp_path: Path) -> None:
    instance = Instance(tmp_path, "--default-graph", "own")
    instance.start()
    assert instance.update("INSERT DATA { <urn:s1> <urn:p> 1 }").is_done
    assert instance.process
    os.kill(instance.process.pid, signal.SIGKILL)
    instance.process.wait(PATIENCE)
    instance.await_end()
    instance.kill()
    instance.start()
    check_prompt(instance)
    instance.kill()
