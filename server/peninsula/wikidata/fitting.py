"""May this thing of ours be that item, by its class, and how do two times or places compare?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from peninsula.columns import read_point
from peninsula.namespaces import expand
from peninsula.wikidata.slice import ClassFit, Slice
from peninsula.wikidata.snapshot import Moment, Snapshot
from peninsula.wikidata.things import Thing

_EARTH: Final = 6371.0
HUMAN: Final = "http://www.wikidata.org/entity/Q5"


class Answer(Enum):
    """Whether an item fits."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Fit:
    """Whether an item fits the class of a thing, which class of ours that was, and why."""

    answer: Answer
    class_name: str = ""
    classes: tuple[str, ...] = ()


def fit_class(thing: Thing, item: str, snapshot: Snapshot, slice: Slice) -> Fit:
    """Return whether an item is what a thing of this class may be."""
    asked = [(name, fit) for name, fit in slice.classes.items() if expand(name) in thing.classes]
    classes = tuple(snapshot.classes(item))
    if not asked or not classes:
        return Fit(Answer.UNKNOWN, asked[0][0] if asked else "", classes)
    above = {class_: snapshot.above(class_) for class_ in classes}
    answers = [(_fit(fit, above), name) for name, fit in asked]
    for wanted in (Answer.NO, Answer.YES):
        for answer, name in answers:
            if answer is wanted:
                return Fit(answer, name, classes)
    return Fit(Answer.UNKNOWN, asked[0][0], classes)


def _fit(fit: ClassFit, above: dict[str, set[str]]) -> Answer:
    reached = set().union(*above.values())
    if reached & set(fit.never):
        return Answer.NO
    if reached & set(fit.any):
        return Answer.YES
    # Humans are instances of that class itself; for others, what is above a class must be known.
    is_closed = fit.any == (HUMAN,) or all(len(found) > 1 for found in above.values())
    return Answer.NO if is_closed else Answer.UNKNOWN


def agrees(ours: str, theirs: Moment) -> bool:
    """Return whether two times are the same as far as the less precise one says."""
    text = theirs.edtf
    return bool(text) and bool(ours) and (ours.startswith(text) or text.startswith(ours))


def may_agree(ours: str, theirs: Moment) -> bool:
    """Return whether two times agree, or one is less certain than a comparison needs."""
    return (
        any(mark in ours for mark in "~?%X") or not theirs.is_known_to_year or agrees(ours, theirs)
    )


def is_next_day(ours: str, theirs: Moment) -> bool:
    """Return whether two days follow each other: where an office passes on, either is its end."""
    try:
        days = [date.fromisoformat(text) for text in (ours, theirs.edtf)]
    except ValueError:
        return False
    return abs((days[0] - days[1]).days) == 1


def distance(ours: tuple[float, float], theirs: tuple[float, float]) -> float:
    """Return the kilometres between two points, given as latitude and longitude."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (ours, theirs))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * _EARTH * math.asin(math.sqrt(min(1.0, half)))


def points_of(item: str, snapshot: Snapshot) -> list[tuple[float, float]]:
    """Return the points at which Wikidata sees an item."""
    found = (read_point(value) for value in snapshot.values(item, "P625"))
    return [point for point in found if point]
