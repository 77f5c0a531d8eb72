"""How are actors shown as a network?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import pyoxigraph as ox
from flask import Blueprint, Response, jsonify, request

from peninsula.discourse import Statement, Tie
from peninsula.drawing.network import Edge, Node, draw_network, to_graphml
from peninsula.errors import NotFound, UnknownResource
from peninsula.formats import CSV, GRAPHML, HTML, PLAIN_JSON, Format, find
from peninsula.labels import find_labels
from peninsula.namespaces import expand
from peninsula.negotiation import choose
from peninsula.network_settings import OTHER_STANCES, Settings, read_settings
from peninsula.serialization import write_csv
from peninsula.tables import Cell, make_cell
from peninsula.ties import (
    MOST_NODES_IN_FILES,
    Member,
    TieNetwork,
    look_of,
    make_network,
)
from peninsula.topics import list_topics
from peninsula.views.answers import answer
from peninsula.views.site import accepted, dataset, language, link_here, local_path, render

blueprint = Blueprint("network", __name__)

MATRIX_CSV: Final = Format("matrix.csv", "text/csv", "matrix.csv", "CSV")
MATRIX_JSON: Final = Format("matrix.json", "application/json", "matrix.json", "JSON")
FORMATS: Final = (PLAIN_JSON, GRAPHML, CSV, MATRIX_CSV, MATRIX_JSON)
#: What a page shows at most; files have all.
_MOST_ROWS: Final = 200
_MOST_LINES: Final = 400
_MOST_COMMON: Final = 200


@blueprint.get("/network")
@blueprint.get("/network.<extension>")
def network(extension: str = "") -> Response:
    """Show a network of actors or concepts, or send it."""
    if extension and not find(extension, (*FORMATS, HTML)):
        raise NotFound(
            f"There is no network in the format “{extension}”.",
            f"There are: {', '.join(format.extension for format in FORMATS)}.",
        )
    name = extension or request.args.get("format")
    format = choose(accepted(), (*FORMATS, HTML), name=name)
    settings = read_settings(request.args)
    if format is HTML:
        return answer(lambda: _page(settings))

    def send() -> Response:
        made = make_network(dataset(), settings, language(), most_nodes=MOST_NODES_IN_FILES)
        return _WRITERS[format.name](made)

    return answer(send)


# The page.


@dataclass(frozen=True)
class _Row:
    """A tie in the table."""

    first: Member
    second: Member
    rule: str
    look: str
    weight: float
    text: str
    common: int
    path: str


@dataclass(frozen=True)
class _Evidence:
    """What one concept adds to a tie: when, and what each side says of it."""

    concept: Cell
    when: str
    sides: tuple[list[_Said], ...]


@dataclass(frozen=True)
class _Said:
    stance: str
    word: str
    source: Cell
    when: str


def _page(settings: Settings) -> Response:
    state = dataset()
    made = make_network(state, settings, language())
    members = {member.id: member for member in made.nodes}
    ties = made.ties
    rows = [_make_row(rule, tie, members) for rule, tie in ties[:_MOST_LINES]]
    shown = made.nodes if settings.isolates else [m for m in made.nodes if m.id in made.tied]
    drawn = draw_network(
        [Node(m.id, m.label, local_path(m.iri), m.kind, m.weight, m.iri) for m in shown],
        [_draw(row, settings) for row in rows],
    )
    about: tuple[Member, Member] | None = None
    evidence: list[_Evidence] = []
    if request.args.get("a") and request.args.get("b"):
        about = (made.find(request.args["a"]), made.find(request.args["b"]))
        evidence = _explain(made, *about)
    topics = list_topics(state, language()) if settings.of == "stances" else []
    if settings.topic and settings.topic not in {topic.name for topic in topics}:
        raise _unknown_topic(settings.topic, [topic.name for topic in topics])
    page = render(
        "network.html",
        settings=settings,
        made=made,
        members=members,
        drawn=drawn,
        kinds=sorted({member.kind for member in shown}),
        rows=rows[:_MOST_ROWS],
        tie_count=len(ties),
        drawn_count=len(rows),
        lone_count=len(made.nodes) - len(made.tied),
        topics=topics,
        others=OTHER_STANCES,
        about=about,
        evidence=evidence[:_MOST_COMMON],
        is_evidence_cut=len(evidence) > _MOST_COMMON,
        again=[
            (name, value)
            for name, value in request.args.items(multi=True)
            if value and name not in {"a", "b", "format"}
        ],
    )
    return Response(page, content_type=HTML.content_type)


def _unknown_topic(name: str, known: Sequence[str]) -> UnknownResource:
    words = set(name.partition(":")[2].split("-"))
    near = [other for other in known if words & set(other.partition(":")[2].split("-"))]
    return UnknownResource(
        f"There is no topic “{name}”.",
        f"Perhaps: {', '.join(near[:5])}." if near else "The form lists the topics.",
    )


def _make_row(rule: str, tie: Tie, members: dict[str, Member]) -> _Row:
    return _Row(
        members[tie.source],
        members[tie.target],
        rule,
        look_of(rule, tie),
        tie.weight,
        format_weight(tie.weight),
        tie.common,
        link_here(a=tie.source, b=tie.target, format=None) + "#evidence",
    )


def format_weight(weight: float) -> str:
    """Return a weight as a reader wants to see it."""
    return str(round(weight)) if weight == round(weight) else f"{weight:.3f}"


def _draw(row: _Row, settings: Settings) -> Edge:
    if settings.is_affiliation and settings.rule == "combine":
        # The number of a combination is no size.
        return Edge(row.first.id, row.second.id, 1.0, row.look, "", row.path)
    return Edge(row.first.id, row.second.id, row.weight, row.look, row.text, row.path)


def _explain(made: TieNetwork, one: Member, other: Member) -> list[_Evidence]:
    """Return what the tie of two nodes was counted from."""
    found = made.common(one, other)
    vocabulary = "vote-choice" if made.settings.of == "votes" else "stance"
    said = [s for common in found for s in (*common.first, *common.second)]
    words = {s.stance: f"{vocabulary}:{s.stance}" for s in said if s.stance}
    terms = {
        *(common.concept for common in found),
        *(s.source for s in said),
        *map(expand, words.values()),
    }
    labels = find_labels(dataset(), [ox.NamedNode(iri) for iri in terms if iri], language())

    def side(statements: Iterable[Statement]) -> list[_Said]:
        return [
            _Said(
                s.stance,
                labels.get(expand(words[s.stance]), s.stance) if s.stance else "",
                make_cell(ox.NamedNode(s.source), labels),
                _format_time(s.start, s.end),
            )
            for s in statements
        ]

    return [
        _Evidence(
            make_cell(ox.NamedNode(common.concept), labels),
            _format_time(common.first[0].start, common.first[0].end),
            (side(common.first), side(common.second)),
        )
        for common in found
    ]


def _format_time(start: date | None, end: date | None) -> str:
    if start is None and end is None:
        return ""
    if start == end:
        return str(start)
    is_of_years = all(
        day is None or (day.month, day.day) == edge
        for day, edge in ((start, (1, 1)), (end, (12, 31)))
    )
    first, last = (
        ("…" if day is None else str(day.year if is_of_years else day)) for day in (start, end)
    )
    return first if first == last else f"{first} – {last}"


# Files.


def _number(weight: float) -> float | int:
    return int(weight) if weight == int(weight) else weight


def _write_json(made: TieNetwork) -> Response:
    settings = {
        name: str(value) if isinstance(value, date) else value
        for name, value in asdict(made.settings).items()
        if value is not None
    }
    return jsonify(
        {
            "settings": settings,
            "nodes": [asdict(member) for member in made.nodes],
            "ties": [
                {
                    "source": tie.source,
                    "target": tie.target,
                    "rule": rule,
                    "weight": _number(tie.weight),
                    "common": tie.common,
                }
                for rule, tie in made.ties
            ],
            "density": made.density,
            "statements": len(made.statements),
            "leftOut": dict(made.left_out),
            "isCut": made.is_cut,
            "query": made.query,
        }
    )


def _write_graphml(made: TieNetwork) -> Response:
    labels = {member.id: member.label for member in made.nodes}
    nodes = [Node(m.id, m.label, "", m.kind, m.weight, m.iri) for m in made.nodes]
    edges = [
        Edge(
            tie.source, tie.target, tie.weight, rule, f"{labels[tie.source]} – {labels[tie.target]}"
        )
        for rule, tie in made.ties
    ]
    return Response(to_graphml(nodes, edges), content_type=GRAPHML.content_type)


def _write_csv(made: TieNetwork) -> Response:
    labels = {member.id: member.label for member in made.nodes}
    rows: list[Sequence[Any]] = [
        ("source", "source_label", "target", "target_label", "rule", "weight", "common")
    ]
    rows += [
        (
            tie.source,
            labels[tie.source],
            tie.target,
            labels[tie.target],
            rule,
            _number(tie.weight),
            tie.common,
        )
        for rule, tie in made.ties
    ]
    return _send_rows(rows)


def _write_matrix_csv(made: TieNetwork) -> Response:
    rows: list[Sequence[Any]] = [("rule", "node", *(member.label for member in made.columns))]
    for kind in made.kinds:
        rows += [
            (kind.rule, member.label, *map(_number, weights))
            for member, weights in zip(made.rows, made.matrix(kind), strict=True)
        ]
    return _send_rows(rows)


def _write_matrix_json(made: TieNetwork) -> Response:
    return jsonify(
        {
            "rows": [{"id": member.id, "label": member.label} for member in made.rows],
            "columns": [{"id": member.id, "label": member.label} for member in made.columns],
            "matrices": {
                kind.rule: [[_number(weight) for weight in row] for row in made.matrix(kind)]
                for kind in made.kinds
            },
        }
    )


def _send_rows(rows: Iterable[Sequence[Any]]) -> Response:
    return Response(write_csv(rows), content_type=CSV.content_type)


_WRITERS: Final[dict[str, Callable[[TieNetwork], Response]]] = {
    PLAIN_JSON.name: _write_json,
    GRAPHML.name: _write_graphml,
    CSV.name: _write_csv,
    MATRIX_CSV.name: _write_matrix_csv,
    MATRIX_JSON.name: _write_matrix_json,
}
