"""Which things may each query of a batch mean?

Candidates come from the index of names and from identifiers, cheap looks first; what is known of
all of them is read by a few queries together; then each is scored by itself.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select
from peninsula.errors import QueryTimeout
from peninsula.namespaces import BASE, EXTERNAL, PREFIXES
from peninsula.reconciliation.dates import read_value
from peninsula.reconciliation.entities import (
    MOST_NAMES,
    Entity,
    Name,
    read_entities,
    read_linked,
)
from peninsula.reconciliation.identifiers import (
    Identifiers,
    find_identified,
    read_identifiers,
)
from peninsula.reconciliation.names import (
    comparable,
    compare,
    other_spellings,
    read_words,
    stem,
    weighty,
)
from peninsula.reconciliation.properties import Property
from peninsula.reconciliation.requests import Condition, Query, Reference
from peninsula.reconciliation.schema import Schema
from peninsula.reconciliation.scoring import (
    Asked,
    Candidate,
    decide,
    glance,
    how_usual,
    make_asked,
    score,
)
from peninsula.reconciliation.transliteration import romanize, spellings_of
from peninsula.reconciliation.values import Meant, agree, meant, read_names_of, read_values, resolve
from peninsula.search import LONGEST_TEXT, Hit, Index, Wish
from peninsula.terms import iri_of

#: Hits of one look, and candidates of one query that are read about.
_HITS: Final = 25
_POOL: Final = 25
#: From this likeness on, no further look is taken, and none at every name there is.
_GOOD: Final = 0.93
_FAIR: Final = 0.85
#: Other spellings of a surname that are looked for.
_SPELLINGS: Final = 4
#: Looks at single words of one query.
_MOST_WORDS: Final = 4
_MOST_BY_VALUE: Final = 200
#: Names of a hit that are compared before anything else of it is read.
_NAMES_SEEN: Final = 40
#: Candidates of a lower score are not sent.
_LEAST: Final = 25.0

_VOCABULARIES: Final = tuple(iri for name, iri in EXTERNAL.items() if name not in {"wd", "wdt"})
_NO_THINGS: Final = (
    PREFIXES["pen"], PREFIXES["pensh"], PREFIXES["ontology"], PREFIXES["vocabulary"],
    PREFIXES["graph"], f"{BASE}data/", f"{BASE}queries", *_VOCABULARIES,
)  # fmt: skip
_WD: Final = PREFIXES["wd"]
_BY_VALUE: Final = """
SELECT DISTINCT ?thing WHERE {{ VALUES ?value {{ {values} }} ?thing {path} ?value {type}
  FILTER(isIRI(?thing)) }} LIMIT {limit}
"""
_BY_DATE: Final = """
SELECT DISTINCT ?thing WHERE {{ ?thing {path} ?value {type}
  FILTER(isIRI(?thing) && STRSTARTS(STR(?value), "{start}")) }} LIMIT {limit}
"""
_BY_WORD: Final = """
SELECT DISTINCT ?thing WHERE {{ ?thing {path} ?value {type}
  FILTER(isIRI(?thing) && LCASE(STR(?value)) = {text}) }} LIMIT {limit}
"""


@dataclass(frozen=True)
class _Prepared:
    query: Query
    asked: Asked
    identifiers: Identifiers
    conditions: tuple[tuple[str, Property, Condition], ...]


class Deadline:
    """Until when an answer must be there."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds

    def check(self) -> None:
        """Raise QueryTimeout where it is past."""
        if time.monotonic() > self._until:
            raise QueryTimeout(
                f"The batch took longer than {self.seconds:g} s.",
                "Send fewer queries at a time, or shorter ones.",
            )


