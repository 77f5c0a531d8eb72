"""What do the shapes ask, as plain values?

The shapes graph is read once, by pySHACL's own loaders, so that what is screened is what pySHACL
will judge: the same shapes, the same constraints, and the same complaints about malformed ones. A
complaint about one shape is kept with it (``Shape.problem``): pySHACL raises it only once that
shape has a node to look at.

Paths are read as pySHACL walks them. It differs from SHACL in one place: the inverse of a
sequence inverts each step and keeps their order.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pyshacl.constraints import CONSTRAINT_PARAMETERS_MAP
from pyshacl.constraints.sparql.sparql_based_constraint_components import (
    AskConstraintValidator,
    BoundShapeValidatorComponent,
    SPARQLConstraintComponent,
)
from pyshacl.constraints.sparql.sparql_based_constraints import SPARQLBasedConstraint
from pyshacl.errors import ConstraintLoadWarning
from pyshacl.shapes_graph import ShapesGraph
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

from peninsula.errors import InvalidShapes
from peninsula.namespaces import PREFIXES

SH: Final = Namespace(PREFIXES["sh"])

#: pySHACL follows a path no deeper than this, a step of a sequence counting as one.
_PATH_DEPTH: Final = 10
#: Parameters whose values are lists.
_LISTS: Final = frozenset({"and", "or", "xone", "in", "languageIn", "ignoredProperties"})
#: Parameters that are read with others; they make no constraint of their own.
_BESIDES: Final = ("flags", "qualifiedValueShapesDisjoint")
#: Parameters whose values are shapes, or lists of them.
_NESTING: Final = ("property", "node", "not", "and", "or", "xone", "qualifiedValueShape")


@dataclass(frozen=True, slots=True)
class Predicate:
    """One step along a predicate."""

    iri: str


@dataclass(frozen=True, slots=True)
class Inverse:
    """One step against a predicate; larger paths are inverted step by step."""

    step: Predicate


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps, one after the other."""

    steps: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Any of the branches."""

    branches: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The path ``least`` times (0 or 1), or more often if ``many``."""

    path: Path
    least: int
    many: bool


Path = Predicate | Inverse | Sequence | Alternative | Repeat
#: The path that stays where it is.
HERE: Final = Sequence(())


def then(*paths: Path) -> Path:
    """Return the path that follows ``paths`` one after the other."""
    steps: list[Path] = []
    for path in paths:
        steps.extend(path.steps if isinstance(path, Sequence) else [path])
    return steps[0] if len(steps) == 1 else Sequence(tuple(steps))


def back(path: Path) -> Path:
    """Return the way back: ``y`` is reached from ``x`` by a path as ``x`` is from ``y`` by this."""
    match path:
        case Predicate():
            return Inverse(path)
        case Inverse(step):
            return step
        case Sequence(steps):
            return Sequence(tuple(back(step) for step in reversed(steps)))
        case Alternative(branches):
            return Alternative(tuple(back(branch) for branch in branches))
        case Repeat(inner, least, many):
            return Repeat(back(inner), least, many)


def to_sparql(path: Path) -> str:
    """Return the path as a property path of SPARQL; not for ``HERE``."""
    match path:
        case Predicate(iri):
            return f"<{iri}>"
        case Inverse(step):
            return f"^<{step.iri}>"
        case Sequence(steps):
            return f"({'/'.join(map(to_sparql, steps))})"
        case Alternative(branches):
            return f"({'|'.join(map(to_sparql, branches))})"
        case Repeat(inner, least, many):
            mark = ("+" if least else "*") if many else "?"
            return f"({to_sparql(inner)}){mark}"


@dataclass(frozen=True, slots=True)
class Targets:
    """What a shape is for; all empty where it is only referred to."""

    nodes: tuple[Node, ...] = ()
    #: Named by sh:targetClass, or the shape itself where it is a class.
    classes: tuple[Node, ...] = ()
    subjects_of: tuple[Node, ...] = ()
    objects_of: tuple[Node, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.nodes or self.classes or self.subjects_of or self.objects_of)


@dataclass(frozen=True, slots=True)
class SparqlConstraint:
    """A query in full, with prefixes and path, whose solutions are (ASK: deny) violations."""

    node: Node
    text: str
    #: Variables with a value before the query is evaluated: ``this`` and ``value`` besides.
    bindings: Mapping[str, Node]
    is_this_bound: bool
    is_value_bound: bool
    is_ask: bool = False
    is_for_each_value: bool = False


