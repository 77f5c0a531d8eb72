"""What do the tests of links to the outside share?

``service`` is ``oxigraph serve`` with what the tests take for Wikidata, for the whole session:
read from it only. ``proxy`` stands in front of it, with nothing wrong, for one test. Whoever
changes the service starts one of its own with :func:`servers.serving`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .servers import SERVICE_FILE, Proxy, Service, serving


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with serving(SERVICE_FILE) as running:
        yield running


@pytest.fixture
def proxy(service: Service) -> Iterator[Proxy]:
    with Proxy(service.address) as standing:
        yield standing
