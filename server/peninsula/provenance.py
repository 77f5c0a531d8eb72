"""On whose word does a statement stand: in which named graph, by which source, how far verified?

Sources belong to a node and a graph: a state has other sources in the record than in the
commentary. So what is told beside a statement is what its own graph says of its subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select_about
from peninsula.labels import name_of
from peninsula.namespaces import expand
from peninsula.tables import Cell, make_cell
from peninsula.terms import iri_of

#: The graph of what the rules of the ontology add.
INFERRED: Final = expand("graph:inferred")
_SOURCE: Final = expand("dcterms:source")
_CITATION: Final = expand("pen:citation")
_DERIVED: Final = tuple(expand(name) for name in ("prov:wasDerivedFrom", "pen:evidencedBy"))
_VERIFICATION: Final = expand("pen:hasVerification")
_NOTE: Final = expand("pen:verificationNote")
_INCOMPLETE: Final = expand("pen:hasIncompleteSource")
#: What tells where a node is from.
PROPERTIES: Final = frozenset({_SOURCE, _CITATION, *_DERIVED, _VERIFICATION, _NOTE, _INCOMPLETE})
#: Statements read of the nodes asked about at once.
_MOST: Final = 20_000
_STATEMENTS: Final = """
SELECT DISTINCT ?node ?graph ?property ?value WHERE {{
  VALUES ?node {{ {things} }}
  {{ GRAPH ?graph {{ ?node ?property ?value }} }}
  UNION {{ ?node ?property ?value FILTER NOT EXISTS {{ GRAPH ?any {{ ?node ?property ?value }} }} }}
}} LIMIT {limit}
"""


@dataclass(frozen=True)
class Statement:
    """A property and a value of a node; ``graph`` is empty where it stands in the default one."""

    property: str
    value: Term
    graph: str


#: Node -> its statements.
Statements = Mapping[str, list[Statement]]


@dataclass(frozen=True)
class Provenance:
    """What is known of where a statement, or all of a node, is from."""

    #: The node whose sources these are.
    node: Cell
    #: Named graphs that hold it; a cell without an IRI is the default graph.
    graphs: tuple[Cell, ...] = ()
    #: Addresses.
    sources: tuple[Cell, ...] = ()
    #: Sources in words, where there is no address.
    citations: tuple[str, ...] = ()
    #: Claims, or whatever else it was derived from.
    derived: tuple[Cell, ...] = ()
    verifications: tuple[Cell, ...] = ()
    notes: tuple[Cell, ...] = ()
    is_incomplete: bool = False
    #: Whether nothing states it: the rules of the ontology add it.
    is_inferred: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether there is no more to say than the graph."""
        return not (self.sources or self.citations or self.derived or self.verifications)


def read_statements(
    dataset: Dataset, nodes: Iterable[str], *, most: int = _MOST
) -> dict[str, list[Statement]]:
    """Return the statements about each of ``nodes``, what is inferred included."""
    found: dict[str, list[Statement]] = {}
    for node, graph, property, value in select_about(dataset, _STATEMENTS, nodes, limit=most):
        if isinstance(node, ox.NamedNode) and isinstance(property, ox.NamedNode) and value:
            statement = Statement(property.value, value, iri_of(graph))
            found.setdefault(node.value, []).append(statement)
    return found


def tell_provenance(
    node: str,
    statements: Iterable[Statement],
    labels: dict[str, str],
    graphs: Iterable[str] | None = None,
) -> Provenance:
    """Return where what ``graphs`` say of ``node`` is from; default: every graph that states it."""
    known = [s for s in statements if s.property in PROPERTIES]
    if graphs is None:
        all_of = {s.graph for s in statements}
        graphs = all_of - {INFERRED} or all_of
    chosen = sorted(set(graphs))
    own = [s for s in known if s.graph in chosen]
    # A graph that only names the thing tells nothing; what others know of it is better than that.
    if not own and chosen != [INFERRED]:
        own = [s for s in known if s.graph != INFERRED]

    def cells(*properties: str) -> tuple[Cell, ...]:
        found = {make_cell(s.value, labels) for s in own if s.property in properties}
        return tuple(sorted(found, key=lambda cell: (cell.text.casefold(), cell.iri)))

    sources = cells(_SOURCE)
    return Provenance(
        node=Cell(name_of(node, labels), node),
        graphs=tuple(
            Cell(name_of(graph, labels), graph) if graph else Cell("") for graph in chosen
        ),
        sources=tuple(cell for cell in sources if cell.iri),
        citations=tuple(
            dict.fromkeys(
                [cell.text for cell in sources if not cell.iri]
                + [cell.text for cell in cells(_CITATION)]
            )
        ),
        derived=cells(*_DERIVED),
        verifications=cells(_VERIFICATION),
        notes=cells(_NOTE),
        is_incomplete=any(s.property == _INCOMPLETE for s in own),
        is_inferred=chosen == [INFERRED],
    )


def terms_of(statements: Iterable[Statement]) -> set[Term]:
    """Return every term in ``statements`` that may have a label."""
    found: set[Term] = set()
    for statement in statements:
        found.add(ox.NamedNode(statement.property))
        # Addresses of sources have no labels, and there are many of them.
        if statement.property != _SOURCE:
            found.add(statement.value)
        if statement.graph:
            found.add(ox.NamedNode(statement.graph))
    return found
