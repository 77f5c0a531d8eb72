"""Does a server that is told to stop finish what it was asked?"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from pathlib import Path
from typing import Final

import pytest

from .crowd import Crowd
from .instance import Answer, Instance
from .oracle import Client, Replay, Ring, check_history

OPTIONS: Final = ("--default-graph", "own", "--keep", "4")
#: Seconds that requests have to finish, and a few for the processes to end.
GRACE: Final = 14.0
SIZE: Final = 1000
#: A second of work, or some.
HEAVY: Final = (
    "SELECT (COUNT(*) AS ?n) { ?a <urn:p> ?x . ?b <urn:p> ?y FILTER(STRLEN(CONCAT(?x, ?y)) > 0) }"
)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path, *OPTIONS)


def test_sigterm_lets_running_queries_finish(instance: Instance) -> None:
    with instance:
        rows = " ".join(f'<urn:s{n}> <urn:p> "{n}" .' for n in range(SIZE))
        assert instance.update(f"INSERT DATA {{ {rows} }}").is_done
        answers: list[Answer] = []
        with Crowd() as crowd:
            for _ in range(2):
                crowd.start(lambda: answers.append(instance.query(HEAVY)))
            _await_queries(instance, 2)
            began = time.monotonic()
            assert instance.stop() == 0
            assert time.monotonic() - began < GRACE
        for answer in answers:
            assert answer.status == 200, answer
            (row,) = json.loads(answer.body)["results"]["bindings"]
            assert row["n"]["value"] == str(SIZE * SIZE)
        assert len(answers) == 2
        assert "Traceback" not in instance.log()


def _await_queries(instance: Instance, count: int) -> None:
    until = time.monotonic() + 10
    while len(json.loads(instance.request("GET", "/admin/queries").body)) < count:
        assert time.monotonic() < until, "the queries did not begin, or were over at once"
        time.sleep(0.01)


def test_sigterm_under_writers_loses_no_acknowledged_change(instance: Instance) -> None:
    instance.start()
    ring = Ring(instance)
    ring.begin()
    clients = [Client(f"t{n}", instance, random.Random(n)) for n in range(3)]
    with Crowd() as crowd:
        for client in clients:
            crowd.start(lambda client=client: client.run(crowd.is_over, may_refuse=True))  # type: ignore[misc]
        crowd.start(lambda: ring.run(crowd.is_over, may_refuse=True))
        time.sleep(0.5)
        crowd.tell()
        began = time.monotonic()
        assert instance.stop() == 0
        assert time.monotonic() - began < GRACE
    assert sum(client.acknowledged for client in clients)
    log = instance.log()
    assert "Traceback" not in log, log
    with instance:
        for client in clients:
            client.settle(instance.dump(), instance.history()[-1]["graphs"])
        ring.settle()
        check_history(instance, Replay(instance.store), 4, 0)


def test_a_second_sigterm_ends_what_will_not_end(instance: Instance) -> None:
    with instance:
        rows = " ".join(f'<urn:s{n}> <urn:p> "{n}" .' for n in range(SIZE))
        assert instance.update(f"INSERT DATA {{ {rows} }}").is_done
        endless = "SELECT (COUNT(*) AS ?n) { ?a ?p ?b . ?c ?q ?d . ?e ?r ?f FILTER(?b != ?d) }"
        with Crowd() as crowd:

            def ask() -> None:
                try:
                    answer = instance.query(endless)
                except (OSError, http.client.HTTPException):
                    return  # cut off
                assert answer.status == 503, answer

            crowd.start(ask)
            _await_queries(instance, 1)
            began = time.monotonic()
            assert instance.process
            second = threading.Timer(0.5, instance.process.terminate)
            second.start()
            assert instance.stop() == 0
            second.join()
            assert time.monotonic() - began < GRACE / 2
