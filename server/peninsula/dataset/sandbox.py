"""What may a process do that evaluates untrusted text?

Compute and write to what it was given; nothing else. Where the system allows it (Linux on
x86-64 and ARM64), a seccomp filter answers EPERM to every call that opens a socket or runs a
program, so that not even a flaw of the engine reaches the network. A limit on the address
space ends a query that grows without bound; a death signal ends the process with its parent.

https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_IF_EQUAL: Final = 0x15
_JUMP_IF_GREATER_OR_EQUAL: Final = 0x35
_RETURN: Final = 0x06
_X32: Final = 0x40000000

#: Per machine: the audit architecture, and the numbers of
#: socket, connect, bind, listen, accept, accept4, execve, execveat, ptrace, io_uring_setup.
_CALLS: Final = {
    "x86_64": (0xC000003E, (41, 42, 49, 50, 43, 288, 59, 322, 101, 425)),
    "aarch64": (0xC00000B7, (198, 203, 200, 201, 202, 242, 221, 281, 117, 425)),
}


def refuse_sockets() -> bool:
    """Make every later attempt to open a socket or run a program fail with EPERM.

    Returns whether the system took it; it cannot be taken back, and children inherit it.
    """
    calls = _CALLS.get(platform.machine())
    if not sys.platform.startswith("linux") or calls is None or sys.maxsize < 2**32:
        return False
    architecture, numbers = calls
    program = _program(architecture, numbers)
    buffer = ctypes.create_string_buffer(program)
    # struct sock_fprog: the number of instructions, and where they are.
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return not libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header), 0, 0
    )


def _program(architecture: int, numbers: tuple[int, ...]) -> bytes:
    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    refuse = len(numbers) + 1  # instructions between the checks and the refusal
    lines = [
        instruction(_LOAD, 4),  # seccomp_data.arch
        instruction(_JUMP_IF_EQUAL, architecture, 0, refuse + 2),
        instruction(_LOAD, 0),  # seccomp_data.nr
        instruction(_JUMP_IF_GREATER_OR_EQUAL, _X32, refuse, 0),
    ]
    for place, number in enumerate(numbers):
        lines.append(instruction(_JUMP_IF_EQUAL, number, len(numbers) - place, 0))
    lines.append(instruction(_RETURN, _ALLOW))
    lines.append(instruction(_RETURN, _ERRNO | errno.EPERM))
    return b"".join(lines)


def limit_memory(more_bytes: int) -> None:
    """Let the address space of this process grow by ``more_bytes`` from here; 0: no limit."""
    if more_bytes:
        most = memory_of(os.getpid()).address_space + more_bytes
        with contextlib.suppress(ValueError, OSError):  # a lower hard limit stands already
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


class Memory:
    """How much memory a process uses, in bytes."""

    def __init__(self, address_space: int, resident: int) -> None:
        self.address_space = address_space
        self.resident = resident


def memory_of(pid: int) -> Memory:
    """Return how much memory the process ``pid`` uses; nothing where that cannot be told."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123, hot
            pages = file.read().split()
    except OSError:
        return Memory(0, 0)
    size = resource.getpagesize()
    return Memory(int(pages[0]) * size, int(pages[1]) * size)


def share_of_memory(pid: int) -> int:
    """Return the bytes that a process uses, of pages that several share its part alone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return memory_of(pid).resident


def physical_memory() -> int:
    """Return the bytes of memory this process may count on: the machine's, or its cgroup's."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(name, encoding="ascii") as file:  # noqa: PTH123
                return min(whole, int(file.read()))
        except (OSError, ValueError):
            continue
    return whole


def become(name: str) -> None:
    """Give this process a name for ``ps``, and end it when its parent ends."""
    # Ctrl+C goes to the whole group of processes, and a service manager's SIGTERM to all of
    # them; only the server itself decides what to do, and what is under way may be finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # The engine's abort and overflow messages tell nothing; a core dump would fill the disk.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        parent = os.getppid()
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NAME, name[:15].encode(), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the signal was set
            os._exit(0)
