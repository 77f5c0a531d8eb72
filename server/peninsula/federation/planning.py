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

Nothing here asks anybody. Texts are made of two kinds of parts: SPARQL as it was written or as it
is written here, which the policy has to look at, and rows of ground terms, which may be megabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

import pyoxigraph as ox

from peninsula.dataset.interface import Term
from peninsula.federation.structure import (
    Element,
    Group,
    Names,
    Place,
    Query,
    Select,
    Step,
    certain,
    find_nested,
    visible,
)
from peninsula.policy import resolve_escapes

_NONE: Final[Names] = frozenset()
#: What gives the same part of a query another answer each time, or may.
_CHANCE: Final = frozenset(("RAND", "UUID", "STRUUID", "BNODE"))
_UNSTEADY: Final = _CHANCE | {"NOW", "LIMIT", "OFFSET", "SAMPLE", "GROUP_CONCAT"}
#: Stands for a variable where there is none. No pattern of ours or of others has it.
_ONE: Final = "peninsula_one"
_SCHEME: Final = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")
#: What Wikidata's label service makes of a variable.
_LABELS: Final = re.compile(r"(.+?)(?:AltLabel|Label|Description)")


class Unwritable(ValueError):
    """A term cannot stand in the text of a query."""


# Texts.


@dataclass(frozen=True)
class Inlined:
    """Rows of VALUES, made of terms."""

    text: str


Parts = list[str | Inlined]


def compose(parts: Iterable[str | Inlined]) -> tuple[str, list[tuple[int, str]]]:
    """Return a text without its rows, and the rows with the positions where they belong."""
    texts: list[str] = []
    rows: list[tuple[int, str]] = []
    length = 0
    for part in parts:
        if isinstance(part, Inlined):
            rows.append((length, part.text))
        else:
            texts.append(part)
            length += len(part)
    return "".join(texts), rows


_IRI: Final = re.compile(r"[^<>\"{}|^`\\\x00-\x20]+")
_TAG: Final = re.compile(r"[A-Za-z]+(?:-[A-Za-z0-9]+)*")
_QUOTED: Final = re.compile(r'[\\"\n\r\t\x00]')
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\u0000"}
_STRING: Final = ox.NamedNode("http://www.w3.org/2001/XMLSchema#string")


def write_term(term: Term) -> str:
    """Return a ground term as SPARQL writes it; raises Unwritable.

    Terms come from others: what would end an IRI or a literal early is not let through.
    """
    if isinstance(term, ox.NamedNode):
        return _write_iri(term)
    if isinstance(term, ox.Literal):
        text = _QUOTED.sub(lambda match: _ESCAPES[match[0]], term.value)
        if term.language:
            if not _TAG.fullmatch(term.language):
                raise Unwritable(f"a literal has the language “{term.language[:40]}”")
            direction = f"--{term.direction}" if term.direction else ""
            return f'"{text}"@{term.language}{direction}'
        if term.datatype == _STRING:
            return f'"{text}"'
        return f'"{text}"^^{_write_iri(term.datatype)}'
    if isinstance(term, ox.Triple):
        inner = " ".join(write_term(part) for part in (term.subject, term.predicate, term.object))
        return f"<<( {inner} )>>"
    raise Unwritable("a triple holds a blank node")


def _write_iri(node: ox.NamedNode) -> str:
    if not _IRI.fullmatch(node.value):
        raise Unwritable(f"“{node.value[:100]}” is no IRI")
    return f"<{node.value}>"


def write_rows(rows: Iterable[Sequence[Term | None]]) -> str:
    """Return the rows of VALUES, without the braces; raises Unwritable."""
    return " ".join(
        "(" + " ".join("UNDEF" if term is None else write_term(term) for term in row) + ")"
        for row in rows
    )


def write_table(variables: Sequence[str], rows: Sequence[Sequence[Term | None]]) -> Parts:
    """Return a group that has exactly these solutions; raises Unwritable.

    As a subselect: the engine joins that by hashing, whereas of VALUES it would go through every
    row for every solution beside it. Blank nodes, which VALUES cannot hold, are made of their
    labels, each of them always the same one.
    """
    if not variables:
        return ["VALUES () { ", Inlined("() " * len(rows)), "}"]
    blank = [
        i for i in range(len(variables)) if any(isinstance(row[i], ox.BlankNode) for row in rows)
    ]
    columns = [f"?{name}" for name in variables]
    selected = list(columns)
    for i in blank:
        label = _name_label(variables, i)
        columns.append(label)
        columns[i] = f"{label}_"
        selected[i] = f"(COALESCE(BNODE({label}), {label}_) AS ?{variables[i]})"
    lines: Iterable[Sequence[Term | None]] = rows
    if blank:
        lines = (_split_labels(row, blank) for row in rows)
    return [
        f"{{ SELECT {' '.join(selected)} {{ VALUES ({' '.join(columns)}) {{ ",
        Inlined(write_rows(lines)),
        " } } }",
    ]


