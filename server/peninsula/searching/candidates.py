"""Which things have a name like this one, where nothing is indexed yet?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from peninsula.dataset.interface import Dataset, select
from peninsula.labels import name_of
from peninsula.searching.entries import read_entries_about, read_hierarchy
from peninsula.searching.kinds import Among, main_class
from peninsula.searching.phrases import LONGEST_TEXT, read_phrase
from peninsula.searching.ranking import label_of, make_hit, rank, rank_exact
from peninsula.searching.wishes import MOST_CANDIDATES, Facet, Found, Hit, Wish, read_iri
from peninsula.spelling import fold
from peninsula.terms import iri_of

_NEAR: Final = 5


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
            things = {iri_of(row[0]) for row in select(self._dataset, wish.candidates())}
        is_cut = len(things) >= MOST_CANDIDATES
        exact = read_iri(wish.text)
        if exact:
            things.add(exact)
        entries = {e.iri: e for e in read_entries_about(self._dataset, things)}
        above = read_hierarchy(self._dataset) if entries else {}
        below = [c for c, supers in above.items() if wish.class_iri in supers]
        among = Among(wish.kinds, (wish.class_iri, *below) if wish.class_iri else ())
        ranked = []
        for entry in entries.values():
            if entry.iri == exact:
                if among.has(entry):
                    ranked.append(rank_exact(entry))
            elif found := rank(
                phrase, entry, is_loose=True, names_in=wish.names_in, language=wish.language
            ):
                ranked.append(found)
        ranked.sort()
        classes = {main_class(entry, above) for entry in entries.values()}
        named = {e.iri: e for e in read_entries_about(self._dataset, classes - {""})}

        def call(class_: str) -> str:
            known = named.get(class_)
            return label_of(known, wish.language).text if known else name_of(class_, {})

        counts = Counter(main_class(found.entry, above) for found in ranked)
        facets = (Facet(class_, call(class_), n) for class_, n in counts.items() if class_)
        hits = []
        for found in ranked[offset : offset + limit]:
            class_ = main_class(found.entry, above)
            hits.append(make_hit(found, phrase, wish.language, class_, call(class_)))
        return Found(
            tuple(hits),
            len(ranked),
            tuple(sorted(facets, key=Facet.order)),
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
