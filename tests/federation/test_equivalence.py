"""Is the answer of a query the same as if each of its SERVICE clauses had been fetched whole?

That is what the standard says; what is fetched instead should make no difference, down to the number
of each solution. PENINSULA_EQUIVALENCE_EXAMPLES sets the number of examples.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import event, given

from peninsula.dataset.interface import QueryOptions
from peninsula.errors import QuerySyntaxError
from peninsula.federation.parsing import read_query
from peninsula.federation.writing import Parts, compose, write_table
from tests.equivalence.conftest import EXAMPLES, examples

from .chance import Maker, makers
from .services import ONE, PREFIXES, TWO, Scene

ADDRESSES = {ONE: ONE, TWO: TWO, "peninsula:one": ONE}


def bag(result: Any) -> tuple[list[str], Counter[tuple[tuple[str, str], ...]]]:
    """Return the variables of an answer, and how often each solution is in it."""
    rows = Counter(
        tuple(
            sorted((n, str(t)) for n, t in zip(result.variables, row, strict=True) if t is not None)
        )
        for row in result
    )
    return sorted(result.variables), rows


class Oracle:
    """A dataset that has every clause whole: all its solutions, asked for by themselves."""

    def __init__(self, scene: Scene) -> None:
        self._stores = scene.gateway.stores
        self._dataset = scene.inner

    def evaluate(self, query: str) -> Any:
        parts: Parts = []
        at = 0
        for place in read_query(query).services:
            assert place.element.name
            store = self._stores[ADDRESSES[place.element.name.text[1:-1]]]
            inside = query[place.pattern.start : place.pattern.end]
            solutions = store.query(f"{PREFIXES}SELECT * WHERE {inside}")
            assert isinstance(solutions, ox.QuerySolutions)
            names = [variable.value for variable in solutions.variables]
            table = write_table(names, [tuple(solution) for solution in solutions])
            parts += [query[at : place.element.start], *table]
            at = place.element.end
        skeleton, inlined = compose([*parts, query[at:]])
        return self._dataset.evaluate(skeleton, QueryOptions(inlined=inlined))


def compare(scene: Scene, query: str) -> tuple[str, ...]:
    """Compare two answers; return what kind of case it was."""
    query = PREFIXES + query
    try:
        expected = bag(Oracle(scene).evaluate(query))
    except (QuerySyntaxError, SyntaxError):
        return ("no query",)
    actual = bag(scene.dataset().evaluate(query))
    assert actual == expected, (query, scene.gateway.asked)
    return (
        "has an answer" if expected[1] else "is empty",
        "sends bindings" if any(call.sent for call in scene.calls) else "sends none",
    )


@given(makers)
@examples(100)
def test_nothing_is_missing_and_nothing_too_much(maker: Maker) -> None:
    case = maker.case()
    for kind in compare(Scene(case.own, case.one, case.two, batch=2), case.query):
        event(kind)


@pytest.mark.parametrize("part", range(4))
def test_nothing_is_missing_and_nothing_too_much_for_very_many_queries(part: int) -> None:
    number = max(1200, EXAMPLES * 10) // 4
    for seed in range(part * number, (part + 1) * number):
        case = Maker(Random(seed)).case()
        try:
            compare(Scene(case.own, case.one, case.two, batch=2), case.query)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from None


#: Where a rule of the plan that were a little wider would give another answer: what the dataset
#: and the service hold, and the query.
ADVERSARIES = {
    "a context is of the graph that its clause stands in": (
        ":g { :n1 :p :n2 } :n1 :p :n3 .",
        ":n2 :q 1 . :n3 :q 2 .",
        "SELECT * { GRAPH :g { OPTIONAL { ?a :p ?b . SERVICE <one> { ?b :q ?c } } } }",
    ),
    "a subselect, too": (
        ":g { :n1 :p :n2 } :n1 :p :n3 .",
        ":n2 :q 1 . :n3 :q 2 .",
        "SELECT * { GRAPH :g { { SELECT * { ?a :p ?b . SERVICE <one> { ?b :q ?c } } } } }",
    ),
    "what a clause leaves unbound, OPTIONAL may bind": (
        ":z :o :n2 . :n1 :r :k .",
        ":m :q 1 .",
        "SELECT * { SERVICE <one> { ?y :q 1 OPTIONAL { ?y :w ?x } } OPTIONAL { ?z :o ?x } ?x :r ?k }",
    ),
    "nothing from outside of an OPTIONAL in an OPTIONAL": (
        ":a :r :n1 . :b :p :k .",
        ":k :q :n9 .",
        "SELECT * { ?a :r ?x OPTIONAL { ?b :p ?k OPTIONAL { SERVICE <one> { ?k :q ?x } } } }",
    ),
    "nothing from outside of a group with MINUS": (
        ":n1 :r 1 . :a :p :b .",
        ":b :q :n9 .",
        "SELECT * { ?x :r 1 . { ?a :p ?b MINUS { SERVICE <one> { ?b :q ?x } } } }",
    ),
    "nothing from outside of a group with EXISTS": (
        ":n1 :r 1 . :a :p :b .",
        ":b :q :n9 .",
        "SELECT * { ?x :r 1 . { ?a :p ?b FILTER NOT EXISTS { SERVICE <one> { ?b :q ?x } } } }",
    ),
    "what comes after an OPTIONAL does not restrict it": (
        ":a :p :b . :c :r :d .",
        ":b :q :e .",
        "SELECT * { ?a :p ?b OPTIONAL { SERVICE <one> { ?b :q ?d } } ?c :r ?d }",
    ),
    "a FILTER may ask what OPTIONAL leaves unbound": (
        ":a :p :b . :b :o :n2 .",
        ":n2 :q 1 .",
        "SELECT * { ?a :p ?b FILTER(!BOUND(?d)) OPTIONAL { ?b :o ?d . SERVICE <one> { ?d :q ?e } } }",
    ),
    "in EXISTS variables have values from outside": (
        ":n1 :r 1 . :y :p :w . :w :o :n2 .",
        ":n1 :q 1 . :n2 :q 2 .",
        "SELECT * { ?x :r 1 FILTER EXISTS { ?y :p ?w OPTIONAL { ?w :o ?x } SERVICE <one> { ?x :q ?z } } }",
    ),
    "duplicates count where there is a COUNT": (
        "",
        ":a :q 1 , 2 . :b :q 1 .",
        "SELECT DISTINCT ?n { { SELECT (COUNT(*) AS ?n) { SERVICE <one> { ?x :q ?y } } } }",
    ),
    "duplicates count where there is a LIMIT": (
        "",
        ":a :q 1 , 2 , 3 .",
        "SELECT DISTINCT (COUNT(?x) AS ?n) { { SELECT ?x { SERVICE <one> { ?x :q ?y } } LIMIT 2 } }",
    ),
    "the values at the end of what is counted are not counted": (
        "",
        ":a :q 1 , 2 . :b :q 1 .",
        "SELECT (COUNT(*) AS ?n) { SERVICE <one> { ?x :q ?y } } VALUES ?x { :a }",
    ),
    "what depends on what is missing is left out": (
        ":a :p :b . :b :o :c .",
        ":b :q :k . :k :s :c , :d .",
        "SELECT * { SERVICE <one> { ?b :q ?k } OPTIONAL { ?b :o ?c . ?a :p ?k } SERVICE <one> { ?k :s ?c } }",
    ),
    "UNDEF is no value": (
        ":a :p :b .",
        ":b :q :c . :d :q :e .",
        "SELECT * { VALUES (?a ?b) { (:a UNDEF) (UNDEF :d) } SERVICE <one> { ?b :q ?c } }",
    ),
    "each solution keeps its number": (
        ":a :p :b . :c :p :b .",
        ":b :q 1 , 2 .",
        "SELECT ?b { ?a :p ?b . SERVICE <one> { ?b :q ?c } VALUES (?b ?z) { (:b 1) (:b 1) (:b UNDEF) } }",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ADVERSARIES)
def test_no_rule_is_too_wide(name: str) -> None:
    own, one, query = ADVERSARIES[name]
    assert compare(Scene(own, one, batch=2), query.replace("<one>", f"<{ONE}>")) != ("no query",)
