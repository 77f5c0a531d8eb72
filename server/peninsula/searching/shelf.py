"""Which indexes of a store are there, and how does a missing one come to be?

They stand in the folder ``search`` of the store, one folder a generation. One of few names, or one
that differs little from an earlier one, is made here, at once; else a process of its own does it.
It is made under another name, and takes its place by a rename when it is on disk whole: what a
crash leaves is never opened, and thrown away at the next start. An index goes with its generation.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from peninsula.dataset.generations import Generations, format_instant
from peninsula.dataset.interface import Dataset
from peninsula.errors import PeninsulaError, QueryFailed
from peninsula.files import sync
from peninsula.searching.building import UNFIT, build_here
from peninsula.searching.entries import count_names
from peninsula.searching.folders import ABOUT, read_account
from peninsula.searching.fulltext import FORMAT, FulltextIndex
from peninsula.searching.touching import FEW, build_on

_BUILDING: Final = ".building-"
#: Indexes that are kept: those that were asked last.
_KEPT: Final = 4
#: Indexes that are waited for; more are asked for again when they are wanted.
_MOST_WANTED: Final = 2
#: Seconds between two of them at most; as long as the last one took, at least.
_LONGEST_REST: Final = 10.0
#: Names that are indexed by the server itself; more are left to another process.
MOST_NAMES: Final = 20_000
#: Seconds after which what failed is tried again, the first and the second time; later, where
#: somebody asks, after the last of them.
_AGAIN: Final = (2.0, 10.0, 60.0)
#: Seconds that making one may take.
_LONGEST: Final = 3600.0
#: Seconds after a start before indexes are made that nobody has asked for.
_QUIET: Final = 1.0
#: Lines of what a process said that are told.
_LAST_LINES: Final = 3

_log = logging.getLogger(__name__)


class Shelf:
    """The indexes of one store; safe for many threads."""

    def __init__(
        self,
        generations: Generations,
        *,
        is_union: bool,
        view: Callable[[int], Dataset] | None = None,
        most_names: int = MOST_NAMES,
    ) -> None:
        self._generations = generations
        #: Returns a generation as the server reads it.
        self._view = view
        self.most_names = most_names
        self._is_union = is_union
        self._opened: OrderedDict[int, FulltextIndex] = OrderedDict()
        self._lock = threading.Lock()
        self._is_wanted = threading.Event()
        #: Generations whose index is to be made, the most urgent last.
        self._wanted: OrderedDict[int, None] = OrderedDict()
        #: How often making one has failed, and when the last time.
        self._failed: dict[int, tuple[int, float]] = {}
        self._making: int | None = None
        #: Generations whose index cannot be made here, and which are made here by one at a time.
        self._unfit: set[int] = set()
        self._bringing = threading.Lock()
        #: The published generation, where its index is to be made before somebody asks.
        self._followed: int | None = None
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._began = time.monotonic()
        self.folder = generations.names(0).parent
        if self.folder.is_dir():
            for path in self.folder.glob(f"{_BUILDING}*"):
                shutil.rmtree(path, ignore_errors=True)
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
            about = read_account(self.path(number))
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

    def bring(self, dataset: Dataset) -> bool:
        """Make the index of ``dataset`` here, if that is quick; return whether it is there."""
        number = dataset.generation
        if number in self._unfit or self._closing.is_set():
            return False
        with self._bringing:
            # Whoever waited here has it already.
            if self.account(number) is not None:
                return True
            try:
                if self._make_here(dataset):
                    return True
            except (QueryFailed, OSError, ValueError) as error:
                if self._closing.is_set():
                    return False
                _log.warning("the names of generation %d are not indexed here: %s", number, error)
            except PeninsulaError as error:
                # The readers are busy, perhaps; the next one who asks may have more luck.
                _log.info("the names of generation %d are not indexed yet: %s", number, error)
                return False
            self._unfit.add(number)
            return False

    def _make_here(self, dataset: Dataset) -> bool:
        self._make_folder()
        number = dataset.generation
        building = self.folder / f"{_BUILDING}{number}-here"
        generations, is_union = self._generations, self._is_union
        base = self.nearest(number)
        try:
            about = None
            if base is not None:
                folders = (self.path(base), building)
                about = build_on(generations, number, dataset, folders, FEW, is_union=is_union)
            if about is None:
                if count_names(dataset, self.most_names + 1) > self.most_names:
                    return False
                build_here(generations, dataset, building, is_union=is_union)
            self._put_in_place(building, number)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return True

    def want(self, number: int) -> None:
        """Have the index of a generation made, before others that are waited for."""
        with self._lock:
            if self._closing.is_set() or number == self._making:
                return
            times, last = self._failed.get(number, (0, 0.0))
            if times and time.monotonic() - last < _AGAIN[min(times, len(_AGAIN)) - 1]:
                return
            self._put(number)
        self._is_wanted.set()

    def _put(self, number: int) -> None:
        self._wanted[number] = None
        self._wanted.move_to_end(number)
        while len(self._wanted) > _MOST_WANTED:
            self._wanted.popitem(last=False)
        self._start()

    def _start(self) -> None:
        """Begin to work; the lock is held."""
        if self._thread is None:
            # The process ends with the thread that started it: that one stays.
            self._thread = threading.Thread(target=self._work, name="search", daemon=True)
            self._thread.start()

    def follow(self, number: int) -> None:
        """Have the index of a new generation made before somebody asks.

        Where many names are to be indexed, and no earlier index is in use, somebody has to ask.
        """
        with self._lock:
            if self._closing.is_set():
                return
            self._followed = number
            self._start()
        self._is_wanted.set()

    def close(self) -> None:
        """End what is being made."""
        atexit.unregister(self.close)
        with self._lock:
            self._closing.set()
            process = self._process
        self._is_wanted.set()
        if process is not None:
            process.kill()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1)

    def _work(self) -> None:
        while not self._closing.is_set():
            self._is_wanted.wait()
            with self._lock:
                followed, self._followed = self._followed, None
            if followed is not None:
                self._bring_followed(followed)
            with self._lock:
                if not self._wanted:
                    if self._followed is None:
                        self._is_wanted.clear()
                    continue
                number, _ = self._wanted.popitem()
                self._making = number
            began = time.monotonic()
            try:
                if self.account(number) is None:
                    self._make(number)
                self._failed.pop(number, None)
            except Exception as error:  # noqa: BLE001, without this thread no other is made
                self._note_failure(number, error)
            finally:
                with self._lock:
                    self._making = None
            # Where there is one change after another, half of the time is left to others.
            self._closing.wait(min(time.monotonic() - began, _LONGEST_REST))

    def _bring_followed(self, number: int) -> None:
        self._closing.wait(max(0.0, self._began + _QUIET - time.monotonic()))
        if self._closing.is_set() or self.account(number) is not None:
            return
        try:
            if self._view is not None and self.bring(self._view(number)):
                return
        except PeninsulaError as error:
            # It may be gone by now; whoever asks for it is told so.
            _log.info("the names of generation %d are not indexed: %s", number, error)
            return
        except Exception:  # noqa: BLE001, without this thread no other is made
            _log.exception("the names of generation %d are not indexed", number)
            return
        if self.nearest(number) is not None:
            self.want(number)

    def _note_failure(self, number: int, error: Exception) -> None:
        if self._closing.is_set():
            return
        times, _ = self._failed.get(number, (0, 0.0))
        self._failed[number] = times + 1, time.monotonic()
        _log.warning(
            "the index of generation %d could not be made (attempt %d): %s",
            number, times + 1, error,
        )  # fmt: skip
        if times + 1 < len(_AGAIN):
            self._closing.wait(_AGAIN[times])
            with self._lock:
                self._put(number)

    def _make(self, number: int) -> None:
        self._make_folder()
        building = self.folder / f"{_BUILDING}{number}"
        shutil.rmtree(building, ignore_errors=True)
        base = self.nearest(number)
        try:
            code, told, wrong = self._run(number, building, base)
            if code and base is not None:
                if code != UNFIT and not self._closing.is_set():
                    _log.warning(
                        "the index of generation %d cannot be made from that of %d, and is made "
                        "anew: %s", number, base, _explain(code, wrong),
                    )  # fmt: skip
                shutil.rmtree(building, ignore_errors=True)
                code, told, wrong = self._run(number, building, None)
            if code:
                raise PeninsulaError(_explain(code, wrong))
            with self._bringing:
                self._put_in_place(building, number)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        about = json.loads(told)
        _log.info(
            "generation %d can be searched after %.1f s: %d things, %.0f MB",
            number, about["seconds"], about["things"], about["bytes"] / 1e6,
        )  # fmt: skip

    def _put_in_place(self, building: Path, number: int) -> None:
        target = self.path(number)
        shutil.rmtree(target, ignore_errors=True)
        building.rename(target)
        sync(self.folder)
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
            if self._closing.is_set():
                raise PeninsulaError("the server stops")
            began = time.monotonic()
            process = self._process = subprocess.Popen(  # noqa: S603, our own module
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        try:
            told, wrong = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired as error:
            took = time.monotonic() - began
            raise PeninsulaError(f"it was not done after {took:.0f} s, and is ended") from error
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
        """Throw away what belongs to no generation, and what nobody has asked for long."""
        asked: list[tuple[float, int]] = []
        for number in self._numbers():
            # One that is damaged may go at any moment.
            with contextlib.suppress(OSError):
                if self.account(number):
                    asked.append(((self.path(number) / ABOUT).stat().st_mtime, number))
        kept = {number for _, number in sorted(asked)[-_KEPT:]}
        for number in self._numbers():
            if number not in kept:
                with self._lock:
                    self._opened.pop(number, None)
                shutil.rmtree(self.path(number), ignore_errors=True)


def _explain(code: int, wrong: str) -> str:
    """Return why a process failed: how it ended, and what it said at last."""
    lines = [line.strip(" ^") for line in wrong.splitlines()]
    said = " | ".join([line for line in lines if line][-_LAST_LINES:])
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        why = f"its process was ended by {name}"
        if -code == signal.SIGKILL:
            why += ", as a system does that is short of memory"
    else:
        why = f"its process ended with exit code {code}"
    return f"{why}: {said}" if said else why
