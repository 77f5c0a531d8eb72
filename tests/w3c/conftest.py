"""What do all of the W3C's tests share? One server, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .target import Target, started


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with started(tmp_path_factory.mktemp("w3c")) as server:
        yield server
