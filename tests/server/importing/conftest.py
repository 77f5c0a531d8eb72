"""What the tests of importing share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from peninsula.dataset.interface import select
from peninsula.dataset.local import LocalDataset
from peninsula.importing.generation import Generator
from peninsula.importing.reading import open_table
from peninsula.importing.report import Problems
from peninsula.importing.resolving import Names

from .making import (
    Generate,
    read,
    write,
)


@pytest.fixture
def generate(tmp_path: Path, dataset: LocalDataset) -> Generate:
    """Return what makes statements of a table, and the problems as text."""

    def make(table: str | bytes, mapping: dict[str, Any]) -> tuple[set[str], list[str]]:
        found = read(tmp_path, mapping)
        names = Names(lambda query: select(dataset, query))
        problems = Problems()
        file = open_table(write(tmp_path / "table.csv", table), found.tables[0].dialect)
        generator = Generator(found.tables[0], file, names)
        made = {str(t) for row in generator.generate(problems) for t, _ in row.statements}
        return made, [str(problem) for problem in problems.all]

    return make
