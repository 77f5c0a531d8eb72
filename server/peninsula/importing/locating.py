"""Which row and column made what a shape finds wrong?

A result names a node, a path and a value. The statements are generated once more, and the one that
fits best tells the place: that of the value, else of the property, else the first row about the
node, or one that points at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peninsula.importing.generation import Generator
from peninsula.importing.report import Place, Problem, Problems

_SEVERITIES: Final = {"Violation": "error", "Warning": "warning"}


@dataclass
class _Wanted:
    """A result, and the best place found for it so far."""

    result: Mapping[str, Any]
    place: Place
    fit: int = 0


def locate(
    results: Sequence[Mapping[str, Any]], generators: Iterable[Generator], default: Place
) -> Iterator[Problem]:
    """Yield the results of a validation report, each at the row and column that it is about."""
    wanted = [_Wanted(result, default) for result in results]
    by_focus: dict[str, list[_Wanted]] = {}
    for one in wanted:
        by_focus.setdefault(str(one.result.get("focus_term", "")), []).append(one)
    if by_focus:
        for generator in generators:
            _search(generator, by_focus)
    for one in wanted:
        # What was odd before, elsewhere in the graph, is no remark on this table.
        if one.fit or one.result.get("severity") == "Violation":
            yield _as_problem(one)


def _search(generator: Generator, by_focus: Mapping[str, list[_Wanted]]) -> None:
    for made in generator.generate(Problems()):
        for triple, position in made.statements:
            subject, predicate, value = map(str, triple)
            for one in by_focus.get(subject, ()):
                path, named = one.result.get("path_term", ""), one.result.get("value_term", "")
                is_path = bool(path) and predicate in path
                is_value = bool(named) and value == named
                fit = 6 if is_path and is_value else 5 if is_path else 4 if is_value else 2
                # What only the row tells has no column.
                _offer(one, fit, generator.place(made, position if fit > 2 else 0))
            for one in by_focus.get(value, ()):
                is_path = predicate in one.result.get("path_term", "")
                _offer(one, 3 if is_path else 1, generator.place(made, position))


def _offer(one: _Wanted, fit: int, place: Place) -> None:
    if fit > one.fit:
        one.fit, one.place = fit, place


def _as_problem(one: _Wanted) -> Problem:
    result = one.result
    focus, message = result.get("focus_node", ""), " ".join(str(result.get("message", "")).split())
    return Problem(
        one.place,
        f"{focus}: {message}" if focus else message,
        _SEVERITIES.get(str(result.get("severity")), "note"),
        str(result.get("value", "")),
        (),
        str(result.get("source_shape", "")),
    )
