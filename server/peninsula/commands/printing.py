"""How does a command put a table, or a number of things, on a terminal?"""

from __future__ import annotations

from collections.abc import Collection

from rich.table import Table


def make_table(
    *headings: str,
    numbers: Collection[str] = (),
    names: Collection[str] = (),
    has_lines: bool = False,
) -> Table:
    """Return an empty table; what is under ``names`` is never broken, so that it can be copied."""
    table = Table(header_style="bold", show_lines=has_lines)
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in numbers else "left",
            overflow="fold",
            no_wrap=heading in names,
        )
    return table


def plural(number: int, what: str) -> str:
    """Return how many there are of something."""
    return f"{number} {what}{'' if number == 1 else 's'}"
