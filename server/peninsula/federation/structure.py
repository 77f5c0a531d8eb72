"""Which parts does a query have, where do they stand, and which variables does each of them bind?

A variable is *visible* in a part that may bind it, and *certain* in one whose every solution binds
it. What FILTER and MINUS mention is neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from peninsula.policy import Token

Names = frozenset[str]
Kind = Literal[
    "triples", "filter", "optional", "minus", "graph", "service", "bind", "values", "union",
    "group", "lateral",
]  # fmt: skip

_NONE: Final[Names] = frozenset()


@dataclass(eq=False)
class Element:
    """A part of a group: triples up to the next keyword, an OPTIONAL, a FILTER …"""

    kind: Kind
    #: Of its text, without a full stop after it.
    start: int
    end: int
    #: Every variable in it, in whatever place.
    mentioned: Names
    #: Every word that is no name: keywords and functions, in capitals.
    words: frozenset[str]
    #: Its groups: one, those of a UNION, or those of EXISTS in its expression.
    groups: list[Group] = field(default_factory=list)
    #: What GRAPH or SERVICE names.
    name: Token | None = None
    is_silent: bool = False
    #: What it binds itself: by triples, VALUES, BIND, or as the name of a graph.
    own: Names = _NONE
    own_certain: Names = _NONE


#: What is known of elements in whose place something else will stand: visible, certain.
Known = Mapping[Element, tuple[Names, Names]]
_NOTHING: Final[Known] = {}


@dataclass(eq=False)
class Group:
    """What stands between two braces, with the braces."""

    start: int
    end: int
    elements: list[Element] = field(default_factory=list)
    #: Where the group is a subselect; it has no elements then.
    select: Select | None = None

    def visible(self, known: Known = _NOTHING) -> Names:
        """Return the variables that a solution may bind."""
        if self.select:
            return self.select.visible(known)
        return _NONE.union(*(visible(element, known) for element in self.elements))

    def certain(self, known: Known = _NOTHING) -> Names:
        """Return the variables that every solution binds."""
        if self.select:
            return self.select.certain(known)
        return _NONE.union(*(certain(element, known) for element in self.elements))


@dataclass(eq=False)
class Select:
    """What is selected of a group: the query itself, or a subselect."""

    group: Group | None
    #: The variables that it names, and whether each is one of the group; None: all there are.
    projection: dict[str, bool] | None
    is_distinct: bool = False
    is_aggregated: bool = False
    #: The variables by whose values solutions are aggregated.
    keys: Names = _NONE
    #: Whether LIMIT or OFFSET takes some of its solutions.
    is_cut: bool = False
    #: The VALUES at its end.
    values: Element | None = None
    #: Groups of EXISTS in what it selects and in its modifiers.
    others: list[Group] = field(default_factory=list)

    def visible(self, known: Known = _NOTHING) -> Names:
        """Return the variables that a solution may bind."""
        if self.projection is not None:
            return frozenset(self.projection)
        inside = self.group.visible(known) if self.group else _NONE
        return inside | (self.values.own if self.values else _NONE)

    def certain(self, known: Known = _NOTHING) -> Names:
        """Return the variables that every solution binds."""
        inside = self.group.certain(known) if self.group else _NONE
        inside |= self.values.own_certain if self.values else _NONE
        if self.projection is None:
            return inside
        return inside & {name for name, is_plain in self.projection.items() if is_plain}


@dataclass(eq=False)
class Query:
    """A query and its parts."""

    text: str
    tokens: Sequence[Token]
    form: str
    #: Prefix -> what it is declared to stand for; as it is written.
    prefixes: dict[str, str]
    #: As it is declared.
    base: str | None
    #: Where the prologue ends.
    body: int
    #: The text of FROM and FROM NAMED.
    dataset: str
    select: Select

    @cached_property
    def services(self) -> list[Place]:
        """Return the SERVICE clauses, in the order of the text; none that stands in another."""
        return sorted(_find_services(self.select, ()), key=lambda place: place.element.start)


def visible(element: Element, known: Known = _NOTHING) -> Names:
    """Return the variables that a solution of ``element`` may bind."""
    if element in known:
        return known[element][0]
    if element.kind in {"filter", "minus", "bind"}:
        return element.own
    return element.own.union(*(group.visible(known) for group in element.groups))


def certain(element: Element, known: Known = _NOTHING) -> Names:
    """Return the variables that every solution of ``element`` binds."""
    if element in known:
        return known[element][1]
    match element.kind:
        case "filter" | "minus" | "bind" | "optional":
            return _NONE
        case "union":
            return frozenset.intersection(*(group.certain(known) for group in element.groups))
        case "service" if element.is_silent:
            return _NONE
        case _:
            return element.own_certain.union(*(g.certain(known) for g in element.groups))


@dataclass(frozen=True)
class Step:
    """A way from a group to one that stands in it."""

    #: What the inner group is part of: an element of the outer one, or a subselect.
    element: Element | None
    outer: Group | None
    #: Where that is no element: the select around the inner group.
    select: Select | None
    #: Whether the inner group is one of EXISTS.
    is_exists: bool = False


@dataclass(frozen=True)
class Place:
    """A SERVICE clause, and where it stands."""

    element: Element
    group: Group
    #: From its group outwards; the last step is that to the query.
    way: tuple[Step, ...]

    @property
    def pattern(self) -> Group:
        """Return what stands in its braces."""
        return self.element.groups[0]


def _find_services(select: Select, way: tuple[Step, ...]) -> Iterator[Place]:
    step = Step(None, None, select)
    if select.group:
        yield from _find_in_group(select.group, (step, *way))
    for other in select.others:
        yield from _find_in_group(other, (Step(None, None, select, is_exists=True), *way))


def _find_in_group(group: Group, way: tuple[Step, ...]) -> Iterator[Place]:
    if group.select:
        yield from _find_services(group.select, way)
        return
    for element in group.elements:
        if element.kind == "service":
            yield Place(element, group, way)
            continue
        is_exists = element.kind in {"filter", "bind"}
        for inner in element.groups:
            yield from _find_in_group(
                inner, (Step(element, group, None, is_exists=is_exists), *way)
            )


def find_nested(group: Group) -> list[Element]:
    """Return every SERVICE clause in ``group``, those in others included."""
    found = []
    for place in _find_in_group(group, ()):
        found.append(place.element)
        found += find_nested(place.pattern)
    return found
