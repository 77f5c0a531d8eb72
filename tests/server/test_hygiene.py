"""Does a rule file that is not in order say so, with the file and what would mend it?"""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.errors import InvalidSource
from peninsula.hygiene import Finding, load_rules, read_rule, run_rules

HEADER = """\
#+ title: Thing without a label
#+ problem: It shows as an IRI.
#+ solution: Add a label.
#+ severity: warning
"""
QUERY = 'SELECT ?term ?message WHERE { ?term a ?class BIND("is typed" AS ?message) } ORDER BY ?term'


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    path = tmp_path / "typed-thing.rq"
    path.write_text(HEADER + QUERY, encoding="utf-8")
    return path


def test_rule_is_read(rule_file: Path) -> None:
    (rule,) = load_rules(rule_file.parent)
    assert (rule.slug, rule.title, rule.severity) == (
        "typed-thing",
        "Thing without a label",
        "warning",
    )
    assert (rule.problem, rule.solution) == ("It shows as an IRI.", "Add a label.")


def test_findings_come_once_and_sorted_from_all_graphs(rule_file: Path) -> None:
    store = ox.Store()
    text = """
    GRAPH <urn:g> { <urn:b> a <urn:C> , <urn:D> . <urn:a> a <urn:C> }
    GRAPH <urn:h> { <urn:a> a <urn:C> }
    """
    store.load(text, format=ox.RdfFormat.TRIG)
    assert run_rules(store, [read_rule(rule_file)]) == [
        Finding("typed-thing", "warning", "urn:a", "is typed"),
        Finding("typed-thing", "warning", "urn:b", "is typed"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER.replace("#+ solution: Add a label.\n", "") + QUERY, "lacks solution"),
        (HEADER.replace("warning", "fatal") + QUERY, "error or warning, not 'fatal'"),
        (
            HEADER.replace("#+ title", "#+ titel") + QUERY,
            r"typed-thing.rq:1: .*no line of a header.*title, problem",
        ),
        (HEADER + "#+ title: Again\n" + QUERY, r"typed-thing.rq:5: .*each of .* once"),
        (HEADER + "SELECT ?term WHERE { ?term a }", "not SPARQL"),
        (HEADER + "SELECT ?term WHERE { ?term a ?class }", r"SELECT of \?term and \?message"),
        (HEADER + "ASK { ?term a ?class }", r"SELECT of \?term and \?message"),
    ],
)
def test_broken_rule_is_explained(rule_file: Path, text: str, message: str) -> None:
    rule_file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSource, match=message):
        read_rule(rule_file)


def test_folder_without_rules_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidSource, match="no hygiene rule"):
        load_rules(tmp_path)
