"""Which things may have such a name, out of a million?

The index is tantivy's. A thing is one document with the keys of all its names, by which words are
alike (:mod:`peninsula.searching.words`), and with the names themselves. What is asked is put
together of terms: the words of whoever asks are never read as a query. How well a candidate fits
is not said here; the index brings those first that are likely to fit best.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import tantivy
from tantivy import Occur, Query

from peninsula.searching.entries import Entry
from peninsula.searching.kinds import Among, kind_of, main_class, slug_of, standing
from peninsula.searching.phrases import Phrase, read_keys, split_compound
from peninsula.searching.words import LONGEST_HEAD, SHORTEST_PART, Word, initials_of

#: A question to an index, put together of terms.
Question: TypeAlias = Query
#: Which keys there are, and what they mean; files of another one are made anew.
FORMAT: Final = 2
#: Memory of the writer, and its threads.
_HEAP: Final = 400_000_000
_SMALL_HEAP: Final = 15_000_000
_THREADS: Final = 2
#: Kinds that are counted.
MOST_FACETS: Final = 100
_MOST_TERMS: Final = 200
#: What makes sure that a candidate is among the first.
_ABOVE: Final = 4.0


@lru_cache(1)
def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("iri", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("class", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("main", fast=True, tokenizer_name="raw", index_option="basic")
    # Each word of each name by its keys; see words.Word.
    for name in ("key", "head", "ending", "first", "whole", "heard"):
        builder.add_text_field(name, tokenizer_name="words", index_option="basic")
    builder.add_text_field("gram", tokenizer_name="grams", index_option="basic")
    builder.add_float_field("standing", fast=True)
    builder.add_bytes_field("entry", stored=True)
    return builder.build()


def _teach(index: tantivy.Index) -> tantivy.Index:
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    grams = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.ngram(3, 3)).build()
    index.register_tokenizer("words", words)
    index.register_tokenizer("grams", grams)
    return index


class Writer:
    """Writes an index: in a folder, or in memory where there is none."""

    def __init__(
        self, folder: Path | None, above: dict[str, list[str]], *, is_small: bool = False
    ) -> None:
        self._index = _teach(tantivy.Index(_schema(), str(folder) if folder else None))
        self._above = above
        heap, threads = (_SMALL_HEAP, 1) if is_small or folder is None else (_HEAP, _THREADS)
        self._writer = self._index.writer(heap, threads)

    def add(self, document: str) -> None:
        """Add a thing, as :func:`make_document` tells of it."""
        self._writer.add_json(document)

    def remove(self, iri: str) -> None:
        """Leave out what the index holds of a thing so far."""
        self._writer.delete_documents_by_term("iri", iri)

    def finish(self) -> FulltextIndex:
        """Make it whole; a folder is on disk then."""
        self._writer.commit()
        self._writer.wait_merging_threads()
        self._index.reload()
        return FulltextIndex(self._index, self._above)


def make_document(entry: Entry, above: dict[str, list[str]]) -> str:
    """Return what the index is to hold of a thing, as JSON: it is made in several processes."""
    words: set[Word] = set()
    wholes: list[Word] = []
    first: set[str] = set()
    for title in entry.titles:
        found, whole = read_keys(title.text)
        words.update(found)
        if found:
            first.add(found[0].text)
        if whole is not None:
            wholes.append(whole)
    words.update(read_keys(slug_of(entry.iri))[0])
    heard = {_heard(whole, sound) for whole in wholes for sound in whole.sounds}
    shorts = {f"i{short}" for title in entry.titles for short in initials_of(title.text)}
    return _encode(
        {
            "iri": entry.iri,
            "kind": kind_of(entry.iri),
            "class": entry.classes,
            "main": main_class(entry, above),
            "key": _joined([word.keys for word in words]),
            "head": _joined([word.heads for word in words]),
            "ending": _joined([word.endings for word in words if word.endings]),
            "first": " ".join(first),
            "whole": _joined([whole.keys for whole in wholes]),
            "heard": " ".join(heard | shorts),
            # Of Korean words, their endings do that.
            "gram": "\n".join([word.text for word in words if not word.is_hangul]),
            "standing": standing(entry.iri),
            "entry": b64encode(entry.to_text().encode()).decode(),
        }
    )


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _joined(keys: list[Collection[str]]) -> str:
    return " ".join(set().union(*keys))


def _heard(word: Word, sound: str) -> str:
    """Return the key of a sound: what is Hangul is told from what is not."""
    return f"{'h' if word.is_hangul else 'l'}{sound}"


class FulltextIndex:
    """An index that is not written to any more; safe for many threads."""

    def __init__(self, index: tantivy.Index, above: dict[str, list[str]]) -> None:
        self._searcher = index.searcher()
        self._schema = _schema()
        #: Class -> the classes above it.
        self.above = above
        self._below: dict[str, set[str]] = {}
        for class_, supers in above.items():
            for super_ in supers:
                self._below.setdefault(super_, set()).add(class_)

    @classmethod
    def open(cls, folder: Path, above: dict[str, list[str]]) -> FulltextIndex:
        """Return the index in ``folder``."""
        return cls(_teach(tantivy.Index.open(str(folder))), above)

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def among(self, kinds: Sequence[str], class_iri: str) -> Among:
        """Return what kinds and a class, with those below it, come to."""
        classes = {class_iri, *self._below.get(class_iri, ())} if class_iri else set()
        return Among(tuple(kinds), tuple(sorted(classes)))

    def find_entry(self, iri: str) -> Entry | None:
        """Return a thing by its IRI."""
        query = Query.term_query(self._schema, "iri", iri, "basic")
        hits = self._searcher.search(query, 1, count=False).hits
        return self._read(hits[0][1]) if hits else None

    def knows(self, folded: str) -> bool:
        """Return whether a word stands in some name."""
        return bool(self._searcher.doc_freq("key", folded))

    def strict(self, phrase: Phrase) -> Query | None:
        """Return what things match that have something strictly like every word, or initials."""
        every = self._every(phrase, is_loose=False)
        return None if every is None else _any([every, *self._initials(phrase)])

    def loose(self, phrase: Phrase) -> Query | None:
        """Return what things match that have something like every word, or like all of it."""
        ways = [self._every(phrase, is_loose=True), *self._initials(phrase)]
        if compound := self.split(phrase):
            ways.append(self._every(compound, is_loose=False))
        whole = phrase.whole
        if whole and len(whole.latin) >= SHORTEST_PART:
            ways.extend(self._sounds("heard", whole))
            # As far as it is typed, in another script: “Moon Jae-” for 문재인.
            beginnings = sorted({whole.text, whole.latin})
            ways += [self._const(self._beginning("whole", text), 0.6) for text in beginnings]
            if whole.typos:
                ways.extend(self._typos("whole", whole))
        return _any([way for way in ways if way is not None])

    def split(self, phrase: Phrase) -> Phrase | None:
        """Return what is looked for with its Korean compounds taken apart, where there are any."""
        words: list[Word] = []
        for word in phrase.words:
            is_known = self.knows(word.text)
            words.extend((None if is_known else split_compound(word, self.knows)) or [word])
        if len(words) == len(phrase.words):
            return None
        return Phrase(tuple(words), phrase.whole, " ".join(word.text for word in words))

    def partial(self, phrase: Phrase) -> Query | None:
        """Return what things match that have something like some of the words, most first."""
        words = dict.fromkeys(phrase.required)
        if len(words) < 2:
            return None
        return Query.boolean_query(
            [(Occur.Should, self._word(word, is_loose=True)) for word in words]
        )

    def resembling(self, folded: str) -> Query | None:
        """Return what things match that have some three letters in a row in common."""
        grams = sorted({folded[i : i + 3] for i in range(len(folded) - 2)})
        if not grams:
            return None
        return _any([Query.term_query(self._schema, "gram", gram, "basic") for gram in grams])

    def count_classes(self, query: Query, among: Among) -> dict[str, int]:
        """Return how many of what matches are of each class, which is the one that says most."""
        wanted = {"main": {"terms": {"field": "main", "size": MOST_FACETS}}}
        told = self._searcher.aggregate(self._within(query, among), wanted)
        return {str(b["key"]): int(b["doc_count"]) for b in told["main"]["buckets"] if b["key"]}

    def candidates(
        self, query: Query, among: Among, phrase: Phrase, *, offset: int = 0, limit: int
    ) -> tuple[list[Entry], int]:
        """Return some of what matches, those first that are likely to fit best; and how many do."""
        ranked = Query.boolean_query(
            [(Occur.Must, self._within(query, among)), *self._preferences(phrase)]
        )
        found = self._searcher.search(ranked, limit, offset=offset, weight_by_field="standing")
        count: int = found.count  # type: ignore[attr-defined]
        return [self._read(address) for _, address in found.hits], count

    def resemble(self, query: Query, among: Among, limit: int) -> list[Entry]:
        """Return what has most letters in common."""
        found = self._searcher.search(self._within(query, among), limit, count=False)
        return [self._read(address) for _, address in found.hits]

    def _read(self, address: tantivy.DocAddress) -> Entry:
        stored: dict[str, list[Any]] = self._searcher.doc(address).to_dict()
        return Entry.from_text(str(stored["iri"][0]), bytes(stored["entry"][0]).decode())

    # Queries.

    def _term(self, field: str, text: str) -> Query:
        return Query.term_query(self._schema, field, text, "basic")

    def _const(self, query: Query, score: float) -> Query:
        return Query.const_score_query(query, score)

    def _beginning(self, field: str, text: str) -> Query:
        if field == "key" and len(text) <= LONGEST_HEAD:
            return self._term("head", text)
        return Query.fuzzy_term_query(self._schema, field, text, distance=0, prefix=True)

    def _typos(self, field: str, word: Word) -> Iterator[Query]:
        """Yield what is misspelt, one for each number of letters, so that fewer come first."""
        for distance in range(1, word.typos + 1):
            fuzzy = Query.fuzzy_term_query(self._schema, field, word.latin, distance=distance)
            yield self._const(fuzzy, 0.72 - 0.04 * distance)

    def _sounds(self, field: str, word: Word) -> Iterator[Query]:
        other = "l" if word.is_hangul else "h"
        for heard in sorted(word.sounds):
            yield self._const(self._term(field, f"{other}{heard}"), 0.7)

    def _every(self, phrase: Phrase, *, is_loose: bool) -> Query | None:
        words = dict.fromkeys(phrase.required)
        if not words:
            return None
        each = [(Occur.Must, self._word(word, is_loose=is_loose)) for word in words]
        every = Query.boolean_query(each)
        whole = phrase.whole
        if whole is None or len(whole.latin) < SHORTEST_PART:
            return every
        same = [self._term("whole", key) for key in sorted(whole.keys)]
        return _any([every, *(self._const(query, len(words)) for query in same)])

    def _initials(self, phrase: Phrase) -> Iterator[Query]:
        if phrase.short:
            yield self._const(self._term("heard", f"i{phrase.short}"), _ABOVE)
        if phrase.is_begun_short:
            yield self._const(self._beginning("heard", f"i{phrase.short}"), 0.6)

    def _word(self, word: Word, *, is_loose: bool) -> Query:
        ways = [
            self._const(self._term("key", word.text), 1.0),
            *(self._const(self._term("key", key), 0.9) for key in sorted(word.keys - {word.text})),
        ]
        if not word.is_closed:
            beginnings = sorted({word.text, word.latin})
            ways += [self._const(self._beginning("key", text), 0.7) for text in beginnings]
        if word.is_compounded:
            ways.append(self._const(self._beginning("ending", word.text), 0.65))
        if is_loose:
            if word.typos:
                ways.extend(self._typos("key", word))
            if word.is_part:
                ways.append(self._const(self._part(word), 0.4))
        return Query.disjunction_max_query(ways)

    def _part(self, word: Word) -> Query:
        """Return what things match that have all of the grams of a word, if not in a row."""
        text = word.text
        grams = sorted({text[i : i + 3] for i in range(len(text) - 2)})[:_MOST_TERMS]
        return Query.boolean_query([(Occur.Must, self._term("gram", gram)) for gram in grams])

    def _within(self, query: Query, among: Among) -> Query:
        if not among.kinds and not among.classes:
            return query
        narrowed = [(Occur.Must, query)]
        for field, values in (("kind", among.kinds), ("class", among.classes)):
            if values:
                set_ = Query.term_set_query(self._schema, field, list(values))
                narrowed.append((Occur.Must, self._const(set_, 0.0)))
        return Query.boolean_query(narrowed)

    def _preferences(self, phrase: Phrase) -> Iterator[tuple[Occur, Query]]:
        """Yield what makes a candidate more likely to fit well, whether it is so or not."""
        if phrase.whole:
            for key in sorted(phrase.whole.keys):
                yield Occur.Should, self._const(self._term("whole", key), 2.0)
        for word in dict.fromkeys(phrase.words):
            yield Occur.Should, self._const(self._term("first", word.text), 0.3)
            # Few words, and seldom ones.
            yield (
                Occur.Should,
                Query.boost_query(self._term("key", word.text), 0.1),
            )


def _any(ways: Sequence[Query]) -> Query | None:
    if len(ways) < 2:
        return ways[0] if ways else None
    return Query.disjunction_max_query(list(ways))


def build_in_memory(entries: Iterable[Entry], above: dict[str, list[str]]) -> FulltextIndex:
    """Return an index of ``entries`` in this process."""
    writer = Writer(None, above)
    for entry in entries:
        writer.add(make_document(entry, above))
    return writer.finish()
