"""What does an RDF term hold, and which term does somebody mean who writes one?"""

from __future__ import annotations

from datetime import date
from typing import Final

import pyoxigraph as ox

from peninsula.namespaces import BASE, PREFIXES, expand

#: The stances of positions and claims by their slugs, from one side to the other.
STANCES: Final = (
    "supports", "conditional", "ambivalent", "indifferent", "opposes", "not-expressed",
)  # fmt: skip
_STANCE: Final = expand("stance:")


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
