"""A gateway, and a server on this machine that does what a test says.

What a name resolves to is said by a resolver that the gateway is given; nothing else of it is another
than in a server.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peninsula.dataset.workers import Nursery
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service
from tests.threats.hosts import Host


@pytest.fixture
def gateway(nursery: Nursery) -> Gateway:
    return Gateway(nursery=nursery, backoff=0.01)


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as standing:
        yield standing


@pytest.fixture
def service(host: Host) -> Service:
    return Service(
        "test", host.address, is_trusted=True, timeout=20.0, cache=0.0, max_bytes=1 << 20
    )
