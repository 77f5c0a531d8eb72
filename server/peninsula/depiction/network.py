"""Which things of an answer are tied to each other: what of it is drawn as a network?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.columns import EVIDENCE, Column, find_tie, is_concept
from peninsula.dataset.interface import Row
from peninsula.depiction.answer import (
    NAMED,
    Answer,
    Depiction,
    Part,
    add_up,
    find_stance,
    read_stance,
    shorten_text,
)
from peninsula.drawing.charts import format_number
from peninsula.drawing.network import Edge, Node, draw_network
from peninsula.namespaces import shorten

_MOST_NODES: Final = 120
#: Pairs of names of which the first acts on the second.
_DIRECTED: Final = frozenset(
    {"subject", "source", "cause", "antecedent", "parent", "earlier", "broader"}
)
#: Words in the name of a column that says how things are tied.
_RELATIONS: Final = frozenset({"action", "relation", "kind", "topic", "object", "predicate"})


@dataclass(frozen=True)
class Ties:
    """A network as values, to be drawn or exported."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    is_directed: bool


def read_ties(answer: Answer) -> tuple[Ties, tuple[Part, ...]] | None:
    """Return the network that the answer is, whole."""
    tie = find_tie(answer.columns, answer.rows)
    if tie is None:
        return None
    ends = (tie.source, tie.target)
    weight = next((c for c in answer.columns if c.is_size), None)
    stance = find_stance(answer)
    stance = None if stance in ends else stance
    words = _find_relation(answer, [*ends, *([stance] if stance else [])]) or stance
    nodes: dict[str, Node] = {}
    gathered: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in answer.rows:
        drawn = [node for column in ends if (node := _draw_node(answer, row, column))]
        for node in drawn:
            nodes.setdefault(node.id, node)
        if len(drawn) == len(ends) and drawn[0].id != drawn[1].id:
            gathered[drawn[0].id, drawn[1].id, read_stance(answer, row, stance)].append(row)
    edges = []
    for (source, target, slug), rows in gathered.items():
        size = add_up(rows, weight)
        said = _say_tie(answer, rows, words)
        if weight:
            said = f"{said}; " * bool(said) + f"{answer.heading(weight)}: {format_number(size)}"
        names = f"{nodes[source].label} – {nodes[target].label}"
        label = f"{names}: {said}" if said else names
        edges.append(Edge(source, target, size, f"stance-{slug}" if slug else "", label))
    if not edges:
        return None
    parts = [answer.part("ties", *ends)]
    if weight:
        parts.append(answer.part("width", weight))
    if words:
        parts.append(answer.part("tip", words))
    is_directed = tie.source.name in _DIRECTED or tie.target.name in _DIRECTED
    return Ties(tuple(nodes.values()), tuple(edges), is_directed), tuple(parts)


def _find_relation(answer: Answer, without: Sequence[Column]) -> Column | None:
    """Return the column that says how things are tied."""
    return next(
        (
            column
            for column in answer.columns
            if column not in without
            and column.is_category
            and column.varies
            and column.kind != "number"
            and column.sort not in EVIDENCE
            and set(column.words) & _RELATIONS
        ),
        None,
    )


def _draw_node(answer: Answer, row: Row, column: Column) -> Node | None:
    term = row[column.index]
    if not isinstance(term, ox.NamedNode):
        return None
    name = shorten(term.value)
    sort = name.partition(":")[0] if ":" in name else ""
    kind = "concept" if is_concept(sort) or sort == "notion" else sort
    return Node(name, answer.name(row, column), answer.path(row, column), kind)


def _say_tie(answer: Answer, rows: Sequence[Row], relation: Column | None) -> str:
    if relation is None:
        return ""
    names = dict.fromkeys(name for row in rows if (name := answer.name(row, relation)))
    return ", ".join([shorten_text(name, 60) for name in names][:NAMED])


def depict_network(answer: Answer) -> Depiction | None:
    """Return a network where two columns hold things that are tied."""
    found = read_ties(answer)
    if found is None:
        return None
    ties, parts = found
    degrees: dict[str, float] = defaultdict(float)
    for edge in ties.edges:
        degrees[edge.source] += abs(edge.weight)
        degrees[edge.target] += abs(edge.weight)
    order = sorted(ties.nodes, key=lambda node: -degrees[node.id])
    kept = {node.id for node in order[:_MOST_NODES]}
    nodes = [
        Node(node.id, node.label, node.path, node.kind, max(degrees[node.id], 1.0))
        for node in ties.nodes
        if node.id in kept
    ]
    edges = [edge for edge in ties.edges if edge.source in kept and edge.target in kept]
    count = len(ties.nodes)
    is_cut = count > len(nodes)
    return Depiction(
        lambda: draw_network(nodes, edges),
        parts,
        0,
        len(nodes) if is_cut else 0,
        count if is_cut else 0,
    )
