"""Which IRI does a name in a query stand for, and what must be declared where it is quoted?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin

from peninsula.federation.structure import Element, Group, Query
from peninsula.namespaces import PREFIXES
from peninsula.policy import resolve_escapes

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
        return (self._expand(prefix) or "") + re.sub(r"\\(.)", r"\1", local)

    def read(self, element: Element) -> str | None:
        """Return the IRI that GRAPH or SERVICE names; None for a variable."""
        assert element.name
        return None if element.name.kind == "variable" else self.resolve(element.name.text)

    def write_prologue(self, group: Group) -> str:
        """Return the declarations without which ``group`` would say something else elsewhere."""
        inside = [t for t in self._query.tokens if group.start <= t.position < group.end]
        names = {t.text.partition(":")[0] for t in inside if t.kind == "name" and t.text[0] != "@"}
        names.discard("_")
        lines = []
        if any(t.kind == "iri" and not _SCHEME.match(t.text) for t in inside):
            lines.append(f"BASE <{self.base}>\n")
        for name in sorted(names):
            iri = self._expand(name)
            if iri is not None:
                lines.append(f"PREFIX {name}: <{iri}>\n")
        return "".join(lines)

    def _expand(self, prefix: str) -> str | None:
        declared = self._query.prefixes.get(prefix)
        return self.prefixes.get(prefix) if declared is None else self._resolve(declared)

    def _resolve(self, iri: str) -> str:
        return iri[1:-1] if _SCHEME.match(iri) else _join(self.base, iri[1:-1])


def _join(base: str, iri: str) -> str:
    joined = urljoin(base, iri)
    # Python's takes an empty fragment for none; prefixes end with one.
    return f"{joined}#" if iri.endswith("#") and not joined.endswith("#") else joined
