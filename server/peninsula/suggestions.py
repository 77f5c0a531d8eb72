"""Which values can a question's parameters take?

A parameter is a variable that the question selects, so the question itself knows: asked
without any parameter, the column holds every value that has an answer.
"""

from __future__ import annotations

import itertools
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select
from peninsula.errors import PeninsulaError
from peninsula.labels import find_labels, name_of
from peninsula.library import QueryTemplate
from peninsula.namespaces import shorten
from peninsula.terms import read_iri

#: Rows looked through, and values offered at most.
_ROWS: Final = 5000
_VALUES: Final = 300

#: A value as it stands in an address, and how it reads.
Choice = tuple[str, str]


def suggest(template: QueryTemplate, dataset: Dataset, language: str) -> dict[str, list[Choice]]:
    """Return the choices for each parameter that has few enough of them."""
    names = [parameter.name for parameter in template.parameters]
    if not names:
        return {}
    try:
        # Services would be asked about everything; what our own part gives is enough.
        solutions = select(dataset, template.own_part)
        rows = list(itertools.islice(solutions, _ROWS))
    except PeninsulaError:
        return {}  # some questions cannot be asked without their parameters
    columns = {name: i for i, name in enumerate(solutions.variables) if name in names}
    found: dict[str, set[Term]] = {
        name: {term for row in rows if (term := row[column]) is not None}
        for name, column in columns.items()
    }
    for parameter in template.parameters:
        if parameter.type == "iri" and parameter.example:
            found.setdefault(parameter.name, set()).add(read_iri(parameter.example))
    offered = {name: terms for name, terms in found.items() if 1 < len(terms) <= _VALUES}
    labels = find_labels(dataset, itertools.chain(*offered.values()), language)
    return {
        name: sorted((_choice(term, labels) for term in terms), key=lambda c: c[1].casefold())
        for name, terms in offered.items()
    }


def _choice(term: Term, labels: dict[str, str]) -> Choice:
    if isinstance(term, ox.NamedNode):
        return shorten(term.value), name_of(term.value, labels)
    value = term.value if isinstance(term, ox.Literal | ox.BlankNode) else str(term)
    return value, value
