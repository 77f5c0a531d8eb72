"""What does a validation report say?

A report is read from the graph that pySHACL writes. Every result says which node is wrong, by
which path and value, which rule it breaks and what would mend it (the shape's own message, and
mends that were proved to work). It says as well how much was looked at: data that no shape is
about conform, and mean nothing by it. Between processes it travels as plain values.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Final

import pyoxigraph as ox
from rdflib import RDF, Graph, Namespace, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.term import BNode, Node

from peninsula.namespaces import PREFIXES, shorten
from peninsula.shacl.view import from_rdflib
from peninsula.turtle import to_rdflib

SH: Final = Namespace(PREFIXES["sh"])
_LABELS: Final = (
    URIRef(PREFIXES["rdfs"] + "label"),
    URIRef(PREFIXES["skos"] + "prefLabel"),
    URIRef(PREFIXES["dcterms"] + "title"),
)
_NAMES: Final = (SH.name, URIRef(PREFIXES["rdfs"] + "label"))
_SEVERITIES: Final = ("Violation", "Warning", "Info")
#: How a step of a path is written in SPARQL.
_MARKS: Final = {"zeroOrMorePath": "*", "oneOrMorePath": "+", "zeroOrOnePath": "?"}
#: Shapes are nested no deeper than this where their names are looked for.
_DEEPEST: Final = 20


@dataclass(frozen=True)
class Mend:
    """A minimal edit that makes a result go away, as SPARQL Update and as RDF Patch."""

    title: str
    update: str = ""
    patch: str = ""


@dataclass(frozen=True)
class ValidationResult:
    """One thing that a shape found wrong.

    Names are short (``pen:from``), terms are as in N-Triples, and the path term is a path of
    SPARQL with IRIs in full. ``file`` and ``line`` say where it was submitted, where known.
    """

    severity: str
    focus_node: str
    label: str
    path: str
    value: str
    message: str
    source_shape: str
    constraint_component: str
    shape_label: str = ""
    focus_term: str = ""
    path_term: str = ""
    value_term: str = ""
    shape_term: str = ""
    file: str = ""
    line: int = 0
    mends: tuple[Mend, ...] = ()
    #: The blank node that stands for the result in the report's graph.
    node: str = field(default="", compare=False)

    @property
    def sort_key(self) -> tuple[object, ...]:
        is_known = self.severity in _SEVERITIES
        rank = _SEVERITIES.index(self.severity) if is_known else len(_SEVERITIES)
        return (rank, self.focus_node, self.path, self.source_shape, self.value, self.message)

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values."""
        plain = asdict(self)
        plain["mends"] = [asdict(mend) for mend in self.mends]
        return plain

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ValidationResult:
        """Return the result that :meth:`to_json` told of."""
        known = {name: values[name] for name in _FIELDS if name in values}
        return cls(**{**known, "mends": tuple(Mend(**mend) for mend in known.get("mends", ()))})


_FIELDS: Final = tuple(item.name for item in fields(ValidationResult))


