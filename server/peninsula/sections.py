"""Which tables belong to a thing: its offices, meetings, votes, positions, claims, and so on?

What points at a thing decides, not its class: whatever has tenures shows tenures, things of
somebody's own class, too. A section is a property that points here, with the columns that its
nodes are read by. The page of a thing has the beginning of each; one section alone is paged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select
from peninsula.edtf import write_edtf
from peninsula.labels import name_of
from peninsula.namespaces import expand
from peninsula.provenance import (
    INFERRED,
    Provenance,
    Statement,
    Statements,
    read_statements,
    tell_provenance,
    terms_of,
)
from peninsula.section_specs import CLAIM, NARROWED_BY, Spec
from peninsula.tables import Cell, make_cell
from peninsula.terms import day_of, value_of

#: Nodes that point at a thing and are counted; beyond, the page says “more than”.
MOST_COUNTED: Final = 20_000
#: Rows that are put into the order of time; more of them stand as the engine finds them.
MOST_ORDERED: Final = 5000
#: Rows of one section alone.
ON_A_PAGE: Final = 50

_TIMES: Final = tuple(
    expand(name)
    for name in (
        "pen:edtf", "pen:inferredEdtf", "pen:from", "pen:until", "pen:adoptionDate", "pen:votedOn",
    )
)  # fmt: skip
_EDTF, _INFERRED_EDTF, _FROM, _UNTIL, _ADOPTED, _VOTED = _TIMES
_COUNTS: Final = """
SELECT ?property ?isClaim ?isPosition (COUNT(*) AS ?count) WHERE {{
  {{ SELECT DISTINCT ?property ?thing WHERE {{
    {{ GRAPH ?graph {{ ?thing ?property {iri} }} FILTER(?graph != graph:inferred) }}
    UNION {{
      ?thing ?property {iri} FILTER NOT EXISTS {{ GRAPH ?any {{ ?thing ?property {iri} }} }}
    }}
    FILTER(isIRI(?thing))
  }} LIMIT {limit} }}
  BIND(EXISTS {{ ?thing a pen:Claim }} AS ?isClaim)
  BIND(EXISTS {{ ?thing a pen:PolicyPosition }} AS ?isPosition)
}}
GROUP BY ?property ?isClaim ?isPosition
"""
_NODES: Final = """
  {{ SELECT ("{key}" AS ?section) ?node (MIN(?time) AS ?first) WHERE {{
    ?node {property} {iri} . FILTER(isIRI(?node)) {restrictions}
    OPTIONAL {{ ?node {timed_by}(pen:from|pen:adoptionDate|pen:votedOn) ?time }}
  }} GROUP BY ?node ORDER BY ?first ?node LIMIT {limit} OFFSET {offset} }}
"""
_UNORDERED: Final = """
  {{ SELECT DISTINCT ("{key}" AS ?section) ?node WHERE {{
    ?node {property} {iri} . FILTER(isIRI(?node)) {restrictions}
  }} LIMIT {limit} OFFSET {offset} }}
