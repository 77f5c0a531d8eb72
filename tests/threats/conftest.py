"""What do the tests of threats share? Two servers on the small scene, for the whole session.

``target`` has short limits, so that what runs into them does so soon; LOAD is off, as it is by
default. ``open_target`` lets LOAD fetch from two addresses of this machine: ``canary`` listens at
the first and is what nobody else may be led to; at the second, nobody listens.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from .hosts import NOT_FOUND, Host
from .target import Target, started

LIMITS = (
    "--query-timeout", "3s",
    "--update-timeout", "2s",
    "--upload-timeout", "2s",
    "--reader-memory", "128MiB",
    "--readers", "2",
    "--max-upload-bytes", "8MiB",
    "--max-update-bytes", "1MiB",
)  # fmt: skip


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with started(tmp_path_factory.mktemp("threats"), *LIMITS) as server:
        yield server


@pytest.fixture(scope="session")
def canary() -> Iterator[Host]:
    """Return a web server that nobody should ever reach."""
    with Host(NOT_FOUND) as bird:
        yield bird


@pytest.fixture(autouse=True)
def quiet_canary(canary: Host) -> None:
    """Every test starts with a canary that nobody has visited and that gives nothing away."""
    canary.forget()


@pytest.fixture(scope="session")
def deaf_port() -> Iterator[int]:
    """Return a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="session")
def open_target(
    tmp_path_factory: pytest.TempPathFactory, canary: Host, deaf_port: int
) -> Iterator[Target]:
    hosts = [f"127.0.0.1:{canary.port}", f"127.0.0.1:{deaf_port}"]
    hosts.append(f"{socket.gethostname()}:{canary.port}")
    folder = tmp_path_factory.mktemp("open")
    options = ("--allow-load", ",".join(hosts), "--memory", "never", "--query-timeout", "1s")
    with started(folder, *LIMITS, *options) as server:
        yield server