@dataclass(frozen=True)
class Shape:
    """A node shape, or a property shape where it has a ``path``."""

    node: Node
    path: Path | None
    deactivated: bool
    severity: str
    messages: tuple[Node, ...]
    targets: Targets
    #: Local name of a parameter of SHACL -> its values.
    parameters: Mapping[str, tuple[Node, ...]]
    #: For the parameters that take lists: the members, one tuple a value.
    lists: Mapping[str, tuple[tuple[Node, ...], ...]]
    sparql: tuple[SparqlConstraint, ...]
    #: Why pySHACL cannot evaluate this shape, or we cannot know that it can; "" if all is well.
    problem: str

    @property
    def references(self) -> Iterator[Node]:
        """Yield the shapes that this one refers to."""
        for name in _NESTING:
            for values in self.lists.get(name, (self.parameters.get(name, ()),)):
                yield from values


@dataclass(frozen=True)
class Shapes:
    """The shapes of a shapes graph."""

    by_node: Mapping[Node, Shape]
    #: Shapes that refer to themselves, also by way of others.
    recursive: frozenset[Node]
    #: What evaluates them.
    judge: ShapesGraph = field(repr=False)

    def __iter__(self) -> Iterator[Shape]:
        return iter(self.by_node.values())

    def __getitem__(self, node: Node) -> Shape:
        return self.by_node[node]

    @cached_property
    def targeted(self) -> tuple[Shape, ...]:
        """The shapes that judge nodes of their own."""
        return tuple(s for s in self if s.targets and not s.deactivated)

    def siblings(self, shape: Shape, value_shape: Node) -> frozenset[Node]:
        """Return the sibling shapes of a qualified value shape."""
        graph = self.judge.graph
        return frozenset(
            sibling
            for parent in graph.subjects(SH.property, shape.node)
            for property in graph.objects(parent, SH.property)
            for sibling in graph.objects(property, SH.qualifiedValueShape)
            if sibling != value_shape and sibling in self.by_node
        )


def read_model(graph: Graph) -> Shapes:
    """Return the shapes in ``graph``, to which pySHACL adds two triples of its own.

    Raises InvalidShapes where pySHACL can make no shapes of it at all.
    """
    judge = ShapesGraph(graph, False, logging.getLogger(__name__))
    try:
        found = list(judge.shapes)
    except Exception as error:
        # pySHACL's own errors, and those of rdflib about lists that are none.
        raise InvalidShapes(f"A shape cannot be used: {first_line(error)}") from error
    try:
        general = ""
        judge.custom_constraints  # noqa: B018
    except Exception as error:  # noqa: BLE001
        general = first_line(error)
    shapes = {shape.node: _read_shape(judge, shape, general) for shape in found}
    return Shapes(shapes, _recursive(shapes), judge)


def first_line(error: object) -> str:
    """Return the first line of what ``error`` says."""
    text = getattr(error, "message", "") or str(error)
    return next(iter(str(text).strip().splitlines()), type(error).__name__)


def _read_shape(judge: ShapesGraph, found: Any, general: str) -> Shape:
    graph, node = judge.graph, found.node
    parameters: dict[str, tuple[Node, ...]] = {
        name: tuple(graph.objects(node, SH[name])) for name in _BESIDES
    }
    problems = [general] if general else []
    sparql: list[SparqlConstraint] = []
    for predicate in set(graph.predicates(node)) & CONSTRAINT_PARAMETERS_MAP.keys():
        component = CONSTRAINT_PARAMETERS_MAP[predicate]
        try:
            constraint = component(found)
            if component is SPARQLBasedConstraint:
                sparql.extend(_read_queries(constraint))
        except ConstraintLoadWarning:
            continue  # pySHACL passes over it.
        except Exception as error:  # noqa: BLE001
            problems.append(first_line(error))
            continue
        parameters[str(predicate).removeprefix(SH)] = tuple(graph.objects(node, predicate))
    path: Path | None = None
    lists: dict[str, tuple[tuple[Node, ...], ...]] = {}
    try:
        if found.is_property_shape:
            path = _read_path(graph, found.path())
        for name in parameters.keys() & _LISTS:
            lists[name] = tuple(_items(graph, value) for value in parameters[name])
        if not general:
            sparql.extend(_read_components(found))
    except Exception as error:  # noqa: BLE001
        problems.append(first_line(error))
    return Shape(
        node=node,
        path=path,
        deactivated=bool(found.deactivated),
        severity=str(found.severity),
        messages=tuple(found.message),
        targets=_read_targets(found),
        parameters=parameters,
        lists=lists,
        sparql=tuple(sparql),
        problem=problems[0] if problems else "",
    )


def _read_targets(found: Any) -> Targets:
    nodes, classes, implicit, objects_of, subjects_of = (tuple(part) for part in found.target())
    return Targets(nodes, tuple(dict.fromkeys([*classes, *implicit])), subjects_of, objects_of)


