"""A request is read by the letter of the SPARQL 1.1 Protocol."""

from __future__ import annotations

import pytest

from peninsula.errors import MethodNotAllowed, ProtocolError, UnsupportedMediaType
from peninsula.policy import tokenize
from peninsula.protocol import (
    FORM,
    QUERY,
    UPDATE,
    QueryRequest,
    UpdateRequest,
    check_dataset,
    parse_parameters,
    read_number,
    read_query,
    read_update,
)

ASK = "ASK {}"
CLEAR = "CLEAR ALL"
G1, G2 = "http://kasei.us/2009/09/sparql/data/data1.rdf", "http://example/people"
Pairs = list[tuple[str, str]]


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


@pytest.mark.parametrize(
    ("content_type", "body"), [(QUERY, b"ASK {}"), (FORM, b"query=ASK+%7B%7D")]
)
def test_the_method_query_takes_what_post_takes(content_type: str, body: bytes) -> None:
    pairs = [("default-graph-uri", G1)]
    assert read_query("QUERY", pairs, content_type, body) == QueryRequest(ASK, (G1,))


def test_the_method_query_needs_a_body_of_a_known_type() -> None:
    with pytest.raises(UnsupportedMediaType):
        read_query("QUERY", [("query", ASK)], None, b"")
    with pytest.raises(ProtocolError, match="twice"):
        read_query("QUERY", [("query", ASK)], QUERY, b"ASK {}")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "get"])
def test_another_method_is_refused_with_those_that_are_taken(method: str) -> None:
    with pytest.raises(MethodNotAllowed, match=method) as caught:
        read_query(method, [("query", ASK)], FORM)
    assert caught.value.status == 405
    assert caught.value.headers() == {"Allow": "GET, HEAD, POST, QUERY"}
    with pytest.raises(MethodNotAllowed) as caught:
        read_update(method, [("update", CLEAR)])
    assert caught.value.headers() == {"Allow": "POST"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30.0), ("2.5", 2.5), (".5", 0.5), (" 1. ", 1.0)]
)
def test_timeout_is_in_seconds(text: str, seconds: float) -> None:
    asked = read_query("GET", [("query", ASK), ("timeout", text)])
    assert asked is not None
    assert asked.timeout == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0.0", "-1", "+1", "1e3", "inf", "nan", "1s", "٣", "1_0", ".", "1" * 400]
)
def test_a_timeout_that_is_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError, match="timeout"):
        read_query("GET", [("query", ASK), ("timeout", text)])
    with pytest.raises(ProtocolError, match="timeout"):
        read_update("POST", [("timeout", text)], UPDATE, CLEAR.encode())


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("000042", 42)])
def test_generation_is_a_number(text: str, number: int) -> None:
    asked = read_query("POST", [], FORM, f"query=ASK{{}}&generation={text}".encode())
    assert asked is not None
    assert asked.generation == number


@pytest.mark.parametrize("text", ["", "0", "-1", "1.0", "newest", "٣", "1_0", "../1", "9" * 5000])
def test_a_generation_that_is_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError, match="generation"):
        read_query("GET", [("query", ASK), ("generation", text)])


def test_several_formats_are_a_choice() -> None:
    pairs = [("query", ASK), ("format", "json-ld"), ("format", "application/ld+json,text/x")]
    asked = read_query("GET", pairs)
    assert asked
    assert asked.format == "json-ld,application/ld+json,text/x"


@pytest.mark.parametrize("name", ["query", "timeout", "generation"])
def test_what_may_be_given_once_is_refused_twice(name: str) -> None:
    pairs = [("query", ASK), ("format", "csv"), ("timeout", "1"), ("generation", "1")]
    with pytest.raises(ProtocolError, match=f"“{name}” is given more than once"):
        read_query("GET", [*pairs, (name, "1")])


@pytest.mark.parametrize(
    ("content_type", "pairs", "body", "expected"),
    [
        (FORM, [], b"update=CLEAR+ALL", UpdateRequest(CLEAR)),
        (UPDATE, [], b"CLEAR ALL", UpdateRequest(CLEAR)),
        (f"{UPDATE}; charset=UTF-8", [], b"CLEAR ALL", UpdateRequest(CLEAR)),
        (UPDATE, [("using-graph-uri", G1)], b"CLEAR ALL", UpdateRequest(CLEAR, (G1,))),
        (
            UPDATE,
            [("using-graph-uri", G1), ("using-graph-uri", G2)],
            b"CLEAR ALL",
            UpdateRequest(CLEAR, (G1, G2)),
        ),
        (
            UPDATE,
            [("using-graph-uri", G1), ("using-named-graph-uri", G2)],
            b"CLEAR ALL",
            UpdateRequest(CLEAR, (G1,), (G2,)),
        ),
        (FORM, [("using-named-graph-uri", G2)], b"update=CLEAR+ALL", UpdateRequest(CLEAR, (), (G2,))),
        (
            FORM,
            [],
            b"update=CLEAR+ALL&using-graph-uri=http%3A%2F%2Fexample%2Fpeople",
            UpdateRequest(CLEAR, (G2,)),
        ),
        (UPDATE, [("dry-run", "")], b"CLEAR ALL", UpdateRequest(CLEAR, is_dry_run=True)),
        (UPDATE, [("dry-run", "true")], b"CLEAR ALL", UpdateRequest(CLEAR, is_dry_run=True)),
        (UPDATE, [("dry-run", "false")], b"CLEAR ALL", UpdateRequest(CLEAR)),
        (FORM, [], b"update=CLEAR+ALL&dry-run", UpdateRequest(CLEAR, is_dry_run=True)),
        (
            UPDATE,
            [("dry-run", ""), ("format", "json"), ("timeout", "3")],
            b"CLEAR ALL",
            UpdateRequest(CLEAR, format="json", is_dry_run=True, timeout=3.0),
        ),
    ],
)  # fmt: skip
def test_update_is_read(
    content_type: str, pairs: Pairs, body: bytes, expected: UpdateRequest
) -> None:
    assert read_update("POST", pairs, content_type, body) == expected


