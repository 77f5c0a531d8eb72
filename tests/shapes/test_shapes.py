"""Do the shapes catch what they should, and nothing else?

Each folder beside this file is named after a node shape. Its ``valid*.ttl`` conform. Each
``invalid-*.ttl`` breaks one rule and states in its first lines every result to expect:

    # Invalid: A position without evidence.
    # expect: focus=position:p path=pen:evidencedBy component=… shape=…

An example holds only what its shape looks at; the hierarchy of classes and the membership of
concepts in vocabularies come from the ontology.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pyoxigraph as ox
import pyshacl
import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.plugins.sparql import prepareQuery
from rdflib.term import Node

from peninsula.namespaces import PREFIXES, expand
from peninsula.shacl.validation import DataGraph
from peninsula.turtle import format_turtle

from .judging import EXAMPLES, ROOT, SH, SHAPES, TYPE, Result, name, read

VALID = sorted(EXAMPLES.glob("*/valid*.ttl"))
INVALID = sorted(EXAMPLES.glob("*/invalid-*.ttl"))
#: Parameters of property shapes that are not constraints, or belong to another parameter.
NOT_CONSTRAINTS = {
    "path", "name", "description", "message", "severity", "property", "sparql", "order", "group",
    "deactivated", "flags", "qualifiedValueShape", "qualifiedValueShapesDisjoint",
}  # fmt: skip
#: Vocabularies whose classes need no shape: of the ontology, and of the publisher of a source.
NOT_ENTITIES = {"owl", "rdf", "rdfs", "sh", "foaf"}


def example_id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def expected(path: Path) -> list[Result]:
    """Return the results that the leading comments of an example state."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# expect: "):
            fields = dict(field.split("=", 1) for field in line.removeprefix("# expect: ").split())
            found.append(Result(**{key: fields.get(key, "-") for key in Result.__annotations__}))
    return sorted(found)


def test_there_are_examples() -> None:
    assert len(VALID) > 60
    assert len(INVALID) > 400


@pytest.mark.parametrize("path", VALID, ids=example_id)
def test_valid_example_conforms(path: Path, judge: Callable[[Graph, str], list[Result]]) -> None:
    assert judge(read(path), path.parent.name) == []


