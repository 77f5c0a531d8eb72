"""What does a shape want of a value, as far as that tells which value may have been meant?

By itself, and by the shapes that it refers to: classes, datatypes, values that it names, the
vocabulary that a concept must stand in, languages, patterns. It is for guessing, not for judging:
alternatives and conjunctions are the same here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyoxigraph as ox
from rdflib.term import Node

from peninsula.shacl.model import SH, Predicate, Shape, Shapes
from peninsula.shacl.view import Term, from_rdflib


@dataclass
class Wants:
    """What is wanted; of several classes, datatypes and so on, any may do."""

    classes: dict[Term, None] = field(default_factory=dict)
    datatypes: dict[str, None] = field(default_factory=dict)
    values: dict[Term, None] = field(default_factory=dict)
    #: Predicates and objects: the value must be the subject of such a statement.
    marks: dict[tuple[ox.NamedNode, Term], None] = field(default_factory=dict)
    languages: dict[str, None] = field(default_factory=dict)
    #: Regular expressions with their flags.
    patterns: list[tuple[str, str]] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    @property
    def is_thing(self) -> bool:
        """Whether the value must be a thing, not a literal."""
        if self.classes or self.marks or self.kinds & {"IRI", "BlankNodeOrIRI"}:
            return True
        return any(isinstance(value, ox.NamedNode) for value in self.values)


def read_wants(shapes: Shapes, shape: Shape) -> Wants:
    """Return what ``shape`` wants of its values."""
    wants = Wants()
    seen: set[Node] = set()
    waiting = [shape.node]
    while waiting:
        node = waiting.pop(0)
        if node in seen or node not in shapes.by_node:
            continue
        seen.add(node)
        _gather(shapes[node], wants)
        for part in _marking(shapes, shapes[node]):
            assert isinstance(part.path, Predicate)
            for value in terms_of(part.parameters.get("hasValue", ())):
                wants.marks[ox.NamedNode(part.path.iri), value] = None
        waiting += _inner(shapes[node])
    return wants


def _gather(shape: Shape, wants: Wants) -> None:
    given = shape.parameters.get
    flags = "".join(map(str, given("flags", ())))
    wants.classes.update(dict.fromkeys(terms_of(given("class", ()))))
    wants.datatypes.update(dict.fromkeys(map(str, given("datatype", ()))))
    wants.values.update(dict.fromkeys(terms_of(given("hasValue", ()))))
    wants.kinds.update(str(node).removeprefix(SH) for node in given("nodeKind", ()))
    wants.patterns.extend((str(node), flags) for node in given("pattern", ()))
    for members in shape.lists.get("in", ()):
        wants.values.update(dict.fromkeys(terms_of(members)))
    for members in shape.lists.get("languageIn", ()):
        wants.languages.update(dict.fromkeys(map(str, members)))


def _inner(shape: Shape) -> Iterator[Node]:
    """Yield the shapes that the same values must have."""
    for name in ("node", "qualifiedValueShape"):
        yield from shape.parameters.get(name, ())
    for name in ("or", "and", "xone"):
        for members in shape.lists.get(name, ()):
            yield from members


def _marking(shapes: Shapes, shape: Shape) -> Iterator[Shape]:
    """Yield the property shapes that a value must have by one of its own statements."""
    for node in shape.parameters.get("property", ()):
        if node in shapes.by_node and isinstance(shapes[node].path, Predicate):
            yield shapes[node]


def terms_of(nodes: Iterable[Node]) -> list[Term]:
    """Return the engine's counterparts of ``nodes``."""
    return [from_rdflib(node) for node in nodes]
