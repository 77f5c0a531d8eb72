"""What do the words of the graph mean, and how are they used?

The ontology as a reader wants it: modules with their classes and properties, the vocabularies with
their concepts, and what the shapes ask of each class. Everything is read from the dataset itself,
so that a past generation explains its own words; the rules come from the files of the shapes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, construct, select
from peninsula.knowledge import ONTOLOGY
from peninsula.labels import LANGUAGES, find_labels, name_of
from peninsula.library import Library
from peninsula.namespaces import BASE, PREFIXES, expand, shorten
from peninsula.rules import Rule, read_rules
from peninsula.terms import integer_of, value_of

_STATEMENTS: Final = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{ONTOLOGY}> {{ ?s ?p ?o }} }}"
_INSTANCES: Final = """
SELECT ?class (COUNT(DISTINCT ?thing) AS ?count) (MIN(STR(?thing)) AS ?first)
       (MAX(STR(?thing)) AS ?last) (SAMPLE(?thing) AS ?other)
WHERE { ?thing a ?class FILTER(STRSTARTS(STR(?class), STR(pen:)) && isIRI(?thing)) }
GROUP BY ?class
"""
_USES: Final = """
SELECT ?property (COUNT(*) AS ?count) WHERE {
  GRAPH ?graph { ?thing ?property ?value }
  FILTER(?graph != graph:inferred && STRSTARTS(STR(?property), STR(pen:)))
} GROUP BY ?property
"""
_CONCEPT_USES: Final = """
SELECT ?concept (COUNT(*) AS ?count) WHERE {
  GRAPH graph:ontology { ?concept a skos:Concept }
  GRAPH ?graph { ?thing ?property ?concept }
  FILTER(?graph != graph:inferred && ?graph != graph:ontology)
} GROUP BY ?concept
"""
#: How a term is related to those of others, the closest first.
_ALIGNMENTS: Final = (
    "owl:equivalentClass", "owl:equivalentProperty", "skos:exactMatch", "rdfs:subClassOf",
    "rdfs:subPropertyOf", "skos:closeMatch", "skos:broadMatch", "skos:narrowMatch",
    "skos:relatedMatch",
)  # fmt: skip
_CHARACTERISTICS: Final = (
    "owl:SymmetricProperty", "owl:AsymmetricProperty", "owl:TransitiveProperty",
    "owl:IrreflexiveProperty", "owl:FunctionalProperty", "owl:InverseFunctionalProperty",
)  # fmt: skip
_KINDS: Final = (
    "owl:Class", "owl:ObjectProperty", "owl:DatatypeProperty", "owl:AnnotationProperty",
    "rdfs:Datatype",
)  # fmt: skip
_NAME: Final = re.compile(r"\b([a-z][a-z-]*):([A-Za-z][\w.-]*)")
_MOST_QUESTIONS: Final = 6
_TYPE: Final = expand("rdf:type")


@dataclass(frozen=True)
class Name:
    """A word with where it leads: a term, a concept, a thing."""

    iri: str
    label: str

    @property
    def name(self) -> str:
        """Return the prefixed name."""
        return shorten(self.iri)


@dataclass
class Described:
    """A class or a property, and how it is used."""

    iri: str
    kind: str
    label: str
    #: Labels in the other languages, with their tags.
    others: list[tuple[str, str]] = field(default_factory=list)
    definition: str = ""
    examples: list[str] = field(default_factory=list)
    counterexamples: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    above: list[Name] = field(default_factory=list)
    below: list[Name] = field(default_factory=list)
    disjoint: list[Name] = field(default_factory=list)
    inverse: list[Name] = field(default_factory=list)
    domain: list[Name] = field(default_factory=list)
    range: list[Name] = field(default_factory=list)
    characteristics: list[str] = field(default_factory=list)
    alignments: list[tuple[str, Name]] = field(default_factory=list)
    #: For a class, the properties that its things may have.
    properties: list[Name] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    count: int = 0
    samples: list[Name] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return shorten(self.iri)

    @property
    def anchor(self) -> str:
        """Return what stands after ``#`` in the address of the term."""
        return self.iri.rpartition("#")[2]

    @property
    def is_class(self) -> bool:
        return self.kind == "owl:Class"


@dataclass
class Module:
    """One file of the ontology; one without a name holds what no file claims as its own."""

    iri: str
    label: str
    abstract: str = ""
    classes: list[Described] = field(default_factory=list)
    properties: list[Described] = field(default_factory=list)

    def add(self, term: Described) -> None:
        """Add a term where it belongs."""
        (self.classes if term.is_class else self.properties).append(term)

    @property
    def title(self) -> str:
        """Return the label without the name of the whole, capitalised."""
        text = self.label.rpartition(": ")[2]
        return text[:1].upper() + text[1:]

    @property
    def anchor(self) -> str:
        return "module-" + self.iri.rpartition("/")[2]


@dataclass
class Concept:
    """An entry of a vocabulary, with those below it."""

    iri: str
    label: str
    definition: str = ""
    examples: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    count: int = 0
    narrower: list[Concept] = field(default_factory=list)

    @property
    def name(self) -> str:
        return shorten(self.iri)


