"""The rules of discourse network analysis, by hand and on any statements.

The small example: A is twice for c and once against d; B is once for c, once against c and once
for d; C is once against d. The numbers in the tests are worked out on paper from the formulas of
the manual (Leifeld, Gruber and Bossner 2018, chapter 2).
"""

from __future__ import annotations

import itertools
from datetime import date
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.discourse import (
    AFFILIATION_NORMALIZATIONS,
    AFFILIATION_RULES,
    DUPLICATES,
    NORMALIZATIONS,
    RULES,
    Comparison,
    Statement,
    affiliate,
    affiliation_density,
    choose_window,
    combine,
    density,
    distance,
    drop_duplicates,
    make_matrix,
    split,
)


def say(actor: str, concept: str, level: int = 1, day: str = "", **more: str) -> Statement:
    when = date.fromisoformat(day) if day else None
    source = more.get("source", f"{actor}{concept}{level}{day}")
    return Statement(
        actor, concept, level, source, document=more.get("document", ""), start=when, end=when
    )


EXAMPLE = [
    say("A", "c", 1, "2017-01-02", source="1", document="x"),
    say("A", "c", 1, "2017-01-05", source="2", document="x"),
    say("A", "d", -1, "2017-02-01", source="3", document="y"),
    say("B", "c", 1, "2017-01-03", source="4", document="x"),
    say("B", "c", -1, "2018-01-03", source="5", document="y"),
    say("B", "d", 1, source="6", document="y"),
    say("C", "d", -1, "2017-02-09", source="7", document="x"),
]
#: activity: A 3, B 3, C 1


def weights(
    rule: str, normalization: str = "no", statements: list[Statement] = EXAMPLE
) -> dict[str, float]:
    ties = Comparison(statements).ties(rule, normalization)
    return {tie.source + tie.target: tie.weight for tie in ties}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # AB: c 2·1 for; AC: d 1·1 against; BC: nothing.
        ("congruence", {"AB": 2, "AC": 1, "BC": 0}),
        # AB: c 2·1, d 1·1; AC: none; BC: d 1·1.
        ("conflict", {"AB": 3, "AC": 0, "BC": 1}),
        ("subtract", {"AB": -1, "AC": 1, "BC": -1}),
        # AB: c 2·2, d 1·1; AC: d 1·1; BC: d 1·1.
        ("ignore", {"AB": 5, "AC": 1, "BC": 1}),
    ],
)
def test_each_rule(rule: str, expected: dict[str, float]) -> None:
    assert weights(rule) == expected


