"""How often is chance tried, and against which servers?

``PENINSULA_EQUIVALENCE_EXAMPLES`` sets the number of examples of each property. Without it they
are few and always the same; with it, they are others each time, and the seed of what fails is
printed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.crash.instance import Instance

EXAMPLES: Final = int(os.environ.get("PENINSULA_EQUIVALENCE_EXAMPLES", "0"))
KEPT: Final = 12

settings.register_profile(
    "equivalence",
    derandomize=not EXAMPLES,
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def examples(few: int, *, part: int = 1) -> settings:
    """Return the settings of a property that is tried ``few`` times, or as often as asked.

    ``part`` divides what is asked, for examples that take long.
    """
    phases = [Phase.explicit, Phase.generate]
    if EXAMPLES and part == 1:
        # Making what fails smaller takes minutes.
        phases.append(Phase.shrink)
    return settings(
        settings.get_profile("equivalence"),
        max_examples=max(few, EXAMPLES // part),
        phases=phases,
    )


@pytest.fixture(scope="package", params=["always", "never"])
def instance(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """Return a server that answers from memory, then one that answers from disk."""
    options = ("--default-graph", "own", "--keep", str(KEPT), "--memory", request.param)
    with Instance(tmp_path_factory.mktemp("equivalence"), *options) as running:
        yield running
