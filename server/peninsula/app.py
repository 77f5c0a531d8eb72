"""How is the web application put together?

Wiring only: blueprints, one handler for every error, and the line that the log has for a
request.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import pyoxigraph as ox
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from peninsula import __version__
from peninsula.assets import Assets, read_assets
from peninsula.caching import AnswerCache
from peninsula.config import Config
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Database
from peninsula.edtf import write_edtf
from peninsula.errors import (
    ClientGone,
    OperatorError,
    PeninsulaError,
    StoreFull,
    UnknownGeneration,
)
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway
from peninsula.federation.local_services import LocalServices
from peninsula.formats import HTML, PLAIN_JSON
from peninsula.front import Front
from peninsula.highlighting import split
from peninsula.keeping import KeptFiles, clear_parts
from peninsula.knowledge import Knowledge
from peninsula.library import Library, read_library
from peninsula.logs import log_request
from peninsula.metrics import QUERY_OUTCOMES, Metrics
from peninsula.namespaces import BASE
from peninsula.search_service import SearchService
from peninsula.tokens import Tokens
from peninsula.translation import NAMES, read_translation
from peninsula.views import (
    about,
    assets,
    completion,
    dumps,
    graphs,
    history,
    maps,
    names,
    nanopublications,
    network,
    ontology,
    operations,
    pages,
    positions,
    programs,
    queries,
    reconcile,
    resources,
    search,
    sparql,
    tables,
    timeline,
    update,
    validate,
)
from peninsula.views.changes import OUTCOMES, outcome_of
from peninsula.views.site import (
    EXTENSION,
    Site,
    calls,
    current_site,
    language,
    link,
    link_here,
    local_path,
    pinned,
    render,
    wants_html,
)

PROBLEM: Final = "application/problem+json"
#: Endpoints whose requests are counted as queries.
_QUERIES: Final = frozenset({"sparql.sparql", "queries.question"})
#: Services that a header tells of: clients take some kilobytes.
_MOST_CALLS: Final = 16
_log = logging.getLogger(__name__)


def create_app(
    config: Config,
    database: Database,
    knowledge: Knowledge | None,
    library: Library | None = None,
) -> Flask:
    """Return the application that serves ``database``."""
    app = Flask(__name__, static_folder=None)
    # The server and the views know what each address takes.
    app.config["MAX_CONTENT_LENGTH"] = None
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    built = read_assets()
    _teach_templates(app, built)
    if library is None:
        library = read_library(knowledge.queries) if knowledge else Library({})
    metrics = Metrics(__version__, f"pyoxigraph {ox.__version__}")
    cache = AnswerCache(config.cache_bytes)
    gateway = Gateway(
        contact=config.contact,
        nursery=database.nursery if isinstance(database, EmbeddedDatabase) else None,
        cache_bytes=config.cache_bytes,
        observe=metrics.count_service,
    )
    if isinstance(database, EmbeddedDatabase):
        operations.observe(metrics, database)
    operations.observe_services(metrics, gateway)
    services = config.allowed_services()
    local = LocalServices([SearchService(names.install(app, database))])
    clear_parts(config.store / "dumps")
    app.extensions[EXTENSION] = Site(
        config, database, knowledge, library, Tokens(config.store), metrics, cache, built,
        services, gateway, Federation(services, gateway, local), KeptFiles(config.dump_bytes),
    )  # fmt: skip
    for module in (
        assets, pages, positions, timeline, maps, network, search, reconcile, queries,
        programs, sparql, tables, dumps, nanopublications, completion, update, graphs,
        validate, history, about, ontology, operations, resources,
    ):  # fmt: skip
        app.register_blueprint(module.blueprint)
    app.register_error_handler(Exception, handle_error)
    app.before_request(begin)
    app.after_request(finish)
    app.wsgi_app = Front(  # type: ignore[method-assign]
        app.wsgi_app, config, cache, metrics, lambda: database.current.number
    )
    return app


def _teach_templates(app: Flask, built: Assets) -> None:
    """Tell the templates how to write addresses and words."""
    environment = app.jinja_env
    environment.trim_blocks = True
    environment.lstrip_blocks = True
    environment.filters["path"] = local_path
    environment.filters["edtf"] = write_edtf
    environment.filters["urlencode_pairs"] = urlencode
    environment.filters["pieces"] = split
    environment.tests["ours"] = lambda iri: iri.startswith(BASE)
    # An address of another scheme (javascript:, data:) is a name, and nothing to click on.
    environment.tests["link"] = lambda iri: bool(iri) and iri.startswith(("http://", "https://"))
    environment.globals |= {
        "asset": built.path,
        "languages": NAMES,
        "link": link,
        "link_here": link_here,
        "pinned": pinned,
    }
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: read_translation(language()).gettext(text),
        lambda one, many, n: read_translation(language()).ngettext(one, many, n),
        newstyle=True,
    )


def body_limit(config: Config) -> Callable[[str, str, str | None], int]:
    """Return what tells how many bytes a body may have, by method, path and Authorization.

    It raises Unauthorized or Forbidden for a change by somebody who may make none, so that
    nobody fills the disk with bodies that are refused in the end.
    """
    tokens = Tokens(config.store)

    def limit(method: str, path: str, authorization: str | None) -> int:
        is_store = path == "/store" or path.startswith("/store/")
        if path == "/update" or (is_store and method not in {"GET", "HEAD"}):
            tokens.authorize(authorization, "write")
        if is_store:
            return config.max_upload_bytes
        # In a form, a byte may take three.
        is_change = path in {"/update", "/validate"}
        most = config.max_update_bytes if is_change else config.max_query_bytes
        return 3 * most + 1024

    return limit


def begin() -> None:
    """Note when the request began."""
    g.began = time.perf_counter()
    g.outcome = ""


def handle_error(error: Exception) -> Response:
    """Return the one shape of every error: a problem document (RFC 9457), or a page."""
    if isinstance(error, HTTPException) and error.response is not None:
        return error.get_response()  # type: ignore[return-value]
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        # What comes in, and what is tried out, is written beside the store first.
        error = StoreFull("The disk of the server is full; nothing was changed.", "Make room.")
    g.error = error
    if isinstance(error, ClientGone):
        # Nobody reads this; the log and the metrics know it as what it was.
        g.outcome = "disconnected"
        return Response(status=499)
    problem = _describe(error)
    status = int(problem["status"])
    if wants_html(PLAIN_JSON):
        is_lost = isinstance(error, UnknownGeneration)
        page = (history.lost_page(problem) if is_lost else None) or render(
            "error.html", problem=problem
        )
        response = Response(page, status, content_type=HTML.content_type)
    else:
        response = jsonify(problem)
        response.status_code = status
        response.content_type = PROBLEM
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
    elif isinstance(error, PeninsulaError):
        response.headers.update(error.headers())
    response.headers["Cache-Control"] = "no-store"
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


def finish(response: Response) -> Response:
    """Leave out what an empty body has no use for; count and log the response once it is sent."""
    if response.content_length == 0 and response.status_code in {201, 204}:
        response.headers.pop("Content-Type", None)
    if request.method == "HEAD" and response.is_streamed:
        response.close()
        response.response = ()
    if asked := calls():
        response.headers["Peninsula-Federation"] = ", ".join(map(str, asked[:_MOST_CALLS]))
    _observe(response)
    return response


def _observe(response: Response) -> None:
    """Count the response and log it when its last byte has left, or when the client has."""
    site = current_site()
    began, outcome = g.get("began", time.perf_counter()), g.get("outcome", "")
    error, running = g.get("error"), g.get("running")
    route = str(request.url_rule) if request.url_rule else "none"
    method, path, endpoint = request.method, request.path, request.endpoint
    status, size = response.status_code, response.content_length or 0
    generation = response.headers.get("Peninsula-Generation")
    query, identity = g.get("query_hash"), g.get("identity")

    def note() -> None:
        seconds = time.perf_counter() - began
        sent = running.bytes if running else size
        how = outcome or (running.outcome if running else "")
        if endpoint in _QUERIES and (query or running or error):
            how = _query_outcome(how, error)
            site.metrics.count_query(how, rows=running.rows if running else 0)
        site.metrics.count_request(route, method, status, seconds, sent)
        log_request(
            method,
            path,
            status,
            seconds,
            error=error if status >= 500 and not isinstance(error, PeninsulaError) else None,
            detail=str(error) if isinstance(error, PeninsulaError) else None,
            bytes=sent,
            query=query,
            generation=generation,
            rows=running.rows if running else None,
            outcome=how or None,
            token=identity.name if identity else None,
        )

    response.call_on_close(note)


def _query_outcome(how: str, error: Exception | None) -> str:
    """Return under which outcome a query is counted."""
    if isinstance(error, ClientGone):
        return "disconnected"
    if isinstance(error, PeninsulaError):
        how = outcome_of(error)
    elif error is not None:
        return "failed"
    how = {"": "ok", "left": "disconnected"}.get(how, how)
    return how if how in QUERY_OUTCOMES else OUTCOMES.get(how, "refused")
