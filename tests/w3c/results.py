"""When are two answers to a query the same?

Two answers are the same if a renaming of blank nodes turns the one into the other. Solutions are
a multiset, or a list where the expected answer numbers them (``rs:index``). A variable without a
value is unbound.

Literals are compared by value, as Oxigraph stores them (``"01"^^xsd:integer`` comes back as
``1``): two literals are the same if their terms are equal, or if their datatypes are the same
once the types derived from ``xsd:integer`` are read as it, and both lexical forms denote the same
value of that datatype. So ``2.0`` is ``2.00`` but no integer, a float is no double, times with
different offsets stay different except that ``Z`` is ``+00:00``, and ill-typed literals have their
lexical form only. Language tags are compared without regard to case. In CSV, which has no
datatypes, cells that look like numbers are compared as numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import pyoxigraph as ox

from .manifests import RDF_FORMATS, Term, iri_of

RS: Final = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
XSD: Final = "http://www.w3.org/2001/XMLSchema#"

SOLUTION_TYPES: Final[Mapping[str, str]] = {
    ".srx": "application/sparql-results+xml",
    ".srj": "application/sparql-results+json",
    ".tsv": "text/tab-separated-values",
    ".csv": "text/csv",
}
"""Media types by the suffix of a file of expected solutions."""

GRAPH_TYPES: Final[Mapping[str, ox.RdfFormat]] = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/ld+json": ox.RdfFormat.JSON_LD,
}

RESULT_FORMATS: Final[Mapping[str, ox.QueryResultsFormat]] = {
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}


@dataclass(frozen=True)
class Solutions:
    """The answer of a SELECT; ``ordered`` says whether the order of its rows is part of it."""

    variables: frozenset[str]
    rows: Sequence[Mapping[str, Term]]
    ordered: bool = False


Answer: TypeAlias = bool | Solutions | ox.Dataset


def read_answer(content: bytes, media_type: str) -> Answer:
    """What a response says.

    Raises:
        SyntaxError: the content is not of its media type.
    """
    if media_type in GRAPH_TYPES:
        return ox.Dataset(ox.parse(content, format=GRAPH_TYPES[media_type]))
    if media_type == "text/csv":
        return read_csv(content.decode("utf-8"))
    results = ox.parse_query_results(content, format=RESULT_FORMATS[media_type])
    if isinstance(results, ox.QueryBoolean):
        return bool(results)
    names = [variable.value for variable in results.variables]
    rows = [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in results
    ]
    return Solutions(frozenset(names), rows)


def read_expected(path: Path) -> Answer:
    """What a file of the suites expects: in a format of results, or a graph of any kind."""
    if path.suffix in SOLUTION_TYPES:
        return read_answer(path.read_bytes(), SOLUTION_TYPES[path.suffix])
    graph = ox.Dataset(ox.parse(path=path, format=RDF_FORMATS[path.suffix], base_iri=iri_of(path)))
    kind = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    for quad in graph.quads_for_object(ox.NamedNode(RS + "ResultSet")):
        if quad.predicate == kind:
            return read_result_set(graph, quad.subject)
    return graph


def read_result_set(graph: ox.Dataset, node: Term) -> bool | Solutions:
    """An answer written in the vocabulary for result sets."""

    def values(subject: Term, name: str) -> list[Term]:
        assert isinstance(subject, ox.NamedNode | ox.BlankNode)
        return [
            quad.object
            for quad in graph.quads_for_subject(subject)
            if quad.predicate.value == RS + name
        ]

    for answer in values(node, "boolean"):
        assert isinstance(answer, ox.Literal)
        return answer.value == "true"
    numbered = []
    for solution in values(node, "solution"):
        row = {}
        for binding in values(solution, "binding"):
            [variable], [value] = values(binding, "variable"), values(binding, "value")
            assert isinstance(variable, ox.Literal)
            row[variable.value] = value
        index = [int(n.value) for n in values(solution, "index") if isinstance(n, ox.Literal)]
        numbered.append((index, row))
    ordered = any(index for index, _ in numbered)
    if ordered:
        numbered.sort(key=lambda pair: pair[0])
    variables = values(node, "resultVariable")
    return Solutions(
        frozenset(term.value for term in variables if isinstance(term, ox.Literal)),
        [row for _, row in numbered],
        ordered,
    )


def read_csv(text: str) -> Solutions:
    """A CSV answer, each cell as a plain literal (a blank node where it begins with ``_:``)."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows = [{name: cell(value) for name, value in row.items() if value} for row in reader]
    return Solutions(frozenset(reader.fieldnames or ()), rows)


def cell(text: str) -> Term:
    if text.startswith("_:"):
        return ox.BlankNode(text.removeprefix("_:"))
    if re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", text):
        return ox.Literal(str(plain(Decimal(text))))
    return ox.Literal(text)


