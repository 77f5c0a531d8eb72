"""What is an answer made of, and what can be said of its rows in words?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox

from peninsula.columns import Column, read_number
from peninsula.dataset.interface import Dataset, Row
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import expand
from peninsula.tables import name_column
from peninsula.terms import STANCES, stance_of

NAMED: Final = 5  # things named in a tip


@dataclass(frozen=True)
class Part:
    """What some columns are drawn as: a key that the template has words for."""

    role: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Depiction:
    """Something that can be drawn, by which columns, and how many rows have nothing to be drawn."""

    draw: Callable[[], object]
    parts: tuple[Part, ...]
    left_out: int = 0
    #: How many of how many bars, nodes or lines are drawn, where that is not all.
    drawn_count: int = 0
    count: int = 0
    #: The stances whose marks or colours are used: slug and label.
    stances: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """Rows with their columns, and how their terms are called and linked."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    labels: Mapping[str, str]
    link: Callable[[str], str]
    dataset: Dataset
    language: str = "en"
    coordinates: dict[str, tuple[float, float]] = field(default_factory=dict)

    def name(self, row: Row, column: Column) -> str:
        """Return what stands in a column, in words."""
        term = row[column.index]
        if isinstance(term, ox.NamedNode):
            return self._name_thing(term, row, column)
        if term is None:
            return ""
        return term.value if isinstance(term, ox.Literal | ox.BlankNode) else str(term)

    def _name_thing(self, term: ox.NamedNode, row: Row, column: Column) -> str:
        if term.value in self.labels:
            return self.labels[term.value]
        given = row[column.label] if column.label is not None else None
        return given.value if isinstance(given, ox.Literal) else name_of(term.value, {})

    def path(self, row: Row, column: Column) -> str:
        """Return where a thing is shown; nothing where it is no thing."""
        term = row[column.index]
        is_link = isinstance(term, ox.NamedNode) and term.value.startswith(("http://", "https://"))
        return self.link(term.value) if is_link and isinstance(term, ox.NamedNode) else ""

    def heading(self, column: Column) -> str:
        return name_column(column.name, tuple(c.name for c in self.columns))

    def part(self, role: str, *columns: Column | None) -> Part:
        return Part(role, tuple(self.heading(column) for column in columns if column))

    def describe(self, row: Row, without: Iterable[Column]) -> str:
        """Return what else a row says, for a tip."""
        left = {column.index for column in without}
        said = [
            f"{self.heading(column)}: {name}"
            for column in self.columns
            if column.index not in left and column.varies and (name := self.name(row, column))
        ]
        return "; ".join(shorten_text(text) for text in said[:4])


def shorten_text(text: str, most: int = 110) -> str:
    """Return ``text``, cut where it has more than ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def read_stance(answer: Answer, row: Row, column: Column | None) -> str:
    """Return the slug of the stance in a column; nothing where there is none that is known."""
    if column is None:
        return ""
    term = row[column.index]
    if isinstance(term, ox.NamedNode):
        slug = stance_of(term.value)
    else:
        slug = answer.name(row, column).strip().lower().replace(" ", "-")
    return slug if slug in STANCES else ""


def find_stance(answer: Answer) -> Column | None:
    """Return the column that has stances, if there is one."""
    return next(
        (
            column
            for column in answer.columns
            if column.is_stance and any(read_stance(answer, row, column) for row in answer.rows)
        ),
        None,
    )


def list_stances(answer: Answer, column: Column | None) -> tuple[tuple[str, str], ...]:
    """Return the stances in a column, in their order, each with its name."""
    if column is None:
        return ()
    found = {read_stance(answer, row, column) for row in answer.rows}
    stances = {slug: ox.NamedNode(expand(f"stance:{slug}")) for slug in STANCES if slug in found}
    # A question may give them in English only.
    labels = find_labels(answer.dataset, stances.values(), answer.language)
    return tuple((slug, labels.get(iri.value, slug)) for slug, iri in stances.items())


def add_up(rows: Sequence[Row], size: Column | None) -> float:
    """Return the sum of a column; without one, the number of rows."""
    if size is None:
        return float(len(rows))
    return sum(read_number(row[size.index]) or 0.0 for row in rows)
