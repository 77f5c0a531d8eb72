"""What is looked for, and what is told of what was found?

What asks (:class:`Wish`) and what comes back (:class:`Found`) do not depend on which index answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyoxigraph as ox

from peninsula.namespaces import PREFIXES, shorten
from peninsula.searching.entries import NAMING
from peninsula.searching.phrases import LONGEST_TEXT
from peninsula.spelling import Piece, split_words

#: Candidates that SPARQL brings, and that are ranked.
MOST_CANDIDATES: Final = 400


@dataclass(frozen=True)
class Wish:
    """What is looked for: a text, and among which things."""

    text: str
    #: Kinds in the address, as ``state`` or ``topic``; all where there is none.
    kinds: tuple[str, ...] = ()
    #: The IRI of a class; its subclasses count, too.
    class_iri: str = ""
    #: In which things are called, for whoever reads what is found.
    language: str = "en"
    #: The language of names that are looked through; all where it is empty.
    names_in: str = ""

    @property
    def sparql(self) -> str:
        """Return a query that finds the same."""
        lines = [f"?thing search:text {ox.Literal(self.text)}"]
        if self.class_iri:
            lines.append(f"search:class {_shown(self.class_iri)}")
        if self.names_in:
            lines.append(f"search:language {ox.Literal(self.names_in)}")
        lines += [f"search:kind {ox.Literal(kind)}" for kind in self.kinds]
        lines += ["search:name ?name", "search:match ?match", "search:score ?score"]
        body = " ;\n      ".join(lines)
        return (
            "SELECT ?thing ?name ?match ?score WHERE {\n"
            f"  SERVICE <peninsula:search> {{\n    {body} .\n  }}\n}}\nORDER BY DESC(?score)\n"
        )

    def candidates(self) -> str:
        """Return a query that finds what has every word in one name, as far as SPARQL compares."""
        words = split_words(self.text[:LONGEST_TEXT])
        tests = " && ".join(f"CONTAINS(LCASE(STR(?name)), {ox.Literal(word)})" for word in words)
        names = " ".join(shorten(iri) for iri in NAMING)
        lines = [f"VALUES ?property {{ {names} }}", "?thing ?property ?name .", f"FILTER({tests})"]
        if self.class_iri:
            lines.append(f"?thing a/rdfs:subClassOf* {ox.NamedNode(self.class_iri)} .")
        if self.kinds:
            spaces = (PREFIXES[kind] for kind in self.kinds if kind in PREFIXES)
            starts = (f"STRSTARTS(STR(?thing), {ox.Literal(space)})" for space in spaces)
            lines.append(f"FILTER({' || '.join(starts) or 'false'})")
        lines.append("FILTER(isIRI(?thing))")
        pattern = "".join(f"  {line}\n" for line in lines)
        return f"SELECT DISTINCT ?thing WHERE {{\n{pattern}}}\nLIMIT {MOST_CANDIDATES}\n"


@dataclass(frozen=True)
class Name:
    """One name of a thing."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Hit:
    """A thing that was found."""

    iri: str
    label: tuple[Piece, ...]
    class_iri: str
    class_label: str
    other_names: tuple[Name, ...] = ()
    #: The name that matched, where it is not the label.
    snippet: tuple[Piece, ...] = ()
    snippet_language: str = ""
    #: How well its best name fits, from 0 to 1, and what it is good for beside others.
    score: float = 0.0
    #: What is alike: see ``words.HOWS``; “iri” where its IRI was given, “resemblance” where only
    #: letters are.
    match: str = ""
    #: The name that fits best.
    matched: Name = Name("")

    @property
    def name(self) -> str:
        """Return its prefixed name."""
        return shorten(self.iri)

    @property
    def text(self) -> str:
        """Return its label."""
        return "".join(piece.text for piece in self.label)


@dataclass(frozen=True)
class Facet:
    """A class, and how many of what was found are of it."""

    class_iri: str
    label: str
    count: int

    @property
    def name(self) -> str:
        """Return the prefixed name of the class."""
        return shorten(self.class_iri)

    def order(self) -> tuple[int, str, str]:
        """Return by what it stands among others: the largest first."""
        return -self.count, self.label, self.class_iri


@dataclass(frozen=True)
class Found:
    """Some of what was found, best first."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    #: Classes of everything found before the wish for one class is heard.
    facets: tuple[Facet, ...] = ()
    #: Whether there may be more than could be looked at.
    is_cut: bool = False
    #: Whether nothing has a name strictly like what is looked for.
    is_guessed: bool = False
    #: What may have been meant instead.
    suggestion: str = ""
    #: Why this is not the last word: “earlier” where the index of an earlier state answered,
    #: “unindexed” where none did.
    provisional: str = ""


class Index(Protocol):
    """What answers a wish."""

    @property
    def is_settled(self) -> bool:
        """Return whether it will answer the same wish in the same way."""
        ...

    def find(self, wish: Wish, *, offset: int = 0, limit: int = 20) -> Found:
        """Return what has such a name."""
        ...

    def near(self, text: str, kinds: Sequence[str] = (), *, language: str = "en") -> list[Hit]:
        """Return a few things whose names are spelt nearly so."""
        ...


def read_iri(text: str) -> str:
    """Return the IRI that ``text`` is the prefixed name of, or is itself; else nothing."""
    text = text.strip().removeprefix("<").removesuffix(">")
    prefix, colon, local = text.partition(":")
    if not colon or not local or " " in text:
        return ""
    iri = PREFIXES[prefix] + local if prefix in PREFIXES else text if "//" in local else ""
    try:
        return ox.NamedNode(iri).value if iri else ""
    except ValueError:
        return ""


def _shown(iri: str) -> str:
    name = shorten(iri)
    return name if name != iri else f"<{iri}>"
