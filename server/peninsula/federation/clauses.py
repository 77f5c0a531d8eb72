"""Does a query ask services, and is every place where it does understood?"""

from __future__ import annotations

from collections.abc import Callable

from peninsula.errors import QueryForbidden
from peninsula.federation.parsing import Unreadable, read_query
from peninsula.federation.structure import Query, find_nested
from peninsula.policy import resolve_escapes, tokenize


def asks_service(query: str) -> bool:
    """Return whether a query has a SERVICE clause, in the reading that the engine has of it."""
    # Most queries have no such word, and should pay nothing for it.
    return "SERVICE" in query.upper() and _count_services(query) > 0


def _count_services(query: str) -> int:
    return sum(token.kind == "word" and token.upper == "SERVICE" for token in tokenize(query))


def read_clauses(text: str, parse: Callable[[str], str]) -> tuple[Query, str]:
    """Return a query's parts and the kind of its answer, which ``parse`` returns of a query.

    Raises QuerySyntaxError, QueryForbidden.
    """
    resolved = resolve_escapes(text)
    if resolved != text and _count_services(resolved) != _count_services(text):
        raise QueryForbidden(
            "SERVICE is written with escapes, or hidden by them.", "Write it as it is."
        )
    kind = parse(write_as_graphs(text))
    try:
        query = read_query(text)
        known = sum(1 + len(find_nested(place.pattern)) for place in query.services)
    except Unreadable as error:
        raise QueryForbidden(f"SERVICE is not understood here: {error}.") from None
    if known != _count_services(text):
        raise QueryForbidden(
            "SERVICE stands where it is not understood.", "Put it into a group of its own."
        )
    return query, kind


def write_as_graphs(query: str) -> str:
    """Return a query that asks graphs where this one asks services, as long and place by place.

    Both clauses are written alike, so that a parser finds the same faults at the same places.
    """
    parts = []
    at = 0
    is_named = True
    for token in tokenize(query):
        if token.kind == "word" and token.upper == "SERVICE":
            word = "GRAPH  "
        elif token.kind == "word" and token.upper == "SILENT" and not is_named:
            word = "      "
        else:
            is_named = True
            continue
        is_named = False
        parts += [query[at : token.position], word]
        at = token.end
    return "".join([*parts, query[at:]])
