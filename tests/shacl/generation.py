"""Random data and random shapes, small enough for pySHACL, odd enough to find us out."""

from __future__ import annotations

from hypothesis import strategies as st
from rdflib import OWL, RDF, RDFS, XSD, BNode, Literal, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

from peninsula.shacl.model import SH
from peninsula.shacl.view import DataGraph

EX = Namespace("http://example.org/")
NODES = [EX[name] for name in "abcdef"]
CLASSES = [EX[name] for name in ("A", "B", "C")]
PREDICATES = [EX[name] for name in "pqr"]
LEXICAL = [
    ("1", XSD.integer), ("01", XSD.integer), ("2", XSD.integer), ("abc", XSD.integer),
    ("1.0", XSD.decimal), ("1.5", XSD.decimal), ("1e0", XSD.double), ("NaN", XSD.double),
    ("0.1", XSD.double), ("0.1", XSD.decimal), ("INF", XSD.float), ("3", XSD.nonNegativeInteger),
    ("99999999999999999999999", XSD.integer), ("true", XSD.boolean), ("1", XSD.boolean),
    ("2020-01-01", XSD.date), ("2020-01-02", XSD.date), ("2020-01-01Z", XSD.date),
    ("0000-01-01", XSD.date), ("2020-02-30", XSD.date), ("2020-01-01T00:00:00", XSD.dateTime),
    ("2020-01-01T00:00:00Z", XSD.dateTime), ("2020-01-01T00:00:00+00:00", XSD.dateTime),
    ("2020-01-01T10:00:00.1234567Z", XSD.dateTime), ("10:00:00", XSD.time), ("2020", XSD.gYear),
    (" a  b", XSD.token), ("a b", XSD.token), ("x", EX.custom), ("P1D", XSD.duration),
]  # fmt: skip
TEXTS = ["", "a", "ab", "abc", "a\n", "a b", "é", "١", "0", "ab12", "b" * 12, "A"]
TAGS = ["en", "EN", "en-US", "ko", "de-1996"]
PATTERNS = [
    "^a", "b$", "^[a-z]+$", "^\\w+$", "[0-9]", "a|b", "^a.?$", "(?i)A", "^(ab)+$", "\\d", "^$",
    "^[^a]*$", "a{2,}", "\\s", "(?=a)", "[",
]  # fmt: skip

literals = st.one_of(
    st.sampled_from(LEXICAL).map(lambda pair: Literal(pair[0], datatype=pair[1], normalize=False)),
    st.sampled_from(TEXTS).map(Literal),
    st.tuples(st.sampled_from(TEXTS[:4]), st.sampled_from(TAGS)).map(
        lambda pair: Literal(pair[0], lang=pair[1])
    ),
)
blanks = st.sampled_from([BNode("x"), BNode("y")])
things = st.one_of(st.sampled_from(NODES), st.sampled_from(NODES), blanks)
values = st.one_of(things, literals)


@st.composite
def triples(draw: st.DrawFn) -> tuple[Node, Node, Node]:
    kind = draw(st.integers(0, 11))
    if kind == 0:
        return draw(st.sampled_from(CLASSES)), RDFS.subClassOf, draw(st.sampled_from(CLASSES))
    if kind <= 3:
        return draw(things), RDF.type, draw(st.sampled_from(CLASSES))
    return draw(things), draw(st.sampled_from(PREDICATES)), draw(values)


@st.composite
def data_graphs(draw: st.DrawFn) -> list[tuple[Node, Node, Node]]:
    return draw(st.lists(triples(), min_size=1, max_size=16))


