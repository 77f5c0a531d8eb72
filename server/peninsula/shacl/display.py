"""How is a report read beside the text that it is about?

Results are put together by the node that they are about, in the order in which the text comes to
them, and numbered, so that a line can point to its results and a result to its line. Of a long
text only the lines around what is marked are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from peninsula.shacl.report import ValidationReport, ValidationResult

#: Lines of a text that is shown whole.
_WHOLE: Final = 300
#: Lines shown on either side of a marked one.
_AROUND: Final = 3
#: Characters of a line that are shown.
_LONGEST: Final = 600
_SEVERITIES: Final = ("Violation", "Warning", "Info")


@dataclass(frozen=True)
class Numbered:
    """A result with its number on the page, and that of the text it stands in, 0 for none."""

    number: int
    text: int
    result: ValidationResult


@dataclass(frozen=True)
class Group:
    """All that is said of one node."""

    term: str
    name: str
    label: str
    results: tuple[Numbered, ...]

    @property
    def iri(self) -> str:
        """Return the IRI of the node; empty where it has none."""
        return self.term[1:-1] if self.term.startswith("<") else ""

    @property
    def severity(self) -> str:
        """Return the worst severity."""
        return worst(numbered.result for numbered in self.results)


@dataclass(frozen=True)
class Line:
    """A line of a text: its number, and which results stand in it."""

    number: int
    before: str
    #: The character at which reading broke off, and what follows it.
    at: str = ""
    after: str = ""
    severity: str = ""
    results: tuple[int, ...] = ()


@dataclass(frozen=True)
class Listing:
    """A text with its marks; None stands for lines left out."""

    number: int
    name: str
    lines: tuple[Line | None, ...]
    is_whole: bool

    @property
    def marked(self) -> int:
        return sum(bool(line and line.severity) for line in self.lines)


def worst(results: Iterable[ValidationResult]) -> str:
    """Return the worst severity among ``results``."""
    found = {result.severity for result in results}
    return next((severity for severity in _SEVERITIES if severity in found), min(found, default=""))


def group(report: ValidationReport, names: Sequence[str]) -> tuple[Group, ...]:
    """Return the results by node; ``names`` are those of the texts in their order.

    Nodes with a violation come first, else the order is that of the lines.
    """
    by_node: dict[str, list[ValidationResult]] = {}
    for result in report.results:
        by_node.setdefault(result.focus_term, []).append(result)

    def place(result: ValidationResult) -> tuple[int, int]:
        return (names.index(result.file) if result.file in names else len(names), result.line)

    def order(results: list[ValidationResult]) -> tuple[bool, tuple[int, int]]:
        return (worst(results) != "Violation", min(map(place, results)))

    numbers = iter(range(1, len(report.results) + 1))
    return tuple(
        Group(
            results[0].focus_term,
            results[0].focus_node,
            results[0].label,
            tuple(
                Numbered(next(numbers), _text_of(result, names), result)
                for result in sorted(results, key=lambda r: (_SEVERITIES.index(r.severity)
                    if r.severity in _SEVERITIES else 9, place(r)))
            ),
        )
        for results in sorted(by_node.values(), key=order)
    )  # fmt: skip


def _text_of(result: ValidationResult, names: Sequence[str]) -> int:
    return names.index(result.file) + 1 if result.line and result.file in names else 0


def list_lines(
    number: int, name: str, content: str, groups: Iterable[Group], *, line: int = 0, column: int = 0
) -> Listing:
    """Return text ``number`` with the marks of ``groups``, or where reading it broke off."""
    marks: dict[int, list[Numbered]] = {}
    for one in groups:
        for numbered in one.results:
            if numbered.text == number:
                marks.setdefault(numbered.result.line, []).append(numbered)
    texts = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if texts and not texts[-1] and line < len(texts):
        texts.pop()
    wanted = set(marks) | ({line} if line else set())
    is_whole = len(texts) <= _WHOLE
    if is_whole:
        shown = range(1, len(texts) + 1)
    else:
        near = {n for mark in wanted for n in range(mark - _AROUND, mark + _AROUND + 1)}
        shown = sorted(near & set(range(1, len(texts) + 1)))  # type: ignore[assignment]
    return Listing(number, name, tuple(_lines(texts, list(shown), marks, (line, column))), is_whole)


def _lines(
    texts: list[str],
    shown: list[int],
    marks: dict[int, list[Numbered]],
    broken: tuple[int, int],
) -> Iterator[Line | None]:
    for _, run in groupby(enumerate(shown), key=lambda pair: pair[1] - pair[0]):
        numbers = [n for _, n in run]
        if numbers[0] > 1:
            yield None
        for n in numbers:
            text = texts[n - 1]
            if n == broken[0]:
                at = min(max(broken[1] - 1, 0), len(text))
                start = max(at - _LONGEST // 2, 0)
                rest = text[at + 1 : at + _LONGEST // 2]
                yield Line(n, text[start:at], text[at : at + 1] or " ", rest, "Violation")
                continue
            if len(text) > _LONGEST:
                text = f"{text[:_LONGEST]}…"
            found = marks.get(n, [])
            yield Line(
                n, text, severity=worst(one.result for one in found),
                results=tuple(one.number for one in found),
            )  # fmt: skip
    if shown and shown[-1] < len(texts):
        yield None
