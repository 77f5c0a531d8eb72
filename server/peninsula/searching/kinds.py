"""Of which kind is a thing, is it among those asked for, and what does it count beside others?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from peninsula.namespaces import BASE, CONCEPT_SCHEMES, THING_KINDS
from peninsula.searching.entries import Entry

#: What is only there to say something about something else.
TECHNICAL: Final = frozenset(
    {
        "attribution", "passage", "selector", "link", "geometry", "participation", "vote",
        "sponsorship", "tenure", "conditional", "reading", "graph", "ontology", "vocabulary",
    }
)  # fmt: skip
#: What is said, held or thought.
SAID: Final = frozenset(
    {
        "claim", "position", "tension", "situation", "relation", "notion", "measure", "exemption",
        "hypothetical-event",
    }
)  # fmt: skip
#: What happens, and what is agreed: it is named after who and where, and stands behind them.
_DONE: Final = frozenset(
    {"event", "planned-event", "resolution", "agreement", "initiative", "document"}
)
_CONCEPTS: Final = frozenset(CONCEPT_SCHEMES.values())
_STANDING: Final = {
    **dict.fromkeys(THING_KINDS, 1.0),
    **dict.fromkeys(_DONE, 0.93),
    **dict.fromkeys(_CONCEPTS, 0.88),
    **dict.fromkeys(SAID, 0.85),
    **dict.fromkeys(TECHNICAL, 0.5),
}
_OUTSIDE: Final = 0.8
_OTHER: Final = 0.65


def kind_of(iri: str) -> str:
    """Return the kind of a thing as it stands in its address; ``pen`` for terms."""
    path = iri.removeprefix(BASE)
    if path == iri:
        return ""
    first, _, rest = path.removeprefix("id/").partition("/")
    return "pen" if first.startswith("ns#") else first if rest else ""


def standing(iri: str) -> float:
    """Return what a thing stands for beside others with as good a name: 1 is the most."""
    return _STANDING.get(kind_of(iri), _OTHER) if iri.startswith(BASE) else _OUTSIDE


def main_class(entry: Entry, above: dict[str, list[str]]) -> str:
    """Return the class of a thing that says most."""
    if len(entry.classes) == 1:
        return entry.classes[0]
    ordered = sorted(entry.classes, key=lambda c: (-len(above.get(c, ())), c))
    ours = (c for c in ordered if c.startswith(BASE))
    return next(ours, ordered[0] if ordered else "")


def slug_of(iri: str) -> str:
    """Return the last part of an IRI."""
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2]


@dataclass(frozen=True)
class Among:
    """Which things are looked through."""

    kinds: tuple[str, ...] = ()
    #: Classes of which one must be the thing's own.
    classes: tuple[str, ...] = ()

    def has(self, entry: Entry) -> bool:
        """Return whether a thing is one of them."""
        return (not self.kinds or kind_of(entry.iri) in self.kinds) and (
            not self.classes or not set(self.classes).isdisjoint(entry.classes)
        )
