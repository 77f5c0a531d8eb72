"""What exactly does a change add to a dataset and remove from it?

A delta is net and exact: what it adds was not there before, what it removes was, so that its
inverse undoes it and two in a row make one. On disk and on the wire it is an RDF Patch
(https://afs.github.io/rdf-patch/), whose rows the engine itself reads and writes. Named graphs
that come to be without a statement, and those that cease, are told in headers:
``H graph-created <g> .`` and ``H graph-dropped <g> .``
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Final, TypeVar

import pyoxigraph as ox

from peninsula.errors import InvalidUpload, QueryForbidden

GraphName = ox.NamedNode | ox.BlankNode
AnyGraph = ox.NamedNode | ox.BlankNode | ox.DefaultGraph
Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
_T = TypeVar("_T")

_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"
#: Rows that are serialised at once, so that memory stays flat.
_ROWS: Final = 50_000
_PROBE: Final = ox.NamedNode("urn:x")

#: A line of a patch that is neither a row nor empty.
_CONTROL: Final = re.compile(rb"(?m)^(?![ \t]*[AD][ \t])[ \t]*[^\s][^\n]*$")
_LETTER: Final = re.compile(rb"(?m)^[ \t]*([AD])[ \t]+")
_HEADER: Final = re.compile(r"H[ \t]+([A-Za-z][\w-]*)[ \t]+(.+?)[ \t]*\.?\s*", re.DOTALL)
_MARKS: Final = re.compile(r"(?:TX|TC)[ \t]*\.?\s*")
_PREFIX_ROW: Final = re.compile(
    r"(?:PA[ \t]+(?:\"[^\"]*\"|[\w.-]*:?)[ \t]+<[^<>\s]*>|PD[ \t]+(?:\"[^\"]*\"|[\w.-]*:?))"
    r"[ \t]*\.?\s*"
)
_PARSER_POSITION: Final = re.compile(r"^Parser error[^:]*: ")
#: A blank node as Jena writes it in a patch; a string first, so that none is looked into.
_BLANK_IN_IRI: Final = re.compile(rb"\"(?:[^\"\\]|\\.)*+\"|<_:([^>\s]*)>")


@dataclass(slots=True)
class Delta:
    """Quads added and removed; named graphs that came to be and that ceased.

    A graph that comes to be with its first statements is in ``created`` as well; one in
    ``dropped`` has all of its statements in ``removed``.
    """

    added: set[ox.Quad] = field(default_factory=set)
    removed: set[ox.Quad] = field(default_factory=set)
    created: set[GraphName] = field(default_factory=set)
    dropped: set[GraphName] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.created or self.dropped)

    def inverse(self) -> Delta:
        """Return what undoes this delta; shares its sets."""
        return Delta(self.removed, self.added, self.dropped, self.created)

    def then(self, later: Delta) -> Delta:
        """Return what this delta and ``later``, which starts where this one ends, do together."""
        whole = Delta(set(self.added), set(self.removed), set(self.created), set(self.dropped))
        whole.absorb(later)
        return whole

    def absorb(self, later: Delta) -> None:
        """Make this delta ``self.then(later)``; costs no more than ``later`` is large."""
        _compose(self.added, self.removed, later.added, later.removed)
        _compose(self.created, self.dropped, later.created, later.dropped)

    def graphs(self) -> set[AnyGraph]:
        """Return the names of the graphs that change, the default graph's among them."""
        names: set[AnyGraph] = {quad.graph_name for quad in self.added}
        names.update(quad.graph_name for quad in self.removed)
        return names | self.created | self.dropped


def _compose(added: set[_T], removed: set[_T], plus: set[_T], minus: set[_T]) -> None:
    """Put what is added and removed later on top of what was before."""
    for item in minus:
        if item in added:
            added.remove(item)
        else:
            removed.add(item)
    for item in plus:
        if item in removed:
            removed.remove(item)
        else:
            added.add(item)


def net_delta(
    store: ox.Store,
    *,
    remove: Collection[ox.Quad] = (),
    add: Collection[ox.Quad] = (),
    drop: Iterable[GraphName] = (),
) -> Delta:
    """Return what removing ``remove`` and then adding ``add`` would change; changes nothing.

    Graphs in ``drop`` cease unless something is added to them; their statements must be in
    ``remove``. Quads must be as the store would give them: see ``as_stored``.
    """
    add = add if isinstance(add, set | frozenset) else set(add)
    added = {quad for quad in add if quad not in store}
    removed = {quad for quad in remove if quad not in add and quad in store}
    touched = {quad.graph_name for quad in added}
    created = {
        graph
        for graph in touched
        if not isinstance(graph, ox.DefaultGraph) and not store.contains_named_graph(graph)
    }
    dropped = {graph for graph in drop if store.contains_named_graph(graph)}
    if dropped:
        dropped -= {quad.graph_name for quad in add}
    return Delta(added, removed, created, dropped)


