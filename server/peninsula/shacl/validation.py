"""Do these data conform to the shapes?

pySHACL is the judge. It looks only at the nodes that may violate a shape, or that a change may
have touched; the report is the one it would write of the whole graph. It gets graphs, never text or
a path: pyoxigraph parses all files, and rdflib keeps every literal as it was written, so that an
ill-typed one is reported and not repaired in silence.

Regular expressions over the data run in Python here, where the engine's own could not clear a node.
They cannot be interrupted: whoever judges data of others does so in a process that can be killed.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox
from pyshacl.constraints.sparql.sparql_based_constraint_components import (
    SPARQLConstraintComponentValidator,
)
from pyshacl.errors import ReportableRuntimeError, ValidationFailure
from pyshacl.graph_abstraction import DataGraph as JudgedGraph
from pyshacl.pytypes import SHACLExecutor
from pyshacl.rdfutil.stringify import stringify_blank_node
from pyshacl.validator import Validator
from rdflib import RDF, BNode, Dataset, Graph, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.term import Node

from peninsula.dataset.delta import Delta, as_stored
from peninsula.errors import InvalidShapes
from peninsula.shacl.affected import TargetFinder, affected
from peninsula.shacl.model import SH, Shape, Shapes, first_line, read_model
from peninsula.shacl.report import ValidationReport, read_report
from peninsula.shacl.screen import Screen, Screening
from peninsula.shacl.view import (
    REWRITTEN,
    DataGraph,
    GraphName,
    Statements,
    Term,
    from_rdflib,
    graph_of,
)
from peninsula.turtle import to_rdflib

# An ill-typed literal is for the shapes to report; rdflib would log a traceback for each.
logging.getLogger("rdflib.term").setLevel(logging.ERROR)

#: A blank node of a file under validation gets a name, so that it can be pointed at.
SKOLEM: Final = "urn:x-peninsula:blank:"
#: What a severity may be for the data to be acceptable all the same.
_HARMLESS: Final = (SH.Warning, SH.Info)

Focus = Mapping[Node, Collection[Node]]


def validate(data_graph: Graph, shapes_graph: Graph) -> Graph | None:
    """Return the validation report of ``data_graph``; None where the shapes are malformed.

    It has the results that pySHACL writes of the whole graph, and sh:conforms as SHACL defines
    it: false if there is any result, a warning too.
    """
    try:
        shapes = read_model(shapes_graph)
        return _validate_graph(data_graph, shapes)
    except InvalidShapes:
        return None
    finally:
        # pySHACL keeps validators of components for ever, and their graphs with them.
        cache = SPARQLConstraintComponentValidator.validator_cache
        for key in [key for key in cache if key[0] == id(shapes_graph)]:
            del cache[key]


@dataclass(frozen=True)
class Validation:
    """A report, and how it came about."""

    report: Graph
    screening: Screening

    @property
    def judged(self) -> int:
        """How many pairs of shape and focus node pySHACL looked at."""
        return sum(map(len, self.screening.suspects.values()))


def validate_store(
    store: ox.Store,
    shapes: Shapes,
    *,
    graphs: Collection[GraphName] | None = None,
    focus: Mapping[Node, Collection[Term]] | None = None,
    threads: int = 1,
) -> Validation:
    """Validate the data in ``store``, as the engine gives them back; raises InvalidShapes.

    ``graphs`` None: the union of all. ``focus`` names, by shape, the only nodes to validate;
    they must be focus nodes of the shape. ``threads`` screen at the same time.
    """
    screen = Screen(shapes, store, graphs, threads)
    screening = screen.all() if focus is None else screen.some(focus)
    return Validation(
        judge_nodes(graph_of(screen.statements), shapes, screening.suspects), screening
    )


def validate_quads(quads: Iterable[ox.Quad], shapes: Shapes, *, threads: int = 1) -> Validation:
    """Validate statements as they are written, whichever graphs they stand in.

    Literals that the engine would store otherwise are judged as they are. Raises InvalidShapes.
    """
    quads = list(quads)
    stored = as_stored(quads)
    odd = {a: b for a, b in zip(quads, stored, strict=True) if a != b or _is_rewritten(a)}
    store = ox.Store()
    store.bulk_extend(stored)
    screen = Screen(shapes, store, threads=threads)
    screening = screen.all()
    statements = screen.statements
    if odd:
        hidden = set(odd.values())
        # “1” is hidden with “01”, and shown again where it is stated, too.
        shown = [quad for quad in quads if quad in odd or quad in hidden]
        statements = Statements(store, hidden=hidden, shown=shown)
        changed = affected(shapes, Delta(added=set(shown)), store)
        suspects = {node: set(terms) for node, terms in screening.suspects.items()}
        targets = TargetFinder(statements)
        for shape in shapes.targeted:
            terms = targets.all(shape) if changed.everything else changed.pairs.get(shape.node, ())
            suspects.setdefault(shape.node, set()).update(terms)
        there = {
            node: frozenset(term for term in terms if targets.has(shapes[node], term))
            for node, terms in suspects.items()
        }
        screening = Screening({n: t for n, t in there.items() if t}, screening.coverage)
    report = judge_nodes(graph_of(statements), shapes, screening.suspects)
    return Validation(report, screening)


def _is_rewritten(quad: ox.Quad) -> bool:
    return isinstance(quad.object, ox.Literal) and quad.object.datatype in REWRITTEN


def judge_nodes(
    data: Graph, shapes: Shapes, focus: Mapping[Node, Collection[Term | Node]]
) -> Graph:
    """Return pySHACL's report about these focus nodes of these shapes; raises InvalidShapes."""
    executor = SHACLExecutor()
    # It remembers blank nodes by the address of their graph, which another may have had before.
    stringify_blank_node.dict_cache.clear()
    graph = _judged(data)
    conforms, results = True, []
    try:
        for shape in list(shapes.judge.shapes):
            if terms := focus.get(shape.node):
                named = {_stored(n): n for n in shapes[shape.node].targets.nodes}
                nodes = [
                    t if isinstance(t, Node) else named[t] if t in named else to_rdflib(t)
                    for t in terms
                ]
                try:
                    does, found = shape.validate(executor, graph, focus=nodes)
                except TypeError:
                    with _incomparable_is_not_less():
                        does, found = shape.validate(executor, graph, focus=nodes)
                conforms = conforms and does
                results.extend(found)
        report, _ = Validator.create_validation_report(shapes.judge, conforms, results)
    except (ReportableRuntimeError, ValidationFailure) as error:
        raise InvalidShapes(f"A shape cannot be used: {error.message}") from error
    except Exception as error:
        # pySHACL lets the errors of rdflib's SPARQL parser and of its own helpers through.
        raise InvalidShapes(f"A shape cannot be used: {first_line(error)}") from error
    assert isinstance(report, Graph)
    return report


