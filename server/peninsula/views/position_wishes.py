"""Which positions does an address ask for, and how are they to be shown?

Whose, on what, of which stance and when is the :class:`~peninsula.selections.Selection`; which
topics are unfolded, and in which order the rows stand, changes only how a page shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Final

from peninsula.chronicle import is_known
from peninsula.errors import ParameterError, UnknownResource
from peninsula.namespaces import expand, shorten
from peninsula.selections import KINDS, Selection, Window
from peninsula.stances import Survey
from peninsula.terms import STANCES
from peninsula.topics import is_topic
from peninsula.views.parameters import (
    check_period,
    choice_given,
    choices_given,
    day_given,
    given,
    number_given,
    read_name,
)
from peninsula.views.site import dataset

#: How the rows of the matrix may stand.
ROWS: Final = ("kind", "kind-name", "state", "state-name")
_MOST_PAGES: Final = 100_000
_MOST_COMPARED: Final = 6
#: Characters of a name that are compared with others.
_COMPARED: Final = 60
_OPEN_ALL: Final = "all"
#: What narrows every page alike.
_KEPT: Final = ("on", "from", "until", "unknown", "stance", "modality", "aim")


@dataclass(frozen=True)
class Wish:
    """What the address asks for, besides the positions themselves."""

    selection: Selection
    #: The topics that are unfolded; one of them may be “all”.
    opened: frozenset[str]
    rows: str
    page: int
    #: The parameters that narrow the page, as they stand in its links.
    kept: dict[str, object]

    def unfolded(self, survey: Survey) -> frozenset[str]:
        """Return the topics that are unfolded."""
        if _OPEN_ALL in self.opened:
            return frozenset(survey.topics.narrower)
        return self.opened


def read_wish() -> Wish:
    """Return what the address asks for; raises ParameterError."""
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
    return Wish(selection, frozenset(opened), rows, page, kept)


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


def require_known(survey: Survey, wish: Wish) -> None:
    """Raise UnknownResource where an actor or topic asked for is nothing that the graph knows."""
    topic = wish.selection.topic
    if topic and topic not in survey.topics.broader and not is_topic(dataset(), topic):
        raise UnknownResource(
            f"There is no topic “{shorten(topic)}”.",
            _near(topic, survey.topics.broader, survey),
        )
    for actor in wish.selection.actors:
        if actor not in survey.actors and not is_known(dataset(), actor):
            raise UnknownResource(
                f"The graph does not know “{shorten(actor)}”.", _near(actor, survey.actors, survey)
            )


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
