"""How is SPARQL spelled that people will read and change: its terms, days and prefixes?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from peninsula.namespaces import PREFIXES, shorten

#: Names that SPARQL reads without an escape.
_PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9-]*:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_PREFIX: Final = re.compile(r"(?<![\w<\"“:/-])([a-z][a-z0-9-]*):(?=[A-Za-z0-9_])")


def write_iri(iri: str) -> str:
    """Return ``iri`` as SPARQL writes it, shortened where that is plain."""
    name = shorten(iri)
    return name if name != iri and _PLAIN_NAME.fullmatch(name) else f"<{iri}>"


def write_list(iris: Iterable[str], between: str = ", ") -> str:
    """Return several of them, with commas as IN has them, or with what is ``between`` them."""
    return between.join(write_iri(iri) for iri in iris)


def write_values(name: str, iris: Iterable[str]) -> str:
    """Return the VALUES of the variable ``name``."""
    return f"VALUES ?{name} {{ {write_list(iris, ' ')} }}"


def write_day(day: date) -> str:
    """Return a day as a literal."""
    return f'"{day.isoformat()}"^^xsd:date'


def spell(head: str, lines: Iterable[str], tail: str) -> str:
    """Return a query with its prefixes declared: what is selected, the patterns, the solutions."""
    body = "\n".join(f"  {line}" for text in lines for line in text.split("\n"))
    return declare_prefixes(f"{head}\nWHERE {{\n{body}\n}}\n{tail}\n")


def declare_prefixes(query: str) -> str:
    """Return ``query`` below the declarations of the prefixes that it uses."""
    used = set(_PREFIX.findall(query))
    prologue = "".join(f"PREFIX {n}: <{PREFIXES[n]}>\n" for n in PREFIXES if n in used)
    return f"{prologue}\n{query}"
