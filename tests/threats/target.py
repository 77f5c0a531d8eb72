"""How is a real server attacked, and how is it seen that nobody else notices?"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from peninsula import tokens
from tests.server.processes import serving

ROOT: Final = Path(__file__).resolve().parents[2]
SCENE: Final = ROOT / "tests" / "fixtures" / "knowledge"
#: Seconds within which an ordinary query must be answered, whatever else goes on.
PROMPT: Final = 2.0
ROLES: Final = ("read", "write", "admin")
QUERY: Final = "application/sparql-query"
UPDATE: Final = "application/sparql-update"
FORM: Final = "application/x-www-form-urlencoded"
TURTLE: Final = "text/turtle"
#: Whom the server takes the ordinary asker for, and whom the attacker.
OTHERS, ATTACKER = "127.0.0.2", "127.0.0.1"

_numbers = itertools.count()


@dataclass(frozen=True)
class Reply:
    """What a server answered; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document that it must be (RFC 9457), checked for its shape."""
        text = self.body.decode()
        assert self.headers["content-type"] == "application/problem+json", str(self)
        problem: dict[str, Any] = json.loads(text)
        assert problem["status"] == self.status
        assert problem["title"] and problem["detail"], text
        assert "Traceback" not in text and ".py" not in text, text
        return problem

    @property
    def kind(self) -> str:
        """The last word of the problem's type."""
        kind: str = self.problem["type"].rpartition("/")[2]
        return kind

    @property
    def text(self) -> str:
        return self.body.decode()

    def __str__(self) -> str:
        return (
            f"{self.status} after {self.seconds:.1f} s: {self.body[:1000].decode(errors='replace')}"
        )


