"""What evaluates untrusted text can compute, and nothing else: each limit is tried in a process."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from peninsula.dataset import sandbox

from .conftest import is_dead, wait_until

is_known = sys.platform.startswith("linux") and platform.machine() in {"x86_64", "aarch64"}
needs_linux = pytest.mark.skipif(not is_known, reason="this system has no such filter")

#: Tries one thing and prints the name of the error, or “done”.
TRY = """
import ctypes, errno, os, socket, subprocess, sys
from peninsula.dataset import sandbox

one, other = socket.socketpair()
read, write = os.pipe()
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

assert sandbox.refuse_sockets() is True
try:
    {step}
except OSError as error:
    print(errno.errorcode[error.errno])
else:
    print("done")
"""


def run(step: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TRY.format(step=step)],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return done.stdout.strip()


@needs_linux
@pytest.mark.parametrize(
    "step",
    [
        "socket.socket(socket.AF_INET)",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "one.connect('nowhere')",
        "os.execv('/bin/true', ['true'])",
        "call({'x86_64': 425, 'aarch64': 425}[os.uname().machine], 1, 0)",
        "call({'x86_64': 101, 'aarch64': 117}[os.uname().machine], 0, 0, 0, 0)",
    ],
    ids=["TCP", "UDP", "local", "connect", "program", "io_uring", "ptrace"],
)
def test_no_way_leads_outside(step: str) -> None:
    assert run(step) == "EPERM"


@needs_linux
def test_the_old_numbering_of_calls_is_no_way_around() -> None:
    if platform.machine() != "x86_64":
        pytest.skip("only this machine has one")
    assert run("call(0x40000000 + 41, 2, 1, 0)") == "EPERM"


@needs_linux
@pytest.mark.parametrize(
    "step",
    [
        "one.sendall(b'x'); other.recv(1)",
        "os.write(write, b'x'); os.read(read, 1)",
        "open('/dev/null').close()",
        "socket.recv_fds(other, 1, 1) if socket.send_fds(one, [b'x'], [write]) else 0",
    ],
    ids=["talk", "pipe", "file", "descriptors"],
)
def test_what_workers_need_still_works(step: str) -> None:
    assert run(step) == "done"


@needs_linux
def test_children_inherit_it() -> None:
    step = (
        "pid = os.fork()\n"
        "    if pid == 0:\n"
        "        try: socket.socket()\n"
        "        except PermissionError: os._exit(7)\n"
        "        os._exit(1)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7"
    )
    assert run(step) == "done"


def test_memory_ends_where_the_limit_is() -> None:
    program = """
from peninsula.dataset import sandbox
kept = bytearray(50_000_000)
sandbox.limit_memory(100_000_000)
more = bytearray(50_000_000)
try:
    bytearray(200_000_000)
except MemoryError:
    print("MemoryError")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "MemoryError\n"


def test_no_limit_is_no_limit() -> None:
    program = """
import resource
from peninsula.dataset import sandbox
before = resource.getrlimit(resource.RLIMIT_AS)
sandbox.limit_memory(0)
print(resource.getrlimit(resource.RLIMIT_AS) == before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "True\n"


@needs_linux
def test_a_worker_ends_with_its_parent_and_heeds_no_keyboard(tmp_path: Path) -> None:
    child = (
        "import os, signal, time, pathlib\n"
        "from peninsula.dataset import sandbox\n"
        "sandbox.become('pen-test')\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "path = pathlib.Path('pid.new'); path.write_text(str(os.getpid())); path.rename('pid')\n"
        "time.sleep(60)\n"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=tmp_path)
    try:
        wait_until((tmp_path / "pid").exists, 20)
        pid = int((tmp_path / "pid").read_text())
        assert Path(f"/proc/{pid}/comm").read_text() == "pen-test\n"
    finally:
        process.kill()
        process.wait(10)
    wait_until(lambda: is_dead(pid), 5)


@needs_linux
def test_how_much_memory_a_process_takes() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(60_000_000)\nprint(flush=True)\ninput()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    process.stdout.readline()
    memory = sandbox.memory_of(process.pid)
    assert 60e6 < memory.resident < memory.address_space
    process.communicate("\n", timeout=10)
    gone = sandbox.memory_of(process.pid)
    assert (gone.resident, gone.address_space) == (0, 0)


def test_the_memory_of_this_machine() -> None:
    began = time.monotonic()
    assert 100e6 < sandbox.physical_memory() < 1e15
    assert time.monotonic() - began < 3
