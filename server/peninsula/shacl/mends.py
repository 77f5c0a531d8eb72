"""Which small change would make this right, and is that sure?

An edit that may be meant (``candidates``) is made on top of the change, what it can touch is
validated before and after, and it is undone again. It is a mend if the result is gone and no
violation has come in its place; then the author can run it as it stands.
"""

from __future__ import annotations

import io
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox
from rdflib import RDF, Graph, URIRef
from rdflib.term import Node

from peninsula.dataset.delta import Delta, apply, as_stored, net_delta, write_patch
from peninsula.errors import InvalidShapes
from peninsula.shacl.affected import Affected, affected
from peninsula.shacl.candidates import Candidates, Result
from peninsula.shacl.edits import Edit
from peninsula.shacl.model import SH, Path, Predicate, Shapes
from peninsula.shacl.validation import validate_store
from peninsula.shacl.view import GraphName, Statements, Term, from_rdflib

#: An edit that touches more pairs of shape and focus node is no small one.
_MOST_PAIRS: Final = 300
#: Edits tried for one result.
_MOST_TRIES: Final = 12


@dataclass(frozen=True)
class Mend:
    """A small change that is proved to cure a result, to be made after the one that caused it."""

    title: str
    #: From the data with the faulty change to the data with both.
    delta: Delta
    #: The same as a SPARQL 1.1 Update request.
    update: str
    #: The same as an RDF Patch.
    patch: str


def read_results(report: Graph, shapes: Shapes) -> list[Result]:
    """Return the results of a validation report in order, those inside others left out."""
    nodes = (
        node
        for top in report.subjects(RDF.type, SH.ValidationReport)
        for node in report.objects(top, SH.result)
    )
    results = (_read_result(report, node, shapes) for node in nodes)
    return sorted(results, key=lambda r: tuple(map(str, (r.focus, r.shape, r.component, r.value))))


def _read_result(report: Graph, node: Node, shapes: Shapes) -> Result:
    def get(name: str) -> Node | None:
        return report.value(node, SH[name])

    focus, value, source, path = (
        get("focusNode"), get("value"), get("sourceShape"), get("resultPath")
    )  # fmt: skip
    assert focus is not None
    assert source is not None
    shape = shapes.by_node.get(source)
    read: Path | None = Predicate(str(path)) if isinstance(path, URIRef) else None
    return Result(
        focus=from_rdflib(focus),
        path=read or (shape.path if shape else None),
        value=None if value is None else from_rdflib(value),
        component=str(get("sourceConstraintComponent")).removeprefix(SH),
        shape=source,
        constraint=get("sourceConstraint"),
        severity=str(get("resultSeverity")).removeprefix(SH),
        node=str(node),
    )


def find_mends(
    store: ox.Store,
    shapes: Shapes,
    delta: Delta,
    results: Iterable[Result],
    *,
    graphs: Collection[GraphName] | None = None,
    limit_seconds: float = 2.0,
    most_per_result: int = 3,
) -> dict[Result, list[Mend]]:
    """Return the mends of each of ``results`` that has some, the likeliest first.

    ``store`` holds the change ``delta``. It is changed and changed back meanwhile, and is as it was
    afterwards, whatever happens. ``graphs`` are those that are validated (None: all). All
    results have a turn before any has a second; no edit is begun after ``limit_seconds``.
    Edits of blank nodes, which an update cannot name, are left out.
    """
    until = time.monotonic() + limit_seconds
    # An edit is told in the words of the first result that it is made up for; a query says least.
    results = sorted(dict.fromkeys(results), key=lambda r: r.component.startswith("SPARQL"))
    proof = _Proof(store, shapes, graphs)
    candidates = Candidates(store, shapes, delta, graphs)
    mends: dict[Result, dict[_Change, Mend]] = {result: {} for result in results}
    turns = {result: _Turn(candidates.of(result)) for result in results}
    while turns and time.monotonic() < until:
        for result in list(turns):
            if time.monotonic() >= until:
                break
            if len(mends[result]) >= most_per_result or not turns[result].is_open:
                del turns[result]
                continue
            found = turns[result].next()
            if found is None:
                del turns[result]
                continue
            for other, change, mend in proof.cured(found, result, mends):
                if len(mends[other]) < most_per_result:
                    mends[other].setdefault(change, mend)
    return {result: list(found.values()) for result, found in mends.items() if found}


_Change = tuple[frozenset[ox.Quad], frozenset[ox.Quad]]


class _Turn:
    """The edits for one result, as many as are tried."""

    def __init__(self, candidates: Iterator[Edit]) -> None:
        self._candidates = candidates
        self._left = _MOST_TRIES

    @property
    def is_open(self) -> bool:
        return self._left > 0

    def next(self) -> Edit | None:
        self._left -= 1
        return next(self._candidates, None)


