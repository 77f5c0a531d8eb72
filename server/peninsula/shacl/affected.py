"""Whose result may a change alter?

A result changes only with what was read to reach it. So each shape says what it reads, and by which
way from the focus node: the steps of its paths, types, the predicates of its queries. From a
changed statement the ways are walked back to the focus nodes. The walk sees what is there after the
change and what it removed, so that it finds those of both states; its cost follows the change.

A change of the class hierarchy may alter any result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox
from rdflib import URIRef
from rdflib.term import Node

from peninsula.dataset.delta import Delta
from peninsula.shacl import queries
from peninsula.shacl.model import (
    HERE,
    Alternative,
    Inverse,
    Path,
    Predicate,
    Repeat,
    Sequence,
    Shape,
    Shapes,
    back,
    then,
)
from peninsula.shacl.screen import SUBCLASS, TYPE, Classes
from peninsula.shacl.view import GraphName, Statements, Term, Triple, from_rdflib

Step = Predicate | Inverse


@dataclass(frozen=True, slots=True)
class Read:
    """What is read at the end of a way from the focus node.

    ``way`` None: anywhere, so that any focus node may be concerned. ``step`` None: all statements
    about the node. With ``top``, only types below that class count.
    """

    way: Path | None
    step: Step | None
    top: Term | None = None


@dataclass(frozen=True)
class Affected:
    """Shapes, and those of their focus nodes (before or after) whose result may have changed."""

    #: Any result may have changed; ``pairs`` is empty then.
    everything: bool
    pairs: Mapping[Node, frozenset[Term]] = field(default_factory=dict)

    def targets(self, shapes: Shapes, statements: Statements) -> dict[Node, frozenset[Term]]:
        """Return the pairs that are shape and focus node in one state of the data."""
        targets = TargetFinder(statements)
        return {
            node: found
            for node, terms in self.pairs.items()
            if (found := frozenset(t for t in terms if targets.has(shapes[node], t)))
        }


def affected(
    shapes: Shapes,
    delta: Delta,
    store: ox.Store,
    *,
    graphs: Collection[GraphName] | None = None,
    shapes_graphs: Collection[GraphName] = (),
) -> Affected:
    """Return whose result ``delta`` may have changed; ``store`` is as it is after it.

    ``graphs`` are those that are validated (None: all). A change in one of ``shapes_graphs`` means
    that everything is.
    """
    changed: dict[Triple, None] = {}
    for quad in (*delta.added, *delta.removed):
        if quad.graph_name in shapes_graphs or quad.predicate == SUBCLASS:
            return Affected(everything=True)
        if graphs is None or quad.graph_name in graphs:
            changed[quad.subject, quad.predicate, quad.object] = None
    statements = Statements(store, graphs, shown=delta.removed)
    finder = _Finder(shapes, statements)
    for triple in changed:
        finder.add(triple)
    return Affected(everything=False, pairs=finder.result())


class TargetFinder:
    """Focus nodes in one state of the data."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self.classes = Classes(statements)
        self._of_shape: dict[Node, frozenset[Term]] = {}

    def target_classes(self, shape: Shape) -> frozenset[Term]:
        if shape.node not in self._of_shape:
            tops = _terms(shape.targets.classes)
            self._of_shape[shape.node] = frozenset().union(*map(self.classes.below, tops))
        return self._of_shape[shape.node]

    def has(self, shape: Shape, term: Term) -> bool:
        """Return whether ``term`` is a focus node of ``shape``."""
        targets = shape.targets
        match = self._statements.match
        if term in _terms(targets.nodes):
            return True
        if any(any(True for _ in match(term, p)) for p in _predicates(targets.subjects_of)):
            return True
        if any(any(True for _ in match(None, p, term)) for p in _predicates(targets.objects_of)):
            return True
        if not targets.classes:
            return False
        classes = self.target_classes(shape)
        return any(kind in classes for kind in self._statements.objects(term, TYPE))

    def all(self, shape: Shape) -> Iterator[Term]:
        """Yield the focus nodes of ``shape``, some of them more than once."""
        yield from _terms(shape.targets.nodes)
        for predicate in _predicates(shape.targets.subjects_of):
            yield from (s for s, _, _ in self._statements.match(None, predicate))
        for predicate in _predicates(shape.targets.objects_of):
            yield from (o for _, _, o in self._statements.match(None, predicate))
        for kind in self.target_classes(shape):
            yield from self._statements.subjects(TYPE, kind)


class _Finder:
    """Gathers the pairs that a changed statement may concern."""

    def __init__(self, shapes: Shapes, statements: Statements) -> None:
        self._shapes = shapes
        self._statements = statements
        self._targets = TargetFinder(statements)
        self._index = _index(shapes)
        self._pairs: dict[Node, set[Term]] = {}
        self._whole: set[Node] = set()

    def add(self, triple: Triple) -> None:
        """Note the focus nodes that ``triple`` makes, and those whose result it may change."""
        subject, predicate, object = triple
        for shape in self._index.targets.get(predicate.value, ()):
            self._note(shape, subject)
            self._note(shape, object)
        if predicate == TYPE:
            for shape in self._index.classes:
                if object in self._targets.target_classes(shape):
                    self._note(shape, subject)
        for key in (predicate.value, None):
            for shape, read in self._index.reads.get(key, ()):
                if shape.node in self._whole:
                    continue
                if read.top is not None and object not in self._targets.classes.below(read.top):
                    continue
                self._follow(shape, read, triple)

    def _follow(self, shape: Shape, read: Read, triple: Triple) -> None:
        subject, _, object = triple
        if read.way is None:
            self._whole.add(shape.node)
            return
        end = object if isinstance(read.step, Inverse) else subject
        for term in reach(self._statements, back(read.way), {end}):
            self._note(shape, term)

    def _note(self, shape: Shape, term: Term) -> None:
        # Whether it is a focus node is asked at the end.
        self._pairs.setdefault(shape.node, set()).add(term)

    def result(self) -> dict[Node, frozenset[Term]]:
        found: dict[Node, frozenset[Term]] = {}
        for shape in self._shapes.targeted:
            if shape.node in self._whole:
                terms = frozenset(self._targets.all(shape))
            else:
                known = self._pairs.get(shape.node, ())
                terms = frozenset(term for term in known if self._targets.has(shape, term))
            if terms:
                found[shape.node] = terms
        return found


