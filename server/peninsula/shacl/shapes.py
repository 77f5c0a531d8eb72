"""Are the shapes themselves in order?

SHACL overlooks what it does not know: ``sh:minCout 1`` asks nothing, and a shape for a class
that does not exist judges nothing. So the shapes are read with suspicion: every SHACL term must
be one of SHACL's, every term of ours must be declared, every SPARQL text must parse.
"""

from __future__ import annotations

import difflib
import importlib.resources
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.errors import InvalidShapes, place
from peninsula.knowledge import parse_turtle
from peninsula.namespaces import BASE, PREFIXES, expand, shorten
from peninsula.shacl.validation import to_graph
from peninsula.shacl.view import DataGraph

_SH: Final = PREFIXES["sh"]
_SHAPES: Final = PREFIXES["pensh"]
_THINGS: Final = f"{BASE}id/"
_TEXTS: Final = (expand("sh:select"), expand("sh:ask"))


def read_shapes(paths: Iterable[Path], declared: Iterable[ox.Quad]) -> DataGraph:
    """Return the shapes in the files ``paths``; raises InvalidShapes at the first mistake.

    ``declared`` are the statements of the ontology and its vocabularies.
    """
    files = {path: list(parse_turtle(path)) for path in paths}
    known = {_iri(quad.subject) for quad in declared}
    known |= {_iri(quad.subject) for quads in files.values() for quad in quads}
    for path, quads in files.items():
        for problem, remedy, word in _problems(quads, known):
            raise InvalidShapes(f"{place(path, _line_of(path, word))}: {problem}", remedy)
    return to_graph(quad for quads in files.values() for quad in quads)


def _problems(quads: list[ox.Quad], known: set[str]) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong, what would mend it, and a word to find the line by."""
    for quad in quads:
        for iri in (quad.predicate.value, _iri(quad.object)):
            if iri.startswith(_SH) and iri not in _shacl_terms():
                yield (f"{shorten(iri)} is no term of SHACL.", *_mend(iri, _shacl_terms()))
        iri = _iri(quad.object)
        if iri.startswith(BASE) and iri not in known and not iri.startswith(_THINGS):
            kind = "described in no shapes file" if iri.startswith(_SHAPES) else "not declared"
            yield (f"{shorten(iri)} is {kind}.", *_mend(iri, known))
        if quad.predicate.value in _TEXTS and isinstance(quad.object, ox.Literal):
            yield from _sparql_problems(quad.object.value)


def _sparql_problems(text: str) -> Iterator[tuple[str, str, str]]:
    try:
        ox.Store().query(text.replace("$PATH", "?PATH"), prefixes=dict(PREFIXES))
    except SyntaxError as error:
        reason = " ".join(str(error).split())[:120]
        first = next((line for line in text.splitlines() if line.strip()), "")
        yield (f"a SPARQL constraint cannot be read: {reason}.", "Mend the query.", first)


def _mend(iri: str, candidates: Iterable[str]) -> tuple[str, str]:
    """Return a remedy with the nearest known name, and the word by which to find the line."""
    name = shorten(iri)
    near = difflib.get_close_matches(name, [shorten(c) for c in candidates if c], n=1)
    return (f"Did you mean {near[0]}?" if near else "Mend the spelling."), name


@cache
def _shacl_terms() -> frozenset[str]:
    """Return the IRIs of SHACL's vocabulary, from the copy that pySHACL carries."""
    text = importlib.resources.files("pyshacl").joinpath("assets", "shacl.ttl").read_bytes()
    quads = ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri=_SH)
    return frozenset(iri for quad in quads if (iri := _iri(quad.subject)).startswith(_SH))


def _line_of(path: Path, word: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, start=1) if word and word in line), 0)


def _iri(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode) else ""
