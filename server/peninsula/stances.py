"""Who holds which stance on what, and when?

Positions are read from the dataset once for a page, with the tree of topics and the actors; what
a page shows is worked out from them. Nothing known is not a stance: an actor and a topic without
a position have no cell. Time has three answers. A position was held on a day, was not, or its
beginning is unknown, so that nobody can say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final, Literal

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import expand
from peninsula.selections import CLASSES, KINDS, Selection, Window
from peninsula.sparql import write_iri, write_list
from peninsula.terms import STANCES, day_of, is_true, stance_of
from peninsula.topics import Topics, read_topics

#: Positions read for one page, and actors offered for a choice.
MOST_POSITIONS: Final = 4000
MOST_ACTORS: Final = 400
_MOST_TENSIONS: Final = 20_000
#: Topics of one position that count.
_MOST_TOPICS: Final = 30

_POSITIONS: Final = """
SELECT ?position ?property ?value WHERE {{
  {{ SELECT DISTINCT ?position WHERE {{ {pattern} }} ORDER BY ?position LIMIT {limit} }}
  VALUES ?property {{
    pen:hasHolder pen:hasStance pen:onObject pen:hasTopic pen:hasModality pen:isToward
    pen:evidencedBy pen:restsOnReading pen:succeeds pen:from pen:until pen:edtf pen:inferredEdtf
  }}
  ?position ?property ?value
}}
"""
_ACTORS: Final = """
SELECT ?actor ?count ?class ?within WHERE {{
  {{
    SELECT ?actor (COUNT(DISTINCT ?position) AS ?count) WHERE {{
      ?position a pen:PolicyPosition ; pen:hasHolder ?actor .
    }} GROUP BY ?actor ORDER BY DESC(?count) ?actor LIMIT {limit}
  }}
  OPTIONAL {{ ?actor a ?class FILTER(?class IN ({classes})) }}
  OPTIONAL {{ ?actor pen:isGroupWithin|pen:isGovernmentOf|pen:isCitizenOf|pen:isOrganOf ?within }}
}}
"""
_TENSIONS: Final = """
SELECT ?claim ?other ?contradicts WHERE {{
  ?claim pen:inTensionWith ?other .
  BIND(EXISTS {{ ?claim pen:contradicts ?other }} AS ?contradicts)
}} LIMIT {limit}
"""


@dataclass(frozen=True)
class Position:
    """A stance of one actor on an object, or on a state of affairs, over a time."""

    iri: str
    actor: str
    stance: str
    object: str = ""
    topics: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    toward: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    succeeds: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    #: The time as the graph gives it; whether it was put together rather than stated.
    edtf: str = ""
    is_inferred: bool = False

    @property
    def slug(self) -> str:
        """Return the name of the stance that the style sheet knows."""
        return stance_slug(self.stance)

    @property
    def is_dated(self) -> bool:
        return bool(self.start or self.end)

    @property
    def order(self) -> tuple[date, date, int, str]:
        """Return the place of the position in time; an unknown beginning comes first."""
        rank = STANCES.index(self.slug) if self.slug in STANCES else len(STANCES)
        return self.start or date.min, self.end or date.max, rank, self.iri

    def overlaps(self, other: Position) -> bool:
        """Whether both may have been held on one day; an unknown bound rules nothing out."""
        return (self.start or date.min) <= (other.end or date.max) and (
            other.start or date.min
        ) <= (self.end or date.max)

    def held(self, window: Window) -> Literal["yes", "perhaps", "no"]:
        """Whether there is evidence that it was held at some time within ``window``."""
        if self.start is None and self.end is None:
            return "perhaps"
        if (self.end or date.max) < window.first or (self.start or date.min) > window.last:
            return "no"
        if self.start is None and self.end is not None and self.end > window.last:
            return "perhaps"
        return "yes"


@dataclass(frozen=True)
class Actor:
    """Who holds positions: of which kind, within which state, how many."""

    iri: str
    kind: str
    within: str
    count: int


@dataclass(frozen=True)
class Survey:
    """What a page of positions is made of."""

    positions: tuple[Position, ...]
    #: Earlier positions that one of these succeeds but that are not among them.
    earlier: Mapping[str, Position]
    topics: Topics
    actors: Mapping[str, Actor]
    #: Claims in tension with others; true where they contradict each other.
    tensions: Mapping[str, Mapping[str, bool]]
    labels: dict[str, str] = field(default_factory=dict)
    #: Whether there are more positions, or more actors, than were read.
    is_cut: bool = False
    has_more_actors: bool = False

    def name(self, iri: str) -> str:
        return name_of(iri, self.labels)

    @cached_property
    def by_iri(self) -> Mapping[str, Position]:
        return {**self.earlier, **{p.iri: p for p in self.positions}}

    @cached_property
    def topics_of(self) -> Mapping[str, frozenset[str]]:
        """Return the topics of each position, those above them included."""
        above = {topic: self.topics.above(topic) for p in self.positions for topic in p.topics}
        return {p.iri: frozenset().union(*(above[t] for t in p.topics)) for p in self.positions}

    def stance_names(self) -> dict[str, str]:
        """Return the name of every stance that occurs, or may, by its slug."""
        known = {slug: expand(f"stance:{slug}") for slug in STANCES}
        found = {p.slug for p in self.positions}
        return {
            slug: self.name(iri)
            for slug, iri in known.items()
            if slug in found or slug != "not-expressed"
        } | {p.slug: self.name(p.stance) for p in self.positions if p.slug not in known}


def stance_slug(iri: str) -> str:
    """Return the name by which drawings know a stance; that of another vocabulary is “other”."""
    slug = stance_of(iri)
    return slug if slug in STANCES else "other"


def actor_kind(classes: Collection[str]) -> str:
    """Return the kind of an actor of these classes, given as prefixed names."""
    return next(
        (kind for kind in KINDS if any(name in classes for name in CLASSES.get(kind, ()))), "other"
    )


# Reading.


def read_survey(
    dataset: Dataset, language: str, *, actors: Sequence[str] = (), topic: str = ""
) -> Survey:
    """Return all positions, those of ``actors`` only, or those within ``topic`` only."""
    pattern = "?position a pen:PolicyPosition ."
    if actors:
        pattern += f" ?position pen:hasHolder ?holder FILTER(?holder IN ({write_list(actors)}))"
    if topic:
        pattern += f" ?position pen:hasTopic/skos:broader* {write_iri(topic)}"
    positions = _read_positions(dataset, pattern)
    known = {p.iri for p in positions}
    missing = sorted({iri for p in positions for iri in p.succeeds} - known)[:MOST_ACTORS]
    earlier = (
        _read_positions(dataset, f"VALUES ?position {{ {write_list(missing, ' ')} }}")
        if missing
        else []
    )
    topics = read_topics(dataset)
    people = _read_actors(dataset)
    survey = Survey(
        tuple(sorted(positions[:MOST_POSITIONS], key=lambda p: p.order)),
        {p.iri: p for p in earlier},
        topics,
        {actor.iri: actor for actor in people[:MOST_ACTORS]},
        _read_tensions(dataset) if any(p.claims for p in positions) else {},
        is_cut=len(positions) > MOST_POSITIONS,
        has_more_actors=len(people) > MOST_ACTORS,
    )
    survey.labels.update(find_labels(dataset, _terms_of(survey, actors, topic), language))
    return survey


def _read_positions(dataset: Dataset, pattern: str) -> list[Position]:
    values: dict[str, dict[str, list[Term]]] = defaultdict(lambda: defaultdict(list))
    query = _POSITIONS.format(pattern=pattern, limit=MOST_POSITIONS + 1)
    for thing, property, value in select(dataset, query):
        if isinstance(thing, ox.NamedNode) and isinstance(property, ox.NamedNode) and value:
            values[thing.value][property.value].append(value)
    made = (_make_position(iri, given) for iri, given in values.items())
    return [position for position in made if position]


def _make_position(iri: str, given: Mapping[str, list[Term]]) -> Position | None:
    def iris(name: str) -> tuple[str, ...]:
        found = given.get(expand(name), [])
        return tuple(sorted({v.value for v in found if isinstance(v, ox.NamedNode)}))

    def text(name: str) -> str:
        found = given.get(expand(name), [])
        return min((v.value for v in found if isinstance(v, ox.Literal)), default="")

    holders, stances = iris("pen:hasHolder"), iris("pen:hasStance")
    if not holders or not stances:
        return None
    stated, inferred = text("pen:edtf"), text("pen:inferredEdtf")
    return Position(
        iri,
        holders[0],
        stances[0],
        next(iter(iris("pen:onObject")), ""),
        iris("pen:hasTopic")[:_MOST_TOPICS],
        iris("pen:hasModality"),
        iris("pen:isToward"),
        iris("pen:evidencedBy"),
        iris("pen:restsOnReading"),
        iris("pen:succeeds"),
        day_of(text("pen:from")),
        day_of(text("pen:until")),
        stated or inferred,
        is_inferred=bool(inferred and not stated),
    )


def _read_actors(dataset: Dataset) -> list[Actor]:
    classes = [name for names in CLASSES.values() for name in names]
    by_iri = {expand(name): name for name in classes}
    query = _ACTORS.format(limit=MOST_ACTORS + 1, classes=", ".join(classes))
    kinds: dict[str, set[str]] = defaultdict(set)
    within: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = {}
    for actor, count, class_, state in select(dataset, query):
        if isinstance(actor, ox.NamedNode) and isinstance(count, ox.Literal):
            counts[actor.value] = int(count.value)
            if isinstance(class_, ox.NamedNode):
                kinds[actor.value].add(by_iri[class_.value])
            if isinstance(state, ox.NamedNode):
                within[actor.value].add(state.value)
    found = [
        Actor(iri, actor_kind(kinds[iri]), min(within[iri], default=""), count)
        for iri, count in counts.items()
    ]
    return sorted(found, key=lambda actor: (-actor.count, actor.iri))


def _read_tensions(dataset: Dataset) -> dict[str, dict[str, bool]]:
    tensions: dict[str, dict[str, bool]] = defaultdict(dict)
    for claim, other, contradicts in select(dataset, _TENSIONS.format(limit=_MOST_TENSIONS)):
        if isinstance(claim, ox.NamedNode) and isinstance(other, ox.NamedNode):
            is_contradiction = is_true(contradicts)
            for one, another in ((claim.value, other.value), (other.value, claim.value)):
                tensions[one][another] = tensions[one].get(another, False) or is_contradiction
    return dict(tensions)


def _terms_of(survey: Survey, actors: Sequence[str], topic: str) -> list[Term]:
    iris = {*survey.topics.broader, *survey.actors, *actors, topic}
    iris |= {expand(f"stance:{slug}") for slug in STANCES}
    iris |= {actor.within for actor in survey.actors.values()}
    for p in survey.by_iri.values():
        iris |= {p.actor, p.stance, p.object, *p.modalities, *p.toward}
    return [ox.NamedNode(iri) for iri in sorted(iris) if iri]


# Choosing.


@dataclass(frozen=True)
class Cell:
    """The positions of one actor on one topic, by what the time chosen says of them."""

    held: tuple[Position, ...] = ()
    undecided: tuple[Position, ...] = ()
    elsewhere: tuple[Position, ...] = ()

    def count(self, *, aimed: bool | None = None) -> tuple[tuple[str, int], ...]:
        """Return how many are held of each stance, by slug.

        ``aimed`` True counts those on a named object, False the others, None both.
        """
        counts: dict[str, int] = defaultdict(int)
        for p in self.held:
            if aimed is None or aimed == bool(p.object):
                counts[p.slug] += 1
        order = (*STANCES, "other")
        return tuple((slug, counts[slug]) for slug in order if counts[slug])

    @property
    def stances(self) -> frozenset[str]:
        return frozenset(p.stance for p in self.held)


def matches(position: Position, selection: Selection, survey: Survey) -> bool:
    """Whether the selection takes the position in, whatever its time."""
    actor = survey.actors.get(position.actor)
    return (
        (not selection.actors or position.actor in selection.actors)
        and (not selection.topic or selection.topic in survey.topics_of[position.iri])
        and (not selection.stances or position.stance in selection.stances)
        and (
            not selection.modalities
            or not set(selection.modalities).isdisjoint(position.modalities)
        )
        and (not selection.is_aimed or bool(position.object))
        and (not selection.kinds or (actor.kind if actor else "other") in selection.kinds)
    )


def choose_positions(survey: Survey, selection: Selection) -> Cell:
    """Return the positions that the selection takes in, as one cell."""
    return sort_by_time((p for p in survey.positions if matches(p, selection, survey)), selection)


def sort_by_time(positions: Iterable[Position], selection: Selection) -> Cell:
    """Return ``positions`` by what the time chosen says of them."""
    sorted_: dict[str, list[Position]] = {"yes": [], "perhaps": [], "no": []}
    for p in positions:
        answer = p.held(selection.window) if selection.window else "yes"
        if answer == "perhaps" and selection.takes_unknown:
            answer = "yes"
        sorted_[answer].append(p)
    return Cell(tuple(sorted_["yes"]), tuple(sorted_["perhaps"]), tuple(sorted_["no"]))


def make_cells(
    survey: Survey, selection: Selection, topics: Collection[str]
) -> dict[tuple[str, str], Cell]:
    """Return the cells that are not empty, by actor and topic."""
    found: dict[tuple[str, str], list[Position]] = defaultdict(list)
    topics = frozenset(topics)
    for p in survey.positions:
        if matches(p, selection, survey):
            for topic in survey.topics_of[p.iri]:
                if topic in topics:
                    found[p.actor, topic].append(p)
    return {key: sort_by_time(positions, selection) for key, positions in found.items()}


def order_actors(
    survey: Survey, actors: Iterable[str], *, by_state: bool = False, by_name: bool = False
) -> list[tuple[str, str]]:
    """Return the actors with the group each stands in: a kind, or the IRI of a state.

    Within a group those with most positions come first, or they stand by name; those of one
    state stay together.
    """
    known = [survey.actors.get(iri) or Actor(iri, "other", "", 0) for iri in actors]
    weight: dict[str, int] = defaultdict(int)
    for actor in survey.actors.values():
        weight[actor.within or actor.iri] += actor.count

    def home(actor: Actor) -> str:
        return actor.within or (actor.iri if actor.kind == "state" else "")

    def place(actor: Actor) -> tuple[object, ...]:
        name = survey.name(actor.iri).casefold()
        rank = KINDS.index(actor.kind)
        state = home(actor)
        if by_state:
            group: tuple[object, ...] = (
                state == "", survey.name(state).casefold() if by_name else -weight[state], state,
                rank,
            )  # fmt: skip
        else:
            near = (0, "") if by_name or actor.kind == "state" else (-weight[state], state)
            group = (rank, *near)
        return (*group, name if by_name else -actor.count, name, actor.iri)

    known.sort(key=place)
    return [(actor.iri, home(actor) if by_state else actor.kind) for actor in known]
