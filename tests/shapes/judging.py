"""How do the shape tests read Turtle, and what do they keep of a validation report?

Nothing is given to pySHACL as text or path: pyoxigraph parses, and rdflib keeps every literal
as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import rdflib
from rdflib import BNode, Graph, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.plugins.sparql import prepareQuery
from rdflib.term import IdentifiedNode, Node

from peninsula.namespaces import PREFIXES, shorten

rdflib.NORMALIZE_LITERALS = False

ROOT: Final = Path(__file__).resolve().parents[2]
EXAMPLES: Final = Path(__file__).resolve().parent
SHAPES: Final = ROOT / "ontology" / "shapes"
SH: Final = rdflib.Namespace(PREFIXES["sh"])
TYPE: Final = URIRef(PREFIXES["rdf"] + "type")


@dataclass(frozen=True, order=True)
class Result:
    """One validation result, in prefixed names, with "-" for no path or constraint."""

    focus: str
    path: str
    component: str
    shape: str
    constraint: str

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in vars(self).items() if value != "-")


class PreparedGraph(Graph):
    """A graph that parses each SPARQL text once.

    pySHACL asks the same query for every focus node, and rdflib's parser takes a hundred times
    longer than the answer.
    """

    def query(self, query_object: Any, *args: Any, **kwargs: Any) -> rdflib.query.Result:
        if isinstance(query_object, str):
            query_object = _prepare(query_object)
        return super().query(query_object, *args, **kwargs)


@cache
def _prepare(text: str) -> Any:
    return prepareQuery(text)


def read(*paths: Path) -> Graph:
    """Return the triples of Turtle files as one rdflib graph."""
    graph = PreparedGraph()
    for path in paths:
        scope = path.name  # Blank nodes of different files are different nodes.
        for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
            subject, predicate = _term(quad.subject, scope), _term(quad.predicate, scope)
            graph.add((subject, predicate, _term(quad.object, scope)))
    return graph


def _term(term: object, scope: str) -> IdentifiedNode | RdfLiteral:
    match term:
        case ox.NamedNode():
            return URIRef(term.value)
        case ox.BlankNode():
            return BNode(f"{scope}-{term.value}")
        case ox.Literal() if term.language:
            return RdfLiteral(term.value, lang=term.language)
        case ox.Literal() if term.datatype.value == PREFIXES["xsd"] + "string":
            return RdfLiteral(term.value)
        case ox.Literal():
            return RdfLiteral(term.value, datatype=URIRef(term.datatype.value))
    raise TypeError(f"no rdflib counterpart for {term!r}")


def closure(graph: Graph, root: URIRef) -> Graph:
    """Return what ``graph`` says about ``root`` and everything it refers to."""
    part = Graph()
    queue: list[Node] = [root]
    seen: set[Node] = {root}
    while queue:
        for triple in graph.triples((queue.pop(), None, None)):
            part.add(triple)
            if triple[1] != TYPE and triple[2] not in seen:
                seen.add(triple[2])
                queue.append(triple[2])
    return part


def results(
    report: Graph, severities: Iterable[str] = ("Violation", "Warning", "Info")
) -> Iterator[Result]:
    """Yield the results of a validation report."""
    for severity in severities:
        for node in report.subjects(SH.resultSeverity, SH[severity]):
            if (None, SH.result, node) in report:
                yield Result(
                    focus=name(report.value(node, SH.focusNode)),
                    path=path_name(report, report.value(node, SH.resultPath)),
                    component=name(report.value(node, SH.sourceConstraintComponent)),
                    shape=name(report.value(node, SH.sourceShape)),
                    constraint=name(report.value(node, SH.sourceConstraint)),
                )


def name(term: Node | None) -> str:
    return "-" if term is None else shorten(str(term)) if isinstance(term, URIRef) else term.n3()


def path_name(graph: Graph, path: Node | None) -> str:
    """Return a SHACL path in the syntax of SPARQL, without spaces."""
    if path is None or isinstance(path, URIRef):
        return name(path)
    if (inverse := graph.value(path, SH.inversePath)) is not None:
        return "^" + path_name(graph, inverse)
    if (alternatives := graph.value(path, SH.alternativePath)) is not None:
        return "|".join(path_name(graph, step) for step in graph.items(alternatives))
    return "/".join(path_name(graph, step) for step in graph.items(path))
