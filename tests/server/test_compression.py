"""What is compressed comes back as it was, streams, and is what the client asked for."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.compression import (
    ENCODINGS,
    Encoding,
    choose_encoding,
    compress,
    decompress,
    is_compressible,
    is_worthwhile,
    read_encoding,
)
from peninsula.errors import ProtocolError, UnsupportedEncoding

JSON = "application/sparql-results+json"
BEST = ENCODINGS[0]
every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return ``data`` in pieces, some of them empty."""
    ends = sorted(min(place, len(data)) for place in places)
    return [data[a:b] for a, b in itertools.pairwise([0, *ends, len(data)])]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", BEST),
        ("gzip;q=0.5, br;q=1", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, *", BEST if BEST != "gzip" else None),
        ("*", BEST),
        ("*;q=0", None),
        ("br", None),
        ("identity", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.8", "gzip"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("gzip ; q=0.8 , identity ; q=0.8", "gzip"),
        ("gzip;q=2", None),
        ("gzip;q=nan, deflate", None),
        ("nonsense/=, gzip", "gzip"),
        ("gzip;level=9", None),
    ],
)
def test_accept_encoding_chooses(accept: str | None, expected: str | None) -> None:
    assert choose_encoding(accept, JSON) == expected


def test_the_faster_encoding_wins_among_equals_only() -> None:
    assert choose_encoding("zstd, gzip", JSON) == BEST
    assert choose_encoding("zstd;q=0.5, gzip", JSON) == "gzip"


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (JSON, True), ("text/csv; charset=utf-8", True), ("application/n-quads", True),
        ("application/rdf+xml", True), ("application/ld+json", True), ("image/svg+xml", True),
        ("application/problem+json", True), ("TEXT/TURTLE", True), ("application/trig", True),
        ("image/png", False), ("font/woff2", False), ("application/gzip", False),
        ("application/octet-stream", False), ("application/zstd", False), (None, False), ("", False),
    ],
)  # fmt: skip
def test_what_is_compressed_in_itself_is_sent_as_it_is(
    content_type: str | None, expected: bool
) -> None:
    assert is_compressible(content_type) == expected
    assert choose_encoding("gzip", content_type) == ("gzip" if expected else None)
    # Unless the client refuses just that.
    assert choose_encoding("gzip, identity;q=0", content_type) == "gzip"


def test_small_bodies_are_not_worth_it() -> None:
    assert [is_worthwhile(n) for n in (0, 1023, 1024, None)] == [False, False, True, True]


@given(st.text(max_size=60))
def test_no_header_breaks_it(accept: str) -> None:
    assert choose_encoding(accept, JSON) in {None, *ENCODINGS}


@given(st.binary(max_size=5000), st.lists(st.integers(0, 5000)), st.lists(st.integers(0, 6000)), st.sampled_from(ENCODINGS))  # fmt: skip
def test_what_goes_in_comes_out_however_it_is_cut(
    data: bytes, places: list[int], packed_places: list[int], encoding: Encoding
) -> None:
    packed = b"".join(compress(cut(data, places), encoding))
    assert b"".join(decompress(cut(packed, packed_places), encoding)) == data
    if encoding == "gzip":
        assert gzip.decompress(packed) == data


@every_encoding
def test_several_members_in_a_row_are_one_body(encoding: Encoding) -> None:
    one = b"".join(compress([b"one "], encoding))
    two = b"".join(compress([b"two"], encoding))
    for pieces in ([one + two], [one, two], [bytes([byte]) for byte in one + two]):
        assert b"".join(decompress(pieces, encoding)) == b"one two"


@every_encoding
def test_the_first_chunk_can_be_read_before_the_second_is_made(encoding: Encoding) -> None:
    made: list[int] = []

    def rows() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield b"row %d\n" % number

    packed = compress(rows(), encoding)
    first = next(packed)
    assert made == [0]
    unpacked = decompress(itertools.chain([first]), encoding)
    assert next(piece for piece in unpacked if piece) == b"row 0\n"
    rest = b"".join([first, *packed])
    assert b"".join(decompress([rest], encoding)) == b"row 0\nrow 1\nrow 2\n"


