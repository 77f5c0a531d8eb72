"""What does a server say of data that it validated, and of a change that it made?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """One thing that a shape found wrong, and what is proved to mend it."""

    severity: str
    focus_node: str
    path: str
    value: str
    message: str
    rule: str
    line: int = 0
    #: Updates in SPARQL by what they do.
    mends: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.severity}: {self.focus_node}: {self.message}"


@dataclass(frozen=True)
class Report:
    """Whether data conform; true where they do. A warning does not keep them from it."""

    conforms: bool
    results: tuple[Result, ...]
    #: The server's JSON.
    source: Mapping[str, Any] = field(repr=False, default_factory=dict)

    def __bool__(self) -> bool:
        return self.conforms

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    @property
    def violations(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.severity == "Violation")

    def __str__(self) -> str:
        head = "conforms" if self.conforms else f"{len(self.violations)} violations"
        return "\n".join([head, *map(str, self.results)])


@dataclass(frozen=True)
class Change:
    """What an update did: the generation that holds it (0 for a dry run), and how much."""

    generation: int
    added: int
    removed: int
    source: Mapping[str, Any] = field(repr=False, default_factory=dict)


def read_report(document: Mapping[str, Any]) -> Report:
    """Return the report in the server's JSON."""
    found = document.get("results", ())
    results: Sequence[Mapping[str, Any]] = found if isinstance(found, list) else ()
    return Report(bool(document.get("conforms")), tuple(map(_read_result, results)), document)


def _read_result(values: Mapping[str, Any]) -> Result:
    def text(name: str) -> str:
        return str(values.get(name) or "")

    mends = {
        str(mend.get("title", "")): str(mend.get("update") or mend.get("patch") or "")
        for mend in values.get("mends", ())
    }
    return Result(
        text("severity"), text("focus_node"), text("path"), text("value"), text("message"),
        text("source_shape"), int(values.get("line") or 0), mends,
    )  # fmt: skip


def read_change(document: Mapping[str, Any]) -> Change:
    """Return the change in the server's JSON."""
    return Change(
        int(document.get("generation") or 0),
        int(document.get("added") or 0),
        int(document.get("removed") or 0),
        document,
    )
