"""Which changes are tried, as requests to the server and as what a plain store is to do?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import pyoxigraph as ox
from hypothesis import strategies as st

from .data import blanks, graphs, ground_objects, iris, literals, parse, quads, rows

UPDATE: Final = "application/sparql-update"
PATCH: Final = "application/rdf-patch"
NQUADS: Final = "application/n-quads"
TRIG: Final = "application/trig"
TURTLE: Final = "text/turtle"


class Refused(Exception):
    """What the plain store says when it does not make a change."""


@dataclass(frozen=True)
class Step:
    """A change: how the server is asked for it, and how a plain store makes it."""

    method: str
    path: str
    media_type: str
    body: str
    make: Callable[[ox.Store], None]

    def __repr__(self) -> str:
        return f"{self.method} {self.path} [{self.media_type}] {self.body!r}"


# Updates as text.


def _join(parts: list[str]) -> str:
    return " . ".join(parts)


def _in_graph(graph: str | None, inside: str) -> str:
    return f"GRAPH <{graph}> {{ {inside} }}" if graph else inside


places = st.none() | graphs


@st.composite
def data(draw: st.DrawFn, *, has_blanks: bool) -> str:
    """The block of INSERT DATA or DELETE DATA."""
    parts = [
        _in_graph(draw(places), _join(draw(rows(0, 3, has_blanks=has_blanks))))
        for _ in range(draw(st.integers(1, 3)))
    ]
    # A dot between what is in no graph; behind a GRAPH block it is allowed.
    return "{ " + " . ".join(part for part in parts if part) + " }"


variables = st.sampled_from(("?s", "?o", "?x", "?g"))


@st.composite
def pattern_triples(draw: st.DrawFn, most: int = 2) -> str:
    """Triple patterns, with dots between them."""
    made = [
        f"{draw(variables | iris)} {draw(st.sampled_from(('?p', '<urn:p>', '<urn:q>')))} "
        f"{draw(variables | ground_objects)}"
        for _ in range(draw(st.integers(1, most)))
    ]
    return _join(made)


def _variable_graph() -> st.SearchStrategy[str]:
    return st.just("?g") | graphs.map("<{}>".format)


@st.composite
def where(draw: st.DrawFn) -> str:
    """The inside of a WHERE."""
    parts = [
        draw(
            st.one_of(
                pattern_triples(),
                st.builds("GRAPH {} {{ {} }}".format, _variable_graph(), pattern_triples()),
            )
        )
    ]
    more = st.sampled_from(
        [
            "OPTIONAL { ?s <urn:q> ?x }",
            "FILTER(isIRI(?s))",
            "FILTER NOT EXISTS { ?s <urn:q> <urn:b> }",
            "MINUS { ?s <urn:p> <urn:a> }",
            'BIND(CONCAT(STR(?s), "!") AS ?made)',
            "VALUES ?x { <urn:a> <urn:c> UNDEF }",
            "{ ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } }",
        ]
    )
    parts += draw(st.lists(more, max_size=2, unique=True))
    return " . ".join(parts) if all("{" not in part for part in parts) else "\n".join(parts)


@st.composite
def template(draw: st.DrawFn, *, has_blanks: bool) -> str:
    """The inside of a DELETE or INSERT template."""
    subjects: st.SearchStrategy[str] = variables | iris
    objects: st.SearchStrategy[str] = variables | literals | iris | st.just("?made")
    if has_blanks:
        subjects, objects = subjects | blanks, objects | blanks
    verbs = st.sampled_from(("?p", "<urn:p>", "<urn:q>"))
    if has_blanks:
        objects = objects | st.builds("<<( {} {} {} )>>".format, iris, verbs, variables)
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        triple = f"{draw(subjects)} {draw(verbs)} {draw(objects)}"
        place = draw(st.none() | _variable_graph())
        parts.append(f"GRAPH {place} {{ {triple} }}" if place else triple)
    return " . ".join(parts)


@st.composite
def modify(draw: st.DrawFn, *, may_name: bool = True) -> str:
    """DELETE and INSERT with a WHERE."""
    verbs = draw(st.sampled_from(["DELETE", "INSERT", "DELETE INSERT"]))
    head = ""
    if may_name and draw(st.booleans()):
        head = f"WITH <{draw(graphs)}> "
    for verb in verbs.split():
        head += f"{verb} {{ {draw(template(has_blanks=verb == 'INSERT'))} }} "
    if may_name:
        for _ in range(draw(st.integers(0, 2))):
            head += f"USING {draw(st.sampled_from(('', 'NAMED ')))}<{draw(graphs)}> "
    return f"{head}WHERE {{ {draw(where())} }}"


@st.composite
def delete_where(draw: st.DrawFn) -> str:
    inside = st.builds("GRAPH {} {{ {} }}".format, _variable_graph(), pattern_triples())
    return f"DELETE WHERE {{ {draw(pattern_triples() | inside)} }}"


@st.composite
def management(draw: st.DrawFn) -> str:
    """CREATE, CLEAR, DROP, COPY, MOVE and ADD."""
    silent = draw(st.sampled_from(("", "SILENT ")))
    verb = draw(st.sampled_from(["CREATE", "CLEAR", "DROP", "COPY", "MOVE", "ADD"]))
    named = graphs.map("GRAPH <{}>".format)
    if verb == "CREATE":
        return f"CREATE {silent}{draw(named)}"
    if verb in {"CLEAR", "DROP"}:
        target = draw(named | named | st.sampled_from(["DEFAULT", "NAMED", "ALL"]))
        return f"{verb} {silent}{target}"
    ends = st.just("DEFAULT") | named | graphs.map("<{}>".format)
    return f"{verb} {silent}{draw(ends)} TO {draw(ends)}"


PROLOGUE: Final = "PREFIX u: <urn:>\nBASE <http://example.org/a/b/> # a comment\n"

operations = st.one_of(
    data(has_blanks=True).map("INSERT DATA {}".format),
    data(has_blanks=True).map("INSERT DATA {}".format),
    data(has_blanks=False).map("DELETE DATA {}".format),
    modify(),
    modify(),
    delete_where(),
    management(),
)


def _update(store: ox.Store, text: str) -> None:
    try:
        store.update(text, base_iri="urn:base")
    except (SyntaxError, RuntimeError, ValueError, OSError) as error:
        raise Refused(str(error)) from error


@st.composite
def updates(draw: st.DrawFn) -> Step:
    """Requests to /update, of one operation or several."""
    parts = draw(st.lists(operations, min_size=1, max_size=3))
    # A blank node's label means one node in a request, and may not stand in two operations.
    text = " ;\n".join(part.replace("_:", f"_:b{n}") for n, part in enumerate(parts))
    if draw(st.booleans()):
        text += draw(st.sampled_from((" ;", " # that is all", " ;\n")))
    if draw(st.integers(0, 3)) == 0:
        # The engine takes a prologue at the beginning only.
        text = f"{PROLOGUE} INSERT DATA {{ u:a u:p <rel> . <../up> u:q u:b }} ; {text}"
    if draw(st.booleans()):
        return Step(
            "POST",
            "/update",
            "application/x-www-form-urlencoded",
            urlencode({"update": text}),
            lambda store: _update(store, text),
        )
    return Step("POST", "/update", UPDATE, text, lambda store: _update(store, text))


# The graph store.


def _name(graph: str | None) -> ox.NamedNode | ox.DefaultGraph:
    return ox.NamedNode(graph) if graph else ox.DefaultGraph()


def _address(graph: str | None) -> str:
    return f"/store?{urlencode({'graph': graph})}" if graph else "/store?default"


def _put(store: ox.Store, graph: str | None, text: str, *, replaces: bool) -> None:
    name = _name(graph)
    if replaces:
        store.clear_graph(name)
    for quad in parse(text):
        store.add(ox.Quad(quad.subject, quad.predicate, quad.object, name))
    if isinstance(name, ox.NamedNode):
        store.add_graph(name)


def _delete(store: ox.Store, graph: str | None) -> None:
    name = _name(graph)
    if isinstance(name, ox.NamedNode):
        if not store.contains_named_graph(name):
            raise Refused(f"there is no {graph}")
        store.remove_graph(name)
    else:
        store.clear_graph(name)


def _put_all(store: ox.Store, text: str, *, replaces: bool) -> None:
    if replaces:
        store.clear()
    store.extend(parse(text))


def _patch(store: ox.Store, changes: list[tuple[str, str]]) -> None:
    # The last row about a quad decides; what is added and removed again makes no graph.
    last = {quad: letter for letter, text in changes for quad in _as_stored(text)}
    for quad, letter in last.items():
        (store.add if letter == "A" else store.remove)(quad)


def _as_stored(text: str) -> list[ox.Quad]:
    """Return quads as a store gives them back: numbers spelled in its own way."""
    store = ox.Store()
    store.extend(parse(text))
    return list(store)


@st.composite
def graph_writes(draw: st.DrawFn) -> Step:
    """PUT and POST of triples to a graph."""
    graph = draw(places)
    method = draw(st.sampled_from(("PUT", "POST")))
    text = "".join(f"{row} .\n" for row in draw(rows()))
    media_type = draw(st.sampled_from((TURTLE, "application/n-triples")))
    return Step(method, _address(graph), media_type, text,
                lambda store: _put(store, graph, text, replaces=method == "PUT"))  # fmt: skip


@st.composite
def dataset_writes(draw: st.DrawFn) -> Step:
    """PUT and POST of quads to the whole dataset."""
    method = draw(st.sampled_from(("PUT", "POST", "POST")))
    text = "\n".join(draw(quads(has_blanks=True, least=0)))
    if draw(st.booleans()):
        body = ox.serialize(parse(text), format=ox.RdfFormat.TRIG) or b""
        return Step(method, "/store", TRIG, body.decode(),
                    lambda store: _put_all(store, text, replaces=method == "PUT"))  # fmt: skip
    return Step(method, "/store", NQUADS, text,
                lambda store: _put_all(store, text, replaces=method == "PUT"))  # fmt: skip


@st.composite
def deletions(draw: st.DrawFn) -> Step:
    """DELETE of a graph, or of everything."""
    if draw(st.integers(0, 5)) == 0:
        return Step("DELETE", "/store", "", "", lambda store: store.clear())
    graph = draw(places)
    return Step("DELETE", _address(graph), "", "", lambda store: _delete(store, graph))


@st.composite
def patches(draw: st.DrawFn) -> Step:
    """PATCH of the dataset by RDF Patch; its rows hold no blank nodes, which name the store's."""
    changes = [
        (draw(st.sampled_from("AD")), quad)
        for quad in draw(quads(has_blanks=False, least=0, most=6))
    ]
    body = "".join(["TX .\n", *(f"{letter} {quad}\n" for letter, quad in changes), "TC .\n"])
    return Step("PATCH", "/store", PATCH, body, lambda store: _patch(store, changes))


