"""How are bodies compressed, and which encoding does the client want?

gzip is always there; zstd, three times as fast at the same ratio, where Python 3.14 or the
package ``backports.zstd`` has it. Everything streams: a chunk goes in, what it made comes out
(RFC 9110, sections 8.4 and 12.5.3; RFC 9659 on zstd's window).
"""

from __future__ import annotations

import importlib
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal, Protocol, get_args

from peninsula.errors import ProtocolError, UnsupportedEncoding


def _find_zstd() -> Any:
    """Return the module; Python may be built without it, and an older one lack the package."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_zstd: Final = _find_zstd()
Encoding = Literal["zstd", "gzip"]
#: In order of preference.
ENCODINGS: Final[tuple[Encoding, ...]] = get_args(Encoding) if _zstd else ("gzip",)
#: Shorter bodies gain nothing.
MIN_BYTES: Final = 1024

#: Both measured on results in JSON and CSV: 200 MB/s and more, 5 to 10 times smaller.
_GZIP_LEVEL: Final = 1
_ZSTD_LEVEL: Final = 1
#: RFC 9659: 8 MB is the largest window in HTTP; a larger one would be the sender's to choose.
_ZSTD_WINDOW_LOG: Final = 23
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_SLICE: Final = 256 * 1024
#: What was taken in leaves when so much or so long has gathered.
_FLUSH_BYTES: Final = 32 * 1024
_FLUSH_SECONDS: Final = 0.05

_CODING: Final = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?\Z",
    re.IGNORECASE,
)
_ALIASES: Final = {"x-gzip": "gzip"}
_COMPRESSIBLE: Final = re.compile(
    r"text/.+|image/svg\+xml|application/(?:.+\+(?:json|xml)|json|xml|javascript|n-triples"
    r"|n-quads|trig|link-format|openapi|rdf-patch|sparql-query|sparql-update)"
)


class _Coder(Protocol):
    """A compressor: ``pack`` may keep something back, ``flush`` and ``finish`` give it out."""

    def pack(self, data: memoryview | bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...

    def finish(self) -> bytes: ...


def choose_encoding(accept_encoding: str | None, content_type: str | None) -> Encoding | None:
    """Return the encoding for a body of this type, None for as it is.

    The client's highest quality wins, then the order of ENCODINGS; a body that is compressed
    in itself is sent as it is, unless the client refuses just that.
    """
    qualities = _parse(accept_encoding)
    if not qualities:
        return None
    best: Encoding | None = None
    best_quality = 0.0
    for encoding in ENCODINGS:
        quality = qualities.get(encoding, qualities.get("*", 0.0))
        if quality > best_quality:
            best, best_quality = encoding, quality
    identity = qualities.get("identity", qualities.get("*"))
    if identity == 0:
        return best
    # Named with a higher quality, identity is a wish; not named, it is only allowed.
    if qualities.get("identity", 0.0) > best_quality or not is_compressible(content_type):
        return None
    return best


def is_compressible(content_type: str | None) -> bool:
    """Return whether bodies of this type get smaller by compression."""
    media_type = (content_type or "").split(";")[0].strip().lower()
    return _COMPRESSIBLE.fullmatch(media_type) is not None


def is_worthwhile(length: int | None) -> bool:
    """Return whether a body of so many bytes is to be compressed; None: nobody knows yet."""
    return length is None or length >= MIN_BYTES


def compress(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Yield ``chunks`` compressed; the first byte leaves with the first chunk.

    Later ones leave when 32 kB or 50 ms have gathered. Memory is flat whatever the size of a
    chunk. Closes ``chunks`` at the end, and when it is closed itself; an error of theirs is
    passed on and leaves the encoding without its end, so that the client notices.
    """
    coder = _make_coder(encoding)
    waiting, is_first, flushed = 0, True, time.monotonic()
    try:
        for chunk in chunks:
            view = memoryview(chunk)
            for start in range(0, len(view), _SLICE):
                piece = view[start : start + _SLICE]
                packed = coder.pack(piece)
                waiting += len(piece)
                now = time.monotonic()
                if is_first or waiting >= _FLUSH_BYTES or now - flushed >= _FLUSH_SECONDS:
                    packed += coder.flush()
                    waiting, is_first, flushed = 0, False, now
                if packed:
                    yield packed
        if last := coder.finish():
            yield last
    finally:
        close: Callable[[], None] | None = getattr(chunks, "close", None)
        if close:
            close()


