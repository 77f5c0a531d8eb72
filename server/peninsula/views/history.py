"""Which states has the dataset had, what did each change, and how long can each be asked?"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, Response, g, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from peninsula.caching import make_timemap
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.generations import Generation, Generations, format_instant
from peninsula.dataset.patches import Head, Row, read_rows, rows_of, write_rows
from peninsula.errors import (
    NotFound,
    Overloaded,
    ParameterError,
    PeninsulaError,
    UnknownGeneration,
)
from peninsula.formats import HTML, PLAIN_JSON, RDF_PATCH
from peninsula.namespaces import shorten
from peninsula.revisions import (
    Entry,
    Revision,
    at_instant,
    between,
    describe,
    mentioning,
    read_entry,
)
from peninsula.terms import read_iri
from peninsula.views.answers import answer
from peninsula.views.parameters import name_given, number_given
from peninsula.views.site import (
    asker,
    current_site,
    identify,
    language,
    link,
    own_path,
    render,
    require_reading,
    wants_html,
)

#: The largest number of a generation, and of a page, that is looked for.
_MOST_NUMBER: Final = 10**12

blueprint = Blueprint("history", __name__)

_LINK_FORMAT = "application/link-format"
#: A number of more digits would be too long for the name of a file.
_NUMBER = "<int(max=999999999999):number>"
#: Generations that a page lists.
_LISTED: Final = 50
#: Pages that can be seen as of then, beside the front page.
_PAGES: Final = (
    "/", "/positions", "/timeline", "/map", "/network", "/queries", "/sparql", "/about",
)  # fmt: skip


#: Pages that put a change in order take memory and time of this process: few at a time.
_TURNS: Final = threading.BoundedSemaphore(2)
_PATIENCE: Final = 10.0


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Wait for a turn to read many rows of patches; raises Overloaded."""
    if not _TURNS.acquire(timeout=_PATIENCE):
        raise Overloaded(
            "Too many changes are being compared at the same time.", "Try again in a moment."
        )
    try:
        yield
    finally:
        _TURNS.release()


def _describe(rows: Iterable[Row], thing: str) -> Revision:
    """Return the page of a change that the address asks for."""
    page = number_given("page", 1, _MOST_NUMBER)
    with _turn():
        return describe(
            rows, current_site().database.view(asker()), language(), page=page, about=thing
        )


# The list.


@blueprint.get("/history")
def history() -> Response:
    """List the generations, the newest first; for programs those that are kept."""
    require_reading()
    if wants_html(PLAIN_JSON):
        return answer(_list, is_lasting=False)
    kept = reversed(current_site().database.all())
    return jsonify([_as_json(generation) for generation in kept])


def _list() -> Response:
    database = current_site().database
    kept = {generation.number: generation for generation in database.all()}
    current = database.current.number
    thing = name_given("thing")
    newest = min(number_given("before", current + 1, _MOST_NUMBER) - 1, current)
    found: list[Entry] = []
    generations = _generations()
    if generations is None:
        found = [_bare(generation) for generation in reversed(kept.values())]
        rest = 0
    elif thing:
        found, rest = mentioning(generations, thing, newest, kept, _LISTED)
    else:
        rest = max(newest - _LISTED, 0)
        numbers = range(newest, rest, -1)
        found = [read_entry(generations, n, kept.get(n)) for n in numbers]
        found = [entry for entry in found if entry.kept or entry.head.published]
        if rest and not generations.patch(rest).is_file() and rest not in kept:
            # A store that was restored begins with a later number.
            rest = max((n for n in kept if n <= rest), default=0)
    page = render(
        "history.html",
        entries=found,
        next_before=rest + 1 if rest else 0,
        newest=newest,
        current=current,
        thing=thing,
        thing_name=shorten(thing) if thing else "",
        kept=sorted(kept, reverse=True),
        pages=_PAGES,
        has_patches=generations is not None,
    )
    return Response(page, content_type=HTML.content_type)


def _bare(generation: Generation) -> Entry:
    head = Head(generation.number, 0, generation.published, generation.agents, generation.summary)
    return Entry(head, generation, False, generation.added, generation.removed, has_patch=False)


def _generations() -> Generations | None:
    """Return the folder of the store, where the engine has one."""
    database = current_site().database
    return database.generations if isinstance(database, EmbeddedDatabase) else None


# One generation.


@blueprint.get(f"/history/{_NUMBER}")
def one(number: int) -> Response:
    """Describe one generation, and what it changed."""
    require_reading()
    if request.args.get("format") == RDF_PATCH.name:
        return patch(number)
    if wants_html(PLAIN_JSON):
        return answer(lambda: _show(number), is_lasting=False)
    return jsonify(_as_json(current_site().database.find(number)))


