"""How is a Turtle file laid out, so that a person can read, edit and compare it?

One layout for every file: a leading comment block, the prefixes in use, then one block per
subject in sorted order, with sorted predicates and objects. Formatting a formatted file
changes nothing. The layout is rdflib's ``longturtle``; parsing is pyoxigraph's, which reports
the line and column of a mistake. Comments below the first block of them are not kept:
remarks belong in ``skos:editorialNote`` or ``skos:scopeNote``.
"""

from __future__ import annotations

import re
from typing import Final

import pyoxigraph as ox
from rdflib import BNode, Graph, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.term import Node

from peninsula.namespaces import PREFIXES

XSD_STRING: Final = PREFIXES["xsd"] + "string"
_HEADER: Final = re.compile(r"\A(?:#[^\n]*\n|[ \t]*\n)*")


def format_turtle(text: str) -> str:
    """Return Turtle ``text`` in the project's layout.

    Raises SyntaxError, with line and column, where ``text`` is not Turtle.
    """
    graph = Graph(bind_namespaces="none")
    for prefix, iri in PREFIXES.items():
        graph.bind(prefix, iri, override=True, replace=True)
    dataset = ox.Dataset(ox.parse(text.encode(), format=ox.RdfFormat.TURTLE))
    # Canonical blank node names make the order of blocks a matter of content alone.
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    for quad in dataset:
        graph.add((to_rdflib(quad.subject), to_rdflib(quad.predicate), to_rdflib(quad.object)))
    header = _HEADER.match(text)
    comments = [line for line in (header.group() if header else "").splitlines() if line]
    body = graph.serialize(format="longturtle").strip("\n") + "\n"
    return "\n".join([*comments, "", body]) if comments else body


def to_rdflib(term: object) -> Node:
    """Return the rdflib counterpart of a pyoxigraph term, with its literal as it was written."""
    match term:
        case ox.NamedNode():
            return URIRef(term.value)
        case ox.BlankNode():
            return BNode(term.value)
        case ox.Literal():
            if term.language:
                return RdfLiteral(term.value, lang=term.language)
            if term.datatype.value == XSD_STRING:
                return RdfLiteral(term.value)
            # "01"^^xsd:integer must not turn into "1" on the way. The global switch for that does
            # not last: pySHACL turns it on again after each validation.
            return RdfLiteral(term.value, datatype=URIRef(term.datatype.value), normalize=False)
        case _:
            raise TypeError(f"no rdflib counterpart for {term!r}")
