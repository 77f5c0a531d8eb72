"""Which facts do statements make: by property, in which order, of which sort, on whose word?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Term
from peninsula.labels import name_of, rank_tag
from peninsula.namespaces import expand
from peninsula.provenance import INFERRED, Provenance, Statement, tell_provenance
from peninsula.tables import Cell, make_cell

#: What names a thing.
LABELS: Final = tuple(
    expand(name) for name in ("rdfs:label", "skos:prefLabel", "skos:altLabel", "dcterms:title")
)
#: What a page says first, in this order.
_FIRST: Final = tuple(
    expand(name)
    for name in (
        "rdf:type", "pen:paraphrase", "dcterms:description", "skos:definition", "pen:outcome",
        "pen:hasStatus", "pen:hasHolder", "pen:hasStance", "pen:onObject", "pen:isToward",
        "pen:edtf", "pen:inferredEdtf", "pen:from", "pen:until", "pen:adoptionDate", "pen:votedOn",
        "pen:birthDate", "pen:deathDate", "pen:takesPlaceAt", "pen:placeDescription",
        "pen:isCitizenOf", "pen:isOfficeOf", "pen:isLocatedIn", "pen:hasCapital",
        "pen:officialName", "pen:givenName", "pen:familyName",
    )
)  # fmt: skip
#: Remarks on a thing.
_NOTES: Final = frozenset(
    expand(name)
    for name in (
        "skos:note", "skos:scopeNote", "skos:example", "skos:changeNote", "skos:historyNote",
        "pen:timeNote", "pen:ambiguity", "rdfs:comment",
    )
)  # fmt: skip
#: What it is called or is like in other vocabularies and registers.
_ELSEWHERE: Final = frozenset(
    expand(name)
    for name in (
        "skos:exactMatch", "skos:closeMatch", "skos:broadMatch", "skos:narrowMatch",
        "skos:relatedMatch", "owl:sameAs", "rdfs:seeAlso", "pen:geonamesId", "pen:iso3166Alpha2",
        "pen:iso3166Alpha3", "pen:unM49", "pen:symbol", "geo:hasGeometry", "dcterms:identifier",
    )
)  # fmt: skip
#: How the record was made.
_RECORD: Final = frozenset(
    expand(name)
    for name in (
        "pen:hasVerification", "pen:verificationNote", "dcterms:source", "pen:citation",
        "prov:wasDerivedFrom", "pen:hasIncompleteSource", "pen:inventoryId", "skos:editorialNote",
        "rdfs:isDefinedBy", "skos:inScheme", "skos:topConceptOf", "pen:sha256",
        "pen:characterCount", "pen:confirmedBy", "pen:confirmedOn", "dcterms:license",
        "dcterms:creator", "dcterms:publisher", "dcterms:issued", "void:dataDump",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A value, and on whose word it stands."""

    cell: Cell
    provenance: Provenance


@dataclass(frozen=True)
class Fact:
    """A property with its values."""

    property: Cell
    values: list[Value]


@dataclass(frozen=True)
class Group:
    """Facts of one sort; ``key`` is facts, notes, elsewhere, record, names or inferred."""

    key: str
    facts: list[Fact]


def list_groups(
    iri: str, own: list[Statement], labels: dict[str, str], names: Mapping[str, Term | None]
) -> list[Group]:
    """Return everything that is said of a thing, sort by sort."""
    stated = {(s.property, str(s.value)) for s in own if s.graph != INFERRED}
    inferred = [s for s in own if s.graph == INFERRED and (s.property, str(s.value)) not in stated]
    said = [s for s in own if (s.property, str(s.value)) in stated and s.property not in LABELS]
    parts = {
        "facts": [s for s in said if _sort_of(s.property) == "facts"],
        "notes": [s for s in said if _sort_of(s.property) == "notes"],
        "elsewhere": [s for s in said if _sort_of(s.property) == "elsewhere"],
        "record": [s for s in said if _sort_of(s.property) == "record"],
        "names": [s for s in own if s.property in LABELS and s.graph != INFERRED],
        "inferred": inferred,
    }
    return [
        Group(key, facts)
        for key, some in parts.items()
        if (facts := group_facts(iri, some, labels, names, provenance_of=own))
    ]


def _sort_of(property: str) -> str:
    if property in _NOTES:
        return "notes"
    if property in _ELSEWHERE:
        return "elsewhere"
    return "record" if property in _RECORD else "facts"


def group_facts(
    iri: str,
    statements: Iterable[Statement],
    labels: dict[str, str],
    names: Mapping[str, Term | None],
    only: set[str] | None = None,
    *,
    provenance_of: Iterable[Statement] | None = None,
) -> list[Fact]:
    """Return the values by property, in the order in which a page says them."""
    statements = [s for s in statements if only is None or s.property in only]
    own = list(statements if provenance_of is None else provenance_of)
    graphs: dict[str, dict[Term, set[str]]] = {}
    for s in statements:
        graphs.setdefault(s.property, {}).setdefault(s.value, set()).add(s.graph)
    told: dict[frozenset[str], Provenance] = {}
    facts = []
    for property, found in graphs.items():
        values = []
        for value, places in found.items():
            key = frozenset(places - {INFERRED} or places)
            if key not in told:
                told[key] = tell_provenance(iri, own, labels, key)
            shown = names.get(str(value), value) if isinstance(value, ox.BlankNode) else value
            values.append(Value(make_cell(shown, labels), told[key]))
        values.sort(key=lambda v: (rank_tag(v.cell.language), v.cell.text.casefold()))
        facts.append(Fact(Cell(name_of(property, labels), property), values))
    return sorted(facts, key=lambda fact: (_rank(fact.property.iri), fact.property.text))


def _rank(iri: str) -> int:
    return _FIRST.index(iri) if iri in _FIRST else len(_FIRST)
