"""Where do the data come from, and how far do they reach?"""

from __future__ import annotations

from flask import Blueprint, Response

from peninsula.coverage import measure_coverage
from peninsula.formats import HTML
from peninsula.views.answers import answer
from peninsula.views.site import current_site, dataset, language, render
from peninsula.wikidata.excerpt import describe_snapshot

blueprint = Blueprint("about", __name__)


@blueprint.get("/about")
def about() -> Response:
    """Show the sources, their licences, what is verified, and where the data are weak."""
    return answer(_show)


def _show() -> Response:
    site, state = current_site(), dataset()
    sources = [*(site.knowledge.sources if site.knowledge else []), *describe_snapshot(state)]
    page = render(
        "about.html",
        coverage=measure_coverage(state, language()),
        graphs=state.graphs(),
        sources={source.graph: source for source in sources},
        questions=site.library.templates,
    )
    return Response(page, content_type=HTML.content_type)
