"""Which things have a name like this one, where the names are indexed?

The index brings candidates, those first that are likely to fit best; how well they fit is worked
out name by name. What sounds alike or is misspelt is looked for where little is strictly alike.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

from peninsula.dataset.interface import Dataset
from peninsula.labels import name_of
from peninsula.searching.comparison import Fit
from peninsula.searching.entries import Entry, read_entries, read_hierarchy
from peninsula.searching.fulltext import (
    FulltextIndex,
    Question,
    build_in_memory,
)
from peninsula.searching.kinds import Among, main_class, slug_of, standing
from peninsula.searching.phrases import LONGEST_TEXT, Phrase, read_phrase
from peninsula.searching.ranking import (
    MOST_COMPARED,
    Ranked,
    affordable,
    in_order,
    label_of,
    make_hit,
    put_first,
    rank,
    rank_exact,
    suggest,
)
from peninsula.searching.wishes import Facet, Found, Hit, Index, Name, Wish, read_iri
from peninsula.spelling import fold

#: Things that are strictly alike, with fewer of which those loosely alike are shown, too.
_ENOUGH: Final = 10
#: Things of which the order is worked out at a time.
_BLOCK: Final = 64
#: How well a name must fit for nothing loosely alike to be wanted beside it.
_SURELY: Final = 0.93
_LOOSE: Final = 50
#: Things that can be turned to, page by page.
MOST_SHOWN: Final = 2000
_NEAR: Final = 5
#: How alike two names are that are spelt nearly so.
_NEARLY: Final = 0.55
_NEARLY_CANDIDATES: Final = 60
_KNOWN_ENTRIES: Final = 2048


def read_names(dataset: Dataset) -> NameIndex:
    """Return an index, in this process, of the names in ``dataset``."""
    return NameIndex(build_in_memory(read_entries(dataset), read_hierarchy(dataset)))


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
            ranked = self._rank_block(wish, phrase, first)
            is_cut = False
            if wish.names_in or not any(found.fit.score >= _SURELY for found in ranked):
                ranked, is_cut = self._gather(wish, phrase, every)
            ranked = put_first(exact, ranked)
            found = self._tell(wish, phrase, ranked, among, offset, limit)
            return dataclasses.replace(found, is_cut=is_cut)
        counts = self._index.count_classes(query, every)
        if among != every:
            first, total = self._index.candidates(query, among, phrase, limit=_BLOCK)
        if exact is not None and not among.has(exact.entry):
            exact = None
        pages: list[Ranked] = []
        for block in self._blocks(query, wish, phrase, among, exact, first):
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
        return label_of(entry, language) if entry else Name(name_of(iri, {}, language))

    # How it is found.

    def _exact(self, wish: Wish, among: Among) -> Ranked | None:
        iri = read_iri(wish.text)
        entry = self._entry(iri) if iri else None
        if entry is None or not among.has(entry):
            return None
        return rank_exact(entry)

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
            for entry in affordable(entries):
                ranked = self._rank(wish, phrase, split, entry, is_partial=is_partial)
                if ranked is not None:
                    found[entry.iri] = ranked
        return in_order(found.values()), is_cut

    @staticmethod
    def _rank(
        wish: Wish, phrase: Phrase, split: Phrase | None, entry: Entry, *, is_partial: bool
    ) -> Ranked | None:
        ways = [phrase] if split is None else [phrase, split]
        ranked = (
            rank(
                way,
                entry,
                is_loose=True,
                is_partial=is_partial,
                names_in=wish.names_in,
                language=wish.language,
            )
            for way in ways
        )
        return min(filter(None, ranked), default=None)

    @staticmethod
    def _rank_block(wish: Wish, phrase: Phrase, entries: list[Entry]) -> list[Ranked]:
        ranked = (rank(phrase, e, is_loose=False, language=wish.language) for e in entries)
        return sorted(filter(None, ranked))

    def _blocks(
        self,
        query: Question,
        wish: Wish,
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
            ranked = self._rank_block(wish, phrase, entries)
            if exact is not None:
                ranked = [found for found in ranked if found.entry.iri != exact.entry.iri]
            yield ranked if exact is None or start > _BLOCK else [exact, *ranked]
            names += sum(len(entry.titles) for entry in entries)
            if len(entries) < _BLOCK or names > MOST_COMPARED:
                return
            entries, _ = self._index.candidates(query, among, phrase, offset=start, limit=_BLOCK)

    def _resembling(self, folded: str, among: Among) -> Iterator[Ranked]:
        query = self._index.resembling(folded)
        if query is None:
            return
        matcher = SequenceMatcher(b=folded, autojunk=False)
        for entry in affordable(self._index.resemble(query, among, _NEARLY_CANDIDATES)):
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
        within = [found for found in ranked if among.has(found.entry)]
        is_guessed = not any(found.fit.is_strict for found in ranked)
        suggestion = suggest(phrase, ranked) if ranked and is_guessed else ""
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
        return tuple(sorted(facets, key=Facet.order))

    def _hit(self, ranked: Ranked, phrase: Phrase, language: str) -> Hit:
        entry = ranked.entry
        class_ = main_class(entry, self._index.above)
        class_label = self.label(class_, language).text if class_ else ""
        return make_hit(ranked, phrase, language, class_, class_label)


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
