"""Which values do properties have for things that were reconciled, for new columns of a table?

A value is told as exactly as the graph has it: an entity with its id, a whole day as a date, a
number as a number. A year or a month is no day, and stays a text; so do truth values, for which the
schema of the specification has no place.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select_about
from peninsula.errors import ParameterError
from peninsula.labels import LANGUAGES
from peninsula.namespaces import BASE, PREFIXES, shorten
from peninsula.reconciliation.entities import Name, label_of, read_names
from peninsula.reconciliation.identifiers import read_identifiers
from peninsula.reconciliation.properties import Property
from peninsula.reconciliation.requests import MOST_SENT, Extension, Wanted
from peninsula.reconciliation.schema import Schema
from peninsula.reconciliation.values import read_values
from peninsula.terms import iri_of

#: The service whose identifier space items of Wikidata are in.
WIKIDATA: Final = "https://wikidata.reconci.link/en/api"
_WD: Final = PREFIXES["wd"]
_XSD: Final = PREFIXES["xsd"]
_WHOLE: Final = frozenset(
    f"{_XSD}{name}"
    for name in (
        "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
        "negativeInteger", "nonPositiveInteger", "unsignedInt", "unsignedLong", "unsignedShort",
    )
)  # fmt: skip
_BROKEN: Final = frozenset(f"{_XSD}{name}" for name in ("decimal", "double", "float"))
_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_CLASSES: Final = """
SELECT DISTINCT ?thing ?class WHERE {{ VALUES ?thing {{ {things} }} ?thing a ?class }}
"""
_LANGUAGES: Final = ("any", *LANGUAGES)

#: What may be set for a property, as the manifest tells it.
SETTINGS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "name": "limit", "label": "Limit", "type": "number", "default": 0,
        "help_text": "Most values of one thing; 0: all there are",
    },
    {
        "name": "count", "label": "Number of values", "type": "checkbox", "default": False,
        "help_text": "How many values there are, in place of the values",
    },
    {
        "name": "language", "label": "Language of texts", "type": "select", "default": "any",
        "help_text": "Texts in this language, and names of things in it where there are such",
        "choices": [
            {"value": "any", "name": "all languages"}, {"value": "en", "name": "English"},
            {"value": "ko", "name": "Korean"}, {"value": "ru", "name": "Russian"},
        ],
    },
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One property as it was asked for, and its values by entity."""

    id: str
    property: Property
    name: str
    wanted: Wanted
    values: Mapping[str, list[Term]]


def extend(dataset: Dataset, schema: Schema, wish: Extension) -> dict[str, Any]:
    """Return the answer to a data extension query; raises ParameterError for no property."""
    known = {id: _read_id(id) for id in wish.ids}
    iris = {iri for iri in known.values() if iri}
    columns = []
    for wanted in wish.properties:
        # Wrong settings are told before anything is asked.
        for setting in (wanted.number("limit"), wanted.flag("count")):
            assert setting is not None
        wanted.choice("language", _LANGUAGES)
        property = schema.read_property(wanted.property, "extend")
        values = read_values(dataset, property, iris)
        columns.append(
            Column(wanted.property, property, schema.name_property(property), wanted, values)
        )
    things = {
        term.value
        for column in columns
        for terms in column.values.values()
        for term in terms
        if isinstance(term, ox.NamedNode)
    }
    names = read_names(dataset, things)
    classes: dict[str, set[str]] = {}
    for thing, class_ in select_about(dataset, _CLASSES, things):
        classes.setdefault(iri_of(thing), set()).add(iri_of(class_))
    writer = _Writer(schema, names, classes)
    return {
        "meta": [writer.describe(column) for column in columns],
        "rows": {
            id: {column.id: writer.cells(column, iri) for column in columns}
            for id, iri in known.items()
        },
    }


