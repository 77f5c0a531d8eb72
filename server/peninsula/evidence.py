"""On whose word does a position stand, and what speaks against it?

Behind a position are claims: who says so, reported by whom, where in the text, with which other
claims it does not sit well. Where an editor had to interpret, there is a reading besides.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select_about
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import expand
from peninsula.terms import value_of

#: Digits of the level of an attribution: a chain is never that long.
_LONGEST_LEVEL: Final = 6
_CLAIMS: Final = """
SELECT ?claim ?property ?value WHERE {{
  VALUES ?claim {{ {things} }}
  VALUES ?property {{
    pen:inventoryId pen:hasVoice pen:hasModality pen:hasHolder pen:edtf pen:inferredEdtf
    pen:timeNote pen:ambiguity
  }}
  ?claim ?property ?value
}}
"""
_PASSAGES: Final = """
SELECT ?claim ?property ?value WHERE {{
  VALUES ?claim {{ {things} }}
  VALUES ?property {{ pen:section pen:paragraph pen:sentence }}
  ?claim pen:hasPassage ?passage . ?passage ?property ?value
}}
"""
_CHAINS: Final = """
SELECT ?claim ?level ?speaker ?basis ?part WHERE {{
  VALUES ?claim {{ {things} }}
  ?claim pen:hasAttribution ?attribution .
  ?attribution pen:level ?level ; pen:isAttributedTo ?speaker .
  OPTIONAL {{ ?attribution pen:attributionBasis ?basis }}
  OPTIONAL {{ ?attribution pen:citesPart ?part }}
}}
"""
_TENSIONS: Final = """
SELECT ?claim ?other ?contradicts ?tension ?kind ?note ?holder ?id WHERE {{
  VALUES ?claim {{ {things} }}
  ?claim pen:inTensionWith ?other .
  BIND(EXISTS {{ ?claim pen:contradicts ?other }} AS ?contradicts)
  OPTIONAL {{
    ?tension pen:hasTensionMember ?claim , ?other .
    OPTIONAL {{ ?tension pen:tensionKind ?kind }}
    OPTIONAL {{ ?tension skos:note ?note }}
  }}
  OPTIONAL {{ ?other pen:hasHolder ?holder }}
  OPTIONAL {{ ?other pen:inventoryId ?id }}
}} LIMIT 5000
"""
_READINGS: Final = """
SELECT ?reading ?claim ?why WHERE {{
  VALUES ?reading {{ {things} }}
  OPTIONAL {{ ?reading pen:readsClaim ?claim }}
  OPTIONAL {{ ?reading dcterms:description ?why }}
}}
"""


@dataclass(frozen=True)
class Speaker:
    """One level of the chain of reporting; the first is the text that is read."""

    iri: str
    name: str
    basis: str = ""
    #: Whether the attribution is not spelled out: it rests on a note or on the context.
    is_inferred: bool = False
    part: str = ""


@dataclass
class Clash:
    """Another claim that does not sit well with one."""

    claim: str
    id: str
    paraphrase: str
    is_contradiction: bool
    kind: str = ""
    note: str = ""
    tension: str = ""
    tension_name: str = ""
    holders: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Evidence:
    """A claim as evidence of a position."""

    claim: str
    id: str
    paraphrase: str
    voice: str = ""
    modality: str = ""
    chain: tuple[Speaker, ...] = ()
    section: str = ""
    paragraph: str = ""
    sentence: str = ""
    edtf: str = ""
    is_inferred: bool = False
    time_note: str = ""
    ambiguity: str = ""
    clashes: tuple[Clash, ...] = ()

    @property
    def source(self) -> Speaker | None:
        """Return who holds the view, at the inner end of the chain."""
        return self.chain[-1] if self.chain else None

    @property
    def reporters(self) -> tuple[Speaker, ...]:
        """Return who passes the view on, from the nearest to it to the text that is read."""
        return tuple(reversed(self.chain[:-1]))


@dataclass(frozen=True)
class Reading:
    """An editor's understanding of a claim as evidence."""

    iri: str
    name: str
    claim: str
    why: str


