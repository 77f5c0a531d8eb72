"""What does the snapshot of Wikidata say of an item, and when was it retrieved?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.errors import InvalidSource, place
from peninsula.files import explain
from peninsula.formats import RDF_EXTENSIONS
from peninsula.namespaces import expand, shorten
from peninsula.wikidata import terms as wikidata
from peninsula.wikidata.slice import SNAPSHOT
from peninsula.wikidata.terms import (
    ABOUT,
    ALIAS,
    ARTICLE_NAME,
    BEST,
    CLAIM,
    DEPRECATED,
    DESCRIPTION,
    DIRECT,
    ITEM,
    LABEL,
    MAIN,
    MAIN_VALUE,
    MODIFIED,
    PART_OF,
    PRECISION,
    QUALIFIER,
    QUALIFIER_VALUE,
    RANK,
    SAME_AS,
    TIME,
    TYPE,
    UNKNOWN,
    VERSION,
    order_of,
)

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple

#: From the snapshot to an item that the service was asked about and knew nothing of.
LACKS: Final = expand("pen:lacksItem")


def read_file(path: Path) -> Snapshot:
    """Return the snapshot that a file holds; raises InvalidSource."""
    format = RDF_EXTENSIONS.get(path.suffix.lower())
    if format is None or not isinstance(format.engine, ox.RdfFormat):
        raise InvalidSource(f"{place(path)}: it is no file of RDF, by its ending.")
    try:
        quads = ox.parse(path=str(path), format=format.engine)
        return Snapshot(quad.triple for quad in quads)
    except SyntaxError as error:
        raise InvalidSource.unreadable(path, error, "Pull it again.") from None
    except (OSError, ValueError) as error:
        raise InvalidSource(f"{place(path)}: it cannot be read ({explain(error)}).") from None


@dataclass(frozen=True)
class Moment:
    """A time, and how precise it is: a day, a month, a year or less."""

    text: str  # as in xsd:dateTime
    precision: int = wikidata.DAY

    @property
    def edtf(self) -> str:
        """Return the time as far as it is known: ``1984-01-08``, ``1984-01`` or ``1984``."""
        match = re.match(r"([+-]?\d+)-(\d\d)-(\d\d)", self.text)
        if not match:
            return ""
        parts = {wikidata.DAY: 3, wikidata.MONTH: 2}.get(min(self.precision, wikidata.DAY), 1)
        return "-".join(match.groups()[:parts])

    @property
    def is_known_to_year(self) -> bool:
        return self.precision >= wikidata.YEAR


@dataclass(frozen=True)
class Statement:
    """One statement about an item: value, rank, qualifiers by property."""

    iri: str
    value: Term | None
    rank: str
    is_best: bool
    moment: Moment | None = None
    qualifiers: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    moments: Mapping[str, Moment] = field(default_factory=dict)

    @property
    def is_deprecated(self) -> bool:
        return self.rank == DEPRECATED


class Snapshot:
    """Triples of Wikidata, to be asked about items; those of one item do, too."""

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self._by_subject: dict[str, dict[str, list[Term]]] = defaultdict(lambda: defaultdict(list))
        self._articles: dict[str, list[str]] = defaultdict(list)
        for subject, predicate, value in triples:
            if not isinstance(subject, ox.NamedNode):
                continue
            self._by_subject[subject.value][predicate.value].append(value)
            if predicate.value == ABOUT and isinstance(value, ox.NamedNode):
                self._articles[value.value].append(subject.value)
        for values in self._by_subject.values():
            for listed in values.values():
                listed.sort(key=str)

    def __len__(self) -> int:
        return len(self._by_subject)

    def _get(self, subject: str, predicate: str) -> list[Term]:
        return self._by_subject[subject][predicate] if subject in self._by_subject else []

    # Of itself.

    @property
    def retrieved(self) -> datetime | None:
        """Return when it was retrieved."""
        for value in self._get(SNAPSHOT, expand("prov:generatedAtTime")):
            try:
                return datetime.fromisoformat(_text(value))
            except ValueError:
                return None
        return None

    @property
    def service(self) -> str:
        return next(map(_text, self._get(SNAPSHOT, expand("dcterms:source"))), "")

    @property
    def items(self) -> list[str]:
        """Return every item that has a name here."""
        found = (s for s, values in self._by_subject.items() if LABEL in values)
        return sorted((s for s in found if wikidata.is_item(s)), key=order_of)

    # Of an item.

    def is_known(self, item: str) -> bool:
        """Return whether the snapshot says anything of an item."""
        return item in self._by_subject

    def is_missing(self, item: str) -> bool:
        """Return whether the service was asked about an item and knew nothing."""
        return ox.NamedNode(item) in self._get(SNAPSHOT, LACKS)

    def redirect(self, item: str) -> str:
        """Return the item into which this one was merged; empty where it was not."""
        return next(map(_text, self._get(item, SAME_AS)), "")

    def resolve(self, item: str) -> str:
        """Return the item itself, or what it was merged into in the end."""
        seen = {item}
        while (target := self.redirect(item)) and target not in seen:
            seen.add(target)
            item = target
        return item

    def revision(self, item: str) -> str:
        return next(map(_text, self._get(item, VERSION)), "")

    def modified(self, item: str) -> str:
        return next(map(_text, self._get(item, MODIFIED)), "")

    def labels(self, item: str) -> dict[str, str]:
        """Return the label by language."""
        return dict(self._texts(item, LABEL))

    def label(self, item: str, language: str = "en") -> str:
        """Return the label in a language, in several, in English or in any; else the number."""
        labels = self.labels(item)
        order = (language, "mul", "en")
        found = next((labels[tag] for tag in order if tag in labels), "")
        return found or next(iter(labels.values()), "") or wikidata.qid_of(item)

    def aliases(self, item: str) -> list[tuple[str, str]]:
        """Return the other names, each with its language."""
        return list(self._texts(item, ALIAS))

    def descriptions(self, item: str) -> dict[str, str]:
        return dict(self._texts(item, DESCRIPTION))

    def _texts(self, item: str, predicate: str) -> Iterator[tuple[str, str]]:
        for value in self._get(item, predicate):
            if isinstance(value, ox.Literal):
                yield value.language or "", value.value

    def values(self, item: str, property: str) -> list[Term]:
        """Return the values of a property at their best rank."""
        return self._get(item, f"{DIRECT}{property}")

    def things(self, item: str, property: str) -> list[str]:
        """Return the items among the values of a property at their best rank."""
        return [t.value for t in self.values(item, property) if isinstance(t, ox.NamedNode)]

    def statements(self, item: str, property: str) -> list[Statement]:
        """Return all statements of a property, with their qualifiers, the earliest first."""
        found = [
            self._statement(node.value, property)
            for node in self._get(item, f"{CLAIM}{property}")
            if isinstance(node, ox.NamedNode)
        ]
        return sorted(found, key=lambda s: s.moments["P580"].text if "P580" in s.moments else "~")

    def _statement(self, iri: str, property: str) -> Statement:
        values: Mapping[str, list[Term]] = self._by_subject.get(iri, {})
        main = values.get(f"{MAIN}{property}", [])
        qualifiers = {
            predicate.removeprefix(QUALIFIER): tuple(terms)
            for predicate, terms in values.items()
            if predicate.startswith(QUALIFIER) and not predicate.startswith(QUALIFIER_VALUE)
        }
        moments = {}
        for name, terms in qualifiers.items():
            if moment := self._moment(iri, f"{QUALIFIER_VALUE}{name}", terms[0]):
                moments[name] = moment
        return Statement(
            iri,
            main[0] if main else None,
            next(map(_text, values.get(RANK, [])), ""),
            ox.NamedNode(BEST) in values.get(TYPE, []),
            self._moment(iri, f"{MAIN_VALUE}{property}", main[0]) if main else None,
            qualifiers,
            moments,
        )

    def _moment(self, iri: str, predicate: str, simple: Term) -> Moment | None:
        """Return a time with its precision, or with that of a day where none is told."""
        if not isinstance(simple, ox.Literal):
            return None
        for node in self._get(iri, predicate):
            times = self._get(_text(node), TIME)
            if times:
                precision = next(map(_text, self._get(_text(node), PRECISION)), "")
                return Moment(
                    _text(times[0]), int(precision) if precision.isdecimal() else wikidata.DAY
                )
        is_time = simple.datatype.value in {expand("xsd:dateTime"), expand("xsd:date")}
        return Moment(simple.value) if is_time else None

    def moments(self, item: str, property: str) -> list[Moment]:
        """Return the times of a property at their best rank, each once."""
        found = [s.moment for s in self.statements(item, property) if s.is_best and s.moment]
        if not found:
            simple = self.values(item, property)
            found = [m for v in simple if (m := self._moment(item, "", v))]
        return list(dict.fromkeys(found))

    def classes(self, item: str) -> list[str]:
        """Return the classes of which the item is an instance."""
        return self.things(item, "P31")

    def above(self, class_: str) -> set[str]:
        """Return a class and all classes above it, as far as the snapshot knows them."""
        found, queue = {class_}, [class_]
        while queue:
            for higher in self.things(queue.pop(), "P279"):
                if higher not in found:
                    found.add(higher)
                    queue.append(higher)
        return found

    def articles(self, item: str) -> dict[str, tuple[str, str]]:
        """Return the articles about an item by the address of their wiki: address and title."""
        found = {}
        for article in sorted(self._articles.get(item, [])):
            site = next(map(_text, self._get(article, PART_OF)), "")
            title = next(map(_text, self._get(article, ARTICLE_NAME)), "")
            found[site] = (article, title)
        return found

    def show(self, value: Term | None, language: str = "en") -> str:
        """Return a value in words."""
        if value is None:
            return ""
        if isinstance(value, ox.NamedNode):
            if value.value.startswith(UNKNOWN):
                return "unknown"
            is_item = value.value.startswith(ITEM)
            return self.label(value.value, language) if is_item else shorten(value.value)
        return _text(value)


def _text(term: Term) -> str:
    return str(term) if isinstance(term, ox.Triple) else term.value
