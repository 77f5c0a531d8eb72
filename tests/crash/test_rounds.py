"""Is every acknowledged change there after a SIGKILL at any moment, and no other in part?

``PENINSULA_CRASH_ROUNDS`` sets how often the whole group of processes is killed (default: 5),
``PENINSULA_CRASH_SEED`` what is done between; the moments of death are the system's.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Final

from .crowd import Crowd
from .instance import Instance
from .oracle import SHARED, Client, Replay, Ring, check_history

ROUNDS: Final = int(os.environ.get("PENINSULA_CRASH_ROUNDS", "5"))
SEED: Final = int(os.environ.get("PENINSULA_CRASH_SEED", time.time_ns() % 1_000_000))
KEPT: Final = 4
WRITERS: Final = 3
#: More than there are readers at full speed, so that new ones come and go.
WATCHERS: Final = 4
#: Seconds after the start of its process in which a server is ready; on a machine that does
#: much else, it is the fastest of the rounds that must be.
READY: Final = 5.0


def test_rounds_of_sigkill_under_writers_and_readers_lose_nothing(tmp_path: Path) -> None:
    print(f"PENINSULA_CRASH_SEED={SEED}")
    chance = random.Random(SEED)
    instance = Instance(tmp_path, "--default-graph", "own", "--keep", str(KEPT))
    writers = [
        Client(f"w{number}", instance, random.Random(chance.random())) for number in range(WRITERS)
    ]
    ring = Ring(instance)
    replay = Replay(instance.store)
    seconds = []
    current = 0
    for number in range(ROUNDS + 1):
        if chance.random() < 0.2:
            _kill_while_starting(instance, chance)
        mode = ("always", "never")[number % 2]
        seconds.append(instance.start("--memory", mode))
        try:
            _check(instance, [*writers], ring, is_first=number == 0)
            current = check_history(instance, replay, KEPT, current)
            ring.check(replay.turns)
            if number < ROUNDS:
                _work_until_killed(instance, writers, ring, chance.uniform(0.02, 0.9))
        finally:
            instance.kill()
    acknowledged = sum(writer.acknowledged for writer in writers)
    print(
        f"{ROUNDS} rounds: {acknowledged} changes acknowledged besides {ring.turn} turns, "
        f"{ring.answers} looks, {current} generations; ready after {min(seconds):.2f} to "
        f"{max(seconds):.2f} s, median {sorted(seconds)[len(seconds) // 2]:.2f} s"
    )
    assert acknowledged and ring.turn
    assert min(seconds) < READY
    assert max(seconds) < 5 * READY
    whole = Replay(instance.store)
    whole.follow(current, 1)
    assert whole.states[current] == replay.states[current]


def _kill_while_starting(instance: Instance, chance: random.Random) -> None:
    instance.launch()
    time.sleep(chance.uniform(0.1, 1.2))
    instance.kill()


def _check(instance: Instance, writers: list[Client], ring: Ring, *, is_first: bool) -> None:
    if is_first:
        ring.begin()
        made = instance.update(f"CREATE GRAPH <{SHARED}>")
        assert made.is_done, made
        return
    stored = instance.dump()
    graphs = instance.history()[-1]["graphs"]
    for writer in writers:
        writer.settle(stored, graphs)
    ring.settle()


def _work_until_killed(
    instance: Instance, writers: list[Client], ring: Ring, seconds: float
) -> None:
    crowd = Crowd()
    for writer in writers:
        crowd.start(lambda writer=writer: writer.run(crowd.is_over))  # type: ignore[misc]
    crowd.start(lambda: ring.run(crowd.is_over))
    for _ in range(WATCHERS):
        crowd.start(lambda: ring.watch(crowd.is_over))
    time.sleep(seconds)
    crowd.tell()
    instance.kill()
    crowd.end()
