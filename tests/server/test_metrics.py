"""The numbers, as Prometheus reads them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from timeit import timeit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from peninsula.metrics import (
    CONTENT_TYPE,
    QUERY_OUTCOMES,
    UPDATE_OUTCOMES,
    Metrics,
)


def read(metrics: Metrics) -> dict[tuple[str, str], float]:
    """Return the samples by name and the values of their labels, in the order of these."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, ",".join(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_is_counted_is_told() -> None:
    metrics = Metrics("1.2", "engine 3")
    metrics.count_query("ok", rows=10)
    metrics.count_query("ok", rows=5)
    metrics.count_query("timeout")
    metrics.count_update("dry-run")
    metrics.count_cache(hit=True)
    metrics.count_cache(hit=False)
    metrics.count_request("/sparql", "GET", 200, 0.003, 120)
    metrics.count_request("/sparql", "GET", 404, 0.3)
    told = read(metrics)
    assert told["peninsula_build_info", "engine 3,1.2"] == 1
    assert told["peninsula_queries_total", "ok"] == 2
    assert told["peninsula_queries_total", "timeout"] == 1
    assert told["peninsula_rows_total", ""] == 15
    assert told["peninsula_updates_total", "dry-run"] == 1
    assert told["peninsula_cache_hits_total", ""] == told["peninsula_cache_misses_total", ""] == 1
    assert told["peninsula_requests_total", "GET,/sparql,2xx"] == 1
    assert told["peninsula_requests_total", "GET,/sparql,4xx"] == 1
    assert told["peninsula_response_bytes_total", ""] == 120
    assert told["peninsula_request_seconds_bucket", "0.005,/sparql"] == 1
    assert told["peninsula_request_seconds_count", "/sparql"] == 2
    assert CONTENT_TYPE.startswith("text/plain; version=")


def test_what_has_not_happened_yet_is_told_as_nought() -> None:
    told = read(Metrics("1"))
    for name, label, values in (
        ("queries", "outcome", QUERY_OUTCOMES),
        ("updates", "outcome", UPDATE_OUTCOMES),
    ):
        for value in values:
            assert told[f"peninsula_{name}_total", value] == 0, label


def test_an_outcome_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError):
        Metrics("1").count_query("fine")


def test_what_changes_on_its_own_is_asked_for() -> None:
    metrics = Metrics("1")
    queue = [1.0]
    metrics.observe("peninsula_queue_length", "Queries waiting.", lambda: queue[0])
    metrics.observe("peninsula_workers", "Readers.", lambda: {"idle": 1, "busy": 3}, label="state")
    metrics.observe("peninsula_evictions", "Evictions.", lambda: 4, kind="counter")
    assert read(metrics)["peninsula_queue_length", ""] == 1
    queue[0] = 7
    told = read(metrics)
    assert told["peninsula_queue_length", ""] == 7
    assert told["peninsula_workers", "busy"] == 3
    assert told["peninsula_evictions_total", ""] == 4


def test_a_value_that_cannot_be_asked_for_leaves_the_others() -> None:
    metrics = Metrics("1")

    def fail() -> float:
        raise OSError("gone")

    metrics.observe("peninsula_gone", "Gone.", fail)
    metrics.observe("peninsula_here", "Here.", lambda: 1)
    told = read(metrics)
    assert ("peninsula_gone", "") not in told
    assert told["peninsula_here", ""] == 1
    assert told["peninsula_metrics_failed_total", ""] == 1


def test_invented_methods_make_no_lines_of_their_own() -> None:
    metrics = Metrics("1")
    for number in range(50):
        metrics.count_request("/", f"METHOD{number}", 405, 0.001)
    assert read(metrics)["peninsula_requests_total", "other,/,4xx"] == 50


def test_two_applications_count_apart() -> None:
    one, other = Metrics("1"), Metrics("1")
    one.count_query("ok")
    assert read(other)["peninsula_queries_total", "ok"] == 0


def test_threads_lose_no_count() -> None:
    metrics = Metrics("1")

    def count(_: int) -> None:
        for _ in range(1000):
            metrics.count_query("ok", rows=1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert read(metrics)["peninsula_queries_total", "ok"] == 8000


def test_counting_a_request_is_cheap() -> None:
    metrics = Metrics("1")
    seconds = min(
        timeit(lambda: metrics.count_request("/sparql", "GET", 200, 0.01, 10), number=1000)
        for _ in range(5)
    )
    assert seconds / 1000 < 100e-6
