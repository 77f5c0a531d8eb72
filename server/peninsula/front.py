"""How is an answer given again without waking the application, and what has every response?

A WSGI layer in front of the application. The same request about the same generation has the
same answer, which the cache of answers may hold: then all that is left to do is to look it up.
And every response leaves with the headers that keep browsers safe and let other sites read.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peninsula.caching import AnswerCache, is_not_modified
from peninsula.config import Config
from peninsula.logs import log_request
from peninsula.metrics import Metrics

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

#: Where the application leaves a :class:`Given` for an answer that may be given again.
GIVEN: Final = "peninsula.given"

#: On every response.
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}
_VARY: Final = "Accept, Accept-Datetime, Accept-Encoding, Accept-Language, Cookie"
_EXPOSED: Final = (
    "Content-Location, ETag, Last-Modified, Link, Location, Memento-Datetime, "
    "Peninsula-Added, Peninsula-Complete, Peninsula-Conforms, Peninsula-Federation, "
    "Peninsula-Generation, Peninsula-Removed, Retry-After, WWW-Authenticate"
)
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, QUERY, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Accept, Accept-Datetime, Accept-Language, Authorization, Content-Encoding, "
        "Content-Type, If-Match, If-None-Match"
    ),
    "Access-Control-Max-Age": "86400",
}
_REMEMBERED: Final = 4096
_LONGEST_KEY: Final = 8192
#: What an answer depends on besides method and generation.
_KEY: Final = (
    "PATH_INFO", "QUERY_STRING", "HTTP_HOST", "wsgi.url_scheme",
    "HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_ACCEPT_ENCODING",
    # Which holds the chosen language, and nothing else.
    "HTTP_COOKIE",
)  # fmt: skip
_ASKS_FOR_MORE: Final = ("HTTP_ACCEPT_DATETIME", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")


@dataclass(frozen=True)
class Given:
    """An answer that was given: by which tag the cache knows it, and what the log says of it."""

    tag: str
    generation: int
    #: Whether it is of that generation whatever the published one is.
    is_memento: bool
    route: str
    query: str | None


class Front:
    """Stands before the application."""

    def __init__(
        self,
        application: Application,
        config: Config,
        cache: AnswerCache,
        metrics: Metrics,
        generation: Callable[[], int],
    ) -> None:
        """``generation`` tells the number of the published one."""
        self._application = application
        self._origins = config.cors
        self._cache = cache
        self._metrics = metrics
        self._generation = generation
        self._gives_again = not config.read_token and cache.max_bytes > 0
        self._given: OrderedDict[tuple[str, ...], tuple[Given, Headers]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        key = self._key(environ) if self._gives_again else None
        if key is not None and (found := self._given.get(key)):
            body = self._give_again(environ, start_response, *found)
            if body is not None:
                return body

        def start(status: str, headers: Headers, *more: Any) -> Any:
            given = environ.get(GIVEN)
            if key is not None and given is not None and status.startswith("200"):
                self._remember(key, given, list(headers))
            return start_response(status, self._complete(environ, headers), *more)

        return self._application(environ, start)

    def _key(self, environ: dict[str, Any]) -> tuple[str, ...] | None:
        if environ["REQUEST_METHOD"] != "GET":
            return None
        if any(name in environ for name in _ASKS_FOR_MORE):
            return None
        key = tuple([environ.get(name, "") for name in _KEY])
        # Headers may be long, and thousands of keys are remembered.
        return key if sum(map(len, key)) <= _LONGEST_KEY else None

    def _remember(self, key: tuple[str, ...], given: Given, headers: Headers) -> None:
        with self._lock:
            self._given[key] = (given, headers)
            self._given.move_to_end(key)
            if len(self._given) > _REMEMBERED:
                self._given.popitem(last=False)

    def _give_again(
        self,
        environ: dict[str, Any],
        start_response: StartResponse,
        given: Given,
        headers: Headers,
    ) -> Sequence[bytes] | None:
        began = time.perf_counter()
        if not given.is_memento and given.generation != self._generation():
            return None
        tags = environ.get("HTTP_IF_NONE_MATCH")
        if tags and is_not_modified(tags, None, given.tag):
            status, outcome, body = "304 NOT MODIFIED", "not-modified", b""
            headers = [h for h in headers if h[0] not in {"Content-Length", "Content-Type"}]
        elif found := self._cache.get(given.tag):
            status, outcome, body = "200 OK", "cached", found.body
        else:
            return None
        start_response(status, self._complete(environ, headers))
        metrics = self._metrics
        metrics.count_cache(hit=True)
        if given.query:
            metrics.count_query(outcome)
        code, seconds = int(status[:3]), time.perf_counter() - began
        metrics.count_request(given.route, "GET", code, seconds, len(body))
        log_request(
            "GET", environ["PATH_INFO"], code, seconds,
            bytes=len(body), query=given.query, generation=given.generation, outcome=outcome,
        )  # fmt: skip
        return [body]

    def _complete(self, environ: dict[str, Any], headers: Headers) -> Headers:
        """Return ``headers`` with those that every response has."""
        # What is to be shown in a frame of another site says so itself.
        own = {name.lower() for name, _ in headers}
        complete = [*headers, *(pair for pair in HEADERS.items() if pair[0].lower() not in own)]
        vary = _VARY
        allowed = "*" if "*" in self._origins else environ.get("HTTP_ORIGIN")
        if allowed != "*":
            vary += ", Origin"
        if allowed in self._origins:
            complete.append(("Access-Control-Allow-Origin", str(allowed)))
            complete.append(("Access-Control-Expose-Headers", _EXPOSED))
        complete.append(("Vary", vary))
        if environ["REQUEST_METHOD"] == "OPTIONS":
            complete += _PREFLIGHT.items()
        return complete
