"""What holds for all tests?

A test that is marked ``alone`` promises something about time under an attack that takes all that
a machine has. It runs while no other worker of pytest-xdist runs a test; they wait for it, in
turn, and are waited for. What is made once for all workers lies in the folder where they meet,
which the environment names (``TESTS_SHARED``).
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from peninsula.dataset.workers import Nursery

# Other tests run beside one that looks at examples: how long these take says nothing.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if settings.get_current_profile_name() == "default":
    settings.load_profile("patient")

_ROOM: Final = pytest.StashKey["Room"]()
_FOLDER: Final = pytest.StashKey[str]()
#: Folders and files of few tests that take long, the longest first; the others are many and short.
_LONG: Final = (
    "test_validate", "wikidata", "browser", "threats", "equivalence", "crash", "shacl", "clients",
    "shapes", "test_serve", "test_wheel", "test_rebuilding", "test_policy", "test_bulk",
    "test_loading", "searching", "serving", "reconciliation", "queries", "federation",
    "ontology",
)  # fmt: skip


class Room:
    """Where many may be at the same time, or one alone: across processes."""

    def __init__(self, folder: Path) -> None:
        # Whoever wants in passes the door one after another, so that nobody who waits to be
        # alone is overtaken for ever.
        self._door, self._room = (
            os.open(folder / name, os.O_CREAT | os.O_RDWR) for name in ("door.lock", "room.lock")
        )

    @contextlib.contextmanager
    def entered(self, *, alone: bool) -> Iterator[None]:
        """Be in the room during the block, with others or alone."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            fcntl.flock(self._door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._door)
        os.close(self._room)


def pytest_configure(config: pytest.Config) -> None:
    given: Mapping[str, str] = getattr(config, "workerinput", {})
    if "room" not in given:
        config.stash[_FOLDER] = tempfile.mkdtemp(prefix="peninsula-tests-")
        config.add_cleanup(lambda: shutil.rmtree(config.stash[_FOLDER]))
    folder = Path(given.get("room") or config.stash[_FOLDER])
    os.environ["TESTS_SHARED"] = str(folder)
    room = config.stash[_ROOM] = Room(folder)
    config.add_cleanup(room.close)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    # What starts the workers of pytest-xdist tells them where they meet.
    node.workerinput["room"] = node.config.stash[_FOLDER]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers there are with ``-n auto``: many tests wait for what they started."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with what takes long, so that in the end none waits for another."""
    if not hasattr(config, "workerinput"):
        return
    count = Counter(item.path for item in items)
    ranks = {path: _rank(path) for path in count}
    items.sort(key=lambda item: (ranks[item.path], -count[item.path], str(item.path)))


def _rank(path: Path) -> int:
    names = (path.parent.name, path.stem)
    return next((i for i, name in enumerate(_LONG) if name in names), len(_LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    with item.config.stash[_ROOM].entered(alone=False):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    with item.config.stash[_ROOM].entered(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    with item.config.stash[_ROOM].entered(alone=False):
        return (yield)


def pytest_collection_finish() -> None:
    # There are fifteen thousand tests, which stay: no collection of garbage is to look at them.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Return what starts processes, for the tests of one module."""
    started = Nursery.start()
    yield started
    started.close()
