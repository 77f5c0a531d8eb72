"""Which states has the dataset had, and what did each change?"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, Response, jsonify, request

from peninsula.caching import make_timemap
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generation
from peninsula.errors import NotFound, ParameterError, UnknownGeneration
from peninsula.formats import HTML, PLAIN_JSON
from peninsula.views.site import current_site, render, require_reading, wants_html

blueprint = Blueprint("history", __name__)

_LINK_FORMAT = "application/link-format"
#: A number of more digits would be too long for the name of a file.
_NUMBER = "<int(max=999999999999):number>"


@blueprint.get("/history")
def history() -> Response:
    """List the generations that are kept, the newest first."""
    require_reading()
    found = list(reversed(current_site().database.all()))
    if wants_html(PLAIN_JSON):
        return Response(render("history.html", generations=found), content_type=HTML.content_type)
    return jsonify([_as_json(generation) for generation in found])


@blueprint.get(f"/history/{_NUMBER}")
def one(number: int) -> Response:
    """Describe one generation."""
    require_reading()
    return jsonify(_as_json(current_site().database.find(number)))


@blueprint.get(f"/history/{_NUMBER}.rdfp")
def patch(number: int) -> Response:
    """Send the change that made a generation, as RDF Patch; it outlives the generation."""
    require_reading()
    database = current_site().database
    if not isinstance(database, EmbeddedDatabase):
        raise NotFound("This engine keeps no patches.")
    path = database.generations.patch(number)
    if number > database.current.number or not path.is_file():
        raise UnknownGeneration(f"There is no patch of generation {number}.")
    file = path.open("rb")
    chunks = iter(lambda: file.read(1 << 16), b"")
    response = Response(chunks, content_type="application/rdf-patch")
    response.call_on_close(file.close)
    visibility = "private" if current_site().config.read_token else "public"
    response.headers["Cache-Control"] = f"{visibility}, max-age=31536000, immutable"
    return response


@blueprint.get("/timemap")
def timemap() -> Response:
    """List the states of an address of this server (RFC 7089, section 5)."""
    require_reading()
    url = request.args.get("url", "")
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not match
        parts = urlsplit("")
    if f"{parts.scheme}://{parts.netloc}/" != request.host_url:
        raise ParameterError(
            f"“{url}” is no address of this server.",
            f"Give one that begins with {request.host_url}",
            parameter="url",
        )
    pairs = [pair for pair in parse_qsl(parts.query, True) if pair[0] != "generation"]

    def memento(number: int) -> str:
        query = urlencode([*pairs, ("generation", str(number))])
        return parts._replace(query=query, fragment="").geturl()

    original = parts._replace(query=urlencode(pairs), fragment="").geturl()
    known = [(g.number, g.published, memento(g.number)) for g in current_site().database.all()]
    return Response(make_timemap(original, request.url, known), content_type=_LINK_FORMAT)


def _as_json(generation: Generation) -> dict[str, Any]:
    return {
        **generation.to_json(),
        "url": f"{request.host_url}history/{generation.number}",
        "patch": f"{request.host_url}history/{generation.number}.rdfp",
    }
