"""How is a claim or a position sent as a nanopublication?"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.dataset.interface import Dataset
from peninsula.errors import NotFound, UnknownResource
from peninsula.formats import JSONLD, NQUADS, TRIG, Format, find
from peninsula.namespaces import PREFIXES
from peninsula.nanopublications import (
    KINDS,
    Publication,
    name_nanopublication,
    read_nanopublications,
    read_publisher,
    serialize,
)
from peninsula.negotiation import choose
from peninsula.views.answers import answer
from peninsula.views.site import accepted, dataset, find_licence, generation, link

blueprint = Blueprint("nanopublications", __name__, url_prefix="/nanopub")
_FORMATS: Final = (TRIG, NQUADS, JSONLD)


def read_publication(state: Dataset) -> Publication:
    """Return what the nanopublications of the state asked about have in common."""
    about = generation()
    return Publication(about.number, about.published, find_licence(), read_publisher(state))


@blueprint.get("/<int:number>/<path:name>")
def of_generation(number: int, name: str) -> BaseResponse:
    """Lead from the name of a nanopublication to the document of that state."""
    return redirect(link(f"/nanopub/{quote(name)}", generation=number), 303)


@blueprint.get("/<path:name>")
def nanopublication(name: str) -> Response:
    """Send the nanopublication of a thing: ``c029``, or ``claim/c029``."""
    stem, dot, extension = name.rpartition(".")
    format: Format | None = find(extension, _FORMATS) if dot else None
    if dot and format is None:
        raise NotFound(
            f"A nanopublication is not to be had as “{extension}”.",
            f"There are: {', '.join(f.extension for f in _FORMATS)}.",
        )
    chosen = format or choose(
        None if _is_browser() else accepted(), _FORMATS, name=request.args.get("format")
    )
    return answer(lambda: _send(stem if dot else name, chosen), is_exact=True)


def _is_browser() -> bool:
    # There is no page: what is shown to people is the thing's own.
    return "text/html" in (accepted() or "")


def _send(name: str, format: Format) -> Response:
    kind, slash, slug = name.partition("/")
    kinds = (kind,) if slash and kind in KINDS else KINDS
    wanted = [f"{PREFIXES[kind]}{slug if slash and kinds == (kind,) else name}" for kind in kinds]
    state = dataset()
    publication = read_publication(state)
    found = dict(read_nanopublications(state, map(_checked, wanted), publication))
    for iri in wanted:
        if iri in found:
            body = serialize(found[iri], format, name_nanopublication(iri, publication.generation))
            return Response(body, content_type=format.content_type)
    raise UnknownResource(
        f"There is no claim and no position “{name}”.",
        "Nanopublications are named like their thing: /nanopub/claim/c029.",
    )


def _checked(iri: str) -> str:
    """Return ``iri``; raises UnknownResource where it can be no name."""
    if any(character <= " " or character in '<>"{}|^`\\' for character in iri):
        raise UnknownResource(f"“{iri}” is no name of a thing.")
    return iri
