"""The log: one line an event, whatever the values are."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.logs import JsonFormatter, TextFormatter, configure, hash_query, log_request

FIELD = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def read_text(line: str) -> dict[str, str]:
    assert FIELD.sub("", line).strip() == ""
    return {name: quoted or plain for name, quoted, plain in FIELD.findall(line)}


def test_a_request_is_one_line_of_text(stream: io.StringIO) -> None:
    configure("text", stream)
    log_request(
        "GET", "/sparql", 200, 0.0123, bytes=17, query=hash_query("ASK {}"), rows=1, token=None
    )
    fields = read_text(stream.getvalue().removesuffix("\n"))
    time = fields.pop("time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert fields == {
        "level": "info", "event": "request", "method": "GET", "path": "/sparql", "status": "200",
        "ms": "12.3", "bytes": "17", "query": hash_query("ASK {}"), "rows": "1",
    }  # fmt: skip
    assert re.fullmatch("[0-9a-f]{12}", fields["query"])


def test_a_request_is_one_line_of_json(stream: io.StringIO) -> None:
    configure("json", stream)
    log_request("POST", "/갱신", 503, 1.5, outcome="overloaded")
    fields = json.loads(stream.getvalue())
    assert fields["level"] == "error"
    assert (fields["path"], fields["status"], fields["ms"]) == ("/갱신", 503, 1500.0)


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_is_one_record_with_its_traceback(stream: io.StringIO, form: str) -> None:
    configure(form, stream)
    try:
        raise LookupError("what\nnow")
    except LookupError as error:
        log_request("GET", "/", 500, 0.1, error=error)
        logging.getLogger("peninsula.app").exception("failed")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "Traceback" in line and "test_logs.py" in line and "LookupError" in line


def test_configuring_twice_writes_once(stream: io.StringIO) -> None:
    configure("text", stream)
    configure("json", stream)
    logging.getLogger("waitress").warning("careful with %s", "that")
    fields = json.loads(stream.getvalue())
    assert (fields["logger"], fields["event"]) == ("waitress", "careful with that")


def format_with(formatter: logging.Formatter, fields: dict[str, Any], message: str = "m") -> str:
    record = logging.makeLogRecord({"msg": message, "fields": fields, "levelname": "INFO"})
    return formatter.format(record)


@pytest.mark.parametrize(
    "value",
    ["a\nlevel=error", "a\r\nb", 'a" status=200 "', "\x1b[2J", "a\u2028b", "\u202eb", "\x85", "\ud800", "\\", ""],
)  # fmt: skip
def test_a_value_cannot_write_a_line_or_a_field_of_its_own(value: str) -> None:
    text = format_with(TextFormatter(), {"path": value})
    assert text.isprintable()
    assert set(read_text(text)) == {"time", "level", "event", "path"}
    as_json = format_with(JsonFormatter(), {"path": value})
    assert as_json.isprintable()
    assert json.loads(as_json)["path"] == value


@given(st.text(st.characters(exclude_categories=[])))
def test_any_value_stays_in_its_field(value: str) -> None:
    text = format_with(TextFormatter(), {"path": value, "status": 200}, value)
    assert len(text.splitlines()) == 1
    fields = read_text(text)
    assert set(fields) == {"time", "level", "event", "path", "status"}
    assert fields["status"] == "200"
    assert json.loads(format_with(JsonFormatter(), {"path": value}))["path"] == (
        value if len(value) <= 500 else value[:500] + "…"
    )


def test_a_long_value_is_cut() -> None:
    assert len(format_with(TextFormatter(), {"path": "a" * 100_000})) < 700
