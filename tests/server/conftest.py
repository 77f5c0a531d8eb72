"""Fixtures of the server's tests.

``knowledge`` is the small scene in ``tests/fixtures/knowledge``: two summits, three states.
``copy`` is a copy of it to break. ``dataset`` holds it in memory, ``client`` asks an
application that serves it. Nothing here touches the shipped data: they have tests of their own.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient

from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.library import Library, read_library
from peninsula.loading import Loaded, load
from peninsula.policy import Policy

ROOT: Final = Path(__file__).resolve().parents[2]
SCENE: Final = ROOT / "tests" / "fixtures" / "knowledge"


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return find_knowledge(SCENE)


@pytest.fixture(scope="session")
def loaded(knowledge: Knowledge) -> Loaded:
    return load(knowledge)


@pytest.fixture(scope="session")
def dataset(loaded: Loaded) -> LocalDataset:
    store = ox.Store()
    store.extend([*loaded.stated, *loaded.computed])
    return LocalDataset(store, Policy())


@pytest.fixture(scope="session")
def library(knowledge: Knowledge) -> Library:
    return read_library(knowledge.queries)


@pytest.fixture(scope="session")
def app(dataset: LocalDataset, knowledge: Knowledge) -> Flask:
    return create_app(Config(table_rows=50), LocalDatabase(dataset), knowledge)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the small knowledge that a test may break."""
    return shutil.copytree(SCENE, tmp_path / "knowledge")
