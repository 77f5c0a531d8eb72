"""What can a reader choose of a network of ties, and what does an address choose?

Of what it is made (meetings, votes, stances), by which rules of :mod:`peninsula.discourse`, and
over which time. What is not said is as the first of what is possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Final

import pyoxigraph as ox

from peninsula.discourse import (
    AFFILIATION_NORMALIZATIONS,
    AFFILIATION_RULES,
    DUPLICATES,
    NORMALIZATIONS,
    RULES,
)
from peninsula.errors import ParameterError
from peninsula.namespaces import shorten
from peninsula.protocol import read_number
from peninsula.terms import STANCES, read_day, read_iri

SUPPORT: Final = {"supports": 1, "opposes": -1}
#: Stances that are neither; each can be left out, stand between, or count as one of the two.
OTHER_STANCES: Final = tuple(slug for slug in STANCES if slug not in SUPPORT)
READINGS_OF_STANCES: Final = {"out": None, "between": 0, "supports": 1, "opposes": -1}
CHOICES: Final = {"for": 1, "abstain": 0, "against": -1}

#: What each parameter can be; the first is what it is where nothing is said.
_MEETINGS: Final = {
    "actors": ("persons", "states"),
    "meetings": ("close", "all", "events"),
    "normalization": ("no", "average", "jaccard", "cosine"),
}
_VOTES: Final = {
    "who": ("all", "permanent"),
    "rule": ("congruence", "conflict", "both", "subtract"),
    "normalization": ("no", "common", "average", "jaccard", "cosine"),
    "abstention": ("own", "between"),
}
_STANCES: Final = {
    "mode": ("actors", "concepts", "affiliation"),
    "evidence": ("positions", "claims"),
    "concept": ("topic", "object"),
    "fold": ("no", "yes"),
    "aimed": ("yes", "no"),
    "counterfactual": ("no", "yes"),
    "rule": ("both", *RULES),
    "normalization": NORMALIZATIONS,
    "duplicates": ("range", *(name for name in DUPLICATES if name != "range")),
    **{stance: tuple(READINGS_OF_STANCES) for stance in OTHER_STANCES},
}
_AFFILIATION: Final = {
    **_STANCES,
    "rule": ("combine", "ignore", "binary", "subtract"),
    "normalization": AFFILIATION_NORMALIZATIONS,
}
OPTIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "meetings": _MEETINGS,
    "votes": _VOTES,
    "stances": _STANCES,
}
#: Two states that sat on the Council once together have little in common yet.
_LEAST: Final = {"meetings": 1, "votes": 3, "stances": 1}
assert set(_AFFILIATION["rule"]) == set(AFFILIATION_RULES)


@dataclass(frozen=True)
class Settings:
    """Everything that a reader can choose; which fields count depends on ``of``."""

    of: str = "meetings"
    actors: str = "persons"
    meetings: str = "close"
    who: str = "all"
    abstention: str = "own"
    mode: str = "actors"
    evidence: str = "positions"
    concept: str = "topic"
    topic: str = ""
    fold: str = "no"
    aimed: str = "yes"
    counterfactual: str = "no"
    rule: str = "ignore"
    normalization: str = "no"
    duplicates: str = "range"
    others: Mapping[str, str] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None
    undated: bool = False
    #: Whether nodes without ties are drawn, too.
    isolates: bool = False
    least: int = 1

    @property
    def is_affiliation(self) -> bool:
        return self.of == "stances" and self.mode == "affiliation"

    @property
    def options(self) -> Mapping[str, tuple[str, ...]]:
        """Return what the parameters can be in this network."""
        return _AFFILIATION if self.is_affiliation else OPTIONS[self.of]

    def levels(self) -> dict[str, int]:
        """Return the level of each word for a stance or choice that counts."""
        if self.of == "votes":
            return dict(CHOICES)
        read = {name: READINGS_OF_STANCES[how] for name, how in self.others.items()}
        return {**SUPPORT, **{name: level for name, level in read.items() if level is not None}}


def read_settings(values: Mapping[str, str]) -> Settings:
    """Return what the parameters of an address say; raises ParameterError."""
    of = _choose(values, "of", ("meetings", "votes", "stances"))
    options, others = OPTIONS[of], _AFFILIATION
    if of == "stances" and _choose(values, "mode", _STANCES["mode"]) == "affiliation":
        options, others = _AFFILIATION, _STANCES
    chosen = {
        # Who goes from one kind of network to another need not mend the rule first.
        name: _choose(values, name, allowed, others.get(name, ()) if of == "stances" else ())
        for name, allowed in options.items()
    }
    first, last = _read_date(values, "from"), _read_date(values, "until")
    if first and last and first > last:
        raise ParameterError(
            f"The time would end on {last}, before it begins on {first}.",
            "Exchange the two dates.",
            parameter="until",
        )
    known = {entry.name for entry in fields(Settings)}
    words: dict[str, Any] = {name: value for name, value in chosen.items() if name in known}
    return replace(
        Settings(of, **words),
        others={name: chosen[name] for name in OTHER_STANCES if name in chosen},
        topic=shorten(read_topic(values["topic"]).value) if values.get("topic") else "",
        first=first,
        last=last,
        undated=_choose(values, "undated", ("no", "yes")) == "yes",
        isolates=_choose(values, "isolates", ("no", "yes")) == "yes",
        least=_read_least(values, of),
    )


def read_topic(text: str) -> ox.NamedNode:
    """Return the concept that a parameter names."""
    try:
        return read_iri(text)
    except ValueError as error:
        raise ParameterError(
            f"“{text}” names no topic: {error}.", "Example: topic:sanctions", parameter="topic"
        ) from None


def _choose(
    values: Mapping[str, str], name: str, allowed: tuple[str, ...], other: tuple[str, ...] = ()
) -> str:
    """Return one of ``allowed``: the first for what is not said, or is one of ``other``."""
    value = values.get(name) or allowed[0]
    if value not in allowed and value in other:
        return allowed[0]
    if value not in allowed:
        raise ParameterError(
            f"The parameter “{name}” cannot be “{value}” here.",
            f"It is one of: {', '.join(allowed)}.",
            parameter=name,
        )
    return value


def _read_date(values: Mapping[str, str], name: str) -> date | None:
    text = values.get(name, "").strip()
    if not text:
        return None
    try:
        return read_day(text, is_end=name == "until")
    except ValueError:
        raise ParameterError(
            f"“{text}” is no day for the parameter “{name}”.",
            "Write it as 2017-12-22, or a year as 2017.",
            parameter=name,
        ) from None


def _read_least(values: Mapping[str, str], of: str) -> int:
    text = values.get("least") or str(_LEAST[of])
    number = read_number(text, 1, 10_000)
    if number is None:
        raise ParameterError(
            f"“{text[:40]}” is no number of things in common.",
            "Write 1 or more.",
            parameter="least",
        )
    return number
