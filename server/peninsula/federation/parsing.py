"""How are the parts of a query found in its text?

By the policy's tokens, not by a parser of SPARQL: whoever asks lets the engine say first that the
query is SPARQL. What cannot be read in spite of that raises :class:`Unreadable`; nothing is ever
guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peninsula.federation.structure import Element, Group, Kind, Names, Query, Select
from peninsula.policy import Token, tokenize

_FORMS: Final = frozenset(("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"))
_ELEMENTS: Final = frozenset(
    ("FILTER", "OPTIONAL", "MINUS", "GRAPH", "SERVICE", "BIND", "VALUES", "LATERAL")
)
_AGGREGATES: Final = frozenset(
    ("COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT", "GROUP", "HAVING")
)
#: What comes after GROUP BY.
_TAIL: Final = frozenset(("HAVING", "ORDER", "LIMIT", "OFFSET", "VALUES"))
_CUTS: Final = frozenset(("LIMIT", "OFFSET"))
_PAIRS: Final = {"(": ")", "[": "]", "{": "}", "<<": ">>", "{|": "|}"}
_CLOSES: Final = {closing: opening for opening, closing in _PAIRS.items()}


class Unreadable(ValueError):
    """The query is put together in a way that is not known here."""


def read_query(text: str, max_depth: int = 64) -> Query:
    """Return the parts of ``text``; raises Unreadable."""
    return _Reader(text, max_depth).read()


class _Reader:
    """Goes through the tokens of a query once, from left to right."""

    def __init__(self, text: str, max_depth: int) -> None:
        self._text = text
        self._tokens = list(tokenize(text, max_depth))
        self._partners = _pair(self._tokens)

    def read(self) -> Query:
        prefixes, base, start = self._read_prologue()
        tokens = self._tokens
        if start >= len(tokens) or tokens[start].upper not in _FORMS:
            raise Unreadable("it is no query")
        form = tokens[start].upper
        where = start + 1
        if form == "CONSTRUCT" and self._is(where, "{"):
            where = self._partner(where) + 1  # the template
        brace = self._find_brace(where)
        clauses = self._find_dataset(where, brace)
        if brace is None:
            select = Select(None, None)
        else:
            group, end = self._read_group(brace)
            select = self._make_select(start, brace, group, end, len(tokens))
        if form != "SELECT":
            select.is_distinct = form == "ASK"
            # A template names what it takes; DESCRIBE * takes all there is.
            is_open = form == "DESCRIBE" and self._is(start + 1, "*")
            select.projection = None if is_open else {}
        body = tokens[start].position
        return Query(self._text, tokens, form, prefixes, base, body, clauses, select)

    def _read_prologue(self) -> tuple[dict[str, str], str | None, int]:
        prefixes: dict[str, str] = {}
        base = None
        tokens = self._tokens
        i = 0
        while i < len(tokens) and tokens[i].kind == "word":
            match tokens[i].upper:
                case "PREFIX" if i + 2 < len(tokens):
                    prefixes[tokens[i + 1].text.rstrip(":")] = tokens[i + 2].text
                    i += 3
                case "BASE" if i + 1 < len(tokens):
                    base = tokens[i + 1].text
                    i += 2
                case "VERSION":
                    i += 2
                case _:
                    break
        return prefixes, base, i

    def _find_brace(self, start: int) -> int | None:
        """Return where the group of a select opens."""
        i = start
        while i < len(self._tokens):
            token = self._tokens[i]
            if token.kind == "sign":
                if token.text == "{":
                    return i
                if token.text in _PAIRS:
                    i = self._partner(i)
            i += 1
        return None

    def _find_dataset(self, start: int, end: int | None) -> str:
        tokens = self._tokens[start:end]
        clauses = [t for t in tokens if t.kind == "word" and t.upper in {"FROM", "WHERE"}]
        begins = [t.position for t in clauses if t.upper == "FROM"]
        if not begins:
            return ""
        ends = [t.position for t in clauses if t.upper == "WHERE"]
        if end is None:
            after = [t.position for t in tokens if t.upper in {"LIMIT", "ORDER", "OFFSET"}]
            ends = after or [len(self._text)]
        return self._text[begins[0] : ends[0] if ends else self._tokens[end or 0].position]

    # Selects.

    def _read_select(self, start: int, end: int) -> Select:
        """Read a subselect, whose SELECT is the token at ``start``."""
        brace = self._find_brace(start)
        if brace is None or brace >= end:
            raise Unreadable("a subselect has no group")
        group, after = self._read_group(brace)
        return self._make_select(start, brace, group, after, end)

    def _make_select(self, start: int, brace: int, group: Group, after: int, end: int) -> Select:
        """Return a select: its words stand before its ``brace``, its modifiers ``after`` it."""
        others: list[Group] = []
        tail = after
        values = None
        while tail < end:
            token = self._tokens[tail]
            if token.kind == "word" and token.upper == "VALUES":
                values, tail = self._read_values(tail)
            elif token.kind == "word" and token.upper == "EXISTS" and self._is(tail + 1, "{"):
                other, tail = self._read_group(tail + 1)
                others.append(other)
            else:
                tail += 1
        projection, is_distinct = self._read_projection(start, brace, others)
        words = self._words(start, brace) | self._words(after, end)
        return Select(
            group,
            projection,
            is_distinct=is_distinct,
            is_aggregated=not words.isdisjoint(_AGGREGATES),
            keys=self._read_keys(after, end),
            is_cut=not words.isdisjoint(_CUTS),
            values=values,
            others=others,
        )

    def _read_keys(self, start: int, end: int) -> Names:
        """Return the variables that GROUP BY names by themselves."""
        i = next((i for i in range(start, end) if self._is_word(i, "GROUP")), end) + 2
        keys = set()
        while i < end and not (self._tokens[i].kind == "word" and self._tokens[i].upper in _TAIL):
            if self._tokens[i].kind == "variable":
                keys.add(self._tokens[i].text[1:])
            elif self._is(i, "("):
                i = self._partner(i)
            i += 1
        return frozenset(keys)

    def _read_projection(
        self, start: int, brace: int, others: list[Group]
    ) -> tuple[dict[str, bool] | None, bool]:
        tokens = self._tokens
        i = start + 1
        is_distinct = False
        if i < brace and tokens[i].upper in {"DISTINCT", "REDUCED"}:
            is_distinct = tokens[i].upper == "DISTINCT"
            i += 1
        if self._is(i, "*"):
            return None, is_distinct
        projection: dict[str, bool] = {}
        while i < brace:
            token = tokens[i]
            if token.kind == "variable":
                projection[token.text[1:]] = True
            elif self._is(i, "("):
                end = self._partner(i)
                others += self._find_exists(i + 1, end)
                projection[self._find_alias(i, end)] = False
                i = end
            elif token.kind == "word":
                break  # FROM or WHERE
            i += 1
        return projection, is_distinct

    def _find_alias(self, start: int, end: int) -> str:
        """Return the variable after AS at the end of brackets."""
        if end - start < 4 or self._tokens[end - 1].kind != "variable":
            raise Unreadable("an expression has no name")
        return self._tokens[end - 1].text[1:]

    # Groups.

    def _read_group(self, brace: int) -> tuple[Group, int]:
        """Read a group that opens at ``brace``; return it and where it goes on after it."""
        if not self._is(brace, "{"):
            raise Unreadable("a group is missing")
        end = self._partner(brace)
        tokens = self._tokens
        group = Group(tokens[brace].position, tokens[end].end)
        if brace + 1 < end and self._is_word(brace + 1, "SELECT"):
            group.select = self._read_select(brace + 1, end)
            return group, end + 1
        i = brace + 1
        while i < end:
            if self._is(i, "."):
                i += 1
                continue
            element, i = self._read_element(i, end)
            group.elements.append(element)
        return group, end + 1

    def _read_element(self, i: int, end: int) -> tuple[Element, int]:
        token = self._tokens[i]
        readers = {
            "FILTER": self._read_filter,
            "BIND": self._read_bind,
            "VALUES": self._read_values,
            "GRAPH": self._read_named,
            "SERVICE": self._read_named,
        }
        if token.kind == "word" and token.upper in _ELEMENTS:
            return readers.get(token.upper, self._read_kept)(i)
        if self._is(i, "{"):
            return self._read_union(i)
        return self._read_triples(i, end)

    def _read_kept(self, i: int) -> tuple[Element, int]:
        group, after = self._read_group(i + 1)
        kinds: dict[str, Kind] = {"OPTIONAL": "optional", "MINUS": "minus", "LATERAL": "lateral"}
        return self._make(kinds[self._tokens[i].upper], i, after, groups=[group]), after

    def _read_named(self, i: int) -> tuple[Element, int]:
        kind: Kind = "graph" if self._tokens[i].upper == "GRAPH" else "service"
        at = i + 1
        is_silent = kind == "service" and self._is_word(at, "SILENT")
        at += is_silent
        if at >= len(self._tokens) or self._tokens[at].kind not in {"iri", "name", "variable"}:
            raise Unreadable(f"{kind.upper()} has no name")
        name = self._tokens[at]
        group, after = self._read_group(at + 1)
        element = self._make(kind, i, after, groups=[group])
        element.name, element.is_silent = name, is_silent
        if name.kind == "variable":
            element.own = element.own_certain = frozenset((name.text[1:],))
        return element, after

    def _read_union(self, i: int) -> tuple[Element, int]:
        first, after = self._read_group(i)
        groups = [first]
        while self._is_word(after, "UNION"):
            group, after = self._read_group(after + 1)
            groups.append(group)
        return self._make("union" if len(groups) > 1 else "group", i, after, groups=groups), after

    def _read_filter(self, i: int) -> tuple[Element, int]:
        at = i + 1
        if self._is_word(at, "NOT"):
            at += 1
        if self._is_word(at, "EXISTS"):
            group, after = self._read_group(at + 1)
            return self._make("filter", i, after, groups=[group]), after
        if not self._is(at, "("):
            at += 1  # the name of a function
        if not self._is(at, "("):
            raise Unreadable("FILTER has no condition")
        end = self._partner(at)
        exists = self._find_exists(at + 1, end)
        return self._make("filter", i, end + 1, groups=exists), end + 1

    def _read_bind(self, i: int) -> tuple[Element, int]:
        if not self._is(i + 1, "("):
            raise Unreadable("BIND has no expression")
        end = self._partner(i + 1)
        element = self._make("bind", i, end + 1, groups=self._find_exists(i + 2, end))
        element.own = frozenset((self._find_alias(i + 1, end),))
        return element, end + 1

    def _find_exists(self, start: int, end: int) -> list[Group]:
        """Return the groups of EXISTS in an expression."""
        groups = []
        i = start
        while i < end:
            if self._is_word(i, "EXISTS") and self._is(i + 1, "{"):
                group, i = self._read_group(i + 1)
                groups.append(group)
                continue
            if self._is(i, "{"):
                raise Unreadable("a group stands in an expression")
            i += 1
        return groups

    def _read_values(self, i: int) -> tuple[Element, int]:
        at = i + 1
        names = []
        has_rows = self._is(at, "(")
        if has_rows:
            end = self._partner(at)
            names = [t.text[1:] for t in self._tokens[at + 1 : end] if t.kind == "variable"]
            at = end
        elif at < len(self._tokens) and self._tokens[at].kind == "variable":
            names = [self._tokens[at].text[1:]]
        if not self._is(at + 1, "{"):
            raise Unreadable("VALUES has no rows")
        end = self._partner(at + 1)
        element = self._make("values", i, end + 1)
        element.own = frozenset(names)
        unbound = self._find_unbound(at + 2, end, has_rows=has_rows)
        element.own_certain = frozenset(n for k, n in enumerate(names) if k not in unbound)
        return element, end + 1

    def _find_unbound(self, start: int, end: int, *, has_rows: bool) -> set[int]:
        """Return the columns of VALUES in which some row has UNDEF."""
        unbound = set()
        column = 0
        i = start
        while i < end:
            token = self._tokens[i]
            if self._is(i, "(") and has_rows:
                column = 0
            elif token.kind == "sign" and token.text in _PAIRS:
                i = self._partner(i)
                column += 1
            elif self._is(i, "^^"):
                i += 1  # the datatype of the term before
            elif token.kind == "word" and token.upper == "UNDEF":
                unbound.add(column if has_rows else 0)
                column += 1
            elif token.kind != "sign" and not token.text.startswith("@"):
                column += 1
            i += 1
        return unbound

    def _read_triples(self, i: int, end: int) -> tuple[Element, int]:
        start = i
        last = i
        while i < end:
            token = self._tokens[i]
            if token.kind == "word" and token.upper in _ELEMENTS:
                break
            if token.kind == "sign":
                if token.text == "{":
                    break
                if token.text in _PAIRS:
                    i = self._partner(i)
            if not self._is(i, "."):
                last = i
            i += 1
        element = self._make("triples", start, last + 1)
        element.own = element.own_certain = element.mentioned
        return element, i

    # Tokens.

    def _make(
        self, kind: Kind, start: int, after: int, *, groups: list[Group] | None = None
    ) -> Element:
        tokens = self._tokens[start:after]
        return Element(
            kind,
            tokens[0].position,
            tokens[-1].end,
            frozenset(token.text[1:] for token in tokens if token.kind == "variable"),
            self._words(start, after),
            groups or [],
        )

    def _words(self, start: int, end: int) -> frozenset[str]:
        return frozenset(t.upper for t in self._tokens[start:end] if t.kind == "word")

    def _is(self, i: int, sign: str) -> bool:
        if i >= len(self._tokens):
            return False
        token = self._tokens[i]
        return token.kind == "sign" and token.text == sign

    def _is_word(self, i: int, word: str) -> bool:
        if i >= len(self._tokens):
            return False
        token = self._tokens[i]
        return token.kind == "word" and token.upper == word

    def _partner(self, i: int) -> int:
        try:
            return self._partners[i]
        except KeyError:
            raise Unreadable("a bracket is not closed") from None


def _pair(tokens: Sequence[Token]) -> dict[int, int]:
    """Return where the bracket stands that closes each one."""
    partners = {}
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        if token.text in _PAIRS:
            opened.append(i)
        elif token.text in _CLOSES:
            if not opened or tokens[opened[-1]].text != _CLOSES[token.text]:
                raise Unreadable("a bracket closes none")
            partners[opened.pop()] = i
    if opened:
        raise Unreadable("a bracket is not closed")
    return partners