def _stored(node: Node) -> Term | None:
    try:
        return from_rdflib(node)
    except ValueError:
        return None


@contextlib.contextmanager
def _incomparable_is_not_less() -> Iterator[None]:
    """Let rdflib say no where it cannot compare two literals, such as a date with no date.

    Two values that cannot be compared are a result of sh:lessThan (SHACL, 4.5.3); pySHACL, which
    means to say so, is stopped by rdflib's TypeError. Only for the shape that met such values.
    """
    less, less_or_equal = RdfLiteral.__lt__, RdfLiteral.__le__

    def quiet(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
        def answer(self: Any, other: Any) -> bool:
            try:
                found = compare(self, other)
            except TypeError:
                return False
            return found is not NotImplemented and bool(found)

        return answer

    RdfLiteral.__lt__ = quiet(less)  # type: ignore[method-assign]
    RdfLiteral.__le__ = quiet(less_or_equal)  # type: ignore[method-assign]
    try:
        yield
    finally:
        RdfLiteral.__lt__ = less  # type: ignore[method-assign]
        RdfLiteral.__le__ = less_or_equal  # type: ignore[method-assign]


def _judged(data: Graph) -> Any:
    graph: Any = JudgedGraph.from_rdflib(data)
    if graph.is_multigraph():
        graph.default_union = True
    return graph


def _validate_graph(data: Graph, shapes: Shapes) -> Graph:
    suspects: Mapping[Node, Collection[Node]] | None
    try:
        suspects = _Copy(data).suspects(shapes)
    except ValueError:
        suspects = None  # The engine does not know one of the terms.
    return judge_nodes(data, shapes, _targets(data, shapes) if suspects is None else suspects)


def _targets(data: Graph, shapes: Shapes) -> dict[Node, list[Node]]:
    """Return all focus nodes, as pySHACL finds them."""
    graph = _judged(data)
    return {
        shape.node: list(shape.focus_nodes(graph))
        for shape in shapes.judge.shapes
        if not shape.deactivated
    }


class _Copy:
    """An rdflib graph in an Oxigraph store, for screening; raises ValueError where it has none.

    The engine stores literals by value. Where that makes another term of one, or one of two, the
    nodes whose result it may change are suspects, whatever their conditions say.
    """

    def __init__(self, data: Graph) -> None:
        self._data = data
        self._terms: dict[Node, Term] = {}
        self._nodes: dict[Term, list[Node]] = {}
        quads, literals = [], []
        for s, p, o, *_ in data.quads() if isinstance(data, Dataset) else data:
            subject, predicate = self._convert(s), self._convert(p)
            if isinstance(subject, ox.Literal) or not isinstance(predicate, ox.NamedNode):
                raise ValueError("a statement that RDF does not allow")  # noqa: TRY004
            quad = ox.Quad(subject, predicate, self._convert(o))
            quads.append(quad)
            literals.append(o)
        self.store = ox.Store()
        self.store.bulk_extend(quads)
        self._odd: list[ox.Quad] = []
        for quad, stored, node in zip(quads, as_stored(quads), literals, strict=True):
            if quad != stored or _is_rewritten(quad):
                self._odd.append(stored)
                term: Any = stored.object
                self._nodes.setdefault(term, []).append(node)

    def _convert(self, node: Node) -> Term:
        term = self._terms.get(node)
        if term is None:
            try:
                term = from_rdflib(node)
            except ValueError:
                if not isinstance(node, BNode):
                    raise
                term = ox.BlankNode()
            self._terms[node] = term
            self._nodes.setdefault(term, []).append(node)
        return term

    def suspects(self, shapes: Shapes) -> dict[Node, set[Node]] | None:
        """Return the suspects by shape; None: all focus nodes."""
        screen = Screen(shapes, self.store)
        found = {node: set(terms) for node, terms in screen.all().suspects.items()}
        if self._odd:
            changed = affected(shapes, Delta(added=set(self._odd)), self.store)
            if changed.everything:
                return None
            for node, terms in changed.pairs.items():
                found.setdefault(node, set()).update(terms)
        return {
            node: {own for term in terms for own in self._own(shapes[node], term)}
            for node, terms in found.items()
        }

    def _own(self, shape: Shape, term: Term) -> Iterable[Node]:
        """Return the nodes of the graph that became ``term``, and targets that are named so."""
        nodes = self._nodes.get(term, [])
        if isinstance(term, ox.Literal) or not nodes:
            targets = shape.targets
            named = [node for node in targets.nodes if _is(node, term)]
            if isinstance(term, ox.Literal):
                nodes = [
                    node
                    for node in dict.fromkeys(nodes)
                    if any((None, p, node) in self._data for p in targets.objects_of)
                ]
            nodes = list(dict.fromkeys([*nodes, *named]))
        return nodes


def _is(node: Node, term: Term) -> bool:
    own = _stored(node)
    return own is not None and term in (own, as_stored([ox.Quad(_S, _S, own)])[0].object)


_S: Final = ox.NamedNode("urn:x")


# What the command line and the loading of the shipped knowledge use.


def judge_quads(quads: Iterable[ox.Quad], shapes: Graph) -> ValidationReport:
    """Return what ``shapes`` find wrong with ``quads``, as they are written.

    Only sh:Violation keeps data from conforming. Raises InvalidShapes.
    """
    quads = list(quads)
    report = validate_quads(quads, read_model(shapes)).report
    return read_report(tolerant(report), graph_of(Statements(ox.Store(), shown=quads)))


def judge(
    data: Graph, shapes: Graph, focus_nodes: Collection[Node] | None = None
) -> ValidationReport:
    """Return what ``shapes`` find wrong with ``data``, or with its ``focus_nodes`` alone.

    Only sh:Violation keeps data from conforming. Raises InvalidShapes.
    """
    model = read_model(shapes)
    if focus_nodes is None:
        graph = _validate_graph(data, model)
    else:
        wanted = set(focus_nodes)
        targets = {node: wanted.intersection(t) for node, t in _targets(data, model).items()}
        graph = judge_nodes(data, model, targets)
    return read_report(tolerant(graph), data)


def tolerant(report: Graph) -> Graph:
    """Let a report conform whose results are warnings and notes, as the commit gate does."""
    for node in list(report.subjects(RDF.type, SH.ValidationReport)):
        severities = (
            severity
            for result in report.objects(node, SH.result)
            for severity in report.objects(result, SH.resultSeverity)
        )
        conforms = all(severity in _HARMLESS for severity in severities)
        report.set((node, SH.conforms, RdfLiteral(conforms)))
    return report


def to_graph(statements: Iterable[ox.Quad | ox.Triple], *, skolemise: bool = False) -> DataGraph:
    """Return the triples of ``statements`` as an rdflib graph."""
    graph = DataGraph()
    convert = _skolemise if skolemise else to_rdflib
    for statement in statements:
        graph.add((
            convert(statement.subject),
            to_rdflib(statement.predicate),
            convert(statement.object),
        ))  # fmt: skip
    return graph


def _skolemise(term: object) -> Node:
    return URIRef(f"{SKOLEM}{term.value}") if isinstance(term, ox.BlankNode) else to_rdflib(term)