#: AB: m10 is 1 (A on d-), m01 is 2 (B on c-, d+), m11 is 2·1 (c+): 5.
#: AC: m10 is 2 (A on c+), m01 is 0, m11 is 1 (d-): 3. BC: m10 3, m01 1, m11 0: 4.
DIVISORS = {
    "no": {"AB": 1, "AC": 1, "BC": 1},
    "average": {"AB": 3, "AC": 2, "BC": 2},
    "jaccard": {"AB": 5, "AC": 3, "BC": 4},
    "cosine": {"AB": 9, "AC": 3, "BC": 3},
    "common": {"AB": 5, "AC": 1, "BC": 1},
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_each_normalization_of_each_rule(rule: str, normalization: str) -> None:
    plain, divided = weights(rule), weights(rule, normalization)
    for pair, divisor in DIVISORS[normalization].items():
        assert divided[pair] == pytest.approx(plain[pair] / divisor)


@pytest.mark.parametrize(
    ("setting", "left"),
    [
        ("include", "1 2 3 4 5 6 7"),
        ("document", "1 3 4 5 6 7"),
        # 2 January 2017 is a Monday, the 5th is of the same week.
        ("week", "1 3 4 5 6 7"),
        ("month", "1 3 4 5 6 7"),
        ("year", "1 3 4 5 6 7"),
        ("range", "1 3 4 5 6 7"),
    ],
)
def test_repetitions_are_left_out(setting: str, left: str) -> None:
    kept = drop_duplicates(EXAMPLE, setting)
    assert sorted(s.source for s in kept) == left.split()


#: The same statement on these days: two in one week, another in the month, one a year later in the
#: same month, one undated, each in the document of its letter.
REPEATED = [
    say("A", "c", 1, "2017-03-06", source="1", document="x"),
    say("A", "c", 1, "2017-03-08", source="2", document="y"),
    say("A", "c", 1, "2017-03-20", source="3", document="x"),
    say("A", "c", 1, "2017-11-20", source="4", document="z"),
    say("A", "c", 1, "2018-03-06", source="5", document="y"),
    say("A", "c", 1, source="6", document="x"),
    say("A", "c", -1, "2017-03-06", source="7", document="x"),
]


@pytest.mark.parametrize(
    ("setting", "left"),
    [
        ("include", "1 2 3 4 5 6 7"),
        ("document", "1 2 4 7"),
        ("week", "1 3 4 5 6 7"),
        ("month", "1 4 5 6 7"),
        ("year", "1 5 6 7"),
        ("range", "1 7"),
    ],
)
def test_the_first_of_a_period_is_kept(setting: str, left: str) -> None:
    kept = drop_duplicates(reversed(REPEATED), setting)
    assert sorted(s.source for s in kept) == left.split()


@pytest.mark.parametrize("setting", DUPLICATES)
@pytest.mark.parametrize("rule", ["congruence", "conflict"])
def test_repetitions_and_rules_together(setting: str, rule: str) -> None:
    """A says all of REPEATED, B once for c: the weight is what is left of A's, for or against."""
    statements = [*REPEATED, say("B", "c", 1, "2017-05-01")]
    left = drop_duplicates(statements, setting)
    fors = {"include": 6, "document": 3, "week": 5, "month": 4, "year": 3, "range": 1}[setting]
    assert weights(rule, "no", left) == {"AB": fors if rule == "congruence" else 1}
    # A has one more statement, that against c; B has one.
    assert weights(rule, "average", left)["AB"] == pytest.approx(
        (fors if rule == "congruence" else 1) / ((fors + 1 + 1) / 2)
    )


def test_the_last_week_of_a_year_is_one_week() -> None:
    statements = [say("A", "c", 1, "2018-12-31"), say("A", "c", 1, "2019-01-01")]
    assert len(drop_duplicates(statements, "week")) == 1
    assert len(drop_duplicates(statements, "year")) == 2


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="sometimes"):
        drop_duplicates([], "sometimes")
    comparison = Comparison(EXAMPLE)
    with pytest.raises(ValueError, match="friendship"):
        comparison.ties("friendship")
    with pytest.raises(ValueError, match="softly"):
        comparison.ties("congruence", "softly")
    with pytest.raises(ValueError, match="softly"):
        affiliate(EXAMPLE, "ignore", "softly")


def test_what_stands_between_is_half_of_either() -> None:
    statements = [say("A", "c", 1), say("B", "c", 0)]
    assert weights("congruence", "no", statements) == {"AB": 0.5}
    assert weights("conflict", "no", statements) == {"AB": 0.5}
    assert distance(1, -1) == 1
    assert distance(0, -1) == 0.5


def test_on_a_nominal_scale_other_is_other() -> None:
    statements = [say("A", "c", 1), say("B", "c", 0), say("C", "c", 0)]
    comparison = Comparison(statements, is_nominal=True)
    assert [tie.weight for tie in comparison.ties("conflict")] == [1, 1, 0]
    assert [tie.weight for tie in comparison.ties("congruence")] == [0, 0, 1]


def test_the_network_of_concepts_swaps_actors_and_concepts() -> None:
    swapped = [s.swapped() for s in EXAMPLE]
    # A: c+ twice, d-: conflict 2. B: c+, c-, d+: congruence 1, conflict 1. C: only d.
    assert weights("congruence", "no", swapped) == {"cd": 1}
    assert weights("conflict", "no", swapped) == {"cd": 3}
    assert Comparison(swapped).ties("ignore")[0].common == 2
    assert EXAMPLE[0].swapped().swapped() == EXAMPLE[0]


# Affiliation.

