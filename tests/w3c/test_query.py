"""Do queries answer what the W3C's query evaluation and result format tests expect?"""

from __future__ import annotations

import dataclasses
import re
import zlib

import pytest

from .manifests import W3cTest, cases
from .results import (
    RESULT_FORMATS,
    SOLUTION_TYPES,
    Answer,
    Solutions,
    read_answer,
    read_expected,
    same,
)
from .target import WAYS, Target

GRAPH_CHOICE = ("text/turtle", "application/n-triples")
SOLUTION_CHOICE = tuple(RESULT_FORMATS)
ORDER = re.compile(r"(?i)\bORDER\s+BY\b")


@pytest.mark.parametrize("test", cases("QueryEvaluationTest", "CSVResultFormatTest"))
def test_query_evaluation_gives_the_expected_answer(target: Target, test: W3cTest) -> None:
    assert test.result
    expected = read_expected(test.result)
    # Which way and which format a test takes stays the same from run to run.
    number = zlib.crc32(test.iri.encode())
    accept = choose_format(test, expected, number)
    target.hold(test.before)
    response = target.query(f"BASE <{test.base}>\n{test.text}", accept, WAYS[number % 3])
    assert (response.status, response.media_type) == (200, accept), response
    if isinstance(expected, Solutions) and ORDER.search(test.text.rpartition("}")[2]):
        expected = dataclasses.replace(expected, ordered=True)
    actual = read_answer(response.body, accept)
    assert same(expected, actual, lax=test.lax), f"expected {expected}, got {response}"


def choose_format(test: W3cTest, expected: Answer, number: int) -> str:
    """The media type to ask for: the expected file's own, or any that can hold the answer."""
    assert test.result
    if test.result.suffix in SOLUTION_TYPES:
        return SOLUTION_TYPES[test.result.suffix]
    if isinstance(expected, bool):
        return SOLUTION_CHOICE[number % 2]  # a boolean has no standard TSV
    choice = SOLUTION_CHOICE if isinstance(expected, Solutions) else GRAPH_CHOICE
    return choice[number // 3 % len(choice)]
