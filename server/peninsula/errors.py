"""What can go wrong, and which status does each failure have?

* PeninsulaError                 500
  + ProtocolError                400   the request is not one of the SPARQL 1.1 Protocol
    - MethodNotAllowed           405   with the methods that are, in Allow
    - UnsupportedMediaType       415
      . UnsupportedEncoding      415   with the encodings that are, in Accept-Encoding
    - NotAcceptable              406
    - RequestTooLarge            413
    - RequestHeaderTooLarge      431
    - RequestTimeout             408   it did not arrive whole in time
    - PreconditionFailed         412   If-Match and its like do not hold
    - RefusedPayload             400   a parser would pay dearly for the body
  + QueryError                   400   the query itself cannot be answered
    - QuerySyntaxError           400   with line and column
    - QueryTooComplex            400   says which limit
    - QueryForbidden             403   SERVICE, LOAD, FROM <file:...>
      . ServiceForbidden         403   a service that the operator did not name
    - NoSnapshot                 404   nothing is kept here of a service
    - NotIndexed                 503   the names are not indexed yet; with Retry-After
    - QueryFailed                500   the engine gave up on it
      . QueryCrashed             500   it ended the process that evaluated it
      . QueryTimeout             504   it took longer than the time limit
      . QueryOutOfMemory         507   it needed more than the memory limit
      . QueryCancelled           503   an administrator, or the lack of room, ended it
  + ParameterError               400   a value for a question's parameter is missing or wrong
    - UnknownName                400   a name in its place fits no thing, or several
  + Unauthorized                 401   no token, or none that is known
  + Forbidden                    403   the token's role does not reach so far
  + InvalidUpload                400   what was sent is not RDF; with line and column
  + NotFound                     404
    - UnknownQuestion            404
    - UnknownTable               404
    - UnknownDump                404
    - UnknownGraph               404
    - UnknownResource            404
    - UnknownGeneration          404
  + Overloaded                   503   no room at the moment; with Retry-After
  + ShapesViolated               422   the change breaks a shape; with the report
  + UpstreamFailed               502   another server did not give what was asked of it
    - UpstreamUnreachable        502   it does not answer, or broke off
    - UpstreamTimeout            504   it did not within the time limit
    - UpstreamBusy               503   it wants to be left alone for a while; with Retry-After
  + StoreReadOnly                403   this server takes no changes
  + StoreFull                    507   the disk is full; nothing was changed
  + OperatorError                500   for whoever runs the server: one line, exit code 2
    - InvalidSource              500   a file of the knowledge, with file and line
    - InvalidQuestion            500   a question's header or query, with file and line
    - InvalidMapping             500   how a table becomes statements, with its place in the file
    - InvalidTable               500   a file that holds no table
    - InvalidShapes              500   a shape that pySHACL cannot use
    - StoreUnavailable           500   the store's folder cannot be read or written
      . StoreInUse               500   another process holds it
    - CannotListen               500   the port is taken, the address is not ours
    - InvalidSetting             500   an option, a variable or a key of the settings' file
    - InvalidToken               500   a token's name or role, or the file that holds them

``status`` is a class attribute, read when the error is handled. A message names the thing
that is wrong; ``remedy`` says what would mend it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self


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

    def headers(self) -> dict[str, str]:
        """Return the header fields that belong to a response with this error."""
        return {}


class ProtocolError(PeninsulaError):
    """The request is not one of the SPARQL 1.1 Protocol."""

    status = 400
    title = "Not a SPARQL protocol request"


class MethodNotAllowed(ProtocolError):
    """The address does not take the method; ``allowed`` names those that it takes."""

    status = 405
    title = "Method not allowed"

    def __init__(self, message: str, remedy: str = "", *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.allowed = allowed

    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class UnsupportedMediaType(ProtocolError):
    """The body has a content type that this address does not take."""

    status = 415
    title = "Unsupported media type"


class UnsupportedEncoding(UnsupportedMediaType):
    """The body is compressed in a way that is not known here; ``encodings`` are."""

    title = "Unsupported content encoding"

    def __init__(self, message: str, remedy: str = "", *, encodings: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.encodings = encodings

    def headers(self) -> dict[str, str]:
        return {"Accept-Encoding": ", ".join(self.encodings)}


class NotAcceptable(ProtocolError):
    """None of the formats on offer is one that the client accepts."""

    status = 406
    title = "Not acceptable"


class RequestTooLarge(ProtocolError):
    """The request body is larger than the server takes."""

    status = 413
    title = "Request too large"


class PreconditionFailed(ProtocolError):
    """What the client wants to change is not what it saw."""

    status = 412
    title = "Precondition failed"


class RefusedPayload(ProtocolError):
    """The body is refused before it is parsed, because a parser would pay dearly for it."""

    title = "Refused payload"


class RequestHeaderTooLarge(ProtocolError):
    """The request line and the header fields are longer than the server takes."""

    status = 431
    title = "Request header too large"


class RequestTimeout(ProtocolError):
    """The request did not arrive whole within its time."""

    status = 408
    title = "Request timed out"


class QueryError(PeninsulaError):
    """The query cannot be answered; its place in the text, where that is known."""

    status = 400
    title = "Query cannot be answered"
    line: int = 0
    column: int = 0

    def details(self) -> dict[str, object]:
        position: dict[str, object] = {"line": self.line, "column": self.column}
        return {**super().details(), **(position if self.line else {})}


class NotIndexed(QueryError):
    """The names of the graph, which the query looks through, are not indexed yet."""

    status = 503
    title = "Names are being indexed"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "10"}


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
        return {**super().details(), "excerpt": self.excerpt}


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


class ServiceForbidden(QueryForbidden):
    """The query calls a service that is none of those that the operator allows."""

    title = "Service not allowed"


class NoSnapshot(QueryError):
    """The query asks for what is kept of a service, and nothing is."""

    status = 404
    title = "No snapshot"


class QueryFailed(QueryError):
    """The engine could not finish the query."""

    status = 500
    title = "Query failed"


class QueryCrashed(QueryFailed):
    """The query ended the worker process that evaluated it; nothing else was disturbed."""

    title = "Query ended its worker"


class QueryTimeout(QueryFailed):
    """The query took longer than the server's time limit."""

    status = 504
    title = "Query over the time limit"


