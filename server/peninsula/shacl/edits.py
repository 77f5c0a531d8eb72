"""What does an edit remove and add, and what is that in words?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from peninsula.namespaces import shorten

#: A literal is shown in full up to so many characters.
_SHOWN: Final = 80


@dataclass(frozen=True)
class Edit:
    """Statements to remove and to add, and what that does in words."""

    title: str
    remove: frozenset[ox.Quad] = frozenset()
    add: frozenset[ox.Quad] = frozenset()


def with_value(quads: Iterable[ox.Quad], value: Any, better: Any) -> Edit:
    """Put a term in the place of another."""
    quads = frozenset(quads)
    return Edit(
        f"Write {show(better)} instead of {show(value)}.",
        quads,
        frozenset(replace(quad, value, better) for quad in quads),
    )


def with_predicate(quads: Sequence[ox.Quad], predicate: ox.NamedNode) -> Edit:
    """Put a predicate in the place of the one that ``quads`` share."""
    values = {quad.object for quad in quads}
    of = f" for {show(values.pop())}" if len(values) == 1 else ""
    return Edit(
        f"Write {show(predicate)} instead of {show(quads[0].predicate)}{of}.",
        frozenset(quads),
        frozenset(ox.Quad(q.subject, predicate, q.object, q.graph_name) for q in quads),
    )


def turn(quad: ox.Quad) -> Edit:
    """Let subject and object, which is no literal, change places."""
    turned = ox.Quad(_thing(quad.object), quad.predicate, quad.subject, quad.graph_name)
    return Edit(f"Turn the statement round: {say(turned)}.", frozenset({quad}), frozenset({turned}))


def drop(quads: Collection[ox.Quad]) -> Edit:
    """Leave ``quads`` out."""
    return Edit(f"Leave out {say_all(quads)}.", frozenset(quads))


def keep(quads: Collection[ox.Quad]) -> Edit:
    """Add again what was removed."""
    return Edit(f"Keep {say_all(quads)}.", add=frozenset(quads))


def add(quad: ox.Quad) -> Edit:
    """Add ``quad``."""
    return Edit(f"Add {say(quad)}.", add=frozenset({quad}))


def replace(quad: ox.Quad, old: Any, new: Any) -> ox.Quad:
    """Return ``quad`` with one term for another, as subject (no literal) and object."""
    subject = new if quad.subject == old and not isinstance(new, ox.Literal) else quad.subject
    object = new if quad.object == old else quad.object
    return ox.Quad(subject, quad.predicate, object, quad.graph_name)


def _thing(term: Any) -> Any:
    assert not isinstance(term, ox.Literal)
    return term


def say_all(quads: Collection[ox.Quad]) -> str:
    """Return the first of ``quads`` in words, and how many more there are."""
    first = min(quads, key=str)
    return say(first) + (f" and {len(quads) - 1} more" if len(quads) > 1 else "")


def say(quad: ox.Quad) -> str:
    """Return a statement with prefixed names, in quotation marks."""
    verb = "a" if quad.predicate == _TYPE else show(quad.predicate)
    return f"“{show(quad.subject)} {verb} {show(quad.object)}”"


def show(term: object) -> str:
    """Return a term as Turtle has it, cut where it is long."""
    if isinstance(term, ox.NamedNode):
        name = shorten(term.value)
        return name if name != term.value else f"<{name}>"
    if isinstance(term, ox.Literal):
        text = term.value if len(term.value) <= _SHOWN else f"{term.value[: _SHOWN - 1]}…"
        if term.language:
            return f'"{text}"@{term.language}'
        kind = shorten(term.datatype.value)
        return f'"{text}"' if kind == "xsd:string" else f'"{text}"^^{kind}'
    return str(term)


_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
