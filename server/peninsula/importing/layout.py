"""How do many statements become one Turtle file in the house's layout, in bounded memory?

Things are laid out some at a time, in the order in which a whole file has them; the prefixes of
all of them stand before the first.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from peninsula.turtle import format_turtle

#: Things that are laid out at once.
_TOGETHER: Final = 2000


def write_turtle(
    statements: Path, target: Path, comments: Sequence[str], *, together: int = _TOGETHER
) -> None:
    """Write N-Triples without blank nodes as Turtle, ``comments`` at its head."""
    with statements.open(encoding="utf-8", newline="\n") as file:
        lines = sorted(set(file))
    prefixes: set[str] = set()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as bodies:
        for batch in _batches(lines, together):
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


def _batches(lines: Iterable[str], together: int) -> Iterator[list[str]]:
    """Yield the lines of so many things at once, none of them parted."""
    things = itertools.groupby(lines, key=lambda line: line.partition(" ")[0])
    while batch := [line for _, of in itertools.islice(things, together) for line in list(of)]:
        yield batch


def copy_file(source: Path, target: Path) -> None:
    """Put a finished file in its place at once, so that nobody reads half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as beside:
        path = Path(beside.name)
    try:
        shutil.copyfile(source, path)
        path.chmod(0o644)
        path.replace(target)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
