"""Which policy positions follow from the claims?

A policy position says that a holder took a stance on an object, or on a state of affairs
within a topic, over a time. It is derived from the claims and the editors' readings, never
written by hand, so that the two cannot drift apart:

1.  *Evidence.* Every claim with a holder and an expressed stance counts, once for each of its
    holders; so does every ``pen:Reading``. The stance is towards the claim's objects where the
    claim is a position or a proposal, or where the holder is its subject; otherwise it is
    towards the state of affairs that the claim describes, and the position has topics but no
    object.
2.  *Grouping.* Evidence with the same holder, stance and object (or, without an object, the
    same primary topic) belongs together as long as the times at which the view was held
    overlap or adjoin. A gap begins a position of its own: silence is not continuity.
    Undated evidence makes a position without dates. The position shows the modalities of its
    evidence: one that rests on a counterfactual claim alone is about what never was.
3.  *Succession.* A position succeeds the latest earlier one of the same holder with another
    stance on the same object, if that one had ended before. A resolution counts as the same
    object as the sanctions regime that its measures are part of. Positions towards a state of
    affairs succeed nothing: to deplore one outcome and to welcome another is no change of mind.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.namespaces import PREFIXES, expand
from peninsula.turtle import format_turtle

#: Where claims, readings and the labels of what they are about stand in a knowledge folder.
_SOURCES: Final = ("ontology/vocabularies", "data/commentary", "data/record")

_HEADER: Final = """\
# Policy positions, derived from the claims by `peninsula derive`: do not edit.
# Named graph: graph:positions. Licence: CC BY 4.0.
"""

_EVIDENCE: Final = """
SELECT ?source ?claim ?paraphrase ?holder ?stance ?modality ?topic ?primary ?object ?target
       ?from ?until WHERE {
  {
    ?source a pen:Claim ; pen:hasStance ?stance ; pen:hasHolder ?holder ;
            pen:hasTopic ?topic ; pen:hasPrimaryTopic ?primary .
    FILTER(?stance != stance:not-expressed)
    BIND(?source AS ?claim)
    OPTIONAL { ?source pen:heldFrom ?heldFrom }
    OPTIONAL { ?source pen:heldUntil ?heldUntil }
    OPTIONAL { ?source pen:from ?contentFrom }
    OPTIONAL { ?source pen:until ?contentUntil }
    BIND(BOUND(?heldFrom) || BOUND(?heldUntil) AS ?isHeldDated)
    BIND(IF(?isHeldDated, ?heldFrom, ?contentFrom) AS ?from)
    BIND(IF(?isHeldDated, ?heldUntil, ?contentUntil) AS ?until)
    OPTIONAL {
      ?source pen:hasObject ?object .
      FILTER(EXISTS { ?source pen:hasKind claim-kind:position }
          || EXISTS { ?source pen:hasKind claim-kind:proposal }
          || EXISTS { ?source pen:hasSubject ?holder })
    }
    OPTIONAL { ?source pen:hasTarget ?target }
  } UNION {
    ?source a pen:Reading ; pen:readsClaim ?claim ; pen:hasHolder ?holder ;
            pen:hasStance ?stance ; pen:onObject ?object ; pen:hasTopic ?topic .
    BIND(?topic AS ?primary)
    OPTIONAL { ?source pen:from ?from }
    OPTIONAL { ?source pen:until ?until }
    OPTIONAL { ?claim pen:hasTarget ?target }
  }
  ?claim pen:hasModality ?modality ; pen:paraphrase ?paraphrase .
}
"""

_REGIMES: Final = """
SELECT DISTINCT ?instrument ?regime WHERE {
  ?measure pen:isImposedBy ?instrument ; dcterms:isPartOf ?regime .
}
"""

_LABELS: Final = """
SELECT ?thing ?label WHERE { ?thing rdfs:label|skos:prefLabel ?label }
"""

#: How a label names the target of a stance that is no object, by language.
_STATE_OF_AFFAIRS: Final = {
    "en": "a state of affairs under the topic “{}”",
    "ko": "‘{}’ 관련 상황",
    "ru": "положение дел по теме «{}»",
}
_RDF_TYPE: Final = ox.NamedNode(expand("rdf:type"))
_XSD_DATE: Final = ox.NamedNode(expand("xsd:date"))
_EDTF: Final = ox.NamedNode(expand("edtf:EDTF"))


@dataclass
class _Item:
    """One claim or reading as evidence for one holder, stance and object."""

    claims: dict[str, str] = field(default_factory=dict)  # with their paraphrases
    readings: set[str] = field(default_factory=set)
    topics: set[str] = field(default_factory=set)
    primary: set[str] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)
    modalities: set[str] = field(default_factory=set)
    start: date | None = None
    end: date | None = None

    @property
    def is_dated(self) -> bool:
        return self.start is not None or self.end is not None

    def absorb(self, other: _Item) -> None:
        """Take in other evidence; an unknown bound on either side stays unknown."""
        self.claims.update(other.claims)
        for name in ("readings", "topics", "primary", "targets", "modalities"):
            getattr(self, name).update(getattr(other, name))
        self.start = min(self.start, other.start) if self.start and other.start else None
        self.end = max(self.end, other.end) if self.end and other.end else None

    def adjoins(self, other: _Item) -> bool:
        """Whether ``other``, which does not begin earlier, begins before this one has ended."""
        if self.end is None or other.start is None:
            return True
        return other.start <= self.end + timedelta(days=1)


@dataclass
class _Position:
    holder: str
    stance: str
    object: str | None
    item: _Item
    slug: str = ""
    succeeds: list[_Position] = field(default_factory=list)


def derive_file(knowledge: Path) -> str:
    """Return what ``data/positions/positions.ttl`` of a knowledge folder has to say.

    Raises SyntaxError, with file, line and column, where one of the files is not Turtle.
    """
    store = ox.Store()
    for folder in _SOURCES:
        for path in sorted((knowledge / folder).glob("*.ttl")):
            store.bulk_load(path=str(path), format=ox.RdfFormat.TURTLE)
    turtle = ox.serialize(derive(store), format=ox.RdfFormat.TURTLE)
    assert turtle is not None
    return format_turtle(f"{_HEADER}\n{turtle.decode()}")


def derive(store: ox.Store) -> list[ox.Triple]:
    """Return the triples of all policy positions that the claims in ``store`` carry."""
    labels = _read_labels(store)
    positions = list(_group(_read_evidence(store)))
    positions.sort(key=lambda p: (p.holder, p.object or "", p.stance, p.item.start or date.min))
    _name(positions)
    _link_successions(positions, _read_regimes(store))
    return [triple for position in positions for triple in _describe(position, labels)]


def _read_evidence(store: ox.Store) -> dict[tuple[str, str, str | None, str], dict[str, _Item]]:
    """Return evidence by (holder, stance, object, topic if there is no object) and source."""
    evidence: dict[tuple[str, str, str | None, str], dict[str, _Item]] = defaultdict(dict)
    solutions = store.query(_EVIDENCE, prefixes=PREFIXES, use_default_graph_as_union=True)
    assert isinstance(solutions, ox.QuerySolutions)
    for row in solutions:
        thing = row["object"].value if row["object"] else None
        primary = row["primary"].value
        key = (row["holder"].value, row["stance"].value, thing, "" if thing else primary)
        item = evidence[key].setdefault(row["source"].value, _Item())
        item.claims[row["claim"].value] = row["paraphrase"].value
        if row["source"] != row["claim"]:
            item.readings.add(row["source"].value)
        item.topics.add(row["topic"].value)
        item.primary.add(primary)
        item.modalities.add(row["modality"].value)
        if row["target"]:
            item.targets.add(row["target"].value)
        item.start = date.fromisoformat(row["from"].value) if row["from"] else None
        item.end = date.fromisoformat(row["until"].value) if row["until"] else None
    return evidence


def _group(
    evidence: dict[tuple[str, str, str | None, str], dict[str, _Item]],
) -> Iterator[_Position]:
    for (holder, stance, thing, _), items in evidence.items():
        episodes: list[_Item] = []
        undated = _Item()
        for item in sorted(items.values(), key=lambda i: (i.start or date.min, i.end or date.max)):
            if not item.is_dated:
                undated.absorb(item)
            elif episodes and episodes[-1].adjoins(item):
                episodes[-1].absorb(item)
            else:
                episodes.append(item)
        for episode in [*episodes, *([undated] if undated.claims else [])]:
            yield _Position(holder, stance, thing, episode)


def _name(positions: list[_Position]) -> None:
    """Give every position a slug: who, stance, on what, and when where one alone is not enough."""
    by_stem: dict[str, list[_Position]] = defaultdict(list)
    for position in positions:
        on = _slug(position.object) if position.object else f"in-{_primary_slug(position)}"
        stem = f"{_slug(position.holder)}-{_slug(position.stance)}-{on}"
        by_stem[stem].append(position)
    for stem, group in by_stem.items():
        for position in group:
            start = position.item.start
            when = f"{start:%Y-%m-%d}" if start else "undated"
            position.slug = stem if len(group) == 1 else f"{stem}-{when}"
    slugs = [position.slug for position in positions]
    if len(set(slugs)) != len(slugs):
        raise ValueError(
            f"two positions share a name: {sorted(s for s in slugs if slugs.count(s) > 1)}"
        )


def _link_successions(positions: list[_Position], regimes: dict[str, str]) -> None:
    for position in positions:
        start = position.item.start
        if start is None or position.object is None:
            continue
        issue = regimes.get(position.object, position.object)
        earlier = [
            (other.item.end, other)
            for other in positions
            if other.holder == position.holder
            and other.stance != position.stance
            and other.item.end is not None
            and other.item.end < start
            and other.object is not None
            and regimes.get(other.object, other.object) == issue
        ]
        latest = max((end for end, _ in earlier), default=None)
        position.succeeds = [other for end, other in earlier if end == latest]


def _describe(position: _Position, labels: dict[str, dict[str, str]]) -> Iterator[ox.Triple]:
    subject = ox.NamedNode(expand(f"position:{position.slug}"))

    def triple(name: str, value: ox.NamedNode | ox.Literal) -> ox.Triple:
        return ox.Triple(subject, ox.NamedNode(expand(name)), value)

    def triples(name: str, iris: Iterable[str]) -> Iterator[ox.Triple]:
        return (triple(name, ox.NamedNode(iri)) for iri in sorted(iris))

    item = position.item
    yield ox.Triple(subject, _RDF_TYPE, ox.NamedNode(expand("pen:PolicyPosition")))
    for language in _STATE_OF_AFFAIRS:
        if label := _label(position, labels, language):
            yield triple("rdfs:label", ox.Literal(label, language=language))
    # The label leaves out how the stance is taken; the paraphrases say it.
    paraphrases = " ".join(text for _, text in sorted(item.claims.items()))
    yield triple("dcterms:description", ox.Literal(paraphrases, language="en"))
    yield from triples("pen:hasHolder", [position.holder])
    yield from triples("pen:hasStance", [position.stance])
    yield from triples("pen:hasModality", item.modalities)
    yield from triples("pen:onObject", [position.object] if position.object else [])
    yield from triples("pen:hasTopic", item.topics)
    if position.object:  # otherwise the target is that of what happened, not of the attitude
        yield from triples("pen:isToward", item.targets - {position.holder, position.object})
    yield from triples("pen:evidencedBy", item.claims)
    yield from triples("pen:restsOnReading", item.readings)
    yield from triples("pen:succeeds", (expand(f"position:{p.slug}") for p in position.succeeds))
    if item.start:
        yield triple("pen:from", ox.Literal(item.start.isoformat(), datatype=_XSD_DATE))
    if item.end:
        yield triple("pen:until", ox.Literal(item.end.isoformat(), datatype=_XSD_DATE))
    if item.is_dated:
        # The dates of a position are put together from its evidence, hence inferred.
        # EDTF: no day before "/" is an unknown beginning, ".." after it an open end.
        first, last = (day.isoformat() if day else "" for day in (item.start, item.end))
        span = f"{first}/{last or '..'}"
        yield triple("pen:inferredEdtf", ox.Literal(span, datatype=_EDTF))


def _label(position: _Position, labels: dict[str, dict[str, str]], language: str) -> str | None:
    """Return ``Russia: opposes – UN sanctions, 2021``, or None where a part has no name."""
    thing = position.object or min(position.item.primary)
    names = [labels.get(iri, {}).get(language) for iri in (position.holder, position.stance, thing)]
    holder, stance, target = names
    if holder is None or stance is None or target is None:
        return None
    if position.object is None:
        target = _STATE_OF_AFFAIRS[language].format(target)
    return f"{holder}: {stance} – {target}{_years(position.item)}"


def _years(item: _Item) -> str:
    if not item.is_dated:
        return ""
    first = str(item.start.year) if item.start else "…"
    last = str(item.end.year) if item.end else ""
    return f", {first}" if first == last else f", {first}–{last}"


def _read_regimes(store: ox.Store) -> dict[str, str]:
    solutions = store.query(_REGIMES, prefixes=PREFIXES, use_default_graph_as_union=True)
    assert isinstance(solutions, ox.QuerySolutions)
    return {row["instrument"].value: row["regime"].value for row in solutions}


def _read_labels(store: ox.Store) -> dict[str, dict[str, str]]:
    labels: dict[str, dict[str, str]] = defaultdict(dict)
    solutions = store.query(_LABELS, prefixes=PREFIXES, use_default_graph_as_union=True)
    assert isinstance(solutions, ox.QuerySolutions)
    for row in solutions:
        thing, label = row["thing"], row["label"]
        if isinstance(thing, ox.NamedNode) and isinstance(label, ox.Literal) and label.language:
            labels[thing.value][label.language] = label.value
    return labels


def _primary_slug(position: _Position) -> str:
    return _slug(min(position.item.primary))


def _slug(iri: str) -> str:
    return re.split(r"[/#]", iri)[-1]
