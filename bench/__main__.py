"""Does Peninsula keep what it promises on speed, beside its peers in one run?

Measured are ``peninsula serve``, ``oxigraph serve`` on its disk store and in memory, and
``rdflib-endpoint``, on the real graph and on generated data of 1 and 10 million triples; figures
are ratios and differences of medians, asked in turn. Ten million triples take some 12 GB of memory
and 10 GB of disk; ``--scale real --scale 1`` leaves them out, ``--quick`` takes some minutes.

Validation is measured beside pySHACL and rudof, on data of its own: ``--only validate`` on 5,000,
50,000 and 200,000 focus nodes, ``--only gate`` on 10,000, 1 million and 10 million triples. So is
SERVICE: ``--only federation`` joins a little here with 0.1, 1 and 2 million triples elsewhere.

Finding by name is measured on a million names: ``--only search --scale 1``.

All data are under one temporary folder, which is removed at the end; all traffic is on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyoxigraph as ox
from rich.console import Console

from bench import federation, generator, measures, searching, validation, workload
from bench.client import Refused, TooSlow
from bench.findings import Report
from bench.measures import Setting
from bench.servers import Oxigraph, OxigraphMemory, Peninsula, RdflibEndpoint, Server
from bench.validators import Late

ROOT = Path(__file__).resolve().parents[1]
#: In this order: the last one changes the data.
WHILE_SERVING: dict[str, Callable[[Setting], None]] = {
    "queries": measures.queries,
    "repeat": measures.repeat,
    "clients": measures.clients,
    "first-byte": measures.first_byte,
    "stream": measures.stream_memory,
    "update": measures.update,
}
#: On data of their own, and before any server of the others runs.
VALIDATING: dict[str, Callable[[validation.Setting], None]] = {
    "validate": validation.whole,
    "gate": validation.gate,
    "federation": federation.selective,
    "search": searching.search,
}
MEASURES = ("load", "start", *WHILE_SERVING, *VALIDATING)
PEERS: dict[str, type[Server]] = {
    "oxigraph": Oxigraph,
    "oxigraph-memory": OxigraphMemory,
    "rdflib-endpoint": RdflibEndpoint,
}
SERVERS = ("peninsula", *PEERS)
PACKAGES = ("pyoxigraph", "oxigraph", "rdflib-endpoint", "pyshacl", "pyrudof")
#: rdflib's parser takes about a minute for a million triples; ten million would take ten.
RDFLIB_TRIPLES = 1_500_000


def main() -> None:
    """Run the benchmark."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(stderr=True, highlight=False)
    began = time.monotonic()

    def say(what: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.0f} s[/]  {what}")

    report = Report()
    busy = os.getloadavg()[0]
    report.about = {
        "processors": os.cpu_count(),
        "load before": round(busy, 2),
        "rounds": options.rounds,
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }
    if busy > 0.7:
        report.warnings.append(f"The machine was busy before it began (load {busy:.1f}).")
    try:
        with tempfile.TemporaryDirectory(prefix="peninsula-bench-", dir=options.folder) as name:
            for scale in options.scale:
                _run(scale, options, Path(name) / scale, report, say)
    finally:  # what was measured before it was interrupted is worth seeing
        report.about["minutes"] = round((time.monotonic() - began) / 60, 1)
        report.show(Console(width=None if sys.stdout.isatty() else 150, highlight=False))
        if options.json:
            text = json.dumps(report.as_json(), indent=1, ensure_ascii=False)
            options.json.write_text(text + "\n", encoding="utf-8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # not every measure needs it
        return "not installed"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=MEASURES, help="one measure; repeatable")
    parser.add_argument(
        "--scale",
        action="append",
        choices=("real", "1", "10"),
        help="the real graph, 1 or 10 million triples; repeatable (default: all three)",
    )
    parser.add_argument(
        "--server", action="append", choices=SERVERS, help="who is measured; repeatable"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument("--quick", action="store_true", help="real and 1 million, 2 rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    parser.add_argument("--folder", type=Path, help="where temporary data go")
    parser.add_argument(
        "--memory", default="always", choices=("auto", "always", "never"), help="how ours serves"
    )
    options = parser.parse_args()
    options.only = options.only or list(MEASURES)
    options.scale = options.scale or (["real", "1"] if options.quick else ["real", "1", "10"])
    options.server = options.server or list(SERVERS)
    if options.quick:
        options.rounds = min(options.rounds, 2)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def _run(
    scale: str,
    options: argparse.Namespace,
    folder: Path,
    report: Report,
    say: Callable[[str], None],
) -> None:
    """Measure one data set, and remove it."""
    folder.mkdir()
    _validate(scale, options, folder, report, say)
    if not set(options.only) - VALIDATING.keys():
        shutil.rmtree(folder)
        return
    setting = _prepare(scale, options, folder, report, say)
    servers, large = setting.servers, scale != "real"
    rounds = min(options.rounds, 3) if scale == "10" else options.rounds
    with ExitStack() as stack:
        for server in servers:
            stack.callback(_stop, server, report)
        setting.rounds = 1 if scale == "10" else rounds
        measures.load(setting, measured=large and "load" in options.only)
        setting.rounds = rounds
        if large and "start" in options.only:
            say("start")
            measures.start(setting)
        steps = {
            name: step
            for name, step in WHILE_SERVING.items()
            if name in options.only and (large or name in {"queries", "repeat"})
        }
        if "queries" not in steps:  # the only measure that it takes part in
            setting.servers = [s for s in servers if not isinstance(s, RdflibEndpoint)]
        if steps:
            for server in setting.servers:
                say(f"{server.name} answered after {server.start():.2f} s")
        for name, step in steps.items():
            say(name)
            try:
                step(setting)
            except (Refused, TooSlow, OSError, EOFError) as problem:
                report.warnings.append(f"{setting.data}: {name} broke off: {problem}")
    shutil.rmtree(folder)


def _validate(
    scale: str,
    options: argparse.Namespace,
    folder: Path,
    report: Report,
    say: Callable[[str], None],
) -> None:
    """Measure validation at one scale."""
    patience = 60.0 if options.quick else 300.0
    for name, step in VALIDATING.items():
        if name in options.only:
            place = folder / name
            place.mkdir()
            try:
                step(
                    validation.Setting(
                        scale, place, options.rounds, patience, options.memory, report, say
                    )
                )
            except (Refused, TooSlow, Late, OSError, EOFError) as problem:
                report.warnings.append(f"{scale}: {name} broke off: {problem}")
            shutil.rmtree(place)


def _prepare(
    scale: str,
    options: argparse.Namespace,
    folder: Path,
    report: Report,
    say: Callable[[str], None],
) -> Setting:
    """Write the data, and say who takes part."""
    if scale == "real":
        data, triples = folder / "data.nq", _export(folder)
        mix, title = workload.real(ROOT / "queries"), "real"
    else:
        data, shape = folder / "data.nt", generator.Shape(int(scale) * 1_000_000)
        triples = generator.write(data, shape.triples)
        mix, title = workload.generated(shape), f"{scale}M"
    say(f"[bold]{title}[/]: {triples:,} triples, {data.stat().st_size / 1e6:,.0f} MB")
    servers: list[Server] = []
    for name in options.server:
        if name == "peninsula":
            union = scale == "real"
            servers.append(Peninsula(folder / name, data, union=union, memory=options.memory))
        elif name == "rdflib-endpoint" and triples > RDFLIB_TRIPLES:
            report.warnings.append(f"{title}: without rdflib-endpoint, which loads for too long.")
        else:
            servers.append(PEERS[name](folder / name, data, union=scale == "real"))
    return Setting(title, triples, mix, servers, options.rounds, report, say)


def _stop(server: Server, report: Report) -> None:
    left = server.stop()
    if left:
        report.warnings.append(f"{server.name} left {len(left)} processes behind when it ended.")


def _export(folder: Path) -> int:
    """Write the shipped graph as N-Quads; return how many quads it has."""
    target = folder / "data.nq"
    command = [sys.executable, "-m", "peninsula", "export", "--store", str(folder / "export")]
    with target.open("wb") as file:
        subprocess.run([*command, "--format", "nquads"], check=True, stdout=file)
    shutil.rmtree(folder / "export", ignore_errors=True)
    return sum(1 for _ in ox.parse(path=str(target), format=ox.RdfFormat.N_QUADS))


if __name__ == "__main__":
    main()
