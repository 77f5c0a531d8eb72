"""What is asked of a service for one clause, and what need not come back?

Of the variables of the clause those are selected that the rest of the query has a use for; of
equal solutions one, where their number makes no difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    text: str
    pattern: Group

    def write(
        self, limit: int, names: Sequence[str] = (), rows: Sequence[Sequence[Term]] = ()
    ) -> str:
        """Return the query, with bindings where there are some."""
        selected = " ".join(f"?{name}" for name in self.variables) or f"(1 AS ?{ONE})"
        distinct = "DISTINCT " if self.is_distinct else ""
        inside = f"{self.text}\n"
        if names:
            columns = " ".join(f"?{name}" for name in names)
            values = f"VALUES ({columns}) {{ {write_rows(rows)} }}\n"
            group = _find_room(self.pattern, frozenset(names))
            if group:
                at = group.start - self.pattern.start
                line = "\n" if at else ""
                inside = f"{inside[:at]}{line}{values}{inside[at:]}"
            else:
                # By itself, so that no value gets to where it would change what is found.
                if not self.pattern.select:
                    bound = " ".join(f"?{name}" for name in sorted({*self.variables, *names}))
                    inside = f" SELECT {bound} WHERE {{\n{inside}}} "
                inside = f"{values}{{{inside}}}\n"
        return f"{self.prologue}SELECT {distinct}{selected} WHERE {{\n{inside}}}\nLIMIT {limit}\n"


def make_question(
    query: Query, place: Place, naming: Naming, prefixes: Mapping[str, str] | None = None
) -> Question:
    """Return what is asked of a service for the clause at ``place``.

    ``prefixes`` mean something else to it than here.
    """
    pattern = place.pattern
    return Question(
        naming.write_prologue(pattern, prefixes or {}),
        tuple(sorted(find_needed(query, place))),
        _is_set(query, place),
        query.text[pattern.start + 1 : pattern.end - 1].rstrip("\n"),
        pattern,
    )


def find_first_optional(pattern: Group) -> Element | None:
    """Return the OPTIONAL with which a clause begins."""
    first = next((e for e in pattern.elements if e.kind != "filter"), None)
    return first if first and first.kind == "optional" else None


def write_trial(optional: Element, naming: Naming, prefixes: Mapping[str, str]) -> str:
    """Return the query whether what stands in an OPTIONAL has a solution."""
    (group,) = optional.groups
    inside = naming.quote(group, {})
    return f"{naming.write_prologue(group, prefixes)}SELECT (1 AS ?{ONE}) WHERE {inside}\nLIMIT 1\n"


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


def _find_room(pattern: Group, names: Names) -> Group | None:
    """Return the group at whose beginning values of ``names`` change nothing but what fits them.

    That is ``pattern``, or the one that it selects from where it is a subselect; None: neither.
    """
    group = pattern
    while select := group.select:
        if select.is_cut or select.group is None:
            return None
        if not all(select.projection is None or select.projection.get(n, False) for n in names):
            return None
        # A group of solutions has them all, or none.
        if select.is_aggregated and not names <= select.keys:
            return None
        group = select.group
    found = _NONE
    for element in group.elements:
        if names <= found:
            break
        if element.kind in {"optional", "minus", "bind", "lateral"}:
            # What depends on what is there already must not see them too soon.
            if not names.isdisjoint(element.mentioned):
                return None
        elif element.kind != "service":
            found |= certain(element)
    return group if names <= found else None
