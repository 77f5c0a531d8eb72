"""How are the questions of one query asked: in its time, for its client, so many at once?"""

from __future__ import annotations

import copy
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from peninsula.dataset.interface import Dataset, QueryOptions, Result, Row, Solutions
from peninsula.errors import ClientGone, PeninsulaError, QueryTimeout
from peninsula.federation.callers import Caller
from peninsula.federation.calls import Call
from peninsula.federation.gateway import Gateway, Table
from peninsula.federation.room import Part
from peninsula.federation.services import Service


@dataclass(frozen=True)
class Patience:
    """For how long, and for whom, a query is answered."""

    #: Seconds; None: for ever.
    timeout: float | None = None
    is_gone: Callable[[], bool] | None = None
    #: Returns the dataset for a question that may take so many seconds.
    narrow: Callable[[float], Dataset] | None = None
    #: Whose query it is: clients share what there is.
    client: str = ""


class Asking:
    """What one query asks the dataset and services."""

    def __init__(self, inner: Dataset, gateway: Gateway, patience: Patience) -> None:
        self._inner = inner
        self._gateway = gateway
        self._patience = patience
        timeout = patience.timeout
        self._until = None if timeout is None else time.monotonic() + timeout
        self._caller = Caller(patience.client)
        #: Requests so far, by the name of the service.
        self._requests: Counter[str] = Counter()
        #: What its tables take of this process.
        self.part: Part | None = None

    @property
    def client(self) -> str:
        """Return whose query it is."""
        return self._patience.client

    @property
    def is_gone(self) -> Callable[[], bool] | None:
        """Return what tells whether whoever asked has left."""
        return self._patience.is_gone

    def left(self) -> float | None:
        """Return the seconds that are left; raises QueryTimeout, ClientGone."""
        if self.is_gone and self.is_gone():
            raise ClientGone
        if self._until is None:
            return None
        left = self._until - time.monotonic()
        if left <= 0:
            raise QueryTimeout(
                f"It took longer than {self._patience.timeout:g} s, services included.",
                "Ask for less.",
            )
        return left

    # The dataset.

    def narrowed(self) -> Dataset:
        """Return the dataset for what may take the time that is left."""
        left = self.left()
        if left is None or self._patience.narrow is None:
            return self._inner
        return self._patience.narrow(left)

    def evaluate(self, query: str, options: QueryOptions) -> Result:
        """Return the answer of the dataset."""
        return self.narrowed().evaluate(query, options)

    def select(self, query: str, options: QueryOptions) -> list[Row]:
        """Return the solutions that the dataset has of a SELECT query."""
        result = self.evaluate(query, options)
        assert isinstance(result, Solutions)
        try:
            return list(result)
        finally:
            result.close()

    # Services.

    def requests_left(self, service: Service) -> int:
        """Return how many more requests a service may be sent."""
        return max(0, service.max_requests_per_query - self._requests[service.name])

    def ask_service(self, service: Service, query: str) -> Table:
        """Return the answer of a service."""
        self._requests[service.name] += 1
        return self._request(service, query, lambda: False)

    def _request(self, service: Service, query: str, is_over: Callable[[], bool]) -> Table:
        return self._gateway.select(
            service,
            query,
            timeout=self.left(),
            is_gone=lambda: is_over() or bool(self.is_gone and self.is_gone()),
            part=self.part,
            caller=self._caller,
        )

    def ask_services(self, service: Service, queries: Sequence[str], call: Call) -> Iterator[Table]:
        """Yield the answers of a service, asked for as many at once as it allows."""
        if len(queries) == 1:
            yield _count(self.ask_service(service, queries[0]), call)
            return
        self._requests[service.name] += len(queries)
        is_over = threading.Event()

        def attempt(query: str) -> Table | PeninsulaError | ClientGone:
            try:
                return self._request(service, query, is_over.is_set)
            except (PeninsulaError, ClientGone) as error:
                # Without its frames, whose objects belong to this thread.
                return copy.copy(error)

        with ThreadPoolExecutor(min(service.max_requests, len(queries))) as pool:
            try:
                for answer in pool.map(attempt, queries):
                    if not isinstance(answer, Table):
                        raise answer
                    yield _count(answer, call)
            finally:
                # One that failed, or had too much, needs no answer of the others.
                is_over.set()
                pool.shutdown(wait=False, cancel_futures=True)


def _count(table: Table, call: Call) -> Table:
    call.bytes += table.received
    call.cached += not table.received
    if table.is_stale:
        call.remark = "stale"
    return table
