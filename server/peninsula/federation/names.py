"""Which IRI does a name in a query stand for, and what must be declared where it is quoted?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin

from peninsula.federation.structure import Element, Group, Query
from peninsula.namespaces import PREFIXES
from peninsula.policy import resolve_escapes

_ESCAPED: Final = re.compile(r"\\(.)")
_NONE: Final[Mapping[str, str]] = {}
_SCHEME: Final = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")


class Naming:
    """The prefixes and the base of a query: its own, and those of whoever asks it."""

    def __init__(
        self, query: Query, prefixes: Mapping[str, str] | None = None, base: str | None = None
    ) -> None:
        """``prefixes`` need not be declared, None: the project's; ``base`` is the request's."""
        self._query = query
        self.prefixes = PREFIXES if prefixes is None else prefixes
        #: What relative IRIs are relative to.
        self.base = _join(base or "", (query.base or "<>")[1:-1])

    def resolve(self, text: str) -> str:
        """Return the IRI that is written as ``<…>`` or as a prefixed name."""
        text = resolve_escapes(text)
        if text.startswith("<"):
            return self._resolve(text)
        prefix, _, local = text.partition(":")
        return (self._expand(prefix) or "") + _ESCAPED.sub(r"\1", local)

    def read(self, element: Element) -> str | None:
        """Return the IRI that GRAPH or SERVICE names; None for a variable."""
        assert element.name
        return None if element.name.kind == "variable" else self.resolve(element.name.text)

    def write_prologue(self, group: Group, prefixes: Mapping[str, str]) -> str:
        """Return the declarations without which ``group`` would say something else elsewhere.

        ``prefixes`` come before those that need not be declared.
        """
        inside = [t for t in self._query.tokens if group.start <= t.position < group.end]
        names = {t.text.partition(":")[0] for t in inside if t.kind == "name" and t.text[0] != "@"}
        names.discard("_")
        lines = []
        if any(t.kind == "iri" and not _SCHEME.match(t.text) for t in inside):
            lines.append(f"BASE <{self.base}>\n")
        for name in sorted(names):
            iri = self._expand(name, prefixes)
            if iri is not None:
                lines.append(f"PREFIX {name}: <{iri}>\n")
        return "".join(lines)

    def quote(self, group: Group, prefixes: Mapping[str, str]) -> str:
        """Return ``group`` as it must be written here to say what it says with ``prefixes``."""
        text, parts, at = self._query.text, [], group.start
        for token in self._query.tokens:
            prefix, _, local = token.text.partition(":")
            if (
                token.kind == "name"
                and group.start <= token.position < group.end
                and prefix in prefixes
                and prefix not in self._query.prefixes
            ):
                local = _ESCAPED.sub(r"\1", local)
                parts += [text[at : token.position], f"<{prefixes[prefix]}{local}>"]
                at = token.end
        return "".join([*parts, text[at : group.end]])

    def _expand(self, prefix: str, prefixes: Mapping[str, str] = _NONE) -> str | None:
        declared = self._query.prefixes.get(prefix)
        if declared is not None:
            return self._resolve(declared)
        return prefixes.get(prefix, self.prefixes.get(prefix))

    def _resolve(self, iri: str) -> str:
        return iri[1:-1] if _SCHEME.match(iri) else _join(self.base, iri[1:-1])


def _join(base: str, iri: str) -> str:
    joined = urljoin(base, iri)
    # Python's takes an empty fragment for none; prefixes end with one.
    return f"{joined}#" if iri.endswith("#") and not joined.endswith("#") else joined
