"""Which queries are tried?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from .data import graphs, ground_objects, iris

NAMES: Final = ("s", "p", "o", "x", "g")
variables = st.sampled_from([f"?{name}" for name in NAMES])


@dataclass(frozen=True)
class Question:
    """A query, and what is to be expected of its answer."""

    text: str
    #: SELECT, ASK, CONSTRUCT or DESCRIBE.
    form: str
    #: The variables by whose strings the solutions are sorted.
    order: tuple[str, ...] = ()
    #: Whether only the order is certain, because some of the solutions are left out.
    is_cut: bool = False
    #: ``default-graph-uri`` and ``named-graph-uri`` of the protocol.
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return [
            *(("default-graph-uri", graph) for graph in self.default_graphs),
            *(("named-graph-uri", graph) for graph in self.named_graphs),
        ]


paths = st.sampled_from(
    ["<urn:p>", "<urn:q>", "?p", "^<urn:p>", "<urn:p>/<urn:q>", "<urn:p>|<urn:q>", "<urn:p>*",
     "<urn:p>+", "<urn:q>?", "!<urn:p>", "!(<urn:p>|^<urn:q>)", "(<urn:p>/^<urn:q>)*"]
)  # fmt: skip

conditions = st.sampled_from(
    ["BOUND(?x)", "?o > 0", "?o = 1", "?o != ?x", "isIRI(?o)", "isBlank(?s)", "isLiteral(?o)",
     'LANG(?o) = "en"', 'LANGMATCHES(LANG(?o), "*")', 'REGEX(STR(?o), "^[0-9]+$")',
     "DATATYPE(?o) = <http://www.w3.org/2001/XMLSchema#integer>", "?o IN (1, <urn:a>, ?x)",
     "EXISTS { ?s <urn:q> ?o }", "NOT EXISTS { GRAPH ?g { ?o ?p ?s } }", "!(?o < 1)",
     "?o = 1 || BOUND(?g)", "?o > 0 && ?x > 0", "sameTerm(?o, ?x)",
     'CONTAINS(STR(?s), "b")', "COALESCE(?x, ?o) = ?o", "IF(BOUND(?x), ?x = ?o, true)"]
)  # fmt: skip

expressions = st.sampled_from(
    ["?o + 1", "STR(?s)", "STRLEN(STR(?o))", "UCASE(STR(?o))", "xsd:integer(?o)", "?o",
     'CONCAT(STR(?s), "-", STR(?o))', "STRDT(STR(?o), <urn:type>)", 'STRLANG(STR(?o), "ru")',
     "IRI(STR(?s))", "1 / 0", "YEAR(?o)", 'REPLACE(STR(?o), "1", "one")', "MD5(STR(?o))",
     "TRIPLE(?s, <urn:p>, ?o)", "ABS(?o)", "?o * 2.5", "SUBSTR(STR(?o), 2)"]
)  # fmt: skip


@st.composite
def patterns(draw: st.DrawFn, depth: int = 2) -> str:
    """What stands in the braces of a WHERE."""
    parts = [draw(_broad), *(draw(_elements(depth)) for _ in range(draw(st.integers(0, 2))))]
    return "\n".join(parts)


#: Each group begins with what finds something, so that there is something to compare.
_broad = st.sampled_from(
    ["?s ?p ?o .", "?s ?p ?o .", "?s <urn:p> ?o .", "?s ?p ?x .", "GRAPH ?g { ?s ?p ?o }",
     "GRAPH ?g { ?s ?p ?x }", "{ ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } }"]
)  # fmt: skip


def _triples() -> st.SearchStrategy[str]:
    return st.builds(
        "{} {} {} .".format,
        st.one_of(variables, variables, iris),
        paths,
        st.one_of(variables, variables, variables, ground_objects),
    )


def _elements(depth: int) -> st.SearchStrategy[str]:
    triples = _triples()
    if not depth:
        return triples
    inner = patterns(depth - 1)
    graph = st.just("?g") | graphs.map("<{}>".format)
    return st.one_of(
        triples,
        triples,
        st.builds("GRAPH {} {{ {} }}".format, graph, inner),
        st.builds("OPTIONAL {{ {} }}".format, inner),
        st.builds("{{ {} }} UNION {{ {} }}".format, inner, inner),
        st.builds("MINUS {{ {} }}".format, inner),
        conditions.map("FILTER({})".format),
        st.builds("{{ SELECT DISTINCT ?s ?o WHERE {{ {} }} }}".format, inner),
        st.builds("{{ SELECT ?s (COUNT(*) AS ?x) WHERE {{ {} }} GROUP BY ?s }}".format, inner),
        st.builds("VALUES (?s ?x) {{ ({} {}) (UNDEF 1) }}".format, iris, ground_objects),
        st.builds("{{ {} BIND({} AS ?made) }}".format, inner, expressions),
    )


def _datasets() -> st.SearchStrategy[str]:
    return st.just("") | st.lists(
        st.builds("FROM {}<{}>\n".format, st.sampled_from(("", "NAMED ")), graphs), max_size=3
    ).map("".join)


def _graph_lists() -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.lists(graphs, max_size=2, unique=True).map(tuple)


@st.composite
def _selects(draw: st.DrawFn) -> tuple[str, tuple[str, ...], bool]:
    where = f"WHERE {{\n{draw(patterns())}\n}}"
    dataset = draw(_datasets())
    if draw(st.integers(0, 3)) == 0:
        aggregate = draw(
            st.sampled_from(
                ["COUNT(*)", "COUNT(DISTINCT ?o)", "MIN(STR(?o))", "MAX(?o)", "SUM(?o)", "AVG(?o)"]
            )
        )
        having = draw(st.sampled_from(["", " HAVING(COUNT(*) > 1)"]))
        text = f"SELECT ?s ({aggregate} AS ?value)\n{dataset}{where} GROUP BY ?s{having}"
        return text, (), False
    what = draw(
        st.sampled_from(["*", "?s ?o", "DISTINCT ?s ?p ?o", "?o (STR(?s) AS ?name)", "DISTINCT *"])
    )
    text = f"SELECT {what}\n{dataset}{where}"
    order: tuple[str, ...] = ()
    is_cut = False
    if what != "?o (STR(?s) AS ?name)" and draw(st.booleans()):
        order = tuple(draw(st.lists(st.sampled_from(("s", "o")), min_size=1, unique=True)))
        text += "\nORDER BY " + " ".join(f"STR(?{name})" for name in order)
        if draw(st.booleans()):
            is_cut = True
            text += f" LIMIT {draw(st.integers(0, 5))} OFFSET {draw(st.integers(0, 3))}"
    if "*" in what:
        # Of SELECT *, the variables are those of the pattern, whatever they are.
        order = order if all(f"?{name}" in where for name in order) else ()
        is_cut = is_cut and bool(order)
    return text, order, is_cut


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Queries of every form."""
    form = draw(st.sampled_from(["SELECT", "SELECT", "SELECT", "ASK", "CONSTRUCT", "DESCRIBE"]))
    order: tuple[str, ...] = ()
    is_cut = False
    if form == "SELECT":
        text, order, is_cut = draw(_selects())
    else:
        where = f"{draw(_datasets())}WHERE {{\n{draw(patterns())}\n}}"
        head = {
            "ASK": "ASK",
            "CONSTRUCT": "CONSTRUCT { ?s <urn:made> ?o . ?x ?p _:new }",
            "DESCRIBE": "DESCRIBE ?s",
        }[form]
        text = f"{head}\n{where}"
    if "LIMIT" in text and not order:
        text = text.partition(" LIMIT ")[0]
        is_cut = False
    return Question(text, form, order, is_cut, draw(_graph_lists()), draw(_graph_lists()))
