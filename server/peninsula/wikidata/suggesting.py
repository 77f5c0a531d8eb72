"""Which items of Wikidata could a thing of ours be that is linked with none, and why?

Candidates are items that bear one of its names, from the service or from the snapshot. Each is
scored by what agrees and what does not: names in several languages, class, days, states, offices,
identifiers, place. Every point is told. A candidate is no link: whoever reviews it makes it one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyoxigraph as ox

from peninsula.namespaces import expand, shorten
from peninsula.spelling import fold
from peninsula.wikidata.fitting import (
    Answer,
    agrees,
    distance,
    fit_class,
    may_agree,
    points_of,
)
from peninsula.wikidata.slice import Slice
from peninsula.wikidata.snapshot import Moment, Snapshot
from peninsula.wikidata.terms import PREFIXES, is_item, order_of, qid_of
from peninsula.wikidata.things import EXACT, Thing

#: Classes for whose things candidates are looked for, where nothing else is asked for.
CLASSES: Final = (
    "pen:State", "pen:Person", "pen:Organization", "pen:Office", "pen:Place", "pen:Event",
    "pen:Resolution", "pen:Agreement", "pen:Initiative",
)  # fmt: skip
#: From so many points on, a candidate is strong, likely or weak; below, it is not told.
STRONG, LIKELY, WEAK = 80, 60, 35
#: Candidates that are told of one thing.
_MOST: Final = 5
#: Names that are asked about in one request.
NAMES_AT_ONCE: Final = 60

# What speaks for and against a candidate, in points; a hundred is as good as it gets.
_LABEL: Final = 30  # the first language in which a label is the same
_ALIAS: Final = 20
_MORE_LANGUAGES: Final = 15  # each further language in which a name is the same
_CLASS: Final = 15
_WRONG_CLASS: Final = -60
_DAY: Final = 30
_WRONG_DAY: Final = -40
_STATE: Final = 10
_WRONG_STATE: Final = -20
_OFFICE: Final = 20
_IDENTIFIER: Final = 50
_WRONG_IDENTIFIER: Final = -50
_NEAR: Final = 20
_FAR: Final = -40
_NAMESAKE: Final = -10  # another item bears the same name and is as good by its class
_TAKEN: Final = -100


@dataclass(frozen=True)
class Reason:
    """What speaks for a candidate, or against it."""

    points: int
    text: str

    def __str__(self) -> str:
        return f"{self.points:+d} {self.text}"


@dataclass(frozen=True)
class Candidate:
    """An item that a thing could be, and why."""

    thing: str
    item: str
    label: str
    description: str
    reasons: tuple[Reason, ...]

    @property
    def score(self) -> int:
        """Return the sum of the points, from 0 to 100."""
        return max(0, min(100, sum(reason.points for reason in self.reasons)))

    @property
    def grade(self) -> str:
        score = self.score
        return "strong" if score >= STRONG else "likely" if score >= LIKELY else "weak"

    def to_json(self) -> dict[str, Any]:
        """Return the candidate as plain values."""
        return {
            "thing": shorten(self.thing),
            "item": qid_of(self.item),
            "label": self.label,
            "description": self.description,
            "score": self.score,
            "grade": self.grade,
            "reasons": [{"points": r.points, "text": r.text} for r in self.reasons],
        }


# Whom to look at.


def name_query(names: Iterable[tuple[str, str]]) -> str:
    """Return the query for items that bear one of these names, each with its language."""
    literals = " ".join(
        str(ox.Literal(text, language=tag)) if tag else str(ox.Literal(text)) for tag, text in names
    )
    prologue = "".join(f"PREFIX {p}: <{PREFIXES[p]}>\n" for p in ("rdfs", "skos"))
    return f"""{prologue}\
SELECT DISTINCT ?item ?name WHERE {{
  VALUES ?name {{ {literals} }}
  {{ ?item rdfs:label ?name }} UNION {{ ?item skos:altLabel ?name }}
}}
LIMIT 5000
"""


def names_to_ask(things: Iterable[Thing], languages: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names by which candidates are looked for, each with its language, sorted."""
    wanted = set()
    for thing in things:
        for tag, text in thing.names:
            if tag in languages and 1 < len(text) <= 250:
                wanted.add((tag, text))
                if tag == "en" and "mul" in languages:
                    wanted.add(("mul", text))
    return sorted(wanted)


