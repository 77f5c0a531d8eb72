"""How does a command tell a person what it is doing?

Progress and remarks go to the standard error, so that the standard output is the answer alone.
On a terminal progress is a line that moves; elsewhere, a line for each stage.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console as RichConsole
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class Console:
    """Shows the stages of long work; usable as a ``Progress`` of :mod:`peninsula.loading`."""

    def __init__(self) -> None:
        self._console = RichConsole(stderr=True, highlight=False)
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._stage = ""
        self._started = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.finish(is_done=error is None)

    def say(self, text: str) -> None:
        """Print a remark."""
        self.finish()
        print(text, file=sys.stderr, flush=True)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that ``stage`` is under way and how far it is."""
        if stage != self._stage:
            self.finish()
            self._begin(stage, total)
        if self._progress and self._task is not None and total:
            self._progress.update(self._task, completed=done, total=total)

    def finish(self, *, is_done: bool = True) -> None:
        """End the stage under way."""
        if not self._stage:
            return
        if self._progress:
            self._progress.stop()
        if is_done:
            seconds = time.monotonic() - self._started
            print(f"{self._stage}: {seconds:.1f} s", file=sys.stderr, flush=True)
        self._stage = ""
        self._progress = None

    def _begin(self, stage: str, total: int) -> None:
        self._stage = stage
        self._started = time.monotonic()
        if not self._console.is_terminal:
            return
        counted = [BarColumn(bar_width=30), MofNCompleteColumn()] if total else []
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), *counted, TimeElapsedColumn(),
            console=self._console, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task(stage, total=total or None)
        self._progress.start()
