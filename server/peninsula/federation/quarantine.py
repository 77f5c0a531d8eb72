"""Where is parsed what the services of others send, so that it ends no process but its own?

In a process that is forked for one answer: it cannot open a socket, has a limit on memory, on
what it writes and on time, and whatever it does, it is over with the answer. The same wherever a
gateway runs: a server forks it from the process that forks its readers, a command from one that
it starts when the first answer is there. In-process would be simpler for a command, but a parser
that crashes would end a pull of hours with it.
"""

from __future__ import annotations

import signal
import threading
from typing import IO, Final

from peninsula.dataset.channel import ChannelClosed, Message
from peninsula.dataset.workers import Nursery
from peninsula.errors import PeninsulaError
from peninsula.federation.results import TOO_MUCH_MEMORY, GaveUp, InvalidAnswer
from peninsula.federation.wire import Patience

#: What a process may allocate to read one answer.
MEMORY: Final = 512 * 2**20


class Quarantine:
    """Parses what services send; may be used from any thread."""

    def __init__(self, nursery: Nursery | None = None, *, memory: int = MEMORY) -> None:
        """``nursery`` is where processes come from; default: one of its own, once needed."""
        self._nursery = nursery
        self._owns_nursery = nursery is None
        self._memory = memory
        self._lock = threading.Lock()
        self._is_closed = threading.Event()

    def rewrite(
        self,
        source: IO[bytes],
        target: IO[bytes],
        *,
        kind: str,
        format: str,
        max_bytes: int,
        patience: Patience,
    ) -> None:
        """Have the answer in ``source`` written to ``target`` in the one form that is read.

        Raises InvalidAnswer where it cannot be, OutOfTime, ClientGone.
        """
        nursery = self._find_nursery()
        channel, pid = nursery.fork("results", memory=self._memory, most_bytes=max_bytes)
        answer: Message | None = None
        try:
            channel.send({"kind": kind, "format": format}, [source.fileno(), target.fileno()])
            patience.wait(channel.wait)
            answer = channel.receive()[0]
        except ChannelClosed:
            pass
        finally:
            channel.close()
            died_of, _ = nursery.end(pid)
        if answer is None:
            raise InvalidAnswer(_explain(died_of))
        if reason := answer.get("invalid"):
            raise (GaveUp if answer.get("gave_up") else InvalidAnswer)(reason)

    def _find_nursery(self) -> Nursery:
        with self._lock:
            if self._nursery is None:
                if self._is_closed.is_set():
                    raise PeninsulaError("The gateway is closed.")
                self._nursery = self._start()
            return self._nursery

    def _start(self) -> Nursery:
        # Processes end with the thread that started them: this one stays.
        started: list[Nursery] = []
        is_started = threading.Event()

        def start() -> None:
            try:
                started.append(Nursery.start())
            finally:
                is_started.set()
            self._is_closed.wait()

        threading.Thread(target=start, name="quarantine", daemon=True).start()
        is_started.wait()
        if not started:
            raise PeninsulaError("No process could be started to read what services send.")
        return started[0]

    def close(self) -> None:
        """Let its process end, where it has one of its own."""
        with self._lock:
            nursery, self._nursery = self._nursery, None
            self._is_closed.set()
        if nursery and self._owns_nursery:
            nursery.close()


def _explain(died_of: int) -> str:
    if died_of in {signal.SIGABRT, signal.SIGKILL}:
        return TOO_MUCH_MEMORY
    name = signal.Signals(died_of).name if died_of else "no signal"
    return f"sends what ended the process that read it ({name})"
