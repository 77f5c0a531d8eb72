"""What did it come to that a service was asked for one clause of a query?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Call:
    """What asking for one clause came to."""

    #: As the query names it, in full.
    service: str
    requests: int = 0
    #: Bindings that were sent along.
    sent: int = 0
    #: Solutions that came back.
    rows: int = 0
    #: Bytes that came back, as sent.
    bytes: int = 0
    #: Requests whose answer was known.
    cached: int = 0
    seconds: float = 0.0
    #: What else is to be said: graph, snapshot, fallback, stale, silent and why.
    remark: str = ""

    def __str__(self) -> str:
        """Return it as it stands in the header Peninsula-Federation (RFC 9651)."""
        name = self.service.replace("\\", "").replace('"', "")
        name = "".join(char if " " <= char < "\x7f" else "?" for char in name)[:200]
        text = (
            f'"{name}";requests={self.requests};sent={self.sent};rows={self.rows}'
            f";bytes={self.bytes};cached={self.cached};ms={round(1000 * self.seconds)}"
        )
        return f'{text};remark="{self.remark}"' if self.remark else text
