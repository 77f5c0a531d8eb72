"""What do the shapes ask of the things of a class, in their own words?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.knowledge import parse_turtle
from peninsula.namespaces import expand, shorten

_TARGETS: Final = ("sh:targetClass", "sh:targetSubjectsOf", "sh:targetObjectsOf")
_WORDS: Final = ("sh:message", "sh:description", "rdfs:comment")


@dataclass(frozen=True)
class Rule:
    """What a shape asks."""

    text: str
    #: ``Violation``, ``Warning`` or ``Info``.
    severity: str
    #: The property that it is about, by its prefixed name, if it is about one.
    path: str = ""


@lru_cache(8)
def read_rules(paths: tuple[Path, ...]) -> Mapping[str, tuple[Rule, ...]]:
    """Return what the shapes in the files ask, by the class (or property) that they are about."""
    shapes = _Shapes(paths)
    found: dict[str, list[Rule]] = defaultdict(list)
    for shape in shapes.nodes():
        for target in shapes.iris(shape, *_TARGETS):
            found[target] += shapes.rules(shape)
    return {target: tuple(rules) for target, rules in found.items()}


class _Shapes:
    """The statements of the shapes, by subject and property."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._values: dict[tuple[str, str], list[object]] = defaultdict(list)
        self._nodes: set[str] = set()
        for path in paths:
            for quad in parse_turtle(path):
                subject = _key(quad.subject)
                self._nodes.add(subject)
                self._values[subject, quad.predicate.value].append(quad.object)

    def nodes(self) -> list[str]:
        return sorted(self._nodes)

    def iris(self, node: str, *names: str) -> list[str]:
        return [_key(value) for n in names for value in self._values.get((node, expand(n)), ())]

    def rules(self, shape: str) -> Iterator[Rule]:
        """Yield what ``shape`` says of itself, then what its parts ask."""
        default = self._severity(shape, expand("sh:Violation"))
        for part in (shape, *self.iris(shape, "sh:property", "sh:sparql")):
            if text := self._words(part):
                path = next(iter(self.iris(part, "sh:path")), "")
                severity = shorten(self._severity(part, default)).partition(":")[2]
                yield Rule(text, severity, shorten(path) if path.startswith("http") else "")

    def _severity(self, node: str, default: str) -> str:
        return next(iter(self.iris(node, "sh:severity")), default)

    def _words(self, node: str) -> str:
        """Return what a part says in words, without the braces around the names of its values."""
        for name in _WORDS:
            for value in self._values.get((node, expand(name)), ()):
                if isinstance(value, ox.Literal):
                    return re.sub(r"\{[?$](\w+)\}", r"(\1)", value.value)
        return ""


def _key(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode) else str(term)
