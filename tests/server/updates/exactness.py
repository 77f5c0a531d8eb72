"""Is an update's delta exact, and its outcome the engine's own?"""

from __future__ import annotations

from typing import Any

import pyoxigraph as ox
import pytest

from peninsula.dataset.delta import Delta, apply, diff
from peninsula.dataset.updates import apply_update
from peninsula.errors import (
    QueryError,
)


def store_of(*rows: str) -> ox.Store:
    """Return a store of N-Quads rows, each without its “.”; blank nodes keep their labels."""
    text = "".join(f"{row} .\n" for row in rows)
    store = ox.Store()
    store.extend(ox.parse(text, format=ox.RdfFormat.N_QUADS, rename_blank_nodes=False))
    return store


def copy_of(store: ox.Store) -> ox.Store:
    copy = ox.Store()
    copy.extend(store)
    for graph in store.named_graphs():
        copy.add_graph(graph)
    return copy


def content(store: ox.Store) -> tuple[frozenset[ox.Quad], frozenset[Any]]:
    return frozenset(store), frozenset(store.named_graphs())


def canonical(store: ox.Store) -> tuple[frozenset[ox.Quad], frozenset[Any], int]:
    """Return what is the same for stores that differ in the names of blank nodes only."""
    dataset = ox.Dataset(store)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    graphs = list(store.named_graphs())
    named = frozenset(graph for graph in graphs if isinstance(graph, ox.NamedNode))
    return frozenset(dataset), named, len(graphs)


def update(store: ox.Store, text: str, **options: Any) -> Delta:
    return apply_update(store, text, **{"base": None, "prefixes": {}, **options})


def check_exact(before: ox.Store, after: ox.Store, delta: Delta) -> None:
    """Assert that ``delta`` is net, leads from one store to the other, and back."""
    assert delta == diff(before, after)
    copy = copy_of(before)
    apply(copy, delta)
    assert content(copy) == content(after)
    apply(copy, delta.inverse())
    assert content(copy) == content(before)


def check_same(
    before: ox.Store,
    text: str,
    *,
    base: str | None = None,
    engine_text: str | None = None,
    **options: Any,
) -> ox.Store:
    """Assert that our update does what the engine's does, to the error; returns the result."""
    theirs, ours = copy_of(before), copy_of(before)
    failed: Exception | None = None
    try:
        theirs.update(engine_text or text, base_iri=base)
    except (RuntimeError, OSError, SyntaxError) as error:
        failed = error
    if failed:
        with pytest.raises(QueryError):
            update(ours, text, base=base, **options)
        assert content(ours) == content(before)
        return ours
    delta = update(ours, text, base=base, **options)
    assert canonical(ours) == canonical(theirs)
    check_exact(before, ours, delta)
    return ours
