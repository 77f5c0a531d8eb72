"""How do the processes of one server talk to each other?

Over a pair of connected sockets: JSON messages with their length in front, and open file
descriptors beside them (SCM_RIGHTS). JSON and not pickle, because a process that has parsed
untrusted text must not be able to make its parent run anything.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

_LENGTH: Final = struct.Struct("!I")
_MOST_FDS: Final = 4
#: No message comes near this: whatever is large goes through files and pipes.
_MOST_BYTES: Final = 256 * 1024 * 1024

Message = dict[str, Any]


class ChannelClosed(ConnectionError):
    """The process at the other end is gone."""


class Channel:
    """One end of a conversation; not to be used by two threads at once."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        """Return the two ends of a new conversation."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(one), cls(other)

    @classmethod
    def from_fd(cls, descriptor: int) -> Self:
        """Return the end whose open descriptor this process was given."""
        return cls(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=descriptor))

    def fileno(self) -> int:
        """Return the descriptor, for select and for handing it on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def send(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Send a message; raises ChannelClosed where nobody is there any more."""
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
        data = _LENGTH.pack(len(body)) + body
        try:
            if descriptors:
                sent = socket.send_fds(self._socket, [data], list(descriptors))
                if sent < len(data):
                    self._socket.sendall(data[sent:])
            else:
                self._socket.sendall(data)
        except OSError as error:
            raise ChannelClosed("the process at the other end is gone") from error

    def receive(self, timeout: float | None = None) -> tuple[Message, list[int]]:
        """Return the next message with the descriptors it brought.

        Raises ChannelClosed at the end of the conversation, TimeoutError after ``timeout``
        seconds without the beginning of a message.
        """
        if timeout is not None and not self.wait(timeout):
            raise TimeoutError("no message")
        try:
            head, descriptors, _, _ = socket.recv_fds(self._socket, _LENGTH.size, _MOST_FDS)
            head += self._read(_LENGTH.size - len(head)) if head else b""
            if not head:
                raise ChannelClosed("the process at the other end is gone")
            (length,) = _LENGTH.unpack(head)
            if length > _MOST_BYTES:
                raise ChannelClosed("the process at the other end talks nonsense")
            return json.loads(self._read(length).decode("utf-8", "surrogatepass")), descriptors
        except (ValueError, OSError) as error:
            if isinstance(error, ChannelClosed):
                raise
            raise ChannelClosed("the process at the other end is gone") from error

    def ask(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Message:
        """Send a message and return the answer."""
        self.send(message, descriptors)
        return self.receive()[0]

    def wait(self, timeout: float) -> bool:
        """Return whether there is something to receive within ``timeout`` seconds."""
        until = time.monotonic() + timeout
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(max(0.0, until - time.monotonic()) * 1000))

    def _read(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self._socket.recv(min(count - len(parts), 1 << 20))
            if not part:
                raise ChannelClosed("the process at the other end is gone")
            parts += part
        return bytes(parts)