@every_encoding
def test_the_source_is_closed_when_the_reader_leaves_and_when_it_ends(encoding: Encoding) -> None:
    closed: list[str] = []

    def rows(name: str) -> Iterator[bytes]:
        try:
            for _ in range(3):
                yield b"row\n" * 1000
        finally:
            closed.append(name)

    leaving = compress(rows("left"), encoding)
    next(leaving)
    leaving.close()  # type: ignore[attr-defined]
    assert closed == ["left"]
    assert list(compress(rows("ended"), encoding))
    assert closed == ["left", "ended"]


@every_encoding
def test_an_error_of_the_source_leaves_the_body_without_its_end(encoding: Encoding) -> None:
    def rows() -> Iterator[bytes]:
        yield b"row\n" * 20_000
        yield b"row\n" * 20_000
        raise OSError("the reader died")

    packed = compress(rows(), encoding)
    sent = [next(packed)]
    with pytest.raises(OSError, match="died"):
        sent.extend(packed)
    assert sent
    with pytest.raises(ProtocolError, match="ends too early"):
        list(decompress(sent, encoding))


@every_encoding
def test_memory_is_flat_both_ways(encoding: Encoding) -> None:
    chunk = b"state:russia,event:summit,2019-04-25\n" * 1000
    tracemalloc.start()
    try:
        size = sum(
            len(piece)
            for piece in decompress(compress(itertools.repeat(chunk, 1000), encoding), encoding)
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 1000 * len(chunk)
    assert peak < 4_000_000


@every_encoding
def test_one_large_chunk_comes_in_slices(encoding: Encoding) -> None:
    data = b"x" * 3_000_000
    packed = list(compress([data], encoding))
    assert len(packed) > 5
    pieces = list(decompress([b"".join(packed)], encoding))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 256 * 1024


@every_encoding
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda _: b"", "ends too early"),
        (lambda packed: packed[:-1], "ends too early"),
        (lambda packed: packed[:10], "ends too early"),
        (lambda packed: packed + b"junk and more", "damaged"),
        (lambda _: b"plain text, at length", "damaged"),
    ],
    ids=["empty", "no last byte", "head only", "junk after", "plain"],
)  # fmt: skip
def test_what_is_damaged_is_refused(
    encoding: Encoding, damage: Callable[[bytes], bytes], words: str
) -> None:
    packed = b"".join(compress([bytes(range(256)) * 20], encoding))
    with pytest.raises(ProtocolError, match=words) as caught:
        list(decompress([damage(packed)], encoding))
    assert caught.value.status == 400


@given(st.binary(max_size=200), st.sampled_from(ENCODINGS))
def test_noise_is_refused_or_read(noise: bytes, encoding: Encoding) -> None:
    try:
        assert isinstance(b"".join(decompress([noise], encoding)), bytes)
    except ProtocolError:
        pass


@pytest.mark.skipif("zstd" not in ENCODINGS, reason="this Python has no zstd")
def test_a_window_beyond_that_of_http_is_refused() -> None:
    # A frame header that declares a window of 128 MB (RFC 8878, section 3.1.1.1.2).
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([17 << 3]) + b"\x01\x00\x00"
    with pytest.raises(ProtocolError, match="damaged"):
        list(decompress([frame], "zstd"))


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("", None), ("identity", None), ("gzip", "gzip"), ("X-GZIP", "gzip"), (BEST, BEST)],
)  # fmt: skip
def test_content_encoding_is_read(header: str | None, expected: str | None) -> None:
    assert read_encoding(header) == expected


@pytest.mark.parametrize("header", ["br", "deflate", "gzip, gzip", "gzip;q=1", "compress"])
def test_an_unknown_content_encoding_is_refused_with_those_known(header: str) -> None:
    with pytest.raises(UnsupportedEncoding) as caught:
        read_encoding(header)
    assert caught.value.status == 415
    assert caught.value.headers() == {"Accept-Encoding": ", ".join(ENCODINGS)}
