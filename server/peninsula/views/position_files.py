"""How do positions leave as data: which columns has a table, which nodes and ties a network?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from flask import Response, jsonify

from peninsula.agreement import find_disputes
from peninsula.drawing.network import Edge, Node, to_graphml
from peninsula.evidence import read_evidence
from peninsula.formats import CSV, GRAPHML, PLAIN_JSON, Format
from peninsula.namespaces import shorten
from peninsula.selections import Selection
from peninsula.serialization import write_csv
from peninsula.stances import Cell, Survey
from peninsula.views.site import dataset, generation, language

FORMATS: Final = (CSV, PLAIN_JSON, GRAPHML)
_CELL_COLUMNS: Final = (
    "actor", "actorLabel", "kind", "topic", "topicLabel", "stance", "stanceLabel", "positions",
    "onObjects", "contested",
)  # fmt: skip
_POSITION_COLUMNS: Final = (
    "position", "actor", "actorLabel", "stance", "stanceLabel", "object", "objectLabel", "from",
    "until", "edtf", "inferred", "topics", "modalities", "succeeds", "claim", "paraphrase",
    "source", "reportedBy", "paragraph", "sentence",
)  # fmt: skip


def send_cells(
    survey: Survey, cells: dict[tuple[str, str], Cell], query: str, format: Format
) -> Response:
    """Send how many positions each actor has on each topic, by stance."""
    records = [
        {
            "actor": actor,
            "actorLabel": survey.name(actor),
            "kind": known.kind if (known := survey.actors.get(actor)) else "other",
            "topic": topic,
            "topicLabel": survey.name(topic),
            "stance": stance,
            "stanceLabel": survey.name(stance),
            "positions": sum(p.stance == stance for p in cell.held),
            "onObjects": sum(p.stance == stance and bool(p.object) for p in cell.held),
            "contested": bool(find_disputes(cell.held, survey.tensions)),
        }
        for (actor, topic), cell in sorted(cells.items())
        for stance in sorted(cell.stances)
    ]
    if format is GRAPHML:
        return _send_graphml(survey, records)
    return _send_records(survey, records, query, format, _CELL_COLUMNS)


def send_positions(
    survey: Survey, chosen: Selection, cell: Cell, query: str, format: Format
) -> Response:
    """Send the positions, a row for each claim behind each of them."""
    if format is GRAPHML:
        below = survey.topics.below(chosen.topic) if chosen.topic else survey.topics.broader
        records = [
            {
                "actor": p.actor, "topic": topic, "stance": p.stance,
                "stanceLabel": survey.name(p.stance), "positions": 1,
            }
            for p in cell.held for topic in p.topics if topic in below
        ]  # fmt: skip
        return _send_graphml(survey, records)
    claims = {claim for p in cell.held for claim in p.claims}
    evidence = read_evidence(dataset(), claims, language())
    rows = []
    for p in cell.held:
        for claim in p.claims:
            known = evidence[claim]
            rows.append(
                {
                    "position": p.iri,
                    "actor": p.actor,
                    "actorLabel": survey.name(p.actor),
                    "stance": p.stance,
                    "stanceLabel": survey.name(p.stance),
                    "object": p.object,
                    "objectLabel": survey.name(p.object) if p.object else "",
                    "from": p.start.isoformat() if p.start else "",
                    "until": p.end.isoformat() if p.end else "",
                    "edtf": p.edtf,
                    "inferred": p.is_inferred,
                    "topics": " ".join(p.topics),
                    "modalities": " ".join(p.modalities),
                    "succeeds": " ".join(p.succeeds),
                    "claim": claim,
                    "paraphrase": known.paraphrase,
                    "source": known.source.name if known.source else "",
                    "reportedBy": " < ".join(speaker.name for speaker in known.reporters),
                    "paragraph": known.paragraph,
                    "sentence": known.sentence,
                }
            )
    return _send_records(survey, rows, query, format, _POSITION_COLUMNS)


def _send_records(
    survey: Survey,
    records: list[dict[str, Any]],
    query: str,
    format: Format,
    columns: Sequence[str],
) -> Response:
    if format is PLAIN_JSON:
        told = {
            "generation": generation().number,
            "sparql": query,
            "complete": not survey.is_cut,
            "rows": records,
        }
        return _say_whether_whole(survey, jsonify(told))
    rows = ([record[name] for name in columns] for record in records)
    body = write_csv((columns, *rows))
    return _say_whether_whole(survey, Response(body, content_type=CSV.content_type))


def _say_whether_whole(survey: Survey, response: Response) -> Response:
    """Tell in a header that positions are missing: neither CSV nor GraphML has a place for it."""
    if survey.is_cut:
        response.headers["Peninsula-Complete"] = "false"
    return response


def _send_graphml(survey: Survey, records: Iterable[dict[str, Any]]) -> Response:
    """Send actors and topics as the two kinds of nodes of a network, a tie for each stance."""
    weights: dict[tuple[str, str, str], float] = {}
    labels: dict[str, str] = {}
    for record in records:
        key = (record["actor"], record["topic"], record["stance"])
        weights[key] = weights.get(key, 0) + record["positions"]
        labels[record["stance"]] = record["stanceLabel"]
    nodes = {}
    for actor, topic, _ in weights:
        nodes[actor] = Node(shorten(actor), survey.name(actor), kind="actor")
        nodes[topic] = Node(shorten(topic), survey.name(topic), kind="topic")
    edges = [
        Edge(shorten(actor), shorten(topic), weight, shorten(stance), labels[stance])
        for (actor, topic, stance), weight in sorted(weights.items())
    ]
    body = to_graphml([node for _, node in sorted(nodes.items())], edges, directed=True)
    return _say_whether_whole(survey, Response(body, content_type=GRAPHML.content_type))
