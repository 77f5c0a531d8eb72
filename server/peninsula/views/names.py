"""Which index of names answers for the state that a request asks about?"""

from __future__ import annotations

from typing import Final, cast

from flask import current_app

from peninsula.search import Index, Indexes
from peninsula.views.site import dataset, generation

_EXTENSION: Final = "peninsula.search"


def open_index() -> Index:
    """Return the index of the names in the state that this request asks about."""
    indexes = cast(Indexes, current_app.extensions.setdefault(_EXTENSION, Indexes()))
    state = generation()
    return indexes.open(dataset(), (state.number, state.published))
