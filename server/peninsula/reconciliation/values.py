"""How well does a value that somebody's table has agree with the values that the graph has?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select_about
from peninsula.namespaces import expand, shorten
from peninsula.reconciliation.dates import agreement, read_edtf, read_value
from peninsula.reconciliation.entities import Name, read_linked, read_names
from peninsula.reconciliation.identifiers import read_identifiers
from peninsula.reconciliation.names import compare, read_words
from peninsula.reconciliation.properties import Property
from peninsula.reconciliation.requests import Reference, Value
from peninsula.spelling import fold
from peninsula.terms import iri_of

_XSD: Final = expand("xsd:")
_DATES: Final = frozenset(
    expand(name)
    for name in ("xsd:date", "xsd:dateTime", "xsd:gYear", "xsd:gYearMonth", "edtf:EDTF")
)
_NUMBERS: Final = frozenset(
    f"{_XSD}{name}"
    for name in (
        "integer", "decimal", "double", "float", "int", "long", "short", "nonNegativeInteger",
        "positiveInteger", "negativeInteger", "nonPositiveInteger", "unsignedInt",
    )
)  # fmt: skip
_BOOLEAN: Final = f"{_XSD}boolean"
#: Below this, a name is another one.
_LEAST: Final = 0.6
#: Values of one thing that are compared.
_MOST: Final = 500
_READ: Final = """
SELECT DISTINCT ?thing ?value WHERE {{ VALUES ?thing {{ {things} }} ?thing {path} ?value }}
LIMIT 200000
"""


def read_values(
    dataset: Dataset, property: Property, things: Iterable[str]
) -> dict[str, list[Term]]:
    """Return the values that a property has of each thing."""
    found: dict[str, list[Term]] = {}
    for thing, value in select_about(dataset, _READ, things, path=property.path):
        if value is None or isinstance(value, ox.BlankNode | ox.Triple):
            continue
        if property.language and getattr(value, "language", None) != property.language:
            continue
        known = found.setdefault(iri_of(thing), [])
        if len(known) < _MOST:
            known.append(value)
    return found


@dataclass(frozen=True)
class Meant:
    """What a value of somebody's table may be."""

    given: Value | Reference
    #: The entities it is, where it is written as an identifier.
    iris: frozenset[str] = frozenset()


def resolve(dataset: Dataset, values: Iterable[Value | Reference]) -> dict[object, Meant]:
    """Return what each value may be; items of Wikidata are the things that they are exactly."""
    read = {}
    for value in values:
        text = value.id if isinstance(value, Reference) else value
        read[_key(value)] = (
            value,
            read_identifiers(text) if isinstance(text, str) else read_identifiers(""),
        )
    items = {item for _, ids in read.values() for item in ids.items}
    linked = read_linked(dataset, items) if items else {}
    return {
        key: Meant(
            value,
            frozenset(
                [*ids.iris, *ids.items, *(one for i in ids.items for one in linked.get(i, ()))]
            ),
        )
        for key, (value, ids) in read.items()
    }


def meant(known: Mapping[object, Meant], value: Value | Reference) -> Meant:
    """Return what :func:`resolve` found out about a value."""
    return known[_key(value)]


def read_names_of(dataset: Dataset, values: Mapping[str, Sequence[Term]]) -> dict[str, list[Name]]:
    """Return the names of the things among ``values``."""
    iris = {term.value for terms in values.values() for term in terms
            if isinstance(term, ox.NamedNode)}  # fmt: skip
    return read_names(dataset, iris)


def agree(
    wished: Iterable[Meant], known: Sequence[Term], names: Mapping[str, list[Name]]
) -> float | None:
    """Return how well the best of the wished values agrees with the best known one.

    None where nothing is known.
    """
    if not known:
        return None
    return max((_agree(wish, term, names) for wish in wished for term in known), default=None)


def _agree(wish: Meant, term: Term, names: Mapping[str, list[Name]]) -> float:
    if isinstance(term, ox.NamedNode):
        return _agree_with_thing(wish, term.value, names.get(term.value, ()))
    if isinstance(wish.given, Reference) or not isinstance(term, ox.Literal):
        text: Value = wish.given.name or wish.given.id if isinstance(wish.given, Reference) else ""
        return _agree_with_text(str(text), getattr(term, "value", "")) if text else 0.0
    datatype = term.datatype.value
    if datatype == _BOOLEAN:
        return float(str(wish.given).strip().lower() in _spellings(term.value))
    if datatype in _NUMBERS:
        return _agree_with_number(wish.given, term.value)
    if datatype in _DATES:
        span = read_edtf(term.value)
        return agreement(read_value(wish.given), [span]) if span else 0.0
    return _agree_with_text(str(wish.given), term.value)


def _agree_with_thing(wish: Meant, iri: str, names: Sequence[Name]) -> float:
    if iri in wish.iris:
        return 1.0
    if isinstance(wish.given, Reference):
        if wish.given.id == iri or wish.given.id == shorten(iri):
            return 1.0
        # An entity was said, and it is another one.
        return 0.0
    if not isinstance(wish.given, str):
        return float(fold(str(wish.given)) == fold(shorten(iri).partition(":")[2]))
    if fold(wish.given) == fold(shorten(iri)):
        return 1.0
    text = read_words(wish.given, keeps_dates=True)
    best = max(
        (compare(text, read_words(n.text, keeps_dates=True)).similarity for n in names),
        default=0.0,
    )
    return best if best >= _LEAST else 0.0


def _agree_with_text(given: str, text: str) -> float:
    if fold(given) == fold(text):
        return 1.0
    similarity = compare(
        read_words(given, keeps_dates=True), read_words(text, keeps_dates=True)
    ).similarity
    return similarity if similarity >= _LEAST else 0.0


def _agree_with_number(given: Value, text: str) -> float:
    try:
        wished, known = float(str(given).strip().replace(" ", "")), float(text)
    except ValueError:
        return 0.0
    return float(math.isclose(wished, known, rel_tol=1e-9, abs_tol=1e-12))


def _spellings(value: str) -> frozenset[str]:
    is_true = value in {"true", "1"}
    return frozenset({"true", "1", "yes", "y"} if is_true else {"false", "0", "no", "n"})


def _key(value: Value | Reference) -> object:
    # 1 and True are one key otherwise.
    return (type(value).__name__, value)
