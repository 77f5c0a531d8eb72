"""What one client may have of what all clients share on the way to services."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.errors import ClientGone, Overloaded, UpstreamBusy
from peninsula.federation.callers import Caller, Callers
from peninsula.federation.room import Room
from peninsula.federation.turns import Turns
from peninsula.federation.wire import Patience


def fill(callers: Callers, stack: contextlib.ExitStack, *clients: str) -> Counter[str]:
    """Let clients call in turns until none of them may any more; return how many each has."""
    held: Counter[str] = Counter()
    waiting = list(clients)
    while waiting:
        for client in tuple(waiting):
            try:
                stack.enter_context(callers.calling(Caller(client)))
            except Overloaded:
                waiting.remove(client)
            else:
                held[client] += 1
    return held


@pytest.mark.parametrize(
    ("clients", "each"), [("a", [24]), ("ab", [14, 14]), ("abc", [10, 10, 9]), ("abcdefghi", [4] * 4 + [3] * 5)]
)  # fmt: skip
def test_something_is_left_however_many_take_what_they_can(clients: str, each: list[int]) -> None:
    callers = Callers(32)
    with contextlib.ExitStack() as stack:
        held = fill(callers, stack, *clients)
        assert sorted(held.values(), reverse=True) == each
        with callers.calling(Caller("another")):
            assert callers.calls == sum(each) + 1
    assert callers.calls == 0
    with contextlib.ExitStack() as stack:
        assert fill(callers, stack, "a") == {"a": 24}, "all has been given back"


def test_whoever_is_refused_is_told_what_is_left() -> None:
    callers = Callers(4)
    with contextlib.ExitStack() as stack:
        fill(callers, stack, "a")
        with pytest.raises(Overloaded, match=r"3 queries of this client .* left, 1, is for others"):
            stack.enter_context(callers.calling(Caller("a")))
        stack.enter_context(callers.calling(Caller("b")))
        with pytest.raises(Overloaded, match="4 queries that ask services"):
            stack.enter_context(callers.calling(Caller("c")))


def test_the_requests_of_one_query_count_once() -> None:
    callers = Callers(1)
    caller = Caller("a")
    with callers.calling(caller), callers.calling(caller):
        assert callers.calls == 2
        with pytest.raises(Overloaded), callers.calling(Caller("a")):
            pass
    with callers.calling(Caller("b")):
        pass


def test_clients_have_turns_one_after_another() -> None:
    turns = Turns("own", 1)
    had: list[str] = []

    def take(client: str) -> None:
        with turns.take(Patience(10), client):
            had.append(client)

    threads = [threading.Thread(target=take, args=(client,)) for client in "aaaaab"]
    with turns.take(Patience(10), "first"):
        for thread in threads:
            before = len(turns._line)
            thread.start()
            while len(turns._line) == before:
                assert thread.is_alive()
    for thread in threads:
        thread.join(10)
    assert "".join(had) == "abaaaa"


def test_a_turn_is_left_to_other_clients() -> None:
    turns = Turns("own", 4)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(turns.take(Patience(1), "a"))
        with pytest.raises(UpstreamBusy, match="too many at once"):
            stack.enter_context(turns.take(Patience(0.05), "a"))
        with pytest.raises(ClientGone):
            stack.enter_context(turns.take(Patience(5, lambda: True), "a"))
        stack.enter_context(turns.take(Patience(1), "b"))
    with turns.take(Patience(1), "a"):
        pass


def test_one_client_does_not_fill_the_room() -> None:
    room = Room(100)
    with room.part("a") as one, room.part("a") as two, room.part("b") as other:
        one.take(60, Patience(1))
        with pytest.raises(Overloaded):
            two.take(30, Patience(0.05))
        other.take(30, Patience(0.05))
        two.take(10, Patience(0.05))
    with room.part("a") as alone:
        alone.take(90, Patience(0.05))
    assert room.used == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 60)), max_size=20))
def test_what_is_taken_is_given_back(takes: list[tuple[str, int]]) -> None:
    room = Room(100)
    with contextlib.ExitStack() as stack:
        for client, count in takes:
            part = stack.enter_context(room.part(client))
            with contextlib.suppress(Overloaded):
                part.take(count, Patience(0))
        assert room.used <= 100
    assert room.used == 0
    with room.part("a") as part:
        part.take(100, Patience(0.05))
