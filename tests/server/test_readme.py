"""What the README says is so: its commands, addresses and questions exist and work."""

from __future__ import annotations

import re
import tomllib
from typing import Final

import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.library import read_library

from .conftest import ROOT
from .test_layers import ROWS

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
SLUGS: Final = sorted(set(re.findall(r"7878/queries/([a-z-]+)", README)))
QUERIES: Final = re.findall(r"peninsula query '([^']+)'", README)


def test_the_two_commands_are_targets_and_ci_runs_the_second() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert "\nmake test" in README
    assert "make test 2>&1" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_python_it_asks_for_is_the_one_required() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f"Python {required.removeprefix('>=')} or newer" in README


def test_its_questions_exist() -> None:
    assert SLUGS
    assert set(SLUGS) <= set(read_library(ROOT / "queries").templates)


@pytest.mark.parametrize("query", QUERIES)
def test_its_queries_can_be_read(dataset: LocalDataset, query: str) -> None:
    dataset.evaluate(query)


def test_its_folders_exist() -> None:
    for folder in re.findall(r"^\| `([a-z/]+)/` \|", README, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder


def test_its_layers_are_those_that_are_tested() -> None:
    drawn = README.partition("### The layers")[2].partition("```")[2].partition("```")[0]
    order = [name for row in ROWS for name in row.split()]
    for line in drawn.strip().splitlines():
        for name in re.findall(r"[a-z]+", re.sub(r"\s{3,}.*", "", line)):
            assert any(name in module.split(".") for module in order), name
