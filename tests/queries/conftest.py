"""The knowledge as it ships, loaded once, and the questions that are asked of it."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.library import Library, read_library
from peninsula.loading import Loaded, load
from peninsula.policy import Policy

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return find_knowledge(ROOT)


@pytest.fixture(scope="session")
def loaded(knowledge: Knowledge) -> Loaded:
    return load(knowledge)


@pytest.fixture(scope="session")
def dataset(loaded: Loaded) -> LocalDataset:
    store = ox.Store()
    store.bulk_extend([*loaded.stated, *loaded.computed])
    return LocalDataset(store, Policy())


@pytest.fixture(scope="session")
def library(knowledge: Knowledge) -> Library:
    return read_library(knowledge.queries)