@st.composite
def graph_updates(draw: st.DrawFn) -> Step:
    """PATCH of a graph by an update, in which that graph is the default one."""
    graph = draw(graphs)
    kind = draw(st.sampled_from(("INSERT DATA", "DELETE DATA", "MODIFY")))
    if kind == "MODIFY":
        inside = draw(pattern_triples())
        text = f"DELETE {{ ?s ?p ?o }} INSERT {{ ?s <urn:q> ?o }} WHERE {{ ?s ?p ?o . {inside} }}"
        plain = f"WITH <{graph}> {text}"
    else:
        block = _join(draw(rows(1, 3, has_blanks=kind == "INSERT DATA")))
        text = f"{kind} {{ {block} }}"
        plain = f"{kind} {{ GRAPH <{graph}> {{ {block} }} }}"
    return Step("PATCH", _address(graph), UPDATE, text, lambda store: _update(store, plain))


@st.composite
def beginnings(draw: st.DrawFn) -> Step:
    """A POST of so many quads that changes find something to change."""
    text = "\n".join(draw(quads(has_blanks=True, least=8, most=20)))
    return Step("POST", "/store", NQUADS, text,
                lambda store: _put_all(store, text, replaces=False))  # fmt: skip


steps = st.one_of(
    updates(), updates(), updates(), graph_writes(), dataset_writes(), deletions(), patches(),
    graph_updates(),
)  # fmt: skip
