"""Which indexes of a store are there, and how does a missing one come to be?

They stand in the folder ``search`` of the store, one folder a generation. One is made under another
name, in a process of its own, and takes its place by a rename when it is on disk whole: what a
crash leaves is never opened, and thrown away at the next start. An index goes with its generation.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from peninsula.dataset.generations import Generations, format_instant, sync
from peninsula.errors import PeninsulaError
from peninsula.searching.building import ABOUT, UNFIT
from peninsula.searching.fulltext import FORMAT, FulltextIndex

_BUILDING: Final = ".building-"
#: Indexes that are kept: those that were asked last.
_KEPT: Final = 4
#: Indexes that are waited for; more are asked for again when they are wanted.
_MOST_WANTED: Final = 2
#: Seconds between two of them at most; as long as the last one took, at least.
_LONGEST_REST: Final = 10.0
#: Seconds after which what failed is tried again, and that one may take at most.
_AGAIN: Final = 60.0
_LONGEST: Final = 3600.0

_log = logging.getLogger(__name__)


class Shelf:
    """The indexes of one store; safe for many threads."""

    def __init__(self, generations: Generations, *, is_union: bool) -> None:
        self._generations = generations
        self._is_union = is_union
        self._opened: OrderedDict[int, FulltextIndex] = OrderedDict()
        self._lock = threading.Lock()
        self._is_wanted = threading.Event()
        #: Generations whose index is to be made, the most urgent last.
        self._wanted: OrderedDict[int, None] = OrderedDict()
        self._failed: dict[int, float] = {}
        self._making: int | None = None
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._is_closed = False
        self.folder = generations.names(0).parent
        if self.folder.is_dir():
            self._clean()
        atexit.register(self.close)

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                return
        except OSError:
            # A store that cannot be written to: what is made lasts as long as this process.
            self.folder = Path(tempfile.mkdtemp(prefix="peninsula-search-"))
            atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, number: int) -> Path:
        """Return the folder of the index of generation ``number``."""
        return self.folder / self._generations.names(number).name

    def open(self, number: int) -> FulltextIndex | None:
        """Return the index of a generation; None where there is none that is whole."""
        with self._lock:
            if number in self._opened:
                self._opened.move_to_end(number)
                return self._opened[number]
        about = self.account(number)
        if about is None:
            return None
        try:
            index = FulltextIndex.open(self.path(number), about["above"])
        except (ValueError, OSError) as error:
            _log.warning("the index of generation %d is damaged and made anew: %s", number, error)
            shutil.rmtree(self.path(number), ignore_errors=True)
            return None
        with contextlib.suppress(OSError):
            # Those that nobody asks are thrown away first.
            os.utime(self.path(number) / ABOUT)
        with self._lock:
            self._opened[number] = index
            while len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        return index

    def account(self, number: int) -> dict[str, Any] | None:
        """Return what an index says of itself; None where it is not the index of that state."""
        try:
            about = json.loads((self.path(number) / ABOUT).read_text(encoding="utf-8"))
            published = format_instant(self._generations.find(number).published)
            wanted = (FORMAT, number, published, self._is_union)
            said = (about["format"], about["generation"], about["published"], about["is_union"])
        except (OSError, ValueError, KeyError, TypeError, PeninsulaError):
            return None
        return dict(about) if said == wanted else None

    def nearest(self, number: int) -> int | None:
        """Return the last generation before ``number`` that has an index."""
        return max((n for n in self._numbers() if n < number and self.account(n)), default=None)

    def is_being_made(self, number: int) -> bool:
        """Return whether the index of a generation is on its way."""
        with self._lock:
            return number == self._making or number in self._wanted

    def want(self, number: int) -> None:
        """Have the index of a generation made, before others that are waited for."""
        with self._lock:
            if self._is_closed or number == self._making:
                return
            if time.monotonic() - self._failed.get(number, -_AGAIN) < _AGAIN:
                return
            self._wanted[number] = None
            self._wanted.move_to_end(number)
            while len(self._wanted) > _MOST_WANTED:
                self._wanted.popitem(last=False)
            if self._thread is None:
                # The process ends with the thread that started it: that one stays.
                self._thread = threading.Thread(target=self._work, name="search", daemon=True)
                self._thread.start()
        self._is_wanted.set()

    def follow(self, number: int) -> None:
        """Have the index of a new generation made, where that of an earlier one is in use."""
        if self.nearest(number) is not None:
            self.want(number)

    def close(self) -> None:
        """End what is being made."""
        with self._lock:
            self._is_closed = True
            process = self._process
        self._closing.set()
        self._is_wanted.set()
        if process is not None:
            process.kill()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)

    def _work(self) -> None:
        while not self._is_closed:
            self._is_wanted.wait()
            with self._lock:
                if not self._wanted:
                    self._is_wanted.clear()
                    continue
                number, _ = self._wanted.popitem()
                self._making = number
            began = time.monotonic()
            try:
                if self.account(number) is None:
                    self._make(number)
            except (PeninsulaError, OSError, subprocess.SubprocessError) as error:
                self._failed[number] = time.monotonic()
                if not self._is_closed:
                    _log.warning("the index of generation %d could not be made: %s", number, error)
            finally:
                with self._lock:
                    self._making = None
            # Where there is one change after another, half of the time is left to others.
            self._closing.wait(min(time.monotonic() - began, _LONGEST_REST))

    def _make(self, number: int) -> None:
        self._make_folder()
        building = self.folder / f"{_BUILDING}{number}"
        shutil.rmtree(building, ignore_errors=True)
        base = self.nearest(number)
        code, told, wrong = self._run(number, building, base)
        if code == UNFIT:
            shutil.rmtree(building, ignore_errors=True)
            code, told, wrong = self._run(number, building, None)
        if code:
            shutil.rmtree(building, ignore_errors=True)
            raise PeninsulaError((wrong.strip().splitlines() or [f"exit code {code}"])[-1])
        target = self.path(number)
        shutil.rmtree(target, ignore_errors=True)
        building.rename(target)
        sync(self.folder)
        about = json.loads(told)
        _log.info(
            "generation %d can be searched after %.1f s: %d things, %.0f MB",
            number, about["seconds"], about["things"], about["bytes"] / 1e6,
        )  # fmt: skip
        self._clean()

    def _run(self, number: int, building: Path, base: int | None) -> tuple[int, str, str]:
        """Run the process that makes an index; return its exit code, and what it printed."""
        command = [
            sys.executable, "-m", "peninsula.searching.building",
            str(self._generations.folder), str(number), str(building),
        ]  # fmt: skip
        if not self._is_union:
            command.append("--own")
        if base is not None:
            command += ["--base", str(self.path(base))]
        with self._lock:
            if self._is_closed:
                raise PeninsulaError("the server stops")
            process = self._process = subprocess.Popen(  # noqa: S603, our own module
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        try:
            told, wrong = process.communicate(timeout=_LONGEST)
        finally:
            process.kill()
            process.wait()
            self._process = None
        return process.returncode, told, wrong

    def _numbers(self) -> list[int]:
        with contextlib.suppress(OSError):
            return sorted(int(p.name) for p in self.folder.iterdir() if p.name.isdigit())
        return []

    def _clean(self) -> None:
        """Throw away what belongs to no generation, and what was left half made."""
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if path.name.startswith(_BUILDING):
                    shutil.rmtree(path, ignore_errors=True)
        whole = [number for number in self._numbers() if self.account(number)]
        whole.sort(key=lambda number: (self.path(number) / ABOUT).stat().st_mtime)
        for number in self._numbers():
            if number not in whole[-_KEPT:]:
                with self._lock:
                    self._opened.pop(number, None)
                shutil.rmtree(self.path(number), ignore_errors=True)
