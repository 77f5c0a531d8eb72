"""Which ties are there between actors: meetings, votes, stances; and what makes each of them?

Every network is made of statements by the rules of :mod:`peninsula.discourse`: that somebody
attended a meeting, that a state cast a vote on a resolution, that somebody holds a position. So
a tie can always be taken apart into what it was counted from.
"""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Row, select
from peninsula.discourse import (
    Comparison,
    Statement,
    Tie,
    affiliate,
    affiliation_density,
    choose_window,
    density,
    drop_duplicates,
    make_matrix,
    split,
)
from peninsula.errors import UnknownResource
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import expand, shorten
from peninsula.network_settings import Settings
from peninsula.terms import day_of, slug_of, value_of

#: Statements read at most, and nodes that a page or a file shows at most: the busiest.
MOST_STATEMENTS: Final = 20_000
MOST_NODES: Final = 120
MOST_NODES_IN_FILES: Final = 400


# What the graph says.

_ATTENDED: Final = """\
# Who attended which meeting.
SELECT DISTINCT ?actor ?concept ?source ?stance ?start ?end ?document WHERE {{
  ?participation pen:inEvent ?concept ; pen:hasParticipant ?participant ;
                 pen:hasAttendance attendance:attended .
  {meetings}
  {actors}
  OPTIONAL {{ ?concept pen:from ?start }}
  OPTIONAL {{ ?concept pen:until ?end }}
  BIND(?participation AS ?source)
}}
ORDER BY ?start ?concept ?actor LIMIT {limit}
"""
_KINDS_OF_MEETING: Final = {
    "close": "VALUES ?kind { pen:Summit pen:Visit } ?concept a ?kind .",
    "all": "?concept a pen:Meeting .",
    "events": "?concept a pen:Event .",
}
_ACTORS_OF_MEETING: Final = {
    "persons": "?participant a pen:Person . BIND(?participant AS ?actor)",
    "states": """OPTIONAL { ?participation pen:represents ?state }
  BIND(COALESCE(?state, ?participant) AS ?actor)
  ?actor a pen:State .""",
}
_CAST: Final = """\
# Which state cast which vote in the Security Council.
SELECT DISTINCT ?actor ?concept ?source ?stance ?start ?end ?document WHERE {{
  ?source pen:isCastBy ?actor ; pen:isVoteOn ?concept ; pen:hasChoice ?stance .
  ?concept pen:adoptionDate|pen:votedOn ?start .
  {who}
  BIND(?start AS ?end)
}}
ORDER BY ?start ?concept ?actor LIMIT {limit}
"""
_POSITIONS: Final = """\
# Who holds which position.
SELECT DISTINCT ?actor ?concept ?source ?stance ?start ?end ?document WHERE {{
  ?source a pen:PolicyPosition ; pen:hasHolder ?actor ; pen:hasStance ?stance .
  {concept}
  {limits}
  OPTIONAL {{ ?source pen:from ?start }}
  OPTIONAL {{ ?source pen:until ?end }}
  OPTIONAL {{ ?source pen:evidencedBy/pen:isStatedIn ?document }}
}}
ORDER BY ?source ?concept ?actor LIMIT {limit}
"""
_CLAIMS: Final = """\
# Whose stance is said to be which; where it is not said when it was held, the time of what is
# claimed counts.
SELECT DISTINCT ?actor ?concept ?source ?stance ?start ?end ?document WHERE {{
  ?source a pen:Claim ; pen:hasHolder ?actor ; pen:hasStance ?stance .
  {concept}
  {limits}
  OPTIONAL {{ ?source pen:heldFrom ?heldFrom }}
  OPTIONAL {{ ?source pen:heldUntil ?heldUntil }}
  OPTIONAL {{ ?source pen:from ?from }}
  OPTIONAL {{ ?source pen:until ?until }}
  BIND(BOUND(?heldFrom) || BOUND(?heldUntil) AS ?isDated)
  BIND(IF(?isDated, ?heldFrom, ?from) AS ?start)
  BIND(IF(?isDated, ?heldUntil, ?until) AS ?end)
  OPTIONAL {{ ?source pen:isStatedIn ?document }}
}}
ORDER BY ?source ?concept ?actor LIMIT {limit}
"""
#: Where the holder only judges a state of affairs, the objects of the claim are not that of the
#: stance (see peninsula.positions).
_OBJECT_OF_CLAIM: Final = """?source pen:hasObject ?{name} .
  FILTER(EXISTS {{ ?source pen:hasKind claim-kind:position }}
      || EXISTS {{ ?source pen:hasKind claim-kind:proposal }}
      || EXISTS {{ ?source pen:hasSubject ?actor }})"""
