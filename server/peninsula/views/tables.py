"""How are the tidy tables listed, shown and sent?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.errors import NotFound, ParameterError
from peninsula.formats import CSV, HTML, PLAIN_JSON, Format, find
from peninsula.labels import LANGUAGES
from peninsula.negotiation import choose
from peninsula.tabulation.csvw import describe_table, describe_tables
from peninsula.tabulation.declarations import Field, Table, find_table, read_tables
from peninsula.tabulation.rows import count_rows, read_rows
from peninsula.tabulation.writing import TABLE_FILES, write_table
from peninsula.views.answers import answer
from peninsula.views.ranges import allow_ranges
from peninsula.views.site import (
    accepted,
    begin,
    dataset,
    find_licence,
    language,
    link,
    pinned,
    render,
    require_reading,
    tell_provenance,
)

blueprint = Blueprint("tables", __name__, url_prefix="/tables")
#: Of metadata of CSV on the Web (https://www.w3.org/TR/tabular-data-model/#link-header).
CSVW: Final = "application/csvm+json"
_PREVIEW: Final = 20
_ENDING: Final = ".csv-metadata"


@blueprint.get("")
def tables() -> Response:
    """List the tables."""
    format = choose(accepted(), (PLAIN_JSON, HTML), name=request.args.get("format"))
    if format is HTML:
        return answer(_show_all)
    require_reading()
    return jsonify([_as_json(table) for table in read_tables().values()])


@blueprint.get("/csvw.json")
def group() -> Response:
    """Send the description of all tables together, by CSV on the Web."""

    def describe() -> Response:
        return _send_metadata(describe_tables(_address, _provenance()))

    return answer(describe, is_exact=True)


@blueprint.get("/<name>")
def table(name: str) -> BaseResponse:
    """Show a table, or send it."""
    stem, dot, extension = name.rpartition(".")
    if not dot:
        found = find_table(name)
        wished = request.args.get("format")
        format = choose(accepted(), (*TABLE_FILES, HTML), name=wished)
        return answer(lambda: _show(found)) if format is HTML else _send(found, format)
    if stem.endswith(_ENDING) and extension == "json":
        found = find_table(stem.removesuffix(_ENDING))
        return answer(lambda: _send_metadata(_describe(found)), is_exact=True)
    found = find_table(stem)
    if extension == "rq":
        return Response(found.query, content_type="application/sparql-query; charset=utf-8")
    if extension == HTML.extension:
        return answer(lambda: _show(found))
    wanted = find(extension, TABLE_FILES)
    if wanted is None:
        raise NotFound(
            f"The table “{stem}” is not to be had as “{extension}”.",
            f"There are: {', '.join(format.extension for format in TABLE_FILES)}.",
        )
    return _send(found, wanted)


# Files.


def _send(table: Table, format: Format) -> Response:
    wished = _language()

    def make() -> Response:
        chosen = format.noted(_provenance()) if format.is_binary else format
        chunks = write_table(table, read_rows(dataset(), table, wished), chosen)
        return Response(begin(chunks), content_type=format.content_type)

    response = allow_ranges(answer(make, is_exact=True))
    if format is CSV:
        described = urlsplit(f"{_address(table.name)}").path
        query = f"?{urlencode(_kept())}" if _kept() else ""
        # Before the others: some readers look at the first alone.
        links = [f'<{described}-metadata.json{query}>; rel="describedby"; type="{CSVW}"']
        response.headers["Link"] = ", ".join([*links, *response.headers.getlist("Link")])
    return response


def _language() -> str:
    """Return in which language the names are: that of the address, else English, for everybody."""
    wished = request.args.get("lang", "en")
    if wished not in LANGUAGES:
        raise ParameterError(
            f"There are no names in the language “{wished}”.",
            f"There are: {', '.join(LANGUAGES)}.",
            parameter="lang",
        )
    return wished


def _kept() -> dict[str, str]:
    """Return the parameters that the address of a table and its description have alike."""
    return {name: text for name in ("lang", "generation") if (text := request.args.get(name))}


def _address(name: str) -> str:
    query = f"?{urlencode(_kept())}" if _kept() else ""
    return f"{request.host_url}tables/{name}.csv{query}"


def _provenance() -> dict[str, str]:
    return tell_provenance()


def _describe(table: Table) -> dict[str, Any]:
    return describe_table(table, _address(table.name), _provenance())


def _send_metadata(metadata: Mapping[str, Any]) -> Response:
    response = jsonify(metadata)
    response.content_type = CSVW
    return response


def _as_json(table: Table) -> dict[str, Any]:
    address = f"{request.host_url}tables/{table.name}"
    return {
        "name": table.name,
        "title": table.title,
        "description": table.description,
        "key": table.key,
        "columns": [
            {
                "name": field.name,
                "description": field.description,
                "datatype": field.datatype,
                "list": field.is_list,
                "required": field.is_required,
            }
            for field in table.fields
        ],
        "files": {format.name: f"{address}.{format.extension}" for format in TABLE_FILES},
        "metadata": f"{address}.csv-metadata.json",
        "license": find_licence() or None,
    }


# Pages.


def _show_all() -> Response:
    page = render("tables.html", tables=list(read_tables().values()), files=TABLE_FILES)
    return Response(page, content_type=HTML.content_type)


def _show(table: Table) -> Response:
    rows = list(read_rows(dataset(), table, language(), limit=_PREVIEW))
    wanted = {} if language() == "en" else {"lang": language()}
    page = render(
        "table.html",
        table=table,
        rows=rows,
        shown=_choose_columns(table),
        count=count_rows(dataset(), table) if rows else 0,
        files=[(f, link(f"/tables/{table.name}.{f.extension}", **wanted)) for f in TABLE_FILES],
        metadata=link(f"/tables/{table.name}.csv-metadata.json", **wanted),
        address=f"{request.host_url}tables/{table.name}",
        query=urlencode({**wanted, **({"generation": pinned()} if pinned() else {})}),
    )
    return Response(page, content_type=HTML.content_type)


def _choose_columns(table: Table) -> list[tuple[Field, int, int | None]]:
    """Return the columns of the page, with their places, and those of the IRIs they link to."""
    places = {field.name: place for place, field in enumerate(table.fields)}
    return [
        (field, place, places.get(f"{field.name}_iri"))
        for place, field in enumerate(table.fields)
        if not field.is_address
    ]
