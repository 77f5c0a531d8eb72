"""Are well-formed queries and updates of the W3C's syntax tests taken, and others refused with 400?

The texts are sent as they are, without a BASE of ours before them.
"""

from __future__ import annotations

import re
import zlib

import pytest

from .manifests import DatasetFiles, W3cTest, cases
from .target import WAYS, Target

ANY_ANSWER = "application/sparql-results+json, text/turtle;q=0.5"
UPDATE_WAYS = ("POST direct", "POST form")


def number(test: W3cTest) -> int:
    return zlib.crc32(test.iri.encode())


@pytest.mark.parametrize("test", cases("PositiveSyntaxTest", "PositiveSyntaxTest11"))
def test_well_formed_query_is_answered(target: Target, test: W3cTest) -> None:
    response = target.query(test.text, ANY_ANSWER, WAYS[number(test) % 3])
    if b"custom function" in response.body:
        assert response.status != 400  # understood; to have the function is another matter
    else:
        assert response.status == 200, response


@pytest.mark.parametrize("test", cases("NegativeSyntaxTest", "NegativeSyntaxTest11"))
def test_malformed_query_is_refused(target: Target, test: W3cTest) -> None:
    if test.base.endswith(".ru"):
        malformed_update_is_refused(target, test)
        return
    response = target.query(test.text, ANY_ANSWER, WAYS[number(test) % 3])
    assert response.status == 400, response


@pytest.mark.parametrize("test", cases("PositiveUpdateSyntaxTest", "PositiveUpdateSyntaxTest11"))
def test_well_formed_update_is_taken(target: Target, test: W3cTest) -> None:
    target.hold(DatasetFiles())
    # A graph that is to be dropped or cleared must be there.
    for graph in re.findall(r"(?i)\b(?:DROP|CLEAR)\s+GRAPH\s+(<[^<>]*>)", test.text):
        made = target.update(f"INSERT DATA {{ GRAPH {graph} {{ <s> <p> <o> }} }}")
        assert made.status in {200, 204}, made
    response = target.update(test.text, UPDATE_WAYS[number(test) % 2])
    taken = {200, 204}
    if re.search(r"(?i)\bLOAD\s+<", test.text):
        taken |= target.loading_refused  # understood, but not done
    assert response.status in taken, response


@pytest.mark.parametrize("test", cases("NegativeUpdateSyntaxTest", "NegativeUpdateSyntaxTest11"))
def test_malformed_update_is_refused(target: Target, test: W3cTest) -> None:
    malformed_update_is_refused(target, test)


def malformed_update_is_refused(target: Target, test: W3cTest) -> None:
    response = target.update(test.text, UPDATE_WAYS[number(test) % 2])
    assert response.status == 400, response
