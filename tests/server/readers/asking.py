"""What tests of the readers ask, and how they fill the places there are."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Asker
from peninsula.errors import (
    QueryCancelled,
)
from tests.server.conftest import DEATH, wait_until

ALL = "SELECT ?o { ?s ?p ?o }"
#: 160,000 rows: more than a pipe holds.
PAIRS = "SELECT ?a ?b { ?s ?p ?a . ?t ?q ?b }"
#: More rows than anybody reads.
ROWS = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
#: Takes more memory with every row.
HUNGRY = "SELECT (COUNT(DISTINCT *) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
Start = Callable[..., Future[bytes]]


def occupy(database: EmbeddedDatabase, start: Start, asker: Asker | None = None) -> Future[bytes]:
    """Let a query of death run."""
    count = len(database.readers.running())
    death = start(database, DEATH, asker)
    wait_until(lambda: len(database.readers.running()) > count)
    return death


def release(database: EmbeddedDatabase, *deaths: Future[bytes]) -> None:
    """End everything that runs, which are ``deaths``."""
    for query in database.readers.running():
        database.readers.cancel(query.id)
    for death in deaths:
        with pytest.raises(QueryCancelled):
            death.result(10)
    wait_until(lambda: not database.readers.running())


def waiting(database: EmbeddedDatabase) -> int:
    return database.readers.states()["waiting"]
