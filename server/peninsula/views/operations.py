"""How do programs find out what is here and whether it is well, and how does an operator act?"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from peninsula import __version__
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Asker, Boolean
from peninsula.dataset.running import Running
from peninsula.description import describe_dataset
from peninsula.errors import NotFound, Overloaded, PeninsulaError
from peninsula.federation.gateway import Gateway
from peninsula.logs import hash_query
from peninsula.metrics import CONTENT_TYPE, Metrics
from peninsula.openapi import describe_api
from peninsula.views.answers import answer
from peninsula.views.site import (
    current_site,
    dataset,
    endpoint,
    identify,
    may_read,
    require_reading,
    respond_with_triples,
)

blueprint = Blueprint("operations", __name__)

#: Seconds in which an engine that is well answers.
_PROMPT = 2.0


@blueprint.get("/health")
def health() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok", version=__version__)


@blueprint.get("/ready")
def ready() -> Response:
    """Say that the engine answers; to who may read, on which state, from where, and how large."""
    database = current_site().database
    result = database.view(Asker("ready", timeout=_PROMPT)).evaluate("ASK {}")
    if not (isinstance(result, Boolean) and result.value):
        raise Overloaded("The engine does not answer.")
    if not may_read():
        return jsonify(status="ready")
    current = database.current
    told: dict[str, Any] = {
        "status": "ready",
        "generation": current.number,
        "triples": current.triples,
        "graphs": len(current.graphs),
    }
    if isinstance(database, EmbeddedDatabase):
        told |= {
            "serving": "memory" if database.is_in_memory else "disk",
            "confined": database.readers.is_confined,
            "writable": database.changes is not None,
        }
    return jsonify(told)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Tell the numbers that Prometheus gathers."""
    require_reading()
    return Response(current_site().metrics.exposition(), content_type=CONTENT_TYPE)


@blueprint.get("/admin/queries")
def running_queries() -> Response:
    """List what is being evaluated."""
    identify("admin")
    return jsonify([_as_json(running) for running in _engine().readers.running()])


@blueprint.delete("/admin/queries/<int:number>")
def cancel_query(number: int) -> Response:
    """End a query."""
    identify("admin")
    if not _engine().readers.cancel(number):
        raise NotFound(f"There is no query {number} under way.", "GET /admin/queries lists them.")
    return Response(status=204)


def _engine() -> EmbeddedDatabase:
    database = current_site().database
    if not isinstance(database, EmbeddedDatabase):
        raise PeninsulaError("This engine lists no queries.")
    return database


def _as_json(running: Running) -> dict[str, Any]:
    reader = running.reader
    return {
        "id": running.id,
        "query": running.text[:2000],
        "hash": hash_query(running.text),
        "client": running.client,
        "seconds": round(running.seconds(), 3),
        "timeout": running.timeout,
        "bytes": running.bytes,
        "slow": bool(reader and reader.is_slow),
        "generation": reader.source.generation if reader else None,
    }


def observe(metrics: Metrics, database: EmbeddedDatabase) -> None:
    """Let ``metrics`` ask ``database`` how it is."""
    look = metrics.observe
    look("peninsula_generation", "The published generation.", lambda: database.current.number)
    look("peninsula_store_triples", "Statements in it.", lambda: database.current.triples)
    look(
        "peninsula_store_bytes", "What the store takes on disk.", database.generations.size_on_disk
    )
    look("peninsula_in_memory", "1 where queries are answered from memory.",
         lambda: float(database.is_in_memory))  # fmt: skip
    look("peninsula_readers", "Readers by state, and the queries that wait.",
         database.readers.states, label="state")  # fmt: skip
    look("peninsula_readers_killed", "Readers ended, by reason.",
         lambda: dict(database.readers.killed), label="reason", kind="counter")  # fmt: skip
    look("peninsula_memory_bytes", "Resident memory of processes, by what they do.",
         database.memory, label="process")  # fmt: skip
    if changes := database.changes:
        look("peninsula_changes_waiting", "Changes that wait for the writer.",
             lambda: changes.waiting)  # fmt: skip
        look("peninsula_writer_restarts", "Times that the writer was started anew.",
             lambda: changes.restarts, kind="counter")  # fmt: skip


def observe_services(metrics: Metrics, gateway: Gateway) -> None:
    """Let ``metrics`` ask ``gateway`` how it is."""
    metrics.observe("peninsula_service_calls", "Requests to services of others under way.",
                    lambda: gateway.calls)  # fmt: skip
    metrics.observe("peninsula_service_cache_bytes", "Bytes of answers of services that are kept.",
                    lambda: gateway.kept_bytes)  # fmt: skip
    metrics.observe("peninsula_service_pause_seconds", "For how long a service is left alone.",
                    gateway.pauses, label="service")  # fmt: skip


@blueprint.get("/void")
@blueprint.get("/.well-known/void")
def void() -> Response:
    """Describe the dataset."""
    return answer(
        lambda: respond_with_triples(
            describe_dataset(dataset(), endpoint()), request.args.get("format")
        )
    )


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Describe the HTTP interface."""
    return jsonify(describe_api(current_site().library, request.host_url))
