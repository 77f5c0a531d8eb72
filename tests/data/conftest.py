"""The record and the links, as the shipped Turtle has them."""

from __future__ import annotations

import pytest

from .shipped import FILES, LINKS, RECORD, Properties, read


@pytest.fixture(scope="module")
def record() -> dict[str, Properties]:
    return read([file for file in FILES if file.parent == RECORD])


@pytest.fixture(scope="module")
def links() -> dict[str, Properties]:
    return read([file for file in FILES if file.parent == LINKS])
