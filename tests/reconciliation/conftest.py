"""Fixtures: a server process with the shipped graph, and a client that asks as OpenRefine does."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.server.processes import Server, lay_store, serving

from .openrefine import OpenRefine


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("reconciliation")
    store = lay_store(folder / "store")
    command = [sys.executable, "-m", "peninsula", "serve", "--store", str(store)]
    with serving(command, folder) as server:
        yield server


@pytest.fixture(scope="session")
def refine(server: Server) -> OpenRefine:
    return OpenRefine(f"{server.address}reconcile")
