"""How does a change become a response?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Response, g, jsonify, request

from peninsula.caching import check_preconditions
from peninsula.dataset.interface import Outcome
from peninsula.errors import PeninsulaError
from peninsula.formats import PLAIN_JSON, RDF_PATCH
from peninsula.negotiation import choose
from peninsula.tokens import Identity
from peninsula.views.bodies import spooled
from peninsula.views.site import accepted, current_site


def change(
    message: Mapping[str, Any],
    identity: Identity,
    summary: str,
    *,
    is_dry_run: bool,
    format: str | None = None,
    timeout: float | None = None,
    status: Callable[[Outcome], int] = lambda _: 200,
) -> Response:
    """Make a change for ``identity``, and say what it did; or only say what it would do."""
    site = current_site()
    asked = {**message, "agent": identity.name, "summary": summary}
    try:
        if is_dry_run:
            response = _try_out(asked, format, timeout)
            site.metrics.count_update("dry-run")
            return response
        precondition = _precondition(message.get("graph"))
        outcome = site.database.change(asked, timeout=timeout, precondition=precondition)
    except PeninsulaError as error:
        site.metrics.count_update(outcome_of(error))
        raise
    site.metrics.count_update("unchanged" if outcome.is_empty else "ok")
    code = status(outcome)
    response = jsonify(_as_json(outcome)) if code == 200 else Response(status=code)
    response.status_code = code
    response.headers["Peninsula-Generation"] = str(outcome.generation)
    g.outcome = "ok"
    return response


def _try_out(message: Mapping[str, Any], format: str | None, timeout: float | None) -> Response:
    wanted = choose(accepted(), (RDF_PATCH, PLAIN_JSON), name=format)
    with spooled(".rdfp") as path:
        outcome = current_site().database.change(
            {**message, "dry_run": str(path), "asks_questions": wanted is PLAIN_JSON},
            timeout=timeout,
            precondition=_precondition(message.get("graph")),
        )
        if wanted is PLAIN_JSON:
            told = {**_as_json(outcome), "generation": None}
            return jsonify({**told, "patch": path.read_text(encoding="utf-8")})
        # The open file outlives its name.
        file = path.open("rb")
    response = Response(iter(lambda: file.read(65_536), b""), content_type=wanted.content_type)
    response.call_on_close(file.close)
    if "validation" in outcome.remarks:
        conforms = outcome.remarks["validation"]["conforms"]
        response.headers["Peninsula-Conforms"] = str(conforms).lower()
    response.headers["Peninsula-Added"] = str(outcome.added)
    response.headers["Peninsula-Removed"] = str(outcome.removed)
    return response


_CONDITIONS: Final = ("If-Match", "If-Unmodified-Since", "If-None-Match")
_TAG: Final = re.compile(r'"(\d+)-[^"]*"')


def _precondition(graph: str | None) -> Callable[[], None] | None:
    """Return what refuses the change where the client thinks of another state (RFC 9110, 13).

    Every tag begins with the number of its generation. One of an older generation does not
    match, although the graph that it was given for may be the same.
    """
    match, unmodified, none_match = (request.headers.get(name) for name in _CONDITIONS)
    if match is None and unmodified is None and none_match is None:
        return None
    database = current_site().database

    def check() -> None:
        current = database.current
        is_there = graph is None or graph in current.graphs
        tags = [
            t[0] for t in _TAG.finditer(match or none_match or "") if int(t[1]) == current.number
        ]
        own = f'"{current.number}-"'
        check_preconditions(
            match,
            unmodified,
            none_match,
            etag=(tags[0] if tags else own) if is_there else None,
            modified=current.published,
        )

    return check


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "generation": outcome.generation,
        "added": outcome.added,
        "removed": outcome.removed,
        "created": list(outcome.created),
        "dropped": list(outcome.dropped),
        **outcome.remarks,
    }


#: Kinds of errors that have a name of their own in the metrics.
OUTCOMES: Final = {
    "query-syntax-error": "syntax",
    "query-timeout": "timeout",
    "query-out-of-memory": "memory",
    "query-crashed": "crashed",
    "query-cancelled": "cancelled",
    "overloaded": "overloaded",
    "query-forbidden": "refused",
    "query-too-complex": "refused",
    "invalid-upload": "invalid",
    "shapes-violated": "invalid",
    "precondition-failed": "refused",
}


def outcome_of(error: PeninsulaError) -> str:
    """Return the name under which an error is counted."""
    return OUTCOMES.get(error.slug(), "refused" if error.status < 500 else "failed")
