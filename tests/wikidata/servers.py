"""How do tests get a second SPARQL server that is real, and one that fails as they say?

:func:`serving` runs ``oxigraph serve`` as a process of its own, loaded with Turtle;
``SERVICE_FILE`` is what all tests take for Wikidata. :class:`Proxy` stands in front of a server,
passes on what it is asked, and where its script says so answers with a :class:`Fault` instead. It
records every request with the bytes that it came and went in.

    with serving(SERVICE_FILE) as service, Proxy(service.address) as proxy:
        proxy.script(TooMany(retry_after=1), None, Cut(after=100))
        …                                            # ask proxy.address
        assert [seen.status for seen in proxy.seen] == [429, 200, 200]

A test may change what the service holds by :meth:`Service.update` and :meth:`Service.replace`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from .engine import (
    JSON,
    NTRIPLES,
    PATIENCE,
    QUERY,
    SERVICE_FILE,
    TURTLE,
    UPDATE,
    XML,
    Service,
    free_port,
    serving,
)
from .faults import (
    BAD_JSON,
    BAD_NTRIPLES,
    BAD_XML,
    BINARY,
    DOCTYPE,
    HTML_PAGE,
    WRONG_JSON,
    Answering,
    Body,
    Bomb,
    Call,
    Cut,
    Endless,
    Fault,
    HangUp,
    MediaType,
    Nothing,
    Redirect,
    Reply,
    Slow,
    Status,
    TooMany,
)
from .proxy import Proxy, Seen

__all__ = [
    "BAD_JSON", "BAD_NTRIPLES", "BAD_XML", "BINARY", "DOCTYPE", "HTML_PAGE", "JSON", "NTRIPLES",
    "PATIENCE", "QUERY", "SERVICE_FILE", "TURTLE", "UPDATE", "WRONG_JSON", "XML", "Answering",
    "Body", "Bomb", "Call", "Cut", "Endless", "Fault", "HangUp", "MediaType", "Nothing", "Proxy",
    "Redirect", "Reply", "Seen", "Service", "Slow", "Status", "TooMany", "free_port", "proxying",
    "serving",
]  # fmt: skip


@contextlib.contextmanager
def proxying(
    *files: Path, latency: float = 0.0, script: Sequence[Fault | None] = ()
) -> Iterator[tuple[Service, Proxy]]:
    """Run ``oxigraph serve`` with a proxy in front of it."""
    with serving(*files) as service, Proxy(service.address, latency=latency) as proxy:
        proxy.script(*script)
        yield service, proxy
