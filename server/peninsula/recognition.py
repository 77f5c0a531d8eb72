"""In which format is a text that somebody pasted or dropped?

By the ending of its name, else by how it begins. It is a guess, and the parser has the last word:
what is taken for Turtle and is none is told as bad Turtle.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from peninsula.formats import (
    JSONLD,
    NQUADS,
    NTRIPLES,
    RDF_EXTENSIONS,
    RDFXML,
    TRIG,
    TURTLE,
)

#: The name under which an update goes, beside the names of formats.
UPDATE: Final = "update"
#: Endings of files with updates.
UPDATE_EXTENSIONS: Final = (".ru", ".rq", ".sparql")
#: Characters that are looked at.
_LOOKED_AT: Final = 1 << 18
_STATEMENTS: Final = 50

_COMMENT: Final = re.compile(r"(?:\s+|#[^\n\r]*)*+")
_DECLARATION: Final = re.compile(
    r"(?:PREFIX\s+[^\s:]*:\s*<[^<>\s]*>|BASE\s+<[^<>\s]*>)(?!\s*\.)", re.IGNORECASE
)
_COMMAND: Final = re.compile(
    r"(?:INSERT\s+DATA|DELETE\s+(?:DATA|WHERE)|INSERT\s*\{|DELETE\s*\{|WITH\s*[<\w]|LOAD\s|CLEAR\s|"
    r"DROP\s|CREATE\s|ADD\s|MOVE\s|COPY\s)",
    re.IGNORECASE,
)
_JSON: Final = re.compile(r'\{\s*(?:"|\})|\[\s*(?:\{|"[^"]*"\s*[,\]])')
#: An IRI holds no space, so that an element with a declaration is none.
_XML: Final = re.compile(r"<\?xml|<!|<[\w.-]+:RDF[\s>]|<[\w:.-]+\s[^<>]*xmlns")
_OPAQUE: Final = re.compile(
    r'"{3}(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3}|"(?:[^"\\\n]|\\.)*+"|'
    r"'{3}(?:[^'\\]|\\.|'{1,2}(?!'))*+'{3}|'(?:[^'\\\n]|\\.)*+'|<[^<>\s]*>|\#[^\n]*",
    re.DOTALL,
)
_NODE: Final = r"(?:<[^<>\s]*>|_:[^\s<>]+)"
_LINE: Final = re.compile(
    rf"""\s*{_NODE}\s+<[^<>\s]*>\s+(?:{_NODE}|"(?:[^"\\\n]|\\.)*"(?:@[\w-]+|\^\^<[^<>\s]*>)?)"""
    rf"\s*(?P<graph>{_NODE})?\s*\.\s*(?:\#.*)?"
)


def recognize(text: str, name: str = "") -> str:
    """Return the name of the RDF format of ``text``, or ``update``; ``name`` is its file's."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in UPDATE_EXTENSIONS:
        return UPDATE
    if found := RDF_EXTENSIONS.get(suffix):
        return found.name
    start = text[:_LOOKED_AT].removeprefix("\ufeff")
    position = _COMMENT.match(start).end()  # type: ignore[union-attr]
    if _XML.match(start, position):
        return RDFXML.name
    if _JSON.match(start, position):
        return JSONLD.name
    while match := _DECLARATION.match(start, position):
        position = _COMMENT.match(start, match.end()).end()  # type: ignore[union-attr]
    if _COMMAND.match(start, position):
        return UPDATE
    return _by_statements(start)


def _by_statements(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]
    found = [_LINE.fullmatch(line) for line in lines[:_STATEMENTS]]
    if found and all(found):
        has_graph = any(match and match["graph"] for match in found)
        return NQUADS.name if has_graph else NTRIPLES.name
    return TRIG.name if "{" in _OPAQUE.sub(" ", text) else TURTLE.name
