"""What is known of one thing, and on whose word?

By two queries that any SPARQL 1.1 endpoint answers: the facts with the graph that each is in, and
the labels of what they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from peninsula.client.terms import IRI, BlankNode, Literal, Text, Value, write_term
from peninsula.namespaces import expand

_LABELS: Final = tuple(
    expand(n) for n in ("rdfs:label", "skos:prefLabel", "dcterms:title", "pen:paraphrase")
)
_TYPE: Final = expand("rdf:type")
_SOURCES: Final = (expand("dcterms:source"), expand("pen:citation"))
_LINKS: Final = tuple(
    expand(n)
    for n in (
        "skos:exactMatch", "skos:closeMatch", "skos:broadMatch", "skos:narrowMatch",
        "skos:relatedMatch", "owl:sameAs", "rdfs:seeAlso",
    )
)  # fmt: skip
#: What was computed and not said.
INFERRED: Final = expand("graph:inferred")
#: Statements that point at a thing, of which there may be very many.
MOST_POINTING: Final = 1000
_BATCH: Final = 200


@dataclass(frozen=True)
class Hit:
    """A thing that a search found."""

    iri: IRI
    label: str
    class_label: str
    name: str

    def __str__(self) -> str:
        return f"{self.label} ({self.name})"


@dataclass(frozen=True)
class Fact:
    """A statement: of a property, its value, and where it stands.

    ``graph`` is empty where the endpoint tells none. ``sources`` are those of the thing itself.
    """

    property: IRI
    property_label: str
    value: Value
    value_label: str
    graph: str = ""
    sources: tuple[Value, ...] = ()
    #: Whether it follows from other facts, and nobody said it.
    is_inferred: bool = False

    def __str__(self) -> str:
        return f"{self.property_label}: {self.value_label}"


@dataclass(frozen=True)
class Entity:
    """A thing: its names, its classes, what is said of it and what points at it."""

    iri: IRI
    labels: Mapping[str, str]
    types: tuple[IRI, ...]
    facts: tuple[Fact, ...]
    #: Subject and property of statements whose value it is, at most :data:`MOST_POINTING`.
    pointing: tuple[tuple[IRI, IRI], ...] = ()
    generation: int = field(default=0, compare=False)

    @property
    def label(self) -> str:
        """Return its name, in English where it has one."""
        return self.labels.get("en") or next(iter(self.labels.values()), self.iri.short)

    @property
    def sources(self) -> tuple[Value, ...]:
        """Return whence it is known."""
        return tuple(fact.value for fact in self.facts if fact.property in _SOURCES)

    @property
    def links(self) -> tuple[Fact, ...]:
        """Return what it is, or is like, elsewhere."""
        return tuple(fact for fact in self.facts if fact.property in _LINKS)

    def values(self, property: str) -> list[Value]:
        """Return the values of a property, given by an IRI or a prefixed name (``pen:from``)."""
        wanted = {property, expand(property)} if _has_prefix(property) else {property}
        return list(dict.fromkeys(f.value for f in self.facts if f.property in wanted))

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)

    def __str__(self) -> str:
        return f"{self.label} ({self.iri.short})"


def _has_prefix(name: str) -> bool:
    try:
        expand(name)
    except KeyError:
        return False
    return True


def facts_query(thing: IRI) -> str:
    """Return the query for everything that is said of a thing."""
    name = write_term(thing)
    return (
        "SELECT DISTINCT ?property ?value ?graph WHERE {\n"
        f"  {{ GRAPH ?graph {{ {name} ?property ?value }} }}\n"
        f"  UNION {{ {name} ?property ?value "
        f"FILTER NOT EXISTS {{ GRAPH ?any {{ {name} ?property ?value }} }} }}\n"
        "}"
    )


def pointing_query(thing: IRI) -> str:
    """Return the query for what points at a thing."""
    return (
        f"SELECT DISTINCT ?subject ?property WHERE {{ ?subject ?property {write_term(thing)} "
        f"FILTER(isIRI(?subject)) }} LIMIT {MOST_POINTING}"
    )


def label_queries(things: Iterable[IRI]) -> Iterator[str]:
    """Yield queries for the names of many things."""
    ordered = sorted(set(things))
    properties = " UNION ".join(f"{{ ?thing <{iri}> ?label }}" for iri in _LABELS)
    for start in range(0, len(ordered), _BATCH):
        named = " ".join(write_term(iri) for iri in ordered[start : start + _BATCH])
        yield f"SELECT DISTINCT ?thing ?label WHERE {{ VALUES ?thing {{ {named} }} {properties} }}"


def make_entity(
    thing: IRI,
    rows: Iterable[tuple[Value | None, ...]],
    pointing: Iterable[tuple[Value | None, ...]],
    labels: Mapping[str, str],
    generation: int,
) -> Entity:
    """Return the thing that the answers describe."""
    told: list[tuple[IRI, Value, str]] = []
    for property, value, graph in rows:
        if isinstance(property, IRI) and value is not None:
            told.append((property, value, str(graph or "")))
    sources = tuple(dict.fromkeys(value for property, value, _ in told if property in _SOURCES))
    stated = {(p, _key(v)) for p, v, graph in told if graph != INFERRED}
    facts = [
        Fact(
            property,
            labels.get(property, property.short),
            value,
            _show(value, labels),
            graph,
            () if graph == INFERRED else sources,
            graph == INFERRED,
        )
        for property, value, graph in told
        if graph != INFERRED or (property, _key(value)) not in stated
    ]
    facts.sort(key=_rank)
    names: dict[str, str] = {}
    for wanted in _LABELS:
        for property, value, _ in told:
            is_text = isinstance(value, str) and not isinstance(value, IRI | BlankNode)
            if property == wanted and is_text:
                names.setdefault(value.language if isinstance(value, Text) else "", str(value))
    types = [f.value for f in facts if f.property == _TYPE and isinstance(f.value, IRI)]
    ends = tuple((s, p) for s, p in pointing if isinstance(s, IRI) and isinstance(p, IRI))
    return Entity(thing, names, tuple(dict.fromkeys(types)), tuple(facts), ends, generation)


def _rank(fact: Fact) -> tuple[object, ...]:
    """Return where a fact stands: what was said first, and its class first of that."""
    is_type = fact.property == _TYPE
    return fact.is_inferred, not is_type, fact.property_label, fact.value_label, fact.graph


def _key(value: Value) -> tuple[str, str, str]:
    """Return what tells values apart: Python has 1 and True for the same."""
    more = value.language if isinstance(value, Text) else ""
    if isinstance(value, Literal):
        more = value.datatype
    return type(value).__name__, str(value), more


def _show(value: Value, labels: Mapping[str, str]) -> str:
    if isinstance(value, IRI):
        return labels.get(value, value.short)
    return str(value).lower() if isinstance(value, bool) else str(value)
