"""What did a change add and remove, thing by thing, in words?

A change is rows of a patch. They are put in order by what they are about, so that a page shows
whole things, and only a page of them is ever read as statements. The record that the server keeps
of who changed what is counted and left out: the page itself says that.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.generations import Generation, Generations
from peninsula.dataset.interface import Dataset, Term
from peninsula.dataset.patches import (
    Head,
    Row,
    compose,
    count_mentions,
    invert,
    read_head,
    read_rows,
    total_size,
)
from peninsula.labels import find_labels
from peninsula.namespaces import BASE, expand
from peninsula.tables import Cell, make_cell

#: Statements that a page shows.
SHOWN: Final = 250
#: Rows that are put in order; of a larger change, these are the first that came.
MOST_ROWS: Final = 200_000
MOST_ROW_BYTES: Final = 32 << 20
#: Bytes of patches that are put together, or searched, for one page.
_MOST_COMPOSED: Final = 16 << 20
_MOST_SEARCHED: Final = 48 << 20
#: Patches that are looked into for the name of a thing.
_MOST_PATCHES: Final = 2000
_LABELS: Final = (
    expand("pen:paraphrase"), expand("skos:prefLabel"), expand("rdfs:label"),
    expand("dcterms:title"),
)  # fmt: skip
_TYPE: Final = expand("rdf:type")
_KIND: Final = re.compile(rf"<{re.escape(BASE)}(?:id/)?([a-z-]+)[/#]".encode())


@dataclass(frozen=True)
class PropertyChange:
    """What a thing's property lost and gained in one graph."""

    property: Cell
    graph: Cell | None
    removed: tuple[Cell, ...]
    added: tuple[Cell, ...]


@dataclass(frozen=True)
class ThingChange:
    """What changed of one thing, as far as it is on the page."""

    thing: Cell
    #: Its class as the change tells it; empty where it does not.
    kind: str
    #: ``added``, ``removed`` or ``changed``: whether its class came, went, or neither.
    fate: str
    properties: tuple[PropertyChange, ...]

    @property
    def graph(self) -> Cell | None:
        """Return the graph that all of it is in, if it is one."""
        graphs = {change.graph for change in self.properties}
        return graphs.pop() if len(graphs) == 1 else None


@dataclass(frozen=True)
class Statement:
    """One row, its terms as in N-Triples; ``graph`` is empty for the default graph."""

    is_added: bool
    subject: str
    predicate: str
    object: str
    graph: str


@dataclass(frozen=True)
class Revision:
    """A page of what a change did."""

    things: tuple[ThingChange, ...]
    statements: tuple[Statement, ...]
    #: How many statements there are; at least so many, where ``is_cut``.
    added: int
    removed: int
    #: Statements of the record of who changed what.
    own: int
    #: Kinds of things as their addresses tell them, and how many statements are about each.
    kinds: tuple[tuple[str, int], ...]
    page: int
    pages: int
    is_cut: bool = False

    @property
    def total(self) -> int:
        return self.added + self.removed


