"""Which triple patterns stand in a SERVICE clause that this server answers itself?

Triples with variables, prefixed names, literals, “a”, “;”, “,”, “[ … ]” and blank nodes are
known; paths, collections and everything but triples are refused, because what answers such a
clause looks things up and evaluates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pyoxigraph as ox

from peninsula.errors import QuerySyntaxError
from peninsula.federation.local_services import Node, TriplePattern
from peninsula.federation.names import Naming
from peninsula.federation.structure import Group, Query
from peninsula.policy import Token, resolve_escapes

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}
_INTEGER: Final = re.compile(r"[+-]?\d+")


def read_patterns(query: Query, group: Group, naming: Naming) -> tuple[TriplePattern, ...]:
    """Return the triple patterns of ``group``; raises QuerySyntaxError for anything else."""
    tokens = [t for t in query.tokens if group.start < t.position < group.end - 1]
    if group.select or any(element.kind != "triples" for element in group.elements):
        raise _refuse(query, tokens[0].position if tokens else group.start)
    return _Reader(query, tokens, naming.resolve).read()


def _refuse(query: Query, position: int) -> QuerySyntaxError:
    line = query.text.count("\n", 0, position) + 1
    column = position - query.text.rfind("\n", 0, position)
    return QuerySyntaxError(
        f"Line {line}, column {column}: a SERVICE clause that this server answers itself holds "
        "triple patterns and nothing else.",
        "Write FILTER, OPTIONAL and the like outside of its braces; use no paths or lists in it.",
        line=line,
        column=column,
        excerpt=query.text.splitlines()[line - 1][:200],
    )


class _Reader:
    """Goes through the tokens of triples once."""

    def __init__(self, query: Query, tokens: list[Token], resolve: Callable[[str], str]) -> None:
        self._query = query
        self._tokens = tokens
        self._resolve = resolve
        self._at = 0
        self._made = 0
        self._patterns: list[TriplePattern] = []

    def read(self) -> tuple[TriplePattern, ...]:
        while self._at < len(self._tokens):
            if self._take("."):
                continue
            is_nested = self._is("[")
            subject = self._read_node()
            # “[ … ] .” says all there is to say inside of the brackets.
            if not (is_nested and (self._is(".") or self._at == len(self._tokens))):
                self._read_properties(subject)
        return tuple(self._patterns)

    def _read_properties(self, subject: Node) -> None:
        while True:
            predicate = self._read_predicate()
            while True:
                # What is nested in the object comes after the triple that leads to it.
                place = len(self._patterns)
                object = self._read_node()
                self._patterns.insert(place, TriplePattern(subject, predicate, object))
                if not self._take(","):
                    break
            if not self._take(";"):
                return
            while self._take(";"):
                pass
            if self._at == len(self._tokens) or self._is(".") or self._is("]"):
                return

    def _read_predicate(self) -> Node:
        token = self._next()
        if token.kind == "word" and token.text == "a":
            return _TYPE
        if token.kind in {"variable", "iri", "name"} and token.text[:2] != "_:":
            return self._read_term(token)
        raise self._refuse(token)

    def _read_node(self) -> Node:
        token = self._next()
        if token.kind == "sign" and token.text == "[":
            self._made += 1
            node = ox.BlankNode(f"made{self._made}")
            if not self._is("]"):
                self._read_properties(node)
            self._expect("]")
            return node
        return self._read_term(token)

    def _read_term(self, token: Token) -> Node:
        node: Node | None = None
        match token.kind:
            case "variable":
                node = ox.Variable(token.text[1:])
            case "name" if token.text.startswith("_:"):
                node = ox.BlankNode(f"named{token.text[2:].encode().hex()}")
            case "iri" | "name" if token.text[0] != "@":
                node = ox.NamedNode(self._resolve(token.text))
            case "string":
                node = self._read_literal(token)
            case "number":
                node = _make_number(token.text)
            case "word" if token.upper in {"TRUE", "FALSE"}:
                node = ox.Literal(token.upper == "TRUE")
            case "sign" if token.text in {"+", "-"}:
                number = self._next()
                node = _make_number(token.text + number.text) if number.kind == "number" else None
        if node is None:
            raise self._refuse(token)
        return node

    def _read_literal(self, token: Token) -> ox.Literal:
        text = token.text
        quotes = 3 if text[:3] in {'"""', "'''"} and len(text) >= 6 else 1
        value = _ESCAPE.sub(
            lambda match: _ESCAPES.get(match[1], match[1]), resolve_escapes(text[quotes:-quotes])
        )
        following = self._tokens[self._at] if self._at < len(self._tokens) else None
        if following and following.kind == "name" and following.text[0] == "@":
            self._at += 1
            return ox.Literal(value, language=following.text[1:].lower())
        if self._take("^^"):
            return ox.Literal(value, datatype=ox.NamedNode(self._resolve(self._next().text)))
        return ox.Literal(value)

    def _next(self) -> Token:
        if self._at == len(self._tokens):
            raise self._refuse(self._tokens[-1])
        self._at += 1
        return self._tokens[self._at - 1]

    def _is(self, sign: str) -> bool:
        if self._at == len(self._tokens):
            return False
        token = self._tokens[self._at]
        return token.kind == "sign" and token.text == sign

    def _take(self, sign: str) -> bool:
        if not self._is(sign):
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._refuse(self._tokens[min(self._at, len(self._tokens) - 1)])

    def _refuse(self, token: Token) -> QuerySyntaxError:
        return _refuse(self._query, token.position)


def _make_number(text: str) -> ox.Literal:
    kind = "integer" if _INTEGER.fullmatch(text) else "decimal"
    if "e" in text.lower():
        kind = "double"
    return ox.Literal(text, datatype=ox.NamedNode(f"{_XSD}{kind}"))
