"""Where does each node of a network stand, and how wide is each tie drawn?

Nodes stand on an ellipse, each in a line of its own, so that every label can be read; nodes that
are strongly tied stand beside each other. The same network always looks the same. In a browser a
force layout begins from these places (``server/web/src/shared/force.ts``).

``to_graphml`` writes the network for other programs (http://graphml.graphdrawing.org/).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from peninsula.namespaces import expand

#: The height of a line in which a node and its label stand: a target for a finger, too. Where
#: there are few they stand further apart.
_LINE: Final = 26.0
_WIDEST_LINE: Final = 60.0
_LEAST_HEIGHT: Final = 340.0
_LEAST_WIDTH: Final = 210.0
_MARGIN: Final = 14.0
_GAP: Final = 8.0
_LONGEST_LABEL: Final = 34
_LATIN, _WIDE = 7.4, 14.0  # how wide a letter is, in units of the drawing
_RADII: Final = (5.0, 12.0)
_WIDTHS: Final = (1.3, 6.5)
#: How far a tie bends towards the middle, and how far ties of the same nodes stand apart.
_PULL: Final = 0.62
_APART: Final = 16.0
_MANY: Final = 70

_XMLNS: Final = "http://graphml.graphdrawing.org/xmlns"
_ROOT: Final = (
    f'<graphml xmlns="{_XMLNS}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xsi:schemaLocation="{_XMLNS} {_XMLNS}/1.0/graphml.xsd">'
)
_NMTOKEN: Final = re.compile(r"[\w:.-]+")
#: What XML 1.0 cannot hold, however it is written.
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Node:
    """Somebody or something that has ties; ``kind`` is a class of the style sheet."""

    id: str
    label: str
    path: str = ""
    kind: str = ""
    weight: float = 1.0
    #: Where the id does not say it.
    iri: str = ""


@dataclass(frozen=True)
class Edge:
    """A tie of two nodes, named by their ids; a weight below zero is drawn by its size."""

    source: str
    target: str
    weight: float = 1.0
    kind: str = ""
    label: str = ""
    path: str = ""


@dataclass(frozen=True)
class PlacedNode:
    """A node, where it stands, and where its label does."""

    node: Node
    x: float
    y: float
    radius: float
    #: The label as far as there is room for it.
    short: str
    label_x: float
    #: "start" where the label stands right of the node, "end" where it stands left.
    anchor: str
    #: How many other nodes it is tied to.
    degree: int


@dataclass(frozen=True)
class PlacedEdge:
    """A tie as a line: ``d`` is its path."""

    edge: Edge
    source_label: str
    target_label: str
    d: str
    width: float
    #: Several ties of the same two nodes bend differently: 0, 1, -1, 2 …
    bend: int


@dataclass(frozen=True)
class Network:
    """A drawing of a network."""

    width: float
    height: float
    nodes: tuple[PlacedNode, ...]
    edges: tuple[PlacedEdge, ...]

    @property
    def is_dense(self) -> bool:
        """Return whether there are so many ties that they must let others shine through."""
        return len(self.edges) > _MANY


def draw_network(nodes: Iterable[Node], edges: Iterable[Edge]) -> Network:
    """Return the drawing; ties to nodes that are not there, and of a node to itself, are left out.

    Of several nodes with the same id the first counts.
    """
    known = _by_id(nodes)
    ties = [
        edge
        for edge in edges
        if edge.source in known and edge.target in known and edge.source != edge.target
    ]
    order = arrange(list(known), ties)
    places, width, height = _places([known[name] for name in order])
    neighbours: dict[str, set[str]] = defaultdict(set)
    for tie in ties:
        neighbours[tie.source].add(tie.target)
        neighbours[tie.target].add(tie.source)
    weights = [node.weight for node in known.values()]
    placed = []
    for name in order:
        node, (x, y) = known[name], places[name]
        side = 1 if x >= width / 2 else -1
        placed.append(
            PlacedNode(
                node=node,
                x=x,
                y=y,
                radius=_scale(node.weight, weights, _RADII),
                short=shorten_label(node.label),
                label_x=round(x + side * (_RADII[1] + _GAP / 2), 1),
                anchor="start" if side == 1 else "end",
                degree=len(neighbours[name]),
            )
        )
    return Network(width, height, tuple(placed), _draw_edges(ties, known, places, width, height))


def _by_id(nodes: Iterable[Node]) -> dict[str, Node]:
    known: dict[str, Node] = {}
    for node in nodes:
        known.setdefault(node.id, node)
    return known


def _draw_edges(
    ties: Sequence[Edge],
    known: Mapping[str, Node],
    places: Mapping[str, tuple[float, float]],
    width: float,
    height: float,
) -> tuple[PlacedEdge, ...]:
    sizes = [abs(tie.weight) for tie in ties]
    seen: Counter[frozenset[str]] = Counter()
    lines = []
    # The strongest ties are drawn last, above the others.
    for tie in sorted(ties, key=lambda tie: (abs(tie.weight), tie.source, tie.target, tie.kind)):
        pair = frozenset((tie.source, tie.target))
        bend = (seen[pair] + 1) // 2 * (1 if seen[pair] % 2 else -1)
        seen[pair] += 1
        lines.append(
            PlacedEdge(
                edge=tie,
                source_label=known[tie.source].label,
                target_label=known[tie.target].label,
                d=_line(tie, places, (width / 2, height / 2), bend),
                width=_scale(abs(tie.weight), sizes, _WIDTHS, is_line=True),
                bend=bend,
            )
        )
    return tuple(lines)


def arrange(names: Sequence[str], edges: Iterable[Edge]) -> list[str]:
    """Return the ids of nodes in an order in which strongly tied ones are neighbours.

    The strongest ties first, each joins two chains at their ends; then the chains are strung
    together by the ties between them. What has no ties stands last.
    """
    strength: dict[str, dict[str, float]] = {name: {} for name in names}
    for edge in edges:
        if edge.source != edge.target:
            for one, other in ((edge.source, edge.target), (edge.target, edge.source)):
                strength[one][other] = strength[one].get(other, 0.0) + abs(edge.weight)
    chains = _chain([name for name in names if strength[name]], strength)
    result: list[str] = []
    attraction = [0.0] * len(chains)
    left = list(range(len(chains)))
    while left:
        best = max(left, key=lambda i: (attraction[i], len(chains[i]), -i))
        left.remove(best)
        result += chains[best]
        added = set(chains[best])
        for i in left:
            attraction[i] += sum(
                weight
                for name in chains[i]
                for other, weight in strength[name].items()
                if other in added
            )
    return result + [name for name in names if not strength[name]]


def _chain(names: Sequence[str], strength: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Return chains of nodes, made by joining ends by the strongest ties first."""
    rank = {name: place for place, name in enumerate(names)}
    chain_of = {name: [name] for name in names}
    pairs = sorted(
        (-weight, rank[one], rank[other])
        for one in names
        for other, weight in strength[one].items()
        if rank[one] < rank[other]
    )
    for _, first, second in pairs:
        one, other = names[first], names[second]
        before, after = chain_of[one], chain_of[other]
        if before is after or one not in _ends(before) or other not in _ends(after):
            continue
        if before[-1] != one:
            before.reverse()
        if after[0] != other:
            after.reverse()
        before.extend(after)
        for name in after:
            chain_of[name] = before
    seen: dict[int, list[str]] = {}
    for chain in chain_of.values():
        seen.setdefault(id(chain), chain)
    return list(seen.values())


