"""Would these files still conform, were they added to the graph?

Nothing is stored. The files are parsed, put beside the shipped statements, and the nodes whose
result they can change are judged by the shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyoxigraph as ox

from peninsula.errors import InvalidSource, place
from peninsula.formats import RDF_EXTENSIONS
from peninsula.knowledge import ONTOLOGY, Knowledge, parse_rdf, parse_turtle
from peninsula.loading import Progress
from peninsula.shacl.report import ValidationReport
from peninsula.shacl.shapes import read_shapes
from peninsula.shacl.validation import nodes_to_judge, to_graph, validate


def validate_files(
    knowledge: Knowledge, files: Sequence[Path], progress: Progress, *, alone: bool = False
) -> ValidationReport:
    """Return what the shapes find wrong with ``files`` beside the shipped graph.

    With ``alone``, beside the ontology only: then what the files point to must be in them.
    """
    progress("Reading", 0, 0)
    payload = to_graph((quad for path in files for quad in read_file(path)), skolemise=True)
    stated = [
        quad
        for graph, path in knowledge.sourced_files
        if graph == ONTOLOGY or not alone
        for quad in parse_turtle(path, graph)
    ]
    shapes = read_shapes(
        knowledge.shapes,
        (q for q in stated if q.graph_name == ox.NamedNode(ONTOLOGY)),
    )
    data = to_graph(stated)
    for triple in payload:
        data.add(triple)
    progress("Validating", 0, 0)
    return validate(data, shapes, nodes_to_judge(payload))


def read_file(path: Path) -> list[ox.Quad]:
    """Return the statements of a file in any RDF format, known by its ending."""
    format = RDF_EXTENSIONS.get(path.suffix.lower())
    if format is None or not isinstance(format.engine, ox.RdfFormat):
        raise InvalidSource(
            f"{place(path)}: “{path.suffix}” is the ending of no RDF format.",
            f"Known are {', '.join(RDF_EXTENSIONS)}.",
        )
    if not path.is_file():
        raise InvalidSource(f"{place(path)}: there is no such file.", "Mend the path.")
    return list(parse_rdf(path, format.engine))