@dataclass
class Vocabulary:
    """A concept scheme."""

    iri: str
    label: str
    definition: str
    top: list[Concept]
    count: int

    @property
    def anchor(self) -> str:
        return "vocabulary-" + self.iri.rpartition("/")[2]


@dataclass
class Branch:
    """A class in the tree of classes."""

    term: Described
    branches: list[Branch] = field(default_factory=list)


@dataclass
class Documentation:
    """The whole: empty lists where the dataset holds no ontology."""

    label: str = ""
    abstract: str = ""
    version: str = ""
    modules: list[Module] = field(default_factory=list)
    tree: list[Branch] = field(default_factory=list)
    vocabularies: list[Vocabulary] = field(default_factory=list)

    @property
    def term_count(self) -> int:
        return sum(len(m.classes) + len(m.properties) for m in self.modules)


def document_terms(
    dataset: Dataset, language: str, library: Library, shapes: Iterable[Path]
) -> Documentation:
    """Return what the ontology in ``dataset`` says, with labels in ``language`` where it has them.

    ``shapes`` are the files whose rules are told with the classes they are about.
    """
    if ONTOLOGY not in dataset.graphs():
        return Documentation()
    return _Reader(dataset, language, library, read_rules(tuple(shapes))).read()


class _Reader:
    """Reads the documentation from the statements of the ontology."""

    def __init__(
        self,
        dataset: Dataset,
        language: str,
        library: Library,
        rules: Mapping[str, tuple[Rule, ...]],
    ) -> None:
        self._language = language
        self._rules = rules
        self._values: dict[str, dict[str, list[Term]]] = defaultdict(lambda: defaultdict(list))
        for triple in construct(dataset, _STATEMENTS):
            self._values[_key(triple.subject)][triple.predicate.value].append(triple.object)
        self._counts: dict[str, int] = {}
        self._samples: dict[str, list[str]] = {}
        for class_, count, *samples in select(dataset, _INSTANCES):
            self._counts[_key(class_)] = integer_of(count)
            self._samples[_key(class_)] = sorted({value_of(s) for s in samples if s is not None})
        for query in (_USES, _CONCEPT_USES):
            for term, count in select(dataset, query):
                self._counts[_key(term)] = integer_of(count)
        self._questions: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for template in library.templates.values():
            for prefix, local in sorted(set(_NAME.findall(template.query))):
                if prefix == "pen":
                    self._questions[PREFIXES["pen"] + local].append(
                        (template.slug, template.summary)
                    )
        self._names = self._find_sample_names(dataset)

    def read(self) -> Documentation:
        terms = {
            iri: self._describe(iri, kind)
            for iri in self._values
            if iri.startswith(PREFIXES["pen"]) and (kind := self._kind(iri))
        }
        self._relate(terms)
        modules = {
            iri: Module(iri, self._label(iri), self._one(iri, "dcterms:abstract"))
            for iri in self._values
            if self._is(iri, "owl:Ontology") and iri.startswith(PREFIXES["ontology"])
        }
        rest = Module("", "")
        for iri, term in sorted(terms.items()):
            for home in self._iris(iri, "rdfs:isDefinedBy"):
                if home in modules:
                    modules[home].add(term)
                    break
            else:
                rest.add(term)
        whole = f"{BASE}ontology"
        return Documentation(
            self._label(whole),
            self._one(whole, "dcterms:abstract"),
            self._one(whole, "owl:versionInfo"),
            [m for m in (*_in_order(modules), rest) if m.classes or m.properties],
            self._tree(terms),
            self._vocabularies(),
        )

    # One term.

    def _describe(self, iri: str, kind: str) -> Described:
        examples = self._texts(iri, "skos:example")
        wrong = [text for text in examples if text.startswith("Negative example")]
        term = Described(
            iri,
            kind,
            self._label(iri),
            self._other_labels(iri, "rdfs:label"),
            self._one(iri, "skos:definition"),
            [text for text in examples if text not in wrong],
            [text.partition(":")[2].strip() for text in wrong],
            [*self._texts(iri, "skos:scopeNote"), *self._texts(iri, "rdfs:comment")],
            disjoint=self._own(iri, "owl:disjointWith"),
            inverse=self._own(iri, "owl:inverseOf"),
            domain=self._references(iri, "rdfs:domain", "schema:domainIncludes"),
            range=self._references(iri, "rdfs:range", "schema:rangeIncludes"),
            characteristics=[c for c in _CHARACTERISTICS if self._is(iri, c)],
            rules=list(self._rules.get(iri, ())),
            count=self._counts.get(iri, 0),
            samples=[Name(s, self._names[s]) for s in self._samples.get(iri, ())],
            questions=self._questions.get(iri, [])[:_MOST_QUESTIONS],
        )
        for relation in _ALIGNMENTS:
            for other in self._iris(iri, relation):
                if not other.startswith(BASE):
                    term.alignments.append((relation, Name(other, shorten(other))))
        return term

    def _relate(self, terms: dict[str, Described]) -> None:
        """Tell each term what stands above and below it, and each class its properties."""
        for iri, term in sorted(terms.items()):
            for relation in ("rdfs:subClassOf", "rdfs:subPropertyOf"):
                for parent in self._iris(iri, relation):
                    if above := terms.get(parent):
                        term.above.append(Name(parent, above.label))
                        above.below.append(Name(iri, term.label))
            for class_ in term.domain:
                if not term.is_class and class_.iri in terms:
                    terms[class_.iri].properties.append(Name(iri, term.label))

    def _tree(self, terms: dict[str, Described]) -> list[Branch]:
        def grow(term: Described, seen: frozenset[str]) -> Branch:
            below = [terms[n.iri] for n in term.below if n.iri not in seen]
            below.sort(key=lambda t: t.label)
            return Branch(term, [grow(t, seen | {t.iri}) for t in below])

        roots = [t for t in terms.values() if t.is_class and not t.above]
        roots.sort(key=lambda t: t.label)
        return [grow(term, frozenset({term.iri})) for term in roots]

    def _vocabularies(self) -> list[Vocabulary]:
        schemes: dict[str, list[str]] = defaultdict(list)
        narrower: dict[str, list[str]] = defaultdict(list)
        for iri in self._values:
            if self._is(iri, "skos:Concept"):
                for scheme in self._iris(iri, "skos:inScheme"):
                    schemes[scheme].append(iri)
                for parent in self._iris(iri, "skos:broader"):
                    narrower[parent].append(iri)

        def grow(iri: str, seen: frozenset[str]) -> Concept:
            return Concept(
                iri,
                self._label(iri, "skos:prefLabel"),
                self._one(iri, "skos:definition"),
                self._texts(iri, "skos:example"),
                self._texts(iri, "skos:scopeNote"),
                self._counts.get(iri, 0),
                [grow(n, seen | {n}) for n in sorted(narrower[iri]) if n not in seen],
            )

        found = []
        for scheme, concepts in sorted(schemes.items()):
            members = set(concepts)
            top = [c for c in sorted(members) if not set(self._iris(c, "skos:broader")) & members]
            label = self._label(scheme, "skos:prefLabel") or self._label(scheme)
            about = self._one(scheme, "skos:definition") or self._one(scheme, "dcterms:abstract")
            entries = [grow(c, frozenset({c})) for c in top]
            found.append(Vocabulary(scheme, label, about, entries, len(members)))
        return found

    # Statements.

    def _is(self, iri: str, name: str) -> bool:
        wanted = expand(name)
        return any(_key(type_) == wanted for type_ in self._values[iri].get(_TYPE, ()))

    def _kind(self, iri: str) -> str:
        return next((kind for kind in _KINDS if self._is(iri, kind)), "")

    def _iris(self, iri: str, name: str) -> list[str]:
        values = self._values[iri].get(expand(name), ())
        return sorted(v.value for v in values if isinstance(v, ox.NamedNode))

    def _own(self, iri: str, name: str) -> list[Name]:
        return [Name(other, self._label(other)) for other in self._iris(iri, name)]

    def _references(self, iri: str, *names: str) -> list[Name]:
        return [
            Name(other, self._label(other))
            for other in sorted({other for name in names for other in self._iris(iri, name)})
        ]

    def _texts(self, iri: str, name: str) -> list[str]:
        """Return the texts in the wished language, or the English ones."""
        literals = [v for v in self._values[iri].get(expand(name), ()) if isinstance(v, ox.Literal)]
        for tag in (self._language, "en", None):
            if found := sorted(v.value for v in literals if v.language == tag):
                return found
        return sorted(v.value for v in literals)

    def _one(self, iri: str, name: str) -> str:
        return next(iter(self._texts(iri, name)), "")

    def _label(self, iri: str, name: str = "") -> str:
        if iri not in self._values:
            return shorten(iri)
        names = (name,) if name else ("rdfs:label", "skos:prefLabel", "dcterms:title")
        return next((text for n in names if (text := self._one(iri, n))), "") or shorten(iri)

    def _other_labels(self, iri: str, name: str) -> list[tuple[str, str]]:
        found = [
            (v.language, v.value)
            for v in self._values[iri].get(expand(name), ())
            if isinstance(v, ox.Literal) and v.language and v.language != self._language
        ]
        return sorted(found, key=lambda pair: (*LANGUAGES, pair[0]).index(pair[0]))

    def _find_sample_names(self, dataset: Dataset) -> dict[str, str]:
        things = [ox.NamedNode(iri) for samples in self._samples.values() for iri in samples]
        labels = find_labels(dataset, things, self._language)
        return {thing.value: name_of(thing.value, labels) for thing in things}


def _in_order(modules: Mapping[str, Module]) -> list[Module]:
    return [module for _, module in sorted(modules.items())]


def _key(term: Term | None) -> str:
    if isinstance(term, ox.NamedNode):
        return term.value
    return str(term)
