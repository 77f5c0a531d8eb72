"""What does the editor of queries ask while somebody writes?

Which terms there are, which fit here, what a name means, and whether the query can be read so
far. Nothing here evaluates the query itself; what is asked of the graph is bounded in time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from peninsula.completion import (
    POSITIONS,
    Context,
    Suggestion,
    describe_terms,
    find_by_prefix,
    list_classes,
    list_properties,
    suggest_terms,
)
from peninsula.dataset.interface import Dataset
from peninsula.errors import (
    ParameterError,
    PeninsulaError,
    ProtocolError,
    QueryError,
    QueryFailed,
    QuerySyntaxError,
)
from peninsula.namespaces import PREFIXES
from peninsula.snapshots import find_snapshot
from peninsula.views.answers import answer
from peninsula.views.bodies import read_body
from peninsula.views.parameters import read_name
from peninsula.views.site import (
    current_site,
    dataset,
    endpoint,
    language,
    local_path,
    require_reading,
)

blueprint = Blueprint("completion", __name__)

#: Seconds that a look at the graph may take while somebody types.
_PATIENCE: Final = 1.5
#: Names that are explained at once, at most.
_MOST_NAMES: Final = 50
_PLACE: Final = re.compile(r"line (\d+), column (\d+)")


@blueprint.get("/sparql/terms")
def terms() -> Response:
    """Tell the classes, properties and prefixes; with ``?name=``, what some names mean."""
    names = request.args.getlist("name")
    if len(names) > _MOST_NAMES:
        raise ParameterError(
            f"{len(names)} names are asked for.", f"Ask for {_MOST_NAMES} at most.",
            parameter="name",
        )  # fmt: skip

    meant = [read_name("name", name) for name in names]

    def tell() -> Response:
        state = dataset()
        if meant:
            return jsonify(terms=_as_json(describe_terms(state, meant, language())))
        return jsonify(
            classes=_as_json(list_classes(state, language())),
            properties=_as_json(list_properties(state, language())),
            prefixes=PREFIXES,
            services=list(_list_services(state)),
        )

    return answer(tell)


def _list_services(state: Dataset) -> Iterator[dict[str, str]]:
    """Yield what a SERVICE clause can ask here: services of others, and what is kept of them."""
    for service in current_site().services:
        # Where a trusted one is may be nobody's business outside.
        yield {"name": service.name, "address": "" if service.is_trusted else service.address}
        day = find_snapshot(state, service.name)
        if day is not None:
            yield {"name": f"{service.name}-snapshot", "address": day}


@blueprint.get("/sparql/complete")
def complete() -> Response:
    """Tell the terms that fit into a pattern, or the things under a prefix."""
    given = request.args
    if "prefix" in given:
        return _answer_quickly(
            lambda: find_by_prefix(
                dataset(_PATIENCE), given["prefix"], given.get("text", ""), language()
            )
        )
    position = next((p for p in POSITIONS if p == given.get("position")), None)
    if position is None:
        raise ParameterError(
            f"position: “{given.get('position', '')}” is none that is known.",
            f"Known are {', '.join(POSITIONS)}.",
            parameter="position",
        )
    context = Context(
        position,
        given.get("subject", ""),
        given.get("predicate", ""),
        given.get("pattern", ""),
        given.get("prologue", ""),
        is_inverse=given.get("inverse") == "true",
    )
    return _answer_quickly(lambda: suggest_terms(dataset(_PATIENCE), context, language()))


@blueprint.post("/sparql/check")
def check() -> Response:
    """Tell what is wrong with the query in the body, where it can be told without evaluating it."""
    require_reading()
    text = read_body(current_site().config.max_query_bytes + 1).decode("utf-8", "replace")
    problems = []
    try:
        dataset(_PATIENCE).parse_query(text, base=endpoint())
    except QueryFailed:
        pass  # It can be read; what it does is another question.
    except (QueryError, ProtocolError) as error:
        problems.append(_describe(error))
    response = jsonify(problems=problems)
    response.headers["Cache-Control"] = "no-store"
    return response


def _answer_quickly(find: Callable[[], list[Suggestion]]) -> Response:
    """Answer with what is found; a pattern that is no SPARQL yet is no error here."""
    try:
        return answer(lambda: jsonify(terms=_as_json(find())))
    except QueryError as error:
        response = jsonify(terms=[], problem=error.message)
        response.headers["Cache-Control"] = "no-store"
        return response


def _as_json(found: list[Suggestion]) -> list[dict[str, Any]]:
    """Return the suggestions without what is empty."""
    return [
        {
            **{name: value for name, value in asdict(term).items() if value},
            **({"path": local_path(term.iri)} if term.kind else {}),
        }
        for term in found
    ]


def _describe(error: PeninsulaError) -> dict[str, Any]:
    line = column = 0
    message = error.message
    if isinstance(error, QuerySyntaxError):
        line, column = error.line, error.column
        # The place is told by the mark.
        message = re.sub(r"\ALine \d+, column \d+: ", "", message)
    elif found := _PLACE.search(error.message):
        line, column = int(found[1]), int(found[2])
    return {
        "kind": error.slug(),
        "title": error.title,
        "message": message[:1].upper() + message[1:],
        "remedy": error.remedy,
        "line": line,
        "column": column,
    }
