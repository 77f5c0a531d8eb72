"""Does the comparison tell answers apart, and let pass what differs in form only?"""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from .manifests import Term
from .results import XSD, Solutions, cell, normal, read_answer, same

A, B, C = ox.BlankNode("a"), ox.BlankNode("b"), ox.BlankNode("c")
P = ox.NamedNode("http://example.org/p")


def literal(text: str, name: str) -> ox.Literal:
    return ox.Literal(text, datatype=ox.NamedNode(XSD + name))


def rows(*values: Term, ordered: bool = False) -> Solutions:
    return Solutions(frozenset({"x"}), [{"x": value} for value in values], ordered)


def pairs(*values: tuple[Term, Term]) -> Solutions:
    return Solutions(frozenset({"x", "y"}), [{"x": x, "y": y} for x, y in values])


def graph(*triples: tuple[ox.NamedNode | ox.BlankNode, ox.NamedNode, Term]) -> ox.Dataset:
    return ox.Dataset(ox.Quad(*triple) for triple in triples)


ONE, TWO = ox.Literal(1), ox.Literal(2)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (rows(ONE, TWO), rows(TWO, ONE)),
        (rows(ONE, TWO, ordered=True), rows(ONE, TWO)),
        (pairs((A, B), (B, A)), pairs((C, A), (A, C))),
        (rows(ox.Triple(A, P, ONE), A), rows(B, ox.Triple(B, P, ONE))),
        (rows(literal("+01", "int"), literal("1", "integer")), rows(ONE, ONE)),
        (graph((A, P, B), (B, P, ONE)), graph((B, P, ONE), (C, P, B))),
        (True, True),
    ],
)
def test_same_answers_in_another_form_are_the_same(expected: object, actual: object) -> None:
    assert same(expected, actual)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (rows(ONE, TWO, ordered=True), rows(TWO, ONE)),
        (rows(ONE, ONE, TWO), rows(ONE, TWO, TWO)),
        (rows(ONE, ONE), rows(ONE)),
        (rows(ONE), pairs((ONE, ONE))),
        (rows(), Solutions(frozenset({"y"}), [])),
        (Solutions(frozenset({"x"}), [{}]), rows(ox.Literal(""))),
        (pairs((A, B), (B, A)), pairs((A, B), (A, B))),
        (pairs((A, A)), pairs((A, B))),
        (rows(ox.Triple(A, P, ONE), A), rows(ox.Triple(A, P, ONE), B)),
        (graph((A, P, B), (B, P, ONE)), graph((A, P, B), (A, P, ONE))),
        (True, False),
        (False, rows()),
        (rows(), graph()),
    ],
)
def test_different_answers_are_told_apart(expected: object, actual: object) -> None:
    assert not same(expected, actual)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "is_same"),
    [((1, 1), True), ((2, 1), True), ((3, 1), False), ((1, 0), False), ((2, 2), False)],
)
def test_reduced_answer_has_each_solution_at_least_once(
    counts: tuple[int, int], is_same: bool
) -> None:
    expected = rows(ONE, ONE, TWO)
    actual = rows(*[ONE] * counts[0], *[TWO] * counts[1])
    assert same(expected, actual, lax=True) is is_same


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (literal("1.50", "decimal"), literal("+01.5", "decimal"), True),
        (literal("100", "decimal"), literal("100.0", "decimal"), True),
        (literal("1.0", "decimal"), literal("1", "integer"), False),
        (literal("1E2", "double"), literal("100.0", "double"), True),
        (literal("1", "double"), literal("1", "float"), False),
        (literal("+INF", "double"), literal("INF", "double"), True),
        (literal("-0", "double"), literal("0", "double"), False),
        (literal("1", "boolean"), literal("true", "boolean"), True),
        (literal("01", "string"), literal("1", "string"), False),
        (literal("x1", "integer"), literal("x01", "integer"), False),
        (literal("2020-01-01T00:00:00.50Z", "dateTime"),
         literal("2020-01-01T00:00:00.5+00:00", "dateTime"), True),
        (literal("2020-01-01T00:00:00.00Z", "dateTime"),
         literal("2020-01-01T00:00:00Z", "dateTime"), True),
        (literal("2020-01-01T00:00:00", "dateTime"),
         literal("2020-01-01T00:00:00Z", "dateTime"), False),
        (literal("2020-01-01T01:00:00+01:00", "dateTime"),
         literal("2020-01-01T00:00:00Z", "dateTime"), False),
        (ox.Literal("a", language="en"), ox.Literal("a", language="EN"), True),
        (ox.Literal("a", language="en"), ox.Literal("a"), False),
    ],
)  # fmt: skip
def test_literals_are_compared_by_value(one: ox.Literal, other: ox.Literal, is_same: bool) -> None:
    assert (normal(one) == normal(other)) is is_same


@pytest.mark.parametrize(
    ("text", "other", "is_same"),
    [
        ("1.0E6", "1000000", True),
        ("5.50", "5.5", True),
        ("4,4", "4.4", False),
        ("a1", "a01", False),
        ("_:a", "a", False),
    ],
)
def test_cells_of_csv_are_compared_as_numbers(text: str, other: str, is_same: bool) -> None:
    assert same(rows(cell(text)), rows(cell(other))) is is_same


def test_csv_answer_has_its_empty_cells_unbound() -> None:
    answer = read_answer(b'x,y\r\n"a ""b""",\r\n,_:b\r\n', "text/csv")
    expected: list[dict[str, Term]] = [{"x": ox.Literal('a "b"')}, {"y": A}]
    assert same(Solutions(frozenset({"x", "y"}), expected), answer)
