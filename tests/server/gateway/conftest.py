"""A service of others in a process of its own, a proxy that fails as a test says, and the gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peninsula.dataset.workers import Nursery
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from tests.wikidata import servers
from tests.wikidata.servers import Proxy

from .asking import DATA, Log


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Service]:
    path = tmp_path_factory.mktemp("service") / "data.ttl"
    path.write_bytes(DATA)
    with servers.serving(path) as running:
        yield running


@pytest.fixture
def proxy(engine: servers.Service) -> Iterator[Proxy]:
    with Proxy(engine.address) as standing:
        yield standing


@pytest.fixture
def service(proxy: Proxy) -> Service:
    return Service("test", proxy.address, is_trusted=True, timeout=20.0)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def gateway(nursery: Nursery, log: Log) -> Gateway:
    return Gateway(contact="me@example.org", nursery=nursery, observe=log, backoff=0.01)
