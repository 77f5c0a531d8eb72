"""What docs/client.md and docs/import.md show is what happens, on the shipped graph."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from peninsula import cli
from peninsula.client import Client
from peninsula.client.session import Client as AnyClient
from peninsula.importing.vocabulary import EXTENSIONS
from tests.crash.instance import Instance

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("documents"), "--no-empty") as running:
        yield running


def run(code: str, names: dict[str, Any]) -> list[Any]:
    """Run code as in a notebook; return the values of its expressions."""
    found = []
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr):
            found.append(eval(compile(ast.Expression(statement.value), "doc", "eval"), names))
        else:
            exec(compile(ast.Module([statement], []), "doc", "exec"), names)
    return found


def test_the_examples_of_the_client_run(shipped: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "client.md").read_text(), re.DOTALL)
    assert len(blocks) == 4
    monkeypatch.setattr(
        "peninsula.client.Client",
        lambda *_, **more: AnyClient(shipped.address, token=shipped.token, **more),
    )
    names: dict[str, Any] = {}
    votes, citation = run(blocks[0], names)
    assert len(votes) == 3
    assert citation.startswith(
        "Peninsula, question “votes-by-state” (state=state:russia), generation "
    )
    (is_person,) = run(blocks[1], names)
    assert is_person is True
    assert len(names["summits"]) > 0
    told, facts, ends, hits, questions, triples, judged = run(blocks[2], names)
    assert (told[0], told[1]) == ("Vladimir Putin", "블라디미르 푸틴")
    assert all(graph for _, graph, _ in facts)
    assert all(ends) and hits and "votes-by-state" in questions and triples
    assert judged[0] is False and judged[1]
    (change,) = run(blocks[3], names)
    assert (change.generation, change.added) == (0, 1)


def test_the_examples_of_importing_run(
    shipped: Instance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    text = (DOCS / "import.md").read_text()
    monkeypatch.chdir(tmp_path)
    _, fine, wrong = re.findall(r"```\n(.*?)```", text, re.DOTALL)[:3]
    assert cli.main(["import", "--example", "votes", "here"]) == 0
    capfd.readouterr()
    command = ["import", "here/votes.csv", "--mapping", "here/votes.json", "--dry-run"]
    assert cli.main([*command, "--server", shipped.address, "--token", shipped.token]) == 0
    assert capfd.readouterr()[0] == fine
    table = Path("here/votes.csv")
    table.write_text(
        table.read_text().replace("China,for", "China,abstian").replace("러시아", "Росия")
    )
    assert cli.main([*command, "--server", shipped.address, "--token", shipped.token]) == 1
    assert capfd.readouterr()[0] == wrong
    assert set(EXTENSIONS) == set(re.findall(r"^\| `(import:\w+)`", text, re.MULTILINE))


def test_the_client_is_named_as_in_its_document() -> None:
    assert Client is AnyClient
