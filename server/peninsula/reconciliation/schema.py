"""Which types and properties does this graph have, and what are they called?

Types are the classes of the ontology; of a graph without one of ours, the classes that are used.
Counted once for a state and a language, because what is offered while somebody types must be
quick.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import pyoxigraph as ox

from peninsula.completion import Suggestion, list_classes, list_properties
from peninsula.dataset.interface import Dataset, select
from peninsula.errors import ParameterError
from peninsula.labels import LANGUAGES
from peninsula.namespaces import PREFIXES, expand, shorten
from peninsula.reconciliation.properties import LABEL, WAYS, Property, read_property
from peninsula.spelling import fold, grams_of
from peninsula.terms import iri_of, read_iri, value_of

#: What tables are most often about, in this order.
_USUAL: Final = tuple(
    expand(name)
    for name in (
        "pen:Person", "pen:State", "pen:Organization", "pen:Office", "pen:Place", "pen:Event",
        "pen:Summit", "pen:Resolution", "pen:Agreement", "pen:Initiative", "skos:Concept",
    )
)  # fmt: skip
#: Classes of terms and of what describes data: nothing that a table names.
_NO_TYPES: Final = tuple(
    PREFIXES[name] for name in ("rdf", "rdfs", "owl", "sh", "void", "dcat", "sd", "vann", "pensh")
)
_OURS: Final = PREFIXES["pen"]
_CONCEPT: Final = expand("skos:Concept")
_TYPE: Final = expand("rdf:type")
_KEPT: Final = 8
#: Things of a type that are looked at to see which properties it has.
_SAMPLE: Final = 2000
_HIERARCHY: Final = """
SELECT DISTINCT ?class ?super WHERE {
  ?class rdfs:subClassOf ?super FILTER(isIRI(?class) && isIRI(?super) && ?class != ?super)
} LIMIT 20000
"""
_ALIGNED: Final = """
SELECT DISTINCT ?class ?other WHERE {
  VALUES ?way { skos:exactMatch skos:closeMatch owl:equivalentClass owl:equivalentProperty }
  ?class ?way ?other FILTER(STRSTARTS(STR(?class), STR(pen:)) && isIRI(?other))
} LIMIT 5000
"""
_USED: Final = """
SELECT ?property (COUNT(*) AS ?count) WHERE {{
  {{ SELECT DISTINCT ?thing WHERE {{ ?thing a {type} }} LIMIT {sample} }}
  ?thing ?property ?value
}} GROUP BY ?property ORDER BY DESC(?count) ?property LIMIT 200
"""
#: Properties about where a statement is from: the last that somebody wants in a table.
_ABOUT_STATEMENTS: Final = frozenset(
    expand(name)
    for name in (
        "pen:hasIncompleteSource", "pen:hasVerification", "pen:verificationNote", "pen:citation",
        "pen:inventoryId", "skos:editorialNote", "dcterms:source", "prov:wasDerivedFrom",
        "prov:qualifiedAttribution", "pen:timeNote", "pen:temporalExpression", "pen:ambiguity",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A type or a property, as it is offered."""

    id: str
    iri: str
    name: str
    description: str = ""
    count: int = 0
    broader: tuple[Item, ...] = ()


