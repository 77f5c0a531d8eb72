"""Which queries with SERVICE are tried?

Of a query every part is made of the same few variables and terms, so that parts have something to
do with each other. What is not defined by the standard, or not as it is evaluated anywhere, is left
out: EXISTS around what depends on variables from outside in other ways than joins do.
"""

from __future__ import annotations

from hypothesis import strategies as st

from .services import ONE, TWO

variables = st.sampled_from(["?a", "?b", "?c", "?d"])
nodes = st.sampled_from([":n1", ":n1", ":n2", ":n2", ":n3", "1", '"x"@en'])
subjects = st.sampled_from([":n1", ":n2", ":n3"])
predicates = st.sampled_from([":p", ":p", ":q"])
services = st.sampled_from([f"SERVICE <{ONE}>", f"SERVICE <{TWO}>", "SERVICE <peninsula:one>"])

triples_of_data = st.builds("{} {} {} .".format, subjects, predicates, nodes)


@st.composite
def graphs(draw: st.DrawFn) -> str:
    """Triples in Turtle."""
    return "\n".join(draw(st.lists(triples_of_data, min_size=3, max_size=14)))


conditions = st.sampled_from(
    ["BOUND(?a)", "?a = ?b", "?b != ?c", "isIRI(?c)", "?b > 0", "!BOUND(?d) || ?d = :n1",
     "COALESCE(?c, ?a) = :n2", "?a IN (:n1, :n2, 1)", "STRLEN(STR(?b)) > 5", "sameTerm(?a, ?d)"]
)  # fmt: skip
expressions = st.sampled_from(
    [
        "?a",
        "STR(?b)",
        "COALESCE(?c, 0)",
        "IF(BOUND(?a), ?a, :n1)",
        "?b + 1",
        ":n2",
        "STRLEN(STR(?c))",
    ]
)


@st.composite
def triples(draw: st.DrawFn) -> str:
    def one() -> str:
        subject = draw(st.one_of(*[variables] * 5, subjects))
        return f"{subject} {draw(predicates)} {draw(st.one_of(*[variables] * 4, nodes))} ."

    return " ".join(one() for _ in range(draw(st.integers(1, 2))))


@st.composite
def values(draw: st.DrawFn) -> str:
    cells = st.one_of(nodes, nodes, st.just("UNDEF"))
    rows = " ".join(f"({draw(cells)} {draw(cells)})" for _ in range(draw(st.integers(0, 3))))
    first, second = draw(st.sampled_from([("?a", "?b"), ("?b", "?c"), ("?d", "?a"), ("?c", "?d")]))
    return f"VALUES ({first} {second}) {{ {rows} }}"


@st.composite
def patterns(draw: st.DrawFn, depth: int = 1) -> str:
    """What a service is asked for."""
    parts = [draw(st.one_of(triples(), triples(), values()))]
    for _ in range(draw(st.integers(0, 2))):
        inner = patterns(depth - 1) if depth else triples()
        parts.append(
            draw(
                st.one_of(
                    triples(),
                    values(),
                    st.builds("OPTIONAL {{ {} }}".format, inner),
                    st.builds("MINUS {{ {} }}".format, inner),
                    st.builds("{{ {} }} UNION {{ {} }}".format, inner, inner),
                    conditions.map("FILTER({})".format),
                    st.builds("{{ SELECT ?a ?b WHERE {{ {} }} }}".format, inner),
                    st.builds("FILTER NOT EXISTS {{ {} }}".format, triples()),
                )
            )
        )
    if draw(st.integers(0, 9)) == 0:
        return f"OPTIONAL {{ {parts[0]} }} {' '.join(parts[1:])}"
    return " ".join(parts)


def calls(depth: int = 1) -> st.SearchStrategy[str]:
    """SERVICE clauses."""
    return st.builds("{} {{ {} }}".format, services, patterns(depth))


def plain_calls() -> st.SearchStrategy[str]:
    return st.builds("{} {{ {} }}".format, services, triples())


@st.composite
def groups(draw: st.DrawFn, depth: int = 2) -> str:
    """What stands in the braces of a group."""
    parts = [draw(_elements(depth)) for _ in range(draw(st.integers(1, 4)))]
    if depth == 2 and "SERVICE" not in "".join(parts):
        parts.insert(draw(st.integers(0, len(parts))), draw(calls()))
    return "\n".join(parts)


@st.composite
def plain_groups(draw: st.DrawFn) -> str:
    """Groups that are joined and nothing else."""
    parts = [draw(st.one_of(triples(), plain_calls())) for _ in range(draw(st.integers(1, 3)))]
    return " ".join(parts)


def _elements(depth: int) -> st.SearchStrategy[str]:
    if not depth:
        return st.one_of(triples(), triples(), calls(0), values())
    inner = groups(depth - 1)
    fresh = st.sampled_from(["?e", "?f", "?g"])
    return st.one_of(
        triples(),
        triples(),
        values(),
        calls(),
        calls(),
        st.builds("OPTIONAL {{ {} }}".format, inner),
        st.builds("MINUS {{ {} }}".format, inner),
        st.builds("{{ {} }} UNION {{ {} }}".format, inner, inner),
        st.builds("{{ {} }}".format, inner),
        st.builds("GRAPH :g {{ {} }}".format, inner),
        conditions.map("FILTER({})".format),
        st.builds("FILTER EXISTS {{ {} }}".format, plain_groups()),
        st.builds("FILTER NOT EXISTS {{ {} }}".format, plain_groups()),
        st.builds("{{ SELECT {} WHERE {{ {} }} }}".format,
                  st.sampled_from(["*", "?a ?b", "DISTINCT ?a", "?b (STR(?a) AS ?c)"]), inner),
        st.builds("{{ SELECT ?a (COUNT(*) AS ?d) WHERE {{ {} }} GROUP BY ?a }}".format, inner),
        st.builds("{{ {} BIND({} AS {}) }}".format, inner, expressions, fresh),
        st.builds("{{ SELECT ?a ?c WHERE {{ {} }} VALUES ?a {{ :n1 :n2 1 }} }}".format, inner),
    )  # fmt: skip


@st.composite
def questions(draw: st.DrawFn) -> str:
    """Queries that ask services."""
    group = draw(groups())
    if draw(st.integers(0, 3)) == 0:
        group += f"\nBIND({draw(expressions)} AS ?z)"
        group += draw(st.one_of(st.just(""), calls().map("\n{}".format)))
    tail = draw(
        st.sampled_from(
            ["", "", "", " VALUES ?a { :n1 :n2 1 }", " VALUES (?a ?b) { (:n1 UNDEF) (UNDEF 1) }"]
        )
    )
    what = draw(
        st.sampled_from(
            [
                "*",
                "*",
                "*",
                "?a ?b",
                "DISTINCT ?a ?c",
                "?d",
                "(COUNT(*) AS ?n)",
                "?a (COUNT(*) AS ?n)",
            ]
        )
    )
    if what.startswith("?a (COUNT"):
        tail = f" GROUP BY ?a{tail}"
    return f"SELECT {what} WHERE {{\n{group}\n}}{tail}"
