"""Where does a request end, and is it sound?

Waitress reads requests; bodies and their framing are checked more strictly here, as RFC 9112
asks for, so that no two readers on the way differ about where one ends.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from peninsula.errors import PeninsulaError

_LONGEST_CHUNK_LINE: Final = 1024
_LONGEST_TRAILER: Final = 16 * 1024


class Problem(Error):  # type: ignore[misc]
    """A request that is refused before the application sees it."""

    def __init__(self, error: PeninsulaError) -> None:
        super().__init__(error.message)
        self.code = error.status
        self.reason = error.title
        self.error = error


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request as it arrives, with the framing judged as RFC 9112 asks for."""

    adj: Any
    empty: bool
    command = ""
    path = ""
    body_limit = 0

    def received(self, data: bytes) -> int:
        """Take bytes and return how many of them belong to this request."""
        consumed: int = super().received(data)
        if self.empty:
            # Blank lines before a request are no request: its time runs on.
            self.empty = self.completed = self.headers_finished = False
            self.header_plus = b""
        receiver = self.body_rcv
        if isinstance(receiver, ChunkedReceiver) and (
            len(receiver.control_line) > _LONGEST_CHUNK_LINE
            or len(receiver.trailer) > _LONGEST_TRAILER
        ):
            self.refuse(BadRequest("A line between the chunks of the body is too long."))
        elif self.chunked and len(receiver) > self.body_limit:
            self.refuse(RequestEntityTooLarge(""))
        if self.completed:
            # Nobody is to go on sending what is refused or here already.
            self.expect_continue = False
        return consumed

    def refuse(self, error: Error) -> None:
        """Answer ``error`` instead of what was asked."""
        self.error = error
        self.completed = True

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the fields; raises ParsingError where they are unsound."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # thousands of digits, brackets that do not match
            raise ParsingError("A number or an address in the header is invalid") from error
        _, _, fields = header_plus.partition(b"\r\n")
        if b"\r\n " in fields or b"\r\n\t" in fields:
            raise ParsingError("A header field is folded over several lines")
        self._check_framing([line.split(b":", 1)[0].lower() for line in fields.split(b"\r\n")])
        if not self.path:  # GET http://host HTTP/1.1
            self.path = "/"
        if self.body_rcv is None:
            return
        try:
            self.body_limit = self.adj.body_limit(
                self.command, self.path, self.headers.get("AUTHORIZATION")
            )
        except PeninsulaError as error:
            self.refuse(Problem(error))
            return
        # Chunks of a sensible size take less than as much again for saying where they end.
        most = 2 * self.body_limit + 4096 if self.chunked else self.body_limit
        self.adj = copy.copy(self.adj)
        self.adj.max_request_body_size = most + 1  # Waitress refuses what reaches it

    def _check_framing(self, names: list[bytes]) -> None:
        """Raise ParsingError where two readers could differ about where the body ends."""
        if self.version not in {"1.0", "1.1"}:
            raise ParsingError("The version of HTTP is neither 1.0 nor 1.1")
        if names.count(b"host") != 1 and (self.version == "1.1" or b"host" in names):
            raise ParsingError("There must be one Host field")
        if b"transfer-encoding" in names:
            if self.version != "1.1":
                raise ParsingError("Transfer-Encoding is not of HTTP/1.0")
            if b"content-length" in names:
                raise ParsingError("Transfer-Encoding and Content-Length exclude each other")
            if names.count(b"transfer-encoding") > 1:
                raise ParsingError("There is more than one Transfer-Encoding")
        if names.count(b"content-length") > 1:
            raise ParsingError("There is more than one Content-Length")
