"""What does this HTTP request ask or change, by the SPARQL 1.1 Protocol?

Pure: method, parameters, content type and body in, a :class:`QueryRequest` or an
:class:`UpdateRequest` out. Queries come by GET, POST, or the HTTP method QUERY.
https://www.w3.org/TR/sparql11-protocol/#query-operation (2.1), #update-operation (2.2);
https://datatracker.ietf.org/doc/draft-ietf-httpbis-safe-method-w-body/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import pyoxigraph as ox

from peninsula.errors import MethodNotAllowed, ProtocolError, UnsupportedMediaType

FORM: Final = "application/x-www-form-urlencoded"
QUERY: Final = "application/sparql-query"
UPDATE: Final = "application/sparql-update"
#: The value of the header Accept-Query: what a request by the method QUERY may carry.
ACCEPT_QUERY: Final = f"{QUERY}, {FORM}"
QUERY_METHODS: Final = ("GET", "HEAD", "POST", "QUERY")
UPDATE_METHODS: Final = ("POST",)

_ONCE: Final = ("query", "update", "format", "timeout", "generation", "services", "dry-run")
_QUERY_ONLY: Final = ("query", "default-graph-uri", "named-graph-uri")
_UPDATE_ONLY: Final = ("update", "using-graph-uri", "using-named-graph-uri", "dry-run")
#: Who answers SERVICE: the service, what is kept of it, or that where the service does not answer.
SERVICES: Final = ("live", "snapshot", "fallback")
_UTF_8: Final = frozenset(["", "utf-8", "utf8", "us-ascii"])
_SECONDS: Final = re.compile(r"\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}", re.ASCII)
#: Digits of a number that is read; to read very many takes long.
_MOST_DIGITS: Final = 18

Pairs = Iterable[tuple[str, str]]


class _Operation(NamedTuple):
    """What a body may hold, and how it is spoken of."""

    name: str
    title: str
    plural: str
    media_type: str


_QUERY: Final = _Operation("query", "a query", "queries", QUERY)
_UPDATE: Final = _Operation("update", "an update", "updates", UPDATE)


@dataclass(frozen=True)
class QueryRequest:
    """A query and the dataset it is to see; no graph named means the query's own choice.

    ``format`` names one, or several with commas between, of which the first on offer is meant.
    ``timeout`` is in seconds; ``generation`` is the number of the one to ask, None the newest.
    ``services`` says who answers SERVICE: live, snapshot, or fallback.
    """

    query: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    format: str | None = None
    timeout: float | None = None
    generation: int | None = None
    services: str = "live"


@dataclass(frozen=True)
class UpdateRequest:
    """An update and the dataset that its WHERE is to see; ``format`` is that of a dry run's delta.

    The graphs are those of the protocol, and stand in the place of USING.
    """

    update: str
    using_graphs: tuple[str, ...] = ()
    using_named_graphs: tuple[str, ...] = ()
    format: str | None = None
    is_dry_run: bool = False
    timeout: float | None = None

    @property
    def has_dataset(self) -> bool:
        return bool(self.using_graphs or self.using_named_graphs)


def read_query(
    method: str, parameters: Pairs, content_type: str | None = None, body: bytes = b""
) -> QueryRequest | None:
    """Return what the request asks, or None for a GET without any query.

    ``parameters`` are those of the address. Raises ProtocolError, UnsupportedMediaType,
    MethodNotAllowed.
    """
    pairs = list(parameters)
    if method not in QUERY_METHODS:
        raise MethodNotAllowed(
            f"A query cannot be sent by {method}.",
            "Send it by GET, POST or QUERY.",
            allowed=QUERY_METHODS,
        )
    if method in {"GET", "HEAD"}:
        _refuse_update(pairs)
        if not any(name == "query" for name, _ in pairs):
            return None
        return _make_query(pairs)
    pairs = _join_body(pairs, content_type, body, _QUERY, _UPDATE)
    _refuse_update(pairs)
    return _make_query(pairs)


def read_update(
    method: str, parameters: Pairs, content_type: str | None = None, body: bytes = b""
) -> UpdateRequest:
    """Return what the request changes.

    ``parameters`` are those of the address. ``dry-run`` is a flag: absent, empty, true or
    false. Raises ProtocolError, UnsupportedMediaType, MethodNotAllowed.
    """
    if method not in UPDATE_METHODS:
        raise MethodNotAllowed(
            f"An update cannot be sent by {method}.", "Send it by POST.", allowed=UPDATE_METHODS
        )
    return _make_update(_join_body(list(parameters), content_type, body, _UPDATE, _QUERY))


def check_dataset(asked: UpdateRequest, *, names_dataset: bool) -> None:
    """Refuse an update whose dataset stands twice: in the protocol, and as USING or WITH.

    ``names_dataset`` says that the text holds one of the two (Protocol, section 2.2.3).
    """
    if asked.has_dataset and names_dataset:
        raise ProtocolError(
            "The update's dataset stands twice: as USING or WITH, and as a parameter.",
            "Leave out using-graph-uri and using-named-graph-uri, or USING and WITH.",
        )


def parse_parameters(query_string: bytes) -> list[tuple[str, str]]:
    """Return the parameters of an address or a form in their order; refuses what is not UTF-8.

    ``query_string`` is as it was sent: what stands after the question mark, or the body.
    """
    try:
        text = query_string.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict")
    except UnicodeDecodeError:
        raise ProtocolError(
            "The parameters hold percent-escapes that are not UTF-8.", "Escape UTF-8 bytes."
        ) from None


def decode_body(body: bytes) -> str:
    """Return ``body`` as text; refuses what is not UTF-8."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(
            f"The body is not UTF-8: byte {error.start} cannot be read.", "Send it in UTF-8."
        ) from None


