"""How is the web application put together?

Wiring only: blueprints, one handler for every error, and the headers of every response.
"""

from __future__ import annotations

import logging
from typing import Any, Final
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from peninsula.config import Config
from peninsula.dataset.interface import Dataset
from peninsula.errors import OperatorError, PeninsulaError
from peninsula.formats import HTML, PLAIN_JSON
from peninsula.knowledge import Knowledge
from peninsula.library import Library, read_library
from peninsula.namespaces import BASE
from peninsula.views import operations, pages, queries, resources, sparql
from peninsula.views.site import EXTENSION, Site, local_path, render, wants_html

PROBLEM: Final = "application/problem+json"
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Everything here may be read by anyone, and nothing depends on who asks.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Type, Link",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Content-Type",
    "Access-Control-Max-Age": "86400",
}
_log = logging.getLogger(__name__)


def create_app(
    config: Config, dataset: Dataset, knowledge: Knowledge, library: Library | None = None
) -> Flask:
    """Return the application that serves ``dataset``."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 4 * config.max_query_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = 4 * config.max_query_bytes
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["path"] = local_path
    app.jinja_env.filters["urlencode_pairs"] = urlencode
    app.jinja_env.tests["ours"] = lambda iri: iri.startswith(BASE)
    library = library or read_library(knowledge.queries)
    app.extensions[EXTENSION] = Site(config, dataset, knowledge, library)
    for module in (pages, sparql, queries, operations, resources):
        app.register_blueprint(module.blueprint)
    app.register_error_handler(Exception, handle_error)
    app.after_request(add_headers)
    return app


def handle_error(error: Exception) -> Response:
    """Return the one shape of every error: a problem document (RFC 9457), or a page."""
    if isinstance(error, HTTPException) and error.response is not None:
        return error.get_response()  # type: ignore[return-value]
    problem = _describe(error)
    status = int(problem["status"])
    if status >= 500:
        _log.error("%s %s failed", request.method, request.path, exc_info=error)
    if wants_html(PLAIN_JSON):
        page = render("error.html", problem=problem)
        response = Response(page, status, content_type=HTML.content_type)
    else:
        response = jsonify(problem)
        response.status_code = status
        response.content_type = PROBLEM
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
    return response


def _describe(error: Exception) -> dict[str, Any]:
    if isinstance(error, HTTPException):
        return {
            "type": "about:blank",
            "title": error.name,
            "status": error.code or 500,
            "detail": error.description or error.name,
        }
    if isinstance(error, PeninsulaError) and not isinstance(error, OperatorError):
        return {
            "type": f"{BASE}problem/{error.slug()}",
            "title": error.title,
            "status": error.status,
            "detail": error.message,
            **error.details(),
        }
    return {
        "type": "about:blank",
        "title": "Internal error",
        "status": 500,
        "detail": "Something went wrong on the server; its log says what.",
    }


def add_headers(response: Response) -> Response:
    """Put on the headers that every response has."""
    response.headers.update(HEADERS)
    response.vary.update(["Accept", "Accept-Language"])
    if request.method == "OPTIONS":
        response.headers.update(_PREFLIGHT)
    return response
