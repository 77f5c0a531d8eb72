"""How many names of a spreadsheet are matched, and how many of the matches are right?

``spreadsheet.csv`` was at hand when the scoring was made. ``unseen.csv`` was written afterwards, and what was
learnt from it since is small: the endings of three words and a spelling. A blank in the column
``expected`` says that nothing must be matched: it is not in the graph, or several could be meant.
``messy.csv`` has titles, abbreviations, years of offices, adjectives of places and names that are
too short; a program may leave those open.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from .openrefine import HERE, OpenRefine


@dataclass(frozen=True)
class Quality:
    """How well a spreadsheet was reconciled."""

    precision: float
    recall: float
    #: How often what is meant is among the five candidates.
    found: float
    wrong: list[tuple[str, str, str]]


def measure(refine: OpenRefine, name: str, strictness: str = "should") -> Quality:
    """Reconcile a spreadsheet, and compare with what is meant."""
    with (HERE / name).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    asked: list[tuple[str, Mapping[str, Any]]] = [
        (row["name"], json.loads(row["with"]) if row["with"] else {}) for row in rows
    ]
    answers = refine.reconcile(asked, [row["type"] or None for row in rows], strictness)
    right = matched = found = 0
    wrong = []
    for row, candidates in zip(rows, answers, strict=True):
        match = next((c["id"] for c in candidates if c["match"]), "")
        matched += bool(match)
        right += bool(match) and match == row["expected"]
        found += row["expected"] in {c["id"] for c in candidates[:5]} if row["expected"] else 0
        if match and match != row["expected"]:
            wrong.append((row["name"], match, row["expected"]))
    meant = sum(bool(row["expected"]) for row in rows)
    return Quality(right / matched, right / meant, found / meant, wrong)


@pytest.mark.parametrize(
    ("name", "recall", "found"),
    [("spreadsheet.csv", 0.95, 0.98), ("unseen.csv", 0.85, 0.95), ("messy.csv", 0.7, 0.9)],
)
def test_a_spreadsheet_of_leaders_and_summits(
    refine: OpenRefine, name: str, recall: float, found: float
) -> None:
    quality = measure(refine, name)
    assert quality.wrong == []
    assert quality.precision == 1
    assert quality.recall >= recall
    assert quality.found >= found
