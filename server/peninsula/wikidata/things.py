"""What do we say of the things that are linked with Wikidata, or could be?

Plain values, to be held against what Wikidata says: names, classes, days, places, states, offices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox

from peninsula.columns import read_point
from peninsula.dataset.interface import Dataset, Term, select, select_about
from peninsula.namespaces import expand, shorten
from peninsula.terms import value_of
from peninsula.wikidata.slice import SNAPSHOT
from peninsula.wikidata.terms import is_item

#: How a link may say that a thing and an item are related, the closest first.
RELATIONS: Final = tuple(
    expand(name) for name in ("skos:exactMatch", "skos:closeMatch", "skos:broadMatch")
)
EXACT: Final = RELATIONS[0]

#: The matches alone would do; what only a record says is a link as well, and the other way round.
_LINKS: Final = f"""
SELECT DISTINCT ?thing ?relation ?item ?link ?confirmed WHERE {{
  {{ ?link pen:linksEntity ?thing ; pen:linksTo ?item
    OPTIONAL {{ ?link pen:linksBy ?stated }}
    OPTIONAL {{ ?link pen:confirmedOn ?confirmed }}
    BIND(COALESCE(?stated, skos:exactMatch) AS ?relation) }}
  UNION {{ ?thing skos:exactMatch ?item BIND(skos:exactMatch AS ?relation) }}
  UNION {{ ?thing skos:closeMatch ?item BIND(skos:closeMatch AS ?relation) }}
  UNION {{ ?thing skos:broadMatch ?item BIND(skos:broadMatch AS ?relation) }}
  FILTER(isIRI(?item) && STRSTARTS(STR(?item), STR(wd:)))
  FILTER(STRSTARTS(STR(?thing), "{expand("ontology:").removesuffix("ontology/")}id/"))
}}
"""
_PROPERTIES: Final = {
    expand(name): name
    for name in (
        "rdfs:label", "skos:prefLabel", "skos:altLabel", "rdf:type", "pen:birthDate",
        "pen:deathDate", "pen:from", "pen:until", "pen:edtf", "pen:adoptionDate",
        "pen:isCitizenOf", "pen:isLocatedIn", "pen:isOfficeOf", "pen:hasCapital",
        "pen:geonamesId", "pen:iso3166Alpha2", "pen:iso3166Alpha3", "pen:unM49",
        "pen:unMemberSince", "pen:officialName", "pen:symbol", "dcterms:description",
    )
}  # fmt: skip
# The snapshot may stand in the same union: what it says is Wikidata's, not ours.
_VALUES: Final = f"""
SELECT ?thing ?property ?value WHERE {{{{
  VALUES ?thing {{{{ {{things}} }}}}
  ?thing ?property ?value
  FILTER(?property IN ({", ".join(f"<{iri}>" for iri in _PROPERTIES)}))
}}}}
"""
_POINTS: Final = """
SELECT ?thing ?shape WHERE {{
  VALUES ?thing {{ {things} }}
  ?thing geo:hasGeometry/geo:asWKT ?shape
}}
"""
_TENURES: Final = """
SELECT ?thing ?tenure ?office ?from ?until ?edtf WHERE {{
  VALUES ?thing {{ {things} }}
  ?tenure pen:isTenureOf ?thing ; pen:isTenureIn ?office
  OPTIONAL {{ ?tenure pen:from ?from }}
  OPTIONAL {{ ?tenure pen:until ?until }}
  OPTIONAL {{ ?tenure pen:edtf ?edtf }}
}}
"""
_UNLINKED: Final = """
SELECT DISTINCT ?thing WHERE {{
  ?thing a {class_}
  FILTER(isIRI(?thing))
  FILTER NOT EXISTS {{ ?thing skos:exactMatch ?item FILTER(STRSTARTS(STR(?item), STR(wd:))) }}
  FILTER NOT EXISTS {{ ?link pen:linksEntity ?thing ; pen:linksTo ?to
    FILTER(STRSTARTS(STR(?to), STR(wd:))) }}
}} ORDER BY ?thing
"""


@dataclass(frozen=True, order=True)
class Link:
    """One link of a thing with an item of Wikidata."""

    thing: str
    item: str
    relation: str = EXACT
    #: Its record; empty where only the match is stated.
    record: str = ""
    confirmed: str = ""

    @property
    def is_exact(self) -> bool:
        return self.relation == EXACT


@dataclass(frozen=True, order=True)
class Tenure:
    """An office that a person held, from and until when: in EDTF, empty where it is not known."""

    iri: str
    office: str
    start: str = ""
    end: str = ""
    #: Whether the record says that it goes on.
    is_open: bool = False


@dataclass(frozen=True)
class Thing:
    """What we say of a thing, as far as Wikidata could say it, too."""

    iri: str
    #: Each with its language.
    names: tuple[tuple[str, str], ...] = ()
    classes: frozenset[str] = frozenset()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    point: tuple[float, float] | None = None
    tenures: tuple[Tenure, ...] = ()

    @property
    def name(self) -> str:
        return shorten(self.iri)

    @property
    def label(self) -> str:
        """Return its English name, else any, else its prefixed name."""
        english = next((text for tag, text in self.names if tag == "en"), "")
        return english or next((text for _, text in self.names), "") or self.name

    def first(self, property: str) -> str:
        """Return the value of a property, given as a prefixed name; empty where there is none."""
        return next(iter(self.values.get(property, ())), "")


def read_links(dataset: Dataset) -> list[Link]:
    """Return every link with an item of Wikidata, sorted."""
    found: dict[tuple[str, str, str], Link] = {}
    for row in select(dataset, _LINKS):
        thing, relation, item, record, confirmed = map(value_of, row)
        if relation not in RELATIONS or not is_item(item):
            continue
        link = Link(thing, item, relation, record, confirmed)
        key = (thing, relation, item)
        # The one with a record says more.
        if key not in found or (link.record and not found[key].record):
            found[key] = link
    return sorted(found.values())


def read_things(dataset: Dataset, iris: Iterable[str]) -> dict[str, Thing]:
    """Return what the dataset says of things, by their IRIs."""
    wanted = sorted(set(iris))
    values: dict[str, dict[str, list[Term]]] = defaultdict(lambda: defaultdict(list))
    for thing, property, value in select_about(dataset, _VALUES, wanted):
        if value is not None:
            values[value_of(thing)][_PROPERTIES[value_of(property)]].append(value)
    points = {
        value_of(thing): point
        for thing, shape in select_about(dataset, _POINTS, wanted)
        if (point := read_point(shape))
    }
    tenures = _read_tenures(dataset, wanted)
    return {iri: _make(iri, values[iri], points.get(iri), tenures.get(iri, ())) for iri in wanted}


def _make(
    iri: str,
    values: Mapping[str, Sequence[Term]],
    point: tuple[float, float] | None,
    tenures: Sequence[Tenure],
) -> Thing:
    names = [
        (value.language or "", value.value)
        for property in ("rdfs:label", "skos:prefLabel", "skos:altLabel", "pen:officialName")
        for value in sorted(values.get(property, ()), key=str)
        if isinstance(value, ox.Literal)
    ]
    return Thing(
        iri,
        tuple(dict.fromkeys(names)),
        frozenset(value_of(value) for value in values.get("rdf:type", ())),
        {
            name: tuple(sorted({value_of(value) for value in found}))
            for name, found in values.items()
            if name not in {"rdfs:label", "skos:prefLabel", "skos:altLabel", "rdf:type"}
        },
        point,
        tuple(sorted(tenures)),
    )


def _read_tenures(dataset: Dataset, wanted: Sequence[str]) -> dict[str, list[Tenure]]:
    found: dict[str, list[Tenure]] = defaultdict(list)
    for row in select_about(dataset, _TENURES, wanted):
        thing, tenure, office, first, last, edtf = map(value_of, row)
        start, end = edtf.split("/", 1) if "/" in edtf else (first, last)
        found[thing].append(
            Tenure(tenure, office, start.strip("."), end.strip("."), is_open=end == "..")
        )
    return found


def find_unlinked(dataset: Dataset, class_: str) -> list[str]:
    """Return the things of a class that have no exact link with Wikidata and no other record."""
    query = _UNLINKED.format(class_=ox.NamedNode(class_))
    return [value_of(row[0]) for row in select(dataset, query)]


def read_snapshot_triples(dataset: Dataset) -> Iterable[ox.Triple]:
    """Return the triples of the snapshot in a dataset; none where it holds none."""
    if SNAPSHOT not in dataset.graphs():
        return ()
    return (quad.triple for quad in dataset.statements(SNAPSHOT))
