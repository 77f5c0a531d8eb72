"""What does the log say, and in which form?

One line an event on stderr: ``key=value`` or JSON. A request's line says what was asked by the
hash of a query, never its text; tokens and parameters are not in it. Every value is escaped, so
that no client writes lines of its own.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from peninsula.errors import PeninsulaError

#: The logger of requests; the others bear the names of their modules.
REQUESTS: Final = "peninsula.requests"

_LONGEST: Final = 500
_LONGEST_TRACEBACK: Final = 20_000
# All that could end a line, move a terminal's cursor or turn the direction of writing.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_PLAIN: Final = re.compile(r"[^\s\"=\\]+")
_requests: Final = logging.getLogger(REQUESTS)


def hash_query(text: str) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of a query's text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def log_request(
    method: str,
    path: str,
    status: int,
    seconds: float,
    *,
    error: BaseException | None = None,
    **more: Any,
) -> None:
    """Write the line of a request.

    ``path`` is without its query string, where parameters and queries are. ``more`` may be
    route, bytes, query (of :func:`hash_query`), generation, rows, outcome, token (its name) and
    the like; what is None is left out. ``error`` puts its traceback into the line. A status of
    500 and above is an error, the rest information.
    """
    level = logging.ERROR if status >= 500 else logging.INFO
    if not _requests.isEnabledFor(level):
        return
    fields = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 2)}
    fields |= {name: value for name, value in more.items() if value is not None}
    # Made here, because the logger would look for the caller, which takes longer than the rest.
    info = (type(error), error, error.__traceback__) if error else None
    extra = {"fields": fields}
    _requests.handle(
        _requests.makeRecord(REQUESTS, level, __file__, 0, "request", (), info, extra=extra)
    )


def configure(format: str = "text", stream: TextIO | None = None) -> None:
    """Send what is logged from INFO on to ``stream`` (default: stderr), as “text” or “json”.

    Replaces what an earlier call set up; other handlers of the root logger stay.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    for other in [other for other in root.handlers if isinstance(other, _Handler)]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


class _Handler(logging.StreamHandler[TextIO]):
    """The handler that :func:`configure` puts in place."""


class TextFormatter(logging.Formatter):
    """``time=… level=… logger=… event=… key=value``, values quoted where they need it."""

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{name}={_quote(value)}" for name, value in _fields(record).items())


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the same fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: _plain(value) for name, value in _fields(record).items()}
        return json.dumps(fields)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    time = datetime.fromtimestamp(record.created, UTC)
    fields: dict[str, Any] = {
        "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
    }
    more = getattr(record, "fields", None)
    if isinstance(more, Mapping):
        fields["event"] = record.getMessage()
        fields |= more
    else:
        fields |= {"logger": record.name, "event": record.getMessage()}
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, PeninsulaError):
        # What may happen to any answer under way: its query took too long, or was ended.
        fields |= {"error": error.slug(), "detail": str(error)}
    elif record.exc_info:
        fields["traceback"] = _Traceback(logging.Formatter().formatException(record.exc_info))
    return fields


class _Traceback(str):
    """A text that may be longer than others."""

    __slots__ = ()


def _plain(value: Any) -> Any:
    """Return a value for JSON: numbers as they are, everything else a text without surprises."""
    if isinstance(value, (bool, int, float)):
        return value if value == value and abs(value) != float("inf") else str(value)  # noqa: PLR0124
    return _shorten(value)


def _quote(value: Any) -> str:
    text = _shorten(value)
    if _PLAIN.fullmatch(text) and not _UNSAFE.search(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{_escape(escaped)}"'


def _shorten(value: Any) -> str:
    text = str(value)
    longest = _LONGEST_TRACEBACK if isinstance(value, _Traceback) else _LONGEST
    if len(text) <= longest:
        return text
    # Of a traceback, the end says what happened.
    return f"…{text[-longest:]}" if isinstance(value, _Traceback) else f"{text[:longest]}…"


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
