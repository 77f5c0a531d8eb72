"""How do tests start a real server and ask it?"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote


@dataclass
class Server:
    """A server process and where it listens."""

    process: subprocess.Popen[str]
    address: str
    seconds: float
    log: Path

    def get(self, path: str, accept: str = "*/*") -> bytes:
        request = urllib.request.Request(
            self.address + path.lstrip("/"), headers={"Accept": accept}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            body: bytes = response.read()
        return body

    def ready(self) -> Any:
        """Return what the server says of the state it serves."""
        return json.loads(self.get("ready"))

    def csv(self, query: str) -> str:
        """Return the answer to a query, as CSV."""
        return self.get("sparql?format=csv&query=" + quote(query)).decode()


def lay_store(store: Path) -> Path:
    """Make a store that holds the shipped graph, as the first start makes it; return its path.

    That takes seconds, so that it is made once for all workers of a run, and copied.
    """
    shared = Path(os.environ.get("TESTS_SHARED") or tempfile.mkdtemp(prefix="peninsula-shared-"))
    whole = shared / "shipped"
    with (shared / "shipped.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            making = shared / "making"
            command = [sys.executable, "-m", "peninsula", "query", "ASK {}", "--store", str(making)]
            subprocess.run(command, cwd=shared, check=True, capture_output=True, timeout=120)
            making.rename(whole)
    return shutil.copytree(whole, store)


@contextlib.contextmanager
def serving(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run ``command`` (… serve) on a free port in ``folder``, until the block is over."""
    started = time.monotonic()
    path = folder / "server.log"
    log = path.open("w+", encoding="utf-8")
    process = subprocess.Popen(
        [*command, "--port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.search(r"http://\S+/", line)
        assert match, f"the server did not start: {path.read_text()}"
        yield Server(process, match[0], time.monotonic() - started, path)
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
        log.close()
