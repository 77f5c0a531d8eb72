"""How is a text made to say something else, and left as its author wrote it?

A mend removes and adds statements. In Turtle, TriG, N-Triples and N-Quads they are looked for in
the text, and only what stands there is altered: a value is written in the place of another, a
statement is taken out of its list, a new one is put behind what is said of the same thing. Names
are written with the prefixes of the text. What stands in brackets has no name that a mend could
know, and is left alone. To an update a mend is appended, as one more step.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

import pyoxigraph as ox

from peninsula.namespaces import PREFIXES
from peninsula.shacl.locating import (
    TOKEN,
    as_stored,
    unescape,
    write_literal,
    write_number,
)

_TYPE: Final = f"<{PREFIXES['rdf']}type>"
_XSD: Final = PREFIXES["xsd"]
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LOCAL: Final = re.compile(r"[A-Za-z0-9_](?:[\w-]*[A-Za-z0-9_])?")
_ESCAPED: Final = re.compile(r"\\(.)")
_DATATYPE: Final = re.compile(r'("(?:[^"\\]|\\.)*")\^\^<([^<>]*)>', re.DOTALL)
_OPENING: Final = {"[": "]", "(": ")"}
#: Formats whose texts are altered in place.
SCANNED: Final = ("turtle", "trig", "ntriples", "nquads")
#: Of these, those that know prefixes.
_PREFIXED: Final = ("turtle", "trig")


@dataclass(frozen=True, slots=True)
class Statement:
    """A triple and the graph that it is in, each as in N-Triples; the default graph is empty."""

    subject: str
    predicate: str
    object: str
    graph: str = ""

    @classmethod
    def of(cls, quad: ox.Quad) -> Statement:
        """Return a quad as text."""
        is_default = isinstance(quad.graph_name, ox.DefaultGraph)
        graph = "" if is_default else str(quad.graph_name)
        return cls(str(quad.subject), str(quad.predicate), str(quad.object), graph)


def append_step(update: str, step: str) -> str:
    """Return an update that does ``step`` as well, after all else."""
    rest = update.rstrip()
    # A comment in the last line would swallow the semicolon.
    separator = "\n;\n" if "#" in rest.rpartition("\n")[2] else " ;\n"
    return f"{rest.removesuffix(';').rstrip()}{separator}{step.strip()}\n"


def rewrite(
    text: str,
    format: str,
    removed: Collection[Statement],
    added: Collection[Statement],
    base: str = "",
) -> str | None:
    """Return ``text`` without ``removed`` and with ``added``; None where that cannot be done.

    It cannot where a statement to be removed does not stand in the text by itself.
    """
    if format not in SCANNED:
        return None
    has_graphs = format in {"trig", "nquads"}
    gone = [_in_text(statement, has_graphs=has_graphs) for statement in removed]
    new = [_in_text(statement, has_graphs=has_graphs) for statement in added]
    while gone:
        was = gone.pop()
        found = _Text.read(text, format, base)
        place = found.find(was) if found else None
        if found is None or place is None:
            return None
        text = _replace(found, place, was, new)
    for statement in sorted(new, key=lambda s: (s.subject, s.predicate, s.object)):
        found = _Text.read(text, format, base)
        if found is None:
            return None
        text = _add(found, statement)
    return text


@dataclass(frozen=True)
class Standing:
    """Which statements stand in a text, so that they can be taken out."""

    _found: _Text
    _has_graphs: bool

    @classmethod
    def of(cls, text: str, format: str, base: str = "") -> Standing | None:
        """Return what stands in ``text``; None where it is not understood."""
        found = _Text.read(text, format, base) if format in SCANNED else None
        if found is None:
            return None
        return cls(found, any(block.graph for block in found.blocks))

    def holds(self, statements: Collection[Statement]) -> bool:
        """Return whether all of ``statements`` stand in the text."""
        return all(
            self._found.find(_in_text(statement, has_graphs=self._has_graphs))
            for statement in statements
        )


def declare(text: str) -> str:
    """Return ``text``, Turtle or the like, with declarations of known prefixes that it lacks."""
    used: set[str] = set()
    declared: set[str] = set()
    tokens = [match for match in TOKEN.finditer(text) if match.lastgroup != "skip"]
    for before, match in zip([None, *tokens], tokens, strict=False):
        if match.lastgroup != "name" or ":" not in match[0] or match[0].startswith("_:"):
            continue
        word = before[0].lower().lstrip("@") if before else ""
        (declared if word == "prefix" else used).add(match[0].partition(":")[0])
    missing = sorted((used - declared) & set(PREFIXES))
    lines = "".join(f"PREFIX {prefix}: <{PREFIXES[prefix]}>\n" for prefix in missing)
    return f"{lines}{text}" if lines else text


def _in_text(statement: Statement, *, has_graphs: bool) -> Statement:
    """Return a statement as it would stand in a text: most know no graphs."""
    if has_graphs:
        return statement
    return Statement(statement.subject, statement.predicate, statement.object)


# What stands where.


@dataclass(slots=True)
class _Term:
    """A term as in N-Triples, empty for what stands in brackets, and its place in the text."""

    term: str
    start: int
    end: int


@dataclass(slots=True)
class _Verb:
    """A predicate with its objects."""

    predicate: _Term
    objects: list[_Term] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.objects[-1].end if self.objects else self.predicate.end


@dataclass(slots=True)
class _Block:
    """What is said of one subject up to the full stop."""

    graph: str
    subject: _Term
    verbs: list[_Verb] = field(default_factory=list)
    end: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """A statement in the text: which object of which predicate of which block."""

    block: _Block
    verb: int
    object: int


@dataclass(frozen=True)
class _Text:
    content: str
    format: str
    blocks: list[_Block]
    prefixes: Mapping[str, str]

    @classmethod
    def read(cls, content: str, format: str, base: str) -> _Text | None:
        """Return what stands in ``content``; None where it holds what is not understood."""
        reader = _Reader(content, base, has_quads=format == "nquads")
        try:
            blocks = list(reader.blocks())
        except _NotUnderstoodError:
            return None
        return cls(content, format, blocks, reader.prefixes)

    def find(self, wanted: Statement) -> _Place | None:
        for block in self.blocks:
            if (block.subject.term, block.graph) != (wanted.subject, wanted.graph):
                continue
            for i, verb in enumerate(block.verbs):
                if verb.predicate.term != wanted.predicate:
                    continue
                for j, term in enumerate(verb.objects):
                    if term.term and wanted.object in {term.term, as_stored(term.term)}:
                        return _Place(block, i, j)
        return None

    def write(self, term: str, *, is_predicate: bool = False) -> str:
        """Return a term with the prefixes of the text."""
        if self.format not in _PREFIXED:
            return term
        if is_predicate and term == _TYPE:
            return "a"
        if term.startswith("<"):
            return self._shorten(term[1:-1]) or term
        if match := _DATATYPE.fullmatch(term):
            name = self._shorten(match[2])
            return f"{match[1]}^^{name}" if name else term
        return term

    def _shorten(self, iri: str) -> str:
        fitting = [
            (len(start), prefix)
            for prefix, start in self.prefixes.items()
            if start and iri.startswith(start) and _LOCAL.fullmatch(iri, len(start))
        ]
        if not fitting:
            return ""
        length, prefix = max(fitting)
        return f"{prefix}:{iri[length:]}"


class _NotUnderstoodError(Exception):
    """The text holds what this module does not know."""


class _Reader:
    """Reads the statements outside of brackets, with their places."""

    def __init__(self, content: str, base: str, *, has_quads: bool) -> None:
        self.prefixes: dict[str, str] = {}
        self._base = base
        self._has_quads = has_quads
        self._graph = ""
        self._block: _Block | None = None
        self._expects_verb = True
        self._is_in_braces = False
        self._tokens = [m for m in TOKEN.finditer(content) if m.lastgroup != "skip"]
        self._at = 0

    def blocks(self) -> Iterator[_Block]:
        """Yield what is said, subject by subject; raises what stands for not understanding it."""
        while self._at < len(self._tokens):
            match = self._tokens[self._at]
            if match.lastgroup == "mark" and match[0] not in _OPENING:
                yield from self._take_mark(match)
                self._at += 1
            elif self._block is not None or not self._declares(match):
                self._take_term(self._term())
        if self._block and self._block.verbs:
            raise _NotUnderstoodError

    def _take_mark(self, match: re.Match[str]) -> Iterator[_Block]:
        match match[0]:
            case "{":
                self._open()
            case "." | "}" as mark:
                if block := self._block:
                    if block.verbs:
                        block.end = match.end() if mark == "." else block.verbs[-1].end
                        yield block
                    self._block = None
                if mark == "}":
                    self._is_in_braces, self._graph = False, ""
            case ";":
                self._expects_verb = True
            case ",":
                pass
            case _:
                raise _NotUnderstoodError

    def _take_term(self, term: _Term) -> None:
        block = self._block
        if block is None:
            self._block, self._expects_verb = _Block(self._graph, term), True
        elif self._expects_verb:
            block.verbs.append(_Verb(term))
            self._expects_verb = False
        elif self._has_quads and block.verbs[-1].objects:
            block.graph = term.term
        else:
            block.verbs[-1].objects.append(term)

    def _open(self) -> None:
        """Begin the block of a graph; what stood before it is its name."""
        if self._is_in_braces:
            raise _NotUnderstoodError
        self._graph = self._block.subject.term if self._block else ""
        self._block, self._is_in_braces = None, True

    def _declares(self, match: re.Match[str]) -> bool:
        """Read a declaration; false where none begins here. ``GRAPH`` is passed over."""
        word = (match["at"] or match["name"] or "").lower()
        if word == "graph":
            self._at += 1
            return True
        if word not in {"prefix", "base"}:
            return False
        parts = self._tokens[self._at + 1 : self._at + 3]
        if word == "prefix" and len(parts) == 2 and parts[0][0].endswith(":"):
            self.prefixes[parts[0][0][:-1]] = self._iri(parts[1])
            self._at += 3
        elif word == "base" and parts:
            self._base = self._iri(parts[0])
            self._at += 2
        else:
            raise _NotUnderstoodError
        return True

    def _term(self) -> _Term:
        match = self._tokens[self._at]
        self._at += 1
        if match[0] in _OPENING:
            return _Term("", match.start(), self._skip(match[0]))
        if match.lastgroup in {"s1", "s2", "s3", "s4"}:
            return self._string(match, match.lastgroup)
        if match.lastgroup == "number":
            term = write_number(match[0])
        elif match.lastgroup not in {"iri", "name"}:
            raise _NotUnderstoodError
        elif match[0].startswith("_:"):
            term = match[0]
        elif match[0] in {"true", "false"}:
            term = write_literal(match[0], datatype=f"{_XSD}boolean")
        else:
            term = _TYPE if match[0] == "a" else f"<{self._iri(match)}>"
        return _Term(term, match.start(), match.end())

    def _string(self, match: re.Match[str], kind: str) -> _Term:
        value, end = unescape(match[kind]), match.end()
        following = self._tokens[self._at : self._at + 2]
        if following and following[0].lastgroup == "at":
            self._at += 1
            term = write_literal(value, language=following[0]["at"])
            return _Term(term, match.start(), following[0].end())
        if len(following) == 2 and following[0][0] == "^^":
            self._at += 2
            term = write_literal(value, datatype=self._iri(following[1]))
            return _Term(term, match.start(), following[1].end())
        return _Term(write_literal(value), match.start(), end)

    def _skip(self, opener: str) -> int:
        """Pass over what stands in brackets; return where that ends."""
        open_ones = [_OPENING[opener]]
        while self._at < len(self._tokens):
            match = self._tokens[self._at]
            self._at += 1
            if match.lastgroup != "mark":
                continue
            if match[0] in _OPENING:
                open_ones.append(_OPENING[match[0]])
            elif match[0] == open_ones[-1]:
                open_ones.pop()
                if not open_ones:
                    return match.end()
        raise _NotUnderstoodError

    def _iri(self, match: re.Match[str]) -> str:
        if match.lastgroup == "iri":
            iri = unescape(match["iri"])
            return urljoin(self._base, iri) if self._base and not _SCHEME.match(iri) else iri
        prefix, colon, local = match[0].partition(":")
        if not colon or prefix not in self.prefixes:
            raise _NotUnderstoodError
        return self.prefixes[prefix] + _ESCAPED.sub(r"\1", local)


# What is altered.


def _replace(found: _Text, place: _Place, was: Statement, new: list[Statement]) -> str:
    """Return the text without a statement; one of ``new`` that fits its place is put there."""
    verb = place.block.verbs[place.verb]
    term = verb.objects[place.object]
    for better in new:
        if (better.subject, better.graph) != (was.subject, was.graph):
            continue
        if better.predicate == was.predicate:
            new.remove(better)
            return _put(found.content, term.start, term.end, found.write(better.object))
        if better.object == was.object and len(verb.objects) == 1:
            new.remove(better)
            name = found.write(better.predicate, is_predicate=True)
            return _put(found.content, verb.predicate.start, verb.predicate.end, name)
    return _take_out(found.content, place)


def _put(content: str, start: int, end: int, text: str) -> str:
    return content[:start] + text + content[end:]


def _take_out(content: str, place: _Place) -> str:
    block, verb = place.block, place.block.verbs[place.verb]
    if len(verb.objects) > 1:
        spans = [(term.start, term.end) for term in verb.objects]
        index = place.object
    elif len(block.verbs) > 1:
        spans = [(one.predicate.start, one.end) for one in block.verbs]
        index = place.verb
    else:
        end = block.end
        if content[end : end + 1] == "\n":
            end += 1
        return _put(content, block.subject.start, end, "")
    # With the separator behind it, or where it is the last, the one before it.
    if index + 1 < len(spans):
        return _put(content, spans[index][0], spans[index + 1][0], "")
    return _put(content, spans[index - 1][1], spans[index][1], "")


def _add(found: _Text, new: Statement) -> str:
    content = found.content
    if found.format not in _PREFIXED:
        terms = (new.subject, new.predicate, new.object, new.graph)
        line = " ".join(filter(None, terms)) + " .\n"
        return f"{content}{'' if not content or content.endswith(chr(10)) else chr(10)}{line}"
    predicate = found.write(new.predicate, is_predicate=True)
    value = found.write(new.object)
    blocks = [b for b in found.blocks if (b.subject.term, b.graph) == (new.subject, new.graph)]
    if not blocks:
        said = f"{found.write(new.subject)} {predicate} {value} ."
        if new.graph:
            said = f"{found.write(new.graph)} {{\n    {said}\n}}"
        return f"{content.rstrip()}\n\n{said}\n"
    block = blocks[-1]
    for verb in block.verbs:
        if verb.predicate.term == new.predicate:
            return _put(content, verb.end, verb.end, f" , {value}")
    end = block.verbs[-1].end
    start = block.verbs[-1].predicate.start
    line = content[content.rfind("\n", 0, start) + 1 : start]
    indent = line if line.strip() == "" and line else "    "
    return _put(content, end, end, f" ;\n{indent}{predicate} {value}")
