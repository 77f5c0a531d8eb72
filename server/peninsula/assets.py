"""Under which name does a page find a built script or style sheet?

The names hold a hash of the content: a browser may keep such a file for ever, and a new build has
new names. ``manifest.json`` beside the files, written by ``server/web/build.mjs``, tells them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peninsula.errors import OperatorError

FOLDER: Final = Path(__file__).parent / "static" / "built"


@dataclass(frozen=True)
class Assets:
    """The built files: name in the sources to name in the folder."""

    names: Mapping[str, str]
    #: Changes whenever a file does; part of the tag of every page.
    edition: str

    def path(self, name: str) -> str:
        """Return the address of a built file; raises KeyError where there is none."""
        return f"/static/built/{self.names[name]}"


def read_assets(folder: Path = FOLDER) -> Assets:
    """Return what was built; raises OperatorError where nothing was."""
    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
    except OSError:
        raise OperatorError(
            "The pages are not built.", "Run make, or python server/web/build_hook.py."
        ) from None
    return Assets(json.loads(text), hashlib.blake2b(text.encode(), digest_size=6).hexdigest())
