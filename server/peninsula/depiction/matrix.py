"""Which two columns of an answer are crossed: what of it is drawn as a matrix?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peninsula.columns import EVIDENCE, Column, depends, read_number
from peninsula.dataset.interface import Term
from peninsula.depiction.answer import (
    Answer,
    Depiction,
    add_up,
    find_stance,
    list_stances,
    read_stance,
)
from peninsula.drawing.charts import format_number
from peninsula.drawing.matrix import Column as MatrixColumn
from peninsula.drawing.matrix import Matrix, MatrixCell, draw_matrix
from peninsula.drawing.matrix import Row as MatrixRow
from peninsula.terms import STANCES

_MOST_LINES: Final = 80
_MOST_COLUMNS: Final = 24
_SHADES: Final = 5


@dataclass(frozen=True)
class PivotCell:
    """A number of a matrix, how dark its cell is, and where it leads."""

    text: str
    shade: int
    path: str
    tip: str


@dataclass(frozen=True)
class Pivot:
    """A matrix of numbers: lines and columns have a name and a path."""

    columns: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str, tuple[PivotCell | None, ...]], ...]


def find_dimensions(answer: Answer) -> tuple[Column, Column] | None:
    """Return the two columns whose values are the lines and columns of a matrix."""
    stance = find_stance(answer)
    dimensions = [
        c for c in answer.columns
        if c.is_category and c.kind != "truth" and c.varies and c is not stance
        and c.sort not in EVIDENCE and not set(c.words) & {"first", "last"}
    ]  # fmt: skip
    sizes = [c for c in answer.columns if c.is_size]
    if len(dimensions) != 2 or not (sizes or stance):
        return None
    down, across = dimensions
    if depends(answer.rows, down, across) and depends(answer.rows, across, down):
        return None  # either says the other: there is nothing to cross
    if across.count > _MOST_COLUMNS >= down.count:
        down, across = across, down
    return down, across


def depict_matrix(answer: Answer) -> Depiction | None:
    """Return a matrix where two columns have a number, or a stance, for each other."""
    dimensions = find_dimensions(answer)
    if dimensions is None or dimensions[1].count > _MOST_COLUMNS:
        return None
    down, across = dimensions
    stance = find_stance(answer)
    size = next((c for c in answer.columns if c.is_size), None)
    cells: dict[tuple[Term, Term], list[int]] = defaultdict(list)
    firsts: tuple[dict[Term, int], dict[Term, int]] = ({}, {})
    for number, row in enumerate(answer.rows):
        one, other = row[down.index], row[across.index]
        if one is None or other is None:
            continue
        firsts[0].setdefault(one, number)
        firsts[1].setdefault(other, number)
        cells[one, other].append(number)
    lines = list(firsts[0].items())
    shown = lines[:_MOST_LINES]
    parts = [answer.part("lines", down), answer.part("columns", across)]
    heads = (shown, list(firsts[1].items()))
    sizes = _find_share(answer) or ([size] if size else [])

    def draw() -> Matrix | Pivot:
        if stance:
            return _draw_stances(answer, (down, across), heads, cells, (stance, size))
        return _draw_pivot(answer, (down, across), heads, cells, sizes)

    if stance:
        parts.append(answer.part("mark", stance))
    if size:
        parts.append(answer.part("number", *([size] if stance else sizes)))
    left_out = len(answer.rows) - sum(len(numbers) for numbers in cells.values())
    is_cut = len(lines) > len(shown)
    counts = (len(shown), len(lines)) if is_cut else (0, 0)
    return Depiction(draw, tuple(parts), left_out, *counts, stances=list_stances(answer, stance))


def _find_share(answer: Answer) -> list[Column] | None:
    """Return the columns of a part and of the whole, where one never is more than the other."""
    sizes = [column for column in answer.columns if column.is_size]
    if len(sizes) != 2:
        return None
    pairs = [[read_number(row[column.index]) for column in sizes] for row in answer.rows]
    if any(number is None or number < 0 for pair in pairs for number in pair):
        return None
    whole = [max(pair) for pair in pairs]  # type: ignore[type-var]
    for part, other in ((0, 1), (1, 0)):
        if all(pair[other] == most for pair, most in zip(pairs, whole, strict=True)):
            return [sizes[part], sizes[other]]
    return None


_Heads = list[tuple[Term, int]]


def _draw_stances(
    answer: Answer,
    dimensions: tuple[Column, Column],
    heads: tuple[_Heads, _Heads],
    cells: Mapping[tuple[Term, Term], list[int]],
    parts: tuple[Column, Column | None],
) -> Matrix:
    stance, size = parts
    filled: dict[tuple[str, str], MatrixCell] = {}
    for (one, other), numbers in cells.items():
        marks: dict[str, int] = defaultdict(int)
        for number in numbers:
            row = answer.rows[number]
            slug = read_stance(answer, row, stance)
            if slug:
                count = read_number(row[size.index]) if size else 1
                marks[slug] += int(count or 0)
        if marks:
            ordered = sorted(marks.items(), key=lambda item: STANCES.index(item[0]))
            filled[str(one), str(other)] = MatrixCell(tuple(ordered), f"#row-{numbers[0] + 1}")
    rows = [MatrixRow(str(term), *_head(answer, n, dimensions[0])) for term, n in heads[0]]
    columns = [MatrixColumn(str(term), *_head(answer, n, dimensions[1])) for term, n in heads[1]]
    return draw_matrix(rows, columns, filled, stances=dict(list_stances(answer, stance)))


def _head(answer: Answer, number: int, column: Column) -> tuple[str, str]:
    row = answer.rows[number]
    return answer.name(row, column), answer.path(row, column)


def _draw_pivot(
    answer: Answer,
    dimensions: tuple[Column, Column],
    heads: tuple[_Heads, _Heads],
    cells: Mapping[tuple[Term, Term], list[int]],
    sizes: Sequence[Column],
) -> Pivot:
    sums = {}
    for key, numbers in cells.items():
        rows = [answer.rows[number] for number in numbers]
        sums[key] = [add_up(rows, size) for size in sizes] or [add_up(rows, None)]
    most = max((values[0] for values in sums.values()), default=0.0)

    def cell(one: Term, other: Term) -> PivotCell | None:
        if (one, other) not in sums:
            return None
        number, *wholes = sums[one, other]
        whole = wholes[0] if wholes else most
        shade = max(1, round(number / whole * _SHADES)) if whole > 0 and number > 0 else 0
        first = cells[one, other][0]
        row = answer.rows[first]
        names = ", ".join(answer.name(row, column) for column in dimensions)
        text = "/".join(format_number(value) for value in (number, *wholes))
        rest = answer.describe(row, [*dimensions, *sizes])
        said = f"{' / '.join(answer.heading(size) for size in sizes)} {text}".strip()
        tip = f"{names}: {said}" + (f"; {rest}" if rest else "")
        return PivotCell(text, min(shade, _SHADES), f"#row-{first + 1}", tip)

    return Pivot(
        tuple(_head(answer, n, dimensions[1]) for _, n in heads[1]),
        tuple(
            (*_head(answer, n, dimensions[0]), tuple(cell(one, other) for other, _ in heads[1]))
            for one, n in heads[0]
        ),
    )