@pytest.mark.parametrize("path", INVALID, ids=example_id)
def test_invalid_example_gives_exactly_the_results_it_states(
    path: Path, judge: Callable[[Graph, str], list[Result]]
) -> None:
    stated = expected(path)
    assert stated, (
        f"{path} states no result; add a line '# expect: focus=… path=… component=… shape=…'"
    )
    assert judge(read(path), path.parent.name) == stated


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=example_id)
def test_example_says_what_it_shows(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# Valid: " if path.stem.startswith("valid") else "# Invalid: ")


def test_every_shape_has_examples(shapes_graph: Graph) -> None:
    named = {name(shape).removeprefix("pensh:") for shape in targeted(shapes_graph)}
    assert {path.parent.name for path in VALID} == named
    assert {path.parent.name for path in INVALID} == named


def test_every_constraint_is_broken_by_an_example(shapes_graph: Graph) -> None:
    covered = {(r.shape, r.component, r.constraint) for path in INVALID for r in expected(path)}
    declared = set(constraints(shapes_graph))
    assert len(declared) > 400
    assert declared - covered == set(), "constraints without an invalid example"
    assert covered - declared == set(), "expectations that no constraint can give"


def test_every_shape_is_named_and_says_what_is_wrong(shapes_graph: Graph) -> None:
    shapes = {
        *shapes_graph.subjects(TYPE, SH.NodeShape),
        *shapes_graph.subjects(TYPE, SH.PropertyShape),
    }
    for shape in shapes:
        assert name(shape).startswith("pensh:"), f"a shape without a name: {shape}"
    for shape in [
        *shapes_graph.subjects(TYPE, SH.PropertyShape),
        *shapes_graph.subjects(TYPE, SH.SPARQLConstraint),
    ]:
        (message,) = shapes_graph.objects(shape, SH.message)
        assert isinstance(message, Literal)
        assert message.language == "en", name(shape)
        # What is wrong in one sentence, what would mend it in another.
        assert re.fullmatch(r".+\. .+\.", message), name(shape)
    for shape in shapes_graph.subjects(TYPE, SH.PropertyShape):
        for annotation in (SH.name, SH.description, SH.severity, SH.path):
            assert len(list(shapes_graph.objects(shape, annotation))) == 1, (
                name(shape),
                annotation,
            )


def test_severities_are_the_three(shapes_graph: Graph) -> None:
    assert set(shapes_graph.objects(None, SH.severity)) == {SH.Violation, SH.Warning, SH.Info}


def test_shapes_are_shacl(shapes_graph: Graph) -> None:
    conforms, _, text = pyshacl.validate(Graph(), shacl_graph=shapes_graph, meta_shacl=True)
    assert conforms, text


def test_sparql_constraints_parse_with_the_prefixes_they_declare(shapes_graph: Graph) -> None:
    declared = {
        str(shapes_graph.value(node, SH.prefix)): str(shapes_graph.value(node, SH.namespace))
        for node in shapes_graph.objects(None, SH.declare)
    }
    assert declared.items() <= PREFIXES.items()
    queries = list(shapes_graph.objects(None, SH.select))
    assert queries
    for query in queries:
        prologue = "".join(f"PREFIX {prefix}: <{iri}> " for prefix, iri in declared.items())
        prepareQuery(prologue + str(query))
        ox.Store().query((prologue + str(query)).replace("$this", "?this"))


def test_every_term_of_ours_is_defined(shapes_graph: Graph, ontology_graph: Graph) -> None:
    used = {term for triple in shapes_graph for term in triple if isinstance(term, URIRef)}
    for query in shapes_graph.objects(None, SH.select):
        words = re.findall(r"[a-z-]+:[A-Za-z0-9-]+", str(query))
        used |= {URIRef(expand(word)) for word in words}
    own = {
        PREFIXES["pen"],
        PREFIXES["vocabulary"],
        *(PREFIXES[p] for p in ("stance", "event-status", "claim-kind", "vote-choice")),
    }
    own_terms = {term for term in used if any(term.startswith(namespace) for namespace in own)}
    assert len(own_terms) > 150
    defined = set(ontology_graph.subjects(TYPE, None))
    assert sorted(map(name, own_terms - defined)) == []


@pytest.mark.parametrize("year", [1896, 1900, 1999, 2000, 2016, 2100])
@pytest.mark.parametrize(("offset", "is_right"), [(0, True), (-1, False), (1, False)])
def test_dates_agree_with_the_calendar(
    year: int, offset: int, is_right: bool, judge: Callable[[Graph, str], list[Result]]
) -> None:
    data = DataGraph()
    for month in range(1, 13):
        node = URIRef(expand(f"event:{year}-{month:02}"))
        first = date(year, month, 1)
        last = date(year, month, calendar.monthrange(year, month)[1]) + timedelta(days=offset)
        for prop, value, datatype in (
            ("pen:edtf", f"{year}-{month:02}", "edtf:EDTF"),
            ("pen:from", first.isoformat(), "xsd:date"),
            ("pen:until", last.isoformat(), "xsd:date"),
        ):
            data.add(
                (node, URIRef(expand(prop)), Literal(value, datatype=URIRef(expand(datatype))))
            )
    found = judge(data, "DatedShape")
    assert len(found) == (0 if is_right else 12)
    assert {result.constraint for result in found} <= {"pensh:DatedShape-datesAgree"}


def test_every_class_in_the_data_has_a_shape(shapes_graph: Graph, ontology_graph: Graph) -> None:
    data = read(*sorted((ROOT / "data").rglob("*.ttl")))
    targets = set(shapes_graph.objects(None, SH.targetClass))
    used = {
        kind for kind in data.objects(None, TYPE) if name(kind).split(":")[0] not in NOT_ENTITIES
    }
    assert len(used) > 30
    sub = URIRef(expand("rdfs:subClassOf"))
    unshaped = [
        name(kind)
        for kind in used
        if targets.isdisjoint(ontology_graph.transitive_objects(kind, sub))
    ]
    assert sorted(unshaped) == []


@pytest.mark.parametrize("path", [*sorted(SHAPES.glob("*.ttl")), *VALID, *INVALID], ids=example_id)
def test_file_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_turtle(text) == text


def targeted(shapes: Graph) -> Iterator[Node]:
    """Yield the shapes that have targets; the others only serve within them."""
    for shape in set(shapes.subjects(TYPE, SH.NodeShape)):
        if any(
            shapes.value(shape, SH[target])
            for target in ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf")
        ):
            yield shape


def constraints(shapes: Graph) -> Iterator[tuple[str, str, str]]:
    """Yield (source shape, component, SPARQL constraint or "-") for all that can give a result."""
    for node_shape in targeted(shapes):
        for shape in [node_shape, *shapes.objects(node_shape, SH.property)]:
            for parameter in set(shapes.predicates(shape)):
                local = str(parameter).removeprefix(PREFIXES["sh"])
                if (
                    local.startswith("target")
                    or local in NOT_CONSTRAINTS
                    or not str(parameter).startswith(PREFIXES["sh"])
                ):
                    continue
                yield name(shape), f"sh:{local[0].upper()}{local[1:]}ConstraintComponent", "-"
            for constraint in shapes.objects(shape, SH.sparql):
                yield name(shape), "sh:SPARQLConstraintComponent", name(constraint)