def read_evidence(dataset: Dataset, claims: Iterable[str], language: str) -> dict[str, Evidence]:
    """Return what is known of each claim."""
    wanted = sorted(set(claims))
    if not wanted:
        return {}
    facts = _gather(dataset, _CLAIMS, wanted)
    places = _gather(dataset, _PASSAGES, wanted)
    chains = _rows(dataset, _CHAINS, wanted)
    tensions = _rows(dataset, _TENSIONS, wanted)
    terms: list[Term | None] = [ox.NamedNode(iri) for iri in wanted]
    terms += itertools.chain(*chains, *tensions)
    terms += [v for values in facts.values() for found in values.values() for v in found]
    labels = find_labels(dataset, terms, language)

    def name(iri: str) -> str:
        return name_of(iri, labels) if iri else ""

    speakers = _make_chains(chains, name)
    clashes = _make_clashes(tensions, name)
    return {
        iri: _make(iri, facts[iri], places[iri], name, speakers.get(iri, ()), clashes.get(iri, {}))
        for iri in wanted
    }


def read_readings(dataset: Dataset, readings: Iterable[str], language: str) -> dict[str, Reading]:
    """Return what is known of each reading."""
    wanted = sorted(set(readings))
    rows = _rows(dataset, _READINGS, wanted)
    labels = find_labels(dataset, (ox.NamedNode(iri) for iri in wanted), language)
    found: dict[str, Reading] = {}
    for reading, claim, why in rows:
        iri = value_of(reading)
        found.setdefault(iri, Reading(iri, name_of(iri, labels), value_of(claim), value_of(why)))
    return found


_Facts = Mapping[str, list[Term]]


def _make(
    iri: str,
    facts: _Facts,
    place: _Facts,
    name: Callable[[str], str],
    chain: tuple[Speaker, ...],
    clashes: Mapping[str, Clash],
) -> Evidence:
    def text(property: str, given: _Facts = facts) -> str:
        return min((value_of(v) for v in given.get(expand(property), [])), default="")

    stated, inferred = text("pen:edtf"), text("pen:inferredEdtf")
    return Evidence(
        iri,
        text("pen:inventoryId") or name(iri),
        name(iri),
        name(text("pen:hasVoice")),
        name(text("pen:hasModality")),
        chain,
        text("pen:section", place),
        text("pen:paragraph", place),
        text("pen:sentence", place),
        stated or inferred,
        is_inferred=bool(inferred and not stated),
        time_note=text("pen:timeNote"),
        ambiguity=text("pen:ambiguity"),
        clashes=tuple(sorted(clashes.values(), key=lambda c: (not c.is_contradiction, c.id))),
    )


def _make_chains(
    rows: Iterable[tuple[Term | None, ...]], name: Callable[[str], str]
) -> dict[str, tuple[Speaker, ...]]:
    levels: dict[str, dict[tuple[int, str], Speaker]] = defaultdict(dict)
    plain = {expand("attribution-basis:explicit"), expand("attribution-basis:own-text")}
    for claim, level, speaker, basis, part in rows:
        number = value_of(level)
        if not number.isdecimal() or len(number) > _LONGEST_LEVEL:
            continue
        iri, why = value_of(speaker), value_of(basis)
        is_inferred = bool(why) and why not in plain
        levels[value_of(claim)][int(number), iri] = Speaker(
            iri, name(iri), name(why), is_inferred, name(value_of(part))
        )
    return {
        claim: tuple(speaker for _, speaker in sorted(found.items(), key=lambda item: item[0]))
        for claim, found in levels.items()
    }


def _make_clashes(
    rows: Iterable[tuple[Term | None, ...]], name: Callable[[str], str]
) -> dict[str, dict[str, Clash]]:
    found: dict[str, dict[str, Clash]] = defaultdict(dict)
    for claim, other, contradicts, tension, kind, note, holder, id in rows:
        iri = value_of(other)
        clash = found[value_of(claim)].setdefault(
            iri,
            Clash(
                iri, value_of(id) or name(iri), name(iri), value_of(contradicts) == "true",
                name(value_of(kind)), value_of(note), value_of(tension), name(value_of(tension)),
            ),
        )  # fmt: skip
        who = name(value_of(holder))
        if who and who not in clash.holders:
            clash.holders.append(who)
    return found


def _gather(dataset: Dataset, query: str, things: list[str]) -> dict[str, dict[str, list[Term]]]:
    found: dict[str, dict[str, list[Term]]] = defaultdict(lambda: defaultdict(list))
    for thing, property, value in _rows(dataset, query, things):
        if value is not None:
            found[value_of(thing)][value_of(property)].append(value)
    return found


def _rows(dataset: Dataset, query: str, things: list[str]) -> list[tuple[Term | None, ...]]:
    return list(select_about(dataset, query, things))
