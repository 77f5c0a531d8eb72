"""Are queries answered by the server as a plain store answers them, in every format?"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlencode

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.formats import GRAPH_FORMATS, Format
from peninsula.namespaces import PREFIXES
from tests.crash.instance import QUERY, Answer, Instance

from .conftest import examples
from .data import parse, quads, says
from .questions import Question, questions

SOLUTION_TYPES: Final = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/csv": ox.QueryResultsFormat.CSV,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
BOOLEAN_TYPES: Final = tuple(SOLUTION_TYPES)[:2]
#: These can say everything that RDF 1.2 can.
COMPLETE: Final = {"turtle", "ntriples", "trig", "nquads"}


class Asked:
    """A server, and a plain store with the same quads and blank nodes."""

    def __init__(self, instance: Instance, *, is_union: bool) -> None:
        self.instance = instance
        self.is_union = is_union
        self.plain = ox.Store()

    def hold(self, rows: Sequence[str]) -> None:
        """See that both hold the quads in ``rows``."""
        body = "\n".join(rows).encode()
        answer = self.instance.request(
            "PUT", "/store", body, {"Content-Type": "application/n-quads"}
        )
        assert answer.is_done, answer
        self.plain = ox.Store()
        self.plain.extend(parse("\n".join(self.instance.dump()), renames=False))

    def expect(
        self, question: Question
    ) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples | str:
        """Return the plain store's answer, or what it says is wrong."""
        is_named = bool(question.parameters)
        names_dataset = "FROM " in question.text
        try:
            return self.plain.query(
                question.text,
                prefixes=dict(PREFIXES),
                use_default_graph_as_union=self.is_union and not is_named and not names_dataset,
                default_graph=[ox.NamedNode(g) for g in question.default_graphs]
                if is_named
                else None,
                named_graphs=[ox.NamedNode(g) for g in question.named_graphs] if is_named else None,
            )
        except (SyntaxError, RuntimeError, ValueError, OSError) as error:
            return str(error)

    def ask(self, question: Question, accept: str, method: str) -> Answer:
        """Return the server's answer."""
        parameters = question.parameters
        if method == "GET":
            query = urlencode([("query", question.text), *parameters])
            return self.instance.request("GET", f"/sparql?{query}", headers={"Accept": accept})
        if method == "form":
            body = urlencode([("query", question.text), *parameters]).encode()
            headers = {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"}
            return self.instance.request("POST", "/sparql", body, headers)
        suffix = f"?{urlencode(parameters)}" if parameters else ""
        headers = {"Accept": accept, "Content-Type": QUERY}
        return self.instance.request(method, f"/sparql{suffix}", question.text.encode(), headers)


@pytest.fixture(scope="module")
def union(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Return a server on which a query that names no dataset sees all graphs as one."""
    options = ("--default-graph", "union", "--keep", "2")
    with Instance(tmp_path_factory.mktemp("union"), *options) as running:
        yield running


methods = st.sampled_from(("GET", "form", "POST", "QUERY"))
#: Asking is cheap: each dataset is asked several questions.
several = st.lists(
    st.tuples(
        questions(),
        st.sampled_from(tuple(SOLUTION_TYPES)),
        st.sampled_from(GRAPH_FORMATS),
        methods,
    ),
    min_size=6,
    max_size=12,
)


@examples(12)
@given(quads(has_blanks=True, least=10, most=24), several)
def test_queries_are_answered_as_by_a_plain_store(
    instance: Instance, rows: list[str], asked: list[tuple[Question, str, Format, str]]
) -> None:
    check(Asked(instance, is_union=False), rows, asked)


@examples(12)
@given(quads(has_blanks=True, least=10, most=24), several)
def test_queries_on_the_union_are_answered_as_by_a_plain_store(
    union: Instance, rows: list[str], asked: list[tuple[Question, str, Format, str]]
) -> None:
    check(Asked(union, is_union=True), rows, asked)


def check(
    asked: Asked, rows: Sequence[str], several: Sequence[tuple[Question, str, Format, str]]
) -> None:
    """Compare the answers to several questions about the same quads."""
    asked.hold(rows)
    for question, solution_type, graph_format, method in several:
        wanted = asked.expect(question)
        if isinstance(wanted, str):
            answer = asked.ask(question, "*/*", method)
            assert 400 <= answer.status < 600, f"{question}: {answer}, but the engine: {wanted}"
            assert answer.problem
        elif isinstance(wanted, ox.QuerySolutions):
            _compare_solutions(asked, question, wanted, solution_type, method)
        elif isinstance(wanted, ox.QueryBoolean):
            accept = BOOLEAN_TYPES[len(question.text) % 2]
            answer = _get(asked, question, accept, method)
            found = ox.parse_query_results(answer.body, format=SOLUTION_TYPES[accept])
            assert bool(found) == bool(wanted), question
        else:
            _compare_graphs(asked, question, wanted, graph_format, method)


def _get(asked: Asked, question: Question, accept: str, method: str) -> Answer:
    answer = asked.ask(question, accept, method)
    assert answer.status == 200, f"{question}: {answer}"
    assert answer.headers["content-type"].partition(";")[0] == accept, answer
    return answer


def _compare_solutions(
    asked: Asked, question: Question, wanted: ox.QuerySolutions, accept: str, method: str
) -> None:
    answer = _get(asked, question, accept, method)
    names = [variable.value for variable in wanted.variables]
    if accept == "text/csv":
        data = wanted.serialize(format=ox.QueryResultsFormat.CSV) or b""
        expected = [tuple(row) for row in csv.reader(io.StringIO(data.decode(), newline=""))]
        found = [tuple(r) for r in csv.reader(io.StringIO(answer.body.decode(), newline=""))]
        assert found[0] == expected[0] == tuple(names), question
        if question.is_cut:
            assert len(found) == len(expected)
        else:
            assert Counter(found) == Counter(expected), question
        return
    solutions = ox.parse_query_results(answer.body, format=SOLUTION_TYPES[accept])
    assert isinstance(solutions, ox.QuerySolutions)
    assert [variable.value for variable in solutions.variables] == names
    got, due = [tuple(row) for row in solutions], [tuple(row) for row in wanted]
    if question.is_cut:
        assert len(got) == len(due), question
    else:
        assert Counter(got) == Counter(due), question
    places = [names.index(name) for name in question.order if name in names]
    assert _keys(got, places) == _keys(due, places), question


def _keys(rows: list[tuple[object, ...]], places: list[int]) -> list[tuple[str, ...]]:
    """Return what rows are sorted by: the strings of terms; others have none."""
    return [
        tuple(
            term.value if isinstance(term, ox.NamedNode | ox.Literal) else ""
            for term in (row[place] for place in places)
        )
        for row in rows
    ]


def _compare_graphs(
    asked: Asked, question: Question, wanted: ox.QueryTriples, format: Format, method: str
) -> None:
    expected = [ox.Quad(t.subject, t.predicate, t.object) for t in wanted]
    has_triple_terms = any(isinstance(quad.object, ox.Triple) for quad in expected)
    if has_triple_terms and format.name not in COMPLETE:
        return
    answer = _get(asked, question, format.media_type, method)
    assert isinstance(format.engine, ox.RdfFormat)
    found = list(ox.parse(answer.body, format=format.engine))
    assert says(found, ()) == says(expected, ()), question
