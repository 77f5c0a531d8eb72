"""How do programs find out what is here and whether it is well?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from peninsula import __version__
from peninsula.description import describe_dataset
from peninsula.openapi import describe_api
from peninsula.views.site import current_site, endpoint, respond_with_triples

blueprint = Blueprint("operations", __name__)


@blueprint.get("/health")
def health() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok", version=__version__)


@blueprint.get("/ready")
def ready() -> Response:
    """Say that the dataset is open, and how large it is."""
    graphs = current_site().dataset.graphs()
    return jsonify(status="ready", triples=sum(graphs.values()), graphs=len(graphs))


@blueprint.get("/void")
@blueprint.get("/.well-known/void")
def void() -> Response:
    """Describe the dataset."""
    triples = describe_dataset(current_site().dataset, endpoint())
    return respond_with_triples(triples, request.args.get("format"))


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Describe the HTTP interface."""
    return jsonify(describe_api(current_site().library, request.host_url))