def _name_label(variables: Sequence[str], i: int) -> str:
    name = f"label{i}"
    while name in variables or f"{name}_" in variables:
        name += "x"
    return f"?{name}"


def _split_labels(row: Sequence[Term | None], blank: Sequence[int]) -> list[Term | None]:
    split: list[Term | None] = [None if isinstance(t, ox.BlankNode) else t for t in row]
    for i in blank:
        node = row[i]
        split.append(ox.Literal(node.value) if isinstance(node, ox.BlankNode) else None)
    return split


# What the rest of a query says.


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


@dataclass
class _Level:
    """What is taken of one group: elements, and the level of a group in it."""

    elements: list[Element | _Level] = field(default_factory=list)
    filters: list[Element] = field(default_factory=list)
    #: What GRAPH names, where the group is one of GRAPH.
    graph: str = ""
    graph_variable: Names = _NONE
    #: Whether solutions of the level around it need not have what it binds: that of OPTIONAL,
    #: MINUS and EXISTS.
    is_apart: bool = False
    #: Further text that is joined, with the variables that it binds.
    more: list[tuple[str, Names]] = field(default_factory=list)


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
            kept, reached = self._connect(level, variables)
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

    def _gather(self, place: Place) -> tuple[_Level, Names]:
        """Return what restricts a clause, and what its own group binds before it for certain."""
        way = place.way
        level, certain_before = self._pick(
            place.group, place.element, None, is_correlated=_is_correlated(way)
        )
        for i, step in enumerate(way):
            element, outer = step.element, step.outer
            if element is None or outer is None:
                self._add_select(level, step, is_query=i == len(way) - 1)
                return _put_in_graph(level, way[i + 1 :]), certain_before
            if element.kind in {"bind", "lateral"}:
                return _put_in_graph(level, way[i:]), certain_before
            if element.kind == "graph" and element.name:
                level.graph = element.name.text
                level.graph_variable = element.own
            level, _ = self._pick(outer, element, level, is_correlated=_is_correlated(way[i + 1 :]))
            if element.kind in {"optional", "minus", "filter"}:
                return _put_in_graph(level, way[i + 1 :]), certain_before
        return level, certain_before

    def _pick(
        self, group: Group, at: Element, inner: _Level | None, *, is_correlated: bool
    ) -> tuple[_Level, Names]:
        """Take what is joined with ``at``, an element of ``group``.

        ``inner`` is what has been taken inside of ``at``. Returns what is taken, and what is
        bound for certain before ``at``.
        """
        level = _Level()
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
                certain_before = self._certain(level)
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
        return not is_correlated or (_is_plain(element) and self._is_usable(element))

    def _is_without_service(self, element: Element) -> bool:
        inside = (
            place.element
            for place in self._query.services
            if element.start <= place.element.start < element.end
        )
        return all(service in self._texts for service in inside)

    def _add_select(self, level: _Level, step: Step, *, is_query: bool) -> None:
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
        self, place: Place, level: _Level, certain_before: Names
    ) -> tuple[tuple[str, ...], Names]:
        """Return the variables of a clause that can be sent, and those that it need not bind."""
        pattern = place.pattern
        shared = pattern.visible() & self._visible(level)
        sure = pattern.certain()
        chosen = shared & (sure | certain_before)
        return tuple(sorted(chosen)), chosen - sure

    def _visible(self, level: _Level) -> Names:
        return level.graph_variable.union(
            *(names for _, names in level.more),
            *(
                self._visible(item) if isinstance(item, _Level) else visible(item, self._known)
                for item in level.elements
            ),
        )

    def _connect(self, level: _Level, variables: Iterable[str]) -> tuple[set[Element], set[str]]:
        """Return the elements that have to do with ``variables``, also through one another.

        What has not would be a factor of its own: a cross product with what is asked. Beside
        them come the variables that are reached.
        """
        every = list(_flatten(level))
        reached = set(variables)
        kept: set[Element] = set()
        while True:
            found = [
                element
                for element in every
                if element not in kept and not reached.isdisjoint(self._links(element))
            ]
            if not found:
                return kept, reached
            kept.update(found)
            reached.update(*map(self._links, found))

    def _links(self, element: Element) -> Names:
        if element.kind in {"optional", "bind", "lateral"}:
            return element.mentioned
        return visible(element, self._known)

    def _find_unsteady(self, level: _Level, kept: set[Element]) -> Element | None:
        for element in _flatten(level):
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
        selected = " ".join(f"?{name}" for name in variables) or f"(1 AS ?{_ONE})"
        distinct = "DISTINCT " if is_distinct else ""
        return [
            query.text[: query.body],
            f"SELECT {distinct}{selected}\n{query.dataset}\nWHERE ",
        ]

    def _write_level(self, level: _Level, kept: set[Element], reached: set[str]) -> Parts:
        parts: Parts = ["{\n"]
        for item in level.elements:
            if isinstance(item, _Level):
                if kept.isdisjoint(_flatten(item)) and reached.isdisjoint(item.graph_variable):
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
        bound = level.graph_variable | self._certain(level, kept)
        for condition in level.filters:
            if (
                not condition.groups
                and condition.mentioned <= bound
                and condition.words.isdisjoint(_UNSTEADY)
            ):
                parts += [*self._write(condition.start, condition.end), "\n"]
        parts.append("}")
        return parts

    def _certain(self, level: _Level, kept: set[Element] | None = None) -> Names:
        """Return what is bound for certain by what is taken, or by what is kept of it.

        That is, in every solution of the level's group.
        """
        found = _NONE.union(*(names for _, names in level.more))
        for item in level.elements:
            if isinstance(item, _Level):
                found |= _NONE if item.is_apart else self._certain(item, kept)
            elif kept is None or item in kept:
                found |= certain(item, self._known)
        return found

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