def match_names(things: Iterable[Thing], named: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Return which items bear a name of which thing; ``named`` holds items, each with a name."""
    by_name: dict[str, set[str]] = defaultdict(set)
    for item, name in named:
        if is_item(item) and (folded := fold(name)):
            by_name[folded].add(item)
    found: dict[str, set[str]] = {}
    for thing in things:
        items = set().union(*(by_name.get(fold(text), set()) for _, text in thing.names), set())
        if items:
            found[thing.iri] = items
    return found


def names_in(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield every item of a snapshot with each of its names."""
    for item in snapshot.items:
        for text in snapshot.labels(item).values():
            yield item, text
        for _, text in snapshot.aliases(item):
            yield item, text


# How good a candidate is.


@dataclass(frozen=True)
class _Case:
    thing: Thing
    item: str
    snapshot: Snapshot
    slice: Slice
    #: Items of our things, by the exact links.
    items: Mapping[str, str] = field(default_factory=dict)


def suggest(
    things: Iterable[Thing],
    matches: Mapping[str, Iterable[str]],
    snapshot: Snapshot,
    slice: Slice,
    items: Mapping[str, str],
) -> list[Candidate]:
    """Return the candidates, of each thing the best first.

    ``matches`` says which items bear a name of which thing, ``items`` which things are linked
    with which item already.
    """
    taken = {snapshot.resolve(item): thing for thing, item in items.items()}
    found = []
    for thing in sorted(things, key=lambda t: t.iri):
        asked = {snapshot.resolve(item) for item in matches.get(thing.iri, ())}
        cases = [
            _Case(thing, item, snapshot, slice, items)
            for item in sorted(asked, key=order_of)
            if snapshot.labels(item)
        ]
        scored = [_score(case, cases, taken) for case in cases]
        scored.sort(key=lambda c: (-c.score, order_of(c.item)))
        found += [c for c in scored if c.score >= WEAK][:_MOST]
    return found


def _score(case: _Case, cases: Sequence[_Case], taken: Mapping[str, str]) -> Candidate:
    reasons = [reason for judge in _JUDGES for reason in judge(case)]
    if taken.get(case.item) == case.thing.iri:
        reasons.append(Reason(0, "linked with it already"))
    elif case.item in taken:
        reasons.append(Reason(_TAKEN, f"linked with {shorten(taken[case.item])} already"))
    rivals = [
        other.item
        for other in cases
        if other.item != case.item
        and fit_class(case.thing, other.item, case.snapshot, case.slice).answer is not Answer.NO
    ]
    if rivals:
        shown = ", ".join(map(qid_of, rivals[:3]))
        reasons.append(Reason(_NAMESAKE, f"{shown} bears the same name"))
    descriptions = case.snapshot.descriptions(case.item)
    return Candidate(
        case.thing.iri,
        case.item,
        case.snapshot.label(case.item),
        descriptions.get("en") or next(iter(descriptions.values()), ""),
        tuple(reasons),
    )


def _judge_names(case: _Case) -> Iterator[Reason]:
    labels = case.snapshot.labels(case.item)
    aliases = case.snapshot.aliases(case.item)
    same: list[tuple[bool, str, str]] = []
    for tag in dict.fromkeys(tag for tag, _ in case.thing.names):
        ours = {fold(text) for t, text in case.thing.names if t == tag}
        named = [labels[t] for t in (tag, "mul") if t in labels]
        known = [text for t, text in aliases if t in {tag, "mul"}]
        label = next((text for text in named if fold(text) in ours), "")
        alias = next((text for text in known if fold(text) in ours), "")
        if label or alias:
            same.append((bool(label), tag, label or alias))
    same.sort(key=lambda entry: (not entry[0], entry[1]))
    for number, (is_label, tag, text) in enumerate(same):
        kind = "label" if is_label else "alias"
        first = _LABEL if is_label else _ALIAS
        yield Reason(_MORE_LANGUAGES if number else first, f"{kind} “{text}” in {tag}")


def _judge_class(case: _Case) -> Iterator[Reason]:
    fit = fit_class(case.thing, case.item, case.snapshot, case.slice)
    told = ", ".join(case.snapshot.label(class_) for class_ in fit.classes)
    if fit.answer is Answer.YES:
        yield Reason(_CLASS, f"is a {told}, as a {fit.class_name} may be")
    elif fit.answer is Answer.NO:
        yield Reason(_WRONG_CLASS, f"is a {told}, and no {fit.class_name}")


def _judge_days(case: _Case) -> Iterator[Reason]:
    for ours, theirs, what in (
        ("pen:birthDate", ("P569",), "born"),
        ("pen:deathDate", ("P570",), "died"),
        ("pen:from", ("P580", "P585", "P571"), "begun"),
        ("pen:adoptionDate", ("P585", "P571", "P577"), "adopted"),
    ):
        given = case.thing.first(ours)
        told: list[Moment] = []
        for property in theirs:
            told = told or case.snapshot.moments(case.item, property)
        if not given or not told:
            continue
        shown = " or ".join(moment.edtf for moment in told)
        if any(agrees(given, moment) for moment in told):
            yield Reason(_DAY, f"{what} on {shown}, as we say")
        elif not any(may_agree(given, moment) for moment in told):
            yield Reason(_WRONG_DAY, f"{what} on {shown}, and not on {given}")


def _judge_states(case: _Case) -> Iterator[Reason]:
    for ours, properties, what in (
        ("pen:isCitizenOf", ("P27",), "citizen of"),
        ("pen:isLocatedIn", ("P17",), "in"),
        ("pen:isOfficeOf", ("P1001", "P17"), "office of"),
    ):
        states = case.thing.values.get(ours, ())
        wanted = {case.items[state] for state in states if state in case.items}
        told = {i for property in properties for i in case.snapshot.things(case.item, property)}
        if not wanted or not told:
            continue
        shown = ", ".join(sorted(case.snapshot.label(item) for item in told))
        if wanted & told:
            yield Reason(_STATE, f"{what} {shown}, as we say")
        else:
            yield Reason(_WRONG_STATE, f"{what} {shown}, which we do not say")


def _judge_offices(case: _Case) -> Iterator[Reason]:
    wanted = {
        case.items[tenure.office]: tenure
        for tenure in case.thing.tenures
        if tenure.office in case.items
    }
    for statement in case.snapshot.statements(case.item, "P39"):
        value = statement.value
        item = value.value if isinstance(value, ox.NamedNode) else ""
        if item in wanted and not statement.is_deprecated:
            yield Reason(_OFFICE, f"held the office “{case.snapshot.label(item)}”, as we say")
            return


def _judge_identifiers(case: _Case) -> Iterator[Reason]:
    for ours, property, what in (
        ("pen:geonamesId", "P1566", "GeoNames identifier"),
        ("pen:iso3166Alpha3", "P298", "ISO 3166-1 code"),
    ):
        given = case.thing.first(ours)
        told = [case.snapshot.show(value) for value in case.snapshot.values(case.item, property)]
        if given and told:
            if given in told:
                yield Reason(_IDENTIFIER, f"{what} {given}, as we say")
            else:
                yield Reason(_WRONG_IDENTIFIER, f"{what} {', '.join(told)}, and not {given}")


def _judge_place(case: _Case) -> Iterator[Reason]:
    points = points_of(case.item, case.snapshot)
    if case.thing.point is None or not points:
        return
    away = min(distance(case.thing.point, point) for point in points)
    if away <= case.slice.max_distance:
        yield Reason(_NEAR, f"{away:.0f} km from where we see it")
    else:
        yield Reason(_FAR, f"{away:,.0f} km from where we see it")


_JUDGES: Final[tuple[Callable[[_Case], Iterator[Reason]], ...]] = (
    _judge_names,
    _judge_class,
    _judge_days,
    _judge_states,
    _judge_offices,
    _judge_identifiers,
    _judge_place,
)


# What is written for review.

_HEAD: Final = """\
# Candidates for links with Wikidata, to be reviewed: none of them is a link yet.
# {source}
#
# For each that is right, set pen:isAccepted to true, and give pen:linksBy another relation
# (skos:closeMatch, skos:broadMatch) where it is not exactly the same. Then
#   peninsula link accept THIS-FILE --by NAME
# writes the links. The shapes keep candidates out of the graph.

"""


def write_review(candidates: Sequence[Candidate], source: str) -> str:
    """Return the candidates as Turtle, for a person to go through."""
    prefixes = ("dcterms", "link", "pen", "rdfs", "skos", "wd", "xsd")
    kinds = sorted({shorten(c.thing).partition(":")[0] for c in candidates})
    names = sorted({*prefixes, *kinds})
    lines = [_HEAD.format(source=source)]
    lines += [f"PREFIX {name}: <{expand(f'{name}:')}>\n" for name in names]
    for candidate in candidates:
        lines.append("\n" + _write_candidate(candidate))
    return "".join(lines)


def _write_candidate(candidate: Candidate) -> str:
    thing, qid = shorten(candidate.thing), qid_of(candidate.item)
    slug = thing.replace(":", "-")
    reasons = "\n        ,  ".join(
        str(ox.Literal(str(r), language="en")) for r in candidate.reasons
    )
    said = " – ".join(filter(None, (candidate.label, candidate.description)))
    return f"""\
link:candidate-{slug}-{qid.lower()}
    a pen:LinkCandidate ;
    rdfs:label {ox.Literal(f"{thing}, perhaps Wikidata item {qid}", language="en")} ;
    dcterms:description {ox.Literal(said, language="en")} ;
    pen:suggestsEntity {thing} ;
    pen:suggestsItem wd:{qid} ;
    pen:linksBy {shorten(EXACT)} ;
    pen:score {candidate.score} ;
    pen:reason
           {reasons} ;
    pen:isAccepted false ;
.
"""
