"""What can go wrong, and which status does each failure have?

* PeninsulaError                 500
  + ProtocolError                400   the request is not one of the SPARQL 1.1 Protocol
    - UnsupportedMediaType       415
    - NotAcceptable              406
    - RequestTooLarge            413
  + QueryError                   400   the query itself cannot be answered
    - QuerySyntaxError           400   with line and column
    - QueryTooComplex            400   says which limit
    - QueryForbidden             403   SERVICE, LOAD, FROM <file:...>
    - QueryFailed                500   the engine gave up on it
  + ParameterError               400   a value for a question's parameter is missing or wrong
  + NotFound                     404
    - UnknownQuestion            404
    - UnknownGraph               404
    - UnknownResource            404
  + OperatorError                500   for whoever runs the server: one line, exit code 2
    - InvalidSource              500   a file of the knowledge, with file and line
    - InvalidQuestion            500   a question's header or query, with file and line
    - InvalidShapes              500   a shape that pySHACL cannot use
    - StoreUnavailable           500   the store's folder cannot be read or written
    - CannotListen               500   the port is taken, the address is not ours

``status`` is a class attribute, read when the error is handled. A message names the thing
that is wrong; ``remedy`` says what would mend it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar


class PeninsulaError(Exception):
    """Something that Peninsula can explain."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    @classmethod
    def slug(cls) -> str:
        """Return the name of this kind of problem as it stands in a problem document's type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def details(self) -> dict[str, object]:
        """Return what a program may want to read besides the message."""
        return {"remedy": self.remedy} if self.remedy else {}


class ProtocolError(PeninsulaError):
    """The request is not one of the SPARQL 1.1 Protocol."""

    status = 400
    title = "Not a SPARQL protocol request"


class UnsupportedMediaType(ProtocolError):
    """The body has a content type that this address does not take."""

    status = 415
    title = "Unsupported media type"


class NotAcceptable(ProtocolError):
    """None of the formats on offer is one that the client accepts."""

    status = 406
    title = "Not acceptable"


class RequestTooLarge(ProtocolError):
    """The request body is larger than the server takes."""

    status = 413
    title = "Request too large"


class QueryError(PeninsulaError):
    """The query cannot be answered."""

    status = 400
    title = "Query cannot be answered"


class QuerySyntaxError(QueryError):
    """The query is not SPARQL; the position is where the parser gave up."""

    title = "Syntax error in the query"

    def __init__(
        self, message: str, remedy: str = "", *, line: int = 0, column: int = 0, excerpt: str = ""
    ) -> None:
        super().__init__(message, remedy)
        self.line = line
        self.column = column
        self.excerpt = excerpt

    def details(self) -> dict[str, object]:
        position: dict[str, object] = {"line": self.line, "column": self.column}
        return {**super().details(), **(position if self.line else {}), "excerpt": self.excerpt}


class QueryTooComplex(QueryError):
    """The query is larger, deeper or longer than the server's limits allow."""

    title = "Query over a limit"

    def __init__(self, message: str, remedy: str = "", *, limit: str = "") -> None:
        super().__init__(message, remedy)
        self.limit = limit

    def details(self) -> dict[str, object]:
        return {**super().details(), "limit": self.limit}


class QueryForbidden(QueryError):
    """The query asks for something that the server's policy does not allow."""

    status = 403
    title = "Query not allowed"


class QueryFailed(QueryError):
    """The engine could not finish the query."""

    status = 500
    title = "Query failed"


class ParameterError(PeninsulaError):
    """A value for a question's parameter is missing or of the wrong type."""

    status = 400
    title = "Parameter missing or wrong"

    def __init__(self, message: str, remedy: str = "", *, parameter: str = "") -> None:
        super().__init__(message, remedy)
        self.parameter = parameter

    def details(self) -> dict[str, object]:
        return {**super().details(), "parameter": self.parameter}


class NotFound(PeninsulaError):
    """There is nothing at this address."""

    status = 404
    title = "Not found"


class UnknownQuestion(NotFound):
    """The question library has no question of this name."""

    title = "Unknown question"


class UnknownGraph(NotFound):
    """The dataset has no named graph of this name."""

    title = "Unknown graph"


class UnknownResource(NotFound):
    """The graph says nothing about this thing."""

    title = "Unknown resource"


class OperatorError(PeninsulaError):
    """Whoever runs Peninsula has something to mend: one readable line and an exit code."""

    title = "Configuration error"


class InvalidSource(OperatorError):
    """A file of the knowledge cannot be used."""

    title = "Invalid source"


class InvalidQuestion(InvalidSource):
    """A question's header or query cannot be used."""

    title = "Invalid question"


class InvalidShapes(OperatorError):
    """A shape cannot be used."""

    title = "Invalid shapes"


class StoreUnavailable(OperatorError):
    """The store's folder cannot be read or written."""

    title = "Store unavailable"


class CannotListen(OperatorError):
    """The server cannot listen at the address."""

    title = "Cannot listen"


def find_kind(
    slug: str, kind: type[PeninsulaError] = PeninsulaError
) -> type[PeninsulaError] | None:
    """Return the kind of error that goes by ``slug``."""
    if kind.slug() == slug:
        return kind
    return next((found for k in kind.__subclasses__() if (found := find_kind(slug, k))), None)


def place(path: Path | str, line: int = 0) -> str:
    """Return ``path:line`` as an editor understands it, relative to the working folder."""
    return f"{display_path(path)}:{line}" if line else display_path(path)


def display_path(path: Path | str) -> str:
    """Return ``path`` relative to the working folder where it lies inside, else as it is."""
    path = Path(path)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
