"""What does the HTTP interface look like to a generator of clients? (OpenAPI 3.1)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from peninsula import __version__
from peninsula.formats import GRAPH_FORMATS, SOLUTION_FORMATS, Format
from peninsula.library import Library, Parameter, QueryTemplate
from peninsula.protocol import FORM, QUERY

_SCHEMAS: dict[str, dict[str, Any]] = {
    "iri": {"type": "string"},
    "string": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "integer": {"type": "integer"},
}


def describe_api(library: Library, address: str) -> dict[str, Any]:
    """Return the OpenAPI document of the server at ``address``."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Peninsula",
            "version": __version__,
            "summary": "A knowledge graph of Korean-Peninsula diplomacy",
            "license": {"name": "CC BY 4.0", "identifier": "CC-BY-4.0"},
        },
        "servers": [{"url": address.rstrip("/")}],
        "paths": {
            "/sparql": _sparql(),
            **{f"/queries/{t.slug}": _question(t) for t in library.templates.values()},
        },
        "components": {"responses": {"problem": _problem()}},
    }


def _sparql() -> dict[str, Any]:
    answer = _responses([*SOLUTION_FORMATS, *GRAPH_FORMATS])
    query = {"type": "string", "description": "a SPARQL 1.1 query"}
    return {
        "get": {
            "operationId": "query",
            "summary": "Ask a SPARQL query",
            "parameters": [
                {"name": "query", "in": "query", "required": True, "schema": query},
                *(
                    {
                        "name": name,
                        "in": "query",
                        "schema": {"type": "array", "items": {"type": "string", "format": "iri"}},
                    }
                    for name in ("default-graph-uri", "named-graph-uri")
                ),
            ],
            "responses": answer,
        },
        "post": {
            "operationId": "postQuery",
            "summary": "Ask a SPARQL query, as long as need be",
            "requestBody": {
                "required": True,
                "content": {
                    QUERY: {"schema": query},
                    FORM: {"schema": {"type": "object", "properties": {"query": query}}},
                },
            },
            "responses": answer,
        },
    }


def _question(template: QueryTemplate) -> dict[str, Any]:
    formats = [format.name for format in SOLUTION_FORMATS]
    return {
        "get": {
            "operationId": template.slug,
            "summary": template.summary,
            "description": template.description,
            "tags": list(template.tags),
            "parameters": [
                *(_parameter(parameter) for parameter in template.parameters),
                {"name": "format", "in": "query", "schema": {"type": "string", "enum": formats}},
            ],
            "responses": _responses(SOLUTION_FORMATS),
        }
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_required,
        "description": parameter.description,
        "schema": _SCHEMAS[parameter.type],
    }
    return {**described, "example": parameter.example} if parameter.example else described


def _responses(formats: Iterable[Format]) -> dict[str, Any]:
    content: dict[str, Any] = {format.media_type: {} for format in formats}
    return {
        "200": {"description": "the answer", "content": content},
        "default": {"$ref": "#/components/responses/problem"},
    }


def _problem() -> dict[str, Any]:
    properties = {
        name: {"type": kind}
        for name, kind in (
            ("type", "string"), ("title", "string"), ("status", "integer"), ("detail", "string"),
            ("remedy", "string"), ("line", "integer"), ("column", "integer"),
        )
    }  # fmt: skip
    schema = {"type": "object", "properties": properties}
    return {
        "description": "what went wrong, by RFC 9457",
        "content": {"application/problem+json": {"schema": schema}},
    }