_OBJECT_OF_POSITION: Final = "?source pen:onObject ?{name} ."
_NOT_COUNTERFACTUAL: Final = """OPTIONAL {
    ?source pen:hasModality ?modality FILTER(?modality != modality:counterfactual)
  }
  FILTER(BOUND(?modality) || NOT EXISTS { ?source pen:hasModality modality:counterfactual })"""


def write_query(settings: Settings) -> str:
    """Return the query for the statements that a network is made of."""
    match settings.of:
        case "meetings":
            return _ATTENDED.format(
                meetings=_KINDS_OF_MEETING[settings.meetings],
                actors=_ACTORS_OF_MEETING[settings.actors],
                limit=MOST_STATEMENTS,
            )
        case "votes":
            is_narrow = settings.who == "permanent"
            who = "?actor pen:isPermanentMember true ." if is_narrow else "?actor a pen:State ."
            return _CAST.format(who=who, limit=MOST_STATEMENTS)
    is_claims = settings.evidence == "claims"
    on_object = _OBJECT_OF_CLAIM if is_claims else _OBJECT_OF_POSITION
    topic = str(ox.NamedNode(expand(settings.topic))) if settings.topic else ""
    limits = []
    if settings.concept == "object":
        concept = on_object.format(name="concept")
        if topic:
            limits.append(f"?source pen:hasTopic/skos:broader* {topic} .")
    elif settings.fold == "yes":
        concept = "?source pen:hasTopic/skos:broader* ?concept ."
        limits.append(
            f"FILTER(?concept = {topic})"
            if topic
            else "?concept skos:topConceptOf vocabulary:topics ."
        )
    else:
        concept = "?source pen:hasTopic ?concept ."
        if topic:
            limits.append(f"?concept skos:broader* {topic} .")
    if settings.aimed == "yes" and settings.concept == "topic":
        limits.append(on_object.format(name="object"))
    if settings.counterfactual == "no":
        limits.append(_NOT_COUNTERFACTUAL)
    template = _CLAIMS if is_claims else _POSITIONS
    return template.format(
        concept=concept, limits="\n  ".join(limits), limit=MOST_STATEMENTS
    ).replace("\n  \n", "\n")


def _read_statements(rows: Iterable[Row], levels: Mapping[str, int]) -> list[Statement]:
    """Return the statements, whole: what one source says of several documents is one."""
    found: dict[tuple[str, str, str, str], tuple[set[str], date | None, date | None]] = {}
    for actor, concept, source, stance, start, end, document in rows:
        if not (isinstance(actor, ox.NamedNode) and isinstance(concept, ox.NamedNode)):
            continue
        key = (actor.value, concept.value, value_of(source), slug_of(value_of(stance)))
        documents, *_ = found.setdefault(
            key, (set(), day_of(value_of(start)), day_of(value_of(end)))
        )
        documents.add(value_of(document))
    return [
        Statement(
            actor,
            concept,
            # Whoever is at a meeting is for it, as far as counting goes.
            levels.get(stance, 1),
            source,
            stance,
            " ".join(sorted(documents)),
            start,
            end,
        )
        for (actor, concept, source, stance), (documents, start, end) in found.items()
    ]


# The network.


