"""What does a name of ours lead to?

``/id/state/russia`` names a state, and a state cannot be sent: the answer is 303 to a document
about it, a page or RDF as the client wishes. The same holds for terms, concepts and graphs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import pyoxigraph as ox
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.dataset.interface import Dataset, construct
from peninsula.errors import NotFound, UnknownResource
from peninsula.formats import GRAPH_FORMATS, HTML, NQUADS, TRIG, Format, find
from peninsula.knowledge import ONTOLOGY
from peninsula.namespaces import BASE, CONCEPT_SCHEMES, THING_KINDS
from peninsula.negotiation import choose
from peninsula.profiles.claim import read_claim
from peninsula.profiles.event import read_event
from peninsula.profiles.passage import read_passage
from peninsula.profiles.position import read_position
from peninsula.profiles.resolution import read_resolution
from peninsula.profiles.tension import read_tension
from peninsula.resources import About, describe_resource, find_dumped_graph, list_terms
from peninsula.views.answers import answer
from peninsula.views.site import (
    accepted,
    begin,
    dataset,
    language,
    local_path,
    render,
    require_reading,
    respond_with_triples,
)

blueprint = Blueprint("resources", __name__)
_FORMATS: Final = tuple(f for f in GRAPH_FORMATS if f not in {TRIG, NQUADS})
_FOLDERS: Final = (*CONCEPT_SCHEMES.values(), "vocabulary", "graph", "ontology", "data")


@dataclass(frozen=True)
class Profile:
    """What stands first on the page of a kind of things."""

    #: Reads what the template shows; None where the thing is not what its address says.
    read: Callable[[Dataset, ox.NamedNode, str], Any]
    #: Extends ``resource.html`` and fills its block ``profile``, with the value as ``profile``.
    template: str
    #: Properties that point at the thing, and that the template shows itself.
    covers: tuple[str, ...] = ()


_EVENT: Final = Profile(
    read_event,
    "profile/event.html",
    covers=(
        "pen:inEvent", "pen:hasOccasion", "pen:isTriggeredBy", "pen:isAdoptedAt", "pen:onObject",
        "pen:isAbout", "pen:hasObject", "pen:hasSubject", "pen:hasTarget", "pen:reportsEvent",
    ),
)  # fmt: skip
#: By the kind in the address, as in ``/id/claim/c031``.
PROFILES: Final[dict[str, Profile]] = {
    "claim": Profile(
        read_claim,
        "profile/claim.html",
        covers=(
            "pen:hasTensionMember", "pen:inTensionWith", "pen:contradicts", "pen:evidencedBy",
            "pen:readsClaim", "prov:wasDerivedFrom",
        ),
    ),
    "passage": Profile(read_passage, "profile/passage.html", covers=("pen:hasPassage",)),
    "tension": Profile(read_tension, "profile/tension.html"),
    "position": Profile(read_position, "profile/position.html", covers=("pen:succeeds",)),
    "resolution": Profile(
        read_resolution,
        "profile/resolution.html",
        covers=(
            "pen:isVoteOn", "pen:isVetoOf", "pen:isSponsorshipOf", "pen:isImposedBy",
            "pen:isGrantedBy", "pen:isAbout", "pen:hasObject", "pen:hasSubject", "pen:onObject",
        ),
    ),
    "event": _EVENT,
    "planned-event": _EVENT,
    "hypothetical-event": _EVENT,
}  # fmt: skip
_SLUG: Final = r"[\w.~%-]+(?:/[\w.~%-]+)*"


@blueprint.get("/ns")
@blueprint.get("/ontology")
def names() -> BaseResponse:
    """Lead from a term, or from the ontology, to the document about all terms."""
    return _see_other("ns")


@blueprint.get("/ns.<extension>")
def terms(extension: str) -> Response:
    """Show the terms of the ontology, or send it."""
    if extension != HTML.extension:
        return answer(lambda: _send_graph(ONTOLOGY, _format(extension)))

    def show() -> Response:
        page = render("terms.html", terms=list_terms(dataset(), language()))
        return Response(page, content_type=HTML.content_type)

    return answer(show)


@blueprint.get("/id/<kind>/<path:slug>")
def thing(kind: str, slug: str) -> BaseResponse:
    """Lead to, or show, what is known of a thing."""
    if kind not in THING_KINDS:
        raise NotFound(f"There are no things of the kind “{kind}”.")
    return _resource(f"id/{kind}/{slug}")


def _concept(folder: str, slug: str) -> BaseResponse:
    return _resource(f"{folder}/{slug}")


for _folder in _FOLDERS:
    blueprint.add_url_rule(
        f"/{_folder}/<path:slug>",
        endpoint=_folder,
        view_func=_concept,
        defaults={"folder": _folder},
    )


def _resource(path: str) -> BaseResponse:
    # Whether there is such a thing is not for everybody to know either.
    require_reading()
    if path.endswith("/"):
        return _folder_of_files(path)
    name, dot, extension = path.rpartition(".")
    is_document = bool(dot) and find(extension, (*_FORMATS, HTML)) is not None
    iri = _read_iri(name if is_document else path)
    if not is_document:
        _describe_or_refuse(iri)
        return _see_other(path)
    return answer(lambda: _document(iri, extension))


def _describe_or_refuse(iri: ox.NamedNode) -> About:
    about = describe_resource(dataset(), iri, language())
    if about is None:
        raise UnknownResource(f"The graph says nothing about <{iri.value}>.", "Is it spelt right?")
    return about


def _document(iri: ox.NamedNode, extension: str) -> Response:
    """Show what is known of a thing, or send it."""
    if extension == HTML.extension:
        about = _describe_or_refuse(iri)
        profile = PROFILES.get(_kind(iri))
        value = profile.read(dataset(), iri, language()) if profile else None
        template = profile.template if profile and value is not None else "resource.html"
        page = render(template, about=about, profile=value, formats=_FORMATS)
        return Response(page, content_type=HTML.content_type)
    format = _format(extension)
    if iri.value in dataset().graphs():
        return _send_graph(iri.value, format)
    triples = list(construct(dataset(), f"DESCRIBE {iri}"))
    if not triples:
        _describe_or_refuse(iri)
    return respond_with_triples(triples, format.name)


def _kind(iri: ox.NamedNode) -> str:
    """Return the kind of a thing as its address says it: ``claim``."""
    parts = iri.value.removeprefix(BASE).split("/")
    return parts[1] if parts[0] == "id" and len(parts) > 1 else parts[0]


def _send_graph(graph: str, format: Format) -> Response:
    """Send a named graph, as it streams from the engine."""
    chunks = dataset().dump(graph, format).chunks(format)
    return Response(begin(chunks), content_type=format.content_type)


def _folder_of_files(path: str) -> BaseResponse:
    """Lead from the folder of a source to its named graph, which is what the files hold."""
    graph = find_dumped_graph(dataset(), _read_iri(path.rstrip("/"), end="/"))
    if graph is None:
        raise NotFound(f"There is no source in the folder “{path}”.")
    return redirect(local_path(graph), 303)


def _see_other(path: str) -> BaseResponse:
    format = choose(accepted(), (*_FORMATS, HTML), name=request.args.get("format"))
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "format"]
    query = f"?{urlencode(kept)}" if kept else ""
    return redirect(f"/{path}.{format.extension}{query}", 303)


def _format(extension: str) -> Format:
    format = find(extension, _FORMATS)
    if format is None:
        raise NotFound(
            f"There is no document in the format “{extension}”.",
            f"There are: {', '.join(f.extension for f in _FORMATS)}.",
        )
    return format


def _read_iri(path: str, end: str = "") -> ox.NamedNode:
    if not re.fullmatch(_SLUG, path):
        raise UnknownResource(f"“{path}” is no name of ours.")
    return ox.NamedNode(BASE + path + end)
