"""May an answer that was given be used again, and which state of the dataset is it from?

Three things that rest on the same fact: a generation never changes, so the same question about
it has the same answer. Conditional requests (RFC 9110, section 13) save sending it,
:class:`AnswerCache` saves making it, and Memento (RFC 7089) finds the generation of a moment.
Every datetime here is aware.
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final
from urllib.parse import quote

from peninsula.errors import PreconditionFailed, ProtocolError

#: What the table of entries costs besides bodies and keys, by entry, in bytes.
OVERHEAD: Final = 512
#: No answer takes more than this part of the cache, so that one cannot drive out all others.
LARGEST_PART: Final = 8

#: Opaque tags (RFC 9110, section 8.8.3); a list may hold empty elements.
_TAG: Final = re.compile(r'\s*(?:(W/)?("[\x21\x23-\x7e\x80-\xff]*"))?\s*(?:,|\Z)')
_ENCODED: Final = re.compile(r'-(?:gzip|zstd)"\Z')
_WEEKDAY: Final = re.compile(r"[A-Za-z]{3,9},? ")


# Conditional requests.


def make_etag(generation: int, *parts: object, weak: bool = False) -> str:
    """Return the tag of an answer: of a generation, and of what else the answer depends on.

    Parts are told apart by their place and type. ``weak`` is for answers that may differ in
    bytes, as in the order of their rows.
    """
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        text = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        digest.update(f"{type(part).__name__} {len(text)} ".encode())
        digest.update(text)
    return f'{"W/" if weak else ""}"{generation}-{digest.hexdigest()}"'


def is_not_modified(
    if_none_match: str | None,
    if_modified_since: str | None,
    etag: str | None,
    modified: datetime | None = None,
) -> bool:
    """Return whether the client has the answer already (RFC 9110, 13.1.2 and 13.1.3; for GET).

    Tags are compared weakly, and without the mark of an encoding: what was sent compressed is
    the same answer. A header that is malformed counts as absent, If-Modified-Since where
    If-None-Match is given.
    """
    if if_none_match is not None:
        return _matches(if_none_match, etag, is_strong=False)
    since = _parse_date(if_modified_since)
    return since is not None and modified is not None and modified.replace(microsecond=0) <= since


def precondition_failed(
    if_match: str | None,
    if_unmodified_since: str | None = None,
    if_none_match: str | None = None,
    *,
    etag: str | None,
    modified: datetime | None = None,
) -> bool:
    """Return whether a change must not be made (RFC 9110, section 13.2.2; for PUT and its like).

    ``etag`` is that of what is there now, None where there is nothing; If-Match compares it
    strongly, but for the mark of an encoding. What is malformed in If-Match matches nothing.
    """
    if if_match is not None:
        has_changed = not _matches(if_match, etag, is_strong=True)
    else:
        since = _parse_date(if_unmodified_since)
        has_changed = (
            since is not None and modified is not None and modified.replace(microsecond=0) > since
        )
    return has_changed or (
        if_none_match is not None and _matches(if_none_match, etag, is_strong=False)
    )


def check_preconditions(
    if_match: str | None,
    if_unmodified_since: str | None = None,
    if_none_match: str | None = None,
    *,
    etag: str | None,
    modified: datetime | None = None,
) -> None:
    """Raise PreconditionFailed where :func:`precondition_failed`."""
    if precondition_failed(
        if_match, if_unmodified_since, if_none_match, etag=etag, modified=modified
    ):
        raise PreconditionFailed(
            "What is stored is not what the conditions of the request say.",
            "Read it again, and repeat the change with its new ETag.",
        )


def format_http_date(moment: datetime) -> str:
    """Return ``Wed, 25 Nov 2026 13:37:59 GMT``."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _matches(header: str, etag: str | None, *, is_strong: bool) -> bool:
    if etag is None:
        return False
    if header.strip() == "*":
        return True
    if is_strong and etag.startswith("W/"):
        return False
    wanted = _ENCODED.sub('"', etag.removeprefix("W/"))
    position, tags = 0, []
    while position < len(header):
        match = _TAG.match(header, position)
        if not match:
            return False
        if match[2] and not (is_strong and match[1]):
            tags.append(match[2])
        position = match.end()
    return any(_ENCODED.sub('"', tag) == wanted for tag in tags)


