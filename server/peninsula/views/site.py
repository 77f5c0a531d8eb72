"""What does every view need, and how does an answer become a response?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

import pyoxigraph as ox
from flask import Response, current_app, render_template, request

from peninsula.config import Config
from peninsula.dataset.interface import Dataset, Result, formats_for
from peninsula.errors import NotAcceptable
from peninsula.formats import GRAPH_FORMATS, HTML, Format
from peninsula.knowledge import Knowledge
from peninsula.labels import LANGUAGES
from peninsula.library import Library
from peninsula.namespaces import BASE
from peninsula.negotiation import choose
from peninsula.serialization import Output, stream, write_statements

EXTENSION: Final = "peninsula"


@dataclass(frozen=True)
class Site:
    """What the application was made with."""

    config: Config
    dataset: Dataset
    knowledge: Knowledge
    library: Library


def current_site() -> Site:
    """Return what the application was made with."""
    return cast(Site, current_app.extensions[EXTENSION])


def accepted() -> str | None:
    """Return the Accept header."""
    return request.headers.get("Accept")


def language() -> str:
    """Return the language in which the reader wants labels."""
    wished = request.args.get("lang", "")
    return wished if wished in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or "en"


def wants_html(*others: Format) -> bool:
    """Whether the client would rather have a page than any of ``others``."""
    try:
        return choose(accepted(), (*others, HTML), name=request.args.get("format")) is HTML
    except NotAcceptable:
        return False


def respond(
    evaluate: Callable[[], Result], name: str | None, page: Callable[[Result], str]
) -> Response:
    """Return the answer of ``evaluate`` in the format that the client wants.

    Evaluation and serialisation run in a thread of their own and stream; a page is rendered
    here, from a table of limited length.
    """
    accept = accepted()

    def produce(output: Output) -> None:
        result = evaluate()
        output.format = choose(accept, formats_for(result, html=True), name=name)
        if output.format is not HTML:
            result.write(output.format, output)

    format, body = stream(produce)
    assert format is not None
    if format is HTML:
        return Response(page(evaluate()), content_type=HTML.content_type)
    return Response(body, content_type=format.content_type)


def respond_with_triples(triples: Iterable[ox.Triple], name: str | None = None) -> Response:
    """Return triples in the RDF format that the client wants."""
    format = choose(accepted(), GRAPH_FORMATS, name=name)

    def produce(output: Output) -> None:
        write_statements(triples, format, output)

    _, body = stream(produce)
    return Response(body, content_type=format.content_type)


def render(template: str, **values: Any) -> str:
    """Return a page."""
    return render_template(template, language=language(), **values)


def local_path(iri: str) -> str:
    """Return where this server shows ``iri``: its own page for ours, else the address itself."""
    return f"/{iri.removeprefix(BASE)}" if iri.startswith(BASE) else iri


def endpoint() -> str:
    """Return the address of the SPARQL endpoint as the client reached it."""
    return f"{request.host_url}sparql"
