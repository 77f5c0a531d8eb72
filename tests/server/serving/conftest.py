"""A server that the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peninsula.config import Config

from .instances import Running, run


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    config = Config(port=0, threads=4, queue=4, readers=1, max_upload_bytes=100_000)

    def limit(_method: str, path: str, _authorization: str | None) -> int:
        return 1000 if path == "/small" else 100_000

    with run(config, body_limit=limit) as server:
        yield server