@dataclass(frozen=True)
class ValidationReport:
    """Everything the shapes found wrong; a warning does not keep data from conforming.

    ``source`` is the report in the terms of SHACL, as a graph or as N-Triples.
    """

    results: tuple[ValidationResult, ...]
    source: Graph | str = field(repr=False)
    #: Name of each shape with targets -> how many focus nodes of it were in question.
    targets: Mapping[str, int] = field(default_factory=dict)
    #: Pairs of shape and focus node that pySHACL looked at itself; None: not counted.
    judged: int | None = None
    seconds: float | None = None
    #: Violations of before that a change mends, and those that stay.
    cured: int = 0
    debt: int = 0

    @cached_property
    def graph(self) -> Graph:
        """Return the report in the terms of SHACL."""
        if isinstance(self.source, Graph):
            return self.source
        graph = Graph(bind_namespaces="none")
        for quad in ox.parse(self.source, format=ox.RdfFormat.N_TRIPLES):
            graph.add(tuple(map(to_rdflib, (quad.subject, quad.predicate, quad.object))))  # type: ignore[arg-type]
        return graph

    @cached_property
    def ntriples(self) -> str:
        """Return the report in the terms of SHACL, as N-Triples."""
        if isinstance(self.source, str):
            return self.source
        return self.source.serialize(format="nt", encoding="utf-8").decode()

    @property
    def conforms(self) -> bool:
        return not self.violations

    @property
    def violations(self) -> int:
        return self._count("Violation")

    @property
    def warnings(self) -> int:
        return len(self.results) - self.violations

    def _count(self, severity: str) -> int:
        return sum(result.severity == severity for result in self.results)

    @property
    def focus_nodes(self) -> int:
        """Return how many focus nodes were in question, once for each shape that targets them."""
        return sum(self.targets.values())

    @property
    def unmatched(self) -> list[str]:
        """Return the shapes that were about nothing in question."""
        return sorted(name for name, count in self.targets.items() if not count)

    @property
    def summary(self) -> str:
        """Return one line: ``Does not conform: 2 violations, 1 warning.``"""
        verdict = "Conforms" if self.conforms else "Does not conform"
        counts = [plural(self.violations, "violation"), plural(self.warnings, "warning")]
        return f"{verdict}: {', '.join(counts)}."

    @property
    def coverage(self) -> str:
        """Return one line that says what was looked at; empty where that is not known."""
        if not self.targets:
            return ""
        seconds = f" in {self.seconds:.2f} s" if self.seconds is not None else ""
        if not self.focus_nodes:
            return f"Vacuous: none of {plural(len(self.targets), 'shape')} is about any of it."
        shapes = plural(len(self.targets) - len(self.unmatched), "shape")
        nothing = f"; {len(self.unmatched)} others matched nothing" if self.unmatched else ""
        return f"{plural(self.focus_nodes, 'focus node')} of {shapes}{seconds}{nothing}."

    def only(self, results: Iterable[ValidationResult]) -> ValidationReport:
        """Return the report with no other ``results`` than these, which are among its own."""
        kept = tuple(results)
        gone = {r.node for r in self.results} - {r.node for r in kept} - {""}
        quads = [
            quad
            for quad in ox.parse(self.ntriples, format=ox.RdfFormat.N_TRIPLES)
            if str(quad.subject) not in gone
            and not (str(quad.object) in gone and quad.predicate == _RESULT)
        ]
        report = replace(self, results=kept)
        return replace(report, source=_to_ntriples(_concluded(quads, conforms=report.conforms)))

    def including(self, findings: Sequence[ValidationResult]) -> ValidationReport:
        """Return the report with ``findings`` that no shape made."""
        if not findings:
            return self
        results = sorted([*self.results, *findings], key=lambda r: r.sort_key)
        report = replace(self, results=tuple(results))
        quads = list(ox.parse(self.ntriples, format=ox.RdfFormat.N_TRIPLES))
        whole = next((q.subject for q in quads if q.object == _REPORT), ox.BlankNode())
        if not any(q.object == _REPORT for q in quads):
            quads.append(ox.Quad(whole, _TYPE, _REPORT))
            quads.append(ox.Quad(whole, _CONFORMS, ox.Literal(value=True)))
        for finding in findings:
            quads.extend(_describe(finding, whole))
        return replace(report, source=_to_ntriples(_concluded(quads, conforms=report.conforms)))

    def map(self, change: Callable[[ValidationResult], ValidationResult]) -> ValidationReport:
        """Return the report with ``change`` made to each result, in their order."""
        return replace(self, results=tuple(map(change, self.results)))

    def to_json(self, *, with_graph: bool = True) -> dict[str, Any]:
        """Return the report as plain values, its graph as N-Triples."""
        plain: dict[str, Any] = {
            "conforms": self.conforms,
            "violations": self.violations,
            "warnings": self.warnings,
            "results": [result.to_json() for result in self.results],
            "focus_nodes": self.focus_nodes,
            "targets": dict(self.targets),
            "unmatched": self.unmatched,
            "judged": self.judged,
            "cured": self.cured,
            "debt": self.debt,
            "seconds": self.seconds,
        }
        return {**plain, "graph": self.ntriples} if with_graph else plain

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ValidationReport:
        """Return the report that :meth:`to_json` told of; what else it is told is passed over."""
        return cls(
            tuple(ValidationResult.from_json(result) for result in values.get("results", ())),
            values.get("graph", ""),
            dict(values.get("targets", {})),
            values.get("judged"),
            values.get("seconds"),
            values.get("cured", 0),
            values.get("debt", 0),
        )


_TYPE: Final = ox.NamedNode(str(RDF.type))
_REPORT: Final = ox.NamedNode(str(SH.ValidationReport))
_RESULT: Final = ox.NamedNode(str(SH.result))
_CONFORMS: Final = ox.NamedNode(str(SH.conforms))


def _describe(finding: ValidationResult, report: Any) -> Iterator[ox.Quad]:
    node = ox.BlankNode()
    yield ox.Quad(report, _RESULT, node)
    yield ox.Quad(node, _TYPE, ox.NamedNode(str(SH.ValidationResult)))
    for name, text in (
        ("focusNode", finding.focus_term),
        ("resultPath", finding.path_term),
        ("value", finding.value_term),
        ("sourceShape", finding.shape_term),
        ("resultSeverity", f"<{SH[finding.severity]}>"),
        ("sourceConstraintComponent", f"<{_expand(finding.constraint_component)}>"),
    ):
        if text:
            line = f"<x:s> <{SH[name]}> {text} ."
            quad = next(iter(ox.parse(line, format=ox.RdfFormat.N_TRIPLES)))
            yield ox.Quad(node, quad.predicate, quad.object)
    message = ox.Literal(finding.message, language="en")
    yield ox.Quad(node, ox.NamedNode(str(SH.resultMessage)), message)


def _expand(component: str) -> str:
    prefix, colon, local = component.partition(":")
    return PREFIXES[prefix] + local if colon and prefix in PREFIXES else str(SH[component])


def _concluded(quads: Iterable[ox.Quad], *, conforms: bool) -> Iterator[ox.Quad]:
    """Yield ``quads`` with sh:conforms as it is."""
    for quad in quads:
        is_verdict = quad.predicate == _CONFORMS
        yield ox.Quad(quad.subject, _CONFORMS, ox.Literal(conforms)) if is_verdict else quad


