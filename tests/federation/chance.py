"""Which queries with SERVICE come of a number, fast enough to try very many?

The same kinds of query as of :mod:`tests.federation.questions`, over denser data, so that most of
them have an answer: what a rule leaves out by mistake is then seen to be missing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from .services import ONE, TWO

VARIABLES: Final = ("?a", "?b", "?c", "?d")
NODES: Final = (":n1", ":n2", ":n3", "1")
CONDITIONS: Final = (
    "BOUND(?a)", "!BOUND(?b)", "?a = ?b", "?b != ?c", "isIRI(?c)", "!BOUND(?d) || ?d = :n1",
    "COALESCE(?c, ?a) = :n2", "?a IN (:n1, :n2, 1)", "sameTerm(?a, ?d)", "STR(?b) > 'urn:x:n1'",
)  # fmt: skip
EXPRESSIONS: Final = (
    "?a", "COALESCE(?c, ?b)", "IF(BOUND(?a), ?b, :n1)", "?b + 1", ":n2", "COALESCE(?d, :n3)",
)  # fmt: skip


@dataclass
class Case:
    """A query, and what a dataset and two services hold."""

    own: str
    one: str
    two: str
    query: str


class Maker:
    """Makes a case of a number."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def case(self) -> Case:
        own = f"{self._data(9)}\n:g {{ {self._data(6)} }}"
        return Case(own, self._data(9), self._data(9), self._query())

    def _is(self, chance: float) -> bool:
        return self._random.random() < chance

    def _pick(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _data(self, most: int) -> str:
        return "\n".join(
            f"{self._pick(*NODES[:3])} {self._pick(':p', ':q')} {self._pick(*NODES)} ."
            for _ in range(self._random.randint(2, most))
        )

    def _triples(self) -> str:
        def node() -> str:
            return self._pick(*VARIABLES) if self._is(0.9) else self._pick(*NODES[:3])

        return " ".join(
            f"{node()} {self._pick(':p', ':q')} {node()} ."
            for _ in range(1 + (self._random.random() < 0.3))
        )

    def _values(self) -> str:
        first, second = self._random.sample(VARIABLES, 2)
        rows = " ".join(
            f"({self._cell()} {self._cell()})" for _ in range(self._random.randint(1, 3))
        )
        return f"VALUES ({first} {second}) {{ {rows} }}"

    def _cell(self) -> str:
        return "UNDEF" if self._is(0.25) else self._pick(*NODES)

    def _service(self, inside: str) -> str:
        name = self._pick(f"<{ONE}>", f"<{TWO}>", "<peninsula:one>")
        return f"SERVICE {name} {{ {inside} }}"

    def _pattern(self, depth: int = 1) -> str:
        """What a service is asked for."""
        parts = [self._triples()]
        if self._is(0.12):
            parts = [f"OPTIONAL {{ {self._triples()} }}"]
        elif self._is(0.1):
            parts = [self._values()]
        while self._is(0.35):
            inner = self._pattern(depth - 1) if depth else self._triples()
            choice = self._random.randrange(9)
            parts.append(
                [
                    f"OPTIONAL {{ {inner} }}",
                    f"OPTIONAL {{ {inner} }}",
                    f"{{ {inner} }} UNION {{ {self._triples()} }}",
                    f"FILTER({self._pick(*CONDITIONS)})",
                    f"MINUS {{ {inner} }}",
                    f"{{ SELECT ?a ?b WHERE {{ {inner} }} }}",
                    f"FILTER NOT EXISTS {{ {self._triples()} }}",
                    self._values(),
                    self._triples(),
                ][choice]
            )
        return " ".join(parts)

    def _plain(self) -> str:
        """A group that is joined and nothing else."""
        parts = [self._service(self._triples())]
        if self._is(0.5):
            parts.insert(self._random.randrange(2), self._triples())
        return " ".join(parts)

    def _group(self, depth: int) -> str:
        size = self._random.choice((1, 2, 2, 2, 3, 3, 4))
        return "\n".join(self._element(depth) for _ in range(size))

    def _element(self, depth: int) -> str:
        roll = self._random.random()
        if roll < 0.55:
            return self._triples() if roll < 0.3 else self._service(self._pattern())
        if roll < 0.66:
            return self._values() if roll < 0.6 else f"FILTER({self._pick(*CONDITIONS)})"
        return self._nested(depth - 1) if depth else self._triples()

    def _nested(self, depth: int) -> str:
        inner = self._group(depth)
        what = self._pick("*", "?a ?b", "DISTINCT ?a", "?b (STR(?a) AS ?z)")
        expression = self._pick(*EXPRESSIONS)
        return self._pick(
            *[f"OPTIONAL {{ {inner} }}"] * 4,
            f"{{ {inner} }} UNION {{ {self._group(depth)} }}",
            f"{{ {inner} }}",
            f"GRAPH :g {{ {inner} }}",
            f"MINUS {{ {inner} }}",
            f"FILTER EXISTS {{ {self._plain()} }}",
            f"FILTER NOT EXISTS {{ {self._plain()} }}",
            f"{{ SELECT {what} WHERE {{ {inner} }} }}",
            f"{{ SELECT ?a (COUNT(*) AS ?n) WHERE {{ {inner} }} GROUP BY ?a }}",
            f"{{ SELECT ?a ?c WHERE {{ {inner} }} VALUES ?a {{ :n1 :n2 }} }}",
            f"BIND({expression} AS ?e{self._random.randrange(10**6)})",
            f"{{ {inner} BIND({expression} AS ?y) }}",
        )

    def _query(self) -> str:
        group = self._group(2)
        while "SERVICE" not in group:
            group = self._group(2)
        tail = self._pick(
            "",
            "",
            "",
            "",
            "\nVALUES ?a { :n1 :n2 }",
            "\nVALUES (?a ?b) { (:n1 UNDEF) (UNDEF :n2) }",
        )
        what = self._pick(
            "*",
            "*",
            "*",
            "?a ?b",
            "DISTINCT ?a ?c",
            "?d",
            "(COUNT(*) AS ?n)",
            "?a (COUNT(*) AS ?n)",
        )
        if what.startswith("?a (COUNT"):
            tail = f" GROUP BY ?a{tail}"
        return f"SELECT {what} WHERE {{\n{group}\n}}{tail}"
