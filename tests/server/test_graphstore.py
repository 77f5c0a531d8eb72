"""A request to the graph store is read by the letter of the Graph Store HTTP Protocol."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.errors import MethodNotAllowed, ProtocolError, UnsupportedMediaType
from peninsula.formats import (
    DATASET_FORMATS,
    GRAPH_FORMATS,
    JSONLD,
    NQUADS,
    NTRIPLES,
    RDFXML,
    TRIG,
    TURTLE,
    Format,
)
from peninsula.graphstore import (
    METHODS,
    GraphStoreRequest,
    join_address,
    mint_graph,
    read_body_format,
    read_boundary,
    read_graph_store,
    write_status,
)
from peninsula.negotiation import choose
from peninsula.protocol import FORM, UPDATE, parse_parameters

PERSON = "http://www.example/gsp/person/1.ttl"
GRAPH = f"graph={quote(PERSON, safe='')}"
TTL = "text/turtle; charset=utf-8"
MULTIPART = "multipart/form-data; boundary=a6fe4cd636164618814be9f8d3d1a0de"
Request = GraphStoreRequest


def read(
    method: str, query_string: str = "", content_type: str | None = None, direct: str | None = None
) -> Request:
    pairs = parse_parameters(query_string.encode())
    return read_graph_store(method, pairs, content_type, direct=direct)


@pytest.mark.parametrize(
    ("method", "query_string", "content_type", "expected"),
    [
        ("GET", GRAPH, None, Request("GET", "named", PERSON)),
        ("HEAD", GRAPH, None, Request("HEAD", "named", PERSON)),
        ("GET", f"graph={PERSON}", None, Request("GET", "named", PERSON)),
        ("GET", "default", None, Request("GET", "default")),
        ("GET", "default=", None, Request("GET", "default")),
        ("GET", "", None, Request("GET", "dataset")),
        ("GET", "default&format=nt", None, Request("GET", "default", format="nt")),
        ("GET", "default&generation=7", None, Request("GET", "default", generation=7)),
        ("GET", "default&timeout=1.5", None, Request("GET", "default", timeout=1.5)),
        ("GET", "default", TTL, Request("GET", "default")),
        ("PUT", GRAPH, TTL, Request("PUT", "named", PERSON, "rdf", TURTLE)),
        ("PUT", "default", "application/n-triples", Request("PUT", "default", None, "rdf", NTRIPLES)),
        ("PUT", "default", "application/rdf+xml", Request("PUT", "default", None, "rdf", RDFXML)),
        ("PUT", "default", "Application/LD+JSON", Request("PUT", "default", None, "rdf", JSONLD)),
        ("PUT", "", "application/trig", Request("PUT", "dataset", None, "rdf", TRIG)),
        ("PUT", "", "application/n-quads", Request("PUT", "dataset", None, "rdf", NQUADS)),
        ("PUT", "", "application/ld+json", Request("PUT", "dataset", None, "rdf", JSONLD)),
        ("POST", GRAPH, TTL, Request("POST", "named", PERSON, "rdf", TURTLE)),
        ("POST", "", TTL, Request("POST", "new", None, "rdf", TURTLE)),
        ("POST", "", "application/trig", Request("POST", "dataset", None, "rdf", TRIG)),
        (
            "POST", GRAPH, MULTIPART,
            Request("POST", "named", PERSON, "multipart", boundary="a6fe4cd636164618814be9f8d3d1a0de"),
        ),
        ("POST", "", MULTIPART, Request("POST", "new", None, "multipart", boundary="a6fe4cd636164618814be9f8d3d1a0de")),
        ("DELETE", GRAPH, None, Request("DELETE", "named", PERSON)),
        ("DELETE", "default", None, Request("DELETE", "default")),
        ("DELETE", "", None, Request("DELETE", "dataset")),
        ("PATCH", GRAPH, UPDATE, Request("PATCH", "named", PERSON, "update")),
        ("PATCH", "", "application/rdf-patch", Request("PATCH", "dataset", None, "patch")),
        ("PATCH", "default", "text/rdf-patch; charset=utf-8", Request("PATCH", "default", None, "patch")),
        ("DELETE", f"{GRAPH}&dry-run", None, Request("DELETE", "named", PERSON, is_dry_run=True)),
        ("PUT", f"{GRAPH}&dry-run&format=json", TTL, Request("PUT", "named", PERSON, "rdf", TURTLE, format="json", is_dry_run=True)),
    ],
)  # fmt: skip
def test_indirect(
    method: str, query_string: str, content_type: str | None, expected: Request
) -> None:
    assert read(method, query_string, content_type) == expected


def test_direct() -> None:
    assert read("PUT", "", TTL, PERSON) == Request("PUT", "named", PERSON, "rdf", TURTLE)
    assert read("GET", "format=nt", None, PERSON) == Request("GET", "named", PERSON, format="nt")
    assert read("POST", "", MULTIPART, PERSON).graph == PERSON


def test_escapes_in_a_graph_name_are_kept() -> None:
    # The W3C's put_get_uri_pct_encoded_twice: decoded once, by the form encoding, never more.
    once, twice = "http://www.example/gsp/person/1.ttl", "http://www.example/gsp/person/%31.ttl"
    assert read("GET", f"graph={twice}").graph == once
    assert read("GET", "graph=http://www.example/gsp/person/%2531.ttl").graph == twice
    assert join_address("http", "www.example", "/gsp/person/%31.ttl?format=nt") == twice


@pytest.mark.parametrize(
    ("method", "query_string", "content_type", "direct", "words"),
    [
        ("GET", f"{GRAPH}&default", None, None, "Both"),
        ("GET", f"{GRAPH}&{GRAPH}", None, None, "more than once"),
        ("GET", "default&default", None, None, "more than once"),
        ("GET", "default=no", None, None, "takes no value"),
        ("GET", "graph=", None, None, "not an absolute IRI"),
        ("GET", "graph=person/1", None, None, "not an absolute IRI"),
        ("GET", "graph=default", None, None, "not an absolute IRI"),
        ("GET", "graph=http://a/b%20c", None, None, "not an absolute IRI"),
        ("GET", "graph=http://a/b%0D%0AX-Y:1", None, None, "not an absolute IRI"),
        ("GET", "graph=http://a/%3E", None, None, "not an absolute IRI"),
        ("GET", GRAPH, None, PERSON, "has no place"),
        ("GET", "default", None, PERSON, "has no place"),
        ("PUT", "version=2", TTL, PERSON, "has no place"),
        ("PUT", "", TTL, None, "No graph is named"),
        ("PUT", "", MULTIPART, None, "No graph is named"),
        ("PUT", GRAPH, None, None, "no Content-Type"),
        ("POST", GRAPH, "", None, "no Content-Type"),
        ("POST", GRAPH, "multipart/form-data", None, "no boundary"),
        ("GET", f"{GRAPH}&dry-run", None, None, "does not go with GET"),
        ("PUT", f"{GRAPH}&dry-run=1", TTL, None, "neither true nor false"),
        ("PUT", f"{GRAPH}&format=nt", TTL, None, "no answer to write"),
        ("PUT", f"{GRAPH}&generation=3", TTL, None, "cannot be written"),
        ("DELETE", f"{GRAPH}&generation=3", None, None, "cannot be written"),
        ("GET", "default&generation=x", None, None, "generation"),
        ("GET", "default&timeout=0", None, None, "timeout"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_protocol_is_refused(
    method: str, query_string: str, content_type: str | None, direct: str | None, words: str
) -> None:
    with pytest.raises(ProtocolError, match=words) as caught:
        read(method, query_string, content_type, direct)
    assert caught.value.status == 400
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("method", "content_type"),
    [
        ("PUT", FORM), ("POST", "text/csv"), ("POST", "turtle"), ("PUT", "text/html"), ("PUT", UPDATE),
        ("PUT", "text/turtle; charset=latin-1"), ("PATCH", TTL), ("PATCH", None), ("PUT", "*/*"),
        ("PATCH", f"{UPDATE}; charset=utf-16"),
    ],
)  # fmt: skip
def test_other_content_types_are_refused(method: str, content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        read(method, GRAPH, content_type)
    assert caught.value.status == 415


@pytest.mark.parametrize("method", ["OPTIONS", "QUERY", "TRACE", "put"])
def test_other_methods_are_refused(method: str) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        read(method, GRAPH, TTL)
    assert caught.value.headers() == {"Allow": ", ".join(METHODS)}


def test_a_request_knows_what_it_may_be_answered_with_and_hold() -> None:
    assert read("GET").offered == DATASET_FORMATS
    assert read("GET", GRAPH).offered == GRAPH_FORMATS
    assert read("PUT", "", "application/trig").takes_named_graphs
    assert not read("PUT", GRAPH, "application/trig").takes_named_graphs
    assert [m for m in METHODS if read(m, GRAPH, UPDATE if m == "PATCH" else TTL).replaces] == [
        "PUT",
        "DELETE",
    ]
    accept = "text/turtle; charset=utf-8"  # as the W3C's HEAD requests say it
    assert choose(accept, read("HEAD", GRAPH).offered) is TURTLE


@pytest.mark.parametrize(
    ("method", "query_string", "content_type", "existed", "status"),
    [
        ("PUT", GRAPH, TTL, False, 201),
        ("PUT", GRAPH, TTL, True, 204),
        ("PUT", "default", TTL, False, 204),
        ("POST", GRAPH, TTL, False, 201),
        ("POST", GRAPH, MULTIPART, True, 204),
        ("POST", "", TTL, False, 201),
        ("POST", "", "application/trig", True, 204),
        ("DELETE", GRAPH, None, True, 204),
        ("DELETE", GRAPH, None, False, 404),
        ("DELETE", "default", None, False, 204),
        ("PATCH", GRAPH, UPDATE, True, 204),
    ],
)  # fmt: skip
def test_the_status_of_a_change(
    method: str, query_string: str, content_type: str | None, existed: bool, status: int
) -> None:
    assert write_status(read(method, query_string, content_type), existed=existed) == status


def test_a_new_graph_is_named_by_its_own_address() -> None:
    graphs = {mint_graph(address) for address in ("http://a/store", "http://a/store/") * 50}
    assert len(graphs) == 100
    for graph in graphs:
        assert graph.startswith("http://a/store/")
        assert read("GET", "", None, graph).graph == graph


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", "abc"),
        ('multipart/form-data; charset=utf-8; Boundary="a b:c"; x=y', "a b:c"),
        ("multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW"),
    ],
)  # fmt: skip
def test_the_boundary_is_read(content_type: str, boundary: str) -> None:
    assert read_boundary(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data; boundary=", "multipart/form-data; boundary=é", f"multipart/form-data; boundary={'a' * 71}", None],
)  # fmt: skip
def test_a_boundary_that_is_none_is_refused(content_type: str | None) -> None:
    with pytest.raises(ProtocolError, match="boundary"):
        read_boundary(content_type)


@given(
    st.sampled_from([*METHODS, "QUERY"]),
    st.lists(st.tuples(st.sampled_from(["graph", "default", "format", "dry-run", "generation", "timeout", "x"]), st.text(max_size=20))),
    st.one_of(st.none(), st.sampled_from([TTL, MULTIPART, UPDATE, "application/trig"]), st.text(max_size=40)),
    st.one_of(st.none(), st.text(max_size=30)),
)  # fmt: skip
def test_whatever_is_sent_is_read_or_refused_with_a_reason(
    method: str, pairs: list[tuple[str, str]], content_type: str | None, direct: str | None
) -> None:
    refusal: ProtocolError | None = None
    try:
        asked = read_graph_store(method, pairs, content_type, direct=direct)
    except ProtocolError as error:
        refusal = error
    else:
        assert (asked.target == "named") == (asked.graph is not None)
        assert (asked.payload == "rdf") == (asked.body_format is not None)
    if refusal is not None:
        assert 400 <= refusal.status < 500
        assert refusal.remedy


@pytest.mark.parametrize(
    ("content_type", "filename", "expected"),
    [
        ("text/turtle", "a.nt", TURTLE),
        (None, "a.NT", NTRIPLES),
        ("application/octet-stream", "people.trig", TRIG),
    ],
)
def test_a_part_without_a_type_is_known_by_its_name(
    content_type: str | None, filename: str, expected: Format
) -> None:
    assert read_body_format(content_type, filename) is expected
    with pytest.raises(ProtocolError, match="no Content-Type"):
        read_body_format(None, "a.exe")


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_an_address_is_always_an_iri(path: str) -> None:
    address = join_address("http", "a.example", f"/store/{path}")
    assert read("GET", "", None, address).graph == address
