"""How does a change reach the writer, and when is it acknowledged?

Changes are taken one after another by a thread that talks to the writer process. Those that
wait together are applied one by one and published together; each is acknowledged only when the
generation that holds it is on disk and answers queries. A change that the writer does not
survive, or that takes too long, is refused; those applied before it are applied again.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from peninsula.dataset.channel import Channel, ChannelClosed, Message
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Outcome
from peninsula.dataset.workers import Nursery
from peninsula.errors import (
    Overloaded,
    PeninsulaError,
    QueryCancelled,
    QueryCrashed,
    QueryFailed,
    QueryTimeout,
    from_message,
)

#: Changes that are published together at most, and for how long (seconds) they are gathered.
_TOGETHER: Final = 128
_GATHERING: Final = 0.05
#: Seconds in which a generation must be published.
_PUBLISHING: Final = 300.0

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Job:
    message: Message
    timeout: float
    precondition: Callable[[], None] | None
    is_over: threading.Event = field(default_factory=threading.Event)
    answer: Message = field(default_factory=dict)
    generation: int = 0
    error: PeninsulaError | None = None
    tries: int = 0

    def fail(self, error: PeninsulaError) -> None:
        self.error = error
        self.is_over.set()


class _WriterDied(Exception):
    def __init__(self, error: PeninsulaError) -> None:
        super().__init__(error)
        self.error = error


class Changes:
    """The line of changes before the one writer."""

    def __init__(
        self,
        generations: Generations,
        nursery: Nursery,
        on_publish: Callable[[int, int], None],
        *,
        options: Message,
        queue_length: int,
    ) -> None:
        """``options`` are those of the writer process."""
        self._generations = generations
        self._nursery = nursery
        self._on_publish = on_publish
        self._options = options
        self._channel: Channel | None = None
        self.pid = 0
        self.restarts = 0
        self._queue: queue.Queue[_Job | None] = queue.Queue(queue_length)
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._thread.start()

    def submit(
        self,
        message: Message,
        *,
        timeout: float,
        precondition: Callable[[], None] | None = None,
    ) -> Outcome:
        """Make a change and return when it is on disk and answers queries.

        ``precondition`` is called when the change's turn has come, and refuses it by raising.
        Raises what the writer says, QueryTimeout, QueryCrashed, Overloaded.
        """
        job = _Job(message, timeout, precondition)
        try:
            self._queue.put_nowait(job)
        except queue.Full:
            raise Overloaded(
                f"{self._queue.maxsize} changes are waiting already.", "Send it again in a moment."
            ) from None
        while not job.is_over.wait(1):
            if not self._thread.is_alive():
                # It came when the line had been closed: nobody else answers it.
                self._refuse_rest(job)
        if job.error:
            raise job.error
        return Outcome(
            job.generation,
            job.answer["added"],
            job.answer["removed"],
            tuple(job.answer["created"]),
            tuple(job.answer["dropped"]),
            job.answer["remarks"],
            job.answer["existed"],
        )

    @property
    def waiting(self) -> int:
        """Return how many changes wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what is under way, refuse what waits, end the writer."""
        self._is_stopped = True
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(30)
        self._end_writer()

    def _run(self) -> None:
        self._warm_up()
        while True:
            job = self._queue.get()
            if job is None or self._is_stopped:
                self._refuse_rest(job)
                return
            try:
                self._take(job)
            except Exception:  # noqa: BLE001, whatever it was, the next change is to have its turn
                _log.exception("the line of changes failed and goes on")
                self._end_writer()

    def _refuse_rest(self, job: _Job | None) -> None:
        rest = [job] if job else []
        with contextlib.suppress(queue.Empty):
            while True:
                if more := self._queue.get_nowait():
                    rest.append(more)
        for refused in rest:
            refused.fail(Overloaded("The server stops.", "Send it again in a moment."))

    def _warm_up(self) -> None:
        """Have the writer ready before the first change comes."""
        try:
            self._writer()
        except PeninsulaError as error:
            _log.warning("the writer could not be started: %s", error)

    def _take(self, first: _Job) -> None:
        """Apply ``first`` and what else waits, and publish it together."""
        waiting = [first]
        applied: list[_Job] = []
        until = time.monotonic() + _GATHERING
        try:
            while waiting:
                if waiting[0].precondition and applied:
                    # It is to be judged by what is published.
                    waiting[:0] = self._publish(applied)
                    applied = []
                job = waiting[0]
                try:
                    self._apply(job, applied)
                    waiting.pop(0)
                except _WriterDied as death:
                    job.fail(death.error)
                    # What was applied before it went with the writer.
                    waiting[:1] = applied
                    applied = []
                except PeninsulaError as error:
                    job.fail(error)
                    waiting.pop(0)
                if not waiting and len(applied) < _TOGETHER and time.monotonic() < until:
                    waiting += self._next()
                if not waiting and applied:
                    waiting = self._publish(applied)
                    applied = []
        finally:
            # Nobody is to wait for ever, whatever went wrong here.
            for job in (*applied, *waiting):
                if not job.is_over.is_set():
                    job.fail(PeninsulaError("The change could not be made; see the log."))

    def _next(self) -> list[_Job]:
        """Return the next change that waits, if there is one."""
        try:
            job = self._queue.get_nowait()
        except queue.Empty:
            return []
        if job is None:
            self._is_stopped = True
            self._queue.put_nowait(None)
            return []
        return [job]

    def _apply(self, job: _Job, applied: list[_Job]) -> None:
        if job.precondition:
            job.precondition()
        answer = self._ask({"do": "change", **job.message}, job.timeout, "change")
        if "error" in answer:
            error = from_message(answer["error"])
            if "is_over" in answer:
                self._end_writer()
                raise _WriterDied(error)
            raise error
        job.answer = answer
        if job.message.get("dry_run"):
            job.is_over.set()
        else:
            applied.append(job)

    def _publish(self, applied: list[_Job]) -> list[_Job]:
        """Publish; return the changes that must be made once more, because the writer died."""
        before = self._generations.current()
        try:
            answer = self._ask({"do": "publish"}, _PUBLISHING, "publication")
        except _WriterDied as death:
            self._generations.discard_unpublished()
            now = self._generations.current()
            if now is None or (before and now.number == before.number):
                again = [job for job in applied if job.tries < 1]
                for job in applied:
                    job.tries += 1
                    if job not in again:
                        job.fail(death.error)
                return again
            # It died after the new generation was there.
            answer = {"generation": now.number, "size": 1 << 40}
        if "error" in answer:
            self._end_writer()
            self._generations.discard_unpublished()
            for job in applied:
                job.fail(from_message(answer["error"]))
            return []
        if "size" in answer:
            self._on_publish(answer["generation"], answer["size"])
        for job in applied:
            job.generation = answer["generation"]
            job.is_over.set()
        return []

    def _ask(self, message: Message, timeout: float, what: str) -> Message:
        channel = self._writer()
        try:
            channel.send(message)
            return channel.receive(timeout)[0]
        except TimeoutError:
            self._end_writer()
            raise _WriterDied(
                QueryTimeout(
                    f"The {what} took longer than {timeout:g} s; nothing was changed.",
                    "Change less at once, or raise update-timeout on a server of your own.",
                )
            ) from None
        except ChannelClosed:
            died_of = self._end_writer()
            raise _WriterDied(_explain_death(died_of, what)) from None

    def _writer(self) -> Channel:
        if self._channel is None:
            # One that was killed while it started says nothing about the next.
            self._channel = self._start_writer() or self._start_writer()
        if self._channel is None:
            raise QueryFailed(
                "The writer could not be started; nothing was changed.", "See the log."
            )
        return self._channel

    def _start_writer(self) -> Channel | None:
        """Start the writer; return None where it died before it was ready."""
        try:
            channel, self.pid = self._nursery.fork("writer", **self._options)
        except ChannelClosed:
            return None
        try:
            hello, _ = channel.receive(120)
        except (ChannelClosed, TimeoutError):
            hello = {}
        if "ready" in hello:
            return channel
        self._channel = channel
        self._end_writer()
        if "error" in hello:
            raise from_message(hello["error"])
        return None

    def _end_writer(self) -> int:
        """End the writer; return the signal that it died of."""
        died_of = 0
        if self._channel:
            self._channel.close()
            self._channel = None
            self.restarts += 1
        if self.pid:
            died_of = self._reap()
            self.pid = 0
        return died_of

    def _reap(self) -> int:
        # It may be dying of something of its own: give it a moment, so that we learn of what.
        for _ in range(20):
            if _is_zombie(self.pid):
                break
            time.sleep(0.005)
        died_of, _ = self._nursery.end(self.pid)
        return died_of


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _explain_death(died_of: int, what: str) -> PeninsulaError:
    if died_of == signal.SIGABRT:
        return QueryCrashed(
            f"The {what} needs more memory than the server gives one; nothing was changed.",
            "Send it in parts.",
        )
    if died_of == signal.SIGKILL:
        return QueryCancelled(f"The system ended the {what}; nothing was changed.")
    return QueryCrashed(
        f"The {what} ended the writer process; nothing was changed.", "Make it smaller or flatter."
    )
