"""Which things do the names in somebody's table mean, asked by a program or on a page?

The Reconciliation Service API 0.2 of the W3C's community group, as OpenRefine and others speak it.
https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from flask import Blueprint, Response, current_app, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.errors import (
    Forbidden,
    NotFound,
    Overloaded,
    ParameterError,
    ProtocolError,
    RequestTooLarge,
    UnknownResource,
    UnsupportedMediaType,
)
from peninsula.formats import CSV, HTML, PLAIN_JSON
from peninsula.negotiation import choose
from peninsula.protocol import (
    FORM,
    parse_parameters,
    read_generation,
    read_media_type,
    read_number,
    read_timeout,
    refuse_repetition,
)
from peninsula.reconciliation.entities import read_entities
from peninsula.reconciliation.extension import extend, read_entity_id
from peninsula.reconciliation.manifest import describe_service
from peninsula.reconciliation.matching import Deadline, Matcher
from peninsula.reconciliation.preview import HEIGHT, read_card, write_flyout, write_item_flyout
from peninsula.reconciliation.requests import (
    BATCH_SIZE,
    LONGEST_TEXT,
    Query,
    check_callback,
    read_batch,
    read_extension,
    read_single,
)
from peninsula.reconciliation.results import (
    write_entities,
    write_properties,
    write_proposals,
    write_result,
    write_results,
    write_rows,
    write_types,
)
from peninsula.reconciliation.schema import Schema, Schemas
from peninsula.reconciliation.scoring import Candidate
from peninsula.reconciliation.suggesting import (
    MOST_SKIPPED,
    MOST_SUGGESTIONS,
    SUGGESTIONS,
    suggest_entities,
)
from peninsula.search import Index
from peninsula.serialization import write_csv
from peninsula.views.answers import answer
from peninsula.views.bodies import read_body
from peninsula.views.names import open_index
from peninsula.views.parameters import number_given
from peninsula.views.site import (
    accepted,
    current_site,
    dataset,
    generation,
    language,
    link,
    local_path,
    read_parameters,
    render,
    require_reading,
    wants_html,
)

blueprint = Blueprint("reconcile", __name__)

_EXTENSION: Final = "peninsula.reconciliation"
_OPERATIONS: Final = ("queries", "query", "extend")
_ONCE: Final = (*_OPERATIONS, "callback", "generation", "timeout", "lang")
#: Names that the page takes, and candidates that it shows of each.
MOST_NAMES: Final = BATCH_SIZE
_SHOWN: Final = 3
#: Batches under way at once: what compares names must leave time for the other answers.
_TURNS: Final = threading.BoundedSemaphore(2)
_PATIENCE: Final = 15.0  # seconds
#: A card is shown in a frame of whatever page the client is.
_FRAMED: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors *"
)


@blueprint.route("/reconcile", methods=["GET", "POST"])
def reconcile() -> Response:
    """Tell what the service is; reconcile names, or tell values of what was reconciled."""
    pairs = _read_pairs()
    refuse_repetition(pairs, _ONCE)
    values = dict(pairs)
    asked = [name for name in _OPERATIONS if name in values]
    if len(asked) > 1:
        raise ProtocolError(
            f"{' and '.join(asked)} are asked for at once.", "Ask for one of them at a time."
        )
    if asked:
        return _operate(asked[0], values)
    if request.method == "POST":
        raise ProtocolError(
            "Nothing is asked.", "Send the field “queries” or “extend”, with JSON in it."
        )
    if "names" in values or ("callback" not in values and wants_html(PLAIN_JSON, CSV)):
        return _page()
    return _manifest(values)


@blueprint.get("/reconcile/suggest/<what>")
def suggest(what: str) -> Response:
    """Suggest things, types or properties that begin so."""
    prefix = request.args.get("prefix", "")
    if len(prefix) > LONGEST_TEXT:
        raise ParameterError(
            f"The prefix has {len(prefix):,} characters, more than {LONGEST_TEXT}.",
            "Send what somebody has typed of a name.",
            parameter="prefix",
        )
    if what not in {"entity", "type", "property"}:
        raise _no_such(what)
    skip = _read_cursor()
    limit = number_given("limit", SUGGESTIONS, MOST_SUGGESTIONS)
    require_reading()
    index = open_index() if what == "entity" else None

    def tell() -> Any:
        schema = _open_schema()
        if what == "type":
            return write_types(schema.find_types(prefix)[skip : skip + limit])
        if index is None:
            return write_properties(schema.find_properties(prefix)[skip : skip + limit])
        given = [one for text in request.args.getlist("type") for one in text.split(",") if one]
        types = [schema.read_type(text, "type") for text in given]
        found = suggest_entities(
            dataset(), index, schema, prefix, types=types, skip=skip, limit=limit
        )
        return write_entities(found)

    return _send(tell, index=index)


@blueprint.get("/reconcile/flyout/<what>")
def flyout(what: str) -> Response:
    """Tell a little of a thing, a type or a property, as HTML within JSON."""
    id = _read_id()

    def tell() -> Any:
        schema = _open_schema()
        if what == "type":
            item = schema.type_item(schema.read_type(id, "id"))
            html = write_item_flyout(item) if item else None
        elif what == "property":
            property = schema.read_property(id, "id")
            html = write_item_flyout(schema.property_item(property))
        elif what == "entity":
            html = write_flyout(dataset(), schema, read_entity_id(id))
        else:
            raise _no_such(what)
        if html is None:
            raise _unknown(id)
        return {"id": id, "html": html}

    return _send(tell)


@blueprint.get("/reconcile/preview")
def preview() -> Response:
    """Show a card about a thing, for a frame on another page."""
    id = _read_id()

    def show() -> Response:
        card = read_card(dataset(), _open_schema(), read_entity_id(id))
        if card is None:
            raise _unknown(id)
        page = render("reconcile-preview.html", card=card, height=HEIGHT)
        return Response(page, content_type=HTML.content_type)

    response = answer(show)
    response.headers["Content-Security-Policy"] = _FRAMED
    return response


@blueprint.get("/reconcile/view")
def view() -> BaseResponse:
    """Lead to the page of a thing; an address that the graph knows nothing of leads nowhere."""
    require_reading()
    id = _read_id()
    iri = read_entity_id(id)
    if iri not in read_entities(dataset(), [iri], with_context=False):
        raise _unknown(id)
    return redirect(local_path(iri), 303)


@blueprint.get("/reconcile/features/<path:id>")
def feature(id: str) -> BaseResponse:
    """Lead to what a matching feature means."""
    known = ("name", "alias", "context", "date", "identifier", "type", "kind")
    return redirect(f"{link('/reconcile')}#feature-{id if id in known else 'property'}", 303)


@blueprint.get("/reconcile/properties")
def properties() -> Response:
    """Propose properties of the things of a type."""
    type_id = request.args.get("type", "")
    limit = number_given("limit", 1000, 100_000) if request.args.get("limit") else None

    def tell() -> Any:
        schema = _open_schema()
        if not type_id:
            items = schema.find_properties("")
        else:
            items = list(schema.propose(dataset(), schema.read_type(type_id, "type")))
        return write_proposals(items[:limit], type_id, limit)

    return _send(tell)


# What is asked, and how it is answered.


def _operate(operation: str, values: Mapping[str, str]) -> Response:
    text = values[operation]
    number = read_generation(dict(values))
    digest = hashlib.sha256(json.dumps(sorted(values.items())).encode()).hexdigest()
    require_reading()
    # The body may say which state is asked, and so which index.
    generation(number)
    index = None if operation == "extend" else open_index()

    def tell() -> Any:
        if index is None:
            wish = read_extension(text)
            with _turn():
                return extend(dataset(), _open_schema(), wish)
        schema = _open_schema()
        if operation == "query":
            found = _match({"q": read_single(text)}, index, schema)
            return write_result(found["q"], schema)
        return write_results(_match(read_batch(text), index, schema), schema)

    return _send(tell, values.get("callback"), "reconcile", digest, index=index, number=number)


def _match(batch: Mapping[str, Query], index: Index, schema: Schema) -> dict[str, list[Candidate]]:
    config = current_site().config
    wished = read_timeout(request.args.to_dict()) or config.query_timeout
    with _turn():
        deadline = Deadline(min(wished, config.query_timeout))
        return Matcher(dataset(), index, schema, deadline).match(batch)


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    if not _TURNS.acquire(timeout=_PATIENCE):
        raise Overloaded(
            "Other batches are being reconciled.", "Ask again in a little while.", retry_after=5
        )
    try:
        yield
    finally:
        _TURNS.release()


def _send(
    tell: Callable[[], Any],
    callback: str | None = None,
    *parts: object,
    index: Index | None = None,
    number: int | None = None,
) -> Response:
    """Answer in JSON, or as a call of the function that the client names (JSONP).

    ``index`` is the one that is asked, if one is.
    """
    callback = request.args.get("callback") if callback is None else callback
    if callback is not None:
        check_callback(callback)
        if "*" not in current_site().config.cors:
            # A script is read by whatever page asks for it.
            raise Forbidden(
                "This server lets only some sites read its answers, and JSONP would let all.",
                "Ask without “callback”: the sites that are allowed can read JSON.",
            )

    def produce() -> Response:
        told = tell()
        if callback is None:
            body = json.dumps(told, ensure_ascii=False)
            return Response(body, content_type=PLAIN_JSON.content_type)
        # The comment keeps others from reading the answer as something else than a script.
        return Response(
            f"/**/{callback}({json.dumps(told)});", content_type="application/javascript"
        )

    return answer(produce, *parts, is_lasting=_is_lasting(index), number=number)


def _is_lasting(index: Index | None) -> bool:
    """Return whether the same will be found tomorrow: not while an index is being made."""
    return index is None or index.is_settled


def _manifest(values: Mapping[str, str]) -> Response:
    config = current_site().config
    address = request.host_url.rstrip("/")
    kept = {name: values[name] for name in ("generation", "lang") if values.get(name)}

    def describe(*, has_types: bool) -> dict[str, Any]:
        types = _open_schema().default_types if has_types else ()
        return describe_service(address, types, kept=kept, needs_token=config.read_token)

    if config.read_token and "Authorization" not in request.headers:
        # How to authenticate can be read without: the specification wants it, and nothing of the
        # graph is in it.
        told = describe(has_types=False)
        response = Response(json.dumps(told), content_type=PLAIN_JSON.content_type)
        response.headers["Cache-Control"] = "no-store"
        return response
    return _send(lambda: describe(has_types=True))


def _page() -> Response:
    """Show what the service is, and the candidates of names that are typed into the page."""
    format = choose(accepted(), (HTML, PLAIN_JSON, CSV), name=request.args.get("format"))
    names = _read_names()
    type_id = request.args.get("type", "").strip()
    batch = {
        f"q{place}": Query(name, (type_id,) if type_id else (), limit=_SHOWN)
        for place, name in enumerate(names)
    }
    require_reading()
    index = open_index() if batch else None

    def show() -> Response:
        schema = _open_schema()
        found = {} if index is None else _match(batch, index, schema)
        asked = {key: query.text for key, query in batch.items()}
        if format is CSV:
            body = write_csv(write_rows(asked, found, schema))
            return Response(body, content_type=CSV.content_type)
        if format is PLAIN_JSON:
            body = json.dumps(write_results(found, schema), ensure_ascii=False)
            return Response(body, content_type=PLAIN_JSON.content_type)
        chosen = schema.read_type(type_id, "type") if type_id else ""
        kinds = {
            candidate.entity.iri: items[0]
            for candidates in found.values()
            for candidate in candidates
            if (items := schema.specific(candidate.entity.classes))
        }
        body = render(
            "reconcile.html",
            address=f"{request.host_url[:-1]}{link('/reconcile')}",
            text="\n".join(names),
            asked=asked,
            found=found,
            kinds=kinds,
            matches=sum(any(c.is_match for c in candidates) for candidates in found.values()),
            types=sorted(schema.types, key=lambda item: item.name),
            usual=schema.default_types,
            chosen=chosen,
            schema_language=schema.language,
            property_name=lambda name: schema.name_property(
                schema.read_property(name.partition("#")[0])
            ),
            most=MOST_NAMES,
            query=_write_query(asked, type_id),
            ways=[item for item in schema.find_properties("") if not item.iri],
        )
        return Response(body, content_type=HTML.content_type)

    return answer(show, is_lasting=_is_lasting(index))


def _write_query(asked: Mapping[str, str], type_id: str) -> str:
    """Return the address by which a program asks the same."""
    batch = {
        key: {"query": text, **({"type": type_id} if type_id else {}), "limit": _SHOWN}
        for key, text in asked.items()
    }
    return link("/reconcile", queries=json.dumps(batch, ensure_ascii=False)) if batch else ""


# What stands in an address or a form.


def _read_pairs() -> list[tuple[str, str]]:
    pairs = read_parameters()
    if request.method != "POST":
        return pairs
    media_type = read_media_type(request.headers.get("Content-Type"))
    if media_type != FORM:
        raise UnsupportedMediaType(
            f"Reconciliation queries cannot be sent as “{media_type or 'nothing'}”.",
            f"Send a form: Content-Type {FORM}, with queries=… or extend=….",
        )
    body = read_body(3 * current_site().config.max_query_bytes)
    return [*pairs, *parse_parameters(body)]


def _read_names() -> list[str]:
    lines = request.args.get("names", "").replace("\r", "\n").split("\n")
    names = [line for text in lines if (line := text.strip())]
    if len(names) > MOST_NAMES:
        raise RequestTooLarge(
            f"{len(names):,} names are more than {MOST_NAMES}.",
            f"Try {MOST_NAMES} at a time; OpenRefine asks for as many as you have, bit by bit.",
        )
    for name in names:
        if len(name) > LONGEST_TEXT:
            raise ParameterError(
                f"A name has {len(name):,} characters, more than {LONGEST_TEXT}.",
                "Write one name a line.",
                parameter="names",
            )
    return names


def _read_id() -> str:
    id = request.args.get("id", "").strip()
    if not id or len(id) > LONGEST_TEXT:
        raise ParameterError(
            "There is no id." if not id else "The id is too long.",
            "Write, say, id=person:moon-jae-in.",
            parameter="id",
        )
    return id


def _read_cursor() -> int:
    text = request.args.get("cursor", "").strip() or "0"
    number = read_number(text, 0, MOST_SKIPPED)
    if number is None:
        raise ParameterError(
            f"“{text[:40]}” is no number from 0 to {MOST_SKIPPED:,} for the parameter “cursor”.",
            "It says how many suggestions to skip.",
            parameter="cursor",
        )
    return number


def _open_schema() -> Schema:
    schemas = cast(Schemas, current_app.extensions.setdefault(_EXTENSION, Schemas()))
    state = generation()
    return schemas.open(dataset(), (state.number, state.published), language())


def _unknown(id: str) -> UnknownResource:
    hits = open_index().near(id.partition(":")[2] or id, language=language())
    return UnknownResource(
        f"The graph says nothing of “{id[:80]}”.",
        "/reconcile/suggest/entity?prefix= finds things by their name.",
        suggestions=[
            {"iri": hit.iri, "label": hit.text, "path": local_path(hit.iri)} for hit in hits
        ],
    )


def _no_such(what: str) -> NotFound:
    return NotFound(
        f"There is nothing to be had of “{what[:40]}”.", "There are: entity, type, property."
    )
