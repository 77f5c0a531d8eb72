"""Would a parser pay dearly for this RDF?

Decided before any parser sees it, by patterns that run over a file without reading it whole:
a DOCTYPE in XML, whose entities expand without bound (the engine's parser takes one anywhere,
in capitals or not); nesting that makes a parser crash or crawl; and, for a clear message,
what the engine does not fetch or decode.

The patterns know strings, comments, IRIs and tags as the engine's parsers do, and take time
linear in the size whatever is unclosed: measured 60 to 130 MB a second for XML, JSON-LD and
Turtle, 800 for N-Triples, several times what loading takes.
"""

from __future__ import annotations

import itertools
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from peninsula.errors import RefusedPayload

_F = ox.RdfFormat
#: Deepest nesting: the engine crashes on JSON-LD 4,000 deep, and takes time by the square of the
#: depth; XML nests lists, two elements an item; triple terms crash between 2,000 and 20,000.
MAX_DEPTH: Final = {_F.JSON_LD: 200, _F.RDF_XML: 2000}
MAX_DEPTH_OTHERS: Final = 500

Content = bytes | mmap.mmap

#: Each pattern skips, in its long alternative, what holds no bracket and pairs that are flat
#: enough, in bounded steps so that other threads have their turn. Group 1 opens, group 2
#: closes. What is unclosed reaches to the end, so that nothing is read over and over.
_TURTLE_FLAT: Final = rb"""
        [^"'<>\#\[\](){}\\]++
      | <(?!<) [^<>"{}|^`\x00-\x20]*+ >
      | "(?!"") (?: [^"\\\n\r]++ | \\(?:.|\Z) )*+ "
      | '(?!'') (?: [^'\\\n\r]++ | \\(?:.|\Z) )*+ '
      | "{3} (?: [^"\\]++ | \\(?:.|\Z) | "{1,2}(?!") )*+ (?: "{3} | \Z )
      | '{3} (?: [^'\\]++ | \\(?:.|\Z) | '{1,2}(?!') )*+ (?: '{3} | \Z )
      | \# [^\n\r]*+
      | \\.
      | ["'\\] | <(?!<)
    """
_TURTLE: Final = re.compile(
    rb"""
    (?: %(flat)b | [\[({] (?:%(flat)b)*+ [\])}] | << (?:%(flat)b)*+ >> ){1,20000}+
    | ( << | [\[({] ) | ( >> | [\])}] ) | .
    """
    % {b"flat": _TURTLE_FLAT},
    re.VERBOSE | re.DOTALL,
)
_JSON_FLAT: Final = rb"""[^"\[\]{}]++ | " (?: [^"\\]++ | \\(?:.|\Z) )*+ (?: " | \Z )"""
#: A node, its list of values, a value: three levels that JSON-LD usually has.
_JSON_PAIR: Final = rb"[\[{] (?: %b )*+ [\]}]" % _JSON_FLAT
_JSON_PAIRS: Final = rb"[\[{] (?: %b | %b )*+ [\]}]" % (_JSON_FLAT, _JSON_PAIR)
_JSON: Final = re.compile(
    rb"(?: %(flat)b | [\[{] (?: %(flat)b | %(pairs)b )*+ [\]}] ){1,20000}+ | ( [\[{] ) | ( [\]}] )"
    % {b"flat": _JSON_FLAT, b"pairs": _JSON_PAIRS},
    re.VERBOSE | re.DOTALL,
)
_TAG: Final = rb"""<(?![/!?]) (?: [^"'>/]++ | "[^"]*+(?:"|\Z) | '[^']*+(?:'|\Z) | /(?!>) )*+"""
_XML_FLAT: Final = rb"""
        [^<]++
      | <!-- (?: [^-]++ | -(?!->) )*+ (?: --> | \Z )
      | <!\[CDATA\[ (?: [^\]]++ | \](?!\]>) )*+ (?: \]\]> | \Z )
      | <\? (?: [^?]++ | \?(?!>) )*+ (?: \?> | \Z )
    """
_XML: Final = re.compile(
    rb"""
    (?: %(flat)b | %(tag)b (?: /> | > (?:%(flat)b)*+ </ [^<>]*+ > | \Z ) ){1,20000}+
    | ( %(tag)b > ) | ( </ ) | .
    """
    % {b"flat": _XML_FLAT, b"tag": _TAG},
    re.VERBOSE | re.DOTALL,
)
_PATTERNS: Final = {_F.JSON_LD: _JSON, _F.RDF_XML: _XML}
#: So many levels of a flat pair are skipped unseen.
_HIDDEN: Final = {_F.JSON_LD: 3, _F.RDF_XML: 1}
_HIDDEN_OTHERS: Final = 1

