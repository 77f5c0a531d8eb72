"""Clients take turns, and none of them holds every thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.fairness import FairQueue, tell_client
from peninsula.queueing import FairDispatcher


@dataclass
class Task:
    """Something to do for a client, which waits until it is let go on."""

    client: str
    number: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)
    is_cancelled: bool = False

    def service(self) -> None:
        self.begun.set()
        assert self.goes_on.wait(10)

    def cancel(self) -> None:
        self.is_cancelled = True


def names(queue: FairQueue) -> list[str]:
    found = []
    while queue:
        task = queue.popleft()
        found.append(f"{task.client}{task.number}")
    return found


def test_a_thousand_of_one_client_wait_behind_one_of_another() -> None:
    queue = FairQueue()
    for number in range(1000):
        queue.append(Task("a", number))
    queue.append(Task("b"))
    assert len(queue) == 1001
    assert [queue.popleft().client for _ in range(3)] == ["a", "b", "a"]
    assert len(queue) == 998


@given(st.lists(st.sampled_from("abcd"), max_size=40))
def test_everything_comes_once_and_each_client_s_own_in_its_order(clients: list[str]) -> None:
    queue = FairQueue()
    for number, client in enumerate(clients):
        queue.append(Task(client, number))
    found = names(queue)
    assert sorted(found) == sorted(f"{client}{n}" for n, client in enumerate(clients))
    for client in set(clients):
        own = [int(name[1:]) for name in found if name[0] == client]
        assert own == sorted(own)
        # Until its first comes, no other client has had more than one.
        before = [name[0] for name in found[: found.index(f"{client}{own[0]}")]]
        assert len(set(before)) == len(before)
    assert not queue
    with pytest.raises(IndexError):
        queue.popleft()


def test_who_holds_as_many_as_allowed_is_passed_over_until_one_is_done() -> None:
    queue = FairQueue(most_of_one=2)
    for number in range(4):
        queue.append(Task("a", number))
    assert names(queue) == ["a0", "a1"]
    assert len(queue) == 2
    queue.append(Task("b"))
    assert names(queue) == ["b0"]
    queue.give_back("a")
    assert names(queue) == ["a2"]
    queue.give_back("b")
    assert not queue
    assert len(queue) == 1


def test_who_gives_up_waits_no_more() -> None:
    queue = FairQueue(most_of_one=1)
    first, second, other = Task("a", 1), Task("a", 2), Task("b", 1)
    for task in (first, second, other):
        queue.append(task)
    assert queue.first is first
    queue.remove(first)
    assert len(queue) == 2
    queue.remove(other)
    with pytest.raises(ValueError, match="not in"):
        queue.remove(other)
    assert queue.popleft() is second
    assert not queue


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:0DB8:0000:0001::9", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::9", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8:0:1::9]:4711", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::9]", "2001:db8:0:1::/64"),
        ("a:b", "a:b"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_a_client_is_an_address_or_a_network_of_them(address: str, client: str) -> None:
    assert tell_client(address) == client


def test_what_is_no_address_is_kept_short() -> None:
    assert tell_client("x" * 100_000) == "x" * 80


def test_threads_are_left_to_other_clients() -> None:
    dispatcher = FairDispatcher(4)
    greedy = [Task("a", number) for number in range(5)]
    other = Task("b")
    for task in [*greedy, other]:
        dispatcher.add_task(task)
    assert other.begun.wait(10)
    assert all(task.begun.wait(10) for task in greedy[:3])
    assert not greedy[3].begun.wait(0.1)
    greedy[0].goes_on.set()
    assert greedy[3].begun.wait(10)
    assert not greedy[4].begun.is_set()
    for task in [*greedy[:4], other]:
        task.goes_on.set()
    assert greedy[4].begun.wait(10)
    greedy[4].goes_on.set()
    assert dispatcher.shutdown() in {True, False}
    assert not dispatcher.threads


def test_what_waits_when_the_server_ends_is_cancelled() -> None:
    dispatcher = FairDispatcher(1)
    held, waiting = Task("a"), [Task("a"), Task("b")]
    for task in [held, *waiting]:
        dispatcher.add_task(task)
    assert held.begun.wait(10)
    dispatcher.shutdown(timeout=0.1)
    assert all(task.is_cancelled for task in waiting)
    held.goes_on.set()
