"""On which line of a submitted text is the statement that a shape found wrong?

The engine's parsers tell no positions of what they accept. So the text is read once more, lightly:
a scanner that knows the tokens of Turtle, TriG, N-Triples, N-Quads (and of the data in a SPARQL
update) and just enough of their grammar to say which triple stands where. It takes linear time and
never fails; what it does not understand has no line. In JSON-LD and RDF/XML a name is looked for
as it is spelt.

A blank node has no name of its own: it is known again by what is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final
from urllib.parse import urljoin

import pyoxigraph as ox

from peninsula.namespaces import PREFIXES, shorten
from peninsula.shacl.report import ValidationReport, ValidationResult

#: Longer texts are not looked through.
LONGEST: Final = 32 << 20

_TYPE: Final = f"<{PREFIXES['rdf']}type>"
_XSD: Final = PREFIXES["xsd"]
TOKEN: Final = re.compile(
    r"""
      (?P<skip> \s++ | \#[^\n\r]*+ )
    | < (?P<iri> (?: [^<>"{}|^`\\\x00-\x20]++ | \\u[0-9A-Fa-f]{4} | \\U[0-9A-Fa-f]{8} )*+ ) >
    | (?: \"{3} (?P<s1> (?: [^"\\]++ | \\. | "{1,2}(?!") )*+ ) (?: \"{3} | \Z )
        | '{3} (?P<s2> (?: [^'\\]++ | \\. | '{1,2}(?!') )*+ ) (?: '{3} | \Z )
        | " (?P<s3> (?: [^"\\\n\r]++ | \\. )*+ ) "
        | ' (?P<s4> (?: [^'\\\n\r]++ | \\. )*+ ) ' )
    | @ (?P<at> [A-Za-z]++ (?: -[A-Za-z0-9]++ )*+ )
    | (?P<number> [+-]?+ (?: [0-9]++ (?: \. [0-9]++ )? | \. [0-9]++ ) (?: \.?[eE] [+-]?+ [0-9]++ )?
        (?! [\w:] ) )
    | (?P<name> (?: [^\s<>"'{}|^`\[\]();,\#\\.@] | \\.
        | \.{1,8}+ (?= [^\s<>"'{}|^`\[\]();,\#.@] ) )++ )
    | (?P<mark> \^\^ | [.;,\[\](){}] )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_CHARACTERS: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_LINE: Final = re.compile(r"\r\n|\n|\r")

#: Formats that the scanner reads; in the others, names are looked for.
_SCANNED: Final = ("turtle", "trig", "ntriples", "nquads", "update")
#: How well a line fits, the best first.
_EXACT, _BY_PATH, _BY_VALUE, _SUBJECT, _OBJECT, _NOWHERE = range(6)
#: A line, and how well it fits.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Located:
    """A triple of a text: its terms as in N-Triples, and the lines of subject and object."""

    subject: str
    predicate: str
    object: str
    subject_line: int
    line: int


@dataclass(frozen=True)
class Text:
    """What was submitted under one name; ``format`` is the name of one, or ``update``."""

    name: str
    content: str = field(repr=False)
    format: str = "turtle"
    base: str = ""

    @cached_property
    def _index(self) -> _Index:
        is_scanned = self.format in _SCANNED and len(self.content) <= LONGEST
        prefixes = PREFIXES if self.format == "update" else {}
        return _Index(scan(self.content, self.base, prefixes) if is_scanned else ())

    def find(self, result: ValidationResult, described: _Index) -> Place:
        """Return where ``result`` is from; ``described`` holds what is said of blank nodes."""
        if len(self.content) > LONGEST:
            return _NOWHERE, 0
        if self.format not in _SCANNED:
            return self._search(result)
        return self._index.find(result, described)

    def _search(self, result: ValidationResult) -> Place:
        for term, rank in ((result.focus_term, _SUBJECT), (result.value_term, _OBJECT)):
            if not term.startswith("<"):
                continue
            for spelling in (term[1:-1], shorten(term[1:-1])):
                found = re.search(rf"""(?<=["'>]){re.escape(spelling)}(?=["'<])""", self.content)
                if found:
                    return rank, len(_LINE.findall(self.content, 0, found.start())) + 1
        return _NOWHERE, 0


class _Index:
    """Triples of a text, by what is looked for."""

    def __init__(self, triples: Iterator[Located] | Sequence[Located]) -> None:
        self.by_subject: dict[str, list[Located]] = {}
        self.by_object: dict[str, list[Located]] = {}
        for triple in triples:
            self.by_subject.setdefault(triple.subject, []).append(triple)
            self.by_object.setdefault(triple.object, []).append(triple)

    @cached_property
    def blank(self) -> dict[frozenset[object], str]:
        """Return the blank nodes by what is said of them; the first of those that are alike."""
        found: dict[frozenset[object], str] = {}
        for subject in self.by_subject:
            if subject.startswith("_:"):
                found.setdefault(self.signature(subject), subject)
        return found

    def signature(self, node: str) -> frozenset[object]:
        """Return what is said of a blank node, whatever blank nodes are called."""
        return frozenset(
            (t.predicate, "_:" if t.object.startswith("_:") else as_stored(t.object))
            for t in self.by_subject.get(node, ())
        )

    def find(self, result: ValidationResult, described: _Index) -> Place:
        """Return the best line for ``result``."""
        focus, value = result.focus_term, result.value_term
        if focus.startswith("_:"):
            focus = self.blank.get(described.signature(focus), focus)
        if value.startswith("_:"):
            value = self.blank.get(described.signature(value), value)
        own = self.by_subject.get(focus, [])
        along = self._along(focus, result.path_term)
        ends = [t for t in along if value and value in {t.object, as_stored(t.object), t.subject}]
        of_value = [t for t in own if value and value in {t.object, as_stored(t.object)}]
        # Of too many values, the last is the one too many.
        is_too_many = result.constraint_component == "MaxCountConstraintComponent"
        candidates: list[tuple[int, list[int]]] = [
            (_EXACT, [t.line for t in ends]),
            (_BY_PATH, [t.line for t in along][-1 if is_too_many else 0 :]),
            (_BY_VALUE, [t.line for t in of_value]),
            (_SUBJECT, [t.subject_line for t in own]),
            (_OBJECT, [t.line for t in self.by_object.get(focus, [])]),
            (_OBJECT, [t.line for t in self.by_object.get(value, [])]),
            (_OBJECT, [t.subject_line for t in self.by_subject.get(value, [])]),
        ]
        return next(((rank, lines[0]) for rank, lines in candidates if lines), (_NOWHERE, 0))

    def _along(self, focus: str, path: str) -> list[Located]:
        """Return the triples about ``focus`` along a path of one step."""
        if path.startswith("^<"):
            return [t for t in self.by_object.get(focus, []) if t.predicate == path[1:]]
        return [t for t in self.by_subject.get(focus, []) if t.predicate == path]


def locate(report: ValidationReport, texts: Sequence[Text]) -> ValidationReport:
    """Return ``report`` with the file and line of each result, where they can be told."""
    if not report.results or not texts:
        return report
    quads = ox.parse(report.ntriples, format=ox.RdfFormat.N_TRIPLES)
    described = _Index([
        Located(str(q.subject), str(q.predicate), str(q.object), 0, 0)
        for q in quads
        if isinstance(q.subject, ox.BlankNode)
    ])  # fmt: skip

    def find(result: ValidationResult) -> ValidationResult:
        if result.file:
            return result
        places = [(*text.find(result, described), number) for number, text in enumerate(texts)]
        rank, line, number = min(places, key=lambda place: (place[0], place[2]))
        if rank == _NOWHERE:
            return result
        return replace(result, file=texts[number].name, line=line)

    return report.map(find)


def scan(text: str, base: str = "", prefixes: dict[str, str] | None = None) -> Iterator[Located]:
    """Yield the triples of ``text`` as they stand, collections as several objects.

    Lists have no cells here: their members are objects of the list's own subject and predicate.
    """
    return _Scanner(text, base, prefixes or {}).triples()


@dataclass
class _Frame:
    """What is being said: of which subject, by which predicate."""

    opener: str = ""
    subject: str = ""
    subject_line: int = 0
    predicate: str = ""


class _Scanner:
    def __init__(self, text: str, base: str, prefixes: dict[str, str]) -> None:
        self._text = text
        self._base = base
        self._prefixes = dict(prefixes)
        self._frames = [_Frame()]
        self._blank = 0
        #: Of a declaration that is being read: its keyword, and the prefix.
        self._declaring: list[str] = []
        #: A string whose datatype or language may follow, and its line.
        self._string: tuple[str, int] | None = None
        self._awaits_datatype = False
        #: Whether the token at hand is one.
        self._is_datatype = False

    def triples(self) -> Iterator[Located]:
        line = 1
        for match in TOKEN.finditer(self._text):
            kind = match.lastgroup or ""
            token = match[0]
            if kind != "skip":
                yield from self._take(kind, match, line)
            line += token.count("\n") + token.count("\r") - token.count("\r\n")

    def _take(self, kind: str, match: re.Match[str], line: int) -> Iterator[Located]:
        if self._string is not None:
            yield from self._end_string(kind, match)
            if self._awaits_datatype or kind == "at" or self._is_datatype:
                return
        if self._declaring and self._declare(kind, match):
            return
        match kind:
            case "s1" | "s2" | "s3" | "s4":
                self._string = unescape(match[kind]), line
            case "iri":
                yield from self._term(f"<{self._iri(kind, match)}>", line)
            case "number":
                yield from self._term(write_number(match[0]), line)
            case "name":
                yield from self._name(match[0], line)
            case "at":
                self._declaring = [match[kind].lower()]
            case "mark":
                yield from self._mark(match[0], line)

    def _end_string(self, kind: str, match: re.Match[str]) -> Iterator[Located]:
        """Make a literal of the string before, with the datatype or language that may follow."""
        assert self._string
        value, line = self._string
        self._is_datatype, self._awaits_datatype = self._awaits_datatype, match[0] == "^^"
        if self._awaits_datatype:
            return
        self._string = None
        datatype = self._iri(kind, match) if self._is_datatype else ""
        language = match["at"] if kind == "at" else None
        yield from self._term(write_literal(value, datatype=datatype, language=language), line)

    def _declare(self, kind: str, match: re.Match[str]) -> bool:
        """Go on with a declaration; false where the token is none of its parts."""
        keyword = self._declaring[0]
        if kind == "iri":
            iri = self._iri(kind, match)
            if keyword == "base":
                self._base = iri
            elif len(self._declaring) > 1:
                self._prefixes[self._declaring[1]] = iri
            self._declaring = []
            return True
        if kind == "name" and keyword == "prefix" and match[0].endswith(":"):
            self._declaring.append(match[0][:-1])
            return True
        self._declaring = []
        return False

    def _name(self, name: str, line: int) -> Iterator[Located]:
        frame = self._frames[-1]
        if name.startswith("_:") or name[0] in "?$":
            yield from self._term(name, line)
        elif name in {"true", "false"}:
            yield from self._term(write_literal(name, datatype=f"{_XSD}boolean"), line)
        elif name == "a" and frame.subject and not frame.predicate:
            yield from self._term(_TYPE, line)
        elif name.lower() in {"prefix", "base"}:
            self._declaring = [name.lower()]
        elif ":" in name:
            yield from self._term(f"<{self._expand(name)}>", line)

    def _mark(self, mark: str, line: int) -> Iterator[Located]:
        match mark:
            case "[" | "(":
                yield from self._open(mark, line)
            case "]" | ")":
                if self._frames[-1].opener in {"[", "("}:
                    self._frames.pop()
            case "{":
                # What stood before it names a graph.
                self._frames[-1] = _Frame(self._frames[-1].opener)
                self._frames.append(_Frame(mark))
            case "}":
                while len(self._frames) > 1 and self._frames.pop().opener != "{":
                    pass
            case ".":
                while self._frames[-1].opener in {"[", "("}:
                    self._frames.pop()
                self._frames[-1] = _Frame(self._frames[-1].opener)
            case ";" if self._frames[-1].opener != "(":
                self._frames[-1].predicate = ""

    def _open(self, mark: str, line: int) -> Iterator[Located]:
        frame = self._frames[-1]
        if mark == "(" and frame.predicate:
            # The members of a list count as objects of what it is the object of.
            self._frames.append(_Frame(mark, frame.subject, frame.subject_line, frame.predicate))
            return
        self._blank += 1
        node = f"_:[{self._blank}"
        yield from self._term(node, line)
        self._frames.append(_Frame(mark, node, line))

    def _term(self, term: str, line: int) -> Iterator[Located]:
        frame = self._frames[-1]
        if not frame.subject:
            frame.subject, frame.subject_line = term, line
        elif not frame.predicate:
            frame.predicate = term
        else:
            yield Located(frame.subject, frame.predicate, term, frame.subject_line, line)

    def _iri(self, kind: str, match: re.Match[str]) -> str:
        if kind == "name":
            return self._expand(match[0])
        iri = unescape(match["iri"] or "") if kind == "iri" else ""
        return urljoin(self._base, iri) if self._base and not _SCHEME.match(iri) else iri

    def _expand(self, name: str) -> str:
        prefix, _, local = name.partition(":")
        return self._prefixes.get(prefix, f"{prefix}:") + _LOCAL.sub(r"\1", local)


_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LOCAL: Final = re.compile(r"\\(.)")


def unescape(text: str) -> str:
    """Return ``text`` with its escapes as the characters that they stand for."""
    if "\\" not in text:
        return text

    def read(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code:
            return chr(min(int(code, 16), 0x10FFFF))
        return _CHARACTERS.get(match[3], match[3])

    return _ESCAPE.sub(read, text)


def write_literal(value: str, *, datatype: str = "", language: str | None = None) -> str:
    """Return a literal as in N-Triples."""
    try:
        if language:
            return str(ox.Literal(value, language=language))
        if datatype:
            return str(ox.Literal(value, datatype=ox.NamedNode(datatype)))
        return str(ox.Literal(value))
    except ValueError:
        return f'"{value}"'


def write_number(text: str) -> str:
    """Return a number of Turtle as in N-Triples."""
    kind = "double" if "e" in text.lower() else "decimal" if "." in text else "integer"
    return write_literal(text, datatype=_XSD + kind)


def as_stored(term: str) -> str:
    """Return a term as a store gives it back: numbers by their value."""
    match = _INTEGER.fullmatch(term)
    return f'"{int(match[1])}"{match[2]}' if match else term


_INTEGER: Final = re.compile(rf'"([+-]?\d{{1,18}})"(\^\^<{re.escape(_XSD)}integer>)')
