"""How is a question of the library listed, shown and asked?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import pyoxigraph as ox
from flask import Blueprint, Response, current_app, g, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.dataset.interface import QueryOptions, Result, Term, formats_for
from peninsula.errors import (
    NotFound,
    Overloaded,
    ParameterError,
    PeninsulaError,
    QueryError,
    ServiceForbidden,
    UnknownQuestion,
    UpstreamFailed,
)
from peninsula.formats import (
    COLUMNAR_FORMATS,
    GRAPH_FORMATS,
    HTML,
    PLAIN_JSON,
    SHAPED_FORMATS,
    TABLE_FORMATS,
    Format,
    find,
)
from peninsula.labels import find_labels
from peninsula.library import Parameter, QueryTemplate, describe
from peninsula.namespaces import shorten
from peninsula.negotiation import choose
from peninsula.questions import (
    find_questions,
    find_related,
    group_of,
    is_iri,
    make_fields,
    resolve_values,
)
from peninsula.snapshots import find_snapshot
from peninsula.suggestions import Choice, suggest
from peninsula.views.answers import answer
from peninsula.views.ranges import allow_ranges
from peninsula.views.showing import find_shaped_format, send_shaped, show
from peninsula.views.site import (
    accepted,
    calls,
    current_site,
    dataset,
    endpoint,
    generation,
    is_ours,
    language,
    pinned,
    render,
    respond,
    respond_with_triples,
    wants_html,
)

blueprint = Blueprint("queries", __name__, url_prefix="/queries")
#: Parameters of the address that are no parameters of the question.
_RESERVED: Final = ("format", "lang", "generation", "timeout", "view", "services")
_LONGEST_SEARCH: Final = 200
_CHOICES: Final = "peninsula.choices"
_MOST_CHOICES: Final = 500


@blueprint.get("")
def questions(extension: str = "") -> Response:
    """List the questions: those with every ``?tag=`` and every word of ``?q=``."""
    generation()  # the list is the same in each, but its links lead into the one asked about
    name = extension or request.args.get("format")
    format = choose(accepted(), (PLAIN_JSON, *GRAPH_FORMATS, HTML), name=name)
    library = current_site().library
    if format in GRAPH_FORMATS:
        return send_examples(format.name)
    text = request.args.get("q", "").strip()[:_LONGEST_SEARCH]
    tags = list(dict.fromkeys(tag for tag in request.args.getlist("tag") if tag.strip()))
    found = find_questions(library, text, tags)
    if format is HTML:
        page = render(
            "queries.html", found=found, text=text, tags=tags, every=len(library.templates)
        )
        return Response(page, content_type=HTML.content_type)
    listed = sorted((t for group in found.groups for t in group.questions), key=lambda t: t.slug)
    return jsonify([_as_json(template) for template in listed])


def send_examples(name: str | None = None) -> Response:
    """Send the library as RDF: what an editor offers as examples."""
    site, target = current_site(), endpoint()
    # A service is named as everybody knows it, except where its address is nobody's business.
    addresses = {s.name: s.address for s in site.services if not s.is_trusted}
    triples = describe(site.library, target, addresses)
    return answer(lambda: respond_with_triples(triples, name))


@blueprint.get("/<slug>")
@blueprint.get("/<slug>.<extension>")
def question(slug: str, extension: str = "") -> BaseResponse:
    """Ask a question with the parameters of the address."""
    site = current_site()
    if slug not in site.library.templates and not extension and wants_html(PLAIN_JSON):
        return _unknown(slug)
    template = site.library.find(slug)
    # What a service says is another answer a moment later; a snapshot is part of a generation.
    is_lasting = is_ours(template.query)
    if extension == "rq":
        return Response(template.query, content_type="application/sparql-query; charset=utf-8")
    if extension and not find(extension, (*TABLE_FORMATS, *GRAPH_FORMATS, *SHAPED_FORMATS, HTML)):
        raise NotFound(f"There is no answer in the format “{extension}”.", "Try csv or json.")
    name = extension or request.args.get("format")
    is_page = wants_html(*TABLE_FORMATS) if not extension else extension == HTML.extension
    if is_page:
        return answer(lambda: _show(template), is_lasting=is_lasting)
    response = answer(lambda: _send(template, name), is_lasting=is_lasting)
    is_columnar = find(response.mimetype or "", COLUMNAR_FORMATS) is not None
    return allow_ranges(response) if is_columnar else response


@blueprint.get("/")
def slash() -> BaseResponse:
    """Lead to the list."""
    return redirect("/queries", 308)


def _unknown(slug: str) -> Response:
    """Show which questions have a name like the one that is not there."""
    library = current_site().library
    g.error = UnknownQuestion(f"There is no question “{slug}”.")
    near = [library.templates[name] for name in library.near(slug)]
    page = render("unknown_question.html", slug=slug, near=near)
    response = Response(page, 404, content_type=HTML.content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def _asks_snapshot(template: QueryTemplate) -> bool:
    """Whether the address wants the snapshots of the services rather than the services."""
    return bool(template.services) and request.args.get("services") == "snapshot"


def _ask(
    template: QueryTemplate,
    bindings: Mapping[str, Term],
    formats: Mapping[str, Format | None] | None = None,
) -> Result:
    """Return the answer; the address says whether services are asked or what is kept of them."""
    return dataset().evaluate(
        template.query, QueryOptions(substitutions=bindings, formats=formats or {})
    )


@dataclass(frozen=True)
class Outside:
    """The services that a question asks, as a page tells of them."""

    names: str
    #: Whether it is the snapshots that are asked.
    is_snapshot: bool
    #: The day of the oldest snapshot, "" where it is not known; None where one is missing.
    snapshot: str | None


def _look_outside(template: QueryTemplate) -> Outside | None:
    """Return what is to be told of the services that a question asks, None where it asks none."""
    if not template.services:
        return None
    days = [find_snapshot(dataset(), name) for name in template.services]
    known = [day for day in days if day is not None]
    return Outside(
        ", ".join(name.capitalize() for name in template.services),
        _asks_snapshot(template),
        min(known) if len(known) == len(days) else None,
    )


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


def _send(template: QueryTemplate, name: str | None) -> Response:
    """Send the answer in a data format."""
    values = _read_values()
    if any(not is_iri(text) for text in _things(template, values).values()):
        values = resolve_values(template, values, dataset(), _find_choices(template))
    bindings = template.bind(values)

    def evaluate(formats: Mapping[str, Format | None]) -> Result:
        return _ask(template, bindings, formats)

    if shaped := find_shaped_format(name):
        return send_shaped(evaluate({}), shaped)

    def page(result: Result) -> str:
        return _page(template, values, bindings, result)

    return respond(evaluate, name, page, template.write(bindings))


def _things(template: QueryTemplate, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that must name a thing."""
    names = {parameter.name for parameter in template.parameters if parameter.type == "iri"}
    return {name: text for name, text in values.items() if name in names}


