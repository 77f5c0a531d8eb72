"""How fast is Peninsula beside its peers, asked the same over HTTP in one run?

Three servers hold the shipped graph, each in processes of its own: ``peninsula serve``,
``oxigraph serve`` and ``rdflib-endpoint``. They are asked in turn, round after round, so that
a slow moment of the machine hits all alike; every answer must have the same number of rows.
Printed are medians in milliseconds, each peer's median as a multiple of ours, and the memory
of every server's processes (their proportional share, from Linux's smaps_rollup) at the end.

Run with ``make bench``; ``make bench ARGS="--rounds 50"`` asks more often.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import io
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pyoxigraph as ox
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
START_SECONDS = 120
#: A server that takes longer is started anew and not asked that query again.
LIMIT_SECONDS = 10

#: Questions without parameters, asked of every server as the same text.
QUESTIONS = ("voting-agreement", "meetings-by-pair", "topics-tree", "tests-and-responses")
QUERIES = {
    "one row": "SELECT ?o WHERE { <https://w3id.org/peninsula/id/state/russia>"
    " <https://w3id.org/peninsula/ns#iso3166Alpha3> ?o }",
    "every triple": "SELECT ?s ?p ?o WHERE { ?s ?p ?o }",
    **{slug: (ROOT / "queries" / f"{slug}.rq").read_text(encoding="utf-8") for slug in QUESTIONS},
}


class Server:
    """One running server: where it listens, and the processes it is made of."""

    def __init__(self, name: str, path: str, command: list[str], port: int, folder: Path) -> None:
        self.name = name
        self._path = path
        self._port = port
        self._command = command
        self._folder = folder
        self._log = folder / f"{port}.log"
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            return subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)

    def restart(self) -> None:
        self.stop()
        self._process = self._start()
        self.wait()

    def wait(self) -> float:
        """Wait until the server answers; return the seconds since this was called."""
        began = time.monotonic()
        while time.monotonic() < began + START_SECONDS:
            if self._process.poll() is not None:
                last = self._log.read_text(errors="replace").strip().rpartition("\n")[2]
                raise SystemExit(f"{self.name} ended: {last}")
            try:
                self.ask("ASK {}", "application/sparql-results+json")
            except OSError:
                time.sleep(0.05)
            else:
                return time.monotonic() - began
        raise SystemExit(f"{self.name} did not answer within {START_SECONDS} s")

    def ask(self, query: str, accept: str = "text/csv") -> bytes:
        """Return the body of the answer to ``query``, over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_SECONDS)
        try:
            target = f"{self._path}?{urlencode({'query': query})}"
            # A cached answer would say nothing about the engine.
            headers = {"Accept": accept, "Cache-Control": "no-cache"}
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise SystemExit(f"{self.name} answered {response.status}: {body[:300]!r}")
        return body

    def memory(self) -> float:
        """Return the memory of the server and its children, in MB (0 where Linux is not)."""
        parents: dict[int, list[int]] = defaultdict(list)
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            parents[int(fields[1])].append(int(entry.parent.name))
        waiting, total = [self._process.pid], 0
        while waiting:
            process = waiting.pop()
            waiting += parents[process]
            rollup = Path(f"/proc/{process}/smaps_rollup")
            if rollup.is_file():
                line = next(x for x in rollup.read_text().splitlines() if x.startswith("Pss:"))
                total += int(line.split()[1])
        return total / 1000

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # still evaluating
            self._process.kill()
            self._process.wait()


@contextmanager
def servers(folder: Path) -> Iterator[list[Server]]:
    """Start the three servers over the same triples, one after another; stop them at the end."""
    dump = folder / "graph.nt"
    exported = subprocess.run(
        [BIN / "peninsula", "export", "--store", folder / "store", "--format", "nquads"],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    triples = {
        ox.Triple(quad.subject, quad.predicate, quad.object)
        for quad in ox.parse(exported, format=ox.RdfFormat.N_QUADS)
    }
    ox.serialize(triples, str(dump), ox.RdfFormat.N_TRIPLES)
    location = str(folder / "oxigraph")
    subprocess.run([BIN / "oxigraph", "load", "-l", location, "-f", dump], check=True)
    ports = [_free_port() for _ in range(3)]
    ours, oxigraph, rdflib = map(str, ports)
    commands = {
        "peninsula": ("/sparql", ["peninsula", "serve", "--store", "store", "--port", ours]),
        "oxigraph serve": (
            "/query",
            ["oxigraph", "serve-read-only", "-l", location, "-b", f"127.0.0.1:{oxigraph}"],
        ),
        "rdflib-endpoint": (
            "/",
            ["rdflib-endpoint", "serve", "--store", "Oxigraph", "--port", rdflib, str(dump)],
        ),
    }
    with ExitStack() as stack:
        running = []
        for (name, (path, command)), port in zip(commands.items(), ports, strict=True):
            program, *arguments = command
            server = Server(name, path, [str(BIN / program), *arguments], port, folder)
            stack.callback(server.stop)
            running.append(server)
        for server in running:
            server.wait()
        yield running


def measure(running: list[Server], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Return seconds by (query, server), asked in turn."""
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    counts: dict[str, int] = {}
    too_slow = set()
    for number in track(range(rounds + 1), "Asking", console=Console(stderr=True)):
        for name, query in QUERIES.items():
            for server in running:
                if (name, server.name) in too_slow:
                    continue
                began = time.perf_counter()
                try:
                    body = server.ask(query)
                except TimeoutError:
                    too_slow.add((name, server.name))
                    server.restart()
                    continue
                took = time.perf_counter() - began
                if number:  # the first round warms up
                    seconds[name, server.name].append(took)
                    continue
                rows = sum(1 for _ in csv.reader(io.StringIO(body.decode())))
                if counts.setdefault(name, rows) != rows:
                    raise SystemExit(f"{name}: {server.name} has {rows} rows, not {counts[name]}")
    return seconds


def report(running: list[Server], seconds: dict[tuple[str, str], list[float]]) -> None:
    """Print medians, ratios and memory."""
    first, *peers = running
    table = Table(title="Median time to the whole answer (HTTP, CSV)", title_justify="left")
    table.add_column("query")
    table.add_column(f"{first.name}, ms", justify="right")
    for peer in peers:
        table.add_column(f"{peer.name}, ms", justify="right")
        table.add_column("ratio to ours", justify="right")
    for name in QUERIES:
        ours = statistics.median(seconds[name, first.name])
        cells = [f"{ours * 1000:.1f}"]
        for peer in peers:
            if (name, peer.name) in seconds:
                theirs = statistics.median(seconds[name, peer.name])
                cells += [f"{theirs * 1000:.1f}", f"{theirs / ours:.2f}"]
            else:
                limit = LIMIT_SECONDS * 1000
                cells += [f"> {limit}", f"> {limit / 1000 / ours:.0f}"]
        table.add_row(name, *cells)
    table.add_section()
    memory = [server.memory() for server in running]
    cells = [f"{memory[0]:.0f}"]
    for megabytes in memory[1:]:
        cells += [f"{megabytes:.0f}", f"{megabytes / memory[0]:.2f}" if memory[0] else ""]
    table.add_row("memory, MB", *cells)
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(table)
    console.print(f"{os.cpu_count()} processors; {len(next(iter(seconds.values())))} rounds.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="rounds that count (default: 20)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as running:
        report(running, measure(running, rounds))


if __name__ == "__main__":
    main()
