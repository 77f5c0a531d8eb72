"""How do the shape tests read Turtle, and what do they keep of a validation report?

As the server does: nothing is given to pySHACL as text or path.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyoxigraph as ox
import rdflib
from rdflib import Graph, URIRef
from rdflib.term import Node

from peninsula.namespaces import PREFIXES, shorten
from peninsula.shacl.validation import DataGraph, to_graph

ROOT: Final = Path(__file__).resolve().parents[2]
EXAMPLES: Final = Path(__file__).resolve().parent
SHAPES: Final = ROOT / "ontology" / "shapes"
SH: Final = rdflib.Namespace(PREFIXES["sh"])
_TURTLE: Final = ox.RdfFormat.TURTLE
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


def read(*paths: Path) -> DataGraph:
    """Return the triples of Turtle files as one rdflib graph."""
    # Blank nodes of different files are different nodes.
    parsed = (ox.parse(path=str(p), format=_TURTLE, rename_blank_nodes=True) for p in paths)
    return to_graph(itertools.chain.from_iterable(parsed))


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
