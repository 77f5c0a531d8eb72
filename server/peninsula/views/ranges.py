"""May a client take an answer in parts, as readers of Parquet do that look at its end first?

It may where the whole answer is small enough to be kept: then every part is of the same bytes.
What is larger is made anew for each request, and is to be had whole (RFC 9110, section 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import cast

from flask import Response, request

from peninsula.views.site import current_site


def allow_ranges(response: Response) -> Response:
    """Return what is asked for of ``response``: a part, or all of it."""
    # What depends on the moment has no tag, and no two parts that go together.
    has_parts = "ETag" in response.headers and "Content-Encoding" not in response.headers
    if response.status_code != 200 or not has_parts:
        return response
    response.headers["Accept-Ranges"] = "bytes"
    if request.method != "HEAD" and "Range" not in request.headers:
        return response
    if response.is_streamed and not _gather(response):
        response.headers["Accept-Ranges"] = "none"
        return response
    length = len(response.get_data())
    response.make_conditional(request.environ, accept_ranges=True, complete_length=length)
    return response


def _gather(response: Response) -> bool:
    """Take a streamed body in, and return whether it can be kept; a longer one streams on."""
    most = current_site().cache.max_answer_bytes
    chunks = iter(cast(Iterable[bytes], response.response))
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size > most:
            response.response = _Rest(gathered, chunks)
            return False
    response.set_data(b"".join(gathered))
    return True


class _Rest:
    """What was taken in, and what follows; closing it closes the source."""

    def __init__(self, gathered: list[bytes], rest: Iterator[bytes]) -> None:
        self._all = chain(gathered, rest)
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        return self._all

    def close(self) -> None:
        """End what makes the rest."""
        close = getattr(self._rest, "close", None)
        if close:
            close()
