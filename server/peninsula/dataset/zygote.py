"""Where do worker processes come from?

From a process without threads that forks them: a fork takes a millisecond where a new
interpreter takes seventy, and in the process that holds a generation in memory, every reader
shares that memory with it, copy on write. It is started once per server, with transparent huge
pages where the C library knows them: without, a fork of gigabytes copies millions of entries.

It reaps a child only when told to, so that a process number means the same process until the
server has done with it.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.dataset import delta, sandbox
from peninsula.dataset.channel import Channel, ChannelClosed, Message
from peninsula.dataset.generations import is_described
from peninsula.dataset.memory import LoadFailed, claim_pages, load_generation
from peninsula.dataset.reader import serve_reader
from peninsula.dataset.writer import serve_writer
from peninsula.errors import PeninsulaError
from peninsula.federation.results import serve_results

#: The C library asks the kernel for huge pages when it is started with this; the libraries that
#: write columns start no threads, which what is forked would not have.
ENVIRONMENT: Final = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "RUST_BACKTRACE": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


class Zygote:
    """Forks workers; holds a generation in memory where it was told to load one."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._store: ox.Store | None = None
        #: The number of the generation in memory.
        self._generation = 0

    def run(self) -> None:
        """Do what the server asks until it hangs up."""
        work = {
            "fork": self._fork,
            "reap": self._reap,
            "load": self._load,
            "apply": self._apply,
        }
        while True:
            try:
                message, descriptors = self._channel.receive()
            except ChannelClosed:
                return
            answer = work[message["do"]](message, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            try:
                self._channel.send(answer)
            except ChannelClosed:
                return

    def _fork(self, message: Message, descriptors: list[int]) -> Message:
        is_from_memory = message["kind"] == "reader" and not message.get("path")
        if is_from_memory and message.get("generation", self._generation) != self._generation:
            # Whoever asks thinks of the one before: what it answers must not pass for that.
            return {"outdated": True}
        # What lives now is not looked at by the children's collectors, which would copy it.
        gc.freeze()
        try:
            pid = os.fork()
        except OSError as error:
            return {"error": str(error)}
        if pid:
            return {"pid": pid}
        status = 1
        try:
            self._channel.close()
            self._become(message, Channel.from_fd(descriptors[0]))
            status = 0
        except BaseException:  # noqa: BLE001, nobody above would see it
            traceback.print_exc()
        finally:
            # Neither the parent's buffers nor its exit handlers are this process's to run.
            os._exit(status)

    def _become(self, message: Message, channel: Channel) -> None:
        kind = message["kind"]
        sandbox.become(f"pen-{kind}")
        if kind == "template":
            Zygote(channel).run()
            return
        if kind == "writer":
            is_confined = sandbox.refuse_sockets()
            sandbox.limit_memory(message["memory"])
            serve_writer(channel, message, is_confined=is_confined)
            return
        if kind == "results":
            sandbox.refuse_sockets()
            sandbox.limit_memory(message["memory"])
            serve_results(channel, message["most_bytes"])
            return
        store = self._store
        if path := message.get("path"):
            try:
                store = ox.Store.read_only(path)
            except OSError:
                if is_described(Path(path)):
                    raise
                # It was removed just now: whoever asked for it looks, and is told so.
                return
        elif store is None:
            store = ox.Store()
        is_confined = sandbox.refuse_sockets()
        sandbox.limit_memory(message["memory"])
        resident = sandbox.memory_of(os.getpid()).resident
        try:
            channel.send({"ready": True, "is_confined": is_confined, "resident": resident})
        except ChannelClosed:  # the server has ended meanwhile
            return
        if message.get("claims_pages"):
            claim_pages(lambda: channel.wait(0))
        serve_reader(channel, store)

    @staticmethod
    def _reap(message: Message, _descriptors: list[int]) -> Message:
        # Dying takes a process at idle priority seconds; what else is asked must not wait for it.
        try:
            pid, status = os.waitpid(message["pid"], os.WNOHANG)
        except ChildProcessError:
            return {"signal": 0, "code": 0}
        if not pid:
            return {"is_alive": True}
        if os.WIFSIGNALED(status):
            return {"signal": os.WTERMSIG(status), "code": 0}
        return {"signal": 0, "code": os.waitstatus_to_exitcode(status)}

    def _load(self, message: Message, _descriptors: list[int]) -> Message:
        """Take a generation into memory, and beside it what readers would load slowly."""
        # Here it takes a fifth of a second in which nobody waits, and its memory once.
        from peninsula import columnar  # noqa: F401, PLC0415

        try:
            self._store = load_generation(
                Path(message["path"]), message["graphs"], message["triples"]
            )
        except LoadFailed as error:
            return {"error": str(error)}
        self._generation = message["generation"]
        return {"resident": sandbox.memory_of(os.getpid()).resident}

    def _apply(self, message: Message, _descriptors: list[int]) -> Message:
        """Make the generation in memory the next one."""
        assert self._store is not None
        try:
            patch = delta.read_patch(Path(message["path"]).read_bytes())
            delta.apply(self._store, patch.net())
        except (PeninsulaError, OSError, ValueError, MemoryError) as error:
            return {"error": str(error)}
        self._generation = message["generation"]
        return {"resident": sandbox.memory_of(os.getpid()).resident}


def main() -> None:
    """Run with the number of an inherited socket as the only argument."""
    sandbox.become("pen-zygote")
    Zygote(Channel.from_fd(int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
