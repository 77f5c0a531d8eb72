"""How does a request body come to disk, within its budget?

Read in chunks, decompressed on the way, counted before and after, under one time limit; never
whole in memory. What goes wrong leaves no file behind.
"""

from __future__ import annotations

import errno
import mmap
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Protocol, Self

from peninsula.compression import decompress, read_encoding
from peninsula.errors import ProtocolError, RequestTimeout, RequestTooLarge, StoreFull

CHUNK: Final = 64 * 1024
MAX_PARTS: Final = 100
_MAX_PART_HEADERS: Final = 16 * 1024
_PARAMETER: Final = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))')
_ESCAPED: Final = re.compile(r"\\(.)")
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Stream(Protocol):
    """Where a body comes from: ``wsgi.input``, a file."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class SpooledFile:
    """A body on disk, decompressed; ``size`` and ``received`` (compressed) in bytes.

    As a context manager it deletes the file at the end.
    """

    path: Path
    size: int
    received: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Part:
    """One file of a multipart body, with what its headers say of it."""

    file: SpooledFile
    name: str
    filename: str
    content_type: str | None


def spool(
    stream: Stream,
    *,
    encoding: str | None,
    max_bytes: int,
    max_decoded_bytes: int,
    deadline_seconds: float,
    folder: Path,
    content_length: int | None = None,
) -> SpooledFile:
    """Read a body into a temporary file of ``folder``.

    ``encoding`` is the header Content-Encoding, ``content_length`` the header of that name where
    there is one. Raises RequestTooLarge (either limit), RequestTimeout, UnsupportedEncoding,
    ProtocolError (cut short, damaged), StoreFull. A single read that blocks is the business of
    the socket's own time limit.
    """
    known = read_encoding(encoding)
    if content_length is not None and content_length > max_bytes:
        raise _too_large("body", max_bytes)
    budget = _Budget(max_bytes, max_decoded_bytes, time.monotonic() + deadline_seconds)
    received = _receive(stream, budget, content_length)
    pieces = decompress(received, known) if known else received
    with tempfile.NamedTemporaryFile(dir=folder, prefix="upload-", delete=False) as file:
        path = Path(file.name)
        try:
            for piece in pieces:
                budget.count_decoded(len(piece))
                _write(file, piece)
            _flush(file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return SpooledFile(path, budget.decoded, budget.received)


def split_multipart(whole: SpooledFile, boundary: str, folder: Path) -> list[Part]:
    """Return the parts of a multipart/form-data body, each in a temporary file of ``folder``.

    RFC 7578 and RFC 2046, section 5.1. Raises ProtocolError where the body is no such thing, has
    no part, more than MAX_PARTS, or ends too early; then no file is left behind.
    """
    parts: list[Part] = []
    try:
        if whole.size:
            with whole.path.open("rb") as file, _map(file) as content:
                for start, end in _find_parts(content, b"--" + boundary.encode("ascii")):
                    if len(parts) == MAX_PARTS:
                        raise ProtocolError(
                            f"The body has more than {MAX_PARTS} parts.",
                            "Send fewer files at once.",
                        )
                    parts.append(_read_part(content, start, end, folder))
        if not parts:
            raise ProtocolError("The multipart body has no part.", "Send at least one file.")
    except BaseException:
        for part in parts:
            part.file.path.unlink(missing_ok=True)
        raise
    return parts


@dataclass
class _Budget:
    """What a body may still cost."""

    max_bytes: int
    max_decoded_bytes: int
    deadline: float
    received: int = 0
    decoded: int = 0

    def count_received(self, size: int) -> None:
        self.received += size
        if self.received > self.max_bytes:
            raise _too_large("body", self.max_bytes)
        self.check_time()

    def count_decoded(self, size: int) -> None:
        self.decoded += size
        if self.decoded > self.max_decoded_bytes:
            raise _too_large("decompressed body", self.max_decoded_bytes)
        self.check_time()

    def check_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise RequestTimeout(
                "The body did not arrive and unpack in time.", "Send it faster, or in parts."
            )


def _receive(stream: Stream, budget: _Budget, content_length: int | None) -> Iterator[bytes]:
    # What has arrived is worth more than a full chunk: the time limit has its turn.
    read = getattr(stream, "read1", stream.read)
    while content_length is None or budget.received < content_length:
        wanted = CHUNK if content_length is None else min(CHUNK, content_length - budget.received)
        try:
            chunk: bytes = read(wanted)
        except TimeoutError:
            raise RequestTimeout("The body stopped arriving.", "Send it again.") from None
        except OSError as error:
            raise ProtocolError(f"The body broke off ({error}).", "Send it again.") from None
        if not chunk:
            break
        budget.count_received(len(chunk))
        yield chunk
    if content_length is not None and budget.received < content_length:
        raise ProtocolError(
            f"The body ends after {budget.received} of {content_length} bytes.", "Send it whole."
        )


def _write(file: IO[bytes], data: bytes | memoryview) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise _explain(error) from error


def _flush(file: IO[bytes]) -> None:
    try:
        file.flush()
    except OSError as error:
        raise _explain(error) from error


def _explain(error: OSError) -> Exception:
    if error.errno in _FULL:
        return StoreFull("The disk has no room for the body; nothing was changed.", "Make room.")
    return error


def _too_large(what: str, limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"The {what} is larger than {limit} bytes.",
        "Send it in parts, or load it with peninsula load.",
    )


def _map(file: IO[bytes]) -> mmap.mmap:
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _find_parts(content: mmap.mmap, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each part, headers included, up to the closing delimiter."""
    begin: int | None = None
    position = 0
    while (found := content.find(delimiter, position)) >= 0:
        position = found + len(delimiter)
        if found and content[found - 2 : found] != b"\r\n":
            continue
        end_of_line = content.find(b"\r\n", position, position + 256)
        line = content[position : end_of_line if end_of_line >= 0 else position + 256]
        is_last = line.startswith(b"--")
        if line[2 if is_last else 0 :].strip(b" \t") or (end_of_line < 0 and not is_last):
            # A longer word that begins like the delimiter.
            continue
        if begin is not None:
            yield begin, found - 2
        if is_last:
            return
        begin = position = end_of_line + 2
        # The delimiter of an empty part follows at once: its line break is this one.
        position -= 2
    if begin is None:
        raise ProtocolError(
            "The multipart body does not hold its boundary.",
            "Let the HTTP client set Content-Type itself.",
        )
    raise ProtocolError("The multipart body ends too early.", "Send it whole.")