@dataclass(frozen=True)
class Member:
    """A node: an actor, or a concept."""

    id: str
    iri: str
    label: str
    kind: str
    #: How many statements it is in.
    weight: int


@dataclass(frozen=True)
class KindOfTie:
    """The ties that one rule gives, of which some may be too weak to be shown."""

    rule: str
    ties: tuple[Tie, ...]


@dataclass(frozen=True)
class Common:
    """What two nodes have in common: one concept, and what each says of it."""

    concept: str
    first: tuple[Statement, ...]
    second: tuple[Statement, ...]


@dataclass(frozen=True)
class TieNetwork:
    """A network, and how it came to be."""

    settings: Settings
    rows: tuple[Member, ...]
    #: The same as ``rows``, save in an affiliation network.
    columns: tuple[Member, ...]
    kinds: tuple[KindOfTie, ...]
    statements: tuple[Statement, ...]
    #: How many statements were left out, by the reason.
    left_out: Mapping[str, int]
    query: str
    is_cut: bool

    @property
    def nodes(self) -> tuple[Member, ...]:
        return (*self.rows, *self.columns) if self.settings.is_affiliation else self.rows

    @property
    def tied(self) -> set[str]:
        """Return the ids of the nodes that have a tie."""
        return {name for _, tie in self.ties for name in (tie.source, tie.target)}

    @property
    def ties(self) -> list[tuple[str, Tie]]:
        """Return every tie that weighs something with its rule, the heaviest first."""
        ties = [(kind.rule, tie) for kind in self.kinds for tie in kind.ties if tie.weight]
        return sorted(ties, key=lambda t: (-abs(t[1].weight), t[1].source, t[1].target, t[0]))

    @property
    def density(self) -> float:
        pairs = len({(tie.source, tie.target) for _, tie in self.ties})
        if self.settings.is_affiliation:
            return affiliation_density(len(self.rows), len(self.columns), pairs)
        return density(len(self.rows), pairs)

    def matrix(self, kind: KindOfTie) -> list[list[float]]:
        """Return the weights of one kind of ties, by the order of rows and columns."""
        rows, columns = ([m.id for m in side] for side in (self.rows, self.columns))
        return make_matrix(rows, columns, kind.ties)

    def find(self, name: str) -> Member:
        """Return the node of an id; raises UnknownResource."""
        for member in self.nodes:
            if name in {member.id, member.iri, shorten(member.iri)}:
                return member
        near = difflib.get_close_matches(name, [member.id for member in self.nodes], 3, 0.4)
        raise UnknownResource(
            f"“{name}” is not in this network.",
            f"Near: {', '.join(near)}." if near else "Other settings may have it.",
        )

    def common(self, one: Member, other: Member) -> list[Common]:
        """Return what makes the tie of two nodes, concept by concept, the oldest first."""
        by_concept: dict[str, tuple[list[Statement], list[Statement]]] = defaultdict(
            lambda: ([], [])
        )
        for s in self.statements:
            if self.settings.is_affiliation:
                if (s.actor, s.concept) == (one.iri, other.iri):
                    by_concept[s.concept][0].append(s)
            elif s.actor in {one.iri, other.iri}:
                by_concept[s.concept][s.actor == other.iri].append(s)
        return [
            Common(concept, tuple(first), tuple(second))
            for concept, (first, second) in by_concept.items()
            if first and (second or self.settings.is_affiliation)
        ]


