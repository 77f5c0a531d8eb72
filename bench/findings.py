"""What was found, against which target, and how is it shown?

A finding is one figure of ours beside a peer's, with the target that issue or design sets for it.
Targets stand here, in one table.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

#: Measure → (largest or, where ``at_least``, smallest figure that meets it, in words).
TARGETS: dict[str, tuple[float, bool, str]] = {
    "all, to disk": (0.5, False, "≤ 0.50 ×"),
    "heavy, to memory": (1.10, False, "≤ 1.10 ×"),
    "tiny, extra ms": (1.0, False, "≤ 1 ms more"),
    "repeat": (1.0, False, "< 1 ×"),
    "clients": (1.8, True, "≥ 1.8 ×"),
    "first byte": (50.0, False, "≤ 50 ms more"),
    "stream memory": (20.0, False, "± 20 MB"),
    "start": (3.0, False, "< 3 s"),
    "update": (50.0, False, "< 50 ms"),
    "load": (0.9, True, "≥ 0.90 ×"),
    "to pyshacl": (100, True, "≥ 100 ×"),
    "to rudof": (1.0, False, "< 1 ×"),
    "gate": (50.0, False, "< 50 ms"),
    "gate, flat": (1.5, False, "≤ 1.5 ×"),
    "search": (20.0, False, "< 20 ms"),
    "index": (60.0, False, "< 60 s"),
    "federation bytes": (10.0, True, "≥ 10 × fewer"),
    "federation time": (1.0, False, "< 1 ×"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``judged`` is the figure that the target speaks of."""

    data: str
    what: str
    ours: str
    peer: str
    judged: float | None = None
    shown: str = ""
    target: str | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None or self.judged is None:
            return None
        bound, at_least, _ = TARGETS[self.target]
        return self.judged >= bound if at_least else self.judged <= bound


@dataclass(slots=True)
class Report:
    """All findings of one run, and every single measurement behind them."""

    findings: list[Finding] = field(default_factory=list)
    #: Data → query → server → seconds, as they came.
    queries: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    #: Data → query → (tiny?, rows or triples, bytes).
    answers: dict[str, dict[str, tuple[bool, int, int]]] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)

    def as_json(self) -> dict[str, Any]:
        """Return everything, ready for ``json.dump``."""
        return {
            "about": self.about,
            "findings": [
                {**asdict(f), "met": f.met, "target": f.target and TARGETS[f.target][2]}
                for f in self.findings
            ],
            "answers": self.answers,
            "seconds": self.queries,
            "raw": self.raw,
            "warnings": self.warnings,
        }

    def show(self, console: Console) -> None:
        """Print a table a data set with the queries, then one with the findings."""
        for data, by_query in self.queries.items():
            console.print(_query_table(data, by_query, self.answers[data]))
        table = Table(title="Against the targets", title_justify="left")
        for name in ("data", "what", "ours", "peer"):
            table.add_column(name)
        table.add_column("figure", justify="right")
        table.add_column("target")
        table.add_column("")
        for finding in self.findings:
            verdict = {True: "met", False: "[bold red]MISSED[/]", None: ""}[finding.met]
            words = TARGETS[finding.target][2] if finding.target else ""
            table.add_row(
                finding.data,
                finding.what + (f"\n[dim]{finding.note}[/]" if finding.note else ""),
                finding.ours,
                finding.peer,
                finding.shown,
                words,
                verdict,
            )
        console.print(table)
        for warning in self.warnings:
            console.print(f"[yellow]{warning}[/]")
        judged = [f.met for f in self.findings if f.met is not None]
        console.print(f"{sum(judged)} of {len(judged)} targets met. {_words(self.about)}")


def _words(about: dict[str, Any]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in about.items())


def _query_table(
    data: str,
    by_query: dict[str, dict[str, list[float]]],
    answers: dict[str, tuple[bool, int, int]],
) -> Table:
    servers = list(dict.fromkeys(name for seconds in by_query.values() for name in seconds))
    servers.sort(key=lambda name: not name.startswith("peninsula"))
    table = Table(title=f"{data}: median ms to the whole answer, not cached", title_justify="left")
    table.add_column("query")
    table.add_column("rows", justify="right")
    for server in servers:
        table.add_column(server, justify="right")
        if server != servers[0]:
            table.add_column("ours ×", justify="right")
    for query, seconds in by_query.items():
        tiny, rows, _ = answers.get(query, (False, 0, 0))
        cells = [f"{query}{' (tiny)' if tiny else ''}", f"{rows:,}"]
        ours = seconds.get(servers[0])
        for server in servers:
            theirs = seconds.get(server)
            cells.append(milliseconds(theirs) if theirs else "too slow")
            if server != servers[0]:
                known = ours is not None and theirs is not None
                cells.append(f"{median(ours or [0]) / median(theirs or [1]):.2f}" if known else "")
        table.add_row(*cells)
    return table


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that ``share`` of all do not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean."""
    return statistics.geometric_mean(values)


def milliseconds(values: Sequence[float]) -> str:
    """Return the median of seconds as milliseconds in words."""
    value = median(values) * 1000
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
