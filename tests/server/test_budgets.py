"""The queries of a request take no longer together than one may."""

from __future__ import annotations

from peninsula.dataset.budgets import Budget


class Query:
    def __init__(self, seconds: float) -> None:
        self.taken = seconds
        self.is_over = False

    def seconds(self) -> float:
        return self.taken


def test_what_is_over_and_what_is_under_way_counts() -> None:
    budget = Budget(10)
    first, second = Query(3), Query(1)
    budget.charge(first)
    first.is_over = True
    assert budget.left() == 7
    budget.charge(second)
    assert budget.left() == 6
    second.taken = 4
    assert budget.left() == 3
    second.taken = 9
    second.is_over = True
    assert budget.left() == 0
    assert budget.left() == 0