def _find_choices(template: QueryTemplate) -> Mapping[str, list[Choice]]:
    """Return what the parameters can be set to; found once for each state and language."""
    kept: dict[tuple[object, ...], dict[str, list[Choice]]]
    kept = current_app.extensions.setdefault(_CHOICES, {})
    state = generation()
    key = (state.number, state.published, template.slug, language())
    if key in kept:
        return kept[key]
    choices = suggest(template, dataset(), language())
    if len(kept) >= _MOST_CHOICES:
        kept.clear()
    if choices:  # none may mean that there was no time to look
        kept[key] = choices
    return choices


# The page.


def _show(template: QueryTemplate) -> Response:
    """Show the question with its answer; where it has none, with what is wrong."""
    values: dict[str, str] = {}
    is_example = False
    try:
        given = values = _read_values()
        if template.needs_values and not values:
            # A visitor sees what the question is like before choosing anything.
            given = values = template.examples
            is_example = True
        if any(not is_iri(text) for text in _things(template, values).values()):
            values = resolve_values(template, values, dataset(), _find_choices(template))
        if values != given:
            # The address of an answer names what it is about.
            return redirect(_address(template, values, view=request.args.get("view", "")), 303)  # type: ignore[return-value]
        bindings = template.bind(values)
        result = _ask(template, bindings)
        try:
            page = _page(template, values, bindings, result, is_example=is_example)
        finally:
            result.close()
        return Response(page, content_type=HTML.content_type)
    except (ParameterError, QueryError, Overloaded, UpstreamFailed) as error:
        return _explain(template, values, error)


