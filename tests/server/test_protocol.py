"""A request is read by the letter of the SPARQL 1.1 Protocol."""

from __future__ import annotations

import pytest

from peninsula.errors import ProtocolError, UnsupportedMediaType
from peninsula.protocol import FORM, QUERY, UPDATE, QueryRequest, read_query

ASK = "ASK {}"


def test_get() -> None:
    asked = read_query("GET", [("query", ASK), ("format", "csv")])
    assert asked == QueryRequest(ASK, format="csv")


def test_get_without_query_asks_for_the_description() -> None:
    assert read_query("GET", []) is None
    assert read_query("GET", [("format", "turtle")]) is None


def test_post_form() -> None:
    body = b"query=ASK%20%7B%7D&default-graph-uri=http://a/1&default-graph-uri=http://a/2"
    asked = read_query("POST", [], FORM, body)
    assert asked == QueryRequest(ASK, ("http://a/1", "http://a/2"))


def test_post_form_keeps_percent_and_plus() -> None:
    asked = read_query("POST", [], FORM, b"query=ASK+%7B+%3Fs+%3Fp+%22100%2525%2B%22+%7D")
    assert asked is not None
    assert asked.query == 'ASK { ?s ?p "100%25+" }'


def test_post_direct_takes_the_dataset_from_the_address() -> None:
    pairs = [("named-graph-uri", "http://a/1"), ("default-graph-uri", "http://a/2")]
    asked = read_query("POST", pairs, f"{QUERY}; charset=utf-8", ASK.encode())
    assert asked == QueryRequest(ASK, ("http://a/2",), ("http://a/1",))


@pytest.mark.parametrize(
    ("method", "pairs", "content_type", "body", "words"),
    [
        ("GET", [("query", ASK), ("query", ASK)], None, b"", "more than once"),
        ("GET", [("query", "  ")], None, b"", "no query"),
        ("GET", [("query", ASK), ("default-graph-uri", "x")], None, b"", "absolute IRI"),
        ("GET", [("update", "CLEAR ALL")], None, b"", "belongs to an update"),
        ("GET", [("query", ASK), ("using-graph-uri", "http://a")], None, b"", "update"),
        ("POST", [], FORM, b"", "no query"),
        ("POST", [], FORM, b"query=ASK{}&query=ASK{}", "more than once"),
        ("POST", [], FORM, b"update=CLEAR+ALL", "belongs to an update"),
        ("POST", [("query", ASK)], FORM, b"query=ASK{}", "in the address"),
        (
            "POST",
            [("default-graph-uri", "http://a")],
            FORM,
            b"query=ASK{}&default-graph-uri=http://b",
            "in the address",
        ),
        ("POST", [("query", ASK)], QUERY, b"ASK {}", "twice"),
        ("POST", [], QUERY, b"", "no query"),
        ("POST", [], QUERY, b"ASK { ?s ?p '\xff' }", "not UTF-8"),
        ("POST", [], QUERY, "ASK {}".encode("utf-16"), "not UTF-8"),
    ],
)
def test_what_is_not_of_the_protocol_is_refused(
    method: str, pairs: list[tuple[str, str]], content_type: str | None, body: bytes, words: str
) -> None:
    with pytest.raises(ProtocolError, match=words) as caught:
        read_query(method, pairs, content_type, body)
    assert caught.value.status == 400
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/json", UPDATE, "multipart/form-data", f"{QUERY}; charset=latin-1"],
)  # fmt: skip
def test_other_content_types_are_refused(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        read_query("POST", [], content_type, b"ASK {}")
    assert caught.value.status == 415
