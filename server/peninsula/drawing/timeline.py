"""Where does each mark of a timeline stand?

Entries stand in rows, one lane for each. Within a lane they are packed into tracks, so that no
mark covers another. A short time is a point, a longer one a bar. What goes on has an arrow; what
ends, or begins, nobody knows when has a point and a tail instead of a bar. A name is written where
there is room for it, and is cut before the next mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Final

from peninsula.drawing.lettering import BOLD, cut, measure
from peninsula.edtf import write_edtf

#: Height of a track and least distance of marks: what a finger can hit.
TRACK: Final = 24
_BAR: Final = 16
_POINT: Final = 18  # what is narrower is drawn as a point
_SHAPE: Final = 20.0  # what the shape of a stance takes in a bar
_TAIL: Final = 36.0
_LANE_PADDING: Final = 5
_AXIS: Final = 30
_TALL: Final = 500
_GUTTER: Final = 150
_LINE: Final = 15
_MOST_LINES: Final = 3
_LONGEST_NAME: Final = 260.0
_SHORTEST_NAME: Final = 44.0
_MOST_TRACKS: Final = 7  # names are cut before a lane grows beyond
_LEAST_TICK: Final = 64.0
_MONTHS_OF_YEARS: Final = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2500)
#: Distances of ticks, in months.
_STEPS: Final = (1, 3, 6, *(12 * years for years in _MONTHS_OF_YEARS))
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Entry:
    """Something with a time: None is an end that is not known or not reached."""

    label: str
    start: date | None
    end: date | None
    row: str = ""
    path: str = ""
    tip: str = ""
    #: A class of the style sheet: “event”, “stance-supports” …
    kind: str = ""
    #: The time as the source gives it, in EDTF or in words.
    when: str = ""
    #: What is written beside the mark; the label, where it is empty.
    brief: str = ""

    @property
    def text(self) -> str:
        return self.brief or self.label

    @property
    def has_unknown_start(self) -> bool:
        """Return whether the beginning is not known; EDTF has “../” where there is none."""
        return self.start is None and self.when.startswith("/")

    @property
    def has_unknown_end(self) -> bool:
        """Return whether the end is not known; EDTF has “/..” where it goes on."""
        return self.end is None and self.when.endswith("/")

    @property
    def is_uncertain(self) -> bool:
        """Return whether the source marks the time as uncertain or approximate."""
        return any(sign in self.when for sign in "?~%")


@dataclass(frozen=True)
class Mark:
    """An entry, drawn."""

    entry: Entry
    x: float
    y: float
    width: float
    is_point: bool
    #: The outline of a bar; points have the shape of their kind.
    outline: str
    #: As much of the label as there is room for, and where it begins.
    text: str
    text_x: float
    is_inside: bool
    #: Whether the text ends there, in front of the mark.
    is_before: bool = False
    #: The line from a point towards an end that is not known.
    tail: str = ""

    @property
    def has_shape(self) -> bool:
        """Return whether the shape of a stance stands in the bar: colour alone tells nothing."""
        return not self.is_point and self.entry.kind.startswith("stance-")

    @property
    def middle(self) -> float:
        return self.y + TRACK / 2

    @property
    def name(self) -> str:
        """Return the accessible name."""
        return ", ".join(part for part in (self.entry.label, write_edtf(self.entry.when)) if part)

    @property
    def tip(self) -> str:
        return self.entry.tip or self.name


@dataclass(frozen=True)
class Lane:
    """A row: its label in lines, and its place."""

    label: str
    lines: tuple[str, ...]
    y: float
    height: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Tick:
    """A line at the beginning of a month or year; those that count have a label."""

    x: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """A timeline, drawn. Coordinates are pixels; the label of rows stand left of zero."""

    first: date
    last: date
    gutter: float
    width: float
    height: float
    axis: float
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]
    #: Entries with no date at all, and those beyond what is shown.
    undated: tuple[Entry, ...] = ()
    outside: tuple[Entry, ...] = ()

    @property
    def is_tall(self) -> bool:
        """Return whether the years are out of sight at the lower end."""
        return self.height > _TALL

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(mark for lane in self.lanes for mark in lane.marks)


@dataclass
class _Placed:
    """An entry on its way: its place within the lane."""

    entry: Entry
    x: float
    end: float
    has_start: bool
    has_end: bool
    #: Direction of what is not known: -1 the beginning, 1 the end.
    unknown: int = 0
    track: int = 0
    #: Room for the label after the mark, and in front of it.
    room: float = field(default=_LONGEST_NAME)
    before: float = 0.0

    @property
    def is_point(self) -> bool:
        return self.end - self.x < _POINT

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Return from where to where nothing else may stand."""
        if self.is_point:
            middle = (self.x + self.end) / 2
            left = _TAIL if self.unknown < 0 else TRACK / 2
            right = _TAIL if self.unknown > 0 else TRACK / 2
            return middle - left, middle + right
        # What follows on the same day may touch it.
        return self.x, self.end - 1.5

    @cached_property
    def reach(self) -> float:
        """Return where the label ends that follows the mark, or the mark itself."""
        end = self.bounds[1]
        length = measure(self.entry.text) + 10
        if not self.is_point and length <= self.end - self.x:
            return end
        return end + min(length, _LONGEST_NAME)

    @property
    def is_better_before(self) -> bool:
        """Return whether the label must be cut after the mark, and less so in front of it."""
        wanted = min(measure(self.entry.text) + 10, _LONGEST_NAME)
        return self.room < wanted and self.before > self.room


