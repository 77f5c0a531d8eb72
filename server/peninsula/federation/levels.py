"""What of a query restricts a clause, group by group, and which variables does it bind?

A :class:`Level` is what is taken of one group; the level of a group in it is one of its elements.
What stands, or will stand, in the place of an element of the query is ``known``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from peninsula.federation.structure import Element, Known, Names, Step, certain, visible

_NONE: Final[Names] = frozenset()


@dataclass
class Level:
    """What is taken of one group: elements, and the level of a group in it."""

    elements: list[Element | Level] = field(default_factory=list)
    filters: list[Element] = field(default_factory=list)
    #: What GRAPH names, where the group is one of GRAPH.
    graph: str = ""
    graph_variable: Names = _NONE
    #: Whether solutions of the level around it need not have what it binds: that of OPTIONAL,
    #: MINUS and EXISTS.
    is_apart: bool = False
    #: Further text that is joined, with the variables that it binds.
    more: list[tuple[str, Names]] = field(default_factory=list)

    def flatten(self) -> Iterator[Element]:
        """Yield its elements, and those of the levels in it."""
        for item in self.elements:
            if isinstance(item, Level):
                yield from item.flatten()
            else:
                yield item

    def visible(self, known: Known) -> Names:
        """Return the variables that a solution may bind."""
        return self.graph_variable.union(
            *(names for _, names in self.more),
            *(
                item.visible(known) if isinstance(item, Level) else visible(item, known)
                for item in self.elements
            ),
        )

    def certain(self, known: Known, kept: set[Element] | None = None) -> Names:
        """Return what every solution of its group binds, made of what is kept of it."""
        found = _NONE.union(*(names for _, names in self.more))
        for item in self.elements:
            if isinstance(item, Level):
                found |= _NONE if item.is_apart else item.certain(known, kept)
            elif kept is None or item in kept:
                found |= certain(item, known)
        return found

    def connect(self, variables: Iterable[str], known: Known) -> tuple[set[Element], set[str]]:
        """Return the elements that have to do with ``variables``, also through one another.

        What has not would be a factor of its own: a cross product with what is asked. Beside
        them come the variables that are reached.
        """
        every = list(self.flatten())
        reached = set(variables)
        kept: set[Element] = set()
        while True:
            found = [
                element
                for element in every
                if element not in kept and not reached.isdisjoint(_links(element, known))
            ]
            if not found:
                return kept, reached
            kept.update(found)
            reached.update(*(_links(element, known) for element in found))

    def put_in_graph(self, way: Sequence[Step]) -> Level:
        """Return it as it is asked of the graph that it stands in, where that is farther out."""
        for step in way:
            if step.element and step.element.kind == "graph" and step.element.name:
                self.graph = step.element.name.text
                return Level([self])
        return self


def _links(element: Element, known: Known) -> Names:
    if element.kind in {"optional", "bind", "lateral"}:
        return element.mentioned
    return visible(element, known)


def is_correlated(way: Sequence[Step]) -> bool:
    """Return whether variables inside have values from outside, step by step outwards."""
    return any(step.is_exists or (step.element and step.element.kind == "lateral") for step in way)


def is_plain(element: Element) -> bool:
    """Return whether an element is made of nothing but joins and unions of triples."""
    if element.kind in {"triples", "values"}:
        return True
    return element.kind in {"group", "union", "graph"} and all(
        group.select is None and all(map(is_plain, group.elements)) for group in element.groups
    )
