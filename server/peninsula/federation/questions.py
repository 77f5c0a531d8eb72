"""What is asked of a service for one clause, and what need not come back?

Of the variables of the clause those are selected that the rest of the query has a use for; of
equal solutions one, where their number makes no difference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from peninsula.dataset.interface import Term
from peninsula.federation.names import Naming
from peninsula.federation.structure import (
    Element,
    Group,
    Names,
    Place,
    Query,
    Select,
    certain,
    find_nested,
)
from peninsula.federation.writing import ONE, write_rows

_NONE: Final[Names] = frozenset()
#: What gives each solution another value.
_CHANCE: Final = frozenset(("RAND", "UUID", "STRUUID", "BNODE"))
#: What Wikidata's label service makes of a variable.
_LABELS: Final = re.compile(r"(.+?)(?:AltLabel|Label|Description)")


@dataclass(frozen=True)
class Question:
    """What is asked of a service for one clause, whatever the bindings are."""

    prologue: str
    #: What is selected, in this order; none where only the number of solutions matters.
    variables: tuple[str, ...]
    is_distinct: bool
    #: What stands in the braces.
    pattern: str
    #: The variables that are bound in the pattern before anything that depends on them.
    early: Names
    is_subselect: bool

    def write(
        self, limit: int, names: Sequence[str] = (), rows: Sequence[Sequence[Term]] = ()
    ) -> str:
        """Return the query, with bindings where there are some."""
        selected = " ".join(f"?{name}" for name in self.variables) or f"(1 AS ?{ONE})"
        distinct = "DISTINCT " if self.is_distinct else ""
        inside = f"{self.pattern}\n"
        if names:
            if self.is_subselect:
                inside = f"{{{inside}}}\n"
            elif not self.early.issuperset(names):
                # By itself, so that no value gets to where it would change what is found.
                bound = " ".join(f"?{name}" for name in sorted({*self.variables, *names}))
                inside = f"{{ SELECT {bound} WHERE {{\n{inside}}} }}\n"
            columns = " ".join(f"?{name}" for name in names)
            inside = f"VALUES ({columns}) {{ {write_rows(rows)} }}\n{inside}"
        return f"{self.prologue}SELECT {distinct}{selected} WHERE {{\n{inside}}}\nLIMIT {limit}\n"


def make_question(query: Query, place: Place, naming: Naming) -> Question:
    """Return what is asked of a service for the clause at ``place``."""
    pattern = place.pattern
    text = query.text[pattern.start + 1 : pattern.end - 1]
    return Question(
        naming.write_prologue(pattern),
        tuple(sorted(find_needed(query, place))),
        _is_set(query, place),
        text.strip("\n"),
        _find_early(pattern),
        pattern.select is not None,
    )


def find_needed(query: Query, place: Place) -> Names:
    """Return the variables of a clause that the rest of the query has a use for."""
    element, bound = place.element, place.pattern.visible()
    outside = frozenset(
        token.text[1:]
        for token in query.tokens
        if token.kind == "variable" and not element.start <= token.position < element.end
    )
    needed = bound & outside
    if _is_all_selected(place):
        needed = bound
    if any(map(_is_label_service, find_nested(place.pattern))):
        needed |= {
            name
            for name in outside - bound
            if (match := _LABELS.fullmatch(name)) and match[1] in bound
        }
    return needed


def _is_label_service(element: Element) -> bool:
    return bool(element.name and element.name.text.endswith(("#label>", ":label")))


def _is_all_selected(place: Place) -> bool:
    """Return whether SELECT * takes whatever the clause binds."""
    for step in place.way:
        if step.is_exists or (step.element and step.element.kind == "minus"):
            return False
        if step.select:
            return step.select.projection is None
    return False


def _is_set(query: Query, place: Place) -> bool:
    """Return whether it makes no difference how often a solution of the clause is there."""
    if not _CHANCE.isdisjoint({t.upper for t in query.tokens if t.kind == "word"}):
        return False
    for step in place.way:
        if step.is_exists or (step.element and step.element.kind == "minus"):
            return True
        if step.select and (found := _takes_set(step.select)) is not None:
            return found
    return False


def _takes_set(select: Select) -> bool | None:
    """Return whether a select heeds how often a solution is there; None: others decide."""
    if select.is_aggregated:
        return False
    if select.is_distinct:
        return True
    return False if select.is_cut else None


def _find_early(pattern: Group) -> Names:
    """Return what a pattern binds before its first OPTIONAL, MINUS, BIND or the like."""
    found = _NONE
    for element in pattern.elements:
        if element.kind in {"optional", "minus", "bind", "lateral"}:
            break
        if element.kind != "service":
            found |= certain(element)
    return found
