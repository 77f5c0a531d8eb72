"""How is the server run in a thread, before a small application, and talked to?"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from peninsula.config import Config
from peninsula.serving import Server, bind

Environ = dict[str, Any]
MIB = 2**20


class Application:
    """A small application: what it was asked, and a way to hold it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()
        self.begun = threading.Event()
        self.left = threading.Event()
        self.sent = 0

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        path = environ["PATH_INFO"]
        self.asked.append(f"{environ['REQUEST_METHOD']} {path}")
        match path:
            case "/wait":
                self.begun.set()
                self.released.wait(20)
                answer = b"waited"
            case "/heed":
                self.begun.set()
                while not environ["waitress.client_disconnected"]():
                    time.sleep(0.02)
                self.left.set()
                answer = b""
            case "/stream":
                start_response("200 OK", [("Content-Type", "text/plain")])
                return self.stream(int(environ["QUERY_STRING"]))
            case "/break":
                start_response("200 OK", [("Content-Type", "text/plain")])
                return self.break_off()
            case "/fail":
                raise RuntimeError("an inner secret")
            case _:
                body = environ["wsgi.input"].read()
                answer = json.dumps(
                    {
                        "method": environ["REQUEST_METHOD"],
                        "path": path,
                        "length": len(body),
                        "declared": environ.get("CONTENT_LENGTH"),
                        "scheme": environ["wsgi.url_scheme"],
                        "host": environ.get("HTTP_HOST"),
                    }
                ).encode()
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))]
        )
        return [answer]

    def stream(self, count: int) -> Iterator[bytes]:
        try:
            for _ in range(count):
                yield b"x" * 1023 + b"\n"
                self.sent += 1024
        finally:
            self.left.set()

    def break_off(self) -> Iterator[bytes]:
        yield b"some"
        raise RuntimeError("broken off")


class Running:
    """A server in a thread, and ways to talk to it."""

    def __init__(self, config: Config, *, grace: float = 5.0, **more: Any) -> None:
        self.application = Application()
        self.listener = bind(config)
        self.port: int = self.listener.getsockname()[1]
        self.server = Server(self.application, self.listener, config, grace=grace, **more)
        self.thread = threading.Thread(target=self.server.run)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, data: bytes) -> bytes:
        """Return all that the server answers to ``data`` until it closes."""
        with self.connect() as client:
            client.sendall(data)
            return receive(client)

    def ask(self, method: str, path: str, **more: Any) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, **more)
            response = connection.getresponse()
            return response, response.read()


def receive(client: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def problem(answer: bytes) -> dict[str, Any]:
    """Return the problem document of a raw response, and check that it is one."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head
    assert b"Connection: close" in head
    content: dict[str, Any] = json.loads(body)
    assert head.startswith(f"HTTP/1.{head[7:8].decode()} {content['status']} ".encode())
    assert {"type", "title", "status", "detail"} <= set(content)
    return content


@contextlib.contextmanager
def run(
    config: Config | None = None, times: dict[str, float] | None = None, **more: Any
) -> Iterator[Running]:
    running = Running(config or Config(port=0, threads=4, queue=4, readers=1), **more)
    for name, seconds in (times or {}).items():
        setattr(running.server, name, seconds)
    running.thread.start()
    try:
        yield running
    finally:
        running.application.released.set()
        running.server.stop()
        running.thread.join(15)
        assert not running.thread.is_alive()
