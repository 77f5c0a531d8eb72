"""How are the positions of actors shown: all in a matrix, one cell, one actor, one topic, several?

One address has them all. ``/positions`` is the matrix; with ``actor`` and ``topic`` it is the cell
of the two, with one of them all that actor or topic has, with several actors their comparison.
Whatever narrows a page (stance, modality, time …) stays in the links to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from math import sqrt
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from peninsula.dataset.interface import select
from peninsula.drawing.matrix import Column, Matrix, MatrixCell, Row, draw_matrix
from peninsula.drawing.network import Edge, Node, to_graphml
from peninsula.drawing.timeline import Entry, draw_timeline
from peninsula.errors import NotFound, ParameterError, UnknownResource
from peninsula.evidence import Evidence, Reading, read_evidence, read_readings
from peninsula.formats import CSV, GRAPHML, HTML, PLAIN_JSON, Format
from peninsula.namespaces import expand, shorten
from peninsula.negotiation import choose
from peninsula.selections import (
    KINDS,
    Selection,
    Window,
    write_matrix_query,
    write_positions_query,
)
from peninsula.serialization import write_csv
from peninsula.stances import (
    Cell,
    Dispute,
    Position,
    Survey,
    choose_positions,
    compare,
    count_beyond,
    count_by_year,
    find_changes,
    find_disputes,
    find_span,
    find_turns,
    insert_gaps,
    make_cells,
    matches,
    order_actors,
    read_survey,
)
from peninsula.terms import STANCES
from peninsula.views.answers import answer
from peninsula.views.parameters import (
    check_period,
    choice_given,
    choices_given,
    day_given,
    given,
    number_given,
    read_name,
)
from peninsula.views.site import (
    accepted,
    dataset,
    generation,
    language,
    link,
    link_here,
    local_path,
    render,
)

blueprint = Blueprint("positions", __name__)

_FORMATS: Final = (CSV, PLAIN_JSON, GRAPHML)
#: How the rows of the matrix may stand.
ROWS: Final = ("kind", "kind-name", "state", "state-name")
_MOST_PAGES: Final = 100_000
_MOST_COMPARED: Final = 6
#: What a drawing has room for, and what is listed of disputes and changes.
_MOST_ROWS: Final = 200
_MOST_COLUMNS: Final = 100
_MOST_ENTRIES: Final = 500
_MOST_LISTED: Final = 200
#: Characters of a name that are compared with others.
_COMPARED: Final = 60
_PAGE: Final = 60
#: Years that a strip has room for, each to be clicked on.
_MOST_YEARS: Final = 40
_OPEN_ALL: Final = "all"
#: What narrows every page alike.
_KEPT: Final = ("on", "from", "until", "unknown", "stance", "modality", "aim")


@dataclass(frozen=True)
class _Wish:
    """What the address asks for, besides the positions themselves."""

    selection: Selection
    #: The topics that are unfolded; one of them may be “all”.
    opened: frozenset[str]
    rows: str
    page: int
    #: The parameters that narrow the page, as they stand in its links.
    kept: dict[str, object]


# Addresses.


@blueprint.get("/positions")
@blueprint.get("/positions.<extension>")
def positions(extension: str = "") -> Response:
    """Show the matrix, or the part of it that is asked for."""
    wish = _read_wish()
    actors, topic = wish.selection.actors, wish.selection.topic
    if len(actors) > 1:
        return _answer(extension, lambda wanted: _comparison(wish, wanted))
    if actors or topic:
        return _answer(extension, lambda wanted: _list(wish, wanted))
    return _answer(extension, lambda wanted: _matrix(wish, wanted))


@blueprint.get("/positions/compare")
@blueprint.get("/positions/compare.<extension>")
def comparison(extension: str = "") -> Response:
    """Show how actors stand to each other, topic by topic."""
    wish = _read_wish()
    return _answer(extension, lambda wanted: _comparison(wish, wanted))


def _answer(extension: str, make: Callable[[Format], Response]) -> Response:
    name = extension or request.args.get("format")
    if extension and extension not in {format.extension for format in _FORMATS}:
        raise NotFound(f"There are no positions in the format “{extension}”.", "Try csv or json.")
    return answer(lambda: make(choose(accepted(), (HTML, *_FORMATS), name=name)))


# What is asked.


def _read_wish() -> _Wish:
    actors = tuple(dict.fromkeys(_read_iris("actor")))
    if len(actors) > _MOST_COMPARED:
        raise ParameterError(
            f"{len(actors)} actors are too many to stand side by side.",
            f"Choose up to {_MOST_COMPARED}.",
            parameter="actor",
        )
    topics = _read_iris("topic")
    if len(topics) > 1:
        raise ParameterError(
            f"The parameter “topic” is given {len(topics)} times.", "Give it once.",
            parameter="topic",
        )  # fmt: skip
    window = _read_window()
    selection = Selection(
        actors,
        topics[0] if topics else "",
        tuple(_read_iris("stance", "stance")),
        tuple(_read_iris("modality", "modality")),
        tuple(choices_given("kind", KINDS)),
        window,
        is_aimed=bool(choices_given("aim", ("object",))),
        takes_unknown=bool(choices_given("unknown", ("held",))),
    )
    opened = {name if name == _OPEN_ALL else read_name("open", name) for name in given("open")}
    rows, page = choice_given("rows", ROWS), number_given("page", 1, _MOST_PAGES)
    kept: dict[str, object] = {name: found for name in _KEPT if (found := given(name))}
    return _Wish(selection, frozenset(opened), rows, page, kept)


def _read_iris(parameter: str, prefix: str = "") -> list[str]:
    found = [read_name(parameter, text, prefix) for text in given(parameter)]
    if parameter == "stance":
        known = {expand(f"stance:{slug}") for slug in STANCES}
        for iri in found:
            if iri not in known:
                raise ParameterError(
                    f"There is no stance “{shorten(iri)}”.",
                    f"There are: {', '.join(STANCES)}.",
                    parameter=parameter,
                )
    return found


def _read_window() -> Window | None:
    on = day_given("on", is_whole=True)
    first, last = day_given("from"), day_given("until", is_end=True)
    if on and (first or last):
        raise ParameterError(
            "A day (“on”) and a period (“from”, “until”) are asked for at the same time.",
            "Give one of the two.",
            parameter="on",
        )
    if on:
        return Window(on, on)
    if not (first or last):
        return None
    check_period(first, last)
    return Window(first or date.min, last or date.max)


def _require_known(survey: Survey, wish: _Wish) -> None:
    """Raise UnknownResource where an actor or topic asked for is nothing that the graph knows."""
    topic = wish.selection.topic
    if topic and topic not in survey.topics.broader and not _is_known(topic):
        raise UnknownResource(
            f"There is no topic “{shorten(topic)}”.",
            _near(topic, survey.topics.broader, survey),
        )
    for actor in wish.selection.actors:
        if actor not in survey.actors and not _is_known(actor):
            raise UnknownResource(
                f"The graph does not know “{shorten(actor)}”.", _near(actor, survey.actors, survey)
            )


def _is_known(iri: str) -> bool:
    return any(True for _ in select(dataset(), f"SELECT ?p {{ <{iri}> ?p ?o }} LIMIT 1"))


def _near(iri: str, known: Iterable[str], survey: Survey) -> str:
    names: dict[str, str] = {}
    for one in known:
        names[shorten(one).rpartition(":")[2].lower()] = one
        names[survey.name(one).lower()] = one
    names = {name[:_COMPARED]: one for name, one in names.items()}
    wanted = shorten(iri).rpartition(":")[2].lower().replace("_", "-")[:_COMPARED]
    found = [names[name] for name in get_close_matches(wanted, names, n=6, cutoff=0.55)]
    found += [one for name, one in names.items() if wanted and wanted in name]
    near = [f"{shorten(one)} ({survey.name(one)})" for one in dict.fromkeys(found)][:4]
    return f"Perhaps: {', '.join(near)}." if near else "/positions shows all there are."


# The matrix.


def _matrix(wish: _Wish, format: Format) -> Response:
    survey = read_survey(dataset(), language())
    shown = list(survey.topics.unfold(_opened(survey, wish), survey.name))
    topics = list(dict.fromkeys(topic for topic, _ in shown))
    cells = make_cells(survey, wish.selection, topics)
    query = write_matrix_query(wish.selection, topics)
    if format is not HTML:
        return _send_cells(survey, cells, query, format)
    shown = shown[:_MOST_COLUMNS]
    actors = {p.actor for p in survey.positions if matches(p, wish.selection, survey)}
    chosen = choose_positions(survey, wish.selection)
    page = render(
        "positions.html",
        survey=survey,
        wish=wish,
        drawn=_draw(survey, wish, actors, shown, cells),
        chosen=chosen,
        changes=find_changes(survey, chosen.held)[:_MOST_LISTED],
        has_open=bool(wish.opened),
        time=_time_bar(survey, wish),
        sparql=link("/sparql", query=query),
        **_choices(survey, wish),
    )
    return Response(page, content_type=HTML.content_type)


def _opened(survey: Survey, wish: _Wish) -> frozenset[str]:
    if _OPEN_ALL in wish.opened:
        return frozenset(survey.topics.narrower)
    return wish.opened


def _draw(
    survey: Survey,
    wish: _Wish,
    actors: Iterable[str],
    shown: Sequence[tuple[str, int]],
    cells: dict[tuple[str, str], Cell],
    *,
    folds: bool = True,
) -> Matrix:
    """Return the matrix as a drawing; ``folds`` says whether topics can be unfolded in it."""
    topics = {topic for topic, _ in shown}
    opened = _opened(survey, wish) & topics
    rows = [
        Row(
            iri,
            survey.name(iri),
            link("/positions", actor=shorten(iri), **wish.kept),
            group if group in KINDS else survey.name(group) if group else "other",
            shorten(iri),
        )
        for iri, group in order_actors(
            survey,
            actors,
            by_state=wish.rows.startswith("state"),
            by_name=wish.rows.endswith("name"),
        )[:_MOST_ROWS]
    ]
    keys = {row.key for row in rows}
    columns = [
        Column(
            topic,
            survey.name(topic),
            link("/positions", topic=shorten(topic), **wish.kept),
            depth,
            _fold(topic, opened) if folds and survey.topics.narrower.get(topic) else "",
            topic in opened,
        )
        for topic, depth in shown
    ]
    drawn = {
        (actor, topic): _cell(survey, cell, _cell_path(wish, actor, topic))
        for (actor, topic), cell in cells.items()
        if actor in keys and topic in topics
    }
    return draw_matrix(rows, columns, drawn, stances=survey.stance_names())


def _fold(topic: str, opened: frozenset[str]) -> str:
    names = sorted(shorten(t) for t in opened ^ {topic})
    return link_here(open=names or None)


def _cell_path(wish: _Wish, actor: str, topic: str) -> str:
    return link("/positions", actor=shorten(actor), topic=shorten(topic), **wish.kept)


def _cell(survey: Survey, cell: Cell, path: str) -> MatrixCell:
    reasons = dict.fromkeys(
        (d.reason, survey.name(d.one.object) if d.reason == "object" else "")
        for d in find_disputes(cell.held, survey.tensions)
    )
    return MatrixCell(
        cell.count(aimed=True),
        path,
        is_contested=bool(reasons),
        loose=cell.count(aimed=False),
        elsewhere=len(cell.elsewhere),
        undecided=len(cell.undecided),
        reasons=tuple(reasons),
    )


@dataclass(frozen=True)
class _Year:
    year: int
    count: int
    height: float
    path: str
    is_chosen: bool


@dataclass(frozen=True)
class _TimeBar:
    """From when to when the evidence goes, and which days come before and after the chosen one."""

    first: date
    last: date
    on: date | None
    before: date | None
    after: date | None
    years: list[_Year]
    #: Positions that go on after the last day.
    beyond: int

    @property
    def months(self) -> int:
        return (self.last.year - self.first.year) * 12 + self.last.month - self.first.month

    @property
    def month(self) -> int:
        """Return the month of the day chosen, counted from the first one."""
        day = self.on or self.last
        month = (day.year - self.first.year) * 12 + day.month - self.first.month
        return min(max(month, 0), self.months)


def _time_bar(survey: Survey, wish: _Wish) -> _TimeBar | None:
    chosen = [p for p in survey.positions if matches(p, wish.selection, survey)]
    span = find_span(chosen)
    if span is None:
        return None
    window = wish.selection.window
    on = window.first if window and window.is_day else None
    turns = find_turns(chosen)
    edge = on or (window.first if window else None)
    counts = count_by_year(chosen, span) if span.last.year - span.first.year < _MOST_YEARS else []
    most = max((n for _, n in counts), default=1) or 1
    years = []
    for year, n in counts:
        first, last = date(year, 1, 1), date(year, 12, 31)
        is_chosen = bool(window and window.first <= last and window.last >= first)
        path = link_here(on=None, **{"from": first.isoformat(), "until": last.isoformat()})
        years.append(_Year(year, n, round(26 * sqrt(n / most), 1), path, is_chosen))
    return _TimeBar(
        span.first,
        span.last,
        on,
        max((day for day in turns if edge and day < edge), default=None),
        min((day for day in turns if edge is None or day > edge), default=None),
        years,
        count_beyond(chosen, span),
    )


def _choices(survey: Survey, wish: _Wish) -> dict[str, Any]:
    """Return what the form of every page offers."""
    every = order_actors(survey, survey.actors, by_name=True)
    topics = survey.topics.unfold(survey.topics.narrower, survey.name)
    modalities = sorted({m for p in survey.positions for m in p.modalities}, key=survey.name)
    return {
        "actor_choices": [(shorten(iri), survey.name(iri), kind) for iri, kind in every],
        "topic_choices": [(shorten(topic), survey.name(topic), depth) for topic, depth in topics],
        "stance_names": survey.stance_names(),
        "modality_choices": [(shorten(iri), survey.name(iri)) for iri in modalities],
        "kinds": KINDS,
        "take": _take(),
        "short": shorten,
        "chosen_actors": [shorten(iri) for iri in wish.selection.actors],
        "chosen_topic": shorten(wish.selection.topic) if wish.selection.topic else "",
        "chosen_stances": [shorten(iri) for iri in wish.selection.stances],
        "chosen_modalities": [shorten(iri) for iri in wish.selection.modalities],
    }


def _take() -> list[tuple[str, str]]:
    here = request.path.partition(".")[0]
    lists = {n: v for n, v in dict(request.args.lists()).items() if n not in {"format", "page"}}
    return [(f.title, link(f"{here}.{f.extension}", **lists)) for f in _FORMATS]


# Positions with their evidence: of a cell, of an actor, of a topic.


def _list(wish: _Wish, format: Format) -> Response:
    chosen = wish.selection
    topic = chosen.topic if not chosen.actors else ""
    survey = read_survey(dataset(), language(), actors=chosen.actors, topic=topic)
    _require_known(survey, wish)
    cell = choose_positions(survey, chosen)
    query = write_positions_query(chosen)
    if format is not HTML:
        return _send_positions(survey, wish, cell, query, format)
    first = (wish.page - 1) * _PAGE
    items = insert_gaps(cell.held) if len(chosen.actors) == 1 else list(cell.held)
    shown = items[first : first + _PAGE]
    page_positions = [item for item in shown if isinstance(item, Position)]
    evidence, readings = _read_behind(page_positions)
    disputes = find_disputes(cell.held, survey.tensions)
    anchor = _anchors(survey, page_positions)
    more = _more(survey, wish, cell, anchor)
    page = render(
        "positions-list.html",
        survey=survey,
        wish=wish,
        cell=cell,
        items=shown,
        evidence=evidence,
        readings=readings,
        changes=find_changes(survey, cell.held)[:_MOST_LISTED],
        disputes=_without_repetition(disputes)[:_MOST_LISTED],
        anchor=anchor,
        time=_time_bar(survey, wish),
        sparql=link("/sparql", query=query),
        matrix_link=link("/positions", **wish.kept),
        previous=link_here(page=wish.page - 1 if wish.page > 2 else None) if first else "",
        following=link_here(page=wish.page + 1) if first + _PAGE < len(items) else "",
        **more,
        **_choices(survey, wish),
    )
    return Response(page, content_type=HTML.content_type)


def _more(
    survey: Survey, wish: _Wish, cell: Cell, anchor: Callable[[Position], str]
) -> dict[str, Any]:
    """Return the drawings of a page: along time, and by narrower topics where there are some."""
    chosen = wish.selection
    entries = _entries(survey, wish, [*cell.held, *cell.undecided][:_MOST_ENTRIES], anchor)
    drawn = draw_timeline(entries[: 2 * _MOST_ENTRIES])
    topics: list[tuple[str, int]] = []
    if chosen.topic:
        opened = survey.topics.below(chosen.topic)
        found = survey.topics.unfold(opened, survey.name, chosen.topic)
        topics = list(dict.fromkeys(found))
    elif chosen.actors:
        topics = list(survey.topics.unfold(_opened(survey, wish), survey.name))
    topics = topics[:_MOST_COLUMNS]
    names = list(dict.fromkeys(topic for topic, _ in topics))
    cells = make_cells(survey, chosen, names)
    actors = list(chosen.actors) or sorted({p.actor for p in (*cell.held, *cell.undecided)})
    every = sorted({p.actor for p in survey.positions if matches(p, chosen, survey)})
    rows = actors if chosen.actors else every
    matrix = _draw(survey, wish, rows, topics, cells, folds=not chosen.topic)
    return {"timeline_drawn": drawn, "matrix_drawn": matrix, "actors": actors, "cells": cells}


def _entries(
    survey: Survey,
    wish: _Wish,
    positions: Iterable[Position],
    anchor: Callable[[Position], str],
) -> list[Entry]:
    """Return the positions as entries of a timeline, in rows by topic, or by actor."""
    chosen = wish.selection
    below = survey.topics.below(chosen.topic) if chosen.topic else frozenset()
    tops = frozenset(survey.topics.tops)
    found: list[tuple[tuple[object, ...], Entry]] = []
    for p in positions:
        if not chosen.actors:
            rows = {survey.name(p.actor)}
        elif chosen.topic:
            rows = {survey.name(t) for t in p.topics if t in below}
        else:
            rows = {survey.name(t) for t in survey.topics_of[p.iri] & tops}
        stance = survey.name(p.stance)
        about = survey.name(p.object) if p.object else survey.name(p.topics[0]) if p.topics else ""
        label = f"{stance}: {about}" if p.object else f"{stance} ({about})"
        entry_path = anchor(p)
        for row in sorted(rows):
            entry = Entry(label, p.start, p.end, row, entry_path, "", f"stance-{p.slug}", p.edtf)
            found.append(((row.casefold(), p.order), entry))
    return [entry for _, entry in sorted(found, key=lambda item: item[0])]


def _anchor(position: Position) -> str:
    return shorten(position.iri).replace(":", "-")


def _anchors(survey: Survey, shown: Iterable[Position]) -> Callable[[Position], str]:
    """Return what leads to a position: to its place on this page, or to its own page."""
    here = {p.iri for p in shown}
    known = survey.by_iri

    def path(position: Position) -> str:
        if position.iri in here:
            return f"#{_anchor(position)}"
        return local_path(known.get(position.iri, position).iri)

    return path


def _read_behind(
    positions: Iterable[Position],
) -> tuple[dict[str, Evidence], dict[str, Reading]]:
    chosen = list(positions)
    claims = {claim for p in chosen for claim in p.claims}
    readings = {reading for p in chosen for reading in p.readings}
    state, words = dataset(), language()
    return read_evidence(state, claims, words), read_readings(state, readings, words)


def _without_repetition(disputes: Iterable[Dispute]) -> list[Dispute]:
    """Return one dispute for each pair of positions and reason."""
    found: dict[tuple[str, str, str, tuple[str, str]], Dispute] = {}
    for d in disputes:
        one, other = sorted((d.one.iri, d.other.iri))
        found.setdefault((d.reason, one, other, d.claims), d)
    return list(found.values())


# Several actors side by side.


def _comparison(wish: _Wish, format: Format) -> Response:
    chosen = wish.selection
    survey = read_survey(dataset(), language(), actors=chosen.actors)
    _require_known(survey, wish)
    start = chosen.topic
    opened = _opened(survey, wish) | (frozenset([start]) if start else frozenset())
    shown = list(survey.topics.unfold(opened, survey.name, start))
    topics = list(dict.fromkeys(topic for topic, _ in shown))
    cells = make_cells(survey, chosen, topics)
    query = write_matrix_query(chosen, topics)
    if format is not HTML:
        return _send_cells(survey, cells, query, format)
    topics = topics[:_MOST_COLUMNS]
    depths = {topic: depth for topic, depth in shown if topic in set(topics)}
    opened = opened & depths.keys()
    rows = [compare(cells, chosen.actors, topic) for topic in topics]
    page = render(
        "positions-compare.html",
        survey=survey,
        wish=wish,
        rows=rows,
        depths=depths,
        folds={
            topic: (_fold(topic, opened), topic in opened)
            for topic in topics
            if survey.topics.narrower.get(topic)
        },
        drawn={
            key: draw_matrix(
                [Row(key[0], survey.name(key[0]))],
                [Column(key[1], survey.name(key[1]))],
                {key: _cell(survey, cell, _cell_path(wish, *key))},
                stances=survey.stance_names(),
            )
            for key, cell in cells.items()
            if key[1] in depths
        },
        time=_time_bar(survey, wish),
        sparql=link("/sparql", query=query),
        **_choices(survey, wish),
    )
    return Response(page, content_type=HTML.content_type)


# Data.


def _send_cells(
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
    return _send_records(records, query, format, _CELL_COLUMNS)


_CELL_COLUMNS: Final = (
    "actor", "actorLabel", "kind", "topic", "topicLabel", "stance", "stanceLabel", "positions",
    "onObjects", "contested",
)  # fmt: skip
_POSITION_COLUMNS: Final = (
    "position", "actor", "actorLabel", "stance", "stanceLabel", "object", "objectLabel", "from",
    "until", "edtf", "inferred", "topics", "modalities", "succeeds", "claim", "paraphrase",
    "source", "reportedBy", "paragraph", "sentence",
)  # fmt: skip


def _send_positions(
    survey: Survey, wish: _Wish, cell: Cell, query: str, format: Format
) -> Response:
    """Send the positions, a row for each claim behind each of them."""
    if format is GRAPHML:
        chosen = wish.selection
        below = survey.topics.below(chosen.topic) if chosen.topic else survey.topics.broader
        records = [
            {
                "actor": p.actor, "topic": topic, "stance": p.stance,
                "stanceLabel": survey.name(p.stance), "positions": 1,
            }
            for p in cell.held for topic in p.topics if topic in below
        ]  # fmt: skip
        return _send_graphml(survey, records)
    evidence, _ = _read_behind(cell.held)
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
    return _send_records(rows, query, format, _POSITION_COLUMNS)


def _send_records(
    records: list[dict[str, Any]], query: str, format: Format, columns: Sequence[str]
) -> Response:
    if format is PLAIN_JSON:
        return jsonify({"generation": generation().number, "sparql": query, "rows": records})
    rows = ([record[name] for name in columns] for record in records)
    return Response(write_csv((columns, *rows)), content_type=CSV.content_type)


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
    return Response(body, content_type=GRAPHML.content_type)
