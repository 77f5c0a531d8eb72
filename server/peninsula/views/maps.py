"""How is what happened shown on a map?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from peninsula.chronicle import EVENTS, Item, read_choices, write_query
from peninsula.drawing.maps import VIEWS, Map, Spot, draw_map
from peninsula.formats import CSV, GEOJSON, HTML, PLAIN_JSON, Format
from peninsula.gazetteer import Gazetteer, Site, read_gazetteer
from peninsula.namespaces import BASE, shorten
from peninsula.negotiation import choose
from peninsula.serialization import write_csv
from peninsula.views.answers import answer
from peninsula.views.choices import read_choice
from peninsula.views.parameters import choice_given
from peninsula.views.site import accepted, dataset, language, link_here, render

blueprint = Blueprint("maps", __name__)

_USUAL: Final = tuple(slug for slug in EVENTS if slug != "planned")
_FIRST_VIEW: Final = "region"
#: The view that tells apart what is one spot in another.
_CLOSER: Final = {"world": "region", "region": "peninsula"}
_LISTED: Final = 60


@blueprint.get("/map")
def places() -> Response:
    """Show where what happened took place."""
    offered = (HTML, GEOJSON, PLAIN_JSON, CSV)
    format = choose(accepted(), offered, name=request.args.get("format"))

    def show() -> Response:
        choice = read_choice(EVENTS, _USUAL, None)
        view = choice_given("view", (_FIRST_VIEW, *VIEWS))
        with_others = bool(request.args.get("others"))
        gazetteer = read_gazetteer(dataset(), choice, language(), with_others=with_others)
        query = write_query(choice, with_places=True)
        if format is GEOJSON:
            return _send(_as_geojson(gazetteer), GEOJSON)
        if format is PLAIN_JSON:
            rows = [_as_row(*pair) for pair in _pairs(gazetteer)]
            return jsonify({"query": query, "isCut": gazetteer.is_cut, "items": rows})
        if format is CSV:
            return Response(_as_csv(gazetteer), content_type=CSV.content_type)
        anchors = _anchors(gazetteer.sites)
        page = render(
            "map.html",
            choice=choice,
            kinds=EVENTS,
            gazetteer=gazetteer,
            chronicle=gazetteer.chronicle,
            choices=read_choices(dataset(), language(), choice.actor, choice.topic),
            drawn=_draw(gazetteer, view, anchors),
            view=view,
            views=tuple(VIEWS),
            anchors=anchors,
            with_others=with_others,
            listed=_LISTED,
            query=query,
            shorten=shorten,
        )
        return Response(page, content_type=HTML.content_type)

    return answer(show)


def _draw(gazetteer: Gazetteer, view: str, anchors: dict[str, str]) -> Map:
    spots = [
        Spot(
            site.label,
            *site.point,
            path=f"#{anchors[site.iri]}",
            tip=f"{site.label}: {len(site.items)}" if site.items else site.label,
            weight=float(len(site.items)),
            kind=site.kind if site.items else "empty",
        )
        for site in gazetteer.on_map
        if site.point
    ]
    closer = link_here(view=_CLOSER[view]) if view in _CLOSER else ""
    return draw_map(spots, view, closer=closer)


def _anchors(sites: Iterable[Site]) -> dict[str, str]:
    """Return a name for each place within the page."""
    found: dict[str, str] = {}
    for site in sites:
        name = re.sub(r"[^a-z0-9-]+", "-", site.iri.removeprefix(f"{BASE}id/place/").lower())
        anchor = f"place-{name.strip('-')}"
        found[site.iri] = f"{anchor}-{len(found)}" if anchor in found.values() else anchor
    return found


# The data.


def _pairs(gazetteer: Gazetteer) -> list[tuple[Item | None, Site | None]]:
    """Return each event with each of its places, and each place without one."""
    pairs: list[tuple[Item | None, Site | None]] = []
    for site in gazetteer.sites:
        pairs += [(item, site) for item in site.items] or [(None, site)]
    pairs += [(item, None) for _, items in gazetteer.described for item in items]
    pairs += [(item, None) for item in gazetteer.nowhere]
    return pairs


def _as_row(item: Item | None, site: Site | None) -> dict[str, Any]:
    return {
        "kind": item.kind if item else None,
        "event": item.iri if item else None,
        "label": item.label if item else None,
        "from": item.start.isoformat() if item and item.start else None,
        "until": item.end.isoformat() if item and item.end else None,
        "edtf": item.when or None if item else None,
        "place": site.iri if site else None,
        "placeLabel": site.label if site else None,
        "latitude": site.point[0] if site and site.point else None,
        "longitude": site.point[1] if site and site.point else None,
        "placeDescription": item.place_text or None if item else None,
        "areas": "; ".join(name.label for name in site.areas) if site else None,
    }


def _as_csv(gazetteer: Gazetteer) -> str:
    rows = (_as_row(*pair).values() for pair in _pairs(gazetteer))
    return write_csv((_as_row(None, None), *rows))


def _as_geojson(gazetteer: Gazetteer) -> dict[str, Any]:
    """Return a feature for each place; one without a point has no geometry (RFC 7946, 3.2)."""
    features = [
        {
            "type": "Feature",
            "id": site.iri,
            "geometry": {"type": "Point", "coordinates": [site.point[1], site.point[0]]}
            if site.point
            else None,
            "properties": {
                "label": site.label,
                "in": [name.label for name in site.areas],
                "count": len(site.items),
                "events": [_as_event(item) for item in site.items],
            },
        }
        for site in gazetteer.sites
    ]
    features += [
        {
            "type": "Feature",
            "geometry": None,
            "properties": {
                "label": text,
                "count": len(items),
                "events": [_as_event(item) for item in items],
            },
        }
        for text, items in gazetteer.described
    ]
    return {"type": "FeatureCollection", "features": features}


def _as_event(item: Item) -> dict[str, Any]:
    return {"iri": item.iri, "label": item.label, "kind": item.kind, "edtf": item.when or None}


def _send(value: dict[str, Any], format: Format) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), content_type=format.content_type)
