"""Which large files are made once and kept beside the state that they are of, and for how long?

The first who asks for a file has it made, one file after another, and reads it as it grows. Whoever
comes later finds it: its size is known, it can be had in parts, and a download broken off goes on.
Those least used give way where all of them together take too much room.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Final

from peninsula.errors import Overloaded, PeninsulaError, StoreFull

_log = logging.getLogger(__name__)
#: Files that wait to be made, the one that is being made among them.
_MOST_WAITING: Final = 8
_PIECE: Final = 1 << 18
_PART: Final = ".part"


class KeptFile:
    """A file that is being made, or is whole."""

    def __init__(self, path: Path, *, is_whole: bool) -> None:
        self.path = path
        self.is_whole = is_whole
        self.error: Exception | None = None
        self._part = path.with_name(path.name + _PART)
        self._size = 0
        self._changed = threading.Condition()

    @property
    def tag(self) -> str:
        """Return what tells its bytes from those of the same file, made again."""
        return self.path.name.partition("-")[0]

    def wait(self, seconds: float) -> bool:
        """Wait until it is whole, and return whether it is; raises why it cannot be made."""
        with self._changed:
            self._changed.wait_for(self._is_over, seconds)
        if self.error is not None:
            raise self.error
        return self.is_whole

    def _is_over(self) -> bool:
        return self.is_whole or self.error is not None

    def make(self, produce: Callable[[], Iterator[bytes]], most: int) -> None:
        """Write it; whoever waits is told of an error."""
        try:
            self._part.parent.mkdir(parents=True, exist_ok=True)
            with self._part.open("wb", buffering=0) as file:
                for chunk in produce():
                    file.write(chunk)
                    with self._changed:
                        self._size += len(chunk)
                        self._changed.notify_all()
                    if self._size > most:
                        raise StoreFull(
                            "The file is larger than what there is room for.",
                            "Whoever runs the server gives it more by dump-bytes.",
                        )
            self._part.rename(self.path)
        except Exception as error:  # noqa: BLE001, raised where it is waited for
            if not isinstance(error, PeninsulaError):
                is_foreseen = isinstance(error, OSError)
                _log.warning(
                    "%s could not be made: %s", self.path.name, error, exc_info=not is_foreseen
                )
            self._end(error)
            self._part.unlink(missing_ok=True)
        else:
            self._end()

    def _end(self, error: Exception | None = None) -> None:
        with self._changed:
            self.error, self.is_whole = error, error is None
            self._changed.notify_all()

    def follow(self) -> Iterator[bytes]:
        """Yield its bytes as they are written; raises why the rest cannot be made."""
        done = 0
        file: IO[bytes] | None = None
        try:
            while True:
                with self._changed:
                    while self._size == done and not self._is_over():
                        self._changed.wait()
                    is_over, size = self._is_over(), self._size
                if file is None and size:
                    file = self._open()
                while file and (piece := file.read(_PIECE)):
                    done += len(piece)
                    yield piece
                if self.error is not None:
                    raise self.error
                if is_over:
                    return
        finally:
            if file:
                file.close()

    def _open(self) -> IO[bytes]:
        try:
            return self._part.open("rb")
        except FileNotFoundError:
            if self.error is not None:
                raise self.error from None
            # It is whole by now.
            return self.path.open("rb")


class KeptFiles:
    """The files that are kept."""

    def __init__(self, most_bytes: int) -> None:
        """``most_bytes`` is what all of them may take; 0: none is kept."""
        self.most_bytes = most_bytes
        self._files: dict[tuple[Path, str], KeptFile] = {}
        self._lock = threading.Lock()
        self._maker = ThreadPoolExecutor(1, "dumps")
        self._waiting = 0

    def get(self, folder: Path, name: str, produce: Callable[[], Iterator[bytes]]) -> KeptFile:
        """Return the file called ``name`` in ``folder``, of which ``produce`` yields the bytes.

        Raises Overloaded where too many are to be made.
        """
        with self._lock:
            kept = self._files.get((folder, name))
            if kept is None or kept.error or (kept.is_whole and not kept.path.exists()):
                kept = self._find(folder, name) or self._order(folder, name, produce)
                self._files[folder, name] = kept
            if kept.is_whole:
                # What is used stays.
                with contextlib.suppress(OSError):
                    os.utime(kept.path)
            return kept

    def _find(self, folder: Path, name: str) -> KeptFile | None:
        found = [path for path in folder.glob("*-*") if path.name.partition("-")[2] == name]
        return KeptFile(found[0], is_whole=True) if found else None

    def _order(self, folder: Path, name: str, produce: Callable[[], Iterator[bytes]]) -> KeptFile:
        if self._waiting >= _MOST_WAITING:
            raise Overloaded(
                "Too many dumps are being made.", "Ask again in a moment.", retry_after=10
            )
        self._waiting += 1
        kept = KeptFile(folder / f"{secrets.token_hex(8)}-{name}", is_whole=False)
        self._maker.submit(self._make, kept, produce)
        return kept

    def _make(self, kept: KeptFile, produce: Callable[[], Iterator[bytes]]) -> None:
        try:
            kept.make(produce, self.most_bytes)
        finally:
            with self._lock:
                self._waiting -= 1
                self._make_room(kept.path)

    def _make_room(self, newest: Path) -> None:
        """Remove the files that were not used for longest, until the rest has room."""
        root = newest.parent.parent
        files = []
        for path in root.glob("*/*"):
            with contextlib.suppress(OSError):
                about = path.stat()
                files.append((path != newest, -about.st_mtime, about.st_size, path))
        total = 0
        for _, _, size, path in sorted(files):
            total += size
            if total > self.most_bytes:
                with contextlib.suppress(OSError):
                    path.unlink()
        self._files = {
            key: kept
            for key, kept in self._files.items()
            if not (kept.error or (kept.is_whole and not kept.path.exists()))
        }


def clear_parts(root: Path) -> None:
    """Remove what was being made when a server ended."""
    for path in root.glob(f"*/*{_PART}"):
        with contextlib.suppress(OSError):
            path.unlink()