class Builder:
    """Writes shapes into a graph as they are drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.graph = DataGraph()
        self._count = 0

    def shapes(self) -> DataGraph:
        self.graph.add((EX.prefixes, RDF.type, OWL.Ontology))
        declared = BNode()
        self.graph.add((EX.prefixes, SH.declare, declared))
        self.graph.add((declared, SH.prefix, Literal("ex")))
        self.graph.add((declared, SH.namespace, Literal(str(EX), datatype=XSD.anyURI)))
        for _ in range(self.draw(st.integers(1, 3))):
            node = self.shape(0, named=True)
            for _ in range(self.draw(st.integers(1, 2))):
                self.target(node)
        return self.graph

    def one(self, options: list[Node]) -> Node:
        return self.draw(st.sampled_from(options))

    def list_of(self, nodes: list[Node]) -> Node:
        head = BNode()
        Collection(self.graph, head, nodes)
        return head

    def target(self, node: Node) -> None:
        match self.draw(st.integers(0, 5)):
            case 0:
                self.graph.add((node, SH.targetNode, self.draw(st.one_of(things, literals))))
            case 1:
                self.graph.add((node, SH.targetSubjectsOf, self.one(PREDICATES)))
            case 2:
                self.graph.add((node, SH.targetObjectsOf, self.one(PREDICATES)))
            case 3 if node in CLASSES:
                self.graph.add((node, RDF.type, RDFS.Class))
            case _:
                self.graph.add((node, SH.targetClass, self.one(CLASSES)))

    def shape(self, depth: int, *, named: bool = False, property: bool | None = None) -> Node:
        self._count += 1
        is_named = named or self.draw(st.integers(0, 3)) == 0
        node: Node = EX[f"S{self._count}"] if is_named else BNode()
        if depth == 0 and self.draw(st.integers(0, 9)) == 0:
            node = self.one(CLASSES)
            if any(self.graph.predicate_objects(node)):
                node = EX[f"S{self._count}"]
        is_property = self.draw(st.booleans()) if property is None else property
        self.graph.add((node, RDF.type, SH.PropertyShape if is_property else SH.NodeShape))
        if is_property:
            self.graph.add((node, SH.path, self.path(0)))
        if self.draw(st.integers(0, 5)) == 0:
            self.graph.add((node, SH.severity, SH.Warning))
        if self.draw(st.integers(0, 19)) == 0:
            self.graph.add((node, SH.deactivated, Literal(True)))
        for _ in range(self.draw(st.integers(1, 3 if depth < 2 else 2))):
            self.constraint(node, depth, is_property=is_property)
        return node

    def path(self, depth: int) -> Node:
        kind = self.draw(st.integers(0, 9 if depth < 2 else 3))
        if kind <= 4:
            return self.one(PREDICATES)
        node = BNode()
        match kind:
            case 5:
                self.graph.add((node, SH.inversePath, self.path(depth + 1)))
            case 6:
                return self.list_of([self.path(depth + 1), self.path(depth + 1)])
            case 7:
                branches = self.list_of([self.path(depth + 1), self.path(depth + 1)])
                self.graph.add((node, SH.alternativePath, branches))
            case _:
                kinds = [SH.zeroOrMorePath, SH.oneOrMorePath, SH.zeroOrOnePath]
                self.graph.add((node, self.one(kinds), self.path(depth + 1)))
        return node

    def constraint(self, node: Node, depth: int, *, is_property: bool) -> None:  # noqa: C901, PLR0912, PLR0915
        add, draw, one = self.graph.add, self.draw, self.one
        kind = draw(st.integers(0, 25 if depth < 2 else 17))
        match kind:
            case 0:
                add((node, SH["class"], one(CLASSES)))
            case 1:
                add((node, SH.datatype, one([
                    XSD.integer, XSD.decimal, XSD.double, XSD.string, XSD.date, XSD.dateTime,
                    XSD.boolean, XSD.token, XSD.gYear, XSD.time, RDF.langString, EX.custom,
                ])))  # fmt: skip
            case 2:
                add((node, SH.nodeKind, one([
                    SH.IRI, SH.BlankNode, SH.Literal, SH.BlankNodeOrIRI, SH.IRIOrLiteral,
                    SH.BlankNodeOrLiteral,
                ])))  # fmt: skip
            case 3 | 4 if is_property:
                name = one([SH.minCount, SH.maxCount])
                add((node, name, Literal(draw(st.integers(0, 3)))))
            case 3 | 4:
                add((node, SH.hasValue, draw(values)))
            case 5:
                add((node, one([SH.minLength, SH.maxLength]), Literal(draw(st.integers(0, 3)))))
            case 6 | 7:
                add((node, SH.pattern, Literal(one(PATTERNS))))
                if draw(st.integers(0, 3)) == 0:
                    add((node, SH.flags, Literal("i")))
            case 8:
                add((node, SH.languageIn, self.list_of([Literal(one(TAGS)), Literal(one(TAGS))])))
            case 9 if is_property:
                add((node, SH.uniqueLang, Literal(True)))
            case 9 | 10:
                add(
                    (
                        node,
                        SH["in"],
                        self.list_of([draw(values) for _ in range(draw(st.integers(1, 4)))]),
                    )
                )
            case 11:
                add((node, SH.hasValue, draw(values)))
            case 12:
                add((node, one([SH.equals, SH.disjoint]), one(PREDICATES)))
            case 13 if is_property:
                add((node, one([SH.lessThan, SH.lessThanOrEquals]), one(PREDICATES)))
            case 13 | 14:
                name = one([SH.minInclusive, SH.minExclusive, SH.maxInclusive, SH.maxExclusive])
                add((node, name, draw(literals)))
            case 15:
                add((node, SH.closed, Literal(True)))
                add((node, SH.ignoredProperties, self.list_of([RDF.type, one(PREDICATES)])))
            case 16 | 17:
                self.sparql(node)
            case 18 | 19:
                add((node, SH.property, self.shape(depth + 1, property=True)))
            case 20:
                add((node, SH.node, self.shape(depth + 1, property=False)))
            case 21:
                add((node, SH["not"], self.shape(depth + 1)))
            case 22 | 23 | 24:
                name = one([SH["and"], SH["or"], SH.xone])
                members = [self.shape(depth + 1) for _ in range(draw(st.integers(1, 2)))]
                add((node, name, self.list_of(members)))
            case _:
                target = node if is_property else self.shape(depth + 1, property=True)
                if not is_property:
                    add((node, SH.property, target))
                if not any(self.graph.objects(target, SH.qualifiedValueShape)):
                    add((target, SH.qualifiedValueShape, self.shape(depth + 1)))
                    name = one([SH.qualifiedMinCount, SH.qualifiedMaxCount])
                    add((target, name, Literal(draw(st.integers(0, 2)))))
                    if draw(st.booleans()):
                        add((target, SH.qualifiedValueShapesDisjoint, Literal(True)))

    def sparql(self, node: Node) -> None:
        constraint = BNode()
        self.graph.add((node, SH.sparql, constraint))
        self.graph.add((constraint, SH.prefixes, EX.prefixes))
        self.graph.add(
            (constraint, SH.select, Literal(f"SELECT $this ?value WHERE {{ {self.where()} }}"))
        )
        if self.draw(st.booleans()):
            self.graph.add((constraint, SH.message, Literal("wrong: {?value}")))

    def where(self) -> str:
        draw = self.draw
        p, q, r = (draw(st.sampled_from("pqr")) for _ in range(3))
        first = draw(st.sampled_from([
            f"$this ex:{p} ?value .", f"?value ex:{p} $this .", f"$this ex:{p}/ex:{q} ?value .",
            f"$this ex:{p}|^ex:{q} ?value .", f"$this ex:{p}* ?value .", "$this a ?value .",
            f"$this ex:{p} ?x . ?x ex:{q} ?value .", f"$this ex:{p} ?value ; ex:{q} ?y .",
        ]))  # fmt: skip
        rest = draw(st.lists(st.sampled_from([
            f"FILTER NOT EXISTS {{ ?value ex:{q} ?z }}", f"FILTER EXISTS {{ $this ex:{r} ?value }}",
            "FILTER(?value != $this)", "FILTER(?value = 1)", "FILTER(?value > 1)",
            'FILTER(?value < "b")', "FILTER(isIRI(?value) || isLiteral(?value))",
            f"OPTIONAL {{ $this ex:{r} ?o }} FILTER(!BOUND(?o) || ?o != ?value)",
            f"OPTIONAL {{ ?value ex:{r} ?o2 }} FILTER(?o2 <= ?value)",
            'BIND(STR(?value) AS ?s) FILTER(?s > "a")', 'FILTER(REGEX(STR(?value), "^a"))',
            'BIND(REPLACE(STR(?value), "^(a)", "$1x") AS ?t) FILTER(?t = "ax")',
            f"{{ $this ex:{p} ?u }} UNION {{ $this ex:{r} ?u }}", 'FILTER(LANG(?value) = "en")',
            "FILTER(?value IN (ex:a, ex:b))", f"?value ex:{r} 1 .", "FILTER(sameTerm(?value, $this))",
            f"FILTER NOT EXISTS {{ $this ex:{q} ?w . FILTER(?w = ?value) }}", "FILTER(STRLEN(?value) > 1)",
            "?value a/rdfs:subClassOf* ex:A .",
        ]), max_size=3))  # fmt: skip
        return " ".join([first, *dict.fromkeys(rest)])


@st.composite
def shapes_graphs(draw: st.DrawFn) -> DataGraph:
    return Builder(draw).shapes()


def graph(triples: list[tuple[Node, Node, Node]]) -> DataGraph:
    found = DataGraph()
    for triple in triples:
        found.add(triple)
    return found


__all__ = ["EX", "URIRef", "data_graphs", "graph", "shapes_graphs", "triples"]
