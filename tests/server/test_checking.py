"""The checks find what is wrong, one line a finding, in both directions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from peninsula.checking import Finding, check, compare_tables
from peninsula.errors import InvalidShapes, InvalidSource
from peninsula.knowledge import find_knowledge


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Report no progress."""


def findings(folder: Path) -> list[Finding]:
    return list(check(find_knowledge(folder), quiet))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_scene_is_in_order(copy: Path) -> None:
    assert findings(copy) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "check", "words"),
    [
        ("ontology/peninsula.ttl", 'rdfs:label "place"@en', 'rdfs:comment "place"@en', "hygiene class-without-label", "no label"),
        ("data/scene/summits.ttl", "a pen:Place", "a pen:Place , pen:Event", "consistency", "disjoint"),
        ("data/scene/summits.ttl", '"2019-02-28"', '"2019-02-26"', "shape pensh:SummitShape", "Mend pen:from"),
        ("tests/queries/expected/summits.csv", "2019-02-27", "2019-02-26", "question", "1 row is missing.*--examples --format csv"),
        ("tests/queries/expected/summits.csv", "summit,day", "summit,date", "question", "columns are"),
        ("queries/summits.rq", "#+ tags", "#+ tages", "question", r"summits\.rq:1: "),
    ],
)  # fmt: skip
def test_one_change_is_one_kind_of_finding(
    copy: Path, path: str, old: str, new: str, check: str, words: str
) -> None:
    change(copy / path, old, new)
    if path == "queries/summits.rq":
        with pytest.raises(InvalidSource, match=words):
            findings(copy)
        return
    found = findings(copy)
    assert found
    assert {finding.check for finding in found} == {check}
    assert len(str(found[0]).splitlines()) == 1
    assert any(re.search(words, str(finding)) for finding in found)


def test_a_question_without_expected_answer_is_found(copy: Path) -> None:
    (copy / "tests/queries/expected/summits.csv").rename(copy / "tests/queries/expected/gone.csv")
    messages = [str(finding) for finding in findings(copy)]
    assert any("there is no expected answer" in message for message in messages)
    assert any("there is no such question" in message for message in messages)


def test_what_makes_checking_impossible_is_raised(copy: Path) -> None:
    change(copy / "ontology/shapes/events.shapes.ttl", "sh:minCount", "sh:minCout")
    with pytest.raises(InvalidShapes, match="minCount"):
        findings(copy)


def test_derived_positions_that_drifted_are_found(copy: Path) -> None:
    folder = copy / "data" / "positions"
    folder.mkdir()
    (folder / "positions.ttl").write_text("# by hand\n", encoding="utf-8")
    assert "peninsula derive" in str(findings(copy)[0])


@pytest.mark.parametrize(
    ("expected", "answer", "differences"),
    [
        ("a\r\n1\r\n2\r\n", "a\r\n2\r\n1\r\n", []),
        ("a\n1\n", "a\r\n1\r\n", []),
        ("a\n1\n1\n", "a\n1\n", ["1 row is missing, e.g. 1"]),
        ("a\n1\n", "a\n1\n2\n3\n", ["2 rows are not expected, e.g. 2"]),
        ("a\n1\n", "a\n2\n", ["1 row is missing, e.g. 1", "1 row is not expected, e.g. 2"]),
        ('a\n"x, y"\n', 'a\n"x, y"\n', []),
        ("a\n", "b\n", ["the columns are b, expected a"]),
    ],
)  # fmt: skip
def test_tables_are_compared_in_both_directions(
    expected: str, answer: str, differences: list[str]
) -> None:
    assert compare_tables(expected, answer) == differences