class Schema:
    """The types and the properties of one state, in one language."""

    def __init__(self, dataset: Dataset, language: str) -> None:
        self.language = language
        classes = list_classes(dataset, language)
        self._supers: dict[str, set[str]] = {}
        for class_, super_ in select(dataset, _HIERARCHY):
            self._supers.setdefault(iri_of(class_), set()).add(iri_of(super_))
        self._aligned: dict[str, list[str]] = {}
        for term, other in select(dataset, _ALIGNED):
            self._aligned.setdefault(iri_of(other), []).append(iri_of(term))
        ours = [one for one in classes if one.iri.startswith(_OURS)]
        kept = [
            *ours,
            *(
                one
                for one in classes
                if one.iri == _CONCEPT or (not ours and not one.iri.startswith(_NO_TYPES))
            ),
        ]
        self._types = {one.iri: _as_item(one) for one in dict.fromkeys(kept)}
        for iri, item in list(self._types.items()):
            broader = tuple(
                replace(self._types[above], broader=())
                for above in sorted(self._directly_above(iri))
            )
            self._types[iri] = replace(item, broader=broader)
        self._properties = {
            one.iri: _as_item(one) for one in list_properties(dataset, language) if one.iri
        }
        place = LANGUAGES.index(language) if language in LANGUAGES else 0
        self._ways = {
            way.id: Item(way.id, "", way.labels[place], way.id)
            for way in WAYS
            if all(iri in self._properties for iri in read_property(way.id).iris)
        }
        self._proposed: dict[str, tuple[Item, ...]] = {}

    # Types.

    @property
    def types(self) -> list[Item]:
        """Return every type, the most used first."""
        return sorted(self._types.values(), key=lambda item: (-item.count, item.id))

    @property
    def default_types(self) -> list[Item]:
        """Return the types that tables are most often about."""
        usual = [self._types[iri] for iri in _USUAL if iri in self._types]
        return [item for item in usual if item.count] or self.types[:10]

    def type_item(self, iri: str) -> Item | None:
        return self._types.get(iri)

    def read_type(self, text: str, parameter: str = "queries") -> str:
        """Return the class that ``text`` names, by its id, its name, or a class it is aligned to.

        Raises ParameterError where the graph has none such.
        """
        try:
            iri = read_iri(text).value
        except ValueError:
            iri = ""
        if iri in self._types:
            return iri
        if text.startswith("Q") and text[1:].isdigit():
            iri = expand(f"wd:{text}")
        aligned = [one for one in self._aligned.get(iri, ()) if one in self._types]
        if aligned:
            return aligned[0]
        named = [
            item.iri
            for item in self._types.values()
            if fold(text) in {fold(item.name), fold(item.id.partition(":")[2])}
        ]
        if len(named) == 1:
            return named[0]
        near = ", ".join(item.id for item in self._near(text, self._types.values())[:5])
        raise ParameterError(
            f"There is no type “{text[:80]}” in this graph.",
            f"Near it are: {near}." if near else "/reconcile/suggest/type?prefix= lists them.",
            parameter=parameter,
        )

    def is_a(self, classes: Iterable[str], wished: str) -> bool:
        """Return whether something of ``classes`` is of a class."""
        return any(one == wished or wished in self.above(one) for one in classes)

    def above(self, iri: str) -> set[str]:
        """Return every class above one."""
        found: set[str] = set()
        waiting = [iri]
        while waiting and len(found) < 200:
            new = self._supers.get(waiting.pop(), set()) - found
            found |= new
            waiting.extend(new)
        return found - {iri}

    def _directly_above(self, iri: str) -> set[str]:
        """Return the types right above one: what is inferred says all of them."""
        above = self.above(iri) & self._types.keys()
        return {one for one in above if not any(one in self.above(other) for other in above)}

    def specific(self, classes: Iterable[str]) -> list[Item]:
        """Return which of ``classes`` are types, those that say most first."""
        kept = [self._types[iri] for iri in set(classes) if iri in self._types]
        return sorted(kept, key=lambda item: (-len(self.above(item.iri)), item.id))

    def find_types(self, prefix: str) -> list[Item]:
        """Return the types whose name or id begins so, the best first."""
        return _find(prefix, self.types)

    # Properties.

    def name_property(self, property: Property) -> str:
        """Return what a property is called."""
        if way := self._ways.get(property.id):
            return way.name
        names = []
        for step in property.steps:
            item = self._properties.get(step.iri)
            names.append(f"{'← ' if step.is_inverse else ''}{item.name if item else step}")
        name = " → ".join(names)
        return f"{name} ({property.language})" if property.language else name

    def describe_property(self, property: Property) -> str:
        """Return what a property means."""
        item = self._properties.get(property.steps[-1].iri)
        description = item.description if item and len(property.steps) == 1 else ""
        return description or property.id

    def read_property(self, text: str, parameter: str = "queries") -> Property:
        """Return the property that ``text`` names, by its id or its name.

        Raises ParameterError where the graph has none such.
        """
        for way in self._ways.values():
            if fold(text) == fold(way.name):
                return read_property(way.id)
        if ":" not in text:
            named = [i for i in self._properties.values() if fold(i.name) == fold(text)]
            own = [i for i in self._properties.values() if i.id == f"pen:{text}"]
            for item in (*own, *named[:1]):
                return read_property(item.id)
        try:
            property = read_property(text, parameter)
        except ParameterError as error:
            raise self._unknown(text, parameter, error) from None
        for iri in property.iris:
            if iri not in self._properties and iri != _TYPE:
                raise self._unknown(shorten(iri), parameter)
        return property

    def _unknown(
        self, text: str, parameter: str, error: ParameterError | None = None
    ) -> ParameterError:
        near = ", ".join(item.id for item in self._near(text, self._properties.values())[:5])
        remedy = f"Near it are: {near}." if near else ""
        if error is not None:
            return ParameterError(error.message, f"{error.remedy} {remedy}".strip(),
                                  parameter=parameter)  # fmt: skip
        return ParameterError(
            f"There is no property “{text[:80]}” in this graph.",
            remedy or "/reconcile/suggest/property?prefix= lists them.",
            parameter=parameter,
        )

    def find_properties(self, prefix: str) -> list[Item]:
        """Return the properties and ways whose name or id begins so, the best first."""
        properties = sorted(
            self._properties.values(), key=lambda item: (not item.count, -item.count, item.id)
        )
        if prefix and ":" in prefix:
            try:
                property = self.read_property(prefix)
            except ParameterError:
                pass
            else:
                # A way that nobody thought of before is one all the same.
                return [self.property_item(property)]
        return _find(prefix, [*self._ways.values(), *self._labels(), *properties])

    def property_item(self, property: Property) -> Item:
        return Item(property.id, "", self.name_property(property), self.describe_property(property))

    def propose(self, dataset: Dataset, type_iri: str) -> tuple[Item, ...]:
        """Return the properties that things of a type have, the likeliest wanted first."""
        if type_iri not in self._proposed:
            self._proposed[type_iri] = self._propose(dataset, type_iri)
        return self._proposed[type_iri]

    def _propose(self, dataset: Dataset, type_iri: str) -> tuple[Item, ...]:
        query = _USED.format(type=ox.NamedNode(type_iri), sample=_SAMPLE)
        used = [iri_of(property) for property, count in select(dataset, query) if value_of(count)]
        above = {type_iri, *self.above(type_iri)}
        ways = [
            self._ways[way.id] for way in WAYS if way.class_iri in above and way.id in self._ways
        ]
        direct = [self._properties[iri] for iri in used if iri in self._properties]
        first = [item for item in direct if item.iri not in _ABOUT_STATEMENTS and item.iri != _TYPE]
        last = [item for item in direct if item.iri in _ABOUT_STATEMENTS]
        own = [item for item in first if item.iri.startswith(_OURS)]
        others = [item for item in first if not item.iri.startswith(_OURS) and item.iri != LABEL]
        labels = self._labels() if any(item.iri == LABEL for item in first) else []
        return (*own, *ways, *labels, *others, *last)

    def _labels(self) -> list[Item]:
        if LABEL not in self._properties:
            return []
        return [self.property_item(read_property(f"rdfs:label@{code}")) for code in LANGUAGES]

    def _near(self, text: str, items: Iterable[Item]) -> list[Item]:
        wished = grams_of(fold(text))
        ranked = []
        for item in items:
            grams = grams_of(fold(item.name)) | grams_of(fold(item.id))
            if common := len(wished & grams):
                ranked.append((-common, len(grams), item.id, item))
        return [item for *_, item in sorted(ranked, key=lambda one: one[:3])]


