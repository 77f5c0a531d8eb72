"""With which rows does the graph fill a tidy table?

One row for each thing, in the order of their IRIs, streamed: the names of the things in it are
looked up for some hundred rows at once.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Row, Term, select
from peninsula.labels import find_labels
from peninsula.namespaces import shorten
from peninsula.tabulation.declarations import Column, Table
from peninsula.terms import value_of

#: A value in a row: of a list, a tuple.
Value = str | int | float | bool | dt.date | tuple[str, ...] | tuple[str | None, ...] | None
_BATCH: Final = 500
#: Names that are remembered from one batch to the next.
_REMEMBERED: Final = 50_000
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def read_rows(
    dataset: Dataset, table: Table, language: str = "en", *, limit: int | None = None
) -> Iterator[tuple[Value, ...]]:
    """Yield the rows of ``table``, with a value for each of its fields.

    Where the data break a shape, so that a thing has several values of a column that holds one,
    the first counts: a thing is one row, always.
    """
    query = table.query if limit is None else f"{table.query}LIMIT {limit}"
    solutions = select(dataset, query)
    if limit is None:
        solutions.most_bytes = None
    place = [column.name for column in table.columns].index(table.key)
    names: dict[str, str] = {}
    rows = _drop_repeated(iter(solutions), place)
    while batch := list(itertools.islice(rows, _BATCH)):
        _look_up(dataset, table, batch, language, names)
        for row in batch:
            yield tuple(
                value
                for column, term in zip(table.columns, row, strict=True)
                for value in _fill(column, term, names)
            )


def count_rows(dataset: Dataset, table: Table) -> int:
    """Return how many rows there are."""
    prologue, _, query = table.query.partition("SELECT")
    counted = f"{prologue}SELECT (COUNT(DISTINCT ?{table.key}) AS ?count) {{ {{ SELECT{query} }} }}"
    [[count]] = select(dataset, counted)
    return int(value_of(count))


def _drop_repeated(rows: Iterator[Row], place: int) -> Iterator[Row]:
    before = None
    for row in rows:
        key = row[place]
        if key is not None and key != before:
            yield row
        before = key


def _look_up(
    dataset: Dataset, table: Table, batch: Sequence[Row], language: str, names: dict[str, str]
) -> None:
    """Add the names of the things in ``batch`` to ``names``; nothing where one has none."""
    if len(names) > _REMEMBERED:
        names.clear()
    wanted = {
        iri
        for row in batch
        for column, term in zip(table.columns, row, strict=True)
        if column.is_thing and column.has_label
        for iri in _iris(term)
        if iri not in names
    }
    found = find_labels(dataset, map(ox.NamedNode, wanted), language)
    names.update((iri, found.get(iri, "")) for iri in wanted)


def _iris(term: Term | None) -> tuple[str, ...]:
    """Return the IRI that a term is, or those in a list with spaces between."""
    if isinstance(term, ox.NamedNode):
        return (term.value,)
    return (
        tuple(sorted(term.value.split(" "))) if isinstance(term, ox.Literal) and term.value else ()
    )


def _fill(column: Column, term: Term | None, names: dict[str, str]) -> Iterator[Value]:
    """Yield the values of the fields of one column."""
    if not (column.is_thing or column.is_list):
        yield _READERS[column.kind](term) if term is not None else None
        return
    iris = _iris(term)
    found: list[tuple[str | None, ...]] = [iris]
    if column.is_thing:
        found.insert(0, tuple(map(shorten, iris)))
        if column.has_label:
            found.append(tuple(names.get(iri) or None for iri in iris))
    for values in found:
        yield values if column.is_list else next(iter(values), None)


def _read_text(term: Term) -> str | None:
    return term.value if isinstance(term, ox.Literal | ox.NamedNode) else None


def _read_date(term: Term) -> dt.date | None:
    text = _read_text(term) or ""
    try:
        return dt.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _read_integer(term: Term) -> int | None:
    try:
        number = int(_read_text(term) or "")
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**63 else None


def _read_number(term: Term) -> float | None:
    try:
        number = float(_read_text(term) or "")
    except ValueError:
        return None
    # JSON has no others.
    return number if math.isfinite(number) else None


def _read_truth(term: Term) -> bool | None:
    return {"true": True, "false": False}.get(_read_text(term) or "")


#: What a literal means in a column of each kind; what is ill-typed is left out.
_READERS: Final[dict[str, Callable[[Term], Value]]] = {
    "text": _read_text,
    "iri": _read_text,
    "date": _read_date,
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_truth,
}