class QueryOutOfMemory(QueryFailed):
    """The query needed more memory than the server's limit."""

    status = 507
    title = "Query over the memory limit"


class QueryCancelled(QueryFailed):
    """An administrator ended the query, or the server had no room for it any more."""

    status = 503
    title = "Query cancelled"


class ParameterError(PeninsulaError):
    """A value for a question's parameter is missing or of the wrong type."""

    status = 400
    title = "Parameter missing or wrong"

    def __init__(self, message: str, remedy: str = "", *, parameter: str = "") -> None:
        super().__init__(message, remedy)
        self.parameter = parameter

    def details(self) -> dict[str, object]:
        return {**super().details(), "parameter": self.parameter}


class UnknownName(ParameterError):
    """A parameter is given as a name that fits no thing, or several; ``choices`` are near."""

    title = "Unknown or ambiguous name"

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        parameter: str = "",
        choices: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message, remedy, parameter=parameter)
        #: Values with their labels.
        self.choices = tuple(choices)

    def details(self) -> dict[str, object]:
        return {**super().details(), "choices": dict(self.choices)}


class Unauthorized(PeninsulaError):
    """The request has no token, or none that is known."""

    status = 401
    title = "Token needed"

    def __init__(self, message: str, remedy: str = "", *, reason: str = "") -> None:
        super().__init__(message, remedy)
        self.reason = reason

    @property
    def challenge(self) -> str:
        """Return the value of ``WWW-Authenticate`` (RFC 6750, section 3)."""
        reason = f', error="{self.reason}"' if self.reason else ""
        return f'Bearer realm="peninsula"{reason}'

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": self.challenge}

    def details(self) -> dict[str, object]:
        return {**super().details(), "challenge": self.challenge}


class Forbidden(PeninsulaError):
    """The token is known, but its role does not reach so far; ``role`` is the one needed."""

    status = 403
    title = "Not allowed"

    def __init__(self, message: str, remedy: str = "", *, role: str = "") -> None:
        super().__init__(message, remedy)
        self.role = role

    @property
    def challenge(self) -> str:
        """Return the value of ``WWW-Authenticate`` (RFC 6750, section 3.1)."""
        return f'Bearer realm="peninsula", error="insufficient_scope", scope="{self.role}"'

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": self.challenge}

    def details(self) -> dict[str, object]:
        return {**super().details(), "role": self.role}


class InvalidUpload(PeninsulaError):
    """What was sent cannot be read as the RDF that it claims to be."""

    status = 400
    title = "Upload cannot be read"

    def __init__(self, message: str, remedy: str = "", *, line: int = 0, column: int = 0) -> None:
        super().__init__(message, remedy)
        self.line = line
        self.column = column

    def details(self) -> dict[str, object]:
        position: dict[str, object] = {"line": self.line, "column": self.column}
        return {**super().details(), **(position if self.line else {})}


class NotFound(PeninsulaError):
    """There is nothing at this address."""

    status = 404
    title = "Not found"


class UnknownTable(NotFound):
    """There is no tidy table of this name."""

    title = "Unknown table"


class UnknownDump(NotFound):
    """There is no dump of this name."""

    title = "Unknown dump"


class UnknownQuestion(NotFound):
    """The question library has no question of this name."""

    title = "Unknown question"


class UnknownGraph(NotFound):
    """The dataset has no named graph of this name."""

    title = "Unknown graph"


