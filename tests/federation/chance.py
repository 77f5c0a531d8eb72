"""Which queries with SERVICE come of chance?

Of a query every part is made of the same few variables and terms, and so are dense data, so that
most queries have an answer: what a rule leaves out by mistake is then seen to be missing. What is
not defined by the standard, or not as it is evaluated anywhere, is left out: EXISTS around what
depends on variables from outside in other ways than joins do.

``random`` may be that of a number, to try very many, or Hypothesis's, which makes a case that fails
as small as it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from hypothesis import strategies as st

from .services import ONE, TWO

VARIABLES: Final = ("?a", "?b", "?c", "?d")
SUBJECTS: Final = (":n1", ":n2", ":n3")
NODES: Final = (":n1", ":n1", ":n2", ":n2", ":n3", ":n3", "1", "1", '"x"@en')
CONDITIONS: Final = (
    "BOUND(?a)", "!BOUND(?b)", "?a = ?b", "?b != ?c", "isIRI(?c)", "?b > 0", "!BOUND(?d) || ?d = :n1",
    "COALESCE(?c, ?a) = :n2", "?a IN (:n1, :n2, 1)", "sameTerm(?a, ?d)", "STR(?b) > 'urn:x:n1'",
    "STRLEN(STR(?b)) > 5",
)  # fmt: skip
EXPRESSIONS: Final = (
    "?a", "COALESCE(?c, ?b)", "IF(BOUND(?a), ?b, :n1)", "?b + 1", ":n2", "COALESCE(?d, :n3)",
    "STRLEN(STR(?c))",
)  # fmt: skip


@dataclass
class Case:
    """A query, and what a dataset and two services hold."""

    own: str
    one: str
    two: str
    query: str


class Maker:
    """Makes data and queries."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._named = 0

    def case(self) -> Case:
        """Return a query, and data for it."""
        own = f"{self.data(9)}\n:g {{ {self.data(6)} }}"
        return Case(own, self.data(9), self.data(9), self._query())

    def data(self, most: int = 9) -> str:
        """Return triples in Turtle."""
        return "\n".join(
            f"{self._pick(*SUBJECTS)} {self._pick(':p', ':q')} {self._pick(*NODES)} ."
            for _ in range(self._random.randint(2, most))
        )

    def pattern(self, depth: int = 1) -> str:
        """Return what a service is asked for."""
        parts = [self._triples()]
        if self._is(0.15):
            parts = [f"OPTIONAL {{ {self._triples()} }}"]
        elif self._is(0.1):
            parts = [self._values()]
        elif self._is(0.08):
            parts.insert(0, self._bind())
        while self._is(0.35):
            inner = self.pattern(depth - 1) if depth else self._triples()
            parts.append(
                self._pick(
                    f"OPTIONAL {{ {inner} }}",
                    f"OPTIONAL {{ {inner} }}",
                    f"{{ {inner} }} UNION {{ {self._triples()} }}",
                    f"FILTER({self._pick(*CONDITIONS)})",
                    f"MINUS {{ {inner} }}",
                    f"{{ SELECT ?a ?b WHERE {{ {inner} }} }}",
                    f"FILTER NOT EXISTS {{ {self._triples()} }}",
                    self._values(),
                    self._triples(),
                    self._bind(),
                )
            )
        group = " ".join(parts)
        if self._is(0.9):
            return group
        return self._pick(
            f"SELECT ?a ?b WHERE {{ {group} }} ORDER BY ?a",
            f"SELECT DISTINCT ?b WHERE {{ {group} }}",
            f"SELECT * WHERE {{ {{ SELECT ?a ?c WHERE {{ {group} }} }} }}",
            f"SELECT ?a (COUNT(*) AS ?d) WHERE {{ {group} }} GROUP BY ?a",
            f"SELECT ?a ?b (COUNT(?c) AS ?n) WHERE {{ {group} }} GROUP BY ?b ?a HAVING (COUNT(?c) > 1)",
            f"SELECT (?a AS ?e) ?b WHERE {{ {group} }} VALUES ?b {{ :n1 1 }}",
        )

    def _is(self, chance: float) -> bool:
        # The smallest number is a no, with which Hypothesis comes to an end.
        return self._random.random() >= 1 - chance

    def _pick(self, *choices: str) -> str:
        return choices[self._random.randrange(len(choices))]

    def _triples(self) -> str:
        def node() -> str:
            return self._pick(*VARIABLES) if self._is(0.9) else self._pick(*SUBJECTS)

        return " ".join(
            f"{node()} {self._pick(':p', ':q')} {node()} ."
            for _ in range(2 if self._is(0.3) else 1)
        )

    def _values(self) -> str:
        first = self._random.randrange(4)
        second = (first + self._random.randrange(1, 4)) % 4
        rows = " ".join(
            f"({self._cell()} {self._cell()})" for _ in range(self._random.randint(0, 3))
        )
        return f"VALUES ({VARIABLES[first]} {VARIABLES[second]}) {{ {rows} }}"

    def _cell(self) -> str:
        return "UNDEF" if self._is(0.25) else self._pick(*NODES)

    def _bind(self) -> str:
        self._named += 1
        return f"BIND({self._pick(*EXPRESSIONS)} AS ?e{self._named})"

    def _service(self, inside: str) -> str:
        return f"SERVICE {self._pick(f'<{ONE}>', f'<{TWO}>', '<peninsula:one>')} {{ {inside} }}"

    def _plain(self) -> str:
        """Return a group that is joined and nothing else."""
        parts = [self._service(self._triples())]
        if self._is(0.5):
            parts.insert(self._random.randrange(2), self._triples())
        return " ".join(parts)

    def _group(self, depth: int) -> str:
        size = (1, 2, 2, 2, 3, 3, 4)[self._random.randrange(7)]
        return "\n".join(self._element(depth) for _ in range(size))

    def _element(self, depth: int) -> str:
        roll = self._random.random()
        if roll < 0.55:
            return self._triples() if roll < 0.3 else self._service(self.pattern())
        if roll < 0.66:
            return self._values() if roll < 0.6 else f"FILTER({self._pick(*CONDITIONS)})"
        return self._nested(depth - 1) if depth else self._triples()

    def _nested(self, depth: int) -> str:
        inner = self._group(depth)
        what = self._pick("*", "?a ?b", "DISTINCT ?a", "?b (STR(?a) AS ?z)")
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
            f"{{ SELECT ?a ?c WHERE {{ {inner} }} VALUES ?a {{ :n1 :n2 1 }} }}",
            self._bind(),
            f"{{ {inner} {self._bind()} }}",
        )

    def _query(self) -> str:
        group = self._group(2)
        if "SERVICE" not in group:
            group += f"\n{self._service(self.pattern())}"
        tail = self._pick(
            *[""] * 4,
            "\nVALUES ?a { :n1 :n2 1 }",
            "\nVALUES (?a ?b) { (:n1 UNDEF) (UNDEF :n2) }",
        )
        what = self._pick(
            *["*"] * 3,
            "?a ?b",
            "DISTINCT ?a ?c",
            "?d",
            "(COUNT(*) AS ?n)",
            "?a (COUNT(*) AS ?n)",
        )
        if what.startswith("?a (COUNT"):
            tail = f" GROUP BY ?a{tail}"
        return f"SELECT {what} WHERE {{\n{group}\n}}{tail}"


#: For Hypothesis, which decides what comes.
makers: Final = st.randoms(use_true_random=False).map(Maker)
