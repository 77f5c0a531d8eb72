"""Which things have a name like this one?

Names are compared without case, accents and punctuation, in whatever language they are. An index
answers: a table of all names in this process where there are few enough of them, else SPARQL
finds candidates and the same table ranks them. What asks (:class:`Wish`) and what comes back
(:class:`Found`) do not depend on which of the two it was.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Protocol

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.errors import QueryFailed
from peninsula.labels import LANGUAGES, name_of, rank_tag
from peninsula.namespaces import BASE, CONCEPT_SCHEMES, PREFIXES, THING_KINDS, expand, shorten
from peninsula.spelling import LONGEST_NAME, Piece, fit, fold, grams_of, mark, split_words

#: Characters of a text that is looked for.
LONGEST_TEXT: Final = 200
#: Names that the table of a process may hold; with more, SPARQL looks for candidates.
MOST_NAMES: Final = 100_000
#: Candidates that SPARQL brings, and that are ranked.
_CANDIDATES: Final = 400
#: Tables that are kept: the published generation, and one or two that somebody looks back at.
_KEPT: Final = 3
_SNIPPET: Final = 180
#: Classes above one that are looked at.
_MOST_ABOVE: Final = 100
#: Characters that are compared with names spelt nearly so: each costs a look into every name.
_COMPARED: Final = 60

#: Where names are, in the order in which they make a label: as in ``labels``.
_NAMING: Final = {
    expand(name): rank
    for name, rank in {
        "pen:paraphrase": 1, "skos:prefLabel": 2, "rdfs:label": 2, "dcterms:title": 3,
        "skos:altLabel": 4, "foaf:name": 4,
    }.items()
}  # fmt: skip
_PROPERTIES: Final = " ".join(f"<{iri}>" for iri in _NAMING)
_COUNT: Final = f"""
SELECT (COUNT(*) AS ?count) WHERE {{ VALUES ?property {{ {_PROPERTIES} }} ?thing ?property ?name }}
"""
_EACH: Final = " UNION ".join(
    f"{{{{ ?thing <{iri}> ?name BIND(<{iri}> AS ?property) }}}}" for iri in _NAMING
)
#: A union, because the engine goes through every name there is where a second VALUES binds the
#: property.
_NAMES: Final = f"""
SELECT DISTINCT ?thing ?property ?name WHERE {{{{
  {{values}} {_EACH.replace("?name", "?text")} FILTER(isIRI(?thing) && isLiteral(?text))
  BIND(COALESCE(SUBSTR(?text, 1, {LONGEST_NAME}), ?text) AS ?name)
}}}}
"""
_CLASSES: Final = """
SELECT DISTINCT ?thing ?class WHERE {{
  {values} ?thing a ?class FILTER(isIRI(?thing) && isIRI(?class))
}}
"""
_SUPERCLASSES: Final = """
SELECT DISTINCT ?class ?super WHERE {
  ?class rdfs:subClassOf ?super FILTER(isIRI(?class) && isIRI(?super) && ?class != ?super)
} LIMIT 20000
"""

#: What is only there to say something about something else.
_TECHNICAL: Final = frozenset(
    {
        "attribution", "passage", "selector", "link", "geometry", "participation", "vote",
        "sponsorship", "tenure", "conditional", "reading", "graph", "ontology", "vocabulary",
    }
)  # fmt: skip
#: What is said, held or thought.
_SAID: Final = frozenset(
    {
        "claim", "position", "tension", "situation", "relation", "notion", "measure", "exemption",
        "hypothetical-event",
    }
)  # fmt: skip
_CONCEPTS: Final = frozenset(CONCEPT_SCHEMES.values())


@dataclass(frozen=True)
class Wish:
    """What is looked for: a text, and among which things."""

    text: str
    #: Kinds in the address, as ``state`` or ``topic``; all where there is none.
    kinds: tuple[str, ...] = ()
    #: The IRI of a class; its subclasses count, too.
    class_iri: str = ""
    language: str = "en"

    @property
    def sparql(self) -> str:
        """Return a query that finds the same names, as far as SPARQL can compare them."""
        return f"SELECT DISTINCT ?thing ?name WHERE {{\n{self.pattern()}}}\nLIMIT {_CANDIDATES}\n"

    def pattern(self) -> str:
        """Return the pattern that a candidate matches."""
        words = split_words(self.text)
        tests = " && ".join(f"CONTAINS(LCASE(STR(?name)), {ox.Literal(word)})" for word in words)
        names = " ".join(shorten(iri) for iri in _NAMING)
        lines = [f"VALUES ?property {{ {names} }}", "?thing ?property ?name .", f"FILTER({tests})"]
        if self.class_iri:
            lines.append(f"?thing a/rdfs:subClassOf* {ox.NamedNode(self.class_iri)} .")
        if self.kinds:
            spaces = (PREFIXES[kind] for kind in self.kinds if kind in PREFIXES)
            starts = (f"STRSTARTS(STR(?thing), {ox.Literal(space)})" for space in spaces)
            lines.append(f"FILTER({' || '.join(starts) or 'false'})")
        lines.append("FILTER(isIRI(?thing))")
        return "".join(f"  {line}\n" for line in lines)


@dataclass(frozen=True)
class Name:
    """One name of a thing."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Hit:
    """A thing that was found."""

    iri: str
    label: tuple[Piece, ...]
    class_iri: str
    class_label: str
    other_names: tuple[Name, ...] = ()
    #: The name that matched, where it is not the label.
    snippet: tuple[Piece, ...] = ()
    snippet_language: str = ""

    @property
    def name(self) -> str:
        """Return its prefixed name."""
        return shorten(self.iri)

    @property
    def text(self) -> str:
        """Return its label."""
        return "".join(piece.text for piece in self.label)


