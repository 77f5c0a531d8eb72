"""What do all tests of federation share? That the engine's objects end in the thread they began in."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _collect_in_this_thread() -> Iterator[None]:
    """Let no thread that asks a service collect solutions that this one has left behind.

    The engine complains of that, and rightly: here its objects are in this process, in the server
    they are in readers.
    """
    gc.disable()
    yield
    gc.enable()
    gc.collect()
