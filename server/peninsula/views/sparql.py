"""How is the SPARQL 1.1 Protocol spoken at ``/sparql``, and what does a browser see there?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request

from peninsula.dataset.interface import QueryOptions, Result, formats_for
from peninsula.description import describe_service
from peninsula.drafting import FIRST, draft, find_question, limit_query, name_query
from peninsula.errors import (
    PeninsulaError,
    QueryError,
    QueryOutOfMemory,
    QueryTimeout,
    UpstreamFailed,
)
from peninsula.federation.calls import Call
from peninsula.federation.targets import find_services
from peninsula.formats import (
    COLUMNAR_FORMATS,
    GRAPH_FORMATS,
    HTML,
    SHAPED_FORMATS,
    TABLE_FORMATS,
    Format,
    find,
)
from peninsula.logs import hash_query
from peninsula.policy import QueryFacts
from peninsula.presentation import Presentation, export, present
from peninsula.protocol import ACCEPT_QUERY, SERVICES, QueryRequest, read_query
from peninsula.snapshots import find_snapshot
from peninsula.views.answers import answer
from peninsula.views.bodies import read_body
from peninsula.views.ranges import allow_ranges
from peninsula.views.site import (
    calls,
    current_site,
    dataset,
    endpoint,
    generation,
    is_ours,
    language,
    local_path,
    read_parameters,
    render,
    respond,
    respond_with_triples,
    wants_html,
)

blueprint = Blueprint("sparql", __name__)

#: Rows that are tried first where all of them take too long.
_FEW_ROWS: Final = 100
#: An address of more characters is cut by some programs that pass it on.
_LONG_ADDRESS: Final = 8000


@dataclass(frozen=True)
class Answered:
    """An answer and what a reader may want to know or take away of it."""

    shown: Presentation
    formats: tuple[Format, ...]
    #: The parameters that ask for it again.
    again: list[tuple[str, str]]
    milliseconds: int
    #: The address under which the same answer can be seen whatever changes later.
    permalink: str
    #: The address of the question of the library that it is, where it is one.
    question: str
    #: Whether it is the same whenever it is asked.
    is_lasting: bool
    #: What was asked of services.
    calls: tuple[Call, ...] = ()

    @property
    def has_long_address(self) -> bool:
        return len(self.permalink) > _LONG_ADDRESS


@blueprint.route("/sparql", methods=["GET", "POST", "QUERY"])
def sparql() -> Response:
    """Answer a query; without one, describe the service or show the editor."""
    asked = read_query(
        request.method,
        read_parameters(),
        request.headers.get("Content-Type"),
        b""
        if request.method in {"GET", "HEAD"}
        # In a form, a byte may take three.
        else read_body(3 * current_site().config.max_query_bytes + 1024),
    )
    if asked is None:
        return _describe()
    g.query_hash = hash_query(asked.query)
    try:
        facts = current_site().database.check(asked.query, allows_service=True)
        response = answer(
            lambda: _evaluate(asked, facts),
            "query",
            asked,
            request.args.get("view", ""),
            is_lasting=facts.is_deterministic and is_ours(asked.query, asked.services),
            number=asked.generation,
        )
    except (QueryError, UpstreamFailed) as error:
        if asked.format or not wants_html(*TABLE_FORMATS, *GRAPH_FORMATS):
            raise
        g.error = error
        response = _editor(asked, error=error)
        response.headers.update(error.headers())
        response.headers["Cache-Control"] = "no-store"
    response.headers["Accept-Query"] = ACCEPT_QUERY
    is_columnar = find(response.mimetype or "", COLUMNAR_FORMATS) is not None
    return allow_ranges(response) if is_columnar else response


def _evaluate(asked: QueryRequest, facts: QueryFacts) -> Response:
    base = endpoint()
    began = time.perf_counter()

    def evaluate(formats: Mapping[str, Format | None]) -> Result:
        options = QueryOptions(
            default_graphs=asked.default_graphs,
            named_graphs=asked.named_graphs,
            base=base,
            formats=formats,
        )
        return dataset(asked.timeout, asked.services).evaluate(asked.query, options)

    if asked.format and (format := find(asked.format, SHAPED_FORMATS)):
        result = evaluate({})
        try:
            body = export(result, dataset(), format, language())
        finally:
            result.close()
        return Response(body, content_type=format.content_type)
    return respond(
        evaluate, asked.format, lambda result: _page(asked, facts, result, began), asked.query
    )


def _describe() -> Response:
    if wants_html(*GRAPH_FORMATS):
        return _editor()
    name = request.args.get("format")

    def describe() -> Response:
        triples = describe_service(dataset(), request.host_url, current_site().config)
        return respond_with_triples(triples, name)

    response = answer(describe)
    response.headers["Accept-Query"] = ACCEPT_QUERY
    return response


def _editor(asked: QueryRequest | None = None, error: PeninsulaError | None = None) -> Response:
    """Return the page without an answer: to begin with, or with what went wrong."""
    status = error.status if error else 200
    return Response(_render(asked, error=error), status, content_type=HTML.content_type)


def _page(asked: QueryRequest, facts: QueryFacts, result: Result, began: float) -> str:
    """Return the page with the answer."""
    site = current_site()
    shown = present(
        result,
        dataset(asked.timeout),
        query=asked.query,
        wished=request.args.get("view", ""),
        limit=site.config.table_rows,
        language=language(),
        link=local_path,
    )
    milliseconds = round(1000 * (time.perf_counter() - began))
    again = [("query", asked.query)]
    again += [("default-graph-uri", graph) for graph in asked.default_graphs]
    again += [("named-graph-uri", graph) for graph in asked.named_graphs]
    if asked.timeout:
        again.append(("timeout", f"{asked.timeout:g}"))
    if asked.services != SERVICES[0]:
        again.append(("services", asked.services))
    view = request.args.get("view", "")
    state = ("generation", str(generation().number))
    seen = [*again, *([("view", view)] if view else []), state]
    question = find_question(asked.query, site.library) if len(again) == 1 else None
    if asked.generation:
        again.append(state)
    answered = Answered(
        shown,
        formats_for(result),
        again,
        milliseconds,
        f"{request.host_url}sparql?{urlencode(seen)}",
        f"{request.host_url}queries/{question.slug}?{urlencode([state])}" if question else "",
        facts.is_deterministic and is_ours(asked.query, asked.services),
        tuple(calls()),
    )
    return _render(asked, answered=answered)


def _render(
    asked: QueryRequest | None,
    *,
    answered: Answered | None = None,
    error: PeninsulaError | None = None,
) -> str:
    site = current_site()
    query = asked.query if asked else ""
    if not query and (slug := request.args.get("example")):
        query = draft(site.library.find(slug))
    is_long = isinstance(error, QueryTimeout | QueryOutOfMemory)
    is_upstream = isinstance(error, UpstreamFailed)
    limited = limit_query(query, _FEW_ROWS) if is_long else None
    return render(
        "sparql.html",
        query=query or FIRST,
        title=name_query(query),
        is_fresh=asked is None,
        answered=answered,
        error=error,
        is_long=is_long,
        is_upstream=is_upstream,
        snapshot=_find_snapshot(query) if is_upstream else None,
        limited=limited,
        few_rows=_FEW_ROWS,
        services=asked.services if asked else SERVICES[0],
        graphs=[
            *(("default-graph-uri", graph) for graph in (asked.default_graphs if asked else ())),
            *(("named-graph-uri", graph) for graph in (asked.named_graphs if asked else ())),
        ],
        questions=list(site.library.templates.values()),
        tags=site.library.tags,
        time_limit=site.config.query_timeout,
    )


def _find_snapshot(query: str) -> str | None:
    """Return the day of the oldest snapshot of the services that are asked; None if one lacks."""
    asked = find_services(query, current_site().services, base=endpoint())
    days = [find_snapshot(dataset(), service.name) for service in asked]
    known = [day for day in days if day is not None]
    return min(known) if known and len(known) == len(days) else None
