"""Which things have a name like this one?

Names are compared without case, accents and punctuation, in whatever language and script they are:
by their words, by other forms of them, by how they begin, and where that finds little by what
sounds alike or is misspelt. An index answers: in this process where there are few names, in the
folder of the store where there are many, and while that is being made an earlier one, or SPARQL.
What asks (:class:`Wish`) and what comes back (:class:`Found`) do not depend on which of them it
was.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.errors import QueryFailed
from peninsula.labels import LANGUAGES, name_of, rank_tag
from peninsula.namespaces import PREFIXES, shorten
from peninsula.searching.comparison import (
    LONGEST_TEXT,
    Fit,
    Phrase,
    Span,
    correct,
    find_spans,
    fit,
    fit_spread,
    read_name,
    read_phrase,
)
from peninsula.searching.entries import (
    BORROWED,
    NAMING,
    Entry,
    Title,
    count_names,
    read_entries,
    read_entries_about,
    read_hierarchy,
)
from peninsula.searching.fulltext import (
    Among,
    FulltextIndex,
    Question,
    build_in_memory,
    main_class,
    slug_of,
    standing,
)
from peninsula.searching.shelf import Shelf
from peninsula.searching.words import HOWS
from peninsula.spelling import Piece, fold, mark_spans, split_words

__all__ = ["LONGEST_TEXT", "CandidateIndex", "Facet", "Found", "Hit", "Index", "Indexes", "Name",
           "NameIndex", "Wish", "read_names"]  # fmt: skip

#: Names that an index may hold where there is no folder for one.
MOST_WITHOUT_FOLDER: Final = 100_000
#: Candidates that SPARQL brings, and that are ranked.
_CANDIDATES: Final = 400
#: Indexes in this process that are kept: of the published generation, and one or two that somebody
#: looks back at.
_KEPT: Final = 3
_SNIPPET: Final = 180
#: Things that are strictly alike, with fewer of which those loosely alike are shown, too.
_ENOUGH: Final = 10
#: Things of which the order is worked out at a time.
_BLOCK: Final = 64
#: How well a name must fit for nothing loosely alike to be wanted beside it.
_SURELY: Final = 0.93
_LOOSE: Final = 50
#: Things that can be turned to, page by page.
MOST_SHOWN: Final = 2000
#: Names that are compared for one question, one after another.
_MOST_COMPARED: Final = 20_000
#: Names of a hit among which one is looked for that has what was typed.
_MOST_TOLD: Final = 40
#: What a name counts for that is not the main one: the name of an item of Wikidata, another one,
#: and the one in the address.
_BORROWED_NAME: Final = 0.95
_OTHER_NAME: Final = 0.97
_ADDRESS: Final = 0.8
#: What it counts for that much is said of a thing.
_RENOWN: Final = 0.05
_NEAR: Final = 5
#: How alike two names are that are spelt nearly so.
_NEARLY: Final = 0.55
_NEARLY_CANDIDATES: Final = 60
_KNOWN_ENTRIES: Final = 2048


@dataclass(frozen=True)
class Wish:
    """What is looked for: a text, and among which things."""

    text: str
    #: Kinds in the address, as ``state`` or ``topic``; all where there is none.
    kinds: tuple[str, ...] = ()
    #: The IRI of a class; its subclasses count, too.
    class_iri: str = ""
    #: In which things are called, for whoever reads what is found.
    language: str = "en"
    #: The language of names that are looked through; all where it is empty.
    names_in: str = ""

    @property
    def sparql(self) -> str:
        """Return a query that finds the same."""
        lines = [f"?thing search:text {ox.Literal(self.text)}"]
        if self.class_iri:
            lines.append(f"search:class {_shown(self.class_iri)}")
        if self.names_in:
            lines.append(f"search:language {ox.Literal(self.names_in)}")
        lines += [f"search:kind {ox.Literal(kind)}" for kind in self.kinds]
        lines += ["search:name ?name", "search:match ?match", "search:score ?score"]
        body = " ;\n      ".join(lines)
        return (
            "SELECT ?thing ?name ?match ?score WHERE {\n"
            f"  SERVICE <peninsula:search> {{\n    {body} .\n  }}\n}}\nORDER BY DESC(?score)\n"
        )

    def candidates(self) -> str:
        """Return a query that finds what has every word in one name, as far as SPARQL compares."""
        words = split_words(self.text[:LONGEST_TEXT])
        tests = " && ".join(f"CONTAINS(LCASE(STR(?name)), {ox.Literal(word)})" for word in words)
        names = " ".join(shorten(iri) for iri in NAMING)
        lines = [f"VALUES ?property {{ {names} }}", "?thing ?property ?name .", f"FILTER({tests})"]
        if self.class_iri:
            lines.append(f"?thing a/rdfs:subClassOf* {ox.NamedNode(self.class_iri)} .")
        if self.kinds:
            spaces = (PREFIXES[kind] for kind in self.kinds if kind in PREFIXES)
            starts = (f"STRSTARTS(STR(?thing), {ox.Literal(space)})" for space in spaces)
            lines.append(f"FILTER({' || '.join(starts) or 'false'})")
        lines.append("FILTER(isIRI(?thing))")
        pattern = "".join(f"  {line}\n" for line in lines)
        return f"SELECT DISTINCT ?thing WHERE {{\n{pattern}}}\nLIMIT {_CANDIDATES}\n"


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
    #: How well its best name fits, from 0 to 1, and what it is good for beside others.
    score: float = 0.0
    #: What is alike: see ``words.HOWS``; “iri” where its IRI was given, “resemblance” where only
    #: letters are.
    match: str = ""
    #: The name that fits best.
    matched: Name = Name("")

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
    #: Whether nothing has a name strictly like what is looked for.
    is_guessed: bool = False
    #: What may have been meant instead.
    suggestion: str = ""
    #: Why this is not the last word: “earlier” where the index of an earlier state answered,
    #: “unindexed” where none did.
    provisional: str = ""


class Index(Protocol):
    """What answers a wish."""

    @property
    def is_settled(self) -> bool:
        """Return whether it will answer the same wish in the same way."""
        ...

    def find(self, wish: Wish, *, offset: int = 0, limit: int = 20) -> Found:
        """Return what has such a name."""
        ...

    def near(self, text: str, kinds: Sequence[str] = (), *, language: str = "en") -> list[Hit]:
        """Return a few things whose names are spelt nearly so."""
        ...


class Indexes:
    """The index of each generation, made when it is first asked."""

    def __init__(self, shelf: Shelf | None = None, *, most_names: int | None = None) -> None:
        self._shelf = shelf
        self._most_names = MOST_WITHOUT_FOLDER if most_names is None else most_names
        if shelf is not None and most_names is not None:
            shelf.most_names = most_names
        self._in_memory: OrderedDict[object, NameIndex | None] = OrderedDict()
        self._on_shelf: OrderedDict[int, NameIndex] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, dataset: Dataset, key: object) -> Index:
        """Return the index of ``dataset``; what has the same ``key`` has the same names."""
        if self._shelf is not None:
            return self._take_down(self._shelf, dataset)
        with self._lock:
            if key in self._in_memory:
                self._in_memory.move_to_end(key)
            else:
                # The others wait: they would only do the same work beside this one.
                self._in_memory[key] = self._read(dataset)
                while len(self._in_memory) > _KEPT:
                    self._in_memory.popitem(last=False)
            index = self._in_memory[key]
        # Even if it is of no names.
        return CandidateIndex(dataset) if index is None else index

    def _read(self, dataset: Dataset) -> NameIndex | None:
        try:
            if count_names(dataset, self._most_names + 1) <= self._most_names:
                return read_names(dataset)
        except QueryFailed:
            # Few names, but too much else about them.
            pass
        return None

    def _take_down(self, shelf: Shelf, dataset: Dataset) -> Index:
        number = dataset.generation
        index = self._open(shelf, number)
        if index is None and shelf.bring(dataset):
            index = self._open(shelf, number)
        if index is not None:
            return index
        shelf.want(number)
        before = shelf.nearest(number)
        earlier = None if before is None else self._open(shelf, before)
        return CandidateIndex(dataset) if earlier is None else EarlierIndex(earlier)

    def _open(self, shelf: Shelf, number: int) -> NameIndex | None:
        index = shelf.open(number)
        if index is None:
            return None
        with self._lock:
            known = self._on_shelf.get(number)
            if known is None or known.index is not index:
                known = self._on_shelf[number] = NameIndex(index)
                while len(self._on_shelf) > _KEPT:
                    self._on_shelf.popitem(last=False)
        return known

    def follow(self, number: int) -> None:
        """Have the index of the published generation made before somebody asks, where it may be."""
        if self._shelf is not None:
            self._shelf.follow(number)

    def close(self) -> None:
        """End what is being made."""
        if self._shelf is not None:
            self._shelf.close()


def read_names(dataset: Dataset) -> NameIndex:
    """Return an index, in this process, of the names in ``dataset``."""
    return NameIndex(build_in_memory(read_entries(dataset), read_hierarchy(dataset)))


class Ranked(NamedTuple):
    """A thing that fits, with what tells how well."""

    order: tuple[float, int, str]
    entry: Entry
    fit: Fit
    #: The name that fits best; None where it is in the address, or in several names.
    title: Title | None


def rank(
    phrase: Phrase, entry: Entry, *, is_loose: bool, is_partial: bool = False, names_in: str = ""
) -> Ranked | None:
    """Return how well the names of a thing fit what is looked for; None where they do not."""
    best: tuple[tuple[float, bool, int], Fit, Title | None] | None = None
    is_latin = phrase.phrase.isascii()
    titles = [t for t in entry.titles if not names_in or t.tag == names_in]
    for title in titles:
        found = fit(phrase, read_name(title.text), is_loose=is_loose, is_partial=is_partial)
        if found is not None:
            worth = _BORROWED_NAME if title.rank >= BORROWED else 1.0
            worth = _OTHER_NAME if title.rank in {4, 5} else worth
            # Of names that fit as well, one in the script of the question, and a short one.
            order = (found.score * worth, title.text.isascii() == is_latin, -len(title.text))
            if best is None or order > best[0]:
                best = (order, found, title)
    if not names_in and (best is None or best[0][0] < _ADDRESS):
        name = read_name(slug_of(entry.iri))
        found = fit(phrase, name, is_loose=is_loose, is_partial=is_partial) if name.tokens else None
        if found is not None and (best is None or found.score * _ADDRESS > best[0][0]):
            best = ((found.score * _ADDRESS, is_latin, -len(name.phrase)), found, None)
        if best is None and not is_partial:
            names = [read_name(title.text) for title in titles]
            spread = fit_spread(phrase, [*names, name], is_loose=is_loose)
            if spread is not None:
                best = ((spread.score, is_latin, 0), spread, None)
    if best is None:
        return None
    (score, _, length), found, chosen = best
    score = round(score * standing(entry.iri) + _RENOWN * entry.renown, 6)
    return Ranked((-score, -length, entry.iri), entry, found, chosen)


class NameIndex:
    """Names that are indexed."""

    is_settled = True

    def __init__(self, index: FulltextIndex) -> None:
        self.index = self._index = index
        self._entry = lru_cache(_KNOWN_ENTRIES)(index.find_entry)

    def __len__(self) -> int:
        return len(self._index)

    def find(self, wish: Wish, *, offset: int = 0, limit: int = 20) -> Found:
        """Return what has such a name."""
        phrase = read_phrase(wish.text)
        every = self._index.among(wish.kinds, "")
        among = self._index.among(wish.kinds, wish.class_iri)
        exact = self._exact(wish, every)
        query = self._index.strict(phrase)
        if query is None:
            return self._tell(wish, phrase, [exact] if exact else [], every, offset, limit)
        first, total = self._index.candidates(query, every, phrase, limit=_BLOCK)
        if total < _ENOUGH or wish.names_in:
            ranked = sorted(filter(None, (rank(phrase, e, is_loose=False) for e in first)))
            is_cut = False
            if wish.names_in or not any(found.fit.score >= _SURELY for found in ranked):
                ranked, is_cut = self._gather(wish, phrase, every)
            ranked = _with(exact, ranked)
            found = self._tell(wish, phrase, ranked, among, offset, limit)
            return dataclasses.replace(found, is_cut=is_cut)
        counts = self._index.count_classes(query, every)
        if among != every:
            first, total = self._index.candidates(query, among, phrase, limit=_BLOCK)
        if exact is not None and not self._index.is_among(exact.entry, among):
            exact = None
        pages: list[Ranked] = []
        for block in self._blocks(query, phrase, among, exact, first):
            pages += block
            if len(pages) >= min(offset + limit, MOST_SHOWN):
                break
        chosen = pages[offset : offset + limit] if offset < MOST_SHOWN else []
        return Found(
            tuple(self._hit(found, phrase, wish.language) for found in chosen),
            # What is found by its IRI need not have the words in a name.
            max(total, len(pages)),
            self._facets(counts, wish.language),
            is_cut=total > MOST_SHOWN,
        )

    def near(
        self, text: str, kinds: Sequence[str] = (), *, language: str = "en", limit: int = _NEAR
    ) -> list[Hit]:
        """Return a few things whose names are spelt nearly so."""
        wish = Wish(text[:LONGEST_TEXT], tuple(kinds), language=language)
        phrase = read_phrase(wish.text)
        among = self._index.among(wish.kinds, "")
        ranked, _ = self._gather(wish, phrase, among)
        if not ranked:
            ranked = list(self._resembling(fold(wish.text), among))
        return [self._hit(found, phrase, language) for found in sorted(ranked)[:limit]]

    def label(self, iri: str, language: str) -> Name:
        """Return what ``iri`` is called."""
        entry = self._entry(iri)
        return _label(entry, language) if entry else Name(name_of(iri, {}, language))

    # How it is found.

    def _exact(self, wish: Wish, among: Among) -> Ranked | None:
        iri = _read_name(wish.text)
        entry = self._entry(iri) if iri else None
        if entry is None or not self._index.is_among(entry, among):
            return None
        return Ranked((-2.0, 0, iri), entry, Fit(1.0, "iri", is_strict=True), None)

    def _gather(self, wish: Wish, phrase: Phrase, among: Among) -> tuple[list[Ranked], bool]:
        """Return what fits, loosely or in part where it must be; and whether there may be more."""
        found: dict[str, Ranked] = {}
        is_cut = False
        split = self._index.split(phrase)
        for is_partial, query in (
            (False, self._index.loose(phrase)),
            (True, self._index.partial(phrase)),
        ):
            if query is None or found:
                continue
            entries, count = self._index.candidates(query, among, phrase, limit=_LOOSE)
            is_cut = count > len(entries)
            for entry in _affordable(entries):
                ranked = self._rank(wish, phrase, split, entry, is_partial=is_partial)
                if ranked is not None:
                    found[entry.iri] = ranked
        return sorted(found.values()), is_cut

    @staticmethod
    def _rank(
        wish: Wish, phrase: Phrase, split: Phrase | None, entry: Entry, *, is_partial: bool
    ) -> Ranked | None:
        ways = [phrase] if split is None else [phrase, split]
        ranked = (
            rank(way, entry, is_loose=True, is_partial=is_partial, names_in=wish.names_in)
            for way in ways
        )
        return min(filter(None, ranked), default=None)

    def _blocks(
        self,
        query: Question,
        phrase: Phrase,
        among: Among,
        exact: Ranked | None,
        entries: list[Entry],
    ) -> Iterator[list[Ranked]]:
        """Yield what is strictly alike, in order: within a block by how well it fits.

        ``entries`` are those of the first block.
        """
        names = 0
        for start in range(_BLOCK, MOST_SHOWN + _BLOCK, _BLOCK):
            ranked = sorted(filter(None, (rank(phrase, e, is_loose=False) for e in entries)))
            if exact is not None:
                ranked = [found for found in ranked if found.entry.iri != exact.entry.iri]
            yield ranked if exact is None or start > _BLOCK else [exact, *ranked]
            names += sum(len(entry.titles) for entry in entries)
            if len(entries) < _BLOCK or names > _MOST_COMPARED:
                return
            entries, _ = self._index.candidates(query, among, phrase, offset=start, limit=_BLOCK)

    def _resembling(self, folded: str, among: Among) -> Iterator[Ranked]:
        query = self._index.resembling(folded)
        if query is None:
            return
        matcher = SequenceMatcher(b=folded, autojunk=False)
        for entry in _affordable(self._index.resemble(query, among, _NEARLY_CANDIDATES)):
            best = 0.0
            for text in (*(title.text for title in entry.titles), slug_of(entry.iri)):
                matcher.set_seq1(fold(text)[:LONGEST_TEXT])
                if matcher.quick_ratio() > max(best, _NEARLY):
                    best = max(best, matcher.ratio())
            if best > _NEARLY:
                order = (-round(best * standing(entry.iri), 6), 0, entry.iri)
                yield Ranked(order, entry, Fit(best, "resemblance"), None)

    # How it is told.

    def _tell(
        self,
        wish: Wish,
        phrase: Phrase,
        ranked: list[Ranked],
        among: Among,
        offset: int,
        limit: int,
    ) -> Found:
        """Return a page of what has been ranked whole."""
        counts = Counter(main_class(found.entry, self._index.above) for found in ranked)
        within = [found for found in ranked if self._index.is_among(found.entry, among)]
        is_guessed = not any(found.fit.is_strict for found in ranked)
        suggestion = ""
        if ranked and is_guessed and (title := ranked[0].title):
            suggestion = correct(phrase, read_name(title.text), title.text)
        return Found(
            tuple(
                self._hit(found, phrase, wish.language) for found in within[offset : offset + limit]
            ),
            len(within),
            self._facets(counts, wish.language),
            is_guessed=bool(ranked) and is_guessed,
            suggestion=suggestion,
        )

    def _facets(self, counts: dict[str, int], language: str) -> tuple[Facet, ...]:
        facets = (Facet(c, self.label(c, language).text, n) for c, n in counts.items() if c)
        return tuple(sorted(facets, key=lambda facet: (-facet.count, facet.label, facet.class_iri)))

    def _hit(self, ranked: Ranked, phrase: Phrase, language: str) -> Hit:
        entry = ranked.entry
        class_ = main_class(entry, self._index.above)
        class_label = self.label(class_, language).text if class_ else ""
        return make_hit(ranked, phrase, language, class_, class_label)


def _affordable(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the first of ``entries``, until their names are as many as can be compared."""
    names = 0
    for entry in entries:
        yield entry
        names += len(entry.titles)
        if names > _MOST_COMPARED:
            return


