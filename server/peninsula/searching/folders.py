"""What is in the folder of an index, and when is it whole?

What the library keeps there, and an account of what it is the index of. The account is written
last, when all else is on disk.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

from peninsula.dataset.generations import Generation, format_instant
from peninsula.files import sync
from peninsula.searching.fulltext import FORMAT

#: What says that an index is whole, and of what.
ABOUT: Final = "about.json"


def link(base: Path, target: Path) -> None:
    """Take over the files of an index: they are replaced, never changed."""
    for path in base.iterdir():
        if path.name == ABOUT or path.name.endswith(".lock"):
            continue
        try:
            os.link(path, target / path.name)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                raise
            shutil.copyfile(path, target / path.name)


def finish(
    target: Path,
    generation: Generation,
    above: dict[str, list[str]],
    account: dict[str, Any],
    *,
    is_union: bool,
) -> dict[str, Any]:
    """Say that the index in ``target`` is whole; return all that it says of itself."""
    size = sum(path.stat().st_size for path in target.iterdir())
    about = {
        "format": FORMAT, "generation": generation.number,
        "published": format_instant(generation.published), "is_union": is_union,
        **account, "bytes": size, "above": above,
    }  # fmt: skip
    path = target / ABOUT
    with path.open("w", encoding="utf-8") as file:
        json.dump(about, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    sync(target)
    return about


def read_account(folder: Path) -> dict[str, Any]:
    """Return what the index in ``folder`` says of itself; raises OSError, ValueError."""
    about: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    return about