@dataclass(frozen=True)
class _Index:
    """The shapes by what they read."""

    #: Predicate (None: any) -> who reads it.
    reads: Mapping[str | None, list[tuple[Shape, Read]]]
    targets: Mapping[str, list[Shape]]
    classes: list[Shape]


def _index(shapes: Shapes) -> _Index:
    known = shapes.__dict__.get("_affected_index")
    if isinstance(known, _Index):
        return known
    by_predicate: dict[str | None, list[tuple[Shape, Read]]] = {}
    targets: dict[str, list[Shape]] = {}
    for shape in shapes.targeted:
        for read in dict.fromkeys(reads(shapes, shape)):
            by_predicate.setdefault(_predicate(read), []).append((shape, read))
        for node in (*shape.targets.subjects_of, *shape.targets.objects_of):
            targets.setdefault(str(node), []).append(shape)
    index = _Index(by_predicate, targets, [s for s in shapes.targeted if s.targets.classes])
    shapes.__dict__["_affected_index"] = index
    return index


def _predicate(read: Read) -> str | None:
    match read.step:
        case Predicate(iri):
            return iri
        case Inverse(step):
            return step.iri
    return None


def reads(shapes: Shapes, shape: Shape, way: Path = HERE) -> Iterator[Read]:
    """Yield what the evaluation of ``shape`` reads, on a node that ``way`` leads to."""
    if shape.deactivated:
        return
    if shape.problem or shape.node in shapes.recursive:
        yield Read(None, None)
        return
    path = shape.path or HERE
    for before, step in steps(path):
        yield Read(then(way, before), step)
    values = then(way, path)
    yield from _parameter_reads(shapes, shape, way, values)
    for node in shape.references:
        if node in shapes.by_node:
            yield from reads(shapes, shapes[node], values)
        else:
            yield Read(None, None)
    for constraint in shape.sparql:
        found = queries.patterns(constraint, path)
        if found is None:
            yield Read(None, None)
        for pattern in found or ():
            yield from _pattern_reads(pattern, way)


def _parameter_reads(shapes: Shapes, shape: Shape, way: Path, values: Path) -> Iterator[Read]:
    for name, nodes in shape.parameters.items():
        match name:
            case "class":
                for term in _terms(nodes):
                    yield Read(values, _TYPE, term)
            case "equals" | "disjoint" | "lessThan" | "lessThanOrEquals":
                for node in nodes:
                    yield Read(way, Predicate(str(node)))
            case "closed":
                yield Read(values, None)
            case "qualifiedValueShape":
                for node in nodes:
                    for sibling in shapes.siblings(shape, node):
                        yield from reads(shapes, shapes[sibling], values)


_TYPE: Final = Predicate(TYPE.value)


def _pattern_reads(pattern: queries.Pattern, way: Path) -> Iterator[Read]:
    if pattern.from_start is not None:
        for before, step in steps(pattern.path):
            yield Read(then(way, pattern.from_start, before), step)
    elif pattern.from_end is not None:
        for before, step in steps(back(pattern.path)):
            yield Read(then(way, pattern.from_end, before), step)
    else:
        for _, step in steps(pattern.path):
            yield Read(None, step)


def steps(path: Path) -> Iterator[tuple[Path, Step]]:
    """Yield the steps of a path, each with the path that leads to it."""
    match path:
        case Predicate() | Inverse():
            yield HERE, path
        case Sequence(parts):
            for number, part in enumerate(parts):
                for before, step in steps(part):
                    yield then(*parts[:number], before), step
        case Alternative(branches):
            for branch in branches:
                yield from steps(branch)
        case Repeat(inner, _, many):
            again = Repeat(inner, 0, many=True) if many else HERE
            for before, step in steps(inner):
                yield then(again, before), step


def reach(statements: Statements, path: Path, starts: Iterable[Term]) -> set[Term]:
    """Return the nodes that ``path`` leads to from any of ``starts``."""
    starts = set(starts)
    match path:
        case Predicate(iri):
            name = ox.NamedNode(iri)
            return {o for s in starts for o in statements.objects(s, name)}
        case Inverse(step):
            name = ox.NamedNode(step.iri)
            return {s for o in starts for s in statements.subjects(name, o)}
        case Sequence(parts):
            for part in parts:
                starts = reach(statements, part, starts)
            return starts
        case Alternative(branches):
            return set().union(*(reach(statements, branch, starts) for branch in branches))
        case Repeat(inner, least, many):
            found = set() if least else set(starts)
            front = reach(statements, inner, starts)
            while many and (new := front - found):
                found |= new
                front = reach(statements, inner, new)
            return found | front


def _terms(nodes: Iterable[Node]) -> list[Term]:
    terms = []
    for node in nodes:
        try:
            terms.append(from_rdflib(node))
        except ValueError:
            continue
    return terms


def _predicates(nodes: Iterable[Node]) -> list[ox.NamedNode]:
    return [term for term in _terms(n for n in nodes if isinstance(n, URIRef))
            if isinstance(term, ox.NamedNode)]  # fmt: skip
