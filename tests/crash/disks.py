"""Where do tests get a small disk, and one that cannot be written to?"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_BLOCK: Final = 4096


def _mount(*arguments: str) -> None:
    """Call mount(8), or skip the test where this user or container may not."""
    program = shutil.which("mount")
    if program is None or os.geteuid() != 0:
        pytest.skip("only root can mount a disk of its own for this test")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this system lets nobody mount a disk: {done.stderr.strip()}")


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a disk of that size at ``folder``, which is made; skips where that is not allowed."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_read_only(disk: Path) -> None:
    """Let nothing be written to a mounted disk any more."""
    _mount("-o", "remount,ro", str(disk))


def fill(disk: Path, *, spare: int = 0) -> Path:
    """Take all but ``spare`` bytes of a disk with a file, which is returned."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 1_048_576)
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * _BLOCK)
    if spare:
        os.truncate(path, max(0, path.stat().st_size - spare))
    return path
