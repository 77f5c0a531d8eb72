"""A table is imported into a server that runs, by the same gate as every change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from peninsula import cli
from peninsula.client import Client
from tests.crash.instance import Instance
from tests.server.importing.test_runs import ROWS, SUMMITS

GRAPH = "https://w3id.org/peninsula/graph/notes"


@pytest.fixture
def arguments(
    server: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PENINSULA_TOKEN", server.token)
    Path("summits.json").write_text(json.dumps(SUMMITS))
    Path("summits.csv").write_text(ROWS)
    yield ["import", "summits.csv", "--mapping", "summits.json", "--server", server.address]
    server.update(f"DROP SILENT GRAPH <{GRAPH}>")


def test_a_table_enters_once_and_is_told_in_the_history(
    server: Instance, arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*arguments, "--dry-run"]) == 0
    assert "13 added, 0 removed, were it not a dry run" in capfd.readouterr()[0]
    client = Client(server.address)
    assert not client.ask(f"ASK {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}")
    assert cli.main(arguments) == 0
    assert f"of {server.address}." in capfd.readouterr()[0]
    assert len(client.select(f"SELECT * {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}")) == 13
    assert cli.main(arguments) == 0
    assert capfd.readouterr()[0].endswith("nothing new.\n")


def test_what_the_server_refuses_is_told_at_its_cell(
    server: Instance, arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    Path("summits.csv").write_text(ROWS.replace("2020-01-02", "2019-12-31"))
    for more in ([], ["--dry-run"]):
        assert cli.main([*arguments, *more]) == 1
        assert capfd.readouterr()[0].startswith(
            "summits.csv, row 3, column end: event:moscow: A summit does not end before it begins."
        )
    assert not Client(server.address).ask(f"ASK {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}")


def test_without_a_token_nothing_is_imported(
    arguments: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PENINSULA_TOKEN")
    assert cli.main(arguments) == 2
    assert "peninsula: 401 Token needed" in capfd.readouterr()[1]