@dataclass
class Target:
    """A server process under attack, and the tokens for it, by role."""

    address: str
    folder: Path
    pid: int
    tokens: Mapping[str, str]
    #: Seconds that ordinary queries took, of all blocks of ``undisturbed``.
    prompt: list[float] = field(default_factory=list)

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port
        return port

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        role: str = "",
        source: str = ATTACKER,
        timeout: float = 60,
    ) -> Reply:
        """Send one request over a connection of its own, and read the answer whole."""
        sent = dict(headers or {})
        if role:
            sent["Authorization"] = f"Bearer {self.tokens[role]}"
        began = time.monotonic()
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=timeout, source_address=(source, 0)
        )
        with contextlib.closing(connection):
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, received, response.read(), time.monotonic() - began)

    def query(
        self,
        text: str,
        *,
        accept: str = "application/sparql-results+json",
        parameters: Mapping[str, str] | None = None,
        source: str = ATTACKER,
        timeout: float = 60,
    ) -> Reply:
        return self.request(
            "POST",
            "/sparql" + (f"?{urlencode(parameters)}" if parameters else ""),
            text.encode("utf-8", "surrogatepass"),
            {"Content-Type": QUERY, "Accept": accept},
            source=source,
            timeout=timeout,
        )

    def update(self, text: str, *, role: str = "write", timeout: float = 60) -> Reply:
        headers = {"Content-Type": UPDATE}
        return self.request("POST", "/update", text.encode(), headers, role=role, timeout=timeout)

    def upload(
        self, body: bytes, media_type: str, *, graph: str = "x:uploaded", encoding: str = ""
    ) -> Reply:
        headers = {"Content-Type": media_type}
        if encoding:
            headers["Content-Encoding"] = encoding
        path = f"/store?{urlencode({'graph': graph})}"
        return self.request("PUT", path, body, headers, role="write")

    def connect(self, source: str = ATTACKER) -> socket.socket:
        return socket.create_connection(
            ("127.0.0.1", self.port), timeout=30, source_address=(source, 0)
        )

    def send(self, data: bytes) -> bytes:
        """Send bytes as they are; return all that comes back until the server closes."""
        with self.connect() as client:
            client.sendall(data)
            return receive(client)

    # How it is.

    def ask_ordinary(self, source: str = OTHERS) -> float:
        """Ask a query that no cache can hold; return the seconds that the right answer took."""
        number = next(_numbers)
        reply = self.query(
            f"SELECT ?summit ({number} AS ?n) {{ ?summit a pen:Summit }} ORDER BY ?summit",
            source=source,
        )
        assert reply.status == 200, str(reply)
        found = json.loads(reply.body)["results"]["bindings"]
        assert [row["n"]["value"] for row in found] == [str(number)] * 2, str(reply)
        return reply.seconds

    def state(self) -> tuple[int, bytes]:
        """Return the number of the generation, and everything that it holds."""
        headers = {"Accept": "application/n-quads"}
        dump = self.request("GET", "/store", headers=headers, source=OTHERS)
        assert dump.status == 200, str(dump)
        return int(dump.headers["peninsula-generation"]), b"\n".join(sorted(dump.body.split(b"\n")))

    def running(self) -> list[dict[str, Any]]:
        """Return what an administrator sees being evaluated."""
        reply = self.request("GET", "/admin/queries", role="admin")
        assert reply.status == 200, str(reply)
        found: list[dict[str, Any]] = json.loads(reply.body)
        return found

    def processes(self, name: str) -> list[int]:
        """Return the numbers of the server's processes of this name: pen-reader, pen-writer …"""
        return [pid for pid in descendants(self.pid) if name_of(pid) == name]

    def stored(self) -> list[Path]:
        """Return all files and folders in the store; some may be gone as soon as they are told."""
        return [
            Path(folder, name)
            # Unlike rglob, it goes on where a folder is removed just now: a generation, an index.
            for folder, folders, files in os.walk(self.folder / "store")
            for name in (*folders, *files)
        ]

    def log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8")

    @contextlib.contextmanager
    def undisturbed(
        self, *, source: str = OTHERS, changes: bool = False, lost: int = 0
    ) -> Iterator[None]:
        """Ask ordinary queries during the block and after it: each is answered within 2 s.

        Nothing is changed by the block, unless it is said to. ``lost`` queries may be under way
        in a process that the block kills: they are told so at once, by 503.
        """
        before = self.state()
        stop = threading.Event()
        took: list[float] = []
        wrong: list[BaseException] = []

        def ask() -> None:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    took.append(self.ask_ordinary(source))
                except BaseException as error:  # noqa: BLE001, told below
                    wrong.append(error)
                    if len(wrong) > lost:
                        return
                    took.append(time.monotonic() - began)
                stop.wait(0.05)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        took.append(self.ask_ordinary(source))
        self.prompt += took
        assert len(wrong) <= lost, wrong
        assert all("query-cancelled" in str(error) for error in wrong), wrong
        assert max(took) <= PROMPT, sorted(took)[-5:]
        if not changes:
            assert self.state() == before

    @contextlib.contextmanager
    def under(self, attack: Callable[[], object], count: int) -> Iterator[list[object]]:
        """Run ``attack`` in ``count`` threads beside the block; gives what each returned."""
        results: list[object] = []

        def run() -> None:
            try:
                results.append(attack())
            except BaseException as error:  # noqa: BLE001, the test looks at it
                results.append(error)

        threads = [threading.Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield results
        finally:
            for thread in threads:
                thread.join()


@contextlib.contextmanager
def started(folder: Path, *options: str) -> Iterator[Target]:
    """Give a server on a new store in ``folder`` that serves the small scene."""
    store = folder / "store"
    known = {role: tokens.add(store, f"the-{role}", role) for role in ROLES}
    command = [sys.executable, "-m", "peninsula", "serve", "--knowledge", str(SCENE)]
    more = ["--host", "127.0.0.1", "--store", str(store), *options]
    with serving([*command, *more], folder) as server:
        yield Target(server.address.rstrip("/"), folder, server.process.pid, known)


def receive(client: socket.socket) -> bytes:
    """Return what comes until the other end closes or resets."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65_536):
            data += piece
    return data


def wait_until(is_so: Callable[[], object], seconds: float) -> float:
    """Return the seconds until ``is_so``; fails when ``seconds`` are over."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"not so after {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def descendants(pid: int) -> list[int]:
    """Return the numbers of the processes below ``pid``."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *descendants(child)]
    return found


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def find_status(answer: bytes) -> int:
    """Return the status of a raw response; 0 where there is none."""
    match = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    return int(match[1]) if match else 0


def kill(pid: int) -> None:
    """Kill a process that was found in a listing, unless it has ended by itself meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
