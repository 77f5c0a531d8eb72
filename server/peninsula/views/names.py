"""Which index of names answers for the state that a request asks about?"""

from __future__ import annotations

from typing import Final, cast

from flask import Flask, current_app

from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.dataset.interface import Database, Dataset
from peninsula.search import Index, Indexes
from peninsula.searching.shelf import Shelf
from peninsula.views.site import dataset

_EXTENSION: Final = "peninsula.search"


def install(app: Flask, database: Database) -> Indexes:
    """Let ``app`` find things by name; return its indexes, which end with this process."""
    shelf = None
    if isinstance(database, EmbeddedDatabase):

        def view(number: int) -> Dataset:
            return database.view(generation=database.find(number))

        shelf = Shelf(database.generations, is_union=database.is_union, view=view)
    indexes = app.extensions[_EXTENSION] = Indexes(shelf)
    if isinstance(database, EmbeddedDatabase):
        database.on_publish = indexes.follow
        database.on_close = indexes.close
        indexes.follow(database.current.number)
    return indexes


def open_index() -> Index:
    """Return the index of the names in the state that this request asks about."""
    return index_of(dataset())


def index_of(state: Dataset) -> Index:
    """Return the index of the names in ``state``, the one that this request asks about."""
    indexes = cast(Indexes, current_app.extensions[_EXTENSION])
    return indexes.open(state, state.generation)
