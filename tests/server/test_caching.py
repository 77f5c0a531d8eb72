"""The same question to the same generation has the same answer; a moment has its generation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from peninsula.caching import (
    LARGEST_PART,
    OVERHEAD,
    AnswerCache,
    CachedAnswer,
    check_preconditions,
    choose_memento,
    format_http_date,
    format_links,
    is_not_modified,
    make_etag,
    make_timemap,
    parse_accept_datetime,
    precondition_failed,
    record,
)
from peninsula.errors import PreconditionFailed, ProtocolError

TAG = '"42-abc"'
NOON = datetime(2026, 11, 25, 12, 0, 0, 999_000, tzinfo=UTC)
AT_NOON, BEFORE, AFTER = (
    "Wed, 25 Nov 2026 12:00:00 GMT",
    "Wed, 25 Nov 2026 11:59:59 GMT",
    "Wed, 25 Nov 2026 12:00:01 GMT",
)


# Conditional requests.


def test_a_tag_depends_on_every_part_and_on_where_it_stands() -> None:
    parts: list[tuple[object, ...]] = [
        ("a", "b"), ("ab",), ("a", "b", ""), ("", "a", "b"), ("b", "a"), (), (None,), ("None",),
        (b"ab",), (1,), ("1",), ("\ud800",), (("a", "b"),),
    ]  # fmt: skip
    tags = {make_etag(7, *each) for each in parts} | {make_etag(8, *each) for each in parts}
    assert len(tags) == 2 * len(parts)
    assert make_etag(7, "a") == make_etag(7, "a")
    assert make_etag(7, "a").startswith('"7-')
    assert make_etag(7, "a", weak=True) == "W/" + make_etag(7, "a")


@pytest.mark.parametrize(
    ("if_none_match", "expected"),
    [
        (TAG, True), (f"W/{TAG}", True), ("*", True), (" * ", True), ('"42-abc-gzip"', True),
        ('"42-abc-zstd"', True), (f'"x", {TAG}', True), (f'"x" ,, W/{TAG} ,"y"', True),
        ('"a,b", "42-abc"', True), ("", False), ('"42-ABC"', False), ("42-abc", False),
        (f"{TAG}x, {TAG}", False), ('"42-abc-br"', False), (f'"x{TAG}"', False), (f"w/{TAG}", False),
        ('"', False), ('"*"', False), (",", False),
    ],
)  # fmt: skip
def test_if_none_match_compares_weakly(if_none_match: str, expected: bool) -> None:
    for etag in (TAG, f"W/{TAG}", '"42-abc-gzip"'):
        assert is_not_modified(if_none_match, None, etag) == expected
    assert not is_not_modified(if_none_match, None, None)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (AT_NOON, True), (AFTER, True), (BEFORE, False), (None, False), ("", False), ("soon", False),
        ("Wednesday, 25-Nov-26 12:00:00 GMT", True), ("Wed Nov 25 12:00:00 2026", True),
        ("2026-11-25T12:00:00Z", False), ("Wed, 99 Nov 2026 12:00:00 GMT", False),
    ],
)  # fmt: skip
def test_if_modified_since_counts_in_seconds(since: str | None, expected: bool) -> None:
    assert is_not_modified(None, since, TAG, NOON) == expected
    assert not is_not_modified(None, since, TAG, None)
    # If-None-Match goes first.
    assert not is_not_modified('"other"', since, TAG, NOON)
    assert is_not_modified(TAG, BEFORE, TAG, NOON)


@pytest.mark.parametrize(
    ("if_match", "unmodified", "if_none_match", "etag", "fails"),
    [
        (None, None, None, TAG, False),
        (TAG, None, None, TAG, False),
        (f'"x", {TAG}', None, None, TAG, False),
        ('"42-abc-gzip"', None, None, TAG, False),
        ('"x"', None, None, TAG, True),
        (f"W/{TAG}", None, None, TAG, True),
        (TAG, None, None, f"W/{TAG}", True),
        ("*", None, None, TAG, False),
        ("*", None, None, None, True),
        (TAG, None, None, None, True),
        ("malformed", None, None, TAG, True),
        (None, AT_NOON, None, TAG, False),
        (None, BEFORE, None, TAG, True),
        (None, "soon", None, TAG, False),
        (TAG, BEFORE, None, TAG, False),
        (None, None, "*", TAG, True),
        (None, None, "*", None, False),
        (None, None, f"W/{TAG}", TAG, True),
        (None, None, '"x"', TAG, False),
        (TAG, None, TAG, TAG, True),
    ],
)
def test_a_change_is_made_only_to_what_the_client_saw(
    if_match: str | None, unmodified: str | None, if_none_match: str | None, etag: str | None, fails: bool
) -> None:  # fmt: skip
    failed = precondition_failed(if_match, unmodified, if_none_match, etag=etag, modified=NOON)
    assert failed == fails
    if fails:
        with pytest.raises(PreconditionFailed) as caught:
            check_preconditions(if_match, unmodified, if_none_match, etag=etag, modified=NOON)
        assert caught.value.status == 412
    else:
        check_preconditions(if_match, unmodified, if_none_match, etag=etag, modified=NOON)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_it(first: str, second: str) -> None:
    assert is_not_modified(first, second, TAG, NOON) in {True, False}
    assert is_not_modified(None, second, TAG, NOON) in {True, False}
    assert precondition_failed(first, second, first, etag=TAG, modified=NOON) in {True, False}


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 50))
def test_a_tag_is_found_in_a_list_exactly_where_it_stands(listed: list[int], own: int) -> None:
    header = ", ".join(make_etag(number, "q") for number in listed)
    assert is_not_modified(header, None, make_etag(own, "q")) == (own in listed)


# Answers that were made before.


def answer(body: bytes = b"x") -> CachedAnswer:
    return CachedAnswer(body, "text/csv")


def test_the_least_recently_used_answer_goes_first() -> None:
    cache = AnswerCache(100_000)
    for key in "abcdefgh":
        assert cache.put(key, answer(bytes(11_000)))
    assert cache.get("a")
    assert cache.put("i", answer(bytes(11_000)))
    assert cache.get("a")
    assert cache.get("b") is None
    counts = cache.counts
    assert (counts.hits, counts.misses, counts.evictions, counts.answers) == (2, 1, 1, 8)
    assert 8 * 11_000 < counts.bytes <= 100_000


def test_an_answer_is_replaced_and_counted_once() -> None:
    cache = AnswerCache(100_000)
    cache.put("a", answer(bytes(10_000)))
    cache.put("a", answer(b"new"))
    found = cache.get("a")
    assert found is not None
    assert found.body == b"new"
    assert cache.counts.answers == 1
    assert cache.counts.bytes < 2000


def test_an_answer_larger_than_an_eighth_is_refused() -> None:
    cache = AnswerCache(80_000)
    assert not cache.put("a", answer(bytes(10_000)))
    assert cache.put("a", answer(bytes(9_000)))
    # A long key counts, too, wherever it stands.
    assert not cache.put(("q" * 10_000, "csv"), answer())
    assert not AnswerCache(0).put("a", answer(b""))
    assert AnswerCache(0).get("a") is None


class Cache(RuleBasedStateMachine):
    """Whatever is done to it, the cache stays below its limit and knows what it holds."""

    LIMIT = 20_000

    def __init__(self) -> None:
        super().__init__()
        self.cache = AnswerCache(self.LIMIT)
        self.last: dict[int, CachedAnswer] = {}

    @rule(key=st.integers(0, 20), size=st.integers(0, 3000))
    def put(self, key: int, size: int) -> None:
        made = answer(bytes([key]) * size)
        if self.cache.put(key, made):
            self.last[key] = made
        else:
            assert size + OVERHEAD < self.LIMIT  # larger ones are not made here
            assert size + OVERHEAD + 200 > self.LIMIT // LARGEST_PART

    @rule(key=st.integers(0, 20))
    def get(self, key: int) -> None:
        found = self.cache.get(key)
        assert found is None or found is self.last[key]

    @invariant()
    def stays_below_its_limit(self) -> None:
        counts = self.cache.counts
        assert counts.bytes <= self.LIMIT
        held = [found for key in range(21) if (found := self.cache.get(key))]
        assert len(held) == counts.answers
        assert sum(len(each.body) + OVERHEAD for each in held) <= counts.bytes


test_the_cache_whatever_is_done_to_it = Cache.TestCase


def test_threads_may_use_it_together() -> None:
    cache = AnswerCache(50_000)
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for step in range(2000):
                key = (seed * 31 + step) % 97
                found = cache.get(key)
                assert found is None or found.body == bytes([key]) * 1000
                cache.put(key, answer(bytes([key]) * 1000))
        except BaseException as error:  # noqa: BLE001, told below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    counts = cache.counts
    assert counts.hits + counts.misses == 8000
    assert counts.bytes <= 50_000


def rows(count: int, closed: list[bool] | None = None, fail: bool = False) -> Iterator[bytes]:
    try:
        for number in range(count):
            yield b"%d\n" % number
        if fail:
            raise OSError("the reader died")
    finally:
        if closed is not None:
            closed.append(True)


def test_a_stream_that_ends_whole_is_remembered() -> None:
    kept: list[bytes] = []
    closed: list[bool] = []
    assert list(record(rows(3, closed), kept.append, 6)) == [b"0\n", b"1\n", b"2\n"]
    assert kept == [b"0\n1\n2\n"]
    assert closed
    assert list(record([], kept.append, 6)) == []
    assert kept[1:] == [b""]


def test_a_stream_that_does_not_end_whole_is_forgotten() -> None:
    kept: list[bytes] = []
    assert len(list(record(rows(4), kept.append, 6))) == 4  # too long, yet passed on whole
    with pytest.raises(OSError, match="died"):
        list(record(rows(2, fail=True), kept.append, 100))
    closed: list[bool] = []
    left = record(rows(3, closed), kept.append, 100)
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert closed
    assert not kept


def test_a_cache_records_up_to_its_largest_answer() -> None:
    cache = AnswerCache(8 * 4000)
    kept: list[bytes] = []
    assert sum(map(len, cache.record([bytes(3000)], kept.append))) == 3000
    assert sum(map(len, cache.record([bytes(3000)] * 2, kept.append))) == 6000
    assert list(map(len, kept)) == [3000]


# Memento.


def test_accept_datetime_is_read() -> None:
    assert parse_accept_datetime(AT_NOON) == NOON.replace(microsecond=0)
    assert parse_accept_datetime(AT_NOON).tzinfo is UTC


@pytest.mark.parametrize(
    "header", ["", "yesterday", "2026-11-25", "Wed, 25 Nov 2026", "25", "Wed, 31 Feb 2026 12:00:00 GMT"]
)  # fmt: skip
def test_a_malformed_accept_datetime_is_refused(header: str) -> None:
    with pytest.raises(ProtocolError, match="Accept-Datetime") as caught:
        parse_accept_datetime(header)
    assert caught.value.status == 400


KNOWN = [(n, NOON + timedelta(hours=n)) for n in (1, 2, 5)]


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (NOON, 1), (NOON + timedelta(hours=1), 1), (NOON + timedelta(hours=1.9), 1),
        ((NOON + timedelta(hours=2)).replace(microsecond=0), 2),
        (NOON + timedelta(hours=4), 2), (NOON + timedelta(days=400), 5), (datetime.min.replace(tzinfo=UTC), 1),
        ((NOON + timedelta(hours=2)).astimezone(timezone(timedelta(hours=9))), 2),
    ],
)  # fmt: skip
def test_the_generation_of_a_moment_is_the_last_before_it_or_the_first(
    moment: datetime, number: int
) -> None:
    assert choose_memento(moment, KNOWN) == number
    assert choose_memento(moment, KNOWN[::-1]) == number


def test_of_two_in_one_second_the_later_counts() -> None:
    known = [(1, NOON), (2, NOON - timedelta(milliseconds=500)), (3, NOON)]
    assert choose_memento(NOON, known) == 3
    with pytest.raises(ValueError, match="no generation"):
        choose_memento(NOON, [])


moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001, Hypothesis wants naive bounds


@given(st.lists(moments, min_size=1, max_size=20), moments)
def test_what_is_chosen_was_published_by_then_and_nothing_later_was(
    published: list[datetime], moment: datetime
) -> None:
    moment = moment.replace(microsecond=0)
    known = list(enumerate(published, 1))
    chosen = choose_memento(moment, known)
    at = published[chosen - 1].replace(microsecond=0)
    before = [p.replace(microsecond=0) for p in published if p.replace(microsecond=0) <= moment]
    assert at == max(before) if before else chosen == 1
    assert parse_accept_datetime(format_http_date(moment)) == moment


ASKED = "http://a/queries/q.csv?topic=x"
TIMEMAP = "http://a/timemap?url=http%3A%2F%2Fa%2Fqueries%2Fq.csv"
MEMENTOS = [(n, at, f"{ASKED}&generation={n}") for n, at in KNOWN]


def test_links_name_the_neighbours() -> None:
    links = format_links(ASKED, TIMEMAP, MEMENTOS, current=2).split(", <")
    assert links[0] == f'<{ASKED}>; rel="original timegate"'
    assert links[1] == f'{TIMEMAP}>; rel="timemap"; type="application/link-format"'
    assert links[2:] == [
        f'{ASKED}&generation=1>; rel="first prev memento"; datetime="Wed, 25 Nov 2026 13:00:00 GMT"',
        f'{ASKED}&generation=2>; rel="memento"; datetime="Wed, 25 Nov 2026 14:00:00 GMT"',
        f'{ASKED}&generation=5>; rel="next last memento"; datetime="Wed, 25 Nov 2026 17:00:00 GMT"',
    ]


def test_links_without_neighbours() -> None:
    assert format_links(ASKED, TIMEMAP).count("rel=") == 2
    only = format_links(ASKED, TIMEMAP, MEMENTOS[:1], current=1)
    assert 'rel="first last memento"' in only
    assert "prev" not in only and "next" not in only
    first = format_links(ASKED, TIMEMAP, MEMENTOS, current=1)
    assert 'rel="first memento"' in first and 'rel="next memento"' in first
    assert "prev" not in first


def test_a_timemap_lists_all() -> None:
    lines = make_timemap(ASKED, TIMEMAP, MEMENTOS[::-1]).splitlines()
    assert lines == [
        f'<{ASKED}>; rel="original timegate",',
        f'<{TIMEMAP}>; rel="self"; type="application/link-format"; from="Wed, 25 Nov 2026 13:00:00 GMT"; until="Wed, 25 Nov 2026 17:00:00 GMT",',
        f'<{ASKED}&generation=1>; rel="first memento"; datetime="Wed, 25 Nov 2026 13:00:00 GMT",',
        f'<{ASKED}&generation=2>; rel="memento"; datetime="Wed, 25 Nov 2026 14:00:00 GMT",',
        f'<{ASKED}&generation=5>; rel="last memento"; datetime="Wed, 25 Nov 2026 17:00:00 GMT"',
    ]
    assert make_timemap(ASKED, TIMEMAP, []).count("rel=") == 2


@given(st.text(max_size=40))
def test_no_address_breaks_out_of_a_header(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    header = format_links(f"http://a/{text}", TIMEMAP)
    assert header.isascii()
    assert header.count("<") == header.count(">") == 2
    assert not any(character in header for character in "\r\n\0")