_DOCTYPE: Final = re.compile(rb"<![dD][oO][cC][tT][yY][pP][eE]")
_DECLARATION: Final = re.compile(
    rb"""\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([^"'<>]{0,40})["']"""
)
_CONTEXT: Final = re.compile(rb'"@(?:(import)|context)"\s*+:\s*+(\[)?')
_CONTEXT_MEMBER: Final = re.compile(
    rb'([\[{])|([\]}])|(")(?:[^"\\]++|\\.)*+(?:"|\Z)|[^"\[\]{}]++', re.DOTALL
)
#: The engine refuses remote contexts itself: only so much is looked through for a clear message.
_CONTEXTS_SEEN: Final = 100
_CONTEXT_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Hostility:
    """Why a payload is refused: a clause that follows a colon, and what would mend it."""

    reason: str
    remedy: str


def refuse_hostile(source: Path | bytes, format: ox.RdfFormat) -> None:
    """Raise RefusedPayload where a parser of ``format`` would pay dearly for ``source``."""
    if found := find_hostility(source, format):
        raise RefusedPayload(f"The {format.name} is refused: {found.reason}.", found.remedy)


def find_hostility(source: Path | Content, format: ox.RdfFormat) -> Hostility | None:
    """Return what is wrong with a file, or with bytes, before it is parsed; None: nothing.

    A file is looked at through the page cache and must not shrink meanwhile.
    """
    if not isinstance(source, Path):
        return _find(source, format)
    with source.open("rb") as file:
        if source.stat().st_size == 0:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _find(content, format)


def _find(content: Content, format: ox.RdfFormat) -> Hostility | None:
    found = None
    if format == _F.RDF_XML:
        found = find_in_xml(content)
    elif format == _F.JSON_LD:
        found = _find_remote_context(content)
    elif format in {_F.N_TRIPLES, _F.N_QUADS} and content.find(b"<<") < 0:
        return None
    return found or find_depth(content, format)


def find_in_xml(content: Content) -> Hostility | None:
    """Return what is wrong with XML of whatever vocabulary: a DOCTYPE, an encoding."""
    if content[:2] in {b"\xfe\xff", b"\xff\xfe"} or b"\0" in content[:4]:
        return Hostility("it is not in UTF-8", "Save it as UTF-8.")
    start = content[:1024].removeprefix(b"\xef\xbb\xbf")
    declared = _DECLARATION.match(start)
    if declared and declared[1].lower() not in {b"utf-8", b"utf8", b"us-ascii", b"ascii"}:
        encoding = declared[1].decode("ascii", "replace")
        return Hostility(f"it declares the encoding “{encoding}”", "Save it as UTF-8.")
    if _DOCTYPE.search(content):
        return Hostility(
            "a DOCTYPE is not allowed, because entities can expand without bound",
            "Write the IRIs and texts out.",
        )
    return None


def _find_remote_context(content: Content) -> Hostility | None:
    for match in itertools.islice(_CONTEXT.finditer(content), _CONTEXTS_SEEN):
        is_remote = content[match.end() : match.end() + 1] == b'"'
        if match[2] and not match[1]:
            is_remote = _holds_string(content, match.end())
        if is_remote:
            line = content[: match.start()].count(b"\n") + 1
            return Hostility(
                f"its @context is an address (line {line}), and contexts are not fetched",
                "Put the context itself into the file.",
            )
    return None


def _holds_string(content: Content, position: int) -> bool:
    """Return whether the JSON list that begins before ``position`` has a string as a member."""
    depth = 1
    for match in _CONTEXT_MEMBER.finditer(content, position, position + _CONTEXT_BYTES):
        if match[3] and depth == 1:
            return True
        depth += (match[1] is not None) - (match[2] is not None)
        if depth == 0:
            break
    return False


def find_depth(
    content: Content, format: ox.RdfFormat, limit: int | None = None
) -> Hostility | None:
    """Return what is wrong where brackets, or elements, are nested deeper than ``limit``.

    Default: what parsers of ``format`` stand.
    """
    limit = limit or MAX_DEPTH.get(format, MAX_DEPTH_OTHERS)
    seen = limit - _HIDDEN.get(format, _HIDDEN_OTHERS)
    depth = 0
    for match in _PATTERNS.get(format, _TURTLE).finditer(content):
        group = match.lastindex
        if group == 1:
            depth += 1
            if depth > seen:
                what = "elements" if format == _F.RDF_XML else "brackets"
                return Hostility(
                    f"it is nested deeper than {limit} {what}",
                    "Give nested things a name, and describe them beside each other.",
                )
        elif group == 2 and depth:
            depth -= 1
    return None
