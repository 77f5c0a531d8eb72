"""A real process, over a real socket."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from .conftest import SCENE, is_dead, wait_until
from .processes import Server, serving

COMMAND = [sys.executable, "-m", "peninsula", "serve", "--knowledge", str(SCENE)]
ROWS = "SELECT * { ?a ?b ?c . ?d ?e ?f }"
#: Answers for hours, a row at a time.
ENDLESS = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(COMMAND, tmp_path_factory.mktemp("serve")) as server:
        yield server


def connect(server: Server, query: str) -> socket.socket:
    """Ask ``query`` over a socket of our own."""
    address = urlsplit(server.address)
    connection = socket.create_connection((address.hostname, address.port), timeout=30)
    request = f"GET /sparql?format=csv&query={quote(query)} HTTP/1.1\r\nHost: x\r\n\r\n"
    connection.sendall(request.encode())
    return connection


def children(pid: int) -> dict[int, str]:
    """Return the processes below one, with what they call themselves."""
    listing = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    found: dict[int, str] = {}
    above = {pid}
    while more := {int(r[0]): r[2] for r in rows if int(r[1]) in above and int(r[0]) not in found}:
        found |= more
        above = set(more)
    return found


def test_it_says_where_it_is_and_answers(server: Server) -> None:
    assert json.loads(server.get("health"))["status"] == "ok"
    answer = json.loads(server.get("sparql?query=" + quote("ASK { ?s a pen:Summit }")))
    assert answer == {"head": {}, "boolean": True}


def test_it_says_how_it_serves(server: Server) -> None:
    line = next(x for x in server.log.read_text().splitlines() if x.startswith("Generation"))
    assert re.match(
        r"Generation 1, \d+ triples, served from disk, then from memory \(about \d+ MB\); "
        r"\d+ readers, which (cannot open sockets|are not confined by this system), [\d,]+ MiB each\.",
        line,
    )
    # The dataset comes into memory while the first are answered already.
    names = {"pen-zygote", "pen-writer", "pen-reader", "pen-template"}
    wait_until(lambda: names <= set(children(server.process.pid).values()))


def test_many_ask_at_once(server: Server) -> None:
    path = "queries/summits-of.csv?state=state:russia"
    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(server.get, [path] * 100))
    assert len(answers) == 1


def test_a_large_answer_streams_whole(server: Server) -> None:
    assert server.csv(ROWS).count("\r\n") - 1 == server.ready()["triples"] ** 2


def test_a_client_that_leaves_in_the_middle_frees_its_reader(server: Server) -> None:
    with connect(server, ENDLESS) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    wait_until(lambda: "outcome=disconnected" in server.log.read_text(), 5)
    assert json.loads(server.get("health"))["status"] == "ok"


def test_a_reader_that_dies_breaks_the_body_off_and_the_log_says_why(server: Server) -> None:
    before = set(children(server.process.pid))
    with connect(server, ENDLESS + " OFFSET 1") as connection:
        received = connection.recv(65536)
        assert received.startswith(b"HTTP/1.1 200")
        assert b"transfer-encoding: chunked" in received.lower()
        readers = [
            pid for pid, name in children(server.process.pid).items() if name == "pen-reader"
        ]
        assert readers
        for pid in readers:
            _kill(pid)
        while chunk := connection.recv(1 << 20):
            received = (received + chunk)[-100:]
    assert not received.endswith(b"0\r\n\r\n"), "the client would take it for whole"
    wait_until(lambda: "outcome=cancelled" in server.log.read_text(), 5)
    assert server.ready()["status"] == "ready"
    # Others take their place.
    wait_until(lambda: set(children(server.process.pid)) - before)


def _kill(pid: int) -> None:
    try:
        # A child of the server that these tests started.
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def test_a_long_query_fits_into_an_address(server: Server) -> None:
    values = " ".join(f"<http://example.org/{number}>" for number in range(5000))
    query = f"SELECT * {{ VALUES ?x {{ {values} }} }}"
    assert server.csv(query).count("\r\n") == 5001


def test_an_error_has_its_status(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.get("sparql?query=" + quote("SELECT"))
    with caught.value as response:
        assert response.status == 400
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.loads(response.read())["line"] == 1


def test_every_request_is_a_line_of_the_log(server: Server) -> None:
    server.csv("SELECT ?only { VALUES ?only { 1 2 3 } }")

    def lines() -> list[str]:
        # The answer is written before the line is.
        return [x for x in server.log.read_text().splitlines() if "rows=3 " in x]

    wait_until(lines)
    assert re.search(
        r"level=info event=request method=GET path=/sparql status=200 ms=[\d.]+ bytes=\d+ "
        r"query=[0-9a-f]{12} generation=1 rows=3 outcome=ok",
        lines()[0],
    )
    assert "VALUES" not in server.log.read_text(), "the log has no queries, only their hashes"


def test_the_second_start_is_at_once_and_a_change_is_taken_up(copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    command = [*COMMAND[:-1], str(copy)]
    with serving(command, folder) as server:
        before = server.ready()["triples"]
        assert "Validating" in server.log.read_text()
    with serving(command, folder) as server:
        assert server.ready()["triples"] == before
        assert "Validating" not in server.log.read_text()
    path = copy / "data" / "scene" / "summits.ttl"
    path.write_text(path.read_text() + '\nplace:seoul rdfs:label "Seoul"@en .\n')
    with serving(command, folder) as server:
        ready = server.ready()
        assert ready["triples"] > before
        assert ready["generation"] == 2


def test_two_servers_never_share_one_store(server: Server) -> None:
    done = subprocess.run(
        [*COMMAND, "--port", "0"],
        cwd=server.log.parent, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"peninsula: The store .peninsula is in use by process {server.process.pid}. "
        "Stop that server first, or give --store another folder.\n"
    )
    assert server.ready()["status"] == "ready"


def test_commands_read_the_store_that_a_server_holds(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "peninsula", "query", "ASK {}", "--knowledge", str(SCENE)],
        cwd=server.log.parent, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "true"), done.stderr


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_and_leaves_no_process(tmp_path: Path, number: int) -> None:
    with serving([*COMMAND, "--memory", "never"], tmp_path) as server:
        wait_until(lambda: "pen-writer" in children(server.process.pid).values())
        below = children(server.process.pid)
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(10) == 0
        assert time.monotonic() - began < 3
        wait_until(lambda: all(map(is_dead, below)), 5)


def test_when_it_is_killed_its_processes_end_with_it(tmp_path: Path) -> None:
    with serving([*COMMAND, "--empty"], tmp_path) as server:
        wait_until(lambda: "pen-writer" in children(server.process.pid).values())
        below = children(server.process.pid)
        server.process.kill()
        server.process.wait(10)
        wait_until(lambda: all(map(is_dead, below)), 5)
