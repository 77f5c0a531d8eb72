"""How are terms, tables and texts with tables in them written as SPARQL?

Texts are made of two kinds of parts: SPARQL as it was written or as it is written here, which the
policy has to look at, and rows of ground terms, which may be megabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Term

#: Stands for a variable where there is none. No pattern of ours or of others has it.
ONE: Final = "peninsula_one"


class Unwritable(ValueError):
    """A term cannot stand in the text of a query."""


@dataclass(frozen=True)
class Inlined:
    """Rows of VALUES, made of terms."""

    text: str


Parts = list[str | Inlined]


def compose(parts: Iterable[str | Inlined]) -> tuple[str, list[tuple[int, str]]]:
    """Return a text without its rows, and the rows with the positions where they belong."""
    texts: list[str] = []
    rows: list[tuple[int, str]] = []
    length = 0
    for part in parts:
        if isinstance(part, Inlined):
            rows.append((length, part.text))
        else:
            texts.append(part)
            length += len(part)
    return "".join(texts), rows


_IRI: Final = re.compile(r"[^<>\"{}|^`\\\x00-\x20]+")
_TAG: Final = re.compile(r"[A-Za-z]+(?:-[A-Za-z0-9]+)*")
_QUOTED: Final = re.compile(r'[\\"\n\r\t\x00]')
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\u0000"}
_STRING: Final = ox.NamedNode("http://www.w3.org/2001/XMLSchema#string")


def write_term(term: Term) -> str:
    """Return a ground term as SPARQL writes it; raises Unwritable.

    Terms come from others: what would end an IRI or a literal early is not let through.
    """
    if isinstance(term, ox.NamedNode):
        return _write_iri(term)
    if isinstance(term, ox.Literal):
        text = _QUOTED.sub(lambda match: _ESCAPES[match[0]], term.value)
        if term.language:
            if not _TAG.fullmatch(term.language):
                raise Unwritable(f"a literal has the language “{term.language[:40]}”")
            direction = f"--{term.direction}" if term.direction else ""
            return f'"{text}"@{term.language}{direction}'
        if term.datatype == _STRING:
            return f'"{text}"'
        return f'"{text}"^^{_write_iri(term.datatype)}'
    if isinstance(term, ox.Triple):
        inner = " ".join(write_term(part) for part in (term.subject, term.predicate, term.object))
        return f"<<( {inner} )>>"
    raise Unwritable("a triple holds a blank node")


def _write_iri(node: ox.NamedNode) -> str:
    if not _IRI.fullmatch(node.value):
        raise Unwritable(f"“{node.value[:100]}” is no IRI")
    return f"<{node.value}>"


def write_rows(rows: Iterable[Sequence[Term | None]]) -> str:
    """Return the rows of VALUES, without the braces; raises Unwritable."""
    return " ".join(
        "(" + " ".join("UNDEF" if term is None else write_term(term) for term in row) + ")"
        for row in rows
    )


def write_table(variables: Sequence[str], rows: Sequence[Sequence[Term | None]]) -> Parts:
    """Return a group that has exactly these solutions; raises Unwritable.

    As a subselect: the engine joins that by hashing, whereas of VALUES it would go through every
    row for every solution beside it. Blank nodes, which VALUES cannot hold, are made of their
    labels, each of them always the same one.
    """
    if not variables:
        return ["VALUES () { ", Inlined("() " * len(rows)), "}"]
    blank = [
        i for i in range(len(variables)) if any(isinstance(row[i], ox.BlankNode) for row in rows)
    ]
    columns = [f"?{name}" for name in variables]
    selected = list(columns)
    for i in blank:
        label = _name_label(variables, i)
        columns.append(label)
        columns[i] = f"{label}_"
        selected[i] = f"(COALESCE(BNODE({label}), {label}_) AS ?{variables[i]})"
    lines: Iterable[Sequence[Term | None]] = rows
    if blank:
        lines = (_split_labels(row, blank) for row in rows)
    return [
        f"{{ SELECT {' '.join(selected)} {{ VALUES ({' '.join(columns)}) {{ ",
        Inlined(write_rows(lines)),
        " } } }",
    ]


def _name_label(variables: Sequence[str], i: int) -> str:
    name = f"label{i}"
    while name in variables or f"{name}_" in variables:
        name += "x"
    return f"?{name}"


def _split_labels(row: Sequence[Term | None], blank: Sequence[int]) -> list[Term | None]:
    split: list[Term | None] = [None if isinstance(t, ox.BlankNode) else t for t in row]
    for i in blank:
        node = row[i]
        split.append(ox.Literal(node.value) if isinstance(node, ox.BlankNode) else None)
    return split
