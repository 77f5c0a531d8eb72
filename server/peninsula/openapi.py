"""What does the HTTP interface look like to a generator of clients? (OpenAPI 3.1)

The page for people is made of the same document: :func:`list_operations` puts it in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from peninsula import __version__
from peninsula.formats import (
    ARROW,
    ARROW_STREAM,
    CSV,
    GEOJSON,
    GRAPH_FORMATS,
    GRAPHML,
    HTML,
    JSONLD,
    NDJSON,
    NQUADS,
    PARQUET,
    PLAIN_JSON,
    TABLE_FORMATS,
    TRIG,
    Format,
)
from peninsula.library import Library, Parameter, QueryTemplate
from peninsula.namespaces import expand
from peninsula.protocol import FORM, QUERY, UPDATE
from peninsula.shacl.rendering import REPORT_FORMATS

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
        "tags": [
            {"name": name, "description": f"{count} questions"}
            for name, count in library.tags.items()
        ],
        "paths": {
            "/sparql": _sparql(),
            **_documents(),
            "/update": _update(),
            "/validate": _validate(),
            **_reconciliation(),
            **{f"/queries/{t.slug}": _question(t) for t in library.templates.values()},
        },
        "components": {
            "responses": {"problem": _problem()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


#: Parameters that most addresses take.
_COMMON: Final = {
    "generation": ("integer", "a state of the graph by its number; the newest without it"),
    "lang": ("string", "the language of labels: en, ko or ru"),
}
_DOCUMENTS: Final[dict[str, tuple[str, str, dict[str, tuple[str, str]], tuple[Format, ...]]]] = {
    "/search": (
        "search",
        "Find things by their name: best first, each with its score and what is alike",
        {
            "q": ("string", "words of the name, in any language, form, script; up to 200 letters"),
            "kind": ("string", "kinds of things, with commas between: state,person"),
            "class": ("string", "a class, as pen:Summit; its subclasses count, too"),
            "limit": ("integer", "how many at most"),
            "page": ("integer", "which page of them"),
        },
        (PLAIN_JSON, CSV),
    ),
    "/queries": (
        "listQuestions", "List the questions; as RDF, they are examples for SPARQL editors",
        {
            "q": ("string", "words of the question"),
            "tag": ("string", "a tag; may be given several times"),
        },
        (PLAIN_JSON, *GRAPH_FORMATS),
    ),
    "/id/{kind}/{slug}": (
        "describeThing", "Tell what is known of a thing (303 to the document)",
        {}, tuple(f for f in GRAPH_FORMATS if f.name not in {"trig", "nquads"}),
    ),
    "/positions": (
        "comparePositions", "Compare the positions of actors on topics",
        {
            "actor": ("string", "who holds them, as state:russia; several are set side by side"),
            "topic": ("string", "a topic with its narrower ones, as topic:sanctions"),
            "stance": ("string", "a stance, as stance:opposes"),
            "on": ("string", "a day, as 2017-12-22"),
            "from": ("string", "the first day of a period"),
            "until": ("string", "the last day of a period"),
        },
        (CSV, PLAIN_JSON, GRAPHML),
    ),
    "/timeline": (
        "listHappenings", "List events, tenures, resolutions and positions along time",
        {
            "kind": ("string", "what to list, as summit; may be given several times"),
            "actor": ("string", "whom it is about, as person:kim-jong-un"),
            "topic": ("string", "a topic, as topic:sanctions"),
            "from": ("string", "the first year or day"),
            "until": ("string", "the last year or day"),
        },
        (PLAIN_JSON, CSV),
    ),
    "/map": (
        "locateHappenings", "List places with what happened there",
        {
            "kind": ("string", "what to list, as summit; may be given several times"),
            "actor": ("string", "whom it is about, as state:russia"),
            "topic": ("string", "a topic, as topic:sanctions"),
            "from": ("string", "the first year or day"),
            "until": ("string", "the last year or day"),
        },
        (GEOJSON, PLAIN_JSON, CSV),
    ),
    "/network": (
        "relateActors", "List who met, voted or argued like whom; the page explains each setting",
        {"of": ("string", "meetings, votes or stances")},
        (GRAPHML, CSV, PLAIN_JSON),
    ),
    "/tables": ("listTables", "List the tidy tables with their columns", {}, (PLAIN_JSON,)),
    "/tables/{table}": (
        "readTable", "Read a tidy table; /tables/{table}.csv-metadata.json describes it (CSVW)",
        {}, (CSV, PARQUET, ARROW, ARROW_STREAM, PLAIN_JSON, NDJSON),
    ),
    "/dumps": (
        "listDumps", "List the dumps: everything, sources, nanopublications", {}, (PLAIN_JSON,),
    ),
    "/nanopub/{kind}/{slug}": (
        "readNanopublication", "Read a claim or a position as a nanopublication",
        {}, (TRIG, NQUADS, JSONLD),
    ),
    "/store": (
        "readGraph", "Read a named graph (SPARQL 1.1 Graph Store HTTP Protocol)",
        {"graph": ("string", "the IRI of the graph; without it, all graphs as TriG or N-Quads")},
        GRAPH_FORMATS,
    ),
    "/.well-known/void": (
        "describeDataset", "Describe the dataset: VoID and DCAT", {}, GRAPH_FORMATS,
    ),
    "/history": (
        "listGenerations", "List the states of the graph and what changed", {}, (PLAIN_JSON,),
    ),
}  # fmt: skip


def _documents() -> dict[str, Any]:
    return {
        path: {
            "get": {
                "operationId": identifier,
                "summary": summary,
                "parameters": [
                    *_in_path(path),
                    *(
                        {
                            "name": name,
                            "in": "query",
                            "schema": {"type": type_},
                            "description": text,
                        }
                        for name, (type_, text) in {**parameters, **_COMMON}.items()
                    ),
                    _format_parameter(formats),
                ],
                "responses": _responses(formats),
            }
        }
        for path, (identifier, summary, parameters, formats) in _DOCUMENTS.items()
    }


def _in_query(name: str, kind: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind}, "description": text}


def _in_path(path: str) -> list[dict[str, Any]]:
    examples = {"kind": "state", "slug": "russia", "table": "votes"}
    if path.startswith("/nanopub"):
        examples = {"kind": "claim", "slug": "c029"}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "example": text,
        }
        for name, text in examples.items()
        if f"{{{name}}}" in path
    ]


def _format_parameter(formats: Iterable[Format]) -> dict[str, Any]:
    names = [format.name for format in formats]
    return {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": names},
        "description": "the format, in place of the Accept header",
    }


def _sparql() -> dict[str, Any]:
    answer = _responses([*TABLE_FORMATS, *GRAPH_FORMATS])
    query = {"type": "string", "description": "a SPARQL 1.1 query"}
    return {
        "get": {
            "operationId": "query",
            "summary": "Ask a SPARQL query",
            "parameters": [
                {
                    "name": "query",
                    "in": "query",
                    "required": True,
                    "schema": query,
                    "example": "SELECT * WHERE { ?summit a pen:Summit }",
                },
                *(
                    {
                        "name": name,
                        "in": "query",
                        "schema": {"type": "array", "items": {"type": "string", "format": "iri"}},
                    }
                    for name in ("default-graph-uri", "named-graph-uri")
                ),
                _in_query("services", "string", "who answers SERVICE: live, snapshot or fallback"),
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


def _update() -> dict[str, Any]:
    """Describe how the graph is changed."""
    update = {"type": "string", "description": "a SPARQL 1.1 update"}
    return {
        "post": {
            "operationId": "update",
            "summary": "Change the graph by a SPARQL update; needs a token",
            "security": [{"token": []}],
            "parameters": [_in_query("dry-run", "boolean", "tell the change and make none")],
            "requestBody": {
                "required": True,
                "content": {
                    UPDATE: {"schema": update},
                    FORM: {"schema": {"type": "object", "properties": {"update": update}}},
                },
            },
            "responses": _responses((PLAIN_JSON,)),
        }
    }


def _validate() -> dict[str, Any]:
    """Describe how statements are judged without being stored."""
    text = {"type": "string"}
    types = [format.media_type for format in GRAPH_FORMATS]
    return {
        "post": {
            "operationId": "validate",
            "summary": "Judge statements by the shapes, as if they were added; nothing is stored",
            "parameters": [
                {
                    "name": "mode",
                    "in": "query",
                    "schema": {"type": "string", "enum": ["graph", "alone"]},
                    "description": "as if added to the graph, or by themselves",
                },
                _format_parameter(REPORT_FORMATS),
            ],
            "requestBody": {
                "required": True,
                "content": {media_type: {"schema": text} for media_type in (*types, UPDATE)},
            },
            "responses": _responses(REPORT_FORMATS),
        }
    }


#: Of the service that reconciles names; its manifest leads programs to all of them.
_RECONCILIATION: Final[dict[str, tuple[str, str, dict[str, tuple[str, str]]]]] = {
    "/reconcile": (
        "reconcile",
        "Reconcile names with things (Reconciliation API 0.2); without a query, the manifest",
        {
            "queries": ("string", "a batch of queries, in JSON, 100 at most"),
            "extend": ("string", "a data extension query, in JSON"),
            "query": ("string", "one query, as the first version of the API had it"),
            "names": ("string", "names, one a line, in place of a batch"),
            "type": ("string", "the type of those names, as pen:Person"),
        },
    ),
    "/reconcile/suggest/{what}": (
        "suggest", "Suggest things, types or properties that begin so",
        {
            "prefix": ("string", "what has been typed"),
            "cursor": ("integer", "how many to skip"),
            "limit": ("integer", "how many at most"),
        },
    ),
    "/reconcile/flyout/{what}": (
        "flyout", "Tell a little of a thing, a type or a property",
        {"id": ("string", "its id")},
    ),
    "/reconcile/properties": (
        "proposeProperties", "Propose properties of the things of a type",
        {"type": ("string", "a type, as pen:Person"), "limit": ("integer", "how many at most")},
    ),
    "/reconcile/preview": (
        "previewThing", "Show a card about a thing, for a frame", {"id": ("string", "its id")},
    ),
}  # fmt: skip


def _reconciliation() -> dict[str, Any]:
    """Describe the service that reconciles names with things."""
    examples = {"id": "state:russia", "what": "entity", "prefix": "russia"}
    batch = '{"q0": {"query": "Moon Jae In", "type": "pen:Person"}}'
    text = {"type": "string"}
    paths: dict[str, Any] = {}
    for path, (identifier, summary, parameters) in _RECONCILIATION.items():
        called = [
            {**_in_query(name, type_, about), "required": name in examples}
            | ({"example": examples[name]} if name in examples else {})
            for name, (type_, about) in parameters.items()
        ]
        called += [_in_query(name, *_COMMON[name]) for name in _COMMON]
        if "{what}" in path:
            called.insert(0, {
                "name": "what", "in": "path", "required": True, "example": examples["what"],
                "schema": {"type": "string", "enum": ["entity", "type", "property"]},
            })  # fmt: skip
        if path != "/reconcile/preview":
            about = "the name of a function that is called with the answer (JSONP)"
            called.append(_in_query("callback", "string", about))
        answer = _responses((HTML,) if path == "/reconcile/preview" else (PLAIN_JSON,))
        paths[path] = {
            "get": {
                "operationId": identifier, "summary": summary,
                "parameters": called, "responses": answer,
            }
        }  # fmt: skip
    form = {"type": "object", "properties": {"queries": text, "extend": text}}
    paths["/reconcile"]["post"] = {
        "operationId": "reconcileBatch",
        "summary": "Reconcile a batch of names, or fetch values of what was reconciled",
        "requestBody": {
            "required": True,
            "content": {FORM: {"schema": form, "example": {"queries": batch}}},
        },
        "responses": _responses((PLAIN_JSON,)),
    }
    return paths


def _question(template: QueryTemplate) -> dict[str, Any]:
    return {
        "get": {
            "operationId": template.slug,
            "summary": template.summary,
            "description": template.description,
            "tags": list(template.tags),
            "parameters": [
                *(_parameter(parameter) for parameter in template.parameters),
                *(
                    [_in_query("services", "string", "“snapshot” asks what is kept of a service")]
                    if template.services
                    else []
                ),
                _in_query("generation", *_COMMON["generation"]),
                _format_parameter((*TABLE_FORMATS, GRAPHML, GEOJSON)),
            ],
            "responses": _responses((*TABLE_FORMATS, GRAPHML, GEOJSON)),
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


# For people.

#: Formats that a browser shows or saves, in which an example is tried.
_TRIED: Final = (PLAIN_JSON.media_type, "application/sparql-results+json", "text/turtle")


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked of the server."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Mapping[str, Any], ...]
    media_types: tuple[str, ...]
    tags: tuple[str, ...]
    #: An address that can be tried, below that of the server; empty where a body is needed.
    example: str


def list_operations(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Return the operations of an OpenAPI document: those of the server, and the questions."""
    groups: dict[str, list[Operation]] = {"server": [], "questions": []}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            group = "questions" if path.startswith("/queries/") else "server"
            groups[group].append(_read_operation(path, method, told))
    return groups


