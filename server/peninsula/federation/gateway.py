"""How is a SPARQL service of others asked, so that it can do this server no harm, nor be done any?

The one place from which this server talks to services: those that an operator allows
(:mod:`peninsula.federation.services`), a few requests at a time, with a name to reach us by. What
they say of too much is heeded, what is known is not asked again, and what they send is parsed
where it can do nothing (:mod:`peninsula.federation.quarantine`).
"""

from __future__ import annotations

import contextlib
import copy
import http.client
import logging
import platform
import random
import re
import socket
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, Final, Protocol
from urllib.parse import urlencode

import pyoxigraph as ox

from peninsula import __version__
from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    ClientGone,
    Overloaded,
    PeninsulaError,
    QueryForbidden,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.addresses import Resolve
from peninsula.federation.answers import Answer, Answers, Errand, Errands, Key
from peninsula.federation.exchange import Demand, Reply, Traffic, exchange
from peninsula.federation.quarantine import Quarantine
from peninsula.federation.results import (
    ACCEPT,
    TIMEOUT_MARK,
    GaveUp,
    InvalidAnswer,
    Row,
    Skolem,
    find_format,
    read_rows,
    read_triples,
)
from peninsula.federation.room import Part
from peninsula.federation.services import Service
from peninsula.federation.turns import Turns
from peninsula.federation.wire import IsGone, OutOfTime, Patience
from peninsula.logs import hash_query
from peninsula.namespaces import BASE

#: Calls at the same time, waiting ones included: each holds a thread of the server.
MOST_AT_ONCE: Final = 32
#: Bytes of answers that are kept, unless an operator says otherwise.
CACHE_BYTES: Final = 64 * 2**20
#: How often one request is tried.
_TRIES: Final = 4
#: Seconds between the first try and the second, each time twice as many.
_BACKOFF: Final = 0.5
#: Seconds for which a service is left alone that says 429 and not for how long, at first.
_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 120.0
_BUSY: Final = frozenset({429, 503})
_PASSING: Final = frozenset({502, 503, 504})
#: What is read of an answer in its one form, for each byte that it may have as sent.
_GROWTH: Final = 4
#: What a table takes in memory, with what is made of it, for each byte of its one form; measured.
_WEIGHT: Final = 4
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
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


class Observer(Protocol):
    """Counts what became of requests."""

    def __call__(self, service: str, outcome: str, *, seconds: float, received: int) -> None: ...


