"""Which terms, concepts and things break a rule of the house, and what would mend them?

A rule is a SPARQL query in a file of its own, ``ontology/hygiene/<slug>.rq``. Comments above
the query say what it finds (``#+ title:``), why that matters (``#+ problem:``), what mends it
(``#+ solution:``) and how much it matters (``#+ severity: error`` or ``warning``). Every row
of its answer is an offender: ``?term`` and, in ``?message``, what is wrong with it. A rule is
asked over the union of the named graphs; ontology and vocabularies stand in ``graph:ontology``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, cast

import pyoxigraph as ox

from peninsula.errors import InvalidSource, place

Severity = Literal["error", "warning"]

_HEADER: Final = re.compile(r"#\+\s*([a-z]+):\s*(.*\S)\s*")
_KEYS: Final = ("title", "problem", "solution", "severity")


class Queryable(Protocol):
    """Anything that answers SPARQL as :class:`pyoxigraph.Store` does."""

    def query(self, query: str, *, use_default_graph_as_union: bool = ...) -> object: ...


@dataclass(frozen=True)
class Rule:
    """One rule of the house: what it finds, why that matters, and what mends it."""

    slug: str
    title: str
    problem: str
    solution: str
    severity: Severity
    query: str


@dataclass(frozen=True, order=True)
class Finding:
    """One offender: a term, concept or thing that breaks a rule."""

    rule: str
    severity: Severity
    term: str
    message: str


def load_rules(folder: Path) -> list[Rule]:
    """Return the rules in ``folder``, by slug.

    Raises InvalidSource, naming the file, where a header or a query is not in order, and
    where there is no rule at all, which would otherwise pass for perfect hygiene.
    """
    rules = [read_rule(path) for path in sorted(folder.glob("*.rq"))]
    if not rules:
        raise InvalidSource(f"{place(folder)}: there is no hygiene rule (*.rq) here.")
    return rules


def read_rule(path: Path) -> Rule:
    """Return the rule in the file at ``path``; raises InvalidSource as :func:`load_rules`."""
    text = path.read_text(encoding="utf-8")
    header: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("#+"):
            continue
        match = _HEADER.fullmatch(line)
        if match is None or match[1] not in _KEYS or match[1] in header:
            remedy = f"Write '#+ key: text' with each of {', '.join(_KEYS)} once."
            raise InvalidSource(f"{place(path, number)}: {line!r} is no line of a header.", remedy)
        header[match[1]] = match[2]
    if missing := [key for key in _KEYS if key not in header]:
        raise InvalidSource(f"{place(path)}: the header lacks {', '.join(missing)}.")
    if header["severity"] not in ("error", "warning"):
        raise InvalidSource(
            f"{place(path)}: severity is error or warning, not {header['severity']!r}."
        )
    rule = Rule(
        slug=path.stem,
        title=header["title"],
        problem=header["problem"],
        solution=header["solution"],
        severity=cast(Severity, header["severity"]),
        query=text,
    )
    _check_query(rule, path)
    return rule


def run_rules(dataset: Queryable, rules: Iterable[Rule]) -> list[Finding]:
    """Return the offenders against ``rules`` in ``dataset``, by rule and term."""
    return [finding for rule in rules for finding in sorted(set(_run_rule(dataset, rule)))]


def _run_rule(dataset: Queryable, rule: Rule) -> Iterator[Finding]:
    solutions = dataset.query(rule.query, use_default_graph_as_union=True)
    for solution in cast(ox.QuerySolutions, solutions):
        term, message = solution["term"], solution["message"]
        yield Finding(rule.slug, rule.severity, _show(term), _show(message))


def _check_query(rule: Rule, path: Path) -> None:
    """Ask the rule of an empty store: its syntax and its columns show without any data."""
    try:
        solutions = ox.Store().query(rule.query)
    except SyntaxError as error:
        raise InvalidSource(f"{place(path)}: the query is not SPARQL: {error}.") from error
    names = {variable.value for variable in getattr(solutions, "variables", ())}
    if not {"term", "message"} <= names:
        raise InvalidSource(f"{place(path)}: a rule is a SELECT of ?term and ?message.")


def _show(term: object) -> str:
    """Return the text of a term as a report shows it; blank nodes keep their ``_:``."""
    if isinstance(term, ox.NamedNode | ox.Literal):
        return term.value
    return "" if term is None else str(term)
