"""What does this HTTP request ask, by the SPARQL 1.1 Protocol?

Pure: method, parameters, content type and body in, a :class:`QueryRequest` out.
https://www.w3.org/TR/sparql11-protocol/#query-operation
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

import pyoxigraph as ox

from peninsula.errors import ProtocolError, UnsupportedMediaType

FORM: Final = "application/x-www-form-urlencoded"
QUERY: Final = "application/sparql-query"
UPDATE: Final = "application/sparql-update"
_ONCE: Final = ("query", "format")
_UPDATE_ONLY: Final = ("update", "using-graph-uri", "using-named-graph-uri")

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class QueryRequest:
    """A query and the dataset it is to see; no graph named means the query's own choice."""

    query: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    format: str | None = None


def read_query(
    method: str, parameters: Pairs, content_type: str | None = None, body: bytes = b""
) -> QueryRequest | None:
    """Return what the request asks, or None for a GET without any query."""
    pairs = list(parameters)
    if method in {"GET", "HEAD"}:
        _refuse_update(pairs)
        if not any(name == "query" for name, _ in pairs):
            return None
        return _read_pairs(pairs)
    media_type, charset = _read_content_type(content_type)
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType(
            f"The body is in the character set “{charset}”.", "Send it in UTF-8."
        )
    if media_type == FORM:
        return _read_form(pairs, body)
    if media_type == QUERY:
        return _read_direct(pairs, body)
    if media_type == UPDATE:
        raise UnsupportedMediaType(
            "This address takes queries, not updates.",
            f"Send a query as {QUERY}, or as the form field “query”.",
        )
    raise UnsupportedMediaType(
        f"A query cannot be sent as “{media_type or 'nothing'}”.",
        f"Set Content-Type to {QUERY} with the query as body, or to {FORM} with query=…",
    )


def _read_form(url_pairs: list[tuple[str, str]], body: bytes) -> QueryRequest:
    pairs = parse_qsl(_decode(body), keep_blank_values=True, encoding="utf-8", errors="strict")
    in_form = {name for name, _ in pairs}
    for name, _ in url_pairs:
        if name == "query" or name in in_form:
            raise ProtocolError(
                f"“{name}” stands in the address of a form request.",
                "Put every parameter into the form (SPARQL 1.1 Protocol, section 2.1.2).",
            )
    # The W3C's own tests name the dataset of a form request in the address.
    pairs += url_pairs
    _refuse_update(pairs)
    return _read_pairs(pairs)


def _read_direct(pairs: list[tuple[str, str]], body: bytes) -> QueryRequest:
    _refuse_update(pairs)
    if any(name == "query" for name, _ in pairs):
        raise ProtocolError(
            "The query stands twice: in the body and in the address.", "Send it once."
        )
    return _read_pairs([*pairs, ("query", _decode(body))])


def _read_pairs(pairs: Sequence[tuple[str, str]]) -> QueryRequest:
    for name in _ONCE:
        if sum(name == other for other, _ in pairs) > 1:
            raise ProtocolError(f"“{name}” is given more than once.", "Give it once.")
    values = dict(pairs)
    if not values.get("query", "").strip():
        raise ProtocolError("There is no query.", "Send it as the parameter “query”.")
    return QueryRequest(
        values["query"],
        tuple(_read_iri(name, v) for name, v in pairs if name == "default-graph-uri"),
        tuple(_read_iri(name, v) for name, v in pairs if name == "named-graph-uri"),
        values.get("format") or None,
    )


def _refuse_update(pairs: Pairs) -> None:
    for name, _ in pairs:
        if name in _UPDATE_ONLY:
            raise ProtocolError(
                f"“{name}” belongs to an update.", "This address takes queries: send “query”."
            )


def _read_iri(name: str, value: str) -> str:
    try:
        return ox.NamedNode(value).value
    except ValueError as error:
        raise ProtocolError(
            f"{name}: “{value}” is not an absolute IRI ({error}).", "Write it in full."
        ) from None


def _read_content_type(content_type: str | None) -> tuple[str, str]:
    """Return media type and character set, in lower case."""
    media_type, *options = (content_type or "").split(";")
    for option in options:
        name, _, value = option.partition("=")
        if name.strip().lower() == "charset":
            return media_type.strip().lower(), value.strip().strip('"').lower()
    return media_type.strip().lower(), ""


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(
            f"The body is not UTF-8: byte {error.start} cannot be read.", "Send it in UTF-8."
        ) from None