def _read_operation(path: str, method: str, told: Mapping[str, Any]) -> Operation:
    parameters: Sequence[Mapping[str, Any]] = told.get("parameters", ())
    media_types = tuple(told["responses"]["200"]["content"])
    return Operation(
        told["operationId"],
        method.upper(),
        path,
        told["summary"],
        told.get("description", ""),
        tuple(parameters),
        media_types,
        tuple(told.get("tags", ())),
        _write_example(path, parameters, media_types) if method == "get" else "",
    )


def _write_example(
    path: str, parameters: Sequence[Mapping[str, Any]], media_types: Sequence[str]
) -> str:
    """Return an address with the example of each parameter that is needed."""
    pairs = []
    for parameter in parameters:
        example = str(parameter.get("example", ""))
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(example))
        elif parameter.get("required"):
            pairs.append((parameter["name"], example))
        elif parameter["name"] == "graph":
            # All graphs at once are to be had in other formats than one.
            pairs.append(("graph", expand("graph:positions")))
    formats = [p["schema"]["enum"] for p in parameters if p["name"] == "format"]
    if formats and HTML.media_type not in media_types:
        tried = next((m for m in _TRIED if m in media_types), "")
        pairs.append(("format", "turtle" if tried == "text/turtle" else formats[0][0]))
    return f"{path}?{urlencode(pairs, safe=':/')}" if pairs else path