@dataclass(frozen=True)
class Facet:
    """A class, and how many of what was found are of it."""

    class_iri: str
    label: str
    count: int

    @property
    def name(self) -> str:
        """Return the prefixed name of the class."""
        return shorten(self.class_iri)


@dataclass(frozen=True)
class Found:
    """Some of what was found, best first."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    #: Classes of everything found before the wish for one class is heard.
    facets: tuple[Facet, ...] = ()
    #: Whether there may be more than could be looked at.
    is_cut: bool = False


class Index(Protocol):
    """What answers a wish."""

    def find(self, wish: Wish, *, offset: int = 0, limit: int = 20) -> Found:
        """Return what has such a name."""
        ...

    def near(self, text: str, kinds: Sequence[str] = (), *, language: str = "en") -> list[Hit]:
        """Return a few things whose names are spelt nearly so."""
        ...


class Indexes:
    """The index of each generation, made when it is first asked."""

    def __init__(self, most_names: int = MOST_NAMES) -> None:
        self._most_names = most_names
        self._tables: OrderedDict[object, NameTable | None] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, dataset: Dataset, key: object) -> Index:
        """Return the index of ``dataset``; what has the same ``key`` has the same names."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                table = self._tables[key]
                return table if table is not None else CandidateIndex(dataset)
            # The others wait: they would only do the same work beside this one.
            count = next(iter(select(dataset, _COUNT)))[0]
            is_small = isinstance(count, ox.Literal) and int(count.value) <= self._most_names
            try:
                table = read_names(dataset) if is_small else None
            except QueryFailed:
                # Few names, but too much else about them: SPARQL looks for candidates then, too.
                table = None
            self._tables[key] = table
            while len(self._tables) > _KEPT:
                self._tables.popitem(last=False)
        return table if table is not None else CandidateIndex(dataset)


def read_names(dataset: Dataset, things: Iterable[str] | None = None) -> NameTable:
    """Return the names in ``dataset``, those of ``things`` only where they are given."""
    values = "" if things is None else _values("?thing", things)
    names: dict[str, set[tuple[int, str, str]]] = {}
    for thing, property, name in select(dataset, _NAMES.format(values=values)):
        if isinstance(property, ox.NamedNode) and isinstance(name, ox.Literal):
            entry = (_NAMING[property.value], name.value[:LONGEST_NAME], name.language or "")
            names.setdefault(_iri(thing), set()).add(entry)
    classes: dict[str, list[str]] = {}
    for thing, class_ in select(dataset, _CLASSES.format(values=values)):
        if _iri(thing) in names:
            classes.setdefault(_iri(thing), []).append(_iri(class_))
    supers: dict[str, set[str]] = {}
    for class_, super_ in select(dataset, _SUPERCLASSES):
        supers.setdefault(_iri(class_), set()).add(_iri(super_))
    if things is not None:
        # The classes must be called something, too.
        wanted = {class_ for some in classes.values() for class_ in some} - names.keys()
        labelled = read_names(dataset, wanted) if wanted else None
        return NameTable(names, classes, supers, labelled)
    return NameTable(names, classes, supers)


