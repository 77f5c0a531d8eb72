"""How does the body of a request come in, within its budget?"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flask import request

from peninsula.compression import decompress, read_encoding
from peninsula.dataset.embedded import EmbeddedDatabase
from peninsula.errors import ProtocolError, RequestTooLarge
from peninsula.uploads import SpooledFile, spool
from peninsula.views.site import current_site


def read_body(max_bytes: int) -> bytes:
    """Return the body, decompressed; raises RequestTooLarge, UnsupportedEncoding …"""
    encoding = read_encoding(request.headers.get("Content-Encoding"))
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    pieces = iter(lambda: request.stream.read(65_536), b"")
    gathered = bytearray()
    for piece in decompress(pieces, encoding) if encoding else pieces:
        gathered += piece
        if len(gathered) > max_bytes:
            raise _too_large(max_bytes)
    expected = request.content_length
    if encoding is None and expected is not None and len(gathered) != expected:
        raise ProtocolError("The body ends too early.", "Send as much as Content-Length says.")
    return bytes(gathered)


def _too_large(max_bytes: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"The body is longer than {max_bytes} bytes, as sent or decompressed.",
        "Send less at a time.",
    )


def spool_body() -> SpooledFile:
    """Return the body as a file, decompressed; as a context manager, it goes at the end."""
    config = current_site().config
    return spool(
        request.stream,
        encoding=request.headers.get("Content-Encoding"),
        max_bytes=config.max_upload_bytes,
        max_decoded_bytes=config.max_upload_bytes,
        deadline_seconds=config.upload_timeout,
        folder=spool_folder(),
        content_length=request.content_length,
    )


def spool_folder() -> Path:
    """Return where files on their way in are kept: beside the store, so that nothing is copied.

    Raises StoreReadOnly where nothing can be kept there.
    """
    database = current_site().database
    if isinstance(database, EmbeddedDatabase):
        database.require_changes()
        folder = database.generations.spool
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
            return folder
    return Path(tempfile.gettempdir())


@contextlib.contextmanager
def spooled(suffix: str = "") -> Iterator[Path]:
    """Give the name of a new file among those on their way in; it goes at the end."""
    with tempfile.NamedTemporaryFile(
        dir=spool_folder(), prefix="work-", suffix=suffix, delete=False
    ) as file:
        path = Path(file.name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
