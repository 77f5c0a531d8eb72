"""How is a file written, so that nobody finds half of it, and why can it not be?"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from peninsula.errors import OperatorError, display_path

#: What the name of a file ends with that is being written.
PART: Final = ".part"


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file beside its place, to disk, and put it there at once; its folder is made.

    Whenever this process is killed, or the power fails: either the whole file is there, or the one
    that was there before, if any. Raises OperatorError where it cannot be written, and what
    ``chunks`` raises.
    """
    # What is no file, as a pipe, is written to as it is; a link leads to what is replaced.
    is_special = path.exists() and not path.is_file()
    target = Path(os.path.realpath(path))
    beside = path if is_special else target.with_name(f"{target.name}{PART}")
    try:
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            if is_special:
                file.writelines(chunks)
                return
            if target.exists():
                shutil.copymode(target, beside)
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
        sync(target.parent)
    except BaseException as error:
        if not is_special:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OperatorError(
                f"{display_path(path)}: it cannot be written ({explain(error)}).",
                "Name a file that you may write, where there is room.",
            ) from None
        raise


def explain(error: Exception) -> str:
    """Return why a file cannot be read or written, without its path: that is told already."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def sync(path: Path) -> None:
    """Make what the system holds of a file or folder survive the loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
