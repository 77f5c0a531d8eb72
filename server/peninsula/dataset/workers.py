"""How does the server start worker processes, and how does it learn how they ended?"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import Any, Self

from peninsula.dataset.channel import Channel, ChannelClosed
from peninsula.dataset.zygote import ENVIRONMENT
from peninsula.errors import PeninsulaError


class Nursery:
    """A zygote as the server sees it: forks workers when asked; safe for many threads."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.pid = 0

    @classmethod
    def start(cls) -> Self:
        """Start the first zygote, a new process."""
        ours, theirs = Channel.pair()
        process = subprocess.Popen(  # noqa: S603, our own module
            [sys.executable, "-m", "peninsula.dataset.zygote", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
        )
        theirs.close()
        nursery = cls(ours)
        nursery._process = process
        nursery.pid = process.pid
        return nursery

    def fork(self, kind: str, **options: Any) -> tuple[Channel, int]:
        """Return the conversation with a new process, and its number."""
        ours, theirs = Channel.pair()
        try:
            with self._lock:
                answer = self._channel.ask(
                    {"do": "fork", "kind": kind, **options}, [theirs.fileno()]
                )
        except ChannelClosed:
            ours.close()
            raise
        finally:
            theirs.close()
        if "error" in answer:
            ours.close()
            raise PeninsulaError(f"No worker process could be started: {answer['error']}.")
        return ours, answer["pid"]

    def fork_template(self) -> Self:
        """Return a zygote below this one, which can take a generation into memory."""
        channel, pid = self.fork("template")
        template = type(self)(channel)
        template.pid = pid
        return template

    def reap(self, pid: int) -> tuple[int, int]:
        """Return the signal that ended a process that is dead or dying, and its exit code."""
        with self._lock:
            answer = self._channel.ask({"do": "reap", "pid": pid})
        return answer["signal"], answer["code"]

    def end(self, pid: int) -> tuple[int, int]:
        """Kill a process, and return how it ended: perhaps it was dead before."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
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
        self._channel.close()
        if self._process:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
