"""What does a template of an update become with each solution of its WHERE?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyoxigraph as ox

from peninsula.dataset.delta import AnyGraph, Term
from peninsula.dataset.operations import SECRET, Operation

#: The values of a SELECT's variables, in their order; None is unbound.
Solution = tuple[Term | None, ...]

_MARK: Final = f"{SECRET}:variable:"
_NODES: Final = (ox.NamedNode, ox.BlankNode)
_GRAPHS: Final = (ox.NamedNode, ox.BlankNode, ox.DefaultGraph)


class Template:
    """The template of a DELETE or INSERT, read by the engine: quads with marks for variables."""

    def __init__(self, operation: Operation, begin: int, end: int, unnamed: AnyGraph) -> None:
        names = dict.fromkeys(
            token.text[1:] for token in operation.tokens[begin:end] if token.kind == "variable"
        )
        self.variables: tuple[str, ...] = tuple(names)
        marks = " ".join(f"<{_MARK}{place}>" for place in range(len(names)))
        values = f"VALUES ({' '.join(f'?{n}' for n in names)}) {{ ({marks}) }}" if names else ""
        block = operation.slice(begin, end)
        store = operation.scope.run(f"INSERT {block}\nWHERE {{ {values} }}")
        self._quads = in_graph(store, unnamed)
        #: Blank nodes are new ones in each solution.
        self._blanks = tuple({blank for quad in self._quads for blank in _blanks(quad)})
        self.is_fresh = bool(self._blanks)

    def fill(self, names: Sequence[str]) -> Callable[[Solution, set[ox.Quad]], None]:
        """Return what puts the quads of a solution, the values of ``names``, into a set."""
        #: Where each term stands: the solution, new blank nodes, constants, triple terms.
        slots: dict[Term | AnyGraph, int] = {
            ox.NamedNode(f"{_MARK}{place}"): names.index(name)
            for place, name in enumerate(self.variables)
        }
        width = max(len(names), 1)  # SELECT has one variable at least
        slots.update((blank, width + place) for place, blank in enumerate(self._blanks))
        fixed = {quad for quad in self._quads if not any(term in slots for term in _terms(quad))}
        open_quads = self._quads - fixed
        count, width = len(self._blanks), width + len(self._blanks)
        parts = dict.fromkeys(part for quad in open_quads for part in quad if part not in slots)
        made = [part for part in parts if _is_open(part, slots)]
        constants = [part for part in parts if part not in made]
        makers = [_maker(part, slots) for part in made]
        slots.update((part, width + place) for place, part in enumerate([*constants, *made]))
        plans = [tuple(slots[part] for part in quad) for quad in open_quads]
        blank_node, quad_of = ox.BlankNode, ox.Quad

        def put(solution: Solution, sink: set[ox.Quad]) -> None:
            sink.update(fixed)
            if not plans:
                return
            terms: tuple[Any, ...] = (
                *solution,
                *[blank_node() for _ in range(count)],
                *constants,
            )
            if makers:
                terms = (*terms, *[make(terms) for make in makers])
            for subject_at, predicate_at, object_at, graph_at in plans:
                subject, predicate = terms[subject_at], terms[predicate_at]
                object, graph = terms[object_at], terms[graph_at]
                # What is unbound, or is none of RDF's quads, is passed over.
                if (
                    isinstance(subject, _NODES)
                    and isinstance(predicate, ox.NamedNode)
                    and object is not None
                    and isinstance(graph, _GRAPHS)
                ):
                    sink.add(quad_of(subject, predicate, object, graph))

        return put


def _is_open(term: Term | AnyGraph, slots: Mapping[Term | AnyGraph, int]) -> bool:
    return isinstance(term, ox.Triple) and any(part in slots for part in _terms(term))


def _maker(
    term: Term, slots: Mapping[Term | AnyGraph, int]
) -> Callable[[tuple[Any, ...]], Term | None]:
    """Return what makes ``term`` from the terms of a solution; None where it would be none."""
    if not isinstance(term, ox.Triple):
        place = slots.get(term)
        return (lambda _: term) if place is None else (lambda terms: terms[place])
    makers = [_maker(part, slots) for part in term]

    def make(terms: tuple[Any, ...]) -> Term | None:
        subject: Any
        subject, predicate, object = (part(terms) for part in makers)
        is_subject = isinstance(subject, _NODES)
        if is_subject and isinstance(predicate, ox.NamedNode) and object is not None:
            return ox.Triple(subject, predicate, object)
        return None

    return make


def _terms(item: ox.Quad | ox.Triple) -> Iterator[Term | AnyGraph]:
    """Yield the terms of a quad or triple, those inside of triple terms among them."""
    for term in item:
        if isinstance(term, ox.Triple):
            yield from _terms(term)
        else:
            yield term


def _blanks(item: ox.Quad | ox.Triple) -> Iterator[ox.BlankNode]:
    return (term for term in _terms(item) if isinstance(term, ox.BlankNode))


def in_graph(quads: Iterable[ox.Quad], unnamed: AnyGraph) -> set[ox.Quad]:
    """Return ``quads``, those of the default graph in the graph ``unnamed``."""
    if isinstance(unnamed, ox.DefaultGraph):
        return set(quads)
    return {
        ox.Quad(quad.subject, quad.predicate, quad.object, unnamed)
        if isinstance(quad.graph_name, ox.DefaultGraph)
        else quad
        for quad in quads
    }
