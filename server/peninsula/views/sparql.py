"""How is the SPARQL 1.1 Protocol spoken at ``/sparql``?"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, g, request

from peninsula.dataset.interface import Result, formats_for
from peninsula.description import describe_service
from peninsula.errors import PeninsulaError, QueryError
from peninsula.formats import GRAPH_FORMATS, HTML, SOLUTION_FORMATS, Format
from peninsula.logs import hash_query
from peninsula.protocol import ACCEPT_QUERY, QueryRequest, read_query
from peninsula.tables import make_table
from peninsula.views.answers import answer
from peninsula.views.bodies import read_body
from peninsula.views.site import (
    current_site,
    dataset,
    endpoint,
    language,
    read_parameters,
    render,
    respond,
    respond_with_triples,
    wants_html,
)

blueprint = Blueprint("sparql", __name__)


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
        facts = current_site().database.check(asked.query)
        response = answer(
            lambda: _evaluate(asked),
            "query",
            asked,
            is_lasting=facts.is_deterministic,
            number=asked.generation,
        )
    except QueryError as error:
        if asked.format or not wants_html(*SOLUTION_FORMATS, *GRAPH_FORMATS):
            raise
        g.error = error
        response = _editor(asked.query, error)
        response.headers["Cache-Control"] = "no-store"
    response.headers["Accept-Query"] = ACCEPT_QUERY
    return response


def _evaluate(asked: QueryRequest) -> Response:
    base = endpoint()

    def evaluate(formats: Mapping[str, Format | None]) -> Result:
        return dataset(asked.timeout).evaluate(
            asked.query,
            default_graphs=asked.default_graphs,
            named_graphs=asked.named_graphs,
            base=base,
            formats=formats,
        )

    return respond(evaluate, asked.format, lambda result: _page(asked, result))


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


def _editor(query: str = "", error: PeninsulaError | None = None) -> Response:
    page = render("sparql.html", query=query, error=error)
    return Response(page, error.status if error else 200, content_type=HTML.content_type)


def _page(asked: QueryRequest, result: Result) -> str:
    site = current_site()
    formats = formats_for(result)
    table = make_table(result, dataset(), limit=site.config.table_rows, language=language())
    again = [("query", asked.query)]
    again += [("default-graph-uri", graph) for graph in asked.default_graphs]
    again += [("named-graph-uri", graph) for graph in asked.named_graphs]
    if asked.generation:
        again.append(("generation", str(asked.generation)))
    return render("sparql.html", query=asked.query, table=table, formats=formats, again=again)