class UnknownResource(NotFound):
    """The graph says nothing about this thing.

    ``suggestions`` are things with a name like it, ``earlier`` a generation that knew it.
    """

    title = "Unknown resource"

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        suggestions: Sequence[Mapping[str, str]] = (),
        earlier: int | None = None,
    ) -> None:
        super().__init__(message, remedy)
        self.suggestions = list(suggestions)
        self.earlier = earlier

    def details(self) -> dict[str, object]:
        found = {"suggestions": self.suggestions, "earlier": self.earlier}
        return {**super().details(), **{name: value for name, value in found.items() if value}}


class UnknownGeneration(NotFound):
    """The store keeps no generation of this number."""

    title = "Unknown generation"


class Overloaded(PeninsulaError):
    """Too much is being asked at the same time; ``retry_after`` is in seconds."""

    status = 503
    title = "Too busy"

    def __init__(self, message: str, remedy: str = "", *, retry_after: int = 2) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class ShapesViolated(PeninsulaError):
    """The change would break a shape; ``report`` says which, where, and what would mend it."""

    status = 422
    title = "Change breaks the shapes"

    def __init__(
        self, message: str, remedy: str = "", *, report: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, remedy)
        self.report = dict(report or {})

    def details(self) -> dict[str, object]:
        return {**super().details(), "report": self.report}


class UpstreamFailed(PeninsulaError):
    """Another server did not give what was asked of it."""

    status = 502
    title = "Another server failed"


class UpstreamUnreachable(UpstreamFailed):
    """Another server does not answer, or broke off: a moment later it may be there again."""

    title = "Another server does not answer"


class UpstreamTimeout(UpstreamFailed):
    """Another server took longer than the time limit."""

    status = 504
    title = "Another server took too long"


class UpstreamBusy(UpstreamFailed):
    """Another server wants to be left alone for a while; ``retry_after`` is in seconds."""

    status = 503
    title = "Another server is busy"

    def __init__(self, message: str, remedy: str = "", *, retry_after: int = 2) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class StoreReadOnly(PeninsulaError):
    """The server takes no changes: its store cannot be written to."""

    status = 403
    title = "Read-only store"


class StoreFull(PeninsulaError):
    """The disk of the store is full; nothing was changed."""

    status = 507
    title = "Disk full"


class OperatorError(PeninsulaError):
    """Whoever runs Peninsula has something to mend: one readable line and an exit code."""

    title = "Configuration error"


class InvalidSource(OperatorError):
    """A file of the knowledge cannot be used."""

    title = "Invalid source"

    @classmethod
    def unreadable(cls, path: Path, error: SyntaxError, remedy: str) -> Self:
        """Return what is wrong with the RDF in ``path``, of which the parser said ``error``."""
        where = f"column {error.offset}: " if error.offset else ""
        return cls(f"{place(path, error.lineno or 0)}: {where}{parser_reason(error)}.", remedy)


class InvalidQuestion(InvalidSource):
    """A question's header or query cannot be used."""

    title = "Invalid question"


class InvalidMapping(InvalidSource):
    """A mapping of a table to statements cannot be used."""

    title = "Invalid mapping"


class InvalidTable(InvalidSource):
    """A file holds no table that can be read."""

    title = "Invalid table"


class InvalidShapes(OperatorError):
    """A shape cannot be used."""

    title = "Invalid shapes"


class StoreUnavailable(OperatorError):
    """The store's folder cannot be read or written."""

    title = "Store unavailable"


class StoreInUse(StoreUnavailable):
    """Another process holds the store."""

    title = "Store in use"


class CannotListen(OperatorError):
    """The server cannot listen at the address."""

    title = "Cannot listen"


class InvalidSetting(OperatorError):
    """A setting has no such name or value."""

    title = "Invalid setting"


class InvalidToken(OperatorError):
    """A token cannot be added, revoked or looked up."""

    title = "Invalid token"


class ClientGone(ConnectionError):
    """Whoever asked is not there any more: there is nobody to explain anything to."""


def to_message(error: PeninsulaError) -> dict[str, Any]:
    """Return ``error`` as plain values, to be told to another process."""
    return {"kind": error.slug(), **vars(error)}


def from_message(values: Mapping[str, Any]) -> PeninsulaError:
    """Return the error that :func:`to_message` told of."""
    kind = find_kind(values["kind"]) or PeninsulaError
    rest = {name: v for name, v in values.items() if name not in {"kind", "message", "remedy"}}
    return kind(values["message"], values["remedy"], **rest)


def find_kind(
    slug: str, kind: type[PeninsulaError] = PeninsulaError
) -> type[PeninsulaError] | None:
    """Return the kind of error that goes by ``slug``."""
    if kind.slug() == slug:
        return kind
    return next((found for k in kind.__subclasses__() if (found := find_kind(slug, k))), None)


def parser_reason(error: SyntaxError) -> str:
    """Return why the engine's parser gave up, without the position and the full stop."""
    return str(error.msg).split(": ", 1)[-1].rstrip(".")


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
