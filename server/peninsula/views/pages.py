"""What does a newcomer see first?"""

from __future__ import annotations

from typing import Final

import pyoxigraph as ox
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.errors import NotFound, ParameterError, find_kind
from peninsula.formats import HTML
from peninsula.labels import find_labels
from peninsula.namespaces import expand
from peninsula.overview import count_classes
from peninsula.terms import STANCES
from peninsula.translation import NAMES
from peninsula.views.answers import answer
from peninsula.views.site import (
    LANGUAGE_COOKIE,
    current_site,
    dataset,
    language,
    local_path,
    own_path,
    render,
)

blueprint = Blueprint("pages", __name__)

#: Things that the front page leads to, where the dataset has them.
FEATURED: Final = (
    "state:russia", "topic:sanctions", "event:winter-olympics-sochi-2014",
    "event:victory-day-moscow-2015", "resolution:2397",
)  # fmt: skip
_STANCES: Final = tuple(f"stance:{slug}" for slug in STANCES if slug != "not-expressed")
_YEAR: Final = 31_536_000


@blueprint.get("/")
def home() -> Response:
    """Show what the graph holds and what can be asked."""
    return answer(_home)


def _home() -> Response:
    site, state = current_site(), dataset()
    named = [ox.NamedNode(expand(name)) for name in (*FEATURED, *_STANCES)]
    labels = find_labels(state, named, language())
    page = render(
        "home.html",
        classes=count_classes(state, language()),
        known={n: local_path(expand(n)) for n in FEATURED if expand(n) in labels},
        stances={n: labels[expand(n)] for n in _STANCES if expand(n) in labels},
        questions=site.library.templates,
        question_count=len(site.library.templates),
    )
    return Response(page, content_type=HTML.content_type)


@blueprint.get("/favicon.ico")
def favicon() -> BaseResponse:
    """Lead to the picture that the pages name."""
    return redirect("/static/icon.svg", 308)


@blueprint.get("/language")
def choose_language() -> BaseResponse:
    """Keep the language that the reader chose, and lead back to the page."""
    wished, back = request.args.get("to", ""), request.args.get("back", "/")
    if wished not in NAMES:
        raise ParameterError(
            f"The pages are not in “{wished}”.", f"Try {', '.join(NAMES)}.", parameter="to"
        )
    response = redirect(own_path(back).removesuffix("?"), 303)
    response.set_cookie(
        LANGUAGE_COOKIE, wished, max_age=_YEAR, samesite="Lax", httponly=True,
        secure=request.is_secure,
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/problem/<slug>")
def problem(slug: str) -> Response:
    """Explain a kind of error: the address is the type in its problem documents."""
    kind = find_kind(slug)
    if kind is None:
        raise NotFound(f"There is no kind of problem “{slug}”.")
    about = {"title": kind.title, "detail": kind.__doc__, "remedy": f"Its status is {kind.status}."}
    return Response(render("error.html", problem=about), content_type=HTML.content_type)
