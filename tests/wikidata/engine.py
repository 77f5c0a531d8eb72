"""How do tests get a second SPARQL server that is real: ``oxigraph serve``, as a process?"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: What the tests take for Wikidata, in its RDF shape.
SERVICE_FILE: Final = Path(__file__).with_name("service.ttl")
#: Seconds that a test waits for what should happen at once; only a failure waits so long.
PATIENCE: Final = 20.0
HOST: Final = "127.0.0.1"

JSON: Final = "application/sparql-results+json"
XML: Final = "application/sparql-results+xml"
NTRIPLES: Final = "application/n-triples"
TURTLE: Final = "text/turtle"
QUERY: Final = "application/sparql-query"
UPDATE: Final = "application/sparql-update"

#: How often another port is tried, should somebody else have taken the free one meanwhile.
_TRIES: Final = 5


def free_port() -> int:
    """Return a port of the loopback address at which nobody listens just now."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass
class Service:
    """``oxigraph serve``, as a process of its own."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """Return where it answers SPARQL queries."""
        return f"http://{self.host}/query"

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Send one request and return the body of the answer, which must be a success."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            answer = response.read()
            assert 200 <= response.status < 300, f"{response.status} {answer[:1000]!r}"
            return answer

    def select(self, query: str) -> list[dict[str, Any]]:
        """Return the bindings of a SELECT query, as they stand in JSON."""
        headers = {"Content-Type": QUERY, "Accept": JSON}
        answer = json.loads(self.request("POST", "/query", query.encode(), headers))
        found: list[dict[str, Any]] = answer["results"]["bindings"]
        return found

    def update(self, text: str) -> None:
        """Change what the service holds."""
        self.request("POST", "/update", text.encode(), {"Content-Type": UPDATE})

    def load(self, turtle: bytes | Path) -> None:
        """Add the triples of Turtle to the default graph, where Wikidata has all of its own."""
        body = turtle.read_bytes() if isinstance(turtle, Path) else turtle
        self.request("POST", "/store?default", body, {"Content-Type": TURTLE})

    def replace(self, turtle: bytes | Path) -> None:
        """Let the service hold nothing but these triples."""
        body = turtle.read_bytes() if isinstance(turtle, Path) else turtle
        self.request("PUT", "/store?default", body, {"Content-Type": TURTLE})


def _program() -> str:
    beside = Path(sys.executable).with_name("oxigraph")
    program = str(beside) if beside.exists() else shutil.which("oxigraph")
    assert program, "oxigraph serve is missing: install the extra “test”"
    return program


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Return whether the process answers at the port; False as soon as it has ended."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None:
        try:
            with socket.create_connection((HOST, port), timeout=1):
                return True
        except OSError:
            assert time.monotonic() < until, "oxigraph serve does not listen"
            time.sleep(0.01)
    return False


@contextlib.contextmanager
def serving(*files: Path) -> Iterator[Service]:
    """Run ``oxigraph serve`` in memory on a free port, with Turtle files loaded, until the end."""
    for _ in range(_TRIES):
        port = free_port()
        process = subprocess.Popen(
            [_program(), "serve", "--bind", f"{HOST}:{port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            if _listens(port, process):
                service = Service(port, process)
                for file in files:
                    service.load(file)
                yield service
                return
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
    raise AssertionError("oxigraph serve found no port")
