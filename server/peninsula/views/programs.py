"""What does somebody need to know who writes a program against this server?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.errors import NotFound
from peninsula.formats import GRAPH_FORMATS, HTML, PLAIN_JSON, find
from peninsula.openapi import describe_api, list_operations
from peninsula.views.answers import answer
from peninsula.views.queries import questions, send_examples
from peninsula.views.site import current_site, render, wants_html

blueprint = Blueprint("programs", __name__)


@blueprint.get("/openapi")
def openapi() -> Response:
    """Show the HTTP interface, as /openapi.json has it."""
    document = describe_api(current_site().library, request.host_url)
    if not wants_html(PLAIN_JSON):
        return jsonify(document)

    def show() -> Response:
        config = current_site().config
        limits = {
            "seconds": f"{config.query_timeout:g}",
            "kilobytes": config.max_query_bytes // 1024,
        }
        page = render(
            "openapi.html", document=document, groups=list_operations(document), limits=limits
        )
        return Response(page, content_type=HTML.content_type)

    return answer(show)


@blueprint.get("/queries.<extension>")
def library(extension: str) -> Response:
    """Send the library of questions in one format."""
    if extension in {PLAIN_JSON.extension, HTML.extension}:
        return questions(extension)
    format = find(extension, GRAPH_FORMATS)
    if format is None:
        raise NotFound(
            f"The library is not to be had as “{extension}”.",
            f"There are: json, {', '.join(format.extension for format in GRAPH_FORMATS)}.",
        )
    return send_examples(format.name)


@blueprint.get("/.well-known/sparql-examples")
def examples() -> BaseResponse:
    """Lead to the examples, where SIB's collections have them."""
    return redirect("/queries.ttl", 303)
