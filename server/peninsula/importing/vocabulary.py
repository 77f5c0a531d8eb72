"""Which words may stand where in a mapping, and where in it is something wrong?

CSVW's own, and annotations of ours where it has no word. What no table knows is told with the
place, and with the word that was probably meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from peninsula.errors import InvalidMapping, place

#: Annotations of ours, and what each may stand on.
EXTENSIONS: Final = {
    "import:graph": ("group", "table"),
    "import:existing": ("table",),
    "import:resolve": ("column",),
    "import:text": ("column",),
    "import:when": ("column",),
    "import:each": ("column",),
}

INHERITED: Final = (
    "aboutUrl", "datatype", "default", "lang", "null", "ordered", "propertyUrl", "required",
    "separator", "textDirection", "valueUrl",
)  # fmt: skip
KNOWN: Final = {
    "group": ("tables", "dialect", "notes", "tableDirection", "tableSchema", "transformations",
              *INHERITED),
    "table": ("url", "dialect", "notes", "suppressOutput", "tableDirection", "tableSchema",
              "transformations", *INHERITED),
    "schema": ("columns", "foreignKeys", "primaryKey", "rowTitles", *INHERITED),
    "column": ("name", "suppressOutput", "titles", "virtual", *INHERITED),
    "dialect": ("commentPrefix", "delimiter", "doubleQuote", "encoding", "header",
                "headerRowCount", "lineTerminators", "quoteChar", "skipBlankRows", "skipColumns",
                "skipInitialSpace", "skipRows", "trim"),
    "datatype": ("base", "format", "length", "minLength", "maxLength", "minimum", "maximum",
                 "minInclusive", "maxInclusive", "minExclusive", "maxExclusive"),
    "resolve": ("class", "scheme", "by"),
}  # fmt: skip


class Spot:
    """Where in a mapping its reader is, and what IRIs in it are relative to."""

    def __init__(self, path: Path, base: str) -> None:
        self.path = path
        self.base = base
        self.where: list[str] = []

    def wrong(self, message: str, remedy: str = "") -> InvalidMapping:
        """Return the error of what is wrong here."""
        where = ".".join(self.where)
        spot = f"{place(self.path)}: {where}: " if where else f"{place(self.path)}: "
        return InvalidMapping(f"{spot}{message.rstrip('.')}.", remedy)

    def check_names(self, holder: Mapping[str, Any], kind: str) -> None:
        """Raise where a property has no meaning there."""
        for name in holder:
            if name.startswith("@"):
                continue
            if name.startswith("import:"):
                if name not in EXTENSIONS:
                    raise self.wrong(f"there is no “{name}”", suggest(name, EXTENSIONS))
                if kind not in EXTENSIONS[name]:
                    on = " or ".join(f"a {place}" for place in EXTENSIONS[name])
                    raise self.wrong(f"“{name}” stands on {on}, not on a {kind}")
            elif ":" not in name and name not in KNOWN[kind]:
                others = (*KNOWN[kind], *(n for n, on in EXTENSIONS.items() if kind in on))
                raise self.wrong(f"a {kind} has no “{name}”", suggest(name, others))

    def check_references(self, names: Sequence[str], known: Sequence[str], what: str) -> None:
        """Raise where a name is not among those that are known."""
        for name in names:
            if name not in known:
                raise self.wrong(f"{what}: there is no column “{name}”", suggest(name, known))


def inherited(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tables and columns below take over."""
    return {name: holder[name] for name in INHERITED if name in holder}


def names_of(value: object) -> tuple[str, ...]:
    """Return one name, or those of a list."""
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def suggest(name: str, known: Any) -> str:
    """Return a remedy: what is spelt nearly so, or what there is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    if near:
        return f"Did you mean “{near[0]}”?"
    names = sorted(known)
    return f"There are: {', '.join(names[:20])}{' …' if len(names) > 20 else ''}."
