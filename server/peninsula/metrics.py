"""What has this server done so far, and how is it now, in numbers?

One :class:`Metrics` for each application, handed to whoever counts; ``exposition`` writes it in
the text format of Prometheus. What changes on its own (queue, memory, generation) is asked for at
that moment, through functions that are set once. Counting takes about a microsecond.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

#: How a query can end. A query that is answered from the cache or by 304 was not evaluated.
QUERY_OUTCOMES: Final = (
    "ok", "syntax", "refused", "timeout", "memory", "crashed", "cancelled", "disconnected",
    "overloaded", "failed", "not-modified", "cached",
)  # fmt: skip
#: How an update can end; “unchanged”: it was carried out and changed nothing.
UPDATE_OUTCOMES: Final = (
    "ok", "unchanged", "dry-run", "syntax", "refused", "invalid", "timeout", "memory", "crashed",
    "cancelled", "overloaded", "failed",
)  # fmt: skip
#: How a request to a service of others can end. One is “cached”, “shared” with another or answered
#: by what is “stale” without being made.
SERVICE_OUTCOMES: Final = (
    "ok", "cached", "shared", "stale", "busy", "timeout", "unreachable", "failed", "gone",
)  # fmt: skip
#: Seconds: from an answer out of the cache to the longest query.
BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
)  # fmt: skip

#: Something that says how it is now: one number, or one number a label.
Gauged = Callable[[], float | Mapping[str, float]]


class Metrics:
    """The numbers of one server; every method may be called from any thread."""

    def __init__(self, version: str, engine: str = "") -> None:
        """Begin at nothing; ``version`` and ``engine`` are told as ``peninsula_build_info``."""
        # When a counter began is told by process_start_time; a line a counter more tells nothing.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._observed = _Observed()
        self._registry.register(self._observed)
        self._queries = self._count_by(
            "peninsula_queries", "Queries, by how they ended.", "outcome", QUERY_OUTCOMES
        )
        self._updates = self._count_by(
            "peninsula_updates", "Updates, by how they ended.", "outcome", UPDATE_OUTCOMES
        )
        self._rows = self._count("peninsula_rows", "Rows of answers, as far as they are counted.")
        self._bytes = self._count("peninsula_response_bytes", "Bytes of bodies of responses.")
        self._requests = Counter(
            "peninsula_requests", "Requests, by route, method and class of status.",
            ["route", "method", "status"], registry=self._registry,
        )  # fmt: skip
        self._latency = Histogram(
            "peninsula_request_seconds", "Time until a response was sent whole.",
            ["route"], buckets=BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._hits = self._count("peninsula_cache_hits", "Answers found in the cache.")
        self._misses = self._count("peninsula_cache_misses", "Answers not found in the cache.")
        self._service_requests = Counter(
            "peninsula_service_requests", "Requests to services of others, by how they ended.",
            ["service", "outcome"], registry=self._registry,
        )  # fmt: skip
        self._service_bytes = Counter(
            "peninsula_service_received_bytes", "Bytes that services of others sent.",
            ["service"], registry=self._registry,
        )  # fmt: skip
        self._service_latency = Histogram(
            "peninsula_service_seconds",
            "Time until a service of others had answered, with waiting and trying again.",
            ["service"], buckets=BUCKETS, registry=self._registry,
        )  # fmt: skip
        info = Gauge(
            "peninsula_build_info", "Which Peninsula this is.", ["version", "engine"],
            registry=self._registry,
        )  # fmt: skip
        info.labels(version, engine).set(1)

    def count_query(self, outcome: str, *, rows: int = 0) -> None:
        """Count a query; raises KeyError where ``outcome`` is none of ``QUERY_OUTCOMES``."""
        self._queries[outcome].inc()
        if rows:
            self._rows.inc(rows)

    def count_update(self, outcome: str) -> None:
        """Count an update; raises KeyError where ``outcome`` is none of ``UPDATE_OUTCOMES``."""
        self._updates[outcome].inc()

    def count_request(
        self, route: str, method: str, status: int, seconds: float, size: int = 0
    ) -> None:
        """Count a response of ``size`` bytes; ``route`` is the rule, never a path as it was asked.

        Paths and methods that clients invent would each make a line of their own for ever.
        """
        known = method if method in _METHODS else "other"
        self._requests.labels(route, known, f"{status // 100}xx").inc()
        self._latency.labels(route).observe(seconds)
        if size:
            self._bytes.inc(size)

    def count_cache(self, *, hit: bool) -> None:
        """Count a look into the cache of answers."""
        (self._hits if hit else self._misses).inc()

    def count_service(
        self, service: str, outcome: str, *, seconds: float = 0.0, received: int = 0
    ) -> None:
        """Count a request to a service, by its name in the settings, or what stood in for one.

        Raises ValueError where ``outcome`` is none of ``SERVICE_OUTCOMES``.
        """
        if outcome not in SERVICE_OUTCOMES:
            raise ValueError(outcome)
        self._service_requests.labels(service, outcome).inc()
        if outcome not in {"cached", "shared", "stale"}:
            self._service_latency.labels(service).observe(seconds)
            self._service_bytes.labels(service).inc(received)

    def observe(
        self, name: str, explanation: str, ask: Gauged, *, label: str = "", kind: str = "gauge"
    ) -> None:
        """Have ``ask`` called at every exposition for the value of ``name``.

        It returns a number, or with ``label`` a number for each value of that label. ``kind`` is
        gauge or counter. Where it fails, this metric is left out, and the failure counted.
        """
        self._observed.add(name, explanation, ask, label, kind)

    def exposition(self) -> bytes:
        """Return all numbers in Prometheus' text format, of the type ``CONTENT_TYPE``."""
        return generate_latest(self._registry)

    def _count(self, name: str, explanation: str) -> Counter:
        return Counter(name, explanation, registry=self._registry)

    def _count_by(
        self, name: str, explanation: str, label: str, values: Iterable[str]
    ) -> dict[str, Counter]:
        """Return one counter a value: all exist from the start, and are found without a lock."""
        parent = Counter(name, explanation, [label], registry=self._registry)
        return {value: parent.labels(value) for value in values}


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"})


class _Observed(Collector):
    """The metrics that are asked for when somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, tuple[str, Gauged, str, str]] = {}
        self._failures = 0

    def add(self, name: str, explanation: str, ask: Gauged, label: str, kind: str) -> None:
        with self._lock:
            self._asked[name] = (explanation, ask, label, kind)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names are set later, and registration must not ask."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with its value of now."""
        with self._lock:
            asked = dict(self._asked)
        for name, (explanation, ask, label, kind) in asked.items():
            try:
                value = ask()
            except (OSError, RuntimeError, ValueError, EOFError):
                # A process that is asked may be gone; the other numbers are wanted all the more.
                self._failures += 1
                continue
            family = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
            metric = family(name, explanation, labels=[label] if label else ())
            values = value.items() if isinstance(value, Mapping) else [("", value)]
            for entry, number in values:
                metric.add_metric([entry] if label else [], number)
            yield metric
        yield CounterMetricFamily(
            "peninsula_metrics_failed", "Values that could not be asked for.", self._failures
        )
