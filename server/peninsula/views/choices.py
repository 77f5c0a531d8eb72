"""Which part of what happened does an address choose: kinds, an actor, a topic, a time?"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from peninsula.chronicle import Choice, is_known
from peninsula.errors import NotFound
from peninsula.namespaces import shorten
from peninsula.terms import slug_of
from peninsula.views.names import open_index
from peninsula.views.parameters import check_period, choices_given, day_given, name_given
from peninsula.views.site import dataset, language

_NEAR: Final = 4


def read_choice(known: Collection[str], usual: tuple[str, ...], first: date | None) -> Choice:
    """Return what the address chooses.

    ``known`` are the kinds that can be chosen, ``usual`` those shown where none is; ``first`` is
    where time begins unless the address says so. Raises ParameterError, NotFound.
    """
    kinds = choices_given("kind", known)
    start = day_given("from") or first
    end = day_given("until", is_end=True)
    check_period(start, end)
    return Choice(
        tuple(kind for kind in known if kind in kinds) if kinds else usual,
        read_thing("actor", "state:russia", ("state", "person", "organization", "group")),
        read_thing("topic", "topic:sanctions", ("topic",)),
        start,
        end,
    )


def read_thing(name: str, example: str, kinds: tuple[str, ...]) -> str:
    """Return the IRI that a parameter names, or nothing; the graph must know it."""
    iri = name_given(name, example)
    if iri and not is_known(dataset(), iri):
        local = slug_of(iri).replace("-", " ")
        raise NotFound(f"The graph knows nothing of “{shorten(iri)}”.", _near(local, kinds))
    return iri


def _near(text: str, kinds: tuple[str, ...]) -> str:
    hits = open_index().near(text, kinds, language=language())[:_NEAR]
    return f"Perhaps: {', '.join(f'{hit.text} ({hit.name})' for hit in hits)}." if hits else ""
