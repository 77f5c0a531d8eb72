"""What is wrong with a query or an update that the engine cannot read, and where?

The engine says where its parser gave up, which is often behind the mistake. So the tokens are
looked through first for what people mistype: a string or bracket left open, a prefix that is
nowhere declared, a word that is none of SPARQL's. Only where all of that is in order does the
engine's own message stand.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from peninsula.errors import QuerySyntaxError, QueryTooComplex
from peninsula.policy import Token, tokenize

_POSITION: Final = re.compile(r"error at (\d+):(\d+): expected (.*)", re.DOTALL)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)+"')
_SCHEME: Final = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}", "<<": ">>", "{|": "|}"}
#: What the engine says in sentences, and how we say it.
_SENTENCES: Final = {
    "Duplicated variable name in SELECT": "SELECT names a variable twice.",
    "The SELECT contains a variable that is unbound": (
        "SELECT names a variable that is neither in GROUP BY nor inside COUNT, MAX, …"
    ),
    "SELECT * is not authorized with GROUP BY": "SELECT * does not go with GROUP BY.",
    "Variables are not allowed in INSERT DATA": (
        "INSERT DATA takes no variables, and no literal as a subject."
    ),
    "Variables and blank nodes are not allowed in DELETE DATA": (
        "DELETE DATA takes neither variables nor blank nodes."
    ),
    "Blank nodes are not allowed in DELETE WHERE": "DELETE WHERE takes no blank nodes.",
    "IRI parsing failed": "an IRI is not absolute or has a character that no IRI has.",
}
#: Every word of SPARQL 1.1 and of what the engine adds from 1.2, but for “a”.
_WORDS: Final = frozenset(
    """
    BASE PREFIX VERSION SELECT DISTINCT REDUCED AS CONSTRUCT WHERE DESCRIBE ASK FROM NAMED GROUP BY
    HAVING ORDER ASC DESC LIMIT OFFSET VALUES UNDEF OPTIONAL GRAPH SERVICE SILENT BIND UNION MINUS
    FILTER EXISTS NOT IN TRUE FALSE LATERAL REIFIES COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT
    SEPARATOR STR LANG LANGMATCHES LANGDIR DATATYPE BOUND IRI URI BNODE RAND ABS CEIL FLOOR ROUND
    CONCAT STRLEN UCASE LCASE ENCODE_FOR_URI CONTAINS STRSTARTS STRENDS STRBEFORE STRAFTER YEAR
    MONTH DAY HOURS MINUTES SECONDS TIMEZONE TZ NOW UUID STRUUID MD5 SHA1 SHA256 SHA384 SHA512
    COALESCE IF STRLANG STRLANGDIR STRDT SAMETERM SAMEVALUE ISIRI ISURI ISBLANK ISLITERAL ISNUMERIC
    ISTRIPLE REGEX SUBSTR REPLACE TRIPLE SUBJECT PREDICATE OBJECT HASLANG HASLANGDIR ADJUST
    """.split()  # noqa: SIM905, a list of words reads best as one
)

_UPDATE_WORDS: Final = frozenset(
    """
    INSERT DELETE DATA WITH USING LOAD CLEAR DROP CREATE ADD MOVE COPY INTO TO DEFAULT ALL
    """.split()  # noqa: SIM905
)
#: Longer texts are data for the most part: only the engine's own message is given.
_LONGEST: Final = 262_144

#: What is wrong, what would mend it, and at which character.
Diagnosis = tuple[str, str, int]


def explain(
    query: str,
    message: str,
    prefixes: Mapping[str, str],
    *,
    is_update: bool = False,
    start: int = 0,
    lines_before: int = 0,
) -> QuerySyntaxError:
    """Return the engine's ``message`` about ``query`` as an error with a place and words.

    Where the engine was given a part of it: ``start`` is the character at which the part
    begins, ``lines_before`` how many lines of something else stood before it.
    """
    words = _WORDS | _UPDATE_WORDS if is_update else _WORDS
    try:
        tokens = list(tokenize(query)) if len(query) <= _LONGEST else []
    except QueryTooComplex:
        tokens = []
    for problem, remedy, position in _diagnose(tokens, prefixes, words):
        return _error(query, problem, remedy, position)
    match = _POSITION.search(message)
    if not match:
        what = "update" if is_update else "query"
        return QuerySyntaxError(f"The {what} cannot be read: {message}")
    line = max(int(match[1]) - lines_before, 1)
    position = start + _offset(query[start:], line, int(match[2]))
    return _error(query, _translate(match[3], query[position : position + 1]), "", position)


def _diagnose(
    tokens: list[Token], prefixes: Mapping[str, str], words: Collection[str]
) -> Iterator[Diagnosis]:
    for token in tokens:
        if token.kind == "sign" and token.text in {"'", '"'}:
            yield ("this string is not closed.", "Add the closing quote.", token.position)
            return
    yield from _check_brackets(tokens)
    yield from _check_words(tokens, words)
    yield from _check_prefixes(tokens, prefixes)
    if not any(token.upper == "BASE" for token in tokens):
        for token in tokens:
            if token.kind == "iri" and not _SCHEME.match(token.text):
                problem = f"the IRI {token.text} is not absolute, and there is no BASE."
                yield (problem, "Write it in full.", token.position)


def _check_brackets(tokens: Iterable[Token]) -> Iterator[Diagnosis]:
    opened: list[Token] = []
    for token in tokens:
        if token.kind != "sign":
            continue
        if token.text in _CLOSING:
            opened.append(token)
        elif token.text in _CLOSING.values():
            if not opened:
                yield (f"“{token.text}” closes nothing.", "Take it out.", token.position)
                return
            begin = opened.pop()
            if _CLOSING[begin.text] != token.text:
                problem = f"“{token.text}” does not close “{begin.text}”."
                yield (problem, f"Add “{_CLOSING[begin.text]}” before it.", token.position)
                return
    if opened:
        begin = opened[-1]
        yield (f"“{begin.text}” is never closed.", f"Add “{_CLOSING[begin.text]}”.", begin.position)


def _check_words(tokens: Iterable[Token], words: Collection[str]) -> Iterator[Diagnosis]:
    for token in tokens:
        if token.kind == "word" and token.upper not in words and token.text != "a":
            near = difflib.get_close_matches(token.upper, words, n=1)
            remedy = f"Did you mean {near[0]}?" if near else "A variable begins with “?”."
            yield (f"“{token.text}” is no word of SPARQL.", remedy, token.position)


def _check_prefixes(tokens: list[Token], prefixes: Mapping[str, str]) -> Iterator[Diagnosis]:
    before: Token | None = None
    declared = set(prefixes)
    for token in tokens:
        if token.kind == "name" and token.text[0] not in "_@":
            prefix = token.text.partition(":")[0]
            if before and before.upper == "PREFIX":
                declared.add(prefix)
            elif prefix not in declared:
                problem = f"the prefix “{prefix}:” is not declared."
                yield (problem, f"Add PREFIX {prefix}: <…> at the top.", token.position)
        before = token


def _translate(expected: str, found: str) -> str:
    """Return what the engine expected, in words; it lists terminals of its grammar."""
    for sentence, translation in _SENTENCES.items():
        if sentence in expected:
            return translation
    words = re.findall(r"(?<![\w'])[A-Z]{2,}(?:_[A-Z]+)*(?![\w'])", _QUOTED.sub("", expected))
    marks = [mark.strip('"').replace("\\", "") for mark in _QUOTED.findall(expected)]
    hints = sorted({*words, *marks} - {""})[:6]
    # One lone word is where the parser tried last, not what was meant.
    hint = f"; possible would be {' '.join(hints)}" if len(hints) > 1 else ""
    where = f"at “{found}”" if found.strip() else "here"
    return f"this is not SPARQL {where}{hint}."


def _error(query: str, problem: str, remedy: str, position: int) -> QuerySyntaxError:
    begin = query.rfind("\n", 0, position) + 1
    line, column = query.count("\n", 0, position) + 1, position - begin + 1
    text = query[begin:].partition("\n")[0].replace("\t", " ")
    start = max(0, column - 41)
    excerpt = f"{text[start : column + 40]}\n{' ' * (column - 1 - start)}^"
    message = f"Line {line}, column {column}: {problem}"
    return QuerySyntaxError(message, remedy, line=line, column=column, excerpt=excerpt)


def _offset(query: str, line: int, column: int) -> int:
    begin = 0
    for _ in range(line - 1):
        begin = query.find("\n", begin) + 1
    return min(begin + column - 1, len(query))
