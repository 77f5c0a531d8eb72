"""What happened, was agreed, held or planned, when, and whose doing was it?

One query reads everything with a time, in one of several kinds: events of the record and of the
document, what was only planned or imagined, resolutions, agreements, initiatives, tenures and
policy positions. The page shows that query, for the kinds chosen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Row, Term, select, select_about
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import expand
from peninsula.sparql import spell, write_day, write_iri
from peninsula.terms import day_of, iri_of, is_true, stance_of
from peninsula.topics import ListedTopic, list_topics

#: Things read at most for one page, and actors and topics offered.
MOST_ITEMS: Final = 2000
_MOST_CHOICES: Final = 400


@dataclass(frozen=True)
class Kind:
    """A kind of things with a time: its name in addresses, and what is of it."""

    slug: str
    pattern: str
    is_event: bool = False


def _classes(*names: str) -> str:
    if len(names) == 1:
        return f"?item a {names[0]}"
    return f"VALUES ?any {{ {' '.join(names)} }} ?item a ?any"


_NAMED_EVENTS: Final = (
    "pen:Summit", "pen:Visit", "pen:TalksRound", "pen:ForumSession", "pen:Ceremony", "pen:Test",
    "pen:Clash", "pen:War", "pen:DiplomaticStep", "pen:EconomicStep", "pen:Veto",
)  # fmt: skip
#: The offices that lead a state: the paramount one, else its head, else that of its government.
_RANKS: Final = (
    "(office-kind:paramount 1) (office-kind:head-of-state 2) (office-kind:head-of-government 3)"
)
_LEADING: Final = f"""?item a pen:Tenure ; pen:isTenureIn ?office .
      ?office pen:officeKind ?ofKind ; pen:isOfficeOf ?led VALUES (?ofKind ?rank) {{ {_RANKS} }}
      FILTER NOT EXISTS {{
        ?other pen:isOfficeOf ?led ; pen:officeKind ?itsKind
        VALUES (?itsKind ?itsRank) {{ {_RANKS} }} FILTER(?itsRank < ?rank)
      }}"""
#: In the order in which a page shows them.
KINDS: Final = {
    kind.slug: kind
    for kind in (
        Kind("leader", _LEADING),
        Kind("summit", _classes("pen:Summit"), is_event=True),
        Kind("visit", _classes("pen:Visit"), is_event=True),
        Kind(
            "talks",
            _classes("pen:TalksRound", "pen:ForumSession", "pen:Ceremony"),
            is_event=True,
        ),
        Kind("test", _classes("pen:Test"), is_event=True),
        Kind("clash", _classes("pen:Clash", "pen:War"), is_event=True),
        Kind(
            "step",
            _classes("pen:DiplomaticStep", "pen:EconomicStep", "pen:Veto"),
            is_event=True,
        ),
        Kind(
            "development",
            f"?item a pen:Event MINUS {{ {_classes(*_NAMED_EVENTS)} }}",
            is_event=True,
        ),
        Kind("planned", _classes("pen:PossibleEvent"), is_event=True),
        Kind("resolution", _classes("pen:Resolution")),
        Kind("agreement", _classes("pen:Agreement")),
        Kind("initiative", _classes("pen:Initiative")),
        Kind("official", f"?item a pen:Tenure MINUS {{ {_LEADING} }}"),
        Kind("position", _classes("pen:PolicyPosition")),
    )
}
EVENTS: Final = tuple(kind.slug for kind in KINDS.values() if kind.is_event)
#: Shown where the reader has not chosen.
USUAL: Final = tuple(slug for slug in KINDS if slug not in {"official", "position"})
#: The statuses of possible events that say it did not come about, or would not.
NEVER: Final = frozenset(
    expand(f"event-status:{slug}")
    for slug in ("cancelled", "declined", "excluded", "contrary-to-fact")
)

#: How something is tied to those whose doing it is.
_DOING: Final = (
    "^pen:inEvent/(pen:hasParticipant|pen:represents)|pen:isConductedBy|pen:hasParty|pen:hasHolder"
    "|pen:isTenureOf|pen:isTenureIn/pen:isOfficeOf|^pen:isSponsorshipOf/pen:hasSponsor"
)
_VOTING: Final = "^pen:isVoteOn/pen:isCastBy"
_BELONGING: Final = "pen:isCitizenOf|pen:isOrganOf|pen:isGovernmentOf|pen:isGroupWithin"

_ACTORS: Final = f"""
SELECT DISTINCT ?item ?actor ?isState ?state WHERE {{{{
  VALUES ?item {{{{ {{things}} }}}}
  ?item {_DOING} ?actor .
  BIND(EXISTS {{{{ ?actor a pen:State }}}} AS ?isState)
  OPTIONAL {{{{ ?actor {_BELONGING} ?state . ?state a pen:State }}}}
}}}} LIMIT 20000
"""
_CHOICES: Final = f"""
SELECT ?actor ?kind ?count WHERE {{
  {{ SELECT ?actor (COUNT(DISTINCT ?item) AS ?count) WHERE {{
    {{ ?part pen:inEvent ?item ; pen:hasParticipant|pen:represents ?actor }}
    UNION {{ ?item pen:isConductedBy|pen:hasParty|pen:hasHolder|pen:isTenureOf ?actor }}
    UNION {{ ?part pen:isSponsorshipOf ?item ; pen:hasSponsor ?actor }}
    FILTER(isIRI(?actor))
    FILTER NOT EXISTS {{ ?actor a pen:UnspecifiedAgent }}
  }} GROUP BY ?actor ORDER BY DESC(?count) LIMIT {_MOST_CHOICES} }}
  BIND(IF(EXISTS {{ ?actor a pen:State }}, "state",
       IF(EXISTS {{ ?actor a pen:Person }}, "person", "other")) AS ?kind)
}}
"""


@dataclass(frozen=True)
class Choice:
    """What is to be shown; empty leaves everything in."""

    kinds: tuple[str, ...] = USUAL
    actor: str = ""
    topic: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Name:
    """A thing and what it is called."""

    iri: str
    label: str


@dataclass(frozen=True)
class Place:
    """Where something took place; without a point where the graph has none."""

    iri: str
    label: str
    point: str = ""


@dataclass(frozen=True)
class Item:
    """Something with a time."""

    iri: str
    kind: str
    label: str
    class_label: str
    start: date | None
    end: date | None
    #: The time as it is given, in EDTF.
    when: str
    #: The office of a tenure, the object of a position, the status of a possible event.
    detail: Name | None = None
    #: The person of a tenure, the holder of a position.
    holder: Name | None = None
    stance: str = ""
    is_never: bool = False
    actors: tuple[Name, ...] = ()
    #: The states among the actors, and those that the others belong to.
    states: tuple[Name, ...] = ()
    places: tuple[Place, ...] = ()
    #: The place in words, as the source has it.
    place_text: str = ""

    @property
    def is_dated(self) -> bool:
        return bool(self.start or self.end)

    @property
    def mark(self) -> str:
        """Return the class of the style sheet for its mark in a drawing."""
        if self.kind == "position":
            return f"stance-{self.stance or 'none'}"
        if self.kind == "planned":
            return "never" if self.is_never else "planned"
        return "tenure" if self.kind in {"leader", "official"} else self.kind

    @property
    def has_unknown_end(self) -> bool:
        """Return whether its end is not recorded; “/..” says that it goes on."""
        return self.end is None and not self.when.endswith("/..")


@dataclass(frozen=True)
class Chronicle:
    """Everything chosen, in order of time; what has no date stands last."""

    items: tuple[Item, ...]
    #: How much there would be of each kind.
    counts: dict[str, int] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def dated(self) -> list[Item]:
        return [item for item in self.items if item.is_dated]

    @property
    def undated(self) -> list[Item]:
        return [item for item in self.items if not item.is_dated]


def write_query(choice: Choice, *, with_places: bool = False) -> str:
    """Return the query for what is chosen: a row for each thing (and place)."""
    branches = [
        f'{{ BIND("{slug}" AS ?kind) {KINDS[slug].pattern} }}'
        for slug in KINDS
        if slug in choice.kinds
    ]
    columns = "?kind ?item ?itemLabel ?from ?until ?time ?class ?detail ?holder ?stance"
    lines = [
        "\nUNION ".join(branches),
        "OPTIONAL { ?item pen:from|pen:adoptionDate ?from }",
        "OPTIONAL { ?item pen:until|pen:adoptionDate ?until }",
    ]
    tests = [f"COALESCE(?from <= {write_day(choice.last)}, true)"] if choice.last else []
    tests += [f"COALESCE(?until >= {write_day(choice.first)}, true)"] if choice.first else []
    if tests:
        lines.append(f"FILTER({' && '.join(tests)})")
    if choice.actor:
        whose = f"({_DOING}|{_VOTING})/({_BELONGING})?"
        lines.append(f"FILTER(EXISTS {{ ?item {whose} {write_iri(choice.actor)} }})")
    if choice.topic:
        topic = write_iri(choice.topic)
        lines.append(
            f"FILTER(EXISTS {{ ?item pen:hasTopic/skos:broader* {topic} }}\n"
            "    || EXISTS { ?claim pen:isAbout ?item ; "
            f"pen:hasTopic/skos:broader* {topic} }})"
        )
    lines += [
        "OPTIONAL { ?item pen:temporalExpression ?time }",
        "# Classes that follow from others are in graph:inferred.",
        "OPTIONAL { GRAPH ?graph { ?item a ?class } FILTER(?graph != graph:inferred) }",
        "OPTIONAL { ?item pen:isTenureIn|pen:hasStatus|pen:onObject ?detail }",
        "OPTIONAL { ?item pen:isTenureOf|pen:hasHolder ?holder }",
        "OPTIONAL { ?item pen:hasStance ?stance }",
        'OPTIONAL { ?item rdfs:label ?itemLabel FILTER(LANG(?itemLabel) = "en") }',
    ]
    if with_places:
        columns += " ?place ?point ?description"
        lines += [
            "OPTIONAL {",
            "  ?item pen:takesPlaceAt ?place",
            "  OPTIONAL { ?place geo:hasGeometry/geo:asWKT ?point }",
            "}",
            "OPTIONAL { ?item pen:placeDescription ?description }",
        ]
    return spell(f"SELECT DISTINCT {columns}", lines, "ORDER BY ?from ?until ?item")


def read_chronicle(
    dataset: Dataset, choice: Choice, language: str, *, with_places: bool = False
) -> Chronicle:
    """Return what is chosen, with the number of what there is of the other kinds."""
    every = EVENTS if with_places else tuple(KINDS)
    asked = Choice(every, choice.actor, choice.topic, choice.first, choice.last)
    query = f"{write_query(asked, with_places=with_places)}LIMIT {MOST_ITEMS + 1}\n"
    solutions = select(dataset, query)
    names = {name: index for index, name in enumerate(solutions.variables)}
    rows = list(solutions)
    is_cut = len(rows) > MOST_ITEMS
    gathered: dict[str, list[Row]] = defaultdict(list)
    for row in rows[:MOST_ITEMS]:
        if isinstance(subject := row[names["item"]], ox.NamedNode):
            gathered[subject.value].append(row)
    raw = [_Raw(iri, members, names) for iri, members in gathered.items()]
    counts = Counter(item.kind for item in raw)
    chosen = [item for item in raw if item.kind in choice.kinds]
    actors = _read_actors(dataset, [item.iri for item in chosen])
    wanted: set[Term | None] = {
        ox.NamedNode(iri)
        for item in chosen
        for iri in (item.iri, *item.named, *item.stances, *(iri for iri, _ in item.places))
    }
    wanted |= {ox.NamedNode(iri) for pairs in actors.values() for iri, _ in pairs}
    wanted |= {ox.NamedNode(iri) for pairs in actors.values() for _, iri in pairs if iri}
    labels = find_labels(dataset, wanted, language)
    items = [item.finish(actors.get(item.iri, []), labels) for item in chosen]
    items.sort(key=_order)
    return Chronicle(tuple(items), dict(counts), is_cut)


def _order(item: Item) -> tuple[bool, date, date, str]:
    start = item.start or item.end or date.max
    return not item.is_dated, start, item.end or date.max, item.label


class _Raw:
    """The rows of one thing."""

    def __init__(self, iri: str, rows: Sequence[Row], names: dict[str, int]) -> None:
        self.iri = iri
        self._rows = rows
        self._names = names
        self.kind = next(slug for slug in KINDS if slug in set(self._texts("kind")))
        self.classes = self._texts("class")
        self.details = self._texts("detail")
        self.holders = self._texts("holder")
        self.stances = self._texts("stance")
        #: Each place with its point.
        self.places = self._pairs("place", "point")

    def _texts(self, name: str) -> list[str]:
        """Return the different values of a column, in their order."""
        if name not in self._names:
            return []
        terms = (row[self._names[name]] for row in self._rows)
        return list(
            dict.fromkeys(t.value for t in terms if isinstance(t, ox.NamedNode | ox.Literal))
        )

    def _pairs(self, one: str, other: str) -> list[tuple[str, str]]:
        if one not in self._names:
            return []
        i, j = self._names[one], self._names[other]
        found: dict[str, str] = {}
        for row in self._rows:
            if isinstance(thing := row[i], ox.NamedNode):
                value = row[j]
                found.setdefault(thing.value, value.value if isinstance(value, ox.Literal) else "")
        return list(found.items())

    @property
    def named(self) -> list[str]:
        """Return the IRIs whose labels are needed."""
        return [*self.classes[:1], *self.details[:1], *self.holders[:1]]

    def finish(self, actors: list[tuple[str, str]], labels: dict[str, str]) -> Item:
        """Return the thing with its labels."""

        def name(iri: str) -> Name:
            return Name(iri, name_of(iri, labels))

        detail = next((name(iri) for iri in self.details), None)
        holder = next((name(iri) for iri in self.holders), None)
        stance = next(filter(None, map(stance_of, self.stances)), "")
        label = name_of(self.iri, labels)
        if self.kind in {"leader", "official"} and holder:
            label = holder.label
        if self.kind == "position" and self.stances:
            # Without an object, the label of the position says it all.
            stance_label = name_of(self.stances[0], labels)
            label = f"{stance_label}: {detail.label}" if detail else label
        states = dict.fromkeys(state for _, state in actors if state)
        return Item(
            self.iri,
            self.kind,
            label,
            name_of(self.classes[0], labels) if self.classes else "",
            day_of(next(iter(self._texts("from")), "")),
            day_of(next(reversed(self._texts("until")), "")),
            next(iter(self._texts("time")), "") or next(iter(self._texts("from")), ""),
            detail,
            holder,
            stance,
            bool(set(self.details) & NEVER),
            tuple(name(iri) for iri in dict.fromkeys(iri for iri, _ in actors)),
            tuple(name(iri) for iri in states),
            tuple(Place(iri, name_of(iri, labels), point) for iri, point in self.places),
            next(iter(self._texts("description")), ""),
        )


def _read_actors(dataset: Dataset, items: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Return for each thing its actors, each with its state; a state is its own."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for item, actor, is_state, state in select_about(dataset, _ACTORS, items):
        if isinstance(item, ox.NamedNode) and isinstance(actor, ox.NamedNode):
            its_state = actor.value if is_true(is_state) else iri_of(state)
            found[item.value].append((actor.value, its_state))
    return {item: sorted(set(pairs)) for item, pairs in found.items()}


# What can be chosen.


@dataclass(frozen=True)
class Choices:
    """The actors by kind and the topics that a reader can choose."""

    actors: dict[str, list[Name]]
    topics: list[ListedTopic]


def read_choices(dataset: Dataset, language: str, *others: str) -> Choices:
    """Return what can be chosen; ``others`` are offered even where little is known of them."""
    kinds: dict[str, str] = {}
    for actor, kind, _ in select(dataset, _CHOICES):
        if isinstance(actor, ox.NamedNode) and isinstance(kind, ox.Literal):
            kinds[actor.value] = kind.value
    topics = list_topics(dataset, language)
    known = {topic.iri for topic in topics}
    for iri in others:
        if iri and iri not in known:
            kinds.setdefault(iri, "other")
    labels = find_labels(dataset, map(ox.NamedNode, kinds), language)

    def names(iris: Iterable[str]) -> list[Name]:
        found = [Name(iri, name_of(iri, labels)) for iri in iris]
        return sorted(found, key=lambda name: name.label.casefold())

    groups = {
        kind: names(iri for iri, its_kind in kinds.items() if its_kind == kind)
        for kind in ("state", "person", "other")
    }
    return Choices({kind: found for kind, found in groups.items() if found}, topics)


def is_known(dataset: Dataset, iri: str) -> bool:
    """Return whether the graph says anything about ``iri``."""
    query = f"SELECT ?p WHERE {{ <{iri}> ?p ?o }} LIMIT 1"
    return next(iter(select(dataset, query)), None) is not None
