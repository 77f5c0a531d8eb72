"""Which part of what happened does an address choose: kinds, an actor, a topic, a time?"""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from datetime import date
from typing import Final

from flask import request

from peninsula.chronicle import Choice, is_known
from peninsula.errors import NotFound, ParameterError
from peninsula.terms import read_iri
from peninsula.views.names import open_index
from peninsula.views.site import dataset, language

_DAY: Final = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")
_NEAR: Final = 4


def read_choice(known: Collection[str], usual: tuple[str, ...], first: date | None) -> Choice:
    """Return what the address chooses.

    ``known`` are the kinds that can be chosen, ``usual`` those shown where none is; ``first`` is
    where time begins unless the address says so. Raises ParameterError, NotFound.
    """
    kinds = [kind for kind in request.args.getlist("kind") if kind]
    for kind in kinds:
        if kind not in known:
            raise ParameterError(
                f"There is no kind “{kind}”.", f"Choose of {', '.join(known)}.", parameter="kind"
            )
    start = read_day("from") or first
    end = read_day("until", is_end=True)
    if start and end and end < start:
        raise ParameterError(
            f"The time ends ({end}) before it begins ({start}).",
            "Exchange “from” and “until”.",
            parameter="until",
        )
    return Choice(
        tuple(kind for kind in known if kind in kinds) if kinds else usual,
        read_thing("actor", "state:russia", ("state", "person", "organization", "group")),
        read_thing("topic", "topic:sanctions", ("topic",)),
        start,
        end,
    )


def read_thing(name: str, example: str, kinds: tuple[str, ...]) -> str:
    """Return the IRI that a parameter names, or nothing; the graph must know it."""
    text = request.args.get(name, "").strip()
    if not text:
        return ""
    try:
        iri = read_iri(text).value
    except ValueError:
        raise ParameterError(
            f"“{text}” is no name of a thing.",
            f"Write it as {example}. {_near(text, kinds)}".strip(),
            parameter=name,
        ) from None
    if not is_known(dataset(), iri):
        local = re.split(r"[:/#]", text)[-1].replace("-", " ")
        raise NotFound(f"The graph knows nothing of “{text}”.", _near(local, kinds))
    return iri


def read_day(name: str, *, is_end: bool = False) -> date | None:
    """Return the day that a parameter names: 2017, 2017-09 or 2017-09-11."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    match = _DAY.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year, month, day = (int(part) if part else 0 for part in match.groups())
        if is_end:
            month = month or 12
            return date(year, month, day or calendar.monthrange(year, month)[1])
        return date(year, month or 1, day or 1)
    except ValueError:
        raise ParameterError(
            f"“{text}” is no year or day for “{name}”.",
            "Write it as 2017 or 2017-09-11.",
            parameter=name,
        ) from None


def _near(text: str, kinds: tuple[str, ...]) -> str:
    hits = open_index().near(text, kinds, language=language())[:_NEAR]
    return f"Perhaps: {', '.join(f'{hit.text} ({hit.name})' for hit in hits)}." if hits else ""