def _read_queries(constraint: Any) -> Iterator[SparqlConstraint]:
    for helper in constraint.sparql_constraints:
        if helper.deactivated:
            continue
        bound, text = helper.pre_bind_variables(_PROBE)
        yield SparqlConstraint(
            node=helper.node,
            text=helper.apply_prefixes(text),
            bindings={k: v for k, v in bound.items() if k != "this"},
            is_this_bound="this" in bound,
            is_value_bound=False,
        )


def _read_components(found: Any) -> Iterator[SparqlConstraint]:
    """Yield the queries of the SPARQL-based constraint components that apply to a shape."""
    for component in found.find_custom_constraints():
        if not isinstance(component, SPARQLConstraintComponent):
            raise InvalidShapes(f"{component.node} has no validator in SPARQL.")
        constraint: BoundShapeValidatorComponent = component.make_validator_for_shape(found)
        helper = constraint.query_helper
        parameters = helper.param_bind_map
        bound, text = helper.pre_bind_variables(
            _PROBE, valuenode=_PROBE, extravars=parameters.keys()
        )
        yield SparqlConstraint(
            node=component.node,
            text=helper.apply_prefixes(text),
            bindings={k: v for k, v in bound.items() if k not in {"this", "value"}} | parameters,
            is_this_bound="this" in bound,
            is_value_bound="value" in bound,
            is_ask=isinstance(constraint.validator, AskConstraintValidator),
            is_for_each_value=True,
        )


_PROBE: Final = URIRef("urn:x-peninsula:probe")


def _read_path(  # noqa: C901 - one branch a kind of path
    graph: Graph, node: Node, depth: int = 0, *, inverted: bool = False
) -> Path:
    """Return the path that ``node`` describes; raises InvalidShapes where pySHACL refuses it."""
    if isinstance(node, URIRef):
        return Inverse(Predicate(str(node))) if inverted else Predicate(str(node))
    if isinstance(node, Literal) or depth >= _PATH_DEPTH:
        raise InvalidShapes("A property path is a literal, or too deep.")
    if list(graph.objects(node, RDF.first)):
        steps = _items(graph, node)
        if len(steps) < 2 or depth + len(steps) > _PATH_DEPTH:
            raise InvalidShapes("A path of one step, or of too many.")
        return Sequence(
            tuple(
                _read_path(graph, step, depth + number + 1, inverted=inverted)
                for number, step in enumerate(steps)
            )
        )
    for name, least, many in _KINDS:
        values = list(graph.objects(node, SH[name]))
        if not values:
            continue
        if len(values) > 1:
            raise InvalidShapes(f"A path with more than one sh:{name}.")
        if name == "inversePath":
            return _read_path(graph, values[0], depth + 1, inverted=not inverted)
        if name == "alternativePath":
            branches = _items(graph, values[0])
            if len(branches) < 2:
                raise InvalidShapes("An alternative of one path.")
            return Alternative(
                tuple(_read_path(graph, b, depth + 1, inverted=inverted) for b in branches)
            )
        inner = _read_path(graph, values[0], depth + 1, inverted=inverted)
        return Repeat(inner, least, many)
    raise InvalidShapes("A node that describes no path.")


#: In the order in which pySHACL looks.
_KINDS: Final = (
    ("inversePath", 0, False),
    ("alternativePath", 0, False),
    ("zeroOrMorePath", 0, True),
    ("oneOrMorePath", 1, True),
    ("zeroOrOnePath", 0, False),
)


def _items(graph: Graph, node: Node) -> tuple[Node, ...]:
    """Return the members of a list; raises InvalidShapes where it is none."""
    members: list[Node] = []
    seen: set[Node] = set()
    while node != RDF.nil:
        first, rest = list(graph.objects(node, RDF.first)), list(graph.objects(node, RDF.rest))
        if len(first) != 1 or len(rest) != 1 or node in seen:
            raise InvalidShapes("A list that is not well formed.")
        seen.add(node)
        members.append(first[0])
        node = rest[0]
    return tuple(members)


def _recursive(shapes: Mapping[Node, Shape]) -> frozenset[Node]:
    """Return the shapes from which a reference leads back to themselves."""
    edges = {node: set(_known(shapes, shape)) for node, shape in shapes.items()}
    reach: dict[Node, set[Node]] = {}
    for start, named in edges.items():
        found: set[Node] = set()
        waiting = list(named)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting.extend(edges.get(node, ()))
        reach[start] = found
    return frozenset(node for node, found in reach.items() if node in found)


def _known(shapes: Mapping[Node, Shape], shape: Shape) -> Iterator[Node]:
    return (node for node in shape.references if node in shapes)
