"""The knowledge as it ships, loaded once, and the questions that are asked of it."""

from __future__ import annotations

import re
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.dataset.interface import PLAIN, QueryOptions, Result
from peninsula.dataset.local import LocalDataset
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.library import Library, read_library
from peninsula.loading import Loaded, load
from peninsula.policy import Policy
from tests.wikidata.make_service import SERVICE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return find_knowledge(ROOT)


@pytest.fixture(scope="session")
def loaded(knowledge: Knowledge) -> Loaded:
    return load(knowledge)


#: Where questions find what the test service knows, when no service is asked.
SERVICE_GRAPH = "http://service.example/"
_SERVICE = re.compile(r"SERVICE <(?:peninsula:wikidata|https://query\.wikidata\.org/sparql)>")


class OracleDataset(LocalDataset):
    """The knowledge, and beside it a service as a graph: what a federated answer must be.

    A question that asks no service does not see the graph.
    """

    def __init__(self, store: ox.Store) -> None:
        super().__init__(store, Policy())
        with_service = ox.Store()
        with_service.bulk_extend(store)
        with_service.load(
            path=str(SERVICE), format=ox.RdfFormat.TURTLE, to_graph=ox.NamedNode(SERVICE_GRAPH)
        )
        self._federated = LocalDataset(with_service, Policy())

    def evaluate(self, query: str, options: QueryOptions = PLAIN) -> Result:
        if _SERVICE.search(query):
            return self._federated.evaluate(
                _SERVICE.sub(f"GRAPH <{SERVICE_GRAPH}>", query), options
            )
        return super().evaluate(query, options)


@pytest.fixture(scope="session")
def dataset(loaded: Loaded) -> LocalDataset:
    store = ox.Store()
    store.bulk_extend([*loaded.stated, *loaded.computed])
    return OracleDataset(store)


@pytest.fixture(scope="session")
def library(knowledge: Knowledge) -> Library:
    return read_library(knowledge.queries)
