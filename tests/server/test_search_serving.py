"""A server with many names: it answers while they are indexed, after a change, and after a restart."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from peninsula import tokens
from peninsula.namespaces import expand
from peninsula.searching.shelf import MOST_NAMES

from .conftest import wait_until
from .processes import Server, serving

_SERVE: Final = (sys.executable, "-m", "peninsula", "serve", "--empty", "--store", "store")


def search(server: Server, text: str, **more: object) -> Any:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return json.loads(server.get(f"search?q={quote(text)}&format=json{query}"))


def find_by_sparql(server: Server, text: str) -> str:
    return server.csv(
        f'SELECT ?thing {{ SERVICE <peninsula:search> {{ ?thing search:text "{text}" }} }}'
    )


def change(server: Server, token: str, update: str) -> None:
    request = urllib.request.Request(
        server.address + "update",
        update.encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/sparql-update"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status in {200, 204}


def test_many_names_are_indexed_beside_the_server(tmp_path: Path) -> None:
    data = tmp_path / "names.nt"
    label = expand("rdfs:label")
    lines = (
        f'<{expand(f"event:e{i}")}> <{label}> "Meeting {i} in Hanoi"@en .\n'
        for i in range(MOST_NAMES + 1000)
    )
    data.write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "peninsula", "load", "--store", "store", str(data)]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    token = tokens.add(tmp_path / "store", "tester", "write")
    folder = tmp_path / "store" / "search"
    with serving(_SERVE, tmp_path) as server:
        first = search(server, "meeting 77")
        assert first["provisional"] == "unindexed"
        assert expand("event:e77") in {hit["iri"] for hit in first["results"]}
        number = server.ready()["generation"]
        wait_until(lambda: not search(server, "meeting 77")["provisional"], 60)
        found = search(server, "meating 77")
        assert found["results"][0]["iri"] == expand("event:e77")
        assert expand("event:e77") in find_by_sparql(server, "meeting 77")
        thing = expand("event:new")
        change(server, token, f'INSERT DATA {{ <{thing}> <{label}> "Встреча в Хельсинки"@ru }}')
        wait_until(lambda: not search(server, "helsinki")["provisional"], 60)
        # Cyrillic, and not the same in Latin letters.
        assert search(server, "хельсинками")["results"][0]["iri"] == thing
        # The past is as it was, and its index is there still.
        past = search(server, "хельсинки", generation=number)
        assert (past["total"], past["provisional"]) == (0, "")
    names = sorted(path.name for path in folder.iterdir())
    made = {name: (folder / name / "meta.json").stat().st_mtime_ns for name in names}
    assert len(made) == 2
    (folder / ".building-9").mkdir()
    with serving(_SERVE, tmp_path) as server:
        # At once, of what was made before.
        found = search(server, "хельсинки")
        assert (found["total"], found["provisional"]) == (1, "")
    after = {path.name: (path / "meta.json").stat().st_mtime_ns for path in folder.iterdir()}
    assert after == made
