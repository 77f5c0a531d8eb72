"""What is sent along with a question: which of the solutions that are known, in which batches?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Row, Term
from peninsula.federation.gateway import Table
from peninsula.federation.planning import Context

#: Bytes of bindings that are sent with one request.
_REQUEST_BYTES: Final = 64 * 1024


def choose(context: Context, rows: list[Row], most: int, *, is_outside: bool) -> Table | None:
    """Return what a clause is to be asked about: distinct rows, each of them whole.

    ``rows`` are the solutions of ``context``, not all of them where they are more than ``most``.
    None where nothing is known.
    """
    columns = [i for i in range(len(context.variables)) if all(row[i] is not None for row in rows)]
    if is_outside:
        # No service knows our blank nodes: what would have to be one, cannot be found there.
        sure = [i for i in columns if context.variables[i] not in context.unsure]
        if len(rows) <= most:
            rows = [row for row in rows if not any(_is_blank(row[i]) for i in sure)]
    columns = [i for i in columns if not any(_is_blank(row[i]) for row in rows)]
    if not columns and rows:
        return None
    # In order, so that the same question has the same text, whose answer may be known.
    distinct = sorted({tuple(row[i] for i in columns) for row in rows}, key=_sort_key)
    return Table(tuple(context.variables[i] for i in columns), distinct)


def find_loose(context: Context, rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the variables that some of ``rows`` leave unbound."""
    return tuple(
        name for i, name in enumerate(context.variables) if any(row[i] is None for row in rows)
    )


def _sort_key(row: Row) -> tuple[str, ...]:
    return tuple(map(str, row))


def _is_blank(term: Term | None) -> bool:
    if isinstance(term, ox.Triple):
        return any(map(_is_blank, (term.subject, term.object)))
    return isinstance(term, ox.BlankNode)


def align(table: Table, variables: Sequence[str]) -> list[Row]:
    """Return the rows of a table in the order of ``variables``."""
    if table.variables == tuple(variables):
        return table.rows
    places = [table.variables.index(n) if n in table.variables else -1 for n in variables]
    return [tuple(row[i] if i >= 0 else None for i in places) for row in table.rows]


def split(rows: Sequence[Row], size: int) -> list[list[Row]]:
    """Return rows in batches of ``size`` at most, and of not too many bytes."""
    batches: list[list[Row]] = []
    room = 0
    for row in rows:
        length = sum(len(str(term)) for term in row)
        if not batches or len(batches[-1]) >= size or length > room:
            batches.append([])
            room = _REQUEST_BYTES
        batches[-1].append(row)
        room -= length
    return batches
