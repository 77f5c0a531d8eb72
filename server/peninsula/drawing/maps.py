"""Where does each place stand on a map?

Three views, each an Equal Earth projection (Šavrič, Patterson and Jenny 2018) with a central
meridian of its own; their outlines are built by ``server/web/outlines.mjs``. Places too close to
be told apart are one spot; names are written where they cover nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from peninsula.drawing.lettering import measure

_A1: Final = 1.340264
_A2: Final = -0.081106
_A3: Final = 0.000893
_A4: Final = 0.003796
_M: Final = math.sqrt(3) / 2

_LEAST_RADIUS: Final = 5.0
_MOST_RADIUS: Final = 20.0
_LEAST_NUMBERED: Final = 9.0
#: Spots closer than this are one: a finger must hit either.
_LEAST_DISTANCE: Final = 24.0
_MOST_NAMES: Final = 3


@dataclass(frozen=True)
class View:
    """A part of the world and how it is projected, as ``server/web/outlines.mjs`` has it."""

    name: str
    meridian: float
    scale: float
    x: float
    y: float
    width: int
    height: int

    def project(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Return where a point stands."""
        turned = (longitude - self.meridian + 180) % 360 - 180
        theta = math.asin(_M * math.sin(math.radians(latitude)))
        square = theta * theta
        sixth = square**3
        derivative = _A1 + 3 * _A2 * square + sixth * (7 * _A3 + 9 * _A4 * square)
        x = math.radians(turned) * math.cos(theta) / (_M * derivative)
        y = theta * (_A1 + _A2 * square + sixth * (_A3 + _A4 * square))
        return self.x + self.scale * x, self.y - self.scale * y

    def shows(self, latitude: float, longitude: float) -> bool:
        """Whether a point is within the view, and not at its very edge."""
        x, y = self.project(latitude, longitude)
        return 4 <= x <= self.width - 4 and 4 <= y <= self.height - 4


#: From the widest to the closest.
VIEWS: Final = {
    view.name: view
    for view in (
        View("world", 150, 203, 550, 265, 1100, 490),
        View("region", 127.5, 1000, 400, 1020, 940, 640),
        View("peninsula", 127.5, 4200, 380, 3505, 760, 800),
    )
}


@dataclass(frozen=True)
class Spot:
    """A place: how much is there, and where its mark leads."""

    label: str
    latitude: float
    longitude: float
    path: str = ""
    tip: str = ""
    weight: float = 1.0
    kind: str = ""


@dataclass(frozen=True)
class MapMark:
    """One or several spots, drawn as a circle."""

    spots: tuple[Spot, ...]
    x: float
    y: float
    radius: float
    path: str
    #: The name beside the circle, or nothing where there is no room.
    text: str = ""
    text_x: float = 0.0
    text_y: float = 0.0
    anchor: str = "start"

    @property
    def kind(self) -> str:
        """Return the kind of all its spots, if they have the same."""
        kinds = {spot.kind for spot in self.spots}
        return kinds.pop() if len(kinds) == 1 else ""

    @property
    def name(self) -> str:
        """Return the accessible name."""
        return ", ".join(spot.label for spot in self.spots)

    @property
    def tip(self) -> str:
        tips = [spot.tip or spot.label for spot in self.spots]
        shown = " · ".join(tips[:_MOST_NAMES])
        return f"{shown} · … +{len(tips) - _MOST_NAMES}" if len(tips) > _MOST_NAMES else shown

    @property
    def number(self) -> str:
        """Return how much is there, where the circle has room to say it."""
        weight = sum(spot.weight for spot in self.spots)
        return f"{weight:g}" if weight > 1 and self.radius >= _LEAST_NUMBERED else ""

    @property
    def hit(self) -> float:
        """Return the radius of what a finger can hit."""
        return max(self.radius, _LEAST_DISTANCE / 2)


@dataclass(frozen=True)
class Map:
    """A map, drawn."""

    view: View
    marks: tuple[MapMark, ...]
    #: Spots beyond the view.
    outside: tuple[Spot, ...] = ()

    @property
    def width(self) -> int:
        return self.view.width

    @property
    def height(self) -> int:
        return self.view.height

    @property
    def outlines(self) -> str:
        """Return the name of the built file that has the land and the borders."""
        return f"outlines-{self.view.name}.svg"