AFFILIATION = {
    "ignore": {"Ac": 2, "Ad": 1, "Bc": 2, "Bd": 1, "Cd": 1},
    "binary": {"Ac": 1, "Ad": 1, "Bc": 1, "Bd": 1, "Cd": 1},
    "subtract": {"Ac": 2, "Ad": -1, "Bc": 0, "Bd": 1, "Cd": -1},
    # For is 1, against 4, both 5.
    "combine": {"Ac": 1, "Ad": 4, "Bc": 5, "Bd": 1, "Cd": 4},
}
ACTIVITY = {"ignore": {"A": 3, "B": 3, "C": 1}, "binary": {"A": 2, "B": 2, "C": 1}}
PROMINENCE = {"ignore": {"c": 4, "d": 3}, "binary": {"c": 2, "d": 3}}


@pytest.mark.parametrize("rule", AFFILIATION_RULES)
@pytest.mark.parametrize("normalization", AFFILIATION_NORMALIZATIONS)
def test_each_rule_of_affiliation(rule: str, normalization: str) -> None:
    by = "binary" if rule == "binary" else "ignore"
    found = {t.source + t.target: t.weight for t in affiliate(EXAMPLE, rule, normalization)}
    expected = {}
    for pair, weight in AFFILIATION[rule].items():
        divisor = 1
        if rule != "combine" and normalization == "activity":
            divisor = ACTIVITY[by][pair[0]]
        if rule != "combine" and normalization == "prominence":
            divisor = PROMINENCE[by][pair[1]]
        expected[pair] = pytest.approx(weight / divisor)
    assert found == expected


def test_a_number_stands_for_each_set_of_levels() -> None:
    sets = [s for n in range(4) for s in itertools.combinations((-1, 0, 1), n)]
    assert sorted(combine(levels) for levels in sets) == list(range(8))
    assert all(split(combine(levels)) == levels for levels in sets)


# Time.


def test_a_window_takes_what_may_hold_in_it() -> None:
    def held(start: str, end: str) -> Statement:
        first, last = (date.fromisoformat(day) if day else None for day in (start, end))
        return Statement("A", "c", start=first, end=last)

    before, during = held("2014-01-01", "2015-12-31"), held("2016-05-01", "2016-06-01")
    across, since = held("2015-01-01", "2017-12-31"), held("2018-01-01", "")
    until, never = held("", "2015-01-01"), held("", "")
    everything = [before, during, across, since, until, never]
    first, last = date(2016, 1, 1), date(2016, 12, 31)
    assert choose_window(everything) == everything
    assert choose_window(everything, first, last) == [during, across]
    assert choose_window(everything, first) == [during, across, since]
    assert choose_window(everything, None, last) == [before, during, across, until]
    assert never in choose_window(everything, first, last, with_undated=True)


# Numbers and matrices.


def test_density_is_the_share_of_possible_ties() -> None:
    assert density(4, 3) == 0.5
    assert density(1, 0) == density(0, 0) == 0
    assert affiliation_density(2, 3, 3) == 0.5
    assert affiliation_density(0, 3, 0) == 0


def test_a_matrix_is_symmetric_or_has_rows_and_columns() -> None:
    one_mode = make_matrix(["A", "B", "C"], ["A", "B", "C"], Comparison(EXAMPLE).ties("subtract"))
    assert one_mode == [[0, -1, 1], [-1, 0, -1], [1, -1, 0]]
    two_mode = make_matrix(["A", "B", "C"], ["c", "d"], affiliate(EXAMPLE, "ignore"))
    assert two_mode == [[2, 1], [2, 1], [0, 1]]


# On any statements.

days = st.none() | st.dates(date(2016, 1, 1), date(2018, 12, 31))
statement_lists = st.lists(
    st.builds(
        Statement,
        st.sampled_from("ABCD"),
        st.sampled_from("cdef"),
        st.sampled_from([-1, 0, 1]),
        st.text("0123456789", max_size=3),
        st.just(""),
        st.sampled_from("xyz"),
        days,
    ),
    max_size=25,
)
sided = statement_lists.map(lambda given: [s for s in given if s.level])


