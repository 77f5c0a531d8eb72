"""What must be asked of a service so that a query has its answer, and no more than that?

``SERVICE <s> { P }`` stands for all solutions of P at s. Those that fit nothing else in the query
are not needed. So the rest of the query is asked first, as far as it restricts P (its *context*);
P is then asked together with what the context binds its variables to, and the solutions take the
place of the clause, as a table. The answer is the same as if P had been fetched whole, duplicates
included. These are the rules that make it so:

- A solution of P is left out only where it is compatible with no solution of the context. Every
  solution of the query that a solution of P is part of must extend one of the context. So the
  context holds what is joined with the clause, wherever it stands in the group; OPTIONAL and BIND
  only where they and all before them stand before the clause; a FILTER only where the context
  binds all its variables for certain; of MINUS nothing. It may bind less, never otherwise.
- The context of a group holds that of the group around it where that is joined with it: around
  nested groups, UNION and GRAPH. Around OPTIONAL and MINUS only what stands before them is;
  around EXISTS in a FILTER, what stands in the group that is filtered; and farther out nothing.
  Variables inside of EXISTS have values from outside: only what is joined can be relied on there.
- A variable is sent only where every solution of the context binds it, so that the rows sent are
  distinct and whole; and only where P binds it for certain, or what stands before the clause in
  its own group. Then each solution of P meets one row at most.
- What gives another answer each time (RAND, a LIMIT without order) is asked once, and its answer
  takes its place as well.

Nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Term
from peninsula.federation.levels import Level, is_correlated, is_plain
from peninsula.federation.structure import (
    Element,
    Group,
    Names,
    Place,
    Query,
    Step,
    visible,
)
from peninsula.federation.writing import ONE, Parts, write_table, write_term

_NONE: Final[Names] = frozenset()
#: What gives the same part of a query another answer each time, or may.
_UNSTEADY: Final = frozenset(
    ("RAND", "UUID", "STRUUID", "BNODE", "NOW", "LIMIT", "OFFSET", "SAMPLE", "GROUP_CONCAT")
)


@dataclass(frozen=True)
class Context:
    """A query for what the variables of a clause can be bound to."""

    variables: tuple[str, ...]
    parts: Parts
    #: Of the variables, those that the clause need not bind itself.
    unsure: Names


@dataclass(frozen=True)
class Fetch:
    """The next thing to do: ask a service for a clause."""

    place: Place
    #: None where nothing restricts the clause.
    context: Context | None


@dataclass(frozen=True)
class Freeze:
    """The next thing to do: ask for a part that has another answer each time, once."""

    element: Element
    variables: tuple[str, ...]
    parts: Parts


class Plan:
    """A query whose SERVICE clauses are being replaced, one after another."""

    def __init__(self, query: Query, substitutions: Mapping[str, Term] | None = None) -> None:
        self._query = query
        self._substitutions = dict(substitutions or {})
        self._texts: dict[Element, Parts] = {}
        self._known: dict[Element, tuple[Names, Names]] = {}
        self._left_out: set[Element] = set()

    # What is done.

    def replace(
        self, element: Element, parts: Parts, *, visible: Iterable[str], certain: Iterable[str]
    ) -> None:
        """Put ``parts`` in the place of an element, with the variables that they bind."""
        self._texts[element] = parts
        self._known[element] = (frozenset(visible), frozenset(certain))

    def replace_by_table(
        self, element: Element, variables: Sequence[str], rows: Sequence[Sequence[Term | None]]
    ) -> None:
        """Put solutions in the place of an element; raises Unwritable."""
        parts = write_table(variables, rows)
        whole = [n for i, n in enumerate(variables) if all(row[i] is not None for row in rows)]
        self.replace(element, parts, visible=variables, certain=whole)

    def leave_out(self, element: Element) -> None:
        """Do without an element in the context of others: it has too many solutions."""
        self._left_out.add(element)

    # What is to be done.

    def next(self) -> Fetch | Freeze | None:
        """Return what is to be done next; None: nothing is left.

        A clause that others restrict waits for them.
        """
        waiting = [p for p in self._query.services if p.element not in self._texts]
        for place in waiting:
            level, certain_before = self._gather(place)
            variables, unsure = self._choose(place, level, certain_before)
            if not variables:
                continue
            kept, reached = level.connect(variables, self._known)
            if (unsteady := self._find_unsteady(level, kept)) is None:
                text = self._write_level(level, kept, reached)
                return Fetch(place, Context(variables, self._head(variables) + text, unsure))
            if freeze := self._freeze(place, unsteady):
                return freeze
            self.leave_out(unsteady)
            return self.next()
        return Fetch(waiting[0], None) if waiting else None

    def write(self) -> Parts:
        """Return the query with what has been put into it."""
        return self._write(0, len(self._query.text))

    # Contexts: what is taken.

    def _gather(self, place: Place) -> tuple[Level, Names]:
        """Return what restricts a clause, and what its own group binds before it for certain."""
        way = place.way
        level, certain_before = self._pick(
            place.group, place.element, None, is_correlated=is_correlated(way)
        )
        for i, step in enumerate(way):
            element, outer = step.element, step.outer
            if element is None or outer is None:
                self._add_select(level, step, is_query=i == len(way) - 1)
                return level.put_in_graph(way[i + 1 :]), certain_before
            if element.kind in {"bind", "lateral"}:
                return level.put_in_graph(way[i:]), certain_before
            if element.kind == "graph" and element.name:
                level.graph = element.name.text
                level.graph_variable = element.own
            level, _ = self._pick(outer, element, level, is_correlated=is_correlated(way[i + 1 :]))
            if element.kind in {"optional", "minus", "filter"}:
                return level.put_in_graph(way[i + 1 :]), certain_before
        return level, certain_before

    def _pick(
        self, group: Group, at: Element, inner: Level | None, *, is_correlated: bool
    ) -> tuple[Level, Names]:
        """Take what is joined with ``at``, an element of ``group``.

        ``inner`` is what has been taken inside of ``at``. Returns what is taken, and what is
        bound for certain before ``at``.
        """
        level = Level()
        # A FILTER is about the solutions of the whole group, wherever it stands.
        level.filters = [e for e in group.elements if e.kind == "filter" and e is not at]
        elements = [e for e in group.elements if e.kind != "filter"]
        if at.kind in {"optional", "minus"}:
            elements = elements[: elements.index(at)]
        certain_before = _NONE
        #: Whether what has been taken so far is all that solutions are made of so far.
        is_whole = True
        for element in elements:
            if element is at:
                certain_before = level.certain(self._known)
                if inner:
                    level.elements.append(inner)
                is_whole = False
            elif self._is_taken(element, is_whole=is_whole, is_correlated=is_correlated):
                level.elements.append(element)
            elif element.kind != "minus":
                is_whole = False
        if inner and at.kind in {"optional", "minus", "filter"}:
            inner.is_apart = True
            level.elements.append(inner)
        return level, certain_before

    def _is_taken(self, element: Element, *, is_whole: bool, is_correlated: bool) -> bool:
        if element.kind in {"optional", "bind", "lateral"}:
            return is_whole and not is_correlated and self._is_usable(element)
        return element.kind != "minus" and self._is_joinable(element, is_correlated=is_correlated)

    def _is_usable(self, element: Element) -> bool:
        """Return whether an element can be asked as it is."""
        if element in self._left_out or not element.words.isdisjoint(_UNSTEADY):
            return False
        return self._is_without_service(element)

    def _is_joinable(self, element: Element, *, is_correlated: bool) -> bool:
        """Return whether an element that is joined can be taken; if need be once it is frozen."""
        if element in self._texts:
            return True
        if element in self._left_out or not self._is_without_service(element):
            return False
        return not is_correlated or (is_plain(element) and self._is_usable(element))

    def _is_without_service(self, element: Element) -> bool:
        inside = (
            place.element
            for place in self._query.services
            if element.start <= place.element.start < element.end
        )
        return all(service in self._texts for service in inside)

    def _add_select(self, level: Level, step: Step, *, is_query: bool) -> None:
        """Take what restricts the group of a select besides what stands in it."""
        select = step.select
        if select is None or step.is_exists:
            return
        if select.values and not select.is_aggregated:
            level.elements.append(select.values)
        if not is_query or not select.group:
            return
        bound = select.group.visible(self._known)
        for name, term in self._substitutions.items():
            is_plain = select.projection is None or select.projection.get(name, False)
            if is_plain and name in bound and not isinstance(term, ox.BlankNode):
                level.more.append((f"VALUES ?{name} {{ {write_term(term)} }}", frozenset((name,))))

    def _choose(
        self, place: Place, level: Level, certain_before: Names
    ) -> tuple[tuple[str, ...], Names]:
        """Return the variables of a clause that can be sent, and those that it need not bind."""
        pattern = place.pattern
        shared = pattern.visible() & level.visible(self._known)
        sure = pattern.certain()
        chosen = shared & (sure | certain_before)
        return tuple(sorted(chosen)), chosen - sure

    def _find_unsteady(self, level: Level, kept: set[Element]) -> Element | None:
        for element in level.flatten():
            if element in kept and element not in self._texts and not self._is_usable(element):
                return element
        return None

    def _freeze(self, place: Place, element: Element) -> Freeze | None:
        """Return how an element is asked by itself; it stands somewhere around ``place``.

        None where it has one answer for each graph.
        """
        variables = tuple(sorted(visible(element, self._known)))
        parts: Parts = ["{ ", *self._write(element.start, element.end), " }"]
        graph = self._graph_around(place, element)
        if graph.startswith(("?", "$")):
            return None
        if graph:
            parts = [f"{{ GRAPH {graph} ", *parts, " }"]
        return Freeze(element, variables, self._head(variables, is_distinct=False) + parts)

    def _graph_around(self, place: Place, element: Element) -> str:
        """Return what GRAPH names around an element that stands around ``place``."""
        for step in place.way:
            around = step.element
            if (
                around
                and around.kind == "graph"
                and around.name
                and around.start <= element.start < around.end
            ):
                return around.name.text
        return ""

    # Contexts: how they are written.

    def _head(self, variables: Sequence[str], *, is_distinct: bool = True) -> Parts:
        query = self._query
        # Without a variable the number of solutions is all there is to know.
        selected = " ".join(f"?{name}" for name in variables) or f"(1 AS ?{ONE})"
        distinct = "DISTINCT " if is_distinct else ""
        return [
            query.text[: query.body],
            f"SELECT {distinct}{selected}\n{query.dataset}\nWHERE ",
        ]

    def _write_level(self, level: Level, kept: set[Element], reached: set[str]) -> Parts:
        parts: Parts = ["{\n"]
        for item in level.elements:
            if isinstance(item, Level):
                if kept.isdisjoint(item.flatten()) and reached.isdisjoint(item.graph_variable):
                    continue
                if item.graph:
                    parts.append(f"GRAPH {item.graph} ")
                parts += self._write_level(item, kept, reached)
                parts.append("\n")
            elif item in kept:
                parts += self._write(item.start, item.end)
                parts.append(" .\n" if item.kind == "triples" else "\n")
        for text, _ in level.more:
            parts.append(f"{text}\n")
        bound = level.graph_variable | level.certain(self._known, kept)
        for condition in level.filters:
            if (
                not condition.groups
                and condition.mentioned <= bound
                and condition.words.isdisjoint(_UNSTEADY)
            ):
                parts += [*self._write(condition.start, condition.end), "\n"]
        parts.append("}")
        return parts

    def _write(self, start: int, end: int) -> Parts:
        """Return a piece of the query with what has been put into it."""
        text = self._query.text
        parts: Parts = []
        at = start
        for element in sorted(self._texts, key=lambda e: (e.start, -e.end)):
            # What stands in an element that is replaced is not there any more.
            if at <= element.start and element.end <= end:
                parts += [text[at : element.start], *self._texts[element]]
                at = element.end
        parts.append(text[at:end])
        return parts
