"""How does an answer read as a table?

IRIs are shown by their label, literals by their text. A table holds as many rows as its reader
wants and knows whether there were more.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Boolean, Dataset, Result, Row, Solutions, Term
from peninsula.edtf import write_edtf
from peninsula.labels import cut, find_labels, name_of
from peninsula.namespaces import expand, shorten
from peninsula.terms import stance_of

#: Characters of a text that a cell shows; data formats have all of it.
LONGEST_TEXT: Final = 5_000
_EDTF: Final = expand("edtf:")
_COLUMN: Final = 14  # characters to which a column can be folded


@dataclass(frozen=True)
class Cell:
    """One value of a table: the text to read, and what stands behind it."""

    text: str
    iri: str = ""
    language: str = ""
    is_number: bool = False

    @property
    def stance(self) -> str:
        """Return the slug of the stance that this is; nothing where it is none."""
        return stance_of(self.iri)

    @property
    def width(self) -> str:
        """Return how much room the text needs at least: a class of the style sheet."""
        if self.is_number:
            return "number"
        length = len(self.text)
        return "long" if length > 60 else "medium" if length > 18 else "short"


@dataclass(frozen=True)
class Table:
    """The rows of an answer that are shown."""

    columns: tuple[str, ...]
    rows: list[list[Cell]]
    is_cut: bool = False

    @property
    def least_width(self) -> int:
        """Return how many characters a line needs at least to be read as a table."""
        longest = (
            max(len(text) for text in (heading, *(row[column].text for row in self.rows)))
            for column, heading in enumerate(self.headings)
        )
        return sum(min(width, _COLUMN) + 3 for width in longest) + 1

    @property
    def headings(self) -> list[str]:
        """Return the names of the columns in words: ``verificationLabel`` is “verification”."""
        return [name_column(column, self.columns) for column in self.columns]


@dataclass(frozen=True)
class Rows:
    """The first rows of an answer, as terms."""

    variables: tuple[str, ...]
    rows: list[Row]
    is_cut: bool = False


def make_table(
    result: Result, dataset: Dataset, *, limit: int | None = None, language: str = "en"
) -> Table:
    """Return ``result`` as a table of at most ``limit`` rows."""
    return tabulate(read_rows(result, limit), dataset, language)


def read_rows(result: Result, limit: int | None = None) -> Rows:
    """Return at most ``limit`` rows of ``result``, and whether there are more."""
    variables, rows = _read(result)
    shown = list(itertools.islice(rows, limit))
    return Rows(variables, shown, limit is not None and next(iter(rows), None) is not None)


def tabulate(
    answer: Rows, dataset: Dataset, language: str, labels: dict[str, str] | None = None
) -> Table:
    """Return rows as a table; ``labels`` are those of their terms, where they are known already."""
    if labels is None:
        labels = find_labels(dataset, (term for row in answer.rows for term in row), language)
    cells = [[make_cell(term, labels) for term in row] for row in answer.rows]
    table = Table(answer.variables, cells, answer.is_cut)
    if language == "en" or not any(name.endswith("Label") for name in answer.variables):
        return _without_repetition(table, {})
    # Questions ask for labels in English, though the reader sees them in another language.
    things = (term for row in answer.rows for term in row)
    return _without_repetition(table, find_labels(dataset, things, "en"))


def _without_repetition(table: Table, english: dict[str, str]) -> Table:
    """Return ``table`` with nothing said twice.

    Where a column only repeats the label under which another shows its IRIs, it is left out if
    that is its purpose (``stateLabel`` beside ``state``); otherwise the IRIs show their name.
    """
    kept = list(range(len(table.columns)))
    rows = [list(row) for row in table.rows]
    for i, j in itertools.permutations(range(len(table.columns)), 2):
        things = [row for row in table.rows if row[i].iri]
        if not things or not all(_repeats(row[j], row[i], english) for row in table.rows):
            continue
        if table.columns[j] == f"{table.columns[i]}Label":
            kept.remove(j)
        elif not table.columns[j].endswith("Label"):
            for row in rows:
                row[i] = replace(row[i], text=shorten(row[i].iri) if row[i].iri else "")
    columns = tuple(table.columns[column] for column in kept)
    return Table(columns, [[row[column] for column in kept] for row in rows], table.is_cut)


def _repeats(literal: Cell, thing: Cell, english: dict[str, str]) -> bool:
    return not literal.iri and literal.text in {thing.text, english.get(thing.iri, thing.text)}


def name_column(column: str, columns: tuple[str, ...]) -> str:
    """Return the name of one of ``columns`` in words."""
    stem = column.removesuffix("Label")
    name = column if stem in columns or not stem else stem
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()


def make_cell(term: Term | None, labels: dict[str, str]) -> Cell:
    """Return the cell in which ``term`` is shown."""
    match term:
        case None:
            return Cell("")
        case ox.NamedNode():
            return Cell(name_of(term.value, labels), term.value)
        case ox.Literal():
            is_number = shorten(term.datatype.value) in {"xsd:integer", "xsd:decimal", "xsd:double"}
            is_edtf = term.datatype.value.startswith(_EDTF)
            text = write_edtf(term.value) if is_edtf else cut(term.value, LONGEST_TEXT)
            return Cell(text, language=term.language or "", is_number=is_number)
        case ox.BlankNode():
            return Cell(f"_:{term.value}")
        case _:
            return Cell(str(term))


def _read(result: Result) -> tuple[tuple[str, ...], Iterator[Row]]:
    match result:
        case Solutions():
            return result.variables, iter(result)
        case Boolean():
            return ("answer",), iter([(ox.Literal("yes" if result.value else "no"),)])
        case _:
            rows = ((s.subject, s.predicate, s.object) for s in result)
            return ("subject", "predicate", "object"), rows