def _explain(template: QueryTemplate, values: dict[str, str], error: PeninsulaError) -> Response:
    """Show the question with what is wrong beside the field that it is about."""
    g.error = error
    values = values or {name: text for name, text in request.args.items() if name not in _RESERVED}
    choices: Mapping[str, list[Choice]] = {}
    # Where it is our own part that failed, more questions to it would fail as well.
    is_upstream = isinstance(error, UpstreamFailed | ServiceForbidden)
    if isinstance(error, ParameterError) or is_upstream:
        choices = _find_choices(template)
    page = render(
        "query.html",
        question=template,
        fields=make_fields(
            template, values, choices, {}, error if isinstance(error, ParameterError) else None
        ),
        problem=error,
        related=find_related(current_site().library, template),
        written=template.write({}),
        shown=None,
        outside=_look_outside(template),
        is_upstream=is_upstream,
    )
    response = Response(page, error.status, content_type=HTML.content_type)
    response.headers.update(error.headers())
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(
    template: QueryTemplate,
    values: dict[str, str],
    bindings: Mapping[str, Term],
    result: Result,
    *,
    is_example: bool = False,
) -> str:
    state = dataset()
    shown = show(result, template.query, chosen=template.view)
    named = find_labels(state, bindings.values(), language())
    asked = template.from_snapshots() if _asks_snapshot(template) else template
    written = asked.write(bindings)
    again = [*values.items(), *_mode(template), *_state()]
    return render(
        "query.html",
        question=template,
        fields=make_fields(
            template,
            {name: _write_value(bindings[name], text) for name, text in values.items()},
            _find_choices(template),
            {shorten(iri): label for iri, label in named.items()},
        ),
        shown=shown,
        formats=formats_for(result),
        again=again,
        is_example=is_example,
        written=written,
        code=_write_code(template, values),
        related=find_related(current_site().library, template),
        outside=_look_outside(template),
        calls=calls() if template.services else (),
    )


def _mode(template: QueryTemplate) -> list[tuple[str, str]]:
    """Return that snapshots are asked, as a parameter; nothing where services are."""
    return [("services", "snapshot")] if _asks_snapshot(template) else []


def _state() -> list[tuple[str, str]]:
    """Return the generation that the address asks for, as a parameter."""
    number = pinned()
    return [("generation", str(number))] if number else []


def _write_value(term: Term, text: str) -> str:
    """Return a value as the choices have it: ``state:russia``, whichever way it was given."""
    return shorten(term.value) if isinstance(term, ox.NamedNode) else text.strip()


def _address(template: QueryTemplate, values: Mapping[str, str], *, view: str = "") -> str:
    view_pair = [("view", view)] if view else []
    pairs = [*values.items(), *_mode(template), *view_pair, *_state()]
    return f"/queries/{template.slug}{f'?{urlencode(pairs)}' if pairs else ''}"


def _write_code(template: QueryTemplate, values: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return what asks the same from elsewhere: a key, the name of the language, the code."""
    number = generation().number
    pairs = [*values.items(), *_mode(template), ("generation", str(number))]
    # “:” and “/” may stand in a query as they are, and read better so.
    query = urlencode(pairs, safe=":/", quote_via=quote)
    csv = f"{request.host_url}queries/{template.slug}.csv?{query}"
    note = f"# generation={number} keeps the answer as it is now; without it, the newest is asked."
    if template.services and not _asks_snapshot(template):
        note = (
            f"# generation={number} keeps our part as it is now; what the service says may change."
        )
    python = f'import pandas as pd\n\n{note}\nanswer = pd.read_csv("{csv}")\nprint(answer)'
    return [
        ("python", "Python (pandas)", python),
        ("r", "R", f'{note}\nanswer <- read.csv("{csv}")\nprint(answer)'),
        ("curl", "curl", f"{note}\ncurl -o {template.slug}.csv '{csv}'"),
    ]


def _as_json(template: QueryTemplate) -> dict[str, Any]:
    return {
        "slug": template.slug,
        "summary": template.summary,
        "description": template.description,
        "tags": list(template.tags),
        "group": group_of(template),
        "view": template.view,
        "services": list(template.services),
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
