"""How is a service asked one thing: with which request, how often, and what does a refusal mean?

A request that fails is made again where that may help. A service that says 429, or 503 with
Retry-After, is left alone until the time that it names is over, whoever wants to ask. What it
sends is rewritten where it can do nothing (:mod:`peninsula.federation.quarantine`).
"""

from __future__ import annotations

import http.client
import logging
import random
import re
import tempfile
import threading
import time
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, Final, Protocol
from urllib.parse import urlencode

from peninsula.errors import (
    ClientGone,
    PeninsulaError,
    QueryForbidden,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from peninsula.federation.addresses import Resolve
from peninsula.federation.answers import Answer, Key
from peninsula.federation.exchange import Demand, Reply, Traffic, exchange
from peninsula.federation.quarantine import Quarantine
from peninsula.federation.results import (
    ACCEPT,
    TIMEOUT_MARK,
    GaveUp,
    InvalidAnswer,
    Skolem,
    find_format,
)
from peninsula.federation.services import Service
from peninsula.federation.turns import Turns
from peninsula.federation.wire import OutOfTime, Patience
from peninsula.logs import hash_query

#: Seconds between the first try and the second, each time twice as many.
BACKOFF: Final = 0.5
#: How often one request is tried.
_TRIES: Final = 4
#: Seconds for which a service is left alone that says 429 and not for how long, at first.
_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 120.0
_BUSY: Final = frozenset({429, 503})
_PASSING: Final = frozenset({502, 503, 504})
#: What is read of an answer in its one form, for each byte that it may have as sent.
_GROWTH: Final = 4
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_log = logging.getLogger(__name__)


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


class Courier:
    """Takes queries to services, and brings answers back; may be used from any thread."""

    def __init__(
        self,
        agent: str,
        quarantine: Quarantine,
        *,
        resolve: Resolve,
        backoff: float = BACKOFF,
        observe: Observer | None = None,
    ) -> None:
        """``agent`` tells services who asks."""
        self._agent = agent
        self._quarantine = quarantine
        self._resolve = resolve
        self._backoff = backoff
        self._observe = observe
        self._lock = threading.Lock()
        self._turns: dict[str, Turns] = {}
        #: How often in a row a service said 429 without saying for how long.
        self._refusals: dict[str, int] = {}

    def pauses(self) -> dict[str, float]:
        """Return for how many seconds services are to be left alone, by their names."""
        with self._lock:
            turns = list(self._turns.values())
        return {turn.name: turn.pause_left for turn in turns}

    def fetch(self, service: Service, key: Key, patience: Patience, client: str = "") -> Answer:
        """Ask a service when it is the turn of ``client``; log and count what comes of it."""
        began = time.monotonic()
        traffic = Traffic()
        tries = 0
        outcome, detail = "failed", ""
        try:
            while True:
                tries += 1
                try:
                    answer = self._try(service, key, patience, client, traffic)
                except _Passing as failure:
                    detail = _causes(failure)
                    self._prepare(service, failure, tries, patience)
                    continue
                outcome, detail = "ok", ""
                return answer
        except OutOfTime:
            outcome = "timeout"
            raise make_timeout(service) from None
        except (PeninsulaError, ClientGone) as error:
            outcome = _outcome_of(error)
            detail = detail or _causes(error)
            raise
        finally:
            seconds = time.monotonic() - began
            self.note(service, outcome, seconds, traffic.received)
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

    def _try(
        self, service: Service, key: Key, patience: Patience, client: str, traffic: Traffic
    ) -> Answer:
        _, kind, query = key
        with (
            self._turns_of(service).take(patience, client),
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
                raise make_invalid(service, error) from None
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
            raise make_invalid(service, error) from None
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
            raise make_timeout(service, "there")
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

    def note(self, service: Service, outcome: str, seconds: float, received: int = 0) -> None:
        """Count what became of a request."""
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


def make_invalid(service: Service, error: InvalidAnswer) -> UpstreamFailed:
    """Return the error that says what is wrong with an answer."""
    if isinstance(error, GaveUp):
        return UpstreamTimeout(f"{_name(service)} {error}.", "Ask it for less.")
    return UpstreamFailed(f"{_name(service)} {error}.")


def make_timeout(service: Service, where: str = "") -> UpstreamTimeout:
    """Return the error that says that a service took too long."""
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
