"""What a column holds is read off its terms, which part it can play off its name as well."""

from __future__ import annotations

from datetime import date

import pyoxigraph as ox
import pytest

from peninsula.columns import (
    Column,
    depends,
    find_period,
    find_place,
    find_tie,
    read_columns,
    read_day,
    read_number,
    read_point,
)
from peninsula.dataset.interface import Row
from peninsula.dataset.local import LocalDataset
from peninsula.tables import Rows, read_rows


def rows_of(dataset: LocalDataset, names: str, *lines: str) -> Rows:
    """Return rows written as those of VALUES."""
    values = " ".join(f"({line})" for line in lines)
    query = f"SELECT {names} {{ VALUES ({names}) {{ {values} }} }}"
    return read_rows(dataset.evaluate(query))


def columns_of(dataset: LocalDataset, names: str, *lines: str) -> tuple[Column, ...]:
    answer = rows_of(dataset, names, *lines)
    return read_columns(answer.variables, answer.rows)


@pytest.mark.parametrize(
    ("term", "kind", "sort"),
    [
        ("state:russia", "thing", "state"),
        ("stance:supports", "thing", "stance"),
        ("<http://example.org/>", "thing", ""),
        ('"2017-12-22"^^xsd:date', "date", ""),
        ('"2017"^^xsd:gYear', "date", ""),
        ('"2017-12?"^^edtf:EDTF', "edtf", ""),
        ("7", "number", ""),
        ("7.5", "number", ""),
        ("true", "truth", ""),
        ('"POINT(37.6 55.7)"^^geo:wktLiteral', "point", ""),
        ('"LINESTRING(0 0, 1 1)"^^geo:wktLiteral', "text", ""),
        ('"Hanoi"@en', "text", ""),
        ("UNDEF", "", ""),
    ],
)
def test_a_column_knows_what_it_holds(
    dataset: LocalDataset, term: str, kind: str, sort: str
) -> None:
    (column,) = columns_of(dataset, "?x", term, "UNDEF")
    assert (column.kind, column.sort) == (kind, sort)
    assert column.count == (1 if kind else 0)


def test_things_of_two_kinds_are_things(dataset: LocalDataset) -> None:
    (column,) = columns_of(dataset, "?holder", "state:russia", "person:kim-jong-un")
    assert (column.kind, column.sort, column.count) == ("thing", "", 2)
    (mixed,) = columns_of(dataset, "?x", "state:russia", '"word"')
    assert mixed.kind == "text"


def test_a_column_of_labels_belongs_to_its_things(dataset: LocalDataset) -> None:
    columns = columns_of(
        dataset, "?state ?stateLabel ?kindLabel", 'state:russia "Russia"@en "great power"'
    )
    assert [(c.name, c.label) for c in columns] == [("state", 1), ("kindLabel", None)]


@pytest.mark.parametrize(
    ("name", "is_size"),
    [
        ("claims", True), ("count", True), ("votesFor", True), ("days", True),
        ("year", False), ("geonamesId", False), ("paragraph", False), ("firstParagraph", False),
        ("latitude", False), ("section", False),
    ],
)  # fmt: skip
def test_a_number_that_names_something_is_no_size(
    dataset: LocalDataset, name: str, *, is_size: bool
) -> None:
    (column,) = columns_of(dataset, f"?{name}", "3", "4")
    assert column.is_size is is_size


DAY, LATER = '"2017-01-01"^^xsd:date', '"2018-01-01"^^xsd:date'


@pytest.mark.parametrize(
    ("names", "lines", "start", "end"),
    [
        ("?from ?until", [f"{DAY} {LATER}", f"{LATER} UNDEF"], "from", "until"),
        # What the question was asked with stands before what it answers.
        ("?start ?end ?from ?until", [f"{DAY} {LATER} {DAY} {LATER}",
                                      f"{DAY} {LATER} {LATER} {LATER}"], "from", "until"),
        ("?tenureFrom ?tenureUntil", [f"{DAY} {LATER}", f"{LATER} {LATER}"],
         "tenureFrom", "tenureUntil"),
        ("?laterFrom ?earlierUntil", [f"{LATER} {DAY}", f"{DAY} {LATER}"], "laterFrom", None),
        ("?first ?last", [f"{DAY} {LATER}", f"{LATER} {DAY}"], "first", "last"),
        ("?day ?lastTestDay", [f"{LATER} {DAY}", f"{DAY} {LATER}"], "day", None),
        ("?adopted", [DAY, LATER], "adopted", None),
        # A gap lies between an end and the next beginning.
        ("?endOfTerm ?startOfNext", [f"{DAY} {LATER}", f"{LATER} {DAY}"], "startOfNext", None),
        ("?endOfTerm ?startOfNext", [f"{DAY} {LATER}", f'{LATER} "2019-01-01"^^xsd:date'],
         "endOfTerm", "startOfNext"),
        ("?date", ['"2017-12?"^^edtf:EDTF'], None, None),
        ("?n", ["2017"], None, None),
    ],
)  # fmt: skip
def test_the_columns_that_say_when(
    dataset: LocalDataset, names: str, lines: list[str], start: str | None, end: str | None
) -> None:
    answer = rows_of(dataset, names, *lines)
    period = find_period(read_columns(answer.variables, answer.rows), answer.rows)
    assert (period and period.start.name) == start
    assert (period and period.end and period.end.name) == end


