"""What does an RDF term hold, and which term does somebody mean who writes one?"""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Final

import pyoxigraph as ox

from peninsula.namespaces import BASE, PREFIXES, expand

#: The stances of positions and claims by their slugs, from one side to the other.
STANCES: Final = (
    "supports", "conditional", "ambivalent", "indifferent", "opposes", "not-expressed",
)  # fmt: skip
_STANCE: Final = expand("stance:")
_DAY: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)


def value_of(term: object) -> str:
    """Return the IRI that a term is, or the text of a literal; nothing for any other."""
    return term.value if isinstance(term, ox.NamedNode | ox.Literal) else ""


def iri_of(term: object) -> str:
    """Return the IRI that a term is, or nothing."""
    return term.value if isinstance(term, ox.NamedNode) else ""


def integer_of(term: object) -> int:
    """Return the whole number that a literal is; 0 for what is no literal."""
    return int(term.value) if isinstance(term, ox.Literal) else 0


def is_true(term: object) -> bool:
    """Return whether a term is the literal “true”, as a query tells it."""
    return isinstance(term, ox.Literal) and term.value == "true"


def day_of(text: str) -> date | None:
    """Return the day with which the text of a date or an instant begins; None where it has none."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def read_day(text: str, *, is_end: bool = False) -> date:
    """Return the day meant by 2017, 2017-09 or 2017-09-11: the first, or the last as an end.

    Raises ValueError where it is none of them.
    """
    match = _DAY.fullmatch(text)
    if match is None:
        raise ValueError(f"“{text}” is no year, month or day")
    year, month, day = (int(part) if part else 0 for part in match.groups())
    if is_end:
        month = month or 12
        return date(year, month, day or calendar.monthrange(year, month)[1])
    return date(year, month or 1, day or 1)


def slug_of(iri: str) -> str:
    """Return the last part of an IRI: ``supports`` of a stance, ``c147`` of a claim."""
    return iri.rpartition("/")[2].rpartition("#")[2]


def stance_of(iri: str) -> str:
    """Return the slug of the stance that ``iri`` names, or nothing where it names none."""
    return iri.removeprefix(_STANCE) if iri.startswith(_STANCE) else ""


def read_iri(text: str) -> ox.NamedNode:
    """Return the IRI meant by a full IRI, ``state:russia`` or ``id/state/russia``.

    Raises ValueError where it is none of them.
    """
    text = text.strip().removeprefix("<").removesuffix(">")
    prefix, colon, local = text.partition(":")
    if colon and prefix in PREFIXES and not local.startswith("//"):
        return ox.NamedNode(expand(text))
    if not colon and "/" in text:
        return ox.NamedNode(BASE + text.lstrip("/"))
    return ox.NamedNode(text)