class NameTable:
    """Names held in this process."""

    def __init__(
        self,
        names: dict[str, set[tuple[int, str, str]]],
        classes: dict[str, list[str]],
        supers: dict[str, set[str]],
        labelled: NameTable | None = None,
    ) -> None:
        self._names = {iri: sorted(entries) for iri, entries in names.items()}
        self._supers = {class_: _closure(class_, supers) for class_ in supers}
        # Most things share their classes with many others: one tuple serves all of them.
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._classes: dict[str, tuple[str, ...]] = {}
        for iri, of in classes.items():
            ordered = tuple(sorted(of, key=lambda c: (-len(self._supers.get(c, ())), c)))
            self._classes[iri] = shared.setdefault(ordered, ordered)
        self._labelled = labelled
        self._things = list(self._names)
        # One text to look through, and where in it each thing begins.
        self._starts: list[int] = []
        parts: list[str] = []
        length = 0
        for iri in self._things:
            texts = [*dict.fromkeys(fold(text) for _, text, _ in self._names[iri])]
            texts.append(fold(_slug(iri)))
            part = "".join(f"\n {text}" for text in texts) + "\n"
            self._starts.append(length)
            parts.append(part)
            length += len(part)
        self._text = "".join(parts)

    def __len__(self) -> int:
        return len(self._things)

    def find(self, wish: Wish, *, offset: int = 0, limit: int = 20) -> Found:
        """Return what has such a name."""
        words = fold(wish.text).split()
        exact = _read_name(wish.text)
        kinds = set(wish.kinds)
        ranked: list[tuple[float, int, str, str]] = []
        counts: Counter[str] = Counter()
        for number in self._candidates(words):
            iri = self._things[number]
            kind = _kind(iri)
            if kinds and kind not in kinds:
                continue
            class_ = self._class_of(iri)
            counts[class_] += 1
            if wish.class_iri and not self._is_a(iri, wish.class_iri):
                continue
            rank, length = self._rank(number, words)
            if iri == exact:
                rank = -1
            else:
                rank += _penalty(iri, kind)
            ranked.append((rank, length, iri, class_))
        if exact and exact in self._names and not any(iri == exact for _, _, iri, _ in ranked):
            class_ = self._class_of(exact)
            if (not kinds or _kind(exact) in kinds) and (
                not wish.class_iri or self._is_a(exact, wish.class_iri)
            ):
                ranked.append((-1, 0, exact, class_))
                counts[class_] += 1
        ranked.sort()
        facets = [Facet(c, self.label(c, wish.language).text, n) for c, n in counts.items() if c]
        return Found(
            tuple(self._hit(iri, words, wish.language) for _, _, iri, _ in ranked[offset:][:limit]),
            len(ranked),
            tuple(sorted(facets, key=lambda facet: (-facet.count, facet.label))),
        )

    def near(
        self, text: str, kinds: Sequence[str] = (), *, language: str = "en", limit: int = 5
    ) -> list[Hit]:
        """Return a few things whose names are spelt nearly so."""
        wished = fold(text[:LONGEST_TEXT])[:_COMPARED]
        grams = grams_of(wished)
        if not grams:
            return []
        # Of those that share as many, names of about that length are looked at first.
        shared: list[tuple[int, int, int]] = []
        for number, iri in enumerate(self._things):
            if kinds and _kind(iri) not in kinds:
                continue
            part = self._part(number)
            count = sum(gram in part for gram in grams)
            if count * 4 >= len(grams):
                length = min(abs(len(line.strip()) - len(wished)) for line in part.split("\n"))
                shared.append((-count, length, number))
        close: list[tuple[float, str]] = []
        for *_, number in sorted(shared)[:60]:
            matcher = SequenceMatcher(b=wished, autojunk=False)
            best = 0.0
            for line in self._part(number).split("\n"):
                matcher.set_seq1(line.strip()[:LONGEST_TEXT])
                best = max(best, matcher.ratio())
            iri = self._things[number]
            if best > 0.55:
                close.append((_penalty(iri, _kind(iri)) / 20 - best, iri))
        return [self._hit(iri, (), language) for _, iri in sorted(close)[:limit]]

    def _candidates(self, words: Sequence[str]) -> list[int]:
        """Return the numbers of the things that have every one of ``words`` somewhere."""
        found: set[int] | None = None
        # The longest word leaves the fewest.
        for word in sorted(words, key=len, reverse=True):
            if found is None:
                found = set(self._holders(word))
            else:
                found = {number for number in found if word in self._part(number)}
        return sorted(found or ())

    def _holders(self, word: str) -> Iterator[int]:
        at = self._text.find(word)
        while at >= 0:
            number = bisect_right(self._starts, at) - 1
            yield number
            end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._text)
            at = self._text.find(word, end)

    def _part(self, number: int) -> str:
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._text)
        return self._text[self._starts[number] : end]

    def _rank(self, number: int, words: Sequence[str]) -> tuple[float, int]:
        """Return how well the best name fits (0 is best), and its length."""
        lines = self._part(number).strip("\n").split("\n")
        # The name in the address stands last, and counts a little less than one in words.
        return min(
            (
                fit(line, words) + (0.8 if i == len(lines) - 1 else 0),
                len(line),
            )
            for i, line in enumerate(lines)
        )

    def _hit(self, iri: str, words: Sequence[str], language: str) -> Hit:
        label = self.label(iri, language)
        class_ = self._class_of(iri)
        others = [
            Name(text, tag)
            for rank, text, tag in sorted(
                self._names.get(iri, ()), key=lambda entry: (rank_tag(entry[2]), entry)
            )
            if text != label.text
        ]
        pieces = mark(label.text, words)
        snippet: tuple[Piece, ...] = ()
        of = ""
        if words and not all(word in fold(label.text) for word in words):
            best = min(others, key=lambda name: fit(f" {fold(name.text)}", words), default=None)
            if best is not None and any(word in fold(best.text) for word in words):
                snippet, of = mark(best.text, words, most=_SNIPPET), best.language
        return Hit(
            iri,
            pieces,
            class_,
            self.label(class_, language).text if class_ else "",
            tuple(dict.fromkeys(others)),
            snippet,
            of,
        )

    def label(self, iri: str, language: str) -> Name:
        """Return what ``iri`` is called."""
        names = self._names.get(iri)
        if not names:
            if self._labelled is not None:
                return self._labelled.label(iri, language)
            return Name(name_of(iri, {}, language))
        order = (language, "en", *LANGUAGES)
        _, text, tag = min(
            names,
            key=lambda n: (order.index(n[2]) if n[2] in order else len(order), n[0], n[1]),
        )
        return Name(text, tag)

    def _class_of(self, iri: str) -> str:
        """Return its class that says most."""
        classes = self._classes.get(iri, ())
        return next((c for c in classes if c.startswith(BASE)), classes[0] if classes else "")

    def _is_a(self, iri: str, class_: str) -> bool:
        classes = self._classes.get(iri, ())
        return class_ in classes or any(class_ in self._supers.get(c, ()) for c in classes)


