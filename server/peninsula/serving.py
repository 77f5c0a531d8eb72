"""How does the application meet the network?

Waitress, a production WSGI server in pure Python. The socket is bound here first, so that a
port in use is one readable line before anything else happens.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable
from typing import Any

import waitress

from peninsula.config import Config
from peninsula.errors import CannotListen

_REASONS = {
    errno.EADDRINUSE: "the port is in use",
    errno.EACCES: "this port needs the rights of an administrator",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}


def bind(config: Config) -> socket.socket:
    """Return a socket that holds the configured address; raises CannotListen."""
    try:
        family, *_, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # From now on a browser waits for the first start to be over; nobody takes the port.
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise CannotListen(
            f"Cannot listen on {config.host}:{config.port}: {reason}.",
            "Choose another with --port (0 takes a free one), or stop what is using it.",
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the address to open in a browser."""
    host, port = listener.getsockname()[:2]
    if host in {"127.0.0.1", "0.0.0.0", "::", "::1"}:  # noqa: S104
        host = "localhost"
    return f"http://{host}:{port}/"


def serve(application: Callable[..., Any], listener: socket.socket, config: Config) -> None:
    """Answer requests until the process is ended."""
    # That a request waits for a thread is no news; a queue that grows shows in answer times.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    waitress.serve(
        application,
        sockets=[listener],
        threads=config.threads,
        ident="peninsula",
        max_request_body_size=4 * config.max_query_bytes,
        # A URL carries the query of a GET; the header is as long as a query may be.
        max_request_header_size=4 * config.max_query_bytes,
        channel_timeout=60,
        clear_untrusted_proxy_headers=True,
        _quiet=True,
    )
