"""A question becomes a query to go on with, that has the same answer; a query has a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.drafting import FIRST, draft, find_question, limit_query, name_query
from peninsula.highlighting import split
from peninsula.library import Library, read_library

from .conftest import ROOT, ask


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (FIRST, "Whose stances on what does the commentary tell?"),
        ("SELECT * {}", ""),
        ("#defaultView:Map\nSELECT * {}", ""),
        ("#+ summary: What?\n#+ tags: [a]\n\n# Which states?\nSELECT * {}", "Which states?"),
        ("# " + "long " * 40, "long " * 17 + "long…"),
        ("", ""),
    ],
)
def test_the_first_comment_is_the_name(query: str, name: str) -> None:
    assert name_query(query) == name


def test_a_draft_has_the_answer_of_its_question(library: Library, dataset: LocalDataset) -> None:
    template = library.find("summits-of")
    text = draft(template)
    assert text.startswith("# Which summits did a state take part in?\nPREFIX pen:")
    assert text.endswith("VALUES (?state) { (state:russia) }\n")
    expected = list(template.ask(dataset, {"state": "state:russia"}))  # type: ignore[arg-type]
    assert len(expected) == 1
    assert ask(dataset, text) == expected


def test_a_draft_takes_other_values(library: Library) -> None:
    values = {"state": "state:north-korea", "after": "2019-03-01"}
    text = draft(library.find("summits-of"), values)
    assert "VALUES (?state ?after) { (state:north-korea " in text
    assert text.count("state:north-korea") == 1


def test_a_question_is_known_again_as_long_as_it_is_not_changed(library: Library) -> None:
    template = library.find("summits-of")
    for text in (template.query, draft(template), draft(template).replace("\n", "\n  ")):
        assert find_question(text, library) is template
    assert find_question(draft(template).replace("russia", "china"), library) is None


@pytest.mark.parametrize(
    ("query", "is_helped"),
    [
        ("SELECT * { ?a ?b ?c . ?d ?e ?f }", True),
        ("CONSTRUCT { ?a ?b ?c } WHERE { ?a ?b ?c }", True),
        ("SELECT * { { SELECT ?a { ?a ?b ?c } LIMIT 5 } }", True),
        ("SELECT * { ?a ?b ?c } LIMIT 9", False),
        ("SELECT * { ?a ?b ?c } ORDER BY ?a", False),
        ("SELECT (COUNT(*) AS ?n) { ?a ?b ?c }", False),
        ("SELECT ?a { ?a ?b ?c } GROUP BY ?a", False),
        ("ASK { ?a ?b ?c }", False),
        ("SELECT * " + "{" * 99, False),
    ],
)
def test_a_limit_is_offered_where_it_helps(query: str, is_helped: bool) -> None:
    limited = limit_query(query, 100)
    assert limited == (f"{query}\nLIMIT 100" if is_helped else None)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "queries").glob("*.rq"))[::10], ids=lambda p: p.stem
)
def test_the_pieces_of_a_text_are_the_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "".join(piece.text for piece in split(text)) == text
    assert {"keyword", "variable", "name", "comment"} <= {piece.kind for piece in split(text)}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("@prefix a: <http://a/> .", ["keyword", "name", "iri", "sign"]),
        ('a:b a:c "x # y"@en , 5 . # so', ["name", "name", "string", "name", "sign", "number", "sign", "comment"]),
        ("{" * 99, ["plain"]),
        ("", []),
    ],
)  # fmt: skip
def test_pieces_have_their_kind(text: str, kinds: list[str]) -> None:
    pieces = split(text)
    assert [piece.kind for piece in pieces if piece.text.strip()] == kinds
    assert "".join(piece.text for piece in pieces) == text


def test_every_question_of_the_library_can_be_drafted() -> None:
    library = read_library(ROOT / "queries")
    for template in library.templates.values():
        assert find_question(draft(template), library) is template
