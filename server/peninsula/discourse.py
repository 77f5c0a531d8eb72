"""How alike are actors in what they do and say, by the rules of discourse network analysis?

Statements become networks by the rules of the Discourse Network Analyzer (Leifeld, Gruber and
Bossner, “Discourse Network Analyzer Manual”, 2018, chapter 2; Leifeld, “Discourse Network
Analysis: Policy Debates as Dynamic Networks”, in: The Oxford Handbook of Political Networks,
2017). Let ``x[i, j, k]`` be how often actor *i* speaks of concept *j* at level *k*: for it (1),
against it (-1), or between (0). Then the tie of two actors weighs

*   *congruence*: the sum over *j*, *k*, *k'* of ``x[i, j, k] · x[i', j, k'] · (1 - d)``,
*   *conflict*: the same sum with ``d`` in place of ``1 - d``,
*   *subtract*: congruence less conflict,
*   *ignore*: the sum over *j* of ``(Σk x[i, j, k]) · (Σk x[i', j, k])``,

where ``d`` is the distance of the two levels: ``|k - k'| / 2``, so that support and opposition are
1 apart. With those two levels alone congruence counts what is the same, conflict what differs. A
nominal scale takes any two different levels to be 1 apart. The tie can be divided by

*   *average*: the mean of the numbers of statements of both,
*   *jaccard*: ``m10 + m01 + m11``, which are the statements of each at a concept and level where
    the other has none, and ``Σ x[i, j, k] · x[i', j, k]``,
*   *cosine*: the product of the numbers of statements of both (so does DNA; it is no angle),
*   *common*: the weight by *ignore*; this is not in DNA. It gives shares of what both speak of.

The network of concepts is made in the same way, actors and concepts swapped. The affiliation
network ties each actor to the concepts it speaks of: by *ignore* (how often), *binary* (whether),
*subtract* (for less against), or *combine* (one number for each combination of levels, as DNA
ranks them); divided by *activity* (all statements of the actor) or *prominence* (all on the
concept).

DNA dates a statement by its document. Here a statement holds for a time whose ends may be
unknown: it is in a window if it may overlap it; for calendar periods its first day counts, or
its last where the first is unknown. (DNA takes the same month of two years for one; not here.)
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

RULES: Final = ("congruence", "conflict", "subtract", "ignore")
NORMALIZATIONS: Final = ("no", "average", "jaccard", "cosine", "common")
AFFILIATION_RULES: Final = ("ignore", "binary", "subtract", "combine")
AFFILIATION_NORMALIZATIONS: Final = ("no", "activity", "prominence")
DUPLICATES: Final = ("include", "document", "week", "month", "year", "range")
LEVELS: Final = (-1, 0, 1)


@dataclass(frozen=True)
class Statement:
    """That an actor takes a stance on a concept, or takes part in something."""

    actor: str
    concept: str
    #: 1 for, -1 against, 0 between.
    level: int = 1
    #: What says so, and in which word.
    source: str = ""
    stance: str = ""
    document: str = ""
    start: date | None = None
    end: date | None = None

    @property
    def day(self) -> date | None:
        """Return the day that counts for calendar periods."""
        return self.start or self.end

    def swapped(self) -> Statement:
        """Return the statement with actor and concept in each other's place."""
        return replace(self, actor=self.concept, concept=self.actor)


@dataclass(frozen=True)
class Tie:
    """What ties two nodes, and over how many common concepts (or actors)."""

    source: str
    target: str
    weight: float
    common: int


def choose_window(
    statements: Iterable[Statement],
    first: date | None = None,
    last: date | None = None,
    *,
    with_undated: bool = False,
) -> list[Statement]:
    """Return the statements that may hold on some day from ``first`` to ``last``."""
    if first is None and last is None:
        return list(statements)
    return [
        s
        for s in statements
        if (
            with_undated
            if s.start is None and s.end is None
            else not (first and s.end and s.end < first)
            and not (last and s.start and s.start > last)
        )
    ]


def drop_duplicates(statements: Iterable[Statement], setting: str) -> list[Statement]:
    """Return the statements without those that repeat one of the same document or period.

    A repetition has the same actor, concept and level; the earliest is kept. What has no date is
    in a period of its own.
    """
    if setting not in DUPLICATES:
        raise ValueError(f"unknown setting for duplicates: {setting}")
    ordered = sorted(statements, key=lambda s: (s.day or date.max, s.source, s.document))
    if setting == "include":
        return ordered
    kept: dict[tuple[object, ...], Statement] = {}
    for s in ordered:
        kept.setdefault((s.actor, s.concept, s.level, _period(s, setting)), s)
    return list(kept.values())


def _period(statement: Statement, setting: str) -> object:
    day = statement.day
    match setting:
        case "document":
            return statement.document
        case "range":
            return None
        case "week":
            return day and tuple(day.isocalendar())[:2]
        case "month":
            return day and (day.year, day.month)
        case _:
            return day and day.year


def distance(one: int, other: int, *, is_nominal: bool = False) -> float:
    """Return how far two levels are apart, from 0 to 1."""
    return float(one != other) if is_nominal else abs(one - other) / 2


@dataclass
class _Pair:
    """What two actors have in common, summed over concepts."""

    congruence: float = 0.0
    conflict: float = 0.0
    common: int = 0
    #: Jaccard's: statements of either where the other has some, too, and their products.
    both: int = 0
    matches: int = 0


