"""A table shows labels, says nothing twice, and knows whether it was cut."""

from __future__ import annotations

import pytest

from peninsula.dataset.local import LocalDataset
from peninsula.labels import find_labels, name_of
from peninsula.library import Library
from peninsula.namespaces import expand
from peninsula.suggestions import suggest
from peninsula.tables import Table, make_table

LABELLED = """SELECT ?state ?stateLabel ?n { ?state a pen:State ; rdfs:label ?stateLabel
    FILTER(LANG(?stateLabel) = "en") BIND(1 AS ?n) } ORDER BY ?state"""


def table(
    dataset: LocalDataset, query: str, limit: int | None = None, language: str = "en"
) -> Table:
    return make_table(dataset.evaluate(query), dataset, limit=limit, language=language)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_a_label_column_beside_its_thing_is_left_out(dataset: LocalDataset) -> None:
    shown = table(dataset, LABELLED)
    assert shown.columns == ("state", "n")
    assert texts(shown) == [
        ["North Korea", "1"],
        ["Russia", "1"],
        ["United <b>States</b> & Co", "1"],
    ]
    assert shown.rows[1][0].iri == expand("state:russia")
    assert shown.rows[1][1].is_number


def test_a_text_that_is_the_label_leaves_the_name_to_the_thing(dataset: LocalDataset) -> None:
    query = LABELLED.replace("?stateLabel", "?says")
    assert texts(table(dataset, query))[1] == ["state:russia", "Russia", "1"]


def test_headings_are_words(dataset: LocalDataset) -> None:
    query = "SELECT (1 AS ?isAdopted) (2 AS ?stanceLabel) (3 AS ?Label) {}"
    assert table(dataset, query).headings == ["is adopted", "stance", "label"]


@pytest.mark.parametrize(
    ("limit", "rows", "is_cut"), [(None, 3, False), (3, 3, False), (2, 2, True)]
)
def test_a_table_knows_whether_it_was_cut(
    dataset: LocalDataset, limit: int | None, rows: int, *, is_cut: bool
) -> None:
    shown = table(dataset, "SELECT * { ?s a pen:State }", limit)
    assert (len(shown.rows), shown.is_cut) == (rows, is_cut)


def test_truth_and_triples_are_tables_too(dataset: LocalDataset) -> None:
    assert texts(table(dataset, "ASK {}")) == [["yes"]]
    shown = table(dataset, "CONSTRUCT { ?s a ?c } WHERE { ?s a ?c . VALUES ?s { place:hanoi } }")
    assert shown.columns == ("subject", "predicate", "object")
    assert texts(shown) == [["Hanoi", "is a", "place"]]


def test_every_kind_of_term_has_a_text(dataset: LocalDataset) -> None:
    query = 'SELECT ("한국"@ko AS ?a) (BNODE() AS ?b) ?c (<http://example.org/> AS ?d) (<<(<a:a> <a:b> 1)>> AS ?e) {}'
    row = table(dataset, query).rows[0]
    assert (row[0].text, row[0].language) == ("한국", "ko")
    assert row[1].text.startswith("_:")
    assert row[2].text == ""
    assert row[3].text == "http://example.org/"
    assert "<a:a> <a:b>" in row[4].text


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "Russia"), ("ko", "러시아"), ("ru", "Russia"), ("xx", "Russia")],
)
def test_labels_fall_back(dataset: LocalDataset, language: str, expected: str) -> None:
    terms = [term for row in dataset.evaluate("SELECT ?s { ?s a pen:State }") for term in row]  # type: ignore[union-attr]
    labels = find_labels(dataset, terms, language)
    assert labels[expand("state:russia")] == expected
    assert name_of(expand("state:nowhere"), labels) == "state:nowhere"


def test_a_question_knows_its_choices(library: Library, dataset: LocalDataset) -> None:
    choices = suggest(library.find("summits-of"), dataset, "en")
    assert choices["state"] == [
        ("state:north-korea", "North Korea"),
        ("state:russia", "Russia"),
        ("state:united-states", "United <b>States</b> & Co"),
    ]
    assert "after" not in choices
