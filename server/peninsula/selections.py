"""Which positions does somebody want to see, and which SPARQL asks for the same?

A selection is what a page's address says: actors, a topic, stances, modalities, a time. The
queries are written from it, so that whoever opens one finds the rows of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from peninsula.sparql import spell, write_day, write_iri, write_list, write_values

#: The kinds of actors, in the order in which a page shows them.
KINDS: Final = ("state", "government", "group", "organization", "person", "unnamed", "other")
#: Their classes; what is of none of them is “other”.
CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "state": ("pen:State",),
    "government": ("pen:Government",),
    "group": ("pen:Group", "pen:StateGroup"),
    "organization": ("pen:Organization",),
    "person": ("pen:Person",),
    "unnamed": ("pen:UnspecifiedAgent", "pen:HypotheticalActor"),
}


@dataclass(frozen=True)
class Window:
    """A stretch of days, both ends included; a single day where they are the same."""

    first: date
    last: date

    @property
    def is_day(self) -> bool:
        return self.first == self.last


@dataclass(frozen=True)
class Selection:
    """What the reader wants to see; every name is an IRI, what is empty leaves everything in."""

    actors: tuple[str, ...] = ()
    topic: str = ""
    stances: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    window: Window | None = None
    #: Whether only stances on a named object count.
    is_aimed: bool = False
    #: Whether positions of unknown beginning count as held before their end.
    takes_unknown: bool = False


def write_matrix_query(
    selection: Selection, topics: Sequence[str], actors: Iterable[str] = ()
) -> str:
    """Return the query for a matrix: how many positions by actor, topic of ``topics`` and stance.

    ``actors`` limits it to those; without it every actor of the kinds selected is in.
    """
    chosen = tuple(actors) or selection.actors
    lines = [
        write_values("topic", topics),
        *([write_values("actor", chosen)] if chosen else []),
        "?position a pen:PolicyPosition ;",
        "          pen:hasHolder ?actor ;",
        "          pen:hasStance ?stance ;",
        "          pen:hasTopic/skos:broader* ?topic .",
        *_restrictions(selection),
        # A position is counted once in each topic above its own.
        "OPTIONAL { ?position pen:onObject ?object . BIND(?position AS ?aimed) }",
        'OPTIONAL { ?actor rdfs:label ?actorLabel FILTER(LANG(?actorLabel) = "en") }',
        'OPTIONAL { ?topic skos:prefLabel ?topicLabel FILTER(LANG(?topicLabel) = "en") }',
    ]
    return spell(
        "SELECT ?actor ?actorLabel ?topic ?topicLabel ?stance\n"
        "       (COUNT(DISTINCT ?position) AS ?positions) (COUNT(DISTINCT ?aimed) AS ?onObjects)",
        lines,
        "GROUP BY ?actor ?actorLabel ?topic ?topicLabel ?stance\nORDER BY ?actor ?topic ?stance",
    )


def write_positions_query(selection: Selection) -> str:
    """Return the query for the positions selected: a row for each claim behind each of them."""
    lines = [
        *([write_values("actor", selection.actors)] if selection.actors else []),
        "?position a pen:PolicyPosition ;",
        "          pen:hasHolder ?actor ;",
        "          pen:hasStance ?stance ;",
        "          pen:hasTopic ?topic ;",
        "          pen:evidencedBy ?claim .",
        *_within(selection.topic),
        *_restrictions(selection),
        "OPTIONAL { ?position pen:onObject ?object }",
        "OPTIONAL { ?position pen:edtf|pen:inferredEdtf ?edtf }",
        "OPTIONAL { ?position pen:succeeds ?earlier }",
        'OPTIONAL { ?claim pen:paraphrase ?paraphrase FILTER(LANG(?paraphrase) = "en") }',
    ]
    return spell(
        "SELECT ?position ?actor ?stance ?object ?from ?until ?edtf\n"
        '       (GROUP_CONCAT(DISTINCT STR(?topic); separator=" ") AS ?topics)\n'
        '       (GROUP_CONCAT(DISTINCT COALESCE(STR(?earlier), ""); separator=" ") AS ?succeeds)\n'
        "       ?claim ?paraphrase",
        lines,
        "GROUP BY ?position ?actor ?stance ?object ?from ?until ?edtf ?claim ?paraphrase\n"
        "ORDER BY ?from ?until ?position ?claim",
    )


def _within(topic: str) -> list[str]:
    if not topic:
        return []
    return [f"FILTER(EXISTS {{ ?position pen:hasTopic/skos:broader* {write_iri(topic)} }})"]


def _restrictions(selection: Selection) -> list[str]:
    lines = [
        "OPTIONAL { ?position pen:from ?from }",
        "OPTIONAL { ?position pen:until ?until }",
    ]
    if selection.stances:
        lines.append(f"FILTER(?stance IN ({write_list(selection.stances)}))")
    if selection.modalities:
        # One modality of several is enough, and must not multiply the rows.
        lines.append(
            "FILTER(EXISTS { ?position pen:hasModality ?modality "
            f"FILTER(?modality IN ({write_list(selection.modalities)})) }})"
        )
    if selection.kinds:
        lines.append(_kinds(selection.kinds))
    if selection.is_aimed:
        lines.append("FILTER(EXISTS { ?position pen:onObject ?anything })")
    if selection.window:
        lines.append(_time(selection.window, takes_unknown=selection.takes_unknown))
    return lines


def _kinds(kinds: Iterable[str]) -> str:
    """Return the filter for the kinds of actors: the first class of an actor's counts."""
    kinds = set(kinds)
    tests = []
    for kind in KINDS:
        if kind not in kinds:
            continue
        # An actor of several classes is of the first kind among them.
        earlier = [name for k in KINDS[: KINDS.index(kind)] for name in CLASSES.get(k, ())]
        own = CLASSES.get(kind, ())
        parts = [_is_a("EXISTS", own)] if own else []
        parts += [_is_a("NOT EXISTS", earlier)] if earlier else []
        tests.append(f"({' && '.join(parts)})" if len(parts) > 1 else parts[0])
    return f"FILTER({' || '.join(tests)})"


def _is_a(test: str, names: Iterable[str]) -> str:
    return f"{test} {{ ?actor a ?class FILTER(?class IN ({', '.join(names)})) }}"


def _time(window: Window, *, takes_unknown: bool) -> str:
    first, last = write_day(window.first), write_day(window.last)
    if takes_unknown:
        return f"FILTER(COALESCE(?from <= {last}, true) && COALESCE(?until >= {first}, true))"
    return (
        f"FILTER((BOUND(?from) && ?from <= {last} && COALESCE(?until >= {first}, true))\n"
        f"    || (!BOUND(?from) && BOUND(?until) && ?until >= {first} && ?until <= {last}))"
    )
