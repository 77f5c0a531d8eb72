"""What follows from the knowledge by OWL 2 RL, and does it contradict itself?

``reasonable`` computes the closure. Its terms are rdflib's and change on the way (language tags
in lower case, literals in normal form), so literals and blank nodes travel as opaque IRIs and
come back as the very terms that went in. What it knows of the rules of OWL 2 RL is nearly all of
them; not the property chains, keys, cardinalities and enumerations (prp-spo2, prp-key,
cls-max*, cls-oo), which the hygiene rule ``unsupported-axiom`` therefore warns of.

:func:`materialise` keeps back what is true and helps nobody: tautologies (``x owl:sameAs x``,
``x a owl:Thing``, ``C rdfs:subClassOf C``), statements about unnamed classes and lists,
statements about a literal, kinds of RDF, RDFS and OWL (``x a rdf:Property``), and consequences
about the vocabularies of others (``prov:Person rdfs:subClassOf prov:Agent`` is for PROV to say).

:func:`inconsistencies` asks the rules whose conclusion is *false* as SPARQL over the closure,
because the Python binding of ``reasonable`` does not hand out what it finds. Beyond OWL 2 RL it
takes our IRIs for unique names, and looks for literals where the ontology wants things. The
store that answers keeps a derived integer as ``xsd:integer``; its bounds are for shapes to check.
The rules: https://www.w3.org/TR/owl2-profiles/#Reasoning_in_OWL_2_RL_and_RDF_Graphs_using_Rules
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

import pyoxigraph as ox
import reasonable

from peninsula.namespaces import BASE, PREFIXES, expand, shorten

_OPAQUE: Final = "urn:x-peninsula:"
_TYPE: Final = ox.NamedNode(expand("rdf:type"))
_SAME_AS: Final = ox.NamedNode(expand("owl:sameAs"))
_HIERARCHY: Final = frozenset(
    ox.NamedNode(expand(name)) for name in ("rdfs:subClassOf", "rdfs:subPropertyOf")
)
#: Axioms that the ontology states once; their mirror images and consequences are not repeated.
_AXIOMS: Final = frozenset(
    ox.NamedNode(expand(name))
    for name in (
        "rdfs:domain", "rdfs:range", "owl:equivalentClass", "owl:equivalentProperty",
        "owl:disjointWith", "owl:complementOf", "owl:propertyDisjointWith", "owl:inverseOf",
    )
)  # fmt: skip
_TOP: Final = ox.NamedNode(expand("owl:Thing"))
_LANGUAGES: Final = tuple(PREFIXES[prefix] for prefix in ("rdf", "rdfs", "owl"))


@dataclass(frozen=True)
class Closure:
    """A graph and what follows from it; ``inferred`` holds no triple of ``asserted``."""

    asserted: frozenset[ox.Triple]
    inferred: frozenset[ox.Triple]


@dataclass(frozen=True, order=True)
class Inconsistency:
    """One contradiction: the rule that found it, the thing it is about, and what clashes."""

    rule: str
    term: str
    message: str


def close(triples: Iterable[ox.Triple]) -> Closure:
    """Return the OWL 2 RL closure of ``triples``."""
    asserted = frozenset(triples)
    names: dict[str, ox.NamedNode | ox.BlankNode | ox.Literal] = {}
    codes: dict[object, str] = {}

    def encode(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> str:
        if isinstance(term, ox.NamedNode) and not term.value.startswith(_OPAQUE):
            return term.value
        if isinstance(term, ox.Triple):
            raise TypeError(f"OWL 2 RL has no rule for a quoted triple: {term}")
        if term not in codes:
            codes[term] = f"{_OPAQUE}{len(codes)}"
            names[codes[term]] = term
        return codes[term]

    reasoner = reasonable.PyReasoner()
    reasoner.from_graph([tuple(encode(term) for term in triple) for triple in asserted])
    inferred = set()
    for encoded in reasoner.reason():
        subject, predicate, object_ = (
            names.get(name) or ox.NamedNode(name) for name in map(str, encoded)
        )
        if isinstance(predicate, ox.NamedNode) and not isinstance(subject, ox.Literal):
            inferred.add(ox.Triple(subject, predicate, object_))
    return Closure(asserted, frozenset(inferred - asserted))


def materialise(source: Closure | Iterable[ox.Triple]) -> list[ox.Triple]:
    """Return the inferred triples worth storing, sorted; none of them is in ``source``."""
    closure = source if isinstance(source, Closure) else close(source)
    return sorted(filter(_is_worth_storing, closure.inferred), key=str)


def inconsistencies(source: Closure | Iterable[ox.Triple]) -> list[Inconsistency]:
    """Return the contradictions in ``source`` and what follows from it; none if consistent."""
    closure = source if isinstance(source, Closure) else close(source)
    store = ox.Store()
    store.bulk_extend(ox.Quad(*triple) for triple in closure.asserted | closure.inferred)
    found = set()
    for rule, (message, pattern) in CONTRADICTIONS.items():
        solutions = store.query(f"SELECT DISTINCT * WHERE {{ {pattern} }}", prefixes=PREFIXES)
        solutions = cast(ox.QuerySolutions, solutions)
        columns = [variable.value for variable in solutions.variables]
        for solution in solutions:
            terms = {column: _show(solution[column]) for column in columns}
            found.add(Inconsistency(rule, terms["x"], message.format(**terms)))
    return sorted(found)


def _is_worth_storing(triple: ox.Triple) -> bool:
    subject, predicate, object_ = triple
    if isinstance(subject, ox.BlankNode) or isinstance(object_, ox.BlankNode):
        return False
    if subject == object_ and (predicate == _SAME_AS or predicate in _HIERARCHY):
        return False
    if predicate in _AXIOMS or object_ == _TOP:
        return False
    if predicate in _HIERARCHY:
        return str(subject).startswith(f"<{BASE}")
    if predicate == _TYPE and isinstance(object_, ox.NamedNode):
        return not object_.value.startswith(_LANGUAGES)
    return True


def _show(term: object) -> str:
    return shorten(term.value) if isinstance(term, ox.NamedNode) else str(term)


_INTEGERS: Final = "xsd:integer, xsd:nonNegativeInteger, xsd:positiveInteger, xsd:int, xsd:long"

#: Rule of OWL 2 RL, or our own name -> what to say, and the pattern that must have no answer.
CONTRADICTIONS: Final[dict[str, tuple[str, str]]] = {
    "eq-diff1": (
        "{x} and {y} are said to be the same and to be different",
        "?x owl:differentFrom ?y . FILTER(?x = ?y || EXISTS { ?x owl:sameAs ?y })",
    ),
    "eq-diff2": (
        "{x} and {y} are the same, although both stand in a list of different things",
        """?list a owl:AllDifferent ; owl:members|owl:distinctMembers ?members .
        ?members rdf:rest* ?cell . ?cell rdf:first ?x ; rdf:rest+/rdf:first ?y .
        ?x owl:sameAs ?y""",
    ),
    "prp-irp": (
        "{x} has the irreflexive property {p} to itself",
        "?p a owl:IrreflexiveProperty . ?x ?p ?x",
    ),
    "prp-asyp": (
        "{x} and {y} have the asymmetric property {p} to each other",
        "?p a owl:AsymmetricProperty . ?x ?p ?y . ?y ?p ?x",
    ),
    "prp-pdw": (
        "{x} has both of the disjoint properties {p} and {q} to {y}",
        "?p owl:propertyDisjointWith ?q . ?x ?p ?y ; ?q ?y",
    ),
    "prp-adp": (
        "{x} has both of the disjoint properties {p} and {q} to {y}",
        """?list a owl:AllDisjointProperties ; owl:members ?members . ?members rdf:rest* ?cell .
        ?cell rdf:first ?p ; rdf:rest+/rdf:first ?q . ?x ?p ?y ; ?q ?y""",
    ),
    "prp-npa1": (
        "{x} has the property {p} to {y}, which a negative assertion denies",
        """?n owl:sourceIndividual ?x ; owl:assertionProperty ?p ; owl:targetIndividual ?y .
        ?x ?p ?y""",
    ),
    "prp-npa2": (
        "{x} has the property {p} with the value {y}, which a negative assertion denies",
        "?n owl:sourceIndividual ?x ; owl:assertionProperty ?p ; owl:targetValue ?y . ?x ?p ?y",
    ),
    "prp-fp": (
        "{x} has two values of the functional property {p}: {y} and {z}",
        """?p a owl:FunctionalProperty . ?x ?p ?y , ?z . FILTER(isLiteral(?y) && isLiteral(?z))
        FILTER(STR(?y) < STR(?z) && !COALESCE(?y = ?z, false))""",
    ),
    "cls-nothing2": ("{x} belongs to owl:Nothing", "?x a owl:Nothing"),
    "cls-com": (
        "{x} belongs to {c} and to its complement {d}",
        "?c owl:complementOf ?d . ?x a ?c , ?d",
    ),
    "cls-maxc1": (
        "{x} has the property {p}, of which it may have no value: {y}",
        """?c owl:maxCardinality ?n ; owl:onProperty ?p . FILTER(STR(?n) = "0")
        ?x a ?c ; ?p ?y""",
    ),
    "cls-maxqc1": (
        "{x} has the property {p} to {y} of the class {d}, to which it may have none",
        """?c owl:maxQualifiedCardinality ?n ; owl:onProperty ?p ; owl:onClass ?d .
        FILTER(STR(?n) = "0") ?x a ?c ; ?p ?y . FILTER(?d = owl:Thing || EXISTS { ?y a ?d })""",
    ),
    "cax-dw": (
        "{x} belongs to the disjoint classes {c} and {d}",
        "?c owl:disjointWith ?d . ?x a ?c , ?d",
    ),
    "cax-adc": (
        "{x} belongs to the disjoint classes {c} and {d}",
        """?list a owl:AllDisjointClasses ; owl:members ?members . ?members rdf:rest* ?cell .
        ?cell rdf:first ?c ; rdf:rest+/rdf:first ?d . ?x a ?c , ?d""",
    ),
    "dt-not-type": (
        "{x} has the property {p} with {y}, which its datatype does not allow",
        """?x ?p ?y . FILTER(isLiteral(?y)) BIND(DATATYPE(?y) AS ?t) BIND(STR(?y) AS ?s)
        FILTER(?t = xsd:date && !BOUND(?date) || ?t = xsd:dateTime && !BOUND(?dateTime)
            || ?t = xsd:boolean && !BOUND(?boolean) || ?t = xsd:decimal && !BOUND(?decimal)
            || ?t = xsd:integer && !BOUND(?integer))
        BIND(xsd:date(?s) AS ?date) BIND(xsd:dateTime(?s) AS ?dateTime)
        BIND(xsd:boolean(?s) AS ?boolean) BIND(xsd:decimal(?s) AS ?decimal)
        BIND(xsd:integer(?s) AS ?integer)""",
    ),
    "prp-rng": (
        "{x} has the property {p}, whose range is {t}, with {y}",
        f"""?p rdfs:range ?t . ?x ?p ?y .
        FILTER(STRSTARTS(STR(?t), STR(xsd:)) || ?t IN (rdf:langString, edtf:EDTF, geo:wktLiteral))
        FILTER(!isLiteral(?y) || DATATYPE(?y) != ?t
            && !(?t IN (xsd:decimal, {_INTEGERS}) && DATATYPE(?y) IN ({_INTEGERS})))""",
    ),
    "unique-names": (
        "{x} and {y} follow to be one thing; two IRIs of ours name two things",
        f"""?x owl:sameAs ?y . FILTER(isIRI(?x) && isIRI(?y) && STR(?x) < STR(?y))
        FILTER(STRSTARTS(STR(?x), "{BASE}") && STRSTARTS(STR(?y), "{BASE}"))""",
    ),
    "object-property-literal": (
        "{x} has the object property {p} with a literal: {y}",
        "?p a owl:ObjectProperty . ?x ?p ?y . FILTER(isLiteral(?y))",
    ),
    "datatype-property-thing": (
        "{x} has the datatype property {p} with a thing: {y}",
        "?p a owl:DatatypeProperty . ?x ?p ?y . FILTER(!isLiteral(?y))",
    ),
}
