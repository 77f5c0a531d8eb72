"""Databases with few places, and somebody who asks beside others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from peninsula.dataset import readers as module
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Asker
from peninsula.dataset.readers import Limits
from peninsula.formats import CSV
from tests.server.conftest import COUNTED, fill, running

from .asking import Start


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Generations:
    return fill(tmp_path_factory.mktemp("numbers"), COUNTED)


@pytest.fixture
def narrow(numbers: Generations, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedDatabase]:
    """Return a database with one place and a queue of four, where no query gives its place up."""
    monkeypatch.setattr(module, "SLOW_PER_PLACE", 0)
    with running(
        numbers, is_read_only=True, limits=Limits(places=1, queue=4, timeout=15)
    ) as database:
        yield database


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what asks a query in a thread of its own, as CSV."""
    with ThreadPoolExecutor(32) as threads:

        def begin(
            database: EmbeddedDatabase, query: str, asker: Asker | None = None
        ) -> Future[bytes]:
            def answer() -> bytes:
                return b"".join(database.view(asker).evaluate(query).chunks(CSV))

            return threads.submit(answer)

        yield begin