def read_content_type(content_type: str | None) -> tuple[str, str]:
    """Return media type and character set, in lower case; each is empty where it is not given."""
    media_type, *options = (content_type or "").split(";")
    for option in options:
        name, _, value = option.partition("=")
        if name.strip().lower() == "charset":
            return media_type.strip().lower(), value.strip().strip('"').lower()
    return media_type.strip().lower(), ""


def read_media_type(content_type: str | None) -> str:
    """Return the media type in lower case; refuses every character set but UTF-8 (415)."""
    media_type, charset = read_content_type(content_type)
    if charset not in _UTF_8:
        raise UnsupportedMediaType(
            f"The body is in the character set “{charset}”.", "Send it in UTF-8."
        )
    return media_type


def read_iri(name: str, value: str) -> str:
    """Return ``value``, the parameter ``name``, where it is an absolute IRI."""
    try:
        return ox.NamedNode(value).value
    except ValueError as error:
        raise ProtocolError(
            f"{name}: “{value}” is not an absolute IRI ({error}).", "Write it in full."
        ) from None


def read_flag(values: dict[str, str], name: str) -> bool:
    """Return whether the flag is up: there and empty, or “true”."""
    value = values.get(name)
    if value not in {None, "", "true", "false"}:
        raise ProtocolError(
            f"{name}: “{value}” is neither true nor false.", f"Write {name}=true, or leave it out."
        )
    return value in {"", "true"}


def read_number(text: str, least: int, most: int | None = None) -> int | None:
    """Return the whole number that ``text`` is; None where it is none, or out of bounds."""
    if not (text.isascii() and text.isdecimal()) or len(text) > _MOST_DIGITS:
        return None
    number = int(text)
    return number if least <= number and (most is None or number <= most) else None


def read_timeout(values: dict[str, str]) -> float | None:
    """Return the parameter ``timeout``, in seconds."""
    if "timeout" not in values:
        return None
    text = values["timeout"].strip()
    seconds = float(text) if _SECONDS.fullmatch(text) else 0.0
    if not seconds:
        raise ProtocolError(
            f"timeout: “{text}” is no positive number of seconds.", "Write, say, timeout=2.5."
        )
    return seconds


def read_generation(values: dict[str, str]) -> int | None:
    """Return the parameter ``generation``, the number of one."""
    if "generation" not in values:
        return None
    text = values["generation"].strip()
    number = read_number(text, 1)
    if number is None:
        raise ProtocolError(
            f"generation: “{text[:40]}” is no positive whole number.",
            "Write its number, as the header Peninsula-Generation told it.",
        )
    return number


def read_services(values: dict[str, str]) -> str:
    """Return the parameter ``services``: who answers SERVICE."""
    text = values.get("services", "").strip() or SERVICES[0]
    if text not in SERVICES:
        raise ProtocolError(
            f"services: “{text[:40]}” is nothing that can be asked.",
            f"Write {', '.join(SERVICES[:-1])} or {SERVICES[-1]}.",
        )
    return text


