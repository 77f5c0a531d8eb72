"""Which terms of the graph could stand at this place of a query?

Three lists. All classes and properties, with what they mean and how often they are used. What
fits into a pattern: the rest of the query is asked, within bounds, which properties its subject
has, which classes it is of, or which values stand there. And the things whose name begins with a
prefix. Counts of what fits are of the first few thousand solutions: enough to put the likely
first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select
from peninsula.labels import LANGUAGES, find_labels, name_of
from peninsula.namespaces import PREFIXES, shorten

Position = Literal["class", "property", "value"]
POSITIONS: Final[tuple[Position, ...]] = ("class", "property", "value")

#: Solutions of the rest of the query that are looked at, and terms that are offered.
_SOLUTIONS: Final = 3000
_OFFERED: Final = 200
#: Things offered for a prefix and a part of a name.
_NAMES: Final = 60

#: Classes, and properties, that are told of: the most used.
_LISTED: Final = 1500
#: Characters of a definition.
_LONGEST_DEFINITION: Final = 600
#: Characters of a literal that somebody might want to have written out.
_LONGEST_LITERAL: Final = 300
_CLASSES: Final = f"""
SELECT ?term (COUNT(DISTINCT ?thing) AS ?count) WHERE {{
  {{ ?thing a ?term }} UNION {{ VALUES ?kind {{ owl:Class rdfs:Class }} ?term a ?kind }}
  FILTER(isIRI(?term))
}} GROUP BY ?term ORDER BY DESC(?count) ?term LIMIT {_LISTED}
"""
_PROPERTIES: Final = f"""
SELECT ?term (COUNT(?thing) AS ?count) WHERE {{
  {{ ?thing ?term ?value }} UNION {{
    VALUES ?kind {{ owl:ObjectProperty owl:DatatypeProperty rdf:Property }}
    ?term a ?kind
  }}
}} GROUP BY ?term ORDER BY DESC(?count) ?term LIMIT {_LISTED}
"""
_DEFINITIONS: Final = """
SELECT ?term ?text ?rank WHERE {{
  VALUES ?term {{ {terms} }}
  VALUES (?property ?rank) {{
    (skos:definition 1) (rdfs:comment 2) (skos:scopeNote 3) (dcterms:description 4)
  }}
  ?term ?property ?whole
  BIND(SUBSTR(?whole, 1, {longest}) AS ?text)
}}
"""
_KINDS: Final = """
SELECT ?term ?class WHERE {{
  VALUES ?term {{ {terms} }}
  ?term a ?class
  FILTER NOT EXISTS {{ ?term a ?lower . ?lower rdfs:subClassOf ?class FILTER(?lower != ?class) }}
}}
"""
_NAMED: Final = """
SELECT ?term (MIN(?label) AS ?first) WHERE {
  VALUES ?property { rdfs:label skos:prefLabel pen:paraphrase skos:altLabel dcterms:title }
  ?term ?property ?label
  FILTER(STRSTARTS(STR(?term), ?namespace))
  BIND(STRAFTER(STR(?term), ?namespace) AS ?local)
  FILTER(!CONTAINS(?local, "/") && CONTAINS(LCASE(CONCAT(?local, " ", ?label)), ?text))
} GROUP BY ?term ORDER BY STRLEN(STR(?term)) ?term
"""


@dataclass(frozen=True)
class Suggestion:
    """A term that could stand there."""

    iri: str
    #: How it is written: a prefixed name, or the IRI in angle brackets; a literal as it is.
    name: str
    label: str
    definition: str = ""
    #: Its class in words, for a thing.
    kind: str = ""
    count: int = 0


@dataclass(frozen=True)
class Context:
    """The place in a query: what stands around it, as it is written there."""

    position: Position
    subject: str = ""
    #: The predicate before a value; the steps before the last one of a property path.
    predicate: str = ""
    #: The other patterns of the group, and the declarations above them.
    pattern: str = ""
    prologue: str = ""
    #: Whether the property is wanted against its direction (``^``).
    is_inverse: bool = False


def list_classes(dataset: Dataset, language: str = "en") -> list[Suggestion]:
    """Return every class that is used or declared, the most used first."""
    return _describe(dataset, _count(dataset, _CLASSES), language)


def list_properties(dataset: Dataset, language: str = "en") -> list[Suggestion]:
    """Return every property that is used or declared, the most used first."""
    return _describe(dataset, _count(dataset, _PROPERTIES), language)


def suggest_terms(dataset: Dataset, context: Context, language: str = "en") -> list[Suggestion]:
    """Return what fits into ``context``, the most frequent first.

    Raises QueryError where what stands around it is no SPARQL yet, or takes too long.
    """
    counted = _count(dataset, compose(context))
    return _describe(dataset, counted, language, with_kinds=context.position == "value")


def compose(context: Context) -> str:
    """Return the query that asks for what fits into ``context``."""
    subject = context.subject or "?_subject"
    before = ""
    if context.position == "property":
        if context.predicate:
            before, subject = f"{subject} {context.predicate} ?_node .", "?_node"
        triple = f"?_other ?_term {subject}" if context.is_inverse else f"{subject} ?_term ?_other"
    else:
        predicate = "a" if context.position == "class" else context.predicate or "?_property"
        triple = f"{subject} {predicate} ?_term"
    rest = ""
    if context.pattern.strip() and context.subject.startswith(("?", "$")):
        # A subquery, so that a pattern with many solutions is looked at in part.
        rest = (
            f"{{ SELECT DISTINCT {context.subject} WHERE {{\n{context.pattern}\n}} "
            f"LIMIT {_SOLUTIONS} }}"
        )
    return (
        f"{context.prologue}\nSELECT ?_term (COUNT(*) AS ?_count) WHERE {{\n"
        f"{rest}\n{before}\n{triple}\n"
        f"}} GROUP BY ?_term ORDER BY DESC(?_count) LIMIT {_OFFERED}"
    )


def find_by_prefix(
    dataset: Dataset, prefix: str, text: str, language: str = "en"
) -> list[Suggestion]:
    """Return the things under a known ``prefix`` whose name or label holds ``text``."""
    if prefix not in PREFIXES:
        return []
    query = _NAMED.replace("?namespace", f'"{PREFIXES[prefix]}"').replace(
        "?text", str(ox.Literal(text.lower()))
    )
    lowered = text.lower()
    found = [t.value for t, _ in select(dataset, query) if isinstance(t, ox.NamedNode)]
    # What begins with it comes first.
    found.sort(key=lambda iri: not shorten(iri).partition(":")[2].lower().startswith(lowered))
    counted: dict[Term, int] = {ox.NamedNode(iri): 0 for iri in found[:_NAMES]}
    return _describe(dataset, counted, language, with_kinds=True)


def describe_terms(dataset: Dataset, iris: Iterable[str], language: str = "en") -> list[Suggestion]:
    """Return what is to be said of each IRI that the graph has a word about."""
    counted: dict[Term, int] = {ox.NamedNode(iri): 0 for iri in iris}
    return [
        term
        for term in _describe(dataset, counted, language, with_kinds=True)
        if term.kind or term.definition or term.label != term.name
    ]


def write_name(iri: str) -> str:
    """Return ``iri`` as SPARQL takes it: a prefixed name where that is one, else in brackets."""
    name = shorten(iri)
    local = name.partition(":")[2]
    if name == iri or not local.replace("-", "").replace("_", "").isalnum():
        return f"<{iri}>"
    return name


def _count(dataset: Dataset, query: str) -> dict[Term, int]:
    return {
        term: int(count.value)
        for term, count in select(dataset, query)
        if term is not None and isinstance(count, ox.Literal)
    }


def _describe(
    dataset: Dataset, counted: dict[Term, int], language: str, *, with_kinds: bool = False
) -> list[Suggestion]:
    nodes = [term for term in counted if isinstance(term, ox.NamedNode)]
    labels = find_labels(dataset, nodes, language)
    definitions = dict(_find_definitions(dataset, nodes, language))
    kinds = _find_kinds(dataset, nodes, language) if with_kinds else {}
    described = []
    for term, count in counted.items():
        if isinstance(term, ox.NamedNode):
            iri = term.value
            described.append(
                Suggestion(
                    iri,
                    write_name(iri),
                    name_of(iri, labels),
                    definitions.get(iri, ""),
                    kinds.get(iri, ""),
                    count,
                )
            )
        elif isinstance(term, ox.Literal) and len(term.value) <= _LONGEST_LITERAL:
            described.append(Suggestion("", _write_literal(term), "", count=count))
    return sorted(described, key=lambda term: (-term.count, term.name))


def _write_literal(literal: ox.Literal) -> str:
    """Return the literal as one writes it: its datatype with a prefix, numbers plain."""
    datatype = shorten(literal.datatype.value)
    if datatype in {"xsd:integer", "xsd:boolean", "xsd:decimal"}:
        return literal.value
    plain = str(ox.Literal(literal.value))
    if literal.language:
        return f"{plain}@{literal.language}"
    return plain if datatype == "xsd:string" else f"{plain}^^{write_name(literal.datatype.value)}"


def _find_definitions(
    dataset: Dataset, nodes: list[ox.NamedNode], language: str
) -> Iterator[tuple[str, str]]:
    best: dict[str, tuple[int, int, str]] = {}
    order = (language, "en", "", *LANGUAGES)
    for batch in _batches(nodes):
        query = _DEFINITIONS.format(terms=batch, longest=_LONGEST_DEFINITION)
        for term, text, rank in select(dataset, query):
            if isinstance(term, ox.NamedNode) and isinstance(text, ox.Literal):
                place = order.index(text.language or "") if (text.language or "") in order else 9
                offer = (place, int(getattr(rank, "value", 9)), text.value)
                best[term.value] = min(best.get(term.value, offer), offer)
    for iri, (_, _, definition) in best.items():
        yield iri, definition


def _find_kinds(dataset: Dataset, nodes: list[ox.NamedNode], language: str) -> dict[str, str]:
    classes: dict[str, str] = {}
    for batch in _batches(nodes):
        for term, kind in select(dataset, _KINDS.format(terms=batch)):
            if isinstance(term, ox.NamedNode) and isinstance(kind, ox.NamedNode):
                # Of several, one of ours says most.
                known = classes.get(term.value, "")
                if not known.startswith(PREFIXES["pen"]) or kind.value < known:
                    classes[term.value] = kind.value
    labels = find_labels(dataset, map(ox.NamedNode, set(classes.values())), language)
    return {iri: name_of(kind, labels) for iri, kind in classes.items()}


def _batches(nodes: list[ox.NamedNode]) -> Iterator[str]:
    for start in range(0, len(nodes), 200):
        yield " ".join(map(str, nodes[start : start + 200]))
