"""Do queries with SERVICE answer what the W3C's tests expect, with endpoints that are real?

Each test names endpoints that do not exist (``http://example.org/sparql``). Here each of them is a
process, ``oxigraph serve``; their addresses take the place of those in the query. One test asks a
service that data name, which is refused here: that one is held to the refusal. In two, a service
asks another in its turn; it may where that is allowed here as well.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from tests.server.processes import serving
from tests.wikidata import servers

from .manifests import (
    MF,
    QT,
    SUITES,
    DatasetFiles,
    W3cTest,
    all_tests,
    iri_in,
    manifests,
    named,
    path_of,
)
from .results import read_answer, read_expected, same
from .target import Target, add_token

#: The endpoints that the tests name, and one that is not there.
ENDPOINTS = (
    "http://example.org/sparql",
    "http://example1.org/sparql",
    "http://example2.org/sparql",
)
ABSENT = "http://invalid.endpoint.org/sparql"
JSON = "application/sparql-results+json"
FEDERATED = pytest.mark.skipif(not SUITES.is_dir(), reason="the W3C's suites are not here")


class Endpoints:
    """The processes that answer for the endpoints, and the server that asks them."""

    def __init__(self, target: Target, services: dict[str, servers.Service], absent: str) -> None:
        self.target = target
        self.services = services
        self.absent = absent

    def address(self, iri: str) -> str:
        return self.absent if iri == ABSENT else self.services[iri].address

    def hold(self, test: W3cTest) -> None:
        """See that every endpoint holds what the test's manifest says."""
        graph = manifests()
        for service in self.services.values():
            service.replace(b"")
        [action] = graph.values(ox.NamedNode(test.iri), named(MF, "action"))
        for data in graph.values(action, named(QT, "serviceData")):
            endpoint = graph.text(data, named(QT, "endpoint"))
            [file] = graph.values(data, named(QT, "data"))
            assert endpoint
            iri = iri_in(file)
            assert iri
            self.services[endpoint].replace(path_of(iri))

    def localize(self, text: str) -> str:
        return re.sub(
            r"<(http://(?:example\d?|invalid\.endpoint)\.org/sparql)>",
            lambda match: f"<{self.address(match[1])}>",
            text,
        )


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    folder = tmp_path_factory.mktemp("service")
    with contextlib.ExitStack() as stack:
        services = {iri: stack.enter_context(servers.serving()) for iri in ENDPOINTS}
        absent = f"http://127.0.0.1:{servers.free_port()}/query"
        addresses = [*(service.address for service in services.values()), absent]
        settings = "\n".join(
            # What one test asks, another asks of other data.
            f'[services.endpoint{number}]\naddress = "{address}"\ntrusted = true\ncache = 0\n'
            for number, address in enumerate(addresses)
        )
        (folder / "peninsula.toml").write_text(settings)
        store = ["--store", str(folder / "store")]
        token = add_token(folder / "store")
        command = [sys.executable, "-m", "peninsula", "serve", "--empty", "--default-graph", "own"]
        server = stack.enter_context(serving([*command, *store], folder))
        yield Endpoints(Target(server.address.rstrip("/"), token=token), services, absent)


def cases(*names: str) -> list[W3cTest]:
    return [
        test
        for test in all_tests()
        if test.folder == "sparql11/service" and test.iri.rpartition("#")[2] in names
    ]


@FEDERATED
@pytest.mark.parametrize(
    "test",
    cases("service1", "service2", "service3", "service4a", "service6", "service7"),
    ids=lambda test: test.id,
)
def test_service_gives_the_expected_answer(endpoints: Endpoints, test: W3cTest) -> None:
    assert test.result
    endpoints.hold(test)
    endpoints.target.hold(test.before)
    text = endpoints.localize(test.text)
    response = endpoints.target.query(f"BASE <{test.base}>\n{text}", JSON)
    assert (response.status, response.media_type) == (200, JSON), response
    actual = read_answer(response.body, JSON)
    assert same(read_expected(test.result), actual), response


@FEDERATED
@pytest.mark.parametrize("test", cases("service5"), ids=lambda test: test.id)
def test_a_service_that_data_name_is_refused(endpoints: Endpoints, test: W3cTest) -> None:
    endpoints.target.hold(test.before)
    response = endpoints.target.query(test.text, JSON)
    assert response.status == 403
    assert b"must stand in the query" in response.body


@FEDERATED
@pytest.mark.parametrize(
    "path", sorted(SUITES.glob("sparql11/syntax-fed/*.rq")), ids=lambda p: p.stem
)
def test_the_syntax_of_service_is_known(endpoints: Endpoints, path: Path) -> None:
    """A service that is not allowed is refused, but not for its syntax."""
    endpoints.target.hold(DatasetFiles())
    response = endpoints.target.query(f"BASE <http://example.org/>\n{path.read_text()}", JSON)
    assert response.status == 403
    assert b"http://example.org/g" in response.body
