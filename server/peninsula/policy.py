r"""May this query be evaluated here?

Decided on the text, before any parser sees it. SPARQL's ``\uXXXX`` escapes are resolved
first; where that changes the text, both readings must pass, because parsers differ in when
they resolve them. Then a tokenizer that knows strings, comments, IRIs, names and variables
looks for what is not allowed and counts what makes a parser or planner crash or crawl.

The one place where SPARQL's tokens depend on their context is ``<``: after an operand inside
an expression the engine reads it as *less than*, elsewhere as the beginning of an IRI. So the
tokenizer keeps a stack of frames that tells expressions from groups, collections and data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from peninsula.errors import ProtocolError, QueryForbidden, QueryTooComplex

_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_IRI: Final = re.compile(r"<[^<>\"{}|^`\\\x00-\x20]*>")
_TOKEN: Final = re.compile(
    r"""
      (?P<skip>    \s+ | \#[^\n\r]* )
    | (?P<string>  \"{3} (?: \"{0,2} (?: [^"\\] | \\. ) )* \"{3}
                 | '{3}  (?: '{0,2}  (?: [^'\\] | \\. ) )* '{3}
                 | "(?: [^"\\\n\r] | \\. )*" | '(?: [^'\\\n\r] | \\. )*' )
    | (?P<variable>[?$]\w+ )
    | (?P<name>    _:[\w.-]* | @[A-Za-z][\w-]*
                 | (?: \w (?: [\w.-]*[\w-] )? )? :
                   (?: [\w:%-] | \.(?=[\w.:%\\-]) | \\[_~.\-!$&'()*+,;=/?\#@%] )* )
    | (?P<number>  (?: \d+\.?\d* | \.\d+ ) (?: [eE][+-]?\d+ )? )
    | (?P<word>    [^\W\d]\w* )
    | (?P<sign>    && | \|\| | [!<>]= | \^\^ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_UPDATES: Final = frozenset(
    ["INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"]
)
_PROLOGUE: Final = frozenset(("PREFIX", "BASE", "VERSION"))
_EXPRESSION_CLAUSES: Final = frozenset(("SELECT", "GROUP", "ORDER", "HAVING"))
_OPERATORS: Final = frozenset(("&&", "||", "!=", "<=", ">=", *"=<>+-*/|!^?"))
#: A group after one of these is not joined with what stands before it.
_SETS_APART: Final = frozenset(("UNION", "OPTIONAL", "MINUS", "EXISTS", "WHERE"))
_CLOSES: Final = {")": "(", "]": "[", "}": "{"}

Kind = Literal["skip", "string", "variable", "name", "number", "word", "sign", "iri"]
Reading = Literal["group", "expression", "collection", "data"]


class Token(NamedTuple):
    """A piece of a query; ``upper`` of a word is in capitals, else the text itself."""

    kind: str
    text: str
    position: int
    frame: _Frame

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text

    @property
    def is_operand(self) -> bool:
        if self.kind == "word":
            return self.upper in {"TRUE", "FALSE"}
        return self.kind != "sign" or self.text in _CLOSES


@dataclass(slots=True)
class _Frame:
    """What stands between two brackets."""

    bracket: str
    reading: Reading
    parent: _Frame | None
    #: SELECT's projection and the solution modifiers hold expressions in their brackets.
    is_expression_clause: bool = False
    expects_data: bool = False
    joins: int = 0

    @property
    def group(self) -> _Frame:
        """Return the nearest frame whose patterns are joined: braces, or the whole."""
        frame = self
        while frame.bracket not in {"{", ""} and frame.parent:
            frame = frame.parent
        return frame


@dataclass(frozen=True)
class QueryFacts:
    """What the policy found out about a query that it lets pass."""

    #: Whether the query names its dataset with FROM or FROM NAMED.
    names_dataset: bool


@dataclass(frozen=True)
class Policy:
    """What a query may be and contain."""

    max_query_bytes: int = 262_144
    max_depth: int = 64
    max_joins: int = 128
    max_links: int = 1000

    def check(self, query: str) -> QueryFacts:
        """Return what is known of ``query``; raises QueryForbidden, QueryTooComplex …"""
        if len(query.encode("utf-8", "surrogatepass")) > self.max_query_bytes:
            raise QueryTooComplex(
                f"The query is longer than {self.max_query_bytes} bytes.",
                "Shorten it, or raise max-query-bytes on a server of your own.",
                limit="max_query_bytes",
            )
        readings = dict.fromkeys((query, resolve_escapes(query)))
        facts = [self._check_reading(reading) for reading in readings]
        return QueryFacts(names_dataset=any(fact.names_dataset for fact in facts))

    def _check_reading(self, query: str) -> QueryFacts:
        names_dataset = False
        links = 0
        form = ""
        before: Token | None = None
        after_from = False
        for token in tokenize(query, self.max_depth):
            upper = token.upper
            if token.kind == "word":
                if upper == "SERVICE":
                    raise QueryForbidden(
                        f"SERVICE is not allowed here ({_place(query, token)}).",
                        "Ask the other endpoint for its part and join the answers yourself.",
                    )
                if not form and upper not in _PROLOGUE:
                    form = upper
                    _refuse_update(form)
                names_dataset = names_dataset or upper == "FROM"
            if token.kind == "iri" and after_from and not _is_remote(token.text):
                raise QueryForbidden(
                    f"FROM {token.text} is not allowed: files are not read.",
                    "Name a graph of this dataset; GRAPH ?g {} lists them.",
                )
            after_from = upper == "FROM" or (after_from and upper == "NAMED")
            if token.frame.reading != "data":
                links += _counts_as_link(token)
                if _counts_as_join(token, before):
                    token.frame.group.joins += 1
                    self._limit("max_joins", token.frame.group.joins, query, token)
                self._limit("max_links", links, query, token)
            before = token
        return QueryFacts(names_dataset)

    def _limit(self, name: str, count: int, query: str, token: Token) -> None:
        limit: int = getattr(self, name)
        if count > limit:
            what = {
                "max_joins": "joins more than {} patterns in one group",
                "max_links": "holds more than {} operators, UNIONs, OPTIONALs and the like",
            }[name].format(limit)
            raise QueryTooComplex(
                f"The query {what} ({_place(query, token)}).",
                "Split it, or use VALUES for long lists.",
                limit=name,
            )


def resolve_escapes(query: str) -> str:
    r"""Return ``query`` with its ``\uXXXX`` and ``\UXXXXXXXX`` escapes resolved."""

    def resolve(match: re.Match[str]) -> str:
        code = int(match[1] or match[2], 16)
        return chr(code) if code <= 0x10FFFF else match[0]

    return _ESCAPE.sub(resolve, query)


def tokenize(query: str, max_depth: int = 64) -> Iterator[Token]:
    """Yield the tokens of ``query`` without white space and comments; never fails on text.

    A token carries the frame it stands in; a bracket stands in the frame outside of it.
    Raises QueryTooComplex where brackets are nested deeper than ``max_depth``.
    """
    frame = _Frame("", "group", None)
    depth = 0
    before = last = None  # the token before, and the one before that
    position = 0
    while position < len(query):
        match = None
        if query[position] == "<" and not _is_less_than(frame, before):
            match = _IRI.match(query, position)
        kind = "iri" if match else ""
        if match is None:
            match = _TOKEN.match(query, position)
            assert match
            assert match.lastgroup
            kind = match.lastgroup
        text = match[0]
        token = Token(kind, text, position, frame)
        position = match.end()
        if kind == "skip":
            continue
        if kind == "word":
            _note_clause(frame, token.upper)
        elif text in "([{" and kind == "sign":
            frame = _open(frame, text, before, last)
            depth += 1
            if depth > max_depth:
                raise QueryTooComplex(
                    f"Brackets are nested deeper than {max_depth} ({_place(query, token)}).",
                    "Flatten the query.",
                    limit="max_depth",
                )
        elif text in _CLOSES and kind == "sign":
            # What closes nothing is left to the parser to complain about.
            if frame.parent and frame.bracket == _CLOSES[text]:
                frame = frame.parent
                depth -= 1
            token = token._replace(frame=frame)
        yield token
        last, before = before, token


def _is_less_than(frame: _Frame, before: Token | None) -> bool:
    return frame.reading == "expression" and before is not None and before.is_operand


def _note_clause(frame: _Frame, word: str) -> None:
    if word in _EXPRESSION_CLAUSES:
        frame.is_expression_clause = True
    elif word in {"WHERE", "FROM", "CONSTRUCT", "DESCRIBE", "ASK"}:
        frame.is_expression_clause = False
    elif word == "VALUES":
        frame.expects_data = True


def _open(frame: _Frame, bracket: str, before: Token | None, last: Token | None) -> _Frame:
    """Return the frame that ``bracket`` opens inside ``frame``."""
    if bracket == "{":
        is_data = frame.expects_data or frame.reading == "data"
        frame.expects_data = False
        # The braces of a SELECT end its projection.
        frame.is_expression_clause = False
        return _Frame(bracket, "data" if is_data else "group", frame)
    if bracket == "[" and frame.reading != "data":
        return _Frame(bracket, "group", frame)
    if frame.reading != "group":
        return _Frame(bracket, frame.reading, frame)
    follows_word = before is not None and before.kind == "word" and before.text != "a"
    is_call = (
        before is not None
        and before.kind in {"iri", "name"}
        and last is not None
        and last.upper == "FILTER"
    )
    is_expression = frame.is_expression_clause or follows_word or is_call
    return _Frame(bracket, "expression" if is_expression else "collection", frame)


def _counts_as_link(token: Token) -> bool:
    if token.kind == "word":
        return token.upper not in _PROLOGUE
    return token.kind == "sign" and token.text in _OPERATORS


def _counts_as_join(token: Token, before: Token | None) -> bool:
    """Whether ``token`` adds a pattern to its group: a triple, a path step, a list member …"""
    if token.frame.reading == "expression":
        return False
    if token.kind == "sign":
        if token.text == "{":
            return before is not None and before.upper not in _SETS_APART
        return token.text in {".", ";", ",", "/", "["}
    is_member = token.frame.reading == "collection" and token.is_operand
    return token.upper == "VALUES" or is_member


def _refuse_update(form: str) -> None:
    if form in _UPDATES:
        raise ProtocolError(
            f"{form} is an update; this address takes queries.",
            "Use SELECT, ASK, CONSTRUCT or DESCRIBE.",
        )


def _is_remote(iri: str) -> bool:
    return not iri.lower().startswith("<file:")


def _place(query: str, token: Token) -> str:
    line = query.count("\n", 0, token.position) + 1
    column = token.position - query.rfind("\n", 0, token.position)
    return f"line {line}, column {column}"
