"""How does the server start worker processes, and how does it learn how they ended?"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, Self

from peninsula.dataset.channel import Channel, ChannelClosed
from peninsula.dataset.zygote import ENVIRONMENT
from peninsula.errors import PeninsulaError

#: Seconds between two looks at a process that is dying.
_TICK: Final = 0.002

_log = logging.getLogger(__name__)


class Outdated(Exception):
    """The zygote holds another generation in memory than the one that is asked for."""


class Nursery:
    """A zygote as the server sees it: forks workers when asked; safe for many threads."""

    def __init__(self, channel: Channel, pid: int) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False
        self._kept: Sequence[int] = ()
        self.pid = pid

    @classmethod
    def start(cls, kept: Sequence[int] = ()) -> Self:
        """Start the first zygote, a new process; should it die, it is started anew.

        It and its children hold the open files ``kept``, too.
        """
        process, channel = _spawn(kept)
        nursery = cls(channel, process.pid)
        nursery._kept = kept
        nursery._process = process
        return nursery

    def fork(self, kind: str, **options: Any) -> tuple[Channel, int]:
        """Return the conversation with a new process, and its number.

        Raises ChannelClosed where the zygote is gone, Outdated where it does not have the
        generation in memory that is asked for, and PeninsulaError where the system has no room
        for a process.
        """
        ours, theirs = Channel.pair()
        message = {"do": "fork", "kind": kind, **options}
        try:
            with self._lock:
                try:
                    answer = self._channel.ask(message, [theirs.fileno()])
                except ChannelClosed:
                    self._start_anew()
                    answer = self._channel.ask(message, [theirs.fileno()])
        except ChannelClosed:
            ours.close()
            raise
        finally:
            theirs.close()
        if "error" in answer:
            ours.close()
            raise PeninsulaError(f"No worker process could be started: {answer['error']}.")
        if "outdated" in answer:
            ours.close()
            raise Outdated
        return ours, answer["pid"]

    def _start_anew(self) -> None:
        """Put another process in the place of one that died, and with it all of its children."""
        if self._process is None or self._is_closed:
            raise ChannelClosed("the process that forks workers is gone")
        self._channel.close()
        self._process.kill()
        status = self._process.wait()
        _log.warning("the process that forks workers ended (%d) and is started anew", status)
        self._process, self._channel = _spawn(self._kept)
        self.pid = self._process.pid

    def fork_template(self) -> Self:
        """Return a zygote below this one, which can take a generation into memory."""
        channel, pid = self.fork("template")
        return type(self)(channel, pid)

    def reap(self, pid: int) -> tuple[int, int]:
        """Return the signal that ended a process that is dead or dying, and its exit code."""
        while (found := self.try_to_reap(pid)) is None:
            time.sleep(_TICK)
        return found

    def try_to_reap(self, pid: int) -> tuple[int, int] | None:
        """Return what ``reap`` does, or None where the process is not dead yet."""
        with self._lock:
            answer = self._channel.ask({"do": "reap", "pid": pid})
        return None if "is_alive" in answer else (answer["signal"], answer["code"])

    def end(self, pid: int) -> tuple[int, int]:
        """Kill a process, and return how it ended: perhaps it was dead before."""
        assert pid > 0, "0 and below mean groups of processes"
        kill(pid)
        try:
            return self.reap(pid)
        except ChannelClosed:
            return signal.SIGKILL, 0

    def ask(self, **message: Any) -> dict[str, Any]:
        """Ask a template to load or to apply; returns its answer, raises ChannelClosed."""
        with self._lock:
            return self._channel.ask(message)

    def close(self) -> None:
        """Let it end, and with it all of its children."""
        self._is_closed = True
        self._channel.close()
        if self._process:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def kill(pid: int) -> None:
    """End a process; one at idle priority dies sooner when it need not wait for its turn."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _spawn(kept: Sequence[int]) -> tuple[subprocess.Popen[bytes], Channel]:
    ours, theirs = Channel.pair()
    process = subprocess.Popen(  # noqa: S603, our own module
        [sys.executable, "-m", "peninsula.dataset.zygote", str(theirs.fileno())],
        pass_fds=[theirs.fileno(), *kept],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **ENVIRONMENT},
    )
    theirs.close()
    return process, ours