class _Proof:
    """Tries edits on a store."""

    def __init__(
        self, store: ox.Store, shapes: Shapes, graphs: Collection[GraphName] | None
    ) -> None:
        self._store = store
        self._shapes = shapes
        self._graphs = graphs
        self._tried: set[_Change] = set()
        #: Focus nodes by shape whose results, without any edit, are in ``_before``.
        self._known: dict[Node, set[Term]] = {}
        self._before: set[tuple[Node, Result]] = set()

    def cured(
        self, edit: Edit, result: Result, wanted: Collection[Result]
    ) -> Iterator[tuple[Result, _Change, Mend]]:
        """Yield which of ``wanted`` the edit cures; nothing where it fails ``result``."""
        delta = self._delta(edit)
        if delta is None:
            return
        change = (frozenset(delta.added), frozenset(delta.removed))
        if change in self._tried:
            return
        self._tried.add(change)
        try:
            gone = self._gone(delta, result)
        except InvalidShapes:
            return  # pySHACL cannot judge what the edit would make.
        if result in gone:
            mend = Mend(edit.title, delta, _to_update(delta), _to_patch(delta))
            for other in wanted:
                if other in gone:
                    yield other, change, mend

    def _delta(self, edit: Edit) -> Delta | None:
        if any(_is_unnameable(quad) for quad in edit.remove | edit.add):
            return None
        delta = net_delta(self._store, remove=edit.remove, add=as_stored(edit.add))
        return None if delta.is_empty else delta

    def _gone(self, delta: Delta, result: Result) -> set[Result]:
        """Return the results that ``delta`` cures; none where it brings a violation."""
        try:
            apply(self._store, delta)
            touched = affected(self._shapes, delta, self._store, graphs=self._graphs)
            if touched.everything or sum(map(len, touched.pairs.values())) > _MOST_PAIRS:
                return set()
            own, others = _split(self._targets(touched), result.focus)
            after = self._validate(own)
            if any(found == result for _, found in after):
                return set()
            after |= self._validate(others)
        finally:
            apply(self._store, delta.inverse())
        self._learn(self._targets(touched))
        if any(found.severity == "Violation" for _, found in after - self._before):
            return set()
        before = {pair for pair in self._before if pair[1].focus in touched.pairs.get(pair[0], ())}
        left = {found for _, found in (self._before - before) | after}
        return {found for _, found in before if found not in left}

    def _targets(self, touched: Affected) -> _Focus:
        return touched.targets(self._shapes, Statements(self._store, self._graphs))

    def _learn(self, focus: _Focus) -> None:
        """See that the results of ``focus`` without any edit are known."""
        new = {
            node: fresh
            for node, terms in focus.items()
            if (fresh := terms - self._known.get(node, set()))
        }
        self._before |= self._validate(new)
        for node, terms in new.items():
            self._known.setdefault(node, set()).update(terms)

    def _validate(self, focus: _Focus) -> set[tuple[Node, Result]]:
        """Return what is found, each with the shape whose focus node it is about."""
        found: set[tuple[Node, Result]] = set()
        for node, terms in focus.items():
            validation = validate_store(
                self._store, self._shapes, graphs=self._graphs, focus={node: terms}
            )
            found.update((node, r) for r in read_results(validation.report, self._shapes))
        return found


#: Shape -> focus nodes of it.
_Focus = dict[Node, frozenset[Term]]


def _split(focus: _Focus, term: Term) -> tuple[_Focus, _Focus]:
    own = {node: frozenset({term}) for node, terms in focus.items() if term in terms}
    others = {node: rest for node, terms in focus.items() if (rest := terms - {term})}
    return own, others


def _is_unnameable(quad: ox.Quad) -> bool:
    parts = (quad.subject, quad.object, quad.graph_name)
    return any(isinstance(part, ox.BlankNode | ox.Triple) for part in parts)


def _to_update(delta: Delta) -> str:
    parts = [
        f"{keyword} {{\n{_rows(quads)}}}"
        for keyword, quads in (("DELETE DATA", delta.removed), ("INSERT DATA", delta.added))
        if quads
    ]
    return " ;\n".join(parts) + "\n"


def _rows(quads: Iterable[ox.Quad]) -> str:
    rows = []
    for quad in quads:
        triple = f"{quad.subject} {quad.predicate} {quad.object} ."
        is_named = isinstance(quad.graph_name, ox.NamedNode)
        rows.append(f"  GRAPH {quad.graph_name} {{ {triple} }}\n" if is_named else f"  {triple}\n")
    return "".join(sorted(rows))


def _to_patch(delta: Delta) -> str:
    sink = io.BytesIO()
    write_patch(delta, sink, {})
    return sink.getvalue().decode()
