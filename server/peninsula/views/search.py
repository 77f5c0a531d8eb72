"""How is a thing found by its name?"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, jsonify, request

from peninsula.errors import ParameterError
from peninsula.formats import CSV, HTML, PLAIN_JSON
from peninsula.namespaces import CONCEPT_SCHEMES, THING_KINDS
from peninsula.negotiation import choose
from peninsula.search import LONGEST_TEXT, MOST_SHOWN, Found, Hit, Index, Wish
from peninsula.serialization import write_csv
from peninsula.views.answers import answer
from peninsula.views.names import open_index
from peninsula.views.parameters import name_given, number_given
from peninsula.views.site import accepted, language, local_path, render, require_reading

blueprint = Blueprint("search", __name__)
#: Kinds that can be asked for, besides those of things: concepts, and terms of the ontology.
_KINDS: Final = frozenset((*THING_KINDS, *CONCEPT_SCHEMES.values(), "pen", "graph", "queries"))
_ON_A_PAGE: Final = 20
_MOST_ON_A_PAGE: Final = 100
_MOST_PAGES: Final = 10_000


@blueprint.get("/search")
def search() -> Response:
    """Show what has a name like ``q``."""
    require_reading()
    format = choose(accepted(), (HTML, PLAIN_JSON, CSV), name=request.args.get("format"))
    wish = _read_wish()
    limit = number_given("limit", _ON_A_PAGE, _MOST_ON_A_PAGE)
    page = number_given("page", 1, _MOST_PAGES)
    index = open_index() if wish.text else None

    def show() -> Response:
        return _show(format, wish, index, page, limit)

    # What answers while the index is being made is not the answer of this state.
    return answer(show, is_lasting=index is None or index.is_settled)


def _show(format: object, wish: Wish, index: Index | None, page: int, limit: int) -> Response:
    found = Found()
    if index is not None:
        found = index.find(wish, offset=(page - 1) * limit, limit=limit)
    if format is PLAIN_JSON:
        return _as_json(wish, found)
    if format is CSV:
        return _as_csv(found)
    near: list[Hit] = []
    if index is not None and not found.total:
        near = index.near(wish.text, wish.kinds, language=wish.language)
    body = render(
        "search.html",
        wish=wish,
        search_text=wish.text,
        found=found,
        near=near,
        number=page,
        pages=-(-min(found.total, MOST_SHOWN) // limit),
        first=(page - 1) * limit + 1,
        kinds=request.args.get("kind", ""),
        has_letters=any(character.isalnum() for character in wish.text),
    )
    return Response(body, content_type=HTML.content_type)


def _read_wish() -> Wish:
    text = request.args.get("q", "").strip()
    if len(text) > LONGEST_TEXT:
        raise ParameterError(
            f"The text looked for has {len(text)} characters, more than {LONGEST_TEXT}.",
            "Look for a few words of the name.",
            parameter="q",
        )
    kinds = tuple(kind for kind in request.args.get("kind", "").replace(" ", "").split(",") if kind)
    for kind in kinds:
        if kind not in _KINDS:
            raise ParameterError(
                f"There are no things of the kind “{kind}”.",
                f"There are: {', '.join(sorted(_KINDS))}.",
                parameter="kind",
            )
    return Wish(text, kinds, name_given("class", "pen:Summit"), language())


def _as_json(wish: Wish, found: Found) -> Response:
    return jsonify(
        {
            "query": wish.text,
            "results": [
                {
                    "iri": hit.iri,
                    "name": hit.name,
                    "label": hit.text,
                    "class": hit.class_label,
                    "path": local_path(hit.iri),
                    "snippet": "".join(piece.text for piece in hit.snippet),
                    "score": hit.score,
                    "match": hit.match,
                    "matched": {"text": hit.matched.text, "language": hit.matched.language},
                    "marked": [[p.text, p.is_marked] for p in hit.snippet or hit.label],
                }
                for hit in found.hits
            ],
            "total": found.total,
            "classes": [
                {"class": facet.class_iri, "label": facet.label, "count": facet.count}
                for facet in found.facets
            ],
            "complete": not found.is_cut,
            "guessed": found.is_guessed,
            "suggestion": found.suggestion,
            "provisional": found.provisional,
        }
    )


def _as_csv(found: Found) -> Response:
    head = ("iri", "name", "label", "class", "other_names", "score", "match")
    rows = (
        (hit.iri, hit.name, hit.text, hit.class_label, _others(hit), str(hit.score), hit.match)
        for hit in found.hits
    )
    return Response(write_csv((head, *rows)), content_type=CSV.content_type)


def _others(hit: Hit) -> str:
    return " | ".join(name.text for name in hit.other_names)
