"""A body comes to disk whole or not at all, and never costs more than its budget."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peninsula.compression import ENCODINGS, Encoding, compress
from peninsula.errors import (
    ProtocolError,
    RequestTimeout,
    RequestTooLarge,
    StoreFull,
    UnsupportedEncoding,
)
from peninsula.uploads import MAX_PARTS, Part, SpooledFile, Stream, split_multipart, spool

MB = 1_000_000
#: However slow this machine is.
relaxed = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Drip:
    """A stream that gives what it is told to give, and then its error, if it has one."""

    def __init__(
        self, chunks: list[bytes], error: OSError | None = None, seconds: float = 0.0
    ) -> None:
        self.chunks, self.error, self.seconds = list(chunks), error, seconds

    def read(self, size: int, /) -> bytes:
        time.sleep(self.seconds)
        while self.chunks and not self.chunks[0]:
            self.chunks.pop(0)
        if not self.chunks:
            if self.error:
                raise self.error
            return b""
        chunk, self.chunks[0] = self.chunks[0][:size], self.chunks[0][size:]
        return chunk


class Zeros:
    """An endless stream."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int, /) -> bytes:
        self.given += size
        return bytes(size)


def take(stream: Stream, folder: Path, **more: Any) -> SpooledFile:
    limits = {
        "encoding": None, "max_bytes": MB, "max_decoded_bytes": 4 * MB, "deadline_seconds": 10.0,
    }  # fmt: skip
    return spool(stream, folder=folder, **{**limits, **more})


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(200_000)], ids=["empty", "small", "large"])
@pytest.mark.parametrize("encoding", ["identity", *ENCODINGS])
def test_a_body_is_spooled_and_deleted_at_the_end(
    tmp_path: Path, data: bytes, encoding: str
) -> None:
    packed = data
    if encoding in ENCODINGS:
        packed = b"".join(compress([data], encoding))
    spooled = take(
        io.BytesIO(packed + b"the next request"),
        tmp_path,
        encoding=encoding,
        content_length=len(packed),
    )
    with spooled:
        assert spooled.path.parent == tmp_path
        assert spooled.path.read_bytes() == data
        assert (spooled.size, spooled.received) == (len(data), len(packed))
    assert not list(tmp_path.iterdir())


