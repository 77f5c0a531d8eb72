"""What stands in the editor of queries, what is it called, and what could be tried instead?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Term
from peninsula.errors import QueryTooComplex
from peninsula.library import Library, QueryTemplate
from peninsula.namespaces import shorten
from peninsula.policy import tokenize

#: With what the editor begins.
FIRST: Final = """\
# Whose stances on what does the commentary tell?
SELECT ?holder ?stance (COUNT(DISTINCT ?claim) AS ?claims)
WHERE {
  ?claim a pen:Claim ;
         pen:hasHolder ?holder ;
         pen:hasStance ?stance .
}
GROUP BY ?holder ?stance
ORDER BY DESC(?claims)
LIMIT 50
"""
_COMMENT: Final = re.compile(r"\A\s*#(?![+\s]*defaultView)(?!\+)\s*(\S.*)", re.IGNORECASE)
_HEADER: Final = re.compile(r"\A(?:#\+.*\n)*\n*")
_LONGEST_TITLE: Final = 90
_AGGREGATES: Final = frozenset(("COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT"))


def name_query(query: str) -> str:
    """Return what its author calls a query: its first line, where that is a comment."""
    match = _COMMENT.match(_HEADER.sub("", query))
    if not match:
        return ""
    title = match[1].strip()
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1].rstrip()}…"


def draft(template: QueryTemplate, values: Mapping[str, str] | None = None) -> str:
    """Return a question of the library as one to go on with.

    Its title stands in place of the header, the view that it is shown in as a comment, and what
    its parameters are set to as VALUES at its end; default: the examples of those it needs.
    """
    if values is None:
        values = {p.name: p.example for p in template.parameters if p.is_required and p.example}
    head = [f"# {template.summary}"]
    if template.view != "table":
        head.append(f"#defaultView:{template.view.capitalize()}")
    body = _HEADER.sub("", template.query).rstrip()
    if given := template.bind(values):
        names = " ".join(f"?{name}" for name in given)
        body += f"\nVALUES ({names}) {{ ({' '.join(map(_write, given.values()))}) }}"
    return "\n".join(head) + f"\n{body}\n"


def _write(term: Term) -> str:
    """Return ``term`` as one writes it: a prefixed name where that is one."""
    if isinstance(term, ox.NamedNode):
        name = shorten(term.value)
        if re.fullmatch(r"[\w-]+:\w[\w-]*", name):
            return name
    return str(term)


def find_question(query: str, library: Library) -> QueryTemplate | None:
    """Return the question of the library that ``query`` is, if it was not changed."""
    text = _squeeze(query)
    for template in library.templates.values():
        if text in {_squeeze(template.query), _squeeze(draft(template))}:
            return template
    return None


def _squeeze(query: str) -> str:
    return " ".join(query.split())


def limit_query(query: str, rows: int) -> str | None:
    """Return ``query`` with a LIMIT, or None where that would not make it any faster."""
    try:
        words = {
            token.upper
            for token in tokenize(query)
            if token.kind == "word" and (token.frame.parent is None or token.upper in _AGGREGATES)
        }
    except QueryTooComplex:
        return None
    # All solutions are needed before the first can be told, or the limit is there already.
    if not words or {"LIMIT", "GROUP", "ORDER", "VALUES", "ASK", *_AGGREGATES} & words:
        return None
    return f"{query.rstrip()}\nLIMIT {rows}"