def _to_ntriples(quads: Iterable[ox.Quad]) -> str:
    output = io.BytesIO()
    ox.serialize(quads, output, ox.RdfFormat.N_TRIPLES)
    return output.getvalue().decode()


def read_report(
    graph: Graph,
    data: Graph,
    shapes: Graph | None = None,
    *,
    targets: Mapping[str, int] | None = None,
    judged: int | None = None,
    seconds: float | None = None,
) -> ValidationReport:
    """Return the report in ``graph``; labels of focus nodes are looked up in ``data``.

    Shapes without a name of their own are named after those in ``shapes`` that they belong to.
    """
    nodes = [node for report in graph.subjects(RDF.type, SH.ValidationReport)
             for node in graph.objects(report, SH.result)]  # fmt: skip
    results = (_read_result(graph, node, data, shapes) for node in nodes)
    return ValidationReport(
        tuple(sorted(results, key=lambda r: r.sort_key)), graph, targets or {}, judged, seconds
    )


def _read_result(graph: Graph, node: Node, data: Graph, shapes: Graph | None) -> ValidationResult:
    focus = graph.value(node, SH.focusNode)
    path, shape = graph.value(node, SH.resultPath), graph.value(node, SH.sourceShape)
    messages = sorted(graph.objects(node, SH.resultMessage), key=_english_first)
    return ValidationResult(
        severity=_local(graph.value(node, SH.resultSeverity)),
        focus_node=_name(focus),
        label=_label(data, focus, _LABELS),
        path=path_text(graph, path),
        value=_name(graph.value(node, SH.value)),
        message=str(messages[0]) if messages else "",
        source_shape=shape_name(shape, shapes),
        constraint_component=_local(graph.value(node, SH.sourceConstraintComponent)),
        shape_label=_label(shapes if shapes is not None else graph, shape, _NAMES),
        focus_term=_term(focus),
        path_term=path_text(graph, path, _term),
        value_term=_term(graph.value(node, SH.value)),
        shape_term=_term(shape),
        node=_term(node),
    )


def shape_name(shape: Node | None, shapes: Graph | None = None, depth: int = 0) -> str:
    """Return the short name of a shape.

    One without a name is called after the shape that it belongs to, and its path:
    ``pensh:SummitShape/pen:from``.
    """
    if not isinstance(shape, BNode) or shapes is None or depth > _DEEPEST:
        return _name(shape)
    owners = sorted(o for o in shapes.subjects(None, shape) if isinstance(o, URIRef | BNode))
    if not owners:
        return _name(shape)
    owner = shape_name(owners[0], shapes, depth + 1)
    path = path_text(shapes, shapes.value(shape, SH.path))
    return f"{owner}/{path}" if path else owner


def path_text(
    graph: Graph, path: Node | None, write: Callable[[Node | None], str] | None = None
) -> str:
    """Return a SHACL path in the syntax of SPARQL, IRIs as ``write`` has them (default: short)."""
    write = write or _name
    if path is None:
        return ""
    if isinstance(path, URIRef):
        return write(path)
    if (inverse := graph.value(path, SH.inversePath)) is not None:
        return f"^{path_text(graph, inverse, write)}"
    if (alternatives := graph.value(path, SH.alternativePath)) is not None:
        steps = [path_text(graph, step, write) for step in graph.items(alternatives)]
        return f"({'|'.join(steps)})"
    for name, mark in _MARKS.items():
        if (inner := graph.value(path, SH[name])) is not None:
            return f"{path_text(graph, inner, write)}{mark}"
    return "/".join(path_text(graph, step, write) for step in graph.items(path))


def count_targets(
    shapes: Collection[Node], focus: Mapping[Node, Collection[object]], graph: Graph
) -> dict[str, int]:
    """Return how many focus nodes each of ``shapes`` has, by its name; ``graph`` holds them."""
    counts: dict[str, int] = {}
    for node in shapes:
        name = shape_name(node, graph)
        counts[name] = counts.get(name, 0) + len(focus.get(node, ()))
    return dict(sorted(counts.items()))


def _name(term: Node | None) -> str:
    if term is None:
        return ""
    return shorten(str(term)) if isinstance(term, URIRef) else _term(term)


def _term(term: Node | None) -> str:
    """Return a term as in N-Triples."""
    if term is None:
        return ""
    try:
        return str(from_rdflib(term))
    except ValueError:
        return str(term.n3())


def _local(term: Node | None) -> str:
    return shorten(str(term or "")).removeprefix("sh:")


def _label(data: Graph, node: Node | None, properties: Iterable[URIRef]) -> str:
    if node is None:
        return ""
    labels: Iterable[Node] = [o for p in properties for o in data.objects(node, p)]
    return str(next(iter(sorted(labels, key=_english_first)), ""))


def _english_first(term: Node) -> tuple[bool, str]:
    return (not (isinstance(term, RdfLiteral) and term.language == "en"), str(term))


def plural(number: int, noun: str) -> str:
    """Return ``1 shape``, ``2 shapes``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