@relaxed
@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=10), st.sampled_from(ENCODINGS))  # fmt: skip
def test_any_split_of_a_compressed_body_is_read(
    tmp_path: Path, data: bytes, places: list[int], encoding: Encoding
) -> None:
    packed = b"".join(compress([data], encoding))
    ends = sorted(min(place, len(packed)) for place in places)
    chunks = [packed[a:b] for a, b in itertools.pairwise([0, *ends, len(packed)])]
    with take(Drip(chunks), tmp_path, encoding=encoding) as spooled:
        assert spooled.path.read_bytes() == data
    # Cut anywhere, it is refused.
    for cut in {0, len(packed) // 2, len(packed) - 1}:
        with pytest.raises(ProtocolError, match="ends"):
            take(io.BytesIO(packed[:cut]), tmp_path, encoding=encoding)
    assert not list(tmp_path.iterdir())


def bomb() -> bytes:
    """Return 1 GB of zeros as 1 MB of gzip: a member of 10 MB, a hundred times."""
    return gzip.compress(bytes(10 * MB)) * 100


@pytest.mark.parametrize(
    ("stream", "more", "kind", "words"),
    [
        (Zeros(), {}, RequestTooLarge, "body is larger than 1000000 bytes"),
        (Zeros(), {"content_length": MB + 1}, RequestTooLarge, "larger than 1000000 bytes"),
        (io.BytesIO(bomb()), {"encoding": "gzip", "max_bytes": 2 * MB}, RequestTooLarge, "decompressed body"),
        (Drip([b"abc"]), {"content_length": 5}, ProtocolError, "ends after 3 of 5 bytes"),
        (Drip([]), {"content_length": 1}, ProtocolError, "ends after 0 of 1 bytes"),
        (Drip([b"abc"], ConnectionResetError("reset")), {}, ProtocolError, "broke off"),
        (Drip([b"abc"], TimeoutError()), {}, RequestTimeout, "stopped arriving"),
        (Drip([b"x"] * 1000, seconds=0.02), {"deadline_seconds": 0.1}, RequestTimeout, "in time"),
        (io.BytesIO(gzip.compress(b"abc") + b"junk"), {"encoding": "gzip"}, ProtocolError, "damaged"),
        (io.BytesIO(b"plain"), {"encoding": "gzip"}, ProtocolError, "damaged"),
        (io.BytesIO(gzip.compress(os.urandom(5000))[:-4]), {"encoding": "gzip"}, ProtocolError, "ends too early"),
        (io.BytesIO(b"x"), {"encoding": "br"}, UnsupportedEncoding, "br"),
        (io.BytesIO(b"x"), {"encoding": "gzip, gzip"}, UnsupportedEncoding, "gzip, gzip"),
    ],
    ids=[
        "endless", "too long by its word", "bomb", "short", "empty", "reset", "silent", "slow", "junk",
        "not gzip", "no trailer", "br", "twice",
    ],
)  # fmt: skip
def test_what_goes_wrong_has_its_status_and_leaves_no_file(
    tmp_path: Path, stream: Stream, more: dict[str, Any], kind: type[ProtocolError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        take(stream, tmp_path, **more)
    assert caught.value.status == {
        RequestTooLarge: 413, RequestTimeout: 408, UnsupportedEncoding: 415,
    }.get(kind, 400)  # fmt: skip
    assert caught.value.remedy
    assert not list(tmp_path.iterdir())
    if isinstance(stream, Zeros):
        assert stream.given <= MB + 64 * 1024


def test_members_that_hold_nothing_cost_time_and_not_more(tmp_path: Path) -> None:
    nothing = gzip.compress(b"")
    began = time.monotonic()
    with pytest.raises((RequestTimeout, RequestTooLarge)):
        take(
            io.BytesIO(nothing * 2_000_000),
            tmp_path,
            encoding="gzip",
            max_bytes=100 * MB,
            deadline_seconds=0.3,
        )
    assert time.monotonic() - began < 3


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    # A limit on the size of files stands in for a disk without room.
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(StoreFull) as caught:
            take(io.BytesIO(bytes(500_000)), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.status == 507
    assert not list(tmp_path.iterdir())


# Multipart.

TTL = b"<http://e/s> <http://e/p> 1 ."


def part(name: str, content: bytes, *headers: str) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{name}"; filename="{name}"', *headers]
    return "\r\n".join([*lines, "", ""]).encode() + content + b"\r\n"


def multipart(*parts: bytes, boundary: str = "abc") -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + each for each in parts) + mark + b"--\r\n"


def split(tmp_path: Path, body: bytes, boundary: str = "abc") -> list[Part]:
    with take(io.BytesIO(body), tmp_path) as whole:
        return split_multipart(whole, boundary, tmp_path)


def test_the_form_of_the_w3c_is_split(tmp_path: Path) -> None:
    body = multipart(
        part("lastName.ttl", TTL, "Content-Type: text/turtle; charset=utf-8"),
        part("other.ttl", b"", "content-type: text/turtle"),
        part("bare.nt", b"--abc is no mark here, nor is\r\n--abcd\r\n"),
    )
    first, empty, bare = split(tmp_path, body)
    assert (first.name, first.filename) == ("lastName.ttl", "lastName.ttl")
    assert first.content_type == "text/turtle; charset=utf-8"
    assert first.file.path.read_bytes() == TTL
    assert first.file.size == len(TTL)
    assert empty.file.path.read_bytes() == b""
    assert bare.content_type is None
    assert bare.file.path.read_bytes() == b"--abc is no mark here, nor is\r\n--abcd\r\n"


def test_preamble_epilogue_padding_and_quotes_are_read(tmp_path: Path) -> None:
    body = (
        b"This is a preamble.\r\n--a b \t\r\n"
        b'Content-Disposition: form-data; filename="a \\"b\\";.ttl"; name=x\r\n\r\n'
        + TTL
        + b"\r\n--a b\r\n\r\nno headers\r\n--a b-- \r\nAn epilogue.\r\n--a b\r\n"
    )
    first, second = split(tmp_path, body, "a b")
    assert (first.name, first.filename) == ("x", 'a "b";.ttl')
    assert first.file.path.read_bytes() == TTL
    assert second.file.path.read_bytes() == b"no headers"
    assert second.name == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no part"),
        (b"nothing of the kind", "does not hold its boundary"),
        (multipart(), "no part"),
        (multipart(part("a", TTL))[:-8], "ends too early"),
        (multipart(part("a", TTL), part("b", TTL))[:-8], "ends too early"),
        (b"--abc\r\nContent-Type: text/turtle\r\n" + TTL + b"\r\n--abc--\r\n", "no blank line"),
        (b"--abc\r\nX: " + b"y" * 20_000 + b"\r\n\r\n" + TTL + b"\r\n--abc--\r\n", "no blank line"),
        (b"--abc\r\n--abc--\r\n", "no blank line"),
        (multipart(part("a", TTL), part("b", b"eA==", "Content-Transfer-Encoding: base64")), "base64"),
        (multipart(*[part("a", TTL)] * (MAX_PARTS + 1)), "more than 100 parts"),
    ],
)  # fmt: skip
def test_what_is_no_form_is_refused_and_leaves_no_file(
    tmp_path: Path, body: bytes, words: str
) -> None:
    with pytest.raises(ProtocolError, match=words) as caught:
        split(tmp_path, body)
    assert caught.value.status == 400
    assert not list(tmp_path.iterdir())


@relaxed
@given(st.lists(st.binary(max_size=200).filter(lambda data: b"--abc" not in data), min_size=1, max_size=5))  # fmt: skip
def test_any_parts_come_back_as_they_were(tmp_path: Path, contents: list[bytes]) -> None:
    parts = split(tmp_path, multipart(*[part("a", content) for content in contents]))
    assert [each.file.path.read_bytes() for each in parts] == contents
    for each in parts:
        each.file.path.unlink()


@relaxed
@given(st.lists(st.sampled_from([b"--abc", b"\r\n", b"--", b"x", b": ", b" ", b"\r\n\r\n"]), max_size=20).map(b"".join))  # fmt: skip
def test_no_body_breaks_it(tmp_path: Path, body: bytes) -> None:
    def files() -> Iterator[Path]:
        return tmp_path.iterdir()

    try:
        parts = split(tmp_path, body)
    except ProtocolError:
        parts = []
    assert len(list(files())) == len(parts)
    for each in parts:
        each.file.path.unlink()