def _read_part(content: mmap.mmap, start: int, end: int, folder: Path) -> Part:
    if content[start : start + 2] == b"\r\n":
        blank = start - 2
    else:
        blank = content.find(b"\r\n\r\n", start, min(end, start + _MAX_PART_HEADERS))
        if blank < 0:
            raise ProtocolError(
                "A part of the multipart body has no blank line after its headers.",
                "Let the HTTP client write the body.",
            )
    headers = _read_headers(content[start:blank])
    transfer = headers.get("content-transfer-encoding", "binary").lower()
    if transfer not in {"binary", "8bit", "7bit"}:
        raise ProtocolError(
            f"A part is encoded as “{transfer}”.", "Send it as it is (RFC 7578, section 4.7)."
        )
    parameters = {
        match[1].lower(): _ESCAPED.sub(r"\1", match[2]) if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(headers.get("content-disposition", ""))
    }
    return Part(
        _copy(content, blank + 4, end, folder),
        parameters.get("name", ""),
        parameters.get("filename", ""),
        headers.get("content-type"),
    )


def _read_headers(block: bytes) -> dict[str, str]:
    lines = block.decode("utf-8", "replace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _copy(content: mmap.mmap, start: int, end: int, folder: Path) -> SpooledFile:
    with tempfile.NamedTemporaryFile(dir=folder, prefix="upload-", delete=False) as file:
        path = Path(file.name)
        try:
            for position in range(start, end, CHUNK):
                _write(file, content[position : min(position + CHUNK, end)])
            _flush(file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return SpooledFile(path, end - start)
