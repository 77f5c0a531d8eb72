"""Do these data conform to the shapes?

pySHACL is the judge. It gets rdflib graphs in memory, never text or a path: pyoxigraph parses
all files, and rdflib keeps every literal as it was written, so that an ill-typed one is
reported and not repaired in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import pyoxigraph as ox
import pyshacl
import rdflib
from pyshacl.errors import ReportableRuntimeError
from rdflib import BNode, Graph, URIRef
from rdflib.plugins.sparql import prepareQuery
from rdflib.query import Result
from rdflib.term import Node

from peninsula.errors import InvalidShapes
from peninsula.namespaces import BASE
from peninsula.shacl.report import SH, ValidationReport, read_report
from peninsula.turtle import to_rdflib

# An ill-typed literal is for the shapes to report; rdflib would log a traceback for each.
logging.getLogger("rdflib.term").setLevel(logging.ERROR)

#: A blank node of a file under validation gets a name, because pySHACL takes only names as focus.
SKOLEM: Final = "urn:x-peninsula:blank:"


class DataGraph(Graph):
    """An rdflib graph that parses each SPARQL text once.

    pySHACL asks the same query for every focus node, and parsing it takes rdflib far longer
    than answering it.
    """

    def query(self, query_object: Any, *args: Any, **kwargs: Any) -> Result:
        if isinstance(query_object, str):
            query_object = _prepare(query_object)
        return super().query(query_object, *args, **kwargs)


@cache
def _prepare(text: str) -> Any:
    return prepareQuery(text)


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


def nodes_to_judge(graph: Graph) -> list[URIRef]:
    """Return the nodes whose results the triples of ``graph`` can change at once.

    Those are its subjects, and the things of ours that it points to: a vote makes a difference
    to its resolution.
    """
    things = {s for s in graph.subjects() if isinstance(s, URIRef)}
    things |= {o for o in graph.objects() if isinstance(o, URIRef) and o.startswith(f"{BASE}id/")}
    return sorted(things)


def validate(
    data: Graph, shapes: Graph, focus_nodes: list[URIRef] | None = None
) -> ValidationReport:
    """Return what ``shapes`` find wrong with ``data``, or with its ``focus_nodes`` alone."""
    if focus_nodes is not None and not focus_nodes:
        return _nothing_wrong(data)
    try:
        _, report, text = pyshacl.validate(
            data,
            shacl_graph=shapes,
            focus_nodes=list(focus_nodes) if focus_nodes else None,
            allow_warnings=True,
            inplace=True,
        )
    except ReportableRuntimeError as error:
        raise InvalidShapes(f"A shape cannot be used: {error.message}") from error
    except Exception as error:
        # pySHACL lets the errors of rdflib's SPARQL parser and of its own helpers through.
        raise InvalidShapes(f"A shape cannot be used: {_first_line(error)}") from error
    if not isinstance(report, Graph):
        raise InvalidShapes(f"A shape cannot be used: {_first_line(report or text)}")
    return read_report(report, data)


def _nothing_wrong(data: Graph) -> ValidationReport:
    report = Graph()
    node = BNode()
    report.add((node, rdflib.RDF.type, SH.ValidationReport))
    report.add((node, SH.conforms, rdflib.Literal(True)))
    return read_report(report, data)


def _first_line(error: object) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
