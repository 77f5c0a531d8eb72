"""How do many statements become one Turtle file in the house's layout, in bounded memory?

Things are laid out some at a time, in the order in which a whole file has them; the prefixes of
all of them stand before the first.
"""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from peninsula.turtle import format_turtle

#: Things that are laid out at once.
_TOGETHER: Final = 2000


def write_turtle(
    statements: Path, target: Path, comments: Sequence[str], *, together: int = _TOGETHER
) -> None:
    """Write N-Triples without blank nodes as Turtle, ``comments`` at its head."""
    things: dict[str, list[str]] = {}
    with statements.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            things.setdefault(line.partition(" ")[0], []).append(line)
    prefixes: set[str] = set()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as bodies:
        for batch in _batches(things, together):
            laid_out = format_turtle("".join(batch)).splitlines(keepends=True)
            head = list(itertools.takewhile(lambda line: line.startswith("PREFIX "), laid_out))
            prefixes.update(head)
            bodies.writelines(laid_out[len(head) :])
        bodies.seek(0)
        with target.open("w", encoding="utf-8", newline="\n") as output:
            output.writelines(f"# {line}\n" for line in comments)
            if comments:
                output.write("\n")
            output.writelines(sorted(prefixes))
            for line in bodies:
                output.write(line)


def _batches(things: dict[str, list[str]], together: int) -> Iterator[list[str]]:
    """Yield the statements of some things at a time, in the order of the whole file.

    What is pointed at more often stands later. Things of which one points at another are never
    laid out together: alone, all of a batch stand in the order of their names.
    """
    pointed = {name: _targets(lines, things) for name, lines in things.items()}
    counts = Counter(target for targets in pointed.values() for target in targets)
    batch: list[str] = []
    names: set[str] = set()
    reached: set[str] = set()
    level = 0
    for name in sorted(things, key=lambda name: (counts[name], name[:-1])):
        targets = set(pointed[name])
        is_over = len(names) == together or name in reached or counts[name] != level
        if batch and (is_over or targets & (names | {name}) or reached & names):
            yield batch
            batch, names, reached = [], set(), set()
        level = counts[name]
        batch += things[name]
        names.add(name)
        reached |= targets
    if batch:
        yield batch


def _targets(lines: Sequence[str], things: dict[str, list[str]]) -> list[str]:
    """Return the things that the statements of one point at."""
    objects = (line.split(" ", 2)[2].removesuffix(" .\n") for line in set(lines))
    return [target for target in objects if target in things]
