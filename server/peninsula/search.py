"""Which index answers what is looked for in a state of the graph?

Names are compared without case, accents and punctuation, in whatever language and script they are:
by their words, by other forms of them, by how they begin, and where that finds little by what
sounds alike or is misspelt. An index answers: in this process where there is no folder for one,
else in the folder of the store. While one of many names is being made an earlier one answers, or
SPARQL.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from peninsula.dataset.interface import Dataset
from peninsula.errors import QueryFailed
from peninsula.searching.candidates import CandidateIndex
from peninsula.searching.entries import count_names
from peninsula.searching.named import MOST_SHOWN, EarlierIndex, NameIndex, read_names
from peninsula.searching.phrases import LONGEST_TEXT
from peninsula.searching.shelf import Shelf
from peninsula.searching.wishes import Facet, Found, Hit, Index, Name, Wish

__all__ = ["LONGEST_TEXT", "MOST_SHOWN", "CandidateIndex", "EarlierIndex", "Facet", "Found", "Hit",
           "Index", "Indexes", "Name", "NameIndex", "Wish", "read_names"]  # fmt: skip

#: Names that an index may hold where there is no folder for one.
MOST_WITHOUT_FOLDER: Final = 100_000
#: Indexes that are kept open: of the published generation, and one or two that somebody looks back
#: at.
_KEPT: Final = 3


class Indexes:
    """The index of each generation, made when it is first asked."""

    def __init__(self, shelf: Shelf | None = None, *, most_names: int | None = None) -> None:
        self._shelf = shelf
        self._most_names = MOST_WITHOUT_FOLDER if most_names is None else most_names
        if shelf is not None and most_names is not None:
            shelf.most_names = most_names
        self._in_memory: OrderedDict[object, NameIndex | None] = OrderedDict()
        self._on_shelf: OrderedDict[int, NameIndex] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, dataset: Dataset, key: object) -> Index:
        """Return the index of ``dataset``; what has the same ``key`` has the same names."""
        if self._shelf is not None:
            return self._take_down(self._shelf, dataset)
        with self._lock:
            if key in self._in_memory:
                self._in_memory.move_to_end(key)
            else:
                # The others wait: they would only do the same work beside this one.
                self._in_memory[key] = self._read(dataset)
                while len(self._in_memory) > _KEPT:
                    self._in_memory.popitem(last=False)
            index = self._in_memory[key]
        # Even if it is of no names.
        return CandidateIndex(dataset) if index is None else index

    def _read(self, dataset: Dataset) -> NameIndex | None:
        try:
            if count_names(dataset, self._most_names + 1) <= self._most_names:
                return read_names(dataset)
        except QueryFailed:
            # Few names, but too much else about them.
            pass
        return None

    def _take_down(self, shelf: Shelf, dataset: Dataset) -> Index:
        number = dataset.generation
        index = self._open(shelf, number)
        if index is None and shelf.bring(dataset):
            index = self._open(shelf, number)
        if index is not None:
            return index
        shelf.want(number)
        before = shelf.nearest(number)
        earlier = None if before is None else self._open(shelf, before)
        return CandidateIndex(dataset) if earlier is None else EarlierIndex(earlier)

    def _open(self, shelf: Shelf, number: int) -> NameIndex | None:
        index = shelf.open(number)
        if index is None:
            return None
        with self._lock:
            known = self._on_shelf.get(number)
            if known is None or known.index is not index:
                known = self._on_shelf[number] = NameIndex(index)
                while len(self._on_shelf) > _KEPT:
                    self._on_shelf.popitem(last=False)
        return known

    def follow(self, number: int) -> None:
        """Have the index of the published generation made before somebody asks, where it may be."""
        if self._shelf is not None:
            self._shelf.follow(number)

    def close(self) -> None:
        """End what is being made."""
        if self._shelf is not None:
            self._shelf.close()