def make_network(
    dataset: Dataset, settings: Settings, language: str, *, most_nodes: int = MOST_NODES
) -> TieNetwork:
    """Return the network of these settings."""
    query = write_query(settings)
    read = _read_statements(select(dataset, query), settings.levels())
    left_out: dict[str, int] = {}
    statements = _leave_out(read, settings, left_out)
    if settings.of == "stances" and settings.mode == "concepts":
        statements = [s.swapped() for s in statements]
    statements, is_cut = _keep_busiest(statements, settings, most_nodes)
    kinds = _make_kinds(statements, settings)
    names = Counter(s.actor for s in statements)
    concepts = Counter(s.concept for s in statements) if settings.is_affiliation else Counter()
    labels = find_labels(dataset, map(ox.NamedNode, {*names, *concepts}), language)
    is_of_concepts = settings.of == "stances" and settings.mode == "concepts"
    rows = _members(names, labels, is_concept=is_of_concepts)
    columns = _members(concepts, labels, is_concept=True, prefix="concept.")
    return TieNetwork(
        settings,
        rows,
        columns if settings.is_affiliation else rows,
        kinds,
        tuple(statements),
        left_out,
        query,
        is_cut or len(read) >= MOST_STATEMENTS,
    )


def _leave_out(
    read: list[Statement], settings: Settings, left_out: dict[str, int]
) -> list[Statement]:
    """Return what counts; note in ``left_out`` what does not, and why."""
    statements = read
    if settings.of == "stances":
        levels = settings.levels()
        left_out |= Counter(s.stance for s in read if s.stance not in levels)
        statements = [s for s in read if s.stance in levels]
    inside = choose_window(statements, settings.first, settings.last, with_undated=settings.undated)
    left_out["window"] = len(statements) - len(inside)
    # Two delegates of a state are one state at the table.
    single = drop_duplicates(inside, settings.duplicates if settings.of == "stances" else "range")
    if settings.of == "stances":
        left_out["duplicates"] = len(inside) - len(single)
    return single


def _keep_busiest(
    statements: list[Statement], settings: Settings, most: int
) -> tuple[list[Statement], bool]:
    def busiest(names: Iterable[str]) -> set[str]:
        return {
            name for name, _ in sorted(Counter(names).items(), key=lambda i: (-i[1], i[0]))[:most]
        }

    actors = busiest(s.actor for s in statements)
    kept = [s for s in statements if s.actor in actors]
    if settings.is_affiliation:
        concepts = busiest(s.concept for s in kept)
        kept = [s for s in kept if s.concept in concepts]
    return kept, len(kept) < len(statements)


def _make_kinds(statements: list[Statement], settings: Settings) -> tuple[KindOfTie, ...]:
    def name(tie: Tie, prefix: str = "") -> Tie:
        if tie.common < settings.least:
            tie = replace(tie, weight=0.0)
        return replace(tie, source=shorten(tie.source), target=prefix + shorten(tie.target))

    if settings.is_affiliation:
        found = affiliate(statements, settings.rule, settings.normalization)
        return (KindOfTie(settings.rule, tuple(name(tie, "concept.") for tie in found)),)
    is_nominal = settings.of == "votes" and settings.abstention == "own"
    comparison = Comparison(statements, is_nominal=is_nominal)
    rules = ("congruence", "conflict") if settings.rule == "both" else (settings.rule,)
    return tuple(
        KindOfTie(rule, tuple(name(tie) for tie in comparison.ties(rule, settings.normalization)))
        for rule in rules
    )


def _members(
    counts: Mapping[str, int], labels: dict[str, str], *, is_concept: bool, prefix: str = ""
) -> tuple[Member, ...]:
    members = [
        Member(
            prefix + shorten(iri),
            iri,
            name_of(iri, labels),
            "concept" if is_concept else shorten(iri).partition(":")[0],
            number,
        )
        for iri, number in counts.items()
    ]
    return tuple(sorted(members, key=lambda m: (m.label.casefold(), m.iri)))


def look_of(rule: str, tie: Tie) -> str:
    """Return how a tie is drawn: a class of the style sheet."""
    match rule:
        case "subtract":
            return "congruence" if tie.weight > 0 else "conflict"
        case "combine":
            levels = split(int(tie.weight))
            word = {1: "supports", -1: "opposes", 0: "between"}
            return word[levels[0]] if len(levels) == 1 else "mixed"
        case "congruence" | "conflict":
            return rule
        case _:
            return ""