def make_hit(ranked: Ranked, phrase: Phrase, language: str, class_: str, class_label: str) -> Hit:
    """Return what is told of a thing that was found."""
    entry = ranked.entry
    title, how = _choose_title(phrase, ranked)
    label = _label(entry, language)
    others = [
        Name(other.text, other.tag)
        for other in sorted(entry.titles, key=lambda t: (rank_tag(t.tag), t))
        if other.text != label.text
    ]
    snippet: tuple[Piece, ...] = ()
    of = ""
    spans: list[Span] = []
    if how != "iri":
        spans = find_spans(phrase, read_name(label.text), label.text)
        if title is not None and title.text != label.text:
            marked = find_spans(phrase, read_name(title.text), title.text)
            snippet, of = mark_spans(title.text, marked, most=_SNIPPET), title.tag
    matched = Name(title.text, title.tag) if title else label
    return Hit(
        entry.iri,
        mark_spans(label.text, spans),
        class_,
        class_label,
        tuple(dict.fromkeys(others)),
        snippet,
        of,
        min(1.0, round(-ranked.order[0], 4)),
        how,
        matched,
    )


def _choose_title(phrase: Phrase, ranked: Ranked) -> tuple[Title | None, str]:
    """Return the name to tell, and how it is alike.

    A short name in another script may fit best as a whole: 푸틴 is Путин. Where another name has
    what was typed, letter by letter, that one is told.
    """
    best = (ranked.title, ranked.fit.how)
    if ranked.title is None or ranked.fit.how not in HOWS:
        return best
    place = HOWS.index(ranked.fit.how)
    for title in ranked.entry.titles[: _MOST_TOLD if place else 0]:
        found = fit(phrase, read_name(title.text), is_loose=False)
        if found is not None and found.how in HOWS and HOWS.index(found.how) < place:
            best, place = (title, found.how), HOWS.index(found.how)
    return best


