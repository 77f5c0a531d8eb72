"""Where did it happen, and what happened at each place?

Places with a point can be drawn. Those without one, and places that a source only describes, are
kept beside them: a list has what a map cannot show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.chronicle import Choice, Chronicle, Item, Name, read_chronicle
from peninsula.columns import read_point
from peninsula.dataset.interface import Dataset, select
from peninsula.labels import find_labels, name_of

_MOST_PLACES: Final = 1000

_AREAS: Final = f"""
SELECT DISTINCT ?place ?area WHERE {{{{
  VALUES ?place {{{{ {{places}} }}}} ?place pen:isLocatedIn ?area
}}}} LIMIT {5 * _MOST_PLACES}
"""
_PLACES: Final = f"""
SELECT DISTINCT ?place ?point WHERE {{
  ?place a pen:Place OPTIONAL {{ ?place geo:hasGeometry/geo:asWKT ?point }}
}} ORDER BY ?place LIMIT {_MOST_PLACES + 1}
"""


@dataclass(frozen=True)
class Site:
    """A place and what happened there."""

    iri: str
    label: str
    #: Latitude and longitude.
    point: tuple[float, float] | None
    areas: tuple[Name, ...]
    items: tuple[Item, ...]

    @property
    def kind(self) -> str:
        """Return the kind of everything there, if it is the same."""
        kinds = {item.kind for item in self.items}
        return kinds.pop() if len(kinds) == 1 else ""


@dataclass(frozen=True)
class Gazetteer:
    """The places of what is chosen, those where most happened first."""

    sites: tuple[Site, ...]
    #: What has a place only in words, by these words.
    described: tuple[tuple[str, tuple[Item, ...]], ...]
    #: What has no place at all.
    nowhere: tuple[Item, ...]
    chronicle: Chronicle
    is_cut: bool = False

    @property
    def on_map(self) -> list[Site]:
        return [site for site in self.sites if site.point]

    @property
    def off_map(self) -> list[Site]:
        return [site for site in self.sites if not site.point]


def read_gazetteer(
    dataset: Dataset, choice: Choice, language: str, *, with_others: bool = False
) -> Gazetteer:
    """Return where the events chosen took place; ``with_others`` adds places without any."""
    chronicle = read_chronicle(dataset, choice, language, with_places=True)
    here: dict[str, list[Item]] = defaultdict(list)
    points: dict[str, str] = {}
    labels: dict[str, str] = {}
    described: dict[str, list[Item]] = defaultdict(list)
    nowhere: list[Item] = []
    for item in chronicle.items:
        for place in item.places:
            here[place.iri].append(item)
            points[place.iri] = place.point
            labels[place.iri] = place.label
        if not item.places:
            (described[item.place_text] if item.place_text else nowhere).append(item)
    is_cut = chronicle.is_cut
    if with_others:
        others = _read_others(dataset)
        is_cut = is_cut or len(others) > _MOST_PLACES
        points = {**others, **points}
        labels |= find_labels(dataset, (ox.NamedNode(iri) for iri in others), language)
    areas = _read_areas(dataset, points, language)
    sites = [
        Site(
            iri,
            labels.get(iri) or name_of(iri, labels),
            read_point(ox.Literal(point)) if point else None,
            tuple(areas.get(iri, [])),
            tuple(here.get(iri, [])),
        )
        for iri, point in points.items()
    ]
    sites.sort(key=lambda site: (-len(site.items), site.label.casefold()))
    texts = sorted(described.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return Gazetteer(
        tuple(sites),
        tuple((text, tuple(items)) for text, items in texts),
        tuple(nowhere),
        chronicle,
        is_cut,
    )


def _read_others(dataset: Dataset) -> dict[str, str]:
    """Return every place with its point, or nothing where it has none."""
    found: dict[str, str] = {}
    for place, point in select(dataset, _PLACES):
        if isinstance(place, ox.NamedNode):
            found.setdefault(place.value, point.value if isinstance(point, ox.Literal) else "")
    return found


def _read_areas(dataset: Dataset, places: Iterable[str], language: str) -> dict[str, list[Name]]:
    """Return the states and larger areas in which each place lies."""
    values = " ".join(f"<{iri}>" for iri in places)
    if not values:
        return {}
    pairs = [
        (place.value, area)
        for place, area in select(dataset, _AREAS.format(places=values))
        if isinstance(place, ox.NamedNode) and isinstance(area, ox.NamedNode)
    ]
    labels = find_labels(dataset, (area for _, area in pairs), language)
    found: dict[str, list[Name]] = defaultdict(list)
    for place, area in sorted(pairs, key=lambda pair: (pair[0], pair[1].value)):
        found[place].append(Name(area.value, name_of(area.value, labels)))
    return dict(found)