class _Passing(Exception):
    """A failure that may be over a moment later, with what to say should it stay."""

    def __init__(self, error: UpstreamFailed, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        #: Seconds for which the service wants to be left alone.
        self.wait = wait


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
        backoff: float = _BACKOFF,
    ) -> None:
        """``contact`` tells services how to reach us; ``nursery`` forks what reads answers."""
        self._agent = (
            f"peninsula/{__version__} ({contact or BASE}) Python/{platform.python_version()}"
        )
        self._resolve = resolve
        self._observe = observe
        self._backoff = backoff
        self._quarantine = Quarantine(nursery)
        self._answers = Answers(cache_bytes)
        self._errands = Errands()
        self._most_at_once = most_at_once
        self._calls = 0
        self._lock = threading.Lock()
        self._turns: dict[str, Turns] = {}
        #: How often in a row a service said 429 without saying for how long.
        self._refusals: dict[str, int] = {}

    def select(
        self,
        service: Service,
        query: str,
        *,
        timeout: float | None = None,
        is_gone: IsGone | None = None,
        part: Part | None = None,
    ) -> Table:
        """Return the answer of ``service`` to a SELECT query.

        It may take ``timeout`` seconds, and as long as the service's settings say at most. The
        table takes its bytes from ``part``, where there is one. Raises UpstreamFailed and its
        kind, Overloaded, and ClientGone once ``is_gone``.
        """
        began = time.monotonic()
        answer, is_stale = self._answer(service, query, "solutions", timeout, is_gone)
        if part:
            limit = service.timeout if timeout is None else min(timeout, service.timeout)
            patience = Patience(max(0.0, limit - (time.monotonic() - began)), is_gone)
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
        answer, _ = self._answer(service, query, "graph", timeout, is_gone)
        triples: list[ox.Triple] = self._read(service, answer, read_triples)
        return triples

    def pauses(self) -> dict[str, float]:
        """Return for how many seconds services are to be left alone, by their names."""
        with self._lock:
            turns = list(self._turns.values())
        return {turn.name: turn.pause_left for turn in turns}

    @property
    def kept_bytes(self) -> int:
        """Return how many bytes of answers are kept."""
        return self._answers.bytes

    @property
    def calls(self) -> int:
        """Return how many calls are under way."""
        return self._calls

    def close(self) -> None:
        """Let its process end, where it has one of its own."""
        self._quarantine.close()

    # Answers that are there, or on their way.

    def _read(self, service: Service, answer: Answer, read: Callable[..., Any]) -> Any:
        try:
            return read(answer.content, answer.token, service.max_rows)
        except InvalidAnswer as error:
            raise _invalid(service, error) from None

    def _answer(
        self,
        service: Service,
        query: str,
        kind: str,
        timeout: float | None,
        is_gone: IsGone | None,
    ) -> tuple[Answer, bool]:
        """Return an answer, and whether it is older than it should be."""
        key = (service.address, kind, query)
        kept = self._answers.find(key) if service.cache else None
        if kept and kept.age < service.cache:
            self._note(service, "cached", 0.0)
            return kept, False
        if kept and kept.age >= service.cache + service.stale:
            self._answers.drop(key)
            kept = None
        limit = service.timeout if timeout is None else min(timeout, service.timeout)
        patience = Patience(limit, is_gone)
        with self._calling():
            try:
                return self._run(service, key, patience, is_gone), False
            except (UpstreamUnreachable, UpstreamTimeout, UpstreamBusy) as error:
                if not kept:
                    raise
                self._note(service, "stale", 0.0)
                _log.warning(
                    "%s: what it said %.0f s ago is used: %s", service.name, kept.age, error
                )
                return kept, True

    @contextlib.contextmanager
    def _calling(self) -> Iterator[None]:
        """Count a call; refuse more of them than there are threads to spare."""
        with self._lock:
            if self._calls >= self._most_at_once:
                raise Overloaded(
                    f"{self._most_at_once} requests to services of others are under way.",
                    "Ask again in a moment.",
                )
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1

    def _run(
        self, service: Service, key: Key, patience: Patience, is_gone: IsGone | None
    ) -> Answer:
        """Run an errand, or wait for one that somebody else runs."""
        while True:
            errand, is_mine = self._errands.join(key, is_gone)
            if is_mine:
                return self._lead(service, key, errand, patience)
            began = time.monotonic()
            try:
                patience.wait(errand.is_over.wait)
            except OutOfTime:
                raise _too_long(service) from None
            finally:
                self._errands.leave(errand, is_gone)
            if errand.answer:
                self._note(service, "shared", time.monotonic() - began)
                return errand.answer
            # Who ran it had less time than this one, or left.
            if not isinstance(errand.error, ClientGone | UpstreamTimeout | UpstreamBusy):
                assert errand.error
                raise copy.copy(errand.error)
            if patience.left <= 0:
                raise _too_long(service)

    def _lead(self, service: Service, key: Key, errand: Errand, patience: Patience) -> Answer:
        try:
            answer = self._ask(service, key, Patience(patience.left, errand.is_gone))
        except BaseException as error:
            # A copy has no traceback, which would keep alive whatever led here.
            self._errands.finish(key, errand, None, copy.copy(error))
            raise
        if service.cache:
            self._answers.keep(key, answer)
        self._errands.finish(key, errand, answer, None)
        return answer

    # Asking.

    def _ask(self, service: Service, key: Key, patience: Patience) -> Answer:
        """Ask a service, again where that may help; log and count what comes of it."""
        began = time.monotonic()
        traffic = Traffic()
        tries = 0
        outcome, detail = "failed", ""
        try:
            while True:
                tries += 1
                try:
                    answer = self._try(service, key, patience, traffic)
                except _Passing as failure:
                    detail = _causes(failure)
                    self._prepare(service, failure, tries, patience)
                    continue
                outcome, detail = "ok", ""
                return answer
        except OutOfTime:
            outcome = "timeout"
            raise _too_long(service) from None
        except (PeninsulaError, ClientGone) as error:
            outcome = _outcome_of(error)
            detail = detail or _causes(error)
            raise
        finally:
            seconds = time.monotonic() - began
            self._note(service, outcome, seconds, traffic.received)
            self._log(service, key, outcome, seconds, traffic, tries, detail)

    def _prepare(self, service: Service, failure: _Passing, tries: int, patience: Patience) -> None:
        """Wait before another try; raises what went wrong where there is to be none."""
        turns = self._turns_of(service)
        if failure.wait is not None and failure.wait >= patience.left:
            raise turns.make_busy(turns.pause_left) from failure
        # Not all at the same moment.
        wait = self._backoff * 2 ** (tries - 1) * random.uniform(0.5, 1.5)  # noqa: S311
        if tries >= _TRIES or (failure.wait is None and wait >= patience.left):
            try:
                raise failure.error from failure
            finally:
                del failure  # else the error and its traceback hold each other
        if failure.wait is not None:
            wait = min(turns.pause_left + 0.2 * wait, max(0.0, patience.left - 0.001))
        patience.sleep(wait)

    def _try(self, service: Service, key: Key, patience: Patience, traffic: Traffic) -> Answer:
        _, kind, query = key
        with (
            self._turns_of(service).take(patience),
            tempfile.TemporaryFile() as source,
            tempfile.TemporaryFile() as target,
        ):
            format = self._send(service, kind, query, source, patience, traffic)
            source.flush()
            most = _GROWTH * service.max_bytes + 4096
            try:
                self._quarantine.rewrite(
                    source, target, kind=kind, format=format, max_bytes=most, patience=patience
                )
            except InvalidAnswer as error:
                raise _invalid(service, error) from None
            target.seek(0)
            content = target.read()
        return Answer(
            zlib.compress(content, 1),
            Skolem.make_token(),
            datetime.now(UTC),
            time.monotonic(),
            traffic.received,
            len(content),
        )

    def _send(
        self,
        service: Service,
        kind: str,
        query: str,
        source: IO[bytes],
        patience: Patience,
        traffic: Traffic,
    ) -> str:
        """Write what the service answers to ``source``; return the format that it says it has."""
        formats: list[str] = []

        def judge(reply: Reply) -> None:
            formats.append(find_format(kind, reply.headers.get("Content-Type", "")))
            # A row that is missing at the end of these could not be told.
            if formats[0] in {"TSV", "N-Triples", "Turtle"} and not reply.is_delimited:
                raise InvalidAnswer(f"sends {formats[0]} and does not say where it ends")

        demand = Demand(
            service.address,
            service.allowed_hosts,
            {
                "Accept": ACCEPT[kind],
                "User-Agent": self._agent,
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            },
            urlencode({"query": query}, errors="replace").encode(),
            trusts=lambda _host: service.is_trusted,
            name=_name(service),
        )
        try:
            reply = exchange(
                demand,
                source,
                patience,
                max_bytes=service.max_bytes,
                resolve=self._resolve,
                judge=judge,
                traffic=traffic,
            )
        except InvalidAnswer as error:
            raise _invalid(service, error) from None
        except UpstreamUnreachable as error:
            raise _Passing(error) from error
        except QueryForbidden as error:
            # Where it leads is for the log alone.
            raise UpstreamFailed(
                f"{_name(service)} is where, or leads to where, this server asks nobody.",
                "Whoever runs the server finds the reason in its log.",
            ) from error
        if reply.status != http.HTTPStatus.OK:
            self._refuse(service, reply)
        self._refusals.pop(service.address, None)
        return formats[0]

    def _refuse(self, service: Service, reply: Reply) -> None:
        """Raise what an error of a service means."""
        wait = _read_retry_after(reply.headers.get("Retry-After"))
        if reply.status == http.HTTPStatus.TOO_MANY_REQUESTS and wait is None:
            count = self._refusals[service.address] = self._refusals.get(service.address, 0) + 1
            wait = min(_PAUSE * 2 ** min(count - 1, 10), _LONGEST_PAUSE)
        said = _read_excerpt(reply)
        message = f"{_name(service)} answers {reply.status} {_print(reply.reason, 60)}".rstrip()
        if TIMEOUT_MARK in reply.excerpt:
            raise _too_long(service, "there")
        if reply.status in _BUSY and wait is not None:
            # Before this turn is over: nobody is to have the next one.
            turns = self._turns_of(service)
            turns.pause(wait)
            raise _Passing(turns.make_busy(wait), wait)
        if reply.status in _PASSING:
            raise _Passing(UpstreamUnreachable(f"{message}{said}.", "Ask again later."))
        raise UpstreamFailed(f"{message}{said}.", _REMEDIES.get(reply.status, ""))

    def _turns_of(self, service: Service) -> Turns:
        with self._lock:
            turns = self._turns.get(service.address)
            if turns is None:
                turns = self._turns[service.address] = Turns(service.name, service.max_requests)
            return turns

    # What is told of it.

    def _note(self, service: Service, outcome: str, seconds: float, received: int = 0) -> None:
        if self._observe:
            self._observe(service.name, outcome, seconds=seconds, received=received)

    def _log(
        self,
        service: Service,
        key: Key,
        outcome: str,
        seconds: float,
        traffic: Traffic,
        tries: int,
        detail: str,
    ) -> None:
        fields: dict[str, Any] = {
            "service": service.name,
            "outcome": outcome,
            "ms": round(seconds * 1000, 2),
            "query": hash_query(key[2]),
            "sent": traffic.sent,
            "received": traffic.received,
            "tries": tries,
        }
        if detail:
            fields["detail"] = detail
        if len(set(traffic.addresses)) > 1:
            fields["addresses"] = " ".join(dict.fromkeys(traffic.addresses))
        # Who is turned away because of what was said to others is no news.
        is_news = outcome not in {"ok", "gone"} and traffic.sent
        level = logging.WARNING if is_news else logging.INFO
        _log.log(level, "service", extra={"fields": fields})


