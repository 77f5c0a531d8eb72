"""What do services answer in the tests that need no process: a store for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyoxigraph as ox

from peninsula.dataset.interface import QueryOptions
from peninsula.dataset.local import LocalDataset
from peninsula.errors import UpstreamFailed
from peninsula.federation.calls import Call
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway, Table
from peninsula.federation.local_services import LocalService, LocalServices
from peninsula.federation.services import Service, Services
from peninsula.policy import Policy

ONE = "http://one.example/sparql"
TWO = "http://two.example/sparql"


class StoreGateway(Gateway):
    """Answers for services from stores, and keeps what they were asked."""

    def __init__(self, stores: Mapping[str, ox.Store]) -> None:
        self.stores = stores
        self.asked: list[tuple[str, str]] = []
        self.failure: Exception | None = None
        self.before: Callable[[], None] = lambda: None

    def select(self, service: Service, query: str, **_more: Any) -> Table:
        self.asked.append((service.name, query))
        self.before()
        if self.failure:
            raise self.failure
        found = self.stores[service.address].query(query)
        assert isinstance(found, ox.QuerySolutions)
        rows = [tuple(solution) for solution in found]
        if len(rows) > service.max_rows:
            raise UpstreamFailed("too many rows")
        return Table(
            tuple(v.value for v in found.variables),
            rows,
            received=sum(map(len, map(str, rows))) + 1,
        )

    @property
    def queries(self) -> list[str]:
        return [query for _, query in self.asked]


class Scene:
    """A dataset, two services and what connects them."""

    def __init__(
        self,
        quads: str = "",
        one: str = "",
        two: str = "",
        *,
        local: LocalService | None = None,
        most_rows: int = 1000,
        is_union: bool = False,
        **settings: Any,
    ) -> None:
        self.store = read(quads)
        self.gateway = StoreGateway({ONE: read(one), TWO: read(two)})
        self.services = Services([Service("one", ONE, **settings), Service("two", TWO, **settings)])
        self.federation = Federation(
            self.services,
            self.gateway,
            LocalServices([local] if local else []),
            most_rows=most_rows,
        )
        self.calls: list[Call] = []
        self.inner = LocalDataset(self.store, Policy(), is_union=is_union)

    def dataset(self, **more: Any) -> FederatedDataset:
        return FederatedDataset(self.inner, self.federation, note=self.calls.extend, **more)

    def select(self, query: str, mode: str = "live", **more: Any) -> list[tuple[str | None, ...]]:
        """Return the rows of a query's answer, in order, terms as in N-Triples."""
        found: Any = self.dataset(mode=mode).evaluate(query, QueryOptions(**more))
        return sorted(
            (tuple(None if term is None else str(term) for term in row) for row in found), key=str
        )


PREFIXES = "PREFIX : <urn:x:>\n"


def read(text: str) -> ox.Store:
    store = ox.Store()
    store.extend(
        ox.parse(f"@prefix : <urn:x:> .\n{text}", format=ox.RdfFormat.TRIG, rename_blank_nodes=True)
    )
    return store
