"""Who validates, and in what kind of process?

Each contender is a process of its own, so that its peak memory is its own: ``python -m
bench.validators NAME DATA SHAPES`` loads, says so in a line of JSON, and does what it is told, a
line each, until it is told no more. ``Contender`` is its other end.

pyrudof is rudof's own binding, from the package index; its validator is the native one.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
#: Says what it found: results by constraint component.
Validate = Callable[[], Counter[str]]

_SH = "http://www.w3.org/ns/shacl#"
_ROOT = Path(__file__).resolve().parents[1]


#: What a contender may hold, so that a greedy one ends itself and not the machine.
_SHARE_OF_MEMORY = 0.6


class Late(Exception):
    """No answer came within the time that it has, or it ended for want of memory."""


class Contender:
    """A process that validates, or that writes."""

    def __init__(self, name: str, *arguments: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.validators", name, *map(str, arguments)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def read(self, seconds: float) -> Answer:
        """Return what it says next; raises Late."""
        output = self._process.stdout
        assert output is not None
        if not select.select([output], [], [], seconds)[0]:
            raise Late(f"{self.name}: not within {seconds:g} s")
        line = output.readline()
        if not line:
            code = self._process.wait()
            raise Late(f"{self.name}: ended itself, or was ended (exit code {code})")
        answer: Answer = json.loads(line)
        return answer

    def ask(self, message: str, seconds: float) -> Answer:
        """Tell it to do something; return what it says then."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(message + "\n")
        return self.read(seconds)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


def peak() -> float:
    """Return the most memory that this process ever held, in MB."""
    with contextlib.suppress(OSError):
        # A new process inherits the maximum that getrusage tells; this one is its own.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


# The contenders. Imports are theirs alone, for the sake of memory.


def _ours(data: Path, shapes: Path) -> Validate:
    """On a store of the engine, as the gate and ``peninsula load`` do it."""
    import pyoxigraph as ox  # noqa: PLC0415
    from rdflib import Graph  # noqa: PLC0415

    from peninsula.shacl.model import read_model  # noqa: PLC0415
    from peninsula.shacl.validation import validate_store  # noqa: PLC0415

    store = ox.Store()
    store.bulk_load(path=str(data), format=ox.RdfFormat.N_TRIPLES)
    read = Graph().parse(shapes)
    return lambda: _count(validate_store(store, read_model(read)).report)


def _ours_rdflib(data: Path, shapes: Path) -> Validate:
    """The fixed interface: two graphs of rdflib in, one out."""
    from rdflib import Graph  # noqa: PLC0415

    from peninsula.shacl.validation import validate  # noqa: PLC0415

    graph, read = Graph().parse(data, format="nt"), Graph().parse(shapes)
    return lambda: _count(validate(graph, read))


def _pyshacl(data: Path, shapes: Path) -> Validate:
    import pyshacl  # noqa: PLC0415
    from rdflib import Graph  # noqa: PLC0415

    graph, read = Graph().parse(data, format="nt"), Graph().parse(shapes)
    return lambda: _count(pyshacl.validate(graph, shacl_graph=read)[1])


def _rudof(data: Path, shapes: Path) -> Validate:
    import pyrudof  # noqa: PLC0415

    rudof = pyrudof.Rudof(pyrudof.RudofConfig())
    rudof.read_data(data, format=pyrudof.RDFFormat.NTriples)
    rudof.read_shacl(shapes, format=pyrudof.ShaclFormat.Turtle)
    return lambda: Counter(_local(entry.constraint_component) for entry in rudof.validate_shacl())


def _count(report: Any) -> Counter[str]:
    """Count the results of a report; those within another are not its own."""
    from rdflib import URIRef  # noqa: PLC0415

    return Counter(
        _local(str(report.value(result, URIRef(f"{_SH}sourceConstraintComponent"))))
        for result in report.objects(None, URIRef(f"{_SH}result"))
    )


def _local(component: object) -> str:
    return str(component).removeprefix(_SH).removesuffix("ConstraintComponent")


VALIDATORS: dict[str, Callable[[Path, Path], Validate]] = {
    "ours": _ours,
    "ours, rdflib": _ours_rdflib,
    "rudof": _rudof,
    "pyshacl": _pyshacl,
}


def _validating(name: str, data: Path, shapes: Path) -> Iterator[Answer]:
    began = time.perf_counter()
    validate = VALIDATORS[name](data, shapes)
    yield {"seconds": time.perf_counter() - began, "peak": peak()}
    for _ in sys.stdin:
        began = time.perf_counter()
        found = validate()
        yield {"seconds": time.perf_counter() - began, "results": found, "peak": peak()}


def _writing(store: Path, knowledge: Path) -> Iterator[Answer]:
    """Be the writer of a store, with the gate of a knowledge folder; each line is an update."""
    from peninsula.dataset.writer import Writer  # noqa: PLC0415
    from peninsula.errors import ShapesViolated  # noqa: PLC0415
    from peninsula.gate import ShapesGate  # noqa: PLC0415
    from peninsula.knowledge import Knowledge  # noqa: PLC0415

    class TimedGate(ShapesGate):
        seconds = 0.0

        def judge(self, *arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            verdict = super().judge(*arguments, **options)
            self.seconds = time.perf_counter() - began
            return verdict

    began = time.perf_counter()
    gate = TimedGate.of(Knowledge(knowledge))
    writer = Writer(store, keeps_history=False, gate=gate)
    yield {"seconds": time.perf_counter() - began, "peak": peak()}
    for line in sys.stdin:
        results = 0
        began = time.perf_counter()
        try:
            writer.change(
                {
                    "kind": "update",
                    "text": line,
                    "base": "http://bench.example/",
                    "prefixes": None,
                    "is_union": False,
                    "using_graphs": [],
                    "using_named_graphs": [],
                    "only_graph": None,
                    "loads": {},
                    "load_errors": {},
                    "agent": "bench",
                    "summary": "a newcomer",
                }
            )
            publishing = time.perf_counter()
            writer.publish()
        except ShapesViolated as refusal:
            publishing = time.perf_counter()
            results = len(refusal.report["results"])
        yield {
            "judge": gate.seconds,
            "change": publishing - began,
            "publish": time.perf_counter() - publishing,
            "results": results,
            "peak": peak(),
        }


def main() -> None:
    """Be one contender."""
    name, *arguments = sys.argv[1:]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    most = int(memory * _SHARE_OF_MEMORY)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    first, second = map(Path, arguments)
    # What libraries print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    steps = _writing(first, second) if name == "gate" else _validating(name, first, second)
    for answer in steps:
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
