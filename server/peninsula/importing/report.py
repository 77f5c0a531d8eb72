"""What is wrong with a table, in which row and column; and what did its import do?

Every problem of a run is kept, so that a curator mends them all at once. Rows are counted as a
spreadsheet shows them: the first row of a file is row 1, be it the head.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from peninsula import __version__
from peninsula.namespaces import BASE

#: Problems that are kept one by one; the others are counted.
MOST_PROBLEMS: Final = 10_000
#: Problems that a terminal is shown.
_SHOWN: Final = 200
#: Rows that are named where many have the same remark.
_NAMED: Final = 5
_LONGEST_VALUE: Final = 80
_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {"error": "error", "warning": "warning", "note": "note"}


def show_value(text: str) -> str:
    """Return a value in quotes, cut and on one line."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= _LONGEST_VALUE else line[: _LONGEST_VALUE - 1] + '…'}”"


@dataclass(frozen=True)
class Place:
    """Where something stands: row 0 is the file as a whole, no column the row as a whole.

    ``line`` is the line of the text at which the row begins, ``position`` the number of the column
    in the file. On a ``sheet`` of a workbook, a column has a ``letter``.
    """

    file: str
    row: int = 0
    column: str = ""
    line: int = 0
    position: int = 0
    sheet: str = ""
    letter: str = ""

    def __str__(self) -> str:
        parts = [self.file]
        if self.sheet:
            parts.append(f"sheet {self.sheet}")
        if self.row and self.letter:
            column = f" ({self.column})" if self.column else ""
            parts.append(f"cell {self.letter}{self.row}{column}")
            return ", ".join(parts)
        if self.row:
            parts.append(f"row {self.row}")
        if self.column:
            parts.append(f"column {self.column}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    place: Place
    message: str
    #: ``error`` keeps everything out; ``warning`` and ``note`` do not.
    severity: str = "error"
    value: str = ""
    #: Names that are spelt nearly so.
    near: tuple[str, ...] = ()
    #: The shape that says so, where one does.
    rule: str = ""

    @property
    def text(self) -> str:
        """Return the message with what is near."""
        return f"{self.message}; near: {', '.join(self.near)}" if self.near else self.message

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class Problems:
    """The problems of a run, as many as are kept."""

    def __init__(self, most: int = MOST_PROBLEMS) -> None:
        self._most = most
        self._kept: list[Problem] = []
        self.count = 0
        #: Files in the order in which they were given.
        self._files: dict[str, int] = {}

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, problem: Problem) -> None:
        """Keep one more."""
        self._files.setdefault(problem.place.file, len(self._files))
        self.count += 1
        if len(self._kept) < self._most:
            self._kept.append(problem)

    @property
    def all(self) -> list[Problem]:
        """Return those that are kept, by file, row and column, each once."""
        return sorted(
            dict.fromkeys(self._kept),
            key=lambda p: (
                self._files[p.place.file], p.place.row, p.place.position, p.place.column, p.message,
            ),
        )  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A file that was read, as the history names it."""

    name: str
    sha256: str


@dataclass
class ImportReport:
    """What an import found and did."""

    files: list[Source] = field(default_factory=list)
    mapping: Source = field(default_factory=lambda: Source("", ""))
    graph: str = ""
    #: Where to: the name of a file, a store or a server.
    target: str = ""
    is_dry_run: bool = False
    rows: int = 0
    #: Things that the table names as subjects, and how many of them nobody knew before.
    things: int = 0
    new_things: int = 0
    changed_things: int = 0
    #: Statements that the table makes.
    triples: int = 0
    added: int = 0
    removed: int = 0
    generation: int = 0
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    remarks: list[Problem] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_refused(self) -> bool:
        return self.problem_count > 0

    @property
    def is_nothing_new(self) -> bool:
        return not (self.is_refused or self.added or self.removed)


def to_text(report: ImportReport) -> str:
    """Return the report for a terminal: problems first, a summary last."""
    lines = [str(problem) for problem in report.problems[:_SHOWN]]
    hidden = report.problem_count - len(lines)
    if hidden > 0:
        lines.append(f"… and {hidden:,} more; --format json has up to {MOST_PROBLEMS:,}.")
    lines += _sum_up(report.remarks)
    return "\n".join([*lines, summarise(report)]) + "\n"


def _sum_up(remarks: Iterable[Problem]) -> list[str]:
    """Return one line for each remark that several rows share."""
    together: dict[tuple[str, str, str], list[Problem]] = {}
    for remark in remarks:
        # Whatever the shape filled in differs from row to row.
        text = remark.message if not remark.rule else remark.rule
        key = (remark.severity, remark.place.file, text)
        together.setdefault(key, []).append(remark)
    lines = []
    for (severity, file, _), some in together.items():
        rows = list(dict.fromkeys(remark.place.row for remark in some if remark.place.row))
        named = ", ".join(map(str, rows[:_NAMED])) + (" …" if len(rows) > _NAMED else "")
        where = f"{file}, row{'s' if len(rows) > 1 else ''} {named}" if rows else file
        more = f" ({len(some)} such)" if len(some) > 1 else ""
        lines.append(f"{severity}: {where}: {some[0].text}{more}")
    return lines


def summarise(report: ImportReport) -> str:
    """Return the last line."""
    counts = ((report.rows, "row"), (report.things, "thing"), (report.triples, "triple"))
    read = ", ".join(_count(number, noun) for number, noun in counts)
    if report.is_refused:
        return f"{read}: {_count(report.problem_count, 'problem')}; nothing was imported."
    new = f"{report.new_things:,} new, {report.changed_things:,} changed"
    if report.is_nothing_new and not report.target.endswith(".ttl"):
        return f"{read}: nothing new."
    change = f"{report.added:,} added, {report.removed:,} removed"
    if report.is_dry_run:
        return f"{read} ({new}): {change}, were it not a dry run."
    if report.generation:
        return f"{read} ({new}): {change}, generation {report.generation} of {report.target}."
    return f"{read} ({new}), written to {report.target}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def to_json(report: ImportReport) -> str:
    """Return the report as a JSON document."""
    plain: dict[str, Any] = asdict(report)
    plain["is_refused"] = report.is_refused
    plain["problems"] = [_plain(problem) for problem in report.problems]
    plain["remarks"] = [_plain(problem) for problem in report.remarks]
    return json.dumps(plain, ensure_ascii=False, indent=2) + "\n"


def _plain(problem: Problem) -> dict[str, Any]:
    place = asdict(problem.place)
    rest = {name: value for name, value in asdict(problem).items() if name != "place"}
    return {**place, **rest, "text": str(problem)}


def to_sarif(report: ImportReport) -> str:
    """Return the report as SARIF 2.1.0, for code hosts and editors."""
    results = [_sarif(problem) for problem in (*report.problems, *report.remarks)]
    driver = {"name": "peninsula import", "semanticVersion": __version__, "informationUri": BASE}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": results,
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _sarif(problem: Problem) -> dict[str, Any]:
    place = problem.place
    location: dict[str, Any] = {"artifactLocation": {"uri": place.file}}
    if place.line:
        location["region"] = {"startLine": place.line}
    return {
        "ruleId": problem.rule or "table",
        "level": _LEVELS[problem.severity],
        "message": {"text": problem.text},
        "locations": [{"physicalLocation": location}],
        "properties": {"row": place.row, "column": place.column},
    }


RENDERINGS: Final = {"text": to_text, "json": to_json, "sarif": to_sarif}