def draw_map(spots: Iterable[Spot], view: str = "", *, closer: str = "") -> Map:
    """Return ``spots`` on the map ``view``, the closest that shows all of them by default.

    ``closer`` is where a mark leads that stands for several spots: to a view that tells them apart.
    """
    everything = list(spots)
    chosen = VIEWS[view] if view else choose_view(everything)
    inside = [spot for spot in everything if chosen.shows(spot.latitude, spot.longitude)]
    outside = tuple(spot for spot in everything if not chosen.shows(spot.latitude, spot.longitude))
    groups = _cluster(inside, chosen)
    most = max((sum(spot.weight for spot in group) for group in groups), default=1.0)
    marks = [_draw(group, chosen, most, closer) for group in groups]
    marks.sort(key=lambda mark: -mark.radius)
    return Map(chosen, tuple(_write_names(marks, chosen)), outside)


def choose_view(spots: Sequence[Spot]) -> View:
    """Return the closest view that shows all of ``spots``."""
    for view in reversed(VIEWS.values()):
        if spots and all(view.shows(spot.latitude, spot.longitude) for spot in spots):
            return view
    return VIEWS["world"]


def _cluster(spots: Sequence[Spot], view: View) -> list[list[Spot]]:
    """Return the spots in groups; the weightiest of each stands first and gives the place."""
    groups: list[tuple[float, float, list[Spot]]] = []
    for spot in sorted(spots, key=lambda spot: (-spot.weight, spot.label)):
        x, y = view.project(spot.latitude, spot.longitude)
        for other_x, other_y, members in groups:
            if math.hypot(x - other_x, y - other_y) < _LEAST_DISTANCE:
                members.append(spot)
                break
        else:
            groups.append((x, y, [spot]))
    return [members for _, _, members in groups]


def _draw(members: list[Spot], view: View, most: float, closer: str) -> MapMark:
    first = members[0]
    x, y = view.project(first.latitude, first.longitude)
    weight = sum(spot.weight for spot in members)
    share = min(1.0, math.sqrt(max(weight, 0.0) / most)) if most > 0 else 0.0
    radius = _LEAST_RADIUS + (_MOST_RADIUS - _LEAST_RADIUS) * share if most > 1 else 7.0
    path = closer if closer and len(members) > 1 else first.path
    return MapMark(tuple(members), round(x, 1), round(y, 1), round(radius, 1), path)


# Names.

_Box = tuple[float, float, float, float]


def _write_names(marks: Sequence[MapMark], view: View) -> list[MapMark]:
    """Write the names of ``marks``, the weightiest first, where they cover nothing."""
    taken: list[_Box] = [
        (mark.x - mark.radius, mark.y - mark.radius, mark.x + mark.radius, mark.y + mark.radius)
        for mark in marks
    ]
    written = []
    for mark in marks:
        more = len(mark.spots) - 1
        text = mark.spots[0].label + (f" +{more}" if more else "")
        length = measure(text)
        for anchor, x, y in _candidates(mark):
            left = x - length * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
            box = (left - 1, y - 11, left + length + 1, y + 4)
            fits = box[0] >= 2 and box[2] <= view.width - 2 and box[1] >= 2
            if fits and box[3] <= view.height - 2 and not any(_touch(box, b) for b in taken):
                taken.append(box)
                mark = MapMark(  # noqa: PLW2901, the same mark with its name
                    mark.spots, mark.x, mark.y, mark.radius, mark.path,
                    text, round(x, 1), round(y, 1), anchor,
                )  # fmt: skip
                break
        written.append(mark)
    return written


def _candidates(mark: MapMark) -> list[tuple[str, float, float]]:
    """Return where the name may stand: right, left, below, above, then aslant."""
    r = mark.radius + 4
    slant = mark.radius * 0.7 + 3
    return [
        ("start", mark.x + r, mark.y + 4.5),
        ("end", mark.x - r, mark.y + 4.5),
        ("middle", mark.x, mark.y + r + 10),
        ("middle", mark.x, mark.y - r),
        ("start", mark.x + slant, mark.y + slant + 8),
        ("start", mark.x + slant, mark.y - slant),
        ("end", mark.x - slant, mark.y + slant + 8),
        ("end", mark.x - slant, mark.y - slant),
    ]


def _touch(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
