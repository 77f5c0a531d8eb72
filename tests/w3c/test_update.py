"""Do updates leave the dataset that the W3C's update evaluation tests expect?"""

from __future__ import annotations

import zlib

import pyoxigraph as ox
import pytest

from .manifests import W3cTest, cases
from .results import canonical
from .target import Target, dataset

EVERYTHING = "SELECT ?g ?s ?p ?o { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
JSON = "application/sparql-results+json"


@pytest.mark.parametrize("test", cases("UpdateEvaluationTest"))
def test_update_leaves_the_expected_dataset(target: Target, test: W3cTest) -> None:
    target.hold(test.before)
    assert canonical(everything(target)) == canonical(dataset(test.before))
    way = ("POST direct", "POST form")[zlib.crc32(test.iri.encode()) % 2]
    response = target.update(f"BASE <{test.base}>\n{test.text}", way)
    assert response.status in {200, 204}, response
    actual = everything(target)
    assert canonical(actual) == canonical(dataset(test.after)), "\n".join(map(str, actual))


def everything(target: Target) -> list[ox.Quad]:
    """The whole dataset, in one answer, so that a blank node keeps its label across graphs."""
    response = target.query(EVERYTHING, JSON)
    assert response.status == 200, response
    results = ox.parse_query_results(response.body, format=ox.QueryResultsFormat.JSON)
    assert isinstance(results, ox.QuerySolutions)
    return [ox.Quad(row["s"], row["p"], row["o"], row["g"] or ox.DefaultGraph()) for row in results]
