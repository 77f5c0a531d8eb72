"""What the gateway knows already, and who shares a request."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    ClientGone,
    Overloaded,
    UpstreamTimeout,
)
from peninsula.federation.answers import Answer, Answers
from peninsula.federation.gateway import Gateway
from peninsula.federation.room import Room
from peninsula.federation.services import Service
from peninsula.federation.wire import Patience
from tests.wikidata import servers
from tests.wikidata.servers import Proxy

from .asking import NAMES, Log, failure, wait_until

# What is known already.


def test_an_answer_is_used_again(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    one = gateway.select(service, NAMES)
    assert gateway.select(service, NAMES) == one
    assert len(proxy.seen) == 1
    # Whoever changes what it was given changes nothing for others.
    one.rows.clear()
    assert len(gateway.select(service, NAMES).rows) == 2
    gateway.select(service, NAMES + " LIMIT 1")
    gateway.select(replace(service, address=f"{service.address}?a=b"), NAMES)
    gateway.select(replace(service, cache=0), NAMES)
    gateway.select(replace(service, cache=1e-9), NAMES)
    assert len(proxy.seen) == 5
    assert log.outcomes == ["ok", "cached", "cached", "ok", "ok", "ok", "ok"]


def test_a_pause_does_not_hide_what_is_known(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    known = gateway.select(service, NAMES)
    proxy.script(servers.TooMany(300))
    failure(gateway, service)
    assert gateway.select(service, NAMES) == known


def test_an_old_answer_only_where_the_operator_says_so(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    short = replace(service, cache=1e-9)
    kept = replace(short, stale=3600.0)
    known = gateway.select(kept, NAMES)
    proxy.always = servers.Status(503)
    stale = gateway.select(kept, NAMES)
    assert stale.is_stale
    assert (stale.rows, stale.retrieved) == (known.rows, known.retrieved)
    assert log.outcomes == ["ok", "unreachable", "stale"]
    proxy.always = servers.BAD_JSON
    failure(gateway, kept, NAMES)
    proxy.always = servers.Status(503)
    failure(gateway, short, NAMES)
    failure(gateway, kept, NAMES)  # what is too old was dropped


def test_who_asks_the_same_at_the_same_time_shares_one_request(
    gateway: Gateway, service: Service, proxy: Proxy, log: Log
) -> None:
    proxy.latency = 0.3
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(gateway.select, service, NAMES) for _ in range(8)]
        tables = [call.result() for call in calls]
    assert len(proxy.seen) == 1
    assert all(table == tables[0] for table in tables)
    assert log.outcomes.count("ok") == 1
    assert set(log.outcomes) <= {"ok", "shared", "cached"}


class Withheld(servers.Fault):
    """A broken answer that comes once the test says so."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def play(self, answering: servers.Answering) -> None:
        wait_until(self.release.is_set)
        servers.BAD_JSON.play(answering)


def test_who_shares_a_request_shares_its_failure(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    withheld = Withheld()
    proxy.script(withheld)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(gateway.select, service, NAMES) for _ in range(4)]
        wait_until(lambda: gateway.calls == 4 and proxy.seen)
        withheld.release.set()
        errors = [call.exception(10) for call in calls]
    assert all("cannot be read" in str(error) for error in errors), errors
    assert len({id(error) for error in errors}) == 4, "each has its own traceback"
    assert len(proxy.seen) == 1
    assert len(gateway.select(service, NAMES).rows) == 2


def test_whoever_runs_the_errand_may_leave_the_others_are_answered(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    release = threading.Event()
    proxy.script(servers.Call(lambda: wait_until(release.is_set)))
    left = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        leader = pool.submit(gateway.select, service, NAMES, is_gone=left.is_set)
        wait_until(lambda: proxy.seen)
        follower = pool.submit(gateway.select, service, NAMES, is_gone=lambda: False)
        wait_until(lambda: gateway.calls == 2)
        left.set()
        release.set()
        assert len(follower.result(10).rows) == 2
        leader.exception(10)
    assert len(proxy.seen) == 1


def test_a_hasty_one_does_not_fail_who_has_time(
    gateway: Gateway, service: Service, proxy: Proxy
) -> None:
    proxy.script(servers.Nothing(), None)
    with ThreadPoolExecutor(2) as pool:
        hasty = pool.submit(gateway.select, service, NAMES, timeout=0.5)
        wait_until(lambda: proxy.seen)
        patient = pool.submit(gateway.select, service, NAMES)
        assert isinstance(hasty.exception(5), UpstreamTimeout)
        assert len(patient.result(10).rows) == 2


def test_the_cache_has_a_size() -> None:
    def answer(size: int) -> Answer:
        return Answer(b"x" * size, "token", datetime.now(UTC), time.monotonic())

    answers = Answers(100_000)
    for number in range(50):
        answers.keep(("a", "solutions", str(number)), answer(5_000))
        assert answers.bytes <= 100_000
    assert answers.find(("a", "solutions", "0")) is None
    assert answers.find(("a", "solutions", "49"))
    before = answers.bytes
    answers.keep(("a", "solutions", "large"), answer(50_000))
    assert answers.find(("a", "solutions", "large")) is None, "no answer drives out all others"
    assert answers.bytes == before
    answers.keep(("a", "solutions", "49"), answer(10))
    answers.drop(("a", "solutions", "49"))
    answers.keep(("a", "solutions", "q" * 30_000), answer(10))  # long queries count, too
    assert answers.find(("a", "solutions", "q" * 30_000)) is None


def test_no_cache_at_all(nursery: Nursery, service: Service, proxy: Proxy) -> None:
    gateway = Gateway(nursery=nursery, cache_bytes=0)
    assert gateway.select(service, NAMES) == gateway.select(service, NAMES)
    assert len(proxy.seen) == 2
    assert gateway.kept_bytes == 0


# Memory.


def test_what_is_taken_in_takes_room_until_it_is_given_back(
    gateway: Gateway, service: Service
) -> None:
    room = Room(100_000)
    with room.part() as part:
        gateway.select(service, NAMES, part=part)
        one = part.used
        assert 0 < one == room.used < 100_000
        gateway.select(service, NAMES, part=part)
        assert part.used == 2 * one, "known or not, it is there twice"
    assert (part.used, room.used) == (0, 0)


def test_who_has_nothing_waits_for_room_and_who_has_some_does_not(
    gateway: Gateway, service: Service
) -> None:
    room = Room(10)
    with room.part() as mine:
        # More than there is, where nobody else has any.
        gateway.select(service, NAMES, part=mine)
        with room.part() as other:
            began = time.monotonic()
            with pytest.raises(Overloaded, match="all the room"):
                gateway.select(service, NAMES, part=other, timeout=0.3)
            assert 0.2 < time.monotonic() - began < 5
            with pytest.raises(ClientGone):
                gateway.select(service, NAMES, part=other, is_gone=lambda: True)
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(gateway.select, service, NAMES, part=other)
                mine.give_back()
                assert len(waiting.result(5).rows) == 2
            assert other.used > 0
    assert room.used == 0
    small = Room(10)
    with small.part("a") as one, small.part("b") as two:
        one.take(4, Patience(1))
        two.take(4, Patience(1))
        began = time.monotonic()
        with pytest.raises(Overloaded):
            one.take(4, Patience(20))
        assert time.monotonic() - began < 5, "each would wait for the other"