class CandidateIndex:
    """Names that SPARQL has to look for, because there are too many of them."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def find(self, wish: Wish, *, offset: int = 0, limit: int = 20) -> Found:
        """Return the best of the first candidates."""
        things = {_iri(row[0]) for row in select(self._dataset, wish.sparql)}
        is_cut = len(things) >= _CANDIDATES // 2
        if exact := _read_name(wish.text):
            things.add(exact)
        if not things:
            return Found()
        found = read_names(self._dataset, things).find(wish, offset=offset, limit=limit)
        return Found(found.hits, found.total, found.facets, is_cut)

    def near(self, text: str, kinds: Sequence[str] = (), *, language: str = "en") -> list[Hit]:
        """Return things that have the longest word of ``text`` in their name."""
        longest = max(fold(text).split(), key=len, default="")
        if not longest:
            return []
        wish = Wish(longest, tuple(kinds), language=language)
        return list(self.find(wish, limit=5).hits)


# What stands behind what.


def _penalty(iri: str, kind: str) -> float:
    """Return by how much a thing stands behind another that has as good a name."""
    if not iri.startswith(BASE):
        return 1
    if kind in _SAID:
        return 0.5
    if kind in _CONCEPTS:
        return 1.1
    if kind in _TECHNICAL:
        return 3.3
    return 0 if kind in THING_KINDS else 2.2


def _kind(iri: str) -> str:
    """Return the kind of a thing as it stands in its address; ``pen`` for terms."""
    path = iri.removeprefix(BASE)
    if path == iri:
        return ""
    first, _, rest = path.removeprefix("id/").partition("/")
    return "pen" if first.startswith("ns#") else first if rest else ""


def _slug(iri: str) -> str:
    return re.split(r"[/#]", iri.rstrip("/#"))[-1]


def _read_name(text: str) -> str:
    """Return the IRI that ``text`` is the prefixed name of, or is itself; else nothing."""
    text = text.strip().removeprefix("<").removesuffix(">")
    prefix, colon, local = text.partition(":")
    if not colon or not local or " " in text:
        return ""
    iri = PREFIXES[prefix] + local if prefix in PREFIXES else text if "//" in local else ""
    try:
        return ox.NamedNode(iri).value if iri else ""
    except ValueError:
        return ""


def _closure(class_: str, supers: dict[str, set[str]]) -> frozenset[str]:
    """Return the classes above ``class_``, as many of them as a sensible hierarchy has."""
    found: set[str] = set()
    waiting = [class_]
    while waiting and len(found) < _MOST_ABOVE:
        new = supers.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return frozenset(found - {class_})


def _values(variable: str, iris: Iterable[str]) -> str:
    return f"VALUES {variable} {{ {' '.join(str(ox.NamedNode(iri)) for iri in sorted(iris))} }}"


def _iri(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode) else ""
