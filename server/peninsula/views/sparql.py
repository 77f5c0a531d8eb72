"""How is the SPARQL 1.1 Protocol spoken at ``/sparql``?"""

from __future__ import annotations

from flask import Blueprint, Response, request

from peninsula.dataset.interface import Result, formats_for
from peninsula.description import describe_service
from peninsula.errors import PeninsulaError, QueryError
from peninsula.formats import GRAPH_FORMATS, HTML, SOLUTION_FORMATS
from peninsula.protocol import QueryRequest, read_query
from peninsula.tables import make_table
from peninsula.views.site import (
    current_site,
    endpoint,
    language,
    render,
    respond,
    respond_with_triples,
    wants_html,
)

blueprint = Blueprint("sparql", __name__)


@blueprint.route("/sparql", methods=["GET", "POST"])
def sparql() -> Response:
    """Answer a query; without one, describe the service or show the editor."""
    asked = read_query(
        request.method,
        request.args.items(multi=True),
        request.headers.get("Content-Type"),
        request.get_data() if request.method == "POST" else b"",
    )
    if asked is None:
        return _describe()
    dataset, base = current_site().dataset, endpoint()

    def evaluate() -> Result:
        return dataset.evaluate(
            asked.query,
            default_graphs=asked.default_graphs,
            named_graphs=asked.named_graphs,
            base=base,
        )

    try:
        return respond(evaluate, asked.format, lambda result: _page(asked, result))
    except QueryError as error:
        if asked.format or not wants_html(*SOLUTION_FORMATS, *GRAPH_FORMATS):
            raise
        return _editor(asked.query, error)


def _describe() -> Response:
    if wants_html(*GRAPH_FORMATS):
        return _editor()
    triples = describe_service(current_site().dataset, endpoint())
    return respond_with_triples(triples, request.args.get("format"))


def _editor(query: str = "", error: PeninsulaError | None = None) -> Response:
    page = render("sparql.html", query=query, error=error)
    return Response(page, error.status if error else 200, content_type=HTML.content_type)


def _page(asked: QueryRequest, result: Result) -> str:
    site = current_site()
    formats = formats_for(result)
    table = make_table(result, site.dataset, limit=site.config.table_rows, language=language())
    again = [("query", asked.query)]
    again += [("default-graph-uri", graph) for graph in asked.default_graphs]
    again += [("named-graph-uri", graph) for graph in asked.named_graphs]
    return render("sparql.html", query=asked.query, table=table, formats=formats, again=again)
