"""What is asked of services that do harm, what their names resolve to, and how a failure is looked at."""

from __future__ import annotations

import socket
from typing import Any, Final

import pytest

from peninsula.errors import UpstreamFailed
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Service

QUERY: Final = "SELECT * { ?s ?p ?o }"
PUBLIC: Final = "93.184.215.14"


def failure(gateway: Gateway, service: Service, **more: Any) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as raised:
        gateway.select(service, QUERY, **more)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 1000
    return raised.value


class Names:
    """Resolves names as the test says, and remembers which."""

    def __init__(self, *answers: list[str], ports: dict[int, int] | None = None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        #: The port that is listened at in place of the usual one.
        self.ports = ports or {}

    def __call__(self, host: str, port: int, **_more: Any) -> list[Any]:
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        port = self.ports.get(port, port)
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in found
        ]
