"""Is an answer of a service there already, on its way, or must the service be asked?

The one way from this server to services: those that an operator allows
(:mod:`peninsula.federation.services`), for a few queries at a time. What is known is not asked
again; how the rest is asked says :mod:`peninsula.federation.courier`.
"""

from __future__ import annotations

import copy
import logging
import platform
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pyoxigraph as ox

from peninsula import __version__
from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    ClientGone,
    UpstreamBusy,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.addresses import Resolve
from peninsula.federation.answers import Answer, Answers, Errand, Errands, Key
from peninsula.federation.callers import Caller, Callers
from peninsula.federation.courier import BACKOFF, Courier, Observer, make_invalid, make_timeout
from peninsula.federation.quarantine import Quarantine
from peninsula.federation.results import (
    InvalidAnswer,
    Row,
    read_rows,
    read_triples,
)
from peninsula.federation.room import Part
from peninsula.federation.services import Service
from peninsula.federation.wire import IsGone, OutOfTime, Patience
from peninsula.namespaces import BASE

#: Queries that have services asked at the same time: each holds a thread of the server.
MOST_AT_ONCE: Final = 32
#: Bytes of answers that are kept, unless an operator says otherwise.
CACHE_BYTES: Final = 64 * 2**20
#: What a table takes in memory, with what is made of it, for each byte of its one form; measured.
_WEIGHT: Final = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Table:
    """The answer of a SELECT query: a term for each variable of a row, None where it is unbound.

    There are no blank nodes in it. ``is_stale`` tells that the service did not answer, and that
    this is what it said before; ``received`` how many bytes came for it, 0 where it was known.
    """

    variables: tuple[str, ...]
    rows: list[Row]
    retrieved: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)
    is_stale: bool = False
    received: int = field(default=0, compare=False)


class Gateway:
    """The way to the services of others; may be used from any thread."""

    def __init__(
        self,
        *,
        contact: str = "",
        nursery: Nursery | None = None,
        cache_bytes: int = CACHE_BYTES,
        most_at_once: int = MOST_AT_ONCE,
        observe: Observer | None = None,
        resolve: Resolve = socket.getaddrinfo,
        backoff: float = BACKOFF,
    ) -> None:
        """``contact`` tells services how to reach us; ``nursery`` forks what reads answers."""
        agent = f"peninsula/{__version__} ({contact or BASE}) Python/{platform.python_version()}"
        self._quarantine = Quarantine(nursery)
        self._courier = Courier(
            agent, self._quarantine, resolve=resolve, backoff=backoff, observe=observe
        )
        self._answers = Answers(cache_bytes)
        self._errands = Errands()
        self._callers = Callers(most_at_once)

    def select(
        self,
        service: Service,
        query: str,
        *,
        timeout: float | None = None,
        is_gone: IsGone | None = None,
        part: Part | None = None,
        caller: Caller | None = None,
    ) -> Table:
        """Return the answer of ``service`` to a SELECT query.

        It may take ``timeout`` seconds, and as long as the service's settings say at most. The
        table takes its bytes from ``part``, where there is one; ``caller`` is who makes several
        requests. Raises UpstreamFailed and its kind, Overloaded, and ClientGone once ``is_gone``.
        """
        began = time.monotonic()
        patience = _make_patience(service, timeout, is_gone)
        answer, is_stale = self._answer(service, query, "solutions", patience, caller)
        if part:
            part.take(_WEIGHT * answer.length, patience)
        variables, rows = self._read(service, answer, read_rows)
        received = answer.size if answer.received >= began else 0
        return Table(variables, rows, answer.retrieved, is_stale, received)

    def construct(
        self,
        service: Service,
        query: str,
        *,
        timeout: float | None = None,
        is_gone: IsGone | None = None,
    ) -> list[ox.Triple]:
        """Return the answer of ``service`` to a CONSTRUCT or DESCRIBE query, as ``select`` does."""
        patience = _make_patience(service, timeout, is_gone)
        answer, _ = self._answer(service, query, "graph", patience)
        triples: list[ox.Triple] = self._read(service, answer, read_triples)
        return triples

    def pauses(self) -> dict[str, float]:
        """Return for how many seconds services are to be left alone, by their names."""
        return self._courier.pauses()

    @property
    def kept_bytes(self) -> int:
        """Return how many bytes of answers are kept."""
        return self._answers.bytes

    @property
    def calls(self) -> int:
        """Return how many calls are under way."""
        return self._callers.calls

    def close(self) -> None:
        """Let its process end, where it has one of its own."""
        self._quarantine.close()

    # Answers that are there, or on their way.

    def _read(self, service: Service, answer: Answer, read: Callable[..., Any]) -> Any:
        try:
            return read(answer.content, answer.token, service.max_rows)
        except InvalidAnswer as error:
            raise make_invalid(service, error) from None

    def _answer(
        self,
        service: Service,
        query: str,
        kind: str,
        patience: Patience,
        caller: Caller | None = None,
    ) -> tuple[Answer, bool]:
        """Return an answer, and whether it is older than it should be."""
        key = (service.address, kind, query)
        kept = self._answers.find(key) if service.cache else None
        if kept and kept.age < service.cache:
            self._courier.note(service, "cached", 0.0)
            return kept, False
        if kept and kept.age >= service.cache + service.stale:
            self._answers.drop(key)
            kept = None
        caller = caller or Caller()
        with self._callers.calling(caller):
            try:
                return self._run(service, key, patience, caller.client), False
            except (UpstreamUnreachable, UpstreamTimeout, UpstreamBusy) as error:
                if not kept:
                    raise
                self._courier.note(service, "stale", 0.0)
                _log.warning(
                    "%s: what it said %.0f s ago is used: %s", service.name, kept.age, error
                )
                return kept, True

    def _run(self, service: Service, key: Key, patience: Patience, client: str) -> Answer:
        """Run an errand, or wait for one that somebody else runs."""
        while True:
            errand, is_mine = self._errands.join(key, patience.is_gone)
            if is_mine:
                return self._lead(service, key, errand, patience, client)
            began = time.monotonic()
            try:
                patience.wait(errand.is_over.wait)
            except OutOfTime:
                raise make_timeout(service) from None
            finally:
                self._errands.leave(errand, patience.is_gone)
            if errand.answer:
                self._courier.note(service, "shared", time.monotonic() - began)
                return errand.answer
            # Who ran it had less time than this one, or left.
            if not isinstance(errand.error, ClientGone | UpstreamTimeout | UpstreamBusy):
                assert errand.error
                raise copy.copy(errand.error)
            if patience.left <= 0:
                raise make_timeout(service)

    def _lead(
        self, service: Service, key: Key, errand: Errand, patience: Patience, client: str
    ) -> Answer:
        try:
            patience = Patience(patience.left, errand.is_gone)
            answer = self._courier.fetch(service, key, patience, client)
        except BaseException as error:
            # A copy has no traceback, which would keep alive whatever led here.
            self._errands.finish(key, errand, None, copy.copy(error))
            raise
        if service.cache:
            self._answers.keep(key, answer)
        self._errands.finish(key, errand, answer, None)
        return answer


def _make_patience(service: Service, timeout: float | None, is_gone: IsGone | None) -> Patience:
    limit = service.timeout if timeout is None else min(timeout, service.timeout)
    return Patience(limit, is_gone)
