"""How does pySHACL see the statements of an Oxigraph store, without a copy of them?

An rdflib store that reads from the engine as it is asked, so that judging a handful of nodes in
millions of triples costs what those nodes cost. It shows each triple once, whichever graphs it
stands in. An overlay hides quads and shows others: the state before a change, say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

import pyoxigraph as ox
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.plugins.sparql import prepareQuery
from rdflib.query import Result
from rdflib.store import Store as RdflibStore
from rdflib.term import Node

from peninsula.namespaces import PREFIXES
from peninsula.turtle import to_rdflib

Term = ox.NamedNode | ox.BlankNode | ox.Literal
GraphName = ox.NamedNode | ox.BlankNode | ox.DefaultGraph
Triple = tuple[Any, ox.NamedNode, Any]

#: rdflib writes these anew as it makes a literal, so that two terms of the store may become one.
REWRITTEN: Final = frozenset(
    ox.NamedNode(PREFIXES["xsd"] + name) for name in ("normalizedString", "token")
)


class DataGraph(Graph):
    """An rdflib graph that parses each SPARQL text once.

    pySHACL asks the same query for every focus node, and parsing it takes rdflib far longer
    than answering it.
    """

    def query(self, query_object: Any, *args: Any, **kwargs: Any) -> Result:
        if isinstance(query_object, str):
            query_object = prepare(query_object)
        return super().query(query_object, *args, **kwargs)


@lru_cache(maxsize=1024)
def prepare(text: str) -> Any:
    """Return the query ``text`` as rdflib reads it; raises what its parser raises."""
    return prepareQuery(text)


class Statements:
    """The triples of some graphs of a store, each once, by pattern.

    ``graphs`` None means all, the default graph too. ``hidden`` quads are passed over, ``shown``
    ones are there as well. Read only; the store must not change meanwhile.
    """

    def __init__(
        self,
        store: ox.Store,
        graphs: Iterable[GraphName] | None = None,
        *,
        hidden: Collection[ox.Quad] = (),
        shown: Iterable[ox.Quad] = (),
    ) -> None:
        self._store = store
        self._graphs = None if graphs is None else list(dict.fromkeys(graphs))
        self._hidden = hidden if isinstance(hidden, set | frozenset) else frozenset(hidden)
        self._extra: ox.Dataset | None = None
        more = [q for q in shown if self._graphs is None or q.graph_name in self._graphs]
        if more:
            self._extra = ox.Dataset(more)
            self._by_predicate: dict[ox.NamedNode, list[ox.Quad]] = {}
            for quad in more:
                self._by_predicate.setdefault(quad.predicate, []).append(quad)
        self._is_single = not more and (
            not any(True for _ in store.named_graphs())
            if self._graphs is None
            else len(self._graphs) < 2
        )

    def match(
        self, subject: Any = None, predicate: ox.NamedNode | None = None, object: Any = None
    ) -> Iterator[Triple]:
        """Yield the triples that fit; None fits any term."""
        if isinstance(subject, ox.Literal):
            return
        seen: set[Triple] = set()
        for quad in self._quads(subject, predicate, object):
            triple = (quad.subject, quad.predicate, quad.object)
            if not self._is_single:
                if triple in seen:
                    continue
                seen.add(triple)
            yield triple

    def _quads(self, s: Any, p: Any, o: Any) -> Iterator[ox.Quad]:
        for name in (None,) if self._graphs is None else self._graphs:
            found: Iterable[ox.Quad] = self._store.quads_for_pattern(s, p, o, name)
            if self._hidden:
                found = (quad for quad in found if quad not in self._hidden)
            yield from found
        if self._extra is None:
            return
        if s is not None:
            found = self._extra.quads_for_subject(s)
        elif o is not None:
            found = self._extra.quads_for_object(o)
        else:
            found = self._by_predicate.get(p, []) if p is not None else self._extra
        for quad in found:
            if (p is None or quad.predicate == p) and (o is None or quad.object == o):
                yield quad

    def objects(self, subject: Any, predicate: ox.NamedNode) -> Iterator[Any]:
        return (triple[2] for triple in self.match(subject, predicate))

    def subjects(self, predicate: ox.NamedNode, object: Any) -> Iterator[Any]:
        return (triple[0] for triple in self.match(None, predicate, object))


class StatementsStore(RdflibStore):
    """``Statements`` for rdflib. It cannot be written to."""

    # pySHACL asks for a store that could have graphs; it sees this one's union alone.
    context_aware = True
    graph_aware = True

    def __init__(self, statements: Statements) -> None:
        super().__init__()
        self._statements = statements
        self._terms: dict[Any, Node] = {}
        #: The one graph that holds them, as pySHACL wants to know where a blank node stands.
        self.graphs: tuple[Graph, ...] = ()

    def triples(self, triple_pattern: Any, context: Any = None) -> Iterator[Any]:  # noqa: ARG002
        s, p, o = triple_pattern
        try:
            start = None if s is None else from_rdflib(s)
            step = None if p is None else from_rdflib(p)
            is_rewritten = isinstance(o, Literal) and o.datatype in _REWRITTEN_URIS
            end = None if o is None or is_rewritten else from_rdflib(o)
        except ValueError:
            return  # The engine has no such term, so there is no such statement.
        if isinstance(start, ox.Literal) or not isinstance(step, ox.NamedNode | None):
            return
        is_literal = isinstance(o, Literal)
        for subject, predicate, object in self._statements.match(start, step, end):
            found = self._node(object)
            # The engine finds "1" for "01"; these are two terms to rdflib.
            if is_literal and found != o:
                continue
            triple = (self._node(subject), self._node(predicate), found)
            yield triple, iter(self.graphs)

    def _node(self, term: Any) -> Node:
        node = self._terms.get(term)
        if node is None:
            node = self._terms[term] = to_rdflib(term)
            if len(self._terms) > _TERMS_KEPT:
                self._terms.clear()
        return node

    def __len__(self, context: Any = None) -> int:
        # pySHACL asks for each result whether the graph is empty; counting would read it all.
        return 1 if any(True for _ in self._statements.match()) else 0

    # rdflib asks any store for these.
    def bind(self, prefix: str, namespace: URIRef, override: bool = True) -> None: ...
    def namespace(self, prefix: str) -> URIRef | None: ...
    def prefix(self, namespace: URIRef) -> str | None: ...
    def namespaces(self) -> Iterator[tuple[str, URIRef]]:
        return iter(())


_TERMS_KEPT: Final = 100_000
_REWRITTEN_URIS: Final = frozenset(URIRef(name.value) for name in REWRITTEN)


def graph_of(statements: Statements) -> DataGraph:
    """Return ``statements`` as an rdflib graph that reads as it is asked."""
    store = StatementsStore(statements)
    graph = DataGraph(store=store, bind_namespaces="none")
    store.graphs = (graph,)
    return graph


def from_rdflib(node: object) -> Term:
    """Return the engine's counterpart of an rdflib term; raises ValueError where it has none."""
    match node:
        case Literal():
            if node.language:
                return ox.Literal(str(node), language=node.language)
            if node.datatype is None:
                return ox.Literal(str(node))
            return ox.Literal(str(node), datatype=ox.NamedNode(str(node.datatype)))
        case URIRef():
            return ox.NamedNode(str(node))
        case BNode():
            return ox.BlankNode(str(node))
        case _:
            raise ValueError(f"no counterpart for {node!r}")