def _show(number: int) -> Response:
    database, generations = current_site().database, _generations()
    current = database.current.number
    kept = {generation.number: generation for generation in database.all()}
    if number > current or not number:
        raise UnknownGeneration(
            f"There has been no generation {number} yet.", f"The newest is {current}."
        )
    entry = (
        read_entry(generations, number, kept.get(number))
        if generations
        else _bare(database.find(number))
    )
    if entry.kept is None and entry.head.published is None:
        raise UnknownGeneration(
            f"Of generation {number} nothing is known here.", "This store begins later."
        )
    thing = name_given("thing")
    revision = None
    if entry.has_patch and generations:
        revision = _describe(read_rows(generations.patch(number)), thing)
    config = current_site().config
    page = render(
        "generation.html",
        one=entry,
        number=number,
        revision=revision,
        current=current,
        thing=thing,
        thing_name=shorten(thing) if thing else "",
        kept=sorted(kept),
        before=number - 1,
        pages=_PAGES,
        keep=config.keep,
        keep_days=config.keep_days,
        may_pin=generations is not None and entry.kept is not None,
        last_kept=number in sorted(kept)[-config.keep :],
    )
    return Response(page, content_type=HTML.content_type)


@blueprint.get(f"/history/{_NUMBER}.rdfp")
def patch(number: int) -> Response:
    """Send the change that made a generation, as RDF Patch; it outlives the generation."""
    require_reading()
    generations = _generations()
    if generations is None:
        raise NotFound("This engine keeps no patches.")
    path = generations.patch(number)
    if number > current_site().database.current.number or not path.is_file():
        raise UnknownGeneration(f"There is no patch of generation {number}.")
    file = path.open("rb")
    chunks = iter(lambda: file.read(1 << 16), b"")
    response = Response(chunks, content_type=RDF_PATCH.content_type)
    response.call_on_close(file.close)
    visibility = "private" if current_site().config.read_token else "public"
    response.headers["Cache-Control"] = f"{visibility}, max-age=31536000, immutable"
    return response


@blueprint.route(f"/history/{_NUMBER}/pin", methods=["GET", "PUT", "DELETE"])
def pin(number: int) -> Response:
    """Tell whether a generation is kept for good; with a token, see to it, or let it go."""
    generations = _generations()
    if generations is None:
        raise NotFound("This engine keeps one state.")
    database = current_site().database
    assert isinstance(database, EmbeddedDatabase)
    if request.method == "GET":
        require_reading()
        database.find(number)
    else:
        # Whoever may add to the graph may see to it that what they cite stays; to let go of what
        # somebody else cites is the operator's.
        is_pinned = request.method == "PUT"
        identify("write" if is_pinned else "admin")
        database.require_changes()
        generations.pin(number, is_pinned=is_pinned)
    response = jsonify({"number": number, "pinned": generations.is_pinned(number)})
    response.headers["Cache-Control"] = "no-store"
    return response


# Two generations.


@blueprint.get("/history/diff")
def diff() -> Response:
    """Show what leads from one generation to another."""
    return answer(_compare)


@blueprint.get("/history/diff.rdfp")
def diff_patch() -> Response:
    """Send what leads from one generation to another, as RDF Patch."""
    return answer(_send_difference)


def _compare() -> Response:
    if request.args.get("format") == RDF_PATCH.name:
        return _send_difference()
    database = current_site().database
    current = database.current.number
    before, after = _read_pair()
    thing = name_given("thing")
    revision = _describe(_difference(before, after), thing)
    if not wants_html(PLAIN_JSON):
        return jsonify(_difference_as_json(before, after, revision))
    page = render(
        "difference.html",
        before=before,
        after=after,
        current=current,
        revision=revision,
        thing=thing,
        thing_name=shorten(thing) if thing else "",
        kept=[generation.number for generation in database.all()],
    )
    return Response(page, content_type=HTML.content_type)


def _read_pair() -> tuple[int, int]:
    current = current_site().database.current.number
    after = number_given("to", current, _MOST_NUMBER)
    before = number_given("from", max(after - 1, 1), _MOST_NUMBER)
    for name, number in (("from", before), ("to", after)):
        if number > current:
            raise UnknownGeneration(
                f"{name}: there has been no generation {number} yet.", f"The newest is {current}."
            )
    return before, after


def _difference(before: int, after: int) -> Iterable[Row]:
    """Return what leads from one to the other: by patches, else by comparing what is kept."""
    generations, database = _generations(), current_site().database
    if generations is None or before == after:
        return iter(())
    rows = between(generations, before, after)
    if rows is not None:
        return rows
    kept = [generation.number for generation in database.all()]
    missing = [number for number in (before, after) if number not in kept]
    if missing:
        raise UnknownGeneration(
            f"Generation {missing[0]} is not kept, and the patches in between do not tell all.",
            f"Kept are {', '.join(map(str, kept))}.",
        )
    assert isinstance(database, EmbeddedDatabase)
    return _stream(database, before, after)


def _stream(database: EmbeddedDatabase, before: int, after: int) -> Iterator[Row]:
    chunks = database.difference(before, after, asker())
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from rows_of(line + b"\n" for line in lines)


