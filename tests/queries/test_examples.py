"""The library as RDF is all that an editor of others needs: each example says what it asks, and
runs as it stands."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pyshacl
import pytest
import rdflib

from peninsula.dataset.interface import QueryOptions, Solutions
from peninsula.dataset.local import LocalDataset
from peninsula.formats import TURTLE
from peninsula.library import Library, QueryTemplate, describe
from peninsula.policy import Policy
from peninsula.serialization import write_to_bytes

ENDPOINT = "https://example.org/sparql"
SHAPES = Path(__file__).parent / "examples.shapes.ttl"
ROOT = Path(__file__).parents[2]
#: How SIB's editor asks an endpoint for examples, and for prefixes.
ASK_EXAMPLES = """
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT DISTINCT ?sq ?comment ?query WHERE {
  ?sq a sh:SPARQLExecutable ; rdfs:comment ?comment ; sh:select|sh:ask|sh:construct|sh:describe ?query .
} ORDER BY ?sq
"""
ASK_PREFIXES = """
PREFIX sh: <http://www.w3.org/ns/shacl#>
SELECT DISTINCT ?prefix ?namespace WHERE { [] sh:namespace ?namespace ; sh:prefix ?prefix }
"""


@pytest.fixture(scope="module")
def published(library: Library) -> bytes:
    """Return the library as a client gets it."""
    return write_to_bytes(describe(library, ENDPOINT), TURTLE)


def read(published: bytes, query: str) -> list[tuple[str, ...]]:
    store = ox.Store()
    store.load(published, ox.RdfFormat.TURTLE)
    solutions = store.query(query)
    assert isinstance(solutions, ox.QuerySolutions)
    return [tuple(term.value for term in row) for row in solutions]


def rows(dataset: LocalDataset, query: str) -> Counter[str]:
    result = dataset.evaluate(query, QueryOptions(prefixes={}))
    assert isinstance(result, Solutions)
    return Counter(map(str, result))


def test_every_example_runs_from_the_rdf_alone(
    published: bytes, library: Library, dataset: LocalDataset
) -> None:
    examples = read(published, ASK_EXAMPLES)
    assert len(examples) == len(library.templates)
    summaries = {template.summary for template in library.templates.values()}
    for iri, comment, query in examples:
        assert comment in summaries
        rows(dataset, query)
        # As it stands: every prefix is declared in the text, too.
        declared = set(re.findall(r"(?im)^\s*PREFIX\s+([\w-]*):", query))
        assert declared, iri


@pytest.mark.parametrize("which", ["every example", "what is needed"])
def test_a_query_with_its_parameters_written_in_has_the_same_answer(
    library: Library, dataset: LocalDataset, which: str
) -> None:
    for template in library.templates.values():
        values = {
            p.name: p.example
            for p in template.parameters
            if p.example and (p.is_required or which == "every example")
        }
        result = template.ask(dataset, values)
        assert isinstance(result, Solutions)
        assert Counter(map(str, result)) == rows(dataset, template.write(template.bind(values)))


def test_prefixes_are_found_where_editors_look(published: bytes) -> None:
    prefixes = dict(read(published, ASK_PREFIXES))
    assert prefixes["pen"] == "https://w3id.org/peninsula/ns#"
    assert prefixes["state"] == "https://w3id.org/peninsula/id/state/"


def test_the_examples_conform_to_the_shapes(published: bytes) -> None:
    data = rdflib.Graph().parse(data=published, format="turtle")
    shapes = rdflib.Graph().parse(SHAPES, format="turtle")
    conforms, _, text = pyshacl.validate(data, shacl_graph=shapes)
    assert conforms, text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"rdfs:comment", b"rdfs:remark", "what the example asks"),
        (b"schema:target", b"schema:aim", "endpoint that answers"),
        (b'"votes"@en', b'"votes "@en', "no blanks"),
        (b"sh:select", b"sh:selects", "one query"),
        (b"sh:declare", b"sh:declares", "prefixes are declared"),
    ],
)
def test_the_shapes_see_what_is_missing(
    published: bytes, old: bytes, new: bytes, message: str
) -> None:
    assert old in published
    data = rdflib.Graph().parse(data=published.replace(old, new), format="turtle")
    shapes = rdflib.Graph().parse(SHAPES, format="turtle")
    conforms, _, text = pyshacl.validate(data, shacl_graph=shapes)
    assert not conforms
    assert message in text


def test_the_graph_of_questions_holds_the_same_examples(dataset: LocalDataset) -> None:
    """Whoever asks the endpoint for examples finds them: they are a named graph of it."""
    result = dataset.evaluate(ASK_EXAMPLES)
    assert isinstance(result, Solutions)
    assert len(list(result)) >= 100


def test_what_only_looks_like_a_pattern_is_no_place_for_values() -> None:
    query = """# WHERE { comment }
PREFIX pen: <https://w3id.org/peninsula/ns#>
SELECT ?x (EXISTS { ?x a pen:State } AS ?is) ("WHERE {" AS ?text)
WHERE { ?x ?p ?o }
"""
    template = QueryTemplate("x", "x?", "x", (), (), "table", query, Path("x.rq"))
    x = ox.NamedNode("https://w3id.org/peninsula/id/state/russia")
    written = template.write({"x": x})
    assert "WHERE {\n  VALUES ?x { state:russia } ?x ?p ?o }" in written
    assert written.startswith("PREFIX state: <https://w3id.org/peninsula/id/state/>")
    LocalDataset(ox.Store(), Policy()).evaluate(written)
    odd = template.write({"x": ox.NamedNode("https://w3id.org/peninsula/id/state/a.b/c")})
    assert "VALUES ?x { <https://w3id.org/peninsula/id/state/a.b/c> }" in odd
    text = template.write({"x": ox.Literal('a"}\n', language="en")})
    assert r'VALUES ?x { "a\"}\n"@en }' in text
