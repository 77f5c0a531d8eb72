"""Does every test of the suites have a runner, and every exception a test that it is about?"""

from __future__ import annotations

import pytest

from .manifests import NOT_RUN, OUT_OF_SCOPE, SUITES, all_tests, engine_failures

KINDS = frozenset(
    {
        "CSVResultFormatTest",
        "GraphStoreProtocolTest",
        "NegativeSyntaxTest",
        "NegativeSyntaxTest11",
        "NegativeUpdateSyntaxTest",
        "NegativeUpdateSyntaxTest11",
        "PositiveSyntaxTest",
        "PositiveSyntaxTest11",
        "PositiveUpdateSyntaxTest",
        "PositiveUpdateSyntaxTest11",
        "ProtocolTest",
        "QueryEvaluationTest",
        "ServiceDescriptionTest",
        "UpdateEvaluationTest",
    }
)
"""The kinds of test that the modules beside this one run."""

pytestmark = pytest.mark.skipif(not SUITES.is_dir(), reason="the W3C's suites are not here")


def test_every_kind_of_test_is_run() -> None:
    assert {test.kind for test in all_tests()} == KINDS
    assert len(all_tests()) > 1300
    assert len({test.iri for test in all_tests()}) == len(all_tests())
    assert len({test.id for test in all_tests()}) == len(all_tests())


def test_every_exception_is_about_a_test_and_has_a_reason() -> None:
    run = {test.iri for test in all_tests() if test.folder not in OUT_OF_SCOPE}
    assert run >= {*engine_failures(), *NOT_RUN}
    assert {test.folder for test in all_tests()} >= OUT_OF_SCOPE.keys()
    assert all(reason.strip() for reason in engine_failures().values())
