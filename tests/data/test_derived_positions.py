"""The shipped positions are what the shipped claims give, and none is missing."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula.namespaces import PREFIXES, expand
from peninsula.positions import derive_file

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data/positions/positions.ttl"

COMBINATIONS = """
SELECT DISTINCT ?holder ?about ?stance WHERE {{
  ?claim a pen:Claim ; pen:hasHolder ?holder ; pen:hasStance ?stance ; {property} ?about .
  FILTER(?stance != stance:not-expressed) {only}
}}
"""
TOPICS = COMBINATIONS.format(property="pen:hasTopic", only="")
OBJECTS = COMBINATIONS.format(
    property="pen:hasObject",
    only="FILTER EXISTS { VALUES ?kind { claim-kind:position claim-kind:proposal }"
    " ?claim pen:hasKind ?kind }",
)


@pytest.fixture(scope="module")
def store() -> ox.Store:
    store = ox.Store()
    for path in [*ROOT.glob("data/commentary/*.ttl"), FILE]:
        store.load(path=str(path), format=ox.RdfFormat.TURTLE)
    return store


def ask(store: ox.Store, query: str) -> set[tuple[str, ...]]:
    solutions = store.query(query, prefixes=PREFIXES)
    assert isinstance(solutions, ox.QuerySolutions)
    return {tuple(term.value for term in row) for row in solutions}


def test_shipped_file_is_what_the_claims_give() -> None:
    assert FILE.read_text(encoding="utf-8") == derive_file(ROOT), "run `make data`"


@pytest.mark.parametrize(("query", "property_"), [(TOPICS, "hasTopic"), (OBJECTS, "onObject")])
def test_every_holder_topic_or_object_and_stance_has_a_position(
    store: ox.Store, query: str, property_: str
) -> None:
    carried = ask(store, query)
    held = ask(
        store,
        f"SELECT ?holder ?about ?stance WHERE {{ ?p a pen:PolicyPosition ; pen:hasHolder ?holder ;"
        f" pen:{property_} ?about ; pen:hasStance ?stance }}",
    )
    assert carried, "the claims carry no stance at all"
    assert carried <= held, carried - held


def succession(store: ox.Store, holder: str, thing: str) -> set[tuple[str, ...]]:
    return ask(
        store,
        f"""SELECT ?old ?new WHERE {{
              ?later pen:succeeds ?earlier ; pen:hasHolder {holder} ; pen:onObject {thing} .
              ?later pen:hasStance ?new .
              ?earlier pen:hasStance ?old }}""",
    )


def test_russia_turned_from_support_to_refusal_of_un_sanctions(store: ox.Store) -> None:
    opposes, supports = expand("stance:opposes"), expand("stance:supports")
    assert (supports, opposes) in succession(store, "state:russia", "measure:un-sanctions")


def test_pyongyang_dropped_the_russian_card_and_took_it_up_again(store: ox.Store) -> None:
    opposes, supports = expand("stance:opposes"), expand("stance:supports")
    found = succession(store, "state:north-korea", "notion:russian-card")
    assert found == {(supports, opposes), (opposes, supports)}


def test_nobody_succeeds_across_holders(store: ox.Store) -> None:
    assert not ask(
        store,
        "SELECT ?a ?b WHERE { ?a pen:succeeds ?b ; pen:hasHolder ?x . ?b pen:hasHolder ?y"
        " FILTER(?x != ?y) }",
    )
