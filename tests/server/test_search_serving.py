"""A server with many names: it answers while they are indexed, after a change, and after a restart."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from peninsula import tokens
from peninsula.namespaces import expand
from peninsula.searching.shelf import MOST_NAMES

from .conftest import wait_until
from .processes import Server, serving

_SERVE: Final = (sys.executable, "-m", "peninsula", "serve", "--empty", "--store", "store")


LABEL: Final = expand("rdfs:label")


def lay_names(folder: Path, count: int) -> None:
    """Make a store in ``folder`` with so many things that have a name."""
    data = folder / "names.nt"
    lines = (
        f'<{expand(f"event:e{i}")}> <{LABEL}> "Meeting {i} in Hanoi"@en .\n' for i in range(count)
    )
    data.write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "peninsula", "load", "--store", "store", str(data)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def find_builders(server: Server) -> dict[int, str]:
    """Return the processes that read names for ``server``, by number, with what they are called."""
    known = {server.process.pid}
    found: dict[int, str] = {}
    parents: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            name, _, rest = text.partition("(")[2].rpartition(")")
            if rest.split()[0] not in {"Z", "X"}:
                parents[int(entry.name)] = (int(rest.split()[1]), name)
    while more := {pid for pid, (parent, _) in parents.items() if parent in known} - known:
        known |= more
        found |= {pid: parents[pid][1] for pid in more if parents[pid][1].startswith("pen-names")}
    return found


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


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
    lay_names(tmp_path, MOST_NAMES + 1000)
    token = tokens.add(tmp_path / "store", "tester", "write")
    folder = tmp_path / "store" / "search"
    thing = expand("event:new")
    with serving(_SERVE, tmp_path) as server:
        first = search(server, "meeting 77")
        assert first["provisional"] == "unindexed"
        assert expand("event:e77") in {hit["iri"] for hit in first["results"]}
        number = server.ready()["generation"]
        wait_until(lambda: not search(server, "meeting 77")["provisional"], 60)
        found = search(server, "meating 77")
        assert found["results"][0]["iri"] == expand("event:e77")
        assert expand("event:e77") in find_by_sparql(server, "meeting 77")
        change(server, token, f'INSERT DATA {{ <{thing}> <{LABEL}> "Встреча в Хельсинки"@ru }}')
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


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor: one process reads names")
@pytest.mark.parametrize("killed", ["pen-names", "server"])
def test_who_reads_names_ends_with_whoever_started_it(tmp_path: Path, killed: str) -> None:
    lay_names(tmp_path, 2 * MOST_NAMES)
    with serving(_SERVE, tmp_path) as server:
        search(server, "meeting 77")
        wait_until(lambda: {*find_builders(server).values()} == {"pen-names", "pen-names-keys"}, 60)
        builders = find_builders(server)
        first = next(pid for pid, name in builders.items() if name == "pen-names")
        os.kill(server.process.pid if killed == "server" else first, signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, builders)), 20)
        if killed == "pen-names":
            assert search(server, "meeting 77")["provisional"] == "unindexed"
