"""How is the Graph Store HTTP Protocol spoken at ``/store``?

https://www.w3.org/TR/sparql11-http-rdf-update/
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyoxigraph as ox
from flask import Blueprint, Response, request

from peninsula.dataset.interface import Outcome
from peninsula.errors import ProtocolError, UnknownGraph
from peninsula.formats import Format
from peninsula.graphstore import (
    ACCEPT_PATCH,
    ACCEPT_POST,
    METHODS,
    GraphStoreRequest,
    join_address,
    mint_graph,
    read_body_format,
    read_graph_store,
    write_status,
)
from peninsula.negotiation import choose
from peninsula.payloads import refuse_hostile
from peninsula.protocol import decode_body
from peninsula.tokens import Identity
from peninsula.uploads import SpooledFile, split_multipart
from peninsula.views.answers import answer
from peninsula.views.bodies import read_body, spool_body, spool_folder, spooled
from peninsula.views.changes import change
from peninsula.views.site import (
    accepted,
    asker,
    begin,
    current_site,
    dataset,
    identify,
    read_parameters,
)
from peninsula.views.update import fetched

blueprint = Blueprint("graphs", __name__)


@blueprint.route("/store", methods=[*METHODS, "QUERY"])
@blueprint.route("/store/<path:path>", methods=[*METHODS, "QUERY"])
def store(path: str | None = None) -> Response:
    """Read, replace, add to, remove or patch a graph, or the whole dataset."""
    is_read = request.method in {"GET", "HEAD"}
    identity = None if is_read else identify("write")
    direct = None
    if path is not None:
        raw = request.environ.get("REQUEST_URI") or quote(f"/store/{path}")
        direct = join_address(request.scheme, request.host, raw)
    asked = read_graph_store(
        request.method, read_parameters(), request.headers.get("Content-Type"), direct=direct
    )
    if identity is None:
        response = answer(lambda: _read(asked), is_exact=True)
    elif asked.method == "DELETE":
        response = _change(asked, identity, {"kind": "drop"})
    elif asked.payload == "update":
        response = _update(asked, identity)
    else:
        response = _write(asked, identity)
    response.headers["Accept-Patch"] = ACCEPT_PATCH
    response.headers["Accept-Post"] = ACCEPT_POST
    return response


def _read(asked: GraphStoreRequest) -> Response:
    format = choose(accepted(), asked.offered, name=asked.format)
    found = dataset().dump(asked.graph, format, is_everything=asked.target == "dataset")
    return Response(begin(found.chunks(format)), content_type=format.content_type)


def _write(asked: GraphStoreRequest, identity: Identity) -> Response:
    with spool_body() as body, spooled(".nq") as target:
        if asked.payload == "patch":
            return _change(asked, identity, {"kind": "patch", "path": str(body.path)})
        graph = asked.graph
        if asked.target == "new":
            graph = mint_graph(f"{request.host_url}store")
        base = graph or request.base_url
        if asked.payload == "multipart":
            assert asked.boundary
            _parse_parts(asked, body, base, target)
        else:
            assert asked.body_format
            _parse(asked, body.path, asked.body_format, base, target)
        message = {"kind": "put", "path": str(target), "graph": graph, "replaces": asked.replaces}
        response = _change(asked, identity, message)
        if asked.target == "new" and response.status_code == 201:
            response.headers["Location"] = str(graph)
        return response


def _parse_parts(asked: GraphStoreRequest, body: SpooledFile, base: str, target: Path) -> None:
    with contextlib.ExitStack() as stack:
        assert asked.boundary
        parts = split_multipart(body, asked.boundary, spool_folder())
        for part in parts:
            stack.enter_context(part.file)
        for part in parts:
            part_target = stack.enter_context(spooled(".nq"))
            format = read_body_format(part.content_type, part.filename)
            _parse(asked, part.file.path, format, base, part_target)
            with target.open("ab") as whole, part_target.open("rb") as source:
                while piece := source.read(1 << 20):
                    whole.write(piece)


def _parse(asked: GraphStoreRequest, source: Path, format: Format, base: str, target: Path) -> None:
    """Write what ``source`` says as N-Quads to ``target``."""
    assert isinstance(format.engine, ox.RdfFormat)
    refuse_hostile(source, format.engine)
    _, has_graphs = current_site().database.parse(
        source, format, base, target, asker(asked.timeout)
    )
    if has_graphs and not asked.takes_named_graphs:
        raise ProtocolError(
            "The body names graphs of its own, but was sent to one graph.",
            "Send it to the whole dataset: leave out “graph” and “default”.",
        )


def _update(asked: GraphStoreRequest, identity: Identity) -> Response:
    site = current_site()
    text = decode_body(read_body(site.config.max_update_bytes))
    facts = site.database.check_update(text)
    with fetched(facts.loads) as loads:
        message = {
            "kind": "update",
            "text": text,
            "base": asked.graph or request.base_url,
            "prefixes": None,
            "using_graphs": [],
            "using_named_graphs": [],
            **loads,
        }
        return _change(asked, identity, message)


def _change(asked: GraphStoreRequest, identity: Identity, message: dict[str, Any]) -> Response:
    is_everything = asked.target == "dataset"
    name = {"default": "the default graph", "dataset": "the dataset"}.get(asked.target)
    status = 204

    def find_status(outcome: Outcome) -> int:
        nonlocal status
        status = write_status(asked, existed=outcome.existed)
        return status

    response = change(
        {
            "graph": asked.graph,
            "is_everything": is_everything,
            "only_graph": asked.graph,
            **message,
        },
        identity,
        f"{asked.method} {name or message.get('graph') or asked.graph}",
        is_dry_run=asked.is_dry_run,
        format=asked.format,
        timeout=asked.timeout,
        status=find_status,
    )
    if status == 404:
        raise UnknownGraph(f"There is no graph <{asked.graph}>.")
    return response