@pytest.mark.parametrize(
    ("pairs", "content_type", "body", "words"),
    [
        ([], FORM, b"update=CLEAR+NAMED&update=CLEAR+DEFAULT", "more than once"),
        ([], FORM, b"", "no update"),
        ([], UPDATE, b"  ", "no update"),
        ([("update", CLEAR)], FORM, b"update=CLEAR+ALL", "in the address"),
        ([("update", CLEAR)], FORM, b"", "in the address"),
        ([("update", CLEAR)], UPDATE, b"CLEAR ALL", "twice"),
        ([("query", ASK)], UPDATE, b"CLEAR ALL", "belongs to a query"),
        ([], FORM, b"update=CLEAR+ALL&query=ASK{}", "belongs to a query"),
        ([("default-graph-uri", G1)], UPDATE, b"CLEAR ALL", "belongs to a query"),
        ([("named-graph-uri", G1)], UPDATE, b"CLEAR ALL", "belongs to a query"),
        ([("using-graph-uri", "people")], UPDATE, b"CLEAR ALL", "absolute IRI"),
        ([("using-named-graph-uri", "")], UPDATE, b"CLEAR ALL", "absolute IRI"),
        ([("generation", "3")], UPDATE, b"CLEAR ALL", "past"),
        ([("format", "json")], UPDATE, b"CLEAR ALL", "no answer to write"),
        ([("format", "json"), ("dry-run", "false")], UPDATE, b"CLEAR ALL", "no answer"),
        ([("dry-run", "yes")], UPDATE, b"CLEAR ALL", "neither true nor false"),
        ([("dry-run", "TRUE")], UPDATE, b"CLEAR ALL", "neither true nor false"),
        ([("dry-run", ""), ("dry-run", "false")], UPDATE, b"CLEAR ALL", "more than once"),
        ([("dry-run", "false")], FORM, b"update=CLEAR+ALL&dry-run=true", "in the address"),
        ([], UPDATE, "CLEAR NAMED".encode("utf-16"), "not UTF-8"),
        ([], FORM, b"update=%FF", "not UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_update_request_is_refused(
    pairs: Pairs, content_type: str, body: bytes, words: str
) -> None:
    with pytest.raises(ProtocolError, match=words) as caught:
        read_update("POST", pairs, content_type, body)
    assert caught.value.status == 400
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", QUERY, "multipart/form-data", f"{UPDATE}; charset=UTF-16"],
)
def test_other_content_types_of_updates_are_refused(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        read_update("POST", [], content_type, b"CLEAR NAMED")
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("update", "conflicts"),
    [
        (f"WITH <{G1}> DELETE {{ ?s ?p 'Bill' }} WHERE {{ ?s ?p ?o }}", True),
        (f"DELETE {{ ?s ?p 'Bill' }} USING NAMED <{G1}> WHERE {{ ?s ?p ?o }}", True),
        ("INSERT DATA { <http://a> <http://b> 'USING WITH' } # WITH", False),
    ],
)
def test_a_dataset_in_protocol_and_text_is_refused(update: str, conflicts: bool) -> None:
    asked = read_update("POST", [("using-named-graph-uri", G2)], UPDATE, update.encode())
    names_dataset = any(t.kind == "word" and t.upper in {"USING", "WITH"} for t in tokenize(update))
    assert names_dataset == conflicts
    if conflicts:
        with pytest.raises(ProtocolError, match="twice"):
            check_dataset(asked, names_dataset=names_dataset)
    else:
        check_dataset(asked, names_dataset=names_dataset)
    check_dataset(read_update("POST", [], UPDATE, update.encode()), names_dataset=names_dataset)


def test_parameters_are_read_strictly() -> None:
    assert parse_parameters(b"default&a=%C3%A9+%2B&a=") == [
        ("default", ""),
        ("a", "é +"),
        ("a", ""),
    ]
    for query_string in (b"a=%FF", b"a=\xff"):
        with pytest.raises(ProtocolError, match="not UTF-8"):
            parse_parameters(query_string)


def test_a_form_with_escapes_that_are_not_utf_8_is_refused() -> None:
    with pytest.raises(ProtocolError, match="not UTF-8"):
        read_query("POST", [], FORM, b"query=ASK+%7B%7D&format=%E9")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7), ("007", 7), ("1000", 1000), ("1001", None), ("0", None), ("", None),
        ("-1", None), ("1e3", None), ("٣", None), ("²", None),
        # Whoever writes more digits means no number of ours.
        (f"{1:018}{0:05000}", None), (f"{7:05000}", None),
    ],
)  # fmt: skip
def test_a_number_is_read_within_bounds(text: str, number: int | None) -> None:
    assert read_number(text, 1, 1000) == number