def refuse_repetition(pairs: Sequence[tuple[str, str]], names: Iterable[str] = _ONCE) -> None:
    """Refuse a parameter that may be given once and is given more often."""
    for name in names:
        if sum(name == other for other, _ in pairs) > 1:
            raise ProtocolError(f"“{name}” is given more than once.", "Give it once.")


def _join_body(
    pairs: list[tuple[str, str]],
    content_type: str | None,
    body: bytes,
    wanted: _Operation,
    other: _Operation,
) -> list[tuple[str, str]]:
    """Return the parameters of the address with what the body holds: a form, or the operation."""
    match read_media_type(content_type):
        case "application/x-www-form-urlencoded":
            return _join_form(pairs, body, wanted.name)
        case wanted.media_type:
            return _join_direct(pairs, body, wanted.name)
        case other.media_type:
            raise UnsupportedMediaType(
                f"This address takes {wanted.plural}, not {other.plural}.",
                f"Send {wanted.title} as {wanted.media_type}, or as the form field "
                f"“{wanted.name}”.",
            )
        case media_type:
            raise UnsupportedMediaType(
                f"{wanted.title.capitalize()} cannot be sent as “{media_type or 'nothing'}”.",
                f"Set Content-Type to {wanted.media_type} with the {wanted.name} as body, "
                f"or to {FORM} with {wanted.name}=…",
            )


def _join_form(
    url_pairs: list[tuple[str, str]], body: bytes, operation: str
) -> list[tuple[str, str]]:
    pairs = parse_parameters(body)
    in_form = {name for name, _ in pairs}
    for name, _ in url_pairs:
        if name == operation or name in in_form:
            raise ProtocolError(
                f"“{name}” stands in the address of a form request.",
                "Put every parameter into the form (SPARQL 1.1 Protocol, section 2.1.2).",
            )
    # The W3C's own tests name the dataset of a form request in the address.
    return pairs + url_pairs


def _join_direct(
    url_pairs: list[tuple[str, str]], body: bytes, operation: str
) -> list[tuple[str, str]]:
    if any(name == operation for name, _ in url_pairs):
        raise ProtocolError(
            f"The {operation} stands twice: in the body and in the address.", "Send it once."
        )
    return [*url_pairs, (operation, decode_body(body))]


def _make_query(pairs: Sequence[tuple[str, str]]) -> QueryRequest:
    # SPARQLWrapper says ?format= in all the ways that some server might know.
    refuse_repetition(pairs, [name for name in _ONCE if name != "format"])
    values = dict(pairs)
    if not values.get("query", "").strip():
        raise ProtocolError("There is no query.", "Send it as the parameter “query”.")
    return QueryRequest(
        values["query"],
        _read_iris(pairs, "default-graph-uri"),
        _read_iris(pairs, "named-graph-uri"),
        ",".join(value for name, value in pairs if name == "format" and value) or None,
        read_timeout(values),
        read_generation(values),
        read_services(values),
    )


def _make_update(pairs: Sequence[tuple[str, str]]) -> UpdateRequest:
    refuse_repetition(pairs)
    for name, _ in pairs:
        if name in _QUERY_ONLY:
            raise ProtocolError(
                f"“{name}” belongs to a query.",
                "This address takes updates: send “update”, and its dataset as "
                "using-graph-uri and using-named-graph-uri.",
            )
    values = dict(pairs)
    if "generation" in values:
        raise ProtocolError(
            "An update cannot be made to a generation of the past.", "Leave out “generation”."
        )
    if not values.get("update", "").strip():
        raise ProtocolError("There is no update.", "Send it as the parameter “update”.")
    is_dry_run = read_flag(values, "dry-run")
    if values.get("format") and not is_dry_run:
        raise ProtocolError(
            "“format” is given, but an update has no answer to write.",
            "Leave it out, or add dry-run=true to get the change without making it.",
        )
    return UpdateRequest(
        values["update"],
        _read_iris(pairs, "using-graph-uri"),
        _read_iris(pairs, "using-named-graph-uri"),
        values.get("format") or None,
        is_dry_run,
        read_timeout(values),
    )


def _refuse_update(pairs: Pairs) -> None:
    for name, _ in pairs:
        if name in _UPDATE_ONLY:
            raise ProtocolError(
                f"“{name}” belongs to an update.", "This address takes queries: send “query”."
            )


def _read_iris(pairs: Pairs, name: str) -> tuple[str, ...]:
    return tuple(read_iri(name, value) for other, value in pairs if other == name)