def draw_timeline(
    entries: Iterable[Entry],
    *,
    width: float = 1100,
    first: date | None = None,
    last: date | None = None,
) -> Timeline:
    """Return ``entries`` as a timeline of ``width`` pixels, from ``first`` to ``last``.

    Rows stand in the order in which they first come. Without ``first`` and ``last`` everything
    that has a date is shown.
    """
    all_entries = list(entries)
    dated = [entry for entry in all_entries if entry.start or entry.end]
    undated = tuple(entry for entry in all_entries if not (entry.start or entry.end))
    begin, end = _window(dated, first, last)
    shown: list[Entry] = []
    outside: list[Entry] = []
    for entry in dated:
        known = entry.start if entry.has_unknown_end else entry.end
        earliest = known if entry.has_unknown_start else entry.start
        latest = known if entry.has_unknown_end else entry.end
        is_shown = (earliest or date.min) <= end and (latest or date.max) >= begin
        (shown if is_shown else outside).append(entry)
    rows: dict[str, list[Entry]] = {}
    for entry in shown:
        rows.setdefault(entry.row, []).append(entry)
    labels = {row: _wrap(row) for row in rows}
    longest = max((measure(line, BOLD) for lines in labels.values() for line in lines), default=0.0)
    gutter = round(longest) + 18 if longest else 0
    room = max(width - gutter, 200.0)
    lanes = []
    y = 0.0
    for row, members in rows.items():
        placed = _pack([_place(entry, begin, end, room) for entry in members], room)
        tracks = max(item.track for item in placed) + 1
        least = len(labels[row]) * _LINE + 2 * _LANE_PADDING
        height = max(tracks * TRACK + 2 * _LANE_PADDING, least)
        marks = tuple(_finish(item, y + _LANE_PADDING) for item in placed)
        lanes.append(Lane(row, labels[row], y, height, marks))
        y += height
    return Timeline(
        begin,
        end,
        gutter,
        room,
        max(y, TRACK),
        _AXIS,
        tuple(_ticks(begin, end, room)),
        tuple(lanes),
        undated,
        tuple(outside),
    )


# From when to when.


def _window(entries: Sequence[Entry], first: date | None, last: date | None) -> tuple[date, date]:
    """Return the first and the last day shown: whole years, unless the days are given."""
    days = [day for entry in entries for day in (entry.start, entry.end) if day]
    earliest, latest = min(days, default=None), max(days, default=None)
    if first is None:
        first = date((earliest or last or date(2000, 1, 1)).year, 1, 1)
    if last is None:
        last = date((latest or first).year, 12, 31)
        if any(entry.end is None and not entry.has_unknown_end for entry in entries):
            # Room for the arrow of what goes on.
            last = date(min(last.year + 1, date.max.year), 12, 31)
    if last <= first:
        last = first + _DAY if first < date.max else first
    return first, last


def _place(entry: Entry, first: date, last: date, room: float) -> _Placed:
    days = (last - first).days + 1

    def x(day: date) -> float:
        return round(max(0.0, min(1.0, (day - first).days / days)) * room, 1)

    known = entry.start if entry.has_unknown_end else entry.end
    if known and (entry.has_unknown_start or entry.has_unknown_end):
        place = min(x(known), room - TRACK / 2)
        direction = -1 if entry.has_unknown_start else 1
        return _Placed(entry, place, place, has_start=True, has_end=True, unknown=direction)
    start = x(entry.start) if entry.start else 0.0
    # A day ends where the next one begins.
    end = x(min(entry.end, last) + _DAY) if entry.end and entry.end < date.max else room
    return _Placed(entry, start, max(end, start), entry.start is not None, entry.end is not None)