def as_stored(quads: Iterable[ox.Quad]) -> list[ox.Quad]:
    """Return ``quads`` in their order as a store would give them back.

    Oxigraph stores a literal by its value: ``"01"^^xsd:integer`` comes back as ``1``.
    """
    quads = list(quads)
    objects = {quad.object for quad in quads}
    suspects = [term for term in objects if _may_differ(term)]
    if not suspects:
        return quads
    scratch = ox.Store()
    scratch.extend(
        ox.Quad(ox.NamedNode(f"urn:x:{number}"), _PROBE, term)
        for number, term in enumerate(suspects)
    )
    stored = {suspects[int(quad.subject.value[6:])]: quad.object for quad in scratch}
    changed = {term: value for term, value in stored.items() if value != term}
    if not changed:
        return quads
    return [
        ox.Quad(quad.subject, quad.predicate, changed[quad.object], quad.graph_name)
        if quad.object in changed
        else quad
        for quad in quads
    ]


def _may_differ(term: Term) -> bool:
    if isinstance(term, ox.Literal):
        return term.language is None and term.datatype.value != _STRING
    return isinstance(term, ox.Triple)


def apply(store: ox.Store, delta: Delta) -> None:
    """Make the change; safe to repeat, so that one broken off can be undone or finished."""
    dropped = delta.dropped
    for graph in dropped:
        store.remove_graph(graph)
    for quad in delta.removed:
        # Removing one by one is as fast as one DELETE DATA, which takes no blank nodes.
        if not dropped or quad.graph_name not in dropped:
            store.remove(quad)
    if delta.added:
        store.extend(delta.added)
    for graph in delta.created:
        store.add_graph(graph)


def diff(before: ox.Store, after: ox.Store) -> Delta:
    """Return what leads from one store to another; blank nodes are the same by their ids."""
    graphs_before, graphs_after = set(before.named_graphs()), set(after.named_graphs())
    return Delta(
        added={quad for quad in after if quad not in before},
        removed={quad for quad in before if quad not in after},
        created=graphs_after - graphs_before,
        dropped=graphs_before - graphs_after,
    )


def keep_to(delta: Delta, graph: str) -> None:
    """Raise QueryForbidden where ``delta`` touches another graph than ``graph``."""
    others = delta.graphs() - {ox.NamedNode(graph)}
    if others:
        names = sorted(
            "the default graph" if isinstance(name, ox.DefaultGraph) else str(name)
            for name in others
        )
        raise QueryForbidden(
            f"This changes {', '.join(names[:3])}{' …' if len(names) > 3 else ''}, but was sent "
            f"to <{graph}>.",
            "Send it to the address for updates of the whole dataset.",
        )


def write_patch(delta: Delta, sink: IO[bytes], headers: Mapping[str, str]) -> None:
    """Write ``delta`` as an RDF Patch; the values of ``headers`` are terms as in N-Triples.

    Blank nodes keep the store's own ids.
    """
    lines = [f"H {name} {term} ." for name, term in headers.items()]
    filled = {quad.graph_name for quad in delta.added}
    lines += sorted(f"H graph-created {graph} ." for graph in delta.created - filled)
    lines += sorted(f"H graph-dropped {graph} ." for graph in delta.dropped)
    sink.write("\n".join([*lines, "TX .", ""]).encode())
    for letter, quads in ((b"D ", delta.removed), (b"A ", delta.added)):
        rest = iter(quads)
        while batch := list(islice(rest, _ROWS)):
            rows = ox.serialize(batch, format=ox.RdfFormat.N_QUADS) or b""
            # A line is a row: in N-Quads, terms have no line breaks of their own.
            sink.write(letter + rows[:-1].replace(b"\n", b"\n" + letter) + b"\n")
    sink.write(b"TC .\n")


