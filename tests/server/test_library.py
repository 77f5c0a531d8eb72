"""A question is a file with a header; its parameters are bound as terms, never as text."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.dataset.interface import Solutions
from peninsula.dataset.local import LocalDataset
from peninsula.errors import InvalidQuestion, ParameterError, UnknownQuestion
from peninsula.library import Library, Parameter, describe, read_library, read_question
from peninsula.namespaces import expand
from peninsula.terms import read_iri

from .conftest import ROOT, SCENE

GOOD = (SCENE / "queries" / "summits-of.rq").read_text(encoding="utf-8")


def test_the_header_is_read(library: Library) -> None:
    question = library.find("summits-of")
    assert question.summary == "Which summits did a state take part in?"
    assert question.tags == ("summits", "states")
    assert question.view == "table"
    assert question.examples == {"state": "state:russia"}
    assert [(p.name, p.type, p.is_required) for p in question.parameters] == [
        ("state", "iri", True),
        ("after", "date", False),
    ]
    assert library.tags == {"summits": 2, "states": 1}


def test_every_shipped_question_can_be_read() -> None:
    assert len(read_library(ROOT / "queries").templates) >= 70


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"state": "state:north-korea"}, 2),
        ({"state": expand("state:north-korea")}, 2),
        ({"state": f"<{expand('state:north-korea')}>"}, 2),
        ({"state": "id/state/north-korea"}, 2),
        ({"state": "/id/state/north-korea"}, 2),
        ({"state": "state:north-korea", "after": "2019-03-01"}, 1),
        ({"state": "state:north-korea", "after": ""}, 2),
        ({"state": "state:nowhere"}, 0),
        ({"state": "state:russia> } # "}, None),
    ],
)
def test_parameters_are_bound(
    library: Library, dataset: LocalDataset, values: dict[str, str], expected: int | None
) -> None:
    question = library.find("summits-of")
    if expected is None:
        with pytest.raises(ParameterError):
            question.ask(dataset, values)
        return
    result = question.ask(dataset, values)
    assert isinstance(result, Solutions)
    assert len(list(result)) == expected


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, r"needs the parameter “state”: A state\. Example: state:russia"),
        ({"state": "  "}, "needs the parameter “state”"),
        ({"state": "russia"}, "no iri"),
        ({"state": "state:russia", "after": "yesterday"}, "no date"),
        ({"state": "state:russia", "after": "20190227"}, "not written as 2019-02-27"),
        ({"state": "state:russia", "colour": "red"}, r"no parameter “colour”.*state, after"),
    ],
)
def test_a_wrong_value_is_told(library: Library, values: dict[str, str], words: str) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        library.find("summits-of").bind(values)
    assert caught.value.parameter in {"state", "after", "colour"}


@given(st.text())
def test_a_text_is_a_term_whatever_it_holds(text: str) -> None:
    term = Parameter("x", "string", "", "").bind(text)
    assert isinstance(term, ox.Literal)
    assert term.value == text


@given(st.text())
def test_an_iri_is_one_or_refused(text: str) -> None:
    try:
        assert ox.NamedNode(read_iri(text).value) == read_iri(text)
    except ValueError:
        pass


@pytest.mark.parametrize(
    ("text", "is_good"), [("12", True), ("-3", True), ("1.5", False), ("", False)]
)
def test_an_integer(text: str, *, is_good: bool) -> None:
    parameter = Parameter("n", "integer", "", "4")
    if is_good:
        assert parameter.bind(text) == ox.Literal(int(text))
    else:
        with pytest.raises(ParameterError, match="integer"):
            parameter.bind(text)


def test_an_unknown_question_leads_to_near_ones(library: Library) -> None:
    with pytest.raises(UnknownQuestion, match=r"summits-on.*Perhaps: .*summits-of"):
        library.find("summits-on")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("#+ summary: Which", "#+ summary: [Which", None, "Write"),
        ("#+ tags: [summits, states]", "#+ tags: [summits, states", 4, "quotes"),
        ("#+ tags: [summits, states]", "#+ tags: summits", 3, "tags is no list"),
        ("#+ tags: [summits, states]\n", "", 1, "the header has no tags"),
        ("#+ tags:", "#+ tag:", 1, "the header has no tags"),
        (
            "#+ description:",
            "#+ view: map\n#+ colour: red\n#+ description:",
            3,
            "unknown key “colour”",
        ),
        ("take part in?", "take part in", 1, "not a question"),
        ("type: iri", "type: state", 5, "has the type “state”.*iri, string, date, integer"),
        ("type: date", "typ: date", 10, "a key “typ”"),
        ("#+     description: A state\n", "", 5, "no description"),
        ('example: "state:russia"', 'example: "russia"', 5, "no iri"),
        ("SELECT ?state ", "SELECT ", 5, r"does not select the parameter \?state"),
        ("?summit a pen:Summit ;", "?summit a foo:Summit ;", 17, "column 13: the prefix “foo:”"),
        ("?summit a pen:Summit", "SERVICE ?s {} ?summit a pen:Summit", 17, r"a service by “\?s”"),
        ("?summit a pen:Summit", "SERVICE <http://e.org/> {} ?summit a pen:Summit", 17, "Name it"),
        ("?summit a pen:Summit", "SERVICE <peninsula:x> {} ?summit a pen:Summit", 1, r"\[x\]"),
        ("#+ tags", "#+ services: [wikidata]\n#+ tags", 3, "Take the line away"),
        ("#+ tags", "#+ services: wikidata\n#+ tags", 3, "services is no list"),
    ],
)
def test_a_broken_question_is_told_with_file_line_and_remedy(
    tmp_path: Path, old: str, new: str, line: int | None, words: str
) -> None:
    assert old in GOOD
    path = tmp_path / "broken.rq"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidQuestion, match=words) as caught:
        read_question(path)
    assert f"broken.rq:{line}: " in str(caught.value) if line else "broken.rq" in str(caught.value)


@pytest.mark.parametrize(("name", "words"), [("No_Slug.rq", "no slug"), ("empty.rq", "no header")])
def test_a_file_that_is_no_question_is_told(tmp_path: Path, name: str, words: str) -> None:
    path = tmp_path / name
    path.write_text("" if name == "empty.rq" else GOOD, encoding="utf-8")
    with pytest.raises(InvalidQuestion, match=words):
        read_question(path)


def test_the_description_holds_query_and_parameters(library: Library) -> None:
    triples = list(describe(library))
    question = ox.NamedNode(expand("pen:").removesuffix("ns#") + "queries/summits-of")
    about = {t.predicate.value: t.object for t in triples if t.subject == question}
    # The query runs as it stands: what it needs is set to its example.
    query = about[expand("sh:select")].value  # type: ignore[union-attr]
    assert "VALUES ?state { state:russia }" in query
    assert "#+" not in query
    assert "?after {" not in query
    parameter = about[expand("sh:parameter")]
    of_parameter = {t.predicate.value for t in triples if t.subject == parameter}
    assert expand("sh:optional") in of_parameter
