"""How are the positions of actors shown: all in a matrix, one cell, one actor, one topic, several?

One address has them all. ``/positions`` is the matrix; with ``actor`` and ``topic`` it is the cell
of the two, with one of them all that actor or topic has, with several actors their comparison.
Whatever narrows a page (stance, modality, time …) stays in the links to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Any, Final

from flask import Blueprint, Response, request

from peninsula.agreement import Dispute, compare, find_disputes
from peninsula.course import (
    count_beyond,
    count_by_year,
    find_changes,
    find_span,
    find_turns,
    insert_gaps,
)
from peninsula.drawing.matrix import Column, Matrix, MatrixCell, Row, draw_matrix
from peninsula.drawing.timeline import Entry, draw_timeline
from peninsula.errors import NotFound
from peninsula.evidence import read_evidence, read_readings
from peninsula.formats import HTML, Format
from peninsula.namespaces import shorten
from peninsula.negotiation import choose
from peninsula.selections import KINDS, write_matrix_query, write_positions_query
from peninsula.stances import (
    Cell,
    Position,
    Survey,
    choose_positions,
    make_cells,
    matches,
    order_actors,
    read_survey,
)
from peninsula.views.answers import answer
from peninsula.views.position_files import FORMATS, send_cells, send_positions
from peninsula.views.position_wishes import Wish, read_wish, require_known
from peninsula.views.site import (
    accepted,
    dataset,
    language,
    link,
    link_here,
    local_path,
    render,
)

blueprint = Blueprint("positions", __name__)

#: What a drawing has room for, and what is listed of disputes and changes.
_MOST_ROWS: Final = 200
_MOST_COLUMNS: Final = 100
_MOST_ENTRIES: Final = 500
_MOST_LISTED: Final = 200
_PAGE: Final = 60
#: Years that a strip has room for, each to be clicked on.
_MOST_YEARS: Final = 40


# Addresses.


@blueprint.get("/positions")
@blueprint.get("/positions.<extension>")
def positions(extension: str = "") -> Response:
    """Show the matrix, or the part of it that is asked for."""
    wish = read_wish()
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
    wish = read_wish()
    return _answer(extension, lambda wanted: _comparison(wish, wanted))


def _answer(extension: str, make: Callable[[Format], Response]) -> Response:
    name = extension or request.args.get("format")
    if extension and extension not in {format.extension for format in FORMATS}:
        raise NotFound(f"There are no positions in the format “{extension}”.", "Try csv or json.")
    return answer(lambda: make(choose(accepted(), (HTML, *FORMATS), name=name)))


# The matrix.


@dataclass(frozen=True)
class _Cut:
    """How many actors and topics there are, of which a matrix draws the first."""

    actors: int
    topics: int
    most_actors: int
    most_topics: int

    def __bool__(self) -> bool:
        return self.actors > self.most_actors or self.topics > self.most_topics


def _matrix(wish: Wish, format: Format) -> Response:
    survey = read_survey(dataset(), language())
    shown = list(survey.topics.unfold(wish.unfolded(survey), survey.name))
    topics = list(dict.fromkeys(topic for topic, _ in shown))
    cells = make_cells(survey, wish.selection, topics)
    query = write_matrix_query(wish.selection, topics)
    if format is not HTML:
        return send_cells(survey, cells, query, format)
    actors = {p.actor for p in survey.positions if matches(p, wish.selection, survey)}
    cut = _Cut(len(actors), len(shown), _MOST_ROWS, _MOST_COLUMNS)
    shown = shown[:_MOST_COLUMNS]
    chosen = choose_positions(survey, wish.selection)
    page = render(
        "positions.html",
        survey=survey,
        wish=wish,
        drawn=_draw(survey, wish, actors, shown, cells),
        cut=cut,
        chosen=chosen,
        changes=find_changes(survey, chosen.held)[:_MOST_LISTED],
        has_open=bool(wish.opened),
        time=_time_bar(survey, wish),
        sparql=link("/sparql", query=query),
        **_choices(survey, wish),
    )
    return Response(page, content_type=HTML.content_type)


def _draw(
    survey: Survey,
    wish: Wish,
    actors: Iterable[str],
    shown: Sequence[tuple[str, int]],
    cells: dict[tuple[str, str], Cell],
    *,
    folds: bool = True,
) -> Matrix:
    """Return the matrix as a drawing; ``folds`` says whether topics can be unfolded in it."""
    topics = {topic for topic, _ in shown}
    opened = wish.unfolded(survey) & topics
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


def _cell_path(wish: Wish, actor: str, topic: str) -> str:
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


def _time_bar(survey: Survey, wish: Wish) -> _TimeBar | None:
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


def _choices(survey: Survey, wish: Wish) -> dict[str, Any]:
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
    return [(f.title, link(f"{here}.{f.extension}", **lists)) for f in FORMATS]


# Positions with their evidence: of a cell, of an actor, of a topic.


def _list(wish: Wish, format: Format) -> Response:
    chosen = wish.selection
    topic = chosen.topic if not chosen.actors else ""
    survey = read_survey(dataset(), language(), actors=chosen.actors, topic=topic)
    require_known(survey, wish)
    cell = choose_positions(survey, chosen)
    query = write_positions_query(chosen)
    if format is not HTML:
        return send_positions(survey, chosen, cell, query, format)
    first = (wish.page - 1) * _PAGE
    items = insert_gaps(cell.held) if len(chosen.actors) == 1 else list(cell.held)
    shown = items[first : first + _PAGE]
    page_positions = [item for item in shown if isinstance(item, Position)]
    claims = {claim for p in page_positions for claim in p.claims}
    evidence = read_evidence(dataset(), claims, language())
    found = {reading for p in page_positions for reading in p.readings}
    readings = read_readings(dataset(), found, language())
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
    survey: Survey, wish: Wish, cell: Cell, anchor: Callable[[Position], str]
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
        topics = list(survey.topics.unfold(wish.unfolded(survey), survey.name))
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
    wish: Wish,
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


def _without_repetition(disputes: Iterable[Dispute]) -> list[Dispute]:
    """Return one dispute for each pair of positions and reason."""
    found: dict[tuple[str, str, str, tuple[str, str]], Dispute] = {}
    for d in disputes:
        one, other = sorted((d.one.iri, d.other.iri))
        found.setdefault((d.reason, one, other, d.claims), d)
    return list(found.values())


# Several actors side by side.


def _comparison(wish: Wish, format: Format) -> Response:
    chosen = wish.selection
    survey = read_survey(dataset(), language(), actors=chosen.actors)
    require_known(survey, wish)
    start = chosen.topic
    opened = wish.unfolded(survey) | (frozenset([start]) if start else frozenset())
    shown = list(survey.topics.unfold(opened, survey.name, start))
    topics = list(dict.fromkeys(topic for topic, _ in shown))
    cells = make_cells(survey, chosen, topics)
    query = write_matrix_query(chosen, topics)
    if format is not HTML:
        return send_cells(survey, cells, query, format)
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