def _put_in_graph(level: _Level, way: Sequence[Step]) -> _Level:
    """Let a level be asked of the graph that it stands in, where that is one farther out."""
    for step in way:
        if step.element and step.element.kind == "graph" and step.element.name:
            level.graph = step.element.name.text
            return _Level([level])
    return level


def _is_correlated(way: Sequence[Step]) -> bool:
    """Return whether variables inside have values from outside, step by step outwards."""
    return any(step.is_exists or (step.element and step.element.kind == "lateral") for step in way)


def _is_plain(element: Element) -> bool:
    """Return whether an element is made of nothing but joins and unions of triples."""
    if element.kind in {"triples", "values"}:
        return True
    return element.kind in {"group", "union", "graph"} and all(
        group.select is None and all(map(_is_plain, group.elements)) for group in element.groups
    )


def _flatten(level: _Level) -> Iterable[Element]:
    for item in level.elements:
        if isinstance(item, _Level):
            yield from _flatten(item)
        else:
            yield item


# What a service is asked.


@dataclass(frozen=True)
class Question:
    """What is asked of a service for one clause, whatever the bindings are."""

    prologue: str
    #: What is selected, in this order; none where only the number of solutions matters.
    variables: tuple[str, ...]
    is_distinct: bool
    #: What stands in the braces.
    pattern: str
    #: The variables that are bound in the pattern before anything that depends on them.
    early: Names
    is_subselect: bool

    def write(
        self, limit: int, names: Sequence[str] = (), rows: Sequence[Sequence[Term]] = ()
    ) -> str:
        """Return the query, with bindings where there are some."""
        selected = " ".join(f"?{name}" for name in self.variables) or f"(1 AS ?{_ONE})"
        distinct = "DISTINCT " if self.is_distinct else ""
        inside = f"{self.pattern}\n"
        if names:
            if self.is_subselect:
                inside = f"{{{inside}}}\n"
            elif not self.early.issuperset(names):
                # By itself, so that no value gets to where it would change what is found.
                bound = " ".join(f"?{name}" for name in sorted({*self.variables, *names}))
                inside = f"{{ SELECT {bound} WHERE {{\n{inside}}} }}\n"
            columns = " ".join(f"?{name}" for name in names)
            inside = f"VALUES ({columns}) {{ {write_rows(rows)} }}\n{inside}"
        return f"{self.prologue}SELECT {distinct}{selected} WHERE {{\n{inside}}}\nLIMIT {limit}\n"