"""
_CHOICES: Final = """
SELECT ?value (COUNT(DISTINCT ?node) AS ?count) WHERE {{
  ?node {property} {iri} . {restrictions} ?node {by} ?value FILTER(isIRI(?value))
}} GROUP BY ?value ORDER BY DESC(?count) ?value LIMIT 200
"""
_LINKED: Final = (
    "SELECT ?node ?linked WHERE {{ VALUES ?node {{ {nodes} }} ?node {path} ?linked }} LIMIT 5000"
)


@dataclass(frozen=True)
class Time:
    """When something was: as the source gives it, and as days to compare."""

    text: str = ""
    start: date | None = None
    end: date | None = None
    #: Whether an editor worked it out.
    is_inferred: bool = False


@dataclass(frozen=True)
class Entry:
    """A row of a section."""

    #: What it is about, and the node that says it.
    thing: Cell
    node: Cell
    #: By the key of the column.
    values: dict[str, tuple[Cell, ...]]
    time: Time
    provenance: Provenance


@dataclass(frozen=True)
class Section:
    """Rows about a thing."""

    spec: Spec
    #: How many there are; ``is_cut`` where they were not all counted.
    count: int
    is_cut: bool
    rows: tuple[Entry, ...]
    #: Keys of the columns that have any value.
    columns: tuple[str, ...] = ()
    has_times: bool = False

    @property
    def key(self) -> str:
        return self.spec.key

    @property
    def is_whole(self) -> bool:
        """Whether every row is shown."""
        return len(self.rows) == self.count

    @property
    def groups(self) -> dict[str, list[Entry]]:
        """Return the rows by the value that groups them, an empty string where there is none."""
        found: dict[str, list[Entry]] = {}
        for row in self.rows:
            cells = row.values.get(self.spec.groups, ())
            found.setdefault(cells[0].iri if cells else "", []).append(row)
        return found


@dataclass(frozen=True)
class Pointers:
    """What points at a thing, counted."""

    #: By property.
    counts: dict[str, int]
    #: By property: claims among them, positions among them.
    claims: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    is_cut: bool = False

    def count(self, spec: Spec) -> int:
        """Return how many rows a section has."""
        counts = {"pen:Claim": self.claims, "pen:PolicyPosition": self.positions}
        return counts.get(spec.only, self.counts).get(expand(spec.property), 0)


def count_pointers(dataset: Dataset, iri: ox.NamedNode) -> Pointers:
    """Return how many things point at ``iri``, by property."""
    counts: dict[str, int] = {}
    claims: dict[str, int] = {}
    positions: dict[str, int] = {}
    query = _COUNTS.format(iri=iri, limit=MOST_COUNTED + 1)
    for property, is_claim, is_position, count in select(dataset, query):
        name, number = value_of(property), int(value_of(count) or 0)
        if not name:
            continue  # the one row of an empty group
        counts[name] = counts.get(name, 0) + number
        if value_of(is_claim) == "true":
            claims[name] = claims.get(name, 0) + number
        if value_of(is_position) == "true":
            positions[name] = positions.get(name, 0) + number
    total = sum(counts.values())
    return Pointers(counts, claims, positions, total > MOST_COUNTED)


@dataclass
class Draft:
    """Sections whose nodes have been read, and that wait for labels."""

    nodes: dict[str, list[str]]
    said: Statements
    #: By section: node -> what the row is about.
    about: dict[str, dict[str, str]]
    linked: dict[tuple[str, str], list[str]]

    def terms(self) -> set[Term]:
        """Return what needs a label."""
        found: set[Term] = {ox.NamedNode(node) for nodes in self.nodes.values() for node in nodes}
        for statements in self.said.values():
            found |= terms_of(statements)
        return found | {ox.NamedNode(i) for some in self.about.values() for i in some.values()}


def draft_sections(
    dataset: Dataset, iri: ox.NamedNode, specs: Sequence[Spec], pointers: Pointers, *,
    is_short: bool, page: int = 1, narrowed: dict[str, str] | None = None,
) -> Draft:  # fmt: skip
    """Read the nodes of the rows of ``specs``, and everything said of them."""
    nodes: dict[str, list[str]] = {spec.key: [] for spec in specs}
    counts = {spec.key: pointers.count(spec) for spec in specs}
    if specs:
        parts = [
            (_NODES if counts.get(spec.key, 0) <= MOST_ORDERED else _UNORDERED).format(
                key=spec.key,
                property=spec.property,
                iri=iri,
                restrictions=_restrict(spec, narrowed or {}),
                timed_by=f"{spec.timed_by}/" if spec.timed_by else "",
                limit=spec.short if is_short else ON_A_PAGE,
                offset=0 if is_short else (page - 1) * ON_A_PAGE,
            )
            for spec in specs
        ]
        body = "UNION".join(parts)
        for section, node in select(dataset, f"SELECT ?section ?node WHERE {{ {body} }}"):
            if isinstance(node, ox.NamedNode):
                nodes[value_of(section)].append(node.value)
    said = read_statements(dataset, {node for some in nodes.values() for node in some})
    draft = Draft(nodes, said, {}, {})
    _follow(dataset, specs, draft)
    return draft


def _follow(dataset: Dataset, specs: Iterable[Spec], draft: Draft) -> None:
    """Read what the columns and the times are that stand one step further."""
    further: set[str] = set()
    for spec in specs:
        steps = {column.via for column in spec.columns if column.via} | {spec.timed_by, spec.about}
        for step in steps - {""}:
            if step.startswith("^"):
                _link(dataset, draft, step, draft.nodes[spec.key])
            for node in draft.nodes[spec.key]:
                further.update(_step(draft, node, step))
        if spec.about:
            draft.about[spec.key] = {
                node: found[0]
                for node in draft.nodes[spec.key]
                if (found := _step(draft, node, spec.about))
            }
    missing = further - draft.said.keys()
    if missing:
        draft.said = {**draft.said, **read_statements(dataset, missing)}


def _link(dataset: Dataset, draft: Draft, step: str, nodes: Iterable[str]) -> None:
    names = " ".join(str(ox.NamedNode(node)) for node in nodes)
    for node, linked in select(dataset, _LINKED.format(nodes=names, path=step)):
        if isinstance(linked, ox.NamedNode):
            found = draft.linked.setdefault((value_of(node), step), [])
            if linked.value not in found:
                found.append(linked.value)


def _step(draft: Draft, node: str, step: str) -> list[str]:
    """Return the things to which ``step`` leads from ``node``."""
    if step.startswith("^"):
        return draft.linked.get((node, step), [])
    property = expand(step)
    return list(
        dict.fromkeys(
            s.value.value
            for s in draft.said.get(node, ())
            if s.property == property and isinstance(s.value, ox.NamedNode)
        )
    )


def finish_sections(
    draft: Draft, iri: str, specs: Sequence[Spec], pointers: Pointers, labels: dict[str, str],
    language: str,
) -> list[Section]:  # fmt: skip
    """Return the sections, once everything has its label."""
    sections = []
    for spec in specs:
        rows = tuple(
            _row(draft, spec, node, iri, labels, language) for node in draft.nodes[spec.key]
        )
        if not rows:
            continue
        columns = tuple(
            column.key for column in spec.columns if any(row.values.get(column.key) for row in rows)
        )
        has_times = any(row.time.text for row in rows)
        sections.append(
            Section(spec, pointers.count(spec), pointers.is_cut, rows, columns, has_times)
        )
    return sections


def _row(
    draft: Draft, spec: Spec, node: str, iri: str, labels: dict[str, str], language: str
) -> Entry:
    statements = draft.said.get(node, [])
    thing = draft.about.get(spec.key, {}).get(node, node)
    values: dict[str, tuple[Cell, ...]] = {}
    for column in spec.columns:
        if not column.property:
            values[column.key] = (Cell(name_of(thing, labels), thing),)
            continue
        starts = _step(draft, node, column.via) if column.via else [node]
        found = [s for start in starts for s in draft.said.get(start, ())]
        values[column.key] = _cells(found, column.property, iri, labels, language)
    timed = _step(draft, node, spec.timed_by) if spec.timed_by else [node]
    return Entry(
        Cell(name_of(thing, labels), thing),
        Cell(name_of(node, labels), node),
        values,
        read_time(s for start in timed for s in draft.said.get(start, ())),
        tell_provenance(node, statements, labels),
    )


def _cells(
    statements: Iterable[Statement], name: str, iri: str, labels: dict[str, str], language: str
) -> tuple[Cell, ...]:
    property = expand(name)
    # A class that only the rules add says less than those that are stated.
    found = {
        make_cell(s.value, labels)
        for s in statements
        if s.property == property and not (name == "rdf:type" and s.graph == INFERRED)
    }
    # The thing of the page itself is no news; texts are wanted in one language.
    found = {cell for cell in found if cell.iri != iri}
    texts = {cell for cell in found if not cell.iri and cell.language}
    if texts:
        order = (language, "en")
        best = min(order.index(c.language) if c.language in order else 9 for c in texts)
        found -= {
            c for c in texts if (order.index(c.language) if c.language in order else 9) != best
        }
    return tuple(sorted(found, key=lambda cell: (cell.text.casefold(), cell.iri)))


def list_choices(
    dataset: Dataset, iri: ox.NamedNode, spec: Spec, narrowed: dict[str, str]
) -> dict[str, list[tuple[str, int]]]:
    """Return by what the rows of a section can be narrowed: values with their numbers."""
    if spec.only not in {"pen:Claim", "pen:PolicyPosition"} and spec.columns != CLAIM:
        return {}
    found: dict[str, list[tuple[str, int]]] = {}
    for key, property in NARROWED_BY.items():
        if property == spec.property or (key == "kind" and spec.only == "pen:PolicyPosition"):
            continue
        others = {name: value for name, value in narrowed.items() if name != key}
        query = _CHOICES.format(
            property=spec.property, iri=iri, restrictions=_restrict(spec, others), by=property
        )
        counted = [(value_of(v), int(value_of(n) or 0)) for v, n in select(dataset, query)]
        if len(counted) > 1 or key in narrowed:
            found[key] = counted
    return found


def count_narrowed(
    dataset: Dataset, iri: ox.NamedNode, spec: Spec, narrowed: dict[str, str]
) -> int:
    """Return how many rows are left."""
    query = (
        "SELECT (COUNT(*) AS ?count) WHERE { SELECT DISTINCT ?node WHERE { "
        f"?node {spec.property} {iri} . {_restrict(spec, narrowed)} }} LIMIT {MOST_COUNTED + 1} }}"
    )
    return int(value_of(next(iter(select(dataset, query)))[0]) or 0)


def write_query(iri: ox.NamedNode, spec: Spec, narrowed: dict[str, str]) -> str:
    """Return a query that finds the rows of a section, each column with a variable."""
    lines = [f"?node {spec.property} {iri} ."]
    lines += [part for part in (_restrict(spec, narrowed),) if part]
    names = []
    for column in spec.columns:
        if column.property:
            name = re.sub(r"-(\w)", lambda match: match[1].upper(), column.key)
            path = f"{column.via}/{column.property}" if column.via else column.property
            lines.append(f"OPTIONAL {{ ?node {path} ?{name} }}")
            names.append(f"?{name}")
    timed_by = f"{spec.timed_by}/" if spec.timed_by else ""
    lines.append(f"OPTIONAL {{ ?node {timed_by}(pen:edtf|pen:inferredEdtf) ?when }}")
    body = "".join(f"  {line}\n" for line in lines)
    return (
        f"SELECT DISTINCT ?node {' '.join(names)} ?when WHERE {{\n{body}}}\nORDER BY ?when ?node\n"
    )


def _restrict(spec: Spec, narrowed: dict[str, str]) -> str:
    parts = [f"?node a {spec.only} ."] if spec.only else []
    parts += [
        f"?node {NARROWED_BY[key]} {ox.NamedNode(value)} ."
        for key, value in narrowed.items()
        if key in NARROWED_BY
    ]
    return " ".join(parts)


# Times.


def read_time(statements: Iterable[Statement]) -> Time:
    """Return the time that ``statements`` tell of their subject."""
    found: dict[str, str] = {}
    for statement in statements:
        if statement.property in _TIMES and isinstance(statement.value, ox.Literal):
            found.setdefault(statement.property, statement.value.value)
    day = found.get(_ADOPTED) or found.get(_VOTED, "")
    start, end = found.get(_FROM, day), found.get(_UNTIL, day)
    edtf = found.get(_EDTF) or found.get(_INFERRED_EDTF, "")
    text = write_edtf(edtf or (f"{start}/{end}" if start or end else ""))
    return Time(text, day_of(start), day_of(end), _EDTF not in found and _INFERRED_EDTF in found)