def read_encoding(content_encoding: str | None) -> Encoding | None:
    """Return what the header Content-Encoding of a request says, None for as it is.

    Raises UnsupportedEncoding for one that is not known here, or for several.
    """
    name = (content_encoding or "identity").strip().lower()
    name = _ALIASES.get(name, name)
    if name in {"identity", ""}:
        return None
    for encoding in ENCODINGS:
        if name == encoding:
            return encoding
    raise UnsupportedEncoding(
        f"The body is encoded as “{name}”.",
        f"Send it as it is, or in one of {', '.join(ENCODINGS)}.",
        encodings=ENCODINGS,
    )


def decompress(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Yield what is in ``chunks``, at most 256 kB at a time, however much one chunk holds.

    An empty piece tells that something was read and nothing came of it, so that who counts
    time or bytes has a turn. Raises ProtocolError where the data is damaged or cut short.
    """
    return _gunzip(chunks) if encoding == "gzip" else _unzstd(chunks)


class _Gzip:
    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        self.pack: Callable[[memoryview | bytes], bytes] = self._deflate.compress

    def flush(self) -> bytes:
        return self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._deflate.flush()


class _Zstd:
    def __init__(self) -> None:
        self._frame = _zstd.ZstdCompressor(level=_ZSTD_LEVEL)
        self.pack: Callable[[memoryview | bytes], bytes] = self._frame.compress

    def flush(self) -> bytes:
        block: bytes = self._frame.flush(self._frame.FLUSH_BLOCK)
        return block

    def finish(self) -> bytes:
        end: bytes = self._frame.flush()
        return end


def _make_coder(encoding: Encoding) -> _Coder:
    return _Gzip() if encoding == "gzip" else _Zstd()


def _parse(header: str | None) -> dict[str, float]:
    """Return the quality of each coding; what is malformed is left out."""
    qualities = {}
    for part in (header or "").split(","):
        if match := _CODING.match(part):
            name = match[1].lower()
            qualities[_ALIASES.get(name, name)] = float(match[2]) if match[2] else 1.0
    return qualities


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the members of a gzip file, one after another."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    has_begun = False
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if member.eof:
                    member, has_begun = zlib.decompressobj(_GZIP_WINDOW), False
                has_begun = True
                yield member.decompress(rest, _SLICE)
                rest = member.unconsumed_tail or member.unused_data
        # What the last slice left over inside.
        while not member.eof and (piece := member.decompress(b"", _SLICE)):
            yield piece
    except zlib.error as error:
        raise _damaged("gzip", str(error)) from None
    if not (has_begun and member.eof):
        raise _cut_short("gzip")


def _unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the frames of a zstd stream, one after another."""
    options = {_zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    frame = _zstd.ZstdDecompressor(options=options)
    has_begun = False
    try:
        for chunk in chunks:
            rest = chunk
            while rest or not (frame.needs_input or frame.eof):
                if frame.eof:
                    frame = _zstd.ZstdDecompressor(options=options)
                has_begun = True
                yield frame.decompress(rest, _SLICE)
                rest = frame.unused_data if frame.eof else b""
    except _zstd.ZstdError as error:
        raise _damaged("zstd", str(error)) from None
    if not (has_begun and frame.eof):
        raise _cut_short("zstd")


def _damaged(encoding: str, reason: str) -> ProtocolError:
    return ProtocolError(f"The body is no {encoding}, or damaged ({reason}).", "Send it again.")


def _cut_short(encoding: str) -> ProtocolError:
    return ProtocolError(f"The body is {encoding} that ends too early.", "Send it whole.")