class _Writer:
    """Writes values as the specification does."""

    def __init__(
        self, schema: Schema, names: dict[str, list[Name]], classes: Mapping[str, set[str]]
    ) -> None:
        self._schema = schema
        self._names = names
        self._classes = classes

    def describe(self, column: Column) -> dict[str, Any]:
        """Return the metadata of a column: what its entities are, or whose they are."""
        told: dict[str, Any] = {"id": column.id, "name": column.name}
        if column.wanted.flag("count"):
            return told
        things = [
            term.value
            for terms in column.values.values()
            for term in terms
            if isinstance(term, ox.NamedNode)
        ]
        if things and _is_of_wikidata(column):
            return {**told, "service": WIKIDATA}
        entities = {iri for iri in things if self._is_entity(iri)}
        counted = Counter(
            item.iri
            for iri in entities
            for item in self._schema.specific(self._classes.get(iri, ()))
        )
        shared = [iri for iri, count in counted.items() if count == len(entities)]
        if types := self._schema.specific(shared):
            told["type"] = {"id": types[0].id, "name": types[0].name}
        return told

    def cells(self, column: Column, iri: str) -> list[dict[str, Any]]:
        """Return the values of one entity."""
        wanted = column.wanted
        language = wanted.choice("language", _LANGUAGES)
        terms = [
            term
            for term in column.values.get(iri, ())
            if language == "any"
            or not isinstance(term, ox.Literal)
            or not term.language
            or term.language == language
        ]
        if wanted.flag("count"):
            return [{"int": len(terms)}]
        shown = self._schema.language if language == "any" else language
        is_of_wikidata = _is_of_wikidata(column)
        cells = [self._cell(term, shown, is_of_wikidata=is_of_wikidata) for term in terms]
        cells.sort(key=_order)
        limit = min(wanted.number("limit") or MOST_SENT, MOST_SENT)
        return list({str(cell): cell for cell in cells}.values())[:limit]

    def _cell(self, term: Term, language: str, *, is_of_wikidata: bool) -> dict[str, Any]:
        if isinstance(term, ox.NamedNode):
            if is_of_wikidata:
                id = term.value.removeprefix(_WD)
                named = label_of(self._names, term.value, language)
                return {"id": id, "name": named.removeprefix("wd:")}
            if self._is_entity(term.value):
                name = label_of(self._names, term.value, language)
                return {"id": shorten(term.value), "name": name}
            return {"str": term.value}
        return write_literal(term) if isinstance(term, ox.Literal) else {"str": str(term)}

    def _is_entity(self, iri: str) -> bool:
        """Whether an IRI is a thing of this graph; what it only links to is an address."""
        return iri.startswith(BASE) or (iri in self._names and not iri.startswith(_WD))


def write_literal(literal: ox.Literal) -> dict[str, Any]:
    """Return a literal as a value of the specification."""
    text, datatype = literal.value, literal.datatype.value
    if datatype in _WHOLE and re.fullmatch(r"[+-]?\d{1,15}", text):
        return {"int": int(text)}
    if datatype in _WHOLE | _BROKEN:
        try:
            number = float(text)
        except ValueError:
            return {"str": text}
        return {"float": number} if math.isfinite(number) else {"str": text}
    if datatype == f"{_XSD}date" and (match := _DATE.fullmatch(text)):
        return {"date": f"{match[1]}T00:00:00Z"}
    if datatype == f"{_XSD}dateTime" and (match := _INSTANT.fullmatch(text)):
        return {"date": f"{match[1]}{match[2] or ''}{match[3] or 'Z'}"}
    return {"str": text}


def read_entity_id(text: str, parameter: str = "id") -> str:
    """Return the IRI that an id of ours is; raises ParameterError where it is none."""
    if iri := _read_id(text):
        return iri
    raise ParameterError(
        f"“{text[:80]}” is no id of a thing.",
        "Write it as person:moon-jae-in, or as its full IRI.",
        parameter=parameter,
    )


def _read_id(text: str) -> str:
    return next(iter(read_identifiers(text).iris), "")


def _is_of_wikidata(column: Column) -> bool:
    things: Iterable[str] = (
        term.value if isinstance(term, ox.NamedNode) else ""
        for terms in column.values.values()
        for term in terms
    )
    found = list(things)
    return bool(found) and all(re.fullmatch(rf"{re.escape(_WD)}Q\d+", iri) for iri in found)


def _order(cell: Mapping[str, Any]) -> tuple[Any, ...]:
    if "int" in cell or "float" in cell:
        return (0, cell.get("int", cell.get("float")), "")
    return (1, 0, str(cell.get("name", cell.get("date", cell.get("str", "")))), str(cell))