def _parse_date(text: str | None) -> datetime | None:
    """Return the date of an HTTP header, or None where it is none."""
    if text is None or not _WEEKDAY.match(text.strip()):
        return None
    try:
        moment = parsedate_to_datetime(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


# Answers that were made before.


@dataclass(frozen=True)
class CachedAnswer:
    """A serialised answer, as it is sent; ``encoding`` is that of its Content-Encoding."""

    body: bytes
    content_type: str | None
    encoding: str | None = None


@dataclass(frozen=True)
class CacheCounts:
    """What a cache has done and holds; ``bytes`` includes what the entries themselves cost."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    answers: int = 0
    bytes: int = 0


class AnswerCache:
    """Serialised answers, the least recently used go first; safe to use from any thread.

    Bodies, keys and entries together stay below ``max_bytes``; an answer larger than an eighth
    of it is not kept. 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.max_answer_bytes = max_bytes // LARGEST_PART
        self._entries: OrderedDict[Hashable, tuple[CachedAnswer, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = self._hits = self._misses = self._evictions = 0

    def get(self, key: Hashable) -> CachedAnswer | None:
        """Return the answer to ``key``, if it is here."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                self._misses += 1
                return None
            self._hits += 1
            self._entries.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, answer: CachedAnswer) -> bool:
        """Keep ``answer``; return whether it is kept."""
        size = OVERHEAD + _measure(key) + len(answer.body) + _measure(answer.content_type)
        if size > self.max_answer_bytes:
            return False
        with self._lock:
            self._remove(key)
            self._entries[key] = (answer, size)
            self._bytes += size
            while self._bytes > self.max_bytes:
                self._remove(next(iter(self._entries)))
                self._evictions += 1
        return True

    def record(
        self, chunks: Iterable[bytes], on_whole: Callable[[bytes], object]
    ) -> Iterator[bytes]:
        """Yield ``chunks``, and give ``on_whole`` all of them if they end and are few enough.

        See :func:`record`.
        """
        return record(chunks, on_whole, self.max_answer_bytes)

    @property
    def counts(self) -> CacheCounts:
        with self._lock:
            return CacheCounts(
                self._hits, self._misses, self._evictions, len(self._entries), self._bytes
            )

    def _remove(self, key: Hashable) -> None:
        if removed := self._entries.pop(key, None):
            self._bytes -= removed[1]


def record(
    chunks: Iterable[bytes], on_whole: Callable[[bytes], object], max_bytes: int
) -> Iterator[bytes]:
    """Yield ``chunks`` as they come, and give ``on_whole`` the whole once they have ended.

    Not where they fail, where the reader leaves before the end, or where they are more than
    ``max_bytes``; then nothing is remembered. Closes ``chunks``.
    """
    seen: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if size <= max_bytes:
                seen.append(chunk)
            else:
                seen.clear()
            yield chunk
    finally:
        close: Callable[[], None] | None = getattr(chunks, "close", None)
        if close:
            close()
    if size <= max_bytes:
        on_whole(b"".join(seen))


def _measure(value: object) -> int:
    """Return the bytes that ``value`` takes, what it holds included."""
    members = value if isinstance(value, tuple | frozenset) else ()
    return sys.getsizeof(value) + sum(_measure(member) for member in members)


# Memento.


def parse_accept_datetime(header: str) -> datetime:
    """Return the moment that the client wants to see (RFC 7089, section 2.1.1)."""
    moment = _parse_date(header)
    if moment is None:
        raise ProtocolError(
            f"Accept-Datetime: “{header}” is no date of HTTP.",
            "Write it as in “Wed, 25 Nov 2026 13:37:59 GMT”.",
        )
    return moment


def choose_memento(moment: datetime, known: Sequence[tuple[int, datetime]]) -> int:
    """Return the number of the generation last published at or before ``moment``, else the first.

    ``known`` are numbers with the time of their publication, at least one. A date of HTTP means
    its whole second.
    """
    if not known:
        raise ValueError("there is no generation to choose from")
    before = [
        (published.replace(microsecond=0), number)
        for number, published in known
        if published.replace(microsecond=0) <= moment
    ]
    return max(before)[1] if before else min(number for number, _ in known)


def format_links(
    original: str,
    timemap: str,
    mementos: Sequence[tuple[int, datetime, str]] = (),
    current: int | None = None,
) -> str:
    """Return the value of the Link header of an answer (RFC 7089, section 2.2).

    The original resource is its own TimeGate. ``mementos`` are number, publication and address,
    ``current`` the number of the one that answers: its neighbours, the first and the last are
    linked.
    """
    links = [
        _link(original, "original timegate"),
        _link(timemap, "timemap", type="application/link-format"),
    ]
    ordered = sorted(mementos)
    numbers = [number for number, _, _ in ordered]
    place = numbers.index(current) if current in numbers else None
    for index, (_, published, address) in enumerate(ordered):
        names = [
            name
            for name, where in (
                ("first", 0),
                ("prev", None if place is None else place - 1),
                ("next", None if place is None else place + 1),
                ("last", len(ordered) - 1),
            )
            if index == where
        ]
        if names or index == place:
            relation = " ".join((*names, "memento"))
            links.append(_link(address, relation, datetime=format_http_date(published)))
    return ", ".join(links)


def make_timemap(original: str, timemap: str, mementos: Sequence[tuple[int, datetime, str]]) -> str:
    """Return the list of all states, as application/link-format (RFC 7089, section 5).

    ``mementos`` are number, publication and address; ``timemap`` is the list's own address.
    """
    ordered = sorted(mementos)
    links = [_link(original, "original timegate")]
    span = {}
    if ordered:
        published = [moment for _, moment, _ in ordered]
        span = {
            "from": format_http_date(min(published)),
            "until": format_http_date(max(published)),
        }
    links.append(_link(timemap, "self", type="application/link-format", **span))
    for index, (_, moment, address) in enumerate(ordered):
        names = ["first"] * (index == 0) + ["last"] * (index == len(ordered) - 1)
        relation = " ".join((*names, "memento"))
        links.append(_link(address, relation, datetime=format_http_date(moment)))
    return ",\n".join(links) + "\n"


def _link(address: str, relation: str, **attributes: str) -> str:
    # What an address in <> must not hold is escaped; escapes that are there stay.
    target = quote(address, safe="%/:?#[]@!$&'()*+,;=-._~")
    rest = "".join(f'; {name}="{value}"' for name, value in attributes.items())
    return f'<{target}>; rel="{relation}"{rest}'
