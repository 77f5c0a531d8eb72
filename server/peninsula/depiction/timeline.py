"""Which rows of an answer are when: what of it is drawn along time?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peninsula.columns import EVIDENCE, Column, Period, depends, find_period, find_when, read_day
from peninsula.depiction.answer import Answer, Depiction, find_stance, list_stances, read_stance
from peninsula.drawing.timeline import Entry, draw_timeline

_TIMELINE_WIDTH: Final = 1230
_MOST_LANES: Final = 14


def depict_timeline(answer: Answer) -> Depiction | None:
    """Return a timeline where the answer has dates."""
    period = find_period(answer.columns, answer.rows)
    if period is None:
        return None
    dates = [period.start, *([period.end] if period.end else [])]
    label = _find_subject(answer, dates)
    if label is None:
        return None
    if not any(row[column.index] is not None for row in answer.rows for column in dates):
        return None
    stance = find_stance(answer)
    lane = _find_lane(answer, label, dates, stance)
    parts = [
        answer.part("when", *dates) if period.end else answer.part("day", period.start),
        answer.part("name", label),
    ]
    if lane:
        parts.append(answer.part("row", lane))
    if stance:
        parts.append(answer.part("mark", stance))
    return Depiction(
        lambda: draw_timeline(
            _make_entries(answer, period, label, lane, stance), width=_TIMELINE_WIDTH
        ),
        tuple(parts),
        stances=list_stances(answer, stance),
    )


def _make_entries(
    answer: Answer, period: Period, label: Column, lane: Column | None, stance: Column | None
) -> list[Entry]:
    """Return the entries, each once: rows that differ in other columns only are one."""
    dates = [period.start, *([period.end] if period.end else [])]
    when = find_when(answer.columns)
    entries: dict[tuple[object, ...], tuple[Entry, int]] = {}
    for row in answer.rows:
        start = read_day(row[period.start.index])
        last = row[(period.end or period.start).index]
        end = read_day(last, is_end=True)
        row_label = answer.name(row, lane) if lane else ""
        key = (row[label.index], start, end, row_label)
        if key in entries:
            entry, more = entries[key]
            entries[key] = (entry, more + 1)
            continue
        name = answer.name(row, label) or answer.heading(label)
        given = answer.name(row, when) if when else ""
        moment = given or _write_period(start, end, has_end=period.end is not None)
        slug = read_stance(answer, row, stance)
        sort = label.sort if label.sort not in EVIDENCE else ""
        rest = answer.describe(row, [label, *dates, *([when] if when else [])])
        tip = " · ".join(part for part in (name, moment, rest) if part)
        entries[key] = (
            Entry(
                name, start, end, row_label, answer.path(row, label), tip,
                f"stance-{slug}" if slug else sort, moment,
            ),
            0,
        )  # fmt: skip
    return [_tell_more(entry, more) for entry, more in entries.values()]


def _tell_more(entry: Entry, more: int) -> Entry:
    if not more:
        return entry
    tip = f"{entry.tip} (+{more})"
    return Entry(
        entry.label, entry.start, entry.end, entry.row, entry.path, tip, entry.kind, entry.when
    )


def _write_period(start: object, end: object, *, has_end: bool) -> str:
    if not has_end or start == end:
        return str(start or end or "")
    return f"{start or '…'} – {end or '…'}"


def _find_subject(answer: Answer, dates: Sequence[Column]) -> Column | None:
    """Return the column that names what happened then: that on whose values the dates depend."""
    things = [c for c in answer.columns if c.kind == "thing" and not c.is_stance]
    varying = [column for column in things if column.varies]
    fitting = [column for column in varying if depends(answer.rows, column, *dates)]
    plain = [column for column in fitting if column.sort not in EVIDENCE]
    for candidates in (plain, fitting, varying, things):
        if candidates:
            return max(candidates, key=lambda c: (c.count, -c.index))
    texts = [c for c in answer.columns if c.kind == "text"]
    return max(texts, key=lambda c: (c.count, -c.index), default=None)


def _find_lane(
    answer: Answer, label: Column, dates: Sequence[Column], stance: Column | None
) -> Column | None:
    """Return the column by whose values the entries stand in rows."""
    candidates = [
        column
        for column in answer.columns
        if column.is_category
        and column.kind != "number"
        and column is not label
        and column is not stance
        and column.sort not in EVIDENCE
        and 1 < column.count <= _MOST_LANES
        and column.filled == len(answer.rows)
        and 2 * column.count <= label.count + 1
        and (depends(answer.rows, label, column) or depends(answer.rows, column, *dates))
    ]
    return min(candidates, key=lambda c: (c.kind != "thing", c.index), default=None)