@given(statement_lists, st.booleans(), st.sampled_from(NORMALIZATIONS))
def test_subtract_is_congruence_less_conflict(
    statements: list[Statement], is_nominal: bool, normalization: str
) -> None:
    comparison = Comparison(statements, is_nominal=is_nominal)
    trios = zip(
        *(comparison.ties(rule, normalization) for rule in ("congruence", "conflict", "subtract")),
        strict=True,
    )
    for same, different, difference in trios:
        assert isclose(difference.weight, same.weight - different.weight, abs_tol=1e-9)


@given(statement_lists, st.sampled_from(RULES), st.sampled_from(NORMALIZATIONS))
def test_neither_names_nor_order_matter(
    statements: list[Statement], rule: str, normalization: str
) -> None:
    """Turn the alphabet of actors round: the tie of A and B is that of D and C, so it has no side."""
    turned = [
        Statement("DCBA"["ABCD".index(s.actor)], s.concept, s.level, s.source)
        for s in reversed(statements)
    ]
    there = {
        frozenset((t.source, t.target)): t.weight
        for t in Comparison(statements).ties(rule, normalization)
    }
    back = {
        frozenset(("DCBA"["ABCD".index(t.source)], "DCBA"["ABCD".index(t.target)])): t.weight
        for t in Comparison(turned).ties(rule, normalization)
    }
    assert there.keys() == back.keys()
    assert all(isclose(there[pair], back[pair], abs_tol=1e-9) for pair in there)


@given(statement_lists, st.sampled_from(["congruence", "conflict", "ignore"]))
def test_shares_are_between_nothing_and_everything(statements: list[Statement], rule: str) -> None:
    comparison = Comparison(statements)
    for normalization in ("cosine", "common"):
        assert all(0 <= t.weight <= 1 + 1e-9 for t in comparison.ties(rule, normalization))
    for normalization in ("cosine", "common"):
        assert all(
            -1 - 1e-9 <= t.weight <= 1 + 1e-9 for t in comparison.ties("subtract", normalization)
        )


@given(sided)
def test_jaccard_of_congruence_is_a_share(statements: list[Statement]) -> None:
    assert all(0 <= t.weight <= 1 for t in Comparison(statements).ties("congruence", "jaccard"))


@given(sided, st.sampled_from(["congruence", "conflict"]))
def test_without_repetitions_every_normalization_gives_a_share(
    statements: list[Statement], rule: str
) -> None:
    comparison = Comparison(drop_duplicates(statements, "range"))
    for normalization in NORMALIZATIONS[1:]:
        assert all(0 <= t.weight <= 1 + 1e-9 for t in comparison.ties(rule, normalization))


@given(
    statement_lists,
    st.sampled_from(DUPLICATES),
    st.sampled_from(["congruence", "conflict", "ignore"]),
)
def test_leaving_repetitions_out_never_makes_a_tie_heavier(
    statements: list[Statement], setting: str, rule: str
) -> None:
    whole = {(t.source, t.target): t.weight for t in Comparison(statements).ties(rule)}
    left = Comparison(drop_duplicates(statements, setting)).ties(rule)
    for tie in left:
        assert tie.weight <= whole[tie.source, tie.target] + 1e-9
    # Nobody loses a tie altogether: one of each kind of statement is left.
    assert {(t.source, t.target) for t in left} == set(whole)


@given(statement_lists, days, days)
def test_a_window_never_adds(
    statements: list[Statement], first: date | None, last: date | None
) -> None:
    inside = choose_window(statements, first, last)
    assert all(s in statements for s in inside)
    whole = {(t.source, t.target): t.weight for t in Comparison(statements).ties("congruence")}
    for tie in Comparison(inside).ties("congruence"):
        assert tie.weight <= whole[tie.source, tie.target] + 1e-9


@given(statement_lists)
def test_affiliation_adds_up(statements: list[Statement]) -> None:
    ties = affiliate(statements, "ignore")
    assert sum(t.weight for t in ties) == len(statements)
    for place, normalization in ((0, "activity"), (1, "prominence")):
        sums: dict[str, float] = {}
        for t in affiliate(statements, "ignore", normalization):
            name = (t.source, t.target)[place]
            sums[name] = sums.get(name, 0) + t.weight
        assert all(isclose(total, 1) for total in sums.values())
    assert all(abs(t.weight) <= 1 for t in affiliate(statements, "subtract", "activity"))
