r"""May this query or update be evaluated here?

Decided on the text, before any parser sees it. SPARQL's ``\uXXXX`` escapes are resolved
first; where that changes the text, both readings must pass, because parsers differ in when
they resolve them. Then a tokenizer that knows strings, comments, IRIs, names and variables
looks for what is not allowed and counts what makes a parser or planner crash or crawl.

The one place where SPARQL's tokens depend on their context is ``<``: after an operand inside
an expression the engine reads it as *less than*, elsewhere as the beginning of an IRI. So the
tokenizer keeps a stack of frames that tells expressions from groups, collections and data.

The data of INSERT DATA and DELETE DATA may be megabytes. It holds nothing to forbid, so one
regular expression runs over it that looks only at brackets, and counts how deep they go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from peninsula.errors import ProtocolError, QueryForbidden, QueryTooComplex

_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")

#: What a name may be made of: Python's word characters, and what SPARQL allows besides.
_CHAR: Final = (
    r"\w\u00B7\u0300-\u036F\u0370-\u037D\u037F-\u1FFF\u200C\u200D\u203F\u2040"
    r"\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
)
_SPACE: Final = r"(?: \s++ | \#[^\n\r]*+ )*+"
_IRI: Final = r"""< (?: [^<>"{}|^`\\\x00-\x20]++ | \\u[0-9A-Fa-f]{4} | \\U[0-9A-Fa-f]{8} )*+ >"""
_STRING: Final = r"""
      " (?: "" (?: [^"\\]++ | \\. | "(?!"") )*+ "{3} | (?:[^"\\\n\r]++ | \\. )*+ " )
    | ' (?: '' (?: [^'\\]++ | \\. | '(?!'') )*+ '{3} | (?:[^'\\\n\r]++ | \\. )*+ ' )"""
_ESCAPED: Final = r"\\[_~.\-!$&'()*+,;=/?\#@%]"
_REST: Final = rf"""
    | (?P<string> {_STRING} )
    | (?P<name> _:[{_CHAR}.-]*
              | @[A-Za-z][\w-]*+
              | (?: [{_CHAR}] (?: [{_CHAR}.-]*[{_CHAR}-] )? )? :
                (?: [{_CHAR}:%-]++ | \.(?=[{_CHAR}.:%\\-]) | {_ESCAPED} )*+ )
    | (?P<number> (?: \d++\.?\d*+ | \.\d++ ) (?: [eE][+-]?\d++ )? )
    | (?P<word> [^\W\d]\w*+ )"""
_FLAGS: Final = re.VERBOSE | re.DOTALL
_VARIABLE: Final = rf"(?P<variable> [?$][{_CHAR}]++ )"
#: One token, and the white space and comments before it.
_TOKEN: Final = re.compile(
    rf"{_SPACE} (?: {_VARIABLE} | (?P<iri> {_IRI} ) {_REST}"
    r"| (?P<sign> && | \|\| | [!<>]= | \^\^ | << | >> | \{\| | \|\} | . ) )?",
    _FLAGS,
)
#: The same where “<” is less-than.
_TOKEN_AFTER_OPERAND: Final = re.compile(
    rf"{_SPACE} (?: {_VARIABLE} {_REST} | (?P<sign> && | \|\| | [!<>]= | \^\^ | . ) )?", _FLAGS
)
#: What stands between the brackets of data.
_DATA: Final = re.compile(
    rf"(?: [^<>\"'\#\\()\[\]{{}}]++ | {_IRI} | {_STRING} | \#[^\n\r]*+ | {_ESCAPED} )*+", _FLAGS
)
_QUERIES: Final = frozenset(("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"))
_UPDATES: Final = frozenset(
    ["INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"]
)
_PROLOGUE: Final = frozenset(("PREFIX", "BASE", "VERSION"))
_EXPRESSION_CLAUSES: Final = frozenset(("SELECT", "GROUP", "ORDER", "HAVING"))
_NO_EXPRESSION_CLAUSES: Final = frozenset(("WHERE", "FROM", "CONSTRUCT", "DESCRIBE", "ASK"))
_OPERATORS: Final = frozenset(("&&", "||", "!=", "<=", ">=", *"=<>+-*/|!^?"))
_JOINS: Final = frozenset((".", ";", ",", "/", "[", "<<", "~", "{|"))
#: A group after one of these is not joined with what stands before it.
_SETS_APART: Final = frozenset(("UNION", "OPTIONAL", "MINUS", "EXISTS", "WHERE"))
_OPENS: Final = frozenset(("(", "[", "{", "<<", "{|"))
_CLOSES: Final = {")": "(", "]": "[", "}": "{", ">>": "<<", "|}": "{|"}
#: What makes the answer to the same question on the same data another one.
_UNSTEADY: Final = frozenset(("NOW", "RAND", "UUID", "STRUUID", "BNODE"))

Reading = Literal["group", "expression", "collection", "data"]


class Token:
    """A piece of a query; ``upper`` of a word is in capitals, else the text itself."""

    __slots__ = ("frame", "kind", "position", "text", "upper")

    def __init__(self, kind: str, text: str, position: int, frame: _Frame) -> None:
        #: string, variable, name, number, word, sign or iri
        self.kind = kind
        self.text = text
        self.position = position
        self.frame = frame
        self.upper = text.upper() if kind == "word" else text

    @property
    def end(self) -> int:
        return self.position + len(self.text)

    @property
    def is_operand(self) -> bool:
        if self.kind == "word":
            return self.upper in {"TRUE", "FALSE"}
        return self.kind != "sign" or self.text in _CLOSES


class _Frame:
    """What stands between two brackets."""

    __slots__ = ("bracket", "depth", "expects_data", "group", "is_expression_clause", "joins",
                 "parent", "reading")  # fmt: skip

    def __init__(self, bracket: str, reading: Reading, parent: _Frame | None) -> None:
        self.bracket = bracket
        self.reading = reading
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 0
        #: The nearest frame whose patterns are joined: braces, or the whole.
        self.group: _Frame = self if bracket == "{" or parent is None else parent.group
        #: SELECT's projection and the solution modifiers hold expressions in their brackets.
        self.is_expression_clause = False
        self.expects_data = False
        self.joins = 0


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """What the policy found out about a query that it lets pass."""

    #: Whether the query names its dataset with FROM or FROM NAMED.
    names_dataset: bool
    #: Whether the same data gives the same answer: no NOW, RAND, UUID, STRUUID, BNODE.
    is_deterministic: bool = True
    #: SELECT, ASK, CONSTRUCT or DESCRIBE; whatever word comes first in what is no query.
    form: str = ""


@dataclass(frozen=True, slots=True)
class UpdateFacts:
    """What the policy found out about an update request that it lets pass."""

    #: The first word of each operation, WITH left out: ``("INSERT", "DELETE", "LOAD")``.
    operations: tuple[str, ...]
    #: What LOAD would read, as it is written: ``<http://…>`` or a prefixed name.
    loads: tuple[str, ...] = ()
    #: Whether an operation names its dataset with USING, USING NAMED or WITH.
    names_dataset: bool = False


@dataclass(frozen=True)
class Policy:
    """What a query or an update may be and contain."""

    max_query_bytes: int = 262_144
    max_depth: int = 64
    max_joins: int = 128
    max_links: int = 1000
    max_update_bytes: int = 16_777_216

    def check(self, query: str, *, allows_service: bool = False) -> QueryFacts:
        """Return what is known of ``query``; raises QueryForbidden, QueryTooComplex …

        ``allows_service`` lets SERVICE pass: for whoever replaces it before any engine sees the
        query, and for nobody else.
        """
        _limit_bytes(query, "query", self.max_query_bytes)
        facts = self._check_query(query, allows_service=allows_service)
        if (resolved := resolve_escapes(query)) != query:
            other = self._check_query(resolved, allows_service=allows_service)
            facts = QueryFacts(
                names_dataset=facts.names_dataset or other.names_dataset,
                is_deterministic=facts.is_deterministic and other.is_deterministic,
                form=facts.form,
            )
        return facts

    def check_update(self, text: str) -> UpdateFacts:
        """Return what is known of an update request; raises as ``check`` does.

        LOAD is reported, not refused. ``max_joins`` and ``max_links`` are per operation, and
        for its WHERE: templates and data may be long, but no deeper than ``max_depth``.
        """
        _limit_bytes(text, "update", self.max_update_bytes)
        facts = self._check_operations(text)
        if (resolved := resolve_escapes(text)) != text:
            other = self._check_operations(resolved)
            loads = tuple(dict.fromkeys(facts.loads + other.loads))
            names_dataset = facts.names_dataset or other.names_dataset
            facts = UpdateFacts(facts.operations, loads, names_dataset)
        return facts

    def _check_query(self, query: str, *, allows_service: bool) -> QueryFacts:
        names_dataset = False
        is_deterministic = True
        form = ""
        before: Token | None = None
        after_from = False
        count = _Count(self, query, "query")
        for token in tokenize(query, self.max_depth):
            if token.kind == "word":
                upper = token.upper
                if not allows_service:
                    _refuse_service(query, token)
                if not form and upper not in _PROLOGUE:
                    form = upper
                    _refuse_update(form)
                if upper in _UNSTEADY:
                    is_deterministic = False
                if upper == "FROM":
                    names_dataset = after_from = True
                elif upper != "NAMED":
                    after_from = False
            elif after_from:
                if token.kind == "iri" and not _is_remote(token.text):
                    raise QueryForbidden(
                        f"FROM {token.text} is not allowed: files are not read.",
                        "Name a graph of this dataset; GRAPH ?g {} lists them.",
                    )
                after_from = False
            count.add(token, before)
            before = token
        return QueryFacts(names_dataset, is_deterministic, form)

    def _check_operations(self, text: str) -> UpdateFacts:
        operations: list[str] = []
        loads: list[str] = []
        names_dataset = False
        #: The words of this operation so far, before its first bracket.
        form = ""
        before: Token | None = None
        count = _Count(self, text, "update")
        for token in tokenize(text, self.max_depth, skips_data=True):
            upper = token.upper
            if token.kind == "word":
                _refuse_service(text, token)
            if token.frame.parent is not None:
                count.add(token, before)
            elif upper == ";":
                form = ""
                count.links = 0
            elif token.kind == "word":
                names_dataset = names_dataset or upper in {"USING", "WITH"}
                if not form and upper not in _PROLOGUE:
                    _refuse_query(upper)
                    form = upper
                    if upper != "WITH":
                        operations.append(upper)
                elif form == "WITH" and upper in {"INSERT", "DELETE"}:
                    form = upper
                    operations.append(upper)
            elif form == "LOAD" and before and before.upper in {"LOAD", "SILENT"}:
                loads.append(token.text)
            before = token
        return UpdateFacts(tuple(operations), tuple(loads), names_dataset)


class _Count:
    """How much there is of what makes the engine crash or crawl, and how much may be."""

    __slots__ = ("_max_joins", "_max_links", "_text", "_what", "links")

    def __init__(self, policy: Policy, text: str, what: str) -> None:
        self._max_joins = policy.max_joins
        self._max_links = policy.max_links
        self._text = text
        self._what = what
        self.links = 0

    def add(self, token: Token, before: Token | None) -> None:
        """Count ``token``; raises QueryTooComplex where that is one too many."""
        frame = token.frame
        reading = frame.reading
        if reading == "data":
            return
        kind, text = token.kind, token.text
        if (kind == "sign" and text in _OPERATORS) or (
            kind == "word" and token.upper not in _PROLOGUE
        ):
            self.links += 1
            if self.links > self._max_links:
                most = (
                    f"holds more than {self._max_links} operators, UNIONs, OPTIONALs and the like"
                )
                raise self._error(most, token, "max_links")
        if reading == "expression":
            return
        # A triple, a path step, a list member …
        if kind == "sign" and reading == "group":
            is_join = text in _JOINS or (
                text == "{" and before is not None and before.upper not in _SETS_APART
            )
        elif kind == "word" and token.upper == "VALUES":
            is_join = True
        else:
            is_join = reading == "collection" and (token.is_operand or text in _JOINS)
        if is_join:
            group = frame.group
            # An annotation has its reifier's triple and one of its own at least.
            group.joins += 2 if text == "{|" else 1
            if group.joins > self._max_joins:
                most = f"joins more than {self._max_joins} patterns in one group"
                raise self._error(most, token, "max_joins")

    def _error(self, most: str, token: Token, limit: str) -> QueryTooComplex:
        return QueryTooComplex(
            f"The {self._what} {most} ({_place(self._text, token.position)}).",
            "Split it, or use VALUES for long lists.",
            limit=limit,
        )


def resolve_escapes(query: str) -> str:
    r"""Return ``query`` with its ``\uXXXX`` and ``\UXXXXXXXX`` escapes resolved."""
    if "\\u" not in query and "\\U" not in query:
        return query

    def resolve(match: re.Match[str]) -> str:
        code = int(match[1] or match[2], 16)
        return chr(code) if code <= 0x10FFFF else match[0]

    return _ESCAPE.sub(resolve, query)


def tokenize(query: str, max_depth: int = 64, *, skips_data: bool = False) -> Iterator[Token]:
    """Yield the tokens of ``query`` without white space and comments; never fails on text.

    A token carries the frame it stands in; a bracket stands in the frame outside of it. With
    ``skips_data``, of the data of INSERT DATA and DELETE DATA only the outer braces come.
    Raises QueryTooComplex where brackets are nested deeper than ``max_depth``.
    """
    frame = _Frame("", "group", None)
    before: Token | None = None
    last: Token | None = None  # the token before that
    position = 0
    match_token, match_after_operand = _TOKEN.match, _TOKEN_AFTER_OPERAND.match
    while True:
        if frame.reading == "expression" and before is not None and before.is_operand:
            match = match_after_operand(query, position)
        else:
            match = match_token(query, position)
        # Space and nothing after it matches as well.
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            return
        text = match[kind]
        position = match.end()
        token = Token(kind, text, position - len(text), frame)
        if kind == "word":
            _note_clause(frame, token.upper)
        elif kind == "sign" and text in _OPENS:
            frame = _open(frame, text, before, last)
            if frame.depth > max_depth:
                raise _too_deep(query, token.position, max_depth)
            if skips_data and text == "{" and before and before.upper == "DATA":
                position = _skip_data(query, position, max_depth)
        elif kind == "sign" and text in _CLOSES:
            # What closes nothing is left to the parser to complain about.
            if frame.parent and frame.bracket == _CLOSES[text]:
                frame = frame.parent
            token.frame = frame
        yield token
        last, before = before, token


def _skip_data(text: str, position: int, max_depth: int) -> int:
    """Return where the brace stands that closes the data beginning at ``position``."""
    match_data = _DATA.match
    depth = 1
    end = len(text)
    while True:
        match = match_data(text, position)
        position = match.end() if match else end
        if position >= end:
            return end
        sign = text[position]
        if sign in "<>" and text.startswith(sign, position + 1):
            sign += sign
        if sign in _OPENS:
            depth += 1
            if depth > max_depth:
                raise _too_deep(text, position, max_depth)
        elif sign in _CLOSES:
            depth -= 1
            if depth == 0:
                return position
        position += len(sign)


def _note_clause(frame: _Frame, word: str) -> None:
    if word in _EXPRESSION_CLAUSES:
        frame.is_expression_clause = True
    elif word in _NO_EXPRESSION_CLAUSES:
        frame.is_expression_clause = False
        frame.expects_data = False
    elif word == "VALUES" or (frame.parent is None and word in {"INSERT", "DELETE"}):
        frame.expects_data = True


def _open(frame: _Frame, bracket: str, before: Token | None, last: Token | None) -> _Frame:
    """Return the frame that ``bracket`` opens inside ``frame``."""
    if bracket == "<<":
        # Terms and nothing else, whatever stands around it.
        return _Frame(bracket, "data", frame)
    if bracket == "{":
        is_data = frame.expects_data or frame.reading == "data"
        frame.expects_data = False
        # The braces of a SELECT end its projection.
        frame.is_expression_clause = False
        return _Frame(bracket, "data" if is_data else "group", frame)
    if bracket in {"[", "{|"} and frame.reading != "data":
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


def _limit_bytes(text: str, what: str, limit: int) -> None:
    # A character has at most four bytes.
    if len(text) * 4 > limit:
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > limit:
            raise QueryTooComplex(
                f"The {what} is longer than {limit} bytes.",
                f"Shorten it, or raise max-{what}-bytes on a server of your own.",
                limit=f"max_{what}_bytes",
            )


def _refuse_service(text: str, token: Token) -> None:
    if token.upper == "SERVICE":
        raise QueryForbidden(
            f"SERVICE is not allowed here ({_place(text, token.position)}).",
            "Queries at /sparql may ask services: ask there first what an update needs.",
        )


def _refuse_update(form: str) -> None:
    if form in _UPDATES:
        raise ProtocolError(
            f"{form} is an update; this address takes queries.",
            "Use SELECT, ASK, CONSTRUCT or DESCRIBE.",
        )


def _refuse_query(form: str) -> None:
    if form in _QUERIES:
        raise ProtocolError(
            f"{form} is a query; this address takes updates.",
            "Use INSERT, DELETE, LOAD, CLEAR, CREATE, DROP, COPY, MOVE or ADD.",
        )


def _is_remote(iri: str) -> bool:
    return not iri.lower().startswith("<file:")


def _too_deep(text: str, position: int, max_depth: int) -> QueryTooComplex:
    return QueryTooComplex(
        f"Brackets are nested deeper than {max_depth} ({_place(text, position)}).",
        "Flatten them.",
        limit="max_depth",
    )


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line}, column {column}"
