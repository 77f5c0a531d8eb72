"""How do tests start a server that they may kill, and start again on the same store?

Every start is a session of its own, so that the whole group of processes can be killed at once
and nothing else with it. Readiness is measured from the start of the process.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode

from peninsula import tokens

COMMAND: Final = (sys.executable, "-m", "peninsula")
NQUADS: Final = "application/n-quads"
NTRIPLES: Final = "application/n-triples"
TURTLE: Final = "text/turtle"
PATCH: Final = "application/rdf-patch"
QUERY: Final = "application/sparql-query"
UPDATE: Final = "application/sparql-update"
JSON: Final = "application/sparql-results+json"

#: Seconds that a test waits for what should happen at once; only a failure waits so long.
PATIENCE: Final = 20.0


@dataclass(frozen=True)
class Answer:
    """What the server answered; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_done(self) -> bool:
        return 200 <= self.status < 300

    @property
    def problem(self) -> dict[str, Any]:
        """Return the problem document that this answer must be."""
        assert self.headers.get("content-type", "").startswith("application/problem+json"), self
        content: dict[str, Any] = json.loads(self.body)
        assert content["status"] == self.status
        assert content["title"] and content["detail"], content
        return content

    def __str__(self) -> str:
        return f"{self.status} {self.body[:1000].decode(errors='replace')}"


class NotStarted(Exception):
    """The server ended before it said where it listens: exit code and stderr."""

    def __init__(self, code: int, log: str) -> None:
        super().__init__(f"exit code {code}: {log[-2000:]}")
        self.code = code
        self.log = log


class Instance:
    """A store in a folder, a token that may write to it, and the server, where one runs."""

    def __init__(
        self, folder: Path, *options: str, store: Path | None = None, token: str = ""
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.store = store or folder / "store"
        self.options = options
        self.token = token or tokens.add(self.store, "tester", "admin")
        self.process: subprocess.Popen[str] | None = None
        self.host = ""
        self.seconds = 0.0
        self._log = folder / "server.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def address(self) -> str:
        return f"http://{self.host}/"

    def log(self) -> str:
        """Return what the server has written to stderr since it was started."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    # The processes.

    def launch(self, *more: str) -> None:
        """Start the process, without waiting for anything."""
        assert self.process is None
        command = [*COMMAND, "serve", "--empty", "--host", "127.0.0.1", "--port", "0"]
        self._began = time.monotonic()
        with self._log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*command, "--store", str(self.store), *self.options, *more],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={n: v for n, v in os.environ.items() if not n.startswith("PENINSULA_")},
                start_new_session=True,
            )

    def start(self, *more: str) -> float:
        """Start the server; return the seconds until it was ready. Raises NotStarted."""
        self.launch(*more)
        assert self.process and self.process.stdout
        line = self.process.stdout.readline()
        match = re.search(r"http://localhost:(\d+)/", line)
        if match is None:
            code = self.process.wait(PATIENCE)
            self._forget()
            raise NotStarted(code, self.log())
        self.host = f"127.0.0.1:{match[1]}"
        answer = self.request("GET", "/ready")
        self.seconds = time.monotonic() - self._began
        assert answer.status == 200, answer
        return self.seconds

    def kill(self) -> None:
        """Kill the whole group of processes, and wait until it is gone."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.await_end()
        self._forget()

    def stop(self) -> int:
        """Send SIGTERM; return the exit code once every process is gone."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self.await_end()
        self._forget()
        return code

    def _forget(self) -> None:
        assert self.process and self.process.stdout
        self.process.stdout.close()
        self.process = None

    def await_end(self) -> None:
        """Wait until no process of the group is left."""
        until = time.monotonic() + PATIENCE
        while left := self.processes():
            assert time.monotonic() < until, f"still there: {left}"
            time.sleep(0.005)

    def processes(self) -> dict[int, str]:
        """Return the processes of the group that live, by number, with their names."""
        assert self.process
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError, IndexError):
                text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
                name, _, rest = text.partition("(")[2].rpartition(")")
                state, _, group = rest.split()[:3]
                if int(group) == self.process.pid and state not in {"Z", "X"}:
                    found[int(entry.name)] = name
        return found

    def find(self, name: str) -> list[int]:
        """Return the processes that are called ``pen-{name}``."""
        return [pid for pid, found in self.processes().items() if found == f"pen-{name}"]

    # Requests.

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        """Send one request with the token; raises OSError or HTTPException where it is cut off."""
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "*/*", **(headers or {})}
        with contextlib.closing(connection):
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, received, response.read())

    def update(self, text: str, parameters: str = "") -> Answer:
        """Send an update."""
        return self.request("POST", f"/update{parameters}", text.encode(), {"Content-Type": UPDATE})

    def query(self, text: str, accept: str = JSON, **parameters: str) -> Answer:
        """Ask a query."""
        suffix = f"?{urlencode(parameters)}" if parameters else ""
        headers = {"Content-Type": QUERY, "Accept": accept}
        return self.request("POST", f"/sparql{suffix}", text.encode(), headers)

    def rows(self, text: str, **parameters: str) -> list[dict[str, str]]:
        """Return the solutions of a query, each as the values of its variables."""
        answer = self.query(text, **parameters)
        assert answer.status == 200, answer
        bindings = json.loads(answer.body)["results"]["bindings"]
        return [{name: term["value"] for name, term in row.items()} for row in bindings]

    def send(self, method: str, graph: str | None, body: str | None, media_type: str) -> Answer:
        """Write a graph of that name; None means the dataset."""
        path = f"/store?{urlencode({'graph': graph})}" if graph else "/store"
        headers = {"Content-Type": media_type} if body is not None else {}
        return self.request(method, path, None if body is None else body.encode(), headers)

    def dump(self, generation: int | None = None) -> frozenset[str]:
        """Return all quads, each as a line of N-Quads."""
        suffix = f"?generation={generation}" if generation else ""
        answer = self.request("GET", f"/store{suffix}", headers={"Accept": NQUADS})
        assert answer.status == 200, answer
        return frozenset(answer.body.decode().splitlines())

    def history(self) -> list[dict[str, Any]]:
        """Return the descriptions of the kept generations, oldest first."""
        answer = self.request("GET", "/history", headers={"Accept": "application/json"})
        assert answer.status == 200, answer
        found: list[dict[str, Any]] = json.loads(answer.body)
        return found[::-1]

    def ready(self) -> dict[str, Any]:
        """Return what the server says of its state."""
        answer = self.request("GET", "/ready")
        assert answer.status == 200, answer
        told: dict[str, Any] = json.loads(answer.body)
        return told

    def await_serving(self, where: str) -> None:
        """Wait until answers come from ``memory`` or ``disk``."""
        until = time.monotonic() + PATIENCE
        while True:
            answer = self.request("GET", "/ready")
            if answer.status == 200 and json.loads(answer.body)["serving"] == where:
                return
            assert time.monotonic() < until, f"not served from {where}: {answer}"
            time.sleep(0.02)


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line and return what it said."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={n: v for n, v in os.environ.items() if not n.startswith("PENINSULA_")},
    )


def lines(rows: Sequence[str]) -> str:
    """Return rows as the text of a file."""
    return "".join(f"{row}\n" for row in rows)