def _ends(chain: Sequence[str]) -> tuple[str, str]:
    return chain[0], chain[-1]


def shorten_label(label: str) -> str:
    """Return as much of ``label`` as a drawing has room for."""
    label = " ".join(label.split())
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"


def _places(nodes: Sequence[Node]) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Return where each node stands, and the size of the drawing."""
    on_right = math.ceil(len(nodes) / 2)
    lines = max(on_right, 1)
    apart = max(_LINE, min(_WIDEST_LINE, _LEAST_HEIGHT / lines))
    tall = lines * apart / 2
    wide = max(_LEAST_WIDTH, tall * 1.2)
    room = max((_measure(shorten_label(node.label)) for node in nodes), default=0.0)
    middle_x = wide + _RADII[1] + _GAP + room + _MARGIN
    middle_y = tall + _MARGIN
    places = {}
    for place, node in enumerate(nodes):
        is_right = place < on_right
        # Clockwise: down the right side, then up the left one.
        line = place if is_right else len(nodes) - 1 - place
        y = (line + 0.5 - (on_right if is_right else len(nodes) - on_right) / 2) * apart
        # A little longer than the sides, so that the topmost two do not meet in the middle.
        x = wide * math.sqrt(max(0.0, 1 - (y / (tall + _LINE / 2)) ** 2))
        places[node.id] = (
            round(middle_x + (x if is_right else -x), 1),
            round(middle_y + y, 1),
        )
    return places, round(2 * middle_x, 1), round(2 * middle_y, 1)


def _measure(text: str) -> float:
    """Return about how wide ``text`` is."""
    return sum(_WIDE if unicodedata.east_asian_width(c) in "WF" else _LATIN for c in text)


def _line(
    edge: Edge, places: Mapping[str, tuple[float, float]], middle: tuple[float, float], bend: int
) -> str:
    """Return the path of a tie: a curve that keeps clear of the nodes between its ends."""
    (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
    half_x, half_y = (x1 + x2) / 2, (y1 + y2) / 2
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    # The same side of the line, whichever end is named first.
    way = 1 if (x1, y1) <= (x2, y2) else -1
    shift = 2 * bend * _APART * way / length
    x = half_x + _PULL * (middle[0] - half_x) - (y2 - y1) * shift
    y = half_y + _PULL * (middle[1] - half_y) + (x2 - x1) * shift
    return f"M{x1:g} {y1:g}Q{x:.1f} {y:.1f} {x2:g} {y2:g}"


def _scale(
    value: float, values: Sequence[float], bounds: tuple[float, float], *, is_line: bool = False
) -> float:
    """Return how large ``value`` is drawn: the width of a line or the area of a spot tells it."""
    most = max(values, default=0.0)
    if most <= 0 or value <= 0:
        return bounds[0]
    share = value / most if is_line else math.sqrt(value / most)
    return round(bounds[0] + (bounds[1] - bounds[0]) * share, 2)


# For other programs.

#: Key, what it belongs to, its type.
_KEYS: Final = (
    ("label", "node", "string"),
    ("kind", "node", "string"),
    ("weight", "node", "double"),
    ("iri", "node", "string"),
    ("label", "edge", "string"),
    ("kind", "edge", "string"),
    ("weight", "edge", "double"),
)


def to_graphml(nodes: Iterable[Node], edges: Iterable[Edge], *, directed: bool = False) -> bytes:
    """Return the network as GraphML; the label, kind and weight of each part, the IRI of a node.

    A node's id is that of ours where GraphML allows it (a prefixed name does), else a number.
    """
    given = list(_by_id(nodes).values())
    taken = {node.id for node in given}
    names = {}
    for place, node in enumerate(given):
        name = node.id if _NMTOKEN.fullmatch(node.id) else f"n{place}"
        while name != node.id and name in taken:
            name = f"{name}_"
        taken.add(name)
        names[node.id] = name
    direction = "directed" if directed else "undirected"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        _ROOT,
        *(
            f'  <key id="{part}-{name}" for="{part}" attr.name="{name}" attr.type="{type}"/>'
            for name, part, type in _KEYS
        ),
        f'  <graph id="network" edgedefault="{direction}">',
    ]
    for node in given:
        about: dict[str, str | float] = {
            "label": node.label,
            "kind": node.kind,
            "weight": node.weight,
            "iri": _iri(node),
        }
        lines += [
            f"    <node id={quoteattr(names[node.id])}>",
            *_data("node", about),
            "    </node>",
        ]
    serial = 0
    for edge in edges:
        if edge.source not in names or edge.target not in names:
            continue
        serial += 1
        data: dict[str, str | float] = {
            "label": edge.label,
            "kind": edge.kind,
            "weight": edge.weight,
        }
        ends = f"source={quoteattr(names[edge.source])} target={quoteattr(names[edge.target])}"
        lines += [f'    <edge id="e{serial}" {ends}>', *_data("edge", data), "    </edge>"]
    lines += ["  </graph>", "</graphml>", ""]
    return "\n".join(lines).encode()


def _data(part: str, values: Mapping[str, str | float]) -> list[str]:
    return [
        f'      <data key="{part}-{name}">{_escape(str(value))}</data>'
        for name, value in values.items()
        if value != ""
    ]


def _escape(text: str) -> str:
    return escape(_UNWRITABLE.sub("\ufffd", text))


def _iri(node: Node) -> str:
    if node.iri:
        return node.iri
    if node.id.startswith(("http://", "https://", "urn:")):
        return node.id
    try:
        return expand(node.id)
    except KeyError:
        return ""