_REMEDIES: Final = {
    400: "It may know less, or more, of SPARQL than this server.",
    401: "It wants to know who asks, which this server tells nobody.",
    403: "Perhaps it has banned this server: whoever runs it should ask.",
    404: "Whoever runs this server should look at its address in the settings.",
    500: "The query may be too much for it.",
}


def _name(service: Service) -> str:
    return f"The service “{service.name}”"


def _invalid(service: Service, error: InvalidAnswer) -> UpstreamFailed:
    if isinstance(error, GaveUp):
        return UpstreamTimeout(f"{_name(service)} {error}.", "Ask it for less.")
    return UpstreamFailed(f"{_name(service)} {error}.")


def _too_long(service: Service, where: str = "") -> UpstreamTimeout:
    return UpstreamTimeout(
        f"{_name(service)} took too long{f' {where}' if where else ''}.", "Ask it for less."
    )


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, ClientGone):
        return "gone"
    if isinstance(error, UpstreamTimeout):
        return "timeout"
    if isinstance(error, UpstreamBusy):
        return "busy"
    return "unreachable" if isinstance(error, UpstreamUnreachable) else "failed"


def _causes(error: BaseException | None) -> str:
    """Return what went wrong, and what was behind it: for the log."""
    messages = []
    while error is not None:
        messages.append(str(error))
        error = error.__cause__
    return " ← ".join(dict.fromkeys(filter(None, messages)))


def _read_excerpt(reply: Reply) -> str:
    """Return what a service says of an error, where it says it as text."""
    media_type = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in {"text/plain", "application/json", "application/problem+json"}:
        return ""
    text = _print(reply.excerpt.decode("utf-8", "replace"), 200)
    return f": {text.rstrip('.')}" if text else ""


def _print(text: str, most: int) -> str:
    """Return text of others as it may stand in a message, in one line."""
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return shown if len(shown) <= most else f"{shown[:most]}…"


def _read_retry_after(value: str | None) -> float | None:
    """Return the seconds that Retry-After names, or until its date; None where it is neither."""
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
