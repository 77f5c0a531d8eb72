"""Which topics are there, and which lie within which?"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, select
from peninsula.labels import find_labels, name_of
from peninsula.namespaces import shorten

#: Topics that are read, and broader ones of one topic that are looked at.
MOST_TOPICS: Final = 2000
_MOST_ABOVE: Final = 50
_TOPICS: Final = f"""
SELECT DISTINCT ?topic ?broader WHERE {{
  {{ ?topic skos:inScheme vocabulary:topics }}
  UNION {{ ?position a pen:PolicyPosition ; pen:hasTopic ?topic }}
  OPTIONAL {{ ?topic skos:broader ?broader }}
}} LIMIT {MOST_TOPICS}
"""


@dataclass(frozen=True)
class Topics:
    """The tree of topics."""

    broader: Mapping[str, frozenset[str]]

    @cached_property
    def narrower(self) -> Mapping[str, tuple[str, ...]]:
        below: dict[str, list[str]] = defaultdict(list)
        for topic, above in self.broader.items():
            for one in above:
                below[one].append(topic)
        return {topic: tuple(sorted(topics)) for topic, topics in below.items()}

    @cached_property
    def tops(self) -> tuple[str, ...]:
        """Return the topics above which there is none."""
        tops = [topic for topic, above in self.broader.items() if not above]
        # Topics in a ring have none above them that is reached; each of them is a top then.
        reached = self._reach(tops, lambda t: self.narrower.get(t, ()))
        return tuple(sorted([*tops, *(t for t in self.broader if t not in reached)]))

    def above(self, topic: str) -> frozenset[str]:
        """Return the topic and those that it belongs under; of very many, the nearest."""
        return self._reach([topic], lambda t: sorted(self.broader.get(t, frozenset())), _MOST_ABOVE)

    def below(self, topic: str) -> frozenset[str]:
        """Return the topic and those within it."""
        return self._reach([topic], lambda t: self.narrower.get(t, ()))

    def path(self, topic: str) -> tuple[str, ...]:
        """Return the topics above ``topic``, from the top."""
        path = [topic]
        while (above := min(self.broader.get(path[0], ()), default="")) and above not in path:
            path.insert(0, above)
        return tuple(path[:-1])

    def unfold(
        self, opened: Collection[str], name: Callable[[str], str], start: str = ""
    ) -> Iterator[tuple[str, int]]:
        """Yield the topics to show with their depth: the top ones, and what is in opened ones.

        A topic stands below each of its broader ones, but what is within it only once.
        """

        def in_order(topics: Iterable[str]) -> Iterator[str]:
            return iter(sorted(topics, key=lambda t: (name(t).casefold(), t)))

        unfolded: set[str] = set()
        # The topics under way, from the top, and what is still to come on each level.
        path: list[str] = []
        levels = [in_order([start] if start else self.tops)]
        while levels:
            topic = next(levels[-1], None)
            if topic is None:
                levels.pop()
                if path:
                    path.pop()
            elif topic not in path:
                yield topic, len(path)
                if topic in opened and topic not in unfolded:
                    unfolded.add(topic)
                    path.append(topic)
                    levels.append(in_order(self.narrower.get(topic, ())))

    @staticmethod
    def _reach(
        starts: Collection[str], step: Callable[[str], Iterable[str]], most: int = 2 * MOST_TOPICS
    ) -> frozenset[str]:
        """Return ``starts`` and what is reached from them, up to ``most`` of it; nearest first."""
        reached = dict.fromkeys(starts)
        waiting = deque(starts)
        while waiting and len(reached) < most:
            for topic in step(waiting.popleft()):
                if topic not in reached:
                    reached[topic] = None
                    waiting.append(topic)
        return frozenset(reached)


def read_topics(dataset: Dataset) -> Topics:
    """Return the topics of the vocabulary, and those that positions have besides."""
    broader: dict[str, set[str]] = {}
    for topic, above in select(dataset, _TOPICS):
        if isinstance(topic, ox.NamedNode):
            known = broader.setdefault(topic.value, set())
            if isinstance(above, ox.NamedNode):
                known.add(above.value)
    # A topic above one that is known is known, too.
    for above_it in list(broader.values()):
        for iri in above_it:
            broader.setdefault(iri, set())
    return Topics({topic: frozenset(above) for topic, above in sorted(broader.items())})


@dataclass(frozen=True)
class ListedTopic:
    """A topic as a form offers it."""

    iri: str
    label: str
    depth: int

    @property
    def name(self) -> str:
        return shorten(self.iri)


def list_topics(dataset: Dataset, language: str) -> list[ListedTopic]:
    """Return the topics, each below its broader one."""
    topics = read_topics(dataset)
    labels = find_labels(dataset, map(ox.NamedNode, topics.broader), language)
    listed: dict[str, ListedTopic] = {}
    for iri, depth in topics.unfold(topics.narrower, lambda iri: name_of(iri, labels)):
        # One with several broader ones stands below the first of them.
        listed.setdefault(iri, ListedTopic(iri, name_of(iri, labels), depth))
    return list(listed.values())


def is_topic(dataset: Dataset, iri: str) -> bool:
    """Return whether ``iri``, an absolute IRI, is a concept or the topic of anything.

    Also of one that is not among those that are read, where there are very many.
    """
    query = f"""
    SELECT ?any WHERE {{ {{ <{iri}> a skos:Concept . BIND(1 AS ?any) }}
      UNION {{ ?any pen:hasTopic <{iri}> }} }} LIMIT 1
    """
    return next(iter(select(dataset, query)), None) is not None
