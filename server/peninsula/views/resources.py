"""What does a name of ours lead to?

``/id/state/russia`` names a state, and a state cannot be sent: the answer is 303 to a document
about it, a page or RDF as the client wishes. The same holds for terms, concepts and graphs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import pyoxigraph as ox
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.dataset.interface import Boolean, Dataset, construct, select
from peninsula.drawing.maps import Map, Spot, draw_map
from peninsula.drawing.timeline import Entry, Timeline, draw_timeline
from peninsula.errors import NotFound, ParameterError, PeninsulaError, UnknownResource
from peninsula.formats import CSV, GRAPH_FORMATS, HTML, NQUADS, TRIG, Format, find
from peninsula.knowledge import ONTOLOGY
from peninsula.namespaces import BASE, CONCEPT_SCHEMES, THING_KINDS, expand
from peninsula.nanopublications import KINDS as NANOPUBLISHED
from peninsula.negotiation import choose
from peninsula.profiles.claim import read_claim
from peninsula.profiles.event import read_event
from peninsula.profiles.passage import read_passage
from peninsula.profiles.position import read_position
from peninsula.profiles.resolution import read_resolution
from peninsula.profiles.tension import read_tension
from peninsula.resources import (
    About,
    Extract,
    describe_resource,
    find_dumped_graph,
    name_resource,
    read_pointing,
    read_quads,
    read_section,
)
from peninsula.section_specs import NARROWED_BY, Spec, find_spec
from peninsula.sections import Section
from peninsula.serialization import write_csv_in_pieces
from peninsula.views.answers import answer
from peninsula.views.names import open_index
from peninsula.views.parameters import number_given, read_name
from peninsula.views.site import (
    accepted,
    asker,
    begin,
    current_site,
    dataset,
    generation,
    language,
    link,
    local_path,
    render,
    require_reading,
    respond_with_triples,
)

blueprint = Blueprint("resources", __name__)
_FORMATS: Final = tuple(f for f in GRAPH_FORMATS if f not in {TRIG, NQUADS})
_DOCUMENTS: Final = (*_FORMATS, CSV)
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
_KNOWN: Final = """
ASK {{
  {{ GRAPH ?graph {{ {iri} ?property ?value }} }}
  UNION {{ GRAPH ?graph {{ ?thing ?property {iri} }} }}
  UNION {{ {iri} ?property ?value }}
  UNION {{ ?thing ?property {iri} }}
}}
"""
#: Of a timeline, as wide as a page.
_WIDTH: Final = 1246
#: A timeline of fewer marks says nothing that its table does not.
_FEWEST: Final = 2
_ACTORS: Final = frozenset(
    expand(name)
    for name in (
        "pen:State", "pen:Person", "pen:Group", "pen:Government", "pen:Organization", "pen:Actor",
        "pen:StateGroup", "pen:HypotheticalActor", "pen:UnspecifiedAgent",
    )
)  # fmt: skip
_SLUG: Final = r"[\w.~%-]+(?:/[\w.~%-]+)*"
#: Earlier generations that are asked whether they knew what is not known now.
_EARLIER: Final = 2
_PATIENCE: Final = 1.0  # seconds
_MOST_PAGES: Final = 100_000


@blueprint.get("/ns")
@blueprint.get("/ontology")
def names() -> BaseResponse:
    """Lead from a term, or from the ontology, to the document about all terms."""
    format = choose(accepted(), (*_FORMATS, HTML), name=request.args.get("format"))
    return _redirect("ns", format)


@blueprint.get("/ns.<extension>")
def terms(extension: str) -> Response:
    """Send the ontology."""
    format = find(extension, _FORMATS)
    if format is None:
        raise _no_format(extension, _FORMATS)
    return answer(lambda: _send_graph(ONTOLOGY, format))


@blueprint.get("/id/<kind>/<path:slug>")
def thing(kind: str, slug: str) -> BaseResponse:
    """Lead to, or show, what is known of a thing."""
    if kind not in THING_KINDS:
        near = difflib.get_close_matches(kind, THING_KINDS, n=4, cutoff=0.6)
        raise NotFound(
            f"There are no things of the kind “{kind}”.",
            f"Perhaps: {', '.join(near)}." if near else f"There are: {', '.join(THING_KINDS)}.",
        )
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
    is_document = bool(dot) and find(extension, (*_DOCUMENTS, HTML)) is not None
    iri = _read_iri(name if is_document else path)
    if not is_document:
        if not _is_known(dataset(), iri):
            raise _unknown(iri)
        if request.args.get("format") == "nanopub" and _kind(iri) in NANOPUBLISHED:
            return redirect(link(f"/nanopub/{path.removeprefix('id/')}"), 303)
        format = choose(accepted(), (*_FORMATS, HTML, CSV), name=request.args.get("format"))
        return _redirect(path, format)
    return answer(lambda: _document(iri, extension))


def _is_known(state: Dataset, iri: ox.NamedNode) -> bool:
    known = state.evaluate(_KNOWN.format(iri=iri))
    return (isinstance(known, Boolean) and known.value) or iri.value in state.graphs()


def _document(iri: ox.NamedNode, extension: str) -> Response:
    """Show what is known of a thing, or send it."""
    if extension == HTML.extension:
        return Response(_page(iri), content_type=HTML.content_type)
    format = find(extension, _DOCUMENTS)
    if format is None:
        raise _no_format(extension, _DOCUMENTS)
    is_graph = iri.value in dataset().graphs()
    if format is CSV:
        if not _is_known(dataset(), iri):
            raise _unknown(iri)
        rows = _graph_rows(iri) if is_graph else read_quads(dataset(), iri)
        return Response(begin(_write_csv(rows)), content_type=CSV.content_type)
    if is_graph:
        return _send_graph(iri.value, format)
    triples = list(construct(dataset(), f"DESCRIBE {iri}"))
    if not triples and not _is_known(dataset(), iri):
        raise _unknown(iri)
    return respond_with_triples(triples, format.name)


# The page.


def _page(iri: ox.NamedNode) -> str:
    wished = _read_wish()
    if wished is not None:
        if not _is_known(dataset(), iri):
            raise _unknown(iri)
        about = name_resource(dataset(), iri, language())
        return render("extract.html", about=about, extract=wished(iri))
    return _whole_page(iri)


def _whole_page(iri: ox.NamedNode) -> str:
    profile = PROFILES.get(_kind(iri))
    covered = profile.covers if profile else ()
    about = describe_resource(dataset(), iri, language(), covered=covered)
    if about is None:
        raise _unknown(iri)
    value = profile.read(dataset(), iri, language()) if profile else None
    if profile and value is None and covered:
        # It is not what its address says, so its profile tells nothing.
        about = describe_resource(dataset(), iri, language()) or about
    return render(
        profile.template if profile and value is not None else "resource.html",
        about=about,
        profile=value,
        documents=[
            (format, link(f"/{iri.value.removeprefix(BASE)}.{format.extension}"))
            for format in _DOCUMENTS
        ],
        timelines=_draw_timelines(about),
        drawn_map=_draw_places(about),
        is_actor=any(cell.iri in _ACTORS for cell in about.classes),
    )


def _read_wish() -> Callable[[ox.NamedNode], Extract] | None:
    """Return what reads the one section, or the one property, that the address asks for."""
    key, name = request.args.get("section", ""), request.args.get("property", "")
    if not key and not name:
        return None
    page = number_given("page", 1, _MOST_PAGES)
    if key:
        spec = find_spec(key)
        if spec is None:
            raise ParameterError(
                f"There is no section “{key}”.", "The page of the thing names them.",
                parameter="section",
            )  # fmt: skip
        found: Spec = spec
        narrowed = {
            key: read_name(key, text)
            for key in NARROWED_BY
            if (text := request.args.get(key, "").strip())
        }
        return lambda iri: read_section(dataset(), iri, found, page, narrowed, language())
    property = ox.NamedNode(read_name("property", name))
    return lambda iri: read_pointing(dataset(), iri, property, page, language())


def _draw_timelines(about: About) -> dict[str, Timeline]:
    """Return the timeline of each section that has one, where it shows more than a table does."""
    drawn = {}
    for section in about.sections:
        if section.spec.lanes and sum(1 for row in section.rows if row.time.start) >= _FEWEST:
            drawn[section.key] = draw_timeline(list(_list_entries(section)), width=_WIDTH)
    return drawn


def _list_entries(section: Section) -> Iterator[Entry]:
    for row in section.rows:
        stances = row.values.get("stance", ())
        kind = f"stance-{stances[0].iri.rpartition('/')[2]}" if stances else "tenure"
        named_by = row.values.get("object") or row.values.get("toward") or stances
        label = ", ".join(cell.text for cell in named_by) if stances else row.time.text
        for lane in row.values.get(section.spec.lanes, ()) or (None,):
            yield Entry(
                label=label or row.thing.text,
                start=row.time.start,
                end=row.time.end,
                row=lane.text if lane else "",
                path=local_path(row.node.iri),
                tip=f"{row.node.text} ({row.time.text})" if row.time.text else row.node.text,
                kind=kind,
                when=row.time.text,
            )


def _draw_places(about: About) -> Map | None:
    spots = [
        Spot(
            placed.place.text,
            placed.latitude,
            placed.longitude,
            "" if placed.place.iri == about.iri else local_path(placed.place.iri),
        )
        for placed in about.places
    ]
    return draw_map(spots) if spots else None


# What is not known.


def _unknown(iri: ox.NamedNode) -> UnknownResource:
    """Return the error for a thing of which nothing is known, with what may have been meant."""
    kind = _kind(iri)
    words = re.split(r"[/#]", iri.value)[-1].replace("-", " ")
    try:
        near = open_index().near(words, (kind,), language=language())
        near = near or open_index().near(words, language=language())
    except PeninsulaError:
        near = []  # the error that matters is the other one
    remedy = "Is it spelt right?"
    earlier = _find_earlier(iri)
    if earlier is not None:
        remedy = f"Generation {earlier} knew it; it has been removed since."
    return UnknownResource(
        f"The graph says nothing about <{iri.value}>.",
        remedy,
        suggestions=[
            {
                "iri": hit.iri,
                "label": hit.text,
                "class": hit.class_label,
                "path": local_path(hit.iri),
            }
            for hit in near
        ],
        earlier=earlier,
    )


def _find_earlier(iri: ox.NamedNode) -> int | None:
    """Return an earlier generation that knew ``iri``, if that is quickly found."""
    database, now = current_site().database, generation().number
    earlier = [other for other in database.all() if other.number < now]
    for other in reversed(earlier[-_EARLIER:]):
        try:
            if _is_known(database.view(asker(_PATIENCE), other), iri):
                return other.number
        except PeninsulaError:
            return None
    return None


def _kind(iri: ox.NamedNode) -> str:
    """Return the kind of a thing as its address says it: ``claim``."""
    parts = iri.value.removeprefix(BASE).split("/")
    return parts[1] if parts[0] == "id" and len(parts) > 1 else parts[0]


# Data.


def _send_graph(graph: str, format: Format) -> Response:
    """Send a named graph, as it streams from the engine."""
    chunks = dataset().dump(graph, format).chunks(format)
    return Response(begin(chunks), content_type=format.content_type)


def _graph_rows(iri: ox.NamedNode) -> Iterator[tuple[Any, ...]]:
    query = f"SELECT ?s ?p ?o WHERE {{ GRAPH {iri} {{ ?s ?p ?o }} }}"
    for subject, property, value in select(dataset(), query):
        yield subject, property, value, iri


def _write_csv(rows: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
    """Return statements as CSV, as they come: a value with its datatype and language."""

    def write() -> Iterator[tuple[str, ...]]:
        yield ("subject", "property", "value", "datatype", "language", "graph")
        for subject, property, value, graph in rows:
            datatype = tag = ""
            if isinstance(value, ox.Literal):
                tag = value.language or ""
                datatype = "" if tag else value.datatype.value
            yield (_text(subject), _text(property), _text(value), datatype, tag, _text(graph))

    return (piece.encode() for piece in write_csv_in_pieces(write()))


def _text(term: object) -> str:
    if term is None:
        return ""
    return term.value if isinstance(term, ox.NamedNode | ox.Literal) else str(term)


def _folder_of_files(path: str) -> BaseResponse:
    """Lead from the folder of a source to its named graph, which is what the files hold."""
    graph = find_dumped_graph(dataset(), _read_iri(path.rstrip("/"), end="/"))
    if graph is None:
        raise NotFound(f"There is no source in the folder “{path}”.")
    return redirect(local_path(graph), 303)


def _redirect(path: str, format: Format) -> BaseResponse:
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "format"]
    query = f"?{urlencode(kept)}" if kept else ""
    return redirect(f"/{path}.{format.extension}{query}", 303)


def _no_format(extension: str, formats: Iterable[Format]) -> NotFound:
    return NotFound(
        f"There is no document in the format “{extension}”.",
        f"There are: {', '.join(f.extension for f in formats)}.",
    )


def _read_iri(path: str, end: str = "") -> ox.NamedNode:
    if not re.fullmatch(_SLUG, path):
        raise UnknownResource(f"“{path}” is no name of ours.")
    return ox.NamedNode(BASE + path + end)
