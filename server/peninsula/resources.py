"""What does the graph know of one thing?

Its names, what it is, every statement about it with where that is from, and what points at it.
Sections (``sections``) tell the rest: what others, tenures and votes and claims, say of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.columns import read_point
from peninsula.dataset.interface import Dataset, Term, select
from peninsula.facts import LABELS, Fact, Group, group_facts, list_groups
from peninsula.labels import cut, find_labels, name_of, rank_language, rank_tag
from peninsula.namespaces import BASE, expand, shorten
from peninsula.provenance import (
    INFERRED,
    Provenance,
    Statement,
    read_statements,
    tell_provenance,
    terms_of,
)
from peninsula.section_specs import SPECS, Spec
from peninsula.sections import (
    ON_A_PAGE,
    Pointers,
    Section,
    Time,
    count_narrowed,
    count_pointers,
    draft_sections,
    finish_sections,
    list_choices,
    read_time,
    write_query,
)
from peninsula.tables import Cell, make_cell
from peninsula.terms import value_of
from peninsula.wikidata.excerpt import Excerpt, read_excerpt
from peninsula.wikidata.terms import is_item

#: Statements about one thing that its page shows, and things that point at it, by property.
MOST_FACTS: Final = 3000
_POINTING: Final = 10
_MOST_POINTING: Final = 1500

_NAMELESS: Final = """
SELECT ?node ?name WHERE {{ {iri} ?property ?node FILTER(isBlank(?node))
  ?node foaf:name|rdfs:label ?name }} LIMIT 200