class Comparison:
    """Statements, counted once, from which any one-mode network of the actors can be made."""

    def __init__(self, statements: Iterable[Statement], *, is_nominal: bool = False) -> None:
        counts: dict[str, dict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
        self.activity: Counter[str] = Counter()
        for s in statements:
            counts[s.concept][s.actor][s.level] += 1
            self.activity[s.actor] += 1
        self._pairs: dict[tuple[str, str], _Pair] = defaultdict(_Pair)
        for actors in counts.values():
            for one, other in itertools.combinations(sorted(actors), 2):
                _compare(self._pairs[one, other], actors[one], actors[other], is_nominal)

    @property
    def actors(self) -> list[str]:
        return sorted(self.activity)

    def ties(self, rule: str, normalization: str = "no") -> list[Tie]:
        """Return the tie of every two actors with a concept in common, of weight 0 too."""
        if rule not in RULES:
            raise ValueError(f"unknown rule: {rule}")
        return [
            Tie(*names, _weigh(pair, rule) / self._divisor(names, pair, normalization), pair.common)
            for names, pair in sorted(self._pairs.items())
        ]

    def _divisor(self, names: tuple[str, str], pair: _Pair, normalization: str) -> float:
        one, other = (self.activity[name] for name in names)
        match normalization:
            case "no":
                return 1.0
            case "average":
                return (one + other) / 2
            case "cosine":
                return float(one * other)
            case "jaccard":
                return float(one + other - pair.both + pair.matches)
            case "common":
                return _weigh(pair, "ignore")
        raise ValueError(f"unknown normalization: {normalization}")


def _compare(pair: _Pair, one: Counter[int], other: Counter[int], is_nominal: bool) -> None:
    pair.common += 1
    for level, count in one.items():
        for second, times in other.items():
            apart = distance(level, second, is_nominal=is_nominal)
            pair.congruence += count * times * (1 - apart)
            pair.conflict += count * times * apart
        if times := other.get(level, 0):
            pair.both += count + times
            pair.matches += count * times


def _weigh(pair: _Pair, rule: str) -> float:
    match rule:
        case "congruence":
            return pair.congruence
        case "conflict":
            return pair.conflict
        case "subtract":
            return pair.congruence - pair.conflict
        case _:
            # Every two levels are some way alike and the rest apart.
            return pair.congruence + pair.conflict


def affiliate(statements: Iterable[Statement], rule: str, normalization: str = "no") -> list[Tie]:
    """Return the tie of each actor to each concept it speaks of, in the order of their names.

    A *combine* is a number for a set of levels, and is never divided. Raises ValueError.
    """
    if rule not in AFFILIATION_RULES or normalization not in AFFILIATION_NORMALIZATIONS:
        raise ValueError(f"unknown rule or normalization: {rule}, {normalization}")
    cells: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for s in statements:
        cells[s.actor, s.concept][s.level] += 1
    divisors: Counter[str] = Counter()
    place = 0 if normalization == "activity" else 1
    for names, levels in cells.items():
        divisors[names[place]] += 1 if rule == "binary" else levels.total()
    is_divided = normalization != "no" and rule != "combine"
    return [
        Tie(
            *names,
            _affiliate(levels, rule) / (divisors[names[place]] if is_divided else 1),
            levels.total(),
        )
        for names, levels in sorted(cells.items())
    ]


def _affiliate(levels: Counter[int], rule: str) -> float:
    match rule:
        case "ignore":
            return levels.total()
        case "binary":
            return 1
        case "subtract":
            return sum(level * count for level, count in levels.items())
        case _:
            return combine(levels)


def combine(levels: Iterable[int]) -> int:
    """Return the number that stands for a set of levels: their rank, as DNA has it.

    Each level is a binary digit, the lowest level the first: against is 4, between 2, for 1.
    """
    return sum(2 ** (len(LEVELS) - 1 - LEVELS.index(level)) for level in set(levels))


def split(combination: int) -> tuple[int, ...]:
    """Return the levels that a number of ``combine`` stands for."""
    return tuple(
        level for place, level in enumerate(LEVELS) if combination & 2 ** (len(LEVELS) - 1 - place)
    )


def density(nodes: int, ties: int) -> float:
    """Return which share of the possible ties of a network there are."""
    return ties / (nodes * (nodes - 1) / 2) if nodes > 1 else 0.0


def affiliation_density(actors: int, concepts: int, ties: int) -> float:
    """Return which share of the possible ties of an affiliation network there are."""
    return ties / (actors * concepts) if actors and concepts else 0.0


def make_matrix(
    rows: Sequence[str], columns: Sequence[str], ties: Iterable[Tie]
) -> list[list[float]]:
    """Return the weights as a matrix; symmetric where rows and columns are the same nodes."""
    row_of = {name: place for place, name in enumerate(rows)}
    column_of = {name: place for place, name in enumerate(columns)}
    is_square = list(rows) == list(columns)
    matrix = [[0.0] * len(columns) for _ in rows]
    for tie in ties:
        matrix[row_of[tie.source]][column_of[tie.target]] = tie.weight
        if is_square:
            matrix[row_of[tie.target]][column_of[tie.source]] = tie.weight
    return matrix
