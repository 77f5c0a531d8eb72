"""How is the slice of Wikidata about many items fetched, whole and true to one revision of each?

In batches, one request at a time. A batch counts when the revisions of its items are the same
after it was fetched as before; then it goes into the journal, so that an interruption at any
point loses one batch at most and doubles nothing. The steps follow from the items and from what
earlier steps brought: the linked items, those to which they were redirected, the classes above
theirs, and the names of what they point to.

A service that is busy, slow or gone for a moment is asked again, later and later; an answer that
it finds too long is asked for in halves; a triple that nobody asked for ends it.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import pyoxigraph as ox

from peninsula.errors import (
    UpstreamBusy,
    UpstreamFailed,
    UpstreamUnreachable,
)
from peninsula.federation.services import Service
from peninsula.wikidata.journal import Journal
from peninsula.wikidata.slice import (
    Part,
    Slice,
    claim_part,
    item_parts,
    name_part,
    revision_part,
    superclass_part,
)
from peninsula.wikidata.terms import (
    CALENDAR,
    DIRECT,
    LABEL,
    MODIFIED,
    SAME_AS,
    UNKNOWN,
    VERSION,
    is_item,
    order_of,
)

#: Told what is being done, how far it is, and how far it has to go (0: not known).
Progress = Callable[[str, int, int], None]

#: An item that is edited while it is fetched is fetched again, so often.
_READINGS: Final = 4
#: A service that fails is asked again, so often in a row.
_TRIES: Final = 5
#: One whose answers are too slow or cannot be read is asked again, so often in a row.
_TRIES_BROKEN: Final = 2
#: Redirects that are followed, one after another.
_MOST_REDIRECTS: Final = 5


class Asks(Protocol):
    """What asks a service; a ``federation.gateway.Gateway`` does."""

    def construct(
        self, service: Service, query: str, *, timeout: float | None = None
    ) -> list[ox.Triple]:
        """Return the answer to a CONSTRUCT query."""
        ...


@dataclass
class Pull:
    """What was fetched."""

    begun: datetime
    triples: set[ox.Triple] = field(default_factory=set)
    #: The linked items, and those to which they were redirected.
    items: set[str] = field(default_factory=set)
    #: Items of which the service knows nothing: deleted, or never made.
    missing: set[str] = field(default_factory=set)
    redirects: dict[str, str] = field(default_factory=dict)
    requests: int = 0


@dataclass
class Puller:
    """Fetches a slice from a service."""

    asks: Asks
    service: Service
    slice: Slice
    journal: Journal
    progress: Progress
    #: Longest time that is waited, all in all, for a service that is busy or fails.
    patience: float = 900.0
    #: Seconds before a service that failed is asked again, doubled each time.
    pause: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    requests: int = 0
    _waited: float = 0.0

    def pull(self, items: Iterable[str]) -> Pull:
        """Return the slice about ``items``; raises UpstreamFailed, and can be called again then.

        What was fetched before stands in the journal.
        """
        pull = Pull(self.journal.begun)
        parts = item_parts(self.slice)
        wanted = sorted(set(items), key=order_of)
        for round_ in range(_MOST_REDIRECTS + 1):
            if not wanted:
                break
            name = "items" if round_ == 0 else f"redirected-{round_}"
            stage = "Items" if round_ == 0 else "Items that others were merged into"
            found = self._fetch_all(name, stage, wanted, parts, is_versioned=True)
            pull.triples |= found
            pull.items |= set(wanted)
            wanted = self._follow(pull, wanted, found)
        self._limit(pull)
        types = _objects(pull.triples, f"{DIRECT}P31") | _objects(pull.triples, f"{DIRECT}P279")
        if "P279" in self.slice.properties and types:
            ordered = sorted(types, key=order_of)
            pull.triples |= self._fetch_all(
                "superclasses", "Classes above theirs", ordered, [superclass_part()]
            )
        self._fetch_referenced(pull)
        self._limit(pull)
        pull.requests = self.requests
        return pull

    def _follow(self, pull: Pull, asked: Sequence[str], found: set[ox.Triple]) -> list[str]:
        """Note what was redirected or is missing; return the items to fetch next."""
        known = {t.subject.value for t in found if isinstance(t.subject, ox.NamedNode)}
        pull.missing |= {item for item in asked if item not in known}
        for triple in sorted(found, key=str):
            if triple.predicate.value == SAME_AS and isinstance(triple.subject, ox.NamedNode):
                target = getattr(triple.object, "value", "")
                if is_item(target):
                    pull.redirects[triple.subject.value] = target
        targets = set(pull.redirects.values()) - pull.items
        return sorted(targets, key=order_of)

    def _fetch_referenced(self, pull: Pull) -> None:
        """Fetch the names of what the items point to, and of what that is."""
        names = name_part(self.slice, "labels", (LABEL,))
        parts = [names]
        if self.slice.referenced:
            parts.append(claim_part("claims", list(self.slice.referenced)))
        first = _pointed_to(pull.triples) - pull.items
        ordered = sorted(first, key=order_of)
        found = self._fetch_all("referenced", "What they point to", ordered, parts)
        second = _pointed_to(found) - pull.items - first
        ordered = sorted(second, key=order_of)
        found |= self._fetch_all("referenced-further", "What that points to", ordered, [names])
        pull.triples |= found

    def _fetch_all(
        self,
        name: str,
        stage: str,
        things: Sequence[str],
        parts: Sequence[Part],
        *,
        is_versioned: bool = False,
    ) -> set[ox.Triple]:
        """Return what the parts say of all things, from the journal where it is there."""
        found: set[ox.Triple] = set()
        if not things:
            return found
        self.progress(stage, 0, len(things))
        size = self.slice.batch
        for start in range(0, len(things), size):
            batch = things[start : start + size]
            step = f"{name}-{start // size + 1:05d}-{_digest(batch)}"
            if not self.journal.has(step):
                fetch = self._fetch_true if is_versioned else self._fetch
                self.journal.write(step, list(fetch(batch, parts)))
            found |= set(self.journal.read(step))
            self.progress(stage, start + len(batch), len(things))
        return found

    def _fetch_true(self, batch: Sequence[str], parts: Sequence[Part]) -> list[ox.Triple]:
        """Return what is said of a batch, all of it by the revisions that it names."""
        part = revision_part()
        before = set(self._fetch(batch, [part]))
        for _ in range(_READINGS):
            found = set(self._fetch(batch, parts))
            after = set(self._fetch(batch, [part]))
            if _versions(before) == _versions(after):
                return list(found | after)
            before = after
        raise UpstreamFailed(
            f"Items of {self.service.name} were edited while they were read, {_READINGS} times "
            "in a row.",
            "Pull again: what was fetched is kept.",
        )

    def _fetch(self, things: Sequence[str], parts: Sequence[Part]) -> Iterator[ox.Triple]:
        for part in parts:
            yield from self._fetch_part(things, part)

    def _fetch_part(self, things: Sequence[str], part: Part) -> list[ox.Triple]:
        """Return the answer about a batch, in halves where the whole is too much."""
        try:
            answer = self._ask(part.ask(things))
        except (UpstreamBusy, UpstreamUnreachable):
            raise
        except UpstreamFailed:
            if len(things) == 1:
                raise
            # The answer took too long, or was too long: half of it may do. Where the service is
            # broken, this comes down to a single item soon, and ends.
            half = len(things) // 2
            return self._fetch_part(things[:half], part) + self._fetch_part(things[half:], part)
        asked = frozenset(things)
        found = []
        for triple in answer:
            if not part.accepts(triple, asked):
                raise UpstreamFailed(
                    f"The service {self.service.name} says what it was not asked for: "
                    f"{str(triple)[:300]}",
                    "It is not a Wikidata query service, or something stands before it.",
                )
            found.append(_named(triple))
        return found

    def _ask(self, query: str) -> list[ox.Triple]:
        """Ask the service, again and again where it is busy or gone for a moment."""
        tries = 0
        while True:
            self.requests += 1
            try:
                return self.asks.construct(self.service, query)
            except UpstreamBusy as error:
                # It says when: that is no failure, as long as there is patience.
                self._wait(max(error.retry_after, 1), error)
            except UpstreamUnreachable as error:
                tries += 1
                if tries >= _TRIES:
                    raise
                self._wait(self.pause * 2**tries, error)
            except UpstreamFailed as error:
                # What is broken once may be whole the next time; twice, it is not by chance.
                tries += 1
                if tries >= _TRIES_BROKEN:
                    raise
                self._wait(self.pause * 2**tries, error)

    def _wait(self, seconds: float, error: UpstreamFailed) -> None:
        # Jitter: others were turned away in the same second.
        seconds *= 1 + random.random() / 4  # noqa: S311, no secret
        if self._waited + seconds > self.patience:
            raise error
        self._waited += seconds
        self.sleep(seconds)

    def _limit(self, pull: Pull) -> None:
        if len(pull.triples) > self.slice.max_triples:
            raise UpstreamFailed(
                f"The slice is larger than {self.slice.max_triples:,} triples.",
                "Keep fewer properties, or raise max-triples in data/links/slice.toml.",
            )


def _versions(triples: Iterable[ox.Triple]) -> set[ox.Triple]:
    return {t for t in triples if t.predicate.value in {VERSION, MODIFIED, SAME_AS}}


def _objects(triples: Iterable[ox.Triple], predicate: str) -> set[str]:
    return {
        t.object.value
        for t in triples
        if t.predicate.value == predicate
        and isinstance(t.object, ox.NamedNode)
        and is_item(t.object.value)
    }


def _pointed_to(triples: Iterable[ox.Triple]) -> set[str]:
    """Return the items that triples point to, other than classes above classes and calendars."""
    return {
        t.object.value
        for t in triples
        if isinstance(t.object, ox.NamedNode)
        and is_item(t.object.value)
        and t.predicate.value not in {f"{DIRECT}P279", CALENDAR, SAME_AS}
    }


def _named(triple: ox.Triple) -> ox.Triple:
    """Return a triple with a name for a value that is not known, the same in every answer."""
    subject, predicate, value = triple
    if not isinstance(value, ox.BlankNode):
        return triple
    digest = hashlib.sha256(f"{subject} {predicate}".encode()).hexdigest()[:32]
    return ox.Triple(subject, predicate, ox.NamedNode(f"{UNKNOWN}{digest}"))


def _digest(things: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(things).encode()).hexdigest()[:12]