class Schemas:
    """The schema of each state that is asked about, made when it is first asked."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, str], Schema] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, dataset: Dataset, key: object, language: str) -> Schema:
        """Return the schema of ``dataset``; what has the same ``key`` has the same schema."""
        with self._lock:
            if found := self._known.get((key, language)):
                self._known.move_to_end((key, language))
                return found
            # The others wait: they would only do the same work beside this one.
            schema = self._known[(key, language)] = Schema(dataset, language)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return schema


def _as_item(one: Suggestion) -> Item:
    return Item(shorten(one.iri), one.iri, one.label, one.definition, one.count)


def _find(prefix: str, items: Iterable[Item]) -> list[Item]:
    wished = fold(prefix)
    if not wished:
        return list(items)
    ranked = []
    for place, item in enumerate(items):
        name, id = fold(item.name), fold(item.id)
        local = fold(item.id.partition(":")[2])
        rank = min(
            (
                rank
                for rank, holds in (
                    (0, wished in {name, id, local} or prefix.strip() == item.iri),
                    (1, name.startswith(wished)),
                    (2, id.startswith(wished) or local.startswith(wished)),
                    (3, f" {wished}" in f" {name}"),
                    (4, len(wished) > 2 and (wished in name or wished in id)),
                )
                if holds
            ),
            default=-1,
        )
        if rank >= 0:
            ranked.append((rank, place, item))
    return [item for _, _, item in sorted(ranked, key=lambda one: one[:2])]
