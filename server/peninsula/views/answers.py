"""When need an answer not be made, and what must the client know of the state it is from?

The same question about the same generation has the same answer. So its tag is known before
anything is evaluated: a client that has the answer is told so (304), and one that was given
before comes from the cache. What depends on the moment (NOW, RAND …) has no tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, cast
from urllib.parse import parse_qsl, quote, urlencode

from flask import Response, g, request

from peninsula.caching import (
    CachedAnswer,
    format_http_date,
    format_links,
    is_not_modified,
    make_etag,
)
from peninsula.compression import (
    Encoding,
    choose_encoding,
    compress,
    is_compressible,
    is_worthwhile,
)
from peninsula.dataset.generations import Generation, format_instant
from peninsula.front import GIVEN, Given
from peninsula.views.site import accepted, current_site, generation, language, require_reading

_SECONDS_OF_A_YEAR: Final = 31_536_000
#: Clients take a header field of some kilobytes, and the links hold the address several times.
_LONGEST_QUERY_STRING: Final = 1500


def answer(
    produce: Callable[[], Response],
    *parts: object,
    is_lasting: bool = True,
    is_exact: bool = False,
    number: int | None = None,
) -> Response:
    """Return what ``produce`` makes of one generation, or what saves making it.

    ``parts`` are what the answer depends on besides the generation and the headers of the
    request; default: the address. ``is_lasting`` is false where it depends on the moment, too.
    ``is_exact`` says that it is the same byte for byte; solutions may come in another order.
    ``number`` is the generation where the body of the request asks for one.
    """
    require_reading()
    about = generation(number)
    encoding = choose_encoding(request.headers.get("Accept-Encoding"), "text/plain")
    if not is_lasting:
        response = _pack(produce(), encoding)
        response.headers["Cache-Control"] = "no-store"
        return _tell_state(response, about)
    tag = make_etag(
        about.number,
        format_instant(about.published),
        *map(str, parts or (request.full_path,)),
        accepted() or "",
        language(),
        encoding or "",
        request.host,
        # A new version of the server may show the same generation otherwise.
        current_site().assets.edition,
        weak=not is_exact,
    )
    site = current_site()
    is_dated = g.is_memento or not site.database.shares_second
    if is_not_modified(
        request.headers.get("If-None-Match"),
        request.headers.get("If-Modified-Since") if is_dated else None,
        tag,
        about.published,
    ):
        g.outcome = "not-modified"
        response = Response(status=304)
    elif found := site.cache.get(tag):
        g.outcome = "cached"
        site.metrics.count_cache(hit=True)
        response = Response(found.body, content_type=found.content_type)
        if found.encoding:
            response.headers["Content-Encoding"] = found.encoding
    else:
        site.metrics.count_cache(hit=False)
        response = _pack(produce(), encoding)
        if response.status_code != 200:
            return response
        _remember(response, tag)
    request.environ[GIVEN] = Given(
        tag, about.number, g.is_memento, str(request.url_rule), g.get("query_hash")
    )
    response.headers["ETag"] = tag
    if is_dated:
        response.headers["Last-Modified"] = format_http_date(about.published)
    return _let_keep(response, about)


def answer_file(response: Response) -> Response:
    """Return a file, which has a tag of its own, with what is told of its state."""
    return _let_keep(response, generation())


def _let_keep(response: Response, about: Generation) -> Response:
    """Tell caches for how long they may keep ``response``, and of which state it is."""
    visibility = "private" if current_site().config.read_token else "public"
    # What is asked for by a moment may be another state once there are more of them.
    is_fixed = g.is_memento and "Accept-Datetime" not in request.headers
    lasts = f"max-age={_SECONDS_OF_A_YEAR}, immutable" if is_fixed else "no-cache"
    response.headers["Cache-Control"] = f"{visibility}, {lasts}"
    return _tell_state(response, about)


def _remember(response: Response, tag: str) -> None:
    """Put the body of ``response`` into the cache, once it has been sent whole."""
    site = current_site()
    content_type, encoding = response.content_type, response.headers.get("Content-Encoding")

    def keep(body: bytes) -> None:
        site.cache.put(tag, CachedAnswer(body, content_type, encoding))

    if response.is_streamed:
        body = cast(Iterable[bytes], response.response)
        response.response = site.cache.record(body, keep)
    elif request.method != "HEAD":
        keep(response.get_data())


def _pack(response: Response, encoding: Encoding | None) -> Response:
    """Compress the body where the client takes it and it is worth it."""
    if (
        encoding is None
        or response.status_code != 200
        or not is_compressible(response.content_type)
    ):
        return response
    if response.is_streamed:
        response.response = compress(cast(Iterator[bytes], response.response), encoding)
    elif is_worthwhile(len(data := response.get_data())):
        response.set_data(b"".join(compress([data], encoding)))
    else:
        return response
    response.headers["Content-Encoding"] = encoding
    return response


def _tell_state(response: Response, about: Generation) -> Response:
    """Say which generation the answer is from, and where the others are (RFC 7089)."""
    response.headers["Peninsula-Generation"] = str(about.number)
    if request.method in {"GET", "HEAD"} and len(request.query_string) <= _LONGEST_QUERY_STRING:
        original = _address(None)
        response.headers["Link"] = format_links(
            original, f"{request.host_url}timemap?url={quote(original, safe='')}"
        )
        if g.is_memento:
            response.headers["Memento-Datetime"] = format_http_date(about.published)
            response.headers["Content-Location"] = _address(about.number)
    return response


def _address(number: int | None) -> str:
    """Return the address of this request, for one generation or for the published one."""
    query = request.query_string.decode("ascii", "replace")
    if "generation" in query:
        pairs = [pair for pair in parse_qsl(query, True) if pair[0] != "generation"]
        query = urlencode(pairs)
    if number is not None:
        query += f"{'&' if query else ''}generation={number}"
    return f"{request.host_url[:-1]}{quote(request.path)}{'?' if query else ''}{query}"