@pytest.mark.parametrize(
    ("names", "lines", "ends"),
    [
        ("?personA ?personB", ["person:a person:b"], ("personA", "personB")),
        ("?claim ?cause ?effect", ["claim:a event:a event:b"], ("cause", "effect")),
        ("?topic ?broader", ["topic:a topic:b"], ("topic", "broader")),
        ("?holder ?x ?other", ["state:a 1 state:b"], ("holder", "other")),
        # Any two columns of things, but claims are evidence rather than an end.
        ("?claim ?office ?person", ["claim:a office:a person:a", "claim:b office:b person:b"],
         ("office", "person")),
        ("?kind ?modality", ["claim-kind:a modality:a", "claim-kind:b modality:b"], None),
        ("?office ?person", ["office:a person:a", "office:a person:b"], None),
        ("?office ?label", ['office:a "a"', 'office:b "b"'], None),
    ],
)  # fmt: skip
def test_the_columns_that_are_tied(
    dataset: LocalDataset, names: str, lines: list[str], ends: tuple[str, str] | None
) -> None:
    answer = rows_of(dataset, names, *lines)
    tie = find_tie(read_columns(answer.variables, answer.rows), answer.rows)
    assert (tie and (tie.source.name, tie.target.name)) == ends


def test_states_with_states_are_tied_by_what_they_share(dataset: LocalDataset) -> None:
    shared = rows_of(dataset, "?x ?y", "state:a state:b", "state:b state:c")
    apart = rows_of(dataset, "?x ?y", "state:a state:b", "state:c state:d")
    for answer, is_named in ((shared, True), (apart, False)):
        tie = find_tie(read_columns(answer.variables, answer.rows), answer.rows)
        assert tie
        assert tie.is_named is is_named


def test_the_columns_that_say_where(dataset: LocalDataset) -> None:
    point = columns_of(dataset, "?place ?at", 'place:a "POINT(1 2)"^^geo:wktLiteral')
    assert find_place(point) == point[1]
    numbers = columns_of(dataset, "?name ?lat ?long", '"a" 38.0 127.0')
    assert find_place(numbers) == (numbers[1], numbers[2])
    places = columns_of(dataset, "?event ?place", "event:a place:a")
    assert find_place(places) == places[1]
    assert find_place(columns_of(dataset, "?event", "event:a")) is None


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("POINT(37.6 55.7)", (55.7, 37.6)),
        ("point ( -1.5e1 2 )", (2.0, -15.0)),
        ("<http://www.opengis.net/def/crs/OGC/1.3/CRS84> POINT Z(1 2 3)", (2.0, 1.0)),
        ("POINT(200 10)", None),
        ("POINT(1)", None),
        ("POINT(1e 2)", None),
        ("", None),
    ],
)
def test_a_point_is_latitude_and_longitude(text: str, point: tuple[float, float] | None) -> None:
    assert read_point(ox.Literal(text)) == point


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2017-12-22", date(2017, 12, 22), date(2017, 12, 22)),
        ("2017-02", date(2017, 2, 1), date(2017, 2, 28)),
        ("2016-12", date(2016, 12, 1), date(2016, 12, 31)),
        ("2017", date(2017, 1, 1), date(2017, 12, 31)),
        ("2017-12-22T10:00:00Z", date(2017, 12, 22), date(2017, 12, 22)),
        ("2017-02-30", None, None),
        ("-0044-03-15", None, None),
        ("soon", None, None),
    ],
)
def test_a_day_of_a_month_or_year_is_its_first_or_last(
    text: str, start: date | None, end: date | None
) -> None:
    assert read_day(ox.Literal(text)) == start
    assert read_day(ox.Literal(text), is_end=True) == end


def test_a_number_that_is_none_is_told() -> None:
    def number(text: str, name: str = "double") -> float | None:
        kind = ox.NamedNode(f"http://www.w3.org/2001/XMLSchema#{name}")
        return read_number(ox.Literal(text, datatype=kind))

    assert number("1.5E2") == 150.0
    assert number("INF") is None
    assert number("NaN") is None
    assert number("many", "integer") is None
    assert read_number(ox.Literal("7")) is None
    assert read_number(None) is None


def test_dependence_is_seen(dataset: LocalDataset) -> None:
    answer = rows_of(dataset, "?a ?b ?c", '"x" 1 1', '"x" 1 2', '"y" 1 1')
    a, b, c = read_columns(answer.variables, answer.rows)
    rows: list[Row] = answer.rows
    assert depends(rows, a, b)
    assert not depends(rows, a, c)
    assert not depends(rows, a, b, c)
