"""How is a question of the library listed, shown and asked?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.dataset.interface import Result, formats_for
from peninsula.errors import NotFound, ParameterError
from peninsula.formats import GRAPH_FORMATS, HTML, PLAIN_JSON, SOLUTION_FORMATS, Format, find
from peninsula.library import Parameter, QueryTemplate
from peninsula.suggestions import suggest
from peninsula.tables import make_table
from peninsula.views.answers import answer
from peninsula.views.site import (
    current_site,
    dataset,
    language,
    render,
    respond,
    wants_html,
)

blueprint = Blueprint("queries", __name__, url_prefix="/queries")
#: Parameters of the address that are no parameters of the question.
_RESERVED = ("format", "lang", "generation", "timeout")


@blueprint.get("")
def questions() -> Response:
    """List the questions, those with ``?tag=`` only where one is given."""
    library = current_site().library
    tag = request.args.get("tag", "")
    found = [t for t in library.templates.values() if not tag or tag in t.tags]
    if wants_html(PLAIN_JSON):
        page = render("queries.html", questions=found, tags=library.tags, tag=tag)
        return Response(page, content_type=HTML.content_type)
    return jsonify([_as_json(template) for template in found])


@blueprint.get("/<slug>")
@blueprint.get("/<slug>.<extension>")
def question(slug: str, extension: str = "") -> BaseResponse:
    """Ask a question with the parameters of the address."""
    site = current_site()
    template = site.library.find(slug)
    if extension == "rq":
        return Response(template.query, content_type="application/sparql-query; charset=utf-8")
    if extension and not find(extension, (*SOLUTION_FORMATS, *GRAPH_FORMATS, HTML)):
        raise NotFound(f"There is no answer in the format “{extension}”.", "Try csv or json.")
    name = extension or request.args.get("format")
    values = _read_values()
    is_example = False
    if wants_html(*SOLUTION_FORMATS) and not extension and template.needs_values and not values:
        # A visitor sees what the question is like before choosing anything.
        values = template.examples
        is_example = True
    bindings = template.bind(values)

    def evaluate(formats: Mapping[str, Format | None]) -> Result:
        return dataset().evaluate(template.query, substitutions=bindings, formats=formats)

    def page(result: Result) -> str:
        return _page(template, values, result, is_example=is_example)

    return answer(lambda: respond(evaluate, name, page))


@blueprint.get("/")
def slash() -> BaseResponse:
    """Lead to the list."""
    return redirect("/queries", 308)


def _read_values() -> dict[str, str]:
    values = {}
    for name, given in request.args.lists():
        if name in _RESERVED:
            continue
        if len(given) > 1:
            raise ParameterError(
                f"The parameter “{name}” is given {len(given)} times.", "Give it once.",
                parameter=name,
            )  # fmt: skip
        if given[0].strip():
            values[name] = given[0]
    return values


def _page(
    template: QueryTemplate, values: dict[str, str], result: Result, *, is_example: bool
) -> str:
    site = current_site()
    state = dataset()
    table = make_table(result, state, limit=site.config.table_rows, language=language())
    choices = suggest(template, state, language())
    return render(
        "query.html",
        question=template,
        values=values,
        choices=choices,
        table=table,
        formats=formats_for(result),
        again=list(values.items()),
        is_example=is_example,
    )


def _as_json(template: QueryTemplate) -> dict[str, Any]:
    return {
        "slug": template.slug,
        "summary": template.summary,
        "description": template.description,
        "tags": list(template.tags),
        "view": template.view,
        "parameters": [_parameter_as_json(p) for p in template.parameters],
        "url": f"{request.host_url}queries/{template.slug}",
    }


def _parameter_as_json(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "type": parameter.type,
        "description": parameter.description,
        "example": parameter.example or None,
        "required": parameter.is_required,
    }
