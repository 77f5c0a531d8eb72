"""How are the words of the graph explained?"""

from __future__ import annotations

from flask import Blueprint, Response

from peninsula.documentation import document_terms
from peninsula.formats import HTML
from peninsula.views.answers import answer
from peninsula.views.site import current_site, dataset, language, render

blueprint = Blueprint("ontology", __name__)


@blueprint.get("/ns.html")
def terms() -> Response:
    """Show every class, property and concept, with what the shapes ask."""
    return answer(_show)


def _show() -> Response:
    site = current_site()
    shapes = site.knowledge.shapes if site.knowledge else []
    page = render(
        "ontology.html", about=document_terms(dataset(), language(), site.library, shapes)
    )
    return Response(page, content_type=HTML.content_type)
