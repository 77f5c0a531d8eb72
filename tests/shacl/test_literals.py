"""One way of writing for another, and no fact made up."""

from __future__ import annotations

import datetime as dt

import pyoxigraph as ox
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peninsula.shacl.literals import (
    EDTF,
    XSD,
    accepted_writings,
    edtf_bounds,
    in_language,
    is_in_script_of,
    respell,
)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("2019-2-27", "date", ["2019-02-27"]),
        ("2019/02/27", "date", ["2019-02-27"]),
        ("20190227", "date", ["2019-02-27"]),
        ("27.02.2019", "date", ["2019-02-27"]),
        ("Feb 27, 2019", "date", ["2019-02-27"]),
        ("27th of February, 2019", "date", ["2019-02-27"]),
        ("27 февраля 2019 г.", "date", ["2019-02-27"]),
        ("2019년 2월 27일", "date", ["2019-02-27"]),
        ("２０１９-０２-２７", "date", ["2019-02-27"]),
        ("02/03/2019", "date", ["2019-03-02", "2019-02-03"]),
        ("02.03.2019", "date", ["2019-03-02"]),
        ("2019-02-27T10:00:00Z", "date", ["2019-02-27"]),
        ("2019-02-30", "date", []),
        ("2019-02", "date", []),
        ("2019", "date", []),
        ("0000-01-01", "date", []),
        ("soon", "date", []),
        ("2019-02-27 9:05 +0900", "dateTime", ["2019-02-27T09:05:00+09:00"]),
        ("2019-02-27", "dateTime", ["2019-02-27T00:00:00"]),
        ("2019-02-27", "gYear", ["2019"]),
        ("July 2017", "gYearMonth", ["2017-07"]),
        ("1,234", "integer", ["1234"]),
        ("1 234", "integer", ["1234"]),
        ("1.234", "integer", ["1234"]),
        ("12.0", "integer", ["12"]),
        ("12.5", "integer", []),
        ("twelve", "integer", []),
        ("1,5", "decimal", ["1.5"]),
        ("1,234", "decimal", ["1234", "1.234"]),
        ("1.234,5", "decimal", ["1234.5"]),
        ("1e3", "decimal", []),
        ("1e3", "double", ["1e3"]),
        ("TRUE", "boolean", ["true"]),
        ("no", "boolean", ["false"]),
        ("perhaps", "boolean", []),
        ("www.example.org", "anyURI", ["https://www.example.org"]),
    ],
)
def test_a_text_is_written_as_its_datatype_wants(text: str, name: str, expected: list[str]) -> None:
    found = list(respell(ox.Literal(text), XSD + name))
    assert [literal.value for literal in found] == expected
    assert all(literal.datatype.value == XSD + name for literal in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-7", ["2017-07"]),
        ("July 2017", ["2017-07"]),
        ("2014-2015", ["2014/2015"]),
        ("1 Feb 2019 - 3 Feb 2019", ["2019-02-01/2019-02-03"]),
        ("2015-2014", []),
        ("the nineties", []),
    ],
)
def test_a_time_is_written_as_edtf_as_precisely_as_it_was(text: str, expected: list[str]) -> None:
    assert [literal.value for literal in respell(ox.Literal(text), EDTF)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017", ("2017-01-01", "2017-12-31")),
        ("2016-02?", ("2016-02-01", "2016-02-29")),
        ("2019-02-27", ("2019-02-27", "2019-02-27")),
        ("2014/2015-12", ("2014-01-01", "2015-12-31")),
        ("2021/..", ("2021-01-01", None)),
        ("/2021-01-02", (None, "2021-01-02")),
        ("2019-02-30", None),
        ("2019-13", None),
        ("9999", None),
    ],
)
def test_an_expression_has_a_first_and_a_last_day(
    text: str, expected: tuple[str | None, str | None] | None
) -> None:
    assert edtf_bounds(text) == expected


@given(st.dates(min_value=dt.date(1000, 1, 1)))
def test_a_date_written_in_any_way_is_that_date(date: dt.date) -> None:
    ways = [
        f"{date.day}.{date.month}.{date.year}",
        f"{date.year}/{date.month}/{date.day}",
        f"{date.year}년 {date.month}월 {date.day}일",
        date.strftime("%B %-d, %Y"),
        date.strftime("%d %b %Y"),
    ]
    for way in ways:
        found = [literal.value for literal in respell(ox.Literal(way), XSD + "date")]
        assert found == [date.isoformat()], way


@given(st.text(max_size=80), st.sampled_from(["date", "integer", "decimal", "double", "boolean"]))
@example("1 234,5", "decimal")
@example("27.02.2019", "date")
def test_whatever_is_respelt_is_what_the_engine_reads(text: str, name: str) -> None:
    for literal in respell(ox.Literal(text), XSD + name):
        query = f"SELECT (<{XSD}{name}>({ox.Literal(literal.value)}) AS ?read) {{}}"
        found = ox.Store().query(query)
        assert isinstance(found, ox.QuerySolutions)
        (solution,) = found
        assert solution["read"] is not None, literal


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        (ox.Literal("김정은"), ["ko"]),
        (ox.Literal("Ким Чен Ын"), ["ru"]),
        (ox.Literal("Kim Jong-un"), ["en"]),
        (ox.Literal("Kim", language="eng"), ["en"]),
        (ox.Literal("김정은", language="en"), ["ko"]),
        (ox.Literal("김정은", language="kr"), ["ko"]),
        (ox.Literal("2019"), []),
    ],
)
def test_a_language_is_told_by_its_script(literal: ox.Literal, expected: list[str]) -> None:
    found = dict.fromkeys(other.language for other in in_language(literal, ["en", "ko", "ru"]))
    assert list(found) == expected


def test_a_text_without_letters_is_in_any_language() -> None:
    assert is_in_script_of("2019", "ko")
    assert not is_in_script_of("Kim", "ko")


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("kor ", "^[A-Z]{3}$", "KOR"),
        ("https://www.wikidata.org/wiki/Q159", "^Q[0-9]+$", "Q159"),
        (
            "https://www.wikidata.org/wiki/Q159",
            "^http://www.wikidata.org/entity/Q[0-9]+$",
            "http://www.wikidata.org/entity/Q159",
        ),
        ("example.org/a", "^https?://", "https://example.org/a"),
    ],
)
def test_a_text_is_written_as_a_pattern_accepts(text: str, pattern: str, expected: str) -> None:
    assert next(accepted_writings(text, [(pattern, "")])) == expected


def test_a_pattern_that_takes_a_backtracking_engine_for_ever_takes_no_time() -> None:
    assert list(accepted_writings("a" * 900 + "!", [("^(a+)+$", "")])) == []
