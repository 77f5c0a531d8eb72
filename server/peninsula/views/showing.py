"""How does a page show an answer in the view that fits, and send it as what it is shaped like?"""

from __future__ import annotations

from flask import Response, request

from peninsula.dataset.interface import Result
from peninsula.formats import SHAPED_FORMATS, Format, find
from peninsula.presentation import Presentation, export, present
from peninsula.views.site import current_site, dataset, language, local_path


def show(result: Result, query: str, *, chosen: str = "") -> Presentation:
    """Return ``result`` for a page, in the view of the address or the one that fits best.

    ``chosen`` is the view that the author of a question chose.
    """
    return present(
        result,
        dataset(),
        query=query,
        wished=request.args.get("view", ""),
        chosen=chosen,
        limit=current_site().config.table_rows,
        language=language(),
        link=local_path,
    )


def find_shaped_format(name: str | None) -> Format | None:
    """Return GraphML or GeoJSON where ``name`` means one of them."""
    return find(name, SHAPED_FORMATS) if name else None


def send_shaped(result: Result, format: Format) -> Response:
    """Send a network as GraphML, or what has places as GeoJSON."""
    return Response(export(result, dataset(), format, language()), content_type=format.content_type)