def _send_difference() -> Response:
    before, after = _read_pair()
    rows = (row for row in _difference(before, after) if not row.is_own)
    response = Response(write_rows(rows), content_type=RDF_PATCH.content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{before}-{after}.rdfp"'
    return response


def _difference_as_json(before: int, after: int, revision: Revision) -> dict[str, Any]:
    return {
        "from": before,
        "to": after,
        "added": revision.added,
        "removed": revision.removed,
        "complete": not revision.is_cut,
        "page": revision.page,
        "pages": revision.pages,
        "statements": [asdict(statement) for statement in revision.statements],
        "patch": f"{request.host_url}history/diff.rdfp?" + urlencode({"from": before, "to": after}),
    }


# As of then.


@blueprint.get("/history/at")
def at() -> BaseResponse:
    """Lead to a page as of a moment, or as of a generation by its number."""
    require_reading()
    database, generations = current_site().database, _generations()
    when, page = request.args.get("when", "").strip(), request.args.get("page", "/")
    page = own_path(page)
    if when.isascii() and when.isdigit() and len(when) <= 12:
        number = int(when)
    else:
        instant = _read_instant(when)
        if generations is not None:
            number = at_instant(generations, database.current, instant)
        else:
            number = database.current.number if database.current.published <= instant else 0
        if not number:
            oldest = database.all()[0]
            raise UnknownGeneration(
                f"There was nothing here at {format_instant(instant)} yet.",
                f"The oldest state that is kept is generation {oldest.number}, of "
                f"{format_instant(oldest.published)}.",
            )
    response = redirect(link(page, generation=number), 303)
    response.headers["Cache-Control"] = "no-store"
    return response


def _read_instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        if len(text) <= len("2026-11-25"):
            # Of a day, its end counts.
            instant = instant.replace(hour=23, minute=59, second=59)
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ParameterError(
            f"when: “{text}” is no date, and no number of a generation.",
            "Write a day and a time in UTC, such as 2026-11-25T14:00, or a number.",
            parameter="when",
        ) from None


# What is kept no longer.


def lost_page(problem: dict[str, Any]) -> str | None:
    """Return the page for an address that asks for a state that is kept no longer.

    None where it is no such address: then the problem says all.
    """
    try:
        require_reading()
    except PeninsulaError:
        return None
    database, generations = current_site().database, _generations()
    text = request.args.get("generation", "")
    if generations is None or not text.isdecimal() or request.method not in {"GET", "HEAD"}:
        return None
    number, current = int(text), database.current.number
    kept = sorted(generation.number for generation in database.all())
    if not 0 < number < current or number in kept:
        return None
    # The page itself is of now.
    g.generation, g.is_memento = database.current, False
    entry = read_entry(generations, number, None)
    older = max((n for n in kept if n < number), default=0)
    newer = min((n for n in kept if n > number), default=0)
    thing = _thing_of(request.path)
    return render(
        "lost.html",
        problem=problem,
        number=number,
        one=entry,
        kept=kept,
        current=current,
        thing=thing,
        offers=[
            (other, _count(generations, number, other, thing)) for other in (newer, older) if other
        ],
    )


def _thing_of(path: str) -> str:
    try:
        return read_iri(path.removesuffix(".html")).value if path.startswith("/id/") else ""
    except ValueError:
        return ""  # an address with what no name of a thing has


def _count(generations: Generations, before: int, after: int, thing: str) -> tuple[int, int] | None:
    """Return how many statements differ, and how many of those name ``thing``."""
    rows = between(generations, before, after)
    if rows is None:
        return None
    wanted = f"<{thing}>".encode()
    total = named = 0
    try:
        with _turn():
            for row in rows:
                if not row.is_own:
                    total += 1
                    named += wanted in row.text
    except Overloaded:
        return None  # the page says all else
    return total, named


@blueprint.get("/timemap")
def timemap() -> Response:
    """List the states of an address of this server (RFC 7089, section 5)."""
    require_reading()
    url = request.args.get("url", "")
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not match
        parts = urlsplit("")
    if f"{parts.scheme}://{parts.netloc}/" != request.host_url:
        raise ParameterError(
            f"“{url}” is no address of this server.",
            f"Give one that begins with {request.host_url}",
            parameter="url",
        )
    pairs = [pair for pair in parse_qsl(parts.query, True) if pair[0] != "generation"]

    def memento(number: int) -> str:
        query = urlencode([*pairs, ("generation", str(number))])
        return parts._replace(query=query, fragment="").geturl()

    original = parts._replace(query=urlencode(pairs), fragment="").geturl()
    known = [(o.number, o.published, memento(o.number)) for o in current_site().database.all()]
    return Response(make_timemap(original, request.url, known), content_type=_LINK_FORMAT)


def _as_json(generation: Generation) -> dict[str, Any]:
    generations = _generations()
    return {
        **generation.to_json(),
        "pinned": bool(generations and generations.is_pinned(generation.number)),
        "url": f"{request.host_url}history/{generation.number}",
        "patch": f"{request.host_url}history/{generation.number}.rdfp",
    }