class Matcher:
    """Answers the queries of one batch."""

    def __init__(self, dataset: Dataset, index: Index, schema: Schema, deadline: Deadline) -> None:
        self._dataset = dataset
        self._index = index
        self._schema = schema
        self._deadline = deadline
        self._looks: dict[tuple[str, str], list[Hit]] = {}
        #: Names by which things were found: of a thing with very many, not all are read.
        self._found_by: dict[str, set[str]] = {}

    def match(self, batch: Mapping[str, Query]) -> dict[str, list[Candidate]]:
        """Return the candidates of each query, best first.

        Raises ParameterError for a type or property that there is none of, and QueryTimeout.
        """
        prepared = {key: self._prepare(query) for key, query in batch.items()}
        identified = self._identify(prepared)
        values = resolve(
            self._dataset,
            (v for one in prepared.values() for _, _, c in one.conditions for v in c.values),
        )
        pools: dict[str, dict[str, float]] = {}
        for key, one in prepared.items():
            self._deadline.check()
            pools[key] = dict.fromkeys(identified[key], 1.0)
            if not pools[key]:
                found = self._look(one) if one.query.text else self._look_by_value(one, values)
                pools[key].update(found)
        pools = self._follow_links(pools)
        chosen = {key: _best_of(pool) for key, pool in pools.items()}
        self._deadline.check()
        entities = read_entities(self._dataset, {iri for iris in chosen.values() for iri in iris})
        for iri, entity in entities.items():
            if len(entity.names) >= MOST_NAMES:
                more = self._found_by.get(iri, set()) - {name.text for name in entity.names}
                entity.names += [Name(text, is_alias=True) for text in sorted(more)]
        agreements = self._agreements(prepared, chosen, values)
        return {
            key: self._score(one, chosen[key], entities, identified[key], agreements[key])
            for key, one in prepared.items()
        }

    def _prepare(self, query: Query) -> _Prepared:
        types = tuple(dict.fromkeys(self._schema.read_type(text) for text in query.types))
        conditions = []
        seen: Counter[str] = Counter()
        for condition in query.conditions:
            property = self._schema.read_property(condition.property)
            seen[property.id] += 1
            # The name of a feature is there once for a candidate.
            count = seen[property.id]
            conditions.append((f"{property.id}#{count}" if count > 1 else property.id,
                               property, condition))  # fmt: skip
        asked = make_asked(query.text, types, query.strictness)
        identifiers = read_identifiers(query.text, is_typed=bool(types))
        return _Prepared(query, asked, identifiers, tuple(conditions))

    def _identify(self, prepared: Mapping[str, _Prepared]) -> dict[str, set[str]]:
        """Return the things that the text of each query is an identifier of."""
        literals = {text for one in prepared.values() for text in one.identifiers.literals}
        items = {item for one in prepared.values() for item in one.identifiers.items}
        things = {iri for one in prepared.values() for iri in one.identifiers.iris}
        by_literal = find_identified(self._dataset, literals) if literals else {}
        by_item = read_linked(self._dataset, items) if items else {}
        known = read_entities(self._dataset, things, with_context=False) if things else {}
        return {
            key: {
                iri
                for iri in (
                    *(iri for iri in one.identifiers.iris if iri in known),
                    *(iri for item in one.identifiers.items for iri in by_item.get(item, ())),
                    *(iri for text in one.identifiers.literals for iri in by_literal.get(text, ())),
                )
                if _is_thing(iri)
            }
            for key, one in prepared.items()
        }

    # Candidates.

    def _look(self, one: _Prepared) -> dict[str, float]:
        """Return what has a name like the text, and how like it is at a first glance."""
        pool: dict[str, float] = {}
        text = one.query.text[:LONGEST_TEXT]
        plain = " ".join(one.asked.words.words)
        texts = [text, *([plain] if one.asked.dates and plain else [])]
        for wished in (*texts, *other_spellings(text)):
            self._find(one, wished, pool)
            if wished != text and _best(pool) >= _GOOD:
                return pool
        if _best(pool) < _GOOD:
            self._look_closer(one, plain or text, pool)
        return pool

    def _look_closer(self, one: _Prepared, text: str, pool: dict[str, float]) -> None:
        """Look for names that have some word of it, sound alike, or are spelt nearly so."""
        words = weighty(one.asked.words.words)[:_MOST_WORDS]
        ends = one.asked.words.words[:1] + one.asked.words.words[-1:]
        spelt = (other for word in dict.fromkeys(ends) for other in spellings_of(word)[:_SPELLINGS])
        for word in dict.fromkeys([*words, *map(stem, words), *spelt]):
            self._find(one, word, pool)
            if _best(pool) >= _GOOD:
                return
        # To compare with every name there is takes longest.
        for near in dict.fromkeys([text, romanize(text)]):
            if _best(pool) < _FAIR:
                for hit in self._near(near):
                    self._take(one, hit, pool)

    def _find(self, one: _Prepared, text: str, pool: dict[str, float]) -> None:
        # Without a class, too: a name may be that of an item which is linked.
        wants_others = one.asked.strictness == "should" and text == one.query.text[:LONGEST_TEXT]
        for class_ in (*one.asked.types[:3], ""):
            if not class_ and one.asked.types and _best(pool) >= _GOOD and not wants_others:
                return
            self._deadline.check()
            if (text, class_) not in self._looks:
                wish = Wish(text, class_iri=class_, language=self._schema.language)
                self._looks[text, class_] = list(self._index.find(wish, limit=_HITS).hits)
            for hit in self._looks[text, class_]:
                self._take(one, hit, pool, is_typed=bool(class_))

    def _near(self, text: str) -> list[Hit]:
        self._deadline.check()
        if (text, "~") not in self._looks:
            self._looks[text, "~"] = self._index.near(text, language=self._schema.language)
        return self._looks[text, "~"]

    def _take(
        self, one: _Prepared, hit: Hit, pool: dict[str, float], *, is_typed: bool = False
    ) -> None:
        if hit.iri in pool or not (_is_thing(hit.iri) or hit.iri.startswith(_WD)):
            return
        texts = (hit.text, *(name.text for name in hit.other_names[:_NAMES_SEEN]))
        likeness, best = max(
            ((glance(one.asked, text), text) for text in comparable(one.asked.words, texts)),
            default=(0.0, ""),
        )
        self._found_by.setdefault(hit.iri, set()).add(best)
        # Of a type that is not asked for, or of a kind that is hardly meant: look further.
        usual = (1.0 if is_typed else 0.9) if one.asked.types else how_usual(hit.iri)
        pool[hit.iri] = likeness * usual

    def _follow_links(self, pools: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        """Put the linked thing in the place of each item of Wikidata."""
        items = {iri for pool in pools.values() for iri in pool if iri.startswith(_WD)}
        linked = read_linked(self._dataset, items) if items else {}
        followed = {}
        for key, pool in pools.items():
            new: dict[str, float] = {}
            for iri, likeness in pool.items():
                for thing in linked.get(iri, ()) if iri.startswith(_WD) else (iri,):
                    new[thing] = max(likeness, new.get(thing, 0.0))
            followed[key] = new
        return followed

    def _look_by_value(self, one: _Prepared, values: Mapping[object, Meant]) -> dict[str, float]:
        """Return what has the wished values, where no name is given."""
        pool: dict[str, float] = {}
        for _, property, condition in one.conditions:
            self._deadline.check()
            found: set[str] = set()
            for value in condition.values:
                found |= self._with_value(property, meant(values, value), one.asked.types)
            for iri in found:
                if _is_thing(iri):
                    pool[iri] = pool.get(iri, 0.0) + 1 / len(one.conditions)
        return pool

    def _with_value(self, property: Property, value: Meant, types: Sequence[str]) -> set[str]:
        type_ = f"; a {ox.NamedNode(types[0])} ." if len(types) == 1 else ""
        path, limit = property.path, _MOST_BY_VALUE
        given = value.given
        terms: list[str] = [str(ox.NamedNode(iri)) for iri in sorted(value.iris)]
        found: set[str] = set()

        def ask(query: str) -> None:
            found.update(iri_of(row[0]) for row in select(self._dataset, query))

        if isinstance(given, Reference):
            if not terms:
                terms += [str(ox.Literal(given.name or given.id))]
        elif isinstance(given, bool):
            terms.append(str(given).lower())
        else:
            text = str(int(given) if isinstance(given, float) and given.is_integer() else given)
            # The thing that has such a name may be the value.
            wish = Wish(text[:LONGEST_TEXT], language=self._schema.language)
            wished = read_words(text, keeps_dates=True)
            for hit in self._index.find(wish, limit=10).hits:
                names = [hit.text, *(name.text for name in hit.other_names[:_NAMES_SEEN])]
                if any(
                    compare(wished, read_words(name, keeps_dates=True)).similarity > 0.9
                    for name in names
                ):
                    terms.append(str(ox.NamedNode(hit.iri)))
            terms.append(str(ox.Literal(text)))
            if re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
                terms.append(text)
            folded = str(ox.Literal(text.lower()))
            ask(_BY_WORD.format(path=path, type=type_, text=folded, limit=limit))
            spans = read_value(given)
            for span in spans:
                start = span.first.isoformat()
                start = start[:10] if span.days == 1 else start[:7] if span.days < 32 else start[:4]
                ask(_BY_DATE.format(path=path, type=type_, start=start, limit=limit))
        if terms:
            ask(_BY_VALUE.format(values=" ".join(terms), path=path, type=type_, limit=limit))
        return found

    # Judging them.

    def _agreements(
        self,
        prepared: Mapping[str, _Prepared],
        chosen: Mapping[str, list[str]],
        values: Mapping[object, Meant],
    ) -> dict[str, dict[str, dict[str, float | None]]]:
        """Return how well each property of each candidate agrees, by query."""
        asked: dict[Property, set[str]] = {}
        for key, one in prepared.items():
            for _, property, _ in one.conditions:
                asked.setdefault(property, set()).update(chosen[key])
        known: dict[Property, dict[str, list[Term]]] = {}
        names: dict[Property, dict[str, list[Name]]] = {}
        for property, things in asked.items():
            self._deadline.check()
            known[property] = read_values(self._dataset, property, things)
            names[property] = read_names_of(self._dataset, known[property])
        return {
            key: {
                iri: {
                    name: agree(
                        [meant(values, value) for value in condition.values],
                        known[property].get(iri, []),
                        names[property],
                    )
                    for name, property, condition in one.conditions
                }
                for iri in chosen[key]
            }
            for key, one in prepared.items()
        }

    def _score(
        self,
        one: _Prepared,
        chosen: Sequence[str],
        entities: Mapping[str, Entity],
        identified: set[str],
        agreements: Mapping[str, Mapping[str, float | None]],
    ) -> list[Candidate]:
        self._deadline.check()
        candidates = []
        for iri in chosen:
            entity = entities.get(iri)
            if entity is None:
                continue
            fits = self._fits(one.asked, entity)
            if fits or one.asked.strictness == "should":
                candidates.append(
                    score(
                        one.asked, entity, is_identifier=iri in identified, fits_type=fits,
                        values=agreements[iri],
                    )
                )  # fmt: skip
        # What is hardly like the text helps nobody choose.
        kept = [candidate for candidate in decide(candidates) if candidate.score >= _LEAST]
        return kept[: one.query.limit]

    def _fits(self, asked: Asked, entity: Entity) -> bool:
        fitting = (self._schema.is_a(entity.classes, iri) for iri in asked.types)
        if not asked.types:
            return True
        return all(fitting) if asked.strictness == "all" else any(fitting)


def _is_thing(iri: str) -> bool:
    """Return whether an IRI may be a thing that a table names: no term, no graph, no item."""
    return not iri.startswith((*_NO_THINGS, _WD))


def _best(pool: Mapping[str, float]) -> float:
    return max(pool.values(), default=0.0)


def _best_of(pool: Mapping[str, float]) -> list[str]:
    ranked = sorted(pool.items(), key=lambda one: (-one[1], how_usual(one[0]) < 1, one[0]))
    return [iri for iri, _ in ranked[:_POOL]]