def _ticks(first: date, last: date, room: float) -> Iterator[Tick]:
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    fits = [step for step in _STEPS if months / step * _LEAST_TICK <= room]
    major = fits[0] if fits else _STEPS[-1]
    finer = [step for step in _STEPS if major % step == 0 and months / step * 9 <= room]
    minor = min((step for step in finer if major / step <= 12), default=major)
    days = (last - first).days + 1
    month = (first.year * 12 + first.month - 1) // minor * minor
    while month // 12 <= last.year:
        if month >= 12:
            day = date(month // 12, month % 12 + 1, 1)
            if day > last:
                return
            if day >= first:
                text = str(day.year) if major % 12 == 0 or day.month == 1 else f"{day:%Y-%m}"
                yield Tick(
                    round((day - first).days / days * room, 1), text if month % major == 0 else ""
                )
        month += minor


# Packing.


def _pack(items: list[_Placed], room: float) -> list[_Placed]:
    """Give each item its track, and the room that its label has."""
    items.sort(key=lambda item: (item.bounds[0], -item.end, item.entry.label))
    tracks: list[list[_Placed]] = []
    for item in items:
        left = item.bounds[0]
        fitting = next((t for t in tracks if t[-1].reach <= left), None)
        if fitting is None and len(tracks) >= _MOST_TRACKS:
            # Rather cut a label than let the lane grow: that which loses least.
            free = [t for t in tracks if t[-1].bounds[1] <= left]
            fitting = min(free, key=lambda t: t[-1].reach, default=None)
        if fitting is None:
            fitting = []
            tracks.append(fitting)
        item.track = tracks.index(fitting)
        fitting.append(item)
    for track in tracks:
        for one, next_one in pairwise(track):
            one.room = min(one.room, next_one.bounds[0] - one.bounds[1])
        track[-1].room = min(track[-1].room, room - track[-1].bounds[1])
        taken = 0.0
        for item in track:
            item.before = item.bounds[0] - taken
            label_end = item.bounds[1] if item.is_better_before else item.reach
            taken = min(label_end, item.bounds[1] + item.room)
    return items


def _finish(item: _Placed, top: float) -> Mark:
    y = top + item.track * TRACK
    entry = item.entry
    if item.is_point:
        middle = (item.x + item.end) / 2
        after = item.before if item.is_better_before else item.room
        text = cut(entry.text, after - 4) if after >= _SHORTEST_NAME else ""
        text_x = round(item.bounds[0] + 1 if item.is_better_before else item.bounds[1] - 1, 1)
        tail = ""
        if item.unknown:
            reach = (_TAIL - 12) * item.unknown
            tail = f"M{middle + 10 * item.unknown:g} {y + TRACK / 2:g}h{reach:g}"
        is_before = item.is_better_before
        middle = round(middle, 1)
        return Mark(entry, middle, y, TRACK, True, "", text, text_x, False, is_before, tail)
    width = round(item.end - item.x, 1)
    margin = _SHAPE if entry.kind.startswith("stance-") else 7.0
    length = measure(entry.text) + 7 + margin
    after = (item.before if item.is_better_before else item.room) - 6
    is_inside = length <= width or width - 7 - margin >= max(after, _SHORTEST_NAME)
    if is_inside:
        text = cut(entry.text, width - 7 - margin)
    else:
        text = cut(entry.text, after) if after >= _SHORTEST_NAME else ""
    is_before = item.is_better_before and not is_inside
    text_x = item.x - 5 if is_before else item.end + 5
    if is_inside:
        text_x = item.x + margin + (0 if item.has_start else 3)
    outline = _outline(item.x, y + (TRACK - _BAR) / 2, width, item)
    text_x = round(text_x, 1)
    return Mark(entry, item.x, y, width, False, outline, text, text_x, is_inside, is_before)


def _outline(x: float, y: float, width: float, item: _Placed) -> str:
    """Return the path of a bar; an end that is not known has a point."""
    half, right = _BAR / 2, round(x + width, 1)
    inset = min(7.0, width / 3)
    left_end = f"V{y}" if item.has_start else f"L{x} {y + half}L{x + inset} {y}"
    begin = x if item.has_start else x + inset
    finish = right if item.has_end else right - inset
    right_end = f"V{y + _BAR}" if item.has_end else f"L{right} {y + half}L{finish} {y + _BAR}"
    return f"M{begin:g} {y:g}H{finish:g}{right_end}H{begin:g}{left_end}Z"


def _wrap(label: str) -> tuple[str, ...]:
    """Return a row's label in lines that fit left of the lanes."""
    room = _GUTTER - 18
    lines: list[str] = []
    for word in label.split():
        if lines and measure(f"{lines[-1]} {word}", BOLD) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(cut(word, room, BOLD))
    if len(lines) > _MOST_LINES:
        lines = [
            *lines[: _MOST_LINES - 1],
            cut(" ".join(lines[_MOST_LINES - 1 :]) + " …", room, BOLD),
        ]
    return tuple(lines)
