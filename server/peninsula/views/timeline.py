"""How is what happened shown along time?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import takewhile
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from peninsula.chronicle import (
    KINDS,
    USUAL,
    Choice,
    Chronicle,
    Item,
    read_choices,
    read_chronicle,
    write_query,
)
from peninsula.drawing.timeline import Entry, Timeline, draw_timeline
from peninsula.edtf import write_edtf
from peninsula.formats import CSV, HTML, PLAIN_JSON
from peninsula.namespaces import shorten
from peninsula.negotiation import choose
from peninsula.serialization import write_csv
from peninsula.views.answers import answer
from peninsula.views.choices import read_choice
from peninsula.views.parameters import choice_given
from peninsula.views.site import accepted, dataset, language, local_path, render

blueprint = Blueprint("timeline", __name__)

_WIDTH: Final = 1236
#: Before, little is recorded but the Korean War; the reader can go there.
_FIRST: Final = date(1990, 1, 1)
_LANES: Final = ("kind", "actor")
_MOST_LANES: Final = 10
_MOST_MARKS: Final = 1000
#: Kinds whose times say when something ended, too; others may reach far beyond what is known.
_BOUND: Final = frozenset(KINDS) - {"planned", "position"}


@blueprint.get("/timeline")
def timeline() -> Response:
    """Show what happened, was agreed, held and planned along time."""
    format = choose(accepted(), (HTML, PLAIN_JSON, CSV), name=request.args.get("format"))

    def show() -> Response:
        choice = read_choice(tuple(KINDS), USUAL, _FIRST)
        lanes = choice_given("lanes", _LANES)
        chronicle = read_chronicle(dataset(), choice, language())
        if format is PLAIN_JSON:
            return jsonify(
                {
                    "query": write_query(choice),
                    "isCut": chronicle.is_cut,
                    "items": [_as_json(item) for item in chronicle.items],
                }
            )
        if format is CSV:
            return Response(_as_csv(chronicle), content_type=CSV.content_type)
        return Response(_page(choice, lanes, chronicle), content_type=HTML.content_type)

    return answer(show)


def _page(choice: Choice, lanes: str, chronicle: Chronicle) -> str:
    last = choice.last or _last_day(chronicle)
    first = choice.first or _FIRST

    def draw(words: Mapping[str, str]) -> Timeline:
        entries = list(_entries(chronicle.dated[:_MOST_MARKS], lanes, words))
        return draw_timeline(entries, width=_WIDTH, first=first, last=last)

    return render(
        "timeline.html",
        choice=choice,
        kinds=tuple(KINDS),
        usual=USUAL,
        lanes=lanes,
        chronicle=chronicle,
        choices=read_choices(dataset(), language(), choice.actor, choice.topic),
        draw=draw,
        first=first,
        last=last,
        windows=zoom(first, last),
        query=write_query(choice),
        shorten=shorten,
        is_usual=choice.kinds == USUAL,
    )


def _last_day(chronicle: Chronicle) -> date:
    """Return the end of the year of the last thing that is known to have happened."""
    days = [item.end or item.start for item in chronicle.dated if item.kind in _BOUND]
    days = days or [item.end or item.start for item in chronicle.dated]
    known = [day.year for day in days if day]
    return date(max(known, default=_FIRST.year), 12, 31)


def _entries(items: list[Item], lanes: str, words: Mapping[str, str]) -> Iterator[Entry]:
    """Yield what the timeline draws, lane by lane."""
    rows: dict[str, list[Item]] = {}
    if lanes == "actor":
        most = Counter(state.label for item in items for state in item.states).most_common(
            _MOST_LANES
        )
        rows = {label: [] for label, _ in most}
        for item in items:
            named = [state.label for state in item.states if state.label in rows]
            for label in named or [words["others"]]:
                rows.setdefault(label, []).append(item)
    else:
        for item in sorted(items, key=lambda item: tuple(KINDS).index(item.kind)):
            rows.setdefault(_lane(item, words), []).append(item)
    for label, members in rows.items():
        common = find_beginning([item.label for item in members])
        for group in _join(members):
            item = group[0]
            yield Entry(
                item.label,
                item.start,
                None
                if any(one.end is None for one in group)
                else max(one.end or date.min for one in group),
                label,
                local_path(item.holder.iri if len(group) > 1 and item.holder else item.iri),
                " — ".join(map(_tip, group)),
                item.mark,
                item.when if len(group) == 1 else f"{item.start}/{group[-1].end or '..'}",
                item.label.removeprefix(common),
            )


#: Labels of fewer letters, or of fewer things, say what they are as they stand.
_LONG_BEGINNING: Final = 12
_LEAST_LABELS: Final = 4


def find_beginning(labels: list[str]) -> str:
    """Return the words with which all labels begin; what follows tells them apart in little room.

    “UN Security Council resolution 2397” is “2397” among its like.
    """
    places = zip(*map(str.split, labels), strict=False)
    alike = takewhile(lambda words: len(set(words)) == 1, places)
    common = "".join(f"{words[0]} " for words in alike)
    return common if len(common) >= _LONG_BEGINNING and len(labels) >= _LEAST_LABELS else ""


def _join(items: list[Item]) -> Iterator[list[Item]]:
    """Yield the items one by one, but what somebody led without a gap together."""
    runs: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        if item.kind != "leader" or not item.holder or not item.start or item.has_unknown_end:
            yield [item]
            continue
        key = (item.holder.iri, item.states[0].iri if item.states else "")
        run = runs.setdefault(key, [])
        if run and not _adjoins(run, item.start):
            yield run
            run = runs[key] = []
        run.append(item)
    yield from (run for run in runs.values() if run)


def _adjoins(run: list[Item], day: date) -> bool:
    return any(one.end is None or day <= one.end + timedelta(days=1) for one in run)


def _lane(item: Item, words: Mapping[str, str]) -> str:
    word = words[item.kind]
    if item.kind == "leader" and item.states:
        return f"{word}: {item.states[0].label}"
    if item.kind == "official" and item.detail:
        return item.detail.label
    if item.kind == "position" and item.holder:
        return f"{word}: {item.holder.label}"
    return word


def _tip(item: Item) -> str:
    parts = [item.label, item.class_label, write_edtf(item.when)]
    if item.detail and item.kind in {"leader", "official", "planned"}:
        parts.insert(1, item.detail.label)
    return " · ".join(part for part in parts if part)


def zoom(first: date, last: date) -> dict[str, tuple[str, str]]:
    """Return other times to look at: earlier, later, closer, wider."""
    days = (last - first).days + 1
    half, quarter = timedelta(days=days // 2), timedelta(days=max(days // 4, 1))
    found = {}
    for name, start, end in (
        ("earlier", -half, -half),
        ("later", half, half),
        ("closer", quarter, -quarter),
        ("wider", -half, half),
    ):
        try:
            begin, finish = first + start, last + end
        except OverflowError:
            continue
        if begin.year >= 1000 and finish.year < 3000 and (finish - begin).days >= 28:
            found[name] = _write_window(begin, finish)
    return found


def _write_window(first: date, last: date) -> tuple[str, str]:
    """Return a time as it stands in an address: whole years unless it is short."""
    if (last - first).days > 4 * 365:
        return str(first.year), str(last.year)
    return first.isoformat(), last.isoformat()


# The data.


def _as_json(item: Item) -> dict[str, Any]:
    return {
        "iri": item.iri,
        "kind": item.kind,
        "class": item.class_label,
        "label": item.label,
        "from": item.start.isoformat() if item.start else None,
        "until": item.end.isoformat() if item.end else None,
        "edtf": item.when or None,
        "detail": item.detail.label if item.detail else None,
        "stance": item.stance or None,
        "actors": [{"iri": name.iri, "label": name.label} for name in item.actors],
    }


def _as_csv(chronicle: Chronicle) -> str:
    head = ("kind", "iri", "label", "class", "from", "until", "edtf", "detail", "stance", "actors")
    rows = (
        (
            item.kind, item.iri, item.label, item.class_label, item.start or "", item.end or "",
            item.when, item.detail.label if item.detail else "", item.stance,
            "; ".join(name.label for name in item.actors),
        )
        for item in chronicle.items
    )  # fmt: skip
    return write_csv((head, *rows))