def make_question(
    query: Query, place: Place, prefixes: Mapping[str, str], base: str | None
) -> Question:
    """Return what is asked of a service for the clause at ``place``.

    ``prefixes`` are those that need not be declared; ``base`` that of the request.
    """
    pattern = place.pattern
    text = query.text[pattern.start + 1 : pattern.end - 1]
    return Question(
        _write_prologue(query, pattern, prefixes, base),
        tuple(sorted(find_needed(query, place))),
        _is_set(query, place),
        text.strip("\n"),
        _find_early(pattern),
        pattern.select is not None,
    )


def find_needed(query: Query, place: Place) -> Names:
    """Return the variables of a clause that the rest of the query has a use for."""
    element, bound = place.element, place.pattern.visible()
    outside = frozenset(
        token.text[1:]
        for token in query.tokens
        if token.kind == "variable" and not element.start <= token.position < element.end
    )
    needed = bound & outside
    if _is_all_selected(place):
        needed = bound
    if any(map(_is_label_service, find_nested(place.pattern))):
        needed |= {
            name
            for name in outside - bound
            if (match := _LABELS.fullmatch(name)) and match[1] in bound
        }
    return needed


def _is_label_service(element: Element) -> bool:
    return bool(element.name and element.name.text.endswith(("#label>", ":label")))


def _is_all_selected(place: Place) -> bool:
    """Return whether SELECT * takes whatever the clause binds."""
    for step in place.way:
        if step.is_exists or (step.element and step.element.kind == "minus"):
            return False
        if step.select:
            return step.select.projection is None
    return False


def _is_set(query: Query, place: Place) -> bool:
    """Return whether it makes no difference how often a solution of the clause is there."""
    if not _CHANCE.isdisjoint({t.upper for t in query.tokens if t.kind == "word"}):
        return False
    for step in place.way:
        if step.is_exists or (step.element and step.element.kind == "minus"):
            return True
        if step.select and (found := _takes_set(step.select)) is not None:
            return found
    return False


def _takes_set(select: Select) -> bool | None:
    """Return whether a select heeds how often a solution is there; None: others decide."""
    if select.is_aggregated:
        return False
    if select.is_distinct:
        return True
    return False if select.is_cut else None


def _find_early(pattern: Group) -> Names:
    """Return what a pattern binds before its first OPTIONAL, MINUS, BIND or the like."""
    found = _NONE
    for element in pattern.elements:
        if element.kind in {"optional", "minus", "bind", "lateral"}:
            break
        if element.kind != "service":
            found |= certain(element)
    return found


def _write_prologue(
    query: Query, pattern: Group, prefixes: Mapping[str, str], base: str | None
) -> str:
    inside = [t for t in query.tokens if pattern.start <= t.position < pattern.end]
    names = {t.text.partition(":")[0] for t in inside if t.kind == "name" and t.text[0] != "@"}
    names.discard("_")
    lines = []
    if any(t.kind == "iri" and not _SCHEME.match(t.text) for t in inside):
        lines.append(f"BASE <{find_base(query, base)}>\n")
    for name in sorted(names):
        if name in query.prefixes:
            lines.append(f"PREFIX {name}: <{_resolve(query, query.prefixes[name], base)}>\n")
        elif name in prefixes:
            lines.append(f"PREFIX {name}: <{prefixes[name]}>\n")
    return "".join(lines)


def find_base(query: Query, base: str | None) -> str:
    """Return what relative IRIs of a query are relative to."""
    return _join(base or "", (query.base or "<>")[1:-1])


def _resolve(query: Query, iri: str, base: str | None) -> str:
    return iri[1:-1] if _SCHEME.match(iri) else _join(find_base(query, base), iri[1:-1])


def _join(base: str, iri: str) -> str:
    joined = urljoin(base, iri)
    # Python's takes an empty fragment for none; prefixes end with one.
    return f"{joined}#" if iri.endswith("#") and not joined.endswith("#") else joined


def read_name(
    query: Query, element: Element, prefixes: Mapping[str, str], base: str | None
) -> str | None:
    """Return the IRI that GRAPH or SERVICE names; None for a variable."""
    assert element.name
    if element.name.kind == "variable":
        return None
    return resolve_name(query, element.name.text, prefixes, base)


def resolve_name(query: Query, text: str, prefixes: Mapping[str, str], base: str | None) -> str:
    """Return the IRI that is written as ``<…>`` or as a prefixed name."""
    text = resolve_escapes(text)
    if text.startswith("<"):
        return _resolve(query, text, base)
    prefix, _, local = text.partition(":")
    if prefix in query.prefixes:
        start = _resolve(query, query.prefixes[prefix], base)
    else:
        start = prefixes.get(prefix, "")
    return start + re.sub(r"\\(.)", r"\1", local)
