"""How does work in many steps go on where it was interrupted?

A folder holds a plan and the result of each step that is done. A result is there whole or not at
all: it is written beside its place, to disk, and then renamed. Whoever goes on with the same plan
finds what is done; with another plan, or after too long, the folder is emptied first.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from peninsula.errors import OperatorError, StoreUnavailable, display_path
from peninsula.files import PART, write_whole

_PLAN: Final = "plan.json"
_ENDING: Final = ".nt"
#: After so long, what was fetched is fetched anew.
_LASTS: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Journal:
    """The folder of a piece of work under way, which this process holds."""

    folder: Path
    begun: datetime
    #: Whether any of it was done before.
    is_resumed: bool

    @property
    def is_empty(self) -> bool:
        """Return whether nothing has been fetched yet."""
        return not any(self.folder.glob(f"*{_ENDING}"))

    def has(self, step: str) -> bool:
        """Return whether a step is done."""
        return self._path(step).is_file()

    def read(self, step: str) -> list[ox.Triple]:
        """Return the result of a step that is done."""
        quads = ox.parse(path=str(self._path(step)), format=ox.RdfFormat.N_TRIPLES)
        return [quad.triple for quad in quads]

    def write(self, step: str, triples: list[ox.Triple]) -> None:
        """Keep the result of a step, on disk."""
        content = "".join(f"{triple} .\n" for triple in sorted(triples, key=str))
        write_whole(self._path(step), [content.encode()])

    def discard(self) -> None:
        """Forget everything: the work is done."""
        _empty(self.folder)

    def _path(self, step: str) -> Path:
        return self.folder / f"{step}{_ENDING}"


@contextmanager
def open_journal(
    folder: Path, plan: Mapping[str, Any], now: datetime, *, is_fresh: bool = False
) -> Iterator[Journal]:
    """Hold the journal in ``folder`` for work of this plan; ``is_fresh`` forgets what is there.

    Raises OperatorError where another process holds it, and StoreUnavailable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise StoreUnavailable(
            f"{display_path(folder)}: it cannot be written to ({error.strerror}).",
            "Give --journal a folder that you may write to.",
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OperatorError(
                f"{display_path(folder)}: another process is pulling there.",
                "Wait for it, or give --journal another folder.",
            ) from None
        yield _begin(folder, plan, now, is_fresh=is_fresh)
    finally:
        os.close(lock)


def _begin(folder: Path, plan: Mapping[str, Any], now: datetime, *, is_fresh: bool) -> Journal:
    begun = None if is_fresh else _read_plan(folder, plan)
    if begun is not None and timedelta(0) <= now - begun < _LASTS:
        return Journal(folder, begun, is_resumed=any(folder.glob(f"*{_ENDING}")))
    _empty(folder)
    content = {"begun": now.isoformat(), "plan": dict(plan)}
    write_whole(folder / _PLAN, [json.dumps(content, ensure_ascii=False).encode()])
    return Journal(folder, now, is_resumed=False)


def _read_plan(folder: Path, plan: Mapping[str, Any]) -> datetime | None:
    """Return when work of this plan was begun; None where the folder holds none of it."""
    try:
        content = json.loads((folder / _PLAN).read_text(encoding="utf-8"))
        begun = datetime.fromisoformat(content["begun"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_same = content.get("plan") == json.loads(json.dumps(dict(plan)))
    return begun if is_same and begun.tzinfo else None


def _empty(folder: Path) -> None:
    # The plan goes first: without it, nothing that is left is believed.
    for path in (folder / _PLAN, *sorted(folder.glob(f"*{_ENDING}")), *folder.glob(f"*{PART}")):
        path.unlink(missing_ok=True)
