"""How does a dataset behave whose queries may ask services?

As any other, but for what SERVICE may name in a query:

- a service that the operator allows, by its address or as ``<peninsula:NAME>``;
- ``<peninsula:NAME-snapshot>``: what is kept of that service as a named graph;
- a part of this server (:mod:`peninsula.federation.local_services`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pyoxigraph as ox

from peninsula.dataset.interface import PLAIN, Dataset, Graph, QueryOptions, Result
from peninsula.federation.asking import Patience
from peninsula.federation.calls import Call
from peninsula.federation.clauses import asks_service
from peninsula.federation.evaluation import Evaluation, Federation
from peninsula.formats import Format


class FederatedDataset:
    """A dataset whose queries may ask services."""

    def __init__(
        self,
        inner: Dataset,
        federation: Federation,
        *,
        patience: Patience | None = None,
        mode: str = "live",
        note: Callable[[list[Call]], None] | None = None,
    ) -> None:
        """``mode`` is live, snapshot or fallback; ``note`` is told what clauses came to.

        That is who answers for a service: it, what is kept of it, or that where it does not
        answer. What clauses came to is told for each query, before its answer is there.
        """
        self._inner = inner
        self.federation = federation
        self.patience = patience or Patience()
        self.mode = mode
        self.note = note
        self.is_union = inner.is_union
        self.generation = inner.generation

    def evaluate(self, query: str, options: QueryOptions = PLAIN) -> Result:
        if options.inlined or not asks_service(query):
            return self._inner.evaluate(query, options)
        return self._read(query, options).run(self.note)

    def parse_query(self, query: str, *, base: str | None = None) -> str:
        if not asks_service(query):
            return self._inner.parse_query(query, base=base)
        return self._read(query, QueryOptions(base=base)).kind

    def graphs(self) -> Mapping[str, int]:
        return self._inner.graphs()

    def default_size(self) -> int:
        return self._inner.default_size()

    def statements(self, graph: str | None = None) -> Iterator[ox.Quad]:
        return self._inner.statements(graph)

    def dump(
        self,
        graph: str | None,
        format: Format,
        *,
        is_everything: bool = False,
        names_graph: bool = False,
    ) -> Graph:
        return self._inner.dump(graph, format, is_everything=is_everything, names_graph=names_graph)

    def _read(self, query: str, options: QueryOptions) -> Evaluation:
        return Evaluation(
            self._inner,
            self.federation,
            query,
            options,
            patience=self.patience,
            mode=self.mode,
        )
