"""Does every rule of hygiene hold for what ships, and does every rule catch what it is for?

``bad/<rule>.ttl`` (loaded into graph:ontology) or ``bad/<rule>.trig`` breaks the rule it is
named after; its first line names the offenders, and the rest of the file is in order.
"""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.hygiene import Rule, load_rules, run_rules
from peninsula.namespaces import shorten
from peninsula.turtle import format_turtle

from .conftest import HERE, ROOT, expected, read

RULES = load_rules(ROOT / "ontology" / "hygiene")
BAD = sorted((HERE / "bad").iterdir())


def test_there_are_rules() -> None:
    assert len(RULES) >= 50


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.slug)
def test_rule_holds_for_what_ships(rule: Rule, knowledge: ox.Store) -> None:
    found = run_rules(knowledge, [rule])
    assert not found, "\n".join([rule.solution, *(f"{shorten(f.term)} {f.message}" for f in found)])


def test_every_rule_has_a_bad_example() -> None:
    assert [path.stem for path in BAD] == [rule.slug for rule in RULES]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_rule_catches_its_bad_example(path: Path) -> None:
    rule = next(rule for rule in RULES if rule.slug == path.stem)
    store = ox.Store()
    store.bulk_extend(read(path, "ontology"))
    found = run_rules(store, [rule])
    assert sorted({shorten(finding.term) for finding in found}) == expected(path)
    assert all(finding.message for finding in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.slug)
def test_rule_says_what_it_finds_and_what_mends_it(rule: Rule) -> None:
    assert not rule.title.endswith(".")
    assert rule.problem.endswith(".")
    assert rule.solution.endswith(".")


@pytest.mark.parametrize("path", [p for p in BAD if p.suffix == ".ttl"], ids=lambda path: path.stem)
def test_bad_example_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_turtle(text) == text


def test_adding_a_misspelt_property_is_caught(knowledge_quads: list[ox.Quad]) -> None:
    """The whole set at once, on what ships plus one mistake: that mistake and no other."""
    base = "https://w3id.org/peninsula/"
    store = ox.Store()
    store.bulk_extend(knowledge_quads)
    store.add(
        ox.Quad(
            ox.NamedNode(f"{base}id/state/russia"),
            ox.NamedNode(f"{base}ns#hasCapitol"),
            ox.NamedNode(f"{base}id/place/moscow"),
            ox.NamedNode(f"{base}graph/record"),
        )
    )
    found = run_rules(store, RULES)
    assert [(f.rule, f.severity, shorten(f.term)) for f in found] == [
        ("undefined-property-in-data", "error", "pen:hasCapitol")
    ]
