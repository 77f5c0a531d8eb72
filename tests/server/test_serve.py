"""A real process, over a real socket."""

from __future__ import annotations

import json
import socket
import sys
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from .conftest import SCENE
from .processes import Server, serving

COMMAND = [sys.executable, "-m", "peninsula", "serve", "--knowledge", str(SCENE)]
ROWS = "SELECT * { ?a ?b ?c . ?d ?e ?f }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(COMMAND, tmp_path_factory.mktemp("serve")) as server:
        yield server


def test_it_says_where_it_is_and_answers(server: Server) -> None:
    assert json.loads(server.get("health"))["status"] == "ok"
    answer = json.loads(server.get("sparql?query=" + quote("ASK { ?s a pen:Summit }")))
    assert answer == {"head": {}, "boolean": True}


def test_many_ask_at_once(server: Server) -> None:
    path = "queries/summits-of.csv?state=state:russia"
    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(server.get, [path] * 100))
    assert len(answers) == 1


def test_a_large_answer_streams_whole(server: Server) -> None:
    body = server.get("sparql?format=csv&query=" + quote(ROWS))
    size = json.loads(server.get("ready"))["triples"]
    assert body.count(b"\r\n") - 1 == size**2


def test_a_client_that_leaves_in_the_middle_does_no_harm(server: Server) -> None:
    address = urlsplit(server.address)
    with socket.create_connection((address.hostname, address.port)) as connection:
        request = f"GET /sparql?format=csv&query={quote(ROWS)} HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert json.loads(server.get("health"))["status"] == "ok"


LATE_ERROR = """
import pathlib, sys
from peninsula import app, cli, dataset, serialization
from peninsula.dataset.embedded import EmbeddedSolutions
from peninsula.errors import QueryFailed

def write(self, format, output):
    for _ in range(9):
        output.write(b"x" * serialization.CHUNK)
    raise QueryFailed("the disk is gone")

EmbeddedSolutions.write = write
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_late_error_breaks_the_body_off_and_is_logged(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LATE_ERROR, *COMMAND[3:]]
    with serving(command, tmp_path) as server:
        address = urlsplit(server.address)
        with socket.create_connection((address.hostname, address.port)) as connection:
            request = f"GET /sparql?format=csv&query={quote(ROWS)} HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.sendall(request.encode())
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        assert received.startswith(b"HTTP/1.1 200")
        assert b"Transfer-Encoding: chunked" in received
        assert not received.endswith(b"0\r\n\r\n"), "the client would take it for whole"
        assert "the disk is gone" in (tmp_path / "server.log").read_text()


def test_a_long_query_fits_into_an_address(server: Server) -> None:
    values = " ".join(f"<http://example.org/{number}>" for number in range(5000))
    query = f"SELECT * {{ VALUES ?x {{ {values} }} }}"
    assert server.get("sparql?format=csv&query=" + quote(query)).count(b"\r\n") == 5001


def test_an_error_has_its_status(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.get("sparql?query=" + quote("SELECT"))
    with caught.value as response:
        assert response.status == 400
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.loads(response.read())["line"] == 1


def test_the_second_start_is_at_once_and_a_change_is_taken_up(copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    command = [*COMMAND[:-1], str(copy)]
    with serving(command, folder) as server:
        before = json.loads(server.get("ready"))["triples"]
        assert "Validating" in (folder / "server.log").read_text()
    with serving(command, folder) as server:
        assert json.loads(server.get("ready"))["triples"] == before
        assert (folder / "server.log").read_text() == ""
    path = copy / "data" / "scene" / "summits.ttl"
    path.write_text(path.read_text() + '\nplace:seoul rdfs:label "Seoul"@en .\n')
    with serving(command, folder) as server:
        assert json.loads(server.get("ready"))["triples"] > before


def test_two_servers_share_one_store(tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path) as one, serving(COMMAND, tmp_path) as other:
        assert one.get("ready") == other.get("ready")


def test_it_stops_when_told(tmp_path: Path) -> None:
    with serving(COMMAND, tmp_path) as server:
        began = time.monotonic()
        server.process.terminate()
        server.process.wait(5)
        assert time.monotonic() - began < 3