"""
_INCOMING: Final = """
SELECT DISTINCT ?property ?thing WHERE {{
  {properties}
  {{ GRAPH ?graph {{ ?thing ?property {iri} }} FILTER(?graph != graph:inferred) }}
  UNION {{
    ?thing ?property {iri} FILTER NOT EXISTS {{ GRAPH ?any {{ ?thing ?property {iri} }} }}
  }}
  FILTER(isIRI(?thing))
}} {order} LIMIT {limit} OFFSET {offset}
"""
_SPOTS: Final = """
SELECT DISTINCT ?place ?shape WHERE {{
  {{ {iri} geo:hasGeometry/geo:asWKT ?shape BIND({iri} AS ?place) }}
  UNION {{ {iri} pen:takesPlaceAt|pen:hasCapital ?place . ?place geo:hasGeometry/geo:asWKT ?shape }}
}} LIMIT 40
"""
_LINKS: Final = "SELECT ?link WHERE {{ ?link pen:linksEntity {iri} }} LIMIT 40"
_DUMP: Final = "SELECT ?graph WHERE {{ ?graph void:dataDump {iri} }}"
_QUADS: Final = """
SELECT ?subject ?property ?value ?graph WHERE {{
  {{ GRAPH ?graph {{ {iri} ?property ?value }} BIND({iri} AS ?subject) }}
  UNION {{ GRAPH ?graph {{ ?subject ?property {iri} }} BIND({iri} AS ?value) }}
  UNION {{
    {iri} ?property ?value FILTER NOT EXISTS {{ GRAPH ?any {{ {iri} ?property ?value }} }}
    BIND({iri} AS ?subject)
  }}
  UNION {{
    ?subject ?property {iri} FILTER NOT EXISTS {{ GRAPH ?any {{ ?subject ?property {iri} }} }}
    BIND({iri} AS ?value)
  }}
}}
"""

#: How a thing may match one elsewhere, the closest first.
_MATCHES: Final = {
    expand(f"skos:{name}"): i for i, name in enumerate(("exactMatch", "closeMatch", "broadMatch"))
}
_TYPE: Final = expand("rdf:type")
_SUMMARIES: Final = tuple(
    expand(name)
    for name in ("pen:paraphrase", "dcterms:description", "skos:definition", "pen:outcome")
)
_WHERE: Final = tuple(
    expand(name)
    for name in (
        "pen:isCitizenOf", "pen:isOfficeOf", "pen:isLocatedIn", "pen:isOrganOf",
        "pen:isGroupWithin", "pen:isGovernmentOf", "pen:takesPlaceAt", "pen:isSessionOf",
        "skos:inScheme",
    )
)  # fmt: skip
_EXAMPLE: Final = expand("skos:example")
_CLASSES_OF_OTHERS: Final = ("http://www.w3.org/", "http://www.opengis.net/", "http://xmlns.com/")


@dataclass(frozen=True)
class Pointing:
    """A property that points here, how often, and some of what it points from."""

    by: Cell
    count: int
    things: list[Cell]
    #: The section that says more of the same.
    section: str = ""

    @property
    def name(self) -> str:
        return shorten(self.by.iri)


@dataclass(frozen=True)
class Placed:
    """Where a thing, or what it is linked to, lies."""

    place: Cell
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Identity:
    """The same thing elsewhere, or what is near it, and who confirmed that."""

    target: Cell
    #: ``exactMatch``, ``closeMatch`` or ``broadMatch``.
    relation: str
    link: Cell | None
    confirmed_by: str
    confirmed_on: str
    provenance: Provenance | None


@dataclass(frozen=True)
class Name:
    """What a thing is called in one language."""

    text: str
    language: str


@dataclass(frozen=True)
class About:
    """Everything the page of a thing says."""

    iri: str
    label: str
    label_language: str
    #: Its names besides the label, those in the languages of the pages first.
    other_labels: list[Name]
    classes: list[Cell]
    time: Time
    where: list[Fact]
    #: What it is, in a sentence.
    summary: Cell | None
    groups: list[Group]
    sections: list[Section]
    pointers: Pointers
    pointing: list[Pointing]
    places: list[Placed]
    identities: list[Identity]
    #: What the snapshot of Wikidata says of it, where there is one.
    excerpt: Excerpt | None
    #: How many statements there are about it, and whether not all are shown.
    count: int
    is_cut: bool
    #: Where the thing is a named graph: how many statements it holds.
    graph_size: int | None = None

    @property
    def name(self) -> str:
        return shorten(self.iri)

    @property
    def kind(self) -> str:
        """Return its kind as the address says it."""
        parts = self.iri.removeprefix(BASE).split("/")
        return parts[1] if parts[0] == "id" and len(parts) > 1 else parts[0]


@dataclass(frozen=True)
class Extract:
    """One section, or one property that points here, paged."""

    page: int
    pages: int
    count: int
    is_cut: bool
    section: Section | None = None
    pointing: Pointing | None = None
    #: By what the rows can be narrowed: key -> value, its label, how many.
    choices: Mapping[str, list[tuple[str, str, int]]] | None = None
    narrowed: Mapping[str, str] | None = None
    #: What finds the same in SPARQL.
    query: str = ""


def describe_resource(
    dataset: Dataset, iri: ox.NamedNode, language: str, *, covered: Iterable[str] = ()
) -> About | None:
    """Return what the graph knows of ``iri``, or None where it knows nothing.

    ``covered`` names properties that point at it, and that the page tells of otherwise.
    """
    said = read_statements(dataset, [iri.value], most=MOST_FACTS + 1)
    own = said.get(iri.value, [])
    pointers = count_pointers(dataset, iri)
    graphs = dataset.graphs()
    if not own and not pointers.counts and iri.value not in graphs:
        return None
    hidden = {expand(name) for name in covered}
    specs = [s for s in SPECS if pointers.count(s) and expand(s.property) not in hidden]
    draft = draft_sections(dataset, iri, specs, pointers, is_short=True)
    incoming = _read_incoming(dataset, iri)
    spots = list(select(dataset, _SPOTS.format(iri=iri)))
    links = _read_links(dataset, iri, pointers)
    names = {
        str(node): name
        for node, name in select(dataset, _NAMELESS.format(iri=iri))
        if any(isinstance(s.value, ox.BlankNode) for s in own)
    }
    terms: set[Term | None] = {iri, *terms_of(own), *draft.terms()}
    terms |= {ox.NamedNode(p) for p in incoming}
    terms |= {t for things in incoming.values() for t in things[:_POINTING]}
    terms |= {row[0] for row in spots}
    for statements in links.values():
        terms |= terms_of(statements)
    labels = find_labels(dataset, terms, language)
    identities = _list_identities(own, links, labels)
    sections = finish_sections(draft, iri.value, specs, pointers, labels, language)
    label, label_language = _choose_label(own, language) or (name_of(iri.value, labels), "")
    return About(
        iri=iri.value,
        label=label,
        label_language=label_language,
        other_labels=_list_names(own, label),
        classes=_list_classes(own, labels),
        time=read_time(own),
        where=[f for f in group_facts(iri.value, own, labels, names, set(_WHERE)) if f.values],
        summary=_summarize(own, labels, label, language),
        groups=list_groups(iri.value, own, labels, names),
        sections=sections,
        pointers=pointers,
        pointing=_list_pointing(incoming, pointers, labels, sections),
        places=[spot for row in spots if (spot := _read_spot(row, labels))],
        identities=identities,
        excerpt=_read_excerpt(dataset, identities, language),
        count=len({(s.property, str(s.value)) for s in own if s.graph != INFERRED}),
        is_cut=len(own) > MOST_FACTS,
        graph_size=graphs.get(iri.value),
    )


@dataclass(frozen=True)
class Headline:
    """A thing by its label."""

    iri: str
    label: str


def name_resource(dataset: Dataset, iri: ox.NamedNode, language: str) -> Headline:
    """Return what ``iri`` is called."""
    return Headline(iri.value, name_of(iri.value, find_labels(dataset, [iri], language)))


def read_section(
    dataset: Dataset, iri: ox.NamedNode, spec: Spec, page: int, narrowed: dict[str, str],
    language: str,
) -> Extract:  # fmt: skip
    """Return one section of the page of ``iri``, paged."""
    pointers = count_pointers(dataset, iri)
    count = count_narrowed(dataset, iri, spec, narrowed) if narrowed else pointers.count(spec)
    draft = draft_sections(
        dataset, iri, [spec], pointers, is_short=False, page=page, narrowed=narrowed
    )
    choices = list_choices(dataset, iri, spec, narrowed)
    values = {ox.NamedNode(value) for some in choices.values() for value, _ in some}
    labels = find_labels(dataset, draft.terms() | values, language)
    found = finish_sections(draft, iri.value, [spec], pointers, labels, language)
    return Extract(
        page,
        -(-count // ON_A_PAGE),
        count,
        pointers.is_cut,
        section=found[0] if found else None,
        choices={
            key: [(shorten(value), name_of(value, labels), number) for value, number in counted]
            for key, counted in choices.items()
        },
        narrowed={key: shorten(value) for key, value in narrowed.items()},
        query=write_query(iri, spec, narrowed),
    )


def read_pointing(
    dataset: Dataset, iri: ox.NamedNode, property: ox.NamedNode, page: int, language: str
) -> Extract:
    """Return what points at ``iri`` by ``property``, paged."""
    pointers = count_pointers(dataset, iri)
    query = _INCOMING.format(
        properties=f"VALUES ?property {{ {property} }}",
        iri=iri,
        order="ORDER BY ?thing",
        limit=ON_A_PAGE,
        offset=(page - 1) * ON_A_PAGE,
    )
    things = [thing for _, thing in select(dataset, query)]
    labels = find_labels(dataset, [property, *things], language)
    count = pointers.counts.get(property.value, 0)
    return Extract(
        page,
        -(-count // ON_A_PAGE),
        count,
        pointers.is_cut,
        pointing=Pointing(
            Cell(name_of(property.value, labels), property.value),
            count,
            [make_cell(thing, labels) for thing in things],
        ),
        query=f"SELECT DISTINCT ?thing WHERE {{\n  ?thing {property} {iri}\n}}\nORDER BY ?thing\n",
    )


def read_quads(
    dataset: Dataset, iri: ox.NamedNode
) -> Iterator[tuple[Term | None, Term | None, Term | None, Term | None]]:
    """Yield subject, property, value and graph of every statement about or with ``iri``."""
    for row in select(dataset, _QUADS.format(iri=iri)):
        subject, property, value, graph = row
        yield subject, property, value, graph


def find_dumped_graph(dataset: Dataset, iri: ox.NamedNode) -> str | None:
    """Return the named graph whose files the catalogue places at ``iri``."""
    rows = select(dataset, _DUMP.format(iri=iri))
    return next((row[0].value for row in rows if isinstance(row[0], ox.NamedNode)), None)


# What it is.


def _choose_label(own: Iterable[Statement], language: str) -> tuple[str, str] | None:
    """Return the label and its language, as ``labels`` would choose it."""
    ranks = {"pen:paraphrase": 1, "skos:prefLabel": 2, "rdfs:label": 2, "dcterms:title": 3}
    ranked = {expand(name): rank for name, rank in ranks.items()}
    offers = [
        (rank_language(v, language), ranked[s.property], v.value, v)
        for s in own
        if s.property in ranked and isinstance(v := s.value, ox.Literal)
    ]
    if not offers:
        return None
    best = min(offers, key=lambda offer: offer[:3])[3]
    return cut(best.value), best.language or ""


def _list_names(own: Iterable[Statement], label: str) -> list[Name]:
    names = {
        Name(cut(s.value.value), s.value.language or "")
        for s in own
        if s.property in LABELS and isinstance(s.value, ox.Literal) and s.value.value != label
    }
    return sorted(names, key=lambda name: (rank_tag(name.language), name.text))


def _list_classes(own: Iterable[Statement], labels: dict[str, str]) -> list[Cell]:
    """Return the classes that are stated; those of others only where there are no others."""
    found = {
        s.value.value
        for s in own
        if s.property == _TYPE and s.graph != INFERRED and isinstance(s.value, ox.NamedNode)
    }
    telling = {iri for iri in found if not iri.startswith(_CLASSES_OF_OTHERS)} or found
    cells = (Cell(name_of(iri, labels), iri) for iri in telling)
    return sorted(cells, key=lambda cell: (not cell.iri.startswith(BASE), cell.text))


def _summarize(
    own: Iterable[Statement], labels: dict[str, str], label: str, language: str
) -> Cell | None:
    offers = [
        (_SUMMARIES.index(s.property), rank_language(s.value, language), str(s.value), s.value)
        for s in own
        if s.property in _SUMMARIES and isinstance(s.value, ox.Literal) and s.value.value != label
    ]
    return make_cell(min(offers, key=lambda offer: offer[:3])[3], labels) if offers else None


# What points at it.


def _read_incoming(dataset: Dataset, iri: ox.NamedNode) -> dict[str, list[Term]]:
    query = _INCOMING.format(properties="", iri=iri, order="", limit=_MOST_POINTING, offset=0)
    found: dict[str, list[Term]] = {}
    for property, thing in select(dataset, query):
        if property is not None and thing is not None:
            found.setdefault(value_of(property), []).append(thing)
    return {property: sorted(things, key=str) for property, things in found.items()}


def _list_pointing(
    incoming: dict[str, list[Term]],
    pointers: Pointers,
    labels: dict[str, str],
    sections: Iterable[Section],
) -> list[Pointing]:
    shown: dict[str, str] = {}
    for section in sections:
        if section.count == pointers.counts.get(expand(section.spec.property)):
            shown[expand(section.spec.property)] = section.key
    found = [
        Pointing(
            Cell(name_of(property, labels), property),
            count,
            [make_cell(thing, labels) for thing in incoming.get(property, [])[:_POINTING]],
            shown.get(property, ""),
        )
        for property, count in pointers.counts.items()
        # Parameters of questions that name it as their example say nothing of it.
        if property != _EXAMPLE
    ]
    return sorted(found, key=lambda p: (bool(p.section), -p.count, p.by.text))


# Where it is, and what it is elsewhere.


def _read_spot(row: tuple[Term | None, ...], labels: dict[str, str]) -> Placed | None:
    place, shape = row
    point = read_point(shape)
    return Placed(make_cell(place, labels), *point) if point else None


def _read_links(
    dataset: Dataset, iri: ox.NamedNode, pointers: Pointers
) -> dict[str, list[Statement]]:
    if not pointers.counts.get(expand("pen:linksEntity")):
        return {}
    nodes = [value_of(row[0]) for row in select(dataset, _LINKS.format(iri=iri))]
    return read_statements(dataset, [node for node in nodes if node])


def _list_identities(
    own: Iterable[Statement], links: Mapping[str, list[Statement]], labels: dict[str, str]
) -> list[Identity]:
    found: dict[str, Identity] = {}
    for node, statements in links.items():
        told = {s.property: value_of(s.value) for s in statements}
        target = told.get(expand("pen:linksTo"), "")
        if target:
            found[target] = Identity(
                Cell(shorten(target), target),
                _relation(told.get(expand("pen:linksBy"), "")),
                Cell(name_of(node, labels), node),
                told.get(expand("pen:confirmedBy"), ""),
                told.get(expand("pen:confirmedOn"), ""),
                tell_provenance(node, statements, labels),
            )
    for s in own:
        target = value_of(s.value)
        if s.property in _MATCHES and target and not target.startswith(BASE):
            cell = Cell(shorten(target), target)
            found.setdefault(target, Identity(cell, _relation(s.property), None, "", "", None))
    return sorted(
        found.values(), key=lambda i: (_MATCHES[expand(f"skos:{i.relation}")], i.target.iri)
    )


def _relation(iri: str) -> str:
    """Return ``exactMatch`` or one of its kin; a link that says nothing is exact."""
    return (iri if iri in _MATCHES else expand("skos:exactMatch")).rpartition("#")[2]


def _read_excerpt(
    dataset: Dataset, identities: Iterable[Identity], language: str
) -> Excerpt | None:
    """Return what the snapshot says of the item that the thing is, if it is one."""
    items = [
        i.target.iri for i in identities if i.relation == "exactMatch" and is_item(i.target.iri)
    ]
    return read_excerpt(dataset, items[0], language) if items else None
