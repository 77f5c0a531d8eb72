"""Which requests do the protocol tests send, and what must the answers be?

The manifests write them in the W3C's vocabularies for HTTP and content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from .manifests import MF, Term, W3cTest, iri_in, manifests, named

HT: Final = "http://www.w3.org/2011/http#"
CNT: Final = "http://www.w3.org/2011/content#"
STATUSES: Final[Mapping[str, frozenset[int]]] = {
    "OK": frozenset({200}),
    "Created": frozenset({201}),
    "NoContent": frozenset({204}),
    "NotFound": frozenset({404}),
    "StatusCode2xx": frozenset(range(200, 300)),
    "StatusCode3xx": frozenset(range(300, 400)),
    "StatusCode4xx": frozenset(range(400, 500)),
}
"""Statuses by the local name of their resource in http://www.w3.org/2011/http-statusCodes."""


@dataclass(frozen=True)
class Exchange:
    """One request and what is expected of its answer; ``None`` where nothing is.

    Args:
        target: path and query of the request, as in the manifest.
        text: the body before it is encoded.
        expected_headers: by name in lower case.
        expected_text: the expected content, in the type that ``expected_headers`` says.
        location: the variable that stands for the answer's Location in later requests.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    text: str
    encoding: str
    statuses: frozenset[int]
    expected_headers: Mapping[str, str]
    expected_text: str | None
    expected_format: str | None
    expected_boolean: bool | None
    location: str | None

    @property
    def body(self) -> bytes | None:
        return self.text.encode(self.encoding) if self.text else None


def read_exchanges(test: W3cTest) -> list[Exchange]:
    """The requests of a test, in the order in which they are sent."""
    graph = manifests()
    connection = graph.value(ox.NamedNode(test.iri), named(MF, "action"))
    requests = graph.items(graph.value(connection, named(HT, "requests")))
    exchanges = [read_exchange(request) for request in requests]
    assert exchanges, f"{test.iri} sends nothing"
    return exchanges


def read_exchange(request: Term) -> Exchange:
    graph = manifests()
    body, answer = (graph.value(request, named(HT, name)) for name in ("body", "resp"))
    content = graph.value(answer, named(HT, "body"))
    expected = graph.values(answer, named(MF, "expectedStatus"))
    statuses = [STATUSES[(iri_in(term) or "").rpartition("#")[2]] for term in expected]
    boolean = graph.text(answer, named(MF, "expectedBoolean"))
    return Exchange(
        method=graph.text(request, named(HT, "methodName")) or "",
        target=graph.text(request, named(HT, "absolutePath")) or "",
        headers=read_headers(request),
        text=graph.text(body, named(CNT, "chars")) or "",
        encoding=graph.text(body, named(CNT, "characterEncoding")) or "UTF-8",
        statuses=frozenset().union(*statuses),
        expected_headers=read_headers(answer),
        expected_text=graph.text(content, named(CNT, "chars")),
        expected_format=graph.text(answer, named(MF, "expectedFormat")),
        expected_boolean=None if boolean is None else boolean == "true",
        location=graph.text(answer, named(MF, "expectedLocation")),
    )


def read_headers(message: Term | None) -> dict[str, str]:
    graph = manifests()
    return {
        (graph.text(header, named(HT, "fieldName")) or "").lower(): value
        for header in graph.items(graph.value(message, named(HT, "headers")))
        if (value := graph.text(header, named(HT, "fieldValue"))) is not None
    }