def same(expected: Answer, actual: Answer, *, lax: bool = False) -> bool:
    """Whether ``actual`` is the answer that was expected.

    Args:
        lax: whether a solution may come fewer times than expected, but at least once (REDUCED).
    """
    if isinstance(expected, Solutions) and isinstance(actual, Solutions):
        if lax:
            return is_reduction(expected, actual)
        return (
            expected.variables == actual.variables
            and len(expected.rows) == len(actual.rows)
            and as_graph(expected, expected.ordered) == as_graph(actual, expected.ordered)
        )
    if isinstance(expected, ox.Dataset) and isinstance(actual, ox.Dataset):
        return canonical(expected) == canonical(actual)
    return type(expected) is type(actual) and expected == actual


def is_reduction(expected: Solutions, actual: Solutions) -> bool:
    most, found = (Counter(normal_row(row) for row in answer.rows) for answer in (expected, actual))
    return most.keys() == found.keys() and all(found[row] <= most[row] for row in found)


def normal_row(row: Mapping[str, Term]) -> frozenset[tuple[str, Term]]:
    return frozenset((name, normal(term)) for name, term in row.items())


def as_graph(solutions: Solutions, ordered: bool) -> ox.Dataset:
    """Solutions as a graph, a blank node each, so that graphs' isomorphism is theirs.

    Equal rows become one that is counted: alike blank nodes are what makes isomorphism slow.
    """
    rows = [normal_row(row) for row in solutions.rows]
    counted = list(enumerate(rows)) if ordered else [(n, row) for row, n in Counter(rows).items()]
    quads = []
    for number, row in counted:
        node = ox.BlankNode()
        quads.append(ox.Quad(node, ox.NamedNode("urn:row"), ox.Literal(number)))
        quads += [ox.Quad(node, ox.NamedNode(f"urn:var:{name}"), term) for name, term in row]
    return canonical(quads)


def canonical(quads: Iterable[ox.Quad]) -> ox.Dataset:
    """The dataset with its blank nodes renamed by their place and its literals in normal form."""
    dataset = ox.Dataset(
        ox.Quad(quad.subject, quad.predicate, normal(quad.object), quad.graph_name)
        for quad in quads
    )
    dataset.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return dataset


def normal(term: Term) -> Term:
    """A term that stands for all that have its value; see the module's docstring."""
    if isinstance(term, ox.Triple):
        return ox.Triple(term.subject, term.predicate, normal(term.object))
    if not isinstance(term, ox.Literal) or not term.datatype.value.startswith(XSD):
        return term
    name = term.datatype.value.removeprefix(XSD)
    name = "integer" if name in INTEGERS else name
    if name not in NORMAL_FORMS:
        return term
    pattern, write = NORMAL_FORMS[name]
    text = term.value.strip(" \t\r\n")
    if not re.fullmatch(pattern, text):
        return term
    return ox.Literal(write(text), datatype=ox.NamedNode(XSD + name))


def plain(number: Decimal) -> Decimal:
    """Without trailing zeros, and with one zero only."""
    return number.normalize() if number else Decimal(0)


def utc(text: str) -> str:
    """A date or time with ``Z`` for ``+00:00`` and no needless zeros in its seconds."""
    text = re.sub(r"[+-]00:00$", "Z", text)
    return re.sub(r"(\.\d*?)0+(?=$|[Z+-])", lambda match: match[1].rstrip("."), text)


INTEGERS: Final = frozenset(
    {"integer", "negativeInteger", "nonNegativeInteger", "nonPositiveInteger", "positiveInteger"}
    | {"byte", "int", "long", "short"}
    | {"unsignedByte", "unsignedInt", "unsignedLong", "unsignedShort"}
)
FLOAT: Final = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?INF|NaN"
OFFSET: Final = r"(Z|[+-]\d\d:\d\d)?"
DATE: Final = r"-?\d{4,}-\d\d-\d\d"
TIME: Final = r"\d\d:\d\d:\d\d(\.\d+)?"
NORMAL_FORMS: Final[Mapping[str, tuple[str, Callable[[str], str]]]] = {
    "boolean": ("true|false|1|0", lambda text: "true" if text in {"true", "1"} else "false"),
    "integer": (r"[+-]?\d+", lambda text: str(int(text))),
    "decimal": (r"[+-]?(\d+(\.\d*)?|\.\d+)", lambda text: f"{plain(Decimal(text)):f}"),
    "double": (FLOAT, lambda text: repr(float(text))),
    "float": (FLOAT, lambda text: repr(float(text))),
    "date": (DATE + OFFSET, utc),
    "dateTime": (f"{DATE}T{TIME}{OFFSET}", utc),
    "time": (TIME + OFFSET, utc),
}
"""By the local name of a datatype: its lexical forms, and how a value is written here."""
