"""Who is measured, and what processes is each made of?

Every server runs in a session of its own, listens on loopback only, logs to a file beside its
store, and is ended with all of its descendants: when it is stopped, when the benchmark ends for
whatever reason, and (on Linux) even when the benchmark is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from bench.client import HOST, Client, Refused, TooSlow

BIN = Path(sys.executable).parent
START_SECONDS = 600
_PR_SET_PDEATHSIG = 1
_QUERY_RESULTS = "application/sparql-results+json"


class Server:
    """One server: how it is started, where it answers, and its processes."""

    name = ""
    query_path = "/query"
    update_path = "/update"
    #: Seconds without a byte after which a query counts as too slow.
    patience: float = 60

    def __init__(self, folder: Path, data: Path, *, union: bool = False) -> None:
        """``folder`` is for its store and log; ``data`` the file that it serves."""
        self.folder = folder
        self.data = data
        self.union = union
        self.port = 0
        self.update_headers: dict[str, str] = {"Content-Type": "application/sparql-update"}
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def load_command(self) -> list[str] | None:
        """Return the command that loads ``data`` into the store, or None where starting does it."""
        return None

    def command(self) -> list[str]:
        raise NotImplementedError

    def fill(self) -> None:
        """Do what is left to do when it listens, before it is measured."""

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def client(self) -> Client:
        assert self._client is not None
        return self._client

    def new_client(self, patience: float | None = None) -> Client:
        return Client(self.port, patience or self.patience)

    def load(self) -> float:
        """Load the data into the store; return the seconds it took."""
        command = self.load_command()
        if command is None:
            return 0.0
        began = time.perf_counter()
        process = self._spawn(command, "load.log")
        try:
            code = process.wait()
        except BaseException:
            _end(process)
            raise
        took = time.perf_counter() - began
        if code:
            raise SystemExit(f"{self.name} could not load: {self._last_line('load.log')}")
        return took

    def start(self, *, filled: bool = True) -> float:
        """Start, and return the seconds until it answered its first query.

        ``filled`` waits on until all data are there, in memory where it serves from there.
        """
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        began = time.perf_counter()
        self._process = self._spawn(self.command(), "serve.log")
        self._client = Client(self.port, self.patience)
        while time.perf_counter() - began < START_SECONDS:
            if self._process.poll() is not None:
                raise SystemExit(f"{self.name} ended: {self._last_line('serve.log')}")
            try:
                self._ready()
            except (OSError, EOFError, Refused, TooSlow):
                time.sleep(0.01)
            else:
                took = time.perf_counter() - began
                if filled:
                    self.fill()
                return took
        raise SystemExit(f"{self.name} did not answer within {START_SECONDS} s")

    def _ready(self) -> None:
        self.client.query(self.query_path, "ASK {}", _QUERY_RESULTS)

    def stop(self) -> list[int]:
        """End every process of it; return those that its own end left behind."""
        if self._client is not None:
            self._client.close()
            self._client = None
        process, self._process = self._process, None
        return _end(process) if process is not None else []

    def restart(self) -> None:
        self.stop()
        self.start()

    def update(self, text: str) -> float:
        """Send one update; return the seconds until it was acknowledged."""
        answer = self.client.request("POST", self.update_path, self.update_headers, text.encode())
        return answer.total

    def processes(self) -> list[int]:
        """Return the process that was started, and then all its descendants."""
        return descendants(self._process.pid) if self._process is not None else []

    def web_process(self) -> int:
        """Return the process that holds the listening socket, nearest to the one started."""
        wanted = {f"socket:[{inode}]" for inode in _listening(self.port)}
        for pid in self.processes():
            with contextlib.suppress(OSError):
                for entry in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        if str(entry.readlink()) in wanted:
                            return pid
        return self.processes()[0]

    def _spawn(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                # No thread of the benchmark is alive when it starts a server.
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )

    def _last_line(self, log: str) -> str:
        text = (self.folder / log).read_text(errors="replace").strip()
        return "\n".join(text.splitlines()[-5:])


class Peninsula(Server):
    """Ours, from the checkout this benchmark belongs to."""

    query_path = "/sparql"
    _program = (sys.executable, "-m", "peninsula")

    def __init__(
        self, folder: Path, data: Path, *, union: bool = False, memory: str = "always"
    ) -> None:
        super().__init__(folder, data, union=union)
        self.memory = memory
        self.name = "peninsula" if memory != "never" else "peninsula, disk"

    def load_command(self) -> list[str]:
        return [*self._program, "load", str(self.data), "--store", str(self.store)]

    def command(self) -> list[str]:
        command = [*self._program, "serve", "--empty", "--host", HOST]
        command += ["--port", str(self.port), "--store", str(self.store), "--memory", self.memory]
        return [*command, "--default-graph", "union" if self.union else "own"]

    def _ready(self) -> None:
        self.client.request("GET", "/ready", {"Accept": "application/json"})
        super()._ready()

    def fill(self) -> None:
        """Wait until it serves from memory, where it is told to."""
        began = time.perf_counter()
        while self.memory == "always" and self.serving() not in {"memory", None}:
            if time.perf_counter() - began > START_SECONDS:
                raise SystemExit(f"{self.name} did not move to memory within {START_SECONDS} s")
            time.sleep(0.25)

    def serving(self) -> str | None:
        """Return what it answers from, ``memory`` or ``disk``; None if it does not say."""
        answer = self.client.request("GET", "/ready", {"Accept": "application/json"}, keep=True)
        try:
            said = json.loads(answer.body)
        except ValueError:
            return None
        return said.get("serving") if isinstance(said, dict) else None

    def authorize(self) -> None:
        """Make a token for updates; for a server that has been started."""
        made = subprocess.run(
            [
                *self._program,
                "token",
                "add",
                f"bench{self.port}",
                "--role",
                "write",
                "--store",
                self.store,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        words = re.findall(r"[\w.~+/=-]{16,}", made.stdout)
        if made.returncode or not words:
            raise SystemExit(f"{self.name}: no token: {made.stderr or made.stdout}")
        self.update_headers["Authorization"] = f"Bearer {max(words, key=len)}"


class Oxigraph(Server):
    """``oxigraph serve`` on its disk store."""

    name = "oxigraph, disk"

    def load_command(self) -> list[str] | None:
        command = [str(BIN / "oxigraph"), "load", "--location", str(self.store)]
        return [*command, "--file", str(self.data)]

    def command(self) -> list[str]:
        command = [str(BIN / "oxigraph"), "serve", "--bind", f"{HOST}:{self.port}"]
        command += ["--location", str(self.store)]
        return command + (["--union-default-graph"] if self.union else [])


class OxigraphMemory(Server):
    """``oxigraph serve`` without a location: its memory store, filled over HTTP."""

    name = "oxigraph, memory"

    def command(self) -> list[str]:
        command = [str(BIN / "oxigraph"), "serve", "--bind", f"{HOST}:{self.port}"]
        return command + (["--union-default-graph"] if self.union else [])

    def fill(self) -> None:
        quads = self.data.suffix == ".nq"
        media_type = "application/n-quads" if quads else "application/n-triples"
        target = "/store?no_transaction" + ("" if quads else "&default")
        client = self.new_client(START_SECONDS)
        client.request("POST", target, {"Content-Type": media_type}, self.data)
        client.close()


class RdflibEndpoint(Server):
    """``rdflib-endpoint serve`` on the Oxigraph store, the quicker of the two that it offers."""

    name = "rdflib-endpoint"
    query_path = "/"
    patience = 5

    def command(self) -> list[str]:
        command = [str(BIN / "rdflib-endpoint"), "serve", "--store", "Oxigraph", "--host", HOST]
        return [*command, "--port", str(self.port), str(self.data)]


def descendants(pid: int) -> list[int]:
    """Return ``pid`` and, on Linux, the processes below it, the nearest first."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = entry.read_text().rpartition(")")[2].split()[1]
            children[int(parent)].append(int(entry.parent.name))
    found = [pid]
    for process in found:
        found += sorted(children[process])
    return found


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB; 0 where it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def proportional(pids: list[int]) -> float:
    """Return the memory of processes in MB, a page that several share counted once among them."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total * 1024 / 1e6


def cpu_seconds(pids: list[int]) -> float:
    """Return the processor time that processes, and children they have reaped, took so far."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _listening(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on ``port``."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _end(process: subprocess.Popen[bytes]) -> list[int]:
    """Ask a process to end, then see to it; return the descendants that outlived it by a second."""
    family = descendants(process.pid)[1:]
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:  # still evaluating
        process.kill()
        process.wait()
    until = time.monotonic() + 1
    while (left := [pid for pid in family if _alive(pid)]) and time.monotonic() < until:
        time.sleep(0.02)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return left


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