@dataclass(frozen=True, slots=True)
class Patch:
    """An RDF Patch as it was read: rows in their order, for some dataset or other."""

    #: Names and terms, in their order; graphs created and dropped among them.
    headers: tuple[tuple[str, Term], ...]
    quads: list[ox.Quad]
    #: ``A`` or ``D`` for each of the quads.
    letters: list[bytes]

    def header(self, name: str) -> Term | None:
        """Return the first header of that name."""
        return next((term for key, term in self.headers if key == name), None)

    def net(self) -> Delta:
        """Return the patch as a delta, trusting that it is net, as those we write are."""
        last = dict(zip(self.quads, self.letters, strict=True))
        return Delta(
            added={quad for quad, letter in last.items() if letter == b"A"},
            removed={quad for quad, letter in last.items() if letter == b"D"},
            created=self._graphs("graph-created"),
            dropped=self._graphs("graph-dropped"),
        )

    def delta(self, store: ox.Store) -> Delta:
        """Return what the patch changes in ``store``: the last row about a quad decides."""
        last = dict(zip(as_stored(self.quads), self.letters, strict=True))
        add = {quad for quad, letter in last.items() if letter == b"A"}
        remove = [quad for quad, letter in last.items() if letter == b"D"]
        drop = self._graphs("graph-dropped")
        for graph in drop:
            remove += store.quads_for_pattern(None, None, None, graph)
        delta = net_delta(store, remove=remove, add=add, drop=drop)
        delta.created.update(
            graph
            for graph in self._graphs("graph-created")
            if not store.contains_named_graph(graph)
        )
        return delta

    def _graphs(self, name: str) -> set[GraphName]:
        return {
            term
            for key, term in self.headers
            if key == name and isinstance(term, ox.NamedNode | ox.BlankNode)
        }


def read_patch(data: bytes) -> Patch:
    """Read an RDF Patch, ours or another's, one row a line; blank nodes keep their labels.

    Prefixes that it adds or deletes are passed over: a store here has none. Raises
    InvalidUpload with the line for a row that is none, and for a transaction broken off.
    """
    headers: list[tuple[str, Term]] = []

    def read_control(match: re.Match[bytes]) -> bytes:
        text = match[0].decode("utf-8", "replace").strip()
        if text.startswith("#") or _MARKS.fullmatch(text) or _PREFIX_ROW.fullmatch(text):
            return b""
        line = data.count(b"\n", 0, match.start()) + 1
        if header := _HEADER.fullmatch(text):
            headers.append((header[1], _read_term(header[2], line)))
            return b""
        if re.match(r"TA\b", text):
            raise InvalidUpload(
                f"Line {line}: the patch gives its transaction up (TA).",
                "Send what is to be changed, and nothing else.",
                line=line,
                column=1,
            )
        raise InvalidUpload(
            f"Line {line}: this is no row of an RDF Patch: {text[:80]}",
            "A row begins with H, TX, TC, A, D, PA or PD, and ends with “.”.",
            line=line,
            column=1,
        )

    # Lines stay lines, so that the engine's line numbers are those of the patch.
    body = _CONTROL.sub(read_control, data)
    letters = _LETTER.findall(body)
    body = _LETTER.sub(b"", body)
    if b"<_:" in body:
        body = _BLANK_IN_IRI.sub(lambda m: m[0] if m[1] is None else b"_:" + m[1], body)
    try:
        quads = list(_parse(body))
    except SyntaxError as error:
        line, column = error.lineno or 0, error.offset or 0
        problem = _PARSER_POSITION.sub("", error.msg)
        if "followed by a dot" in problem and column == 1:
            # It is the row before that has no end.
            line = len(b"\n".join(body.split(b"\n")[: line - 1]).rstrip().split(b"\n"))
        raise InvalidUpload(
            f"Line {line}: this row cannot be read: {problem}",
            "A row has a subject, a predicate, an object, a graph or none, and a “.”, in full.",
            line=line,
            column=column,
        ) from None
    if len(quads) != len(letters):
        raise InvalidUpload(
            f"The patch has {len(letters)} rows but {len(quads)} statements.",
            "Write one row a line, and a statement in each.",
        )
    return Patch(tuple(headers), quads, letters)


def _parse(body: bytes) -> Iterator[ox.Quad]:
    return ox.parse(body, format=ox.RdfFormat.N_QUADS, rename_blank_nodes=False)


def _read_term(text: str, line: int) -> Term:
    try:
        for quad in _parse(f"<urn:x> <urn:x> {text} .".encode()):
            return quad.object
    except SyntaxError:
        pass
    raise InvalidUpload(
        f"Line {line}: the value of this header is no term: {text[:80]}",
        "Write an IRI in <…>, a blank node, or a string in quotes.",
        line=line,
        column=1,
    )
