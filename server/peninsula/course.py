"""How do positions run through time: what changed, where is no evidence, from when to when?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from peninsula.selections import Window
from peninsula.stances import Position, Survey

_DAY: Final = timedelta(days=1)
#: Forecasts reach decades ahead; so many years after the last beginning are worth looking at.
_YEARS_AHEAD: Final = 3


# What changed.


@dataclass(frozen=True)
class Change:
    """A position and the earlier one that it took the place of."""

    before: Position
    after: Position

    @property
    def is_same_object(self) -> bool:
        return self.before.object == self.after.object


def find_changes(survey: Survey, positions: Iterable[Position]) -> list[Change]:
    """Return the changes of stance that end in one of ``positions``, in order of time."""
    changes = [
        Change(before, p)
        for p in positions
        for iri in p.succeeds
        if (before := survey.by_iri.get(iri))
    ]
    return sorted(changes, key=lambda c: (c.after.order, c.before.order))


@dataclass(frozen=True)
class Gap:
    """Days without evidence; None is an open side."""

    start: date | None
    end: date | None


def insert_gaps(positions: Sequence[Position]) -> list[Position | Gap]:
    """Return ``positions``, which stand in order of time, with the stretches between them.

    Where every beginning is known, what lies before the first is such a stretch; likewise at
    the end. Undated positions say nothing about time, and stand first.
    """
    dated = [p for p in positions if p.is_dated]
    result: list[Position | Gap] = [p for p in positions if not p.is_dated]
    if not dated:
        return result
    if dated[0].start:
        result.append(Gap(None, _before(dated[0].start)))
    covered: date | None = date.min
    for p in dated:
        if covered is not None and covered > date.min and p.start and covered + _DAY < p.start:
            result.append(Gap(covered + _DAY, _before(p.start)))
        result.append(p)
        covered = None if covered is None or p.end is None else max(covered, p.end)
    if covered is not None and covered < date.max:
        result.append(Gap(covered + _DAY, None))
    return result


def _before(day: date) -> date | None:
    return day - _DAY if day > date.min else None


# When.


def find_turns(positions: Iterable[Position]) -> list[date]:
    """Return the days on which a position begins, or is the first to be over."""
    days = set()
    for p in positions:
        if p.start:
            days.add(p.start)
        if p.end and p.end < date.max:
            days.add(p.end + _DAY)
    return sorted(days)


def find_span(positions: Iterable[Position]) -> Window | None:
    """Return the stretch of time that evidence speaks of; None where nothing is dated.

    What goes on far beyond the last beginning (a forecast to 2036) does not stretch it.
    """
    chosen = list(positions)
    starts = [p.start for p in chosen if p.start]
    days = starts + [p.end for p in chosen if p.end]
    if not days:
        return None
    newest = max(starts, default=max(days)).year + _YEARS_AHEAD
    return Window(min(days), max(day for day in days if day.year <= newest or not starts))


def count_beyond(positions: Iterable[Position], span: Window) -> int:
    """Return how many positions go on after ``span``, to a far end or with none in sight."""
    return sum(p.start is not None and (p.end is None or p.end > span.last) for p in positions)


def count_by_year(positions: Iterable[Position], span: Window) -> list[tuple[int, int]]:
    """Return for each year of ``span`` how many positions there is evidence of in it."""
    chosen = list(positions)
    years = range(span.first.year, span.last.year + 1)
    return [
        (year, sum(p.held(Window(date(year, 1, 1), date(year, 12, 31))) == "yes" for p in chosen))
        for year in years
    ]
