"""What people type leads to what they mean: over the graph itself, in three scripts.

``search_queries.csv`` says what stands first, or may; several things are as good as each other where
one means them all. ``python -m tests.server.test_search_recall`` tells what is missed.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pyoxigraph as ox
import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.knowledge import find_knowledge
from peninsula.loading import load
from peninsula.policy import Policy
from peninsula.search import NameIndex, Wish, read_names

ROOT: Final = Path(__file__).resolve().parents[2]
QUERIES: Final = Path(__file__).with_name("search_queries.csv")
#: The least part of the queries whose thing is first, and is among the first five.
FIRST: Final = 0.85
FIRST_FIVE: Final = 0.94
#: The same for each sort of queries.
FIRST_FIVE_OF_A_SORT: Final = 0.8


class Asked(NamedTuple):
    """A text, and at which place what it means was found; None where it was not."""

    sort: str
    text: str
    expected: str
    place: int | None
    found: list[str]


@pytest.fixture(scope="module")
def index() -> NameIndex:
    return read_index()


def read_index() -> NameIndex:
    loaded = load(find_knowledge(ROOT))
    store = ox.Store()
    store.extend([*loaded.stated, *loaded.computed])
    return read_names(LocalDataset(store, Policy()))


def ask_all(index: NameIndex) -> Iterator[Asked]:
    with QUERIES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = index.find(Wish(row["text"], language=row["language"]), limit=5)
            names = [hit.name for hit in found.hits]
            meant = set(row["expected"].split("|"))
            place = next((i for i, name in enumerate(names) if name in meant), None)
            yield Asked(row["sort"], row["text"], row["expected"], place, names)


def test_what_is_meant_stands_first_or_nearly(index: NameIndex) -> None:
    asked = list(ask_all(index))
    first = sum(one.place == 0 for one in asked) / len(asked)
    first_five = sum(one.place is not None for one in asked) / len(asked)
    missed = [(one.text, one.expected, one.found) for one in asked if one.place is None]
    assert first >= FIRST, [(a.text, a.expected, a.found) for a in asked if a.place]
    assert first_five >= FIRST_FIVE, missed
    sorts: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        sorts[one.sort].append(one)
    for sort, some in sorts.items():
        part = sum(one.place is not None for one in some) / len(some)
        assert part >= FIRST_FIVE_OF_A_SORT, (sort, missed)


def test_every_thing_that_is_expected_is_there(index: NameIndex) -> None:
    with QUERIES.open(encoding="utf-8", newline="") as file:
        names = {name for row in csv.DictReader(file) for name in row["expected"].split("|")}
    missing = [name for name in sorted(names) if index.find(Wish(name)).hits[:1] == ()]
    assert missing == []


def main() -> None:
    """Tell what is found how often, and what is not."""
    asked = list(ask_all(read_index()))
    sorts: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        sorts[one.sort].append(one)
        sorts["all"].append(one)
        if one.place != 0:
            print(f"{one.sort:16}{one.text:32}{one.expected:40}{one.place} {one.found}")
    for sort, some in sorts.items():
        first = sum(one.place == 0 for one in some)
        five = sum(one.place is not None for one in some)
        print(
            f"{sort:16}{len(some):4} {first / len(some):6.1%} first {five / len(some):6.1%} in five"
        )


if __name__ == "__main__":
    main()
