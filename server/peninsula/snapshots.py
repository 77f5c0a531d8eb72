"""Of which day is the snapshot that can stand in for a service of others?"""

from __future__ import annotations

from peninsula.dataset.interface import Dataset, select
from peninsula.namespaces import BASE

_DAY = """
SELECT ?day WHERE {{ GRAPH <{graph}> {{ <{graph}> dcterms:issued ?day }} }}
ORDER BY DESC(?day) LIMIT 1
"""


def find_snapshot(dataset: Dataset, service: str) -> str | None:
    """Return the day on which the snapshot of ``service`` was taken: 2026-11-28.

    Nothing is known of it where it says none (""); None where there is no snapshot.
    """
    graph = f"{BASE}graph/{service}"
    if graph not in dataset.graphs():
        return None
    row = next(iter(select(dataset, _DAY.format(graph=graph))), None)
    return getattr(row[0], "value", "") if row else ""