def _label(entry: Entry, language: str) -> Name:
    order = (language, "en", *LANGUAGES)
    best = min(
        entry.titles,
        key=lambda t: (
            t.rank >= BORROWED,
            order.index(t.tag) if t.tag in order else len(order),
            t.rank,
            t.text,
        ),
    )
    return Name(best.text, best.tag)


def _with(exact: Ranked | None, ranked: list[Ranked]) -> list[Ranked]:
    if exact is None:
        return ranked
    return [exact, *(found for found in ranked if found.entry.iri != exact.entry.iri)]


class EarlierIndex:
    """The index of an earlier state, which answers while that of the wanted one is being made."""

    is_settled = False

    def __init__(self, index: Index) -> None:
        self._index = index

    def find(self, wish: Wish, *, offset: int = 0, limit: int = 20) -> Found:
        """Return what had such a name."""
        found = self._index.find(wish, offset=offset, limit=limit)
        return dataclasses.replace(found, provisional="earlier")

    def near(self, text: str, kinds: Sequence[str] = (), *, language: str = "en") -> list[Hit]:
        """Return a few things whose names were spelt nearly so."""
        return self._index.near(text, kinds, language=language)


class CandidateIndex:
    """Names that SPARQL has to look for, because there is no index of them yet."""

    is_settled = False

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def find(self, wish: Wish, *, offset: int = 0, limit: int = 20) -> Found:
        """Return the best of the first candidates."""
        phrase = read_phrase(wish.text)
        things: set[str] = set()
        if phrase.words:
            things = {_iri(row[0]) for row in select(self._dataset, wish.candidates())}
        is_cut = len(things) >= _CANDIDATES
        exact = _read_name(wish.text)
        if exact:
            things.add(exact)
        entries = {e.iri: e for e in read_entries_about(self._dataset, things)}
        above = read_hierarchy(self._dataset) if entries else {}
        ranked = []
        for entry in entries.values():
            if entry.iri == exact:
                order = (-2.0, 0, entry.iri)
                ranked.append(Ranked(order, entry, Fit(1.0, "iri", is_strict=True), None))
            elif found := rank(phrase, entry, is_loose=True, names_in=wish.names_in):
                ranked.append(found)
        ranked.sort()
        classes = {main_class(entry, above) for entry in entries.values()}
        named = {e.iri: e for e in read_entries_about(self._dataset, classes - {""})}

        def call(class_: str) -> str:
            known = named.get(class_)
            return _label(known, wish.language).text if known else name_of(class_, {})

        counts = Counter(main_class(found.entry, above) for found in ranked)
        facets = [Facet(class_, call(class_), n) for class_, n in counts.items() if class_]
        hits = []
        for found in ranked[offset : offset + limit]:
            class_ = main_class(found.entry, above)
            hits.append(make_hit(found, phrase, wish.language, class_, call(class_)))
        return Found(
            tuple(hits),
            len(ranked),
            tuple(sorted(facets, key=lambda f: (-f.count, f.label, f.class_iri))),
            is_cut,
            provisional="unindexed",
        )

    def near(self, text: str, kinds: Sequence[str] = (), *, language: str = "en") -> list[Hit]:
        """Return things that have the longest word of ``text`` in their name."""
        longest = max(fold(text[:LONGEST_TEXT]).split(), key=len, default="")
        if not longest:
            return []
        wish = Wish(longest, tuple(kinds), language=language)
        return list(self.find(wish, limit=_NEAR).hits)


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


def _shown(iri: str) -> str:
    name = shorten(iri)
    return name if name != iri else f"<{iri}>"


def _iri(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode) else ""
