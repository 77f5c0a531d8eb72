"""What can go wrong between a client and a server, in one readable message?

* PeninsulaClientError
  - Unreachable        nobody answers at the address
  - TimedOut           no answer in time, or the server's own time limit (504)
  - UnexpectedAnswer   what came is not what was asked for
  - ServerProblem      any other status that tells a failure
    . QueryProblem     400, the query or a parameter is wrong
    . NotAllowed       401 and 403
    . NotFound         404
    . Refused          422, the change breaks a shape; ``report`` says which
    . ServerBusy       429 and 503, also after the retries
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_SHOWN: Final = 300


class PeninsulaClientError(Exception):
    """What a client could not do."""


class Unreachable(PeninsulaClientError):
    """Nobody answers at the address."""


class TimedOut(PeninsulaClientError):
    """There was no answer in time."""


class UnexpectedAnswer(PeninsulaClientError):
    """What came is not what was asked for."""


class ServerProblem(PeninsulaClientError):
    """The server says what is wrong; ``problem`` is its problem document (RFC 9457)."""

    def __init__(self, message: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.problem = dict(problem)

    @property
    def line(self) -> int:
        """Return the line of a syntax error, 0 where none is told."""
        return int(self.problem.get("line") or 0)

    @property
    def column(self) -> int:
        """Return the column of a syntax error, 0 where none is told."""
        return int(self.problem.get("column") or 0)


class QueryProblem(ServerProblem):
    """The query or a parameter is wrong."""


class NotAllowed(ServerProblem):
    """A token is needed, or one that may do more; or the server allows it to nobody."""


class NotFound(ServerProblem):
    """There is no such question, thing, graph or generation."""


class Refused(ServerProblem):
    """The change breaks a shape, and was not made."""

    @property
    def report(self) -> dict[str, Any]:
        """Return the validation report, as the server's JSON."""
        found = self.problem.get("report")
        return found if isinstance(found, dict) else {}


class ServerBusy(ServerProblem):
    """The server has no room at the moment."""


_KINDS: Final = {
    400: QueryProblem, 401: NotAllowed, 403: NotAllowed, 404: NotFound, 422: Refused,
    429: ServerBusy, 503: ServerBusy,
}  # fmt: skip


def read_problem(status: int, content_type: str, body: bytes) -> PeninsulaClientError:
    """Return the error that a response tells of."""
    document = _read_document(content_type, body)
    message = _tell(status, document) if document else _excerpt(status, body)
    if status == 504:
        return TimedOut(message)
    return _KINDS.get(status, ServerProblem)(message, status, document)


def _read_document(content_type: str, body: bytes) -> dict[str, Any]:
    if "json" not in content_type:
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _tell(status: int, document: Mapping[str, Any]) -> str:
    title, detail = str(document.get("title", "")), str(document.get("detail", ""))
    parts = [f"{status} {title}:".replace(" :", ":"), detail]
    remedy = str(document.get("remedy", ""))
    if remedy and remedy not in detail:
        parts.append(remedy)
    if document.get("line") and f"ine {document['line']}" not in detail:
        parts.append(f"(line {document['line']}, column {document.get('column', 0)})")
    choices = document.get("choices")
    if isinstance(choices, dict) and choices:
        listed = ", ".join(f"{label} ({value})" for value, label in list(choices.items())[:5])
        parts.append(f"Near: {listed}.")
    suggestions = document.get("suggestions")
    if isinstance(suggestions, list) and suggestions:
        named = (
            str(s.get("name") or s.get("label") or "")
            for s in suggestions[:5]
            if isinstance(s, dict)
        )
        parts.append(f"Near: {', '.join(filter(None, named))}.")
    return " ".join(filter(None, parts))


def _excerpt(status: int, body: bytes) -> str:
    text = " ".join(body[: _SHOWN * 4].decode("utf-8", "replace").split())
    return f"{status}: {text[:_SHOWN] or 'the server says no more.'}"