def describe(
    rows: Iterable[Row],
    dataset: Dataset,
    language: str = "en",
    *,
    page: int = 1,
    about: str = "",
) -> Revision:
    """Return page ``page`` of what ``rows`` change, with labels of ``dataset`` and of the rows.

    ``about`` is an IRI: only what names it is told.
    """
    wanted = f"<{about}>".encode() if about else b""
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    kept: list[tuple[bytes, bool]] = []
    size = 0
    read = iter(rows)
    for row in itertools.islice(read, MOST_ROWS):
        size += len(row.text)
        if size > MOST_ROW_BYTES:
            break
        if row.is_own:
            counts["own"] += 1
        elif not wanted or wanted in row.text:
            counts["added" if row.is_added else "removed"] += 1
            if match := _KIND.match(row.text):
                kinds[match[1].decode()] += 1
            kept.append((row.text, row.is_added))
    is_cut = size > MOST_ROW_BYTES or next(read, None) is not None
    close = getattr(rows, "close", None)
    if close:
        close()
    pages = max(-(-len(kept) // SHOWN), 1)
    page = min(max(page, 1), pages)
    first = heapq.nsmallest(page * SHOWN, kept)[(page - 1) * SHOWN :]
    quads = [(quad, is_added) for quad, is_added in _parse(first)]
    return Revision(
        tuple(_by_thing(quads, dataset, language)),
        tuple(_plain(quad, is_added) for quad, is_added in quads),
        counts["added"],
        counts["removed"],
        counts["own"],
        tuple(kinds.most_common(12)),
        page,
        pages,
        is_cut,
    )


def _parse(rows: list[tuple[bytes, bool]]) -> Iterator[tuple[ox.Quad, bool]]:
    body = b"".join(text for text, _ in rows)
    quads = ox.parse(body, format=ox.RdfFormat.N_QUADS, rename_blank_nodes=False)
    return zip(quads, (is_added for _, is_added in rows), strict=True)


def _plain(quad: ox.Quad, is_added: bool) -> Statement:
    is_default = isinstance(quad.graph_name, ox.DefaultGraph)
    return Statement(
        is_added,
        str(quad.subject),
        str(quad.predicate),
        str(quad.object),
        "" if is_default else str(quad.graph_name),
    )


def _by_thing(
    quads: list[tuple[ox.Quad, bool]], dataset: Dataset, language: str
) -> Iterator[ThingChange]:
    labels = _find_labels([quad for quad, _ in quads], dataset, language)
    for subject, rows in itertools.groupby(quads, key=lambda pair: pair[0].subject):
        of_thing = list(rows)
        types = [(q.object, is_added) for q, is_added in of_thing if q.predicate.value == _TYPE]
        came = {is_added for _, is_added in types}
        fate = "changed" if len(came) != 1 else "added" if came.pop() else "removed"
        kind = make_cell(types[0][0], labels).text if types else ""
        yield ThingChange(
            make_cell(_term(subject), labels), kind, fate, tuple(_by_property(of_thing, labels))
        )


def _by_property(
    rows: list[tuple[ox.Quad, bool]], labels: dict[str, str]
) -> Iterator[PropertyChange]:
    groups: dict[tuple[ox.NamedNode, object], dict[bool, list[Cell]]] = {}
    for quad, is_added in rows:
        both = groups.setdefault((quad.predicate, quad.graph_name), {False: [], True: []})
        both[is_added].append(make_cell(_term(quad.object), labels))
    for (predicate, graph), both in groups.items():
        cell = None if isinstance(graph, ox.DefaultGraph) else make_cell(_term(graph), labels)
        yield PropertyChange(
            make_cell(predicate, labels), cell, tuple(both[False]), tuple(both[True])
        )


def _term(term: object) -> Term:
    assert isinstance(term, ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple)
    return term


def _find_labels(quads: list[ox.Quad], dataset: Dataset, language: str) -> dict[str, str]:
    """Return labels: those that the change itself tells, and before them those that are there."""
    order = (language, "en", "")
    told: dict[str, tuple[int, int, str]] = {}
    for quad in quads:
        if quad.predicate.value in _LABELS and isinstance(quad.object, ox.Literal):
            tongue = quad.object.language or ""
            rank = order.index(tongue) if tongue in order else len(order)
            offer = (rank, _LABELS.index(quad.predicate.value), quad.object.value)
            name = str(quad.subject)[1:-1]
            told[name] = min(told.get(name, offer), offer)
    terms = (
        _term(term)
        for quad in quads
        for term in (quad.subject, quad.predicate, quad.object, quad.graph_name)
        if isinstance(term, ox.NamedNode)
    )
    return {name: label for name, (_, _, label) in told.items()} | find_labels(
        dataset, terms, language
    )


# The past of a store.


@dataclass(frozen=True)
class Entry:
    """A generation in the list: kept or not, something is known of it."""

    head: Head
    #: What is known where it is kept.
    kept: Generation | None
    is_pinned: bool
    #: Statements that it added and removed; None where that is not known.
    added: int | None
    removed: int | None
    #: Statements of it that name the thing that is asked about.
    mentions: int = 0
    has_patch: bool = True


#: Rows of patches up to this size are counted for the list.
_COUNTED: Final = 1 << 20


def read_entry(generations: Generations, number: int, kept: Generation | None) -> Entry:
    """Return what is known of generation ``number``."""
    path = generations.patch(number)
    try:
        head = read_head(path, number)
        has_patch = not (kept and kept.is_bulk)
    except FileNotFoundError:
        head, has_patch = Head(number), False
    if kept:
        head = replace(head, published=kept.published, agents=kept.agents, summary=kept.summary)
        added: int | None = kept.added
        removed: int | None = kept.removed
    elif has_patch and head.is_whole and path.stat().st_size <= _COUNTED:
        added, removed = _count_rows(path, path.stat().st_mtime_ns)
    else:
        added = removed = None
    is_pinned = bool(kept and generations.is_pinned(number))
    return Entry(head, kept, is_pinned, added, removed, has_patch=has_patch and head.is_whole)


@lru_cache(1024)
def _count_rows(path: Path, _changed: int) -> tuple[int, int]:
    """Return how many statements a patch adds and removes."""
    signs = [row.is_added for row in read_rows(path) if not row.is_own]
    return sum(signs), len(signs) - sum(signs)


def mentioning(
    generations: Generations, iri: str, newest: int, kept: dict[int, Generation], most: int
) -> tuple[list[Entry], int]:
    """Return up to ``most`` generations from ``newest`` down whose patches name ``iri``.

    Besides, the number from which to go on looking, 0 where none is left. What it costs is
    bounded by the bytes and the number of patches that are looked into.
    """
    found: list[Entry] = []
    read = 0
    for count, number in enumerate(range(newest, 0, -1)):
        if len(found) == most or read > _MOST_SEARCHED or count == _MOST_PATCHES:
            return found, number
        path = generations.patch(number)
        try:
            read += path.stat().st_size
            mentions = count_mentions(path, iri)
        except FileNotFoundError:
            continue
        if mentions:
            entry = read_entry(generations, number, kept.get(number))
            found.append(replace(entry, mentions=mentions))
    return found, 0


def between(generations: Generations, before: int, after: int) -> Iterator[Row] | None:
    """Return what leads from one generation to another, by the patches between them.

    Neither need be kept. None where a patch is missing, tells of a load in bulk, or where they
    are too many bytes to be put together here.
    """
    first, last = sorted((before, after))
    numbers = range(first + 1, last + 1)
    if len(numbers) > _MOST_PATCHES:
        return None
    paths = [generations.patch(n) for n in numbers]
    size = total_size(paths)
    if size is None or size > _MOST_COMPOSED:
        return None
    if not all(read_head(path, n).is_whole for path, n in zip(paths, numbers, strict=True)):
        return None
    rows = read_rows(paths[0]) if len(paths) == 1 else compose(map(read_rows, paths))
    return rows if before <= after else invert(rows)


def at_instant(generations: Generations, current: Generation, instant: datetime) -> int:
    """Return the number of the generation that was the published one then; 0 where none was.

    By the dates of the patches: it need not be kept.
    """
    if current.published <= instant:
        return current.number
    paths = (generations.folder / "patches").glob("*.rdfp")
    numbers = sorted(int(path.stem) for path in paths if path.stem.isdigit())

    def published(number: int) -> datetime:
        return read_head(generations.patch(number), number).published or datetime.max.replace(
            tzinfo=UTC
        )

    place = bisect.bisect_right(numbers, instant, key=published)
    return numbers[place - 1] if place else 0
